/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included by use_lite_kernels.c once for each version, under that version's
 * target options, with these defined and undefined again here:
 *
 *	VERSION(name)	the version's name for a function
 *	TILE_ROWS	rows of a tile, 2 to 6
 *	WIDTH, V, VI, V_MEM	floats of a vector, and its types
 */

/*
 * One tile: rows x 16 of the result, in registers from the first product to the
 * last. rows is a constant once this is inlined, so that the unused accumulators
 * vanish.
 */
static inline __attribute__((always_inline)) void
VERSION(tile)(const struct use_lite_gemm *g, const float *b, const float *bias, const float *a,
	      float *c, const int rows)
{
	enum { COLS = USE_LITE_TILE_COLS / WIDTH };
	V sum[TILE_ROWS][COLS];
	const size_t lda = g->lda, ldc = g->ldc, depth = g->depth;

#pragma GCC unroll 6
	for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
		for (int i = 0; i < COLS; i++)
			sum[r][i] = bias ? (V)LOAD(bias + i * WIDTH) : (V){ 0 };
	}
	for (size_t k = 0; k < depth; k++, b += USE_LITE_TILE_COLS) {
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++) {
			const float s = a[(size_t)r * lda + k];

#pragma GCC unroll 4
			for (int i = 0; i < COLS; i++)
				sum[r][i] += s * LOAD(b + i * WIDTH);
		}
	}
#pragma GCC unroll 6
	for (int r = 0; r < rows; r++, c += ldc) {
#pragma GCC unroll 4
		for (int i = 0; i < COLS; i++) {
			if (g->flags & USE_LITE_ACCUMULATE)
				sum[r][i] += LOAD(c + i * WIDTH);
			if (g->flags & USE_LITE_RELU)
				sum[r][i] = AT_LEAST(sum[r][i], 0.0f);
			STORE(c + i * WIDTH, sum[r][i]);
		}
	}
}

static void VERSION(gemm)(const struct use_lite_gemm *g)
{
	/* tiles of nearly the same height: a low one keeps the multipliers idle */
	size_t tiles = (g->rows + TILE_ROWS - 1) / TILE_ROWS;

	for (size_t p = 0; p < g->panels; p++) {
		const float *b = g->b + p * g->depth * USE_LITE_TILE_COLS;
		const float *bias = g->bias ? g->bias + p * USE_LITE_TILE_COLS : NULL;
		size_t row = 0;

		for (size_t i = 0; i < tiles; i++) {
			size_t end = (i + 1) * g->rows / tiles;
			const float *a = g->a + row * g->lda;
			float *c = g->c + row * g->ldc + p * USE_LITE_TILE_COLS;

			switch (end - row) {
			case 1:
				VERSION(tile)(g, b, bias, a, c, 1);
				break;
			case 2:
				VERSION(tile)(g, b, bias, a, c, 2);
				break;
#if TILE_ROWS > 2
			case 3:
				VERSION(tile)(g, b, bias, a, c, 3);
				break;
			case 4:
				VERSION(tile)(g, b, bias, a, c, 4);
				break;
			case 5:
				VERSION(tile)(g, b, bias, a, c, 5);
				break;
			case 6:
				VERSION(tile)(g, b, bias, a, c, 6);
				break;
#endif
			}
			row = end;
		}
	}
}

static void VERSION(layer_norm)(const float *in, size_t rows, size_t dims, const float *scale,
				const float *bias, float *out)
{
	for (size_t r = 0; r < rows; r++, in += dims, out += dims) {
		V sum = { 0 }, squares = { 0 };
		float mean = 0, variance = 0, factor;

		for (size_t i = 0; i < dims; i += WIDTH)
			sum += LOAD(in + i);
		for (int i = 0; i < WIDTH; i++)
			mean += sum[i];
		mean /= (float)dims;

		for (size_t i = 0; i < dims; i += WIDTH) {
			V d = LOAD(in + i) - mean;

			squares += d * d;
		}
		for (int i = 0; i < WIDTH; i++)
			variance += squares[i];
		variance /= (float)dims;
		factor = 1.0f / sqrtf(variance + 1e-6f);

		for (size_t i = 0; i < dims; i += WIDTH)
			STORE(out + i, (LOAD(in + i) - mean) * factor * LOAD(scale + i) +
				       LOAD(bias + i));
	}
}

static void VERSION(softmax)(float *x, size_t stride, size_t rows, size_t cols, float factor)
{
	size_t padded = (cols + USE_LITE_TILE_COLS - 1) / USE_LITE_TILE_COLS *
			USE_LITE_TILE_COLS;

	for (size_t r = 0; r < rows; r++, x += stride) {
		V sums = { 0 };
		float max = x[0], sum = 0;

		for (size_t i = 1; i < cols; i++)
			max = x[i] > max ? x[i] : max;
		for (size_t i = cols; i < padded; i++)
			x[i] = max - 1e9f;
		for (size_t i = 0; i < padded; i += WIDTH) {
			V e = EXP((LOAD(x + i) - max) * factor);

			STORE(x + i, e);
			sums += e;
		}
		for (int i = 0; i < WIDTH; i++)
			sum += sums[i];
		for (size_t i = 0; i < padded; i += WIDTH)
			STORE(x + i, LOAD(x + i) * (1.0f / sum));
		for (size_t i = cols; i < padded; i++)
			x[i] = 0;
	}
}

#undef VERSION
#undef TILE_ROWS
#undef WIDTH
#undef V
#undef VI
#undef V_MEM
