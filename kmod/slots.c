// SPDX-License-Identifier: GPL-2.0-only
/* Correlation ids: slots with persistent generations over a chunked table. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "request.h"
#include "slots.h"

enum { CHUNK_SLOTS = 128, CHUNKS = VEXIPC_MAX_REQUESTS / CHUNK_SLOTS };

struct vexipc_slot {
	struct vexipc_request *req;	/* SLAB_TYPESAFE_BY_RCU */
	u64 generation;			/* of the last request; the slot's owner writes */
};

struct vexipc_slot_chunk {
	struct vexipc_slot slot[CHUNK_SLOTS];
};

/**
 * vexipc_slots_init() - make the table
 * @slots: zeroed
 *
 * Context: may sleep; calls for one table are serialised by the caller.
 * Return: 0, -ENOMEM.
 */
int vexipc_slots_init(struct vexipc_slots *slots)
{
	int err;

	BUILD_BUG_ON(VEXIPC_MAX_REQUESTS > 1u << VEXIPC_ID_SLOT_BITS);

	slots->chunks = kcalloc(CHUNKS, sizeof(*slots->chunks), GFP_KERNEL);
	if (!slots->chunks)
		return -ENOMEM;
	err = sbitmap_init_node(&slots->map, VEXIPC_MAX_REQUESTS, -1, GFP_KERNEL,
				NUMA_NO_NODE, false, true);
	if (err) {
		kfree(slots->chunks);
		slots->chunks = NULL;
		return err;
	}
	/* Finders and vexipc_instance_prepare() look at it without a lock. */
	smp_store_release(&slots->ready, true);
	return 0;
}

void vexipc_slots_free(struct vexipc_slots *slots)
{
	if (!slots->ready)
		return;
	for (int i = 0; i < CHUNKS; i++)
		kfree(slots->chunks[i]);
	kfree(slots->chunks);
	sbitmap_free(&slots->map);
	slots->ready = false;
}

/* The chunk of a slot that is ours, made if it was never needed before. */
static struct vexipc_slot_chunk *chunk_get(struct vexipc_slots *slots, unsigned int i)
{
	struct vexipc_slot_chunk *chunk, *other;

	/* Pairs with the cmpxchg() below. */
	chunk = smp_load_acquire(&slots->chunks[i]);
	if (likely(chunk))
		return chunk;
	chunk = kzalloc(sizeof(*chunk), GFP_KERNEL);
	if (!chunk)
		return NULL;
	/* Slots of one chunk may be taken at once: the first chunk stays. */
	other = cmpxchg(&slots->chunks[i], NULL, chunk);
	if (other) {
		kfree(chunk);
		return other;
	}
	return chunk;
}

/**
 * vexipc_slots_take() - give a request its correlation id
 * @slots: the table
 * @req: its correlation is set, with attempt 0; it can not be found yet
 *
 * Context: may sleep.
 * Return: 0; -EUSERS every slot is taken; -ENOMEM.
 */
int vexipc_slots_take(struct vexipc_slots *slots, struct vexipc_request *req)
{
	int index = sbitmap_get(&slots->map);
	struct vexipc_slot_chunk *chunk;
	struct vexipc_slot *slot;

	if (index < 0)
		return -EUSERS;
	chunk = chunk_get(slots, index / CHUNK_SLOTS);
	if (!chunk) {
		sbitmap_put(&slots->map, index);
		return -ENOMEM;
	}
	slot = &chunk->slot[index % CHUNK_SLOTS];
	slot->generation = (slot->generation + 1) & ((1ull << VEXIPC_ID_GEN_BITS) - 1);
	req->correlation = VEXIPC_ID_KERNEL | index |
		slot->generation << (VEXIPC_ID_SLOT_BITS + VEXIPC_ID_ATTEMPT_BITS);
	return 0;
}

static struct vexipc_slot *slot_of(struct vexipc_slots *slots, u64 id)
{
	u32 index = id & ((1u << VEXIPC_ID_SLOT_BITS) - 1);
	struct vexipc_slot_chunk *chunk;

	if (index >= VEXIPC_MAX_REQUESTS)
		return NULL;
	index = array_index_nospec(index, VEXIPC_MAX_REQUESTS);
	/* Pairs with the cmpxchg() in chunk_get(). */
	chunk = smp_load_acquire(&slots->chunks[index / CHUNK_SLOTS]);
	return chunk ? &chunk->slot[index % CHUNK_SLOTS] : NULL;
}

/**
 * vexipc_slots_publish() - from now on the request can be found
 * @slots: the table
 * @req: complete in all that a finder may look at
 */
void vexipc_slots_publish(struct vexipc_slots *slots, struct vexipc_request *req)
{
	/* Pairs with vexipc_slots_find(). */
	smp_store_release(&slot_of(slots, req->correlation)->req, req);
}

/**
 * vexipc_slots_release() - the request can no longer be found, its slot is free
 * @slots: the table
 * @req: took a slot of it
 */
void vexipc_slots_release(struct vexipc_slots *slots, struct vexipc_request *req)
{
	u32 index = req->correlation & ((1u << VEXIPC_ID_SLOT_BITS) - 1);

	WRITE_ONCE(slot_of(slots, req->correlation)->req, NULL);
	smp_mb__before_atomic();	/* the next owner publishes after that */
	sbitmap_put(&slots->map, index);
}

/**
 * vexipc_slots_find() - the request with this id
 * @slots: the table
 * @id: from user space; its attempt is not looked at
 *
 * Return: the request with a reference, or NULL.
 */
struct vexipc_request *vexipc_slots_find(struct vexipc_slots *slots, u64 id)
{
	struct vexipc_request *req;
	struct vexipc_slot *slot;

	/* Pairs with vexipc_slots_init(). */
	if (!smp_load_acquire(&slots->ready))
		return NULL;
	slot = slot_of(slots, id);
	if (!slot)
		return NULL;

	rcu_read_lock();
	/* Pairs with vexipc_slots_publish(). */
	req = smp_load_acquire(&slot->req);
	/* The memory may be another request by now, but it is a request. */
	if (req && !refcount_inc_not_zero(&req->refs))
		req = NULL;
	rcu_read_unlock();

	smp_rmb();	/* pairs with vexipc_request_alloc() */
	if (req && req->correlation != vexipc_id_with_attempt(id, 0)) {
		vexipc_request_put(req);
		req = NULL;
	}
	return req;
}
