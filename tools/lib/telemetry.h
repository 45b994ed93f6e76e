/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the telemetry reader share. */
#ifndef VEXIPC_LIB_TELEMETRY_H
#define VEXIPC_LIB_TELEMETRY_H

#include <vexipc/telemetry.h>

#include "../../bpf/telemetry.h"
#include "internal.h"

struct ring_buffer;

/**
 * struct vexipc_telemetry - the maps, mapped read-only
 * @sizes: of each mapping, in the order of the table in telemetry.c
 * @links: inode of the folder of links; attached anew, there is another
 * @ring: reads events, once asked to
 * @ring_fd: its map
 * @event: where the one that is read is put
 */
struct vexipc_telemetry {
	const volatile struct vexipc_tm_control *control;
	const volatile struct vexipc_tm_service *services;
	const volatile struct vexipc_tm_latency *latency;
	const volatile struct vexipc_tm_instance *instances;
	const volatile struct vexipc_tm_queues *queues;
	size_t sizes[5];
	uint64_t links;
	struct ring_buffer *ring;
	int ring_fd;
	struct vexipc_telemetry_event *event;
};

/* Open a pinned map of ours: a descriptor, or a negative errno. */
int vxi_telemetry_map(const char *name);

void vxi_telemetry_events_close(struct vexipc_telemetry *telemetry);

static inline uint64_t load(const volatile __u64 *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

#endif
