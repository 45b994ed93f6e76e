// SPDX-License-Identifier: GPL-2.0-only
/* The messages that a request becomes: to the service, and to the client. */
#include <linux/build_bug.h>
#include <linux/ktime.h>
#include <linux/math64.h>

#include "protocol.h"
#include "request.h"

/**
 * vexipc_request_image_open() - the message that carries a request to its
 *				 service, without length and checksum
 * @req: SENT; the image points into it
 * @attempt: which attempt; part of the correlation id
 * @image: to fill
 *
 * The same bytes each time for one attempt, so that a service can fetch a long
 * message in pieces.
 */
void vexipc_request_image_open(const struct vexipc_request *req, u32 attempt,
			       struct vexipc_image *image)
{
	struct vexipc_embed_request_body *common;
	union {
		struct vexipc_batch_request_body batch;
		struct vexipc_health_check_body health;
	} body = {};
	u32 body_len;

	switch (req->type) {
	case VEXIPC_MSG_HEALTH_CHECK:
		body.health.deadline_ns = cpu_to_le64(req->deadline_ns);
		body_len = sizeof(body.health);
		break;
	case VEXIPC_MSG_BATCH_REQUEST:
		body.batch.count = cpu_to_le32(req->count);
		body_len = sizeof(body.batch);
		break;
	default:
		body_len = sizeof(body.batch.common);
	}
	if (req->type != VEXIPC_MSG_HEALTH_CHECK) {
		common = &body.batch.common;
		common->session = cpu_to_le64(req->session);
		common->deadline_ns = cpu_to_le64(req->deadline_ns);
		common->dimensions = cpu_to_le32(req->dimensions);
		common->data_type = cpu_to_le32(req->data_type);
		common->content_type = cpu_to_le32(req->content_type);
		common->priority = cpu_to_le32(req->priority);
		common->model_len = cpu_to_le32(req->model_len);
		common->content_len = cpu_to_le32(req->content_len);
	}
	vexipc_image_open(image, req->type,
			  vexipc_id_with_attempt(req->correlation, attempt),
			  req->sent_ns, &body, body_len);
	image->part[0] = req->model;
	image->part_len[0] = req->model_len;
	image->part[1] = req->content;
	image->part_len[1] = req->content_len;
}

/* vexipc_request_image() - the same, ready to send; reads the whole content. */
void vexipc_request_image(const struct vexipc_request *req, u32 attempt,
			  struct vexipc_image *image)
{
	vexipc_request_image_open(req, attempt, image);
	vexipc_image_seal(image);
}

static u64 queue_ns(const struct vexipc_request *req)
{
	return req->sent_ns ? req->sent_ns - req->submitted_ns : 0;
}

static u64 service_ns(const struct vexipc_request *req)
{
	return req->sent_ns ? req->done_ns - req->sent_ns : 0;
}

static void error_body(const struct vexipc_request *req, struct vexipc_image *image)
{
	struct vexipc_error_body body = {
		.request_id = cpu_to_le64(req->request_id),
		.service_handle = cpu_to_le64(req->service_handle),
		.error = cpu_to_le32(req->status),
		.kind = cpu_to_le32(req->error_kind),
		.retry_after_ms = cpu_to_le32(req->retry_after_ms),
		.attempts = cpu_to_le32(req->attempts),
		.text_len = cpu_to_le32(req->answer_len),
	};

	vexipc_image_open(image, VEXIPC_MSG_ERROR, req->client_correlation,
			  req->done_ns, &body, sizeof(body));
}

static void embed_body(const struct vexipc_request *req, struct vexipc_image *image)
{
	struct vexipc_embed_response_body body = {
		.request_id = cpu_to_le64(req->request_id),
		.service_handle = cpu_to_le64(req->service_handle),
		.queue_ns = cpu_to_le64(queue_ns(req)),
		.service_ns = cpu_to_le64(service_ns(req)),
		.attempts = cpu_to_le32(req->attempts),
		.result_flags = cpu_to_le32(req->result_flags),
		.dimensions = cpu_to_le32(req->out_dimensions),
		.data_type = cpu_to_le32(req->data_type),
		.scale = cpu_to_le32(req->scale),
		.vector_bytes = cpu_to_le32(req->answer_len),
	};

	vexipc_image_open(image, VEXIPC_MSG_EMBED_RESPONSE, req->client_correlation,
			  req->done_ns, &body, sizeof(body));
}

static void batch_body(const struct vexipc_request *req, struct vexipc_image *image)
{
	struct vexipc_batch_response_body body = {
		.request_id = cpu_to_le64(req->request_id),
		.service_handle = cpu_to_le64(req->service_handle),
		.queue_ns = cpu_to_le64(queue_ns(req)),
		.service_ns = cpu_to_le64(service_ns(req)),
		.attempts = cpu_to_le32(req->attempts),
		.count = cpu_to_le32(req->count),
	};

	vexipc_image_open(image, VEXIPC_MSG_BATCH_RESPONSE, req->client_correlation,
			  req->done_ns, &body, sizeof(body));
}

/* The answer of a health check is the service's own body, kept as it came. */
static void health_body(const struct vexipc_request *req, struct vexipc_image *image)
{
	struct vexipc_health_response_body body = {};

	if (req->answer_len == sizeof(body))
		memcpy(&body, req->answer, sizeof(body));
	body.handle = cpu_to_le64(req->service_handle);
	body.round_trip_ns = cpu_to_le64(service_ns(req));
	body.services = cpu_to_le32(1);
	vexipc_image_open(image, VEXIPC_MSG_HEALTH_RESPONSE, req->client_correlation,
			  req->done_ns, &body, sizeof(body));
}

/**
 * vexipc_request_completion_image() - the message that tells a client the end
 * @req: finished; the image points into it
 * @image: to fill
 */
void vexipc_request_completion_image(struct vexipc_request *req,
				     struct vexipc_image *image)
{
	bool health = req->type == VEXIPC_MSG_HEALTH_CHECK;

	if (req->status)
		error_body(req, image);
	else if (health)
		health_body(req, image);
	else if (req->type == VEXIPC_MSG_BATCH_REQUEST)
		batch_body(req, image);
	else
		embed_body(req, image);
	if (!health || req->status) {
		image->part[0] = req->answer;
		image->part_len[0] = req->answer_len;
	}
	vexipc_image_seal(image);
}

/* vexipc_request_completion_len() - bytes of that message. */
u32 vexipc_request_completion_len(const struct vexipc_request *req)
{
	u32 len = sizeof(struct vexipc_msg_header);

	if (req->status)
		return len + sizeof(struct vexipc_error_body) + req->answer_len;
	switch (req->type) {
	case VEXIPC_MSG_HEALTH_CHECK:
		return len + sizeof(struct vexipc_health_response_body);
	case VEXIPC_MSG_BATCH_REQUEST:
		return len + sizeof(struct vexipc_batch_response_body) + req->answer_len;
	default:
		return len + sizeof(struct vexipc_embed_response_body) + req->answer_len;
	}
}
