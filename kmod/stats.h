/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_STATS_H
#define _VEXIPC_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>
#include <linux/vexipc.h>

/* Events of an instance that are only ever counted up. */
enum vexipc_counter {
	VEXIPC_COUNT_SUBMITTED,
	VEXIPC_COUNT_COMPLETED,
	VEXIPC_COUNT_FAILED,
	VEXIPC_COUNT_TIMED_OUT,
	VEXIPC_COUNT_CANCELLED,
	VEXIPC_COUNT_REFUSED,
	VEXIPC_COUNT_ORPHANS,
	VEXIPC_COUNT_BAD_ANSWERS,
	VEXIPC_COUNT_BAD_MESSAGES,
	VEXIPC_COUNT_RETRIES,
	VEXIPC_COUNT_FAILOVERS,
	VEXIPC_COUNT_EXPIRED,
	VEXIPC_COUNT_PROBES,
	VEXIPC_COUNT_PROBE_FAILURES,
	VEXIPC_COUNT_HEARTBEATS,
	VEXIPC_COUNT_ALERTS,
	VEXIPC_COUNT_SEND_RETRIES,
	VEXIPC_COUNT_BYTES_IN,
	VEXIPC_COUNT_BYTES_OUT,
	VEXIPC_COUNT_BATCHES,
	VEXIPC_COUNT_BATCH_ITEMS,
	VEXIPC_COUNT_REGISTERED,
	VEXIPC_COUNT_UNREGISTERED,
	VEXIPC_COUNT_SERVICES_DIED,
	VEXIPC_COUNT_CACHE_HITS,
	VEXIPC_COUNT_CACHE_MISSES,
	VEXIPC_COUNT_CACHE_INSERTIONS,
	VEXIPC_COUNT_CACHE_EVICTIONS,
	VEXIPC_COUNT_CACHE_EXPIRATIONS,
	VEXIPC_COUNT_CACHE_INVALIDATIONS,
	VEXIPC_COUNT_COALESCED,
	VEXIPC_COUNTERS
};

struct vexipc_counters {
	u64 event[VEXIPC_COUNTERS];
	u64 refused_by[VEXIPC_ERRORS];
	u64 failed_by[VEXIPC_ERRORS];
};

struct vexipc_instance;
struct vexipc_service;

#define vexipc_count_add(inst, counter, n) \
	this_cpu_add((inst)->stats->event[VEXIPC_COUNT_##counter], n)
#define vexipc_count(inst, counter) vexipc_count_add(inst, counter, 1)

void vexipc_stats_instance(struct vexipc_instance *inst, struct vexipc_stats *out);
void vexipc_stats_service(struct vexipc_service *svc, struct vexipc_stats *out);

#endif
