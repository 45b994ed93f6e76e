/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_CONTEXT_H
#define _VEXIPC_CONTEXT_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct cred;
struct pid;
struct pid_namespace;
struct user_namespace;
struct vexipc_instance;

/**
 * struct vexipc_context - on whose behalf an operation runs
 * @inst:     the network namespace's instance
 * @uid:      the caller
 * @pid:      the caller's process; a reference the caller of the operation holds
 * @user_ns:  how the caller sees uids
 * @pid_ns:   how the caller sees pids
 * @cred:     whose rights count; NULL for the kernel itself, which may do all
 * @capable:  have they CAP_NET_ADMIN over the namespace?
 * @subject:  what @capable looks at, if it is not the calling task
 * @admin:    may administer, see vexipc_access_admin(); worked out at the entry
 *	      point, and only for operations that ask for it
 * @deadline: CLOCK_MONOTONIC ns until which the operation makes sense, 0: none
 * @session:  sticky session, 0: none
 * @priority: 0-255
 * @nonblock: rather comes back than waits
 *
 * Filled at the entry points (device, netlink, kapi), the only places that look
 * at current. Everything below is told by this who asks.
 */
struct vexipc_context {
	struct vexipc_instance *inst;
	kuid_t uid;
	struct pid *pid;
	struct user_namespace *user_ns;
	struct pid_namespace *pid_ns;
	const struct cred *cred;
	bool (*capable)(const struct vexipc_context *ctx);
	const void *subject;
	bool admin;
	u64 deadline;
	u64 session;
	u32 priority;
	bool nonblock;
};

void vexipc_context_current(struct vexipc_context *ctx, struct vexipc_instance *inst);
bool vexipc_context_needs_admin(u32 message_type);

#endif
