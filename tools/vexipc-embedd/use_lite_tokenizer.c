// SPDX-License-Identifier: GPL-2.0-only
/*
 * The split is defined by the model's own tokenizer, which the model was trained
 * and published with. Where that one is peculiar, this one is so too: a score of
 * exactly 0 counts as "not reached yet", and a position that no piece ends at
 * starts afresh with score 0, as if an unknown character ended there.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "use_lite_tokenizer.h"

enum {
	SEPARATOR = 0x2581,
	UNKNOWN_ID = 0,
	FIRST_WINDOW = 4096,
	/* tokens this near to the end of a window may be others in a larger one */
	WINDOW_SLACK = 64,
};

struct use_lite_lattice {
	double score;	/* of the best way here */
	uint16_t id;	/* last piece of that way */
	uint16_t len;	/* its symbols */
};

void use_lite_tokenizer_free(struct use_lite_tokenizer *t)
{
	free(t->symbols);
	free(t->lattice);
	*t = (struct use_lite_tokenizer){ 0 };
}

static int reserve(struct use_lite_tokenizer *t, size_t room)
{
	struct use_lite_lattice *lattice;
	int32_t *symbols;

	if (room <= t->room)
		return 0;
	symbols = realloc(t->symbols, room * sizeof(*symbols));
	if (!symbols)
		return -ENOMEM;
	t->symbols = symbols;
	lattice = realloc(t->lattice, (room + 1) * sizeof(*lattice));
	if (!lattice)
		return -ENOMEM;
	t->lattice = lattice;
	t->room = room;
	return 0;
}

static size_t ascii_run(const char *text, size_t len)
{
	size_t i = 0;
	uint64_t word;

	for (; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, text + i, sizeof(word));
		if (word & 0x8080808080808080ULL)
			break;
	}
	while (i < len && !(text[i] & 0x80))
		i++;
	return i;
}

ssize_t use_lite_check_utf8(const char *text, size_t len)
{
	size_t i = ascii_run(text, len);

	while (i < len) {
		utf8proc_int32_t symbol;
		size_t left = len - i;
		/* utf8proc counts in signed sizes; no sequence is longer than 4 */
		utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text + i,
						      left < 4 ? (utf8proc_ssize_t)left : 4,
						      &symbol);

		if (n <= 0)
			return (ssize_t)i;
		i += (size_t)n;
		i += ascii_run(text + i, len - i);
	}
	return -1;
}

/* Symbols of the normalised text, separators included, or negative errno. */
static ssize_t normalise(struct use_lite_tokenizer *t, const char *text, size_t len)
{
	const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
	utf8proc_ssize_t n;
	int ret;

	/* nearly always enough: one for the separator, one a byte */
	ret = reserve(t, len + 1);
	if (ret)
		return ret;
	if (ascii_run(text, len) == len) {
		for (size_t i = 0; i < len; i++)
			t->symbols[i + 1] = text[i];
		n = (utf8proc_ssize_t)len;
	} else {
		n = utf8proc_decompose((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len,
				       t->symbols + 1, (utf8proc_ssize_t)(t->room - 1), options);
		if (n > (utf8proc_ssize_t)(t->room - 1)) {
			ret = reserve(t, (size_t)n + 1);
			if (ret)
				return ret;
			n = utf8proc_decompose((const utf8proc_uint8_t *)text,
					       (utf8proc_ssize_t)len, t->symbols + 1, n, options);
		}
		if (n >= 0)
			n = utf8proc_normalize_utf32(t->symbols + 1, n, options);
		if (n < 0)
			return n == UTF8PROC_ERROR_NOMEM ? -ENOMEM : -EILSEQ;
	}
	if (!n)
		return 0;
	t->symbols[0] = SEPARATOR;
	for (utf8proc_ssize_t i = 1; i <= n; i++)
		if (t->symbols[i] == ' ')
			t->symbols[i] = SEPARATOR;
	return n + 1;
}

static const struct use_lite_node *find_child(const struct use_lite_node *trie,
					      const struct use_lite_node *node, uint32_t symbol)
{
	uint32_t low = node->first_child, high = low + node->children;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (trie[middle].symbol == symbol)
			return &trie[middle];
		if (trie[middle].symbol < symbol)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void offer(struct use_lite_lattice *at, double score, uint16_t id, size_t len)
{
	if (at->score == 0.0 || score >= at->score)
		*at = (struct use_lite_lattice){ score, id, (uint16_t)len };
}

/* Offer each piece that starts at each position to the position where it ends. */
static void fill_lattice(struct use_lite_tokenizer *t, const struct use_lite_node *trie, size_t n)
{
	for (size_t i = 0; i <= n; i++)
		t->lattice[i] = (struct use_lite_lattice){ 0.0, UNKNOWN_ID, 1 };

	for (size_t start = 0; start < n; start++) {
		const struct use_lite_node *node = trie;
		double base = t->lattice[start].score;
		bool known = false;

		for (size_t end = start; end < n; end++) {
			node = find_child(trie, node, (uint32_t)t->symbols[end]);
			if (!node)
				break;
			if (node->id < 0)
				continue;
			known = true;
			offer(&t->lattice[end + 1], base + node->score, (uint16_t)node->id,
			      end + 1 - start);
		}
		if (!known)
			offer(&t->lattice[start + 1], base, UNKNOWN_ID, 1);
	}
}

/*
 * Follow the best way from the end, then read it from the start: a run of unknown
 * ones becomes one. Returns how many tokens there are in all; the first max of
 * them are in ids.
 */
static size_t read_path(struct use_lite_tokenizer *t, size_t n, uint16_t *ids, unsigned int max)
{
	struct use_lite_lattice *lattice = t->lattice;
	size_t at = n, pieces = 0, tokens = 0;
	bool unknown = false;

	/* their ids in order at the upper end of the lattice, which is done with by then */
	while (at > 0) {
		struct use_lite_lattice piece = lattice[at];

		lattice[n - pieces++].id = piece.id;
		at -= piece.len;
	}
	for (size_t i = n + 1 - pieces; i <= n; i++) {
		uint16_t id = lattice[i].id;

		if (unknown && id == UNKNOWN_ID)
			continue;
		unknown = id == UNKNOWN_ID;
		if (tokens < max)
			ids[tokens] = id;
		tokens++;
	}
	return tokens;
}

int use_lite_tokenize(struct use_lite_tokenizer *t, const struct use_lite_model *model,
		      const char *text, size_t len, uint16_t *ids, unsigned int max)
{
	size_t window = FIRST_WINDOW, tokens;

	for (;;) {
		size_t part = len < window ? len : window;
		ssize_t n;

		/* not in the middle of a character */
		while (part < len && part && ((unsigned char)text[part] & 0xc0) == 0x80)
			part--;
		n = normalise(t, text, part);
		if (n < 0)
			return (int)n;
		fill_lattice(t, model->section[USE_LITE_VOCAB_TRIE], (size_t)n);
		tokens = read_path(t, (size_t)n, ids, max);
		if (part == len || tokens >= max + WINDOW_SLACK || window >= USE_LITE_TEXT_WINDOW)
			return (int)(tokens < max ? tokens : max);
		window *= 4;
	}
}
