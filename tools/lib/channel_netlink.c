// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The channel through generic netlink.
 *
 * The module handles what is sent before sendmsg() returns, so its ack, and what
 * else it answers at once, are in the socket by then. Whoever wants an ack
 * therefore never waits: he receives until it is there, and puts messages that
 * come first into the inbox. Receiving and sorting happen under one lock, so
 * another thread cannot have the ack in its hands meanwhile.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "genl.h"

enum {
	/* More than any datagram the module sends: one fragment and its frame. */
	RX_ROOM = 64 << 10,
	/* Netlink, generic netlink and the attributes around a fragment. */
	TX_FRAME = 128,
	/* What may come before anybody reads; the kernel doubles and limits it. */
	RX_SOCKET = 8 << 20,
	/* For one fragment: other threads may have filled the socket again. */
	FETCH_TRIES = 16,
};

/* Who waits for an ack: on the stack of a thread, listed under the lock. */
struct waiter {
	struct waiter *next;
	uint32_t seq;
	bool done;
	int err;
	struct packet **fetch;		/* where fragments that are answers go */
};

struct netlink {
	struct mnl_socket *socket;
	struct genl_family family;
	atomic_uint seq;
	pthread_rwlock_t sending;	/* write: a message in fragments is under way */
	struct waiter *waiters;
	unsigned char rx[RX_ROOM];
};

static void set_option(struct mnl_socket *socket, int option)
{
	int on = 1;

	/* Both are there since Linux 4.3; without one, only more is received. */
	mnl_socket_setsockopt(socket, option, &on, sizeof(on));
}

static int netlink_open(struct vexipc_channel *ch)
{
	struct netlink *nl = calloc(1, sizeof(*nl));
	int size = RX_SOCKET;
	int err;

	if (!nl)
		return -ENOMEM;
	ch->priv = nl;
	pthread_rwlock_init(&nl->sending, NULL);
	atomic_init(&nl->seq, 1);
	err = vxi_genl_open(&nl->socket, &nl->family);
	if (err)
		return err;
	ch->fd = mnl_socket_get_fd(nl->socket);
	set_option(nl->socket, NETLINK_NO_ENOBUFS);
	set_option(nl->socket, NETLINK_CAP_ACK);
	if (setsockopt(ch->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(ch->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return 0;
}

static void netlink_close(struct vexipc_channel *ch)
{
	struct netlink *nl = ch->priv;

	if (!nl)
		return;
	if (nl->socket)
		mnl_socket_close(nl->socket);
	pthread_rwlock_destroy(&nl->sending);
	free(nl);
}

/* ------------------------------------------------------------- receiving -- */

/* The next fragment of a packet whose beginning is there. */
static int append(struct packet *packet, uint32_t offset, uint32_t total,
		  const struct nlattr *piece)
{
	uint32_t len = mnl_attr_get_payload_len(piece);

	if (offset != packet->len || total != packet->total || !len ||
	    len > packet->total - packet->len)
		return -EPROTO;
	memcpy(packet->data + packet->len, mnl_attr_get_payload(piece), len);
	packet->len += len;
	return 0;
}

static struct waiter *find_waiter(struct netlink *nl, uint32_t seq)
{
	struct waiter *w;

	for (w = nl->waiters; w && w->seq != seq; w = w->next)
		;
	return w;
}

static int take_message(struct vexipc_channel *ch, const struct nlmsghdr *nlh)
{
	const struct nlattr *attrs[VEXIPC_A_MAX + 1];
	const struct nlattr *piece;
	struct netlink *nl = ch->priv;
	struct packet *packet;
	uint32_t offset, total, len;
	struct waiter *w;

	if (nlh->nlmsg_type != nl->family.id || vxi_genl_parse(nlh, attrs, VEXIPC_A_MAX) < 0)
		return 0;
	piece = attrs[VEXIPC_A_MESSAGE];
	if (!piece)
		return 0;
	len = mnl_attr_get_payload_len(piece);
	offset = vxi_genl_u32(attrs[VEXIPC_A_OFFSET]);
	total = attrs[VEXIPC_A_TOTAL] ? vxi_genl_u32(attrs[VEXIPC_A_TOTAL]) : len;
	w = find_waiter(nl, nlh->nlmsg_seq);
	if (offset) {
		if (w && w->fetch)
			w->err = append(*w->fetch, offset, total, piece);
		return 0;
	}
	if (len < sizeof(struct vexipc_msg_header) || total < len || total > VEXIPC_MAX_MESSAGE)
		return 0;
	packet = malloc(sizeof(*packet) + total);
	if (!packet)
		return -ENOMEM;
	packet->len = len;
	packet->total = total;
	memcpy(packet->data, mnl_attr_get_payload(piece), len);
	vxi_channel_stash(ch, packet);
	return 0;
}

static void take_ack(struct netlink *nl, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);
	struct waiter *w = find_waiter(nl, nlh->nlmsg_seq);

	if (!w || mnl_nlmsg_get_payload_len(nlh) < sizeof(*error))
		return;
	if (!w->err)
		w->err = error->error;
	w->done = true;
}

/* Receive one datagram and sort it; lock held. 0, or -EAGAIN, ... */
static int pump(struct vexipc_channel *ch)
{
	struct netlink *nl = ch->priv;
	const struct nlmsghdr *nlh;
	struct sockaddr_nl from;
	socklen_t from_len = sizeof(from);
	ssize_t len;
	int left, err = 0;

	len = recvfrom(ch->fd, nl->rx, sizeof(nl->rx), MSG_DONTWAIT | MSG_TRUNC,
		       (struct sockaddr *)&from, &from_len);
	if (len < 0)
		return -errno;
	/* Only the kernel is believed. */
	if (from_len != sizeof(from) || from.nl_pid || (size_t)len > sizeof(nl->rx))
		return 0;
	left = (int)len;
	for (nlh = (const void *)nl->rx; !err && mnl_nlmsg_ok(nlh, left);
	     nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type == NLMSG_ERROR)
			take_ack(nl, nlh);
		else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE)
			err = take_message(ch, nlh);
	}
	return err;
}

/* All messages go through the inbox; channel_try() looks there after -EAGAIN. */
static ssize_t netlink_recv(struct vexipc_channel *ch, void **buf, size_t *room)
{
	int err = 0;

	(void)buf;
	(void)room;
	while (!err && !ch->inbox)
		err = pump(ch);
	return err ? err : -EAGAIN;
}

/* --------------------------------------------------------------- sending -- */

static int transmit(struct vexipc_channel *ch, const struct nlmsghdr *nlh)
{
	static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	for (;;) {
		if (sendto(ch->fd, nlh, nlh->nlmsg_len, 0, (const struct sockaddr *)&kernel,
			   sizeof(kernel)) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

/* Send a message that asks for an ack, and get that. */
static int exchange(struct vexipc_channel *ch, const struct nlmsghdr *nlh,
		    struct packet **fetch)
{
	struct waiter w = { .seq = nlh->nlmsg_seq, .fetch = fetch };
	struct netlink *nl = ch->priv;
	struct waiter **at;
	int err;

	pthread_mutex_lock(&ch->lock);
	w.next = nl->waiters;
	nl->waiters = &w;
	pthread_mutex_unlock(&ch->lock);

	err = transmit(ch, nlh);

	pthread_mutex_lock(&ch->lock);
	while (!err && !w.done)
		err = pump(ch);
	for (at = &nl->waiters; *at != &w; at = &(*at)->next)
		;
	*at = w.next;
	vxi_channel_settle(ch);
	pthread_mutex_unlock(&ch->lock);
	/* No ack: the socket was full of unread messages. */
	if (err == -EAGAIN)
		return -ECOMM;
	return err ? err : w.err;
}

static uint32_t next_seq(struct netlink *nl)
{
	uint32_t seq;

	/* 0 is what the kernel's own messages have. */
	do {
		seq = atomic_fetch_add_explicit(&nl->seq, 1, memory_order_relaxed);
	} while (!seq);
	return seq;
}

static uint8_t command_of(const void *message, size_t len)
{
	uint32_t type = 0;

	if (len >= sizeof(struct vexipc_msg_header))
		type = get_le32((const char *)message +
				offsetof(struct vexipc_msg_header, message_type));
	switch (type) {
	case VEXIPC_MSG_EMBED_RESPONSE:
	case VEXIPC_MSG_BATCH_RESPONSE:
	case VEXIPC_MSG_HEALTH_RESPONSE:
	case VEXIPC_MSG_ERROR:
	case VEXIPC_MSG_NACK:
		return VEXIPC_CMD_RESPONSE;
	default:
		return VEXIPC_CMD_REQUEST;
	}
}

/* One piece, which may be all. */
static int send_piece(struct vexipc_channel *ch, uint8_t cmd, const void *message,
		      size_t offset, size_t len, size_t total)
{
	uint64_t buf[(VEXIPC_FRAGMENT_MAX + TX_FRAME) / 8];
	uint16_t flags = ch->flags & VEXIPC_CHANNEL_ACK && cmd == VEXIPC_CMD_REQUEST ?
			 NLM_F_ACK : 0;
	struct netlink *nl = ch->priv;
	struct nlmsghdr *nlh = vxi_genl_begin(buf, nl->family.id, cmd, flags, next_seq(nl));

	if (len < total) {
		mnl_attr_put_u32(nlh, VEXIPC_A_OFFSET, (uint32_t)offset);
		mnl_attr_put_u32(nlh, VEXIPC_A_TOTAL, (uint32_t)total);
	}
	mnl_attr_put(nlh, VEXIPC_A_MESSAGE, len, (const char *)message + offset);
	return flags ? exchange(ch, nlh, NULL) : transmit(ch, nlh);
}

static int netlink_send(struct vexipc_channel *ch, const void *message, size_t len)
{
	uint8_t cmd = command_of(message, len);
	struct netlink *nl = ch->priv;
	int err = 0;

	if (len > UINT32_MAX)
		return -EMSGSIZE;
	if (len <= VEXIPC_FRAGMENT_MAX) {
		pthread_rwlock_rdlock(&nl->sending);
		err = send_piece(ch, cmd, message, 0, len, len);
		pthread_rwlock_unlock(&nl->sending);
		return err;
	}
	pthread_rwlock_wrlock(&nl->sending);
	for (size_t at = 0; !err && at < len; at += VEXIPC_FRAGMENT_MAX) {
		size_t piece = len - at < VEXIPC_FRAGMENT_MAX ? len - at : VEXIPC_FRAGMENT_MAX;

		err = send_piece(ch, cmd, message, at, piece, len);
	}
	pthread_rwlock_unlock(&nl->sending);
	return err;
}

static struct nlmsghdr *fetch_begin(struct netlink *nl, void *buf, uint16_t flags,
				    const struct packet *packet, uint32_t offset)
{
	struct nlmsghdr *nlh = vxi_genl_begin(buf, nl->family.id, VEXIPC_CMD_FETCH, flags,
					      next_seq(nl));
	struct vexipc_msg_header header;

	memcpy(&header, packet->data, sizeof(header));
	mnl_attr_put_u64(nlh, VEXIPC_A_CORRELATION, le64toh(header.correlation_id));
	mnl_attr_put_u32(nlh, VEXIPC_A_OFFSET, offset);
	return nlh;
}

/* The module need not hold it any longer. Whether it hears so is of no importance. */
static void fetch_no_more(struct vexipc_channel *ch, const struct packet *packet)
{
	uint64_t buf[TX_FRAME / 8];

	transmit(ch, fetch_begin(ch->priv, buf, 0, packet, packet->total));
}

/*
 * There was no room in the socket, for the fragment or for the ack. Whoever looked
 * for the ack has read all that was there, so now there should be.
 */
static bool had_no_room(int err)
{
	return err == -EAGAIN || err == -ECOMM;
}

static int netlink_fetch(struct vexipc_channel *ch, struct packet **packet)
{
	unsigned int tries = 0;

	while ((*packet)->len < (*packet)->total) {
		uint64_t buf[TX_FRAME / 8];
		uint32_t had = (*packet)->len;
		int err = exchange(ch, fetch_begin(ch->priv, buf, NLM_F_ACK, *packet, had),
				   packet);

		if ((*packet)->len > had && (!err || had_no_room(err))) {
			tries = 0;
			continue;
		}
		if (had_no_room(err) && ++tries < FETCH_TRIES)
			continue;
		if (err != -ESRCH)
			fetch_no_more(ch, *packet);
		return err ? err : -EPROTO;
	}
	return 0;
}

static int netlink_cancel(struct vexipc_channel *ch, uint64_t request_id)
{
	struct netlink *nl = ch->priv;
	uint64_t buf[TX_FRAME / 8];
	struct nlmsghdr *nlh = vxi_genl_begin(buf, nl->family.id, VEXIPC_CMD_CANCEL, NLM_F_ACK,
					  next_seq(nl));

	mnl_attr_put_u64(nlh, VEXIPC_A_REQUEST_ID, request_id);
	return exchange(ch, nlh, NULL);
}

const struct channel_ops vxi_netlink_ops = {
	.transport = VEXIPC_TRANSPORT_NETLINK,
	.open = netlink_open,
	.close = netlink_close,
	.send = netlink_send,
	.recv = netlink_recv,
	.fetch = netlink_fetch,
	.cancel = netlink_cancel,
};
