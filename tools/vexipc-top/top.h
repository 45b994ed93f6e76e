/* SPDX-License-Identifier: GPL-2.0-only */
/* What the ways of showing share: options, where samples come from, the model. */
#ifndef VEXIPC_TOP_TOP_H
#define VEXIPC_TOP_TOP_H

#include "../vexipc/cli.h"
#include "record.h"
#include "view.h"

struct options {
	bool batch;
	bool json;
	bool no_color;
	bool readonly;
	uint32_t iterations;		/* 0: for ever */
	uint32_t delay_ms;		/* 0: the default, and of replays as recorded */
	struct order order;
	const char *record;
	const char *replay;
};

enum { DEFAULT_DELAY_MS = 1000, LEAST_DELAY_MS = 100, MOST_DELAY_MS = 3600000 };

struct top {
	struct options options;
	struct source *source;
	struct sample sample;
	struct model model;
	FILE *record;
	struct bytes scratch;
	bool utf8;
};

/* Take a sample, record it, take it in. Return: as source_ops.next, or of writing. */
int top_step(struct top *top);
/* How an error of top_step() reads. */
void top_explain(const struct top *top, int err, char *buf, size_t room);

/* Return: exit codes. */
int run_batch(struct top *top);
int run_ui(struct top *top);

#endif
