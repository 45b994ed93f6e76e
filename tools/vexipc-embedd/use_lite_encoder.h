/* SPDX-License-Identifier: GPL-2.0-only */
/* Token ids to a vector: a transformer of two layers. */
#ifndef VEXIPC_EMBEDD_USE_LITE_ENCODER_H
#define VEXIPC_EMBEDD_USE_LITE_ENCODER_H

#include "use_lite_kernels.h"
#include "use_lite_model.h"

struct use_lite_encoder;

/**
 * use_lite_encoder_new() - one thread's scratch memory
 *
 * Return: it, or NULL when there is no memory.
 */
struct use_lite_encoder *use_lite_encoder_new(void);

/** use_lite_encoder_free() - free it; NULL is fine */
void use_lite_encoder_free(struct use_lite_encoder *e);

/**
 * use_lite_encode() - the vector of a text
 * @e: scratch memory
 * @model: weights
 * @kernels: which version of the inner loops to use
 * @ids: tokens, each below USE_LITE_EMBED_ROWS
 * @count: how many, at most USE_LITE_MAX_TOKENS; 0 gives a vector too, always the same
 * @out: USE_LITE_DIMS floats, of length 1
 */
void use_lite_encode(struct use_lite_encoder *e, const struct use_lite_model *model,
		     const struct use_lite_kernels *kernels, const uint16_t *ids,
		     unsigned int count, float *out);

#endif
