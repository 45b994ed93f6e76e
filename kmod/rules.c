// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access rules: who may embed what, who may look, who may administer. The first
 * that matches decides.
 *
 * The list is read under RCU and replaced as a whole; a rule lives in every list
 * that it is in, so that its hits are counted in one place.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/glob.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "protocol.h"
#include "rules.h"

enum { MAX_PRIORITY = 255 };

struct vexipc_rule {
	struct rcu_head rcu;
	atomic64_t hits;
	kuid_t uid;
	kgid_t gid;
	struct vexipc_rule_entry entry;
};

struct vexipc_rule_list {
	struct rcu_head rcu;
	u32 count;
	struct vexipc_rule *rule[] __counted_by(count);
};

void vexipc_rules_init(struct vexipc_rule_table *table)
{
	mutex_init(&table->lock);
}

/* Nobody asks any more. */
void vexipc_rules_exit(struct vexipc_rule_table *table)
{
	vexipc_rules_clear(table);
}

static struct vexipc_rule_list *list_locked(struct vexipc_rule_table *table)
{
	return rcu_dereference_protected(table->list, lockdep_is_held(&table->lock));
}

static int check(const struct vexipc_rule_entry *entry)
{
	if (entry->reserved || (entry->match & VEXIPC_RULE_CGROUP && !entry->cgroup))
		return -EINVAL;
	if (entry->match & ~VEXIPC_RULE_MATCHES || entry->allow & ~VEXIPC_RULE_ALLOWS)
		return -EOPNOTSUPP;
	if (!IS_ENABLED(CONFIG_CGROUPS) && entry->match & VEXIPC_RULE_CGROUP)
		return -EOPNOTSUPP;
	if (entry->max_priority > MAX_PRIORITY)
		return -ERANGE;
	return vexipc_name_check(entry->models);
}

static void replace(struct vexipc_rule_table *table, struct vexipc_rule_list *new)
{
	struct vexipc_rule_list *old = list_locked(table);

	rcu_assign_pointer(table->list, new);
	if (old)
		kfree_rcu(old, rcu);
}

/* A list with room for so many. */
static struct vexipc_rule_list *list_alloc(u32 count)
{
	struct vexipc_rule_list *list;

	list = kzalloc(struct_size(list, rule, count), GFP_KERNEL_ACCOUNT);
	if (list)
		list->count = count;
	return list;
}

static int insert(struct vexipc_rule_table *table, struct vexipc_rule *rule, u64 before)
{
	struct vexipc_rule_list *old = list_locked(table), *new;
	u32 count = old ? old->count : 0, at = count;

	if (count == VEXIPC_MAX_RULES)
		return -ENOSPC;
	for (u32 i = 0; i < count && before; i++) {
		if (old->rule[i]->entry.id == before) {
			at = i;
			before = 0;
		}
	}
	if (before)
		return -ENOENT;
	new = list_alloc(count + 1);
	if (!new)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++)
		new->rule[i + (i >= at)] = old->rule[i];
	rule->entry.id = ++table->last_id;
	new->rule[at] = rule;
	replace(table, new);
	return 0;
}

/**
 * vexipc_rule_add() - have one more rule
 * @table: of the instance
 * @entry: from user space; the id is filled in
 * @before: the id of the rule that comes next; 0: it is the last
 * @user_ns: how the caller sees uids and gids
 *
 * Context: may sleep.
 * Return: 0; -EINVAL, -EILSEQ, -ERANGE a field; -EOPNOTSUPP an unknown bit;
 * -ENOENT no rule @before; -ENOSPC there are too many; -ENOMEM.
 */
int vexipc_rule_add(struct vexipc_rule_table *table, struct vexipc_rule_entry *entry,
		    u64 before, struct user_namespace *user_ns)
{
	kuid_t uid = make_kuid(user_ns, entry->uid);
	kgid_t gid = make_kgid(user_ns, entry->gid);
	struct vexipc_rule *rule;
	int err = check(entry);

	if (err)
		return err;
	if ((entry->match & VEXIPC_RULE_UID && !uid_valid(uid)) ||
	    (entry->match & VEXIPC_RULE_GID && !gid_valid(gid)))
		return -EINVAL;
	rule = kzalloc(sizeof(*rule), GFP_KERNEL_ACCOUNT);
	if (!rule)
		return -ENOMEM;
	rule->uid = uid;
	rule->gid = gid;
	rule->entry = *entry;
	mutex_lock(&table->lock);
	err = insert(table, rule, before);
	if (!err)
		entry->id = rule->entry.id;
	mutex_unlock(&table->lock);
	if (err)
		kfree(rule);
	return err;
}

/**
 * vexipc_rule_remove() - one rule less
 * @table: of the instance
 * @id: which
 *
 * Context: may sleep.
 * Return: 0; -ENOENT; -ENOMEM, and it stays.
 */
int vexipc_rule_remove(struct vexipc_rule_table *table, u64 id)
{
	struct vexipc_rule_list *old, *new = NULL;
	u32 at, count, n = 0;
	int err = -ENOENT;

	mutex_lock(&table->lock);
	old = list_locked(table);
	count = old ? old->count : 0;
	for (at = 0; at < count && old->rule[at]->entry.id != id; at++)
		;
	if (at == count)
		goto unlock;
	if (count > 1) {
		new = list_alloc(count - 1);
		err = -ENOMEM;
		if (!new)
			goto unlock;
		for (u32 i = 0; i < count; i++)
			if (i != at)
				new->rule[n++] = old->rule[i];
	}
	/* Whoever reads the old list finds the rule there: it goes after them. */
	kfree_rcu(old->rule[at], rcu);
	replace(table, new);
	err = 0;
unlock:
	mutex_unlock(&table->lock);
	return err;
}

/**
 * vexipc_rules_clear() - no rules any more
 * @table: of the instance
 *
 * Return: how many there were.
 */
u32 vexipc_rules_clear(struct vexipc_rule_table *table)
{
	struct vexipc_rule_list *old;
	u32 count;

	mutex_lock(&table->lock);
	old = list_locked(table);
	count = old ? old->count : 0;
	for (u32 i = 0; i < count; i++)
		kfree_rcu(old->rule[i], rcu);
	replace(table, NULL);
	mutex_unlock(&table->lock);
	return count;
}

/**
 * vexipc_rule_at() - walk the rules
 * @table: of the instance
 * @index: from 0, in their order
 * @entry: filled
 * @user_ns: how the reader sees uids and gids
 *
 * Return: false past the last.
 */
bool vexipc_rule_at(struct vexipc_rule_table *table, u32 index,
		    struct vexipc_rule_entry *entry, struct user_namespace *user_ns)
{
	struct vexipc_rule_list *list;
	bool found;

	rcu_read_lock();
	list = rcu_dereference(table->list);
	found = list && index < list->count;
	if (found) {
		const struct vexipc_rule *rule = list->rule[index];

		*entry = rule->entry;
		entry->hits = atomic64_read(&rule->hits);
		if (entry->match & VEXIPC_RULE_UID)
			entry->uid = from_kuid_munged(user_ns, rule->uid);
		if (entry->match & VEXIPC_RULE_GID)
			entry->gid = from_kgid_munged(user_ns, rule->gid);
	}
	rcu_read_unlock();
	return found;
}

/* in_group_p(), but of any credentials; they are sorted. */
static bool in_group(const struct cred *cred, kgid_t gid)
{
	const struct group_info *groups = cred->group_info;
	int low = 0, high = groups->ngroups;

	if (gid_eq(cred->egid, gid))
		return true;
	while (low < high) {
		int middle = low + (high - low) / 2;

		if (gid_eq(groups->gid[middle], gid))
			return true;
		if (gid_lt(groups->gid[middle], gid))
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Is the calling task in this cgroup, or below it? */
static bool in_cgroup(u64 id)
{
#ifdef CONFIG_CGROUPS
	struct cgroup *at = task_dfl_cgroup(current);

	for (; at; at = cgroup_parent(at))
		if (cgroup_id(at) == id)
			return true;
#endif
	return false;
}

static bool matches(const struct vexipc_rule *rule, const struct cred *cred)
{
	u32 match = rule->entry.match;

	return (!(match & VEXIPC_RULE_UID) || uid_eq(rule->uid, cred->euid)) &&
	       (!(match & VEXIPC_RULE_GID) || in_group(cred, rule->gid)) &&
	       (!(match & VEXIPC_RULE_CGROUP) || in_cgroup(rule->entry.cgroup));
}

/**
 * vexipc_rules_match() - what do the rules say?
 * @table: of the instance
 * @cred: whose rights count
 * @count: it is this that decides
 * @verdict: of the first rule that matches
 *
 * Context: that of the task that asks, whose cgroup is looked at.
 * Return: false when none matches.
 */
bool vexipc_rules_match(struct vexipc_rule_table *table, const struct cred *cred,
			bool count, struct vexipc_verdict *verdict)
{
	struct vexipc_rule_list *list;
	bool found = false;

	rcu_read_lock();
	list = rcu_dereference(table->list);
	for (u32 i = 0; list && i < list->count && !found; i++) {
		struct vexipc_rule *rule = list->rule[i];

		if (!matches(rule, cred))
			continue;
		if (count)
			atomic64_inc(&rule->hits);
		verdict->allow = rule->entry.allow;
		verdict->max_priority = rule->entry.max_priority;
		memcpy(verdict->models, rule->entry.models, sizeof(verdict->models));
		found = true;
	}
	rcu_read_unlock();
	return found;
}

/**
 * vexipc_verdict_model() - is this model among those allowed?
 * @verdict: the rule's
 * @model: asked for, not terminated
 * @len: its bytes; 0: whatever the service has, which may be any
 */
bool vexipc_verdict_model(const struct vexipc_verdict *verdict, const char *model, u32 len)
{
	char name[VEXIPC_MAX_NAME + 1];

	if (!*verdict->models)
		return true;
	if (!len || len > VEXIPC_MAX_NAME)
		return false;
	memcpy(name, model, len);
	name[len] = '\0';
	return glob_match(verdict->models, name);
}
