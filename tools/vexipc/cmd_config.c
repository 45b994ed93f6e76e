// SPDX-License-Identifier: GPL-2.0-only
/* vexipc config: the configuration of the instance, live. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum {
	/* More than there are fields, so that some can be named twice. */
	MOST = 128,
};

struct config_args {
	char **words;
	unsigned int count;
	bool json;
};

static const struct argp_option options[] = {
	{ "json", KEY_JSON, NULL, 0, "JSON, an object", 0 },
	{ 0 },
};

static error_t option(int key, char *arg, struct argp_state *state)
{
	struct config_args *args = state->input;

	(void)arg;
	switch (key) {
	case KEY_JSON:
		args->json = true;
		break;
	case ARGP_KEY_ARGS:
		args->words = state->argv + state->next;
		args->count = (unsigned int)(state->argc - state->next);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int usage(const char *what, const char *word)
{
	fprintf(stderr, "vexipc config: %s%s%s%s: see 'vexipc config --help'\n", what,
		word ? " '" : "", word ? word : "", word ? "'" : "");
	return EXIT_USAGE;
}

static const struct vexipc_field *field_of(const struct vexipc_config_entry *entry)
{
	const struct vexipc_field *field = vexipc_config_fields();

	while (field->name && field->number != entry->field)
		field++;
	return field;
}

static void json_value(cJSON *object, const char *name, const struct vexipc_field *field,
		       uint64_t value)
{
	char text[64];

	switch (field->kind) {
	case VEXIPC_FIELD_BOOL:
		cJSON_AddBoolToObject(object, name, value != 0);
		break;
	case VEXIPC_FIELD_NUMBER:
		json_number(object, name, value);
		break;
	default:
		vexipc_config_format(field, value, text, sizeof(text));
		cJSON_AddStringToObject(object, name, text);
	}
}

/* "get" and, with all there is to know, "show". */
static int print_entries(const struct vexipc_config_entry *entries, uint32_t count,
			 const struct config_args *args, bool all)
{
	cJSON *object = args->json ? cJSON_CreateObject() : NULL;
	struct table *table = all && !object ? table_new(7) : NULL;
	static const char *const head[] = {
		"FIELD", "VALUE", "UNIT", "MIN", "MAX", "DEFAULT", "MEANING",
	};
	char text[64];

	for (size_t i = 0; table && i < ARRAY_SIZE(head); i++)
		table_add(table, head[i], i == 1 || (i >= 3 && i <= 5));
	for (uint32_t i = 0; i < count; i++) {
		const struct vexipc_field *field = field_of(&entries[i]);
		const uint64_t values[] = { entries[i].min, entries[i].max, entries[i].initial };

		if (object && !all) {
			json_value(object, field->name, field, entries[i].value);
			continue;
		}
		if (object) {
			cJSON *one = cJSON_AddObjectToObject(object, field->name);

			json_value(one, "value", field, entries[i].value);
			json_value(one, "min", field, entries[i].min);
			json_value(one, "max", field, entries[i].max);
			json_value(one, "default", field, entries[i].initial);
			cJSON_AddStringToObject(one, "unit", field->unit);
			continue;
		}
		vexipc_config_format(field, entries[i].value, text, sizeof(text));
		if (!all) {
			if (count > 1)
				printf("%s=", field->name);
			puts(text);
			continue;
		}
		table_add(table, field->name, false);
		table_add(table, text, true);
		table_add(table, field->unit, false);
		for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
			vexipc_config_format(field, values[k], text, sizeof(text));
			table_add(table, text, true);
		}
		table_add(table, field->help, false);
	}
	if (object)
		json_print(object);
	if (table) {
		table_print(table, stdout);
		table_free(table);
	}
	return EXIT_OK;
}

static int config_read(const struct config_args *args, bool all)
{
	struct vexipc_config_entry entries[MOST] = { 0 };
	uint32_t count = 0, refused = 0;
	struct vexipc_admin *admin;
	int err;

	if (all) {
		const struct vexipc_field *field;

		if (args->count > 1)
			return usage("too many arguments", NULL);
		for (field = vexipc_config_fields(); field->name; field++)
			entries[count++].field = field->number;
	}
	for (unsigned int i = 1; !all && i < args->count; i++) {
		const struct vexipc_field *field =
			vexipc_field_find(vexipc_config_fields(), args->words[i]);

		if (!field)
			return usage("no field", args->words[i]);
		if (count == MOST)
			return usage("too many fields", NULL);
		entries[count++].field = field->number;
	}
	if (!count)
		return usage("which field?", NULL);
	err = open_admin(&admin);
	if (err)
		return err;
	err = vexipc_admin_config_get(admin, entries, count, &refused);
	vexipc_admin_close(admin);
	if (err)
		return fail(err, "read the configuration");
	return print_entries(entries, count, args, all);
}

/* Why an entry was refused, with its range. */
static int say_refused(struct vexipc_admin *admin, struct vexipc_config_entry *entry, int err)
{
	const struct vexipc_field *field = field_of(entry);
	struct vexipc_config_entry range = { .field = entry->field };
	char value[64], min[64], max[64];

	vexipc_config_format(field, entry->value, value, sizeof(value));
	if (err == -ERANGE && !vexipc_admin_config_get(admin, &range, 1, NULL)) {
		vexipc_config_format(field, range.min, min, sizeof(min));
		vexipc_config_format(field, range.max, max, sizeof(max));
		fprintf(stderr, "vexipc: cannot set %s to %" PRIu64 ": it goes from %s to %s; "
			"nothing was changed\n", field->name, (uint64_t)entry->value, min, max);
		return EXIT_FAILED;
	}
	if (err == -EOPNOTSUPP) {
		fprintf(stderr, "vexipc: cannot set %s to %s: not offered by this version; "
			"nothing was changed\n", field->name, value);
		return EXIT_FAILED;
	}
	return fail(err, "set %s to %s", field->name, value);
}

static int config_write(const struct config_args *args)
{
	struct vexipc_config_entry entries[MOST] = { 0 };
	uint32_t count = 0, refused = 0;
	struct vexipc_admin *admin;
	int err;

	for (unsigned int i = 1; i < args->count; i++) {
		const struct vexipc_field *field;
		char *equals = strchr(args->words[i], '=');
		uint64_t value;

		if (!equals)
			return usage("FIELD=VALUE is wanted, not", args->words[i]);
		*equals = '\0';
		field = vexipc_field_find(vexipc_config_fields(), args->words[i]);
		if (!field)
			return usage("no field", args->words[i]);
		if (vexipc_config_parse(field, equals + 1, &value))
			return usage("not a value:", equals + 1);
		if (count == MOST)
			return usage("too many fields", NULL);
		entries[count].field = field->number;
		entries[count++].value = value;
	}
	if (!count)
		return usage("FIELD=VALUE is missing", NULL);
	err = open_admin(&admin);
	if (err)
		return err;
	err = vexipc_admin_config_set(admin, entries, count, &refused);
	if (err)
		err = (err == -ERANGE || err == -EOPNOTSUPP) && refused < count ?
		      say_refused(admin, &entries[refused], err) :
		      fail(err, "change the configuration");
	vexipc_admin_close(admin);
	return err;
}

int cmd_config(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = option,
		.args_doc = "show\nget FIELD...\nset FIELD=VALUE...",
		.doc = "Show or change the configuration of the instance. Changes take effect "
		       "at once, all or none; they need CAP_NET_ADMIN.",
	};
	struct config_args args = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (!args.count)
		return usage("show, get or set?", NULL);
	if (!strcmp(args.words[0], "show"))
		return config_read(&args, true);
	if (!strcmp(args.words[0], "get"))
		return config_read(&args, false);
	if (!strcmp(args.words[0], "set"))
		return config_write(&args);
	return usage("show, get or set, not", args.words[0]);
}
