/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_ALERT_H
#define _VEXIPC_ALERT_H

#include <linux/types.h>
#include <linux/vexipc.h>

struct vexipc_instance;
struct vexipc_service;

void vexipc_alert(struct vexipc_instance *inst, enum vexipc_alert_kind kind,
		  const struct vexipc_service *svc, u64 value, const char *text);

#endif
