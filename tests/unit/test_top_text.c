// SPDX-License-Identifier: GPL-2.0
/* tools/vexipc-top: figures, sparklines, the canvas. */
#include <locale.h>
#include <math.h>
#include <string.h>

#include "../../tools/vexipc-top/canvas.h"
#include "../../tools/vexipc-top/text.h"
#include "tap.h"

static bool reads(void (*format)(char *, double), double value, const char *wanted)
{
	char text[FIGURE_ROOM];

	format(text, value);
	if (!strcmp(text, wanted))
		return true;
	printf("# %g is '%s', not '%s'\n", value, text, wanted);
	return false;
}

static void test_figures(void)
{
	bool narrow = true;

	tap_ok(reads(format_count, 0, "0") && reads(format_count, 0.04, "0.0") &&
	       reads(format_count, 9.94, "9.9") && reads(format_count, 999, "999") &&
	       reads(format_count, 999.6, "1.0k") && reads(format_count, 1234, "1.2k") &&
	       reads(format_count, 98765432, "99M") && reads(format_count, 18.4e18, "18E"),
	       "counts are short");
	tap_ok(reads(format_ns, 850, "850ns") && reads(format_ns, 1234567, "1.2ms") &&
	       reads(format_ns, 12e9, "12s") && reads(format_ns, 7200e9, "2h") &&
	       reads(format_ns, 1e30, "9999h"), "times have a unit");
	tap_ok(reads(format_bytes, 1023, "1023B") && reads(format_bytes, 1024, "1.0K") &&
	       reads(format_bytes, 1536 * 1024, "1.5M"), "bytes are in powers of 1024");
	tap_ok(reads(format_share, 0, "0") && reads(format_share, 0.001, "0.1") &&
	       reads(format_share, 0.125, "12.5") && reads(format_share, 0.99951, "100") &&
	       reads(format_share, 40, "4000"), "shares are in percent");
	tap_ok(reads(format_count, NAN, "0") && reads(format_count, -1, "0") &&
	       reads(format_share, NAN, "0") && reads(format_share, INFINITY, "9999"),
	       "what is no figure does no harm");
	for (double v = 1e-9; v < 2e19; v *= 1.37) {
		char text[FIGURE_ROOM];

		format_count(text, v);
		narrow = narrow && strlen(text) <= 5;
		format_ns(text, v);
		narrow = narrow && strlen(text) <= 5;
		format_bytes(text, v);
		narrow = narrow && strlen(text) <= 5;
	}
	tap_ok(narrow, "they all fit five columns");
}

static void test_sparklines(void)
{
	const float values[] = { 0, 1, 2, 4, 8, NAN };
	uint32_t line[8];

	sparkline(line, 8, values, 6, 0, true);
	tap_ok(line[0] == ' ' && line[1] == ' ' && line[2] == 0x2581 && line[3] == 0x2582 &&
	       line[4] == 0x2583 && line[5] == 0x2585 && line[6] == 0x2588 && line[7] == ' ',
	       "blocks, the highest fills its column; what is not known is a gap");
	sparkline(line, 3, values, 5, 0, false);
	tap_ok(line[0] == ':' && line[1] == '=' && line[2] == '#', "in ASCII; the last values count");
	sparkline(line, 2, values, 5, 100, false);
	tap_ok(line[0] == '_' && line[1] == '_', "against a top of their own");
	sparkline(line, 4, values, 0, 0, true);
	tap_ok(line[0] == ' ' && line[3] == ' ', "of nothing is blank");
	sparkline(line, 2, (const float[]){ 0, INFINITY }, 2, 0, true);
	tap_ok(line[0] == 0x2581 && line[1] == 0x2588, "of what is not finite");
}

/* A row of the canvas as text. */
static const char *row_text(const struct canvas *canvas, unsigned int row)
{
	static char text[4096];
	FILE *to = fmemopen(text, sizeof(text), "w");

	canvas_write(canvas, row, to);
	fclose(to);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static bool shows(struct canvas *canvas, const char *text, const char *wanted)
{
	const char *got;

	canvas_clear(canvas);
	canvas_put(canvas, 0, 0, CANVAS_MOST, STYLE_PLAIN, text);
	got = row_text(canvas, 0);
	if (!strcmp(got, wanted))
		return true;
	printf("# '%s' is not '%s'\n", got, wanted);
	return false;
}

static void test_canvas(void)
{
	struct canvas canvas = { .utf8 = true };
	bool utf8 = setlocale(LC_CTYPE, "C.UTF-8") != NULL;
	char noise[65];

	if (!utf8 || canvas_resize(&canvas, 2, 10))
		tap_bail("no canvas");
	tap_ok(shows(&canvas, "plain", "plain") && shows(&canvas, "0123456789abc", "0123456789"),
	       "text is cut at the edge");
	tap_ok(shows(&canvas, "a\033[2Jb\n\t\177", "a?[2Jb???") && shows(&canvas, "\xc2\x9b" "1m", "?1m"),
	       "what would control the terminal is not shown");
	tap_ok(shows(&canvas, "\xff\xc0\xaf\xe2\x82", "?????") && shows(&canvas, "\xed\xa0\x80", "???") &&
	       shows(&canvas, "\xf4\x90\x80\x80", "????"), "nor is what is not UTF-8");
	tap_ok(shows(&canvas, "a\xe2\x80\xae" "b", "a?b"), "nor what would turn the line round");
	tap_ok(shows(&canvas, "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f") &&
	       shows(&canvas, "123456789\xe6\xbc\xa2", "123456789") &&
	       shows(&canvas, "12345678\xe6\xbc\xa2", "12345678\xe6\xbc\xa2"),
	       "letters of any script are; wide ones only whole");
	canvas.utf8 = false;
	tap_ok(shows(&canvas, "gr\xc3\xbc\xc3\x9f", "gr??"), "without UTF-8 only ASCII is");
	canvas.utf8 = true;
	tap_ok(!canvas_put(&canvas, 2, 0, 5, STYLE_PLAIN, "x") &&
	       !canvas_put(&canvas, 0, 10, 5, STYLE_PLAIN, "x") &&
	       !canvas_put(&canvas, 4000000000u, 4000000000u, 5, STYLE_PLAIN, "x"),
	       "nothing is put outside");
	canvas_right(&canvas, 1, 2, 4, STYLE_PLAIN, "12");
	tap_ok(!strcmp(row_text(&canvas, 1), "    12"), "figures stand at the right");
	srandom(1);
	for (unsigned int round = 0; round < 20000; round++) {
		size_t length = (size_t)random() % (sizeof(noise) - 1);

		for (size_t i = 0; i < length; i++)
			noise[i] = (char)(random() % 255 + 1);
		noise[length] = '\0';
		canvas_put(&canvas, 0, (unsigned int)random() % 12, (unsigned int)random() % 12,
			   STYLE_PLAIN, noise);
		canvas_right(&canvas, 1, (unsigned int)random() % 12, (unsigned int)random() % 12,
			     STYLE_PLAIN, noise);
	}
	tap_ok(true, "noise stays inside");
	tap_ok(!canvas_resize(&canvas, 100000, 100000) && canvas.rows == CANVAS_MOST &&
	       canvas.columns == CANVAS_MOST, "a canvas has bounds");
	tap_ok(!canvas_resize(&canvas, 0, 0) && !canvas_put(&canvas, 0, 0, 1, STYLE_PLAIN, "x"),
	       "an empty one is one");
	canvas_free(&canvas);
}

int main(void)
{
	test_figures();
	test_sparklines();
	test_canvas();
	return tap_done();
}
