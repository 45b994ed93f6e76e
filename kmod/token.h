/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_TOKEN_H
#define _VEXIPC_TOKEN_H

#include <crypto/sha2.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/uidgid.h>
#include <linux/vexipc.h>

struct user_namespace;
struct vexipc_instance;
struct vexipc_service_spec;

/**
 * struct vexipc_token_table - the registration tokens of an instance
 * @lock:    guards what follows; nothing is taken inside
 * @tokens:  in the order of their ids
 * @count:   how many
 * @last_id: ids are never used again
 * @keyed:   @key is there: made with the first token
 * @key:     of the hash that tokens are kept as
 */
struct vexipc_token_table {
	struct mutex lock;		/* see above */
	struct list_head tokens;
	u32 count;
	u64 last_id;
	bool keyed;
	u8 key[SHA256_DIGEST_SIZE];
};

/* struct vexipc_token_grant is what a registration may, by its token. */
struct vexipc_token_grant {
	u64 id;				/* 0: there is no token */
	u32 flags;			/* VEXIPC_TOKEN_* */
	u32 max_priority;
};

void vexipc_tokens_init(struct vexipc_token_table *table);
void vexipc_tokens_exit(struct vexipc_token_table *table);
int vexipc_token_issue(struct vexipc_token_table *table, kuid_t by,
		       struct vexipc_token_entry *entry, u32 expires_sec, u8 *secret);
int vexipc_token_revoke(struct vexipc_instance *inst, u64 id, bool unregister);
bool vexipc_token_next(struct vexipc_token_table *table, u64 after,
		       struct vexipc_token_entry *entry, struct user_namespace *user_ns);
int vexipc_token_claim(struct vexipc_token_table *table,
		       const struct vexipc_service_spec *spec,
		       struct vexipc_token_grant *grant);
void vexipc_token_release(struct vexipc_token_table *table, u64 id, bool unused);
bool vexipc_token_valid(struct vexipc_token_table *table, u64 id);

#endif
