/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_CAPABLE_H
#define _VEXIPC_CAPABLE_H

#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/vexipc.h>

struct vexipc_request;
struct vexipc_service;

enum { VEXIPC_CAPABLE_BITS = 6 };

/* struct vexipc_ring_point is where a service is on the ring of hashes. */
struct vexipc_ring_point {
	u32 hash;
	u32 at;
};

/**
 * struct vexipc_capable - the services that can do what some requests ask for
 * @rcu:	frees it
 * @dimensions:	asked for, as in the requests
 * @data_type:	asked for
 * @batch:	the least max_batch, a power of two, of a batch's; 0 for no batch
 * @model_len:	of @model
 * @model:	asked for
 * @all:	every service, whatever it can do; requests must be matched
 * @next:	whose turn it is
 * @count:	services
 * @tier_end:	for each service, where the tier of its priority ends
 * @ring:	the services by hash of their ids; not of @all
 * @ring_start: for each of @count equal parts of the ring, its first point
 * @service:	by priority, the highest first; without memory a removed one
 *		leaves NULL in @all
 */
struct vexipc_capable {
	struct rcu_head rcu;
	u32 dimensions;
	u32 data_type;
	u32 batch;
	u32 model_len;
	char model[VEXIPC_MAX_NAME];
	bool all;
	atomic_t next;
	u32 count;
	u16 *tier_end;
	struct vexipc_ring_point *ring;
	u16 *ring_start;
	struct vexipc_service __rcu *service[];
};

/**
 * struct vexipc_service_set - every service of an instance, and who can do what
 * @rcu:    frees it
 * @lock:   writers of @answer and holes in @all
 * @all:    every service
 * @answer: the sets worked out so far, by hash of what was asked
 *
 * Replaced as a whole when services come and go, with no @answer yet: the first
 * request of a kind works its set out, later ones find it.
 */
struct vexipc_service_set {
	struct rcu_head rcu;
	spinlock_t lock;	/* writers of answer, holes in all */
	struct vexipc_capable *all;
	struct vexipc_capable __rcu *answer[1 << VEXIPC_CAPABLE_BITS];
};

struct vexipc_service_set *vexipc_service_set_alloc(u32 room);
void vexipc_service_set_add(struct vexipc_service_set *set, struct vexipc_service *svc);
void vexipc_service_set_seal(struct vexipc_service_set *set);
void vexipc_service_set_forget(struct vexipc_service_set *set,
			       const struct vexipc_service *svc);
void vexipc_service_set_free(struct vexipc_service_set *set);
void vexipc_service_set_free_rcu(struct vexipc_service_set *set);

bool vexipc_capable_of(const struct vexipc_service *svc, const struct vexipc_request *req);
u32 vexipc_capable_hash(const struct vexipc_request *req);
struct vexipc_capable *vexipc_capable_set(struct vexipc_service_set *set,
					  const struct vexipc_request *req);
u32 vexipc_ring_next(const struct vexipc_capable *set, u32 hash);

#endif
