// SPDX-License-Identifier: GPL-2.0-only
/* What a policy sees of a choice: made when it asks for it, not before. */
#include <linux/ktime.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <linux/xxhash.h>

#include "instance.h"
#include "policy.h"
#include "registry.h"
#include "request.h"

enum { HASHED_MAX = 64 << 10 };		/* of the content, bytes */

/* More than a module's own per-CPU variables may take. */
static struct vexipc_policy_snapshot __percpu *snapshots;

/* vexipc_policy_snapshots_alloc() - before any policy is called. Return: 0, -ENOMEM */
int vexipc_policy_snapshots_alloc(void)
{
	snapshots = alloc_percpu(struct vexipc_policy_snapshot);
	return snapshots ? 0 : -ENOMEM;
}

void vexipc_policy_snapshots_free(void)
{
	free_percpu(snapshots);
}

/*
 * What depends on what the request asks for. The candidate is capable: what it lists,
 * it lists because it was asked for.
 */
static u32 flags_of(const struct vexipc_service *svc, const struct vexipc_request *req)
{
	return (vexipc_request_tried(req, svc->slot) ? VEXIPC_CANDIDATE_TRIED : 0) |
	       (req->model_len && svc->spec.models_len ? VEXIPC_CANDIDATE_MODEL : 0) |
	       (req->dimensions && svc->spec.dimensions_count ? VEXIPC_CANDIDATE_DIMENSIONS : 0);
}

/* Without the service's lock: each figure is right, all together nearly. */
static __always_inline void fill(struct vexipc_policy_candidate *c,
				 const struct vexipc_service *svc, u32 data_types)
{
	u32 limit = vexipc_service_limit(svc), in_flight = READ_ONCE(svc->in_flight);

	c->handle = svc->handle;
	c->latency_at_ns = READ_ONCE(svc->latency.at_ns);
	c->slot = svc->slot;
	c->state = !vexipc_service_well(svc) ? vexipc_service_state(svc) :
		   in_flight >= limit ? VEXIPC_STATE_BUSY : VEXIPC_STATE_ACTIVE;
	c->breaker = READ_ONCE(svc->breaker.state);
	c->flags = svc->spec.data_types == data_types ? VEXIPC_CANDIDATE_DATA_TYPE : 0;
	c->priority = svc->spec.priority;
	c->weight = svc->spec.weight;
	c->in_flight = in_flight;
	c->queued = READ_ONCE(svc->queued);
	c->credits = limit - min(limit, in_flight);
}

/**
 * vexipc_policy_snapshot() - begin one for a choice
 * @inst: where
 * @pick: request and candidates; stays until the snapshot is done with
 *
 * Context: bottom halves off; the snapshot is this CPU's, until they are on.
 */
struct vexipc_policy_snapshot *vexipc_policy_snapshot(const struct vexipc_instance *inst,
						      const struct vexipc_pick *pick)
{
	struct vexipc_policy_snapshot *snap = this_cpu_ptr(snapshots);
	const struct vexipc_request *req = pick->req;

	BUILD_BUG_ON((int)VEXIPC_POLICY_CANDIDATES < (int)VEXIPC_MAX_CANDIDATES);
	BUILD_BUG_ON(sizeof(struct vexipc_policy_candidate) != 56);
	snap->pick = pick;
	snap->request = (struct vexipc_policy_request) {
		.instance = inst->cookie,
		.request_id = req->request_id,
		.session = req->session,
		.deadline_ns = req->deadline_ns,
		.now_ns = ktime_get_ns(),
		.candidates = pick->count,
		.type = req->type,
		.dimensions = req->dimensions,
		.data_type = req->data_type,
		.content_type = req->content_type,
		.content_len = req->content_len,
		.items = req->count,
		.priority = req->priority,
		.attempt = req->tried_count,
		.model_len = req->model_len,
	};
	return snap;
}

/* Those beyond the candidates are all zero, whoever looks at them. */
void vexipc_policy_fill_candidates(struct vexipc_policy_snapshot *snap)
{
	const struct vexipc_pick *pick = snap->pick;
	const struct vexipc_request *req = pick->req;
	bool asks = req->model_len || req->dimensions || req->tried_count;
	u32 count = pick->count, data_types = 1u << req->data_type;

	for (u32 i = 0; i < count; i++) {
		fill(&snap->candidate[i], pick->service[i], data_types);
		if (asks)
			snap->candidate[i].flags |= flags_of(pick->service[i], req);
	}
	if (snap->filled > count)
		memset(snap->candidate + count, 0,
		       (snap->filled - count) * sizeof(snap->candidate[0]));
	snap->filled = count;
}

/* Of a candidate, @index is below their count. */
void vexipc_policy_fill_details(struct vexipc_policy_snapshot *snap, u32 index)
{
	const struct vexipc_service *svc = snap->pick->service[index];
	const struct vexipc_service_spec *spec = &svc->spec;
	u64 now_ns = snap->request.now_ns;

	snap->details[index] = (struct vexipc_policy_details) {
		.registered_ns = svc->registered_ns,
		.fresh_ns = READ_ONCE(svc->fresh_ns),
		.heartbeat_ns = READ_ONCE(svc->last_heartbeat_ns),
		.memory_bytes = READ_ONCE(svc->memory_bytes),
		.requests = READ_ONCE(svc->requests),
		.completed = READ_ONCE(svc->completed),
		.failures = READ_ONCE(svc->failures),
		.latency_us = vexipc_latency_average(&svc->latency, now_ns),
		.latency_peak_us = vexipc_latency_peak(&svc->latency, now_ns),
		.error_permille = vexipc_breaker_error_permille(&svc->breaker, now_ns),
		.cpu_permille = READ_ONCE(svc->cpu_permille),
		.reported_in_flight = READ_ONCE(svc->reported_in_flight),
		.reported_queue_depth = READ_ONCE(svc->reported_queue_depth),
		.announced_latency_us = spec->latency_us,
		.max_batch = spec->max_batch,
		.data_types = spec->data_types,
		.dimensions_count = spec->dimensions_count,
	};
}

void vexipc_policy_fill_model(struct vexipc_policy_snapshot *snap)
{
	const struct vexipc_request *req = snap->pick->req;
	u32 len = min_t(u32, req->model_len, sizeof(snap->model));

	memcpy(snap->model, req->model, len);
	memset(snap->model + len, 0, sizeof(snap->model) - len);
}

/* Its length and its beginning: hashing 16 MiB would take milliseconds. */
u64 vexipc_policy_hash(const struct vexipc_policy_snapshot *snap)
{
	const struct vexipc_request *req = snap->pick->req;

	return xxh64(req->content, min_t(u32, req->content_len, HASHED_MAX),
		     req->content_len);
}
