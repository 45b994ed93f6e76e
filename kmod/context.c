// SPDX-License-Identifier: GPL-2.0-only
/* On whose behalf an operation runs. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/vexipc.h>

#include "context.h"
#include "instance.h"

static bool caller_capable(const struct vexipc_context *ctx)
{
	return ns_capable(ctx->inst->net->user_ns, CAP_NET_ADMIN);
}

/**
 * vexipc_context_current() - the calling task's context
 * @ctx: to fill; not privileged until the entry point says so
 * @inst: the instance it talks to
 */
void vexipc_context_current(struct vexipc_context *ctx, struct vexipc_instance *inst)
{
	memset(ctx, 0, sizeof(*ctx));
	ctx->inst = inst;
	ctx->uid = current_euid();
	ctx->pid = task_tgid(current);
	ctx->user_ns = current_user_ns();
	ctx->pid_ns = task_active_pid_ns(current);
	ctx->cred = current_cred();
	ctx->capable = caller_capable;
	ctx->priority = VEXIPC_PRIORITY_NORMAL;
}

/**
 * vexipc_context_needs_admin() - is privilege asked for by messages of a type?
 * @message_type: enum vexipc_msg_type
 *
 * Entry points work out the privilege only then: doing so leaves traces in the
 * audit log and in the task.
 */
bool vexipc_context_needs_admin(u32 message_type)
{
	return message_type == VEXIPC_MSG_REGISTER ||
	       message_type == VEXIPC_MSG_UNREGISTER;
}
