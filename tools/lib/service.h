/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A service, as service.c and serve.c share it. */
#ifndef VEXIPC_SERVICE_H
#define VEXIPC_SERVICE_H

#include <stdatomic.h>
#include <stdio.h>

#include "internal.h"

struct vexipc_service {
	struct vexipc_channel *ch;
	uint64_t handle;
	uint64_t features;
	uint32_t heartbeat_ms;
	uint32_t drain_ms;
	int stop_fd;			/* eventfd: how often stop was called */
	int wake_fd;			/* eventfd: next() is to return */
	atomic_bool gone;		/* the module does not know it any more */
	atomic_bool stopped;		/* next() is to return though it is not gone */
	atomic_bool draining;
	atomic_bool serving;
	atomic_uint failed_over;
	atomic_uint in_flight;		/* requests handed out and not answered */
	pthread_mutex_t usage_lock;	/* the four below */
	uint64_t usage_cpu;
	uint64_t usage_time;
	uint32_t usage_permille;
};

/* Make everybody return who is in vexipc_service_next(), or comes there. */
void vxi_service_wake(struct vexipc_service *svc);

#endif
