/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_URING_H
#define _VEXIPC_URING_H

struct io_uring_cmd;

int vexipc_device_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);

#endif
