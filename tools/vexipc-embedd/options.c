// SPDX-License-Identifier: GPL-2.0-only
/* The command line of vexipc-embedd. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "options.h"

enum {
	OPT_NAME = 256,
	OPT_MODEL,
	OPT_PRIORITY,
	OPT_WEIGHT,
	OPT_MAX_BATCH,
	OPT_MAX_CONCURRENT,
	OPT_DIMS,
	OPT_METADATA,
	OPT_ENDPOINT,
	OPT_DRAIN,
	OPT_QUIET,
	OPT_TOKEN_FILE,
};

static const struct argp_option table[] = {
	{ "id", 'i', "ID", 0, "Unique id of the service (required)", 0 },
	{ "name", OPT_NAME, "NAME", 0, "Name for people (the id)", 0 },
	{ "engine", 'e', "NAME", 0, "use-lite (the default) or echo", 1 },
	{ "engine-options", 'o', "LIST", 0, "Options of the engine, see below", 1 },
	{ "model", OPT_MODEL, "FILE", 0, "Model of use-lite "
	  "($VEXIPC_MODEL, /usr/share/vexipc/use-lite.model)", 1 },
	{ "dims", OPT_DIMS, "N[,N...]", 0,
	  "Dimensions to announce (all that the engine can)", 1 },
	{ "threads", 't', "N", 0, "Worker threads (1)", 2 },
	{ "transport", 'T', "NAME", 0,
	  "ring, netlink, chardev, or auto: what the instance prefers, else what works", 2 },
	{ "max-batch", OPT_MAX_BATCH, "N", 0, "Items in one batch at most (100)", 2 },
	{ "max-concurrent", OPT_MAX_CONCURRENT, "N", 0,
	  "Requests in flight at most (the instance's)", 2 },
	{ "priority", OPT_PRIORITY, "N", 0, "Tier, 1-255, higher is preferred (128)", 3 },
	{ "weight", OPT_WEIGHT, "N", 0, "Share among equals, 1-1000 (100)", 3 },
	{ "endpoint", OPT_ENDPOINT, "TEXT", 0, "Where else it can be reached", 3 },
	{ "metadata", OPT_METADATA, "KEY=VALUE", 0, "Shown with the service; repeatable", 3 },
	{ "token-file", OPT_TOKEN_FILE, "FILE", 0, "Register with the token in FILE, "
	  "without privilege ($CREDENTIALS_DIRECTORY/vexipc.token)", 4 },
	{ "drain", OPT_DRAIN, "MS", 0, "Time to finish what is in hand on SIGTERM (10000)", 4 },
	{ "quiet", OPT_QUIET, NULL, 0, "Say nothing but errors", 4 },
	{ 0 }
};

static unsigned long number(struct argp_state *state, const char *option, const char *text,
			    unsigned long min, unsigned long max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || !*text || *end || *text == '-' || value < min || value > max)
		argp_error(state, "--%s: \"%s\" is not a number from %lu to %lu", option,
			   text, min, max);
	return value;
}

static void dimensions(struct argp_state *state, struct options *o, const char *text)
{
	char *list = strdup(text), *rest = list, *item;

	o->service.dimensions_count = 0;
	while (list && (item = strsep(&rest, ","))) {
		if (o->service.dimensions_count == VEXIPC_MAX_SERVICE_DIMENSIONS)
			argp_error(state, "--dims: more than %u", VEXIPC_MAX_SERVICE_DIMENSIONS);
		o->dimensions[o->service.dimensions_count++] =
			number(state, "dims", item, 1, VEXIPC_MAX_DIMENSIONS);
	}
	free(list);
}

static void metadata(struct argp_state *state, struct options *o, const char *text)
{
	int n = 0;

	while (o->metadata[n])
		n++;
	if (n == MAX_METADATA)
		argp_error(state, "--metadata: more than %d", MAX_METADATA);
	if (!strchr(text, '=') || *text == '=')
		argp_error(state, "--metadata: \"%s\" is not KEY=VALUE", text);
	o->metadata[n] = text;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	struct vexipc_service_config *service = &o->service;

	switch (key) {
	case 'i':
		service->id = arg;
		break;
	case OPT_NAME:
		service->name = arg;
		break;
	case 'e':
		o->engine = arg;
		break;
	case 'o':
		o->engine_options = arg;
		break;
	case OPT_MODEL:
		o->model = arg;
		break;
	case OPT_DIMS:
		dimensions(state, o, arg);
		break;
	case 't':
		o->threads = number(state, "threads", arg, 1, MAX_THREADS);
		/* A queue each, while each has some slots. */
		service->queues = o->threads < MOST_QUEUES ? o->threads : MOST_QUEUES;
		break;
	case 'T':
		service->transport = VEXIPC_TRANSPORT_DEFAULT;
		if (strcmp(arg, "auto") && vexipc_transport_parse(arg, &service->transport))
			argp_error(state, "--transport: \"%s\" is none of ring, netlink, "
				   "chardev, auto", arg);
		break;
	case OPT_MAX_BATCH:
		service->max_batch = number(state, "max-batch", arg, 1, VEXIPC_MAX_BATCH);
		break;
	case OPT_MAX_CONCURRENT:
		service->max_concurrent = number(state, "max-concurrent", arg, 1, 131072);
		break;
	case OPT_PRIORITY:
		service->priority = number(state, "priority", arg, 1, 255);
		break;
	case OPT_WEIGHT:
		service->weight = number(state, "weight", arg, 1, 1000);
		break;
	case OPT_ENDPOINT:
		service->endpoint = arg;
		break;
	case OPT_METADATA:
		metadata(state, o, arg);
		break;
	case OPT_DRAIN:
		service->drain_ms = number(state, "drain", arg, 1, 3600000);
		break;
	case OPT_TOKEN_FILE:
		o->token_file = arg;
		break;
	case OPT_QUIET:
		o->quiet = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected \"%s\"", arg);
		break;
	case ARGP_KEY_END:
		if (!service->id)
			argp_error(state, "--id is missing: what should the service be called?");
		if (!engine_find(o->engine))
			argp_error(state, "no engine \"%s\": use-lite or echo", o->engine);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* After the options, those of each engine. */
static char *filter(int key, const char *text, void *input)
{
	char *help = NULL;
	size_t len;
	FILE *out;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	out = open_memstream(&help, &len);
	if (!out)
		return (char *)text;
	for (int i = 0; engines[i]; i++)
		if (engines[i]->options_help)
			fprintf(out, "Options of the engine %s:\n%s\n", engines[i]->name,
				engines[i]->options_help);
	fprintf(out, "%s", text);
	fclose(out);
	return help;
}

static void print_version(FILE *out, struct argp_state *state)
{
	(void)state;
	fprintf(out, "vexipc-embedd %s\n", vexipc_version());
}

void options_parse(struct options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse,
		.doc = "An embedding service: registers with the vexipc module and answers "
		       "its requests."
		       "\v"
		       "SIGTERM or SIGINT finishes what is in hand and ends; a second one ends "
		       "at once.\n"
		       "Exit status: 0 ended as told, 1 failed, 2 usage, 3 no module or no right.",
		.help_filter = filter,
	};

	argp_program_version_hook = print_version;
	argp_err_exit_status = 2;
	*options = (struct options){
		.threads = 1,
		.service = {
			.max_batch = 100,
			.data_types = (1 << VEXIPC_DATA_TYPES) - 1,
			.software_version = vexipc_version(),
		},
	};
	argp_parse(&argp, argc, argv, 0, NULL, options);
	options->service.dimensions = options->dimensions;
	options->service.metadata = options->metadata[0] ? options->metadata : NULL;
}
