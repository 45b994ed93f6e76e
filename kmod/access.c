// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may do what: CAP_NET_ADMIN over the namespace may everything, then the
 * access rules decide, then what holds without any. What is denied is counted by
 * reason and traced here, and nowhere else.
 *
 * The capability is looked at last, where that makes a difference: to ask for it
 * leaves traces in the audit log.
 */
#include <linux/errno.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "access.h"
#include "context.h"
#include "instance.h"
#include "rules.h"
#include "trace.h"

static const int denial_errno[VEXIPC_DENIALS] = {
	[VEXIPC_DENIAL_PRIVILEGE] = -EPERM,
	[VEXIPC_DENIAL_TOKEN] = -EACCES,
	[VEXIPC_DENIAL_RULE] = -EACCES,
	[VEXIPC_DENIAL_PRIORITY] = -EPERM,
};

/**
 * vexipc_access_deny() - count and trace a denial
 * @ctx: who is denied
 * @operation: what
 * @reason: why
 *
 * Return: the negative errno that says so.
 */
int vexipc_access_deny(const struct vexipc_context *ctx, enum vexipc_operation operation,
		       enum vexipc_denial reason)
{
	struct vexipc_instance *inst = ctx->inst;
	int err = denial_errno[reason];

	switch (reason) {
	case VEXIPC_DENIAL_PRIVILEGE:
		vexipc_count(inst, DENIED_PRIVILEGE);
		break;
	case VEXIPC_DENIAL_TOKEN:
		vexipc_count(inst, DENIED_TOKEN);
		break;
	case VEXIPC_DENIAL_RULE:
		vexipc_count(inst, DENIED_RULE);
		break;
	default:
		vexipc_count(inst, DENIED_PRIORITY);
	}
	vexipc_trace(access_denied, inst->cookie, from_kuid(&init_user_ns, ctx->uid),
		     operation, reason, -err);
	return err;
}

/**
 * vexipc_access_text() - what to do about a request that was denied
 * @err: what vexipc_access_embed() or vexipc_access_ping() returned
 */
const char *vexipc_access_text(int err)
{
	return err == -EPERM ?
	       "critical priority takes CAP_NET_ADMIN, or an access rule that allows it" :
	       "an access rule forbids it: ask who administers vexipc for one that allows it";
}

static bool capable_of_all(const struct vexipc_context *ctx)
{
	return ctx->capable(ctx);
}

/* The kernel itself has no credentials to look at, and may do what it likes. */
static bool match(const struct vexipc_context *ctx, bool count,
		  struct vexipc_verdict *verdict)
{
	return vexipc_rules_any(&ctx->inst->rules) &&
	       vexipc_rules_match(&ctx->inst->rules, ctx->cred, count, verdict);
}

/**
 * vexipc_access_admin() - may this one administer?
 * @ctx: who asks
 *
 * Nothing is counted: one may also ask to learn which of two ways to go.
 */
bool vexipc_access_admin(const struct vexipc_context *ctx)
{
	struct vexipc_verdict verdict;

	if (!ctx->cred || capable_of_all(ctx))
		return true;
	return match(ctx, false, &verdict) && verdict.allow & VEXIPC_RULE_ADMINISTER;
}

/* Deny what a rule forbids, unless the capability allows all. */
static int forbid(const struct vexipc_context *ctx, enum vexipc_operation operation,
		  enum vexipc_denial reason)
{
	return capable_of_all(ctx) ? 0 : vexipc_access_deny(ctx, operation, reason);
}

/**
 * vexipc_access_embed() - may this one have that embedded?
 * @ctx: who asks
 * @model: asked for, not terminated
 * @model_len: its bytes, 0 any
 * @priority: 0-255
 *
 * Return: 0; -EPERM critical priority; -EACCES a rule forbids it.
 */
int vexipc_access_embed(const struct vexipc_context *ctx, const char *model, u32 model_len,
			u32 priority)
{
	bool critical = priority == VEXIPC_PRIORITY_CRITICAL;
	struct vexipc_verdict verdict;

	if (likely(!critical && !vexipc_rules_any(&ctx->inst->rules)) || !ctx->cred)
		return 0;
	if (!match(ctx, true, &verdict))
		return critical ? forbid(ctx, VEXIPC_OPERATION_EMBED,
					 VEXIPC_DENIAL_PRIORITY) : 0;
	if (!(verdict.allow & VEXIPC_RULE_EMBED) ||
	    !vexipc_verdict_model(&verdict, model, model_len))
		return forbid(ctx, VEXIPC_OPERATION_EMBED, VEXIPC_DENIAL_RULE);
	if (priority > verdict.max_priority)
		return forbid(ctx, VEXIPC_OPERATION_EMBED,
			      critical ? VEXIPC_DENIAL_PRIORITY : VEXIPC_DENIAL_RULE);
	return 0;
}

static int need(const struct vexipc_context *ctx, u32 allow,
		enum vexipc_operation operation)
{
	struct vexipc_verdict verdict;

	if (!vexipc_rules_any(&ctx->inst->rules) || !ctx->cred ||
	    !match(ctx, true, &verdict) || verdict.allow & allow)
		return 0;
	return forbid(ctx, operation, VEXIPC_DENIAL_RULE);
}

/* vexipc_access_ping() - may this one ask a service how it is? 0, -EACCES. */
int vexipc_access_ping(const struct vexipc_context *ctx)
{
	return need(ctx, VEXIPC_RULE_EMBED, VEXIPC_OPERATION_EMBED);
}

/* vexipc_access_look() - may this one see services and figures? 0, -EACCES. */
int vexipc_access_look(const struct vexipc_context *ctx)
{
	return need(ctx, VEXIPC_RULE_LOOK, VEXIPC_OPERATION_LOOK);
}

/**
 * vexipc_access_open() - may this one embed where no file's mode guards?
 * @ctx: who asks, over netlink
 *
 * What exactly is asked for is looked at afterwards, by vexipc_access_embed().
 *
 * Return: 0; -EPERM no CAP_NET_ADMIN while enable_authentication is on, and no
 * rule; -EACCES a rule forbids it.
 */
int vexipc_access_open(const struct vexipc_context *ctx)
{
	struct vexipc_verdict verdict;

	if (match(ctx, false, &verdict)) {
		if (verdict.allow & VEXIPC_RULE_EMBED)
			return 0;
		return forbid(ctx, VEXIPC_OPERATION_EMBED, VEXIPC_DENIAL_RULE);
	}
	if (!vexipc_config(ctx->inst, VEXIPC_CONFIG_ENABLE_AUTHENTICATION))
		return 0;
	return forbid(ctx, VEXIPC_OPERATION_EMBED, VEXIPC_DENIAL_PRIVILEGE);
}
