// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults: in each scene the N-th allocation or copy from or to user space fails that
 * the module comes to in the calls of one side, for N = 1, 2, ... until all calls get
 * by without that.
 *
 *   abi-faults SCENE CLIENT SERVICE client|service|both [BYTES]
 *
 * CLIENT and SERVICE are transports, then comes whose calls fail, and how long
 * contents are; when that is more than 64 KiB, vectors are long, too. Each call must
 * succeed, or say that memory was short or could not be reached. What was accepted is
 * completed exactly once, what was refused never is, and after each fault all works as
 * before.
 *
 * Prints "swept N" and how often which error was seen.
 */
#include <fcntl.h>
#include <linux/securebits.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include "abi.h"

enum { MOST = 5000, MOST_ASKS = 64, BATCH = 4, LONG = 64 << 10 };

static struct peer *client[2], *service[2];
static uint32_t client_transport, service_transport;
static bool of_client, of_service;
static size_t size = 16;
static uint32_t dims = 8;
static struct msg m, a;

/* ------------------------------------------------------------- the faults -- */

static atomic_uint budget;		/* fault points until the one that fails; 0: none does */
static atomic_bool fired;
static atomic_int inside;
static __thread int control = -1;
static unsigned int errors[256];

static void arm(void)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", budget);

	if (control < 0)
		control = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	CHECK(control >= 0);
	EQUAL(pwrite(control, text, (size_t)len, 0), len);
}

/* These two calls have fault points as well, and may meet the one that fails. */
static void disarm(void)
{
	char text[16] = "";

	if (pread(control, text, sizeof(text) - 1, 0) < 1) {
		EQUAL(errno, EFAULT);
		budget = 1;
		return;
	}
	budget = (unsigned int)atoi(text);
	if (!budget)
		fired = true;
	else if (pwrite(control, "0", 1, 0) != 1)
		EQUAL(errno, EFAULT);
}

static bool is_meant(const struct peer *p)
{
	if (p == client[0] || p == client[1])
		return of_client;
	return of_service && (p == service[0] || p == service[1]);
}

static void around(const struct peer *p, bool before)
{
	static __thread bool armed;

	if (before && budget && is_meant(p)) {
		inside++;
		armed = true;
		arm();
	} else if (!before && armed) {
		disarm();
		armed = false;
		inside--;
	}
}

/* An ioctl, which may meet the fault. */
static int call_of(const struct peer *p, unsigned long number, void *arg)
{
	int err;

	around(p, true);
	err = call(p->fd, number, arg);
	around(p, false);
	return err;
}

/* No faults from here on, and all calls are over. */
static void calm(void)
{
	while (inside)
		poll(NULL, 0, 1);
	budget = 0;
}

static bool by_fault(int err)
{
	return err == -ENOMEM || err == -EFAULT || err == -ENOBUFS;
}

/* Of a call: it succeeds, or the fault is why it does not. */
static int came_of(int err)
{
	if (err) {
		CHECK(fired);
		if (!by_fault(err))
			EQUAL(err, 0);
		errors[-err]++;
	}
	return err;
}

static void sweep(void (*scene)(unsigned int n))
{
	unsigned int n;

	for (n = 1;; n++) {
		CHECK(n < MOST);
		AT("fault %u", n);
		fired = false;
		budget = n;
		scene(n);
		calm();
		if (!fired)
			break;
	}
	*current = '\0';
	printf("swept %u:", n);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i])
			printf(" %s %u", strerrorname_np((int)i), errors[i]);
	putchar('\n');
}

/* ---------------------------------------------------------- who is there -- */

static void config(uint32_t field, uint64_t value)
{
	EQUAL(config_set(field, value), 0);
}

static struct peer *open_one(uint32_t transport)
{
	struct peer *p = peer_open(transport);

	p->read_room = 4 << 20;
	return p;
}

static void open_all(unsigned int clients, unsigned int services)
{
	for (unsigned int i = 0; i < clients; i++)
		client[i] = open_one(client_transport);
	for (unsigned int i = 0; i < services; i++) {
		service[i] = open_one(service_transport);
		serve_as(service[i], i ? "two" : "one");
	}
}

static void close_all(void)
{
	struct vexipc_stats s;

	for (int i = 0; i < 2; i++) {
		if (client[i])
			peer_close(client[i]);
		if (service[i])
			peer_close(service[i]);
		client[i] = NULL;
		service[i] = NULL;
	}
	wait_idle();
	check_conserved();
	stats_of(&s);
	EQUAL(s.services, 0);
	EQUAL(s.overflow, 0);
	/* The last of what was waited for goes in its own time. */
	for (uint64_t end = now_ms() + (uint64_t)patience(10000); s.held_bytes; stats_of(&s)) {
		CHECK(now_ms() < end);
		poll(NULL, 0, 5);
	}
}

/* Take the next message; false when there is none. A take that failed took nothing. */
static bool take(struct peer *p)
{
	int err;

	do
		err = peer_recv(p, &m, 0);
	while (err != -EAGAIN && came_of(err));
	return !err;
}

/* Answer all that there is. An answer that was refused may be given again. */
static bool serve(struct peer *p)
{
	bool any = false;

	while (p && take(p)) {
		any = true;
		if (server_answer(dims, &m, &a))
			while (came_of(peer_send(p, &a)))
				;
	}
	return any;
}

/* --------------------------------------------------------------- requests -- */

/* struct ask is one request: what was asked, and what came of it. */
static struct ask {
	struct peer *by;
	uint64_t correlation;
	char *content;
	size_t len;
	bool batch, sure, done;
	uint32_t error, flags;
} asks[MOST_ASKS];
static unsigned int count;

static void forget_all(void)
{
	while (count)
		free(asks[--count].content);
}

/* Content of @size bytes that begins with a number. */
static char *content_of(unsigned int number)
{
	char *content = malloc(size + 16);

	memset(content, 'x', size + 16);
	memcpy(content, content + 8, 8);
	snprintf(content, 16, "%07u", number);
	content[7] = ':';
	return content;
}

/* Ask, and note it if it was accepted, or may have been. */
static int ask_as(struct peer *by, unsigned int number, uint64_t session, bool batch)
{
	static uint64_t correlation;
	struct ask *ask = &asks[count];
	int err;

	CHECK(count < MOST_ASKS);
	*ask = (struct ask) {
		.by = by, .correlation = ++correlation, .batch = batch, .sure = true,
		.content = content_of(number), .len = size < 9 ? 9 : size,
	};
	if (batch) {
		msg_batch(&m, ask->correlation, BATCH, ask->len, 0);
	} else {
		struct vexipc_embed_request_body *body;

		msg_embed(&m, ask->correlation, ask->content, ask->len, 0);
		body = msg_body(&m);
		body->session = session;
		msg_reseal(&m);
	}
	err = came_of(peer_send(by, &m));
	/* Without an ack it may be on its way, or not. */
	ask->sure = err != -ENOBUFS;
	if (err && ask->sure)
		free(ask->content);
	else
		count++;
	return err;
}

static int ask(struct peer *by, unsigned int number)
{
	return ask_as(by, number, 0, false);
}

static void check_batch(void)
{
	const struct vexipc_batch_response_body *body = msg_body(&m);
	const unsigned char *at = (const void *)(body + 1);

	EQUAL(body->count, BATCH);
	for (uint32_t i = 0; i < body->count; i++) {
		struct vexipc_batch_result result;
		char item = (char)('a' + i);

		memcpy(&result, at, sizeof(result));
		at += sizeof(result);
		EQUAL(result.error, 0);
		EQUAL(result.vector_bytes, dims * 4);
		vector_check(at, result.vector_bytes, &item, 1);
		at += result.vector_bytes;
	}
}

/* What a client has been sent belongs to one of its requests, which has had none. */
static void completed(struct peer *by)
{
	uint64_t correlation = msg_header(&m)->correlation_id;
	unsigned int i = 0;

	while (i < count && (asks[i].by != by || asks[i].correlation != correlation))
		i++;
	CHECK(i < count);
	CHECK(!asks[i].done);
	asks[i].done = true;
	if (msg_header(&m)->message_type == VEXIPC_MSG_ERROR) {
		const struct vexipc_error_body *body = msg_body(&m);

		asks[i].error = body->error;
		return;
	}
	if (asks[i].batch) {
		msg_check(&m, VEXIPC_MSG_BATCH_RESPONSE);
		check_batch();
	} else {
		const struct vexipc_embed_response_body *body = msg_body(&m);

		msg_check(&m, VEXIPC_MSG_EMBED_RESPONSE);
		EQUAL(body->vector_bytes, dims * 4);
		vector_check(body + 1, body->vector_bytes, asks[i].content, asks[i].len);
		asks[i].flags = body->result_flags;
	}
}

static bool all_done(void)
{
	for (unsigned int i = 0; i < count; i++)
		if (asks[i].sure && !asks[i].done)
			return false;
	return true;
}

static void serve_until_done(void)
{
	uint64_t end = now_ms() + (uint64_t)patience(10000);

	for (;;) {
		bool any = serve(service[0]) | serve(service[1]);

		for (int i = 0; i < 2; i++) {
			while (client[i] && take(client[i])) {
				completed(client[i]);
				any = true;
			}
		}
		if (all_done())
			break;
		CHECK(now_ms() < end);
		if (!any)
			poll(NULL, 0, 2);
	}
}

/*
 * All is answered, and after that, without faults, what is asked anew: then no second
 * answer is on its way. What failed says that memory was short, or @error.
 */
static void settle(enum vexipc_error error)
{
	unsigned int asked;

	serve_until_done();
	asked = count;
	calm();
	for (int i = 0; i < 2; i++)
		if (client[i])
			EQUAL(ask(client[i], 9999990 + (unsigned int)i), 0);
	serve_until_done();
	for (unsigned int i = 0; i < count; i++) {
		if (!asks[i].error || (error && asks[i].error == error))
			continue;
		CHECK(fired && i < asked);
		EQUAL(asks[i].error, VEXIPC_ERR_NO_MEMORY);
		errors[ENOMEM]++;
	}
	for (int i = 0; i < 2; i++)
		CHECK(!client[i] || !take(client[i]));
}

static void one_request(unsigned int n)
{
	ask(client[0], n);
	settle(0);
	forget_all();
}

static void request(void)
{
	open_all(1, 1);
	sweep(one_request);
	close_all();
}

static void one_batch(unsigned int n)
{
	ask_as(client[0], n, 0, true);
	settle(0);
	forget_all();
}

static void batch_request(void)
{
	open_all(1, 1);
	sweep(one_batch);
	close_all();
}

/* Several that wait for a service travel together. */
static void some_carried(unsigned int n)
{
	for (unsigned int i = 0; i < 4; i++)
		ask(client[0], n * 4 + i);
	settle(0);
	forget_all();
}

static void carried(void)
{
	struct vexipc_stats s;

	config(VEXIPC_CONFIG_DYNAMIC_BATCHING, 1);
	/* With one under way, those behind it wait. */
	config(VEXIPC_CONFIG_BATCH_DELAY_US, 20000);
	open_all(1, 1);
	sweep(some_carried);
	close_all();
	stats_of(&s);
	CHECK(s.carriers);
	config(VEXIPC_CONFIG_BATCH_DELAY_US, 0);
	config(VEXIPC_CONFIG_DYNAMIC_BATCHING, 0);
}

/* Asked twice: the second time the cache knows it. */
static void one_cached(unsigned int n)
{
	ask(client[0], n);
	serve_until_done();
	ask(client[0], n);
	settle(0);
	if (!fired)
		EQUAL(asks[1].flags, VEXIPC_RESULT_CACHED);
	forget_all();
}

static void cached(void)
{
	struct vexipc_stats s;

	config(VEXIPC_CONFIG_CACHE_ENABLED, 1);
	/* They have to go as well. */
	config(VEXIPC_CONFIG_CACHE_MAX_ENTRIES, 16);
	open_all(1, 1);
	sweep(one_cached);
	close_all();
	stats_of(&s);
	CHECK(s.cache_hits && s.cache_evictions);
	config(VEXIPC_CONFIG_CACHE_ENABLED, 0);
	stats_of(&s);
	EQUAL(s.cache_entries, 0);
	EQUAL(s.cache_bytes, 0);
}

/* Asked by two at once, and once more by the first. */
static void one_coalesced(unsigned int n)
{
	ask(client[0], n);
	ask(client[1], n);
	ask(client[0], n);
	settle(0);
	if (!fired) {
		EQUAL(asks[0].flags, 0);
		EQUAL(asks[1].flags, VEXIPC_RESULT_COALESCED);
		EQUAL(asks[2].flags, VEXIPC_RESULT_COALESCED);
	}
	forget_all();
}

static void coalesced(void)
{
	config(VEXIPC_CONFIG_COALESCE, 1);
	open_all(2, 1);
	sweep(one_coalesced);
	config(VEXIPC_CONFIG_CACHE_ENABLED, 1);
	sweep(one_coalesced);
	close_all();
	config(VEXIPC_CONFIG_CACHE_ENABLED, 0);
	config(VEXIPC_CONFIG_COALESCE, 0);
}

/* One is sent to each service, one waits there, and the others for either. */
static void some_overflow(unsigned int n)
{
	struct vexipc_stats s;
	uint64_t before;

	stats_of(&s);
	before = s.overflowed;
	for (unsigned int i = 0; i < 7; i++)
		ask(client[0], n * 8 + i);
	stats_of(&s);
	CHECK(s.overflowed > before);
	settle(0);
	forget_all();
}

static void overflow(void)
{
	config(VEXIPC_CONFIG_MAX_CONCURRENT_PER_SERVICE, 1);
	config(VEXIPC_CONFIG_MAX_SERVICE_QUEUE, 1);
	open_all(1, 2);
	sweep(some_overflow);
	close_all();
	config(VEXIPC_CONFIG_MAX_CONCURRENT_PER_SERVICE, 100);
	config(VEXIPC_CONFIG_MAX_SERVICE_QUEUE, 256);
}

/* Each user and session is new, so each time both are made: then one is refused. */
static void one_refused(unsigned int n)
{
	EQUAL(seteuid(2000 + n), 0);
	ask_as(client[0], n, 1, false);
	ask_as(client[0], n, 1, false);
	EQUAL(seteuid(0), 0);
	settle(VEXIPC_ERR_RATE_LIMITED);
	if (!fired) {
		EQUAL(asks[0].error, 0);
		EQUAL(asks[1].error, VEXIPC_ERR_RATE_LIMITED);
	}
	forget_all();
}

static void refused(void)
{
	/* What is left of the capabilities: fail-nth wants one. */
	EQUAL(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP), 0);
	/* As many bytes at once as one request has, and then none for a minute or two. */
	config(VEXIPC_CONFIG_LIMIT_SESSION_BYTES, size / 100 + 1);
	config(VEXIPC_CONFIG_LIMIT_SESSION_BURST_MS, size * 1000 / (size / 100 + 1));
	config(VEXIPC_CONFIG_LIMIT_USER_REQUESTS, 1000000);
	config(VEXIPC_CONFIG_MAX_REQUESTS_PER_USER, 1000);
	open_all(1, 1);
	sweep(one_refused);
	close_all();
	config(VEXIPC_CONFIG_LIMIT_SESSION_BYTES, 0);
	config(VEXIPC_CONFIG_LIMIT_USER_REQUESTS, 0);
	config(VEXIPC_CONFIG_MAX_REQUESTS_PER_USER, 0);
}

/* -------------------------------------------------------- the batch call -- */

static unsigned int items;
static atomic_bool stop;

static void *serve_on(void *unused)
{
	struct pollfd ready = { .fd = service[0]->fd, .events = POLLIN };

	(void)unused;
	while (!stop) {
		serve(service[0]);
		poll(&ready, 1, 20);
	}
	return NULL;
}

static unsigned char vectors[8][4 * VEXIPC_MAX_DIMENSIONS];

static int batch_call(unsigned int n, struct vexipc_embed_item *item, char **content)
{
	struct vexipc_embed_batch arg = {
		.items_ptr = (uintptr_t)item, .count = items, .item_size = sizeof(*item),
		.priority = VEXIPC_PRIORITY_NORMAL,
	};

	for (unsigned int i = 0; i < items; i++) {
		content[i] = content_of(n * items + i);
		item[i] = (struct vexipc_embed_item) {
			.data_ptr = (uintptr_t)content[i], .data_size = (uint32_t)size,
			.result_ptr = (uintptr_t)vectors[i], .result_size = dims * 4,
		};
	}
	return call_of(client[0], VEXIPC_IOC_EMBED_BATCH, &arg);
}

static void one_call(unsigned int n)
{
	struct vexipc_embed_item item[ARRAY_SIZE(vectors)];
	char *content[ARRAY_SIZE(vectors)];

	/* Once with the fault, and once after it. */
	for (int again = 0; again < 2; again++) {
		int err = came_of(batch_call(n, item, content));

		CHECK(!err || !again);
		for (unsigned int i = 0; i < items; i++) {
			if (!err && !item[i].status) {
				EQUAL(item[i].vector_bytes, dims * 4);
				vector_check(vectors[i], dims * 4, content[i], size);
			} else if (!err) {
				CHECK(fired && !again);
				CHECK(item[i].status == VEXIPC_ERR_NO_MEMORY ||
				      item[i].status == VEXIPC_ERR_FAULT);
				errors[item[i].status == VEXIPC_ERR_FAULT ? EFAULT : ENOMEM]++;
			}
			free(content[i]);
		}
		calm();
	}
}

static void call_in(unsigned int many)
{
	pthread_t thread;

	items = many;
	client_transport = VEXIPC_TRANSPORT_CHARDEV;
	open_all(1, 1);
	stop = false;
	EQUAL(pthread_create(&thread, NULL, serve_on, NULL), 0);
	sweep(one_call);
	stop = true;
	pthread_join(thread, NULL);
	close_all();
}

static void batch(void)
{
	call_in(BATCH);
}

/* The same, where items wait for room. */
static void batch_room(void)
{
	config(VEXIPC_CONFIG_MAX_QUEUE_SIZE, 2);
	call_in(6);
	config(VEXIPC_CONFIG_MAX_QUEUE_SIZE, 1000);
}

/* ----------------------------------------------------------- registration -- */

static struct vexipc_tokens token;

static int tokens(uint32_t op, struct vexipc_tokens *arg)
{
	static int fd = -1;

	if (fd < 0)
		fd = device_open(0);
	arg->op = op;
	return call(fd, VEXIPC_IOC_TOKENS, arg);
}

static struct vexipc_tokens issue(void)
{
	struct vexipc_tokens arg = { .entry_size = sizeof(arg.token) };

	strcpy(arg.token.label, "faults");
	EQUAL(tokens(VEXIPC_TOKENS_ISSUE, &arg), 0);
	return arg;
}

static void revoke_token(uint64_t which)
{
	struct vexipc_tokens arg = { .token.id = which };

	EQUAL(tokens(VEXIPC_TOKENS_REVOKE, &arg), 0);
}

static struct vexipc_token_entry token_now(uint32_t *total)
{
	struct vexipc_token_entry entry = { 0 };
	struct vexipc_tokens arg = {
		.buffer_ptr = (uintptr_t)&entry, .buffer_size = sizeof(entry),
		.entry_size = sizeof(entry),
	};

	EQUAL(tokens(VEXIPC_TOKENS_LIST, &arg), 0);
	*total = arg.total;
	return entry;
}

/* By ioctl, by a command of netlink, or by a message. */
static int register_one(struct peer *p, bool by_message)
{
	struct vexipc_register arg = {
		.service_id_ptr = (uintptr_t)"one", .service_id_len = 3,
		.token_ptr = (uintptr_t)token.secret, .token_len = sizeof(token.secret),
		.features = VEXIPC_FEATURES, .max_batch_size = 8,
	};

	if (by_message) {
		struct vexipc_register_body *body;
		int err;

		msg_register(&m, "one", VEXIPC_FEATURES, 8);
		msg_put(&m, token.secret, sizeof(token.secret));
		body = msg_body(&m);
		body->token_len = sizeof(token.secret);
		msg_seal(&m, VEXIPC_MSG_REGISTER, 1, 0);
		err = peer_send(p, &m);
		if (err)
			return err;
		/* It may yet be told that there was no memory. */
		while (came_of(peer_recv(p, &m, patience(5000))))
			;
		if (msg_header(&m)->message_type == VEXIPC_MSG_NACK) {
			const struct vexipc_ack_body *ack = msg_body(&m);

			EQUAL(ack->error, VEXIPC_ERR_NO_MEMORY);
			return -ENOMEM;
		}
		msg_check(&m, VEXIPC_MSG_ACK);
		return 0;
	}
	if (p->transport == VEXIPC_TRANSPORT_NETLINK) {
		unsigned char buf[512];
		struct nlmsghdr *nlh = nl_begin(p, buf, VEXIPC_CMD_REGISTER);
		struct nlattr *nest = mnl_attr_nest_start(nlh, VEXIPC_A_SERVICE);

		mnl_attr_put_strz(nlh, VEXIPC_SVC_ID, "one");
		mnl_attr_put(nlh, VEXIPC_SVC_TOKEN, sizeof(token.secret), token.secret);
		mnl_attr_put_u64(nlh, VEXIPC_SVC_FEATURES, VEXIPC_FEATURES);
		mnl_attr_put_u32(nlh, VEXIPC_SVC_MAX_BATCH, 8);
		mnl_attr_nest_end(nlh, nest);
		return nl_call(p, nlh);
	}
	return call_of(p, VEXIPC_IOC_REGISTER, &arg);
}

/* A sign of life, wherever it can be sent, and that it was heard. */
static int beat(struct peer *p)
{
	struct vexipc_heartbeat_body body = { .memory_bytes = 1 << 20 };
	int err;

	msg_simple(&m, VEXIPC_MSG_HEARTBEAT, 7, &body, sizeof(body));
	err = came_of(peer_send(p, &m));
	if (err)
		return err;
	while (came_of(peer_recv(p, &m, patience(5000))))
		;
	msg_check(&m, VEXIPC_MSG_ACK);
	return 0;
}

static bool by_message;

/* Comes, beats, answers, goes; and what is left of it is what was before. */
static void one_life(unsigned int n)
{
	struct vexipc_token_entry before, after;
	struct vexipc_unregister_body bye = { 0 };
	struct vexipc_stats s;
	uint32_t total;
	int err;

	before = token_now(&total);
	service[0] = open_one(service_transport);
	err = came_of(register_one(service[0], by_message));
	after = token_now(&total);
	if (!err) {
		EQUAL(after.services, 1);
		EQUAL(after.registered, before.registered + 1);
		beat(service[0]);
		ask(client[0], n);
		serve_until_done();
		forget_all();
		msg_simple(&m, VEXIPC_MSG_UNREGISTER, 8, &bye, sizeof(bye));
		came_of(peer_send(service[0], &m));
	} else if (err != -ENOBUFS) {
		EQUAL(after.services, 0);
		EQUAL(after.registered, before.registered);
		EQUAL(after.uses_left, before.uses_left);
	}
	calm();
	peer_close(service[0]);
	service[0] = NULL;
	after = token_now(&total);
	EQUAL(after.services, 0);
	stats_of(&s);
	EQUAL(s.services, 0);
	/* The id is free again. */
	service[0] = open_one(service_transport);
	EQUAL(register_one(service[0], by_message), 0);
	peer_close(service[0]);
	service[0] = NULL;
}

static void lives(bool message)
{
	by_message = message;
	token = issue();
	open_all(1, 0);
	sweep(one_life);
	close_all();
	revoke_token(token.token.id);
}

static void life(void)
{
	lives(false);
}

static void life_by_message(void)
{
	lives(true);
}

/* --------------------------------------------------------- administration -- */

/* By the client: through the device, or with a command that fill() completes. */
static int ask_for(unsigned long ioctl_number, void *arg, uint8_t cmd,
		   void (*fill)(struct nlmsghdr *nlh))
{
	struct peer *p = client[0];
	unsigned char buf[1024];
	struct nlmsghdr *nlh;

	if (p->transport == VEXIPC_TRANSPORT_NETLINK) {
		nlh = nl_begin(p, buf, cmd);
		if (fill)
			fill(nlh);
		return came_of(nl_call(p, nlh));
	}
	return came_of(call_of(p, ioctl_number, arg));
}

static uint64_t id;

static void fill_token(struct nlmsghdr *nlh)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, VEXIPC_A_TOKEN);

	if (id)
		mnl_attr_put_u64(nlh, VEXIPC_TOKEN_A_ID, id);
	else
		mnl_attr_put_strz(nlh, VEXIPC_TOKEN_A_LABEL, "faults");
	mnl_attr_nest_end(nlh, nest);
}

static void fill_dump(struct nlmsghdr *nlh)
{
	nlh->nlmsg_flags |= NLM_F_DUMP;
}

/* The socket of a dump that failed may go on with it. */
static void begin_anew(void)
{
	peer_close(client[0]);
	client[0] = NULL;
	client[0] = open_one(client_transport);
}

static void one_token(unsigned int n)
{
	struct vexipc_token_entry entries[8];
	struct vexipc_tokens arg = { .op = VEXIPC_TOKENS_ISSUE };
	uint32_t total;
	int err;

	(void)n;
	id = 0;
	err = ask_for(VEXIPC_IOC_TOKENS, &arg, VEXIPC_CMD_TOKEN_NEW, fill_token);
	id = token_now(&total).id;
	/* Nobody has a token that he was not told of. */
	EQUAL(total, !err);
	arg = (struct vexipc_tokens) {
		.op = VEXIPC_TOKENS_LIST, .buffer_ptr = (uintptr_t)entries,
		.buffer_size = sizeof(entries), .entry_size = sizeof(entries[0]),
	};
	if (ask_for(VEXIPC_IOC_TOKENS, &arg, VEXIPC_CMD_TOKEN_GET, fill_dump))
		begin_anew();
	if (!total)
		return;
	arg = (struct vexipc_tokens) { .op = VEXIPC_TOKENS_REVOKE, .token.id = id };
	err = ask_for(VEXIPC_IOC_TOKENS, &arg, VEXIPC_CMD_TOKEN_DEL, fill_token);
	token_now(&total);
	CHECK(err || !total);
	if (total)
		revoke_token(id);
}

static void admin_tokens(void)
{
	open_all(1, 0);
	sweep(one_token);
	close_all();
}

static int rules(struct vexipc_rules *arg)
{
	static int fd = -1;

	if (fd < 0)
		fd = device_open(0);
	return call(fd, VEXIPC_IOC_RULES, arg);
}

/* How many there are, and the id of the last. */
static uint32_t rules_now(uint64_t *last)
{
	struct vexipc_rule_entry entries[8];
	struct vexipc_rules arg = {
		.op = VEXIPC_RULES_LIST, .buffer_ptr = (uintptr_t)entries,
		.buffer_size = sizeof(entries), .entry_size = sizeof(entries[0]),
	};

	EQUAL(rules(&arg), 0);
	CHECK(arg.total && arg.total == arg.count);
	*last = entries[arg.count - 1].id;
	return arg.total;
}

static void fill_rule(struct nlmsghdr *nlh)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, VEXIPC_A_RULE);

	if (id) {
		mnl_attr_put_u64(nlh, VEXIPC_RULE_A_ID, id);
	} else {
		mnl_attr_put_u32(nlh, VEXIPC_RULE_A_UID, 1234);
		mnl_attr_put_u32(nlh, VEXIPC_RULE_A_ALLOW, VEXIPC_RULE_EMBED);
	}
	mnl_attr_nest_end(nlh, nest);
}

/* There is one already, so that a list is left when the new one goes. */
static void one_rule(unsigned int n)
{
	struct vexipc_rule_entry entries[8];
	struct vexipc_rules arg = {
		.op = VEXIPC_RULES_ADD,
		.rule = { .match = VEXIPC_RULE_UID, .uid = 1234, .allow = VEXIPC_RULE_EMBED },
	};
	uint64_t last;
	int err;

	(void)n;
	id = 0;
	err = ask_for(VEXIPC_IOC_RULES, &arg, VEXIPC_CMD_RULE_NEW, fill_rule);
	EQUAL(rules_now(&last), 1 + !err);
	arg = (struct vexipc_rules) {
		.op = VEXIPC_RULES_LIST, .buffer_ptr = (uintptr_t)entries,
		.buffer_size = sizeof(entries), .entry_size = sizeof(entries[0]),
	};
	if (ask_for(VEXIPC_IOC_RULES, &arg, VEXIPC_CMD_RULE_GET, fill_dump))
		begin_anew();
	if (err)
		return;
	id = last;
	arg = (struct vexipc_rules) { .op = VEXIPC_RULES_REMOVE, .rule.id = id };
	err = ask_for(VEXIPC_IOC_RULES, &arg, VEXIPC_CMD_RULE_DEL, fill_rule);
	if (rules_now(&last) == 1)
		return;
	CHECK(err);
	arg = (struct vexipc_rules) { .op = VEXIPC_RULES_REMOVE, .rule.id = id };
	EQUAL(rules(&arg), 0);
}

static void admin_rules(void)
{
	struct vexipc_rules arg = {
		.op = VEXIPC_RULES_ADD,
		.rule = { .match = VEXIPC_RULE_UID, .uid = 1233, .allow = VEXIPC_RULE_EMBED },
	};

	EQUAL(rules(&arg), 0);
	open_all(1, 0);
	sweep(one_rule);
	close_all();
	arg.op = VEXIPC_RULES_CLEAR;
	EQUAL(rules(&arg), 0);
}

static uint64_t value;

static void fill_config(struct nlmsghdr *nlh)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, VEXIPC_A_CONFIG);

	mnl_attr_put_u64(nlh, VEXIPC_CONFIG_CACHE_ENABLED, value & 1);
	mnl_attr_put_u64(nlh, VEXIPC_CONFIG_CACHE_MAX_ENTRIES, value);
	mnl_attr_put_u64(nlh, VEXIPC_CONFIG_LIMIT_USER_REQUESTS, value);
	mnl_attr_nest_end(nlh, nest);
}

/* All of it or nothing. */
static void one_config(unsigned int n)
{
	static uint64_t was = 100;
	struct vexipc_config_entry entries[] = {
		{ .field = VEXIPC_CONFIG_CACHE_ENABLED, .value = (was + 1) & 1 },
		{ .field = VEXIPC_CONFIG_CACHE_MAX_ENTRIES, .value = was + 1 },
		{ .field = VEXIPC_CONFIG_LIMIT_USER_REQUESTS, .value = was + 1 },
	};
	struct vexipc_config arg = {
		.entries_ptr = (uintptr_t)entries, .count = ARRAY_SIZE(entries),
		.flags = VEXIPC_CONFIG_WRITE,
	};
	uint64_t now, other;
	int err;

	(void)n;
	value = was + 1;
	err = ask_for(VEXIPC_IOC_CONFIG, &arg, VEXIPC_CMD_CONFIG_SET, fill_config);
	EQUAL(config_get(VEXIPC_CONFIG_CACHE_MAX_ENTRIES, &now), 0);
	CHECK(now == value || (err && now == was));
	EQUAL(config_get(VEXIPC_CONFIG_LIMIT_USER_REQUESTS, &other), 0);
	EQUAL(other, now);
	EQUAL(config_get(VEXIPC_CONFIG_CACHE_ENABLED, &other), 0);
	EQUAL(other, now & 1);
	was = now;
	arg.flags = 0;
	ask_for(VEXIPC_IOC_CONFIG, &arg, VEXIPC_CMD_CONFIG_GET, NULL);
}

static void admin_config(void)
{
	config(VEXIPC_CONFIG_CACHE_MAX_ENTRIES, 100);
	config(VEXIPC_CONFIG_LIMIT_USER_REQUESTS, 100);
	open_all(1, 0);
	sweep(one_config);
	close_all();
	config(VEXIPC_CONFIG_CACHE_ENABLED, 0);
	config(VEXIPC_CONFIG_LIMIT_USER_REQUESTS, 0);
}

static void fill_service(struct nlmsghdr *nlh)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, VEXIPC_A_SERVICE);

	mnl_attr_put_strz(nlh, VEXIPC_SVC_ID, "one");
	mnl_attr_nest_end(nlh, nest);
}

static void fill_control(struct nlmsghdr *nlh)
{
	fill_service(nlh);
	mnl_attr_put_u32(nlh, VEXIPC_A_CONTROL, VEXIPC_CONTROL_RESUME);
}

/* A message that is answered with one of a type. */
static void tells(uint32_t type, const void *body, size_t len, uint32_t answer)
{
	int err;

	msg_simple(&m, type, 5, body, len);
	err = came_of(peer_send(client[0], &m));
	while (err == -ENOBUFS && take(client[0]))
		;
	if (err)
		return;
	while (came_of(peer_recv(client[0], &m, patience(5000))))
		;
	/* It may tell that there was no memory, but only then. */
	if (msg_header(&m)->message_type != answer)
		CHECK(fired);
}

/* All that shows something. */
static void one_look(unsigned int n)
{
	struct vexipc_service_entry entries[4];
	struct vexipc_policy_entry policies[4];
	char text[4096];
	struct vexipc_status status = {
		.service_id_ptr = (uintptr_t)"one", .service_id_len = 3,
		.text_ptr = (uintptr_t)text, .text_size = sizeof(text),
	};
	struct vexipc_list list = {
		.buffer_ptr = (uintptr_t)entries, .buffer_size = sizeof(entries),
		.entry_size = sizeof(entries[0]),
	};
	struct vexipc_stats stats = { 0 };
	struct vexipc_stats of_one = {
		.service_id_ptr = (uintptr_t)"one", .service_id_len = 3,
	};
	struct vexipc_policies use = {
		.buffer_ptr = (uintptr_t)policies, .buffer_size = sizeof(policies),
		.entry_size = sizeof(policies[0]),
	};
	struct vexipc_control control_one = {
		.service_id_ptr = (uintptr_t)"one", .service_id_len = 3,
		.op = VEXIPC_CONTROL_RESUME,
	};
	struct vexipc_cache_flush flush = { 0 };
	struct vexipc_discovery_body discovery = { 0 };
	struct vexipc_health_check_body health = { 0 };

	(void)n;
	if (!ask_for(VEXIPC_IOC_STATUS, &status, VEXIPC_CMD_SERVICE_GET, fill_service) &&
	    client_transport == VEXIPC_TRANSPORT_CHARDEV)
		EQUAL(status.entry.state, VEXIPC_STATE_ACTIVE);
	if (ask_for(VEXIPC_IOC_LIST, &list, VEXIPC_CMD_SERVICE_GET, fill_dump))
		begin_anew();
	ask_for(VEXIPC_IOC_STATS, &stats, VEXIPC_CMD_STATS_GET, NULL);
	ask_for(VEXIPC_IOC_STATS, &of_one, VEXIPC_CMD_STATS_GET, fill_service);
	if (ask_for(VEXIPC_IOC_POLICIES, &use, VEXIPC_CMD_POLICY_GET, fill_dump))
		begin_anew();
	ask_for(VEXIPC_IOC_CONTROL, &control_one, VEXIPC_CMD_SERVICE_SET, fill_control);
	ask_for(VEXIPC_IOC_CACHE_FLUSH, &flush, VEXIPC_CMD_CACHE_FLUSH, NULL);
	tells(VEXIPC_MSG_DISCOVERY, &discovery, sizeof(discovery), VEXIPC_MSG_DISCOVERY);
	tells(VEXIPC_MSG_HEALTH_CHECK, &health, sizeof(health), VEXIPC_MSG_HEALTH_RESPONSE);
	calm();
	while (take(client[0]))
		;
	ask(client[0], n);
	settle(0);
	forget_all();
}

static void look(void)
{
	open_all(1, 1);
	sweep(one_look);
	close_all();
}

int main(int argc, char **argv)
{
#define CASE(name) { #name, name }
	static const struct test_case cases[] = {
		CASE(request), CASE(batch_request), CASE(carried), CASE(cached), CASE(coalesced),
		CASE(overflow), CASE(refused), CASE(batch), CASE(batch_room), CASE(life),
		CASE(life_by_message), CASE(admin_tokens), CASE(admin_rules),
		CASE(admin_config), CASE(look), { 0 }
	};

	if (argc < 5) {
		fprintf(stderr, "abi-faults SCENE CLIENT SERVICE client|service|both [BYTES]\n");
		return 2;
	}
	client_transport = transport_of(argv[2]);
	service_transport = transport_of(argv[3]);
	of_client = strcmp(argv[4], "service");
	of_service = strcmp(argv[4], "client");
	if (argc > 5)
		size = (size_t)atoi(argv[5]);
	/* Then answers are long as well, those of a batch too long for one piece. */
	if (size > LONG)
		dims = VEXIPC_MAX_DIMENSIONS;
	peer_hook = around;
	/* What found no memory is sent again soon. */
	config(VEXIPC_CONFIG_CONNECTION_TIMEOUT_MS, 150);
	config(VEXIPC_CONFIG_RETRY_BACKOFF_BASE_MS, 10);
	return run_case(cases, argc, argv);
}
