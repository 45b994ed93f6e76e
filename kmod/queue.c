// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue of each service: bounded over the instance, in the order of order.c.
 *
 * Everything here is under the service's lock; see request.h for who wins what.
 * A request whose state some other path has already moved is passed over or taken
 * off: that path is about to take the lock, and finds it in no list if it is.
 */
#include <linux/ktime.h>
#include <linux/spinlock.h>

#include "carrier.h"
#include "endpoint.h"
#include "hedge.h"
#include "instance.h"
#include "overflow.h"
#include "policy.h"
#include "pressure.h"
#include "queue.h"
#include "registry.h"
#include "request.h"
#include "trace.h"
#include "transport.h"

/**
 * vexipc_queue_move_phase() - one step of a request, within its attempt
 * @req: which
 * @from: where it has to be
 * @to: where it is then
 *
 * Return: whether the caller made it, and so has won it.
 */
bool vexipc_queue_move_phase(struct vexipc_request *req, enum vexipc_phase from,
			     enum vexipc_phase to)
{
	int state = atomic_read(&req->state);
	u32 attempt = vexipc_state_attempt(state);

	return vexipc_state_phase(state) == from &&
	       atomic_try_cmpxchg(&req->state, &state, vexipc_state(attempt, to));
}

static u32 message_len(const struct vexipc_request *req)
{
	u32 body;

	switch (req->type) {
	case VEXIPC_MSG_EMBED_REQUEST:
		body = sizeof(struct vexipc_embed_request_body);
		break;
	case VEXIPC_MSG_BATCH_REQUEST:
		body = sizeof(struct vexipc_batch_request_body);
		break;
	default:
		body = sizeof(struct vexipc_health_check_body);
	}
	return sizeof(struct vexipc_msg_header) + body + req->model_len + req->content_len;
}

/* vexipc_queue_ageing_ns() - after so long what waits rises a band; 0: never. */
u64 vexipc_queue_ageing_ns(const struct vexipc_instance *inst)
{
	return (u64)vexipc_config(inst, VEXIPC_CONFIG_QUEUE_AGEING_MS) * NSEC_PER_MSEC;
}

/**
 * vexipc_queue_full_for() - has a service's queue no room for this request?
 * @svc: which; without its lock the answer may be a moment old
 * @req: what is of a lower band does not keep it out
 */
bool vexipc_queue_full_for(const struct vexipc_service *svc, const struct vexipc_request *req)
{
	u32 limit = vexipc_config(svc->inst, VEXIPC_CONFIG_MAX_SERVICE_QUEUE);
	u32 count = 0;

	if (likely(READ_ONCE(svc->queued) < limit))
		return false;
	for (u32 band = vexipc_band_of(req->priority); band < VEXIPC_BANDS; band++)
		count += READ_ONCE(svc->queue.band[band].count);
	return count >= limit;
}

/**
 * vexipc_queue_add() - put a request in state NEW on a service's queue
 * @svc: where to; probes go in front
 * @req: the caller holds a reference, and is the only one to route it
 *
 * The caller then calls the transport's kick().
 *
 * Return: 0; -ENODEV the service takes nothing new; -EBUSY its queue is full;
 * -ENOBUFS all are; -ECANCELED the request has been completed meanwhile.
 */
int vexipc_queue_add(struct vexipc_service *svc, struct vexipc_request *req)
{
	bool probe = vexipc_request_is_probe(req);
	int err = 0;

	spin_lock_bh(&svc->lock);
	if (svc->gone || ((svc->draining || svc->failed) && !probe)) {
		err = -ENODEV;
		goto unlock;
	}
	if (!probe && vexipc_queue_full_for(svc, req)) {
		err = -EBUSY;
		goto unlock;
	}
	if (!probe && !vexipc_pressure_take(req)) {
		err = -ENOBUFS;
		goto unlock;
	}

	/*
	 * From the cmpxchg on, whoever completes the request takes svc->lock
	 * to take it off the list: it must find svc set, and waits for us.
	 */
	vexipc_service_get(svc);
	WRITE_ONCE(req->svc, svc);
	if (!vexipc_queue_move_phase(req, VEXIPC_NEW, VEXIPC_QUEUED)) {
		WRITE_ONCE(req->svc, NULL);
		if (!probe)
			vexipc_pressure_give(req);
		vexipc_service_put(svc);
		err = -ECANCELED;
		goto unlock;
	}
	if (probe) {
		vexipc_order_add_front(&svc->queue, req);
	} else {
		/* One that comes for the first time has just been submitted. */
		vexipc_order_add(&svc->queue, req,
				 req->accepted ? ktime_get_ns() : req->submitted_ns,
				 vexipc_queue_ageing_ns(svc->inst));
		req->accepted = true;
		WRITE_ONCE(svc->queued, svc->queued + 1);
	}
	vexipc_trace(request_queue, svc->inst->cookie, req->correlation, svc->slot,
		     svc->handle, req->priority, svc->queued, req->content_len);
unlock:
	spin_unlock_bh(&svc->lock);
	if (unlikely(err == -ECANCELED))
		vexipc_pressure_eased(&svc->inst->pressure, svc->inst);
	return err;
}

/*
 * Off the queue: to be sent, for good, or until another service has it. Whoever
 * made the step finds it gone if a look at the queue met it before.
 */
static void unlink_queued(struct vexipc_service *svc, struct vexipc_request *req)
{
	lockdep_assert_held(&svc->lock);
	vexipc_order_remove(&svc->queue, req);
	if (vexipc_request_is_probe(req))
		return;
	WRITE_ONCE(svc->queued, svc->queued - 1);
	vexipc_pressure_give(req);
}

static void unlink_sent(struct vexipc_service *svc, struct vexipc_request *req)
{
	lockdep_assert_held(&svc->lock);
	list_del_init(&req->node);
	vexipc_carrier_left(req);
	if (vexipc_request_is_probe(req))
		return;
	svc->in_flight--;
	svc->in_flight_bytes -= req->content_len;
}

static void tell_unqueued(struct vexipc_service *svc, struct vexipc_request *req)
{
	vexipc_trace(request_unqueue, svc->inst->cookie, req->correlation, svc->slot,
		     svc->handle, req->priority, svc->queued, req->content_len);
}

/* Off the queue, and not to be sent by this service. */
static void unqueue(struct vexipc_service *svc, struct vexipc_request *req)
{
	if (list_empty(&req->node))
		return;
	unlink_queued(svc, req);
	tell_unqueued(svc, req);
}

/* What was sent has ended; an answer, if any, is in place. */
static void end_attempt(struct vexipc_service *svc, struct vexipc_request *req,
			u32 attempt, enum vexipc_error error, u64 service_ns)
{
	unlink_sent(svc, req);
	vexipc_trace(request_attempt, svc->inst->cookie,
		     vexipc_id_with_attempt(req->correlation, attempt), svc->slot,
		     svc->handle, error, service_ns, req->content_len,
		     req->answer_len, req->count, svc->in_flight);
}

/* May this service be sent this request now, as far as credits go? */
static bool has_credit(const struct vexipc_service *svc, const struct vexipc_request *req)
{
	if (vexipc_request_is_probe(req))
		return true;
	if (svc->in_flight >= vexipc_service_limit(svc))
		return false;
	/* What is larger than the whole buffer goes alone. */
	return !svc->in_flight ||
	       svc->in_flight_bytes + req->content_len <=
	       vexipc_config(svc->inst, VEXIPC_CONFIG_BUFFER_SIZE);
}

/* The next one that nobody has taken; those that somebody has are taken off. */
static struct vexipc_request *first(struct vexipc_service *svc, u64 now)
{
	struct vexipc_request *req;

	while ((req = vexipc_order_first(&svc->queue, now,
					 vexipc_queue_ageing_ns(svc->inst))) &&
	       vexipc_state_phase(atomic_read(&req->state)) != VEXIPC_QUEUED)
		unqueue(svc, req);
	return req;
}

/* SENT, if nobody was first; then with a reference, and in flight. */
static bool begin_attempt(struct vexipc_service *svc, struct vexipc_request *req, u64 now,
			  u32 *attempt)
{
	*attempt = vexipc_state_attempt(atomic_read(&req->state));
	/* Written before SENT is: an answer can come at once. */
	req->sent_ns = now;
	req->service_handle = svc->handle;
	/*
	 * Before SENT too, or the winner's put could be the last; and what is in the
	 * place of @by_deadline be read, for an answer may make it NEW at once.
	 */
	refcount_inc(&req->refs);
	vexipc_order_charge(&svc->queue, req);
	unlink_queued(svc, req);
	if (!vexipc_queue_move_phase(req, VEXIPC_QUEUED, VEXIPC_SENT)) {
		/* Whoever won waits for our lock with a reference. */
		tell_unqueued(svc, req);
		refcount_dec(&req->refs);
		return false;
	}
	list_add_tail(&req->node, &svc->inflight);
	if (!vexipc_request_is_probe(req)) {
		svc->in_flight++;
		svc->in_flight_bytes += req->content_len;
		svc->requests++;
		svc->bytes_in += req->content_len;
	}
	svc->send_tries = 0;
	vexipc_hedge_watch(svc);
	vexipc_trace(request_send, svc->inst->cookie,
		     vexipc_id_with_attempt(req->correlation, *attempt), svc->slot,
		     svc->handle, now - req->submitted_ns, req->content_len,
		     svc->in_flight, svc->queued, req->priority, vexipc_service_limit(svc));
	return true;
}

enum { MOST_DROPS = 8 };	/* at once */

/*
 * What is of the lowest band and has waited longest, while it waits too long. What
 * is critical, or has risen to be, is never dropped.
 */
static void control_delay(struct vexipc_service *svc, u64 now, u32 target_ms,
			  struct list_head *shed)
{
	u64 target = (u64)target_ms * NSEC_PER_MSEC;
	u64 interval = (u64)vexipc_config(svc->inst, VEXIPC_CONFIG_CODEL_INTERVAL_MS) *
		       NSEC_PER_MSEC;

	for (u32 drops = 0; drops < MOST_DROPS; drops++) {
		struct vexipc_request *req = NULL;
		u64 waited = 0;

		for (u32 band = 0; !req && band < VEXIPC_BAND_CRITICAL; band++)
			req = vexipc_order_oldest(&svc->queue, band);
		/* One may have come since the clock was read. */
		if (req)
			waited = now - min(req->submitted_ns, now);
		if (!vexipc_codel_drops(&svc->codel, waited, now, target, interval))
			return;
		if (vexipc_queue_move_phase(req, VEXIPC_QUEUED, VEXIPC_DONE)) {
			unqueue(svc, req);
			list_add_tail(&req->node, shed);
		} else {
			unqueue(svc, req);
		}
	}
}

/* Completes those that were QUEUED and are DONE by our step; no locks held. */
static void end_unsent(struct vexipc_service *svc, struct list_head *list,
		       enum vexipc_error error)
{
	struct vexipc_request *req, *next;

	list_for_each_entry_safe(req, next, list, node) {
		u32 attempt = vexipc_state_attempt(atomic_read(&req->state));

		list_del_init(&req->node);
		WRITE_ONCE(req->svc, NULL);
		vexipc_request_complete(req, vexipc_state(attempt, VEXIPC_QUEUED), error);
		vexipc_service_put(svc);
	}
}

/* Places have been given back, among all and in this queue; no locks held. */
static void make_use_of_room(struct vexipc_service *svc)
{
	vexipc_pressure_eased(&svc->inst->pressure, svc->inst);
	if (vexipc_overflow_waits(&svc->inst->overflow))
		vexipc_overflow_refill(svc);
}

/**
 * vexipc_queue_next() - take the next request that may be sent
 * @svc: whose
 * @room: bytes of message the taker has room for
 * @need: bytes the next message has, when it is more than @room
 * @attempt: which attempt of the request this is
 *
 * Expired requests, and those of a standing queue, are completed on the way, never
 * sent.
 *
 * Return: the request, now SENT, with a reference; NULL when there is none or
 * it may not be sent yet; -EMSGSIZE when @room is too small.
 */
struct vexipc_request *vexipc_queue_next(struct vexipc_service *svc, u32 room,
					 u32 *need, u32 *attempt)
{
	struct vexipc_request *req, *found = NULL;
	/* Once: read again it may be 0, and no wait is below that, not even nobody's. */
	u32 target_ms = vexipc_config(svc->inst, VEXIPC_CONFIG_CODEL_TARGET_MS);
	u64 now = ktime_get_ns();
	LIST_HEAD(expired);
	LIST_HEAD(shed);

	spin_lock_bh(&svc->lock);
	if (unlikely(target_ms))
		control_delay(svc, now, target_ms, &shed);
	while ((req = first(svc, now))) {
		if (unlikely(now >= req->deadline_ns)) {
			if (!vexipc_queue_move_phase(req, VEXIPC_QUEUED, VEXIPC_DONE))
				continue;
			unqueue(svc, req);
			list_add_tail(&req->node, &expired);
			if (vexipc_request_counts(req))
				vexipc_count(svc->inst, EXPIRED);
			continue;
		}
		if (!has_credit(svc, req) || !svc->transport->room(svc, req) ||
		    vexipc_carrier_waits(svc, req, now))
			break;
		if (message_len(req) > room) {
			*need = message_len(req);
			found = ERR_PTR(-EMSGSIZE);
			break;
		}
		if (begin_attempt(svc, req, now, attempt)) {
			found = req;
			break;
		}
	}
	spin_unlock_bh(&svc->lock);

	if (unlikely(!list_empty(&expired)))
		end_unsent(svc, &expired, VEXIPC_ERR_TIMED_OUT);
	if (unlikely(!list_empty(&shed)))
		end_unsent(svc, &shed, VEXIPC_ERR_SHED);
	make_use_of_room(svc);
	return found;
}

/**
 * vexipc_queue_gather() - fill a carrier from the front of a queue
 * @svc: whose
 * @leader: from vexipc_queue_next(), the first in it
 * @attempt: that vexipc_queue_next() told
 * @carrier: empty; has a reference of each of the others afterwards
 *
 * In the order of the queue, up to the first that may not travel with it.
 *
 * Return: whether there are others.
 */
bool vexipc_queue_gather(struct vexipc_service *svc, struct vexipc_request *leader,
			 u32 attempt, struct vexipc_carrier *carrier)
{
	u64 now = ktime_get_ns();
	struct vexipc_request *req;
	u32 other;

	spin_lock_bh(&svc->lock);
	/* Who ends it from here on waits for the lock, and then finds the carrier. */
	if (atomic_read(&leader->state) == vexipc_state(attempt, VEXIPC_SENT)) {
		vexipc_carrier_add(carrier, leader, attempt);
		while ((req = first(svc, now)) && now < req->deadline_ns &&
		       vexipc_carrier_takes(carrier, svc, leader, req) &&
		       has_credit(svc, req) && svc->transport->room(svc, req))
			if (begin_attempt(svc, req, now, &other))
				vexipc_carrier_add(carrier, req, other);
		if (carrier->count > 1)
			vexipc_carrier_begin(carrier, svc);
	}
	spin_unlock_bh(&svc->lock);
	make_use_of_room(svc);
	return carrier->count > 1;
}

/**
 * vexipc_queue_ready() - is there something that may be sent now?
 * @svc: whose
 * @need: bytes of its message
 */
bool vexipc_queue_ready(struct vexipc_service *svc, u32 *need)
{
	struct vexipc_request *req;
	bool ready = false;

	/* Nothing queued is the common answer and wants no lock. */
	if (!READ_ONCE(svc->queue.count))
		return false;
	spin_lock_bh(&svc->lock);
	req = first(svc, ktime_get_ns());
	if (req && has_credit(svc, req) && svc->transport->room(svc, req) &&
	    !vexipc_carrier_waits(svc, req, ktime_get_ns())) {
		*need = message_len(req);
		ready = true;
	}
	spin_unlock_bh(&svc->lock);
	return ready;
}

/**
 * vexipc_queue_unsend() - put a request back in front: it could not be sent
 * @svc: where vexipc_queue_next() took it from
 * @req: the request; the caller still holds its reference
 * @attempt: the attempt that vexipc_queue_next() told
 *
 * Nothing happens if it has been completed or moved elsewhere meanwhile.
 */
void vexipc_queue_unsend(struct vexipc_service *svc, struct vexipc_request *req,
			 u32 attempt)
{
	int state = vexipc_state(attempt, VEXIPC_SENT);

	spin_lock_bh(&svc->lock);
	if (atomic_try_cmpxchg(&req->state, &state, vexipc_state(attempt, VEXIPC_QUEUED))) {
		unlink_sent(svc, req);
		vexipc_order_add_front(&svc->queue, req);
		if (!vexipc_request_is_probe(req)) {
			WRITE_ONCE(svc->queued, svc->queued + 1);
			svc->requests--;
			svc->bytes_in -= req->content_len;
			/* It was accepted: it gets one, if it be one over the bound. */
			vexipc_pressure_take(req);
		}
		vexipc_trace(request_unsend, svc->inst->cookie,
			     vexipc_id_with_attempt(req->correlation, attempt),
			     svc->slot, svc->handle, req->content_len, svc->in_flight,
			     svc->queued, req->priority);
	}
	spin_unlock_bh(&svc->lock);
}

/**
 * vexipc_queue_leave() - off its service's list, by the winner of that step
 * @req: left QUEUED or SENT by the caller's cmpxchg
 * @state: the state it left
 * @error: how the attempt ended, for the service's figures
 *
 * Return: the service, whose reference is now the caller's; NULL if the request
 * was on none's list.
 */
struct vexipc_service *vexipc_queue_leave(struct vexipc_request *req, int state,
					  enum vexipc_error error)
{
	enum vexipc_phase phase = vexipc_state_phase(state);
	struct vexipc_service *svc = READ_ONCE(req->svc);
	u64 now_ns, service_ns = 0;
	u32 before, now;

	if (phase != VEXIPC_QUEUED && phase != VEXIPC_SENT)
		return NULL;
	if (unlikely(!svc)) {
		vexipc_overflow_leave(req);
		return NULL;
	}
	spin_lock_bh(&svc->lock);
	before = svc->breaker.state;
	if (phase == VEXIPC_SENT) {
		now_ns = ktime_get_ns();
		service_ns = now_ns - req->sent_ns;
		end_attempt(svc, req, vexipc_state_attempt(state), error, service_ns);
		if (!vexipc_request_is_probe(req)) {
			vexipc_service_account(svc, error, req->sent_ns, now_ns,
					       req->deadline_ns - req->submitted_ns);
			if (!error)
				svc->bytes_out += req->answer_len;
		}
	} else {
		unqueue(svc, req);
	}
	now = svc->breaker.state;
	spin_unlock_bh(&svc->lock);
	WRITE_ONCE(req->svc, NULL);
	vexipc_pressure_eased(&svc->inst->pressure, svc->inst);
	if (now != before)
		vexipc_breaker_tell(svc, before, now);
	if (phase == VEXIPC_SENT && !vexipc_request_is_probe(req))
		vexipc_policy_ended(svc->inst, svc, req, error, service_ns);
	return svc;
}

/**
 * vexipc_queue_credit() - a request left the service: send it the next
 * @svc: whose
 */
void vexipc_queue_credit(struct vexipc_service *svc)
{
	/* A carrier is being answered: its credits come back together. */
	if (unlikely(atomic_read(&svc->corked)))
		return;
	if (vexipc_overflow_waits(&svc->inst->overflow))
		vexipc_overflow_refill(svc);
	if (READ_ONCE(svc->queue.count))
		svc->transport->kick(svc);
	else if (unlikely(READ_ONCE(svc->leave_when_idle)) &&
		 !READ_ONCE(svc->in_flight) && !READ_ONCE(svc->queued))
		vexipc_registry_leave_when_idle(svc);
}

static bool next_attempt(struct vexipc_request *req, int *left)
{
	int state = atomic_read(&req->state);

	do {
		enum vexipc_phase phase = vexipc_state_phase(state);

		if (phase != VEXIPC_QUEUED && phase != VEXIPC_SENT)
			return false;
	} while (!atomic_try_cmpxchg(&req->state, &state,
				     vexipc_state(vexipc_state_attempt(state) + 1,
						  VEXIPC_NEW)));
	*left = state;
	return true;
}

/* NEW by our step, with a reference, and off its list; or another was first. */
static bool evict(struct vexipc_service *svc, struct vexipc_request *req,
		  struct list_head *moved)
{
	int left;

	/*
	 * Before the step: once NEW, another's completion may put, and be read by what
	 * is in the place of @by_deadline.
	 */
	refcount_inc(&req->refs);
	if (vexipc_state_phase(atomic_read(&req->state)) == VEXIPC_QUEUED)
		unqueue(svc, req);
	if (!next_attempt(req, &left)) {
		refcount_dec(&req->refs);
		return false;
	}
	if (vexipc_state_phase(left) == VEXIPC_SENT)
		end_attempt(svc, req, vexipc_state_attempt(left), VEXIPC_ERR_SERVICE_DIED,
			    ktime_get_ns() - req->sent_ns);
	WRITE_ONCE(req->svc, NULL);
	list_add_tail(&req->node, moved);
	return true;
}

/**
 * vexipc_queue_evict() - take away what a service holds
 * @svc: is dead, or drains
 * @sent: also what it was sent
 * @moved: takes the requests, each NEW with a reference, for
 *	   vexipc_request_fail_over()
 */
void vexipc_queue_evict(struct vexipc_service *svc, bool sent, struct list_head *moved)
{
	struct vexipc_request *req, *next;
	u64 now = ktime_get_ns();
	u32 count = 0;

	spin_lock_bh(&svc->lock);
	if (sent)
		list_for_each_entry_safe(req, next, &svc->inflight, node)
			evict(svc, req, moved);
	while ((req = first(svc, now)))
		evict(svc, req, moved);
	spin_unlock_bh(&svc->lock);
	vexipc_pressure_eased(&svc->inst->pressure, svc->inst);

	list_for_each_entry(req, moved, node)
		count++;
	while (count--)
		vexipc_service_put(svc);
}

/**
 * vexipc_queue_give_up() - take away the request at the head, which found no
 *			    room for too long
 * @svc: whose
 *
 * Return: the request, NEW, with a reference; NULL if the queue is empty.
 */
struct vexipc_request *vexipc_queue_give_up(struct vexipc_service *svc)
{
	struct vexipc_request *req;
	u64 now = ktime_get_ns();
	LIST_HEAD(moved);

	spin_lock_bh(&svc->lock);
	do
		req = first(svc, now);
	while (req && !evict(svc, req, &moved));
	svc->send_tries = 0;
	spin_unlock_bh(&svc->lock);
	vexipc_pressure_eased(&svc->inst->pressure, svc->inst);
	if (req) {
		list_del_init(&req->node);
		vexipc_service_put(svc);
	}
	return req;
}

/**
 * vexipc_queue_release() - take away what waits for a service, which need not
 *			    have been the wrong one
 * @svc: whose
 * @moved: takes the requests, each NEW with a reference, of the same attempt, for
 *	   vexipc_request_reroute_all()
 *
 * What is in front stays: probes, and what could not be sent after all.
 */
void vexipc_queue_release(struct vexipc_service *svc, struct list_head *moved)
{
	struct vexipc_request *req;
	u32 count = 0;

	spin_lock_bh(&svc->lock);
	for (u32 band = 0; band < VEXIPC_BANDS; band++) {
		while ((req = vexipc_order_oldest(&svc->queue, band))) {
			refcount_inc(&req->refs);	/* as in evict() */
			unqueue(svc, req);
			if (vexipc_queue_move_phase(req, VEXIPC_QUEUED, VEXIPC_NEW)) {
				WRITE_ONCE(req->svc, NULL);
				list_add_tail(&req->node, moved);
				count++;
			} else {
				refcount_dec(&req->refs);
			}
		}
	}
	spin_unlock_bh(&svc->lock);
	vexipc_pressure_eased(&svc->inst->pressure, svc->inst);
	while (count--)
		vexipc_service_put(svc);
}

/**
 * vexipc_queue_shed() - end the newest request of a band
 * @svc: whose
 * @band: which, below critical
 *
 * Context: no locks held; the caller has a reference of @svc.
 * Return: whether there was one.
 */
bool vexipc_queue_shed(struct vexipc_service *svc, u32 band)
{
	struct vexipc_request *req;
	LIST_HEAD(shed);

	spin_lock_bh(&svc->lock);
	while (list_empty(&shed) && (req = vexipc_order_newest(&svc->queue, band))) {
		bool won = vexipc_queue_move_phase(req, VEXIPC_QUEUED, VEXIPC_DONE);

		unqueue(svc, req);
		if (won)
			list_add(&req->node, &shed);
	}
	spin_unlock_bh(&svc->lock);
	if (list_empty(&shed))
		return false;
	end_unsent(svc, &shed, VEXIPC_ERR_SHED);
	return true;
}
