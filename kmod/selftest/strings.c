// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "protocol.h"

static u32 encode(u32 code, u8 *to)
{
	if (code < 0x80) {
		to[0] = code;
		return 1;
	}
	if (code < 0x800) {
		to[0] = 0xc0 | code >> 6;
		to[1] = 0x80 | (code & 0x3f);
		return 2;
	}
	if (code < 0x10000) {
		to[0] = 0xe0 | code >> 12;
		to[1] = 0x80 | (code >> 6 & 0x3f);
		to[2] = 0x80 | (code & 0x3f);
		return 3;
	}
	to[0] = 0xf0 | code >> 18;
	to[1] = 0x80 | (code >> 12 & 0x3f);
	to[2] = 0x80 | (code >> 6 & 0x3f);
	to[3] = 0x80 | (code & 0x3f);
	return 4;
}

static bool fit(u32 code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

static void every_character_but_controls_and_surrogates_is_taken(struct kunit *test)
{
	u32 step = 1;
	u8 s[4];

	for (u32 code = 0; code < 0x200000; code += step) {
		int expected = fit(code) ? 0 : -EILSEQ;
		u32 len = encode(code, s);

		if (vexipc_string_check(s, len) != expected)
			KUNIT_FAIL(test, "U+%04X", code);
		/* Both ends of every plane, and some between. */
		step = code >= 0x3000 && ((code + 8) & 0xffff) > 16 ? 7 : 1;
	}
}

static void every_pair_of_bytes_is_judged(struct kunit *test)
{
	for (u32 pair = 0; pair < 0x10000; pair++) {
		u8 s[2] = { pair >> 8, pair };
		bool ascii = fit(s[0]) && fit(s[1]) && s[0] < 0x80 && s[1] < 0x80;
		bool two = s[0] >= 0xc2 && s[0] <= 0xdf && (s[1] & 0xc0) == 0x80 &&
			   fit((s[0] & 0x1f) << 6 | (s[1] & 0x3f));
		int expected = ascii || two ? 0 : -EILSEQ;

		if (vexipc_string_check(s, 2) != expected)
			KUNIT_FAIL(test, "%02x %02x", s[0], s[1]);
	}
}

static void what_is_no_utf8_is_refused(struct kunit *test)
{
	static const char * const bad[] = {
		/* longer than need be */
		"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf",
		"\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
		/* five and six bytes, and what never occurs */
		"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80", "\xfe", "\xff",
		/* surrogates, alone and paired */
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xed\xa0\xbd\xed\xb8\x80",
		/* beyond U+10FFFF */
		"\xf4\x90\x80\x80", "\xf7\xbf\xbf\xbf",
		/* nothing to continue, something else instead of it */
		"\x80", "\xbf", "a\x80", "\xc3(", "\xe2\x82(", "\xe2(\x82", "\xf0\x9f\x98(",
	};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, vexipc_string_check(bad[i], strlen(bad[i])),
				    -EILSEQ, "case %u", i);
}

static void truncated_sequence_is_refused(struct kunit *test)
{
	static const char * const whole[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };

	for (u32 i = 0; i < ARRAY_SIZE(whole); i++) {
		KUNIT_EXPECT_EQ(test, vexipc_string_check(whole[i], i + 2), 0);
		/* The bytes behind the end would complete it: they do not count. */
		for (u32 len = 1; len < i + 2; len++)
			KUNIT_EXPECT_EQ(test, vexipc_string_check(whole[i], len), -EILSEQ);
	}
}

static void what_is_bad_is_found_anywhere(struct kunit *test)
{
	char s[] = "caf\xc3\xa9 \xe2\x82\xac 5";

	KUNIT_EXPECT_EQ(test, vexipc_string_check(NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, vexipc_string_check(s, sizeof(s) - 1), 0);
	for (u32 i = 0; i < sizeof(s) - 1; i++) {
		char was = s[i];

		s[i] = '\n';
		KUNIT_EXPECT_EQ(test, vexipc_string_check(s, sizeof(s) - 1), -EILSEQ);
		s[i] = was;
	}
	/* The terminator does not belong to it. */
	KUNIT_EXPECT_EQ(test, vexipc_string_check(s, sizeof(s)), -EILSEQ);
}

static void lists_are_strings_with_an_end_each(struct kunit *test)
{
	static const struct {
		const char *list;
		u32 len;
		bool pairs;
		int err;
	} cases[] = {
#define LIST(s, pairs, err) { s, sizeof(s) - 1, pairs, err }
		{ NULL, 0, false, 0 },
		{ NULL, 0, true, 0 },
		LIST("a\0", false, 0),
		LIST("a\0bc\0", false, 0),
		LIST("a", false, -EINVAL),
		LIST("a\0b", false, -EINVAL),
		LIST("\0", false, -EINVAL),
		LIST("a\0\0", false, -EINVAL),
		LIST("a\0\0b\0", false, -EINVAL),
		LIST("a\tb\0", false, -EILSEQ),
		LIST("a\0\xc3\0", false, -EILSEQ),
		LIST("k=v\0", true, 0),
		LIST("k=\0", true, 0),
		LIST("k=v=w\0other=1\0", true, 0),
		LIST("=v\0", true, -EINVAL),
		LIST("k\0", true, -EINVAL),
		LIST("k=v\0other\0", true, -EINVAL),
		LIST("k\0=v\0", true, -EINVAL),
		LIST("k=v", true, -EINVAL),
		LIST("k=\x7f\0", true, -EILSEQ),
#undef LIST
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, vexipc_string_list_check(cases[i].list, cases[i].len,
								   cases[i].pairs),
				    cases[i].err, "case %u", i);
}

static struct kunit_case strings_cases[] = {
	KUNIT_CASE(every_character_but_controls_and_surrogates_is_taken),
	KUNIT_CASE(every_pair_of_bytes_is_judged),
	KUNIT_CASE(what_is_no_utf8_is_refused),
	KUNIT_CASE(truncated_sequence_is_refused),
	KUNIT_CASE(what_is_bad_is_found_anywhere),
	KUNIT_CASE(lists_are_strings_with_an_end_each),
	{}
};

static struct kunit_suite strings_suite = {
	.name = "vexipc_strings",
	.test_cases = strings_cases,
};

kunit_test_suite(strings_suite);
