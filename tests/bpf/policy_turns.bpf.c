// SPDX-License-Identifier: GPL-2.0-only
/* The first candidate a hundred times, then what is no candidate's index. */
#include "policy.h"

char LICENSE[] SEC("license") = "GPL";

enum { GOOD = 100 };

__u64 asked;

SEC("struct_ops/turns_select")
int BPF_PROG(turns_select, const struct vexipc_policy_request *req)
{
	return __sync_fetch_and_add(&asked, 1) < GOOD ? 0 : req->candidates;
}

SEC(".struct_ops.link")
struct vexipc_balancer_ops turns = {
	.select = (void *)turns_select,
	.name = "turns",
};
