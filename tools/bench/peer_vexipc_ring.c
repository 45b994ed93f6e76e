// SPDX-License-Identifier: GPL-2.0-only
/*
 * vexipc, the service with a ring: one ioctl gives all answers and brings all
 * requests that wait, or waits for one. The answers lie in their slots from the
 * beginning but for the stamp and the ids; no checksum is needed there.
 */
#include <endian.h>
#include <err.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crowd.h"
#include "vexipc_link.h"

struct ring {
	struct vexipc_ring_setup setup;
	const unsigned char *requests;
	unsigned char *answers;
};

static uint32_t slot_for(size_t bytes)
{
	size_t size = (bytes + 63) & ~(size_t)63;

	return size < VEXIPC_RING_MIN_SLOT ? VEXIPC_RING_MIN_SLOT : (uint32_t)size;
}

static void *map(int fd, uint64_t offset, uint64_t size, int prot)
{
	void *at = mmap(NULL, size, prot, MAP_SHARED, fd, (off_t)offset);

	if (at == MAP_FAILED)
		err(1, "vexipc: mmap");
	return at;
}

static struct answer *answer_at(const struct ring *ring, uint32_t tag)
{
	return (void *)(ring->answers + ring->setup.answers_offset +
			(size_t)tag * ring->setup.answer_size);
}

static int open_service(const struct bench_work *work, unsigned int number, void *rings)
{
	struct ring *ring = (struct ring *)rings + number;
	uint32_t dimensions = (uint32_t)(work->answer / sizeof(float));
	int fd = vexipc_device_open(0);

	ring->setup = (struct vexipc_ring_setup) {
		.request_size = slot_for(sizeof(struct request) + work->request),
		.answer_size = slot_for(sizeof(struct answer) + work->answer),
		/* Many need not have many each; half of them may be lent. */
		.slots = work->services > 1 ? 4 * work->depth : 0,
	};
	if (ioctl(fd, VEXIPC_IOC_RING_SETUP, &ring->setup))
		err(1, "vexipc: ring");
	ring->requests = map(fd, VEXIPC_RING_REQUESTS, ring->setup.requests_size, PROT_READ);
	ring->answers = map(fd, VEXIPC_RING_ANSWERS, ring->setup.answers_size,
			    PROT_READ | PROT_WRITE);
	for (uint32_t tag = 0; tag < ring->setup.slots; tag++) {
		struct vexipc_ring_answer *descriptor = (void *)ring->answers;
		struct answer *answer = answer_at(ring, tag);

		descriptor[tag].length = (uint32_t)(sizeof(*answer) + work->answer);
		answer->header.magic = htole32(VEXIPC_MAGIC);
		answer->header.version = htole32(VEXIPC_PROTOCOL_VERSION);
		answer->header.message_type = htole32(VEXIPC_MSG_EMBED_RESPONSE);
		answer->header.length = htole32((uint32_t)(sizeof(*answer) + work->answer));
		answer->header.flags = htole32(VEXIPC_MSGF_UNSUMMED);
		answer->body.dimensions = htole32(dimensions);
		answer->body.data_type = htole32(VEXIPC_FLOAT32);
		answer->body.vector_bytes = htole32((uint32_t)work->answer);
		bench_vector(work, answer->vector);
	}
	vexipc_device_register(fd, work, VEXIPC_TRANSPORT_RING);
	return fd;
}

static void answer(const struct bench_link *link, const struct ring *ring, uint32_t tag)
{
	const struct request *request = (const void *)(ring->requests +
						       ring->setup.requests_offset +
						       (size_t)tag * ring->setup.request_size);
	struct answer *answer = answer_at(ring, tag);

	if (request->header.message_type != htole32(VEXIPC_MSG_EMBED_REQUEST))
		errx(1, "%s: the service got a %s", link->peer->name,
		     vexipc_message_type_name(le32toh(request->header.message_type)));
	bench_answer(answer->vector, request->model_and_content +
		     le32toh(request->body.model_len));
	answer->header.correlation_id = request->header.correlation_id;
}

/* Give what it has answered, and answer what that brings. */
static void enter_ring(const struct bench_link *link, int fd, const struct ring *ring,
		       struct vexipc_ring_enter *enter)
{
	if (ioctl(fd, VEXIPC_IOC_RING_ENTER, enter))
		err(1, "%s: enter", link->peer->name);
	enter->commits = enter->fetched;
	for (uint32_t i = 0; i < enter->fetched; i++) {
		answer(link, ring, enter->tag[i]);
		enter->commit[i] = enter->tag[i];
	}
}

static void serve(struct bench_link *link)
{
	unsigned int count = link->work->services ? link->work->services : 1;
	struct ring *rings = calloc(count, sizeof(*rings));
	struct vexipc_ring_enter enter = { .fetch = VEXIPC_RING_BATCH };
	struct services services;

	if (!rings)
		err(1, NULL);
	services_open(&services, link->work, open_service, rings);
	bench_ready(link);
	if (count == 1)
		enter.flags = VEXIPC_RING_WAIT;
	for (;;) {
		unsigned int i = services_next(&services);

		/* One that does not wait for more brings nothing the last time. */
		do {
			enter_ring(link, services.fd[i], &rings[i], &enter);
		} while (enter.commits);
	}
}

const struct bench_peer bench_vexipc_ring = {
	.name = "vexipc-ring",
	.several = true,
	.serve = serve,
	.connect = vexipc_client_connect,
	.teardown = vexipc_client_teardown,
	.call = vexipc_client_call,
	.submit = vexipc_client_submit,
	.reap = vexipc_client_reap,
};
