// SPDX-License-Identifier: GPL-2.0-only
/*
 * Long messages to a socket: only the first fragment is sent, the receiver asks
 * for the rest. An answer is held until it has been fetched; a request to a
 * service lies in the request itself.
 */
#include <linux/errno.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "carrier.h"
#include "instance.h"
#include "netlink_socket.h"
#include "protocol.h"
#include "registry.h"
#include "request.h"

/* Held messages of one socket; with so many the next ones wait. */
enum { MAX_HELD = 64 };

/**
 * struct vexipc_held - a message that its receiver is fetching
 * @node:  in the socket's list
 * @out:   the message; taken from the endpoint
 * @image: its bytes; made once, as a checksum over them all is dear
 */
struct vexipc_held {
	struct list_head node;
	struct vexipc_out *out;
	struct vexipc_image image;
};

/* struct vexipc_fetch is one FETCH: what is wanted, and the reply, until sent. */
struct vexipc_fetch {
	struct genl_info *info;
	struct sk_buff *reply;
	void *header;
	u64 correlation;
	u32 offset;
};

static u64 correlation_of(const struct vexipc_image *image)
{
	const void *start = image->head_len ? image->head : image->part[0];

	return le64_to_cpu(((const struct vexipc_msg_header *)start)->correlation_id);
}

/**
 * vexipc_held_send() - send the first fragment of a message and hold the rest
 * @socket: to whom
 * @out: the message, taken from the socket's endpoint; the caller's on error
 * @image: its bytes
 * @gfp: how to allocate
 *
 * Return: 0; -EBUSY enough are held; -EAGAIN no room now; -ENOMEM;
 * -ECONNREFUSED the socket was closed.
 */
int vexipc_held_send(struct vexipc_socket *socket, struct vexipc_out *out,
		     const struct vexipc_image *image, gfp_t gfp)
{
	struct vexipc_held *held;
	struct sk_buff *skb;
	int err;

	if (READ_ONCE(socket->held_count) >= MAX_HELD)
		return -EBUSY;
	held = kmalloc(sizeof(*held), gfp);
	if (!held)
		return -ENOMEM;
	held->out = out;
	held->image = *image;
	skb = vexipc_socket_message(socket, VEXIPC_CMD_RESPONSE, image, gfp);
	if (!skb) {
		kfree(held);
		return -ENOMEM;
	}

	/* Under the lock: the receiver must find what it has been told of. */
	spin_lock_bh(&socket->lock);
	if (socket->closed) {
		nlmsg_free(skb);
		err = -ECONNREFUSED;
	} else {
		err = vexipc_socket_send(socket, skb);
	}
	if (!err) {
		list_add_tail(&held->node, &socket->held);
		WRITE_ONCE(socket->held_count, socket->held_count + 1);
		held = NULL;
	}
	spin_unlock_bh(&socket->lock);
	kfree(held);
	return err;
}

static struct vexipc_held *find_held(struct vexipc_socket *socket, u64 correlation)
{
	struct vexipc_held *held;

	lockdep_assert_held(&socket->lock);
	list_for_each_entry(held, &socket->held, node)
		if (correlation_of(&held->image) == correlation)
			return held;
	return NULL;
}

static void drop(struct vexipc_socket *socket, struct vexipc_held *held)
{
	vexipc_endpoint_done(&socket->ep, held->out);
	kfree(held);
}

static void unlist(struct vexipc_socket *socket, struct vexipc_held *held)
{
	lockdep_assert_held(&socket->lock);
	list_del(&held->node);
	WRITE_ONCE(socket->held_count, socket->held_count - 1);
}

/**
 * vexipc_held_drop_all() - the socket was closed: nothing will be fetched
 * @socket: its endpoint is closed
 */
void vexipc_held_drop_all(struct vexipc_socket *socket)
{
	struct vexipc_held *held;

	spin_lock_bh(&socket->lock);
	socket->closed = true;
	while ((held = list_first_entry_or_null(&socket->held, struct vexipc_held, node))) {
		unlist(socket, held);
		spin_unlock_bh(&socket->lock);
		drop(socket, held);
		spin_lock_bh(&socket->lock);
	}
	spin_unlock_bh(&socket->lock);
}

static int send_reply(struct vexipc_fetch *fetch)
{
	struct sk_buff *reply = fetch->reply;

	genlmsg_end(reply, fetch->header);
	fetch->reply = NULL;
	return genlmsg_reply(reply, fetch->info);
}

/*
 * A stretch of a held message. What has been fetched to its end is not held any
 * longer; asking for the end itself drops a message unread.
 */
static int fetch_held(struct vexipc_socket *socket, struct vexipc_fetch *fetch)
{
	struct vexipc_held *held;
	u32 total;
	int err;

	spin_lock_bh(&socket->lock);
	held = find_held(socket, fetch->correlation);
	if (!held) {
		spin_unlock_bh(&socket->lock);
		return -ESRCH;
	}
	total = vexipc_image_len(&held->image);
	if (fetch->offset > total)
		err = -ERANGE;
	else
		err = vexipc_netlink_put_piece(fetch->reply, &held->image, fetch->offset, true) ?:
		      send_reply(fetch);
	if (!err && total - fetch->offset <= VEXIPC_FRAGMENT_MAX)
		unlist(socket, held);
	else
		held = NULL;
	spin_unlock_bh(&socket->lock);
	if (held)
		drop(socket, held);
	return err;
}

/* A stretch of a request that this socket's service holds. */
static int fetch_request(struct vexipc_socket *socket, struct vexipc_fetch *fetch)
{
	struct vexipc_service *svc = vexipc_endpoint_service(&socket->ep);
	u32 attempt = vexipc_id_attempt(fetch->correlation);
	int sent = vexipc_state(attempt, VEXIPC_SENT);
	struct vexipc_image image;
	struct vexipc_request *req;
	int err = -ESRCH;

	if (!svc)
		return -ESRCH;
	req = vexipc_slots_find(&svc->inst->slots, fetch->correlation);
	if (!req)
		goto put_service;
	if (atomic_read(&req->state) != sent || READ_ONCE(req->svc) != svc)
		goto put_request;
	vexipc_request_image_open(req, attempt, &image);
	/* A checksum over it all for each piece would be dear; only the head has it. */
	if (fetch->offset < image.head_len)
		vexipc_image_seal(&image);
	if (fetch->offset > vexipc_image_len(&image)) {
		err = -ERANGE;
		goto put_request;
	}
	err = vexipc_netlink_put_piece(fetch->reply, &image, fetch->offset, true);
	/* Sent anew meanwhile, it would be another message. */
	if (atomic_read(&req->state) != sent)
		err = -ESRCH;
	if (!err)
		err = send_reply(fetch);
put_request:
	vexipc_request_put(req);
put_service:
	vexipc_service_put(svc);
	return err;
}

/* A stretch of what several requests of this socket's service travel in. */
static int fetch_carrier(struct vexipc_socket *socket, struct vexipc_fetch *fetch)
{
	struct vexipc_service *svc = vexipc_endpoint_service(&socket->ep);
	struct vexipc_carrier *carrier;
	int err = -ERANGE;

	if (!svc)
		return -ESRCH;
	carrier = vexipc_carrier_find(svc, fetch->correlation);
	vexipc_service_put(svc);
	if (!carrier)
		return -ESRCH;
	if (fetch->offset <= vexipc_image_len(&carrier->image))
		err = vexipc_netlink_put_piece(fetch->reply, &carrier->image, fetch->offset,
					       true) ?: send_reply(fetch);
	vexipc_carrier_put(carrier);
	return err;
}

static bool has_room(const struct sock *sk, const struct sk_buff *skb)
{
	u32 used = sk_rmem_alloc_get(sk);

	return !used || used + skb->truesize <= READ_ONCE(sk->sk_rcvbuf);
}

static int fetch(struct vexipc_socket *socket, struct vexipc_fetch *fetch)
{
	struct netlink_ext_ack *extack = fetch->info->extack;
	int err;

	/* An overflow would lose what else is on its way. */
	if (!has_room(socket->sk, fetch->reply)) {
		NL_SET_ERR_MSG(extack, "no room in the socket: read it first");
		return -EAGAIN;
	}
	fetch->header = genlmsg_put_reply(fetch->reply, fetch->info, &vexipc_netlink_family,
					  0, VEXIPC_CMD_FETCH);
	err = fetch_held(socket, fetch);
	if (err == -ESRCH)
		err = fetch_carrier(socket, fetch);
	if (err == -ESRCH)
		err = fetch_request(socket, fetch);
	if (err == -ESRCH)
		NL_SET_ERR_MSG(extack, "no such message here: it is over, or another's");
	else if (err == -ERANGE)
		NL_SET_ERR_MSG_ATTR(extack, fetch->info->attrs[VEXIPC_A_OFFSET],
				    "past the end of the message");
	return err;
}

int vexipc_netlink_do_fetch(struct sk_buff *skb, struct genl_info *info)
{
	struct vexipc_fetch what = { .info = info };
	struct vexipc_socket *socket;
	int err = -ENOMEM;

	if (GENL_REQ_ATTR_CHECK(info, VEXIPC_A_CORRELATION) ||
	    GENL_REQ_ATTR_CHECK(info, VEXIPC_A_OFFSET))
		return -EINVAL;
	what.correlation = nla_get_u64(info->attrs[VEXIPC_A_CORRELATION]);
	what.offset = nla_get_u32(info->attrs[VEXIPC_A_OFFSET]);

	socket = vexipc_socket_find(skb, info);
	if (!socket) {
		NL_SET_ERR_MSG(info->extack, "this socket has nothing to fetch");
		return -ESRCH;
	}
	what.reply = genlmsg_new(vexipc_netlink_piece_room(VEXIPC_FRAGMENT_MAX, true),
				 GFP_KERNEL);
	if (what.reply)
		err = fetch(socket, &what);
	nlmsg_free(what.reply);
	vexipc_socket_leave(socket);
	return err;
}
