/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_OVERFLOW_H
#define _VEXIPC_OVERFLOW_H

#include <linux/compiler.h>
#include <linux/spinlock.h>

#include "order.h"

struct vexipc_instance;
struct vexipc_request;
struct vexipc_service;

/**
 * struct vexipc_overflow - what found its service's queue full
 * @lock:  guards @order; taken with none but an endpoint's held, and nothing is
 *	   taken under it
 * @order: requests in state QUEUED that have no service
 */
struct vexipc_overflow {
	spinlock_t lock;	/* order */
	struct vexipc_order order;
};

void vexipc_overflow_init(struct vexipc_overflow *of);
int vexipc_overflow_add(struct vexipc_request *req);
void vexipc_overflow_leave(struct vexipc_request *req);
void vexipc_overflow_refill(struct vexipc_service *svc);
void vexipc_overflow_rehome(struct vexipc_instance *inst);
bool vexipc_overflow_shed(struct vexipc_instance *inst, u32 band);

/* vexipc_overflow_waits() - is there anything? No lock needed. */
static inline bool vexipc_overflow_waits(const struct vexipc_overflow *of)
{
	return unlikely(READ_ONCE(of->order.count));
}

#endif
