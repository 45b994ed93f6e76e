/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * The telemetry maps: what bpf/telemetry.bpf.c writes, and policies, libvexipc
 * and bpftool read. They are pinned in VEXIPC_TM_DIR:
 *
 *   services    array by slot: struct vexipc_tm_service; mmapable
 *   latency     array by CPU * slots + slot: struct vexipc_tm_latency; mmapable.
 *	         Slots and CPUs are in control; services beyond have no histogram
 *   instances   array, see vexipc_tm_instance_at(); mmapable
 *   queues      array by index of the instance: struct vexipc_tm_queues; mmapable
 *   events      ring buffer of struct vexipc_tm_event
 *   control     one struct vexipc_tm_control; mmapable
 *
 * The programs are pinned in VEXIPC_TM_PROGRAMS, and attached by the links pinned in
 * VEXIPC_TM_LINKS, each under its program's name. Who attached them killed at the wrong
 * moment, those that count are pinned elsewhere until others are attached.
 *
 * A slot is used again when its service has gone: handle, which is slot and
 * generation, tells whose figures they are. It is VEXIPC_TM_WIPED while they are
 * wiped, so who copies an entry compares the handle before and after. All times are ns,
 * points in time are of CLOCK_MONOTONIC.
 *
 * A BPF program includes vmlinux.h or linux/types.h first.
 */
#ifndef VEXIPC_TELEMETRY_H
#define VEXIPC_TELEMETRY_H

#if !defined(__VMLINUX_H__)
#include <linux/types.h>
#include <linux/vexipc.h>
#endif

#define VEXIPC_TM_DIR		"/sys/fs/bpf/vexipc"
#define VEXIPC_TM_LINKS		VEXIPC_TM_DIR "/links"
#define VEXIPC_TM_PROGRAMS	VEXIPC_TM_DIR "/programs"

enum {
	VEXIPC_TM_VERSION	= 5,	/* of this layout */
	VEXIPC_TM_SLOTS		= 1024,	/* VEXIPC_MAX_SERVICES */
	VEXIPC_TM_INSTANCES	= 256,
	VEXIPC_TM_PROBE		= 16,	/* places an instance may be at */
	VEXIPC_TM_ERRORS	= 64,	/* by enum vexipc_error */
	VEXIPC_TM_DENIALS	= 8,	/* by enum vexipc_denial */
	VEXIPC_TM_ID		= 64,	/* VEXIPC_MAX_NAME */
	VEXIPC_TM_BANDS		= 4,	/* of priorities: low, normal, high, critical */
	VEXIPC_TM_SIZES		= 11,	/* of batches: 1, 2-3, 4-7, ... 512-1023, more */
	VEXIPC_TM_EVENTS_SIZE	= 256 << 10,
};

#define VEXIPC_TM_WIPED		(~0ull)

/*
 * Latency is from sending to the answer, of answers. An average goes an eighth
 * of the way to each new value. A peak is replaced at once by a greater value,
 * and otherwise approaches what comes, the faster the longer ago the last was:
 * see vexipc_tm_peak(). A failed attempt (not a cancelled one, nor one refused
 * as overload) counts for the peak, never for average or histogram.
 *
 * At rest, as the module counts: requests = completed + failed + cancelled +
 * overloaded + evicted + in_flight.
 */
struct vexipc_tm_service {
	__u64 handle;			/* 0: none was seen in this slot; or VEXIPC_TM_WIPED */
	__u32 version;			/* VEXIPC_TM_VERSION */
	__u32 slot;
	__u64 instance;			/* cookie of the network namespace */
	__u32 instance_index;		/* in instances and queues; ~0: no room there */
	__u32 state;			/* enum vexipc_service_state; GONE stays until reuse */
	char id[VEXIPC_TM_ID];		/* NUL-padded */
	__u32 transport;		/* enum vexipc_transport_type */
	__u32 priority;
	__u32 weight;
	__u32 partial;			/* it was there before telemetry: see before */
	__u64 since_ns;			/* figures begin: registered, or first seen */
	__u64 updated_ns;		/* last event of it */
	__u64 state_ns;			/* since when it is in this state */
	__u64 available_ns;		/* could be chosen, from since_ns to state_ns */
	__u32 breaker;			/* enum vexipc_breaker_state */
	__u32 ejections;		/* how often it has opened since a probe was answered */

	__u32 in_flight;		/* now */
	__u32 in_flight_max;
	__u32 queued;			/* now */
	__u32 queued_max;
	__u32 queued_by[VEXIPC_TM_BANDS];
	__u32 limit;			/* of in_flight, as the last request was sent; 0: none was */
	__u32 limit_min;		/* the lowest it was then */

	__u64 requests;			/* attempts sent to it */
	__u64 completed;
	__u64 failed;			/* timed_out among them */
	__u64 timed_out;
	__u64 cancelled;
	__u64 overloaded;
	__u64 evicted;			/* it died with them */
	__u64 orphans;
	__u64 retries;			/* of requests it failed */
	__u64 failovers;		/* of requests it had when it went */
	__u64 bytes_in;			/* content sent to it */
	__u64 bytes_out;		/* vectors it answered with */
	__u64 batches;			/* of more than one item: answered, or requests sent together */
	__u64 items;			/* answered: texts, of batches and others */
	__u64 batch_max;		/* items of the largest */
	__u64 slow;			/* answers later than control's slow_ns */
	__u64 errors[VEXIPC_TM_ERRORS];	/* attempts that ended so; [0] is completed */

	__u64 latency_ns;		/* average */
	__u64 latency_peak_ns;		/* as it was at latency_at_ns */
	__u64 latency_at_ns;
	__u64 latency_sum_ns;		/* of completed */
	__u64 queue_ns;			/* average of the time from submission to sending */
	__u64 queue_sum_ns;		/* of requests */
	__u32 error_ppm;		/* average: failed among ended, 1/1000000 */
	__u32 last_error;		/* enum vexipc_error */
	__u64 last_error_ns;

	/* What the service reports, and probes. */
	__u64 heartbeats;
	__u64 heartbeat_ns;		/* last one; 0: none */
	__u64 memory_bytes;
	__u32 cpu_permille;
	__u32 reported_in_flight;
	__u32 reported_queue_depth;
	__u32 probes_failed;		/* in a row */
	__u64 probes;
	__u64 probe_failures;

	/* The module's figures when telemetry was attached, 0 if it came later. */
	struct {
		__u64 requests;
		__u64 completed;
		__u64 failures;
		__u64 bytes_in;
		__u64 bytes_out;
	} before;
};

/*
 * Log-linear: values below 2^10 ns in 32 steps, then 32 steps an octave up to
 * 2^40 ns (18 minutes). The middle of a step is at most 1/64 off a value in it.
 */
enum {
	VEXIPC_TM_SUB_BITS	= 5,
	VEXIPC_TM_MIN_BITS	= 10,
	VEXIPC_TM_MAX_BITS	= 40,
	VEXIPC_TM_BUCKETS	= (VEXIPC_TM_MAX_BITS - VEXIPC_TM_MIN_BITS + 1)
				  << VEXIPC_TM_SUB_BITS,
};

/* Latency of the answers of one service that were taken on one CPU. */
struct vexipc_tm_latency {
	__u64 handle;			/* whose; another's counts as empty */
	__u64 total;			/* of bucket */
	__u64 bucket[VEXIPC_TM_BUCKETS];
};

/* Of one network namespace, since since_ns. As struct vexipc_stats counts. */
struct vexipc_tm_instance {
	__u64 cookie;			/* 0: free */
	__u32 version;			/* VEXIPC_TM_VERSION */
	__u32 index;
	__u64 since_ns;
	__u64 completed;
	__u64 failed;
	__u64 timed_out;
	__u64 cancelled;
	__u64 refused;
	__u64 retries;
	__u64 failovers;
	__u64 orphans;
	__u64 alerts;
	__u64 registered;
	__u64 unregistered;
	__u64 services_died;
	__u64 slow;			/* completed later than control's slow_ns */
	__u64 bytes_in;			/* content of requests that ended */
	__u64 bytes_out;		/* vectors handed out */
	__u64 total_sum_ns;		/* from submission to the end, of completed */
	__u64 batch_sizes[VEXIPC_TM_SIZES];	/* requests that ended, by items; those sent together, by number */
	__u64 refused_by[VEXIPC_TM_ERRORS];	/* by enum vexipc_error */
	__u64 failed_by[VEXIPC_TM_ERRORS];
	__u64 cache_hits;		/* looks into the cache of answers, by what came of it */
	__u64 cache_misses;
	__u64 coalesced;		/* waited for an equal request's answer */
	__u64 hedges;			/* late ones asked of a second service, too */
	__u64 hedges_won;		/* of them, answered by that one first */
	__u64 denied_by[VEXIPC_TM_DENIALS];
};

/* What waits in an instance's queues, by band of priority. */
struct vexipc_tm_queue {
	__u64 depth;			/* now */
	__u64 highest;
	__u64 queued;			/* ever */
};

struct vexipc_tm_queues {
	struct vexipc_tm_queue band[VEXIPC_TM_BANDS];
	__u64 overflow[VEXIPC_TM_BANDS];	/* of depth: in the overflow queue */
};

enum vexipc_tm_event_kind {
	VEXIPC_TM_EVENT_SLOW		= 1,	/* a request: error, total_ns, queue_ns, service_ns */
	VEXIPC_TM_EVENT_STATE		= 2,	/* a service: before, now */
	VEXIPC_TM_EVENT_ALERT		= 3,	/* alert, value */
	VEXIPC_TM_EVENT_REGISTER	= 4,
	VEXIPC_TM_EVENT_UNREGISTER	= 5,	/* value: requests moved; now: 1 died */
};

struct vexipc_tm_event {
	__u64 time_ns;
	__u64 instance;
	__u64 service;			/* handle; 0: none */
	__u64 correlation;
	__u64 total_ns;
	__u64 queue_ns;
	__u64 service_ns;
	__u64 value;
	__u32 kind;			/* enum vexipc_tm_event_kind */
	__u32 alert;			/* enum vexipc_alert_kind */
	__u32 error;			/* enum vexipc_error */
	__u32 before;			/* enum vexipc_service_state */
	__u32 now;			/* enum vexipc_service_state */
	__u32 attempts;
	char id[VEXIPC_TM_ID];		/* of the service */
};

struct vexipc_tm_control {
	__u32 version;			/* VEXIPC_TM_VERSION */
	__u32 owner;			/* the programs that write; 0: none, detached */
	__u64 attached_ns;
	__u64 slow_ns;			/* 0: nothing is slow */
	__u32 slots;			/* of latency */
	__u32 cpus;			/* of latency */
	__u32 programs;			/* that write, each by a link */
	__u32 last_owner;		/* the highest number that programs were given */
	/* What was missed for want of room, or because nobody read events. */
	__u64 events_lost;
	__u64 instances_untracked;	/* events of instances beyond VEXIPC_TM_INSTANCES */
	__u64 latency_untracked;	/* answers of services without a histogram */
};

/* Where to look for an instance: at (this + 0 ... VEXIPC_TM_PROBE - 1) modulo the size. */
static inline __u32 vexipc_tm_instance_at(__u64 cookie)
{
	return (__u32)((cookie ^ cookie >> 32) & (VEXIPC_TM_INSTANCES - 1));
}

static inline __u32 vexipc_tm_band(__u32 priority)
{
	return priority >= 255 ? 3 : priority >= 192 ? 2 : priority >= 128 ? 1 : 0;
}

/* Highest bit set; BPF has no instruction for it. */
static inline __u32 vexipc_tm_log2(__u64 v)
{
	__u32 bit = 0;

	if (v >> 32) {
		v >>= 32;
		bit += 32;
	}
	if (v >> 16) {
		v >>= 16;
		bit += 16;
	}
	if (v >> 8) {
		v >>= 8;
		bit += 8;
	}
	if (v >> 4) {
		v >>= 4;
		bit += 4;
	}
	if (v >> 2) {
		v >>= 2;
		bit += 2;
	}
	return bit + (__u32)(v >> 1);
}

static inline __u32 vexipc_tm_bucket(__u64 ns)
{
	__u32 bit, step;

	if (ns < 1ull << VEXIPC_TM_MIN_BITS)
		return (__u32)(ns >> (VEXIPC_TM_MIN_BITS - VEXIPC_TM_SUB_BITS));
	if (ns >= 1ull << VEXIPC_TM_MAX_BITS)
		return VEXIPC_TM_BUCKETS - 1;
	bit = vexipc_tm_log2(ns);
	step = (__u32)(ns >> (bit - VEXIPC_TM_SUB_BITS)) & ((1u << VEXIPC_TM_SUB_BITS) - 1);
	return ((bit - VEXIPC_TM_MIN_BITS + 1) << VEXIPC_TM_SUB_BITS) + step;
}

/* The middle of a bucket. */
static inline __u64 vexipc_tm_bucket_ns(__u32 bucket)
{
	__u32 octave = bucket >> VEXIPC_TM_SUB_BITS;
	__u64 step = bucket & ((1u << VEXIPC_TM_SUB_BITS) - 1);
	__u32 shift = VEXIPC_TM_MIN_BITS - VEXIPC_TM_SUB_BITS;

	if (octave) {
		step |= 1u << VEXIPC_TM_SUB_BITS;
		shift += octave - 1;
	}
	return (step << shift) + (1ull << shift) / 2;
}

/* vexipc_tm_available() - may a service in this state be chosen? */
static inline int vexipc_tm_available(__u32 state)
{
	return state == VEXIPC_STATE_ACTIVE || state == VEXIPC_STATE_BUSY ||
	       state == VEXIPC_STATE_DEGRADED;
}

/**
 * vexipc_tm_peak() - a peak-sensitive average after a while
 * @peak: as it was
 * @value: what came now; or what a reader takes for the resting value, as the
 *	   average, to see what the peak has decayed to
 * @elapsed_ns: how long ago @peak was
 *
 * Half of the way after one second, nine tenths after nine.
 */
static inline __u64 vexipc_tm_peak(__u64 peak, __u64 value, __u64 elapsed_ns)
{
	__u64 us = elapsed_ns >> 10, second = 1000000000ull >> 10, less;

	if (value >= peak)
		return value;
	if (us >= 1ull << 24)
		return value;
	/* Below 2^40 times below 2^24. */
	if (peak >= 1ull << VEXIPC_TM_MAX_BITS)
		peak = (1ull << VEXIPC_TM_MAX_BITS) - 1;
	if (value >= peak)
		return value;
	/* At least by one, or many small steps would be none. */
	less = (peak - value) * us / (us + second) + 1;
	return less < peak - value ? peak - less : value;
}

#endif
