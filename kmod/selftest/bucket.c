// SPDX-License-Identifier: GPL-2.0-only
/* Token buckets: with times that a test makes up. */
#include <kunit/test.h>
#include <linux/ktime.h>
#include <linux/prandom.h>

#include "bucket.h"
#include "fixture.h"

static const u64 START = 1000ull * NSEC_PER_SEC;
/* A second; at once as many. */
static const struct vexipc_bucket_flow TEN = { 10, NSEC_PER_SEC };

static u64 take(struct vexipc_bucket *b, const struct vexipc_bucket_flow *flow, u64 now, u32 units)
{
	return vexipc_bucket_take(b, now, vexipc_bucket_cost(flow, units), flow->burst_ns);
}

static void burst_then_rate(struct kunit *test)
{
	struct vexipc_bucket b = {};
	u64 now = START;

	for (u32 i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, take(&b, &TEN, now, 1), 0);
	for (u32 i = 0; i < 30; i++) {
		KUNIT_EXPECT_EQ(test, take(&b, &TEN, now, 1), NSEC_PER_SEC / 10);
		now += NSEC_PER_SEC / 10 - 1;
		KUNIT_EXPECT_EQ(test, take(&b, &TEN, now, 1), 1);
		now += 1;
		KUNIT_EXPECT_EQ(test, take(&b, &TEN, now, 1), 0);
	}
	/* However long nobody came, it holds no more than it can. */
	now += 3600ull * NSEC_PER_SEC;
	KUNIT_EXPECT_TRUE(test, vexipc_bucket_full(&b, now));
	for (u32 i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, take(&b, &TEN, now, 1), 0);
	KUNIT_EXPECT_FALSE(test, vexipc_bucket_full(&b, now));
	KUNIT_EXPECT_NE(test, take(&b, &TEN, now, 1), 0);
}

static void refusal_takes_nothing(struct kunit *test)
{
	struct vexipc_bucket b = {};
	s64 before;

	KUNIT_EXPECT_EQ(test, take(&b, &TEN, START, 7), 0);
	before = atomic64_read(&b.full_ns);
	for (u32 i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, take(&b, &TEN, START, 4), NSEC_PER_SEC / 10);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b.full_ns), before);
	KUNIT_EXPECT_EQ(test, take(&b, &TEN, START, 3), 0);
}

static void what_it_says_is_when_it_may_be_taken(struct kunit *test)
{
	struct vexipc_bucket_flow flow = { 7, 3 * NSEC_PER_SEC };
	struct vexipc_bucket b = {};
	u64 now = START;

	for (u32 i = 0; i < 200; i++) {
		u32 units = 1 + get_random_u32_below(20);
		u64 cost = vexipc_bucket_cost(&flow, units);
		u64 wait = vexipc_bucket_wait(&b, now, cost, flow.burst_ns);

		if (wait) {
			KUNIT_EXPECT_EQ(test, take(&b, &flow, now + wait - 1, units), 1);
			now += wait;
		}
		KUNIT_EXPECT_EQ(test, take(&b, &flow, now, units), 0);
	}
}

static void larger_than_the_burst_goes_when_it_is_full(struct kunit *test)
{
	struct vexipc_bucket b = {};
	u64 now = START;

	KUNIT_EXPECT_EQ(test, take(&b, &TEN, now, 25), 0);
	/* And pays for all of it. */
	KUNIT_EXPECT_EQ(test, take(&b, &TEN, now, 1), 16ull * NSEC_PER_SEC / 10);
	KUNIT_EXPECT_EQ(test, take(&b, &TEN, now, 25), 25ull * NSEC_PER_SEC / 10);
	now += 25ull * NSEC_PER_SEC / 10;
	KUNIT_EXPECT_EQ(test, take(&b, &TEN, now, 25), 0);
}

static void rate_and_burst_change_at_once(struct kunit *test)
{
	struct vexipc_bucket_flow flow = TEN;
	struct vexipc_bucket b = {};

	KUNIT_EXPECT_EQ(test, take(&b, &flow, START, 10), 0);
	KUNIT_EXPECT_NE(test, take(&b, &flow, START, 1), 0);
	flow.burst_ns = 2 * NSEC_PER_SEC;
	KUNIT_EXPECT_EQ(test, take(&b, &flow, START, 10), 0);
	flow.rate = 1000;
	KUNIT_EXPECT_EQ(test, take(&b, &flow, START, 1), NSEC_PER_SEC / 1000);
}

static void given_back_can_be_taken_again(struct kunit *test)
{
	struct vexipc_bucket b = {};
	u64 cost = vexipc_bucket_cost(&TEN, 4);

	KUNIT_EXPECT_EQ(test, take(&b, &TEN, START, 6), 0);
	KUNIT_EXPECT_EQ(test, take(&b, &TEN, START, 4), 0);
	KUNIT_EXPECT_NE(test, take(&b, &TEN, START, 1), 0);
	vexipc_bucket_give(&b, cost);
	KUNIT_EXPECT_EQ(test, take(&b, &TEN, START, 4), 0);
	KUNIT_EXPECT_NE(test, take(&b, &TEN, START, 1), 0);
	/* Charged whether it was there or not, it is owed. */
	vexipc_bucket_charge(&b, START, cost);
	KUNIT_EXPECT_EQ(test, take(&b, &TEN, START, 1), 5ull * NSEC_PER_SEC / 10);
}

static void extremes_do_not_overflow(struct kunit *test)
{
	struct vexipc_bucket_flow slow = { 1, 3600ull * NSEC_PER_SEC };
	struct vexipc_bucket_flow fast = { U32_MAX, NSEC_PER_MSEC };
	struct vexipc_bucket b = {};

	KUNIT_EXPECT_EQ(test, vexipc_bucket_cost(&slow, U32_MAX), U32_MAX * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, vexipc_bucket_cost(&fast, U32_MAX), NSEC_PER_SEC);
	/* A byte costs something, however fast it goes. */
	KUNIT_EXPECT_EQ(test, vexipc_bucket_cost(&fast, 1), 1);
	KUNIT_EXPECT_EQ(test, take(&b, &slow, START, U32_MAX), 0);
	KUNIT_EXPECT_EQ(test, take(&b, &slow, START, U32_MAX), U32_MAX * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, take(&b, &slow, START, 1), (U32_MAX - 3599ull) * NSEC_PER_SEC);
}

/* In any time, no more than the burst and what the rate gives in it. */
static void never_more_than_rate_and_burst(struct kunit *test)
{
	struct vexipc_bucket b = {};
	u64 now = START, taken = 0;

	for (u32 i = 0; i < 5000; i++) {
		u32 units = 1 + get_random_u32_below(3);

		now += get_random_u32_below(NSEC_PER_SEC / 10);
		if (!take(&b, &TEN, now, units))
			taken += units;
		KUNIT_ASSERT_LE(test, taken, 10 + (now - START) / (NSEC_PER_SEC / 10));
	}
	/* And, there always being somebody who asks, nothing of it is lost. */
	KUNIT_EXPECT_GE(test, taken + 4, (now - START) / (NSEC_PER_SEC / 10));
}

enum { TAKERS = 6, TRIES = 2000, THERE = 5000 };

struct taker {
	struct vexipc_bucket *b;
	u32 taken;
};

static void take_many(void *data)
{
	static const struct vexipc_bucket_flow flow = { 1000, THERE / 1000 * NSEC_PER_SEC };
	struct taker *taker = data;

	for (u32 i = 0; i < TRIES; i++)
		taker->taken += !take(taker->b, &flow, START, 1);
}

static void those_who_take_at_once_get_what_is_there(struct kunit *test)
{
	struct vexipc_bucket b = {};
	struct taker takers[TAKERS];
	struct racer racers[TAKERS] = {};
	u32 taken = 0;

	for (u32 i = 0; i < TAKERS; i++) {
		takers[i] = (struct taker) { .b = &b };
		racers[i].run = take_many;
		racers[i].data = &takers[i];
	}
	race(test, racers, TAKERS);
	for (u32 i = 0; i < TAKERS; i++)
		taken += takers[i].taken;
	KUNIT_EXPECT_EQ(test, taken, THERE);
}

static struct kunit_case bucket_cases[] = {
	KUNIT_CASE(burst_then_rate),
	KUNIT_CASE(refusal_takes_nothing),
	KUNIT_CASE(what_it_says_is_when_it_may_be_taken),
	KUNIT_CASE(larger_than_the_burst_goes_when_it_is_full),
	KUNIT_CASE(rate_and_burst_change_at_once),
	KUNIT_CASE(given_back_can_be_taken_again),
	KUNIT_CASE(extremes_do_not_overflow),
	KUNIT_CASE(never_more_than_rate_and_burst),
	KUNIT_CASE(those_who_take_at_once_get_what_is_there),
	{}
};

static struct kunit_suite bucket_suite = {
	.name = "vexipc_bucket",
	.test_cases = bucket_cases,
};

kunit_test_suite(bucket_suite);
