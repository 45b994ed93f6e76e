// SPDX-License-Identifier: GPL-2.0-only
/* Requests that travel together: carrier.c */
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "batch.h"
#include "carrier.h"
#include "fixture.h"
#include "protocol.h"
#include "queue.h"

enum { ASKS = 6 };

/* struct trip is a service that takes batches, requests for it, and what was sent. */
struct trip {
	struct peer *client, *service;
	struct ask *ask[ASKS];
	struct vexipc_carrier *carrier;
};

static struct trip *new_trip(struct kunit *test, u32 max_batch, u32 asks)
{
	struct trip *trip = kunit_kzalloc(test, sizeof(*trip), GFP_KERNEL);
	struct vexipc_service_spec like = {
		.max_batch = max_batch,
		.features = VEXIPC_FEATURE_BATCH,
	};

	KUNIT_ASSERT_NOT_NULL(test, trip);
	configure(test, VEXIPC_CONFIG_DYNAMIC_BATCHING, 1);
	trip->service = new_service_like(test, "batcher", &like);
	trip->client = new_peer(test);
	for (u32 i = 0; i < asks; i++)
		trip->ask[i] = submit_new(test, trip->client);
	return trip;
}

/* How many travel in the next message; its carrier, if any, is kept in @trip. */
static u32 depart(struct trip *trip)
{
	struct vexipc_request *req;
	u32 need, attempt;

	trip->carrier = NULL;
	req = vexipc_queue_next(trip->service->svc, VEXIPC_MAX_MESSAGE, &need, &attempt);
	if (IS_ERR_OR_NULL(req))
		return 0;
	trip->carrier = vexipc_carrier_gather(trip->service->svc, req, attempt,
					      VEXIPC_MAX_MESSAGE, GFP_KERNEL);
	vexipc_request_put(req);
	return trip->carrier ? trip->carrier->count : 1;
}

/* Departs, and forgets all of the carrier but its id. */
static u64 send_all(struct kunit *test, struct trip *trip, u32 count)
{
	u64 id;

	KUNIT_ASSERT_EQ(test, depart(trip), count);
	KUNIT_ASSERT_NOT_NULL(test, trip->carrier);
	id = trip->carrier->id;
	vexipc_carrier_sent(trip->carrier);
	return id;
}

/* A BATCH_RESPONSE: each item a vector, but those in @failed an error. */
static int answer_all(struct trip *trip, u64 id, u32 count, u32 failed)
{
	size_t each = sizeof(struct vexipc_batch_result) + VECTOR_BYTES;
	struct vexipc_answer answer = {
		.type = VEXIPC_MSG_BATCH_RESPONSE,
		.count = count,
		.mem = kzalloc(each * count, GFP_KERNEL),
	};
	void *at = answer.mem;
	int err = -EINVAL;

	if (!at)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		struct vexipc_batch_result result = {
			.dimensions = cpu_to_le32(DIMENSIONS),
			.data_type = cpu_to_le32(VEXIPC_FLOAT32),
			.vector_bytes = cpu_to_le32(VECTOR_BYTES),
		};

		if (failed & BIT(i))
			result = (struct vexipc_batch_result) {
				.error = cpu_to_le32(VEXIPC_ERR_INVALID),
			};
		memcpy(at, &result, sizeof(result));
		at += sizeof(result);
		if (result.error)
			continue;
		memset(at, 'a' + i, VECTOR_BYTES);
		at += VECTOR_BYTES;
	}
	answer.data = answer.mem;
	answer.len = at - answer.mem;
	if (!vexipc_carrier_answer(trip->service->svc, id, &answer, &err))
		err = -ENOENT;
	kfree(answer.mem);
	return err;
}

static void what_waits_travels_together_in_order(struct kunit *test)
{
	struct trip *trip = new_trip(test, 4, ASKS);
	u64 id = send_all(test, trip, 4), rest;

	KUNIT_EXPECT_EQ(test, id, attempt_id(trip->ask[0], 0));
	for (u32 i = 0; i < ASKS; i++)
		expect_open(test, trip->ask[i], i < 4 ? VEXIPC_SENT : VEXIPC_QUEUED);
	rest = send_all(test, trip, 2);
	KUNIT_EXPECT_EQ(test, rest, attempt_id(trip->ask[4], 0));
	KUNIT_EXPECT_EQ(test, trip->service->svc->in_flight, ASKS);
	/* In any order. */
	KUNIT_EXPECT_EQ(test, answer_all(trip, rest, 2, 0), 0);
	KUNIT_EXPECT_EQ(test, answer_all(trip, id, 4, 0), 0);
	for (u32 i = 0; i < ASKS; i++) {
		expect_ended(test, trip->ask[i], VEXIPC_OK);
		KUNIT_EXPECT_EQ(test, *(char *)trip->ask[i]->req->answer,
				'a' + (i < 4 ? i : i - 4));
	}
	KUNIT_EXPECT_EQ(test, counted(test, carriers), 2);
	KUNIT_EXPECT_EQ(test, counted(test, carried), ASKS);
	KUNIT_EXPECT_TRUE(test, list_empty(&trip->service->svc->carriers));
}

static void items_of_a_message_are_a_batch(struct kunit *test)
{
	struct trip *trip = new_trip(test, 4, 3);
	const struct vexipc_image *image;

	KUNIT_ASSERT_EQ(test, depart(trip), 3);
	image = &trip->carrier->image;
	KUNIT_EXPECT_EQ(test, image->part_len[0], trip->carrier->bytes);
	KUNIT_EXPECT_EQ(test, vexipc_batch_check_items(image->part[0], image->part_len[0], 3), 0);
	vexipc_carrier_sent(trip->carrier);
}

static void not_told_to_they_go_alone_but_for_a_clients_batch(struct kunit *test)
{
	struct trip *trip = new_trip(test, 4, 4);

	configure(test, VEXIPC_CONFIG_DYNAMIC_BATCHING, 0);
	trip->ask[1]->req->batched = true;
	trip->ask[2]->req->batched = true;
	KUNIT_EXPECT_EQ(test, depart(trip), 1);
	send_all(test, trip, 2);
	KUNIT_EXPECT_EQ(test, depart(trip), 1);
}

static void who_takes_single_requests_gets_them(struct kunit *test)
{
	struct trip *trip = new_trip(test, 1, 3);

	KUNIT_EXPECT_EQ(test, depart(trip), 1);
	KUNIT_EXPECT_EQ(test, depart(trip), 1);
}

static void what_is_not_alike_parts(struct kunit *test)
{
	struct trip *trip = new_trip(test, 4, 0);
	struct ask *ask[6];

	for (u32 i = 0; i < ARRAY_SIZE(ask); i++)
		ask[i] = new_ask(test, trip->client);
	ask[1]->req->dimensions = 0;
	ask[2]->req->content_type = VEXIPC_RAW;
	/* These two are in one band, and before the others. */
	ask[3]->req->priority = VEXIPC_PRIORITY_HIGH;
	ask[4]->req->priority = VEXIPC_PRIORITY_HIGH + 1;
	for (u32 i = 0; i < ARRAY_SIZE(ask); i++)
		KUNIT_ASSERT_EQ(test, submit(ask[i]), 0);
	send_all(test, trip, 2);
	expect_open(test, ask[3], VEXIPC_SENT);
	expect_open(test, ask[4], VEXIPC_SENT);
	for (u32 i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, depart(trip), 1);
}

static void budget_of_bytes_is_kept(struct kunit *test)
{
	struct trip *trip = new_trip(test, 6, 0);
	static char content[1500];
	struct ask *ask;

	configure(test, VEXIPC_CONFIG_BATCH_MAX_BYTES, 3100);
	for (u32 i = 0; i < 4; i++) {
		ask = new_ask(test, trip->client);
		ask->req->content = content;
		ask->req->content_len = sizeof(content);
		KUNIT_ASSERT_EQ(test, submit(ask), 0);
	}
	send_all(test, trip, 2);
	/* What is larger than the budget goes alone. */
	configure(test, VEXIPC_CONFIG_BATCH_MAX_BYTES, 1400);
	KUNIT_EXPECT_EQ(test, depart(trip), 1);
}

static void credits_count_members(struct kunit *test)
{
	struct trip *trip = new_trip(test, 6, ASKS);

	trip->service->svc->spec.max_concurrent = 4;
	send_all(test, trip, 4);
	KUNIT_EXPECT_EQ(test, depart(trip), 0);
}

static void one_failed_item_is_one_failed_request(struct kunit *test)
{
	struct trip *trip = new_trip(test, 4, 3);
	u64 id = send_all(test, trip, 3);

	KUNIT_EXPECT_EQ(test, answer_all(trip, id, 3, BIT(1)), 0);
	expect_ended(test, trip->ask[0], VEXIPC_OK);
	expect_ended(test, trip->ask[1], VEXIPC_ERR_INVALID);
	expect_ended(test, trip->ask[2], VEXIPC_OK);
}

static void ended_member_is_left_out(struct kunit *test)
{
	struct trip *trip = new_trip(test, 4, 3);
	u64 id = send_all(test, trip, 3);

	/* The first one, whose id the message has. */
	KUNIT_EXPECT_TRUE(test, vexipc_request_finish(trip->ask[0]->req, VEXIPC_ERR_CANCELLED));
	KUNIT_EXPECT_EQ(test, answer_all(trip, id, 3, 0), 0);
	expect_ended(test, trip->ask[0], VEXIPC_ERR_CANCELLED);
	expect_ended(test, trip->ask[1], VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, *(char *)trip->ask[1]->req->answer, 'b');
	KUNIT_EXPECT_EQ(test, counted(test, orphans), 1);
	/* It has been answered. */
	KUNIT_EXPECT_EQ(test, answer_all(trip, id, 3, 0), -ENOENT);
}

static void bad_answer_is_one_to_each(struct kunit *test)
{
	struct trip *trip = new_trip(test, 4, 3);
	struct peer *other;
	u64 id = send_all(test, trip, 3);

	other = new_service(test, "other");
	KUNIT_EXPECT_EQ(test, answer_all(trip, id, 2, 0), -EPROTO);
	KUNIT_EXPECT_EQ(test, counted(test, bad_answers), 3);
	for (u32 i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, answer(other, send_next(other)), 0);
	for (u32 i = 0; i < 3; i++)
		expect_ended(test, trip->ask[i], VEXIPC_OK);
}

static void each_fails_over_by_itself(struct kunit *test)
{
	struct trip *trip = new_trip(test, 4, 3);
	struct peer *other;
	u64 id = send_all(test, trip, 3);

	other = new_service(test, "other");
	KUNIT_EXPECT_TRUE(test, vexipc_request_finish(trip->ask[1]->req, VEXIPC_ERR_CANCELLED));
	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(trip->service->svc, true), 2);
	KUNIT_EXPECT_EQ(test, answer_all(trip, id, 3, 0), -ENOENT);
	KUNIT_EXPECT_EQ(test, answer(other, send_next(other)), 0);
	KUNIT_EXPECT_EQ(test, answer(other, send_next(other)), 0);
	expect_ended(test, trip->ask[0], VEXIPC_OK);
	expect_ended(test, trip->ask[1], VEXIPC_ERR_CANCELLED);
	expect_ended(test, trip->ask[2], VEXIPC_OK);
}

static void unsent_ones_are_first_again(struct kunit *test)
{
	struct trip *trip = new_trip(test, 3, 4);
	u64 id;

	KUNIT_ASSERT_EQ(test, depart(trip), 3);
	id = trip->carrier->id;
	vexipc_carrier_unsend(trip->carrier, trip->service->svc);
	vexipc_carrier_sent(trip->carrier);
	KUNIT_EXPECT_EQ(test, answer_all(trip, id, 3, 0), -ENOENT);
	for (u32 i = 0; i < 4; i++)
		expect_open(test, trip->ask[i], VEXIPC_QUEUED);
	KUNIT_EXPECT_EQ(test, send_all(test, trip, 3), id);
	KUNIT_EXPECT_EQ(test, answer_all(trip, id, 3, 0), 0);
	expect_ended(test, trip->ask[2], VEXIPC_OK);
}

static void who_is_alone_waits_for_company(struct kunit *test)
{
	struct trip *trip = new_trip(test, 2, 0);
	u32 need;

	configure(test, VEXIPC_CONFIG_BATCH_DELAY_US, 100000);
	trip->ask[0] = submit_new(test, trip->client);
	/* Unless the machine was slower than that. */
	if (ktime_get_ns() < trip->ask[0]->req->submitted_ns + 50 * NSEC_PER_MSEC)
		KUNIT_EXPECT_FALSE(test, vexipc_queue_ready(trip->service->svc, &need));
	trip->ask[1] = submit_new(test, trip->client);
	KUNIT_EXPECT_TRUE(test, vexipc_queue_ready(trip->service->svc, &need));
	send_all(test, trip, 2);
}

/* ----------------------------------------------------------------- races -- */

struct answering {
	struct trip *trip;
	u64 id;
	int err;
};

static void answer_it(void *data)
{
	struct answering *a = data;

	a->err = answer_all(a->trip, a->id, ASKS, 0);
}

static void cancel_each(void *data)
{
	struct trip *trip = data;

	for (u32 i = 0; i < ASKS; i++)
		vexipc_request_finish(trip->ask[i]->req, VEXIPC_ERR_CANCELLED);
}

static void two_answers_and_cancels(struct kunit *test)
{
	for (u32 round = 0; round < 20; round++) {
		struct trip *trip = new_trip(test, ASKS, ASKS);
		u64 id = send_all(test, trip, ASKS);
		struct answering one = { trip, id }, two = { trip, id };
		struct racer racers[] = {
			{ .run = answer_it, .data = &one },
			{ .run = answer_it, .data = &two },
			{ .run = cancel_each, .data = trip },
		};

		race(test, racers, ARRAY_SIZE(racers));
		for (u32 i = 0; i < ASKS; i++) {
			KUNIT_ASSERT_TRUE(test, ended_soon(trip->ask[i]));
			KUNIT_EXPECT_EQ(test, atomic_read(&trip->ask[i]->completions), 1);
		}
		/* Who counted was one of them at the most. */
		KUNIT_EXPECT_TRUE(test, one.err || two.err);
		KUNIT_EXPECT_TRUE(test, list_empty(&trip->service->svc->carriers));
		vexipc_registry_remove(trip->service->svc, false);
	}
}

static struct kunit_case carrier_cases[] = {
	KUNIT_CASE(what_waits_travels_together_in_order),
	KUNIT_CASE(items_of_a_message_are_a_batch),
	KUNIT_CASE(not_told_to_they_go_alone_but_for_a_clients_batch),
	KUNIT_CASE(who_takes_single_requests_gets_them),
	KUNIT_CASE(what_is_not_alike_parts),
	KUNIT_CASE(budget_of_bytes_is_kept),
	KUNIT_CASE(credits_count_members),
	KUNIT_CASE(one_failed_item_is_one_failed_request),
	KUNIT_CASE(ended_member_is_left_out),
	KUNIT_CASE(bad_answer_is_one_to_each),
	KUNIT_CASE(each_fails_over_by_itself),
	KUNIT_CASE(unsent_ones_are_first_again),
	KUNIT_CASE(who_is_alone_waits_for_company),
	KUNIT_CASE(two_answers_and_cancels),
	{}
};

static struct kunit_suite carrier_suite = {
	.name = "vexipc_carrier",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = carrier_cases,
};

kunit_test_suite(carrier_suite);
