/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STORM_H
#define STORM_H

#include <stdatomic.h>
#include <sys/types.h>

#include "life.h"

struct storm {
	uint32_t services, kills, threads, requests, seed;
};

/* What became of requests, as their clients saw it. */
struct tally {
	uint64_t submitted, completed, failed, timed_out, cancelled, refused;
};

/* Pseudo-random, the same for a seed in every run: below @n. */
static inline uint32_t draw(uint64_t *state, uint32_t n)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % n;
}

/* The keeper of services: a process. Each byte it is sent has it kill one. */
pid_t keeper_start(const struct storm *storm, int *orders);
void keeper_stop(pid_t pid, int orders);

/* Embeds storm->requests texts in each of storm->threads ways. */
void load_run(const struct storm *storm, int orders, struct tally *tally);

#endif
