// SPDX-License-Identifier: GPL-2.0-only
/* The device as a transport: the service fetches its requests with read(). */
#include "endpoint.h"
#include "registry.h"
#include "transport.h"

static bool room(struct vexipc_service *svc, const struct vexipc_request *req)
{
	return true;
}

static void kick(struct vexipc_service *svc)
{
	svc->ep->ops->notify(svc->ep);
}

const struct vexipc_transport_ops vexipc_transport_chardev = {
	.type = VEXIPC_TRANSPORT_CHARDEV,
	.room = room,
	.kick = kick,
};
