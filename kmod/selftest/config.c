// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/errno.h>

#include "config.h"
#include "fixture.h"

static bool built(u32 field, u64 value)
{
	switch (field) {
	case VEXIPC_CONFIG_ENABLE_ENCRYPTION:
	case VEXIPC_CONFIG_ENABLE_COMPRESSION:
		return !value;
	default:
		return true;
	}
}

static void every_field_has_its_range(struct kunit *test)
{
	for (u32 field = 1; field <= VEXIPC_CONFIG_MAX; field++) {
		const struct vexipc_config_row *row = vexipc_config_row(field);

		KUNIT_ASSERT_NOT_NULL(test, row);
		KUNIT_EXPECT_LE(test, row->min, row->initial);
		KUNIT_EXPECT_LE(test, row->initial, row->max);
		KUNIT_EXPECT_EQ_MSG(test, vexipc_config_check(field, row->initial), 0,
				    "field %u", field);
		KUNIT_EXPECT_EQ_MSG(test, vexipc_config_check(field, row->min), 0,
				    "field %u", field);
		KUNIT_EXPECT_EQ_MSG(test, vexipc_config_check(field, row->max),
				    built(field, row->max) ? 0 : -EOPNOTSUPP,
				    "field %u", field);
		KUNIT_EXPECT_EQ_MSG(test, vexipc_config_check(field, (u64)row->max + 1),
				    -ERANGE, "field %u", field);
		KUNIT_EXPECT_EQ_MSG(test, vexipc_config_check(field, (u64)row->min - 1),
				    -ERANGE, "field %u", field);
		/* What fits only when it is cut to 32 bits does not fit. */
		KUNIT_EXPECT_EQ_MSG(test, vexipc_config_check(field, 1ull << 32 | row->initial),
				    -ERANGE, "field %u", field);
	}
}

static void unknown_fields_are_refused(struct kunit *test)
{
	static const u32 fields[] = { VEXIPC_CONFIG_UNSPEC, VEXIPC_CONFIG_MAX + 1, U32_MAX };

	for (u32 i = 0; i < ARRAY_SIZE(fields); i++) {
		KUNIT_EXPECT_NULL(test, vexipc_config_row(fields[i]));
		KUNIT_EXPECT_EQ(test, vexipc_config_check(fields[i], 1), -ENOENT);
	}
}

static void what_is_not_built_is_refused(struct kunit *test)
{
	for (u32 field = 1; field <= VEXIPC_CONFIG_MAX; field++) {
		const struct vexipc_config_row *row = vexipc_config_row(field);

		if (row->max > 16)
			continue;
		for (u32 value = row->min; value <= row->max; value++)
			KUNIT_EXPECT_EQ_MSG(test, vexipc_config_check(field, value),
					    built(field, value) ? 0 : -EOPNOTSUPP,
					    "field %u, value %u", field, value);
	}
}

static void settings_begin_with_the_defaults(struct kunit *test)
{
	struct vexipc_settings settings = {};

	vexipc_config_init(&settings);
	for (u32 field = 1; field <= VEXIPC_CONFIG_MAX; field++)
		KUNIT_EXPECT_EQ(test, vexipc_setting(&settings, field),
				vexipc_config_row(field)->initial);
}

static void write_changes_all(struct kunit *test)
{
	static const struct vexipc_config_entry entries[] = {
		{ .field = VEXIPC_CONFIG_MAX_QUEUE_SIZE, .value = 17 },
		{ .field = VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, .value = 0 },
		{ .field = VEXIPC_CONFIG_MAX_QUEUE_SIZE, .value = 18 },
	};
	struct fixture *f = test->priv;
	u32 refused = 99;

	KUNIT_EXPECT_EQ(test, vexipc_config_write(f->inst, entries, ARRAY_SIZE(entries),
						  &refused), 0);
	KUNIT_EXPECT_EQ(test, refused, 99);
	KUNIT_EXPECT_EQ(test, vexipc_config(f->inst, VEXIPC_CONFIG_MAX_QUEUE_SIZE), 18);
	KUNIT_EXPECT_EQ(test, vexipc_config(f->inst, VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS), 0);
}

static void write_changes_nothing_if_one_is_refused(struct kunit *test)
{
	static const struct {
		u32 field;
		u64 value;
		int err;
	} bad[] = {
		{ VEXIPC_CONFIG_REQUEST_TIMEOUT_MS, 0, -ERANGE },
		{ VEXIPC_CONFIG_ENABLE_ENCRYPTION, 1, -EOPNOTSUPP },
		{ VEXIPC_CONFIG_MAX + 1, 1, -ENOENT },
	};
	struct fixture *f = test->priv;
	struct vexipc_settings before = f->inst->settings;

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vexipc_config_entry entries[] = {
			{ .field = VEXIPC_CONFIG_MAX_QUEUE_SIZE, .value = 17 },
			{ .field = bad[i].field, .value = bad[i].value },
			{ .field = VEXIPC_CONFIG_MAX_RETRIES, .value = 1000 },
		};
		u32 refused = 99;

		KUNIT_EXPECT_EQ(test, vexipc_config_write(f->inst, entries,
							  ARRAY_SIZE(entries), &refused),
				bad[i].err);
		KUNIT_EXPECT_EQ(test, refused, 1);
		KUNIT_EXPECT_MEMEQ(test, &f->inst->settings, &before, sizeof(before));
	}
}

static struct kunit_case config_cases[] = {
	KUNIT_CASE(every_field_has_its_range),
	KUNIT_CASE(unknown_fields_are_refused),
	KUNIT_CASE(what_is_not_built_is_refused),
	KUNIT_CASE(settings_begin_with_the_defaults),
	KUNIT_CASE(write_changes_all),
	KUNIT_CASE(write_changes_nothing_if_one_is_refused),
	{}
};

static struct kunit_suite config_suite = {
	.name = "vexipc_config",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = config_cases,
};

kunit_test_suite(config_suite);
