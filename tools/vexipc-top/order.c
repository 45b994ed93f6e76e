// SPDX-License-Identifier: GPL-2.0-only
/* Which services are shown, and in which order. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "order.h"
#include "view.h"

static const char *const names[SORT_KEYS] = {
	[SORT_ID] = "id", [SORT_STATE] = "state", [SORT_BREAKER] = "breaker",
	[SORT_SHARE] = "share", [SORT_RATE] = "rate", [SORT_IN_FLIGHT] = "inflight",
	[SORT_QUEUED] = "queued", [SORT_P50] = "p50", [SORT_P99] = "p99",
	[SORT_ERRORS] = "errors", [SORT_CPU] = "cpu", [SORT_MEMORY] = "memory",
};

int sort_key_parse(const char *name, enum sort_key *key)
{
	for (unsigned int i = 0; i < SORT_KEYS; i++) {
		if (strcasecmp(name, names[i]) || (i == SORT_BREAKER && !breaker_field()))
			continue;
		*key = i;
		return 0;
	}
	return -EINVAL;
}

const char *sort_key_name(enum sort_key key)
{
	return names[key];
}

static double known(double value)
{
	return isnan(value) ? -1 : value;
}

static double value_of(const struct row *row, enum sort_key key)
{
	switch (key) {
	case SORT_STATE:
		return -(double)row->now.state;
	case SORT_BREAKER:
		return breaker_field() ? (double)vexipc_field_value(breaker_field(), &row->now) : 0;
	case SORT_SHARE:
		return known(row->recent.share);
	case SORT_RATE:
		return row->recent.rate;
	case SORT_IN_FLIGHT:
		return row->now.in_flight;
	case SORT_QUEUED:
		return row->now.queued;
	case SORT_P50:
		return (double)row->recent.p50_ns;
	case SORT_P99:
		return (double)row->recent.p99_ns;
	case SORT_ERRORS:
		return known(row->recent.errors);
	case SORT_CPU:
		return row->now.cpu_permille;
	case SORT_MEMORY:
		return (double)row->now.memory_bytes;
	default:
		return 0;
	}
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
