// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which services can do what a request asks for: worked out once for requests
 * that ask for the same, until services come or go. Requests choose what they
 * ask for, so there are at most 64 sets; one more takes another's place.
 */
#include <linux/jhash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/once.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "capable.h"
#include "registry.h"
#include "request.h"

enum { RING_SEED = 0x76786970 };

static u32 hash_seed __read_mostly;

static struct vexipc_capable *capable_alloc(u32 room, gfp_t gfp)
{
	struct vexipc_capable *set;
	size_t size = struct_size(set, service, room);

	size += room * (sizeof(*set->ring) + sizeof(*set->tier_end) +
			sizeof(*set->ring_start));
	set = gfpflags_allow_blocking(gfp) ? kvmalloc(size, gfp) : kmalloc(size, gfp);
	if (!set)
		return NULL;
	memset(set, 0, sizeof(*set));
	set->ring = (void *)&set->service[room];
	set->tier_end = (void *)&set->ring[room];
	set->ring_start = set->tier_end + room;
	return set;
}

static void find_tiers(struct vexipc_capable *set)
{
	u32 priority = 0, end = set->count;

	for (u32 i = set->count; i--;) {
		struct vexipc_service *svc = rcu_dereference_raw(set->service[i]);

		if (svc && svc->spec.priority != priority) {
			priority = svc->spec.priority;
			end = i + 1;
		}
		set->tier_end[i] = end;
	}
}

/**
 * vexipc_service_set_alloc() - a set to fill and to publish
 * @room: services it may get
 *
 * Context: may sleep.
 * Return: the set, or NULL.
 */
struct vexipc_service_set *vexipc_service_set_alloc(u32 room)
{
	struct vexipc_service_set *set = kzalloc(sizeof(*set), GFP_KERNEL);

	if (!set)
		return NULL;
	spin_lock_init(&set->lock);
	set->all = capable_alloc(room, GFP_KERNEL);
	if (!set->all) {
		kfree(set);
		return NULL;
	}
	set->all->all = true;
	return set;
}

/**
 * vexipc_service_set_add() - one more service, behind those of its priority
 * @set: not published, with room
 * @svc: whose
 */
void vexipc_service_set_add(struct vexipc_service_set *set, struct vexipc_service *svc)
{
	struct vexipc_capable *all = set->all;
	u32 at = all->count++;

	for (; at; at--) {
		struct vexipc_service *before = rcu_dereference_raw(all->service[at - 1]);

		if (before->spec.priority >= svc->spec.priority)
			break;
		RCU_INIT_POINTER(all->service[at], before);
	}
	RCU_INIT_POINTER(all->service[at], svc);
}

/* vexipc_service_set_seal() - all have been added: it is about to be published. */
void vexipc_service_set_seal(struct vexipc_service_set *set)
{
	find_tiers(set->all);
}

static void drop_answers(struct vexipc_service_set *set)
{
	for (u32 i = 0; i < ARRAY_SIZE(set->answer); i++) {
		struct vexipc_capable *old = rcu_dereference_protected(set->answer[i], true);

		RCU_INIT_POINTER(set->answer[i], NULL);
		if (old)
			kvfree_rcu(old, rcu);
	}
}

/**
 * vexipc_service_set_forget() - a service goes, and there is no memory for a
 *				 set without it
 * @set: published
 * @svc: which
 */
void vexipc_service_set_forget(struct vexipc_service_set *set,
			       const struct vexipc_service *svc)
{
	spin_lock_bh(&set->lock);
	for (u32 i = 0; i < set->all->count; i++)
		if (rcu_access_pointer(set->all->service[i]) == svc)
			RCU_INIT_POINTER(set->all->service[i], NULL);
	drop_answers(set);
	spin_unlock_bh(&set->lock);
}

/* Nobody has it, or can get it, any more. */
void vexipc_service_set_free(struct vexipc_service_set *set)
{
	for (u32 i = 0; i < ARRAY_SIZE(set->answer); i++)
		kvfree(rcu_dereference_protected(set->answer[i], true));
	kvfree(set->all);
	kfree(set);
}

static void free_rcu(struct rcu_head *rcu)
{
	vexipc_service_set_free(container_of(rcu, struct vexipc_service_set, rcu));
}

/* It has been replaced; whoever found it may still use it, and work out sets. */
void vexipc_service_set_free_rcu(struct vexipc_service_set *set)
{
	call_rcu(&set->rcu, free_rcu);
}

static u32 batch_class(const struct vexipc_request *req)
{
	return req->type == VEXIPC_MSG_BATCH_REQUEST ? rounddown_pow_of_two(req->count) : 0;
}

/* What @req asks for, in batches of @batch items; 0: not in batches. */
static bool can_do(const struct vexipc_service *svc, const struct vexipc_request *req,
		   u32 batch)
{
	if (batch && (!(svc->features & VEXIPC_FEATURE_BATCH) || svc->spec.max_batch < batch))
		return false;
	return vexipc_service_matches(svc, req->dimensions, 1u << req->data_type,
				      req->model, req->model_len);
}

/**
 * vexipc_capable_of() - can this service do what the request asks for?
 * @svc: which
 * @req: the request, not a probe
 */
bool vexipc_capable_of(const struct vexipc_service *svc, const struct vexipc_request *req)
{
	return can_do(svc, req, req->type == VEXIPC_MSG_BATCH_REQUEST ? req->count : 0);
}

/* vexipc_capable_hash() - the same for requests that ask for the same. */
u32 vexipc_capable_hash(const struct vexipc_request *req)
{
	get_random_once(&hash_seed, sizeof(hash_seed));
	return jhash(req->model, req->model_len,
		     jhash_3words(req->dimensions, req->data_type, batch_class(req), hash_seed));
}

static bool asks_for(const struct vexipc_request *req, const struct vexipc_capable *set)
{
	return set->dimensions == req->dimensions && set->data_type == req->data_type &&
	       set->batch == batch_class(req) && set->model_len == req->model_len &&
	       !memcmp(set->model, req->model, req->model_len);
}

static int point_cmp(const void *a, const void *b)
{
	const struct vexipc_ring_point *one = a, *two = b;

	if (one->hash != two->hash)
		return one->hash < two->hash ? -1 : 1;
	return one->at < two->at ? -1 : 1;
}

/* Which of @count equal parts of the ring a hash is in. */
static u32 part_of(u32 hash, u32 count)
{
	return (u64)hash * count >> 32;
}

static void make_ring(struct vexipc_capable *set)
{
	u32 part = 0;

	for (u32 i = 0; i < set->count; i++) {
		struct vexipc_service *svc = rcu_dereference_raw(set->service[i]);

		/* The id: one that comes back comes back to its place. */
		set->ring[i].hash = jhash(svc->key, sizeof(svc->key), RING_SEED);
		set->ring[i].at = i;
	}
	sort(set->ring, set->count, sizeof(*set->ring), point_cmp, NULL);
	for (u32 i = 0; i < set->count; i++)
		while (part <= part_of(set->ring[i].hash, set->count))
			set->ring_start[part++] = i;
	while (part < set->count)
		set->ring_start[part++] = set->count;
}

/**
 * vexipc_ring_next() - the first service at or behind a place on the ring
 * @set: not empty
 * @hash: the place
 *
 * Return: index in @set->ring.
 */
u32 vexipc_ring_next(const struct vexipc_capable *set, u32 hash)
{
	u32 i = set->ring_start[part_of(hash, set->count)];

	while (i < set->count && set->ring[i].hash < hash)
		i++;
	return i < set->count ? i : 0;
}

static struct vexipc_capable *work_out(struct vexipc_service_set *all,
				       const struct vexipc_request *req)
{
	struct vexipc_capable *set = NULL;
	u32 batch = batch_class(req), count = 0;

	lockdep_assert_held(&all->lock);
	for (u32 pass = 0; pass < 2; pass++) {
		if (pass) {
			set = capable_alloc(count, GFP_ATOMIC | __GFP_NOWARN);
			if (!set)
				return NULL;
			count = 0;
		}
		for (u32 i = 0; i < all->all->count; i++) {
			struct vexipc_service *svc =
				rcu_dereference_protected(all->all->service[i],
							  lockdep_is_held(&all->lock));

			if (!svc || !can_do(svc, req, batch))
				continue;
			if (pass)
				RCU_INIT_POINTER(set->service[count], svc);
			count++;
		}
	}
	set->dimensions = req->dimensions;
	set->data_type = req->data_type;
	set->batch = batch;
	set->model_len = req->model_len;
	memcpy(set->model, req->model, req->model_len);
	set->count = count;
	/* Whose turn it was is forgotten: the first must not gain by it. */
	if (count)
		atomic_set(&set->next, get_random_u32_below(count));
	find_tiers(set);
	make_ring(set);
	return set;
}

/**
 * vexipc_capable_set() - the services that can do what a request asks for
 * @all: of the request's instance
 * @req: the request, not a probe
 *
 * Those for a batch may be few items too small: ask vexipc_capable_of().
 *
 * Context: under RCU, bottom halves off.
 * Return: the set; without memory for it @all->all.
 */
struct vexipc_capable *vexipc_capable_set(struct vexipc_service_set *all,
					  const struct vexipc_request *req)
{
	u32 hash = vexipc_capable_hash(req) >> (32 - VEXIPC_CAPABLE_BITS);
	struct vexipc_capable *set = rcu_dereference(all->answer[hash]), *old;

	if (likely(set && asks_for(req, set)))
		return set;
	spin_lock(&all->lock);
	old = rcu_dereference_protected(all->answer[hash], lockdep_is_held(&all->lock));
	if (old && asks_for(req, old)) {
		set = old;
	} else {
		set = work_out(all, req);
		if (set) {
			rcu_assign_pointer(all->answer[hash], set);
			if (old)
				kvfree_rcu(old, rcu);
		}
	}
	spin_unlock(&all->lock);
	return set ?: all->all;
}
