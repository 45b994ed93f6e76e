// SPDX-License-Identifier: GPL-2.0-only
/* vexipc embed: texts into vectors. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"

enum {
	KEY_DIMS = 256,
	KEY_TYPE,
	KEY_MODEL,
	KEY_PRIORITY,
	KEY_TIMEOUT,
	KEY_SESSION,
	KEY_SERVICE,
	KEY_ALGORITHM,
	KEY_BATCH,
	KEY_WHOLE,
	KEY_RAW,
	KEY_TRANSPORT,
	KEY_NO_CACHE,
	MOST_JOBS = 65536,
	/* Of a batch's texts; what else is in its message has room beside them. */
	MOST_BYTES = VEXIPC_MAX_MESSAGE - 4096,
};

struct embed_args {
	struct vexipc_embed_params params;
	struct source source;
	enum format format;
	uint32_t batch;
	uint32_t jobs;
	uint32_t transport;
};

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "What to embed:", 1 },
	{ "file", 'f', "FILE", 0, "the lines of FILE; - for standard input", 1 },
	{ "whole", KEY_WHOLE, NULL, 0, "all of the file is one text, not each line", 1 },
	{ "raw", KEY_RAW, NULL, 0, "it is bytes, not text", 1 },
	{ 0, 0, 0, 0, "How:", 2 },
	{ "dims", KEY_DIMS, "N", 0, "dimensions of the vector; default: the service's", 2 },
	{ "dtype", KEY_TYPE, "TYPE", 0, "float32 (default), float16, int8, int16 or binary", 2 },
	{ "model", KEY_MODEL, "NAME", 0, "only by services that have this model", 2 },
	{ "service", KEY_SERVICE, "ID", 0, "only by this service", 2 },
	{ "priority", KEY_PRIORITY, "P", 0,
	  "critical, high, normal (default), low, or 0 to 255", 2 },
	{ "timeout", KEY_TIMEOUT, "MS", 0, "time for each request; default: the instance's", 2 },
	{ "session", KEY_SESSION, "NAME", 0, "name of the session the requests belong to", 2 },
	{ "algorithm", KEY_ALGORITHM, "NAME", 0,
	  "how a service is chosen: round-robin, least-connections, least-response-time, "
	  "load-based, priority, capability, weighted-round-robin, peak-ewma, "
	  "consistent-hash", 2 },
	{ "transport", KEY_TRANSPORT, "NAME", 0,
	  "reach the module by chardev (default) or netlink", 2 },
	{ "no-cache", KEY_NO_CACHE, NULL, 0,
	  "have a service answer, whatever the cache has", 2 },
	{ "batch", KEY_BATCH, "N", 0, "N texts in one call, or max, as many as one takes", 2 },
	{ "jobs", 'j', "N", 0, "N requests under way at once; default 1", 2 },
	{ 0, 0, 0, 0, "Output:", 3 },
	{ "output", 'o', "FORMAT", 0, "jsonl (default), raw or npy", 3 },
	{ 0 },
};

static error_t option(int key, char *arg, struct argp_state *state)
{
	struct embed_args *args = state->input;
	struct vexipc_embed_params *p = &args->params;

	switch (key) {
	case 'f':
		args->source.path = arg;
		break;
	case KEY_WHOLE:
		args->source.whole = true;
		break;
	case KEY_RAW:
		p->content_type = VEXIPC_RAW;
		break;
	case KEY_DIMS:
		p->dimensions = number_option(state, "--dims", arg, 1, VEXIPC_MAX_DIMENSIONS);
		break;
	case KEY_TYPE:
		if (vexipc_data_type_parse(arg, &p->data_type))
			argp_error(state, "no data type '%s'", arg);
		break;
	case KEY_MODEL:
		p->model = arg;
		break;
	case KEY_SERVICE:
		p->service = arg;
		break;
	case KEY_PRIORITY:
		if (vexipc_priority_parse(arg, &p->priority))
			argp_error(state, "no priority '%s'", arg);
		break;
	case KEY_TIMEOUT:
		p->timeout_ms = number_option(state, "--timeout", arg, 1, VEXIPC_MAX_TIMEOUT_MS);
		break;
	case KEY_SESSION:
		p->session = vexipc_session(arg);
		break;
	case KEY_ALGORITHM:
		if (vexipc_algorithm_parse(arg, &p->algorithm))
			argp_error(state, "no algorithm '%s'", arg);
		break;
	case KEY_TRANSPORT:
		if (vexipc_transport_parse(arg, &args->transport))
			argp_error(state, "no transport '%s'", arg);
		break;
	case KEY_NO_CACHE:
		p->flags |= VEXIPC_EMBED_NO_CACHE;
		break;
	case KEY_BATCH:
		args->batch = !strcmp(arg, "max") ? VEXIPC_MAX_BATCH :
			      number_option(state, "--batch", arg, 1, VEXIPC_MAX_BATCH);
		break;
	case 'j':
		args->jobs = number_option(state, "--jobs", arg, 1, MOST_JOBS);
		break;
	case 'o':
		if (!strcmp(arg, "jsonl"))
			args->format = FORMAT_JSONL;
		else if (!strcmp(arg, "raw"))
			args->format = FORMAT_RAW;
		else if (!strcmp(arg, "npy"))
			args->format = FORMAT_NPY;
		else
			argp_error(state, "no output format '%s'", arg);
		break;
	case ARGP_KEY_ARGS:
		args->source.texts = state->argv + state->next;
		args->source.count = (size_t)(state->argc - state->next);
		break;
	case ARGP_KEY_END:
		if (args->source.texts && (args->source.path || args->source.whole))
			argp_error(state, "either texts or a file");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* A request: one text, or a batch. */
struct job {
	uint64_t request_id;
	size_t first;			/* number of its first text */
	uint32_t count;
	bool done;
	struct text *texts;
	struct vexipc_completion completion;
};

struct run {
	const struct embed_args *args;
	struct vexipc_client *client;
	struct output *output;
	struct job *jobs;		/* a ring: from `oldest` on, `active` of them */
	uint32_t oldest;
	uint32_t active;
	struct source source;
	size_t texts;			/* read so far */
	int more;			/* may there be more texts? or a negative errno */
	struct text kept;		/* read, but too much for the job before */
	bool pending;			/* the next job is filled, but finds no room */
	struct iovec *items;
};

static struct job *job_at(struct run *run, uint32_t n)
{
	return &run->jobs[(run->oldest + n) % run->args->jobs];
}

static void drop_texts(struct job *job)
{
	for (uint32_t i = 0; i < job->count; i++)
		free(job->texts[i].data);
}

/* Read the texts of the next job. 1, 0 at the end, or a negative errno. */
static int fill(struct run *run, struct job *job)
{
	size_t bytes = 0;

	job->first = run->texts;
	job->count = 0;
	job->done = false;
	while (job->count < run->args->batch) {
		struct text *text = &job->texts[job->count];
		int got = 1;

		if (run->kept.data)
			*text = run->kept;
		else
			got = source_next(&run->source, text);
		run->kept = (struct text) { 0 };
		if (got < 0)
			return got;
		if (!got)
			break;
		bytes += text->len + sizeof(struct vexipc_batch_item);
		if (job->count && bytes > MOST_BYTES) {
			run->kept = *text;
			break;
		}
		job->count++;
		run->texts++;
	}
	return job->count > 0;
}

static struct vexipc_embed_params params_of(const struct run *run, const struct job *job)
{
	struct vexipc_embed_params params = run->args->params;

	params.content = job->texts[0].data;
	params.content_len = job->texts[0].len;
	return params;
}

static const struct iovec *items_of(struct run *run, const struct job *job)
{
	for (uint32_t i = 0; i < job->count; i++)
		run->items[i] = (struct iovec) { job->texts[i].data, job->texts[i].len };
	return run->items;
}

/* There may be room again when something has completed. */
static bool worth_waiting(const struct run *run, int err)
{
	return run->active && (err == -ENOBUFS || err == -EUSERS || err == -EAGAIN ||
			       err == -EBUSY || err == -EXFULL);
}

/* Embed a batch in as many parts as services want it in. */
static int embed_job(struct run *run, struct job *job)
{
	struct vexipc_embed_params params = run->args->params;
	int err = vexipc_embed_batch(run->client, &params, items_of(run, job), job->count,
				     &job->completion);

	job->done = true;
	return err;
}

/* No service takes it as it is. */
static bool wants_parts(uint32_t error)
{
	return error == VEXIPC_ERR_NO_CAPABLE_SERVICE || error == VEXIPC_ERR_TOO_LARGE ||
	       error == VEXIPC_ERR_INVALID;
}

static int submit_job(struct run *run, struct job *job)
{
	struct vexipc_embed_params params = params_of(run, job);
	int err;

	if (run->args->batch > 1 && run->args->jobs > 1) {
		err = vexipc_batch_submit(run->client, &params, items_of(run, job), job->count,
					  &job->request_id);
		return err && wants_parts(vexipc_error_from_errno(err)) ?
		       embed_job(run, job) : err;
	}
	if (run->args->batch > 1)
		return embed_job(run, job);
	return vexipc_embed_submit(run->client, &params, &job->request_id);
}

/* It never became a request. */
static void refuse_job(struct run *run, struct job *job, int err)
{
	vexipc_completion_free(&job->completion);
	job->completion.result.error = vexipc_error_from_errno(err);
	job->completion.result.retry_after_ms = vexipc_client_retry_after_ms(run->client);
	job->done = true;
}

/* Take one completion to the job it is of. */
static int collect(struct run *run)
{
	struct vexipc_completion completion = { 0 };
	int err = vexipc_client_next(run->client, &completion, -1);

	for (uint32_t i = 0; !err && i < run->active; i++) {
		struct job *job = job_at(run, i);

		if (job->done || job->request_id != completion.result.request_id)
			continue;
		if (!completion.count && job->count > 1 &&
		    wants_parts(completion.result.error)) {
			vexipc_completion_free(&completion);
			/* What comes of it is in the job. */
			embed_job(run, job);
			return 0;
		}
		vexipc_completion_free(&job->completion);
		job->completion = completion;
		job->done = true;
		return 0;
	}
	vexipc_completion_free(&completion);
	return err;
}

/* Print the oldest jobs, as far as they are done. */
static void flush(struct run *run)
{
	while (run->active && job_at(run, 0)->done) {
		struct job *job = job_at(run, 0);
		const struct vexipc_completion *c = &job->completion;

		for (uint32_t i = 0; i < job->count; i++)
			output_result(run->output, job->first + i,
				      c->batch && !c->result.error && i < c->count ?
				      &c->items[i] : &c->result);
		drop_texts(job);
		run->oldest = (run->oldest + 1) % run->args->jobs;
		run->active--;
	}
	fflush(stdout);
}

/* Begin jobs as far as there are texts, and room for them. */
static void start(struct run *run)
{
	while (run->more > 0 && run->active < run->args->jobs && !interrupted) {
		struct job *job = job_at(run, run->active);
		int err;

		if (!run->pending)
			run->more = fill(run, job);
		if (run->more <= 0)
			return;
		err = submit_job(run, job);
		/* With nothing of ours under way, only this tells of room. */
		while (err == -EAGAIN && !run->active && !interrupted &&
		       !vexipc_client_wait_room(run->client, -1))
			err = submit_job(run, job);
		run->pending = worth_waiting(run, err);
		if (run->pending)
			return;
		if (err)
			refuse_job(run, job, err);
		run->active++;
	}
}

static int embed_all(struct run *run)
{
	run->more = 1;
	while (run->more > 0 || run->active) {
		int err = 0;

		start(run);
		flush(run);
		/* What is left is under way: the oldest would have been printed. */
		if (run->active && !interrupted)
			err = collect(run);
		if (interrupted)
			return -EINTR;
		if (err && err != -EINTR)
			return err;
	}
	return run->more;
}

static int run_embed(struct run *run)
{
	const struct embed_args *args = run->args;
	int err, code;

	run->jobs = calloc(args->jobs, sizeof(*run->jobs));
	run->items = calloc(args->batch, sizeof(*run->items));
	for (uint32_t i = 0; run->jobs && i < args->jobs; i++) {
		run->jobs[i].texts = calloc(args->batch, sizeof(struct text));
		if (!run->jobs[i].texts)
			return fail(-ENOMEM, "begin");
	}
	if (!run->jobs || !run->items)
		return fail(-ENOMEM, "begin");
	err = embed_all(run);
	free(run->kept.data);
	run->active += run->pending;
	while (run->active) {
		drop_texts(job_at(run, 0));
		run->oldest = (run->oldest + 1) % args->jobs;
		run->active--;
	}
	code = output_end(run->output);
	for (uint32_t i = 0; i < args->jobs; i++) {
		vexipc_completion_free(&run->jobs[i].completion);
		free(run->jobs[i].texts);
	}
	free(run->jobs);
	free(run->items);
	return err ? fail(err, "embed all texts") : code;
}

int cmd_embed(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = option,
		.args_doc = "[TEXT...]",
		.doc = "Turn texts into vectors: the arguments, or each line of a file or of "
		       "standard input. Empty lines are passed over."
		       "\vThe results come in the order of the texts. Exit status: 0 all is well, "
		       "1 some failed, 3 the module is not loaded, 4 no service can do it.",
	};
	struct embed_args args = {
		.params = VEXIPC_EMBED_PARAMS_INIT,
		.batch = 1,
		.jobs = 1,
	};
	struct run run = { .args = &args };
	int err, code;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	run.source = args.source;
	err = source_open(&run.source);
	if (err) {
		fprintf(stderr, "vexipc: cannot open %s: %s\n", args.source.path, strerror(-err));
		return EXIT_FAILED;
	}
	catch_signals();
	err = vexipc_client_open(args.transport, &run.client);
	if (err) {
		source_close(&run.source);
		return fail_open(err, args.transport);
	}
	run.output = output_new(args.format);
	code = run_embed(&run);
	vexipc_client_close(run.client);
	source_close(&run.source);
	return code;
}
