// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Clients: requests and batches, blocking or not, cancel, ping. A blocking
 * request through the device is one ioctl; all else is messages.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "client.h"

enum {
	/* Any vector there can be. */
	MOST_VECTOR = VEXIPC_MAX_DIMENSIONS * 4,
	DEFAULT_PING_MS = 5000,
	/* How much longer than the module the library waits for an answer. */
	GRACE_MS = 2000,
	/* Requests without much text are built on the stack. */
	SMALL = 8192,
};

/* The result of a request that was refused before it became one. */
static int refused(struct vexipc_result *result, int err)
{
	if (err)
		result->error = vexipc_error_from_errno(err);
	return err;
}

static void result_clear(struct vexipc_result *result)
{
	void *vector = result->vector;
	size_t room = result->room;

	*result = (struct vexipc_result) { .vector = vector, .room = room };
}

static uint64_t id_of(struct vexipc_client *client, const struct vexipc_embed_params *params)
{
	return params->request_id ? params->request_id : vxi_client_id(client);
}

static int completion_of(const struct wait *w, struct vexipc_completion *completion)
{
	struct vexipc_message message;
	ssize_t len = vexipc_message_parse(w->buf, w->len, &message);

	return len < 0 ? (int)len : vxi_parse_completion(&message, completion);
}

int vexipc_client_wait_room(struct vexipc_client *client, int timeout_ms)
{
	struct pollfd p = { .fd = client->ch->fd, .events = POLLOUT };
	int n;

	/* Nothing tells of room through a socket, and nobody is asked to wait for it. */
	if (client->ch->ops->transport != VEXIPC_TRANSPORT_CHARDEV)
		return -EAGAIN;
	n = poll(&p, 1, timeout_ms);
	return n > 0 ? 0 : n ? -errno : -EAGAIN;
}

/* Send a request and wait for its completion; a signal cancels it. */
int vxi_client_transact(struct vexipc_client *client, const struct out *o, uint64_t id,
			struct vexipc_completion *completion)
{
	struct wait w = { .kind = WAIT_REQUEST, .key = id };
	int err;

	vxi_client_add_wait(client, &w);
	for (;;) {
		err = vexipc_channel_send(client->ch, o->data, o->len);
		if (err != -EAGAIN)
			break;
		err = vexipc_client_wait_room(client, -1);
		if (err)
			break;
	}
	if (!err)
		err = vxi_client_wait(client, &w, -1);
	if (err == -EINTR) {
		/*
		 * Cancelled or just completed, its completion comes still, and
		 * must not be taken for another's.
		 */
		client->ch->ops->cancel(client->ch, id);
		while (vxi_client_wait(client, &w, GRACE_MS) == -EINTR)
			;
	}
	vxi_client_remove_wait(client, &w);
	if (w.done && err != -EINTR)
		err = completion_of(&w, completion);
	free(w.buf);
	refused(&completion->result, err);
	return err ? err : vexipc_error_errno(completion->result.error);
}

static size_t length_of(const char *s)
{
	return s ? strlen(s) : 0;
}

static uint64_t address_of(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int embed_arg(const struct vexipc_embed_params *params, struct vexipc_embed *arg)
{
	if (params->content_len > UINT32_MAX)
		return -EMSGSIZE;
	*arg = (struct vexipc_embed) {
		.request_id = params->request_id,
		.data_ptr = address_of(params->content),
		.model_ptr = address_of(params->model),
		.service_ptr = address_of(params->service),
		.session = params->session,
		.data_size = (uint32_t)params->content_len,
		.model_len = (uint32_t)length_of(params->model),
		.service_len = (uint32_t)length_of(params->service),
		.dimensions = params->dimensions,
		.data_type = params->data_type,
		.content_type = params->content_type,
		.priority = params->priority,
		.timeout_ms = params->timeout_ms,
		.algorithm = params->algorithm,
		.flags = params->flags,
	};
	return 0;
}

static int embed_ioctl(struct vexipc_client *client, const struct vexipc_embed_params *params,
		       struct vexipc_result *result)
{
	size_t most = params->dimensions ?
		      vexipc_vector_bytes(params->data_type, params->dimensions) : MOST_VECTOR;
	struct vexipc_embed arg;
	int err = embed_arg(params, &arg);

	if (!err)
		err = vxi_grow(&result->vector, &result->room, most ? most : MOST_VECTOR);
	if (err)
		return refused(result, err);
	arg.result_ptr = address_of(result->vector);
	arg.result_size = result->room > UINT32_MAX ? UINT32_MAX : (uint32_t)result->room;
	arg.error_text_ptr = address_of(result->text);
	arg.error_text_size = sizeof(result->text) - 1;
	if (ioctl(client->ch->fd, VEXIPC_IOC_EMBED, &arg) < 0)
		err = -errno;
	result->request_id = arg.request_id;
	result->service_handle = arg.service_handle;
	result->queue_ns = arg.queue_ns;
	result->service_ns = arg.service_ns;
	result->retry_after_ms = arg.retry_after_ms;
	result->kind = arg.error_kind;
	result->attempts = arg.attempts;
	result->flags = arg.result_flags;
	result->error = arg.status;
	if (err && !result->error)
		return refused(result, err);
	if (!err && !result->error) {
		result->dimensions = arg.dimensions;
		result->data_type = params->data_type;
		result->scale = float_of(arg.scale);
		result->vector_bytes = arg.vector_bytes;
	}
	return err ? err : vexipc_error_errno(result->error);
}

int vexipc_embed(struct vexipc_client *client, const struct vexipc_embed_params *params,
		 struct vexipc_result *result)
{
	struct vexipc_completion completion = { 0 };
	uint64_t small[SMALL / 8];
	struct out o;
	uint64_t id;
	int err;

	result_clear(result);
	if (client->ch->ops->transport == VEXIPC_TRANSPORT_CHARDEV)
		return embed_ioctl(client, params, result);

	id = id_of(client, params);
	vxi_out_begin(&o, small, sizeof(small));
	err = vxi_build_embed(&o, params, id);
	if (err) {
		refused(result, err);
	} else {
		completion.result = *result;
		err = vxi_client_transact(client, &o, id, &completion);
		*result = completion.result;
		completion.result = (struct vexipc_result) { 0 };
		vexipc_completion_free(&completion);
	}
	result->request_id = id;
	vxi_out_free(&o);
	return err;
}

int vexipc_embed_text(struct vexipc_client *client, const char *text,
		      struct vexipc_result *result)
{
	struct vexipc_embed_params params = VEXIPC_EMBED_PARAMS_INIT;

	params.content = text;
	params.content_len = strlen(text);
	return vexipc_embed(client, &params, result);
}

int vexipc_embed_submit(struct vexipc_client *client, const struct vexipc_embed_params *params,
			uint64_t *request_id)
{
	uint64_t small[SMALL / 8];
	struct vexipc_embed arg;
	struct out o;
	int err;

	if (client->ch->ops->transport == VEXIPC_TRANSPORT_CHARDEV) {
		err = embed_arg(params, &arg);
		if (err)
			return err;
		err = ioctl(client->ch->fd, VEXIPC_IOC_EMBED, &arg) < 0 ? -errno : 0;
		client->retry_after_ms = err ? arg.retry_after_ms : 0;
		if (err)
			return err;
		*request_id = arg.request_id;
		return 0;
	}
	*request_id = id_of(client, params);
	vxi_out_begin(&o, small, sizeof(small));
	err = vxi_build_embed(&o, params, *request_id);
	if (!err)
		err = vexipc_channel_send(client->ch, o.data, o.len);
	vxi_out_free(&o);
	return err;
}

uint32_t vexipc_client_retry_after_ms(const struct vexipc_client *client)
{
	return client->retry_after_ms;
}

int vexipc_batch_submit(struct vexipc_client *client, const struct vexipc_embed_params *params,
			const struct iovec *items, uint32_t count, uint64_t *request_id)
{
	uint64_t small[SMALL / 8];
	struct out o;
	int err;

	*request_id = id_of(client, params);
	vxi_out_begin(&o, small, sizeof(small));
	err = vxi_build_batch(&o, params, items, count, *request_id);
	if (!err)
		err = vexipc_channel_send(client->ch, o.data, o.len);
	vxi_out_free(&o);
	return err;
}

int vexipc_client_next(struct vexipc_client *client, struct vexipc_completion *completion,
		       int timeout_ms)
{
	struct wait w = { .kind = WAIT_ANY };
	int err;

	vxi_client_add_wait(client, &w);
	err = vxi_client_wait(client, &w, timeout_ms);
	vxi_client_remove_wait(client, &w);
	/* It may have come between the two. */
	if (w.done)
		err = completion_of(&w, completion);
	free(w.buf);
	return err;
}

int vexipc_client_cancel(struct vexipc_client *client, uint64_t request_id)
{
	return client->ch->ops->cancel(client->ch, request_id);
}

/* ------------------------------------------------------------------ ping -- */

static int parse_health(const struct wait *w, struct vexipc_health *health)
{
	struct vexipc_completion completion = { 0 };
	struct vexipc_health_response_body body;
	struct vexipc_message message;
	ssize_t len = vexipc_message_parse(w->buf, w->len, &message);
	int err;

	if (len < 0)
		return (int)len;
	if (message.type == VEXIPC_MSG_HEALTH_RESPONSE && message.body_len >= sizeof(body)) {
		memcpy(&body, message.body, sizeof(body));
		*health = (struct vexipc_health) {
			.handle = le64toh(body.handle),
			.round_trip_ns = le64toh(body.round_trip_ns),
			.health = le32toh(body.health),
			.in_flight = le32toh(body.in_flight),
			.queue_depth = le32toh(body.queue_depth),
			.services = le32toh(body.services),
		};
		return 0;
	}
	if (message.type == VEXIPC_MSG_NACK && message.body_len >= sizeof(struct vexipc_ack_body))
		return vexipc_error_errno(get_le32((const char *)message.body +
					  offsetof(struct vexipc_ack_body, error)));
	err = vxi_parse_completion(&message, &completion);
	return err ? err : vexipc_error_errno(completion.result.error);
}

int vexipc_ping(struct vexipc_client *client, const char *service, uint32_t timeout_ms,
		struct vexipc_health *health)
{
	struct wait w = { .kind = WAIT_ANSWER, .key = vxi_client_id(client) };
	struct vexipc_health_check_body body = {
		.timeout_ms = htole32(timeout_ms),
		.id_len = htole32((uint32_t)length_of(service)),
	};
	const struct iovec parts[] = {
		{ &body, sizeof(body) },
		{ (void *)(uintptr_t)service, length_of(service) },
	};
	uint64_t buf[64];
	ssize_t len;
	int err;

	len = vexipc_message_build(buf, sizeof(buf), VEXIPC_MSG_HEALTH_CHECK, w.key, 0,
				   parts, ARRAY_SIZE(parts));
	if (len < 0)
		return -ENOENT;		/* no id is that long */
	if (timeout_ms > VEXIPC_MAX_TIMEOUT_MS)
		return -EINVAL;
	vxi_client_add_wait(client, &w);
	err = vexipc_channel_send(client->ch, buf, (size_t)len);
	if (!err)
		err = vxi_client_wait(client, &w,
				      (int)(timeout_ms ? timeout_ms : DEFAULT_PING_MS) + GRACE_MS);
	vxi_client_remove_wait(client, &w);
	if (err == -EAGAIN)
		err = -ETIMEDOUT;
	if (w.done)
		err = parse_health(&w, health);
	free(w.buf);
	return err;
}
