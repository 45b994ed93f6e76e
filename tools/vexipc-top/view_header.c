// SPDX-License-Identifier: GPL-2.0-only
/* The header: the instance. And what is said when there is nothing to show. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "figure.h"
#include "view.h"

enum { ROWS_FOR_ALL = 30, ROWS_FOR_FOUR = 12, ROWS_FOR_TWO = 7 };	/* of the terminal */

void format_age(char *buf, uint64_t seconds)
{
	unsigned int s = (unsigned int)(seconds < 8640000 ? seconds : 8640000);

	if (s < 60)
		snprintf(buf, FIGURE_ROOM, "%us", s);
	else if (s < 3600)
		snprintf(buf, FIGURE_ROOM, "%um%02us", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, FIGURE_ROOM, "%uh%02um", s / 3600, s / 60 % 60);
	else
		snprintf(buf, FIGURE_ROOM, "%ud%02uh", s / 86400, s / 3600 % 24);
}

/* What mode this is, at the right end of the first line. */
static void draw_mode(struct canvas *canvas, const struct model *model, const struct view *view)
{
	time_t wall = (time_t)model->wall_sec;
	char text[64] = "", now[16] = "";
	struct tm tm;

	if (canvas->columns < 60)
		return;
	if (model->wall_sec && model->wall_sec < INT64_MAX && localtime_r(&wall, &tm))
		strftime(now, sizeof(now), "%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s%s%s%s", view->paused ? "paused " : "",
		 view->recording ? "recording " : "",
		 !view->replay ? "" : view->ended ? "replay, at its end " : "replay ", now);
	canvas_right(canvas, 0, 0, canvas->columns,
		     view->paused || view->replay ? STYLE_WARN : STYLE_PLAIN, text);
}

/* Name, space, figure; a wide gap before all but the first. */
static unsigned int label(struct canvas *canvas, unsigned int y, unsigned int x, const char *name,
			  enum style style, const char *figure)
{
	if (x)
		x += 2;
	x += canvas_put(canvas, y, x, CANVAS_MOST, STYLE_DIM, name);
	return x + 1 + canvas_put(canvas, y, x + 1, CANVAS_MOST, style, figure);
}

static unsigned int label_count(struct canvas *canvas, unsigned int y, unsigned int x,
				const char *name, uint64_t count, bool alarming)
{
	char text[FIGURE_ROOM];

	format_count(text, (double)count);
	return label(canvas, y, x, name, alarming && count ? STYLE_WARN : STYLE_PLAIN, text);
}

/* By its own name. */
static unsigned int label_recent(struct canvas *canvas, unsigned int y, unsigned int x,
				 const char *name, const struct recent *recent, bool known,
				 enum style style)
{
	const struct vexipc_field *field = recent_field(name);
	char word[FIGURE_WORD_ROOM], text[FIGURE_ROOM] = "-";

	figure_word(word, field);
	if (known)
		format_figure(text, field, &recent->figures);
	return label(canvas, y, x, word, style, text);
}

static void draw_first(struct canvas *canvas, const struct model *model, const struct view *view)
{
	char title[64];
	unsigned int x = 0;

	draw_mode(canvas, model, view);
	if (canvas->columns >= 60 || model->err)
		x = canvas_put(canvas, 0, 0, 16, STYLE_BOLD, "vexipc-top");
	if (model->err)
		return;
	snprintf(title, sizeof(title), "%u/%u", model->available, model->services);
	x = label(canvas, 0, x, canvas->columns < 60 ? "up" : "available",
		  model->available < model->services || !model->services ? STYLE_WARN :
		  STYLE_PLAIN, title);
	label_recent(canvas, 0, x, "answers_per_second", &model->recent, true, STYLE_BOLD);
}

static void draw_second(struct canvas *canvas, const struct model *model)
{
	const struct recent *recent = &model->recent;
	uint32_t line[CANVAS_MOST];
	unsigned int x = 0;

	x = label_count(canvas, 1, x, "in flight", model->in_flight, false);
	x = label_count(canvas, 1, x, "queued", model->instance.queued, true);
	x = label_recent(canvas, 1, x, "p50_ns", recent, recent->answers, STYLE_PLAIN);
	x = label_recent(canvas, 1, x, "p99_ns", recent, recent->answers, STYLE_PLAIN);
	x = label_recent(canvas, 1, x, "error_share", recent, true,
			 recent->figures.error_share >= 0.01 ? STYLE_BAD : STYLE_PLAIN);
	if (canvas->columns < x + 12)
		return;
	x += 2;
	sparkline(line, canvas->columns - x, model->history.value[SERIES_RATE],
		  model->history.count, 0, canvas->utf8);
	canvas_chars(canvas, 1, x, canvas->columns - x, STYLE_LINE, line);
}

static void draw_queues(struct canvas *canvas, const struct model *model)
{
	const struct vexipc_telemetry_instance *i = &model->instance;
	unsigned int x;

	x = canvas_put(canvas, 2, 0, CANVAS_MOST, STYLE_DIM, "queues:");
	x = label_count(canvas, 2, x, "critical", i->queued_critical, true);
	x = label_count(canvas, 2, x, "high", i->queued_high, true);
	x = label_count(canvas, 2, x, "normal", i->queued_normal, true);
	x = label_count(canvas, 2, x, "low", i->queued_low, true);
	x = label_count(canvas, 2, x, "highest", i->highest_critical + i->highest_high +
			i->highest_normal + i->highest_low, false);
	x = label_count(canvas, 2, x, "retries", i->retries, false);
	label_count(canvas, 2, x, "failovers", i->failovers, false);
}

static unsigned int label_hits(struct canvas *canvas, unsigned int y, unsigned int x,
			       const struct vexipc_telemetry_instance *i)
{
	double looked = (double)i->cache_hits + (double)i->cache_misses;
	char text[FIGURE_ROOM] = "-";

	if (looked > 0)
		format_share(text, (double)i->cache_hits / looked);
	return label(canvas, y, x, "cached%", STYLE_PLAIN, text);
}

static void draw_drops(struct canvas *canvas, const struct model *model, bool cache)
{
	const struct vexipc_telemetry_instance *i = &model->instance;
	unsigned int x;

	x = label(canvas, 3, 0, "policy", STYLE_PLAIN, *model->policy ? model->policy : "?");
	x = label_count(canvas, 3, x, "dropped", i->refused, model->refused != 0);
	for (uint32_t error = 1; error < ERROR_KINDS; error++)
		if (i->refused_by[error])
			x = label_count(canvas, 3, x, vexipc_error_name(error),
					i->refused_by[error], false);
	if (i->timed_out)
		x = label_count(canvas, 3, x, "timed_out", i->timed_out, false);
	if (i->services_died)
		x = label_count(canvas, 3, x, "died", i->services_died, false);
	if (cache && (i->cache_hits || i->cache_misses))
		x = label_hits(canvas, 3, x, i);
	if (cache && i->coalesced)
		x = label_count(canvas, 3, x, "coalesced", i->coalesced, false);
	if (i->hedges)
		label_count(canvas, 3, x, "hedges", i->hedges, false);
}

static unsigned int label_bytes(struct canvas *canvas, unsigned int y, unsigned int x,
				const char *name, bool known, uint64_t bytes)
{
	char text[FIGURE_ROOM] = "-";

	if (known)
		format_bytes(text, (double)bytes);
	return label(canvas, y, x, name, STYLE_PLAIN, text);
}

/* What is in memory: of requests, and of the cache; and who was turned away. */
static void draw_kept(struct canvas *canvas, const struct model *model)
{
	const struct vexipc_telemetry_instance *i = &model->instance;
	const struct vexipc_stats *m = &model->module;
	const struct {
		const char *name;
		uint64_t count;
	} denied[] = {
		{ "privilege", i->denied_privilege },
		{ "token", i->denied_token },
		{ "rule", i->denied_rule },
		{ "priority", i->denied_priority },
	};
	uint64_t all = 0;
	unsigned int x;

	x = label_bytes(canvas, 4, 0, "held", model->module_known, m->held_bytes);
	x = label_bytes(canvas, 4, x, "cache", model->module_known, m->cache_bytes);
	if (model->module_known)
		x = label_count(canvas, 4, x, "answers", m->cache_entries, false);
	x = label_hits(canvas, 4, x, i);
	x = label_count(canvas, 4, x, "hits", i->cache_hits, false);
	x = label_count(canvas, 4, x, "misses", i->cache_misses, false);
	x = label_count(canvas, 4, x, "coalesced", i->coalesced, false);
	for (size_t n = 0; n < sizeof(denied) / sizeof(*denied); n++)
		all += denied[n].count;
	x = label_count(canvas, 4, x, "denied", all, false);
	for (size_t n = 0; n < sizeof(denied) / sizeof(*denied); n++)
		if (denied[n].count)
			x = label_count(canvas, 4, x, denied[n].name, denied[n].count, false);
}

/* Words, wrapped. Return: the row after them. */
static unsigned int draw_words(struct canvas *canvas, unsigned int y, enum style style,
			       const char *text)
{
	unsigned int x = 0;

	while (*text) {
		int length = (int)strcspn(text, " ");

		if (x && x + (unsigned int)length > canvas->columns) {
			x = 0;
			y++;
		}
		x = canvas_print(canvas, y, x, style, "%.*s", length, text) + 1;
		text += length;
		text += strspn(text, " ");
	}
	return y + 1;
}

/* What the figures are worth, when that is less than it should be. */
static unsigned int draw_warning(struct canvas *canvas, unsigned int y, const struct model *model)
{
	const struct vexipc_telemetry_info *telemetry = &model->telemetry;
	char text[160], age[FIGURE_ROOM];

	format_age(age, model->stale_ns / 1000000000);
	if (telemetry->links < telemetry->programs)
		snprintf(text, sizeof(text), "telemetry: %u of %u programs are attached: "
			 "run 'sudo vexipc telemetry attach'", telemetry->links,
			 telemetry->programs);
	else if (model->stale_ns)
		snprintf(text, sizeof(text), "telemetry: figures are stale for %s: "
			 "run 'sudo vexipc telemetry attach'", age);
	else
		return y;
	return draw_words(canvas, y, STYLE_BAD, text);
}

unsigned int draw_header(struct canvas *canvas, const struct model *model, const struct view *view)
{
	unsigned int rows = view->all || canvas->rows >= ROWS_FOR_ALL ? 5 :
			    canvas->rows >= ROWS_FOR_FOUR ? 4 :
			    canvas->rows >= ROWS_FOR_TWO ? 2 : 1;

	draw_first(canvas, model, view);
	if (model->err)
		return rows > 1 ? 2 : 1;
	if (rows > 1)
		draw_second(canvas, model);
	if (rows > 2) {
		draw_queues(canvas, model);
		draw_drops(canvas, model, rows < 5);
	}
	if (rows > 4)
		draw_kept(canvas, model);
	return draw_warning(canvas, rows, model);
}

bool draw_trouble(struct canvas *canvas, unsigned int row, const struct model *model)
{
	const char *why = vexipc_telemetry_strerror(model->err), *remedy = strstr(why, ": ");
	char text[160];

	if (!model->err)
		return false;
	snprintf(text, sizeof(text), "%.*s", remedy ? (int)(remedy - why) : (int)strlen(why), why);
	row = draw_words(canvas, row, STYLE_BAD, text);
	if (remedy)
		draw_words(canvas, row, STYLE_PLAIN, remedy + 2);
	return true;
}
