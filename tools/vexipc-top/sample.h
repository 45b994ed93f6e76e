/* SPDX-License-Identifier: GPL-2.0-only */
/* One look at everything, and where it comes from. */
#ifndef VEXIPC_TOP_SAMPLE_H
#define VEXIPC_TOP_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <vexipc/telemetry.h>

struct sample_service {
	struct vexipc_telemetry_service figures;
	struct vexipc_latency latency;
};

enum { POLICY_ROOM = 96 };

struct sample {
	uint64_t time_ns;		/* CLOCK_MONOTONIC */
	uint64_t wall_sec;		/* since 1970 */
	int err;			/* why there are no figures, as vexipc_telemetry_open() */
	char policy[POLICY_ROOM];	/* or algorithm, and fallbacks; "": not known */
	struct vexipc_telemetry_info telemetry;
	bool module_known;		/* it has told its figures */
	struct vexipc_stats module;	/* of the time before instance */
	struct vexipc_telemetry_instance instance;
	struct sample_service *services;
	uint32_t count;
	uint32_t room;
};

/* Room for one more, zeroed, which counts as soon as count says so; NULL: no memory. */
struct sample_service *sample_room(struct sample *sample);
/* As it was before anything was seen. */
void sample_clear(struct sample *sample);
void sample_free(struct sample *sample);

/* Where samples come from: the module's telemetry, or a recording. */
struct source;

struct source_ops {
	/* 0; -ENODATA the recording ends here; -EPIPE it is cut short; or worse. */
	int (*next)(struct source *source, struct sample *sample);
	void (*close)(struct source *source);
};

struct source {
	const struct source_ops *ops;
	bool live;
};

int source_live(struct source **source);
/* -EPROTO not a recording; -EPROTONOSUPPORT of another version; -EBADMSG damaged; ... */
int source_replay(const char *path, struct source **source);

#endif
