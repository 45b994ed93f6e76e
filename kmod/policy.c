// SPDX-License-Identifier: GPL-2.0-only
/*
 * Balancing policies: which are loaded, which instances use them, and what
 * happens to one that misbehaves.
 *
 * Policies are of the whole machine, and each instance names the one it wants.
 * One that answers nonsense again and again, or takes too long, is no longer
 * called from that moment on, and detached by a work item; the instances that
 * named it get an alert and their built-in algorithm.
 */
#include <linux/bpf.h>
#include <linux/ctype.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "alert.h"
#include "instance.h"
#include "policy.h"

enum {
	MAX_POLICIES	= 64,
	MAX_REMEMBERED	= 16,	/* of those that were detached */
};

DEFINE_STATIC_KEY_FALSE(vexipc_policy_key);

/*
 * Guards both lists and what hangs on them but for what is under RCU. Taken
 * inside BPF's lock for updates of links, so nothing that takes that may be
 * called with it.
 */
static DEFINE_MUTEX(policies_lock);
static LIST_HEAD(policies);
static LIST_HEAD(users);

static void detach_condemned(struct work_struct *work);
static DECLARE_WORK(detach_work, detach_condemned);

/**
 * vexipc_policy_condemn() - call it no more, and detach it
 * @policy: the policy
 *
 * Context: any.
 */
void vexipc_policy_condemn(struct vexipc_policy *policy)
{
	if (!atomic_cmpxchg(&policy->condemned, 0, 1))
		schedule_work(&detach_work);
}

/* --------------------------------------------------------- what is loaded -- */

static struct vexipc_policy *by_name(const char *name)
{
	struct vexipc_policy *policy;

	lockdep_assert_held(&policies_lock);
	list_for_each_entry(policy, &policies, node)
		if (!strcmp(policy->name, name))
			return policy;
	return NULL;
}

static struct vexipc_policy *by_link(const struct bpf_link *link)
{
	struct vexipc_policy *policy;

	lockdep_assert_held(&policies_lock);
	list_for_each_entry(policy, &policies, node)
		if (policy->link == link)
			return policy;
	return NULL;
}

/* With NULL it uses none. @ops: the policy's, or those that it is about to have. */
static void use(struct vexipc_policy_user *user, struct vexipc_policy *policy,
		const struct vexipc_balancer_ops *ops)
{
	bool told = ops && ops->on_complete;

	lockdep_assert_held(&policies_lock);
	/* True before it can be asked, false after: vexipc_policy_tell() looks again. */
	if (told)
		WRITE_ONCE(user->told, true);
	rcu_assign_pointer(user->policy, policy);
	if (!told)
		WRITE_ONCE(user->told, false);
}

/* Have all who name it use it; with NULL, nobody. */
static void connect(const char *name, struct vexipc_policy *policy,
		    const struct vexipc_balancer_ops *ops)
{
	struct vexipc_policy_user *user;

	lockdep_assert_held(&policies_lock);
	list_for_each_entry(user, &users, node)
		if (!strcmp(user->name, name))
			use(user, policy, ops);
}

static void policy_free(struct rcu_head *rcu)
{
	struct vexipc_policy *policy = container_of(rcu, struct vexipc_policy, rcu);

	free_percpu(policy->figures);
	kfree(policy);
}

static void forget(struct vexipc_policy *policy)
{
	list_del(&policy->node);
	call_rcu(&policy->rcu, policy_free);
}

/* Of those remembered, the oldest goes when there are too many. */
static void trim_remembered(void)
{
	struct vexipc_policy *policy, *oldest = NULL;
	u32 count = 0;

	list_for_each_entry(policy, &policies, node) {
		if (policy->link)
			continue;
		oldest = oldest ?: policy;
		count++;
	}
	if (count > MAX_REMEMBERED)
		forget(oldest);
}

static u32 loaded_count(void)
{
	struct vexipc_policy *policy;
	u32 count = 0;

	list_for_each_entry(policy, &policies, node)
		count += !!policy->link;
	return count;
}

/**
 * vexipc_policy_validate() - is this a policy?
 * @ops: may be half filled
 *
 * Return: 0, -EINVAL without select() or with a name that is none.
 */
int vexipc_policy_validate(const struct vexipc_balancer_ops *ops)
{
	u32 len = strnlen(ops->name, sizeof(ops->name));

	if (!ops->select || !len || len == sizeof(ops->name))
		return -EINVAL;
	for (u32 i = 0; i < len; i++)
		if (!isascii(ops->name[i]) || !isgraph(ops->name[i]))
			return -EINVAL;
	return 0;
}

/**
 * vexipc_policy_add() - a policy is loaded
 * @ops: stay until vexipc_policy_remove() or vexipc_policy_replace() returned
 *	 and an RCU grace period passed
 * @link: by which it can be detached
 *
 * Context: may sleep.
 * Return: 0; -EINVAL no link; -EEXIST one of this name is loaded; -ENOSPC too
 * many are; -ENOMEM; what init() returned.
 */
int vexipc_policy_add(struct vexipc_balancer_ops *ops, struct bpf_link *link)
{
	struct vexipc_policy *policy, *old;
	int err;

	if (!link)
		return -EINVAL;
	policy = kzalloc(sizeof(*policy), GFP_KERNEL);
	if (!policy)
		return -ENOMEM;
	policy->figures = alloc_percpu(struct vexipc_policy_figures);
	if (!policy->figures) {
		kfree(policy);
		return -ENOMEM;
	}
	strscpy(policy->name, ops->name);
	policy->link = link;
	policy->loaded_ns = ktime_get_ns();
	RCU_INIT_POINTER(policy->ops, ops);

	mutex_lock(&policies_lock);
	old = by_name(policy->name);
	if (old && old->link)
		err = -EEXIST;
	else if (loaded_count() >= MAX_POLICIES)
		err = -ENOSPC;
	else
		err = ops->init ? ops->init() : 0;
	if (!err) {
		if (old)
			forget(old);
		list_add_tail(&policy->node, &policies);
		connect(policy->name, policy, ops);
	}
	mutex_unlock(&policies_lock);
	if (err) {
		policy_free(&policy->rcu);
		/* Whatever a program returns. */
		return err < 0 && err >= -MAX_ERRNO ? err : -EINVAL;
	}
	return 0;
}

/**
 * vexipc_policy_remove() - a policy is detached, by whomever
 * @link: of vexipc_policy_add()
 *
 * Context: may sleep. When it returns, nobody is in the policy any more.
 */
void vexipc_policy_remove(struct bpf_link *link)
{
	struct vexipc_balancer_ops *ops;
	struct vexipc_policy *policy;

	mutex_lock(&policies_lock);
	policy = by_link(link);
	if (!policy) {
		mutex_unlock(&policies_lock);
		return;
	}
	connect(policy->name, NULL, NULL);
	ops = rcu_replace_pointer(policy->ops, NULL, lockdep_is_held(&policies_lock));
	policy->link = NULL;
	/* Why one was detached can be asked for; the others went as they were told. */
	if (atomic_read(&policy->condemned)) {
		list_move_tail(&policy->node, &policies);
		trim_remembered();
	} else {
		forget(policy);
	}
	mutex_unlock(&policies_lock);

	synchronize_rcu();
	if (ops->exit)
		ops->exit();
}

/**
 * vexipc_policy_replace() - another takes a policy's place, between two choices
 * @ops: the other, of the same name
 * @link: of vexipc_policy_add()
 *
 * Context: may sleep.
 * Return: 0; -EINVAL another name; -ENOLINK it is detached, or about to be; what
 * init() returned.
 */
int vexipc_policy_replace(struct vexipc_balancer_ops *ops, struct bpf_link *link)
{
	struct vexipc_balancer_ops *old = NULL;
	struct vexipc_policy *policy;
	int err;

	mutex_lock(&policies_lock);
	policy = by_link(link);
	if (!policy || atomic_read(&policy->condemned))
		err = -ENOLINK;
	else if (strcmp(policy->name, ops->name))
		err = -EINVAL;
	else
		err = ops->init ? ops->init() : 0;
	if (!err) {
		/* What it wants to be told may change. */
		if (ops->on_complete)
			connect(policy->name, policy, ops);
		old = rcu_replace_pointer(policy->ops, ops, lockdep_is_held(&policies_lock));
		if (!ops->on_complete)
			connect(policy->name, policy, ops);
		policy->updates++;
		atomic_set(&policy->bad, 0);
		WRITE_ONCE(policy->overran_ns, 0);
	}
	mutex_unlock(&policies_lock);
	if (err)
		return err < 0 && err >= -MAX_ERRNO ? err : -EINVAL;

	synchronize_rcu();
	if (old->exit)
		old->exit();
	return 0;
}

/* Its link, held, of a policy that is to be detached; its name. */
static struct bpf_link *next_condemned(char *name)
{
	struct bpf_link *link = NULL;
	struct vexipc_policy *policy;

	mutex_lock(&policies_lock);
	list_for_each_entry(policy, &policies, node) {
		if (!policy->link || atomic_read(&policy->condemned) != 1)
			continue;
		/* One that has no references is on its way out by itself. */
		link = bpf_link_inc_not_zero(policy->link);
		atomic_set(&policy->condemned, 2);
		if (!IS_ERR(link)) {
			strscpy(name, policy->name, VEXIPC_POLICY_NAME_LEN);
			break;
		}
		link = NULL;
	}
	mutex_unlock(&policies_lock);
	return link;
}

static void reason_of(const struct vexipc_policy *policy, char *text, size_t room)
{
	u64 fault = READ_ONCE(policy->fault);
	u64 figure = fault << 8 >> 8;

	switch ((enum vexipc_policy_fault)(fault >> 56)) {
	case VEXIPC_FAULT_NONE:
		*text = '\0';
		break;
	case VEXIPC_FAULT_BAD_ANSWER:
		snprintf(text, room, "select returned %llu, beyond the candidates", figure);
		break;
	case VEXIPC_FAULT_SLOW:
		snprintf(text, room, "took %llu us, more than policy_max_us=%u", figure,
			 READ_ONCE(vexipc_policy_max_us));
		break;
	}
}

static void tell_users(const char *name)
{
	struct vexipc_policy_user *user;
	struct vexipc_policy *policy;
	char reason[VEXIPC_POLICY_REASON_LEN], text[192];

	mutex_lock(&policies_lock);
	policy = by_name(name);
	/* Another of the same name may have come meanwhile. */
	if (policy && !policy->link)
		reason_of(policy, reason, sizeof(reason));
	else
		strscpy(reason, "see the kernel log");
	pr_warn("vexipc: policy %s detached: %s\n", name, reason);
	snprintf(text, sizeof(text), "policy %s detached: %s", name, reason);
	list_for_each_entry(user, &users, node)
		if (!strcmp(user->name, name))
			vexipc_alert(container_of(user, struct vexipc_instance, policy),
				     VEXIPC_ALERT_POLICY_DETACHED, NULL, 0, text);
	mutex_unlock(&policies_lock);
}

static void detach_condemned(struct work_struct *work)
{
	char name[VEXIPC_POLICY_NAME_LEN];
	struct bpf_link *link;

	while ((link = next_condemned(name))) {
		link->ops->detach(link);
		bpf_link_put(link);
		tell_users(name);
	}
}

/**
 * vexipc_policy_exit() - the module goes
 *
 * No policy is loaded any more, or it would hold the module.
 */
void vexipc_policy_exit(void)
{
	struct vexipc_policy *policy, *next;

	cancel_work_sync(&detach_work);
	mutex_lock(&policies_lock);
	list_for_each_entry_safe(policy, next, &policies, node)
		forget(policy);
	mutex_unlock(&policies_lock);
	/* main.c's barrier waits for policy_free(). */
	vexipc_policy_snapshots_free();
}

/* ------------------------------------------------------------- the users -- */

int vexipc_policy_user_init(struct vexipc_instance *inst)
{
	INIT_LIST_HEAD(&inst->policy.node);
	inst->policy.fallbacks = alloc_percpu(u64);
	return inst->policy.fallbacks ? 0 : -ENOMEM;
}

static void unname(struct vexipc_policy_user *user)
{
	lockdep_assert_held(&policies_lock);
	if (!user->named)
		return;
	list_del_init(&user->node);
	WRITE_ONCE(user->named, false);
	user->name[0] = '\0';
	use(user, NULL, NULL);
	static_branch_dec(&vexipc_policy_key);
}

void vexipc_policy_user_exit(struct vexipc_instance *inst)
{
	mutex_lock(&policies_lock);
	unname(&inst->policy);
	mutex_unlock(&policies_lock);
	free_percpu(inst->policy.fallbacks);
}

/**
 * vexipc_policy_name() - have an instance use a policy
 * @inst: the instance
 * @name: of one that is loaded, not terminated; empty for none
 * @len: of @name
 *
 * From now on the instance uses what is loaded under that name.
 *
 * Context: may sleep.
 * Return: 0; -EINVAL too long; -ENOENT none is loaded that is called so;
 * -EOPNOTSUPP without BTF there are no policies.
 */
int vexipc_policy_name(struct vexipc_instance *inst, const char *name, u32 len)
{
	struct vexipc_policy_user *user = &inst->policy;
	char wanted[VEXIPC_POLICY_NAME_LEN] = "";
	struct vexipc_policy *policy = NULL;
	int err = 0;

	if (len >= sizeof(wanted))
		return -EINVAL;
	memcpy(wanted, name, len);
	if (wanted[0] && !vexipc_policy_bpf_offered())
		return -EOPNOTSUPP;

	mutex_lock(&policies_lock);
	if (wanted[0])
		policy = by_name(wanted);
	if (wanted[0] && (!policy || !policy->link)) {
		err = -ENOENT;
	} else if (strcmp(user->name, wanted)) {
		unname(user);
		if (wanted[0]) {
			strscpy(user->name, wanted);
			list_add_tail(&user->node, &users);
			use(user, policy,
			    rcu_dereference_protected(policy->ops,
						      lockdep_is_held(&policies_lock)));
			WRITE_ONCE(user->named, true);
			static_branch_inc(&vexipc_policy_key);
		}
	}
	mutex_unlock(&policies_lock);
	return err;
}

/* ------------------------------------------------------------- to be seen -- */

/* vexipc_policy_use() - which policy an instance names, and what came of it */
void vexipc_policy_use(struct vexipc_instance *inst, struct vexipc_policy_use *use)
{
	int cpu;

	memset(use, 0, sizeof(*use));
	mutex_lock(&policies_lock);
	strscpy(use->name, inst->policy.name);
	use->in_use = !!rcu_access_pointer(inst->policy.policy);
	mutex_unlock(&policies_lock);
	for_each_possible_cpu(cpu)
		use->fallbacks += READ_ONCE(*per_cpu_ptr(inst->policy.fallbacks, cpu));
}

static void fill_entry(const struct vexipc_policy *policy, struct vexipc_policy_entry *entry)
{
	const struct vexipc_policy_user *user;
	int cpu;

	memset(entry, 0, sizeof(*entry));
	strscpy(entry->name, policy->name);
	reason_of(policy, entry->reason, sizeof(entry->reason));
	entry->loaded_ns = policy->loaded_ns;
	entry->updates = policy->updates;
	if (policy->link)
		entry->link_id = READ_ONCE(policy->link->id);
	if (!policy->link || atomic_read(&policy->condemned))
		entry->state = VEXIPC_POLICY_DETACHED;
	else if (vexipc_policy_bypassed(policy, ktime_get_ns()))
		entry->state = VEXIPC_POLICY_BYPASSED;
	else
		entry->state = VEXIPC_POLICY_LOADED;
	list_for_each_entry(user, &users, node)
		entry->instances += !strcmp(user->name, policy->name);
	for_each_possible_cpu(cpu) {
		const struct vexipc_policy_figures *f = per_cpu_ptr(policy->figures, cpu);

		entry->calls += READ_ONCE(f->calls);
		entry->chosen += READ_ONCE(f->chosen);
		entry->declined += READ_ONCE(f->declined);
		entry->bad_answers += READ_ONCE(f->bad_answers);
		entry->overruns += READ_ONCE(f->overruns);
		entry->total_ns += READ_ONCE(f->total_ns);
		entry->max_ns = max(entry->max_ns, READ_ONCE(f->max_ns));
	}
}

/**
 * vexipc_policy_at() - one of the policies, loaded or remembered
 * @index: 0 and up
 * @entry: to fill
 *
 * Return: false, there are not that many.
 */
bool vexipc_policy_at(u32 index, struct vexipc_policy_entry *entry)
{
	struct vexipc_policy *policy;
	bool found = false;

	mutex_lock(&policies_lock);
	list_for_each_entry(policy, &policies, node) {
		if (index--)
			continue;
		fill_entry(policy, entry);
		found = true;
		break;
	}
	mutex_unlock(&policies_lock);
	return found;
}
