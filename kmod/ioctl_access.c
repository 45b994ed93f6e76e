// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls about tokens and rules, once their structs are in kernel memory. */
#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "access.h"
#include "context.h"
#include "instance.h"
#include "rules.h"
#include "token.h"

static int need_admin(const struct vexipc_context *ctx)
{
	if (vexipc_access_admin(ctx))
		return 0;
	return vexipc_access_deny(ctx, VEXIPC_OPERATION_ADMINISTER, VEXIPC_DENIAL_PRIVILEGE);
}

/* Who may change rules by a rule could have all others as well. */
static int need_capability(const struct vexipc_context *ctx)
{
	if (ctx->capable(ctx))
		return 0;
	return vexipc_access_deny(ctx, VEXIPC_OPERATION_ADMINISTER, VEXIPC_DENIAL_PRIVILEGE);
}

/* struct buffer is where entries of a list go: the smaller of both sizes of each. */
struct buffer {
	void __user *at;
	u32 room, step, count, total;
};

static int put(struct buffer *buffer, const void *entry, size_t size)
{
	buffer->total++;
	if (buffer->count == buffer->room)
		return 0;
	if (copy_to_user(buffer->at, entry, min_t(size_t, buffer->step, size)))
		return -EFAULT;
	buffer->at += buffer->step;
	buffer->count++;
	return 0;
}

static struct buffer buffer_of(u64 ptr, u32 size, u32 step)
{
	return (struct buffer) {
		.at = u64_to_user_ptr(ptr), .room = step ? size / step : 0, .step = step,
	};
}

static int list_tokens(const struct vexipc_context *ctx, struct vexipc_tokens *arg)
{
	struct buffer buffer = buffer_of(arg->buffer_ptr, arg->buffer_size, arg->entry_size);
	struct vexipc_token_entry entry = {};
	int err = 0;

	while (!err && vexipc_token_next(&ctx->inst->tokens, entry.id, &entry, ctx->user_ns))
		err = put(&buffer, &entry, sizeof(entry));
	arg->count = buffer.count;
	arg->total = buffer.total;
	return err;
}

/**
 * vexipc_access_tokens() - VEXIPC_IOC_TOKENS
 * @ctx: who asks
 * @arg: in and out
 *
 * Context: may sleep.
 * Return: 0; or as struct vexipc_tokens lists.
 */
int vexipc_access_tokens(const struct vexipc_context *ctx, struct vexipc_tokens *arg)
{
	int err = need_admin(ctx);

	if (err)
		return err;
	if (arg->reserved || arg->op >= VEXIPC_TOKENS_OPS ||
	    (arg->buffer_size && !arg->entry_size) ||
	    memchr_inv(arg->secret, 0, sizeof(arg->secret)))
		return -EINVAL;
	if (arg->flags & ~(arg->op == VEXIPC_TOKENS_REVOKE ? VEXIPC_TOKENS_UNREGISTER : 0))
		return -EOPNOTSUPP;
	switch (arg->op) {
	case VEXIPC_TOKENS_ISSUE:
		err = vexipc_token_issue(&ctx->inst->tokens, ctx->uid, &arg->token,
					 arg->expires_sec, arg->secret);
		arg->token.uid = from_kuid_munged(ctx->user_ns, ctx->uid);
		return err;
	case VEXIPC_TOKENS_REVOKE:
		err = vexipc_token_revoke(ctx->inst, arg->token.id,
					  arg->flags & VEXIPC_TOKENS_UNREGISTER);
		arg->count = max(err, 0);
		return min(err, 0);
	default:
		return list_tokens(ctx, arg);
	}
}

static int list_rules(const struct vexipc_context *ctx, struct vexipc_rules *arg)
{
	struct buffer buffer = buffer_of(arg->buffer_ptr, arg->buffer_size, arg->entry_size);
	struct vexipc_rule_entry entry;
	int err = 0;

	for (u32 i = 0; !err && vexipc_rule_at(&ctx->inst->rules, i, &entry, ctx->user_ns); i++)
		err = put(&buffer, &entry, sizeof(entry));
	arg->count = buffer.count;
	arg->total = buffer.total;
	return err;
}

/**
 * vexipc_access_rules() - VEXIPC_IOC_RULES
 * @ctx: who asks
 * @arg: in and out
 *
 * Context: may sleep.
 * Return: 0; or as struct vexipc_rules lists.
 */
int vexipc_access_rules(const struct vexipc_context *ctx, struct vexipc_rules *arg)
{
	struct vexipc_rule_table *table = &ctx->inst->rules;
	int err = arg->op == VEXIPC_RULES_LIST ? need_admin(ctx) : need_capability(ctx);

	if (err)
		return err;
	if (arg->op >= VEXIPC_RULES_OPS || (arg->buffer_size && !arg->entry_size))
		return -EINVAL;
	if (arg->flags)
		return -EOPNOTSUPP;
	switch (arg->op) {
	case VEXIPC_RULES_ADD:
		return vexipc_rule_add(table, &arg->rule, arg->before, ctx->user_ns);
	case VEXIPC_RULES_REMOVE:
		return vexipc_rule_remove(table, arg->rule.id);
	case VEXIPC_RULES_CLEAR:
		arg->count = vexipc_rules_clear(table);
		return 0;
	default:
		return list_rules(ctx, arg);
	}
}
