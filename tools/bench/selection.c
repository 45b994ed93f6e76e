// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it takes to choose a service: requests for any of some services, which
 * nobody reads, are submitted and cancelled; so are requests for one of them by
 * name, which choose nothing. The difference is the choosing.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <vexipc/vexipc.h>

#include "selection.h"

enum { WARM_UP = 50 };

static int open_device(void)
{
	int fd = open(VEXIPC_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		err(1, VEXIPC_DEVICE);
	return fd;
}

static int open_service(unsigned int number)
{
	char id[VEXIPC_MAX_NAME];
	struct vexipc_register reg = {
		.service_id_ptr = (uintptr_t)id,
		.service_id_len = (uint32_t)snprintf(id, sizeof(id), "bench-%u", number),
		.transport = VEXIPC_TRANSPORT_CHARDEV,
	};
	int fd = open_device();

	if (ioctl(fd, VEXIPC_IOC_REGISTER, &reg))
		err(1, "register");
	return fd;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Submit, cancel, and take what came of it: what a submission takes. */
static uint64_t submit(int fd, uint32_t algorithm, const char *service)
{
	static char text[] = "which service gets this?", message[4096];
	struct vexipc_embed embed = {
		.data_ptr = (uintptr_t)text,
		.data_size = sizeof(text) - 1,
		.service_ptr = (uintptr_t)service,
		.service_len = service ? (uint32_t)strlen(service) : 0,
		.algorithm = algorithm,
	};
	struct vexipc_cancel cancel = { 0 };
	uint64_t begin = now(), took;

	if (ioctl(fd, VEXIPC_IOC_EMBED, &embed))
		err(1, "submit");
	took = now() - begin;
	cancel.request_id = embed.request_id;
	if (ioctl(fd, VEXIPC_IOC_CANCEL, &cancel))
		err(1, "cancel");
	if (read(fd, message, sizeof(message)) <= 0)
		err(1, "read");
	return took;
}

static double mean(int fd, uint32_t algorithm, const char *service, unsigned int trips)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < WARM_UP; i++)
		submit(fd, algorithm, service);
	for (unsigned int i = 0; i < trips; i++)
		sum += submit(fd, algorithm, service);
	return (double)sum / trips;
}

void bench_selection(const unsigned int *services, unsigned int count, uint32_t algorithm,
		     unsigned int trips, bool instructions)
{
	struct rlimit files = { 2 * VEXIPC_MAX_SERVICES, 2 * VEXIPC_MAX_SERVICES };
	uint32_t first = algorithm ? algorithm : 1;
	uint32_t last = algorithm ? algorithm : VEXIPC_ALGORITHMS - 1;
	int fds[VEXIPC_MAX_SERVICES];

	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "so many files");
	printf("%-24s %8s %14s %14s\n", "ALGORITHM", "SERVICES",
	       instructions ? "SUBMIT(instr)" : "SUBMIT(ns)", "CHOICE");
	for (unsigned int c = 0; c < count; c++) {
		int client = open_device();
		double pinned;

		for (unsigned int i = 0; i < services[c]; i++)
			fds[i] = open_service(i);
		pinned = mean(client, 0, "bench-0", trips);
		printf("%-24s %8u %14.0f %14s\n", "none: by name", services[c], pinned, "-");
		for (uint32_t a = first; a <= last; a++) {
			double took = mean(client, a, NULL, trips);

			printf("%-24s %8u %14.0f %14.0f\n", vexipc_algorithm_name(a),
			       services[c], took, took - pinned);
		}
		close(client);
		for (unsigned int i = 0; i < services[c]; i++)
			close(fds[i]);
	}
}
