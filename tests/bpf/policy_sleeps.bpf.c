// SPDX-License-Identifier: GPL-2.0-only
/* Sleepable, which no policy may be. */
#include "policy.h"

char LICENSE[] SEC("license") = "GPL";

SEC("struct_ops.s/sleeps_select")
int BPF_PROG(sleeps_select, const struct vexipc_policy_request *req)
{
	return 0;
}

SEC(".struct_ops.link")
struct vexipc_balancer_ops sleeps = {
	.select = (void *)sleeps_select,
	.name = "sleeps",
};
