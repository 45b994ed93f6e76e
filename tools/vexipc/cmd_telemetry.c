// SPDX-License-Identifier: GPL-2.0-only
/* vexipc telemetry: attach, detach, show, watch. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "telemetry.h"

enum { KEY_SLOW = 0x100, KEY_SLOTS, KEY_COUNT, KEY_TIMEOUT, DEFAULT_SLOW_MS = 1000, MAX_SLOW_MS = 3600000 };

struct telemetry_args {
	const char *action;
	struct telemetry_settings settings;
	uint32_t count;
	int timeout_ms;
	bool json;
};

static const struct argp_option options[] = {
	{ "json", KEY_JSON, NULL, 0, "status: JSON, an object; events: an object a line", 0 },
	{ "slow-ms", KEY_SLOW, "MS", 0, "attach: a request is slow from here on; 0: never "
	  "(1000)", 0 },
	{ "slots", KEY_SLOTS, "N", 0, "attach: services that can have percentiles", 0 },
	{ "count", KEY_COUNT, "N", 0, "events: end after so many", 0 },
	{ "timeout", KEY_TIMEOUT, "MS", 0, "events: end after so long", 0 },
	{ 0 },
};

static error_t option(int key, char *arg, struct argp_state *state)
{
	struct telemetry_args *args = state->input;

	switch (key) {
	case KEY_JSON:
		args->json = true;
		break;
	case KEY_SLOW:
		args->settings.slow_ns = 1000000ull *
			number_option(state, "--slow-ms", arg, 0, MAX_SLOW_MS);
		args->settings.slow_set = true;
		break;
	case KEY_SLOTS:
		args->settings.slots = number_option(state, "--slots", arg, 1, VEXIPC_MAX_SERVICES);
		break;
	case KEY_COUNT:
		args->count = number_option(state, "--count", arg, 1, UINT32_MAX);
		break;
	case KEY_TIMEOUT:
		args->timeout_ms = (int)number_option(state, "--timeout", arg, 0, INT32_MAX);
		break;
	case ARGP_KEY_ARG:
		if (args->action)
			argp_error(state, "one action at a time");
		args->action = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int attach(const struct telemetry_args *args)
{
	bool took_over = false;
	int code = telemetry_attach(&args->settings, &took_over);

	if (!code)
		fprintf(stderr, "vexipc: telemetry is attached%s\n",
			took_over ? ", and goes on with the figures there were" : "");
	return code;
}

static int detach(void)
{
	bool was_attached;
	int code = telemetry_detach(&was_attached);

	if (!code && !was_attached)
		fprintf(stderr, "vexipc: telemetry was not attached\n");
	return code;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void print_json(const struct vexipc_telemetry *t, const struct vexipc_telemetry_info *info,
		       const struct telemetry_programs *programs)
{
	cJSON *object = json_object(vexipc_telemetry_info_fields(), info);
	cJSON *instances = cJSON_AddArrayToObject(object, "instances");
	cJSON *services = cJSON_AddArrayToObject(object, "services");
	struct vexipc_telemetry_instance instance;
	struct vexipc_telemetry_service service;
	uint32_t index = 0;

	json_number(object, "programs_pinned", programs->pinned);
	json_number(object, "recursion_misses", programs->recursion_misses);
	json_number(object, "map_bytes", programs->map_bytes);
	json_number(object, "instance", vexipc_telemetry_own_instance());
	while (!vexipc_telemetry_instance_next(t, &index, &instance))
		cJSON_AddItemToArray(instances, json_object(vexipc_telemetry_instance_fields(),
							    &instance));
	for (uint32_t slot = 0; slot < VEXIPC_MAX_SERVICES; slot++)
		if (!vexipc_telemetry_service(t, slot, now_ns(), &service))
			cJSON_AddItemToArray(services,
					     json_object(vexipc_telemetry_service_fields(),
							 &service));
	json_print(object);
}

static void add_row(struct table *table, const char *name, const char *value, const char *unit)
{
	table_add(table, name, false);
	table_add(table, value, true);
	table_add(table, unit, false);
}

static void print_info(const struct vexipc_telemetry_info *info,
		       const struct telemetry_programs *programs)
{
	const struct vexipc_field *field = vexipc_telemetry_info_fields();
	struct table *table = table_new(3);
	char value[64];

	for (; field->name; field++) {
		vexipc_field_format(field, info, value, sizeof(value));
		add_row(table, field->name, value, field->unit);
	}
	snprintf(value, sizeof(value), "%u", programs->pinned);
	add_row(table, "programs_pinned", value, "");
	snprintf(value, sizeof(value), "%llu", (unsigned long long)programs->recursion_misses);
	add_row(table, "recursion_misses", value, "");
	snprintf(value, sizeof(value), "%llu", (unsigned long long)programs->map_bytes);
	add_row(table, "map_bytes", value, "bytes");
	table_print(table, stdout);
	table_free(table);
}

/* The columns of the table of fields, for the services that are there. */
static void print_services(const struct vexipc_telemetry *t)
{
	const struct vexipc_field *fields = vexipc_telemetry_service_fields(), *field;
	struct vexipc_telemetry_service service;
	unsigned int columns = 0;
	struct table *table;
	char value[128];

	for (field = fields; field->name; field++)
		columns += field->title != NULL;
	table = table_new(columns);
	for (field = fields; field->name; field++) {
		if (!field->title)
			continue;
		snprintf(value, sizeof(value), *field->unit ? "%s(%s)" : "%s", field->title,
			 field->unit);
		table_add(table, value, field->kind == VEXIPC_FIELD_NUMBER);
	}
	for (uint32_t slot = 0; slot < VEXIPC_MAX_SERVICES; slot++) {
		if (vexipc_telemetry_service(t, slot, now_ns(), &service) ||
		    service.state == VEXIPC_STATE_GONE)
			continue;
		for (field = fields; field->name; field++) {
			if (!field->title)
				continue;
			vexipc_field_format(field, &service, value, sizeof(value));
			table_add(table, value, field->kind == VEXIPC_FIELD_NUMBER);
		}
	}
	putchar('\n');
	table_print(table, stdout);
	table_free(table);
}

static int cannot_read(int err, bool json)
{
	if ((err == -ENODATA || err == -ENOLINK) && json) {
		cJSON *object = cJSON_CreateObject();

		cJSON_AddBoolToObject(object, "attached", false);
		json_print(object);
		if (err == -ENODATA)
			return EXIT_FAILED;
	}
	fprintf(stderr, "vexipc: cannot read telemetry: %s\n", vexipc_telemetry_strerror(err));
	if (err == -ENOENT)
		return EXIT_NO_MODULE;
	return err == -EPERM || err == -EACCES ? EXIT_PERMISSION : EXIT_FAILED;
}

static int status(bool json)
{
	struct telemetry_programs programs;
	struct vexipc_telemetry_info info;
	struct vexipc_telemetry *t;
	int err;

	err = vexipc_telemetry_open(&t);
	if (err)
		return cannot_read(err, json);
	err = telemetry_programs(&programs);
	if (err) {
		vexipc_telemetry_close(t);
		return cannot_read(err, json);
	}
	vexipc_telemetry_info(t, &info);
	if (json) {
		print_json(t, &info, &programs);
	} else {
		print_info(&info, &programs);
		print_services(t);
	}
	vexipc_telemetry_close(t);
	if (info.links >= info.programs)
		return EXIT_OK;
	fprintf(stderr, "vexipc: only %u of %u programs are attached: "
		"run 'sudo vexipc telemetry attach'\n", info.links, info.programs);
	return EXIT_FAILED;
}

static int events(const struct telemetry_args *args)
{
	struct vexipc_telemetry *t;
	int err = vexipc_telemetry_open(&t);

	if (err)
		return cannot_read(err, false);
	err = telemetry_events(t, args->count, args->timeout_ms, args->json);
	vexipc_telemetry_close(t);
	if (err == -EAGAIN)
		return EXIT_FAILED;
	return err ? cannot_read(err, false) : EXIT_OK;
}

int cmd_telemetry(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = option,
		.args_doc = "attach|detach|status|events",
		.doc = "Keep figures of every service in BPF maps, stop that, show them, or "
		       "show slow requests, changes of state and alerts as they come.",
	};
	struct telemetry_args args = {
		.settings.slow_ns = DEFAULT_SLOW_MS * 1000000ull,
		.timeout_ms = -1,
	};

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (args.action && !strcmp(args.action, "attach"))
		return attach(&args);
	if (args.action && !strcmp(args.action, "detach"))
		return detach();
	if (args.action && !strcmp(args.action, "status"))
		return status(args.json);
	if (args.action && !strcmp(args.action, "events"))
		return events(&args);
	fprintf(stderr, "vexipc: %s: see vexipc telemetry --help\n",
		args.action ? "no such action" : "what shall telemetry do?");
	return EXIT_USAGE;
}
