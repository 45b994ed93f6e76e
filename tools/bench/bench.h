/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a peer is, and what it carries.
 *
 * A client and a service, in two processes, carry round trips over what lies
 * between them. That is all that differs from peer to peer: what a round trip
 * carries is made and checked by work.c, how many there are and what they take
 * is the business of measure.c.
 *
 * Whatever goes wrong ends the program, in either process, with err().
 */
#ifndef VEXIPC_BENCH_H
#define VEXIPC_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum {
	BENCH_MAX_DEPTH		= 64,
	BENCH_STAMP		= 8,	/* bytes that differ from trip to trip */
};

/* ------------------------------------------------------------------ work -- */

/* What one round trip carries, and how many are under way at once. */
struct bench_work {
	size_t request;		/* bytes of text */
	size_t answer;		/* bytes of vector, float32 */
	unsigned int depth;
	unsigned int services;	/* of vexipc, that may be asked; 0: one */
};

/* The text and the vector, but for their stamps. */
void bench_text(const struct bench_work *work, void *text);
void bench_vector(const struct bench_work *work, void *vector);

/* The stamp of round trip @seq: the first bytes of its text, all ASCII. */
static inline uint64_t bench_stamp(uint32_t seq)
{
	return 0x4040404040404040u | (seq & 0x3f) | (seq & 0xfc0) << 2 |
	       (seq & 0x3f000) << 4 | (uint64_t)(seq & 0xfc0000) << 6;
}

static inline void bench_stamp_text(void *text, uint32_t seq)
{
	uint64_t stamp = bench_stamp(seq);

	__builtin_memcpy(text, &stamp, sizeof(stamp));
}

/* What a service does: the vector of this text, the rest of which is there. */
static inline void bench_answer(void *vector, const void *text)
{
	__builtin_memcpy(vector, text, BENCH_STAMP);
}

/* Is @vector the answer to round trip @seq? @expected is from bench_vector(). */
void bench_check(const struct bench_work *work, const void *vector, const void *expected,
		 uint32_t seq);

/* ----------------------------------------------------------------- peers -- */

/* A client and a service while they are measured. */
struct bench_link {
	const struct bench_peer *peer;
	const struct bench_work *work;
	unsigned char *texts;		/* the client's: depth of them, one behind another */
	unsigned char *vectors;		/* the service's: the same */
	unsigned char *expected;	/* the client's: what a vector must be */
	unsigned char *received;	/* room for depth texts or vectors and what frames them */
	size_t room;			/* of it */
	size_t have;			/* bytes in it, for peers without message boundaries */
	uint32_t submitted;		/* round trips begun, */
	uint32_t reaped;		/* and ended */
	int client_fd[2];		/* of the peer: to send, to receive */
	int service_fd[2];
	int ready_fd;
	int service;			/* its process */
	void *priv;
};

/**
 * struct bench_peer - one way of carrying round trips
 * @name:	as in options and JSON
 * @setup:	make what both sides share, before the fork; may be NULL
 * @serve:	the service: calls bench_ready(), then answers until it is killed
 * @connect:	the client's part of making the link; may be NULL
 * @teardown:	undo what setup and connect allocated in priv; may be NULL
 * @call:	one blocking round trip; NULL where that is submit and reap
 * @submit:	begin @n round trips, in as few calls as the peer allows
 * @reap:	wait for an answer, take all there are, return how many
 * @texts:	how many texts there are, by turns; 0: each is another
 * @times:	so many times the round trips of others, since they vary more; 0: 1
 * @several:	does as many services as the work says
 * @needs:	a file without which it is left out unless named; may be NULL
 */
struct bench_peer {
	const char *name;
	const char *needs;
	unsigned int texts, times;
	bool several;
	void (*setup)(struct bench_link *link);
	void (*serve)(struct bench_link *link);
	void (*connect)(struct bench_link *link);
	void (*teardown)(struct bench_link *link);
	void (*call)(struct bench_link *link);
	void (*submit)(struct bench_link *link, unsigned int n);
	unsigned int (*reap)(struct bench_link *link);
};

extern const struct bench_peer bench_eventfd, bench_pipe, bench_unix_seqpacket,
	bench_unix_stream, bench_vexipc_ring, bench_vexipc_ring_lib,
	bench_vexipc_chardev, bench_vexipc_chardev_lib,
	bench_vexipc_netlink, bench_vexipc_netlink_lib, bench_vexipc_chardev_batch,
	bench_vexipc_netlink_batch, bench_vexipc_cached, bench_fuse_write,
	bench_fuse_ioctl, bench_zeromq, bench_nng, bench_nats, bench_haproxy;

/* Which text a round trip has, of those there are. */
static inline uint32_t bench_text_of(const struct bench_peer *peer, uint32_t seq)
{
	return peer->texts ? seq % peer->texts : seq;
}

/* The service is ready for the client. */
void bench_ready(struct bench_link *link);
/* Stamp the next @n texts, link->texts on; their round trips have begun. */
void bench_begin(struct bench_link *link, unsigned int n);
/* The next round trip ended with this vector. */
void bench_end(struct bench_link *link, const void *vector);

/* --------------------------------------------------------------- results -- */

struct bench_plan {
	unsigned int warm_up;		/* round trips that do not count, */
	unsigned int trips;		/* that do, in each repetition */
	unsigned int repeat;
};

struct bench_result {
	const struct bench_peer *peer;
	struct bench_work work;
	unsigned int trips;		/* in a repetition */
	double *trip;			/* for each repetition: what a round trip took */
	double median;
	double spread;			/* largest less smallest, of the median */
};

/* ns of CLOCK_MONOTONIC */
uint64_t bench_now(void);
/* Does CLOCK_MONOTONIC count instructions? */
bool bench_clock_counts_instructions(void);
/* Start the service and connect to it; end it. Round trips as the plan has them. */
void bench_start(struct bench_link *link);
void bench_stop(struct bench_link *link);
void bench_trips(struct bench_link *link, unsigned int trips);
/* Fills @result, which has room for the repetitions. */
void bench_measure(const struct bench_peer *peer, const struct bench_work *work,
		   const struct bench_plan *plan, struct bench_result *result);

/* What a run came to. */
struct bench_report {
	bool instructions;		/* else ns */
	struct bench_plan plan;
	struct bench_result *results;
	unsigned int count;
	unsigned int services;		/* of vexipc; 0: one */
	unsigned int waiting;		/* requests, beside, */
	double waiting_bytes;		/* of which each takes so much memory */
};

bool bench_same_work(const struct bench_work *a, const struct bench_work *b);
/* To unix-stream at the same work; 0 if that was not measured. */
double bench_ratio(const struct bench_report *report, const struct bench_result *result);
void bench_print(const struct bench_report *report);
/* Write it as JSON to @path, "-" for stdout. */
void bench_write_json(const struct bench_report *report, const char *path);
/* The ratios as bars. */
void bench_write_svg(const struct bench_report *report, const char *path);

struct cJSON;
/* What all JSON begins with. */
struct cJSON *bench_json(const char *unit);
void bench_write_object(struct cJSON *object, const char *path);

/* ------------------------------------------------------------- open loop -- */

/* Requests that come by a schedule. */
struct bench_load {
	unsigned int rate;		/* a second */
	unsigned int seconds;
};

struct bench_latency {
	const struct bench_peer *peer;
	struct bench_work work;
	uint64_t due, answered;
	double seconds;			/* until the last answer */
	double mean, p50, p99, p999, most;	/* ns from when they were due */
	double late_p99;		/* ns, after which they were submitted */
};

/* False, and nothing else, if this peer's answers cannot be waited for with poll(). */
bool bench_open_loop(const struct bench_peer *peer, const struct bench_work *work,
		     const struct bench_plan *plan, const struct bench_load *load,
		     struct bench_latency *latency);
void bench_print_latencies(const struct bench_load *load, const struct bench_latency *latency,
			   unsigned int count);
void bench_write_latencies(const struct bench_load *load, const struct bench_latency *latency,
			   unsigned int count, const char *path);

#endif
