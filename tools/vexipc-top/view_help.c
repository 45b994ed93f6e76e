// SPDX-License-Identifier: GPL-2.0-only
/* Help: keys and columns. */
#include "figure.h"
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
	"A service is stale when nothing was heard of it for a minute.",
	"",
};

void draw_help(struct canvas *canvas, unsigned int end, struct view *view)
{
	enum { LINES = sizeof(lines) / sizeof(*lines), COUNT = LINES + SORT_KEYS };

	canvas_put(canvas, 0, 0, CANVAS_MOST, STYLE_BOLD, "vexipc-top: keys and columns");
	for (unsigned int i = 0; i + view->scroll < COUNT && i + 1 < end; i++) {
		unsigned int n = i + view->scroll;
		const struct vexipc_field *field = n < LINES ? NULL : sort_key_field(n - LINES);

		if (field)
			canvas_print(canvas, i + 1, 0, STYLE_PLAIN, "%-8s %s", figure_head(field),
				     field->help);
		else
			canvas_put(canvas, i + 1, 0, CANVAS_MOST, STYLE_PLAIN, lines[n]);
	}
	view->page = end > 1 ? end - 1 : 0;
	view->most_scroll = COUNT > view->page ? COUNT - view->page : 0;
}
