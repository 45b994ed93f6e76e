// SPDX-License-Identifier: GPL-2.0-only
/* vexipc policy: balancing policies in BPF. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "policy_load.h"

#define SHIPPED		"/usr/lib/vexipc/bpf/policy_%s.bpf.o"

enum { KEY_NAME = 'n', KEY_NO_USE = 0x100 };

struct policy_args {
	char **words;
	unsigned int count;
	const char *name;
	bool no_use;
	bool json;
};

struct policies {
	struct vexipc_policy_use use;
	struct vexipc_policy_entry *entries;
	uint32_t count;
};

static const struct argp_option options[] = {
	{ "name", KEY_NAME, "NAME", 0, "load: under this name", 0 },
	{ "no-use", KEY_NO_USE, NULL, 0, "load: leave the instance with what it uses", 0 },
	{ "json", KEY_JSON, NULL, 0, "show, list: JSON", 0 },
	{ 0 },
};

static error_t option(int key, char *arg, struct argp_state *state)
{
	struct policy_args *args = state->input;

	switch (key) {
	case KEY_JSON:
		args->json = true;
		break;
	case KEY_NAME:
		args->name = arg;
		break;
	case KEY_NO_USE:
		args->no_use = true;
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

static int fail_policies(int err, const char *what)
{
	if (err != -EOPNOTSUPP)
		return fail(err, "%s", what);
	fprintf(stderr, "vexipc: cannot %s: the module is loaded without BTF: see policies "
		"in vexipc(1)\n", what);
	return EXIT_FAILED;
}

static int get(struct vexipc_admin *admin, struct policies *all)
{
	int err = vexipc_admin_policies(admin, &all->use, &all->entries, &all->count);

	return err ? fail_policies(err, "list policies") : EXIT_OK;
}

static const struct vexipc_policy_entry *find(const struct policies *all, const char *name)
{
	for (uint32_t i = 0; i < all->count; i++)
		if (!strncmp(all->entries[i].name, name, sizeof(all->entries[i].name)))
			return &all->entries[i];
	return NULL;
}

/* ------------------------------------------------------------------ show -- */

static cJSON *json_entry(const struct vexipc_policy_entry *entry)
{
	cJSON *object = json_object(vexipc_policy_fields(), entry);

	cJSON_AddStringToObject(object, "state", vexipc_policy_state_name(entry->state));
	return object;
}

static int list(struct vexipc_admin *admin, const struct policy_args *args)
{
	const struct vexipc_field *field;
	struct policies all = { 0 };
	char value[256];
	int code = get(admin, &all);

	if (code)
		return code;
	if (args->json) {
		cJSON *array = cJSON_CreateArray();

		for (uint32_t i = 0; i < all.count; i++)
			cJSON_AddItemToArray(array, json_entry(&all.entries[i]));
		json_print(array);
	} else {
		unsigned int columns = 2;
		struct table *table;

		for (field = vexipc_policy_fields(); field->name; field++)
			columns += field->title != NULL;
		table = table_new(columns);
		table_add(table, "", false);
		for (field = vexipc_policy_fields(); field->name; field++) {
			if (field->title)
				table_add(table, field->title, field->kind == VEXIPC_FIELD_NUMBER);
			if (!strcmp(field->name, "name"))
				table_add(table, "STATE", false);
		}
		for (uint32_t i = 0; i < all.count; i++) {
			const struct vexipc_policy_entry *entry = &all.entries[i];
			bool used = !strcmp(entry->name, all.use.name);

			table_add(table, used ? "*" : "", false);
			for (field = vexipc_policy_fields(); field->name; field++) {
				if (!field->title)
					continue;
				vexipc_field_format(field, entry, value, sizeof(value));
				table_add(table, value, field->kind == VEXIPC_FIELD_NUMBER);
				if (!strcmp(field->name, "name"))
					table_add(table, vexipc_policy_state_name(entry->state), false);
			}
		}
		table_print(table, stdout);
		table_free(table);
	}
	free(all.entries);
	return EXIT_OK;
}

static void print_entry(const struct vexipc_policy_entry *entry)
{
	const struct vexipc_field *field;
	struct table *table = table_new(3);
	char value[256];

	table_add(table, "state", false);
	table_add(table, vexipc_policy_state_name(entry->state), false);
	table_add(table, "", false);
	for (field = vexipc_policy_fields(); field->name; field++) {
		vexipc_field_format(field, entry, value, sizeof(value));
		table_add(table, field->name, false);
		table_add(table, value, false);
		table_add(table, field->unit, false);
	}
	table_print(table, stdout);
	table_free(table);
}

/* One policy; or what this instance uses, and how that goes. */
static int show(struct vexipc_admin *admin, const struct policy_args *args)
{
	const char *name = args->count > 1 ? args->words[1] : NULL;
	const struct vexipc_policy_entry *entry;
	struct policies all = { 0 };
	int code = get(admin, &all);

	if (code)
		return code;
	entry = find(&all, name ?: all.use.name);
	if (name && !entry) {
		fprintf(stderr, "vexipc: cannot show policy %s: none is loaded by that name\n", name);
		code = EXIT_NO_SERVICE;
	} else if (args->json) {
		cJSON *object = entry ? json_entry(entry) : cJSON_CreateObject();

		if (!name) {
			cJSON_AddStringToObject(object, "uses", all.use.name);
			cJSON_AddBoolToObject(object, "in_use", all.use.in_use);
			json_number(object, "fallbacks", all.use.fallbacks);
		}
		json_print(object);
	} else {
		if (!name && !*all.use.name)
			puts("no policy: the built-in algorithm chooses");
		else if (!name)
			printf("policy %s%s, %" PRIu64 " choices fell back on the built-in algorithm\n",
			       all.use.name, all.use.in_use ? "" : " is not loaded",
			       (uint64_t)all.use.fallbacks);
		if (entry)
			print_entry(entry);
	}
	free(all.entries);
	return code;
}

/* --------------------------------------------------------------- changes -- */

static int use(struct vexipc_admin *admin, const char *name)
{
	int err = vexipc_admin_policy_name(admin, name);

	if (err == -ENOENT) {
		fprintf(stderr, "vexipc: cannot use policy %s: none is loaded by that name\n", name);
		return EXIT_NO_SERVICE;
	}
	return err ? fail_policies(err, "choose a policy") : EXIT_OK;
}

static int load(struct vexipc_admin *admin, const struct policy_args *args)
{
	char name[VEXIPC_POLICY_NAME_LEN], shipped[256];
	const char *file = args->words[1];
	struct policies all = { 0 };
	bool replaced;
	/* Without BTF what libbpf has to say would be no help. */
	int code = get(admin, &all);

	free(all.entries);
	if (code)
		return code;
	/* A word alone is one of those that come with vexipc. */
	if (!strpbrk(file, "/.")) {
		snprintf(shipped, sizeof(shipped), SHIPPED, file);
		file = shipped;
	}
	code = policy_load(file, args->name, name, &replaced);
	if (!code && !args->no_use)
		code = use(admin, name);
	if (!code)
		fprintf(stderr, "policy %s %s%s\n", name, replaced ? "replaced" : "loaded",
			args->no_use ? "" : " and in use");
	return code;
}

static int unload(struct vexipc_admin *admin, const struct policy_args *args)
{
	const char *name = args->words[1];
	const struct vexipc_policy_entry *entry;
	struct policies all = { 0 };
	int code = get(admin, &all);

	if (code)
		return code;
	entry = find(&all, name);
	if (!entry) {
		fprintf(stderr, "vexipc: cannot unload policy %s: none is loaded by that name\n",
			name);
		code = EXIT_NO_SERVICE;
	} else {
		code = policy_unload(name, entry->link_id);
	}
	if (!code && !strcmp(all.use.name, name))
		code = use(admin, NULL);
	free(all.entries);
	return code;
}

int cmd_policy(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = option,
		.args_doc = "load FILE\nunload NAME\nuse NAME|none\nshow [NAME]\nlist",
		.doc = "Balance by a policy in BPF. A FILE without a dot or slash is one that "
		       "comes with vexipc: load, content.\v"
		       "load replaces what is loaded under the same name, between two requests, "
		       "and has this instance use it.",
	};
	struct policy_args args = { 0 };
	struct vexipc_admin *admin;
	const char *what;
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	what = args.count ? args.words[0] : "show";
	if (args.count > 2) {
		fputs("vexipc policy: too many arguments: see 'vexipc policy --help'\n", stderr);
		return EXIT_USAGE;
	}
	if (args.count == 1 && (!strcmp(what, "load") || !strcmp(what, "unload") ||
				!strcmp(what, "use"))) {
		fprintf(stderr, "vexipc policy: %s what? see 'vexipc policy --help'\n", what);
		return EXIT_USAGE;
	}
	code = open_admin(&admin);
	if (code)
		return code;
	if (!strcmp(what, "load")) {
		code = load(admin, &args);
	} else if (!strcmp(what, "unload")) {
		code = unload(admin, &args);
	} else if (!strcmp(what, "use")) {
		code = use(admin, strcmp(args.words[1], "none") ? args.words[1] : NULL);
	} else if (!strcmp(what, "show")) {
		code = show(admin, &args);
	} else if (!strcmp(what, "list")) {
		code = list(admin, &args);
	} else {
		fprintf(stderr, "vexipc policy: no command '%s': see 'vexipc policy --help'\n", what);
		code = EXIT_USAGE;
	}
	vexipc_admin_close(admin);
	return code;
}
