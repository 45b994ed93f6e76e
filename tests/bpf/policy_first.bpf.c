// SPDX-License-Identifier: GPL-2.0-only
/* The candidate in the lowest slot; counts what it is told. */
#include "policy.h"

char LICENSE[] SEC("license") = "GPL";

struct counts {
	__u64 selected, completed, failed, hash;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counts);
} first_counts SEC(".maps");

SEC("struct_ops/first_select")
int BPF_PROG(first_select, const struct vexipc_policy_request *req)
{
	const struct vexipc_policy_candidate *c = candidates_of(req);
	struct counts *counts;
	__u32 slot = ~0u, zero = 0;
	int i, best = -1;

	counts = bpf_map_lookup_elem(&first_counts, &zero);
	if (!c || !counts)
		return -1;
	for_each_candidate(i, req)
		if (c[i].slot < slot) {
			slot = c[i].slot;
			best = i;
		}
	__sync_fetch_and_add(&counts->selected, 1);
	counts->hash = vexipc_policy_content_hash(req);
	return best;
}

SEC("struct_ops/first_complete")
void BPF_PROG(first_complete, const struct vexipc_policy_result *result)
{
	__u32 zero = 0;
	struct counts *counts = bpf_map_lookup_elem(&first_counts, &zero);

	if (!counts)
		return;
	if (result->error)
		__sync_fetch_and_add(&counts->failed, 1);
	else
		__sync_fetch_and_add(&counts->completed, 1);
}

SEC(".struct_ops.link")
struct vexipc_balancer_ops first = {
	.select = (void *)first_select,
	.on_complete = (void *)first_complete,
	.name = "first",
};
