/* SPDX-License-Identifier: GPL-2.0-only */
/* NumPy's .npy files: a header, then the array. */
#ifndef VEXIPC_NPY_H
#define VEXIPC_NPY_H

#include <stddef.h>
#include <stdint.h>

enum {
	NPY_HEADER_MAX = 128,
};

/**
 * npy_header() - the header of a two-dimensional array in C order
 * @buf: room for NPY_HEADER_MAX bytes
 * @type: of an element, as NumPy names it: "<f4", "|u1"
 * @rows: how many
 * @columns: of each
 *
 * Return: its length, a multiple of 64.
 */
size_t npy_header(char buf[NPY_HEADER_MAX], const char *type, uint64_t rows, uint64_t columns);

#endif
