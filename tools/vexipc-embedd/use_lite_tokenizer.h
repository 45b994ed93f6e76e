/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text to token ids: NFKC, a word separator in front and for each space, then the
 * split into vocabulary pieces with the highest sum of log-probabilities.
 */
#ifndef VEXIPC_EMBEDD_USE_LITE_TOKENIZER_H
#define VEXIPC_EMBEDD_USE_LITE_TOKENIZER_H

#include <sys/types.h>

#include "use_lite_model.h"

enum {
	/*
	 * No more of a text is looked at; its tokens beyond USE_LITE_MAX_TOKENS do
	 * not count anyway, and those are nearly always within the first kilobyte.
	 */
	USE_LITE_TEXT_WINDOW = 16 * 1024,
};

struct use_lite_lattice;

/**
 * struct use_lite_tokenizer - one thread's scratch memory, all zero to begin with
 * @symbols: the normalised text
 * @lattice: best way to each position
 * @room: positions there is memory for
 */
struct use_lite_tokenizer {
	int32_t *symbols;
	struct use_lite_lattice *lattice;
	size_t room;
};

/** use_lite_tokenizer_free() - free the scratch memory */
void use_lite_tokenizer_free(struct use_lite_tokenizer *t);

/**
 * use_lite_check_utf8() - find what is not UTF-8
 * @text: bytes, may hold NULs
 * @len: how many
 *
 * Return: -1 when all of it is well-formed, or the offset of the first byte that
 * is not.
 */
ssize_t use_lite_check_utf8(const char *text, size_t len);

/**
 * use_lite_tokenize() - split a text
 * @t: scratch memory
 * @model: for its vocabulary
 * @text: well-formed UTF-8, may hold NULs
 * @len: bytes of it
 * @ids: the first @max tokens
 * @max: room there
 *
 * Return: number of ids written, 0 for an empty text; -EILSEQ when the part that
 * matters is not UTF-8; -ENOMEM.
 */
int use_lite_tokenize(struct use_lite_tokenizer *t, const struct use_lite_model *model,
		      const char *text, size_t len, uint16_t *ids, unsigned int max);

#endif
