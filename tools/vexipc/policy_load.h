/* SPDX-License-Identifier: GPL-2.0-only */
/* Policies as BPF objects: loading, replacing, unloading. */
#ifndef VEXIPC_POLICY_LOAD_H
#define VEXIPC_POLICY_LOAD_H

#include <vexipc/vexipc.h>

#define POLICY_DIR	"/sys/fs/bpf/vexipc/policy"

/*
 * Load the policy in a BPF object file, under another @name if one is given; what
 * is loaded under that name is replaced. *replaced tells. @loaded gets its name.
 * EXIT_OK, or having said why not, what to exit with.
 */
int policy_load(const char *file, const char *name, char loaded[VEXIPC_POLICY_NAME_LEN],
		bool *replaced);
/* Detach it and unpin it. @link_id is 0 for one that is detached already. */
int policy_unload(const char *name, uint32_t link_id);

#endif
