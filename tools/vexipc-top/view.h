/* SPDX-License-Identifier: GPL-2.0-only */
/* What is drawn: a model, seen through the choices of a person. */
#ifndef VEXIPC_TOP_VIEW_H
#define VEXIPC_TOP_VIEW_H

#include "canvas.h"
#include "model.h"
#include "order.h"

enum page {
	SCREEN_TABLE,
	SCREEN_SERVICE,
	SCREEN_HELP,
};

enum { HEADER_MOST = 20 };		/* rows, with words that are wrapped */

struct view {
	enum page screen;
	struct order order;
	uint64_t chosen;		/* handle of the service, 0: none yet */
	unsigned int at;		/* its place in the order */
	unsigned int top;		/* first place that is shown */
	unsigned int scroll;		/* lines above what is shown of a service, or help */
	unsigned int page;		/* places or lines in sight; set by drawing */
	unsigned int most_scroll;	/* set by drawing */
	unsigned int rows;		/* that a table and what is above it took; set by drawing */
	bool all;			/* as many rows as there are; nothing chosen: batch */
	bool paused;
	bool readonly;
	bool recording;
	const char *replay;		/* file; NULL: live */
	bool ended;			/* the replay has */
	char prompt[160];		/* a question, in place of the last line */
	char message[160];		/* what came of a key */
};

/* How many rows the table takes with all its services, at the most. */
unsigned int view_rows(const struct model *model, const struct view *view);
void view_draw(struct canvas *canvas, const struct model *model, struct view *view);

/* Parts; each returns the row after it. */
unsigned int draw_header(struct canvas *canvas, const struct model *model,
			 const struct view *view);
void draw_service(struct canvas *canvas, unsigned int row, unsigned int end,
		  const struct model *model, struct view *view, const struct row *service);
void draw_help(struct canvas *canvas, unsigned int end, struct view *view);
/* Why there is nothing to see, and what to do; false: there is something. */
bool draw_trouble(struct canvas *canvas, unsigned int row, const struct model *model);

enum style state_style(uint32_t state);
/* A span of time as "12s", "3m05s", "2h10m", "4d03h". */
void format_age(char *buf, uint64_t seconds);

#endif
