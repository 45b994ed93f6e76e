// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "slots.h"
#include "spec.h"

static const char models[] = "use-lite\0mini\0";
static const char metadata[] = "rack=7\0owner=search team\0";

static const struct vexipc_service_spec good = {
	.id = "a",
	.id_len = 1,
};

static const struct vexipc_service_spec rich = {
	.id = "embed-1",
	.id_len = 7,
	.endpoint = "local",
	.endpoint_len = 5,
	.models = models,
	.models_len = sizeof(models) - 1,
	.metadata = metadata,
	.metadata_len = sizeof(metadata) - 1,
	.data_types = 1 << VEXIPC_FLOAT32 | 1 << VEXIPC_INT8,
	.dimensions_count = 2,
	.dimensions = { 384, 512 },
};

static struct vexipc_service_spec *new_spec(struct kunit *test)
{
	struct vexipc_service_spec *spec = kunit_kzalloc(test, sizeof(*spec), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, spec);
	*spec = good;
	return spec;
}

static char *letters(struct kunit *test, u32 len)
{
	char *s = kunit_kmalloc(test, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	memset(s, 'x', len);
	return s;
}

static void zeros_become_defaults(struct kunit *test)
{
	struct vexipc_service_spec *spec = new_spec(test);

	KUNIT_ASSERT_EQ(test, vexipc_spec_check(spec), 0);
	KUNIT_EXPECT_EQ(test, spec->data_types, 1 << VEXIPC_FLOAT32);
	KUNIT_EXPECT_EQ(test, spec->max_batch, 1);
	KUNIT_EXPECT_EQ(test, spec->priority, 128);
	KUNIT_EXPECT_EQ(test, spec->weight, 100);
	KUNIT_EXPECT_EQ(test, spec->max_concurrent, 0);
	/* One without a name goes by its id. */
	KUNIT_ASSERT_EQ(test, spec->name_len, 1);
	KUNIT_EXPECT_EQ(test, spec->name[0], 'a');
}

static void what_is_told_stays(struct kunit *test)
{
	struct vexipc_service_spec *spec = new_spec(test);

	*spec = rich;
	spec->name = "Embedder";
	spec->name_len = 8;
	spec->max_batch = 32;
	spec->priority = 1;
	spec->weight = 7;
	spec->max_concurrent = 5;
	KUNIT_ASSERT_EQ(test, vexipc_spec_check(spec), 0);
	KUNIT_EXPECT_EQ(test, spec->data_types, rich.data_types);
	KUNIT_EXPECT_EQ(test, spec->max_batch, 32);
	KUNIT_EXPECT_EQ(test, spec->priority, 1);
	KUNIT_EXPECT_EQ(test, spec->weight, 7);
	KUNIT_EXPECT_EQ(test, spec->max_concurrent, 5);
	KUNIT_EXPECT_MEMEQ(test, spec->name, "Embedder", 8);
}

static void numbers_have_limits(struct kunit *test)
{
	static const struct {
		size_t field;
		u32 value;
		int err;
	} cases[] = {
#define FIELD(name_) offsetof(struct vexipc_service_spec, name_)
		{ FIELD(max_batch), VEXIPC_MAX_BATCH, 0 },
		{ FIELD(max_batch), VEXIPC_MAX_BATCH + 1, -ERANGE },
		{ FIELD(priority), 255, 0 },
		{ FIELD(priority), 256, -ERANGE },
		{ FIELD(weight), 1000, 0 },
		{ FIELD(weight), 1001, -ERANGE },
		{ FIELD(max_concurrent), VEXIPC_MAX_REQUESTS, 0 },
		{ FIELD(max_concurrent), VEXIPC_MAX_REQUESTS + 1, -ERANGE },
		{ FIELD(data_types), (1u << VEXIPC_DATA_TYPES) - 1, 0 },
		{ FIELD(data_types), 1u << VEXIPC_DATA_TYPES, -EINVAL },
		{ FIELD(data_types), 1u << 31, -EINVAL },
		{ FIELD(transport), VEXIPC_TRANSPORT_RING, 0 },
		{ FIELD(transport), VEXIPC_TRANSPORTS, -EINVAL },
		{ FIELD(flags), 1, -EOPNOTSUPP },
		{ FIELD(token_len), 1, 0 },
		{ FIELD(token_len), VEXIPC_MAX_TOKEN + 1, -EINVAL },
		{ FIELD(id_len), 0, -EINVAL },
#undef FIELD
	};
	struct vexipc_service_spec *spec = new_spec(test);

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		*spec = good;
		*(u32 *)((char *)spec + cases[i].field) = cases[i].value;
		KUNIT_EXPECT_EQ_MSG(test, vexipc_spec_check(spec), cases[i].err, "case %u", i);
	}
}

static void dimensions_have_limits(struct kunit *test)
{
	struct vexipc_service_spec *spec = new_spec(test);

	spec->dimensions_count = VEXIPC_MAX_SERVICE_DIMENSIONS;
	for (u32 i = 0; i < VEXIPC_MAX_SERVICE_DIMENSIONS; i++)
		spec->dimensions[i] = i ? VEXIPC_MAX_DIMENSIONS : 1;
	KUNIT_EXPECT_EQ(test, vexipc_spec_check(spec), 0);
	spec->dimensions[VEXIPC_MAX_SERVICE_DIMENSIONS - 1] = VEXIPC_MAX_DIMENSIONS + 1;
	KUNIT_EXPECT_EQ(test, vexipc_spec_check(spec), -ERANGE);
	spec->dimensions[VEXIPC_MAX_SERVICE_DIMENSIONS - 1] = 0;
	KUNIT_EXPECT_EQ(test, vexipc_spec_check(spec), -ERANGE);
	spec->dimensions_count = VEXIPC_MAX_SERVICE_DIMENSIONS + 1;
	KUNIT_EXPECT_EQ(test, vexipc_spec_check(spec), -EINVAL);
	spec->dimensions_count = U32_MAX;
	KUNIT_EXPECT_EQ(test, vexipc_spec_check(spec), -EINVAL);
}

/* A spec whose one string has so many bytes of @s. */
static int check_with(struct vexipc_service_spec *spec, size_t string, size_t string_len,
		      const char *s, u32 len)
{
	*spec = good;
	*(const char **)((char *)spec + string) = s;
	*(u32 *)((char *)spec + string_len) = len;
	return vexipc_spec_check(spec);
}

static void strings_have_limits(struct kunit *test)
{
	static const struct {
		size_t string, len;
		u32 max;
	} names[] = {
#define FIELD(name_) offsetof(struct vexipc_service_spec, name_)
		{ FIELD(id), FIELD(id_len), VEXIPC_MAX_NAME },
		{ FIELD(name), FIELD(name_len), VEXIPC_MAX_NAME },
		{ FIELD(software_version), FIELD(software_version_len), VEXIPC_MAX_NAME },
		{ FIELD(endpoint), FIELD(endpoint_len), VEXIPC_MAX_ENDPOINT },
#undef FIELD
	};
	struct vexipc_service_spec *spec = new_spec(test);
	char *s = letters(test, VEXIPC_MAX_ENDPOINT + 1);

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		size_t string = names[i].string, len = names[i].len;

		KUNIT_EXPECT_EQ(test, check_with(spec, string, len, s, names[i].max), 0);
		KUNIT_EXPECT_EQ(test, check_with(spec, string, len, s, names[i].max + 1),
				-EINVAL);
		KUNIT_EXPECT_EQ(test, check_with(spec, string, len, "a\nb", 3), -EILSEQ);
		KUNIT_EXPECT_EQ(test, check_with(spec, string, len, "a\0b", 3), -EILSEQ);
	}
}

static void lists_have_limits(struct kunit *test)
{
	struct vexipc_service_spec *spec = new_spec(test);
	char *s = letters(test, VEXIPC_MAX_METADATA_LEN + 1);

	spec->models = s;
	s[VEXIPC_MAX_MODELS_LEN - 1] = '\0';
	spec->models_len = VEXIPC_MAX_MODELS_LEN;
	KUNIT_EXPECT_EQ(test, vexipc_spec_check(spec), 0);
	spec->models_len = VEXIPC_MAX_MODELS_LEN - 1;
	KUNIT_EXPECT_EQ(test, vexipc_spec_check(spec), -EINVAL);
	s[VEXIPC_MAX_MODELS_LEN - 1] = 'x';
	s[VEXIPC_MAX_MODELS_LEN] = '\0';
	spec->models_len = VEXIPC_MAX_MODELS_LEN + 1;
	KUNIT_EXPECT_EQ(test, vexipc_spec_check(spec), -EINVAL);
	s[VEXIPC_MAX_MODELS_LEN] = 'x';

	*spec = good;
	spec->metadata = s;
	s[1] = '=';
	s[VEXIPC_MAX_METADATA_LEN - 1] = '\0';
	spec->metadata_len = VEXIPC_MAX_METADATA_LEN;
	KUNIT_EXPECT_EQ(test, vexipc_spec_check(spec), 0);
	s[1] = 'x';
	KUNIT_EXPECT_EQ(test, vexipc_spec_check(spec), -EINVAL);
	s[1] = '=';
	s[VEXIPC_MAX_METADATA_LEN - 1] = 'x';
	s[VEXIPC_MAX_METADATA_LEN] = '\0';
	spec->metadata_len = VEXIPC_MAX_METADATA_LEN + 1;
	KUNIT_EXPECT_EQ(test, vexipc_spec_check(spec), -EINVAL);
}

static bool matches(u32 dimensions, u32 data_types, const char *model)
{
	return vexipc_spec_matches(&rich, dimensions, data_types, model,
				   model ? strlen(model) : 0);
}

static void service_matches_what_it_can_do(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, matches(0, 0, NULL));
	KUNIT_EXPECT_TRUE(test, matches(384, 0, NULL));
	KUNIT_EXPECT_TRUE(test, matches(512, 0, NULL));
	KUNIT_EXPECT_FALSE(test, matches(385, 0, NULL));
	KUNIT_EXPECT_TRUE(test, matches(0, 1 << VEXIPC_INT8, NULL));
	KUNIT_EXPECT_TRUE(test, matches(0, 1 << VEXIPC_FLOAT32 | 1 << VEXIPC_INT8, NULL));
	/* All of them, not one of them. */
	KUNIT_EXPECT_FALSE(test, matches(0, 1 << VEXIPC_FLOAT16 | 1 << VEXIPC_INT8, NULL));
	KUNIT_EXPECT_TRUE(test, matches(0, 0, "use-lite"));
	KUNIT_EXPECT_TRUE(test, matches(0, 0, "mini"));
	KUNIT_EXPECT_FALSE(test, matches(0, 0, "min"));
	KUNIT_EXPECT_FALSE(test, matches(0, 0, "mini2"));
	KUNIT_EXPECT_FALSE(test, matches(0, 0, "lite"));
	KUNIT_EXPECT_TRUE(test, matches(512, 1 << VEXIPC_INT8, "mini"));
	KUNIT_EXPECT_FALSE(test, matches(513, 1 << VEXIPC_INT8, "mini"));
	/* A name with a NUL inside is not two names. */
	KUNIT_EXPECT_FALSE(test, vexipc_spec_matches(&rich, 0, 0, models, 13));
}

static void service_without_dimensions_takes_any(struct kunit *test)
{
	struct vexipc_service_spec *spec = new_spec(test);

	KUNIT_ASSERT_EQ(test, vexipc_spec_check(spec), 0);
	KUNIT_EXPECT_TRUE(test, vexipc_spec_matches(spec, 1, 0, NULL, 0));
	KUNIT_EXPECT_TRUE(test, vexipc_spec_matches(spec, VEXIPC_MAX_DIMENSIONS, 0, NULL, 0));
	/* One without models has none, not all. */
	KUNIT_EXPECT_FALSE(test, vexipc_spec_matches(spec, 0, 0, "mini", 4));
}

static void text_has_all_that_is_not_in_entries(struct kunit *test)
{
	static const char expected[] =
		"endpoint=local\0model=use-lite\0model=mini\0rack=7\0owner=search team";
	u32 len = sizeof(expected);
	char *text = letters(test, len + 1);

	KUNIT_EXPECT_EQ(test, vexipc_spec_text(&rich, NULL, 0), len);
	KUNIT_EXPECT_EQ(test, vexipc_spec_text(&rich, text, len), len);
	KUNIT_EXPECT_MEMEQ(test, text, expected, len);
	KUNIT_EXPECT_EQ(test, text[len], 'x');
	KUNIT_EXPECT_EQ(test, vexipc_spec_text(&good, NULL, 0), 0);
}

static void text_without_room_keeps_to_its_bounds(struct kunit *test)
{
	u32 len = vexipc_spec_text(&rich, NULL, 0);

	for (u32 room = 0; room < len; room++) {
		char *text = letters(test, len);

		KUNIT_EXPECT_EQ(test, vexipc_spec_text(&rich, text, room), len);
		for (u32 i = room; i < len; i++)
			if (text[i] != 'x')
				KUNIT_FAIL(test, "byte %u of room %u", i, room);
	}
}

static struct kunit_case spec_cases[] = {
	KUNIT_CASE(zeros_become_defaults),
	KUNIT_CASE(what_is_told_stays),
	KUNIT_CASE(numbers_have_limits),
	KUNIT_CASE(dimensions_have_limits),
	KUNIT_CASE(strings_have_limits),
	KUNIT_CASE(lists_have_limits),
	KUNIT_CASE(service_matches_what_it_can_do),
	KUNIT_CASE(service_without_dimensions_takes_any),
	KUNIT_CASE(text_has_all_that_is_not_in_entries),
	KUNIT_CASE(text_without_room_keeps_to_its_bounds),
	{}
};

static struct kunit_suite spec_suite = {
	.name = "vexipc_spec",
	.test_cases = spec_cases,
};

kunit_test_suite(spec_suite);
