// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/slab.h>

#include "order.h"
#include "request.h"

enum { MS = 1000000, AGEING_MS = 1000 };

struct orders {
	struct vexipc_order order;
	struct vexipc_request *request[256];
};

static int orders_init(struct kunit *test)
{
	struct orders *o = kunit_kzalloc(test, sizeof(*o), GFP_KERNEL);

	if (!o)
		return -ENOMEM;
	vexipc_order_init(&o->order);
	test->priv = o;
	return 0;
}

/* A request that is only what its order depends on. */
static struct vexipc_request *add_long(struct kunit *test, u32 user, u8 priority, u64 deadline,
				       u32 len)
{
	struct vexipc_request *req = kunit_kzalloc(test, sizeof(*req), GFP_KERNEL);
	struct orders *o = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, req);
	req->uid = KUIDT_INIT(user);
	req->priority = priority;
	req->deadline_ns = deadline;
	req->content_len = len;
	req->count = 1;
	INIT_LIST_HEAD(&req->node);
	vexipc_order_add(&o->order, req, 0, 0);
	return req;
}

static struct vexipc_request *add(struct kunit *test, u32 user, u8 priority, u64 deadline)
{
	return add_long(test, user, priority, deadline, 1);
}

static struct vexipc_request *first_at(struct kunit *test, u64 ms)
{
	struct orders *o = test->priv;

	return vexipc_order_first(&o->order, ms * MS, (u64)AGEING_MS * MS);
}

static struct vexipc_request *take_at(struct kunit *test, u64 ms)
{
	struct orders *o = test->priv;
	struct vexipc_request *req = first_at(test, ms);

	if (req) {
		vexipc_order_charge(&o->order, req);
		vexipc_order_remove(&o->order, req);
	}
	return req;
}

static struct vexipc_request *take(struct kunit *test)
{
	return take_at(test, 0);
}

static void values_between_fall_in_the_band_below(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vexipc_band_of(0), VEXIPC_BAND_LOW);
	KUNIT_EXPECT_EQ(test, vexipc_band_of(127), VEXIPC_BAND_LOW);
	KUNIT_EXPECT_EQ(test, vexipc_band_of(128), VEXIPC_BAND_NORMAL);
	KUNIT_EXPECT_EQ(test, vexipc_band_of(191), VEXIPC_BAND_NORMAL);
	KUNIT_EXPECT_EQ(test, vexipc_band_of(192), VEXIPC_BAND_HIGH);
	KUNIT_EXPECT_EQ(test, vexipc_band_of(254), VEXIPC_BAND_HIGH);
	KUNIT_EXPECT_EQ(test, vexipc_band_of(255), VEXIPC_BAND_CRITICAL);
}

static void bands_go_strictly_from_the_highest(struct kunit *test)
{
	static const u8 priorities[] = { 0, 255, 128, 192, 10, 200, 255, 130 };
	struct orders *o = test->priv;
	u32 last = VEXIPC_BANDS;

	for (u32 i = 0; i < ARRAY_SIZE(priorities); i++)
		add(test, i, priorities[i], 1);
	for (u32 i = 0; i < ARRAY_SIZE(priorities); i++) {
		struct vexipc_request *req = take(test);

		KUNIT_ASSERT_NOT_NULL(test, req);
		KUNIT_EXPECT_LE(test, vexipc_band_of(req->priority), last);
		last = vexipc_band_of(req->priority);
	}
	KUNIT_EXPECT_NULL(test, take(test));
	KUNIT_EXPECT_EQ(test, o->order.count, 0);
}

static void of_one_user_the_earliest_deadline_is_first(struct kunit *test)
{
	struct vexipc_request *last = add(test, 1, 128, 30);
	struct vexipc_request *one = add(test, 1, 128, 10);
	struct vexipc_request *two = add(test, 1, 128, 10);
	struct vexipc_request *three = add(test, 1, 128, 20);

	KUNIT_EXPECT_PTR_EQ(test, take(test), one);
	KUNIT_EXPECT_PTR_EQ(test, take(test), two);
	KUNIT_EXPECT_PTR_EQ(test, take(test), three);
	KUNIT_EXPECT_PTR_EQ(test, take(test), last);
}

static void users_take_turns(struct kunit *test)
{
	u32 taken[3] = {};

	for (u32 i = 0; i < 50; i++)
		add(test, 1, 128, 1);
	for (u32 i = 0; i < 5; i++)
		add(test, 2, 128, 100);
	for (u32 i = 0; i < 10; i++)
		taken[__kuid_val(take(test)->uid)]++;
	KUNIT_EXPECT_EQ(test, taken[1], 5);
	KUNIT_EXPECT_EQ(test, taken[2], 5);
}

static void who_comes_back_just_in_time_has_no_more_than_its_turn(struct kunit *test)
{
	u32 taken[3] = {};

	for (u32 i = 0; i < 50; i++)
		add(test, 1, 128, 100);
	add(test, 2, 128, 1);
	for (u32 i = 0; i < 20; i++) {
		u32 user = __kuid_val(take(test)->uid);

		taken[user]++;
		if (user == 2)
			add(test, 2, 128, 1);
	}
	KUNIT_EXPECT_EQ(test, taken[1], 10);
	KUNIT_EXPECT_EQ(test, taken[2], 10);
}

static void who_asks_now_and_then_is_before_a_flood(struct kunit *test)
{
	struct vexipc_request *few[2];

	for (u32 i = 0; i < 50; i++)
		add(test, 1, 128, 1);
	for (u32 i = 0; i < 5; i++) {
		take(test);
		few[0] = add(test, 2, 128, 9);
		few[1] = add(test, 3, 128, 9);
		KUNIT_EXPECT_PTR_EQ(test, take(test), few[0]);
		KUNIT_EXPECT_PTR_EQ(test, take(test), few[1]);
	}
}

static void large_requests_use_up_more_turns(struct kunit *test)
{
	struct vexipc_request *large = add_long(test, 1, 128, 1, 9 << 12);
	struct vexipc_request *again = add_long(test, 1, 128, 1, 9 << 12);
	u32 small = 0;

	for (u32 i = 0; i < 30; i++)
		add(test, 2, 128, 1);
	KUNIT_EXPECT_PTR_EQ(test, take(test), large);
	while (take(test) != again)
		small++;
	/* Ten shares each: the large one is nine pages and a request. */
	KUNIT_EXPECT_GE(test, small, 9);
	KUNIT_EXPECT_LE(test, small, 11);
}

static void what_a_user_owes_is_remembered_while_it_has_nothing(struct kunit *test)
{
	struct vexipc_request *large, *next = NULL;
	u32 small = 0;

	large = add_long(test, 1, 128, 1, 9 << 12);
	for (u32 i = 0; i < 30; i++)
		add(test, 2, 128, 1);
	KUNIT_EXPECT_PTR_EQ(test, take(test), large);
	next = add(test, 1, 128, 1);
	while (take(test) != next)
		small++;
	KUNIT_EXPECT_GE(test, small, 9);
}

static void more_users_than_flows_are_all_served(struct kunit *test)
{
	struct orders *o = test->priv;

	for (u32 i = 0; i < 200; i++)
		add(test, i * 7, 128, i);
	KUNIT_EXPECT_EQ(test, o->order.count, 200);
	for (u32 i = 0; i < 200; i++)
		KUNIT_EXPECT_NOT_NULL(test, take(test));
	KUNIT_EXPECT_NULL(test, take(test));
}

static void who_waits_rises_band_by_band(struct kunit *test)
{
	struct vexipc_request *low = add(test, 1, 0, 1);
	struct vexipc_request *high;

	KUNIT_EXPECT_PTR_EQ(test, first_at(test, AGEING_MS - 1), low);
	KUNIT_EXPECT_EQ(test, low->band, VEXIPC_BAND_LOW);
	first_at(test, AGEING_MS);
	KUNIT_EXPECT_EQ(test, low->band, VEXIPC_BAND_NORMAL);
	high = add(test, 2, 192, 2);
	high->submitted_ns = (u64)2 * AGEING_MS * MS;
	KUNIT_EXPECT_PTR_EQ(test, first_at(test, 2 * AGEING_MS - 1), high);
	first_at(test, 2 * AGEING_MS);
	KUNIT_EXPECT_EQ(test, low->band, VEXIPC_BAND_HIGH);
	KUNIT_EXPECT_PTR_EQ(test, take_at(test, 3 * AGEING_MS), low);
	KUNIT_EXPECT_EQ(test, low->band, VEXIPC_BAND_CRITICAL);
}

static void without_ageing_nothing_rises(struct kunit *test)
{
	struct orders *o = test->priv;
	struct vexipc_request *low = add(test, 1, 0, 1);

	KUNIT_EXPECT_PTR_EQ(test, vexipc_order_first(&o->order, U64_MAX, 0), low);
	KUNIT_EXPECT_EQ(test, low->band, VEXIPC_BAND_LOW);
}

static void what_has_waited_elsewhere_comes_in_higher(struct kunit *test)
{
	struct orders *o = test->priv;
	struct vexipc_request *req = add(test, 1, 0, 1);

	vexipc_order_remove(&o->order, req);
	vexipc_order_add(&o->order, req, (u64)2 * AGEING_MS * MS, (u64)AGEING_MS * MS);
	KUNIT_EXPECT_EQ(test, req->band, VEXIPC_BAND_HIGH);
	vexipc_order_remove(&o->order, req);
	vexipc_order_add(&o->order, req, (u64)99 * AGEING_MS * MS, (u64)AGEING_MS * MS);
	KUNIT_EXPECT_EQ(test, req->band, VEXIPC_BAND_CRITICAL);
}

/* However many have risen, they have no more than every other turn. */
static void the_risen_share_one_turn_with_critical_users(struct kunit *test)
{
	u32 critical = 0;

	for (u32 i = 0; i < 20; i++)
		add(test, 100 + i, 0, 1);
	for (u32 ms = AGEING_MS; ms <= 4 * AGEING_MS; ms += AGEING_MS)
		for (u32 i = 0; i < 4; i++)
			first_at(test, ms);
	for (u32 i = 0; i < 10; i++)
		add(test, 1, 255, 1000);
	for (u32 i = 0; i < 10; i++)
		critical += take_at(test, 4 * AGEING_MS)->priority == 255;
	/* They had been given a turn before there was anybody else. */
	KUNIT_EXPECT_GE(test, critical, 4);
}

static void the_front_goes_first_whatever_else_there_is(struct kunit *test)
{
	struct orders *o = test->priv;
	struct vexipc_request *low = add(test, 1, 0, 1), *probe;

	probe = add(test, 1, 0, 2);
	vexipc_order_remove(&o->order, probe);
	add(test, 1, 255, 1);
	vexipc_order_add_front(&o->order, probe);
	KUNIT_EXPECT_EQ(test, o->order.count, 3);
	KUNIT_EXPECT_PTR_EQ(test, take(test), probe);
	KUNIT_EXPECT_PTR_NE(test, take(test), low);
	KUNIT_EXPECT_PTR_EQ(test, take(test), low);
}

static void any_may_leave_at_any_time(struct kunit *test)
{
	struct orders *o = test->priv;
	u32 seed = 1;

	for (u32 i = 0; i < ARRAY_SIZE(o->request); i++) {
		seed = seed * 1103515245 + 12345;
		o->request[i] = add(test, seed >> 28, seed >> 16 & 0xff, seed >> 8 & 0xff);
	}
	for (u32 i = 0; i < ARRAY_SIZE(o->request); i += 2)
		vexipc_order_remove(&o->order, o->request[i]);
	KUNIT_EXPECT_EQ(test, o->order.count, ARRAY_SIZE(o->request) / 2);
	for (u32 i = 0; i < ARRAY_SIZE(o->request) / 2; i++)
		KUNIT_EXPECT_NOT_NULL(test, take_at(test, i * 10));
	KUNIT_EXPECT_NULL(test, take(test));
	for (u32 i = 0; i < VEXIPC_BANDS; i++)
		KUNIT_EXPECT_TRUE(test, list_empty(&o->order.band[i].turns));
}

static struct kunit_case order_cases[] = {
	KUNIT_CASE(values_between_fall_in_the_band_below),
	KUNIT_CASE(bands_go_strictly_from_the_highest),
	KUNIT_CASE(of_one_user_the_earliest_deadline_is_first),
	KUNIT_CASE(users_take_turns),
	KUNIT_CASE(who_comes_back_just_in_time_has_no_more_than_its_turn),
	KUNIT_CASE(who_asks_now_and_then_is_before_a_flood),
	KUNIT_CASE(large_requests_use_up_more_turns),
	KUNIT_CASE(what_a_user_owes_is_remembered_while_it_has_nothing),
	KUNIT_CASE(more_users_than_flows_are_all_served),
	KUNIT_CASE(who_waits_rises_band_by_band),
	KUNIT_CASE(without_ageing_nothing_rises),
	KUNIT_CASE(what_has_waited_elsewhere_comes_in_higher),
	KUNIT_CASE(the_risen_share_one_turn_with_critical_users),
	KUNIT_CASE(the_front_goes_first_whatever_else_there_is),
	KUNIT_CASE(any_may_leave_at_any_time),
	{}
};

static struct kunit_suite order_suite = {
	.name = "vexipc_order",
	.init = orders_init,
	.test_cases = order_cases,
};

kunit_test_suite(order_suite);
