// SPDX-License-Identifier: GPL-2.0-only
/*
 * The key of a request in the cache: a keyed hash of 128 bits, and what is asked
 * for beside the content.
 *
 * Contents are long and SipHash takes some four instructions a byte, so they are
 * first brought down with NH, which takes one: the sum of products of words, each
 * with a secret word added. For any two contents that someone without the
 * secret chooses, a block's sums are equal with a probability of 2^-64. Two
 * SipHashes with a key each then take the sums and all the rest.
 */
#include <linux/build_bug.h>
#include <linux/cred.h>
#include <linux/random.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "cache_key.h"
#include "request.h"

enum { BLOCK_BYTES = VEXIPC_CACHE_BLOCK * sizeof(u64), PAIR = 2 * sizeof(u64) };

/**
 * vexipc_cache_secret_init() - make a secret up
 * @secret: to fill
 */
void vexipc_cache_secret_init(struct vexipc_cache_secret *secret)
{
	get_random_bytes(secret, sizeof(*secret));
}

static u128 nh_pair(const u64 *secret, const void *at)
{
	u64 a = get_unaligned((const u64 *)at) + secret[0];
	u64 b = get_unaligned((const u64 *)at + 1) + secret[1];

	return (u128)a * b;
}

/* At most a block. What is missing of the last pair is zero: lengths are hashed, too. */
static u128 nh(const u64 *secret, const u8 *at, u32 len)
{
	u8 rest[PAIR] = {};
	u128 sum = 0;

	for (; len >= PAIR; len -= PAIR, at += PAIR, secret += 2)
		sum += nh_pair(secret, at);
	if (len) {
		memcpy(rest, at, len);
		sum += nh_pair(secret, rest);
	}
	return sum;
}

static void absorb(const struct vexipc_cache_secret *secret, u64 *hash, const u8 *at, u32 len)
{
	while (len) {
		u32 part = min_t(u32, len, BLOCK_BYTES);
		u128 sum = nh(secret->block, at, part);

		for (int i = 0; i < 2; i++)
			hash[i] = siphash_3u64(hash[i], sum, sum >> 64, &secret->sip[i]);
		at += part;
		len -= part;
	}
}

/**
 * vexipc_cache_key() - what a request is found under
 * @secret: of its instance
 * @req: a single request, complete in what it asks
 * @per_user: another user's is another
 * @key: to fill
 */
void vexipc_cache_key(const struct vexipc_cache_secret *secret,
		      const struct vexipc_request *req, bool per_user,
		      struct vexipc_cache_key *key)
{
	const size_t from = offsetof(struct vexipc_cache_key, pin);

	BUILD_BUG_ON(sizeof(*key) != 3 * sizeof(u64) + 8 * sizeof(u32));

	*key = (struct vexipc_cache_key) {
		.pin = req->pin,
		.dimensions = req->dimensions,
		.data_type = req->data_type,
		.content_type = req->content_type,
		.flags = req->flags,
		.uid = per_user ? __kuid_val(req->uid) : 0,
		.per_user = per_user,
		.model_len = req->model_len,
		.content_len = req->content_len,
	};
	for (int i = 0; i < 2; i++)
		key->hash[i] = siphash((u8 *)key + from, sizeof(*key) - from,
				       &secret->sip[i]);
	absorb(secret, key->hash, req->model, req->model_len);
	absorb(secret, key->hash, req->content, req->content_len);
}
