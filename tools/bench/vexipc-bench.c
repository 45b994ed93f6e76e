// SPDX-License-Identifier: GPL-2.0-only
/* What a round trip through vexipc takes, beside other ways to do the same. */
#include <argp.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vexipc/vexipc.h>

#include "bench.h"
#include "crowd.h"
#include "selection.h"

enum { MAX_LIST = 24 };

/* In the order of the table. */
static const struct bench_peer *const peers[] = {
	&bench_vexipc_ring, &bench_vexipc_ring_lib,
	&bench_vexipc_chardev, &bench_vexipc_netlink, &bench_vexipc_chardev_lib,
	&bench_vexipc_netlink_lib, &bench_vexipc_chardev_batch,
	&bench_vexipc_netlink_batch, &bench_vexipc_cached, &bench_unix_stream,
	&bench_unix_seqpacket, &bench_pipe,
	&bench_eventfd, &bench_haproxy,
#ifdef BENCH_FUSE
	&bench_fuse_write, &bench_fuse_ioctl,
#endif
#ifdef BENCH_ZEROMQ
	&bench_zeromq,
#endif
#ifdef BENCH_NNG
	&bench_nng,
#endif
#ifdef BENCH_NATS
	&bench_nats,
#endif
};

struct arguments {
	struct bench_plan plan;
	const char *json, *svg;
	const struct bench_peer *peer[MAX_LIST];
	struct { size_t request, answer; } size[MAX_LIST];
	unsigned int depth[MAX_LIST];
	unsigned int services[MAX_LIST];
	unsigned int peer_count, size_count, depth_count, services_count;
	unsigned int with_services, with_waiting;
	struct bench_load load;
	uint32_t algorithm;
	bool instructions, peers_named;
};

enum { OPT_JSON = 256, OPT_SVG, OPT_REPEAT, OPT_WARM_UP, OPT_LIST, OPT_INSTRUCTIONS,
       OPT_SERVICES, OPT_ALGORITHM, OPT_RATE, OPT_SECONDS, OPT_WITH_SERVICES,
       OPT_WITH_WAITING };

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
	{ "rate", OPT_RATE, "N", 0, "Instead: latencies of N requests a second, that come whether "
	  "or not those before were answered, at most --depth (64) under way", 0 },
	{ "seconds", OPT_SECONDS, "N", 0, "With --rate: for so long (10)", 0 },
	{ "with-services", OPT_WITH_SERVICES, "N", 0, "Round trips to N services of one process, "
	  "by vexipc-ring and vexipc-chardev", 0 },
	{ "with-waiting", OPT_WITH_WAITING, "N", 0, "Round trips while N requests wait for "
	  "another service", 0 },
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
			args->peers_named = true;
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
	case OPT_RATE:
		args->load.rate = (unsigned int)number(arg, 1, 10000000, state);
		break;
	case OPT_SECONDS:
		args->load.seconds = (unsigned int)number(arg, 1, 86400, state);
		break;
	case OPT_WITH_SERVICES:
		args->with_services = (unsigned int)number(arg, 1, VEXIPC_MAX_SERVICES, state);
		break;
	case OPT_WITH_WAITING:
		args->with_waiting = (unsigned int)number(arg, 1, 120000, state);
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

	for (unsigned int i = 0; args->with_services && i < args->peer_count; i++)
		if (!args->peer[i]->several)
			errx(1, "%s: has one service only", args->peer[i]->name);
	for (size_t i = 0; !args->peers_named && i < ARRAY_SIZE(peers); i++) {
		if (args->with_services && !peers[i]->several)
			continue;
		if (peers[i]->needs && access(peers[i]->needs, F_OK))
			warn("%s: left out: %s", peers[i]->name, peers[i]->needs);
		else
			args->peer[args->peer_count++] = peers[i];
	}
	if (!args->size_count) {
		args->size[0].request = 256;
		args->size[0].answer = 2048;
		args->size[1].request = 8192;
		args->size[1].answer = 4096;
		args->size_count = 2;
	}
	if (!args->depth_count && args->load.rate) {
		args->depth[0] = BENCH_MAX_DEPTH;
		args->depth_count = 1;
	} else if (!args->depth_count) {
		memcpy(args->depth, depths, sizeof(depths));
		args->depth_count = ARRAY_SIZE(depths);
	}
}

static unsigned int count_of(const struct arguments *args)
{
	return args->size_count * args->depth_count * args->peer_count;
}

/* Memory that the measuring processes share with this one. */
static void *shared(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		err(1, "mmap");
	return at;
}

/*
 * Calls @measure for each work and peer, in a process of its own: none finds what
 * another left, and some libraries do not work on both sides of a fork.
 */
static void for_each(const struct arguments *args,
		     void (*measure)(const struct arguments *args, const struct bench_peer *peer,
				     const struct bench_work *work, void *result),
		     void *results, size_t size)
{
	for (unsigned int i = 0; i < count_of(args); i++) {
		unsigned int d = i / args->peer_count, s = d / args->depth_count;
		const struct bench_work work = {
			.request = args->size[s].request,
			.answer = args->size[s].answer,
			.depth = args->depth[d % args->depth_count],
			.services = args->with_services,
		};
		pid_t pid = fork();
		int status;

		if (pid < 0)
			err(1, "fork");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			measure(args, args->peer[i % args->peer_count], &work,
				(char *)results + i * size);
			exit(0);
		}
		if (waitpid(pid, &status, 0) != pid || status)
			exit(1);
	}
}

static void measure_trips(const struct arguments *args, const struct bench_peer *peer,
			  const struct bench_work *work, void *result)
{
	bench_measure(peer, work, &args->plan, result);
}

static void run(const struct arguments *args, struct bench_report *report)
{
	double *trips;

	report->count = count_of(args);
	report->results = shared(report->count * sizeof(*report->results));
	trips = shared((size_t)report->count * args->plan.repeat * sizeof(*trips));
	for (unsigned int i = 0; i < report->count; i++)
		report->results[i].trip = trips + (size_t)i * args->plan.repeat;
	for_each(args, measure_trips, report->results, sizeof(*report->results));
}

static void measure_latency(const struct arguments *args, const struct bench_peer *peer,
			    const struct bench_work *work, void *result)
{
	if (!bench_open_loop(peer, work, &args->plan, &args->load, result))
		warnx("%s: left out, poll() does not tell of its answers", peer->name);
}

static void run_open_loop(const struct arguments *args)
{
	struct bench_latency *all = shared(count_of(args) * sizeof(*all));
	unsigned int count = 0;

	for_each(args, measure_latency, all, sizeof(*all));
	for (unsigned int i = 0; i < count_of(args); i++)
		if (all[i].answered)
			all[count++] = all[i];
	if (!args->json || strcmp(args->json, "-"))
		bench_print_latencies(&args->load, all, count);
	if (args->json)
		bench_write_latencies(&args->load, all, count, args->json);
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
		.load = { .seconds = 10 },
	};
	struct bench_report report = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	set_defaults(&args);
	report.plan = args.plan;
	report.instructions = bench_clock_counts_instructions();
	if (args.instructions && !report.instructions)
		errx(1, "the clock counts no instructions: see scripts/vm --icount");
	if (args.with_waiting)
		report.waiting_bytes = bench_crowd_wait(args.with_waiting);
	report.waiting = args.with_waiting;
	report.services = args.with_services;
	if (args.services_count) {
		bench_selection(args.services, args.services_count, args.algorithm,
				args.plan.trips, report.instructions);
		return 0;
	}
	if (args.load.rate) {
		run_open_loop(&args);
		return 0;
	}
	run(&args, &report);
	if (!args.json || strcmp(args.json, "-"))
		bench_print(&report);
	if (args.json)
		bench_write_json(&report, args.json);
	if (args.svg)
		bench_write_svg(&report, args.svg);
	return 0;
}
