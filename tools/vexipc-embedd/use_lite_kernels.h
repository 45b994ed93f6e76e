/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The encoder's inner loops, in a version for any processor and one for those
 * with AVX2 and FMA.
 */
#ifndef VEXIPC_EMBEDD_USE_LITE_KERNELS_H
#define VEXIPC_EMBEDD_USE_LITE_KERNELS_H

#include <stddef.h>

enum {
	USE_LITE_TILE_COLS = 16,	/* columns of a panel */
};

enum use_lite_gemm_flags {
	USE_LITE_RELU = 1,		/* negative results become 0 */
	USE_LITE_ACCUMULATE = 2,	/* add to what is in c */
};

/**
 * struct use_lite_gemm - c[rows][16 * panels] = a[rows][depth] * b + bias
 * @a: left matrix
 * @lda: floats from one of its rows to the next
 * @b: right matrix as panels of 16 columns (use_lite_format.h)
 * @depth: columns of @a, rows of @b
 * @panels: panels of @b
 * @bias: 16 * @panels floats, or NULL
 * @c: result
 * @ldc: floats from one of its rows to the next
 * @rows: rows of @a and @c
 * @flags: enum use_lite_gemm_flags
 */
struct use_lite_gemm {
	const float *a;
	size_t lda;
	const float *b;
	size_t depth;
	size_t panels;
	const float *bias;
	float *c;
	size_t ldc;
	size_t rows;
	unsigned int flags;
};

/**
 * struct use_lite_kernels - one version of the loops
 * @name: as the engine's option takes it
 * @gemm: matrix product
 * @layer_norm: bring each of @rows rows of @dims (a multiple of 8) floats to mean
 *	0 and variance 1, then scale and shift
 * @softmax: turn the first @cols floats of each row, times @factor, into
 *	probabilities; the rest of the row up to a multiple of 16 becomes 0
 */
struct use_lite_kernels {
	const char *name;
	void (*gemm)(const struct use_lite_gemm *g);
	void (*layer_norm)(const float *in, size_t rows, size_t dims, const float *scale,
			   const float *bias, float *out);
	void (*softmax)(float *x, size_t stride, size_t rows, size_t cols, float factor);
};

/**
 * use_lite_kernels_find() - a version by name
 * @name: "generic", "avx2", or NULL or "auto" for the fastest here
 *
 * Return: the version, or NULL when there is none of that name or this processor
 * does not run it.
 */
const struct use_lite_kernels *use_lite_kernels_find(const char *name);

#endif
