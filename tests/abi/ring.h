/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of abi-ring share. */
#ifndef ABI_RING_H
#define ABI_RING_H

#include "abi.h"

/* Register a service with a ring. */
void ring_serve(struct ring *r, const char *id, struct vexipc_ring_setup setup);
void ring_end(struct ring *r);
/* Wait for a request; its tag. */
uint32_t ring_fetch(const struct ring *r, uint32_t queue);
/* An answer to what a tag stands for, in its slot. */
void ring_put_answer(const struct ring *r, uint32_t queue, uint32_t tag, uint32_t dimensions);
int ring_commit(const struct ring *r, uint32_t queue, uint32_t tag);

/* A request of a client for four floats, and its completion. */
void ask(struct peer *client, uint64_t correlation, const char *text);
void told(struct peer *client, uint64_t correlation, uint32_t type);

/* Threads that answer all they get. */
struct worker {
	const struct ring *ring;
	uint32_t queue;
	pthread_t thread;
	uint64_t done;
};

void workers_start(struct worker *w, uint32_t n, const struct ring *r);
/* How many they have answered. */
uint64_t workers_stop(struct worker *w, uint32_t n);

/* ring_peril.c */
void death(void);
void leaving(void);
void orphans(void);
void closed(void);
void starved(void);
void unread_acks(void);
void hostile(void);
void reused(void);

#endif
