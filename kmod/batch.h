/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_BATCH_H
#define _VEXIPC_BATCH_H

#include <linux/types.h>

int vexipc_batch_check_items(const void *items, u32 len, u32 count);
int vexipc_batch_check_results(const void *results, u32 len, u32 count,
			       u32 dimensions, u32 data_type);

#endif
