// SPDX-License-Identifier: GPL-2.0-only
/* What a policy sees of a choice: made when it asks for it, not before. */
#include <linux/ktime.h>
#include <linux/math64.h>
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

/* It is capable: what it lists, it lists because it was asked for. */
static u32 flags_of(const struct vexipc_service *svc, const struct vexipc_request *req)
{
	const struct vexipc_service_spec *spec = &svc->spec;

	return (vexipc_request_tried(req, svc->slot) ? VEXIPC_CANDIDATE_TRIED : 0) |
	       (req->model_len && spec->models_len ? VEXIPC_CANDIDATE_MODEL : 0) |
	       (req->dimensions && spec->dimensions_count ? VEXIPC_CANDIDATE_DIMENSIONS : 0) |
	       (spec->data_types == 1u << req->data_type ? VEXIPC_CANDIDATE_DATA_TYPE : 0);
}

/* Of the breaker's window, which stands still while nothing ends. */
static u32 error_permille(const struct vexipc_breaker *b, u64 now_ns)
{
	u32 failed = 0, all = 0;

	if (now_ns > (READ_ONCE(b->second) + VEXIPC_BREAKER_SECONDS) * NSEC_PER_SEC)
		return 0;
	for (u32 i = 0; i < VEXIPC_BREAKER_SECONDS; i++) {
		u32 n = READ_ONCE(b->window[i].failed);

		failed += n;
		all += n + READ_ONCE(b->window[i].succeeded);
	}
	return all ? div_u64((u64)failed * 1000, all) : 0;
}

/* Without the service's lock: each figure is right, all together nearly. */
static void fill(struct vexipc_policy_candidate *c, const struct vexipc_service *svc,
		 const struct vexipc_request *req, u64 now_ns)
{
	const struct vexipc_service_spec *spec = &svc->spec;
	u32 limit = vexipc_service_limit(svc);

	*c = (struct vexipc_policy_candidate) {
		.handle = svc->handle,
		.registered_ns = svc->registered_ns,
		.fresh_ns = READ_ONCE(svc->fresh_ns),
		.heartbeat_ns = READ_ONCE(svc->last_heartbeat_ns),
		.memory_bytes = READ_ONCE(svc->memory_bytes),
		.requests = READ_ONCE(svc->requests),
		.completed = READ_ONCE(svc->completed),
		.failures = READ_ONCE(svc->failures),
		.slot = svc->slot,
		.state = vexipc_service_state(svc),
		.breaker = READ_ONCE(svc->breaker.state),
		.flags = flags_of(svc, req),
		.priority = spec->priority,
		.weight = spec->weight,
		.in_flight = READ_ONCE(svc->in_flight),
		.queued = READ_ONCE(svc->queued),
		.latency_at_ns = READ_ONCE(svc->latency.at_ns),
		.latency_us = vexipc_latency_average(&svc->latency, now_ns),
		.latency_peak_us = vexipc_latency_peak(&svc->latency, now_ns),
		.error_permille = error_permille(&svc->breaker, now_ns),
		.announced_latency_us = spec->latency_us,
		.cpu_permille = READ_ONCE(svc->cpu_permille),
		.reported_in_flight = READ_ONCE(svc->reported_in_flight),
		.reported_queue_depth = READ_ONCE(svc->reported_queue_depth),
		.max_batch = spec->max_batch,
		.data_types = spec->data_types,
		.dimensions_count = spec->dimensions_count,
	};
	c->credits = limit - min(limit, c->in_flight);
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
	BUILD_BUG_ON(sizeof(struct vexipc_policy_candidate) != 160);
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

	for (u32 i = 0; i < pick->count; i++)
		fill(&snap->candidate[i], pick->service[i], pick->req, snap->request.now_ns);
	if (snap->filled > pick->count)
		memset(snap->candidate + pick->count, 0,
		       (snap->filled - pick->count) * sizeof(snap->candidate[0]));
	snap->filled = pick->count;
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
