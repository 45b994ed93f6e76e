// SPDX-License-Identifier: GPL-2.0-only
/* Registration tokens and access rules as netlink attributes. */
#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <net/genetlink.h>

#include "access.h"
#include "context.h"
#include "instance.h"
#include "netlink_socket.h"
#include "rules.h"
#include "token.h"

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	BUILD_BUG_ON(VEXIPC_TOKEN_A_PAD != (int)VEXIPC_RULE_A_PAD);
	return nla_put_u64_64bit(skb, attr, value, VEXIPC_TOKEN_A_PAD);
}

/* @secret: NULL, or what is told but once. */
static int put_token(struct sk_buff *skb, const struct vexipc_token_entry *e,
		     const u8 *secret)
{
	struct nlattr *nest = nla_nest_start(skb, VEXIPC_A_TOKEN);

	if (!nest || put_u64(skb, VEXIPC_TOKEN_A_ID, e->id) ||
	    nla_put_string(skb, VEXIPC_TOKEN_A_LABEL, e->label) ||
	    nla_put_string(skb, VEXIPC_TOKEN_A_PATTERN, e->pattern) ||
	    nla_put_string(skb, VEXIPC_TOKEN_A_MODELS, e->models) ||
	    nla_put_u32(skb, VEXIPC_TOKEN_A_FLAGS, e->flags) ||
	    nla_put_u32(skb, VEXIPC_TOKEN_A_USES, e->uses) ||
	    nla_put_u32(skb, VEXIPC_TOKEN_A_USES_LEFT, e->uses_left) ||
	    nla_put_u32(skb, VEXIPC_TOKEN_A_MAX_SERVICES, e->max_services) ||
	    nla_put_u32(skb, VEXIPC_TOKEN_A_MAX_PRIORITY, e->max_priority) ||
	    put_u64(skb, VEXIPC_TOKEN_A_EXPIRES_NS, e->expires_ns) ||
	    put_u64(skb, VEXIPC_TOKEN_A_CREATED_NS, e->created_ns) ||
	    put_u64(skb, VEXIPC_TOKEN_A_LAST_USED_NS, e->last_used_ns) ||
	    put_u64(skb, VEXIPC_TOKEN_A_REGISTERED, e->registered) ||
	    nla_put_u32(skb, VEXIPC_TOKEN_A_SERVICES, e->services) ||
	    nla_put_u32(skb, VEXIPC_TOKEN_A_UID, e->uid) ||
	    (secret && nla_put(skb, VEXIPC_TOKEN_A_SECRET, VEXIPC_TOKEN_BYTES, secret)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_rule(struct sk_buff *skb, const struct vexipc_rule_entry *e)
{
	struct nlattr *nest = nla_nest_start(skb, VEXIPC_A_RULE);

	if (!nest || put_u64(skb, VEXIPC_RULE_A_ID, e->id) ||
	    (e->match & VEXIPC_RULE_UID && nla_put_u32(skb, VEXIPC_RULE_A_UID, e->uid)) ||
	    (e->match & VEXIPC_RULE_GID && nla_put_u32(skb, VEXIPC_RULE_A_GID, e->gid)) ||
	    (e->match & VEXIPC_RULE_CGROUP &&
	     put_u64(skb, VEXIPC_RULE_A_CGROUP, e->cgroup)) ||
	    nla_put_u32(skb, VEXIPC_RULE_A_ALLOW, e->allow) ||
	    nla_put_u32(skb, VEXIPC_RULE_A_MAX_PRIORITY, e->max_priority) ||
	    nla_put_string(skb, VEXIPC_RULE_A_MODELS, e->models) ||
	    put_u64(skb, VEXIPC_RULE_A_HITS, e->hits))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* Both lists are for those who administer. */
int vexipc_netlink_start_access(struct netlink_callback *cb)
{
	struct vexipc_context ctx;

	vexipc_netlink_context(&ctx, cb->skb, genl_info_net(genl_info_dump(cb)));
	if (vexipc_access_admin(&ctx))
		return 0;
	NL_SET_ERR_MSG(cb->extack, "tokens and rules are shown with CAP_NET_ADMIN");
	return vexipc_access_deny(&ctx, VEXIPC_OPERATION_ADMINISTER,
				  VEXIPC_DENIAL_PRIVILEGE);
}

static void *dump_begin(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			   &vexipc_netlink_family, NLM_F_MULTI, cmd);
}

/* End it, or take back what did not fit; whether it did. */
static bool dump_end(struct sk_buff *skb, void *header, int err)
{
	if (err)
		genlmsg_cancel(skb, header);
	else
		genlmsg_end(skb, header);
	return !err;
}

/* cb->args[0] is the id of the last one shown. */
int vexipc_netlink_dump_tokens(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vexipc_instance *inst = vexipc_instance_of(genl_info_net(genl_info_dump(cb)));
	struct vexipc_token_entry entry;

	while (vexipc_token_next(&inst->tokens, cb->args[0], &entry, current_user_ns())) {
		void *header = dump_begin(skb, cb, VEXIPC_CMD_TOKEN_GET);

		if (!header || !dump_end(skb, header, put_token(skb, &entry, NULL)))
			break;
		cb->args[0] = entry.id;
	}
	return skb->len;
}

/* cb->args[0] is the index to go on at. */
int vexipc_netlink_dump_rules(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vexipc_instance *inst = vexipc_instance_of(genl_info_net(genl_info_dump(cb)));
	struct vexipc_rule_entry entry;

	while (vexipc_rule_at(&inst->rules, cb->args[0], &entry, current_user_ns())) {
		void *header = dump_begin(skb, cb, VEXIPC_CMD_RULE_GET);

		if (!header || !dump_end(skb, header, put_rule(skb, &entry)))
			break;
		cb->args[0]++;
	}
	return skb->len;
}

/* The strings' sizes have been checked, and leave room for the NUL. */
static void take_string(char *to, const struct nlattr *attr)
{
	if (attr)
		nla_strscpy(to, attr, VEXIPC_MAX_NAME);
}

static u32 take_u32(const struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static struct sk_buff *reply_new(struct genl_info *info, u8 cmd, void **header)
{
	struct sk_buff *reply = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (reply)
		*header = genlmsg_put_reply(reply, info, &vexipc_netlink_family, 0, cmd);
	return reply;
}

static int reply_send(struct genl_info *info, struct sk_buff *reply, void *header, int err)
{
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

static void explain(struct netlink_ext_ack *extack, int err)
{
	switch (err) {
	case -ENOSPC:
		NL_SET_ERR_MSG(extack, "there are 256 already: take some away first");
		break;
	case -ENOENT:
		NL_SET_ERR_MSG(extack, "there is none of this id");
		break;
	case -EOPNOTSUPP:
		NL_SET_ERR_MSG(extack, "an unknown flag");
		break;
	case -ERANGE:
		NL_SET_ERR_MSG(extack, "a number is out of its range");
		break;
	case -EILSEQ:
		NL_SET_ERR_MSG(extack, "a string that is not plain UTF-8");
		break;
	}
}

static int token_admin(struct sk_buff *skb, struct genl_info *info)
{
	int err = vexipc_netlink_admin(skb, info);

	if (err)
		NL_SET_ERR_MSG(info->extack, "tokens need CAP_NET_ADMIN");
	return err;
}

int vexipc_netlink_do_token_new(struct sk_buff *skb, struct genl_info *info)
{
	struct vexipc_instance *inst = vexipc_instance_of(genl_info_net(info));
	struct nlattr *tb[VEXIPC_TOKEN_A_MAX + 1];
	struct vexipc_token_entry entry = {};
	u8 secret[VEXIPC_TOKEN_BYTES];
	struct sk_buff *reply;
	void *header;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VEXIPC_A_TOKEN))
		return -EINVAL;
	/* The command's policy has checked what is inside. */
	err = token_admin(skb, info) ?:
	      nla_parse_nested(tb, VEXIPC_TOKEN_A_MAX, info->attrs[VEXIPC_A_TOKEN], NULL, NULL);
	if (err)
		return err;
	take_string(entry.label, tb[VEXIPC_TOKEN_A_LABEL]);
	take_string(entry.pattern, tb[VEXIPC_TOKEN_A_PATTERN]);
	take_string(entry.models, tb[VEXIPC_TOKEN_A_MODELS]);
	entry.flags = take_u32(tb[VEXIPC_TOKEN_A_FLAGS]);
	entry.uses = take_u32(tb[VEXIPC_TOKEN_A_USES]);
	entry.max_services = take_u32(tb[VEXIPC_TOKEN_A_MAX_SERVICES]);
	entry.max_priority = take_u32(tb[VEXIPC_TOKEN_A_MAX_PRIORITY]);
	reply = reply_new(info, VEXIPC_CMD_TOKEN_NEW, &header);
	if (!reply)
		return -ENOMEM;
	err = vexipc_token_issue(&inst->tokens, current_euid(), &entry,
				 take_u32(tb[VEXIPC_TOKEN_A_EXPIRES_SEC]), secret);
	if (err) {
		explain(info->extack, err);
		nlmsg_free(reply);
		return err;
	}
	entry.uid = from_kuid_munged(current_user_ns(), current_euid());
	err = reply_send(info, reply, header, put_token(reply, &entry, secret));
	memzero_explicit(secret, sizeof(secret));
	/* Nobody knows the secret of one that could not be told. */
	if (err)
		vexipc_token_revoke(inst, entry.id, true);
	return err;
}

int vexipc_netlink_do_token_del(struct sk_buff *skb, struct genl_info *info)
{
	struct vexipc_instance *inst = vexipc_instance_of(genl_info_net(info));
	struct nlattr *tb[VEXIPC_TOKEN_A_MAX + 1], *nest;
	struct sk_buff *reply;
	void *header;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VEXIPC_A_TOKEN))
		return -EINVAL;
	err = token_admin(skb, info) ?:
	      nla_parse_nested(tb, VEXIPC_TOKEN_A_MAX, info->attrs[VEXIPC_A_TOKEN], NULL, NULL);
	if (err)
		return err;
	if (!tb[VEXIPC_TOKEN_A_ID]) {
		NL_SET_ERR_ATTR_MISS(info->extack, info->attrs[VEXIPC_A_TOKEN],
				     VEXIPC_TOKEN_A_ID);
		return -EINVAL;
	}
	reply = reply_new(info, VEXIPC_CMD_TOKEN_DEL, &header);
	if (!reply)
		return -ENOMEM;
	err = vexipc_token_revoke(inst, nla_get_u64(tb[VEXIPC_TOKEN_A_ID]),
				  tb[VEXIPC_TOKEN_A_UNREGISTER]);
	if (err < 0) {
		explain(info->extack, err);
		nlmsg_free(reply);
		return err;
	}
	nest = nla_nest_start(reply, VEXIPC_A_TOKEN);
	nla_put_u32(reply, VEXIPC_TOKEN_A_SERVICES, err);
	nla_nest_end(reply, nest);
	return reply_send(info, reply, header, 0);
}

/* By no rule: who may change them by one could have all others as well. */
static int rule_capable(struct sk_buff *skb, struct genl_info *info,
			struct vexipc_context *ctx)
{
	vexipc_netlink_context(ctx, skb, genl_info_net(info));
	if (ctx->capable(ctx))
		return 0;
	NL_SET_ERR_MSG(info->extack, "changing rules needs CAP_NET_ADMIN itself");
	return vexipc_access_deny(ctx, VEXIPC_OPERATION_ADMINISTER, VEXIPC_DENIAL_PRIVILEGE);
}

static void take_rule(struct vexipc_rule_entry *entry, struct nlattr **tb)
{
	if (tb[VEXIPC_RULE_A_UID])
		entry->match |= VEXIPC_RULE_UID;
	if (tb[VEXIPC_RULE_A_GID])
		entry->match |= VEXIPC_RULE_GID;
	if (tb[VEXIPC_RULE_A_CGROUP]) {
		entry->match |= VEXIPC_RULE_CGROUP;
		entry->cgroup = nla_get_u64(tb[VEXIPC_RULE_A_CGROUP]);
	}
	entry->uid = take_u32(tb[VEXIPC_RULE_A_UID]);
	entry->gid = take_u32(tb[VEXIPC_RULE_A_GID]);
	entry->allow = take_u32(tb[VEXIPC_RULE_A_ALLOW]);
	entry->max_priority = take_u32(tb[VEXIPC_RULE_A_MAX_PRIORITY]);
	take_string(entry->models, tb[VEXIPC_RULE_A_MODELS]);
}

int vexipc_netlink_do_rule_new(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[VEXIPC_RULE_A_MAX + 1], *before;
	struct vexipc_rule_entry entry = {};
	struct vexipc_context ctx;
	struct sk_buff *reply;
	void *header;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VEXIPC_A_RULE))
		return -EINVAL;
	err = rule_capable(skb, info, &ctx) ?:
	      nla_parse_nested(tb, VEXIPC_RULE_A_MAX, info->attrs[VEXIPC_A_RULE], NULL, NULL);
	if (err)
		return err;
	take_rule(&entry, tb);
	before = tb[VEXIPC_RULE_A_BEFORE];
	reply = reply_new(info, VEXIPC_CMD_RULE_NEW, &header);
	if (!reply)
		return -ENOMEM;
	err = vexipc_rule_add(&ctx.inst->rules, &entry, before ? nla_get_u64(before) : 0,
			      ctx.user_ns);
	if (err) {
		explain(info->extack, err);
		nlmsg_free(reply);
		return err;
	}
	err = reply_send(info, reply, header, put_rule(reply, &entry));
	if (err)
		vexipc_rule_remove(&ctx.inst->rules, entry.id);
	return err;
}

int vexipc_netlink_do_rule_del(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[VEXIPC_RULE_A_MAX + 1], *nest = info->attrs[VEXIPC_A_RULE];
	struct vexipc_context ctx;
	int err = rule_capable(skb, info, &ctx);

	if (err)
		return err;
	if (!nest) {
		vexipc_rules_clear(&ctx.inst->rules);
		return 0;
	}
	err = nla_parse_nested(tb, VEXIPC_RULE_A_MAX, nest, NULL, NULL);
	if (err)
		return err;
	if (!tb[VEXIPC_RULE_A_ID]) {
		NL_SET_ERR_ATTR_MISS(info->extack, nest, VEXIPC_RULE_A_ID);
		return -EINVAL;
	}
	err = vexipc_rule_remove(&ctx.inst->rules, nla_get_u64(tb[VEXIPC_RULE_A_ID]));
	explain(info->extack, err);
	return err;
}
