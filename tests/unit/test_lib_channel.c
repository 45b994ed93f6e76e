// SPDX-License-Identifier: GPL-2.0-only
/*
 * tools/lib/channel.c: receiving, waiting, the inbox. A socket pair stands for
 * the device: what is written at one end is one read() at the other. Takes nothing.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include "../../tools/lib/channel.c"
#include "tap.h"

enum { THREADS = 4, MESSAGES = 2000 };

struct rig {
	struct vexipc_channel ch;
	int device;			/* the other end */
	int wake;
};

static void rig_open(struct rig *rig)
{
	int fds[2];

	memset(rig, 0, sizeof(*rig));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		tap_bail("no sockets");
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK))
		tap_bail("cannot make a socket nonblocking");
	rig->device = fds[1];
	rig->wake = eventfd(0, EFD_CLOEXEC);
	rig->ch.ops = &vxi_chardev_ops;
	rig->ch.fd = fds[0];
	rig->ch.inbox_tail = &rig->ch.inbox;
	rig->ch.wake_fd = -1;
	pthread_mutex_init(&rig->ch.lock, NULL);
	if (channel_prepare(&rig->ch) || vxi_channel_set_wake(&rig->ch, rig->wake))
		tap_bail("cannot watch a socket");
}

static void rig_close(struct rig *rig)
{
	close(rig->device);
	close(rig->wake);
	close(rig->ch.poll_fd);
	close(rig->ch.inbox_fd);
	close(rig->ch.fd);
	pthread_mutex_destroy(&rig->ch.lock);
}

/* Let the device give so many messages, numbered from @first, to one read(). */
static void give(struct rig *rig, uint64_t first, unsigned int count)
{
	unsigned char buf[4096];
	size_t len = 0;

	for (unsigned int i = 0; i < count; i++)
		len += (size_t)vexipc_message_build(buf + len, sizeof(buf) - len,
						    VEXIPC_MSG_ACK, first + i, 0, NULL, 0);
	if (write(rig->device, buf, len) != (ssize_t)len)
		tap_bail("cannot write");
}

/* The number of the next message, or a negative errno. */
static int64_t take(struct rig *rig, void **buf, size_t *room, int timeout_ms)
{
	ssize_t len = vexipc_channel_recv(&rig->ch, buf, room, timeout_ms);
	struct vexipc_message message;

	if (len < 0)
		return len;
	if (vexipc_message_parse(*buf, (size_t)len, &message) != len)
		return -EBADMSG;
	return (int64_t)message.correlation_id;
}

static bool readable(int fd)
{
	return poll(&(struct pollfd) { .fd = fd, .events = POLLIN }, 1, 0) == 1;
}

static void test_one(void)
{
	uint64_t one = 1, begun;
	void *buf = NULL;
	size_t room = 0;
	struct rig rig;
	bool order = true;

	rig_open(&rig);
	tap_ok(take(&rig, &buf, &room, 0) == -EAGAIN, "nothing there is EAGAIN at once");
	begun = now_ns();
	tap_ok(take(&rig, &buf, &room, 30) == -EAGAIN && now_ns() - begun >= 30000000,
	       "nothing there is EAGAIN when the time is up, not before");
	give(&rig, 1, 5);
	tap_ok(readable(vexipc_channel_fd(&rig.ch)), "a message makes the channel readable");
	for (int64_t i = 1; i <= 5; i++) {
		order &= take(&rig, &buf, &room, i % 2 ? -1 : 0) == i;
		order &= readable(vexipc_channel_fd(&rig.ch)) == (i < 5);
	}
	tap_ok(order, "five messages of one read come one by one, and it is readable until the last");
	give(&rig, 9, 1);
	if (write(rig.wake, &one, sizeof(one)) < 0)
		tap_bail("cannot write");
	tap_ok(take(&rig, &buf, &room, 0) == 9, "who does not wait is not woken");
	tap_ok(take(&rig, &buf, &room, -1) == -ECANCELED, "who waits is woken");
	if (read(rig.wake, &one, sizeof(one)) < 0)
		tap_bail("cannot read");
	shutdown(rig.device, SHUT_RDWR);
	tap_ok(take(&rig, &buf, &room, -1) == -ESHUTDOWN, "the end of the device is ESHUTDOWN");
	rig_close(&rig);
	free(buf);
}

static struct rig shared;
static atomic_uchar seen[MESSAGES];
static atomic_uint total;

static void *receive(void *arg)
{
	void *buf = NULL;
	size_t room = 0;
	int64_t n;

	(void)arg;
	while ((n = take(&shared, &buf, &room, -1)) >= 0) {
		if (n < MESSAGES)
			atomic_fetch_add(&seen[n], 1);
		atomic_fetch_add(&total, 1);
	}
	free(buf);
	return (void *)(intptr_t)n;
}

/* One read() takes several messages: the other threads must wake up for the rest. */
static void test_threads(void)
{
	pthread_t threads[THREADS];
	bool once = true, woken = true;
	uint64_t one = 1, end;
	unsigned int given = 0;
	void *result;

	rig_open(&shared);
	for (unsigned int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, receive, NULL))
			tap_bail("no threads");
	for (unsigned int n = 1; given < MESSAGES; given += n, n = n % 16 + 1) {
		if (n > MESSAGES - given)
			n = MESSAGES - given;
		give(&shared, given, n);
	}
	end = now_ns() + 20000000000u;
	while (atomic_load(&total) < MESSAGES && now_ns() < end)
		sched_yield();
	if (write(shared.wake, &one, sizeof(one)) < 0)
		tap_bail("cannot write");
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		woken &= (intptr_t)result == -ECANCELED;
	}
	for (unsigned int i = 0; i < MESSAGES; i++)
		once &= seen[i] == 1;
	tap_ok(once && total == MESSAGES, "four threads get each of %d messages once", MESSAGES);
	tap_ok(woken, "one wake-up ends all four");
	rig_close(&shared);
}

int main(void)
{
	test_one();
	test_threads();
	return tap_done();
}
