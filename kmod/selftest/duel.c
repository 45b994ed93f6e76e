// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two at the same request at the same moment, a round for each request. Of all
 * who try to end it one must be told that it was them, and nobody may keep it.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/math.h>
#include <linux/prandom.h>

#include "fixture.h"
#include "queue.h"

enum { ROUNDS = 400, SPREAD_NS = 2000, SPINS = 100000 };

/**
 * struct duel - what both have before them
 * @client:  who asks
 * @one:     the service that the request is for
 * @two:     the service that it may move to
 * @ask:     the request of this round
 * @id:	     what it was sent under
 * @taken:   it, when it has been taken to be sent; a reference
 * @attempt: which attempt that is
 * @won:     how many times it was ended by somebody who was told so
 * @met:     how often one of both has come to where they meet
 * @second:  what the second does; the first is the test
 * @random:  of the second
 * @over:    no more rounds
 */
struct duel {
	struct peer *client, *one, *two;
	struct ask *ask;
	u64 id;
	struct vexipc_request *taken;
	u32 attempt;
	atomic_t won;
	atomic_t met;
	void (*second)(struct duel *duel);
	struct rnd_state random;
	bool over;
};

static const struct vexipc_service_spec any;

/* Waits for the other one. */
static void meet(struct duel *duel)
{
	int both = round_up(atomic_inc_return(&duel->met), 2);
	u32 spins = 0;

	while (atomic_read(&duel->met) < both) {
		if (spins++ < SPINS)
			cpu_relax();
		else
			usleep_range(20, 50);
	}
}

/* Both begin within a moment that is as long as their ways to the request. */
static void meet_and_part(struct duel *duel, struct rnd_state *random)
{
	meet(duel);
	ndelay(prandom_u32_state(random) % SPREAD_NS);
}

static void second_thread(void *data)
{
	struct duel *duel = data;

	for (;;) {
		meet_and_part(duel, &duel->random);
		if (READ_ONCE(duel->over))
			return;
		duel->second(duel);
		meet(duel);
	}
}

static void win(struct duel *duel, bool won)
{
	if (won)
		atomic_inc(&duel->won);
}

static void answer_it(struct duel *duel)
{
	win(duel, !answer(duel->one, duel->id));
}

static void fail_it(struct duel *duel)
{
	answer_error(duel->one, duel->id, VEXIPC_ERR_SERVICE_FAILED, VEXIPC_ERROR_RETRY);
}

static void cancel_it(struct duel *duel)
{
	win(duel, vexipc_request_finish(duel->ask->req, VEXIPC_ERR_CANCELLED));
}

static void cancel_it_once_it_failed(struct duel *duel)
{
	u32 spins = 0;

	while (vexipc_state_phase(atomic_read(&duel->ask->req->state)) == VEXIPC_SENT &&
	       spins++ < SPINS)
		cpu_relax();
	cancel_it(duel);
}

static void send_and_answer(struct duel *duel, struct peer *service)
{
	u64 id;

	while ((id = send_next(service)))
		win(duel, !answer(service, id));
}

static void send_it(struct duel *duel)
{
	send_and_answer(duel, duel->one);
}

static void send_it_once_it_is_there(struct duel *duel)
{
	u32 spins = 0;

	while (!READ_ONCE(duel->one->svc->queued) && spins++ < SPINS)
		cpu_relax();
	send_it(duel);
}

static void unsend_it(struct duel *duel)
{
	vexipc_queue_unsend(duel->one->svc, duel->taken, duel->attempt);
}

static void remove_one(struct duel *duel)
{
	vexipc_registry_remove(duel->one->svc, true);
}

static void submit_it(struct duel *duel)
{
	submit(duel->ask);
}

static void close_client(struct duel *duel)
{
	vexipc_endpoint_close(&duel->client->ep, false);
}

static void prepare_new(struct kunit *test, struct duel *duel)
{
	duel->ask = new_ask(test, duel->client);
}

static void prepare_queued(struct kunit *test, struct duel *duel)
{
	duel->ask = submit_new(test, duel->client);
}

static void prepare_sent(struct kunit *test, struct duel *duel)
{
	prepare_queued(test, duel);
	duel->id = send_next(duel->one);
}

static void prepare_taken(struct kunit *test, struct duel *duel)
{
	u32 need;

	prepare_queued(test, duel);
	duel->taken = vexipc_queue_next(duel->one->svc, VEXIPC_MAX_MESSAGE, &need,
					&duel->attempt);
	if (IS_ERR(duel->taken))
		duel->taken = NULL;
}

static bool duel_begins(struct kunit *test, struct duel *duel,
			void (*prepare)(struct kunit *test, struct duel *duel))
{
	if (duel->client->ep.closed)
		duel->client = new_peer(test);
	if (vexipc_service_state(duel->one->svc) == VEXIPC_STATE_GONE &&
	    peer_register(duel->one, "one", &any))
		return false;
	if (duel->two)
		vexipc_registry_drain(duel->two->svc, true);
	prepare(test, duel);
	if (duel->two)
		vexipc_registry_drain(duel->two->svc, false);
	return true;
}

/* What is left of the round goes where it can; then nothing may be left. */
static bool duel_ends(struct kunit *test, struct duel *duel)
{
	struct ask *ask = duel->ask;

	if (duel->taken)
		vexipc_request_put(duel->taken);
	duel->taken = NULL;
	send_and_answer(duel, duel->one);
	if (duel->two)
		send_and_answer(duel, duel->two);
	KUNIT_EXPECT_EQ(test, atomic_read(&ask->completions), !ask->err);
	/* One that goes is not told what it has cancelled. */
	if (!duel->client->ep.closed)
		KUNIT_EXPECT_EQ(test, atomic_read(&duel->won), !ask->err);
	KUNIT_EXPECT_EQ(test, duel->one->svc->queued, 0);
	KUNIT_EXPECT_EQ(test, duel->one->svc->in_flight, 0);
	/* The test's own. */
	KUNIT_EXPECT_EQ(test, refcount_read(&ask->req->refs), 1);
	atomic_set(&duel->won, 0);
	return test->status == KUNIT_SUCCESS;
}

static void fight(struct kunit *test, bool two,
		  void (*prepare)(struct kunit *test, struct duel *duel),
		  void (*first)(struct duel *duel), void (*second)(struct duel *duel))
{
	struct duel *duel = kunit_kzalloc(test, sizeof(*duel), GFP_KERNEL);
	struct rnd_state random;
	struct racer racer = { .run = second_thread, .data = duel };
	bool go_on = true;

	KUNIT_ASSERT_NOT_NULL(test, duel);
	configure(test, VEXIPC_CONFIG_RETRY_BACKOFF_BASE_MS, 60000);
	prandom_seed_state(&random, 4);
	prandom_seed_state(&duel->random, 5);
	duel->second = second;
	duel->client = new_peer(test);
	duel->one = new_service(test, "one");
	if (two)
		duel->two = new_service(test, "two");
	KUNIT_ASSERT_EQ(test, racer_start(&racer), 0);
	for (u32 round = 0; round < ROUNDS && go_on; round++) {
		go_on = duel_begins(test, duel, prepare);
		if (!go_on)
			break;
		meet_and_part(duel, &random);
		first(duel);
		meet(duel);
		go_on = duel_ends(test, duel);
	}
	KUNIT_EXPECT_TRUE(test, go_on);
	WRITE_ONCE(duel->over, true);
	meet(duel);
	racer_join(&racer);
}

static void answer_and_answer(struct kunit *test)
{
	fight(test, false, prepare_sent, answer_it, answer_it);
}

static void answer_and_cancel(struct kunit *test)
{
	fight(test, false, prepare_sent, answer_it, cancel_it);
}

static void answer_and_removal(struct kunit *test)
{
	fight(test, true, prepare_sent, answer_it, remove_one);
}

static void cancel_and_cancel(struct kunit *test)
{
	fight(test, false, prepare_queued, cancel_it, cancel_it);
}

static void cancel_and_removal(struct kunit *test)
{
	fight(test, true, prepare_sent, cancel_it, remove_one);
}

static void cancel_and_removal_of_what_is_queued(struct kunit *test)
{
	fight(test, true, prepare_queued, cancel_it, remove_one);
}

static void removal_and_removal(struct kunit *test)
{
	fight(test, true, prepare_sent, remove_one, remove_one);
}

static void sending_and_cancel(struct kunit *test)
{
	fight(test, false, prepare_queued, send_it, cancel_it);
}

static void sending_and_removal(struct kunit *test)
{
	fight(test, true, prepare_queued, send_it, remove_one);
}

static void unsending_and_cancel(struct kunit *test)
{
	fight(test, false, prepare_taken, unsend_it, cancel_it);
}

static void unsending_and_removal(struct kunit *test)
{
	fight(test, true, prepare_taken, unsend_it, remove_one);
}

static void retry_and_cancel(struct kunit *test)
{
	fight(test, true, prepare_sent, fail_it, cancel_it);
}

static void backoff_and_cancel(struct kunit *test)
{
	fight(test, false, prepare_sent, fail_it, cancel_it_once_it_failed);
}

static void submission_and_answer(struct kunit *test)
{
	fight(test, false, prepare_new, submit_it, send_it_once_it_is_there);
}

static void submission_and_removal(struct kunit *test)
{
	fight(test, true, prepare_new, submit_it, remove_one);
}

static void submission_and_the_clients_end(struct kunit *test)
{
	fight(test, false, prepare_new, submit_it, close_client);
}

static struct kunit_case duel_cases[] = {
	KUNIT_CASE_SLOW(answer_and_answer),
	KUNIT_CASE_SLOW(answer_and_cancel),
	KUNIT_CASE_SLOW(answer_and_removal),
	KUNIT_CASE_SLOW(cancel_and_cancel),
	KUNIT_CASE_SLOW(cancel_and_removal),
	KUNIT_CASE_SLOW(cancel_and_removal_of_what_is_queued),
	KUNIT_CASE_SLOW(removal_and_removal),
	KUNIT_CASE_SLOW(sending_and_cancel),
	KUNIT_CASE_SLOW(sending_and_removal),
	KUNIT_CASE_SLOW(unsending_and_cancel),
	KUNIT_CASE_SLOW(unsending_and_removal),
	KUNIT_CASE_SLOW(retry_and_cancel),
	KUNIT_CASE_SLOW(backoff_and_cancel),
	KUNIT_CASE_SLOW(submission_and_answer),
	KUNIT_CASE_SLOW(submission_and_removal),
	KUNIT_CASE_SLOW(submission_and_the_clients_end),
	{}
};

static struct kunit_suite duel_suite = {
	.name = "vexipc_duel",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = duel_cases,
};

kunit_test_suite(duel_suite);
