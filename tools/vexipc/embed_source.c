// SPDX-License-Identifier: GPL-2.0-only
/* Texts from arguments, files, standard input. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"

int source_open(struct source *source)
{
	if (source->texts)
		return 0;
	if (!source->path || !strcmp(source->path, "-")) {
		source->file = stdin;
		return 0;
	}
	source->file = fopen(source->path, "re");
	return source->file ? 0 : -errno;
}

void source_close(struct source *source)
{
	if (source->file && source->file != stdin)
		fclose(source->file);
	source->file = NULL;
}

static int read_whole(FILE *file, struct text *text)
{
	size_t room = 0;

	for (;;) {
		size_t n;

		if (text->len == room) {
			char *bigger;

			/* One more than a message is enough to be refused. */
			if (room > VEXIPC_MAX_MESSAGE)
				return 1;
			room = room ? room * 2 : 65536;
			bigger = realloc(text->data, room);
			if (!bigger)
				return -ENOMEM;
			text->data = bigger;
		}
		n = fread(text->data + text->len, 1, room - text->len, file);
		text->len += n;
		if (ferror(file))
			return errno ? -errno : -EIO;
		if (!n)
			return 1;
	}
}

/* The next line that is not empty. */
static int read_line(FILE *file, struct text *text)
{
	size_t room = 0;
	ssize_t n;

	for (;;) {
		errno = 0;
		n = getline(&text->data, &room, file);
		if (n < 0)
			return ferror(file) ? (errno ? -errno : -EIO) : 0;
		if (n && text->data[n - 1] == '\n')
			n--;
		if (n && text->data[n - 1] == '\r')
			n--;
		text->data[n] = '\0';
		if (n) {
			text->len = (size_t)n;
			return 1;
		}
	}
}

int source_next(struct source *source, struct text *text)
{
	int got;

	*text = (struct text) { 0 };
	if (source->ended)
		return 0;
	if (source->texts) {
		if (source->next == source->count)
			return 0;
		text->data = strdup(source->texts[source->next++]);
		if (!text->data)
			return -ENOMEM;
		text->len = strlen(text->data);
		return 1;
	}
	got = source->whole ? read_whole(source->file, text) : read_line(source->file, text);
	source->ended = source->whole || got <= 0;
	if (got <= 0) {
		free(text->data);
		text->data = NULL;
	}
	return got;
}
