// SPDX-License-Identifier: GPL-2.0-only
/* The generic netlink family: its attributes, its texts, its events. */
#include <sys/socket.h>

#include "abi.h"

static unsigned char buf[8192];
static struct msg m, a;

static void put_id(struct nlmsghdr *nlh, const char *id)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, VEXIPC_A_SERVICE);

	mnl_attr_put_strz(nlh, VEXIPC_SVC_ID, id);
	mnl_attr_nest_end(nlh, nest);
}

/* A limit of the breaker of the service "other". */
static void put_limit(struct nlmsghdr *nlh, uint16_t field, uint64_t value)
{
	struct nlattr *nest;

	put_id(nlh, "other");
	mnl_attr_put_u32(nlh, VEXIPC_A_CONTROL, VEXIPC_CONTROL_BREAKER_LIMITS);
	nest = mnl_attr_nest_start(nlh, VEXIPC_A_CONFIG);
	mnl_attr_put_u64(nlh, field, value);
	mnl_attr_nest_end(nlh, nest);
}

static uint32_t u32_of(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr = nl_nested(nest, type);

	CHECK(attr);
	EQUAL(mnl_attr_get_payload_len(attr), 4);
	return mnl_attr_get_u32(attr);
}

static uint64_t u64_of(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr = nl_nested(nest, type);

	CHECK(attr);
	EQUAL(mnl_attr_get_payload_len(attr), 8);
	return mnl_attr_get_u64(attr);
}

static const char *str_of(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr = nl_nested(nest, type);

	CHECK(attr);
	return mnl_attr_get_str(attr);
}

static struct nlmsghdr *registration(struct peer *p, const char *id)
{
	struct nlmsghdr *nlh = nl_begin(p, buf, VEXIPC_CMD_REGISTER);
	struct nlattr *nest = mnl_attr_nest_start(nlh, VEXIPC_A_SERVICE);

	mnl_attr_put_strz(nlh, VEXIPC_SVC_ID, id);
	mnl_attr_put_strz(nlh, VEXIPC_SVC_NAME, "In attributes");
	mnl_attr_put_strz(nlh, VEXIPC_SVC_SOFTWARE_VERSION, "3.2.1");
	mnl_attr_put_strz(nlh, VEXIPC_SVC_ENDPOINT, "here");
	mnl_attr_put_strz(nlh, VEXIPC_SVC_MODEL, "m1");
	mnl_attr_put_str(nlh, VEXIPC_SVC_METADATA, "k=v");
	mnl_attr_put_strz(nlh, VEXIPC_SVC_MODEL, "m2");
	mnl_attr_put_u32(nlh, VEXIPC_SVC_DIMENSIONS, 4);
	mnl_attr_put_u32(nlh, VEXIPC_SVC_DIMENSIONS, 8);
	mnl_attr_put_u32(nlh, VEXIPC_SVC_DATA_TYPES, 5);
	mnl_attr_put_u32(nlh, VEXIPC_SVC_MAX_BATCH, 12);
	mnl_attr_put_u32(nlh, VEXIPC_SVC_PRIORITY, 140);
	mnl_attr_put_u32(nlh, VEXIPC_SVC_WEIGHT, 150);
	mnl_attr_put_u32(nlh, VEXIPC_SVC_MAX_CONCURRENT, 9);
	mnl_attr_put_u32(nlh, VEXIPC_SVC_LATENCY_US, 11);
	mnl_attr_put_u32(nlh, VEXIPC_SVC_THROUGHPUT, 22);
	mnl_attr_put_u64(nlh, VEXIPC_SVC_FEATURES, VEXIPC_FEATURES);
	mnl_attr_nest_end(nlh, nest);
	return nlh;
}

/* A service's life in attributes: what it tells is what others read. */
static void attributes(void)
{
	struct peer *service = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct peer *p = peer_open(VEXIPC_TRANSPORT_NETLINK);
	const struct nlattr *svc, *attr;
	struct nlmsghdr *nlh;
	struct nlattr *nest;
	uint64_t handle;
	uint32_t seen = 0;

	EQUAL(nl_call(service, registration(service, "attrs")), 0);
	svc = nl_attr(service, VEXIPC_A_SERVICE);
	handle = u64_of(svc, VEXIPC_SVC_HANDLE);
	EQUAL(u32_of(svc, VEXIPC_SVC_VERSION), 1);
	EQUAL(u64_of(svc, VEXIPC_SVC_FEATURES), VEXIPC_FEATURES);
	EQUAL(u32_of(svc, VEXIPC_SVC_HEARTBEAT_MS), 10000);

	nlh = nl_begin(service, buf, VEXIPC_CMD_HEARTBEAT);
	nest = mnl_attr_nest_start(nlh, VEXIPC_A_SERVICE);
	mnl_attr_put_u32(nlh, VEXIPC_SVC_CPU_PERMILLE, 333);
	mnl_attr_put_u64(nlh, VEXIPC_SVC_MEMORY_BYTES, 1ull << 34);
	mnl_attr_put_u32(nlh, VEXIPC_SVC_REPORTED_IN_FLIGHT, 2);
	mnl_attr_put_u32(nlh, VEXIPC_SVC_REPORTED_QUEUE_DEPTH, 7);
	mnl_attr_nest_end(nlh, nest);
	EQUAL(nl_call(service, nlh), 0);

	nlh = nl_begin(p, buf, VEXIPC_CMD_SERVICE_GET);
	put_id(nlh, "attrs");
	EQUAL(nl_call(p, nlh), 0);
	svc = nl_attr(p, VEXIPC_A_SERVICE);
	EQUAL(u64_of(svc, VEXIPC_SVC_HANDLE), handle);
	EQUAL(strcmp(str_of(svc, VEXIPC_SVC_ID), "attrs"), 0);
	EQUAL(strcmp(str_of(svc, VEXIPC_SVC_NAME), "In attributes"), 0);
	EQUAL(strcmp(str_of(svc, VEXIPC_SVC_SOFTWARE_VERSION), "3.2.1"), 0);
	EQUAL(strcmp(str_of(svc, VEXIPC_SVC_ENDPOINT), "here"), 0);
	EQUAL(strcmp(str_of(svc, VEXIPC_SVC_METADATA), "k=v"), 0);
	EQUAL(u32_of(svc, VEXIPC_SVC_DATA_TYPES), 5);
	EQUAL(u32_of(svc, VEXIPC_SVC_MAX_BATCH), 12);
	EQUAL(u32_of(svc, VEXIPC_SVC_PRIORITY), 140);
	EQUAL(u32_of(svc, VEXIPC_SVC_WEIGHT), 150);
	EQUAL(u32_of(svc, VEXIPC_SVC_MAX_CONCURRENT), 9);
	EQUAL(u32_of(svc, VEXIPC_SVC_LATENCY_US), 11);
	EQUAL(u32_of(svc, VEXIPC_SVC_THROUGHPUT), 22);
	EQUAL(u32_of(svc, VEXIPC_SVC_TRANSPORT), VEXIPC_TRANSPORT_NETLINK);
	EQUAL(u32_of(svc, VEXIPC_SVC_STATE), VEXIPC_STATE_ACTIVE);
	EQUAL(u32_of(svc, VEXIPC_SVC_CPU_PERMILLE), 333);
	EQUAL(u64_of(svc, VEXIPC_SVC_MEMORY_BYTES), 1ull << 34);
	EQUAL(u32_of(svc, VEXIPC_SVC_REPORTED_IN_FLIGHT), 2);
	EQUAL(u32_of(svc, VEXIPC_SVC_REPORTED_QUEUE_DEPTH), 7);
	EQUAL(u32_of(svc, VEXIPC_SVC_PID), getpid());
	EQUAL(u32_of(svc, VEXIPC_SVC_UID), 0);
	mnl_attr_for_each_nested(attr, svc) {
		if (mnl_attr_get_type(attr) == VEXIPC_SVC_DIMENSIONS)
			seen += mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) == VEXIPC_SVC_MODEL)
			seen += 1000;
	}
	EQUAL(seen, 2012);

	nlh = nl_begin(p, buf, VEXIPC_CMD_SERVICE_GET);
	nest = mnl_attr_nest_start(nlh, VEXIPC_A_SERVICE);
	mnl_attr_put_u64(nlh, VEXIPC_SVC_HANDLE, handle);
	mnl_attr_nest_end(nlh, nest);
	EQUAL(nl_call(p, nlh), 0);
	EQUAL(u64_of(nl_attr(p, VEXIPC_A_SERVICE), VEXIPC_SVC_HANDLE), handle);

	nlh = nl_begin(p, buf, VEXIPC_CMD_SERVICE_SET);
	put_id(nlh, "attrs");
	mnl_attr_put_u32(nlh, VEXIPC_A_CONTROL, VEXIPC_CONTROL_DRAIN);
	EQUAL(nl_call(p, nlh), 0);
	nlh = nl_begin(p, buf, VEXIPC_CMD_SERVICE_GET);
	put_id(nlh, "attrs");
	EQUAL(nl_call(p, nlh), 0);
	EQUAL(u32_of(nl_attr(p, VEXIPC_A_SERVICE), VEXIPC_SVC_STATE), VEXIPC_STATE_DRAINING);

	EQUAL(nl_call(service, nl_begin(service, buf, VEXIPC_CMD_UNREGISTER)), 0);
	EQUAL(mnl_attr_get_u32(nl_attr(service, VEXIPC_A_FAILED_OVER)), 0);
	EQUAL(nl_call(service, nl_begin(service, buf, VEXIPC_CMD_UNREGISTER)), -ENOENT);
	EQUAL(nl_call(service, nl_begin(service, buf, VEXIPC_CMD_HEARTBEAT)), -ENOENT);
	peer_close(service);
	peer_close(p);
}

static unsigned int dump(struct peer *p, void (*filter)(struct nlmsghdr *nlh))
{
	struct nlmsghdr *nlh = nl_begin(p, buf, VEXIPC_CMD_SERVICE_GET);

	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (filter) {
		struct nlattr *nest = mnl_attr_nest_start(nlh, VEXIPC_A_SERVICE);

		filter(nlh);
		mnl_attr_nest_end(nlh, nest);
	}
	EQUAL(nl_call(p, nlh), 0);
	return p->replies;
}

static void four(struct nlmsghdr *nlh)
{
	mnl_attr_put_u32(nlh, VEXIPC_SVC_DIMENSIONS, 4);
}

static void int8_too(struct nlmsghdr *nlh)
{
	mnl_attr_put_u32(nlh, VEXIPC_SVC_DATA_TYPES, 1 << VEXIPC_INT8);
}

static void of_model(struct nlmsghdr *nlh)
{
	mnl_attr_put_strz(nlh, VEXIPC_SVC_MODEL, "m2");
}

static void active(struct nlmsghdr *nlh)
{
	mnl_attr_put_u32(nlh, VEXIPC_SVC_STATES, 1 << VEXIPC_STATE_ACTIVE);
}

static void draining(struct nlmsghdr *nlh)
{
	mnl_attr_put_u32(nlh, VEXIPC_SVC_STATES, 1 << VEXIPC_STATE_DRAINING);
}

enum { MANY = 100 };

static void dumps(void)
{
	struct peer *p = peer_open(VEXIPC_TRANSPORT_NETLINK), *services[MANY];
	char id[32];

	EQUAL(dump(p, NULL), 0);
	for (int i = 0; i < MANY; i++) {
		snprintf(id, sizeof(id), "dumped%d", i);
		services[i] = peer_open(both[i % 2]);
		/* The last few are of other makings. */
		if (i >= MANY - 4 && services[i]->transport == VEXIPC_TRANSPORT_NETLINK)
			EQUAL(nl_call(services[i], registration(services[i], id)), 0);
		else
			serve_as(services[i], id);
	}
	/* All of them, though no message holds so many. */
	EQUAL(dump(p, NULL), MANY);
	EQUAL(dump(p, four), MANY);
	EQUAL(dump(p, of_model), 2);
	EQUAL(dump(p, int8_too), MANY);
	EQUAL(dump(p, active), MANY);
	EQUAL(dump(p, draining), 0);
	for (int i = 0; i < MANY; i++)
		peer_close(services[i]);
	peer_close(p);
}

static void figures(void)
{
	struct server *s = server_start(VEXIPC_TRANSPORT_NETLINK, "figures", 4);
	struct peer *p = peer_open(VEXIPC_TRANSPORT_NETLINK);
	const struct nlattr *stats;
	struct vexipc_stats now;
	struct nlmsghdr *nlh;

	msg_embed(&m, 1, "12345", 5, 4);
	EQUAL(peer_send(p, &m), 0);
	peer_expect(p, &m, VEXIPC_MSG_EMBED_RESPONSE);
	msg_embed(&m, 2, "12345", 5, 4);
	((struct vexipc_embed_request_body *)msg_body(&m))->data_type = VEXIPC_INT8;
	((struct vexipc_embed_request_body *)msg_body(&m))->dimensions = 0;
	msg_reseal(&m);
	EQUAL(peer_send(p, &m), 0);
	peer_expect(p, &m, VEXIPC_MSG_EMBED_RESPONSE);
	/* Nobody is called that. */
	msg_begin(&m);
	{
		struct vexipc_embed_request_body body = { .model_len = 2, .content_len = 1 };

		msg_put(&m, &body, sizeof(body));
		msg_text(&m, "noX");
		msg_seal(&m, VEXIPC_MSG_EMBED_REQUEST, 3, 0);
	}
	EQUAL(peer_send(p, &m), 0);
	peer_expect(p, &m, VEXIPC_MSG_ERROR);

	EQUAL(nl_call(p, nl_begin(p, buf, VEXIPC_CMD_STATS_GET)), 0);
	stats = nl_attr(p, VEXIPC_A_STATS);
	stats_of(&now);
	EQUAL(u64_of(stats, VEXIPC_STATS_SUBMITTED), now.submitted);
	EQUAL(u64_of(stats, VEXIPC_STATS_COMPLETED), now.completed);
	EQUAL(u64_of(stats, VEXIPC_STATS_REFUSED), now.refused);
	EQUAL(u64_of(stats, VEXIPC_STATS_BYTES_IN), now.bytes_in);
	EQUAL(u64_of(stats, VEXIPC_STATS_BYTES_OUT), now.bytes_out);
	EQUAL(u64_of(stats, VEXIPC_STATS_SERVICES), 1);
	EQUAL(u64_of(stats, VEXIPC_STATS_MAX_QUEUE_SIZE), 1000);
	EQUAL(u64_of(nl_nested(stats, VEXIPC_STATS_REFUSED_BY), VEXIPC_ERR_NO_CAPABLE_SERVICE),
	      now.refused_by[VEXIPC_ERR_NO_CAPABLE_SERVICE]);
	CHECK(!nl_nested(nl_nested(stats, VEXIPC_STATS_REFUSED_BY), VEXIPC_ERR_QUEUE_FULL));

	nlh = nl_begin(p, buf, VEXIPC_CMD_STATS_GET);
	put_id(nlh, "figures");
	EQUAL(nl_call(p, nlh), 0);
	stats = nl_attr(p, VEXIPC_A_STATS);
	EQUAL(u64_of(stats, VEXIPC_STATS_SUBMITTED), 2);
	EQUAL(u64_of(stats, VEXIPC_STATS_COMPLETED), 2);
	EQUAL(u64_of(stats, VEXIPC_STATS_BYTES_OUT), 20);
	peer_close(p);
	server_stop(s);
}

/* Every refusal says why, and of which attribute. */
static void texts(void)
{
	struct peer *p = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct peer *other = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct nlmsghdr *nlh;
	struct nlattr *nest;

	serve_as(other, "other");
#define SAYS(cmd, errno_, text, ...) do {					\
		nlh = nl_begin(p, buf, VEXIPC_CMD_##cmd);			\
		__VA_ARGS__;							\
		AT("%s %s", #cmd, #__VA_ARGS__);				\
		EQUAL(nl_call(p, nlh), -(errno_));				\
		if (!strstr(p->extack, text))					\
			fprintf(stderr, "it says '%s'\n", p->extack);		\
		CHECK(strstr(p->extack, text));					\
	} while (0)
#define NEST(attr, ...) do {							\
		nest = mnl_attr_nest_start(nlh, VEXIPC_A_##attr);		\
		__VA_ARGS__;							\
		mnl_attr_nest_end(nlh, nest);					\
	} while (0)
#define STR(type, s) mnl_attr_put_strz(nlh, VEXIPC_SVC_##type, s)
#define U32(type, n) mnl_attr_put_u32(nlh, VEXIPC_SVC_##type, n)
	SAYS(REGISTER, EINVAL, "", (void)0);
	SAYS(REGISTER, EINVAL, "no id", NEST(SERVICE, (void)0));
	SAYS(REGISTER, EEXIST, "the id is taken", NEST(SERVICE, STR(ID, "other")));
	SAYS(REGISTER, EPROTONOSUPPORT, "no common version",
	     NEST(SERVICE, STR(ID, "x"); U32(VERSION_MIN, 2); U32(VERSION_MAX, 3)));
	SAYS(REGISTER, EOPNOTSUPP, "transport",
	     NEST(SERVICE, STR(ID, "x"); U32(TRANSPORT, VEXIPC_TRANSPORT_CHARDEV)));
	SAYS(REGISTER, EOPNOTSUPP, "unknown flag", NEST(SERVICE, STR(ID, "x"); U32(FLAGS, 1)));
	SAYS(REGISTER, EACCES, "token",
	     NEST(SERVICE, STR(ID, "x"); mnl_attr_put(nlh, VEXIPC_SVC_TOKEN, 3, "abc")));
	SAYS(REGISTER, ERANGE, "out of its range", NEST(SERVICE, STR(ID, "x"); U32(PRIORITY, 256)));
	SAYS(REGISTER, ERANGE, "out of its range",
	     NEST(SERVICE, STR(ID, "x"); U32(DIMENSIONS, 9000)));
	SAYS(REGISTER, EILSEQ, "UTF-8", NEST(SERVICE, STR(ID, "\xff")));
	SAYS(REGISTER, EINVAL, "too many dimensions", NEST(SERVICE, STR(ID, "x");
	     for (uint32_t i = 0; i < 33; i++) U32(DIMENSIONS, i + 1)));
	/* The kernel's own checks: sizes, and what is not known. */
	SAYS(REGISTER, ERANGE, "", NEST(SERVICE,
	     STR(ID, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
	SAYS(REGISTER, EINVAL, "Unknown attribute", NEST(SERVICE, STR(ID, "x"); U32(STATE, 1)));
	SAYS(REGISTER, EINVAL, "", NEST(SERVICE, STR(ID, "x"); mnl_attr_put_u32(nlh, 99, 1)));
	SAYS(REGISTER, EINVAL, "", NEST(SERVICE, STR(ID, "x"));
	     mnl_attr_put_u32(nlh, VEXIPC_A_CONTROL, 1));
	SAYS(UNREGISTER, ENOENT, "this socket has no service", (void)0);
	SAYS(UNREGISTER, ENOENT, "no such service", put_id(nlh, "nobody"));
	SAYS(UNREGISTER, EINVAL, "by its id or its handle", NEST(SERVICE, (void)0));
	SAYS(HEARTBEAT, ENOENT, "this socket has no service", (void)0);
	SAYS(SERVICE_GET, ENOENT, "no such service", put_id(nlh, "nobody"));
	SAYS(SERVICE_GET, EINVAL, "", (void)0);
	SAYS(SERVICE_GET, EINVAL, "by its id or its handle",
	     NEST(SERVICE, STR(ID, "other"); mnl_attr_put_u64(nlh, VEXIPC_SVC_HANDLE, 1)));
	SAYS(SERVICE_SET, EINVAL, "", put_id(nlh, "other"));
	SAYS(SERVICE_SET, ERANGE, "", put_id(nlh, "other");
	     mnl_attr_put_u32(nlh, VEXIPC_A_CONTROL, VEXIPC_CONTROL_OPS));
	SAYS(SERVICE_SET, EINVAL, "", put_id(nlh, "other");
	     mnl_attr_put_u32(nlh, VEXIPC_A_CONTROL, VEXIPC_CONTROL_BREAKER_LIMITS));
	SAYS(SERVICE_SET, ENOENT, "no limit of a breaker",
	     put_limit(nlh, VEXIPC_CONFIG_ALGORITHM, 1));
	SAYS(SERVICE_SET, ERANGE, "out of its range",
	     put_limit(nlh, VEXIPC_CONFIG_BREAKER_MIN_VOLUME, 0));
	SAYS(SERVICE_SET, ENOENT, "no such service", put_id(nlh, "nobody");
	     mnl_attr_put_u32(nlh, VEXIPC_A_CONTROL, 1));
	SAYS(STATS_GET, ENOENT, "no such service", put_id(nlh, "nobody"));
	SAYS(CONFIG_SET, EINVAL, "", (void)0);
	SAYS(CONFIG_SET, ERANGE, "must be between 1 and",
	     NEST(CONFIG, mnl_attr_put_u64(nlh, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 0)));
	SAYS(CONFIG_SET, EOPNOTSUPP, "this version can not do that",
	     NEST(CONFIG, mnl_attr_put_u64(nlh, VEXIPC_CONFIG_ENABLE_ENCRYPTION, 1)));
	SAYS(CONFIG_SET, EINVAL, "", NEST(CONFIG, mnl_attr_put_u64(nlh, VEXIPC_CONFIG_MAX + 1, 1)));
	SAYS(CONFIG_SET, EINVAL, "",
	     NEST(CONFIG, mnl_attr_put_u32(nlh, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 5)));
	SAYS(CANCEL, EINVAL, "", (void)0);
	SAYS(CANCEL, ESRCH, "no such request", mnl_attr_put_u64(nlh, VEXIPC_A_REQUEST_ID, 1));
	SAYS(REQUEST, EINVAL, "", (void)0);
	SAYS(RESPONSE, EINVAL, "", (void)0);
	SAYS(FETCH, EINVAL, "", mnl_attr_put_u64(nlh, VEXIPC_A_CORRELATION, 1));
	SAYS(FETCH, ESRCH, "no such message here", mnl_attr_put_u64(nlh, VEXIPC_A_CORRELATION, 1);
	     mnl_attr_put_u32(nlh, VEXIPC_A_OFFSET, 0));
	/* A command that is not there. */
	AT("commands");
	EQUAL(nl_call(p, nl_begin(p, buf, VEXIPC_CMD_EVENT)), -EOPNOTSUPP);
	EQUAL(nl_call(p, nl_begin(p, buf, 0)), -EOPNOTSUPP);
	EQUAL(nl_call(p, nl_begin(p, buf, 200)), -EOPNOTSUPP);
	peer_close(p);
	peer_close(other);
}

/* A malformed message has its errno, whichever command carries it. */
static void commands(void)
{
	struct peer *p = peer_open(VEXIPC_TRANSPORT_NETLINK);

	msg_answer(&m, 1, 4, 0);
	EQUAL(peer_send_as(p, VEXIPC_CMD_RESPONSE, m.data, m.len), -EBADRQC);
	CHECK(strstr(p->extack, "only services answer"));
	m.data[0] ^= 1;
	EQUAL(peer_send_as(p, VEXIPC_CMD_RESPONSE, m.data, m.len), -ENOMSG);
	EQUAL(peer_send_as(p, VEXIPC_CMD_REQUEST, m.data, m.len), -ENOMSG);
	EQUAL(peer_send_as(p, VEXIPC_CMD_REQUEST, "", 0), -EINVAL);
	EQUAL(peer_send_as(p, VEXIPC_CMD_REQUEST, m.data, 39), -EINVAL);
	peer_close(p);
}

static void cancelling(void)
{
	struct peer *client = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct peer *other = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct peer *service = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct nlmsghdr *nlh;

	serve_as(service, "slow");
	msg_embed(&m, 5, "x", 1, 4);
	((struct vexipc_embed_request_body *)msg_body(&m))->request_id = 1234;
	msg_reseal(&m);
	EQUAL(peer_send(client, &m), 0);
	/* The same id again is an answer, not a fault of the message. */
	EQUAL(peer_send(client, &m), 0);
	peer_expect(client, &m, VEXIPC_MSG_ERROR);
	EQUAL(((struct vexipc_error_body *)msg_body(&m))->error, VEXIPC_ERR_EXISTS);
	msg_health_check(&m, 1, "");
	EQUAL(peer_send(other, &m), 0);
	nlh = nl_begin(other, buf, VEXIPC_CMD_CANCEL);
	mnl_attr_put_u64(nlh, VEXIPC_A_REQUEST_ID, 1234);
	EQUAL(nl_call(other, nlh), -ESRCH);
	nlh = nl_begin(client, buf, VEXIPC_CMD_CANCEL);
	mnl_attr_put_u64(nlh, VEXIPC_A_REQUEST_ID, 1234);
	EQUAL(nl_call(client, nlh), 0);
	peer_expect(client, &m, VEXIPC_MSG_ERROR);
	EQUAL(((struct vexipc_error_body *)msg_body(&m))->error, VEXIPC_ERR_CANCELLED);
	EQUAL(((struct vexipc_error_body *)msg_body(&m))->request_id, 1234);
	peer_close(client);
	peer_close(other);
	peer_close(service);
	wait_idle();
}

/* ----------------------------------------------------------------- events -- */

static struct peer *listener(bool discovery, bool alerts)
{
	struct peer *p = peer_open(VEXIPC_TRANSPORT_NETLINK);

	if (discovery)
		EQUAL(setsockopt(p->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &p->discovery,
				 sizeof(p->discovery)), 0);
	if (alerts)
		EQUAL(setsockopt(p->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &p->alerts,
				 sizeof(p->alerts)), 0);
	return p;
}

/* The next event with this attribute. */
static const struct nlattr *next_event(struct peer *p, uint16_t type, int seconds)
{
	for (;;) {
		struct event *event = nl_event(p, patience(seconds * 1000));
		const struct nlattr *attr;

		CHECK(event);
		mnl_attr_for_each(attr, (struct nlmsghdr *)(void *)event->data,
				  sizeof(struct genlmsghdr))
			if (mnl_attr_get_type(attr) == type)
				return attr;
		free(event);
	}
}

static void expect_state(struct peer *p, const char *id, uint32_t state)
{
	const struct nlattr *svc = next_event(p, VEXIPC_A_SERVICE, 10);

	EQUAL(strcmp(str_of(svc, VEXIPC_SVC_ID), id), 0);
	EQUAL(u32_of(svc, VEXIPC_SVC_STATE), state);
}

static void service_events(void)
{
	struct peer *p = listener(true, false), *service = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_control control = {
		.service_id_ptr = (uintptr_t)"seen", .service_id_len = 4,
		.op = VEXIPC_CONTROL_DRAIN,
	};
	struct vexipc_unregister_body leave = { 0 };

	serve_as(service, "seen");
	expect_state(p, "seen", VEXIPC_STATE_ACTIVE);
	EQUAL(call(client->fd, VEXIPC_IOC_CONTROL, &control), 0);
	expect_state(p, "seen", VEXIPC_STATE_DRAINING);
	control.op = VEXIPC_CONTROL_RESUME;
	EQUAL(call(client->fd, VEXIPC_IOC_CONTROL, &control), 0);
	expect_state(p, "seen", VEXIPC_STATE_ACTIVE);
	msg_simple(&m, VEXIPC_MSG_UNREGISTER, 1, &leave, sizeof(leave));
	EQUAL(peer_send(service, &m), 0);
	peer_expect(service, &m, VEXIPC_MSG_ACK);
	expect_state(p, "seen", VEXIPC_STATE_GONE);
	serve_as(service, "seen2");
	expect_state(p, "seen2", VEXIPC_STATE_ACTIVE);
	peer_close(service);
	expect_state(p, "seen2", VEXIPC_STATE_GONE);
	/* And nothing else. */
	CHECK(!nl_event(p, 0));
	peer_close(client);
	peer_close(p);
}

static const struct nlattr *expect_alert(struct peer *p, uint32_t kind)
{
	const struct nlattr *alert = next_event(p, VEXIPC_A_ALERT, 20);

	EQUAL(u32_of(alert, VEXIPC_ALERT_A_KIND), kind);
	CHECK(u64_of(alert, VEXIPC_ALERT_A_TIME_NS) / 1000000 <= now_ms());
	CHECK(*str_of(alert, VEXIPC_ALERT_A_TEXT));
	return alert;
}

static void alerts(void)
{
	struct peer *p = listener(false, true);
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_embed e = embed_of("x", 1, NULL, 0);
	struct vexipc_health_response_body health = { .health = 100 };
	struct vexipc_stats before, after;
	const struct nlattr *alert;
	uint64_t start;

	stats_of(&before);
	start = now_ms();
	e.dimensions = 77;
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), -ENODEV);
	alert = expect_alert(p, VEXIPC_ALERT_NO_CAPABLE_SERVICE);
	EQUAL(u64_of(alert, VEXIPC_ALERT_A_VALUE), 77);
	/* A flood of them is told once a second. */
	for (int i = 0; i < 20; i++) {
		e.request_id = 0;
		EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), -ENODEV);
	}
	stats_of(&after);
	CHECK(after.alerts - before.alerts <= 2 + (now_ms() - start) / 1000);

	serve_as(service, "alarming");
	EQUAL(config_set(VEXIPC_CONFIG_MAX_QUEUE_SIZE, 1), 0);
	e = embed_of("x", 1, NULL, 0);
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
	e.request_id = 0;
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), -ENOBUFS);
	do {
		alert = next_event(p, VEXIPC_A_ALERT, 20);
	} while (u32_of(alert, VEXIPC_ALERT_A_KIND) == VEXIPC_ALERT_NO_CAPABLE_SERVICE ||
		 u32_of(alert, VEXIPC_ALERT_A_KIND) == VEXIPC_ALERT_BACKPRESSURE);
	EQUAL(u32_of(alert, VEXIPC_ALERT_A_KIND), VEXIPC_ALERT_QUEUE_FULL);
	EQUAL(u64_of(alert, VEXIPC_ALERT_A_VALUE), 1);

	/* Unhealthy, and back. */
	EQUAL(config_set(VEXIPC_CONFIG_UNHEALTHY_AFTER, 1), 0);
	EQUAL(config_set(VEXIPC_CONFIG_HEALTHY_AFTER, 1), 0);
	EQUAL(config_set(VEXIPC_CONFIG_PROBE_TIMEOUT_MS, 500), 0);
	EQUAL(config_set(VEXIPC_CONFIG_HEALTH_CHECK_INTERVAL_SEC, 1), 0);
	alert = expect_alert(p, VEXIPC_ALERT_SERVICE_UNAVAILABLE);
	EQUAL(strcmp(str_of(alert, VEXIPC_ALERT_A_SERVICE), "alarming"), 0);
	while (!peer_recv(service, &m, 0))
		;
	/* The first may be late, the next will not. */
	EQUAL(config_set(VEXIPC_CONFIG_PROBE_TIMEOUT_MS, 60000), 0);
	for (int i = 0; i < 2; i++) {
		peer_expect(service, &m, VEXIPC_MSG_HEALTH_CHECK);
		msg_simple(&a, VEXIPC_MSG_HEALTH_RESPONSE, msg_header(&m)->correlation_id,
			   &health, sizeof(health));
		peer_send(service, &a);
	}
	alert = expect_alert(p, VEXIPC_ALERT_SERVICE_BACK);
	EQUAL(strcmp(str_of(alert, VEXIPC_ALERT_A_SERVICE), "alarming"), 0);
	/* Dead. */
	peer_close(service);
	alert = expect_alert(p, VEXIPC_ALERT_SERVICE_UNAVAILABLE);
	EQUAL(strcmp(str_of(alert, VEXIPC_ALERT_A_SERVICE), "alarming"), 0);
	peer_close(client);
	peer_close(p);
	wait_idle();
}

/* Sockets come and go; the port id of a closed one is no way in. */
static void sockets(void)
{
	struct vexipc_stats before, after;

	stats_of(&before);
	for (int i = 0; i < 50; i++) {
		struct peer *p = peer_open(VEXIPC_TRANSPORT_NETLINK);

		serve_as(p, "again");
		msg_health_check(&m, 1, "");
		EQUAL(peer_send(p, &m), 0);
		peer_close(p);
	}
	stats_of(&after);
	EQUAL(after.clients, before.clients);
	EQUAL(after.services, before.services);
	EQUAL(after.registered, before.registered + 50);
	EQUAL(after.services_died, before.services_died + 50);
}

int main(int argc, char **argv)
{
#define CASE(name) { #name, name }
	static const struct test_case cases[] = {
		CASE(attributes), CASE(dumps), CASE(figures), CASE(texts), CASE(commands),
		CASE(cancelling), CASE(service_events), CASE(alerts), CASE(sockets), { 0 }
	};

	return run_case(cases, argc, argv);
}
