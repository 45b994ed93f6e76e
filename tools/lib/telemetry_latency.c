// SPDX-License-Identifier: LGPL-2.1-or-later
/* Histograms of latency: summed over CPUs, subtracted, read as percentiles. */
#include <errno.h>

#include "telemetry.h"

_Static_assert(VEXIPC_LATENCY_BUCKETS == VEXIPC_TM_BUCKETS, "the maps' buckets");

int vexipc_telemetry_latency(const struct vexipc_telemetry *t, uint32_t slot,
			     struct vexipc_latency *latency)
{
	uint32_t slots = t->control->slots, cpus = t->control->cpus;
	uint64_t handle;

	if (slot >= slots || slot >= VEXIPC_TM_SLOTS)
		return -ENOENT;
	handle = load(&t->services[slot].handle);
	if (!handle || handle == VEXIPC_TM_WIPED)
		return -ENOENT;
	memset(latency, 0, sizeof(*latency));
	latency->handle = handle;
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		const volatile struct vexipc_tm_latency *l = &t->latency[cpu * slots + slot];
		uint64_t of_cpu[VEXIPC_LATENCY_BUCKETS];

		if (load(&l->handle) != handle)
			continue;
		memcpy(of_cpu, (const void *)l->bucket, sizeof(of_cpu));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (load(&l->handle) != handle)
			continue;
		for (uint32_t i = 0; i < VEXIPC_LATENCY_BUCKETS; i++) {
			latency->bucket[i] += of_cpu[i];
			latency->total += of_cpu[i];
		}
	}
	return 0;
}

uint64_t vexipc_latency_percentile(const struct vexipc_latency *latency, uint32_t permille)
{
	uint64_t rank = latency->total / 1000 * permille +
			(latency->total % 1000 * permille + 999) / 1000;
	uint64_t seen = 0;

	if (!latency->total)
		return 0;
	if (!rank)
		rank = 1;
	for (uint32_t i = 0; i < VEXIPC_LATENCY_BUCKETS; i++) {
		seen += latency->bucket[i];
		if (seen >= rank)
			return vexipc_tm_bucket_ns(i);
	}
	return vexipc_tm_bucket_ns(VEXIPC_LATENCY_BUCKETS - 1);
}

void vexipc_latency_subtract(struct vexipc_latency *latency, const struct vexipc_latency *before)
{
	if (latency->handle != before->handle)
		return;
	for (uint32_t i = 0; i < VEXIPC_LATENCY_BUCKETS; i++) {
		uint64_t less = before->bucket[i];

		if (less > latency->bucket[i])
			less = latency->bucket[i];
		latency->bucket[i] -= less;
		latency->total -= less;
	}
}

void vexipc_latency_range(uint32_t bucket, uint64_t *low_ns, uint64_t *high_ns)
{
	uint32_t octave, shift = VEXIPC_TM_MIN_BITS - VEXIPC_TM_SUB_BITS;

	if (bucket >= VEXIPC_LATENCY_BUCKETS)
		bucket = VEXIPC_LATENCY_BUCKETS - 1;
	octave = bucket >> VEXIPC_TM_SUB_BITS;
	if (octave)
		shift += octave - 1;
	*low_ns = vexipc_tm_bucket_ns(bucket) - (1ull << shift) / 2;
	*high_ns = *low_ns + (1ull << shift) - 1;
}
