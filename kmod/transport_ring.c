// SPDX-License-Identifier: GPL-2.0-only
/* The ring as a transport: the service fetches its requests with an ioctl. */
#include <linux/eventfd.h>

#include "device.h"
#include "endpoint.h"
#include "registry.h"
#include "ring.h"
#include "transport.h"

static struct vexipc_ring *ring_of(const struct vexipc_service *svc)
{
	return container_of(svc->ep, struct vexipc_file, ep)->ring;
}

static bool room(struct vexipc_service *svc, const struct vexipc_request *req)
{
	return true;
}

/* One slot is for the probe that asks why the others are not answered. */
static u32 most(const struct vexipc_service *svc)
{
	const struct vexipc_ring *ring = ring_of(svc);

	return max(ring->queues * ring->slots - 1, 1u);
}

/**
 * vexipc_ring_tell() - eventfd and poll(): there is something to look at
 * @ring: of which
 *
 * Context: any but hard interrupts.
 */
void vexipc_ring_tell(struct vexipc_ring *ring)
{
	if (ring->event)
		eventfd_signal(ring->event);
	ring->file->ep.ops->notify(&ring->file->ep);
}

/**
 * vexipc_ring_kick() - there is something to fetch
 * @ring: who waits here is woken, or whoever else looks after it told
 *
 * Context: any but hard interrupts.
 */
void vexipc_ring_kick(struct vexipc_ring *ring)
{
	if (!vexipc_ring_wake(ring))
		vexipc_ring_tell(ring);
}

static void kick(struct vexipc_service *svc)
{
	vexipc_ring_kick(ring_of(svc));
}

static void gone(struct vexipc_service *svc)
{
	struct vexipc_ring *ring = ring_of(svc);

	vexipc_ring_wake_all(ring);
	vexipc_ring_tell(ring);
}

const struct vexipc_transport_ops vexipc_transport_ring = {
	.type = VEXIPC_TRANSPORT_RING,
	.unsummed = true,
	.room = room,
	.most = most,
	.kick = kick,
	.gone = gone,
};
