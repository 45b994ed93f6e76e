// SPDX-License-Identifier: GPL-2.0-only
/* Log-linear histograms of times. */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/math64.h>

#include "histogram.h"

enum { SUB = 1 << VEXIPC_HISTOGRAM_SUB_BITS };

/* Values below SUB have a bucket each; above, SUB buckets an octave. */
static u32 bucket_of(u32 value)
{
	u32 shift;

	if (value < SUB)
		return value;
	shift = fls(value) - 1 - VEXIPC_HISTOGRAM_SUB_BITS;
	return ((shift + 1) << VEXIPC_HISTOGRAM_SUB_BITS) + (value >> shift) - SUB;
}

static u32 middle_of(u32 bucket)
{
	u32 shift;

	if (bucket < 2 * SUB)
		return bucket;
	shift = (bucket >> VEXIPC_HISTOGRAM_SUB_BITS) - 1;
	return ((bucket % SUB + SUB) << shift) + (1u << shift) / 2;
}

void vexipc_histogram_add(struct vexipc_histogram *h, u32 value)
{
	h->bucket[min_t(u32, bucket_of(value), VEXIPC_HISTOGRAM_BUCKETS - 1)]++;
	h->total++;
}

/**
 * vexipc_histogram_percentile() - the value that so many do not exceed
 * @h: the histogram
 * @permille: how many, 1 to 1000
 *
 * Return: the middle of the bucket it is in; 0 of an empty histogram.
 */
u32 vexipc_histogram_percentile(const struct vexipc_histogram *h, u32 permille)
{
	u64 rank = div_u64(h->total * permille + 999, 1000), seen = 0;

	if (!h->total)
		return 0;
	for (u32 i = 0; i < VEXIPC_HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return middle_of(i);
	}
	return U32_MAX;
}
