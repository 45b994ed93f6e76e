// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unix stream sockets and pipes: bytes without boundaries. Sizes are agreed on,
 * so nothing frames a message. At depth 1 a message goes in one call and comes in
 * one; deeper, all that are to be sent go in one call, and a call takes all that
 * have come.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

enum {
	SOCKET_BUFFER	= 4 << 20,	/* more than is ever under way */
	PIPE_BUFFER	= 1 << 20,
};

static void unix_stream_setup(struct bench_link *link)
{
	int fds[2], size = SOCKET_BUFFER;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		err(1, "socketpair");
	for (int i = 0; i < 2; i++)
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) &&
		    setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)))
			err(1, "SO_SNDBUF");
	link->client_fd[0] = link->client_fd[1] = fds[0];
	link->service_fd[0] = link->service_fd[1] = fds[1];
}

static void pipe_setup(struct bench_link *link)
{
	int requests[2], answers[2];

	if (pipe2(requests, O_CLOEXEC) || pipe2(answers, O_CLOEXEC))
		err(1, "pipe");
	if (fcntl(requests[1], F_SETPIPE_SZ, PIPE_BUFFER) < 0 ||
	    fcntl(answers[1], F_SETPIPE_SZ, PIPE_BUFFER) < 0)
		err(1, "F_SETPIPE_SZ");
	link->client_fd[0] = requests[1];
	link->client_fd[1] = answers[0];
	link->service_fd[0] = answers[1];
	link->service_fd[1] = requests[0];
}

/* send() and recv() take fewer instructions than write() and read(). */
static void send_bytes(struct bench_link *link, const int fd[2], const void *data, size_t len)
{
	bool is_socket = fd[0] == fd[1];

	while (len) {
		ssize_t n = is_socket ? send(fd[0], data, len, 0) : write(fd[0], data, len);

		if (n < 0)
			err(1, "%s: send", link->peer->name);
		data = (const char *)data + n;
		len -= (size_t)n;
	}
}

/* Bytes behind those that are there, until there is one message at least. */
static void receive_bytes(struct bench_link *link, const int fd[2], size_t message)
{
	bool is_socket = fd[0] == fd[1];
	size_t most = link->work->depth * message;

	do {
		void *at = link->received + link->have;
		size_t room = most - link->have;
		ssize_t n = is_socket ? recv(fd[1], at, room, 0) : read(fd[1], at, room);

		if (n <= 0)
			errx(1, "%s: receive: %s", link->peer->name,
			     n ? strerror(errno) : "the other side ended");
		link->have += (size_t)n;
	} while (link->have < message);
}

/* The first @n messages have been dealt with. */
static void forget(struct bench_link *link, unsigned int n, size_t message)
{
	link->have -= n * message;
	if (link->have)
		memmove(link->received, link->received + n * message, link->have);
}

static void serve(struct bench_link *link)
{
	const struct bench_work *work = link->work;

	bench_ready(link);
	for (;;) {
		unsigned int n;

		receive_bytes(link, link->service_fd, work->request);
		n = (unsigned int)(link->have / work->request);
		for (unsigned int i = 0; i < n; i++)
			bench_answer(link->vectors + i * work->answer,
				     link->received + i * work->request);
		forget(link, n, work->request);
		send_bytes(link, link->service_fd, link->vectors, n * work->answer);
	}
}

static void submit(struct bench_link *link, unsigned int n)
{
	bench_begin(link, n);
	send_bytes(link, link->client_fd, link->texts, n * link->work->request);
}

static unsigned int reap(struct bench_link *link)
{
	size_t answer = link->work->answer;
	unsigned int n;

	receive_bytes(link, link->client_fd, answer);
	n = (unsigned int)(link->have / answer);
	for (unsigned int i = 0; i < n; i++)
		bench_end(link, link->received + i * answer);
	forget(link, n, answer);
	return n;
}

const struct bench_peer bench_unix_stream = {
	.name = "unix-stream",
	.setup = unix_stream_setup,
	.serve = serve,
	.submit = submit,
	.reap = reap,
};

const struct bench_peer bench_pipe = {
	.name = "pipe",
	.setup = pipe_setup,
	.serve = serve,
	.submit = submit,
	.reap = reap,
};
