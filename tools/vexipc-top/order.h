/* SPDX-License-Identifier: GPL-2.0-only */
/* Which services are shown, and in which order. */
#ifndef VEXIPC_TOP_ORDER_H
#define VEXIPC_TOP_ORDER_H

#include "model.h"

/* In the order of the columns. */
enum sort_key {
	SORT_ID,
	SORT_STATE,
	SORT_BREAKER,
	SORT_SHARE,
	SORT_RATE,
	SORT_IN_FLIGHT,
	SORT_QUEUED,
	SORT_P50,
	SORT_P99,
	SORT_ERRORS,
	SORT_CPU,
	SORT_MEMORY,
	SORT_KEYS
};

enum { FILTER_ROOM = 64 };

struct order {
	enum sort_key key;
	bool reverse;
	char filter[FILTER_ROOM];	/* part of the id, or the state; "": all */
};

/* 0 or -EINVAL. */
int sort_key_parse(const char *name, enum sort_key *key);
const char *sort_key_name(enum sort_key key);
/* Its field, and what of a row that is a field of. */
const struct vexipc_field *sort_key_field(enum sort_key key);
const void *sort_key_object(enum sort_key key, const struct row *row);

/* Figures sort from high to low, names from a to z. Return: how many there are. */
unsigned int order_rows(const struct model *model, const struct order *order,
			const struct row *rows[static VEXIPC_MAX_SERVICES]);

#endif
