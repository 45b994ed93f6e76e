// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/prandom.h>
#include <linux/sort.h>

#include "histogram.h"

enum { VALUES = 2000 };

static struct vexipc_histogram *new_histogram(struct kunit *test)
{
	struct vexipc_histogram *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, h);
	return h;
}

static int compare(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

/* A percentile is the value of that rank, give or take a sixteenth. */
static void expect_percentiles(struct kunit *test, u32 *values, u32 count)
{
	static const u32 permilles[] = { 1, 10, 250, 500, 900, 990, 999, 1000 };
	struct vexipc_histogram *h = new_histogram(test);

	for (u32 i = 0; i < count; i++)
		vexipc_histogram_add(h, values[i]);
	sort(values, count, sizeof(*values), compare, NULL);
	for (u32 i = 0; i < ARRAY_SIZE(permilles); i++) {
		u64 rank = max(DIV_ROUND_UP((u64)count * permilles[i], 1000), 1ull);
		u32 exact = values[rank - 1];
		u32 found = vexipc_histogram_percentile(h, permilles[i]);

		KUNIT_EXPECT_LE_MSG(test, abs_diff(found, exact), exact / 16,
				    "%u permille of %u: %u for %u", permilles[i], count, found,
				    exact);
	}
}

static void percentiles_are_within_a_sixteenth(struct kunit *test)
{
	u32 *values = kunit_kmalloc_array(test, VALUES, sizeof(*values), GFP_KERNEL);
	struct rnd_state random;

	KUNIT_ASSERT_NOT_NULL(test, values);
	prandom_seed_state(&random, 1);
	/* Values of every magnitude, then of each magnitude alone. */
	for (u32 i = 0; i < VALUES; i++) {
		u32 value = prandom_u32_state(&random);

		values[i] = value >> prandom_u32_state(&random) % 32;
	}
	expect_percentiles(test, values, VALUES);
	for (u32 bits = 1; bits <= 32; bits++) {
		for (u32 i = 0; i < 100; i++)
			values[i] = prandom_u32_state(&random) >> (32 - bits);
		expect_percentiles(test, values, 100);
	}
}

static void every_single_value_is_its_own_percentile(struct kunit *test)
{
	for (u32 bit = 0; bit < 32; bit++) {
		for (int off = -1; off <= 1; off++) {
			u32 value = (1u << bit) + off;

			expect_percentiles(test, &value, 1);
		}
	}
}

static void small_values_are_exact(struct kunit *test)
{
	for (u32 value = 0; value < 16; value++) {
		struct vexipc_histogram *h = new_histogram(test);

		vexipc_histogram_add(h, value);
		KUNIT_EXPECT_EQ(test, vexipc_histogram_percentile(h, 1), value);
		KUNIT_EXPECT_EQ(test, vexipc_histogram_percentile(h, 1000), value);
	}
}

static void buckets_grow_with_the_value(struct kunit *test)
{
	struct vexipc_histogram *h = new_histogram(test);
	u32 last = 0;

	for (u64 value = 1; value <= U32_MAX; value += value / 32 + 1) {
		u32 found;

		memset(h, 0, sizeof(*h));
		vexipc_histogram_add(h, value);
		found = vexipc_histogram_percentile(h, 500);
		KUNIT_EXPECT_GE(test, found, last);
		last = found;
	}
}

static void empty_histogram_has_no_percentiles(struct kunit *test)
{
	struct vexipc_histogram *h = new_histogram(test);

	KUNIT_EXPECT_EQ(test, vexipc_histogram_percentile(h, 500), 0);
	KUNIT_EXPECT_EQ(test, vexipc_histogram_percentile(h, 1000), 0);
}

static struct kunit_case histogram_cases[] = {
	KUNIT_CASE(percentiles_are_within_a_sixteenth),
	KUNIT_CASE(every_single_value_is_its_own_percentile),
	KUNIT_CASE(small_values_are_exact),
	KUNIT_CASE(buckets_grow_with_the_value),
	KUNIT_CASE(empty_histogram_has_no_percentiles),
	{}
};

static struct kunit_suite histogram_suite = {
	.name = "vexipc_histogram",
	.test_cases = histogram_cases,
};

kunit_test_suite(histogram_suite);
