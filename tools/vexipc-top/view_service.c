// SPDX-License-Identifier: GPL-2.0-only
/* One service: its figures, percentiles over time, histogram, last errors. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "figure.h"
#include "view.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Lines one below the other, some of which are scrolled out of sight. */
struct pen {
	struct canvas *canvas;
	unsigned int first;		/* row of the canvas */
	unsigned int end;
	unsigned int skip;
	unsigned int lines;		/* so far */
};

/* The row of the next line; one outside the canvas when it is not in sight. */
static unsigned int next_line(struct pen *pen)
{
	unsigned int line = pen->lines++;

	if (line < pen->skip || line - pen->skip >= pen->end - pen->first)
		return CANVAS_MOST;
	return pen->first + line - pen->skip;
}

/* Figures one after the other, as many to a line as fit. */
struct flow {
	struct pen *pen;
	unsigned int y;
	unsigned int x;
};

static void flow_put(struct flow *flow, const char *name, const char *figure)
{
	unsigned int width = text_width(name) + 1 + text_width(figure);

	if (!flow->x || flow->x + width > flow->pen->canvas->columns) {
		flow->y = next_line(flow->pen);
		flow->x = 0;
	}
	canvas_put(flow->pen->canvas, flow->y, flow->x, CANVAS_MOST, STYLE_DIM, name);
	canvas_put(flow->pen->canvas, flow->y, flow->x + text_width(name) + 1, CANVAS_MOST,
		   STYLE_PLAIN, figure);
	flow->x += width + 2;
}

/* A figure of a service, by its own name. */
static void flow_field(struct flow *flow, const char *name, const struct row *row)
{
	const struct vexipc_field *field = service_field(name);
	char word[FIGURE_WORD_ROOM], text[FIGURE_ROOM];

	figure_word(word, field);
	format_figure(text, field, &row->now);
	flow_put(flow, word, text);
}

/* The same of what is no figure, or to be seen to the last digit. */
static void flow_exact(struct flow *flow, const char *name, const struct row *row)
{
	const struct vexipc_field *field = service_field(name);
	char word[FIGURE_WORD_ROOM], text[64];

	figure_word(word, field);
	vexipc_field_format(field, &row->now, text, sizeof(text));
	flow_put(flow, word, text);
}

static uint64_t seconds_since(uint64_t now_ns, uint64_t then_ns)
{
	return now_ns > then_ns ? (now_ns - then_ns) / 1000000000 : 0;
}

static void draw_identity(struct pen *pen, const struct model *model, const struct row *row)
{
	static const char *const names[] = {
		"transport", "weight", "priority", "slot", "handle", "breaker",
	};
	const struct vexipc_telemetry_service *s = &row->now;
	struct canvas *canvas = pen->canvas;
	struct flow flow = { .pen = pen };
	unsigned int y = next_line(pen), x;
	char text[64];

	x = canvas_put(canvas, y, 0, CANVAS_MOST, STYLE_BOLD, row->id) + 2;
	x += canvas_put(canvas, y, x, CANVAS_MOST, state_style(s->state),
			vexipc_state_name(s->state)) + 2;
	format_age(text, seconds_since(model->time_ns, s->since_ns));
	canvas_print(canvas, y, x, STYLE_PLAIN, "for %s", text);
	if (s->stale) {
		format_age(text, s->age_ns / 1000000000);
		canvas_print(canvas, next_line(pen), 0, STYLE_WARN,
			     "stale: nothing was heard of it for %s", text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		flow_exact(&flow, names[i], row);
}

static void draw_counters(struct pen *pen, const struct row *row)
{
	static const char *const names[] = {
		"requests", "completed", "failed", "timed_out", "cancelled", "overloaded",
		"retries", "failovers", "orphans", "slow", "in_flight", "in_flight_max", "limit",
		"limit_min", "queued", "queued_max",
	};
	struct flow flow = { .pen = pen };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		flow_field(&flow, names[i], row);
}

static void draw_report(struct pen *pen, const struct model *model, const struct row *row)
{
	static const char *const names[] = { "cpu_permille", "memory_bytes", "reported_queue_depth" };
	const struct vexipc_telemetry_service *s = &row->now;
	struct flow flow = { .pen = pen };
	char word[FIGURE_WORD_ROOM], text[FIGURE_ROOM];

	flow_field(&flow, "available", row);
	figure_word(word, recent_field("bytes_per_second"));
	format_figure(text, recent_field("bytes_per_second"), &row->recent.figures);
	flow_put(&flow, word, text);
	format_age(text, seconds_since(model->time_ns, s->heartbeat_ns));
	flow_put(&flow, "heartbeat", s->heartbeat_ns ? text : "none");
	for (size_t i = 0; s->heartbeat_ns && i < ARRAY_SIZE(names); i++)
		flow_field(&flow, names[i], row);
}

/* A name, the latest figure, the total one, the history. */
static void draw_series(struct pen *pen, const struct row *row, const char *name,
			const char *latest, const char *total, enum series series)
{
	enum { LINE_AT = 24 };
	struct canvas *canvas = pen->canvas;
	unsigned int y = next_line(pen), width;
	uint32_t line[CANVAS_MOST];

	canvas_put(canvas, y, 0, 10, STYLE_DIM, name);
	canvas_right(canvas, y, 10, 5, STYLE_PLAIN, latest);
	canvas_right(canvas, y, 16, 6, STYLE_DIM, total);
	if (canvas->columns <= LINE_AT)
		return;
	width = canvas->columns - LINE_AT;
	sparkline(line, width, row->history.value[series], row->history.count, 0, canvas->utf8);
	canvas_chars(canvas, y, LINE_AT, width, STYLE_LINE, line);
}

static void draw_over_time(struct pen *pen, const struct row *row)
{
	static const struct {
		const char *name;	/* of the field now, and, in all, of the service's */
		enum series series;
	} times[] = {
		{ "p50_ns", SERIES_P50 }, { "p90_ns", SERIES_P90 },
		{ "p99_ns", SERIES_P99 }, { "p999_ns", SERIES_P999 },
	};
	const struct vexipc_telemetry_recent *recent = &row->recent.figures;
	char word[FIGURE_WORD_ROOM], latest[FIGURE_ROOM], total[FIGURE_ROOM];
	uint64_t ended = row->now.completed + row->now.failed;

	canvas_put(pen->canvas, next_line(pen), 0, CANVAS_MOST, STYLE_HEAD,
		   "             NOW  TOTAL  OVER TIME");
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		figure_word(word, recent_field(times[i].name));
		format_figure(latest, recent_field(times[i].name), recent);
		format_figure(total, service_field(times[i].name), &row->now);
		draw_series(pen, row, word, row->interval.total ? latest : "-",
			    row->latency.total ? total : "-", times[i].series);
	}
	figure_word(word, recent_field("answers_per_second"));
	format_figure(latest, recent_field("answers_per_second"), recent);
	format_figure(total, service_field("completed"), &row->now);
	draw_series(pen, row, word, latest, total, SERIES_RATE);
	figure_word(word, recent_field("error_share"));
	format_figure(latest, recent_field("error_share"), recent);
	format_share(total, ended ? (double)row->now.failed / (double)ended : 0);
	draw_series(pen, row, word, latest, ended ? total : "-", SERIES_ERRORS);
	figure_word(word, service_field("in_flight"));
	format_figure(latest, service_field("in_flight"), &row->now);
	draw_series(pen, row, word, latest, "", SERIES_IN_FLIGHT);
}

/* Answers by octaves of latency, as many to a line as it takes to fit. */
static void draw_histogram(struct pen *pen, const struct row *row)
{
	enum { STEPS = 32, OCTAVES = VEXIPC_LATENCY_BUCKETS / STEPS, BAR_AT = 24, MOST = 16 };
	uint64_t octave[OCTAVES] = { 0 }, low, high, unused, n, most = 0;
	unsigned int first = OCTAVES, last = 0, per_line;
	char from[FIGURE_ROOM], to[FIGURE_ROOM], text[FIGURE_ROOM];

	for (unsigned int i = 0; i < OCTAVES * STEPS; i++)
		octave[i / STEPS] += row->latency.bucket[i];
	for (unsigned int i = 0; i < OCTAVES; i++) {
		if (!octave[i])
			continue;
		first = i < first ? i : first;
		last = i;
	}
	canvas_put(pen->canvas, next_line(pen), 0, CANVAS_MOST, STYLE_HEAD,
		   "LATENCY OF ANSWERS SINCE IT CAME");
	if (first == OCTAVES) {
		canvas_put(pen->canvas, next_line(pen), 0, CANVAS_MOST, STYLE_DIM,
			   row->now.histogram ? "none yet" : "not kept for this service");
		return;
	}
	per_line = (last - first) / MOST + 1;
	for (unsigned int pass = 0; pass < 2; pass++) {
		for (unsigned int i = first; i <= last; i += per_line) {
			unsigned int stop = i + per_line < OCTAVES ? i + per_line : OCTAVES;
			unsigned int y, width;

			n = 0;
			for (unsigned int j = i; j < stop; j++)
				n += octave[j];
			most = n > most ? n : most;
			if (!pass)
				continue;
			vexipc_latency_range(i * STEPS, &low, &unused);
			vexipc_latency_range(stop * STEPS - 1, &unused, &high);
			y = next_line(pen);
			format_ns(from, (double)low);
			format_ns(to, (double)high);
			format_count(text, (double)n);
			canvas_right(pen->canvas, y, 0, 6, STYLE_PLAIN, from);
			canvas_put(pen->canvas, y, 7, 1, STYLE_DIM, "-");
			canvas_right(pen->canvas, y, 9, 6, STYLE_PLAIN, to);
			canvas_right(pen->canvas, y, 16, 6, STYLE_PLAIN, text);
			if (pen->canvas->columns <= BAR_AT)
				continue;
			width = (unsigned int)(ceil((double)n / (double)most *
						    (pen->canvas->columns - BAR_AT)));
			for (unsigned int x = 0; x < width; x++)
				canvas_put(pen->canvas, y, BAR_AT + x, 1, STYLE_LINE, "#");
		}
	}
}

static void draw_errors(struct pen *pen, const struct model *model, const struct row *row)
{
	struct canvas *canvas = pen->canvas;
	char age[FIGURE_ROOM];
	unsigned int x, y;

	canvas_put(canvas, next_line(pen), 0, CANVAS_MOST, STYLE_HEAD, "LAST ERRORS");
	for (unsigned int i = 0; i < row->error_count; i++) {
		const struct error_seen *seen = &row->errors[i];

		y = next_line(pen);
		format_age(age, model->wall_sec > seen->wall_sec ?
			   model->wall_sec - seen->wall_sec : 0);
		x = canvas_print(canvas, y, 0, STYLE_DIM, "%7s ago", age) + 2;
		x = canvas_print(canvas, y, x, STYLE_BAD, "%s", vexipc_error_name(seen->error));
		canvas_print(canvas, y, x + 1, STYLE_PLAIN, "x%" PRIu64, seen->count);
	}
	if (row->error_count)
		return;
	if (!row->now.last_error) {
		canvas_put(canvas, next_line(pen), 0, CANVAS_MOST, STYLE_DIM, "none");
		return;
	}
	format_age(age, seconds_since(model->time_ns, row->now.last_error_ns));
	canvas_print(canvas, next_line(pen), 0, STYLE_PLAIN, "%7s ago  %s", age,
		     vexipc_error_name(row->now.last_error));
}

void draw_service(struct canvas *canvas, unsigned int row, unsigned int end,
		  const struct model *model, struct view *view, const struct row *service)
{
	struct pen pen = { canvas, row, end > row ? end : row, view->scroll, 0 };
	unsigned int room = pen.end - pen.first;

	draw_identity(&pen, model, service);
	draw_counters(&pen, service);
	draw_report(&pen, model, service);
	draw_over_time(&pen, service);
	draw_histogram(&pen, service);
	draw_errors(&pen, model, service);
	view->page = room;
	view->most_scroll = pen.lines > room ? pen.lines - room : 0;
}
