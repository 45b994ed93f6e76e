// SPDX-License-Identifier: GPL-2.0-only
/* Netlink commands of services and of who administers them. */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "access.h"
#include "context.h"
#include "health.h"
#include "instance.h"
#include "message.h"
#include "netlink_socket.h"
#include "registry.h"

/* Length of a string attribute; user space may terminate it or not. */
static u32 string_len(const struct nlattr *attr)
{
	const char *s = nla_data(attr);
	u32 len = nla_len(attr);

	return len && !s[len - 1] ? len - 1 : len;
}

/**
 * vexipc_netlink_service() - the service that a command names
 * @info: of the command, with VEXIPC_A_SERVICE of ID or HANDLE
 *
 * Return: the service with a reference; -EINVAL none is named; -ENOENT.
 */
struct vexipc_service *vexipc_netlink_service(struct genl_info *info)
{
	struct vexipc_instance *inst = vexipc_instance_of(genl_info_net(info));
	struct nlattr *tb[VEXIPC_SVC_ID + 1];
	struct vexipc_service *svc;
	struct nlattr *id, *handle;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VEXIPC_A_SERVICE))
		return ERR_PTR(-EINVAL);
	/* The command's policy has checked what is inside. */
	err = nla_parse_nested(tb, VEXIPC_SVC_ID, info->attrs[VEXIPC_A_SERVICE], NULL,
			       info->extack);
	if (err)
		return ERR_PTR(err);
	id = tb[VEXIPC_SVC_ID];
	handle = tb[VEXIPC_SVC_HANDLE];
	if (!id == !handle) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[VEXIPC_A_SERVICE],
				    "name the service by its id or its handle");
		return ERR_PTR(-EINVAL);
	}
	if (id)
		svc = vexipc_registry_by_id(inst, nla_data(id), string_len(id));
	else
		svc = vexipc_registry_by_handle(inst, nla_get_u64(handle));
	if (svc)
		return svc;
	NL_SET_ERR_MSG_ATTR(info->extack, id ?: handle, "no such service");
	return ERR_PTR(-ENOENT);
}

static void add_string(struct vexipc_service_spec *spec, char **to, const struct nlattr *attr)
{
	u32 len = string_len(attr);
	const char *s = *to;

	switch (nla_type(attr)) {
	case VEXIPC_SVC_ID:
		spec->id = s;
		spec->id_len = len;
		break;
	case VEXIPC_SVC_NAME:
		spec->name = s;
		spec->name_len = len;
		break;
	case VEXIPC_SVC_SOFTWARE_VERSION:
		spec->software_version = s;
		spec->software_version_len = len;
		break;
	case VEXIPC_SVC_ENDPOINT:
		spec->endpoint = s;
		spec->endpoint_len = len;
		break;
	default:
		return;
	}
	memcpy(*to, nla_data(attr), len);
	*to += len;
}

/* All models, or all metadata, as one list of terminated strings. */
static u32 add_list(char **to, const struct nlattr *nest, int type)
{
	const char *list = *to;
	struct nlattr *attr;
	int rest;

	nla_for_each_nested(attr, nest, rest) {
		u32 len = string_len(attr);

		if (nla_type(attr) != type)
			continue;
		memcpy(*to, nla_data(attr), len);
		*to += len;
		*(*to)++ = '\0';
	}
	return *to - list;
}

static void add_number(struct vexipc_service_spec *spec, const struct nlattr *attr)
{
	static const u16 offsets[VEXIPC_SVC_VERSION_MAX + 1] = {
		[VEXIPC_SVC_DATA_TYPES] = offsetof(struct vexipc_service_spec, data_types),
		[VEXIPC_SVC_MAX_BATCH] = offsetof(struct vexipc_service_spec, max_batch),
		[VEXIPC_SVC_PRIORITY] = offsetof(struct vexipc_service_spec, priority),
		[VEXIPC_SVC_WEIGHT] = offsetof(struct vexipc_service_spec, weight),
		[VEXIPC_SVC_MAX_CONCURRENT] = offsetof(struct vexipc_service_spec, max_concurrent),
		[VEXIPC_SVC_LATENCY_US] = offsetof(struct vexipc_service_spec, latency_us),
		[VEXIPC_SVC_THROUGHPUT] = offsetof(struct vexipc_service_spec, throughput),
		[VEXIPC_SVC_TRANSPORT] = offsetof(struct vexipc_service_spec, transport),
		[VEXIPC_SVC_FLAGS] = offsetof(struct vexipc_service_spec, flags),
		[VEXIPC_SVC_VERSION_MIN] = offsetof(struct vexipc_service_spec, version_min),
		[VEXIPC_SVC_VERSION_MAX] = offsetof(struct vexipc_service_spec, version_max),
	};
	u32 type = nla_type(attr);

	/* No number lies where the strings are. */
	if (type < ARRAY_SIZE(offsets) && offsets[type])
		*(u32 *)((void *)spec + offsets[type]) = nla_get_u32(attr);
}

/* The policy has seen to the size of each attribute, the registry does the rest. */
static int parse_spec(struct vexipc_service_spec *spec, struct genl_info *info)
{
	struct nlattr *nest = info->attrs[VEXIPC_A_SERVICE], *attr;
	char *to;
	int rest;

	*spec = (struct vexipc_service_spec) {};
	/* Each string is shorter than its attribute, terminated or not. */
	spec->strings = kvmalloc(nla_len(nest) + 1, GFP_KERNEL_ACCOUNT);
	if (!spec->strings)
		return -ENOMEM;
	to = spec->strings;
	nla_for_each_nested(attr, nest, rest) {
		switch (nla_type(attr)) {
		case VEXIPC_SVC_FEATURES:
			spec->features = nla_get_u64(attr);
			break;
		case VEXIPC_SVC_TOKEN:
			/* Named twice, the last counts; there is room for both. */
			spec->token = to;
			spec->token_len = nla_len(attr);
			memcpy(to, nla_data(attr), nla_len(attr));
			to += nla_len(attr);
			break;
		case VEXIPC_SVC_DIMENSIONS:
			if (spec->dimensions_count == VEXIPC_MAX_SERVICE_DIMENSIONS) {
				NL_SET_ERR_MSG_ATTR(info->extack, attr, "too many dimensions");
				kvfree(spec->strings);
				return -EINVAL;
			}
			spec->dimensions[spec->dimensions_count++] = nla_get_u32(attr);
			break;
		default:
			add_string(spec, &to, attr);
			add_number(spec, attr);
		}
	}
	spec->models = to;
	spec->models_len = add_list(&to, nest, VEXIPC_SVC_MODEL);
	spec->metadata = to;
	spec->metadata_len = add_list(&to, nest, VEXIPC_SVC_METADATA);
	return 0;
}

static void explain(struct netlink_ext_ack *extack, int err)
{
	switch (err) {
	case -EPERM:
		NL_SET_ERR_MSG(extack, "registering needs CAP_NET_ADMIN or a token");
		break;
	case -EACCES:
		NL_SET_ERR_MSG(extack, "the token is unknown, over, or not good for this service");
		break;
	case -EEXIST:
		NL_SET_ERR_MSG(extack, "the id is taken, or this socket has a service");
		break;
	case -ENFILE:
		NL_SET_ERR_MSG(extack, "too many services: unregister one");
		break;
	case -EPROTONOSUPPORT:
		NL_SET_ERR_MSG(extack, "no common version: ours is 1");
		break;
	case -EOPNOTSUPP:
		NL_SET_ERR_MSG(extack, "no such transport here, or unknown flag");
		break;
	case -EINVAL:
		NL_SET_ERR_MSG(extack, "no id, or a wrong length, version range or mask");
		break;
	case -ERANGE:
		NL_SET_ERR_MSG(extack, "a number is out of its range");
		break;
	case -EILSEQ:
		NL_SET_ERR_MSG(extack, "a string that is not plain UTF-8");
		break;
	case -ESHUTDOWN:
		NL_SET_ERR_MSG(extack, "vexipc is shutting down");
		break;
	}
}

static int put_registered(struct sk_buff *reply, const struct vexipc_service *svc)
{
	struct nlattr *nest = nla_nest_start(reply, VEXIPC_A_SERVICE);

	if (!nest ||
	    nla_put_u64_64bit(reply, VEXIPC_SVC_HANDLE, svc->handle, VEXIPC_SVC_PAD) ||
	    nla_put_u32(reply, VEXIPC_SVC_VERSION, svc->version) ||
	    nla_put_u64_64bit(reply, VEXIPC_SVC_FEATURES, svc->features, VEXIPC_SVC_PAD) ||
	    nla_put_u32(reply, VEXIPC_SVC_HEARTBEAT_MS, vexipc_heartbeat_ms(svc)))
		return -EMSGSIZE;
	nla_nest_end(reply, nest);
	return 0;
}

static int add_service(struct vexipc_context *ctx, struct vexipc_socket *socket,
		       struct sk_buff *reply, struct genl_info *info)
{
	struct vexipc_service_spec spec;
	struct vexipc_service *svc;
	void *header;
	int err;

	err = parse_spec(&spec, info);
	if (err)
		goto free;
	svc = vexipc_registry_add(ctx, &socket->ep, &spec);
	if (IS_ERR(svc)) {
		err = PTR_ERR(svc);
		explain(info->extack, err);
		goto free;
	}
	header = genlmsg_put_reply(reply, info, &vexipc_netlink_family, 0, VEXIPC_CMD_REGISTER);
	err = put_registered(reply, svc);
	if (err) {
		nlmsg_free(reply);
	} else {
		genlmsg_end(reply, header);
		err = genlmsg_reply(reply, info);
	}
	/* Who does not learn that it is registered will not serve. */
	if (err)
		vexipc_registry_take_back(svc);
	vexipc_service_put(svc);
	return err;
free:
	nlmsg_free(reply);
	return err;
}

/* Who can not succeed gets no endpoint. */
static bool may_register(const struct vexipc_context *ctx, const struct genl_info *info)
{
	return ctx->admin ||
	       !vexipc_config(ctx->inst, VEXIPC_CONFIG_ENABLE_AUTHENTICATION) ||
	       nla_find_nested(info->attrs[VEXIPC_A_SERVICE], VEXIPC_SVC_TOKEN);
}

int vexipc_netlink_do_register(struct sk_buff *skb, struct genl_info *info)
{
	struct vexipc_socket *socket;
	struct vexipc_context ctx;
	struct sk_buff *reply;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VEXIPC_A_SERVICE))
		return -EINVAL;
	vexipc_netlink_context(&ctx, skb, genl_info_net(info));
	ctx.admin = vexipc_access_admin(&ctx);
	if (!may_register(&ctx, info)) {
		err = vexipc_access_deny(&ctx, VEXIPC_OPERATION_REGISTER,
					 VEXIPC_DENIAL_PRIVILEGE);
		explain(info->extack, err);
		return err;
	}
	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	socket = vexipc_socket_make(skb, info, ctx.admin);
	if (IS_ERR(socket)) {
		nlmsg_free(reply);
		return PTR_ERR(socket);
	}
	err = add_service(&ctx, socket, reply, info);
	vexipc_socket_leave(socket);
	return err;
}

/* The service that the sender registered through this very socket, or NULL. */
static struct vexipc_service *own_service(struct vexipc_socket *socket)
{
	return socket ? vexipc_endpoint_service(&socket->ep) : NULL;
}

static int remove_service(struct vexipc_service *svc, struct genl_info *info)
{
	struct sk_buff *reply = genlmsg_new(nla_total_size(sizeof(u32)), GFP_KERNEL);
	void *header;
	int moved = 0;

	if (!reply)
		return -ENOMEM;
	if (info->attrs[VEXIPC_A_DRAIN])
		vexipc_registry_leave_when_idle(svc);
	else
		moved = vexipc_registry_remove(svc, false);
	if (moved < 0) {
		NL_SET_ERR_MSG(info->extack, "it has just gone");
		nlmsg_free(reply);
		return moved;
	}
	header = genlmsg_put_reply(reply, info, &vexipc_netlink_family, 0,
				   VEXIPC_CMD_UNREGISTER);
	nla_put_u32(reply, VEXIPC_A_FAILED_OVER, moved);
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

/* Without a service named, the socket's own. */
static int unregister(struct sk_buff *skb, struct genl_info *info,
		      struct vexipc_socket *socket)
{
	struct vexipc_service *own = own_service(socket), *svc = own;
	int err;

	if (info->attrs[VEXIPC_A_SERVICE])
		svc = vexipc_netlink_service(info);
	if (IS_ERR_OR_NULL(svc)) {
		if (!svc)
			NL_SET_ERR_MSG(info->extack, "this socket has no service: name one");
		err = svc ? PTR_ERR(svc) : -ENOENT;
		goto put_own;
	}
	err = svc == own ? 0 : vexipc_netlink_admin(skb, info);
	if (err)
		NL_SET_ERR_MSG(info->extack, "another's service: this needs CAP_NET_ADMIN");
	else
		err = remove_service(svc, info);
	if (info->attrs[VEXIPC_A_SERVICE])
		vexipc_service_put(svc);
put_own:
	if (own)
		vexipc_service_put(own);
	return err;
}

int vexipc_netlink_do_unregister(struct sk_buff *skb, struct genl_info *info)
{
	struct vexipc_socket *socket = vexipc_socket_find(skb, info);
	int err = unregister(skb, info, socket);

	if (socket)
		vexipc_socket_leave(socket);
	return err;
}

static void heartbeat(struct vexipc_service *svc, struct genl_info *info)
{
	struct vexipc_heartbeat_body body = { .handle = cpu_to_le64(svc->handle) };
	struct nlattr *nest = info->attrs[VEXIPC_A_SERVICE], *attr;
	int rest;

	if (nest) {
		nla_for_each_nested(attr, nest, rest) {
			switch (nla_type(attr)) {
			case VEXIPC_SVC_CPU_PERMILLE:
				body.cpu_permille = cpu_to_le32(nla_get_u32(attr));
				break;
			case VEXIPC_SVC_MEMORY_BYTES:
				body.memory_bytes = cpu_to_le64(nla_get_u64(attr));
				break;
			case VEXIPC_SVC_REPORTED_IN_FLIGHT:
				body.in_flight = cpu_to_le32(nla_get_u32(attr));
				break;
			case VEXIPC_SVC_REPORTED_QUEUE_DEPTH:
				body.queue_depth = cpu_to_le32(nla_get_u32(attr));
				break;
			}
		}
	}
	vexipc_health_heartbeat(svc, &body);
}

int vexipc_netlink_do_heartbeat(struct sk_buff *skb, struct genl_info *info)
{
	struct vexipc_socket *socket = vexipc_socket_find(skb, info);
	struct vexipc_service *svc = own_service(socket);
	int err = 0;

	if (svc) {
		heartbeat(svc, info);
		vexipc_service_put(svc);
	} else {
		NL_SET_ERR_MSG(info->extack, "this socket has no service: register one");
		err = -ENOENT;
	}
	if (socket)
		vexipc_socket_leave(socket);
	return err;
}

static int set_breaker(struct vexipc_service *svc, struct genl_info *info)
{
	struct vexipc_config_entry entries[VEXIPC_BREAKER_LIMITS] = {};
	const struct nlattr *attr;
	u32 count = 0, refused;
	int err, rest;

	if (GENL_REQ_ATTR_CHECK(info, VEXIPC_A_CONFIG))
		return -EINVAL;
	nla_for_each_nested(attr, info->attrs[VEXIPC_A_CONFIG], rest) {
		if (count == VEXIPC_BREAKER_LIMITS) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr, "too many fields");
			return -EINVAL;
		}
		entries[count].field = nla_type(attr);
		entries[count++].value = nla_get_u64(attr);
	}
	err = vexipc_breaker_configure(svc, entries, count, &refused);
	if (err == -ENOENT)
		NL_SET_ERR_MSG(info->extack, "that is no limit of a breaker");
	else if (err)
		NL_SET_ERR_MSG(info->extack, "a limit is out of its range");
	return err;
}

int vexipc_netlink_do_service_set(struct sk_buff *skb, struct genl_info *info)
{
	struct vexipc_service *svc;
	int err;
	u32 op;

	if (GENL_REQ_ATTR_CHECK(info, VEXIPC_A_CONTROL))
		return -EINVAL;
	err = vexipc_netlink_admin(skb, info);
	if (err) {
		NL_SET_ERR_MSG(info->extack, "draining and resuming need CAP_NET_ADMIN");
		return err;
	}
	svc = vexipc_netlink_service(info);
	if (IS_ERR(svc))
		return PTR_ERR(svc);
	op = nla_get_u32(info->attrs[VEXIPC_A_CONTROL]);
	if (op == VEXIPC_CONTROL_BREAKER_LIMITS)
		err = set_breaker(svc, info);
	else if (info->attrs[VEXIPC_A_CONFIG])
		err = -EINVAL;
	else
		vexipc_service_control(svc, op);
	vexipc_service_put(svc);
	return err;
}
