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
	EQUAL(config_set(VEXIPC_CONFIG_QUEUE_AGEING_MS, 100), 0);
	open_two();
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

int main(int argc, char **argv)
{
#define CASE(name) { #name, name }
	static const struct test_case cases[] = {
		CASE(bands), CASE(deadlines), CASE(ageing), CASE(fairness), { 0 }
	};

	return run_case(cases, argc, argv);
}
