// SPDX-License-Identifier: GPL-2.0-only
/*
 * The use-lite tokenizer. Takes the model file from $VEXIPC_MODEL. The ids in
 * `cases` are those of the model authors' own tokenizer, the npm package
 * @energetic-ai/embeddings 0.2.0.
 */
#include <errno.h>
#include <string.h>

#include "tap.h"
#include "use_lite_tokenizer.h"

enum { MAX_IDS = 25 };

static struct use_lite_model model;
static struct use_lite_tokenizer tokenizer;

#define TEXT(s) s, sizeof(s) - 1

static const struct {
	const char *what;
	const char *text;
	size_t len;
	int count;
	uint16_t ids[MAX_IDS];
} cases[] = {
	{ "a word", TEXT("a"), 1, { 11 } },
	{ "spaces only", TEXT("   "), 4, { 30, 30, 30, 30 } },
	{ "separators in the text", TEXT("\u2581\u2581a"), 3, { 30, 30, 11 } },
	{ "pieces without a score", TEXT(":::"), 4, { 30, 57, 57, 57 } },
	{ "a piece without a score in a word", TEXT("a:b"), 3, { 11, 57, 151 } },
	{ "a piece that the vocabulary has three times", TEXT("\u201d5"), 2, { 30, 4464 } },
	{ "quotes and smileys", TEXT("I'm \u2014 \u201cquoted\u201d :-) :( ://"), 13,
	  { 16, 13, 47, 405, 77, 1699, 849, 26, 236, 6600, 4258, 30, 255 } },
	{ "names of reserved ids", TEXT("<s>"), 3, { 4787, 7, 1431 } },
	{ "a NUL", TEXT("\0"), 2, { 30, 0 } },
	{ "a NUL in a text", TEXT("a\0b"), 3, { 11, 0, 151 } },
	{ "line ends and tabs", TEXT("a\nb\tc"), 5, { 11, 0, 151, 0, 131 } },
	{ "unknown characters, which merge", TEXT("\u4e2d\u6587\u5b57\u7b26\u6d4b\u8bd5"), 2, { 30, 0 } },
	{ "unknown characters outside the BMP", TEXT("\U0001f600\U0001f600 hello"), 4,
	  { 30, 0, 2002, 102 } },
	{ "ligatures", TEXT("\ufb01ne \ufb02ow"), 2, { 839, 1807 } },
	{ "full-width letters and space", TEXT("\uff21\uff42\uff43\u3000\uff44"), 3,
	  { 3049, 131, 602 } },
	{ "a composed letter", TEXT("\u00e9"), 2, { 30, 1133 } },
	{ "a decomposed letter", TEXT("e\u0301"), 2, { 30, 1133 } },
	{ "Hangul syllables", TEXT("\ud55c\uad6d\uc5b4"), 2, { 30, 0 } },
	{ "Hangul conjoining letters", TEXT("\u1112\u1161\u11ab"), 2, { 30, 0 } },
	{ "what one character expands to", TEXT("\u2177 \u00bd \ufdfa"), 25,
	  { 998, 108, 108, 207, 7935, 288, 30, 0, 7952, 0, 30, 7940, 7952, 7952, 0, 30, 0, 7952,
	    7991, 0, 30, 7994, 0, 7952, 7982 } },
	{ "Cyrillic", TEXT("\u0420\u0443\u0441\u0441\u043a\u0438\u0439 \u0442\u0435\u043a\u0441\u0442"),
	  13, { 30, 0, 7979, 7979, 0, 7955, 0, 30, 7949, 7954, 0, 7979, 7949 } },
};

static int tokenize(const char *text, size_t len, uint16_t *ids, unsigned int max)
{
	return use_lite_tokenize(&tokenizer, &model, text, len, ids, max);
}

static void test_cases(void)
{
	uint16_t ids[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* a copy of just its size, so that reading past the end is seen */
		char *text = malloc(cases[i].len);
		int count;

		if (!text)
			tap_bail("no memory");
		memcpy(text, cases[i].text, cases[i].len);
		count = tokenize(text, cases[i].len, ids, 64);
		tap_ok(count == cases[i].count &&
		       !memcmp(ids, cases[i].ids, (size_t)count * sizeof(ids[0])),
		       "%s: as the authors' tokenizer splits it", cases[i].what);
		free(text);
	}
	tap_ok(tokenize("", 0, ids, 64) == 0, "an empty text has no tokens");
}

/* A long text's first tokens are those of its beginning. */
static void test_long(void)
{
	enum { SIZE = 1 << 20 };
	uint16_t ids[USE_LITE_MAX_TOKENS], want[USE_LITE_MAX_TOKENS];
	char *text = malloc(SIZE);
	int count;

	if (!text)
		tap_bail("no memory");
	for (size_t i = 0; i < SIZE; i++)
		text[i] = "the quick "[i % 10];
	count = tokenize(text, 3000, want, USE_LITE_MAX_TOKENS);
	tap_ok(count == USE_LITE_MAX_TOKENS, "a long text has 128 tokens");
	count = tokenize(text, SIZE, ids, USE_LITE_MAX_TOKENS);
	tap_ok(count == USE_LITE_MAX_TOKENS && !memcmp(ids, want, sizeof(want)),
	       "a very long one has the same");
	count = tokenize(text, SIZE, ids, 5);
	tap_ok(count == 5 && !memcmp(ids, want, 5 * sizeof(ids[0])), "fewer can be asked for");

	/* one token every 3 * 300 bytes: 128 of them reach past the first window */
	for (size_t i = 0, n = 0; i + 3 <= SIZE; i += 3, n++)
		memcpy(text + i, n % 300 ? "\u4e2d" : "one", 3);
	count = tokenize(text, SIZE, ids, USE_LITE_MAX_TOKENS);
	tap_ok(count > 2 * USE_LITE_TEXT_WINDOW / (3 * 300) - 3 && count < USE_LITE_MAX_TOKENS,
	       "of a text with few tokens, the window counts (%d tokens)", count);

	/* the window's end is within a character, wherever the text starts */
	memset(text, 'a', 3);
	for (size_t i = 3; i + 3 <= SIZE; i += 3)
		memcpy(text + i, "\u4e2d", 3);
	for (size_t shift = 0; shift < 4; shift++) {
		count = tokenize(text + shift, shift == 3 ? SIZE / 3 * 3 - 3 : SIZE / 3 * 3 - shift,
				 ids, USE_LITE_MAX_TOKENS);
		if (count != (shift == 3 ? 2 : count) || count < 2)
			break;
	}
	tap_ok(count == 2 && ids[0] == 30 && ids[1] == 0, "no character is cut in two");
	free(text);
}

static void test_utf8(void)
{
	static const struct {
		const char *what, *text;
		size_t len;
		ssize_t at;
	} checks[] = {
		{ "nothing", TEXT(""), -1 },
		{ "ASCII", TEXT("just some plain text"), -1 },
		{ "NULs", TEXT("a\0\0b"), -1 },
		{ "two, three and four bytes", TEXT("\u00e9\u4e2d\U0001f600 and more text"), -1 },
		{ "the last code point", TEXT("\U0010ffff"), -1 },
		{ "a stray continuation", TEXT("abcdefghij\x80"), 10 },
		{ "a cut character", TEXT("ab\xe4\xb8"), 2 },
		{ "a character cut by another", TEXT("ab\xe4\xb8z"), 2 },
		{ "an overlong form", TEXT("\xc0\xaf"), 0 },
		{ "an overlong form of three bytes", TEXT("x\xe0\x80\xaf"), 1 },
		{ "a surrogate", TEXT("x\xed\xa0\x80"), 1 },
		{ "beyond the last code point", TEXT("\xf4\x90\x80\x80"), 0 },
		{ "a byte that never occurs", TEXT("12345678\xff"), 8 },
		{ "Latin-1", TEXT("caf\xe9"), 3 },
	};
	uint16_t ids[8];

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		char *text = malloc(checks[i].len + !checks[i].len);

		if (!text)
			tap_bail("no memory");
		memcpy(text, checks[i].text, checks[i].len);
		tap_ok(use_lite_check_utf8(text, checks[i].len) == checks[i].at,
		       "UTF-8 check of %s", checks[i].what);
		free(text);
	}
	tap_ok(tokenize("caf\xe9", 4, ids, 8) == -EILSEQ, "the tokenizer refuses what is not UTF-8");
}

int main(void)
{
	const char *path = getenv("VEXIPC_MODEL");
	char message[256];

	if (!path)
		tap_bail("VEXIPC_MODEL is not set: scripts/fetch-model prints what to set it to");
	if (use_lite_model_open(&model, path, message, sizeof(message)))
		tap_bail("%s", message);
	test_cases();
	test_long();
	test_utf8();
	use_lite_tokenizer_free(&tokenizer);
	use_lite_model_close(&model);
	return tap_done();
}
