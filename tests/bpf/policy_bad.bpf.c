// SPDX-License-Identifier: GPL-2.0-only
/* Answers with what is no candidate's index. */
#include "policy.h"

char LICENSE[] SEC("license") = "GPL";

SEC("struct_ops/bad_select")
int BPF_PROG(bad_select, const struct vexipc_policy_request *req)
{
	return req->candidates + 1000;
}

SEC(".struct_ops.link")
struct vexipc_balancer_ops bad = {
	.select = (void *)bad_select,
	.name = "bad",
};
