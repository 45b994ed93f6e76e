// SPDX-License-Identifier: GPL-2.0-only
/*
 * VEXIPC_IOC_RING_ENTER: answers taken back, requests handed out.
 *
 * Whatever lies in memory that the service can write to may change at any time,
 * so each field is read once into memory of our own, and that is checked and
 * used. What a tag stands for is in the queue's table, which is nobody's but
 * ours. A vector alone may stay where it is until the client has it: how long it
 * is was checked, and what is in it is the service's affair.
 */
#include <linux/array_size.h>
#include <linux/bitmap.h>
#include <linux/hrtimer.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "carrier.h"
#include "device.h"
#include "instance.h"
#include "memory.h"
#include "message_service.h"
#include "protocol.h"
#include "queue.h"
#include "registry.h"
#include "request.h"
#include "ring.h"
#include "transport.h"
#include "usercopy.h"

/* The part of the struct that is read. */
#define ENTER_IN	offsetof(struct vexipc_ring_enter, need)
/* More than a round trip through one that answers at once. */
#define SPIN_MAX_NS	20000u

/* struct entry is one call on its way. */
struct entry {
	struct vexipc_ring *ring;
	struct vexipc_ring_queue *q;
	struct vexipc_service *svc;	/* or NULL; a reference */
	struct vexipc_ring_enter arg;
	bool side_used;
};

/* ---------------------------------------------------------------- answers -- */

/* What is to be looked at of most answers: copied out of the slot, in one piece. */
struct head {
	struct vexipc_msg_header header;
	struct vexipc_embed_response_body body;
};

/* Header and length; a flag that is good here alone is taken off. */
static int check_header(struct vexipc_msg_header *header, u32 length, u64 id, bool *summed)
{
	__le32 unsummed = cpu_to_le32(VEXIPC_MSGF_UNSUMMED);
	int err;

	*summed = !(header->flags & unsummed);
	header->flags &= ~unsummed;
	err = vexipc_header_check(header);
	if (err)
		return err;
	if (le32_to_cpu(header->length) != length || (!*summed && header->checksum))
		return -EINVAL;
	return le64_to_cpu(header->correlation_id) == id ? 0 : -ESTALE;
}

static void begin_incoming(const struct entry *e, const struct vexipc_msg_header *header,
			   struct vexipc_incoming *in)
{
	in->ep = &e->ring->file->ep;
	in->header = header;
	in->len = le32_to_cpu(header->length);
	in->type = le32_to_cpu(header->message_type);
	in->flags = le32_to_cpu(header->flags);
	in->correlation = le64_to_cpu(header->correlation_id);
}

/* A message in memory of ours: checked and done as any other. */
static int take_message(const struct entry *e, void *message, u32 length, u64 id)
{
	struct vexipc_msg_header *header = message;
	struct vexipc_incoming in = { .message = &message };
	__le32 flags = header->flags;
	bool summed;
	int err = check_header(header, length, id, &summed);

	if (!err && summed) {
		header->flags = flags;
		err = vexipc_message_check(message, length);
	}
	if (!err) {
		begin_incoming(e, header, &in);
		err = vexipc_message_answer(&in, e->svc);
	}
	kvfree(message);
	return err;
}

/* One that lies in user memory. */
static int take_side(const struct entry *e, u64 from, u32 length, u64 id)
{
	void *message;

	if (length < sizeof(struct vexipc_msg_header))
		return -EINVAL;
	if (length > VEXIPC_MAX_MESSAGE)
		return -EMSGSIZE;
	message = vexipc_caller_alloc(length);
	if (!message)
		return -ENOMEM;
	if (copy_from_user(message, u64_to_user_ptr(from), length)) {
		kvfree(message);
		return -EFAULT;
	}
	return take_message(e, message, length, id);
}

/*
 * The client may read it where it lies, and have the slot until then. That are never
 * more than half of them: one who is stopped does not stop the service.
 */
static void lend(const struct entry *e, u32 tag, struct vexipc_lent *lent)
{
	if (atomic_read(&e->q->lent) >= e->ring->slots / 2)
		return;
	lent->queue = e->q;
	lent->tag = tag;
	atomic_inc(&e->q->lent);
	vexipc_endpoint_get(&e->ring->file->ep);
}

static void unlend(const struct entry *e)
{
	atomic_dec(&e->q->lent);
	vexipc_endpoint_put(&e->ring->file->ep);
}

/*
 * One that lies in the slot. Of an EMBED_RESPONSE whose checksum need not be looked
 * at, header and body are copied; the vector where it is needed.
 */
static int take_slot(const struct entry *e, u32 tag, u32 length, u64 id, bool *lent)
{
	const void *slot = vexipc_ring_answer_slot(e->q, tag);
	struct vexipc_incoming in = {};
	struct head head;
	void *message = NULL;
	bool summed;
	int err;

	if (length < sizeof(struct vexipc_msg_header))
		return -EINVAL;
	if (length > e->ring->answers.slot)
		return -EMSGSIZE;
	if (length >= sizeof(head)) {
		memcpy(&head, slot, sizeof(head));
		barrier();	/* it may not be read again */
		if (head.header.message_type == cpu_to_le32(VEXIPC_MSG_EMBED_RESPONSE) &&
		    head.header.flags & cpu_to_le32(VEXIPC_MSGF_UNSUMMED)) {
			err = check_header(&head.header, length, id, &summed);
			if (err)
				return err;
			in.message = &message;
			in.vector = slot + sizeof(head);
			begin_incoming(e, &head.header, &in);
			lend(e, tag, &in.lent);
			err = vexipc_message_answer(&in, e->svc);
			/* A copy that nobody took over. */
			kvfree(message);
			*lent = in.lent_out;
			if (in.lent.queue && !in.lent_out)
				unlend(e);
			return err;
		}
	}
	message = vexipc_caller_alloc(length);
	if (!message)
		return -ENOMEM;
	memcpy(message, slot, length);
	return take_message(e, message, length, id);
}

/* A failure without a message. */
static int take_status(const struct entry *e, const struct vexipc_ring_answer *told, u64 id)
{
	if (!told->status || told->side_ptr)
		return -EINVAL;
	if (told->kind & ~VEXIPC_ERROR_KINDS)
		return -EOPNOTSUPP;
	return vexipc_message_failed(e->svc, id, told->status, told->kind);
}

/* It was handed out for a service that is gone. */
static int take_orphan(const struct entry *e)
{
	vexipc_count(e->ring->file->ep.inst, ORPHANS);
	return 0;
}

static int take_answer(const struct entry *e, u32 tag)
{
	const struct vexipc_ring_answer *shared;
	struct vexipc_ring_queue *q = e->q;
	struct vexipc_ring_answer told;
	bool lent = false;
	u64 id;
	int err;

	lockdep_assert_held(&q->lock);
	if (tag >= e->ring->slots)
		return -ERANGE;
	tag = array_index_nospec(tag, e->ring->slots);
	id = q->id[tag];
	if (!id)
		return -ESRCH;
	shared = vexipc_ring_answer_at(q, tag);
	told.length = READ_ONCE(shared->length);
	told.status = READ_ONCE(shared->status);
	told.kind = READ_ONCE(shared->kind);
	told.reserved = READ_ONCE(shared->reserved);
	told.side_ptr = READ_ONCE(shared->side_ptr);
	if (unlikely(told.reserved || (told.length && (told.status | told.kind))))
		return -EINVAL;
	if (unlikely(!e->svc))
		err = take_orphan(e);
	else if (unlikely(!told.length))
		err = take_status(e, &told, id);
	else if (unlikely(told.side_ptr))
		err = take_side(e, told.side_ptr, told.length, id);
	else
		err = take_slot(e, tag, told.length, id, &lent);
	if (err)
		return err;
	q->id[tag] = 0;
	q->held--;
	if (!lent)
		set_bit(tag, q->free);
	return 0;
}

static int take_answers(struct entry *e)
{
	while (e->arg.committed < e->arg.commits) {
		int err = take_answer(e, e->arg.commit[e->arg.committed]);

		if (err) {
			vexipc_count(e->ring->file->ep.inst, BAD_MESSAGES);
			return err;
		}
		e->arg.committed++;
	}
	return 0;
}

/**
 * vexipc_ring_give_back() - an answer has been read where it lies
 * @lent: which; nobody's afterwards
 *
 * Context: any but hard interrupts.
 */
void vexipc_ring_give_back(struct vexipc_lent *lent)
{
	struct vexipc_ring_queue *q = lent->queue;
	struct vexipc_endpoint *ep = &q->ring->file->ep;

	lent->queue = NULL;
	atomic_dec(&q->lent);
	set_bit(lent->tag, q->free);
	smp_mb__after_atomic();	/* pairs with free_tag() */
	if (unlikely(READ_ONCE(q->starved))) {
		WRITE_ONCE(q->starved, false);
		vexipc_ring_wake_all(q->ring);
		vexipc_ring_kick(q->ring);
	}
	vexipc_endpoint_put(ep);
}

/* --------------------------------------------------------------- requests -- */

/* A tag for a request; -EAGAIN all are taken, but some will be given back. */
static int free_tag(struct entry *e)
{
	struct vexipc_ring_queue *q = e->q;
	u32 tag = find_first_bit(q->free, e->ring->slots);

	if (likely(tag < e->ring->slots))
		return tag;
	if (q->held == e->ring->slots)
		return -ENOSPC;
	WRITE_ONCE(q->starved, true);
	smp_mb();	/* pairs with vexipc_ring_give_back() */
	tag = find_first_bit(q->free, e->ring->slots);
	return tag < e->ring->slots ? (int)tag : -EAGAIN;
}

static int put_image(struct entry *e, u32 tag, const struct vexipc_image *image)
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
static int hand_out(struct entry *e)
{
	struct vexipc_service *svc = e->svc;
	u32 room = e->ring->requests.slot, attempt;
	struct vexipc_carrier *carrier;
	struct vexipc_request *req;
	struct vexipc_image image;
	int tag, err;
	u64 id;

	lockdep_assert_held(&e->q->lock);
	tag = free_tag(e);
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
	e->arg.tag[e->arg.fetched++] = tag;
	return 0;
}

static int hand_out_some(struct entry *e)
{
	int err = 0;

	while (!err && e->arg.fetched < e->arg.fetch) {
		/* Without a lock: nothing queued is the common answer. */
		if (!READ_ONCE(e->svc->queue.count))
			err = -EAGAIN;
		else
			err = hand_out(e);
	}
	return e->arg.fetched ? 0 : err;
}

/* ----------------------------------------------------------------- waiting -- */

struct waiter {
	struct list_head node;
	struct task_struct *task;
};

/* From here on the waiter may be gone; its task is there as long as BHs are off. */
static void wake_locked(struct waiter *w)
{
	struct task_struct *task = w->task;

	list_del_init_careful(&w->node);
	wake_up_process(task);
}

/**
 * vexipc_ring_wake() - wake the one who came last of those who wait for a request
 * @ring: where
 *
 * Context: any but hard interrupts.
 * Return: whether anybody waited.
 */
bool vexipc_ring_wake(struct vexipc_ring *ring)
{
	struct waiter *w;

	spin_lock_bh(&ring->wait_lock);
	w = list_first_entry_or_null(&ring->waiters, struct waiter, node);
	if (w)
		wake_locked(w);
	spin_unlock_bh(&ring->wait_lock);
	return w;
}

/**
 * vexipc_ring_wake_all() - everybody looks again: a tag is free, the service is
 *			    gone, nobody is to wait
 * @ring: where
 *
 * Context: any but hard interrupts.
 */
void vexipc_ring_wake_all(struct vexipc_ring *ring)
{
	struct waiter *w, *next;

	spin_lock_bh(&ring->wait_lock);
	list_for_each_entry_safe(w, next, &ring->waiters, node)
		wake_locked(w);
	list_for_each_entry_safe(w, next, &ring->starving, node)
		wake_locked(w);
	spin_unlock_bh(&ring->wait_lock);
}

static bool over(const struct entry *e)
{
	return READ_ONCE(e->svc->gone) || READ_ONCE(e->ring->stopped);
}

static bool ready(struct vexipc_service *svc)
{
	u32 need;

	return READ_ONCE(svc->queue.count) && vexipc_queue_ready(svc, &need);
}

/**
 * vexipc_ring_ready() - would a call of some queue get a request?
 * @ring: whose
 * @svc: reached through it
 */
bool vexipc_ring_ready(struct vexipc_ring *ring, struct vexipc_service *svc)
{
	if (!ready(svc))
		return false;
	for (u32 i = 0; i < ring->queues; i++)
		if (!bitmap_empty(ring->queue[i].free, ring->slots))
			return true;
	return false;
}

/* One request wakes one call. Who leaves something behind wakes the next. */
static void pass_on(struct entry *e)
{
	if (!list_empty_careful(&e->ring->waiters) && ready(e->svc))
		vexipc_ring_wake(e->ring);
}

static void spin(struct entry *e)
{
	u32 limit = READ_ONCE(e->ring->spin_ns);
	u64 end;

	if (!limit || num_online_cpus() == 1)
		return;
	end = ktime_get_ns() + limit;
	while (!READ_ONCE(e->svc->queue.count) && !over(e) && !need_resched() &&
	       !signal_pending(current) && ktime_get_ns() < end)
		cpu_relax();
}

/* What would have been worth while, for the next time. */
static void learn(struct vexipc_ring *ring, u64 waited_ns)
{
	WRITE_ONCE(ring->spin_ns, waited_ns < SPIN_MAX_NS ? SPIN_MAX_NS :
							     READ_ONCE(ring->spin_ns) / 2);
}

/* Until somebody wakes us: 0; -EINTR, -ETIMEDOUT. */
static int sleep_until(struct waiter *w, ktime_t *end)
{
	int err = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (list_empty_careful(&w->node))
			break;
		if (signal_pending(current)) {
			err = -EINTR;
			break;
		}
		if (!end) {
			schedule();
		} else if (!schedule_hrtimeout(end, HRTIMER_MODE_ABS)) {
			err = -ETIMEDOUT;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);
	return err;
}

static int wait_once(struct entry *e, ktime_t *end)
{
	struct vexipc_ring *ring = e->ring;
	struct waiter w = { .task = current };
	bool several = num_online_cpus() > 1, starves;
	u64 began = several ? ktime_get_ns() : 0;
	int err = 0;

	starves = bitmap_empty(e->q->free, ring->slots);
	spin_lock_bh(&ring->wait_lock);
	list_add(&w.node, starves ? &ring->starving : &ring->waiters);
	spin_unlock_bh(&ring->wait_lock);
	/* Who queues something, or gives a tag back, after this look finds us there. */
	if (starves)
		pass_on(e);
	if (!over(e) && !(starves ? !bitmap_empty(e->q->free, ring->slots) : ready(e->svc)))
		err = sleep_until(&w, end);
	if (!list_empty_careful(&w.node)) {
		spin_lock_bh(&ring->wait_lock);
		list_del_init(&w.node);
		spin_unlock_bh(&ring->wait_lock);
	}
	if (several)
		learn(ring, ktime_get_ns() - began);
	return err;
}

/* With the queue's lock, which is given away meanwhile. */
static int fetch(struct entry *e)
{
	ktime_t end = e->arg.timeout_ns ? ktime_add_ns(ktime_get(), e->arg.timeout_ns) : 0;
	int err = hand_out_some(e), why = 0;

	while (err == -EAGAIN && e->arg.flags & VEXIPC_RING_WAIT && !why) {
		if (over(e))
			return READ_ONCE(e->svc->gone) ? -ENOTCONN : -ECANCELED;
		mutex_unlock(&e->q->lock);
		spin(e);
		why = wait_once(e, e->arg.timeout_ns ? &end : NULL);
		mutex_lock(&e->q->lock);
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
static void take_back(struct entry *e)
{
	struct vexipc_ring_queue *q = e->q;

	mutex_lock(&q->lock);
	for (u32 i = 0; i < e->arg.fetched; i++) {
		u32 tag = e->arg.tag[i];

		vexipc_message_failed(e->svc, q->id[tag], VEXIPC_ERR_SERVICE_FAILED,
				      VEXIPC_ERROR_RETRY);
		q->id[tag] = 0;
		q->held--;
		set_bit(tag, q->free);
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
	struct entry e;
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
	e.svc = vexipc_endpoint_service(&file->ep);
	if (e.svc && e.svc->transport != &vexipc_transport_ring) {
		vexipc_service_put(e.svc);
		e.svc = NULL;
	}

	mutex_lock(&e.q->lock);
	err = take_answers(&e);
	if (!err && e.arg.fetch) {
		err = e.svc ? fetch(&e) : -ENOTCONN;
		/* The next call will tell. */
		if (e.arg.committed)
			err = 0;
	}
	mutex_unlock(&e.q->lock);

	if (unlikely(give_arg(&e.arg, user))) {
		err = -EFAULT;
		if (e.arg.fetched)
			take_back(&e);
	}
	if (e.svc) {
		if (e.arg.fetch)
			pass_on(&e);
		vexipc_service_put(e.svc);
	}
	return err;
}
