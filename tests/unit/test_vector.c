// SPDX-License-Identifier: GPL-2.0-only
/* tools/lib/vector.c: data types of vectors. Takes nothing. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <linux/vexipc.h>

#include "tap.h"
#include "vector.h"

enum { DIMS = 517 };

/* Floats of length 1, the kind that engines make, the same in every run. */
static void make_vector(float *v, uint32_t dims)
{
	uint32_t seed = 1;
	double squares = 0;

	for (uint32_t i = 0; i < dims; i++) {
		seed = seed * 1664525 + 1013904223;
		v[i] = (float)((double)seed / 0x1p32 - 0.5);
		squares += (double)v[i] * (double)v[i];
	}
	for (uint32_t i = 0; i < dims; i++)
		v[i] /= (float)sqrt(squares);
}

/* Largest error of there and back, relative to the largest element. */
static double round_trip(uint32_t type, const float *v, uint32_t dims)
{
	unsigned char *wire = malloc(vexipc_vector_bytes(type, dims));
	float *back = malloc(dims * sizeof(*back));
	size_t bytes = vexipc_vector_bytes(type, dims);
	double worst = 0, max = 0;
	float scale;

	if (!wire || !back)
		tap_bail("no memory");
	if (vexipc_vector_encode(type, v, dims, wire, bytes, &scale) != (ssize_t)bytes ||
	    vexipc_vector_decode(type, wire, bytes, dims, scale, back))
		worst = INFINITY;
	for (uint32_t i = 0; i < dims && worst < INFINITY; i++) {
		worst = fmax(worst, fabs((double)v[i] - (double)back[i]));
		max = fmax(max, fabs((double)v[i]));
	}
	free(wire);
	free(back);
	return worst / max;
}

static void test_sizes(void)
{
	tap_ok(vexipc_vector_bytes(VEXIPC_FLOAT32, 512) == 2048, "512 float32 are 2048 bytes");
	tap_ok(vexipc_vector_bytes(VEXIPC_FLOAT16, 512) == 1024, "512 float16 are 1024 bytes");
	tap_ok(vexipc_vector_bytes(VEXIPC_INT8, 512) == 512, "512 int8 are 512 bytes");
	tap_ok(vexipc_vector_bytes(VEXIPC_INT16, 512) == 1024, "512 int16 are 1024 bytes");
	tap_ok(vexipc_vector_bytes(VEXIPC_BINARY, 512) == 64, "512 bits are 64 bytes");
	tap_ok(vexipc_vector_bytes(VEXIPC_BINARY, 9) == 2, "9 bits are 2 bytes");
	tap_ok(!vexipc_vector_bytes(VEXIPC_DATA_TYPES, 9), "an unknown type has no size");
	tap_ok(vexipc_vector_bytes(VEXIPC_FLOAT32, UINT32_MAX) == 4ULL * UINT32_MAX,
	       "the size does not wrap");
}

static void test_precision(const float *v)
{
	tap_ok(round_trip(VEXIPC_FLOAT32, v, DIMS) == 0, "float32 comes back unchanged");
	tap_ok(round_trip(VEXIPC_FLOAT16, v, DIMS) <= 0x1p-11, "float16 is within half a unit");
	tap_ok(round_trip(VEXIPC_INT8, v, DIMS) <= 0.51 / 127, "int8 is within about half a step");
	tap_ok(round_trip(VEXIPC_INT16, v, DIMS) <= 0.51 / 32767, "int16 is within about half a step");
}

static void test_half(void)
{
	static const struct {
		float value;
		uint16_t half;
		const char *what;
	} cases[] = {
		{ 0.0f, 0x0000, "0" },
		{ -0.0f, 0x8000, "-0" },
		{ 1.0f, 0x3c00, "1" },
		{ -2.0f, 0xc000, "-2" },
		{ 0x1.004p0f, 0x3c01, "the next after 1" },
		{ 0x1.002p0f, 0x3c00, "a tie, down to even" },
		{ 0x1.006p0f, 0x3c02, "a tie, up to even" },
		{ 0x1.002002p0f, 0x3c01, "just above a tie" },
		{ 65504.0f, 0x7bff, "the largest" },
		{ 65519.996f, 0x7bff, "what still rounds to the largest" },
		{ 65520.0f, 0x7c00, "what rounds to infinity" },
		{ -1e30f, 0xfc00, "far below, minus infinity" },
		{ INFINITY, 0x7c00, "infinity" },
		{ 0x1p-14f, 0x0400, "the smallest normal" },
		{ 0x1.ff8p-15f, 0x03ff, "the largest subnormal" },
		{ 0x1p-24f, 0x0001, "the smallest subnormal" },
		{ 0x1p-25f, 0x0000, "half of it, down to even" },
		{ 0x1.8p-24f, 0x0002, "one and a half of it, up to even" },
		{ 0x1p-149f, 0x0000, "the smallest float" },
	};
	bool all = true;
	uint16_t half;
	float scale, f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vexipc_vector_encode(VEXIPC_FLOAT16, &cases[i].value, 1, &half, 2, &scale);
		tap_ok(half == cases[i].half, "float16 of %s", cases[i].what);
	}
	vexipc_vector_encode(VEXIPC_FLOAT16, &(float){ NAN }, 1, &half, 2, &scale);
	tap_ok((half & 0x7c00) == 0x7c00 && (half & 0x3ff), "float16 of no number is none");

	for (uint32_t h = 0; h <= UINT16_MAX; h++) {
		uint16_t back;

		half = (uint16_t)h;
		vexipc_vector_decode(VEXIPC_FLOAT16, &half, 2, 1, 0, &f);
		vexipc_vector_encode(VEXIPC_FLOAT16, &f, 1, &back, 2, &scale);
		all &= isnan(f) ? (back & 0x7c00) == 0x7c00 && (back & 0x3ff) : back == half;
	}
	tap_ok(all, "all 65536 float16 survive decode and encode");
}

static void test_integers(void)
{
	const float v[] = { 0.5f, -1.0f, 0.25f, 0.0f, 1.5f / 127 };
	const float zeros[3] = { 0 };
	float out[5], scale = -1;
	int8_t bytes[5];
	int16_t words[5];

	vexipc_vector_encode(VEXIPC_INT8, v, 5, bytes, sizeof(bytes), &scale);
	tap_ok(scale == 1.0f / 127, "int8 scale is max|v| / 127");
	tap_ok(bytes[0] == 64 && bytes[1] == -127 && bytes[2] == 32 && bytes[3] == 0 &&
	       bytes[4] == 2, "int8 rounds to nearest, ties to even");
	vexipc_vector_encode(VEXIPC_INT16, v, 5, words, sizeof(words), &scale);
	tap_ok(scale == 1.0f / 32767, "int16 scale is max|v| / 32767");
	tap_ok(words[0] == 16384 && words[1] == -32767 && words[3] == 0,
	       "int16 rounds to nearest, ties to even");

	vexipc_vector_encode(VEXIPC_INT8, zeros, 3, bytes, sizeof(bytes), &scale);
	tap_ok(scale == 0 && !bytes[0] && !bytes[1] && !bytes[2], "zeros have scale 0");
	vexipc_vector_decode(VEXIPC_INT8, bytes, 3, 3, scale, out);
	tap_ok(out[0] == 0 && out[2] == 0, "and come back as zeros");

	for (float tiny = 0x1p-149f; tiny < 0x1p-120f; tiny *= 3) {
		vexipc_vector_encode(VEXIPC_INT16, (float[]){ -tiny, tiny / 3 }, 2, words, 4, &scale);
		if (words[0] > 0 || words[0] == INT16_MIN)
			break;
		vexipc_vector_encode(VEXIPC_INT8, (float[]){ -tiny, tiny / 3 }, 2, bytes, 2, &scale);
		if (bytes[0] > 0 || bytes[0] == INT8_MIN)
			break;
	}
	tap_ok(words[0] <= 0 && words[0] != INT16_MIN && bytes[0] <= 0 && bytes[0] != INT8_MIN,
	       "elements of the tiniest vectors stay in range");

	tap_ok(vexipc_vector_encode(VEXIPC_INT8, (float[]){ 1, NAN }, 2, bytes, 5, &scale) == -EDOM,
	       "int8 refuses what is no number");
	tap_ok(vexipc_vector_encode(VEXIPC_INT16, (float[]){ -INFINITY }, 1, words, 4, &scale) ==
	       -EDOM, "int16 refuses infinity");
}

static void test_binary(void)
{
	const float v[] = { 1, -1, 0, 2, -0.0f, 1e-40f, NAN, 3, -3, 4 };
	float back[10], scale;
	unsigned char bits[2] = { 0xff, 0xff };

	vexipc_vector_encode(VEXIPC_BINARY, v, 10, bits, sizeof(bits), &scale);
	tap_ok(bits[0] == 0xa9 && bits[1] == 0x02,
	       "bit i is v[i] > 0, least significant first, the rest 0");
	vexipc_vector_decode(VEXIPC_BINARY, bits, 2, 10, 0, back);
	tap_ok(back[0] == 1 && back[1] == -1 && back[2] == -1 && back[9] == 1,
	       "bits come back as 1 and -1");
}

static void test_refusals(const float *v)
{
	float out[8], scale;
	unsigned char wire[32];

	tap_ok(vexipc_vector_encode(VEXIPC_DATA_TYPES, v, 8, wire, 32, &scale) == -EINVAL,
	       "encode refuses an unknown type");
	tap_ok(vexipc_vector_encode(VEXIPC_FLOAT32, v, 0, wire, 32, &scale) == -EINVAL,
	       "encode refuses no elements");
	tap_ok(vexipc_vector_encode(VEXIPC_FLOAT32, v, 8, wire, 31, &scale) == -ENOBUFS,
	       "encode refuses too little room");
	tap_ok(vexipc_vector_decode(VEXIPC_DATA_TYPES, wire, 8, 8, 1, out) == -EINVAL,
	       "decode refuses an unknown type");
	tap_ok(vexipc_vector_decode(VEXIPC_INT8, wire, 0, 0, 1, out) == -EINVAL,
	       "decode refuses no elements");
	tap_ok(vexipc_vector_decode(VEXIPC_INT16, wire, 15, 8, 1, out) == -EINVAL,
	       "decode refuses a size that does not fit");
}

static void test_alignment(const float *v)
{
	unsigned char wire[4 * 9 + 1];
	bool all = true;

	for (uint32_t type = 0; type < VEXIPC_DATA_TYPES; type++) {
		unsigned char straight[4 * 9];
		float a[9], b[9], scale;
		size_t bytes = vexipc_vector_bytes(type, 9);

		vexipc_vector_encode(type, v, 9, straight, bytes, &scale);
		vexipc_vector_encode(type, v, 9, wire + 1, bytes, &scale);
		vexipc_vector_decode(type, straight, bytes, 9, scale, a);
		vexipc_vector_decode(type, wire + 1, bytes, 9, scale, b);
		all &= !memcmp(straight, wire + 1, bytes) && !memcmp(a, b, sizeof(a));
	}
	tap_ok(all, "alignment makes no difference");
}

int main(void)
{
	float v[DIMS];

	make_vector(v, DIMS);
	test_sizes();
	test_precision(v);
	test_half();
	test_integers();
	test_binary();
	test_refusals(v);
	test_alignment(v);
	return tap_done();
}
