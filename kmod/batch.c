// SPDX-License-Identifier: GPL-2.0-only
/* Batches: several items in one message, several results in its answer. */
#include <linux/errno.h>
#include <linux/string.h>

#include "batch.h"
#include "error.h"
#include "protocol.h"

/**
 * vexipc_batch_check_items() - do these bytes hold so many items?
 * @items: struct vexipc_batch_item, each followed by its bytes
 * @len: bytes in all
 * @count: items announced
 *
 * Return: 0, -EINVAL.
 */
int vexipc_batch_check_items(const void *items, u32 len, u32 count)
{
	struct vexipc_batch_item item;

	if (!count || count > VEXIPC_MAX_BATCH)
		return -EINVAL;
	while (count--) {
		u32 n;

		if (len < sizeof(item))
			return -EINVAL;
		/* Items follow each other without padding. */
		memcpy(&item, items, sizeof(item));
		items += sizeof(item);
		len -= sizeof(item);
		n = le32_to_cpu(item.length);
		if (!n || n > len || item.reserved)
			return -EINVAL;
		items += n;
		len -= n;
	}
	return len ? -EINVAL : 0;
}

/**
 * vexipc_batch_check_results() - do these bytes hold so many fitting results?
 * @results: struct vexipc_batch_result, each followed by its vector
 * @len: bytes in all
 * @count: items asked for
 * @dimensions: asked for, 0 any
 * @data_type: asked for
 *
 * Return: 0, -EPROTO.
 */
int vexipc_batch_check_results(const void *results, u32 len, u32 count,
			       u32 dimensions, u32 data_type)
{
	struct vexipc_batch_result result;

	while (count--) {
		u32 dims, bytes;

		if (len < sizeof(result))
			return -EPROTO;
		memcpy(&result, results, sizeof(result));
		results += sizeof(result);
		len -= sizeof(result);
		dims = le32_to_cpu(result.dimensions);
		bytes = le32_to_cpu(result.vector_bytes);
		if (!vexipc_batch_kind_ok(&result) || le32_to_cpu(result.error) >= VEXIPC_ERRORS ||
		    bytes > len)
			return -EPROTO;
		if (result.error) {
			if (bytes)
				return -EPROTO;
			continue;
		}
		if (!dims || dims > VEXIPC_MAX_DIMENSIONS ||
		    (dimensions && dims != dimensions) ||
		    le32_to_cpu(result.data_type) != data_type ||
		    bytes != vexipc_vector_bytes(data_type, dims))
			return -EPROTO;
		results += bytes;
		len -= bytes;
	}
	return len ? -EPROTO : 0;
}
