/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_RING_ENTRY_H
#define _VEXIPC_RING_ENTRY_H

#include <linux/ktime.h>

#include "registry.h"
#include "ring.h"

/**
 * struct vexipc_ring_entry - one VEXIPC_IOC_RING_ENTER on its way
 * @ring:      of the descriptor
 * @q:	       the queue that it named
 * @svc:       or NULL; a reference
 * @arg:       what user space said, and is told
 * @side_used: a request has the side buffer
 * @locked:    we have @q's lock
 * @waited:    for a request
 * @id:	       what the tags that are told stand for
 */
struct vexipc_ring_entry {
	struct vexipc_ring *ring;
	struct vexipc_ring_queue *q;
	struct vexipc_service *svc;
	struct vexipc_ring_enter arg;
	bool side_used;
	bool locked;
	bool waited;
	u64 id[VEXIPC_RING_BATCH];
};

/* ring_answer.c */
int vexipc_ring_take_answers(struct vexipc_ring_entry *e);
void vexipc_ring_freed(struct vexipc_ring_queue *q, u32 tag);

/* ring_wait.c */
bool vexipc_ring_starves(struct vexipc_ring_queue *q);
void vexipc_ring_pass_on(struct vexipc_ring_entry *e);
int vexipc_ring_wait(struct vexipc_ring_entry *e, ktime_t *end);

/* Nobody is to wait any more. */
static inline bool vexipc_ring_over(const struct vexipc_ring_entry *e)
{
	return READ_ONCE(e->svc->gone) || READ_ONCE(e->ring->stopped);
}

#endif
