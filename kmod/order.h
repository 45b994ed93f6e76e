/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_ORDER_H
#define _VEXIPC_ORDER_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/vexipc.h>

struct vexipc_request;

/* The bands of priorities, lowest first; as telemetry's index them. */
enum vexipc_band {
	VEXIPC_BAND_LOW,
	VEXIPC_BAND_NORMAL,
	VEXIPC_BAND_HIGH,
	VEXIPC_BAND_CRITICAL,
	VEXIPC_BANDS
};

enum {
	VEXIPC_FLOWS		= 16,	/* users of a band that are kept apart */
	VEXIPC_FLOW_FRONT	= 0xff,	/* not in a band: in front of them all */
};

/**
 * struct vexipc_flow - what one user has in a band
 * @by_deadline: its requests
 * @turn:	 among those of the band that have requests: first those that had
 *		 none and were not served since, then by when they were served
 * @user:	 whose, or was last; when all flows are in use users share
 * @round:	 the band's when it was last empty
 * @deficit:	 what it may still have of this round; it has its next one only
 *		 when this is above 0
 * @served:	 since it was empty
 */
struct vexipc_flow {
	struct rb_root_cached by_deadline;
	struct list_head turn;
	kuid_t user;
	u32 round;
	s32 deficit;
	bool served;
};

/**
 * struct vexipc_order_band - the requests of a band
 * @by_age: all, in the order in which they came into the band
 * @turns:  the flows that have any
 * @count:  how many
 * @round:  counts how often every flow got its share
 * @flow:   by user; the last one is of those that have risen to be critical
 */
struct vexipc_order_band {
	struct list_head by_age;
	struct list_head turns;
	u32 count;
	u32 round;
	struct vexipc_flow flow[VEXIPC_FLOWS + 1];
};

/**
 * struct vexipc_order - requests in the order in which they will be sent
 * @front: before all others: probes, and what could not be sent
 * @count: how many, @front included; may be read without the lock
 * @band:  strictly from the highest to the lowest
 */
struct vexipc_order {
	struct list_head front;
	u32 count;
	struct vexipc_order_band band[VEXIPC_BANDS];
};

static inline enum vexipc_band vexipc_band_of(u8 priority)
{
	return priority >= VEXIPC_PRIORITY_CRITICAL ? VEXIPC_BAND_CRITICAL :
	       priority >= VEXIPC_PRIORITY_HIGH ? VEXIPC_BAND_HIGH :
	       priority >= VEXIPC_PRIORITY_NORMAL ? VEXIPC_BAND_NORMAL : VEXIPC_BAND_LOW;
}

void vexipc_order_init(struct vexipc_order *order);
void vexipc_order_add(struct vexipc_order *order, struct vexipc_request *req, u64 now_ns,
		      u64 ageing_ns);
void vexipc_order_add_front(struct vexipc_order *order, struct vexipc_request *req);
void vexipc_order_remove(struct vexipc_order *order, struct vexipc_request *req);
void vexipc_order_charge(struct vexipc_order *order, const struct vexipc_request *req);
struct vexipc_request *vexipc_order_first(struct vexipc_order *order, u64 now_ns,
					  u64 ageing_ns);
struct vexipc_request *vexipc_order_oldest(struct vexipc_order *order, u32 band);
struct vexipc_request *vexipc_order_newest(struct vexipc_order *order, u32 band);

#endif
