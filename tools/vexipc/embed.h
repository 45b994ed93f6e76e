/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of vexipc embed share: where texts come from, where vectors go. */
#ifndef VEXIPC_EMBED_H
#define VEXIPC_EMBED_H

#include "cli.h"

/* ---- texts ---- */

/* Where texts come from, one after the other. */
struct source {
	char **texts;			/* the arguments, or NULL */
	size_t count;
	const char *path;		/* a file; NULL or "-": stdin */
	bool whole;			/* all of it is one text, else each line */
	FILE *file;
	size_t next;
	bool ended;
};

struct text {
	char *data;			/* free() it */
	size_t len;
};

/* 0, or a negative errno. */
int source_open(struct source *source);
/* 1: a text; 0: there are no more; or a negative errno. */
int source_next(struct source *source, struct text *text);
void source_close(struct source *source);

/* ---- vectors ---- */

enum format {
	FORMAT_JSONL,
	FORMAT_RAW,
	FORMAT_NPY,
};

struct output;

/* @admin, which may be NULL, is for the names of services. */
struct output *output_new(enum format format);
/* What came of text number @index; in the order of the texts. */
void output_result(struct output *output, size_t index, const struct vexipc_result *result);
/* Write what is left; EXIT_OK, or what to exit with, which has been said. */
int output_end(struct output *output);

#endif
