// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the figures of telemetry are called, their units, how they read. */
#include "telemetry.h"

#define S(field_, title_, unit_, kind_, help_) \
	FIELD_ROW(struct vexipc_telemetry_service, field_, title_, unit_, kind_, help_)

#define SB(field_, title_, brief_, unit_, kind_, help_)			\
	FIELD_BRIEF(struct vexipc_telemetry_service, field_, title_, brief_, unit_, kind_, help_)

/* In the order tables show them. */
static const struct vexipc_field service_fields[] = {
	SB(id, "ID", "SERVICE", "", STRING, "unique name; empty: came before telemetry"),
	S(slot, NULL, "", NUMBER, "index in the maps"),
	S(handle, NULL, "", HEX, "number in messages and traces"),
	S(instance, NULL, "", NUMBER, "cookie of its network namespace"),
	S(state, "STATE", "", STATE, "what it is doing"),
	S(breaker, "BREAKER", "", BREAKER, "open while it fails"),
	S(ejections, NULL, "", NUMBER, "how often it has opened since a probe was answered"),
	S(transport, NULL, "", TRANSPORT, "how requests reach it"),
	S(priority, NULL, "", NUMBER, "tier, higher is preferred"),
	S(weight, NULL, "", NUMBER, "share within its tier"),
	SB(in_flight, "INFLIGHT", "INFL", "", NUMBER, "requests it has now"),
	S(in_flight_max, NULL, "", NUMBER, "most it ever had"),
	S(limit, NULL, "", NUMBER, "most it may have, as the last was sent; 0: none was"),
	S(limit_min, NULL, "", NUMBER, "lowest that was"),
	SB(queued, "QUEUED", "QUEUE", "", NUMBER, "requests that wait for it now"),
	S(queued_max, NULL, "", NUMBER, "most that ever waited"),
	S(queued_low, NULL, "", NUMBER, "waiting now, of low priority"),
	S(queued_normal, NULL, "", NUMBER, "waiting now, of normal priority"),
	S(queued_high, NULL, "", NUMBER, "waiting now, of high priority"),
	S(queued_critical, NULL, "", NUMBER, "waiting now, of critical priority"),
	S(requests, "REQUESTS", "", NUMBER, "attempts sent to it"),
	S(completed, "COMPLETED", "", NUMBER, "answers that counted"),
	S(failed, "FAILED", "", NUMBER, "attempts that failed"),
	S(timed_out, NULL, "", NUMBER, "of those, by their deadline"),
	S(cancelled, NULL, "", NUMBER, "attempts ended by their client"),
	S(overloaded, NULL, "", NUMBER, "attempts it was too busy for"),
	S(evicted, NULL, "", NUMBER, "attempts it had when it went"),
	S(orphans, NULL, "", NUMBER, "answers nobody waited for"),
	S(retries, NULL, "", NUMBER, "further attempts after its failures"),
	S(failovers, NULL, "", NUMBER, "requests that moved on when it went"),
	S(latency_ns, "AVG", "ns", NUMBER, "time of an answer, weighted to the present"),
	S(latency_peak_ns, NULL, "ns", NUMBER, "the same, a peak counts at once and fades"),
	S(latency_sum_ns, NULL, "ns", NUMBER, "of all answers together"),
	S(p50_ns, "P50", "ns", NUMBER, "time of an answer, median"),
	S(p90_ns, NULL, "ns", NUMBER, "time of an answer, 90 in 100 are below"),
	S(p99_ns, "P99", "ns", NUMBER, "time of an answer, 99 in 100 are below"),
	S(p999_ns, NULL, "ns", NUMBER, "time of an answer, 999 in 1000 are below"),
	S(queue_ns, NULL, "ns", NUMBER, "time before sending, weighted to the present"),
	S(queue_sum_ns, NULL, "ns", NUMBER, "of all attempts together"),
	S(error_ppm, "ERRORS", "1/1000000", NUMBER, "failed among ended, weighted to the present"),
	S(errors, NULL, "", ERRORS, "attempts that failed, by kind"),
	S(last_error, NULL, "", ERROR, "how the last failure ended"),
	S(last_error_ns, NULL, "ns", NUMBER, "when, on the monotonic clock; 0: never"),
	S(slow, NULL, "", NUMBER, "answers slower than the threshold"),
	S(bytes_in, NULL, "bytes", NUMBER, "content sent to it"),
	S(bytes_out, NULL, "bytes", NUMBER, "vectors it answered with"),
	S(batches, NULL, "", NUMBER, "answered: batches"),
	S(items, NULL, "", NUMBER, "answered: texts, in batches and alone"),
	S(batch_max, NULL, "", NUMBER, "texts in the largest batch"),
	SB(cpu_permille, "CPU", "CPU%", "permille", NUMBER, "of one CPU, as it reported"),
	SB(memory_bytes, "MEMORY", "MEM", "bytes", NUMBER, "resident, as it reported"),
	S(reported_in_flight, NULL, "", NUMBER, "requests it works on, as it reported"),
	S(reported_queue_depth, NULL, "", NUMBER, "requests it has not begun, as it reported"),
	S(heartbeats, NULL, "", NUMBER, "received"),
	S(heartbeat_ns, NULL, "ns", NUMBER, "last heartbeat, on the monotonic clock; 0: none"),
	S(probes, NULL, "", NUMBER, "health checks that ended"),
	S(probe_failures, NULL, "", NUMBER, "health checks not answered"),
	S(probes_failed, NULL, "", NUMBER, "of those, the last in a row"),
	S(available, "AVAILABLE", "1/10000", NUMBER, "could be chosen, share of the time"),
	S(since_ns, NULL, "ns", NUMBER, "figures begin, on the monotonic clock"),
	S(updated_ns, NULL, "ns", NUMBER, "last sign of it, on the monotonic clock"),
	S(age_ns, NULL, "ns", NUMBER, "how long ago that is"),
	S(stale, NULL, "", BOOL, "too long ago to go by"),
	S(histogram, NULL, "", BOOL, "percentiles are known"),
	S(partial, NULL, "", BOOL, "it came before telemetry; before_* is what it had done"),
	S(before_requests, NULL, "", NUMBER, "attempts before telemetry"),
	S(before_completed, NULL, "", NUMBER, "answers before telemetry"),
	S(before_failures, NULL, "", NUMBER, "failures before telemetry"),
	S(before_bytes_in, NULL, "bytes", NUMBER, "content before telemetry"),
	S(before_bytes_out, NULL, "bytes", NUMBER, "vectors before telemetry"),
	{ 0 },
};

#define I(field_, unit_, kind_, help_) \
	FIELD_ROW(struct vexipc_telemetry_instance, field_, NULL, unit_, kind_, help_)

static const struct vexipc_field instance_fields[] = {
	I(cookie, "", NUMBER, "of its network namespace"),
	I(completed, "", NUMBER, "requests ended with an answer"),
	I(failed, "", NUMBER, "ended with an error"),
	I(timed_out, "", NUMBER, "ended by their deadline"),
	I(cancelled, "", NUMBER, "ended by their client"),
	I(refused, "", NUMBER, "not accepted"),
	I(retries, "", NUMBER, "further attempts after a failure"),
	I(failovers, "", NUMBER, "moved off a service that went"),
	I(orphans, "", NUMBER, "answers nobody waited for"),
	I(alerts, "", NUMBER, "raised"),
	I(registered, "", NUMBER, "services that came"),
	I(unregistered, "", NUMBER, "services that left"),
	I(services_died, "", NUMBER, "services that went without leaving"),
	I(slow, "", NUMBER, "requests slower than the threshold"),
	I(bytes_in, "bytes", NUMBER, "content of requests that ended"),
	I(bytes_out, "bytes", NUMBER, "vectors handed to clients"),
	I(total_sum_ns, "ns", NUMBER, "submission to answer, of all together"),
	I(queued, "", NUMBER, "waiting now"),
	I(queued_low, "", NUMBER, "waiting now, of low priority"),
	I(queued_normal, "", NUMBER, "waiting now, of normal priority"),
	I(queued_high, "", NUMBER, "waiting now, of high priority"),
	I(queued_critical, "", NUMBER, "waiting now, of critical priority"),
	I(highest_low, "", NUMBER, "most that ever waited, of low priority"),
	I(highest_normal, "", NUMBER, "most that ever waited, of normal priority"),
	I(highest_high, "", NUMBER, "most that ever waited, of high priority"),
	I(highest_critical, "", NUMBER, "most that ever waited, of critical priority"),
	I(batch_sizes, "", SIZES, "requests that ended, by texts in them"),
	I(refused_by, "", ERRORS, "refused, by reason"),
	I(failed_by, "", ERRORS, "failed, by reason"),
	I(cache_hits, "", NUMBER, "answered from the cache"),
	I(cache_misses, "", NUMBER, "not found in the cache"),
	FIELD_HIT_RATE(struct vexipc_telemetry_instance),
	I(coalesced, "", NUMBER, "waited for the answer of an equal request"),
	I(hedges, "", NUMBER, "late requests asked of a second service, too"),
	I(hedges_won, "", NUMBER, "of them, answered by that one first"),
	I(denied_privilege, "", NUMBER, "denied for want of CAP_NET_ADMIN"),
	I(denied_token, "", NUMBER, "denied for a token not good for it"),
	I(denied_rule, "", NUMBER, "denied by an access rule"),
	I(denied_priority, "", NUMBER, "denied critical priority"),
	I(since_ns, "ns", NUMBER, "figures begin, on the monotonic clock"),
	{ 0 },
};

#define R(field_, title_, brief_, unit_, help_)				\
	FIELD_BRIEF(struct vexipc_telemetry_recent, field_, title_, brief_, unit_, REAL, help_)

static const struct vexipc_field recent_fields[] = {
	R(answers_per_second, "REQ/S", NULL, "1/s", "answers a second"),
	R(attempts_per_second, NULL, NULL, "1/s", "attempts a second that were sent to it"),
	R(bytes_per_second, "BYTES/S", NULL, "bytes/s", "content and vectors"),
	R(share, "SHARE", "SHARE%", "share", "of all attempts that were sent"),
	R(error_share, "ERRORS", "ERR%", "share", "failed, of attempts that ended"),
	R(hit_share, NULL, NULL, "share", "found, of looks into the cache"),
	R(p50_ns, "P50", NULL, "ns", "from sending to the answer, median"),
	R(p90_ns, "P90", NULL, "ns", "from sending to the answer, 90 in 100 are below"),
	R(p99_ns, "P99", NULL, "ns", "from sending to the answer, 99 in 100 are below"),
	R(p999_ns, "P99.9", NULL, "ns", "from sending to the answer, 999 in 1000 are below"),
	{ 0 },
};

#define N(field_, unit_, kind_, help_) \
	FIELD_ROW(struct vexipc_telemetry_info, field_, NULL, unit_, kind_, help_)

static const struct vexipc_field info_fields[] = {
	N(attached, "", BOOL, "figures are kept"),
	N(programs, "", NUMBER, "that keep the figures"),
	N(links, "", NUMBER, "programs that are attached; fewer: not all is counted"),
	N(version, "", NUMBER, "of the maps' layout"),
	N(attached_ns, "ns", NUMBER, "since when, on the monotonic clock"),
	N(slow_ns, "ns", NUMBER, "a request is slow from here on; 0: never"),
	N(slots, "", NUMBER, "services that can have percentiles"),
	N(cpus, "", NUMBER, "processors with histograms of their own"),
	N(events_lost, "", NUMBER, "events nobody read in time"),
	N(instances_untracked, "", NUMBER, "events of instances there was no room for"),
	N(latency_untracked, "", NUMBER, "answers of services without percentiles"),
	{ 0 },
};

const struct vexipc_field *vexipc_telemetry_service_fields(void)
{
	return service_fields;
}

const struct vexipc_field *vexipc_telemetry_instance_fields(void)
{
	return instance_fields;
}

const struct vexipc_field *vexipc_telemetry_recent_fields(void)
{
	return recent_fields;
}

const struct vexipc_field *vexipc_telemetry_info_fields(void)
{
	return info_fields;
}
