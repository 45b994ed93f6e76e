// SPDX-License-Identifier: GPL-2.0-only
/* Services that die, leave, are late, or write where they should not. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "ring.h"

enum end { KILLED, CLOSED, EXECUTED, FORKED, ENDS };

static const char *const ends[] = { "kill -9", "close", "exec", "fork, then kill -9" };

enum { HELD = 20 };

/* A service that takes all it gets, says so, and ends. */
static pid_t dying(enum end end, int say)
{
	pid_t pid = fork(), child;
	struct ring r;
	char go;

	if (pid)
		return pid;
	ring_serve(&r, "dying", (struct vexipc_ring_setup) { .queues = 2 });
	EQUAL(write(say, "r", 1), 1);
	for (uint32_t i = 0; i < HELD; i++)
		ring_fetch(&r, i % 2);
	if (end == FORKED) {
		child = fork();
		if (!child) {
			/* It has the descriptor, and outlives it. */
			poll(NULL, 0, patience(10000));
			_exit(0);
		}
		EQUAL(write(say, &child, sizeof(child)), sizeof(child));
	}
	EQUAL(write(say, "h", 1), 1);
	EQUAL(read(say, &go, 1), 1);
	if (end == CLOSED)
		close(r.fd);
	if (end == EXECUTED)
		execlp("sleep", "sleep", "infinity", NULL);
	/* Mapped it still is. */
	for (;;)
		pause();
}

void death(void)
{
	for (enum end end = 0; end < ENDS; end++) {
		struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
		struct vexipc_stats before, after;
		bool seen[HELD + 1] = { false };
		struct server *heir;
		struct msg m = { 0 };
		pid_t pid, child = 0;
		int say[2], status;
		char byte;

		AT("%s", ends[end]);
		EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, say), 0);
		pid = dying(end, say[1]);
		EQUAL(read(say[0], &byte, 1), 1);
		stats_of(&before);
		for (uint64_t i = 1; i <= HELD; i++)
			ask(client, i, "text");
		if (end == FORKED)
			EQUAL(read(say[0], &child, sizeof(child)), sizeof(child));
		heir = server_start(VEXIPC_TRANSPORT_RING, "heir", 4);
		EQUAL(read(say[0], &byte, 1), 1);
		EQUAL(write(say[0], "", 1), 1);
		if (end == KILLED || end == FORKED)
			kill(pid, SIGKILL);
		for (int i = 0; i < HELD; i++) {
			uint64_t id;

			peer_expect(client, &m, VEXIPC_MSG_EMBED_RESPONSE);
			id = msg_header(&m)->correlation_id;
			CHECK(id && id <= HELD && !seen[id]);
			seen[id] = true;
		}
		wait_idle();
		peer_silent(client);
		stats_of(&after);
		EQUAL(after.completed - before.completed, HELD);
		EQUAL(after.failovers - before.failovers, HELD);
		EQUAL(after.services_died - before.services_died, 1);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		if (child)
			kill(child, SIGKILL);
		server_stop(heir);
		msg_free(&m);
		peer_close(client);
		close(say[0]);
		close(say[1]);
	}
}

/* ---------------------------------------------------------------- leaving -- */

static void *wait_for_end(void *data)
{
	struct vexipc_ring_enter enter = { .fetch = 1, .flags = VEXIPC_RING_WAIT };

	EQUAL(ring_enter(data, &enter), -ENOTCONN);
	return NULL;
}

void leaving(void)
{
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);

	for (uint32_t drain = 0; drain < 2; drain++) {
		struct vexipc_unregister arg = {
			.service_id_ptr = (uintptr_t)"one", .service_id_len = 3,
			.flags = drain ? VEXIPC_UNREGISTER_DRAIN : 0,
		};
		struct msg m = { 0 };
		pthread_t thread;
		struct ring r;
		uint32_t tag;

		AT("drain %u", drain);
		ring_serve(&r, "one", (struct vexipc_ring_setup) { 0 });
		ask(client, 1, "text");
		tag = ring_fetch(&r, 0);
		EQUAL(pthread_create(&thread, NULL, wait_for_end, &r), 0);
		poll(NULL, 0, 50);
		EQUAL(call(r.fd, VEXIPC_IOC_UNREGISTER, &arg), 0);
		EQUAL(arg.failed_over, !drain);
		if (drain) {
			/* It may finish what it has. */
			peer_silent(client);
			ring_put_answer(&r, 0, tag, 4);
			EQUAL(ring_commit(&r, 0, tag), 0);
			told(client, 1, VEXIPC_MSG_EMBED_RESPONSE);
		} else {
			told(client, 1, VEXIPC_MSG_ERROR);
			/* Too late, and no harm. */
			ring_put_answer(&r, 0, tag, 4);
			EQUAL(ring_commit(&r, 0, tag), 0);
		}
		pthread_join(thread, NULL);
		EQUAL(ring_commit(&r, 0, tag), -ESRCH);
		wait_idle();
		/* Heartbeats go the way of the device, and find nobody. */
		msg_simple(&m, VEXIPC_MSG_HEARTBEAT, 3, &(struct vexipc_heartbeat_body) { 0 },
			   sizeof(struct vexipc_heartbeat_body));
		EQUAL(write(r.fd, m.data, m.len), m.len);
		msg_free(&m);
		ring_end(&r);
	}
	peer_close(client);
}

/* Late answers, answers to what was cancelled, and another service on the same ring. */
void orphans(void)
{
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_register reg = {
		.service_id_ptr = (uintptr_t)"again", .service_id_len = 5,
	};
	struct vexipc_unregister leave = {
		.service_id_ptr = (uintptr_t)"one", .service_id_len = 3,
	};
	struct vexipc_stats before, after;
	uint32_t late, cancelled, old;
	struct vexipc_embed embed = embed_of("text", 4, NULL, 0);
	struct vexipc_cancel cancel = { 0 };
	struct ring r;

	ring_serve(&r, "one", (struct vexipc_ring_setup) { 0 });
	stats_of(&before);
	embed.timeout_ms = patience(500);
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &embed), 0);
	late = ring_fetch(&r, 0);
	told(client, embed.request_id, VEXIPC_MSG_ERROR);
	embed = embed_of("text", 4, NULL, 0);
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &embed), 0);
	cancelled = ring_fetch(&r, 0);
	CHECK(cancelled != late);
	cancel.request_id = embed.request_id;
	EQUAL(call(client->fd, VEXIPC_IOC_CANCEL, &cancel), 0);
	told(client, embed.request_id, VEXIPC_MSG_ERROR);
	ring_put_answer(&r, 0, late, 4);
	ring_put_answer(&r, 0, cancelled, 4);
	EQUAL(ring_commit(&r, 0, late), 0);
	EQUAL(ring_commit(&r, 0, cancelled), 0);
	stats_of(&after);
	EQUAL(after.orphans - before.orphans, 2);

	/* What the last service held is not the next one's. */
	ask(client, 3, "text");
	old = ring_fetch(&r, 0);
	EQUAL(call(r.fd, VEXIPC_IOC_UNREGISTER, &leave), 0);
	told(client, 3, VEXIPC_MSG_ERROR);
	EQUAL(call(r.fd, VEXIPC_IOC_REGISTER, &reg), 0);
	ask(client, 4, "text");
	CHECK(ring_fetch(&r, 0) != old);
	ring_put_answer(&r, 0, old, 4);
	EQUAL(ring_commit(&r, 0, old), 0);
	peer_silent(client);
	stats_of(&before);
	EQUAL(before.orphans - after.orphans, 1);
	ring_end(&r);
	told(client, 4, VEXIPC_MSG_ERROR);
	wait_idle();
	peer_close(client);
}

static void *take_one(void *data)
{
	struct vexipc_ring_enter enter = { .fetch = 1, .flags = VEXIPC_RING_WAIT };

	EQUAL(ring_enter(data, &enter), 0);
	EQUAL(enter.fetched, 1);
	return NULL;
}

/* A call that waits has the descriptor: with it goes the service, mapped or not. */
void closed(void)
{
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_stats before, after;
	pthread_t thread;
	struct ring r;

	stats_of(&before);
	ring_serve(&r, "one", (struct vexipc_ring_setup) { 0 });
	EQUAL(pthread_create(&thread, NULL, take_one, &r), 0);
	poll(NULL, 0, patience(200));
	close(r.fd);
	ask(client, 1, "text");
	pthread_join(thread, NULL);
	told(client, 1, VEXIPC_MSG_ERROR);
	stats_of(&after);
	EQUAL(after.services_died - before.services_died, 1);
	EQUAL(after.services, before.services);
	/* The memory is there as long as it is mapped. */
	memset(r.answers, 0, r.setup.answers_size);
	ring_unmap(&r);
	wait_idle();
	peer_close(client);
}

/* ------------------------------------------------------------------- tags -- */

enum { TAGS = 2 };

static void *commit_later(void *data)
{
	poll(NULL, 0, 100);
	EQUAL(ring_commit(data, 0, 0), 0);
	return NULL;
}

/*
 * All slots hold what nobody waits for any more: who polls is told when one is free.
 * As long as none is, a call that would wait for a request is told that at once.
 */
void starved(void)
{
	struct vexipc_ring_enter wait = { .fetch = 1, .flags = VEXIPC_RING_WAIT };
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_embed embed;
	struct pollfd ready;
	pthread_t thread;
	struct ring r;

	ring_serve(&r, "one", (struct vexipc_ring_setup) { .slots = TAGS });
	for (uint32_t i = 0; i < TAGS; i++) {
		embed = embed_of("text", 4, NULL, 0);
		embed.timeout_ms = patience(500);
		EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &embed), 0);
		EQUAL(ring_fetch(&r, 0), i);
		told(client, embed.request_id, VEXIPC_MSG_ERROR);
		ring_put_answer(&r, 0, i, 4);
	}
	EQUAL(ring_enter(&r, &wait), -ENOSPC);
	ask(client, 9, "text");
	EQUAL(ring_enter(&r, &wait), -ENOSPC);
	ready = (struct pollfd) { .fd = r.fd, .events = POLLIN };
	EQUAL(poll(&ready, 1, 0), 0);
	EQUAL(pthread_create(&thread, NULL, commit_later, &r), 0);
	EQUAL(poll(&ready, 1, patience(5000)), 1);
	pthread_join(thread, NULL);
	EQUAL(ring_fetch(&r, 0), 0);
	ring_put_answer(&r, 0, 0, 4);
	EQUAL(ring_commit(&r, 0, 0), 0);
	told(client, 9, VEXIPC_MSG_EMBED_RESPONSE);
	wait_idle();
	ring_end(&r);
	peer_close(client);
}

enum { UNREAD = 300 };	/* more than are kept */

static void *answer_wanting_acks(void *data)
{
	const struct ring *r = data;

	for (int i = 0; i < UNREAD; i++) {
		uint32_t tag = ring_fetch(r, 0);
		struct vexipc_msg_header *header = ring_answer_slot(r, 0, tag);

		ring_put_answer(r, 0, tag, 4);
		header->flags |= VEXIPC_MSGF_WANT_ACK;
		EQUAL(ring_commit(r, 0, tag), 0);
		EQUAL(ring_commit(r, 0, tag), -ESRCH);
	}
	return NULL;
}

/* An answer has counted, whether or not there is room to acknowledge it. */
void unread_acks(void)
{
	int fd = device_open(0);
	pthread_t thread;
	struct ring r;

	ring_serve(&r, "one", (struct vexipc_ring_setup) { .slots = TAGS });
	EQUAL(pthread_create(&thread, NULL, answer_wanting_acks, &r), 0);
	for (int i = 0; i < UNREAD; i++) {
		float vector[4];
		struct vexipc_embed embed = embed_of("text", 4, vector, sizeof(vector));

		embed.dimensions = 4;
		EQUAL(call(fd, VEXIPC_IOC_EMBED, &embed), 0);
	}
	pthread_join(thread, NULL);
	wait_idle();
	ring_end(&r);
	close(fd);
}

/* ---------------------------------------------------------------- hostility -- */

enum { ROUNDS = 3000, WAITERS = 3 };

static atomic_bool enough;
static atomic_uint ended, answered;

/* Any field of any descriptor and header, at any time. */
static void *scribble(void *data)
{
	const struct ring *r = data;
	unsigned int seed = 1;

	while (!atomic_load(&enough)) {
		uint32_t tag = (uint32_t)rand_r(&seed) % r->setup.slots;
		unsigned char *at = rand_r(&seed) % 2 ? (void *)ring_answer(r, 0, tag) :
							 ring_answer_slot(r, 0, tag);
		size_t byte = (size_t)rand_r(&seed) % 96;
		volatile unsigned char *victim = at + byte;
		unsigned char was = *victim;

		*victim ^= (unsigned char)(1u << rand_r(&seed) % 8);
		/* Some stay wrong, some are right again a moment later. */
		if (rand_r(&seed) % 4)
			*victim = was;
	}
	return NULL;
}

static void *want(void *data)
{
	int fd = device_open(0);

	for (int i = 0; i < ROUNDS / WAITERS; i++) {
		float vector[4];
		struct vexipc_embed embed = embed_of("text", 4, vector, sizeof(vector));
		int err;

		embed.dimensions = 4;
		embed.timeout_ms = (uint32_t)patience(2000);
		err = call(fd, VEXIPC_IOC_EMBED, &embed);
		atomic_fetch_add(&ended, 1);
		atomic_fetch_add(&answered, !err);
		CHECK(!err || embed.status);
	}
	close(fd);
	return data;
}

void hostile(void)
{
	struct vexipc_ring_enter enter = {
		.fetch = 4, .flags = VEXIPC_RING_WAIT, .timeout_ns = 100000000,
	};
	pthread_t writer, waiters[WAITERS];
	struct ring r;

	EQUAL(config_set(VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 0), 0);
	EQUAL(config_set(VEXIPC_CONFIG_BREAKER_FAILURES, 0), 0);
	EQUAL(config_set(VEXIPC_CONFIG_BREAKER_ERROR_PERCENT, 0), 0);
	ring_serve(&r, "one", (struct vexipc_ring_setup) { .slots = 8 });
	EQUAL(pthread_create(&writer, NULL, scribble, &r), 0);
	for (int i = 0; i < WAITERS; i++)
		EQUAL(pthread_create(&waiters[i], NULL, want, NULL), 0);
	while (atomic_load(&ended) < ROUNDS / WAITERS * WAITERS) {
		enter.commits = 0;
		if (ring_enter(&r, &enter))
			continue;
		for (uint32_t i = 0; i < enter.fetched; i++) {
			/* Until it is taken, whatever that is taken for. */
			do
				ring_put_answer(&r, 0, enter.tag[i], 4);
			while (({
				struct vexipc_ring_enter one = { .commits = 1 };

				one.commit[0] = enter.tag[i];
				ring_enter(&r, &one);
			}));
		}
	}
	atomic_store(&enough, true);
	pthread_join(writer, NULL);
	for (int i = 0; i < WAITERS; i++)
		pthread_join(waiters[i], NULL);
	EQUAL(atomic_load(&ended), ROUNDS / WAITERS * WAITERS);
	CHECK(atomic_load(&answered));
	wait_idle();
	ring_end(&r);
}

/* A slot is handed out again only when its answer has been used: none is torn. */
static void *compare(void *data)
{
	int fd = device_open(0);

	for (int i = 0; i < 500; i++) {
		char text[16], vector[1024];
		struct vexipc_embed embed = embed_of(text, sizeof(text), vector, sizeof(vector));

		memset(text, 'a' + (i + (int)(intptr_t)data) % 26, sizeof(text));
		embed.dimensions = sizeof(vector) / 4;
		EQUAL(call(fd, VEXIPC_IOC_EMBED, &embed), 0);
		for (size_t j = 0; j < sizeof(vector); j++)
			EQUAL(vector[j], text[0]);
	}
	close(fd);
	return NULL;
}

static void *repeat(void *data)
{
	const struct ring *r = data;
	struct vexipc_ring_enter enter = { .fetch = 3, .flags = VEXIPC_RING_WAIT };

	while (!ring_enter(r, &enter)) {
		enter.commits = 0;
		for (uint32_t i = 0; i < enter.fetched; i++) {
			const struct vexipc_embed_request_body *body =
				(const void *)((const char *)ring_request_slot(r, 0, enter.tag[i]) +
					       sizeof(struct vexipc_msg_header));
			char *slot;

			ring_put_answer(r, 0, enter.tag[i], body->dimensions);
			slot = ring_answer_slot(r, 0, enter.tag[i]);
			memset(slot + sizeof(struct vexipc_msg_header) +
			       sizeof(struct vexipc_embed_response_body),
			       *(const char *)(body + 1), 4 * body->dimensions);
			enter.commit[enter.commits++] = enter.tag[i];
		}
	}
	return NULL;
}

void reused(void)
{
	struct vexipc_ring_enter stop = { .flags = VEXIPC_RING_STOP };
	pthread_t clients[6], service;
	struct ring r;

	ring_serve(&r, "one", (struct vexipc_ring_setup) { .slots = 4 });
	EQUAL(pthread_create(&service, NULL, repeat, &r), 0);
	for (intptr_t i = 0; i < 6; i++)
		EQUAL(pthread_create(&clients[i], NULL, compare, (void *)i), 0);
	for (int i = 0; i < 6; i++)
		pthread_join(clients[i], NULL);
	EQUAL(ring_enter(&r, &stop), 0);
	pthread_join(service, NULL);
	wait_idle();
	ring_end(&r);
}
