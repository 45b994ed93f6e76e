/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_BUCKET_H
#define _VEXIPC_BUCKET_H

#include <linux/atomic.h>
#include <linux/types.h>

/**
 * struct vexipc_bucket - a token bucket
 * @full_ns: when it is full again, CLOCK_MONOTONIC; past: it is full
 *
 * The bucket is kept as the time at which it will be full (virtual scheduling,
 * as ATM's GCRA): what is taken puts that off by as long as the rate needs to
 * give it back, and the burst is how far off it may be. So one number is enough,
 * nothing has to be filled, and a change of rate or burst counts at once.
 */
struct vexipc_bucket {
	atomic64_t full_ns;
};

/**
 * struct vexipc_bucket_flow - how fast a bucket fills, and how much it holds
 * @rate:  units a second; 0: no limit
 * @burst_ns: the time in which the rate fills it
 */
struct vexipc_bucket_flow {
	u32 rate;
	u64 burst_ns;
};

u64 vexipc_bucket_cost(const struct vexipc_bucket_flow *flow, u32 units);
u64 vexipc_bucket_wait(const struct vexipc_bucket *b, u64 now_ns, u64 cost_ns,
		       u64 burst_ns);
u64 vexipc_bucket_take(struct vexipc_bucket *b, u64 now_ns, u64 cost_ns, u64 burst_ns);
void vexipc_bucket_charge(struct vexipc_bucket *b, u64 now_ns, u64 cost_ns);
void vexipc_bucket_give(struct vexipc_bucket *b, u64 cost_ns);

static inline bool vexipc_bucket_full(const struct vexipc_bucket *b, u64 now_ns)
{
	return (s64)(atomic64_read(&b->full_ns) - now_ns) <= 0;
}

#endif
