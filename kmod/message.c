// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes in as a message, over whichever transport: checked once, in
 * memory its sender can no longer change, then done and answered.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "access.h"
#include "context.h"
#include "embed.h"
#include "endpoint.h"
#include "error.h"
#include "health.h"
#include "instance.h"
#include "memory.h"
#include "message.h"
#include "message_service.h"
#include "protocol.h"
#include "registry.h"
#include "request.h"

/* The fixed body behind the header, if the message is long enough for it. */
const void *vexipc_message_body(const struct vexipc_incoming *in, u32 size)
{
	return in->len - sizeof(*in->header) < size ? NULL : in->header + 1;
}

static int reply_error(const struct vexipc_incoming *in, u64 request_id, int err,
		       u32 retry_after_ms)
{
	struct vexipc_error_body body = {
		.request_id = cpu_to_le64(request_id),
		.error = cpu_to_le32(vexipc_error_from_errno(err)),
		.retry_after_ms = cpu_to_le32(retry_after_ms),
	};
	struct vexipc_image image;

	vexipc_image_open(&image, VEXIPC_MSG_ERROR, in->correlation, ktime_get_ns(),
			  &body, sizeof(body));
	vexipc_image_seal(&image);
	return vexipc_endpoint_reply(in->ep, &image);
}

/* The same of what one may not do, with what to do about it. */
static int reply_denied(const struct vexipc_incoming *in, u64 request_id, int err)
{
	const char *text = vexipc_access_text(err);
	struct vexipc_error_body body = {
		.request_id = cpu_to_le64(request_id),
		.error = cpu_to_le32(vexipc_error_from_errno(err)),
		.text_len = cpu_to_le32(strlen(text)),
	};
	struct vexipc_image image;

	vexipc_image_open(&image, VEXIPC_MSG_ERROR, in->correlation, ktime_get_ns(),
			  &body, sizeof(body));
	image.part[0] = text;
	image.part_len[0] = strlen(text);
	vexipc_image_seal(&image);
	return vexipc_endpoint_reply(in->ep, &image);
}

/* Submit what a message asked for; a refusal is its answer. */
static int submit(const struct vexipc_incoming *in, struct vexipc_request *req)
{
	u64 request_id = req->request_id;
	u32 retry_after_ms;
	int err;

	req->client_correlation = in->correlation;
	req->complete = vexipc_endpoint_complete;
	err = vexipc_request_submit(req);
	retry_after_ms = err ? req->retry_after_ms : 0;
	vexipc_request_put(req);
	/* Who does not wait tries the write again. */
	if (err == -EAGAIN)
		return err;
	return err ? reply_error(in, request_id, err, retry_after_ms) : 0;
}

static int embed_request(struct vexipc_incoming *in)
{
	const struct vexipc_embed_request_body *body;
	struct vexipc_question q = { .type = in->type };
	const char *at;
	struct vexipc_request *req;
	u32 size = sizeof(*body);
	u64 tail;
	int err;

	if (in->type == VEXIPC_MSG_BATCH_REQUEST)
		size = sizeof(struct vexipc_batch_request_body);
	body = vexipc_message_body(in, size);
	if (!body)
		return -EINVAL;
	if (in->type == VEXIPC_MSG_BATCH_REQUEST) {
		const struct vexipc_batch_request_body *batch = (const void *)body;

		if (batch->reserved)
			return -EINVAL;
		q.count = le32_to_cpu(batch->count);
	}
	q.request_id = le64_to_cpu(body->request_id);
	q.session = le64_to_cpu(body->session);
	q.timeout_ms = le32_to_cpu(body->timeout_ms);
	q.dimensions = le32_to_cpu(body->dimensions);
	q.data_type = le32_to_cpu(body->data_type);
	q.content_type = le32_to_cpu(body->content_type);
	q.priority = le32_to_cpu(body->priority);
	q.algorithm = le32_to_cpu(body->algorithm);
	q.flags = le32_to_cpu(body->flags);
	q.model_len = le32_to_cpu(body->model_len);
	q.service_len = le32_to_cpu(body->service_len);
	q.content_len = le32_to_cpu(body->content_len);
	err = vexipc_question_check(&q);
	if (err)
		return err;
	tail = (u64)q.model_len + q.service_len + q.content_len;
	if (body->deadline_ns || in->len - sizeof(*in->header) - size != tail)
		return -EINVAL;
	at = (const char *)body + size;
	q.model = at;
	q.service = at + q.model_len;
	q.content = at + q.model_len + q.service_len;
	q.mem = *in->message;

	err = vexipc_access_embed(in->ctx, q.model, q.model_len, q.priority);
	if (err)
		return reply_denied(in, q.request_id, err);
	req = vexipc_question_request(in->ctx, in->ep, &q);
	if (IS_ERR(req))
		return PTR_ERR(req);
	*in->message = NULL;
	return submit(in, req);
}

static int module_health(struct vexipc_incoming *in)
{
	struct vexipc_health_response_body body = {};
	struct vexipc_stats *stats = kzalloc(sizeof(*stats), GFP_KERNEL);
	struct vexipc_image image;

	if (!stats)
		return -ENOMEM;
	vexipc_stats_instance(in->ctx->inst, stats);
	body.health = cpu_to_le32(100);
	body.in_flight = cpu_to_le32(stats->in_flight);
	body.queue_depth = cpu_to_le32(stats->queued);
	body.services = cpu_to_le32(stats->services);
	kfree(stats);
	vexipc_image_open(&image, VEXIPC_MSG_HEALTH_RESPONSE, in->correlation,
			  ktime_get_ns(), &body, sizeof(body));
	vexipc_image_seal(&image);
	return vexipc_endpoint_reply(in->ep, &image);
}

enum { PING_TIMEOUT_MS = 5000 };

static int health_check(struct vexipc_incoming *in)
{
	const struct vexipc_health_check_body *body = vexipc_message_body(in, sizeof(*body));
	struct vexipc_service *svc;
	struct vexipc_request *req;
	u32 timeout, id_len;
	int err;

	if (!body)
		return -EINVAL;
	timeout = le32_to_cpu(body->timeout_ms) ?: PING_TIMEOUT_MS;
	id_len = le32_to_cpu(body->id_len);
	if (timeout > VEXIPC_MAX_TIMEOUT_MS || body->deadline_ns ||
	    in->len - sizeof(*in->header) - sizeof(*body) != id_len)
		return -EINVAL;
	if (!id_len)
		return module_health(in);

	err = vexipc_string_check((const char *)(body + 1), id_len);
	if (err)
		return err;
	svc = vexipc_registry_by_id(in->ctx->inst, (const char *)(body + 1), id_len);
	if (!svc)
		return reply_error(in, 0, -ENOENT, 0);
	err = vexipc_access_ping(in->ctx);
	if (err) {
		vexipc_service_put(svc);
		return reply_denied(in, 0, err);
	}
	in->ctx->deadline = ktime_get_ns() + (u64)timeout * NSEC_PER_MSEC;
	req = vexipc_request_alloc(in->ctx, in->ep, in->type);
	if (req)
		req->pin = svc->handle;
	vexipc_service_put(svc);
	return req ? submit(in, req) : -ENOMEM;
}

static int status_query(struct vexipc_incoming *in)
{
	const struct vexipc_status_query_body *body = vexipc_message_body(in, sizeof(*body));
	struct vexipc_service_entry *entry;
	struct vexipc_service *svc;
	struct vexipc_image image;
	u32 id_len;
	int err;

	if (!body)
		return -EINVAL;
	id_len = le32_to_cpu(body->id_len);
	if (body->reserved || in->len - sizeof(*in->header) - sizeof(*body) != id_len)
		return -EINVAL;
	err = vexipc_access_look(in->ctx);
	if (err)
		return vexipc_message_ack(in, err, NULL);
	if (body->handle)
		svc = vexipc_registry_by_handle(in->ctx->inst, le64_to_cpu(body->handle));
	else
		svc = vexipc_registry_by_id(in->ctx->inst, (const char *)(body + 1), id_len);
	if (!svc)
		return vexipc_message_ack(in, -ENOENT, NULL);

	entry = kmalloc(sizeof(*entry), GFP_KERNEL);
	if (entry) {
		vexipc_service_entry_fill(svc, entry, in->ctx->user_ns, in->ctx->pid_ns);
		vexipc_image_open(&image, VEXIPC_MSG_STATUS_RESPONSE, in->correlation,
				  ktime_get_ns(), NULL, 0);
		image.part[0] = entry;
		image.part_len[0] = sizeof(*entry);
		vexipc_image_seal(&image);
		err = vexipc_endpoint_reply(in->ep, &image);
	} else {
		err = -ENOMEM;
	}
	kfree(entry);
	vexipc_service_put(svc);
	return err;
}

static int discovery(struct vexipc_incoming *in)
{
	const struct vexipc_discovery_body *body = vexipc_message_body(in, sizeof(*body));
	struct vexipc_discovery_body answer;
	struct vexipc_service_entry *entries;
	struct vexipc_filter filter;
	struct vexipc_service *svc;
	struct vexipc_image image;
	u32 count = 0, slot = 0, room;
	int err;

	if (!body || in->flags & VEXIPC_MSGF_RESPONSE)
		return body ? -EBADRQC : -EINVAL;
	filter = (struct vexipc_filter) {
		.dimensions = le32_to_cpu(body->dimensions),
		.data_types = le32_to_cpu(body->data_types),
		.states = le32_to_cpu(body->states),
		.model = (const char *)(body + 1),
		.model_len = le32_to_cpu(body->model_len),
	};
	if (in->len - sizeof(*in->header) - sizeof(*body) != filter.model_len ||
	    filter.model_len > VEXIPC_MAX_NAME || body->count || body->total)
		return -EINVAL;
	err = vexipc_access_look(in->ctx);
	if (err)
		return vexipc_message_ack(in, err, NULL);

	room = vexipc_registry_count(in->ctx->inst) + 8;
	entries = vexipc_caller_alloc(array_size(room, sizeof(*entries)));
	if (!entries)
		return -ENOMEM;
	while (count < room &&
	       (svc = vexipc_registry_next(in->ctx->inst, &slot, &filter))) {
		vexipc_service_entry_fill(svc, &entries[count++], in->ctx->user_ns,
					  in->ctx->pid_ns);
		vexipc_service_put(svc);
	}
	answer = *body;
	answer.model_len = 0;
	answer.count = cpu_to_le32(count);
	answer.total = cpu_to_le32(count);
	vexipc_image_open(&image, VEXIPC_MSG_DISCOVERY, in->correlation, ktime_get_ns(),
			  &answer, sizeof(answer));
	((struct vexipc_msg_header *)image.head)->flags = cpu_to_le32(VEXIPC_MSGF_RESPONSE);
	image.part[0] = entries;
	image.part_len[0] = count * sizeof(*entries);
	vexipc_image_seal(&image);
	err = vexipc_endpoint_reply(in->ep, &image);
	kvfree(entries);
	return err;
}

static int dispatch(struct vexipc_incoming *in)
{
	struct vexipc_service *svc;
	int err;

	switch (in->type) {
	case VEXIPC_MSG_EMBED_RESPONSE:
	case VEXIPC_MSG_BATCH_RESPONSE:
	case VEXIPC_MSG_HEALTH_RESPONSE:
	case VEXIPC_MSG_ERROR:
	case VEXIPC_MSG_NACK:
		svc = vexipc_endpoint_service(in->ep);
		err = vexipc_message_answer(in, svc);
		if (svc)
			vexipc_service_put(svc);
		return err;
	case VEXIPC_MSG_EMBED_REQUEST:
	case VEXIPC_MSG_BATCH_REQUEST:
		return embed_request(in);
	case VEXIPC_MSG_HEARTBEAT:
		return vexipc_message_heartbeat(in);
	case VEXIPC_MSG_REGISTER:
		return vexipc_message_register(in);
	case VEXIPC_MSG_UNREGISTER:
		return vexipc_message_unregister(in);
	case VEXIPC_MSG_DISCOVERY:
		return discovery(in);
	case VEXIPC_MSG_STATUS_QUERY:
		return status_query(in);
	case VEXIPC_MSG_HEALTH_CHECK:
		return health_check(in);
	default:
		/* Known, but only the kernel sends it. */
		return -EBADRQC;
	}
}

/**
 * vexipc_message_receive() - do what a message says
 * @ctx: who sent it
 * @ep: through what
 * @message: the message, kvmalloc()ed; set to NULL when it is taken over
 * @len: its bytes
 *
 * Context: may sleep, but waits for no other request.
 * Return: 0, or a negative errno as include/uapi/linux/vexipc.h lists them
 * under "Messages": then it changed nothing, but for -ENOMEM and -ENOBUFS where only
 * the ACK could not be told. -EAGAIN is for who does not wait, and tries it again. An
 * answer that nobody waits for is not an error.
 */
int vexipc_message_receive(struct vexipc_context *ctx, struct vexipc_endpoint *ep,
			   void **message, u32 len)
{
	struct vexipc_incoming in = {
		.ctx = ctx, .ep = ep, .message = message, .header = *message, .len = len,
	};
	int err = vexipc_message_check(*message, len);

	if (!err) {
		in.type = le32_to_cpu(in.header->message_type);
		in.flags = le32_to_cpu(in.header->flags);
		in.correlation = le64_to_cpu(in.header->correlation_id);
		err = dispatch(&in);
	}
	if (err && err != -EAGAIN)
		vexipc_count(ctx->inst, BAD_MESSAGES);
	return err;
}
