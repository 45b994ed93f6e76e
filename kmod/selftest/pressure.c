// SPDX-License-Identifier: GPL-2.0-only
/* Full queues: who is refused, who waits, who makes room, who takes what overflows. */
#include <linux/delay.h>

#include "codel.h"
#include "error.h"
#include "fixture.h"
#include "pressure.h"
#include "queue.h"

static struct ask *ask_with(struct kunit *test, struct peer *client, u8 priority)
{
	struct ask *ask = new_ask(test, client);

	ask->req->priority = priority;
	return ask;
}

static struct ask *queue_with(struct kunit *test, struct peer *client, u8 priority)
{
	struct ask *ask = ask_with(test, client, priority);

	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	return ask;
}

static void low_is_refused_from_the_shed_level_on(struct kunit *test)
{
	struct peer *client = new_peer(test);

	new_service(test, "one");
	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 10);
	for (u32 i = 0; i < 9; i++)
		queue_with(test, client, VEXIPC_PRIORITY_LOW);
	KUNIT_EXPECT_EQ(test, submit(ask_with(test, client, VEXIPC_PRIORITY_LOW)), -EXFULL);
	queue_with(test, client, VEXIPC_PRIORITY_NORMAL);
	KUNIT_EXPECT_EQ(test, submit(ask_with(test, client, VEXIPC_PRIORITY_LOW)), -ENOBUFS);
	configure(test, VEXIPC_CONFIG_QUEUE_SHED_PERCENT, 50);
	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 20);
	KUNIT_EXPECT_EQ(test, submit(ask_with(test, client, VEXIPC_PRIORITY_LOW)), -EXFULL);
	KUNIT_EXPECT_EQ(test, counted(test, refused_by[VEXIPC_ERR_SHED]), 2);
}

static void who_does_not_wait_is_told_to_come_back(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct fixture *f = test->priv;
	struct ask *ask;

	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 10);
	for (u32 i = 0; i < 7; i++)
		queue_with(test, client, VEXIPC_PRIORITY_NORMAL);
	ask = ask_with(test, client, VEXIPC_PRIORITY_NORMAL);
	ask->req->nonblock = true;
	KUNIT_EXPECT_EQ(test, submit(ask), -EAGAIN);
	KUNIT_EXPECT_FALSE(test, vexipc_pressure_writable(f->inst));
	ask = ask_with(test, client, VEXIPC_PRIORITY_HIGH);
	ask->req->nonblock = true;
	KUNIT_EXPECT_EQ(test, submit(ask), 0);
	KUNIT_EXPECT_NE(test, send_next(service), 0);
	KUNIT_EXPECT_NE(test, send_next(service), 0);
	KUNIT_EXPECT_TRUE(test, vexipc_pressure_writable(f->inst));
}

static void expect_later(struct kunit *test, struct ask *ask, int err, u32 ms)
{
	KUNIT_EXPECT_EQ(test, submit(ask), err);
	KUNIT_EXPECT_EQ(test, ask->req->retry_after_ms, ms);
}

/* Two at a time, 10 ms each: a place is free each 5 ms. */
static void who_is_refused_is_told_when_to_come_back(struct kunit *test)
{
	struct vexipc_service_spec like = { .max_concurrent = 2, .latency_us = 10000 };
	struct peer *client = new_peer(test);
	struct ask *low, *normal;

	new_service_like(test, "one", &like);
	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 10);
	low = queue_with(test, client, VEXIPC_PRIORITY_LOW);
	for (u32 i = 0; i < 7; i++)
		queue_with(test, client, VEXIPC_PRIORITY_NORMAL);
	normal = ask_with(test, client, VEXIPC_PRIORITY_NORMAL);
	normal->req->nonblock = true;
	expect_later(test, normal, -EAGAIN, 2 * 5);
	queue_with(test, client, VEXIPC_PRIORITY_NORMAL);
	expect_later(test, ask_with(test, client, VEXIPC_PRIORITY_LOW), -EXFULL, 5);
	queue_with(test, client, VEXIPC_PRIORITY_CRITICAL);
	expect_later(test, ask_with(test, client, VEXIPC_PRIORITY_LOW), -ENOBUFS, 5);
	KUNIT_EXPECT_EQ(test, low->req->retry_after_ms, 0);
	queue_with(test, client, VEXIPC_PRIORITY_CRITICAL);
	expect_ended(test, low, VEXIPC_ERR_SHED);
	KUNIT_EXPECT_EQ(test, low->req->retry_after_ms, 5);
	configure(test, VEXIPC_CONFIG_MAX_CONCURRENT_REQUESTS, 10);
	expect_later(test, ask_with(test, client, VEXIPC_PRIORITY_CRITICAL), -EUSERS, 5);
}

static void nothing_is_known_of_who_never_answered(struct kunit *test)
{
	struct peer *client = new_peer(test);

	new_service(test, "one");
	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 1);
	queue_with(test, client, VEXIPC_PRIORITY_NORMAL);
	expect_later(test, ask_with(test, client, VEXIPC_PRIORITY_NORMAL), -ENOBUFS, 0);
}

static int submit_of(struct kunit *test, struct peer *client, u32 user)
{
	struct ask *ask = ask_with(test, client, VEXIPC_PRIORITY_NORMAL);

	ask->req->nonblock = true;
	ask->req->uid = KUIDT_INIT(user);
	return submit(ask);
}

static void a_users_flood_leaves_room_for_others(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");

	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 40);
	for (u32 i = 0; i < 28; i++)
		KUNIT_EXPECT_EQ(test, submit_of(test, client, 1), 0);
	KUNIT_EXPECT_EQ(test, submit_of(test, client, 1), -EAGAIN);
	/* One place in eight of those that are free, and no more. */
	KUNIT_EXPECT_EQ(test, submit_of(test, client, 2), 0);
	KUNIT_EXPECT_EQ(test, submit_of(test, client, 2), -EAGAIN);
	/* What is sent does not count. */
	for (u32 i = 0; i < 2; i++)
		KUNIT_EXPECT_NE(test, send_next(service), 0);
	KUNIT_EXPECT_EQ(test, submit_of(test, client, 1), 0);
	KUNIT_EXPECT_EQ(test, submit_of(test, client, 1), -EAGAIN);
	KUNIT_EXPECT_EQ(test, submit_of(test, client, 2), 0);
}

static void the_newest_of_the_lowest_makes_room(struct kunit *test)
{
	struct peer *client = new_peer(test);
	struct peer *one = new_service(test, "one"), *two = new_service(test, "two");
	struct ask *low[2], *normal, *high;

	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 4);
	configure(test, VEXIPC_CONFIG_QUEUE_SHED_PERCENT, 100);
	low[0] = queue_with(test, client, VEXIPC_PRIORITY_LOW);
	normal = queue_with(test, client, VEXIPC_PRIORITY_NORMAL);
	low[1] = queue_with(test, client, VEXIPC_PRIORITY_LOW);
	queue_with(test, client, VEXIPC_PRIORITY_CRITICAL);
	KUNIT_EXPECT_EQ(test, one->svc->queued + two->svc->queued, 4);

	/* Whichever service's queue they are in. */
	queue_with(test, client, VEXIPC_PRIORITY_HIGH);
	high = queue_with(test, client, VEXIPC_PRIORITY_HIGH);
	expect_ended(test, low[0], VEXIPC_ERR_SHED);
	expect_ended(test, low[1], VEXIPC_ERR_SHED);
	queue_with(test, client, VEXIPC_PRIORITY_HIGH);
	expect_ended(test, normal, VEXIPC_ERR_SHED);
	/* Nobody gives way to his equal, and nothing critical to anything. */
	KUNIT_EXPECT_EQ(test, submit(ask_with(test, client, VEXIPC_PRIORITY_HIGH)), -ENOBUFS);
	for (u32 i = 0; i < 3; i++)
		queue_with(test, client, VEXIPC_PRIORITY_CRITICAL);
	expect_ended(test, high, VEXIPC_ERR_SHED);
	KUNIT_EXPECT_EQ(test, submit(ask_with(test, client, VEXIPC_PRIORITY_CRITICAL)),
			-ENOBUFS);
	KUNIT_EXPECT_EQ(test, counted(test, failed_by[VEXIPC_ERR_SHED]), 6);
}

struct waiter {
	struct racer racer;
	struct ask *ask;
};

static void submit_and_wait(void *data)
{
	struct waiter *waiter = data;

	submit(waiter->ask);
}

static void wait_for_room(struct kunit *test, struct waiter *waiter, struct peer *client)
{
	struct fixture *f = test->priv;

	waiter->ask = ask_with(test, client, VEXIPC_PRIORITY_NORMAL);
	waiter->ask->req->may_wait = true;
	waiter->racer = (struct racer){ .run = submit_and_wait, .data = waiter };
	KUNIT_ASSERT_EQ(test, racer_start(&waiter->racer), 0);
	for (u32 i = 0; i < PATIENCE_MS / 20 && !wq_has_sleeper(&f->inst->pressure.room); i++)
		msleep(20);
	KUNIT_EXPECT_TRUE(test, wq_has_sleeper(&f->inst->pressure.room));
}

static void who_waits_has_the_place_that_is_given_back(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct waiter waiter;

	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 1);
	queue_with(test, client, VEXIPC_PRIORITY_NORMAL);
	wait_for_room(test, &waiter, client);
	KUNIT_EXPECT_NE(test, send_next(service), 0);
	racer_join(&waiter.racer);
	KUNIT_EXPECT_EQ(test, waiter.ask->err, 0);
	expect_open(test, waiter.ask, VEXIPC_QUEUED);
}

static void a_cancel_ends_the_wait(struct kunit *test)
{
	struct peer *client = new_peer(test);
	struct waiter waiter;

	new_service(test, "one");
	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 1);
	queue_with(test, client, VEXIPC_PRIORITY_NORMAL);
	wait_for_room(test, &waiter, client);
	KUNIT_EXPECT_TRUE(test, vexipc_request_finish(waiter.ask->req, VEXIPC_ERR_CANCELLED));
	/* Its callback is the test's, which wakes nobody. */
	rcuwait_wake_up(&waiter.ask->req->waiter);
	racer_join(&waiter.racer);
	KUNIT_EXPECT_EQ(test, waiter.ask->err, 0);
	expect_ended(test, waiter.ask, VEXIPC_ERR_CANCELLED);
}

static void what_overflows_goes_to_whoever_has_room(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test), *two;
	struct fixture *f = test->priv;
	struct ask *asks[5];

	configure(test, VEXIPC_CONFIG_MAX_SERVICE_QUEUE, 1);
	for (u32 i = 0; i < ARRAY_SIZE(asks); i++)
		asks[i] = queue_with(test, client, VEXIPC_PRIORITY_NORMAL);
	KUNIT_EXPECT_EQ(test, one->svc->queued, 1);
	KUNIT_EXPECT_EQ(test, f->inst->overflow.order.count, 4);
	KUNIT_EXPECT_EQ(test, counted(test, overflowed), 4);
	two = new_service(test, "two");
	KUNIT_EXPECT_EQ(test, send_next(two), attempt_id(asks[1], 0));
	KUNIT_EXPECT_EQ(test, send_next(two), attempt_id(asks[2], 0));
	KUNIT_EXPECT_EQ(test, send_next(one), attempt_id(asks[0], 0));
	KUNIT_EXPECT_EQ(test, f->inst->overflow.order.count, 0);
	/* Those that wait there end like any other. */
	asks[0] = queue_with(test, client, VEXIPC_PRIORITY_NORMAL);
	KUNIT_EXPECT_EQ(test, f->inst->overflow.order.count, 1);
	KUNIT_EXPECT_TRUE(test, vexipc_request_finish(asks[0]->req, VEXIPC_ERR_CANCELLED));
	KUNIT_EXPECT_EQ(test, f->inst->overflow.order.count, 0);
}

/* The first to be found full sends just when the other is looked at. */
static struct peer *both[2];
static struct peer *first_full;

static void send_of_the_first(struct peer *peer)
{
	if (!first_full) {
		first_full = peer;
	} else if (first_full != peer) {
		peer->looked_at = NULL;
		first_full->looked_at = NULL;
		send_next(first_full);
	}
}

static void who_makes_room_meanwhile_gets_what_overflows(struct kunit *test)
{
	struct peer *client = new_peer(test);
	struct fixture *f = test->priv;
	struct ask *ask;

	configure(test, VEXIPC_CONFIG_MAX_SERVICE_QUEUE, 1);
	for (u32 i = 0; i < ARRAY_SIZE(both); i++) {
		both[i] = new_service(test, i ? "two" : "one");
		queue_with(test, client, VEXIPC_PRIORITY_NORMAL);
	}
	first_full = NULL;
	for (u32 i = 0; i < ARRAY_SIZE(both); i++) {
		KUNIT_ASSERT_EQ(test, both[i]->svc->queued, 1);
		both[i]->looked_at = send_of_the_first;
	}
	ask = ask_with(test, client, VEXIPC_PRIORITY_NORMAL);
	/* Looked at in turn, one after the other, not both at once. */
	ask->req->algorithm = VEXIPC_ALGORITHM_ROUND_ROBIN;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	KUNIT_ASSERT_NOT_NULL(test, first_full);
	KUNIT_EXPECT_EQ(test, counted(test, overflowed), 1);
	KUNIT_EXPECT_EQ(test, f->inst->overflow.order.count, 0);
	KUNIT_EXPECT_PTR_EQ(test, READ_ONCE(ask->req->svc), first_full->svc);
}

static void what_nobody_can_do_any_more_does_not_wait_in_vain(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test);
	struct ask *asks[3];

	configure(test, VEXIPC_CONFIG_MAX_SERVICE_QUEUE, 1);
	for (u32 i = 0; i < ARRAY_SIZE(asks); i++)
		asks[i] = queue_with(test, client, VEXIPC_PRIORITY_NORMAL);
	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(one->svc, true), 1);
	for (u32 i = 0; i < ARRAY_SIZE(asks); i++)
		expect_ended(test, asks[i], VEXIPC_ERR_SERVICE_DIED);
}

static void what_waits_for_an_open_breaker_moves_on(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test), *two;
	struct ask *ask = queue_with(test, client, VEXIPC_PRIORITY_NORMAL), *pinned;

	pinned = ask_with(test, client, VEXIPC_PRIORITY_NORMAL);
	pinned->req->pin = one->svc->handle;
	KUNIT_ASSERT_EQ(test, submit(pinned), 0);
	two = new_service(test, "two");
	vexipc_breaker_set(one->svc, VEXIPC_CONTROL_BREAKER_OPEN);
	flush_work(&one->svc->move_on);
	KUNIT_EXPECT_EQ(test, send_next(two), attempt_id(ask, 0));
	/* There is no other for this one: it stays. */
	KUNIT_EXPECT_EQ(test, send_next(one), attempt_id(pinned, 0));
}

enum { TARGET = 10, INTERVAL = 100 };

static void a_burst_is_not_dropped_from(struct kunit *test)
{
	struct vexipc_codel codel = {};

	KUNIT_EXPECT_FALSE(test, vexipc_codel_drops(&codel, 50, 1000, TARGET, INTERVAL));
	KUNIT_EXPECT_FALSE(test, vexipc_codel_drops(&codel, 50, 1099, TARGET, INTERVAL));
	KUNIT_EXPECT_FALSE(test, vexipc_codel_drops(&codel, 9, 1100, TARGET, INTERVAL));
	KUNIT_EXPECT_FALSE(test, vexipc_codel_drops(&codel, 50, 1110, TARGET, INTERVAL));
	KUNIT_EXPECT_FALSE(test, vexipc_codel_drops(&codel, 50, 1209, TARGET, INTERVAL));
	KUNIT_EXPECT_TRUE(test, vexipc_codel_drops(&codel, 50, 1210, TARGET, INTERVAL));
}

static void a_standing_queue_is_dropped_from_faster_and_faster(struct kunit *test)
{
	struct vexipc_codel codel = {};
	u32 drops[4] = {};

	for (u64 now = 1000; now < 1000 + 16 * INTERVAL; now++)
		drops[(now - 1000) / (4 * INTERVAL)] +=
			vexipc_codel_drops(&codel, 50, now, TARGET, INTERVAL);
	KUNIT_EXPECT_GT(test, drops[0], 1);
	KUNIT_EXPECT_GT(test, drops[1], drops[0]);
	KUNIT_EXPECT_GT(test, drops[2], drops[1]);
	KUNIT_EXPECT_GT(test, drops[3], drops[2]);
	/* And no more once it is short. */
	KUNIT_EXPECT_FALSE(test, vexipc_codel_drops(&codel, 1, 9999, TARGET, INTERVAL));
	KUNIT_EXPECT_FALSE(test, codel.dropping);
}

static struct kunit_case pressure_cases[] = {
	KUNIT_CASE(low_is_refused_from_the_shed_level_on),
	KUNIT_CASE(who_does_not_wait_is_told_to_come_back),
	KUNIT_CASE(who_is_refused_is_told_when_to_come_back),
	KUNIT_CASE(nothing_is_known_of_who_never_answered),
	KUNIT_CASE(a_users_flood_leaves_room_for_others),
	KUNIT_CASE(the_newest_of_the_lowest_makes_room),
	KUNIT_CASE(who_waits_has_the_place_that_is_given_back),
	KUNIT_CASE(a_cancel_ends_the_wait),
	KUNIT_CASE(what_overflows_goes_to_whoever_has_room),
	KUNIT_CASE(who_makes_room_meanwhile_gets_what_overflows),
	KUNIT_CASE(what_nobody_can_do_any_more_does_not_wait_in_vain),
	KUNIT_CASE(what_waits_for_an_open_breaker_moves_on),
	KUNIT_CASE(a_burst_is_not_dropped_from),
	KUNIT_CASE(a_standing_queue_is_dropped_from_faster_and_faster),
	{}
};

static struct kunit_suite pressure_suite = {
	.name = "vexipc_pressure",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = pressure_cases,
};

kunit_test_suite(pressure_suite);
