// SPDX-License-Identifier: GPL-2.0-only
/* Round trips while there is more than one service, or much that waits. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "crowd.h"
#include "vexipc_link.h"

enum { WAITING_BYTES = 256 };

void services_open(struct services *services, const struct bench_work *work,
		   int (*open_one)(const struct bench_work *work, unsigned int number, void *arg),
		   void *arg)
{
	unsigned int count = work->services ? work->services : 1;

	services->count = count;
	services->fd = calloc(count, sizeof(*services->fd));
	if (!services->fd)
		err(1, NULL);
	services->epoll = -1;
	if (count > 1) {
		vexipc_allow_many_files();
		services->epoll = epoll_create1(EPOLL_CLOEXEC);
		if (services->epoll < 0)
			err(1, "epoll");
	}
	for (unsigned int i = 0; i < count; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };

		services->fd[i] = open_one(work, i, arg);
		if (count > 1 &&
		    epoll_ctl(services->epoll, EPOLL_CTL_ADD, services->fd[i], &event))
			err(1, "epoll");
	}
}

unsigned int services_next(const struct services *services)
{
	struct epoll_event event;

	if (services->epoll < 0)
		return 0;
	if (epoll_wait(services->epoll, &event, 1, -1) != 1)
		err(1, "epoll");
	return event.data.u32;
}

static void raise_limits(void)
{
	struct vexipc_config_entry entries[] = {
		{ .field = VEXIPC_CONFIG_MAX_CONCURRENT_REQUESTS, .value = 131072 },
		{ .field = VEXIPC_CONFIG_MAX_QUEUE_SIZE, .value = 131072 },
		{ .field = VEXIPC_CONFIG_MAX_SERVICE_QUEUE, .value = 131072 },
		{ .field = VEXIPC_CONFIG_QUEUE_BACKPRESSURE_PERCENT, .value = 100 },
		{ .field = VEXIPC_CONFIG_QUEUE_SHED_PERCENT, .value = 100 },
	};

	vexipc_configure("limits for those that wait", entries, ARRAY_SIZE(entries));
}

/* Bytes of slabs, of which those that wait are most. */
static double slab_bytes(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	double kib = -1;

	if (!file)
		err(1, "/proc/meminfo");
	while (kib < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, "Slab:", 5))
			kib = strtod(line + 5, NULL);
	fclose(file);
	if (kib < 0)
		errx(1, "/proc/meminfo: no slabs");
	return 1024 * kib;
}

double bench_crowd_wait(unsigned int count)
{
	const struct bench_work none = { .answer = sizeof(float) };
	int service = vexipc_device_open(0), client = vexipc_device_open(O_NONBLOCK);
	char text[WAITING_BYTES];
	double before;

	raise_limits();
	vexipc_device_register(service, &none, VEXIPC_TRANSPORT_CHARDEV);
	memset(text, 'x', sizeof(text));
	before = slab_bytes();
	for (unsigned int i = 0; i < count; i++) {
		struct vexipc_embed embed = {
			.data_ptr = (uintptr_t)text,
			.data_size = sizeof(text),
			.dimensions = 1,
			.priority = VEXIPC_PRIORITY_NORMAL,
			.timeout_ms = VEXIPC_MAX_TIMEOUT_MS,
		};

		if (ioctl(client, VEXIPC_IOC_EMBED, &embed))
			err(1, "request %u of those that wait", i);
	}
	return (slab_bytes() - before) / count;
}
