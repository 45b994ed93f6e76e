/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Vectors of floats to the data types they travel in, and back.
 *
 *	Float32	as it is
 *	Float16	IEEE 754 binary16, rounded to nearest, ties to even; what is too large
 *		becomes infinite
 *	Int8	scale = max|v[i]| / 127; element = v[i] / scale rounded to nearest, ties
 *		to even; -128 is not used
 *	Int16	the same with 32767
 *	Binary	bit i (least significant first) is v[i] > 0; bits past the end are 0
 *
 * All little-endian. A vector of zeros has scale 0; so have all vectors of the types
 * without a scale, and decode takes no notice of it there. Nothing here keeps state
 * or allocates.
 */
#ifndef VEXIPC_VECTOR_H
#define VEXIPC_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * vexipc_vector_bytes() - size of an encoded vector
 * @type: enum vexipc_data_type
 * @dims: number of elements
 *
 * Return: bytes; 0 for an unknown type or no elements.
 */
size_t vexipc_vector_bytes(uint32_t type, uint32_t dims);

/**
 * vexipc_vector_encode() - floats to a data type
 * @type: enum vexipc_data_type
 * @in: the floats
 * @dims: how many
 * @out: where the result goes, of any alignment
 * @room: bytes there
 * @scale: where the scale goes
 *
 * Return: bytes written, or
 * -EINVAL for an unknown type or no elements,
 * -ENOBUFS when @room is too small,
 * -EDOM when Int8 or Int16 is asked for and an element is infinite or no number.
 */
ssize_t vexipc_vector_encode(uint32_t type, const float *in, uint32_t dims, void *out,
			     size_t room, float *scale);

/**
 * vexipc_vector_decode() - a data type to floats
 * @type: enum vexipc_data_type
 * @in: the encoded vector, of any alignment
 * @bytes: its size, which must be what @type and @dims make it
 * @dims: number of elements
 * @scale: scale it came with
 * @out: room for @dims floats; Binary becomes 1 for a set bit and -1 for a clear one
 *
 * Return: 0, or -EINVAL for an unknown type, no elements, or another size.
 */
int vexipc_vector_decode(uint32_t type, const void *in, size_t bytes, uint32_t dims,
			 float scale, float *out);

#endif
