// SPDX-License-Identifier: GPL-2.0-only
/*
 * Equal requests under way are asked once. The first is the leader and goes its
 * way; those that come meanwhile follow it: they stay NEW, on its list, and are
 * on no service's.
 *
 * What a service answers to the leader, a vector or a definite failure, is the
 * answer to all: each follower is made DONE by a step of its own, which its
 * timeout or a cancel may win instead. When the leader ends in a way that is its
 * own (cancelled, out of time, its client gone, its attempts used up), the first
 * of the followers leads on: it is routed like a new request, with its own
 * deadline, and the others stay behind it.
 *
 * Who decides: the bucket's lock says whether a request leads, follows, or has
 * left; the state word, as everywhere, who completes it. A request that ends comes
 * here after its step to DONE; one that enters looks at its state after it
 * has entered. So of both one sees the other.
 */
#include <linux/hash.h>

#include "cache.h"
#include "instance.h"
#include "request.h"
#include "trace.h"

enum { MOST_FOLLOWERS = 128 };

static struct vexipc_flights *bucket_of(struct vexipc_cache *cache,
					const struct vexipc_kept *kept)
{
	return &cache->flights[hash_64(kept->key.hash[0], VEXIPC_FLIGHT_BITS)];
}

static struct vexipc_kept *find(const struct vexipc_flights *bucket,
				const struct vexipc_cache_key *key)
{
	struct vexipc_kept *kept;

	lockdep_assert_held(&bucket->lock);
	hlist_for_each_entry(kept, &bucket->kept, flight)
		if (!memcmp(&kept->key, key, sizeof(*key)))
			return kept;
	return NULL;
}

/* Followers must not wait for what is less urgent, or for what is out of date. */
static bool may_follow(const struct vexipc_request *req, const struct vexipc_kept *kept,
		       const struct vexipc_kept *own)
{
	return !hlist_unhashed(&kept->flight) && kept->epoch == own->epoch &&
	       kept->waiting < MOST_FOLLOWERS && req->priority <= kept->leader->priority;
}

static void follow(struct vexipc_request *req, struct vexipc_kept *kept)
{
	refcount_inc(&kept->refs);
	refcount_inc(&req->refs);	/* the list's */
	list_add_tail(&req->node, &kept->followers);
	req->follows = true;
	kept->waiting++;
	WRITE_ONCE(req->kept, kept);
}

static void unfollow(struct vexipc_request *req, struct vexipc_kept *kept)
{
	list_del_init(&req->node);
	req->follows = false;
	kept->waiting--;
}

/**
 * vexipc_coalesce_join() - is it being asked already?
 * @req: NEW, published, on its way to be routed
 * @own: made for it; its reference is taken over
 *
 * Context: may sleep.
 * Return: true, it follows another and is not to be routed; false, it is to be
 * asked, and leads if others come.
 */
bool vexipc_coalesce_join(struct vexipc_request *req, struct vexipc_kept *own)
{
	struct vexipc_flights *bucket = bucket_of(req->inst->cache, own);
	struct vexipc_request *leader;
	struct vexipc_kept *kept;
	bool follows = false;

	spin_lock_bh(&bucket->lock);
	kept = find(bucket, &own->key);
	if (!kept || !may_follow(req, kept, own)) {
		WRITE_ONCE(req->kept, own);
		if (!kept)
			hlist_add_head(&own->flight, &bucket->kept);
		goto unlock;
	}
	/* It leaves the bucket, under the lock, before its last reference goes. */
	leader = kept->leader;
	refcount_inc(&leader->refs);
	refcount_inc(&kept->refs);
	spin_unlock_bh(&bucket->lock);

	/* Contents may be long, and those of whoever leads on are the same. */
	follows = leader->content_len == req->content_len &&
		  !memcmp(leader->content, req->content, req->content_len) &&
		  !memcmp(leader->model, req->model, req->model_len);

	spin_lock_bh(&bucket->lock);
	follows = follows && may_follow(req, kept, own);
	if (follows)
		follow(req, kept);
	else
		WRITE_ONCE(req->kept, own);
	spin_unlock_bh(&bucket->lock);
	vexipc_request_put(leader);
	vexipc_kept_put(kept);
	if (follows) {
		vexipc_kept_put(own);
		vexipc_count(req->inst, COALESCED);
		vexipc_trace(cache_lookup, req->inst->cookie, req->correlation,
			     VEXIPC_LOOKUP_COALESCED, 0, req->content_len, 0);
	}
	goto look;
unlock:
	spin_unlock_bh(&bucket->lock);
look:
	smp_mb();	/* having entered before the look; a step to DONE is a barrier, too */
	if (vexipc_request_done(req))
		vexipc_coalesce_leave(req, READ_ONCE(req->kept), false);
	return follows;
}

/**
 * vexipc_coalesce_leave() - a request ends
 * @req: DONE, or never to be routed
 * @kept: what it has or waits for
 * @answered: by a service, for all who asked
 *
 * Does nothing the second time.
 *
 * Context: any but hard interrupts, no locks held.
 * Return: true if @req led and is answered: @kept is the caller's to fill. Nobody
 * joins any more.
 */
bool vexipc_coalesce_leave(struct vexipc_request *req, struct vexipc_kept *kept,
			   bool answered)
{
	struct vexipc_flights *bucket = bucket_of(req->inst->cache, kept);
	struct vexipc_request *next = NULL;
	bool led, followed = false;

	spin_lock_bh(&bucket->lock);
	led = kept->leader == req;
	if (led) {
		if (!answered)
			next = list_first_entry_or_null(&kept->followers,
							struct vexipc_request, node);
		kept->leader = next;
		if (!next)
			hlist_del_init(&kept->flight);
	} else {
		followed = req->follows;
	}
	if (next || followed)
		unfollow(next ?: req, kept);
	spin_unlock_bh(&bucket->lock);
	if (followed)
		vexipc_request_put(req);
	/*
	 * Not from here: many may end at once, each leading but for a moment. If it
	 * has ended meanwhile, it comes here as the leader after us.
	 */
	if (next)
		vexipc_request_route_later(next);
	return led && answered;
}

/**
 * vexipc_coalesce_serve() - the answer to all who followed
 * @leader: the caller has a reference, which is dropped: it keeps the instance
 * @kept: filled; nobody joins any more
 *
 * Context: any but hard interrupts, no locks held.
 */
void vexipc_coalesce_serve(struct vexipc_request *leader, struct vexipc_kept *kept)
{
	struct vexipc_flights *bucket = bucket_of(leader->inst->cache, kept);
	struct vexipc_request *req;

	for (;;) {
		int state = vexipc_state(0, VEXIPC_NEW);

		spin_lock_bh(&bucket->lock);
		req = list_first_entry_or_null(&kept->followers, struct vexipc_request, node);
		if (req)
			unfollow(req, kept);
		spin_unlock_bh(&bucket->lock);
		if (!req)
			break;
		/* Or its timeout, or a cancel, was first. */
		if (atomic_try_cmpxchg(&req->state, &state, vexipc_state(0, VEXIPC_DONE))) {
			req->result_flags = VEXIPC_RESULT_COALESCED;
			vexipc_kept_give(req, kept);
			vexipc_request_complete(req, state, kept->error);
		}
		vexipc_request_put(req);
	}
	vexipc_request_put(leader);
}
