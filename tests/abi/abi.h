/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs that test the ABI share. They speak it themselves, without
 * libvexipc, so that the two are tested apart.
 *
 * A program has cases; `abi_x CASE` runs one. A check that fails says where and
 * ends the program with status 1.
 */
#ifndef ABI_H
#define ABI_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/vexipc.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct test_case {
	const char *name;
	void (*run)(void);
};

/* Run the case that argv[1] names; its further arguments are in case_args. */
int run_case(const struct test_case *cases, int argc, char **argv);
extern char **case_args;

#define CHECK(condition) check(!!(condition), __FILE__, __LINE__, #condition)
#define EQUAL(got, want) \
	check_equal((long long)(got), (long long)(want), __FILE__, __LINE__, #got)
void check(bool ok, const char *file, int line, const char *what);
void check_equal(long long got, long long want, const char *file, int line,
		 const char *what);
/* What a table-driven check is at, told when one fails. */
extern __thread char current[128];
#define AT(...) snprintf(current, sizeof(current), __VA_ARGS__)

uint64_t now_ms(void);
/* A debug kernel is about ten times slower: times to wait are longer. */
int patience(int ms);
/* From now on a signal ends what waits, every 100 ms; one before it waits does not count. */
void interrupt_calls(bool on);

/* --------------------------------------------------------------- messages -- */

struct msg {
	unsigned char *data;
	size_t len, room;
};

uint32_t crc32c(const void *data, size_t len);
/* Begin a message: room for the header, which msg_seal() fills in. */
void msg_begin(struct msg *m);
void msg_put(struct msg *m, const void *data, size_t len);
void msg_text(struct msg *m, const char *text);
void msg_seal(struct msg *m, uint32_t type, uint64_t correlation, uint32_t flags);
/* The checksum alone, over a message that was changed. */
void msg_reseal(struct msg *m);
void msg_free(struct msg *m);
static inline struct vexipc_msg_header *msg_header(struct msg *m)
{
	return (struct vexipc_msg_header *)(void *)m->data;
}
static inline void *msg_body(struct msg *m)
{
	return m->data + sizeof(struct vexipc_msg_header);
}
/* Is it a message that the ABI allows, of this type? */
void msg_check(struct msg *m, uint32_t type);

/* Bodies with what tests most often want. */
void msg_embed(struct msg *m, uint64_t correlation, const void *content, size_t len,
	       uint32_t dimensions);
void msg_batch(struct msg *m, uint64_t correlation, uint32_t count, size_t item_len,
	       uint32_t dimensions);
void msg_answer(struct msg *m, uint64_t correlation, uint32_t dimensions, uint32_t flags);
void msg_error(struct msg *m, uint64_t correlation, uint32_t error, uint32_t kind,
	       const char *text);
void msg_register(struct msg *m, const char *id, uint64_t features, uint32_t max_batch);
void msg_health_check(struct msg *m, uint64_t correlation, const char *id);
void msg_simple(struct msg *m, uint32_t type, uint64_t correlation, const void *body,
		size_t len);

/* ------------------------------------------------------------------ peers -- */

struct packet {
	struct packet *next;
	uint32_t len, total;
	unsigned char data[];
};

struct event {
	struct event *next;
	uint32_t len;
	unsigned char data[];		/* the netlink message */
};

/* A ring, mapped. */
struct ring {
	int fd;
	struct vexipc_ring_setup setup;
	unsigned char *requests, *answers;
};

/* Make one of @setup and map it; it must work. */
void ring_make(struct ring *r, int fd, const struct vexipc_ring_setup *setup);
void ring_unmap(struct ring *r);
int ring_enter(const struct ring *r, struct vexipc_ring_enter *arg);
const struct vexipc_ring_request *ring_request(const struct ring *r, uint32_t queue,
					       uint32_t tag);
const void *ring_request_slot(const struct ring *r, uint32_t queue, uint32_t tag);
struct vexipc_ring_answer *ring_answer(const struct ring *r, uint32_t queue, uint32_t tag);
void *ring_answer_slot(const struct ring *r, uint32_t queue, uint32_t tag);

/*
 * One who talks to the module: a descriptor of the device, with a ring or without, or a
 * netlink socket.
 */
struct peer {
	uint32_t transport;
	int fd;
	size_t read_room;		/* device: 0: one message at a time */
	struct ring ring;
	uint64_t *held;			/* ring: what each tag stands for */
	void *side;
	uint32_t side_room;
	/* netlink: */
	uint16_t family;
	uint32_t discovery, alerts;
	uint32_t seq, wanted;
	bool acked, lost;
	int err;
	unsigned int replies;		/* messages of the dump, or answers */
	struct packet *inbox;
	struct event *events;
	char extack[256];
	uint32_t extack_offset;
	unsigned char reply[65536];	/* the last answer that is no message */
	uint32_t reply_len;
};

extern const uint32_t both[2];	/* chardev, netlink */
/* Of services: chardev, netlink, ring. */
#define SERVICES 3
extern const uint32_t serving[SERVICES];
uint32_t transport_of(const char *name);
int dev_recv(struct peer *p, struct msg *m, int timeout_ms);
void peer_hooked(const struct peer *p, bool before);
void peer_ring_open(struct peer *p);
void peer_ring_close(struct peer *p);
int peer_ring_recv(struct peer *p, struct msg *m, int timeout_ms);
/* False: it is no answer to what it holds, and goes the way of the device. */
bool peer_ring_answer(struct peer *p, const struct msg *m, int *err);
/* Called around each system call in which the module is asked for something. */
extern void (*peer_hook)(const struct peer *p, bool before);
const char *transport_name(uint32_t transport);

struct peer *peer_open(uint32_t transport);
void peer_close(struct peer *p);
/* 0, or what the module says of it, negative. */
int peer_send(struct peer *p, const struct msg *m);
/* The same through a command of the caller's choice; netlink only. */
int peer_send_as(struct peer *p, uint8_t cmd, const void *data, size_t len);
int peer_fragment(struct peer *p, uint8_t cmd, const void *data, uint32_t len,
		  uint32_t offset, uint32_t total);
int peer_fetch(struct peer *p, uint64_t correlation, uint32_t offset);
/* The next message, whole. 0, or -EAGAIN when none comes in time. */
int peer_recv(struct peer *p, struct msg *m, int timeout_ms);
/* The same, of this type; anything else is a failure. */
void peer_expect(struct peer *p, struct msg *m, uint32_t type);
void peer_silent(struct peer *p);

/* Netlink in plain attributes. */
struct nlmsghdr *nl_begin(struct peer *p, void *buf, uint8_t cmd);
int nl_call(struct peer *p, struct nlmsghdr *nlh);
const struct nlattr *nl_attr(const struct peer *p, uint16_t type);
const struct nlattr *nl_nested(const struct nlattr *nest, uint16_t type);
struct event *nl_event(struct peer *p, int timeout_ms);

/* Register the service of a peer; its handle. */
uint64_t serve_as(struct peer *p, const char *id);
uint64_t serve_with(struct peer *p, const char *id, uint64_t features, uint32_t max_batch);

/* ------------------------------------------------------------------ ioctls -- */

/* 0 or a negative errno. */
int call(int fd, unsigned long cmd, void *arg);
int device_open(int flags);
void stats_of(struct vexipc_stats *stats);
int config_get(uint32_t field, uint64_t *value);
int config_set(uint32_t field, uint64_t value);
void check_conserved(void);
/* Wait until nothing is queued or in flight any more. */
void wait_idle(void);

/* An embedding request of an ioctl, that waits for its result. */
struct vexipc_embed embed_of(const void *content, size_t len, void *result, size_t room);

/* ----------------------------------------------------------------- servers -- */

/* A thread that answers all that a peer's service is sent. */
struct server {
	struct peer *peer;
	pthread_t thread;
	int stop[2];
	uint32_t dimensions;		/* of what names none */
	uint64_t handle;
};

struct server *server_start(uint32_t transport, const char *id, uint32_t dimensions);
void server_stop(struct server *s);
/* What a server answers to a message; false: nothing. */
bool server_answer(uint32_t dimensions, struct msg *request, struct msg *m);
/* What a server answers: byte i of the vector of this content. */
unsigned char vector_byte(const void *content, size_t len, size_t i);
void vector_check(const void *vector, size_t bytes, const void *content, size_t len);

#endif
