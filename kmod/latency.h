/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_LATENCY_H
#define _VEXIPC_LATENCY_H

#include <linux/compiler.h>
#include <linux/math64.h>
#include <linux/time64.h>
#include <linux/types.h>

/* In which figures halve while nothing comes: so many bits of ns, without a division. */
enum {
	VEXIPC_LATENCY_PEAK_HALF	= 30,	/* 1.07 s */
	VEXIPC_LATENCY_AVERAGE_HALF	= 33,	/* 8.6 s */
};

/**
 * struct vexipc_latency - how long a service takes, lately
 * @at_ns:	the last sample
 * @peak_ns:	a sample above it replaces it at once; it comes down by half in a second
 * @average_us: an eighth of the way to each sample
 *
 * Written under the service's lock, read without.
 */
struct vexipc_latency {
	u64 at_ns;
	u64 peak_ns;
	u32 average_us;
};

void vexipc_latency_add(struct vexipc_latency *l, u64 now_ns, u64 sample_ns);

/**
 * vexipc_latency_lost() - how much of a figure is gone
 * @value: as it was; below 2^42
 * @age_ns: how long ago
 * @half: it halves each 2^half ns; in between it falls in a straight line
 */
static inline u64 vexipc_latency_lost(u64 value, u64 age_ns, u32 half)
{
	u64 halvings = age_ns >> half, left = (age_ns & ((1ull << half) - 1)) >> 13;
	u64 whole = halvings < 64 ? value >> halvings : 0;

	return value - whole + (whole * left >> (half - 12));
}

static inline u64 vexipc_latency_now(const struct vexipc_latency *l, u64 value, u64 now_ns,
				     u32 half)
{
	u64 at = READ_ONCE(l->at_ns), age_ns = now_ns > at ? now_ns - at : 0;

	/* Less than a percent is nothing. */
	return likely(!(age_ns >> (half - 6))) || !value ? value :
	       value - vexipc_latency_lost(value, age_ns, half);
}

/* vexipc_latency_average() - in us; 0: not known, or no longer. */
static inline u32 vexipc_latency_average(const struct vexipc_latency *l, u64 now_ns)
{
	return vexipc_latency_now(l, READ_ONCE(l->average_us), now_ns,
				  VEXIPC_LATENCY_AVERAGE_HALF);
}

/* vexipc_latency_peak() - in us; 0: not known, or no longer. */
static inline u32 vexipc_latency_peak(const struct vexipc_latency *l, u64 now_ns)
{
	u64 ns = vexipc_latency_now(l, READ_ONCE(l->peak_ns), now_ns, VEXIPC_LATENCY_PEAK_HALF);

	return div_u64(ns + NSEC_PER_USEC - 1, NSEC_PER_USEC);
}

#endif
