// SPDX-License-Identifier: GPL-2.0-only
/* Balancing policies as netlink attributes. */
#include <linux/errno.h>
#include <net/genetlink.h>

#include "instance.h"
#include "netlink_socket.h"
#include "policy.h"

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, VEXIPC_POLICY_A_PAD);
}

static int put_use(struct sk_buff *skb, const struct vexipc_policy_use *use)
{
	struct nlattr *nest = nla_nest_start(skb, VEXIPC_A_POLICY);

	if (!nest || nla_put_string(skb, VEXIPC_POLICY_A_NAME, use->name) ||
	    nla_put_u32(skb, VEXIPC_POLICY_A_IN_USE, use->in_use) ||
	    put_u64(skb, VEXIPC_POLICY_A_FALLBACKS, use->fallbacks))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_entry(struct sk_buff *skb, const struct vexipc_policy_entry *e)
{
	struct nlattr *nest = nla_nest_start(skb, VEXIPC_A_POLICY);

	if (!nest || nla_put_string(skb, VEXIPC_POLICY_A_NAME, e->name) ||
	    nla_put_string(skb, VEXIPC_POLICY_A_REASON, e->reason) ||
	    nla_put_u32(skb, VEXIPC_POLICY_A_STATE, e->state) ||
	    nla_put_u32(skb, VEXIPC_POLICY_A_LINK_ID, e->link_id) ||
	    nla_put_u32(skb, VEXIPC_POLICY_A_UPDATES, e->updates) ||
	    nla_put_u32(skb, VEXIPC_POLICY_A_INSTANCES, e->instances) ||
	    put_u64(skb, VEXIPC_POLICY_A_CALLS, e->calls) ||
	    put_u64(skb, VEXIPC_POLICY_A_CHOSEN, e->chosen) ||
	    put_u64(skb, VEXIPC_POLICY_A_DECLINED, e->declined) ||
	    put_u64(skb, VEXIPC_POLICY_A_BAD_ANSWERS, e->bad_answers) ||
	    put_u64(skb, VEXIPC_POLICY_A_OVERRUNS, e->overruns) ||
	    put_u64(skb, VEXIPC_POLICY_A_TOTAL_NS, e->total_ns) ||
	    put_u64(skb, VEXIPC_POLICY_A_MAX_NS, e->max_ns) ||
	    put_u64(skb, VEXIPC_POLICY_A_LOADED_NS, e->loaded_ns))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

int vexipc_netlink_do_policy_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	struct vexipc_policy_use use;
	void *header;
	int err;

	if (!reply)
		return -ENOMEM;
	header = genlmsg_put_reply(reply, info, &vexipc_netlink_family, 0,
				   VEXIPC_CMD_POLICY_GET);
	vexipc_policy_use(vexipc_instance_of(genl_info_net(info)), &use);
	err = put_use(reply, &use);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

/* cb->args[0] is the index to go on at. */
int vexipc_netlink_dump_policies(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vexipc_policy_entry entry;

	for (; vexipc_policy_at(cb->args[0], &entry); cb->args[0]++) {
		void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
					   cb->nlh->nlmsg_seq, &vexipc_netlink_family,
					   NLM_F_MULTI, VEXIPC_CMD_POLICY_GET);

		if (!header)
			break;
		if (put_entry(skb, &entry)) {
			genlmsg_cancel(skb, header);
			break;
		}
		genlmsg_end(skb, header);
	}
	return skb->len;
}

int vexipc_netlink_do_policy_set(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[VEXIPC_POLICY_A_NAME + 1], *name;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VEXIPC_A_POLICY))
		return -EINVAL;
	err = vexipc_netlink_admin(skb, info);
	if (err) {
		NL_SET_ERR_MSG(info->extack, "choosing a policy needs CAP_NET_ADMIN");
		return err;
	}
	/* The command's policy has checked what is inside. */
	err = nla_parse_nested(tb, VEXIPC_POLICY_A_NAME, info->attrs[VEXIPC_A_POLICY], NULL,
			       NULL);
	if (err)
		return err;
	name = tb[VEXIPC_POLICY_A_NAME];
	if (!name) {
		NL_SET_ERR_ATTR_MISS(info->extack, info->attrs[VEXIPC_A_POLICY],
				     VEXIPC_POLICY_A_NAME);
		return -EINVAL;
	}
	err = vexipc_policy_name(vexipc_instance_of(genl_info_net(info)), nla_data(name),
				 strnlen(nla_data(name), nla_len(name)));
	if (err == -ENOENT)
		NL_SET_ERR_MSG_ATTR(info->extack, name, "no such policy is loaded");
	else if (err == -EOPNOTSUPP)
		NL_SET_ERR_MSG(info->extack, "the module was loaded without BTF");
	return err;
}
