// SPDX-License-Identifier: GPL-2.0-only
/* Its init() does not want to. */
#include "policy.h"

char LICENSE[] SEC("license") = "GPL";

SEC("struct_ops/refuses_select")
int BPF_PROG(refuses_select, const struct vexipc_policy_request *req)
{
	return 0;
}

SEC("struct_ops/refuses_init")
int BPF_PROG(refuses_init)
{
	return -95;
}

SEC(".struct_ops.link")
struct vexipc_balancer_ops refuses = {
	.select = (void *)refuses_select,
	.init = (void *)refuses_init,
	.name = "refuses",
};
