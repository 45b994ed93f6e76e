// SPDX-License-Identifier: GPL-2.0-only
/* The services of a storm, and who kills them and starts them again. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storm.h"

enum { MOST_SERVICES = 64, MOST_HELD = 8, IDLE_MS = 2 };

/* ------------------------------------------------------------- a service -- */

struct held {
	struct vexipc_request requests[MOST_HELD];
	unsigned int count;
};

static void answer(struct vexipc_service *svc, struct vexipc_request *request)
{
	char text[LIFE_TEXT] = "";
	float v[LIFE_DIMS];
	float begin;

	if (request->content_len < sizeof(text))
		memcpy(text, request->content, request->content_len);
	begin = (float)strtoul(text, NULL, 10);
	for (int i = 0; i < LIFE_DIMS; i++)
		v[i] = begin + (float)i;
	vexipc_service_answer_floats(svc, request, v, LIFE_DIMS);
}

/* Out of order, and some late. */
static void flush(struct vexipc_service *svc, struct held *held)
{
	while (held->count)
		answer(svc, &held->requests[--held->count]);
}

static void serve(struct vexipc_service *svc, uint64_t *random)
{
	struct vexipc_request request = { 0 };
	struct held held = { 0 };

	for (;;) {
		int err = vexipc_service_next(svc, &request, 0, held.count ? IDLE_MS : -1);

		if (err == -EAGAIN) {
			flush(svc, &held);
			continue;
		}
		if (err == -EINTR)
			continue;
		if (err)
			die("a service ended: %s", life_errno(err));
		if (draw(random, 4) == 0) {
			struct vexipc_request empty = held.requests[held.count];

			held.requests[held.count++] = request;
			request = empty;
			if (held.count == MOST_HELD)
				flush(svc, &held);
		} else if (draw(random, 32) == 0) {
			vexipc_service_fail(svc, &request, VEXIPC_ERR_SERVICE_FAILED,
					    VEXIPC_ERROR_RETRY, 0, "as it happens");
		} else {
			answer(svc, &request);
		}
	}
}

static void be_service(uint32_t number, uint64_t random, int ready)
{
	struct vexipc_service_config config = {
		.transport = number % 2 ? VEXIPC_TRANSPORT_NETLINK : VEXIPC_TRANSPORT_CHARDEV,
	};
	struct vexipc_service *svc;
	char id[32];
	int err, tries = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(id, sizeof(id), "storm-%u", number);
	config.id = id;
	/* Somebody who just sends to the socket of the dead may hold it open. */
	while ((err = vexipc_service_open(&config, &svc)) == -EEXIST && tries++ < 1000)
		poll(NULL, 0, 1);
	if (err)
		die("cannot register %s: %s", id, life_errno(err));
	if (write(ready, "r", 1) != 1)
		die("cannot say that %s is ready", id);
	close(ready);
	serve(svc, &random);
}

/* ------------------------------------------------------------ the keeper -- */

static pid_t start_service(uint32_t number, uint64_t *random)
{
	uint64_t own = *random += 7919;
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		close(ready[0]);
		be_service(number, own, ready[1]);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("service %u does not start", number);
	close(ready[0]);
	return pid;
}

static void keep(const struct storm *storm, int orders, int ready)
{
	uint64_t random = storm->seed;
	pid_t pids[MOST_SERVICES];
	char order;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint32_t i = 0; i < storm->services; i++)
		pids[i] = start_service(i, &random);
	if (write(ready, "r", 1) != 1)
		die("cannot say that services are ready");
	close(ready);
	while (read(orders, &order, 1) == 1) {
		uint32_t victim = draw(&random, storm->services);

		kill(pids[victim], SIGKILL);
		waitpid(pids[victim], NULL, 0);
		pids[victim] = start_service(victim, &random);
	}
	for (uint32_t i = 0; i < storm->services; i++)
		kill(pids[i], SIGKILL);
	for (uint32_t i = 0; i < storm->services; i++)
		waitpid(pids[i], NULL, 0);
	exit(0);
}

pid_t keeper_start(const struct storm *storm, int *orders)
{
	int order[2], ready[2];
	char byte;
	pid_t pid;

	if (storm->services > MOST_SERVICES || !storm->services)
		die("1 to %d services", MOST_SERVICES);
	if (pipe(order) || pipe(ready))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		close(order[1]);
		close(ready[0]);
		keep(storm, order[0], ready[1]);
	}
	close(order[0]);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("the services do not start");
	close(ready[0]);
	*orders = order[1];
	return pid;
}

void keeper_stop(pid_t pid, int orders)
{
	int status;

	close(orders);
	waitpid(pid, &status, 0);
	if (status)
		die("the keeper of services ended with status %#x", (unsigned int)status);
}
