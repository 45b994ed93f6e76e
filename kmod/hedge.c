// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hedges: a request that is late at its service is sent to a second one, too. The
 * first answer wins, the other is an orphan.
 *
 * A hedge is a request of its own: with an id, a state word and a place on its
 * service's list, and with the content of the request that it is for, of which
 * it holds a reference. No client sees it, no client is charged for it, and it is in
 * none of the instance's counts of requests.
 *
 * Who decides: an answer to a hedge first ends the hedge, by the hedge's own step
 * to DONE, as any answer ends its attempt; then it makes the step to DONE of
 * the request, from wherever that is. Who makes that one, be it the hedge's
 * answer, the service's own, a timeout or a cancel, completes the request, and the
 * others come to nothing.
 *
 * A hedge that fails is forgotten. If the request's own attempt fails while
 * there is a hedge, the hedge has become its next attempt: it rests in state NEW,
 * on no list, and goes on only when the hedge has failed, too. @rests is written
 * before @hedge is read, and @hedge cleared before @rests is read, so one of both
 * sides goes on with it; which one, xchg() of @rests decides.
 *
 * @hedge is set by cmpxchg() before the request's state is looked at, and read
 * by whoever completes the request after the step to DONE: so one of them ends the
 * hedge. Its end is left to a work, for it sends the service its next
 * request, and so may come from the completion of another.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/spinlock.h>

#include "admission.h"
#include "balancer.h"
#include "cache.h"
#include "context.h"
#include "error.h"
#include "hedge.h"
#include "histogram.h"
#include "latency.h"
#include "queue.h"
#include "request.h"
#include "trace.h"
#include "transport.h"

enum {
	LEAST_SAMPLES	= 20,		/* of a service's times, to go by them */
	LEAST_DELAY_US	= 1000,
	MOST_DELAY_US	= 30000000,
	AT_ONCE		= 16,		/* hedges begun without a look at the list */
	MOST_SEEN	= 1024,		/* in a look: the lock is held */
};

/* How a request that rests goes on, see vexipc_request_again(). */
enum { GOES_ON = 1, FAILS_OVER = 2 };

/* ---------------------------------------------------------------- its end -- */

static void settle(struct work_struct *work)
{
	struct vexipc_request *hedge = container_of(work, struct vexipc_request, work);
	struct vexipc_request *req = hedge->hedged;
	int how;

	if (vexipc_request_done(req)) {
		vexipc_request_finish(hedge, VEXIPC_ERR_CANCELLED);
	} else {
		how = atomic_xchg(&req->rests, 0);
		if (how)
			vexipc_request_again(req, req->last_error, how == FAILS_OVER);
	}
	vexipc_request_put(hedge);
}

static void settle_later(struct vexipc_request *hedge)
{
	refcount_inc(&hedge->refs);
	if (!queue_work(vexipc_workqueue, &hedge->work))
		vexipc_request_put(hedge);
}

/* The hedge's completion. */
static void ended(struct vexipc_request *hedge)
{
	struct vexipc_request *req = hedge->hedged;
	struct vexipc_instance *inst = hedge->inst;

	if (!hedge->status)
		vexipc_count(inst, HEDGES_WON);
	/* One that no service had room for never was. */
	if (hedge->accepted)
		vexipc_trace(request_hedge, inst->cookie, req->correlation, hedge->correlation,
			     hedge->service_handle, true, hedge->status,
			     hedge->done_ns - hedge->submitted_ns);
	atomic_dec(&inst->hedging);
	/* A barrier: see vexipc_hedge_rest(). */
	if (cmpxchg(&req->hedge, hedge, NULL) == hedge)
		vexipc_request_put(hedge);
	if (atomic_read(&req->rests) && !vexipc_request_done(req))
		settle_later(hedge);
	vexipc_request_put(hedge);
}

/**
 * vexipc_hedge_end() - a request is DONE: nobody waits for its hedge
 * @req: by the caller's step
 *
 * Context: any but hard interrupts.
 */
void vexipc_hedge_end(struct vexipc_request *req)
{
	struct vexipc_request *hedge = xchg(&req->hedge, NULL);

	if (!hedge)
		return;
	if (!vexipc_request_done(hedge))
		settle_later(hedge);
	vexipc_request_put(hedge);
}

/**
 * vexipc_hedge_rest() - a request's attempt has failed: let its hedge be the next
 * @req: NEW, and the caller's alone to route; @req->last_error says why
 * @failover: its service died
 *
 * Return: true, it is not the caller's to route any more; false, there is no hedge.
 */
bool vexipc_hedge_rest(struct vexipc_request *req, bool failover)
{
	atomic_set(&req->rests, failover ? FAILS_OVER : GOES_ON);
	smp_mb();	/* pairs with the cmpxchg() in ended() */
	return READ_ONCE(req->hedge) || !atomic_xchg(&req->rests, 0);
}

/* ------------------------------------------------------------- its answer -- */

/*
 * A service was too late. That it is slow must not go unseen for that, or
 * only what is quick counted, and ever more of the rest were late.
 */
static void outrun(struct vexipc_service *svc, u64 sent_ns)
{
	u64 now = ktime_get_ns(), ns = now - min(sent_ns, now);

	spin_lock_bh(&svc->lock);
	vexipc_histogram_add(&svc->times, min_t(u64, div_u64(ns, NSEC_PER_USEC), U32_MAX));
	vexipc_latency_add(&svc->latency, now, ns);
	vexipc_service_note_time(svc, now, ns);
	spin_unlock_bh(&svc->lock);
}

/**
 * vexipc_hedge_answered() - a service answered a hedge
 * @hedge: DONE by the caller's step
 * @svc: its service
 * @sent: the state it left
 * @error: what came of it; a failure is the hedge's alone
 * @answer: taken over by the request, if that still waits
 *
 * Context: no locks held.
 * Return: false if the answer came too late, and is an orphan.
 */
bool vexipc_hedge_answered(struct vexipc_request *hedge, struct vexipc_service *svc, int sent,
			   enum vexipc_error error, struct vexipc_answer *answer)
{
	struct vexipc_request *req = hedge->hedged;
	struct vexipc_service *own, *other = NULL;
	bool late = false, won = false;
	int state;

	if (!error) {
		/* This step decides. */
		won = vexipc_request_claim(req, &state);
		late = !won;
	}
	hedge->answer_len = won ? answer->len : 0;
	own = vexipc_queue_leave(hedge, sent, late ? VEXIPC_ERR_CANCELLED : error);
	if (won) {
		spin_lock_bh(&svc->lock);
		svc->hedges_won++;
		spin_unlock_bh(&svc->lock);
		other = vexipc_queue_leave(req, state, VEXIPC_ERR_CANCELLED);
		if (other && vexipc_state_phase(state) == VEXIPC_SENT)
			outrun(other, req->sent_ns);
		/* It is on no list any more: nobody else writes these. */
		req->sent_ns = hedge->sent_ns;
		req->service_handle = hedge->service_handle;
		req->result_flags = VEXIPC_RESULT_HEDGED;
		vexipc_request_take_answer(req, answer);
		vexipc_cache_answered_by(req, svc);
	}
	vexipc_request_complete(hedge, sent, late ? VEXIPC_ERR_CANCELLED : error);
	if (won)
		vexipc_request_complete(req, state, VEXIPC_OK);
	if (other) {
		vexipc_queue_credit(other);
		vexipc_service_put(other);
	}
	vexipc_queue_credit(own);
	vexipc_service_put(own);
	return !late;
}

/* ----------------------------------------------------------- its beginning -- */

/*
 * Where it has been, which who routes it may write unless it is on a list. False:
 * it is not late any more.
 */
static bool copy_tried(struct vexipc_service *svc, struct vexipc_request *req,
		       struct vexipc_request *hedge)
{
	bool sent;

	spin_lock_bh(&svc->lock);
	sent = vexipc_state_phase(atomic_read(&req->state)) == VEXIPC_SENT &&
	       req->svc == svc && !list_empty(&req->node);
	if (sent) {
		hedge->tried_count = req->tried_count;
		memcpy(hedge->tried, req->tried, sizeof(hedge->tried));
		/* One that has been at many did not note the last of them. */
		if (!vexipc_request_tried(hedge, svc->slot)) {
			hedge->tried_count = min_t(u32, hedge->tried_count,
						   VEXIPC_MAX_TRIED - 1);
			hedge->tried[hedge->tried_count++] = svc->slot;
		}
	}
	spin_unlock_bh(&svc->lock);
	return sent;
}

static struct vexipc_request *hedge_alloc(struct vexipc_request *req)
{
	struct vexipc_context ctx = {
		.inst = req->inst,
		.uid = req->uid,
		.session = req->session,
		.deadline = req->deadline_ns,
		.priority = req->priority,
	};
	struct vexipc_request *hedge = vexipc_request_alloc(&ctx, req->ep, req->type);

	if (!hedge)
		return NULL;
	refcount_inc(&req->refs);
	hedge->hedged = req;
	/* Its own id, by which alone it is found, is another: no client can cancel it. */
	hedge->request_id = req->request_id;
	hedge->submitted_ns = ktime_get_ns();
	hedge->model = req->model;
	hedge->content = req->content;
	hedge->model_len = req->model_len;
	hedge->content_len = req->content_len;
	hedge->dimensions = req->dimensions;
	hedge->data_type = req->data_type;
	hedge->content_type = req->content_type;
	hedge->algorithm = req->algorithm;
	hedge->flags = req->flags;
	hedge->complete = ended;
	INIT_WORK(&hedge->work, settle);
	return hedge;
}

/* To one that has room now, and has not had it; a hedge does not wait for others. */
static int route(struct vexipc_request *hedge)
{
	struct vexipc_request *req = hedge->hedged;
	struct vexipc_instance *inst = req->inst;
	struct vexipc_service *svc;
	struct vexipc_toll toll;
	bool limited;
	int err;

	svc = vexipc_balancer_pick(hedge, false, &err);
	if (!svc)
		return err;
	limited = READ_ONCE(inst->admission.services);
	if (limited && !vexipc_admission_serve(svc, hedge, &toll)) {
		vexipc_service_put(svc);
		return -EDQUOT;
	}
	/* Before it can be answered. */
	WRITE_ONCE(req->hedge_slot, svc->slot + 1);
	err = vexipc_queue_add(svc, hedge);
	if (err) {
		WRITE_ONCE(req->hedge_slot, 0);
		if (limited)
			vexipc_admission_unserve(svc, &toll);
	} else {
		vexipc_count(inst, HEDGES);
		spin_lock_bh(&svc->lock);
		svc->hedges++;
		spin_unlock_bh(&svc->lock);
		vexipc_trace(request_hedge, inst->cookie, req->correlation, hedge->correlation,
			     svc->handle, false, VEXIPC_OK,
			     hedge->submitted_ns - req->submitted_ns);
		svc->transport->kick(svc);
	}
	vexipc_service_put(svc);
	return err;
}

static void begin(struct vexipc_service *from, struct vexipc_request *req)
{
	struct vexipc_instance *inst = req->inst;
	struct vexipc_request *hedge;
	int err = -ECANCELED;

	if (!vexipc_request_budget(inst, &inst->hedging, VEXIPC_CONFIG_HEDGE_BUDGET_PERCENT))
		return;
	hedge = hedge_alloc(req);
	if (!hedge || !copy_tried(from, req, hedge) ||
	    vexipc_slots_take(&inst->slots, hedge)) {
		atomic_dec(&inst->hedging);
		if (hedge)
			vexipc_request_put(hedge);
		return;
	}
	/* The live request's reference, which complete() gets, and that of @req->hedge. */
	refcount_add(2, &hedge->refs);
	vexipc_slots_publish(&inst->slots, hedge);
	if (cmpxchg(&req->hedge, NULL, hedge)) {
		/* It moved, and was late there, too. */
		vexipc_request_put(hedge);
	} else if (vexipc_request_done(req)) {
		vexipc_hedge_end(req);
	} else {
		err = route(hedge);
	}
	if (err)
		vexipc_request_finish(hedge, err == -ECANCELED ? VEXIPC_ERR_CANCELLED :
				      vexipc_error_from_errno(err));
	vexipc_request_put(hedge);
}

/* --------------------------------------------------------------- who is late -- */

/* So long a service may have a request; 0: not known. */
static u64 delay_ns(const struct vexipc_service *svc)
{
	u32 percent = vexipc_config(svc->inst, VEXIPC_CONFIG_HEDGE_PERCENTILE);
	u32 us;

	lockdep_assert_held(&svc->lock);
	/* One of them at least is to be above it. */
	if (!percent || svc->times.total < max_t(u32, 100 / (100 - percent), LEAST_SAMPLES))
		return 0;
	us = vexipc_histogram_percentile(&svc->times, percent * 10);
	return (u64)clamp_t(u32, us, LEAST_DELAY_US, MOST_DELAY_US) * NSEC_PER_USEC;
}

/*
 * Only what may be retried may be asked twice, and what could have another attempt.
 * A batch takes as long as it is large, which says nothing of its service.
 */
static bool may_be_hedged(const struct vexipc_request *req, u64 now)
{
	int state = atomic_read(&req->state);

	return vexipc_state_phase(state) == VEXIPC_SENT &&
	       req->type == VEXIPC_MSG_EMBED_REQUEST && !req->pin && !req->hedged &&
	       !READ_ONCE(req->hedge) && !READ_ONCE(req->hedge_slot) &&
	       now < req->deadline_ns &&
	       vexipc_state_attempt(state) <
	       vexipc_config(req->inst, VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS);
}

static void wait_until(struct vexipc_service *svc, u64 at_ns, u64 now)
{
	queue_delayed_work(vexipc_workqueue, &svc->hedge_work,
			   at_ns > now ? nsecs_to_jiffies(at_ns - now) + 1 : 0);
}

/*
 * When to ask a second service. One that finds no budget then, or nobody who has room,
 * is tried when it has taken twice as long, and so on.
 */
static u64 due_ns(const struct vexipc_request *req, u64 delay)
{
	if (req->late_ns > req->sent_ns)
		return 2 * req->late_ns - req->sent_ns;
	return req->sent_ns + delay;
}

static u32 collect(struct vexipc_service *svc, struct vexipc_request **late, bool *waits)
{
	u64 now = ktime_get_ns(), next = U64_MAX, delay;
	struct vexipc_request *req;
	u32 count = 0, seen = 0;

	spin_lock_bh(&svc->lock);
	delay = svc->gone ? 0 : delay_ns(svc);
	if (!delay)
		goto unlock;
	list_for_each_entry(req, &svc->inflight, node) {
		if (count == AT_ONCE) {
			next = now;
			break;
		}
		if (now < req->sent_ns + delay) {
			/* So are all behind it. */
			next = min(next, req->sent_ns + delay);
			break;
		}
		if (++seen > MOST_SEEN) {
			/* Too many that are late: no hurry. */
			next = min(next, now + delay);
			break;
		}
		if (!may_be_hedged(req, now))
			continue;
		if (now >= due_ns(req, delay)) {
			req->late_ns = now;
			/* Who ends it waits for the lock, with a reference. */
			refcount_inc(&req->refs);
			late[count++] = req;
		}
		next = min(next, due_ns(req, delay));
	}
	if (next != U64_MAX)
		wait_until(svc, next, now);
unlock:
	*waits = svc->hedge_armed = next != U64_MAX;
	spin_unlock_bh(&svc->lock);
	return count;
}

static void look(struct work_struct *work)
{
	struct vexipc_service *svc = container_of(to_delayed_work(work),
						  struct vexipc_service, hedge_work);
	struct vexipc_request *late[AT_ONCE];
	u32 count;
	bool waits;

	count = collect(svc, late, &waits);
	for (u32 i = 0; i < count; i++) {
		begin(svc, late[i]);
		vexipc_request_put(late[i]);
	}
	if (!waits)
		vexipc_service_put(svc);
}

/**
 * vexipc_hedge_arm() - look for what is late as soon as something may be
 * @svc: was just sent a request; locked
 *
 * One timer a service: what it has is in the order in which it was sent.
 */
void vexipc_hedge_arm(struct vexipc_service *svc)
{
	u64 delay;

	if (svc->hedge_armed || svc->gone)
		return;
	delay = delay_ns(svc);
	if (!delay)
		return;
	svc->hedge_armed = true;
	vexipc_service_get(svc);
	wait_until(svc, delay, 0);
}

void vexipc_hedge_init(struct vexipc_service *svc)
{
	INIT_DELAYED_WORK(&svc->hedge_work, look);
}

/* The service is gone, and has no requests. Sleeps. */
void vexipc_hedge_stop(struct vexipc_service *svc)
{
	if (cancel_delayed_work_sync(&svc->hedge_work))
		vexipc_service_put(svc);
}
