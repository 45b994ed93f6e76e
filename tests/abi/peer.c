// SPDX-License-Identifier: GPL-2.0-only
/* Peers: messages through the device and through netlink, and servers. */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "abi.h"

enum { RX_ROOM = 64 << 10, RX_SOCKET = 4 << 20 };

void (*peer_hook)(const struct peer *p, bool before);

/* Around a system call; errno stays. */
void peer_hooked(const struct peer *p, bool before)
{
	int err = errno;

	if (peer_hook)
		peer_hook(p, before);
	errno = err;
}

/* ---------------------------------------------------------------- netlink -- */

static int extack_attr(const struct nlattr *attr, void *data)
{
	struct peer *p = data;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
		snprintf(p->extack, sizeof(p->extack), "%s", mnl_attr_get_str(attr));
	else if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_OFFS)
		p->extack_offset = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static void take_ack(struct peer *p, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	size_t skip = sizeof(*e);

	if (nlh->nlmsg_seq != p->wanted)
		return;
	p->acked = true;
	p->err = e->error;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += mnl_nlmsg_get_payload_len(&e->msg);
	mnl_attr_parse(nlh, (unsigned int)MNL_ALIGN(skip), extack_attr, p);
}

static const struct nlattr *find_attr(const struct nlmsghdr *nlh, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == type)
			return attr;
	return NULL;
}

static void take_packet(struct peer *p, const struct nlmsghdr *nlh, const struct nlattr *piece)
{
	const struct nlattr *total = find_attr(nlh, VEXIPC_A_TOTAL);
	const struct nlattr *offset = find_attr(nlh, VEXIPC_A_OFFSET);
	uint32_t len = mnl_attr_get_payload_len(piece);
	struct packet *packet, **at;

	CHECK(!total == !offset);
	CHECK(!offset || !mnl_attr_get_u32(offset));
	packet = malloc(sizeof(*packet) + (total ? mnl_attr_get_u32(total) : len));
	packet->next = NULL;
	packet->len = len;
	packet->total = total ? mnl_attr_get_u32(total) : len;
	CHECK(packet->total >= len);
	memcpy(packet->data, mnl_attr_get_payload(piece), len);
	for (at = &p->inbox; *at; at = &(*at)->next)
		;
	*at = packet;
}

static void take_event(struct peer *p, const struct nlmsghdr *nlh)
{
	struct event *event = malloc(sizeof(*event) + nlh->nlmsg_len), **at;

	event->next = NULL;
	event->len = nlh->nlmsg_len;
	memcpy(event->data, nlh, nlh->nlmsg_len);
	for (at = &p->events; *at; at = &(*at)->next)
		;
	*at = event;
}

static void take_message(struct peer *p, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *piece = find_attr(nlh, VEXIPC_A_MESSAGE);

	if (genl->cmd == VEXIPC_CMD_EVENT) {
		take_event(p, nlh);
	} else if (piece && genl->cmd != VEXIPC_CMD_FETCH) {
		take_packet(p, nlh, piece);
	} else if (nlh->nlmsg_seq == p->wanted) {
		CHECK(nlh->nlmsg_len <= sizeof(p->reply));
		memcpy(p->reply, nlh, nlh->nlmsg_len);
		p->reply_len = nlh->nlmsg_len;
		p->replies++;
	}
}

/* One datagram; false when none comes in time. */
static bool nl_pump(struct peer *p, int timeout_ms)
{
	struct pollfd ready = { .fd = p->fd, .events = POLLIN };
	unsigned char rx[RX_ROOM] __attribute__((aligned(8)));
	const struct nlmsghdr *nlh = (void *)rx;
	ssize_t len;
	int left;

	if (poll(&ready, 1, timeout_ms) <= 0)
		return false;
	len = recv(p->fd, rx, sizeof(rx), MSG_DONTWAIT | MSG_TRUNC);
	if (len < 0) {
		/* There was no memory for an ack. */
		p->lost = errno == ENOBUFS;
		return p->lost;
	}
	CHECK(len <= (ssize_t)sizeof(rx));
	left = (int)len;
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type == NLMSG_ERROR) {
			take_ack(p, nlh);
		} else if (nlh->nlmsg_type == NLMSG_DONE && nlh->nlmsg_seq == p->wanted) {
			p->acked = true;
			p->err = 0;
		} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE) {
			if (nlh->nlmsg_type == p->family)
				take_message(p, nlh);
			else if (nlh->nlmsg_seq == p->wanted)
				memcpy(p->reply, nlh, nlh->nlmsg_len);
		}
	}
	return true;
}

struct nlmsghdr *nl_begin(struct peer *p, void *buf, uint8_t cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = p->family;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = VEXIPC_GENL_VERSION;
	return nlh;
}

int nl_call(struct peer *p, struct nlmsghdr *nlh)
{
	ssize_t n;

	nlh->nlmsg_seq = p->wanted = ++p->seq;
	p->acked = false;
	p->lost = false;
	p->err = 0;
	p->replies = 0;
	p->reply_len = 0;
	p->extack[0] = '\0';
	p->extack_offset = 0;
	peer_hooked(p, true);
	n = send(p->fd, nlh, nlh->nlmsg_len, 0);
	peer_hooked(p, false);
	if (n < 0)
		return -errno;
	/* The module is done with it by now: the ack is there, or never comes. */
	while (!p->acked && nl_pump(p, p->lost ? 0 : patience(5000)))
		;
	CHECK(p->acked || p->lost);
	/* Who was answered needs no ack. */
	return p->acked ? p->err : p->replies ? 0 : -ENOBUFS;
}

const struct nlattr *nl_attr(const struct peer *p, uint16_t type)
{
	CHECK(p->reply_len);
	return find_attr((const void *)p->reply, type);
}

const struct nlattr *nl_nested(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr;

	if (nest)
		mnl_attr_for_each_nested(attr, nest)
			if (mnl_attr_get_type(attr) == type)
				return attr;
	return NULL;
}

struct event *nl_event(struct peer *p, int timeout_ms)
{
	uint64_t end = now_ms() + (uint64_t)timeout_ms;
	struct event *event;

	while (!p->events) {
		uint64_t now = now_ms();

		if (!nl_pump(p, now < end ? (int)(end - now) : 0) && now_ms() >= end)
			return NULL;
	}
	event = p->events;
	p->events = event->next;
	return event;
}

static void find_family(struct peer *p)
{
	unsigned char buf[1024];
	struct nlmsghdr *nlh;
	const struct nlattr *attr, *group;

	p->family = GENL_ID_CTRL;
	nlh = nl_begin(p, buf, CTRL_CMD_GETFAMILY);
	p->family = 0;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, VEXIPC_GENL_NAME);
	EQUAL(nl_call(p, nlh), 0);
	nlh = (void *)p->reply;
	attr = find_attr(nlh, CTRL_ATTR_FAMILY_ID);
	CHECK(attr);
	p->family = mnl_attr_get_u16(attr);
	attr = find_attr(nlh, CTRL_ATTR_MCAST_GROUPS);
	CHECK(attr);
	mnl_attr_for_each_nested(group, attr) {
		const struct nlattr *name = nl_nested(group, CTRL_ATTR_MCAST_GRP_NAME);
		const struct nlattr *id = nl_nested(group, CTRL_ATTR_MCAST_GRP_ID);

		if (!strcmp(mnl_attr_get_str(name), VEXIPC_MCGRP_DISCOVERY))
			p->discovery = mnl_attr_get_u32(id);
		else if (!strcmp(mnl_attr_get_str(name), VEXIPC_MCGRP_ALERTS))
			p->alerts = mnl_attr_get_u32(id);
	}
	CHECK(p->discovery && p->alerts);
}

static void nl_open(struct peer *p)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int on = 1, size = RX_SOCKET;

	p->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	CHECK(p->fd >= 0);
	setsockopt(p->fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	setsockopt(p->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	EQUAL(setsockopt(p->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)), 0);
	setsockopt(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	EQUAL(bind(p->fd, (void *)&address, sizeof(address)), 0);
	EQUAL(connect(p->fd, (void *)&address, sizeof(address)), 0);
	find_family(p);
}

int peer_fragment(struct peer *p, uint8_t cmd, const void *data, uint32_t len,
		  uint32_t offset, uint32_t total)
{
	unsigned char *buf = calloc(1, len + 256u);
	struct nlmsghdr *nlh = nl_begin(p, buf, cmd);
	int err;

	mnl_attr_put_u32(nlh, VEXIPC_A_OFFSET, offset);
	mnl_attr_put_u32(nlh, VEXIPC_A_TOTAL, total);
	mnl_attr_put(nlh, VEXIPC_A_MESSAGE, len, data);
	err = nl_call(p, nlh);
	free(buf);
	return err;
}

int peer_send_as(struct peer *p, uint8_t cmd, const void *data, size_t len)
{
	unsigned char *buf;
	struct nlmsghdr *nlh;
	int err = 0;

	if (len > VEXIPC_FRAGMENT_MAX) {
		for (size_t at = 0; !err && at < len; at += VEXIPC_FRAGMENT_MAX) {
			size_t piece = len - at < VEXIPC_FRAGMENT_MAX ?
				       len - at : VEXIPC_FRAGMENT_MAX;

			err = peer_fragment(p, cmd, (const char *)data + at, (uint32_t)piece,
					    (uint32_t)at, (uint32_t)len);
		}
		return err;
	}
	buf = calloc(1, len + 256);
	nlh = nl_begin(p, buf, cmd);
	mnl_attr_put(nlh, VEXIPC_A_MESSAGE, len, data);
	err = nl_call(p, nlh);
	free(buf);
	return err;
}

int peer_fetch(struct peer *p, uint64_t correlation, uint32_t offset)
{
	unsigned char buf[256];
	struct nlmsghdr *nlh = nl_begin(p, buf, VEXIPC_CMD_FETCH);

	mnl_attr_put_u64(nlh, VEXIPC_A_CORRELATION, correlation);
	mnl_attr_put_u32(nlh, VEXIPC_A_OFFSET, offset);
	return nl_call(p, nlh);
}

static uint8_t command_for(uint32_t type)
{
	switch (type) {
	case VEXIPC_MSG_EMBED_RESPONSE:
	case VEXIPC_MSG_BATCH_RESPONSE:
	case VEXIPC_MSG_HEALTH_RESPONSE:
	case VEXIPC_MSG_ERROR:
	case VEXIPC_MSG_NACK:
		return VEXIPC_CMD_RESPONSE;
	default:
		return VEXIPC_CMD_REQUEST;
	}
}

static int nl_recv(struct peer *p, struct msg *m, int timeout_ms)
{
	uint64_t end = now_ms() + (uint64_t)timeout_ms;
	struct vexipc_msg_header header;
	struct packet *packet;

	while (!p->inbox) {
		uint64_t now = now_ms();

		if (!nl_pump(p, now < end ? (int)(end - now) : 0) && now_ms() >= end)
			return -EAGAIN;
	}
	packet = p->inbox;
	p->inbox = packet->next;
	memcpy(&header, packet->data, sizeof(header));
	while (packet->len < packet->total) {
		const struct nlattr *piece;

		int err = peer_fetch(p, header.correlation_id, packet->len);

		if (peer_hook && (err == -ENOMEM || err == -ENOBUFS || err == -EFAULT))
			continue;
		EQUAL(err, 0);
		EQUAL(mnl_attr_get_u32(nl_attr(p, VEXIPC_A_OFFSET)), packet->len);
		EQUAL(mnl_attr_get_u32(nl_attr(p, VEXIPC_A_TOTAL)), packet->total);
		piece = nl_attr(p, VEXIPC_A_MESSAGE);
		CHECK(piece && mnl_attr_get_payload_len(piece));
		CHECK(packet->len + mnl_attr_get_payload_len(piece) <= packet->total);
		memcpy(packet->data + packet->len, mnl_attr_get_payload(piece),
		       mnl_attr_get_payload_len(piece));
		packet->len += mnl_attr_get_payload_len(piece);
	}
	m->len = 0;
	msg_put(m, packet->data, packet->len);
	free(packet);
	return 0;
}

/* ----------------------------------------------------------------- device -- */

/* As many messages as there is room for at once; the first of them. */
static int dev_recv_many(struct peer *p, struct msg *m, int timeout_ms)
{
	struct pollfd ready = { .fd = p->fd, .events = POLLIN };
	struct packet *packet, **to = &p->inbox;
	struct vexipc_msg_header header;
	unsigned char *buf;
	ssize_t n, at;

	if (!p->inbox) {
		if (poll(&ready, 1, timeout_ms) <= 0)
			return -EAGAIN;
		buf = malloc(p->read_room);
		peer_hooked(p, true);
		n = read(p->fd, buf, p->read_room);
		peer_hooked(p, false);
		for (at = 0; at < n; at += packet->len, to = &packet->next) {
			CHECK(n - at >= (ssize_t)sizeof(header));
			memcpy(&header, buf + at, sizeof(header));
			CHECK(header.length <= (size_t)(n - at));
			packet = malloc(sizeof(*packet) + header.length);
			packet->next = NULL;
			packet->len = packet->total = header.length;
			memcpy(packet->data, buf + at, header.length);
			*to = packet;
		}
		free(buf);
		if (n < 0)
			return -errno;
	}
	packet = p->inbox;
	p->inbox = packet->next;
	m->len = 0;
	msg_put(m, packet->data, packet->len);
	free(packet);
	return 0;
}

int dev_recv(struct peer *p, struct msg *m, int timeout_ms)
{
	struct pollfd ready = { .fd = p->fd, .events = POLLIN };
	int size = 0;
	ssize_t n;

	if (poll(&ready, 1, timeout_ms) <= 0)
		return -EAGAIN;
	/* What poll and FIONREAD saw may be gone by now, or behind a longer one. */
	do {
		EQUAL(ioctl(p->fd, FIONREAD, &size), 0);
		m->len = 0;
		msg_put(m, NULL, 0);
		if (m->room < (size_t)size + 64) {
			m->room = (size_t)size + 64;
			m->data = realloc(m->data, m->room);
		}
		n = read(p->fd, m->data, (size_t)(size > 64 ? size : 64));
	} while (n < 0 && errno == EMSGSIZE);
	if (n < 0)
		return -errno;
	m->len = (size_t)n;
	return 0;
}

/* ------------------------------------------------------------------ peers -- */

struct peer *peer_open(uint32_t transport)
{
	struct peer *p = calloc(1, sizeof(*p));

	CHECK(p);
	p->transport = transport;
	if (transport == VEXIPC_TRANSPORT_NETLINK)
		nl_open(p);
	else
		p->fd = device_open(O_NONBLOCK);
	if (transport == VEXIPC_TRANSPORT_RING)
		peer_ring_open(p);
	return p;
}

void peer_close(struct peer *p)
{
	struct packet *packet;
	struct event *event;

	if (p->transport == VEXIPC_TRANSPORT_RING)
		peer_ring_close(p);
	close(p->fd);
	while ((packet = p->inbox)) {
		p->inbox = packet->next;
		free(packet);
	}
	while ((event = p->events)) {
		p->events = event->next;
		free(event);
	}
	free(p);
}

int peer_send(struct peer *p, const struct msg *m)
{
	struct vexipc_msg_header header = { 0 };
	ssize_t n;
	int err;

	if (p->transport == VEXIPC_TRANSPORT_RING && peer_ring_answer(p, m, &err))
		return err;
	memcpy(&header, m->data, m->len < sizeof(header) ? m->len : sizeof(header));
	if (p->transport == VEXIPC_TRANSPORT_NETLINK)
		return peer_send_as(p, command_for(header.message_type), m->data, m->len);
	peer_hooked(p, true);
	n = write(p->fd, m->data, m->len);
	peer_hooked(p, false);
	if (n < 0)
		return -errno;
	EQUAL(n, m->len);
	return 0;
}

int peer_recv(struct peer *p, struct msg *m, int timeout_ms)
{
	if (!m->data)
		msg_begin(m);
	if (p->transport == VEXIPC_TRANSPORT_NETLINK)
		return nl_recv(p, m, timeout_ms);
	if (p->transport == VEXIPC_TRANSPORT_RING)
		return peer_ring_recv(p, m, timeout_ms);
	return p->read_room ? dev_recv_many(p, m, timeout_ms) : dev_recv(p, m, timeout_ms);
}

void peer_expect(struct peer *p, struct msg *m, uint32_t type)
{
	EQUAL(peer_recv(p, m, patience(10000)), 0);
	msg_check(m, type);
}

/* Whatever the module had to say it has said by the time a send returns. */
void peer_silent(struct peer *p)
{
	struct msg m = { 0 };

	EQUAL(peer_recv(p, &m, 0), -EAGAIN);
	msg_free(&m);
}

uint64_t serve_with(struct peer *p, const char *id, uint64_t features, uint32_t max_batch)
{
	const struct vexipc_ack_body *ack;
	struct msg m = { 0 };
	uint64_t handle;

	msg_register(&m, id, features, max_batch);
	EQUAL(peer_send(p, &m), 0);
	peer_expect(p, &m, VEXIPC_MSG_ACK);
	ack = msg_body(&m);
	EQUAL(ack->type, VEXIPC_MSG_REGISTER);
	EQUAL(ack->error, 0);
	handle = ack->handle;
	CHECK(handle);
	msg_free(&m);
	return handle;
}

uint64_t serve_as(struct peer *p, const char *id)
{
	return serve_with(p, id, VEXIPC_FEATURES, VEXIPC_MAX_BATCH);
}

/* ---------------------------------------------------------------- servers -- */

unsigned char vector_byte(const void *content, size_t len, size_t i)
{
	/* The exponents of floats stay small: none becomes a NaN. */
	return (unsigned char)((((const unsigned char *)content)[i % len] ^ i) & 0x3f);
}

void vector_check(const void *vector, size_t bytes, const void *content, size_t len)
{
	for (size_t i = 0; i < bytes; i++)
		EQUAL(((const unsigned char *)vector)[i], vector_byte(content, len, i));
}

static uint32_t bytes_of(uint32_t type, uint32_t dimensions)
{
	static const uint32_t bits[] = { 32, 16, 8, 16, 1 };

	return (dimensions * bits[type] + 7) / 8;
}

static void put_vector(struct msg *m, const void *content, size_t len, uint32_t bytes)
{
	unsigned char *v = malloc(bytes);

	for (uint32_t i = 0; i < bytes; i++)
		v[i] = vector_byte(content, len, i);
	msg_put(m, v, bytes);
	free(v);
}

static void answer_embed(uint32_t dimensions, struct msg *request, struct msg *m)
{
	const struct vexipc_embed_request_body *body = msg_body(request);
	struct vexipc_embed_response_body answer = {
		.dimensions = body->dimensions ? body->dimensions : dimensions,
		.data_type = body->data_type,
	};

	answer.vector_bytes = bytes_of(answer.data_type, answer.dimensions);
	if (answer.data_type == VEXIPC_INT8 || answer.data_type == VEXIPC_INT16)
		memcpy(&answer.scale, &(float) { 0.25f }, sizeof(float));
	msg_begin(m);
	msg_put(m, &answer, sizeof(answer));
	put_vector(m, (const char *)(body + 1) + body->model_len, body->content_len,
		   answer.vector_bytes);
	msg_seal(m, VEXIPC_MSG_EMBED_RESPONSE, msg_header(request)->correlation_id, 0);
}

static void answer_batch(uint32_t dimensions, struct msg *request, struct msg *m)
{
	const struct vexipc_batch_request_body *body = msg_body(request);
	struct vexipc_batch_response_body answer = { .count = body->count };
	const char *at = (const char *)(body + 1) + body->common.model_len;

	msg_begin(m);
	msg_put(m, &answer, sizeof(answer));
	for (uint32_t i = 0; i < body->count; i++) {
		struct vexipc_batch_item item;
		struct vexipc_batch_result result = {
			.dimensions = body->common.dimensions ? body->common.dimensions :
								dimensions,
			.data_type = body->common.data_type,
		};

		memcpy(&item, at, sizeof(item));
		at += sizeof(item);
		result.vector_bytes = bytes_of(result.data_type, result.dimensions);
		/* An item that begins with an exclamation mark fails. */
		if (*at == '!') {
			result = (struct vexipc_batch_result) {
				.error = VEXIPC_ERR_INVALID,
			};
		}
		msg_put(m, &result, sizeof(result));
		put_vector(m, at, item.length, result.vector_bytes);
		at += item.length;
	}
	msg_seal(m, VEXIPC_MSG_BATCH_RESPONSE, msg_header(request)->correlation_id, 0);
}

bool server_answer(uint32_t dimensions, struct msg *request, struct msg *m)
{
	struct vexipc_health_response_body health = { .health = 90, .in_flight = 3 };

	switch (msg_header(request)->message_type) {
	case VEXIPC_MSG_EMBED_REQUEST:
		answer_embed(dimensions, request, m);
		return true;
	case VEXIPC_MSG_BATCH_REQUEST:
		answer_batch(dimensions, request, m);
		return true;
	case VEXIPC_MSG_HEALTH_CHECK:
		msg_simple(m, VEXIPC_MSG_HEALTH_RESPONSE, msg_header(request)->correlation_id,
			   &health, sizeof(health));
		return true;
	default:
		return false;
	}
}

static void *serve(void *data)
{
	struct server *s = data;
	struct pollfd ready[2] = {
		{ .fd = s->peer->fd, .events = POLLIN }, { .fd = s->stop[0], .events = POLLIN },
	};
	struct msg request = { 0 }, m = { 0 };

	for (;;) {
		int err = peer_recv(s->peer, &request, 0);

		if (err == -EAGAIN) {
			poll(ready, 2, -1);
			if (ready[1].revents)
				break;
			continue;
		}
		EQUAL(err, 0);
		if (server_answer(s->dimensions, &request, &m))
			EQUAL(peer_send(s->peer, &m), 0);
	}
	msg_free(&request);
	msg_free(&m);
	return NULL;
}

struct server *server_start(uint32_t transport, const char *id, uint32_t dimensions)
{
	struct server *s = calloc(1, sizeof(*s));

	s->dimensions = dimensions;
	s->peer = peer_open(transport);
	s->handle = serve_as(s->peer, id);
	EQUAL(pipe(s->stop), 0);
	EQUAL(pthread_create(&s->thread, NULL, serve, s), 0);
	return s;
}

void server_stop(struct server *s)
{
	EQUAL(write(s->stop[1], "", 1), 1);
	pthread_join(s->thread, NULL);
	close(s->stop[0]);
	close(s->stop[1]);
	peer_close(s->peer);
	free(s);
}
