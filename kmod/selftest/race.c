// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races for the last step of the same requests. Whoever is told that the step
 * was theirs is counted: they must be as many as the requests.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/prandom.h>

#include "fixture.h"
#include "queue.h"

enum { REQUESTS = 128, ROUNDS = 4 };

/**
 * struct field - what those who race have before them
 * @client:  asked all
 * @service: was sent all, or has them queued
 * @other:   takes what @service loses
 * @asks:    the requests
 * @ids:     under which they were sent
 * @won:     how many last steps were somebody's
 * @moved:   how many requests @service lost
 * @closed:  nothing more can be submitted
 */
struct field {
	struct peer *client, *service, *other;
	struct ask *asks[REQUESTS];
	u64 ids[REQUESTS];
	atomic_t won, moved;
	bool closed;
};

static struct field *new_field(struct kunit *test)
{
	static const struct vexipc_service_spec like = { .max_concurrent = 2 * REQUESTS };
	struct field *field = kunit_kzalloc(test, sizeof(*field), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, field);
	field->client = new_peer(test);
	field->service = new_service_like(test, "one", &like);
	return field;
}

static void fill(struct kunit *test, struct field *field)
{
	for (u32 i = 0; i < REQUESTS; i++)
		field->asks[i] = submit_new(test, field->client);
}

static void send_all(struct kunit *test, struct field *field)
{
	for (u32 i = 0; i < REQUESTS; i++) {
		field->ids[i] = send_next(field->service);
		KUNIT_ASSERT_NE(test, field->ids[i], 0);
	}
}

/* Every round ends with every request ended, by one each. */
static void expect_one_winner_each(struct kunit *test, struct field *field)
{
	KUNIT_EXPECT_EQ(test, atomic_read(&field->won), REQUESTS);
	atomic_set(&field->won, 0);
	for (u32 i = 0; i < REQUESTS; i++) {
		KUNIT_ASSERT_TRUE(test, ended_soon(field->asks[i]));
		KUNIT_EXPECT_EQ(test, atomic_read(&field->asks[i]->completions), 1);
	}
}

static void answer_forwards(void *data)
{
	struct field *field = data;

	for (u32 i = 0; i < REQUESTS; i++)
		if (!answer(field->service, field->ids[i]))
			atomic_inc(&field->won);
}

static void answer_backwards(void *data)
{
	struct field *field = data;

	for (u32 i = REQUESTS; i--;)
		if (!answer(field->service, field->ids[i]))
			atomic_inc(&field->won);
}

static void cancel_from_the_middle(void *data)
{
	struct field *field = data;

	for (u32 i = 0; i < REQUESTS; i++) {
		struct ask *ask = field->asks[(i + REQUESTS / 2) % REQUESTS];

		if (!vexipc_endpoint_cancel(&field->client->ep, ask->req->request_id))
			atomic_inc(&field->won);
	}
}

static void send_and_answer(struct field *field, struct peer *service)
{
	u64 id;

	while ((id = send_next(service)))
		if (!answer(service, id))
			atomic_inc(&field->won);
}

static void serve_one(void *data)
{
	struct field *field = data;

	send_and_answer(field, field->service);
}

/* Half of what it takes it can not send after all. */
static void send_and_unsend(void *data)
{
	struct field *field = data;
	struct vexipc_request *req;
	u32 need, attempt;

	for (u32 i = 0; i < REQUESTS; i++) {
		req = vexipc_queue_next(field->service->svc, VEXIPC_MAX_MESSAGE, &need,
					&attempt);
		if (!req)
			return;
		if (i % 2)
			vexipc_queue_unsend(field->service->svc, req, attempt);
		else if (!answer(field->service,
				 vexipc_id_with_attempt(req->correlation, attempt)))
			atomic_inc(&field->won);
		vexipc_request_put(req);
	}
}

static void remove_service(void *data)
{
	struct field *field = data;

	atomic_add(max(vexipc_registry_remove(field->service->svc, true), 0), &field->moved);
}

static void answers_and_cancels(struct kunit *test)
{
	struct field *field = new_field(test);
	struct racer racers[] = {
		{ .run = answer_forwards, .data = field },
		{ .run = answer_backwards, .data = field },
		{ .run = cancel_from_the_middle, .data = field },
	};

	for (u32 round = 0; round < ROUNDS; round++) {
		fill(test, field);
		send_all(test, field);
		race(test, racers, ARRAY_SIZE(racers));
		expect_one_winner_each(test, field);
		KUNIT_EXPECT_EQ(test, field->service->svc->in_flight, 0);
	}
	KUNIT_EXPECT_EQ(test, counted(test, completed) + counted(test, cancelled),
			ROUNDS * REQUESTS);
	KUNIT_EXPECT_EQ(test, counted(test, completed) + counted(test, orphans),
			2 * ROUNDS * REQUESTS);
}

static void sending_unsending_and_cancels(struct kunit *test)
{
	struct field *field = new_field(test);
	struct racer racers[] = {
		{ .run = send_and_unsend, .data = field },
		{ .run = serve_one, .data = field },
		{ .run = cancel_from_the_middle, .data = field },
	};

	for (u32 round = 0; round < ROUNDS; round++) {
		fill(test, field);
		race(test, racers, ARRAY_SIZE(racers));
		send_and_answer(field, field->service);
		expect_one_winner_each(test, field);
		KUNIT_EXPECT_EQ(test, field->service->svc->queued, 0);
		KUNIT_EXPECT_EQ(test, field->service->svc->in_flight, 0);
		KUNIT_EXPECT_EQ(test, field->service->svc->in_flight_bytes, 0);
	}
}

/* What one service loses to the race is the other's to answer. */
static void race_with_removal(struct kunit *test, void (*first)(void *),
			      void (*second)(void *), bool sent)
{
	static const struct vexipc_service_spec like = { .max_concurrent = 2 * REQUESTS };
	struct field *field = new_field(test);
	struct racer racers[] = {
		{ .run = first, .data = field },
		{ .run = second, .data = field },
		{ .run = remove_service, .data = field },
	};

	field->other = new_peer(test);
	for (u32 round = 0; round < ROUNDS; round++) {
		fill(test, field);
		if (sent)
			send_all(test, field);
		KUNIT_ASSERT_EQ(test, peer_register(field->other, "two", &like), 0);
		race(test, racers, ARRAY_SIZE(racers));
		send_and_answer(field, field->other);
		expect_one_winner_each(test, field);
		KUNIT_EXPECT_EQ(test, field->service->svc->queued, 0);
		KUNIT_EXPECT_EQ(test, field->service->svc->in_flight, 0);
		vexipc_registry_remove(field->other->svc, false);
		KUNIT_ASSERT_EQ(test, peer_register(field->service, "one", &like), 0);
	}
	KUNIT_EXPECT_EQ(test, counted(test, failovers), atomic_read(&field->moved));
	KUNIT_EXPECT_EQ(test, counted(test, failed), 0);
}

static void removal_answers_and_cancels(struct kunit *test)
{
	race_with_removal(test, answer_forwards, cancel_from_the_middle, true);
}

static void removal_sending_and_cancels(struct kunit *test)
{
	race_with_removal(test, serve_one, cancel_from_the_middle, false);
}

static void removal_sending_and_unsending(struct kunit *test)
{
	race_with_removal(test, serve_one, send_and_unsend, false);
}

static void two_removals(struct kunit *test)
{
	race_with_removal(test, remove_service, cancel_from_the_middle, true);
}

static void submit_even(void *data)
{
	struct field *field = data;

	for (u32 i = 0; i < REQUESTS; i += 2)
		submit(field->asks[i]);
}

static void submit_odd(void *data)
{
	struct field *field = data;

	for (u32 i = 1; i < REQUESTS; i += 2)
		submit(field->asks[i]);
	WRITE_ONCE(field->closed, true);
}

/* Until the odd ones are submitted, whatever becomes of them. */
static void serve_until_closed(void *data)
{
	struct field *field = data;

	while (!READ_ONCE(field->closed)) {
		send_and_answer(field, field->service);
		cond_resched();
	}
}

static void close_client(void *data)
{
	struct field *field = data;

	while (!READ_ONCE(field->client->ep.outstanding) && !READ_ONCE(field->closed))
		cond_resched();
	vexipc_endpoint_close(&field->client->ep, false);
}

static void submissions_and_the_clients_end(struct kunit *test)
{
	struct field *field = new_field(test);
	struct racer racers[] = {
		{ .run = submit_even, .data = field },
		{ .run = submit_odd, .data = field },
		{ .run = serve_until_closed, .data = field },
		{ .run = close_client, .data = field },
	};

	for (u32 round = 0; round < ROUNDS; round++) {
		for (u32 i = 0; i < REQUESTS; i++)
			field->asks[i] = new_ask(test, field->client);
		race(test, racers, ARRAY_SIZE(racers));
		for (u32 i = 0; i < REQUESTS; i++) {
			struct ask *ask = field->asks[i];

			if (ask->err)
				KUNIT_EXPECT_EQ(test, ask->err, -ESHUTDOWN);
			else
				KUNIT_ASSERT_TRUE(test, ended_soon(ask));
			KUNIT_EXPECT_EQ(test, atomic_read(&ask->completions), !ask->err);
		}
		field->closed = false;
		field->client = new_peer(test);
	}
}

/* Answers each about when its timer fires, which is up to two ticks late. */
static void answer_at_the_deadline(void *data)
{
	struct field *field = data;
	struct rnd_state random;

	prandom_seed_state(&random, 3);
	for (u32 i = 0; i < REQUESTS; i++) {
		u64 when = field->asks[i]->req->deadline_ns +
			   prandom_u32_state(&random) % (2 * TICK_NSEC);

		while (ktime_get_ns() < when)
			usleep_range(10, 20);
		if (!answer(field->service, field->ids[i]))
			atomic_inc(&field->won);
	}
}

static void answers_and_deadlines(struct kunit *test)
{
	struct field *field = new_field(test);
	struct racer racers[] = { { .run = answer_at_the_deadline, .data = field } };

	for (u32 round = 0; round < ROUNDS; round++) {
		u64 before = counted(test, timed_out), now;

		for (u32 i = 0; i < REQUESTS; i++)
			field->asks[i] = new_ask(test, field->client);
		now = ktime_get_ns();
		for (u32 i = 0; i < REQUESTS; i++) {
			struct ask *ask = field->asks[i];

			ask->req->deadline_ns = now + (100 + i) * NSEC_PER_MSEC / 5;
			KUNIT_ASSERT_EQ(test, submit(ask), 0);
			field->ids[i] = send_next(field->service);
		}
		race(test, racers, ARRAY_SIZE(racers));
		for (u32 i = 0; i < REQUESTS; i++)
			KUNIT_ASSERT_TRUE(test, ended_soon(field->asks[i]));
		atomic_add(counted(test, timed_out) - before, &field->won);
		expect_one_winner_each(test, field);
	}
}

static struct kunit_case race_cases[] = {
	KUNIT_CASE_SLOW(answers_and_cancels),
	KUNIT_CASE_SLOW(sending_unsending_and_cancels),
	KUNIT_CASE_SLOW(removal_answers_and_cancels),
	KUNIT_CASE_SLOW(removal_sending_and_cancels),
	KUNIT_CASE_SLOW(removal_sending_and_unsending),
	KUNIT_CASE_SLOW(two_removals),
	KUNIT_CASE_SLOW(submissions_and_the_clients_end),
	KUNIT_CASE_SLOW(answers_and_deadlines),
	{}
};

static struct kunit_suite race_suite = {
	.name = "vexipc_race",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = race_cases,
};

kunit_test_suite(race_suite);
