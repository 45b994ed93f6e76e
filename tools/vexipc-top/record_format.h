/* SPDX-License-Identifier: GPL-2.0-only */
/* What writing and reading recordings must agree on; see record.h. */
#ifndef VEXIPC_TOP_RECORD_FORMAT_H
#define VEXIPC_TOP_RECORD_FORMAT_H

#include <vexipc/vexipc.h>

#define RECORD_MAGIC	"vexipctp"

enum {
	MAGIC_LEN	= sizeof(RECORD_MAGIC) - 1,
	CHUNK_HEAD	= 8,
	MOST_ERRNO	= 4095,
};

enum record_kind {
	RECORD_NUMBER	= 0,
	RECORD_STRING	= 1,
	RECORD_ARRAY	= 2,
	RECORD_KINDS
};

unsigned int field_kind(const struct vexipc_field *field);

#endif
