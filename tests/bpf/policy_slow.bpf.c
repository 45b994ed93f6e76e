// SPDX-License-Identifier: GPL-2.0-only
/* Takes its time: more than policy_max_us. */
#include "policy.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u64 takes_ns = 60000000;

SEC("struct_ops/slow_select")
int BPF_PROG(slow_select, const struct vexipc_policy_request *req)
{
	__u64 until = bpf_ktime_get_ns() + takes_ns;
	int i;

	bpf_for(i, 0, 8000000)
		if (bpf_ktime_get_ns() > until)
			break;
	return 0;
}

SEC(".struct_ops.link")
struct vexipc_balancer_ops slow = {
	.select = (void *)slow_select,
	.name = "slow",
};
