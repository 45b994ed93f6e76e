// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many requests submitted and many completions taken in one call, for a client with
 * many under way.
 */
#include <linux/err.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "context.h"
#include "device.h"
#include "embed_call.h"
#include "error.h"
#include "request.h"
#include "submit_call.h"

static int submit_one(struct vexipc_context ctx, struct vexipc_file *file,
		      struct vexipc_embed_call *embed)
{
	struct vexipc_request *req = vexipc_embed_begin(embed, &ctx, &file->ep);
	int err;

	if (IS_ERR(req))
		return PTR_ERR(req);
	if (embed->arg.result_ptr) {
		vexipc_request_put(req);
		return -EINVAL;
	}
	req->complete = vexipc_endpoint_complete;
	req->nonblock = true;
	err = vexipc_request_submit(req);
	if (err) {
		vexipc_device_refused(file, err);
		err = vexipc_embed_refused(embed, req, err);
	} else {
		err = vexipc_embed_accepted(embed, req);
		/* Nobody could tell its completion from another's. */
		if (err)
			vexipc_request_finish(req, VEXIPC_ERR_CANCELLED);
	}
	vexipc_request_put(req);
	return err;
}

static int submit_all(const struct vexipc_context *ctx, struct vexipc_file *file,
		      struct vexipc_submit *arg)
{
	int err = 0;

	while (arg->submitted < arg->count && !err) {
		struct vexipc_embed_call embed = {
			.user = u64_to_user_ptr(arg->embeds_ptr +
						(u64)arg->submitted * arg->embed_size),
			.size = arg->embed_size,
		};

		err = submit_one(*ctx, file, &embed);
		arg->submitted += !err;
		cond_resched();
	}
	return err;
}

/* 0, or why it must be taken again. */
static int give_outcome(const struct vexipc_request *req, void __user *user, u32 size)
{
	struct vexipc_outcome c;
	int err = copy_struct_from_user(&c, sizeof(c), user, size);
	u32 len;

	if (err)
		return err;
	if (c.reserved)
		return -EINVAL;
	c.status = req->status;
	c.request_id = req->request_id;
	c.service_handle = req->service_handle;
	c.queue_ns = req->sent_ns ? req->sent_ns - req->submitted_ns : 0;
	c.service_ns = req->sent_ns ? req->done_ns - req->sent_ns : 0;
	c.result_bytes = req->answer_len;
	c.dimensions = req->status ? 0 : req->out_dimensions;
	c.scale = req->status ? 0 : req->scale;
	c.attempts = req->attempts;
	c.retry_after_ms = req->status ? req->retry_after_ms : 0;
	c.error_kind = req->status ? req->error_kind : 0;
	c.result_flags = req->result_flags;
	len = min(c.result_bytes, c.result_size);
	if (len < c.result_bytes && !req->status) {
		err = -EMSGSIZE;
		len = 0;
	}
	if (copy_to_user(u64_to_user_ptr(c.result_ptr), req->answer, len) ||
	    copy_to_user(user, &c, min_t(size_t, sizeof(c), size)))
		return -EFAULT;
	return err;
}

/* What is there, at most what is wanted. */
static int reap(struct vexipc_file *file, struct vexipc_submit *arg)
{
	while (arg->reaped < arg->reap) {
		struct vexipc_request *req = vexipc_endpoint_take_completed(&file->ep);
		void __user *user = u64_to_user_ptr(arg->outcomes_ptr +
						    (u64)arg->reaped * arg->outcome_size);
		int err;

		if (!req)
			break;
		err = give_outcome(req, user, arg->outcome_size);
		if (err) {
			vexipc_device_untake(file, &req->out);
			return err;
		}
		arg->reaped++;
		vexipc_device_done(file, &req->out);
		cond_resched();
	}
	return 0;
}

static int wait_and_reap(struct vexipc_file *file, struct vexipc_submit *arg, u32 wait)
{
	u64 end = 0;
	int err = reap(file, arg);

	if (arg->timeout_ns && check_add_overflow(ktime_get_ns(), arg->timeout_ns, &end))
		end = 0;
	while (!err && arg->reaped < wait) {
		long left = end ? vexipc_jiffies_until(end) : MAX_SCHEDULE_TIMEOUT;
		u32 wanted = wait - arg->reaped;

		/* Nothing is under way, nor to be taken. */
		if (!READ_ONCE(file->ep.to_read))
			break;
		left = wait_event_interruptible_timeout(file->wait,
							vexipc_endpoint_completed(&file->ep,
										  wanted),
							left);
		err = reap(file, arg);
		if (!err && left < 0)
			err = -EINTR;
		if (!err && !left && !vexipc_jiffies_until(end))
			err = -ETIMEDOUT;
	}
	return err;
}

/**
 * vexipc_submit_call() - submit many, reap many
 * @ctx: who asks
 * @file: through what
 * @arg: from user space; the out fields are filled
 *
 * Context: sleeps.
 * Return: as struct vexipc_submit says.
 */
int vexipc_submit_call(struct vexipc_context *ctx, struct vexipc_file *file,
		       struct vexipc_submit *arg)
{
	int err;

	arg->submitted = 0;
	arg->reaped = 0;
	if (arg->reserved || (!arg->count && !arg->reap) || arg->wait > arg->reap ||
	    arg->count > VEXIPC_MAX_SUBMIT || arg->reap > VEXIPC_MAX_SUBMIT)
		return -EINVAL;
	/* Each has its place, however large a newer program makes it. */
	if (arg->count && (arg->embed_size > PAGE_SIZE ||
			   arg->embed_size < offsetofend(struct vexipc_embed, status)))
		return -EINVAL;
	if (arg->reap && (arg->outcome_size > PAGE_SIZE ||
			  arg->outcome_size < offsetofend(struct vexipc_outcome, result_flags)))
		return -EINVAL;
	err = submit_all(ctx, file, arg);
	/* What could not be submitted is to be told now, not after all others have ended. */
	err = wait_and_reap(file, arg, err ? 0 : arg->wait) ?: err;
	return arg->submitted || arg->reaped ? 0 : err;
}
