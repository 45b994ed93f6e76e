// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The channel through the device with a ring: requests are fetched from slots that
 * are mapped, answers are left in them. Everything else goes the way of the device.
 *
 * A thread of a serve loop says so: its answers then wait until it fetches its next
 * request, and go with the same system call.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

enum {
	SLOT_ALIGN = 64,
	/* A slot for longer answers would be too few slots: they take the side way. */
	MOST_ANSWER = 16 << 10,
	/* All slots are in use: so often is looked whether one has become free. */
	FULL_POLL_MS = 5,
};

struct ring {
	struct vexipc_ring_setup setup;
	const unsigned char *requests;
	unsigned char *answers;
	atomic_bool serving;
	atomic_uint looping;		/* threads of a serve loop */
	_Atomic uint64_t *held;		/* what each slot is for, queue by queue; 0: ours not */
};

/* Of a thread in a serve loop. */
static _Thread_local struct {
	struct vexipc_channel *ch;
	uint32_t queue;
	uint32_t count;
	uint16_t tag[VEXIPC_RING_BATCH];
} mine;

static uint32_t queue_of(const struct vexipc_channel *ch, const struct ring *ring)
{
	return mine.ch == ch ? mine.queue % ring->setup.queues : 0;
}

static const void *request_slot(const struct ring *ring, uint32_t queue, uint32_t tag)
{
	return ring->requests + (size_t)queue * ring->setup.requests_stride +
	       ring->setup.requests_offset + (size_t)tag * ring->setup.request_size;
}

static void *answer_slot(const struct ring *ring, uint32_t queue, uint32_t tag)
{
	return ring->answers + (size_t)queue * ring->setup.answers_stride +
	       ring->setup.answers_offset + (size_t)tag * ring->setup.answer_size;
}

static struct vexipc_ring_answer *answer_of(const struct ring *ring, uint32_t queue,
					    uint32_t tag)
{
	return (void *)(ring->answers + (size_t)queue * ring->setup.answers_stride +
			tag * sizeof(struct vexipc_ring_answer));
}

static _Atomic uint64_t *held(const struct ring *ring, uint32_t queue, uint32_t tag)
{
	return &ring->held[queue * ring->setup.slots + tag];
}

/* ---------------------------------------------------------------- opening -- */

static uint32_t slot_size(size_t bytes)
{
	if (!bytes || bytes > MOST_ANSWER)
		return 0;
	if (bytes < VEXIPC_RING_MIN_SLOT)
		return VEXIPC_RING_MIN_SLOT;
	return (uint32_t)(bytes + SLOT_ALIGN - 1) & ~(uint32_t)(SLOT_ALIGN - 1);
}

static int map(struct vexipc_channel *ch, uint64_t offset, uint64_t size, int prot, void **at)
{
	*at = mmap(NULL, size, prot, MAP_SHARED, ch->fd, (off_t)offset);
	if (*at != MAP_FAILED)
		return 0;
	*at = NULL;
	return -errno;
}

static int ring_open(struct vexipc_channel *ch)
{
	void *requests = NULL, *answers = NULL;
	struct ring *ring;
	int err = vxi_chardev_ops.open(ch);

	if (err)
		return err;
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	ch->priv = ring;
	ring->setup = (struct vexipc_ring_setup) {
		.queues = ch->queues,
		.answer_size = slot_size(ch->answer_bytes),
	};
	err = ioctl(ch->fd, VEXIPC_IOC_RING_SETUP, &ring->setup) < 0 ? -errno : 0;
	/* A module without it; or one that allows for too little memory. */
	if (err == -ENOTTY || err == -ENOSPC)
		return -EOPNOTSUPP;
	if (!err)
		err = map(ch, VEXIPC_RING_REQUESTS, ring->setup.requests_size, PROT_READ,
			  &requests);
	if (!err)
		err = map(ch, VEXIPC_RING_ANSWERS, ring->setup.answers_size,
			  PROT_READ | PROT_WRITE, &answers);
	ring->requests = requests;
	ring->answers = answers;
	if (err)
		return err;
	ring->held = calloc((size_t)ring->setup.queues * ring->setup.slots,
			    sizeof(*ring->held));
	return ring->held ? 0 : -ENOMEM;
}

static void ring_close(struct vexipc_channel *ch)
{
	struct ring *ring = ch->priv;

	/* First: who is mapped and not open is dead to the module. */
	vxi_chardev_ops.close(ch);
	if (!ring)
		return;
	if (ring->requests)
		munmap((void *)ring->requests, ring->setup.requests_size);
	if (ring->answers)
		munmap(ring->answers, ring->setup.answers_size);
	free(ring->held);
	free(ring);
}

/* ---------------------------------------------------------------- answers -- */

static bool answers(uint32_t type)
{
	return type == VEXIPC_MSG_EMBED_RESPONSE || type == VEXIPC_MSG_BATCH_RESPONSE ||
	       type == VEXIPC_MSG_HEALTH_RESPONSE || type == VEXIPC_MSG_ERROR ||
	       type == VEXIPC_MSG_NACK;
}

/* Where the request lies that is to be answered. Low tags are the first to be given. */
static bool find(const struct ring *ring, uint64_t correlation, uint32_t *queue, uint32_t *tag)
{
	for (uint32_t i = 0; i < ring->setup.queues * ring->setup.slots; i++) {
		if (atomic_load_explicit(&ring->held[i], memory_order_relaxed) == correlation) {
			*queue = i / ring->setup.slots;
			*tag = i % ring->setup.slots;
			return correlation;
		}
	}
	return false;
}

static int enter(struct vexipc_channel *ch, struct vexipc_ring_enter *arg)
{
	return ioctl(ch->fd, VEXIPC_IOC_RING_ENTER, arg) < 0 ? -errno : 0;
}

static int commit(struct vexipc_channel *ch, uint32_t queue, uint32_t tag, uint64_t correlation)
{
	struct vexipc_ring_enter arg = { .queue = queue, .commits = 1 };
	struct ring *ring = ch->priv;
	int err;

	arg.commit[0] = (uint16_t)tag;
	do
		err = enter(ch, &arg);
	while (err == -EINTR);
	/* Still ours. */
	if (err)
		atomic_store(held(ring, queue, tag), correlation);
	return err;
}

/* Answers that wait to go: into the call. */
static void add_commits(struct vexipc_channel *ch, struct vexipc_ring_enter *arg)
{
	if (mine.ch != ch)
		return;
	memcpy(arg->commit, mine.tag, mine.count * sizeof(mine.tag[0]));
	arg->commits = mine.count;
}

/* So many of them are gone. One that was refused, and nobody can be told, fails. */
static void commits_gone(struct vexipc_channel *ch, const struct vexipc_ring_enter *arg, int err)
{
	uint32_t gone = arg->committed;
	struct vexipc_ring_answer *answer;

	if (mine.ch != ch)
		return;
	mine.count -= gone;
	memmove(mine.tag, mine.tag + gone, mine.count * sizeof(mine.tag[0]));
	if (!err || !mine.count)
		return;
	answer = answer_of(ch->priv, arg->queue, mine.tag[0]);
	if (answer->length) {
		*answer = (struct vexipc_ring_answer) {
			.status = err == -ENOMEM ? VEXIPC_ERR_NO_MEMORY :
						   VEXIPC_ERR_SERVICE_FAILED,
			.kind = err == -ENOMEM ? VEXIPC_ERROR_RETRY : 0,
		};
		return;
	}
	mine.count--;
	memmove(mine.tag, mine.tag + 1, mine.count * sizeof(mine.tag[0]));
}

static void flush_commits(struct vexipc_channel *ch)
{
	while (mine.ch == ch && mine.count) {
		struct vexipc_ring_enter arg = { .queue = queue_of(ch, ch->priv) };
		int err;

		add_commits(ch, &arg);
		err = enter(ch, &arg);
		commits_gone(ch, &arg, err);
	}
}

void vxi_ring_defer(struct vexipc_channel *ch, uint32_t queue)
{
	if (ch->ops != &vxi_ring_ops)
		return;
	mine.ch = ch;
	mine.queue = queue;
	mine.count = 0;
	atomic_fetch_add(&((struct ring *)ch->priv)->looping, 1);
}

void vxi_ring_undefer(struct vexipc_channel *ch)
{
	if (mine.ch != ch)
		return;
	flush_commits(ch);
	atomic_fetch_sub(&((struct ring *)ch->priv)->looping, 1);
	mine.ch = NULL;
}

/* Where an answer may be written at once, so that it need not be copied. */
static void *ring_reserve(struct vexipc_channel *ch, uint64_t correlation, size_t *room)
{
	struct ring *ring = ch->priv;
	uint32_t queue, tag;

	if (!find(ring, correlation, &queue, &tag))
		return NULL;
	*room = ring->setup.answer_size;
	return answer_slot(ring, queue, tag);
}

/*
 * In a serve loop all threads may wait in the module for long, and would find what is
 * well much later, and much of it.
 */
static bool needs_nobody(const struct vexipc_channel *ch, const void *message, size_t len)
{
	const struct ring *ring = ch->priv;
	struct {
		struct vexipc_msg_header header;
		struct vexipc_ack_body body;
	} ack;

	if (!atomic_load(&ring->looping) || len < sizeof(ack))
		return false;
	memcpy(&ack, message, sizeof(ack));
	return le32toh(ack.header.message_type) == VEXIPC_MSG_ACK &&
	       le32toh(ack.body.type) == VEXIPC_MSG_HEARTBEAT;
}

/* The replies to what was written have come by the time that it returns. */
static void take_replies(struct vexipc_channel *ch)
{
	struct packet *packet, **at;
	void *buf = NULL;
	size_t room = 0;
	ssize_t len;

	pthread_mutex_lock(&ch->lock);
	/* What comes with the first is in the inbox by then, and goes behind it. */
	while (at = ch->inbox_tail, (len = vxi_chardev_ops.recv(ch, &buf, &room)) > 0) {
		if (needs_nobody(ch, buf, (size_t)len))
			continue;
		packet = malloc(sizeof(*packet) + (size_t)len);
		if (!packet)
			break;
		packet->len = packet->total = (uint32_t)len;
		memcpy(packet->data, buf, (size_t)len);
		vxi_channel_stash_at(ch, at, packet);
	}
	vxi_channel_settle(ch);
	pthread_mutex_unlock(&ch->lock);
	free(buf);
}

static int ring_send(struct vexipc_channel *ch, const void *message, size_t len)
{
	struct ring *ring = ch->priv;
	struct vexipc_msg_header header = { 0 };
	struct vexipc_ring_answer *answer;
	uint64_t correlation;
	uint32_t queue, tag;
	int err;

	memcpy(&header, message, len < sizeof(header) ? len : sizeof(header));
	correlation = le64toh(header.correlation_id);
	if (len < sizeof(header) || !answers(le32toh(header.message_type)) ||
	    !find(ring, correlation, &queue, &tag)) {
		err = vxi_chardev_ops.send(ch, message, len);
		if (!err)
			take_replies(ch);
		return err;
	}
	answer = answer_of(ring, queue, tag);
	*answer = (struct vexipc_ring_answer) { .length = (uint32_t)len };
	if (len > ring->setup.answer_size)
		answer->side_ptr = (uintptr_t)message;
	else if (message != answer_slot(ring, queue, tag))
		memcpy(answer_slot(ring, queue, tag), message, len);
	/* From when it is taken back, somebody else may be given it. */
	atomic_store(held(ring, queue, tag), 0);
	/* Who makes his own messages is told what becomes of them. */
	if (mine.ch == ch && queue == queue_of(ch, ring) &&
	    message == answer_slot(ring, queue, tag) &&
	    mine.count < VEXIPC_RING_BATCH) {
		mine.tag[mine.count++] = (uint16_t)tag;
		return 0;
	}
	return commit(ch, queue, tag, correlation);
}

/* --------------------------------------------------------------- requests -- */

/* The request of a call, to the caller's buffer. Its length. */
static ssize_t take_request(struct vexipc_channel *ch, const struct vexipc_ring_enter *arg,
			    void *buf)
{
	struct ring *ring = ch->priv;
	const struct vexipc_ring_request *request = (const void *)
		(ring->requests + (size_t)arg->queue * ring->setup.requests_stride +
		 arg->tag[0] * sizeof(*request));
	struct vexipc_msg_header header;

	if (!(request->flags & VEXIPC_RING_SIDE))
		memcpy(buf, request_slot(ring, arg->queue, arg->tag[0]), request->length);
	memcpy(&header, buf, sizeof(header));
	atomic_store(held(ring, arg->queue, arg->tag[0]), le64toh(header.correlation_id));
	return request->length;
}

static ssize_t ring_next(struct vexipc_channel *ch, void **buf, size_t *room, int timeout_ms)
{
	uint64_t deadline = deadline_of(timeout_ms);
	struct ring *ring = ch->priv;
	/* What has been fetched must find room: nobody else can answer it. */
	int err = vxi_grow(buf, room, ring->setup.request_size);

	if (err)
		return err;
	for (;;) {
		struct vexipc_ring_enter arg = {
			.queue = queue_of(ch, ring),
			.fetch = 1,
			.side_ptr = (uintptr_t)*buf,
			.side_size = *room > VEXIPC_MAX_MESSAGE ? VEXIPC_MAX_MESSAGE :
								  (uint32_t)*room,
		};
		int left = timeout_ms < 0 ? -1 : ms_left(deadline);

		if (left) {
			arg.flags = VEXIPC_RING_WAIT;
			arg.timeout_ns = left < 0 ? 0 : (uint64_t)left * 1000000u;
		}
		add_commits(ch, &arg);
		err = enter(ch, &arg);
		if (arg.commits) {
			commits_gone(ch, &arg, err);
			if (!arg.fetched)
				continue;
		}
		if (!err)
			return take_request(ch, &arg, *buf);
		switch (err) {
		case -EMSGSIZE:
			err = vxi_grow(buf, room, arg.need);
			if (err)
				return err;
			continue;
		case -ENOSPC:
			if (!left)
				return -EAGAIN;
			poll(NULL, 0, left < 0 || left > FULL_POLL_MS ? FULL_POLL_MS : left);
			continue;
		case -ETIMEDOUT:
			return -EAGAIN;
		case -ENOTCONN:
			return -ESHUTDOWN;
		default:
			return err;
		}
	}
}

static bool ring_serves(struct vexipc_channel *ch)
{
	struct ring *ring = ch->priv;

	return atomic_load_explicit(&ring->serving, memory_order_relaxed);
}

void vxi_ring_serving(struct vexipc_channel *ch)
{
	struct ring *ring = ch->priv;

	if (ch->ops == &vxi_ring_ops)
		atomic_store(&ring->serving, true);
}

static ssize_t ring_recv(struct vexipc_channel *ch, void **buf, size_t *room)
{
	return vxi_chardev_ops.recv(ch, buf, room);
}

static int ring_cancel(struct vexipc_channel *ch, uint64_t request_id)
{
	return vxi_chardev_ops.cancel(ch, request_id);
}

/* Who waits in the module is not woken by a descriptor. */
void vxi_ring_stop(struct vexipc_channel *ch, bool stop)
{
	struct vexipc_ring_enter arg = { .flags = stop ? VEXIPC_RING_STOP : VEXIPC_RING_GO };

	if (ch && ch->ops == &vxi_ring_ops)
		enter(ch, &arg);
}

const struct channel_ops vxi_ring_ops = {
	.transport = VEXIPC_TRANSPORT_RING,
	.open = ring_open,
	.close = ring_close,
	.send = ring_send,
	.recv = ring_recv,
	.cancel = ring_cancel,
	.serves = ring_serves,
	.next = ring_next,
	.reserve = ring_reserve,
};
