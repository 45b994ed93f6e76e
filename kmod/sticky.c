// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sticky sessions: requests of one session go to one service for as long as it
 * is fit. When it is not, the session moves, once, and stays where it went.
 *
 * A full table keeps those it has: new sessions are balanced like any request.
 */
#include <linux/jiffies.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "capable.h"
#include "instance.h"
#include "request.h"
#include "sticky.h"

enum { SWEEP_SEC = 5 };

/* struct session_key: nobody's session is another's, and each kind of request has its own. */
struct session_key {
	u64 session;
	u32 uid;
	u32 asked;
};

struct session {
	struct rhash_head node;
	struct rcu_head rcu;
	struct session_key key;
	u64 handle;
	unsigned long used;
};

static const struct rhashtable_params params = {
	.key_len = sizeof(struct session_key),
	.key_offset = offsetof(struct session, key),
	.head_offset = offsetof(struct session, node),
	.automatic_shrinking = true,
};

int vexipc_sticky_init(struct vexipc_sticky *sticky)
{
	sticky->swept = jiffies;
	return rhashtable_init(&sticky->table, &params);
}

static void free_session(void *ptr, void *arg)
{
	kfree(ptr);
}

/* No request is left that could look. */
void vexipc_sticky_exit(struct vexipc_sticky *sticky)
{
	rhashtable_free_and_destroy(&sticky->table, free_session, NULL);
}

static struct session *find(struct vexipc_instance *inst, const struct session_key *key)
{
	return rhashtable_lookup(&inst->sticky.table, key, params);
}

static struct session_key key_of(const struct vexipc_request *req)
{
	return (struct session_key) {
		.session = req->session,
		.uid = __kuid_val(req->uid),
		.asked = vexipc_capable_hash(req),
	};
}

static unsigned long timeout(struct vexipc_instance *inst)
{
	return vexipc_config(inst, VEXIPC_CONFIG_STICKY_TIMEOUT_SEC) * (unsigned long)HZ;
}

static bool over(const struct session *s, unsigned long timeout)
{
	return time_after_eq(jiffies, READ_ONCE(s->used) + timeout);
}

/**
 * vexipc_sticky_find() - where the session of a request is
 * @inst: whose
 * @req: with a session
 *
 * Context: under RCU.
 * Return: a handle; 0 nowhere, or no longer.
 */
u64 vexipc_sticky_find(struct vexipc_instance *inst, const struct vexipc_request *req)
{
	struct session_key key = key_of(req);
	struct session *s = find(inst, &key);

	return s && !over(s, timeout(inst)) ? READ_ONCE(s->handle) : 0;
}

/**
 * vexipc_sticky_put() - the session of a request is there now
 * @inst: whose
 * @req: with a session
 * @before: what vexipc_sticky_find() returned
 * @handle: where
 *
 * Of requests that move a session at once the first decides.
 *
 * Context: under RCU, bottom halves off.
 */
void vexipc_sticky_put(struct vexipc_instance *inst, const struct vexipc_request *req,
		       u64 before, u64 handle)
{
	struct vexipc_sticky *sticky = &inst->sticky;
	struct session_key key = key_of(req);
	struct session *s = find(inst, &key);

	if (s) {
		if (handle != before) {
			u64 there = READ_ONCE(s->handle);

			if (!before || there == before)
				cmpxchg(&s->handle, there, handle);
		}
		WRITE_ONCE(s->used, jiffies);
		return;
	}
	if (atomic_inc_return(&sticky->count) > VEXIPC_MAX_SESSIONS)
		goto uncount;
	s = kmalloc(sizeof(*s), GFP_ATOMIC | __GFP_NOWARN);
	if (!s)
		goto uncount;
	s->key = key;
	s->handle = handle;
	s->used = jiffies;
	if (!rhashtable_lookup_insert_fast(&sticky->table, &s->node, params))
		return;
	kfree(s);
uncount:
	atomic_dec(&sticky->count);
}

/**
 * vexipc_sticky_sweep() - forget the sessions that are over
 * @inst: whose
 *
 * Context: may sleep; by one at a time.
 */
void vexipc_sticky_sweep(struct vexipc_instance *inst)
{
	struct vexipc_sticky *sticky = &inst->sticky;
	struct rhashtable_iter iter;
	struct session *s;

	if (!atomic_read(&sticky->count) ||
	    time_before(jiffies, sticky->swept + SWEEP_SEC * HZ))
		return;
	sticky->swept = jiffies;
	rhashtable_walk_enter(&sticky->table, &iter);
	rhashtable_walk_start(&iter);
	while ((s = rhashtable_walk_next(&iter))) {
		/* The table was resized: what is seen twice does no harm. */
		if (IS_ERR(s) || !over(s, timeout(inst)))
			continue;
		if (!rhashtable_remove_fast(&sticky->table, &s->node, params)) {
			atomic_dec(&sticky->count);
			kfree_rcu(s, rcu);
		}
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
}
