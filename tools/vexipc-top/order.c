// SPDX-License-Identifier: GPL-2.0-only
/* Which services are shown, and in which order. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "figure.h"
#include "order.h"

/* What is sorted by, and shown in a column: a field, of what a row has now or recently. */
static const struct {
	const char *name;
	const char *field;
	bool recent;
} keys[SORT_KEYS] = {
	[SORT_ID]	 = { "id", "id", false },
	[SORT_STATE]	 = { "state", "state", false },
	[SORT_BREAKER]	 = { "breaker", "breaker", false },
	[SORT_SHARE]	 = { "share", "share", true },
	[SORT_RATE]	 = { "rate", "answers_per_second", true },
	[SORT_IN_FLIGHT] = { "inflight", "in_flight", false },
	[SORT_QUEUED]	 = { "queued", "queued", false },
	[SORT_P50]	 = { "p50", "p50_ns", true },
	[SORT_P99]	 = { "p99", "p99_ns", true },
	[SORT_ERRORS]	 = { "errors", "error_share", true },
	[SORT_CPU]	 = { "cpu", "cpu_permille", false },
	[SORT_MEMORY]	 = { "memory", "memory_bytes", false },
};

int sort_key_parse(const char *name, enum sort_key *key)
{
	for (unsigned int i = 0; i < SORT_KEYS; i++) {
		if (strcasecmp(name, keys[i].name))
			continue;
		*key = i;
		return 0;
	}
	return -EINVAL;
}

const char *sort_key_name(enum sort_key key)
{
	return keys[key].name;
}

const struct vexipc_field *sort_key_field(enum sort_key key)
{
	static const struct vexipc_field *fields[SORT_KEYS];

	if (!fields[key])
		fields[key] = keys[key].recent ? recent_field(keys[key].field) :
						 service_field(keys[key].field);
	return fields[key];
}

const void *sort_key_object(enum sort_key key, const struct row *row)
{
	return keys[key].recent ? (const void *)&row->recent.figures : &row->now;
}

static double value_of(const struct row *row, enum sort_key key)
{
	double value = vexipc_field_real(sort_key_field(key), sort_key_object(key, row));

	if (key == SORT_STATE)
		return -value;
	return isnan(value) ? -1 : value;
}

static int compare(const void *one, const void *other, void *with)
{
	const struct row *a = *(const struct row *const *)one;
	const struct row *b = *(const struct row *const *)other;
	const struct order *order = with;
	double x = value_of(a, order->key), y = value_of(b, order->key);
	int result = x < y ? 1 : x > y ? -1 : 0;

	if (!result)
		result = strcmp(a->id, b->id);
	if (!result)
		result = a->now.slot < b->now.slot ? -1 : 1;
	return order->reverse ? -result : result;
}

static bool shown(const struct row *row, const char *filter)
{
	return !*filter || strcasestr(row->id, filter) ||
	       !strcasecmp(vexipc_state_name(row->now.state), filter);
}

unsigned int order_rows(const struct model *model, const struct order *order,
			const struct row *rows[static VEXIPC_MAX_SERVICES])
{
	unsigned int count = 0;

	for (uint32_t slot = 0; slot < VEXIPC_MAX_SERVICES; slot++)
		if (model->rows[slot] && shown(model->rows[slot], order->filter))
			rows[count++] = model->rows[slot];
	qsort_r(rows, count, sizeof(*rows), compare, (void *)order);
	return count;
}
