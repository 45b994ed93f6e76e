/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_CACHE_H
#define _VEXIPC_CACHE_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/vexipc.h>

#include "cache_key.h"

struct vexipc_instance;
struct vexipc_request;
struct vexipc_service;

/* Where an answer is kept. */
enum vexipc_kept_place {
	VEXIPC_KEPT_NOWHERE,
	VEXIPC_KEPT_FRESH,	/* since it was asked once */
	VEXIPC_KEPT_PROVEN,	/* it was asked again */
};

/*
 * struct vexipc_kept - an answer that more than one request may have
 * @refs:	 one of each request that has it or waits for it, one of the cache
 * @rcu:	 frees it
 * @node:	 in the cache's table
 * @order:	 in the list of @place, under the cache's lock
 * @lru:	 among those charged to the same memory cgroup, while it is in a cache
 * @cache:	 which, while it is in one
 * @place:	 under the cache's lock
 * @hits:	 lately, at most HITS_COUNTED; lost updates do no harm
 * @key:	 what was asked
 * @epoch:	 of the cache, when it was asked
 * @born:	 when it was answered, jiffies
 * @size:	 what it takes of cache_max_bytes
 * @mem:	 what @model and @content point into; kvfree()d
 * @answer_mem:	 what @answer points into; kvfree()d
 * @service:	 handle of who answered
 * @service_id:	 its id, NUL-padded
 * @flight:	 in the bucket of those that are asked now; see coalesce.c
 * @followers:	 requests that wait for it, under the bucket's lock
 * @leader:	 the request it is asked by, under the bucket's lock; NULL once
 *		 it is answered, or is asked no more
 * @waiting:	 how many are in @followers
 *
 * It is made for a request and belongs to it until that is answered; then what
 * is answered is filled in, once, and never changed.
 */
struct vexipc_kept {
	refcount_t refs;
	struct rcu_head rcu;
	struct rhash_head node;
	struct list_head order;
	struct list_head lru;
	struct vexipc_cache *cache;
	u8 place;
	u8 hits;
	struct vexipc_cache_key key;
	u64 epoch;
	unsigned long born;
	size_t size;

	void *mem;
	void *answer_mem;
	const void *model;
	const void *content;
	const void *answer;
	u32 answer_len;
	u32 dimensions;
	u32 scale;
	u32 error;		/* enum vexipc_error: what a service says to all */
	u32 error_kind;
	u32 retry_after_ms;
	u64 service;
	char service_id[VEXIPC_MAX_NAME];

	struct hlist_node flight;
	struct list_head followers;
	struct vexipc_request *leader;
	u32 waiting;
};

enum {
	VEXIPC_FLIGHT_BITS	= 8,
	VEXIPC_CACHE_GHOSTS	= 1024,
};

/* struct vexipc_flights is a bucket of what is being asked. */
struct vexipc_flights {
	spinlock_t lock;	/* the bucket, and what its members say is under it */
	struct hlist_head kept;
};

/**
 * struct vexipc_cache - the answers of one instance, kept and awaited
 * @inst:    its instance
 * @secret:  of its keys
 * @table:   kept answers by key; written under @lock, read under RCU
 * @lock:    what follows; the last of all locks but those of an LRU list
 * @fresh:   oldest first
 * @proven:  oldest first
 * @fresh_count: how many are in @fresh
 * @entries: how many there are
 * @bytes:   what they take
 * @ghosts:  what went from @fresh lately, by hash
 * @epoch:   how often answers were made invalid; what was asked before is not kept
 * @sweep:   collects what is too old
 * @flights: what is being asked
 */
struct vexipc_cache {
	struct vexipc_instance *inst;
	struct vexipc_cache_secret secret;
	struct rhashtable table;
	spinlock_t lock;	/* what follows */
	struct list_head fresh;
	struct list_head proven;
	u32 fresh_count;
	u32 entries;
	size_t bytes;
	u32 ghosts[VEXIPC_CACHE_GHOSTS];
	u64 epoch;
	struct delayed_work sweep;
	struct vexipc_flights flights[1 << VEXIPC_FLIGHT_BITS];
};

int vexipc_cache_module_init(void);
void vexipc_cache_module_exit(void);
struct vexipc_cache *vexipc_cache_alloc(struct vexipc_instance *inst);
void vexipc_cache_free(struct vexipc_cache *cache);

bool vexipc_cache_enter(struct vexipc_request *req);
struct vexipc_kept *vexipc_cache_leave(struct vexipc_request *req, enum vexipc_error error);
void vexipc_cache_answered_by(struct vexipc_request *req, const struct vexipc_service *svc);
void vexipc_cache_configured(struct vexipc_instance *inst);
u32 vexipc_cache_flush(struct vexipc_instance *inst, const char *model, u32 model_len,
		       const char *service, u32 service_len);

bool vexipc_kept_same(const struct vexipc_kept *kept, const struct vexipc_request *req);
void vexipc_kept_give(struct vexipc_request *req, struct vexipc_kept *kept);
void vexipc_kept_put(struct vexipc_kept *kept);

bool vexipc_coalesce_join(struct vexipc_request *req, struct vexipc_kept *own);
bool vexipc_coalesce_leave(struct vexipc_request *req, struct vexipc_kept *kept,
			   bool answered);
void vexipc_coalesce_serve(struct vexipc_request *leader, struct vexipc_kept *kept);

#endif
