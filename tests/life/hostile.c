// SPDX-License-Identifier: GPL-2.0-only
/*
 * life-hostile: does what nobody should, at the worst moment.
 *
 *   life-hostile child
 *	a child registers a second service through its parent's descriptor, is
 *	refused, and dies: the parent keeps its own
 *   life-hostile readers
 *	of two that sleep in read() the first has no room for what comes: it is the
 *	second's
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "life.h"

static const char first[] = "first", second[] = "second";
static int fd;

static int enter(const char *id)
{
	struct vexipc_register arg = {
		.service_id_ptr = (uintptr_t)id,
		.service_id_len = (uint32_t)strlen(id),
	};

	return ioctl(fd, VEXIPC_IOC_REGISTER, &arg) < 0 ? errno : 0;
}

static int leave(const char *id)
{
	struct vexipc_unregister arg = {
		.service_id_ptr = (uintptr_t)id,
		.service_id_len = (uint32_t)strlen(id),
	};

	return ioctl(fd, VEXIPC_IOC_UNREGISTER, &arg) < 0 ? errno : 0;
}

/* ----------------------------------------------------------------- child -- */

static void child(void)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid)
		_exit(enter(second) == EEXIST ? 0 : 1);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		die("the child was not refused");
}

/* --------------------------------------------------------------- readers -- */

struct reader {
	pthread_t thread;
	char buf[8192];
	size_t room;
	_Atomic pid_t tid;
	ssize_t got;
};

static void *read_it(void *data)
{
	struct reader *r = data;

	atomic_store(&r->tid, gettid());
	r->got = read(fd, r->buf, r->room);
	if (r->got < 0)
		r->got = -errno;
	return NULL;
}

static char state_of(pid_t tid)
{
	char path[64], text[256] = "", *at;
	int stat;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	stat = open(path, O_RDONLY | O_CLOEXEC);
	if (stat < 0 || read(stat, text, sizeof(text) - 1) < 1)
		die("no %s", path);
	close(stat);
	at = strrchr(text, ')');
	return at ? at[2] : '?';
}

static void start_reader(struct reader *r, size_t room)
{
	r->room = room;
	if (pthread_create(&r->thread, NULL, read_it, r))
		die("no thread");
	while (!atomic_load(&r->tid))
		usleep(1000);
	while (state_of(r->tid) != 'S')
		usleep(1000);
}

static void readers(void)
{
	static struct reader narrow, wide;
	struct vexipc_discovery_body all = { 0 };
	const struct iovec body = { &all, sizeof(all) };
	uint64_t message[64];
	ssize_t len;

	start_reader(&narrow, sizeof(struct vexipc_msg_header));
	start_reader(&wide, sizeof(wide.buf));
	len = vexipc_message_build(message, sizeof(message), VEXIPC_MSG_DISCOVERY, 1, 0, &body, 1);
	if (len < 0 || write(fd, message, (size_t)len) != len)
		die("cannot ask for services");
	pthread_join(narrow.thread, NULL);
	pthread_join(wide.thread, NULL);
	if (narrow.got != -EMSGSIZE || wide.got <= (ssize_t)narrow.room)
		die("read %zd and %zd", narrow.got, wide.got);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	fd = open(VEXIPC_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", VEXIPC_DEVICE, strerror(errno));
	if (enter(first))
		die("cannot register");
	if (!strcmp(what, "child"))
		child();
	else if (!strcmp(what, "readers"))
		readers();
	else
		die("usage: life-hostile child|readers");
	if (leave(first))
		die("the service is gone");
	return 0;
}
