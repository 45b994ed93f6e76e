/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vexipc-sim: services that answer after a time and requests that come whether or
 * not the ones before were answered, all in one process that only waits.
 *
 * A service has workers; each has one request at a time and sleeps as long as
 * answering is to take, which costs no instructions. Where time counts instructions
 * (scripts/vm --icount) how busy the host is does not matter, and waiting costs nothing.
 * What the kernel draws at random, as the jitter of breakers, differs from run to run.
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <vexipc/vexipc.h>

#define die(...) do {						\
		fprintf(stderr, "vexipc-sim: " __VA_ARGS__);	\
		fputc('\n', stderr);				\
		exit(1);					\
	} while (0)

enum { MOST_SERVICES = 64, MOST_CLASSES = 16, MOST_FAULTS = 16, DIMENSIONS = 8 };

/* --------------------------------------------------------------- options -- */

/* A share of the requests: of a priority, or of a user. */
struct class {
	uint32_t value;			/* the priority, or the uid */
	double weight;
};

/* A service that fails for a while. */
struct fault {
	uint32_t service;
	double from, to;		/* seconds since the beginning */
	double share;			/* of its requests that fail */
};

struct options {
	uint32_t services, slow, workers;
	double factor;			/* a slow service takes so many times as long */
	double service_us;		/* what an answer takes */
	bool exponential;		/* on the average; else exactly */
	double load;			/* of what the healthy services can do */
	uint64_t requests;
	uint64_t seed;
	uint32_t timeout_ms, algorithm, content;
	bool sessions;			/* each user is one */
	struct class priority[MOST_CLASSES], user[MOST_CLASSES];
	uint32_t priorities, users;
	struct fault fault[MOST_FAULTS];
	uint32_t faults;
	double joins[MOST_SERVICES];	/* seconds since the beginning */
	const char *group;		/* control group whose memory is looked at */
};

void options_parse(struct options *options, int argc, char **argv);
/* Requests a second that the healthy services can answer. */
double capacity(const struct options *options);

/* ---------------------------------------------------------------- random -- */

/* xorshift64*: the same numbers for the same seed, everywhere. */
static inline uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

static inline double draw_unit(uint64_t *state)
{
	return (double)(draw(state) >> 11) / (double)(1ull << 53);
}

double draw_exponential(uint64_t *state, double mean);

/* ---------------------------------------------------------------- events -- */

/* A worker of a service is done with a request. */
struct event {
	uint64_t at_ns;
	uint64_t correlation;
	uint32_t service;
};

struct event_heap {
	struct event *event;
	uint32_t count, room;
};

void event_add(struct event_heap *heap, struct event event);
struct event event_take(struct event_heap *heap);

/* -------------------------------------------------------------- services -- */

struct sim_service {
	int fd;
	uint32_t number;
	bool there, slow;
	uint64_t received, answered, failed;
	uint32_t busy;			/* workers */
	uint64_t *wait;			/* for one */
	uint32_t waiting, room;
	uint32_t *by_second;		/* received */
};

/* ---------------------------------------------------------------- memory -- */

/* In bytes: all of the control group, the slabs of it, those of the machine. */
struct memory {
	uint64_t group, group_slab, slab;
};

/* ---------------------------------------------------------------- client -- */

struct request {
	uint64_t due_ns;		/* when it was to be submitted */
	uint64_t end_ns;		/* 0: has not ended */
	uint32_t error;
	uint8_t priority, user;		/* of the options' */
	bool refused;
	uint8_t attempts;
	uint32_t retry_after_ms;
};

struct sim {
	struct options options;
	uint64_t start_ns, random, now_ns, end_ns;
	uint32_t seconds;		/* room in by_second */
	int epoll;
	struct sim_service service[MOST_SERVICES];
	int client[MOST_CLASSES];	/* one a user, or one */
	struct event_heap events;
	struct request *request;
	uint64_t begun, ended;		/* requests */
	uint64_t next_ns;		/* the next request */
	uint64_t late_ns;		/* most that one was submitted late */
	struct memory memory_start, memory_end;	/* before, and when all is over */
	struct memory *memory;		/* at the end of each second, or NULL */
	uint32_t memories;
	uint64_t memory_ns;		/* the next of them */
};

uint64_t now_ns(void);
int open_device(void);

void service_open(struct sim *sim, uint32_t number);
/* Take what has come for it. */
void service_read(struct sim *sim, struct sim_service *svc);
/* A worker is done. */
void service_answer(struct sim *sim, const struct event *event);
void service_heartbeat(struct sim_service *svc);

void clients_open(struct sim *sim);
void client_submit(struct sim *sim);
void client_read(struct sim *sim, int fd);

/* What --memory asks for, if it does. */
void memory_begin(struct sim *sim);
void memory_tick(struct sim *sim);
void memory_end(struct sim *sim);

void report(const struct sim *sim);

#endif
