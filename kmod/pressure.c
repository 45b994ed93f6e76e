// SPDX-License-Identifier: GPL-2.0-only
/*
 * Places in the queues of an instance, max_queue_size of them, and what happens
 * as they fill up. From queue_backpressure_percent on, clients that do not wait
 * are asked to come back, if what they bring is of a low or normal band and their
 * user has more than a few there; from queue_shed_percent on, what is of the low band
 * is refused. When they are full, what is of a higher band takes the place of the
 * newest of the lowest that is queued, and clients that may wait do so.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>

#include "admission.h"
#include "alert.h"
#include "instance.h"
#include "overflow.h"
#include "pressure.h"
#include "queue.h"
#include "registry.h"
#include "request.h"

/* Bits of @flags. */
enum {
	WAITED_FOR,	/* a client waits in @room, or may */
	POLLED_FOR,	/* one was told to come back */
	BACKING,	/* backpressure has been told of, and not yet its end */
	SHEDDING,	/* the same of shedding */
};

enum {
	FEW	= 8,	/* a user has few places if less than one in so many free ones */
	LOOK_AT	= 64,	/* services, to say when there is room */
};

static u32 limit_of(const struct vexipc_instance *inst)
{
	return vexipc_config(inst, VEXIPC_CONFIG_MAX_QUEUE_SIZE);
}

/* So many queued are so many percent: at least one, or nothing could be queued. */
static u32 level(const struct vexipc_instance *inst, enum vexipc_config_field percent)
{
	return max(DIV_ROUND_UP(limit_of(inst) * vexipc_config(inst, percent), 100), 1u);
}

/* Whichever comes first: below it nothing is kept out. */
static u32 calm_level(const struct vexipc_instance *inst)
{
	return level(inst, vexipc_config(inst, VEXIPC_CONFIG_QUEUE_SHED_PERCENT) <
			   vexipc_config(inst, VEXIPC_CONFIG_QUEUE_BACKPRESSURE_PERCENT) ?
			   VEXIPC_CONFIG_QUEUE_SHED_PERCENT :
			   VEXIPC_CONFIG_QUEUE_BACKPRESSURE_PERCENT);
}

static u32 back_level(const struct vexipc_instance *inst)
{
	return level(inst, VEXIPC_CONFIG_QUEUE_BACKPRESSURE_PERCENT);
}

static u32 queued(const struct vexipc_instance *inst)
{
	return max(atomic_read(&inst->queued), 0);
}

static atomic_t *of_user(const struct vexipc_request *req)
{
	return &req->inst->pressure.users[hash_32(__kuid_val(req->uid),
						  ilog2(VEXIPC_PRESSURE_USERS))];
}

/*
 * The fuller the queues, the fewer are few: so there always is room for who comes
 * only now, and one user's flood keeps out nobody else.
 */
static bool has_few(const struct vexipc_request *req, u32 now, u32 limit)
{
	return now < limit && (u32)max(atomic_read(of_user(req)), 0) < (limit - now) / FEW;
}

void vexipc_pressure_init(struct vexipc_pressure *p)
{
	init_waitqueue_head(&p->room);
	init_waitqueue_head(&p->writable);
}

static void tell_of_backpressure(struct vexipc_instance *inst)
{
	if (!test_bit(BACKING, &inst->pressure.flags) &&
	    !test_and_set_bit(BACKING, &inst->pressure.flags))
		vexipc_alert(inst, VEXIPC_ALERT_BACKPRESSURE, NULL, queued(inst),
			     "the queues fill up");
}

static void tell_of_shedding(struct vexipc_instance *inst)
{
	if (!test_bit(SHEDDING, &inst->pressure.flags) &&
	    !test_and_set_bit(SHEDDING, &inst->pressure.flags))
		vexipc_alert(inst, VEXIPC_ALERT_SHEDDING_BEGAN, NULL, queued(inst),
			     "overloaded: what is of low priority is shed");
}

static int admit_under_pressure(struct vexipc_request *req, u32 now)
{
	struct vexipc_instance *inst = req->inst;
	u32 band = vexipc_band_of(req->priority);
	u32 limit = limit_of(inst);

	if (now >= back_level(inst))
		tell_of_backpressure(inst);
	if (band == VEXIPC_BAND_LOW && (now < limit || req->may_wait) &&
	    now >= level(inst, VEXIPC_CONFIG_QUEUE_SHED_PERCENT)) {
		tell_of_shedding(inst);
		return -EXFULL;
	}
	if (!req->nonblock || band > VEXIPC_BAND_NORMAL || now >= limit ||
	    has_few(req, now, limit))
		return 0;
	return vexipc_pressure_writable(inst) ? 0 : -EAGAIN;
}

/**
 * vexipc_pressure_admit() - may a new request try for a place?
 * @req: not a probe
 *
 * Return: 0; -EAGAIN it is asked to come back when vexipc_pressure_writable();
 * -EXFULL shed.
 */
int vexipc_pressure_admit(struct vexipc_request *req)
{
	u32 now = queued(req->inst);

	if (likely(now < calm_level(req->inst)))
		return 0;
	return admit_under_pressure(req, now);
}

/* Places that the services which have something queued free in a second. */
static u64 places_a_second(struct vexipc_instance *inst)
{
	struct vexipc_capable *set;
	u64 sum = 0;
	u32 i;

	rcu_read_lock();
	set = rcu_dereference(inst->services)->all;
	for (i = 0; i < min(set->count, LOOK_AT); i++) {
		struct vexipc_service *svc = rcu_dereference(set->service[i]);
		u32 waiting = svc ? READ_ONCE(svc->queued) : 0;
		u64 ns = waiting ? vexipc_service_queue_ns(svc) : 0;

		if (ns)
			sum += div64_u64((u64)waiting * NSEC_PER_SEC, ns);
	}
	/* The others are as these are. */
	if (i < set->count)
		sum = div_u64(sum * set->count, i);
	rcu_read_unlock();
	return sum;
}

/**
 * vexipc_pressure_retry_after() - say when there may be room
 * @req: is refused
 * @err: for want of it: -ENOBUFS, -EAGAIN, -EXFULL, -EUSERS
 *
 * As long as the services need for what is too much now, by what they have taken
 * for an answer until now. Where they have given none, nothing is said.
 */
void vexipc_pressure_retry_after(struct vexipc_request *req, int err)
{
	struct vexipc_instance *inst = req->inst;
	u32 now = queued(inst), most = limit_of(inst);
	u64 rate = places_a_second(inst);

	if (err == -EXFULL)
		most = level(inst, VEXIPC_CONFIG_QUEUE_SHED_PERCENT);
	else if (err == -EAGAIN)
		most = back_level(inst);
	req->retry_after_ms = 0;
	if (rate)
		vexipc_admission_retry_after(req, div64_u64((now - min(now, most) + 1ull) *
							    NSEC_PER_SEC, rate));
}

/**
 * vexipc_pressure_take() - take a place
 * @req: among all queues of its instance; one that was accepted before and moves on
 *	 may go over the limit, for full queues refuse, they do not lose
 */
bool vexipc_pressure_take(struct vexipc_request *req)
{
	struct vexipc_instance *inst = req->inst;
	int now = atomic_read(&inst->queued);
	int max;

	/* Never above, not even for a moment: who waits for room goes by it. */
	do {
		if (now >= (int)limit_of(inst) && !req->accepted)
			return false;
	} while (!atomic_try_cmpxchg(&inst->queued, &now, now + 1));
	now++;
	max = atomic_read(&inst->queued_max);
	while (now > max && !atomic_try_cmpxchg(&inst->queued_max, &max, now))
		;
	atomic_inc(of_user(req));
	return true;
}

/**
 * vexipc_pressure_give() - give a place back
 * @req: that took it
 *
 * Under a queue's lock; vexipc_pressure_eased() follows, without.
 */
void vexipc_pressure_give(struct vexipc_request *req)
{
	atomic_dec(of_user(req));
	/* Whole barrier: before the look at @flags; see the smp_mb() below. */
	atomic_dec_return(&req->inst->queued);
}

/*
 * A service, from @at on, that has something of the band queued, with a reference.
 * What is shed then may have memory that must not be freed under RCU.
 */
static struct vexipc_service *next_with(struct vexipc_instance *inst, u32 band, u32 *at)
{
	struct vexipc_service *svc = NULL;
	struct vexipc_capable *set;

	rcu_read_lock();
	set = rcu_dereference(inst->services)->all;
	while (!svc && *at < set->count) {
		svc = rcu_dereference(set->service[(*at)++]);
		if (svc && (!READ_ONCE(svc->queue.band[band].count) ||
			    !kref_get_unless_zero(&svc->refs)))
			svc = NULL;
	}
	rcu_read_unlock();
	return svc;
}

static bool shed_one(struct vexipc_instance *inst, u32 band)
{
	struct vexipc_service *svc;
	bool shed = false;
	u32 at = 0;

	/* What overflowed came last. */
	if (vexipc_overflow_shed(inst, band))
		return true;
	while (!shed && (svc = next_with(inst, band, &at))) {
		shed = vexipc_queue_shed(svc, band);
		vexipc_service_put(svc);
	}
	return shed;
}

/**
 * vexipc_pressure_make_room() - shed what is of less account
 * @req: found the queues full
 *
 * Context: no locks held.
 * Return: whether the newest of the lowest band below @req's was shed.
 */
bool vexipc_pressure_make_room(struct vexipc_request *req)
{
	for (u32 band = 0; band < vexipc_band_of(req->priority); band++) {
		if (shed_one(req->inst, band)) {
			tell_of_shedding(req->inst);
			return true;
		}
	}
	return false;
}

/* Is there a place, or something else that ends the wait? 1: go on waiting. */
static int look(struct vexipc_request *req, long *left)
{
	u64 now = ktime_get_ns();

	if (queued(req->inst) < limit_of(req->inst))
		return 0;
	if (vexipc_state_phase(atomic_read(&req->state)) == VEXIPC_DONE)
		return -ECANCELED;
	if (signal_pending(current))
		return -EINTR;
	if (now >= req->deadline_ns)
		return -ETIMEDOUT;
	*left = nsecs_to_jiffies(req->deadline_ns - now) + 1;
	return 1;
}

/**
 * vexipc_pressure_wait() - wait for a place
 * @req: NEW; found the queues full
 *
 * First come, first served, but who comes just when there is a place may be
 * faster. Its completion, by a cancel, wakes it as well.
 *
 * Context: sleeps; no locks held.
 * Return: 0 there was a place a moment ago; -ETIMEDOUT the deadline is past;
 * -EINTR a signal; -ECANCELED it has been completed.
 */
int vexipc_pressure_wait(struct vexipc_request *req)
{
	struct vexipc_pressure *p = &req->inst->pressure;
	DEFINE_WAIT_FUNC(wait, default_wake_function);
	long left = 0;
	int err;

	prepare_to_rcuwait(&req->waiter);
	/* It keeps its place in the line until it leaves. */
	add_wait_queue_exclusive(&p->room, &wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		set_bit(WAITED_FOR, &p->flags);
		/* Pairs with vexipc_pressure_give(): we see the place, or it sees us. */
		smp_mb__after_atomic();
		err = look(req, &left);
		if (err <= 0)
			break;
		schedule_timeout(left);
	}
	__set_current_state(TASK_RUNNING);
	remove_wait_queue(&p->room, &wait);
	finish_rcuwait(&req->waiter);
	/* The wake-up may have been for a place that we leave to the next one. */
	if (err)
		vexipc_pressure_eased(p, req->inst);
	return err;
}

/**
 * vexipc_pressure_writable() - is there no backpressure?
 * @inst: whose
 *
 * Return: if not, those who poll @writable are woken when there is none.
 */
bool vexipc_pressure_writable(struct vexipc_instance *inst)
{
	if (queued(inst) < back_level(inst))
		return true;
	set_bit(POLLED_FOR, &inst->pressure.flags);
	smp_mb__after_atomic();	/* as in vexipc_pressure_wait() */
	return queued(inst) < back_level(inst);
}

/**
 * vexipc_pressure_relieve() - wake those for whom there is room now
 * @inst: whose
 *
 * Context: any but hard interrupts; no locks held.
 */
void vexipc_pressure_relieve(struct vexipc_instance *inst)
{
	struct vexipc_pressure *p = &inst->pressure;
	u32 now = queued(inst), back = back_level(inst);
	bool calm = now < calm_level(inst);

	if (test_bit(WAITED_FOR, &p->flags)) {
		if (!wq_has_sleeper(&p->room)) {
			clear_bit(WAITED_FOR, &p->flags);
			/* One who came just now is in line before it sets the bit. */
			smp_mb__after_atomic();
			if (wq_has_sleeper(&p->room))
				set_bit(WAITED_FOR, &p->flags);
		}
		if (now < limit_of(inst))
			wake_up(&p->room);
	}
	if (now < back && test_bit(POLLED_FOR, &p->flags) &&
	    test_and_clear_bit(POLLED_FOR, &p->flags))
		wake_up_poll(&p->writable, EPOLLOUT | EPOLLWRNORM);
	if (calm && test_bit(SHEDDING, &p->flags) &&
	    test_and_clear_bit(SHEDDING, &p->flags))
		vexipc_alert(inst, VEXIPC_ALERT_SHEDDING_ENDED, NULL, now,
			     "nothing is shed any more");
	/* At half of it, so that what goes up and down there is told once. */
	if (now <= back / 2)
		clear_bit(BACKING, &p->flags);
}
