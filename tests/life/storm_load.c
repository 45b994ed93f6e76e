// SPDX-License-Identifier: GPL-2.0-only
/* The clients of a storm: asynchronous or not, through device or netlink. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "storm.h"

enum { WINDOW = 48, STRIDE = 1 << 20 };

struct pending {
	uint64_t id;
	uint32_t number;
	bool cancelled;
};

struct worker {
	const struct storm *storm;
	pthread_t thread;
	uint32_t number;
	uint32_t transport;
	int orders;
	uint64_t random;
	struct vexipc_client *client;
	struct tally tally;
	struct pending pending[WINDOW];
	uint32_t under_way;
};

static atomic_uint_fast32_t begun;

/* Kills are spread over the requests. */
static void maybe_kill(struct worker *w)
{
	uint32_t all = w->storm->threads * w->storm->requests;
	uint32_t every = w->storm->kills ? all / (w->storm->kills + 1) : 0;
	uint32_t n = (uint32_t)atomic_fetch_add(&begun, 1) + 1;

	if (every && n % every == 0 && n / every <= w->storm->kills &&
	    write(w->orders, "k", 1) != 1)
		die("the keeper of services is gone");
}

static void account(struct worker *w, const struct vexipc_result *result, uint32_t number)
{
	/* Whatever was accepted has had an attempt. */
	if (result->error && !result->attempts) {
		w->tally.refused++;
		return;
	}
	switch (result->error) {
	case VEXIPC_OK:
		if (!life_vector_is(result->vector, result->vector_bytes, number))
			die("request %u has another's vector", number);
		w->tally.completed++;
		break;
	case VEXIPC_ERR_TIMED_OUT:
		w->tally.timed_out++;
		break;
	case VEXIPC_ERR_CANCELLED:
		w->tally.cancelled++;
		break;
	case VEXIPC_ERR_SERVICE_DIED:
	case VEXIPC_ERR_SERVICE_FAILED:
	case VEXIPC_ERR_TRANSPORT:
		w->tally.failed++;
		break;
	default:
		die("request %u ended with %s", number, vexipc_error_name(result->error));
	}
}

static uint32_t maybe_timeout(struct worker *w)
{
	return draw(&w->random, 8) ? 0 : 1 + draw(&w->random, 20);
}

/* ---------------------------------------------------------- asynchronous -- */

static void take(struct worker *w, struct vexipc_completion *completion)
{
	const struct vexipc_result *result = &completion->result;
	struct pending *p = w->pending;
	int err = vexipc_client_next(w->client, completion, -1);

	if (err)
		die("no completion: %s", life_errno(err));
	while (p < w->pending + w->under_way && p->id != result->request_id)
		p++;
	if (p == w->pending + w->under_way)
		die("a completion of request 0x%" PRIx64 ", which has had one or never was",
		    result->request_id);
	if (p->cancelled && result->error != VEXIPC_ERR_CANCELLED)
		die("a cancelled request ended with %s", vexipc_error_name(result->error));
	account(w, result, p->number);
	*p = w->pending[--w->under_way];
}

static void maybe_cancel(struct worker *w)
{
	struct pending *p;
	int err;

	if (!w->under_way || draw(&w->random, 8))
		return;
	p = &w->pending[draw(&w->random, w->under_way)];
	err = vexipc_client_cancel(w->client, p->id);
	if (!err)
		p->cancelled = true;
	else if (err != -ESRCH)
		die("cancel: %s", life_errno(err));
}

static void submit(struct worker *w, uint32_t number)
{
	struct pending *p = &w->pending[w->under_way];
	char text[LIFE_TEXT];
	struct vexipc_embed_params params = life_params(text, life_text(text, number));

	params.timeout_ms = maybe_timeout(w);
	*p = (struct pending) { .number = number };
	w->tally.submitted++;
	if (vexipc_embed_submit(w->client, &params, &p->id))
		w->tally.refused++;
	else
		w->under_way++;
}

static void run_async(struct worker *w)
{
	struct vexipc_completion completion = { 0 };

	for (uint32_t i = 0; i < w->storm->requests; i++) {
		while (w->under_way == WINDOW)
			take(w, &completion);
		maybe_kill(w);
		submit(w, w->number * STRIDE + i);
		maybe_cancel(w);
	}
	while (w->under_way)
		take(w, &completion);
	if (vexipc_client_next(w->client, &completion, 0) != -EAGAIN)
		die("one completion too many");
	vexipc_completion_free(&completion);
}

/* ----------------------------------------------------------- synchronous -- */

static void run_sync(struct worker *w)
{
	struct vexipc_result result = { 0 };

	for (uint32_t i = 0; i < w->storm->requests; i++) {
		uint32_t number = w->number * STRIDE + i;
		char text[LIFE_TEXT];
		struct vexipc_embed_params params = life_params(text, life_text(text, number));

		maybe_kill(w);
		params.timeout_ms = maybe_timeout(w);
		w->tally.submitted++;
		vexipc_embed(w->client, &params, &result);
		account(w, &result, number);
	}
	vexipc_result_free(&result);
}

static void *run(void *arg)
{
	struct worker *w = arg;

	w->client = life_client(w->transport);
	if (w->number & 2)
		run_sync(w);
	else
		run_async(w);
	vexipc_client_close(w->client);
	return NULL;
}

void load_run(const struct storm *storm, int orders, struct tally *tally)
{
	struct worker *workers = calloc(storm->threads, sizeof(*workers));

	if (!workers || storm->threads > 15 || storm->requests > STRIDE)
		die("at most 15 threads of %d requests", STRIDE);
	for (uint32_t i = 0; i < storm->threads; i++) {
		workers[i].storm = storm;
		workers[i].number = i;
		workers[i].transport = i & 1 ? VEXIPC_TRANSPORT_NETLINK :
				       VEXIPC_TRANSPORT_CHARDEV;
		workers[i].orders = orders;
		workers[i].random = storm->seed * 1000003u + i;
		if (pthread_create(&workers[i].thread, NULL, run, &workers[i]))
			die("no thread: %s", strerror(errno));
	}
	for (uint32_t i = 0; i < storm->threads; i++) {
		const struct tally *t = &workers[i].tally;

		pthread_join(workers[i].thread, NULL);
		tally->submitted += t->submitted;
		tally->completed += t->completed;
		tally->failed += t->failed;
		tally->timed_out += t->timed_out;
		tally->cancelled += t->cancelled;
		tally->refused += t->refused;
	}
	free(workers);
}
