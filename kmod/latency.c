// SPDX-License-Identifier: GPL-2.0-only
/*
 * Latency as the algorithms see it. Both figures fade while nothing comes, or a
 * service that was slow once would never be asked again to show that it is not.
 */
#include <linux/limits.h>
#include <linux/minmax.h>

#include "latency.h"

/*
 * What a peak becomes when less came. Many small steps go as far as a large one: they are
 * worked out to the nanosecond, and one at least.
 */
static u64 eased(u64 peak_ns, u64 sample_ns, u64 age_ns)
{
	u64 above = peak_ns - sample_ns, lost;

	/* Below 2^41 times below 2^22. */
	lost = age_ns >> 22 ? vexipc_latency_lost(above, age_ns, VEXIPC_LATENCY_PEAK_HALF) :
	       above * age_ns >> (VEXIPC_LATENCY_PEAK_HALF + 1);
	return peak_ns - min(lost + 1, above);
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
	u64 ns = (u64)us * NSEC_PER_USEC, age_ns = now_ns > l->at_ns ? now_ns - l->at_ns : 0;

	average = average ? average + ((s32)us - (s32)average) / 8 : us;
	WRITE_ONCE(l->average_us, average);
	WRITE_ONCE(l->peak_ns, ns >= l->peak_ns ? ns : eased(l->peak_ns, ns, age_ns));
	WRITE_ONCE(l->at_ns, now_ns);
}
