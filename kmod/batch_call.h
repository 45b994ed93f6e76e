/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_BATCH_CALL_H
#define _VEXIPC_BATCH_CALL_H

struct vexipc_context;
struct vexipc_embed_batch;
struct vexipc_endpoint;

int vexipc_batch_call(struct vexipc_context *ctx, struct vexipc_endpoint *ep,
		      struct vexipc_embed_batch *arg);

#endif
