// SPDX-License-Identifier: GPL-2.0-only
/* Netlink commands about the instance: figures, configuration, cancelling. */
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "config.h"
#include "instance.h"
#include "netlink_socket.h"
#include "registry.h"
#include "stats.h"

#define FIELD(attr_, field_) \
	[VEXIPC_STATS_##attr_] = offsetof(struct vexipc_stats, field_)

/* Where each figure is; none is at 0. */
static const u16 stats_offset[VEXIPC_STATS_MAX + 1] = {
	FIELD(SUBMITTED, submitted),
	FIELD(COMPLETED, completed),
	FIELD(FAILED, failed),
	FIELD(TIMED_OUT, timed_out),
	FIELD(CANCELLED, cancelled),
	FIELD(REFUSED, refused),
	FIELD(QUEUED, queued),
	FIELD(IN_FLIGHT, in_flight),
	FIELD(ORPHANS, orphans),
	FIELD(BAD_ANSWERS, bad_answers),
	FIELD(BAD_MESSAGES, bad_messages),
	FIELD(RETRIES, retries),
	FIELD(FAILOVERS, failovers),
	FIELD(EXPIRED, expired),
	FIELD(PROBES, probes),
	FIELD(PROBE_FAILURES, probe_failures),
	FIELD(HEARTBEATS, heartbeats),
	FIELD(ALERTS, alerts),
	FIELD(SEND_RETRIES, send_retries),
	FIELD(BYTES_IN, bytes_in),
	FIELD(BYTES_OUT, bytes_out),
	FIELD(BATCHES, batches),
	FIELD(BATCH_ITEMS, batch_items),
	FIELD(QUEUED_MAX, queued_max),
	FIELD(MAX_QUEUE_SIZE, max_queue_size),
	FIELD(MAX_CONCURRENT_REQUESTS, max_concurrent_requests),
	FIELD(SERVICES, services),
	FIELD(CLIENTS, clients),
	FIELD(REGISTERED, registered),
	FIELD(UNREGISTERED, unregistered),
	FIELD(SERVICES_DIED, services_died),
	FIELD(QUEUED_LOW, queued_low),
	FIELD(QUEUED_NORMAL, queued_normal),
	FIELD(QUEUED_HIGH, queued_high),
	FIELD(QUEUED_CRITICAL, queued_critical),
	FIELD(OVERFLOW, overflow),
	FIELD(OVERFLOWED, overflowed),
	FIELD(QUEUE_NS, queue_ns),
	FIELD(CARRIERS, carriers),
	FIELD(CARRIED, carried),
	FIELD(LIMITED_SESSION, limited_session),
	FIELD(LIMITED_USER, limited_user),
	FIELD(LIMITED_INSTANCE, limited_instance),
	FIELD(LIMITED_MODULE, limited_module),
	FIELD(LIMITED_SERVICE, limited_service),
	FIELD(HELD_BYTES, held_bytes),
	FIELD(DENIED_PRIVILEGE, denied_privilege),
	FIELD(DENIED_TOKEN, denied_token),
	FIELD(DENIED_RULE, denied_rule),
	FIELD(DENIED_PRIORITY, denied_priority),
	FIELD(CACHE_HITS, cache_hits),
	FIELD(CACHE_MISSES, cache_misses),
	FIELD(CACHE_INSERTIONS, cache_insertions),
	FIELD(CACHE_EVICTIONS, cache_evictions),
	FIELD(CACHE_EXPIRATIONS, cache_expirations),
	FIELD(CACHE_INVALIDATIONS, cache_invalidations),
	FIELD(CACHE_ENTRIES, cache_entries),
	FIELD(CACHE_BYTES, cache_bytes),
	FIELD(COALESCED, coalesced),
	FIELD(HEDGES, hedges),
	FIELD(HEDGES_WON, hedges_won),
};

#define STAT_ROOM nla_total_size_64bit(sizeof(u64))

static size_t stats_room(void)
{
	return nla_total_size(VEXIPC_STATS_MAX * STAT_ROOM +
			      2 * nla_total_size(VEXIPC_ERRORS * STAT_ROOM));
}

/* Attribute types are errors, and those that never happened are left out. */
static int put_by_error(struct sk_buff *skb, int attr, const u64 *by)
{
	struct nlattr *nest = nla_nest_start(skb, attr);

	if (!nest)
		return -EMSGSIZE;
	for (int i = 1; i < VEXIPC_ERRORS; i++)
		if (by[i] && nla_put_u64_64bit(skb, i, by[i], 0))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_stats(struct sk_buff *skb, const struct vexipc_stats *stats)
{
	struct nlattr *nest = nla_nest_start(skb, VEXIPC_A_STATS);

	if (!nest)
		return -EMSGSIZE;
	for (int i = 0; i <= VEXIPC_STATS_MAX; i++) {
		const u64 *value = (const void *)stats + stats_offset[i];

		if (stats_offset[i] &&
		    nla_put_u64_64bit(skb, i, *value, VEXIPC_STATS_PAD))
			return -EMSGSIZE;
	}
	if (put_by_error(skb, VEXIPC_STATS_REFUSED_BY, stats->refused_by) ||
	    put_by_error(skb, VEXIPC_STATS_FAILED_BY, stats->failed_by))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int gather_stats(struct vexipc_stats *stats, struct genl_info *info)
{
	struct vexipc_service *svc;

	if (!info->attrs[VEXIPC_A_SERVICE]) {
		vexipc_stats_instance(vexipc_instance_of(genl_info_net(info)), stats);
		return 0;
	}
	svc = vexipc_netlink_service(info);
	if (IS_ERR(svc))
		return PTR_ERR(svc);
	vexipc_stats_service(svc, stats);
	vexipc_service_put(svc);
	return 0;
}

static int reply_with(struct genl_info *info, u8 cmd, size_t room,
		      int (*put)(struct sk_buff *skb, const void *what), const void *what)
{
	struct sk_buff *reply = genlmsg_new(room, GFP_KERNEL);
	void *header;
	int err;

	if (!reply)
		return -ENOMEM;
	header = genlmsg_put_reply(reply, info, &vexipc_netlink_family, 0, cmd);
	err = put(reply, what);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

static int put_stats_reply(struct sk_buff *skb, const void *what)
{
	return put_stats(skb, what);
}

int vexipc_netlink_do_stats_get(struct sk_buff *skb, struct genl_info *info)
{
	struct vexipc_stats *stats __free(kfree) = kzalloc(sizeof(*stats), GFP_KERNEL);
	int err;

	BUILD_BUG_ON(ARRAY_SIZE(stats->refused_by) < VEXIPC_ERRORS);
	if (!stats)
		return -ENOMEM;
	err = vexipc_netlink_look(skb, genl_info_net(info), info->extack) ?:
	      gather_stats(stats, info);
	if (err)
		return err;
	return reply_with(info, VEXIPC_CMD_STATS_GET, stats_room(), put_stats_reply, stats);
}

static int put_config(struct sk_buff *skb, const void *what)
{
	const struct vexipc_instance *inst = what;
	struct nlattr *nest = nla_nest_start(skb, VEXIPC_A_CONFIG);

	if (!nest)
		return -EMSGSIZE;
	for (int i = 1; i <= VEXIPC_CONFIG_MAX; i++)
		if (nla_put_u64_64bit(skb, i, vexipc_config(inst, i), 0))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

int vexipc_netlink_do_config_get(struct sk_buff *skb, struct genl_info *info)
{
	return reply_with(info, VEXIPC_CMD_CONFIG_GET,
			  nla_total_size(VEXIPC_CONFIG_MAX * STAT_ROOM), put_config,
			  vexipc_instance_of(genl_info_net(info)));
}

static void explain(struct genl_info *info, const struct nlattr *attr, int err)
{
	switch (err) {
	case -ERANGE:
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr, "must be between %u and %u",
					vexipc_config_row(nla_type(attr))->min,
					vexipc_config_row(nla_type(attr))->max);
		break;
	case -EOPNOTSUPP:
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "this version can not do that");
		break;
	case -EPERM:
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "of all namespaces: set it in the first one");
		break;
	case -ENOENT:
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "no such field");
		break;
	}
}

int vexipc_netlink_do_config_set(struct sk_buff *skb, struct genl_info *info)
{
	struct vexipc_config_entry *entries __free(kfree) =
		kcalloc(VEXIPC_CONFIG_MAX, sizeof(*entries), GFP_KERNEL);
	const struct nlattr *attrs[VEXIPC_CONFIG_MAX], *attr;
	u32 count = 0, refused = 0;
	int err, rest;

	if (!entries)
		return -ENOMEM;
	if (GENL_REQ_ATTR_CHECK(info, VEXIPC_A_CONFIG))
		return -EINVAL;
	err = vexipc_netlink_admin(skb, info);
	if (err) {
		NL_SET_ERR_MSG(info->extack, "configuring needs CAP_NET_ADMIN");
		return err;
	}
	/*
	 * The command's policy has checked what is inside. Each is looked at,
	 * the same field named twice as well: all are right, or none is written.
	 */
	nla_for_each_nested(attr, info->attrs[VEXIPC_A_CONFIG], rest) {
		if (nla_type(attr) == VEXIPC_CONFIG_UNSPEC)
			continue;
		if (count == VEXIPC_CONFIG_MAX) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr, "too many fields");
			return -EINVAL;
		}
		attrs[count] = attr;
		entries[count].field = nla_type(attr);
		entries[count++].value = nla_get_u64(attr);
	}
	err = vexipc_config_write(vexipc_instance_of(genl_info_net(info)), entries, count,
				  &refused);
	if (err)
		explain(info, attrs[refused], err);
	return err;
}

int vexipc_netlink_do_cancel(struct sk_buff *skb, struct genl_info *info)
{
	struct vexipc_socket *socket;
	int err = -ESRCH;

	if (GENL_REQ_ATTR_CHECK(info, VEXIPC_A_REQUEST_ID))
		return -EINVAL;
	socket = vexipc_socket_find(skb, info);
	if (socket) {
		err = vexipc_endpoint_cancel(&socket->ep,
					     nla_get_u64(info->attrs[VEXIPC_A_REQUEST_ID]));
		vexipc_socket_leave(socket);
	}
	if (err == -ESRCH)
		NL_SET_ERR_MSG(info->extack, "no such request of this socket, or it is over");
	return err;
}
