// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client's batch: many questions in one call, each a request of its own, so
 * that all that holds for one request holds for each item. They are queued
 * before a service hears of any, and travel together; see carrier.c.
 */
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcuwait.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "access.h"
#include "batch_call.h"
#include "context.h"
#include "embed.h"
#include "error.h"
#include "instance.h"
#include "memory.h"
#include "protocol.h"
#include "request.h"

/**
 * struct item - one item on its way
 * @user: as the caller has it
 * @req:  what it became, if it was accepted; a reference
 */
struct item {
	struct vexipc_embed_item user;
	struct vexipc_request *req;
};

/**
 * struct batch - the items of one call
 * @refs:   the call's, and one of each request until it is completed: the one
 *	    that wakes may be overtaken by the one it wakes
 * @left:   requests under way
 * @waiter: who made the call
 * @ctx:    who that is, and until when
 * @ep:	    where the requests are listed
 * @like:   what all items ask for
 * @plug:   services that do not know of their requests yet
 * @model:  name that @like is about
 * @service: another
 * @count:  how many items
 * @item:   in the caller's order
 */
struct batch {
	refcount_t refs;
	atomic_t left;
	struct rcuwait waiter;
	struct vexipc_context *ctx;
	struct vexipc_endpoint *ep;
	struct vexipc_question like;
	struct vexipc_plug plug;
	char model[VEXIPC_MAX_NAME];
	char service[VEXIPC_MAX_NAME];
	u32 count;
	struct item item[] __counted_by(count);
};

static void batch_put(struct batch *batch)
{
	if (refcount_dec_and_test(&batch->refs))
		kvfree(batch);
}

/* The completion of one item; the completion's reference goes. */
static void item_done(struct vexipc_request *req)
{
	struct batch *batch = req->private;

	vexipc_endpoint_remove(batch->ep, req);
	/* A cancel, while it is still being submitted and waits for room. */
	rcuwait_wake_up(&req->waiter);
	vexipc_request_put(req);
	/* Ordered: what came of it is written before. */
	atomic_dec_return_release(&batch->left);
	rcuwait_wake_up(&batch->waiter);
	batch_put(batch);
}

static int take_shared(struct batch *batch, const struct vexipc_embed_batch *arg)
{
	batch->like = (struct vexipc_question) {
		.type = VEXIPC_MSG_EMBED_REQUEST,
		.service = batch->service,
		.session = arg->session,
		.content_len = 1,	/* what follows is about the rest */
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
	return vexipc_question_check(&batch->like) ?:
	       copy_from_user(batch->model, u64_to_user_ptr(arg->model_ptr), arg->model_len) ||
	       copy_from_user(batch->service, u64_to_user_ptr(arg->service_ptr),
			      arg->service_len) ? -EFAULT : 0;
}

static void __user *item_at(const struct vexipc_embed_batch *arg, u32 i)
{
	return u64_to_user_ptr(arg->items_ptr + (u64)i * arg->item_size);
}

/* The items, and whether they are too much together. */
static int take_items(struct batch *batch, const struct vexipc_embed_batch *arg)
{
	u64 total = 0;

	for (u32 i = 0; i < batch->count; i++) {
		struct vexipc_embed_item *user = &batch->item[i].user;
		int err = copy_struct_from_user(user, sizeof(*user), item_at(arg, i),
						arg->item_size);

		if (err)
			return err;
		user->status = 0;
		user->dimensions = 0;
		user->vector_bytes = 0;
		user->scale = 0;
		user->attempts = 0;
		user->retry_after_ms = 0;
		user->request_id = 0;
		user->service_handle = 0;
		user->queue_ns = 0;
		user->service_ns = 0;
		/* What is too large by itself is refused by itself. */
		if (user->data_size <= VEXIPC_MAX_MESSAGE)
			total += user->data_size;
	}
	return total > VEXIPC_MAX_MESSAGE ? -EMSGSIZE : 0;
}

static struct vexipc_request *item_request(struct batch *batch,
					   const struct vexipc_embed_item *user)
{
	struct vexipc_question q = batch->like;
	struct vexipc_request *req;
	int err;

	q.content_len = user->data_size;
	err = vexipc_question_check(&q);
	if (err)
		return ERR_PTR(err);
	/* The call has one deadline, in the context. */
	q.timeout_ms = 0;
	q.mem = vexipc_caller_alloc(q.model_len + q.content_len);
	if (!q.mem)
		return ERR_PTR(-ENOMEM);
	memcpy(q.mem, batch->model, q.model_len);
	q.model = q.mem;
	q.content = q.mem + q.model_len;
	if (copy_from_user(q.mem + q.model_len, u64_to_user_ptr(user->data_ptr),
			   q.content_len))
		req = ERR_PTR(-EFAULT);
	else
		req = vexipc_question_request(batch->ctx, batch->ep, &q);
	kvfree(q.mem);
	return req;
}

/* Without @plug its service hears of it at once, and it may wait for room. */
static int submit(struct batch *batch, struct item *item, struct vexipc_plug *plug)
{
	struct vexipc_request *req = item_request(batch, &item->user);
	int err;

	if (IS_ERR(req)) {
		item->user.status = vexipc_error_from_errno(PTR_ERR(req));
		return PTR_ERR(req);
	}
	req->complete = item_done;
	req->private = batch;
	req->batched = true;
	req->may_wait = true;
	refcount_inc(&batch->refs);
	atomic_inc(&batch->left);
	err = vexipc_request_submit_plugged(req, plug);
	item->user.request_id = req->request_id;
	if (!err) {
		item->user.status = 0;
		item->req = req;
		return 0;
	}
	item->user.status = req->status;
	item->user.retry_after_ms = req->retry_after_ms;
	vexipc_request_put(req);
	atomic_dec(&batch->left);
	batch_put(batch);
	return err;
}

static void finish_all(struct batch *batch, enum vexipc_error why)
{
	for (u32 i = 0; i < batch->count; i++)
		if (batch->item[i].req)
			vexipc_request_finish(batch->item[i].req, why);
}

/*
 * Until no more than @most are under way. When a signal or the deadline comes
 * first, what is left is ended, so that none is in the end.
 */
static enum vexipc_error wait(struct batch *batch, int most)
{
	enum vexipc_error why;

	vexipc_request_unplug(batch->ep->inst, &batch->plug);
	why = vexipc_wait_until(&batch->waiter, atomic_read_acquire(&batch->left) <= most,
				batch->ctx->deadline);
	if (why) {
		finish_all(batch, why);
		rcuwait_wait_event(&batch->waiter, !atomic_read_acquire(&batch->left),
				   TASK_UNINTERRUPTIBLE);
	}
	return why;
}

static enum vexipc_error submit_all(struct batch *batch)
{
	enum vexipc_error why = VEXIPC_OK;

	for (u32 i = 0; i < batch->count; i++) {
		struct item *item = &batch->item[i];
		int under_way;

		if (why) {
			item->user.status = why;
			continue;
		}
		while (vexipc_request_no_room(submit(batch, item, &batch->plug))) {
			under_way = atomic_read(&batch->left);
			if (under_way)
				why = wait(batch, under_way / 2);
			else if (submit(batch, item, NULL) == -EINTR)
				why = VEXIPC_ERR_INTERRUPTED;
			if (why || !under_way)
				break;
		}
		if (why)
			item->user.status = why;
		cond_resched();
	}
	return why;
}

static void take_result(struct vexipc_embed_item *user, const struct vexipc_request *req)
{
	user->status = req->status;
	user->attempts = req->attempts;
	user->retry_after_ms = req->status ? req->retry_after_ms : 0;
	user->service_handle = req->service_handle;
	if (req->sent_ns) {
		user->queue_ns = req->sent_ns - req->submitted_ns;
		user->service_ns = req->done_ns - req->sent_ns;
	}
	if (req->status)
		return;
	user->dimensions = req->out_dimensions;
	user->vector_bytes = req->answer_len;
	user->scale = req->scale;
	if (req->answer_len > user->result_size)
		user->status = VEXIPC_ERR_RESULT_TOO_SMALL;
	else if (copy_to_user(u64_to_user_ptr(user->result_ptr), req->answer,
			      req->answer_len))
		user->status = VEXIPC_ERR_FAULT;
}

static int give_items(struct batch *batch, struct vexipc_embed_batch *arg)
{
	size_t size = min_t(size_t, sizeof(struct vexipc_embed_item), arg->item_size);
	int err = 0;

	arg->failed = 0;
	for (u32 i = 0; i < batch->count; i++) {
		struct item *item = &batch->item[i];

		if (item->req) {
			take_result(&item->user, item->req);
			vexipc_request_put(item->req);
		}
		arg->failed += !!item->user.status;
		if (copy_to_user(item_at(arg, i), &item->user, size))
			err = -EFAULT;
		cond_resched();
	}
	return err;
}

/**
 * vexipc_batch_call() - embed many items, and wait for each
 * @ctx: who asks
 * @ep: through which descriptor
 * @arg: from user space; the out fields are filled
 *
 * Context: sleeps.
 * Return: as struct vexipc_embed_batch says.
 */
int vexipc_batch_call(struct vexipc_context *ctx, struct vexipc_endpoint *ep,
		      struct vexipc_embed_batch *arg)
{
	struct vexipc_instance *inst = ep->inst;
	enum vexipc_error why = VEXIPC_OK;
	struct batch *batch;
	int err;

	/* Each item has its place, however large a newer program makes it. */
	if (!arg->count || arg->count > VEXIPC_MAX_BATCH || arg->item_size > PAGE_SIZE ||
	    arg->item_size < offsetofend(struct vexipc_embed_item, service_ns))
		return -EINVAL;
	batch = kvzalloc(struct_size(batch, item, arg->count), VEXIPC_GFP_CALLER);
	if (!batch)
		return -ENOMEM;
	batch->count = arg->count;
	refcount_set(&batch->refs, 1);
	rcuwait_init(&batch->waiter);
	batch->ctx = ctx;
	batch->ep = ep;
	err = take_shared(batch, arg) ?:
	      vexipc_access_embed(ctx, batch->model, arg->model_len, arg->priority) ?:
	      take_items(batch, arg);
	if (!err) {
		ctx->deadline = ktime_get_ns() + NSEC_PER_MSEC * (u64)
			(arg->timeout_ms ?: vexipc_config(inst, VEXIPC_CONFIG_REQUEST_TIMEOUT_MS));
		vexipc_count(inst, BATCHES);
		vexipc_count_add(inst, BATCH_ITEMS, batch->count);
		why = submit_all(batch) ?: wait(batch, 0);
		err = give_items(batch, arg);
	}
	batch_put(batch);
	/* That the time was up is an item's to say. */
	return err ?: why == VEXIPC_ERR_INTERRUPTED ? -EINTR : 0;
}
