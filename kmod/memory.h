/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_MEMORY_H
#define _VEXIPC_MEMORY_H

#include <linux/gfp.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

/*
 * What a caller makes the module keep is charged to the caller's memory cgroup.
 * When that is full, or no memory is left, the caller gets ENOMEM: without
 * __GFP_RETRY_MAYFAIL somebody would be killed for it instead.
 */
#define VEXIPC_GFP_CALLER	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

static inline void *vexipc_alloc(size_t size, gfp_t gfp)
{
	/* To try hard for many pages in a row is not worth it. */
	if (size > PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)
		return __vmalloc(size, gfp);
	return kvmalloc(size, gfp);
}

/**
 * vexipc_caller_alloc() - memory that a caller makes the module keep
 * @size: bytes; what is there is not cleared
 *
 * Context: may sleep; the caller's task.
 * Return: for kvfree(), or NULL.
 */
static inline void *vexipc_caller_alloc(size_t size)
{
	return vexipc_alloc(size, VEXIPC_GFP_CALLER);
}

/**
 * vexipc_client_alloc() - memory that a client is to have from another's task
 * @memcg: the client's, or NULL: as vexipc_caller_alloc()
 * @size: bytes; what is there is not cleared
 *
 * Context: may sleep.
 * Return: for kvfree(), or NULL.
 */
static inline void *vexipc_client_alloc(struct mem_cgroup *memcg, size_t size)
{
	struct mem_cgroup *before = set_active_memcg(memcg);
	/* Whoever answers does not look hard for what the client could do without. */
	void *mem = vexipc_alloc(size, GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN);

	set_active_memcg(before);
	return mem;
}

#endif
