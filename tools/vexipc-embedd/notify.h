/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VEXIPC_EMBEDD_NOTIFY_H
#define VEXIPC_EMBEDD_NOTIFY_H

/**
 * notify() - tell the service manager, if there is one
 * @state: as sd_notify(3): "READY=1", "STOPPING=1", "STATUS=..."
 *
 * Return: 0, also without a manager; or a negative errno.
 */
int notify(const char *state);

#endif
