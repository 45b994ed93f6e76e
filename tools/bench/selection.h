/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VEXIPC_BENCH_SELECTION_H
#define VEXIPC_BENCH_SELECTION_H

#include <stdbool.h>
#include <stdint.h>

/* Prints what @algorithm, 0 for each, takes with each of these numbers of services. */
void bench_selection(const unsigned int *services, unsigned int count, uint32_t algorithm,
		     unsigned int trips, bool instructions);

#endif
