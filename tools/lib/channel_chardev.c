// SPDX-License-Identifier: LGPL-2.1-or-later
/* The channel through /dev/vexipc: read() and write() of whole messages. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

enum {
	/* A first buffer: any vector, and most texts. */
	FIRST_ROOM = 64 << 10,
};

static int chardev_open(struct vexipc_channel *ch)
{
	ch->fd = open(VEXIPC_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	/* ENXIO, ENODEV: a node without the module behind it. */
	if (ch->fd < 0)
		return errno == ENXIO || errno == ENODEV ? -ENOENT : -errno;
	return 0;
}

static void chardev_close(struct vexipc_channel *ch)
{
	if (ch->fd >= 0)
		close(ch->fd);
}

static int chardev_send(struct vexipc_channel *ch, const void *message, size_t len)
{
	for (;;) {
		ssize_t n = write(ch->fd, message, len);

		if (n == (ssize_t)len)
			return 0;
		if (n >= 0)
			return -EIO;
		if (errno != EINTR)
			return -errno;
	}
}

/* All messages of a read() but the first go to the inbox. */
static ssize_t split(struct vexipc_channel *ch, const void *buf, size_t len)
{
	const unsigned char *at = buf;
	size_t first = 0;

	while (len) {
		struct vexipc_msg_header header;
		struct packet *packet;
		size_t length;

		if (len < sizeof(header))
			return -EPROTO;
		memcpy(&header, at, sizeof(header));
		length = le32toh(header.length);
		if (length < sizeof(header) || length > len)
			return -EPROTO;
		if (!first) {
			first = length;
		} else {
			packet = malloc(sizeof(*packet) + length);
			if (!packet)
				return -ENOMEM;
			packet->len = packet->total = (uint32_t)length;
			memcpy(packet->data, at, length);
			vxi_channel_stash(ch, packet);
		}
		at += length;
		len -= length;
	}
	return (ssize_t)first;
}

static ssize_t chardev_recv(struct vexipc_channel *ch, void **buf, size_t *room)
{
	if (*room < FIRST_ROOM) {
		int err = vxi_grow(buf, room, FIRST_ROOM);

		if (err)
			return err;
	}
	for (;;) {
		ssize_t n = read(ch->fd, *buf, *room);
		int need = 0, err;

		if (n > 0)
			return split(ch, *buf, (size_t)n);
		if (!n)
			return -ESHUTDOWN;
		if (errno != EMSGSIZE)
			return -errno;
		if (ioctl(ch->fd, FIONREAD, &need) < 0)
			return -errno;
		if (need < 0 || (size_t)need <= *room)
			continue;	/* that one is gone; another is next */
		err = vxi_grow(buf, room, (size_t)need);
		if (err)
			return err;
	}
}

static int chardev_cancel(struct vexipc_channel *ch, uint64_t request_id)
{
	struct vexipc_cancel cancel = { .request_id = request_id };

	return ioctl(ch->fd, VEXIPC_IOC_CANCEL, &cancel) < 0 ? -errno : 0;
}

const struct channel_ops vxi_chardev_ops = {
	.transport = VEXIPC_TRANSPORT_CHARDEV,
	.open = chardev_open,
	.close = chardev_close,
	.send = chardev_send,
	.recv = chardev_recv,
	.cancel = chardev_cancel,
};
