/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_BATCH_H
#define _VEXIPC_BATCH_H

#include <linux/types.h>
#include <asm/byteorder.h>
#include <linux/vexipc.h>

/* vexipc_batch_kind_ok() - only a failure has a kind, and one that is known */
static inline bool vexipc_batch_kind_ok(const struct vexipc_batch_result *result)
{
	return !(le32_to_cpu(result->kind) & ~VEXIPC_ERROR_KINDS) &&
	       (result->error || !result->kind);
}

int vexipc_batch_check_items(const void *items, u32 len, u32 count);
int vexipc_batch_check_results(const void *results, u32 len, u32 count,
			       u32 dimensions, u32 data_type);

#endif
