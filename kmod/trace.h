/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: each step of a request, each change of a service. Their names
 * and the order of their arguments are an API: arguments are only ever added,
 * at the end. Arguments are scalars, at most twelve; times are ns. A
 * content_len of 0 is a probe's.
 *
 * What happens to requests at one service (queue, unqueue, send, unsend,
 * attempt) is told under that service's lock: in order, one at a time.
 *
 * Fire them with vexipc_trace(), never directly: see there.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vexipc

#if !defined(_VEXIPC_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _VEXIPC_TRACE_H

#include <linux/bottom_half.h>
#include <linux/tracepoint.h>
#include <linux/vexipc.h>

/*
 * A BPF program that is active on a CPU is skipped when the same event fires
 * there again, from a softirq or a preempting task. With bottom halves off
 * neither can happen, and no event is lost.
 */
#ifndef vexipc_trace
#define vexipc_trace(event, ...)				\
	do {							\
		if (trace_vexipc_##event##_enabled()) {		\
			local_bh_disable();			\
			trace_vexipc_##event(__VA_ARGS__);	\
			local_bh_enable();			\
		}						\
	} while (0)
#endif

TRACE_EVENT(vexipc_request_submit,
	TP_PROTO(u64 instance, u64 correlation, u64 request_id, u32 uid, u32 type,
		 u32 content_len, u32 dimensions, u32 data_type, u32 priority,
		 u64 session, u32 count),
	TP_ARGS(instance, correlation, request_id, uid, type, content_len, dimensions,
		data_type, priority, session, count),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, correlation)
		__field(u64, request_id)
		__field(u64, session)
		__field(u32, uid)
		__field(u32, type)
		__field(u32, content_len)
		__field(u32, dimensions)
		__field(u32, data_type)
		__field(u32, priority)
		__field(u32, count)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->correlation = correlation;
		__entry->request_id = request_id;
		__entry->session = session;
		__entry->uid = uid;
		__entry->type = type;
		__entry->content_len = content_len;
		__entry->dimensions = dimensions;
		__entry->data_type = data_type;
		__entry->priority = priority;
		__entry->count = count;
	),
	TP_printk("instance=%llu correlation=%llx request_id=%llx uid=%u type=%#x content_len=%u dimensions=%u data_type=%u priority=%u session=%llx count=%u",
		  __entry->instance, __entry->correlation, __entry->request_id,
		  __entry->uid, __entry->type, __entry->content_len,
		  __entry->dimensions, __entry->data_type, __entry->priority,
		  __entry->session, __entry->count)
);

/*
 * A single request was looked for among kept answers, or found one like it on its
 * way. service is who answered, age_ms how long ago; of a hit alone.
 */
TRACE_EVENT(vexipc_cache_lookup,
	TP_PROTO(u64 instance, u64 correlation, u32 lookup, u64 service, u32 content_len,
		 u32 age_ms),
	TP_ARGS(instance, correlation, lookup, service, content_len, age_ms),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, correlation)
		__field(u64, service)
		__field(u32, lookup)
		__field(u32, content_len)
		__field(u32, age_ms)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->correlation = correlation;
		__entry->service = service;
		__entry->lookup = lookup;
		__entry->content_len = content_len;
		__entry->age_ms = age_ms;
	),
	TP_printk("instance=%llu correlation=%llx lookup=%u service=%llx content_len=%u age_ms=%u",
		  __entry->instance, __entry->correlation, __entry->lookup,
		  __entry->service, __entry->content_len, __entry->age_ms)
);

/*
 * A request is late and has been asked of a second service, as a request with the
 * id @hedge; or that has ended: @error is 0 if its answer was first. time_ns is how
 * long the request had been under way, or then the hedge.
 */
TRACE_EVENT(vexipc_request_hedge,
	TP_PROTO(u64 instance, u64 correlation, u64 hedge, u64 service, bool ended, u32 error,
		 u64 time_ns),
	TP_ARGS(instance, correlation, hedge, service, ended, error, time_ns),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, correlation)
		__field(u64, hedge)
		__field(u64, service)
		__field(u64, time_ns)
		__field(u32, error)
		__field(bool, ended)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->correlation = correlation;
		__entry->hedge = hedge;
		__entry->service = service;
		__entry->time_ns = time_ns;
		__entry->error = error;
		__entry->ended = ended;
	),
	TP_printk("instance=%llu correlation=%llx hedge=%llx service=%llx ended=%d error=%u time_ns=%llu",
		  __entry->instance, __entry->correlation, __entry->hedge,
		  __entry->service, __entry->ended, __entry->error, __entry->time_ns)
);

TRACE_EVENT(vexipc_request_refuse,
	TP_PROTO(u64 instance, u64 request_id, u32 uid, u32 error, u32 content_len,
		 u32 priority),
	TP_ARGS(instance, request_id, uid, error, content_len, priority),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, request_id)
		__field(u32, uid)
		__field(u32, error)
		__field(u32, content_len)
		__field(u32, priority)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->request_id = request_id;
		__entry->uid = uid;
		__entry->error = error;
		__entry->content_len = content_len;
		__entry->priority = priority;
	),
	TP_printk("instance=%llu request_id=%llx uid=%u error=%u content_len=%u priority=%u",
		  __entry->instance, __entry->request_id, __entry->uid, __entry->error,
		  __entry->content_len, __entry->priority)
);

TRACE_EVENT(vexipc_request_queue,
	TP_PROTO(u64 instance, u64 correlation, u32 slot, u64 service, u32 priority,
		 u32 queued, u32 content_len),
	TP_ARGS(instance, correlation, slot, service, priority, queued, content_len),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, correlation)
		__field(u64, service)
		__field(u32, slot)
		__field(u32, priority)
		__field(u32, queued)
		__field(u32, content_len)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->correlation = correlation;
		__entry->service = service;
		__entry->slot = slot;
		__entry->priority = priority;
		__entry->queued = queued;
		__entry->content_len = content_len;
	),
	TP_printk("instance=%llu correlation=%llx slot=%u service=%llx priority=%u queued=%u content_len=%u",
		  __entry->instance, __entry->correlation, __entry->slot,
		  __entry->service, __entry->priority, __entry->queued,
		  __entry->content_len)
);

/* It left the queue without having been sent: ended, or moved elsewhere. */
TRACE_EVENT(vexipc_request_unqueue,
	TP_PROTO(u64 instance, u64 correlation, u32 slot, u64 service, u32 priority,
		 u32 queued, u32 content_len),
	TP_ARGS(instance, correlation, slot, service, priority, queued, content_len),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, correlation)
		__field(u64, service)
		__field(u32, slot)
		__field(u32, priority)
		__field(u32, queued)
		__field(u32, content_len)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->correlation = correlation;
		__entry->service = service;
		__entry->slot = slot;
		__entry->priority = priority;
		__entry->queued = queued;
		__entry->content_len = content_len;
	),
	TP_printk("instance=%llu correlation=%llx slot=%u service=%llx priority=%u queued=%u content_len=%u",
		  __entry->instance, __entry->correlation, __entry->slot,
		  __entry->service, __entry->priority, __entry->queued,
		  __entry->content_len)
);

TRACE_EVENT(vexipc_request_send,
	TP_PROTO(u64 instance, u64 correlation, u32 slot, u64 service, u64 queue_ns,
		 u32 content_len, u32 in_flight, u32 queued, u32 priority),
	TP_ARGS(instance, correlation, slot, service, queue_ns, content_len, in_flight,
		queued, priority),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, correlation)
		__field(u64, service)
		__field(u64, queue_ns)
		__field(u32, slot)
		__field(u32, content_len)
		__field(u32, in_flight)
		__field(u32, queued)
		__field(u32, priority)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->correlation = correlation;
		__entry->service = service;
		__entry->queue_ns = queue_ns;
		__entry->slot = slot;
		__entry->content_len = content_len;
		__entry->in_flight = in_flight;
		__entry->queued = queued;
		__entry->priority = priority;
	),
	TP_printk("instance=%llu correlation=%llx slot=%u service=%llx queue_ns=%llu content_len=%u in_flight=%u queued=%u priority=%u",
		  __entry->instance, __entry->correlation, __entry->slot,
		  __entry->service, __entry->queue_ns, __entry->content_len,
		  __entry->in_flight, __entry->queued, __entry->priority)
);

/* @count requests, each with a vexipc_request_send, travel in one message. */
TRACE_EVENT(vexipc_request_carry,
	TP_PROTO(u64 instance, u64 correlation, u32 slot, u64 service, u32 count, u32 bytes),
	TP_ARGS(instance, correlation, slot, service, count, bytes),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, correlation)
		__field(u64, service)
		__field(u32, slot)
		__field(u32, count)
		__field(u32, bytes)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->correlation = correlation;
		__entry->service = service;
		__entry->slot = slot;
		__entry->count = count;
		__entry->bytes = bytes;
	),
	TP_printk("instance=%llu correlation=%llx slot=%u service=%llx count=%u bytes=%u",
		  __entry->instance, __entry->correlation, __entry->slot,
		  __entry->service, __entry->count, __entry->bytes)
);

/* It found no room in the service's socket and is back in front of the queue. */
TRACE_EVENT(vexipc_request_unsend,
	TP_PROTO(u64 instance, u64 correlation, u32 slot, u64 service, u32 content_len,
		 u32 in_flight, u32 queued, u32 priority),
	TP_ARGS(instance, correlation, slot, service, content_len, in_flight, queued,
		priority),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, correlation)
		__field(u64, service)
		__field(u32, slot)
		__field(u32, content_len)
		__field(u32, in_flight)
		__field(u32, queued)
		__field(u32, priority)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->correlation = correlation;
		__entry->service = service;
		__entry->slot = slot;
		__entry->content_len = content_len;
		__entry->in_flight = in_flight;
		__entry->queued = queued;
		__entry->priority = priority;
	),
	TP_printk("instance=%llu correlation=%llx slot=%u service=%llx content_len=%u in_flight=%u queued=%u priority=%u",
		  __entry->instance, __entry->correlation, __entry->slot,
		  __entry->service, __entry->content_len, __entry->in_flight,
		  __entry->queued, __entry->priority)
);

/* An attempt that was sent has ended, whether or not the request has. */
TRACE_EVENT(vexipc_request_attempt,
	TP_PROTO(u64 instance, u64 correlation, u32 slot, u64 service, u32 error,
		 u64 service_ns, u32 content_len, u32 answer_len, u32 count,
		 u32 in_flight),
	TP_ARGS(instance, correlation, slot, service, error, service_ns, content_len,
		answer_len, count, in_flight),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, correlation)
		__field(u64, service)
		__field(u64, service_ns)
		__field(u32, slot)
		__field(u32, error)
		__field(u32, content_len)
		__field(u32, answer_len)
		__field(u32, count)
		__field(u32, in_flight)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->correlation = correlation;
		__entry->service = service;
		__entry->service_ns = service_ns;
		__entry->slot = slot;
		__entry->error = error;
		__entry->content_len = content_len;
		__entry->answer_len = answer_len;
		__entry->count = count;
		__entry->in_flight = in_flight;
	),
	TP_printk("instance=%llu correlation=%llx slot=%u service=%llx error=%u service_ns=%llu content_len=%u answer_len=%u count=%u in_flight=%u",
		  __entry->instance, __entry->correlation, __entry->slot,
		  __entry->service, __entry->error, __entry->service_ns,
		  __entry->content_len, __entry->answer_len, __entry->count,
		  __entry->in_flight)
);

TRACE_EVENT(vexipc_request_complete,
	TP_PROTO(u64 instance, u64 correlation, u64 service, u32 error, u32 attempts,
		 u64 total_ns, u64 queue_ns, u64 service_ns, u32 content_len,
		 u32 answer_len, u32 count, u32 priority),
	TP_ARGS(instance, correlation, service, error, attempts, total_ns, queue_ns,
		service_ns, content_len, answer_len, count, priority),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, correlation)
		__field(u64, service)
		__field(u64, total_ns)
		__field(u64, queue_ns)
		__field(u64, service_ns)
		__field(u32, error)
		__field(u32, attempts)
		__field(u32, content_len)
		__field(u32, answer_len)
		__field(u32, count)
		__field(u32, priority)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->correlation = correlation;
		__entry->service = service;
		__entry->total_ns = total_ns;
		__entry->queue_ns = queue_ns;
		__entry->service_ns = service_ns;
		__entry->error = error;
		__entry->attempts = attempts;
		__entry->content_len = content_len;
		__entry->answer_len = answer_len;
		__entry->count = count;
		__entry->priority = priority;
	),
	TP_printk("instance=%llu correlation=%llx service=%llx error=%u attempts=%u total_ns=%llu queue_ns=%llu service_ns=%llu content_len=%u answer_len=%u count=%u priority=%u",
		  __entry->instance, __entry->correlation, __entry->service,
		  __entry->error, __entry->attempts, __entry->total_ns,
		  __entry->queue_ns, __entry->service_ns, __entry->content_len,
		  __entry->answer_len, __entry->count, __entry->priority)
);

TRACE_EVENT(vexipc_request_retry,
	TP_PROTO(u64 instance, u64 correlation, u64 service, u32 error, u32 attempt,
		 bool failover),
	TP_ARGS(instance, correlation, service, error, attempt, failover),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, correlation)
		__field(u64, service)
		__field(u32, error)
		__field(u32, attempt)
		__field(bool, failover)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->correlation = correlation;
		__entry->service = service;
		__entry->error = error;
		__entry->attempt = attempt;
		__entry->failover = failover;
	),
	TP_printk("instance=%llu correlation=%llx service=%llx error=%u attempt=%u failover=%d",
		  __entry->instance, __entry->correlation, __entry->service,
		  __entry->error, __entry->attempt, __entry->failover)
);

TRACE_EVENT(vexipc_request_orphan,
	TP_PROTO(u64 instance, u64 correlation, u32 slot, u64 service),
	TP_ARGS(instance, correlation, slot, service),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, correlation)
		__field(u64, service)
		__field(u32, slot)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->correlation = correlation;
		__entry->service = service;
		__entry->slot = slot;
	),
	TP_printk("instance=%llu correlation=%llx slot=%u service=%llx",
		  __entry->instance, __entry->correlation, __entry->slot,
		  __entry->service)
);

TRACE_EVENT(vexipc_service_register,
	TP_PROTO(u64 instance, u32 slot, u64 service, const char *id, u32 transport,
		 u32 priority, u32 weight),
	TP_ARGS(instance, slot, service, id, transport, priority, weight),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, service)
		__field(u32, slot)
		__field(u32, transport)
		__field(u32, priority)
		__field(u32, weight)
		__array(char, id, VEXIPC_MAX_NAME)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->service = service;
		__entry->slot = slot;
		__entry->transport = transport;
		__entry->priority = priority;
		__entry->weight = weight;
		memcpy(__entry->id, id, VEXIPC_MAX_NAME);
	),
	TP_printk("instance=%llu slot=%u service=%llx id=%.64s transport=%u priority=%u weight=%u",
		  __entry->instance, __entry->slot, __entry->service, __entry->id,
		  __entry->transport, __entry->priority, __entry->weight)
);

TRACE_EVENT(vexipc_service_unregister,
	TP_PROTO(u64 instance, u32 slot, u64 service, const char *id, bool died,
		 u32 failed_over),
	TP_ARGS(instance, slot, service, id, died, failed_over),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, service)
		__field(u32, slot)
		__field(u32, failed_over)
		__field(bool, died)
		__array(char, id, VEXIPC_MAX_NAME)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->service = service;
		__entry->slot = slot;
		__entry->failed_over = failed_over;
		__entry->died = died;
		memcpy(__entry->id, id, VEXIPC_MAX_NAME);
	),
	TP_printk("instance=%llu slot=%u service=%llx id=%.64s died=%d failed_over=%u",
		  __entry->instance, __entry->slot, __entry->service, __entry->id,
		  __entry->died, __entry->failed_over)
);

TRACE_EVENT(vexipc_service_state,
	TP_PROTO(u64 instance, u32 slot, u64 service, u32 before, u32 now),
	TP_ARGS(instance, slot, service, before, now),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, service)
		__field(u32, slot)
		__field(u32, before)
		__field(u32, now)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->service = service;
		__entry->slot = slot;
		__entry->before = before;
		__entry->now = now;
	),
	TP_printk("instance=%llu slot=%u service=%llx before=%u now=%u",
		  __entry->instance, __entry->slot, __entry->service,
		  __entry->before, __entry->now)
);

TRACE_EVENT(vexipc_service_breaker,
	TP_PROTO(u64 instance, u32 slot, u64 service, u32 before, u32 now, u32 ejections),
	TP_ARGS(instance, slot, service, before, now, ejections),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, service)
		__field(u32, slot)
		__field(u32, before)
		__field(u32, now)
		__field(u32, ejections)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->service = service;
		__entry->slot = slot;
		__entry->before = before;
		__entry->now = now;
		__entry->ejections = ejections;
	),
	TP_printk("instance=%llu slot=%u service=%llx before=%u now=%u ejections=%u",
		  __entry->instance, __entry->slot, __entry->service,
		  __entry->before, __entry->now, __entry->ejections)
);

TRACE_EVENT(vexipc_service_heartbeat,
	TP_PROTO(u64 instance, u32 slot, u64 service, u32 cpu_permille,
		 u64 memory_bytes, u32 in_flight, u32 queue_depth),
	TP_ARGS(instance, slot, service, cpu_permille, memory_bytes, in_flight,
		queue_depth),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, service)
		__field(u64, memory_bytes)
		__field(u32, slot)
		__field(u32, cpu_permille)
		__field(u32, in_flight)
		__field(u32, queue_depth)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->service = service;
		__entry->memory_bytes = memory_bytes;
		__entry->slot = slot;
		__entry->cpu_permille = cpu_permille;
		__entry->in_flight = in_flight;
		__entry->queue_depth = queue_depth;
	),
	TP_printk("instance=%llu slot=%u service=%llx cpu_permille=%u memory_bytes=%llu in_flight=%u queue_depth=%u",
		  __entry->instance, __entry->slot, __entry->service,
		  __entry->cpu_permille, __entry->memory_bytes, __entry->in_flight,
		  __entry->queue_depth)
);

TRACE_EVENT(vexipc_service_probe,
	TP_PROTO(u64 instance, u32 slot, u64 service, u32 error, u64 round_trip_ns),
	TP_ARGS(instance, slot, service, error, round_trip_ns),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, service)
		__field(u64, round_trip_ns)
		__field(u32, slot)
		__field(u32, error)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->service = service;
		__entry->round_trip_ns = round_trip_ns;
		__entry->slot = slot;
		__entry->error = error;
	),
	TP_printk("instance=%llu slot=%u service=%llx error=%u round_trip_ns=%llu",
		  __entry->instance, __entry->slot, __entry->service, __entry->error,
		  __entry->round_trip_ns)
);

TRACE_EVENT(vexipc_alert,
	TP_PROTO(u64 instance, u32 kind, u32 slot, u64 service, u64 value),
	TP_ARGS(instance, kind, slot, service, value),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u64, service)
		__field(u64, value)
		__field(u32, kind)
		__field(u32, slot)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->service = service;
		__entry->value = value;
		__entry->kind = kind;
		__entry->slot = slot;
	),
	TP_printk("instance=%llu kind=%u slot=%u service=%llx value=%llu",
		  __entry->instance, __entry->kind, __entry->slot, __entry->service,
		  __entry->value)
);

/* Somebody may not do something: enum vexipc_operation, vexipc_denial, errno. */
TRACE_EVENT(vexipc_access_denied,
	TP_PROTO(u64 instance, u32 uid, u32 operation, u32 reason, u32 error),
	TP_ARGS(instance, uid, operation, reason, error),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u32, uid)
		__field(u32, operation)
		__field(u32, reason)
		__field(u32, error)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__entry->uid = uid;
		__entry->operation = operation;
		__entry->reason = reason;
		__entry->error = error;
	),
	TP_printk("instance=%llu uid=%u operation=%u reason=%u error=%u",
		  __entry->instance, __entry->uid, __entry->operation, __entry->reason,
		  __entry->error)
);

/* The network namespace goes, and all services in it are gone. */
TRACE_EVENT(vexipc_instance_exit,
	TP_PROTO(u64 instance),
	TP_ARGS(instance),
	TP_STRUCT__entry(
		__field(u64, instance)
	),
	TP_fast_assign(
		__entry->instance = instance;
	),
	TP_printk("instance=%llu", __entry->instance)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
