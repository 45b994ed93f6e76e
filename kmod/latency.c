// SPDX-License-Identifier: GPL-2.0-only
/*
 * Latency as the algorithms see it. Both figures fade while nothing comes, or a
 * service that was slow once would never be asked again to show that it is not.
 */
#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/time64.h>

#include "latency.h"

static const u64 peak_half_ns = NSEC_PER_SEC, average_half_ns = 10ull * NSEC_PER_SEC;

/* @value after @ns, when it halves each @half; linear between. */
static u32 faded(u32 value, u64 ns, u64 half)
{
	u64 left, halvings = div64_u64_rem(ns, half, &left);

	if (halvings >= 32)
		return 0;
	value >>= halvings;
	return value - (u32)div64_u64(value * (left >> 10), (half >> 10) * 2);
}

/**
 * vexipc_latency_add() - one more sample
 * @l: whose; the caller locks
 * @now_ns: CLOCK_MONOTONIC
 * @sample_ns: how long it took; of a failure, at least as long as it might have
 */
void vexipc_latency_add(struct vexipc_latency *l, u64 now_ns, u64 sample_ns)
{
	u32 us = clamp_t(u64, div_u64(sample_ns, NSEC_PER_USEC), 1, S32_MAX);
	u32 average = vexipc_latency_average(l, now_ns);
	u32 peak = l->peak_us;

	average = average ? average + ((s32)us - (s32)average) / 8 : us;
	peak = us >= peak ? us : us + faded(peak - us, now_ns - l->at_ns, peak_half_ns);
	WRITE_ONCE(l->average_us, average);
	WRITE_ONCE(l->peak_us, peak);
	WRITE_ONCE(l->at_ns, now_ns);
}

static u32 faded_since(u32 value, const struct vexipc_latency *l, u64 now_ns, u64 half)
{
	u64 at = READ_ONCE(l->at_ns);

	return now_ns > at ? faded(value, now_ns - at, half) : value;
}

/* vexipc_latency_average() - in us; 0: not known, or no longer. */
u32 vexipc_latency_average(const struct vexipc_latency *l, u64 now_ns)
{
	return faded_since(READ_ONCE(l->average_us), l, now_ns, average_half_ns);
}

/* vexipc_latency_peak() - in us; 0: not known, or no longer. */
u32 vexipc_latency_peak(const struct vexipc_latency *l, u64 now_ns)
{
	return faded_since(READ_ONCE(l->peak_us), l, now_ns, peak_half_ns);
}
