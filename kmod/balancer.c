// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which service gets a request: of the capable ones those that are eligible
 * now, and of them the one that the algorithm chooses.
 *
 * Of up to 64 capable services all are looked at, of more one in each eighth
 * of them, so that choosing does not cost more where there are many.
 */
#include <linux/errno.h>
#include <linux/jhash.h>
#include <linux/ktime.h>
#include <linux/percpu.h>
#include <linux/random.h>

#include "admission.h"
#include "alert.h"
#include "algorithm.h"
#include "balancer.h"
#include "instance.h"
#include "pick.h"
#include "policy.h"
#include "registry.h"
#include "request.h"
#include "transport.h"

enum { SAMPLE = 8, RING_PROBES = 21 };

/* Used with bottom halves off. */
static DEFINE_PER_CPU(struct vexipc_pick, picks);

/* May this capable service have it? */
static bool eligible(struct vexipc_service *svc, struct vexipc_pick *pick)
{
	struct vexipc_request *req = pick->req;

	if (!vexipc_transport_fits(svc, req->content_len + req->model_len)) {
		pick->too_large = true;
		return false;
	}
	pick->capable = true;
	if (!vexipc_service_available(svc) ||
	    (!pick->last_choice && vexipc_service_degraded(svc)) ||
	    (!pick->tried_too && vexipc_request_tried(req, svc->slot)))
		return false;
	pick->seen++;
	if (!vexipc_service_admitted(svc)) {
		pick->open++;
		if (!pick->panic || READ_ONCE(svc->breaker.held))
			return false;
	}
	if (unlikely(pick->limits)) {
		u64 wait = vexipc_admission_wait(&svc->buckets, &pick->toll, pick->now_ns);

		if (wait) {
			pick->limited++;
			pick->wait_ns = min(pick->wait_ns, wait);
			return false;
		}
	}
	return (!pick->with_room && likely(!req->hedged)) ||
	       vexipc_service_in_hand(svc) < vexipc_service_limit(svc);
}

/* The service at a place of the set, if it may have the request. */
static struct vexipc_service *eligible_at(struct vexipc_pick *pick,
					  const struct vexipc_capable *set, u32 at)
{
	struct vexipc_service *svc = rcu_dereference(set->service[at]);

	/* Sets are made for what is asked, but for two: all, and some of batches. */
	if (!svc || ((set->all || set->batch) && !vexipc_capable_of(svc, pick->req)) ||
	    !eligible(svc, pick))
		return NULL;
	return svc;
}

static bool gather_at(struct vexipc_pick *pick, const struct vexipc_capable *set, u32 at)
{
	struct vexipc_service *svc = eligible_at(pick, set, at);

	if (!svc)
		return false;
	if (!pick->count)
		pick->first = at;
	pick->service[pick->count++] = svc;
	return true;
}

static void gather_begin(struct vexipc_pick *pick)
{
	pick->count = 0;
	pick->seen = 0;
	pick->open = 0;
}

/* Up to @most of the part @from to @to, in turn, beginning at @start. */
static void gather_turn(struct vexipc_pick *pick, const struct vexipc_capable *set,
			u32 from, u32 to, u32 start, u32 most)
{
	if (start < from || start >= to)
		start = from;
	for (u32 at = start; at < to && pick->count < most; at++)
		gather_at(pick, set, at);
	for (u32 at = from; at < start && pick->count < most; at++)
		gather_at(pick, set, at);
}

/* Which of many are looked at is no secret: an xorshift will do. */
static u64 draw(struct vexipc_pick *pick)
{
	u64 n = pick->random ?: get_random_u64() | 1;

	n ^= n << 13;
	n ^= n >> 7;
	n ^= n << 17;
	pick->random = n;
	return n;
}

/* All of a part, or a sample of a large one. */
static void gather_part(struct vexipc_pick *pick, const struct vexipc_capable *set,
			u32 from, u32 to)
{
	u32 n = to - from;
	u64 random;

	if (n <= VEXIPC_MAX_CANDIDATES) {
		gather_turn(pick, set, from, to, (u32)atomic_read(&set->next), n);
		return;
	}
	random = draw(pick);
	for (u32 i = 0; i < SAMPLE; i++) {
		u32 begin = from + i * n / SAMPLE, end = from + (i + 1) * n / SAMPLE;

		gather_at(pick, set, begin + (((u32)(random & 0xff) * (end - begin)) >> 8));
		random >>= 8;
	}
	/* Most are out: any that is not will do. */
	if (!pick->count)
		gather_turn(pick, set, from, to, from + get_random_u32_below(n), 1);
}

/* The highest tier that has one with room; if none has, the highest. */
static void gather_tier(struct vexipc_pick *pick, const struct vexipc_capable *set)
{
	for (u32 full = 0; full < 2 && !pick->count; full++) {
		pick->with_room = !full;
		for (u32 from = 0; from < set->count && !pick->count;
		     from = set->tier_end[from])
			gather_part(pick, set, from, set->tier_end[from]);
	}
	pick->with_room = false;
}

/* What keeps requests together: their session, or what they say. */
static u32 affinity(const struct vexipc_request *req)
{
	return req->session ? jhash_2words(req->session, req->session >> 32, 0) :
	       jhash(req->content, req->content_len, 0);
}

/*
 * Multi-probe consistent hashing: each service is on the ring once; of some
 * places that the hash leads to, the one with a service closest behind it counts.
 * When a service goes, only what went to it goes elsewhere.
 */
static void gather_ring(struct vexipc_pick *pick, const struct vexipc_capable *set, u32 hash,
			bool any)
{
	u32 best = set->count, closest = U32_MAX;

	for (u32 i = 0; i < RING_PROBES; i++) {
		u32 place = jhash_1word(i, hash);
		u32 first = vexipc_ring_next(set, place), at = first;

		/* First as if all were eligible, which is nearly always true. */
		while (!any && !eligible_at(pick, set, set->ring[at].at)) {
			at = at + 1 < set->count ? at + 1 : 0;
			if (at == first)
				return;
		}
		if (best == set->count || set->ring[at].hash - place < closest) {
			closest = set->ring[at].hash - place;
			best = at;
		}
	}
	gather_at(pick, set, set->ring[best].at);
}

static void gather(struct vexipc_pick *pick, const struct vexipc_capable *set,
		   enum vexipc_gather how)
{
	gather_begin(pick);
	if (!set->count)
		return;
	switch (how) {
	case VEXIPC_GATHER_TURN:
		gather_turn(pick, set, 0, set->count, (u32)atomic_read(&set->next), 1);
		break;
	case VEXIPC_GATHER_TIER:
		gather_tier(pick, set);
		break;
	case VEXIPC_GATHER_RING:
		/* The set of all has no ring: short of memory, no affinity. */
		if (!set->all) {
			u32 hash = affinity(pick->req);

			gather_ring(pick, set, hash, true);
			if (!pick->count)
				gather_ring(pick, set, hash, false);
			break;
		}
		fallthrough;
	case VEXIPC_GATHER_ALL:
		gather_part(pick, set, 0, set->count);
	}
}

/*
 * So many are kept out that the fault is hardly theirs, or the rest could not
 * bear it. A request that only looks for another one can come back.
 */
static bool panics(struct vexipc_instance *inst, struct vexipc_pick *pick,
		   const struct vexipc_capable *set, enum vexipc_gather how)
{
	u32 percent = vexipc_config(inst, VEXIPC_CONFIG_BREAKER_PANIC_PERCENT);

	if (!percent || (!pick->tried_too && pick->req->tried_count))
		return false;
	/* A lower tier is there for this. */
	if (how == VEXIPC_GATHER_TIER)
		return !pick->count;
	/* Not only those that were met on the way to the one. */
	if (how != VEXIPC_GATHER_ALL)
		gather(pick, set, VEXIPC_GATHER_ALL);
	return (pick->seen - pick->open) * 100 < percent * pick->seen;
}

/* The same; where breakers keep too many out, as if they did not. */
static void gather_fit(struct vexipc_instance *inst, struct vexipc_pick *pick,
		       struct vexipc_capable *set, enum vexipc_gather how)
{
	gather(pick, set, how);
	if (likely(!pick->open))
		return;
	pick->panic = panics(inst, pick, set, how);
	if (pick->panic || how != VEXIPC_GATHER_ALL)
		gather(pick, set, how);
}

static struct vexipc_service *choose(struct vexipc_instance *inst, struct vexipc_pick *pick,
				     struct vexipc_capable *set)
{
	u32 algorithm = pick->req->algorithm ?: vexipc_config(inst, VEXIPC_CONFIG_ALGORITHM);
	const struct vexipc_algorithm_ops *ops = vexipc_algorithm(algorithm);
	u32 at = 0;

	if (vexipc_policy_in_use(inst, pick->req)) {
		gather_fit(inst, pick, set, VEXIPC_GATHER_ALL);
		if (pick->count) {
			int index = vexipc_policy_select(inst, pick);

			if (index >= 0)
				return pick->service[index];
		}
		pick->panic = false;
	}
	gather_fit(inst, pick, set, ops->gather);
	if (!pick->count)
		return NULL;
	if (ops->choose && pick->count > 1)
		at = ops->choose(pick);
	/* A retry takes nobody's turn, or all first tries went to one. */
	if (!pick->req->tried_count)
		atomic_set(&set->next, pick->first + 1);
	return pick->service[at];
}

static struct vexipc_service *from_set(struct vexipc_instance *inst, struct vexipc_pick *pick)
{
	struct vexipc_capable *set = vexipc_capable_set(rcu_dereference(inst->services),
							pick->req);
	struct vexipc_service *svc = choose(inst, pick, set);

	/* A hedge is for those that are well. */
	if (svc || !pick->capable || pick->req->hedged)
		return svc;
	pick->last_choice = true;
	return choose(inst, pick, set);
}

/* @gone: the service that it is for is not there any more. */
static struct vexipc_service *pinned(struct vexipc_instance *inst, struct vexipc_pick *pick,
				     bool *gone)
{
	struct vexipc_request *req = pick->req;
	struct vexipc_service *svc = vexipc_registry_by_handle(inst, req->pin);
	bool may;

	if (!svc) {
		*gone = true;
		return NULL;
	}
	/* There is no other: its breaker counts for nothing, unless it is held. */
	pick->last_choice = true;
	pick->panic = true;
	if (req->type == VEXIPC_MSG_HEALTH_CHECK)
		may = svc->features & VEXIPC_FEATURE_HEALTH && !READ_ONCE(svc->gone);
	else
		may = vexipc_capable_of(svc, req) && eligible(svc, pick);
	if (may)
		return svc;
	vexipc_service_put(svc);
	return NULL;
}

/*
 * The service that the request's session is at, if it is fit. @stays: it is, but
 * this request has been there and looks for another.
 */
static struct vexipc_service *of_session(struct vexipc_instance *inst,
					 struct vexipc_pick *pick, u64 handle, bool *stays)
{
	struct vexipc_service *svc = vexipc_registry_by_handle(inst, handle);
	bool tried_too = pick->tried_too;
	u32 limited = pick->limited;
	bool fit;

	if (!svc)
		return NULL;
	pick->tried_too = true;
	fit = vexipc_capable_of(svc, pick->req) && eligible(svc, pick);
	pick->tried_too = tried_too;
	if (fit && (tried_too || !vexipc_request_tried(pick->req, svc->slot)))
		return svc;
	/* That it has had its share for now does not move a session. */
	*stays = fit || pick->limited != limited;
	vexipc_service_put(svc);
	return NULL;
}

static struct vexipc_service *balanced(struct vexipc_instance *inst, struct vexipc_pick *pick)
{
	struct vexipc_request *req = pick->req;
	/* Its session stays where it is when a request is asked elsewhere, too. */
	bool sticky = req->session && !req->hedged &&
		      vexipc_config(inst, VEXIPC_CONFIG_STICKY_TIMEOUT_SEC);
	u64 at = sticky ? vexipc_sticky_find(inst, req) : 0;
	bool stays = false;
	struct vexipc_service *svc = at ? of_session(inst, pick, at, &stays) : NULL;

	/* One that is about to go has no references to give: again. */
	while (!svc) {
		svc = from_set(inst, pick);
		if (!svc)
			return NULL;
		if (!kref_get_unless_zero(&svc->refs))
			svc = NULL;
	}
	if (sticky && !stays)
		vexipc_sticky_put(inst, req, at, svc->handle);
	return svc;
}

/**
 * vexipc_balancer_pick() - choose a service for a request
 * @req: NEW
 * @tried_too: also one that has had it before
 * @why: when there is none: -EMSGSIZE every capable one is reached by a way too
 *	 narrow, -EHOSTDOWN breakers keep out all there are, -ENODEV none is capable
 *	 and available, -ENOENT the pinned one is gone, -EDQUOT all that could
 *	 have had as much as they may, for as long as @req->retry_after_ms tells
 *
 * Return: the service with a reference, or NULL.
 */
struct vexipc_service *vexipc_balancer_pick(struct vexipc_request *req,
					    bool tried_too, int *why)
{
	struct vexipc_instance *inst = req->inst;
	struct vexipc_service *svc;
	struct vexipc_pick *pick;
	bool gone = false;
	u64 wait_ns;

	local_bh_disable();
	rcu_read_lock();
	pick = this_cpu_ptr(&picks);
	memset(pick, 0, offsetof(struct vexipc_pick, service));
	pick->req = req;
	pick->tried_too = tried_too;
	/* What was accepted before is not refused. */
	if (unlikely(READ_ONCE(inst->admission.services)) && !req->accepted) {
		pick->limits = true;
		pick->wait_ns = U64_MAX;
		pick->now_ns = ktime_get_ns();
		vexipc_admission_toll(inst, VEXIPC_SCOPE_SERVICE, req, &pick->toll);
	}
	svc = req->pin ? pinned(inst, pick, &gone) : balanced(inst, pick);
	*why = gone ? -ENOENT :
	       pick->too_large && !pick->capable ? -EMSGSIZE :
	       pick->limited ? -EDQUOT :
	       pick->open ? -EHOSTDOWN : -ENODEV;
	wait_ns = pick->wait_ns;
	rcu_read_unlock();
	local_bh_enable();

	if (!svc && *why == -EDQUOT)
		vexipc_admission_retry_after(req, wait_ns);
	if (!svc && *why == -ENODEV && !req->pin && !req->tried_count)
		vexipc_alert(inst, VEXIPC_ALERT_NO_CAPABLE_SERVICE, NULL, req->dimensions,
			     "no capable service is available");
	return svc;
}
