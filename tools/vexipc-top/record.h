/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings of samples.
 *
 *   file     magic "vexipctp", chunk (the layout), chunk (a sample) ...
 *   chunk    u32 length, u32 CRC32C of what follows; little-endian
 *   layout   number RECORD_VERSION; fields of a service; of an instance; of
 *            telemetry itself; of the module
 *   fields   how many; of each: name, kind (0 number, 1 string, 2 array)
 *   sample   time_ns, wall_sec, errno or 0, policy, instance, telemetry, 1 if the
 *            module is known, module, how many services, of each: figures, how
 *            many buckets, of each: gap from the one before, count
 *   figures  a value for each field; of arrays how many, then their numbers
 *   number   seven bits a byte, the low ones first, the eighth says more follow
 *   string   its length, its bytes
 *
 * Fields go by name: a reader skips those it does not know, and has 0 for those
 * that are not there. Version 1 had neither telemetry nor module. A recording is not
 * trusted: whatever is in it is checked.
 */
#ifndef VEXIPC_TOP_RECORD_H
#define VEXIPC_TOP_RECORD_H

#include "sample.h"

enum {
	RECORD_VERSION		= 2,
	RECORD_MOST_FIELDS	= 256,
	RECORD_MOST_CHUNK	= 32 << 20,
};

/* A buffer that grows; after a failure to, it stays empty and failed. */
struct bytes {
	unsigned char *data;
	size_t len;
	size_t room;
	bool failed;
};

void bytes_free(struct bytes *bytes);

/* Return: 0 or a negative errno. */
int record_begin(FILE *to, struct bytes *scratch);
int record_sample(FILE *to, struct bytes *scratch, const struct sample *sample);

enum record_table {
	RECORD_SERVICE,
	RECORD_INSTANCE,
	RECORD_TELEMETRY,
	RECORD_MODULE,
	RECORD_TABLES
};

/* Fields of a recording: where each goes here, NULL: nowhere. */
struct record_layout {
	unsigned int version;
	struct {
		const struct vexipc_field *field;
		unsigned int kind;
	} fields[RECORD_TABLES][RECORD_MOST_FIELDS];
	unsigned int count[RECORD_TABLES];
};

/* These take a chunk's content. Return: 0; -EPROTONOSUPPORT; -EBADMSG; -ENOMEM. */
int record_parse_layout(const void *data, size_t len, struct record_layout *layout);
int record_parse_sample(const void *data, size_t len, const struct record_layout *layout,
			struct sample *sample);

/*
 * Read a file's beginning, and a chunk. Return: 0; -EPROTO, -EPROTONOSUPPORT,
 * -EBADMSG; -ENODATA it ends here; -EPIPE it ends within.
 */
int record_open(FILE *from, struct bytes *scratch, struct record_layout *layout);
int record_next(FILE *from, struct bytes *scratch, const struct record_layout *layout,
		struct sample *sample);

#endif
