// SPDX-License-Identifier: GPL-2.0-only
/*
 * A circuit breaker a service: closed, requests flow; open, none does; after a
 * time half-open, a few may show whether it is well again. While it answers none
 * of these, it stays open for longer each time. That a whole set of services is not kept out is
 * the balancer's to see to.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/nospec.h>
#include <linux/random.h>

#include "alert.h"
#include "breaker.h"
#include "instance.h"
#include "netlink.h"
#include "registry.h"
#include "trace.h"

/**
 * vexipc_breaker_limit() - what a breaker goes by
 * @svc: whose; locked
 * @field: VEXIPC_CONFIG_BREAKER_FAILURES to _MAX_EJECTION_MS
 *
 * Return: the service's own setting, or the instance's.
 */
u32 vexipc_breaker_limit(const struct vexipc_service *svc, u32 field)
{
	const struct vexipc_breaker *b = &svc->breaker;
	u32 i = field - VEXIPC_BREAKER_FIRST;

	return b->own_mask & BIT(i) ? b->own[i] : vexipc_config(svc->inst, field);
}

/**
 * vexipc_breaker_configure() - give a service settings of its own
 * @svc: which
 * @entries: settings, or VEXIPC_BREAKER_INHERIT
 * @count: how many
 * @refused: index of the entry that was refused, when one was
 *
 * All or none; they count from the next attempt that ends.
 *
 * Context: no locks held.
 * Return: 0, or the error of vexipc_config_check() for the first entry refused.
 */
int vexipc_breaker_configure(struct vexipc_service *svc,
			     const struct vexipc_config_entry *entries, u32 count,
			     u32 *refused)
{
	struct vexipc_breaker *b = &svc->breaker;

	for (u32 i = 0; i < count; i++) {
		u32 at = entries[i].field - VEXIPC_BREAKER_FIRST;
		int err = -ENOENT;

		if (at < VEXIPC_BREAKER_LIMITS)
			err = entries[i].value == VEXIPC_BREAKER_INHERIT ? 0 :
			      vexipc_config_check(entries[i].field, entries[i].value);
		if (err) {
			*refused = i;
			return err;
		}
	}

	spin_lock_bh(&svc->lock);
	for (u32 i = 0; i < count; i++) {
		u32 at = array_index_nospec(entries[i].field - VEXIPC_BREAKER_FIRST,
					    VEXIPC_BREAKER_LIMITS);

		b->own[at] = entries[i].value;
		if (entries[i].value == VEXIPC_BREAKER_INHERIT)
			b->own_mask &= ~BIT(at);
		else
			b->own_mask |= BIT(at);
	}
	spin_unlock_bh(&svc->lock);
	return 0;
}

static void window_sum(struct vexipc_breaker *b, s32 failed, s32 succeeded)
{
	WRITE_ONCE(b->window_failed, b->window_failed + failed);
	WRITE_ONCE(b->window_all, b->window_all + failed + succeeded);
}

static void window_roll(struct vexipc_breaker *b, u64 now_ns)
{
	u64 second = div_u64(now_ns, NSEC_PER_SEC);
	u64 first = max(b->second + 1, second - min_t(u64, second, VEXIPC_BREAKER_SECONDS - 1));
	u32 i;

	for (; first <= second; first++) {
		div_u64_rem(first, VEXIPC_BREAKER_SECONDS, &i);
		window_sum(b, -b->window[i].failed, -b->window[i].succeeded);
		b->window[i].succeeded = 0;
		b->window[i].failed = 0;
	}
	WRITE_ONCE(b->second, max(b->second, second));
}

static void window_add(struct vexipc_breaker *b, bool failed)
{
	u32 i;

	div_u64_rem(b->second, VEXIPC_BREAKER_SECONDS, &i);
	if (failed)
		b->window[i].failed++;
	else
		b->window[i].succeeded++;
	window_sum(b, failed, !failed);
}

/**
 * vexipc_breaker_failed_permille() - see vexipc_breaker_error_permille()
 * @b: whose; without the lock the answer may be a moment old
 * @now_ns: CLOCK_MONOTONIC
 *
 * The window stands still while nothing ends.
 */
u32 vexipc_breaker_failed_permille(const struct vexipc_breaker *b, u64 now_ns)
{
	u32 failed = READ_ONCE(b->window_failed), all = READ_ONCE(b->window_all);

	if (!all ||
	    now_ns > (READ_ONCE(b->second) + VEXIPC_BREAKER_SECONDS) * NSEC_PER_SEC)
		return 0;
	return min(div_u64((u64)failed * 1000, all), 1000u);
}

static bool failed_too_often(const struct vexipc_service *svc)
{
	u32 row = vexipc_breaker_limit(svc, VEXIPC_CONFIG_BREAKER_FAILURES);
	u32 percent = vexipc_breaker_limit(svc, VEXIPC_CONFIG_BREAKER_ERROR_PERCENT);
	const struct vexipc_breaker *b = &svc->breaker;
	u64 failed = b->window_failed, all = b->window_all;

	if (row && b->failures >= row)
		return true;
	return percent && all >= vexipc_breaker_limit(svc, VEXIPC_CONFIG_BREAKER_MIN_VOLUME) &&
	       failed * 100 >= all * percent;
}

static void change(struct vexipc_breaker *b, u32 state, u64 now_ns)
{
	b->since_ns = now_ns;
	b->successes = 0;
	b->probes_failed = 0;
	WRITE_ONCE(b->state, state);
}

static void open_it(struct vexipc_service *svc, u64 now_ns)
{
	u64 max = vexipc_breaker_limit(svc, VEXIPC_CONFIG_BREAKER_MAX_EJECTION_MS);
	u64 ms = vexipc_breaker_limit(svc, VEXIPC_CONFIG_BREAKER_EJECTION_MS);
	struct vexipc_breaker *b = &svc->breaker;

	ms = min(ms << min(b->ejections, 20), max);
	b->ejections++;
	/* Those that failed together come back one by one. */
	ms += get_random_u32_inclusive(0, ms / 4);
	WRITE_ONCE(b->until_ns, now_ns + ms * NSEC_PER_MSEC);
	change(b, VEXIPC_BREAKER_OPEN, now_ns);
}

static void close_it(struct vexipc_service *svc, u64 now_ns)
{
	struct vexipc_breaker *b = &svc->breaker;

	memset(b->window, 0, sizeof(b->window));
	window_sum(b, -b->window_failed, b->window_failed - b->window_all);
	b->failures = 0;
	WRITE_ONCE(svc->fresh_ns, now_ns);
	change(b, VEXIPC_BREAKER_CLOSED, now_ns);
}

/*
 * One failure is not enough to know: of a service that fails half of its requests,
 * the first probe fails as often as not. One that answers any of them is looked at
 * again soon, since it may be well at any time; one that answers none waits longer
 * each time.
 */
static void note_probe(struct vexipc_service *svc, bool failed, u64 now_ns)
{
	struct vexipc_breaker *b = &svc->breaker;

	if (failed) {
		b->successes = 0;
		if (++b->probes_failed >= VEXIPC_BREAKER_PROBES)
			open_it(svc, now_ns);
		return;
	}
	b->ejections = 0;
	if (++b->successes >= VEXIPC_BREAKER_PROBES)
		close_it(svc, now_ns);
}

/**
 * vexipc_breaker_note() - what came of an attempt
 * @svc: whose; locked
 * @failed: it was the service's fault
 * @sent_ns: when the service got it
 * @now_ns: CLOCK_MONOTONIC
 *
 * The caller compares the state before and after, and calls
 * vexipc_breaker_tell() when it has let go of the lock.
 */
void vexipc_breaker_note(struct vexipc_service *svc, bool failed, u64 sent_ns, u64 now_ns)
{
	struct vexipc_breaker *b = &svc->breaker;

	lockdep_assert_held(&svc->lock);
	window_roll(b, now_ns);
	window_add(b, failed);
	b->failures = failed ? b->failures + 1 : 0;
	if (b->held)
		return;
	switch (b->state) {
	case VEXIPC_BREAKER_CLOSED:
		if (failed && failed_too_often(svc))
			open_it(svc, now_ns);
		break;
	case VEXIPC_BREAKER_HALF_OPEN:
		/* What it had before tells nothing new. */
		if (sent_ns < b->since_ns)
			break;
		note_probe(svc, failed, now_ns);
	}
}

/**
 * vexipc_breaker_tell() - tell of a change
 * @svc: whose
 * @before: the state before
 * @now: the state now
 *
 * Context: any but hard interrupts; no locks held.
 */
void vexipc_breaker_tell(struct vexipc_service *svc, u32 before, u32 now)
{
	vexipc_trace(service_breaker, svc->inst->cookie, svc->slot, svc->handle, before, now,
		     READ_ONCE(svc->breaker.ejections));
	if (now == VEXIPC_BREAKER_OPEN)
		vexipc_alert(svc->inst, VEXIPC_ALERT_BREAKER_OPENED, svc,
			     READ_ONCE(svc->breaker.failures), "service fails: breaker opened");
	else if (now == VEXIPC_BREAKER_CLOSED)
		vexipc_alert(svc->inst, VEXIPC_ALERT_BREAKER_CLOSED, svc, 0,
			     "service answers again: breaker closed");
	if (now == VEXIPC_BREAKER_OPEN && READ_ONCE(svc->queued))
		vexipc_registry_move_on(svc);
	vexipc_netlink_service_event(svc);
}

/**
 * vexipc_breaker_set() - somebody knows better
 * @svc: whose
 * @op: VEXIPC_CONTROL_BREAKER_OPEN or _CLOSED to hold it so, _AUTO to let go
 *
 * Context: no locks held.
 */
void vexipc_breaker_set(struct vexipc_service *svc, u32 op)
{
	struct vexipc_breaker *b = &svc->breaker;
	u64 now_ns = ktime_get_ns();
	u32 before, now;

	spin_lock_bh(&svc->lock);
	before = b->state;
	b->ejections = 0;
	if (op == VEXIPC_CONTROL_BREAKER_OPEN) {
		WRITE_ONCE(b->until_ns, U64_MAX);
		change(b, VEXIPC_BREAKER_OPEN, now_ns);
	} else if (op == VEXIPC_CONTROL_BREAKER_CLOSED) {
		close_it(svc, now_ns);
	} else if (b->state == VEXIPC_BREAKER_OPEN && b->held) {
		WRITE_ONCE(b->until_ns, now_ns);
		change(b, VEXIPC_BREAKER_HALF_OPEN, now_ns);
	}
	WRITE_ONCE(b->held, op != VEXIPC_CONTROL_BREAKER_AUTO);
	now = b->state;
	spin_unlock_bh(&svc->lock);
	if (now != before)
		vexipc_breaker_tell(svc, before, now);
}

/**
 * vexipc_breaker_look() - has an open breaker been open for long enough?
 * @svc: whose
 * @now_ns: CLOCK_MONOTONIC
 *
 * Context: no locks held.
 * Return: whether it is half-open now.
 */
bool vexipc_breaker_look(struct vexipc_service *svc, u64 now_ns)
{
	struct vexipc_breaker *b = &svc->breaker;
	bool changed = false, half;

	if (READ_ONCE(b->state) == VEXIPC_BREAKER_OPEN && now_ns < READ_ONCE(b->until_ns))
		return false;
	spin_lock_bh(&svc->lock);
	if (b->state == VEXIPC_BREAKER_OPEN && now_ns >= b->until_ns) {
		change(b, VEXIPC_BREAKER_HALF_OPEN, now_ns);
		changed = true;
	}
	half = b->state == VEXIPC_BREAKER_HALF_OPEN;
	spin_unlock_bh(&svc->lock);
	if (changed)
		vexipc_breaker_tell(svc, VEXIPC_BREAKER_OPEN, VEXIPC_BREAKER_HALF_OPEN);
	return half;
}

/**
 * vexipc_breaker_admits() - see vexipc_service_admitted()
 * @svc: which
 *
 * Context: no locks held.
 */
bool vexipc_breaker_admits(struct vexipc_service *svc)
{
	return vexipc_breaker_look(svc, ktime_get_ns()) &&
	       vexipc_service_in_hand(svc) < VEXIPC_BREAKER_PROBES;
}
