/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_REGISTRY_H
#define _VEXIPC_REGISTRY_H

#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include <linux/vexipc.h>

#include "admission.h"
#include "availability.h"
#include "breaker.h"
#include "capable.h"
#include "codel.h"
#include "gradient.h"
#include "histogram.h"
#include "instance.h"
#include "latency.h"
#include "order.h"
#include "transport.h"

struct pid_namespace;
struct user_namespace;
struct vexipc_context;
struct vexipc_endpoint;

/*
 * struct vexipc_service_spec - what a service says of itself
 * @strings: one block that the pointers below point into; kvfree()d
 *
 * Filled by an entry point from its own format, checked by
 * vexipc_registry_add(), which then owns @strings. Strings are not terminated.
 */
struct vexipc_service_spec {
	void *strings;
	const char *id, *name, *software_version, *endpoint, *models, *metadata;
	const char *token;	/* wiped once it was looked at */
	u32 id_len, name_len, software_version_len, endpoint_len, models_len;
	u32 metadata_len, token_len;
	u32 version_min, version_max;
	u32 flags, transport, max_batch, data_types, priority, weight;
	u32 max_concurrent, latency_us, throughput;
	u64 features;
	u32 dimensions_count;
	u32 dimensions[VEXIPC_MAX_SERVICE_DIMENSIONS];
};

/**
 * struct vexipc_service - one registered service
 * @refs:	references
 * @rcu:	frees it
 * @inst:	its instance
 * @ep:		where it is reached; a reference
 * @transport:	how
 * @most:	how many requests that has room for at once
 * @by_id:	in the instance's table
 * @key:	the id, NUL-padded, for the table
 * @spec:	what it said of itself
 * @version:	protocol version agreed on
 * @features:	features agreed on
 * @slot:	module-wide number, index of the telemetry maps
 * @handle:	slot and generation
 * @uid:	who registered it
 * @pid:	who registered it; a reference
 * @registered_ns: when
 * @token:	it came with, 0: none
 * @token_flags: what it may by that; without a token all that a service may
 * @untold:	its registration is taken back
 * @breadth:	how much it can do, for the tightest fit
 * @turn_weight: smooth weighted round robin's account
 * @buckets:	how much it may get
 * @lock:	guards what follows
 * @queue:	requests in state QUEUED, in the order they will be sent
 * @codel:	whether that queue stands
 * @inflight:	requests in state SENT
 * @carriers:	messages that several of them travel in; see carrier.c
 * @batch_timer: kicks when a request has waited long enough for company
 * @batch_delayed: it runs; a reference
 * @corked:	carriers being answered; who does it sends what is next, at the end
 * @queued:	how many are in @queue, without probes
 * @in_flight:	how many are in @inflight, without probes
 * @in_flight_bytes: their content
 * @gone:	off the registry; nothing may be queued
 * @draining:	gets nothing new
 * @leave_when_idle: is unregistered when it holds nothing
 * @failed:	unhealthy; gets probes only
 * @degraded:	missed something, or is coming back
 * @stalled:	has answered nothing of what it has for too long
 * @slow:	its answers take too long
 * @ails:	any of these
 * @leave:	carries @leave_when_idle out
 * @move_on:	its breaker has opened: what waits goes elsewhere; a reference
 * @send_work:	netlink: tries again to send what found no room; a reference
 * @send_tries:	in vain, for the request at the head of @queue
 * @sending:	netlink: one sends, and so many wishes came meanwhile
 * @hedge_work:	looks for requests that are late; a reference. See hedge.c
 * @hedge_armed: it will
 * @send_blocked: netlink: the socket had no room for the request at the head
 * @fresh_ns:	when it came, or came back
 * @latency:	as the algorithms see it
 * @response_time: of answers alone, kept while slow_after_ms is set
 * @breaker:	keeps requests away while it fails
 * @gradient:	how many it does well with at once
 */
struct vexipc_service {
	struct kref refs;
	struct rcu_head rcu;
	struct vexipc_instance *inst;
	struct vexipc_endpoint *ep;
	const struct vexipc_transport_ops *transport;
	u32 most;
	struct rhash_head by_id;
	char key[VEXIPC_MAX_NAME];
	struct vexipc_service_spec spec;
	u32 version;
	u64 features;
	u32 slot;
	u64 handle;
	kuid_t uid;
	struct pid *pid;
	u64 registered_ns;
	u64 token;
	u32 token_flags;
	bool untold;
	u32 breadth;
	atomic_t turn_weight;
	struct vexipc_buckets buckets;

	spinlock_t lock ____cacheline_aligned_in_smp;
	struct vexipc_order queue;
	struct vexipc_codel codel;
	struct list_head inflight;
	struct list_head carriers;
	struct hrtimer batch_timer;
	bool batch_delayed;
	atomic_t corked;
	u32 queued;
	u32 in_flight;
	u64 in_flight_bytes;
	union {
		struct {
			bool gone, draining, leave_when_idle, failed, degraded, stalled, slow;
		};
		u64 ails;
	};
	struct work_struct leave;
	struct work_struct move_on;
	struct delayed_work send_work;
	u32 send_tries;
	atomic_t sending;
	bool send_blocked;
	struct delayed_work hedge_work;
	bool hedge_armed;
	u64 fresh_ns;
	struct vexipc_latency latency, response_time;
	struct vexipc_breaker breaker;
	struct vexipc_gradient gradient;

	/* private: figures, under @lock */
	u64 requests, completed, failures, timed_out, cancelled;
	u64 orphans, bad_answers;
	u64 hedges, hedges_won;
	u64 bytes_in, bytes_out;
	u32 average_us;
	struct vexipc_histogram times;
	struct vexipc_availability availability;

	u64 last_sign_ns;	/* a heartbeat or an answer */
	u64 last_answer_ns;
	u64 last_heartbeat_ns;
	u64 last_probe_ns;
	u64 heartbeats;
	u64 memory_bytes;
	u32 cpu_permille, reported_in_flight, reported_queue_depth;
	u32 probes_failed;	/* in a row */
	u32 probes_answered;	/* in a row, since it failed */
	bool probing;
};

static_assert(offsetofend(struct vexipc_service, slow) -
	      offsetof(struct vexipc_service, ails) <= sizeof(u64));

/* struct vexipc_filter is which services somebody wants to see; 0 means any. */
struct vexipc_filter {
	u32 dimensions;
	u32 data_types;		/* all of these */
	u32 states;		/* mask of 1 << state */
	const char *model;
	u32 model_len;
};

int vexipc_registry_init(struct vexipc_instance *inst);
void vexipc_registry_exit(struct vexipc_instance *inst);
struct vexipc_service *vexipc_registry_add(const struct vexipc_context *ctx,
					   struct vexipc_endpoint *ep,
					   struct vexipc_service_spec *spec);
int vexipc_registry_remove(struct vexipc_service *svc, bool died);
void vexipc_registry_take_back(struct vexipc_service *svc);
void vexipc_registry_drain(struct vexipc_service *svc, bool drain);
void vexipc_registry_leave_when_idle(struct vexipc_service *svc);
void vexipc_registry_move_on(struct vexipc_service *svc);

struct vexipc_service *vexipc_registry_by_id(struct vexipc_instance *inst,
					     const char *id, u32 len);
struct vexipc_service *vexipc_registry_by_handle(struct vexipc_instance *inst, u64 handle);
struct vexipc_service *vexipc_registry_next(struct vexipc_instance *inst, u32 *slot,
					    const struct vexipc_filter *filter);
struct vexipc_service *vexipc_registry_at(struct vexipc_instance *inst, u32 slot);
u32 vexipc_registry_count(struct vexipc_instance *inst);

/* vexipc_service_well() - nothing is the matter with it; no lock needed */
static inline bool vexipc_service_well(const struct vexipc_service *svc)
{
	return likely(!READ_ONCE(svc->ails));
}

/* vexipc_service_available() - may it be chosen for a new request? */
static inline bool vexipc_service_available(const struct vexipc_service *svc)
{
	return vexipc_service_well(svc) || (!READ_ONCE(svc->gone) && !READ_ONCE(svc->failed) &&
					    !READ_ONCE(svc->draining));
}

/* vexipc_service_degraded() - does it get only what no other can do? */
static inline bool vexipc_service_degraded(const struct vexipc_service *svc)
{
	return !vexipc_service_well(svc) &&
	       (READ_ONCE(svc->degraded) | READ_ONCE(svc->stalled) | READ_ONCE(svc->slow));
}

u64 vexipc_service_queue_ns(const struct vexipc_service *svc);
enum vexipc_service_state vexipc_service_state(const struct vexipc_service *svc);
void vexipc_service_control(struct vexipc_service *svc, u32 op);
void vexipc_service_note_state(struct vexipc_service *svc,
			       enum vexipc_service_state before);
void vexipc_service_note_time(struct vexipc_service *svc, u64 now_ns, u64 service_ns);
void vexipc_service_account(struct vexipc_service *svc, enum vexipc_error error,
			    u64 sent_ns, u64 now_ns, u64 allowed_ns);
bool vexipc_service_matches(const struct vexipc_service *svc, u32 dimensions,
			    u32 data_types, const char *model, u32 model_len);
void vexipc_service_entry_fill(struct vexipc_service *svc,
			       struct vexipc_service_entry *entry,
			       struct user_namespace *user_ns,
			       struct pid_namespace *pid_ns);
void vexipc_service_free(struct kref *refs);

/* vexipc_service_max() - how many requests it may ever have in flight. */
static inline u32 vexipc_service_max(const struct vexipc_service *svc)
{
	u32 max = svc->spec.max_concurrent ?:
		  vexipc_config(svc->inst, VEXIPC_CONFIG_MAX_CONCURRENT_PER_SERVICE);

	return min(max, svc->most);
}

/* vexipc_service_adaptive() - does what it may have depend on how it does? */
static inline bool vexipc_service_adaptive(const struct vexipc_service *svc)
{
	return unlikely(vexipc_config(svc->inst, VEXIPC_CONFIG_ADAPTIVE_CONCURRENCY));
}

/* vexipc_service_limit() - how many it may have now. */
static inline u32 vexipc_service_limit(const struct vexipc_service *svc)
{
	u32 max = vexipc_service_max(svc);

	return vexipc_service_adaptive(svc) ? vexipc_gradient_limit(&svc->gradient, max) : max;
}

/* vexipc_service_admitted() - does its breaker let it have one more? No locks held. */
static inline bool vexipc_service_admitted(struct vexipc_service *svc)
{
	return likely(READ_ONCE(svc->breaker.state) == VEXIPC_BREAKER_CLOSED) ||
	       vexipc_breaker_admits(svc);
}

/* vexipc_transport_fits() - could a request of so many bytes ever be carried to it? */
static inline bool vexipc_transport_fits(const struct vexipc_service *svc, u32 len)
{
	return len <= VEXIPC_MAX_MESSAGE &&
	       (!svc->transport->fits || svc->transport->fits(svc, len));
}

/* vexipc_service_in_hand() - requests it has, or that wait for it; no lock needed */
static inline u32 vexipc_service_in_hand(const struct vexipc_service *svc)
{
	return READ_ONCE(svc->in_flight) + READ_ONCE(svc->queued);
}

static inline void vexipc_service_get(struct vexipc_service *svc)
{
	kref_get(&svc->refs);
}

static inline void vexipc_service_put(struct vexipc_service *svc)
{
	kref_put(&svc->refs, vexipc_service_free);
}

#endif
