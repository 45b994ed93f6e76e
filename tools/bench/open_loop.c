// SPDX-License-Identifier: GPL-2.0-only
/*
 * Latency where requests come by a schedule, whether or not those before were answered:
 * gaps are exponential, the same for each peer. A latency counts from when the request
 * was due. So when something stalls, all that came meanwhile have waited, and when the
 * client itself is late or has no room for more under way, that counts, too.
 */
#include <err.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "bench.h"

enum { NS_A_SECOND = 1000000000, MOST_REQUESTS = 20000000 };

struct open_loop {
	struct bench_link *link;
	uint64_t total, begun, ended;
	uint64_t random;
	double gap_ns;			/* on the average */
	double next_ns;			/* when the next request is due */
	uint64_t due_ns[BENCH_MAX_DEPTH];	/* of those under way, by their number */
	uint64_t *latency_ns, *late_ns;	/* of each request: answered, submitted after due */
};

/* xorshift64*, as an exponential distribution. */
static double draw_gap(struct open_loop *loop)
{
	uint64_t *state = &loop->random;
	double unit;

	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	unit = (double)(*state * 0x2545f4914f6cdd1dull >> 11) / (double)(1ull << 53);
	return -log(1 - unit) * loop->gap_ns;
}

/* Submit what is due, as far as there is room; true if there is room for more. */
static bool submit_due(struct open_loop *loop)
{
	struct bench_link *link = loop->link;
	unsigned int depth = link->work->depth, n = 0;
	unsigned int room = depth - (unsigned int)(loop->begun - loop->ended);
	uint64_t now = bench_now();

	while (n < room && loop->begun < loop->total && loop->next_ns <= (double)now) {
		uint64_t due = (uint64_t)loop->next_ns;

		loop->late_ns[loop->begun] = now - due;
		loop->due_ns[loop->begun++ % depth] = due;
		loop->next_ns += draw_gap(loop);
		n++;
	}
	if (n)
		link->peer->submit(link, n);
	return n < room;
}

/* Until an answer has come, true, or the next request is due. */
static bool wait_for_answer(struct open_loop *loop, bool room)
{
	const struct bench_link *link = loop->link;
	/* Where answers come, if that is not where requests go. */
	struct pollfd answers = {
		.fd = loop->begun == loop->ended ? -1 :
		      link->client_fd[link->client_fd[1] < 0 ? 0 : 1],
		.events = POLLIN,
	};
	struct timespec timeout = { 0 }, *until = NULL;

	if (room && loop->begun < loop->total) {
		double left = loop->next_ns - (double)bench_now();

		if (left > 0) {
			timeout.tv_sec = (time_t)(left / NS_A_SECOND);
			timeout.tv_nsec = (long)(left - (double)timeout.tv_sec * NS_A_SECOND);
		}
		until = &timeout;
	}
	if (ppoll(&answers, 1, until, NULL) < 0 && errno != EINTR)
		err(1, "poll");
	return answers.revents;
}

static void take_answers(struct open_loop *loop)
{
	struct bench_link *link = loop->link;
	unsigned int n = link->peer->reap(link);
	uint64_t now = bench_now();

	while (n--) {
		loop->latency_ns[loop->ended] = now - loop->due_ns[loop->ended % link->work->depth];
		loop->ended++;
	}
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* What @share of the @n sorted values are not above. */
static double percentile(const uint64_t *sorted, uint64_t n, double share)
{
	uint64_t rank = (uint64_t)ceil(share * (double)n);

	return (double)sorted[rank ? rank - 1 : 0];
}

static void sum_up(const struct open_loop *loop, struct bench_latency *latency)
{
	uint64_t *sorted = loop->latency_ns, n = loop->ended;
	double sum = 0;

	for (uint64_t i = 0; i < n; i++)
		sum += (double)sorted[i];
	qsort(sorted, n, sizeof(sorted[0]), ascending);
	qsort(loop->late_ns, n, sizeof(loop->late_ns[0]), ascending);
	latency->mean = sum / (double)n;
	latency->p50 = percentile(sorted, n, 0.5);
	latency->p99 = percentile(sorted, n, 0.99);
	latency->p999 = percentile(sorted, n, 0.999);
	latency->most = (double)sorted[n - 1];
	latency->late_p99 = percentile(loop->late_ns, n, 0.99);
}

bool bench_open_loop(const struct bench_peer *peer, const struct bench_work *work,
		     const struct bench_plan *plan, const struct bench_load *load,
		     struct bench_latency *latency)
{
	struct bench_link link = { .peer = peer, .work = work };
	struct open_loop loop = {
		.link = &link,
		.total = (uint64_t)load->rate * load->seconds,
		.random = 88172645463325252u,
		.gap_ns = (double)NS_A_SECOND / load->rate,
	};
	uint64_t start;

	if (loop.total > MOST_REQUESTS)
		errx(1, "more than %d requests", MOST_REQUESTS);
	loop.latency_ns = calloc(loop.total, sizeof(*loop.latency_ns));
	loop.late_ns = calloc(loop.total, sizeof(*loop.late_ns));
	if (!loop.latency_ns || !loop.late_ns)
		err(1, NULL);
	bench_start(&link);
	*latency = (struct bench_latency){ .peer = peer, .work = *work, .due = loop.total };
	if (link.client_fd[0] >= 0) {
		/* Timers that are not put off. */
		prctl(PR_SET_TIMERSLACK, 1);
		bench_trips(&link, plan->warm_up);
		start = bench_now();
		loop.next_ns = (double)start + draw_gap(&loop);
		while (loop.ended < loop.total)
			if (wait_for_answer(&loop, submit_due(&loop)))
				take_answers(&loop);
		latency->seconds = (double)(bench_now() - start) / NS_A_SECOND;
		latency->answered = link.reaped - plan->warm_up;
		if (link.submitted != link.reaped || latency->answered != latency->due)
			errx(1, "%s: requests were lost", peer->name);
		sum_up(&loop, latency);
	}
	bench_stop(&link);
	free(loop.latency_ns);
	free(loop.late_ns);
	return latency->answered;
}

static void print_head(const struct bench_work *work)
{
	printf("\n%zu B -> %zu B, at most %u under way\n%10s %10s %10s %10s %10s %12s  %s\n",
	       work->request, work->answer, work->depth, "p50 us", "p99 us", "p99.9 us",
	       "max us", "late us", "answers/s", "peer");
}

void bench_print_latencies(const struct bench_load *load, const struct bench_latency *latency,
			   unsigned int count)
{
	printf("%u requests a second for %u s, each counted from when it was due.\n",
	       load->rate, load->seconds);
	for (; count--; latency++) {
		static const struct bench_work *last;

		if (!last || !bench_same_work(last, &latency->work))
			print_head(&latency->work);
		last = &latency->work;
		printf("%10.1f %10.1f %10.1f %10.1f %10.1f %12.0f  %s\n", latency->p50 / 1000,
		       latency->p99 / 1000, latency->p999 / 1000, latency->most / 1000,
		       latency->late_p99 / 1000, (double)latency->answered / latency->seconds,
		       latency->peer->name);
	}
}

static cJSON *json_latency(const struct bench_latency *latency)
{
	const struct { const char *name; double value; } members[] = {
		{ "request_bytes", (double)latency->work.request },
		{ "answer_bytes", (double)latency->work.answer },
		{ "depth", latency->work.depth },
		{ "due", (double)latency->due },
		{ "answered", (double)latency->answered },
		{ "seconds", latency->seconds },
		{ "mean", latency->mean },
		{ "p50", latency->p50 },
		{ "p99", latency->p99 },
		{ "p99.9", latency->p999 },
		{ "max", latency->most },
		{ "late_p99", latency->late_p99 },
	};
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "peer", latency->peer->name);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		cJSON_AddNumberToObject(object, members[i].name, members[i].value);
	return object;
}

void bench_write_latencies(const struct bench_load *load, const struct bench_latency *latency,
			   unsigned int count, const char *path)
{
	cJSON *object = bench_json("ns"), *results;

	cJSON_AddNumberToObject(object, "rate", load->rate);
	cJSON_AddNumberToObject(object, "seconds", load->seconds);
	results = cJSON_AddArrayToObject(object, "latencies");
	while (count--)
		cJSON_AddItemToArray(results, json_latency(latency++));
	bench_write_object(object, path);
}
