// SPDX-License-Identifier: GPL-2.0-only
/*
 * In which order what waits is sent: by band of priority, strictly; in a band,
 * users in turn by deficit round robin; of one user, the earliest deadline
 * first. Who waits rises a band from time to time, so that none waits for ever.
 *
 * Nothing is allocated, and nothing is walked but the few flows of a band. The
 * owner has a lock, under which all of this is called.
 */
#include <linux/hash.h>
#include <linux/limits.h>
#include <linux/minmax.h>

#include "order.h"
#include "request.h"

enum {
	PROBES		= 4,	/* places looked at for a user's flow */
	PROMOTIONS	= 16,	/* most that rise in one call: it takes one away */
	COST_SHIFT	= 12,	/* 4 KiB of content cost as much as a request */
};

/**
 * vexipc_order_init() - begin one, with nothing in it
 * @order: zeroed
 */
void vexipc_order_init(struct vexipc_order *order)
{
	INIT_LIST_HEAD(&order->front);
	for (u32 i = 0; i < VEXIPC_BANDS; i++) {
		struct vexipc_order_band *band = &order->band[i];

		INIT_LIST_HEAD(&band->by_age);
		INIT_LIST_HEAD(&band->turns);
		for (u32 j = 0; j <= VEXIPC_FLOWS; j++) {
			band->flow[j].by_deadline = RB_ROOT_CACHED;
			INIT_LIST_HEAD(&band->flow[j].turn);
		}
	}
}

static bool flow_empty(const struct vexipc_flow *flow)
{
	return RB_EMPTY_ROOT(&flow->by_deadline.rb_root);
}

/*
 * The flow of a user: the one it has, or an empty one, among a few places; when
 * all are others', it shares the first.
 */
static struct vexipc_flow *flow_of(struct vexipc_order_band *band, kuid_t user)
{
	u32 at = hash_32(__kuid_val(user), 32) % VEXIPC_FLOWS;
	struct vexipc_flow *empty = NULL;

	for (u32 i = 0; i < PROBES; i++) {
		struct vexipc_flow *flow = &band->flow[(at + i) % VEXIPC_FLOWS];

		if (uid_eq(flow->user, user))
			return flow;
		if (!empty && flow_empty(flow))
			empty = flow;
	}
	return empty ?: &band->flow[at];
}

static bool sooner(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct vexipc_request, by_deadline)->deadline_ns <
	       rb_entry(b, struct vexipc_request, by_deadline)->deadline_ns;
}

/*
 * A flow that was empty begins with nothing: who always comes back just in time
 * would otherwise have a fresh share each time. What it owed is remembered, less
 * the shares that it would have had since. But in each round it is before those who
 * always have something: who asks now and then need not wait for a flood's turn.
 */
static void flow_begin(struct vexipc_order_band *band, struct vexipc_flow *flow, kuid_t user)
{
	u32 rounds = band->round - flow->round;
	struct list_head *after = &band->turns;
	struct vexipc_flow *other;

	if (!uid_eq(flow->user, user) || rounds >= (u32)-min(flow->deficit, 0))
		flow->deficit = 0;
	else
		flow->deficit += rounds;
	flow->user = user;
	flow->served = false;
	list_for_each_entry(other, &band->turns, turn) {
		if (other->served)
			break;
		after = &other->turn;
	}
	list_add(&flow->turn, after);
}

static void band_add(struct vexipc_order *order, struct vexipc_request *req, u32 at)
{
	struct vexipc_order_band *band = &order->band[at];
	struct vexipc_flow *flow;

	/*
	 * What has risen to be critical shares one flow, whosever it is, so that
	 * all of it together delays those who are by no more than one more user.
	 */
	if (at == VEXIPC_BAND_CRITICAL && vexipc_band_of(req->priority) != at)
		flow = &band->flow[VEXIPC_FLOWS];
	else
		flow = flow_of(band, req->uid);
	if (flow_empty(flow))
		flow_begin(band, flow, req->uid);
	rb_add_cached(&req->by_deadline, &flow->by_deadline, sooner);
	list_add_tail(&req->node, &band->by_age);
	req->band = at;
	req->flow = flow - band->flow;
	band->count++;
	WRITE_ONCE(order->count, order->count + 1);
}

/**
 * vexipc_order_add() - in its place
 * @order: where
 * @req: in no list
 * @now_ns: CLOCK_MONOTONIC
 * @ageing_ns: after so long, counted from its submission, and again after as
 *	       long, it is of the next band; 0: never
 */
void vexipc_order_add(struct vexipc_order *order, struct vexipc_request *req, u64 now_ns,
		      u64 ageing_ns)
{
	u32 band = vexipc_band_of(req->priority);
	u64 due = req->submitted_ns + ageing_ns;

	/* One that was elsewhere may have risen there. */
	for (; ageing_ns && band < VEXIPC_BAND_CRITICAL && now_ns >= due; due += ageing_ns)
		band++;
	band_add(order, req, band);
}

/**
 * vexipc_order_add_front() - before all others
 * @order: where
 * @req: in no list
 */
void vexipc_order_add_front(struct vexipc_order *order, struct vexipc_request *req)
{
	req->flow = VEXIPC_FLOW_FRONT;
	list_add(&req->node, &order->front);
	WRITE_ONCE(order->count, order->count + 1);
}

/**
 * vexipc_order_remove() - off it
 * @order: where it is
 * @req: which; its node is empty afterwards
 */
void vexipc_order_remove(struct vexipc_order *order, struct vexipc_request *req)
{
	struct vexipc_order_band *band;
	struct vexipc_flow *flow;

	list_del_init(&req->node);
	WRITE_ONCE(order->count, order->count - 1);
	if (req->flow == VEXIPC_FLOW_FRONT)
		return;
	band = &order->band[req->band];
	flow = &band->flow[req->flow];
	band->count--;
	rb_erase_cached(&req->by_deadline, &flow->by_deadline);
	if (flow_empty(flow)) {
		flow->round = band->round;
		list_del_init(&flow->turn);
	}
}

/**
 * vexipc_order_charge() - it is sent: its user's share is used up by so much
 * @order: where it is
 * @req: which
 */
void vexipc_order_charge(struct vexipc_order *order, const struct vexipc_request *req)
{
	struct vexipc_order_band *band = &order->band[req->band];
	struct vexipc_flow *flow;

	if (req->flow == VEXIPC_FLOW_FRONT)
		return;
	flow = &band->flow[req->flow];
	flow->deficit -= max(req->count, 1u) + (req->content_len >> COST_SHIFT);
	flow->served = true;
	list_move_tail(&flow->turn, &band->turns);
}

/* Whose turn it is. Band is not empty, so some flow has requests. */
static struct vexipc_flow *next_flow(struct vexipc_order_band *band)
{
	struct vexipc_flow *flow;
	s32 most = S32_MIN;

	list_for_each_entry(flow, &band->turns, turn) {
		if (flow->deficit > 0)
			return flow;
		most = max(most, flow->deficit);
	}
	/* All are through: as many rounds at once as the next one needs. */
	band->round += 1 - most;
	list_for_each_entry(flow, &band->turns, turn)
		flow->deficit += 1 - most;
	list_for_each_entry(flow, &band->turns, turn)
		if (flow->deficit > 0)
			return flow;
	return NULL;
}

/* Those of a band that have waited for long enough are of the next one. */
static void promote(struct vexipc_order *order, u32 at, u64 now_ns, u64 ageing_ns,
		    u32 *budget)
{
	struct vexipc_order_band *band = &order->band[at];
	struct vexipc_request *req;

	while (*budget && (req = list_first_entry_or_null(&band->by_age,
							  struct vexipc_request, node))) {
		u32 risen = at - vexipc_band_of(req->priority);

		if (now_ns < req->submitted_ns + (risen + 1) * ageing_ns)
			break;
		vexipc_order_remove(order, req);
		band_add(order, req, at + 1);
		(*budget)--;
	}
}

/**
 * vexipc_order_first() - the one that is next
 * @order: where
 * @now_ns: CLOCK_MONOTONIC
 * @ageing_ns: as in vexipc_order_add()
 *
 * Return: it stays where it is; NULL when there is none.
 */
struct vexipc_request *vexipc_order_first(struct vexipc_order *order, u64 now_ns,
					  u64 ageing_ns)
{
	u32 budget = PROMOTIONS;

	if (!order->count)
		return NULL;
	if (!list_empty(&order->front))
		return list_first_entry(&order->front, struct vexipc_request, node);
	for (int at = VEXIPC_BAND_HIGH; ageing_ns && at >= 0; at--)
		promote(order, at, now_ns, ageing_ns, &budget);
	for (int at = VEXIPC_BAND_CRITICAL; at >= 0; at--) {
		struct vexipc_order_band *band = &order->band[at];

		if (band->count)
			return rb_entry(rb_first_cached(&next_flow(band)->by_deadline),
					struct vexipc_request, by_deadline);
	}
	return NULL;
}

/**
 * vexipc_order_oldest() - the one that came into a band first
 * @order: where
 * @band: which
 *
 * Return: it stays where it is; NULL when there is none.
 */
struct vexipc_request *vexipc_order_oldest(struct vexipc_order *order, u32 band)
{
	return list_first_entry_or_null(&order->band[band].by_age, struct vexipc_request, node);
}

/* vexipc_order_newest() - the same, that came last. */
struct vexipc_request *vexipc_order_newest(struct vexipc_order *order, u32 band)
{
	struct list_head *all = &order->band[band].by_age;

	return list_empty(all) ? NULL : list_last_entry(all, struct vexipc_request, node);
}
