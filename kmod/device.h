/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_DEVICE_H
#define _VEXIPC_DEVICE_H

#include <linux/wait.h>

#include "endpoint.h"

struct file;
struct vexipc_ring;

/**
 * struct vexipc_file - an open descriptor of the device
 * @ep:	   its endpoint
 * @net:   the namespace it was opened in; a reference
 * @wait:  readers and pollers
 * @owner: files table of the process that registered a service through it
 * @ring:  its ring, once it has one; goes with the endpoint
 * @pressed: was told to come back, and not yet that there is room
 */
struct vexipc_file {
	struct vexipc_endpoint ep;
	struct net *net;
	wait_queue_head_t wait;
	void *owner;
	struct vexipc_ring *ring;
	bool pressed;
};

long vexipc_device_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);
void vexipc_device_done(struct vexipc_file *file, struct vexipc_out *out);
void vexipc_device_untake(struct vexipc_file *file, struct vexipc_out *out);
void vexipc_device_refused(struct vexipc_file *file, int err);
bool vexipc_device_next_size(struct vexipc_file *file, u32 *size);
void vexipc_device_note_owner(struct vexipc_file *file);
int vexipc_device_init(void);
void vexipc_device_exit(void);

#endif
