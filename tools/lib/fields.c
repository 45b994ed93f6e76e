// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the fields of services, statistics and configuration are called, what
 * unit they have, how they read: one table for tables, JSON and every tool.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "internal.h"

#define S(field_, title_, unit_, kind_, help_) \
	FIELD_ROW(struct vexipc_service_entry, field_, title_, unit_, kind_, help_)

/* In the order tables show them. */
static const struct vexipc_field service_fields[] = {
	S(id, "ID", "", STRING, "unique name"),
	S(name, NULL, "", STRING, "name for people"),
	S(software_version, NULL, "", STRING, "version of its software"),
	S(handle, NULL, "", HEX, "number in messages and traces"),
	S(slot, NULL, "", NUMBER, "index in the telemetry maps"),
	S(state, "STATE", "", STATE, "what it is doing"),
	S(breaker, "BREAKER", "", BREAKER, "open while it fails"),
	S(health, "HEALTH", "", NUMBER, "0 to 100"),
	S(load, "LOAD", "permille", NUMBER, "in flight and queued, of its limit"),
	S(in_flight, "INFLIGHT", "", NUMBER, "requests it has now"),
	S(queued, "QUEUED", "", NUMBER, "requests that wait for it now"),
	S(queue_ns, NULL, "ns", NUMBER, "estimated work that waits for it"),
	S(requests, "REQUESTS", "", NUMBER, "attempts sent to it"),
	S(completed, "COMPLETED", "", NUMBER, "answers that counted"),
	S(failures, "FAILURES", "", NUMBER, "attempts that failed"),
	S(average_us, "AVG", "us", NUMBER, "time of an answer, weighted to the present"),
	S(p50_us, NULL, "us", NUMBER, "time of an answer, median"),
	S(p90_us, NULL, "us", NUMBER, "time of an answer, 90 in 100 are below"),
	S(p99_us, "P99", "us", NUMBER, "time of an answer, 99 in 100 are below"),
	S(p999_us, NULL, "us", NUMBER, "time of an answer, 999 in 1000 are below"),
	S(dimensions, "DIMENSIONS", "", LIST, "that it can do; none: any"),
	S(data_types, "TYPES", "", TYPES, "that it can do"),
	S(max_batch, NULL, "", NUMBER, "items in one request"),
	S(max_concurrent, NULL, "", NUMBER, "requests it takes at once"),
	S(limit, NULL, "", NUMBER, "requests it gets at once now; less if more slow it"),
	S(priority, NULL, "", NUMBER, "tier, higher is preferred"),
	S(weight, NULL, "", NUMBER, "share within its tier"),
	S(transport, "TRANSPORT", "", TRANSPORT, "how requests reach it"),
	S(latency_us, NULL, "us", NUMBER, "time of one item, as announced"),
	S(throughput, NULL, "items/s", NUMBER, "as announced"),
	S(features, NULL, "", FEATURES, "what both sides can do"),
	S(version, NULL, "", NUMBER, "of the protocol"),
	S(bytes_in, NULL, "bytes", NUMBER, "content sent to it"),
	S(bytes_out, NULL, "bytes", NUMBER, "vectors it answered with"),
	S(registered_ns, NULL, "ns", NUMBER, "when it registered, on the monotonic clock"),
	S(last_heartbeat_ns, NULL, "ns", NUMBER, "last heartbeat, on the monotonic clock; 0: none"),
	S(memory_bytes, NULL, "bytes", NUMBER, "resident, as it reported"),
	S(cpu_permille, NULL, "permille", NUMBER, "of one CPU, as it reported"),
	S(reported_in_flight, NULL, "", NUMBER, "requests it works on, as it reported"),
	S(reported_queue_depth, NULL, "", NUMBER, "requests it has not begun, as it reported"),
	S(breaker_own, NULL, "", HEX, "which of the following are its own: 1, 2, 4, 8, 16"),
	S(breaker_failures, NULL, "", NUMBER, "failures in a row that open its breaker"),
	S(breaker_error_percent, NULL, "%", NUMBER, "failures in ten seconds that open it"),
	S(breaker_min_volume, NULL, "", NUMBER, "attempts in ten seconds for a share"),
	S(breaker_ejection_ms, NULL, "ms", NUMBER, "how long it is open the first time"),
	S(breaker_max_ejection_ms, NULL, "ms", NUMBER, "how long at the most"),
	S(available_minute, NULL, "1/10000", NUMBER, "could be chosen, share of the last minute"),
	S(available_hour, NULL, "1/10000", NUMBER, "could be chosen, share of the last hour"),
	S(available_day, NULL, "1/10000", NUMBER, "could be chosen, share of the last day"),
	S(uid, NULL, "", NUMBER, "user who registered it"),
	S(pid, NULL, "", NUMBER, "process that registered it"),
	{ 0 },
};

#define T(field_, unit_, kind_, help_) \
	FIELD_ROW(struct vexipc_stats, field_, NULL, unit_, kind_, help_)

static const struct vexipc_field stats_fields[] = {
	T(submitted, "", NUMBER, "requests that came"),
	T(completed, "", NUMBER, "ended with an answer"),
	T(failed, "", NUMBER, "ended with an error"),
	T(timed_out, "", NUMBER, "ended by their deadline"),
	T(cancelled, "", NUMBER, "ended by their client"),
	T(refused, "", NUMBER, "not accepted"),
	T(queued, "", NUMBER, "waiting now"),
	T(in_flight, "", NUMBER, "with services now"),
	T(orphans, "", NUMBER, "answers nobody waited for"),
	T(bad_answers, "", NUMBER, "answers that made no sense"),
	T(bad_messages, "", NUMBER, "malformed messages, refused"),
	T(retries, "", NUMBER, "further attempts after a failure"),
	T(failovers, "", NUMBER, "moved off a service that went"),
	T(expired, "", NUMBER, "too late when their turn came"),
	T(probes, "", NUMBER, "health checks sent"),
	T(probe_failures, "", NUMBER, "health checks not answered"),
	T(heartbeats, "", NUMBER, "received"),
	T(alerts, "", NUMBER, "sent"),
	T(send_retries, "", NUMBER, "found no room in a service's socket"),
	T(bytes_in, "bytes", NUMBER, "content taken from clients"),
	T(bytes_out, "bytes", NUMBER, "vectors handed to clients"),
	T(batches, "", NUMBER, "batch requests"),
	T(batch_items, "", NUMBER, "items in them"),
	T(queued_max, "", NUMBER, "most that ever waited at once"),
	T(max_queue_size, "", NUMBER, "limit of what may wait"),
	T(max_concurrent_requests, "", NUMBER, "limit of what may be under way"),
	T(services, "", NUMBER, "registered now"),
	T(clients, "", NUMBER, "descriptors and sockets now"),
	T(registered, "", NUMBER, "services, ever"),
	T(unregistered, "", NUMBER, "services that left"),
	T(services_died, "", NUMBER, "services that went without leaving"),
	T(queued_low, "", NUMBER, "waiting now, in the low band"),
	T(queued_normal, "", NUMBER, "waiting now, in the normal band, or risen to it"),
	T(queued_high, "", NUMBER, "waiting now, in the high band, or risen to it"),
	T(queued_critical, "", NUMBER, "waiting now, critical, or risen to that"),
	T(overflow, "", NUMBER, "waiting now for whichever service has room first"),
	T(overflowed, "", NUMBER, "found the queues of their services full"),
	T(queue_ns, "ns", NUMBER, "of a service: estimated work that waits for it"),
	T(carriers, "", NUMBER, "messages that several requests travelled in"),
	T(carried, "", NUMBER, "requests in them"),
	T(refused_by, "", ERRORS, "refused, by reason"),
	T(failed_by, "", ERRORS, "failed, by reason"),
	T(limited_session, "", NUMBER, "refused by the rate limit of their session"),
	T(limited_user, "", NUMBER, "refused by the rate limit of their user"),
	T(limited_instance, "", NUMBER, "refused by the rate limit of the instance"),
	T(limited_module, "", NUMBER, "refused by the rate limit of the module"),
	T(limited_service, "", NUMBER, "refused by the rate limits of all services that could"),
	T(held_bytes, "bytes", NUMBER, "content of requests, and answers not yet read, in memory now"),
	T(denied_privilege, "", NUMBER, "denied for want of CAP_NET_ADMIN"),
	T(denied_token, "", NUMBER, "denied for a token not good for it"),
	T(denied_rule, "", NUMBER, "denied by an access rule"),
	T(denied_priority, "", NUMBER, "denied critical priority"),
	T(cache_hits, "", NUMBER, "answered from the cache"),
	T(cache_misses, "", NUMBER, "not found in the cache"),
	FIELD_HIT_RATE(struct vexipc_stats),
	T(cache_insertions, "", NUMBER, "answers put into the cache"),
	T(cache_evictions, "", NUMBER, "answers that went for room"),
	T(cache_expirations, "", NUMBER, "answers that became too old, or were replaced"),
	T(cache_invalidations, "", NUMBER, "answers flushed"),
	T(cache_entries, "", NUMBER, "answers in the cache now"),
	T(cache_bytes, "bytes", NUMBER, "memory of the cache now"),
	T(coalesced, "", NUMBER, "waited for the answer of an equal request"),
	T(hedges, "", NUMBER, "late requests asked of a second service, too"),
	T(hedges_won, "", NUMBER, "of them, answered by that one first"),
	{ 0 },
};

#define P(field_, title_, unit_, kind_, help_) \
	FIELD_ROW(struct vexipc_policy_entry, field_, title_, unit_, kind_, help_)

static const struct vexipc_field policy_fields[] = {
	P(name, "NAME", "", STRING, "what instances name it by"),
	P(instances, "INSTANCES", "", NUMBER, "that name it"),
	P(calls, "CALLS", "", NUMBER, "choices it was asked for"),
	P(chosen, "CHOSEN", "", NUMBER, "choices it made"),
	P(declined, "DECLINED", "", NUMBER, "choices it left to the built-in algorithm"),
	P(bad_answers, "BAD", "", NUMBER, "answers that were no candidate"),
	P(overruns, "OVERRUNS", "", NUMBER, "times it took too long"),
	P(total_ns, NULL, "ns", NUMBER, "time in it"),
	P(max_ns, NULL, "ns", NUMBER, "its longest call"),
	P(updates, NULL, "", NUMBER, "how often it was replaced"),
	P(link_id, NULL, "", NUMBER, "of its BPF link; 0: it is detached"),
	P(loaded_ns, NULL, "ns", NUMBER, "when it was loaded, on the monotonic clock"),
	P(reason, "FAULT", "", STRING, "what it last did wrong"),
	{ 0 },
};

#define C(name_, number_, unit_, kind_, help_) {	\
	.name = (name_),				\
	.unit = (unit_),				\
	.offset = offsetof(struct vexipc_config_entry, value),	\
	.size = sizeof(((struct vexipc_config_entry *)0)->value),	\
	.number = VEXIPC_CONFIG_##number_,		\
	.kind = VEXIPC_FIELD_##kind_,			\
	.privileged = true,				\
	.help = (help_),				\
}

static const struct vexipc_field config_fields[] = {
	C("max_concurrent_requests", MAX_CONCURRENT_REQUESTS, "", NUMBER,
	  "requests under way at once, of the instance"),
	C("max_concurrent_per_service", MAX_CONCURRENT_PER_SERVICE, "", NUMBER,
	  "requests under way at once, of a service that names no limit"),
	C("request_timeout_ms", REQUEST_TIMEOUT_MS, "ms", NUMBER,
	  "for requests that name none"),
	C("max_queue_size", MAX_QUEUE_SIZE, "", NUMBER, "requests that may wait"),
	C("discovery_interval_sec", DISCOVERY_INTERVAL_SEC, "s", NUMBER,
	  "services are looked for so often; ten times without a sign end one"),
	C("health_check_interval_sec", HEALTH_CHECK_INTERVAL_SEC, "s", NUMBER,
	  "a service without heartbeat for so long is probed"),
	C("max_retry_attempts", MAX_RETRY_ATTEMPTS, "", NUMBER,
	  "further attempts after a failure"),
	C("retry_backoff_base_ms", RETRY_BACKOFF_BASE_MS, "ms", NUMBER,
	  "before the same service is tried again; doubles"),
	C("enable_authentication", ENABLE_AUTHENTICATION, "", BOOL,
	  "registering takes CAP_NET_ADMIN or a token"),
	C("enable_encryption", ENABLE_ENCRYPTION, "", BOOL, "of messages; not built"),
	C("enable_compression", ENABLE_COMPRESSION, "", BOOL, "of messages; not built"),
	C("transport_type", TRANSPORT_TYPE, "", TRANSPORT, "for services that name none"),
	C("buffer_size", BUFFER_SIZE, "bytes", NUMBER, "content a service may hold"),
	C("connection_timeout_ms", CONNECTION_TIMEOUT_MS, "ms", NUMBER,
	  "a service without room for a message is tried so long"),
	C("max_retries", MAX_RETRIES, "", NUMBER,
	  "a service without room for a message is tried so often"),
	C("algorithm", ALGORITHM, "", ALGORITHM, "which service gets a request"),
	C("probe_timeout_ms", PROBE_TIMEOUT_MS, "ms", NUMBER, "for answering a probe"),
	C("unhealthy_after", UNHEALTHY_AFTER, "", NUMBER,
	  "probes failed in a row until a service counts as failed"),
	C("healthy_after", HEALTHY_AFTER, "", NUMBER,
	  "probes answered in a row until it counts as well again"),
	C("slow_start_sec", SLOW_START_SEC, "s", NUMBER,
	  "until a newcomer has its whole share, with load-based"),
	C("sticky_timeout_sec", STICKY_TIMEOUT_SEC, "s", NUMBER,
	  "a session stays with its service while no longer idle; 0: sessions do not"),
	C("breaker_failures", BREAKER_FAILURES, "", NUMBER,
	  "failures in a row that open a breaker; 0: any number"),
	C("breaker_error_percent", BREAKER_ERROR_PERCENT, "%", NUMBER,
	  "failures in ten seconds that open a breaker; 0: any share"),
	C("breaker_min_volume", BREAKER_MIN_VOLUME, "", NUMBER,
	  "attempts in ten seconds that make a share of failures count"),
	C("breaker_ejection_ms", BREAKER_EJECTION_MS, "ms", NUMBER,
	  "a breaker is open so long the first time; doubles"),
	C("breaker_max_ejection_ms", BREAKER_MAX_EJECTION_MS, "ms", NUMBER,
	  "a breaker is open so long at the most"),
	C("breaker_panic_percent", BREAKER_PANIC_PERCENT, "%", NUMBER,
	  "with fewer services left breakers do not count; 0: they always do"),
	C("retry_budget_percent", RETRY_BUDGET_PERCENT, "%", NUMBER,
	  "requests under way that may be retried at once; at least 3"),
	C("stall_timeout_ms", STALL_TIMEOUT_MS, "ms", NUMBER,
	  "a service that answers nothing for so long is degraded; 0: never"),
	C("queue_ageing_ms", QUEUE_AGEING_MS, "ms", NUMBER,
	  "what waits for so long rises a band of priority; 0: never"),
	C("max_service_queue", MAX_SERVICE_QUEUE, "", NUMBER,
	  "requests waiting for one service; more wait for whichever has room first"),
	C("queue_backpressure_percent", QUEUE_BACKPRESSURE_PERCENT, "%", NUMBER,
	  "of max_queue_size: from there on clients that do not wait are to come back"),
	C("queue_shed_percent", QUEUE_SHED_PERCENT, "%", NUMBER,
	  "of max_queue_size: from there on requests of low priority are refused"),
	C("codel_target_ms", CODEL_TARGET_MS, "ms", NUMBER,
	  "queues in which what is least waits longer are cut short; 0: none are"),
	C("codel_interval_ms", CODEL_INTERVAL_MS, "ms", NUMBER,
	  "for so long it may wait longer than codel_target_ms"),
	C("dynamic_batching", DYNAMIC_BATCHING, "", BOOL,
	  "requests that wait for one service travel in one batch"),
	C("batch_max_bytes", BATCH_MAX_BYTES, "bytes", NUMBER,
	  "most that such a batch carries; what is larger goes alone"),
	C("batch_delay_us", BATCH_DELAY_US, "us", NUMBER,
	  "a request waits so long for company; 0: not at all"),
	C("limit_instance_requests", LIMIT_INSTANCE_REQUESTS, "1/s", NUMBER,
	  "requests of the instance; 0: any"),
	C("limit_instance_bytes", LIMIT_INSTANCE_BYTES, "bytes/s", NUMBER,
	  "content of the instance; 0: any"),
	C("limit_instance_burst_ms", LIMIT_INSTANCE_BURST_MS, "ms", NUMBER,
	  "at once as much as the rates allow in so long"),
	C("limit_user_requests", LIMIT_USER_REQUESTS, "1/s", NUMBER,
	  "requests of each user; 0: any"),
	C("limit_user_bytes", LIMIT_USER_BYTES, "bytes/s", NUMBER,
	  "content of each user; 0: any"),
	C("limit_user_burst_ms", LIMIT_USER_BURST_MS, "ms", NUMBER,
	  "at once as much as the rates allow in so long"),
	C("limit_session_requests", LIMIT_SESSION_REQUESTS, "1/s", NUMBER,
	  "requests of each session; 0: any"),
	C("limit_session_bytes", LIMIT_SESSION_BYTES, "bytes/s", NUMBER,
	  "content of each session; 0: any"),
	C("limit_session_burst_ms", LIMIT_SESSION_BURST_MS, "ms", NUMBER,
	  "at once as much as the rates allow in so long"),
	C("limit_service_requests", LIMIT_SERVICE_REQUESTS, "1/s", NUMBER,
	  "requests to each service; 0: any"),
	C("limit_service_bytes", LIMIT_SERVICE_BYTES, "bytes/s", NUMBER,
	  "content to each service; 0: any"),
	C("limit_service_burst_ms", LIMIT_SERVICE_BURST_MS, "ms", NUMBER,
	  "at once as much as the rates allow in so long"),
	C("limit_module_requests", LIMIT_MODULE_REQUESTS, "1/s", NUMBER,
	  "requests of all namespaces together; 0: any"),
	C("limit_module_bytes", LIMIT_MODULE_BYTES, "bytes/s", NUMBER,
	  "content of all namespaces together; 0: any"),
	C("limit_module_burst_ms", LIMIT_MODULE_BURST_MS, "ms", NUMBER,
	  "at once as much as the rates allow in so long"),
	C("adaptive_rates", ADAPTIVE_RATES, "", BOOL,
	  "rates shrink while queues are fuller than 7/10"),
	C("adaptive_concurrency", ADAPTIVE_CONCURRENCY, "", BOOL,
	  "services get at once what does not slow them"),
	C("max_bytes", MAX_BYTES, "bytes", NUMBER, "content of requests in memory; 0: any"),
	C("max_bytes_per_user", MAX_BYTES_PER_USER, "bytes", NUMBER,
	  "the same of each user; 0: any"),
	C("max_requests_per_user", MAX_REQUESTS_PER_USER, "", NUMBER,
	  "requests of each user, unread answers included; 0: any"),
	C("max_bytes_module", MAX_BYTES_MODULE, "bytes", NUMBER,
	  "content of requests of all namespaces; 0: any"),
	C("max_requests_module", MAX_REQUESTS_MODULE, "", NUMBER,
	  "requests of all namespaces, unread answers included; 0: any"),
	C("cache_enabled", CACHE_ENABLED, "", BOOL, "answers are kept, and given again"),
	C("cache_ttl_sec", CACHE_TTL_SEC, "s", NUMBER, "an answer is kept so long"),
	C("cache_max_entries", CACHE_MAX_ENTRIES, "", NUMBER, "answers that are kept"),
	C("cache_max_bytes", CACHE_MAX_BYTES, "bytes", NUMBER,
	  "memory of the answers that are kept, contents included"),
	C("cache_per_user", CACHE_PER_USER, "", BOOL,
	  "a user is given only what the same user asked"),
	C("coalesce", COALESCE, "", BOOL, "equal requests under way are asked once"),
	C("hedge_percentile", HEDGE_PERCENTILE, "%", NUMBER,
	  "what takes longer than so many of a service's answers is asked of another, too; 0: is not"),
	C("hedge_budget_percent", HEDGE_BUDGET_PERCENT, "%", NUMBER,
	  "requests under way that may be asked of two services at once; at least 3"),
	C("slow_after_ms", SLOW_AFTER_MS, "ms", NUMBER,
	  "a service whose answers take so long on the average is degraded; 0: never"),
	{ 0 },
};

const struct vexipc_field *vexipc_service_fields(void)
{
	return service_fields;
}

const struct vexipc_field *vexipc_policy_fields(void)
{
	return policy_fields;
}

const struct vexipc_field *vexipc_stats_fields(void)
{
	return stats_fields;
}

const struct vexipc_field *vexipc_config_fields(void)
{
	return config_fields;
}

const struct vexipc_field *vexipc_field_find(const struct vexipc_field *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

/* Of counters that never are near 2^64. */
static uint64_t rate_permille(const char *at)
{
	uint64_t both[2];

	memcpy(both, at, sizeof(both));
	return both[0] ? (uint64_t)(1000 * ((double)both[0] /
					    ((double)both[0] + (double)both[1]))) : 0;
}

uint64_t vexipc_field_value(const struct vexipc_field *field, const void *object)
{
	const char *at = (const char *)object + field->offset;
	uint64_t wide;
	uint32_t narrow;

	if (field->kind == VEXIPC_FIELD_STRING || field->kind == VEXIPC_FIELD_LIST ||
	    field->kind == VEXIPC_FIELD_ERRORS || field->kind == VEXIPC_FIELD_SIZES)
		return 0;
	if (field->kind == VEXIPC_FIELD_RATE)
		return rate_permille(at);
	if (field->kind == VEXIPC_FIELD_REAL) {
		double real = vexipc_field_real(field, object);

		return real > 0 && real < 0x1p64 ? (uint64_t)real : 0;
	}
	if (field->size == sizeof(narrow)) {
		memcpy(&narrow, at, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, at, sizeof(wide));
	return wide;
}

double vexipc_field_real(const struct vexipc_field *field, const void *object)
{
	double real;

	if (field->kind != VEXIPC_FIELD_REAL)
		return (double)vexipc_field_value(field, object);
	memcpy(&real, (const char *)object + field->offset, sizeof(real));
	return real;
}

/* Comma-separated text into a buffer that may be too short, as snprintf(). */
struct text {
	char *buf;
	size_t room;
	size_t len;
};

static void append(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void append(struct text *text, const char *format, ...)
{
	size_t at = text->len < text->room ? text->len : text->room;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->buf + at, text->room - at, format, args);
	va_end(args);
	if (n > 0)
		text->len += (size_t)n;
}

static const char *comma(const struct text *text)
{
	return text->len ? "," : "";
}

static void format_list(struct text *text, const struct vexipc_field *field,
			const struct vexipc_service_entry *entry)
{
	uint32_t count = entry->dimensions_count;

	if (count > field->size / sizeof(uint32_t))
		count = field->size / sizeof(uint32_t);
	for (uint32_t i = 0; i < count; i++)
		append(text, "%s%" PRIu32, comma(text), entry->dimensions[i]);
	if (!count)
		append(text, "any");
}

static void format_errors(struct text *text, const struct vexipc_field *field,
			  const void *object)
{
	const char *at = (const char *)object + field->offset;

	for (uint32_t i = 0; i < field->size / sizeof(uint64_t); i++) {
		uint64_t n;

		memcpy(&n, at + i * sizeof(n), sizeof(n));
		if (n)
			append(text, "%s%s=%" PRIu64, comma(text), vexipc_error_name(i), n);
	}
	if (!text->len)
		append(text, "-");
}

/* Of 1, 2-3, 4-7, ... and the last of all that is more. */
static void format_sizes(struct text *text, const struct vexipc_field *field,
			 const void *object)
{
	const char *at = (const char *)object + field->offset;
	uint32_t steps = field->size / sizeof(uint64_t);

	for (uint32_t i = 0; i < steps; i++) {
		uint64_t n;

		memcpy(&n, at + i * sizeof(n), sizeof(n));
		if (!n)
			continue;
		append(text, "%s%u", comma(text), 1u << i);
		if (i + 1 == steps)
			append(text, "+");
		else if (i)
			append(text, "-%u", (2u << i) - 1);
		append(text, "=%" PRIu64, n);
	}
	if (!text->len)
		append(text, "-");
}

static void format_features(struct text *text, uint64_t features)
{
	static const char *const names[] = { "batch", "health", "fragments" };

	for (size_t i = 0; i < 64; i++) {
		if (!(features >> i & 1))
			continue;
		if (i < ARRAY_SIZE(names))
			append(text, "%s%s", comma(text), names[i]);
		else
			append(text, "%sbit%zu", comma(text), i);
	}
	if (!features)
		append(text, "-");
}

static void format_real(struct text *text, double value)
{
	if (isnan(value))
		append(text, "-");
	else
		append(text, "%g", value);
}

static void format_value(struct text *text, const struct vexipc_field *field, uint64_t value)
{
	switch (field->kind) {
	case VEXIPC_FIELD_HEX:
		append(text, "0x%" PRIx64, value);
		break;
	case VEXIPC_FIELD_STATE:
		append(text, "%s", vexipc_state_name((uint32_t)value));
		break;
	case VEXIPC_FIELD_TRANSPORT:
		append(text, "%s", vexipc_transport_name((uint32_t)value));
		break;
	case VEXIPC_FIELD_BREAKER:
		append(text, "%s", vexipc_breaker_name((uint32_t)value));
		break;
	case VEXIPC_FIELD_ALGORITHM:
		append(text, "%s", vexipc_algorithm_name((uint32_t)value));
		break;
	case VEXIPC_FIELD_ERROR:
		append(text, "%s", value ? vexipc_error_name((uint32_t)value) : "-");
		break;
	case VEXIPC_FIELD_BOOL:
		append(text, "%s", value ? "true" : "false");
		break;
	case VEXIPC_FIELD_TYPES:
		for (uint32_t i = 0; i < VEXIPC_DATA_TYPES; i++)
			if (value >> i & 1)
				append(text, "%s%s", comma(text), vexipc_data_type_name(i));
		if (!text->len)
			append(text, "-");
		break;
	case VEXIPC_FIELD_FEATURES:
		format_features(text, value);
		break;
	case VEXIPC_FIELD_RATE:
		append(text, "%" PRIu64 ".%" PRIu64, value / 10, value % 10);
		break;
	default:
		append(text, "%" PRIu64, value);
	}
}

int vexipc_field_format(const struct vexipc_field *field, const void *object, char *buf,
			size_t room)
{
	struct text text = { buf, room, 0 };
	const char *at = (const char *)object + field->offset;

	if (field->kind == VEXIPC_FIELD_STRING)
		append(&text, "%.*s", (int)strnlen(at, field->size), at);
	else if (field->kind == VEXIPC_FIELD_LIST)
		format_list(&text, field, object);
	else if (field->kind == VEXIPC_FIELD_ERRORS)
		format_errors(&text, field, object);
	else if (field->kind == VEXIPC_FIELD_SIZES)
		format_sizes(&text, field, object);
	else if (field->kind == VEXIPC_FIELD_REAL)
		format_real(&text, vexipc_field_real(field, object));
	else
		format_value(&text, field, vexipc_field_value(field, object));
	return (int)text.len;
}

int vexipc_config_format(const struct vexipc_field *field, uint64_t value, char *buf, size_t room)
{
	struct text text = { buf, room, 0 };

	format_value(&text, field, value);
	return (int)text.len;
}

int vexipc_config_parse(const struct vexipc_field *field, const char *text, uint64_t *value)
{
	static const char *const yes[] = { "true", "on", "yes" };
	static const char *const no[] = { "false", "off", "no" };
	unsigned long long n;
	uint32_t named;
	char *end;

	if (isdigit((unsigned char)*text)) {
		errno = 0;
		n = strtoull(text, &end, 10);
		if (errno || *end)
			return -EINVAL;
		*value = n;
		return 0;
	}
	switch (field->kind) {
	case VEXIPC_FIELD_TRANSPORT:
		if (vexipc_transport_parse(text, &named))
			return -EINVAL;
		break;
	case VEXIPC_FIELD_ALGORITHM:
		if (vexipc_algorithm_parse(text, &named))
			return -EINVAL;
		break;
	case VEXIPC_FIELD_BOOL:
		for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
			if (strcasecmp(text, yes[i]) && strcasecmp(text, no[i]))
				continue;
			*value = !strcasecmp(text, yes[i]);
			return 0;
		}
		return -EINVAL;
	default:
		return -EINVAL;
	}
	*value = named;
	return 0;
}
