// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <string.h>

#include <linux/vexipc.h>

#include "vector.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "vectors are copied as they are");

static uint32_t float_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static float bits_float(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

static uint16_t to_half(float f)
{
	uint32_t u = float_bits(f);
	uint16_t sign = (uint16_t)(u >> 16 & 0x8000);
	uint32_t magnitude = u & 0x7fffffff;

	if (magnitude > 0x7f800000)			/* no number: stays one, quiet */
		return sign | 0x7e00;
	if (magnitude >= 0x477ff000)			/* rounds to 65536 or more */
		return sign | 0x7c00;
	if (magnitude < 0x38800000) {			/* below 2^-14: subnormal */
		/*
		 * Where 0.5 has its last place a subnormal half has it too, so this
		 * sum is rounded right, by the processor.
		 */
		float sum = bits_float(magnitude) + 0.5f;

		return sign | (uint16_t)(float_bits(sum) - 0x3f000000);
	}
	/* the dropped 13 bits round up from half, or from just below it when odd */
	magnitude += 0xfff + (magnitude >> 13 & 1);
	return sign | (uint16_t)((magnitude - ((127 - 15) << 23)) >> 13);
}

static float from_half(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16;
	uint32_t magnitude = h & 0x7fff;

	if (magnitude >= 0x7c00)			/* infinite or no number */
		return bits_float(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
	if (magnitude < 0x400)				/* subnormal: a multiple of 2^-24 */
		return bits_float(sign | float_bits((float)magnitude * 0x1p-24f));
	return bits_float(sign | ((magnitude << 13) + ((127 - 15) << 23)));
}

/* The scale that brings the largest element to @top, or -1 if one is not finite. */
static float find_scale(const float *in, uint32_t dims, float top)
{
	float max = 0;

	for (uint32_t i = 0; i < dims; i++) {
		if (!isfinite(in[i]))
			return -1;
		max = fabsf(in[i]) > max ? fabsf(in[i]) : max;
	}
	return max / top;
}

static int32_t quantise(float v, float scale, int32_t top)
{
	int32_t q = scale > 0 ? (int32_t)lrintf(v / scale) : 0;

	/* a tiny scale is coarse enough for the quotient to come out too large */
	return q > top ? top : q < -top ? -top : q;
}

size_t vexipc_vector_bytes(uint32_t type, uint32_t dims)
{
	switch (type) {
	case VEXIPC_FLOAT32:
		return (size_t)dims * 4;
	case VEXIPC_FLOAT16:
	case VEXIPC_INT16:
		return (size_t)dims * 2;
	case VEXIPC_INT8:
		return dims;
	case VEXIPC_BINARY:
		return ((size_t)dims + 7) / 8;
	default:
		return 0;
	}
}

ssize_t vexipc_vector_encode(uint32_t type, const float *in, uint32_t dims, void *out,
			     size_t room, float *scale)
{
	size_t bytes = vexipc_vector_bytes(type, dims);
	unsigned char *o = out;
	float s = 0;

	if (!bytes)
		return -EINVAL;
	if (room < bytes)
		return -ENOBUFS;

	switch (type) {
	case VEXIPC_FLOAT32:
		memcpy(out, in, bytes);
		break;
	case VEXIPC_FLOAT16:
		for (uint32_t i = 0; i < dims; i++, o += 2)
			memcpy(o, &(uint16_t){ to_half(in[i]) }, 2);
		break;
	case VEXIPC_INT8:
		s = find_scale(in, dims, INT8_MAX);
		if (s < 0)
			return -EDOM;
		for (uint32_t i = 0; i < dims; i++)
			o[i] = (unsigned char)quantise(in[i], s, INT8_MAX);
		break;
	case VEXIPC_INT16:
		s = find_scale(in, dims, INT16_MAX);
		if (s < 0)
			return -EDOM;
		for (uint32_t i = 0; i < dims; i++, o += 2)
			memcpy(o, &(int16_t){ (int16_t)quantise(in[i], s, INT16_MAX) }, 2);
		break;
	case VEXIPC_BINARY:
		memset(out, 0, bytes);
		for (uint32_t i = 0; i < dims; i++)
			o[i / 8] |= (unsigned char)((in[i] > 0) << i % 8);
		break;
	}
	*scale = s;
	return (ssize_t)bytes;
}

int vexipc_vector_decode(uint32_t type, const void *in, size_t bytes, uint32_t dims,
			 float scale, float *out)
{
	const unsigned char *p = in;
	uint16_t half;
	int16_t word;

	if (!dims || !bytes || bytes != vexipc_vector_bytes(type, dims))
		return -EINVAL;

	switch (type) {
	case VEXIPC_FLOAT32:
		memcpy(out, in, bytes);
		break;
	case VEXIPC_FLOAT16:
		for (uint32_t i = 0; i < dims; i++, p += 2) {
			memcpy(&half, p, sizeof(half));
			out[i] = from_half(half);
		}
		break;
	case VEXIPC_INT8:
		for (uint32_t i = 0; i < dims; i++)
			out[i] = (float)(int8_t)p[i] * scale;
		break;
	case VEXIPC_INT16:
		for (uint32_t i = 0; i < dims; i++, p += 2) {
			memcpy(&word, p, sizeof(word));
			out[i] = (float)word * scale;
		}
		break;
	case VEXIPC_BINARY:
		for (uint32_t i = 0; i < dims; i++)
			out[i] = p[i / 8] >> i % 8 & 1 ? 1.0f : -1.0f;
		break;
	}
	return 0;
}
