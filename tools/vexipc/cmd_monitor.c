// SPDX-License-Identifier: GPL-2.0-only
/* vexipc monitor: events as they come. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli.h"

enum {
	KEY_COUNT = 'c',
	KEY_TIMEOUT = 256,
};

struct monitor_args {
	uint64_t count;
	int timeout_ms;
	bool json;
};

static const struct argp_option options[] = {
	{ "count", KEY_COUNT, "N", 0, "end after N events", 0 },
	{ "timeout", KEY_TIMEOUT, "MS", 0, "end after so long", 0 },
	{ "json", KEY_JSON, NULL, 0, "JSON, one object a line", 0 },
	{ 0 },
};

static error_t option(int key, char *arg, struct argp_state *state)
{
	struct monitor_args *args = state->input;

	switch (key) {
	case KEY_COUNT:
		args->count = number_option(state, "--count", arg, 1, UINT32_MAX);
		break;
	case KEY_TIMEOUT:
		args->timeout_ms = (int)number_option(state, "--timeout", arg, 0, INT32_MAX);
		break;
	case KEY_JSON:
		args->json = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "too many arguments");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static const char *id_of(const struct vexipc_event *event, char buf[VEXIPC_MAX_NAME + 1])
{
	snprintf(buf, VEXIPC_MAX_NAME + 1, "%.*s",
		 (int)strnlen(event->service.id, VEXIPC_MAX_NAME), event->service.id);
	return buf;
}

static void print_json(const struct vexipc_event *event)
{
	static const char *const types[] = {
		[VEXIPC_EVENT_SERVICE] = "service",
		[VEXIPC_EVENT_ALERT] = "alert",
		[VEXIPC_EVENT_DISCOVERY] = "discovery",
	};
	cJSON *object = cJSON_CreateObject();
	char id[VEXIPC_MAX_NAME + 1];

	cJSON_AddStringToObject(object, "event", types[event->type]);
	json_number(object, "time_ns", event->time_ns);
	if (event->type == VEXIPC_EVENT_ALERT) {
		cJSON_AddStringToObject(object, "alert", vexipc_alert_name(event->alert));
		if (*event->service.id)
			cJSON_AddStringToObject(object, "service", id_of(event, id));
		else
			cJSON_AddNullToObject(object, "service");
		json_number(object, "value", event->value);
		cJSON_AddStringToObject(object, "text", event->text);
	} else if (event->type == VEXIPC_EVENT_SERVICE) {
		cJSON_AddStringToObject(object, "service", id_of(event, id));
		cJSON_AddStringToObject(object, "state",
					vexipc_state_name(event->service.state));
		json_number(object, "health", event->service.health);
		json_number(object, "load", event->service.load);
		json_hex(object, "handle", event->service.handle);
	}
	json_line(object);
}

static void print_text(const struct vexipc_event *event)
{
	char id[VEXIPC_MAX_NAME + 1];

	printf("%" PRIu64 ".%06" PRIu64 "  ", event->time_ns / 1000000000u,
	       event->time_ns / 1000u % 1000000u);
	switch (event->type) {
	case VEXIPC_EVENT_ALERT:
		printf("alert      %s", vexipc_alert_name(event->alert));
		if (*event->service.id)
			printf(" %s", id_of(event, id));
		printf(" (%" PRIu64 ")%s%s\n", event->value, *event->text ? ": " : "",
		       event->text);
		break;
	case VEXIPC_EVENT_SERVICE:
		printf("service    %s is %s, health %u, load %u.%u%%\n", id_of(event, id),
		       vexipc_state_name(event->service.state), event->service.health,
		       event->service.load / 10, event->service.load % 10);
		break;
	case VEXIPC_EVENT_DISCOVERY:
		puts("discovery  the module looks for signs of life");
		break;
	}
}

int cmd_monitor(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = option,
		.doc = "Show events as they come: services that come, change and go, alerts, "
		       "discovery. Times are of the monotonic clock.",
	};
	struct monitor_args args = { .timeout_ms = -1 };
	struct vexipc_monitor *monitor;
	struct vexipc_event event;
	uint64_t end;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	catch_signals();
	err = vexipc_monitor_open(&monitor);
	if (err)
		return fail_open(err, VEXIPC_TRANSPORT_NETLINK);
	end = now_ms() + (uint64_t)args.timeout_ms;
	for (uint64_t n = 0; (!args.count || n < args.count) && !interrupted;) {
		int left = args.timeout_ms;

		if (left >= 0)
			left = now_ms() < end ? (int)(end - now_ms()) : 0;
		err = vexipc_monitor_next(monitor, &event, left);
		if (err == -ENOBUFS) {
			fputs("vexipc: events were lost: they came faster than they were read\n",
			      stderr);
			continue;
		}
		if (err)
			break;
		n++;
		if (args.json)
			print_json(&event);
		else
			print_text(&event);
		if (fflush(stdout))
			break;
	}
	vexipc_monitor_close(monitor);
	if (err == -EINTR || err == -ENOBUFS)
		return EXIT_OK;
	/* Time is up: fine, unless a certain number of events was wanted. */
	if (err == -EAGAIN)
		return args.count ? EXIT_FAILED : EXIT_OK;
	return err ? fail(err, "receive events") : EXIT_OK;
}
