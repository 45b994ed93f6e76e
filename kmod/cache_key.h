/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_CACHE_KEY_H
#define _VEXIPC_CACHE_KEY_H

#include <linux/siphash.h>
#include <linux/types.h>

struct vexipc_request;

/* Words of content that are hashed at a time. */
enum { VEXIPC_CACHE_BLOCK = 256 };

/*
 * struct vexipc_cache_key - what makes two requests one
 * @hash: of all that follows, the model and the content
 *
 * Equal keys mean equal requests but for what is 2^-64 likely: model and
 * content are compared as well. No padding: it is hashed and compared as bytes.
 */
struct vexipc_cache_key {
	u64 hash[2];
	u64 pin;
	u32 dimensions;
	u32 data_type;
	u32 content_type;
	u32 flags;
	u32 uid;		/* 0 unless cache_per_user */
	u32 per_user;
	u32 model_len;
	u32 content_len;
};

/* struct vexipc_cache_secret is random, of one instance, and never told. */
struct vexipc_cache_secret {
	siphash_key_t sip[2];
	u64 block[VEXIPC_CACHE_BLOCK];
};

void vexipc_cache_secret_init(struct vexipc_cache_secret *secret);
void vexipc_cache_key(const struct vexipc_cache_secret *secret,
		      const struct vexipc_request *req, bool per_user,
		      struct vexipc_cache_key *key);

#endif
