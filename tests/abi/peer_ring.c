// SPDX-License-Identifier: GPL-2.0-only
/* Rings, and peers whose services have one. */
#include <poll.h>
#include <sys/mman.h>

#include "abi.h"

void ring_make(struct ring *r, int fd, const struct vexipc_ring_setup *setup)
{
	r->fd = fd;
	r->setup = *setup;
	EQUAL(call(fd, VEXIPC_IOC_RING_SETUP, &r->setup), 0);
	r->requests = mmap(NULL, r->setup.requests_size, PROT_READ, MAP_SHARED, fd,
			   VEXIPC_RING_REQUESTS);
	CHECK(r->requests != MAP_FAILED);
	r->answers = mmap(NULL, r->setup.answers_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			  VEXIPC_RING_ANSWERS);
	CHECK(r->answers != MAP_FAILED);
}

void ring_unmap(struct ring *r)
{
	munmap(r->requests, r->setup.requests_size);
	munmap(r->answers, r->setup.answers_size);
}

int ring_enter(const struct ring *r, struct vexipc_ring_enter *arg)
{
	return call(r->fd, VEXIPC_IOC_RING_ENTER, arg);
}

const struct vexipc_ring_request *ring_request(const struct ring *r, uint32_t queue,
					       uint32_t tag)
{
	return (const void *)(r->requests + (size_t)queue * r->setup.requests_stride +
			      tag * sizeof(struct vexipc_ring_request));
}

const void *ring_request_slot(const struct ring *r, uint32_t queue, uint32_t tag)
{
	return r->requests + (size_t)queue * r->setup.requests_stride +
	       r->setup.requests_offset + (size_t)tag * r->setup.request_size;
}

struct vexipc_ring_answer *ring_answer(const struct ring *r, uint32_t queue, uint32_t tag)
{
	return (void *)(r->answers + (size_t)queue * r->setup.answers_stride +
			tag * sizeof(struct vexipc_ring_answer));
}

void *ring_answer_slot(const struct ring *r, uint32_t queue, uint32_t tag)
{
	return r->answers + (size_t)queue * r->setup.answers_stride +
	       r->setup.answers_offset + (size_t)tag * r->setup.answer_size;
}

/* ------------------------------------------------------------------ peers -- */

enum { SIDE_ROOM = 64 << 10 };

void peer_ring_open(struct peer *p)
{
	struct vexipc_ring_setup setup = { 0 };

	ring_make(&p->ring, p->fd, &setup);
	p->held = calloc(p->ring.setup.slots, sizeof(*p->held));
	p->side_room = SIDE_ROOM;
	p->side = malloc(p->side_room);
	CHECK(p->held && p->side);
}

void peer_ring_close(struct peer *p)
{
	ring_unmap(&p->ring);
	free(p->held);
	free(p->side);
}

/* A request, as if it had come on any other way. */
static int fetch(struct peer *p, struct msg *m)
{
	for (;;) {
		struct vexipc_ring_enter enter = {
			.fetch = 1, .side_ptr = (uintptr_t)p->side, .side_size = p->side_room,
		};
		const struct vexipc_ring_request *told;
		int err;

		peer_hooked(p, true);
		err = ring_enter(&p->ring, &enter);
		peer_hooked(p, false);
		if (err == -EMSGSIZE) {
			CHECK(enter.need > p->side_room);
			p->side_room = enter.need;
			p->side = realloc(p->side, p->side_room);
			continue;
		}
		/* One that has no service just now has replies to read. */
		if (err)
			return err == -ENOTCONN ? -EAGAIN : err;
		EQUAL(enter.fetched, 1);
		told = ring_request(&p->ring, 0, enter.tag[0]);
		m->len = 0;
		msg_put(m, told->flags & VEXIPC_RING_SIDE ? p->side :
			ring_request_slot(&p->ring, 0, enter.tag[0]), told->length);
		p->held[enter.tag[0]] = msg_header(m)->correlation_id;
		msg_header(m)->flags &= ~VEXIPC_MSGF_UNSUMMED;
		msg_reseal(m);
		return 0;
	}
}

int peer_ring_recv(struct peer *p, struct msg *m, int timeout_ms)
{
	struct pollfd ready = { .fd = p->fd, .events = POLLIN };
	uint64_t end = now_ms() + (uint64_t)timeout_ms;

	for (;;) {
		uint64_t now = now_ms();
		int size = 0, err;

		if (poll(&ready, 1, now < end ? (int)(end - now) : 0) <= 0)
			return -EAGAIN;
		EQUAL(ioctl(p->fd, FIONREAD, &size), 0);
		err = size ? dev_recv(p, m, 0) : fetch(p, m);
		if (err != -EAGAIN || now_ms() >= end)
			return err;
	}
}

bool peer_ring_answer(struct peer *p, const struct msg *m, int *err)
{
	struct vexipc_ring_enter enter = { .commits = 1 };
	struct vexipc_ring_answer *told;
	struct vexipc_msg_header header;
	uint32_t tag;

	if (m->len < sizeof(header))
		return false;
	memcpy(&header, m->data, sizeof(header));
	switch (header.message_type) {
	case VEXIPC_MSG_EMBED_RESPONSE:
	case VEXIPC_MSG_BATCH_RESPONSE:
	case VEXIPC_MSG_HEALTH_RESPONSE:
	case VEXIPC_MSG_ERROR:
	case VEXIPC_MSG_NACK:
		break;
	default:
		return false;
	}
	for (tag = 0; tag < p->ring.setup.slots && p->held[tag] != header.correlation_id; tag++)
		;
	if (tag == p->ring.setup.slots)
		return false;
	told = ring_answer(&p->ring, 0, tag);
	told->length = (uint32_t)m->len;
	if (m->len <= p->ring.setup.answer_size) {
		told->side_ptr = 0;
		memcpy(ring_answer_slot(&p->ring, 0, tag), m->data, m->len);
	} else {
		told->side_ptr = (uintptr_t)m->data;
	}
	enter.commit[0] = (uint16_t)tag;
	peer_hooked(p, true);
	*err = ring_enter(&p->ring, &enter);
	peer_hooked(p, false);
	if (!*err) {
		EQUAL(enter.committed, 1);
		p->held[tag] = 0;
	}
	return true;
}
