/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_EMBED_CALL_H
#define _VEXIPC_EMBED_CALL_H

#include <linux/types.h>
#include <linux/vexipc.h>

struct vexipc_context;
struct vexipc_endpoint;
struct vexipc_request;

/**
 * struct vexipc_embed_call - a struct vexipc_embed on its way in and out
 * @arg:       a copy of the caller's; what a field says is what was checked
 * @user:      where that lies
 * @size:      of it, as the caller knows it
 * @text_room: for the error's text
 */
struct vexipc_embed_call {
	struct vexipc_embed arg;
	void __user *user;
	size_t size;
	u32 text_room;
};

struct vexipc_request *vexipc_embed_begin(struct vexipc_embed_call *call,
					  struct vexipc_context *ctx,
					  struct vexipc_endpoint *ep);
int vexipc_embed_refused(struct vexipc_embed_call *call, const struct vexipc_request *req,
			 int err);
int vexipc_embed_accepted(struct vexipc_embed_call *call, const struct vexipc_request *req);
int vexipc_cancel_call(struct vexipc_endpoint *ep, const void __user *user, size_t size);
int vexipc_embed_finish(struct vexipc_embed_call *call, const struct vexipc_request *req);

#endif
