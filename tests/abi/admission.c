// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much is let in: rates and what may be held. Rates are of bytes, a few a
 * second: however slow the machine is, nothing comes back before it is looked at.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "abi.h"

enum { SIZE = 10 };			/* bytes of a request here, ten seconds of a rate of 1 */

static struct msg m;
static char content[4 << 20];

static void set(uint32_t field, uint64_t value)
{
	AT("field %u = %llu", field, (unsigned long long)value);
	EQUAL(config_set(field, value), 0);
	*current = '\0';
}

/* One request of SIZE bytes a bucket, and then none for ten seconds. */
static void limit_to_one(uint32_t bytes, uint32_t burst_ms)
{
	set(bytes, 1);
	set(burst_ms, SIZE * 1000);
}

static struct vexipc_embed request(size_t len)
{
	return embed_of(content, len, NULL, 0);
}

static int submit_as(struct peer *client, struct vexipc_embed e)
{
	return call(client->fd, VEXIPC_IOC_EMBED, &e);
}

static int submit(struct peer *client, size_t len)
{
	return submit_as(client, request(len));
}

/* Refused, and told when to come back. */
static void refused(struct peer *client, struct vexipc_embed e)
{
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), -EDQUOT);
	EQUAL(e.status, VEXIPC_ERR_RATE_LIMITED);
	CHECK(e.retry_after_ms > 0 && e.retry_after_ms <= SIZE * 1000);
}

static void take_one(struct peer *service)
{
	peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
}

static void of_user(void)
{
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_stats s;

	serve_as(service, "one");
	limit_to_one(VEXIPC_CONFIG_LIMIT_USER_BYTES, VEXIPC_CONFIG_LIMIT_USER_BURST_MS);
	EQUAL(submit(client, SIZE), 0);
	refused(client, request(SIZE));
	refused(client, request(1));
	/* It takes effect at once. */
	set(VEXIPC_CONFIG_LIMIT_USER_BURST_MS, 2 * SIZE * 1000);
	EQUAL(submit(client, SIZE), 0);
	refused(client, request(SIZE));
	set(VEXIPC_CONFIG_LIMIT_USER_BYTES, 0);
	EQUAL(submit(client, SIZE), 0);
	stats_of(&s);
	EQUAL(s.limited_user, 3);
	EQUAL(s.limited_session + s.limited_instance + s.limited_module + s.limited_service, 0);
	EQUAL(s.refused_by[VEXIPC_ERR_RATE_LIMITED], 3);
	EQUAL(s.held_bytes, 3 * SIZE);
	peer_close(client);
	peer_close(service);
	wait_idle();
	check_conserved();
	stats_of(&s);
	EQUAL(s.held_bytes, 0);
}

static void of_instance_and_module(void)
{
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_stats s;

	serve_as(service, "one");
	limit_to_one(VEXIPC_CONFIG_LIMIT_INSTANCE_BYTES, VEXIPC_CONFIG_LIMIT_INSTANCE_BURST_MS);
	EQUAL(submit(client, SIZE), 0);
	refused(client, request(SIZE));
	set(VEXIPC_CONFIG_LIMIT_INSTANCE_BYTES, 0);
	limit_to_one(VEXIPC_CONFIG_LIMIT_MODULE_BYTES, VEXIPC_CONFIG_LIMIT_MODULE_BURST_MS);
	EQUAL(submit(client, SIZE), 0);
	refused(client, request(SIZE));
	set(VEXIPC_CONFIG_LIMIT_MODULE_BYTES, 0);
	stats_of(&s);
	EQUAL(s.limited_instance, 1);
	EQUAL(s.limited_module, 1);
	peer_close(client);
	peer_close(service);
	wait_idle();
}

static void of_session(void)
{
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_embed e = request(SIZE);

	serve_as(service, "one");
	limit_to_one(VEXIPC_CONFIG_LIMIT_SESSION_BYTES, VEXIPC_CONFIG_LIMIT_SESSION_BURST_MS);
	for (uint64_t session = 1; session <= 3; session++) {
		e = request(SIZE);
		e.session = session;
		EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
		e = request(SIZE);
		e.session = session;
		refused(client, e);
	}
	/* What is of no session is not limited. */
	EQUAL(submit(client, SIZE), 0);
	EQUAL(submit(client, SIZE), 0);
	peer_close(client);
	peer_close(service);
	wait_idle();
}

/* A service that has had its share is passed over; when all have, it is told. */
static void of_service(void)
{
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *one = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *two = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_embed e = request(SIZE);
	struct vexipc_stats s;

	serve_as(one, "one");
	serve_as(two, "two");
	limit_to_one(VEXIPC_CONFIG_LIMIT_SERVICE_BYTES, VEXIPC_CONFIG_LIMIT_SERVICE_BURST_MS);
	e.service_ptr = (uintptr_t)"one";
	e.service_len = 3;
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
	e = request(SIZE);
	e.service_ptr = (uintptr_t)"one";
	e.service_len = 3;
	refused(client, e);
	/* Round robin would go to each in turn. */
	EQUAL(submit(client, SIZE), 0);
	refused(client, request(SIZE));
	take_one(one);
	take_one(two);
	peer_silent(one);
	peer_silent(two);
	stats_of(&s);
	EQUAL(s.limited_service, 2);
	/* What failed over is charged, and not refused. */
	peer_close(two);
	take_one(one);
	peer_close(client);
	peer_close(one);
	wait_idle();
	check_conserved();
}

/* A refusal by one bucket gives back what the others took. */
static void all_or_nothing(void)
{
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);

	serve_as(service, "one");
	limit_to_one(VEXIPC_CONFIG_LIMIT_USER_BYTES, VEXIPC_CONFIG_LIMIT_USER_BURST_MS);
	limit_to_one(VEXIPC_CONFIG_LIMIT_SERVICE_BYTES, VEXIPC_CONFIG_LIMIT_SERVICE_BURST_MS);
	limit_to_one(VEXIPC_CONFIG_LIMIT_INSTANCE_BYTES, VEXIPC_CONFIG_LIMIT_INSTANCE_BURST_MS);
	EQUAL(submit(client, SIZE), 0);
	set(VEXIPC_CONFIG_LIMIT_INSTANCE_BURST_MS, 2 * SIZE * 1000);
	set(VEXIPC_CONFIG_LIMIT_USER_BURST_MS, 2 * SIZE * 1000);
	/* The service refuses: the user and the instance keep theirs. */
	for (int i = 0; i < 5; i++)
		refused(client, request(SIZE));
	set(VEXIPC_CONFIG_LIMIT_SERVICE_BYTES, 0);
	/* Nobody can do this: no tokens are lost, either. */
	for (int i = 0; i < 3; i++) {
		struct vexipc_embed e = request(SIZE);

		e.model_ptr = (uintptr_t)"none";
		e.model_len = 4;
		CHECK(call(client->fd, VEXIPC_IOC_EMBED, &e) != -EDQUOT);
	}
	EQUAL(submit(client, SIZE), 0);
	refused(client, request(SIZE));
	peer_close(client);
	peer_close(service);
	wait_idle();
	check_conserved();
}

/* As a message, the ERROR that answers it tells when to come back. */
static void by_message(void)
{
	for (int t = 0; t < 2; t++) {
		struct peer *client = peer_open(both[t]);
		struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
		const struct vexipc_error_body *body;

		AT("%s", transport_name(both[t]));
		serve_as(service, "one");
		limit_to_one(VEXIPC_CONFIG_LIMIT_SERVICE_BYTES,
			     VEXIPC_CONFIG_LIMIT_SERVICE_BURST_MS);
		for (int i = 0; i < 2; i++) {
			msg_embed(&m, 1 + (uint64_t)i, content, SIZE, 0);
			EQUAL(peer_send(client, &m), 0);
		}
		peer_expect(client, &m, VEXIPC_MSG_ERROR);
		EQUAL(msg_header(&m)->correlation_id, 2);
		body = msg_body(&m);
		EQUAL(body->error, VEXIPC_ERR_RATE_LIMITED);
		CHECK(body->retry_after_ms > 0 && body->retry_after_ms <= SIZE * 1000);
		peer_close(client);
		peer_close(service);
		wait_idle();
	}
}

/* The same request, let in or not by how full the queues are. */
static void adaptive_rates(void)
{
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_embed e = request(1000);

	serve_as(service, "one");
	set(VEXIPC_CONFIG_MAX_QUEUE_SIZE, 11);
	/* Those of the normal band would be told to come back. */
	e.priority = VEXIPC_PRIORITY_HIGH;
	for (int i = 0; i < 9; i++)
		EQUAL(submit_as(client, e), 0);
	/* Two at once, and another after two minutes. */
	set(VEXIPC_CONFIG_LIMIT_USER_BYTES, 8);
	set(VEXIPC_CONFIG_LIMIT_USER_BURST_MS, 250000);
	EQUAL(submit_as(client, e), 0);
	set(VEXIPC_CONFIG_ADAPTIVE_RATES, 1);
	EQUAL(submit_as(client, e), -EDQUOT);
	set(VEXIPC_CONFIG_ADAPTIVE_RATES, 0);
	EQUAL(submit_as(client, e), 0);
	peer_close(client);
	peer_close(service);
	wait_idle();
	check_conserved();
}

/* ------------------------------------------------------------------- held -- */

static void held(void)
{
	static const struct {
		uint32_t field;
		uint64_t most;
	} bounds[] = {
		{ VEXIPC_CONFIG_MAX_BYTES, 2 * SIZE },
		{ VEXIPC_CONFIG_MAX_BYTES_PER_USER, 2 * SIZE },
		{ VEXIPC_CONFIG_MAX_REQUESTS_PER_USER, 2 },
		{ VEXIPC_CONFIG_MAX_BYTES_MODULE, 2 * SIZE },
		{ VEXIPC_CONFIG_MAX_REQUESTS_MODULE, 2 },
	};
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	uint64_t before;

	serve_as(service, "one");
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
		uint64_t first;

		EQUAL(config_get(bounds[i].field, &before), 0);
		set(bounds[i].field, bounds[i].most);
		AT("bound %zu", i);
		EQUAL(submit(client, SIZE), 0);
		EQUAL(submit(client, SIZE), 0);
		EQUAL(submit(client, SIZE), -EUSERS);
		/* An answer that was not read is still held. */
		take_one(service);
		first = msg_header(&m)->correlation_id;
		msg_answer(&m, first, 4, 0);
		EQUAL(peer_send(service, &m), 0);
		EQUAL(submit(client, SIZE), -EUSERS);
		peer_expect(client, &m, VEXIPC_MSG_EMBED_RESPONSE);
		EQUAL(submit(client, SIZE), 0);
		EQUAL(submit(client, SIZE), -EUSERS);
		peer_close(client);
		wait_idle();
		set(bounds[i].field, before);
	}
	/* What is larger than all there may be goes alone. */
	set(VEXIPC_CONFIG_MAX_BYTES, 1);
	{
		struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);

		EQUAL(submit(client, SIZE), 0);
		EQUAL(submit(client, 1), -EUSERS);
		peer_close(client);
	}
	peer_close(service);
	wait_idle();
	check_conserved();
}

static void enter_cgroup(const char *group)
{
	char path[256], pid[32];
	int fd;

	CHECK(group);
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	fd = open(path, O_WRONLY);
	CHECK(fd >= 0);
	EQUAL(write(fd, pid, (size_t)snprintf(pid, sizeof(pid), "%d", getpid())) > 0, 1);
	close(fd);
}

static void told_and_waits(const char *what)
{
	char byte;

	puts(what);
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
}

/*
 * memory CGROUP: in that cgroup, asks until there is no memory for more, and then
 * waits for the end of its input.
 */
static void memory(void)
{
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	uint32_t accepted = 0;
	int err;

	memset(content, 'x', sizeof(content));
	enter_cgroup(case_args[0]);
	while (!(err = submit(client, 1 << 20)) && accepted < 100)
		accepted++;
	EQUAL(err, -ENOMEM);
	printf("%u accepted\n", accepted);
	fflush(stdout);
	/* Small ones fail as well, or not: nobody is killed for it. */
	for (int i = 0; i < 100; i++) {
		err = submit(client, 4096);
		CHECK(!err || err == -ENOMEM);
	}
	told_and_waits("full");
	peer_close(client);
}

static const struct vexipc_msg_header *msg_at(const void *data, ssize_t at)
{
	return (const void *)((const char *)data + at);
}

/*
 * unread CGROUP SERVICE: in that cgroup, asks for more than there is memory for, and
 * reads what came of it at the end of its input: prints how many have a vector.
 */
static void unread(void)
{
	enum { MANY = 900, LONG = 8192 };
	uint32_t vectors = 0, failed = 0;
	struct peer *client;

	enter_cgroup(case_args[0]);
	client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	/* Who has no memory left is killed for the next page of his own. */
	EQUAL(mlockall(MCL_CURRENT | MCL_FUTURE), 0);
	for (int i = 0; i < MANY; i++) {
		struct vexipc_embed e = embed_of("text", 4, NULL, 0);

		e.dimensions = LONG;
		e.service_ptr = (uintptr_t)case_args[1];
		e.service_len = (uint32_t)strlen(case_args[1]);
		EQUAL(submit_as(client, e), 0);
	}
	told_and_waits("submitted");
	while (vectors + failed < MANY) {
		ssize_t len = read(client->fd, content, sizeof(content));

		CHECK(len > 0);
		for (ssize_t at = 0; at < len; at += msg_at(content, at)->length) {
			const struct vexipc_msg_header *header = msg_at(content, at);
			const struct vexipc_error_body *body = (const void *)(header + 1);

			if (header->message_type == VEXIPC_MSG_EMBED_RESPONSE) {
				vectors++;
				continue;
			}
			EQUAL(header->message_type, VEXIPC_MSG_ERROR);
			EQUAL(body->error, VEXIPC_ERR_NO_MEMORY);
			failed++;
		}
	}
	printf("%u vectors, %u without memory\n", vectors, failed);
	CHECK(vectors && failed);
	peer_close(client);
}

/* In another namespace than the first one. */
static void module_field(void)
{
	EQUAL(config_set(VEXIPC_CONFIG_LIMIT_MODULE_REQUESTS, 5), -EPERM);
	EQUAL(config_set(VEXIPC_CONFIG_MAX_BYTES_MODULE, 0), -EPERM);
	EQUAL(config_set(VEXIPC_CONFIG_LIMIT_INSTANCE_REQUESTS, 5), 0);
}

int main(int argc, char **argv)
{
#define CASE(name) { #name, name }
	static const struct test_case cases[] = {
		CASE(of_user), CASE(of_instance_and_module), CASE(of_session), CASE(of_service),
		CASE(all_or_nothing), CASE(by_message), CASE(adaptive_rates), CASE(held), CASE(memory),
		CASE(unread),
		CASE(module_field), { 0 }
	};

	return run_case(cases, argc, argv);
}
