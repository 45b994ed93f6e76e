// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Channels: whole messages to and from the module, whatever carries them.
 *
 * Several threads may send and receive through one. What one thread receives
 * and nobody has asked for yet, as the rest of a read() or a message that came
 * before an ack, goes to the inbox; an eventfd is readable while the inbox holds
 * any, so that whoever polls wakes up for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "internal.h"

int vxi_grow(void **buf, size_t *room, size_t len)
{
	void *bigger;

	if (len <= *room && *buf)
		return 0;
	bigger = realloc(*buf, len ? len : 1);
	if (!bigger)
		return -ENOMEM;
	*buf = bigger;
	*room = len ? len : 1;
	return 0;
}

void vxi_channel_stash_at(struct vexipc_channel *ch, struct packet **at, struct packet *packet)
{
	packet->next = *at;
	*at = packet;
	if (!packet->next)
		ch->inbox_tail = &packet->next;
	atomic_fetch_add_explicit(&ch->inbox_len, 1, memory_order_relaxed);
}

void vxi_channel_stash(struct vexipc_channel *ch, struct packet *packet)
{
	vxi_channel_stash_at(ch, ch->inbox_tail, packet);
}

static struct packet *channel_unstash(struct vexipc_channel *ch)
{
	struct packet *packet = ch->inbox;

	if (!packet)
		return NULL;
	ch->inbox = packet->next;
	if (!ch->inbox)
		ch->inbox_tail = &ch->inbox;
	atomic_fetch_sub_explicit(&ch->inbox_len, 1, memory_order_relaxed);
	return packet;
}

void vxi_channel_settle(struct vexipc_channel *ch)
{
	uint64_t value = 1;
	ssize_t n = 0;

	if (ch->inbox && !ch->inbox_signalled)
		n = write(ch->inbox_fd, &value, sizeof(value));
	else if (!ch->inbox && ch->inbox_signalled)
		n = read(ch->inbox_fd, &value, sizeof(value));
	/* Neither can fail: the eventfd is 0 for the one, 1 for the other. */
	if (n < 0)
		abort();
	ch->inbox_signalled = ch->inbox;
}

unsigned int vxi_channel_waiting(struct vexipc_channel *ch)
{
	return atomic_load_explicit(&ch->inbox_len, memory_order_relaxed);
}

/* A packet to the caller's buffer, whole. Length, or a negative errno. */
static ssize_t channel_deliver(struct vexipc_channel *ch, struct packet *packet,
			       void **buf, size_t *room)
{
	ssize_t len;
	int err = 0;

	if (packet->len < packet->total)
		err = ch->ops->fetch(ch, &packet);
	if (!err)
		err = vxi_grow(buf, room, packet->len);
	len = err;
	if (!err) {
		memcpy(*buf, packet->data, packet->len);
		len = packet->len;
	}
	free(packet);
	return len;
}

/* One message without waiting; -EAGAIN none. */
static ssize_t channel_try(struct vexipc_channel *ch, void **buf, size_t *room)
{
	for (;;) {
		struct packet *packet;
		ssize_t len = -EAGAIN;

		pthread_mutex_lock(&ch->lock);
		packet = channel_unstash(ch);
		if (!packet) {
			len = ch->ops->recv(ch, buf, room);
			if (len == -EAGAIN)
				packet = channel_unstash(ch);
		}
		vxi_channel_settle(ch);
		pthread_mutex_unlock(&ch->lock);
		if (!packet)
			return len;
		len = channel_deliver(ch, packet, buf, room);
		/* A request that ended before the rest of it was fetched. */
		if (len == -ESRCH || len == -ENOENT)
			continue;
		return len;
	}
}

/* Until there may be something to receive: 0, or why not. */
static int channel_wait(struct vexipc_channel *ch, int timeout_ms)
{
	struct epoll_event events[3];
	/* Of several threads that wait here, one wakes up for each event. */
	int n = epoll_wait(ch->poll_fd, events, ARRAY_SIZE(events), timeout_ms);

	if (n < 0)
		return -errno;
	while (n--) {
		if (events[n].data.fd == ch->wake_fd)
			return -ECANCELED;
		/* A socket's error is what receiving tells. */
		if (!(events[n].events & EPOLLIN) && ch->ops != &vxi_netlink_ops)
			return -ESHUTDOWN;
	}
	return 0;
}

ssize_t vexipc_channel_recv(struct vexipc_channel *channel, void **buf, size_t *room,
			    int timeout_ms)
{
	uint64_t deadline = deadline_of(timeout_ms);

	for (;;) {
		int left = timeout_ms ? ms_left(deadline) : 0;
		ssize_t len;
		int err;

		if (channel->ops->serves && channel->ops->serves(channel) &&
		    !vxi_channel_waiting(channel))
			return channel->ops->next(channel, buf, room, left);
		/* Who is ready to wait mostly has to: to look first would be in vain. */
		if (left && !vxi_channel_waiting(channel)) {
			err = channel_wait(channel, left);
			if (err)
				return err;
		}
		len = channel_try(channel, buf, room);
		if (len != -EAGAIN || !left)
			return len;
	}
}

int vexipc_channel_send(struct vexipc_channel *channel, const void *message, size_t len)
{
	return channel->ops->send(channel, message, len);
}

int vexipc_channel_fd(const struct vexipc_channel *channel)
{
	return channel->poll_fd;
}

uint32_t vexipc_channel_transport(const struct vexipc_channel *channel)
{
	return channel->ops->transport;
}

static int channel_watch(struct vexipc_channel *ch, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(ch->poll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int vxi_channel_set_wake(struct vexipc_channel *ch, int fd)
{
	ch->wake_fd = fd;
	return channel_watch(ch, fd);
}

static int channel_prepare(struct vexipc_channel *ch)
{
	int err;

	ch->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	ch->inbox_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ch->poll_fd < 0 || ch->inbox_fd < 0)
		return -errno;
	err = channel_watch(ch, ch->fd);
	return err ? err : channel_watch(ch, ch->inbox_fd);
}

int vexipc_channel_open(uint32_t transport, uint32_t flags, struct vexipc_channel **channel)
{
	return vxi_channel_open(transport, flags, 0, 0, channel);
}

int vxi_channel_open(uint32_t transport, uint32_t flags, uint32_t queues, size_t answer_bytes,
		     struct vexipc_channel **channel)
{
	struct vexipc_channel *ch;
	int err;

	if (flags & ~VEXIPC_CHANNEL_ACK)
		return -EINVAL;
	ch = calloc(1, sizeof(*ch));
	if (!ch)
		return -ENOMEM;
	ch->flags = flags;
	ch->queues = queues;
	ch->answer_bytes = answer_bytes;
	ch->fd = ch->inbox_fd = ch->wake_fd = ch->poll_fd = -1;
	ch->inbox_tail = &ch->inbox;
	pthread_mutex_init(&ch->lock, NULL);
	switch (transport) {
	case VEXIPC_TRANSPORT_DEFAULT:
	case VEXIPC_TRANSPORT_CHARDEV:
		ch->ops = &vxi_chardev_ops;
		break;
	case VEXIPC_TRANSPORT_NETLINK:
		ch->ops = &vxi_netlink_ops;
		break;
	case VEXIPC_TRANSPORT_RING:
		ch->ops = &vxi_ring_ops;
		break;
	default:
		free(ch);
		return -EOPNOTSUPP;
	}
	err = ch->ops->open(ch);
	if (!err)
		err = channel_prepare(ch);
	if (err) {
		vexipc_channel_close(ch);
		return err;
	}
	*channel = ch;
	return 0;
}

void vexipc_channel_close(struct vexipc_channel *channel)
{
	if (!channel)
		return;
	while (channel->inbox) {
		struct packet *packet = channel->inbox;

		channel->inbox = packet->next;
		free(packet);
	}
	if (channel->poll_fd >= 0)
		close(channel->poll_fd);
	if (channel->inbox_fd >= 0)
		close(channel->inbox_fd);
	channel->ops->close(channel);
	pthread_mutex_destroy(&channel->lock);
	free(channel);
}
