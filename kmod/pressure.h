/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_PRESSURE_H
#define _VEXIPC_PRESSURE_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/wait.h>

struct vexipc_instance;
struct vexipc_request;
struct vexipc_service;

enum { VEXIPC_PRESSURE_USERS = 64 };

/**
 * struct vexipc_pressure - who waits for room in the queues of an instance
 * @flags:    what is to be done when there is room; 0 is the usual case
 * @room:     clients that wait for a place, exclusively: one place wakes one
 * @writable: those who poll, and were told to come back
 * @users:    how many places each has; by a hash, so that some may share
 */
struct vexipc_pressure {
	unsigned long flags;
	wait_queue_head_t room;
	wait_queue_head_t writable;
	atomic_t users[VEXIPC_PRESSURE_USERS];
};

void vexipc_pressure_init(struct vexipc_pressure *p);
int vexipc_pressure_admit(struct vexipc_request *req);
void vexipc_pressure_retry_after(struct vexipc_request *req, int err);
bool vexipc_pressure_take(struct vexipc_request *req);
void vexipc_pressure_give(struct vexipc_request *req);
bool vexipc_pressure_make_room(struct vexipc_request *req);
int vexipc_pressure_wait(struct vexipc_request *req);
bool vexipc_pressure_writable(struct vexipc_instance *inst);
void vexipc_pressure_relieve(struct vexipc_instance *inst);

/**
 * vexipc_pressure_eased() - places may have been given back: tell who waits
 * @p: of the instance
 * @inst: whose
 *
 * Called by all who gave one, when they have let go of the lock.
 */
static inline void vexipc_pressure_eased(const struct vexipc_pressure *p,
					 struct vexipc_instance *inst)
{
	if (unlikely(READ_ONCE(p->flags)))
		vexipc_pressure_relieve(inst);
}

#endif
