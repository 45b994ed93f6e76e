// SPDX-License-Identifier: GPL-2.0-only
/* vexipc-top: embedding services, live. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "top.h"

enum {
	KEY_NO_COLOR = 256,
	KEY_RECORD,
	KEY_REPLAY,
	KEY_READONLY,
};

static const struct argp_option argp_options[] = {
	{ "batch", 'b', NULL, 0, "print, rather than draw; so without a terminal", 0 },
	{ "iterations", 'n', "N", 0, "look N times, then end", 0 },
	{ "delay", 'd', "SECONDS", 0, "between two looks, 0.1 to 3600 (1; replay: as recorded)", 0 },
	{ "sort", 's', "COLUMN", 0, "id, state, breaker, share, rate (default), inflight, queued, p50, p99, "
	  "errors, cpu or memory", 0 },
	{ "filter", 'f', "TEXT", 0, "only services with TEXT in their id, or in this state", 0 },
	{ "json", KEY_JSON, NULL, 0, "print JSON, an object a line; implies --batch", 0 },
	{ "no-color", KEY_NO_COLOR, NULL, 0, "so also when NO_COLOR is set", 0 },
	{ "record", KEY_RECORD, "FILE", 0, "write what is seen to a new FILE", 0 },
	{ "replay", KEY_REPLAY, "FILE", 0, "show what was recorded; needs no module", 0 },
	{ "readonly", KEY_READONLY, NULL, 0, "no draining, no resuming", 0 },
	{ 0 },
};

const char *argp_program_version;

static uint32_t delay_option(struct argp_state *state, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds * 1000 >= LEAST_DELAY_MS) ||
	    !(seconds * 1000 <= MOST_DELAY_MS))
		argp_error(state, "-d takes 0.1 to 3600 seconds, not '%s'", text);
	return (uint32_t)(seconds * 1000);
}

static error_t option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'b':
		options->batch = true;
		break;
	case 'n':
		options->iterations = number_option(state, "-n", arg, 1, UINT32_MAX);
		break;
	case 'd':
		options->delay_ms = delay_option(state, arg);
		break;
	case 's':
		if (sort_key_parse(arg, &options->order.key))
			argp_error(state, "no column '%s'; see --help", arg);
		break;
	case 'f':
		if (strlen(arg) >= FILTER_ROOM)
			argp_error(state, "the filter is too long");
		strcpy(options->order.filter, arg);
		break;
	case KEY_JSON:
		options->json = true;
		options->batch = true;
		break;
	case KEY_NO_COLOR:
		options->no_color = true;
		break;
	case KEY_RECORD:
		options->record = arg;
		break;
	case KEY_REPLAY:
		options->replay = arg;
		break;
	case KEY_READONLY:
		options->readonly = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected '%s'", arg);
		break;
	case ARGP_KEY_END:
		if (options->record && options->replay)
			argp_error(state, "--record and --replay exclude each other");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int top_step(struct top *top)
{
	int err = top->source->ops->next(top->source, &top->sample);

	if (!err && top->record)
		err = record_sample(top->record, &top->scratch, &top->sample);
	return err ?: model_update(&top->model, &top->sample);
}

void top_explain(const struct top *top, int err, char *buf, size_t room)
{
	const char *why = err == -ENODATA ? "it ends here" :
			  err == -EPIPE ? "it ends in the middle of a sample" :
			  err == -EPROTO ? "this is no recording of vexipc-top" :
			  err == -EPROTONOSUPPORT ? "recorded by another version" :
			  err == -EBADMSG ? "it is damaged" : strerror(-err);

	if (top->options.replay)
		snprintf(buf, room, "%s: %s", top->options.replay, why);
	else if (top->options.record)
		snprintf(buf, room, "%s: %s", top->options.record, strerror(-err));
	else
		snprintf(buf, room, "%s", strerror(-err));
}

static int fail_with(const struct top *top, int err)
{
	char why[512];

	top_explain(top, err, why, sizeof(why));
	fprintf(stderr, "vexipc-top: %s\n", why);
	return EXIT_FAILED;
}

static int open_all(struct top *top)
{
	const struct options *options = &top->options;
	int err = options->replay ? source_replay(options->replay, &top->source) :
				    source_live(&top->source);

	if (err || !options->record)
		return err;
	/* What is there is not overwritten. */
	top->record = fopen(options->record, "wxe");
	return top->record ? record_begin(top->record, &top->scratch) : -errno;
}

static void close_all(struct top *top)
{
	if (top->source)
		top->source->ops->close(top->source);
	if (top->record)
		fclose(top->record);
	bytes_free(&top->scratch);
	sample_free(&top->sample);
	model_free(&top->model);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = argp_options,
		.parser = option,
		.doc = "Show embedding services: what they have to do, how fast they are, how "
		       "they fail.\vWith the module vexipc loaded and its telemetry attached "
		       "('vexipc telemetry attach'). See vexipc-top(1); h explains the keys.",
	};
	static struct top top = { .options.order.key = SORT_RATE };
	static char version[64];
	const char *no_color = getenv("NO_COLOR");
	int err;

	setlocale(LC_CTYPE, "");
	snprintf(version, sizeof(version), "vexipc-top %s", vexipc_version());
	argp_program_version = version;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &top.options);
	top.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	if (no_color && *no_color)
		top.options.no_color = true;
	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		top.options.batch = true;
	catch_signals();
	err = open_all(&top);
	if (err)
		err = fail_with(&top, err);
	else
		err = top.options.batch ? run_batch(&top) : run_ui(&top);
	close_all(&top);
	return err;
}
