// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routing by what is asked: long texts go to the services of the lower tier,
 * which have time for them, short ones to those of the higher; and where a
 * service lists the model asked for, those that take any model are spared.
 * Among the fitting ones, the one with the least in hand.
 */
#include "policy.h"

char LICENSE[] SEC("license") = "GPL";

/* Bytes from which a text is long; vexipc policy load does not touch it. */
const volatile __u32 long_text = 2048;

SEC("struct_ops/by_content_select")
int BPF_PROG(by_content_select, const struct vexipc_policy_request *req)
{
	const struct vexipc_policy_candidate *c = candidates_of(req);
	int i, best = -1;
	__u64 least = ~0ull;

	if (!c)
		return -1;
	for_each_candidate(i, req) {
		__u32 tier = c[i].priority & 255;
		__u64 rank;

		/* What counts most is in the highest bits; less is better. */
		rank = (req->model_len && !(c[i].flags & VEXIPC_CANDIDATE_MODEL)) ? 1 : 0;
		rank = rank << 8 | (req->content_len >= long_text ? tier : 255 - tier);
		rank = rank << 32 | (c[i].in_flight + c[i].queued);
		if (rank < least) {
			least = rank;
			best = i;
		}
	}
	return best;
}

SEC(".struct_ops.link")
struct vexipc_balancer_ops by_content = {
	.select = (void *)by_content_select,
	.name = "content",
};
