/* SPDX-License-Identifier: GPL-2.0-only */
/* A screen in memory: drawn once, then shown by ncurses, printed, or compared. */
#ifndef VEXIPC_TOP_CANVAS_H
#define VEXIPC_TOP_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum style {
	STYLE_PLAIN,
	STYLE_DIM,
	STYLE_BOLD,
	STYLE_HEAD,		/* heads of columns */
	STYLE_GOOD,
	STYLE_WARN,
	STYLE_BAD,
	STYLE_LINE,		/* sparklines and bars */
	STYLES,
	STYLE_CHOSEN = 1 << 7,	/* with any of the above */
};

enum { CANVAS_MOST = 1000 };	/* rows, and columns */

struct cell {
	uint32_t c;		/* 0: the right half of the one before */
	uint8_t style;
};

struct canvas {
	unsigned int rows;
	unsigned int columns;
	bool utf8;
	struct cell *cells;
};

/* Make it that large, cut at CANVAS_MOST, and empty. -ENOMEM: it is as it was. */
int canvas_resize(struct canvas *canvas, unsigned int rows, unsigned int columns);
void canvas_clear(struct canvas *canvas);
void canvas_free(struct canvas *canvas);

/**
 * canvas_put() - text, cut to its room and to the canvas
 * @row: anywhere, also outside
 * @column: the same
 * @width: columns it may take
 * @text: need not be trusted: see next_char()
 *
 * Return: columns it took.
 */
unsigned int canvas_put(struct canvas *canvas, unsigned int row, unsigned int column,
			unsigned int width, enum style style, const char *text);
/* The same to the end of the row, formatted. Return: the column after it. */
unsigned int canvas_print(struct canvas *canvas, unsigned int row, unsigned int column,
			  enum style style, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* The same, flush with the right end of @width columns. */
void canvas_right(struct canvas *canvas, unsigned int row, unsigned int column,
		  unsigned int width, enum style style, const char *text);
/* Characters of one column each, which are trusted. */
void canvas_chars(struct canvas *canvas, unsigned int row, unsigned int column,
		  unsigned int width, enum style style, const uint32_t *chars);
void canvas_choose(struct canvas *canvas, unsigned int row);

/* Columns a text takes. */
unsigned int text_width(const char *text);
/* Bytes of a character in UTF-8, 1 to 4. */
unsigned int utf8_put(char *out, uint32_t c);
/* A row as text, without the spaces at its end, and a newline. */
void canvas_write(const struct canvas *canvas, unsigned int row, FILE *to);

#endif
