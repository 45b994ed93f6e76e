// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a request: deadline, retries, the answer, and the one completion.
 * request.h tells which steps there are and who wins them; submit.c how it begins.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "admission.h"
#include "batch.h"
#include "cache.h"
#include "context.h"
#include "error.h"
#include "hedge.h"
#include "instance.h"
#include "memory.h"
#include "pressure.h"
#include "protocol.h"
#include "queue.h"
#include "registry.h"
#include "request.h"
#include "trace.h"
#include "transport.h"

enum { BACKOFF_MAX_MS = 30000, LEAST_BUDGET = 3 };

/* Who has so little time gets a timer of his own: what is shared has all looked at. */
#define OWN_TIMER_NS	NSEC_PER_SEC

static struct kmem_cache *request_cache;

int vexipc_request_cache_init(void)
{
	struct kmem_cache_args args = {
		.align = __alignof__(struct vexipc_request),
		/* No finder looks at it. */
		.freeptr_offset = offsetof(struct vexipc_request, client_correlation),
		.use_freeptr_offset = true,
	};

	request_cache = kmem_cache_create("vexipc_request", sizeof(struct vexipc_request), &args,
					  SLAB_TYPESAFE_BY_RCU | SLAB_ACCOUNT);
	return request_cache ? 0 : -ENOMEM;
}

void vexipc_request_cache_exit(void)
{
	kmem_cache_destroy(request_cache);
}

/* Until the deadline; 0 when it is past. */
static unsigned long jiffies_left(const struct vexipc_request *req)
{
	return vexipc_jiffies_until(req->deadline_ns);
}

/*
 * Have the timer expire by then. Who submitted the request does so, who has it wait for
 * its next attempt, and the timer itself, maybe at once: the soonest counts.
 */
static void set_timer(struct vexipc_request *req, unsigned long left)
{
	refcount_inc(&req->refs);
	/* Of one that expires sooner timer_reduce() makes sure without the timer's lock. */
	smp_mb__after_atomic();	/* retry_at before that look; see backoff_left() */
	if (timer_reduce(&req->timer, jiffies + left))
		vexipc_request_put(req);
	/*
	 * Whoever completes a request deletes its timer, after the step to DONE.
	 * If that was before it was set, we see DONE here and delete it.
	 */
	smp_mb();	/* the timer before the look */
	if (vexipc_request_done(req) && timer_delete(&req->timer))
		vexipc_request_put(req);
}

/* How long its backoff lasts; 0: it has none, or it ended, and the work goes on. */
static unsigned long backoff_left(struct vexipc_request *req)
{
	u32 at;
	s32 left;

	smp_mb();	/* the timer expired before the look; pairs with set_timer() */
	at = smp_load_acquire(&req->retry_at);
	left = at - (u32)jiffies;
	if (!at)
		return 0;
	if (left > 0)
		return left;
	if (cmpxchg(&req->retry_at, at, 0) == at) {
		refcount_inc(&req->refs);
		vexipc_request_route_later(req);
	}
	return 0;
}

static void timer_expired(struct timer_list *timer)
{
	struct vexipc_request *req = container_of(timer, struct vexipc_request, timer);
	unsigned long left = jiffies_left(req);

	if (vexipc_request_done(req)) {
		vexipc_request_put(req);
		return;
	}
	/* Ticks that came late come at once, and jiffies run ahead. */
	if (left)
		set_timer(req, min_not_zero(left, backoff_left(req)));
	else
		vexipc_request_finish(req, VEXIPC_ERR_TIMED_OUT);
	vexipc_request_put(req);
}

static void route_again(struct work_struct *work);

/**
 * vexipc_request_alloc() - a request to fill in and submit
 * @ctx: who asks, until when, for which session
 * @ep: where the completion goes
 * @type: enum vexipc_msg_type: embed, batch or health check
 *
 * Context: may sleep; charged to the caller's memory cgroup.
 * Return: the request with one reference, NULL without memory.
 */
struct vexipc_request *vexipc_request_alloc(const struct vexipc_context *ctx,
					    struct vexipc_endpoint *ep, u32 type)
{
	struct vexipc_request *req = kmem_cache_alloc(request_cache, VEXIPC_GFP_CALLER);

	if (!req)
		return NULL;

	/*
	 * A finder with an old id may look at this memory at any time: it gets
	 * nowhere while refs is 0, and refs is set last.
	 */
	memset_startat(req, 0, correlation);
	atomic_set(&req->state, vexipc_state(0, VEXIPC_NEW));
	req->inst = ep->inst;
	req->ep = vexipc_endpoint_get(ep);
	INIT_LIST_HEAD(&req->node);
	INIT_LIST_HEAD(&req->ep_node);
	INIT_HLIST_NODE(&req->id_node);
	rcuwait_init(&req->waiter);
	timer_setup(&req->timer, timer_expired, 0);
	INIT_WORK(&req->work, route_again);
	req->type = type;
	req->count = 1;
	req->uid = ctx->uid;
	req->deadline_ns = ctx->deadline;
	req->session = ctx->session;
	req->priority = ctx->priority;
	req->nonblock = ctx->nonblock;
	atomic_inc(&req->inst->requests);
	smp_wmb();	/* all of the above before a finder can get a reference */
	refcount_set(&req->refs, 1);
	return req;
}

/**
 * vexipc_request_put() - drop a reference
 * @req: the request
 *
 * Context: any but hard interrupts.
 */
void vexipc_request_put(struct vexipc_request *req)
{
	struct vexipc_endpoint *ep = req->ep;
	struct vexipc_request *hedged;

	if (!refcount_dec_and_test(&req->refs))
		return;
	hedged = req->hedged;
	kvfree(req->mem);
	kvfree(req->answer_mem);
	if (req->lent.queue)
		vexipc_ring_give_back(&req->lent);
	if (req->kept)
		vexipc_kept_put(req->kept);
	vexipc_admission_release(req);
	vexipc_instance_put_request(req->inst);
	kmem_cache_free(request_cache, req);
	vexipc_endpoint_put(ep);
	if (unlikely(hedged))
		vexipc_request_put(hedged);
}

/* Wakes the client that waits for it; the completion's reference goes. */
void vexipc_request_wake(struct vexipc_request *req)
{
	rcuwait_wake_up(&req->waiter);
	vexipc_request_put(req);
}

static void return_budget(struct vexipc_request *req)
{
	if (atomic_read(&req->retrying) && atomic_xchg(&req->retrying, 0))
		atomic_dec(&req->inst->retrying);
}

/*
 * What follows winning the step from @state to DONE: figures, the id, the
 * callback. The reference of the live request goes to the callback.
 */
void vexipc_request_complete(struct vexipc_request *req, int state,
			     enum vexipc_error error)
{
	struct vexipc_instance *inst = req->inst;
	struct vexipc_kept *shared;

	req->status = error;
	/* One that was only about to be made does not count, unless it was taken back. */
	req->attempts = vexipc_state_attempt(state) +
			(vexipc_state_phase(state) != VEXIPC_NEW);
	if (unlikely(!req->attempts))
		req->attempts = req->accepted;
	req->attempts += !!READ_ONCE(req->hedge_slot);
	req->done_ns = ktime_get_ns();
	if (timer_delete(&req->timer))
		vexipc_request_put(req);
	if (req->retries && cancel_work(&req->work))
		vexipc_request_put(req);
	vexipc_slots_release(&inst->slots, req);
	return_budget(req);
	if (unlikely(READ_ONCE(req->hedge)))
		vexipc_hedge_end(req);

	if (vexipc_request_counts(req)) {
		atomic_dec(&inst->live);
		switch (error) {
		case VEXIPC_OK:
			vexipc_count(inst, COMPLETED);
			vexipc_count_add(inst, BYTES_OUT, req->answer_len);
			break;
		case VEXIPC_ERR_TIMED_OUT:
			vexipc_count(inst, TIMED_OUT);
			break;
		case VEXIPC_ERR_CANCELLED:
		case VEXIPC_ERR_INTERRUPTED:
			vexipc_count(inst, CANCELLED);
			break;
		default:
			if (error == VEXIPC_ERR_SHED)
				vexipc_pressure_retry_after(req, -EXFULL);
			vexipc_count(inst, FAILED);
			this_cpu_inc(inst->stats->failed_by[error]);
		}
	}
	if (likely(!req->hedged))
		vexipc_trace(request_complete, inst->cookie, req->correlation,
			     req->service_handle, error, req->attempts,
			     req->done_ns - req->submitted_ns,
			     req->sent_ns ? req->sent_ns - req->submitted_ns : 0,
			     req->sent_ns ? req->done_ns - req->sent_ns : 0,
			     req->content_len, req->answer_len, req->count, req->priority);

	shared = READ_ONCE(req->kept) ? vexipc_cache_leave(req, error) : NULL;
	/* Who waits for it takes it at once; others may leave it lie. */
	if (req->complete != vexipc_request_wake && !req->batched && req->answer_len)
		vexipc_admission_hold_answer(req);
	/* Pairs with vexipc_request_wait(), which looks at what came of it. */
	smp_store_release(&req->finished, true);
	req->complete(req);
	if (shared)
		vexipc_coalesce_serve(req, shared);
}

/* The request is DONE by our step from @state: all that is left to do. */
static void finish_from(struct vexipc_request *req, int state, enum vexipc_error error)
{
	struct vexipc_service *svc = vexipc_queue_leave(req, state, error);

	vexipc_request_complete(req, state, error);
	if (svc) {
		vexipc_queue_credit(svc);
		vexipc_service_put(svc);
	}
}

/**
 * vexipc_request_finish() - end a request from wherever it is
 * @req: the request, with a reference of the caller's
 * @error: why: timed out, cancelled, no service left, ...
 *
 * Context: any but hard interrupts; no service or endpoint lock held.
 * Return: true if this call completed it, false if something else had.
 */
bool vexipc_request_finish(struct vexipc_request *req, enum vexipc_error error)
{
	int state;

	if (!vexipc_request_claim(req, &state))
		return false;
	finish_from(req, state, error);
	return true;
}

/**
 * vexipc_request_arm() - have a timer end a request at its deadline
 * @req: submitted just now; the caller has a reference
 */
void vexipc_request_arm(struct vexipc_request *req)
{
	set_timer(req, jiffies_left(req));
}

/* What came of it is in place. */
static bool finished(const struct vexipc_request *req)
{
	/* Pairs with vexipc_request_complete(). */
	return smp_load_acquire(&req->finished);
}

/**
 * vexipc_request_wait() - wait for the completion, the deadline or a signal
 * @req: submitted with vexipc_request_wake; finished when this returns
 *
 * Context: sleeps.
 */
void vexipc_request_wait(struct vexipc_request *req)
{
	enum vexipc_error why;
	int interrupted;

	if (req->deadline_ns - req->submitted_ns < OWN_TIMER_NS) {
		why = vexipc_wait_until(&req->waiter, finished(req), req->deadline_ns);
	} else {
		vexipc_endpoint_watch(req->ep, req->deadline_ns);
		interrupted = rcuwait_wait_event(&req->waiter,
						 finished(req) || READ_ONCE(req->overdue),
						 TASK_INTERRUPTIBLE);
		why = finished(req) ? VEXIPC_OK :
		      interrupted ? VEXIPC_ERR_INTERRUPTED : VEXIPC_ERR_TIMED_OUT;
	}
	if (!why)
		return;
	vexipc_request_finish(req, why);
	/* If not by us, it is completed by another right now, who wakes us. */
	rcuwait_wait_event(&req->waiter, finished(req), TASK_UNINTERRUPTIBLE);
}

static bool enough_attempts(const struct vexipc_request *req)
{
	u32 attempt = vexipc_state_attempt(atomic_read(&req->state));

	return attempt > vexipc_config(req->inst, VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS);
}

static void back_off(struct vexipc_request *req)
{
	u64 base = vexipc_config(req->inst, VEXIPC_CONFIG_RETRY_BACKOFF_BASE_MS);
	u64 ms = min(base << min(req->retries, 16), (u64)BACKOFF_MAX_MS);

	/* Half fixed, half random, so that those who failed together spread. */
	ms = ms / 2 + get_random_u32_inclusive(0, ms / 2) + 1;
	ms = max_t(u64, ms, req->retry_after_ms);
	if (ktime_get_ns() + ms * NSEC_PER_MSEC >= req->deadline_ns) {
		vexipc_request_finish(req, req->last_error);
		return;
	}
	req->retries++;
	/* After all that routing looks at. */
	smp_store_release(&req->retry_at, (u32)(jiffies + msecs_to_jiffies(ms)) ?: 1);
	set_timer(req, msecs_to_jiffies(ms));
}

static void route_again(struct work_struct *work)
{
	struct vexipc_request *req = container_of(work, struct vexipc_request, work);
	int err = vexipc_request_route(req, true, NULL);

	if (err)
		vexipc_request_finish(req, req->last_error ?: vexipc_error_from_errno(err));
	vexipc_request_put(req);
}

/**
 * vexipc_request_route_later() - find a service for a request soon, elsewhere
 * @req: NEW, of no attempt yet, unless somebody has completed it; a reference
 *	 is taken over
 *
 * Context: any but hard interrupts.
 */
void vexipc_request_route_later(struct vexipc_request *req)
{
	queue_work(vexipc_workqueue, &req->work);
}

/**
 * vexipc_request_budget() - may one more be tried further, or asked twice
 * @inst: whose requests under way the budget is a part of, so that these do not become
 *	  the storm
 * @taken: of it; one more when it may, to be given back with atomic_dec()
 * @percent: the configuration's field; three at once there may always be
 */
bool vexipc_request_budget(struct vexipc_instance *inst, atomic_t *taken,
			   enum vexipc_config_field percent)
{
	u64 live = max(atomic_read(&inst->live), 0);
	int limit = div_u64(live * vexipc_config(inst, percent), 100);

	if (atomic_inc_return(taken) <= max(limit, LEAST_BUDGET))
		return true;
	atomic_dec(taken);
	return false;
}

static bool take_budget(struct vexipc_request *req)
{
	struct vexipc_instance *inst = req->inst;

	if (atomic_read(&req->retrying))
		return true;
	if (!vexipc_request_budget(inst, &inst->retrying, VEXIPC_CONFIG_RETRY_BUDGET_PERCENT))
		return false;
	atomic_set(&req->retrying, 1);
	smp_mb();	/* as in set_timer() */
	if (vexipc_request_done(req))
		return_budget(req);
	return true;
}

/**
 * vexipc_request_again() - the attempt failed: try another, if it may
 * @req: in state NEW of the next attempt, put there by the caller, who holds a
 *	 reference
 * @why: how the last attempt ended
 * @failover: its service died: an attempt spent, but no backoff and none of the
 *	      retry budget
 *
 * A service not tried yet gets it at once; only before the same service is
 * asked again is there a backoff. A hedge under way is the next attempt; and of a
 * hedge there is but one.
 *
 * Context: no locks held.
 */
void vexipc_request_again(struct vexipc_request *req, enum vexipc_error why,
			  bool failover)
{
	req->last_error = why;
	if (unlikely(READ_ONCE(req->hedge)) && vexipc_hedge_rest(req, failover))
		return;
	if (!vexipc_request_counts(req) || enough_attempts(req) ||
	    (!failover && !take_budget(req))) {
		vexipc_request_finish(req, why);
		return;
	}
	if (failover)
		vexipc_count(req->inst, FAILOVERS);
	else
		vexipc_count(req->inst, RETRIES);
	vexipc_trace(request_retry, req->inst->cookie, req->correlation, req->service_handle,
		     why, vexipc_state_attempt(atomic_read(&req->state)), failover);

	if (!vexipc_request_route(req, false, NULL))
		return;
	if (!failover)
		back_off(req);
	else if (vexipc_request_route(req, true, NULL))
		vexipc_request_finish(req, why);
}

/**
 * vexipc_request_fail_over() - find new services for what one held
 * @list: from vexipc_queue_evict(); empty afterwards
 *
 * Context: no locks held.
 */
void vexipc_request_fail_over(struct list_head *list)
{
	struct vexipc_request *req;

	while ((req = list_first_entry_or_null(list, struct vexipc_request, node))) {
		list_del_init(&req->node);
		vexipc_request_again(req, VEXIPC_ERR_SERVICE_DIED, true);
		vexipc_request_put(req);
	}
}

/**
 * vexipc_request_reroute() - it was taken back unsent: find it a service
 * @req: NEW; the caller has a reference, and alone routes it
 * @back: where it goes if there is no other; or NULL, and it is ended
 *
 * Context: no locks held.
 */
void vexipc_request_reroute(struct vexipc_request *req, struct vexipc_service *back)
{
	/* A hedge goes nowhere else. */
	int err = req->hedged ? -ECANCELED : vexipc_request_route(req, true, NULL);

	if (err && back && !req->hedged) {
		err = vexipc_queue_add(back, req);
		if (!err)
			back->transport->kick(back);
	}
	/* That does nothing to one that was completed meanwhile. */
	if (err)
		vexipc_request_finish(req, VEXIPC_ERR_SERVICE_DIED);
}

/* vexipc_request_reroute_all() - the same of a list; it is empty afterwards. */
void vexipc_request_reroute_all(struct list_head *list, struct vexipc_service *back)
{
	struct vexipc_request *req;

	while ((req = list_first_entry_or_null(list, struct vexipc_request, node))) {
		list_del_init(&req->node);
		vexipc_request_reroute(req, back);
		vexipc_request_put(req);
	}
}

/* Does the answer fit the question? */
static bool answer_fits(const struct vexipc_request *req, const struct vexipc_answer *answer)
{
	switch (req->type) {
	case VEXIPC_MSG_EMBED_REQUEST:
		return answer->type == VEXIPC_MSG_EMBED_RESPONSE &&
		       answer->dimensions && answer->dimensions <= VEXIPC_MAX_DIMENSIONS &&
		       (!req->dimensions || answer->dimensions == req->dimensions) &&
		       answer->data_type == req->data_type &&
		       answer->len == vexipc_vector_bytes(answer->data_type,
							  answer->dimensions);
	case VEXIPC_MSG_BATCH_REQUEST:
		return answer->type == VEXIPC_MSG_BATCH_RESPONSE &&
		       answer->count == req->count &&
		       !vexipc_batch_check_results(answer->data, answer->len, req->count,
						   req->dimensions, req->data_type);
	default:
		return answer->type == VEXIPC_MSG_HEALTH_RESPONSE;
	}
}

/* Leave the answer's text for the client; the winner of DONE alone calls it. */
void vexipc_request_take_answer(struct vexipc_request *req, struct vexipc_answer *answer)
{
	req->error_kind = answer->kind;
	req->retry_after_ms = answer->retry_after_ms;
	req->out_dimensions = answer->dimensions;
	req->scale = answer->scale;
	req->answer_mem = answer->mem;
	req->answer = answer->data;
	req->answer_len = answer->len;
	/* What was copied needs no slot. */
	if (answer->lent.queue && !answer->mem) {
		req->lent = answer->lent;
		answer->lent.queue = NULL;
	}
	answer->mem = NULL;
}

/*
 * An answer in memory that its service can write to. Only who copies it out of there
 * once, at once, may have it as it lies: everybody else gets a copy, which is the same
 * to all and always.
 */
static int own_answer(const struct vexipc_request *req, struct vexipc_answer *answer)
{
	void *mem;

	if (answer->lent.queue && req->reads_once && !req->kept && !req->hedged &&
	    req->type == VEXIPC_MSG_EMBED_REQUEST) {
		answer->borrowed = false;
		return 0;
	}
	mem = vexipc_client_alloc(req->ep->memcg, answer->len ?: 1);
	if (!mem)
		return -ENOMEM;
	memcpy(mem, answer->data, answer->len);
	answer->mem = mem;
	answer->data = mem;
	answer->borrowed = false;
	return 0;
}

static void forget_answer(struct vexipc_answer *answer)
{
	answer->data = NULL;
	answer->len = 0;
	answer->borrowed = false;
}

/* Does this service hold the attempt that an answer is to? */
static bool holds(const struct vexipc_service *svc, const struct vexipc_request *req,
		  u64 correlation)
{
	return atomic_read(&req->state) == vexipc_state(vexipc_id_attempt(correlation),
							 VEXIPC_SENT) &&
	       READ_ONCE(req->svc) == svc;
}

/*
 * Its client cannot have the answer: that is the end of it, and nothing that the
 * service did wrong. The attempt is as in vexipc_request_answer(). False: it is not the
 * client's memory that is short, or it was too late.
 */
static bool end_without_memory(struct vexipc_request *req, u64 correlation)
{
	u32 attempt = vexipc_id_attempt(correlation);
	int state = vexipc_state(attempt, VEXIPC_SENT);
	struct vexipc_service *svc;

	/* One that is being killed gets no memory, whoever pays. */
	if (!req->ep->memcg || fatal_signal_pending(current) ||
	    !atomic_try_cmpxchg(&req->state, &state, vexipc_state(attempt, VEXIPC_DONE)))
		return false;
	svc = vexipc_queue_leave(req, state, VEXIPC_ERR_CANCELLED);
	vexipc_request_complete(req, state, VEXIPC_ERR_NO_MEMORY);
	vexipc_queue_credit(svc);
	vexipc_service_put(svc);
	return true;
}

/* The longest message that can be the answer to it. */
static u32 longest_answer(const struct vexipc_request *req)
{
	u32 vector = vexipc_vector_bytes(req->data_type,
					 req->dimensions ?: VEXIPC_MAX_DIMENSIONS);

	if (req->type != VEXIPC_MSG_BATCH_REQUEST)
		return sizeof(struct vexipc_msg_header) +
		       sizeof(struct vexipc_embed_response_body) + vector;
	return sizeof(struct vexipc_msg_header) + sizeof(struct vexipc_batch_response_body) +
	       req->count * (sizeof(struct vexipc_batch_result) + vector);
}

/**
 * vexipc_answer_alloc() - memory for a message that may be an answer
 * @ep: through what it comes
 * @header: of it; nothing of it is believed
 * @len: bytes
 *
 * The answer to a request is at the expense of who asked, once. If that has no memory
 * left, the request ends here with VEXIPC_ERR_NO_MEMORY, and the service is rid of an
 * answer that is nobody's any more. What goes to the members of a carrier they take a
 * copy of.
 *
 * Context: may sleep.
 * Return: for kvfree(), or NULL.
 */
void *vexipc_answer_alloc(struct vexipc_endpoint *ep,
			  const struct vexipc_msg_header *header, u32 len)
{
	u32 type = le32_to_cpu(header->message_type);
	u64 correlation = le64_to_cpu(header->correlation_id);
	struct vexipc_service *svc = READ_ONCE(ep->service);
	struct vexipc_request *req = NULL;
	void *mem = NULL;

	if (svc && (type == VEXIPC_MSG_EMBED_RESPONSE || type == VEXIPC_MSG_BATCH_RESPONSE))
		req = vexipc_slots_find(&ep->inst->slots, correlation);
	if (req) {
		if (holds(svc, req, correlation) && !READ_ONCE(req->carrier) &&
		    len <= longest_answer(req) && !xchg(&req->charged, true)) {
			mem = vexipc_client_alloc(req->ep->memcg, len);
			if (!mem)
				end_without_memory(req, correlation);
		}
		vexipc_request_put(req);
	}
	return mem ?: vexipc_caller_alloc(len);
}

/* vexipc_request_orphan() - an answer that is nobody's; counts it, -ESRCH. */
int vexipc_request_orphan(struct vexipc_service *svc, u64 correlation)
{
	vexipc_count(svc->inst, ORPHANS);
	spin_lock_bh(&svc->lock);
	svc->orphans++;
	spin_unlock_bh(&svc->lock);
	vexipc_trace(request_orphan, svc->inst->cookie, correlation, svc->slot, svc->handle);
	return -ESRCH;
}

/**
 * vexipc_request_answer() - a service answers
 * @svc: which
 * @correlation: what it says it answers, attempt included
 * @answer: well-formed; @answer->mem becomes NULL when it is taken over
 *
 * Only the service that holds this very attempt may answer it. A retryable
 * failure moves the request on instead of completing it.
 *
 * Context: no locks held.
 * Return: 0; -ESRCH an orphan: late, doubled, or another's; -EPROTO it does not
 * fit what was asked, and counts as a failure of the service; -ENOMEM for a copy of
 * what was borrowed, and nothing has changed.
 */
int vexipc_request_answer(struct vexipc_service *svc, u64 correlation,
			  struct vexipc_answer *answer)
{
	struct vexipc_request *req = vexipc_slots_find(&svc->inst->slots, correlation);
	u32 attempt = vexipc_id_attempt(correlation);
	int sent = vexipc_state(attempt, VEXIPC_SENT), state = sent;
	enum vexipc_error error = answer->error;
	bool again = false;
	int err = 0;

	if (!req)
		return vexipc_request_orphan(svc, correlation);
	if (!holds(svc, req, correlation)) {
		vexipc_request_put(req);
		return vexipc_request_orphan(svc, correlation);
	}

	if (error == VEXIPC_OK && !answer_fits(req, answer)) {
		error = VEXIPC_ERR_BAD_ANSWER;
		answer->kind = 0;
		forget_answer(answer);
		err = -EPROTO;
	}
	if (answer->borrowed && own_answer(req, answer)) {
		if (error) {
			/* It does without the text. */
			forget_answer(answer);
		} else {
			err = end_without_memory(req, correlation) ? 0 : -ENOMEM;
			vexipc_request_put(req);
			return err;
		}
	}
	if (error && vexipc_request_counts(req))
		again = error == VEXIPC_ERR_BAD_ANSWER ||
			(answer->kind & (VEXIPC_ERROR_RETRY | VEXIPC_ERROR_OVERLOAD));

	/* The attempt was this service's, and its number is never used again:
	 * who makes this step has the one right to end the attempt.
	 */
	if (!atomic_try_cmpxchg(&req->state, &state,
				again ? vexipc_state(attempt + 1, VEXIPC_NEW) :
					vexipc_state(attempt, VEXIPC_DONE))) {
		vexipc_request_put(req);
		return vexipc_request_orphan(svc, correlation);
	}

	if (err) {
		vexipc_count(svc->inst, BAD_ANSWERS);
		spin_lock_bh(&svc->lock);
		svc->bad_answers++;
		spin_unlock_bh(&svc->lock);
	}
	if (again) {
		struct vexipc_service *left = vexipc_queue_leave(req, sent, error);

		req->retry_after_ms = answer->retry_after_ms;
		req->error_kind = answer->kind;
		WRITE_ONCE(req->charged, false);
		vexipc_request_again(req, error, false);
		vexipc_queue_credit(left);
		vexipc_service_put(left);
	} else if (unlikely(req->hedged)) {
		if (!vexipc_hedge_answered(req, svc, sent, error, answer))
			err = vexipc_request_orphan(svc, correlation);
	} else {
		if (!err) {
			vexipc_request_take_answer(req, answer);
			vexipc_cache_answered_by(req, svc);
		}
		finish_from(req, sent, error);
	}
	vexipc_request_put(req);
	return err;
}
