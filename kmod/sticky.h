/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_STICKY_H
#define _VEXIPC_STICKY_H

#include <linux/rhashtable-types.h>
#include <linux/types.h>

struct vexipc_instance;
struct vexipc_request;

enum { VEXIPC_MAX_SESSIONS = 65536 };

/**
 * struct vexipc_sticky - where the sessions of an instance are
 * @table: by session, user and what is asked for
 * @count: in @table
 * @swept: when those that were over were last looked for, jiffies
 */
struct vexipc_sticky {
	struct rhashtable table;
	atomic_t count;
	unsigned long swept;
};

int vexipc_sticky_init(struct vexipc_sticky *sticky);
void vexipc_sticky_exit(struct vexipc_sticky *sticky);
u64 vexipc_sticky_find(struct vexipc_instance *inst, const struct vexipc_request *req);
void vexipc_sticky_put(struct vexipc_instance *inst, const struct vexipc_request *req,
		       u64 before, u64 handle);
void vexipc_sticky_sweep(struct vexipc_instance *inst);

#endif
