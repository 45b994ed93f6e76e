// SPDX-License-Identifier: GPL-2.0
/* tools/vexipc-top: rates, percentiles and histories of samples; sorting, filtering. */
#include <errno.h>
#include <math.h>

#include "../../tools/vexipc-top/order.h"
#include "test_top.h"

static struct model model;

static bool near(double value, double wanted)
{
	if (fabs(value - wanted) <= fabs(wanted) * 0.02 + 1e-9)
		return true;
	printf("# %g is not %g\n", value, wanted);
	return false;
}

static void step(const struct sample *sample)
{
	if (model_update(&model, sample))
		tap_bail("no memory");
}

/* What is recent of the service in a slot. */
static const struct vexipc_telemetry_recent *of(uint32_t slot)
{
	return &model.rows[slot]->recent.figures;
}

static void test_rates(struct sample *sample)
{
	const struct vexipc_telemetry_recent *all = &model.recent.figures;
	struct sample_service *a, *b;
	const struct row *row;

	sample->time_ns = 100 * SECOND;
	answered(sample, add_service(sample, 0, "a"), 1000, 1000000);
	add_service(sample, 7, "b");
	step(sample);
	row = model.rows[0];
	tap_ok(!row->recent.known && isnan(of(0)->share) && near(of(0)->p99_ns, 1e6) &&
	       !row->history.count, "one sample has no rates; its percentiles are of all there was");

	a = &sample->services[0];
	b = &sample->services[1];
	pass(sample, 2 * SECOND);
	answered(sample, a, 300, 4000000);
	answered(sample, b, 100, 8000000);
	failed(sample, b, 100, VEXIPC_ERR_TIMED_OUT);
	b->figures.in_flight = 3;
	sample->instance.cache_hits += 30;
	sample->instance.cache_misses += 10;
	step(sample);
	row = model.rows[7];
	tap_ok(near(of(0)->answers_per_second, 150) && near(of(7)->answers_per_second, 50) &&
	       near(all->answers_per_second, 200), "rates are of the time between two samples");
	tap_ok(near(of(0)->share, 0.6) && near(of(7)->share, 0.4),
	       "shares are of attempts");
	tap_ok(near(all->hit_share, 0.75), "hits are of looks into the cache");
	tap_ok(near(of(7)->error_share, 0.5) && near(all->error_share, 0.2) &&
	       near(of(0)->error_share, 0), "errors are of what ended");
	tap_ok(near(of(0)->p50_ns, 4e6) && near(all->p50_ns, 4e6) &&
	       near(all->p99_ns, 8e6), "percentiles are of the interval, and of all services");
	tap_ok(model.in_flight == 3 && model.services == 2 && model.available == 2,
	       "services are summed up");
	tap_ok(row->error_count == 1 && row->errors[0].error == VEXIPC_ERR_TIMED_OUT &&
	       row->errors[0].count == 100, "errors are remembered");

	pass(sample, SECOND);
	step(sample);
	row = model.rows[0];
	tap_ok(near(of(0)->answers_per_second, 0) && isnan(of(0)->share) &&
	       isnan(of(0)->error_share) && !row->recent.answers &&
	       near(of(0)->p50_ns, 4e6) && row->history.count == 2 &&
	       isnan(row->history.value[SERIES_P50][1]),
	       "without answers the percentiles are the last ones, and a gap in the history");
}

static void test_changes(struct sample *sample)
{
	struct sample_service *a = &sample->services[0], *b = &sample->services[1];
	struct sample trouble = { .err = -ENODATA };

	pass(sample, SECOND);
	b->figures.handle += 1ull << 40;
	b->latency.handle = b->figures.handle;
	b->figures.requests = 5;
	step(sample);
	tap_ok(!model.rows[7]->recent.known && !model.rows[7]->error_count,
	       "a slot's next service inherits nothing");
	pass(sample, SECOND);
	memset(&a->figures.requests, 0, sizeof(a->figures.requests));
	a->figures.completed = 0;
	memset(a->latency.bucket, 0, sizeof(a->latency.bucket));
	a->latency.total = 0;
	step(sample);
	tap_ok(near(of(0)->answers_per_second, 0), "a counter that begins anew has no rate");
	pass(sample, SECOND);
	b->figures.state = VEXIPC_STATE_GONE;
	step(sample);
	tap_ok(model.rows[7] && model.services == 1, "one that went stays for a while");
	b->figures.age_ns = GONE_SHOWN_NS;
	pass(sample, SECOND);
	step(sample);
	tap_ok(!model.rows[7], "and is dropped");
	sample->count = 0;
	pass(sample, SECOND);
	step(sample);
	tap_ok(!model.rows[0] && !model.services, "so is one that is not there any more");
	sample->count = 1;
	step(sample);
	step(&trouble);
	tap_ok(model.err == -ENODATA && !model.rows[0], "without telemetry there is nothing");
	pass(sample, SECOND);
	step(sample);
	tap_ok(!model.err && !model.recent.known, "and nothing to compare with after it");
	sample->time_ns -= 50 * SECOND;
	answered(sample, a, 10, 100);
	step(sample);
	tap_ok(!model.recent.known, "nor when time goes back");
	for (unsigned int i = 0; i < HISTORY + 10; i++) {
		pass(sample, SECOND);
		answered(sample, a, i, 100);
		for (uint32_t error = 1; error < 30; error++)
			failed(sample, a, 1, error);
		step(sample);
	}
	tap_ok(model.rows[0]->history.count == HISTORY &&
	       near(model.rows[0]->history.value[SERIES_RATE][HISTORY - 1], HISTORY + 9) &&
	       near(model.rows[0]->history.value[SERIES_RATE][0], 10) &&
	       model.rows[0]->error_count == ERRORS_KEPT, "what is remembered has bounds");
}

/* The module has counted another one that ended, the maps only if @kept. */
static bool stale_after(struct sample *sample, bool kept)
{
	pass(sample, 5 * SECOND);
	sample->module.failed++;
	if (kept)
		sample->instance.failed++;
	step(sample);
	return model.stale_ns;
}

static void test_stale(void)
{
	struct sample sample = { .time_ns = SECOND, .module_known = true };
	struct sample trouble = { .err = -ENOLINK };
	bool right = true;

	model_free(&model);
	memset(&model, 0, sizeof(model));
	step(&sample);
	for (unsigned int i = 0; i < 10; i++)
		right = right && !stale_after(&sample, true);
	/* One that ended between the two is in the maps first; then nothing happens. */
	right = right && !stale_after(&sample, false);
	for (unsigned int i = 0; i < 10; i++) {
		pass(&sample, SECOND);
		step(&sample);
		right = right && !model.stale_ns;
	}
	tap_ok(right && !stale_after(&sample, true), "figures that follow the module's are right");
	tap_ok(!stale_after(&sample, false) && !stale_after(&sample, false) &&
	       stale_after(&sample, false) && model.stale_ns == 15 * SECOND,
	       "those that stay behind are stale, since the module went on");
	pass(&sample, SECOND);
	step(&sample);
	tap_ok(model.stale_ns == 16 * SECOND, "and remain so while nothing happens");
	tap_ok(!stale_after(&sample, true), "until they follow again");
	for (unsigned int i = 0; i < STALE_LOOKS; i++)
		stale_after(&sample, false);
	step(&trouble);
	tap_ok(!model.stale_ns, "or there are none");
	sample.module_known = false;
	for (unsigned int i = 0; i < 2 * STALE_LOOKS; i++)
		right = right && !stale_after(&sample, false);
	tap_ok(right, "of a module that is not known nothing is concluded");
	sample_free(&sample);
}

static bool in_order(const struct order *order, const char *wanted)
{
	const struct row *rows[VEXIPC_MAX_SERVICES];
	unsigned int count = order_rows(&model, order, rows);
	char got[128] = "";

	for (unsigned int i = 0; i < count && strlen(got) < 64; i++) {
		strcat(got, i ? " " : "");
		strcat(got, rows[i]->id);
	}
	if (!strcmp(got, wanted))
		return true;
	printf("# by %s: '%s', not '%s'\n", sort_key_name(order->key), got, wanted);
	return false;
}

static void test_order(void)
{
	struct order order = { .key = SORT_ID };
	struct sample sample = { .time_ns = SECOND };
	enum sort_key key;
	unsigned int bad = 0;

	model_free(&model);
	memset(&model, 0, sizeof(model));
	add_service(&sample, 3, "slow");
	add_service(&sample, 2, "fast");
	add_service(&sample, 1, "idle");
	step(&sample);
	pass(&sample, SECOND);
	answered(&sample, &sample.services[0], 10, 900000);
	answered(&sample, &sample.services[1], 90, 1000);
	sample.services[2].figures.state = VEXIPC_STATE_DRAINING;
	sample.services[2].figures.queued = 4;
	step(&sample);
	tap_ok(in_order(&order, "fast idle slow"), "names go from a to z");
	order.key = SORT_RATE;
	tap_ok(in_order(&order, "fast slow idle"), "figures from high to low");
	order.key = SORT_P99;
	tap_ok(in_order(&order, "slow fast idle"), "by p99");
	order.reverse = true;
	tap_ok(in_order(&order, "idle fast slow"), "or the other way round");
	order.reverse = false;
	order.key = SORT_QUEUED;
	tap_ok(in_order(&order, "idle fast slow"), "equals go by name");
	strcpy(order.filter, "S");
	order.key = SORT_ID;
	tap_ok(in_order(&order, "fast slow"), "a filter is a part of the id, in any case");
	strcpy(order.filter, "draining");
	tap_ok(in_order(&order, "idle"), "or a state");
	strcpy(order.filter, "nobody");
	tap_ok(in_order(&order, ""), "it may leave nothing");
	for (unsigned int i = 0; i < SORT_KEYS; i++) {
		bad += i != SORT_BREAKER && (sort_key_parse(sort_key_name(i), &key) || key != i);
		order = (struct order){ .key = i };
		order_rows(&model, &order, (const struct row *[VEXIPC_MAX_SERVICES]){ NULL });
	}
	tap_ok(!bad && sort_key_parse("nothing", &key) == -EINVAL, "columns have names");
	sample_free(&sample);
}

int main(void)
{
	struct sample sample = { 0 };

	test_rates(&sample);
	test_changes(&sample);
	test_stale();
	test_order();
	sample_free(&sample);
	model_free(&model);
	return tap_done();
}
