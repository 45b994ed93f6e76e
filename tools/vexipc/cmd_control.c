// SPDX-License-Identifier: GPL-2.0-only
/* vexipc drain, resume, breaker, ping. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli.h"

struct word {
	const char *name;
	uint32_t op;
};

/* What is done to a service: what the last argument says, or if there is none, one thing. */
struct verb {
	const char *args;
	const char *doc;
	const char *failed;		/* to do what with service ... */
	const char *missing;		/* what is asked who says too little */
	int (*run)(struct vexipc_admin *admin, const char *id, uint32_t op);
	uint32_t op;
	const struct word *words;
	const char *no_word;		/* why a word is none of these */
};

struct control_args {
	const struct verb *verb;
	const char *id;
	uint32_t op;
};

static uint32_t op_of(const struct verb *verb, const char *name)
{
	const struct word *word;

	for (word = verb->words; word->name; word++)
		if (!strcmp(word->name, name))
			return word->op;
	return 0;
}

static error_t control_option(int key, char *arg, struct argp_state *state)
{
	struct control_args *args = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (!args->id) {
			args->id = arg;
			break;
		}
		if (args->op)
			argp_error(state, args->verb->words ? "too many arguments" :
				   "one service at a time");
		args->op = op_of(args->verb, arg);
		if (!args->op)
			argp_error(state, "%s, not '%s'", args->verb->no_word, arg);
		break;
	case ARGP_KEY_END:
		if (!args->id || !args->op)
			argp_error(state, "%s", args->verb->missing);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int control(int argc, char **argv, const struct verb *verb)
{
	const struct argp argp = {
		.parser = control_option,
		.args_doc = verb->args,
		.doc = verb->doc,
	};
	struct control_args args = { .verb = verb, .op = verb->op };
	struct vexipc_admin *admin;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	err = open_admin(&admin);
	if (err)
		return err;
	err = verb->run(admin, args.id, args.op);
	vexipc_admin_close(admin);
	return err ? fail(err, "%s service '%s'", verb->failed, args.id) : EXIT_OK;
}

static int drain_or_resume(struct vexipc_admin *admin, const char *id, uint32_t op)
{
	return op == VEXIPC_CONTROL_DRAIN ? vexipc_admin_drain(admin, id) :
	       vexipc_admin_resume(admin, id);
}

int cmd_drain(int argc, char **argv)
{
	static const struct verb drain = {
		.args = "ID",
		.doc = "Send a service nothing new; it finishes what it has. "
		       "Needs CAP_NET_ADMIN.",
		.failed = "drain",
		.missing = "which service? see 'vexipc services'",
		.run = drain_or_resume,
		.op = VEXIPC_CONTROL_DRAIN,
	};

	return control(argc, argv, &drain);
}

int cmd_resume(int argc, char **argv)
{
	static const struct verb resume = {
		.args = "ID",
		.doc = "Let a drained service have requests again. Needs CAP_NET_ADMIN.",
		.failed = "resume",
		.missing = "which service? see 'vexipc services'",
		.run = drain_or_resume,
		.op = VEXIPC_CONTROL_RESUME,
	};

	return control(argc, argv, &resume);
}

int cmd_breaker(int argc, char **argv)
{
	static const struct word words[] = {
		{ "open", VEXIPC_CONTROL_BREAKER_OPEN },
		{ "closed", VEXIPC_CONTROL_BREAKER_CLOSED },
		{ "auto", VEXIPC_CONTROL_BREAKER_AUTO },
		{ 0 },
	};
	static const struct verb breaker = {
		.args = "ID open|closed|auto",
		.doc = "Hold a service's circuit breaker open or closed, whatever it answers, "
		       "or let it go by the answers again. Needs CAP_NET_ADMIN.",
		.failed = "set the breaker of",
		.missing = "which service, and open, closed or auto?",
		.words = words,
		.no_word = "a breaker is open, closed or auto",
		.run = vexipc_admin_breaker,
	};

	return control(argc, argv, &breaker);
}

/* ------------------------------------------------------------------ ping -- */

enum {
	KEY_TIMEOUT = 256,
	KEY_TRANSPORT,
	KEY_INTERVAL,
};

struct ping_args {
	const char *id;
	uint32_t count;
	uint32_t timeout_ms;
	uint32_t interval_ms;
	uint32_t transport;
	bool json;
};

static const struct argp_option ping_options[] = {
	{ "count", 'c', "N", 0, "so many times; default 1", 0 },
	{ "interval", KEY_INTERVAL, "MS", 0, "time between two; default 1000", 0 },
	{ "timeout", KEY_TIMEOUT, "MS", 0, "wait so long for an answer; default 5000", 0 },
	{ "transport", KEY_TRANSPORT, "NAME", 0,
	  "reach the module by chardev (default) or netlink", 0 },
	{ "json", KEY_JSON, NULL, 0, "JSON, one object a line", 0 },
	{ 0 },
};

static error_t ping_option(int key, char *arg, struct argp_state *state)
{
	struct ping_args *args = state->input;

	switch (key) {
	case 'c':
		args->count = number_option(state, "-c", arg, 1, UINT32_MAX);
		break;
	case KEY_INTERVAL:
		args->interval_ms = number_option(state, "--interval", arg, 0, 3600000);
		break;
	case KEY_TIMEOUT:
		args->timeout_ms = number_option(state, "--timeout", arg, 1, VEXIPC_MAX_TIMEOUT_MS);
		break;
	case KEY_TRANSPORT:
		if (vexipc_transport_parse(arg, &args->transport))
			argp_error(state, "no transport '%s'", arg);
		break;
	case KEY_JSON:
		args->json = true;
		break;
	case ARGP_KEY_ARG:
		if (args->id)
			argp_error(state, "one service at a time");
		args->id = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void print_health(const struct ping_args *args, const struct vexipc_health *health,
			 uint64_t elapsed_ns)
{
	if (args->json) {
		cJSON *object = cJSON_CreateObject();

		if (args->id)
			cJSON_AddStringToObject(object, "service", args->id);
		else
			cJSON_AddNullToObject(object, "service");
		json_hex(object, "handle", health->handle);
		json_number(object, "health", health->health);
		json_number(object, "in_flight", health->in_flight);
		json_number(object, "queue_depth", health->queue_depth);
		json_number(object, "services", health->services);
		json_number(object, "round_trip_us", health->round_trip_ns / 1000);
		json_number(object, "elapsed_us", elapsed_ns / 1000);
		json_line(object);
	} else if (args->id) {
		printf("%s: health %u, in flight %u, waiting %u, round trip %.3f ms, "
		       "in all %.3f ms\n",
		       args->id, health->health, health->in_flight, health->queue_depth,
		       (double)health->round_trip_ns / 1e6, (double)elapsed_ns / 1e6);
	} else {
		printf("module: health %u, services %u, in flight %u, waiting %u, in all %.3f ms\n",
		       health->health, health->services, health->in_flight,
		       health->queue_depth, (double)elapsed_ns / 1e6);
	}
	fflush(stdout);
}

static void pause_ms(uint32_t ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

int cmd_ping(int argc, char **argv)
{
	static const struct argp argp = {
		.options = ping_options,
		.parser = ping_option,
		.args_doc = "[ID]",
		.doc = "Ask a service, or without an ID the module itself, how it is.",
	};
	struct ping_args args = { .count = 1, .interval_ms = 1000 };
	struct vexipc_client *client;
	int err, code = EXIT_OK;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	catch_signals();
	err = vexipc_client_open(args.transport, &client);
	if (err)
		return fail_open(err, args.transport);
	for (uint32_t i = 0; i < args.count && !interrupted; i++) {
		struct vexipc_health health = { 0 };
		uint64_t begun = now_ns();

		if (i)
			pause_ms(args.interval_ms);
		begun = now_ns();
		err = interrupted ? -EINTR : vexipc_ping(client, args.id, args.timeout_ms, &health);
		if (err == -EINTR)
			break;
		if (err)
			code = args.id ? fail(err, "ping service '%s'", args.id) :
			       fail(err, "ping the module");
		else
			print_health(&args, &health, now_ns() - begun);
	}
	vexipc_client_close(client);
	return code;
}
