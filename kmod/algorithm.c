// SPDX-License-Identifier: GPL-2.0-only
/*
 * The algorithms: which of the services that a request may go to gets it.
 *
 * Of those that come out the same the first is taken. The candidates begin with
 * another one each time, so these take turns.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/nospec.h>
#include <linux/random.h>
#include <linux/vexipc.h>

#include "algorithm.h"
#include "health.h"
#include "instance.h"
#include "pick.h"
#include "registry.h"

enum { ALL_OF_IT = 1000, LEAST_SHARE = 50, MOST_CPU = 10000 };

/* Index of the candidate for which @cost is least. */
static __always_inline u32 least(const struct vexipc_pick *pick,
				 u64 (*cost)(const struct vexipc_service *svc, u64 now_ns),
				 u64 now_ns)
{
	u64 lowest = U64_MAX;
	u32 best = 0;

	for (u32 i = 0; i < pick->count; i++) {
		u64 this = cost(pick->service[i], now_ns);

		if (this < lowest) {
			lowest = this;
			best = i;
		}
	}
	return best;
}

static __always_inline u64 connections(const struct vexipc_service *svc, u64 now_ns)
{
	return vexipc_service_in_hand(svc);
}

static u32 least_connections(const struct vexipc_pick *pick)
{
	return least(pick, connections, 0);
}

/*
 * What has never answered may be fast, and is tried; but only once, until it
 * answers, or all would go there meanwhile.
 */
static u64 known_or(const struct vexipc_service *svc, u32 us)
{
	if (us)
		return us;
	if (svc->spec.latency_us)
		return svc->spec.latency_us;
	return vexipc_service_in_hand(svc) ? U32_MAX : 1;
}

static __always_inline u64 response_time(const struct vexipc_service *svc, u64 now_ns)
{
	u64 us = known_or(svc, vexipc_latency_average(&svc->latency, now_ns));

	return us << 20 | min(vexipc_service_in_hand(svc), (1u << 20) - 1);
}

static u32 least_response_time(const struct vexipc_pick *pick)
{
	return least(pick, response_time, ktime_get_ns());
}

/* In 1/1000: how much of its share a service gets that came, or came back, just now. */
static u32 slow_start_share(const struct vexipc_service *svc, u64 now_ns)
{
	u64 whole = NSEC_PER_SEC *
		(u64)vexipc_config(svc->inst, VEXIPC_CONFIG_SLOW_START_SEC);
	u64 since = READ_ONCE(svc->fresh_ns), age = now_ns > since ? now_ns - since : 0;

	if (age >= whole)
		return ALL_OF_IT;
	return max_t(u64, div64_u64(age * ALL_OF_IT, whole), LEAST_SHARE);
}

/* What it would take to be served here, as far as the module and the service know. */
static __always_inline u64 load(const struct vexipc_service *svc, u64 now_ns)
{
	u64 us = min_t(u64, known_or(svc, vexipc_latency_average(&svc->latency, now_ns)),
		       1 << 26);
	u64 scale = (u64)(1000 + min(vexipc_health_reported_cpu(svc, now_ns), MOST_CPU)) *
		    ALL_OF_IT / slow_start_share(svc, now_ns);

	return div_u64(us * (vexipc_service_in_hand(svc) + 1) * scale, svc->spec.weight);
}

static u32 load_based(const struct vexipc_pick *pick)
{
	return least(pick, load, ktime_get_ns());
}

/* The least that still can do it: what it could do besides is kept for others. */
static __always_inline u64 excess(const struct vexipc_service *svc, u64 now_ns)
{
	u32 held = vexipc_service_in_hand(svc);
	u64 full = held >= vexipc_service_limit(svc);

	return full << 63 | (u64)svc->breadth << 32 | (u64)svc->spec.max_batch << 20 |
	       min(held, (1u << 20) - 1);
}

static u32 tightest_fit(const struct vexipc_pick *pick)
{
	return least(pick, excess, 0);
}

/* Smooth: each gains its weight, the one ahead is chosen and gives up the sum. */
static u32 weighted_round_robin(const struct vexipc_pick *pick)
{
	int sum = 0, most = INT_MIN;
	u32 best = 0;

	for (u32 i = 0; i < pick->count; i++) {
		struct vexipc_service *svc = pick->service[i];
		int now = atomic_add_return(svc->spec.weight, &svc->turn_weight);

		sum += svc->spec.weight;
		if (now > most) {
			most = now;
			best = i;
		}
	}
	atomic_sub(sum, &pick->service[best]->turn_weight);
	return best;
}

static u64 peak_cost(const struct vexipc_service *svc, u64 now_ns)
{
	return known_or(svc, vexipc_latency_peak(&svc->latency, now_ns)) *
	       (vexipc_service_in_hand(svc) + 1);
}

/* The better of two at random: no herd runs to the one that looks best. */
static u32 peak_ewma(const struct vexipc_pick *pick)
{
	u64 random = get_random_u64(), now = ktime_get_ns();
	u32 one = (random & U32_MAX) * pick->count >> 32;
	u32 two = (random >> 32) * (pick->count - 1) >> 32;

	two += two >= one;
	return peak_cost(pick->service[one], now) <= peak_cost(pick->service[two], now) ?
	       one : two;
}

static const struct vexipc_algorithm_ops algorithms[VEXIPC_ALGORITHMS] = {
	[VEXIPC_ALGORITHM_ROUND_ROBIN] = { VEXIPC_GATHER_TURN, NULL },
	[VEXIPC_ALGORITHM_LEAST_CONNECTIONS] = { VEXIPC_GATHER_ALL, least_connections },
	[VEXIPC_ALGORITHM_LEAST_RESPONSE_TIME] = { VEXIPC_GATHER_ALL, least_response_time },
	[VEXIPC_ALGORITHM_LOAD_BASED] = { VEXIPC_GATHER_ALL, load_based },
	[VEXIPC_ALGORITHM_PRIORITY] = { VEXIPC_GATHER_TIER, least_connections },
	[VEXIPC_ALGORITHM_CAPABILITY] = { VEXIPC_GATHER_ALL, tightest_fit },
	[VEXIPC_ALGORITHM_WEIGHTED_ROUND_ROBIN] = { VEXIPC_GATHER_ALL, weighted_round_robin },
	[VEXIPC_ALGORITHM_PEAK_EWMA] = { VEXIPC_GATHER_ALL, peak_ewma },
	[VEXIPC_ALGORITHM_CONSISTENT_HASH] = { VEXIPC_GATHER_RING, NULL },
};

/**
 * vexipc_algorithm() - how it is done
 * @algorithm: checked, not VEXIPC_ALGORITHM_DEFAULT
 */
const struct vexipc_algorithm_ops *vexipc_algorithm(u32 algorithm)
{
	return &algorithms[array_index_nospec(algorithm, VEXIPC_ALGORITHMS)];
}
