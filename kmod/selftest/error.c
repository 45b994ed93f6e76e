// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "error.h"

static void every_error_has_an_errno_of_its_own(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vexipc_error_errno(VEXIPC_OK), 0);
	for (u32 i = 1; i < VEXIPC_ERRORS; i++) {
		int err = vexipc_error_errno(i);

		KUNIT_EXPECT_LT_MSG(test, err, 0, "error %u", i);
		KUNIT_EXPECT_GE_MSG(test, err, -MAX_ERRNO, "error %u", i);
		/* One that user space never sees has no place in an ABI. */
		KUNIT_EXPECT_GT_MSG(test, err, -512, "error %u", i);
		for (u32 other = 0; other < i; other++)
			KUNIT_EXPECT_NE_MSG(test, vexipc_error_errno(other), err,
					    "errors %u and %u", other, i);
	}
}

static void every_error_is_found_by_its_errno(struct kunit *test)
{
	for (u32 i = 0; i < VEXIPC_ERRORS; i++)
		KUNIT_EXPECT_EQ(test, (u32)vexipc_error_from_errno(vexipc_error_errno(i)), i);
}

static void every_error_has_a_class_and_a_name_of_its_own(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vexipc_error_class(VEXIPC_OK), VEXFS_OK);
	for (u32 i = 0; i < VEXIPC_ERRORS; i++) {
		const char *name = vexipc_error_name(i);

		KUNIT_ASSERT_NOT_NULL_MSG(test, name, "error %u", i);
		KUNIT_EXPECT_NE_MSG(test, name[0], '\0', "error %u", i);
		for (u32 other = 0; other < i; other++)
			KUNIT_EXPECT_STRNEQ(test, vexipc_error_name(other), name);
		if (!i)
			continue;
		KUNIT_EXPECT_GT_MSG(test, vexipc_error_class(i), VEXFS_OK, "error %u", i);
		KUNIT_EXPECT_LT_MSG(test, vexipc_error_class(i), VEXFS_ERRORS, "error %u", i);
	}
}

static void some_rows_are_as_published(struct kunit *test)
{
	static const struct {
		enum vexipc_error error;
		int err;
		enum vexfs_error class;
	} rows[] = {
		{ VEXIPC_ERR_NO_CAPABLE_SERVICE, -ENODEV, VEXFS_ERR_UNAVAILABLE },
		{ VEXIPC_ERR_QUEUE_FULL, -ENOBUFS, VEXFS_ERR_EXHAUSTED },
		{ VEXIPC_ERR_TIMED_OUT, -ETIMEDOUT, VEXFS_ERR_TIMED_OUT },
		{ VEXIPC_ERR_CANCELLED, -ECANCELED, VEXFS_ERR_CANCELLED },
		{ VEXIPC_ERR_BAD_ANSWER, -EPROTO, VEXFS_ERR_PROTOCOL },
		{ VEXIPC_ERR_NO_SUCH_REQUEST, -ESRCH, VEXFS_ERR_NOT_FOUND },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		KUNIT_EXPECT_EQ(test, vexipc_error_errno(rows[i].error), rows[i].err);
		KUNIT_EXPECT_EQ(test, vexipc_error_class(rows[i].error), rows[i].class);
	}
}

static void strangers_are_mapped_to_something(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vexipc_error_from_errno(-EXDEV), VEXIPC_ERR_TRANSPORT);
	KUNIT_EXPECT_EQ(test, vexipc_error_from_errno(EINVAL), VEXIPC_ERR_TRANSPORT);
	/* Numbers from user space, which may know more errors than we do. */
	KUNIT_EXPECT_EQ(test, vexipc_error_errno(VEXIPC_ERRORS), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, vexipc_error_errno((enum vexipc_error)U32_MAX), -EREMOTEIO);
	KUNIT_EXPECT_STREQ(test, vexipc_error_name((enum vexipc_error)U32_MAX),
			   vexipc_error_name(VEXIPC_ERR_SERVICE_FAILED));
}

static struct kunit_case error_cases[] = {
	KUNIT_CASE(every_error_has_an_errno_of_its_own),
	KUNIT_CASE(every_error_is_found_by_its_errno),
	KUNIT_CASE(every_error_has_a_class_and_a_name_of_its_own),
	KUNIT_CASE(some_rows_are_as_published),
	KUNIT_CASE(strangers_are_mapped_to_something),
	{}
};

static struct kunit_suite error_suite = {
	.name = "vexipc_error",
	.test_cases = error_cases,
};

kunit_test_suite(error_suite);
