/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_AVAILABILITY_H
#define _VEXIPC_AVAILABILITY_H

#include <linux/types.h>

enum {
	VEXIPC_AVAILABILITY_MINUTE,
	VEXIPC_AVAILABILITY_HOUR,
	VEXIPC_AVAILABILITY_DAY,
	VEXIPC_AVAILABILITY_SPANS,
	VEXIPC_AVAILABILITY_PARTS = 60,
};

/**
 * struct vexipc_availability - when something was available, lately
 * @since_ns: when it began to be watched
 * @seen_ns:  up to when the parts below are right
 * @up:	      available since @seen_ns
 * @up_ns:    for each span, a ring of 60 parts: how long it was up in each
 *
 * Brought up to date when it changes and when it is read; its user locks.
 */
struct vexipc_availability {
	u64 since_ns;
	u64 seen_ns;
	bool up;
	u64 up_ns[VEXIPC_AVAILABILITY_SPANS][VEXIPC_AVAILABILITY_PARTS];
};

void vexipc_availability_init(struct vexipc_availability *a, u64 now_ns);
void vexipc_availability_set(struct vexipc_availability *a, u64 now_ns, bool up);
u32 vexipc_availability_share(struct vexipc_availability *a, u64 now_ns, int span);

#endif
