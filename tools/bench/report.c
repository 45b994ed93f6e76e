// SPDX-License-Identifier: GPL-2.0-only
/* Results as a table for people and as JSON for programs. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <cjson/cJSON.h>

#include "bench.h"

/* What ratios are to: this peer, doing the same work. */
static const struct bench_peer *const base = &bench_unix_stream;

bool bench_same_work(const struct bench_work *a, const struct bench_work *b)
{
	return a->request == b->request && a->answer == b->answer && a->depth == b->depth;
}

/* To unix-stream at the same work; 0 if that was not measured. */
double bench_ratio(const struct bench_report *report, const struct bench_result *result)
{
	for (unsigned int i = 0; i < report->count; i++)
		if (report->results[i].peer == base &&
		    bench_same_work(&report->results[i].work, &result->work))
			return result->median / report->results[i].median;
	return 0;
}

static void print_size(char *buf, size_t room, size_t bytes)
{
	if (bytes % 1024)
		snprintf(buf, room, "%zu B", bytes);
	else
		snprintf(buf, room, "%zu KiB", bytes / 1024);
}

static void print_head(const struct bench_report *report, const struct bench_work *work)
{
	char request[32], answer[32];

	print_size(request, sizeof(request), work->request);
	print_size(answer, sizeof(answer), work->answer);
	printf("%s -> %s, depth %u\n%8s %14s %8s  %s\n", request, answer, work->depth, "ratio",
	       report->instructions ? "instructions" : "ns", "spread", "peer");
}

void bench_print(const struct bench_report *report)
{
	printf("A round trip, to that of %s; median of %u times %u.\n", base->name,
	       report->plan.repeat, report->plan.trips);
	if (report->services)
		printf("%u services, in one process.\n", report->services);
	if (report->waiting)
		printf("%u requests of 256 B wait, each of which takes %.0f bytes.\n",
		       report->waiting, report->waiting_bytes);
	for (unsigned int i = 0; i < report->count; i++) {
		const struct bench_result *result = &report->results[i];
		double r = bench_ratio(report, result);

		if (!i || !bench_same_work(&result->work, &result[-1].work)) {
			putchar('\n');
			print_head(report, &result->work);
		}
		if (r)
			printf("%8.3f", r);
		else
			printf("%8s", "-");
		printf(" %14.0f %6.2f %%  %s\n", result->median, 100 * result->spread,
		       result->peer->name);
	}
}

static cJSON *json_result(const struct bench_report *report, const struct bench_result *result)
{
	cJSON *object = cJSON_CreateObject(), *all;
	double r = bench_ratio(report, result);

	cJSON_AddStringToObject(object, "peer", result->peer->name);
	cJSON_AddNumberToObject(object, "request_bytes", (double)result->work.request);
	cJSON_AddNumberToObject(object, "answer_bytes", (double)result->work.answer);
	cJSON_AddNumberToObject(object, "depth", result->work.depth);
	if (r)
		cJSON_AddNumberToObject(object, "ratio", r);
	else
		cJSON_AddNullToObject(object, "ratio");
	cJSON_AddNumberToObject(object, "median", result->median);
	cJSON_AddNumberToObject(object, "spread", result->spread);
	cJSON_AddNumberToObject(object, "round_trips", result->trips);
	all = cJSON_AddArrayToObject(object, "repetitions");
	for (unsigned int i = 0; i < report->plan.repeat; i++)
		cJSON_AddItemToArray(all, cJSON_CreateNumber(result->trip[i]));
	return object;
}

cJSON *bench_json(const char *unit)
{
	cJSON *object = cJSON_CreateObject();
	struct utsname system;

	if (uname(&system))
		err(1, "uname");
	cJSON_AddStringToObject(object, "unit", unit);
	cJSON_AddStringToObject(object, "kernel", system.release);
	return object;
}

void bench_write_object(cJSON *object, const char *path)
{
	FILE *to = strcmp(path, "-") ? fopen(path, "we") : stdout;
	char *text = cJSON_Print(object);

	if (!to)
		err(1, "%s", path);
	if (!text)
		errx(1, "out of memory");
	if (fprintf(to, "%s\n", text) < 0 || (to == stdout ? fflush(to) : fclose(to)))
		err(1, "%s", path);
	free(text);
	cJSON_Delete(object);
}

void bench_write_json(const struct bench_report *report, const char *path)
{
	cJSON *object = bench_json(report->instructions ? "instructions" : "ns"), *results;

	cJSON_AddStringToObject(object, "ratio_to", base->name);
	cJSON_AddNumberToObject(object, "warm_up", report->plan.warm_up);
	cJSON_AddNumberToObject(object, "round_trips", report->plan.trips);
	cJSON_AddNumberToObject(object, "repeat", report->plan.repeat);
	if (report->services)
		cJSON_AddNumberToObject(object, "services", report->services);
	if (report->waiting) {
		cJSON_AddNumberToObject(object, "waiting", report->waiting);
		cJSON_AddNumberToObject(object, "waiting_bytes", report->waiting_bytes);
	}
	results = cJSON_AddArrayToObject(object, "results");
	for (unsigned int i = 0; i < report->count; i++)
		cJSON_AddItemToArray(results, json_result(report, &report->results[i]));
	bench_write_object(object, path);
}
