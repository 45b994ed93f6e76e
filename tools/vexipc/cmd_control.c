// SPDX-License-Identifier: GPL-2.0-only
/* vexipc drain, resume, breaker, ping. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli.h"

struct control_args {
	const char *id;
};

static error_t control_option(int key, char *arg, struct argp_state *state)
{
	struct control_args *args = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (args->id)
			argp_error(state, "one service at a time");
		args->id = arg;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which service? see 'vexipc services'");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int control(int argc, char **argv, const char *doc, const char *verb,
		   int (*run)(struct vexipc_admin *admin, const char *id))
{
	const struct argp argp = {
		.parser = control_option,
		.args_doc = "ID",
		.doc = doc,
	};
	struct control_args args = { 0 };
	struct vexipc_admin *admin;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	err = open_admin(&admin);
	if (err)
		return err;
	err = run(admin, args.id);
	vexipc_admin_close(admin);
	return err ? fail(err, "%s service '%s'", verb, args.id) : EXIT_OK;
}

int cmd_drain(int argc, char **argv)
{
	return control(argc, argv, "Send a service nothing new; it finishes what it has. "
		       "Needs CAP_NET_ADMIN.", "drain", vexipc_admin_drain);
}

int cmd_resume(int argc, char **argv)
{
	return control(argc, argv, "Let a drained service have requests again. "
		       "Needs CAP_NET_ADMIN.", "resume", vexipc_admin_resume);
}

/* --------------------------------------------------------------- breaker -- */

enum { MOST_LIMITS = 8 };

struct breaker_args {
	const char *id;
	uint32_t op;
	struct vexipc_config_entry limits[MOST_LIMITS];
	uint32_t count;
};

/* failures=3: the field breaker_failures of the configuration. */
static void add_limit(struct breaker_args *args, char *arg, struct argp_state *state)
{
	char *value = strchr(arg, '='), name[64];
	struct vexipc_config_entry *entry;
	const struct vexipc_field *field;
	uint64_t number = 0;

	*value++ = '\0';
	snprintf(name, sizeof(name), "breaker_%s", arg);
	field = vexipc_field_find(vexipc_config_fields(), name);
	if (!field || args->count == MOST_LIMITS)
		argp_error(state, "a breaker has no '%s', or too many are given", arg);
	entry = &args->limits[args->count++];
	entry->field = field->number;
	entry->value = VEXIPC_BREAKER_INHERIT;
	if (strcmp(value, "inherit") && vexipc_config_parse(field, value, &number))
		argp_error(state, "%s: '%s' is no value of it", arg, value);
	if (strcmp(value, "inherit"))
		entry->value = number;
}

static error_t breaker_option(int key, char *arg, struct argp_state *state)
{
	struct breaker_args *args = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (!args->id)
			args->id = arg;
		else if (strchr(arg, '='))
			add_limit(args, arg, state);
		else if (args->op)
			argp_error(state, "too many arguments");
		else if (!strcmp(arg, "open"))
			args->op = VEXIPC_CONTROL_BREAKER_OPEN;
		else if (!strcmp(arg, "closed"))
			args->op = VEXIPC_CONTROL_BREAKER_CLOSED;
		else if (!strcmp(arg, "auto"))
			args->op = VEXIPC_CONTROL_BREAKER_AUTO;
		else
			argp_error(state, "a breaker is open, closed or auto, not '%s'", arg);
		break;
	case ARGP_KEY_END:
		if (!args->op && !args->count)
			argp_error(state, "which service, and open, closed, auto or a limit?");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int cmd_breaker(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = breaker_option,
		.args_doc = "ID [open|closed|auto] [LIMIT=VALUE...]",
		.doc = "Hold a service's circuit breaker open or closed, whatever it answers, "
		       "or let it go by the answers again; or by limits of its own: failures, "
		       "error_percent, min_volume, ejection_ms, max_ejection_ms, as in 'vexipc "
		       "config' after breaker_. The value 'inherit' is the instance's again. "
		       "Needs CAP_NET_ADMIN.",
	};
	struct breaker_args args = { 0 };
	struct vexipc_admin *admin;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	err = open_admin(&admin);
	if (err)
		return err;
	err = args.count ? vexipc_admin_breaker_limits(admin, args.id, args.limits, args.count,
						       NULL) : 0;
	if (!err && args.op)
		err = vexipc_admin_breaker(admin, args.id, args.op);
	vexipc_admin_close(admin);
	return err ? fail(err, "set the breaker of service '%s'", args.id) : EXIT_OK;
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
