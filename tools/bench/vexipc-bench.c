// SPDX-License-Identifier: GPL-2.0-only
/* What a round trip through vexipc takes, beside other ways to do the same. */
#include <argp.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vexipc/vexipc.h>

#include "bench.h"
#include "selection.h"

enum { MAX_LIST = 16 };

/* In the order of the table. */
static const struct bench_peer *const peers[] = {
	&bench_vexipc_ring, &bench_vexipc_ring_lib,
	&bench_vexipc_chardev, &bench_vexipc_netlink, &bench_vexipc_chardev_lib,
	&bench_vexipc_netlink_lib, &bench_vexipc_chardev_batch,
	&bench_vexipc_netlink_batch, &bench_vexipc_cached, &bench_unix_stream,
	&bench_unix_seqpacket, &bench_pipe,
	&bench_eventfd,
};

struct arguments {
	struct bench_plan plan;
	const char *json, *svg;
	const struct bench_peer *peer[MAX_LIST];
	struct { size_t request, answer; } size[MAX_LIST];
	unsigned int depth[MAX_LIST];
	unsigned int services[MAX_LIST];
	unsigned int peer_count, size_count, depth_count, services_count;
	uint32_t algorithm;
	bool instructions;
};

enum { OPT_JSON = 256, OPT_SVG, OPT_REPEAT, OPT_WARM_UP, OPT_LIST, OPT_INSTRUCTIONS,
       OPT_SERVICES, OPT_ALGORITHM };

static const struct argp_option options[] = {
	{ "peer", 'p', "NAME", 0, "Only this one, and any other named so", 0 },
	{ "size", 's', "TEXT:VECTOR", 0, "Bytes of a text and of a vector, a multiple of 4; "
	  "256:2048 and 8192:4096 unless told. May be given more than once", 0 },
	{ "depth", 'd', "N", 0, "Round trips under way at once, 1 to 64; 1, 8 and 64 unless "
	  "told. May be given more than once", 0 },
	{ "round-trips", 'n', "N", 0, "In a repetition (1000)", 0 },
	{ "warm-up", OPT_WARM_UP, "N", 0, "Round trips that do not count (300)", 0 },
	{ "repeat", OPT_REPEAT, "N", 0, "Repetitions (3)", 0 },
	{ "json", OPT_JSON, "FILE", 0, "Write the results there; - is stdout, without a table", 0 },
	{ "svg", OPT_SVG, "FILE", 0, "Write the ratios there, as a plot", 0 },
	{ "instructions", OPT_INSTRUCTIONS, NULL, 0,
	  "Fail unless the clock counts instructions", 0 },
	{ "services", OPT_SERVICES, "N", 0, "Instead: what choosing one of N services takes. "
	  "May be given more than once", 0 },
	{ "algorithm", OPT_ALGORITHM, "NAME", 0, "With --services: only by this algorithm", 0 },
	{ "list", OPT_LIST, NULL, 0, "List the peers", 0 },
	{ 0 }
};

static unsigned long number(const char *text, unsigned long least, unsigned long most,
			    struct argp_state *state)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n < least || n > most)
		argp_error(state, "%s: not a number from %lu to %lu", text, least, most);
	return n;
}

static void add_peer(struct arguments *args, const char *name, struct argp_state *state)
{
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		if (!strcmp(peers[i]->name, name)) {
			args->peer[args->peer_count++] = peers[i];
			return;
		}
	argp_error(state, "%s: no such peer; see --list", name);
}

static void add_size(struct arguments *args, char *text, struct argp_state *state)
{
	char *colon = strchr(text, ':');
	size_t request, answer;

	if (!colon)
		argp_error(state, "%s: not TEXT:VECTOR", text);
	*colon = '\0';
	request = number(text, BENCH_STAMP, 1 << 20, state);
	answer = number(colon + 1, BENCH_STAMP, VEXIPC_MAX_DIMENSIONS * sizeof(float), state);
	if (answer % sizeof(float))
		argp_error(state, "a vector has 4 bytes a dimension");
	args->size[args->size_count].request = request;
	args->size[args->size_count++].answer = answer;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	if (args->peer_count == MAX_LIST || args->size_count == MAX_LIST ||
	    args->depth_count == MAX_LIST || args->services_count == MAX_LIST)
		argp_error(state, "too many of one option");
	switch (key) {
	case 'p':
		add_peer(args, arg, state);
		break;
	case 's':
		add_size(args, arg, state);
		break;
	case 'd':
		args->depth[args->depth_count++] =
			(unsigned int)number(arg, 1, BENCH_MAX_DEPTH, state);
		break;
	case 'n':
		args->plan.trips = (unsigned int)number(arg, 1, 1000000, state);
		break;
	case OPT_WARM_UP:
		args->plan.warm_up = (unsigned int)number(arg, 0, 1000000, state);
		break;
	case OPT_SVG:
		args->svg = arg;
		break;
	case OPT_REPEAT:
		args->plan.repeat = (unsigned int)number(arg, 1, 1000, state);
		break;
	case OPT_JSON:
		args->json = arg;
		break;
	case OPT_INSTRUCTIONS:
		args->instructions = true;
		break;
	case OPT_SERVICES:
		args->services[args->services_count++] =
			(unsigned int)number(arg, 1, VEXIPC_MAX_SERVICES, state);
		break;
	case OPT_ALGORITHM:
		if (vexipc_algorithm_parse(arg, &args->algorithm))
			argp_error(state, "%s: no such algorithm", arg);
		break;
	case OPT_LIST:
		for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
			puts(peers[i]->name);
		exit(0);
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static void set_defaults(struct arguments *args)
{
	static const unsigned int depths[] = { 1, 8, 64 };

	if (!args->peer_count) {
		memcpy(args->peer, peers, sizeof(peers));
		args->peer_count = ARRAY_SIZE(peers);
	}
	if (!args->size_count) {
		args->size[0].request = 256;
		args->size[0].answer = 2048;
		args->size[1].request = 8192;
		args->size[1].answer = 4096;
		args->size_count = 2;
	}
	if (!args->depth_count) {
		memcpy(args->depth, depths, sizeof(depths));
		args->depth_count = ARRAY_SIZE(depths);
	}
}

static void run(const struct arguments *args, struct bench_report *report)
{
	struct bench_result *result;

	result = calloc((size_t)args->size_count * args->depth_count * args->peer_count,
			sizeof(*result));
	if (!result)
		err(1, NULL);
	report->results = result;
	for (unsigned int s = 0; s < args->size_count; s++)
		for (unsigned int d = 0; d < args->depth_count; d++)
			for (unsigned int p = 0; p < args->peer_count; p++) {
				const struct bench_work work = {
					.request = args->size[s].request,
					.answer = args->size[s].answer,
					.depth = args->depth[d],
				};

				bench_measure(args->peer[p], &work, &args->plan, result++);
				report->count++;
			}
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Instructions a round trip through vexipc, beside other ways to do the "
		       "same, in a virtual machine whose clock counts instructions; elsewhere "
		       "nanoseconds.",
	};
	struct arguments args = {
		.plan = { .warm_up = 300, .trips = 1000, .repeat = 3 },
	};
	struct bench_report report = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	set_defaults(&args);
	report.plan = args.plan;
	report.instructions = bench_clock_counts_instructions();
	if (args.instructions && !report.instructions)
		errx(1, "the clock counts no instructions: see scripts/vm --icount");
	if (args.services_count) {
		bench_selection(args.services, args.services_count, args.algorithm,
				args.plan.trips, report.instructions);
		return 0;
	}
	run(&args, &report);
	if (!args.json || strcmp(args.json, "-"))
		bench_print(&report);
	if (args.json)
		bench_write_json(&report, args.json);
	if (args.svg)
		bench_write_svg(&report, args.svg);
	for (unsigned int i = 0; i < report.count; i++)
		free(report.results[i].trip);
	free(report.results);
	return 0;
}
