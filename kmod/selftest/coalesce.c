// SPDX-License-Identifier: GPL-2.0-only
/* Equal requests under way: asked once, each completed once. */
#include <linux/delay.h>
#include <linux/prandom.h>

#include "fixture.h"
#include "queue.h"

static int coalesce_init(struct kunit *test)
{
	int err = fixture_init(test);

	if (err)
		return err;
	configure(test, VEXIPC_CONFIG_COALESCE, 1);
	return 0;
}

static void followers_have_the_leaders_answer(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct ask *leader = submit_new(test, client);
	struct ask *one = submit_new(test, client), *two = submit_new(test, client);
	u64 id = send_next(service);

	KUNIT_EXPECT_EQ(test, send_next(service), 0);
	expect_open(test, one, VEXIPC_NEW);
	KUNIT_EXPECT_EQ(test, answer(service, id), 0);
	expect_ended(test, leader, VEXIPC_OK);
	expect_ended(test, one, VEXIPC_OK);
	expect_ended(test, two, VEXIPC_OK);
	KUNIT_EXPECT_PTR_EQ(test, one->req->answer, leader->req->answer);
	KUNIT_EXPECT_EQ(test, leader->req->result_flags, 0);
	KUNIT_EXPECT_EQ(test, two->req->result_flags, VEXIPC_RESULT_COALESCED);
	KUNIT_EXPECT_EQ(test, two->req->service_handle, service->svc->handle);
	KUNIT_EXPECT_EQ(test, counted(test, coalesced), 2);
	/* Kept for nobody. */
	KUNIT_EXPECT_EQ(test, counted(test, cache_entries), 0);
	submit_new(test, client);
	KUNIT_EXPECT_NE(test, send_next(service), 0);
}

static void a_definite_failure_is_everybodys(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct ask *leader = submit_new(test, client), *follower = submit_new(test, client);

	KUNIT_EXPECT_EQ(test, answer_error(service, send_next(service), VEXIPC_ERR_INVALID, 0),
			0);
	expect_ended(test, leader, VEXIPC_ERR_INVALID);
	expect_ended(test, follower, VEXIPC_ERR_INVALID);
}

static void a_retry_is_the_leaders_business(struct kunit *test)
{
	struct peer *client = new_peer(test), *one = new_service(test, "one");
	struct peer *two = new_service(test, "two");
	struct ask *leader, *follower;
	u64 id;

	vexipc_registry_drain(two->svc, true);
	leader = submit_new(test, client);
	vexipc_registry_drain(two->svc, false);
	follower = submit_new(test, client);
	id = send_next(one);
	KUNIT_EXPECT_EQ(test, answer_error(one, id, VEXIPC_ERR_OVERLOADED,
					   VEXIPC_ERROR_OVERLOAD), 0);
	expect_open(test, follower, VEXIPC_NEW);
	KUNIT_EXPECT_EQ(test, answer(two, send_next(two)), 0);
	expect_ended(test, leader, VEXIPC_OK);
	expect_ended(test, follower, VEXIPC_OK);
}

static void when_the_leader_goes_a_follower_leads_on(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct ask *leader = submit_new(test, client);
	struct ask *one = submit_new(test, client), *two = submit_new(test, client);

	send_next(service);
	KUNIT_EXPECT_TRUE(test, vexipc_request_finish(leader->req, VEXIPC_ERR_CANCELLED));
	expect_ended(test, leader, VEXIPC_ERR_CANCELLED);
	KUNIT_EXPECT_EQ(test, answer(service, send_soon(test, service)), 0);
	expect_ended(test, one, VEXIPC_OK);
	expect_ended(test, two, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, one->req->result_flags, 0);
	KUNIT_EXPECT_EQ(test, one->req->attempts, 1);
	KUNIT_EXPECT_EQ(test, two->req->result_flags, VEXIPC_RESULT_COALESCED);
}

static void who_leads_on_without_a_service_fails_by_itself(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct ask *leader = submit_new(test, client);
	struct ask *one = submit_new(test, client), *two = submit_new(test, client);

	vexipc_registry_drain(service->svc, true);
	vexipc_request_finish(leader->req, VEXIPC_ERR_CANCELLED);
	expect_ended(test, one, VEXIPC_ERR_NO_CAPABLE_SERVICE);
	expect_ended(test, two, VEXIPC_ERR_NO_CAPABLE_SERVICE);
}

static void a_follower_ends_by_itself(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct ask *leader = submit_new(test, client);
	struct ask *follower = submit_new(test, client), *last = submit_new(test, client);

	KUNIT_EXPECT_TRUE(test, vexipc_request_finish(follower->req, VEXIPC_ERR_TIMED_OUT));
	expect_ended(test, follower, VEXIPC_ERR_TIMED_OUT);
	/* The test's own reference is left, and that of what it waited for none of it. */
	KUNIT_EXPECT_EQ(test, refcount_read(&follower->req->refs), 1);
	expect_open(test, leader, VEXIPC_QUEUED);
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	expect_ended(test, leader, VEXIPC_OK);
	expect_ended(test, last, VEXIPC_OK);
}

static void a_follower_has_its_own_deadline(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct ask *leader = submit_new(test, client), *follower = new_ask(test, client);

	follower->req->deadline_ns = ktime_get_ns() + 20 * NSEC_PER_MSEC;
	KUNIT_ASSERT_EQ(test, submit(follower), 0);
	expect_ended(test, follower, VEXIPC_ERR_TIMED_OUT);
	expect_open(test, leader, VEXIPC_QUEUED);
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	expect_ended(test, leader, VEXIPC_OK);
}

static void nobody_waits_for_what_is_less_urgent(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct ask *urgent = new_ask(test, client);

	submit_new(test, client);
	urgent->req->priority = VEXIPC_PRIORITY_CRITICAL;
	KUNIT_ASSERT_EQ(test, submit(urgent), 0);
	expect_open(test, urgent, VEXIPC_QUEUED);
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
}

static void followers_are_bounded(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	u32 asked = 0;
	u64 id;

	for (int i = 0; i < 130; i++)
		submit_new(test, client);
	KUNIT_EXPECT_EQ(test, counted(test, coalesced), 128);
	while ((id = send_next(service))) {
		KUNIT_EXPECT_EQ(test, answer(service, id), 0);
		asked++;
	}
	KUNIT_EXPECT_EQ(test, asked, 2);
}

enum { ROUNDS = 200, SPREAD_NS = 3000, CROWD = 4 };

/* struct round is what a thread does to one of the requests of a round. */
struct round {
	struct peer *service;
	struct ask *ask[CROWD];
	struct rnd_state random;
};

static void submit_two(void *data)
{
	struct round *round = data;

	submit(round->ask[2]);
	submit(round->ask[3]);
}

static void cancel_two(void *data)
{
	struct round *round = data;

	ndelay(prandom_u32_state(&round->random) % SPREAD_NS);
	vexipc_request_finish(round->ask[0]->req, VEXIPC_ERR_CANCELLED);
	vexipc_request_finish(round->ask[1]->req, VEXIPC_ERR_CANCELLED);
}

static void answer_some(void *data)
{
	struct round *round = data;
	u64 id;

	while ((id = send_next(round->service)))
		answer(round->service, id);
}

/* A leader and a follower go, others come, and a service answers, all at once. */
static void answers_cancels_and_submissions_at_once(struct kunit *test)
{
	struct round *round = kunit_kzalloc(test, sizeof(*round), GFP_KERNEL);
	struct peer *client = new_peer(test);
	struct racer racers[] = {
		{ .run = submit_two, .data = round },
		{ .run = cancel_two, .data = round },
		{ .run = answer_some, .data = round },
	};

	KUNIT_ASSERT_NOT_NULL(test, round);
	round->service = new_service(test, "one");
	prandom_seed_state(&round->random, 6);
	for (int i = 0; i < ROUNDS && test->status == KUNIT_SUCCESS; i++) {
		for (int k = 0; k < CROWD; k++)
			round->ask[k] = new_ask(test, client);
		KUNIT_ASSERT_EQ(test, submit(round->ask[0]), 0);
		KUNIT_ASSERT_EQ(test, submit(round->ask[1]), 0);
		race(test, racers, ARRAY_SIZE(racers));
		for (int k = 0; k < CROWD; k++) {
			/* Who leads on may be on its way still. */
			while (!completion_done(&round->ask[k]->ended)) {
				answer_some(round);
				cond_resched();
			}
			KUNIT_EXPECT_EQ(test, atomic_read(&round->ask[k]->completions), 1);
		}
	}
}

static struct kunit_case coalesce_cases[] = {
	KUNIT_CASE(followers_have_the_leaders_answer),
	KUNIT_CASE(a_definite_failure_is_everybodys),
	KUNIT_CASE(a_retry_is_the_leaders_business),
	KUNIT_CASE(when_the_leader_goes_a_follower_leads_on),
	KUNIT_CASE(who_leads_on_without_a_service_fails_by_itself),
	KUNIT_CASE(a_follower_ends_by_itself),
	KUNIT_CASE(a_follower_has_its_own_deadline),
	KUNIT_CASE(nobody_waits_for_what_is_less_urgent),
	KUNIT_CASE(followers_are_bounded),
	KUNIT_CASE_SLOW(answers_cancels_and_submissions_at_once),
	{}
};

static struct kunit_suite coalesce_suite = {
	.name = "vexipc_coalesce",
	.init = coalesce_init,
	.exit = fixture_exit,
	.test_cases = coalesce_cases,
};

kunit_test_suite(coalesce_suite);
