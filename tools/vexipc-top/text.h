/* SPDX-License-Identifier: GPL-2.0-only */
/* Figures and names as short text; sparklines. */
#ifndef VEXIPC_TOP_TEXT_H
#define VEXIPC_TOP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest of the texts below, and of the name of a figure, with its NUL. */
enum { FIGURE_ROOM = 16, FIGURE_WORD_ROOM = 32 };

/* At most five characters: "0", "999", "1.2k", "98M". */
void format_count(char *buf, double value);
/* The same with a unit of time: "850ns", "1.2ms", "12s", "3.4h". */
void format_ns(char *buf, double ns);
/* The same in powers of 1024. */
void format_bytes(char *buf, double bytes);
/* A share of 1, in percent: "0", "0.3", "12.5", "100". */
void format_share(char *buf, double share);

/**
 * next_char() - the next character of untrusted text
 * @at: moved on by at least one byte
 * @end: where the text ends
 * @width: set to the columns it takes, 1 or 2
 *
 * Return: a character that is safe to show. What is not UTF-8, controls the
 * terminal, has no width of its own or is not known to the locale becomes '?'.
 */
uint32_t next_char(const char **at, const char *end, unsigned int *width);

/**
 * sparkline() - values as little columns, the last one at the right
 * @out: @width characters, all set
 * @width: how many
 * @values: the last ones are used; NAN is none, a space
 * @count: how many there are
 * @top: the value that fills a column; 0 for the highest of those shown
 * @utf8: blocks, else ASCII
 */
void sparkline(uint32_t *out, unsigned int width, const float *values, size_t count,
	       double top, bool utf8);

#endif
