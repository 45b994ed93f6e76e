// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Batches that are waited for. Through the device it is one ioctl, and each item
 * a request of its own. Through netlink it is as few messages as services take;
 * what no service takes whole is asked again in halves, down to single requests.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "client.h"

enum {
	MOST_VECTOR = VEXIPC_MAX_DIMENSIONS * 4,
	SMALL = 8192,
};

static uint64_t address_of(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static uint32_t length_of(const char *s)
{
	return s ? (uint32_t)strnlen(s, UINT32_MAX) : 0;
}

static void clear(struct vexipc_result *result)
{
	*result = (struct vexipc_result) { .vector = result->vector, .room = result->room };
}

static int failed(struct vexipc_completion *completion, int err)
{
	completion->count = 0;
	completion->result.error = vexipc_error_from_errno(err);
	return err;
}

/* ------------------------------------------------------------ the device -- */

static void take_item(const struct vexipc_embed_item *item, uint32_t data_type,
		     struct vexipc_result *result)
{
	clear(result);
	result->request_id = item->request_id;
	result->service_handle = item->service_handle;
	result->queue_ns = item->queue_ns;
	result->service_ns = item->service_ns;
	result->retry_after_ms = item->retry_after_ms;
	result->attempts = item->attempts;
	result->error = item->status;
	if (item->status)
		return;
	result->dimensions = item->dimensions;
	result->data_type = data_type;
	result->scale = float_of(item->scale);
	result->vector_bytes = item->vector_bytes;
}

static int batch_ioctl(struct vexipc_client *client, const struct vexipc_embed_params *params,
		       const struct iovec *items, uint32_t count,
		       struct vexipc_completion *completion)
{
	size_t most = params->dimensions ?
		      vexipc_vector_bytes(params->data_type, params->dimensions) : MOST_VECTOR;
	struct vexipc_embed_item *item = calloc(count, sizeof(*item));
	struct vexipc_embed_batch arg = {
		.items_ptr = address_of(item),
		.model_ptr = address_of(params->model),
		.service_ptr = address_of(params->service),
		.session = params->session,
		.count = count,
		.item_size = sizeof(*item),
		.model_len = length_of(params->model),
		.service_len = length_of(params->service),
		.dimensions = params->dimensions,
		.data_type = params->data_type,
		.content_type = params->content_type,
		.priority = params->priority,
		.timeout_ms = params->timeout_ms,
		.algorithm = params->algorithm,
	};
	int err = item ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < count; i++) {
		struct vexipc_result *result = &completion->items[i];

		err = vxi_grow(&result->vector, &result->room, most ? most : MOST_VECTOR);
		item[i].data_ptr = address_of(items[i].iov_base);
		item[i].data_size = (uint32_t)(items[i].iov_len > UINT32_MAX ? UINT32_MAX :
					       items[i].iov_len);
		item[i].result_ptr = address_of(result->vector);
		item[i].result_size = (uint32_t)(result->room > UINT32_MAX ? UINT32_MAX :
						 result->room);
	}
	if (!err && ioctl(client->ch->fd, VEXIPC_IOC_EMBED_BATCH, &arg) < 0)
		err = -errno;
	/* After a signal the items tell what was answered before it. */
	if (!err || err == -EINTR) {
		for (uint32_t i = 0; i < count; i++)
			take_item(&item[i], params->data_type, &completion->items[i]);
		completion->count = count;
	}
	free(item);
	return err;
}

/* --------------------------------------------------------------- netlink -- */

/* A stretch of the batch as one message. The whole of it may fail. */
static int ask_whole(struct vexipc_client *client, const struct vexipc_embed_params *params,
		     const struct iovec *items, uint32_t count,
		     struct vexipc_completion *part)
{
	uint64_t id = vxi_client_id(client);
	uint64_t small[SMALL / 8];
	struct out o;
	int err;

	part->count = 0;
	clear(&part->result);
	vxi_out_begin(&o, small, sizeof(small));
	err = vxi_build_batch(&o, params, items, count, id);
	if (!err)
		err = vxi_client_transact(client, &o, id, part);
	vxi_out_free(&o);
	/* One that answers another count has answered something else. */
	return !err && part->count != count ? -EPROTO : err;
}

static void swap(struct vexipc_result *a, struct vexipc_result *b)
{
	struct vexipc_result c = *a;

	*a = *b;
	*b = c;
}

/* May fewer items at once do what these did not? */
static bool smaller_may_do(int err)
{
	return err == -ENODEV || err == -EMSGSIZE || err == -EINVAL;
}

static int batch_in_parts(struct vexipc_client *client,
			  const struct vexipc_embed_params *params,
			  const struct iovec *items, uint32_t count,
			  struct vexipc_completion *completion)
{
	struct vexipc_embed_params single = *params;
	struct vexipc_completion part = { 0 };
	uint32_t n, size = count;
	int err = 0;

	single.request_id = 0;
	for (uint32_t at = 0; at < count && err != -EINTR; at += n) {
		struct vexipc_result *result = &completion->items[at];

		n = size < count - at ? size : count - at;
		if (n == 1) {
			single.content = items[at].iov_base;
			single.content_len = items[at].iov_len;
			err = vexipc_embed(client, &single, result);
			continue;
		}
		err = ask_whole(client, &single, items + at, n, &part);
		if (smaller_may_do(err)) {
			size = n / 2;
			n = 0;
			continue;
		}
		for (uint32_t i = 0; i < n; i++) {
			if (!err) {
				swap(&result[i], &part.items[i]);
				continue;
			}
			clear(&result[i]);
			result[i].error = part.result.error ? part.result.error :
					  vexipc_error_from_errno(err);
			result[i].attempts = part.result.attempts;
			result[i].retry_after_ms = part.result.retry_after_ms;
			memcpy(result[i].text, part.result.text, sizeof(result[i].text));
		}
	}
	vexipc_completion_free(&part);
	completion->count = count;
	/* That items failed is told with them. */
	return err == -EINTR ? err : 0;
}

int vexipc_embed_batch(struct vexipc_client *client, const struct vexipc_embed_params *params,
		       const struct iovec *items, uint32_t count,
		       struct vexipc_completion *completion)
{
	size_t total = 0;
	int err;

	clear(&completion->result);
	completion->count = 0;
	completion->batch = true;
	if (!count)
		return failed(completion, -EINVAL);
	if (count > VEXIPC_MAX_BATCH)
		return failed(completion, -EMSGSIZE);
	for (uint32_t i = 0; i < count; i++) {
		/* What is too large by itself is refused by itself. */
		if (items[i].iov_len <= VEXIPC_MAX_MESSAGE)
			total += items[i].iov_len;
	}
	if (total > VEXIPC_MAX_MESSAGE)
		return failed(completion, -EMSGSIZE);
	err = vxi_completion_items(completion, count);
	if (err)
		return failed(completion, err);
	for (uint32_t i = 0; i < count; i++) {
		clear(&completion->items[i]);
		/* Unless something else comes of it. */
		completion->items[i].error = VEXIPC_ERR_INTERRUPTED;
	}
	if (client->ch->ops->transport == VEXIPC_TRANSPORT_CHARDEV)
		err = batch_ioctl(client, params, items, count, completion);
	else
		err = batch_in_parts(client, params, items, count, completion);
	if (err)
		completion->result.error = vexipc_error_from_errno(err);
	return err;
}
