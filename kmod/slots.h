/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_SLOTS_H
#define _VEXIPC_SLOTS_H

#include <linux/bits.h>
#include <linux/sbitmap.h>
#include <linux/types.h>

struct vexipc_request;

/* Most requests that one instance can hold at once. */
#define VEXIPC_MAX_REQUESTS	131072u

/*
 * A correlation id is generation:35 | attempt:8 | slot:20, and bit 63, which
 * only ids of the kernel's own have. The generation of a slot outlives its
 * requests, so an id comes back only after 2^35 uses of one slot.
 */
#define VEXIPC_ID_SLOT_BITS	20
#define VEXIPC_ID_ATTEMPT_BITS	8
#define VEXIPC_ID_GEN_BITS	35
#define VEXIPC_ID_KERNEL	BIT_ULL(63)
#define VEXIPC_ID_ATTEMPT_MASK \
	GENMASK_ULL(VEXIPC_ID_SLOT_BITS + VEXIPC_ID_ATTEMPT_BITS - 1, VEXIPC_ID_SLOT_BITS)

static inline u64 vexipc_id_with_attempt(u64 id, u32 attempt)
{
	return (id & ~VEXIPC_ID_ATTEMPT_MASK) |
	       (((u64)attempt << VEXIPC_ID_SLOT_BITS) & VEXIPC_ID_ATTEMPT_MASK);
}

static inline u32 vexipc_id_attempt(u64 id)
{
	return (id & VEXIPC_ID_ATTEMPT_MASK) >> VEXIPC_ID_SLOT_BITS;
}

/**
 * struct vexipc_slots - requests by correlation id
 * @map:    which slots are taken
 * @chunks: allocated when first needed, kept until the instance goes
 * @ready:  the map is there; set once, by vexipc_slots_init()
 *
 * A bitmap spread over words rather than an xarray: taking a slot touches a
 * word of this CPU's own, not one lock of the instance.
 */
struct vexipc_slots {
	struct sbitmap map;
	struct vexipc_slot_chunk **chunks;
	bool ready;
};

int vexipc_slots_init(struct vexipc_slots *slots);
void vexipc_slots_free(struct vexipc_slots *slots);
int vexipc_slots_take(struct vexipc_slots *slots, struct vexipc_request *req);
void vexipc_slots_publish(struct vexipc_slots *slots, struct vexipc_request *req);
void vexipc_slots_release(struct vexipc_slots *slots, struct vexipc_request *req);
struct vexipc_request *vexipc_slots_find(struct vexipc_slots *slots, u64 id);

#endif
