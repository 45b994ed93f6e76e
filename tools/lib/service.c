// SPDX-License-Identifier: LGPL-2.1-or-later
/* Services: registering, requests, answers, heartbeats, leaving. */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "service.h"

enum {
	DEFAULT_TIMEOUT_MS = 5000,
	DEFAULT_DRAIN_MS = 10000,
	/* While draining, the module is asked so often whether it is over. */
	DRAIN_POLL_MS = 20,
	/* Messages up to this are built on the stack: any vector there can be. */
	SMALL = VEXIPC_MAX_DIMENSIONS * 4 + 256,
	HEALTHY = 100,
};

/* Correlation ids of what the service itself sends. */
enum {
	CORRELATION_REGISTER = 1,
	CORRELATION_HEARTBEAT,
	CORRELATION_UNREGISTER,
};

static int parse_ack(const struct vexipc_message *message, struct vexipc_ack_body *ack)
{
	if (message->body_len < sizeof(*ack))
		return -EPROTO;
	memcpy(ack, message->body, sizeof(*ack));
	return 0;
}

/* Used by the process so far. */
static uint64_t cpu_ns(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage))
		return 0;
	return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * 1000000000u +
	       ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000u;
}

/* ------------------------------------------------------------ registering -- */

/* What the answer to REGISTER says. */
static int registered(struct vexipc_service *svc, const struct vexipc_message *message)
{
	struct vexipc_ack_body ack;
	int err = parse_ack(message, &ack);

	if (err)
		return err;
	if (message->type == VEXIPC_MSG_NACK) {
		err = vexipc_error_errno(le32toh(ack.error));
		return err ? err : -EPROTO;
	}
	svc->handle = le64toh(ack.handle);
	svc->features = le64toh(ack.features);
	svc->heartbeat_ms = le32toh(ack.heartbeat_ms);
	return 0;
}

/* Keep a message for later, behind those in @list. */
static int keep(struct packet ***list, const void *buf, size_t len)
{
	struct packet *packet = malloc(sizeof(*packet) + len);

	if (!packet)
		return -ENOMEM;
	packet->next = NULL;
	packet->len = packet->total = (uint32_t)len;
	memcpy(packet->data, buf, len);
	**list = packet;
	*list = &packet->next;
	return 0;
}

/* Wait for the answer to REGISTER. Requests may come before it: keep them. */
static int await_registration(struct vexipc_service *svc, int timeout_ms)
{
	uint64_t deadline = deadline_of(timeout_ms);
	struct packet *early = NULL, **end = &early;
	struct vexipc_message message;
	bool answered = false;
	size_t room = 0;
	void *buf = NULL;
	int err = 0;

	while (!err && !answered) {
		ssize_t len = vexipc_channel_recv(svc->ch, &buf, &room, ms_left(deadline));

		if (len == -EINTR)
			continue;
		if (len < 0)
			err = len == -EAGAIN ? -ETIMEDOUT : (int)len;
		else if (vexipc_message_parse(buf, (size_t)len, &message) < 0)
			err = -EPROTO;
		else if (message.type != VEXIPC_MSG_ACK && message.type != VEXIPC_MSG_NACK)
			err = keep(&end, buf, (size_t)len);
		else
			answered = true;
	}
	if (answered)
		err = registered(svc, &message);
	pthread_mutex_lock(&svc->ch->lock);
	while (early) {
		struct packet *packet = early;

		early = packet->next;
		vxi_channel_stash(svc->ch, packet);
	}
	vxi_channel_settle(svc->ch);
	pthread_mutex_unlock(&svc->ch->lock);
	free(buf);
	return err;
}

/* The longest of what it answers to a single request; 0: cannot tell. */
static size_t answer_bytes(const struct vexipc_service_config *config)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < config->dimensions_count; i++)
		if (config->dimensions[i] > most)
			most = config->dimensions[i];
	return most ? most * sizeof(float) + sizeof(struct vexipc_msg_header) +
		      sizeof(struct vexipc_embed_response_body) : 0;
}

/* Open one transport and register through it. */
static int try_transport(struct vexipc_service *svc, const struct vexipc_service_config *config,
			 uint32_t transport)
{
	uint64_t small[512];
	struct out o;
	int err = vxi_channel_open(transport, VEXIPC_CHANNEL_ACK, config->queues,
				   answer_bytes(config), &svc->ch);

	if (err)
		return err;
	vxi_out_begin(&o, small, sizeof(small));
	err = vxi_build_register(&o, config, transport);
	if (!err) {
		out_end(&o, VEXIPC_MSG_REGISTER, CORRELATION_REGISTER, 0);
		err = vexipc_channel_send(svc->ch, o.data, o.len);
	}
	vxi_out_free(&o);
	if (!err)
		err = await_registration(svc, config->timeout_ms ? (int)config->timeout_ms :
					 DEFAULT_TIMEOUT_MS);
	if (!err)
		err = vxi_channel_set_wake(svc->ch, svc->wake_fd);
	if (!err)
		vxi_ring_serving(svc->ch);
	/* From now on it answers, and answers are not acknowledged. */
	svc->ch->flags &= ~VEXIPC_CHANNEL_ACK;
	if (err) {
		vexipc_channel_close(svc->ch);
		svc->ch = NULL;
	}
	return err;
}

/* Is it the way that is at fault, so that another one may work? */
static bool other_may_work(int err)
{
	return err == -ENOENT || err == -EACCES || err == -EOPNOTSUPP;
}

/* The instance's first, then the fastest that works. */
static int register_service(struct vexipc_service *svc,
			    const struct vexipc_service_config *config)
{
	static const uint32_t others[] = {
		VEXIPC_TRANSPORT_RING, VEXIPC_TRANSPORT_NETLINK, VEXIPC_TRANSPORT_CHARDEV,
	};
	uint32_t first = config->transport;
	int err;

	if (first != VEXIPC_TRANSPORT_DEFAULT)
		return try_transport(svc, config, first);
	first = vxi_admin_default_transport();
	err = first ? try_transport(svc, config, first) : -ENOENT;
	for (unsigned int i = 0; i < ARRAY_SIZE(others) && other_may_work(err); i++) {
		int other;

		if (others[i] == first)
			continue;
		other = try_transport(svc, config, others[i]);
		/* Of several reasons, the one that is not just "not there". */
		if (other != -ENOENT)
			err = other;
	}
	return err;
}

int vexipc_service_open(const struct vexipc_service_config *config,
			struct vexipc_service **service)
{
	struct vexipc_service *svc;
	int err;

	if (!config->id || !*config->id || strlen(config->id) > VEXIPC_MAX_NAME)
		return -EINVAL;
	if (config->token_len > VEXIPC_MAX_TOKEN ||
	    config->dimensions_count > VEXIPC_MAX_SERVICE_DIMENSIONS)
		return -EINVAL;
	svc = calloc(1, sizeof(*svc));
	if (!svc)
		return -ENOMEM;
	svc->drain_ms = config->drain_ms ? config->drain_ms : DEFAULT_DRAIN_MS;
	svc->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	svc->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&svc->usage_lock, NULL);
	svc->usage_time = now_ns();
	svc->usage_cpu = cpu_ns();
	err = svc->stop_fd < 0 || svc->wake_fd < 0 ? -errno : register_service(svc, config);
	if (err) {
		vexipc_service_close(svc);
		return err;
	}
	*service = svc;
	return 0;
}

void vexipc_service_close(struct vexipc_service *service)
{
	if (!service)
		return;
	vexipc_channel_close(service->ch);
	if (service->stop_fd >= 0)
		close(service->stop_fd);
	if (service->wake_fd >= 0)
		close(service->wake_fd);
	pthread_mutex_destroy(&service->usage_lock);
	free(service);
}

uint64_t vexipc_service_handle(const struct vexipc_service *service)
{
	return service->handle;
}

uint32_t vexipc_service_transport(const struct vexipc_service *service)
{
	return vexipc_channel_transport(service->ch);
}

uint64_t vexipc_service_features(const struct vexipc_service *service)
{
	return service->features;
}

uint32_t vexipc_service_heartbeat_ms(const struct vexipc_service *service)
{
	return service->heartbeat_ms;
}

struct vexipc_channel *vexipc_service_channel(struct vexipc_service *service)
{
	return service->ch;
}

int vexipc_service_fd(const struct vexipc_service *service)
{
	return vexipc_channel_fd(service->ch);
}

/* --------------------------------------------------------------- requests -- */

void vxi_service_wake(struct vexipc_service *svc)
{
	static const uint64_t one = 1;

	while (write(svc->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	vxi_ring_stop(svc->ch, true);
}

static void service_gone(struct vexipc_service *svc)
{
	atomic_store(&svc->gone, true);
	vxi_service_wake(svc);
}

/* An ACK or NACK: of a heartbeat, or of leaving. */
static void take_ack(struct vexipc_service *svc, const struct vexipc_message *message)
{
	struct vexipc_ack_body ack;
	uint32_t type, error;

	if (parse_ack(message, &ack))
		return;
	type = le32toh(ack.type);
	error = le32toh(ack.error);
	if (type == VEXIPC_MSG_UNREGISTER)
		atomic_store(&svc->failed_over, le32toh(ack.failed_over));
	/*
	 * Unregistering is over when it is acknowledged; draining, when the
	 * module does not know the service any more.
	 */
	if (type == VEXIPC_MSG_UNREGISTER && !error && !atomic_load(&svc->draining))
		service_gone(svc);
	if (error == VEXIPC_ERR_NO_SUCH_SERVICE || error == VEXIPC_ERR_SHUTTING_DOWN ||
	    (error && atomic_load(&svc->draining)))
		service_gone(svc);
}

static int health_answer(struct vexipc_service *svc, uint64_t correlation, uint32_t health)
{
	struct vexipc_health_response_body body = {
		.handle = htole64(svc->handle),
		.health = htole32(health),
		.in_flight = htole32(atomic_load(&svc->in_flight)),
		.queue_depth = htole32(vxi_channel_waiting(svc->ch)),
	};
	const struct iovec part = { &body, sizeof(body) };
	uint64_t buf[16];
	ssize_t len = vexipc_message_build(buf, sizeof(buf), VEXIPC_MSG_HEALTH_RESPONSE,
					   correlation, 0, &part, 1);

	return vexipc_channel_send(svc->ch, buf, (size_t)len);
}

/* A message; whether it is for the caller: 1, 0, or a negative errno. */
static int take(struct vexipc_service *svc, struct vexipc_request *request, size_t len,
		uint32_t flags)
{
	struct vexipc_message message;
	int err;

	/* What the module sends is well-formed; anything else is not for us. */
	if (vexipc_message_parse(request->buf, len, &message) < 0)
		return 0;
	switch (message.type) {
	case VEXIPC_MSG_ACK:
	case VEXIPC_MSG_NACK:
		take_ack(svc, &message);
		return 0;
	case VEXIPC_MSG_HEALTH_CHECK:
		if (!(flags & VEXIPC_NEXT_HEALTH)) {
			err = health_answer(svc, message.correlation_id, HEALTHY);
			/* It may be too late for it; that is no matter here. */
			return err == -EPIPE || err == -ESHUTDOWN ? err : 0;
		}
		break;
	case VEXIPC_MSG_EMBED_REQUEST:
	case VEXIPC_MSG_BATCH_REQUEST:
		break;
	default:
		return 0;
	}
	if (vxi_parse_request(&message, request))
		return 0;
	request->open = true;
	atomic_fetch_add(&svc->in_flight, message.type != VEXIPC_MSG_HEALTH_CHECK);
	return 1;
}

int vexipc_service_next(struct vexipc_service *service, struct vexipc_request *request,
			uint32_t flags, int timeout_ms)
{
	uint64_t deadline = deadline_of(timeout_ms);

	for (;;) {
		int left = timeout_ms < 0 ? -1 : ms_left(deadline);
		bool draining = atomic_load(&service->draining);
		ssize_t len;
		int err;

		if (atomic_load(&service->gone))
			return -ESHUTDOWN;
		if (atomic_load(&service->stopped))
			return -ECANCELED;
		if (draining && (left < 0 || left > DRAIN_POLL_MS))
			left = DRAIN_POLL_MS;
		len = vexipc_channel_recv(service->ch, &request->buf, &request->room, left);
		if (len >= 0) {
			err = take(service, request, (size_t)len, flags);
			if (err)
				return err > 0 ? 0 : err;
			continue;
		}
		if (len == -ECANCELED && atomic_load(&service->gone))
			return -ESHUTDOWN;
		if (len != -EAGAIN)
			return (int)len;
		if (draining && !atomic_load(&service->gone))
			vexipc_service_heartbeat(service);
		if (timeout_ms >= 0 && !ms_left(deadline))
			return -EAGAIN;
	}
}

/* ---------------------------------------------------------------- answers -- */

/* In its slot, if it has one; else where the caller has room. */
static void begin(struct vexipc_service *svc, const struct vexipc_request *request, struct out *o,
		  void *small, size_t room)
{
	struct vexipc_channel *ch = svc->ch;
	void *slot = ch->ops->reserve && request->open ?
		     ch->ops->reserve(ch, request->correlation_id, &room) : NULL;

	vxi_out_begin(o, slot ? slot : small, room);
	o->in_slot = slot;
}

static int finish(struct vexipc_service *svc, struct vexipc_request *request, struct out *o,
		  uint32_t type, int err)
{
	if (!err) {
		out_end(o, type, request->correlation_id,
			o->in_slot ? VEXIPC_MSGF_UNSUMMED : 0);
		err = vexipc_channel_send(svc->ch, o->data, o->len);
	}
	vxi_out_free(o);
	if (request->open && request->type != VEXIPC_MSG_HEALTH_CHECK)
		atomic_fetch_sub(&svc->in_flight, 1);
	request->open = false;
	return err;
}

int vexipc_service_answer(struct vexipc_service *service, struct vexipc_request *request,
			  const struct vexipc_vector *vector)
{
	struct vexipc_embed_response_body body = {
		.dimensions = htole32(vector->dimensions),
		.data_type = htole32(vector->data_type),
		.scale = htole32(bits_of(vector->scale)),
		.vector_bytes = htole32((uint32_t)vector->bytes),
	};
	uint64_t small[SMALL / 8];
	struct out o;
	int err;

	if (vector->error)
		return vexipc_service_fail(service, request, vector->error, 0, 0, NULL);
	if (request->type != VEXIPC_MSG_EMBED_REQUEST)
		return -EINVAL;
	begin(service, request, &o, small, sizeof(small));
	err = vxi_out_put(&o, &body, sizeof(body));
	if (!err)
		err = vxi_out_put(&o, vector->data, vector->bytes);
	return finish(service, request, &o, VEXIPC_MSG_EMBED_RESPONSE, err);
}

int vexipc_service_answer_floats(struct vexipc_service *service, struct vexipc_request *request,
				 const float *vector, uint32_t dimensions)
{
	uint64_t room[VEXIPC_MAX_DIMENSIONS / 2];
	struct vexipc_vector encoded = {
		.data = room,
		.dimensions = dimensions,
		.data_type = request->data_type,
	};
	ssize_t len = vexipc_vector_encode(request->data_type, vector, dimensions, room,
					   sizeof(room), &encoded.scale);

	if (len < 0)
		return (int)len;
	encoded.bytes = (size_t)len;
	return vexipc_service_answer(service, request, &encoded);
}

int vexipc_service_answer_batch(struct vexipc_service *service, struct vexipc_request *request,
				const struct vexipc_vector *vectors)
{
	struct vexipc_batch_response_body body = { .count = htole32(request->count) };
	uint64_t small[SMALL / 8];
	struct out o;
	int err;

	begin(service, request, &o, small, sizeof(small));
	err = vxi_out_put(&o, &body, sizeof(body));
	for (uint32_t i = 0; !err && i < request->count; i++) {
		const struct vexipc_vector *v = &vectors[i];
		struct vexipc_batch_result result = { .error = htole32(v->error) };

		if (v->error) {
			result.kind = htole32(v->kind);
		} else {
			result.dimensions = htole32(v->dimensions);
			result.data_type = htole32(v->data_type);
			result.scale = htole32(bits_of(v->scale));
			result.vector_bytes = htole32((uint32_t)v->bytes);
		}
		err = vxi_out_put(&o, &result, sizeof(result));
		if (!err && !v->error)
			err = vxi_out_put(&o, v->data, v->bytes);
	}
	return finish(service, request, &o, VEXIPC_MSG_BATCH_RESPONSE, err);
}

/* As much of a text as an error may hold, not cut inside a character. */
static size_t text_len(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len <= VEXIPC_MAX_ERROR_TEXT)
		return len;
	len = VEXIPC_MAX_ERROR_TEXT;
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

int vexipc_service_fail(struct vexipc_service *service, struct vexipc_request *request,
			uint32_t error, uint32_t kind, uint32_t retry_after_ms, const char *text)
{
	size_t len = text_len(text);
	struct vexipc_error_body body = {
		.service_handle = htole64(service->handle),
		.error = htole32(error),
		.kind = htole32(kind),
		.retry_after_ms = htole32(retry_after_ms),
		.text_len = htole32((uint32_t)len),
	};
	uint64_t small[64];
	struct out o;
	int err;

	begin(service, request, &o, small, sizeof(small));
	err = vxi_out_put(&o, &body, sizeof(body));
	if (!err)
		err = vxi_out_put(&o, text, len);
	return finish(service, request, &o, VEXIPC_MSG_ERROR, err);
}

int vexipc_service_answer_health(struct vexipc_service *service, struct vexipc_request *request,
				 uint32_t health)
{
	request->open = false;
	return health_answer(service, request->correlation_id, health);
}

/* ----------------------------------------------------- heartbeats, leaving -- */

/* Resident bytes; getrusage() has only the most there ever were. */
static uint64_t memory_bytes(void)
{
	unsigned long long resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%*s %llu", &resident) != 1)
		resident = 0;
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint32_t cpu_permille(struct vexipc_service *svc)
{
	uint64_t cpu = cpu_ns(), time = now_ns(), used, passed;

	pthread_mutex_lock(&svc->usage_lock);
	used = cpu - svc->usage_cpu;
	passed = time - svc->usage_time;
	/* Too little to divide by: what it was. */
	if (passed >= 1000000u) {
		svc->usage_permille = (uint32_t)(used * 1000 / passed);
		svc->usage_cpu = cpu;
		svc->usage_time = time;
	}
	used = svc->usage_permille;
	pthread_mutex_unlock(&svc->usage_lock);
	return (uint32_t)used;
}

int vexipc_service_heartbeat(struct vexipc_service *service)
{
	struct vexipc_heartbeat_body body = {
		.memory_bytes = htole64(memory_bytes()),
		.cpu_permille = htole32(cpu_permille(service)),
		.in_flight = htole32(atomic_load(&service->in_flight)),
		.queue_depth = htole32(vxi_channel_waiting(service->ch)),
	};
	const struct iovec part = { &body, sizeof(body) };
	uint64_t buf[16];
	ssize_t len = vexipc_message_build(buf, sizeof(buf), VEXIPC_MSG_HEARTBEAT,
					   CORRELATION_HEARTBEAT, 0, &part, 1);

	return vexipc_channel_send(service->ch, buf, (size_t)len);
}

static int send_unregister(struct vexipc_service *svc, uint32_t flags)
{
	struct vexipc_unregister_body body = { .flags = htole32(flags) };
	const struct iovec part = { &body, sizeof(body) };
	uint64_t buf[16];
	ssize_t len = vexipc_message_build(buf, sizeof(buf), VEXIPC_MSG_UNREGISTER,
					   CORRELATION_UNREGISTER, 0, &part, 1);

	return vexipc_channel_send(svc->ch, buf, (size_t)len);
}

int vexipc_service_drain(struct vexipc_service *service)
{
	if (atomic_load(&service->gone))
		return 0;
	/*
	 * The answer to this wakes one of those in vexipc_service_next(), which
	 * from then on asks whether it is over and wakes the others when it is.
	 */
	atomic_store(&service->draining, true);
	return send_unregister(service, VEXIPC_UNREGISTER_DRAIN);
}

int vexipc_service_unregister(struct vexipc_service *service)
{
	struct vexipc_request request = { 0 };
	uint64_t ignored;
	int err = 0;

	if (!atomic_load(&service->gone)) {
		/* Whatever made next() return must not do so again. */
		while (read(service->wake_fd, &ignored, sizeof(ignored)) > 0)
			;
		vxi_ring_stop(service->ch, false);
		atomic_store(&service->stopped, false);
		atomic_store(&service->draining, false);
		err = send_unregister(service, 0);
	}
	while (!err)
		err = vexipc_service_next(service, &request, 0, DEFAULT_TIMEOUT_MS);
	vexipc_request_free(&request);
	if (err == -ESHUTDOWN)
		return (int)atomic_load(&service->failed_over);
	return err == -EAGAIN ? -ETIMEDOUT : err;
}
