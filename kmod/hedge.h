/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_HEDGE_H
#define _VEXIPC_HEDGE_H

#include <linux/compiler.h>
#include <linux/vexipc.h>

#include "instance.h"
#include "registry.h"

struct vexipc_answer;
struct vexipc_request;

void vexipc_hedge_init(struct vexipc_service *svc);
void vexipc_hedge_stop(struct vexipc_service *svc);
void vexipc_hedge_arm(struct vexipc_service *svc);
bool vexipc_hedge_rest(struct vexipc_request *req, bool failover);
void vexipc_hedge_end(struct vexipc_request *req);
bool vexipc_hedge_answered(struct vexipc_request *hedge, struct vexipc_service *svc, int sent,
			   enum vexipc_error error, struct vexipc_answer *answer);

/**
 * vexipc_hedge_watch() - a service was sent a request, which may become late
 * @svc: which; locked
 */
static inline void vexipc_hedge_watch(struct vexipc_service *svc)
{
	if (unlikely(vexipc_config(svc->inst, VEXIPC_CONFIG_HEDGE_PERCENTILE)))
		vexipc_hedge_arm(svc);
}

#endif
