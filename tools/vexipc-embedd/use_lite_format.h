/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model file of the use-lite engine, made once by use_lite_convert and then
 * only mapped.
 *
 *	struct use_lite_header		64 bytes
 *	struct use_lite_section[]	one for each enum use_lite_section_id, in order
 *	data				every section starts on a multiple of 64 bytes
 *
 * All numbers are little-endian, floats are IEEE binary32. The layouts:
 *
 *	ROWS	rows x cols floats, row after row
 *	PANELS	a matrix of rows x cols (in x out), cut into panels of 16 columns:
 *		panel after panel, in each panel row after row, 16 floats a row.
 *		The encoder's inner loop reads it front to back.
 *	TRIE	struct use_lite_node[rows]: the vocabulary, see there
 *
 * Every section has a checksum, the header has one over the section table, and
 * the file's size is in the header: truncation and damage are found when the file
 * is opened. A change of anything here changes USE_LITE_FORMAT_VERSION.
 */
#ifndef VEXIPC_EMBEDD_USE_LITE_FORMAT_H
#define VEXIPC_EMBEDD_USE_LITE_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define USE_LITE_MAGIC "VXUSELT"	/* with its NUL: 8 bytes */

enum {
	USE_LITE_FORMAT_VERSION = 1,
	USE_LITE_ALIGN = 64,
	USE_LITE_PANEL = 16,

	USE_LITE_DIMS = 512,
	USE_LITE_MAX_TOKENS = 128,
	USE_LITE_VOCAB = 8000,
	USE_LITE_RESERVED_IDS = 6,	/* ids 0-5 are no pieces of text */
	USE_LITE_EMBED_ROWS = 8002,
	USE_LITE_EMBED_DIMS = 256,
	USE_LITE_FFN_DIMS = 1536,
};

enum use_lite_layout {
	USE_LITE_ROWS = 0,
	USE_LITE_PANELS = 1,
	USE_LITE_TRIE = 2,
};

struct use_lite_header {
	char magic[8];
	uint32_t version;
	uint32_t sections;
	uint64_t file_size;
	uint64_t table_sum;	/* use_lite_sum() of the section table */
	char source[32];	/* what it was made from, for people */
};

struct use_lite_section {
	char name[24];
	uint32_t layout;
	uint32_t rows;
	uint32_t cols;
	uint32_t pad;
	uint64_t offset;
	uint64_t size;		/* bytes, a multiple of 8 */
	uint64_t sum;		/* use_lite_sum() of the data */
};

/*
 * A node of the trie of vocabulary pieces, edges labelled with code points.
 * Node 0 is the root; nodes are in breadth-first order, so the children of a node
 * are neighbours, after it, and sorted by symbol.
 */
struct use_lite_node {
	uint32_t symbol;	/* code point on the edge that leads here */
	uint32_t first_child;
	uint32_t children;
	int32_t id;		/* of the piece that ends here, -1 for none */
	double score;		/* its log-probability */
};

_Static_assert(sizeof(struct use_lite_header) == 64, "header layout");
_Static_assert(sizeof(struct use_lite_section) == 64, "section layout");
_Static_assert(sizeof(struct use_lite_node) == 24, "node layout");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file is mapped as it is");

/*
 * X(ID, name, layout, rows, cols); rows 0: as many as there are.
 * EMBED holds the token embeddings times two, POSITION what is added to them at
 * each of the 128 positions.
 */
#define USE_LITE_LAYER_SECTIONS(X, L, l, in)						\
	X(L##_LN1_SCALE, l ".ln1.scale", USE_LITE_ROWS, 1, in)				\
	X(L##_LN1_BIAS, l ".ln1.bias", USE_LITE_ROWS, 1, in)				\
	X(L##_QKV_W, l ".qkv.weight", USE_LITE_PANELS, in, 3 * (in))			\
	X(L##_QKV_B, l ".qkv.bias", USE_LITE_ROWS, 1, 3 * (in))				\
	X(L##_OUT_W, l ".out.weight", USE_LITE_PANELS, in, USE_LITE_DIMS)		\
	X(L##_OUT_B, l ".out.bias", USE_LITE_ROWS, 1, USE_LITE_DIMS)			\
	X(L##_LN2_SCALE, l ".ln2.scale", USE_LITE_ROWS, 1, USE_LITE_DIMS)		\
	X(L##_LN2_BIAS, l ".ln2.bias", USE_LITE_ROWS, 1, USE_LITE_DIMS)			\
	X(L##_FFN1_W, l ".ffn1.weight", USE_LITE_PANELS, USE_LITE_DIMS, USE_LITE_FFN_DIMS) \
	X(L##_FFN1_B, l ".ffn1.bias", USE_LITE_ROWS, 1, USE_LITE_FFN_DIMS)		\
	X(L##_FFN2_W, l ".ffn2.weight", USE_LITE_PANELS, USE_LITE_FFN_DIMS, USE_LITE_DIMS) \
	X(L##_FFN2_B, l ".ffn2.bias", USE_LITE_ROWS, 1, USE_LITE_DIMS)

#define USE_LITE_SECTIONS(X)								\
	X(VOCAB_TRIE, "trie", USE_LITE_TRIE, 0, 1)					\
	X(EMBED, "embedding", USE_LITE_ROWS, USE_LITE_EMBED_ROWS, USE_LITE_EMBED_DIMS)	\
	X(POSITION, "position", USE_LITE_ROWS, USE_LITE_MAX_TOKENS, USE_LITE_EMBED_DIMS) \
	X(L0_RES_W, "l0.residual.weight", USE_LITE_PANELS, USE_LITE_EMBED_DIMS, USE_LITE_DIMS) \
	X(L0_RES_B, "l0.residual.bias", USE_LITE_ROWS, 1, USE_LITE_DIMS)		\
	USE_LITE_LAYER_SECTIONS(X, L0, "l0", USE_LITE_EMBED_DIMS)			\
	USE_LITE_LAYER_SECTIONS(X, L1, "l1", USE_LITE_DIMS)				\
	X(FINAL_W, "final.weight", USE_LITE_PANELS, USE_LITE_DIMS, USE_LITE_DIMS)	\
	X(FINAL_B, "final.bias", USE_LITE_ROWS, 1, USE_LITE_DIMS)

enum use_lite_section_id {
#define X(id, name, layout, rows, cols) USE_LITE_##id,
	USE_LITE_SECTIONS(X)
#undef X
	USE_LITE_NR_SECTIONS
};

/**
 * use_lite_sum() - checksum of a section
 * @data: bytes, 8-byte aligned
 * @size: how many, a multiple of 8
 *
 * Word-wise FNV-1a with a fold. Each step is a bijection of the state, so any one
 * damaged word changes the result for certain. Fast enough to check the whole file
 * whenever it is opened, also on an emulated processor.
 */
static inline uint64_t use_lite_sum(const void *data, size_t size)
{
	const unsigned char *p = data;
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i + 8 <= size; i += 8) {
		uint64_t word;

		memcpy(&word, p + i, sizeof(word));
		h = (h ^ word) * 0x100000001b3ULL;
		h ^= h >> 32;
	}
	return h;
}

#endif
