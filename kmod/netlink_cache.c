// SPDX-License-Identifier: GPL-2.0-only
/* The cache as netlink sees it: what it can be told to forget. */
#include <linux/errno.h>
#include <net/genetlink.h>

#include "cache.h"
#include "instance.h"
#include "netlink_socket.h"

/* A string of the command's policy: its bytes without a NUL. */
static u32 name_of(const struct nlattr *attr, const char **name)
{
	if (!attr)
		return 0;
	*name = nla_data(attr);
	return strnlen(*name, nla_len(attr));
}

static int reply_flushed(struct genl_info *info, u32 flushed)
{
	struct sk_buff *reply = genlmsg_new(nla_total_size(nla_total_size(sizeof(u32))),
					    GFP_KERNEL);
	struct nlattr *nest;
	void *header;

	if (!reply)
		return -ENOMEM;
	header = genlmsg_put_reply(reply, info, &vexipc_netlink_family, 0,
				   VEXIPC_CMD_CACHE_FLUSH);
	nest = nla_nest_start(reply, VEXIPC_A_CACHE);
	if (!nest || nla_put_u32(reply, VEXIPC_CACHE_A_FLUSHED, flushed)) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	nla_nest_end(reply, nest);
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

int vexipc_netlink_do_cache_flush(struct sk_buff *skb, struct genl_info *info)
{
	struct vexipc_instance *inst = vexipc_instance_of(genl_info_net(info));
	struct nlattr *tb[VEXIPC_CACHE_A_MAX + 1] = {};
	const char *model = NULL, *service = NULL;
	u32 model_len, service_len;
	int err;

	err = vexipc_netlink_admin(skb, info);
	if (err) {
		NL_SET_ERR_MSG(info->extack, "flushing the cache needs CAP_NET_ADMIN");
		return err;
	}
	if (info->attrs[VEXIPC_A_CACHE]) {
		/* The command's policy has checked what is inside. */
		err = nla_parse_nested(tb, VEXIPC_CACHE_A_MAX, info->attrs[VEXIPC_A_CACHE],
				       NULL, NULL);
		if (err)
			return err;
	}
	model_len = name_of(tb[VEXIPC_CACHE_A_MODEL], &model);
	service_len = name_of(tb[VEXIPC_CACHE_A_SERVICE], &service);
	/* Named, but empty, it is nobody's; to mean all would be a trap. */
	if ((tb[VEXIPC_CACHE_A_MODEL] && !model_len) ||
	    (tb[VEXIPC_CACHE_A_SERVICE] && !service_len)) {
		NL_SET_ERR_MSG(info->extack, "a name is empty");
		return -EINVAL;
	}
	return reply_flushed(info, vexipc_cache_flush(inst, model, model_len, service,
						      service_len));
}
