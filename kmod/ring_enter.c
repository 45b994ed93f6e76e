// SPDX-License-Identifier: GPL-2.0-only
/* VEXIPC_IOC_RING_ENTER: answers taken back, requests handed out. */
#include <linux/array_size.h>
#include <linux/bitmap.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "carrier.h"
#include "device.h"
#include "instance.h"
#include "memory.h"
#include "message_service.h"
#include "protocol.h"
#include "queue.h"
#include "request.h"
#include "ring_entry.h"
#include "transport.h"
#include "usercopy.h"

/* The part of the struct that is read. */
#define ENTER_IN	offsetof(struct vexipc_ring_enter, need)

/* --------------------------------------------------------------- requests -- */

/* -ENOSPC the service has all tags, and answers first; -EAGAIN it may wait. */
static int nothing(const struct vexipc_ring_queue *q)
{
	return q->held == q->ring->slots ? -ENOSPC : -EAGAIN;
}

/* A tag for a request, or why there is none. */
static int free_tag(struct vexipc_ring_queue *q)
{
	u32 tag;

	do {
		tag = find_first_bit(q->free, q->ring->slots);
		if (likely(tag < q->ring->slots))
			return tag;
	} while (!vexipc_ring_starves(q));
	return nothing(q);
}

static int put_image(struct vexipc_ring_entry *e, u32 tag, const struct vexipc_image *image)
{
	struct vexipc_ring_request *told = vexipc_ring_request_at(e->q, tag);
	void __user *side = u64_to_user_ptr(e->arg.side_ptr);
	u32 length = vexipc_image_len(image);

	if (likely(length <= e->ring->requests.slot)) {
		void *slot = vexipc_ring_request_slot(e->q, tag);

		memcpy(slot, image->head, image->head_len);
		slot += image->head_len;
		if (image->part_len[0])
			memcpy(slot, image->part[0], image->part_len[0]);
		slot += image->part_len[0];
		if (image->part_len[1])
			memcpy(slot, image->part[1], image->part_len[1]);
	} else {
		if (copy_to_user(side, image->head, image->head_len))
			return -EFAULT;
		side += image->head_len;
		for (u32 i = 0; i < ARRAY_SIZE(image->part); i++) {
			if (image->part_len[i] &&
			    copy_to_user(side, image->part[i], image->part_len[i]))
				return -EFAULT;
			side += image->part_len[i];
		}
		e->side_used = true;
	}
	told->length = length;
	told->flags = length > e->ring->requests.slot ? VEXIPC_RING_SIDE : 0;
	return 0;
}

/* 0; -EAGAIN there is none; or why not. */
static int hand_out(struct vexipc_ring_entry *e)
{
	struct vexipc_service *svc = e->svc;
	u32 room = e->ring->requests.slot, attempt;
	struct vexipc_carrier *carrier;
	struct vexipc_request *req;
	struct vexipc_image image;
	int tag, err;
	u64 id;

	lockdep_assert_held(&e->q->lock);
	tag = free_tag(e->q);
	if (tag < 0)
		return tag;
	if (!e->side_used && e->arg.side_ptr)
		room = max(room, e->arg.side_size);
	req = vexipc_queue_next(svc, room, &e->arg.need, &attempt);
	if (IS_ERR_OR_NULL(req))
		return req ? PTR_ERR(req) : -EAGAIN;
	carrier = vexipc_carrier_gather(svc, req, attempt, room, VEXIPC_GFP_CALLER);
	if (unlikely(carrier)) {
		id = carrier->id;
		err = put_image(e, tag, &carrier->image);
		if (err)
			vexipc_carrier_unsend(carrier, svc);
		vexipc_carrier_sent(carrier);
	} else {
		id = vexipc_id_with_attempt(req->correlation, attempt);
		vexipc_request_image_open(req, attempt, &image);
		vexipc_image_unsummed(&image);
		err = put_image(e, tag, &image);
		if (err)
			vexipc_queue_unsend(svc, req, attempt);
	}
	vexipc_request_put(req);
	if (err)
		return err;
	clear_bit(tag, e->q->free);
	e->q->id[tag] = id;
	e->q->held++;
	e->id[e->arg.fetched] = id;
	e->arg.tag[e->arg.fetched++] = tag;
	return 0;
}

static int hand_out_some(struct vexipc_ring_entry *e)
{
	int err = 0;

	while (!err && e->arg.fetched < e->arg.fetch) {
		/* Without a lock: nothing queued is the common answer. */
		if (!READ_ONCE(e->svc->queue.count))
			err = nothing(e->q);
		else
			err = hand_out(e);
	}
	return e->arg.fetched ? 0 : err;
}

/* What we were woken for may have been a successor's, on the same descriptor. */
static int stop_waiting(struct vexipc_ring_entry *e)
{
	if (!READ_ONCE(e->svc->gone))
		return -ECANCELED;
	if (e->waited) {
		vexipc_ring_wake_all(e->ring);
		vexipc_ring_tell(e->ring);
	}
	return -ENOTCONN;
}

/* With the queue's lock, which is given away meanwhile: who is killed has it no more. */
static int fetch(struct vexipc_ring_entry *e)
{
	ktime_t end = e->arg.timeout_ns ? ktime_add_ns(ktime_get(), e->arg.timeout_ns) : 0;
	int err = hand_out_some(e), why = 0;

	while (err == -EAGAIN && e->arg.flags & VEXIPC_RING_WAIT && !why) {
		if (vexipc_ring_over(e))
			return stop_waiting(e);
		mutex_unlock(&e->q->lock);
		why = vexipc_ring_wait(e, e->arg.timeout_ns ? &end : NULL);
		e->locked = !mutex_lock_killable(&e->q->lock);
		if (!e->locked)
			return -EINTR;
		err = hand_out_some(e);
	}
	return err == -EAGAIN && why ? why : err;
}

/* ------------------------------------------------------------------ the call -- */

static int take_arg(struct vexipc_ring_enter *arg, const struct vexipc_ring_enter __user *user,
		    size_t size)
{
	int ret;

	if (size < sizeof(*arg))
		return -EINVAL;
	if (vexipc_words_from_user(arg, user, ENTER_IN))
		return -EFAULT;
	BUILD_BUG_ON(ENTER_IN % sizeof(u64) || sizeof(*arg) % sizeof(u64));
	/* Given whole words at a time: what is not used is nobody's. */
	memset((void *)arg + ENTER_IN, 0, sizeof(*arg) - ENTER_IN);
	if (likely(size == sizeof(*arg)))
		return 0;
	ret = check_zeroed_user(user + 1, size - sizeof(*arg));
	return ret == 1 ? 0 : ret ?: -E2BIG;
}

static int check_arg(const struct vexipc_ring *ring, const struct vexipc_ring_enter *arg)
{
	if (arg->flags & ~VEXIPC_RING_FLAGS)
		return -EOPNOTSUPP;
	if (arg->queue >= ring->queues)
		return -ECHRNG;
	if (arg->commits > VEXIPC_RING_BATCH || arg->fetch > VEXIPC_RING_BATCH ||
	    (arg->flags & VEXIPC_RING_WAIT && !arg->fetch) ||
	    !(arg->commits | arg->fetch | arg->flags) || arg->reserved ||
	    arg->timeout_ns > KTIME_MAX / 2)
		return -EINVAL;
	return 0;
}

static void stop_or_go(struct vexipc_ring *ring, u32 flags)
{
	if (flags & VEXIPC_RING_GO)
		WRITE_ONCE(ring->stopped, false);
	if (flags & VEXIPC_RING_STOP) {
		WRITE_ONCE(ring->stopped, true);
		vexipc_ring_wake_all(ring);
	}
}

/* It cannot be told what it was given: that goes elsewhere. */
static void take_back(struct vexipc_ring_entry *e)
{
	struct vexipc_ring_queue *q = e->q;

	mutex_lock(&q->lock);
	for (u32 i = 0; i < e->arg.fetched; i++) {
		u32 tag = e->arg.tag[i];

		/* Another call may have answered it since. */
		if (q->id[tag] != e->id[i])
			continue;
		vexipc_message_failed(e->svc, q->id[tag], VEXIPC_ERR_SERVICE_FAILED,
				      VEXIPC_ERROR_RETRY);
		q->id[tag] = 0;
		q->held--;
		vexipc_ring_freed(q, tag);
	}
	mutex_unlock(&q->lock);
}

static int give_arg(const struct vexipc_ring_enter *arg, struct vexipc_ring_enter __user *user)
{
	size_t len = offsetof(struct vexipc_ring_enter, tag) - ENTER_IN +
		     arg->fetched * sizeof(arg->tag[0]);

	return vexipc_words_to_user((void __user *)user + ENTER_IN, (const void *)arg + ENTER_IN,
				    round_up(len, sizeof(u64)));
}

/**
 * vexipc_ring_enter() - VEXIPC_IOC_RING_ENTER
 * @file: the descriptor
 * @user: what is to be done
 * @size: of the caller's struct
 *
 * Context: the service's thread; sleeps.
 * Return: 0, or a negative errno: see struct vexipc_ring_enter.
 */
long vexipc_ring_enter(struct vexipc_file *file, struct vexipc_ring_enter __user *user,
		       size_t size)
{
	struct vexipc_ring_entry e;
	int err;

	/* Pairs with the setup. */
	e.ring = smp_load_acquire(&file->ring);
	if (!e.ring)
		return -EBADFD;
	err = take_arg(&e.arg, user, size) ?: check_arg(e.ring, &e.arg);
	if (err)
		return err;
	if (unlikely(e.arg.flags & (VEXIPC_RING_STOP | VEXIPC_RING_GO)))
		stop_or_go(e.ring, e.arg.flags);
	e.q = &e.ring->queue[array_index_nospec(e.arg.queue, e.ring->queues)];
	e.side_used = false;
	e.waited = false;
	e.svc = vexipc_endpoint_service(&file->ep);
	if (e.svc && e.svc->transport != &vexipc_transport_ring) {
		vexipc_service_put(e.svc);
		e.svc = NULL;
	}

	/* The holder may wait for a page of its memory, for as long as others please. */
	err = mutex_lock_killable(&e.q->lock);
	if (err)
		goto put_service;
	e.locked = true;
	err = vexipc_ring_take_answers(&e);
	if (!err && e.arg.fetch) {
		err = e.svc ? fetch(&e) : -ENOTCONN;
		/* The next call will tell. */
		if (e.arg.committed)
			err = 0;
	}
	if (likely(e.locked))
		mutex_unlock(&e.q->lock);

	if (unlikely(give_arg(&e.arg, user))) {
		err = -EFAULT;
		if (e.arg.fetched)
			take_back(&e);
	}
	if (e.svc && e.arg.fetch)
		vexipc_ring_pass_on(&e);
put_service:
	if (e.svc)
		vexipc_service_put(e.svc);
	return err;
}
