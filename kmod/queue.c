// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue of each service: bounded over the instance, first in first out.
 *
 * Everything here is under the service's lock; see request.h for who wins what.
 * A request whose state some other path has already moved is left on the list:
 * that path is about to take the lock and take it off.
 */
#include <linux/ktime.h>
#include <linux/spinlock.h>

#include "endpoint.h"
#include "instance.h"
#include "policy.h"
#include "queue.h"
#include "registry.h"
#include "request.h"
#include "trace.h"
#include "transport.h"

static bool move_phase(struct vexipc_request *req, enum vexipc_phase from,
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

static bool is_probe(const struct vexipc_request *req)
{
	return req->type == VEXIPC_MSG_HEALTH_CHECK;
}

/*
 * Take one place among all queues of the instance. A request that was accepted
 * before and moves on may go over the limit: full queues refuse, they do not lose.
 */
static bool take_place(struct vexipc_instance *inst, bool accepted)
{
	int limit = vexipc_config(inst, VEXIPC_CONFIG_MAX_QUEUE_SIZE);
	int now = atomic_inc_return(&inst->queued);
	int max;

	if (now > limit && !accepted) {
		atomic_dec(&inst->queued);
		return false;
	}
	max = atomic_read(&inst->queued_max);
	while (now > max && !atomic_try_cmpxchg(&inst->queued_max, &max, now))
		;
	return true;
}

/**
 * vexipc_queue_add() - put a request in state NEW on a service's queue
 * @svc: where to; probes go in front
 * @req: the caller holds a reference, and is the only one to route it
 *
 * The caller then calls the transport's kick().
 *
 * Return: 0; -ENODEV the service takes nothing new; -ENOBUFS no place;
 * -ECANCELED the request has been completed meanwhile.
 */
int vexipc_queue_add(struct vexipc_service *svc, struct vexipc_request *req)
{
	bool probe = is_probe(req);
	int err = 0;

	spin_lock_bh(&svc->lock);
	if (svc->gone || ((svc->draining || svc->failed) && !probe)) {
		err = -ENODEV;
		goto unlock;
	}
	if (!probe && !take_place(svc->inst, vexipc_state_attempt(atomic_read(&req->state)))) {
		err = -ENOBUFS;
		goto unlock;
	}

	/*
	 * From the cmpxchg on, whoever completes the request takes svc->lock
	 * to take it off the list: it must find svc set, and waits for us.
	 */
	vexipc_service_get(svc);
	WRITE_ONCE(req->svc, svc);
	if (!move_phase(req, VEXIPC_NEW, VEXIPC_QUEUED)) {
		WRITE_ONCE(req->svc, NULL);
		if (!probe)
			atomic_dec(&svc->inst->queued);
		vexipc_service_put(svc);
		err = -ECANCELED;
		goto unlock;
	}
	if (probe) {
		list_add(&req->node, &svc->queue);
	} else {
		list_add_tail(&req->node, &svc->queue);
		svc->queued++;
	}
	vexipc_trace(request_queue, svc->inst->cookie, req->correlation, svc->slot,
		     svc->handle, req->priority, svc->queued, req->content_len);
unlock:
	spin_unlock_bh(&svc->lock);
	return err;
}

/* Off the list, whichever it is on. The phase that was left tells which. */
static void unlink(struct vexipc_service *svc, struct vexipc_request *req,
		   enum vexipc_phase left)
{
	lockdep_assert_held(&svc->lock);
	list_del_init(&req->node);
	if (is_probe(req))
		return;
	if (left == VEXIPC_QUEUED) {
		svc->queued--;
		atomic_dec(&svc->inst->queued);
	} else {
		svc->in_flight--;
		svc->in_flight_bytes -= req->content_len;
	}
}

/* Off the queue for good, or until another service has it. */
static void unqueue(struct vexipc_service *svc, struct vexipc_request *req)
{
	unlink(svc, req, VEXIPC_QUEUED);
	vexipc_trace(request_unqueue, svc->inst->cookie, req->correlation, svc->slot,
		     svc->handle, req->priority, svc->queued, req->content_len);
}

/* What was sent has ended; an answer, if any, is in place. */
static void end_attempt(struct vexipc_service *svc, struct vexipc_request *req,
			u32 attempt, enum vexipc_error error, u64 service_ns)
{
	unlink(svc, req, VEXIPC_SENT);
	vexipc_trace(request_attempt, svc->inst->cookie,
		     vexipc_id_with_attempt(req->correlation, attempt), svc->slot,
		     svc->handle, error, service_ns, req->content_len,
		     req->answer_len, req->count, svc->in_flight);
}

/* May this service be sent this request now, as far as credits go? */
static bool has_credit(const struct vexipc_service *svc, const struct vexipc_request *req)
{
	if (is_probe(req))
		return true;
	if (svc->in_flight >= vexipc_service_limit(svc))
		return false;
	/* What is larger than the whole buffer goes alone. */
	return !svc->in_flight ||
	       svc->in_flight_bytes + req->content_len <=
	       vexipc_config(svc->inst, VEXIPC_CONFIG_BUFFER_SIZE);
}

static struct vexipc_request *head_of(struct vexipc_service *svc)
{
	struct vexipc_request *req;

	list_for_each_entry(req, &svc->queue, node)
		if (vexipc_state_phase(atomic_read(&req->state)) == VEXIPC_QUEUED)
			return req;
	return NULL;
}

/**
 * vexipc_queue_next() - take the next request that may be sent
 * @svc: whose
 * @room: bytes of message the taker has room for
 * @need: bytes the next message has, when it is more than @room
 * @attempt: which attempt of the request this is
 *
 * Expired requests are completed on the way, never sent.
 *
 * Return: the request, now SENT, with a reference; NULL when there is none or
 * it may not be sent yet; -EMSGSIZE when @room is too small.
 */
struct vexipc_request *vexipc_queue_next(struct vexipc_service *svc, u32 room,
					 u32 *need, u32 *attempt)
{
	struct vexipc_request *req, *next, *found = NULL;
	u64 now = ktime_get_ns();
	LIST_HEAD(expired);
	int state;

	spin_lock_bh(&svc->lock);
	list_for_each_entry_safe(req, next, &svc->queue, node) {
		if (vexipc_state_phase(atomic_read(&req->state)) != VEXIPC_QUEUED)
			continue;
		if (now >= req->deadline_ns) {
			if (!move_phase(req, VEXIPC_QUEUED, VEXIPC_DONE))
				continue;
			unqueue(svc, req);
			list_add_tail(&req->node, &expired);
			continue;
		}
		if (!has_credit(svc, req) || !svc->transport->room(svc, req))
			break;
		if (message_len(req) > room) {
			*need = message_len(req);
			found = ERR_PTR(-EMSGSIZE);
			break;
		}
		*attempt = vexipc_state_attempt(atomic_read(&req->state));
		/* Written before SENT is: an answer can come at once. */
		req->sent_ns = now;
		req->service_handle = svc->handle;
		/* Before SENT too, or the winner's put could be the last. */
		refcount_inc(&req->refs);
		if (!move_phase(req, VEXIPC_QUEUED, VEXIPC_SENT)) {
			/* Whoever won waits for our lock with a reference. */
			refcount_dec(&req->refs);
			continue;
		}
		unlink(svc, req, VEXIPC_QUEUED);
		list_add_tail(&req->node, &svc->inflight);
		if (!is_probe(req)) {
			svc->in_flight++;
			svc->in_flight_bytes += req->content_len;
			svc->requests++;
			svc->bytes_in += req->content_len;
		}
		svc->send_tries = 0;
		found = req;
		vexipc_trace(request_send, svc->inst->cookie,
			     vexipc_id_with_attempt(req->correlation, *attempt),
			     svc->slot, svc->handle, now - req->submitted_ns,
			     req->content_len, svc->in_flight, svc->queued,
			     req->priority);
		break;
	}
	spin_unlock_bh(&svc->lock);

	list_for_each_entry_safe(req, next, &expired, node) {
		list_del_init(&req->node);
		if (!is_probe(req))
			vexipc_count(req->inst, EXPIRED);
		WRITE_ONCE(req->svc, NULL);
		state = atomic_read(&req->state);
		vexipc_request_complete(req,
					vexipc_state(vexipc_state_attempt(state),
						     VEXIPC_QUEUED),
					VEXIPC_ERR_TIMED_OUT);
		vexipc_service_put(svc);
	}
	return found;
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
	if (list_empty_careful(&svc->queue))
		return false;
	spin_lock_bh(&svc->lock);
	req = head_of(svc);
	if (req && has_credit(svc, req) && svc->transport->room(svc, req)) {
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
		unlink(svc, req, VEXIPC_SENT);
		list_add(&req->node, &svc->queue);
		if (!is_probe(req)) {
			svc->queued++;
			svc->requests--;
			svc->bytes_in -= req->content_len;
			/* It had a place a moment ago; the bound may be one over. */
			atomic_inc(&svc->inst->queued);
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
 * was on no list.
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
	spin_lock_bh(&svc->lock);
	before = svc->breaker.state;
	if (phase == VEXIPC_SENT) {
		now_ns = ktime_get_ns();
		service_ns = now_ns - req->sent_ns;
		end_attempt(svc, req, vexipc_state_attempt(state), error, service_ns);
		if (!is_probe(req)) {
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
	if (now != before)
		vexipc_breaker_tell(svc, before, now);
	if (phase == VEXIPC_SENT && !is_probe(req))
		vexipc_policy_ended(svc->inst, svc, req, error, service_ns);
	return svc;
}

/**
 * vexipc_queue_credit() - a request left the service: send it the next
 * @svc: whose
 */
void vexipc_queue_credit(struct vexipc_service *svc)
{
	if (!list_empty_careful(&svc->queue))
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

static void evict_list(struct vexipc_service *svc, struct list_head *list,
		       struct list_head *moved)
{
	struct vexipc_request *req, *next;
	int left;

	list_for_each_entry_safe(req, next, list, node) {
		/* Before the step: once NEW, another's completion may put. */
		refcount_inc(&req->refs);
		if (!next_attempt(req, &left)) {
			refcount_dec(&req->refs);
			continue;
		}
		if (vexipc_state_phase(left) == VEXIPC_SENT)
			end_attempt(svc, req, vexipc_state_attempt(left),
				    VEXIPC_ERR_SERVICE_DIED,
				    ktime_get_ns() - req->sent_ns);
		else
			unqueue(svc, req);
		WRITE_ONCE(req->svc, NULL);
		list_add_tail(&req->node, moved);
	}
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
	struct vexipc_request *req;
	u32 count = 0;

	spin_lock_bh(&svc->lock);
	if (sent)
		evict_list(svc, &svc->inflight, moved);
	evict_list(svc, &svc->queue, moved);
	spin_unlock_bh(&svc->lock);

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
	int left;

	spin_lock_bh(&svc->lock);
	while ((req = head_of(svc))) {
		refcount_inc(&req->refs);
		if (next_attempt(req, &left)) {
			unqueue(svc, req);
			WRITE_ONCE(req->svc, NULL);
			break;
		}
		refcount_dec(&req->refs);
	}
	svc->send_tries = 0;
	spin_unlock_bh(&svc->lock);
	if (req)
		vexipc_service_put(svc);
	return req;
}
