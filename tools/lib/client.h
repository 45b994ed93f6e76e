/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client, and how its threads wait for what is theirs; see client_mux.c. */
#ifndef VEXIPC_CLIENT_H
#define VEXIPC_CLIENT_H

#include <stdatomic.h>

#include "internal.h"

enum wait_kind {
	WAIT_ANY,			/* any completion nobody else waits for */
	WAIT_REQUEST,			/* the completion of request `key` */
	WAIT_ANSWER,			/* whatever answers correlation id `key` */
};

/* On the stack of a thread that waits. */
struct wait {
	struct wait *next;
	enum wait_kind kind;
	uint64_t key;
	bool done;
	void *buf;
	size_t len;
	size_t room;
};

/* A completion nobody waited for yet. */
struct finished {
	struct finished *next;
	size_t len;
	void *buf;
};

struct vexipc_client {
	struct vexipc_channel *ch;
	atomic_uint_fast64_t next_id;
	atomic_uint retry_after_ms;	/* what the last refusal said */
	int done_fd;			/* eventfd: there are finished ones */
	int poll_fd;			/* epoll of the channel and done_fd */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool reading;			/* a thread has the channel */
	bool signalled;
	struct wait *waits;
	struct finished *finished;
	struct finished **finished_tail;
	void *buf;			/* the reader's */
	size_t room;
};

/* Whoever waits adds himself before he sends, and frees wait->buf in the end. */
void vxi_client_add_wait(struct vexipc_client *client, struct wait *w);
void vxi_client_remove_wait(struct vexipc_client *client, struct wait *w);
/* Until what @w waits for is there. 0; -EAGAIN not in time; -EINTR; ... */
int vxi_client_wait(struct vexipc_client *client, struct wait *w, int timeout_ms);
/* Send a request and wait for its completion; a signal cancels it. */
int vxi_client_transact(struct vexipc_client *client, const struct out *o, uint64_t id,
			struct vexipc_completion *completion);

/* An id that no other request of this client has. */
static inline uint64_t vxi_client_id(struct vexipc_client *client)
{
	return atomic_fetch_add_explicit(&client->next_id, 1, memory_order_relaxed);
}

#endif
