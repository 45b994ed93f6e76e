// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands of io_uring on /dev/vexipc: a request whose completion is an entry of the
 * client's own ring, so that nobody waits in the kernel.
 *
 * A command ends when both its request has been completed and its issue is over,
 * whichever is later: @left decides. Then it goes to the client's task, for nobody
 * else may write to the client's memory, and is answered there.
 *
 * When the ring or its task goes, io_uring asks for the end of what is under way, again
 * and again until there is none. It does so under the lock under which commands are
 * answered as well, so that the request is there. That it is cancelled is one of the
 * ways of a completion, but answered at once: the task may be stopped. One that is on
 * its way to a stopped task already is waited for.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/io_uring/cmd.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "context.h"
#include "device.h"
#include "embed_call.h"
#include "memory.h"
#include "request.h"
#include "uring.h"

/**
 * struct uring_embed - a VEXIPC_IOC_EMBED under way as a command
 * @embed: the caller's struct
 * @req:   the request; a reference
 * @cmd:   the command
 * @left:  the issue, and the request's completion
 * @canceller: who asks for its end just now, and answers it if it ends by that
 * @over:  it has
 */
struct uring_embed {
	struct vexipc_embed_call embed;
	struct vexipc_request *req;
	struct io_uring_cmd *cmd;
	atomic_t left;
	struct task_struct *canceller;
	bool over;
};

/* What a command keeps of itself. */
struct uring_pdu {
	struct uring_embed *call;
};

static struct uring_embed **call_of(struct io_uring_cmd *cmd)
{
	return &io_uring_cmd_to_pdu(cmd, struct uring_pdu)->call;
}

/* @gone: nobody is there to be answered. */
static int answer(struct io_uring_cmd *cmd, bool gone)
{
	struct uring_embed *call = *call_of(cmd);
	int err = gone ? -ECANCELED : vexipc_embed_finish(&call->embed, call->req);

	/* Until here it counts as one under way. */
	vexipc_endpoint_remove(call->req->ep, call->req);
	vexipc_request_put(call->req);
	kfree(call);
	return err;
}

/* The client's task, or one that clears up after it. */
#ifdef IO_URING_CMD_TASK_WORK_ISSUE_FLAGS
static void done(struct io_uring_cmd *cmd, int err, unsigned int issue_flags)
{
	io_uring_cmd_done(cmd, err, issue_flags);
}

static void answer_in_task(struct io_tw_req tw_req, io_tw_token_t tw)
{
	struct io_uring_cmd *cmd = io_uring_cmd_from_tw(tw_req);

	done(cmd, answer(cmd, tw.cancel), IO_URING_CMD_TASK_WORK_ISSUE_FLAGS);
}
#else
static void done(struct io_uring_cmd *cmd, int err, unsigned int issue_flags)
{
	io_uring_cmd_done(cmd, err, 0, issue_flags);
}

static void answer_in_task(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	done(cmd, answer(cmd, issue_flags & IO_URING_F_TASK_DEAD), issue_flags);
}
#endif

static void part_over(struct uring_embed *call)
{
	if (!atomic_dec_and_test(&call->left))
		return;
	/* In a softirq, too, that has interrupted it. */
	if (READ_ONCE(call->canceller) == current)
		WRITE_ONCE(call->over, true);
	else
		io_uring_cmd_complete_in_task(call->cmd, answer_in_task);
}

/* The request's completion. */
static void ended(struct vexipc_request *req)
{
	struct uring_embed *call = req->private;

	/* There is the command's reference. */
	vexipc_request_put(req);
	part_over(call);
}

static int submit(struct uring_embed *call, struct vexipc_file *file,
		  unsigned int issue_flags)
{
	struct vexipc_request *req;
	struct vexipc_context ctx;
	int err;

	vexipc_context_current(&ctx, file->ep.inst);
	req = vexipc_embed_begin(&call->embed, &ctx, &file->ep);
	if (IS_ERR(req))
		return PTR_ERR(req);
	if (!call->embed.arg.result_ptr) {
		vexipc_request_put(req);
		return -EINVAL;
	}
	call->req = req;
	req->complete = ended;
	req->private = call;
	req->nonblock = true;
	err = vexipc_request_submit(req);
	if (err) {
		vexipc_device_refused(file, err);
		err = vexipc_embed_refused(&call->embed, req, err);
		vexipc_request_put(req);
		return err;
	}
	/* Not before: what has not been submitted cannot be cancelled. */
	io_uring_cmd_mark_cancelable(call->cmd, issue_flags);
	part_over(call);
	return 0;
}

static int embed(struct io_uring_cmd *cmd, u64 arg_ptr, unsigned int issue_flags)
{
	struct uring_embed *call = kzalloc(sizeof(*call), VEXIPC_GFP_CALLER);
	int err;

	if (!call)
		return -ENOMEM;
	call->embed.user = u64_to_user_ptr(arg_ptr);
	call->embed.size = _IOC_SIZE(cmd->cmd_op);
	call->cmd = cmd;
	atomic_set(&call->left, 2);
	*call_of(cmd) = call;
	err = submit(call, cmd->file->private_data, issue_flags);
	if (!err)
		return -EIOCBQUEUED;
	kfree(call);
	/* io_uring would take it for a wish to be asked again where one may wait. */
	if (err == -EAGAIN) {
		done(cmd, err, issue_flags);
		return -EIOCBQUEUED;
	}
	return err;
}

static void cancel(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct uring_embed *call = *call_of(cmd);

	WRITE_ONCE(call->canceller, current);
	vexipc_request_finish(call->req, VEXIPC_ERR_CANCELLED);
	WRITE_ONCE(call->canceller, NULL);
	if (READ_ONCE(call->over))
		done(cmd, answer(cmd, true), issue_flags);
}

/**
 * vexipc_device_uring_cmd() - a command of io_uring on the device
 * @cmd: its cmd_op is the number of an ioctl: EMBED or CANCEL
 * @issue_flags: io_uring's
 *
 * Return: as file_operations.uring_cmd: -EIOCBQUEUED, it is answered later.
 */
int vexipc_device_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	const struct vexipc_uring_cmd *from;
	struct vexipc_file *file = cmd->file->private_data;
	u64 arg_ptr;

	BUILD_BUG_ON(sizeof(*from) > sizeof(*cmd->sqe) - offsetof(struct io_uring_sqe, cmd));
	if (issue_flags & IO_URING_F_CANCEL) {
		cancel(cmd, issue_flags);
		return 0;
	}
	/* Neither a registered buffer nor a completion each time. */
	if (cmd->flags & IORING_URING_CMD_MASK)
		return -EINVAL;
	/* Memory of the client's: once. */
	from = (const void *)cmd->sqe->cmd;
	arg_ptr = READ_ONCE(from->arg_ptr);
	if (READ_ONCE(from->reserved))
		return -EINVAL;
	switch (cmd->cmd_op & ~IOCSIZE_MASK) {
	case VEXIPC_IOC_EMBED & ~IOCSIZE_MASK:
		return embed(cmd, arg_ptr, issue_flags);
	case VEXIPC_IOC_CANCEL & ~IOCSIZE_MASK:
		return vexipc_cancel_call(&file->ep, u64_to_user_ptr(arg_ptr),
					  _IOC_SIZE(cmd->cmd_op));
	default:
		return -ENOTTY;
	}
}
