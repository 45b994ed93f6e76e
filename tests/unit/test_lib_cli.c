// SPDX-License-Identifier: GPL-2.0-only
/* tools/vexipc: numbers, texts, .npy, JSON. Takes nothing. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../../tools/vexipc/embed.h"
#include "../../tools/vexipc/npy.h"
#include "tap.h"

static void test_numbers(void)
{
	uint64_t v = 7;

	tap_ok(!parse_number("0x10", 0, 100, &v) && v == 16 && !parse_number("5", 5, 5, &v) && v == 5,
	       "numbers are decimal or hexadecimal");
	tap_ok(parse_number("", 0, 9, &v) && parse_number("-1", 0, 9, &v) &&
	       parse_number("10", 0, 9, &v) && parse_number("0", 1, 9, &v) &&
	       parse_number("5 ", 0, 9, &v) && parse_number("99999999999999999999", 0, UINT64_MAX, &v) &&
	       v == 5, "what is no number of the range is refused and changes nothing");
}

static void test_exit_codes(void)
{
	tap_ok(exit_code_of(0) == 0 && exit_code_of(-ENODEV) == EXIT_NO_SERVICE &&
	       exit_code_of(-ENOENT) == EXIT_NO_SERVICE && exit_code_of(-EPERM) == EXIT_PERMISSION &&
	       exit_code_of(-ETIMEDOUT) == EXIT_FAILED, "an exit code tells the kind of failure");
}

/* Read a file of some content, and join what comes with "|". */
static const char *texts_of(const char *content, size_t len, bool whole)
{
	static char joined[256];
	struct source source = { .whole = whole };
	char path[] = "/tmp/vexipc-test-XXXXXX";
	struct text text;
	int fd = mkstemp(path), got;

	if (fd < 0 || write(fd, content, len) != (ssize_t)len)
		tap_bail("cannot write a file");
	close(fd);
	source.path = path;
	if (source_open(&source))
		tap_bail("cannot open a file");
	joined[0] = '\0';
	while ((got = source_next(&source, &text)) > 0) {
		snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%zu:%.*s|",
			 text.len, (int)text.len, text.data);
		free(text.data);
	}
	source_close(&source);
	unlink(path);
	return got ? "failed" : joined;
}

static void test_texts(void)
{
	char *words[] = { (char *)"one", (char *)"" };
	struct source source = { .texts = words, .count = 2 };
	struct text text;

	tap_ok(!strcmp(texts_of("a\nbc\n", 5, false), "1:a|2:bc|"), "lines are texts");
	tap_ok(!strcmp(texts_of("a\r\n\n\r\nbc", 8, false), "1:a|2:bc|"),
	       "empty lines are passed over, CR LF ends a line, the last need not end");
	tap_ok(!strcmp(texts_of("", 0, false), ""), "an empty file has no texts");
	tap_ok(!strcmp(texts_of("a\n\nb\n", 5, true), "5:a\n\nb\n|"), "a whole file is one text");
	tap_ok(!strcmp(texts_of("a\0b\n", 4, false), "3:a|"), "a line may hold NUL bytes");
	if (source_open(&source))
		tap_bail("cannot open arguments");
	tap_ok(source_next(&source, &text) == 1 && text.len == 3 && (free(text.data), true) &&
	       source_next(&source, &text) == 1 && text.len == 0 && (free(text.data), true) &&
	       source_next(&source, &text) == 0, "arguments are texts, empty ones too");
	source = (struct source) { .path = "/nonexistent/file" };
	tap_ok(source_open(&source) == -ENOENT, "a file that is not there is ENOENT");
}

static void test_npy(void)
{
	char header[NPY_HEADER_MAX];
	size_t len = npy_header(header, "<f4", 3, 512);

	tap_ok(len == 128 && !memcmp(header, "\x93NUMPY\x01\x00\x76\x00", 10) && header[127] == '\n',
	       "a header begins as NumPy wants it and fills 128 bytes");
	tap_ok(!memcmp(header + 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 512), }", 61),
	       "it tells type and shape");
	tap_ok(npy_header(header, "|u1", UINT64_MAX, UINT64_MAX) <= sizeof(header),
	       "the largest shape fits");
}

static void test_json(void)
{
	cJSON *object = cJSON_CreateObject();
	char *text;

	json_number(object, "n", UINT64_MAX);
	json_hex(object, "h", 0x8000000000000001u);
	text = cJSON_PrintUnformatted(object);
	tap_ok(text && !strcmp(text, "{\"n\":18446744073709551615,\"h\":\"0x8000000000000001\"}"),
	       "numbers of 64 bits keep every digit");
	free(text);
	cJSON_Delete(object);
}

int main(void)
{
	test_numbers();
	test_exit_codes();
	test_texts();
	test_npy();
	test_json();
	return tap_done();
}
