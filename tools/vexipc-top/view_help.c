// SPDX-License-Identifier: GPL-2.0-only
/* Help: keys and columns. */
#include "view.h"

static const char *const lines[] = {
	"h ?            this help; any key leaves it",
	"q              quit",
	"arrows j k     choose a service; PgUp PgDn Home End g G too",
	"Enter          the chosen service; Esc or Backspace: back",
	"s < >          sort by the next column, the one to the left, to the right",
	"r              reverse the order",
	"/              filter: part of an id, or a state; empty for all",
	"p space        pause, and go on",
	"d              drain the chosen service: it finishes, gets nothing new",
	"u              resume it",
	"+ -            look less or more often",
	"Ctrl-L         draw anew",
	"",
	"Rates, shares, ERR% and percentiles are of the time between two looks;",
	"percentiles in dim are of the last look with answers.",
	"SHARE%   of all attempts that were sent     INFL   requests it has now",
	"REQ/S    answers a second                   QUEUE  requests that wait for it",
	"P50 P99  from sending to the answer         ERR%   failed, of attempts ended",
	"CPU% MEM as the service reports             stale  nothing heard of it for a minute",
};

void draw_help(struct canvas *canvas, unsigned int end, struct view *view)
{
	enum { COUNT = sizeof(lines) / sizeof(*lines) };

	canvas_put(canvas, 0, 0, CANVAS_MOST, STYLE_BOLD, "vexipc-top: keys and columns");
	for (unsigned int i = 0; i + view->scroll < COUNT && i + 1 < end; i++)
		canvas_put(canvas, i + 1, 0, CANVAS_MOST, STYLE_PLAIN, lines[i + view->scroll]);
	view->page = end > 1 ? end - 1 : 0;
	view->most_scroll = COUNT > view->page ? COUNT - view->page : 0;
}
