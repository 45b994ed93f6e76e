// SPDX-License-Identifier: GPL-2.0-only
/* Services as netlink attributes: one, all of them, and in events. */
#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <net/genetlink.h>

#include "instance.h"
#include "message.h"
#include "netlink_socket.h"
#include "registry.h"

struct entry_field {
	u16 attr;
	u16 offset;
};

#define FIELD(attr_, field_) \
	{ VEXIPC_SVC_##attr_, offsetof(struct vexipc_service_entry, field_) }

static const struct entry_field fields_u64[] = {
	FIELD(HANDLE, handle),
	FIELD(FEATURES, features),
	FIELD(MEMORY_BYTES, memory_bytes),
	FIELD(REQUESTS, requests),
	FIELD(COMPLETED, completed),
	FIELD(FAILURES, failures),
	FIELD(BYTES_IN, bytes_in),
	FIELD(BYTES_OUT, bytes_out),
	FIELD(REGISTERED_NS, registered_ns),
	FIELD(LAST_HEARTBEAT_NS, last_heartbeat_ns),
	FIELD(QUEUE_NS, queue_ns),
};

static const struct entry_field fields_u32[] = {
	FIELD(SLOT, slot),
	FIELD(STATE, state),
	FIELD(HEALTH, health),
	FIELD(LOAD, load),
	FIELD(IN_FLIGHT, in_flight),
	FIELD(QUEUED, queued),
	FIELD(MAX_CONCURRENT, max_concurrent),
	FIELD(MAX_BATCH, max_batch),
	FIELD(DATA_TYPES, data_types),
	FIELD(PRIORITY, priority),
	FIELD(WEIGHT, weight),
	FIELD(TRANSPORT, transport),
	FIELD(LATENCY_US, latency_us),
	FIELD(THROUGHPUT, throughput),
	FIELD(CPU_PERMILLE, cpu_permille),
	FIELD(REPORTED_IN_FLIGHT, reported_in_flight),
	FIELD(REPORTED_QUEUE_DEPTH, reported_queue_depth),
	FIELD(AVERAGE_US, average_us),
	FIELD(P50_US, p50_us),
	FIELD(P90_US, p90_us),
	FIELD(P99_US, p99_us),
	FIELD(P999_US, p999_us),
	FIELD(AVAILABLE_MINUTE, available_minute),
	FIELD(AVAILABLE_HOUR, available_hour),
	FIELD(AVAILABLE_DAY, available_day),
	FIELD(UID, uid),
	FIELD(VERSION, version),
	FIELD(BREAKER, breaker),
	FIELD(BREAKER_OWN, breaker_own),
	FIELD(BREAKER_FAILURES, breaker_failures),
	FIELD(BREAKER_ERROR_PERCENT, breaker_error_percent),
	FIELD(BREAKER_MIN_VOLUME, breaker_min_volume),
	FIELD(BREAKER_EJECTION_MS, breaker_ejection_ms),
	FIELD(BREAKER_MAX_EJECTION_MS, breaker_max_ejection_ms),
	FIELD(LIMIT, limit),
};

static size_t list_room(const char *list, u32 len)
{
	const char *end = list + len;
	size_t room = 0;

	for (; list < end; list += strlen(list) + 1)
		room += nla_total_size(strlen(list) + 1);
	return room;
}

/**
 * vexipc_netlink_service_room() - bytes that a service takes as attributes
 * @svc: which
 */
size_t vexipc_netlink_service_room(const struct vexipc_service *svc)
{
	const struct vexipc_service_spec *spec = &svc->spec;

	return nla_total_size(ARRAY_SIZE(fields_u64) * nla_total_size_64bit(sizeof(u64)) +
			      /* and the pid and heartbeat_ms */
			      (ARRAY_SIZE(fields_u32) + 2) * nla_total_size(sizeof(u32)) +
			      spec->dimensions_count * nla_total_size(sizeof(u32)) +
			      nla_total_size(spec->id_len + 1) +
			      nla_total_size(spec->name_len + 1) +
			      nla_total_size(spec->software_version_len + 1) +
			      nla_total_size(spec->endpoint_len + 1) +
			      list_room(spec->models, spec->models_len) +
			      list_room(spec->metadata, spec->metadata_len));
}

/* A string that is not terminated here, but is there. */
static int put_string(struct sk_buff *skb, int attr, const char *s, u32 len)
{
	struct nlattr *nla;

	if (!len)
		return 0;
	nla = nla_reserve(skb, attr, len + 1);
	if (!nla)
		return -EMSGSIZE;
	memcpy(nla_data(nla), s, len);
	((char *)nla_data(nla))[len] = '\0';
	return 0;
}

static int put_list(struct sk_buff *skb, int attr, const char *list, u32 len)
{
	const char *end = list + len;

	for (; list < end; list += strlen(list) + 1)
		if (nla_put_string(skb, attr, list))
			return -EMSGSIZE;
	return 0;
}

static int put_spec(struct sk_buff *skb, const struct vexipc_service_spec *spec)
{
	for (u32 i = 0; i < spec->dimensions_count; i++)
		if (nla_put_u32(skb, VEXIPC_SVC_DIMENSIONS, spec->dimensions[i]))
			return -EMSGSIZE;
	return put_string(skb, VEXIPC_SVC_ID, spec->id, spec->id_len) ?:
	       put_string(skb, VEXIPC_SVC_NAME, spec->name, spec->name_len) ?:
	       put_string(skb, VEXIPC_SVC_SOFTWARE_VERSION, spec->software_version,
			  spec->software_version_len) ?:
	       put_string(skb, VEXIPC_SVC_ENDPOINT, spec->endpoint, spec->endpoint_len) ?:
	       put_list(skb, VEXIPC_SVC_MODEL, spec->models, spec->models_len) ?:
	       put_list(skb, VEXIPC_SVC_METADATA, spec->metadata, spec->metadata_len);
}

static int put_entry(struct sk_buff *skb, const struct vexipc_service_entry *entry)
{
	const void *base = entry;

	for (u32 i = 0; i < ARRAY_SIZE(fields_u64); i++) {
		const u64 *value = base + fields_u64[i].offset;

		if (nla_put_u64_64bit(skb, fields_u64[i].attr, *value, VEXIPC_SVC_PAD))
			return -EMSGSIZE;
	}
	for (u32 i = 0; i < ARRAY_SIZE(fields_u32); i++) {
		const u32 *value = base + fields_u32[i].offset;

		if (nla_put_u32(skb, fields_u32[i].attr, *value))
			return -EMSGSIZE;
	}
	return 0;
}

/**
 * vexipc_netlink_put_service() - put all there is to show of a service
 * @skb: with room for vexipc_netlink_service_room()
 * @svc: which; its lock is not held
 * @user_ns: whose eyes see the uid
 * @pid_ns: whose eyes see the pid; NULL leaves it out
 *
 * Return: 0, -EMSGSIZE and @skb holds part of it.
 */
int vexipc_netlink_put_service(struct sk_buff *skb, struct vexipc_service *svc,
			       struct user_namespace *user_ns,
			       struct pid_namespace *pid_ns)
{
	struct vexipc_service_entry entry;
	struct nlattr *nest;

	vexipc_service_entry_fill(svc, &entry, user_ns, pid_ns ?: &init_pid_ns);
	nest = nla_nest_start(skb, VEXIPC_A_SERVICE);
	if (!nest || put_spec(skb, &svc->spec) || put_entry(skb, &entry) ||
	    nla_put_u32(skb, VEXIPC_SVC_HEARTBEAT_MS, vexipc_heartbeat_ms(svc)))
		return -EMSGSIZE;
	if (pid_ns && nla_put_u32(skb, VEXIPC_SVC_PID, entry.pid))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

int vexipc_netlink_do_service_get(struct sk_buff *skb, struct genl_info *info)
{
	int err = vexipc_netlink_look(skb, genl_info_net(info), info->extack);
	struct vexipc_service *svc;
	struct sk_buff *reply;
	void *header;

	if (err)
		return err;
	svc = vexipc_netlink_service(info);
	if (IS_ERR(svc))
		return PTR_ERR(svc);
	err = -ENOMEM;
	reply = genlmsg_new(vexipc_netlink_service_room(svc), GFP_KERNEL);
	if (!reply)
		goto put;
	header = genlmsg_put_reply(reply, info, &vexipc_netlink_family, 0,
				   VEXIPC_CMD_SERVICE_GET);
	err = vexipc_netlink_put_service(reply, svc, current_user_ns(),
					 task_active_pid_ns(current));
	if (err) {
		nlmsg_free(reply);
		goto put;
	}
	genlmsg_end(reply, header);
	err = genlmsg_reply(reply, info);
put:
	vexipc_service_put(svc);
	return err;
}

static int parse_filter(const struct genl_info *info, struct vexipc_filter *filter)
{
	struct nlattr *tb[VEXIPC_SVC_STATES + 1];
	int err;

	if (!info->attrs[VEXIPC_A_SERVICE])
		return 0;
	/* The command's policy has checked what is inside. */
	err = nla_parse_nested(tb, VEXIPC_SVC_STATES, info->attrs[VEXIPC_A_SERVICE],
			       NULL, NULL);
	if (err)
		return err;
	if (tb[VEXIPC_SVC_DIMENSIONS])
		filter->dimensions = nla_get_u32(tb[VEXIPC_SVC_DIMENSIONS]);
	if (tb[VEXIPC_SVC_DATA_TYPES])
		filter->data_types = nla_get_u32(tb[VEXIPC_SVC_DATA_TYPES]);
	if (tb[VEXIPC_SVC_STATES])
		filter->states = nla_get_u32(tb[VEXIPC_SVC_STATES]);
	if (tb[VEXIPC_SVC_MODEL]) {
		filter->model = nla_data(tb[VEXIPC_SVC_MODEL]);
		filter->model_len = strnlen(filter->model, nla_len(tb[VEXIPC_SVC_MODEL]));
	}
	return 0;
}

/* A service with much metadata may want a larger buffer than dumps have. */
int vexipc_netlink_start_services(struct netlink_callback *cb)
{
	struct net *net = genl_info_net(genl_info_dump(cb));
	struct vexipc_instance *inst = vexipc_instance_of(net);
	struct vexipc_filter all = {};
	struct vexipc_service *svc;
	u32 slot = 0, room;
	int err;

	err = vexipc_netlink_look(cb->skb, net, cb->extack);
	if (err)
		return err;
	while ((svc = vexipc_registry_next(inst, &slot, &all))) {
		room = nlmsg_total_size(genlmsg_total_size(vexipc_netlink_service_room(svc)));
		vexipc_service_put(svc);
		if (room > NLMSG_GOODSIZE)
			cb->min_dump_alloc = max(cb->min_dump_alloc, room);
	}
	return 0;
}

static int dump_one(struct sk_buff *skb, struct netlink_callback *cb,
		    struct vexipc_service *svc)
{
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				   &vexipc_netlink_family, NLM_F_MULTI,
				   VEXIPC_CMD_SERVICE_GET);
	int err;

	if (!header)
		return -EMSGSIZE;
	err = vexipc_netlink_put_service(skb, svc, current_user_ns(),
					 task_active_pid_ns(current));
	if (err)
		genlmsg_cancel(skb, header);
	else
		genlmsg_end(skb, header);
	return err;
}

/*
 * By slot, so that services that come and go between two messages are shown
 * once or not at all, and the others once. cb->args[0] is the slot to go on at.
 */
int vexipc_netlink_dump_services(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	struct vexipc_instance *inst = vexipc_instance_of(genl_info_net(info));
	struct vexipc_filter filter = {};
	struct vexipc_service *svc;
	u32 slot = cb->args[0];
	int err;

	err = parse_filter(info, &filter);
	if (err)
		return err;
	while ((svc = vexipc_registry_next(inst, &slot, &filter))) {
		err = dump_one(skb, cb, svc);
		vexipc_service_put(svc);
		if (err)
			return skb->len ?: err;
		cb->args[0] = slot;
	}
	cb->args[0] = VEXIPC_MAX_SERVICES;
	return skb->len;
}
