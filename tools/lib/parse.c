// SPDX-License-Identifier: LGPL-2.1-or-later
/* Bodies of messages taken apart: completions for clients, requests for services. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

uint64_t vxi_message_request_id(const struct vexipc_message *message)
{
	uint64_t id;

	switch (message->type) {
	case VEXIPC_MSG_EMBED_RESPONSE:
	case VEXIPC_MSG_BATCH_RESPONSE:
	case VEXIPC_MSG_ERROR:
		/* All three begin with it. */
		if (message->body_len < sizeof(id))
			return 0;
		memcpy(&id, message->body, sizeof(id));
		return le64toh(id);
	default:
		return 0;
	}
}

int vxi_result_set_vector(struct vexipc_result *result, const void *data, uint32_t bytes)
{
	int err = vxi_grow(&result->vector, &result->room, bytes);

	if (err)
		return err;
	if (bytes)
		memcpy(result->vector, data, bytes);
	result->vector_bytes = bytes;
	return 0;
}

/* Zero all but the buffer. */
static void result_reset(struct vexipc_result *result)
{
	void *vector = result->vector;
	size_t room = result->room;

	*result = (struct vexipc_result) { .vector = vector, .room = room };
}

static int parse_embed_response(const struct vexipc_message *message,
				struct vexipc_result *result)
{
	struct vexipc_embed_response_body body;

	if (message->body_len < sizeof(body))
		return -EPROTO;
	memcpy(&body, message->body, sizeof(body));
	if (le32toh(body.vector_bytes) != message->body_len - sizeof(body))
		return -EPROTO;
	result->request_id = le64toh(body.request_id);
	result->service_handle = le64toh(body.service_handle);
	result->queue_ns = le64toh(body.queue_ns);
	result->service_ns = le64toh(body.service_ns);
	result->attempts = le32toh(body.attempts);
	result->flags = le32toh(body.result_flags);
	result->dimensions = le32toh(body.dimensions);
	result->data_type = le32toh(body.data_type);
	result->scale = float_of(le32toh(body.scale));
	return vxi_result_set_vector(result, (const char *)message->body + sizeof(body),
				 le32toh(body.vector_bytes));
}

static int parse_error(const struct vexipc_message *message, struct vexipc_result *result)
{
	struct vexipc_error_body body;
	size_t len;

	if (message->body_len < sizeof(body))
		return -EPROTO;
	memcpy(&body, message->body, sizeof(body));
	len = le32toh(body.text_len);
	if (len != message->body_len - sizeof(body))
		return -EPROTO;
	if (len > VEXIPC_MAX_ERROR_TEXT)
		len = VEXIPC_MAX_ERROR_TEXT;
	result->request_id = le64toh(body.request_id);
	result->service_handle = le64toh(body.service_handle);
	result->error = le32toh(body.error);
	/* An error that says it is none would look like success. */
	if (result->error == VEXIPC_OK)
		result->error = VEXIPC_ERR_BAD_ANSWER;
	result->kind = le32toh(body.kind);
	result->retry_after_ms = le32toh(body.retry_after_ms);
	result->attempts = le32toh(body.attempts);
	memcpy(result->text, (const char *)message->body + sizeof(body), len);
	result->text[len] = '\0';
	return 0;
}

int vxi_completion_items(struct vexipc_completion *completion, uint32_t count)
{
	struct vexipc_result *items;

	if (count <= completion->items_room)
		return 0;
	items = reallocarray(completion->items, count, sizeof(*items));
	if (!items)
		return -ENOMEM;
	memset(items + completion->items_room, 0,
	       (count - completion->items_room) * sizeof(*items));
	completion->items = items;
	completion->items_room = count;
	return 0;
}

static int parse_batch_response(const struct vexipc_message *message,
				struct vexipc_completion *completion)
{
	struct vexipc_result *head = &completion->result;
	struct vexipc_batch_response_body body;
	const char *at = message->body;
	size_t left = message->body_len;
	uint32_t count;
	int err;

	if (left < sizeof(body))
		return -EPROTO;
	memcpy(&body, at, sizeof(body));
	at += sizeof(body);
	left -= sizeof(body);
	count = le32toh(body.count);
	if (count > VEXIPC_MAX_BATCH)
		return -EPROTO;
	err = vxi_completion_items(completion, count);
	if (err)
		return err;
	head->request_id = le64toh(body.request_id);
	head->service_handle = le64toh(body.service_handle);
	head->queue_ns = le64toh(body.queue_ns);
	head->service_ns = le64toh(body.service_ns);
	head->attempts = le32toh(body.attempts);
	for (uint32_t i = 0; i < count; i++) {
		struct vexipc_result *item = &completion->items[i];
		struct vexipc_batch_result result;
		uint32_t bytes;

		if (left < sizeof(result))
			return -EPROTO;
		memcpy(&result, at, sizeof(result));
		at += sizeof(result);
		left -= sizeof(result);
		bytes = le32toh(result.vector_bytes);
		if (bytes > left)
			return -EPROTO;
		result_reset(item);
		item->request_id = head->request_id;
		item->service_handle = head->service_handle;
		item->queue_ns = head->queue_ns;
		item->service_ns = head->service_ns;
		item->attempts = head->attempts;
		item->error = le32toh(result.error);
		item->kind = le32toh(result.kind);
		item->dimensions = le32toh(result.dimensions);
		item->data_type = le32toh(result.data_type);
		item->scale = float_of(le32toh(result.scale));
		err = vxi_result_set_vector(item, at, bytes);
		if (err)
			return err;
		at += bytes;
		left -= bytes;
	}
	if (left)
		return -EPROTO;
	completion->count = count;
	completion->batch = true;
	return 0;
}

int vxi_parse_completion(const struct vexipc_message *message,
			 struct vexipc_completion *completion)
{
	result_reset(&completion->result);
	completion->batch = false;
	completion->count = 0;
	switch (message->type) {
	case VEXIPC_MSG_EMBED_RESPONSE:
		return parse_embed_response(message, &completion->result);
	case VEXIPC_MSG_BATCH_RESPONSE:
		return parse_batch_response(message, completion);
	case VEXIPC_MSG_ERROR:
		return parse_error(message, &completion->result);
	default:
		return -EPROTO;
	}
}

int vxi_parse_request(const struct vexipc_message *message, struct vexipc_request *request)
{
	struct vexipc_batch_request_body body = { 0 };
	bool batch = message->type == VEXIPC_MSG_BATCH_REQUEST;
	size_t size = batch ? sizeof(body) : sizeof(body.common);
	const char *at = message->body;
	size_t model, service, content;

	request->type = message->type;
	request->correlation_id = message->correlation_id;
	request->content = NULL;
	request->content_len = 0;
	request->next_item = NULL;
	request->count = 1;
	if (message->type == VEXIPC_MSG_HEALTH_CHECK)
		return 0;
	if ((!batch && message->type != VEXIPC_MSG_EMBED_REQUEST) || message->body_len < size)
		return -EPROTO;
	memcpy(&body, at, size);
	model = le32toh(body.common.model_len);
	service = le32toh(body.common.service_len);
	content = le32toh(body.common.content_len);
	if (model + service + content != message->body_len - size)
		return -EPROTO;
	request->session = le64toh(body.common.session);
	request->deadline_ns = le64toh(body.common.deadline_ns);
	request->dimensions = le32toh(body.common.dimensions);
	request->data_type = le32toh(body.common.data_type);
	request->content_type = le32toh(body.common.content_type);
	request->priority = le32toh(body.common.priority);
	request->model = at + size;
	request->model_len = model;
	request->content = at + size + model + service;
	request->content_len = content;
	request->next_item = request->content;
	if (batch) {
		request->count = le32toh(body.count);
		if (!request->count || request->count > VEXIPC_MAX_BATCH)
			return -EPROTO;
	}
	return 0;
}

bool vexipc_request_item(struct vexipc_request *request, const void **content, size_t *len)
{
	const char *end = (const char *)request->content + request->content_len;
	const char *at = request->next_item;
	struct vexipc_batch_item item;

	if (!at)
		return false;
	if (request->type != VEXIPC_MSG_BATCH_REQUEST) {
		*content = request->content;
		*len = request->content_len;
		request->next_item = NULL;
		return true;
	}
	if ((size_t)(end - at) < sizeof(item))
		return false;
	memcpy(&item, at, sizeof(item));
	at += sizeof(item);
	if (le32toh(item.length) > (size_t)(end - at))
		return false;
	*content = at;
	*len = le32toh(item.length);
	request->next_item = at + *len;
	return true;
}

void vexipc_request_free(struct vexipc_request *request)
{
	free(request->buf);
	*request = (struct vexipc_request) { 0 };
}

void vexipc_result_free(struct vexipc_result *result)
{
	free(result->vector);
	*result = (struct vexipc_result) { 0 };
}

void vexipc_completion_free(struct vexipc_completion *completion)
{
	for (uint32_t i = 0; i < completion->items_room; i++)
		free(completion->items[i].vector);
	free(completion->items);
	free(completion->result.vector);
	*completion = (struct vexipc_completion) { 0 };
}
