// SPDX-License-Identifier: GPL-2.0
/* tools/vexipc-top: recordings, and what is no recording. */
#include <errno.h>

#include "../../tools/vexipc-top/record.h"
#include "test_top.h"

static void make_samples(struct sample *sample)
{
	sample->time_ns = 5000 * SECOND;
	sample->wall_sec = 1800000000;
	strcpy(sample->policy, "round-robin");
	sample->instance.queued_high = 3;
	sample->instance.refused_by[4] = UINT64_MAX;
	sample->instance.denied_rule = 2;
	sample->telemetry.programs = 21;
	sample->telemetry.links = 20;
	sample->module_known = true;
	sample->module.held_bytes = 1ull << 40;
	sample->module.failed_by[3] = 7;
	answered(sample, add_service(sample, 0, "alpha"), 1000, 1200000);
	/* All of its room, without a NUL. */
	answered(sample, add_service(sample, 1023,
				     "0123456789012345678901234567890123456789012345678901234567890123"),
		 7, 20);
	failed(sample, &sample->services[1], 3, VEXIPC_ERR_TIMED_OUT);
	sample->services[1].latency.bucket[VEXIPC_LATENCY_BUCKETS - 1] = 1;
	sample->services[1].latency.total++;
}

/* A recording of two samples; its size is set. */
static char *make_recording(const struct sample *sample, size_t *size)
{
	struct sample trouble = { .err = -ENODATA, .time_ns = 1 };
	struct bytes scratch = { 0 };
	char *text;
	FILE *file = open_memstream(&text, size);

	if (!file || record_begin(file, &scratch) || record_sample(file, &scratch, sample) ||
	    record_sample(file, &scratch, &trouble))
		tap_bail("cannot make a recording");
	fclose(file);
	bytes_free(&scratch);
	return text;
}

/* Read all of it. Return: what ended it; *count samples came before. */
static int read_all_of(const char *text, size_t size, unsigned int *count)
{
	struct record_layout layout;
	struct sample sample = { 0 };
	struct bytes scratch = { 0 };
	FILE *file = fmemopen((void *)text, size ? size : 1, "r");
	int err;

	*count = 0;
	if (!file)
		tap_bail("no memory");
	if (!size)
		fgetc(file);
	err = record_open(file, &scratch, &layout);
	while (!err) {
		err = record_next(file, &scratch, &layout, &sample);
		*count += !err;
	}
	fclose(file);
	bytes_free(&scratch);
	sample_free(&sample);
	return err;
}

static void test_same(const char *text, size_t size, const struct sample *sample)
{
	static struct record_layout layout;
	struct sample back = { 0 };
	struct bytes scratch = { 0 };
	FILE *file = fmemopen((void *)text, size, "r");
	bool same;

	if (!file || record_open(file, &scratch, &layout) ||
	    record_next(file, &scratch, &layout, &back))
		tap_bail("cannot read a recording");
	same = back.time_ns == sample->time_ns && back.wall_sec == sample->wall_sec &&
	       back.err == 0 && back.count == sample->count &&
	       !strcmp(back.policy, sample->policy) &&
	       !memcmp(&back.instance, &sample->instance, sizeof(back.instance)) &&
	       !memcmp(&back.telemetry, &sample->telemetry, sizeof(back.telemetry)) &&
	       back.module_known &&
	       !memcmp(&back.module, &sample->module, sizeof(back.module));
	for (uint32_t i = 0; same && i < back.count; i++)
		same = !memcmp(&back.services[i], &sample->services[i], sizeof(*back.services));
	tap_ok(same, "what was recorded comes back, every figure");
	tap_ok(!record_next(file, &scratch, &layout, &back) && back.err == -ENODATA &&
	       !back.count && record_next(file, &scratch, &layout, &back) == -ENODATA,
	       "a time without telemetry is recorded, too; then it ends");
	fclose(file);
	bytes_free(&scratch);
	sample_free(&back);
}

static void test_truncated(const char *text, size_t size)
{
	unsigned int wrong = 0, count;
	size_t ends = 0;

	for (size_t length = 0; length < size; length++) {
		int err = read_all_of(text, length, &count);

		ends += err == -ENODATA;
		wrong += err != -EPROTO && err != -EPIPE && err != -ENODATA;
		/* What came whole is given out. */
		wrong += count > 1 || (err == -ENODATA && count > 1);
	}
	tap_ok(!wrong && ends == 2, "one that is cut short anywhere is told from one that ends");
}

static void test_corrupted(const char *text, size_t size)
{
	char *copy = malloc(size);
	unsigned int passed = 0, count;

	if (!copy)
		tap_bail("no memory");
	for (size_t at = 0; at < size; at++) {
		for (unsigned int flip = 1; flip < 256; flip = flip * 3 + 1) {
			memcpy(copy, text, size);
			copy[at] ^= (char)flip;
			passed += read_all_of(copy, size, &count) == -ENODATA;
		}
	}
	tap_ok(!passed, "a change of any byte is noticed");
	free(copy);
}

/* With a checksum that is right again: only the parser stands in the way. */
static void test_hostile(const char *text, size_t size)
{
	static struct record_layout layout, other;
	const unsigned char *at = (const unsigned char *)text + 8;
	size_t layout_len = at[0] | (size_t)at[1] << 8;
	const unsigned char *chunk = at + 8 + layout_len;
	size_t chunk_len = chunk[0] | (size_t)chunk[1] << 8;
	unsigned char *copy = malloc(size);
	struct sample sample = { 0 };
	unsigned int refused = 0;

	if (!copy || record_parse_layout(at + 8, layout_len, &layout))
		tap_bail("no layout");
	for (size_t i = 0; i < layout_len; i++) {
		for (unsigned int flip = 1; flip < 256; flip = flip * 3 + 1) {
			memcpy(copy, at + 8, layout_len);
			copy[i] ^= (unsigned char)flip;
			if (record_parse_layout(copy, layout_len, &other))
				refused++;
			else
				record_parse_sample(chunk + 8, chunk_len, &other, &sample);
		}
		refused += record_parse_layout(at + 8, i, &other) != 0;
	}
	tap_ok(refused > layout_len, "a layout is read within its bounds, whatever is in it");
	refused = 0;
	for (size_t i = 0; i < chunk_len; i++) {
		for (unsigned int flip = 1; flip < 256; flip = flip * 3 + 1) {
			memcpy(copy, chunk + 8, chunk_len);
			copy[i] ^= (unsigned char)flip;
			refused += record_parse_sample(copy, chunk_len, &layout, &sample) != 0;
		}
		refused += record_parse_sample(chunk + 8, i, &layout, &sample) != 0;
	}
	tap_ok(refused > chunk_len, "a sample is read within its bounds, whatever is in it");
	srandom(1);
	refused = 0;
	for (unsigned int round = 0; round < 20000; round++) {
		size_t length = (size_t)random() % 300;

		for (size_t i = 0; i < length; i++)
			copy[i] = (unsigned char)(random() % 4 ? random() % 8 : random());
		refused += record_parse_sample(copy, length, &layout, &sample) != 0;
		if (!record_parse_layout(copy, length, &other))
			record_parse_sample(copy, length, &other, &sample);
	}
	tap_ok(refused > 0, "noise is read within its bounds");
	sample_free(&sample);
	free(copy);
}

static void test_other_versions(void)
{
	/* Version 1, which had neither telemetry nor module; a field of a service that is
	 * not known, and one of a string's name that has become a number; none of an
	 * instance. */
	static const unsigned char layout_bytes[] = {
		1, 3, 5, 'n', 'e', 'w', 'e', 'r', 2, 2, 'i', 'd', 0, 4, 's', 'l', 'o', 't', 0, 0,
	};
	/* newer = {1, 2}, id = 9, slot = 5, no histogram. */
	static const unsigned char sample_bytes[] = {
		10, 20, 0, 0, 1, 2, 1, 2, 9, 5, 0,
	};
	static const unsigned char slot_too_large[] = {
		10, 20, 0, 0, 1, 2, 1, 2, 9, 0x80, 0x08, 0,
	};
	static const unsigned char next_version[] = { 3 };
	static struct record_layout layout;
	struct sample sample = { 0 };

	tap_ok(record_parse_layout(next_version, sizeof(next_version), &layout) == -EPROTONOSUPPORT,
	       "another version is refused");
	tap_ok(!record_parse_layout(layout_bytes, sizeof(layout_bytes), &layout) &&
	       !record_parse_sample(sample_bytes, sizeof(sample_bytes), &layout, &sample) &&
	       sample.count == 1 && sample.services[0].figures.slot == 5 &&
	       !sample.services[0].figures.id[0] && !sample.module_known,
	       "fields go by name; those not known are skipped");
	tap_ok(record_parse_sample(slot_too_large, sizeof(slot_too_large), &layout, &sample) ==
	       -EBADMSG, "a slot that cannot be is refused");
	sample_free(&sample);
}

int main(void)
{
	struct sample sample = { 0 };
	unsigned int count;
	char *text;
	size_t size;

	make_samples(&sample);
	text = make_recording(&sample, &size);
	test_same(text, size, &sample);
	test_truncated(text, size);
	test_corrupted(text, size);
	test_hostile(text, size);
	test_other_versions();
	tap_ok(read_all_of("#!/bin/sh\necho no\n", 18, &count) == -EPROTO,
	       "any other file is no recording");
	sample_free(&sample);
	free(text);
	return tap_done();
}
