// SPDX-License-Identifier: GPL-2.0-only
/* How much is let in, and how much a service is given at once. */
#include <kunit/test.h>
#include <linux/ktime.h>

#include "admission.h"
#include "fixture.h"
#include "gradient.h"
#include "stats.h"

enum { LEN = 1000 };	/* at one byte a second, nothing comes back in a test */

static const char content[LEN];

/* Each test has users and sessions of its own: their buckets outlive it. */
static u32 new_number(void)
{
	static u32 last = 100000;

	return ++last;
}

static struct ask *ask_as(struct kunit *test, struct peer *client, u32 uid, u64 session)
{
	struct ask *ask = new_ask(test, client);

	ask->req->content = content;
	ask->req->content_len = LEN;
	ask->req->uid = KUIDT_INIT(uid);
	ask->req->session = session;
	return ask;
}

/* So many requests at once, and then none for long. */
static void limit(struct kunit *test, enum vexipc_config_field bytes,
		  enum vexipc_config_field burst_ms, u32 count)
{
	configure(test, bytes, 1);
	configure(test, burst_ms, count * LEN * 1000);
}

static void refill(struct kunit *test)
{
	struct fixture *f = test->priv;

	atomic64_set(&f->inst->admission.buckets.bytes.full_ns, 0);
	atomic64_set(&f->inst->admission.buckets.requests.full_ns, 0);
}

static void expect_limited(struct kunit *test, struct ask *ask)
{
	KUNIT_EXPECT_EQ(test, submit(ask), -EDQUOT);
	KUNIT_EXPECT_GT(test, ask->req->retry_after_ms, 0);
	KUNIT_EXPECT_EQ(test, ask->req->status, VEXIPC_ERR_RATE_LIMITED);
}

/* ------------------------------------------------------------------ rates -- */

static void users_have_rates_of_their_own(struct kunit *test)
{
	struct peer *client = new_peer(test);
	u32 one = new_number(), two = new_number();

	new_service(test, "service");
	limit(test, VEXIPC_CONFIG_LIMIT_USER_BYTES, VEXIPC_CONFIG_LIMIT_USER_BURST_MS, 2);
	for (u32 i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, one, 0)), 0);
	for (u32 i = 0; i < 20; i++)
		expect_limited(test, ask_as(test, client, one, 0));
	for (u32 i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, two, 0)), 0);
	expect_limited(test, ask_as(test, client, two, 0));
	KUNIT_EXPECT_EQ(test, counted(test, limited_user), 21);
	KUNIT_EXPECT_EQ(test, counted(test, refused_by[VEXIPC_ERR_RATE_LIMITED]), 21);
}

static void refused_by_one_takes_of_none(struct kunit *test)
{
	struct peer *client = new_peer(test);
	u32 one = new_number(), two = new_number(), session = new_number();

	new_service(test, "service");
	refill(test);
	limit(test, VEXIPC_CONFIG_LIMIT_INSTANCE_BYTES, VEXIPC_CONFIG_LIMIT_INSTANCE_BURST_MS,
	      3);
	limit(test, VEXIPC_CONFIG_LIMIT_USER_BYTES, VEXIPC_CONFIG_LIMIT_USER_BURST_MS, 2);
	limit(test, VEXIPC_CONFIG_LIMIT_SESSION_BYTES, VEXIPC_CONFIG_LIMIT_SESSION_BURST_MS, 1);
	KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, one, session)), 0);
	for (u32 i = 0; i < 5; i++)
		expect_limited(test, ask_as(test, client, one, session));
	KUNIT_EXPECT_EQ(test, counted(test, limited_session), 5);
	KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, one, 0)), 0);
	for (u32 i = 0; i < 5; i++)
		expect_limited(test, ask_as(test, client, one, 0));
	KUNIT_EXPECT_EQ(test, counted(test, limited_user), 5);
	/* The instance has one left, whatever was refused. */
	KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, two, 0)), 0);
	expect_limited(test, ask_as(test, client, two, 0));
	KUNIT_EXPECT_EQ(test, counted(test, limited_instance), 1);
	refill(test);
}

static void what_finds_no_service_costs_nothing(struct kunit *test)
{
	struct peer *client = new_peer(test);

	refill(test);
	limit(test, VEXIPC_CONFIG_LIMIT_INSTANCE_BYTES, VEXIPC_CONFIG_LIMIT_INSTANCE_BURST_MS,
	      1);
	for (u32 i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, 0, 0)), -ENODEV);
	new_service(test, "service");
	KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, 0, 0)), 0);
	expect_limited(test, ask_as(test, client, 0, 0));
	refill(test);
}

static void many_sessions_of_one_user_share(struct kunit *test)
{
	struct peer *client = new_peer(test);
	u32 uid = new_number(), passed = 0;

	new_service(test, "service");
	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, VEXIPC_MAX_USER_SESSIONS + 100);
	limit(test, VEXIPC_CONFIG_LIMIT_SESSION_BYTES, VEXIPC_CONFIG_LIMIT_SESSION_BURST_MS, 1);
	for (u32 i = 0; i < VEXIPC_MAX_USER_SESSIONS + 20; i++)
		passed += !submit(ask_as(test, client, uid, 1 + i));
	/* All the others are one: new ones do not get around the limit. */
	KUNIT_EXPECT_EQ(test, passed, VEXIPC_MAX_USER_SESSIONS + 1);
	KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, new_number(), 5)), 0);
}

static void service_that_had_its_share_is_passed_over(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *two = new_service(test, "two");
	struct peer *client = new_peer(test);
	struct ask *asks[4];
	u32 of_two = 0;

	limit(test, VEXIPC_CONFIG_LIMIT_SERVICE_BYTES, VEXIPC_CONFIG_LIMIT_SERVICE_BURST_MS, 2);
	for (u32 i = 0; i < 4; i++) {
		asks[i] = ask_as(test, client, 0, 0);
		KUNIT_ASSERT_EQ(test, submit(asks[i]), 0);
		of_two += READ_ONCE(asks[i]->req->svc) == two->svc;
	}
	KUNIT_EXPECT_EQ(test, of_two, 2);
	expect_limited(test, ask_as(test, client, 0, 0));
	KUNIT_EXPECT_EQ(test, counted(test, limited_service), 1);
	/* What was accepted and moves on is not refused, but charged. */
	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(one->svc, true), 2);
	for (u32 i = 0; i < 4; i++) {
		expect_open(test, asks[i], VEXIPC_QUEUED);
		KUNIT_EXPECT_PTR_EQ(test, READ_ONCE(asks[i]->req->svc), two->svc);
	}
	configure(test, VEXIPC_CONFIG_LIMIT_SERVICE_BURST_MS, 4 * LEN * 1000 - LEN * 500);
	expect_limited(test, ask_as(test, client, 0, 0));
}

static void what_waits_for_an_open_breaker_is_not_refused_a_rate(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *two, *client = new_peer(test);
	struct ask *ask = ask_as(test, client, 0, 0);

	limit(test, VEXIPC_CONFIG_LIMIT_SERVICE_BYTES, VEXIPC_CONFIG_LIMIT_SERVICE_BURST_MS, 1);
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	two = new_service(test, "two");
	KUNIT_ASSERT_EQ(test, submit(ask_as(test, client, 0, 0)), 0);
	expect_limited(test, ask_as(test, client, 0, 0));
	vexipc_breaker_set(one->svc, VEXIPC_CONTROL_BREAKER_OPEN);
	flush_work(&one->svc->move_on);
	expect_open(test, ask, VEXIPC_QUEUED);
	KUNIT_EXPECT_PTR_EQ(test, READ_ONCE(ask->req->svc), two->svc);
}

static void what_overflowed_takes_of_the_rate_of_who_gets_it(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test);
	struct ask *asks[2];

	configure(test, VEXIPC_CONFIG_MAX_SERVICE_QUEUE, 1);
	limit(test, VEXIPC_CONFIG_LIMIT_SERVICE_BYTES, VEXIPC_CONFIG_LIMIT_SERVICE_BURST_MS, 2);
	for (u32 i = 0; i < ARRAY_SIZE(asks); i++) {
		asks[i] = ask_as(test, client, 0, 0);
		KUNIT_ASSERT_EQ(test, submit(asks[i]), 0);
	}
	KUNIT_EXPECT_NE(test, send_next(one), 0);
	KUNIT_EXPECT_NE(test, send_next(one), 0);
	expect_limited(test, ask_as(test, client, 0, 0));
}

/* One service is full, the other has had its share: it waits, and is not refused. */
static void what_overflows_is_not_counted_as_refused(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *two, *client = new_peer(test);
	struct ask *ask = ask_as(test, client, 0, 0);

	configure(test, VEXIPC_CONFIG_MAX_SERVICE_QUEUE, 1);
	limit(test, VEXIPC_CONFIG_LIMIT_SERVICE_BYTES, VEXIPC_CONFIG_LIMIT_SERVICE_BURST_MS, 2);
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	two = new_service(test, "two");
	for (u32 i = 0; i < 2; i++) {
		KUNIT_ASSERT_EQ(test, submit(ask_as(test, client, 0, 0)), 0);
		KUNIT_EXPECT_NE(test, send_next(two), 0);
	}
	KUNIT_EXPECT_EQ(test, counted(test, overflowed), 0);
	ask = ask_as(test, client, 0, 0);
	KUNIT_EXPECT_EQ(test, submit(ask), 0);
	KUNIT_EXPECT_EQ(test, counted(test, limited_service), 0);
	KUNIT_EXPECT_EQ(test, ask->req->retry_after_ms, 0);
	KUNIT_EXPECT_EQ(test, counted(test, overflowed), 1);
	KUNIT_EXPECT_EQ(test, answer(one, send_next(one)), 0);
	/* With room again, it is told of the rate and counted. */
	KUNIT_EXPECT_NE(test, send_next(one), 0);
	expect_limited(test, ask_as(test, client, 0, 0));
	KUNIT_EXPECT_EQ(test, counted(test, limited_service), 1);
}

static void session_stays_though_its_service_is_limited(struct kunit *test)
{
	struct peer *client = new_peer(test);
	struct ask *first = ask_as(test, client, 0, new_number()), *then;
	struct vexipc_service *at;

	new_service(test, "one");
	new_service(test, "two");
	limit(test, VEXIPC_CONFIG_LIMIT_SERVICE_BYTES, VEXIPC_CONFIG_LIMIT_SERVICE_BURST_MS, 1);
	KUNIT_ASSERT_EQ(test, submit(first), 0);
	at = READ_ONCE(first->req->svc);
	then = ask_as(test, client, 0, first->req->session);
	KUNIT_ASSERT_EQ(test, submit(then), 0);
	KUNIT_EXPECT_PTR_NE(test, READ_ONCE(then->req->svc), at);
	configure(test, VEXIPC_CONFIG_LIMIT_SERVICE_BYTES, 0);
	then = ask_as(test, client, 0, first->req->session);
	KUNIT_ASSERT_EQ(test, submit(then), 0);
	KUNIT_EXPECT_PTR_EQ(test, READ_ONCE(then->req->svc), at);
}

static void rates_shrink_under_backpressure(struct kunit *test)
{
	u32 last = 1000;

	for (u32 queued = 0; queued <= 700; queued++)
		KUNIT_EXPECT_EQ(test, vexipc_admission_share(queued, 1000, 70), 1000);
	for (u32 queued = 701; queued <= 1000; queued++) {
		u32 share = vexipc_admission_share(queued, 1000, 70);

		KUNIT_EXPECT_LE(test, share, last);
		last = share;
	}
	KUNIT_EXPECT_EQ(test, last, 125);
	KUNIT_EXPECT_EQ(test, vexipc_admission_share(5000, 1000, 70), 125);
	KUNIT_EXPECT_EQ(test, vexipc_admission_share(1, 1, 70), 125);
	KUNIT_EXPECT_EQ(test, vexipc_admission_share(U32_MAX, VEXIPC_MAX_REQUESTS, 70), 125);
}

static void adaptive_rates_refuse_while_queues_are_full(struct kunit *test)
{
	struct peer *client = new_peer(test);
	u32 one = new_number(), two = new_number();

	new_service(test, "service");
	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 10);
	configure(test, VEXIPC_CONFIG_LIMIT_USER_BYTES, 8);
	configure(test, VEXIPC_CONFIG_LIMIT_USER_BURST_MS, 9 * LEN * 125);
	for (u32 i = 0; i < 9; i++)
		KUNIT_ASSERT_EQ(test, submit(ask_as(test, client, one, 0)), 0);
	expect_limited(test, ask_as(test, client, one, 0));
	/* Queues are full to nine tenths: what it holds is not what it was. */
	configure(test, VEXIPC_CONFIG_ADAPTIVE_RATES, 1);
	KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, two, 0)), 0);
	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 11);
	KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, two, 0)), 0);
	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 12);
	expect_limited(test, ask_as(test, client, two, 0));
	configure(test, VEXIPC_CONFIG_ADAPTIVE_RATES, 0);
	KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, two, 0)), 0);
}

/* ------------------------------------------------------------------ racing -- */

enum { RACERS = 6, EACH = 5, THERE = 3 };

struct submitter {
	struct ask *asks[EACH];
};

static void submit_each(void *data)
{
	struct submitter *s = data;

	for (u32 i = 0; i < EACH; i++)
		submit(s->asks[i]);
}

static void those_who_come_at_once_get_what_is_there(struct kunit *test)
{
	struct submitter submitters[RACERS];
	struct racer racers[RACERS] = {};
	struct peer *client = new_peer(test);
	u32 uid = new_number(), passed = 0;

	new_service(test, "service");
	refill(test);
	limit(test, VEXIPC_CONFIG_LIMIT_USER_BYTES, VEXIPC_CONFIG_LIMIT_USER_BURST_MS, THERE);
	limit(test, VEXIPC_CONFIG_LIMIT_INSTANCE_BYTES, VEXIPC_CONFIG_LIMIT_INSTANCE_BURST_MS,
	      THERE);
	for (u32 i = 0; i < RACERS; i++) {
		for (u32 k = 0; k < EACH; k++)
			submitters[i].asks[k] = ask_as(test, client, uid, 0);
		racers[i].run = submit_each;
		racers[i].data = &submitters[i];
	}
	race(test, racers, RACERS);
	for (u32 i = 0; i < RACERS; i++)
		for (u32 k = 0; k < EACH; k++)
			passed += !submitters[i].asks[k]->err;
	KUNIT_EXPECT_EQ(test, passed, THERE);
	KUNIT_EXPECT_EQ(test, counted(test, limited_user) + counted(test, limited_instance),
			RACERS * EACH - THERE);
	refill(test);
}

/* ------------------------------------------------------------------- held -- */

static void users_hold_no_more_than_they_may(struct kunit *test)
{
	struct peer *service = new_service(test, "service"), *client = new_peer(test);
	u32 uid = new_number();
	struct ask *first;

	configure(test, VEXIPC_CONFIG_MAX_REQUESTS_PER_USER, 2);
	first = ask_as(test, client, uid, 0);
	KUNIT_ASSERT_EQ(test, submit(first), 0);
	KUNIT_ASSERT_EQ(test, submit(ask_as(test, client, uid, 0)), 0);
	KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, uid, 0)), -EUSERS);
	KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, new_number(), 0)), 0);
	/* The third, refused, is still in our hands: it has memory, and counts. */
	configure(test, VEXIPC_CONFIG_MAX_REQUESTS_PER_USER, 4);
	KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, uid, 0)), 0);
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	expect_ended(test, first, VEXIPC_OK);
	configure(test, VEXIPC_CONFIG_MAX_REQUESTS_PER_USER, 0);
	configure(test, VEXIPC_CONFIG_MAX_BYTES_PER_USER, LEN);
	KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, uid, 0)), -EUSERS);
	KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, new_number(), 0)), 0);
}

static void unread_answers_are_held(struct kunit *test)
{
	struct peer *service = new_service(test, "service"), *client = new_peer(test);
	u32 uid = new_number();
	struct ask *first = ask_as(test, client, uid, 0);

	configure(test, VEXIPC_CONFIG_MAX_BYTES_PER_USER, 2 * LEN);
	KUNIT_ASSERT_EQ(test, submit(first), 0);
	KUNIT_EXPECT_EQ(test, counted(test, held_bytes), LEN);
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	expect_ended(test, first, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, counted(test, held_bytes), LEN + VECTOR_BYTES);
	KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, uid, 0)), -EUSERS);
	KUNIT_EXPECT_EQ(test, submit(ask_as(test, client, new_number(), 0)), 0);
	/* A failure has no vector. */
	KUNIT_EXPECT_EQ(test, answer_error(service, send_next(service),
					   VEXIPC_ERR_SERVICE_FAILED, 0), 0);
	KUNIT_EXPECT_EQ(test, counted(test, held_bytes), 3 * LEN + VECTOR_BYTES);
}

/* ---------------------------------------------------------------- gradient -- */

/* struct model is a service that works on so many at once, each for so long. */
struct model {
	struct vexipc_gradient g;
	u32 workers, max;
	u64 service_ns;
	u64 now;
};

/* It is always given as many as it may have: answers for so long. */
static void run_model(struct kunit *test, struct model *m, u64 ns)
{
	u64 end = m->now + ns;

	while (m->now < end) {
		u32 in_flight = vexipc_gradient_limit(&m->g, m->max);
		u32 busy = min(in_flight, m->workers);

		KUNIT_ASSERT_GE(test, in_flight, 1);
		KUNIT_ASSERT_LE(test, in_flight, m->max);
		m->now += m->service_ns / busy;
		vexipc_gradient_answer(&m->g, m->max, in_flight, m->now,
				       m->service_ns * in_flight / busy);
	}
}

static void finds_what_a_service_does_at_once(struct kunit *test)
{
	static const u32 workers[] = { 1, 2, 4, 16, 60 };

	for (u32 i = 0; i < ARRAY_SIZE(workers); i++) {
		struct model m = {
			.workers = workers[i], .max = 1000, .service_ns = 10 * NSEC_PER_MSEC,
			.now = NSEC_PER_SEC,
		};

		run_model(test, &m, 30ull * NSEC_PER_SEC);
		for (u32 k = 0; k < 4; k++) {
			run_model(test, &m, 10ull * NSEC_PER_SEC);
			KUNIT_EXPECT_GE_MSG(test, m.g.limit / 256, m.workers, "%u workers",
					    m.workers);
			KUNIT_EXPECT_LE_MSG(test, m.g.limit / 256, 2 * m.workers + 8,
					    "%u workers", m.workers);
		}
	}
}

static void follows_a_service_that_changes(struct kunit *test)
{
	struct model m = {
		.workers = 8, .max = 100, .service_ns = 10 * NSEC_PER_MSEC,
		.now = NSEC_PER_SEC,
	};

	run_model(test, &m, 60ull * NSEC_PER_SEC);
	/* Slower for good: less at first, then that is how it is. */
	m.service_ns *= 10;
	run_model(test, &m, 90ull * NSEC_PER_SEC);
	KUNIT_EXPECT_GE(test, m.g.limit / 256, 8);
	KUNIT_EXPECT_LE(test, m.g.limit / 256, 24);
	/* More workers. */
	m.workers = 32;
	run_model(test, &m, 60ull * NSEC_PER_SEC);
	KUNIT_EXPECT_GE(test, m.g.limit / 256, 32);
}

static void unused_limit_is_not_changed(struct kunit *test)
{
	struct vexipc_gradient g = {};
	u64 now = NSEC_PER_SEC;

	for (u32 i = 0; i < 2000; i++) {
		now += NSEC_PER_MSEC;
		vexipc_gradient_answer(&g, 50, 1 + i % 7, now, NSEC_PER_MSEC * (1 + i % 7));
	}
	KUNIT_EXPECT_EQ(test, vexipc_gradient_limit(&g, 50), 16);
	/* A lower maximum holds at once. */
	KUNIT_EXPECT_EQ(test, vexipc_gradient_limit(&g, 7), 7);
}

static void overload_takes_a_tenth_a_window(struct kunit *test)
{
	struct vexipc_gradient g = {};

	for (u32 i = 0; i < 100; i++)
		vexipc_gradient_drop(&g, 100);
	/* 16 answers, then 14 twice, 12 twice, 11, ... */
	KUNIT_EXPECT_LT(test, vexipc_gradient_limit(&g, 100), 12);
	KUNIT_EXPECT_GT(test, vexipc_gradient_limit(&g, 100), 3);
	for (u32 i = 0; i < 10000; i++)
		vexipc_gradient_drop(&g, 100);
	KUNIT_EXPECT_EQ(test, vexipc_gradient_limit(&g, 100), 1);
	/* And it comes back. */
	for (u32 i = 0; i < 2000; i++)
		vexipc_gradient_answer(&g, 100, vexipc_gradient_limit(&g, 100),
				       NSEC_PER_SEC + i, NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, vexipc_gradient_limit(&g, 100), 100);
}

static void service_gets_no_more_than_does_it_good(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test);
	struct vexipc_service_entry entry;

	configure(test, VEXIPC_CONFIG_ADAPTIVE_CONCURRENCY, 1);
	KUNIT_EXPECT_EQ(test, vexipc_service_limit(one->svc), 16);
	one->svc->gradient.limit = 2 * 256;
	for (u32 i = 0; i < 3; i++)
		submit_new(test, client);
	KUNIT_EXPECT_NE(test, send_next(one), 0);
	KUNIT_EXPECT_NE(test, send_next(one), 0);
	KUNIT_EXPECT_EQ(test, send_next(one), 0);
	KUNIT_EXPECT_EQ(test, vexipc_service_state(one->svc), VEXIPC_STATE_BUSY);
	vexipc_service_entry_fill(one->svc, &entry, &init_user_ns, &init_pid_ns);
	KUNIT_EXPECT_EQ(test, entry.limit, 2);
	KUNIT_EXPECT_EQ(test, entry.max_concurrent, vexipc_service_max(one->svc));
	configure(test, VEXIPC_CONFIG_ADAPTIVE_CONCURRENCY, 0);
	KUNIT_EXPECT_NE(test, send_next(one), 0);
}

static struct kunit_case admission_cases[] = {
	KUNIT_CASE(users_have_rates_of_their_own),
	KUNIT_CASE(refused_by_one_takes_of_none),
	KUNIT_CASE(what_finds_no_service_costs_nothing),
	KUNIT_CASE_SLOW(many_sessions_of_one_user_share),
	KUNIT_CASE(service_that_had_its_share_is_passed_over),
	KUNIT_CASE(what_waits_for_an_open_breaker_is_not_refused_a_rate),
	KUNIT_CASE(what_overflowed_takes_of_the_rate_of_who_gets_it),
	KUNIT_CASE(what_overflows_is_not_counted_as_refused),
	KUNIT_CASE(session_stays_though_its_service_is_limited),
	KUNIT_CASE(rates_shrink_under_backpressure),
	KUNIT_CASE(adaptive_rates_refuse_while_queues_are_full),
	KUNIT_CASE(those_who_come_at_once_get_what_is_there),
	KUNIT_CASE(users_hold_no_more_than_they_may),
	KUNIT_CASE(unread_answers_are_held),
	KUNIT_CASE(finds_what_a_service_does_at_once),
	KUNIT_CASE(follows_a_service_that_changes),
	KUNIT_CASE(unused_limit_is_not_changed),
	KUNIT_CASE(overload_takes_a_tenth_a_window),
	KUNIT_CASE(service_gets_no_more_than_does_it_good),
	{}
};

static struct kunit_suite admission_suite = {
	.name = "vexipc_admission",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = admission_cases,
};

kunit_test_suite(admission_suite);
