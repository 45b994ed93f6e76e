// SPDX-License-Identifier: GPL-2.0-only
/*
 * life-client: clients that do one thing and say what came of it.
 *
 *   life-client sync [MS]	one blocking ioctl, with that timeout; SIGUSR1
 *				interrupts it. Prints "ERRNO STATUS ATTEMPTS".
 *   life-client nonblock	asynchronous requests with read, poll, epoll and
 *				FIONREAD, without ever blocking in read
 *   life-client cancel		cancels a request that a service holds, twice
 *   life-client close		closes the descriptor with requests under way
 *   life-client threads TRANSPORT THREADS REQUESTS
 *				each thread embeds so many texts through one client
 *   life-client flood TRANSPORT REQUESTS
 *				submits them all, prints "submitted", then takes the
 *				completions: each request's exactly once
 *
 * Exit status 0 if all was as it has to be; what was not is on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "life.h"

#define check(condition) do {					\
		if (!(condition))				\
			die("line %d: not so: %s (errno %s)", __LINE__, #condition, \
			    strerrorname_np(errno));		\
	} while (0)

static int open_device(int flags)
{
	int fd = open(VEXIPC_DEVICE, O_RDWR | O_CLOEXEC | flags);

	if (fd < 0)
		die("cannot open " VEXIPC_DEVICE ": %s", strerror(errno));
	return fd;
}

/* Submit the text of a number. */
static uint64_t submit(int fd, uint32_t number)
{
	char text[LIFE_TEXT];
	struct vexipc_embed arg = {
		.data_ptr = (uintptr_t)text,
		.data_size = (uint32_t)life_text(text, number),
		.dimensions = LIFE_DIMS,
	};

	check(!ioctl(fd, VEXIPC_IOC_EMBED, &arg));
	check(arg.request_id);
	return arg.request_id;
}

/* Read what there is; give the message at @at and move on. */
struct reader {
	int fd;
	char buf[4096];
	size_t len, at;
};

static int next(struct reader *r, struct vexipc_message *message)
{
	ssize_t n;

	if (r->at == r->len) {
		n = read(r->fd, r->buf, sizeof(r->buf));
		if (n < 0)
			return -errno;
		r->len = (size_t)n;
		r->at = 0;
	}
	n = vexipc_message_parse(r->buf + r->at, r->len - r->at, message);
	check(n > 0);
	r->at += (size_t)n;
	return 0;
}

static bool answers(const struct vexipc_message *message, uint64_t id, uint32_t number)
{
	const struct vexipc_embed_response_body *body = message->body;

	return message->type == VEXIPC_MSG_EMBED_RESPONSE && body->request_id == id &&
	       life_vector_is(body + 1, body->vector_bytes, number);
}

static int sync_one(int argc, char **argv)
{
	char text[LIFE_TEXT];
	float vector[LIFE_DIMS];
	struct vexipc_embed arg = {
		.data_ptr = (uintptr_t)text,
		.data_size = (uint32_t)life_text(text, 7),
		.dimensions = LIFE_DIMS,
		.result_ptr = (uintptr_t)vector,
		.result_size = sizeof(vector),
		.timeout_ms = argc > 2 ? life_number(argv[2]) : 0,
	};
	int fd = open_device(0), err;

	err = ioctl(fd, VEXIPC_IOC_EMBED, &arg) ? -errno : 0;
	printf("%s %s %u\n", life_errno(err), vexipc_error_name(arg.status), arg.attempts);
	check(err || life_vector_is(vector, arg.vector_bytes, 7));
	return 0;
}

static int nonblock(int argc, char **argv)
{
	int fd = open_device(O_NONBLOCK), ep = epoll_create1(EPOLL_CLOEXEC), size;
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct reader reader = { .fd = fd };
	struct vexipc_message message;
	uint64_t id[3];

	(void)argc;
	(void)argv;
	check(next(&reader, &message) == -EAGAIN);
	check(poll(&pollfd, 1, 0) == 0);
	check(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	check(epoll_wait(ep, &event, 1, 0) == 0);
	check(!ioctl(fd, FIONREAD, &size) && size == 0);

	id[0] = submit(fd, 10);
	check(poll(&pollfd, 1, -1) == 1 && pollfd.revents == POLLIN);
	check(epoll_wait(ep, &event, 1, -1) == 1);
	check(!ioctl(fd, FIONREAD, &size));
	check(size == (int)(sizeof(struct vexipc_msg_header) +
			    sizeof(struct vexipc_embed_response_body) + LIFE_DIMS * 4));
	/* Too little room loses nothing. */
	check(read(fd, reader.buf, sizeof(struct vexipc_msg_header)) < 0 && errno == EMSGSIZE);
	check(next(&reader, &message) == 0 && answers(&message, id[0], 10));
	check(next(&reader, &message) == -EAGAIN);
	check(poll(&pollfd, 1, 0) == 0);

	/* Several, in any order, each once; edge-triggered epoll tells of each edge. */
	for (uint32_t i = 0; i < 3; i++)
		id[i] = submit(fd, i);
	for (uint32_t got = 0; got < 3;) {
		check(epoll_wait(ep, &event, 1, -1) == 1);
		while (!next(&reader, &message)) {
			uint32_t i = 0;

			while (i < 3 && !answers(&message, id[i], i))
				i++;
			check(i < 3);
			id[i] = 0;
			got++;
		}
		check(errno == EAGAIN);
	}
	check(poll(&pollfd, 1, 0) == 0);
	puts("ok");
	return 0;
}

/* Until so many requests are in a service's hands. */
static void wait_in_flight(int fd, uint64_t count)
{
	struct vexipc_stats stats;

	do {
		memset(&stats, 0, sizeof(stats));
		check(!ioctl(fd, VEXIPC_IOC_STATS, &stats));
	} while (stats.in_flight < count && !poll(NULL, 0, 1));
}

static int cancel(int argc, char **argv)
{
	struct vexipc_cancel arg = { 0 };
	const struct vexipc_error_body *body;
	struct vexipc_message message;
	struct reader reader = { .fd = open_device(0) };
	int other = open_device(0);

	(void)argc;
	(void)argv;
	arg.request_id = submit(reader.fd, 1);
	wait_in_flight(other, 1);
	check(ioctl(other, VEXIPC_IOC_CANCEL, &arg) < 0 && errno == ESRCH);
	check(!ioctl(reader.fd, VEXIPC_IOC_CANCEL, &arg));
	check(ioctl(reader.fd, VEXIPC_IOC_CANCEL, &arg) < 0 && errno == ESRCH);
	check(!next(&reader, &message));
	body = message.body;
	check(message.type == VEXIPC_MSG_ERROR);
	check(body->request_id == arg.request_id && body->error == VEXIPC_ERR_CANCELLED);
	check(ioctl(reader.fd, VEXIPC_IOC_CANCEL, &arg) < 0 && errno == ESRCH);
	check(!fcntl(reader.fd, F_SETFL, O_NONBLOCK));
	check(next(&reader, &message) == -EAGAIN);
	puts("ok");
	return 0;
}

static int close_early(int argc, char **argv)
{
	int fd = open_device(0);

	(void)argc;
	(void)argv;
	for (uint32_t i = 0; i < 5; i++)
		submit(fd, i);
	wait_in_flight(fd, 5);
	close(fd);
	puts("closed");
	return 0;
}

/* ------------------------------------------------------------- threads -- */

static struct vexipc_client *client;
static uint32_t requests;

static void *embed_some(void *arg)
{
	uint32_t begin = (uint32_t)(uintptr_t)arg * requests;
	struct vexipc_result result = { 0 };

	for (uint32_t i = 0; i < requests; i++) {
		char text[LIFE_TEXT];
		int len = life_text(text, begin + i), err;
		struct vexipc_embed_params params = life_params(text, len);

		err = vexipc_embed(client, &params, &result);
		if (err)
			die("text %s: %s", text, life_errno(err));
		if (!life_vector_is(result.vector, result.vector_bytes, begin + i))
			die("text %s has another's vector", text);
	}
	vexipc_result_free(&result);
	return NULL;
}

static int threads(int argc, char **argv)
{
	pthread_t thread[64];
	uint32_t n;

	check(argc == 5);
	client = life_client(life_transport(argv[2]));
	n = life_number(argv[3]);
	requests = life_number(argv[4]);
	check(n <= 64);
	for (uint32_t i = 0; i < n; i++)
		check(!pthread_create(&thread[i], NULL, embed_some, (void *)(uintptr_t)i));
	for (uint32_t i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	vexipc_client_close(client);
	puts("ok");
	return 0;
}

/* --------------------------------------------------------------- flood -- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int flood(int argc, char **argv)
{
	struct vexipc_completion completion = { 0 };
	uint64_t *sent, *got;
	int err;

	check(argc == 4);
	client = life_client(life_transport(argv[2]));
	requests = life_number(argv[3]);
	sent = calloc(requests, sizeof(*sent));
	got = calloc(requests, sizeof(*got));
	check(sent && got);
	for (uint32_t i = 0; i < requests; i++) {
		char text[LIFE_TEXT];
		struct vexipc_embed_params params = life_params(text, life_text(text, i));

		err = vexipc_embed_submit(client, &params, &sent[i]);
		if (err)
			die("cannot submit request %u: %s", i + 1, life_errno(err));
	}
	puts("submitted");
	fflush(stdout);
	for (uint32_t i = 0; i < requests; i++) {
		err = vexipc_client_next(client, &completion, -1);
		if (err || completion.result.error)
			die("completion %u: %s", i + 1, err ? life_errno(err) :
			    vexipc_error_name(completion.result.error));
		got[i] = completion.result.request_id;
	}
	/* The same ids, each as often as it was submitted: once. */
	qsort(sent, requests, sizeof(*sent), by_value);
	qsort(got, requests, sizeof(*got), by_value);
	for (uint32_t i = 0; i < requests; i++) {
		check(sent[i] == got[i]);
		check(!i || got[i] != got[i - 1]);
	}
	check(vexipc_client_next(client, &completion, 0) == -EAGAIN);
	vexipc_client_close(client);
	puts("ok");
	return 0;
}

static void on_signal(int signal_number)
{
	(void)signal_number;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} tests[] = {
		{ "sync", sync_one }, { "nonblock", nonblock }, { "cancel", cancel },
		{ "close", close_early }, { "threads", threads }, { "flood", flood },
	};
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	for (size_t i = 0; argc > 1 && i < sizeof(tests) / sizeof(tests[0]); i++)
		if (!strcmp(argv[1], tests[i].name))
			return tests[i].run(argc, argv);
	fprintf(stderr, "life-client: which test?\n");
	return 2;
}
