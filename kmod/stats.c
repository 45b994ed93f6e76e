// SPDX-License-Identifier: GPL-2.0-only
/* What is counted, summed up for those who ask. */
#include <linux/cpumask.h>

#include "cache.h"
#include "instance.h"
#include "registry.h"
#include "stats.h"

static u64 sum(struct vexipc_instance *inst, size_t offset)
{
	u64 total = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		total += READ_ONCE(*(u64 *)((char *)per_cpu_ptr(inst->stats, cpu) + offset));
	return total;
}

#define EVENT(inst, counter) \
	sum(inst, offsetof(struct vexipc_counters, event[VEXIPC_COUNT_##counter]))

static u64 in_flight(struct vexipc_instance *inst)
{
	struct vexipc_capable *set;
	u64 total = 0;

	rcu_read_lock();
	set = rcu_dereference(inst->services)->all;
	for (u32 i = 0; i < set->count; i++) {
		struct vexipc_service *svc = rcu_dereference(set->service[i]);

		if (svc)
			total += READ_ONCE(svc->in_flight);
	}
	rcu_read_unlock();
	/* Hedges are nobody's requests. */
	return total - min_t(u64, max(atomic_read(&inst->hedging), 0), total);
}

static void add_order(struct vexipc_stats *out, const struct vexipc_order *order)
{
	out->queued_low += READ_ONCE(order->band[VEXIPC_BAND_LOW].count);
	out->queued_normal += READ_ONCE(order->band[VEXIPC_BAND_NORMAL].count);
	out->queued_high += READ_ONCE(order->band[VEXIPC_BAND_HIGH].count);
	out->queued_critical += READ_ONCE(order->band[VEXIPC_BAND_CRITICAL].count);
}

static void count_queues(struct vexipc_instance *inst, struct vexipc_stats *out)
{
	struct vexipc_capable *set;

	out->queued_low = 0;
	out->queued_normal = 0;
	out->queued_high = 0;
	out->queued_critical = 0;
	rcu_read_lock();
	set = rcu_dereference(inst->services)->all;
	for (u32 i = 0; i < set->count; i++) {
		struct vexipc_service *svc = rcu_dereference(set->service[i]);

		if (svc)
			add_order(out, &svc->queue);
	}
	rcu_read_unlock();
	add_order(out, &inst->overflow.order);
	out->overflow = READ_ONCE(inst->overflow.order.count);
}

static void cache_figures(struct vexipc_instance *inst, struct vexipc_stats *out)
{
	const struct vexipc_cache *cache = READ_ONCE(inst->cache);

	out->cache_hits = EVENT(inst, CACHE_HITS);
	out->cache_misses = EVENT(inst, CACHE_MISSES);
	out->cache_insertions = EVENT(inst, CACHE_INSERTIONS);
	out->cache_evictions = EVENT(inst, CACHE_EVICTIONS);
	out->cache_expirations = EVENT(inst, CACHE_EXPIRATIONS);
	out->cache_invalidations = EVENT(inst, CACHE_INVALIDATIONS);
	out->coalesced = EVENT(inst, COALESCED);
	if (cache) {
		out->cache_entries = READ_ONCE(cache->entries);
		out->cache_bytes = READ_ONCE(cache->bytes);
	}
}

/**
 * vexipc_stats_instance() - the figures of an instance
 * @inst: whose
 * @out: the out fields are filled
 *
 * At rest they conserve: see struct vexipc_stats. In flight is counted at the
 * services; queued is what is live and not in flight: in a queue, or backing
 * off before the next attempt.
 */
void vexipc_stats_instance(struct vexipc_instance *inst, struct vexipc_stats *out)
{
	u64 live = max(atomic_read(&inst->live), 0);

	out->submitted = EVENT(inst, SUBMITTED);
	out->completed = EVENT(inst, COMPLETED);
	out->failed = EVENT(inst, FAILED);
	out->timed_out = EVENT(inst, TIMED_OUT);
	out->cancelled = EVENT(inst, CANCELLED);
	out->refused = EVENT(inst, REFUSED);
	out->in_flight = min(in_flight(inst), live);
	out->queued = live - out->in_flight;
	out->orphans = EVENT(inst, ORPHANS);
	out->bad_answers = EVENT(inst, BAD_ANSWERS);
	out->bad_messages = EVENT(inst, BAD_MESSAGES);
	out->retries = EVENT(inst, RETRIES);
	out->failovers = EVENT(inst, FAILOVERS);
	out->expired = EVENT(inst, EXPIRED);
	out->probes = EVENT(inst, PROBES);
	out->probe_failures = EVENT(inst, PROBE_FAILURES);
	out->heartbeats = EVENT(inst, HEARTBEATS);
	out->alerts = EVENT(inst, ALERTS);
	out->send_retries = EVENT(inst, SEND_RETRIES);
	out->bytes_in = EVENT(inst, BYTES_IN);
	out->bytes_out = EVENT(inst, BYTES_OUT);
	out->batches = EVENT(inst, BATCHES);
	out->batch_items = EVENT(inst, BATCH_ITEMS);
	out->queued_max = atomic_read(&inst->queued_max);
	out->max_queue_size = vexipc_config(inst, VEXIPC_CONFIG_MAX_QUEUE_SIZE);
	out->max_concurrent_requests =
		vexipc_config(inst, VEXIPC_CONFIG_MAX_CONCURRENT_REQUESTS);
	out->services = vexipc_registry_count(inst);
	/* One of them is the module's own, for probes. */
	out->clients = max(atomic_read(&inst->endpoints) - 1, 0);
	out->registered = EVENT(inst, REGISTERED);
	out->unregistered = EVENT(inst, UNREGISTERED);
	out->services_died = EVENT(inst, SERVICES_DIED);
	out->overflowed = EVENT(inst, OVERFLOWED);
	count_queues(inst, out);
	out->carriers = EVENT(inst, CARRIERS);
	out->carried = EVENT(inst, CARRIED);
	out->limited_session = EVENT(inst, LIMITED_SESSION);
	out->limited_user = EVENT(inst, LIMITED_USER);
	out->limited_instance = EVENT(inst, LIMITED_INSTANCE);
	out->limited_module = EVENT(inst, LIMITED_MODULE);
	out->limited_service = EVENT(inst, LIMITED_SERVICE);
	out->held_bytes = max(atomic_long_read(&inst->admission.bytes), 0L);
	out->denied_privilege = EVENT(inst, DENIED_PRIVILEGE);
	out->denied_token = EVENT(inst, DENIED_TOKEN);
	out->denied_rule = EVENT(inst, DENIED_RULE);
	out->denied_priority = EVENT(inst, DENIED_PRIORITY);
	cache_figures(inst, out);
	out->hedges = EVENT(inst, HEDGES);
	out->hedges_won = EVENT(inst, HEDGES_WON);
	for (u32 i = 0; i < VEXIPC_ERRORS; i++) {
		out->refused_by[i] = sum(inst, offsetof(struct vexipc_counters, refused_by[i]));
		out->failed_by[i] = sum(inst, offsetof(struct vexipc_counters, failed_by[i]));
	}
}

/**
 * vexipc_stats_service() - the figures of one service
 * @svc: whose
 * @out: the out fields are filled; those of the instance alone are 0
 *
 * Submitted counts attempts: sent to it, or queued for it now.
 */
void vexipc_stats_service(struct vexipc_service *svc, struct vexipc_stats *out)
{
	spin_lock_bh(&svc->lock);
	out->submitted = svc->requests + svc->queued;
	out->completed = svc->completed;
	out->timed_out = svc->timed_out;
	out->cancelled = svc->cancelled;
	out->queued = svc->queued;
	out->in_flight = svc->in_flight;
	/* The rest of what it was sent: failed, overloaded, moved elsewhere. */
	out->failed = svc->requests - svc->completed - svc->timed_out -
		      svc->cancelled - svc->in_flight;
	out->orphans = svc->orphans;
	out->bad_answers = svc->bad_answers;
	out->hedges = svc->hedges;
	out->hedges_won = svc->hedges_won;
	out->heartbeats = svc->heartbeats;
	out->bytes_in = svc->bytes_in;
	out->bytes_out = svc->bytes_out;
	add_order(out, &svc->queue);
	out->queue_ns = vexipc_service_queue_ns(svc);
	spin_unlock_bh(&svc->lock);
	out->services = 1;
	out->max_concurrent_requests = vexipc_service_limit(svc);
}
