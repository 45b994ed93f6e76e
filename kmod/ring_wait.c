// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who waits in a ring: for a request, or for a tag, and who wakes whom.
 *
 * A waiter is on a list before it looks a last time, and who has something for it
 * puts that where it is seen before looking at the list.
 */
#include <linux/bitmap.h>
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>

#include "queue.h"
#include "ring_entry.h"

/* More than a round trip through one that answers at once. */
#define SPIN_MAX_NS	20000u

struct waiter {
	struct list_head node;
	struct task_struct *task;
};

/* From here on the waiter may be gone; its task is there as long as BHs are off. */
static void wake_locked(struct waiter *w)
{
	struct task_struct *task = w->task;

	list_del_init_careful(&w->node);
	wake_up_process(task);
}

/**
 * vexipc_ring_wake() - wake the one who came last of those who wait for a request
 * @ring: where
 *
 * Context: any but hard interrupts.
 * Return: whether anybody waited.
 */
bool vexipc_ring_wake(struct vexipc_ring *ring)
{
	struct waiter *w;

	spin_lock_bh(&ring->wait_lock);
	w = list_first_entry_or_null(&ring->waiters, struct waiter, node);
	if (w)
		wake_locked(w);
	spin_unlock_bh(&ring->wait_lock);
	return w;
}

static void wake_list(struct vexipc_ring *ring, struct list_head *list)
{
	struct waiter *w, *next;

	spin_lock_bh(&ring->wait_lock);
	list_for_each_entry_safe(w, next, list, node)
		wake_locked(w);
	spin_unlock_bh(&ring->wait_lock);
}

/* vexipc_ring_wake_starving() - a tag is free; as vexipc_ring_wake_all() */
void vexipc_ring_wake_starving(struct vexipc_ring *ring)
{
	wake_list(ring, &ring->starving);
}

/**
 * vexipc_ring_wake_all() - everybody looks again: the service is gone, or nobody is
 *			    to wait
 * @ring: where
 *
 * Context: any but hard interrupts.
 */
void vexipc_ring_wake_all(struct vexipc_ring *ring)
{
	wake_list(ring, &ring->waiters);
	wake_list(ring, &ring->starving);
}

/*
 * vexipc_ring_starves() - is there really no tag?
 *
 * Either this sees one that is freed meanwhile, or who frees it sees
 * that it is waited for: so who is to be woken for it must be on its list before.
 */
bool vexipc_ring_starves(struct vexipc_ring_queue *q)
{
	WRITE_ONCE(q->starved, true);
	smp_mb();	/* pairs with vexipc_ring_freed() */
	return bitmap_empty(q->free, q->ring->slots);
}

static bool ready(struct vexipc_service *svc)
{
	u32 need;

	return READ_ONCE(svc->queue.count) && vexipc_queue_ready(svc, &need);
}

/**
 * vexipc_ring_ready() - would a call of some queue get a request?
 * @ring: whose
 * @svc: reached through it
 */
bool vexipc_ring_ready(struct vexipc_ring *ring, struct vexipc_service *svc)
{
	if (!ready(svc))
		return false;
	for (u32 i = 0; i < ring->queues; i++)
		if (!bitmap_empty(ring->queue[i].free, ring->slots))
			return true;
	for (u32 i = 0; i < ring->queues; i++)
		if (!vexipc_ring_starves(&ring->queue[i]))
			return true;
	return false;
}

/*
 * vexipc_ring_pass_on() - a call is done, or waits for a tag
 *
 * One request wakes one call. Who leaves something behind wakes the next; who was
 * woken and takes nothing has whoever else looks after it told.
 */
void vexipc_ring_pass_on(struct vexipc_ring_entry *e)
{
	if (e->waited && !e->arg.fetched) {
		if (ready(e->svc))
			vexipc_ring_kick(e->ring);
	} else if (!list_empty_careful(&e->ring->waiters) && ready(e->svc)) {
		vexipc_ring_wake(e->ring);
	}
}

static void spin(struct vexipc_ring_entry *e)
{
	u32 limit = READ_ONCE(e->ring->spin_ns);
	u64 end;

	if (!limit || num_online_cpus() == 1)
		return;
	end = ktime_get_ns() + limit;
	while (!READ_ONCE(e->svc->queue.count) && !vexipc_ring_over(e) && !need_resched() &&
	       !signal_pending(current) && ktime_get_ns() < end)
		cpu_relax();
}

/* What would have been worth while, for the next time. */
static void learn(struct vexipc_ring *ring, u64 waited_ns)
{
	WRITE_ONCE(ring->spin_ns, waited_ns < SPIN_MAX_NS ? SPIN_MAX_NS :
							     READ_ONCE(ring->spin_ns) / 2);
}

/* Until somebody wakes us: 0; -EINTR, -ETIMEDOUT. */
static int sleep_until(struct waiter *w, ktime_t *end)
{
	int err = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (list_empty_careful(&w->node))
			break;
		if (signal_pending(current)) {
			err = -EINTR;
			break;
		}
		if (!end) {
			schedule();
		} else if (!schedule_hrtimeout(end, HRTIMER_MODE_ABS)) {
			err = -ETIMEDOUT;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);
	return err;
}

/**
 * vexipc_ring_wait() - until there may be something to hand out
 * @e: there was nothing; without the queue's lock
 * @end: CLOCK_MONOTONIC; or NULL
 *
 * Return: 0, look again; -EINTR; -ETIMEDOUT.
 */
int vexipc_ring_wait(struct vexipc_ring_entry *e, ktime_t *end)
{
	struct vexipc_ring *ring = e->ring;
	struct waiter w = { .task = current };
	bool several = num_online_cpus() > 1, starving, found;
	u64 began;
	int err = 0;

	spin(e);
	began = several ? ktime_get_ns() : 0;
	starving = bitmap_empty(e->q->free, ring->slots);
	spin_lock_bh(&ring->wait_lock);
	list_add(&w.node, starving ? &ring->starving : &ring->waiters);
	spin_unlock_bh(&ring->wait_lock);
	/* Who queues something, or frees a tag, after this look finds us there. */
	if (unlikely(starving)) {
		vexipc_ring_pass_on(e);
		found = !vexipc_ring_starves(e->q);
	} else {
		found = ready(e->svc);
	}
	if (!found && !vexipc_ring_over(e))
		err = sleep_until(&w, end);
	e->waited = true;
	if (!list_empty_careful(&w.node)) {
		spin_lock_bh(&ring->wait_lock);
		list_del_init(&w.node);
		spin_unlock_bh(&ring->wait_lock);
	}
	if (several)
		learn(ring, ktime_get_ns() - began);
	return err;
}
