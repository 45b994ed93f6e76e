// SPDX-License-Identifier: GPL-2.0-only
/*
 * life-library: is what libvexipc promises of its descriptors, and of what no tool
 * asks for, so over the module?
 *
 *   life-library channel TRANSPORT
 *	a message and its answer
 *   life-library client TRANSPORT
 *	the descriptor is readable when a completion is there, and not before; ends
 *	with a request under way
 *   life-library service TRANSPORT
 *	what it was told when it registered; it answers a health check itself, as 42.
 *	Prints how often it is to tell the module of itself, in ms
 *   life-library monitor
 *   life-library telemetry
 *	the descriptor is readable when a service has come, and not before
 *
 * Nobody else may have a service, or anything under way.
 */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include <vexipc/telemetry.h>

#include "life.h"

enum { LONG_MS = 120000, HEALTH = 42 };

static const char id[] = "fellow";

#define must(holds) do {						\
		if (!(holds))						\
			die("life-library: line %d: not so: %s", __LINE__, #holds);	\
	} while (0)

static bool ready(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	must(fd >= 0);
	return poll(&p, 1, timeout_ms) == 1 && p.revents == POLLIN;
}

static struct vexipc_service *fellow(uint32_t transport)
{
	const struct vexipc_service_config config = {
		.id = id, .transport = transport, .max_batch = 4,
	};
	struct vexipc_service *service;
	int err = vexipc_service_open(&config, &service);

	if (err)
		die("no service: %s", life_errno(err));
	return service;
}

/* ----------------------------------------------------------------- channel -- */

static void channel(uint32_t transport)
{
	const struct vexipc_health_check_body body = { .timeout_ms = 0 };
	const struct iovec part = { (void *)(uintptr_t)&body, sizeof(body) };
	struct vexipc_message message;
	struct vexipc_channel *ch;
	unsigned char check[128];
	size_t room = 0;
	void *buf = NULL;
	ssize_t len = vexipc_message_build(check, sizeof(check), VEXIPC_MSG_HEALTH_CHECK, 7, 0,
					   &part, 1);

	must(len > 0 && !vexipc_channel_open(transport, VEXIPC_CHANNEL_ACK, &ch));
	must(vexipc_channel_transport(ch) == transport);
	must(!ready(vexipc_channel_fd(ch), 0));
	must(!vexipc_channel_send(ch, check, (size_t)len));
	must(ready(vexipc_channel_fd(ch), LONG_MS));
	len = vexipc_channel_recv(ch, &buf, &room, LONG_MS);
	must(len > 0 && vexipc_message_parse(buf, (size_t)len, &message) == len);
	must(message.type == VEXIPC_MSG_HEALTH_RESPONSE && message.correlation_id == 7);
	must(!ready(vexipc_channel_fd(ch), 0));
	free(buf);
	vexipc_channel_close(ch);
}

/* ------------------------------------------------------------------ client -- */

static void client(uint32_t transport)
{
	struct vexipc_service *service = fellow(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_client *client = life_client(transport);
	struct vexipc_completion completion = { 0 };
	struct vexipc_request request = { 0 };
	float vector[LIFE_DIMS] = { 1 };
	uint64_t ids[3];
	int fd = vexipc_client_fd(client);

	for (uint32_t i = 0; i < 3; i++) {
		char text[LIFE_TEXT];
		struct vexipc_embed_params params = life_params(text, life_text(text, i));

		must(!ready(fd, 0));
		must(!vexipc_embed_submit(client, &params, &ids[i]));
	}
	for (uint32_t i = 0; i < 2; i++) {
		must(!vexipc_service_next(service, &request, 0, LONG_MS));
		must(!ready(fd, 0) && vexipc_client_next(client, &completion, 0) == -EAGAIN);
		must(!vexipc_service_answer_floats(service, &request, vector, LIFE_DIMS));
		must(ready(fd, LONG_MS));
		must(!vexipc_client_next(client, &completion, LONG_MS));
		must(completion.result.request_id == ids[i] && !completion.result.error);
	}
	must(!ready(fd, 0) && vexipc_client_next(client, &completion, 0) == -EAGAIN);
	vexipc_client_close(client);
	vexipc_completion_free(&completion);
	vexipc_request_free(&request);
	vexipc_service_close(service);
}

/* ----------------------------------------------------------------- service -- */

static void *ping(void *arg)
{
	struct vexipc_client *client = life_client(VEXIPC_TRANSPORT_CHARDEV);
	int err = vexipc_ping(client, id, LONG_MS, arg);

	if (err)
		die("no answer to a ping: %s", life_errno(err));
	vexipc_client_close(client);
	return NULL;
}

static void service(uint32_t transport)
{
	struct vexipc_service *service = fellow(transport);
	struct vexipc_request request = { 0 };
	struct vexipc_health health = { 0 };
	int fd = vexipc_service_fd(service);
	pthread_t thread;

	must(vexipc_service_transport(service) == transport);
	must(vexipc_service_features(service) & VEXIPC_FEATURE_HEALTH);
	must(vexipc_service_features(service) & VEXIPC_FEATURE_BATCH);
	must(!ready(fd, 0));
	must(!pthread_create(&thread, NULL, ping, &health));
	must(ready(fd, LONG_MS));
	must(!vexipc_service_next(service, &request, VEXIPC_NEXT_HEALTH, LONG_MS));
	must(request.type == VEXIPC_MSG_HEALTH_CHECK);
	must(!vexipc_service_answer_health(service, &request, HEALTH));
	pthread_join(thread, NULL);
	must(health.health == HEALTH && health.handle == vexipc_service_handle(service));
	printf("%u\n", vexipc_service_heartbeat_ms(service));
	vexipc_request_free(&request);
	vexipc_service_close(service);
}

/* ------------------------------------------------------ monitor, telemetry -- */

static void monitor(void)
{
	struct vexipc_service *service;
	struct vexipc_monitor *m;
	struct vexipc_event event;

	must(!vexipc_monitor_open(&m));
	must(!ready(vexipc_monitor_fd(m), 0) && vexipc_monitor_next(m, &event, 0) == -EAGAIN);
	service = fellow(VEXIPC_TRANSPORT_CHARDEV);
	must(ready(vexipc_monitor_fd(m), LONG_MS));
	must(!vexipc_monitor_next(m, &event, 0) && event.type == VEXIPC_EVENT_SERVICE);
	must(!strcmp(event.service.id, id) && event.service.state == VEXIPC_STATE_ACTIVE);
	must(vexipc_monitor_next(m, &event, 0) == -EAGAIN && !ready(vexipc_monitor_fd(m), 0));
	vexipc_service_close(service);
	must(ready(vexipc_monitor_fd(m), LONG_MS));
	must(!vexipc_monitor_next(m, &event, 0) && event.service.state == VEXIPC_STATE_GONE);
	vexipc_monitor_close(m);
}

static void telemetry(void)
{
	struct vexipc_telemetry_event event;
	struct vexipc_service *service;
	struct vexipc_telemetry *t;

	must(!vexipc_telemetry_open(&t));
	must(vexipc_telemetry_events_fd(t) == -EBADF);
	must(!vexipc_telemetry_events(t));
	must(!ready(vexipc_telemetry_events_fd(t), 0));
	must(vexipc_telemetry_next(t, &event, 0) == -EAGAIN);
	service = fellow(VEXIPC_TRANSPORT_CHARDEV);
	must(ready(vexipc_telemetry_events_fd(t), LONG_MS));
	must(!vexipc_telemetry_next(t, &event, LONG_MS));
	must(event.kind == VEXIPC_TELEMETRY_REGISTER && !strcmp(event.id, id));
	while (!vexipc_telemetry_next(t, &event, 0))
		;
	must(!ready(vexipc_telemetry_events_fd(t), 0));
	vexipc_service_close(service);
	must(ready(vexipc_telemetry_events_fd(t), LONG_MS));
	do
		must(!vexipc_telemetry_next(t, &event, LONG_MS));
	while (event.kind != VEXIPC_TELEMETRY_UNREGISTER);
	vexipc_telemetry_close(t);
}

int main(int argc, char **argv)
{
	uint32_t transport = argc == 3 ? life_transport(argv[2]) : 0;
	const char *what = argc > 1 ? argv[1] : "";

	if (transport && !strcmp(what, "channel"))
		channel(transport);
	else if (transport && !strcmp(what, "client"))
		client(transport);
	else if (transport && !strcmp(what, "service"))
		service(transport);
	else if (argc == 2 && !strcmp(what, "monitor"))
		monitor();
	else if (argc == 2 && !strcmp(what, "telemetry"))
		telemetry();
	else
		die("usage: life-library channel|client|service TRANSPORT, monitor or telemetry");
	return 0;
}
