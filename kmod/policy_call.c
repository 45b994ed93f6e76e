// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calling a policy, and watching it. Whether it is of use shows only when it
 * returns; then it can be left out.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/moduleparam.h>

#include "instance.h"
#include "policy.h"
#include "registry.h"
#include "request.h"

enum {
	BAD_ANSWER	= 8,	/* what one weighs; a good one takes 1 away */
	BAD_ANSWERS_MAX	= 64,
	BYPASS_MS	= 1000,
	OVERRUN_SPAN_MS	= 10000,
};

/*
 * Long enough for a virtual processor that is not always running, short enough
 * to be felt by no one.
 */
unsigned int vexipc_policy_max_us = 20000;
module_param_named(policy_max_us, vexipc_policy_max_us, uint, 0644);
MODULE_PARM_DESC(policy_max_us, "a policy that takes longer to choose is bypassed, then detached");

static void note_fault(struct vexipc_policy *policy, enum vexipc_policy_fault fault, u64 figure)
{
	WRITE_ONCE(policy->fault, (u64)fault << 56 | figure);
}

static void bad_answer(struct vexipc_policy *policy, int index)
{
	this_cpu_inc(policy->figures->bad_answers);
	note_fault(policy, VEXIPC_FAULT_BAD_ANSWER, (u32)index);
	if (atomic_add_return(BAD_ANSWER, &policy->bad) >= BAD_ANSWERS_MAX)
		vexipc_policy_condemn(policy);
}

/*
 * Time the processor was taken away counts as well, so once is forgiven: the
 * policy is left out for a second. One that began before that is the same
 * overrun, seen on another CPU.
 */
static void overran(struct vexipc_policy *policy, u64 now, u64 took)
{
	u64 last = READ_ONCE(policy->overran_ns);

	this_cpu_inc(policy->figures->overruns);
	note_fault(policy, VEXIPC_FAULT_SLOW, div_u64(took, NSEC_PER_USEC));
	if (last && now - took <= last)
		return;
	WRITE_ONCE(policy->overran_ns, now);
	if (last && now - last < (u64)OVERRUN_SPAN_MS * NSEC_PER_MSEC)
		vexipc_policy_condemn(policy);
}

static void watch(struct vexipc_policy *policy, u64 began)
{
	struct vexipc_policy_figures *figures = this_cpu_ptr(policy->figures);
	u64 now = ktime_get_ns(), took = now - began;

	figures->total_ns += took;
	if (took > figures->max_ns)
		figures->max_ns = took;
	if (took > (u64)READ_ONCE(vexipc_policy_max_us) * NSEC_PER_USEC)
		overran(policy, now, took);
}

/* vexipc_policy_bypassed() - is it left out, at this time? */
bool vexipc_policy_bypassed(const struct vexipc_policy *policy, u64 now)
{
	u64 overran_ns = READ_ONCE(policy->overran_ns);

	return atomic_read(&policy->condemned) ||
	       (overran_ns && now - overran_ns < (u64)BYPASS_MS * NSEC_PER_MSEC);
}

/* vexipc_policy_named() - see vexipc_policy_in_use() */
bool vexipc_policy_named(struct vexipc_instance *inst, const struct vexipc_request *req)
{
	return !req->algorithm && READ_ONCE(inst->policy.named);
}

/**
 * vexipc_policy_select() - have the instance's policy choose
 * @inst: the instance
 * @pick: request and candidates, at least one
 *
 * Context: bottom halves off, under RCU.
 * Return: index of a candidate; negative, and the built-in algorithm chooses.
 */
int vexipc_policy_select(struct vexipc_instance *inst, struct vexipc_pick *pick)
{
	struct vexipc_policy *policy = rcu_dereference_bh(inst->policy.policy);
	const struct vexipc_balancer_ops *ops;
	struct vexipc_policy_snapshot *snap;
	int index;

	if (!policy)
		goto fall_back;
	snap = vexipc_policy_snapshot(inst, pick);
	ops = rcu_dereference_bh(policy->ops);
	if (!ops || vexipc_policy_bypassed(policy, snap->request.now_ns))
		goto fall_back;

	this_cpu_inc(policy->figures->calls);
	index = ops->select(&snap->request);
	watch(policy, snap->request.now_ns);
	if (index < 0) {
		this_cpu_inc(policy->figures->declined);
		goto fall_back;
	}
	if (index >= pick->count) {
		bad_answer(policy, index);
		goto fall_back;
	}
	if (atomic_read(&policy->bad))
		atomic_dec_if_positive(&policy->bad);
	this_cpu_inc(policy->figures->chosen);
	return index;

fall_back:
	this_cpu_inc(*inst->policy.fallbacks);
	return -ENOENT;
}

/* vexipc_policy_told() - see vexipc_policy_ended() */
bool vexipc_policy_told(const struct vexipc_instance *inst)
{
	return READ_ONCE(inst->policy.told);
}

/* vexipc_policy_tell() - see vexipc_policy_ended() */
void vexipc_policy_tell(struct vexipc_instance *inst, const struct vexipc_service *svc,
			const struct vexipc_request *req, enum vexipc_error error,
			u64 service_ns)
{
	const struct vexipc_balancer_ops *ops;
	struct vexipc_policy *policy;
	u64 now;

	rcu_read_lock_bh();
	policy = rcu_dereference_bh(inst->policy.policy);
	ops = policy ? rcu_dereference_bh(policy->ops) : NULL;
	if (ops && ops->on_complete) {
		struct vexipc_policy_result result = {
			.instance = inst->cookie,
			.handle = svc->handle,
			.session = req->session,
			.service_ns = service_ns,
			.slot = svc->slot,
			.error = error,
			.content_len = req->content_len,
			.items = req->count,
		};

		now = ktime_get_ns();
		if (!vexipc_policy_bypassed(policy, now)) {
			ops->on_complete(&result);
			watch(policy, now);
		}
	}
	rcu_read_unlock_bh();
}
