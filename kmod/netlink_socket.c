// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink sockets as endpoints: made when one first needs state, found by the
 * socket that sends, closed when it is.
 */
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "instance.h"
#include "netlink.h"
#include "netlink_socket.h"
#include "protocol.h"
#include "registry.h"
#include "transport.h"

enum {
	MAX_SOCKETS	= 4096,		/* of one instance */
	MAX_COMMON	= 2048,		/* of these, taken without privilege */
	PUMP_MIN_MS	= 10,
	PUMP_MAX_MS	= 500,
};

/*
 * A port id is free for others before we hear that its socket was closed. While
 * we hold the socket's file, the socket is open and the port its own.
 */
static struct file *hold_open(struct sock *sk)
{
	struct file *file = NULL;

	read_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_socket)
		file = get_file_active(&sk->sk_socket->file);
	read_unlock_bh(&sk->sk_callback_lock);
	return file;
}

/*
 * If the owner closed it meanwhile, the socket ends here, and by that what its
 * service held moves on. Left to us that would be when we return to user space,
 * but we may be about to wait for an answer that the dead service owes. With
 * bottom halves off it is left to a kernel thread.
 */
static void let_close(struct file *file)
{
	local_bh_disable();
	fput(file);
	local_bh_enable();
}

/* vexipc_socket_truesize() - what a message takes of a receive buffer. */
u32 vexipc_socket_truesize(u32 message_len)
{
	bool fragment = message_len > VEXIPC_FRAGMENT_MAX;
	size_t room = vexipc_netlink_piece_room(min(message_len, VEXIPC_FRAGMENT_MAX),
						fragment);

	room = nlmsg_total_size(genlmsg_total_size(room));
	room = SKB_DATA_ALIGN(room) + SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
	return kmalloc_size_roundup(room) + SKB_DATA_ALIGN(sizeof(struct sk_buff));
}

/**
 * vexipc_socket_room() - may the socket be sent something of this size?
 * @socket: which
 * @truesize: bytes it takes of the receive buffer
 *
 * We fill half of the buffer at most: the rest is for what the core sends, and
 * an overflow would lose messages until all has been read. One message fits
 * into an empty buffer however small it is, as netlink itself has it.
 */
bool vexipc_socket_room(const struct vexipc_socket *socket, u32 truesize)
{
	u32 used = sk_rmem_alloc_get(socket->sk);

	return !used || used + truesize <= READ_ONCE(socket->sk->sk_rcvbuf) / 2;
}

/**
 * vexipc_socket_send() - give the socket a message of vexipc_netlink_family
 * @socket: to whom
 * @skb: the message; consumed
 *
 * Context: any but hard interrupts.
 * Return: 0; -EAGAIN no room now; -ECONNREFUSED the socket was closed.
 */
int vexipc_socket_send(struct vexipc_socket *socket, struct sk_buff *skb)
{
	struct file *file;
	int err;

	if (!vexipc_socket_room(socket, skb->truesize)) {
		nlmsg_free(skb);
		return -EAGAIN;
	}
	file = hold_open(socket->sk);
	if (!file) {
		nlmsg_free(skb);
		return -ECONNREFUSED;
	}
	err = genlmsg_unicast(socket->ep.inst->net, skb, socket->portid);
	let_close(file);
	return err;
}

/* vexipc_netlink_piece_room() - attribute bytes of a piece of a message. */
size_t vexipc_netlink_piece_room(u32 len, bool fragment)
{
	return nla_total_size(len) + (fragment ? 2 * nla_total_size(sizeof(u32)) : 0);
}

/**
 * vexipc_netlink_put_piece() - put a stretch of a message into an skb
 * @skb: with room for vexipc_netlink_piece_room()
 * @image: the message
 * @offset: where the stretch begins
 * @fragment: say which stretch it is; else the message must fit whole
 *
 * Return: 0, -EMSGSIZE.
 */
int vexipc_netlink_put_piece(struct sk_buff *skb, const struct vexipc_image *image,
			     u32 offset, bool fragment)
{
	u32 total = vexipc_image_len(image);
	u32 len = min(total - offset, VEXIPC_FRAGMENT_MAX);
	struct nlattr *attr = nla_reserve(skb, VEXIPC_A_MESSAGE, len);

	if (!attr)
		return -EMSGSIZE;
	vexipc_image_copy(image, offset, nla_data(attr), len);
	if (!fragment)
		return 0;
	return nla_put_u32(skb, VEXIPC_A_OFFSET, offset) ?:
	       nla_put_u32(skb, VEXIPC_A_TOTAL, total);
}

/**
 * vexipc_socket_message() - a netlink message that carries a message, or its
 *			     first fragment
 * @socket: for whom
 * @cmd: enum vexipc_cmd
 * @image: the message
 * @gfp: how to allocate
 *
 * Return: the skb, NULL without memory.
 */
struct sk_buff *vexipc_socket_message(const struct vexipc_socket *socket, u8 cmd,
				      const struct vexipc_image *image, gfp_t gfp)
{
	u32 total = vexipc_image_len(image);
	bool fragment = total > VEXIPC_FRAGMENT_MAX;
	u32 len = min(total, VEXIPC_FRAGMENT_MAX);
	struct sk_buff *skb;
	void *header;

	skb = genlmsg_new(vexipc_netlink_piece_room(len, fragment), gfp);
	if (!skb)
		return NULL;
	header = genlmsg_put(skb, socket->portid, 0, &vexipc_netlink_family, 0, cmd);
	if (!header || vexipc_netlink_put_piece(skb, image, 0, fragment)) {
		nlmsg_free(skb);
		return NULL;
	}
	genlmsg_end(skb, header);
	return skb;
}

/* Hand one thing over. Whatever the error, @out is still the caller's then. */
static int hand_over(struct vexipc_socket *socket, struct vexipc_out *out, gfp_t gfp)
{
	struct vexipc_image image;
	struct sk_buff *skb;
	int err;

	vexipc_out_image(out, &image);
	if (vexipc_image_len(&image) > VEXIPC_FRAGMENT_MAX)
		return vexipc_held_send(socket, out, &image, gfp);
	skb = vexipc_socket_message(socket, VEXIPC_CMD_RESPONSE, &image, gfp);
	if (!skb)
		return -ENOMEM;
	err = vexipc_socket_send(socket, skb);
	if (!err)
		vexipc_endpoint_done(&socket->ep, out);
	return err;
}

static void pump_later(struct vexipc_socket *socket)
{
	socket->delay_ms = clamp(socket->delay_ms * 2, PUMP_MIN_MS, PUMP_MAX_MS);
	schedule_delayed_work(&socket->pump, msecs_to_jiffies(socket->delay_ms));
}

static void pump_all(struct vexipc_socket *socket, gfp_t gfp)
{
	struct vexipc_endpoint *ep = &socket->ep;
	struct vexipc_out *out;
	u32 need;

	while ((out = vexipc_endpoint_take(ep, U32_MAX, &need))) {
		int err = hand_over(socket, out, gfp);

		if (err) {
			vexipc_endpoint_untake(ep, out);
			/*
			 * -EBUSY: a FETCH ends it. -ECONNREFUSED: the socket is
			 * being closed, and so is the endpoint in a moment.
			 */
			if (err != -EBUSY && err != -ECONNREFUSED)
				pump_later(socket);
			return;
		}
		socket->delay_ms = 0;
	}
}

/**
 * vexipc_socket_pump() - hand over what the socket's owner has yet to read
 * @socket: whose; the caller has a reference
 * @gfp: how to allocate
 *
 * One at a time does it, so that order is kept; who comes meanwhile leaves it
 * to the one at it.
 *
 * Context: any but hard interrupts.
 */
void vexipc_socket_pump(struct vexipc_socket *socket, gfp_t gfp)
{
	int seen;

	if (atomic_fetch_inc(&socket->pumping))
		return;
	do {
		seen = atomic_read(&socket->pumping);
		pump_all(socket, gfp);
	} while (atomic_sub_return(seen, &socket->pumping));
}

static void pump_work(struct work_struct *work)
{
	vexipc_socket_pump(container_of(to_delayed_work(work), struct vexipc_socket, pump),
			   GFP_KERNEL);
}

static void socket_notify(struct vexipc_endpoint *ep)
{
	vexipc_socket_pump(vexipc_socket_of(ep), GFP_ATOMIC | __GFP_NOWARN);
}

static void socket_release(struct vexipc_endpoint *ep)
{
	struct vexipc_socket *socket = vexipc_socket_of(ep);

	sock_put(socket->sk);
	if (socket->pins_module)
		module_put(THIS_MODULE);
	kfree_rcu(socket, rcu);
}

static const struct vexipc_transport_ops *socket_transport(struct vexipc_endpoint *ep, u32 wanted)
{
	return wanted == VEXIPC_TRANSPORT_DEFAULT || wanted == VEXIPC_TRANSPORT_NETLINK ?
	       &vexipc_transport_netlink : NULL;
}

static const struct vexipc_endpoint_ops socket_ops = {
	.transport = socket_transport,
	.notify = socket_notify,
	.release = socket_release,
};

static struct vexipc_socket *find(struct vexipc_instance *inst, struct sock *sk,
				  u32 portid)
{
	struct vexipc_socket *socket;

	rcu_read_lock();
	hash_for_each_possible_rcu(inst->netlink, socket, node, portid)
		if (socket->sk == sk && refcount_inc_not_zero(&socket->ep.refs))
			break;
	rcu_read_unlock();
	return socket;
}

/**
 * vexipc_socket_find() - the endpoint of the socket that sent a message
 * @skb: the message; its sender is inside sendmsg() and so can not be closed
 * @info: of the message
 *
 * Return: the endpoint, for vexipc_socket_leave(); NULL if it has none.
 */
struct vexipc_socket *vexipc_socket_find(struct sk_buff *skb, struct genl_info *info)
{
	return find(vexipc_instance_of(genl_info_net(info)), NETLINK_CB(skb).sk,
		    info->snd_portid);
}

static struct vexipc_socket *socket_alloc(struct vexipc_instance *inst, struct sock *sk,
					  u32 portid)
{
	struct vexipc_socket *socket = kzalloc(sizeof(*socket), GFP_KERNEL_ACCOUNT);

	if (!socket)
		return NULL;
	vexipc_endpoint_init(&socket->ep, inst, &socket_ops);
	vexipc_endpoint_charge(&socket->ep);
	sock_hold(sk);
	socket->sk = sk;
	socket->portid = portid;
	mutex_init(&socket->assembling);
	INIT_DELAYED_WORK(&socket->pump, pump_work);
	spin_lock_init(&socket->lock);
	INIT_LIST_HEAD(&socket->held);
	return socket;
}

static int publish(struct vexipc_socket *socket, bool admin,
		   struct netlink_ext_ack *extack)
{
	struct vexipc_instance *inst = socket->ep.inst;
	unsigned int limit = admin ? MAX_SOCKETS : MAX_COMMON;
	struct vexipc_socket *other;
	int err = 0;

	spin_lock(&inst->netlink_lock);
	hash_for_each_possible(inst->netlink, other, node, socket->portid)
		if (other->sk == socket->sk)
			err = -EEXIST;
	if (READ_ONCE(inst->closing)) {
		err = -ESHUTDOWN;
	} else if (!err && inst->sockets >= limit) {
		NL_SET_ERR_MSG(extack, "too many sockets talk to vexipc: close some");
		err = -EUSERS;
	} else if (!err) {
		vexipc_endpoint_get(&socket->ep);	/* the table's */
		hash_add_rcu(inst->netlink, &socket->node, socket->portid);
		inst->sockets++;
	}
	spin_unlock(&inst->netlink_lock);
	return err;
}

/**
 * vexipc_socket_make() - the endpoint of the socket that sent a message, made
 *			  if it has none
 * @skb: the message
 * @info: of the message
 * @admin: on behalf of someone with CAP_NET_ADMIN, whose sockets others can not
 *	   crowd out
 *
 * Return: the endpoint, for vexipc_socket_leave(); -EUSERS too many sockets;
 * -ENOMEM; -ESHUTDOWN.
 */
struct vexipc_socket *vexipc_socket_make(struct sk_buff *skb, struct genl_info *info,
					 bool admin)
{
	struct vexipc_instance *inst = vexipc_instance_of(genl_info_net(info));
	struct sock *sk = NETLINK_CB(skb).sk;
	struct vexipc_socket *socket;
	int err;

	socket = find(inst, sk, info->snd_portid);
	if (socket)
		return socket;
	err = vexipc_instance_prepare(inst);
	if (err)
		return ERR_PTR(err);
	socket = socket_alloc(inst, sk, info->snd_portid);
	if (!socket)
		return ERR_PTR(-ENOMEM);
	err = publish(socket, admin, info->extack);
	if (!err)
		return socket;
	vexipc_endpoint_put(&socket->ep);
	/* Another thread sends on the same socket and was first. */
	if (err == -EEXIST)
		socket = find(inst, sk, info->snd_portid);
	else
		socket = NULL;
	return socket ?: ERR_PTR(err);
}

/* Sockets do not pin the module: those that have a service do it here. */
static void pin_module(struct vexipc_socket *socket)
{
	bool has;

	spin_lock_bh(&socket->lock);
	has = READ_ONCE(socket->ep.service);
	if (has && !socket->pins_module) {
		/* In vain only when the module goes, and then all is closed. */
		socket->pins_module = try_module_get(THIS_MODULE);
	} else if (!has && socket->pins_module) {
		socket->pins_module = false;
		module_put(THIS_MODULE);
	}
	spin_unlock_bh(&socket->lock);
}

/**
 * vexipc_socket_leave() - the end of a command that used an endpoint
 * @socket: from vexipc_socket_find() or _make(); its reference is dropped
 *
 * That the owner sends suggests that it reads, too: what found no room before
 * is tried again.
 */
void vexipc_socket_leave(struct vexipc_socket *socket)
{
	struct vexipc_service *svc = vexipc_endpoint_service(&socket->ep);

	if (!!svc != READ_ONCE(socket->pins_module))
		pin_module(socket);
	if (!list_empty_careful(&socket->ep.out))
		vexipc_socket_pump(socket, GFP_KERNEL);
	if (svc) {
		if (READ_ONCE(svc->send_blocked))
			svc->transport->kick(svc);
		vexipc_service_put(svc);
	}
	vexipc_endpoint_put(&socket->ep);
}

static void socket_close(struct vexipc_socket *socket)
{
	struct vexipc_instance *inst = socket->ep.inst;

	vexipc_endpoint_close(&socket->ep, true);
	disable_delayed_work_sync(&socket->pump);
	vexipc_held_drop_all(socket);
	vexipc_assembly_drop(inst, &socket->request);
	vexipc_assembly_drop(inst, &socket->response);
	vexipc_endpoint_put(&socket->ep);
}

static void unpublish(struct vexipc_socket *socket)
{
	struct vexipc_instance *inst = socket->ep.inst;

	lockdep_assert_held(&inst->netlink_lock);
	hash_del_rcu(&socket->node);
	inst->sockets--;
}

/**
 * vexipc_netlink_close_all() - close every socket's endpoint
 * @inst: an instance that goes; no socket talks to it any more
 *
 * Context: may sleep.
 */
void vexipc_netlink_close_all(struct vexipc_instance *inst)
{
	struct vexipc_socket *socket;
	int i;

	for (i = 0; i < HASH_SIZE(inst->netlink);) {
		spin_lock(&inst->netlink_lock);
		socket = hlist_entry_safe(inst->netlink[i].first, struct vexipc_socket, node);
		if (socket)
			unpublish(socket);
		spin_unlock(&inst->netlink_lock);
		if (socket)
			socket_close(socket);
		else
			i++;
	}
}

/* The port may be another socket's by now: only dead ones are meant. */
static struct vexipc_socket *take_dead(struct vexipc_instance *inst, u32 portid)
{
	struct vexipc_socket *socket;

	spin_lock(&inst->netlink_lock);
	hash_for_each_possible(inst->netlink, socket, node, portid) {
		if (socket->portid == portid && sock_flag(socket->sk, SOCK_DEAD)) {
			unpublish(socket);
			break;
		}
	}
	spin_unlock(&inst->netlink_lock);
	return socket;
}

static int netlink_event(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct netlink_notify *notify = data;
	struct vexipc_instance *inst;
	struct vexipc_socket *socket;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;
	inst = vexipc_instance_of(notify->net);
	while ((socket = take_dead(inst, notify->portid)))
		socket_close(socket);
	return NOTIFY_DONE;
}

static struct notifier_block netlink_notifier = {
	.notifier_call = netlink_event,
};

int vexipc_sockets_init(void)
{
	return netlink_register_notifier(&netlink_notifier);
}

void vexipc_sockets_exit(void)
{
	netlink_unregister_notifier(&netlink_notifier);
}
