// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "batch.h"
#include "protocol.h"

enum { ROOM = 32 << 10, DIMS = 3 };

/* struct items are bytes under construction. */
struct items {
	u32 len;
	u8 bytes[ROOM];
};

static struct items *new_items(struct kunit *test)
{
	struct items *items = kunit_kzalloc(test, sizeof(*items), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, items);
	return items;
}

static void add(struct items *items, const void *head, u32 head_len, u32 len)
{
	memcpy(items->bytes + items->len, head, head_len);
	items->len += head_len + len;
}

static void add_item(struct items *items, u32 announced, u32 len)
{
	struct vexipc_batch_item item = { .length = cpu_to_le32(announced) };

	add(items, &item, sizeof(item), len);
}

static void add_result(struct items *items, struct vexipc_batch_result result, u32 len)
{
	add(items, &result, sizeof(result), len);
}

static const struct vexipc_batch_result good_result = {
	.dimensions = cpu_to_le32(DIMS),
	.data_type = cpu_to_le32(VEXIPC_FLOAT32),
	.vector_bytes = cpu_to_le32(4 * DIMS),
};

static const struct vexipc_batch_result failed_result = {
	.error = cpu_to_le32(VEXIPC_ERR_TOO_LARGE),
};

static int check_results(const struct items *items, u32 count)
{
	return vexipc_batch_check_results(items->bytes, items->len, count, DIMS,
					  VEXIPC_FLOAT32);
}

static void items_that_add_up_are_taken(struct kunit *test)
{
	struct items *items = new_items(test);

	for (u32 count = 1; count <= VEXIPC_MAX_BATCH; count++) {
		add_item(items, 1 + count % 5, 1 + count % 5);
		KUNIT_ASSERT_EQ(test, vexipc_batch_check_items(items->bytes, items->len, count),
				0);
	}
	add_item(items, 1, 1);
	KUNIT_EXPECT_EQ(test, vexipc_batch_check_items(items->bytes, items->len,
						       VEXIPC_MAX_BATCH + 1), -EINVAL);
}

static void items_that_do_not_add_up_are_refused(struct kunit *test)
{
	struct items *items = new_items(test);

	add_item(items, 4, 4);
	add_item(items, 7, 7);
	KUNIT_EXPECT_EQ(test, vexipc_batch_check_items(items->bytes, items->len, 2), 0);
	for (u32 count = 0; count < 5; count++)
		if (count != 2)
			KUNIT_EXPECT_EQ(test, vexipc_batch_check_items(items->bytes, items->len,
								       count), -EINVAL);
	/* Cut off anywhere, or with something behind. */
	for (u32 len = 0; len < items->len + 20; len++)
		if (len != items->len)
			KUNIT_EXPECT_EQ_MSG(test, vexipc_batch_check_items(items->bytes, len, 2),
					    -EINVAL, "%u bytes", len);
}

static void items_with_bad_heads_are_refused(struct kunit *test)
{
	static const u32 lengths[] = { 0, 3, 5, U32_MAX, U32_MAX - 7, 1u << 31 };
	struct vexipc_batch_item reserved = {
		.length = cpu_to_le32(4),
		.reserved = cpu_to_le32(1),
	};
	struct items *items = new_items(test);

	for (u32 i = 0; i < ARRAY_SIZE(lengths); i++) {
		items->len = 0;
		add_item(items, lengths[i], 4);
		KUNIT_EXPECT_EQ_MSG(test, vexipc_batch_check_items(items->bytes, items->len, 1),
				    -EINVAL, "length %u", lengths[i]);
	}
	items->len = 0;
	add(items, &reserved, sizeof(reserved), 4);
	KUNIT_EXPECT_EQ(test, vexipc_batch_check_items(items->bytes, items->len, 1), -EINVAL);
}

static void results_that_fit_are_taken(struct kunit *test)
{
	struct vexipc_batch_result longer = good_result;
	struct items *items = new_items(test);

	add_result(items, good_result, 4 * DIMS);
	add_result(items, failed_result, 0);
	add_result(items, good_result, 4 * DIMS);
	KUNIT_EXPECT_EQ(test, check_results(items, 3), 0);

	/* Whoever asks for any dimensions may get different ones. */
	longer.dimensions = cpu_to_le32(DIMS + 1);
	longer.vector_bytes = cpu_to_le32(4 * (DIMS + 1));
	add_result(items, longer, 4 * (DIMS + 1));
	KUNIT_EXPECT_EQ(test, check_results(items, 4), -EPROTO);
	KUNIT_EXPECT_EQ(test, vexipc_batch_check_results(items->bytes, items->len, 4, 0,
							 VEXIPC_FLOAT32), 0);
}

static void results_that_do_not_add_up_are_refused(struct kunit *test)
{
	struct items *items = new_items(test);

	add_result(items, good_result, 4 * DIMS);
	add_result(items, failed_result, 0);
	KUNIT_EXPECT_EQ(test, check_results(items, 2), 0);
	for (u32 count = 0; count < 5; count++)
		if (count != 2)
			KUNIT_EXPECT_EQ(test, check_results(items, count), -EPROTO);
	for (u32 len = 0; len < 2 * sizeof(good_result) + 8 * DIMS; len++)
		if (len != items->len)
			KUNIT_EXPECT_EQ_MSG(test, vexipc_batch_check_results(items->bytes, len, 2,
									     DIMS, VEXIPC_FLOAT32),
					    -EPROTO, "%u bytes", len);
}

static void results_of_another_kind_are_refused(struct kunit *test)
{
	struct items *items = new_items(test);
	struct vexipc_batch_result bad;

#define REFUSED(like, field, value) do {				\
		bad = like;						\
		bad.field = cpu_to_le32(value);				\
		items->len = 0;						\
		add_result(items, bad, 4 * DIMS);			\
		KUNIT_EXPECT_EQ(test, check_results(items, 1), -EPROTO);	\
	} while (0)
	REFUSED(good_result, data_type, VEXIPC_INT8);
	REFUSED(good_result, data_type, VEXIPC_DATA_TYPES);
	REFUSED(good_result, dimensions, 0);
	REFUSED(good_result, dimensions, DIMS + 1);
	REFUSED(good_result, dimensions, VEXIPC_MAX_DIMENSIONS + 1);
	REFUSED(good_result, vector_bytes, 0);
	REFUSED(good_result, vector_bytes, 4 * DIMS - 1);
	REFUSED(good_result, vector_bytes, 4 * DIMS + 1);
	REFUSED(good_result, vector_bytes, U32_MAX);
	REFUSED(good_result, kind, VEXIPC_ERROR_RETRY);
	REFUSED(failed_result, kind, VEXIPC_ERROR_KINDS + 1);
	REFUSED(good_result, error, VEXIPC_ERR_TOO_LARGE);
	REFUSED(good_result, error, VEXIPC_ERRORS);
	REFUSED(failed_result, vector_bytes, 4 * DIMS);
#undef REFUSED
}

static struct kunit_case batch_cases[] = {
	KUNIT_CASE(items_that_add_up_are_taken),
	KUNIT_CASE(items_that_do_not_add_up_are_refused),
	KUNIT_CASE(items_with_bad_heads_are_refused),
	KUNIT_CASE(results_that_fit_are_taken),
	KUNIT_CASE(results_that_do_not_add_up_are_refused),
	KUNIT_CASE(results_of_another_kind_are_refused),
	{}
};

static struct kunit_suite batch_suite = {
	.name = "vexipc_batch",
	.test_cases = batch_cases,
};

kunit_test_suite(batch_suite);
