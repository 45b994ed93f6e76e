// SPDX-License-Identifier: GPL-2.0-only
/* Reading, writing and polling the device. */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "abi.h"

enum { HEADER = sizeof(struct vexipc_msg_header) };

/* A query whose answer is one small message: the module's own health. */
static void ask(int fd, uint64_t correlation)
{
	struct msg m = { 0 };

	msg_health_check(&m, correlation, "");
	EQUAL(write(fd, m.data, m.len), m.len);
	msg_free(&m);
}

enum { ANSWER = HEADER + sizeof(struct vexipc_health_response_body) };

static uint64_t correlation_at(const void *buf, size_t offset)
{
	struct vexipc_msg_header header;

	memcpy(&header, (const char *)buf + offset, sizeof(header));
	return header.correlation_id;
}

/* Memory of which all from the returned end on is not mapped. */
static unsigned char *guarded(size_t room)
{
	size_t size = (room + 4095) & ~(size_t)4095;
	unsigned char *p = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	EQUAL(mprotect(p + size, 4096, PROT_NONE), 0);
	return p + size;
}

static ssize_t result(ssize_t n)
{
	return n < 0 ? -errno : n;
}

static void nonblocking(void)
{
	int fd = device_open(O_NONBLOCK);
	char buf[256];

	EQUAL(result(read(fd, buf, sizeof(buf))), -EAGAIN);
	ask(fd, 5);
	EQUAL(read(fd, buf, sizeof(buf)), ANSWER);
	EQUAL(correlation_at(buf, 0), 5);
	EQUAL(result(read(fd, buf, sizeof(buf))), -EAGAIN);
	/* The flag may come later. */
	EQUAL(fcntl(fd, F_SETFL, 0), 0);
	ask(fd, 6);
	EQUAL(read(fd, buf, sizeof(buf)), ANSWER);
	EQUAL(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	EQUAL(result(read(fd, buf, sizeof(buf))), -EAGAIN);
	close(fd);
}

static void *ask_later(void *data)
{
	usleep(100000);
	ask(*(int *)data, 9);
	return NULL;
}

static void blocking(void)
{
	int fd = device_open(0);
	pthread_t thread;
	char buf[256];

	pthread_create(&thread, NULL, ask_later, &fd);
	EQUAL(read(fd, buf, sizeof(buf)), ANSWER);
	EQUAL(correlation_at(buf, 0), 9);
	pthread_join(thread, NULL);
	close(fd);
}

static void interrupted(void)
{
	int fd = device_open(0);
	char buf[256];

	interrupt_calls(true);
	EQUAL(result(read(fd, buf, sizeof(buf))), -EINTR);
	interrupt_calls(false);
	close(fd);
}

static void short_reads(void)
{
	int fd = device_open(O_NONBLOCK), size;
	char buf[1024];

	EQUAL(result(read(fd, buf, 0)), -EINVAL);
	EQUAL(result(read(fd, buf, HEADER - 1)), -EINVAL);
	ask(fd, 1);
	ask(fd, 2);
	for (size_t room = HEADER; room < ANSWER; room++) {
		AT("room %zu", room);
		EQUAL(result(read(fd, buf, room)), -EMSGSIZE);
		EQUAL(ioctl(fd, FIONREAD, &size), 0);
		EQUAL(size, ANSWER);
	}
	AT("enough");
	EQUAL(read(fd, buf, ANSWER), ANSWER);
	EQUAL(correlation_at(buf, 0), 1);
	EQUAL(read(fd, buf, sizeof(buf)), ANSWER);
	EQUAL(correlation_at(buf, 0), 2);
	close(fd);
}

static void short_reads_of_requests(void)
{
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	size_t whole = HEADER + sizeof(struct vexipc_embed_request_body) + 5;
	struct vexipc_embed e = embed_of("12345", 5, NULL, 0);
	struct vexipc_stats s;
	char buf[512];

	serve_as(service, "reader");
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
	EQUAL(result(read(service->fd, buf, HEADER)), -EMSGSIZE);
	EQUAL(result(read(service->fd, buf, whole - 1)), -EMSGSIZE);
	stats_of(&s);
	EQUAL(s.queued, 1);
	EQUAL(s.in_flight, 0);
	EQUAL(read(service->fd, buf, whole), whole);
	EQUAL(memcmp(buf + whole - 5, "12345", 5), 0);
	stats_of(&s);
	EQUAL(s.in_flight, 1);
	peer_close(client);
	peer_close(service);
	wait_idle();
}

static void several_in_a_read(void)
{
	int fd = device_open(O_NONBLOCK);
	char buf[ANSWER * 4];

	for (uint64_t i = 1; i <= 5; i++)
		ask(fd, i);
	/* As many whole ones as fit: two, though half of a third would. */
	EQUAL(read(fd, buf, ANSWER * 5 / 2), ANSWER * 2);
	EQUAL(correlation_at(buf, 0), 1);
	EQUAL(correlation_at(buf, ANSWER), 2);
	EQUAL(read(fd, buf, sizeof(buf)), ANSWER * 3);
	EQUAL(correlation_at(buf, 0), 3);
	EQUAL(correlation_at(buf, ANSWER * 2), 5);
	/* Scattered as well. */
	ask(fd, 6);
	{
		char more[ANSWER];
		struct iovec iov[] = { { buf, 7 }, { more, sizeof(more) } };

		EQUAL(readv(fd, iov, 2), ANSWER);
		memcpy(buf + 7, more, ANSWER - 7);
		EQUAL(correlation_at(buf, 0), 6);
	}
	close(fd);
}

static void completions_first(void)
{
	struct peer *p = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_embed e = embed_of("x", 1, NULL, 0);
	struct msg m = { 0 }, a = { 0 };
	uint64_t first;
	char buf[1024];
	ssize_t n;

	/* One descriptor is service and client: it is sent its own requests. */
	serve_as(p, "both");
	EQUAL(call(p->fd, VEXIPC_IOC_EMBED, &e), 0);
	first = e.request_id;
	e.request_id = 0;
	EQUAL(call(p->fd, VEXIPC_IOC_EMBED, &e), 0);
	peer_expect(p, &m, VEXIPC_MSG_EMBED_REQUEST);
	msg_answer(&a, msg_header(&m)->correlation_id, 4, 0);
	EQUAL(peer_send(p, &a), 0);
	n = read(p->fd, buf, sizeof(buf));
	CHECK(n > 0);
	{
		struct vexipc_msg_header h;

		memcpy(&h, buf, sizeof(h));
		EQUAL(h.message_type, VEXIPC_MSG_EMBED_RESPONSE);
		EQUAL(h.correlation_id, first);
		EQUAL(n, h.length + HEADER + sizeof(struct vexipc_embed_request_body) + 1);
		memcpy(&h, buf + h.length, sizeof(h));
		EQUAL(h.message_type, VEXIPC_MSG_EMBED_REQUEST);
	}
	msg_free(&m);
	msg_free(&a);
	peer_close(p);
	wait_idle();
}

/* The second message does not fit what is mapped: the first is read, both are kept. */
static void fault_in_read(void)
{
	int fd = device_open(O_NONBLOCK);
	unsigned char *end = guarded(4096);
	char buf[1024];

	ask(fd, 1);
	ask(fd, 2);
	EQUAL(result(read(fd, end - 10, 400)), -EFAULT);
	EQUAL(read(fd, end - ANSWER - 20, 400), ANSWER);
	EQUAL(correlation_at(end - ANSWER - 20, 0), 1);
	EQUAL(result(read(fd, end - 20, 400)), -EFAULT);
	EQUAL(read(fd, buf, sizeof(buf)), ANSWER);
	EQUAL(correlation_at(buf, 0), 2);
	EQUAL(result(read(fd, buf, sizeof(buf))), -EAGAIN);
	close(fd);
}

static void fault_in_read_of_request(void)
{
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_embed e = embed_of("keep me", 7, NULL, 0);
	unsigned char *end = guarded(4096);
	struct msg m = { 0 }, a = { 0 };
	struct vexipc_stats s;

	serve_as(service, "faulty");
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
	for (int i = 0; i < 3; i++)
		EQUAL(result(read(service->fd, end - 60, 400)), -EFAULT);
	stats_of(&s);
	EQUAL(s.queued, 1);
	EQUAL(s.in_flight, 0);
	peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	EQUAL(memcmp(m.data + m.len - 7, "keep me", 7), 0);
	msg_answer(&a, msg_header(&m)->correlation_id, 4, 0);
	EQUAL(peer_send(service, &a), 0);
	peer_expect(client, &m, VEXIPC_MSG_EMBED_RESPONSE);
	wait_idle();
	msg_free(&m);
	msg_free(&a);
	peer_close(client);
	peer_close(service);
}

static void several_in_a_write(void)
{
	int fd = device_open(O_NONBLOCK);
	struct vexipc_stats before, after;
	struct msg m = { 0 };
	char buf[ANSWER * 4], all[512];
	size_t one;

	msg_health_check(&m, 1, "");
	one = m.len;
	for (uint64_t i = 0; i < 3; i++) {
		msg_health_check(&m, i + 1, "");
		memcpy(all + i * one, m.data, one);
	}
	EQUAL(write(fd, all, one * 3), one * 3);
	EQUAL(read(fd, buf, sizeof(buf)), ANSWER * 3);
	EQUAL(correlation_at(buf, ANSWER * 2), 3);
	/* Gathered as well, cut anywhere. */
	{
		struct iovec iov[] = { { all, one + 13 }, { all + one + 13, one - 13 } };

		EQUAL(writev(fd, iov, 2), one * 2);
		EQUAL(read(fd, buf, sizeof(buf)), ANSWER * 2);
	}
	/* Up to one that is wrong: what was done is told, then why not more. */
	stats_of(&before);
	all[one] ^= 1;
	EQUAL(write(fd, all, one * 3), one);
	EQUAL(result(write(fd, all + one, one * 2)), -ENOMSG);
	EQUAL(read(fd, buf, sizeof(buf)), ANSWER);
	stats_of(&after);
	EQUAL(after.bad_messages, before.bad_messages + 2);
	/* Or one that is cut off. */
	EQUAL(write(fd, all, one + 20), one);
	EQUAL(write(fd, all, one * 2 - 1), one);
	EQUAL(read(fd, buf, sizeof(buf)), ANSWER * 2);
	EQUAL(result(read(fd, buf, sizeof(buf))), -EAGAIN);
	msg_free(&m);
	close(fd);
}

static void short_writes(void)
{
	int fd = device_open(O_NONBLOCK);
	struct msg m = { 0 };
	char buf[256];

	msg_health_check(&m, 1, "");
	EQUAL(result(write(fd, m.data, 1)), -EINVAL);
	for (size_t n = 1; n < m.len; n++) {
		AT("%zu bytes", n);
		EQUAL(result(write(fd, m.data, n)), -EINVAL);
	}
	EQUAL(result(read(fd, buf, sizeof(buf))), -EAGAIN);
	msg_free(&m);
	close(fd);
}

static void fault_in_write(void)
{
	int fd = device_open(O_NONBLOCK);
	unsigned char *end = guarded(4096);
	struct msg m = { 0 };
	char buf[256];
	size_t one;

	msg_health_check(&m, 3, "");
	one = m.len;
	/* Header or body are not there. */
	memcpy(end - 20, m.data, 20);
	EQUAL(result(write(fd, end - 20, one)), -EFAULT);
	memcpy(end - HEADER, m.data, HEADER);
	EQUAL(result(write(fd, end - HEADER, one)), -EFAULT);
	/* The second is not. */
	memcpy(end - one - 8, m.data, one);
	memcpy(end - 8, m.data, 8);
	EQUAL(write(fd, end - one - 8, one * 2), one);
	EQUAL(read(fd, buf, sizeof(buf)), ANSWER);
	EQUAL(result(read(fd, buf, sizeof(buf))), -EAGAIN);
	msg_free(&m);
	close(fd);
}

static void polling(void)
{
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct pollfd s = { service->fd, POLLIN | POLLOUT, 0 };
	struct pollfd c = { client->fd, POLLIN | POLLOUT, 0 };
	struct vexipc_embed e = embed_of("x", 1, NULL, 0);
	struct msg m = { 0 }, a = { 0 };

	EQUAL(poll(&c, 1, 0), 1);
	EQUAL(c.revents, POLLOUT);
	serve_as(service, "polled");
	EQUAL(poll(&s, 1, 0), 1);
	EQUAL(s.revents, POLLOUT);
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
	poll(&s, 1, 0);
	EQUAL(s.revents, POLLIN | POLLOUT);
	poll(&c, 1, 0);
	EQUAL(c.revents, POLLOUT);
	peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	poll(&s, 1, 0);
	EQUAL(s.revents, POLLOUT);
	msg_answer(&a, msg_header(&m)->correlation_id, 4, 0);
	EQUAL(peer_send(service, &a), 0);
	poll(&c, 1, 0);
	EQUAL(c.revents, POLLIN | POLLOUT);
	peer_expect(client, &m, VEXIPC_MSG_EMBED_RESPONSE);
	poll(&c, 1, 0);
	EQUAL(c.revents, POLLOUT);
	msg_free(&m);
	msg_free(&a);
	peer_close(client);
	peer_close(service);
}

static void *wait_edge(void *data)
{
	struct epoll_event event;

	EQUAL(epoll_wait(*(int *)data, &event, 1, patience(10000)), 1);
	CHECK(event.events & EPOLLIN);
	return NULL;
}

static void epolling(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int fd = device_open(O_NONBLOCK), ep = epoll_create1(0);
	pthread_t thread;
	char buf[256];

	EQUAL(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event), 0);
	EQUAL(epoll_wait(ep, &event, 1, 0), 0);
	ask(fd, 1);
	EQUAL(epoll_wait(ep, &event, 1, patience(5000)), 1);
	CHECK(event.events & EPOLLIN);
	/* Edge-triggered: told once, until there is something new. */
	EQUAL(epoll_wait(ep, &event, 1, 0), 0);
	ask(fd, 2);
	EQUAL(epoll_wait(ep, &event, 1, patience(5000)), 1);
	EQUAL(read(fd, buf, sizeof(buf)), ANSWER * 2);
	/* And one who sleeps in it is woken. */
	EQUAL(epoll_wait(ep, &event, 1, 0), 0);
	pthread_create(&thread, NULL, wait_edge, &ep);
	usleep(50000);
	ask(fd, 3);
	pthread_join(thread, NULL);
	/* Level-triggered: as long as it is there. */
	event.events = EPOLLIN;
	EQUAL(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event), 0);
	for (int i = 0; i < 3; i++)
		EQUAL(epoll_wait(ep, &event, 1, 0), 1);
	EQUAL(read(fd, buf, sizeof(buf)), ANSWER);
	EQUAL(epoll_wait(ep, &event, 1, 0), 0);
	close(ep);
	close(fd);
}

enum { READERS = 4, READ_TOGETHER = 200 };

struct readers {
	int fd;
	unsigned int seen[READ_TOGETHER + 1];
	pthread_mutex_t lock;
	unsigned int total;
};

static void *reader(void *data)
{
	struct readers *r = data;
	char buf[ANSWER];

	for (;;) {
		uint64_t correlation;

		EQUAL(read(r->fd, buf, sizeof(buf)), ANSWER);
		correlation = correlation_at(buf, 0);
		/* 0 tells one reader to end. */
		if (!correlation)
			return NULL;
		CHECK(correlation <= READ_TOGETHER);
		pthread_mutex_lock(&r->lock);
		r->seen[correlation]++;
		pthread_mutex_unlock(&r->lock);
	}
}

static void many_readers(void)
{
	struct readers r = { .fd = device_open(0), .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t threads[READERS];

	for (int i = 0; i < READERS; i++)
		pthread_create(&threads[i], NULL, reader, &r);
	for (uint64_t i = 1; i <= READ_TOGETHER; i++)
		ask(r.fd, i);
	for (int i = 0; i < READERS; i++)
		ask(r.fd, 0);
	for (int i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 1; i <= READ_TOGETHER; i++) {
		AT("message %d", i);
		EQUAL(r.seen[i], 1);
	}
	close(r.fd);
}

/* What is not read is bounded: the 257th reply finds no room. */
static void unread_replies(void)
{
	int fd = device_open(O_NONBLOCK), n = 0;
	struct msg m = { 0 };
	char buf[ANSWER];
	ssize_t ret;

	msg_health_check(&m, 1, "");
	while ((ret = result(write(fd, m.data, m.len))) == (ssize_t)m.len)
		CHECK(++n < 10000);
	EQUAL(ret, -ENOBUFS);
	EQUAL(n, 256);
	EQUAL(read(fd, buf, sizeof(buf)), ANSWER);
	EQUAL(write(fd, m.data, m.len), m.len);
	EQUAL(result(write(fd, m.data, m.len)), -ENOBUFS);
	msg_free(&m);
	close(fd);
}

static void seeking(void)
{
	int fd = device_open(O_NONBLOCK);
	char buf[256];

	ask(fd, 1);
	EQUAL(result(lseek(fd, 0, SEEK_SET)), -ESPIPE);
	EQUAL(result(pread(fd, buf, sizeof(buf), 0)), -ESPIPE);
	EQUAL(result(pwrite(fd, buf, sizeof(buf), 0)), -ESPIPE);
	EQUAL(read(fd, buf, sizeof(buf)), ANSWER);
	close(fd);
}

static void closed_with_requests(void)
{
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_embed e = embed_of("x", 1, NULL, 0);
	struct vexipc_stats before, after;
	int fd = device_open(O_NONBLOCK);
	struct msg m = { 0 };

	serve_as(service, "slow");
	stats_of(&before);
	for (int i = 0; i < 10; i++) {
		e.request_id = 0;
		EQUAL(call(fd, VEXIPC_IOC_EMBED, &e), 0);
	}
	peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	close(fd);
	wait_idle();
	stats_of(&after);
	EQUAL(after.cancelled, before.cancelled + 10);
	EQUAL(after.clients, before.clients - 1);
	msg_free(&m);
	peer_close(service);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{ "nonblocking", nonblocking },
		{ "blocking", blocking },
		{ "interrupted", interrupted },
		{ "short_reads", short_reads },
		{ "short_reads_of_requests", short_reads_of_requests },
		{ "several_in_a_read", several_in_a_read },
		{ "completions_first", completions_first },
		{ "fault_in_read", fault_in_read },
		{ "fault_in_read_of_request", fault_in_read_of_request },
		{ "several_in_a_write", several_in_a_write },
		{ "short_writes", short_writes },
		{ "fault_in_write", fault_in_write },
		{ "polling", polling },
		{ "epolling", epolling },
		{ "many_readers", many_readers },
		{ "unread_replies", unread_replies },
		{ "seeking", seeking },
		{ "closed_with_requests", closed_with_requests },
		{ 0 }
	};

	return run_case(cases, argc, argv);
}
