// SPDX-License-Identifier: GPL-2.0-only
/* Configuration: each field acts, and what is out of range is refused whole. */
#include <poll.h>
#include <sys/socket.h>

#include "abi.h"

static struct msg m, a;

static void set(uint32_t field, uint64_t value)
{
	AT("field %u = %llu", field, (unsigned long long)value);
	EQUAL(config_set(field, value), 0);
	*current = '\0';
}

static int submit(struct peer *client, size_t len, uint64_t *id)
{
	static char content[1 << 20];
	struct vexipc_embed e = embed_of(content, len, NULL, 0);
	int err = call(client->fd, VEXIPC_IOC_EMBED, &e);

	if (id)
		*id = e.request_id;
	return err;
}

static uint64_t take(struct peer *service)
{
	peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	return msg_header(&m)->correlation_id;
}

static void answer(struct peer *service, uint64_t correlation)
{
	msg_answer(&a, correlation, 4, 0);
	EQUAL(peer_send(service, &a), 0);
}

static const struct vexipc_error_body *failure(struct peer *client)
{
	peer_expect(client, &m, VEXIPC_MSG_ERROR);
	return msg_body(&m);
}

struct two {
	struct peer *client, *service;
};

static struct two open_two(uint32_t transport)
{
	struct two two = { peer_open(VEXIPC_TRANSPORT_CHARDEV), peer_open(transport) };

	serve_as(two.service, "set");
	return two;
}

static void close_two(struct two *two)
{
	peer_close(two->client);
	peer_close(two->service);
	wait_idle();
}

static uint32_t state_of(struct peer *p, const char *id)
{
	struct vexipc_status status = {
		.service_id_ptr = (uintptr_t)id, .service_id_len = (uint32_t)strlen(id),
	};
	int err = call(p->fd, VEXIPC_IOC_STATUS, &status);

	if (err == -ENOENT)
		return VEXIPC_STATE_GONE;
	EQUAL(err, 0);
	return status.entry.state;
}

static void wait_state(struct peer *p, const char *id, uint32_t state, int ms)
{
	uint64_t end = now_ms() + (uint64_t)patience(ms);

	while (state_of(p, id) != state) {
		CHECK(now_ms() < end);
		poll(NULL, 0, 20);
	}
}

/* ------------------------------------------------------------- each field -- */

static void max_concurrent_requests(void)
{
	struct two two = open_two(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_stats s;

	set(VEXIPC_CONFIG_MAX_CONCURRENT_REQUESTS, 2);
	EQUAL(submit(two.client, 1, NULL), 0);
	EQUAL(submit(two.client, 1, NULL), 0);
	EQUAL(submit(two.client, 1, NULL), -EUSERS);
	stats_of(&s);
	EQUAL(s.refused_by[VEXIPC_ERR_TOO_MANY_REQUESTS], 1);
	EQUAL(s.max_concurrent_requests, 2);
	set(VEXIPC_CONFIG_MAX_CONCURRENT_REQUESTS, 3);
	EQUAL(submit(two.client, 1, NULL), 0);
	EQUAL(submit(two.client, 1, NULL), -EUSERS);
	close_two(&two);
}

static void max_concurrent_per_service(void)
{
	for (int t = 0; t < 2; t++) {
		struct two two = open_two(both[t]);
		uint64_t first;

		set(VEXIPC_CONFIG_MAX_CONCURRENT_PER_SERVICE, 1);
		EQUAL(submit(two.client, 1, NULL), 0);
		EQUAL(submit(two.client, 1, NULL), 0);
		EQUAL(submit(two.client, 1, NULL), 0);
		first = take(two.service);
		peer_silent(two.service);
		EQUAL(state_of(two.client, "set"), VEXIPC_STATE_BUSY);
		answer(two.service, first);
		take(two.service);
		peer_silent(two.service);
		set(VEXIPC_CONFIG_MAX_CONCURRENT_PER_SERVICE, 100);
		close_two(&two);
	}
}

static void request_timeout_ms(void)
{
	struct two two = open_two(VEXIPC_TRANSPORT_CHARDEV);
	uint64_t start = now_ms();

	set(VEXIPC_CONFIG_REQUEST_TIMEOUT_MS, 200);
	EQUAL(submit(two.client, 1, NULL), 0);
	EQUAL(failure(two.client)->error, VEXIPC_ERR_TIMED_OUT);
	CHECK(now_ms() - start >= 199);
	CHECK(now_ms() - start < (uint64_t)patience(5000));
	close_two(&two);
}

static void max_queue_size(void)
{
	struct two two = open_two(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_stats s;

	set(VEXIPC_CONFIG_MAX_QUEUE_SIZE, 2);
	EQUAL(submit(two.client, 1, NULL), 0);
	EQUAL(submit(two.client, 1, NULL), 0);
	EQUAL(submit(two.client, 1, NULL), -ENOBUFS);
	take(two.service);
	EQUAL(submit(two.client, 1, NULL), 0);
	EQUAL(submit(two.client, 1, NULL), -ENOBUFS);
	set(VEXIPC_CONFIG_MAX_QUEUE_SIZE, 3);
	EQUAL(submit(two.client, 1, NULL), 0);
	stats_of(&s);
	EQUAL(s.max_queue_size, 3);
	EQUAL(s.queued_max, 3);
	close_two(&two);
}

/* A second without a sign of life is long: 10 of them and it is forgotten. */
static void discovery_interval_sec(void)
{
	struct two two = open_two(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *listener = peer_open(VEXIPC_TRANSPORT_NETLINK);
	uint64_t start = now_ms();
	struct vexipc_stats s;
	int asked = 0;

	EQUAL(setsockopt(listener->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
			 &listener->discovery, sizeof(listener->discovery)), 0);
	set(VEXIPC_CONFIG_DISCOVERY_INTERVAL_SEC, 1);
	while (asked < 2) {
		struct event *event = nl_event(listener, patience(5000));
		const struct nlattr *attr;

		CHECK(event);
		mnl_attr_for_each(attr, (struct nlmsghdr *)(void *)event->data,
				  sizeof(struct genlmsghdr)) {
			if (mnl_attr_get_type(attr) != VEXIPC_A_MESSAGE)
				continue;
			m.len = 0;
			msg_put(&m, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
			msg_check(&m, VEXIPC_MSG_DISCOVERY);
			EQUAL(msg_header(&m)->flags, 0);
			asked++;
		}
		free(event);
	}
	/* A sign of life puts it off. */
	CHECK(now_ms() - start < (uint64_t)patience(8000));
	{
		struct vexipc_heartbeat_body beat = { 0 };

		msg_simple(&m, VEXIPC_MSG_HEARTBEAT, 1, &beat, sizeof(beat));
		start = now_ms();
		EQUAL(peer_send(two.service, &m), 0);
	}
	wait_state(two.client, "set", VEXIPC_STATE_GONE, 20000);
	CHECK(now_ms() - start >= 9990);
	stats_of(&s);
	EQUAL(s.services_died, 1);
	peer_close(listener);
	close_two(&two);
}

static void health_check_interval_sec(void)
{
	struct peer *p;
	struct two two;

	set(VEXIPC_CONFIG_HEALTH_CHECK_INTERVAL_SEC, 3);
	two = open_two(VEXIPC_TRANSPORT_CHARDEV);
	p = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	msg_register(&m, "told", VEXIPC_FEATURE_HEALTH, 0);
	EQUAL(peer_send(p, &m), 0);
	peer_expect(p, &m, VEXIPC_MSG_ACK);
	EQUAL(((struct vexipc_ack_body *)msg_body(&m))->heartbeat_ms, 1000);
	peer_close(p);
	set(VEXIPC_CONFIG_HEALTH_CHECK_INTERVAL_SEC, 1);
	peer_expect(two.service, &m, VEXIPC_MSG_HEALTH_CHECK);
	close_two(&two);
}

static void max_retry_attempts(void)
{
	struct two two = open_two(VEXIPC_TRANSPORT_CHARDEV);

	set(VEXIPC_CONFIG_RETRY_BACKOFF_BASE_MS, 1);
	for (uint32_t retries = 0; retries < 3; retries++) {
		set(VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, retries);
		EQUAL(submit(two.client, 1, NULL), 0);
		for (uint32_t attempt = 0; attempt <= retries; attempt++) {
			msg_error(&a, take(two.service), VEXIPC_ERR_OVERLOADED,
				  VEXIPC_ERROR_RETRY, "again");
			EQUAL(peer_send(two.service, &a), 0);
		}
		{
			const struct vexipc_error_body *body = failure(two.client);

			EQUAL(body->error, VEXIPC_ERR_OVERLOADED);
			EQUAL(body->attempts, retries + 1);
		}
	}
	close_two(&two);
}

static uint64_t backoff(struct two *two, uint32_t base)
{
	uint64_t start, took;

	set(VEXIPC_CONFIG_RETRY_BACKOFF_BASE_MS, base);
	EQUAL(submit(two->client, 1, NULL), 0);
	msg_error(&a, take(two->service), VEXIPC_ERR_OVERLOADED, VEXIPC_ERROR_RETRY, "");
	start = now_ms();
	EQUAL(peer_send(two->service, &a), 0);
	answer(two->service, take(two->service));
	took = now_ms() - start;
	peer_expect(two->client, &m, VEXIPC_MSG_EMBED_RESPONSE);
	EQUAL(((struct vexipc_embed_response_body *)msg_body(&m))->attempts, 2);
	return took;
}

static void retry_backoff_base_ms(void)
{
	struct two two = open_two(VEXIPC_TRANSPORT_CHARDEV);

	CHECK(backoff(&two, 1000) >= 495);
	CHECK(backoff(&two, 1) < (uint64_t)patience(400));
	close_two(&two);
}

/* How many bytes of content a service holds at once. */
static void buffer_size(void)
{
	for (int t = 0; t < 2; t++) {
		struct two two = open_two(both[t]);
		uint64_t first;

		set(VEXIPC_CONFIG_BUFFER_SIZE, 64 << 10);
		EQUAL(submit(two.client, 30000, NULL), 0);
		EQUAL(submit(two.client, 30000, NULL), 0);
		EQUAL(submit(two.client, 30000, NULL), 0);
		first = take(two.service);
		take(two.service);
		peer_silent(two.service);
		answer(two.service, first);
		take(two.service);
		set(VEXIPC_CONFIG_BUFFER_SIZE, 256 << 10);
		close_two(&two);
	}
}

/* A service that does not read, with room for one request only. */
static struct two open_stuffed(void)
{
	struct two two = open_two(VEXIPC_TRANSPORT_NETLINK);
	int size = 1;

	EQUAL(setsockopt(two.service->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	set(VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 0);
	EQUAL(submit(two.client, 20000, NULL), 0);
	return two;
}

static uint64_t stuffed(struct two *two, uint64_t retries)
{
	struct vexipc_stats before, after;
	uint64_t start = now_ms();

	stats_of(&before);
	EQUAL(submit(two->client, 20000, NULL), 0);
	EQUAL(failure(two->client)->error, VEXIPC_ERR_TRANSPORT);
	stats_of(&after);
	EQUAL(after.send_retries, before.send_retries + retries);
	return now_ms() - start;
}

static void connection_timeout_ms(void)
{
	struct two two;
	uint64_t took;

	set(VEXIPC_CONFIG_CONNECTION_TIMEOUT_MS, 900);
	two = open_stuffed();
	took = stuffed(&two, 3);
	AT("took %llu ms", (unsigned long long)took);
	CHECK(took >= 890 && took < (uint64_t)patience(4000));
	close_two(&two);

	set(VEXIPC_CONFIG_CONNECTION_TIMEOUT_MS, 30);
	two = open_stuffed();
	took = stuffed(&two, 3);
	AT("took %llu ms", (unsigned long long)took);
	CHECK(took < (uint64_t)patience(800));
	close_two(&two);
}

static void max_retries(void)
{
	static const uint32_t retries[] = { 1, 5 };

	set(VEXIPC_CONFIG_CONNECTION_TIMEOUT_MS, 100);
	for (size_t i = 0; i < ARRAY_SIZE(retries); i++) {
		struct two two;

		set(VEXIPC_CONFIG_MAX_RETRIES, retries[i]);
		two = open_stuffed();
		stuffed(&two, retries[i]);
		close_two(&two);
	}
}

static void algorithm(void)
{
	struct vexipc_config_entry entry = { .field = VEXIPC_CONFIG_ALGORITHM };
	struct vexipc_config arg = { .entries_ptr = (uintptr_t)&entry, .count = 1 };
	struct server *one = server_start(VEXIPC_TRANSPORT_CHARDEV, "one", 4);
	struct server *two = server_start(VEXIPC_TRANSPORT_CHARDEV, "two", 4);
	uint64_t handles[4];
	int fd = device_open(0);

	EQUAL(call(fd, VEXIPC_IOC_CONFIG, &arg), 0);
	EQUAL(entry.value, VEXIPC_ALGORITHM_ROUND_ROBIN);
	EQUAL(entry.max, VEXIPC_ALGORITHMS - 1);
	EQUAL(config_set(VEXIPC_CONFIG_ALGORITHM, VEXIPC_ALGORITHM_DEFAULT), -ERANGE);
	EQUAL(config_set(VEXIPC_CONFIG_ALGORITHM, VEXIPC_ALGORITHMS), -ERANGE);
	/* Round robin takes turns. */
	set(VEXIPC_CONFIG_ALGORITHM, VEXIPC_ALGORITHM_ROUND_ROBIN);
	for (int i = 0; i < 4; i++) {
		char vector[16];
		struct vexipc_embed e = embed_of("x", 1, vector, sizeof(vector));

		EQUAL(call(fd, VEXIPC_IOC_EMBED, &e), 0);
		handles[i] = e.service_handle;
	}
	CHECK(handles[0] != handles[1]);
	EQUAL(handles[0], handles[2]);
	EQUAL(handles[1], handles[3]);
	close(fd);
	server_stop(one);
	server_stop(two);
}

static void wait_failures(uint64_t failures, int ms)
{
	uint64_t end = now_ms() + (uint64_t)patience(ms);
	struct vexipc_stats s;

	for (stats_of(&s); s.probe_failures < failures; stats_of(&s)) {
		CHECK(now_ms() < end);
		poll(NULL, 0, 10);
	}
}

static void probe_timeout_ms(void)
{
	struct two two = open_two(VEXIPC_TRANSPORT_CHARDEV);
	uint64_t deadline_ns;

	set(VEXIPC_CONFIG_HEALTH_CHECK_INTERVAL_SEC, 1);
	set(VEXIPC_CONFIG_PROBE_TIMEOUT_MS, 1500);
	peer_expect(two.service, &m, VEXIPC_MSG_HEALTH_CHECK);
	deadline_ns = ((struct vexipc_health_check_body *)msg_body(&m))->deadline_ns;
	CHECK(deadline_ns / 1000000 <= now_ms() + 1500);
	/* The next one is given less. */
	set(VEXIPC_CONFIG_HEALTH_CHECK_INTERVAL_SEC, 3600);
	wait_failures(1, 6000);
	CHECK(now_ms() >= deadline_ns / 1000000);
	EQUAL(state_of(two.client, "set"), VEXIPC_STATE_DEGRADED);
	set(VEXIPC_CONFIG_PROBE_TIMEOUT_MS, 500);
	set(VEXIPC_CONFIG_HEALTH_CHECK_INTERVAL_SEC, 1);
	peer_expect(two.service, &m, VEXIPC_MSG_HEALTH_CHECK);
	deadline_ns = ((struct vexipc_health_check_body *)msg_body(&m))->deadline_ns;
	CHECK(deadline_ns / 1000000 <= now_ms() + 500);
	wait_failures(2, 10000);
	close_two(&two);
}

static void unhealthy_after(void)
{
	struct two two = open_two(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_stats s;

	set(VEXIPC_CONFIG_HEALTH_CHECK_INTERVAL_SEC, 1);
	set(VEXIPC_CONFIG_PROBE_TIMEOUT_MS, 20);
	set(VEXIPC_CONFIG_UNHEALTHY_AFTER, 2);
	wait_failures(1, 10000);
	EQUAL(state_of(two.client, "set"), VEXIPC_STATE_DEGRADED);
	wait_state(two.client, "set", VEXIPC_STATE_FAILED, 10000);
	stats_of(&s);
	EQUAL(s.probe_failures, 2);
	/* A failed one is sent nothing. */
	EQUAL(submit(two.client, 1, NULL), -ENODEV);
	close_two(&two);
}

static void healthy_after(void)
{
	struct vexipc_health_response_body body = { .health = 100 };
	struct two two = open_two(VEXIPC_TRANSPORT_CHARDEV);
	int answered = 0;

	set(VEXIPC_CONFIG_HEALTH_CHECK_INTERVAL_SEC, 1);
	set(VEXIPC_CONFIG_PROBE_TIMEOUT_MS, 500);
	set(VEXIPC_CONFIG_UNHEALTHY_AFTER, 1);
	set(VEXIPC_CONFIG_HEALTHY_AFTER, 3);
	wait_state(two.client, "set", VEXIPC_STATE_FAILED, 10000);
	/* The first may be late, and not count; those after it have time. */
	set(VEXIPC_CONFIG_PROBE_TIMEOUT_MS, 60000);
	for (; state_of(two.client, "set") == VEXIPC_STATE_FAILED; answered++) {
		peer_expect(two.service, &m, VEXIPC_MSG_HEALTH_CHECK);
		msg_simple(&a, VEXIPC_MSG_HEALTH_RESPONSE, msg_header(&m)->correlation_id, &body,
			   sizeof(body));
		peer_send(two.service, &a);
	}
	CHECK(answered >= 3);
	wait_state(two.client, "set", VEXIPC_STATE_ACTIVE, 5000);
	close_two(&two);
}

/* Run without privilege: may one register? */
static void may_register(void)
{
	static const uint32_t error[] = { VEXIPC_OK, VEXIPC_ERR_NOT_PERMITTED };
	uint64_t on;

	CHECK(geteuid());
	EQUAL(config_get(VEXIPC_CONFIG_ENABLE_AUTHENTICATION, &on), 0);
	for (int t = 0; t < 2; t++) {
		struct peer *p = peer_open(both[t]);

		AT("%s, authentication %llu", transport_name(both[t]), (unsigned long long)on);
		msg_register(&m, "anyone", 0, 0);
		EQUAL(peer_send(p, &m), 0);
		peer_expect(p, &m, on ? VEXIPC_MSG_NACK : VEXIPC_MSG_ACK);
		EQUAL(((struct vexipc_ack_body *)msg_body(&m))->error, error[on]);
		if (both[t] == VEXIPC_TRANSPORT_NETLINK) {
			msg_health_check(&m, 1, "anyone");
			EQUAL(peer_send(p, &m), on ? -EPERM : 0);
		}
		peer_close(p);
	}
}

/* --------------------------------------------------------------- refusing -- */

static int write_entries(struct vexipc_config_entry *entries, uint32_t count,
			 uint32_t *refused)
{
	struct vexipc_config arg = {
		.entries_ptr = (uintptr_t)entries, .count = count,
		.flags = VEXIPC_CONFIG_WRITE,
	};
	int fd = device_open(0), err = call(fd, VEXIPC_IOC_CONFIG, &arg);

	*refused = arg.count;
	close(fd);
	return err;
}

static int write_netlink(struct peer *p, const struct vexipc_config_entry *entries,
			 uint32_t count)
{
	unsigned char buf[2048];
	struct nlmsghdr *nlh = nl_begin(p, buf, VEXIPC_CMD_CONFIG_SET);
	struct nlattr *nest = mnl_attr_nest_start(nlh, VEXIPC_A_CONFIG);

	for (uint32_t i = 0; i < count; i++)
		mnl_attr_put_u64(nlh, (uint16_t)entries[i].field, entries[i].value);
	mnl_attr_nest_end(nlh, nest);
	return nl_call(p, nlh);
}

static void read_all(struct vexipc_config_entry *all)
{
	struct vexipc_config arg = {
		.entries_ptr = (uintptr_t)all, .count = VEXIPC_CONFIG_MAX,
	};
	int fd = device_open(0);

	memset(all, 0, sizeof(*all) * VEXIPC_CONFIG_MAX);
	for (uint32_t i = 0; i < VEXIPC_CONFIG_MAX; i++)
		all[i].field = i + 1;
	EQUAL(call(fd, VEXIPC_IOC_CONFIG, &arg), 0);
	EQUAL(arg.count, VEXIPC_CONFIG_MAX);
	close(fd);
}

/* One bad entry among good ones, in each place: none of them is written. */
static void refuse(struct peer *p, struct vexipc_config_entry bad, int err)
{
	struct vexipc_config_entry before[VEXIPC_CONFIG_MAX], after[VEXIPC_CONFIG_MAX];
	uint32_t refused;

	read_all(before);
	for (uint32_t at = 0; at < 3; at++) {
		struct vexipc_config_entry entries[3] = {
			{ .field = VEXIPC_CONFIG_MAX_QUEUE_SIZE, .value = 555 },
			{ .field = VEXIPC_CONFIG_REQUEST_TIMEOUT_MS, .value = 555 },
			{ .field = VEXIPC_CONFIG_MAX_RETRIES, .value = 55 },
		};

		AT("field %u = %llu at %u", bad.field, (unsigned long long)bad.value, at);
		entries[at] = bad;
		EQUAL(write_entries(entries, 3, &refused), err);
		EQUAL(refused, at);
		if (bad.field && bad.field <= VEXIPC_CONFIG_MAX) {
			EQUAL(write_netlink(p, entries, 3), err);
			CHECK(*p->extack);
			CHECK(p->extack_offset);
		}
	}
	read_all(after);
	EQUAL(memcmp(before, after, sizeof(before)), 0);
}

static void ranges(void)
{
	static const uint64_t initial[VEXIPC_CONFIG_MAX + 1] = {
		[VEXIPC_CONFIG_MAX_CONCURRENT_REQUESTS] = 10000,
		[VEXIPC_CONFIG_MAX_CONCURRENT_PER_SERVICE] = 100,
		[VEXIPC_CONFIG_REQUEST_TIMEOUT_MS] = 30000,
		[VEXIPC_CONFIG_MAX_QUEUE_SIZE] = 1000,
		[VEXIPC_CONFIG_DISCOVERY_INTERVAL_SEC] = 30,
		[VEXIPC_CONFIG_HEALTH_CHECK_INTERVAL_SEC] = 30,
		[VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS] = 3,
		[VEXIPC_CONFIG_RETRY_BACKOFF_BASE_MS] = 1000,
		[VEXIPC_CONFIG_ENABLE_AUTHENTICATION] = 1,
		[VEXIPC_CONFIG_TRANSPORT_TYPE] = VEXIPC_TRANSPORT_RING,
		[VEXIPC_CONFIG_BUFFER_SIZE] = 256 << 10,
		[VEXIPC_CONFIG_CONNECTION_TIMEOUT_MS] = 5000,
		[VEXIPC_CONFIG_MAX_RETRIES] = 3,
		[VEXIPC_CONFIG_ALGORITHM] = VEXIPC_ALGORITHM_ROUND_ROBIN,
		[VEXIPC_CONFIG_PROBE_TIMEOUT_MS] = 5000,
		[VEXIPC_CONFIG_UNHEALTHY_AFTER] = 3,
		[VEXIPC_CONFIG_HEALTHY_AFTER] = 2,
		[VEXIPC_CONFIG_SLOW_START_SEC] = 10,
		[VEXIPC_CONFIG_STICKY_TIMEOUT_SEC] = 300,
		[VEXIPC_CONFIG_BREAKER_FAILURES] = 5,
		[VEXIPC_CONFIG_BREAKER_ERROR_PERCENT] = 50,
		[VEXIPC_CONFIG_BREAKER_MIN_VOLUME] = 20,
		[VEXIPC_CONFIG_BREAKER_EJECTION_MS] = 5000,
		[VEXIPC_CONFIG_BREAKER_MAX_EJECTION_MS] = 60000,
		[VEXIPC_CONFIG_BREAKER_PANIC_PERCENT] = 50,
		[VEXIPC_CONFIG_RETRY_BUDGET_PERCENT] = 20,
		[VEXIPC_CONFIG_STALL_TIMEOUT_MS] = 10000,
		[VEXIPC_CONFIG_QUEUE_AGEING_MS] = 5000,
		[VEXIPC_CONFIG_MAX_SERVICE_QUEUE] = 256,
		[VEXIPC_CONFIG_QUEUE_BACKPRESSURE_PERCENT] = 70,
		[VEXIPC_CONFIG_QUEUE_SHED_PERCENT] = 90,
		[VEXIPC_CONFIG_CODEL_TARGET_MS] = 0,
		[VEXIPC_CONFIG_CODEL_INTERVAL_MS] = 1000,
		[VEXIPC_CONFIG_BATCH_MAX_BYTES] = 64 << 10,
		[VEXIPC_CONFIG_LIMIT_INSTANCE_BURST_MS] = 1000,
		[VEXIPC_CONFIG_LIMIT_USER_BURST_MS] = 1000,
		[VEXIPC_CONFIG_LIMIT_SESSION_BURST_MS] = 1000,
		[VEXIPC_CONFIG_LIMIT_SERVICE_BURST_MS] = 1000,
		[VEXIPC_CONFIG_LIMIT_MODULE_BURST_MS] = 1000,
		[VEXIPC_CONFIG_MAX_BYTES] = 1 << 30,
		[VEXIPC_CONFIG_CACHE_TTL_SEC] = 300,
		[VEXIPC_CONFIG_CACHE_MAX_ENTRIES] = 1000,
		[VEXIPC_CONFIG_CACHE_MAX_BYTES] = 16 << 20,
		[VEXIPC_CONFIG_HEDGE_BUDGET_PERCENT] = 10,
	};
	struct vexipc_config_entry all[VEXIPC_CONFIG_MAX];
	struct peer *p = peer_open(VEXIPC_TRANSPORT_NETLINK);

	read_all(all);
	for (uint32_t i = 0; i < VEXIPC_CONFIG_MAX; i++) {
		struct vexipc_config_entry bad = { .field = all[i].field };

		AT("field %u", all[i].field);
		EQUAL(all[i].value, initial[all[i].field]);
		EQUAL(all[i].initial, initial[all[i].field]);
		CHECK(all[i].min <= all[i].initial && all[i].initial <= all[i].max);
		if (all[i].min) {
			bad.value = all[i].min - 1;
			refuse(p, bad, -ERANGE);
		}
		bad.value = all[i].max + 1;
		refuse(p, bad, -ERANGE);
		bad.value = (1ull << 32) + all[i].initial;
		refuse(p, bad, -ERANGE);
		bad.value = UINT64_MAX;
		refuse(p, bad, -ERANGE);
	}
	refuse(p, (struct vexipc_config_entry) { .field = VEXIPC_CONFIG_ENABLE_ENCRYPTION,
						 .value = 1 }, -EOPNOTSUPP);
	refuse(p, (struct vexipc_config_entry) { .field = VEXIPC_CONFIG_ENABLE_COMPRESSION,
						 .value = 1 }, -EOPNOTSUPP);
	refuse(p, (struct vexipc_config_entry) { .field = 0, .value = 1 }, -ENOENT);
	refuse(p, (struct vexipc_config_entry) { .field = VEXIPC_CONFIG_MAX + 1 }, -ENOENT);
	refuse(p, (struct vexipc_config_entry) { .field = UINT32_MAX }, -ENOENT);
	peer_close(p);
}

/* Every field, at its ends and back, over both ways in. */
static void limits(void)
{
	struct vexipc_config_entry all[VEXIPC_CONFIG_MAX], now[VEXIPC_CONFIG_MAX];
	struct peer *p = peer_open(VEXIPC_TRANSPORT_NETLINK);
	uint32_t refused;

	read_all(all);
	for (int end = 0; end < 3; end++) {
		for (uint32_t i = 0; i < VEXIPC_CONFIG_MAX; i++) {
			bool unbuilt = all[i].field == VEXIPC_CONFIG_ENABLE_ENCRYPTION ||
				       all[i].field == VEXIPC_CONFIG_ENABLE_COMPRESSION;

			now[i] = all[i];
			now[i].value = end == 0 ? all[i].min : end == 1 && !unbuilt ?
				       all[i].max : all[i].initial;
		}
		AT("end %d", end);
		if (end == 1)
			EQUAL(write_netlink(p, now, VEXIPC_CONFIG_MAX), 0);
		else
			EQUAL(write_entries(now, VEXIPC_CONFIG_MAX, &refused), 0);
		for (uint32_t i = 0; i < VEXIPC_CONFIG_MAX; i++) {
			unsigned char buf[64];
			const struct nlattr *attr;
			uint64_t value;

			AT("end %d, field %u", end, now[i].field);
			EQUAL(config_get(now[i].field, &value), 0);
			EQUAL(value, now[i].value);
			EQUAL(nl_call(p, nl_begin(p, buf, VEXIPC_CMD_CONFIG_GET)), 0);
			attr = nl_nested(nl_attr(p, VEXIPC_A_CONFIG), (uint16_t)now[i].field);
			CHECK(attr);
			EQUAL(mnl_attr_get_u64(attr), now[i].value);
		}
	}
	peer_close(p);
}

static void arguments(void)
{
	struct vexipc_config_entry entries[VEXIPC_CONFIG_MAX + 1] = { { .field = 3 } };
	struct vexipc_config good = { .entries_ptr = (uintptr_t)entries, .count = 1 }, arg;
	int fd = device_open(0);

	arg = good; arg.count = 0;
	EQUAL(call(fd, VEXIPC_IOC_CONFIG, &arg), -EINVAL);
	arg = good; arg.count = VEXIPC_CONFIG_MAX + 1;
	EQUAL(call(fd, VEXIPC_IOC_CONFIG, &arg), -EINVAL);
	arg = good; arg.count = UINT32_MAX;
	EQUAL(call(fd, VEXIPC_IOC_CONFIG, &arg), -EINVAL);
	arg = good; arg.flags = 2;
	EQUAL(call(fd, VEXIPC_IOC_CONFIG, &arg), -EOPNOTSUPP);
	arg = good; arg.entries_ptr = 8;
	EQUAL(call(fd, VEXIPC_IOC_CONFIG, &arg), -EFAULT);
	/* Reserved fields are for later. */
	arg = good; entries[0].reserved = 1;
	EQUAL(call(fd, VEXIPC_IOC_CONFIG, &arg), -EINVAL);
	arg.flags = VEXIPC_CONFIG_WRITE;
	entries[0].value = 100;
	EQUAL(call(fd, VEXIPC_IOC_CONFIG, &arg), -EINVAL);
	entries[0].reserved = 0;
	/* Reading tells which is unknown, too. */
	arg = good; arg.count = 2; entries[1].field = 99;
	EQUAL(call(fd, VEXIPC_IOC_CONFIG, &arg), -ENOENT);
	EQUAL(arg.count, 1);
	close(fd);
}

int main(int argc, char **argv)
{
#define CASE(name) { #name, name }
	static const struct test_case cases[] = {
		CASE(max_concurrent_requests), CASE(max_concurrent_per_service),
		CASE(request_timeout_ms), CASE(max_queue_size), CASE(discovery_interval_sec),
		CASE(health_check_interval_sec), CASE(max_retry_attempts),
		CASE(retry_backoff_base_ms), CASE(buffer_size), CASE(connection_timeout_ms),
		CASE(max_retries), CASE(algorithm), CASE(probe_timeout_ms),
		CASE(unhealthy_after), CASE(healthy_after), CASE(may_register), CASE(ranges),
		CASE(limits), CASE(arguments), { 0 }
	};

	return run_case(cases, argc, argv);
}
