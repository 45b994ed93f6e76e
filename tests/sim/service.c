// SPDX-License-Identifier: GPL-2.0-only
/* The services: they read what comes, and answer it later. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int open_device(void)
{
	int fd = open(VEXIPC_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		die(VEXIPC_DEVICE ": %s", strerror(errno));
	return fd;
}

/* A service has as many requests as workers; the others wait in the module. */
void service_open(struct sim *sim, uint32_t number)
{
	struct sim_service *svc = &sim->service[number];
	uint32_t dimensions = DIMENSIONS;
	char id[VEXIPC_MAX_NAME];
	struct vexipc_register reg = {
		.service_id_ptr = (uintptr_t)id,
		.service_id_len = (uint32_t)snprintf(id, sizeof(id), "sim-%u", number),
		.dimensions_ptr = (uintptr_t)&dimensions,
		.dimensions_count = 1,
		.transport = VEXIPC_TRANSPORT_CHARDEV,
		.max_concurrent = sim->options.workers,
	};

	svc->fd = open_device();
	svc->number = number;
	svc->slow = number < sim->options.slow;
	svc->by_second = calloc(sim->seconds, sizeof(*svc->by_second));
	if (!svc->by_second)
		die("no memory");
	if (ioctl(svc->fd, VEXIPC_IOC_REGISTER, &reg))
		die("register %s: %s", id, strerror(errno));
	svc->there = true;
}

static double takes_us(struct sim *sim, const struct sim_service *svc)
{
	const struct options *o = &sim->options;
	double us = svc->slow ? o->service_us * o->factor : o->service_us;

	return o->exponential ? draw_exponential(&sim->random, us) : us;
}

static void begin(struct sim *sim, struct sim_service *svc, uint64_t correlation)
{
	svc->busy++;
	event_add(&sim->events, (struct event) {
		.at_ns = now_ns() + (uint64_t)(takes_us(sim, svc) * 1000),
		.correlation = correlation,
		.service = svc->number,
	});
}

/*
 * When the module has given up a request, it sends another one for it, but the
 * worker does not know and goes on: so there may be more than workers.
 */
static void take(struct sim *sim, struct sim_service *svc, uint64_t correlation)
{
	uint64_t second = (now_ns() - sim->start_ns) / 1000000000u;

	svc->received++;
	if (second < sim->seconds)
		svc->by_second[second]++;
	if (svc->busy < sim->options.workers) {
		begin(sim, svc, correlation);
		return;
	}
	if (svc->waiting == svc->room) {
		svc->room = svc->room ? 2 * svc->room : 64;
		svc->wait = reallocarray(svc->wait, svc->room, sizeof(*svc->wait));
		if (!svc->wait)
			die("no memory");
	}
	svc->wait[svc->waiting++] = correlation;
}

static void begin_next(struct sim *sim, struct sim_service *svc)
{
	uint64_t correlation = svc->wait[0];

	memmove(svc->wait, svc->wait + 1, --svc->waiting * sizeof(*svc->wait));
	begin(sim, svc, correlation);
}

void service_read(struct sim *sim, struct sim_service *svc)
{
	static unsigned char messages[1 << 20];
	ssize_t got = read(svc->fd, messages, sizeof(messages));

	if (got < 0) {
		if (errno == EAGAIN)
			return;
		die("service %u: read: %s", svc->number, strerror(errno));
	}
	for (const unsigned char *at = messages; at < messages + got;) {
		struct vexipc_msg_header header;

		memcpy(&header, at, sizeof(header));
		at += le32toh(header.length);
		/* The others are the answers to heartbeats. */
		if (le32toh(header.message_type) == VEXIPC_MSG_EMBED_REQUEST)
			take(sim, svc, le64toh(header.correlation_id));
	}
}

static void send_message(struct sim_service *svc, void *message, size_t len, uint32_t type,
			 uint64_t correlation)
{
	vexipc_message_seal(message, len, type, correlation, 0);
	/* Nobody waits for it any more: that is so under load. */
	if (write(svc->fd, message, len) != (ssize_t)len && errno != ESRCH)
		die("service %u: write: %s", svc->number, strerror(errno));
}

static bool fails(struct sim *sim, const struct sim_service *svc)
{
	double at = (double)(now_ns() - sim->start_ns) / 1e9;

	for (uint32_t i = 0; i < sim->options.faults; i++) {
		const struct fault *f = &sim->options.fault[i];

		if (f->service == svc->number && at >= f->from && at < f->to)
			return draw_unit(&sim->random) < f->share;
	}
	return false;
}

void service_answer(struct sim *sim, const struct event *event)
{
	static struct {
		struct vexipc_msg_header header;
		struct vexipc_embed_response_body body;
		float vector[DIMENSIONS];
	} __attribute__((packed)) answer;
	static struct {
		struct vexipc_msg_header header;
		struct vexipc_error_body body;
	} __attribute__((packed)) error;
	struct sim_service *svc = &sim->service[event->service];

	svc->busy--;
	if (svc->waiting)
		begin_next(sim, svc);
	if (fails(sim, svc)) {
		svc->failed++;
		error.body.error = htole32(VEXIPC_ERR_SERVICE_FAILED);
		error.body.kind = htole32(VEXIPC_ERROR_RETRY);
		send_message(svc, &error, sizeof(error), VEXIPC_MSG_ERROR, event->correlation);
		return;
	}
	svc->answered++;
	answer.body.dimensions = htole32(DIMENSIONS);
	answer.body.vector_bytes = htole32(sizeof(answer.vector));
	send_message(svc, &answer, sizeof(answer), VEXIPC_MSG_EMBED_RESPONSE,
		     event->correlation);
}

void service_heartbeat(struct sim_service *svc)
{
	struct {
		struct vexipc_msg_header header;
		struct vexipc_heartbeat_body body;
	} __attribute__((packed)) beat = { 0 };

	send_message(svc, &beat, sizeof(beat), VEXIPC_MSG_HEARTBEAT, 1);
}
