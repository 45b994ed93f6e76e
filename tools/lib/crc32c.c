// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * CRC32C (Castagnoli, reflected): the instruction where there is one, else eight
 * tables (slicing by 8).
 */
#include <string.h>

#include <vexipc/vexipc.h>

#include "crc32c_table.h"
#include "internal.h"

static uint32_t table_crc(uint32_t crc, const unsigned char *p, size_t len)
{
	while (len >= 8) {
		uint32_t low = get_le32(p) ^ crc;
		uint32_t high = get_le32(p + 4);

		crc = crc32c_table[7][low & 0xff] ^
		      crc32c_table[6][(low >> 8) & 0xff] ^
		      crc32c_table[5][(low >> 16) & 0xff] ^
		      crc32c_table[4][low >> 24] ^
		      crc32c_table[3][high & 0xff] ^
		      crc32c_table[2][(high >> 8) & 0xff] ^
		      crc32c_table[1][(high >> 16) & 0xff] ^
		      crc32c_table[0][high >> 24];
		p += 8;
		len -= 8;
	}
	while (len--)
		crc = (crc >> 8) ^ crc32c_table[0][(crc ^ *p++) & 0xff];
	return crc;
}

#ifdef __x86_64__
#include <nmmintrin.h>

__attribute__((target("sse4.2")))
static uint32_t sse42_crc(uint32_t crc, const unsigned char *p, size_t len)
{
	uint64_t wide = crc;

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		wide = _mm_crc32_u64(wide, word);
	}
	crc = wide;
	while (len--)
		crc = _mm_crc32_u8(crc, *p++);
	return crc;
}
#endif

uint32_t vxi_crc32c_portable(uint32_t crc, const void *data, size_t len)
{
	return ~table_crc(~crc, data, len);
}

uint32_t vexipc_crc32c(uint32_t crc, const void *data, size_t len)
{
#ifdef __x86_64__
	/* Filled in by libgcc before any constructor: a load and a test. */
	if (__builtin_cpu_supports("sse4.2"))
		return ~sse42_crc(~crc, data, len);
#endif
	return vxi_crc32c_portable(crc, data, len);
}
