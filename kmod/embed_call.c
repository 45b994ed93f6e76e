// SPDX-License-Identifier: GPL-2.0-only
/*
 * An embedding request as a struct of user space: from there to a request, and what
 * came of it back. For the ioctl and for commands of io_uring.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "access.h"
#include "context.h"
#include "embed.h"
#include "embed_call.h"
#include "error.h"
#include "memory.h"
#include "request.h"
#include "usercopy.h"

static int take(struct vexipc_embed_call *call)
{
	BUILD_BUG_ON(sizeof(call->arg) % sizeof(u64));
	if (likely(call->size == sizeof(call->arg)))
		return vexipc_words_from_user(&call->arg, call->user, sizeof(call->arg));
	return copy_struct_from_user(&call->arg, sizeof(call->arg), call->user, call->size);
}

static int give(const struct vexipc_embed_call *call)
{
	if (likely(call->size == sizeof(call->arg)))
		return vexipc_words_to_user(call->user, &call->arg, sizeof(call->arg));
	return copy_to_user(call->user, &call->arg, min(sizeof(call->arg), call->size)) ?
	       -EFAULT : 0;
}

static int take_question(const struct vexipc_embed *arg, struct vexipc_question *q, char *id)
{
	int err;

	*q = (struct vexipc_question) {
		.type = VEXIPC_MSG_EMBED_REQUEST,
		.service = id,
		.request_id = arg->request_id,
		.session = arg->session,
		.content_len = arg->data_size,
		.model_len = arg->model_len,
		.service_len = arg->service_len,
		.dimensions = arg->dimensions,
		.data_type = arg->data_type,
		.content_type = arg->content_type,
		.priority = arg->priority,
		.timeout_ms = arg->timeout_ms,
		.algorithm = arg->algorithm,
		.flags = arg->flags,
	};
	err = vexipc_question_check(q);
	if (err)
		return err;
	if (copy_from_user(id, u64_to_user_ptr(arg->service_ptr), q->service_len))
		return -EFAULT;
	q->mem = vexipc_caller_alloc(q->model_len + q->content_len);
	if (!q->mem)
		return -ENOMEM;
	q->model = q->mem;
	q->content = q->mem + q->model_len;
	if (copy_from_user(q->mem, u64_to_user_ptr(arg->model_ptr), q->model_len) ||
	    copy_from_user(q->mem + q->model_len, u64_to_user_ptr(arg->data_ptr),
			   q->content_len)) {
		kvfree(q->mem);
		return -EFAULT;
	}
	return 0;
}

/* What is not known yet. */
static void clear_results(struct vexipc_embed_call *call)
{
	struct vexipc_embed *arg = &call->arg;

	arg->status = 0;
	arg->vector_bytes = 0;
	arg->scale = 0;
	arg->attempts = 0;
	arg->retry_after_ms = 0;
	arg->service_handle = 0;
	arg->queue_ns = 0;
	arg->service_ns = 0;
	call->text_room = arg->error_text_ptr ? arg->error_text_size : 0;
	arg->error_text_size = 0;
	arg->error_kind = 0;
	arg->result_flags = 0;
}

/**
 * vexipc_embed_begin() - make a request of what a caller asks
 * @call: user and size are set
 * @ctx: who asks
 * @ep: through what
 *
 * Context: may sleep; the caller's task.
 * Return: a request to be submitted, complete not set; or an error, of which the
 * caller's struct knows if it was not malformed.
 */
struct vexipc_request *vexipc_embed_begin(struct vexipc_embed_call *call,
					  struct vexipc_context *ctx,
					  struct vexipc_endpoint *ep)
{
	char id[VEXIPC_MAX_NAME];
	struct vexipc_request *req;
	struct vexipc_question q;
	int err = take(call);

	if (err)
		return ERR_PTR(err);
	if (call->arg.reserved)
		return ERR_PTR(-EINVAL);
	err = take_question(&call->arg, &q, id);
	if (err)
		return ERR_PTR(err);
	clear_results(call);
	err = vexipc_access_embed(ctx, q.model, q.model_len, q.priority);
	req = err ? ERR_PTR(err) : vexipc_question_request(ctx, ep, &q);
	kvfree(q.mem);
	if (IS_ERR(req)) {
		call->arg.status = vexipc_error_from_errno(PTR_ERR(req));
		err = give(call);
	}
	return err ? ERR_PTR(err) : req;
}

/* vexipc_embed_refused() - it was not accepted: tell why. Return: @err, -EFAULT */
int vexipc_embed_refused(struct vexipc_embed_call *call, const struct vexipc_request *req,
			 int err)
{
	call->arg.status = req->status;
	call->arg.retry_after_ms = req->retry_after_ms;
	return give(call) ?: err;
}

/* vexipc_embed_accepted() - its completion comes by itself. Return: 0, -EFAULT */
int vexipc_embed_accepted(struct vexipc_embed_call *call, const struct vexipc_request *req)
{
	call->arg.request_id = req->request_id;
	return give(call);
}

/* What the service said of a failure, as far as there is room for it. */
static int give_text(struct vexipc_embed_call *call, const struct vexipc_request *req)
{
	struct vexipc_embed *arg = &call->arg;
	u32 len = min(call->text_room, req->answer_len);

	arg->error_kind = req->error_kind;
	arg->error_text_size = req->answer_len;
	return len && copy_to_user(u64_to_user_ptr(arg->error_text_ptr), req->answer, len) ?
	       -EFAULT : 0;
}

/**
 * vexipc_embed_finish() - give the caller what came of its request
 * @call: of vexipc_embed_begin()
 * @req: completed
 *
 * The out fields, and the vector or the error's text if there is one.
 *
 * Context: may sleep; where the caller's memory is.
 * Return: what the call returns: 0 or a negative errno.
 */
int vexipc_embed_finish(struct vexipc_embed_call *call, const struct vexipc_request *req)
{
	struct vexipc_embed *arg = &call->arg;
	int err = vexipc_error_errno(req->status);

	arg->request_id = req->request_id;
	arg->status = req->status;
	arg->attempts = req->attempts;
	arg->retry_after_ms = err ? req->retry_after_ms : 0;
	arg->service_handle = req->service_handle;
	arg->result_flags = req->result_flags;
	if (req->sent_ns) {
		arg->queue_ns = req->sent_ns - req->submitted_ns;
		arg->service_ns = req->done_ns - req->sent_ns;
	}
	if (err) {
		err = give_text(call, req) ?: err;
	} else {
		arg->dimensions = req->out_dimensions;
		arg->vector_bytes = req->answer_len;
		arg->scale = req->scale;
		if (req->answer_len > arg->result_size) {
			arg->status = VEXIPC_ERR_RESULT_TOO_SMALL;
			err = -ENOSPC;
		} else if (copy_to_user(u64_to_user_ptr(arg->result_ptr), req->answer,
					req->answer_len)) {
			err = -EFAULT;
		}
	}
	return give(call) ?: err;
}

/**
 * vexipc_cancel_call() - cancel a request of a descriptor's
 * @ep: the descriptor's
 * @user: a struct vexipc_cancel
 * @size: of it, as the caller knows it
 *
 * Context: may sleep; the caller's task.
 * Return: as struct vexipc_cancel says.
 */
int vexipc_cancel_call(struct vexipc_endpoint *ep, const void __user *user, size_t size)
{
	struct vexipc_cancel arg;
	int err = copy_struct_from_user(&arg, sizeof(arg), user, size);

	if (err)
		return err;
	if (arg.flags || arg.reserved)
		return -EINVAL;
	return vexipc_endpoint_cancel(ep, arg.request_id);
}
