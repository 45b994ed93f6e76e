// SPDX-License-Identifier: GPL-2.0-only
/* Messages: each type, each way to be malformed, answers that nobody waits for. */
#include "abi.h"

enum { HEADER = sizeof(struct vexipc_msg_header) };

static const struct vexipc_ack_body *expect_ack(struct peer *p, struct msg *m, uint32_t type,
						uint32_t error)
{
	const struct vexipc_ack_body *body;

	peer_expect(p, m, error ? VEXIPC_MSG_NACK : VEXIPC_MSG_ACK);
	body = msg_body(m);
	EQUAL(body->type, type);
	EQUAL(body->error, error);
	EQUAL(m->len, HEADER + sizeof(*body) + body->text_len);
	if (error)
		CHECK(body->text_len);
	return body;
}

/* ------------------------------------------------------------- every type -- */

struct pair {
	struct peer *client, *service;
	uint64_t handle;
	struct msg m, a;
};

static struct pair pair_open(uint32_t client, uint32_t service)
{
	struct pair pair = { .client = peer_open(client), .service = peer_open(service) };

	pair.handle = serve_as(pair.service, "typed");
	/* So that the module has met the client, too. */
	msg_health_check(&pair.m, 1, "");
	EQUAL(peer_send(pair.client, &pair.m), 0);
	peer_expect(pair.client, &pair.m, VEXIPC_MSG_HEALTH_RESPONSE);
	return pair;
}

static void pair_close(struct pair *pair)
{
	peer_close(pair->client);
	peer_close(pair->service);
	msg_free(&pair->m);
	msg_free(&pair->a);
	wait_idle();
}

static void type_register(struct pair *pair)
{
	struct peer *p = peer_open(pair->service->transport);
	const struct vexipc_ack_body *ack;

	msg_register(&pair->m, "another", VEXIPC_FEATURE_BATCH | VEXIPC_FEATURE_HEALTH, 4);
	msg_seal(&pair->m, VEXIPC_MSG_REGISTER, 0x1234567890abcdef, 0);
	EQUAL(peer_send(p, &pair->m), 0);
	ack = expect_ack(p, &pair->m, VEXIPC_MSG_REGISTER, 0);
	EQUAL(msg_header(&pair->m)->correlation_id, 0x1234567890abcdef);
	EQUAL(ack->version, 1);
	EQUAL(ack->features, VEXIPC_FEATURE_BATCH | VEXIPC_FEATURE_HEALTH);
	EQUAL(ack->heartbeat_ms, 10000);
	CHECK(ack->handle && ack->handle != pair->handle);
	/* Refused: the id is taken; this peer has one. */
	msg_register(&pair->m, "typed", 0, 0);
	EQUAL(peer_send(pair->client, &pair->m), 0);
	expect_ack(pair->client, &pair->m, VEXIPC_MSG_REGISTER, VEXIPC_ERR_EXISTS);
	msg_register(&pair->m, "third", 0, 0);
	EQUAL(peer_send(p, &pair->m), 0);
	expect_ack(p, &pair->m, VEXIPC_MSG_REGISTER, VEXIPC_ERR_EXISTS);

	/* UNREGISTER, by handle and without. */
	{
		struct vexipc_unregister_body body = { .handle = ack->handle };

		body.handle = 0;
		msg_simple(&pair->m, VEXIPC_MSG_UNREGISTER, 77, &body, sizeof(body));
		EQUAL(peer_send(p, &pair->m), 0);
		ack = expect_ack(p, &pair->m, VEXIPC_MSG_UNREGISTER, 0);
		EQUAL(msg_header(&pair->m)->correlation_id, 77);
		EQUAL(ack->failed_over, 0);
		msg_simple(&pair->m, VEXIPC_MSG_UNREGISTER, 78, &body, sizeof(body));
		EQUAL(peer_send(p, &pair->m), 0);
		expect_ack(p, &pair->m, VEXIPC_MSG_UNREGISTER, VEXIPC_ERR_NO_SUCH_SERVICE);
	}
	peer_close(p);
}

static void type_heartbeat(struct pair *pair)
{
	struct vexipc_heartbeat_body body = {
		.handle = pair->handle, .memory_bytes = 1ull << 33, .cpu_permille = 1500,
		.in_flight = 4, .queue_depth = 6,
	};
	struct vexipc_status status = { .handle = pair->handle };
	const struct vexipc_ack_body *ack;
	struct vexipc_stats before, after;
	int fd = device_open(0);

	stats_of(&before);
	msg_simple(&pair->m, VEXIPC_MSG_HEARTBEAT, 11, &body, sizeof(body));
	EQUAL(peer_send(pair->service, &pair->m), 0);
	ack = expect_ack(pair->service, &pair->m, VEXIPC_MSG_HEARTBEAT, 0);
	EQUAL(msg_header(&pair->m)->correlation_id, 11);
	EQUAL(ack->handle, pair->handle);
	EQUAL(ack->heartbeat_ms, 10000);
	stats_of(&after);
	EQUAL(after.heartbeats, before.heartbeats + 1);
	EQUAL(call(fd, VEXIPC_IOC_STATUS, &status), 0);
	EQUAL(status.entry.memory_bytes, 1ull << 33);
	EQUAL(status.entry.cpu_permille, 1500);
	EQUAL(status.entry.reported_in_flight, 4);
	EQUAL(status.entry.reported_queue_depth, 6);
	CHECK(status.entry.last_heartbeat_ns);
	/* Who is no service has no heart, and nobody beats for another. */
	msg_simple(&pair->m, VEXIPC_MSG_HEARTBEAT, 12, &body, sizeof(body));
	EQUAL(peer_send(pair->client, &pair->m), 0);
	expect_ack(pair->client, &pair->m, VEXIPC_MSG_HEARTBEAT, VEXIPC_ERR_NO_SUCH_SERVICE);
	body.handle = 0;
	msg_simple(&pair->m, VEXIPC_MSG_HEARTBEAT, 12, &body, sizeof(body));
	EQUAL(peer_send(pair->client, &pair->m), 0);
	expect_ack(pair->client, &pair->m, VEXIPC_MSG_HEARTBEAT, VEXIPC_ERR_NO_SUCH_SERVICE);
	body.handle = pair->handle ^ 1;
	msg_simple(&pair->m, VEXIPC_MSG_HEARTBEAT, 13, &body, sizeof(body));
	EQUAL(peer_send(pair->service, &pair->m), 0);
	expect_ack(pair->service, &pair->m, VEXIPC_MSG_HEARTBEAT, VEXIPC_ERR_NO_SUCH_SERVICE);
	close(fd);
}

static void type_discovery(struct pair *pair)
{
	struct vexipc_discovery_body body = { 0 }, *answer;
	struct vexipc_service_entry entry;

	msg_simple(&pair->m, VEXIPC_MSG_DISCOVERY, 21, &body, sizeof(body));
	EQUAL(peer_send(pair->client, &pair->m), 0);
	peer_expect(pair->client, &pair->m, VEXIPC_MSG_DISCOVERY);
	EQUAL(msg_header(&pair->m)->flags, VEXIPC_MSGF_RESPONSE);
	EQUAL(msg_header(&pair->m)->correlation_id, 21);
	answer = msg_body(&pair->m);
	EQUAL(answer->count, 1);
	EQUAL(answer->total, 1);
	EQUAL(pair->m.len, HEADER + sizeof(body) + sizeof(entry));
	memcpy(&entry, answer + 1, sizeof(entry));
	EQUAL(entry.handle, pair->handle);
	EQUAL(strcmp(entry.id, "typed"), 0);
	/* Filters leave out what does not match. */
	body.model_len = 4;
	msg_begin(&pair->m);
	msg_put(&pair->m, &body, sizeof(body));
	msg_text(&pair->m, "none");
	msg_seal(&pair->m, VEXIPC_MSG_DISCOVERY, 22, 0);
	EQUAL(peer_send(pair->client, &pair->m), 0);
	peer_expect(pair->client, &pair->m, VEXIPC_MSG_DISCOVERY);
	EQUAL(((struct vexipc_discovery_body *)msg_body(&pair->m))->count, 0);
	/* The answer is the kernel's to send. */
	body.model_len = 0;
	msg_begin(&pair->m);
	msg_put(&pair->m, &body, sizeof(body));
	msg_seal(&pair->m, VEXIPC_MSG_DISCOVERY, 23, VEXIPC_MSGF_RESPONSE);
	EQUAL(peer_send(pair->client, &pair->m), -EBADRQC);
}

static void type_embed(struct pair *pair)
{
	const struct vexipc_embed_request_body *request;
	const struct vexipc_embed_response_body *answer;
	struct vexipc_embed_request_body body = {
		.session = 99, .timeout_ms = 20000, .dimensions = 8, .data_type = VEXIPC_FLOAT32,
		.content_type = VEXIPC_RAW, .priority = 200, .service_len = 5, .content_len = 3,
	};
	uint64_t now;

	msg_begin(&pair->m);
	msg_put(&pair->m, &body, sizeof(body));
	msg_text(&pair->m, "typedabc");
	msg_seal(&pair->m, VEXIPC_MSG_EMBED_REQUEST, 31, 0);
	EQUAL(peer_send(pair->client, &pair->m), 0);

	peer_expect(pair->service, &pair->m, VEXIPC_MSG_EMBED_REQUEST);
	request = msg_body(&pair->m);
	now = now_ms();
	CHECK(msg_header(&pair->m)->correlation_id != 31);
	EQUAL(request->session, 99);
	EQUAL(request->dimensions, 8);
	EQUAL(request->content_type, VEXIPC_RAW);
	EQUAL(request->priority, 200);
	EQUAL(request->service_len, 0);
	EQUAL(request->content_len, 3);
	CHECK(request->deadline_ns / 1000000 > now + 10000);
	CHECK(request->deadline_ns / 1000000 <= now + 20001);
	EQUAL(pair->m.len, HEADER + sizeof(*request) + 3);
	EQUAL(memcmp(request + 1, "abc", 3), 0);

	msg_answer(&pair->a, msg_header(&pair->m)->correlation_id, 8, 0);
	EQUAL(peer_send(pair->service, &pair->a), 0);
	peer_expect(pair->client, &pair->m, VEXIPC_MSG_EMBED_RESPONSE);
	EQUAL(msg_header(&pair->m)->correlation_id, 31);
	answer = msg_body(&pair->m);
	EQUAL(answer->service_handle, pair->handle);
	EQUAL(answer->attempts, 1);
	EQUAL(answer->dimensions, 8);
	EQUAL(answer->vector_bytes, 32);
	EQUAL(pair->m.len, HEADER + sizeof(*answer) + 32);
	CHECK(answer->request_id >> 63);
	peer_silent(pair->client);
	peer_silent(pair->service);
}

static void type_batch(struct pair *pair)
{
	const struct vexipc_batch_request_body *request;
	const struct vexipc_batch_response_body *answer;
	struct vexipc_batch_response_body body = { .count = 3 };
	struct vexipc_batch_result good = { .dimensions = 2, .vector_bytes = 8 };
	struct vexipc_batch_result bad = { .error = VEXIPC_ERR_INVALID };
	size_t results;

	msg_batch(&pair->m, 41, 3, 10, 2);
	EQUAL(peer_send(pair->client, &pair->m), 0);
	peer_expect(pair->service, &pair->m, VEXIPC_MSG_BATCH_REQUEST);
	request = msg_body(&pair->m);
	EQUAL(request->count, 3);
	EQUAL(request->common.content_len, 3 * 18);
	EQUAL(memcmp((const char *)(request + 1) + 8, "aaaaaaaaaa", 10), 0);
	EQUAL(memcmp((const char *)(request + 1) + 44, "cccccccccc", 10), 0);
	/* The second of the three fails, the others are well. */
	msg_begin(&pair->a);
	msg_put(&pair->a, &body, sizeof(body));
	msg_put(&pair->a, &good, sizeof(good));
	msg_put(&pair->a, "11112222", 8);
	msg_put(&pair->a, &bad, sizeof(bad));
	msg_put(&pair->a, &good, sizeof(good));
	msg_put(&pair->a, "33334444", 8);
	results = pair->a.len - HEADER - sizeof(body);
	msg_seal(&pair->a, VEXIPC_MSG_BATCH_RESPONSE, msg_header(&pair->m)->correlation_id, 0);
	EQUAL(peer_send(pair->service, &pair->a), 0);
	peer_expect(pair->client, &pair->m, VEXIPC_MSG_BATCH_RESPONSE);
	EQUAL(msg_header(&pair->m)->correlation_id, 41);
	answer = msg_body(&pair->m);
	EQUAL(answer->count, 3);
	EQUAL(answer->service_handle, pair->handle);
	EQUAL(pair->m.len, HEADER + sizeof(*answer) + results);
	EQUAL(memcmp(answer + 1, pair->a.data + HEADER + sizeof(body), results), 0);
}

static void type_status(struct pair *pair)
{
	struct vexipc_status_query_body body = { .handle = pair->handle };
	struct vexipc_service_entry entry;

	for (int by_id = 0; by_id < 2; by_id++) {
		body.handle = by_id ? 0 : pair->handle;
		body.id_len = by_id ? 5 : 0;
		msg_begin(&pair->m);
		msg_put(&pair->m, &body, sizeof(body));
		msg_text(&pair->m, by_id ? "typed" : "");
		msg_seal(&pair->m, VEXIPC_MSG_STATUS_QUERY, 51, 0);
		EQUAL(peer_send(pair->client, &pair->m), 0);
		peer_expect(pair->client, &pair->m, VEXIPC_MSG_STATUS_RESPONSE);
		EQUAL(msg_header(&pair->m)->correlation_id, 51);
		EQUAL(pair->m.len, HEADER + sizeof(entry));
		memcpy(&entry, msg_body(&pair->m), sizeof(entry));
		EQUAL(entry.handle, pair->handle);
		EQUAL(strcmp(entry.id, "typed"), 0);
		EQUAL(entry.transport, pair->service->transport);
	}
	body = (struct vexipc_status_query_body) { .handle = pair->handle + (1ull << 40) };
	msg_simple(&pair->m, VEXIPC_MSG_STATUS_QUERY, 52, &body, sizeof(body));
	EQUAL(peer_send(pair->client, &pair->m), 0);
	expect_ack(pair->client, &pair->m, VEXIPC_MSG_STATUS_QUERY, VEXIPC_ERR_NO_SUCH_SERVICE);
}

static void type_health(struct pair *pair)
{
	struct vexipc_health_response_body body = {
		.health = 77, .in_flight = 5, .queue_depth = 9,
	}, *answer;
	struct vexipc_stats before, after;

	/* Of the module itself. */
	msg_health_check(&pair->m, 61, "");
	EQUAL(peer_send(pair->client, &pair->m), 0);
	peer_expect(pair->client, &pair->m, VEXIPC_MSG_HEALTH_RESPONSE);
	EQUAL(msg_header(&pair->m)->correlation_id, 61);
	answer = msg_body(&pair->m);
	EQUAL(answer->handle, 0);
	EQUAL(answer->health, 100);
	EQUAL(answer->services, 1);
	/* Of the service, which the module asks. */
	stats_of(&before);
	msg_health_check(&pair->m, 62, "typed");
	EQUAL(peer_send(pair->client, &pair->m), 0);
	peer_expect(pair->service, &pair->m, VEXIPC_MSG_HEALTH_CHECK);
	CHECK(((struct vexipc_health_check_body *)msg_body(&pair->m))->deadline_ns);
	EQUAL(((struct vexipc_health_check_body *)msg_body(&pair->m))->id_len, 0);
	msg_simple(&pair->a, VEXIPC_MSG_HEALTH_RESPONSE, msg_header(&pair->m)->correlation_id,
		   &body, sizeof(body));
	EQUAL(peer_send(pair->service, &pair->a), 0);
	peer_expect(pair->client, &pair->m, VEXIPC_MSG_HEALTH_RESPONSE);
	EQUAL(msg_header(&pair->m)->correlation_id, 62);
	answer = msg_body(&pair->m);
	EQUAL(answer->handle, pair->handle);
	EQUAL(answer->health, 77);
	EQUAL(answer->in_flight, 5);
	EQUAL(answer->queue_depth, 9);
	EQUAL(answer->services, 1);
	CHECK(answer->round_trip_ns);
	/* Such are no requests. */
	stats_of(&after);
	EQUAL(after.submitted, before.submitted);
	EQUAL(after.probes, before.probes + 1);
	msg_health_check(&pair->m, 63, "nobody");
	EQUAL(peer_send(pair->client, &pair->m), 0);
	peer_expect(pair->client, &pair->m, VEXIPC_MSG_ERROR);
	EQUAL(((struct vexipc_error_body *)msg_body(&pair->m))->error,
	      VEXIPC_ERR_NO_SUCH_SERVICE);
}

/* A service's ERROR and NACK become the client's ERROR. */
static void type_error(struct pair *pair)
{
	const struct vexipc_error_body *answer;
	struct vexipc_ack_body nack = {
		.type = VEXIPC_MSG_EMBED_REQUEST, .error = VEXIPC_ERR_UNSUPPORTED, .text_len = 2,
	};
	uint64_t retries;

	msg_embed(&pair->m, 71, "x", 1, 0);
	EQUAL(peer_send(pair->client, &pair->m), 0);
	peer_expect(pair->service, &pair->m, VEXIPC_MSG_EMBED_REQUEST);
	msg_error(&pair->a, msg_header(&pair->m)->correlation_id, VEXIPC_ERR_INVALID, 0,
		  "bad t\xc3\xa9xt");
	EQUAL(peer_send(pair->service, &pair->a), 0);
	peer_expect(pair->client, &pair->m, VEXIPC_MSG_ERROR);
	EQUAL(msg_header(&pair->m)->correlation_id, 71);
	answer = msg_body(&pair->m);
	EQUAL(answer->error, VEXIPC_ERR_INVALID);
	EQUAL(answer->service_handle, pair->handle);
	EQUAL(answer->attempts, 1);
	EQUAL(answer->text_len, 9);
	EQUAL(memcmp(answer + 1, "bad t\xc3\xa9xt", 9), 0);
	/* An error that is the module's to tell is no service's. */
	msg_embed(&pair->m, 72, "x", 1, 0);
	EQUAL(peer_send(pair->client, &pair->m), 0);
	peer_expect(pair->service, &pair->m, VEXIPC_MSG_EMBED_REQUEST);
	msg_error(&pair->a, msg_header(&pair->m)->correlation_id, VEXIPC_ERR_QUEUE_FULL, 0, "");
	EQUAL(peer_send(pair->service, &pair->a), 0);
	peer_expect(pair->client, &pair->m, VEXIPC_MSG_ERROR);
	EQUAL(((struct vexipc_error_body *)msg_body(&pair->m))->error, VEXIPC_ERR_SERVICE_FAILED);
	/* A NACK is one, too; no retries here, so that it comes at once. */
	EQUAL(config_get(VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, &retries), 0);
	EQUAL(config_set(VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 0), 0);
	msg_embed(&pair->m, 73, "x", 1, 0);
	EQUAL(peer_send(pair->client, &pair->m), 0);
	peer_expect(pair->service, &pair->m, VEXIPC_MSG_EMBED_REQUEST);
	msg_begin(&pair->a);
	msg_put(&pair->a, &nack, sizeof(nack));
	msg_text(&pair->a, "no");
	msg_seal(&pair->a, VEXIPC_MSG_NACK, msg_header(&pair->m)->correlation_id, 0);
	EQUAL(peer_send(pair->service, &pair->a), 0);
	peer_expect(pair->client, &pair->m, VEXIPC_MSG_ERROR);
	EQUAL(((struct vexipc_error_body *)msg_body(&pair->m))->error, VEXIPC_ERR_UNSUPPORTED);
	EQUAL(config_set(VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, retries), 0);
}

/* STATUS_RESPONSE and ACK are the kernel's alone, answers a service's. */
static void type_not_yours(struct pair *pair)
{
	static const uint32_t kernels[] = { VEXIPC_MSG_STATUS_RESPONSE, VEXIPC_MSG_ACK };
	struct vexipc_health_response_body health = { 0 };
	struct vexipc_ack_body nack = { .error = 1 };
	struct vexipc_service_entry entry = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
		AT("type 0x%x", kernels[i]);
		msg_simple(&pair->m, kernels[i], 1, &entry, sizeof(entry));
		EQUAL(peer_send(pair->client, &pair->m), -EBADRQC);
		EQUAL(peer_send(pair->service, &pair->m), -EBADRQC);
	}
	AT("answers of a client");
	msg_answer(&pair->m, 1, 4, 0);
	EQUAL(peer_send(pair->client, &pair->m), -EBADRQC);
	msg_error(&pair->m, 1, VEXIPC_ERR_INVALID, 0, "");
	EQUAL(peer_send(pair->client, &pair->m), -EBADRQC);
	msg_simple(&pair->m, VEXIPC_MSG_HEALTH_RESPONSE, 1, &health, sizeof(health));
	EQUAL(peer_send(pair->client, &pair->m), -EBADRQC);
	msg_simple(&pair->m, VEXIPC_MSG_NACK, 1, &nack, sizeof(nack));
	EQUAL(peer_send(pair->client, &pair->m), -EBADRQC);
	{
		struct vexipc_batch_response_body batch = { 0 };

		msg_simple(&pair->m, VEXIPC_MSG_BATCH_RESPONSE, 1, &batch, sizeof(batch));
		EQUAL(peer_send(pair->client, &pair->m), -EBADRQC);
	}
	*current = '\0';
}

static void types(void)
{
	struct pair pair = pair_open(transport_of(case_args[0]), transport_of(case_args[1]));

	type_register(&pair);
	type_heartbeat(&pair);
	type_discovery(&pair);
	type_embed(&pair);
	type_batch(&pair);
	type_status(&pair);
	type_health(&pair);
	type_error(&pair);
	type_not_yours(&pair);
	peer_silent(pair.client);
	peer_silent(pair.service);
	pair_close(&pair);
}

/* -------------------------------------------------------------- malformed -- */

/* All of the instance's counters but of what may change. */
static void check_unchanged(const struct vexipc_stats *before, uint64_t bad)
{
	struct vexipc_stats after;

	stats_of(&after);
	EQUAL(after.bad_messages, before->bad_messages + bad);
	after.bad_messages = before->bad_messages;
	for (size_t at = 0; at < sizeof(after) / sizeof(uint64_t); at++) {
		AT("counter %zu", at);
		EQUAL(((const uint64_t *)&after)[at], ((const uint64_t *)before)[at]);
	}
	*current = '\0';
}

/* Each byte of a message's header, in each way that it can be wrong. */
static uint64_t corrupt_header(struct peer *p, struct msg *m)
{
	uint64_t sent = 0;

	for (unsigned int at = 0; at < HEADER; at++) {
		for (unsigned int bits = 1; bits < 256; bits++) {
			m->data[at] ^= (unsigned char)bits;
			AT("byte %u ^ 0x%02x", at, bits);
			CHECK(peer_send(p, m) < 0);
			m->data[at] ^= (unsigned char)bits;
			sent++;
		}
	}
	*current = '\0';
	return sent;
}

static void corrupt_headers(void)
{
	struct pair pair = pair_open(transport_of(case_args[0]), transport_of(case_args[0]));
	struct vexipc_heartbeat_body beat = { 0 };
	struct vexipc_stats before;
	uint64_t sent = 0;

	/* A request is in the service's hands, so that its answer would count. */
	msg_embed(&pair.m, 1, "x", 1, 4);
	EQUAL(peer_send(pair.client, &pair.m), 0);
	peer_expect(pair.service, &pair.a, VEXIPC_MSG_EMBED_REQUEST);
	msg_answer(&pair.a, msg_header(&pair.a)->correlation_id, 4, 0);

	stats_of(&before);
	msg_embed(&pair.m, 2, "y", 1, 4);
	sent += corrupt_header(pair.client, &pair.m);
	msg_simple(&pair.m, VEXIPC_MSG_HEARTBEAT, 3, &beat, sizeof(beat));
	sent += corrupt_header(pair.service, &pair.m);
	sent += corrupt_header(pair.service, &pair.a);
	check_unchanged(&before, sent);
	peer_silent(pair.client);
	peer_silent(pair.service);

	/* As it was, it is an answer. */
	EQUAL(peer_send(pair.service, &pair.a), 0);
	peer_expect(pair.client, &pair.m, VEXIPC_MSG_EMBED_RESPONSE);
	pair_close(&pair);
}

/* A body that is not the one the checksum was made for. */
static void corrupt_bodies(void)
{
	for (int t = 0; t < 2; t++) {
		struct pair pair = pair_open(both[t], both[t]);
		struct vexipc_stats before;
		uint64_t sent = 0;

		stats_of(&before);
		msg_embed(&pair.m, 1, "some content", 12, 4);
		for (size_t at = HEADER; at < pair.m.len; at++) {
			AT("%s: byte %zu", transport_name(both[t]), at);
			pair.m.data[at] ^= 0x40;
			EQUAL(peer_send(pair.client, &pair.m), -EBADMSG);
			pair.m.data[at] ^= 0x40;
			sent++;
		}
		check_unchanged(&before, sent);
		pair_close(&pair);
	}
}

/* Wrong header fields whose checksum is right: the errno tells which. */
static void header_fields(void)
{
	for (int t = 0; t < 2; t++) {
		struct peer *p = peer_open(both[t]);
		struct vexipc_stats before;
		struct msg m = { 0 }, good = { 0 };
		uint64_t sent = 0;

		stats_of(&before);
		msg_health_check(&good, 1, "");
#define REFUSED(errno_, ...) do {						\
		struct vexipc_msg_header *h;					\
		m.len = 0;							\
		msg_put(&m, good.data, good.len);				\
		h = msg_header(&m);						\
		__VA_ARGS__;							\
		msg_reseal(&m);							\
		AT("%s: %s", transport_name(both[t]), #__VA_ARGS__);		\
		EQUAL(peer_send(p, &m), -(errno_));				\
		sent++;								\
	} while (0)
		REFUSED(ENOMSG, h->magic = 0);
		REFUSED(ENOMSG, h->magic = 0x49585645);
		REFUSED(EPROTONOSUPPORT, h->version = 0);
		REFUSED(EPROTONOSUPPORT, h->version = 2);
		REFUSED(EPROTONOSUPPORT, h->version = UINT32_MAX);
		REFUSED(EBADRQC, h->message_type = 0);
		REFUSED(EBADRQC, h->message_type = 5);
		REFUSED(EBADRQC, h->message_type = 0x104);
		REFUSED(EBADRQC, h->message_type = 0x204);
		REFUSED(EBADRQC, h->message_type = 0x303);
		REFUSED(EBADRQC, h->message_type = 0x80000001);
		REFUSED(EMSGSIZE, h->length = VEXIPC_MAX_MESSAGE + 1);
		REFUSED(EMSGSIZE, h->length = UINT32_MAX);
		REFUSED(EINVAL, h->length = 0);
		REFUSED(EINVAL, h->length = HEADER - 1);
		REFUSED(EINVAL, h->length++);
		REFUSED(EINVAL, h->length = VEXIPC_MAX_MESSAGE);
#undef REFUSED
		msg_free(&m);
		msg_free(&good);
		peer_close(p);
	}
}

static void header_flags(void)
{
	for (int t = 0; t < 2; t++) {
		struct peer *p = peer_open(both[t]);
		struct msg m = { 0 };

		for (int bit = 0; bit < 32; bit++) {
			AT("%s: flag %d", transport_name(both[t]), bit);
			msg_health_check(&m, 1, "");
			msg_seal(&m, VEXIPC_MSG_HEALTH_CHECK, 1, 1u << bit);
			if (1u << bit & VEXIPC_MSGF_ALL)
				continue;
			EQUAL(peer_send(p, &m), -EOPNOTSUPP);
		}
		peer_silent(p);
		msg_free(&m);
		peer_close(p);
	}
}

/*
 * Bodies: each row takes a good message, spoils one thing of it and tells what
 * the module says. The checksum is right in all of them.
 */
struct spoil {
	uint32_t type;
	const char *what;
	int err;
	uint32_t offset;	/* of a field of the body */
	uint32_t size;		/* of that; 0: the message is cut or lengthened */
	int64_t value;		/* of the field, or how many bytes more */
};

#define FIELD(type_, struct_, field_, value_, err_) {				\
	.type = (type_), .what = #struct_ "." #field_ " = " #value_,		\
	.err = (err_), .offset = offsetof(struct struct_, field_),		\
	.size = sizeof(((struct struct_ *)0)->field_), .value = (value_),	\
}
#define LENGTH(type_, more_, err_) {						\
	.type = (type_), .what = "length of " #type_ " " #more_,		\
	.err = (err_), .value = (more_),					\
}

static const struct spoil spoils[] = {
#define EMBED(field, value, err) \
	FIELD(VEXIPC_MSG_EMBED_REQUEST, vexipc_embed_request_body, field, value, err)
	EMBED(request_id, INT64_MIN, EINVAL),
	EMBED(deadline_ns, 1, EINVAL),
	EMBED(timeout_ms, VEXIPC_MAX_TIMEOUT_MS + 1ll, EINVAL),
	EMBED(dimensions, VEXIPC_MAX_DIMENSIONS + 1ll, EINVAL),
	EMBED(data_type, VEXIPC_DATA_TYPES, EINVAL),
	EMBED(content_type, VEXIPC_CONTENT_TYPES, EINVAL),
	EMBED(priority, 256, EINVAL),
	EMBED(algorithm, VEXIPC_ALGORITHMS, EINVAL),
	EMBED(flags, VEXIPC_EMBED_FLAGS + 1, EOPNOTSUPP),
	EMBED(flags, 0x80000000ll, EOPNOTSUPP),
	EMBED(model_len, 1, EINVAL),
	EMBED(model_len, VEXIPC_MAX_NAME + 1ll, EINVAL),
	EMBED(service_len, 3, EINVAL),
	EMBED(service_len, UINT32_MAX, EINVAL),
	EMBED(content_len, 0, EINVAL),
	EMBED(content_len, 9, EINVAL),
	EMBED(content_len, UINT32_MAX, EMSGSIZE),
	EMBED(content_len, VEXIPC_MAX_MESSAGE, EMSGSIZE),
	LENGTH(VEXIPC_MSG_EMBED_REQUEST, 1, EINVAL),
	LENGTH(VEXIPC_MSG_EMBED_REQUEST, -1, EINVAL),
	LENGTH(VEXIPC_MSG_EMBED_REQUEST, -9, EINVAL),
	LENGTH(VEXIPC_MSG_EMBED_REQUEST, -1000, EINVAL),
#define BATCH(field, value, err) \
	FIELD(VEXIPC_MSG_BATCH_REQUEST, vexipc_batch_request_body, field, value, err)
	BATCH(count, 0, EINVAL),
	BATCH(count, 1, EINVAL),
	BATCH(count, 3, EINVAL),
	BATCH(count, VEXIPC_MAX_BATCH + 1ll, EINVAL),
	BATCH(count, UINT32_MAX, EINVAL),
	BATCH(reserved, 1, EINVAL),
	BATCH(common.content_len, 1, EINVAL),
	LENGTH(VEXIPC_MSG_BATCH_REQUEST, 1, EINVAL),
	LENGTH(VEXIPC_MSG_BATCH_REQUEST, -1, EINVAL),
	LENGTH(VEXIPC_MSG_BATCH_REQUEST, -1000, EINVAL),
	/* Its first item: length and reserved stand behind the body. */
	{ VEXIPC_MSG_BATCH_REQUEST, "first item empty", EINVAL,
	  sizeof(struct vexipc_batch_request_body), 4, 0 },
	{ VEXIPC_MSG_BATCH_REQUEST, "first item too long", EINVAL,
	  sizeof(struct vexipc_batch_request_body), 4, UINT32_MAX },
	{ VEXIPC_MSG_BATCH_REQUEST, "first item's reserved", EINVAL,
	  sizeof(struct vexipc_batch_request_body) + 4, 4, 1 },
#define HEALTH(field, value, err) \
	FIELD(VEXIPC_MSG_HEALTH_CHECK, vexipc_health_check_body, field, value, err)
	HEALTH(deadline_ns, 1, EINVAL),
	HEALTH(timeout_ms, VEXIPC_MAX_TIMEOUT_MS + 1ll, EINVAL),
	HEALTH(id_len, 3, EINVAL),
	HEALTH(id_len, UINT32_MAX, EINVAL),
	LENGTH(VEXIPC_MSG_HEALTH_CHECK, 1, EINVAL),
	LENGTH(VEXIPC_MSG_HEALTH_CHECK, -1000, EINVAL),
#define STATUS(field, value, err) \
	FIELD(VEXIPC_MSG_STATUS_QUERY, vexipc_status_query_body, field, value, err)
	STATUS(id_len, 4, EINVAL),
	STATUS(reserved, 1, EINVAL),
	LENGTH(VEXIPC_MSG_STATUS_QUERY, 1, EINVAL),
	LENGTH(VEXIPC_MSG_STATUS_QUERY, -1000, EINVAL),
#define DISCOVERY(field, value, err) \
	FIELD(VEXIPC_MSG_DISCOVERY, vexipc_discovery_body, field, value, err)
	DISCOVERY(model_len, 1, EINVAL),
	DISCOVERY(count, 1, EINVAL),
	DISCOVERY(total, 1, EINVAL),
	LENGTH(VEXIPC_MSG_DISCOVERY, 1, EINVAL),
	LENGTH(VEXIPC_MSG_DISCOVERY, -1000, EINVAL),
#define REGISTER(field, value, err) \
	FIELD(VEXIPC_MSG_REGISTER, vexipc_register_body, field, value, err)
	REGISTER(reserved, 1, EINVAL),
	REGISTER(dimensions_count, 1, EINVAL),
	REGISTER(dimensions_count, VEXIPC_MAX_SERVICE_DIMENSIONS + 1ll, EINVAL),
	REGISTER(dimensions_count, UINT32_MAX, EINVAL),
	REGISTER(id_len, 0, EINVAL),
	REGISTER(id_len, 100, EINVAL),
	REGISTER(name_len, 1, EINVAL),
	REGISTER(software_version_len, 1, EINVAL),
	REGISTER(endpoint_len, 1, EINVAL),
	REGISTER(models_len, UINT32_MAX, EINVAL),
	REGISTER(metadata_len, UINT32_MAX, EINVAL),
	REGISTER(token_len, 1, EINVAL),
	LENGTH(VEXIPC_MSG_REGISTER, 1, EINVAL),
	LENGTH(VEXIPC_MSG_REGISTER, -1, EINVAL),
	LENGTH(VEXIPC_MSG_REGISTER, -1000, EINVAL),
#define UNREGISTER(field, value, err) \
	FIELD(VEXIPC_MSG_UNREGISTER, vexipc_unregister_body, field, value, err)
	UNREGISTER(flags, 2, EOPNOTSUPP),
	UNREGISTER(reserved, 1, EINVAL),
	LENGTH(VEXIPC_MSG_UNREGISTER, 8, EINVAL),
	LENGTH(VEXIPC_MSG_UNREGISTER, -1, EINVAL),
	FIELD(VEXIPC_MSG_HEARTBEAT, vexipc_heartbeat_body, reserved, 1, EINVAL),
	LENGTH(VEXIPC_MSG_HEARTBEAT, 8, EINVAL),
	LENGTH(VEXIPC_MSG_HEARTBEAT, -1, EINVAL),
	LENGTH(VEXIPC_MSG_HEARTBEAT, -1000, EINVAL),
#define ANSWER(field, value, err) \
	FIELD(VEXIPC_MSG_EMBED_RESPONSE, vexipc_embed_response_body, field, value, err)
	ANSWER(result_flags, 1, EINVAL),
	ANSWER(vector_bytes, 0, EINVAL),
	ANSWER(vector_bytes, UINT32_MAX, EINVAL),
	LENGTH(VEXIPC_MSG_EMBED_RESPONSE, 4, EINVAL),
	LENGTH(VEXIPC_MSG_EMBED_RESPONSE, -4, EINVAL),
	LENGTH(VEXIPC_MSG_EMBED_RESPONSE, -1000, EINVAL),
	LENGTH(VEXIPC_MSG_BATCH_RESPONSE, -1000, EINVAL),
	FIELD(VEXIPC_MSG_HEALTH_RESPONSE, vexipc_health_response_body, health, 101, EINVAL),
	LENGTH(VEXIPC_MSG_HEALTH_RESPONSE, 8, EINVAL),
	LENGTH(VEXIPC_MSG_HEALTH_RESPONSE, -1, EINVAL),
#define ERROR(field, value, err) \
	FIELD(VEXIPC_MSG_ERROR, vexipc_error_body, field, value, err)
	ERROR(error, 0, EINVAL),
	ERROR(kind, 4, EOPNOTSUPP),
	ERROR(reserved, 1, EINVAL),
	ERROR(text_len, 0, EINVAL),
	ERROR(text_len, UINT32_MAX, EINVAL),
	LENGTH(VEXIPC_MSG_ERROR, 1, EINVAL),
	LENGTH(VEXIPC_MSG_ERROR, -1000, EINVAL),
	FIELD(VEXIPC_MSG_NACK, vexipc_ack_body, error, 0, EINVAL),
	FIELD(VEXIPC_MSG_NACK, vexipc_ack_body, text_len, 1, EINVAL),
	LENGTH(VEXIPC_MSG_NACK, 1, EINVAL),
	LENGTH(VEXIPC_MSG_NACK, -1000, EINVAL),
};

/* A good message of each type that may be sent; answers to `correlation`. */
static void good_message(struct msg *m, uint32_t type, uint64_t correlation)
{
	static const struct vexipc_unregister_body unregister = { .handle = UINT64_MAX };
	static const struct vexipc_heartbeat_body heartbeat;
	static const struct vexipc_discovery_body discovery;
	static const struct vexipc_status_query_body query = { .id_len = 5 };
	static const struct vexipc_health_response_body health;
	static const struct vexipc_ack_body nack = { .error = VEXIPC_ERR_INVALID };
	struct vexipc_batch_response_body batch = { .count = 1 };
	struct vexipc_batch_result result = { .error = VEXIPC_ERR_INVALID };

	switch (type) {
	case VEXIPC_MSG_EMBED_REQUEST:
		msg_embed(m, 9, "content!", 8, 4);
		break;
	case VEXIPC_MSG_BATCH_REQUEST:
		msg_batch(m, 9, 2, 4, 4);
		break;
	case VEXIPC_MSG_HEALTH_CHECK:
		msg_health_check(m, 9, "typed");
		break;
	case VEXIPC_MSG_STATUS_QUERY:
		msg_begin(m);
		msg_put(m, &query, sizeof(query));
		msg_text(m, "typed");
		msg_seal(m, type, 9, 0);
		break;
	case VEXIPC_MSG_DISCOVERY:
		msg_simple(m, type, 9, &discovery, sizeof(discovery));
		break;
	case VEXIPC_MSG_REGISTER:
		msg_register(m, "newcomer", 0, 0);
		break;
	case VEXIPC_MSG_UNREGISTER:
		msg_simple(m, type, 9, &unregister, sizeof(unregister));
		break;
	case VEXIPC_MSG_HEARTBEAT:
		msg_simple(m, type, 9, &heartbeat, sizeof(heartbeat));
		break;
	case VEXIPC_MSG_EMBED_RESPONSE:
		msg_answer(m, correlation, 4, 0);
		break;
	case VEXIPC_MSG_BATCH_RESPONSE:
		msg_begin(m);
		msg_put(m, &batch, sizeof(batch));
		msg_put(m, &result, sizeof(result));
		msg_seal(m, type, correlation, 0);
		break;
	case VEXIPC_MSG_HEALTH_RESPONSE:
		msg_simple(m, type, correlation, &health, sizeof(health));
		break;
	case VEXIPC_MSG_ERROR:
		msg_error(m, correlation, VEXIPC_ERR_INVALID, 0, "text");
		break;
	default:
		msg_simple(m, VEXIPC_MSG_NACK, correlation, &nack, sizeof(nack));
	}
}

static void spoil(struct msg *m, const struct spoil *s)
{
	if (s->size) {
		CHECK(HEADER + s->offset + s->size <= m->len);
		memcpy((char *)msg_body(m) + s->offset, &s->value, s->size);
	} else if (s->value > 0) {
		msg_put(m, "zzzzzzzzz", (size_t)s->value);
	} else {
		m->len = (int64_t)m->len + s->value < HEADER ? HEADER :
			 (size_t)((int64_t)m->len + s->value);
	}
	msg_header(m)->length = (uint32_t)m->len;
	msg_reseal(m);
}

static bool is_answer(uint32_t type)
{
	return type == VEXIPC_MSG_EMBED_RESPONSE || type == VEXIPC_MSG_BATCH_RESPONSE ||
	       type == VEXIPC_MSG_HEALTH_RESPONSE || type == VEXIPC_MSG_ERROR ||
	       type == VEXIPC_MSG_NACK || type == VEXIPC_MSG_HEARTBEAT;
}

static void malformed_bodies(void)
{
	struct pair pair = pair_open(transport_of(case_args[0]), transport_of(case_args[0]));
	struct vexipc_stats before;
	uint64_t correlation, sent = 0;

	msg_embed(&pair.m, 1, "x", 1, 4);
	EQUAL(peer_send(pair.client, &pair.m), 0);
	peer_expect(pair.service, &pair.m, VEXIPC_MSG_EMBED_REQUEST);
	correlation = msg_header(&pair.m)->correlation_id;
	stats_of(&before);
	for (size_t i = 0; i < ARRAY_SIZE(spoils); i++) {
		struct peer *from = is_answer(spoils[i].type) ? pair.service : pair.client;

		AT("%s", spoils[i].what);
		good_message(&pair.m, spoils[i].type, correlation);
		spoil(&pair.m, &spoils[i]);
		EQUAL(peer_send(from, &pair.m), -spoils[i].err);
		sent++;
	}
	AT("afterwards");
	check_unchanged(&before, sent);
	peer_silent(pair.client);
	peer_silent(pair.service);
	msg_answer(&pair.a, correlation, 4, 0);
	EQUAL(peer_send(pair.service, &pair.a), 0);
	peer_expect(pair.client, &pair.m, VEXIPC_MSG_EMBED_RESPONSE);
	pair_close(&pair);
}

static void malformed_strings(void)
{
	static const char *const bad[] = {
		"\xff", "a\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
		"\xe2\x82", "tab\t", "line\n", "\x1b[0m", "\x7f", "\xc2\x85",
	};
	static const char *const good[] = {
		"plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf",
	};

	for (int t = 0; t < 2; t++) {
		struct peer *p = peer_open(both[t]);
		struct msg m = { 0 };

		for (size_t i = 0; i < ARRAY_SIZE(bad) + ARRAY_SIZE(good); i++) {
			bool ok = i >= ARRAY_SIZE(bad);
			const char *s = ok ? good[i - ARRAY_SIZE(bad)] : bad[i];
			struct vexipc_embed_request_body body = {
				.model_len = (uint32_t)strlen(s), .content_len = 1,
			};

			AT("%s: %s string %zu", transport_name(both[t]), ok ? "good" : "bad", i);
			msg_begin(&m);
			msg_put(&m, &body, sizeof(body));
			msg_text(&m, s);
			msg_text(&m, "x");
			msg_seal(&m, VEXIPC_MSG_EMBED_REQUEST, 1, 0);
			EQUAL(peer_send(p, &m), ok ? 0 : -EILSEQ);
			if (ok)
				peer_expect(p, &m, VEXIPC_MSG_ERROR);
			msg_register(&m, s, 0, 0);
			EQUAL(peer_send(p, &m), 0);
			expect_ack(p, &m, VEXIPC_MSG_REGISTER, ok ? 0 : VEXIPC_ERR_BAD_STRING);
			if (ok) {
				struct vexipc_unregister_body leave = { 0 };

				msg_simple(&m, VEXIPC_MSG_UNREGISTER, 1, &leave, sizeof(leave));
				EQUAL(peer_send(p, &m), 0);
				expect_ack(p, &m, VEXIPC_MSG_UNREGISTER, 0);
			}
			msg_health_check(&m, 1, s);
			EQUAL(peer_send(p, &m), ok ? 0 : -EILSEQ);
			if (ok)
				peer_expect(p, &m, VEXIPC_MSG_ERROR);
		}
		msg_free(&m);
		peer_close(p);
	}
}

/* ------------------------------------------------------------ negotiation -- */

static void versions(void)
{
	static const struct {
		uint32_t min, max, error;
	} rows[] = {
		{ 0, 0, 0 }, { 1, 1, 0 }, { 1, 7, 0 }, { 1, UINT32_MAX, 0 },
		{ 2, 3, VEXIPC_ERR_BAD_VERSION }, { UINT32_MAX, UINT32_MAX, VEXIPC_ERR_BAD_VERSION },
		{ 2, 1, VEXIPC_ERR_INVALID }, { 0, 1, VEXIPC_ERR_INVALID },
		{ 1, 0, VEXIPC_ERR_INVALID },
	};

	for (int t = 0; t < 2; t++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			struct peer *p = peer_open(both[t]);
			struct vexipc_register_body *body;
			const struct vexipc_ack_body *ack;
			struct msg m = { 0 };

			AT("%s: versions %u to %u", transport_name(both[t]), rows[i].min,
			   rows[i].max);
			msg_register(&m, "negotiator", 0, 0);
			body = msg_body(&m);
			body->version_min = rows[i].min;
			body->version_max = rows[i].max;
			msg_reseal(&m);
			EQUAL(peer_send(p, &m), 0);
			ack = expect_ack(p, &m, VEXIPC_MSG_REGISTER, rows[i].error);
			if (!rows[i].error)
				EQUAL(ack->version, 1);
			msg_free(&m);
			peer_close(p);
		}
	}
}

static void features(void)
{
	for (int t = 0; t < 2; t++) {
		for (uint64_t f = 0; f <= VEXIPC_FEATURES; f++) {
			struct peer *p = peer_open(both[t]);
			const struct vexipc_ack_body *ack;
			struct msg m = { 0 };

			AT("%s: features %llx", transport_name(both[t]), (unsigned long long)f);
			msg_register(&m, "featured", f | 0xffff000000000000, 8);
			EQUAL(peer_send(p, &m), 0);
			ack = expect_ack(p, &m, VEXIPC_MSG_REGISTER, 0);
			EQUAL(ack->features, f);
			msg_free(&m);
			peer_close(p);
		}
	}
}

/* A service is sent nothing that it has no feature for. */
static void features_kept(void)
{
	for (int t = 0; t < 2; t++) {
		struct peer *client = peer_open(both[t]), *service = peer_open(both[t]);
		struct msg m = { 0 };

		AT("%s", transport_name(both[t]));
		serve_with(service, "plain", 0, 100);
		for (uint32_t count = 1; count <= 2; count++) {
			msg_batch(&m, count, count, 4, 4);
			EQUAL(peer_send(client, &m), 0);
			peer_expect(client, &m, VEXIPC_MSG_ERROR);
			EQUAL(((struct vexipc_error_body *)msg_body(&m))->error,
			      VEXIPC_ERR_NO_CAPABLE_SERVICE);
		}
		msg_health_check(&m, 3, "plain");
		EQUAL(peer_send(client, &m), 0);
		peer_expect(client, &m, VEXIPC_MSG_ERROR);
		EQUAL(((struct vexipc_error_body *)msg_body(&m))->error,
		      VEXIPC_ERR_NO_CAPABLE_SERVICE);
		peer_silent(service);
		msg_embed(&m, 4, "x", 1, 4);
		EQUAL(peer_send(client, &m), 0);
		peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
		msg_free(&m);
		peer_close(client);
		peer_close(service);
		wait_idle();
	}
}

/* ---------------------------------------------------------------- batches -- */

static void batch_limits(void)
{
	for (int t = 0; t < 2; t++) {
		struct peer *client = peer_open(both[t]), *small = peer_open(both[t]);
		struct peer *large;
		struct msg m = { 0 };

		AT("%s", transport_name(both[t]));
		serve_with(small, "small", VEXIPC_FEATURES, 4);
		msg_batch(&m, 1, 5, 4, 4);
		EQUAL(peer_send(client, &m), 0);
		peer_expect(client, &m, VEXIPC_MSG_ERROR);
		EQUAL(((struct vexipc_error_body *)msg_body(&m))->error,
		      VEXIPC_ERR_NO_CAPABLE_SERVICE);
		msg_batch(&m, 2, 4, 4, 4);
		EQUAL(peer_send(client, &m), 0);
		peer_expect(small, &m, VEXIPC_MSG_BATCH_REQUEST);
		/* With a larger service it goes there, whoever's turn it is. */
		large = peer_open(both[t]);
		serve_with(large, "large", VEXIPC_FEATURES, VEXIPC_MAX_BATCH);
		for (uint64_t i = 0; i < 3; i++) {
			msg_batch(&m, 3 + i, 5, 4, 4);
			EQUAL(peer_send(client, &m), 0);
			peer_expect(large, &m, VEXIPC_MSG_BATCH_REQUEST);
			EQUAL(((struct vexipc_batch_request_body *)msg_body(&m))->count, 5);
		}
		peer_silent(small);
		/* The most there may be. */
		msg_batch(&m, 7, VEXIPC_MAX_BATCH, 1, 4);
		EQUAL(peer_send(client, &m), 0);
		peer_expect(large, &m, VEXIPC_MSG_BATCH_REQUEST);
		EQUAL(((struct vexipc_batch_request_body *)msg_body(&m))->count, VEXIPC_MAX_BATCH);
		msg_free(&m);
		peer_close(client);
		peer_close(small);
		peer_close(large);
		wait_idle();
	}
}

static void put_batch(struct msg *m, uint64_t correlation, uint32_t count,
		      const struct vexipc_batch_result *results, uint32_t put)
{
	struct vexipc_batch_response_body body = { .count = count };
	static const char bytes[64];

	msg_begin(m);
	msg_put(m, &body, sizeof(body));
	for (uint32_t i = 0; i < put; i++) {
		msg_put(m, &results[i], sizeof(results[i]));
		msg_put(m, bytes, results[i].vector_bytes > 64 ? 64 : results[i].vector_bytes);
	}
	msg_seal(m, VEXIPC_MSG_BATCH_RESPONSE, correlation, VEXIPC_MSGF_WANT_ACK);
}

/* Answers that do not fit the question: counted against the service, not believed. */
static void bad_batch_answers(void)
{
	static const struct vexipc_batch_result
		good = { .dimensions = 4, .vector_bytes = 16 },
		rows[] = {
			{ .dimensions = 4, .vector_bytes = 15 },
			{ .dimensions = 5, .vector_bytes = 20 },
			{ .dimensions = 0, .vector_bytes = 0 },
			{ .dimensions = 4, .vector_bytes = 8, .data_type = VEXIPC_FLOAT16 },
			{ .dimensions = 4, .vector_bytes = 16, .kind = 1 },
			{ .dimensions = 4, .vector_bytes = UINT32_MAX },
			{ .error = VEXIPC_ERRORS },
			{ .error = VEXIPC_ERR_INVALID, .vector_bytes = 4 },
		};
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_batch_result results[3] = { good, good, good };
	struct vexipc_stats before, after;
	struct msg m = { 0 }, a = { 0 };

	EQUAL(config_set(VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 0), 0);
	serve_as(service, "batcher");
	stats_of(&before);
	for (size_t i = 0; i <= ARRAY_SIZE(rows) + 1; i++) {
		uint32_t count = 2, put = 2;

		AT("row %zu", i);
		results[0] = results[1] = good;
		if (i < ARRAY_SIZE(rows))
			results[1] = rows[i];
		else if (i == ARRAY_SIZE(rows))
			count = put = 3;
		else
			put = 1;
		msg_batch(&m, i + 1, 2, 4, 4);
		EQUAL(peer_send(client, &m), 0);
		peer_expect(service, &m, VEXIPC_MSG_BATCH_REQUEST);
		put_batch(&a, msg_header(&m)->correlation_id, count, results, put);
		EQUAL(peer_send(service, &a), 0);
		expect_ack(service, &m, VEXIPC_MSG_BATCH_RESPONSE, VEXIPC_ERR_BAD_ANSWER);
		peer_expect(client, &m, VEXIPC_MSG_ERROR);
		EQUAL(((struct vexipc_error_body *)msg_body(&m))->error, VEXIPC_ERR_BAD_ANSWER);
	}
	stats_of(&after);
	EQUAL(after.bad_answers, before.bad_answers + ARRAY_SIZE(rows) + 2);
	EQUAL(after.bad_messages, before.bad_messages);
	EQUAL(config_set(VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 3), 0);
	msg_free(&m);
	msg_free(&a);
	peer_close(client);
	peer_close(service);
	wait_idle();
}

static void bad_answers(void)
{
	static const struct vexipc_embed_response_body rows[] = {
		{ .dimensions = 5, .vector_bytes = 20 },
		{ .dimensions = 4, .vector_bytes = 20 },
		{ .dimensions = 0, .vector_bytes = 0 },
		{ .dimensions = 4, .vector_bytes = 8, .data_type = VEXIPC_FLOAT16 },
		{ .dimensions = 4, .vector_bytes = 16, .data_type = 99 },
		{ .dimensions = 0x40000004, .vector_bytes = 16 },
	};

	EQUAL(config_set(VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 0), 0);
	for (int t = 0; t < 2; t++) {
		struct pair pair = pair_open(both[t], both[t]);
		struct vexipc_stats before, after;

		stats_of(&before);
		for (size_t i = 0; i <= ARRAY_SIZE(rows); i++) {
			static const char vector[64];

			AT("%s: row %zu", transport_name(both[t]), i);
			msg_embed(&pair.m, i + 1, "x", 1, 4);
			EQUAL(peer_send(pair.client, &pair.m), 0);
			peer_expect(pair.service, &pair.m, VEXIPC_MSG_EMBED_REQUEST);
			if (i < ARRAY_SIZE(rows)) {
				msg_begin(&pair.a);
				msg_put(&pair.a, &rows[i], sizeof(rows[i]));
				msg_put(&pair.a, vector, rows[i].vector_bytes);
				msg_seal(&pair.a, VEXIPC_MSG_EMBED_RESPONSE,
					 msg_header(&pair.m)->correlation_id, 0);
			} else {
				/* An answer of another kind. */
				struct vexipc_health_response_body health = { .health = 1 };

				msg_simple(&pair.a, VEXIPC_MSG_HEALTH_RESPONSE,
					   msg_header(&pair.m)->correlation_id, &health,
					   sizeof(health));
			}
			EQUAL(peer_send(pair.service, &pair.a), 0);
			peer_expect(pair.client, &pair.m, VEXIPC_MSG_ERROR);
			EQUAL(((struct vexipc_error_body *)msg_body(&pair.m))->error,
			      VEXIPC_ERR_BAD_ANSWER);
		}
		stats_of(&after);
		EQUAL(after.bad_answers, before.bad_answers + ARRAY_SIZE(rows) + 1);
		EQUAL(after.failed_by[VEXIPC_ERR_BAD_ANSWER],
		      before.failed_by[VEXIPC_ERR_BAD_ANSWER] + ARRAY_SIZE(rows) + 1);
		pair_close(&pair);
	}
	EQUAL(config_set(VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 3), 0);
}

/* ---------------------------------------------------------------- orphans -- */

static void orphans(void)
{
	for (int t = 0; t < 2; t++) {
		struct pair pair = pair_open(both[t], both[t]);
		struct peer *thief = peer_open(both[t]);
		struct vexipc_stats before, after, one;
		uint64_t correlation;

		serve_with(thief, "thief", VEXIPC_FEATURES, 1);
		/* Only the pair's service can take it. */
		msg_batch(&pair.m, 1, 2, 4, 4);
		EQUAL(peer_send(pair.client, &pair.m), 0);
		peer_expect(pair.service, &pair.m, VEXIPC_MSG_BATCH_REQUEST);
		correlation = msg_header(&pair.m)->correlation_id;
		stats_of(&before);

#define ORPHAN(from, ...) do {							\
		__VA_ARGS__;							\
		AT("%s: %s", transport_name(both[t]), #__VA_ARGS__);		\
		EQUAL(peer_send(from, &pair.a), 0);				\
		peer_silent(from);						\
		stats_of(&after);						\
		EQUAL(after.orphans, ++before.orphans);				\
		EQUAL(after.in_flight, 1);					\
	} while (0)
		/* Never given out. */
		ORPHAN(pair.service, msg_answer(&pair.a, 0, 4, 0));
		ORPHAN(pair.service, msg_answer(&pair.a, UINT64_MAX, 4, 0));
		ORPHAN(pair.service, msg_answer(&pair.a, 1, 4, 0));
		/* The right place, but another attempt or generation. */
		for (int bit = 0; bit < 64; bit++)
			ORPHAN(pair.service, msg_answer(&pair.a, correlation ^ 1ull << bit, 4, 0));
		/* Another service's. */
		ORPHAN(thief, msg_answer(&pair.a, correlation, 4, 0));
		ORPHAN(thief, msg_error(&pair.a, correlation, VEXIPC_ERR_INVALID, 0, ""));
		peer_silent(pair.client);

		/* The real answer, and then the same again. */
		AT("%s: twice", transport_name(both[t]));
		msg_error(&pair.a, correlation, VEXIPC_ERR_INVALID, 0, "");
		EQUAL(peer_send(pair.service, &pair.a), 0);
		peer_expect(pair.client, &pair.m, VEXIPC_MSG_ERROR);
		EQUAL(peer_send(pair.service, &pair.a), 0);
		peer_silent(pair.client);
		stats_of(&after);
		EQUAL(after.orphans, ++before.orphans);
		EQUAL(after.bad_messages, before.bad_messages);

		/* Each is counted at who sent it, too. */
		one = (struct vexipc_stats) { .service_id_ptr = (uintptr_t)"thief",
					      .service_id_len = 5 };
		{
			int fd = device_open(0);

			EQUAL(call(fd, VEXIPC_IOC_STATS, &one), 0);
			close(fd);
		}
		EQUAL(one.orphans, 2);
#undef ORPHAN
		peer_close(thief);
		pair_close(&pair);
	}
}

static void late(void)
{
	for (int t = 0; t < 2; t++) {
		struct pair pair = pair_open(both[t], both[t]);
		struct vexipc_stats before, after;
		struct vexipc_embed_request_body *body;
		uint64_t correlation;

		AT("%s", transport_name(both[t]));
		stats_of(&before);
		msg_embed(&pair.m, 1, "x", 1, 4);
		body = msg_body(&pair.m);
		body->timeout_ms = patience(500);
		msg_reseal(&pair.m);
		EQUAL(peer_send(pair.client, &pair.m), 0);
		peer_expect(pair.service, &pair.m, VEXIPC_MSG_EMBED_REQUEST);
		correlation = msg_header(&pair.m)->correlation_id;
		peer_expect(pair.client, &pair.m, VEXIPC_MSG_ERROR);
		EQUAL(((struct vexipc_error_body *)msg_body(&pair.m))->error,
		      VEXIPC_ERR_TIMED_OUT);
		msg_answer(&pair.a, correlation, 4, 0);
		EQUAL(peer_send(pair.service, &pair.a), 0);
		peer_silent(pair.client);
		stats_of(&after);
		EQUAL(after.timed_out, before.timed_out + 1);
		EQUAL(after.orphans, before.orphans + 1);
		EQUAL(after.completed, before.completed);
		pair_close(&pair);
	}
}

static void want_ack(void)
{
	for (int t = 0; t < 2; t++) {
		struct pair pair = pair_open(both[t], both[t]);
		uint64_t correlation;

		AT("%s", transport_name(both[t]));
		msg_embed(&pair.m, 1, "x", 1, 4);
		EQUAL(peer_send(pair.client, &pair.m), 0);
		peer_expect(pair.service, &pair.m, VEXIPC_MSG_EMBED_REQUEST);
		correlation = msg_header(&pair.m)->correlation_id;
		msg_answer(&pair.a, correlation, 4, VEXIPC_MSGF_WANT_ACK);
		EQUAL(peer_send(pair.service, &pair.a), 0);
		expect_ack(pair.service, &pair.m, VEXIPC_MSG_EMBED_RESPONSE, 0);
		EQUAL(msg_header(&pair.m)->correlation_id, correlation);
		peer_expect(pair.client, &pair.m, VEXIPC_MSG_EMBED_RESPONSE);
		/* The second time nobody waits for it. */
		EQUAL(peer_send(pair.service, &pair.a), 0);
		expect_ack(pair.service, &pair.m, VEXIPC_MSG_EMBED_RESPONSE,
			   VEXIPC_ERR_NO_SUCH_REQUEST);
		/* One that was not asked for does not come. */
		msg_embed(&pair.m, 2, "x", 1, 4);
		EQUAL(peer_send(pair.client, &pair.m), 0);
		peer_expect(pair.service, &pair.m, VEXIPC_MSG_EMBED_REQUEST);
		msg_answer(&pair.a, msg_header(&pair.m)->correlation_id, 4, 0);
		EQUAL(peer_send(pair.service, &pair.a), 0);
		peer_silent(pair.service);
		pair_close(&pair);
	}
}

/* A failure that may succeed elsewhere goes there; the text is the last one's. */
static void retries(void)
{
	for (int t = 0; t < 2; t++) {
		struct peer *client = peer_open(both[t]), *p[2];
		struct vexipc_stats before, after;
		const struct vexipc_embed_response_body *body;
		struct msg m = { 0 }, a = { 0 };
		uint64_t handle[2];
		int first;

		AT("%s", transport_name(both[t]));
		p[0] = peer_open(both[t]);
		p[1] = peer_open(both[!t]);
		handle[0] = serve_as(p[0], "first");
		handle[1] = serve_as(p[1], "second");
		stats_of(&before);
		msg_embed(&m, 1, "x", 1, 4);
		EQUAL(peer_send(client, &m), 0);
		first = peer_recv(p[0], &m, 0) ? 1 : 0;
		if (first)
			peer_expect(p[1], &m, VEXIPC_MSG_EMBED_REQUEST);
		msg_error(&a, msg_header(&m)->correlation_id, VEXIPC_ERR_OVERLOADED,
			  VEXIPC_ERROR_RETRY | VEXIPC_ERROR_OVERLOAD, "busy");
		EQUAL(peer_send(p[first], &a), 0);
		peer_silent(client);
		peer_expect(p[!first], &m, VEXIPC_MSG_EMBED_REQUEST);
		/* The first's right to answer has gone with its attempt. */
		CHECK(msg_header(&m)->correlation_id != msg_header(&a)->correlation_id);
		msg_answer(&a, msg_header(&a)->correlation_id, 4, 0);
		EQUAL(peer_send(p[first], &a), 0);
		peer_silent(client);
		msg_answer(&a, msg_header(&m)->correlation_id, 4, 0);
		EQUAL(peer_send(p[!first], &a), 0);
		peer_expect(client, &m, VEXIPC_MSG_EMBED_RESPONSE);
		body = msg_body(&m);
		EQUAL(body->attempts, 2);
		EQUAL(body->service_handle, handle[!first]);
		stats_of(&after);
		EQUAL(after.retries, before.retries + 1);
		EQUAL(after.orphans, before.orphans + 1);
		EQUAL(after.completed, before.completed + 1);
		msg_free(&m);
		msg_free(&a);
		peer_close(client);
		peer_close(p[0]);
		peer_close(p[1]);
		wait_idle();
	}
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{ "types", types },
		{ "corrupt_headers", corrupt_headers },
		{ "corrupt_bodies", corrupt_bodies },
		{ "header_fields", header_fields },
		{ "header_flags", header_flags },
		{ "malformed_bodies", malformed_bodies },
		{ "malformed_strings", malformed_strings },
		{ "versions", versions },
		{ "features", features },
		{ "features_kept", features_kept },
		{ "batch_limits", batch_limits },
		{ "bad_batch_answers", bad_batch_answers },
		{ "bad_answers", bad_answers },
		{ "orphans", orphans },
		{ "late", late },
		{ "want_ack", want_ack },
		{ "retries", retries },
		{ 0 }
	};

	return run_case(cases, argc, argv);
}
