// SPDX-License-Identifier: GPL-2.0-only
/* One service: its state, its figures, and how both are shown. */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/pid.h>
#include <linux/uidgid.h>

#include "health.h"
#include "instance.h"
#include "netlink.h"
#include "registry.h"
#include "spec.h"
#include "trace.h"

/**
 * vexipc_service_queue_ns() - how long until it has begun all that waits for it
 * @svc: whose; without its lock the answer may be a moment old
 *
 * An estimate: as long as its answers take now, as many at once as it takes. 0 also
 * for one that has never answered and announced nothing.
 */
u64 vexipc_service_queue_ns(const struct vexipc_service *svc)
{
	u64 each_us = svc->completed ? svc->average_us : svc->spec.latency_us;

	return div_u64(READ_ONCE(svc->queued) * each_us * NSEC_PER_USEC,
		       max(vexipc_service_limit(svc), 1u));
}

/**
 * vexipc_service_state() - where a service is in its life
 * @svc: whose; without its lock the answer may be a moment old
 */
enum vexipc_service_state vexipc_service_state(const struct vexipc_service *svc)
{
	if (READ_ONCE(svc->gone))
		return VEXIPC_STATE_GONE;
	if (READ_ONCE(svc->failed))
		return VEXIPC_STATE_FAILED;
	if (READ_ONCE(svc->draining))
		return VEXIPC_STATE_DRAINING;
	if (vexipc_service_degraded(svc))
		return VEXIPC_STATE_DEGRADED;
	if (READ_ONCE(svc->in_flight) >= vexipc_service_limit(svc))
		return VEXIPC_STATE_BUSY;
	return VEXIPC_STATE_ACTIVE;
}

/**
 * vexipc_service_control() - what an administrator wants done
 * @svc: with which
 * @op: enum vexipc_control_op, checked
 *
 * Context: no locks held.
 */
void vexipc_service_control(struct vexipc_service *svc, u32 op)
{
	if (op == VEXIPC_CONTROL_DRAIN || op == VEXIPC_CONTROL_RESUME)
		vexipc_registry_drain(svc, op == VEXIPC_CONTROL_DRAIN);
	else
		vexipc_breaker_set(svc, op);
}

/**
 * vexipc_service_note_state() - tell of a change that the caller has made
 * @svc: whose
 * @before: the state before
 *
 * Context: no locks held.
 */
void vexipc_service_note_state(struct vexipc_service *svc,
			       enum vexipc_service_state before)
{
	enum vexipc_service_state now;

	spin_lock_bh(&svc->lock);
	now = vexipc_service_state(svc);
	vexipc_availability_set(&svc->availability, ktime_get_ns(),
				vexipc_service_available(svc));
	/* Under the lock: what is told last is how it is. */
	if (now != before)
		vexipc_trace(service_state, svc->inst->cookie, svc->slot, svc->handle,
			     before, now);
	spin_unlock_bh(&svc->lock);
	if (now == before)
		return;
	vexipc_netlink_service_event(svc);
}

/**
 * vexipc_service_note_time() - how long it really took, or at least did
 * @svc: whose; locked
 * @now_ns: CLOCK_MONOTONIC
 * @service_ns: what slow_after_ms is about
 */
void vexipc_service_note_time(struct vexipc_service *svc, u64 now_ns, u64 service_ns)
{
	if (unlikely(vexipc_config(svc->inst, VEXIPC_CONFIG_SLOW_AFTER_MS)))
		vexipc_latency_add(&svc->response_time, now_ns, service_ns);
}

/**
 * vexipc_service_account() - an attempt that was sent has ended
 * @svc: whose; locked
 * @error: how
 * @sent_ns: when the service got it, CLOCK_MONOTONIC
 * @now_ns: the time
 * @allowed_ns: how long the whole request may take
 */
void vexipc_service_account(struct vexipc_service *svc, enum vexipc_error error,
			    u64 sent_ns, u64 now_ns, u64 allowed_ns)
{
	u64 service_ns = now_ns - sent_ns;
	u32 us = min_t(u64, div_u64(service_ns, NSEC_PER_USEC), U32_MAX);
	bool failed;

	lockdep_assert_held(&svc->lock);
	if (error != VEXIPC_ERR_TIMED_OUT && error != VEXIPC_ERR_CANCELLED &&
	    error != VEXIPC_ERR_INTERRUPTED)
		svc->last_answer_ns = now_ns;
	switch (error) {
	case VEXIPC_OK:
		svc->completed++;
		vexipc_histogram_add(&svc->times, us);
		/* An eighth of the way each time; the first answer sets it. */
		svc->average_us = svc->completed == 1 ? us :
			svc->average_us + ((s64)us - svc->average_us) / 8;
		vexipc_latency_add(&svc->latency, now_ns, service_ns);
		vexipc_service_note_time(svc, now_ns, service_ns);
		vexipc_breaker_note(svc, false, sent_ns, now_ns);
		if (vexipc_service_adaptive(svc))
			vexipc_gradient_answer(&svc->gradient, vexipc_service_max(svc),
					       svc->in_flight + 1, now_ns, service_ns);
		return;
	case VEXIPC_ERR_CANCELLED:
	case VEXIPC_ERR_INTERRUPTED:
		svc->cancelled++;
		return;
	case VEXIPC_ERR_TIMED_OUT:
		svc->timed_out++;
		/* Who waits for less than it usually takes learns nothing of it. */
		failed = us >= 4ull * svc->average_us;
		if (failed)
			vexipc_service_note_time(svc, now_ns, service_ns);
		if (failed && vexipc_service_adaptive(svc))
			vexipc_gradient_drop(&svc->gradient, vexipc_service_max(svc));
		break;
	case VEXIPC_ERR_OVERLOADED:
		/* Busy is not broken. */
		if (vexipc_service_adaptive(svc))
			vexipc_gradient_drop(&svc->gradient, vexipc_service_max(svc));
		return;
	case VEXIPC_ERR_INVALID:
	case VEXIPC_ERR_UNSUPPORTED:
	case VEXIPC_ERR_TOO_LARGE:
	case VEXIPC_ERR_BAD_STRING:
	case VEXIPC_ERR_OUT_OF_RANGE:
		/* It says that it was asked wrongly. */
		failed = false;
		break;
	default:
		failed = true;
	}
	svc->failures++;
	if (!failed)
		return;
	/* To fail at once is not to be fast. */
	vexipc_latency_add(&svc->latency, now_ns, max(service_ns, allowed_ns));
	vexipc_breaker_note(svc, true, sent_ns, now_ns);
}

bool vexipc_service_matches(const struct vexipc_service *svc, u32 dimensions,
			    u32 data_types, const char *model, u32 model_len)
{
	return vexipc_spec_matches(&svc->spec, dimensions, data_types, model, model_len);
}

/**
 * vexipc_service_entry_fill() - all there is to show of a service
 * @svc: whose
 * @entry: to fill, in host byte order
 * @user_ns: whose eyes see the uid
 * @pid_ns: whose eyes see the pid
 */
void vexipc_service_entry_fill(struct vexipc_service *svc,
			       struct vexipc_service_entry *entry,
			       struct user_namespace *user_ns,
			       struct pid_namespace *pid_ns)
{
	const struct vexipc_service_spec *spec = &svc->spec;
	u64 now = ktime_get_ns();
	u32 limit = vexipc_service_limit(svc);

	memset(entry, 0, sizeof(*entry));
	entry->handle = svc->handle;
	entry->features = svc->features;
	entry->registered_ns = svc->registered_ns;
	entry->slot = svc->slot;
	entry->max_concurrent = vexipc_service_max(svc);
	entry->limit = limit;
	entry->max_batch = spec->max_batch;
	entry->data_types = spec->data_types;
	entry->priority = spec->priority;
	entry->weight = spec->weight;
	entry->transport = spec->transport;
	entry->latency_us = spec->latency_us;
	entry->throughput = spec->throughput;
	entry->uid = from_kuid_munged(user_ns, svc->uid);
	entry->pid = pid_nr_ns(svc->pid, pid_ns);
	entry->version = svc->version;
	entry->dimensions_count = spec->dimensions_count;
	memcpy(entry->dimensions, spec->dimensions,
	       spec->dimensions_count * sizeof(spec->dimensions[0]));
	memcpy(entry->id, spec->id, spec->id_len);
	memcpy(entry->name, spec->name, spec->name_len);
	memcpy(entry->software_version, spec->software_version,
	       spec->software_version_len);

	spin_lock_bh(&svc->lock);
	entry->state = vexipc_service_state(svc);
	entry->health = vexipc_health_score(svc);
	entry->in_flight = svc->in_flight;
	entry->queued = svc->queued;
	entry->queue_ns = vexipc_service_queue_ns(svc);
	entry->breaker = svc->breaker.state;
	entry->breaker_own = svc->breaker.own_mask;
	entry->breaker_failures = vexipc_breaker_limit(svc, VEXIPC_CONFIG_BREAKER_FAILURES);
	entry->breaker_error_percent =
		vexipc_breaker_limit(svc, VEXIPC_CONFIG_BREAKER_ERROR_PERCENT);
	entry->breaker_min_volume = vexipc_breaker_limit(svc, VEXIPC_CONFIG_BREAKER_MIN_VOLUME);
	entry->breaker_ejection_ms =
		vexipc_breaker_limit(svc, VEXIPC_CONFIG_BREAKER_EJECTION_MS);
	entry->breaker_max_ejection_ms =
		vexipc_breaker_limit(svc, VEXIPC_CONFIG_BREAKER_MAX_EJECTION_MS);
	entry->load = div_u64((u64)(svc->in_flight + svc->queued) * 1000, limit);
	entry->requests = svc->requests;
	entry->completed = svc->completed;
	entry->failures = svc->failures;
	entry->bytes_in = svc->bytes_in;
	entry->bytes_out = svc->bytes_out;
	entry->memory_bytes = svc->memory_bytes;
	entry->cpu_permille = svc->cpu_permille;
	entry->reported_in_flight = svc->reported_in_flight;
	entry->reported_queue_depth = svc->reported_queue_depth;
	entry->last_heartbeat_ns = svc->last_heartbeat_ns;
	entry->average_us = svc->average_us;
	entry->p50_us = vexipc_histogram_percentile(&svc->times, 500);
	entry->p90_us = vexipc_histogram_percentile(&svc->times, 900);
	entry->p99_us = vexipc_histogram_percentile(&svc->times, 990);
	entry->p999_us = vexipc_histogram_percentile(&svc->times, 999);
	entry->available_minute = vexipc_availability_share(&svc->availability, now,
							    VEXIPC_AVAILABILITY_MINUTE);
	entry->available_hour = vexipc_availability_share(&svc->availability, now,
							  VEXIPC_AVAILABILITY_HOUR);
	entry->available_day = vexipc_availability_share(&svc->availability, now,
							 VEXIPC_AVAILABILITY_DAY);
	spin_unlock_bh(&svc->lock);
}
