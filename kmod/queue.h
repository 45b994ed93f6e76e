/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_QUEUE_H
#define _VEXIPC_QUEUE_H

#include <linux/types.h>
#include <linux/vexipc.h>

#include "request.h"

struct list_head;
struct vexipc_carrier;
struct vexipc_instance;
struct vexipc_request;
struct vexipc_service;

int vexipc_queue_add(struct vexipc_service *svc, struct vexipc_request *req);
struct vexipc_request *vexipc_queue_next(struct vexipc_service *svc, u32 room,
					 u32 *need, u32 *attempt);
bool vexipc_queue_gather(struct vexipc_service *svc, struct vexipc_request *leader,
			 u32 attempt, struct vexipc_carrier *carrier);
bool vexipc_queue_ready(struct vexipc_service *svc, u32 *need);
void vexipc_queue_unsend(struct vexipc_service *svc, struct vexipc_request *req,
			 u32 attempt);
struct vexipc_service *vexipc_queue_leave(struct vexipc_request *req, int state,
					  enum vexipc_error error);
void vexipc_queue_credit(struct vexipc_service *svc);
void vexipc_queue_evict(struct vexipc_service *svc, bool sent, struct list_head *moved);
struct vexipc_request *vexipc_queue_give_up(struct vexipc_service *svc);
void vexipc_queue_release(struct vexipc_service *svc, struct list_head *moved);
bool vexipc_queue_shed(struct vexipc_service *svc, u32 band);
bool vexipc_queue_full_for(const struct vexipc_service *svc, const struct vexipc_request *req);
bool vexipc_queue_move_phase(struct vexipc_request *req, enum vexipc_phase from,
			     enum vexipc_phase to);
u64 vexipc_queue_ageing_ns(const struct vexipc_instance *inst);

#endif
