// SPDX-License-Identifier: GPL-2.0-only
/* Reads behind the candidates, which the verifier must see. */
#include "policy.h"

char LICENSE[] SEC("license") = "GPL";

SEC("struct_ops/beyond_select")
int BPF_PROG(beyond_select, const struct vexipc_policy_request *req)
{
	const struct vexipc_policy_candidate *c = candidates_of(req);

	if (!c)
		return -1;
	return c[req->candidates].slot;
}

SEC(".struct_ops.link")
struct vexipc_balancer_ops beyond = {
	.select = (void *)beyond_select,
	.name = "beyond",
};
