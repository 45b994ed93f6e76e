/* SPDX-License-Identifier: GPL-2.0 */
/* Samples for the tests of vexipc-top, made up. */
#ifndef VEXIPC_TEST_TOP_H
#define VEXIPC_TEST_TOP_H

#include <stdlib.h>
#include <string.h>

#include "../../bpf/telemetry.h"
#include "../../tools/vexipc-top/sample.h"
#include "tap.h"

#define SECOND 1000000000ull

/* A service of that name at @slot, as it is when it came. */
static inline struct sample_service *add_service(struct sample *sample, uint32_t slot,
						 const char *id)
{
	struct sample_service *s = sample_room(sample);

	if (!s)
		tap_bail("no memory");
	sample->count++;
	s->figures.slot = slot;
	s->figures.handle = (1ull << 32) + slot;
	s->figures.state = VEXIPC_STATE_ACTIVE;
	s->figures.transport = VEXIPC_TRANSPORT_NETLINK;
	s->figures.weight = 100;
	s->figures.histogram = 1;
	s->figures.available = 10000;
	s->latency.handle = s->figures.handle;
	memcpy(s->figures.id, id, strnlen(id, sizeof(s->figures.id)));
	return s;
}

/* It answered @count requests, each in @ns. */
static inline void answered(struct sample *sample, struct sample_service *s, uint64_t count,
			    uint64_t ns)
{
	s->figures.requests += count;
	s->figures.completed += count;
	s->figures.bytes_in += count * 100;
	s->figures.bytes_out += count * 2048;
	s->latency.bucket[vexipc_tm_bucket(ns)] += count;
	s->latency.total += count;
	s->figures.p50_ns = vexipc_latency_percentile(&s->latency, 500);
	s->figures.p90_ns = vexipc_latency_percentile(&s->latency, 900);
	s->figures.p99_ns = vexipc_latency_percentile(&s->latency, 990);
	s->figures.p999_ns = vexipc_latency_percentile(&s->latency, 999);
	sample->instance.completed += count;
	sample->instance.bytes_in += count * 100;
	sample->instance.bytes_out += count * 2048;
}

/* @count attempts of it ended with @error. */
static inline void failed(struct sample *sample, struct sample_service *s, uint64_t count,
			  uint32_t error)
{
	s->figures.requests += count;
	s->figures.failed += count;
	s->figures.errors[error] += count;
	s->figures.last_error = error;
	s->figures.last_error_ns = sample->time_ns;
	sample->instance.failed += count;
	sample->instance.failed_by[error] += count;
}

static inline void pass(struct sample *sample, uint64_t ns)
{
	sample->time_ns += ns;
	sample->wall_sec += ns / SECOND;
}

#endif
