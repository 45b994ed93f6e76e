/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_REQUEST_H
#define _VEXIPC_REQUEST_H

#include <linux/bitmap.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/rcuwait.h>
#include <linux/refcount.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include <linux/vexipc.h>

#include "endpoint.h"
#include "ring.h"
#include "slots.h"

struct vexipc_carrier;
struct vexipc_context;
struct vexipc_image;
struct vexipc_instance;
struct vexipc_party;
struct vexipc_kept;
struct vexipc_service;

/*
 * Where a request is. The state word is attempt << 2 | phase, and only
 * cmpxchg() moves it, so whoever makes a step has won it:
 *
 *   NEW(a) -> QUEUED(a)      queue: put on a service's queue
 *   QUEUED(a) -> SENT(a)     sender: taken off it to be sent
 *   SENT(a) -> QUEUED(a)     sender: it could not be sent after all
 *   QUEUED(a) -> NEW(a)      queue: taken back unsent, to be put on another; who
 *			      makes this step alone routes it
 *   QUEUED(a), SENT(a) -> NEW(a+1)
 *			      retry, failover: this attempt is over
 *   any -> DONE(a)	      answer, timeout, cancel, failure: the one completion
 *
 * An answer must find SENT(a) with the attempt it was sent for. Who leaves
 * QUEUED or SENT takes the request off its service's list, or off the overflow
 * queue when it is QUEUED and has no service; who makes it DONE completes it.
 */
enum vexipc_phase {
	VEXIPC_NEW,
	VEXIPC_QUEUED,
	VEXIPC_SENT,
	VEXIPC_DONE,
};

/* A pin that is no service's handle. */
#define VEXIPC_PIN_NOBODY	U64_MAX

enum {
	VEXIPC_MAX_TRIED	= 8,	/* services remembered as tried */
};

static inline int vexipc_state(u32 attempt, enum vexipc_phase phase)
{
	return attempt << 2 | phase;
}

static inline enum vexipc_phase vexipc_state_phase(int state)
{
	return state & 3;
}

static inline u32 vexipc_state_attempt(int state)
{
	return (u32)state >> 2;
}

/*
 * struct vexipc_request - one request, from submission until its completion is
 *			   taken
 * @state:	 see above
 * @refs:	 one while it is not DONE, one of the timer while it runs, one of
 *		 whoever takes the completion, and of those who look
 * @correlation: slot and generation, attempt 0
 * @request_id:	 the client's name for it
 * @client_correlation: of the message it came in, for the answer
 * @inst:	 its instance
 * @ep:		 who asked; a reference
 * @svc:	 whose list it is on; a reference; changed only by the winner of
 *		 NEW -> QUEUED and of leaving QUEUED or SENT
 * @node:	 in that list, under svc->lock; or among those that wait for another's
 *		 answer, under the lock of that, see coalesce.c
 * @by_deadline: in its flow while it is queued, under the same lock: off it before it
 *		 is SENT, or NEW again, or who made it DONE completes it
 * @ep_node:	 in ep->requests, under ep->lock
 * @id_node:	 in ep->own_ids, under ep->lock
 * @out:	 in the same place, once it is completed: in ep->out, under ep->lock
 * @complete:	 called once, by the one who made it DONE; must not sleep
 * @private:	 @complete's
 * @waiter:	 the client, when it waits
 * @timer:	 the deadline, or before it the end of a backoff; with a reference
 * @work:	 routes it again; with a reference
 * @mem:	 what model, content point into; kvfree()d
 * @answer_mem:	 what @answer points into; kvfree()d
 * @lent:	 or the slot of a ring that it points into
 * @kept:	 what it shares with others; a reference. See cache.h
 * @hedge:	 another request that asks a second service the same; a reference. See
 *		 hedge.c
 * @hedged:	 of a hedge: what it is one of; a reference
 * @rests:	 its attempt has failed, and its hedge is the next
 * @late_ns:	 when it was last found late, of this attempt if after @sent_ns; under svc->lock
 * @hedge_slot:	 of the service that got the hedge, plus 1; 0: none did
 *
 * The answer's fields are written by the one who made it DONE, before
 * @finished.
 */
struct vexipc_request {
	atomic_t state;
	refcount_t refs;
	u64 correlation;
	u64 request_id;
	u64 client_correlation;
	struct vexipc_instance *inst;
	struct vexipc_endpoint *ep;
	struct vexipc_service *svc;
	struct list_head node;
	union {
		struct rb_node by_deadline;
		struct vexipc_out out;
	};
	struct list_head ep_node;
	struct hlist_node id_node;
	void (*complete)(struct vexipc_request *req);
	void *private;
	struct rcuwait waiter;
	struct timer_list timer;
	struct work_struct work;

	/* what was asked */
	void *mem;
	const void *model;
	const void *content;
	u64 session;
	u64 pin;		/* handle of the only service it may go to, or 0 */
	u64 deadline_ns;
	u64 submitted_ns;
	kuid_t uid;
	u32 model_len;
	u32 content_len;
	u32 held_bytes;		/* that it is counted for while it has memory */
	u16 dimensions;
	u16 count;		/* items of a batch; else 1 */
	u16 flags;		/* VEXIPC_EMBED_* */
	u16 type;		/* enum vexipc_msg_type */
	u8 data_type;
	u8 content_type;
	u8 algorithm;
	u8 priority;
	u8 band;		/* where it is queued, see order.h */
	u8 flow;
	bool accepted;		/* was queued: full queues lose it no more */
	bool may_wait;		/* its client sleeps until there is room for it */
	bool nonblock;		/* its client comes back when there is */
	bool listed;		/* in ep->requests */
	bool finished;
	bool overdue;		/* its client, who waits, is to look at the time */
	bool reads_once;	/* who copies the answer out at once, and then puts it */
	bool batched;		/* an item of a client's batch */
	bool follows;		/* @node is in a list of those that wait for another's answer */
	bool charged;		/* an answer was taken in at its client's expense */
	struct vexipc_carrier *carrier;	/* what it is SENT in, under svc->lock */

	/* where else it is counted */
	struct vexipc_party *user;
	bool held, of_module;

	/* where it has been */
	u8 tried_count;
	u8 retries;		/* that counted, not failovers */
	u16 tried[VEXIPC_MAX_TRIED];	/* slots */
	atomic_t retrying;	/* it has a share of the retry budget */
	u32 retry_at;		/* the end of its backoff, low bits of jiffies; 0: none */
	u8 last_error;		/* why the last attempt ended */

	/* what came of it */
	u8 status;		/* enum vexipc_error */
	u8 result_flags;	/* VEXIPC_RESULT_* */
	bool answered;		/* a service said how it ends */
	u16 attempts;
	u16 hedge_slot;
	u16 out_dimensions;
	u8 error_kind;		/* VEXIPC_ERROR_RETRY, VEXIPC_ERROR_OVERLOAD */
	u32 retry_after_ms;
	u32 scale;
	u32 answer_len;
	atomic_t rests;
	u64 service_handle;
	u64 sent_ns;
	u64 done_ns;
	void *answer_mem;
	struct vexipc_lent lent;
	const void *answer;

	struct vexipc_kept *kept;
	struct vexipc_request *hedge;
	struct vexipc_request *hedged;
	u64 late_ns;
};

/* 17 to two pages: with what goes with it, it takes no more than 512 bytes. */
#ifndef CONFIG_LOCKDEP
static_assert(sizeof(struct vexipc_request) <= 480);
#endif

/*
 * struct vexipc_answer - what a service answered, checked for form
 * @error: VEXIPC_OK, or what the service said
 * @mem:   owns what @data points into; taken over when the answer wins
 * @borrowed: @data points into memory that the service can write to, and is
 *	   copied, unless
 * @lent:  the slot it lies in may be taken over
 */
struct vexipc_answer {
	enum vexipc_error error;
	u32 kind;
	u32 retry_after_ms;
	u32 type;		/* of the message */
	u32 count;
	u32 dimensions;
	u32 data_type;
	u32 scale;
	void *mem;
	bool borrowed;
	struct vexipc_lent lent;
	const void *data;
	u32 len;
};

/**
 * struct vexipc_plug - services that have been given requests and not kicked yet
 * @slots: theirs
 *
 * So that all of a batch is queued before the first of it is sent.
 */
struct vexipc_plug {
	DECLARE_BITMAP(slots, VEXIPC_MAX_SERVICES);
};

/* vexipc_request_tried() - has the service in this slot had it before? */
static inline bool vexipc_request_tried(const struct vexipc_request *req, u32 slot)
{
	for (u32 i = 0; i < req->tried_count; i++)
		if (req->tried[i] == slot)
			return true;
	/* One that has a hedge has been somewhere. */
	return req->tried_count && READ_ONCE(req->hedge_slot) == slot + 1;
}

static inline bool vexipc_request_done(const struct vexipc_request *req)
{
	return vexipc_state_phase(atomic_read(&req->state)) == VEXIPC_DONE;
}

static inline bool vexipc_request_is_probe(const struct vexipc_request *req)
{
	return req->type == VEXIPC_MSG_HEALTH_CHECK;
}

/*
 * vexipc_request_claim() - the step to DONE from wherever it is, which decides: true for
 * the one caller who made it, and is to complete the request from @state
 */
static inline bool vexipc_request_claim(struct vexipc_request *req, int *state)
{
	*state = atomic_read(&req->state);
	do {
		if (vexipc_state_phase(*state) == VEXIPC_DONE)
			return false;
	} while (!atomic_try_cmpxchg(&req->state, state,
				     vexipc_state(vexipc_state_attempt(*state),
						  VEXIPC_DONE)));
	return true;
}

/* vexipc_request_counts() - is it a client's, and so among the instance's? */
static inline bool vexipc_request_counts(const struct vexipc_request *req)
{
	return !vexipc_request_is_probe(req) && likely(!req->hedged);
}

/* vexipc_request_no_room() - could it be accepted when some of those before it have gone? */
static inline bool vexipc_request_no_room(int err)
{
	return err == -ENOBUFS || err == -EUSERS;
}

struct vexipc_request *vexipc_request_alloc(const struct vexipc_context *ctx,
					    struct vexipc_endpoint *ep, u32 type);
void vexipc_request_put(struct vexipc_request *req);
int vexipc_request_submit(struct vexipc_request *req);
int vexipc_request_route(struct vexipc_request *req, bool tried_too,
			 struct vexipc_plug *plug);
void vexipc_request_arm(struct vexipc_request *req);
int vexipc_request_submit_plugged(struct vexipc_request *req, struct vexipc_plug *plug);
void vexipc_request_unplug(struct vexipc_instance *inst, struct vexipc_plug *plug);
void vexipc_request_wake(struct vexipc_request *req);
void vexipc_request_wait(struct vexipc_request *req);

/* vexipc_jiffies_until() - enough of them; 0 when it is past. */
static inline unsigned long vexipc_jiffies_until(u64 deadline_ns)
{
	u64 now = ktime_get_ns();

	return deadline_ns > now ? nsecs_to_jiffies(deadline_ns - now) + 1 : 0;
}

/*
 * vexipc_wait_until() - wait for a condition, the deadline or a signal. Whoever makes
 * the condition true wakes the waiter. VEXIPC_OK, or which of the others came first:
 * VEXIPC_ERR_TIMED_OUT, VEXIPC_ERR_INTERRUPTED.
 */
#define vexipc_wait_until(waiter, condition, deadline_ns) ({			\
	u64 deadline_ = (deadline_ns);						\
	long left_;								\
										\
	/* Ticks that came late come at once, and jiffies run ahead. */		\
	do {									\
		left_ = rcuwait_wait_event_timeout(waiter, condition,		\
						   TASK_INTERRUPTIBLE,		\
						   vexipc_jiffies_until(deadline_)); \
	} while (!left_ && vexipc_jiffies_until(deadline_));			\
	left_ > 0 ? VEXIPC_OK :							\
		    left_ ? VEXIPC_ERR_INTERRUPTED : VEXIPC_ERR_TIMED_OUT;	\
})
bool vexipc_request_budget(struct vexipc_instance *inst, atomic_t *taken,
			   enum vexipc_config_field percent);
bool vexipc_request_finish(struct vexipc_request *req, enum vexipc_error error);
void vexipc_request_complete(struct vexipc_request *req, int state,
			     enum vexipc_error error);
void vexipc_request_take_answer(struct vexipc_request *req, struct vexipc_answer *answer);
void *vexipc_answer_alloc(struct vexipc_endpoint *ep,
			  const struct vexipc_msg_header *header, u32 len);
int vexipc_request_answer(struct vexipc_service *svc, u64 correlation,
			  struct vexipc_answer *answer);
int vexipc_request_orphan(struct vexipc_service *svc, u64 correlation);
void vexipc_request_again(struct vexipc_request *req, enum vexipc_error why,
			  bool failover);
void vexipc_request_route_later(struct vexipc_request *req);
void vexipc_request_fail_over(struct list_head *list);
void vexipc_request_reroute(struct vexipc_request *req, struct vexipc_service *back);
void vexipc_request_reroute_all(struct list_head *list, struct vexipc_service *back);
void vexipc_request_image_open(const struct vexipc_request *req, u32 attempt,
			       struct vexipc_image *image);
void vexipc_request_image(const struct vexipc_request *req, u32 attempt,
			  struct vexipc_image *image);
u32 vexipc_request_completion_len(const struct vexipc_request *req);
void vexipc_request_completion_image(struct vexipc_request *req,
				     struct vexipc_image *image);
int vexipc_request_cache_init(void);
void vexipc_request_cache_exit(void);

#endif
