// SPDX-License-Identifier: GPL-2.0-only
/* The table: a row a service, as many columns as there is room for. */
#include <string.h>

#include "../../bpf/telemetry.h"
#include "figure.h"
#include "view.h"

enum {
	ID_LEAST	= 8,
	ID_MOST		= 32,
	LINE_LEAST	= 8,
	LINE_MOST	= 60,
};

/* In the order shown. The higher the rank, the earlier it goes when room is short. */
static const struct column {
	enum sort_key key;		/* its field is what is shown */
	unsigned int width;
	unsigned int rank;
	bool line;			/* its history is, rather */
	enum series series;
} columns[] = {
	{ SORT_ID, ID_LEAST, 0, false, 0 },
	{ SORT_STATE, 8, 3, false, 0 },
	{ SORT_BREAKER, 9, 8, false, 0 },
	{ SORT_SHARE, 6, 9, false, 0 },
	{ SORT_RATE, 5, 1, false, 0 },
	{ SORT_RATE, LINE_LEAST, 11, true, SERIES_RATE },
	{ SORT_IN_FLIGHT, 5, 4, false, 0 },
	{ SORT_QUEUED, 5, 7, false, 0 },
	{ SORT_P50, 5, 6, false, 0 },
	{ SORT_P99, 5, 2, false, 0 },
	{ SORT_P99, LINE_LEAST, 13, true, SERIES_P99 },
	{ SORT_ERRORS, 5, 5, false, 0 },
	{ SORT_CPU, 5, 10, false, 0 },
	{ SORT_MEMORY, 5, 12, false, 0 },
};

enum { COLUMNS = sizeof(columns) / sizeof(*columns), COL_ID = 0 };

/* Widths of the columns; 0: not shown. */
struct layout {
	unsigned int width[COLUMNS];
};

static unsigned int at_most(unsigned int n, unsigned int most)
{
	return n < most ? n : most;
}

static unsigned int longest_id(const struct row *const *rows, unsigned int count)
{
	unsigned int longest = ID_LEAST;

	for (unsigned int i = 0; i < count; i++) {
		unsigned int width = text_width(rows[i]->id);

		if (width > longest)
			longest = width;
	}
	return at_most(longest, ID_MOST);
}

/* Columns by rank while they fit; what is left goes to names, then to lines. */
static struct layout lay_out(unsigned int room, unsigned int longest)
{
	struct layout layout = { { [COL_ID] = ID_LEAST } };
	unsigned int used = ID_LEAST, lines = 0, more;

	for (unsigned int rank = 1; rank < COLUMNS; rank++) {
		for (unsigned int i = 0; i < COLUMNS; i++) {
			if (columns[i].rank != rank)
				continue;
			if (used + 1 + columns[i].width > room)
				goto full;
			layout.width[i] = columns[i].width;
			used += 1 + columns[i].width;
		}
	}
full:
	if (used > room)
		layout.width[COL_ID] = room;
	more = at_most(room - at_most(used, room), longest - ID_LEAST);
	layout.width[COL_ID] += more;
	used += more;
	for (unsigned int i = 0; i < COLUMNS; i++)
		lines += columns[i].line && layout.width[i];
	if (used < room && lines) {
		more = at_most((room - used) / lines, LINE_MOST - LINE_LEAST);
		for (unsigned int i = 0; i < COLUMNS; i++)
			if (columns[i].line && layout.width[i])
				layout.width[i] += more;
	}
	return layout;
}

enum style state_style(uint32_t state)
{
	switch (state) {
	case VEXIPC_STATE_ACTIVE:
		return STYLE_GOOD;
	case VEXIPC_STATE_BUSY:
	case VEXIPC_STATE_DEGRADED:
	case VEXIPC_STATE_REGISTERING:
	case VEXIPC_STATE_DRAINING:
		return STYLE_WARN;
	case VEXIPC_STATE_FAILED:
		return STYLE_BAD;
	default:
		return STYLE_DIM;
	}
}

static enum style error_style(double errors)
{
	return errors >= 0.1 ? STYLE_BAD : errors >= 0.01 ? STYLE_WARN : STYLE_PLAIN;
}

static void draw_line(struct canvas *canvas, unsigned int y, unsigned int x, unsigned int width,
		      const struct row *row, enum series series)
{
	uint32_t line[CANVAS_MOST];

	sparkline(line, width, row->history.value[series], row->history.count, 0, canvas->utf8);
	canvas_chars(canvas, y, x, width, STYLE_LINE, line);
}

/* A figure that is not known, or as it was when there last was one, is dim. */
static void figure(struct canvas *canvas, unsigned int y, unsigned int x, enum sort_key key,
		   unsigned int width, const struct row *row)
{
	const struct recent *recent = &row->recent;
	enum style style = STYLE_PLAIN;
	bool known = true;
	char text[FIGURE_ROOM] = "-";

	switch (key) {
	case SORT_QUEUED:
		style = row->now.queued ? STYLE_WARN : STYLE_PLAIN;
		break;
	case SORT_P50:
	case SORT_P99:
		style = recent->answers ? STYLE_PLAIN : STYLE_DIM;
		known = row->interval.total;
		break;
	case SORT_ERRORS:
		style = error_style(recent->figures.error_share);
		break;
	case SORT_CPU:
	case SORT_MEMORY:
		known = row->now.heartbeat_ns;
		break;
	default:
		break;
	}
	if (known)
		format_figure(text, sort_key_field(key), sort_key_object(key, row));
	if (!strcmp(text, "-"))
		style = STYLE_DIM;
	canvas_right(canvas, y, x, width, style, text);
}

static void draw_row(struct canvas *canvas, unsigned int y, const struct layout *layout,
		     const struct row *row)
{
	unsigned int x = 0;
	char text[64];

	for (unsigned int i = 0; i < COLUMNS; i++) {
		unsigned int width = layout->width[i];
		enum sort_key key = columns[i].key;

		if (!width)
			continue;
		if (columns[i].line) {
			draw_line(canvas, y, x, width, row, columns[i].series);
			x += width + 1;
			continue;
		}
		switch (key) {
		case SORT_ID:
			canvas_put(canvas, y, x, width, row->now.state == VEXIPC_STATE_GONE ?
				   STYLE_DIM : STYLE_BOLD, row->id);
			break;
		case SORT_STATE:
			canvas_put(canvas, y, x, width, row->now.stale ? STYLE_DIM :
				   state_style(row->now.state),
				   row->now.stale && vexipc_tm_available(row->now.state) ? "stale" :
				   vexipc_state_name(row->now.state));
			break;
		case SORT_BREAKER:
			vexipc_field_format(sort_key_field(key), &row->now, text, sizeof(text));
			canvas_put(canvas, y, x, width, strcmp(text, "closed") ? STYLE_BAD :
				   STYLE_PLAIN, text);
			break;
		default:
			figure(canvas, y, x, key, width, row);
		}
		x += width + 1;
	}
}

static void draw_head(struct canvas *canvas, unsigned int y, const struct layout *layout,
		      const struct order *order)
{
	unsigned int x = 0;

	for (unsigned int i = 0; i < COLUMNS; i++) {
		const struct vexipc_field *field = sort_key_field(columns[i].key);
		unsigned int width = layout->width[i];
		enum style style = STYLE_HEAD;

		if (!width)
			continue;
		if (columns[i].key == order->key)
			style |= STYLE_CHOSEN;
		if (columns[i].line)
			; /* the column before has its head */
		else if (field->kind == VEXIPC_FIELD_NUMBER || field->kind == VEXIPC_FIELD_REAL)
			canvas_right(canvas, y, x, width, style, figure_head(field));
		else
			canvas_put(canvas, y, x, width, style, figure_head(field));
		x += width + 1;
	}
}

/* The chosen service, wherever it has gone to; else what is now in its place. */
static void follow(struct view *view, const struct row *const *rows, unsigned int count)
{
	for (unsigned int i = 0; view->chosen && i < count; i++) {
		if (rows[i]->now.handle != view->chosen)
			continue;
		view->at = i;
		return;
	}
	if (view->at >= count)
		view->at = count ? count - 1 : 0;
	view->chosen = count ? rows[view->at]->now.handle : 0;
}

static void scroll(struct view *view, unsigned int count)
{
	if (view->at < view->top)
		view->top = view->at;
	if (view->page && view->at >= view->top + view->page)
		view->top = view->at - view->page + 1;
	if (view->top + view->page > count)
		view->top = count > view->page ? count - view->page : 0;
}

static void draw_last_line(struct canvas *canvas, const struct view *view)
{
	unsigned int y = canvas->rows - 1;

	if (*view->prompt)
		canvas_put(canvas, y, 0, CANVAS_MOST, STYLE_BOLD, view->prompt);
	else if (*view->message)
		canvas_put(canvas, y, 0, CANVAS_MOST, STYLE_WARN, view->message);
	else if (view->screen == SCREEN_TABLE)
		canvas_put(canvas, y, 0, CANVAS_MOST, STYLE_DIM,
			   view->readonly || view->replay ?
			   "h help  q quit  s sort  / filter  p pause  Enter details" :
			   "h help  q quit  s sort  / filter  p pause  Enter details  d drain  u resume");
	else
		canvas_put(canvas, y, 0, CANVAS_MOST, STYLE_DIM, "Esc back  h help  q quit");
}

static void draw_table(struct canvas *canvas, unsigned int y, const struct model *model,
		       struct view *view, const struct row *const *rows, unsigned int count,
		       unsigned int end)
{
	struct layout layout = lay_out(canvas->columns, longest_id(rows, count));

	draw_head(canvas, y++, &layout, &view->order);
	view->page = end > y ? end - y : 0;
	scroll(view, count);
	if (!count && y < canvas->rows)
		canvas_put(canvas, y, 0, CANVAS_MOST, STYLE_DIM, *view->order.filter ?
			   "no service matches the filter" : model->services ? "" :
			   "no service is registered");
	for (unsigned int i = view->top; i < count && y < end; i++, y++) {
		draw_row(canvas, y, &layout, rows[i]);
		if (!view->all && i == view->at)
			canvas_choose(canvas, y);
	}
	view->rows = count ? y : y + 1;
}

unsigned int view_rows(const struct model *model, const struct view *view)
{
	const struct row *rows[VEXIPC_MAX_SERVICES];
	unsigned int count = order_rows(model, &view->order, rows);

	return HEADER_MOST + 1 + (count ? count : 1);
}

void view_draw(struct canvas *canvas, const struct model *model, struct view *view)
{
	const struct row *rows[VEXIPC_MAX_SERVICES];
	bool line = !view->all && canvas->rows >= 8;
	unsigned int count, y, end = canvas->rows;

	canvas_clear(canvas);
	/* In a tiny terminal only what cannot wait gets the last line. */
	line = line || (canvas->rows > 1 && (*view->prompt || *view->message));
	if (line)
		end--;
	if (view->screen == SCREEN_HELP) {
		draw_help(canvas, end, view);
	} else {
		count = order_rows(model, &view->order, rows);
		follow(view, rows, count);
		y = draw_header(canvas, model, view);
		if (draw_trouble(canvas, y, model))
			;
		else if (view->screen == SCREEN_SERVICE && count)
			draw_service(canvas, y, end, model, view, rows[view->at]);
		else
			draw_table(canvas, y, model, view, rows, count, end);
	}
	if (line) {
		for (unsigned int x = 0; x < canvas->columns; x++)
			canvas_put(canvas, canvas->rows - 1, x, 1, STYLE_PLAIN, " ");
		draw_last_line(canvas, view);
	}
}
