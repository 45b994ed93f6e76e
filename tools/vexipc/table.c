// SPDX-License-Identifier: GPL-2.0-only
/* Tables: text in aligned columns. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct table {
	unsigned int columns;
	size_t count;
	size_t room;
	char **cells;
	unsigned int *widths;
	bool *right;
};

static void *must(void *p)
{
	if (!p) {
		fputs("vexipc: out of memory\n", stderr);
		exit(EXIT_FAILED);
	}
	return p;
}

struct table *table_new(unsigned int columns)
{
	struct table *t = must(calloc(1, sizeof(*t)));

	t->columns = columns;
	t->widths = must(calloc(columns, sizeof(*t->widths)));
	t->right = must(calloc(columns, sizeof(*t->right)));
	return t;
}

/* Columns a text takes: characters, not bytes. */
static unsigned int width_of(const char *text)
{
	unsigned int width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

void table_add(struct table *table, const char *text, bool right)
{
	unsigned int column = (unsigned int)(table->count % table->columns);
	unsigned int width = width_of(text);

	if (table->count == table->room) {
		table->room = table->room ? table->room * 2 : 64;
		table->cells = must(reallocarray(table->cells, table->room,
						 sizeof(*table->cells)));
	}
	table->cells[table->count++] = must(strdup(text));
	table->right[column] |= right;
	if (width > table->widths[column])
		table->widths[column] = width;
}

void table_print(const struct table *table, FILE *to)
{
	int spaces = 0;		/* owed; those at the end of a line never come */

	for (size_t i = 0; i < table->count; i++) {
		unsigned int column = (unsigned int)(i % table->columns);
		int pad = (int)(table->widths[column] - width_of(table->cells[i]));

		if (table->right[column])
			spaces += pad;
		if (*table->cells[i]) {
			fprintf(to, "%*s%s", spaces, "", table->cells[i]);
			spaces = 0;
		}
		if (!table->right[column])
			spaces += pad;
		spaces += 2;
		if (column + 1 == table->columns) {
			putc('\n', to);
			spaces = 0;
		}
	}
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table->widths);
	free(table->right);
	free(table);
}
