/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_HISTOGRAM_H
#define _VEXIPC_HISTOGRAM_H

#include <linux/types.h>

/* Eight buckets an octave: a percentile is at most 1/16 off. Values are in us. */
enum {
	VEXIPC_HISTOGRAM_SUB_BITS = 3,
	VEXIPC_HISTOGRAM_BUCKETS  = 30 << VEXIPC_HISTOGRAM_SUB_BITS,
};

/* struct vexipc_histogram counts values; its user locks. */
struct vexipc_histogram {
	u64 total;
	u32 bucket[VEXIPC_HISTOGRAM_BUCKETS];
};

void vexipc_histogram_add(struct vexipc_histogram *h, u32 value);
u32 vexipc_histogram_percentile(const struct vexipc_histogram *h, u32 permille);

#endif
