// SPDX-License-Identifier: GPL-2.0-only
/* The messages of services: coming, beating, answering, going. */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/string.h>

#include "access.h"
#include "carrier.h"
#include "context.h"
#include "endpoint.h"
#include "error.h"
#include "health.h"
#include "instance.h"
#include "message.h"
#include "message_service.h"
#include "protocol.h"
#include "registry.h"
#include "request.h"

/**
 * vexipc_message_ack() - answer a message with ACK or NACK
 * @in: the message
 * @err: 0, or the negative errno that a NACK tells
 * @with: fields of an ACK, or NULL
 *
 * Return: 0, or why not even that could be told.
 */
int vexipc_message_ack(const struct vexipc_incoming *in, int err,
		       const struct vexipc_ack_body *with)
{
	struct vexipc_ack_body body = {};
	struct vexipc_image image;

	if (with)
		body = *with;
	body.type = cpu_to_le32(in->type);
	if (err) {
		enum vexipc_error error = vexipc_error_from_errno(err);
		const char *text = vexipc_error_name(error);

		body.error = cpu_to_le32(error);
		body.text_len = cpu_to_le32(strlen(text));
		vexipc_image_open(&image, VEXIPC_MSG_NACK, in->correlation,
				  ktime_get_ns(), &body, sizeof(body));
		image.part[0] = text;
		image.part_len[0] = strlen(text);
	} else {
		vexipc_image_open(&image, VEXIPC_MSG_ACK, in->correlation,
				  ktime_get_ns(), &body, sizeof(body));
	}
	vexipc_image_seal(&image);
	return vexipc_endpoint_reply(in->ep, &image);
}

/* vexipc_heartbeat_ms() - how often a service should beat: thrice an interval. */
u32 vexipc_heartbeat_ms(const struct vexipc_service *svc)
{
	return 1000 * vexipc_config(svc->inst, VEXIPC_CONFIG_HEALTH_CHECK_INTERVAL_SEC) / 3;
}

/* The strings lie one behind the other, and nothing else does. */
static int take_strings(struct vexipc_service_spec *spec, const char *at, u32 left)
{
	const struct {
		const char **to;
		u32 len;
	} strings[] = {
		{ &spec->id, spec->id_len },
		{ &spec->name, spec->name_len },
		{ &spec->software_version, spec->software_version_len },
		{ &spec->endpoint, spec->endpoint_len },
		{ &spec->models, spec->models_len },
		{ &spec->metadata, spec->metadata_len },
		{ &spec->token, spec->token_len },
	};

	for (u32 i = 0; i < ARRAY_SIZE(strings); i++) {
		if (strings[i].len > left)
			return -EINVAL;
		*strings[i].to = at;
		at += strings[i].len;
		left -= strings[i].len;
	}
	return left ? -EINVAL : 0;
}

static int parse_register(struct vexipc_incoming *in, struct vexipc_service_spec *spec)
{
	const struct vexipc_register_body *body = vexipc_message_body(in, sizeof(*body));
	const __le32 *dimensions;
	const char *at;
	u32 left;

	if (!body || body->reserved)
		return -EINVAL;
	*spec = (struct vexipc_service_spec) {
		.version_min = le32_to_cpu(body->version_min),
		.version_max = le32_to_cpu(body->version_max),
		.features = le64_to_cpu(body->features),
		.flags = le32_to_cpu(body->flags),
		.transport = le32_to_cpu(body->transport),
		.max_batch = le32_to_cpu(body->max_batch),
		.data_types = le32_to_cpu(body->data_types),
		.priority = le32_to_cpu(body->priority),
		.weight = le32_to_cpu(body->weight),
		.max_concurrent = le32_to_cpu(body->max_concurrent),
		.latency_us = le32_to_cpu(body->latency_us),
		.throughput = le32_to_cpu(body->throughput),
		.dimensions_count = le32_to_cpu(body->dimensions_count),
		.id_len = le32_to_cpu(body->id_len),
		.name_len = le32_to_cpu(body->name_len),
		.software_version_len = le32_to_cpu(body->software_version_len),
		.endpoint_len = le32_to_cpu(body->endpoint_len),
		.models_len = le32_to_cpu(body->models_len),
		.metadata_len = le32_to_cpu(body->metadata_len),
		.token_len = le32_to_cpu(body->token_len),
	};
	left = in->len - sizeof(*in->header) - sizeof(*body);
	if (spec->dimensions_count > VEXIPC_MAX_SERVICE_DIMENSIONS ||
	    left < spec->dimensions_count * sizeof(*dimensions))
		return -EINVAL;
	dimensions = (const __le32 *)(body + 1);
	for (u32 i = 0; i < spec->dimensions_count; i++)
		spec->dimensions[i] = le32_to_cpu(dimensions[i]);
	at = (const char *)(dimensions + spec->dimensions_count);
	left -= spec->dimensions_count * sizeof(*dimensions);

	return take_strings(spec, at, left);
}

int vexipc_message_register(struct vexipc_incoming *in)
{
	struct vexipc_ack_body ack = {};
	struct vexipc_service_spec spec;
	struct vexipc_service *svc;
	int err = parse_register(in, &spec);

	if (err)
		return err;
	spec.strings = *in->message;
	*in->message = NULL;
	svc = vexipc_registry_add(in->ctx, in->ep, &spec);
	if (IS_ERR(svc))
		return vexipc_message_ack(in, PTR_ERR(svc), NULL);
	ack.handle = cpu_to_le64(svc->handle);
	ack.features = cpu_to_le64(svc->features);
	ack.version = cpu_to_le32(svc->version);
	ack.heartbeat_ms = cpu_to_le32(vexipc_heartbeat_ms(svc));
	err = vexipc_message_ack(in, 0, &ack);
	/* One who can not be told its handle is not registered. */
	if (err)
		vexipc_registry_take_back(svc);
	vexipc_service_put(svc);
	return err;
}

/* The service a body names, or this peer's own. */
static struct vexipc_service *named(struct vexipc_incoming *in, __le64 handle, int *err)
{
	struct vexipc_service *own = vexipc_endpoint_service(in->ep), *svc;

	*err = -ENOENT;
	if (!handle || (own && own->handle == le64_to_cpu(handle)))
		return own;
	if (own)
		vexipc_service_put(own);
	svc = vexipc_registry_by_handle(in->ctx->inst, le64_to_cpu(handle));
	if (svc && !in->ctx->admin) {
		vexipc_service_put(svc);
		svc = NULL;
		*err = vexipc_access_deny(in->ctx, VEXIPC_OPERATION_ADMINISTER,
					  VEXIPC_DENIAL_PRIVILEGE);
	}
	return svc;
}

int vexipc_message_unregister(struct vexipc_incoming *in)
{
	const struct vexipc_unregister_body *body = vexipc_message_body(in, sizeof(*body));
	struct vexipc_ack_body ack = {};
	struct vexipc_service *svc;
	int err, moved = 0;

	if (!body || in->len != sizeof(*in->header) + sizeof(*body) || body->reserved)
		return -EINVAL;
	if (le32_to_cpu(body->flags) & ~VEXIPC_UNREGISTER_DRAIN)
		return -EOPNOTSUPP;
	svc = named(in, body->handle, &err);
	if (!svc)
		return vexipc_message_ack(in, err, NULL);
	if (body->flags)
		vexipc_registry_leave_when_idle(svc);
	else
		moved = vexipc_registry_remove(svc, false);
	ack.handle = cpu_to_le64(svc->handle);
	ack.failed_over = cpu_to_le32(max(moved, 0));
	vexipc_service_put(svc);
	return vexipc_message_ack(in, min(moved, 0), &ack);
}

int vexipc_message_heartbeat(struct vexipc_incoming *in)
{
	const struct vexipc_heartbeat_body *body = vexipc_message_body(in, sizeof(*body));
	struct vexipc_ack_body ack = {};
	struct vexipc_service *svc;

	if (!body || in->len != sizeof(*in->header) + sizeof(*body) || body->reserved)
		return -EINVAL;
	svc = vexipc_endpoint_service(in->ep);
	if (!svc || (body->handle && le64_to_cpu(body->handle) != svc->handle)) {
		if (svc)
			vexipc_service_put(svc);
		return vexipc_message_ack(in, -ENOENT, NULL);
	}
	vexipc_health_heartbeat(svc, body);
	ack.handle = cpu_to_le64(svc->handle);
	ack.heartbeat_ms = cpu_to_le32(vexipc_heartbeat_ms(svc));
	vexipc_service_put(svc);
	return vexipc_message_ack(in, 0, &ack);
}

static int parse_embed(const struct vexipc_incoming *in, struct vexipc_answer *answer)
{
	const struct vexipc_embed_response_body *body = vexipc_message_body(in, sizeof(*body));

	if (!body || body->result_flags)
		return -EINVAL;
	answer->dimensions = le32_to_cpu(body->dimensions);
	answer->data_type = le32_to_cpu(body->data_type);
	answer->scale = le32_to_cpu(body->scale);
	answer->data = in->vector ?: body + 1;
	answer->len = le32_to_cpu(body->vector_bytes);
	if (answer->len != in->len - sizeof(*in->header) - sizeof(*body))
		return -EINVAL;
	return 0;
}

static int parse_batch(const struct vexipc_incoming *in, struct vexipc_answer *answer)
{
	const struct vexipc_batch_response_body *body = vexipc_message_body(in, sizeof(*body));

	if (!body)
		return -EINVAL;
	answer->count = le32_to_cpu(body->count);
	answer->data = body + 1;
	answer->len = in->len - sizeof(*in->header) - sizeof(*body);
	return 0;
}

static int parse_health(const struct vexipc_incoming *in, struct vexipc_answer *answer)
{
	const struct vexipc_health_response_body *body = vexipc_message_body(in, sizeof(*body));

	if (!body || in->len != sizeof(*in->header) + sizeof(*body) ||
	    le32_to_cpu(body->health) > 100)
		return -EINVAL;
	answer->data = body;
	answer->len = sizeof(*body);
	return 0;
}

/**
 * vexipc_service_error() - what a service may say went wrong
 * @error: what it said; anything else is the module's to say
 */
enum vexipc_error vexipc_service_error(u32 error)
{
	switch (error) {
	case VEXIPC_ERR_OVERLOADED:
	case VEXIPC_ERR_INVALID:
	case VEXIPC_ERR_TOO_LARGE:
	case VEXIPC_ERR_UNSUPPORTED:
	case VEXIPC_ERR_NO_MEMORY:
	case VEXIPC_ERR_BAD_STRING:
	case VEXIPC_ERR_DENIED:
	case VEXIPC_ERR_RATE_LIMITED:
	case VEXIPC_ERR_SHUTTING_DOWN:
		return error;
	default:
		return VEXIPC_ERR_SERVICE_FAILED;
	}
}

static int parse_text(const struct vexipc_incoming *in, struct vexipc_answer *answer,
		      const void *text, u32 announced)
{
	answer->data = text;
	answer->len = (const char *)in->header + in->len - (const char *)text;
	if (answer->len != announced || announced > VEXIPC_MAX_ERROR_TEXT)
		return -EINVAL;
	return vexipc_string_check(text, announced);
}

static int parse_error(const struct vexipc_incoming *in, struct vexipc_answer *answer)
{
	const struct vexipc_error_body *body = vexipc_message_body(in, sizeof(*body));

	if (!body || !body->error || body->reserved)
		return -EINVAL;
	if (le32_to_cpu(body->kind) & ~VEXIPC_ERROR_KINDS)
		return -EOPNOTSUPP;
	answer->error = vexipc_service_error(le32_to_cpu(body->error));
	answer->kind = le32_to_cpu(body->kind);
	answer->retry_after_ms = min(le32_to_cpu(body->retry_after_ms), VEXIPC_MAX_TIMEOUT_MS);
	return parse_text(in, answer, body + 1, le32_to_cpu(body->text_len));
}

static int parse_nack(const struct vexipc_incoming *in, struct vexipc_answer *answer)
{
	const struct vexipc_ack_body *body = vexipc_message_body(in, sizeof(*body));

	if (!body || !body->error)
		return -EINVAL;
	answer->error = vexipc_service_error(le32_to_cpu(body->error));
	answer->kind = VEXIPC_ERROR_RETRY;
	return parse_text(in, answer, body + 1, le32_to_cpu(body->text_len));
}

static int answer(struct vexipc_service *svc, u64 correlation, struct vexipc_answer *answer)
{
	int err;

	vexipc_health_sign(svc);
	if (!vexipc_carrier_answer(svc, correlation, answer, &err))
		err = vexipc_request_answer(svc, correlation, answer);
	return err;
}

/**
 * vexipc_message_failed() - a service fails a request without a message
 * @svc: which
 * @correlation: of the request, attempt included
 * @error: what it says; not 0
 * @kind: VEXIPC_ERROR_*
 *
 * Context: may sleep; no locks held.
 * Return: 0, also when nobody waits for it.
 */
int vexipc_message_failed(struct vexipc_service *svc, u64 correlation, u32 error, u32 kind)
{
	struct vexipc_answer failure = {
		.type = VEXIPC_MSG_ERROR,
		.error = vexipc_service_error(error),
		.kind = kind,
	};

	answer(svc, correlation, &failure);
	return 0;
}

/**
 * vexipc_message_answer() - an answer to a request
 * @in: EMBED_RESPONSE, BATCH_RESPONSE, HEALTH_RESPONSE, ERROR or NACK
 * @svc: of the one who sent it; NULL: it has none
 *
 * Context: may sleep; no locks held.
 * Return: 0, also when nobody waits for it; -EBADRQC it is none, or there is no
 * service; -ENOMEM; or what is wrong with it: then nothing has changed.
 */
int vexipc_message_answer(struct vexipc_incoming *in, struct vexipc_service *svc)
{
	struct vexipc_answer said = {
		.type = in->type, .mem = *in->message, .lent = in->lent,
		.borrowed = in->vector,
	};
	int err;

	switch (in->type) {
	case VEXIPC_MSG_EMBED_RESPONSE:
		err = parse_embed(in, &said);
		break;
	case VEXIPC_MSG_BATCH_RESPONSE:
		err = parse_batch(in, &said);
		break;
	case VEXIPC_MSG_HEALTH_RESPONSE:
		err = parse_health(in, &said);
		break;
	case VEXIPC_MSG_NACK:
		err = parse_nack(in, &said);
		break;
	case VEXIPC_MSG_ERROR:
		err = parse_error(in, &said);
		break;
	default:
		err = -EBADRQC;
	}
	if (err || !svc)
		return err ?: -EBADRQC;

	err = answer(svc, in->correlation, &said);
	in->lent_out = in->lent.queue && !said.lent.queue;
	*in->message = said.mem;
	if (err == -ENOMEM)
		return err;
	in->done = true;
	if (in->flags & VEXIPC_MSGF_WANT_ACK)
		return vexipc_message_ack(in, err, NULL);
	return 0;
}
