// SPDX-License-Identifier: GPL-2.0-only
/*
 * ZeroMQ: a PAIR socket on each side, over ipc. Messages are made of the memory in
 * which texts and vectors lie, and used where they come: the library copies nothing.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <zmq.h>

#include "bench.h"

struct pair {
	void *context, *socket;
};

static void endpoint(char *text, size_t room, pid_t client)
{
	snprintf(text, room, "ipc://@vexipc-bench-%d", (int)client);
}

static void make_pair(struct bench_link *link)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	int linger = 0;

	if (!pair)
		err(1, NULL);
	pair->context = zmq_ctx_new();
	pair->socket = pair->context ? zmq_socket(pair->context, ZMQ_PAIR) : NULL;
	if (!pair->socket || zmq_setsockopt(pair->socket, ZMQ_LINGER, &linger, sizeof(linger)))
		errx(1, "zeromq: %s", zmq_strerror(errno));
	link->priv = pair;
}

/* Memory is reused when the other side has answered. */
static void keep(void *data, void *hint)
{
	(void)data;
	(void)hint;
}

static void send_message(struct bench_link *link, void *data, size_t len)
{
	const struct pair *pair = link->priv;
	zmq_msg_t message;

	if (zmq_msg_init_data(&message, data, len, keep, NULL) ||
	    zmq_msg_send(&message, pair->socket, 0) < 0)
		errx(1, "zeromq: send: %s", zmq_strerror(errno));
}

/* False if @flags say not to wait and there is none. */
static bool receive_message(struct bench_link *link, zmq_msg_t *message, size_t len, int flags)
{
	const struct pair *pair = link->priv;

	if (zmq_msg_recv(message, pair->socket, flags) < 0) {
		if (flags && errno == EAGAIN)
			return false;
		errx(1, "zeromq: receive: %s", zmq_strerror(errno));
	}
	if (zmq_msg_size(message) != len)
		errx(1, "zeromq: a message of another size");
	return true;
}

static void serve(struct bench_link *link)
{
	const struct bench_work *work = link->work;
	const struct pair *pair;
	zmq_msg_t message;
	char address[64];

	make_pair(link);
	pair = link->priv;
	endpoint(address, sizeof(address), getppid());
	if (zmq_bind(pair->socket, address))
		errx(1, "zeromq: bind: %s", zmq_strerror(errno));
	zmq_msg_init(&message);
	bench_ready(link);
	for (uint32_t seq = 0;; seq++) {
		unsigned char *vector = link->vectors + seq % work->depth * work->answer;

		receive_message(link, &message, work->request, 0);
		bench_answer(vector, zmq_msg_data(&message));
		send_message(link, vector, work->answer);
	}
}

static void connect_client(struct bench_link *link)
{
	const struct pair *pair;
	char address[64];

	make_pair(link);
	pair = link->priv;
	endpoint(address, sizeof(address), getpid());
	if (zmq_connect(pair->socket, address))
		errx(1, "zeromq: connect: %s", zmq_strerror(errno));
}

static void teardown(struct bench_link *link)
{
	struct pair *pair = link->priv;

	zmq_close(pair->socket);
	zmq_ctx_term(pair->context);
	free(pair);
}

static void submit(struct bench_link *link, unsigned int n)
{
	const struct bench_work *work = link->work;

	while (n--) {
		unsigned char *text = link->texts + link->submitted % work->depth * work->request;

		bench_stamp_text(text, link->submitted++);
		send_message(link, text, work->request);
	}
}

static unsigned int reap(struct bench_link *link)
{
	unsigned int n = 0;
	zmq_msg_t message;

	zmq_msg_init(&message);
	while (link->reaped != link->submitted &&
	       receive_message(link, &message, link->work->answer, n ? ZMQ_DONTWAIT : 0)) {
		bench_end(link, zmq_msg_data(&message));
		n++;
	}
	zmq_msg_close(&message);
	return n;
}

const struct bench_peer bench_zeromq = {
	.name = "zeromq",
	.times = 4,
	.serve = serve,
	.connect = connect_client,
	.teardown = teardown,
	.submit = submit,
	.reap = reap,
};
