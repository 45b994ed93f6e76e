/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_SUBMIT_CALL_H
#define _VEXIPC_SUBMIT_CALL_H

struct vexipc_context;
struct vexipc_file;
struct vexipc_submit;

int vexipc_submit_call(struct vexipc_context *ctx, struct vexipc_file *file,
		       struct vexipc_submit *arg);

#endif
