// SPDX-License-Identifier: GPL-2.0-only
/* Services that fail, stall or are asked too often; and where sessions go then. */
#include <linux/delay.h>
#include <linux/ktime.h>

#include "breaker.h"
#include "fixture.h"
#include "health.h"

static struct ask *ask_pinned(struct kunit *test, struct peer *client, struct peer *service)
{
	struct ask *ask = new_ask(test, client);

	ask->req->pin = service->svc->handle;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	return ask;
}

static void fail_times(struct kunit *test, struct peer *client, struct peer *service, u32 times)
{
	while (times--) {
		struct ask *ask = ask_pinned(test, client, service);

		KUNIT_ASSERT_EQ(test, answer_error(service, send_next(service),
						   VEXIPC_ERR_SERVICE_FAILED, 0), 0);
		expect_ended(test, ask, VEXIPC_ERR_SERVICE_FAILED);
	}
}

static void answer_times(struct kunit *test, struct peer *client, struct peer *service, u32 times)
{
	while (times--) {
		struct ask *ask = ask_pinned(test, client, service);

		KUNIT_ASSERT_EQ(test, answer(service, send_next(service)), 0);
		expect_ended(test, ask, VEXIPC_OK);
	}
}

static u32 state_of(struct peer *service)
{
	return READ_ONCE(service->svc->breaker.state);
}

static void half_open(struct peer *service)
{
	WRITE_ONCE(service->svc->breaker.until_ns, 0);
}

/* How many of @count requests for anyone come to @service. */
static u32 share(struct kunit *test, struct peer *client, struct peer *service, u32 count)
{
	u32 got = 0;

	while (count--) {
		struct ask *ask = submit_new(test, client);

		got += READ_ONCE(ask->req->svc) == service->svc;
		vexipc_request_finish(ask->req, VEXIPC_ERR_CANCELLED);
	}
	return got;
}

/* However slow the machine is, no breaker is half-open by itself. */
static void stay_open(struct kunit *test)
{
	configure(test, VEXIPC_CONFIG_BREAKER_MAX_EJECTION_MS, 3600000);
	configure(test, VEXIPC_CONFIG_BREAKER_EJECTION_MS, 3600000);
}

static void opens_after_failures_in_a_row(struct kunit *test)
{
	struct peer *bad = new_service(test, "bad"), *client = new_peer(test);

	stay_open(test);
	new_service(test, "good");
	fail_times(test, client, bad, 4);
	answer_times(test, client, bad, 1);
	fail_times(test, client, bad, 4);
	KUNIT_EXPECT_EQ(test, state_of(bad), VEXIPC_BREAKER_CLOSED);
	KUNIT_EXPECT_EQ(test, share(test, client, bad, 4), 2);
	fail_times(test, client, bad, 1);
	KUNIT_EXPECT_EQ(test, state_of(bad), VEXIPC_BREAKER_OPEN);
	KUNIT_EXPECT_EQ(test, share(test, client, bad, 10), 0);
	KUNIT_EXPECT_EQ(test, counted(test, alerts), 1);
}

static void opens_at_an_error_rate(struct kunit *test)
{
	struct peer *bad = new_service(test, "bad"), *client = new_peer(test);

	configure(test, VEXIPC_CONFIG_BREAKER_FAILURES, 0);
	configure(test, VEXIPC_CONFIG_BREAKER_MIN_VOLUME, 10);
	fail_times(test, client, bad, 1);
	answer_times(test, client, bad, 5);
	fail_times(test, client, bad, 3);
	/* Nine, four of them failed: too few, and not half. */
	KUNIT_EXPECT_EQ(test, state_of(bad), VEXIPC_BREAKER_CLOSED);
	fail_times(test, client, bad, 1);
	KUNIT_EXPECT_EQ(test, state_of(bad), VEXIPC_BREAKER_OPEN);
}

static void window_forgets(struct kunit *test)
{
	struct peer *bad = new_service(test, "bad");
	struct vexipc_service *svc = bad->svc;
	u64 now = ktime_get_ns();

	configure(test, VEXIPC_CONFIG_BREAKER_FAILURES, 0);
	spin_lock_bh(&svc->lock);
	for (u32 i = 0; i < 19; i++)
		vexipc_breaker_note(svc, true, now, now);
	/* All but one are past it. */
	now += 10ull * NSEC_PER_SEC;
	for (u32 i = 0; i < 19; i++)
		vexipc_breaker_note(svc, true, now, now);
	KUNIT_EXPECT_EQ(test, svc->breaker.state, VEXIPC_BREAKER_CLOSED);
	now += 9ull * NSEC_PER_SEC;
	vexipc_breaker_note(svc, true, now, now);
	KUNIT_EXPECT_EQ(test, svc->breaker.state, VEXIPC_BREAKER_OPEN);
	spin_unlock_bh(&svc->lock);
}

static void overload_and_bad_questions_are_no_failures(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test);

	for (u32 i = 0; i < 50; i++) {
		struct ask *ask = ask_pinned(test, client, one);

		answer_error(one, send_next(one), i % 2 ? VEXIPC_ERR_INVALID :
			     VEXIPC_ERR_OVERLOADED, 0);
		expect_ended(test, ask, i % 2 ? VEXIPC_ERR_INVALID : VEXIPC_ERR_OVERLOADED);
		ask = ask_pinned(test, client, one);
		KUNIT_EXPECT_NE(test, send_next(one), 0);
		vexipc_request_finish(ask->req, VEXIPC_ERR_CANCELLED);
	}
	KUNIT_EXPECT_EQ(test, state_of(one), VEXIPC_BREAKER_CLOSED);
}

static void impatient_clients_do_not_open_it(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test);

	/* It takes an hour as a rule; who waits for a moment learns nothing. */
	one->svc->average_us = 3600000000u;
	for (u32 i = 0; i < 20; i++) {
		struct ask *ask = ask_pinned(test, client, one);

		KUNIT_EXPECT_NE(test, send_next(one), 0);
		vexipc_request_finish(ask->req, VEXIPC_ERR_TIMED_OUT);
	}
	KUNIT_EXPECT_EQ(test, state_of(one), VEXIPC_BREAKER_CLOSED);
	one->svc->average_us = 0;
	for (u32 i = 0; i < 5; i++) {
		struct ask *ask = ask_pinned(test, client, one);

		KUNIT_EXPECT_NE(test, send_next(one), 0);
		vexipc_request_finish(ask->req, VEXIPC_ERR_TIMED_OUT);
	}
	KUNIT_EXPECT_EQ(test, state_of(one), VEXIPC_BREAKER_OPEN);
}

static void half_open_admits_few_and_closes(struct kunit *test)
{
	struct peer *bad = new_service(test, "bad"), *client = new_peer(test);
	struct ask *old, *probes[VEXIPC_BREAKER_PROBES];
	u64 old_id;

	new_service(test, "good");
	old = ask_pinned(test, client, bad);
	old_id = send_next(bad);
	fail_times(test, client, bad, 5);
	half_open(bad);
	/* What it had before does not count. */
	KUNIT_EXPECT_EQ(test, share(test, client, bad, 2), 1);
	KUNIT_EXPECT_EQ(test, state_of(bad), VEXIPC_BREAKER_HALF_OPEN);
	KUNIT_EXPECT_EQ(test, answer(bad, old_id), 0);
	expect_ended(test, old, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, bad->svc->breaker.successes, 0);

	for (u32 i = 0; i < ARRAY_SIZE(probes); i++)
		probes[i] = ask_pinned(test, client, bad);
	KUNIT_EXPECT_EQ(test, share(test, client, bad, 10), 0);
	for (u32 i = 0; i < ARRAY_SIZE(probes); i++) {
		KUNIT_EXPECT_EQ(test, state_of(bad), VEXIPC_BREAKER_HALF_OPEN);
		KUNIT_EXPECT_EQ(test, answer(bad, send_next(bad)), 0);
		expect_ended(test, probes[i], VEXIPC_OK);
	}
	KUNIT_EXPECT_EQ(test, state_of(bad), VEXIPC_BREAKER_CLOSED);
	KUNIT_EXPECT_EQ(test, share(test, client, bad, 10), 5);
}

static void ejection_grows_and_is_jittered(struct kunit *test)
{
	struct peer *bad = new_service(test, "bad"), *client = new_peer(test);
	u64 least = 5000;

	new_service(test, "good");
	fail_times(test, client, bad, 5);
	for (u32 i = 0; i < 6; i++) {
		u64 now = ktime_get_ns();
		struct vexipc_breaker *b = &bad->svc->breaker;

		KUNIT_EXPECT_EQ(test, b->state, VEXIPC_BREAKER_OPEN);
		KUNIT_EXPECT_GE(test, b->until_ns - b->since_ns, least * NSEC_PER_MSEC);
		KUNIT_EXPECT_LE(test, b->until_ns - b->since_ns,
				(least + least / 4) * NSEC_PER_MSEC);
		least = min(2 * least, 60000ull);
		half_open(bad);
		KUNIT_EXPECT_TRUE(test, vexipc_breaker_look(bad->svc, now));
		fail_times(test, client, bad, VEXIPC_BREAKER_PROBES);
	}
}

static void one_that_answers_some_is_looked_at_again_soon(struct kunit *test)
{
	struct peer *bad = new_service(test, "bad"), *client = new_peer(test);
	struct vexipc_breaker *b = &bad->svc->breaker;

	new_service(test, "good");
	fail_times(test, client, bad, 5);
	for (u32 i = 0; i < 4; i++) {
		half_open(bad);
		vexipc_breaker_look(bad->svc, ktime_get_ns());
		fail_times(test, client, bad, 1);
		answer_times(test, client, bad, VEXIPC_BREAKER_PROBES - 1);
		fail_times(test, client, bad, VEXIPC_BREAKER_PROBES - 2);
		KUNIT_EXPECT_EQ(test, b->state, VEXIPC_BREAKER_HALF_OPEN);
		fail_times(test, client, bad, 1);
		KUNIT_EXPECT_EQ(test, b->state, VEXIPC_BREAKER_OPEN);
		KUNIT_EXPECT_LE(test, b->until_ns - b->since_ns, 6250 * NSEC_PER_MSEC);
	}
	half_open(bad);
	vexipc_breaker_look(bad->svc, ktime_get_ns());
	answer_times(test, client, bad, VEXIPC_BREAKER_PROBES);
	KUNIT_EXPECT_EQ(test, b->state, VEXIPC_BREAKER_CLOSED);
}

static void last_ones_are_never_kept_out(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test), *two, *three;

	stay_open(test);
	fail_times(test, client, one, 5);
	KUNIT_EXPECT_EQ(test, state_of(one), VEXIPC_BREAKER_OPEN);
	KUNIT_EXPECT_EQ(test, share(test, client, one, 2), 2);
	/* Half of them is not less than half. */
	two = new_service(test, "two");
	KUNIT_EXPECT_EQ(test, share(test, client, one, 6), 0);
	fail_times(test, client, two, 5);
	KUNIT_EXPECT_EQ(test, share(test, client, one, 6), 3);
	three = new_service(test, "three");
	/* One left of three: breakers do not count, whatever the algorithm. */
	KUNIT_EXPECT_EQ(test, share(test, client, three, 6), 2);
	configure(test, VEXIPC_CONFIG_BREAKER_PANIC_PERCENT, 30);
	KUNIT_EXPECT_EQ(test, share(test, client, three, 6), 6);
}

static void all_open_is_told(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test);

	stay_open(test);
	configure(test, VEXIPC_CONFIG_BREAKER_PANIC_PERCENT, 0);
	fail_times(test, client, one, 5);
	KUNIT_EXPECT_EQ(test, submit(new_ask(test, client)), -EHOSTDOWN);
	KUNIT_EXPECT_EQ(test, counted(test, refused_by[VEXIPC_ERR_ALL_BREAKERS_OPEN]), 1);
	half_open(one);
	KUNIT_EXPECT_EQ(test, share(test, client, one, 1), 1);
}

static void a_service_can_have_limits_of_its_own(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test), *two;
	struct vexipc_config_entry limits[] = {
		{ .field = VEXIPC_CONFIG_BREAKER_FAILURES, .value = 2 },
		{ .field = VEXIPC_CONFIG_BREAKER_EJECTION_MS, .value = 60000 },
	};
	u32 refused = 7;

	two = new_service(test, "two");
	KUNIT_EXPECT_EQ(test, vexipc_breaker_configure(one->svc, limits, 2, &refused), 0);
	fail_times(test, client, one, 2);
	fail_times(test, client, two, 4);
	KUNIT_EXPECT_EQ(test, state_of(one), VEXIPC_BREAKER_OPEN);
	KUNIT_EXPECT_EQ(test, state_of(two), VEXIPC_BREAKER_CLOSED);
	KUNIT_EXPECT_GE(test, one->svc->breaker.until_ns - one->svc->breaker.since_ns,
			60000 * NSEC_PER_MSEC);
	/* All or none. */
	limits[0].value = VEXIPC_BREAKER_INHERIT;
	limits[1].value = 0;
	KUNIT_EXPECT_EQ(test, vexipc_breaker_configure(one->svc, limits, 2, &refused), -ERANGE);
	KUNIT_EXPECT_EQ(test, refused, 1);
	KUNIT_EXPECT_EQ(test, one->svc->breaker.own_mask, BIT(0) | BIT(3));
	limits[1].field = VEXIPC_CONFIG_BREAKER_PANIC_PERCENT;
	KUNIT_EXPECT_EQ(test, vexipc_breaker_configure(one->svc, limits, 2, &refused), -ENOENT);
	KUNIT_EXPECT_EQ(test, vexipc_breaker_configure(one->svc, limits, 1, &refused), 0);
	vexipc_breaker_set(one->svc, VEXIPC_CONTROL_BREAKER_CLOSED);
	vexipc_breaker_set(one->svc, VEXIPC_CONTROL_BREAKER_AUTO);
	fail_times(test, client, one, 4);
	KUNIT_EXPECT_EQ(test, state_of(one), VEXIPC_BREAKER_CLOSED);
}

static void breaker_can_be_held(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test);

	vexipc_breaker_set(one->svc, VEXIPC_CONTROL_BREAKER_OPEN);
	KUNIT_EXPECT_EQ(test, state_of(one), VEXIPC_BREAKER_OPEN);
	/* Even where panic would let it through. */
	KUNIT_EXPECT_EQ(test, submit(new_ask(test, client)), -EHOSTDOWN);
	vexipc_breaker_set(one->svc, VEXIPC_CONTROL_BREAKER_AUTO);
	KUNIT_EXPECT_EQ(test, state_of(one), VEXIPC_BREAKER_HALF_OPEN);
	vexipc_breaker_set(one->svc, VEXIPC_CONTROL_BREAKER_CLOSED);
	fail_times(test, client, one, 40);
	KUNIT_EXPECT_EQ(test, state_of(one), VEXIPC_BREAKER_CLOSED);
	vexipc_breaker_set(one->svc, VEXIPC_CONTROL_BREAKER_AUTO);
	fail_times(test, client, one, 1);
	KUNIT_EXPECT_EQ(test, state_of(one), VEXIPC_BREAKER_OPEN);
}

/* ---------------------------------------------------------------- sessions -- */

static struct peer *session_at(struct kunit *test, struct peer *client, u64 session,
			       struct peer **peers, u32 count)
{
	struct ask *ask = new_ask(test, client);
	struct peer *at = NULL;

	ask->req->session = session;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	for (u32 i = 0; i < count; i++)
		if (READ_ONCE(ask->req->svc) == peers[i]->svc)
			at = peers[i];
	vexipc_request_finish(ask->req, VEXIPC_ERR_CANCELLED);
	return at;
}

/* Sessions outlive a test: each has numbers of its own. */
static u64 new_session(void)
{
	static u64 last;

	return ++last;
}

static void session_stays_and_moves_once(struct kunit *test)
{
	struct peer *peers[3] = {
		new_service(test, "one"), new_service(test, "two"), new_service(test, "three"),
	};
	struct peer *client = new_peer(test), *at, *now;
	u64 session = new_session();

	at = session_at(test, client, session, peers, 3);
	for (u32 i = 0; i < 5; i++)
		KUNIT_EXPECT_PTR_EQ(test, session_at(test, client, session, peers, 3), at);
	vexipc_registry_drain(at->svc, true);
	now = session_at(test, client, session, peers, 3);
	KUNIT_EXPECT_PTR_NE(test, now, at);
	/* Where it went it stays, though the old one is back. */
	vexipc_registry_drain(at->svc, false);
	for (u32 i = 0; i < 5; i++)
		KUNIT_EXPECT_PTR_EQ(test, session_at(test, client, session, peers, 3), now);
}

static void session_survives_a_retry(struct kunit *test)
{
	struct peer *peers[2] = { new_service(test, "one"), new_service(test, "two") };
	struct peer *client = new_peer(test), *at;
	u64 session = new_session();
	struct ask *ask = new_ask(test, client);

	at = session_at(test, client, session, peers, 2);
	ask->req->session = session;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	answer_error(at, send_next(at), VEXIPC_ERR_OVERLOADED, VEXIPC_ERROR_RETRY);
	KUNIT_EXPECT_PTR_NE(test, READ_ONCE(ask->req->svc), at->svc);
	KUNIT_EXPECT_PTR_EQ(test, session_at(test, client, session, peers, 2), at);
}

static void session_ends_with_its_timeout(struct kunit *test)
{
	struct peer *peers[2] = { new_service(test, "one"), new_service(test, "two") };
	struct peer *client = new_peer(test), *at;
	u64 session = new_session();

	configure(test, VEXIPC_CONFIG_STICKY_TIMEOUT_SEC, 1);
	at = session_at(test, client, session, peers, 2);
	msleep(1100);
	/* A session on the same service by chance would be the same turn again. */
	KUNIT_EXPECT_PTR_NE(test, session_at(test, client, session, peers, 2), at);
	configure(test, VEXIPC_CONFIG_STICKY_TIMEOUT_SEC, 0);
	session = new_session();
	KUNIT_EXPECT_PTR_NE(test, session_at(test, client, session, peers, 2),
			    session_at(test, client, session, peers, 2));
}

/* ------------------------------------------------------------ retry budget -- */

static void retries_have_a_budget(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test);
	struct ask *asks[20];
	u32 failed = 0;

	configure(test, VEXIPC_CONFIG_BREAKER_FAILURES, 0);
	configure(test, VEXIPC_CONFIG_RETRY_BACKOFF_BASE_MS, 60000);
	for (u32 i = 0; i < 20; i++)
		asks[i] = submit_new(test, client);
	for (u32 i = 0; i < 20; i++)
		answer_error(one, send_next(one), VEXIPC_ERR_SERVICE_FAILED, VEXIPC_ERROR_RETRY);
	for (u32 i = 0; i < 20; i++)
		failed += atomic_read(&asks[i]->completions);
	/* A fifth of twenty, and the others are told at once. */
	KUNIT_EXPECT_EQ(test, counted(test, retries), 4);
	KUNIT_EXPECT_EQ(test, failed, 16);
	for (u32 i = 0; i < 20; i++)
		vexipc_request_finish(asks[i]->req, VEXIPC_ERR_CANCELLED);
	KUNIT_EXPECT_EQ(test, atomic_read(&one->ep.inst->retrying), 0);
	/* At least three, however few there are. */
	for (u32 i = 0; i < 3; i++) {
		asks[i] = submit_new(test, client);
		answer_error(one, send_next(one), VEXIPC_ERR_SERVICE_FAILED, VEXIPC_ERROR_RETRY);
		expect_open(test, asks[i], VEXIPC_NEW);
	}
	KUNIT_EXPECT_EQ(test, counted(test, retries), 7);
}

static void failing_over_costs_no_budget(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test);
	struct ask *asks[10];

	for (u32 i = 0; i < 10; i++)
		asks[i] = submit_new(test, client);
	new_service(test, "two");
	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(one->svc, true), 10);
	for (u32 i = 0; i < 10; i++)
		expect_open(test, asks[i], VEXIPC_QUEUED);
	KUNIT_EXPECT_EQ(test, atomic_read(&one->ep.inst->retrying), 0);
}

/* ---------------------------------------------------------------- progress -- */

static bool becomes(struct peer *service, enum vexipc_service_state state)
{
	unsigned long end = jiffies + msecs_to_jiffies(PATIENCE_MS);

	while (vexipc_service_state(service->svc) != state) {
		if (time_after(jiffies, end))
			return false;
		msleep(20);
	}
	return true;
}

static bool moves_soon(const struct ask *ask, const struct peer *to)
{
	for (int ms = 0; READ_ONCE(ask->req->svc) != to->svc; ms += 20) {
		if (ms >= PATIENCE_MS)
			return false;
		msleep(20);
	}
	return true;
}

static void service_without_progress_is_the_last_choice(struct kunit *test)
{
	struct vexipc_service_spec like = { .max_concurrent = 1 };
	struct peer *stuck, *client = new_peer(test), *good;
	struct ask *sent, *waiting;
	u64 id;

	configure(test, VEXIPC_CONFIG_STALL_TIMEOUT_MS, 300);
	stuck = new_service_like(test, "stuck", &like);
	good = new_service(test, "good");
	/* Nothing to do is no stall. */
	msleep(1500);
	KUNIT_EXPECT_EQ(test, vexipc_service_state(stuck->svc), VEXIPC_STATE_ACTIVE);
	sent = ask_pinned(test, client, stuck);
	configure(test, VEXIPC_CONFIG_STALL_TIMEOUT_MS, 3600000);
	id = send_next(stuck);
	vexipc_registry_drain(good->svc, true);
	waiting = submit_new(test, client);
	KUNIT_EXPECT_PTR_EQ(test, READ_ONCE(waiting->req->svc), stuck->svc);
	vexipc_registry_drain(good->svc, false);
	configure(test, VEXIPC_CONFIG_STALL_TIMEOUT_MS, 300);
	KUNIT_ASSERT_TRUE(test, becomes(stuck, VEXIPC_STATE_DEGRADED));
	/* What waited for it does so no longer, and nobody else comes. */
	KUNIT_EXPECT_TRUE(test, moves_soon(waiting, good));
	KUNIT_EXPECT_EQ(test, share(test, client, stuck, 4), 0);
	KUNIT_EXPECT_EQ(test, answer(stuck, id), 0);
	expect_ended(test, sent, VEXIPC_OK);
	KUNIT_ASSERT_TRUE(test, becomes(stuck, VEXIPC_STATE_ACTIVE));
	KUNIT_EXPECT_EQ(test, share(test, client, stuck, 4), 2);
}

static void service_that_takes_long_is_the_last_choice(struct kunit *test)
{
	struct peer *slow = new_service(test, "slow"), *client = new_peer(test);

	new_service(test, "good");
	slow->svc->response_time = (struct vexipc_latency) {
		.at_ns = ktime_get_ns(), .average_us = 3600000000u,
	};
	msleep(1500);
	KUNIT_EXPECT_EQ(test, vexipc_service_state(slow->svc), VEXIPC_STATE_ACTIVE);
	configure(test, VEXIPC_CONFIG_SLOW_AFTER_MS, 1000);
	KUNIT_ASSERT_TRUE(test, becomes(slow, VEXIPC_STATE_DEGRADED));
	KUNIT_EXPECT_EQ(test, vexipc_health_score(slow->svc), 50);
	KUNIT_EXPECT_EQ(test, share(test, client, slow, 4), 0);
	/* Better, but not good. */
	slow->svc->response_time = (struct vexipc_latency) {
		.at_ns = ktime_get_ns() + 3600 * NSEC_PER_SEC, .average_us = 760000,
	};
	msleep(1500);
	KUNIT_EXPECT_EQ(test, vexipc_service_state(slow->svc), VEXIPC_STATE_DEGRADED);
	slow->svc->response_time.average_us = 740000;
	KUNIT_ASSERT_TRUE(test, becomes(slow, VEXIPC_STATE_ACTIVE));
	KUNIT_EXPECT_EQ(test, vexipc_health_score(slow->svc), 100);
	KUNIT_EXPECT_EQ(test, share(test, client, slow, 4), 2);
	slow->svc->response_time.average_us = 3600000000u;
	KUNIT_ASSERT_TRUE(test, becomes(slow, VEXIPC_STATE_DEGRADED));
	configure(test, VEXIPC_CONFIG_SLOW_AFTER_MS, 0);
	KUNIT_EXPECT_TRUE(test, becomes(slow, VEXIPC_STATE_ACTIVE));
}

static struct kunit_case breaker_cases[] = {
	KUNIT_CASE(opens_after_failures_in_a_row),
	KUNIT_CASE(opens_at_an_error_rate),
	KUNIT_CASE(window_forgets),
	KUNIT_CASE(overload_and_bad_questions_are_no_failures),
	KUNIT_CASE(impatient_clients_do_not_open_it),
	KUNIT_CASE(half_open_admits_few_and_closes),
	KUNIT_CASE(ejection_grows_and_is_jittered),
	KUNIT_CASE(one_that_answers_some_is_looked_at_again_soon),
	KUNIT_CASE(last_ones_are_never_kept_out),
	KUNIT_CASE(all_open_is_told),
	KUNIT_CASE(a_service_can_have_limits_of_its_own),
	KUNIT_CASE(breaker_can_be_held),
	KUNIT_CASE(session_stays_and_moves_once),
	KUNIT_CASE(session_survives_a_retry),
	KUNIT_CASE_SLOW(session_ends_with_its_timeout),
	KUNIT_CASE(retries_have_a_budget),
	KUNIT_CASE(failing_over_costs_no_budget),
	KUNIT_CASE_SLOW(service_without_progress_is_the_last_choice),
	KUNIT_CASE_SLOW(service_that_takes_long_is_the_last_choice),
	{}
};

static struct kunit_suite breaker_suite = {
	.name = "vexipc_breaker",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = breaker_cases,
};

kunit_test_suite(breaker_suite);
