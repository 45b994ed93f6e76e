/* SPDX-License-Identifier: GPL-2.0-only */
/* Where BPF objects are pinned. */
#ifndef VEXIPC_BPF_FS_H
#define VEXIPC_BPF_FS_H

#define BPF_FS	"/sys/fs/bpf"

/* Mount it, unless it is. 0, or a negative errno. */
int bpf_fs_mount(void);

#endif
