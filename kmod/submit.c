// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a request begins: whether it may, where it goes, and that there is one
 * completion or none. request.h tells which steps there are and who wins them.
 */
#include <linux/bitmap.h>
#include <linux/ktime.h>

#include "admission.h"
#include "alert.h"
#include "balancer.h"
#include "cache.h"
#include "error.h"
#include "instance.h"
#include "overflow.h"
#include "pressure.h"
#include "queue.h"
#include "registry.h"
#include "request.h"
#include "trace.h"
#include "transport.h"

enum { ROUTE_TRIES = 64 };

static void refill_if_room(struct vexipc_service *svc, const struct vexipc_request *req)
{
	if (!READ_ONCE(svc->queued) || !vexipc_queue_full_for(svc, req))
		vexipc_overflow_refill(svc);
}

/*
 * Every queue that it could go to is full: whoever has room first gets it. @full is
 * the last that was found so, those before it are among the ones tried from @first on.
 */
static int overflow(struct vexipc_request *req, struct vexipc_service *full, u8 first)
{
	struct vexipc_instance *inst = req->inst;
	u16 slots[VEXIPC_MAX_TRIED];
	u8 count = req->tried_count;
	int err;

	/* Who takes it from there adds to them. */
	memcpy(slots, req->tried, sizeof(slots));
	req->tried_count = first;
	/* That the others have had their share is not why it waits. */
	if (!req->accepted)
		req->retry_after_ms = 0;
	do
		err = vexipc_overflow_add(req);
	while (err == -ENOBUFS && vexipc_pressure_make_room(req));
	if (err)
		return err;
	/* Who makes room looks for what overflowed after that, so one of us sees. */
	smp_mb();
	refill_if_room(full, req);
	for (; first < count && vexipc_overflow_waits(&inst->overflow); first++) {
		struct vexipc_service *svc = vexipc_registry_at(inst, slots[first]);

		if (!svc)
			continue;
		refill_if_room(svc, req);
		vexipc_service_put(svc);
	}
	return 0;
}

/**
 * vexipc_request_route() - find a service for a request and queue it there
 * @req: NEW; the caller has a reference, and alone routes it
 * @tried_too: also one that has had it
 * @plug: NULL, or takes the service that is not told yet
 *
 * Context: no locks held.
 * Return: 0, also when it was completed meanwhile; else a negative errno, and it is
 * still NEW unless somebody has completed it.
 */
int vexipc_request_route(struct vexipc_request *req, bool tried_too, struct vexipc_plug *plug)
{
	struct vexipc_service *full = NULL;
	struct vexipc_toll toll;
	u8 tried = req->tried_count;
	int i, err = -ENODEV;
	bool limited;

	for (i = 0; i < ROUTE_TRIES; i++) {
		struct vexipc_service *svc = vexipc_balancer_pick(req, tried_too && !full, &err);

		if (!svc)
			break;
		limited = unlikely(READ_ONCE(req->inst->admission.services)) &&
			  !vexipc_request_is_probe(req);
		if (limited && !vexipc_admission_serve(svc, req, &toll)) {
			/* Another took the last of it: look again. */
			vexipc_service_put(svc);
			err = -EDQUOT;
			continue;
		}
		if (req->tried_count < VEXIPC_MAX_TRIED)
			req->tried[req->tried_count++] = svc->slot;
		err = vexipc_queue_add(svc, req);
		while (unlikely(err == -ENOBUFS) && vexipc_pressure_make_room(req))
			err = vexipc_queue_add(svc, req);
		if (!err && plug)
			__set_bit(svc->slot, plug->slots);
		else if (!err)
			svc->transport->kick(svc);
		else if (limited)
			vexipc_admission_unserve(svc, &toll);
		if (unlikely(err == -EBUSY)) {
			/* Another may have room; those that were full were not tried. */
			if (full)
				vexipc_service_put(full);
			full = svc;
			if (req->pin || req->tried_count == VEXIPC_MAX_TRIED)
				break;
			continue;
		}
		vexipc_service_put(svc);
		if (err != -ENODEV)
			break;
	}
	if (i == ROUTE_TRIES && err == -EDQUOT)
		vexipc_admission_retry_after(req, 0);
	if (unlikely(full)) {
		if (err && err != -ECANCELED && err != -ENOBUFS)
			err = overflow(req, full, tried);
		vexipc_service_put(full);
	}
	if (err == -ENOBUFS)
		vexipc_alert(req->inst, VEXIPC_ALERT_QUEUE_FULL, NULL,
			     vexipc_config(req->inst, VEXIPC_CONFIG_MAX_QUEUE_SIZE),
			     "the queues are full: max_queue_size");
	return err == -ECANCELED ? 0 : err;
}

static int admit(struct vexipc_request *req)
{
	struct vexipc_instance *inst = req->inst;
	int err;

	if (READ_ONCE(inst->closing))
		return -ESHUTDOWN;
	if (vexipc_request_is_probe(req))
		return 0;
	err = vexipc_pressure_admit(req) ?: vexipc_admission_hold(req);
	if (err)
		return err;
	if (atomic_inc_return(&inst->live) >
	    vexipc_config(inst, VEXIPC_CONFIG_MAX_CONCURRENT_REQUESTS)) {
		atomic_dec(&inst->live);
		vexipc_pressure_retry_after(req, -EUSERS);
		return -EUSERS;
	}
	return 0;
}

/*
 * The first route of a request; who may wait comes back until there is room, but not
 * with a plug: there may be room when the services have been told of what is in it.
 */
static int route_new(struct vexipc_request *req, struct vexipc_plug *plug)
{
	struct vexipc_instance *inst = req->inst;
	int err = vexipc_request_route(req, false, plug);

	if (likely(err != -ENOBUFS) || !req->may_wait || plug)
		return err;
	do {
		err = vexipc_pressure_wait(req);
		if (err)
			return err == -ECANCELED ? 0 : err;
		req->tried_count = 0;
		err = vexipc_request_route(req, false, NULL);
	} while (err == -ENOBUFS);
	/* Of several places at once only one is told of: the next one is for the next. */
	vexipc_pressure_eased(&inst->pressure, inst);
	return err;
}

static int refuse(struct vexipc_request *req, const struct vexipc_plug *plug, int err)
{
	enum vexipc_error error = vexipc_error_from_errno(err);

	req->status = error;
	if (plug) {
		/* Its client waits for what it has under way, and hands it in again. */
		if (vexipc_request_no_room(err))
			return err;
		vexipc_count(req->inst, SUBMITTED);
	}
	if (!vexipc_request_is_probe(req)) {
		vexipc_count(req->inst, REFUSED);
		this_cpu_inc(req->inst->stats->refused_by[error]);
		if (err == -ENOBUFS || err == -EAGAIN || err == -EXFULL)
			vexipc_pressure_retry_after(req, err);
	}
	vexipc_trace(request_refuse, req->inst->cookie, req->request_id,
		     from_kuid(&init_user_ns, req->uid), error, req->content_len,
		     req->priority);
	return err;
}

/* May it have another's answer, and others its? Batches are asked as they are. */
static bool may_share(const struct vexipc_request *req)
{
	const struct vexipc_instance *inst = req->inst;

	return (vexipc_config(inst, VEXIPC_CONFIG_CACHE_ENABLED) |
		vexipc_config(inst, VEXIPC_CONFIG_COALESCE)) &&
	       req->type == VEXIPC_MSG_EMBED_REQUEST &&
	       !(req->flags & VEXIPC_EMBED_NO_CACHE);
}

/*
 * Admitted: route it. 0, and there is one completion; else there will be none, and
 * nothing of it is left behind.
 */
static int hand_in(struct vexipc_request *req, struct vexipc_plug *plug)
{
	struct vexipc_instance *inst = req->inst;
	int state = vexipc_state(0, VEXIPC_NEW);
	int err;

	err = vexipc_slots_take(&inst->slots, req);
	if (err)
		return err;
	if (!req->request_id)
		req->request_id = req->correlation;
	if (!req->client_correlation)
		req->client_correlation = req->request_id;

	vexipc_trace(request_submit, inst->cookie, req->correlation, req->request_id,
		     from_kuid(&init_user_ns, req->uid), req->type, req->content_len,
		     req->dimensions, req->data_type, req->priority, req->session,
		     req->count);
	/* The live request's reference; complete() gets it. */
	refcount_inc(&req->refs);
	vexipc_slots_publish(&inst->slots, req);
	err = vexipc_endpoint_add(req->ep, req);
	if (!err) {
		err = may_share(req) && vexipc_cache_enter(req) ? 0 : route_new(req, plug);
		if (!err) {
			if (!vexipc_request_is_probe(req))
				vexipc_count_add(inst, BYTES_IN, req->content_len);
			if (req->complete != vexipc_request_wake && !plug &&
			    !vexipc_request_done(req))
				vexipc_request_arm(req);
			return 0;
		}
	}

	/* It could be found by now: a cancel may have been first. */
	if (!atomic_try_cmpxchg(&req->state, &state, vexipc_state(0, VEXIPC_DONE)))
		return 0;
	if (err == -EDQUOT)
		vexipc_admission_refused(req, VEXIPC_SCOPE_SERVICE);
	if (req->kept)
		vexipc_cache_leave(req, vexipc_error_from_errno(err));
	vexipc_endpoint_remove(req->ep, req);
	vexipc_slots_release(&inst->slots, req);
	vexipc_request_put(req);
	return err;
}

/* The same where rates are limited: who is refused has taken nothing of them. */
static noinline int hand_in_limited(struct vexipc_request *req, struct vexipc_plug *plug)
{
	struct vexipc_charge charge = {};
	int err = vexipc_admission_enter(req, &charge);

	if (!err)
		err = hand_in(req, plug);
	vexipc_admission_end(&charge, err);
	return err;
}

/**
 * vexipc_request_submit() - hand a request in
 * @req: filled in; deadline_ns 0 means request_timeout_ms from now. complete
 *	 is called exactly once if and only if this returns 0, maybe before it
 *	 returns.
 *
 * Unless complete is vexipc_request_wake, whose client keeps the time itself
 * in vexipc_request_wait(), a timer ends the request at its deadline.
 *
 * Context: may sleep.
 * Return: 0, and the request is completed exactly once; or a negative errno of
 * the error table, and it never is: -ESHUTDOWN, -EUSERS, -ENOMEM, -EEXIST
 * request_id in use, -ENOENT the pinned service is gone, -ENODEV no capable
 * service, -EHOSTDOWN their breakers are open, -EMSGSIZE too large for all that
 * are, -ENOBUFS queue full, -EAGAIN come back when vexipc_pressure_writable(),
 * -EXFULL shed, -EDQUOT a rate limit: retry_after_ms says until when, and for one
 * that may wait for room -ETIMEDOUT, -EINTR.
 */
int vexipc_request_submit(struct vexipc_request *req)
{
	return vexipc_request_submit_plugged(req, NULL);
}

/**
 * vexipc_request_submit_plugged() - the same, but the service is not told yet
 * @req: see there; without @plug it is the same
 * @plug: vexipc_request_unplug() tells its services; until then the caller must
 *	  not wait. The caller keeps the time, too, and comes again when there was
 *	  vexipc_request_no_room(), which does not count as a refusal.
 *
 * Context: may sleep.
 * Return: see there.
 */
int vexipc_request_submit_plugged(struct vexipc_request *req, struct vexipc_plug *plug)
{
	struct vexipc_instance *inst = req->inst;
	int err;

	req->submitted_ns = ktime_get_ns();
	if (!req->deadline_ns)
		req->deadline_ns = req->submitted_ns + NSEC_PER_MSEC *
			vexipc_config(inst, VEXIPC_CONFIG_REQUEST_TIMEOUT_MS);
	if (vexipc_request_is_probe(req)) {
		vexipc_count(inst, PROBES);
	} else {
		if (!plug)
			vexipc_count(inst, SUBMITTED);
		if (req->type == VEXIPC_MSG_BATCH_REQUEST) {
			vexipc_count(inst, BATCHES);
			vexipc_count_add(inst, BATCH_ITEMS, req->count);
		}
	}

	err = admit(req);
	if (err)
		return refuse(req, plug, err);
	if (likely(vexipc_request_is_probe(req) || !vexipc_admission_on(inst)))
		err = hand_in(req, plug);
	else
		err = hand_in_limited(req, plug);
	if (!err) {
		if (plug)
			vexipc_count(inst, SUBMITTED);
		return 0;
	}
	if (!vexipc_request_is_probe(req))
		atomic_dec(&inst->live);
	return refuse(req, plug, err);
}

/**
 * vexipc_request_unplug() - tell the services what they were given
 * @inst: whose requests these were
 * @plug: empty afterwards
 */
void vexipc_request_unplug(struct vexipc_instance *inst, struct vexipc_plug *plug)
{
	u32 slot;

	for_each_set_bit(slot, plug->slots, VEXIPC_MAX_SERVICES) {
		/* If it is another by now, it looks at its queue in vain. */
		struct vexipc_service *svc = vexipc_registry_at(inst, slot);

		__clear_bit(slot, plug->slots);
		if (!svc)
			continue;
		svc->transport->kick(svc);
		vexipc_service_put(svc);
	}
}
