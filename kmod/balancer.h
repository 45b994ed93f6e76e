/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_BALANCER_H
#define _VEXIPC_BALANCER_H

#include <linux/types.h>

struct vexipc_request;
struct vexipc_service;

struct vexipc_service *vexipc_balancer_pick(struct vexipc_request *req,
					    bool tried_too, int *why);

#endif
