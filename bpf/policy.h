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
extern const __u8 *vexipc_policy_details(const struct vexipc_policy_request *req, __u32 index,
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

/* More of one of them; NULL when there is no such candidate. */
static __always_inline const struct vexipc_policy_details *
details_of(const struct vexipc_policy_request *req, __u32 index)
{
	return (const struct vexipc_policy_details *)
		vexipc_policy_details(req, index, sizeof(struct vexipc_policy_details));
}

/*
 * True; but the verifier takes it for something that is false at some time, and so
 * sees the end of a loop without following each round. An instruction of its own, which
 * not every clang knows by name.
 */
#define vexipc_goes_on()							\
({										\
	__label__ vexipc_ends, vexipc_end;					\
	_Bool vexipc_on = 1;							\
										\
	asm volatile goto("1:.byte 0xe5;"					\
			  ".byte 0;"						\
			  ".long ((%l[vexipc_ends] - 1b - 8) / 8) & 0xffff;"	\
			  ".short 0"						\
			  :::: vexipc_ends);					\
	goto vexipc_end;							\
vexipc_ends:									\
	vexipc_on = 0;								\
vexipc_end:									\
	vexipc_on;								\
})

/* A number of which the compiler knows nothing. */
static __always_inline __u32 vexipc_opaque(__u32 n)
{
	asm volatile("" : "+r"(n));
	return n;
}

/*
 * for_each_candidate(i, req) { ... }: int i goes from 0 to the number of candidates. It
 * is worked out from how many are left, which the verifier does not know: what it knows
 * it would follow number by number.
 */
#define for_each_candidate(i, req)						\
	for (__u32 vexipc_left = vexipc_opaque((req)->candidates);		\
	     vexipc_left &&							\
	     ((i) = vexipc_opaque((req)->candidates - vexipc_left),		\
	      (__u32)(i) < VEXIPC_POLICY_CANDIDATES) && vexipc_goes_on();	\
	     vexipc_left--)

#endif
