// SPDX-License-Identifier: GPL-2.0-only
/* Faults in the life of requests that are messages; see faults.c. */
#include <linux/securebits.h>
#include <poll.h>
#include <sys/prctl.h>

#include "faults.h"

enum { MOST_ASKS = 64 };

/* struct ask is one request: what was asked, and what came of it. */
static struct ask {
	struct peer *by;
	uint64_t correlation;
	char *content;
	size_t len;
	bool batch, sure, done;
	uint32_t error, flags;
} asks[MOST_ASKS];
static unsigned int count;

void forget_all(void)
{
	while (count)
		free(asks[--count].content);
}

/* Ask, and note it if it was accepted, or may have been. */
static int ask_as(struct peer *by, unsigned int number, uint64_t session, bool batch)
{
	static uint64_t correlation;
	struct ask *ask = &asks[count];
	int err;

	CHECK(count < MOST_ASKS);
	*ask = (struct ask) {
		.by = by, .correlation = ++correlation, .batch = batch, .sure = true,
		.content = content_of(number), .len = size < 9 ? 9 : size,
	};
	if (batch) {
		msg_batch(&m, ask->correlation, BATCH, ask->len, 0);
	} else {
		struct vexipc_embed_request_body *body;

		msg_embed(&m, ask->correlation, ask->content, ask->len, 0);
		body = msg_body(&m);
		body->session = session;
		msg_reseal(&m);
	}
	err = came_of(peer_send(by, &m));
	/* Without an ack it may be on its way, or not. */
	ask->sure = err != -ENOBUFS;
	if (err && ask->sure)
		free(ask->content);
	else
		count++;
	return err;
}

int ask(struct peer *by, unsigned int number)
{
	return ask_as(by, number, 0, false);
}

static void check_batch(void)
{
	const struct vexipc_batch_response_body *body = msg_body(&m);
	const unsigned char *at = (const void *)(body + 1);

	EQUAL(body->count, BATCH);
	for (uint32_t i = 0; i < body->count; i++) {
		struct vexipc_batch_result result;
		char item = (char)('a' + i);

		memcpy(&result, at, sizeof(result));
		at += sizeof(result);
		EQUAL(result.error, 0);
		EQUAL(result.vector_bytes, dims * 4);
		vector_check(at, result.vector_bytes, &item, 1);
		at += result.vector_bytes;
	}
}

/* What a client has been sent belongs to one of its requests, which has had none. */
static void completed(struct peer *by)
{
	uint64_t correlation = msg_header(&m)->correlation_id;
	unsigned int i = 0;

	while (i < count && (asks[i].by != by || asks[i].correlation != correlation))
		i++;
	CHECK(i < count);
	CHECK(!asks[i].done);
	asks[i].done = true;
	if (msg_header(&m)->message_type == VEXIPC_MSG_ERROR) {
		const struct vexipc_error_body *body = msg_body(&m);

		asks[i].error = body->error;
		return;
	}
	if (asks[i].batch) {
		msg_check(&m, VEXIPC_MSG_BATCH_RESPONSE);
		check_batch();
	} else {
		const struct vexipc_embed_response_body *body = msg_body(&m);

		msg_check(&m, VEXIPC_MSG_EMBED_RESPONSE);
		EQUAL(body->vector_bytes, dims * 4);
		vector_check(body + 1, body->vector_bytes, asks[i].content, asks[i].len);
		asks[i].flags = body->result_flags;
	}
}

static bool all_done(void)
{
	for (unsigned int i = 0; i < count; i++)
		if (asks[i].sure && !asks[i].done)
			return false;
	return true;
}

/* Answer what there is, look at what was answered; all of it, or is any left? */
static bool serve_some(void)
{
	bool any = serve(service[0]) | serve(service[1]);

	for (int i = 0; i < 2; i++) {
		while (client[i] && take(client[i])) {
			completed(client[i]);
			any = true;
		}
	}
	if (all_done())
		return false;
	if (!any)
		poll(NULL, 0, 2);
	return true;
}

void serve_until_done(void)
{
	uint64_t end = now_ms() + (uint64_t)patience(10000);

	while (serve_some())
		CHECK(now_ms() < end);
}

/*
 * All is answered, and after that, without faults, what is asked anew: then no second
 * answer is on its way. What failed says that memory was short, or @error.
 */
void settle(enum vexipc_error error)
{
	unsigned int asked;

	serve_until_done();
	asked = count;
	calm();
	for (int i = 0; i < 2; i++)
		if (client[i])
			EQUAL(ask(client[i], 9999990 + (unsigned int)i), 0);
	serve_until_done();
	for (unsigned int i = 0; i < count; i++) {
		if (!asks[i].error || (error && asks[i].error == error))
			continue;
		CHECK(fired && i < asked);
		EQUAL(asks[i].error, VEXIPC_ERR_NO_MEMORY);
		errors[ENOMEM]++;
	}
	for (int i = 0; i < 2; i++)
		CHECK(!client[i] || !take(client[i]));
}

static void one_request(unsigned int n)
{
	ask(client[0], n);
	settle(0);
	forget_all();
}

void scene_request(void)
{
	open_all(1, 1);
	sweep(one_request);
	close_all();
}

static void one_batch(unsigned int n)
{
	ask_as(client[0], n, 0, true);
	settle(0);
	forget_all();
}

void scene_batch_request(void)
{
	open_all(1, 1);
	sweep(one_batch);
	close_all();
}

/* Several that wait for a service travel together. */
static void some_carried(unsigned int n)
{
	for (unsigned int i = 0; i < 4; i++)
		ask(client[0], n * 4 + i);
	settle(0);
	forget_all();
}

void scene_carried(void)
{
	struct vexipc_stats s;

	config(VEXIPC_CONFIG_DYNAMIC_BATCHING, 1);
	/* With one under way, those behind it wait. */
	config(VEXIPC_CONFIG_BATCH_DELAY_US, 20000);
	open_all(1, 1);
	sweep(some_carried);
	close_all();
	stats_of(&s);
	CHECK(s.carriers);
	config(VEXIPC_CONFIG_BATCH_DELAY_US, 0);
	config(VEXIPC_CONFIG_DYNAMIC_BATCHING, 0);
}

/* Asked twice: the second time the cache knows it. */
static void one_cached(unsigned int n)
{
	ask(client[0], n);
	serve_until_done();
	ask(client[0], n);
	settle(0);
	if (!fired)
		EQUAL(asks[1].flags, VEXIPC_RESULT_CACHED);
	forget_all();
}

void scene_cached(void)
{
	struct vexipc_stats s;

	config(VEXIPC_CONFIG_CACHE_ENABLED, 1);
	/* They have to go as well. */
	config(VEXIPC_CONFIG_CACHE_MAX_ENTRIES, 16);
	open_all(1, 1);
	sweep(one_cached);
	close_all();
	stats_of(&s);
	CHECK(s.cache_hits && s.cache_evictions);
	config(VEXIPC_CONFIG_CACHE_ENABLED, 0);
	stats_of(&s);
	EQUAL(s.cache_entries, 0);
	EQUAL(s.cache_bytes, 0);
}

/* Asked by two at once, and once more by the first. */
static void one_coalesced(unsigned int n)
{
	ask(client[0], n);
	ask(client[1], n);
	ask(client[0], n);
	settle(0);
	if (!fired) {
		EQUAL(asks[0].flags, 0);
		EQUAL(asks[1].flags, VEXIPC_RESULT_COALESCED);
		EQUAL(asks[2].flags, VEXIPC_RESULT_COALESCED);
	}
	forget_all();
}

void scene_coalesced(void)
{
	config(VEXIPC_CONFIG_COALESCE, 1);
	open_all(2, 1);
	sweep(one_coalesced);
	config(VEXIPC_CONFIG_CACHE_ENABLED, 1);
	sweep(one_coalesced);
	close_all();
	config(VEXIPC_CONFIG_CACHE_ENABLED, 0);
	config(VEXIPC_CONFIG_COALESCE, 0);
}

/* One is sent to each service, one waits there, and the others for either. */
static void some_overflow(unsigned int n)
{
	struct vexipc_stats s;
	uint64_t before;

	stats_of(&s);
	before = s.overflowed;
	for (unsigned int i = 0; i < 7; i++)
		ask(client[0], n * 8 + i);
	stats_of(&s);
	CHECK(s.overflowed > before);
	settle(0);
	forget_all();
}

void scene_overflow(void)
{
	config(VEXIPC_CONFIG_MAX_CONCURRENT_PER_SERVICE, 1);
	config(VEXIPC_CONFIG_MAX_SERVICE_QUEUE, 1);
	open_all(1, 2);
	sweep(some_overflow);
	close_all();
	config(VEXIPC_CONFIG_MAX_CONCURRENT_PER_SERVICE, 100);
	config(VEXIPC_CONFIG_MAX_SERVICE_QUEUE, 256);
}

/* Each user and session is new, so each time both are made: then one is refused. */
static void one_refused(unsigned int n)
{
	EQUAL(seteuid(2000 + n), 0);
	ask_as(client[0], n, 1, false);
	ask_as(client[0], n, 1, false);
	EQUAL(seteuid(0), 0);
	settle(VEXIPC_ERR_RATE_LIMITED);
	if (!fired) {
		EQUAL(asks[0].error, 0);
		EQUAL(asks[1].error, VEXIPC_ERR_RATE_LIMITED);
	}
	forget_all();
}

void scene_refused(void)
{
	/* What is left of the capabilities: fail-nth wants one. */
	EQUAL(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP), 0);
	/* As many bytes at once as one request has, and then none for a minute or two. */
	config(VEXIPC_CONFIG_LIMIT_SESSION_BYTES, size / 100 + 1);
	config(VEXIPC_CONFIG_LIMIT_SESSION_BURST_MS, size * 1000 / (size / 100 + 1));
	config(VEXIPC_CONFIG_LIMIT_USER_REQUESTS, 1000000);
	config(VEXIPC_CONFIG_MAX_REQUESTS_PER_USER, 1000);
	open_all(1, 1);
	sweep(one_refused);
	close_all();
	config(VEXIPC_CONFIG_LIMIT_SESSION_BYTES, 0);
	config(VEXIPC_CONFIG_LIMIT_USER_REQUESTS, 0);
	config(VEXIPC_CONFIG_MAX_REQUESTS_PER_USER, 0);
}

/* Is the message that was taken this request? */
static bool is_asked(const struct ask *ask)
{
	const struct vexipc_embed_request_body *body = msg_body(&m);

	return msg_header(&m)->message_type == VEXIPC_MSG_EMBED_REQUEST &&
	       !memcmp((const char *)(body + 1) + body->model_len, ask->content, 8);
}

/*
 * Who has a request first keeps it until the other one, which has its hedge, answered;
 * or for a while, for a fault may have been the end of the hedge.
 */
static void one_hedged(unsigned int n)
{
	enum { WHILE_MS = 300 };
	uint64_t begun = now_ms(), end = begun + (uint64_t)patience(10000);
	static struct msg late;
	struct peer *first = NULL;

	ask(client[0], n);
	while (!first && count && !(fired && now_ms() > begun + WHILE_MS)) {
		for (int i = 0; i < 2 && !first; i++) {
			while (!first && take(service[i])) {
				/* A probe, or the hedge of one before, is not meant. */
				if (is_asked(&asks[0]))
					first = service[i];
				else
					answer(service[i], &m);
			}
		}
		CHECK(now_ms() < end);
		poll(NULL, 0, 1);
	}
	if (first) {
		msg_free(&late);
		late = m;
		m = (struct msg) { 0 };
	}
	while (serve_some() && !(fired && now_ms() > begun + WHILE_MS))
		CHECK(now_ms() < end);
	if (first)
		answer(first, &late);
	settle(0);
	if (!fired)
		EQUAL(asks[0].flags, VEXIPC_RESULT_HEDGED);
	forget_all();
}

void scene_hedged(void)
{
	struct vexipc_stats s;

	open_all(1, 2);
	/* So many that the usual times of both are known. */
	for (unsigned int n = 0; n < MOST_ASKS; n++)
		EQUAL(ask(client[0], n), 0);
	serve_until_done();
	forget_all();
	config(VEXIPC_CONFIG_HEDGE_PERCENTILE, 25);
	config(VEXIPC_CONFIG_HEDGE_BUDGET_PERCENT, 100);
	hedging = true;
	sweep(one_hedged);
	hedging = false;
	close_all();
	stats_of(&s);
	CHECK(s.hedges_won && s.orphans);
	config(VEXIPC_CONFIG_HEDGE_PERCENTILE, 0);
	config(VEXIPC_CONFIG_HEDGE_BUDGET_PERCENT, 10);
}
