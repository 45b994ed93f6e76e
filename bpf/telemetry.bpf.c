// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telemetry: programs on the module's tracepoints that keep the figures of every
 * service in maps. telemetry.h tells what is in them.
 *
 * What happens to requests at one service is traced under that service's lock
 * (see kmod/trace.h), so these programs just add up; what is traced outside of
 * it, or is the instance's, is added atomically. The module traces with bottom
 * halves off: no program is interrupted by another run of itself on its CPU.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <linux/vexipc.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "telemetry.h"

char LICENSE[] SEC("license") = "GPL";

/* These programs' number. Others may be attached, but write only if it is theirs. */
const volatile __u32 owner = 1;

#define ARRAY_MAP(name_, value_, entries_)		\
	struct {					\
		__uint(type, BPF_MAP_TYPE_ARRAY);	\
		__uint(map_flags, BPF_F_MMAPABLE);	\
		__uint(max_entries, entries_);		\
		__type(key, __u32);			\
		__type(value, value_);			\
	} name_ SEC(".maps")

ARRAY_MAP(services, struct vexipc_tm_service, VEXIPC_TM_SLOTS);
ARRAY_MAP(latency, struct vexipc_tm_latency, 1);	/* sized when attached */
ARRAY_MAP(instances, struct vexipc_tm_instance, VEXIPC_TM_INSTANCES);
ARRAY_MAP(queues, struct vexipc_tm_queues, VEXIPC_TM_INSTANCES);
ARRAY_MAP(control, struct vexipc_tm_control, 1);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, VEXIPC_TM_EVENTS_SIZE);
} events SEC(".maps");

#define atomic_add(at, n) __sync_fetch_and_add(at, n)

/* NULL when other programs have taken over. */
static __always_inline struct vexipc_tm_control *our_control(void)
{
	__u32 zero = 0;
	struct vexipc_tm_control *c = bpf_map_lookup_elem(&control, &zero);

	return c && c->owner == owner ? c : NULL;
}

/* ------------------------------------------------------------- instances -- */

static __noinline struct vexipc_tm_instance *new_instance(__u64 cookie)
{
	struct vexipc_tm_instance *inst, *found = NULL;

	/* All places are looked at: one before it may have become free. */
	for (__u32 i = 0; i < VEXIPC_TM_PROBE; i++) {
		__u32 at = (vexipc_tm_instance_at(cookie) + i) % VEXIPC_TM_INSTANCES;

		inst = bpf_map_lookup_elem(&instances, &at);
		if (!inst)
			return NULL;
		if (inst->cookie == cookie)
			return inst;
	}
	for (__u32 i = 0; i < VEXIPC_TM_PROBE && !found; i++) {
		__u32 at = (vexipc_tm_instance_at(cookie) + i) % VEXIPC_TM_INSTANCES;
		__u64 was;

		inst = bpf_map_lookup_elem(&instances, &at);
		if (!inst)
			return NULL;
		was = __sync_val_compare_and_swap(&inst->cookie, 0, cookie);
		if (was == cookie)
			return inst;
		if (was)
			continue;
		inst->index = at;
		inst->version = VEXIPC_TM_VERSION;
		inst->since_ns = bpf_ktime_get_ns();
		found = inst;
	}
	return found;
}

static __always_inline struct vexipc_tm_instance *
instance_of(struct vexipc_tm_control *c, __u64 cookie)
{
	__u32 at = vexipc_tm_instance_at(cookie);
	struct vexipc_tm_instance *inst = bpf_map_lookup_elem(&instances, &at);

	if (inst && inst->cookie == cookie)
		return inst;
	inst = new_instance(cookie);
	if (!inst)
		atomic_add(&c->instances_untracked, 1);
	return inst;
}

/* What a program needs that keeps figures of the instance alone; NULL: keep none. */
static __always_inline struct vexipc_tm_instance *our_instance(__u64 cookie)
{
	struct vexipc_tm_control *c = our_control();

	return c ? instance_of(c, cookie) : NULL;
}

SEC("tp_btf/vexipc_instance_exit")
int BPF_PROG(instance_exit, __u64 cookie)
{
	struct vexipc_tm_control *c = our_control();

	if (!c)
		return 0;
	for (__u32 i = 0; i < VEXIPC_TM_PROBE; i++) {
		__u32 at = (vexipc_tm_instance_at(cookie) + i) % VEXIPC_TM_INSTANCES;
		struct vexipc_tm_instance *inst = bpf_map_lookup_elem(&instances, &at);
		struct vexipc_tm_queues *q = bpf_map_lookup_elem(&queues, &at);

		if (!inst || !q || inst->cookie != cookie)
			continue;
		inst->cookie = VEXIPC_TM_WIPED;
		__builtin_memset(q, 0, sizeof(*q));
		for (__u32 j = 1; j < sizeof(*inst) / sizeof(__u64); j++)
			((volatile __u64 *)inst)[j] = 0;
		inst->cookie = 0;
		break;
	}
	return 0;
}

/* -------------------------------------------------------------- services -- */

static __noinline bool adopt(struct vexipc_tm_service *s, __u64 instance, __u32 slot,
			     __u64 handle)
{
	struct vexipc_tm_control *c = our_control();
	struct vexipc_tm_instance *inst;
	__u64 was;

	if (!s || !c || s->handle)
		return false;
	was = __sync_val_compare_and_swap(&s->handle, 0, handle);
	if (was)
		return was == handle;
	inst = instance_of(c, instance);
	s->version = VEXIPC_TM_VERSION;
	s->slot = slot;
	s->instance = instance;
	s->instance_index = inst ? inst->index : ~0u;
	s->state = VEXIPC_STATE_ACTIVE;
	s->partial = 1;
	s->since_ns = bpf_ktime_get_ns();
	return true;
}

/*
 * The figures of a service, NULL if the slot has another's: then this is a late
 * word of one that has gone. One that was there before telemetry is taken in.
 */
static __always_inline struct vexipc_tm_service *
service_of(__u64 instance, __u32 slot, __u64 handle)
{
	struct vexipc_tm_service *s = bpf_map_lookup_elem(&services, &slot);

	if (s && s->handle != handle && !adopt(s, instance, slot, handle))
		return NULL;
	return s;
}

/* The same by its handle alone; only if it is known. */
static __always_inline struct vexipc_tm_service *known_service(__u64 handle)
{
	__u32 slot = (__u32)handle;
	struct vexipc_tm_service *s = bpf_map_lookup_elem(&services, &slot);

	return s && handle && s->handle == handle ? s : NULL;
}

static __always_inline struct vexipc_tm_event *new_event(struct vexipc_tm_control *c,
							 __u32 kind, __u64 instance,
							 __u64 service)
{
	struct vexipc_tm_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	struct vexipc_tm_service *s = known_service(service);

	if (!e) {
		atomic_add(&c->events_lost, 1);
		return NULL;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->time_ns = bpf_ktime_get_ns();
	e->instance = instance;
	e->service = service;
	e->kind = kind;
	if (s)
		__builtin_memcpy(e->id, s->id, sizeof(e->id));
	return e;
}

static __always_inline void in_flight_is(struct vexipc_tm_service *s, __u32 n)
{
	s->in_flight = n;
	if (n > s->in_flight_max)
		s->in_flight_max = n;
}

/* Not yet known of one that was there before telemetry; or there was no room. */
static __noinline __u32 find_index(struct vexipc_tm_control *c, struct vexipc_tm_service *s)
{
	struct vexipc_tm_instance *inst;

	if (!c || !s)
		return ~0u;
	inst = instance_of(c, s->instance);
	if (inst)
		s->instance_index = inst->index;
	return s->instance_index;
}

static __always_inline void band_grows(struct vexipc_tm_queues *q, __u32 band)
{
	__u64 depth, highest;

	atomic_add(&q->band[band & 3].queued, 1);
	depth = atomic_add(&q->band[band & 3].depth, 1) + 1;
	highest = q->band[band & 3].highest;
	/* Should others race for it, the greatest is there after a few tries. */
	for (int i = 0; i < 8 && depth > highest; i++) {
		__u64 was = __sync_val_compare_and_swap(&q->band[band & 3].highest,
							highest, depth);

		if (was == highest)
			break;
		highest = was;
	}
}

/* One more, or less, in the overflow queue, which is no service's. */
static __always_inline void overflow_changes(struct vexipc_tm_control *c, __u64 cookie,
					     __u32 priority, bool more)
{
	struct vexipc_tm_instance *inst = instance_of(c, cookie);
	__u32 at, band = vexipc_tm_band(priority);
	struct vexipc_tm_queues *q;

	if (!inst)
		return;
	at = inst->index;
	q = bpf_map_lookup_elem(&queues, &at);
	if (!q)
		return;
	if (more) {
		atomic_add(&q->overflow[band & 3], 1);
		band_grows(q, band);
	} else if (q->overflow[band & 3]) {
		/* Those queued before telemetry came were never counted. */
		atomic_add(&q->overflow[band & 3], -1);
		atomic_add(&q->band[band & 3].depth, -1);
	}
}

/* One more in the queue. */
static __always_inline void wait_begins(struct vexipc_tm_control *c, struct vexipc_tm_service *s,
					__u32 priority, __u32 queued)
{
	__u32 at = s->instance_index, band = vexipc_tm_band(priority);
	struct vexipc_tm_queues *q;

	if (at == ~0u)
		at = find_index(c, s);
	q = bpf_map_lookup_elem(&queues, &at);
	s->queued = queued;
	if (queued > s->queued_max)
		s->queued_max = queued;
	s->queued_by[band & 3]++;
	if (q)
		band_grows(q, band);
}

/* One less; those queued before telemetry came were never counted. */
static __always_inline void wait_ends(struct vexipc_tm_service *s, __u32 priority,
				      __u32 queued)
{
	__u32 at = s->instance_index, band = vexipc_tm_band(priority);
	struct vexipc_tm_queues *q;

	s->queued = queued;
	if (!s->queued_by[band & 3])
		return;
	s->queued_by[band & 3]--;
	q = bpf_map_lookup_elem(&queues, &at);
	if (q)
		atomic_add(&q->band[band & 3].depth, -1);
}

SEC("tp_btf/vexipc_request_queue")
int BPF_PROG(request_queue, __u64 instance, __u64 correlation, __u32 slot, __u64 handle,
	     __u32 priority, __u32 queued, __u32 content_len)
{
	struct vexipc_tm_control *c = our_control();
	struct vexipc_tm_service *s;

	if (!content_len || !c)
		return 0;
	if (!handle) {
		overflow_changes(c, instance, priority, true);
		return 0;
	}
	s = service_of(instance, slot, handle);
	if (s)
		wait_begins(c, s, priority, queued);
	return 0;
}

SEC("tp_btf/vexipc_request_unqueue")
int BPF_PROG(request_unqueue, __u64 instance, __u64 correlation, __u32 slot, __u64 handle,
	     __u32 priority, __u32 queued, __u32 content_len)
{
	struct vexipc_tm_control *c = our_control();
	struct vexipc_tm_service *s;

	if (!content_len || !c)
		return 0;
	if (!handle) {
		overflow_changes(c, instance, priority, false);
		return 0;
	}
	s = service_of(instance, slot, handle);
	if (s)
		wait_ends(s, priority, queued);
	return 0;
}

/* An eighth of the way to @value; the first one sets it. */
static __always_inline void average(__u64 *a, __u64 value, bool first)
{
	if (first)
		*a = value;
	else
		*a += (__s64)(value - *a) >> 3;
}

SEC("tp_btf/vexipc_request_send")
int BPF_PROG(request_send, __u64 instance, __u64 correlation, __u32 slot, __u64 handle,
	     __u64 queue_ns, __u32 content_len, __u32 in_flight, __u32 queued, __u32 priority,
	     __u32 limit)
{
	struct vexipc_tm_service *s;

	if (!content_len || !our_control())
		return 0;
	s = service_of(instance, slot, handle);
	if (!s)
		return 0;
	average(&s->queue_ns, queue_ns, !s->requests);
	s->queue_sum_ns += queue_ns;
	s->requests++;
	s->bytes_in += content_len;
	in_flight_is(s, in_flight);
	s->limit = limit;
	if (!s->limit_min || limit < s->limit_min)
		s->limit_min = limit;
	wait_ends(s, priority, queued);
	return 0;
}

static __always_inline __u32 size_step(__u32 count)
{
	__u32 step = 0;

	if (count <= 1)
		return 0;
	step = vexipc_tm_log2(count);
	return step < VEXIPC_TM_SIZES ? step : VEXIPC_TM_SIZES - 1;
}

/* Requests that travel together: a batch, as one that was asked for is. */
SEC("tp_btf/vexipc_request_carry")
int BPF_PROG(request_carry, __u64 instance, __u64 correlation, __u32 slot, __u64 handle,
	     __u32 count, __u32 bytes)
{
	struct vexipc_tm_control *c = our_control();
	struct vexipc_tm_instance *inst;
	struct vexipc_tm_service *s;

	if (!c)
		return 0;
	s = service_of(instance, slot, handle);
	if (s) {
		s->batches++;
		if (count > s->batch_max)
			s->batch_max = count;
	}
	inst = instance_of(c, instance);
	if (inst)
		atomic_add(&inst->batch_sizes[size_step(count)], 1);
	return 0;
}

SEC("tp_btf/vexipc_request_unsend")
int BPF_PROG(request_unsend, __u64 instance, __u64 correlation, __u32 slot, __u64 handle,
	     __u32 content_len, __u32 in_flight, __u32 queued, __u32 priority)
{
	struct vexipc_tm_control *c = our_control();
	struct vexipc_tm_service *s;

	if (!content_len || !c)
		return 0;
	s = service_of(instance, slot, handle);
	if (!s)
		return 0;
	/* Had it been sent before telemetry came, it was not counted. */
	if (s->requests) {
		s->requests--;
		s->bytes_in -= content_len;
	}
	in_flight_is(s, in_flight);
	wait_begins(c, s, priority, queued);
	return 0;
}

static __always_inline void count_latency(struct vexipc_tm_control *c, __u32 slot,
					  __u64 handle, __u64 ns)
{
	__u32 at = bpf_get_smp_processor_id() * c->slots + slot;
	__u32 bucket = vexipc_tm_bucket(ns);
	struct vexipc_tm_latency *l = NULL;

	if (slot < c->slots)
		l = bpf_map_lookup_elem(&latency, &at);
	if (!l) {
		atomic_add(&c->latency_untracked, 1);
		return;
	}
	if (l->handle != handle) {
		l->handle = VEXIPC_TM_WIPED;
		l->total = 0;
		for (__u32 i = 0; i < VEXIPC_TM_BUCKETS; i++)
			*(volatile __u64 *)&l->bucket[i] = 0;
		l->handle = handle;
	}
	if (bucket < VEXIPC_TM_BUCKETS)
		l->bucket[bucket]++;
	l->total++;
}

static __always_inline void count_failure(struct vexipc_tm_service *s, __u32 error,
					  __u64 now, __u64 ns)
{
	s->errors[error & (VEXIPC_TM_ERRORS - 1)]++;
	s->last_error = error;
	s->last_error_ns = now;
	switch (error) {
	case VEXIPC_ERR_CANCELLED:
	case VEXIPC_ERR_INTERRUPTED:
		s->cancelled++;
		return;
	case VEXIPC_ERR_OVERLOADED:
		s->overloaded++;
		return;
	case VEXIPC_ERR_SERVICE_DIED:
		s->evicted++;
		return;
	case VEXIPC_ERR_TIMED_OUT:
		s->timed_out++;
		break;
	}
	s->failed++;
	s->error_ppm += (1000000 - s->error_ppm) >> 4;
	s->latency_peak_ns = vexipc_tm_peak(s->latency_peak_ns, ns, now - s->latency_at_ns);
	s->latency_at_ns = now;
}

SEC("tp_btf/vexipc_request_attempt")
int BPF_PROG(request_attempt, __u64 instance, __u64 correlation, __u32 slot, __u64 handle,
	     __u32 error, __u64 service_ns, __u32 content_len, __u32 answer_len,
	     __u32 count, __u32 in_flight)
{
	struct vexipc_tm_control *c = our_control();
	struct vexipc_tm_service *s;
	__u64 now;

	if (!content_len || !c)
		return 0;
	s = service_of(instance, slot, handle);
	if (!s)
		return 0;
	now = bpf_ktime_get_ns();
	s->updated_ns = now;
	in_flight_is(s, in_flight);
	if (error) {
		count_failure(s, error, now, service_ns);
		return 0;
	}
	average(&s->latency_ns, service_ns, !s->completed);
	s->latency_peak_ns = vexipc_tm_peak(s->latency_peak_ns, service_ns,
					    now - s->latency_at_ns);
	s->latency_at_ns = now;
	s->latency_sum_ns += service_ns;
	s->error_ppm -= (s->error_ppm + 15) >> 4;
	s->completed++;
	s->bytes_out += answer_len;
	s->items += count;
	if (count > 1)
		s->batches++;
	if (count > s->batch_max)
		s->batch_max = count;
	if (c->slow_ns && service_ns >= c->slow_ns)
		s->slow++;
	count_latency(c, slot, handle, service_ns);
	return 0;
}

/* ------------------------------------------------- requests of instances -- */

static __noinline int slow_event(struct vexipc_tm_control *c, __u64 *args)
{
	struct vexipc_tm_event *e;

	if (!c || !args)
		return 0;
	e = new_event(c, VEXIPC_TM_EVENT_SLOW, args[0], args[2]);
	if (!e)
		return 0;
	e->correlation = args[1];
	e->error = (__u32)args[3];
	e->attempts = (__u32)args[4];
	e->total_ns = args[5];
	e->queue_ns = args[6];
	e->service_ns = args[7];
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tp_btf/vexipc_request_complete")
int BPF_PROG(request_complete, __u64 instance, __u64 correlation, __u64 service, __u32 error,
	     __u32 attempts, __u64 total_ns, __u64 queue_ns, __u64 service_ns,
	     __u32 content_len, __u32 answer_len, __u32 count)
{
	struct vexipc_tm_control *c = our_control();
	struct vexipc_tm_instance *inst;

	if (!content_len || !c)
		return 0;
	inst = instance_of(c, instance);
	if (!inst)
		return 0;
	switch (error) {
	case VEXIPC_OK:
		atomic_add(&inst->completed, 1);
		atomic_add(&inst->bytes_out, answer_len);
		atomic_add(&inst->total_sum_ns, total_ns);
		break;
	case VEXIPC_ERR_TIMED_OUT:
		atomic_add(&inst->timed_out, 1);
		break;
	case VEXIPC_ERR_CANCELLED:
	case VEXIPC_ERR_INTERRUPTED:
		atomic_add(&inst->cancelled, 1);
		break;
	default:
		atomic_add(&inst->failed, 1);
		atomic_add(&inst->failed_by[error & (VEXIPC_TM_ERRORS - 1)], 1);
	}
	atomic_add(&inst->bytes_in, content_len);
	atomic_add(&inst->batch_sizes[size_step(count)], 1);
	if (c->slow_ns && total_ns >= c->slow_ns) {
		__u64 args[] = { instance, correlation, service, error, attempts,
				 total_ns, queue_ns, service_ns };

		atomic_add(&inst->slow, 1);
		slow_event(c, args);
	}
	return 0;
}

SEC("tp_btf/vexipc_request_refuse")
int BPF_PROG(request_refuse, __u64 instance, __u64 request_id, __u32 uid, __u32 error,
	     __u32 content_len)
{
	struct vexipc_tm_control *c = our_control();
	struct vexipc_tm_instance *inst;

	if (!content_len || !c)
		return 0;
	inst = instance_of(c, instance);
	if (!inst)
		return 0;
	atomic_add(&inst->refused, 1);
	atomic_add(&inst->refused_by[error & (VEXIPC_TM_ERRORS - 1)], 1);
	return 0;
}

SEC("tp_btf/vexipc_access_denied")
int BPF_PROG(access_denied, __u64 instance, __u32 uid, __u32 operation, __u32 reason)
{
	struct vexipc_tm_instance *inst = our_instance(instance);

	if (inst)
		atomic_add(&inst->denied_by[reason & (VEXIPC_TM_DENIALS - 1)], 1);
	return 0;
}

SEC("tp_btf/vexipc_cache_lookup")
int BPF_PROG(cache_lookup, __u64 instance, __u64 correlation, __u32 lookup)
{
	struct vexipc_tm_instance *inst = our_instance(instance);

	if (!inst)
		return 0;
	switch (lookup) {
	case VEXIPC_LOOKUP_HIT:
		atomic_add(&inst->cache_hits, 1);
		break;
	case VEXIPC_LOOKUP_COALESCED:
		atomic_add(&inst->coalesced, 1);
		break;
	default:
		atomic_add(&inst->cache_misses, 1);
	}
	return 0;
}

SEC("tp_btf/vexipc_request_hedge")
int BPF_PROG(request_hedge, __u64 instance, __u64 correlation, __u64 hedge, __u64 service,
	     bool ended, __u32 error)
{
	struct vexipc_tm_instance *inst = our_instance(instance);

	if (!inst)
		return 0;
	if (!ended)
		atomic_add(&inst->hedges, 1);
	else if (!error)
		atomic_add(&inst->hedges_won, 1);
	return 0;
}

SEC("tp_btf/vexipc_request_retry")
int BPF_PROG(request_retry, __u64 instance, __u64 correlation, __u64 service, __u32 error,
	     __u32 attempt, bool failover)
{
	struct vexipc_tm_control *c = our_control();
	struct vexipc_tm_instance *inst;
	struct vexipc_tm_service *s;

	if (!c)
		return 0;
	inst = instance_of(c, instance);
	if (inst)
		atomic_add(failover ? &inst->failovers : &inst->retries, 1);
	s = known_service(service);
	if (s)
		atomic_add(failover ? &s->failovers : &s->retries, 1);
	return 0;
}

SEC("tp_btf/vexipc_request_orphan")
int BPF_PROG(request_orphan, __u64 instance, __u64 correlation, __u32 slot, __u64 handle)
{
	struct vexipc_tm_control *c = our_control();
	struct vexipc_tm_instance *inst;
	struct vexipc_tm_service *s;

	if (!c)
		return 0;
	inst = instance_of(c, instance);
	if (inst)
		atomic_add(&inst->orphans, 1);
	s = service_of(instance, slot, handle);
	if (s)
		atomic_add(&s->orphans, 1);
	return 0;
}

/* --------------------------------------------------- lives of services -- */

/* Told before anything else of this service, and when its predecessor has gone. */
SEC("tp_btf/vexipc_service_register")
int BPF_PROG(service_register, __u64 instance, __u32 slot, __u64 handle, const char *id,
	     __u32 transport, __u32 priority, __u32 weight)
{
	struct vexipc_tm_control *c = our_control();
	struct vexipc_tm_instance *inst;
	struct vexipc_tm_service *s;
	struct vexipc_tm_event *e;
	__u64 now;

	if (!c)
		return 0;
	s = bpf_map_lookup_elem(&services, &slot);
	if (!s)
		return 0;
	now = bpf_ktime_get_ns();
	inst = instance_of(c, instance);
	if (inst)
		atomic_add(&inst->registered, 1);

	__sync_lock_test_and_set(&s->handle, VEXIPC_TM_WIPED);
	for (__u32 i = 1; i < sizeof(*s) / sizeof(__u64); i++)
		((volatile __u64 *)s)[i] = 0;
	s->version = VEXIPC_TM_VERSION;
	s->slot = slot;
	s->instance = instance;
	s->instance_index = inst ? inst->index : ~0u;
	s->state = VEXIPC_STATE_ACTIVE;
	s->transport = transport;
	s->priority = priority;
	s->weight = weight;
	s->since_ns = now;
	s->updated_ns = now;
	s->state_ns = now;
	bpf_probe_read_kernel(s->id, sizeof(s->id), id);
	__sync_lock_test_and_set(&s->handle, handle);

	e = new_event(c, VEXIPC_TM_EVENT_REGISTER, instance, handle);
	if (e)
		bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tp_btf/vexipc_service_unregister")
int BPF_PROG(service_unregister, __u64 instance, __u32 slot, __u64 handle, const char *id,
	     bool died, __u32 failed_over)
{
	struct vexipc_tm_control *c = our_control();
	struct vexipc_tm_instance *inst;
	struct vexipc_tm_event *e;

	if (!c)
		return 0;
	inst = instance_of(c, instance);
	if (inst)
		atomic_add(died ? &inst->services_died : &inst->unregistered, 1);
	e = new_event(c, VEXIPC_TM_EVENT_UNREGISTER, instance, handle);
	if (!e)
		return 0;
	bpf_probe_read_kernel(e->id, sizeof(e->id), id);
	e->value = failed_over;
	e->now = died;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tp_btf/vexipc_service_state")
int BPF_PROG(service_state, __u64 instance, __u32 slot, __u64 handle, __u32 before, __u32 now)
{
	struct vexipc_tm_control *c = our_control();
	struct vexipc_tm_service *s;
	struct vexipc_tm_event *e;
	__u64 time;

	if (!c)
		return 0;
	s = service_of(instance, slot, handle);
	if (s) {
		time = bpf_ktime_get_ns();
		if (vexipc_tm_available(s->state))
			s->available_ns += time - (s->state_ns ?: s->since_ns);
		s->state = now;
		s->state_ns = time;
		s->updated_ns = time;
	}
	e = new_event(c, VEXIPC_TM_EVENT_STATE, instance, handle);
	if (!e)
		return 0;
	e->before = before;
	e->now = now;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tp_btf/vexipc_service_breaker")
int BPF_PROG(service_breaker, __u64 instance, __u32 slot, __u64 handle, __u32 before, __u32 now,
	     __u32 ejections)
{
	struct vexipc_tm_service *s;

	if (!our_control())
		return 0;
	s = service_of(instance, slot, handle);
	if (!s)
		return 0;
	s->breaker = now;
	s->ejections = ejections;
	s->updated_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/vexipc_service_heartbeat")
int BPF_PROG(service_heartbeat, __u64 instance, __u32 slot, __u64 handle, __u32 cpu_permille,
	     __u64 memory_bytes, __u32 in_flight, __u32 queue_depth)
{
	struct vexipc_tm_service *s;

	if (!our_control())
		return 0;
	s = service_of(instance, slot, handle);
	if (!s)
		return 0;
	atomic_add(&s->heartbeats, 1);
	s->heartbeat_ns = bpf_ktime_get_ns();
	s->updated_ns = s->heartbeat_ns;
	s->memory_bytes = memory_bytes;
	s->cpu_permille = cpu_permille;
	s->reported_in_flight = in_flight;
	s->reported_queue_depth = queue_depth;
	return 0;
}

SEC("tp_btf/vexipc_service_probe")
int BPF_PROG(service_probe, __u64 instance, __u32 slot, __u64 handle, __u32 error)
{
	struct vexipc_tm_service *s;

	if (!our_control())
		return 0;
	s = service_of(instance, slot, handle);
	if (!s)
		return 0;
	atomic_add(&s->probes, 1);
	s->updated_ns = bpf_ktime_get_ns();
	if (error) {
		atomic_add(&s->probe_failures, 1);
		s->probes_failed++;
	} else {
		s->probes_failed = 0;
	}
	return 0;
}

SEC("tp_btf/vexipc_alert")
int BPF_PROG(alert, __u64 instance, __u32 kind, __u32 slot, __u64 service, __u64 value)
{
	struct vexipc_tm_control *c = our_control();
	struct vexipc_tm_instance *inst;
	struct vexipc_tm_event *e;

	if (!c)
		return 0;
	inst = instance_of(c, instance);
	if (inst)
		atomic_add(&inst->alerts, 1);
	e = new_event(c, VEXIPC_TM_EVENT_ALERT, instance, service);
	if (!e)
		return 0;
	e->alert = kind;
	e->value = value;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
