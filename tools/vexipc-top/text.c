// SPDX-License-Identifier: GPL-2.0-only
/* Figures and names as short text; sparklines. */
#include <math.h>
#include <stdio.h>
#include <wchar.h>

#include "text.h"

/* Two digits are enough to see a change, more would dance. */
static void scaled(char *buf, double value, double step, const char *const *units)
{
	const char *const *unit = units;

	if (!(value > 0))
		value = 0;
	/* 999.5 would print as 1000. */
	while (value >= step - 0.5 && unit[1]) {
		value /= step;
		unit++;
	}
	if (value > 99999)
		value = 99999;
	snprintf(buf, FIGURE_ROOM, value < 9.95 && (unit > units || value != floor(value)) ?
		 "%.1f%s" : "%.0f%s", value, *unit);
}

void format_count(char *buf, double value)
{
	static const char *const units[] = { "", "k", "M", "G", "T", "P", "E", NULL };

	scaled(buf, value, 1000, units);
}

void format_bytes(char *buf, double bytes)
{
	static const char *const units[] = { "B", "K", "M", "G", "T", "P", "E", NULL };

	scaled(buf, bytes, 1024, units);
}

void format_ns(char *buf, double ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s", NULL };

	if (ns < 999.5e9)
		scaled(buf, ns, 1000, units);
	else
		snprintf(buf, FIGURE_ROOM, "%.0fh", fmin(ns / 3600e9, 9999));
}

void format_share(char *buf, double share)
{
	double percent = share > 0 ? fmin(share * 100, 9999) : 0;

	snprintf(buf, FIGURE_ROOM, percent > 0 && percent < 99.95 ? "%.1f" : "%.0f", percent);
}

/* Bytes of the sequence that @first begins; 0 when it cannot begin one. */
static unsigned int sequence_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

uint32_t next_char(const char **at, const char *end, unsigned int *width)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *in = (const unsigned char *)*at;
	unsigned int length = sequence_length(*in), i;
	uint32_t c;
	int columns;

	*width = 1;
	*at += 1;
	if (length == 1)
		return *in < ' ' || *in == 0x7f ? '?' : *in;
	if (!length || length > (size_t)(end - *at) + 1)
		return '?';
	c = *in & (0x7fu >> length);
	for (i = 1; i < length; i++) {
		if ((in[i] & 0xc0) != 0x80)
			return '?';
		c = c << 6 | (in[i] & 0x3f);
	}
	if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return '?';
	*at += length - 1;
	columns = wcwidth((wchar_t)c);
	if (columns < 1)
		return '?';
	*width = columns > 1 ? 2 : 1;
	return c;
}

void sparkline(uint32_t *out, unsigned int width, const float *values, size_t count,
	       double top, bool utf8)
{
	static const char ascii[] = "_.:-=+*#";
	enum { LEVELS = sizeof(ascii) - 1 };
	unsigned int blank = count < width ? width - (unsigned int)count : 0;

	if (count > width) {
		values += count - width;
		count = width;
	}
	if (!(top > 0))
		for (size_t i = 0; i < count; i++)
			top = fmax(top, values[i]);
	for (unsigned int i = 0; i < width; i++) {
		double value = i < blank ? NAN : values[i - blank];
		int level = 0;

		if (isnan(value)) {
			out[i] = ' ';
			continue;
		}
		if (value > 0 && top > 0)
			level = value < top ? (int)(value / top * LEVELS) : LEVELS - 1;
		out[i] = utf8 ? 0x2581u + (uint32_t)level : (uint32_t)ascii[level];
	}
}
