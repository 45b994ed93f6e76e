/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_MESSAGE_H
#define _VEXIPC_MESSAGE_H

#include <linux/types.h>

struct vexipc_context;
struct vexipc_endpoint;
struct vexipc_service;

int vexipc_message_receive(struct vexipc_context *ctx, struct vexipc_endpoint *ep,
			   void **message, u32 len);
u32 vexipc_heartbeat_ms(const struct vexipc_service *svc);

#endif
