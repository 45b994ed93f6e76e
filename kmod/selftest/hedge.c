// SPDX-License-Identifier: GPL-2.0-only
/* Hedges: a late request asked of two services, completed once. */
#include <linux/delay.h>

#include "fixture.h"
#include "histogram.h"
#include "queue.h"

enum { MANY = 128, USUAL_US = 1000, SAMPLES = 100 };

/**
 * struct duel - a request that is late, and its hedge
 * @client: asked
 * @first:  has the request
 * @second: has the hedge
 * @ask:    what was asked
 * @id:	    of the request, as @first knows it
 * @hedge:  as @second does
 */
struct duel {
	struct peer *client, *first, *second;
	struct ask *ask;
	u64 id, hedge;
};

static int hedge_init(struct kunit *test)
{
	int err = fixture_init(test);

	if (err)
		return err;
	configure(test, VEXIPC_CONFIG_HEDGE_PERCENTILE, 90);
	configure(test, VEXIPC_CONFIG_HEDGE_BUDGET_PERCENT, 100);
	return 0;
}

/* It usually answers within a millisecond. */
static void has_been_quick(struct peer *service)
{
	spin_lock_bh(&service->svc->lock);
	for (u32 i = 0; i < SAMPLES; i++)
		vexipc_histogram_add(&service->svc->times, USUAL_US);
	spin_unlock_bh(&service->svc->lock);
}

static struct peer *quick_service(struct kunit *test, const char *id, u32 max_concurrent)
{
	struct vexipc_service_spec like = { .max_concurrent = max_concurrent };
	struct peer *service = new_service_like(test, id, &like);

	has_been_quick(service);
	return service;
}

static bool idle_soon(struct peer *service)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		if (!vexipc_service_in_hand(service->svc))
			return true;
		usleep_range(1000, 2000);
	}
	return false;
}

static void begin_duel(struct kunit *test, struct duel *duel)
{
	duel->client = new_peer(test);
	duel->first = quick_service(test, "first", 0);
	duel->ask = submit_new(test, duel->client);
	duel->second = quick_service(test, "second", 0);
	duel->id = send_next(duel->first);
	KUNIT_ASSERT_NE(test, duel->id, 0);
	duel->hedge = send_soon(test, duel->second);
	KUNIT_ASSERT_NE(test, duel->hedge, 0);
}

/* A hedge may be taken, and answered, before it is counted. */
static bool hedges_soon(struct kunit *test, u64 hedges)
{
	for (int ms = 0; counted(test, hedges) < hedges; ms++) {
		if (ms >= PATIENCE_MS)
			return false;
		usleep_range(1000, 2000);
	}
	return counted(test, hedges) == hedges;
}

static void expect_counts(struct kunit *test, u64 hedges, u64 won, u64 orphans)
{
	KUNIT_EXPECT_TRUE(test, hedges_soon(test, hedges));
	KUNIT_EXPECT_EQ(test, counted(test, hedges_won), won);
	KUNIT_EXPECT_EQ(test, counted(test, orphans), orphans);
}

/* ------------------------------------------------------------ who is first -- */

static void hedge_that_is_first_wins(struct kunit *test)
{
	struct duel duel;

	begin_duel(test, &duel);
	KUNIT_EXPECT_EQ(test, counted(test, in_flight), 1);
	KUNIT_EXPECT_EQ(test, answer(duel.second, duel.hedge), 0);
	expect_ended(test, duel.ask, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, duel.ask->req->result_flags, VEXIPC_RESULT_HEDGED);
	KUNIT_EXPECT_EQ(test, duel.ask->req->service_handle, duel.second->svc->handle);
	KUNIT_EXPECT_EQ(test, duel.ask->req->attempts, 2);
	KUNIT_EXPECT_EQ(test, duel.ask->req->answer_len, VECTOR_BYTES);
	KUNIT_EXPECT_EQ(test, duel.first->svc->cancelled, 1);
	KUNIT_EXPECT_EQ(test, duel.first->svc->in_flight, 0);
	KUNIT_EXPECT_EQ(test, duel.second->svc->completed, 1);
	KUNIT_EXPECT_TRUE(test, hedges_soon(test, 1));
	spin_lock_bh(&duel.second->svc->lock);
	KUNIT_EXPECT_EQ(test, duel.second->svc->hedges, 1);
	spin_unlock_bh(&duel.second->svc->lock);
	KUNIT_EXPECT_EQ(test, duel.second->svc->hedges_won, 1);
	/* That it was slow is known of it all the same. */
	KUNIT_EXPECT_EQ(test, duel.first->svc->times.total, SAMPLES + 1);
	KUNIT_EXPECT_EQ(test, answer(duel.first, duel.id), -ESRCH);
	expect_counts(test, 1, 1, 1);
	KUNIT_EXPECT_EQ(test, counted(test, submitted), 1);
	KUNIT_EXPECT_EQ(test, counted(test, completed), 1);
	KUNIT_EXPECT_EQ(test, counted(test, retries), 0);
}

static void service_that_is_first_wins(struct kunit *test)
{
	struct duel duel;

	begin_duel(test, &duel);
	KUNIT_EXPECT_EQ(test, answer(duel.first, duel.id), 0);
	expect_ended(test, duel.ask, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, duel.ask->req->result_flags, 0);
	KUNIT_EXPECT_EQ(test, duel.ask->req->service_handle, duel.first->svc->handle);
	KUNIT_EXPECT_EQ(test, answer(duel.second, duel.hedge), -ESRCH);
	KUNIT_EXPECT_TRUE(test, idle_soon(duel.second));
	KUNIT_EXPECT_EQ(test, duel.second->svc->cancelled, 1);
	KUNIT_EXPECT_EQ(test, duel.second->svc->completed, 0);
	expect_counts(test, 1, 0, 1);
	KUNIT_EXPECT_EQ(test, counted(test, cancelled), 0);
}

static void definite_failure_of_the_service_is_an_answer(struct kunit *test)
{
	struct duel duel;

	begin_duel(test, &duel);
	KUNIT_EXPECT_EQ(test, answer_error(duel.first, duel.id, VEXIPC_ERR_TOO_LARGE, 0), 0);
	expect_ended(test, duel.ask, VEXIPC_ERR_TOO_LARGE);
	KUNIT_EXPECT_TRUE(test, idle_soon(duel.second));
	KUNIT_EXPECT_EQ(test, answer(duel.second, duel.hedge), -ESRCH);
	expect_counts(test, 1, 0, 1);
}

static void hedge_is_answered_once(struct kunit *test)
{
	struct duel duel;

	begin_duel(test, &duel);
	KUNIT_EXPECT_EQ(test, answer(duel.first, duel.hedge), -ESRCH);
	KUNIT_EXPECT_EQ(test, answer(duel.second, duel.hedge), 0);
	KUNIT_EXPECT_EQ(test, answer(duel.second, duel.hedge), -ESRCH);
	expect_ended(test, duel.ask, VEXIPC_OK);
	expect_counts(test, 1, 1, 2);
}

static void cancelled_one_takes_its_hedge_along(struct kunit *test)
{
	struct duel duel;

	begin_duel(test, &duel);
	/* The hedge's id is no client's. */
	KUNIT_EXPECT_EQ(test, vexipc_endpoint_cancel(&duel.client->ep, duel.hedge), -ESRCH);
	KUNIT_EXPECT_EQ(test, vexipc_endpoint_cancel(&duel.client->ep,
						     duel.ask->req->request_id), 0);
	expect_ended(test, duel.ask, VEXIPC_ERR_CANCELLED);
	KUNIT_EXPECT_TRUE(test, idle_soon(duel.second));
	KUNIT_EXPECT_EQ(test, answer(duel.second, duel.hedge), -ESRCH);
	KUNIT_EXPECT_EQ(test, counted(test, cancelled), 1);
}

static void client_that_goes_takes_hedges_along(struct kunit *test)
{
	struct duel duel;

	begin_duel(test, &duel);
	vexipc_endpoint_close(&duel.client->ep, false);
	expect_ended(test, duel.ask, VEXIPC_ERR_CANCELLED);
	KUNIT_EXPECT_TRUE(test, idle_soon(duel.second));
}

/* -------------------------------------------------------------- who fails -- */

static void failed_hedge_fails_nothing(struct kunit *test)
{
	struct duel duel;

	begin_duel(test, &duel);
	KUNIT_EXPECT_EQ(test, answer_error(duel.second, duel.hedge, VEXIPC_ERR_INVALID, 0), 0);
	KUNIT_EXPECT_EQ(test, vexipc_service_in_hand(duel.second->svc), 0);
	expect_open(test, duel.ask, VEXIPC_SENT);
	KUNIT_EXPECT_EQ(test, answer(duel.first, duel.id), 0);
	expect_ended(test, duel.ask, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, duel.ask->req->result_flags, 0);
	expect_counts(test, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, counted(test, retries), 0);
}

static void bad_answer_to_a_hedge_is_the_services(struct kunit *test)
{
	struct duel duel;

	begin_duel(test, &duel);
	KUNIT_EXPECT_EQ(test, answer_with(duel.second, duel.hedge, DIMENSIONS + 1), -EPROTO);
	KUNIT_EXPECT_EQ(test, duel.second->svc->bad_answers, 1);
	expect_open(test, duel.ask, VEXIPC_SENT);
	KUNIT_EXPECT_EQ(test, answer(duel.first, duel.id), 0);
	expect_ended(test, duel.ask, VEXIPC_OK);
}

static void hedge_becomes_the_next_attempt(struct kunit *test)
{
	struct duel duel;

	begin_duel(test, &duel);
	KUNIT_EXPECT_EQ(test, answer_error(duel.first, duel.id, VEXIPC_ERR_SERVICE_FAILED,
					   VEXIPC_ERROR_RETRY), 0);
	expect_open(test, duel.ask, VEXIPC_NEW);
	KUNIT_EXPECT_EQ(test, vexipc_service_in_hand(duel.first->svc), 0);
	KUNIT_EXPECT_EQ(test, vexipc_service_in_hand(duel.second->svc), 1);
	KUNIT_EXPECT_EQ(test, answer(duel.second, duel.hedge), 0);
	expect_ended(test, duel.ask, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, duel.ask->req->result_flags, VEXIPC_RESULT_HEDGED);
	KUNIT_EXPECT_EQ(test, counted(test, retries), 0);
}

static void when_both_fail_a_third_is_asked(struct kunit *test)
{
	struct peer *third;
	struct duel duel;
	u64 id;

	begin_duel(test, &duel);
	third = new_service(test, "third");
	KUNIT_EXPECT_EQ(test, answer_error(duel.first, duel.id, VEXIPC_ERR_SERVICE_FAILED,
					   VEXIPC_ERROR_RETRY), 0);
	KUNIT_EXPECT_EQ(test, send_next(third), 0);
	KUNIT_EXPECT_EQ(test, answer_error(duel.second, duel.hedge, VEXIPC_ERR_SERVICE_FAILED,
					   VEXIPC_ERROR_RETRY), 0);
	id = send_soon(test, third);
	KUNIT_EXPECT_EQ(test, id, attempt_id(duel.ask, 1));
	KUNIT_EXPECT_EQ(test, answer(third, id), 0);
	expect_ended(test, duel.ask, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, duel.ask->req->attempts, 3);
	KUNIT_EXPECT_EQ(test, counted(test, retries), 1);
}

static void death_of_the_service_leaves_the_hedge(struct kunit *test)
{
	struct duel duel;

	begin_duel(test, &duel);
	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(duel.first->svc, true), 1);
	expect_open(test, duel.ask, VEXIPC_NEW);
	KUNIT_EXPECT_EQ(test, answer(duel.second, duel.hedge), 0);
	expect_ended(test, duel.ask, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, counted(test, failovers), 0);
}

static void death_of_the_hedges_service_leaves_the_request(struct kunit *test)
{
	struct duel duel;

	begin_duel(test, &duel);
	vexipc_registry_remove(duel.second->svc, true);
	expect_open(test, duel.ask, VEXIPC_SENT);
	KUNIT_EXPECT_EQ(test, answer(duel.first, duel.id), 0);
	expect_ended(test, duel.ask, VEXIPC_OK);
	expect_counts(test, 1, 0, 0);
}

static void death_of_both_ends_it(struct kunit *test)
{
	struct duel duel;

	begin_duel(test, &duel);
	vexipc_registry_remove(duel.first->svc, true);
	vexipc_registry_remove(duel.second->svc, true);
	expect_ended(test, duel.ask, VEXIPC_ERR_SERVICE_DIED);
	KUNIT_EXPECT_EQ(test, counted(test, failed), 1);
}

/* ---------------------------------------------------------- who is hedged -- */

/* A request is sent to the first of two, which does not answer: nothing comes of it. */
static void expect_no_hedge(struct kunit *test, struct ask *ask, u32 second_takes)
{
	struct peer *first = quick_service(test, "first", 0), *second;
	struct ask *other = NULL;
	u64 id;

	if (!ask)
		ask = new_ask(test, new_peer(test));
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	second = quick_service(test, "second", second_takes);
	if (second_takes) {
		/* It has as much as it takes. */
		other = new_ask(test, new_peer(test));
		other->req->pin = second->svc->handle;
		KUNIT_ASSERT_EQ(test, submit(other), 0);
		KUNIT_EXPECT_NE(test, send_next(second), 0);
	}
	id = send_next(first);
	msleep(100);
	KUNIT_EXPECT_EQ(test, send_next(second), 0);
	KUNIT_EXPECT_EQ(test, counted(test, hedges), 0);
	KUNIT_EXPECT_EQ(test, answer(first, id), 0);
	expect_ended(test, ask, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, ask->req->attempts, 1);
}

static void nothing_is_hedged_by_default(struct kunit *test)
{
	configure(test, VEXIPC_CONFIG_HEDGE_PERCENTILE,
		  vexipc_config_row(VEXIPC_CONFIG_HEDGE_PERCENTILE)->initial);
	expect_no_hedge(test, NULL, 0);
}

static void what_may_not_be_retried_is_not_hedged(struct kunit *test)
{
	configure(test, VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 0);
	expect_no_hedge(test, NULL, 0);
}

static void hedges_do_not_wait_for_room(struct kunit *test)
{
	expect_no_hedge(test, NULL, 1);
}

/* The second has what it takes, and is asked when it has answered that. */
static void one_without_room_is_hedged_later(struct kunit *test)
{
	struct peer *first = quick_service(test, "first", 0), *second;
	struct ask *ask = submit_new(test, new_peer(test)), *other;
	u64 id, hedge;

	second = quick_service(test, "second", 1);
	other = new_ask(test, new_peer(test));
	other->req->pin = second->svc->handle;
	KUNIT_ASSERT_EQ(test, submit(other), 0);
	id = send_next(second);
	KUNIT_ASSERT_NE(test, send_next(first), 0);
	/* Looked at again and again, and nothing came of it. */
	msleep(100);
	KUNIT_EXPECT_EQ(test, counted(test, hedges), 0);
	KUNIT_EXPECT_EQ(test, answer(second, id), 0);
	expect_ended(test, other, VEXIPC_OK);
	hedge = send_soon(test, second);
	KUNIT_ASSERT_NE(test, hedge, 0);
	KUNIT_EXPECT_EQ(test, answer(second, hedge), 0);
	expect_ended(test, ask, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, counted(test, hedges_won), 1);
}

static void pinned_one_is_not_hedged(struct kunit *test)
{
	struct peer *first = quick_service(test, "first", 0);
	struct peer *second = quick_service(test, "second", 0);
	struct ask *ask = new_ask(test, new_peer(test));
	u64 id;

	ask->req->pin = first->svc->handle;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	id = send_next(first);
	msleep(100);
	KUNIT_EXPECT_EQ(test, send_next(second), 0);
	KUNIT_EXPECT_EQ(test, answer(first, id), 0);
	KUNIT_EXPECT_EQ(test, counted(test, hedges), 0);
}

static void service_of_unknown_times_is_not_hedged(struct kunit *test)
{
	struct peer *first = new_service(test, "first"), *second;
	struct ask *ask = submit_new(test, new_peer(test));
	u64 id;

	second = new_service(test, "second");
	id = send_next(first);
	msleep(100);
	KUNIT_EXPECT_EQ(test, send_next(second), 0);
	KUNIT_EXPECT_EQ(test, answer(first, id), 0);
	expect_ended(test, ask, VEXIPC_OK);
}

/* MANY requests, late at @first, with their hedges at @second. */
struct field {
	struct peer *client, *first, *second;
	struct ask *asks[MANY];
	u64 ids[MANY], hedges[MANY];
	atomic_t won;
};

static struct field *new_field(struct kunit *test)
{
	struct field *field = kunit_kzalloc(test, sizeof(*field), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, field);
	field->client = new_peer(test);
	field->first = quick_service(test, "first", 2 * MANY);
	for (u32 i = 0; i < MANY; i++)
		field->asks[i] = submit_new(test, field->client);
	field->second = quick_service(test, "second", 2 * MANY);
	for (u32 i = 0; i < MANY; i++)
		field->ids[i] = send_next(field->first);
	return field;
}

static void hedges_keep_to_their_budget(struct kunit *test)
{
	struct field *field;

	configure(test, VEXIPC_CONFIG_HEDGE_BUDGET_PERCENT, 10);
	field = new_field(test);
	for (u32 i = 0; i < MANY / 10; i++)
		KUNIT_EXPECT_NE(test, send_soon(test, field->second), 0);
	msleep(100);
	KUNIT_EXPECT_EQ(test, send_next(field->second), 0);
	KUNIT_EXPECT_EQ(test, counted(test, hedges), MANY / 10);
}

/* Of more than the budget is for, the rest are asked as those end. */
static void one_without_budget_is_hedged_later(struct kunit *test)
{
	u64 hedges[MANY / 10];
	struct field *field;

	configure(test, VEXIPC_CONFIG_HEDGE_BUDGET_PERCENT, 10);
	field = new_field(test);
	for (u32 i = 0; i < ARRAY_SIZE(hedges); i++)
		hedges[i] = send_soon(test, field->second);
	msleep(100);
	KUNIT_EXPECT_EQ(test, send_next(field->second), 0);
	for (u32 i = 0; i < ARRAY_SIZE(hedges); i++)
		KUNIT_EXPECT_EQ(test, answer(field->second, hedges[i]), 0);
	KUNIT_EXPECT_NE(test, send_soon(test, field->second), 0);
}

static void answer_requests(void *data)
{
	struct field *field = data;

	for (u32 i = 0; i < MANY; i++)
		if (!answer(field->first, field->ids[i]))
			atomic_inc(&field->won);
}

static void answer_hedges(void *data)
{
	struct field *field = data;

	for (u32 i = MANY; i--;)
		if (!answer(field->second, field->hedges[i]))
			atomic_inc(&field->won);
}

static void cancel_some(void *data)
{
	struct field *field = data;

	for (u32 i = 0; i < MANY; i += 3) {
		struct vexipc_request *req = field->asks[i]->req;

		if (!vexipc_endpoint_cancel(req->ep, req->request_id))
			atomic_inc(&field->won);
	}
}

static void fail_requests(void *data)
{
	struct field *field = data;

	for (u32 i = 0; i < MANY; i++)
		answer_error(field->first, field->ids[i], VEXIPC_ERR_SERVICE_FAILED,
			     VEXIPC_ERROR_RETRY);
}

static void first_dies(void *data)
{
	struct field *field = data;

	vexipc_registry_remove(field->first->svc, true);
}

static void second_dies(void *data)
{
	struct field *field = data;

	vexipc_registry_remove(field->second->svc, true);
}

static struct field *new_duels(struct kunit *test)
{
	struct field *field = new_field(test);

	for (u32 i = 0; i < MANY; i++)
		field->hedges[i] = send_soon(test, field->second);
	KUNIT_ASSERT_TRUE(test, hedges_soon(test, MANY));
	KUNIT_EXPECT_EQ(test, counted(test, in_flight), MANY);
	return field;
}

static void expect_all_ended(struct kunit *test, struct field *field)
{
	for (u32 i = 0; i < MANY; i++) {
		KUNIT_ASSERT_TRUE(test, ended_soon(field->asks[i]));
		KUNIT_EXPECT_EQ(test, atomic_read(&field->asks[i]->completions), 1);
	}
}

static void one_of_two_answers_or_a_cancel_wins(struct kunit *test)
{
	struct field *field = new_duels(test);
	struct racer racers[] = {
		{ .run = answer_requests, .data = field },
		{ .run = answer_hedges, .data = field },
		{ .run = cancel_some, .data = field },
	};

	race(test, racers, ARRAY_SIZE(racers));
	KUNIT_EXPECT_EQ(test, atomic_read(&field->won), MANY);
	expect_all_ended(test, field);
	/* Two answers to each, and one is the request's, unless it was cancelled. */
	KUNIT_EXPECT_EQ(test, counted(test, orphans), MANY + counted(test, cancelled));
}

static void failures_race_with_answers_to_hedges(struct kunit *test)
{
	struct field *field;
	struct racer racers[2];

	configure(test, VEXIPC_CONFIG_BREAKER_FAILURES, 0);
	configure(test, VEXIPC_CONFIG_BREAKER_ERROR_PERCENT, 0);
	field = new_duels(test);
	racers[0] = (struct racer) { .run = fail_requests, .data = field };
	racers[1] = (struct racer) { .run = answer_hedges, .data = field };
	race(test, racers, ARRAY_SIZE(racers));
	expect_all_ended(test, field);
	KUNIT_EXPECT_EQ(test, counted(test, completed), MANY);
	KUNIT_EXPECT_EQ(test, counted(test, hedges_won), MANY);
}

static void both_services_die_at_once(struct kunit *test)
{
	struct field *field = new_duels(test);
	struct racer racers[] = {
		{ .run = first_dies, .data = field },
		{ .run = second_dies, .data = field },
		{ .run = cancel_some, .data = field },
	};

	race(test, racers, ARRAY_SIZE(racers));
	expect_all_ended(test, field);
	KUNIT_EXPECT_EQ(test, counted(test, completed), 0);
}

static struct kunit_case hedge_cases[] = {
	KUNIT_CASE(hedge_that_is_first_wins),
	KUNIT_CASE(service_that_is_first_wins),
	KUNIT_CASE(definite_failure_of_the_service_is_an_answer),
	KUNIT_CASE(hedge_is_answered_once),
	KUNIT_CASE(cancelled_one_takes_its_hedge_along),
	KUNIT_CASE(client_that_goes_takes_hedges_along),
	KUNIT_CASE(failed_hedge_fails_nothing),
	KUNIT_CASE(bad_answer_to_a_hedge_is_the_services),
	KUNIT_CASE(hedge_becomes_the_next_attempt),
	KUNIT_CASE(when_both_fail_a_third_is_asked),
	KUNIT_CASE(death_of_the_service_leaves_the_hedge),
	KUNIT_CASE(death_of_the_hedges_service_leaves_the_request),
	KUNIT_CASE(death_of_both_ends_it),
	KUNIT_CASE(nothing_is_hedged_by_default),
	KUNIT_CASE(what_may_not_be_retried_is_not_hedged),
	KUNIT_CASE(hedges_do_not_wait_for_room),
	KUNIT_CASE(one_without_room_is_hedged_later),
	KUNIT_CASE(pinned_one_is_not_hedged),
	KUNIT_CASE(service_of_unknown_times_is_not_hedged),
	KUNIT_CASE(hedges_keep_to_their_budget),
	KUNIT_CASE(one_without_budget_is_hedged_later),
	KUNIT_CASE(one_of_two_answers_or_a_cancel_wins),
	KUNIT_CASE(failures_race_with_answers_to_hedges),
	KUNIT_CASE(both_services_die_at_once),
	{}
};

static struct kunit_suite hedge_suite = {
	.name = "vexipc_hedge",
	.init = hedge_init,
	.exit = fixture_exit,
	.test_cases = hedge_cases,
};

kunit_test_suite(hedge_suite);
