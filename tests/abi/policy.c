// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a policy sees of services and requests: the test policy "sees" is in use; and what
 * the policy "load" makes of it.
 */
#include <poll.h>
#include <sys/socket.h>

#include <bpf/bpf.h>
#include <linux/vexipc_policy.h>

#include "../bpf/policy_sees.h"
#include "abi.h"

static struct msg m, a;
static struct peer *client;
static struct sight sight;

static void set(uint32_t field, uint64_t value)
{
	AT("field %u = %llu", field, (unsigned long long)value);
	EQUAL(config_set(field, value), 0);
	*current = '\0';
}

/* ----------------------------------------------------------- what it saw -- */

static int sights_open(void)
{
	for (uint32_t id = 0; !bpf_map_get_next_id(id, &id);) {
		struct bpf_map_info info = { 0 };
		uint32_t len = sizeof(info);
		int fd = bpf_map_get_fd_by_id(id);

		if (fd < 0)
			continue;
		EQUAL(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
		if (!strcmp(info.name, "sights"))
			return fd;
		close(fd);
	}
	CHECK(!"the policy is loaded");
	return -1;
}

/* It has been asked so many more times since. */
static void see(uint64_t more)
{
	static int fd = -1;
	uint64_t before = sight.looks;
	uint32_t zero = 0;

	if (fd < 0)
		fd = sights_open();
	EQUAL(bpf_map_lookup_elem(fd, &zero, &sight), 0);
	EQUAL(sight.looks, before + more);
	for (uint32_t i = sight.request.candidates; i < VEXIPC_POLICY_CANDIDATES; i++) {
		static const struct vexipc_policy_candidate none;

		CHECK(!memcmp(&sight.candidate[i], &none, sizeof(none)));
	}
	CHECK(!sight.beyond);
}

/* NULL: it was not offered. */
static const struct vexipc_policy_candidate *seen(uint64_t handle)
{
	for (uint32_t i = 0; i < sight.request.candidates; i++)
		if (sight.candidate[i].handle == handle)
			return &sight.candidate[i];
	return NULL;
}

static const struct vexipc_policy_details *details(uint64_t handle)
{
	const struct vexipc_policy_candidate *c = seen(handle);

	return c ? &sight.details[c - sight.candidate] : NULL;
}

/* -------------------------------------------------------------- services -- */

static uint64_t serve(struct peer *p, const char *id, struct vexipc_register_body body,
		      const uint32_t *dimensions, const char *models)
{
	uint64_t handle;

	body.version_min = body.version_max = VEXIPC_PROTOCOL_VERSION;
	body.features = VEXIPC_FEATURES;
	body.id_len = (uint32_t)strlen(id);
	body.models_len = models ? (uint32_t)strlen(models) + 1 : 0;
	msg_begin(&m);
	msg_put(&m, &body, sizeof(body));
	msg_put(&m, dimensions, body.dimensions_count * sizeof(*dimensions));
	msg_text(&m, id);
	msg_put(&m, models, body.models_len);
	msg_seal(&m, VEXIPC_MSG_REGISTER, 1, 0);
	EQUAL(peer_send(p, &m), 0);
	peer_expect(p, &m, VEXIPC_MSG_ACK);
	handle = ((const struct vexipc_ack_body *)msg_body(&m))->handle;
	CHECK(handle);
	return handle;
}

static void heartbeat(struct peer *p, struct vexipc_heartbeat_body body)
{
	msg_simple(&m, VEXIPC_MSG_HEARTBEAT, 1, &body, sizeof(body));
	EQUAL(peer_send(p, &m), 0);
	peer_expect(p, &m, VEXIPC_MSG_ACK);
}

static struct vexipc_service_entry entry_of(uint64_t handle)
{
	struct vexipc_status status = { .handle = handle };

	EQUAL(call(client->fd, VEXIPC_IOC_STATUS, &status), 0);
	return status.entry;
}

static uint64_t take(struct peer *p)
{
	peer_expect(p, &m, VEXIPC_MSG_EMBED_REQUEST);
	return msg_header(&m)->correlation_id;
}

static void answer(struct peer *p, uint64_t correlation)
{
	msg_answer(&a, correlation, 8, 0);
	EQUAL(peer_send(p, &a), 0);
}

static void fail(struct peer *p, uint64_t correlation, uint32_t kind)
{
	msg_error(&a, correlation, VEXIPC_ERR_SERVICE_FAILED, kind, "as told");
	EQUAL(peer_send(p, &a), 0);
}

/* ---------------------------------------------------------------- clients -- */

/* To this service: no policy is asked. */
static void submit_to(const char *id)
{
	struct vexipc_embed e = embed_of("pinned", 6, NULL, 0);

	e.service_ptr = (uintptr_t)id;
	e.service_len = (uint32_t)strlen(id);
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
}

static void submit(struct vexipc_embed e)
{
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
	see(1);
}

static void look(void)
{
	submit(embed_of("any", 3, NULL, 0));
}

/* ------------------------------------------------------------------ cases -- */

/* All but what depends on the time. */
static void check_candidate(uint64_t handle, struct vexipc_policy_candidate want,
			    struct vexipc_policy_details more)
{
	const struct vexipc_policy_candidate *c = seen(handle);
	const struct vexipc_policy_details *d = details(handle);
	struct vexipc_service_entry entry = entry_of(handle);

	CHECK(c);
	EQUAL(c->slot, entry.slot);
	EQUAL(c->state, want.state);
	EQUAL(c->breaker, want.breaker);
	EQUAL(c->flags, want.flags);
	EQUAL(c->priority, want.priority);
	EQUAL(c->weight, want.weight);
	EQUAL(c->in_flight, want.in_flight);
	EQUAL(c->queued, want.queued);
	EQUAL(c->credits, want.credits);
	EQUAL(d->registered_ns, entry.registered_ns);
	EQUAL(d->fresh_ns, entry.registered_ns);
	EQUAL(d->heartbeat_ns, entry.last_heartbeat_ns);
	EQUAL(!d->heartbeat_ns, !more.cpu_permille);
	EQUAL(d->memory_bytes, more.memory_bytes);
	EQUAL(d->requests, more.requests);
	EQUAL(d->completed, more.completed);
	EQUAL(d->failures, more.failures);
	EQUAL(d->announced_latency_us, more.announced_latency_us);
	EQUAL(d->cpu_permille, more.cpu_permille);
	EQUAL(d->reported_in_flight, more.reported_in_flight);
	EQUAL(d->reported_queue_depth, more.reported_queue_depth);
	EQUAL(d->max_batch, more.max_batch);
	EQUAL(d->data_types, more.data_types);
	EQUAL(d->dimensions_count, more.dimensions_count);
}

/* What is known fades: the average by half in some nine seconds, the peak in one. */
static void check_latency(uint64_t handle, uint64_t least_us, uint64_t most_us)
{
	const struct vexipc_policy_details *d = details(handle);
	uint64_t age_s = (sight.request.now_ns - seen(handle)->latency_at_ns) / 1000000000;

	CHECK(d->latency_us <= most_us);
	CHECK(d->latency_us >= least_us >> (age_s / 8 + 1));
	CHECK(d->latency_peak_us <= most_us);
	CHECK(age_s > 30 || d->latency_peak_us >= least_us >> (age_s + 1));
}

static void services(void)
{
	enum { TAKES_MS = 200 };
	static const uint32_t dimensions[] = { 4, 8 };
	const uint32_t all_types = (1u << VEXIPC_DATA_TYPES) - 1;
	struct peer *full = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *bare = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct peer *busy = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *wrong = peer_open(VEXIPC_TRANSPORT_RING);
	struct vexipc_embed e = embed_of("any", 3, NULL, 0);
	uint64_t full_handle, bare_handle, busy_handle, wrong_handle, correlation, begun, done;

	full_handle = serve(full, "full", (struct vexipc_register_body) {
		.max_batch = 7, .priority = 200, .weight = 777, .max_concurrent = 5,
		.latency_us = 1234, .dimensions_count = ARRAY_SIZE(dimensions),
	}, dimensions, "large");
	bare_handle = serve(bare, "bare", (struct vexipc_register_body) {
		.data_types = all_types,
	}, NULL, "large");
	busy_handle = serve(busy, "busy", (struct vexipc_register_body) {
		.max_concurrent = 1,
	}, NULL, "large");
	wrong_handle = serve(wrong, "wrong", (struct vexipc_register_body) { 0 }, NULL,
			     "another");
	heartbeat(full, (struct vexipc_heartbeat_body) {
		.memory_bytes = 1ull << 33, .cpu_permille = 1500, .in_flight = 4,
		.queue_depth = 6,
	});

	/* One is answered after a while; three are held, two wait. */
	begun = now_ms();
	submit_to("full");
	correlation = take(full);
	poll(NULL, 0, TAKES_MS);
	answer(full, correlation);
	done = now_ms();
	for (int i = 0; i < 5; i++)
		submit_to("full");
	for (int i = 0; i < 3; i++)
		take(full);
	/* One is answered, one fails, one is held. */
	submit_to("busy");
	answer(busy, take(busy));
	submit_to("busy");
	fail(busy, take(busy), 0);
	submit_to("busy");
	take(busy);

	e.dimensions = 8;
	e.model_ptr = (uintptr_t)"large";
	e.model_len = 5;
	submit(e);
	EQUAL(sight.request.candidates, 3);
	AT("full");
	check_candidate(full_handle, (struct vexipc_policy_candidate) {
		.state = VEXIPC_STATE_ACTIVE, .priority = 200, .weight = 777, .in_flight = 3,
		.queued = 2, .credits = 2,
		.flags = VEXIPC_CANDIDATE_MODEL | VEXIPC_CANDIDATE_DIMENSIONS |
			 VEXIPC_CANDIDATE_DATA_TYPE,
	}, (struct vexipc_policy_details) {
		.memory_bytes = 1ull << 33, .cpu_permille = 1500, .reported_in_flight = 4,
		.reported_queue_depth = 6, .requests = 4, .completed = 1,
		.announced_latency_us = 1234, .max_batch = 7,
		.data_types = 1u << VEXIPC_FLOAT32, .dimensions_count = 2,
	});
	check_latency(full_handle, TAKES_MS * 1000, (done - begun + 1) * 1000);
	EQUAL(details(full_handle)->error_permille, 0);
	CHECK(seen(full_handle)->latency_at_ns / 1000000 >= begun + TAKES_MS);
	CHECK(seen(full_handle)->latency_at_ns / 1000000 <= done);
	AT("bare");
	check_candidate(bare_handle, (struct vexipc_policy_candidate) {
		.state = VEXIPC_STATE_ACTIVE, .priority = 128, .weight = 100, .credits = 100,
		.flags = VEXIPC_CANDIDATE_MODEL,
	}, (struct vexipc_policy_details) { .max_batch = 1, .data_types = all_types });
	check_latency(bare_handle, 0, 0);
	EQUAL(seen(bare_handle)->latency_at_ns, 0);
	EQUAL(details(bare_handle)->error_permille, 0);
	AT("busy");
	check_candidate(busy_handle, (struct vexipc_policy_candidate) {
		.state = VEXIPC_STATE_BUSY, .priority = 128, .weight = 100, .in_flight = 1,
		.flags = VEXIPC_CANDIDATE_MODEL | VEXIPC_CANDIDATE_DATA_TYPE,
	}, (struct vexipc_policy_details) {
		.requests = 3, .completed = 1, .failures = 1, .max_batch = 1,
		.data_types = 1u << VEXIPC_FLOAT32,
	});
	/* Errors are of the last ten seconds. */
	if (now_ms() - done < 9000)
		EQUAL(details(busy_handle)->error_permille, 500);
	*current = '\0';
	CHECK(!seen(wrong_handle));

	/* Fewer than before, and another flag for each. */
	e.dimensions = 4;
	e.data_type = VEXIPC_INT8;
	submit(e);
	EQUAL(sight.request.candidates, 1);
	EQUAL(seen(bare_handle)->flags, VEXIPC_CANDIDATE_MODEL);
	e.data_type = VEXIPC_FLOAT32;
	e.model_len = 0;
	submit(e);
	EQUAL(seen(bare_handle)->flags, 0);
	EQUAL(sight.request.candidates, 4);
	EQUAL(seen(full_handle)->flags,
	      VEXIPC_CANDIDATE_DIMENSIONS | VEXIPC_CANDIDATE_DATA_TYPE);
	EQUAL(seen(wrong_handle)->flags, VEXIPC_CANDIDATE_DATA_TYPE);
	EQUAL(seen(wrong_handle)->priority, 128);
}

static void control(const char *id, uint32_t op)
{
	struct vexipc_control arg = {
		.service_id_ptr = (uintptr_t)id, .service_id_len = (uint32_t)strlen(id),
		.op = op,
	};

	EQUAL(call(client->fd, VEXIPC_IOC_CONTROL, &arg), 0);
}

static void breakers(void)
{
	struct peer *good = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *bad = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	uint64_t good_handle = serve_as(good, "good"), bad_handle = serve_as(bad, "bad"), begun;

	set(VEXIPC_CONFIG_BREAKER_FAILURES, 1);
	set(VEXIPC_CONFIG_BREAKER_EJECTION_MS, 3600000);
	set(VEXIPC_CONFIG_BREAKER_MAX_EJECTION_MS, 3600000);
	look();
	EQUAL(sight.request.candidates, 2);
	EQUAL(seen(bad_handle)->breaker, VEXIPC_BREAKER_CLOSED);

	/* Who is kept out is not offered, unless too few are left. */
	begun = now_ms();
	submit_to("bad");
	fail(bad, take(bad), 0);
	look();
	EQUAL(sight.request.candidates, 1);
	EQUAL(seen(good_handle)->breaker, VEXIPC_BREAKER_CLOSED);
	set(VEXIPC_CONFIG_BREAKER_PANIC_PERCENT, 100);
	look();
	EQUAL(sight.request.candidates, 2);
	EQUAL(seen(bad_handle)->breaker, VEXIPC_BREAKER_OPEN);
	EQUAL(details(bad_handle)->failures, 1);
	if (now_ms() - begun < 9000)
		EQUAL(details(bad_handle)->error_permille, 1000);

	/* Held open not even then; half-open it is; and when it closes, it is fresh. */
	control("bad", VEXIPC_CONTROL_BREAKER_OPEN);
	look();
	EQUAL(sight.request.candidates, 1);
	control("bad", VEXIPC_CONTROL_BREAKER_AUTO);
	look();
	EQUAL(sight.request.candidates, 2);
	EQUAL(seen(bad_handle)->breaker, VEXIPC_BREAKER_HALF_OPEN);
	begun = now_ms();
	control("bad", VEXIPC_CONTROL_BREAKER_CLOSED);
	look();
	EQUAL(seen(bad_handle)->breaker, VEXIPC_BREAKER_CLOSED);
	CHECK(details(bad_handle)->fresh_ns / 1000000 >= begun);
	EQUAL(details(bad_handle)->registered_ns, entry_of(bad_handle).registered_ns);
	EQUAL(details(good_handle)->fresh_ns, details(good_handle)->registered_ns);
}

/* A request that is tried again: elsewhere, or where it has been. */
static void again(void)
{
	struct peer *first = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *second = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	uint64_t handle = serve_as(first, "first"), correlation;

	set(VEXIPC_CONFIG_RETRY_BACKOFF_BASE_MS, 1);
	set(VEXIPC_CONFIG_RETRY_BUDGET_PERCENT, 100);
	look();
	EQUAL(sight.request.attempt, 0);
	EQUAL(seen(handle)->flags & VEXIPC_CANDIDATE_TRIED, 0);
	fail(first, take(first), VEXIPC_ERROR_RETRY);
	correlation = take(first);
	see(1);
	EQUAL(sight.request.attempt, 1);
	EQUAL(sight.request.candidates, 1);
	EQUAL(seen(handle)->flags & VEXIPC_CANDIDATE_TRIED, VEXIPC_CANDIDATE_TRIED);
	answer(first, correlation);

	look();
	correlation = take(first);
	handle = serve_as(second, "second");
	fail(first, correlation, VEXIPC_ERROR_RETRY);
	correlation = take(second);
	see(1);
	EQUAL(sight.request.attempt, 1);
	EQUAL(sight.request.candidates, 1);
	EQUAL(seen(handle)->flags & VEXIPC_CANDIDATE_TRIED, 0);
	answer(second, correlation);
	wait_idle();
}

static uint64_t netns_cookie(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	uint64_t cookie;
	socklen_t len = sizeof(cookie);

	EQUAL(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len), 0);
	close(fd);
	return cookie;
}

static uint64_t hash_of(const void *content, size_t len)
{
	submit(embed_of(content, len, NULL, 0));
	EQUAL(sight.request.content_len, len);
	return sight.hash;
}

static void request(void)
{
	enum { TIMEOUT_MS = 600000, LONG = 70000, HASHED = 64 << 10 };
	struct peer *one = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *two = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	const struct vexipc_register_body any = { .data_types = (1u << VEXIPC_DATA_TYPES) - 1 };
	char model[VEXIPC_POLICY_MODEL_LEN + 1] = "short", *content = calloc(1, LONG);
	const struct vexipc_policy_request *r = &sight.request;
	struct vexipc_embed e = embed_of("what it says", 12, NULL, 0);
	uint64_t begun = now_ms(), hash;

	serve(one, "one", any, NULL, model);
	/* All that can be said. */
	e.request_id = 4711;
	e.session = 0x123456789abcdef;
	e.timeout_ms = TIMEOUT_MS;
	e.dimensions = 48;
	e.data_type = VEXIPC_INT16;
	e.content_type = VEXIPC_RAW;
	e.priority = 201;
	e.model_ptr = (uintptr_t)model;
	e.model_len = (uint32_t)strlen(model);
	submit(e);
	EQUAL(r->instance, netns_cookie());
	EQUAL(r->request_id, 4711);
	EQUAL(r->session, 0x123456789abcdef);
	CHECK(r->now_ns / 1000000 >= begun && r->now_ns / 1000000 <= now_ms());
	CHECK(r->deadline_ns / 1000000 >= begun + TIMEOUT_MS);
	CHECK(r->deadline_ns <= r->now_ns + TIMEOUT_MS * 1000000ull);
	EQUAL(r->candidates, 1);
	EQUAL(r->type, VEXIPC_MSG_EMBED_REQUEST);
	EQUAL(r->dimensions, 48);
	EQUAL(r->data_type, VEXIPC_INT16);
	EQUAL(r->content_type, VEXIPC_RAW);
	EQUAL(r->content_len, 12);
	EQUAL(r->items, 1);
	EQUAL(r->priority, 201);
	EQUAL(r->attempt, 0);
	EQUAL(r->model_len, 5);
	for (size_t i = 0; i < VEXIPC_POLICY_MODEL_LEN; i++)
		EQUAL(sight.model[i], i < 5 ? model[i] : 0);

	/* The longest name there is, and then none. */
	memset(model, 'm', VEXIPC_POLICY_MODEL_LEN);
	serve(two, "two", any, NULL, model);
	e.request_id = 0;
	e.model_len = VEXIPC_POLICY_MODEL_LEN;
	submit(e);
	CHECK(r->request_id);
	EQUAL(r->model_len, VEXIPC_POLICY_MODEL_LEN);
	CHECK(!memcmp(sight.model, model, VEXIPC_POLICY_MODEL_LEN));
	look();
	EQUAL(r->model_len, 0);
	EQUAL(r->session, 0);
	EQUAL(r->dimensions, 0);
	EQUAL(r->priority, VEXIPC_PRIORITY_NORMAL);
	for (size_t i = 0; i < VEXIPC_POLICY_MODEL_LEN; i++)
		EQUAL(sight.model[i], 0);

	serve_with(peer_open(VEXIPC_TRANSPORT_CHARDEV), "batches", VEXIPC_FEATURES, 3);
	msg_batch(&m, 4712, 3, 20, 8);
	EQUAL(peer_send(client, &m), 0);
	see(1);
	EQUAL(r->type, VEXIPC_MSG_BATCH_REQUEST);
	EQUAL(r->items, 3);
	EQUAL(r->content_len, 3 * (sizeof(struct vexipc_batch_item) + 20));

	/* Equal contents, equal hashes, whoever asks; others, others. */
	hash = hash_of("what it says", 12);
	EQUAL(hash_of("what it says", 12), hash);
	CHECK(hash_of("what it sayt", 12) != hash);
	CHECK(hash_of("What it says", 12) != hash);
	CHECK(hash_of("what it says ", 13) != hash);
	CHECK(hash_of("what it say", 11) != hash);
	/* Of a long one its length and the first 64 KiB. */
	hash = hash_of(content, LONG);
	content[HASHED - 1] = 1;
	CHECK(hash_of(content, LONG) != hash);
	content[HASHED - 1] = 0;
	content[HASHED] = 1;
	EQUAL(hash_of(content, LONG), hash);
	CHECK(hash_of(content, LONG - 1) != hash);
	free(content);
}

/* ------------------------------------------------------- the policy "load" -- */

/* The next request waits at this service; it is taken back, and nothing learned of it. */
static void goes_to(uint64_t handle)
{
	struct vexipc_embed e = embed_of("any", 3, NULL, 0);
	struct vexipc_cancel cancel = { 0 };

	e.request_id = 1;
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
	EQUAL(entry_of(handle).queued, 1);
	cancel.request_id = e.request_id;
	EQUAL(call(client->fd, VEXIPC_IOC_CANCEL, &cancel), 0);
	peer_expect(client, &m, VEXIPC_MSG_ERROR);
	EQUAL(entry_of(handle).queued, 0);
}

static void go_to(uint64_t handle)
{
	enum { SCORES_HOLD_MS = 50, TIMES = 20 };

	poll(NULL, 0, 2 * SCORES_HOLD_MS);
	for (int i = 0; i < TIMES; i++)
		goes_to(handle);
}

/* Neither has answered anything: all that there is to tell them apart is what they report. */
static void reported(void)
{
	const struct vexipc_heartbeat_body idle = { .cpu_permille = 10, .memory_bytes = 1 << 20 };
	const struct vexipc_heartbeat_body busy = { .cpu_permille = 990, .memory_bytes = 1 << 20 };
	const struct vexipc_heartbeat_body large = { .cpu_permille = 10, .memory_bytes = 1 << 30 };
	struct peer *one = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *two = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	uint64_t first = serve_as(one, "one"), second = serve_as(two, "two");

	/* One that came a tenth of a second after the other is a newcomer. */
	while (entry_of(second).registered_ns - entry_of(first).registered_ns > 50000000) {
		peer_close(one);
		peer_close(two);
		one = peer_open(VEXIPC_TRANSPORT_CHARDEV);
		two = peer_open(VEXIPC_TRANSPORT_CHARDEV);
		first = serve_as(one, "one");
		second = serve_as(two, "two");
	}

	AT("processor");
	heartbeat(one, busy);
	heartbeat(two, idle);
	go_to(second);
	heartbeat(one, idle);
	heartbeat(two, busy);
	go_to(first);
	AT("memory");
	heartbeat(two, large);
	go_to(first);
	heartbeat(one, large);
	heartbeat(two, idle);
	go_to(second);
	*current = '\0';
}

int main(int argc, char **argv)
{
#define CASE(name) { #name, name }
	static const struct test_case cases[] = {
		CASE(services), CASE(breakers), CASE(again), CASE(request), CASE(reported), { 0 }
	};

	client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	return run_case(cases, argc, argv);
}
