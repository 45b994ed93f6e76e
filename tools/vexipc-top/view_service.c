// SPDX-License-Identifier: GPL-2.0-only
/* One service: its figures, percentiles over time, histogram, last errors. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "text.h"
#include "view.h"

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

static void flow_count(struct flow *flow, const char *name, uint64_t n)
{
	char text[FIGURE_ROOM];

	format_count(text, (double)n);
	flow_put(flow, name, text);
}

static void flow_number(struct flow *flow, const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	flow_put(flow, name, text);
}

static uint64_t seconds_since(uint64_t now_ns, uint64_t then_ns)
{
	return now_ns > then_ns ? (now_ns - then_ns) / 1000000000 : 0;
}

static void draw_identity(struct pen *pen, const struct model *model, const struct row *row)
{
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
	flow_put(&flow, "transport", vexipc_transport_name(s->transport));
	flow_number(&flow, "weight", s->weight);
	flow_number(&flow, "priority", s->priority);
	flow_number(&flow, "slot", s->slot);
	snprintf(text, sizeof(text), "0x%" PRIx64, s->handle);
	flow_put(&flow, "handle", text);
	if (breaker_field()) {
		vexipc_field_format(breaker_field(), s, text, sizeof(text));
		flow_put(&flow, "breaker", text);
	}
}

static void draw_counters(struct pen *pen, const struct row *row)
{
	const struct vexipc_telemetry_service *s = &row->now;
	struct flow flow = { .pen = pen };

	flow_count(&flow, "requests", s->requests);
	flow_count(&flow, "completed", s->completed);
	flow_count(&flow, "failed", s->failed);
	flow_count(&flow, "timed out", s->timed_out);
	flow_count(&flow, "cancelled", s->cancelled);
	flow_count(&flow, "overloaded", s->overloaded);
	flow_count(&flow, "retries", s->retries);
	flow_count(&flow, "failovers", s->failovers);
	flow_count(&flow, "orphans", s->orphans);
	flow_count(&flow, "slow", s->slow);
	flow_count(&flow, "in flight", s->in_flight);
	flow_count(&flow, "highest", s->in_flight_max);
	flow_count(&flow, "limit", s->limit);
	flow_count(&flow, "lowest", s->limit_min);
	flow_count(&flow, "queued", s->queued);
	flow_count(&flow, "highest", s->queued_max);
}

static void draw_report(struct pen *pen, const struct model *model, const struct row *row)
{
	const struct vexipc_telemetry_service *s = &row->now;
	struct flow flow = { .pen = pen };
	char text[FIGURE_ROOM];

	format_share(text, s->available / 10000.0);
	flow_put(&flow, "available%", text);
	format_bytes(text, row->recent.bytes_rate);
	flow_put(&flow, "bytes/s", text);
	format_age(text, seconds_since(model->time_ns, s->heartbeat_ns));
	flow_put(&flow, "heartbeat", s->heartbeat_ns ? text : "none");
	if (!s->heartbeat_ns)
		return;
	format_share(text, s->cpu_permille / 1000.0);
	flow_put(&flow, "cpu%", text);
	format_bytes(text, (double)s->memory_bytes);
	flow_put(&flow, "memory", text);
	flow_count(&flow, "its queue", s->reported_queue_depth);
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
	const struct {
		const char *name;
		uint64_t latest, total;
		enum series series;
	} times[] = {
		{ "p50", row->recent.p50_ns, row->now.p50_ns, SERIES_P50 },
		{ "p90", row->recent.p90_ns, row->now.p90_ns, SERIES_P90 },
		{ "p99", row->recent.p99_ns, row->now.p99_ns, SERIES_P99 },
		{ "p99.9", row->recent.p999_ns, row->now.p999_ns, SERIES_P999 },
	};
	char latest[FIGURE_ROOM], total[FIGURE_ROOM];
	uint64_t ended = row->now.completed + row->now.failed;

	canvas_put(pen->canvas, next_line(pen), 0, CANVAS_MOST, STYLE_HEAD,
		   "             NOW  TOTAL  OVER TIME");
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		format_ns(latest, (double)times[i].latest);
		format_ns(total, (double)times[i].total);
		draw_series(pen, row, times[i].name, row->interval.total ? latest : "-",
			    row->latency.total ? total : "-", times[i].series);
	}
	format_count(latest, row->recent.rate);
	format_count(total, (double)row->now.completed);
	draw_series(pen, row, "req/s", row->recent.known ? latest : "-", total, SERIES_RATE);
	format_share(latest, isnan(row->recent.errors) ? 0 : row->recent.errors);
	format_share(total, ended ? (double)row->now.failed / (double)ended : 0);
	draw_series(pen, row, "errors%", isnan(row->recent.errors) ? "-" : latest,
		    ended ? total : "-", SERIES_ERRORS);
	format_count(latest, row->now.in_flight);
	draw_series(pen, row, "in flight", latest, "", SERIES_IN_FLIGHT);
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
