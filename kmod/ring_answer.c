// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers that a service has left in its ring.
 *
 * Whatever lies in memory that the service can write to may change at any time,
 * so each field is read once into memory of our own, and that is checked and
 * used. What a tag stands for is in the queue's table, which is nobody's but
 * ours. A vector alone may stay where it is until the client has it: how long it
 * is was checked, and what is in it is the service's affair.
 */
#include <linux/bitops.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "device.h"
#include "instance.h"
#include "message_service.h"
#include "protocol.h"
#include "request.h"
#include "ring_entry.h"

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

static void begin_incoming(const struct vexipc_ring_entry *e,
			   const struct vexipc_msg_header *header,
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
static int take_message(const struct vexipc_ring_entry *e, void *message, u32 length, u64 id)
{
	struct vexipc_msg_header *header = message;
	struct vexipc_incoming in = { .message = &message };
	bool summed;
	int err = check_header(header, length, id, &summed);

	if (!err && summed)
		err = vexipc_message_check(message, length);
	if (!err) {
		begin_incoming(e, header, &in);
		err = vexipc_message_answer(&in, e->svc);
	}
	kvfree(message);
	return in.done ? 0 : err;
}

/* One that lies in user memory. */
static int take_side(const struct vexipc_ring_entry *e, u64 from, u32 length, u64 id)
{
	struct vexipc_msg_header header;
	void *message;

	if (length < sizeof(header))
		return -EINVAL;
	if (length > VEXIPC_MAX_MESSAGE)
		return -EMSGSIZE;
	/* To know whose it is; it is read once more. */
	if (copy_from_user(&header, u64_to_user_ptr(from), sizeof(header)))
		return -EFAULT;
	/* It is at the expense of whose request this is, whatever is written there. */
	header.correlation_id = cpu_to_le64(id);
	message = vexipc_answer_alloc(&e->ring->file->ep, &header, length);
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
static void lend(const struct vexipc_ring_entry *e, u32 tag, struct vexipc_lent *lent)
{
	if (atomic_read(&e->q->lent) >= e->ring->slots / 2)
		return;
	lent->queue = e->q;
	lent->tag = tag;
	atomic_inc(&e->q->lent);
	vexipc_endpoint_get(&e->ring->file->ep);
}

static void unlend(const struct vexipc_ring_entry *e)
{
	atomic_dec(&e->q->lent);
	vexipc_endpoint_put(&e->ring->file->ep);
}

/*
 * One that lies in the slot. Of an EMBED_RESPONSE whose checksum need not be looked
 * at, header and body are copied; the vector where it is needed.
 */
static int take_slot(const struct vexipc_ring_entry *e, u32 tag, u32 length, u64 id, bool *lent)
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
			return in.done ? 0 : err;
		}
	}
	memcpy(&head.header, slot, sizeof(head.header));
	head.header.correlation_id = cpu_to_le64(id);	/* as in take_side() */
	message = vexipc_answer_alloc(&e->ring->file->ep, &head.header, length);
	if (!message)
		return -ENOMEM;
	memcpy(message, slot, length);
	return take_message(e, message, length, id);
}

/* A failure without a message. */
static int take_status(const struct vexipc_ring_entry *e,
		       const struct vexipc_ring_answer *told, u64 id)
{
	if (!told->status || told->side_ptr)
		return -EINVAL;
	if (told->kind & ~VEXIPC_ERROR_KINDS)
		return -EOPNOTSUPP;
	return vexipc_message_failed(e->svc, id, told->status, told->kind);
}

/* It was handed out for a service that is gone. */
static int take_orphan(const struct vexipc_ring_entry *e)
{
	vexipc_count(e->ring->file->ep.inst, ORPHANS);
	return 0;
}

/* vexipc_ring_freed() - a tag is nobody's any more: who found none is to look again */
void vexipc_ring_freed(struct vexipc_ring_queue *q, u32 tag)
{
	set_bit(tag, q->free);
	smp_mb__after_atomic();	/* pairs with vexipc_ring_starves() */
	if (likely(!READ_ONCE(q->starved)))
		return;
	WRITE_ONCE(q->starved, false);
	vexipc_ring_wake_starving(q->ring);
	vexipc_ring_tell(q->ring);
}

static int take_answer(const struct vexipc_ring_entry *e, u32 tag)
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
		vexipc_ring_freed(q, tag);
	return 0;
}

int vexipc_ring_take_answers(struct vexipc_ring_entry *e)
{
	while (e->arg.committed < e->arg.commits) {
		int err = take_answer(e, e->arg.commit[e->arg.committed]);

		if (err) {
			if (err != -ENOMEM)
				vexipc_count(e->ring->file->ep.inst, BAD_MESSAGES);
			return err;
		}
		if (++e->arg.committed < e->arg.commits)
			cond_resched();
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
	vexipc_ring_freed(q, lent->tag);
	vexipc_endpoint_put(ep);
}
