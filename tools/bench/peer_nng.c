// SPDX-License-Identifier: GPL-2.0-only
/*
 * nng: a pair0 socket on each side, over an abstract unix socket. A message is
 * filled in place, which is the one copy that nng cannot do without, and used where
 * it comes.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>

#include "bench.h"

static void check(int error, const char *what)
{
	if (error)
		errx(1, "nng: %s: %s", what, nng_strerror(error));
}

static void endpoint(char *text, size_t room, pid_t client)
{
	snprintf(text, room, "abstract://vexipc-bench-%d", (int)client);
}

static nng_socket *make_socket(struct bench_link *link)
{
	nng_socket *socket = calloc(1, sizeof(*socket));

	if (!socket)
		err(1, NULL);
	check(nng_pair0_open(socket), "open");
	check(nng_socket_set_int(*socket, NNG_OPT_SENDBUF, BENCH_MAX_DEPTH), "buffer");
	check(nng_socket_set_int(*socket, NNG_OPT_RECVBUF, BENCH_MAX_DEPTH), "buffer");
	link->priv = socket;
	return socket;
}

static void send_message(nng_socket socket, const void *data, size_t len)
{
	nng_msg *message;

	check(nng_msg_alloc(&message, len), "message");
	memcpy(nng_msg_body(message), data, len);
	check(nng_sendmsg(socket, message, 0), "send");
}

/* NULL if @flags say not to wait and there is none. */
static nng_msg *receive_message(nng_socket socket, size_t len, int flags)
{
	nng_msg *message;
	int error = nng_recvmsg(socket, &message, flags);

	if (flags && error == NNG_EAGAIN)
		return NULL;
	check(error, "receive");
	if (nng_msg_len(message) != len)
		errx(1, "nng: a message of another size");
	return message;
}

static void serve(struct bench_link *link)
{
	const struct bench_work *work = link->work;
	nng_socket socket = *make_socket(link);
	char address[64];

	endpoint(address, sizeof(address), getppid());
	check(nng_listen(socket, address, NULL, 0), "listen");
	bench_ready(link);
	for (;;) {
		nng_msg *message = receive_message(socket, work->request, 0);

		bench_answer(link->vectors, nng_msg_body(message));
		nng_msg_free(message);
		send_message(socket, link->vectors, work->answer);
	}
}

static void connect_client(struct bench_link *link)
{
	nng_socket socket = *make_socket(link);
	char address[64];

	endpoint(address, sizeof(address), getpid());
	check(nng_dial(socket, address, NULL, 0), "dial");
}

static void teardown(struct bench_link *link)
{
	nng_close(*(nng_socket *)link->priv);
	free(link->priv);
}

static void submit(struct bench_link *link, unsigned int n)
{
	while (n--) {
		bench_begin(link, 1);
		send_message(*(nng_socket *)link->priv, link->texts, link->work->request);
	}
}

static unsigned int reap(struct bench_link *link)
{
	unsigned int n = 0;

	while (link->reaped != link->submitted) {
		nng_msg *message = receive_message(*(nng_socket *)link->priv, link->work->answer,
						   n ? NNG_FLAG_NONBLOCK : 0);

		if (!message)
			break;
		bench_end(link, nng_msg_body(message));
		nng_msg_free(message);
		n++;
	}
	return n;
}

const struct bench_peer bench_nng = {
	.name = "nng",
	.times = 4,
	.serve = serve,
	.connect = connect_client,
	.teardown = teardown,
	.submit = submit,
	.reap = reap,
};
