// SPDX-License-Identifier: GPL-2.0-only
/* Alerts: what a person should hear of. */
#include <linux/jiffies.h>
#include <linux/ktime.h>

#include "alert.h"
#include "instance.h"
#include "netlink.h"
#include "registry.h"
#include "trace.h"

/* Kinds that a flood of requests raises are told once a second. */
static bool limited(enum vexipc_alert_kind kind)
{
	return kind == VEXIPC_ALERT_NO_CAPABLE_SERVICE || kind == VEXIPC_ALERT_QUEUE_FULL ||
	       kind == VEXIPC_ALERT_BACKPRESSURE || kind == VEXIPC_ALERT_RATE_LIMITED;
}

/**
 * vexipc_alert() - raise an alert
 * @inst: where
 * @kind: what
 * @svc: about which service, or NULL
 * @value: what the kind counts
 * @text: for people
 *
 * Context: any but hard interrupts.
 */
void vexipc_alert(struct vexipc_instance *inst, enum vexipc_alert_kind kind,
		  const struct vexipc_service *svc, u64 value, const char *text)
{
	unsigned long last = READ_ONCE(inst->last_alert[kind]);

	if (limited(kind)) {
		if (last && time_before(jiffies, last + HZ))
			return;
		/* Of those who come at once, one tells it. 0 means never. */
		if (cmpxchg(&inst->last_alert[kind], last, jiffies | 1) != last)
			return;
	}
	vexipc_count(inst, ALERTS);
	vexipc_trace(alert, inst->cookie, kind, svc ? svc->slot : U32_MAX,
		     svc ? svc->handle : 0, value);
	vexipc_netlink_alert(inst, kind, ktime_get_ns(), svc, value, text);
}
