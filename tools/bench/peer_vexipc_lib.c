// SPDX-License-Identifier: GPL-2.0-only
/* vexipc, the service written with libvexipc: its serve loop, one thread. */
#include <err.h>
#include <string.h>

#include "vexipc_link.h"

static int answer(struct vexipc_service *service, struct vexipc_request *request,
		  void *context)
{
	struct bench_link *link = context;
	const struct vexipc_vector vector = {
		.data = link->vectors,
		.bytes = link->work->answer,
		.dimensions = (uint32_t)(link->work->answer / sizeof(float)),
		.data_type = VEXIPC_FLOAT32,
	};

	bench_answer(link->vectors, request->content);
	return vexipc_service_answer(service, request, &vector);
}

static void serve(struct bench_link *link, uint32_t transport)
{
	uint32_t dimensions = (uint32_t)(link->work->answer / sizeof(float));
	char id[VEXIPC_MAX_NAME];
	const struct vexipc_service_config config = {
		.id = id,
		.dimensions = &dimensions,
		.dimensions_count = 1,
		.transport = transport,
	};
	struct vexipc_service *service;
	int error;

	vexipc_service_id(id, sizeof(id));
	error = vexipc_service_open(&config, &service);
	if (error)
		errx(1, "%s: register: %s", link->peer->name, strerror(-error));
	bench_ready(link);
	error = vexipc_service_serve(service, answer, 1, link);
	errx(1, "%s: serve: %s", link->peer->name, strerror(-error));
}

static void serve_chardev(struct bench_link *link)
{
	serve(link, VEXIPC_TRANSPORT_CHARDEV);
}

static void serve_ring(struct bench_link *link)
{
	serve(link, VEXIPC_TRANSPORT_RING);
}

static void serve_netlink(struct bench_link *link)
{
	serve(link, VEXIPC_TRANSPORT_NETLINK);
}

const struct bench_peer bench_vexipc_chardev_lib = {
	.name = "vexipc-chardev-lib",
	.serve = serve_chardev,
	.connect = vexipc_client_connect,
	.teardown = vexipc_client_teardown,
	.call = vexipc_client_call,
	.submit = vexipc_client_submit,
	.reap = vexipc_client_reap,
};

const struct bench_peer bench_vexipc_netlink_lib = {
	.name = "vexipc-netlink-lib",
	.serve = serve_netlink,
	.connect = vexipc_client_connect,
	.teardown = vexipc_client_teardown,
	.call = vexipc_client_call,
	.submit = vexipc_client_submit,
	.reap = vexipc_client_reap,
};

const struct bench_peer bench_vexipc_ring_lib = {
	.name = "vexipc-ring-lib",
	.serve = serve_ring,
	.connect = vexipc_client_connect,
	.teardown = vexipc_client_teardown,
	.call = vexipc_client_call,
	.submit = vexipc_client_submit,
	.reap = vexipc_client_reap,
};
