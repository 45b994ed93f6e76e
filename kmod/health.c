// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is each service well? Heartbeats say so; when none came for a while, the
 * module asks with a probe, a request like any other but in front of all and
 * outside all credits. Registrations without any sign of life expire.
 */
#include <linux/ktime.h>
#include <linux/slab.h>

#include "alert.h"
#include "context.h"
#include "health.h"
#include "instance.h"
#include "latency.h"
#include "netlink.h"
#include "protocol.h"
#include "queue.h"
#include "registry.h"
#include "request.h"
#include "trace.h"

enum { TICK_MS = 1000, EXPIRE_AFTER_DISCOVERIES = 10 };

/* A probe has failed, or would have, if the service took any. */
static void probe_failed(struct vexipc_service *svc)
{
	struct vexipc_instance *inst = svc->inst;
	enum vexipc_service_state before;
	LIST_HEAD(moved);
	bool failed;

	spin_lock_bh(&svc->lock);
	before = vexipc_service_state(svc);
	svc->probing = false;
	svc->probes_answered = 0;
	svc->probes_failed++;
	svc->degraded = true;
	failed = !svc->failed && svc->probes_failed >=
		 vexipc_config(inst, VEXIPC_CONFIG_UNHEALTHY_AFTER);
	if (failed)
		svc->failed = true;
	spin_unlock_bh(&svc->lock);

	vexipc_count(inst, PROBE_FAILURES);
	vexipc_service_note_state(svc, before);
	if (failed) {
		vexipc_alert(inst, VEXIPC_ALERT_SERVICE_UNAVAILABLE, svc,
			     svc->probes_failed, "service is unhealthy: probes fail");
		/* What it was not sent yet need not wait for it. */
		vexipc_queue_evict(svc, false, &moved);
		vexipc_request_fail_over(&moved);
	}
}

static void probe_answered(struct vexipc_service *svc)
{
	struct vexipc_instance *inst = svc->inst;
	enum vexipc_service_state before;
	bool back = false;

	spin_lock_bh(&svc->lock);
	before = vexipc_service_state(svc);
	svc->probing = false;
	svc->probes_failed = 0;
	svc->probes_answered++;
	if (!svc->failed) {
		svc->degraded = false;
	} else if (svc->probes_answered >=
		   vexipc_config(inst, VEXIPC_CONFIG_HEALTHY_AFTER)) {
		svc->failed = false;
		svc->degraded = false;
		svc->fresh_ns = ktime_get_ns();
		back = true;
	}
	spin_unlock_bh(&svc->lock);
	vexipc_service_note_state(svc, before);
	if (back)
		vexipc_alert(inst, VEXIPC_ALERT_SERVICE_BACK, svc, svc->probes_answered,
			     "service is healthy again");
}

static void probe_complete(struct vexipc_request *req)
{
	struct vexipc_service *svc = req->private;

	vexipc_trace(service_probe, svc->inst->cookie, svc->slot, svc->handle, req->status,
		     req->done_ns - req->submitted_ns);
	vexipc_endpoint_remove(req->ep, req);
	if (req->status)
		probe_failed(svc);
	else
		probe_answered(svc);
	vexipc_service_put(svc);
	vexipc_request_put(req);
}

static void probe(struct vexipc_service *svc)
{
	struct vexipc_instance *inst = svc->inst;
	struct vexipc_context ctx = {
		.inst = inst,
		.uid = GLOBAL_ROOT_UID,
		.priority = VEXIPC_PRIORITY_CRITICAL,
		.deadline = ktime_get_ns() + (u64)NSEC_PER_MSEC *
			    vexipc_config(inst, VEXIPC_CONFIG_PROBE_TIMEOUT_MS),
	};
	struct vexipc_request *req;

	spin_lock_bh(&svc->lock);
	svc->last_probe_ns = ktime_get_ns();
	svc->probing = true;
	spin_unlock_bh(&svc->lock);

	if (!(svc->features & VEXIPC_FEATURE_HEALTH)) {
		/* It takes no probes: its silence is the answer. */
		probe_failed(svc);
		return;
	}
	req = vexipc_request_alloc(&ctx, &inst->probes, VEXIPC_MSG_HEALTH_CHECK);
	if (!req) {
		/* Our want of memory is no fault of the service's. */
		WRITE_ONCE(svc->probing, false);
		return;
	}
	req->pin = svc->handle;
	req->complete = probe_complete;
	req->private = svc;
	vexipc_service_get(svc);
	if (vexipc_request_submit(req)) {
		WRITE_ONCE(svc->probing, false);
		vexipc_service_put(svc);
	}
	vexipc_request_put(req);
}

/* Is there another service to which the requests of this one may go? */
static bool has_peer(struct vexipc_service *svc)
{
	struct vexipc_instance *inst = svc->inst;
	struct vexipc_capable *set;
	bool found = false;

	rcu_read_lock();
	set = rcu_dereference(inst->services)->all;
	for (u32 i = 0; i < set->count && !found; i++) {
		struct vexipc_service *peer = rcu_dereference(set->service[i]);

		found = peer && peer != svc && vexipc_service_available(peer) &&
			!vexipc_service_degraded(peer);
	}
	rcu_read_unlock();
	return found;
}

/* A service that shows signs of life but answers nothing makes no progress. */
static void look_for_progress(struct vexipc_service *svc, u64 now)
{
	u64 bound = NSEC_PER_MSEC * (u64)
		vexipc_config(svc->inst, VEXIPC_CONFIG_STALL_TIMEOUT_MS);
	enum vexipc_service_state before;
	struct vexipc_request *req;
	bool stalled = false, was;
	LIST_HEAD(moved);

	spin_lock_bh(&svc->lock);
	before = vexipc_service_state(svc);
	req = list_first_entry_or_null(&svc->inflight, struct vexipc_request, node);
	if (bound && req && svc->in_flight)
		stalled = now >= req->sent_ns + bound && now >= svc->last_answer_ns + bound;
	was = svc->stalled;
	svc->stalled = stalled;
	if (was && !stalled)
		svc->fresh_ns = now;
	spin_unlock_bh(&svc->lock);
	if (was == stalled)
		return;
	vexipc_service_note_state(svc, before);
	vexipc_alert(svc->inst, stalled ? VEXIPC_ALERT_SERVICE_UNAVAILABLE :
		     VEXIPC_ALERT_SERVICE_BACK, svc, READ_ONCE(svc->in_flight),
		     stalled ? "service answers nothing" : "service answers again");
	/* What it was not sent yet need not wait for it. */
	if (stalled && has_peer(svc)) {
		vexipc_queue_evict(svc, false, &moved);
		vexipc_request_fail_over(&moved);
	}
}

/* One whose answers take too long is as good as one that misses probes. */
static void look_at_latency(struct vexipc_service *svc, u64 now)
{
	u32 bound_ms = vexipc_config(svc->inst, VEXIPC_CONFIG_SLOW_AFTER_MS), ms;
	enum vexipc_service_state before;
	bool slow, was;

	if (likely(!bound_ms && !READ_ONCE(svc->slow)))
		return;
	spin_lock_bh(&svc->lock);
	before = vexipc_service_state(svc);
	was = svc->slow;
	ms = vexipc_latency_average(&svc->response_time, now) / USEC_PER_MSEC;
	/* Not back and forth at the bound. */
	slow = bound_ms && ms >= (was ? bound_ms - bound_ms / 4 : bound_ms);
	WRITE_ONCE(svc->slow, slow);
	if (was && !slow)
		svc->fresh_ns = now;
	spin_unlock_bh(&svc->lock);
	if (was == slow)
		return;
	vexipc_service_note_state(svc, before);
	/* There may be more that ails it. */
	if (!slow && vexipc_service_degraded(svc))
		return;
	vexipc_alert(svc->inst, slow ? VEXIPC_ALERT_SERVICE_SLOW : VEXIPC_ALERT_SERVICE_BACK,
		     svc, ms, slow ? "service takes too long to answer" :
				     "service answers in time again");
}

static void look_at(struct vexipc_service *svc)
{
	struct vexipc_instance *inst = svc->inst;
	u64 interval = NSEC_PER_SEC * (u64)
		vexipc_config(inst, VEXIPC_CONFIG_HEALTH_CHECK_INTERVAL_SEC);
	u64 expiry = NSEC_PER_SEC * (u64)EXPIRE_AFTER_DISCOVERIES *
		vexipc_config(inst, VEXIPC_CONFIG_DISCOVERY_INTERVAL_SEC);
	u64 now = ktime_get_ns();

	if (now - min(READ_ONCE(svc->last_sign_ns), now) >= expiry) {
		vexipc_registry_remove(svc, true);
		return;
	}
	/* Its last request may have expired in the queue, which tells nobody. */
	if (READ_ONCE(svc->leave_when_idle))
		vexipc_registry_leave_when_idle(svc);
	look_for_progress(svc, now);
	look_at_latency(svc, now);
	/* It may have come back, or been given more room. */
	if (vexipc_overflow_waits(&inst->overflow))
		vexipc_overflow_refill(svc);
	if (READ_ONCE(svc->breaker.state) == VEXIPC_BREAKER_OPEN)
		vexipc_breaker_look(svc, now);
	if (READ_ONCE(svc->probing) || now - READ_ONCE(svc->last_probe_ns) < interval)
		return;
	if (READ_ONCE(svc->failed) || now - min(READ_ONCE(svc->last_sign_ns), now) >= interval)
		probe(svc);
}

static void send_discovery(struct vexipc_instance *inst)
{
	struct vexipc_discovery_body body = {};
	struct vexipc_image image;

	vexipc_image_open(&image, VEXIPC_MSG_DISCOVERY, 0, ktime_get_ns(), &body, sizeof(body));
	vexipc_image_seal(&image);
	vexipc_netlink_discovery(inst, &image);
}

static void tick(struct work_struct *work)
{
	struct vexipc_instance *inst = container_of(to_delayed_work(work),
						    struct vexipc_instance, health);
	unsigned long interval = HZ *
		vexipc_config(inst, VEXIPC_CONFIG_DISCOVERY_INTERVAL_SEC);

	if (time_after_eq(jiffies, inst->last_discovery + interval)) {
		inst->last_discovery = jiffies;
		send_discovery(inst);
	}
	for (u32 slot = 0; slot < VEXIPC_MAX_SERVICES; slot++) {
		struct vexipc_service *svc = vexipc_registry_at(inst, slot);

		if (!svc)
			continue;
		look_at(svc);
		vexipc_service_put(svc);
		cond_resched();
	}
	vexipc_sticky_sweep(inst);
	/* Without services there is nothing to look at until one registers. */
	if (vexipc_registry_count(inst) && !READ_ONCE(inst->closing))
		queue_delayed_work(system_power_efficient_wq, &inst->health,
				   msecs_to_jiffies(TICK_MS));
}

void vexipc_health_init(struct vexipc_instance *inst)
{
	INIT_DELAYED_WORK(&inst->health, tick);
	inst->last_discovery = jiffies;
}

/**
 * vexipc_health_reschedule() - look at the services soon, and from then on
 * @inst: whose configuration or services have changed
 */
void vexipc_health_reschedule(struct vexipc_instance *inst)
{
	if (!READ_ONCE(inst->closing))
		queue_delayed_work(system_power_efficient_wq, &inst->health,
				   msecs_to_jiffies(TICK_MS));
}

/* After @inst->closing is set. */
void vexipc_health_stop(struct vexipc_instance *inst)
{
	/* It arms itself again: cancel waits for a round to end, too. */
	cancel_delayed_work_sync(&inst->health);
}

/**
 * vexipc_health_sign() - an answer is a sign of life, as a heartbeat is
 * @svc: whose
 */
void vexipc_health_sign(struct vexipc_service *svc)
{
	WRITE_ONCE(svc->last_sign_ns, ktime_get_ns());
}

/**
 * vexipc_health_heartbeat() - a service reports
 * @svc: which
 * @body: its figures, as it sees them
 */
void vexipc_health_heartbeat(struct vexipc_service *svc,
			     const struct vexipc_heartbeat_body *body)
{
	enum vexipc_service_state before;
	u64 now = ktime_get_ns();

	spin_lock_bh(&svc->lock);
	before = vexipc_service_state(svc);
	svc->last_sign_ns = now;
	svc->last_heartbeat_ns = now;
	svc->heartbeats++;
	svc->memory_bytes = le64_to_cpu(body->memory_bytes);
	svc->cpu_permille = le32_to_cpu(body->cpu_permille);
	svc->reported_in_flight = le32_to_cpu(body->in_flight);
	svc->reported_queue_depth = le32_to_cpu(body->queue_depth);
	/* One that takes no probes shows by its heartbeats that it is back. */
	if (!svc->failed || !(svc->features & VEXIPC_FEATURE_HEALTH)) {
		svc->probes_failed = 0;
		svc->degraded = false;
		svc->failed = false;
	}
	spin_unlock_bh(&svc->lock);

	vexipc_count(svc->inst, HEARTBEATS);
	vexipc_trace(service_heartbeat, svc->inst->cookie, svc->slot, svc->handle,
		     le32_to_cpu(body->cpu_permille), le64_to_cpu(body->memory_bytes),
		     le32_to_cpu(body->in_flight), le32_to_cpu(body->queue_depth));
	vexipc_service_note_state(svc, before);
}

/**
 * vexipc_health_reported_cpu() - the CPU time a service says it takes
 * @svc: whose
 * @now_ns: CLOCK_MONOTONIC
 *
 * Return: in 1/1000 of a CPU; 0 when the last report is too old to go by.
 */
u32 vexipc_health_reported_cpu(const struct vexipc_service *svc, u64 now_ns)
{
	u64 last = READ_ONCE(svc->last_heartbeat_ns);
	u64 interval = NSEC_PER_SEC * (u64)
		vexipc_config(svc->inst, VEXIPC_CONFIG_HEALTH_CHECK_INTERVAL_SEC);

	return last && now_ns - min(last, now_ns) < interval ?
	       READ_ONCE(svc->cpu_permille) : 0;
}

/**
 * vexipc_health_score() - how well a service is
 * @svc: whose; locked
 *
 * Return: 0 (unhealthy, gone) to 100; each failed probe in a row takes its
 * share of what makes a service unhealthy, and answers that take long, or do not
 * come, half of the rest.
 */
u32 vexipc_health_score(const struct vexipc_service *svc)
{
	u32 limit = vexipc_config(svc->inst, VEXIPC_CONFIG_UNHEALTHY_AFTER), score;

	if (svc->gone || svc->failed)
		return 0;
	score = 100 - 100 * min(svc->probes_failed, limit) / (limit + 1);
	return svc->slow || svc->stalled ? score / 2 : score;
}
