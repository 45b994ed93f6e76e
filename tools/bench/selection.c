// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it takes to choose a service: requests that nobody reads are submitted and
 * cancelled. What a submission takes beyond one where there is a single service, and
 * nothing to choose, is the choosing.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "selection.h"
#include "vexipc_link.h"

enum { WARM_UP = 50 };

static int open_service(unsigned int number)
{
	char id[VEXIPC_MAX_NAME];
	struct vexipc_register reg = {
		.service_id_ptr = (uintptr_t)id,
		.service_id_len = (uint32_t)snprintf(id, sizeof(id), "bench-%u", number),
		.transport = VEXIPC_TRANSPORT_CHARDEV,
	};
	int fd = vexipc_device_open(O_NONBLOCK);

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
static uint64_t submit(int fd, uint32_t algorithm)
{
	static char text[] = "which service gets this?", message[4096];
	struct vexipc_embed embed = {
		.data_ptr = (uintptr_t)text,
		.data_size = sizeof(text) - 1,
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

static double mean(int fd, uint32_t algorithm, unsigned int services, unsigned int trips)
{
	uint64_t sum = 0;

	/* Of many services a choice looks at eight: so each has been looked at. */
	for (unsigned int i = 0; i < WARM_UP + services; i++)
		submit(fd, algorithm);
	for (unsigned int i = 0; i < trips; i++)
		sum += submit(fd, algorithm);
	return (double)sum / trips;
}

/* Algorithm 0 is the instance's: its policy, if it has one. */
static const char *name_of(int fd, uint32_t algorithm)
{
	static char name[VEXIPC_POLICY_NAME_LEN + 8];
	struct vexipc_policies policies = { .entry_size = sizeof(struct vexipc_policy_entry) };

	if (algorithm)
		return vexipc_algorithm_name(algorithm);
	if (ioctl(fd, VEXIPC_IOC_POLICIES, &policies) || !policies.use.in_use)
		return NULL;
	snprintf(name, sizeof(name), "policy %.*s", VEXIPC_POLICY_NAME_LEN, policies.use.name);
	return name;
}

struct choice {
	unsigned int trips;
	double base;			/* a submission without a choice */
	double first[VEXIPC_ALGORITHMS];	/* the choice, of the first number of services */
};

static void measure(struct choice *choice, int fd, uint32_t algorithm, unsigned int services,
		    bool first)
{
	const char *name = name_of(fd, algorithm);
	double took, least;

	if (!name)
		return;
	took = mean(fd, algorithm, services, choice->trips) - choice->base;
	if (first)
		choice->first[algorithm] = took;
	printf("%-24s %8u %14.0f %14.0f", name, services, choice->base + took, took);
	/* Round robin's is lost in what the rest varies by. */
	least = choice->base / 20;
	printf(" %8.2f\n", (took > least ? took : least) /
	       (choice->first[algorithm] > least ? choice->first[algorithm] : least));
}

void bench_selection(const unsigned int *services, unsigned int count, uint32_t algorithm,
		     unsigned int trips, bool instructions)
{
	uint32_t last = algorithm ? algorithm : VEXIPC_ALGORITHMS - 1;
	struct choice choice = { .trips = trips };
	int fds[VEXIPC_MAX_SERVICES], client = vexipc_device_open(O_NONBLOCK);

	vexipc_allow_many_files();
	fds[0] = open_service(0);
	choice.base = mean(client, VEXIPC_ALGORITHM_ROUND_ROBIN, 1, trips);
	close(fds[0]);
	printf("%-24s %8s %14s %14s %8s\n", "ALGORITHM", "SERVICES",
	       instructions ? "SUBMIT(instr)" : "SUBMIT(ns)", "CHOICE", "GROWTH");
	printf("%-24s %8u %14.0f %14s %8s\n", "nothing to choose", 1, choice.base, "-", "-");
	for (unsigned int c = 0; c < count; c++) {
		for (unsigned int i = 0; i < services[c]; i++)
			fds[i] = open_service(i);
		for (uint32_t a = algorithm; a <= last; a++)
			measure(&choice, client, a, services[c], !c);
		for (unsigned int i = 0; i < services[c]; i++)
			close(fds[i]);
	}
	close(client);
}
