/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_HEALTH_H
#define _VEXIPC_HEALTH_H

#include <linux/types.h>
#include <linux/vexipc.h>

struct vexipc_instance;
struct vexipc_service;

void vexipc_health_init(struct vexipc_instance *inst);
void vexipc_health_reschedule(struct vexipc_instance *inst);
void vexipc_health_stop(struct vexipc_instance *inst);
void vexipc_health_sign(struct vexipc_service *svc);
void vexipc_health_heartbeat(struct vexipc_service *svc,
			     const struct vexipc_heartbeat_body *body);
u32 vexipc_health_reported_cpu(const struct vexipc_service *svc, u64 now_ns);
u32 vexipc_health_score(const struct vexipc_service *svc);

#endif
