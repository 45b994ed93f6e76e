/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * What a balancing policy in BPF includes, in place of vmlinux.h; see
 * <linux/vexipc_policy.h> for what it sees.
 */
#ifndef VEXIPC_BPF_POLICY_H
#define VEXIPC_BPF_POLICY_H

#include <linux/bpf.h>
#include <linux/vexipc_policy.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

extern const __u8 *vexipc_policy_candidates(const struct vexipc_policy_request *req,
					    const __u32 rdonly_buf_size) __ksym;
extern const __u8 *vexipc_policy_model(const struct vexipc_policy_request *req,
				       const __u32 rdonly_buf_size) __ksym;
extern __u64 vexipc_policy_content_hash(const struct vexipc_policy_request *req) __ksym;

/* An array of VEXIPC_POLICY_CANDIDATES, of which req->candidates are any. */
static __always_inline const struct vexipc_policy_candidate *
candidates_of(const struct vexipc_policy_request *req)
{
	return (const struct vexipc_policy_candidate *)
		vexipc_policy_candidates(req, VEXIPC_POLICY_CANDIDATES *
					      sizeof(struct vexipc_policy_candidate));
}

/*
 * for_each_candidate(i, req) { ... }: i goes from 0 to the number of candidates,
 * in a way that the verifier sees the end of.
 */
#define for_each_candidate(i, req)						\
	bpf_for(i, 0, (int)(req)->candidates)					\
		if ((i) < 0 || (i) >= VEXIPC_POLICY_CANDIDATES) break; else

#endif
