// SPDX-License-Identifier: GPL-2.0-only
/* Long messages: whole through the device, in fragments through netlink. */
#include "abi.h"

enum { HEADER = sizeof(struct vexipc_msg_header) };

static struct msg m, a;

static unsigned char *content_of(size_t len)
{
	unsigned char *p = malloc(len);

	for (size_t i = 0; i < len; i++)
		p[i] = (unsigned char)(i * 2654435761u >> 24);
	return p;
}

/* The longest request there may be, from client to service and back. */
static void longest_request(void)
{
	size_t len = VEXIPC_MAX_MESSAGE - HEADER - sizeof(struct vexipc_batch_request_body);
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	unsigned char *content = content_of(len + 1);
	struct vexipc_embed e = embed_of(content, len, NULL, 0);
	size_t body = HEADER + sizeof(struct vexipc_embed_request_body);

	serve_as(service, "large");
	/* As a message ... */
	msg_embed(&m, 1, content, len, 4);
	EQUAL(peer_send(client, &m), 0);
	peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	EQUAL(m.len, body + len);
	EQUAL(memcmp(m.data + body, content, len), 0);
	msg_answer(&a, msg_header(&m)->correlation_id, 4, 0);
	EQUAL(peer_send(service, &a), 0);
	peer_expect(client, &m, VEXIPC_MSG_EMBED_RESPONSE);
	/* ... and by ioctl. */
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
	peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	EQUAL(m.len, body + len);
	EQUAL(memcmp(m.data + body, content, len), 0);
	/* One byte more is too much, both ways. */
	e = embed_of(content, len + 1, NULL, 0);
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), -EMSGSIZE);
	msg_embed(&m, 2, content, len + 1, 4);
	EQUAL(peer_send(client, &m), -EMSGSIZE);
	peer_close(client);
	peer_close(service);
	wait_idle();
}

/* An answer of all but 16 MiB: 508 vectors of 8192 floats. */
static void longest_answer(void)
{
	const uint32_t count = 508, bytes = VEXIPC_MAX_DIMENSIONS * 4;
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "large",
					VEXIPC_MAX_DIMENSIONS);
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	size_t step = sizeof(struct vexipc_batch_result) + bytes;
	const unsigned char *at;

	msg_batch(&m, 1, count, 1, VEXIPC_MAX_DIMENSIONS);
	EQUAL(peer_send(client, &m), 0);
	EQUAL(peer_recv(client, &m, patience(60000)), 0);
	msg_check(&m, VEXIPC_MSG_BATCH_RESPONSE);
	EQUAL(m.len, HEADER + sizeof(struct vexipc_batch_response_body) + count * step);
	CHECK(m.len > VEXIPC_MAX_MESSAGE - 200000);
	at = (unsigned char *)msg_body(&m) + sizeof(struct vexipc_batch_response_body);
	for (uint32_t i = 0; i < count; i += 101) {
		const char letter = (char)('a' + i % 26);

		vector_check(at + i * step + sizeof(struct vexipc_batch_result), 64, &letter, 1);
	}
	peer_close(client);
	server_stop(s);
	wait_idle();
}

/* 100 KiB, whoever speaks netlink: it is fetched, and sent, in fragments. */
static void fragments(void)
{
	const size_t len = 100 << 10;
	unsigned char *content = content_of(len);

	for (int c = 0; c < 2; c++) {
		for (int t = 0; t < SERVICES; t++) {
			struct peer *client = peer_open(both[c]);
			struct peer *service = peer_open(serving[t]);
			size_t body = HEADER + sizeof(struct vexipc_embed_request_body);

			AT("%s to %s", transport_name(both[c]), transport_name(serving[t]));
			serve_as(service, "pieces");
			msg_embed(&m, 7, content, len, VEXIPC_MAX_DIMENSIONS);
			EQUAL(peer_send(client, &m), 0);
			peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
			EQUAL(m.len, body + len);
			EQUAL(memcmp(m.data + body, content, len), 0);
			/* 32 KiB of vector are more than a fragment, too. */
			msg_answer(&a, msg_header(&m)->correlation_id, VEXIPC_MAX_DIMENSIONS, 0);
			EQUAL(peer_send(service, &a), 0);
			peer_expect(client, &m, VEXIPC_MSG_EMBED_RESPONSE);
			EQUAL(msg_header(&m)->correlation_id, 7);
			EQUAL(m.len, a.len);
			EQUAL(memcmp(m.data + m.len - 32768, a.data + a.len - 32768, 32768), 0);
			peer_close(client);
			peer_close(service);
			wait_idle();
		}
	}
	free(content);
}

/* Sizes about the border between one netlink message and several. */
static void borders(void)
{
	unsigned char *content = content_of(VEXIPC_FRAGMENT_MAX * 2 + 64);
	struct peer *client = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct peer *service = peer_open(VEXIPC_TRANSPORT_NETLINK);
	size_t body = HEADER + sizeof(struct vexipc_embed_request_body);

	serve_as(service, "border");
	for (int pieces = 1; pieces <= 2; pieces++) {
		for (int more = -2; more <= 2; more++) {
			size_t len = (size_t)(VEXIPC_FRAGMENT_MAX * (unsigned int)pieces) - body +
				     (size_t)(more + 2) - 2;

			AT("%d fragments and %d", pieces, more);
			msg_embed(&m, 1, content, len, 4);
			EQUAL(peer_send(client, &m), 0);
			peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
			EQUAL(m.len, body + len);
			EQUAL(memcmp(m.data + body, content, len), 0);
			msg_answer(&a, msg_header(&m)->correlation_id, 4, 0);
			EQUAL(peer_send(service, &a), 0);
			peer_expect(client, &m, VEXIPC_MSG_EMBED_RESPONSE);
		}
	}
	peer_close(client);
	peer_close(service);
	free(content);
	wait_idle();
}

/* What no netlink service's buffer takes goes to one of the device, or is refused. */
static void too_large_for_netlink(void)
{
	const size_t len = 300 << 10;
	unsigned char *content = content_of(len);
	struct peer *client = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct peer *netlink = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct peer *simple = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct peer *device = peer_open(VEXIPC_TRANSPORT_CHARDEV);

	serve_as(netlink, "netlink");
	/* Netlink services without the feature take what one message holds. */
	serve_with(simple, "simple", 0, 0);
	for (int round = 0; round < 2; round++) {
		msg_embed(&m, 1, content, len, 4);
		EQUAL(peer_send(client, &m), 0);
		if (!round) {
			peer_expect(client, &m, VEXIPC_MSG_ERROR);
			EQUAL(((struct vexipc_error_body *)msg_body(&m))->error,
			      VEXIPC_ERR_TOO_LARGE);
			serve_as(device, "device");
		} else {
			peer_expect(device, &m, VEXIPC_MSG_EMBED_REQUEST);
		}
	}
	for (int i = 0; i < 4; i++) {
		msg_embed(&m, 2, content, 40000, 4);
		EQUAL(peer_send(client, &m), 0);
	}
	peer_silent(simple);
	free(content);
	peer_close(client);
	peer_close(netlink);
	peer_close(simple);
	peer_close(device);
	wait_idle();
}

static uint32_t len_of(const struct msg *message)
{
	return (uint32_t)message->len;
}

/* Fragments out of place drop what there is, and are refused; then all goes on. */
static void misplaced(void)
{
	static const struct {
		const char *what;
		struct {
			uint32_t offset, len;
			int32_t total;	/* more than the true one */
			int err;
		} piece[3];
	} rows[] = {
		{ "a gap", { { 0, 30000, 0, 0 }, { 30001, 1000, 0, EINVAL } } },
		{ "an overlap", { { 0, 30000, 0, 0 }, { 29999, 1000, 0, EINVAL } } },
		{ "twice the first, then on", { { 0, 30000, 0, 0 }, { 0, 20000, 0, 0 },
						{ 30000, 1000, 0, EINVAL } } },
		{ "no first", { { 30000, 1000, 0, EINVAL } } },
		{ "the second twice", { { 0, 30000, 0, 0 }, { 30000, 10000, 0, 0 },
					{ 30000, 10000, 0, EINVAL } } },
		{ "another total", { { 0, 30000, 0, 0 }, { 30000, 1000, 1, EINVAL } } },
		{ "a total that is not the message's", { { 0, 30000, 1, EINVAL } } },
		{ "a total shorter than the first", { { 0, 30000, -50000, EINVAL } } },
		{ "too long a total", { { 0, 30000, VEXIPC_MAX_MESSAGE, EMSGSIZE } } },
		{ "less than a header", { { 0, 39, 0, EINVAL } } },
		{ "an empty one", { { 0, 30000, 0, 0 }, { 30000, 0, 0, EINVAL } } },
		{ "more than there is to be", { { 0, 30000, 0, 0 }, { 30000, 30000, 0, 0 },
						{ 60000, 20001, 0, EINVAL } } },
	};
	unsigned char *content = content_of(90000);
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "srv", 4);
	struct peer *p = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct vexipc_stats before, after;

	msg_embed(&m, 1, content, 80000 - HEADER - sizeof(struct vexipc_embed_request_body), 4);
	msg_put(&m, content, 30000);
	m.len -= 30000;
	stats_of(&before);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t k = 0; k < 3 && (rows[i].piece[k].offset || rows[i].piece[k].len); k++) {
			AT("%s: piece %zu", rows[i].what, k);
			EQUAL(peer_fragment(p, VEXIPC_CMD_REQUEST, m.data + rows[i].piece[k].offset,
					    rows[i].piece[k].len, rows[i].piece[k].offset,
					    (uint32_t)((int32_t)len_of(&m) + rows[i].piece[k].total)),
			      -rows[i].piece[k].err);
			if (rows[i].piece[k].err == EINVAL)
				CHECK(*p->extack);
		}
		/* The rest alone is nothing. */
		AT("%s: afterwards", rows[i].what);
		EQUAL(peer_fragment(p, VEXIPC_CMD_REQUEST, m.data + 30000, 30000, 30000,
				    len_of(&m)), -EINVAL);
	}
	AT("a message as a whole");
	stats_of(&after);
	EQUAL(after.submitted, before.submitted);
	EQUAL(peer_send(p, &m), 0);
	peer_expect(p, &m, VEXIPC_MSG_EMBED_RESPONSE);
	free(content);
	peer_close(p);
	server_stop(s);
	wait_idle();
}

/* Only requests and answers are ever so long. */
static void long_others(void)
{
	static const uint32_t types[] = {
		VEXIPC_MSG_HEARTBEAT, VEXIPC_MSG_DISCOVERY, VEXIPC_MSG_STATUS_QUERY,
		VEXIPC_MSG_HEALTH_CHECK, VEXIPC_MSG_REGISTER,
	};
	struct peer *p = peer_open(VEXIPC_TRANSPORT_NETLINK);
	unsigned char *content = content_of(50000);

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		AT("type 0x%x", types[i]);
		msg_simple(&m, types[i], 1, content, 50000);
		EQUAL(peer_fragment(p, VEXIPC_CMD_REQUEST, m.data, VEXIPC_FRAGMENT_MAX, 0,
				    len_of(&m)), -EMSGSIZE);
	}
	/* An attribute holds no more than a fragment. */
	AT("attribute");
	msg_embed(&m, 1, content, 40000, 4);
	{
		unsigned char *buf = calloc(1, 60000);
		struct nlmsghdr *nlh = nl_begin(p, buf, VEXIPC_CMD_REQUEST);

		mnl_attr_put(nlh, VEXIPC_A_MESSAGE, m.len, m.data);
		CHECK(nl_call(p, nlh) < 0);
		free(buf);
	}
	free(content);
	peer_close(p);
}

/* FETCH gives each stretch that is asked for, to those who hold the message. */
static void fetching(void)
{
	const size_t len = 100 << 10;
	unsigned char *content = content_of(len);
	struct peer *client = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct peer *service = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct peer *other = peer_open(VEXIPC_TRANSPORT_NETLINK);
	uint64_t correlation;
	uint32_t total;

	serve_with(service, "fetcher", VEXIPC_FEATURES, 1000);
	serve_with(other, "other", 0, 0);
	msg_embed(&m, 1, content, len, VEXIPC_MAX_DIMENSIONS);
	EQUAL(peer_send(client, &m), 0);
	peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	correlation = msg_header(&m)->correlation_id;
	total = len_of(&m);
	/* Again, from anywhere; up to the end. */
	EQUAL(peer_fetch(service, correlation, 12345), 0);
	EQUAL(memcmp(mnl_attr_get_payload(nl_attr(service, VEXIPC_A_MESSAGE)), m.data + 12345,
		     VEXIPC_FRAGMENT_MAX), 0);
	EQUAL(peer_fetch(service, correlation, total - 1), 0);
	EQUAL(mnl_attr_get_payload_len(nl_attr(service, VEXIPC_A_MESSAGE)), 1);
	EQUAL(peer_fetch(service, correlation, total + 1), -ERANGE);
	CHECK(strstr(service->extack, "past the end"));
	EQUAL(peer_fetch(service, correlation, UINT32_MAX), -ERANGE);
	EQUAL(peer_fetch(service, correlation ^ 1, 0), -ESRCH);
	/* Not by others. */
	EQUAL(peer_fetch(other, correlation, 0), -ESRCH);
	EQUAL(peer_fetch(client, correlation, 0), -ESRCH);
	msg_answer(&a, correlation, VEXIPC_MAX_DIMENSIONS, 0);
	EQUAL(peer_send(service, &a), 0);
	/* Answered, it is the service's no longer. */
	EQUAL(peer_fetch(service, correlation, 0), -ESRCH);
	/* The client's answer is held until it is fetched to its end, once. */
	EQUAL(peer_fetch(other, 1, 0), -ESRCH);
	peer_expect(client, &m, VEXIPC_MSG_EMBED_RESPONSE);
	EQUAL(m.len, a.len);
	EQUAL(peer_fetch(client, 1, 0), -ESRCH);
	/* One that is not wanted is dropped by asking for its very end. */
	msg_embed(&m, 2, content, len, VEXIPC_MAX_DIMENSIONS);
	EQUAL(peer_send(client, &m), 0);
	peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	msg_answer(&a, msg_header(&m)->correlation_id, VEXIPC_MAX_DIMENSIONS, 0);
	EQUAL(peer_send(service, &a), 0);
	EQUAL(peer_fetch(client, 2, 0), 0);
	EQUAL(peer_fetch(client, 2, len_of(&a)), 0);
	EQUAL(mnl_attr_get_payload_len(nl_attr(client, VEXIPC_A_MESSAGE)), 0);
	EQUAL(peer_fetch(client, 2, 0), -ESRCH);
	free(content);
	peer_close(client);
	peer_close(service);
	peer_close(other);
	wait_idle();
}

int main(int argc, char **argv)
{
#define CASE(name) { #name, name }
	static const struct test_case cases[] = {
		CASE(longest_request), CASE(longest_answer), CASE(fragments), CASE(borders),
		CASE(too_large_for_netlink), CASE(misplaced), CASE(long_others), CASE(fetching),
		{ 0 }
	};

	return run_case(cases, argc, argv);
}
