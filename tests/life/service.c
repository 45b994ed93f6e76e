// SPDX-License-Identifier: GPL-2.0-only
/*
 * life-service: services that do what a test tells them.
 *
 *   life-service [OPTION...] ID
 *
 *   -n N	register N services: ID-0001, ID-0002, ...
 *   -t NAME	through netlink, chardev, or by turns ("mix")
 *   -m MODE	what to do with requests: answer (default), hold, fail, retry,
 *		overload
 *   -d N	say that vectors have N dimensions only
 *   -c N	take at most N requests at once
 *   -b N	take batches of N
 *   -M NAME	have this model
 *   -p N	priority
 *   -w N	weight
 *   -r BYTES	room in the services' netlink sockets, once they are registered
 *   -i FIFO	where commands come from, one a line
 *
 * It prints "ready HANDLE" when all are registered, or "refused N ERRNO" when the
 * N-th was not, and goes on with those that are. Each request is told with
 * "request ID TEXT", each health check with "probe ID", the end of a service
 * by the module with "gone ID". Commands, each answered with "done COMMAND" and
 * what came of it:
 *
 *   mode MODE		from now on
 *   flush		do to requests held what the mode says
 *   probes on|off	answer health checks, or not
 *   heartbeat		send one for each service
 *   unregister		end the services; "done unregister FAILED_OVER"
 *   drain		take nothing new and end when idle
 *   close		close the services' descriptors
 *   exec		become another program, which waits for ever
 *   fork		have a child that shares the descriptors
 *   quit		exit
 *
 * The vector of a text that is a number has that number as element 0, the next
 * one as element 1 and so on; of another text, 0 and on. Batches likewise.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vexipc/vexipc.h>

enum mode { ANSWER, HOLD, FAIL, RETRY, OVERLOAD };

enum { DIMS = 8, MOST_BATCH = 64 };

static const char *const mode_names[] = { "answer", "hold", "fail", "retry", "overload", NULL };

struct service {
	char id[VEXIPC_MAX_NAME + 1];
	struct vexipc_service *svc;
};

struct held {
	struct held *next;
	struct service *of;
	struct vexipc_request request;
};

static struct service *services;
static uint32_t count;
static struct held *first, **last = &first;
static enum mode mode;
static uint32_t dims = DIMS;
static int socket_room;
static bool probes = true, draining;
static int epoll_fd, command_fd = -1;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line, written at once. */
static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static void fail(const char *what, int err)
{
	fprintf(stderr, "life-service: %s: %s\n", what, strerror(-err));
	exit(1);
}

static void parse_mode(const char *name)
{
	for (unsigned int i = 0; mode_names[i]; i++) {
		if (!strcmp(mode_names[i], name)) {
			mode = i;
			return;
		}
	}
	fprintf(stderr, "life-service: no mode '%s'\n", name);
	exit(2);
}

static void fill(float *v, uint32_t n, const void *content, size_t len)
{
	char text[16] = "";
	float begin;

	memcpy(text, content, len < sizeof(text) ? len : sizeof(text) - 1);
	begin = (float)strtoul(text, NULL, 10);
	for (uint32_t i = 0; i < n; i++)
		v[i] = begin + (float)i;
}

static int answer(struct vexipc_service *svc, struct vexipc_request *request)
{
	static float floats[MOST_BATCH][VEXIPC_MAX_DIMENSIONS];
	struct vexipc_vector vectors[MOST_BATCH] = { 0 };
	uint32_t n = request->dimensions ? request->dimensions : dims, i = 0;
	const void *content;
	size_t len;

	while (i < MOST_BATCH && vexipc_request_item(request, &content, &len)) {
		fill(floats[i], n, content, len);
		vectors[i] = (struct vexipc_vector) {
			.data = floats[i], .bytes = n * sizeof(float), .dimensions = n,
		};
		i++;
	}
	if (request->type == VEXIPC_MSG_BATCH_REQUEST)
		return vexipc_service_answer_batch(svc, request, vectors);
	return vexipc_service_answer_floats(svc, request, floats[0], n);
}

static void act(struct vexipc_service *svc, struct vexipc_request *request)
{
	switch (mode) {
	case ANSWER:
		answer(svc, request);
		break;
	case FAIL:
		vexipc_service_fail(svc, request, VEXIPC_ERR_SERVICE_FAILED, 0, 0, "as told");
		break;
	case RETRY:
		vexipc_service_fail(svc, request, VEXIPC_ERR_SERVICE_FAILED,
				    VEXIPC_ERROR_RETRY, 0, "as told");
		break;
	case OVERLOAD:
		vexipc_service_fail(svc, request, VEXIPC_ERR_OVERLOADED,
				    VEXIPC_ERROR_RETRY | VEXIPC_ERROR_OVERLOAD, 0, "as told");
		break;
	case HOLD:
		break;
	}
}

static void flush(void)
{
	while (first) {
		struct held *h = first;

		first = h->next;
		act(h->of->svc, &h->request);
		vexipc_request_free(&h->request);
		free(h);
	}
	last = &first;
}

static void hold(struct service *s, struct vexipc_request *request)
{
	struct held *h = calloc(1, sizeof(*h));

	if (!h)
		fail("hold", -ENOMEM);
	h->of = s;
	h->request = *request;
	*request = (struct vexipc_request) { 0 };
	*last = h;
	last = &h->next;
}

static void take(struct service *s)
{
	struct vexipc_request request = { 0 };
	int err;

	while (s->svc) {
		err = vexipc_service_next(s->svc, &request, probes ? 0 : VEXIPC_NEXT_HEALTH, 0);
		if (err == -EAGAIN || err == -EINTR)
			break;
		if (err == -ESHUTDOWN) {
			vexipc_service_close(s->svc);
			s->svc = NULL;
			say("gone %s", s->id);
			break;
		}
		if (err)
			fail("next", err);
		if (request.type == VEXIPC_MSG_HEALTH_CHECK) {
			say("probe %s", s->id);
			continue;
		}
		say("request %s %.*s", s->id,
		    request.count == 1 ? (int)request.content_len : 0,
		    (const char *)request.content);
		if (mode == HOLD)
			hold(s, &request);
		else
			act(s->svc, &request);
	}
	vexipc_request_free(&request);
}

/* ------------------------------------------------------------ commands -- */

static void each(int (*do_it)(struct vexipc_service *svc))
{
	for (uint32_t i = 0; i < count; i++) {
		int err = services[i].svc ? do_it(services[i].svc) : 0;

		if (err < 0)
			fail("command", err);
	}
}

static void close_all(void)
{
	for (uint32_t i = 0; i < count; i++) {
		vexipc_service_close(services[i].svc);
		services[i].svc = NULL;
	}
}

static int unregister_all(void)
{
	int total = 0;

	for (uint32_t i = 0; i < count; i++) {
		int n = vexipc_service_unregister(services[i].svc);

		if (n < 0)
			fail("unregister", n);
		total += n;
		vexipc_service_close(services[i].svc);
		services[i].svc = NULL;
	}
	return total;
}

static void have_child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork", -errno);
	if (!pid)
		for (;;)
			pause();
	say("done fork %d", (int)pid);
}

static void command(char *line)
{
	if (!strncmp(line, "mode ", 5)) {
		parse_mode(line + 5);
	} else if (!strcmp(line, "flush")) {
		flush();
	} else if (!strcmp(line, "probes on") || !strcmp(line, "probes off")) {
		probes = !strcmp(line, "probes on");
	} else if (!strcmp(line, "heartbeat")) {
		each(vexipc_service_heartbeat);
	} else if (!strcmp(line, "drain")) {
		each(vexipc_service_drain);
		draining = true;
	} else if (!strcmp(line, "unregister")) {
		say("done unregister %d", unregister_all());
		return;
	} else if (!strcmp(line, "close")) {
		close_all();
	} else if (!strcmp(line, "fork")) {
		have_child();
		return;
	} else if (!strcmp(line, "exec")) {
		say("done exec");
		execlp("sleep", "sleep", "infinity", NULL);
		fail("exec", -errno);
	} else if (!strcmp(line, "quit")) {
		say("done quit");
		exit(0);
	} else {
		fprintf(stderr, "life-service: no command '%s'\n", line);
		exit(2);
	}
	say("done %s", line);
}

static void take_commands(void)
{
	static char buf[4096];
	static size_t len;
	ssize_t n = read(command_fd, buf + len, sizeof(buf) - 1 - len);
	char *end;

	if (n <= 0)
		return;
	len += (size_t)n;
	buf[len] = '\0';
	while ((end = strchr(buf, '\n'))) {
		char line[sizeof(buf)];

		*end++ = '\0';
		memcpy(line, buf, (size_t)(end - buf));
		len -= (size_t)(end - buf);
		memmove(buf, end, len + 1);
		command(line);
	}
}

/* --------------------------------------------------------- registration -- */

static bool watch(int fd, uint32_t index)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = index };

	return !epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* The library's sockets are its own: of those there are, the ones of netlink. */
static void make_room(void)
{
	for (int fd = 0; fd < 64; fd++) {
		socklen_t len = sizeof(int);
		int domain;

		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) ||
		    domain != AF_NETLINK)
			continue;
		if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &socket_room, sizeof(socket_room)))
			fail("room", -errno);
	}
}

static void open_all(struct vexipc_service_config *config, const char *id, bool many, bool mix)
{
	uint32_t wanted = count;

	services = calloc(wanted, sizeof(*services));
	if (!services)
		fail("begin", -ENOMEM);
	for (count = 0; count < wanted; count++) {
		struct service *s = &services[count];
		int err;

		snprintf(s->id, sizeof(s->id), many ? "%s-%04u" : "%s", id, count + 1);
		config->id = s->id;
		if (mix)
			config->transport = count % 2 ? VEXIPC_TRANSPORT_NETLINK :
					    VEXIPC_TRANSPORT_CHARDEV;
		err = vexipc_service_open(config, &s->svc);
		if (err) {
			say("refused %u %s", count + 1, strerrorname_np(-err));
			if (!count)
				exit(1);
			break;
		}
		if (!watch(vexipc_service_fd(s->svc), count))
			fail("watch", -errno);
	}
	if (socket_room)
		make_room();
	say("ready 0x%" PRIx64, vexipc_service_handle(services[0].svc));
}

int main(int argc, char **argv)
{
	struct vexipc_service_config config = { .dimensions_count = 0 };
	const char *models[2] = { NULL, NULL };
	struct epoll_event events[64];
	bool many = false, mix = false;
	int opt;

	count = 1;
	while ((opt = getopt(argc, argv, "n:t:m:d:c:b:M:p:w:r:i:")) != -1) {
		switch (opt) {
		case 'n':
			count = (uint32_t)atoi(optarg);
			many = true;
			break;
		case 't':
			mix = !strcmp(optarg, "mix");
			if (!mix && vexipc_transport_parse(optarg, &config.transport))
				return 2;
			break;
		case 'm':
			parse_mode(optarg);
			break;
		case 'd':
			dims = (uint32_t)atoi(optarg);
			config.dimensions = &dims;
			config.dimensions_count = 1;
			break;
		case 'c':
			config.max_concurrent = (uint32_t)atoi(optarg);
			break;
		case 'b':
			config.max_batch = (uint32_t)atoi(optarg);
			break;
		case 'M':
			models[0] = optarg;
			config.models = models;
			break;
		case 'p':
			config.priority = (uint32_t)atoi(optarg);
			break;
		case 'w':
			config.weight = (uint32_t)atoi(optarg);
			break;
		case 'r':
			socket_room = atoi(optarg);
			break;
		case 'i':
			/* For writing too, or its end would be seen between two commands. */
			command_fd = open(optarg, O_RDWR | O_CLOEXEC);
			if (command_fd < 0)
				fail(optarg, -errno);
			break;
		default:
			return 2;
		}
	}
	if (optind + 1 != argc)
		return 2;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (command_fd >= 0 && !watch(command_fd, UINT32_MAX))
		fail("watch", -errno);
	open_all(&config, argv[optind], many, mix);
	for (;;) {
		int n = epoll_wait(epoll_fd, events, 64, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.u32 == UINT32_MAX)
				take_commands();
			else
				take(&services[events[i].data.u32]);
		}
		/* The library asks the module whether it is over each time. */
		if (draining)
			poll(NULL, 0, 20);
	}
}
