// SPDX-License-Identifier: GPL-2.0-only
/* vexipc cache: the answers that the module keeps. */
#include <inttypes.h>
#include <string.h>

#include "cli.h"

enum {
	KEY_MODEL = 256,
	KEY_SERVICE,
};

struct cache_args {
	const char *model;
	const char *service;
	bool flush;
	bool named;			/* a subcommand */
	bool json;
};

static const struct argp_option options[] = {
	{ "model", KEY_MODEL, "NAME", 0, "flush: only answers of this model", 0 },
	{ "service", KEY_SERVICE, "ID", 0, "flush: only answers of this service", 0 },
	{ "json", KEY_JSON, NULL, 0, "JSON, an object", 0 },
	{ 0 },
};

static error_t option(int key, char *arg, struct argp_state *state)
{
	struct cache_args *args = state->input;

	switch (key) {
	case KEY_MODEL:
		args->model = arg;
		break;
	case KEY_SERVICE:
		args->service = arg;
		break;
	case KEY_JSON:
		args->json = true;
		break;
	case ARGP_KEY_ARG:
		args->flush = !strcmp(arg, "flush");
		if (args->named || (!args->flush && strcmp(arg, "show")))
			argp_error(state, "show or flush, not '%s'", arg);
		args->named = true;
		break;
	case ARGP_KEY_END:
		if (!args->flush && (args->model || args->service))
			argp_error(state, "--model and --service are for flush");
		if ((args->model && !*args->model) || (args->service && !*args->service))
			argp_error(state, "a name is empty");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int flush(struct vexipc_admin *admin, const struct cache_args *args)
{
	cJSON *object;
	uint32_t flushed;
	int err = vexipc_admin_cache_flush(admin, args->model, args->service, &flushed);

	if (err)
		return fail(err, "flush the cache");
	if (args->json) {
		object = cJSON_CreateObject();
		json_number(object, "flushed", flushed);
		json_print(object);
	} else {
		printf("flushed %" PRIu32 "\n", flushed);
	}
	return EXIT_OK;
}

static const struct vexipc_field *next_of_cache(const struct vexipc_field *field)
{
	while (field->name && strncmp(field->name, "cache_", 6) &&
	       strncmp(field->name, "coalesce", 8) && strcmp(field->name, "hit_rate"))
		field++;
	return field;
}

/* Its settings and its figures. */
static int show(struct vexipc_admin *admin, const struct cache_args *args)
{
	cJSON *object = args->json ? cJSON_CreateObject() : NULL;
	struct table *table = args->json ? NULL : table_new(3);
	const struct vexipc_field *field;
	struct vexipc_stats stats;
	char text[64];
	int err = vexipc_admin_stats(admin, NULL, &stats);

	for (field = next_of_cache(vexipc_config_fields()); !err && field->name;
	     field = next_of_cache(field + 1)) {
		struct vexipc_config_entry entry = { .field = field->number };

		err = vexipc_admin_config_get(admin, &entry, 1, NULL);
		if (object && !err && field->kind == VEXIPC_FIELD_BOOL)
			cJSON_AddBoolToObject(object, field->name, entry.value != 0);
		else if (object && !err)
			json_number(object, field->name, entry.value);
		if (!table || err)
			continue;
		vexipc_config_format(field, entry.value, text, sizeof(text));
		table_add(table, field->name, false);
		table_add(table, text, true);
		table_add(table, field->unit, false);
	}
	for (field = next_of_cache(vexipc_stats_fields()); !err && field->name;
	     field = next_of_cache(field + 1)) {
		if (object) {
			json_field(object, field, &stats);
			continue;
		}
		vexipc_field_format(field, &stats, text, sizeof(text));
		table_add(table, field->name, false);
		table_add(table, text, true);
		table_add(table, field->unit, false);
	}
	if (object) {
		json_print(object);
	} else {
		table_print(table, stdout);
		table_free(table);
	}
	return err ? fail(err, "show the cache") : EXIT_OK;
}

int cmd_cache(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = option,
		.args_doc = "[show]\nflush",
		.doc = "Show the cache of answers, or have it forget them: all, or those of a "
		       "model or of a service. Flushing needs CAP_NET_ADMIN.",
	};
	struct cache_args args = { 0 };
	struct vexipc_admin *admin;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	err = open_admin(&admin);
	if (err)
		return err;
	err = args.flush ? flush(admin, &args) : show(admin, &args);
	vexipc_admin_close(admin);
	return err;
}
