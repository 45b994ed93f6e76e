// SPDX-License-Identifier: GPL-2.0-only
/* From samples to rates, percentiles, histories. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/telemetry.h"
#include "model.h"

/* Counters only grow; one that did not began anew. */
static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static void remember(struct history *history, const float *values)
{
	if (history->count == HISTORY) {
		for (unsigned int i = 0; i < SERIES_COUNT; i++)
			memmove(history->value[i], history->value[i] + 1,
				(HISTORY - 1) * sizeof(float));
		history->count--;
	}
	for (unsigned int i = 0; i < SERIES_COUNT; i++)
		history->value[i][history->count] = values[i];
	history->count++;
}

static const struct recent unknown = {
	.figures = { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN },
};

static void percentiles(struct recent *recent, const struct vexipc_latency *latency)
{
	struct vexipc_telemetry_recent *figures = &recent->figures;

	figures->p50_ns = (double)vexipc_latency_percentile(latency, 500);
	figures->p90_ns = (double)vexipc_latency_percentile(latency, 900);
	figures->p99_ns = (double)vexipc_latency_percentile(latency, 990);
	figures->p999_ns = (double)vexipc_latency_percentile(latency, 999);
}

static void remember_recent(struct history *history, const struct recent *recent,
			    uint64_t in_flight, uint64_t queued)
{
	bool answers = recent->answers && recent->known;
	float values[SERIES_COUNT] = {
		[SERIES_RATE]	   = (float)recent->figures.answers_per_second,
		[SERIES_P50]	   = answers ? (float)recent->figures.p50_ns : NAN,
		[SERIES_P90]	   = answers ? (float)recent->figures.p90_ns : NAN,
		[SERIES_P99]	   = answers ? (float)recent->figures.p99_ns : NAN,
		[SERIES_P999]	   = answers ? (float)recent->figures.p999_ns : NAN,
		[SERIES_ERRORS]	   = (float)recent->figures.error_share,
		[SERIES_IN_FLIGHT] = (float)in_flight,
		[SERIES_QUEUED]	   = (float)queued,
	};

	if (recent->known)
		remember(history, values);
}

static void note_errors(struct row *row, const struct vexipc_telemetry_service *now,
			uint64_t wall_sec)
{
	for (uint32_t i = 1; i < ERROR_KINDS; i++) {
		uint64_t count = grown(now->errors[i], row->now.errors[i]);

		if (!count)
			continue;
		memmove(row->errors + 1, row->errors, (ERRORS_KEPT - 1) * sizeof(*row->errors));
		row->errors[0] = (struct error_seen){ wall_sec, count, i };
		if (row->error_count < ERRORS_KEPT)
			row->error_count++;
	}
}

static uint64_t failures(const struct vexipc_telemetry_service *s)
{
	return s->failed + s->overloaded + s->evicted;
}

static void compare(struct row *row, const struct sample_service *now, double seconds)
{
	const struct vexipc_telemetry_service *new = &now->figures, *old = &row->now;
	struct vexipc_telemetry_recent *figures = &row->recent.figures;
	uint64_t completed = grown(new->completed, old->completed);
	uint64_t failed = grown(failures(new), failures(old));
	struct recent *recent = &row->recent;
	struct vexipc_latency since;

	row->sent = grown(new->requests, old->requests);
	row->ended = completed + failed;
	recent->known = true;
	figures->answers_per_second = (double)completed / seconds;
	figures->attempts_per_second = (double)row->sent / seconds;
	figures->bytes_per_second = (double)(grown(new->bytes_in, old->bytes_in) +
					     grown(new->bytes_out, old->bytes_out)) / seconds;
	figures->error_share = row->ended ? (double)failed / (double)row->ended : NAN;
	since = now->latency;
	vexipc_latency_subtract(&since, &row->latency);
	recent->answers = since.total != 0;
	if (recent->answers) {
		row->interval = since;
		percentiles(recent, &since);
	}
}

static void begin(struct row *row, const struct sample_service *now)
{
	memset(row, 0, sizeof(*row));
	row->recent = unknown;
	row->interval = now->latency;
	percentiles(&row->recent, &now->latency);
}

static struct row *take(struct model *model, const struct sample_service *now)
{
	const struct vexipc_telemetry_service *figures = &now->figures;
	struct row **at = &model->rows[figures->slot], *row = *at;
	bool same = row && row->now.handle == figures->handle;

	if (!row) {
		row = malloc(sizeof(*row));
		if (!row)
			return NULL;
		*at = row;
	}
	if (!same)
		begin(row, now);
	else if (model->interval_sec > 0)
		compare(row, now, model->interval_sec);
	if (same)
		note_errors(row, figures, model->wall_sec);
	row->now = *figures;
	row->latency = now->latency;
	memcpy(row->id, figures->id, sizeof(figures->id));
	row->sample = model->samples;
	return row;
}

/* Slots whose service is no more, or too long gone. */
static void drop_old(struct model *model)
{
	for (uint32_t slot = 0; slot < VEXIPC_MAX_SERVICES; slot++) {
		struct row *row = model->rows[slot];

		if (!row)
			continue;
		if (row->sample == model->samples &&
		    (row->now.state != VEXIPC_STATE_GONE || row->now.age_ns < GONE_SHOWN_NS))
			continue;
		free(row);
		model->rows[slot] = NULL;
	}
}

/* What takes the rows all together. */
static void sum_up(struct model *model)
{
	uint64_t sent = 0;

	memset(&model->interval, 0, sizeof(model->interval));
	model->services = 0;
	model->available = 0;
	model->in_flight = 0;
	for (uint32_t slot = 0; slot < VEXIPC_MAX_SERVICES; slot++) {
		struct row *row = model->rows[slot];

		if (!row)
			continue;
		model->services += row->now.state != VEXIPC_STATE_GONE;
		model->available += vexipc_tm_available(row->now.state);
		model->in_flight += row->now.in_flight;
		sent += row->sent;
		if (!row->recent.answers)
			continue;
		for (uint32_t i = 0; i < VEXIPC_LATENCY_BUCKETS; i++)
			model->interval.bucket[i] += row->interval.bucket[i];
		model->interval.total += row->interval.total;
	}
	for (uint32_t slot = 0; slot < VEXIPC_MAX_SERVICES; slot++) {
		struct row *row = model->rows[slot];

		if (!row)
			continue;
		if (row->recent.known)
			row->recent.figures.share = sent ? (double)row->sent / (double)sent : NAN;
		remember_recent(&row->history, &row->recent, row->now.in_flight, row->now.queued);
	}
}

static void compare_instance(struct model *model, const struct vexipc_telemetry_instance *now)
{
	const struct vexipc_telemetry_instance *old = &model->instance;
	struct vexipc_telemetry_recent *figures = &model->recent.figures;
	uint64_t completed, failed, hits, looked;

	model->recent = unknown;
	model->refused = 0;
	if (!(model->interval_sec > 0))
		return;
	completed = grown(now->completed, old->completed);
	failed = grown(now->failed, old->failed) + grown(now->timed_out, old->timed_out);
	model->recent.known = true;
	figures->answers_per_second = (double)completed / model->interval_sec;
	figures->bytes_per_second = (double)(grown(now->bytes_in, old->bytes_in) +
					     grown(now->bytes_out, old->bytes_out)) /
				    model->interval_sec;
	if (completed + failed)
		figures->error_share = (double)failed / (double)(completed + failed);
	hits = grown(now->cache_hits, old->cache_hits);
	looked = hits + grown(now->cache_misses, old->cache_misses);
	if (looked)
		figures->hit_share = (double)hits / (double)looked;
	model->refused = grown(now->refused, old->refused);
	model->recent.answers = model->interval.total != 0;
	percentiles(&model->recent, &model->interval);
}

static uint64_t ended(const struct vexipc_stats *s)
{
	return s->completed + s->failed + s->timed_out + s->cancelled + s->refused;
}

/*
 * Programs that are attached and do not count are told by what the module counts.
 * One request may be seen at one of the two only, for they are not read at once.
 */
static void compare_module(struct model *model, const struct sample *sample, uint64_t before_ns)
{
	if (!(model->interval_sec > 0) || !model->module_known || !sample->module_known ||
	    memcmp(&model->instance, &sample->instance, sizeof(model->instance)))
		model->behind = 0;
	else if (ended(&model->module) != ended(&sample->module) && !model->behind++)
		model->behind_since_ns = before_ns;
	model->stale_ns = model->behind < STALE_LOOKS ? 0 :
			  sample->time_ns - model->behind_since_ns;
	model->module_known = sample->module_known;
	model->module = sample->module;
}

static void forget(struct model *model)
{
	for (uint32_t slot = 0; slot < VEXIPC_MAX_SERVICES; slot++) {
		free(model->rows[slot]);
		model->rows[slot] = NULL;
	}
}

int model_update(struct model *model, const struct sample *sample)
{
	uint64_t before_ns = model->time_ns;
	int err = 0;

	/* After a time without figures nothing can be compared. */
	model->interval_sec = 0;
	if (model->samples && !model->err && sample->time_ns > model->time_ns)
		model->interval_sec = (double)(sample->time_ns - model->time_ns) / 1e9;
	model->samples++;
	model->time_ns = sample->time_ns;
	model->wall_sec = sample->wall_sec;
	model->err = sample->err;
	model->telemetry = sample->telemetry;
	compare_module(model, sample, before_ns);
	if (sample->err) {
		forget(model);
		return 0;
	}
	memcpy(model->policy, sample->policy, sizeof(model->policy));
	for (uint32_t i = 0; i < sample->count; i++)
		if (!take(model, &sample->services[i]))
			err = -ENOMEM;
	drop_old(model);
	sum_up(model);
	compare_instance(model, &sample->instance);
	model->instance = sample->instance;
	remember_recent(&model->history, &model->recent, model->in_flight,
			model->instance.queued);
	return err;
}

void model_free(struct model *model)
{
	forget(model);
}
