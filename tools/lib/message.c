// SPDX-License-Identifier: LGPL-2.1-or-later
/* Messages: the header, its checksum, and the bodies that the library sends. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

static uint32_t checksum(const void *message, size_t len)
{
	static const unsigned char zero[4];
	size_t at = offsetof(struct vexipc_msg_header, checksum);
	uint32_t crc;

	crc = vexipc_crc32c(0, message, at);
	crc = vexipc_crc32c(crc, zero, sizeof(zero));
	return vexipc_crc32c(crc, (const char *)message + sizeof(struct vexipc_msg_header),
			     len - sizeof(struct vexipc_msg_header));
}

void vexipc_message_seal(void *message, size_t len, uint32_t type,
			 uint64_t correlation_id, uint32_t flags)
{
	struct vexipc_msg_header header = {
		.magic = htole32(VEXIPC_MAGIC),
		.version = htole32(VEXIPC_PROTOCOL_VERSION),
		.message_type = htole32(type),
		.length = htole32((uint32_t)len),
		.correlation_id = htole64(correlation_id),
		.timestamp = htole64(now_ns()),
		.flags = htole32(flags),
	};

	memcpy(message, &header, sizeof(header));
	if (flags & VEXIPC_MSGF_UNSUMMED)
		return;
	header.checksum = htole32(checksum(message, len));
	memcpy(message, &header, sizeof(header));
}

ssize_t vexipc_message_build(void *buf, size_t room, uint32_t type,
			     uint64_t correlation_id, uint32_t flags,
			     const struct iovec *parts, unsigned int count)
{
	size_t len = sizeof(struct vexipc_msg_header);

	for (unsigned int i = 0; i < count; i++) {
		if (parts[i].iov_len > VEXIPC_MAX_MESSAGE - len)
			return -EMSGSIZE;
		if (len + parts[i].iov_len > room)
			return -ENOBUFS;
		if (parts[i].iov_len)
			memcpy((char *)buf + len, parts[i].iov_base, parts[i].iov_len);
		len += parts[i].iov_len;
	}
	if (len > room)
		return -ENOBUFS;
	vexipc_message_seal(buf, len, type, correlation_id, flags);
	return (ssize_t)len;
}

static bool type_known(uint32_t type)
{
	return (type >= VEXIPC_MSG_REGISTER && type <= VEXIPC_MSG_DISCOVERY) ||
	       (type >= VEXIPC_MSG_EMBED_REQUEST && type <= VEXIPC_MSG_BATCH_RESPONSE) ||
	       (type >= VEXIPC_MSG_STATUS_QUERY && type <= VEXIPC_MSG_HEALTH_RESPONSE) ||
	       (type >= VEXIPC_MSG_ERROR && type <= VEXIPC_MSG_NACK);
}

ssize_t vexipc_message_parse(const void *buf, size_t len, struct vexipc_message *message)
{
	struct vexipc_msg_header header;
	uint32_t length;

	if (len < sizeof(header))
		return -EINVAL;
	memcpy(&header, buf, sizeof(header));
	length = le32toh(header.length);
	message->type = le32toh(header.message_type);
	message->flags = le32toh(header.flags);
	if (le32toh(header.magic) != VEXIPC_MAGIC)
		return -ENOMSG;
	if (le32toh(header.version) != VEXIPC_PROTOCOL_VERSION)
		return -EPROTONOSUPPORT;
	if (!type_known(message->type))
		return -EBADRQC;
	if (length > VEXIPC_MAX_MESSAGE)
		return -EMSGSIZE;
	if (length < sizeof(header) || length > len)
		return -EINVAL;
	if (message->flags & ~(VEXIPC_MSGF_ALL | VEXIPC_MSGF_UNSUMMED))
		return -EOPNOTSUPP;
	if (le32toh(header.checksum) !=
	    (message->flags & VEXIPC_MSGF_UNSUMMED ? 0 : checksum(buf, length)))
		return -EBADMSG;
	message->correlation_id = le64toh(header.correlation_id);
	message->timestamp_ns = le64toh(header.timestamp);
	message->body = (const char *)buf + sizeof(header);
	message->body_len = length - sizeof(header);
	return length;
}

/* -------------------------------------------------------------- building -- */

void vxi_out_begin(struct out *o, void *small, size_t room)
{
	o->data = small;
	o->room = room;
	o->len = sizeof(struct vexipc_msg_header);
	o->heap = NULL;
	o->in_slot = false;
}

void *vxi_out_add(struct out *o, size_t len)
{
	void *at;

	if (len > VEXIPC_MAX_MESSAGE - o->len) {
		errno = EMSGSIZE;
		return NULL;
	}
	if (o->len + len > o->room) {
		size_t room = (o->len + len) * 3 / 2;
		void *heap = realloc(o->heap, room);

		if (!heap)
			return NULL;
		if (!o->heap)
			memcpy(heap, o->data, o->len);
		o->heap = heap;
		o->data = heap;
		o->room = room;
	}
	at = o->data + o->len;
	o->len += len;
	return at;
}

int vxi_out_put(struct out *o, const void *data, size_t len)
{
	void *at = vxi_out_add(o, len);

	if (!at)
		return -errno;
	if (len)
		memcpy(at, data, len);
	return 0;
}

void vxi_out_free(struct out *o)
{
	free(o->heap);
	o->heap = NULL;
}

static size_t length_of(const char *s)
{
	return s ? strlen(s) : 0;
}

/* Two puts of strings that follow almost every body. */
static int put_string(struct out *o, const char *s)
{
	return vxi_out_put(o, s, length_of(s));
}

static int embed_common(const struct vexipc_embed_params *params, uint64_t request_id,
			size_t content_len, struct vexipc_embed_request_body *body)
{
	if (content_len > VEXIPC_MAX_MESSAGE || length_of(params->model) > VEXIPC_MAX_MESSAGE ||
	    length_of(params->service) > VEXIPC_MAX_MESSAGE)
		return -EMSGSIZE;
	*body = (struct vexipc_embed_request_body) {
		.request_id = htole64(request_id),
		.session = htole64(params->session),
		.timeout_ms = htole32(params->timeout_ms),
		.dimensions = htole32(params->dimensions),
		.data_type = htole32(params->data_type),
		.content_type = htole32(params->content_type),
		.priority = htole32(params->priority),
		.algorithm = htole32(params->algorithm),
		.flags = htole32(params->flags),
		.model_len = htole32((uint32_t)length_of(params->model)),
		.service_len = htole32((uint32_t)length_of(params->service)),
		.content_len = htole32((uint32_t)content_len),
	};
	return 0;
}

int vxi_build_embed(struct out *o, const struct vexipc_embed_params *params,
		    uint64_t request_id)
{
	struct vexipc_embed_request_body body;
	int err = embed_common(params, request_id, params->content_len, &body);

	if (!err)
		err = vxi_out_put(o, &body, sizeof(body));
	if (!err)
		err = put_string(o, params->model);
	if (!err)
		err = put_string(o, params->service);
	if (!err)
		err = vxi_out_put(o, params->content, params->content_len);
	if (err)
		return err;
	out_end(o, VEXIPC_MSG_EMBED_REQUEST, request_id, 0);
	return 0;
}

int vxi_build_batch(struct out *o, const struct vexipc_embed_params *params,
		    const struct iovec *items, uint32_t count, uint64_t request_id)
{
	struct vexipc_batch_request_body body = { .count = htole32(count) };
	size_t total = 0;
	int err;

	if (!count)
		return -EINVAL;
	if (count > VEXIPC_MAX_BATCH)
		return -EMSGSIZE;
	for (uint32_t i = 0; i < count; i++) {
		total += sizeof(struct vexipc_batch_item) + items[i].iov_len;
		if (items[i].iov_len > VEXIPC_MAX_MESSAGE || total > VEXIPC_MAX_MESSAGE)
			return -EMSGSIZE;
	}
	err = embed_common(params, request_id, total, &body.common);
	if (!err)
		err = vxi_out_put(o, &body, sizeof(body));
	if (!err)
		err = put_string(o, params->model);
	if (!err)
		err = put_string(o, params->service);
	for (uint32_t i = 0; !err && i < count; i++) {
		struct vexipc_batch_item item = {
			.length = htole32((uint32_t)items[i].iov_len),
		};

		err = vxi_out_put(o, &item, sizeof(item));
		if (!err)
			err = vxi_out_put(o, items[i].iov_base, items[i].iov_len);
	}
	if (err)
		return err;
	out_end(o, VEXIPC_MSG_BATCH_REQUEST, request_id, 0);
	return 0;
}

static size_t list_length(const char *const *list)
{
	size_t len = 0;

	for (; list && *list; list++)
		len += strlen(*list) + 1;
	return len;
}

static int put_list(struct out *o, const char *const *list)
{
	int err = 0;

	for (; !err && list && *list; list++)
		err = vxi_out_put(o, *list, strlen(*list) + 1);
	return err;
}

int vxi_build_register(struct out *o, const struct vexipc_service_config *config,
		       uint32_t transport)
{
	uint64_t features = VEXIPC_FEATURE_HEALTH | VEXIPC_FEATURE_FRAGMENTS;
	struct vexipc_register_body body = {
		.version_min = htole32(VEXIPC_PROTOCOL_VERSION),
		.version_max = htole32(VEXIPC_PROTOCOL_VERSION),
		.transport = htole32(transport),
		.max_batch = htole32(config->max_batch),
		.data_types = htole32(config->data_types),
		.priority = htole32(config->priority),
		.weight = htole32(config->weight),
		.max_concurrent = htole32(config->max_concurrent),
		.latency_us = htole32(config->latency_us),
		.throughput = htole32(config->throughput),
		.dimensions_count = htole32(config->dimensions_count),
		.id_len = htole32((uint32_t)length_of(config->id)),
		.name_len = htole32((uint32_t)length_of(config->name)),
		.software_version_len = htole32((uint32_t)length_of(config->software_version)),
		.endpoint_len = htole32((uint32_t)length_of(config->endpoint)),
		.models_len = htole32((uint32_t)list_length(config->models)),
		.metadata_len = htole32((uint32_t)list_length(config->metadata)),
		.token_len = htole32((uint32_t)config->token_len),
	};
	int err;

	if (config->max_batch)
		features |= VEXIPC_FEATURE_BATCH;
	body.features = htole64(features);
	err = vxi_out_put(o, &body, sizeof(body));
	for (uint32_t i = 0; !err && i < config->dimensions_count; i++) {
		uint32_t dims = htole32(config->dimensions[i]);

		err = vxi_out_put(o, &dims, sizeof(dims));
	}
	if (!err)
		err = put_string(o, config->id);
	if (!err)
		err = put_string(o, config->name);
	if (!err)
		err = put_string(o, config->software_version);
	if (!err)
		err = put_string(o, config->endpoint);
	if (!err)
		err = put_list(o, config->models);
	if (!err)
		err = put_list(o, config->metadata);
	if (!err)
		err = vxi_out_put(o, config->token, config->token_len);
	return err;
}
