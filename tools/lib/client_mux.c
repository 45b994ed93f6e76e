// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who gets which message.
 *
 * Completions and other answers for all threads of a client come through one
 * channel. One of the threads that wait reads it and hands each message to the
 * thread that it is for, or to the queue of completions; when it has its own,
 * another one reads.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client.h"

/* Ids of the library begin here, out of the way of what programs choose. */
#define OWN_IDS (1ull << 52)

static int client_prepare(struct vexipc_client *client)
{
	struct epoll_event event = { .events = EPOLLIN };

	client->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	client->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (client->done_fd < 0 || client->poll_fd < 0 ||
	    epoll_ctl(client->poll_fd, EPOLL_CTL_ADD, client->done_fd, &event) < 0 ||
	    epoll_ctl(client->poll_fd, EPOLL_CTL_ADD, vexipc_channel_fd(client->ch),
		      &event) < 0)
		return -errno;
	return 0;
}

int vexipc_client_open(uint32_t transport, struct vexipc_client **client)
{
	struct vexipc_client *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;
	int err;

	if (!c)
		return -ENOMEM;
	c->done_fd = c->poll_fd = -1;
	c->finished_tail = &c->finished;
	atomic_init(&c->next_id, OWN_IDS + 1);
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &attr);
	pthread_condattr_destroy(&attr);
	err = vexipc_channel_open(transport, VEXIPC_CHANNEL_ACK, &c->ch);
	if (!err)
		err = client_prepare(c);
	if (err) {
		vexipc_client_close(c);
		return err;
	}
	*client = c;
	return 0;
}

void vexipc_client_close(struct vexipc_client *client)
{
	if (!client)
		return;
	if (client->poll_fd >= 0)
		close(client->poll_fd);
	if (client->done_fd >= 0)
		close(client->done_fd);
	vexipc_channel_close(client->ch);
	while (client->finished) {
		struct finished *f = client->finished;

		client->finished = f->next;
		free(f->buf);
		free(f);
	}
	free(client->buf);
	pthread_cond_destroy(&client->changed);
	pthread_mutex_destroy(&client->lock);
	free(client);
}

int vexipc_client_fd(const struct vexipc_client *client)
{
	return client->poll_fd;
}

/* Lock held: make done_fd tell whether completions are queued. */
static void settle(struct vexipc_client *client)
{
	uint64_t value = 1;
	ssize_t n = 0;

	if (client->finished && !client->signalled)
		n = write(client->done_fd, &value, sizeof(value));
	else if (!client->finished && client->signalled)
		n = read(client->done_fd, &value, sizeof(value));
	if (n < 0)
		abort();
	client->signalled = client->finished;
}

static bool is_completion(const struct vexipc_message *message)
{
	return message->type == VEXIPC_MSG_EMBED_RESPONSE ||
	       message->type == VEXIPC_MSG_BATCH_RESPONSE ||
	       message->type == VEXIPC_MSG_ERROR;
}

static struct wait *find_wait(struct vexipc_client *client, enum wait_kind kind, uint64_t key)
{
	struct wait *w;

	for (w = client->waits; w; w = w->next)
		if (!w->done && w->kind == kind && (kind == WAIT_ANY || w->key == key))
			break;
	return w;
}

/* Lock held: the message of @len bytes in client->buf to whom it is for. */
static int dispatch(struct vexipc_client *client, size_t len)
{
	struct vexipc_message message;
	struct wait *w = NULL;
	struct finished *f;
	ssize_t err = vexipc_message_parse(client->buf, len, &message);

	if (err < 0)
		return (int)err;
	if (is_completion(&message))
		w = find_wait(client, WAIT_REQUEST, vxi_message_request_id(&message));
	if (!w)
		w = find_wait(client, WAIT_ANSWER, message.correlation_id);
	if (!w && !is_completion(&message))
		return 0;	/* the answer to what nobody waits for any more */
	if (!w && !client->finished)
		w = find_wait(client, WAIT_ANY, 0);
	if (w) {
		w->buf = client->buf;
		w->room = client->room;
		w->len = len;
		w->done = true;
		client->buf = NULL;
		client->room = 0;
		return 0;
	}
	f = malloc(sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->next = NULL;
	f->buf = client->buf;
	f->len = len;
	client->buf = NULL;
	client->room = 0;
	*client->finished_tail = f;
	client->finished_tail = &f->next;
	return 0;
}

/* Lock held: the oldest queued completion, if that is what is waited for. */
static void take_finished(struct vexipc_client *client, struct wait *w)
{
	struct finished *f = client->finished;

	if (w->kind != WAIT_ANY || !f)
		return;
	client->finished = f->next;
	if (!client->finished)
		client->finished_tail = &client->finished;
	w->buf = f->buf;
	w->len = f->len;
	w->room = f->len;
	w->done = true;
	free(f);
}

/* Lock held, nobody reads: read one message. */
static int read_one(struct vexipc_client *client, uint64_t deadline)
{
	ssize_t len;
	int err;

	client->reading = true;
	pthread_mutex_unlock(&client->lock);
	len = vexipc_channel_recv(client->ch, &client->buf, &client->room, ms_left(deadline));
	pthread_mutex_lock(&client->lock);
	client->reading = false;
	err = len < 0 ? (int)len : dispatch(client, (size_t)len);
	pthread_cond_broadcast(&client->changed);
	return err;
}

void vxi_client_add_wait(struct vexipc_client *client, struct wait *w)
{
	pthread_mutex_lock(&client->lock);
	w->next = client->waits;
	client->waits = w;
	pthread_mutex_unlock(&client->lock);
}

void vxi_client_remove_wait(struct vexipc_client *client, struct wait *w)
{
	struct wait **at;

	pthread_mutex_lock(&client->lock);
	for (at = &client->waits; *at != w; at = &(*at)->next)
		;
	*at = w->next;
	pthread_mutex_unlock(&client->lock);
}

int vxi_client_wait(struct vexipc_client *client, struct wait *w, int timeout_ms)
{
	uint64_t deadline = deadline_of(timeout_ms);
	bool tried = false;
	int err = 0;

	pthread_mutex_lock(&client->lock);
	for (;;) {
		if (!w->done)
			take_finished(client, w);
		if (w->done) {
			err = 0;
			break;
		}
		if (err && err != -EAGAIN)
			break;
		if (tried && !ms_left(deadline)) {
			err = -EAGAIN;
			break;
		}
		tried = true;
		if (!client->reading) {
			err = read_one(client, deadline);
		} else if (deadline == UINT64_MAX) {
			pthread_cond_wait(&client->changed, &client->lock);
		} else {
			struct timespec until = {
				.tv_sec = (time_t)(deadline / 1000000000u),
				.tv_nsec = (long)(deadline % 1000000000u),
			};

			pthread_cond_timedwait(&client->changed, &client->lock, &until);
		}
	}
	settle(client);
	pthread_mutex_unlock(&client->lock);
	return err;
}
