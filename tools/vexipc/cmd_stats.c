// SPDX-License-Identifier: GPL-2.0-only
/* vexipc stats: counters. */
#include "cli.h"

struct stats_args {
	const char *id;
	bool json;
};

static const struct argp_option options[] = {
	{ "json", KEY_JSON, NULL, 0, "JSON, an object", 0 },
	{ 0 },
};

static error_t option(int key, char *arg, struct argp_state *state)
{
	struct stats_args *args = state->input;

	switch (key) {
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

static void print_stats(const struct vexipc_stats *stats)
{
	struct table *table = table_new(3);
	const struct vexipc_field *field;
	char value[1024];

	for (field = vexipc_stats_fields(); field->name; field++) {
		vexipc_field_format(field, stats, value, sizeof(value));
		table_add(table, field->name, false);
		table_add(table, value, field->kind == VEXIPC_FIELD_NUMBER ||
			  field->kind == VEXIPC_FIELD_RATE);
		table_add(table, *field->unit ? field->unit : "", false);
	}
	table_print(table, stdout);
	table_free(table);
}

int cmd_stats(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = option,
		.args_doc = "[ID]",
		.doc = "Show what was counted: of the instance, or of one service.",
	};
	struct stats_args args = { 0 };
	struct vexipc_admin *admin;
	struct vexipc_stats stats;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	err = open_admin(&admin);
	if (err)
		return err;
	err = vexipc_admin_stats(admin, args.id, &stats);
	vexipc_admin_close(admin);
	if (err && args.id)
		return fail(err, "show the counters of service '%s'", args.id);
	if (err)
		return fail(err, "show the counters");
	if (args.json)
		json_print(json_object(vexipc_stats_fields(), &stats));
	else
		print_stats(&stats);
	return EXIT_OK;
}
