// SPDX-License-Identifier: GPL-2.0-only
/*
 * abi-ring: the ring, field by field. What happens when services die, or lie, is in
 * ring_peril.c.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "ring.h"

void ring_serve(struct ring *r, const char *id, struct vexipc_ring_setup setup)
{
	struct vexipc_register reg = {
		.service_id_ptr = (uintptr_t)id,
		.service_id_len = (uint32_t)strlen(id),
		.max_batch_size = 64,
		.transport = VEXIPC_TRANSPORT_RING,
	};

	ring_make(r, device_open(O_NONBLOCK), &setup);
	EQUAL(call(r->fd, VEXIPC_IOC_REGISTER, &reg), 0);
}

void ring_end(struct ring *r)
{
	close(r->fd);
	ring_unmap(r);
}

uint32_t ring_fetch(const struct ring *r, uint32_t queue)
{
	struct vexipc_ring_enter enter = {
		.queue = queue, .fetch = 1, .flags = VEXIPC_RING_WAIT,
		.timeout_ns = (uint64_t)patience(10000) * 1000000u,
	};

	EQUAL(ring_enter(r, &enter), 0);
	EQUAL(enter.fetched, 1);
	return enter.tag[0];
}

void ring_put_answer(const struct ring *r, uint32_t queue, uint32_t tag, uint32_t dimensions)
{
	const struct vexipc_msg_header *request = ring_request_slot(r, queue, tag);
	struct msg m = { 0 };

	msg_answer(&m, request->correlation_id, dimensions, VEXIPC_MSGF_UNSUMMED);
	msg_header(&m)->checksum = 0;
	memcpy(ring_answer_slot(r, queue, tag), m.data, m.len);
	*ring_answer(r, queue, tag) = (struct vexipc_ring_answer) { .length = (uint32_t)m.len };
	msg_free(&m);
}

int ring_commit(const struct ring *r, uint32_t queue, uint32_t tag)
{
	struct vexipc_ring_enter enter = { .queue = queue, .commits = 1 };
	int err;

	enter.commit[0] = (uint16_t)tag;
	err = ring_enter(r, &enter);
	EQUAL(enter.committed, !err);
	return err;
}

void ask(struct peer *client, uint64_t correlation, const char *text)
{
	struct msg m = { 0 };

	msg_embed(&m, correlation, text, strlen(text), 4);
	EQUAL(peer_send(client, &m), 0);
	msg_free(&m);
}

void told(struct peer *client, uint64_t correlation, uint32_t type)
{
	struct msg m = { 0 };

	peer_expect(client, &m, type);
	EQUAL(msg_header(&m)->correlation_id, correlation);
	msg_free(&m);
}

/* ------------------------------------------------------------------- cases -- */

static void round_trip(void)
{
	const struct vexipc_embed_request_body *body;
	struct vexipc_msg_header header;
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_stats s;
	struct ring r;
	uint32_t tag;

	ring_serve(&r, "one", (struct vexipc_ring_setup) { 0 });
	ask(client, 7, "text");
	tag = ring_fetch(&r, 0);
	memcpy(&header, ring_request_slot(&r, 0, tag), sizeof(header));
	EQUAL(header.magic, VEXIPC_MAGIC);
	EQUAL(header.message_type, VEXIPC_MSG_EMBED_REQUEST);
	EQUAL(header.flags, VEXIPC_MSGF_UNSUMMED);
	EQUAL(header.checksum, 0);
	EQUAL(header.length, ring_request(&r, 0, tag)->length);
	EQUAL(ring_request(&r, 0, tag)->flags, 0);
	body = (const void *)((const char *)ring_request_slot(&r, 0, tag) + sizeof(header));
	EQUAL(body->content_len, 4);
	EQUAL(memcmp(body + 1, "text", 4), 0);
	ring_put_answer(&r, 0, tag, 4);
	EQUAL(ring_commit(&r, 0, tag), 0);
	told(client, 7, VEXIPC_MSG_EMBED_RESPONSE);
	stats_of(&s);
	EQUAL(s.completed, 1);
	wait_idle();
	ring_end(&r);
	peer_close(client);
}

static void setups(void)
{
	int fd = device_open(0), notify = eventfd(0, EFD_CLOEXEC);
	struct vexipc_ring_setup setup = { 0 };
	struct vexipc_ring_enter enter = { .fetch = 1 };
	struct vexipc_register reg = {
		.service_id_ptr = (uintptr_t)"two", .service_id_len = 3,
		.transport = VEXIPC_TRANSPORT_RING,
	};
	uint64_t buffer;

	EQUAL(config_get(VEXIPC_CONFIG_BUFFER_SIZE, &buffer), 0);
	EQUAL(call(fd, VEXIPC_IOC_RING_ENTER, &enter), -EBADFD);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EBADFD);
	/* A ring service is one that has a ring. */
	EQUAL(call(fd, VEXIPC_IOC_REGISTER, &reg), -EOPNOTSUPP);

#define REFUSED(errno_, ...) do {						\
		setup = (struct vexipc_ring_setup) { __VA_ARGS__ };		\
		AT("%s", #__VA_ARGS__);						\
		EQUAL(call(fd, VEXIPC_IOC_RING_SETUP, &setup), -(errno_));	\
	} while (0)
	REFUSED(EOPNOTSUPP, .flags = 2);
	REFUSED(EINVAL, .reserved = 1);
	REFUSED(EINVAL, .event_fd = notify);
	REFUSED(EINVAL, .queues = VEXIPC_RING_MAX_QUEUES + 1);
	REFUSED(EINVAL, .slots = VEXIPC_RING_MAX_SLOTS + 1);
	REFUSED(EINVAL, .request_size = VEXIPC_RING_MIN_SLOT - 64);
	REFUSED(EINVAL, .answer_size = 1000);
	REFUSED(EINVAL, .answer_size = VEXIPC_MAX_MESSAGE + 64);
	REFUSED(ENOSPC, .request_size = (uint32_t)buffer + 64);
	REFUSED(ENOSPC, .slots = 1024, .request_size = 4096);
	REFUSED(ENOSPC, .queues = 64, .slots = 8, .request_size = 4096);
	REFUSED(EBADF, .flags = VEXIPC_RING_SETUP_EVENTFD, .event_fd = 4000);
	REFUSED(EINVAL, .flags = VEXIPC_RING_SETUP_EVENTFD, .event_fd = fd);
#undef REFUSED
	AT("after all");
	EQUAL(call(fd, VEXIPC_IOC_RING_SETUP, (void *)8), -EFAULT);

	setup = (struct vexipc_ring_setup) { .flags = VEXIPC_RING_SETUP_EVENTFD,
					     .event_fd = notify, .queues = 3 };
	EQUAL(call(fd, VEXIPC_IOC_RING_SETUP, &setup), 0);
	EQUAL(setup.queues, 3);
	CHECK(setup.slots >= 32 && setup.slots <= 128);
	CHECK((uint64_t)setup.queues * setup.slots * setup.answer_size <= buffer);
	EQUAL(setup.requests_size, 3ull * setup.requests_stride);
	CHECK(setup.requests_offset >= setup.slots * sizeof(struct vexipc_ring_request));
	CHECK(setup.requests_stride >= setup.requests_offset + setup.slots * setup.request_size);
	setup = (struct vexipc_ring_setup) { 0 };
	EQUAL(call(fd, VEXIPC_IOC_RING_SETUP, &setup), -EEXIST);
	EQUAL(call(fd, VEXIPC_IOC_RING_ENTER, &enter), -ENOTCONN);
	EQUAL(call(fd, VEXIPC_IOC_REGISTER, &reg), 0);
	EQUAL(call(fd, VEXIPC_IOC_RING_ENTER, &enter), -EAGAIN);
	close(fd);

	fd = device_open(0);
	reg.transport = VEXIPC_TRANSPORT_CHARDEV;
	EQUAL(call(fd, VEXIPC_IOC_REGISTER, &reg), 0);
	EQUAL(call(fd, VEXIPC_IOC_RING_SETUP, &setup), -EBUSY);
	close(fd);
	close(notify);
}

static void no_map(int fd, size_t size, int prot, int flags, off_t offset, int err)
{
	void *at = mmap(NULL, size, prot, flags, fd, offset);

	AT("map %zu, prot %d, flags %d, offset %llx", size, prot, flags, (long long)offset);
	CHECK(at == MAP_FAILED);
	EQUAL(errno, err);
}

static void mappings(void)
{
	enum { RW = PROT_READ | PROT_WRITE };
	size_t page = (size_t)sysconf(_SC_PAGESIZE), requests, answers;
	struct ring r;
	unsigned char in_core;
	int status, readonly;
	void *at;

	ring_serve(&r, "one", (struct vexipc_ring_setup) { 0 });
	requests = r.setup.requests_size;
	answers = r.setup.answers_size;
	no_map(r.fd, requests, RW, MAP_SHARED, VEXIPC_RING_REQUESTS, EACCES);
	no_map(r.fd, requests, PROT_READ | PROT_EXEC, MAP_SHARED, VEXIPC_RING_REQUESTS, EACCES);
	no_map(r.fd, answers, RW | PROT_EXEC, MAP_SHARED, VEXIPC_RING_ANSWERS, EACCES);
	no_map(r.fd, requests, PROT_READ, MAP_PRIVATE, VEXIPC_RING_REQUESTS, EINVAL);
	no_map(r.fd, answers, RW, MAP_PRIVATE, VEXIPC_RING_ANSWERS, EINVAL);
	no_map(r.fd, requests + page, PROT_READ, MAP_SHARED, VEXIPC_RING_REQUESTS, EINVAL);
	no_map(r.fd, requests - page, PROT_READ, MAP_SHARED, VEXIPC_RING_REQUESTS, EINVAL);
	no_map(r.fd, requests - page, PROT_READ, MAP_SHARED, (off_t)page, EINVAL);
	no_map(r.fd, answers - page, RW, MAP_SHARED, VEXIPC_RING_ANSWERS + (off_t)page, EINVAL);
	no_map(r.fd, answers, RW, MAP_SHARED, 0x1000000000, EINVAL);
	AT("what is mapped");
	/* To ask afterwards is in vain, too. */
	EQUAL(mprotect(r.requests, requests, RW), -1);
	EQUAL(errno, EACCES);
	EQUAL(mprotect(r.requests, requests, PROT_READ | PROT_EXEC), -1);
	EQUAL(mprotect(r.answers, answers, RW | PROT_EXEC), -1);
	/* It does not grow. */
	CHECK(mremap(r.answers, answers, answers + page, MREMAP_MAYMOVE) == MAP_FAILED);
	EQUAL(errno, EFAULT);
	/* It may move, and shrink: what is left is as it was. */
	memset(r.answers, 'a', answers);
	at = mmap(NULL, answers, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	r.answers = mremap(r.answers, answers, answers, MREMAP_MAYMOVE | MREMAP_FIXED, at);
	CHECK(r.answers == at);
	EQUAL(munmap(r.answers + page, page), 0);
	EQUAL(r.answers[0], 'a');
	EQUAL(r.answers[answers - 1], 'a');
	/* A child has the descriptor and no mapping. */
	if (!fork())
		_exit(mincore(r.answers, page, &in_core) < 0 && errno == ENOMEM &&
		      mincore(r.requests, page, &in_core) < 0 && errno == ENOMEM ? 0 : 1);
	CHECK(wait(&status) > 0);
	EQUAL(status, 0);
	/* Pages that are mapped stay while the descriptor's end is put off. */
	close(r.fd);
	EQUAL(r.answers[0], 'a');
	r.answers[0] = 'b';
	munmap(r.answers, answers);
	munmap(r.requests, requests);

	readonly = open(VEXIPC_DEVICE, O_RDONLY | O_CLOEXEC);
	r.setup = (struct vexipc_ring_setup) { 0 };
	EQUAL(call(readonly, VEXIPC_IOC_RING_SETUP, &r.setup), 0);
	no_map(readonly, r.setup.answers_size, RW, MAP_SHARED, VEXIPC_RING_ANSWERS, EACCES);
	close(readonly);
}

static void errors(void)
{
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_ring_enter enter;
	struct vexipc_ring_answer *a;
	struct vexipc_msg_header *h;
	struct {
		struct vexipc_ring_enter enter;
		uint64_t more;
	} longer = { .enter = { .fetch = 1 } };
	struct ring r;
	uint32_t tag;

	ring_serve(&r, "one", (struct vexipc_ring_setup) { .queues = 2, .slots = 4 });
#define REFUSED(errno_, ...) do {						\
		enter = (struct vexipc_ring_enter) { __VA_ARGS__ };		\
		AT("%s", #__VA_ARGS__);						\
		EQUAL(ring_enter(&r, &enter), -(errno_));			\
		EQUAL(enter.committed, 0);					\
		EQUAL(enter.fetched, 0);					\
	} while (0)
	REFUSED(ECHRNG, .queue = 2, .fetch = 1);
	REFUSED(EOPNOTSUPP, .fetch = 1, .flags = VEXIPC_RING_FLAGS + 1);
	REFUSED(EINVAL, .fetch = VEXIPC_RING_BATCH + 1);
	REFUSED(EINVAL, .commits = VEXIPC_RING_BATCH + 1);
	REFUSED(EINVAL, .flags = VEXIPC_RING_WAIT);
	REFUSED(EINVAL, .fetch = 1, .timeout_ns = UINT64_MAX);
	REFUSED(EINVAL, .fetch = 0);
	REFUSED(EINVAL, .fetch = 1, .reserved = 1);
	REFUSED(EAGAIN, .fetch = 1);
	REFUSED(ERANGE, .commits = 1, .commit = { 4 });
	REFUSED(ERANGE, .commits = 1, .commit = { UINT16_MAX });
	REFUSED(ESRCH, .commits = 1, .commit = { 0 });
	AT("struct");
	EQUAL(call(r.fd, VEXIPC_IOC_RING_ENTER, (void *)8), -EFAULT);
	EQUAL(call(r.fd, _IOWR('V', 0x30, uint64_t), &longer), -EINVAL);
	EQUAL(call(r.fd, _IOWR('V', 0x30, longer), &longer), -EAGAIN);
	longer.more = 1;
	EQUAL(call(r.fd, _IOWR('V', 0x30, longer), &longer), -E2BIG);

	ask(client, 1, "text");
	tag = ring_fetch(&r, 1);
	a = ring_answer(&r, 1, tag);
	h = ring_answer_slot(&r, 1, tag);
	/* It is held in its own queue. */
	EQUAL(ring_commit(&r, 0, tag), -ESRCH);

#undef REFUSED
#define REFUSED(errno_, change) do {						\
		ring_put_answer(&r, 1, tag, 4);					\
		change;								\
		AT("%s", #change);						\
		EQUAL(ring_commit(&r, 1, tag), -(errno_));			\
	} while (0)
	REFUSED(EINVAL, a->length = sizeof(*h) - 1);
	REFUSED(EINVAL, a->length++);
	REFUSED(EINVAL, h->length++);
	REFUSED(EMSGSIZE, a->length = r.setup.answer_size + 1);
	REFUSED(EINVAL, a->length = 0);
	REFUSED(EINVAL, a->reserved = 1);
	REFUSED(EINVAL, a->status = VEXIPC_ERR_INVALID);
	REFUSED(EINVAL, a->kind = VEXIPC_ERROR_RETRY);
	REFUSED(EOPNOTSUPP, a->length = 0; a->status = VEXIPC_ERR_INVALID; a->kind = 4);
	REFUSED(EINVAL, a->length = 0; a->status = VEXIPC_ERR_INVALID; a->side_ptr = 1);
	REFUSED(EFAULT, a->side_ptr = 8);
	REFUSED(EINVAL, a->side_ptr = 8; a->length = 8);
	REFUSED(EMSGSIZE, a->side_ptr = 8; a->length = VEXIPC_MAX_MESSAGE + 1);
	REFUSED(ENOMSG, h->magic++);
	REFUSED(EPROTONOSUPPORT, h->version++);
	REFUSED(EBADRQC, h->message_type = 0x999);
	REFUSED(EBADRQC, h->message_type = VEXIPC_MSG_HEARTBEAT);
	REFUSED(EBADRQC, h->message_type = VEXIPC_MSG_EMBED_REQUEST);
	REFUSED(EOPNOTSUPP, h->flags |= 8);
	REFUSED(EINVAL, h->checksum = 1);
	REFUSED(EBADMSG, h->flags = 0);
	REFUSED(ESTALE, h->correlation_id++);
	REFUSED(EINVAL, ((struct vexipc_embed_response_body *)(h + 1))->vector_bytes++);
#undef REFUSED
	AT("at last");
	ring_put_answer(&r, 1, tag, 4);
	EQUAL(ring_commit(&r, 1, tag), 0);
	EQUAL(ring_commit(&r, 1, tag), -ESRCH);
	told(client, 1, VEXIPC_MSG_EMBED_RESPONSE);

	/* No slot is left for another. */
	for (uint64_t i = 2; i < 7; i++)
		ask(client, i, "text");
	for (int i = 0; i < 4; i++)
		ring_fetch(&r, 0);
	enter = (struct vexipc_ring_enter) { .fetch = 1, .flags = VEXIPC_RING_WAIT };
	EQUAL(ring_enter(&r, &enter), -ENOSPC);
	ring_fetch(&r, 1);
	ring_end(&r);
	for (uint64_t i = 2; i < 7; i++)
		told(client, i, VEXIPC_MSG_ERROR);
	wait_idle();
	peer_close(client);
}

static void partial(void)
{
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_ring_enter enter = { .fetch = 16 };
	struct ring r;

	ring_serve(&r, "one", (struct vexipc_ring_setup) { 0 });
	for (uint64_t i = 1; i <= 4; i++)
		ask(client, i, "text");
	EQUAL(ring_enter(&r, &enter), 0);
	EQUAL(enter.fetched, 4);
	for (int i = 0; i < 4; i++)
		ring_put_answer(&r, 0, enter.tag[i], 4);
	((struct vexipc_msg_header *)ring_answer_slot(&r, 0, enter.tag[2]))->version = 9;
	ask(client, 5, "text");
	memcpy(enter.commit, enter.tag, sizeof(enter.commit));
	enter.commits = 4;
	/* Two are taken, the third is wrong, nothing is fetched. */
	EQUAL(ring_enter(&r, &enter), -EPROTONOSUPPORT);
	EQUAL(enter.committed, 2);
	EQUAL(enter.fetched, 0);
	told(client, 1, VEXIPC_MSG_EMBED_RESPONSE);
	told(client, 2, VEXIPC_MSG_EMBED_RESPONSE);
	peer_silent(client);
	/* Corrected, it and what is behind it go; and one is fetched. */
	ring_put_answer(&r, 0, enter.commit[2], 4);
	memmove(enter.commit, enter.commit + 2, 2 * sizeof(enter.commit[0]));
	enter.commits = 2;
	EQUAL(ring_enter(&r, &enter), 0);
	EQUAL(enter.committed, 2);
	EQUAL(enter.fetched, 1);
	told(client, 3, VEXIPC_MSG_EMBED_RESPONSE);
	told(client, 4, VEXIPC_MSG_EMBED_RESPONSE);
	ring_put_answer(&r, 0, enter.tag[0], 4);
	/* Once something was taken, that there is nothing to fetch is no failure. */
	enter.commit[0] = enter.tag[0];
	enter.commits = 1;
	EQUAL(ring_enter(&r, &enter), 0);
	EQUAL(enter.committed, 1);
	EQUAL(enter.fetched, 0);
	told(client, 5, VEXIPC_MSG_EMBED_RESPONSE);
	wait_idle();
	ring_end(&r);
	peer_close(client);
}

/* ----------------------------------------------------------------- queues -- */

enum { QUEUES = 4, ASKERS = 4, EACH = 200 };

static void *work(void *data)
{
	struct worker *w = data;
	struct vexipc_ring_enter enter = {
		.queue = w->queue, .fetch = 4, .flags = VEXIPC_RING_WAIT,
	};
	int err;

	while (!(err = ring_enter(w->ring, &enter)) || err == -EINTR) {
		enter.commits = 0;
		for (uint32_t i = 0; !err && i < enter.fetched; i++) {
			ring_put_answer(w->ring, w->queue, enter.tag[i], 4);
			enter.commit[enter.commits++] = enter.tag[i];
			w->done++;
		}
	}
	EQUAL(err, -ECANCELED);
	return NULL;
}

void workers_start(struct worker *w, uint32_t n, const struct ring *r)
{
	for (uint32_t i = 0; i < n; i++) {
		w[i] = (struct worker) { .ring = r, .queue = i % r->setup.queues };
		EQUAL(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
}

uint64_t workers_stop(struct worker *w, uint32_t n)
{
	struct vexipc_ring_enter enter = { .flags = VEXIPC_RING_STOP };
	uint64_t done = 0;

	EQUAL(ring_enter(w->ring, &enter), 0);
	for (uint32_t i = 0; i < n; i++) {
		pthread_join(w[i].thread, NULL);
		done += w[i].done;
	}
	enter.flags = VEXIPC_RING_GO;
	EQUAL(ring_enter(w->ring, &enter), 0);
	return done;
}

static void *ask_many(void *data)
{
	int fd = device_open(0);

	for (int i = 0; i < EACH; i++) {
		float vector[4] = { 0 };
		struct vexipc_embed embed = embed_of("text", 4, vector, sizeof(vector));

		embed.dimensions = 4;
		EQUAL(call(fd, VEXIPC_IOC_EMBED, &embed), 0);
		EQUAL(embed.vector_bytes, sizeof(vector));
		CHECK(vector[3] == 0.5f);
	}
	close(fd);
	return data;
}

/* Each queue its thread; then more threads than queues. */
static void queues(void)
{
	for (uint32_t threads = QUEUES; threads <= 2 * QUEUES; threads += QUEUES) {
		struct worker workers[2 * QUEUES];
		pthread_t askers[ASKERS];
		struct ring r;

		AT("%u threads", threads);
		ring_serve(&r, "one", (struct vexipc_ring_setup) { .queues = QUEUES, .slots = 8 });
		workers_start(workers, threads, &r);
		for (int i = 0; i < ASKERS; i++)
			EQUAL(pthread_create(&askers[i], NULL, ask_many, NULL), 0);
		for (int i = 0; i < ASKERS; i++)
			pthread_join(askers[i], NULL);
		EQUAL(workers_stop(workers, threads), ASKERS * EACH);
		wait_idle();
		ring_end(&r);
	}
}

/* ---------------------------------------------------------------- waiting -- */

static void waiting(void)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_ring_enter enter;
	struct pollfd ready;
	struct worker worker;
	uint64_t began, n = 0;
	struct ring r;
	uint32_t tag;

	ring_serve(&r, "one", (struct vexipc_ring_setup) {
		.flags = VEXIPC_RING_SETUP_EVENTFD, .event_fd = event, .slots = 3,
	});
	ready = (struct pollfd) { .fd = r.fd, .events = POLLIN };
	began = now_ms();
	enter = (struct vexipc_ring_enter) {
		.fetch = 1, .flags = VEXIPC_RING_WAIT, .timeout_ns = 200000000,
	};
	EQUAL(ring_enter(&r, &enter), -ETIMEDOUT);
	CHECK(now_ms() - began >= 200);

	enter.timeout_ns = 0;
	interrupt_calls(true);
	EQUAL(ring_enter(&r, &enter), -EINTR);
	interrupt_calls(false);

	/* Nobody waits: poll and the eventfd tell, until it is fetched. */
	EQUAL(poll(&ready, 1, 0), 0);
	CHECK(read(event, &n, sizeof(n)) < 0);
	ask(client, 1, "text");
	EQUAL(poll(&ready, 1, 0), 1);
	EQUAL(ready.revents, POLLIN);
	EQUAL(read(event, &n, sizeof(n)), sizeof(n));
	/* It is not for read(). */
	CHECK(read(r.fd, &(char[4096]) { 0 }, 4096) < 0 && errno == EAGAIN);
	tag = ring_fetch(&r, 0);
	EQUAL(poll(&ready, 1, 0), 0);
	ask(client, 2, "text");
	ring_put_answer(&r, 0, ring_fetch(&r, 0), 4);
	/* It may have two, the third slot is for a probe: nothing could be fetched. */
	ask(client, 3, "text");
	EQUAL(poll(&ready, 1, 0), 0);
	ring_put_answer(&r, 0, tag, 4);
	EQUAL(ring_commit(&r, 0, tag), 0);
	EQUAL(poll(&ready, 1, 0), 1);
	EQUAL(ring_commit(&r, 0, !tag), 0);
	tag = ring_fetch(&r, 0);
	ring_put_answer(&r, 0, tag, 4);
	EQUAL(ring_commit(&r, 0, tag), 0);
	for (int i = 0; i < 3; i++) {
		struct msg m = { 0 };

		peer_expect(client, &m, VEXIPC_MSG_EMBED_RESPONSE);
		msg_free(&m);
	}

	/* Who waits gets it, and nobody else is told. */
	while (read(event, &n, sizeof(n)) > 0)
		;
	workers_start(&worker, 1, &r);
	poll(NULL, 0, patience(200));
	ask(client, 9, "text");
	told(client, 9, VEXIPC_MSG_EMBED_RESPONSE);
	CHECK(read(event, &n, sizeof(n)) < 0);
	EQUAL(workers_stop(&worker, 1), 1);

	/* Stopped, nobody waits; taken back, he does. */
	enter = (struct vexipc_ring_enter) { .flags = VEXIPC_RING_STOP };
	EQUAL(ring_enter(&r, &enter), 0);
	enter = (struct vexipc_ring_enter) { .fetch = 1, .flags = VEXIPC_RING_WAIT };
	EQUAL(ring_enter(&r, &enter), -ECANCELED);
	enter.flags |= VEXIPC_RING_GO;
	enter.timeout_ns = 1;
	EQUAL(ring_enter(&r, &enter), -ETIMEDOUT);
	wait_idle();
	ring_end(&r);
	peer_close(client);
	close(event);
}

/* -------------------------------------------------------- larger than a slot -- */

static void large(void)
{
	enum { SIZE = 100000, DIMS = 8192 };
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	unsigned char *text = malloc(SIZE), *side = malloc(2 * SIZE);
	const struct vexipc_ring_request *request;
	struct vexipc_ring_enter enter = { .fetch = 2 };
	struct msg m = { 0 }, answer = { 0 };
	struct vexipc_msg_header header;
	struct ring r;

	ring_serve(&r, "one", (struct vexipc_ring_setup) { 0 });
	for (int i = 0; i < SIZE; i++)
		text[i] = (unsigned char)('a' + i % 26);
	for (uint64_t i = 1; i <= 2; i++) {
		msg_embed(&m, i, text, SIZE, DIMS);
		EQUAL(peer_send(client, &m), 0);
	}
	/* No side buffer, one that is too small, none that is there. */
	EQUAL(ring_enter(&r, &enter), -EMSGSIZE);
	EQUAL(enter.need, m.len);
	enter.side_ptr = (uintptr_t)side;
	enter.side_size = enter.need - 1;
	EQUAL(ring_enter(&r, &enter), -EMSGSIZE);
	EQUAL(enter.need, m.len);
	enter.side_ptr = 8;
	enter.side_size = 2 * SIZE;
	EQUAL(ring_enter(&r, &enter), -EFAULT);
	enter.side_ptr = (uintptr_t)side;
	for (uint64_t i = 1; i <= 2; i++) {
		/* One a call: there is one side buffer. */
		EQUAL(ring_enter(&r, &enter), 0);
		EQUAL(enter.fetched, 1);
		request = ring_request(&r, 0, enter.tag[0]);
		EQUAL(request->flags, VEXIPC_RING_SIDE);
		EQUAL(request->length, m.len);
		memcpy(&header, side, sizeof(header));
		EQUAL(header.length, m.len);
		EQUAL(memcmp(side + m.len - SIZE, text, SIZE), 0);
		msg_answer(&answer, header.correlation_id, DIMS, 0);
		CHECK(answer.len > r.setup.answer_size);
		*ring_answer(&r, 0, enter.tag[0]) = (struct vexipc_ring_answer) {
			.length = (uint32_t)answer.len, .side_ptr = (uintptr_t)answer.data,
		};
		EQUAL(ring_commit(&r, 0, enter.tag[0]), 0);
		peer_expect(client, &answer, VEXIPC_MSG_EMBED_RESPONSE);
		EQUAL(((struct vexipc_embed_response_body *)msg_body(&answer))->vector_bytes,
		      DIMS * 4);
	}
	wait_idle();
	ring_end(&r);
	msg_free(&m);
	msg_free(&answer);
	free(text);
	free(side);
	peer_close(client);
}

static void batches(void)
{
	struct server *s = server_start(VEXIPC_TRANSPORT_RING, "one", 8);
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_embed_item items[32];
	struct vexipc_embed_batch batch = {
		.items_ptr = (uintptr_t)items, .count = 32, .item_size = sizeof(items[0]),
		.dimensions = 8, .priority = VEXIPC_PRIORITY_NORMAL,
	};
	unsigned char vectors[32][32];
	char texts[32][128];
	struct vexipc_stats before, after;
	struct msg m = { 0 };

	/* One message of the client's, in a slot and larger. */
	for (size_t len = 4; len <= 4000; len *= 10) {
		msg_batch(&m, len, 5, len, 8);
		EQUAL(peer_send(client, &m), 0);
		peer_expect(client, &m, VEXIPC_MSG_BATCH_RESPONSE);
		EQUAL(((struct vexipc_batch_response_body *)msg_body(&m))->count, 5);
	}
	/* Requests that travel together. */
	stats_of(&before);
	for (int i = 0; i < 32; i++) {
		memset(texts[i], 'a' + i % 26, sizeof(texts[i]));
		items[i] = (struct vexipc_embed_item) {
			.data_ptr = (uintptr_t)texts[i], .data_size = sizeof(texts[i]),
			.result_ptr = (uintptr_t)vectors[i], .result_size = sizeof(vectors[i]),
		};
	}
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED_BATCH, &batch), 0);
	EQUAL(batch.failed, 0);
	for (int i = 0; i < 32; i++) {
		EQUAL(items[i].status, 0);
		vector_check(vectors[i], sizeof(vectors[i]), texts[i], sizeof(texts[i]));
	}
	stats_of(&after);
	CHECK(after.carriers > before.carriers);
	CHECK(after.carried - before.carried <= 32);
	wait_idle();
	server_stop(s);
	msg_free(&m);
	peer_close(client);
}

/* What needs no vector: failures with and without a text, health. */
static void failures(void)
{
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	const struct vexipc_error_body *error;
	struct msg m = { 0 };
	struct ring r;
	uint32_t tag;

	ring_serve(&r, "one", (struct vexipc_ring_setup) { 0 });
	ask(client, 1, "text");
	tag = ring_fetch(&r, 0);
	*ring_answer(&r, 0, tag) = (struct vexipc_ring_answer) { .status = VEXIPC_ERR_INVALID };
	EQUAL(ring_commit(&r, 0, tag), 0);
	peer_expect(client, &m, VEXIPC_MSG_ERROR);
	error = msg_body(&m);
	EQUAL(error->error, VEXIPC_ERR_INVALID);

	ask(client, 2, "text");
	tag = ring_fetch(&r, 0);
	msg_error(&m, ((const struct vexipc_msg_header *)ring_request_slot(&r, 0, tag))->
		  correlation_id, VEXIPC_ERR_OVERLOADED, 0, "not now");
	memcpy(ring_answer_slot(&r, 0, tag), m.data, m.len);
	*ring_answer(&r, 0, tag) = (struct vexipc_ring_answer) { .length = (uint32_t)m.len };
	EQUAL(ring_commit(&r, 0, tag), 0);
	peer_expect(client, &m, VEXIPC_MSG_ERROR);
	error = msg_body(&m);
	EQUAL(error->error, VEXIPC_ERR_OVERLOADED);
	EQUAL(memcmp(error + 1, "not now", 7), 0);

	/* A vector that does not fit the question is a bad answer, and taken as such. */
	EQUAL(config_set(VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 0), 0);
	ask(client, 3, "text");
	tag = ring_fetch(&r, 0);
	ring_put_answer(&r, 0, tag, 5);
	EQUAL(ring_commit(&r, 0, tag), 0);
	peer_expect(client, &m, VEXIPC_MSG_ERROR);
	error = msg_body(&m);
	EQUAL(error->error, VEXIPC_ERR_BAD_ANSWER);
	EQUAL(config_set(VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 3), 0);
	wait_idle();
	ring_end(&r);
	msg_free(&m);
	peer_close(client);
}

static const struct test_case cases[] = {
	{ "round_trip", round_trip }, { "setups", setups }, { "mappings", mappings },
	{ "errors", errors }, { "partial", partial }, { "queues", queues },
	{ "waiting", waiting }, { "large", large }, { "batches", batches },
	{ "failures", failures }, { "death", death }, { "leaving", leaving },
	{ "orphans", orphans }, { "closed", closed }, { "starved", starved },
	{ "unread_acks", unread_acks }, { "hostile", hostile }, { "reused", reused },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return run_case(cases, argc, argv);
}
