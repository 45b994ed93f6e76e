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
#include <poll.h>

#include "faults.h"

enum { MOST = 5000, LONG = 64 << 10 };

struct peer *client[2], *service[2];
uint32_t client_transport, service_transport;
static bool of_client, of_service;
size_t size = 16;
uint32_t dims = 8;
struct msg m, a;
bool hedging;

/* ------------------------------------------------------------- the faults -- */

static atomic_uint budget;		/* fault points until the one that fails; 0: none does */
atomic_bool fired;
static atomic_int inside;
static __thread int control = -1;
unsigned int errors[FAULT_ERRORS];

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

void around(const struct peer *p, bool before)
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
int call_of(const struct peer *p, unsigned long number, void *arg)
{
	int err;

	around(p, true);
	err = call(p->fd, number, arg);
	around(p, false);
	return err;
}

/* No faults from here on, and all calls are over. */
void calm(void)
{
	while (inside)
		poll(NULL, 0, 1);
	budget = 0;
}

bool by_fault(int err)
{
	return err == -ENOMEM || err == -EFAULT || err == -ENOBUFS;
}

/* Of a call: it succeeds, or the fault is why it does not. */
int came_of(int err)
{
	if (err) {
		CHECK(fired);
		if (!by_fault(err))
			EQUAL(err, 0);
		errors[-err]++;
	}
	return err;
}

void sweep(void (*scene)(unsigned int n))
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

void config(uint32_t field, uint64_t value)
{
	EQUAL(config_set(field, value), 0);
}

struct peer *open_one(uint32_t transport)
{
	struct peer *p = peer_open(transport);

	p->read_room = 4 << 20;
	return p;
}

void open_all(unsigned int clients, unsigned int services)
{
	for (unsigned int i = 0; i < clients; i++)
		client[i] = open_one(client_transport);
	for (unsigned int i = 0; i < services; i++) {
		service[i] = open_one(service_transport);
		serve_as(service[i], i ? "two" : "one");
	}
}

void close_all(void)
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
bool take(struct peer *p)
{
	int err;

	do
		err = peer_recv(p, &m, 0);
	while (err != -EAGAIN && came_of(err));
	return !err;
}

/* Of an answer: where requests are hedged, somebody else may have given one before. */
static int came_of_answer(int err)
{
	return hedging && err == -ESRCH ? 0 : came_of(err);
}

/* Answer a request. An answer that was refused may be given again. */
void answer(struct peer *p, struct msg *request)
{
	if (server_answer(dims, request, &a))
		while (came_of_answer(peer_send(p, &a)))
			;
}

/* Answer all that there is. */
bool serve(struct peer *p)
{
	bool any = false;

	while (p && take(p)) {
		any = true;
		answer(p, &m);
	}
	return any;
}

/* Content of @size bytes that begins with a number. */
char *content_of(unsigned int number)
{
	char *content = malloc(size + 16);

	memset(content, 'x', size + 16);
	memcpy(content, content + 8, 8);
	snprintf(content, 16, "%07u", number);
	content[7] = ':';
	return content;
}

int main(int argc, char **argv)
{
#define CASE(name) { #name, scene_##name }
	static const struct test_case cases[] = {
		CASE(request), CASE(batch_request), CASE(carried), CASE(cached), CASE(coalesced),
		CASE(overflow), CASE(refused), CASE(hedged), CASE(batch), CASE(batch_room),
		CASE(submission), CASE(uring), CASE(life), CASE(life_by_message), CASE(admin_tokens), CASE(admin_rules),
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
