// SPDX-License-Identifier: GPL-2.0-only
/* vexipc token: let services register without privilege. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

enum {
	KEY_ID = 'i',
	KEY_LABEL = 'l',
	KEY_EXPIRES = 'e',
	KEY_USES = 'u',
	KEY_MODELS = 0x100,
	KEY_SERVICES,
	KEY_PRIORITY,
	KEY_NO_BATCH,
	KEY_CONTROL,
	KEY_UNREGISTER,
};

struct token_args {
	char **words;
	unsigned int count;
	struct vexipc_token_entry token;
	uint32_t expires_sec;
	bool unregister;
	bool json;
};

static const struct argp_option options[] = {
	{ "label", KEY_LABEL, "TEXT", 0, "issue: what it is for", 0 },
	{ "id", KEY_ID, "PATTERN", 0, "issue: ids of services it may register (any)", 0 },
	{ "models", KEY_MODELS, "PATTERN", 0, "issue: models they may name (any)", 0 },
	{ "expires", KEY_EXPIRES, "TIME", 0, "issue: so long: 600, 90s, 10m, 8h, 30d (for ever)",
	  0 },
	{ "uses", KEY_USES, "N", 0, "issue: so many registrations (any number)", 0 },
	{ "services", KEY_SERVICES, "N", 0, "issue: so many services at once (any number)", 0 },
	{ "priority", KEY_PRIORITY, "N", 0, "issue: highest tier of a service (255)", 0 },
	{ "no-batch", KEY_NO_BATCH, NULL, 0, "issue: its services take no batches", 0 },
	{ "control", KEY_CONTROL, NULL, 0, "issue: they may drain and resume themselves", 0 },
	{ "unregister", KEY_UNREGISTER, NULL, 0, "revoke: and end the services it brought", 0 },
	{ "json", KEY_JSON, NULL, 0, "issue, list: JSON", 0 },
	{ 0 },
};

static void string_option(struct argp_state *state, const char *name, const char *text,
			  char to[VEXIPC_MAX_NAME])
{
	if (strlen(text) >= VEXIPC_MAX_NAME)
		argp_error(state, "%s takes at most %u bytes", name, VEXIPC_MAX_NAME - 1);
	strcpy(to, text);
}

/* Seconds, or a number with its unit. */
static uint32_t time_option(struct argp_state *state, const char *text)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	size_t len = strlen(text);
	uint32_t factor = 1;
	char number[16];
	uint64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(units) && len; i++) {
		if (text[len - 1] == units[i].unit) {
			factor = units[i].seconds;
			len--;
			break;
		}
	}
	snprintf(number, sizeof(number), "%.*s", (int)len, text);
	if (len >= sizeof(number) || parse_number(number, 1, UINT32_MAX / factor, &value))
		argp_error(state, "--expires takes a time as 600, 10m, 8h, 30d, not '%s'", text);
	return (uint32_t)value * factor;
}

static error_t option(int key, char *arg, struct argp_state *state)
{
	struct token_args *args = state->input;
	struct vexipc_token_entry *token = &args->token;

	switch (key) {
	case KEY_LABEL:
		string_option(state, "--label", arg, token->label);
		break;
	case KEY_ID:
		string_option(state, "--id", arg, token->pattern);
		break;
	case KEY_MODELS:
		string_option(state, "--models", arg, token->models);
		break;
	case KEY_EXPIRES:
		args->expires_sec = time_option(state, arg);
		break;
	case KEY_USES:
		token->uses = number_option(state, "--uses", arg, 1, UINT32_MAX);
		break;
	case KEY_SERVICES:
		token->max_services = number_option(state, "--services", arg, 1,
						    VEXIPC_MAX_SERVICES);
		break;
	case KEY_PRIORITY:
		token->max_priority = number_option(state, "--priority", arg, 1, 255);
		break;
	case KEY_NO_BATCH:
		token->flags &= ~VEXIPC_TOKEN_BATCH;
		break;
	case KEY_CONTROL:
		token->flags |= VEXIPC_TOKEN_CONTROL;
		break;
	case KEY_UNREGISTER:
		args->unregister = true;
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

static cJSON *json_token(const struct vexipc_token_entry *token)
{
	cJSON *object = json_object(vexipc_token_fields(), token);

	cJSON_AddBoolToObject(object, "batch", token->flags & VEXIPC_TOKEN_BATCH);
	cJSON_AddBoolToObject(object, "control", token->flags & VEXIPC_TOKEN_CONTROL);
	return object;
}

static int issue(struct vexipc_admin *admin, struct token_args *args)
{
	uint8_t secret[VEXIPC_TOKEN_BYTES];
	char text[VEXIPC_TOKEN_TEXT];
	int err = vexipc_admin_token_issue(admin, &args->token, args->expires_sec, secret);

	if (err == -ENOSPC) {
		fprintf(stderr, "vexipc: cannot issue a token: there are %u: revoke some\n",
			VEXIPC_MAX_TOKENS);
		return EXIT_FAILED;
	}
	if (err)
		return fail(err, "issue a token");
	vexipc_token_format(secret, text);
	if (args->json) {
		cJSON *object = json_token(&args->token);

		cJSON_AddStringToObject(object, "token", text);
		json_print(object);
	} else {
		puts(text);
		fprintf(stderr, "token %" PRIu64 ": keep it, it is not shown again\n",
			(uint64_t)args->token.id);
	}
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(text, sizeof(text));
	return EXIT_OK;
}

static const char *when(uint64_t ns, const char *never, char text[32])
{
	time_t seconds = (time_t)(ns / 1000000000u);
	struct tm tm;

	if (!ns || !localtime_r(&seconds, &tm) ||
	    !strftime(text, 32, "%Y-%m-%d %H:%M:%S", &tm))
		return never;
	return text;
}

static void print_tokens(const struct vexipc_token_entry *tokens, uint32_t count)
{
	const struct vexipc_field *field;
	unsigned int columns = 3;
	struct table *table;
	char text[256];

	for (field = vexipc_token_fields(); field->name; field++)
		columns += field->title != NULL;
	table = table_new(columns);
	for (field = vexipc_token_fields(); field->name; field++)
		if (field->title)
			table_add(table, field->title, field->kind == VEXIPC_FIELD_NUMBER);
	table_add(table, "USES LEFT", true);
	table_add(table, "EXPIRES", false);
	table_add(table, "LAST USED", false);
	for (uint32_t i = 0; i < count; i++) {
		for (field = vexipc_token_fields(); field->name; field++) {
			if (!field->title)
				continue;
			vexipc_field_format(field, &tokens[i], text, sizeof(text));
			table_add(table, *text ? text : "*", field->kind == VEXIPC_FIELD_NUMBER);
		}
		snprintf(text, sizeof(text), "%u", tokens[i].uses_left);
		table_add(table, tokens[i].uses ? text : "any", true);
		table_add(table, when(tokens[i].expires_ns, "never", text), false);
		table_add(table, when(tokens[i].last_used_ns, "never", text), false);
	}
	table_print(table, stdout);
	table_free(table);
}

static int list(struct vexipc_admin *admin, const struct token_args *args)
{
	struct vexipc_token_entry *tokens;
	uint32_t count;
	int err = vexipc_admin_tokens(admin, &tokens, &count);

	if (err)
		return fail(err, "list tokens");
	if (args->json) {
		cJSON *array = cJSON_CreateArray();

		for (uint32_t i = 0; i < count; i++)
			cJSON_AddItemToArray(array, json_token(&tokens[i]));
		json_print(array);
	} else {
		print_tokens(tokens, count);
	}
	free(tokens);
	return EXIT_OK;
}

static int revoke(struct vexipc_admin *admin, const struct token_args *args)
{
	uint64_t id;
	int err;

	if (parse_number(args->words[1], 1, UINT64_MAX, &id)) {
		fprintf(stderr, "vexipc token: '%s' is no id: see 'vexipc token list'\n",
			args->words[1]);
		return EXIT_USAGE;
	}
	err = vexipc_admin_token_revoke(admin, id, args->unregister);
	if (err == -ENOENT) {
		fprintf(stderr, "vexipc: cannot revoke token %" PRIu64 ": there is none of this id: "
			"see 'vexipc token list'\n", id);
		return EXIT_NO_SERVICE;
	}
	if (err < 0)
		return fail(err, "revoke token %" PRIu64, id);
	if (args->unregister)
		fprintf(stderr, "token %" PRIu64 " revoked, services that went: %d\n", id, err);
	return EXIT_OK;
}

int cmd_token(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = option,
		.args_doc = "issue\nlist\nrevoke ID",
		.doc = "Tokens with which services register without privilege. A PATTERN is a "
		       "shell's: embed-*.\v"
		       "issue prints the token, 64 hexadecimal digits, which is never shown again: "
		       "put it into a file that the service alone can read, for vexipc-embedd "
		       "--token-file.",
	};
	struct token_args args = { .token.flags = VEXIPC_TOKEN_BATCH };
	struct vexipc_admin *admin;
	const char *what;
	bool is_revoke;
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	what = args.count ? args.words[0] : "list";
	is_revoke = !strcmp(what, "revoke");
	if (args.count > (is_revoke ? 2 : 1)) {
		fputs("vexipc token: too many arguments: see 'vexipc token --help'\n", stderr);
		return EXIT_USAGE;
	}
	if (is_revoke && args.count < 2) {
		fputs("vexipc token: revoke which? see 'vexipc token list'\n", stderr);
		return EXIT_USAGE;
	}
	code = open_admin(&admin);
	if (code)
		return code;
	if (!strcmp(what, "issue")) {
		code = issue(admin, &args);
	} else if (!strcmp(what, "list")) {
		code = list(admin, &args);
	} else if (is_revoke) {
		code = revoke(admin, &args);
	} else {
		fprintf(stderr, "vexipc token: no command '%s': see 'vexipc token --help'\n", what);
		code = EXIT_USAGE;
	}
	vexipc_admin_close(admin);
	return code;
}
