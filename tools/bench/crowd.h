/* SPDX-License-Identifier: GPL-2.0-only */
/* Round trips while there is more than one service, or much that waits. */
#ifndef VEXIPC_BENCH_CROWD_H
#define VEXIPC_BENCH_CROWD_H

#include "bench.h"

/* The services of one process; who chooses may choose any. */
struct services {
	int *fd;
	unsigned int count;
	int epoll;		/* of all fds; -1: there is one service */
};

/**
 * services_open() - open all that a service's process has
 * @services: set up
 * @work: says how many
 * @open_one: opens and registers one; @number is which
 * @arg: its last argument
 */
void services_open(struct services *services, const struct bench_work *work,
		   int (*open_one)(const struct bench_work *work, unsigned int number, void *arg),
		   void *arg);
/* Wait until one has a request: its number. Of one service, nothing is waited for. */
unsigned int services_next(const struct services *services);

/**
 * bench_crowd_wait() - have requests wait, beside those that are measured
 * @count: requests, of 256 B, for a service that takes none of them and that no other
 *	   request suits; until this process ends
 *
 * Raises the limits of the instance as far as that takes.
 * Return: bytes of kernel memory that each takes, its content included.
 */
double bench_crowd_wait(unsigned int count);

#endif
