// SPDX-License-Identifier: LGPL-2.1-or-later
/* Names of the values of enums, both ways. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "internal.h"

#ifndef VEXIPC_VERSION_STRING
#define VEXIPC_VERSION_STRING "0.1.0"
#endif

static const char *const data_types[] = {
	[VEXIPC_FLOAT32] = "float32",
	[VEXIPC_FLOAT16] = "float16",
	[VEXIPC_INT8]	 = "int8",
	[VEXIPC_INT16]	 = "int16",
	[VEXIPC_BINARY]	 = "binary",
};

static const char *const states[] = {
	[VEXIPC_STATE_REGISTERING] = "registering",
	[VEXIPC_STATE_ACTIVE]	   = "active",
	[VEXIPC_STATE_BUSY]	   = "busy",
	[VEXIPC_STATE_DEGRADED]	   = "degraded",
	[VEXIPC_STATE_DRAINING]	   = "draining",
	[VEXIPC_STATE_FAILED]	   = "failed",
	[VEXIPC_STATE_GONE]	   = "gone",
};

static const char *const breakers[] = {
	[VEXIPC_BREAKER_CLOSED]	   = "closed",
	[VEXIPC_BREAKER_OPEN]	   = "open",
	[VEXIPC_BREAKER_HALF_OPEN] = "half-open",
};

static const char *const transports[] = {
	[VEXIPC_TRANSPORT_DEFAULT] = "default",
	[VEXIPC_TRANSPORT_NETLINK] = "netlink",
	[VEXIPC_TRANSPORT_CHARDEV] = "chardev",
	[VEXIPC_TRANSPORT_RING]	   = "ring",
};

static const char *const algorithms[] = {
	[VEXIPC_ALGORITHM_DEFAULT]     = "default",
	[VEXIPC_ALGORITHM_ROUND_ROBIN] = "round-robin",
	[VEXIPC_ALGORITHM_LEAST_CONNECTIONS] = "least-connections",
	[VEXIPC_ALGORITHM_LEAST_RESPONSE_TIME] = "least-response-time",
	[VEXIPC_ALGORITHM_LOAD_BASED] = "load-based",
	[VEXIPC_ALGORITHM_PRIORITY] = "priority",
	[VEXIPC_ALGORITHM_CAPABILITY] = "capability",
	[VEXIPC_ALGORITHM_WEIGHTED_ROUND_ROBIN] = "weighted-round-robin",
	[VEXIPC_ALGORITHM_PEAK_EWMA] = "peak-ewma",
	[VEXIPC_ALGORITHM_CONSISTENT_HASH] = "consistent-hash",
};

static const char *const alerts[] = {
	[VEXIPC_ALERT_NO_CAPABLE_SERVICE]  = "no-capable-service",
	[VEXIPC_ALERT_SERVICE_UNAVAILABLE] = "service-unavailable",
	[VEXIPC_ALERT_SERVICE_BACK]	   = "service-back",
	[VEXIPC_ALERT_QUEUE_FULL]	   = "queue-full",
	[VEXIPC_ALERT_BREAKER_OPENED]	   = "breaker-opened",
	[VEXIPC_ALERT_BREAKER_CLOSED]	   = "breaker-closed",
	[VEXIPC_ALERT_POLICY_DETACHED]	   = "policy-detached",
	[VEXIPC_ALERT_BACKPRESSURE]	   = "backpressure",
	[VEXIPC_ALERT_SHEDDING_BEGAN]	   = "shedding-began",
	[VEXIPC_ALERT_SHEDDING_ENDED]	   = "shedding-ended",
	[VEXIPC_ALERT_RATE_LIMITED]	   = "rate-limited",
	[VEXIPC_ALERT_SERVICE_SLOW]	   = "service-slow",
};

static const char *const policy_states[] = {
	[VEXIPC_POLICY_LOADED]	 = "loaded",
	[VEXIPC_POLICY_BYPASSED] = "bypassed",
	[VEXIPC_POLICY_DETACHED] = "detached",
};

static const struct {
	const char *name;
	uint32_t from;
} priorities[] = {
	{ "critical", VEXIPC_PRIORITY_CRITICAL },
	{ "high",     VEXIPC_PRIORITY_HIGH },
	{ "normal",   VEXIPC_PRIORITY_NORMAL },
	{ "low",      VEXIPC_PRIORITY_LOW },
};

static const char *name_in(const char *const *names, size_t count, uint32_t value)
{
	return value < count && names[value] ? names[value] : "unknown";
}

/* A whole decimal number up to @max. */
static int number(const char *text, uint32_t max, uint32_t *value)
{
	unsigned long n;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || n > max)
		return -EINVAL;
	*value = n;
	return 0;
}

static int parse_in(const char *const *names, size_t count, const char *name,
		    uint32_t *value)
{
	for (uint32_t i = 0; i < count; i++) {
		if (names[i] && !strcasecmp(names[i], name)) {
			*value = i;
			return 0;
		}
	}
	return number(name, count - 1, value);
}

#define NAMES(what, table)						\
const char *vexipc_##what##_name(uint32_t value)			\
{									\
	return name_in(table, ARRAY_SIZE(table), value);		\
}									\
									\
int vexipc_##what##_parse(const char *name, uint32_t *value)		\
{									\
	return parse_in(table, ARRAY_SIZE(table), name, value);		\
}

NAMES(data_type, data_types)
NAMES(state, states)
NAMES(transport, transports)
NAMES(algorithm, algorithms)

const char *vexipc_breaker_name(uint32_t state)
{
	return name_in(breakers, ARRAY_SIZE(breakers), state);
}

const char *vexipc_alert_name(uint32_t kind)
{
	return name_in(alerts, ARRAY_SIZE(alerts), kind);
}

const char *vexipc_policy_state_name(uint32_t state)
{
	return name_in(policy_states, ARRAY_SIZE(policy_states), state);
}

const char *vexipc_priority_name(uint32_t priority)
{
	for (size_t i = 0; i < ARRAY_SIZE(priorities); i++)
		if (priority >= priorities[i].from)
			return priorities[i].name;
	return "low";
}

int vexipc_priority_parse(const char *name, uint32_t *priority)
{
	for (size_t i = 0; i < ARRAY_SIZE(priorities); i++) {
		if (!strcasecmp(priorities[i].name, name)) {
			*priority = priorities[i].from;
			return 0;
		}
	}
	return number(name, VEXIPC_PRIORITY_CRITICAL, priority);
}

const char *vexipc_message_type_name(uint32_t type)
{
	switch (type) {
#define NAME(t) case VEXIPC_MSG_##t: return #t
	NAME(REGISTER);
	NAME(UNREGISTER);
	NAME(HEARTBEAT);
	NAME(DISCOVERY);
	NAME(EMBED_REQUEST);
	NAME(EMBED_RESPONSE);
	NAME(BATCH_REQUEST);
	NAME(BATCH_RESPONSE);
	NAME(STATUS_QUERY);
	NAME(STATUS_RESPONSE);
	NAME(HEALTH_CHECK);
	NAME(HEALTH_RESPONSE);
	NAME(ERROR);
	NAME(ACK);
	NAME(NACK);
#undef NAME
	default:
		return "unknown";
	}
}

uint64_t vexipc_session(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *name; name++) {
		hash ^= (unsigned char)*name;
		hash *= 0x100000001b3u;
	}
	return hash ? hash : 1;
}

const char *vexipc_version(void)
{
	return VEXIPC_VERSION_STRING;
}
