/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_TRANSPORT_H
#define _VEXIPC_TRANSPORT_H

#include <linux/types.h>
#include <linux/vexipc.h>

struct vexipc_endpoint;
struct vexipc_request;
struct vexipc_service;

/**
 * struct vexipc_transport_ops - how requests reach a service
 * @type:  enum vexipc_transport_type
 * @unsummed: requests go through memory alone, and need no checksum
 * @fits:  could a request of so many bytes ever be carried to this service? Or NULL:
 *	   as many as a message may have. See vexipc_transport_fits()
 * @room:  is there room to send this request now? Under the service's lock; for
 *	   a transport whose services fetch, there always is.
 * @kick:  there is something to send. Fetching transports wake the service;
 *	   sending ones send what they can. No locks held; must not sleep.
 * @most:  how many requests there is room for at once; or NULL: any number
 * @gone:  the service is gone; whoever waits for its requests waits in vain. Or
 *	   NULL. No locks held.
 */
struct vexipc_transport_ops {
	enum vexipc_transport_type type;
	bool unsummed;
	bool (*fits)(const struct vexipc_service *svc, u32 len);
	bool (*room)(struct vexipc_service *svc, const struct vexipc_request *req);
	void (*kick)(struct vexipc_service *svc);
	u32 (*most)(const struct vexipc_service *svc);
	void (*gone)(struct vexipc_service *svc);
};

extern const struct vexipc_transport_ops vexipc_transport_chardev;
extern const struct vexipc_transport_ops vexipc_transport_netlink;
extern const struct vexipc_transport_ops vexipc_transport_ring;

struct work_struct;
void vexipc_transport_netlink_retry(struct work_struct *work);

#endif
