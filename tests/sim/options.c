// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <string.h>

#include "sim.h"

static const struct argp_option rows[] = {
	{ "services", 'n', "N", 0, "Services, sim-0 and so on (4)", 0 },
	{ "slow", 's', "N", 0, "Of which so many, the first, are slow (0)", 0 },
	{ "factor", 'f', "X", 0, "A slow one takes X times as long (20)", 0 },
	{ "time", 't', "US", 0, "What an answer takes (10000)", 0 },
	{ "exponential", 'e', NULL, 0, "On the average, instead of exactly", 0 },
	{ "workers", 'w', "N", 0, "Requests a service has at a time (4)", 0 },
	{ "load", 'l', "X", 0, "Requests, of what the services that are not slow can "
	  "answer (0.6)", 0 },
	{ "requests", 'r', "N", 0, "How many (20000)", 0 },
	{ "duration", 'd', "S", 0, "As many as come in so long, instead", 0 },
	{ "seed", 'S', "N", 0, "Another run (1)", 0 },
	{ "timeout", 'T', "MS", 0, "Of each request (the instance's)", 0 },
	{ "algorithm", 'a', "NAME", 0, "Of each request (the instance's)", 0 },
	{ "content", 'c', "BYTES", 0, "Of a text (64)", 0 },
	{ "priorities", 'p', "NAME=WEIGHT,...", 0, "What is requested how often "
	  "(normal=1)", 0 },
	{ "users", 'u', "UID=WEIGHT,...", 0, "Who requests how often (whoever runs this)", 0 },
	{ "sessions", 'k', NULL, 0, "The requests of a user are one session", 0 },
	{ "fail", 'F', "N:FROM:TO:PERCENT", 0, "Service N fails PERCENT of its requests from "
	  "FROM to TO seconds. May be given more than once", 0 },
	{ "join", 'j', "N:AT", 0, "Service N comes AT seconds after the beginning. May be "
	  "given more than once", 0 },
	{ "memory", 'm', "CGROUP", 0, "Look each second how much memory is in use, also of "
	  "this control group, a directory, that it runs in", 0 },
	{ 0 }
};

double capacity(const struct options *o)
{
	return (o->services - o->slow) * o->workers * 1e6 / o->service_us;
}

static double number(const char *text, double least, double most, struct argp_state *state)
{
	char *end;
	double n = strtod(text, &end);

	if (end == text || *end || !(n >= least && n <= most))
		argp_error(state, "%s: not a number from %g to %g", text, least, most);
	return n;
}

static uint32_t whole(const char *text, uint32_t least, uint32_t most, struct argp_state *state)
{
	return (uint32_t)number(text, least, most, state);
}

static uint32_t classes(struct class *class, char *text, bool priorities,
			struct argp_state *state)
{
	uint32_t n = 0;
	char *one;

	while ((one = strsep(&text, ",")) && n < MOST_CLASSES) {
		char *weight = strchr(one, '=');

		if (weight)
			*weight++ = '\0';
		class[n].weight = weight ? number(weight, 0, 1e9, state) : 1;
		if (!priorities)
			class[n].value = whole(one, 0, UINT32_MAX - 1, state);
		else if (vexipc_priority_parse(one, &class[n].value))
			argp_error(state, "%s: no priority", one);
		n++;
	}
	if (one)
		argp_error(state, "at most %d", MOST_CLASSES);
	return n;
}

static void add_fault(struct options *o, const char *text, struct argp_state *state)
{
	struct fault *f = &o->fault[o->faults];
	char rest;

	if (o->faults++ == MOST_FAULTS ||
	    sscanf(text, "%u:%lf:%lf:%lf%c", &f->service, &f->from, &f->to, &f->share,
		   &rest) != 4)
		argp_error(state, "%s: not N:FROM:TO:PERCENT, or too many", text);
	f->share /= 100;
}

static void add_join(struct options *o, const char *text, struct argp_state *state)
{
	uint32_t n;
	double at;
	char rest;

	if (sscanf(text, "%u:%lf%c", &n, &at, &rest) != 2 || n >= MOST_SERVICES || !(at >= 0))
		argp_error(state, "%s: not N:AT", text);
	o->joins[n] = at;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	static double duration;

	switch (key) {
	case 'n':
		o->services = whole(arg, 1, MOST_SERVICES, state);
		break;
	case 's':
		o->slow = whole(arg, 0, MOST_SERVICES, state);
		break;
	case 'f':
		o->factor = number(arg, 0.001, 1e6, state);
		break;
	case 't':
		o->service_us = number(arg, 1, 1e9, state);
		break;
	case 'e':
		o->exponential = true;
		break;
	case 'w':
		o->workers = whole(arg, 1, 10000, state);
		break;
	case 'l':
		o->load = number(arg, 1e-6, 1e6, state);
		break;
	case 'r':
		o->requests = whole(arg, 1, 100000000, state);
		break;
	case 'd':
		duration = number(arg, 0.001, 86400, state);
		break;
	case 'S':
		o->seed = whole(arg, 1, UINT32_MAX, state);
		break;
	case 'T':
		o->timeout_ms = whole(arg, 1, VEXIPC_MAX_TIMEOUT_MS, state);
		break;
	case 'a':
		if (vexipc_algorithm_parse(arg, &o->algorithm))
			argp_error(state, "%s: no such algorithm", arg);
		break;
	case 'c':
		o->content = whole(arg, 17, 32768, state);
		break;
	case 'p':
		o->priorities = classes(o->priority, arg, true, state);
		break;
	case 'u':
		o->users = classes(o->user, arg, false, state);
		break;
	case 'k':
		o->sessions = true;
		break;
	case 'F':
		add_fault(o, arg, state);
		break;
	case 'j':
		add_join(o, arg, state);
		break;
	case 'm':
		o->group = arg;
		break;
	case ARGP_KEY_END:
		if (o->slow >= o->services)
			argp_error(state, "one must not be slow");
		if (duration)
			o->requests = (uint64_t)(duration * o->load * capacity(o)) + 1;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options_parse(struct options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = rows,
		.parser = parse,
		.doc = "Services that take their time, requests that come whether or not the "
		       "ones before were answered, and what came of them, as JSON.\v"
		       "Times can be relied upon where time counts instructions: "
		       "scripts/vm run --icount. Needs root.",
	};

	*options = (struct options) {
		.services = 4, .workers = 4, .factor = 20, .service_us = 10000, .load = 0.6,
		.requests = 20000, .seed = 1, .content = 64, .priorities = 1,
		.priority = { { VEXIPC_PRIORITY_NORMAL, 1 } },
	};
	argp_parse(&argp, argc, argv, 0, NULL, options);
}
