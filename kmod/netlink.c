// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family: its commands, what each takes, and its events.
 *
 * Commands run under the core's lock for all families, held for reading, so
 * none waits for a request: what takes time is answered by a later message.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "access.h"
#include "context.h"
#include "instance.h"
#include "netlink.h"
#include "netlink_socket.h"
#include "protocol.h"
#include "registry.h"

enum { GROUP_DISCOVERY, GROUP_ALERTS };

/* Events are sent only while the family's groups are its own. */
static bool has_groups;

#define POLICY_STRING(max)	{ .type = NLA_STRING, .len = (max) }
#define POLICY_BINARY(max)	{ .type = NLA_BINARY, .len = (max) }
#define POLICY(type_)		{ .type = NLA_##type_ }

static const struct nla_policy register_service_policy[] = {
	[VEXIPC_SVC_ID] = POLICY_STRING(VEXIPC_MAX_NAME),
	[VEXIPC_SVC_NAME] = POLICY_STRING(VEXIPC_MAX_NAME),
	[VEXIPC_SVC_SOFTWARE_VERSION] = POLICY_STRING(VEXIPC_MAX_NAME),
	[VEXIPC_SVC_ENDPOINT] = POLICY_STRING(VEXIPC_MAX_ENDPOINT),
	[VEXIPC_SVC_MODEL] = POLICY_STRING(VEXIPC_MAX_MODELS_LEN - 1),
	[VEXIPC_SVC_METADATA] = POLICY_STRING(VEXIPC_MAX_METADATA_LEN - 1),
	[VEXIPC_SVC_TOKEN] = POLICY_BINARY(VEXIPC_MAX_TOKEN),
	[VEXIPC_SVC_DIMENSIONS] = POLICY(U32),
	[VEXIPC_SVC_DATA_TYPES] = POLICY(U32),
	[VEXIPC_SVC_MAX_BATCH] = POLICY(U32),
	[VEXIPC_SVC_PRIORITY] = POLICY(U32),
	[VEXIPC_SVC_WEIGHT] = POLICY(U32),
	[VEXIPC_SVC_MAX_CONCURRENT] = POLICY(U32),
	[VEXIPC_SVC_LATENCY_US] = POLICY(U32),
	[VEXIPC_SVC_THROUGHPUT] = POLICY(U32),
	[VEXIPC_SVC_TRANSPORT] = POLICY(U32),
	[VEXIPC_SVC_FLAGS] = POLICY(U32),
	[VEXIPC_SVC_VERSION_MIN] = POLICY(U32),
	[VEXIPC_SVC_VERSION_MAX] = POLICY(U32),
	[VEXIPC_SVC_FEATURES] = POLICY(U64),
};

static const struct nla_policy one_service_policy[] = {
	[VEXIPC_SVC_HANDLE] = POLICY(U64),
	[VEXIPC_SVC_ID] = POLICY_STRING(VEXIPC_MAX_NAME),
};

static const struct nla_policy filter_policy[] = {
	[VEXIPC_SVC_MODEL] = POLICY_STRING(VEXIPC_MAX_MODELS_LEN - 1),
	[VEXIPC_SVC_DIMENSIONS] = POLICY(U32),
	[VEXIPC_SVC_DATA_TYPES] = POLICY(U32),
	[VEXIPC_SVC_STATES] = POLICY(U32),
};

static const struct nla_policy heartbeat_service_policy[] = {
	[VEXIPC_SVC_CPU_PERMILLE] = POLICY(U32),
	[VEXIPC_SVC_MEMORY_BYTES] = POLICY(U64),
	[VEXIPC_SVC_REPORTED_IN_FLIGHT] = POLICY(U32),
	[VEXIPC_SVC_REPORTED_QUEUE_DEPTH] = POLICY(U32),
};

static const struct nla_policy policy_name_policy[] = {
	[VEXIPC_POLICY_A_NAME] = POLICY_STRING(VEXIPC_POLICY_NAME_LEN - 1),
};

static const struct nla_policy new_token_policy[] = {
	[VEXIPC_TOKEN_A_LABEL] = POLICY_STRING(VEXIPC_MAX_NAME - 1),
	[VEXIPC_TOKEN_A_PATTERN] = POLICY_STRING(VEXIPC_MAX_NAME - 1),
	[VEXIPC_TOKEN_A_MODELS] = POLICY_STRING(VEXIPC_MAX_NAME - 1),
	[VEXIPC_TOKEN_A_FLAGS] = POLICY(U32),
	[VEXIPC_TOKEN_A_USES] = POLICY(U32),
	[VEXIPC_TOKEN_A_MAX_SERVICES] = POLICY(U32),
	[VEXIPC_TOKEN_A_MAX_PRIORITY] = POLICY(U32),
	[VEXIPC_TOKEN_A_EXPIRES_SEC] = POLICY(U32),
};

static const struct nla_policy old_token_policy[] = {
	[VEXIPC_TOKEN_A_ID] = POLICY(U64),
	[VEXIPC_TOKEN_A_UNREGISTER] = POLICY(FLAG),
};

static const struct nla_policy new_rule_policy[] = {
	[VEXIPC_RULE_A_BEFORE] = POLICY(U64),
	[VEXIPC_RULE_A_UID] = POLICY(U32),
	[VEXIPC_RULE_A_GID] = POLICY(U32),
	[VEXIPC_RULE_A_CGROUP] = POLICY(U64),
	[VEXIPC_RULE_A_ALLOW] = POLICY(U32),
	[VEXIPC_RULE_A_MAX_PRIORITY] = POLICY(U32),
	[VEXIPC_RULE_A_MODELS] = POLICY_STRING(VEXIPC_MAX_NAME - 1),
};

static const struct nla_policy old_rule_policy[] = {
	[VEXIPC_RULE_A_ID] = POLICY(U64),
};

static const struct nla_policy cache_flush_policy[] = {
	[VEXIPC_CACHE_A_MODEL] = POLICY_STRING(VEXIPC_MAX_NAME),
	[VEXIPC_CACHE_A_SERVICE] = POLICY_STRING(VEXIPC_MAX_NAME),
};

static const struct nla_policy config_fields_policy[VEXIPC_CONFIG_MAX + 1] = {
	[1 ... VEXIPC_CONFIG_MAX] = POLICY(U64),
};

static const struct nla_policy register_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_SERVICE] = NLA_POLICY_NESTED(register_service_policy),
};

static const struct nla_policy unregister_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_SERVICE] = NLA_POLICY_NESTED(one_service_policy),
	[VEXIPC_A_DRAIN] = POLICY(FLAG),
};

static const struct nla_policy heartbeat_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_SERVICE] = NLA_POLICY_NESTED(heartbeat_service_policy),
};

static const struct nla_policy service_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_SERVICE] = NLA_POLICY_NESTED(one_service_policy),
};

static const struct nla_policy services_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_SERVICE] = NLA_POLICY_NESTED(filter_policy),
};

static const struct nla_policy service_set_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_SERVICE] = NLA_POLICY_NESTED(one_service_policy),
	[VEXIPC_A_CONTROL] = NLA_POLICY_RANGE(NLA_U32, VEXIPC_CONTROL_DRAIN,
					      VEXIPC_CONTROL_OPS - 1),
	[VEXIPC_A_CONFIG] = NLA_POLICY_NESTED(config_fields_policy),
};

static const struct nla_policy none_policy[VEXIPC_A_MAX + 1] = {};

static const struct nla_policy config_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_CONFIG] = NLA_POLICY_NESTED(config_fields_policy),
};

static const struct nla_policy policy_set_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_POLICY] = NLA_POLICY_NESTED(policy_name_policy),
};

static const struct nla_policy token_new_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_TOKEN] = NLA_POLICY_NESTED(new_token_policy),
};

static const struct nla_policy token_del_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_TOKEN] = NLA_POLICY_NESTED(old_token_policy),
};

static const struct nla_policy rule_new_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_RULE] = NLA_POLICY_NESTED(new_rule_policy),
};

static const struct nla_policy rule_del_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_RULE] = NLA_POLICY_NESTED(old_rule_policy),
};

static const struct nla_policy cache_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_CACHE] = NLA_POLICY_NESTED(cache_flush_policy),
};

static const struct nla_policy message_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_MESSAGE] = POLICY_BINARY(VEXIPC_FRAGMENT_MAX),
	[VEXIPC_A_OFFSET] = POLICY(U32),
	[VEXIPC_A_TOTAL] = POLICY(U32),
};

static const struct nla_policy fetch_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_CORRELATION] = POLICY(U64),
	[VEXIPC_A_OFFSET] = POLICY(U32),
};

static const struct nla_policy cancel_policy[VEXIPC_A_MAX + 1] = {
	[VEXIPC_A_REQUEST_ID] = POLICY(U64),
};

#define DO(cmd_, doit_, policy_) { \
		.cmd = VEXIPC_CMD_##cmd_, \
		.doit = vexipc_netlink_do_##doit_, \
		.policy = (policy_), \
		.maxattr = VEXIPC_A_MAX, \
		.flags = GENL_CMD_CAP_DO, \
	}

static const struct genl_split_ops ops[] = {
	DO(REGISTER, register, register_policy),
	DO(UNREGISTER, unregister, unregister_policy),
	DO(HEARTBEAT, heartbeat, heartbeat_policy),
	DO(SERVICE_GET, service_get, service_policy),
	{
		.cmd = VEXIPC_CMD_SERVICE_GET,
		.start = vexipc_netlink_start_services,
		.dumpit = vexipc_netlink_dump_services,
		.policy = services_policy,
		.maxattr = VEXIPC_A_MAX,
		.flags = GENL_CMD_CAP_DUMP,
	},
	DO(SERVICE_SET, service_set, service_set_policy),
	DO(STATS_GET, stats_get, service_policy),
	DO(CONFIG_GET, config_get, none_policy),
	DO(CONFIG_SET, config_set, config_policy),
	DO(REQUEST, message, message_policy),
	DO(RESPONSE, message, message_policy),
	DO(FETCH, fetch, fetch_policy),
	DO(CANCEL, cancel, cancel_policy),
	DO(POLICY_GET, policy_get, none_policy),
	{
		.cmd = VEXIPC_CMD_POLICY_GET,
		.dumpit = vexipc_netlink_dump_policies,
		.policy = none_policy,
		.maxattr = VEXIPC_A_MAX,
		.flags = GENL_CMD_CAP_DUMP,
	},
	DO(POLICY_SET, policy_set, policy_set_policy),
	{
		.cmd = VEXIPC_CMD_TOKEN_GET,
		.start = vexipc_netlink_start_access,
		.dumpit = vexipc_netlink_dump_tokens,
		.policy = none_policy,
		.maxattr = VEXIPC_A_MAX,
		.flags = GENL_CMD_CAP_DUMP,
	},
	DO(TOKEN_NEW, token_new, token_new_policy),
	DO(TOKEN_DEL, token_del, token_del_policy),
	{
		.cmd = VEXIPC_CMD_RULE_GET,
		.start = vexipc_netlink_start_access,
		.dumpit = vexipc_netlink_dump_rules,
		.policy = none_policy,
		.maxattr = VEXIPC_A_MAX,
		.flags = GENL_CMD_CAP_DUMP,
	},
	DO(RULE_NEW, rule_new, rule_new_policy),
	DO(RULE_DEL, rule_del, rule_del_policy),
	DO(CACHE_FLUSH, cache_flush, cache_policy),
};

static const struct genl_multicast_group groups[] = {
	[GROUP_DISCOVERY] = { .name = VEXIPC_MCGRP_DISCOVERY },
	[GROUP_ALERTS] = { .name = VEXIPC_MCGRP_ALERTS },
};

struct genl_family vexipc_netlink_family __ro_after_init = {
	.name = VEXIPC_GENL_NAME,
	.version = VEXIPC_GENL_VERSION,
	.maxattr = VEXIPC_A_MAX,
	.module = THIS_MODULE,
	.netnsok = true,
	.parallel_ops = true,
	.resv_start_op = 1,	/* strict from the first command on */
	.split_ops = ops,
	.n_split_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

static bool sender_capable(const struct vexipc_context *ctx)
{
	return netlink_ns_capable(ctx->subject, ctx->inst->net->user_ns, CAP_NET_ADMIN);
}

/**
 * vexipc_netlink_context() - on whose behalf a command runs
 * @ctx: to fill; admin is for those to set who ask for it
 * @skb: the command; its sender is inside sendmsg(), so the socket is open
 * @net: its namespace
 *
 * Access rules go by who opened the socket: a privileged program may be tricked
 * into writing what it did not make up.
 */
void vexipc_netlink_context(struct vexipc_context *ctx, const struct sk_buff *skb,
			    struct net *net)
{
	const struct socket *sock = NETLINK_CB(skb).sk->sk_socket;

	vexipc_context_current(ctx, vexipc_instance_of(net));
	if (sock && sock->file)
		ctx->cred = sock->file->f_cred;
	ctx->capable = sender_capable;
	ctx->subject = skb;
}

/**
 * vexipc_netlink_admin() - may the sender administer?
 * @skb: the command
 * @info: of it
 *
 * Return: 0, -EPERM and it is counted.
 */
int vexipc_netlink_admin(struct sk_buff *skb, struct genl_info *info)
{
	struct vexipc_context ctx;

	vexipc_netlink_context(&ctx, skb, genl_info_net(info));
	if (vexipc_access_admin(&ctx))
		return 0;
	return vexipc_access_deny(&ctx, VEXIPC_OPERATION_ADMINISTER,
				  VEXIPC_DENIAL_PRIVILEGE);
}

/**
 * vexipc_netlink_look() - may the sender see services and figures?
 * @skb: the command
 * @net: its namespace
 * @extack: where the reason goes
 *
 * Return: 0, -EACCES and it is counted.
 */
int vexipc_netlink_look(struct sk_buff *skb, struct net *net,
			struct netlink_ext_ack *extack)
{
	struct vexipc_context ctx;
	int err;

	vexipc_netlink_context(&ctx, skb, net);
	err = vexipc_access_look(&ctx);
	if (err)
		NL_SET_ERR_MSG(extack, "an access rule forbids to look: see vexipc rule list");
	return err;
}

static bool wanted(struct vexipc_instance *inst, int group)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "events need RCU");
	return READ_ONCE(has_groups) &&
	       genl_has_listeners(&vexipc_netlink_family, inst->net, group);
}

/* Begin an event with room for so many bytes of attributes. */
static struct sk_buff *event_begin(size_t room, void **header)
{
	struct sk_buff *skb = genlmsg_new(room, GFP_ATOMIC | __GFP_NOWARN);

	if (skb)
		*header = genlmsg_put(skb, 0, 0, &vexipc_netlink_family, 0,
				      VEXIPC_CMD_EVENT);
	return skb;
}

static void event_end(struct vexipc_instance *inst, int group, struct sk_buff *skb,
		      void *header, int err)
{
	if (err) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, header);
	genlmsg_multicast_netns(&vexipc_netlink_family, inst->net, skb, 0, group, GFP_ATOMIC);
}

/**
 * vexipc_netlink_discovery() - ask services for a sign of life
 * @inst: whose
 * @image: the DISCOVERY message, sealed
 *
 * Context: any but hard interrupts.
 */
void vexipc_netlink_discovery(struct vexipc_instance *inst,
			      const struct vexipc_image *image)
{
	struct sk_buff *skb;
	void *header;

	rcu_read_lock();
	if (wanted(inst, GROUP_DISCOVERY)) {
		skb = event_begin(vexipc_netlink_piece_room(vexipc_image_len(image), false),
				  &header);
		if (skb)
			event_end(inst, GROUP_DISCOVERY, skb, header,
				  vexipc_netlink_put_piece(skb, image, 0, false));
	}
	rcu_read_unlock();
}

/**
 * vexipc_netlink_service_event() - tell that a service came, went or changed
 * @svc: which; its lock is not held
 *
 * Context: any but hard interrupts.
 */
void vexipc_netlink_service_event(struct vexipc_service *svc)
{
	struct vexipc_instance *inst = svc->inst;
	struct sk_buff *skb;
	void *header;

	rcu_read_lock();
	if (wanted(inst, GROUP_DISCOVERY)) {
		skb = event_begin(vexipc_netlink_service_room(svc), &header);
		/* A pid would mean something else to each listener. */
		if (skb)
			event_end(inst, GROUP_DISCOVERY, skb, header,
				  vexipc_netlink_put_service(skb, svc, inst->net->user_ns,
							     NULL));
	}
	rcu_read_unlock();
}

static int put_alert(struct sk_buff *skb, enum vexipc_alert_kind kind, u64 time_ns,
		     const struct vexipc_service *svc, u64 value, const char *text)
{
	struct nlattr *nest = nla_nest_start(skb, VEXIPC_A_ALERT);
	char id[VEXIPC_MAX_NAME + 1];

	if (!nest || nla_put_u32(skb, VEXIPC_ALERT_A_KIND, kind) ||
	    nla_put_u64_64bit(skb, VEXIPC_ALERT_A_TIME_NS, time_ns, VEXIPC_ALERT_A_PAD) ||
	    nla_put_u64_64bit(skb, VEXIPC_ALERT_A_VALUE, value, VEXIPC_ALERT_A_PAD) ||
	    nla_put_string(skb, VEXIPC_ALERT_A_TEXT, text))
		return -EMSGSIZE;
	if (svc) {
		memcpy(id, svc->key, VEXIPC_MAX_NAME);
		id[VEXIPC_MAX_NAME] = '\0';
		if (nla_put_string(skb, VEXIPC_ALERT_A_SERVICE, id))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * vexipc_netlink_alert() - tell who listens what went wrong
 * @inst: where
 * @kind: what
 * @time_ns: when, CLOCK_MONOTONIC
 * @svc: which service is meant, or NULL
 * @value: what the kind counts
 * @text: for people
 *
 * Context: any but hard interrupts.
 */
void vexipc_netlink_alert(struct vexipc_instance *inst, enum vexipc_alert_kind kind,
			  u64 time_ns, const struct vexipc_service *svc, u64 value,
			  const char *text)
{
	size_t room = nla_total_size(nla_total_size(sizeof(u32)) +
				     2 * nla_total_size_64bit(sizeof(u64)) +
				     nla_total_size(strlen(text) + 1) +
				     nla_total_size(VEXIPC_MAX_NAME + 1));
	struct sk_buff *skb;
	void *header;

	rcu_read_lock();
	if (wanted(inst, GROUP_ALERTS)) {
		skb = event_begin(room, &header);
		if (skb)
			event_end(inst, GROUP_ALERTS, skb, header,
				  put_alert(skb, kind, time_ns, svc, value, text));
	}
	rcu_read_unlock();
}

/**
 * vexipc_netlink_init() - from now on sockets can talk to the module
 *
 * Every instance is there. Return: 0, or a negative errno.
 */
int __init vexipc_netlink_init(void)
{
	int err = vexipc_sockets_init();

	if (err)
		return err;
	err = genl_register_family(&vexipc_netlink_family);
	if (err) {
		vexipc_sockets_exit();
		return err;
	}
	WRITE_ONCE(has_groups, true);
	return 0;
}

/**
 * vexipc_netlink_exit() - no command comes any more, no event goes out
 *
 * Endpoints of sockets stay: vexipc_netlink_close_all() closes those of each
 * instance afterwards.
 */
void vexipc_netlink_exit(void)
{
	/* The groups' numbers may be another family's in a moment. */
	WRITE_ONCE(has_groups, false);
	synchronize_rcu();
	genl_unregister_family(&vexipc_netlink_family);
	vexipc_sockets_exit();
}
