// SPDX-License-Identifier: GPL-2.0-only
/*
 * vexipc with dynamic batching, the service written with libvexipc: what waits
 * for it comes in one message.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "vexipc_link.h"

/* Vectors of their own for the items of a batch. */
struct room {
	struct bench_link *link;
	unsigned char *vectors;
	struct vexipc_vector *items;
};

static int answer(struct vexipc_service *service, struct vexipc_request *request,
		  void *context)
{
	struct room *room = context;
	const void *content;
	unsigned int n = 0;
	size_t len;

	while (n < room->link->work->depth && vexipc_request_item(request, &content, &len)) {
		bench_answer((void *)(uintptr_t)room->items[n].data, content);
		n++;
	}
	if (request->type == VEXIPC_MSG_BATCH_REQUEST)
		return vexipc_service_answer_batch(service, request, room->items);
	return vexipc_service_answer(service, request, room->items);
}

static void make_room(struct room *room, struct bench_link *link)
{
	const struct bench_work *work = link->work;

	room->link = link;
	room->vectors = calloc(work->depth, work->answer);
	room->items = calloc(work->depth, sizeof(*room->items));
	if (!room->vectors || !room->items)
		err(1, NULL);
	for (unsigned int i = 0; i < work->depth; i++) {
		unsigned char *vector = room->vectors + i * work->answer;

		bench_vector(work, vector);
		room->items[i] = (struct vexipc_vector) {
			.data = vector,
			.bytes = work->answer,
			.dimensions = (uint32_t)(work->answer / sizeof(float)),
			.data_type = VEXIPC_FLOAT32,
		};
	}
}

/* Other peers do not notice: their services take no batches. */
static void configure(uint32_t delay_us)
{
	struct vexipc_config_entry entries[] = {
		{ .field = VEXIPC_CONFIG_DYNAMIC_BATCHING, .value = 1 },
		{ .field = VEXIPC_CONFIG_BATCH_DELAY_US, .value = delay_us },
		{ .field = VEXIPC_CONFIG_BATCH_MAX_BYTES, .value = 1 << 20 },
	};

	vexipc_configure("dynamic_batching", entries, ARRAY_SIZE(entries));
}

static void serve(struct bench_link *link, uint32_t transport, uint32_t delay_us)
{
	uint32_t dimensions = (uint32_t)(link->work->answer / sizeof(float));
	char id[VEXIPC_MAX_NAME];
	const struct vexipc_service_config config = {
		.id = id,
		.dimensions = &dimensions,
		.dimensions_count = 1,
		.transport = transport,
		.max_batch = link->work->depth,
	};
	struct vexipc_service *service;
	struct room room;
	int error;

	configure(link->work->depth > 1 ? delay_us : 0);
	make_room(&room, link);
	vexipc_service_id(id, sizeof(id));
	error = vexipc_service_open(&config, &service);
	if (error)
		errx(1, "%s: register: %s", link->peer->name, strerror(-error));
	bench_ready(link);
	error = vexipc_service_serve(service, answer, 1, &room);
	errx(1, "%s: serve: %s", link->peer->name, strerror(-error));
}

static void serve_chardev(struct bench_link *link)
{
	serve(link, VEXIPC_TRANSPORT_CHARDEV, 0);
}

/* Without a delay the first of a burst would be sent before the second is there. */
static void serve_netlink(struct bench_link *link)
{
	serve(link, VEXIPC_TRANSPORT_NETLINK, 1000);
}

const struct bench_peer bench_vexipc_chardev_batch = {
	.name = "vexipc-chardev-batch",
	.serve = serve_chardev,
	.connect = vexipc_client_connect,
	.teardown = vexipc_client_teardown,
	.call = vexipc_client_call,
	.submit = vexipc_client_submit,
	.reap = vexipc_client_reap,
};

const struct bench_peer bench_vexipc_netlink_batch = {
	.name = "vexipc-netlink-batch",
	.serve = serve_netlink,
	.connect = vexipc_client_connect,
	.teardown = vexipc_client_teardown,
	.call = vexipc_client_call,
	.submit = vexipc_client_submit,
	.reap = vexipc_client_reap,
};
