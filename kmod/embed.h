/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_EMBED_H
#define _VEXIPC_EMBED_H

#include <linux/types.h>

struct vexipc_context;
struct vexipc_endpoint;
struct vexipc_request;

/*
 * struct vexipc_question - an embedding request as any entry point has it
 * @mem:     owns what @model and @content point into; taken over by the request
 * @service: pin, or NULL; not needed once the request is made
 *
 * The rest as struct vexipc_embed_request_body.
 */
struct vexipc_question {
	void *mem;
	const void *content;
	const char *model;
	const char *service;
	u64 request_id;
	u64 session;
	u32 type;
	u32 count;
	u32 content_len;
	u32 model_len;
	u32 service_len;
	u32 dimensions;
	u32 data_type;
	u32 content_type;
	u32 priority;
	u32 timeout_ms;
	u32 algorithm;
	u32 flags;
};

int vexipc_question_check(const struct vexipc_question *q);
struct vexipc_request *vexipc_question_request(struct vexipc_context *ctx,
					       struct vexipc_endpoint *ep,
					       struct vexipc_question *q);

#endif
