/* SPDX-License-Identifier: GPL-2.0-only */
/* What samples, one after the other, tell: rates, percentiles, histories. */
#ifndef VEXIPC_TOP_MODEL_H
#define VEXIPC_TOP_MODEL_H

#include "sample.h"

enum {
	HISTORY		= 240,		/* samples that are remembered */
	ERRORS_KEPT	= 16,		/* the last kinds of error of a service */
	ERROR_KINDS	= 64,
	STALE_LOOKS	= 3,		/* in which only the module counted */
};

#define GONE_SHOWN_NS	30000000000ull	/* a service that went is shown so long */

enum series {
	SERIES_RATE,			/* answers a second */
	SERIES_P50,
	SERIES_P90,
	SERIES_P99,
	SERIES_P999,			/* ns; NAN in a sample without answers */
	SERIES_ERRORS,			/* share of attempts; NAN without any */
	SERIES_IN_FLIGHT,
	SERIES_QUEUED,
	SERIES_COUNT
};

/* Values in the order they came; @count of them, the last one is the latest. */
struct history {
	float value[SERIES_COUNT][HISTORY];
	unsigned int count;
};

struct error_seen {
	uint64_t wall_sec;		/* of the sample that had it first */
	uint64_t count;			/* new in that sample */
	uint32_t error;			/* enum vexipc_error */
};

/*
 * What happened from one sample to the next. Without a former one there are no
 * rates, and the percentiles are of all that was ever counted.
 */
struct recent {
	bool known;			/* there was a former sample */
	bool answers;			/* percentiles are of this interval, not an older one */
	struct vexipc_telemetry_recent figures;
};

struct row {
	char id[VEXIPC_MAX_NAME + 1];
	struct vexipc_telemetry_service now;
	struct vexipc_latency latency;		/* since it came */
	struct vexipc_latency interval;		/* of the last interval with answers */
	struct recent recent;
	struct history history;
	struct error_seen errors[ERRORS_KEPT];	/* the last one first */
	unsigned int error_count;
	uint64_t ended;				/* attempts, in the interval */
	uint64_t sent;
	uint64_t sample;			/* the last one that had it */
};

struct model {
	uint64_t samples;		/* taken in so far */
	uint64_t time_ns;
	uint64_t wall_sec;
	double interval_sec;		/* between the last two; 0: there was one only */
	int err;			/* as the sample's */
	char policy[POLICY_ROOM];
	struct vexipc_telemetry_info telemetry;
	bool module_known;
	struct vexipc_stats module;
	unsigned int behind;		/* looks since the maps last changed in which it counted */
	uint64_t behind_since_ns;
	uint64_t stale_ns;		/* so old are the maps' figures; 0: they are right */
	struct vexipc_telemetry_instance instance;
	struct recent recent;		/* of the instance; errors are of requests */
	struct history history;
	struct row *rows[VEXIPC_MAX_SERVICES];	/* by slot */
	unsigned int services;		/* rows that are shown */
	unsigned int available;		/* of them, those that can be chosen */
	uint64_t in_flight;
	uint64_t refused;		/* in the interval */
	struct vexipc_latency interval;
};

/* Take a sample in. -ENOMEM: some services are missing. */
int model_update(struct model *model, const struct sample *sample);
void model_free(struct model *model);

#endif
