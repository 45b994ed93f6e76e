// SPDX-License-Identifier: GPL-2.0
/* bpf/telemetry.h, tools/lib/telemetry_*.c: buckets, percentiles, fields. Takes nothing. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <vexipc/telemetry.h>

#include "../../bpf/telemetry.h"
#include "tap.h"

static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint64_t draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static double uniform(void)
{
	return ((double)(draw() >> 11) + 0.5) / 9007199254740992.0;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double off(uint64_t got, uint64_t exact)
{
	return fabs((double)got - (double)exact) / (double)exact;
}

static void test_buckets(void)
{
	uint32_t last = 0;
	bool rising = true, inside = true, near = true, ends = true;
	uint64_t low, high, next = 0;

	for (uint64_t v = 0; v < 1ull << 41; v += 1 + v / 777) {
		uint32_t b = vexipc_tm_bucket(v);

		rising &= b >= last && b < VEXIPC_TM_BUCKETS;
		last = b;
		if (v >= 1ull << VEXIPC_TM_MAX_BITS)
			continue;
		vexipc_latency_range(b, &low, &high);
		inside &= low <= v && v <= high;
		if (v >= 1 << VEXIPC_TM_MIN_BITS)
			near &= off(vexipc_tm_bucket_ns(b), v) <= 1.0 / 64 + 1e-9;
	}
	for (uint32_t b = 0; b < VEXIPC_TM_BUCKETS; b++) {
		vexipc_latency_range(b, &low, &high);
		ends &= low == next && vexipc_tm_bucket(low) == b && vexipc_tm_bucket(high) == b &&
			vexipc_tm_bucket(vexipc_tm_bucket_ns(b)) == b;
		next = high + 1;
	}
	tap_ok(rising, "greater values are in later buckets");
	tap_ok(inside, "a value is within the range of its bucket");
	tap_ok(near, "the middle of a bucket is at most 1/64 off any value in it");
	tap_ok(ends && next == 1ull << VEXIPC_TM_MAX_BITS,
	       "buckets follow on one another without a gap, up to 2^40 ns");
	tap_ok(vexipc_tm_bucket(UINT64_MAX) == VEXIPC_TM_BUCKETS - 1,
	       "what is greater than all is in the last bucket");
	tap_ok(vexipc_tm_log2(1) == 0 && vexipc_tm_log2(UINT64_MAX) == 63 &&
	       vexipc_tm_log2(1ull << 40) == 40 && vexipc_tm_log2((1ull << 40) - 1) == 39,
	       "the highest bit is found");
}

/* Percentiles of known values, by rank as the module defines them. */
static void percentiles_of(const char *name, uint64_t (*value)(void), uint32_t n)
{
	static const uint32_t permille[] = { 1, 500, 900, 990, 999, 1000 };
	uint64_t *values = calloc(n, sizeof(*values));
	struct vexipc_latency h = { .handle = 1 };
	double worst = 0;

	if (!values)
		tap_bail("out of memory");
	for (uint32_t i = 0; i < n; i++) {
		values[i] = value();
		h.bucket[vexipc_tm_bucket(values[i])]++;
		h.total++;
	}
	qsort(values, n, sizeof(*values), by_value);
	for (size_t i = 0; i < sizeof(permille) / sizeof(permille[0]); i++) {
		uint64_t rank = ((uint64_t)n * permille[i] + 999) / 1000;
		double error = off(vexipc_latency_percentile(&h, permille[i]), values[rank - 1]);

		if (error > worst)
			worst = error;
	}
	tap_ok(worst <= 0.02, "percentiles of %u %s values are within 2 %% (%.2f %%)", n, name,
	       worst * 100);
	free(values);
}

static uint64_t even(void)
{
	return 1024 + draw() % 100000000;
}

static uint64_t exponential(void)
{
	return 5000 + (uint64_t)(-log(uniform()) * 1e6);
}

static uint64_t heavy_tailed(void)
{
	double v = 20000 / pow(uniform(), 1 / 1.1);

	return v > 1e12 ? 1000000000000u : (uint64_t)v;
}

static uint64_t two_humped(void)
{
	return draw() % 100 < 97 ? 150000 + draw() % 10000 : 3000000 + draw() % 200000;
}

static void test_percentiles(void)
{
	static struct vexipc_latency h, before;

	percentiles_of("even", even, 100000);
	percentiles_of("exponential", exponential, 100000);
	percentiles_of("heavy-tailed", heavy_tailed, 100000);
	percentiles_of("two-humped", two_humped, 100000);
	percentiles_of("few", exponential, 7);
	percentiles_of("single", exponential, 1);

	tap_ok(!vexipc_latency_percentile(&h, 500), "of nothing the median is 0");
	h.handle = before.handle = 7;
	before.bucket[100] = before.total = 10;
	h.bucket[100] = 10;
	h.bucket[200] = 5;
	h.total = 15;
	vexipc_latency_subtract(&h, &before);
	tap_ok(h.total == 5 && !h.bucket[100] &&
	       vexipc_latency_percentile(&h, 1) == vexipc_tm_bucket_ns(200),
	       "what came since is the difference");
	before.handle = 8;
	before.bucket[200] = 5;
	vexipc_latency_subtract(&h, &before);
	tap_ok(h.total == 5, "the histogram of a predecessor in the slot is not subtracted");
}

static void test_peak(void)
{
	const uint64_t second = 1000000000;

	tap_ok(vexipc_tm_peak(100, 5000, 0) == 5000, "a peak counts at once");
	tap_ok(off(vexipc_tm_peak(1000000, 0, second), 500000) < 0.001,
	       "after a second a peak has gone half of the way");
	tap_ok(off(vexipc_tm_peak(1000000, 0, 9 * second), 100000) < 0.001,
	       "after nine seconds a tenth of it is left");
	tap_ok(vexipc_tm_peak(1000000, 500, 3600 * second) == 500 &&
	       vexipc_tm_peak(UINT64_MAX, 500, 10 * second) >= 500 &&
	       vexipc_tm_peak(UINT64_MAX, 500, 10 * second) <= 1ull << 40,
	       "no value and no time overflow");
}

static bool fields_lie_well(const struct vexipc_field *table, size_t size)
{
	for (const struct vexipc_field *f = table; f->name; f++) {
		bool number = f->kind != VEXIPC_FIELD_STRING && f->kind != VEXIPC_FIELD_ERRORS &&
			      f->kind != VEXIPC_FIELD_SIZES && f->kind != VEXIPC_FIELD_RATE;

		if (f->offset + f->size > size || !f->unit || !f->help ||
		    (number && f->size != 4 && f->size != 8) ||
		    vexipc_field_find(table, f->name) != f)
			return false;
	}
	return true;
}

static void test_fields(void)
{
	struct vexipc_telemetry_service s = { .id = "one", .last_error = VEXIPC_ERR_TIMED_OUT };
	struct vexipc_telemetry_instance i = { 0 };
	struct vexipc_telemetry_recent recent = { .share = 0.25 };
	const struct vexipc_field *services = vexipc_telemetry_service_fields();
	const struct vexipc_field *instances = vexipc_telemetry_instance_fields(), *rate;
	char text[128];

	tap_ok(fields_lie_well(services, sizeof(s)) && fields_lie_well(instances, sizeof(i)) &&
	       fields_lie_well(vexipc_telemetry_info_fields(),
			       sizeof(struct vexipc_telemetry_info)) &&
	       fields_lie_well(vexipc_telemetry_recent_fields(), sizeof(recent)),
	       "every field lies in its structure, once, with unit and help");
	vexipc_field_format(vexipc_field_find(services, "last_error"), &s, text, sizeof(text));
	tap_ok(!strcmp(text, "timed_out"), "an error reads as its name");
	i.batch_sizes[0] = 4;
	i.batch_sizes[3] = 2;
	i.batch_sizes[10] = 1;
	vexipc_field_format(vexipc_field_find(instances, "batch_sizes"), &i, text, sizeof(text));
	tap_ok(!strcmp(text, "1=4,8-15=2,1024+=1"), "sizes read as ranges: %s", text);
	rate = vexipc_field_find(instances, "hit_rate");
	vexipc_field_format(rate, &i, text, sizeof(text));
	tap_ok(!strcmp(text, "0.0"), "of no lookups none was a hit");
	i.cache_hits = 2;
	i.cache_misses = 1;
	vexipc_field_format(rate, &i, text, sizeof(text));
	tap_ok(!strcmp(text, "66.6") && vexipc_field_value(rate, &i) == 666, "hits are a share");
	i.cache_hits = UINT64_MAX;
	i.cache_misses = 0;
	rate = vexipc_field_find(vexipc_stats_fields(), "hit_rate");
	tap_ok(vexipc_field_value(vexipc_field_find(instances, "hit_rate"), &i) == 1000 &&
	       rate->size == 2 * sizeof(uint64_t), "whatever they are");
	rate = vexipc_field_find(vexipc_telemetry_recent_fields(), "share");
	vexipc_field_format(rate, &recent, text, sizeof(text));
	tap_ok(!strcmp(text, "0.25") && vexipc_field_real(rate, &recent) == 0.25 &&
	       vexipc_field_real(vexipc_field_find(services, "last_error"), &s) ==
	       VEXIPC_ERR_TIMED_OUT, "a real number is one, and so is every other");
	recent.share = NAN;
	vexipc_field_format(rate, &recent, text, sizeof(text));
	tap_ok(!strcmp(text, "-") && !vexipc_field_value(rate, &recent),
	       "one that is not known is a dash");
}

static void test_absence(void)
{
	struct vexipc_telemetry *t = NULL;
	int err = vexipc_telemetry_open(&t);

	tap_ok(err < 0 && !t, "without maps there is nothing to open: %s",
	       vexipc_telemetry_strerror(err));
	tap_ok(strcmp(vexipc_telemetry_strerror(-ENOENT), vexipc_telemetry_strerror(-ENODATA)) &&
	       strcmp(vexipc_telemetry_strerror(-ENODATA),
		      vexipc_telemetry_strerror(-EPROTONOSUPPORT)) &&
	       strcmp(vexipc_telemetry_strerror(-ENODATA), vexipc_telemetry_strerror(-ENOLINK)),
	       "module missing, telemetry not attached and another layout are told apart");
}

int main(void)
{
	test_buckets();
	test_percentiles();
	test_peak();
	test_fields();
	test_absence();
	return tap_done();
}
