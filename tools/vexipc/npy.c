// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "npy.h"

size_t npy_header(char buf[NPY_HEADER_MAX], const char *type, uint64_t rows, uint64_t columns)
{
	/* Magic, version 1.0, length of the dictionary: 10 bytes. */
	static const char magic[] = "\x93NUMPY\x01";
	const size_t fixed = 10;
	size_t len;

	memcpy(buf, magic, sizeof(magic));
	len = fixed + (size_t)snprintf(buf + fixed, NPY_HEADER_MAX - fixed,
		"{'descr': '%s', 'fortran_order': False, 'shape': (%" PRIu64 ", %" PRIu64 "), }",
		type, rows, columns);
	/* Spaces and a newline up to a multiple of 64. */
	while ((len + 1) % 64)
		buf[len++] = ' ';
	buf[len++] = '\n';
	buf[8] = (char)((len - fixed) & 0xff);
	buf[9] = (char)((len - fixed) >> 8);
	return len;
}
