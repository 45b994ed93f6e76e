// SPDX-License-Identifier: GPL-2.0-only
/* vexipc services, vexipc status: services and what is known of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum {
	KEY_DIMS = 256,
	KEY_TYPE,
	KEY_MODEL,
	KEY_STATE,
};

struct services_args {
	struct vexipc_filter filter;
	bool json;
};

static const struct argp_option services_options[] = {
	{ "dims", KEY_DIMS, "N", 0, "only those that can do N dimensions", 0 },
	{ "dtype", KEY_TYPE, "TYPE", 0,
	  "only those that can do float32, float16, int8, int16 or binary; repeat for several", 0 },
	{ "model", KEY_MODEL, "NAME", 0, "only those that have this model", 0 },
	{ "state", KEY_STATE, "STATE", 0,
	  "only those that are active, busy, degraded, draining, failed, ...; "
	  "repeat for several", 0 },
	{ "json", KEY_JSON, NULL, 0, "JSON, an array", 0 },
	{ 0 },
};

static error_t services_option(int key, char *arg, struct argp_state *state)
{
	struct services_args *args = state->input;
	uint32_t n;

	switch (key) {
	case KEY_DIMS:
		args->filter.dimensions = number_option(state, "--dims", arg, 1,
							VEXIPC_MAX_DIMENSIONS);
		break;
	case KEY_TYPE:
		if (vexipc_data_type_parse(arg, &n))
			argp_error(state, "no data type '%s'", arg);
		args->filter.data_types |= 1u << n;
		break;
	case KEY_MODEL:
		args->filter.model = arg;
		break;
	case KEY_STATE:
		if (vexipc_state_parse(arg, &n))
			argp_error(state, "no state '%s'", arg);
		args->filter.states |= 1u << n;
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

static int by_id(const void *a, const void *b)
{
	const struct vexipc_service_entry *x = a, *y = b;

	return strncmp(x->id, y->id, sizeof(x->id));
}

static bool is_number(const struct vexipc_field *field)
{
	return field->kind == VEXIPC_FIELD_NUMBER || field->kind == VEXIPC_FIELD_HEX;
}

static void print_services(const struct vexipc_service_entry *entries, uint32_t count)
{
	const struct vexipc_field *field, *fields = vexipc_service_fields();
	unsigned int columns = 0;
	struct table *table;
	char text[512];

	for (field = fields; field->name; field++)
		columns += field->title != NULL;
	table = table_new(columns);
	for (field = fields; field->name; field++) {
		if (!field->title)
			continue;
		snprintf(text, sizeof(text), "%s%s%s%s", field->title,
			 *field->unit ? "(" : "", field->unit, *field->unit ? ")" : "");
		table_add(table, text, is_number(field));
	}
	for (uint32_t i = 0; i < count; i++) {
		for (field = fields; field->name; field++) {
			if (!field->title)
				continue;
			vexipc_field_format(field, &entries[i], text, sizeof(text));
			table_add(table, text, false);
		}
	}
	table_print(table, stdout);
	table_free(table);
}

int cmd_services(int argc, char **argv)
{
	static const struct argp argp = {
		.options = services_options,
		.parser = services_option,
		.doc = "List the services that are registered.",
	};
	struct vexipc_service_entry *entries;
	struct services_args args = { 0 };
	struct vexipc_admin *admin;
	uint32_t count;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	err = open_admin(&admin);
	if (err)
		return err;
	err = vexipc_admin_list(admin, &args.filter, &entries, &count);
	vexipc_admin_close(admin);
	if (err)
		return fail(err, "list services");
	qsort(entries, count, sizeof(*entries), by_id);
	if (args.json) {
		cJSON *array = cJSON_CreateArray();

		for (uint32_t i = 0; i < count; i++)
			cJSON_AddItemToArray(array, json_object(vexipc_service_fields(),
								&entries[i]));
		json_print(array);
	} else {
		print_services(entries, count);
	}
	free(entries);
	return EXIT_OK;
}

/* ---------------------------------------------------------------- status -- */

struct status_args {
	const char *id;
	bool json;
};

static const struct argp_option status_options[] = {
	{ "json", KEY_JSON, NULL, 0, "JSON, an object", 0 },
	{ 0 },
};

static error_t status_option(int key, char *arg, struct argp_state *state)
{
	struct status_args *args = state->input;

	switch (key) {
	case KEY_JSON:
		args->json = true;
		break;
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

/* The "key=value" strings of a status: endpoint, models, metadata. */
static void json_text(cJSON *object, const char *text, size_t len)
{
	cJSON *models = cJSON_CreateArray(), *metadata = cJSON_CreateObject();
	bool in_metadata = false;

	for (const char *at = text; at < text + len; at += strlen(at) + 1) {
		const char *value = strchr(at, '=');
		char *key;

		if (!value)
			continue;
		if (!in_metadata && !strncmp(at, "endpoint=", 9)) {
			cJSON_AddStringToObject(object, "endpoint", value + 1);
			continue;
		}
		if (!in_metadata && !strncmp(at, "model=", 6)) {
			cJSON_AddItemToArray(models, cJSON_CreateString(value + 1));
			continue;
		}
		in_metadata = true;
		key = strndup(at, (size_t)(value - at));
		if (key && !cJSON_HasObjectItem(metadata, key))
			cJSON_AddStringToObject(metadata, key, value + 1);
		free(key);
	}
	cJSON_AddItemToObject(object, "models", models);
	cJSON_AddItemToObject(object, "metadata", metadata);
}

static void print_status(const struct vexipc_service_entry *entry, const char *text, size_t len)
{
	struct table *table = table_new(3);
	const struct vexipc_field *field;
	char value[512];

	for (field = vexipc_service_fields(); field->name; field++) {
		vexipc_field_format(field, entry, value, sizeof(value));
		table_add(table, field->name, false);
		table_add(table, value, false);
		table_add(table, field->unit, false);
	}
	for (const char *at = text; at < text + len; at += strlen(at) + 1) {
		const char *equals = strchr(at, '=');

		if (!equals)
			continue;
		snprintf(value, sizeof(value), "%.*s", (int)(equals - at), at);
		table_add(table, value, false);
		table_add(table, equals + 1, false);
		table_add(table, "", false);
	}
	table_print(table, stdout);
	table_free(table);
}

int cmd_status(int argc, char **argv)
{
	static const struct argp argp = {
		.options = status_options,
		.parser = status_option,
		.args_doc = "ID",
		.doc = "Show all that is known of a service.",
	};
	struct vexipc_service_entry entry;
	struct status_args args = { 0 };
	struct vexipc_admin *admin;
	char *text = NULL;
	size_t len = 0;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	err = open_admin(&admin);
	if (err)
		return err;
	err = vexipc_admin_status(admin, args.id, 0, &entry, &text, &len);
	vexipc_admin_close(admin);
	if (err)
		return fail(err, "show service '%s'", args.id);
	if (args.json) {
		cJSON *object = json_object(vexipc_service_fields(), &entry);

		json_text(object, text, len);
		json_print(object);
	} else {
		print_status(&entry, text, len);
	}
	free(text);
	return EXIT_OK;
}
