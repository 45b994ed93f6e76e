// SPDX-License-Identifier: GPL-2.0-only
/* The BPF file system. */
#include <errno.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "bpf_fs.h"

int bpf_fs_mount(void)
{
	struct statfs fs;

	if (statfs(BPF_FS, &fs))
		return -errno;
	if (fs.f_type != BPF_FS_MAGIC && mount("bpf", BPF_FS, "bpf", 0, NULL))
		return -errno;
	return 0;
}
