/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_RING_H
#define _VEXIPC_RING_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/vexipc.h>

struct eventfd_ctx;
struct file;
struct vexipc_file;
struct vexipc_ring;
struct vexipc_service;
struct vm_area_struct;

/**
 * struct vexipc_lent - an answer that its client reads where the service left it
 * @queue: of the slot, whose descriptor's endpoint is held by this; NULL: none
 * @tag:   of the slot; nobody gets it until it is given back
 */
struct vexipc_lent {
	struct vexipc_ring_queue *queue;
	u32 tag;
};

/**
 * struct vexipc_ring_area - one of the two mappings
 * @memory:  vfree()d; pages outlive that while they are mapped
 * @size:    bytes, whole pages
 * @offset:  of mmap()
 * @stride:  from queue to queue
 * @slots:   offset of the slots in a queue, behind the descriptors
 * @slot:    bytes of a slot
 * @written: the service may write to it
 */
struct vexipc_ring_area {
	void *memory;
	size_t size;
	u64 offset;
	u32 stride;
	u32 slots;
	u32 slot;
	bool written;
};

/**
 * struct vexipc_ring_queue - one queue; what nobody but the kernel can change
 * @ring:     whose
 * @lock:     guards @id and @held, and who hands out a tag
 * @requests: its part of the area: descriptors, then slots
 * @answers:  the same
 * @held:     tags that the service has
 * @lent:     tags whose answers clients are reading
 * @starved:  somebody found no tag, and is to be told when there is one
 * @free:     bitmap of the other tags
 * @id:       what a tag that the service has stands for: correlation id, attempt
 *	      included; else 0
 */
struct vexipc_ring_queue {
	struct vexipc_ring *ring;
	struct mutex lock;	/* guards held, id */
	void *requests;
	void *answers;
	u32 held;
	atomic_t lent;
	bool starved;
	unsigned long *free;
	u64 *id;
};

/**
 * struct vexipc_ring - the ring of a descriptor, as long as its endpoint
 * @file:      whose
 * @requests:  what the service reads
 * @answers:   what it writes
 * @event:     signalled when nobody waits; or NULL
 * @mapped:    the open file that mappings hold, which has nothing: the last close of
 *	       the descriptor is the service's end, whoever has it mapped
 * @wait_lock: guards @waiters, @starving; innermost
 * @waiters:   idle calls, the last that came first
 * @starving:  calls for which there is no tag
 * @stopped:   nobody is to wait
 * @spin_ns:   how long it is worth while to look before sleeping
 * @slots:     of a queue
 * @queues:    how many
 * @queue:     these
 */
struct vexipc_ring {
	struct vexipc_file *file;
	struct vexipc_ring_area requests;
	struct vexipc_ring_area answers;
	struct eventfd_ctx *event;
	struct file *mapped;
	spinlock_t wait_lock;	/* guards waiters, starving */
	struct list_head waiters;
	struct list_head starving;
	bool stopped;
	u32 spin_ns;
	u32 slots;
	u32 queues;
	struct vexipc_ring_queue queue[] __counted_by(queues);
};

/* What lies at a tag. */
static inline struct vexipc_ring_request *
vexipc_ring_request_at(const struct vexipc_ring_queue *q, u32 tag)
{
	return (struct vexipc_ring_request *)q->requests + tag;
}

static inline void *vexipc_ring_request_slot(const struct vexipc_ring_queue *q, u32 tag)
{
	const struct vexipc_ring_area *area = &q->ring->requests;

	return q->requests + area->slots + tag * area->slot;
}

static inline const struct vexipc_ring_answer *
vexipc_ring_answer_at(const struct vexipc_ring_queue *q, u32 tag)
{
	return (const struct vexipc_ring_answer *)q->answers + tag;
}

static inline const void *vexipc_ring_answer_slot(const struct vexipc_ring_queue *q, u32 tag)
{
	const struct vexipc_ring_area *area = &q->ring->answers;

	return q->answers + area->slots + tag * area->slot;
}

struct vexipc_ring *vexipc_ring_alloc(struct vexipc_file *file, struct vexipc_ring_setup *setup);
void vexipc_ring_free(struct vexipc_ring *ring);
int vexipc_ring_mmap(struct vexipc_ring *ring, struct vm_area_struct *vma);
long vexipc_ring_enter(struct vexipc_file *file, struct vexipc_ring_enter __user *user,
		       size_t size);
bool vexipc_ring_ready(struct vexipc_ring *ring, struct vexipc_service *svc);
bool vexipc_ring_wake(struct vexipc_ring *ring);
void vexipc_ring_wake_all(struct vexipc_ring *ring);
void vexipc_ring_wake_starving(struct vexipc_ring *ring);
void vexipc_ring_tell(struct vexipc_ring *ring);
void vexipc_ring_kick(struct vexipc_ring *ring);
void vexipc_ring_give_back(struct vexipc_lent *lent);

#endif
