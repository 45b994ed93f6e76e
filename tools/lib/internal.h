/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of libvexipc share, and nobody else sees. What is not static has
 * the prefix vxi_, for the sake of those who link the static library.
 */
#ifndef VEXIPC_INTERNAL_H
#define VEXIPC_INTERNAL_H

#include <endian.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include <vexipc/vexipc.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A row of a table of fields. */
#define FIELD_ROW(type_, field_, title_, unit_, kind_, help_) \
	FIELD_BRIEF(type_, field_, title_, NULL, unit_, kind_, help_)

/* The same of what has a column in vexipc-top that is narrower than its title. */
#define FIELD_BRIEF(type_, field_, title_, brief_, unit_, kind_, help_) {	\
	.name = #field_,					\
	.title = (title_),					\
	.brief = (brief_),					\
	.unit = (unit_),					\
	.offset = offsetof(type_, field_),			\
	.size = sizeof(((type_ *)0)->field_),			\
	.kind = VEXIPC_FIELD_##kind_,				\
	.help = (help_),					\
}

/* Where cache_hits and cache_misses are one after the other. */
#define FIELD_HIT_RATE(type_) {						\
	.name = "hit_rate",						\
	.unit = "%",							\
	.offset = offsetof(type_, cache_hits),				\
	.size = offsetof(type_, cache_misses) + sizeof(uint64_t) -	\
		offsetof(type_, cache_hits),				\
	.kind = VEXIPC_FIELD_RATE,					\
	.help = "answered from the cache, of those looked for in it",	\
}

static inline uint32_t get_le32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

/* Scales travel as the bits of an IEEE 754 float. */
static inline float float_of(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static inline uint32_t bits_of(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A point in time from a timeout, and what is left of it for poll(). */
static inline uint64_t deadline_of(int timeout_ms)
{
	if (timeout_ms <= 0)
		return timeout_ms ? UINT64_MAX : 0;
	return now_ns() + (uint64_t)timeout_ms * 1000000u;
}

static inline int ms_left(uint64_t deadline)
{
	uint64_t now;

	if (deadline == UINT64_MAX)
		return -1;
	now = now_ns();
	if (now >= deadline)
		return 0;
	/* Up, so that what is left of a millisecond is slept, not spun. */
	now = (deadline - now + 999999u) / 1000000u;
	return now > 3600000u ? 3600000 : (int)now;
}

/* crc32c.c, for its test */
uint32_t vxi_crc32c_portable(uint32_t crc, const void *data, size_t len);

/* message.c: bodies to and from their public form */

/* A message being built: a buffer that grows, or the caller's small one. */
struct out {
	unsigned char *data;
	size_t len;
	size_t room;
	void *heap;			/* what to free, if it grew */
	bool in_slot;			/* it goes through memory alone: no checksum */
};

/* Begin behind the header, for which @small has room at least; it is used while it suffices. */
void vxi_out_begin(struct out *o, void *small, size_t room);
/* Room for @len more bytes, or NULL: no memory, or longer than any message. */
void *vxi_out_add(struct out *o, size_t len);
int vxi_out_put(struct out *o, const void *data, size_t len);

static inline void out_end(struct out *o, uint32_t type, uint64_t correlation,
			   uint32_t flags)
{
	vexipc_message_seal(o->data, o->len, type, correlation, flags);
}

void vxi_out_free(struct out *o);

int vxi_build_embed(struct out *o, const struct vexipc_embed_params *params,
		    uint64_t request_id);
int vxi_build_batch(struct out *o, const struct vexipc_embed_params *params,
		    const struct iovec *items, uint32_t count, uint64_t request_id);
int vxi_build_register(struct out *o, const struct vexipc_service_config *config,
		       uint32_t transport);
/* An answer as a completion; -EPROTO when it is not one or is malformed. */
int vxi_parse_completion(const struct vexipc_message *message,
			 struct vexipc_completion *completion);
/* Room for the results of so many items. 0, -ENOMEM. */
int vxi_completion_items(struct vexipc_completion *completion, uint32_t count);
/* A request as a service sees it; the message lies in request->buf. */
int vxi_parse_request(const struct vexipc_message *message, struct vexipc_request *request);

/* How the id of a completion is found without taking it apart; 0: it has none. */
uint64_t vxi_message_request_id(const struct vexipc_message *message);
/* A copy of a vector into the result's own buffer. */
int vxi_result_set_vector(struct vexipc_result *result, const void *data, uint32_t bytes);

/* channel.c */

/* A message received before anybody wanted it. */
struct packet {
	struct packet *next;
	uint32_t len;			/* bytes there are */
	uint32_t total;			/* bytes of the whole message */
	unsigned char data[];
};

struct channel_ops {
	uint32_t transport;
	int (*open)(struct vexipc_channel *ch);
	void (*close)(struct vexipc_channel *ch);
	int (*send)(struct vexipc_channel *ch, const void *message, size_t len);
	/*
	 * Without waiting: one message into buf, what else came into the inbox.
	 * Called with the lock held. Length; -EAGAIN there is none.
	 */
	ssize_t (*recv)(struct vexipc_channel *ch, void **buf, size_t *room);
	/* Get the rest of a packet of which only the beginning came; or NULL. */
	int (*fetch)(struct vexipc_channel *ch, struct packet **packet);
	/* Cancel a request of this channel. */
	int (*cancel)(struct vexipc_channel *ch, uint64_t request_id);
	/*
	 * The ring's, or NULL. Is next() how to receive? Then that waits by itself,
	 * and is called without the lock.
	 */
	bool (*serves)(struct vexipc_channel *ch);
	ssize_t (*next)(struct vexipc_channel *ch, void **buf, size_t *room, int timeout_ms);
	/* Where to build the answer to a request in hand, @room bytes; or NULL. */
	void *(*reserve)(struct vexipc_channel *ch, uint64_t correlation, size_t *room);
};

extern const struct channel_ops vxi_chardev_ops;
extern const struct channel_ops vxi_netlink_ops;
extern const struct channel_ops vxi_ring_ops;

struct vexipc_channel {
	const struct channel_ops *ops;
	uint32_t flags;
	int fd;				/* device or socket */
	int inbox_fd;			/* eventfd, readable while the inbox holds any */
	int wake_fd;			/* whoever waits returns when it is readable; or -1 */
	int poll_fd;			/* epoll of all three */
	pthread_mutex_t lock;		/* receiving, the inbox */
	struct packet *inbox;
	struct packet **inbox_tail;
	atomic_uint inbox_len;		/* changed under the lock, read without */
	bool inbox_signalled;
	uint32_t queues;		/* ring: as the service wants them, or 0 */
	size_t answer_bytes;		/* ring: of a usual answer, or 0 */
	void *priv;
};

/* The same as vexipc_channel_open(), told what a ring is to be like. */
int vxi_channel_open(uint32_t transport, uint32_t flags, uint32_t queues, size_t answer_bytes,
		     struct vexipc_channel **channel);

/* channel_ring.c; of another channel they do nothing */

/* Its service is registered. */
void vxi_ring_serving(struct vexipc_channel *ch);
/* What the calling thread answers goes when it fetches its next request, of this queue. */
void vxi_ring_defer(struct vexipc_channel *ch, uint32_t queue);
/* What it has answered goes now, and so will everything. */
void vxi_ring_undefer(struct vexipc_channel *ch);
/* Whoever waits, or would, gets -ECANCELED; or does so no more. */
void vxi_ring_stop(struct vexipc_channel *ch, bool stop);

/* Lock held. Takes over the packet. */
void vxi_channel_stash(struct vexipc_channel *ch, struct packet *packet);
/* The same, not at the end, but where @at points: at it, or at a next of the inbox. */
void vxi_channel_stash_at(struct vexipc_channel *ch, struct packet **at, struct packet *packet);
/* Make inbox_fd tell what the inbox holds; before the lock is given back. */
void vxi_channel_settle(struct vexipc_channel *ch);
/* Room for @len bytes in a buffer from malloc(). 0 or -ENOMEM. */
int vxi_grow(void **buf, size_t *room, size_t len);
/* From now on vexipc_channel_recv() returns -ECANCELED once @fd is readable. */
int vxi_channel_set_wake(struct vexipc_channel *ch, int fd);
unsigned int vxi_channel_waiting(struct vexipc_channel *ch);

/* admin.c: an ioctl, 0 or a negative errno */
/* How a list is asked for: room for entries in, how many there are out. */
struct vxi_listing {
	size_t entry_size;
	int (*ask)(struct vexipc_admin *admin, struct vxi_listing *listing, void *entries,
		   uint32_t size);
	void *arg;
	uint32_t count;
	uint32_t total;
};

/* All entries, in a buffer for free(), however many come meanwhile. */
int vxi_admin_list_all(struct vexipc_admin *admin, struct vxi_listing *listing, void **entries);
int vxi_admin_ioctl(struct vexipc_admin *admin, unsigned long nr, void *arg);
/* admin.c: the transport that services use when they name none; 0: cannot tell */
uint32_t vxi_admin_default_transport(void);

#endif
