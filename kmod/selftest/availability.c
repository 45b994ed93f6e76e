// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/math64.h>
#include <linux/prandom.h>
#include <linux/time64.h>

#include "availability.h"

enum { CHANGES = 200 };

static const u64 span_ns[VEXIPC_AVAILABILITY_SPANS] = {
	[VEXIPC_AVAILABILITY_MINUTE]	= 60ull * NSEC_PER_SEC,
	[VEXIPC_AVAILABILITY_HOUR]	= 3600ull * NSEC_PER_SEC,
	[VEXIPC_AVAILABILITY_DAY]	= 86400ull * NSEC_PER_SEC,
};

/*
 * struct life keeps every change, where the module keeps 60 parts of a span:
 * change[i] is when it went up (i even) or down.
 */
struct life {
	struct vexipc_availability a;
	u64 since;
	u64 change[CHANGES];
	u32 changes;
};

static struct life *new_life(struct kunit *test, u64 since)
{
	struct life *life = kunit_kzalloc(test, sizeof(*life), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, life);
	life->since = since;
	vexipc_availability_init(&life->a, since);
	return life;
}

static void change(struct life *life, u64 now)
{
	vexipc_availability_set(&life->a, now, life->changes % 2 == 0);
	life->change[life->changes++] = now;
}

/* The share of the span's current part, however young it is, and the 59 before. */
static u32 share_by_definition(const struct life *life, u64 now, int span)
{
	u64 part = div_u64(span_ns[span], VEXIPC_AVAILABILITY_PARTS);
	u64 parts = div64_u64(now, part) + 1, begin = life->since, up = 0;

	if (parts > VEXIPC_AVAILABILITY_PARTS)
		begin = max(begin, (parts - VEXIPC_AVAILABILITY_PARTS) * part);
	for (u32 i = 0; i < life->changes; i += 2) {
		u64 from = max(life->change[i], begin);
		u64 to = i + 1 < life->changes ? life->change[i + 1] : now;

		if (to > from)
			up += to - from;
	}
	return div64_u64(up * 10000, now - begin);
}

static void expect_shares(struct kunit *test, struct life *life, u64 now)
{
	for (int span = 0; span < VEXIPC_AVAILABILITY_SPANS; span++)
		KUNIT_EXPECT_EQ_MSG(test, vexipc_availability_share(&life->a, now, span),
				    share_by_definition(life, now, span),
				    "span %d, %llu ns old, at %llu ns", span,
				    now - life->since, now);
}

static void new_one_is_what_it_is(struct kunit *test)
{
	struct life *life = new_life(test, 12345);

	for (int span = 0; span < VEXIPC_AVAILABILITY_SPANS; span++)
		KUNIT_EXPECT_EQ(test, vexipc_availability_share(&life->a, 12345, span), 0);
	change(life, 12345);
	for (int span = 0; span < VEXIPC_AVAILABILITY_SPANS; span++)
		KUNIT_EXPECT_EQ(test, vexipc_availability_share(&life->a, 12345, span), 10000);
}

static void young_one_is_measured_by_its_age(struct kunit *test)
{
	u64 since = 100 * NSEC_PER_SEC + 7;
	struct life *life = new_life(test, since);

	change(life, since);
	expect_shares(test, life, since + 1);
	change(life, since + 3 * NSEC_PER_SEC);
	expect_shares(test, life, since + 4 * NSEC_PER_SEC);
	for (int span = 0; span < VEXIPC_AVAILABILITY_SPANS; span++)
		KUNIT_EXPECT_EQ(test, vexipc_availability_share(&life->a,
								since + 4 * NSEC_PER_SEC, span),
				7500);
}

static void outage_leaves_the_minute_after_a_minute(struct kunit *test)
{
	u64 since = 5 * NSEC_PER_SEC + 1, now = since + 300 * NSEC_PER_SEC;
	struct life *life = new_life(test, since);

	change(life, since);
	change(life, now);
	change(life, now + 6 * NSEC_PER_SEC);
	for (u32 s = 6; s < 200; s++)
		expect_shares(test, life, now + s * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, vexipc_availability_share(&life->a, now + 200 * NSEC_PER_SEC,
							VEXIPC_AVAILABILITY_MINUTE), 10000);
	KUNIT_EXPECT_LT(test, vexipc_availability_share(&life->a, now + 200 * NSEC_PER_SEC,
							VEXIPC_AVAILABILITY_HOUR), 10000);
}

static void long_gaps_count_whole(struct kunit *test)
{
	static const u64 gaps_s[] = { 59, 60, 61, 3599, 3600, 3661, 86399, 86401, 864000 };
	u64 now = 17 * NSEC_PER_SEC + 17;
	struct life *life = new_life(test, now);

	for (u32 i = 0; i < ARRAY_SIZE(gaps_s); i++) {
		change(life, now);
		expect_shares(test, life, now + 1);
		now += gaps_s[i] * NSEC_PER_SEC;
		expect_shares(test, life, now);
		now += 3;
	}
}

static void part_that_has_just_ended_counts_once(struct kunit *test)
{
	u64 now = 1000ull * 86400 * NSEC_PER_SEC;
	struct life *life = new_life(test, now);

	/* Up for one part, then down: looked at on each boundary. */
	change(life, now);
	change(life, now + NSEC_PER_SEC);
	for (u32 s = 2; s < 130; s++)
		expect_shares(test, life, now + s * NSEC_PER_SEC);
	/* From boundary to boundary, over more than all parts. */
	now += 300 * NSEC_PER_SEC;
	change(life, now);
	for (u32 s = 58; s < 63; s++) {
		now += s * NSEC_PER_SEC;
		expect_shares(test, life, now);
	}
}

static void any_life_has_its_shares(struct kunit *test)
{
	struct rnd_state random;

	prandom_seed_state(&random, 2);
	for (u32 run = 0; run < 10; run++) {
		u64 now = prandom_u32_state(&random);
		struct life *life = new_life(test, now);

		while (life->changes < CHANGES) {
			u32 bits = 20 + prandom_u32_state(&random) % 26;

			/* From a millisecond to some hours. */
			now += 1 + ((u64)prandom_u32_state(&random) << 14 >> (46 - bits));
			change(life, now);
			now += prandom_u32_state(&random);
			expect_shares(test, life, now);
		}
	}
}

static void time_that_stands_still_changes_nothing(struct kunit *test)
{
	u64 since = 3 * NSEC_PER_SEC + 5;
	struct life *life = new_life(test, since);

	change(life, since);
	expect_shares(test, life, since + NSEC_PER_SEC);
	expect_shares(test, life, since + NSEC_PER_SEC);
	/* One that was read on another CPU a moment ago. */
	KUNIT_EXPECT_EQ(test, vexipc_availability_share(&life->a, since,
							VEXIPC_AVAILABILITY_MINUTE), 10000);
}

static struct kunit_case availability_cases[] = {
	KUNIT_CASE(new_one_is_what_it_is),
	KUNIT_CASE(young_one_is_measured_by_its_age),
	KUNIT_CASE(outage_leaves_the_minute_after_a_minute),
	KUNIT_CASE(long_gaps_count_whole),
	KUNIT_CASE(part_that_has_just_ended_counts_once),
	KUNIT_CASE(any_life_has_its_shares),
	KUNIT_CASE(time_that_stands_still_changes_nothing),
	{}
};

static struct kunit_suite availability_suite = {
	.name = "vexipc_availability",
	.test_cases = availability_cases,
};

kunit_test_suite(availability_suite);
