// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unix seqpacket sockets: a message a packet. Deeper than 1, sendmmsg() and
 * recvmmsg() take several a call.
 */
#include <err.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "bench.h"

enum { SOCKET_BUFFER = 4 << 20 };

/* Messages that lie one behind another, as sendmmsg() and recvmmsg() want them. */
struct vectors {
	struct mmsghdr send[BENCH_MAX_DEPTH], receive[BENCH_MAX_DEPTH];
	struct iovec out[BENCH_MAX_DEPTH], in[BENCH_MAX_DEPTH];
};

static void setup(struct bench_link *link)
{
	int fds[2], size = SOCKET_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		err(1, "socketpair");
	for (int i = 0; i < 2; i++)
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) &&
		    setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)))
			err(1, "SO_SNDBUF");
	link->client_fd[0] = link->client_fd[1] = fds[0];
	link->service_fd[0] = link->service_fd[1] = fds[1];
}

/* What this side sends lies at @out, @out_len each, what it gets is @in_len each. */
static void make_vectors(struct bench_link *link, unsigned char *out, size_t out_len,
			 size_t in_len)
{
	struct vectors *v = calloc(1, sizeof(*v));

	if (!v)
		err(1, NULL);
	for (unsigned int i = 0; i < link->work->depth; i++) {
		v->out[i] = (struct iovec){ out + i * out_len, out_len };
		v->in[i] = (struct iovec){ link->received + i * in_len, in_len };
		v->send[i].msg_hdr.msg_iov = &v->out[i];
		v->send[i].msg_hdr.msg_iovlen = 1;
		v->receive[i].msg_hdr.msg_iov = &v->in[i];
		v->receive[i].msg_hdr.msg_iovlen = 1;
	}
	link->priv = v;
}

static void send_messages(struct bench_link *link, int fd, unsigned int n)
{
	struct vectors *v = link->priv;

	if (n == 1) {
		if (send(fd, v->out[0].iov_base, v->out[0].iov_len, 0) < 0)
			err(1, "%s: send", link->peer->name);
		return;
	}
	for (unsigned int sent = 0; sent < n;) {
		int more = sendmmsg(fd, v->send + sent, n - sent, 0);

		if (more < 0)
			err(1, "%s: sendmmsg", link->peer->name);
		sent += (unsigned int)more;
	}
}

static unsigned int receive_messages(struct bench_link *link, int fd)
{
	struct vectors *v = link->priv;
	int n;

	if (link->work->depth == 1) {
		ssize_t len = recv(fd, v->in[0].iov_base, v->in[0].iov_len, 0);

		if (len != (ssize_t)v->in[0].iov_len)
			err(1, "%s: receive", link->peer->name);
		return 1;
	}
	n = recvmmsg(fd, v->receive, link->work->depth, MSG_WAITFORONE, NULL);
	if (n <= 0)
		err(1, "%s: recvmmsg", link->peer->name);
	for (int i = 0; i < n; i++)
		if (v->receive[i].msg_len != v->in[i].iov_len)
			errx(1, "%s: a short message", link->peer->name);
	return (unsigned int)n;
}

static void serve(struct bench_link *link)
{
	const struct bench_work *work = link->work;

	make_vectors(link, link->vectors, work->answer, work->request);
	bench_ready(link);
	for (;;) {
		unsigned int n = receive_messages(link, link->service_fd[0]);

		for (unsigned int i = 0; i < n; i++)
			bench_answer(link->vectors + i * work->answer,
				     link->received + i * work->request);
		send_messages(link, link->service_fd[0], n);
	}
}

static void connect_client(struct bench_link *link)
{
	make_vectors(link, link->texts, link->work->request, link->work->answer);
}

static void teardown(struct bench_link *link)
{
	free(link->priv);
}

static void submit(struct bench_link *link, unsigned int n)
{
	bench_begin(link, n);
	send_messages(link, link->client_fd[0], n);
}

static unsigned int reap(struct bench_link *link)
{
	unsigned int n = receive_messages(link, link->client_fd[0]);

	for (unsigned int i = 0; i < n; i++)
		bench_end(link, link->received + i * link->work->answer);
	return n;
}

const struct bench_peer bench_unix_seqpacket = {
	.name = "unix-seqpacket",
	.setup = setup,
	.serve = serve,
	.connect = connect_client,
	.teardown = teardown,
	.submit = submit,
	.reap = reap,
};
