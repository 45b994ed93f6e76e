/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Generic netlink for the two that speak it: the netlink channel, the monitor. */
#ifndef VEXIPC_GENL_H
#define VEXIPC_GENL_H

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "internal.h"

/* The family and its groups, as the controller knows them. */
struct genl_family {
	uint16_t id;
	uint32_t discovery;
	uint32_t alerts;
};

/* Open a socket and look the family up. 0; -ENOENT no such family; ... */
int vxi_genl_open(struct mnl_socket **socket, struct genl_family *family);
/* Begin a message of the family. */
struct nlmsghdr *vxi_genl_begin(void *buf, uint16_t family, uint8_t cmd, uint16_t flags,
				uint32_t seq);
/* Attributes of a message into @table of @max + 1; ones beyond are ignored. */
int vxi_genl_parse(const struct nlmsghdr *nlh, const struct nlattr **table, uint16_t max);
int vxi_genl_parse_nest(const struct nlattr *nest, const struct nlattr **table, uint16_t max);
/* Numbers and strings of checked size; 0 and "" for those that are not there. */
uint32_t vxi_genl_u32(const struct nlattr *attr);
uint64_t vxi_genl_u64(const struct nlattr *attr);
void vxi_genl_string(const struct nlattr *attr, char *buf, size_t room, bool terminate);

#endif
