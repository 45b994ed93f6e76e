// SPDX-License-Identifier: GPL-2.0-only
/* From what a client asked to a request that can be submitted. */
#include <linux/err.h>
#include <linux/ktime.h>

#include "batch.h"
#include "context.h"
#include "embed.h"
#include "protocol.h"
#include "registry.h"
#include "request.h"

/* Bytes of a message that are neither model nor content, at the most. */
#define OVERHEAD (sizeof(struct vexipc_msg_header) + \
		  sizeof(struct vexipc_batch_request_body))

/**
 * vexipc_question_check() - is this something one can ask?
 * @q: from user space; the contents of its pointers are not looked at, so that
 *     it can be called before they are copied
 *
 * Return: 0; -EINVAL a length or number; -EMSGSIZE more content than any
 * message carries; -EOPNOTSUPP an unknown flag.
 */
int vexipc_question_check(const struct vexipc_question *q)
{
	/* A request keeps them so. */
	BUILD_BUG_ON(VEXIPC_EMBED_FLAGS > U16_MAX || VEXIPC_DATA_TYPES > U8_MAX ||
		     VEXIPC_CONTENT_TYPES > U8_MAX || VEXIPC_ALGORITHMS > U8_MAX);
	if (q->flags & ~VEXIPC_EMBED_FLAGS)
		return -EOPNOTSUPP;
	if (!q->content_len || q->model_len > VEXIPC_MAX_NAME ||
	    q->service_len > VEXIPC_MAX_NAME ||
	    q->dimensions > VEXIPC_MAX_DIMENSIONS ||
	    q->data_type >= VEXIPC_DATA_TYPES ||
	    q->content_type >= VEXIPC_CONTENT_TYPES || q->priority > 255 ||
	    q->timeout_ms > VEXIPC_MAX_TIMEOUT_MS ||
	    q->algorithm >= VEXIPC_ALGORITHMS || q->request_id & VEXIPC_ID_KERNEL)
		return -EINVAL;
	if (q->content_len > VEXIPC_MAX_MESSAGE - OVERHEAD - q->model_len)
		return -EMSGSIZE;
	return 0;
}

/**
 * vexipc_question_request() - make a request of a question
 * @ctx: who asks; deadline, session and priority are filled in
 * @ep: where the completion goes
 * @q: checked, its pointers in kernel memory; @q->mem becomes NULL on success
 *
 * Context: may sleep.
 * Return: the request with one reference, complete not set; or -EILSEQ a name
 * that is no string; -EINVAL a batch that does not add up; -ENOMEM.
 */
struct vexipc_request *vexipc_question_request(struct vexipc_context *ctx,
					       struct vexipc_endpoint *ep,
					       struct vexipc_question *q)
{
	struct vexipc_request *req;
	u64 pin = 0;
	int err;

	err = vexipc_string_check(q->model, q->model_len) ?:
	      vexipc_string_check(q->service, q->service_len);
	if (!err && q->type == VEXIPC_MSG_BATCH_REQUEST)
		err = vexipc_batch_check_items(q->content, q->content_len, q->count);
	if (err)
		return ERR_PTR(err);
	if (q->service_len) {
		struct vexipc_service *svc =
			vexipc_registry_by_id(ctx->inst, q->service, q->service_len);

		/* Without it, the request is submitted and refused, and counted. */
		pin = svc ? svc->handle : VEXIPC_PIN_NOBODY;
		if (svc)
			vexipc_service_put(svc);
	}

	ctx->session = q->session;
	ctx->priority = q->priority;
	if (q->timeout_ms)
		ctx->deadline = ktime_get_ns() + (u64)q->timeout_ms * NSEC_PER_MSEC;
	req = vexipc_request_alloc(ctx, ep, q->type);
	if (!req)
		return ERR_PTR(-ENOMEM);
	req->mem = q->mem;
	q->mem = NULL;
	req->request_id = q->request_id;
	req->model = q->model;
	req->model_len = q->model_len;
	req->content = q->content;
	req->content_len = q->content_len;
	req->dimensions = q->dimensions;
	req->data_type = q->data_type;
	req->content_type = q->content_type;
	req->algorithm = q->algorithm;
	req->flags = q->flags;
	req->pin = pin;
	if (q->type == VEXIPC_MSG_BATCH_REQUEST)
		req->count = q->count;
	return req;
}
