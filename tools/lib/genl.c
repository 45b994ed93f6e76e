// SPDX-License-Identifier: LGPL-2.1-or-later
/* Generic netlink: opening, the controller, attributes. */
#include <errno.h>

#include "genl.h"

static int group_attr(const struct nlattr *attr, void *data)
{
	const struct nlattr **table = data;

	if (mnl_attr_get_type(attr) <= CTRL_ATTR_MCAST_GRP_MAX)
		table[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static int family_attr(const struct nlattr *attr, void *data)
{
	struct genl_family *family = data;
	const struct nlattr *group;

	switch (mnl_attr_get_type(attr)) {
	case CTRL_ATTR_FAMILY_ID:
		if (mnl_attr_validate(attr, MNL_TYPE_U16) < 0)
			return MNL_CB_ERROR;
		family->id = mnl_attr_get_u16(attr);
		break;
	case CTRL_ATTR_MCAST_GROUPS:
		mnl_attr_for_each_nested(group, attr) {
			const struct nlattr *table[CTRL_ATTR_MCAST_GRP_MAX + 1] = { NULL };
			char name[GENL_NAMSIZ];

			mnl_attr_parse_nested(group, group_attr, table);
			vxi_genl_string(table[CTRL_ATTR_MCAST_GRP_NAME], name, sizeof(name), true);
			if (!strcmp(name, VEXIPC_MCGRP_DISCOVERY))
				family->discovery = vxi_genl_u32(table[CTRL_ATTR_MCAST_GRP_ID]);
			else if (!strcmp(name, VEXIPC_MCGRP_ALERTS))
				family->alerts = vxi_genl_u32(table[CTRL_ATTR_MCAST_GRP_ID]);
		}
		break;
	}
	return MNL_CB_OK;
}

static int family_message(const struct nlmsghdr *nlh, void *data)
{
	return mnl_attr_parse(nlh, sizeof(struct genlmsghdr), family_attr, data);
}

struct nlmsghdr *vxi_genl_begin(void *buf, uint16_t family, uint8_t cmd, uint16_t flags,
				uint32_t seq)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = VEXIPC_GENL_VERSION;
	return nlh;
}

static int family_find(struct mnl_socket *socket, struct genl_family *family)
{
	char buf[8192];
	struct nlmsghdr *nlh = vxi_genl_begin(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY,
					  NLM_F_ACK, 1);
	int more = MNL_CB_OK;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, VEXIPC_GENL_NAME);
	if (mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(socket, buf, sizeof(buf));

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		more = mnl_cb_run(buf, (size_t)len, 1, mnl_socket_get_portid(socket),
				  family_message, family);
	}
	if (more < 0)
		return -errno;
	return family->id ? 0 : -ENOENT;
}

int vxi_genl_open(struct mnl_socket **socket, struct genl_family *family)
{
	int err;

	*socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!*socket)
		return errno == EPROTONOSUPPORT ? -ENOENT : -errno;
	*family = (struct genl_family) { 0 };
	err = mnl_socket_bind(*socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno :
	      family_find(*socket, family);
	if (err) {
		mnl_socket_close(*socket);
		*socket = NULL;
	}
	return err;
}

struct table {
	const struct nlattr **attrs;
	uint16_t max;
};

static int collect(const struct nlattr *attr, void *data)
{
	struct table *table = data;

	if (mnl_attr_get_type(attr) <= table->max)
		table->attrs[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

int vxi_genl_parse(const struct nlmsghdr *nlh, const struct nlattr **attrs, uint16_t max)
{
	struct table table = { attrs, max };

	memset(attrs, 0, sizeof(*attrs) * (max + 1u));
	return mnl_attr_parse(nlh, sizeof(struct genlmsghdr), collect, &table) < 0 ?
	       -EPROTO : 0;
}

int vxi_genl_parse_nest(const struct nlattr *nest, const struct nlattr **attrs, uint16_t max)
{
	struct table table = { attrs, max };

	memset(attrs, 0, sizeof(*attrs) * (max + 1u));
	return mnl_attr_parse_nested(nest, collect, &table) < 0 ? -EPROTO : 0;
}

uint32_t vxi_genl_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) >= sizeof(uint32_t) ?
	       mnl_attr_get_u32(attr) : 0;
}

uint64_t vxi_genl_u64(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) >= sizeof(uint64_t) ?
	       mnl_attr_get_u64(attr) : 0;
}

void vxi_genl_string(const struct nlattr *attr, char *buf, size_t room, bool terminate)
{
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;
	size_t most = terminate ? room - 1 : room;

	if (len)
		len = strnlen(mnl_attr_get_payload(attr), len);
	if (len > most)
		len = most;
	memset(buf, 0, room);
	if (len)
		memcpy(buf, mnl_attr_get_payload(attr), len);
}
