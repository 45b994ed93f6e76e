/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_ERROR_H
#define _VEXIPC_ERROR_H

#include <linux/vexipc.h>

/* The one table of what can go wrong; see enum vexipc_error. */
int vexipc_error_errno(enum vexipc_error error);
enum vexfs_error vexipc_error_class(enum vexipc_error error);
enum vexipc_error vexipc_error_from_errno(int err);
const char *vexipc_error_name(enum vexipc_error error);

#endif
