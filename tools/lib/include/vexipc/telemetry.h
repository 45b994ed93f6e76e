/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvexipc: what telemetry knows of services, read from its maps
 *
 * `vexipc telemetry attach` loads BPF programs that keep figures of every
 * service in maps. vexipc_telemetry_open() maps these; from then on looking at a
 * service takes no system call. Conventions are those of <vexipc/vexipc.h>;
 * points in time are ns of CLOCK_MONOTONIC.
 *
 *   struct vexipc_telemetry_service s;
 *
 *   for (uint32_t slot = 0; slot < VEXIPC_MAX_SERVICES; slot++)
 *           if (!vexipc_telemetry_service(telemetry, slot, now_ns, &s))
 *                   show(&s);
 */
#ifndef VEXIPC_TELEMETRY_LIB_H
#define VEXIPC_TELEMETRY_LIB_H

#include <vexipc/vexipc.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vexipc_telemetry;

/* A service that told nothing for so long has stale figures. */
#define VEXIPC_TELEMETRY_STALE_NS	60000000000ull

/**
 * vexipc_telemetry_open() - map the figures
 * @telemetry: set
 *
 * Return: 0; -ENOENT the module is not loaded; -ENODATA telemetry is not
 * attached; -ENOLINK it was, but the links of its programs are gone;
 * -EPROTONOSUPPORT it is, in another layout than this library's; -EACCES,
 * -EPERM; -ENOMEM, ...
 */
int vexipc_telemetry_open(struct vexipc_telemetry **telemetry);
void vexipc_telemetry_close(struct vexipc_telemetry *telemetry);

/* What an error of this header means and what to do about it; never NULL. */
const char *vexipc_telemetry_strerror(int err);

/*
 * False once telemetry is detached or attached anew, be it a take-over that goes on with
 * the same figures, or nothing is left of its links: open it again. Looks at the folder
 * of links, as does _info().
 */
bool vexipc_telemetry_attached(const struct vexipc_telemetry *telemetry);

struct vexipc_telemetry_info {
	uint64_t attached_ns;
	uint64_t slow_ns;		/* requests later than this are events; 0: none */
	uint64_t events_lost;		/* nobody read them */
	uint64_t instances_untracked;	/* events of instances there was no room for */
	uint64_t latency_untracked;	/* answers of services there was no histogram for */
	uint32_t version;		/* of the layout */
	uint32_t slots;			/* services that can have a histogram */
	uint32_t cpus;
	uint32_t programs;		/* that keep the figures */
	uint32_t links;			/* of them, those that are attached */
	uint32_t attached;		/* bool */
};

void vexipc_telemetry_info(const struct vexipc_telemetry *telemetry,
			   struct vexipc_telemetry_info *info);

/**
 * struct vexipc_telemetry_service - one service, at one moment
 *
 * Counters are of the time since since_ns; before_* is what the module had
 * counted until then if telemetry was attached later than the service came.
 * Latency is from sending to the answer.
 */
struct vexipc_telemetry_service {
	char id[VEXIPC_MAX_NAME];
	uint64_t handle;
	uint64_t instance;		/* cookie of the network namespace */
	uint64_t since_ns;
	uint64_t updated_ns;
	uint64_t age_ns;		/* of updated_ns */
	uint64_t requests;
	uint64_t completed;
	uint64_t failed;
	uint64_t timed_out;
	uint64_t cancelled;
	uint64_t overloaded;
	uint64_t evicted;
	uint64_t orphans;
	uint64_t retries;
	uint64_t failovers;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t batches;
	uint64_t items;
	uint64_t batch_max;
	uint64_t slow;
	uint64_t errors[64];		/* by enum vexipc_error; [0] is 0 */
	uint64_t latency_ns;		/* average */
	uint64_t latency_peak_ns;	/* decayed to now */
	uint64_t latency_sum_ns;	/* of completed */
	uint64_t p50_ns;
	uint64_t p90_ns;
	uint64_t p99_ns;
	uint64_t p999_ns;
	uint64_t queue_ns;		/* average, from submission to sending */
	uint64_t queue_sum_ns;		/* of requests */
	uint64_t last_error_ns;
	uint64_t heartbeats;
	uint64_t heartbeat_ns;
	uint64_t memory_bytes;
	uint64_t probes;
	uint64_t probe_failures;
	uint64_t before_requests;
	uint64_t before_completed;
	uint64_t before_failures;
	uint64_t before_bytes_in;
	uint64_t before_bytes_out;
	uint32_t slot;
	uint32_t state;			/* enum vexipc_service_state; GONE until reuse */
	uint32_t transport;
	uint32_t priority;
	uint32_t weight;
	uint32_t partial;		/* bool: it came before telemetry did */
	uint32_t stale;			/* bool: age_ns > VEXIPC_TELEMETRY_STALE_NS */
	uint32_t histogram;		/* bool: percentiles are known */
	uint32_t in_flight;
	uint32_t in_flight_max;
	uint32_t limit;			/* of in_flight, as the last was sent; 0: none was */
	uint32_t limit_min;
	uint32_t queued;
	uint32_t queued_max;
	uint32_t queued_low;
	uint32_t queued_normal;
	uint32_t queued_high;
	uint32_t queued_critical;
	uint32_t error_ppm;		/* average: failed among ended */
	uint32_t last_error;		/* enum vexipc_error */
	uint32_t cpu_permille;
	uint32_t reported_in_flight;
	uint32_t reported_queue_depth;
	uint32_t probes_failed;		/* in a row */
	uint32_t available;		/* could be chosen, since since_ns, 1/10000 */
	uint32_t breaker;		/* enum vexipc_breaker_state */
	uint32_t ejections;		/* how often it has opened since a probe was answered */
};

/**
 * vexipc_telemetry_service() - what is known of the service in a slot
 * @slot: below VEXIPC_MAX_SERVICES
 * @now_ns: CLOCK_MONOTONIC, for ages and decay
 * @service: filled
 *
 * Takes no system call. Services that have gone are shown, in state GONE, until
 * their slot is used again. Return: 0; -ENOENT none; -EINVAL no such slot.
 */
int vexipc_telemetry_service(const struct vexipc_telemetry *telemetry, uint32_t slot,
			     uint64_t now_ns, struct vexipc_telemetry_service *service);

/* How often latencies occurred, in the steps of the maps. */
#define VEXIPC_LATENCY_BUCKETS	992u

struct vexipc_latency {
	uint64_t handle;
	uint64_t total;
	uint64_t bucket[VEXIPC_LATENCY_BUCKETS];
};

/* The histogram of the service in a slot, over all CPUs. Return: 0; -ENOENT. */
int vexipc_telemetry_latency(const struct vexipc_telemetry *telemetry, uint32_t slot,
			     struct vexipc_latency *latency);
/* The value that so many in a thousand do not exceed, within 2 %; 0 of none. */
uint64_t vexipc_latency_percentile(const struct vexipc_latency *latency, uint32_t permille);
/* What came since: @latency less what it was. Another service's counts as nothing. */
void vexipc_latency_subtract(struct vexipc_latency *latency,
			     const struct vexipc_latency *before);
/* Lowest and highest value of a bucket. */
void vexipc_latency_range(uint32_t bucket, uint64_t *low_ns, uint64_t *high_ns);

/* One instance, at one moment. Counters are of the time since since_ns. */
struct vexipc_telemetry_instance {
	uint64_t cookie;
	uint64_t since_ns;
	uint64_t completed;
	uint64_t failed;
	uint64_t timed_out;
	uint64_t cancelled;
	uint64_t refused;
	uint64_t retries;
	uint64_t failovers;
	uint64_t orphans;
	uint64_t alerts;
	uint64_t registered;
	uint64_t unregistered;
	uint64_t services_died;
	uint64_t slow;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t total_sum_ns;		/* from submission to the end, of completed */
	uint64_t queued;		/* now, all bands */
	uint64_t queued_low;
	uint64_t queued_normal;
	uint64_t queued_high;
	uint64_t queued_critical;
	uint64_t highest_low;		/* most that ever waited */
	uint64_t highest_normal;
	uint64_t highest_high;
	uint64_t highest_critical;
	uint64_t batch_sizes[11];	/* requests of 1, 2-3, 4-7, ... 512-1023, more items */
	uint64_t refused_by[64];	/* by enum vexipc_error */
	uint64_t failed_by[64];
	uint64_t cache_hits;
	uint64_t cache_misses;
	uint64_t coalesced;		/* waited for an equal request's answer */
	uint64_t hedges;		/* late ones asked of a second service, too */
	uint64_t hedges_won;
	uint64_t denied_privilege;	/* as struct vexipc_stats counts */
	uint64_t denied_token;
	uint64_t denied_rule;
	uint64_t denied_priority;
};

/* Cookie of the caller's network namespace; 0: not known. */
uint64_t vexipc_telemetry_own_instance(void);
/* Return: 0; -ENOENT nothing has happened there. */
int vexipc_telemetry_instance(const struct vexipc_telemetry *telemetry, uint64_t cookie,
			      struct vexipc_telemetry_instance *instance);
/* The next with an index of at least *@index, which is set past it; -ENOENT no more. */
int vexipc_telemetry_instance_next(const struct vexipc_telemetry *telemetry, uint32_t *index,
				   struct vexipc_telemetry_instance *instance);

/*
 * What a reader makes of two looks at a service or an instance: of the time between
 * them. NAN: not known.
 */
struct vexipc_telemetry_recent {
	double answers_per_second;
	double attempts_per_second;	/* of a service */
	double bytes_per_second;	/* in and out */
	double share;			/* of a service: of the attempts of all */
	double error_share;		/* of what ended */
	double hit_share;		/* of an instance: of looks into the cache */
	double p50_ns;
	double p90_ns;
	double p99_ns;
	double p999_ns;
};

/* Tables for printing, as those of <vexipc/vexipc.h>. */
const struct vexipc_field *vexipc_telemetry_service_fields(void);
const struct vexipc_field *vexipc_telemetry_instance_fields(void);
const struct vexipc_field *vexipc_telemetry_info_fields(void);
const struct vexipc_field *vexipc_telemetry_recent_fields(void);

enum vexipc_telemetry_event_kind {
	VEXIPC_TELEMETRY_SLOW		= 1,	/* a request: error, *_ns, attempts */
	VEXIPC_TELEMETRY_STATE		= 2,	/* a service: before, now */
	VEXIPC_TELEMETRY_ALERT		= 3,	/* alert, value */
	VEXIPC_TELEMETRY_REGISTER	= 4,
	VEXIPC_TELEMETRY_UNREGISTER	= 5,	/* value: requests moved; now: 1 died */
};

struct vexipc_telemetry_event {
	uint64_t time_ns;
	uint64_t instance;
	uint64_t service;		/* handle; 0: none */
	uint64_t correlation;
	uint64_t total_ns;
	uint64_t queue_ns;
	uint64_t service_ns;
	uint64_t value;
	uint32_t kind;			/* enum vexipc_telemetry_event_kind */
	uint32_t alert;			/* enum vexipc_alert_kind */
	uint32_t error;			/* enum vexipc_error */
	uint32_t before;		/* enum vexipc_service_state */
	uint32_t now;			/* enum vexipc_service_state */
	uint32_t attempts;
	char id[VEXIPC_MAX_NAME];	/* of the service */
};

const char *vexipc_telemetry_event_name(uint32_t kind);	/* slow, state, ... */

/*
 * Slow requests, changes of state, alerts. Each event is read once, by whoever
 * comes first: one reader at a time. _events() begins to read, -EACCES without
 * the right; _next() returns 0, -EAGAIN nothing in time, -EINTR.
 */
int vexipc_telemetry_events(struct vexipc_telemetry *telemetry);
int vexipc_telemetry_events_fd(const struct vexipc_telemetry *telemetry);
int vexipc_telemetry_next(struct vexipc_telemetry *telemetry,
			  struct vexipc_telemetry_event *event, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
