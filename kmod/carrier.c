// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dynamic batches: requests that wait for one service and are alike travel in
 * one BATCH_REQUEST.
 *
 * A carrier knows its members by their ids alone, attempt included. Each stays a
 * request in flight, on its service's list, with its own state word and credit;
 * whatever ends or moves one while it is carried (timeout, cancel, the death of
 * the service) does so by the member's own step, and knows nothing of carriers
 * but vexipc_carrier_left(), under the service's lock. The carrier's answer is
 * handed to each member as if it had come alone: who is no longer SENT with this
 * attempt makes its item an orphan. Two answers to one carrier are decided by
 * @answered, under the service's lock: the second is an orphan as a whole.
 *
 * The carrier goes with the last of its members, so there are never more than
 * requests in flight.
 */
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "batch.h"
#include "carrier.h"
#include "instance.h"
#include "message_service.h"
#include "queue.h"
#include "registry.h"
#include "request.h"
#include "trace.h"
#include "transport.h"

/* What a carrier's message has beside model and items. */
enum { HEAD = sizeof(struct vexipc_msg_header) + sizeof(struct vexipc_batch_request_body) };

static bool may_be_carried(const struct vexipc_service *svc, const struct vexipc_request *req)
{
	/* Who asked for a batch gets one where batches are taken. */
	return svc->spec.max_batch > 1 && req->type == VEXIPC_MSG_EMBED_REQUEST &&
	       (req->batched || vexipc_config(svc->inst, VEXIPC_CONFIG_DYNAMIC_BATCHING));
}

static u32 item_bytes(const struct vexipc_request *req)
{
	return sizeof(struct vexipc_batch_item) + req->content_len;
}

/**
 * vexipc_carrier_takes() - may this request travel with the others?
 * @carrier: being filled
 * @svc: where to
 * @leader: the first in it
 * @req: the next of the service's queue
 *
 * Not with those of another band: they would wait for each other's answers.
 */
bool vexipc_carrier_takes(const struct vexipc_carrier *carrier,
			  const struct vexipc_service *svc,
			  const struct vexipc_request *leader,
			  const struct vexipc_request *req)
{
	u32 bytes = carrier->bytes + item_bytes(req);

	return carrier->count < carrier->most && may_be_carried(svc, req) &&
	       req->dimensions == leader->dimensions &&
	       req->data_type == leader->data_type &&
	       req->content_type == leader->content_type &&
	       vexipc_band_of(req->priority) == vexipc_band_of(leader->priority) &&
	       req->model_len == leader->model_len &&
	       !memcmp(req->model, leader->model, req->model_len) &&
	       bytes <= carrier->limit &&
	       vexipc_transport_fits(svc, HEAD + leader->model_len + bytes);
}

/* vexipc_carrier_add() - it is SENT, and travels with the others. Takes a reference. */
void vexipc_carrier_add(struct vexipc_carrier *carrier, struct vexipc_request *req,
			u32 attempt)
{
	struct vexipc_member *member = &carrier->member[carrier->count++];

	member->id = vexipc_id_with_attempt(req->correlation, attempt);
	member->req = req;
	carrier->bytes += item_bytes(req);
}

/**
 * vexipc_carrier_begin() - all members are in; from now on it can be found
 * @carrier: of at least two members, each on the service's list of those in flight
 * @svc: where to
 */
void vexipc_carrier_begin(struct vexipc_carrier *carrier, struct vexipc_service *svc)
{
	lockdep_assert_held(&svc->lock);
	for (u32 i = 0; i < carrier->count; i++)
		carrier->member[i].req->carrier = carrier;
	carrier->id = carrier->member[0].id;
	carrier->live = carrier->count;
	refcount_inc(&carrier->refs);
	list_add_tail(&carrier->node, &svc->carriers);
}

/**
 * vexipc_carrier_left() - a request that was SENT is not in flight any more
 * @req: taken off its service's list
 *
 * Context: the service's lock held.
 */
void vexipc_carrier_left(struct vexipc_request *req)
{
	struct vexipc_carrier *carrier = req->carrier;

	if (likely(!carrier))
		return;
	req->carrier = NULL;
	if (--carrier->live)
		return;
	list_del_init(&carrier->node);
	vexipc_carrier_put(carrier);
}

/* vexipc_carrier_put() - drop a reference; in any context but hard interrupts. */
void vexipc_carrier_put(struct vexipc_carrier *carrier)
{
	if (!refcount_dec_and_test(&carrier->refs))
		return;
	kvfree(carrier->payload);
	kfree(carrier);
}

/* vexipc_carrier_sent() - the message is out, or given up: members go their ways. */
void vexipc_carrier_sent(struct vexipc_carrier *carrier)
{
	/* The first one's reference is the taker's of the request. */
	for (u32 i = 1; i < carrier->count; i++)
		vexipc_request_put(carrier->member[i].req);
	vexipc_carrier_put(carrier);
}

/*
 * Its id becomes that of another message, while somebody may be about to take a
 * member off the list.
 */
static void unlist(struct vexipc_carrier *carrier, struct vexipc_service *svc)
{
	spin_lock_bh(&svc->lock);
	list_del_init(&carrier->node);
	spin_unlock_bh(&svc->lock);
}

/**
 * vexipc_carrier_unsend() - it could not be sent: all members back in front
 * @carrier: from vexipc_carrier_gather(); vexipc_carrier_sent() is still to come
 * @svc: whose
 */
void vexipc_carrier_unsend(struct vexipc_carrier *carrier, struct vexipc_service *svc)
{
	unlist(carrier, svc);
	for (u32 i = carrier->count; i--;)
		vexipc_queue_unsend(svc, carrier->member[i].req,
				    vexipc_id_attempt(carrier->member[i].id));
}

/* The first one goes on alone. */
static void dissolve(struct vexipc_carrier *carrier, struct vexipc_service *svc)
{
	struct vexipc_request *leader = carrier->member[0].req;

	unlist(carrier, svc);
	for (u32 i = carrier->count; --i;)
		vexipc_queue_unsend(svc, carrier->member[i].req,
				    vexipc_id_attempt(carrier->member[i].id));
	spin_lock_bh(&svc->lock);
	if (leader->carrier == carrier)
		vexipc_carrier_left(leader);
	spin_unlock_bh(&svc->lock);
	vexipc_carrier_sent(carrier);
}

static void *alloc_payload(u32 len, gfp_t gfp)
{
	return gfpflags_allow_blocking(gfp) ? kvmalloc(len, gfp) : kmalloc(len, gfp);
}

static void pack(struct vexipc_carrier *carrier, const struct vexipc_request *leader)
{
	void *at = carrier->payload;

	memcpy(at, leader->model, leader->model_len);
	at += leader->model_len;
	for (u32 i = 0; i < carrier->count; i++) {
		const struct vexipc_request *req = carrier->member[i].req;
		struct vexipc_batch_item item = { .length = cpu_to_le32(req->content_len) };

		memcpy(at, &item, sizeof(item));
		memcpy(at + sizeof(item), req->content, req->content_len);
		at += item_bytes(req);
	}
}

/* As urgent as the most urgent, and wanted as long as any. */
static void make_image(struct vexipc_carrier *carrier, const struct vexipc_request *leader,
		       bool unsummed)
{
	u64 session = leader->session, deadline = leader->deadline_ns;
	struct vexipc_batch_request_body body = {};
	u32 priority = leader->priority;

	for (u32 i = 1; i < carrier->count; i++) {
		const struct vexipc_request *req = carrier->member[i].req;

		deadline = max(deadline, req->deadline_ns);
		priority = max_t(u32, priority, req->priority);
		if (req->session != session)
			session = 0;
	}
	body.common.session = cpu_to_le64(session);
	body.common.deadline_ns = cpu_to_le64(deadline);
	body.common.dimensions = cpu_to_le32(leader->dimensions);
	body.common.data_type = cpu_to_le32(leader->data_type);
	body.common.content_type = cpu_to_le32(leader->content_type);
	body.common.priority = cpu_to_le32(priority);
	body.common.model_len = cpu_to_le32(leader->model_len);
	body.common.content_len = cpu_to_le32(carrier->bytes);
	body.count = cpu_to_le32(carrier->count);
	vexipc_image_open(&carrier->image, VEXIPC_MSG_BATCH_REQUEST, carrier->id,
			  leader->sent_ns, &body, sizeof(body));
	carrier->image.part[0] = carrier->payload;
	carrier->image.part_len[0] = leader->model_len + carrier->bytes;
	if (unsummed)
		vexipc_image_unsummed(&carrier->image);
	else
		vexipc_image_seal(&carrier->image);
	/* Pairs with vexipc_carrier_find(): its service may ask before it is told. */
	smp_store_release(&carrier->made, true);
}

/**
 * vexipc_carrier_gather() - take along what waits behind a request and is like it
 * @svc: from whose queue
 * @leader: from vexipc_queue_next(); the caller keeps its reference
 * @attempt: which vexipc_queue_next() told
 * @room: bytes of message the taker has room for
 * @gfp: how to allocate
 *
 * Return: the message to send instead of the request's own, or NULL: it goes
 * alone. vexipc_carrier_sent() when it is sent, vexipc_carrier_unsend() before
 * that if it could not be.
 */
struct vexipc_carrier *vexipc_carrier_gather(struct vexipc_service *svc,
					     struct vexipc_request *leader, u32 attempt,
					     u32 room, gfp_t gfp)
{
	u32 most = READ_ONCE(svc->queued) + 1, head = HEAD + leader->model_len;
	u32 limit = vexipc_config(svc->inst, VEXIPC_CONFIG_BATCH_MAX_BYTES);
	struct vexipc_carrier *carrier;

	if (likely(most == 1) || !may_be_carried(svc, leader))
		return NULL;
	most = min(most, svc->spec.max_batch);
	limit = min(limit, room > head ? room - head : 0);
	/* What is larger than the budget goes alone. */
	if (item_bytes(leader) >= limit)
		return NULL;
	carrier = kzalloc(struct_size(carrier, member, most), gfp | __GFP_NOWARN);
	if (!carrier)
		return NULL;
	carrier->most = most;
	carrier->limit = limit;
	refcount_set(&carrier->refs, 1);
	if (!vexipc_queue_gather(svc, leader, attempt, carrier)) {
		kfree(carrier);
		return NULL;
	}
	carrier->payload = alloc_payload(leader->model_len + carrier->bytes, gfp | __GFP_NOWARN);
	if (!carrier->payload) {
		dissolve(carrier, svc);
		return NULL;
	}
	pack(carrier, leader);
	make_image(carrier, leader, svc->transport->unsummed);
	vexipc_count(svc->inst, CARRIERS);
	vexipc_count_add(svc->inst, CARRIED, carrier->count);
	vexipc_trace(request_carry, svc->inst->cookie, carrier->id, svc->slot, svc->handle,
		     carrier->count, carrier->bytes);
	return carrier;
}

static struct vexipc_carrier *find(struct vexipc_service *svc, u64 id)
{
	struct vexipc_carrier *carrier;

	lockdep_assert_held(&svc->lock);
	list_for_each_entry(carrier, &svc->carriers, node)
		if (carrier->id == id)
			return carrier;
	return NULL;
}

/**
 * vexipc_carrier_find() - a carrier in flight, with its message
 * @svc: where
 * @id: of its message
 *
 * Return: the carrier with a reference, or NULL.
 */
struct vexipc_carrier *vexipc_carrier_find(struct vexipc_service *svc, u64 id)
{
	struct vexipc_carrier *carrier;

	spin_lock_bh(&svc->lock);
	carrier = find(svc, id);
	/* Pairs with make_image(). */
	if (carrier && !smp_load_acquire(&carrier->made))
		carrier = NULL;
	if (carrier)
		refcount_inc(&carrier->refs);
	spin_unlock_bh(&svc->lock);
	return carrier;
}

/* An answer to one member. What it points to is copied: members part. */
static int answer_member(struct vexipc_service *svc, u64 id,
			 const struct vexipc_answer *like, const void *data, u32 len)
{
	struct vexipc_answer answer = *like;
	int err;

	answer.mem = NULL;
	answer.lent.queue = NULL;
	answer.data = len ? data : NULL;
	answer.len = len;
	answer.borrowed = len;
	err = vexipc_request_answer(svc, id, &answer);
	if (err == -ENOMEM) {
		answer = (struct vexipc_answer) {
			.type = VEXIPC_MSG_ERROR,
			.error = VEXIPC_ERR_NO_MEMORY, .kind = VEXIPC_ERROR_RETRY,
		};
		err = vexipc_request_answer(svc, id, &answer);
	}
	kvfree(answer.mem);
	return err;
}

/*
 * The result at *@at, moved past it; false when there is no such thing. A member
 * whose vector is not what it asked for finds out itself.
 */
static bool next_result(const void **at, u32 *left, struct vexipc_answer *answer,
			const void **data, u32 *len)
{
	struct vexipc_batch_result result;
	u32 error;

	if (*left < sizeof(result))
		return false;
	memcpy(&result, *at, sizeof(result));
	*at += sizeof(result);
	*left -= sizeof(result);
	error = le32_to_cpu(result.error);
	*len = le32_to_cpu(result.vector_bytes);
	if (*len > *left || error >= VEXIPC_ERRORS || (error && *len) ||
	    !vexipc_batch_kind_ok(&result))
		return false;
	*answer = (struct vexipc_answer) {
		.type = VEXIPC_MSG_EMBED_RESPONSE,
		.error = error ? vexipc_service_error(error) : VEXIPC_OK,
		.kind = le32_to_cpu(result.kind),
		.dimensions = le32_to_cpu(result.dimensions),
		.data_type = le32_to_cpu(result.data_type),
		.scale = le32_to_cpu(result.scale),
	};
	*data = *at;
	*at += *len;
	*left -= *len;
	return true;
}

static int answer_each(struct vexipc_service *svc, const struct vexipc_carrier *carrier,
		       const struct vexipc_answer *whole)
{
	/* No answer to a single request: each member will say that it is bad. */
	const struct vexipc_answer bad = { .type = VEXIPC_MSG_BATCH_RESPONSE };
	bool good = whole->type == VEXIPC_MSG_BATCH_RESPONSE &&
		    whole->count == carrier->count;
	const void *at = whole->data, *data;
	u32 left = whole->len, len;
	int err = -ESRCH;

	for (u32 i = 0; i < carrier->count; i++) {
		struct vexipc_answer answer;
		u64 id = carrier->member[i].id;
		int ret;

		if (whole->error) {
			ret = answer_member(svc, id, whole, whole->data, whole->len);
		} else {
			good = good && next_result(&at, &left, &answer, &data, &len);
			ret = good ? answer_member(svc, id, &answer, data, len) :
				     answer_member(svc, id, &bad, NULL, 0);
		}
		/* Bad for one is bad; else taken by one is taken. */
		if (ret == -EPROTO || (!ret && err == -ESRCH))
			err = ret;
		cond_resched();
	}
	return err;
}

/**
 * vexipc_carrier_answer() - a service answers: is it a carrier it answers?
 * @svc: which
 * @id: what it says it answers
 * @answer: well-formed; an error is each member's
 * @err: what vexipc_request_answer() would return: 0 if it counted for any member,
 *	 -ESRCH for none, -EPROTO it did not fit one at least
 *
 * Context: may sleep; no locks held.
 * Return: whether it was; else it is for vexipc_request_answer().
 */
bool vexipc_carrier_answer(struct vexipc_service *svc, u64 id,
			   struct vexipc_answer *answer, int *err)
{
	struct vexipc_carrier *carrier;
	bool first;

	if (likely(list_empty_careful(&svc->carriers)))
		return false;
	spin_lock_bh(&svc->lock);
	carrier = find(svc, id);
	first = carrier && !carrier->answered;
	if (first) {
		/* By this step the answer is the only one. */
		carrier->answered = true;
		refcount_inc(&carrier->refs);
	}
	spin_unlock_bh(&svc->lock);
	if (!carrier)
		return false;
	if (first) {
		/*
		 * Or the first credit would take the first request that waits,
		 * alone. Who gives a credit back under the lock and still sees
		 * the cork did so before our kick takes the lock.
		 */
		atomic_inc(&svc->corked);
		*err = answer_each(svc, carrier, answer);
		atomic_dec_return(&svc->corked);
		vexipc_queue_credit(svc);
		vexipc_carrier_put(carrier);
	} else {
		*err = vexipc_request_orphan(svc, id);
	}
	return true;
}

/* ------------------------------------------------------------- the delay -- */

/* Softirq. What has waited so long is sent, whoever came meanwhile. */
static enum hrtimer_restart delay_over(struct hrtimer *timer)
{
	struct vexipc_service *svc = container_of(timer, struct vexipc_service, batch_timer);

	spin_lock_bh(&svc->lock);
	svc->batch_delayed = false;
	spin_unlock_bh(&svc->lock);
	svc->transport->kick(svc);
	vexipc_service_put(svc);
	return HRTIMER_NORESTART;
}

/**
 * vexipc_carrier_waits() - should a request wait for company?
 * @svc: whose queue it heads; kicked when the wait is over
 * @req: it
 * @now: ktime_get_ns()
 *
 * Only one that has just been submitted, is not critical, and could yet get
 * company.
 *
 * Context: the service's lock held.
 */
bool vexipc_carrier_waits(struct vexipc_service *svc, const struct vexipc_request *req,
			  u64 now)
{
	u32 delay_us = vexipc_config(svc->inst, VEXIPC_CONFIG_BATCH_DELAY_US);
	u64 until;

	if (likely(!delay_us) || !may_be_carried(svc, req) || req->batched ||
	    vexipc_state_attempt(atomic_read(&req->state)) ||
	    vexipc_band_of(req->priority) == VEXIPC_BAND_CRITICAL ||
	    svc->queued >= svc->spec.max_batch)
		return false;
	until = req->submitted_ns + (u64)delay_us * NSEC_PER_USEC;
	/* What is wanted sooner would expire while it waits. */
	if (now >= until || until >= req->deadline_ns || svc->gone)
		return false;
	if (!svc->batch_delayed) {
		svc->batch_delayed = true;
		vexipc_service_get(svc);
		hrtimer_start(&svc->batch_timer, ns_to_ktime(until - now),
			      HRTIMER_MODE_REL_SOFT);
	}
	return true;
}

/* vexipc_carrier_init() - of a service being made */
void vexipc_carrier_init(struct vexipc_service *svc)
{
	INIT_LIST_HEAD(&svc->carriers);
#ifdef VEXIPC_HRTIMER_SETUP
	hrtimer_setup(&svc->batch_timer, delay_over, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
#else
	hrtimer_init(&svc->batch_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	svc->batch_timer.function = delay_over;
#endif
}

/* vexipc_carrier_stop() - the service is gone, and nothing waits for company */
void vexipc_carrier_stop(struct vexipc_service *svc)
{
	if (hrtimer_cancel(&svc->batch_timer))
		vexipc_service_put(svc);	/* the timer's */
}
