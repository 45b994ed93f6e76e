// SPDX-License-Identifier: GPL-2.0-only
/* A screen in memory. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "text.h"

static unsigned int at_most(unsigned int n, unsigned int most)
{
	return n < most ? n : most;
}

int canvas_resize(struct canvas *canvas, unsigned int rows, unsigned int columns)
{
	struct cell *cells;

	rows = at_most(rows, CANVAS_MOST);
	columns = at_most(columns, CANVAS_MOST);
	cells = reallocarray(canvas->cells, (size_t)rows * columns + 1, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	canvas->cells = cells;
	canvas->rows = rows;
	canvas->columns = columns;
	canvas_clear(canvas);
	return 0;
}

void canvas_clear(struct canvas *canvas)
{
	for (size_t i = 0; i < (size_t)canvas->rows * canvas->columns; i++)
		canvas->cells[i] = (struct cell){ ' ', STYLE_PLAIN };
}

void canvas_free(struct canvas *canvas)
{
	free(canvas->cells);
	*canvas = (struct canvas){ 0 };
}

static struct cell *row_of(const struct canvas *canvas, unsigned int row)
{
	return canvas->cells + (size_t)row * canvas->columns;
}

unsigned int canvas_put(struct canvas *canvas, unsigned int row, unsigned int column,
			unsigned int width, enum style style, const char *text)
{
	const char *end = text + strlen(text);
	unsigned int used = 0, wide;
	struct cell *cells;

	if (row >= canvas->rows || column >= canvas->columns)
		return 0;
	width = at_most(width, canvas->columns - column);
	cells = row_of(canvas, row) + column;
	while (text < end) {
		uint32_t c = next_char(&text, end, &wide);

		if (c > 0x7e && !canvas->utf8) {
			c = '?';
			wide = 1;
		}
		if (used + wide > width)
			break;
		cells[used++] = (struct cell){ c, (uint8_t)style };
		if (wide > 1)
			cells[used++] = (struct cell){ 0, (uint8_t)style };
	}
	return used;
}

unsigned int canvas_print(struct canvas *canvas, unsigned int row, unsigned int column,
			  enum style style, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return column + canvas_put(canvas, row, column, CANVAS_MOST, style, text);
}

void canvas_right(struct canvas *canvas, unsigned int row, unsigned int column,
		  unsigned int width, enum style style, const char *text)
{
	unsigned int wide = at_most(text_width(text), width);

	canvas_put(canvas, row, column + width - wide, wide, style, text);
}

void canvas_chars(struct canvas *canvas, unsigned int row, unsigned int column,
		  unsigned int width, enum style style, const uint32_t *chars)
{
	if (row >= canvas->rows || column >= canvas->columns)
		return;
	width = at_most(width, canvas->columns - column);
	for (unsigned int i = 0; i < width; i++)
		row_of(canvas, row)[column + i] = (struct cell){ chars[i], (uint8_t)style };
}

void canvas_choose(struct canvas *canvas, unsigned int row)
{
	if (row >= canvas->rows)
		return;
	for (unsigned int i = 0; i < canvas->columns; i++)
		row_of(canvas, row)[i].style |= STYLE_CHOSEN;
}

unsigned int text_width(const char *text)
{
	const char *end = text + strlen(text);
	unsigned int width = 0, wide;

	while (text < end) {
		next_char(&text, end, &wide);
		width += wide;
	}
	return width;
}

unsigned int utf8_put(char *out, uint32_t c)
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	unsigned int length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (unsigned int i = length; --i; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[length] | c);
	return length;
}

void canvas_write(const struct canvas *canvas, unsigned int row, FILE *to)
{
	const struct cell *cells = row_of(canvas, row);
	unsigned int length = canvas->columns;
	char c[4];

	while (length && cells[length - 1].c == ' ')
		length--;
	for (unsigned int i = 0; i < length; i++)
		if (cells[i].c)
			fwrite(c, 1, utf8_put(c, cells[i].c), to);
	putc('\n', to);
}
