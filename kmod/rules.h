/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_RULES_H
#define _VEXIPC_RULES_H

#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/vexipc.h>

struct cred;
struct user_namespace;
struct vexipc_rule_list;

/**
 * struct vexipc_rule_table - the access rules of an instance
 * @lock:    writers
 * @list:    the rules, replaced as a whole; NULL when there are none; RCU
 * @last_id: ids are never used again
 */
struct vexipc_rule_table {
	struct mutex lock;		/* see above */
	struct vexipc_rule_list __rcu *list;
	u64 last_id;
};

/* struct vexipc_verdict is what the first rule that matches says. */
struct vexipc_verdict {
	u32 allow;			/* VEXIPC_RULE_EMBED, ... */
	u32 max_priority;
	char models[VEXIPC_MAX_NAME];
};

void vexipc_rules_init(struct vexipc_rule_table *table);
void vexipc_rules_exit(struct vexipc_rule_table *table);
int vexipc_rule_add(struct vexipc_rule_table *table, struct vexipc_rule_entry *entry,
		    u64 before, struct user_namespace *user_ns);
int vexipc_rule_remove(struct vexipc_rule_table *table, u64 id);
u32 vexipc_rules_clear(struct vexipc_rule_table *table);
bool vexipc_rule_at(struct vexipc_rule_table *table, u32 index,
		    struct vexipc_rule_entry *entry, struct user_namespace *user_ns);
bool vexipc_rules_match(struct vexipc_rule_table *table, const struct cred *cred,
			bool count, struct vexipc_verdict *verdict);
bool vexipc_verdict_model(const struct vexipc_verdict *verdict, const char *model, u32 len);

/* vexipc_rules_any() - are there rules at all? Costs one read. */
static inline bool vexipc_rules_any(const struct vexipc_rule_table *table)
{
	return rcu_access_pointer(table->list);
}

#endif
