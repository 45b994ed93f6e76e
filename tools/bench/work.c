// SPDX-License-Identifier: GPL-2.0-only
/* What a round trip carries: a text, and the vector that answers it. */
#include <err.h>
#include <string.h>

#include "bench.h"

void bench_text(const struct bench_work *work, void *text)
{
	static const char words[] = "the quick brown fox jumps over the lazy dog ";
	char *at = text;

	for (size_t i = 0; i < work->request; i++)
		at[i] = words[i % (sizeof(words) - 1)];
}

void bench_vector(const struct bench_work *work, void *vector)
{
	for (size_t i = 0; i < work->answer / sizeof(float); i++) {
		float f = (float)i / 1024;

		memcpy((char *)vector + i * sizeof(f), &f, sizeof(f));
	}
}

void bench_check(const struct bench_work *work, const void *vector, const void *expected,
		 uint32_t seq)
{
	uint64_t stamp = bench_stamp(seq);

	if (memcmp(vector, &stamp, sizeof(stamp)) ||
	    memcmp((const char *)vector + BENCH_STAMP, (const char *)expected + BENCH_STAMP,
		   work->answer - BENCH_STAMP))
		errx(1, "round trip %u: the answer is not what was asked for", seq);
}
