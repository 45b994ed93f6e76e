// SPDX-License-Identifier: GPL-2.0-only
/* vexipc rule: who may embed what, look, administer. */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

#define CGROUPS "/sys/fs/cgroup"

enum {
	KEY_UID = 'u',
	KEY_GID = 'g',
	KEY_CGROUP = 'c',
	KEY_ALLOW = 'a',
	KEY_MODELS = 0x100,
	KEY_PRIORITY,
	KEY_BEFORE,
	/* What a rule allows that names none: all but critical. */
	DEFAULT_PRIORITY = VEXIPC_PRIORITY_CRITICAL - 1,
};

static const struct {
	const char *name;
	uint32_t bit;
} rights[] = {
	{ "embed", VEXIPC_RULE_EMBED },
	{ "look", VEXIPC_RULE_LOOK },
	{ "administer", VEXIPC_RULE_ADMINISTER },
};

struct rule_args {
	char **words;
	unsigned int count;
	struct vexipc_rule_entry rule;
	uint64_t before;
	bool allow;
	bool json;
};

static const struct argp_option options[] = {
	{ "uid", KEY_UID, "USER", 0, "add: for this user, name or number", 0 },
	{ "gid", KEY_GID, "GROUP", 0, "add: for who is in this group", 0 },
	{ "cgroup", KEY_CGROUP, "PATH", 0, "add: for what runs in this cgroup or below it: "
	  "a path below " CGROUPS ", or its number", 0 },
	{ "allow", KEY_ALLOW, "LIST", 0, "add: embed, look, administer, or none", 0 },
	{ "models", KEY_MODELS, "PATTERN", 0, "add: embed with these models only (any)", 0 },
	{ "priority", KEY_PRIORITY, "N|BAND", 0, "add: highest of a request; critical, 255, "
	  "allows that too (254)", 0 },
	{ "before", KEY_BEFORE, "ID", 0, "add: before this rule (at the end)", 0 },
	{ "json", KEY_JSON, NULL, 0, "add, list: JSON", 0 },
	{ 0 },
};

static void allow_option(struct argp_state *state, struct rule_args *args, char *list)
{
	args->allow = true;
	args->rule.allow = 0;
	for (char *at = strtok(list, ","); at; at = strtok(NULL, ",")) {
		size_t i = 0;

		while (i < ARRAY_SIZE(rights) && strcmp(at, rights[i].name))
			i++;
		if (i < ARRAY_SIZE(rights))
			args->rule.allow |= rights[i].bit;
		else if (strcmp(at, "none"))
			argp_error(state, "--allow takes embed, look, administer or none, not '%s'", at);
	}
}

static void uid_option(struct argp_state *state, struct vexipc_rule_entry *rule,
		       const char *text)
{
	const struct passwd *user = getpwnam(text);

	rule->match |= VEXIPC_RULE_UID;
	rule->uid = user ? user->pw_uid : number_option(state, "--uid", text, 0, UINT32_MAX - 1);
}

static void gid_option(struct argp_state *state, struct vexipc_rule_entry *rule,
		       const char *text)
{
	const struct group *group = getgrnam(text);

	rule->match |= VEXIPC_RULE_GID;
	rule->gid = group ? group->gr_gid : number_option(state, "--gid", text, 0, UINT32_MAX - 1);
}

/* The number of a cgroup is the inode of its directory. */
static void cgroup_option(struct argp_state *state, struct vexipc_rule_entry *rule,
			  const char *text)
{
	char path[4096];
	struct stat st;
	uint64_t id;

	rule->match |= VEXIPC_RULE_CGROUP;
	if (!parse_number(text, 1, UINT64_MAX, &id)) {
		rule->cgroup = id;
		return;
	}
	snprintf(path, sizeof(path), "%s%s",
		 strncmp(text, CGROUPS, strlen(CGROUPS)) ? CGROUPS "/" : "", text);
	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		argp_error(state, "--cgroup: there is no cgroup %s", path);
	rule->cgroup = st.st_ino;
}

static error_t option(int key, char *arg, struct argp_state *state)
{
	struct rule_args *args = state->input;
	struct vexipc_rule_entry *rule = &args->rule;

	switch (key) {
	case KEY_UID:
		uid_option(state, rule, arg);
		break;
	case KEY_GID:
		gid_option(state, rule, arg);
		break;
	case KEY_CGROUP:
		cgroup_option(state, rule, arg);
		break;
	case KEY_ALLOW:
		allow_option(state, args, arg);
		break;
	case KEY_MODELS:
		if (strlen(arg) >= sizeof(rule->models))
			argp_error(state, "--models takes at most %zu bytes",
				   sizeof(rule->models) - 1);
		strcpy(rule->models, arg);
		break;
	case KEY_PRIORITY:
		if (vexipc_priority_parse(arg, &rule->max_priority))
			argp_error(state, "--priority takes 0 to 255, critical, high, normal or "
				   "low, not '%s'", arg);
		break;
	case KEY_BEFORE:
		if (parse_number(arg, 1, UINT64_MAX, &args->before))
			argp_error(state, "--before takes the id of a rule, not '%s'", arg);
		break;
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

static cJSON *json_rule(const struct vexipc_rule_entry *rule)
{
	cJSON *object = json_object(vexipc_rule_fields(), rule);
	cJSON *allow = cJSON_AddArrayToObject(object, "allow");

	if (rule->match & VEXIPC_RULE_UID)
		json_number(object, "uid", rule->uid);
	if (rule->match & VEXIPC_RULE_GID)
		json_number(object, "gid", rule->gid);
	if (rule->match & VEXIPC_RULE_CGROUP)
		json_number(object, "cgroup", rule->cgroup);
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++)
		if (rule->allow & rights[i].bit)
			cJSON_AddItemToArray(allow, cJSON_CreateString(rights[i].name));
	return object;
}

static void number_cell(struct table *table, const struct vexipc_rule_entry *rule,
			uint32_t bit, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	table_add(table, rule->match & bit ? text : "*", true);
}

static void print_rules(const struct vexipc_rule_entry *rules, uint32_t count)
{
	static const char *const head[] = {
		"ID", "UID", "GID", "CGROUP", "ALLOW", "MODELS", "PRIORITY", "HITS",
	};
	struct table *table = table_new(ARRAY_SIZE(head));
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(head); i++)
		table_add(table, head[i], i != 4 && i != 5);
	for (uint32_t i = 0; i < count; i++) {
		const struct vexipc_rule_entry *rule = &rules[i];

		snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)rule->id);
		table_add(table, text, true);
		number_cell(table, rule, VEXIPC_RULE_UID, rule->uid);
		number_cell(table, rule, VEXIPC_RULE_GID, rule->gid);
		number_cell(table, rule, VEXIPC_RULE_CGROUP, rule->cgroup);
		*text = '\0';
		for (size_t n = 0; n < ARRAY_SIZE(rights); n++) {
			if (!(rule->allow & rights[n].bit))
				continue;
			if (*text)
				strcat(text, ",");
			strcat(text, rights[n].name);
		}
		table_add(table, *text ? text : "none", false);
		table_add(table, *rule->models ? rule->models : "*", false);
		snprintf(text, sizeof(text), "%u", rule->max_priority);
		table_add(table, text, true);
		snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)rule->hits);
		table_add(table, text, true);
	}
	table_print(table, stdout);
	table_free(table);
}

static int list(struct vexipc_admin *admin, const struct rule_args *args)
{
	struct vexipc_rule_entry *rules;
	uint32_t count;
	int err = vexipc_admin_rules(admin, &rules, &count);

	if (err)
		return fail(err, "list rules");
	if (args->json) {
		cJSON *array = cJSON_CreateArray();

		for (uint32_t i = 0; i < count; i++)
			cJSON_AddItemToArray(array, json_rule(&rules[i]));
		json_print(array);
	} else {
		print_rules(rules, count);
	}
	free(rules);
	return EXIT_OK;
}

static int no_such(const char *what, uint64_t id)
{
	fprintf(stderr, "vexipc: cannot %s rule %" PRIu64 ": there is none of this id: "
		"see 'vexipc rule list'\n", what, id);
	return EXIT_NO_SERVICE;
}

static int add(struct vexipc_admin *admin, struct rule_args *args)
{
	int err = vexipc_admin_rule_add(admin, &args->rule, args->before);

	if (err == -ENOSPC) {
		fprintf(stderr, "vexipc: cannot add a rule: there are %u: remove some\n",
			VEXIPC_MAX_RULES);
		return EXIT_FAILED;
	}
	if (err == -ENOENT)
		return no_such("put one before", args->before);
	if (err)
		return fail(err, "add a rule");
	if (args->json)
		json_print(json_rule(&args->rule));
	else
		printf("%" PRIu64 "\n", (uint64_t)args->rule.id);
	return EXIT_OK;
}

static int remove_rule(struct vexipc_admin *admin, const struct rule_args *args)
{
	uint64_t id;
	int err;

	if (parse_number(args->words[1], 1, UINT64_MAX, &id)) {
		fprintf(stderr, "vexipc rule: '%s' is no id: see 'vexipc rule list'\n",
			args->words[1]);
		return EXIT_USAGE;
	}
	err = vexipc_admin_rule_remove(admin, id);
	if (err == -ENOENT)
		return no_such("remove", id);
	return err ? fail(err, "remove rule %" PRIu64, id) : EXIT_OK;
}

static int clear(struct vexipc_admin *admin)
{
	int err = vexipc_admin_rules_clear(admin);

	return err < 0 ? fail(err, "clear the rules") : EXIT_OK;
}

/* What is wrong with the words, or NULL. */
static const char *complaint(const struct rule_args *args, const char *what)
{
	bool is_remove = !strcmp(what, "remove");

	if (args->count > (is_remove ? 2 : 1))
		return "too many arguments";
	if (is_remove && args->count < 2)
		return "remove which?";
	if (!strcmp(what, "add") && !args->allow)
		return "add wants --allow";
	return NULL;
}

int cmd_rule(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = option,
		.args_doc = "add --allow LIST\nlist\nremove ID\nclear",
		.doc = "Who may do what. The first rule that matches decides: it allows what it "
		       "names, and forbids the rest. Who matches none is treated as if there were "
		       "no rules; CAP_NET_ADMIN allows everything.\v"
		       "add prints the id of the rule.",
	};
	struct rule_args args = { .rule.max_priority = DEFAULT_PRIORITY };
	struct vexipc_admin *admin;
	const char *what, *wrong;
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	what = args.count ? args.words[0] : "list";
	wrong = complaint(&args, what);
	if (wrong) {
		fprintf(stderr, "vexipc rule: %s: see 'vexipc rule --help'\n", wrong);
		return EXIT_USAGE;
	}
	code = open_admin(&admin);
	if (code)
		return code;
	if (!strcmp(what, "add")) {
		code = add(admin, &args);
	} else if (!strcmp(what, "list")) {
		code = list(admin, &args);
	} else if (!strcmp(what, "remove")) {
		code = remove_rule(admin, &args);
	} else if (!strcmp(what, "clear")) {
		code = clear(admin);
	} else {
		fprintf(stderr, "vexipc rule: no command '%s': see 'vexipc rule --help'\n", what);
		code = EXIT_USAGE;
	}
	vexipc_admin_close(admin);
	return code;
}
