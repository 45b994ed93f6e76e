/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_ACCESS_H
#define _VEXIPC_ACCESS_H

#include <linux/types.h>
#include <linux/vexipc.h>

struct vexipc_context;

bool vexipc_access_admin(const struct vexipc_context *ctx);
int vexipc_access_embed(const struct vexipc_context *ctx, const char *model, u32 model_len,
			u32 priority);
int vexipc_access_ping(const struct vexipc_context *ctx);
int vexipc_access_open(const struct vexipc_context *ctx);
int vexipc_access_look(const struct vexipc_context *ctx);
int vexipc_access_deny(const struct vexipc_context *ctx, enum vexipc_operation operation,
		       enum vexipc_denial reason);
const char *vexipc_access_text(int err);

int vexipc_access_tokens(const struct vexipc_context *ctx, struct vexipc_tokens *arg);
int vexipc_access_rules(const struct vexipc_context *ctx, struct vexipc_rules *arg);

#endif
