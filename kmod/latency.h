/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_LATENCY_H
#define _VEXIPC_LATENCY_H

#include <linux/types.h>

/**
 * struct vexipc_latency - how long a service takes, lately
 * @at_ns:	the last sample
 * @average_us: an eighth of the way to each sample
 * @peak_us:	a sample above it replaces it at once; it comes down by half a second
 *
 * Written under the service's lock, read without.
 */
struct vexipc_latency {
	u64 at_ns;
	u32 average_us;
	u32 peak_us;
};

void vexipc_latency_add(struct vexipc_latency *l, u64 now_ns, u64 sample_ns);
u32 vexipc_latency_average(const struct vexipc_latency *l, u64 now_ns);
u32 vexipc_latency_peak(const struct vexipc_latency *l, u64 now_ns);

#endif
