// SPDX-License-Identifier: GPL-2.0-only
/* The candidate with the highest weight. */
#include "policy.h"

char LICENSE[] SEC("license") = "GPL";

SEC("struct_ops/weight_select")
int BPF_PROG(weight_select, const struct vexipc_policy_request *req)
{
	const struct vexipc_policy_candidate *c = candidates_of(req);
	int i, best = -1;
	__u32 weight = 0;

	if (!c)
		return -1;
	for_each_candidate(i, req)
		if (c[i].weight > weight) {
			weight = c[i].weight;
			best = i;
		}
	return best;
}

SEC(".struct_ops.link")
struct vexipc_balancer_ops weight = {
	.select = (void *)weight_select,
	.name = "weight",
};
