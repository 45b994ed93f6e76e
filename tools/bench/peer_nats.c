// SPDX-License-Identifier: GPL-2.0-only
/*
 * NATS: request and reply by way of nats-server, which has no other socket than TCP;
 * the service is a member of a queue group. What is sent goes out at once unless much
 * is under way.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nats/nats.h>

#include "bench.h"

static const char subject[] = "bench", inbox[] = "answers";

enum {
	RECEIVE_TIMEOUT_MS	= 60000,
	CONNECT_TRIES		= 500,
	/* From this depth on it takes less to let the library gather, for 1 ms. */
	GATHER_FROM		= 32,
};

struct nats {
	pid_t server;
	natsConnection *connection;
	natsSubscription *subscription;
};

static void check(natsStatus status, const char *what)
{
	if (status != NATS_OK)
		errx(1, "nats: %s: %s", what, natsStatus_GetText(status));
}

static void setup(struct bench_link *link)
{
	pid_t parent = getpid();
	struct nats *nats = calloc(1, sizeof(*nats));

	if (!nats)
		err(1, NULL);
	nats->server = fork();
	if (nats->server < 0)
		err(1, "fork");
	if (!nats->server) {
		int null = open("/dev/null", O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || null < 0)
			_exit(1);
		/* It would collect garbage a few times a run, which makes it uneven. */
		setenv("GOGC", "off", 1);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execlp("nats-server", "nats-server", "--addr", "127.0.0.1", "--port", "4222", NULL);
		_exit(1);
	}
	link->priv = nats;
}

/* The server may still be starting. */
static void join(struct nats *nats, unsigned int depth, const char *listen_to, const char *group)
{
	natsOptions *options;
	natsStatus status;

	check(natsOptions_Create(&options), "options");
	check(natsOptions_SetURL(options, "nats://127.0.0.1:4222"), "address");
	check(natsOptions_SetSendAsap(options, depth < GATHER_FROM), "options");
	for (unsigned int i = 0; i < CONNECT_TRIES; i++) {
		status = natsConnection_Connect(&nats->connection, options);
		if (status != NATS_NO_SERVER)
			break;
		usleep(20000);
	}
	check(status, "connect");
	natsOptions_Destroy(options);
	if (group)
		check(natsConnection_QueueSubscribeSync(&nats->subscription, nats->connection,
							listen_to, group), "subscribe");
	else
		check(natsConnection_SubscribeSync(&nats->subscription, nats->connection,
						   listen_to), "subscribe");
	check(natsConnection_Flush(nats->connection), "flush");
}

static natsMsg *receive_message(struct nats *nats, size_t len, int64_t timeout)
{
	natsMsg *message;
	natsStatus status = natsSubscription_NextMsg(&message, nats->subscription, timeout);

	if (status == NATS_TIMEOUT && !timeout)
		return NULL;
	check(status, "receive");
	if ((size_t)natsMsg_GetDataLength(message) != len)
		errx(1, "nats: a message of another size");
	return message;
}

static void serve(struct bench_link *link)
{
	struct nats *nats = link->priv;

	join(nats, link->work->depth, subject, "services");
	bench_ready(link);
	for (;;) {
		natsMsg *message = receive_message(nats, link->work->request, RECEIVE_TIMEOUT_MS);

		bench_answer(link->vectors, natsMsg_GetData(message));
		check(natsConnection_Publish(nats->connection, natsMsg_GetReply(message),
					     link->vectors, (int)link->work->answer), "answer");
		natsMsg_Destroy(message);
	}
}

static void connect_client(struct bench_link *link)
{
	join(link->priv, link->work->depth, inbox, NULL);
}

static void teardown(struct bench_link *link)
{
	struct nats *nats = link->priv;

	natsSubscription_Destroy(nats->subscription);
	natsConnection_Destroy(nats->connection);
	kill(nats->server, SIGKILL);
	waitpid(nats->server, NULL, 0);
	free(nats);
}

static void submit(struct bench_link *link, unsigned int n)
{
	const struct nats *nats = link->priv;

	while (n--) {
		bench_begin(link, 1);
		check(natsConnection_PublishRequest(nats->connection, subject, inbox, link->texts,
						    (int)link->work->request), "request");
	}
}

static unsigned int reap(struct bench_link *link)
{
	unsigned int n = 0;

	while (link->reaped != link->submitted) {
		natsMsg *message = receive_message(link->priv, link->work->answer,
						   n ? 0 : RECEIVE_TIMEOUT_MS);

		if (!message)
			break;
		bench_end(link, natsMsg_GetData(message));
		natsMsg_Destroy(message);
		n++;
	}
	return n;
}

const struct bench_peer bench_nats = {
	.name = "nats",
	.times = 4,
	.needs = "/usr/sbin/nats-server",
	.setup = setup,
	.serve = serve,
	.connect = connect_client,
	.teardown = teardown,
	.submit = submit,
	.reap = reap,
};
