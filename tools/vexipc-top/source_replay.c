// SPDX-License-Identifier: GPL-2.0-only
/* Samples of a recording. */
#include <errno.h>
#include <stdlib.h>

#include "record.h"

struct replay {
	struct source source;
	FILE *file;
	struct bytes scratch;
	struct record_layout layout;
};

static int replay_next(struct source *source, struct sample *sample)
{
	struct replay *replay = (struct replay *)source;

	return record_next(replay->file, &replay->scratch, &replay->layout, sample);
}

static void replay_close(struct source *source)
{
	struct replay *replay = (struct replay *)source;

	fclose(replay->file);
	bytes_free(&replay->scratch);
	free(replay);
}

int source_replay(const char *path, struct source **source)
{
	static const struct source_ops ops = { replay_next, replay_close };
	struct replay *replay = calloc(1, sizeof(*replay));
	int err;

	if (!replay)
		return -ENOMEM;
	replay->source.ops = &ops;
	replay->file = fopen(path, "re");
	if (!replay->file) {
		err = -errno;
		free(replay);
		return err;
	}
	err = record_open(replay->file, &replay->scratch, &replay->layout);
	if (err) {
		replay_close(&replay->source);
		return err;
	}
	*source = &replay->source;
	return 0;
}
