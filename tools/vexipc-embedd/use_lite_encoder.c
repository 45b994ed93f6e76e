// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdalign.h>
#include <stdlib.h>

#include "use_lite_encoder.h"

enum {
	TOKENS = USE_LITE_MAX_TOKENS,
	DIMS = USE_LITE_DIMS,
	PANEL = USE_LITE_PANEL,
	HEADS = 4,
	MAX_HEAD_DIMS = DIMS / HEADS,
};

struct use_lite_encoder {
	alignas(64) float input[TOKENS * USE_LITE_EMBED_DIMS];
	alignas(64) float hidden[TOKENS * DIMS];	/* the residual stream */
	alignas(64) float normed[TOKENS * DIMS];
	alignas(64) float attended[TOKENS * DIMS];
	/* queries, keys and values of a layer; later its inner feed-forward activations */
	alignas(64) float wide[TOKENS * USE_LITE_FFN_DIMS];
	alignas(64) float scores[TOKENS * TOKENS];
	/* one head's keys (transposed) and values, as panels */
	alignas(64) float keys[TOKENS * MAX_HEAD_DIMS];
	alignas(64) float values[TOKENS * MAX_HEAD_DIMS];
};

/* What one call works with. */
struct pass {
	struct use_lite_encoder *e;
	const struct use_lite_model *model;
	const struct use_lite_kernels *kernels;
	size_t count;
};

struct use_lite_encoder *use_lite_encoder_new(void)
{
	return aligned_alloc(alignof(struct use_lite_encoder), sizeof(struct use_lite_encoder));
}

void use_lite_encoder_free(struct use_lite_encoder *e)
{
	free(e);
}

/* out[count][to] = in[count][from] * weights + bias, the bias section follows the weights */
static void dense(const struct pass *p, enum use_lite_section_id weights, const float *in,
		  size_t from, float *out, size_t to, unsigned int flags)
{
	struct use_lite_gemm g = {
		.a = in,
		.lda = from,
		.b = use_lite_weights(p->model, weights),
		.depth = from,
		.panels = to / PANEL,
		.bias = use_lite_weights(p->model, weights + 1),
		.c = out,
		.ldc = to,
		.rows = p->count,
		.flags = flags,
	};

	p->kernels->gemm(&g);
}

static void layer_norm(const struct pass *p, enum use_lite_section_id scale, const float *in,
		       size_t dims, float *out)
{
	p->kernels->layer_norm(in, p->count, dims, use_lite_weights(p->model, scale),
			       use_lite_weights(p->model, scale + 1), out);
}

/* Panels of 16 tokens: panel[d][token]. Tokens that are not there are zero. */
static void pack_keys(float *panels, const float *keys, size_t stride, size_t count, size_t dims)
{
	for (size_t first = 0; first < count; first += PANEL, panels += PANEL * dims)
		for (size_t t = 0; t < PANEL; t++)
			for (size_t d = 0; d < dims; d++)
				panels[d * PANEL + t] =
					first + t < count ? keys[(first + t) * stride + d] : 0.0f;
}

/* Panels of 16 dimensions: panel[token][d]. */
static void pack_values(float *panels, const float *values, size_t stride, size_t count,
			size_t dims)
{
	for (size_t first = 0; first < dims; first += PANEL)
		for (size_t t = 0; t < count; t++, panels += PANEL)
			memcpy(panels, values + t * stride + first, PANEL * sizeof(*panels));
}

/* Each row of wide is queries | keys | values; the result goes to attended. */
static void attention(const struct pass *p, size_t dims)
{
	struct use_lite_encoder *e = p->e;
	size_t head_dims = dims / HEADS;
	float factor = 1.0f / sqrtf((float)head_dims);

	for (size_t head = 0; head < HEADS; head++) {
		const float *queries = e->wide + head * head_dims;
		struct use_lite_gemm score = {
			.a = queries,
			.lda = 3 * dims,
			.b = e->keys,
			.depth = head_dims,
			.panels = (p->count + PANEL - 1) / PANEL,
			.c = e->scores,
			.ldc = TOKENS,
			.rows = p->count,
		};
		struct use_lite_gemm mix = {
			.a = e->scores,
			.lda = TOKENS,
			.b = e->values,
			.depth = p->count,
			.panels = head_dims / PANEL,
			.c = e->attended + head * head_dims,
			.ldc = dims,
			.rows = p->count,
		};

		pack_keys(e->keys, queries + dims, 3 * dims, p->count, head_dims);
		pack_values(e->values, queries + 2 * dims, 3 * dims, p->count, head_dims);
		p->kernels->gemm(&score);
		p->kernels->softmax(e->scores, TOKENS, p->count, p->count, factor);
		p->kernels->gemm(&mix);
	}
}

/* One layer adds what it finds in x[count][dims] to hidden, which x may be. */
static void layer(const struct pass *p, enum use_lite_section_id first, const float *x, size_t dims)
{
	struct use_lite_encoder *e = p->e;
	/* distances between the sections of a layer are the same in all layers */
	enum use_lite_section_id qkv = first + (USE_LITE_L0_QKV_W - USE_LITE_L0_LN1_SCALE);
	enum use_lite_section_id out = first + (USE_LITE_L0_OUT_W - USE_LITE_L0_LN1_SCALE);
	enum use_lite_section_id ln2 = first + (USE_LITE_L0_LN2_SCALE - USE_LITE_L0_LN1_SCALE);
	enum use_lite_section_id ffn1 = first + (USE_LITE_L0_FFN1_W - USE_LITE_L0_LN1_SCALE);
	enum use_lite_section_id ffn2 = first + (USE_LITE_L0_FFN2_W - USE_LITE_L0_LN1_SCALE);

	layer_norm(p, first, x, dims, e->normed);
	dense(p, qkv, e->normed, dims, e->wide, 3 * dims, 0);
	attention(p, dims);
	dense(p, out, e->attended, dims, e->hidden, DIMS, USE_LITE_ACCUMULATE);

	layer_norm(p, ln2, e->hidden, DIMS, e->normed);
	dense(p, ffn1, e->normed, DIMS, e->wide, USE_LITE_FFN_DIMS, USE_LITE_RELU);
	dense(p, ffn2, e->wide, USE_LITE_FFN_DIMS, e->hidden, DIMS, USE_LITE_ACCUMULATE);
}

static void embed_tokens(const struct pass *p, const uint16_t *ids)
{
	const float *embedding = use_lite_weights(p->model, USE_LITE_EMBED);
	const float *position = use_lite_weights(p->model, USE_LITE_POSITION);
	float *x = p->e->input;

	for (size_t t = 0; t < p->count; t++)
		for (size_t d = 0; d < USE_LITE_EMBED_DIMS; d++)
			*x++ = embedding[(size_t)ids[t] * USE_LITE_EMBED_DIMS + d] + *position++;
}

static void mean(const struct pass *p, float *out)
{
	for (size_t d = 0; d < DIMS; d++)
		out[d] = 0;
	for (size_t t = 0; t < p->count; t++)
		for (size_t d = 0; d < DIMS; d++)
			out[d] += p->e->hidden[t * DIMS + d];
	for (size_t d = 0; p->count && d < DIMS; d++)
		out[d] /= (float)p->count;
}

void use_lite_encode(struct use_lite_encoder *e, const struct use_lite_model *model,
		     const struct use_lite_kernels *kernels, const uint16_t *ids,
		     unsigned int count, float *out)
{
	struct pass p = { e, model, kernels, count };
	double squares = 0;
	float factor;

	embed_tokens(&p, ids);
	/* layer 0 is narrower: what it adds to is the input brought to full width */
	dense(&p, USE_LITE_L0_RES_W, e->input, USE_LITE_EMBED_DIMS, e->hidden, DIMS, 0);
	layer(&p, USE_LITE_L0_LN1_SCALE, e->input, USE_LITE_EMBED_DIMS);
	layer(&p, USE_LITE_L1_LN1_SCALE, e->hidden, DIMS);

	mean(&p, e->normed);
	p.count = 1;
	dense(&p, USE_LITE_FINAL_W, e->normed, DIMS, out, DIMS, 0);
	for (size_t d = 0; d < DIMS; d++) {
		out[d] = tanhf(out[d]);
		squares += (double)out[d] * (double)out[d];
	}
	factor = (float)(1.0 / sqrt(squares > 1e-12 ? squares : 1e-12));
	for (size_t d = 0; d < DIMS; d++)
		out[d] *= factor;
}
