/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_NETLINK_H
#define _VEXIPC_NETLINK_H

#include <linux/types.h>
#include <linux/vexipc.h>

struct vexipc_image;
struct vexipc_instance;
struct vexipc_service;

int vexipc_netlink_init(void);
void vexipc_netlink_exit(void);
void vexipc_netlink_close_all(struct vexipc_instance *inst);
void vexipc_netlink_discovery(struct vexipc_instance *inst,
			      const struct vexipc_image *image);
void vexipc_netlink_service_event(struct vexipc_service *svc);
void vexipc_netlink_alert(struct vexipc_instance *inst, enum vexipc_alert_kind kind,
			  u64 time_ns, const struct vexipc_service *svc, u64 value,
			  const char *text);

#endif
