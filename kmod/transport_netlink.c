// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests to services that registered through a netlink socket: sent as soon
 * as credits and the socket have room, so that nothing is lost to a full
 * buffer. Of a long request the first fragment is sent and the service fetches
 * the rest.
 */
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/workqueue.h>

#include "carrier.h"
#include "instance.h"
#include "netlink_socket.h"
#include "protocol.h"
#include "queue.h"
#include "registry.h"
#include "request.h"
#include "stats.h"
#include "transport.h"

/* So many at a stretch, then a work goes on: a submitter wants to get away. */
enum { SEND_BUDGET = 64 };

/* What a message has beside model and content, at most; a model is a name. */
enum { OVERHEAD = sizeof_field(struct vexipc_image, head) };

static bool netlink_fits(const struct vexipc_service *svc, u32 len)
{
	if (len > vexipc_config(svc->inst, VEXIPC_CONFIG_BUFFER_SIZE))
		return false;
	/* @len may be of the content alone. */
	return len + OVERHEAD + VEXIPC_MAX_NAME <= VEXIPC_FRAGMENT_MAX ||
	       (svc->features & VEXIPC_FEATURE_FRAGMENTS);
}

static bool netlink_room(struct vexipc_service *svc, const struct vexipc_request *req)
{
	u32 len = OVERHEAD + req->model_len + req->content_len;

	if (vexipc_socket_room(vexipc_socket_of(svc->ep), vexipc_socket_truesize(len)))
		return true;
	/* Nobody tells when a socket has been read: see send_later(). */
	WRITE_ONCE(svc->send_blocked, true);
	return false;
}

/* The work has a reference of the service while it is pending. */
static void send_later(struct vexipc_service *svc, unsigned long delay)
{
	spin_lock_bh(&svc->lock);
	if (!svc->gone && schedule_delayed_work(&svc->send_work, delay))
		vexipc_service_get(svc);
	spin_unlock_bh(&svc->lock);
}

static void send_now(struct vexipc_service *svc)
{
	/* It may be pending with a longer delay. */
	if (cancel_delayed_work(&svc->send_work))
		vexipc_service_put(svc);
	send_later(svc, 0);
}

static unsigned long retry_delay(const struct vexipc_instance *inst)
{
	u32 tries = vexipc_config(inst, VEXIPC_CONFIG_MAX_RETRIES);
	u32 ms = vexipc_config(inst, VEXIPC_CONFIG_CONNECTION_TIMEOUT_MS);

	return tries ? msecs_to_jiffies(ms / tries) : 1;
}

static int send_request(struct vexipc_service *svc, struct vexipc_request *req,
			u32 attempt, gfp_t gfp)
{
	struct vexipc_socket *socket = vexipc_socket_of(svc->ep);
	struct vexipc_carrier *carrier;
	struct vexipc_image image;
	struct sk_buff *skb;
	int err;

	carrier = vexipc_carrier_gather(svc, req, attempt, U32_MAX, gfp);
	if (!carrier)
		vexipc_request_image(req, attempt, &image);
	skb = vexipc_socket_message(socket, VEXIPC_CMD_REQUEST,
				    carrier ? &carrier->image : &image, gfp);
	err = skb ? vexipc_socket_send(socket, skb) : -ENOMEM;
	if (err && carrier)
		vexipc_carrier_unsend(carrier, svc);
	else if (err)
		vexipc_queue_unsend(svc, req, attempt);
	if (carrier)
		vexipc_carrier_sent(carrier);
	return err;
}

/*
 * Send until the queue is empty, the credits are used up, the socket is full or
 * @budget is spent. Returns what is left of it.
 */
static int send_some(struct vexipc_service *svc, gfp_t gfp, int budget)
{
	struct vexipc_request *req;
	u32 need, attempt;

	for (; budget; budget--) {
		u32 tries = READ_ONCE(svc->send_tries);
		int err;

		WRITE_ONCE(svc->send_blocked, false);
		req = vexipc_queue_next(svc, U32_MAX, &need, &attempt);
		if (!req)
			break;
		err = send_request(svc, req, attempt, gfp);
		if (err) {
			WRITE_ONCE(svc->send_tries, tries);
			/* Closed: what is queued moves elsewhere in a moment. */
			WRITE_ONCE(svc->send_blocked, err != -ECONNREFUSED);
		}
		vexipc_request_put(req);
		if (err)
			break;
	}
	if (READ_ONCE(svc->send_blocked))
		send_later(svc, retry_delay(svc->inst));
	return budget;
}

/*
 * One at a time sends, so that order is kept; who comes meanwhile leaves it to
 * the one at it, who looks again.
 */
static void send_queued(struct vexipc_service *svc, gfp_t gfp)
{
	int budget = SEND_BUDGET;
	int seen;

	if (atomic_fetch_inc(&svc->sending))
		return;
	do {
		seen = atomic_read(&svc->sending);
		budget = send_some(svc, gfp, budget);
		if (!budget) {
			atomic_set(&svc->sending, 0);
			send_now(svc);
			return;
		}
	} while (atomic_sub_return(seen, &svc->sending));
}

static void netlink_kick(struct vexipc_service *svc)
{
	send_queued(svc, GFP_ATOMIC | __GFP_NOWARN);
}

/**
 * vexipc_transport_netlink_retry() - try again to send what found no room
 * @work: send_work of the service; its reference is dropped
 *
 * max_retries times within connection_timeout_ms; then the request at the head
 * goes elsewhere, and those behind it after one more try each.
 */
void vexipc_transport_netlink_retry(struct work_struct *work)
{
	struct vexipc_service *svc = container_of(to_delayed_work(work),
						  struct vexipc_service, send_work);
	u32 limit = vexipc_config(svc->inst, VEXIPC_CONFIG_MAX_RETRIES);
	struct vexipc_request *req;

	if (READ_ONCE(svc->send_blocked) && READ_ONCE(svc->send_tries) < limit) {
		WRITE_ONCE(svc->send_tries, svc->send_tries + 1);
		/* What there was to send may have been given up. */
		if (READ_ONCE(svc->queue.count))
			vexipc_count(svc->inst, SEND_RETRIES);
	}
	send_queued(svc, GFP_KERNEL);
	if (READ_ONCE(svc->send_blocked) && READ_ONCE(svc->send_tries) >= limit) {
		req = vexipc_queue_give_up(svc);
		WRITE_ONCE(svc->send_tries, limit ? limit - 1 : 0);
		if (req) {
			vexipc_request_again(req, VEXIPC_ERR_TRANSPORT, false);
			vexipc_request_put(req);
		}
	}
	vexipc_service_put(svc);
}

const struct vexipc_transport_ops vexipc_transport_netlink = {
	.type = VEXIPC_TRANSPORT_NETLINK,
	.fits = netlink_fits,
	.room = netlink_room,
	.kick = netlink_kick,
};
