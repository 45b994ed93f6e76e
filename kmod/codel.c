// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delay control after CoDel (RFC 8289): a queue that never empties below a wait of
 * target within an interval is a standing one, that only adds delay. Then requests
 * are dropped, at first one an interval, then more and more often, by the square
 * root of how many have been, until the wait is short again.
 */
#include <linux/math.h>
#include <linux/math64.h>

#include "codel.h"

/* Between drops, after @count of them. */
static u64 gap(u64 interval_ns, u32 count)
{
	/* The root with four more binary digits. */
	return div_u64(interval_ns << 4, int_sqrt64((u64)count << 8));
}

/**
 * vexipc_codel_drops() - is one to be dropped now?
 * @codel: of the queue
 * @waited_ns: how long the oldest has waited; 0: nothing waits
 * @now_ns: CLOCK_MONOTONIC
 * @target_ns: a wait that is not too long
 * @interval_ns: for how long it may be longer
 *
 * Asked again after each drop, and whenever one is taken off the queue.
 */
bool vexipc_codel_drops(struct vexipc_codel *codel, u64 waited_ns, u64 now_ns, u64 target_ns,
			u64 interval_ns)
{
	if (waited_ns < target_ns) {
		codel->first_ns = 0;
		codel->dropping = false;
		return false;
	}
	if (!codel->first_ns) {
		codel->first_ns = now_ns + interval_ns;
		return false;
	}
	if (!codel->dropping) {
		if (now_ns < codel->first_ns)
			return false;
		codel->dropping = true;
		/* It stood a moment ago: about as fast as it was then. */
		codel->count = codel->count > 2 && now_ns - codel->next_ns < 8 * interval_ns ?
			       codel->count - 2 : 1;
		codel->next_ns = now_ns + gap(interval_ns, codel->count);
		return true;
	}
	if (now_ns < codel->next_ns)
		return false;
	codel->count++;
	codel->next_ns += gap(interval_ns, codel->count);
	return true;
}
