// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/slab.h>

#include "fixture.h"
#include "queue.h"

enum { EMBED_HEAD = sizeof(struct vexipc_msg_header) +
		    sizeof(struct vexipc_embed_request_body) };

static struct peer *service_with_credits(struct kunit *test, u32 credits)
{
	struct vexipc_service_spec like = {
		.max_concurrent = credits,
		.features = VEXIPC_FEATURE_HEALTH,
	};

	return new_service_like(test, "one", &like);
}

static struct ask *submit_long(struct kunit *test, struct peer *client, u32 len)
{
	struct ask *ask = new_ask(test, client);

	ask->req->mem = kvmalloc(len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ask->req->mem);
	ask->req->content = ask->req->mem;
	ask->req->content_len = len;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	return ask;
}

static struct ask *submit_probe(struct kunit *test, struct peer *client,
				struct peer *service)
{
	struct ask *ask = new_ask(test, client);

	ask->req->type = VEXIPC_MSG_HEALTH_CHECK;
	ask->req->pin = service->svc->handle;
	ask->req->content_len = 0;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	return ask;
}

static int answer_probe(struct peer *service, u64 id)
{
	struct vexipc_answer answer = { .type = VEXIPC_MSG_HEALTH_RESPONSE };

	return vexipc_request_answer(service->svc, id, &answer);
}

/* Takes the next request and keeps a reference. */
static struct vexipc_request *take(struct peer *service, u32 *attempt)
{
	u32 need;

	return vexipc_queue_next(service->svc, VEXIPC_MAX_MESSAGE, &need, attempt);
}

static void first_in_is_first_out(struct kunit *test)
{
	struct peer *service = new_service(test, "one"), *client = new_peer(test);
	struct ask *asks[8];

	for (u32 i = 0; i < ARRAY_SIZE(asks); i++)
		asks[i] = submit_new(test, client);
	for (u32 i = 0; i < ARRAY_SIZE(asks); i++)
		KUNIT_EXPECT_EQ(test, send_next(service), attempt_id(asks[i], 0));
	KUNIT_EXPECT_EQ(test, send_next(service), 0);
}

static void credits_limit_what_is_in_flight(struct kunit *test)
{
	struct peer *service = service_with_credits(test, 2), *client = new_peer(test);
	u64 ids[2];

	for (u32 i = 0; i < 4; i++)
		submit_new(test, client);
	for (u32 i = 0; i < 2; i++)
		ids[i] = send_next(service);
	KUNIT_EXPECT_EQ(test, send_next(service), 0);
	KUNIT_EXPECT_EQ(test, vexipc_service_state(service->svc), VEXIPC_STATE_BUSY);
	KUNIT_EXPECT_EQ(test, answer(service, ids[1]), 0);
	KUNIT_EXPECT_EQ(test, vexipc_service_state(service->svc), VEXIPC_STATE_ACTIVE);
	KUNIT_EXPECT_NE(test, send_next(service), 0);
	KUNIT_EXPECT_EQ(test, send_next(service), 0);
}

static void credits_are_the_instances_if_not_the_services(struct kunit *test)
{
	struct peer *service = new_service(test, "one"), *client = new_peer(test);

	configure(test, VEXIPC_CONFIG_MAX_CONCURRENT_PER_SERVICE, 1);
	submit_new(test, client);
	submit_new(test, client);
	KUNIT_EXPECT_NE(test, send_next(service), 0);
	KUNIT_EXPECT_EQ(test, send_next(service), 0);
	configure(test, VEXIPC_CONFIG_MAX_CONCURRENT_PER_SERVICE, 2);
	KUNIT_EXPECT_NE(test, send_next(service), 0);
}

static void buffer_limits_bytes_in_flight(struct kunit *test)
{
	struct peer *service = new_service(test, "one"), *client = new_peer(test);
	const u32 buffer = 64 << 10;
	u64 id;

	configure(test, VEXIPC_CONFIG_BUFFER_SIZE, buffer);
	submit_long(test, client, buffer / 2);
	submit_long(test, client, buffer / 2);
	submit_long(test, client, 1);
	submit_long(test, client, buffer + 1);
	id = send_next(service);
	KUNIT_EXPECT_NE(test, send_next(service), 0);
	KUNIT_EXPECT_EQ(test, service->svc->in_flight_bytes, buffer);
	KUNIT_EXPECT_EQ(test, send_next(service), 0);
	KUNIT_EXPECT_EQ(test, answer(service, id), 0);
	KUNIT_EXPECT_NE(test, send_next(service), 0);
	KUNIT_EXPECT_EQ(test, send_next(service), 0);
}

static void what_exceeds_the_buffer_goes_alone(struct kunit *test)
{
	struct peer *service = new_service(test, "one"), *client = new_peer(test);
	const u32 buffer = 64 << 10;
	struct ask *small, *large;
	u64 id;

	configure(test, VEXIPC_CONFIG_BUFFER_SIZE, buffer);
	small = submit_long(test, client, 1);
	large = submit_long(test, client, buffer + 1);
	id = send_next(service);
	KUNIT_EXPECT_EQ(test, id, attempt_id(small, 0));
	KUNIT_EXPECT_EQ(test, send_next(service), 0);
	KUNIT_EXPECT_EQ(test, answer(service, id), 0);
	KUNIT_EXPECT_EQ(test, send_next(service), attempt_id(large, 0));
	KUNIT_EXPECT_EQ(test, service->svc->in_flight_bytes, buffer + 1);
}

static void taker_without_room_is_told_the_size(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));
	u32 len = EMBED_HEAD + ask->req->content_len, need = 0, attempt;
	struct vexipc_request *req;

	KUNIT_EXPECT_TRUE(test, vexipc_queue_ready(service->svc, &need));
	KUNIT_EXPECT_EQ(test, need, len);
	need = 0;
	req = vexipc_queue_next(service->svc, len - 1, &need, &attempt);
	KUNIT_EXPECT_EQ(test, PTR_ERR(req), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, need, len);
	expect_open(test, ask, VEXIPC_QUEUED);
	req = vexipc_queue_next(service->svc, len, &need, &attempt);
	KUNIT_ASSERT_PTR_EQ(test, req, ask->req);
	KUNIT_EXPECT_EQ(test, attempt, 0);
	vexipc_request_put(req);
	KUNIT_EXPECT_FALSE(test, vexipc_queue_ready(service->svc, &need));
}

static void full_transport_gets_nothing(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));
	u32 need;

	service->full = true;
	KUNIT_EXPECT_FALSE(test, vexipc_queue_ready(service->svc, &need));
	KUNIT_EXPECT_EQ(test, send_next(service), 0);
	expect_open(test, ask, VEXIPC_QUEUED);
	service->full = false;
	KUNIT_EXPECT_TRUE(test, vexipc_queue_ready(service->svc, &need));
	KUNIT_EXPECT_EQ(test, send_next(service), attempt_id(ask, 0));
}

static void unsent_one_is_first_again(struct kunit *test)
{
	struct peer *service = new_service(test, "one"), *client = new_peer(test);
	struct ask *first = submit_new(test, client), *second = submit_new(test, client);
	struct vexipc_request *req;
	u32 attempt;

	req = take(service, &attempt);
	KUNIT_ASSERT_PTR_EQ(test, req, first->req);
	vexipc_queue_unsend(service->svc, req, attempt);
	vexipc_request_put(req);
	expect_open(test, first, VEXIPC_QUEUED);
	KUNIT_EXPECT_EQ(test, service->svc->queued, 2);
	KUNIT_EXPECT_EQ(test, service->svc->in_flight, 0);
	KUNIT_EXPECT_EQ(test, service->svc->requests, 0);
	KUNIT_EXPECT_EQ(test, service->svc->bytes_in, 0);
	/* What it never got it can not answer. */
	KUNIT_EXPECT_EQ(test, answer(service, attempt_id(first, 0)), -ESRCH);
	KUNIT_EXPECT_EQ(test, send_next(service), attempt_id(first, 0));
	KUNIT_EXPECT_EQ(test, send_next(service), attempt_id(second, 0));
}

static void ended_one_is_not_unsent(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));
	struct vexipc_request *req;
	u32 attempt;

	req = take(service, &attempt);
	KUNIT_ASSERT_PTR_EQ(test, req, ask->req);
	KUNIT_EXPECT_TRUE(test, vexipc_request_finish(req, VEXIPC_ERR_CANCELLED));
	vexipc_queue_unsend(service->svc, req, attempt);
	vexipc_request_put(req);
	expect_ended(test, ask, VEXIPC_ERR_CANCELLED);
	KUNIT_EXPECT_EQ(test, service->svc->queued, 0);
	KUNIT_EXPECT_EQ(test, send_next(service), 0);
}

static void moved_one_is_not_unsent(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *two;
	struct ask *ask = submit_new(test, new_peer(test));
	struct vexipc_request *req;
	u32 attempt;

	req = take(one, &attempt);
	KUNIT_ASSERT_PTR_EQ(test, req, ask->req);
	two = new_service(test, "two");
	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(one->svc, true), 1);
	KUNIT_EXPECT_EQ(test, send_next(two), attempt_id(ask, 1));
	vexipc_queue_unsend(one->svc, req, attempt);
	vexipc_request_put(req);
	expect_open(test, ask, VEXIPC_SENT);
	KUNIT_EXPECT_EQ(test, two->svc->in_flight, 1);
	KUNIT_EXPECT_EQ(test, answer(two, attempt_id(ask, 1)), 0);
}

static void one_given_up_goes_elsewhere(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test);
	struct ask *first = submit_new(test, client), *second = submit_new(test, client);
	struct peer *two = new_service(test, "two");
	struct vexipc_request *req;

	req = vexipc_queue_give_up(one->svc);
	KUNIT_ASSERT_PTR_EQ(test, req, first->req);
	expect_open(test, first, VEXIPC_NEW);
	vexipc_request_again(req, VEXIPC_ERR_TRANSPORT, false);
	vexipc_request_put(req);
	KUNIT_EXPECT_EQ(test, send_next(one), attempt_id(second, 0));
	KUNIT_EXPECT_EQ(test, send_next(two), attempt_id(first, 1));
	KUNIT_EXPECT_NULL(test, vexipc_queue_give_up(one->svc));
}

static void eviction_keeps_the_order(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test), *two;
	struct ask *asks[5];

	for (u32 i = 0; i < ARRAY_SIZE(asks); i++)
		asks[i] = submit_new(test, client);
	send_next(one);
	send_next(one);
	two = new_service(test, "two");
	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(one->svc, true), 5);
	for (u32 i = 0; i < ARRAY_SIZE(asks); i++)
		KUNIT_EXPECT_EQ(test, send_next(two), attempt_id(asks[i], 1));
}

static void probes_go_in_front_and_without_credit(struct kunit *test)
{
	struct peer *service = service_with_credits(test, 1), *client = new_peer(test);
	struct ask *probe;
	u64 id, submitted;

	submit_new(test, client);
	submit_new(test, client);
	id = send_next(service);
	submitted = counted(test, submitted);
	probe = submit_probe(test, client, service);
	KUNIT_EXPECT_EQ(test, send_next(service), attempt_id(probe, 0));
	KUNIT_EXPECT_EQ(test, service->svc->in_flight, 1);
	KUNIT_EXPECT_EQ(test, service->svc->queued, 1);
	KUNIT_EXPECT_EQ(test, send_next(service), 0);
	KUNIT_EXPECT_EQ(test, answer_probe(service, attempt_id(probe, 0)), 0);
	expect_ended(test, probe, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, answer(service, id), 0);
	KUNIT_EXPECT_NE(test, send_next(service), 0);
	/* They are no requests of clients, so they are not counted as such. */
	KUNIT_EXPECT_EQ(test, counted(test, submitted), submitted);
	KUNIT_EXPECT_EQ(test, counted(test, probes), 1);
	KUNIT_EXPECT_EQ(test, counted(test, completed), 1);
}

static void probe_reaches_one_that_drains(struct kunit *test)
{
	struct peer *service = service_with_credits(test, 1), *client = new_peer(test);
	struct ask *probe;

	vexipc_registry_drain(service->svc, true);
	probe = submit_probe(test, client, service);
	KUNIT_EXPECT_EQ(test, send_next(service), attempt_id(probe, 0));
	/* Nobody else may have it. */
	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(service->svc, true), 1);
	expect_ended(test, probe, VEXIPC_ERR_SERVICE_DIED);
	KUNIT_EXPECT_EQ(test, counted(test, failed), 0);
}

static void most_ever_queued_is_remembered(struct kunit *test)
{
	struct peer *service = new_service(test, "one"), *client = new_peer(test);
	struct fixture *f = test->priv;

	atomic_set(&f->inst->queued_max, 0);
	for (u32 i = 0; i < 3; i++)
		submit_new(test, client);
	send_next(service);
	submit_new(test, client);
	vexipc_stats_instance(f->inst, &f->now);
	KUNIT_EXPECT_EQ(test, f->now.queued_max, 3);
}

static struct kunit_case queue_cases[] = {
	KUNIT_CASE(first_in_is_first_out),
	KUNIT_CASE(credits_limit_what_is_in_flight),
	KUNIT_CASE(credits_are_the_instances_if_not_the_services),
	KUNIT_CASE(buffer_limits_bytes_in_flight),
	KUNIT_CASE(what_exceeds_the_buffer_goes_alone),
	KUNIT_CASE(taker_without_room_is_told_the_size),
	KUNIT_CASE(full_transport_gets_nothing),
	KUNIT_CASE(unsent_one_is_first_again),
	KUNIT_CASE(ended_one_is_not_unsent),
	KUNIT_CASE(moved_one_is_not_unsent),
	KUNIT_CASE(one_given_up_goes_elsewhere),
	KUNIT_CASE(eviction_keeps_the_order),
	KUNIT_CASE(probes_go_in_front_and_without_credit),
	KUNIT_CASE(probe_reaches_one_that_drains),
	KUNIT_CASE(most_ever_queued_is_remembered),
	{}
};

static struct kunit_suite queue_suite = {
	.name = "vexipc_queue",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = queue_cases,
};

kunit_test_suite(queue_suite);
