// SPDX-License-Identifier: GPL-2.0-only
/* Copies all that there is to see, and leaves the choice to the algorithm. */
#include "policy.h"
#include "policy_sees.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sight);
} sights SEC(".maps");

/* The request is read field by field: two of them at once are none. */
#define SEE(field) (to->field = req->field)

SEC("struct_ops/sees_select")
int BPF_PROG(sees_select, const struct vexipc_policy_request *req)
{
	const struct vexipc_policy_candidate *c = candidates_of(req);
	const __u8 *model = vexipc_policy_model(req, VEXIPC_POLICY_MODEL_LEN);
	volatile struct vexipc_policy_request *to;
	struct sight *s;
	__u32 zero = 0;
	int i;

	s = bpf_map_lookup_elem(&sights, &zero);
	if (!c || !model || !s)
		return -1;
	to = &s->request;
	SEE(instance);
	SEE(request_id);
	SEE(session);
	SEE(deadline_ns);
	SEE(now_ns);
	SEE(candidates);
	SEE(type);
	SEE(dimensions);
	SEE(data_type);
	SEE(content_type);
	SEE(content_len);
	SEE(items);
	SEE(priority);
	SEE(attempt);
	SEE(model_len);
	__builtin_memcpy(s->model, model, sizeof(s->model));
	/* All of them: those beyond the candidates are to be 0. */
	bpf_for(i, 0, VEXIPC_POLICY_CANDIDATES) {
		if (i < 0 || i >= VEXIPC_POLICY_CANDIDATES)
			break;
		__builtin_memcpy(&s->candidate[i], &c[i], sizeof(c[i]));
	}
	for_each_candidate(i, req) {
		const struct vexipc_policy_details *d = details_of(req, i);

		if (!d)
			return -1;
		__builtin_memcpy(&s->details[i], d, sizeof(*d));
	}
	s->beyond = details_of(req, req->candidates) || details_of(req, ~0u);
	s->hash = vexipc_policy_content_hash(req);
	__sync_fetch_and_add(&s->looks, 1);
	return -1;
}

SEC(".struct_ops.link")
struct vexipc_balancer_ops sees = {
	.select = (void *)sees_select,
	.name = "sees",
};
