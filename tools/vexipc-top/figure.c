// SPDX-License-Identifier: GPL-2.0-only
/* Figures by their fields: names, heads of columns, short text. */
#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "figure.h"

static const struct vexipc_field *field_of(const struct vexipc_field *table, const char *name)
{
	const struct vexipc_field *field = vexipc_field_find(table, name);

	assert(field);
	return field;
}

const struct vexipc_field *service_field(const char *name)
{
	return field_of(vexipc_telemetry_service_fields(), name);
}

const struct vexipc_field *recent_field(const char *name)
{
	return field_of(vexipc_telemetry_recent_fields(), name);
}

const char *figure_head(const struct vexipc_field *field)
{
	return field->brief ?: field->title ?: field->name;
}

/* What a unit is of one. */
static const struct {
	const char *unit;
	double of_one;
} shares[] = {
	{ "share", 1 }, { "permille", 1000 }, { "1/10000", 10000 }, { "1/1000000", 1000000 },
};

static double share_of(const char *unit)
{
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++)
		if (!strcmp(unit, shares[i].unit))
			return shares[i].of_one;
	return 0;
}

void figure_word(char buf[FIGURE_WORD_ROOM], const struct vexipc_field *field)
{
	const char *from = field->title ?: field->name;
	size_t len = 0;

	for (; from[len] && len < FIGURE_WORD_ROOM - 2; len++)
		buf[len] = from[len] == '_' ? ' ' : (char)tolower((unsigned char)from[len]);
	if (share_of(field->unit) > 0)
		buf[len++] = '%';
	buf[len] = '\0';
}

void format_figure(char buf[FIGURE_ROOM], const struct vexipc_field *field, const void *object)
{
	double value = vexipc_field_real(field, object), of_one = share_of(field->unit);

	if (isnan(value))
		strcpy(buf, "-");
	else if (of_one > 0)
		format_share(buf, value / of_one);
	else if (!strcmp(field->unit, "ns"))
		format_ns(buf, value);
	else if (!strncmp(field->unit, "bytes", 5))
		format_bytes(buf, value);
	else
		format_count(buf, value);
}
