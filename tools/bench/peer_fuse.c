// SPDX-License-Identifier: GPL-2.0-only
/*
 * FUSE: the service is a file, by libfuse's low level and with direct I/O. Either a
 * write() brings the texts and a read() takes the vectors, or an ioctl does both.
 * Deeper than 1, a call carries as many as it can.
 */
#define FUSE_USE_VERSION 317
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "bench.h"

enum { IOCTL_MOST = (1 << _IOC_SIZEBITS) - 1 };

static void path_of(char *path, size_t room, pid_t client)
{
	snprintf(path, room, "/tmp/vexipc-bench-%d", (int)client);
}

/* How many round trips an ioctl carries: texts and vectors share its size. */
static unsigned int ioctl_trips(const struct bench_work *work)
{
	size_t larger = work->request > work->answer ? work->request : work->answer;
	size_t n = IOCTL_MOST / larger;

	if (!n)
		errx(1, "fuse-ioctl: an ioctl carries %d bytes at the most", IOCTL_MOST);
	return n < work->depth ? (unsigned int)n : work->depth;
}

static unsigned int ioctl_of(const struct bench_work *work, unsigned int n)
{
	size_t larger = work->request > work->answer ? work->request : work->answer;

	return _IOC(_IOC_READ | _IOC_WRITE, 'b', n, n * larger);
}

/* ------------------------------------------------------------- the service -- */

static void getattr(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *file)
{
	const struct stat attributes = { .st_ino = inode, .st_mode = S_IFREG | 0600, .st_nlink = 1 };

	(void)file;
	fuse_reply_attr(req, &attributes, 3600);
}

static void open_file(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *file)
{
	(void)inode;
	file->direct_io = 1;
	file->parallel_direct_writes = 1;
	file->noflush = 1;
	fuse_reply_open(req, file);
}

static void answer(struct bench_link *link, const void *texts, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		bench_answer(link->vectors + i * link->work->answer,
			     (const char *)texts + i * link->work->request);
}

static void take_texts(fuse_req_t req, fuse_ino_t inode, const char *texts, size_t size,
		       off_t offset, struct fuse_file_info *file)
{
	struct bench_link *link = fuse_req_userdata(req);

	(void)inode;
	(void)offset;
	(void)file;
	answer(link, texts, (unsigned int)(size / link->work->request));
	fuse_reply_write(req, size);
}

static void give_vectors(fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset,
			 struct fuse_file_info *file)
{
	const struct bench_link *link = fuse_req_userdata(req);

	(void)inode;
	(void)file;
	fuse_reply_buf(req, (const char *)link->vectors + offset, size);
}

static void control(fuse_req_t req, fuse_ino_t inode, unsigned int command, void *arg,
		    struct fuse_file_info *file, unsigned int flags, const void *in,
		    size_t in_size, size_t out_size)
{
	struct bench_link *link = fuse_req_userdata(req);
	unsigned int n = _IOC_NR(command);

	(void)inode;
	(void)arg;
	(void)file;
	(void)flags;
	if (in_size < n * link->work->request || out_size < n * link->work->answer) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	answer(link, in, n);
	fuse_reply_ioctl(req, 0, link->vectors, n * link->work->answer);
}

static void serve(struct bench_link *link)
{
	static const struct fuse_lowlevel_ops operations = {
		.getattr = getattr,
		.open = open_file,
		.write = take_texts,
		.read = give_vectors,
		.ioctl = control,
	};
	char name[] = "vexipc-bench", path[64];
	char *argv[] = { name, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *session;

	path_of(path, sizeof(path), getppid());
	session = fuse_session_new(&args, &operations, sizeof(operations), link);
	if (!session || fuse_session_mount(session, path))
		errx(1, "%s: no session", link->peer->name);
	bench_ready(link);
	fuse_session_loop(session);
}

/* -------------------------------------------------------------- the client -- */

static void setup(struct bench_link *link)
{
	char path[64];
	int fd;

	path_of(path, sizeof(path), getpid());
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		err(1, "%s: %s", link->peer->name, path);
	close(fd);
}

static void connect_client(struct bench_link *link)
{
	char path[64];

	path_of(path, sizeof(path), getpid());
	link->client_fd[0] = open(path, O_RDWR | O_CLOEXEC);
	if (link->client_fd[0] < 0)
		err(1, "%s: %s", link->peer->name, path);
}

static void teardown(struct bench_link *link)
{
	char path[64];

	(void)link;
	path_of(path, sizeof(path), getpid());
	umount2(path, MNT_DETACH);
	unlink(path);
}

static unsigned int end_all(struct bench_link *link, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		bench_end(link, link->received + i * link->work->answer);
	return n;
}

static void write_texts(struct bench_link *link, unsigned int n)
{
	size_t len = n * link->work->request;

	bench_begin(link, n);
	if (pwrite(link->client_fd[0], link->texts, len, 0) != (ssize_t)len)
		err(1, "fuse: write");
}

static unsigned int read_vectors(struct bench_link *link)
{
	unsigned int n = link->submitted - link->reaped;
	size_t len = n * link->work->answer;

	if (pread(link->client_fd[0], link->received, len, 0) != (ssize_t)len)
		err(1, "fuse: read");
	return end_all(link, n);
}

/* The texts go in where the vectors come out. */
static unsigned int exchange(struct bench_link *link)
{
	const struct bench_work *work = link->work;
	unsigned int all = link->submitted - link->reaped, most = ioctl_trips(work);

	for (unsigned int done = 0, n; done < all; done += n) {
		n = all - done < most ? all - done : most;
		memcpy(link->received, link->texts + done * work->request, n * work->request);
		if (ioctl(link->client_fd[0], ioctl_of(work, n), link->received))
			err(1, "fuse: ioctl");
		end_all(link, n);
	}
	return all;
}

const struct bench_peer bench_fuse_write = {
	.name = "fuse-write",
	.needs = "/dev/fuse",
	.setup = setup,
	.serve = serve,
	.connect = connect_client,
	.teardown = teardown,
	.submit = write_texts,
	.reap = read_vectors,
};

const struct bench_peer bench_fuse_ioctl = {
	.name = "fuse-ioctl",
	.needs = "/dev/fuse",
	.setup = setup,
	.serve = serve,
	.connect = connect_client,
	.teardown = teardown,
	.submit = bench_begin,
	.reap = exchange,
};
