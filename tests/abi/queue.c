// SPDX-License-Identifier: GPL-2.0-only
/* Queues: the order in which what waits is sent, and what is refused or shed. */
#include <fcntl.h>
#include <poll.h>

#include "abi.h"

static struct msg m, a;

/* A service that takes its requests one by one, and one who asks. */
static struct peer *client, *service;

static void open_two(void)
{
	client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	serve_as(service, "queue");
	/* However slow the machine is, nothing rises. */
	EQUAL(config_set(VEXIPC_CONFIG_QUEUE_AGEING_MS, 0), 0);
}

static void close_two(void)
{
	peer_close(client);
	peer_close(service);
	wait_idle();
	check_conserved();
}

/* Submit, without waiting for the answer, content that says which it is. */
static int submit_until(char name, uint32_t priority, uint32_t timeout_ms, size_t len)
{
	static char content[64 << 10];
	struct vexipc_embed e;

	memset(content, name, len);
	e = embed_of(content, len, NULL, 0);
	e.priority = priority;
	e.timeout_ms = timeout_ms;
	return call(client->fd, VEXIPC_IOC_EMBED, &e);
}

static int submit(char name, uint32_t priority)
{
	return submit_until(name, priority, 0, 1);
}

static void submit_as(uid_t uid, char name, size_t len)
{
	EQUAL(seteuid(uid), 0);
	EQUAL(submit_until(name, VEXIPC_PRIORITY_NORMAL, 0, len), 0);
	EQUAL(seteuid(0), 0);
}

/* The next request that the service is sent, answered: its name. */
static char take(void)
{
	struct vexipc_embed_request_body *body;
	char name;

	peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	body = msg_body(&m);
	name = ((char *)(body + 1))[body->model_len];
	msg_answer(&a, msg_header(&m)->correlation_id, 4, 0);
	EQUAL(peer_send(service, &a), 0);
	return name;
}

static void take_in_order(const char *names)
{
	for (; *names; names++) {
		AT("before %s", names);
		EQUAL(take(), *names);
	}
	*current = '\0';
}

static void bands(void)
{
	open_two();
	EQUAL(submit('l', 127), 0);
	EQUAL(submit('n', 128), 0);
	EQUAL(submit('N', 191), 0);
	EQUAL(submit('h', 192), 0);
	EQUAL(submit('H', 254), 0);
	EQUAL(submit('c', 255), 0);
	EQUAL(submit('L', 0), 0);
	EQUAL(submit('C', 255), 0);
	take_in_order("cChHnNlL");
	close_two();
}

static void deadlines(void)
{
	open_two();
	EQUAL(submit_until('z', VEXIPC_PRIORITY_NORMAL, 900000, 1), 0);
	EQUAL(submit_until('c', VEXIPC_PRIORITY_NORMAL, 600000, 1), 0);
	EQUAL(submit_until('a', VEXIPC_PRIORITY_NORMAL, 400000, 1), 0);
	EQUAL(submit_until('b', VEXIPC_PRIORITY_NORMAL, 500000, 1), 0);
	EQUAL(submit_until('l', VEXIPC_PRIORITY_LOW, 300000, 1), 0);
	take_in_order("abczl");
	close_two();
}

/* Who waits rises, past what came later and is of more account. */
static void ageing(void)
{
	open_two();
	EQUAL(config_set(VEXIPC_CONFIG_QUEUE_AGEING_MS, 100), 0);
	EQUAL(submit('l', VEXIPC_PRIORITY_LOW), 0);
	poll(NULL, 0, 250);
	EQUAL(submit('n', VEXIPC_PRIORITY_NORMAL), 0);
	take_in_order("ln");
	EQUAL(config_set(VEXIPC_CONFIG_QUEUE_AGEING_MS, 0), 0);
	EQUAL(submit('l', VEXIPC_PRIORITY_LOW), 0);
	poll(NULL, 0, 250);
	EQUAL(submit('n', VEXIPC_PRIORITY_NORMAL), 0);
	take_in_order("nl");
	close_two();
}

/* One has a hundred waiting, another two: they go in turn. */
static void fairness(void)
{
	enum { FLOOD = 100 };
	int place = 0, other = 0;

	open_two();
	for (int i = 0; i < FLOOD; i++)
		submit_as(1001, 'f', 1);
	submit_as(1002, 'o', 1);
	submit_as(1002, 'o', 1);
	for (; other < 2; place++)
		other += take() == 'o';
	CHECK(place <= 4);

	/* What is large counts for more. */
	submit_as(1003, 'L', 40 << 10);
	submit_as(1003, 'L', 40 << 10);
	submit_as(1002, 'o', 1);
	submit_as(1002, 'o', 1);
	submit_as(1002, 'o', 1);
	for (place = 0; other < 5; place++) {
		char name = take();

		other += name == 'o';
		if (name == 'L')
			place += 100;
	}
	CHECK(place < 200);
	close_two();
}

/* The errors that the client is told of. */
static uint32_t failure(void)
{
	peer_expect(client, &m, VEXIPC_MSG_ERROR);
	return ((const struct vexipc_error_body *)msg_body(&m))->error;
}

/* From 7 on backpressure, from 9 on shedding, 10 at most. */
static void open_ten(void)
{
	EQUAL(config_set(VEXIPC_CONFIG_MAX_QUEUE_SIZE, 10), 0);
	open_two();
}

static void shedding(void)
{
	struct vexipc_stats s;

	open_ten();
	for (char name = 'a'; name <= 'f'; name++)
		EQUAL(submit(name, VEXIPC_PRIORITY_LOW), 0);
	for (char name = 'h'; name <= 'j'; name++)
		EQUAL(submit(name, VEXIPC_PRIORITY_HIGH), 0);
	EQUAL(submit('x', VEXIPC_PRIORITY_LOW), -EXFULL);
	EQUAL(submit('k', VEXIPC_PRIORITY_HIGH), 0);
	/* Full. What is of more account takes the place of the newest of the lowest. */
	EQUAL(submit('x', VEXIPC_PRIORITY_LOW), -ENOBUFS);
	EQUAL(submit('C', VEXIPC_PRIORITY_CRITICAL), 0);
	EQUAL(failure(), VEXIPC_ERR_SHED);
	EQUAL(submit('l', VEXIPC_PRIORITY_HIGH), 0);
	EQUAL(failure(), VEXIPC_ERR_SHED);
	stats_of(&s);
	EQUAL(s.refused_by[VEXIPC_ERR_SHED], 1);
	EQUAL(s.failed_by[VEXIPC_ERR_SHED], 2);
	EQUAL(s.queued_low, 4);
	EQUAL(s.queued_high, 5);
	EQUAL(s.queued_critical, 1);
	take_in_order("Chijklabcd");
	close_two();
}

static short ready(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	poll(&p, 1, timeout_ms);
	return p.revents;
}

static void *take_later(void *unused)
{
	poll(NULL, 0, 200);
	take();
	return unused;
}

static void come_back(void)
{
	struct vexipc_stats s;
	struct msg e = { 0 };
	pthread_t thread;
	int fd = device_open(O_NONBLOCK);

	open_ten();
	for (int i = 0; i < 7; i++)
		EQUAL(submit('n', VEXIPC_PRIORITY_NORMAL), 0);
	EQUAL(ready(client->fd, 0), POLLOUT);
	EQUAL(submit('x', VEXIPC_PRIORITY_NORMAL), -EAGAIN);
	EQUAL(submit('x', VEXIPC_PRIORITY_LOW), -EAGAIN);
	EQUAL(ready(client->fd, 0), 0);
	/* Only who was told so has to wait: another may be a service. */
	EQUAL(ready(fd, 0), POLLOUT);
	msg_embed(&e, 1, "x", 1, 4);
	EQUAL(write(fd, e.data, e.len), -1);
	EQUAL(errno, EAGAIN);
	EQUAL(ready(fd, 0), 0);
	EQUAL(submit('h', VEXIPC_PRIORITY_HIGH), 0);
	EQUAL(take(), 'h');
	EQUAL(pthread_create(&thread, NULL, take_later, NULL), 0);
	EQUAL(ready(client->fd, patience(10000)), POLLOUT);
	EQUAL(ready(fd, 0), POLLOUT);
	EQUAL(pthread_join(thread, NULL), 0);
	EQUAL(write(fd, e.data, e.len), (ssize_t)e.len);
	stats_of(&s);
	EQUAL(s.refused_by[VEXIPC_ERR_WOULD_BLOCK], 3);
	EQUAL(s.bad_messages, 0);
	close(fd);
	msg_free(&e);
	close_two();
}

/* One who sleeps until it has its answer. */
struct sleeper {
	pthread_t thread;
	uint32_t priority, timeout_ms;
	int err;
};

static void *sleep_for_it(void *data)
{
	struct sleeper *s = data;
	unsigned char vector[64];
	struct vexipc_embed e = embed_of("s", 1, vector, sizeof(vector));
	int fd = device_open(0);

	e.priority = s->priority;
	e.timeout_ms = s->timeout_ms;
	s->err = call(fd, VEXIPC_IOC_EMBED, &e);
	close(fd);
	return NULL;
}

static void begin(struct sleeper *s)
{
	EQUAL(pthread_create(&s->thread, NULL, sleep_for_it, s), 0);
}

static void waiting(void)
{
	struct sleeper late = { .priority = VEXIPC_PRIORITY_NORMAL, .timeout_ms = 100 };
	struct sleeper low = { .priority = VEXIPC_PRIORITY_LOW };
	struct sleeper all[4];
	uint64_t end = now_ms() + (uint64_t)patience(10000);
	struct vexipc_stats s;

	open_two();
	EQUAL(config_set(VEXIPC_CONFIG_MAX_QUEUE_SIZE, 2), 0);
	EQUAL(submit('h', VEXIPC_PRIORITY_HIGH), 0);
	EQUAL(submit('i', VEXIPC_PRIORITY_HIGH), 0);
	begin(&late);
	pthread_join(late.thread, NULL);
	EQUAL(late.err, -ETIMEDOUT);
	begin(&low);
	pthread_join(low.thread, NULL);
	EQUAL(low.err, -EXFULL);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		all[i] = (struct sleeper) { .priority = VEXIPC_PRIORITY_NORMAL };
		begin(&all[i]);
	}
	/* They are under way, and not refused. */
	do {
		CHECK(now_ms() < end);
		poll(NULL, 0, 10);
		stats_of(&s);
	} while (s.submitted != s.refused + 2 + ARRAY_SIZE(all));
	EQUAL(s.refused, 2);
	take_in_order("hissss");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		pthread_join(all[i].thread, NULL);
		EQUAL(all[i].err, 0);
	}
	close_two();
}

static void overflow(void)
{
	struct vexipc_stats s;

	EQUAL(config_set(VEXIPC_CONFIG_MAX_SERVICE_QUEUE, 2), 0);
	open_two();
	for (char name = 'a'; name <= 'f'; name++)
		EQUAL(submit(name, VEXIPC_PRIORITY_NORMAL), 0);
	stats_of(&s);
	EQUAL(s.queued, 6);
	EQUAL(s.overflow, 4);
	EQUAL(s.overflowed, 4);
	/* Full of those of lower bands is not full. */
	EQUAL(submit('h', VEXIPC_PRIORITY_HIGH), 0);
	take_in_order("h");

	/* Who has room first gets them: here one that has come since. */
	{
		struct peer *first = service;

		service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
		serve_as(service, "other");
		take_in_order("cdef");
		peer_silent(service);
		/* It goes: what it could not do is left to nobody, or to the first. */
		peer_close(service);
		service = first;
	}
	take_in_order("ab");
	stats_of(&s);
	EQUAL(s.overflow, 0);

	/* The last one goes, and with it the hope of those that overflowed. */
	for (char name = 'a'; name <= 'f'; name++)
		EQUAL(submit(name, VEXIPC_PRIORITY_NORMAL), 0);
	peer_close(service);
	service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	do {
		EQUAL(peer_recv(client, &m, patience(10000)), 0);
	} while (msg_header(&m)->message_type != VEXIPC_MSG_ERROR);
	for (int i = 1; i < 6; i++)
		EQUAL(failure(), VEXIPC_ERR_SERVICE_DIED);
	close_two();
}

/* A queue that stands is cut short, from its head, but for what is critical. */
static void standing(void)
{
	struct vexipc_stats s;
	int taken = 0;

	EQUAL(config_set(VEXIPC_CONFIG_CODEL_TARGET_MS, 50), 0);
	EQUAL(config_set(VEXIPC_CONFIG_CODEL_INTERVAL_MS, 100), 0);
	open_two();
	EQUAL(submit('C', VEXIPC_PRIORITY_CRITICAL), 0);
	EQUAL(submit('D', VEXIPC_PRIORITY_CRITICAL), 0);
	/* More than can be shed, however long this takes. */
	for (int i = 0; i < 240; i++)
		EQUAL(submit('n', VEXIPC_PRIORITY_NORMAL), 0);
	take_in_order("CD");
	for (; taken < 10; taken++) {
		poll(NULL, 0, 40);
		EQUAL(take(), 'n');
	}
	stats_of(&s);
	CHECK(s.failed_by[VEXIPC_ERR_SHED] > 2);
	EQUAL(s.failed, s.failed_by[VEXIPC_ERR_SHED]);
	EQUAL(s.queued, 230 - s.failed);
	close_two();
}

/* A batch of which not even one has found room yet is interrupted like any other. */
static void batch_interrupted(void)
{
	unsigned char vector[64];
	struct vexipc_embed_item items[3];
	struct vexipc_embed_batch arg = {
		.items_ptr = (uintptr_t)items, .count = ARRAY_SIZE(items),
		.item_size = sizeof(items[0]), .priority = VEXIPC_PRIORITY_NORMAL,
	};
	struct vexipc_stats s;

	EQUAL(config_set(VEXIPC_CONFIG_MAX_QUEUE_SIZE, 1), 0);
	open_two();
	EQUAL(submit('a', VEXIPC_PRIORITY_NORMAL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		items[i] = (struct vexipc_embed_item) {
			.data_ptr = (uintptr_t)"b", .data_size = 1,
			.result_ptr = (uintptr_t)vector, .result_size = sizeof(vector),
		};
	interrupt_calls(true);
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED_BATCH, &arg), -EINTR);
	interrupt_calls(false);
	EQUAL(arg.failed, ARRAY_SIZE(items));
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		EQUAL(items[i].status, VEXIPC_ERR_INTERRUPTED);
	/* The others were not even asked. */
	stats_of(&s);
	EQUAL(s.refused_by[VEXIPC_ERR_INTERRUPTED], 1);
	EQUAL(s.cancelled, 0);
	take_in_order("a");
	EQUAL(config_set(VEXIPC_CONFIG_MAX_QUEUE_SIZE, 1000), 0);
	close_two();
}

int main(int argc, char **argv)
{
#define CASE(name) { #name, name }
	static const struct test_case cases[] = {
		CASE(bands), CASE(deadlines), CASE(ageing), CASE(fairness),
		CASE(shedding), CASE(come_back), CASE(waiting), CASE(overflow),
		CASE(standing), CASE(batch_interrupted), { 0 }
	};

	return run_case(cases, argc, argv);
}
