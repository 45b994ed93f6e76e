// SPDX-License-Identifier: GPL-2.0-only
/*
 * The concurrency limit of a service, found by what it does to the latency.
 *
 * A service with n workers answers n requests as quickly as one; with more the
 * rest waits inside it, and the latency grows with what it holds. So, once in as
 * many answers as the limit allows (a window), with the mean latency of the
 * window and the least of the last half minute or so:
 *
 *	gradient = 1.5 * least / mean, between 1/2 and 1
 *	limit    = (limit + limit * gradient + sqrt(limit)) / 2
 *
 * and limit * 0.9 if it was overloaded or did not answer. It comes to rest at
 * one and a half times what the service works on at once and a little more:
 * enough for its workers never to wait, little enough for others to get the rest.
 *
 * Least must not be forgotten while the service is never idle, or a standing
 * queue in it would become the measure: each new period begins with a look at what
 * an eighth of the limit takes. A limit that is not used is not changed. The first is small:
 * a service that is flooded at once shows no least.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "gradient.h"

enum {
	ONE_SHIFT	= 8,
	ONE		= 1 << ONE_SHIFT,	/* 1 in limits and gradients */
	LEAST_ANSWERS	= 4,	/* in a window */
	FIRST_LIMIT	= 16,	/* while nothing is known */
	PROBE_SHARE	= 8,
};

static const u64 PERIOD_NS = 15ull * NSEC_PER_SEC;

static u32 clamped(const struct vexipc_gradient *g, u32 max)
{
	return clamp(READ_ONCE(g->limit) ?: FIRST_LIMIT * ONE, (u32)ONE, max * ONE);
}

/**
 * vexipc_gradient_limit() - how many requests may be in flight
 * @g: of the service
 * @max: what it or its instance allows
 *
 * Context: any; without the service's lock a moment old.
 * Return: 1 to @max.
 */
u32 vexipc_gradient_limit(const struct vexipc_gradient *g, u32 max)
{
	u32 limit = clamped(g, max) / ONE;

	return READ_ONCE(g->probing) ? max(limit / PROBE_SHARE, 1u) : limit;
}

static void begin_window(struct vexipc_gradient *g)
{
	g->sum_ns = 0;
	g->answers = 0;
	g->count = 0;
	g->busiest = 0;
}

static void roll(struct vexipc_gradient *g, u64 now_ns)
{
	if (!g->period_ns) {
		g->period_ns = now_ns;
	} else if (!g->probing && now_ns - g->period_ns >= PERIOD_NS) {
		g->period_ns = now_ns;
		g->least_ns[1] = g->least_ns[0];
		g->least_ns[0] = 0;
		WRITE_ONCE(g->probing, true);
		begin_window(g);
	}
}

static u64 least_of(const struct vexipc_gradient *g)
{
	if (!g->least_ns[0] || !g->least_ns[1])
		return max(g->least_ns[0], g->least_ns[1]);
	return min(g->least_ns[0], g->least_ns[1]);
}

static void end_window(struct vexipc_gradient *g, u32 max)
{
	u64 limit = clamped(g, max);
	u64 mean = g->answers ? div_u64(g->sum_ns, g->answers) : 0;
	u64 gradient = mean ? div64_u64(least_of(g) * (ONE + ONE / 2), mean) : ONE;

	gradient = clamp(gradient, ONE / 2, ONE);
	if (g->dropped)
		limit -= limit / 10;
	else if (!g->probing && g->busiest * 2 * ONE >= limit)
		limit = (limit + (limit * gradient >> ONE_SHIFT) +
			 (u64)int_sqrt(limit / ONE) * ONE) / 2;
	WRITE_ONCE(g->limit, clamp(limit, (u64)ONE, (u64)max * ONE));
	WRITE_ONCE(g->probing, false);
	g->dropped = false;
	begin_window(g);
}

/*
 * A probe takes longer: what was sent before it has to come back, then what was
 * sent while that did.
 */
static void count(struct vexipc_gradient *g, u32 max)
{
	u32 window = vexipc_gradient_limit(g, max);

	if (g->probing)
		window = window * 4 + clamped(g, max) / ONE;
	if (++g->count >= max_t(u32, window, LEAST_ANSWERS))
		end_window(g, max);
}

/**
 * vexipc_gradient_answer() - the service has answered
 * @g: of the service; locked
 * @max: what it or its instance allows, at most VEXIPC_MAX_REQUESTS
 * @in_flight: what it had, this one included
 * @now_ns: CLOCK_MONOTONIC
 * @service_ns: from sending to answer
 */
void vexipc_gradient_answer(struct vexipc_gradient *g, u32 max, u32 in_flight, u64 now_ns,
			    u64 service_ns)
{
	service_ns = clamp(service_ns, 1ull, 3600ull * NSEC_PER_SEC);
	roll(g, now_ns);
	if (!g->least_ns[0] || service_ns < g->least_ns[0])
		g->least_ns[0] = service_ns;
	g->sum_ns += service_ns;
	g->answers++;
	g->busiest = max(g->busiest, in_flight);
	count(g, max);
}

/**
 * vexipc_gradient_drop() - the service was overloaded, or did not answer in time
 * @g: of the service; locked
 * @max: as above
 *
 * However many do so, it counts once a window.
 */
void vexipc_gradient_drop(struct vexipc_gradient *g, u32 max)
{
	g->dropped = true;
	count(g, max);
}
