// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registration tokens: who has one may register services without privilege.
 *
 * A token is 32 random bytes that are told once, when it is issued. What is kept
 * is their HMAC-SHA256 under a key of the instance's own, so that neither memory
 * nor timing gives them away.
 */
#include <crypto/utils.h>
#include <linux/errno.h>
#include <linux/glob.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "instance.h"
#include "protocol.h"
#include "registry.h"
#include "token.h"

enum { MAX_PRIORITY = 255 };

/**
 * struct vexipc_token - one token
 * @node:	in the table
 * @mac:	keyed hash of the secret
 * @expires:	on the clock that goes on in suspend, ns; 0: never
 * @by:		who issued it
 * @entry:	as it is shown; uid, expires_ns are worked out then
 */
struct vexipc_token {
	struct list_head node;
	u8 mac[SHA256_DIGEST_SIZE];
	u64 expires;
	kuid_t by;
	struct vexipc_token_entry entry;
};

void vexipc_tokens_init(struct vexipc_token_table *table)
{
	mutex_init(&table->lock);
	INIT_LIST_HEAD(&table->tokens);
}

static void drop(struct vexipc_token_table *table, struct vexipc_token *token)
{
	list_del(&token->node);
	table->count--;
	kfree_sensitive(token);
}

/* Nobody registers any more. */
void vexipc_tokens_exit(struct vexipc_token_table *table)
{
	struct vexipc_token *token, *next;

	list_for_each_entry_safe(token, next, &table->tokens, node)
		drop(table, token);
	memzero_explicit(table->key, sizeof(table->key));
}

/*
 * HMAC-SHA256 by its definition (RFC 2104): the library has one since 6.16 only,
 * and the hash itself everywhere.
 */
static void hash(const struct vexipc_token_table *table, const u8 *secret, u8 *mac)
{
	u8 inner[SHA256_BLOCK_SIZE + VEXIPC_TOKEN_BYTES] = {};
	u8 outer[SHA256_BLOCK_SIZE + SHA256_DIGEST_SIZE] = {};

	memcpy(inner, table->key, sizeof(table->key));
	memcpy(outer, table->key, sizeof(table->key));
	for (int i = 0; i < SHA256_BLOCK_SIZE; i++) {
		inner[i] ^= 0x36;
		outer[i] ^= 0x5c;
	}
	memcpy(inner + SHA256_BLOCK_SIZE, secret, VEXIPC_TOKEN_BYTES);
	sha256(inner, sizeof(inner), outer + SHA256_BLOCK_SIZE);
	sha256(outer, sizeof(outer), mac);
	memzero_explicit(inner, sizeof(inner));
	memzero_explicit(outer, sizeof(outer));
}

static bool over(const struct vexipc_token *token)
{
	return (token->expires && ktime_get_boottime_ns() >= token->expires) ||
	       (token->entry.uses && !token->entry.uses_left);
}

static struct vexipc_token *find(struct vexipc_token_table *table, u64 id)
{
	struct vexipc_token *token;

	lockdep_assert_held(&table->lock);
	list_for_each_entry(token, &table->tokens, node)
		if (token->entry.id == id)
			return token;
	return NULL;
}

static int check(const struct vexipc_token_entry *entry)
{
	if (entry->reserved)
		return -EINVAL;
	if (entry->flags & ~VEXIPC_TOKEN_FLAGS)
		return -EOPNOTSUPP;
	if (entry->max_priority > MAX_PRIORITY || entry->max_services > VEXIPC_MAX_SERVICES)
		return -ERANGE;
	return vexipc_name_check(entry->label) ?: vexipc_name_check(entry->pattern) ?:
	       vexipc_name_check(entry->models);
}

/* Make room by what can never be used again and has no service either. */
static bool has_room(struct vexipc_token_table *table)
{
	struct vexipc_token *token;

	if (table->count < VEXIPC_MAX_TOKENS)
		return true;
	list_for_each_entry(token, &table->tokens, node) {
		if (over(token) && !token->entry.services) {
			drop(table, token);
			return true;
		}
	}
	return false;
}

/**
 * vexipc_token_issue() - make a token
 * @table: of the instance
 * @by: who wants it
 * @entry: what it is good for, from user space; its other fields are filled in
 * @expires_sec: so long; 0 for ever
 * @secret: VEXIPC_TOKEN_BYTES, set
 *
 * Context: may sleep.
 * Return: 0; -EINVAL, -EILSEQ, -ERANGE a field; -EOPNOTSUPP an unknown flag;
 * -ENOSPC there are too many; -ENOMEM; -ERESTARTSYS a signal came while there
 * was no randomness yet.
 */
int vexipc_token_issue(struct vexipc_token_table *table, kuid_t by,
		       struct vexipc_token_entry *entry, u32 expires_sec, u8 *secret)
{
	u64 lifetime = (u64)expires_sec * NSEC_PER_SEC;
	struct vexipc_token *token;
	int err = check(entry) ?: wait_for_random_bytes();

	if (err)
		return err;
	token = kzalloc(sizeof(*token), GFP_KERNEL_ACCOUNT);
	if (!token)
		return -ENOMEM;
	get_random_bytes(secret, VEXIPC_TOKEN_BYTES);
	entry->created_ns = ktime_get_real_ns();
	entry->expires_ns = lifetime ? entry->created_ns + lifetime : 0;
	entry->last_used_ns = 0;
	entry->registered = 0;
	entry->uses_left = entry->uses;
	entry->services = 0;
	entry->max_priority = entry->max_priority ?: MAX_PRIORITY;
	token->expires = lifetime ? ktime_get_boottime_ns() + lifetime : 0;
	token->by = by;

	mutex_lock(&table->lock);
	if (!has_room(table)) {
		mutex_unlock(&table->lock);
		memzero_explicit(secret, VEXIPC_TOKEN_BYTES);
		kfree(token);
		return -ENOSPC;
	}
	if (!table->keyed)
		get_random_bytes(table->key, sizeof(table->key));
	table->keyed = true;
	entry->id = ++table->last_id;
	token->entry = *entry;
	hash(table, secret, token->mac);
	list_add_tail(&token->node, &table->tokens);
	table->count++;
	mutex_unlock(&table->lock);
	return 0;
}

static int unregister_all(struct vexipc_instance *inst, u64 id)
{
	static const struct vexipc_filter any;
	struct vexipc_service *svc;
	u32 slot = 0;
	int count = 0;

	while ((svc = vexipc_registry_next(inst, &slot, &any))) {
		if (svc->token == id && vexipc_registry_remove(svc, false) >= 0)
			count++;
		vexipc_service_put(svc);
	}
	return count;
}

/**
 * vexipc_token_revoke() - from now on a token is good for nothing
 * @inst: the instance
 * @id: of the token
 * @unregister: the services that came with it go, too
 *
 * A registration under way sees after it was published that its token is gone,
 * and takes itself back: none slips past.
 *
 * Context: may sleep.
 * Return: how many services went; -ENOENT.
 */
int vexipc_token_revoke(struct vexipc_instance *inst, u64 id, bool unregister)
{
	struct vexipc_token_table *table = &inst->tokens;
	struct vexipc_token *token;

	mutex_lock(&table->lock);
	token = find(table, id);
	if (token)
		drop(table, token);
	mutex_unlock(&table->lock);
	if (!token)
		return -ENOENT;
	return unregister ? unregister_all(inst, id) : 0;
}

/**
 * vexipc_token_next() - walk the tokens
 * @table: of the instance
 * @after: the id of the last one seen, 0 to begin
 * @entry: filled
 * @user_ns: how the reader sees uids
 *
 * Return: false when there is none after that.
 */
bool vexipc_token_next(struct vexipc_token_table *table, u64 after,
		       struct vexipc_token_entry *entry, struct user_namespace *user_ns)
{
	struct vexipc_token *token;
	bool found = false;

	mutex_lock(&table->lock);
	list_for_each_entry(token, &table->tokens, node) {
		if (token->entry.id <= after)
			continue;
		*entry = token->entry;
		entry->uid = from_kuid_munged(user_ns, token->by);
		/* The wall clock may have been set since. */
		if (token->expires)
			entry->expires_ns = ktime_get_real_ns() + token->expires -
					    ktime_get_boottime_ns();
		found = true;
		break;
	}
	mutex_unlock(&table->lock);
	return found;
}

static bool fits(const char *pattern, const char *s, u32 len)
{
	char name[VEXIPC_MAX_NAME + 1];

	if (!*pattern)
		return true;
	if (len > VEXIPC_MAX_NAME)
		return false;
	memcpy(name, s, len);
	name[len] = '\0';
	return glob_match(pattern, name);
}

/* A service that names no model does all of them. */
static bool models_fit(const char *pattern, const struct vexipc_service_spec *spec)
{
	const char *at = spec->models, *end = spec->models + spec->models_len;

	if (!*pattern)
		return true;
	for (; at < end; at += strlen(at) + 1)
		if (!fits(pattern, at, strlen(at)))
			return false;
	return spec->models_len;
}

/**
 * vexipc_token_claim() - register with a token
 * @table: of the instance
 * @spec: checked; its token is looked at
 * @grant: filled in
 *
 * Takes one of the token's uses and one of its services:
 * vexipc_token_release() gives them back.
 *
 * Context: may sleep.
 * Return: 0; -EACCES no such token, it is over, or not good for this service.
 */
int vexipc_token_claim(struct vexipc_token_table *table,
		       const struct vexipc_service_spec *spec,
		       struct vexipc_token_grant *grant)
{
	struct vexipc_token *token, *found = NULL;
	u8 mac[SHA256_DIGEST_SIZE];
	struct vexipc_token_entry *e;
	int err = -EACCES;

	if (spec->token_len != VEXIPC_TOKEN_BYTES)
		return err;
	mutex_lock(&table->lock);
	if (!table->keyed)
		goto unlock;
	hash(table, (const u8 *)spec->token, mac);
	/* All are looked at, each in constant time. */
	list_for_each_entry(token, &table->tokens, node)
		if (!crypto_memneq(token->mac, mac, sizeof(mac)))
			found = token;
	if (!found || over(found))
		goto unlock;
	e = &found->entry;
	if ((e->max_services && e->services >= e->max_services) ||
	    !fits(e->pattern, spec->id, spec->id_len) || !models_fit(e->models, spec))
		goto unlock;
	if (e->uses)
		e->uses_left--;
	e->services++;
	e->registered++;
	e->last_used_ns = ktime_get_real_ns();
	*grant = (struct vexipc_token_grant) {
		.id = e->id, .flags = e->flags, .max_priority = e->max_priority,
	};
	err = 0;
unlock:
	mutex_unlock(&table->lock);
	return err;
}

/**
 * vexipc_token_release() - a service that came with a token goes
 * @table: of the instance
 * @id: of the token, which may have been revoked
 * @unused: it did not even come: the use is given back
 */
void vexipc_token_release(struct vexipc_token_table *table, u64 id, bool unused)
{
	struct vexipc_token *token;

	mutex_lock(&table->lock);
	token = find(table, id);
	if (token) {
		token->entry.services--;
		if (unused)
			token->entry.registered--;
		if (unused && token->entry.uses)
			token->entry.uses_left++;
	}
	mutex_unlock(&table->lock);
}

/* vexipc_token_valid() - has it not been revoked? */
bool vexipc_token_valid(struct vexipc_token_table *table, u64 id)
{
	bool valid;

	mutex_lock(&table->lock);
	valid = find(table, id);
	mutex_unlock(&table->lock);
	return valid;
}
