// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once: clients that submit, wait, cancel and let deadlines pass,
 * services that answer, fail, lie, stay silent, drain, die and come back. At
 * the end every accepted request has been completed once, and the figures say
 * so.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <net/net_namespace.h>

#include "fixture.h"
#include "queue.h"

enum { ASKS = 1600, CLIENTS = 3, PLACES = 3, LIVES = 24, WAITS = 60 };

static const char * const place_ids[PLACES] = { "one", "two", "three" };

/**
 * struct storm - what all of them have before them
 * @clients: who ask
 * @lives:   services yet to come; each place has one after the other
 * @lived:   how many have come
 * @places:  those that are there, or have just gone
 * @asks:    the requests
 * @begun:   how many have been taken up for submission
 * @waiter:  of the kernel, asks and waits
 * @over:    no more will be submitted
 */
struct storm {
	struct peer *clients[CLIENTS];
	struct peer *lives[LIVES];
	u32 lived;
	struct peer *places[PLACES];
	struct ask *asks[ASKS];
	atomic_t begun;
	struct vexipc_client *waiter;
	bool over;
};

/* struct part is one thread's in it, with random numbers of its own. */
struct part {
	struct storm *storm;
	struct rnd_state random;
};

static u32 any_below(struct part *part, u32 end)
{
	return prandom_u32_state(&part->random) % end;
}

static int live_next(struct storm *storm, u32 place)
{
	static const struct vexipc_service_spec like = { .max_concurrent = 32 };
	struct peer *peer = storm->lives[storm->lived];
	int err = peer_register(peer, place_ids[place], &like);

	WRITE_ONCE(storm->lived, storm->lived + 1);
	if (err)
		return err;
	/* Its svc is there before anybody sees it, and for good. */
	smp_store_release(&storm->places[place], peer);
	return 0;
}

static void submit_some(void *data)
{
	struct part *part = data;
	struct storm *storm = part->storm;
	int i;

	while ((i = atomic_inc_return(&storm->begun) - 1) < ASKS) {
		struct vexipc_request *req = storm->asks[i]->req;

		/* Services come and go all the while, not only at the beginning. */
		while (READ_ONCE(storm->lived) * ASKS < LIVES * i)
			usleep_range(100, 1000);
		if (!any_below(part, 4))
			req->deadline_ns = ktime_get_ns() +
				any_below(part, 20) * NSEC_PER_MSEC;
		if (submit(storm->asks[i]) || !any_below(part, 16))
			usleep_range(100, 1000);
	}
	WRITE_ONCE(storm->over, true);
}

static void wait_some(void *data)
{
	struct vexipc_kernel_request request = { .content = "x", .content_len = 1 };
	struct vexipc_kernel_result result;
	struct part *part = data;

	for (u32 i = 0; i < WAITS; i++) {
		request.timeout_ms = 1 + any_below(part, 20);
		vexipc_embed(part->storm->waiter, &request, &result);
		vexipc_result_free(&result);
	}
}

static void unsend_next(struct peer *service)
{
	struct vexipc_request *req;
	u32 need, attempt;

	req = vexipc_queue_next(service->svc, VEXIPC_MAX_MESSAGE, &need, &attempt);
	if (IS_ERR_OR_NULL(req))
		return;
	vexipc_queue_unsend(service->svc, req, attempt);
	vexipc_request_put(req);
}

static void serve(struct part *part, struct peer *service, struct peer *other)
{
	u32 what = any_below(part, 20);
	u64 id;

	if (!what) {
		unsend_next(service);
		return;
	}
	id = send_next(service);
	if (!id)
		return;
	switch (what) {
	case 1:
		answer_error(service, id, VEXIPC_ERR_SERVICE_FAILED, VEXIPC_ERROR_RETRY);
		break;
	case 2:
		answer_error(service, id, VEXIPC_ERR_OVERLOADED, VEXIPC_ERROR_OVERLOAD);
		break;
	case 3:
		answer_error(service, id, VEXIPC_ERR_INVALID, 0);
		break;
	case 4:
		answer_with(service, id, DIMENSIONS + 1);
		break;
	case 5:
		answer(other, id);
		answer(service, id);
		answer(service, id);
		break;
	case 6:
		answer(service, id ^ 1ull << any_below(part, 63));
		answer(service, id);
		break;
	case 7:
		/* Says nothing: the deadline, a cancel or its death ends it. */
		break;
	default:
		answer(service, id);
	}
}

static struct peer *at(struct storm *storm, u32 place)
{
	/* Pairs with live_next(). */
	return smp_load_acquire(&storm->places[place % PLACES]);
}

static void serve_all(void *data)
{
	struct part *part = data;
	struct storm *storm = part->storm;

	while (!READ_ONCE(storm->over)) {
		u32 place = any_below(part, PLACES);

		serve(part, at(storm, place), at(storm, place + 1));
		cond_resched();
	}
}

static void cancel_some(void *data)
{
	struct part *part = data;
	struct storm *storm = part->storm;

	while (!READ_ONCE(storm->over)) {
		u32 begun = min(atomic_read(&storm->begun), ASKS);

		if (begun) {
			/* Of the last few: others have long been completed. */
			u32 i = begun - 1 - any_below(part, min(begun, 64));

			vexipc_endpoint_cancel(storm->asks[i]->req->ep, i + 1);
		}
		usleep_range(50, 500);
	}
}

static void come_and_go(void *data)
{
	struct part *part = data;
	struct storm *storm = part->storm;

	while (storm->lived < LIVES) {
		u32 place = any_below(part, PLACES);
		struct vexipc_service *svc = storm->places[place]->svc;

		if (!any_below(part, 4)) {
			vexipc_registry_drain(svc, true);
			usleep_range(100, 2000);
			vexipc_registry_drain(svc, false);
		} else {
			vexipc_registry_remove(svc, any_below(part, 2));
			live_next(storm, place);
		}
		usleep_range(1000, 20000);
	}
}

static void every_accepted_request_is_completed_once(struct kunit *test)
{
	struct storm *storm = kunit_kzalloc(test, sizeof(*storm), GFP_KERNEL);
	struct racer racers[] = {
		{ .run = submit_some },
		{ .run = submit_some },
		{ .run = wait_some },
		{ .run = serve_all },
		{ .run = serve_all },
		{ .run = cancel_some },
		{ .run = come_and_go },
	};
	struct part *parts;

	parts = kunit_kcalloc(test, ARRAY_SIZE(racers), sizeof(*parts), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, storm);
	KUNIT_ASSERT_NOT_NULL(test, parts);
	configure(test, VEXIPC_CONFIG_RETRY_BACKOFF_BASE_MS, 1);
	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 100);
	for (u32 i = 0; i < CLIENTS; i++)
		storm->clients[i] = new_peer(test);
	for (u32 i = 0; i < LIVES; i++)
		storm->lives[i] = new_peer(test);
	for (u32 i = 0; i < ASKS; i++) {
		storm->asks[i] = new_ask(test, storm->clients[i % CLIENTS]);
		/* One that others know before it is submitted. */
		storm->asks[i]->req->request_id = i + 1;
	}
	for (u32 i = 0; i < PLACES; i++)
		KUNIT_ASSERT_EQ(test, live_next(storm, i), 0);
	storm->waiter = vexipc_client_open(&init_net);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, storm->waiter);

	for (u32 i = 0; i < ARRAY_SIZE(racers); i++) {
		parts[i].storm = storm;
		prandom_seed_state(&parts[i].random, 100 + i);
		racers[i].data = &parts[i];
	}
	race(test, racers, ARRAY_SIZE(racers));

	/* The silent ones are left. */
	for (u32 i = 0; i < ASKS; i++)
		vexipc_endpoint_cancel(storm->asks[i]->req->ep, i + 1);
	vexipc_client_close(storm->waiter);
	/* It was one. */
	KUNIT_EXPECT_EQ(test, counted(test, submitted), ASKS + WAITS);
	KUNIT_EXPECT_EQ(test, counted(test, registered), LIVES);
	KUNIT_EXPECT_GT(test, counted(test, completed), 0);
	KUNIT_EXPECT_GT(test, counted(test, failovers), 0);
	KUNIT_EXPECT_GT(test, counted(test, retries), 0);
	KUNIT_EXPECT_GT(test, counted(test, cancelled), 0);
	KUNIT_EXPECT_GT(test, counted(test, timed_out), 0);
	KUNIT_EXPECT_GT(test, counted(test, orphans), 0);
	KUNIT_EXPECT_GT(test, counted(test, bad_answers), 0);
	KUNIT_EXPECT_GT(test, counted(test, services_died), 0);
}

static struct kunit_case storm_cases[] = {
	KUNIT_CASE_SLOW(every_accepted_request_is_completed_once),
	{}
};

static struct kunit_suite storm_suite = {
	.name = "vexipc_storm",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = storm_cases,
};

kunit_test_suite(storm_suite);
