// SPDX-License-Identifier: GPL-2.0-only
/*
 * The overflow queue of an instance: what found the queues of all services that
 * could have it full. Whichever capable service has room first gets it.
 *
 * What waits here is QUEUED and has no service. Who takes it away for a service
 * makes it NEW again, of the same attempt, and is then the only one to route it.
 */
#include <linux/ktime.h>

#include "admission.h"
#include "capable.h"
#include "instance.h"
#include "overflow.h"
#include "pressure.h"
#include "queue.h"
#include "registry.h"
#include "request.h"
#include "trace.h"
#include "transport.h"

/* So many are looked at for one that a service is capable of; more if it idles. */
enum { SCAN = 64, SCAN_IDLE = 4096, REFILL = 8 };

void vexipc_overflow_init(struct vexipc_overflow *of)
{
	spin_lock_init(&of->lock);
	vexipc_order_init(&of->order);
}

/**
 * vexipc_overflow_add() - put a request where any service may take it from
 * @req: NEW; the caller is the only one to route it
 *
 * Return: 0; -ENOBUFS no place; -ECANCELED the request has been completed
 * meanwhile.
 */
int vexipc_overflow_add(struct vexipc_request *req)
{
	struct vexipc_instance *inst = req->inst;
	struct vexipc_overflow *of = &inst->overflow;
	u64 now = ktime_get_ns();
	int err = 0;

	spin_lock_bh(&of->lock);
	if (!vexipc_pressure_take(req)) {
		err = -ENOBUFS;
	} else if (!vexipc_queue_move_phase(req, VEXIPC_NEW, VEXIPC_QUEUED)) {
		vexipc_pressure_give(req);
		err = -ECANCELED;
	} else {
		/* Whoever ended it since finds no service, and waits for our lock. */
		req->accepted = true;
		vexipc_order_add(&of->order, req, now, vexipc_queue_ageing_ns(inst));
		vexipc_count(inst, OVERFLOWED);
		vexipc_trace(request_queue, inst->cookie, req->correlation, U32_MAX, 0,
			     req->priority, of->order.count, req->content_len);
	}
	spin_unlock_bh(&of->lock);
	if (err == -ECANCELED)
		vexipc_pressure_eased(&inst->pressure, inst);
	return err;
}

static void unlink(struct vexipc_instance *inst, struct vexipc_request *req)
{
	struct vexipc_overflow *of = &inst->overflow;

	lockdep_assert_held(&of->lock);
	/* A look that met it after another's step has taken it off already. */
	if (list_empty(&req->node))
		return;
	vexipc_order_remove(&of->order, req);
	vexipc_pressure_give(req);
	vexipc_trace(request_unqueue, inst->cookie, req->correlation, U32_MAX, 0,
		     req->priority, of->order.count, req->content_len);
}

/**
 * vexipc_overflow_leave() - off the queue, by the winner of that step
 * @req: was QUEUED, with no service
 */
void vexipc_overflow_leave(struct vexipc_request *req)
{
	struct vexipc_instance *inst = req->inst;

	spin_lock_bh(&inst->overflow.lock);
	unlink(inst, req);
	spin_unlock_bh(&inst->overflow.lock);
	vexipc_pressure_eased(&inst->pressure, inst);
}

/* Has the service room for it, and can it do it? */
static bool takes(const struct vexipc_service *svc, const struct vexipc_request *req)
{
	if (req->pin && req->pin != svc->handle)
		return false;
	return !vexipc_queue_full_for(svc, req) && vexipc_capable_of(svc, req) &&
	       vexipc_transport_fits(svc, req->content_len + req->model_len);
}

/* The first in order that the service may have; if that is another's, the oldest. */
static struct vexipc_request *find(struct vexipc_service *svc)
{
	struct vexipc_overflow *of = &svc->inst->overflow;
	u32 budget = READ_ONCE(svc->queued) ? SCAN : SCAN_IDLE;
	struct vexipc_request *req;

	req = vexipc_order_first(&of->order, ktime_get_ns(), vexipc_queue_ageing_ns(svc->inst));
	if (!req || takes(svc, req))
		return req;
	for (int band = VEXIPC_BAND_CRITICAL; band >= 0; band--) {
		list_for_each_entry(req, &of->order.band[band].by_age, node) {
			if (takes(svc, req))
				return req;
			if (!--budget)
				return NULL;
		}
	}
	return NULL;
}

static struct vexipc_request *take(struct vexipc_service *svc)
{
	struct vexipc_instance *inst = svc->inst;
	struct vexipc_overflow *of = &inst->overflow;
	struct vexipc_request *req;

	spin_lock_bh(&of->lock);
	while ((req = find(svc))) {
		/*
		 * Before the step: once NEW, another's completion may put, and be read by
		 * what is in the place of @by_deadline.
		 */
		refcount_inc(&req->refs);
		if (vexipc_state_phase(atomic_read(&req->state)) == VEXIPC_QUEUED)
			vexipc_order_charge(&of->order, req);
		unlink(inst, req);
		if (vexipc_queue_move_phase(req, VEXIPC_QUEUED, VEXIPC_NEW))
			break;
		refcount_dec(&req->refs);
	}
	spin_unlock_bh(&of->lock);
	return req;
}

/* On the service's queue; or, if it has gone or filled up meanwhile, elsewhere. */
static bool hand_over(struct vexipc_service *svc, struct vexipc_request *req)
{
	bool limited = unlikely(READ_ONCE(req->inst->admission.services));
	struct vexipc_toll toll;
	int err;

	if (!vexipc_request_tried(req, svc->slot) && req->tried_count < VEXIPC_MAX_TRIED)
		req->tried[req->tried_count++] = svc->slot;
	/* It was accepted: it takes what it takes, and those that come wait for it. */
	if (limited)
		vexipc_admission_serve(svc, req, &toll);
	err = vexipc_queue_add(svc, req);
	if (limited && err)
		vexipc_admission_unserve(svc, &toll);
	if (err == -EBUSY)
		err = vexipc_overflow_add(req);
	if (err && err != -ECANCELED)
		vexipc_request_reroute(req, NULL);
	vexipc_request_put(req);
	return !err;
}

/**
 * vexipc_overflow_refill() - give a service that has room what it may have
 * @svc: which; is told
 *
 * Context: any but hard interrupts; no locks held.
 */
void vexipc_overflow_refill(struct vexipc_service *svc)
{
	struct vexipc_request *req;
	bool more = false;

	if (!vexipc_service_available(svc) || !vexipc_service_admitted(svc))
		return;
	for (u32 i = 0; i < REFILL && (req = take(svc)); i++)
		more |= hand_over(svc, req);
	if (more)
		svc->transport->kick(svc);
	vexipc_pressure_eased(&svc->inst->pressure, svc->inst);
}

/**
 * vexipc_overflow_rehome() - a service has gone: is there another for each?
 * @inst: whose
 *
 * Those that no service can do any more are ended.
 *
 * Context: no locks held.
 */
void vexipc_overflow_rehome(struct vexipc_instance *inst)
{
	struct vexipc_overflow *of = &inst->overflow;
	struct vexipc_request *req;
	u64 now = ktime_get_ns();
	LIST_HEAD(list);

	spin_lock_bh(&of->lock);
	while ((req = vexipc_order_first(&of->order, now, 0))) {
		refcount_inc(&req->refs);	/* as in take() */
		unlink(inst, req);
		if (vexipc_queue_move_phase(req, VEXIPC_QUEUED, VEXIPC_NEW))
			list_add_tail(&req->node, &list);
		else
			refcount_dec(&req->refs);
	}
	spin_unlock_bh(&of->lock);
	vexipc_request_reroute_all(&list, NULL);
	/* Those that are ended were in no queue any more, and tell nobody. */
	vexipc_pressure_eased(&inst->pressure, inst);
}

/**
 * vexipc_overflow_shed() - end the newest of a band
 * @inst: whose
 * @band: which, below critical
 *
 * Context: no locks held.
 * Return: whether there was one.
 */
bool vexipc_overflow_shed(struct vexipc_instance *inst, u32 band)
{
	struct vexipc_overflow *of = &inst->overflow;
	struct vexipc_request *req;
	u32 attempt = 0;

	if (!READ_ONCE(of->order.band[band].count))
		return false;
	spin_lock_bh(&of->lock);
	while ((req = vexipc_order_newest(&of->order, band))) {
		bool won = vexipc_queue_move_phase(req, VEXIPC_QUEUED, VEXIPC_DONE);

		attempt = vexipc_state_attempt(atomic_read(&req->state));
		unlink(inst, req);
		if (won)
			break;
	}
	spin_unlock_bh(&of->lock);
	if (!req)
		return false;
	vexipc_request_complete(req, vexipc_state(attempt, VEXIPC_QUEUED), VEXIPC_ERR_SHED);
	return true;
}
