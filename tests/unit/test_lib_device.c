// SPDX-License-Identifier: GPL-2.0-only
/*
 * libvexipc over a device that a socket pair stands for: what is written at one end is
 * one read() at the other, and an ioctl is answered here. Takes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "../../tools/lib/client.h"
#include "../../tools/lib/service.h"

static int played_open(const char *path, int flags);
static int played_ioctl(int fd, unsigned long request, ...);

#define open(...) played_open(__VA_ARGS__)
#define ioctl(...) played_ioctl(__VA_ARGS__)
#include "../../tools/lib/channel_chardev.c"
#include "../../tools/lib/client.c"
#undef ioctl
#undef open
#include "tap.h"

enum { HANDLE = 0x77, FEATURES = VEXIPC_FEATURE_HEALTH | VEXIPC_FEATURE_BATCH };

static int device = -1;			/* the module's end */
static int next_end = -1;		/* what open() gives next */
static struct vexipc_embed asked;	/* by the last ioctl */

static int played_open(const char *path, int flags)
{
	if (strcmp(path, VEXIPC_DEVICE) || !(flags & O_NONBLOCK))
		tap_bail("it opens %s", path);
	return next_end;
}

static int played_ioctl(int fd, unsigned long request, ...)
{
	struct vexipc_embed *arg;
	va_list args;

	(void)fd;
	va_start(args, request);
	arg = va_arg(args, struct vexipc_embed *);
	va_end(args);
	if (request != VEXIPC_IOC_EMBED)
		tap_bail("no such ioctl");
	if (arg->request_id == 0)
		arg->request_id = 500;
	asked = *arg;
	return 0;
}

static void plug(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) ||
	    fcntl(fds[0], F_SETFL, O_NONBLOCK))
		tap_bail("no sockets");
	next_end = fds[0];
	device = fds[1];
}

static void unplug(void)
{
	close(device);
	device = -1;
}

static bool readable(int fd)
{
	return poll(&(struct pollfd) { .fd = fd, .events = POLLIN }, 1, 0) == 1;
}

/* One message of the module's, behind what is in @buf. */
static size_t add(unsigned char *buf, size_t room, uint32_t type, uint64_t correlation,
		  const void *body, size_t body_len)
{
	const struct iovec part = { (void *)(uintptr_t)body, body_len };
	ssize_t len = vexipc_message_build(buf, room, type, correlation, 0, &part, 1);

	if (len < 0)
		tap_bail("no room for a message");
	return (size_t)len;
}

static void give(const void *buf, size_t len)
{
	if (write(device, buf, len) != (ssize_t)len)
		tap_bail("cannot write");
}

/* What the library has sent: its type, and its body in @body. */
static uint32_t sent(struct vexipc_message *message, void *body, size_t room)
{
	static unsigned char buf[4096];
	ssize_t len = recv(device, buf, sizeof(buf), MSG_DONTWAIT);

	if (len < 0 || vexipc_message_parse(buf, (size_t)len, message) != len ||
	    message->body_len < room)
		return 0;
	memcpy(body, message->body, room);
	return message->type;
}

/* ----------------------------------------------------------------- channel -- */

static void test_channel(void)
{
	struct vexipc_channel *channel = NULL;
	unsigned char buf[64];
	int end;

	tap_ok(vexipc_channel_open(0, ~VEXIPC_CHANNEL_ACK, &channel) == -EINVAL &&
	       vexipc_channel_open(99, 0, &channel) == -EOPNOTSUPP && !channel,
	       "unknown flags are EINVAL, another transport is EOPNOTSUPP");
	plug();
	end = next_end;
	if (vexipc_channel_open(VEXIPC_TRANSPORT_DEFAULT, VEXIPC_CHANNEL_ACK, &channel))
		tap_bail("no channel");
	tap_ok(vexipc_channel_transport(channel) == VEXIPC_TRANSPORT_CHARDEV,
	       "by default a channel is the device");
	tap_ok(!readable(vexipc_channel_fd(channel)), "nothing there, it is not readable");
	give(buf, add(buf, sizeof(buf), VEXIPC_MSG_ACK, 1, NULL, 0));
	tap_ok(readable(vexipc_channel_fd(channel)), "something there, it is");
	vexipc_channel_close(channel);
	tap_ok(fcntl(end, F_GETFD) < 0 && errno == EBADF, "closing it closes the device");
	vexipc_channel_close(NULL);
	unplug();
}

/* ------------------------------------------------------------------ client -- */

static size_t add_answer(unsigned char *buf, size_t room, uint64_t id)
{
	struct {
		struct vexipc_embed_response_body body;
		float vector[2];
	} answer = {
		.body = {
			.request_id = htole64(id), .service_handle = htole64(HANDLE),
			.attempts = htole32(1), .dimensions = htole32(2),
			.vector_bytes = htole32(sizeof(answer.vector)),
		},
		.vector = { (float)id, 1 },
	};

	return add(buf, room, VEXIPC_MSG_EMBED_RESPONSE, id, &answer,
		   sizeof(answer.body) + sizeof(answer.vector));
}

/* The request whose completion is the next, or a negative errno. */
static int64_t next(struct vexipc_client *client, struct vexipc_completion *completion)
{
	int err = vexipc_client_next(client, completion, 0);

	return err ? err : (int64_t)completion->result.request_id;
}

static void test_client(void)
{
	struct vexipc_embed_params params = VEXIPC_EMBED_PARAMS_INIT;
	struct vexipc_completion completion = { 0 };
	struct vexipc_client *client;
	unsigned char buf[1024];
	uint64_t ids[3];
	size_t len = 0;
	bool each = true;
	int fd;

	plug();
	if (vexipc_client_open(VEXIPC_TRANSPORT_DEFAULT, &client))
		tap_bail("no client");
	fd = vexipc_client_fd(client);
	params.content = "text";
	params.content_len = 4;
	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++) {
		params.request_id = 10 + i;
		if (vexipc_embed_submit(client, &params, &ids[i]))
			tap_bail("a request is refused");
		len += add_answer(buf + len, sizeof(buf) - len, ids[i]);
	}
	tap_ok(!readable(fd) && next(client, &completion) == -EAGAIN,
	       "requests under way do not make a client readable");
	give(buf, len);
	for (int64_t id = 10; id < 13; id++)
		each &= readable(fd) && next(client, &completion) == id;
	tap_ok(each, "completions that come in one read make it readable, each");
	tap_ok(!readable(fd) && next(client, &completion) == -EAGAIN,
	       "the last one taken, it is not");
	vexipc_completion_free(&completion);
	vexipc_client_close(client);
	unplug();
}

/* A module that is asked for its health, and has completions to tell first. */
static void *answer_ping(void *arg)
{
	const struct vexipc_health_response_body health = { .health = htole32(100) };
	struct vexipc_health_check_body asked_for;
	struct vexipc_message message;
	unsigned char buf[1024];
	size_t len = 0;

	(void)arg;
	while (!sent(&message, &asked_for, sizeof(asked_for)))
		poll(&(struct pollfd) { .fd = device, .events = POLLIN }, 1, -1);
	len += add_answer(buf, sizeof(buf), 20);
	len += add_answer(buf + len, sizeof(buf) - len, 21);
	len += add(buf + len, sizeof(buf) - len, VEXIPC_MSG_HEALTH_RESPONSE,
		   message.correlation_id, &health, sizeof(health));
	give(buf, len);
	return NULL;
}

/* What a thread reads that waits for something else is not lost to who polls. */
static void test_others(void)
{
	struct vexipc_completion completion = { 0 };
	struct vexipc_health health = { 0 };
	struct vexipc_client *client;
	pthread_t thread;
	int fd;

	plug();
	if (vexipc_client_open(VEXIPC_TRANSPORT_CHARDEV, &client) ||
	    pthread_create(&thread, NULL, answer_ping, NULL))
		tap_bail("no client");
	fd = vexipc_client_fd(client);
	if (vexipc_ping(client, NULL, 60000, &health) || health.health != 100)
		tap_bail("no health");
	pthread_join(thread, NULL);
	tap_ok(readable(fd) && next(client, &completion) == 20 &&
	       readable(fd) && next(client, &completion) == 21 && !readable(fd),
	       "completions read by who waited for its own make the client readable until taken");
	vexipc_completion_free(&completion);
	vexipc_client_close(client);
	unplug();
}

static void test_embed_text(void)
{
	struct vexipc_result result = { 0 };
	struct vexipc_client *client;

	plug();
	if (vexipc_client_open(VEXIPC_TRANSPORT_DEFAULT, &client))
		tap_bail("no client");
	tap_ok(!vexipc_embed_text(client, "four", &result) && result.request_id == 500 &&
	       asked.data_size == 4 && !memcmp((void *)(uintptr_t)asked.data_ptr, "four", 4) &&
	       asked.priority == VEXIPC_PRIORITY_NORMAL && !asked.dimensions && !asked.model_len &&
	       !asked.timeout_ms && asked.result_size >= VEXIPC_MAX_DIMENSIONS * sizeof(float),
	       "vexipc_embed_text() asks with the defaults, and room for any vector");
	vexipc_result_free(&result);
	vexipc_client_close(client);
	unplug();
}

/* ----------------------------------------------------------------- service -- */

static struct vexipc_service *registered_service(void)
{
	const struct vexipc_service_config config = {
		.id = "played", .transport = VEXIPC_TRANSPORT_CHARDEV,
	};
	const struct vexipc_ack_body ack = {
		.type = htole32(VEXIPC_MSG_REGISTER), .handle = htole64(HANDLE),
		.features = htole64(FEATURES), .heartbeat_ms = htole32(2500),
	};
	struct vexipc_register_body body;
	struct vexipc_service *service;
	struct vexipc_message message;
	unsigned char buf[256];

	plug();
	give(buf, add(buf, sizeof(buf), VEXIPC_MSG_ACK, 1, &ack, sizeof(ack)));
	if (vexipc_service_open(&config, &service) ||
	    sent(&message, &body, sizeof(body)) != VEXIPC_MSG_REGISTER)
		tap_bail("no service");
	return service;
}

static void check_health(uint64_t correlation)
{
	const struct vexipc_health_check_body check = { .timeout_ms = htole32(1000) };
	unsigned char buf[128];

	give(buf, add(buf, sizeof(buf), VEXIPC_MSG_HEALTH_CHECK, correlation, &check,
		      sizeof(check)));
}

static void give_request(uint64_t correlation)
{
	struct {
		struct vexipc_embed_request_body body;
		char text[4];
	} request = { .body.content_len = htole32(4), .text = "text" };
	unsigned char buf[256];

	give(buf, add(buf, sizeof(buf), VEXIPC_MSG_EMBED_REQUEST, correlation, &request,
		      sizeof(request.body) + 4));
}

static void test_registered(void)
{
	struct vexipc_service *service = registered_service();

	tap_ok(vexipc_service_handle(service) == HANDLE &&
	       vexipc_service_features(service) == FEATURES &&
	       vexipc_service_heartbeat_ms(service) == 2500 &&
	       vexipc_service_transport(service) == VEXIPC_TRANSPORT_CHARDEV,
	       "handle, features and heartbeat are those that the module named");
	vexipc_service_close(service);
	unplug();
}

static void test_health(void)
{
	struct vexipc_service *service = registered_service();
	struct vexipc_request request = { 0 }, work = { 0 };
	struct vexipc_health_response_body body = { 0 };
	struct vexipc_message message;
	int fd = vexipc_service_fd(service);

	tap_ok(!readable(fd), "a service with nothing to do is not readable");
	check_health(31);
	tap_ok(readable(fd) && vexipc_service_next(service, &request, 0, 0) == -EAGAIN &&
	       sent(&message, &body, sizeof(body)) == VEXIPC_MSG_HEALTH_RESPONSE &&
	       message.correlation_id == 31 && le32toh(body.health) == 100 && !readable(fd),
	       "a health check nobody asks for is answered: well");
	check_health(32);
	tap_ok(!vexipc_service_next(service, &request, VEXIPC_NEXT_HEALTH, 0) &&
	       request.type == VEXIPC_MSG_HEALTH_CHECK && !sent(&message, &body, sizeof(body)),
	       "one that is asked for is handed out, and not answered");
	give_request(33);
	if (vexipc_service_next(service, &work, VEXIPC_NEXT_HEALTH, 0))
		tap_bail("no request");
	tap_ok(!vexipc_service_answer_health(service, &request, 42) &&
	       sent(&message, &body, sizeof(body)) == VEXIPC_MSG_HEALTH_RESPONSE &&
	       message.correlation_id == 32 && le64toh(body.handle) == HANDLE &&
	       le32toh(body.health) == 42 && le32toh(body.in_flight) == 1,
	       "vexipc_service_answer_health() answers it, and tells the requests in hand");
	vexipc_request_free(&request);
	vexipc_request_free(&work);
	vexipc_service_close(service);
	unplug();
}

int main(void)
{
	test_channel();
	test_client();
	test_others();
	test_embed_text();
	test_registered();
	test_health();
	return tap_done();
}
