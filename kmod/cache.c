// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers that are kept, so that the same question need not be asked again.
 *
 * A hit takes no lock and copies nothing: it is found under RCU, and the request
 * refers to the answer until its client has it. What is kept is the memory that
 * the first request had anyway, content and answer, taken over when it ends.
 *
 * Which answer goes when there is no room: as in S3-FIFO. What is new stands in
 * a short queue (fresh) and goes from there, unless it was asked for meanwhile:
 * then it moves to a long one (proven), where each time it was asked for gives it
 * another round. So a scan, however long, passes through a tenth of the cache and
 * the rest stays; and a hit only counts one up, where an LRU would move an entry
 * under a lock. What comes back soon after it went (ghosts) is proven at once.
 *
 * A service that goes takes no answers with it: they are as good as they were,
 * and most welcome just then. Who changes a model flushes them.
 *
 * Memory is given back by another order, of what is charged to one memory cgroup: the
 * oldest first, and what was asked for again a round later for each time.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/list_lru.h>
#include <linux/mm.h>
#include <linux/rhashtable.h>
#include <linux/shrinker.h>
#include <linux/slab.h>

#include "cache.h"
#include "instance.h"
#include "memory.h"
#include "registry.h"
#include "request.h"
#include "trace.h"

enum {
	HITS_COUNTED	= 3,
	MOST_EVICTED	= 64,	/* for one that comes, or it is not kept */
	ROUNDS		= 16,	/* entries looked at to find one that goes */
	FRESH_SHARE	= 10,	/* a tenth of the entries may be fresh */
	LARGEST_SHARE	= 8,	/* an eighth of the bytes may be one entry's */
	SWEEP_SEC	= 5,
	FLUSH_AT_ONCE	= 64,
};

static struct kmem_cache *kept_cache;
static struct shrinker *shrinker;
/* Of all caches. Bottom halves are off wherever its locks, the last of all, are taken. */
static struct list_lru kept_lru;

/* The key is a hash already, and of a secret: only the seed is the table's. */
static u32 key_hash(const void *data, u32 len, u32 seed)
{
	const struct vexipc_cache_key *key = data;

	return key->hash[0] ^ seed;
}

static const struct rhashtable_params params = {
	.key_len = sizeof(struct vexipc_cache_key),
	.key_offset = offsetof(struct vexipc_kept, key),
	.head_offset = offsetof(struct vexipc_kept, node),
	.hashfn = key_hash,
	.automatic_shrinking = true,
};

static void free_kept(struct rcu_head *rcu)
{
	struct vexipc_kept *kept = container_of(rcu, struct vexipc_kept, rcu);

	kvfree(kept->mem);
	kvfree(kept->answer_mem);
	kmem_cache_free(kept_cache, kept);
}

/* Frees it if that can be done now: NULL, or what is left to be freed. */
static void *free_now(void *mem, bool may_sleep)
{
	if (!may_sleep && is_vmalloc_addr(mem))
		return mem;
	kvfree(mem);
	return NULL;
}

/* Who found it under RCU looks at no more than @refs: most of the memory goes at once. */
static void put(struct vexipc_kept *kept, bool may_sleep)
{
	if (!refcount_dec_and_test(&kept->refs))
		return;
	kept->mem = free_now(kept->mem, may_sleep);
	kept->answer_mem = free_now(kept->answer_mem, may_sleep);
	call_rcu(&kept->rcu, free_kept);
}

/**
 * vexipc_kept_put() - drop a reference
 * @kept: the answer
 *
 * Context: any but hard interrupts; also under RCU, where a walk of the table puts,
 * and where kvfree() of what is long must not sleep.
 */
void vexipc_kept_put(struct vexipc_kept *kept)
{
	put(kept, false);
}

static struct vexipc_kept *kept_alloc(struct vexipc_cache *cache, struct vexipc_request *req,
				      const struct vexipc_cache_key *key)
{
	struct vexipc_kept *kept = kmem_cache_alloc_lru(kept_cache, &kept_lru,
							VEXIPC_GFP_CALLER | __GFP_ZERO);

	if (!kept)
		return NULL;
	refcount_set(&kept->refs, 1);
	INIT_LIST_HEAD(&kept->order);
	INIT_LIST_HEAD(&kept->lru);
	INIT_LIST_HEAD(&kept->followers);
	INIT_HLIST_NODE(&kept->flight);
	kept->key = *key;
	kept->epoch = READ_ONCE(cache->epoch);
	kept->leader = req;
	return kept;
}

/* vexipc_kept_same() - is it, its hash apart, what the request asks? */
bool vexipc_kept_same(const struct vexipc_kept *kept, const struct vexipc_request *req)
{
	return !memcmp(kept->content, req->content, req->content_len) &&
	       !memcmp(kept->model, req->model, req->model_len);
}

/* Off the cache, by who has taken it off the LRU list; its reference goes to @gone. */
static void forget(struct vexipc_cache *cache, struct vexipc_kept *kept,
		   struct list_head *gone)
{
	lockdep_assert_held(&cache->lock);
	rhashtable_remove_fast(&cache->table, &kept->node, params);
	list_move(&kept->order, gone);
	if (kept->place == VEXIPC_KEPT_FRESH)
		cache->fresh_count--;
	kept->place = VEXIPC_KEPT_NOWHERE;
	cache->entries--;
	cache->bytes -= kept->size;
}

static void drop(struct vexipc_cache *cache, struct vexipc_kept *kept, struct list_head *gone)
{
	list_lru_del_obj(&kept_lru, &kept->lru);
	forget(cache, kept, gone);
}

static u32 put_all(struct list_head *gone, bool may_sleep)
{
	struct vexipc_kept *kept, *next;
	u32 count = 0;

	list_for_each_entry_safe(kept, next, gone, order) {
		list_del_init(&kept->order);
		put(kept, may_sleep);
		count++;
	}
	return count;
}

static u32 *ghost_of(struct vexipc_cache *cache, const struct vexipc_cache_key *key)
{
	return &cache->ghosts[key->hash[1] % VEXIPC_CACHE_GHOSTS];
}

static u32 ghost(const struct vexipc_cache_key *key)
{
	return (key->hash[1] >> 32) | 1;
}

/* The entry that goes first, of at least one. */
static struct vexipc_kept *next_to_go(struct vexipc_cache *cache)
{
	u32 limit = vexipc_config(cache->inst, VEXIPC_CONFIG_CACHE_MAX_ENTRIES);
	u32 fresh_limit = max(limit / FRESH_SHARE, 1u);

	lockdep_assert_held(&cache->lock);
	for (u32 round = 0;; round++) {
		bool fresh = cache->fresh_count > fresh_limit || list_empty(&cache->proven);
		struct vexipc_kept *kept =
			list_first_entry(fresh ? &cache->fresh : &cache->proven,
					 struct vexipc_kept, order);
		u8 hits = READ_ONCE(kept->hits);

		if (!hits || round == ROUNDS) {
			if (fresh)
				*ghost_of(cache, &kept->key) = ghost(&kept->key);
			return kept;
		}
		WRITE_ONCE(kept->hits, fresh ? 0 : hits - 1);
		list_move_tail(&kept->order, &cache->proven);
		if (fresh) {
			kept->place = VEXIPC_KEPT_PROVEN;
			cache->fresh_count--;
		}
	}
}

/* Evict until so much more fits, but not too many at once: does it? */
static bool make_room(struct vexipc_cache *cache, u32 entries, size_t bytes,
		      struct list_head *gone)
{
	u32 max_entries = vexipc_config(cache->inst, VEXIPC_CONFIG_CACHE_MAX_ENTRIES);
	size_t max_bytes = vexipc_config(cache->inst, VEXIPC_CONFIG_CACHE_MAX_BYTES);

	for (int evicted = 0; cache->entries; evicted++) {
		if (cache->entries + entries <= max_entries &&
		    cache->bytes + bytes <= max_bytes)
			break;
		if (evicted == MOST_EVICTED)
			return false;
		drop(cache, next_to_go(cache), gone);
		vexipc_count(cache->inst, CACHE_EVICTIONS);
	}
	return true;
}

static void insert(struct vexipc_cache *cache, struct vexipc_kept *kept)
{
	struct vexipc_instance *inst = cache->inst;
	struct vexipc_kept *old;
	bool first = false;
	LIST_HEAD(gone);

	if (kept->size > vexipc_config(inst, VEXIPC_CONFIG_CACHE_MAX_BYTES) / LARGEST_SHARE)
		return;
	spin_lock_bh(&cache->lock);
	/* Off, or flushed, since it was asked: nobody may be told that any more. */
	if (!vexipc_config(inst, VEXIPC_CONFIG_CACHE_ENABLED) || kept->epoch != cache->epoch)
		goto unlock;
	/* Too old, or asked twice at once: the newer stays. */
	old = rhashtable_lookup_fast(&cache->table, &kept->key, params);
	if (old) {
		drop(cache, old, &gone);
		vexipc_count(inst, CACHE_EXPIRATIONS);
	}
	if (!make_room(cache, 1, kept->size, &gone))
		goto unlock;
	refcount_inc(&kept->refs);
	if (rhashtable_insert_fast(&cache->table, &kept->node, params)) {
		refcount_dec(&kept->refs);
		goto unlock;
	}
	if (*ghost_of(cache, &kept->key) == ghost(&kept->key)) {
		kept->place = VEXIPC_KEPT_PROVEN;
		list_add_tail(&kept->order, &cache->proven);
	} else {
		kept->place = VEXIPC_KEPT_FRESH;
		list_add_tail(&kept->order, &cache->fresh);
		cache->fresh_count++;
	}
	first = !cache->entries++;
	cache->bytes += kept->size;
	kept->cache = cache;
	list_lru_add_obj(&kept_lru, &kept->lru);
	vexipc_count(inst, CACHE_INSERTIONS);
unlock:
	spin_unlock_bh(&cache->lock);
	put_all(&gone, false);
	if (first)
		queue_delayed_work(system_power_efficient_wq, &cache->sweep, SWEEP_SEC * HZ);
}

static bool too_old(const struct vexipc_cache *cache, const struct vexipc_kept *kept)
{
	unsigned long ttl = vexipc_config(cache->inst, VEXIPC_CONFIG_CACHE_TTL_SEC);

	return time_after_eq(jiffies, kept->born + ttl * HZ);
}

/* The answer, with a reference; or NULL. */
static struct vexipc_kept *find(struct vexipc_cache *cache, const struct vexipc_cache_key *key,
				const struct vexipc_request *req)
{
	struct vexipc_kept *kept;

	rcu_read_lock();
	kept = rhashtable_lookup(&cache->table, key, params);
	if (kept && (too_old(cache, kept) || !refcount_inc_not_zero(&kept->refs)))
		kept = NULL;
	rcu_read_unlock();
	if (!kept)
		return NULL;
	if (!vexipc_kept_same(kept, req)) {
		vexipc_kept_put(kept);
		return NULL;
	}
	if (READ_ONCE(kept->hits) < HITS_COUNTED)
		WRITE_ONCE(kept->hits, READ_ONCE(kept->hits) + 1);
	return kept;
}

/**
 * vexipc_kept_give() - an answer is a request's, too
 * @req: DONE by the caller's step; gets a reference, unless it has it already
 * @kept: filled
 */
void vexipc_kept_give(struct vexipc_request *req, struct vexipc_kept *kept)
{
	req->kept = kept;
	req->error_kind = kept->error_kind;
	req->retry_after_ms = kept->retry_after_ms;
	req->out_dimensions = kept->dimensions;
	req->scale = kept->scale;
	req->answer = kept->answer;
	req->answer_len = kept->answer_len;
	req->service_handle = kept->service;
}

static bool hit(struct vexipc_request *req, struct vexipc_kept *kept)
{
	int state = vexipc_state(0, VEXIPC_NEW);

	vexipc_count(req->inst, CACHE_HITS);
	vexipc_trace(cache_lookup, req->inst->cookie, req->correlation, VEXIPC_LOOKUP_HIT,
		     kept->service, req->content_len, jiffies_to_msecs(jiffies - kept->born));
	/* It can be found already: a cancel may have been first. */
	if (!atomic_try_cmpxchg(&req->state, &state, vexipc_state(0, VEXIPC_DONE))) {
		vexipc_kept_put(kept);
		return true;
	}
	req->result_flags = VEXIPC_RESULT_CACHED;
	vexipc_kept_give(req, kept);
	vexipc_request_complete(req, state, VEXIPC_OK);
	return true;
}

/**
 * vexipc_cache_enter() - must this be asked at all?
 * @req: NEW, published and listed, on its way to be routed
 *
 * Context: may sleep.
 * Return: true, it has been completed, or waits for the answer of another and
 * is not to be routed; false, it is to be asked.
 */
bool vexipc_cache_enter(struct vexipc_request *req)
{
	struct vexipc_instance *inst = req->inst;
	struct vexipc_cache *cache = inst->cache;
	struct vexipc_cache_key key;
	struct vexipc_kept *kept;

	vexipc_cache_key(&cache->secret, req,
			 vexipc_config(inst, VEXIPC_CONFIG_CACHE_PER_USER), &key);
	if (vexipc_config(inst, VEXIPC_CONFIG_CACHE_ENABLED)) {
		kept = find(cache, &key, req);
		if (kept)
			return hit(req, kept);
		vexipc_count(inst, CACHE_MISSES);
		vexipc_trace(cache_lookup, inst->cookie, req->correlation,
			     VEXIPC_LOOKUP_MISS, 0, req->content_len, 0);
	}
	/* Without memory it is a request like any other. */
	kept = kept_alloc(cache, req, &key);
	if (!kept)
		return false;
	if (vexipc_config(inst, VEXIPC_CONFIG_COALESCE))
		return vexipc_coalesce_join(req, kept);
	/* A cancel that is faster finds none, and nothing is lost. */
	WRITE_ONCE(req->kept, kept);
	return false;
}

/* The request's answer becomes everybody's; the request has it still. */
static void fill(struct vexipc_kept *kept, struct vexipc_request *req, enum vexipc_error error)
{
	kept->mem = req->mem;
	kept->answer_mem = req->answer_mem;
	req->mem = NULL;
	req->answer_mem = NULL;
	kept->model = req->model;
	kept->content = req->content;
	kept->answer = req->answer;
	kept->answer_len = req->answer_len;
	kept->dimensions = req->out_dimensions;
	kept->scale = req->scale;
	kept->error = error;
	kept->error_kind = req->error_kind;
	kept->retry_after_ms = req->retry_after_ms;
	kept->service = req->service_handle;
	kept->born = jiffies;
	/* Messages, with at most this beside what counts here. */
	kept->size = sizeof(*kept) +
		     kmalloc_size_roundup(req->model_len + req->content_len + VEXIPC_MAX_NAME +
					  sizeof(struct vexipc_msg_header) +
					  sizeof(struct vexipc_embed_request_body)) +
		     kmalloc_size_roundup(req->answer_len + sizeof(struct vexipc_msg_header) +
					  sizeof(struct vexipc_embed_response_body));
}

/**
 * vexipc_cache_answered_by() - remember who answers
 * @req: DONE by the step of the caller, who has its answer
 * @svc: whose answer
 */
void vexipc_cache_answered_by(struct vexipc_request *req, const struct vexipc_service *svc)
{
	struct vexipc_kept *kept = req->kept;

	req->answered = true;
	if (kept)
		memcpy(kept->service_id, svc->key, sizeof(kept->service_id));
}

/**
 * vexipc_cache_leave() - a request ends that may have been asked for more than one
 * @req: DONE, or never to be submitted; its answer is in place
 * @error: how it ends
 *
 * Only what a service has answered is for others, and only a vector is kept. Whoever
 * else waits for a request that ends otherwise goes on without it: see
 * coalesce.c.
 *
 * Context: any but hard interrupts, no locks held.
 * Return: what to hand to vexipc_coalesce_serve() once the request's own
 * completion is told, with a reference of the request; or NULL.
 */
struct vexipc_kept *vexipc_cache_leave(struct vexipc_request *req, enum vexipc_error error)
{
	struct vexipc_kept *kept = READ_ONCE(req->kept);

	if (!kept || req->result_flags & VEXIPC_RESULT_CACHED)
		return NULL;
	if (!vexipc_coalesce_leave(req, kept, req->answered))
		return NULL;
	fill(kept, req, error);
	if (!error)
		insert(req->inst->cache, kept);
	/* Nobody can join them any more, and who leaves does no harm. */
	if (list_empty_careful(&kept->followers))
		return NULL;
	refcount_inc(&req->refs);
	return kept;
}

static bool is_of_model(struct vexipc_instance *inst, const struct vexipc_kept *kept,
			const char *model, u32 model_len)
{
	struct vexipc_service *svc;
	bool has = true;

	if (kept->key.model_len)
		return kept->key.model_len == model_len &&
		       !memcmp(kept->model, model, model_len);
	/* Asked of any model: it is of this one if who answered has it, or is gone. */
	svc = vexipc_registry_by_handle(inst, kept->service);
	if (svc) {
		has = vexipc_service_matches(svc, 0, 0, model, model_len);
		vexipc_service_put(svc);
	}
	return has;
}

static bool is_of_service(const struct vexipc_kept *kept, const char *id, u32 len)
{
	return !memcmp(kept->service_id, id, len) &&
	       (len == VEXIPC_MAX_NAME || !kept->service_id[len]);
}

/* Drops one, if it is there still. */
static u32 drop_one(struct vexipc_cache *cache, struct vexipc_kept *kept)
{
	LIST_HEAD(gone);

	spin_lock_bh(&cache->lock);
	if (kept->place != VEXIPC_KEPT_NOWHERE)
		drop(cache, kept, &gone);
	spin_unlock_bh(&cache->lock);
	return put_all(&gone, false);
}

/*
 * struct choice is which entries a walk drops: those that match all there is. With
 * @epoch, those that were asked before it.
 */
struct choice {
	u64 epoch;
	const char *model;
	const char *service;
	u32 model_len;
	u32 service_len;
	bool old;
};

static bool chosen(struct vexipc_cache *cache, const struct vexipc_kept *kept,
		   const struct choice *choice)
{
	if (choice->old && !too_old(cache, kept))
		return false;
	if (choice->epoch && kept->epoch >= choice->epoch)
		return false;
	if (choice->service_len &&
	    !is_of_service(kept, choice->service, choice->service_len))
		return false;
	return !choice->model_len ||
	       is_of_model(cache->inst, kept, choice->model, choice->model_len);
}

/* A walk that pauses at an entry goes on behind it, unless that has gone meanwhile. */
static bool is_kept(struct vexipc_cache *cache, const struct vexipc_kept *kept)
{
	bool there;

	spin_lock_bh(&cache->lock);
	there = kept->place != VEXIPC_KEPT_NOWHERE;
	spin_unlock_bh(&cache->lock);
	return there;
}

/*
 * Once through the table. @missed: maybe not through all of it. When what it paused
 * at has gone, whoever dropped it, it goes on by the number of those it has seen in
 * the bucket, and there are fewer.
 */
static u32 walk(struct vexipc_cache *cache, const struct choice *choice, bool *missed)
{
	struct rhashtable_iter iter;
	struct vexipc_kept *kept;
	u32 seen = 0, dropped = 0;

	*missed = false;
	rhashtable_walk_enter(&cache->table, &iter);
	rhashtable_walk_start(&iter);
	/* When the table is resized it begins again: nothing is left out. */
	while ((kept = rhashtable_walk_next(&iter))) {
		bool pause = ++seen % FLUSH_AT_ONCE == 0;

		/* About to be freed: it pauses at the next one. */
		if (IS_ERR(kept) || !refcount_inc_not_zero(&kept->refs)) {
			seen -= pause;
			continue;
		}
		if (chosen(cache, kept, choice))
			dropped += drop_one(cache, kept);
		if (pause) {
			rhashtable_walk_stop(&iter);
			cond_resched();
			rhashtable_walk_start(&iter);
			*missed |= !is_kept(cache, kept);
		}
		vexipc_kept_put(kept);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
	return dropped;
}

/**
 * vexipc_cache_flush() - forget answers
 * @inst: whose
 * @model: of this model alone, if @model_len; also what any model was asked for
 *	   and a service answered that has it
 * @model_len: its bytes
 * @service: that this service answered, if @service_len
 * @service_len: its bytes, at most VEXIPC_MAX_NAME
 *
 * What is being asked now will not be kept.
 *
 * Context: may sleep.
 * Return: how many were forgotten.
 */
u32 vexipc_cache_flush(struct vexipc_instance *inst, const char *model, u32 model_len,
		       const char *service, u32 service_len)
{
	struct choice choice = {
		.model = model, .model_len = model_len,
		.service = service, .service_len = service_len,
	};
	struct vexipc_cache *cache = READ_ONCE(inst->cache);
	u32 dropped = 0;
	bool missed;

	if (!cache)
		return 0;
	spin_lock_bh(&cache->lock);
	choice.epoch = cache->epoch + 1;
	WRITE_ONCE(cache->epoch, choice.epoch);
	spin_unlock_bh(&cache->lock);
	/* None of that epoch comes any more, so there is an end to it. */
	do
		dropped += walk(cache, &choice, &missed);
	while (missed);
	vexipc_count_add(inst, CACHE_INVALIDATIONS, dropped);
	return dropped;
}

/**
 * vexipc_cache_configured() - the limits may be others now
 * @inst: whose
 *
 * Context: may sleep.
 */
void vexipc_cache_configured(struct vexipc_instance *inst)
{
	struct vexipc_cache *cache = READ_ONCE(inst->cache);
	bool fits;
	LIST_HEAD(gone);

	if (!cache)
		return;
	if (!vexipc_config(inst, VEXIPC_CONFIG_CACHE_ENABLED)) {
		vexipc_cache_flush(inst, NULL, 0, NULL, 0);
		return;
	}
	do {
		spin_lock_bh(&cache->lock);
		fits = make_room(cache, 0, 0, &gone);
		spin_unlock_bh(&cache->lock);
		put_all(&gone, false);
		cond_resched();
	} while (!fits);
}

static void sweep(struct work_struct *work)
{
	struct vexipc_cache *cache = container_of(to_delayed_work(work), struct vexipc_cache,
						  sweep);
	const struct choice old = { .old = true };
	bool missed;

	/* What it missed it finds the next time. */
	vexipc_count_add(cache->inst, CACHE_EXPIRATIONS, walk(cache, &old, &missed));
	if (READ_ONCE(cache->entries))
		queue_delayed_work(system_power_efficient_wq, &cache->sweep, SWEEP_SEC * HZ);
}

/**
 * vexipc_cache_alloc() - an empty cache
 * @inst: whose
 *
 * Context: may sleep.
 * Return: the cache; NULL without memory.
 */
struct vexipc_cache *vexipc_cache_alloc(struct vexipc_instance *inst)
{
	struct vexipc_cache *cache = kvzalloc(sizeof(*cache), GFP_KERNEL);

	if (!cache)
		return NULL;
	if (rhashtable_init(&cache->table, &params)) {
		kvfree(cache);
		return NULL;
	}
	cache->inst = inst;
	vexipc_cache_secret_init(&cache->secret);
	spin_lock_init(&cache->lock);
	INIT_LIST_HEAD(&cache->fresh);
	INIT_LIST_HEAD(&cache->proven);
	INIT_DELAYED_WORK(&cache->sweep, sweep);
	for (int i = 0; i < ARRAY_SIZE(cache->flights); i++)
		spin_lock_init(&cache->flights[i].lock);
	return cache;
}

/**
 * vexipc_cache_free() - no request is left that could look
 * @cache: from vexipc_cache_alloc(), or NULL
 *
 * Context: sleeps.
 */
void vexipc_cache_free(struct vexipc_cache *cache)
{
	LIST_HEAD(gone);
	u32 left;

	if (!cache)
		return;
	/* The shrinker may have the lock for the last of them: it is taken once at least. */
	do {
		spin_lock_bh(&cache->lock);
		for (int i = 0; i < FLUSH_AT_ONCE && cache->entries; i++)
			drop(cache, next_to_go(cache), &gone);
		left = cache->entries;
		spin_unlock_bh(&cache->lock);
		put_all(&gone, false);
		cond_resched();
	} while (left);
	/* It arms itself again only while there are entries. */
	cancel_delayed_work_sync(&cache->sweep);
	rhashtable_destroy(&cache->table);
	kvfree_sensitive(cache, sizeof(*cache));
}

static unsigned long count_kept(struct shrinker *unused, struct shrink_control *sc)
{
	return list_lru_shrink_count(&kept_lru, sc) ?: SHRINK_EMPTY;
}

/*
 * The list's lock is held, which others take with the cache's: so that one is only tried.
 * What is on the list is in its cache, which stays while it has any.
 */
#ifdef VEXIPC_LIST_LRU_KEY
static enum lru_status isolate(struct list_head *item, struct list_lru_one *list, void *gone)
#else
static enum lru_status isolate(struct list_head *item, struct list_lru_one *list,
			       spinlock_t *unused, void *gone)
#endif
{
	struct vexipc_kept *kept = container_of(item, struct vexipc_kept, lru);
	struct vexipc_cache *cache = kept->cache;
	u8 hits = READ_ONCE(kept->hits);

	if (hits) {
		WRITE_ONCE(kept->hits, hits - 1);
		return LRU_ROTATE;
	}
	if (!spin_trylock(&cache->lock))
		return LRU_SKIP;
	list_lru_isolate(list, item);
	if (kept->place == VEXIPC_KEPT_FRESH)
		*ghost_of(cache, &kept->key) = ghost(&kept->key);
	forget(cache, kept, gone);
	vexipc_count(cache->inst, CACHE_EVICTIONS);
	spin_unlock(&cache->lock);
	return LRU_REMOVED;
}

static unsigned long give_back(struct shrinker *unused, struct shrink_control *sc)
{
	LIST_HEAD(gone);

	local_bh_disable();
	list_lru_shrink_walk(&kept_lru, sc, isolate, &gone);
	local_bh_enable();
	/* It is waited for: not after a grace period, but now. */
	return put_all(&gone, true);
}

/* Other lists are locked with bottom halves on, which is no mistake of theirs. */
static int init_lru(void)
{
	static struct lock_class_key key;

#ifdef VEXIPC_LIST_LRU_KEY
	return list_lru_init_memcg_key(&kept_lru, shrinker, &key);
#else
	return __list_lru_init(&kept_lru, true, &key, shrinker);
#endif
}

int __init vexipc_cache_module_init(void)
{
	int err = -ENOMEM;

	kept_cache = KMEM_CACHE(vexipc_kept, SLAB_ACCOUNT);
	if (!kept_cache)
		return -ENOMEM;
	shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE | SHRINKER_MEMCG_AWARE, "vexipc-cache");
	if (!shrinker)
		goto no_shrinker;
	err = init_lru();
	if (err)
		goto no_lru;
	shrinker->count_objects = count_kept;
	shrinker->scan_objects = give_back;
	shrinker_register(shrinker);
	return 0;

no_lru:
	shrinker_free(shrinker);
no_shrinker:
	kmem_cache_destroy(kept_cache);
	return err;
}

/* After the last instance, and rcu_barrier(). */
void vexipc_cache_module_exit(void)
{
	/* It may have taken the last from a cache that is no more, and have freed it now. */
	shrinker_free(shrinker);
	rcu_barrier();
	list_lru_destroy(&kept_lru);
	kmem_cache_destroy(kept_cache);
}
