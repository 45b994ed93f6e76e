// SPDX-License-Identifier: GPL-2.0-only
/*
 * What came of it, as JSON:
 *
 *   capacity, offered (a second), requests, seconds, goodput (answers a second),
 *   late_us: the most that a request was submitted late: the simulator's own limit,
 *   completed, failed, refused: by error,
 *   latency_us: of those answered, from when they were due; ended_us: of all that
 *   were accepted, whatever came of them,
 *   priorities, users: the same by class,
 *   services: each one's share and figures; by_second: what each got, by second,
 *   memory: bytes, before it began, at the end of each second, a second after all
 *   had ended: the control group's, what of that are slabs, slabs of the machine
 */
#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "sim.h"

struct figures {
	uint64_t submitted, completed, failed, refused, retried;
	uint64_t failed_by[VEXIPC_ERRORS], refused_by[VEXIPC_ERRORS];
	uint64_t *answered_ns, *ended_ns;
	uint64_t ended;
};

static uint64_t *times(const struct sim *sim)
{
	uint64_t *t = calloc(sim->begun, sizeof(*t));

	if (!t)
		die("no memory");
	return t;
}

static void count(struct figures *f, const struct request *r)
{
	uint32_t error = r->error < VEXIPC_ERRORS ? r->error : 0;
	uint64_t ns = r->end_ns - r->due_ns;

	f->submitted++;
	f->retried += r->attempts > 1;
	if (r->refused) {
		f->refused++;
		f->refused_by[error]++;
		return;
	}
	f->ended_ns[f->ended++] = ns;
	if (error) {
		f->failed++;
		f->failed_by[error]++;
		return;
	}
	f->answered_ns[f->completed++] = ns;
}

static int order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double us(uint64_t ns)
{
	return (double)(ns / 1000);
}

/* The smallest that so many are not above. */
static double percentile(const uint64_t *sorted, uint64_t n, double share)
{
	uint64_t at = (uint64_t)ceil((double)n * share);

	return us(sorted[at ? at - 1 : 0]);
}

static void add_times(cJSON *to, const char *name, uint64_t *ns, uint64_t n)
{
	cJSON *object = cJSON_AddObjectToObject(to, name);
	double sum = 0;

	if (!n)
		return;
	qsort(ns, n, sizeof(*ns), order);
	for (uint64_t i = 0; i < n; i++)
		sum += us(ns[i]);
	cJSON_AddNumberToObject(object, "mean", round(sum / (double)n));
	cJSON_AddNumberToObject(object, "p50", percentile(ns, n, 0.5));
	cJSON_AddNumberToObject(object, "p90", percentile(ns, n, 0.9));
	cJSON_AddNumberToObject(object, "p99", percentile(ns, n, 0.99));
	cJSON_AddNumberToObject(object, "p999", percentile(ns, n, 0.999));
	cJSON_AddNumberToObject(object, "max", us(ns[n - 1]));
}

static void add_errors(cJSON *to, const char *name, const uint64_t *by)
{
	cJSON *object = cJSON_AddObjectToObject(to, name);

	for (uint32_t i = 0; i < VEXIPC_ERRORS; i++)
		if (by[i])
			cJSON_AddNumberToObject(object, vexipc_error_name(i), (double)by[i]);
}

static void add_figures(const struct sim *sim, cJSON *to, struct figures *f)
{
	double seconds = (double)(sim->end_ns - sim->start_ns) / 1e9;

	cJSON_AddNumberToObject(to, "submitted", (double)f->submitted);
	cJSON_AddNumberToObject(to, "completed", (double)f->completed);
	cJSON_AddNumberToObject(to, "failed", (double)f->failed);
	cJSON_AddNumberToObject(to, "refused", (double)f->refused);
	cJSON_AddNumberToObject(to, "retried", (double)f->retried);
	cJSON_AddNumberToObject(to, "goodput", round((double)f->completed / seconds));
	add_errors(to, "failed_by", f->failed_by);
	add_errors(to, "refused_by", f->refused_by);
	add_times(to, "latency_us", f->answered_ns, f->completed);
	add_times(to, "ended_us", f->ended_ns, f->ended);
}

enum by { BY_NOTHING, BY_PRIORITY, BY_USER };

static void add_class(const struct sim *sim, cJSON *to, enum by by, uint32_t class)
{
	struct figures f = { .answered_ns = times(sim), .ended_ns = times(sim) };

	for (uint64_t i = 0; i < sim->begun; i++) {
		const struct request *r = &sim->request[i];

		if (by == BY_NOTHING || (by == BY_PRIORITY ? r->priority : r->user) == class)
			count(&f, r);
	}
	add_figures(sim, to, &f);
	free(f.answered_ns);
	free(f.ended_ns);
}

static void add_classes(const struct sim *sim, cJSON *to, enum by by, const char *name,
			const struct class *class, uint32_t n)
{
	cJSON *object = cJSON_AddObjectToObject(to, name);

	for (uint32_t i = 0; i < n; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%u", class[i].value);
		add_class(sim, cJSON_AddObjectToObject(object, key), by, i);
	}
}

static void add_services(const struct sim *sim, cJSON *to)
{
	uint32_t seconds = (uint32_t)((sim->end_ns - sim->start_ns) / 1000000000u) + 1;
	cJSON *services = cJSON_AddArrayToObject(to, "services"), *one;
	cJSON *by_second = cJSON_AddArrayToObject(to, "by_second");
	double all = 0;

	for (uint32_t i = 0; i < sim->options.services; i++)
		all += (double)sim->service[i].received;
	for (uint32_t i = 0; i < sim->options.services; i++) {
		const struct sim_service *svc = &sim->service[i];

		one = cJSON_CreateObject();
		cJSON_AddBoolToObject(one, "slow", svc->slow);
		cJSON_AddNumberToObject(one, "share", (double)svc->received / all);
		cJSON_AddNumberToObject(one, "received", (double)svc->received);
		cJSON_AddNumberToObject(one, "answered", (double)svc->answered);
		cJSON_AddNumberToObject(one, "failed", (double)svc->failed);
		cJSON_AddItemToArray(services, one);
	}
	for (uint32_t s = 0; s < seconds && s < sim->seconds; s++) {
		one = cJSON_CreateArray();
		for (uint32_t i = 0; i < sim->options.services; i++)
			cJSON_AddItemToArray(one, cJSON_CreateNumber(
				sim->service[i].by_second[s]));
		cJSON_AddItemToArray(by_second, one);
	}
}

static cJSON *memory_of(const struct memory *memory)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddNumberToObject(object, "group", (double)memory->group);
	cJSON_AddNumberToObject(object, "group_slab", (double)memory->group_slab);
	cJSON_AddNumberToObject(object, "slab", (double)memory->slab);
	return object;
}

static void add_memory(const struct sim *sim, cJSON *to)
{
	cJSON *object = cJSON_AddObjectToObject(to, "memory"), *by_second;

	cJSON_AddItemToObject(object, "start", memory_of(&sim->memory_start));
	by_second = cJSON_AddArrayToObject(object, "by_second");
	for (uint32_t s = 0; s < sim->memories; s++)
		cJSON_AddItemToArray(by_second, memory_of(&sim->memory[s]));
	cJSON_AddItemToObject(object, "end", memory_of(&sim->memory_end));
}

void report(const struct sim *sim)
{
	const struct options *o = &sim->options;
	cJSON *object = cJSON_CreateObject();
	char *text;

	cJSON_AddNumberToObject(object, "capacity", capacity(o));
	cJSON_AddNumberToObject(object, "offered", o->load * capacity(o));
	cJSON_AddNumberToObject(object, "seed", (double)o->seed);
	cJSON_AddNumberToObject(object, "seconds",
				(double)(sim->end_ns - sim->start_ns) / 1e9);
	cJSON_AddNumberToObject(object, "late_us", us(sim->late_ns));
	add_class(sim, object, BY_NOTHING, 0);
	add_classes(sim, object, BY_PRIORITY, "priorities", o->priority, o->priorities);
	add_classes(sim, object, BY_USER, "users", o->user, o->users);
	add_services(sim, object);
	if (sim->memory)
		add_memory(sim, object);
	text = cJSON_PrintUnformatted(object);
	if (!text || printf("%s\n", text) < 0 || fflush(stdout))
		die("cannot write");
	free(text);
	cJSON_Delete(object);
}
