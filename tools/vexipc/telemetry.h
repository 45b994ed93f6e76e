/* SPDX-License-Identifier: GPL-2.0-only */
/* Loading, pinning and unloading the telemetry programs. */
#ifndef VEXIPC_CLI_TELEMETRY_H
#define VEXIPC_CLI_TELEMETRY_H

#include <stdbool.h>
#include <stdint.h>

struct vexipc_telemetry;

struct telemetry_settings {
	uint64_t slow_ns;
	uint32_t slots;		/* services with a histogram; 0: by how many there are */
	bool slow_set;		/* slow_ns was asked for */
};

/* What the attached programs are like. */
struct telemetry_programs {
	uint32_t pinned;
	uint64_t recursion_misses;
	uint64_t map_bytes;	/* memory of the maps */
};

/*
 * Attach, or take over from what is attached: these have said on stderr what went
 * wrong and return the exit code. @took_over: figures go on.
 */
int telemetry_attach(const struct telemetry_settings *settings, bool *took_over);
/* Remove all of it. @was_attached: there was something. */
int telemetry_detach(bool *was_attached);
/* 0, or a negative errno. */
int telemetry_programs(struct telemetry_programs *programs);

/*
 * Print events as they come: @count of them, or until the time is up. 0; -EAGAIN
 * fewer than wanted came; or another negative errno.
 */
int telemetry_events(struct vexipc_telemetry *telemetry, uint32_t count, int timeout_ms,
		     bool json);

#endif
