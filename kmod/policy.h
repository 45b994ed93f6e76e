/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_POLICY_H
#define _VEXIPC_POLICY_H

#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/vexipc.h>
#include <linux/vexipc_policy.h>

#include "pick.h"

struct bpf_link;
struct vexipc_instance;
struct vexipc_policy;
struct vexipc_service;

/* struct vexipc_policy_figures is what one policy was asked and did. */
struct vexipc_policy_figures {
	u64 calls;
	u64 chosen;
	u64 declined;
	u64 bad_answers;
	u64 overruns;
	u64 total_ns;
	u64 max_ns;
};

/* What a policy has done wrong; with a figure: fault << 56 | figure. */
enum vexipc_policy_fault {
	VEXIPC_FAULT_NONE,
	VEXIPC_FAULT_BAD_ANSWER,	/* the index */
	VEXIPC_FAULT_SLOW,		/* how long it took, us */
};

/**
 * struct vexipc_policy - a policy that is loaded, or was detached
 * @node:	in the list of them
 * @rcu:	frees it
 * @name:	its name
 * @link:	how it is attached; NULL once it is not, and only remembered
 * @ops:	what to call; RCU, changed by an update
 * @figures:	per CPU
 * @loaded_ns:	when it came, CLOCK_MONOTONIC
 * @updates:	how often it was replaced
 * @bad:	bad answers lately: see policy_call.c
 * @overran_ns:	when it last took too long; it is bypassed for a while then
 * @fault:	the last one
 * @condemned:	it is not called any more: 1 is to be detached, 2 is being
 */
struct vexipc_policy {
	struct list_head node;
	struct rcu_head rcu;
	char name[VEXIPC_POLICY_NAME_LEN];
	struct bpf_link *link;
	struct vexipc_balancer_ops __rcu *ops;
	struct vexipc_policy_figures __percpu *figures;
	u64 loaded_ns;
	u32 updates;
	atomic_t bad;
	u64 overran_ns;
	u64 fault;
	atomic_t condemned;
};

/**
 * struct vexipc_policy_user - an instance as a user of policies
 * @node: among those that name one
 * @named: it names one
 * @name: of its policy; empty for none
 * @policy: the one of that name, while it is loaded; RCU
 * @told: it wants to be told how attempts ended
 * @fallbacks: choices that a named policy did not make
 */
struct vexipc_policy_user {
	struct list_head node;
	bool named;
	char name[VEXIPC_POLICY_NAME_LEN];
	struct vexipc_policy __rcu *policy;
	bool told;
	u64 __percpu *fallbacks;
};

/* struct vexipc_policy_snapshot is what select() may look at; one a CPU. */
struct vexipc_policy_snapshot {
	struct vexipc_policy_request request;
	const struct vexipc_pick *pick;
	u32 filled;			/* of candidate, now or before */
	char model[VEXIPC_POLICY_MODEL_LEN];
	struct vexipc_policy_candidate candidate[VEXIPC_POLICY_CANDIDATES];
	struct vexipc_policy_details details[VEXIPC_POLICY_CANDIDATES];
};

/* On while any instance names a policy. */
DECLARE_STATIC_KEY_FALSE(vexipc_policy_key);

bool vexipc_policy_told(const struct vexipc_instance *inst);
bool vexipc_policy_named(struct vexipc_instance *inst, const struct vexipc_request *req);
int vexipc_policy_select(struct vexipc_instance *inst, struct vexipc_pick *pick);
void vexipc_policy_tell(struct vexipc_instance *inst, const struct vexipc_service *svc,
			const struct vexipc_request *req, enum vexipc_error error,
			u64 service_ns);

/**
 * vexipc_policy_in_use() - does a policy choose for this request?
 * @inst: the instance
 * @req: a request that names an algorithm is not for policies
 */
static inline bool vexipc_policy_in_use(struct vexipc_instance *inst,
					const struct vexipc_request *req)
{
	return static_branch_unlikely(&vexipc_policy_key) && vexipc_policy_named(inst, req);
}

/**
 * vexipc_policy_ended() - tell the instance's policy how an attempt ended
 * @inst: the instance
 * @svc: which had it
 * @req: the request
 * @error: how
 * @service_ns: how long the service had it
 *
 * Context: any but hard interrupts.
 */
static inline void vexipc_policy_ended(struct vexipc_instance *inst,
				       const struct vexipc_service *svc,
				       const struct vexipc_request *req,
				       enum vexipc_error error, u64 service_ns)
{
	if (static_branch_unlikely(&vexipc_policy_key) && vexipc_policy_told(inst))
		vexipc_policy_tell(inst, svc, req, error, service_ns);
}

/* policy_call.c */
extern unsigned int vexipc_policy_max_us;
bool vexipc_policy_bypassed(const struct vexipc_policy *policy, u64 now_ns);

/* policy.c: what is loaded, who uses it */
int vexipc_policy_user_init(struct vexipc_instance *inst);
void vexipc_policy_user_exit(struct vexipc_instance *inst);
int vexipc_policy_name(struct vexipc_instance *inst, const char *name, u32 len);
void vexipc_policy_use(struct vexipc_instance *inst, struct vexipc_policy_use *use);
bool vexipc_policy_at(u32 index, struct vexipc_policy_entry *entry);

int vexipc_policy_validate(const struct vexipc_balancer_ops *ops);
int vexipc_policy_add(struct vexipc_balancer_ops *ops, struct bpf_link *link);
void vexipc_policy_remove(struct bpf_link *link);
int vexipc_policy_replace(struct vexipc_balancer_ops *ops, struct bpf_link *link);
void vexipc_policy_condemn(struct vexipc_policy *policy);
void vexipc_policy_exit(void);

/* policy_snapshot.c: what a policy sees */
int vexipc_policy_snapshots_alloc(void);
void vexipc_policy_snapshots_free(void);
struct vexipc_policy_snapshot *vexipc_policy_snapshot(const struct vexipc_instance *inst,
						      const struct vexipc_pick *pick);
void vexipc_policy_fill_candidates(struct vexipc_policy_snapshot *snap);
void vexipc_policy_fill_details(struct vexipc_policy_snapshot *snap, u32 index);
void vexipc_policy_fill_model(struct vexipc_policy_snapshot *snap);
u64 vexipc_policy_hash(const struct vexipc_policy_snapshot *snap);

/* policy_bpf.c: policies as a struct_ops type */
void vexipc_policy_bpf_init(void);
bool vexipc_policy_bpf_offered(void);

/* for policies alone to call */
const u8 *vexipc_policy_candidates(const struct vexipc_policy_request *req,
				   const u32 rdonly_buf_size);
const u8 *vexipc_policy_details(const struct vexipc_policy_request *req, u32 index,
				const u32 rdonly_buf_size);
const u8 *vexipc_policy_model(const struct vexipc_policy_request *req,
			      const u32 rdonly_buf_size);
u64 vexipc_policy_content_hash(const struct vexipc_policy_request *req);

#endif
