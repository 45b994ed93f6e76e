/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_GRADIENT_H
#define _VEXIPC_GRADIENT_H

#include <linux/types.h>

/**
 * struct vexipc_gradient - how many requests a service does well with at once
 * @limit:     in 1/256; 0: not begun
 * @least_ns:  the quickest answer of this period, 0 none, and of the one before
 * @period_ns: when this period began
 * @sum_ns:    of the answers of this window
 * @answers:   how many they are
 * @count:     they, and what it did not answer
 * @busiest:   the most that were in flight in this window
 * @dropped:   in this window it said that it was overloaded, or did not answer
 * @probing:   this window is to find out how quick it is with less
 *
 * Of one service, under its lock.
 */
struct vexipc_gradient {
	u32 limit;
	u32 answers, count, busiest;
	bool dropped, probing;
	u64 least_ns[2];
	u64 period_ns;
	u64 sum_ns;
};

void vexipc_gradient_answer(struct vexipc_gradient *g, u32 max, u32 in_flight, u64 now_ns,
			    u64 service_ns);
void vexipc_gradient_drop(struct vexipc_gradient *g, u32 max);
u32 vexipc_gradient_limit(const struct vexipc_gradient *g, u32 max);

#endif
