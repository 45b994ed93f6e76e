// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings: the memory that a service and the kernel share, and who may have which
 * part of it.
 *
 * Two mappings, because a request that a service could write to could be changed
 * between being sent to it and failing over to another. The kernel believes
 * nothing that it reads in the other one: see ring_enter.c.
 */
#include <linux/anon_inodes.h>
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "device.h"
#include "instance.h"
#include "memory.h"
#include "ring.h"

enum {
	DEFAULT_SLOTS	= 128,		/* at the most */
	DEFAULT_REQUEST	= 2048,
	DEFAULT_ANSWER	= 2176,		/* 512 floats and what is in front of them */
	SLOT_ALIGN	= 64,
};

/* ------------------------------------------------------------- the memory -- */

static bool size_ok(u32 size)
{
	return size >= VEXIPC_RING_MIN_SLOT && size <= VEXIPC_MAX_MESSAGE &&
	       !(size % SLOT_ALIGN);
}

/* Fill in what was left to us, and see that it is within bounds. */
static int plan(struct vexipc_instance *inst, struct vexipc_ring_setup *setup)
{
	u32 budget = vexipc_config(inst, VEXIPC_CONFIG_BUFFER_SIZE);
	u32 size;

	if (setup->flags & ~VEXIPC_RING_SETUP_FLAGS)
		return -EOPNOTSUPP;
	if (setup->reserved ||
	    (setup->event_fd && !(setup->flags & VEXIPC_RING_SETUP_EVENTFD)))
		return -EINVAL;
	setup->queues = setup->queues ?: 1;
	setup->request_size = setup->request_size ?: DEFAULT_REQUEST;
	setup->answer_size = setup->answer_size ?: DEFAULT_ANSWER;
	if (setup->queues > VEXIPC_RING_MAX_QUEUES || setup->slots > VEXIPC_RING_MAX_SLOTS ||
	    !size_ok(setup->request_size) || !size_ok(setup->answer_size))
		return -EINVAL;
	size = max(setup->request_size, setup->answer_size);
	if (!setup->slots)
		setup->slots = min_t(u32, budget / size / setup->queues, DEFAULT_SLOTS);
	if (!setup->slots || (u64)setup->queues * setup->slots * size > budget)
		return -ENOSPC;
	return 0;
}

static int alloc_area(struct vexipc_ring_area *area, const struct vexipc_ring_setup *setup,
		      size_t descriptor, u32 slot)
{
	area->slot = slot;
	area->slots = ALIGN(setup->slots * descriptor, SLOT_ALIGN);
	area->stride = PAGE_ALIGN(area->slots + setup->slots * slot);
	area->size = (size_t)setup->queues * area->stride;
	area->memory = __vmalloc(area->size, VEXIPC_GFP_CALLER | __GFP_ZERO);
	return area->memory ? 0 : -ENOMEM;
}

static int alloc_queue(struct vexipc_ring *ring, u32 i)
{
	struct vexipc_ring_queue *q = &ring->queue[i];

	q->ring = ring;
	mutex_init(&q->lock);
	q->requests = ring->requests.memory + (size_t)i * ring->requests.stride;
	q->answers = ring->answers.memory + (size_t)i * ring->answers.stride;
	q->free = bitmap_alloc(ring->slots, GFP_KERNEL_ACCOUNT);
	q->id = kvcalloc(ring->slots, sizeof(*q->id), VEXIPC_GFP_CALLER);
	if (!q->free || !q->id)
		return -ENOMEM;
	bitmap_fill(q->free, ring->slots);
	return 0;
}

static const struct file_operations mapped_fops = {
	.owner = THIS_MODULE,
};

static int open_mapped(struct vexipc_ring *ring)
{
	struct file *mapped = anon_inode_getfile("[vexipc-ring]", &mapped_fops, NULL, O_RDWR);

	if (IS_ERR(mapped))
		return PTR_ERR(mapped);
	ring->mapped = mapped;
	return 0;
}

/**
 * vexipc_ring_alloc() - make a ring
 * @file: whose it will be
 * @setup: from user space; what was 0 and what comes out is filled in
 *
 * Context: may sleep; charged to the caller.
 * Return: the ring, or an error pointer: see struct vexipc_ring_setup.
 */
struct vexipc_ring *vexipc_ring_alloc(struct vexipc_file *file, struct vexipc_ring_setup *setup)
{
	int err = plan(file->ep.inst, setup);
	struct vexipc_ring *ring;

	if (err)
		return ERR_PTR(err);
	ring = kzalloc(struct_size(ring, queue, setup->queues), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return ERR_PTR(-ENOMEM);
	ring->file = file;
	ring->queues = setup->queues;
	ring->slots = setup->slots;
	spin_lock_init(&ring->wait_lock);
	INIT_LIST_HEAD(&ring->waiters);
	INIT_LIST_HEAD(&ring->starving);
	ring->requests.offset = VEXIPC_RING_REQUESTS;
	ring->answers.offset = VEXIPC_RING_ANSWERS;
	ring->answers.written = true;
	if (setup->flags & VEXIPC_RING_SETUP_EVENTFD) {
		ring->event = eventfd_ctx_fdget(setup->event_fd);
		if (IS_ERR(ring->event)) {
			err = PTR_ERR(ring->event);
			ring->event = NULL;
		}
	}
	err = err ?: open_mapped(ring);
	err = err ?: alloc_area(&ring->requests, setup, sizeof(struct vexipc_ring_request),
				setup->request_size);
	err = err ?: alloc_area(&ring->answers, setup, sizeof(struct vexipc_ring_answer),
				setup->answer_size);
	for (u32 i = 0; !err && i < ring->queues; i++)
		err = alloc_queue(ring, i);
	if (err) {
		vexipc_ring_free(ring);
		return ERR_PTR(err);
	}
	setup->requests_stride = ring->requests.stride;
	setup->answers_stride = ring->answers.stride;
	setup->requests_offset = ring->requests.slots;
	setup->answers_offset = ring->answers.slots;
	setup->requests_size = ring->requests.size;
	setup->answers_size = ring->answers.size;
	return ring;
}

/**
 * vexipc_ring_free() - the endpoint goes, or it never was one's
 * @ring: made by vexipc_ring_alloc(), or NULL
 *
 * Context: any but hard interrupts.
 */
void vexipc_ring_free(struct vexipc_ring *ring)
{
	if (!ring)
		return;
	for (u32 i = 0; i < ring->queues; i++) {
		bitmap_free(ring->queue[i].free);
		kvfree(ring->queue[i].id);
	}
	if (ring->event)
		eventfd_ctx_put(ring->event);
	if (ring->mapped)
		fput(ring->mapped);
	vfree(ring->requests.memory);
	vfree(ring->answers.memory);
	kfree(ring);
}

/* ----------------------------------------------------------- the mappings -- */

/* No page is missing: there is no fault to handle, but for one that was thrown away. */
static const struct vm_operations_struct map_ops = {};

static int insert_pages(struct vm_area_struct *vma, const struct vexipc_ring_area *area)
{
	int err = 0;

	for (size_t at = 0; !err && at < area->size; at += PAGE_SIZE)
		err = vm_insert_page(vma, vma->vm_start + at, vmalloc_to_page(area->memory + at));
	return err;
}

/**
 * vexipc_ring_mmap() - map one of the areas
 * @ring: whose
 * @vma: asked for
 *
 * Return: 0; -EINVAL not the offset and size of one of them, or not shared; -EACCES
 * to be executed, or to write to requests; -ENOMEM.
 */
int vexipc_ring_mmap(struct vexipc_ring *ring, struct vm_area_struct *vma)
{
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	size_t size = vma->vm_end - vma->vm_start;
	const struct vexipc_ring_area *area;

	if (offset == ring->requests.offset)
		area = &ring->requests;
	else if (offset == ring->answers.offset)
		area = &ring->answers;
	else
		return -EINVAL;
	if (size != area->size || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC || (!area->written && vma->vm_flags & VM_WRITE))
		return -EACCES;
	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP,
		     VM_MAYEXEC | (area->written ? 0 : VM_MAYWRITE));
	vma->vm_ops = &map_ops;
	vma_set_file(vma, ring->mapped);
	return insert_pages(vma, area);
}
