// SPDX-License-Identifier: GPL-2.0-only
/* Token buckets, one atomic number each: no lock, no timer, exact. */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "bucket.h"

/**
 * vexipc_bucket_cost() - how long a bucket needs to give so much
 * @flow: its rate is not 0
 * @units: requests, or bytes; at most 2^32 - 1, so that it fits
 *
 * Return: ns, rounded up.
 */
u64 vexipc_bucket_cost(const struct vexipc_bucket_flow *flow, u32 units)
{
	return div_u64((u64)units * NSEC_PER_SEC + flow->rate - 1, flow->rate);
}

static u64 wait_from(u64 full_ns, u64 now_ns, u64 cost_ns, u64 burst_ns)
{
	/* What is more than the bucket holds goes when it is full, and pays. */
	u64 until = full_ns + cost_ns - max(burst_ns, cost_ns);

	return (s64)(until - now_ns) > 0 ? until - now_ns : 0;
}

static u64 later(u64 full_ns, u64 now_ns)
{
	return (s64)(full_ns - now_ns) > 0 ? full_ns : now_ns;
}

/**
 * vexipc_bucket_wait() - when could so much be taken?
 * @b: from which
 * @now_ns: CLOCK_MONOTONIC
 * @cost_ns: of vexipc_bucket_cost()
 * @burst_ns: what it holds
 *
 * Return: in so many ns; 0 now.
 */
u64 vexipc_bucket_wait(const struct vexipc_bucket *b, u64 now_ns, u64 cost_ns, u64 burst_ns)
{
	return wait_from(later(atomic64_read(&b->full_ns), now_ns), now_ns, cost_ns, burst_ns);
}

/**
 * vexipc_bucket_take() - take so much, or nothing
 * @b: from which
 * @now_ns: CLOCK_MONOTONIC
 * @cost_ns: of vexipc_bucket_cost()
 * @burst_ns: what it holds
 *
 * Return: 0 it was taken; else nothing was, and there will be enough in so many
 * ns, if nobody else takes it.
 */
u64 vexipc_bucket_take(struct vexipc_bucket *b, u64 now_ns, u64 cost_ns, u64 burst_ns)
{
	s64 old = atomic64_read(&b->full_ns);
	u64 from, wait;

	do {
		from = later(old, now_ns);
		wait = wait_from(from, now_ns, cost_ns, burst_ns);
		if (wait)
			return wait;
	} while (!atomic64_try_cmpxchg(&b->full_ns, &old, from + cost_ns));
	return 0;
}

/**
 * vexipc_bucket_charge() - take so much, whether it is there or not
 * @b: from which
 * @now_ns: CLOCK_MONOTONIC
 * @cost_ns: of vexipc_bucket_cost()
 */
void vexipc_bucket_charge(struct vexipc_bucket *b, u64 now_ns, u64 cost_ns)
{
	s64 old = atomic64_read(&b->full_ns);

	while (!atomic64_try_cmpxchg(&b->full_ns, &old, later(old, now_ns) + cost_ns))
		;
}

/**
 * vexipc_bucket_give() - give back what was taken a moment ago
 * @b: from which
 * @cost_ns: what was taken
 */
void vexipc_bucket_give(struct vexipc_bucket *b, u64 cost_ns)
{
	atomic64_sub(cost_ns, &b->full_ns);
}
