// SPDX-License-Identifier: GPL-2.0-only
/*
 * HAProxy: HTTP/1.1 over unix sockets, balanced to four services. As many connections
 * are kept open as there are round trips under way, each of which has one at a time.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { SERVICES = 4, CONNECT_TRIES = 500, HTTP_HEAD = 256 };

struct http {
	pid_t proxy;
	char config[64];
	int fd[BENCH_MAX_DEPTH];	/* the client's connections */
};

static struct sockaddr_un address(pid_t client, unsigned int n)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	snprintf(name.sun_path, sizeof(name.sun_path), "/tmp/vexipc-bench-%d.%u", (int)client, n);
	return name;
}

/*
 * maxconn is what makes a proxy keep idle connections to services: it closes them when
 * it has a fifth as many.
 * Service i listens at address i, the proxy at address SERVICES.
 */
static void write_config(const char *path)
{
	FILE *to = fopen(path, "we");

	if (!to)
		err(1, "%s", path);
	fprintf(to, "global\n\tnbthread 1\n\tmaxconn 4096\ndefaults\n\tmode http\n"
		"\ttimeout connect 60s\n\ttimeout client 1h\n\ttimeout server 1h\n"
		"\thttp-reuse always\nlisten bench\n\tbalance roundrobin\n\tbind unix@%s\n",
		address(getpid(), SERVICES).sun_path);
	for (unsigned int i = 0; i < SERVICES; i++)
		fprintf(to, "\tserver s%u unix@%s\n", i, address(getpid(), i).sun_path);
	if (fclose(to))
		err(1, "%s", path);
}

static void setup(struct bench_link *link)
{
	struct http *http = calloc(1, sizeof(*http));
	pid_t parent = getpid();

	if (!http)
		err(1, NULL);
	link->priv = http;
	snprintf(http->config, sizeof(http->config), "/tmp/vexipc-bench-%d.cfg", (int)parent);
	write_config(http->config);
	http->proxy = fork();
	if (http->proxy < 0)
		err(1, "fork");
	if (!http->proxy) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		execl("/usr/sbin/haproxy", "haproxy", "-q", "-db", "-f", http->config, NULL);
		err(1, "haproxy");
	}
}

/* A message is a head, which ends with an empty line, and @body bytes. */
static void send_http(int fd, const char *head, const void *body, size_t len)
{
	const struct iovec parts[] = { { (void *)head, strlen(head) }, { (void *)body, len } };
	const struct msghdr message = { .msg_iov = (struct iovec *)parts, .msg_iovlen = 2 };

	if (sendmsg(fd, &message, MSG_NOSIGNAL) != (ssize_t)(parts[0].iov_len + len))
		err(1, "haproxy: send");
}

/* The body; NULL if @flags say not to wait and none has come, or the connection ended. */
static void *receive_http(int fd, unsigned char *buffer, size_t body, int flags)
{
	size_t have = 0;

	for (;;) {
		ssize_t n = recv(fd, buffer + have, HTTP_HEAD + body - have, have ? 0 : flags);
		unsigned char *end;

		if (!have && (!n || (n < 0 && errno == EAGAIN)))
			return NULL;
		if (n <= 0)
			err(1, "haproxy: receive");
		have += (size_t)n;
		end = memmem(buffer, have < HTTP_HEAD ? have : HTTP_HEAD, "\r\n\r\n", 4);
		if (end && have == (size_t)(end + 4 - buffer) + body)
			return end + 4;
	}
}

static int listen_at(const struct sockaddr_un *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(name->sun_path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)name, sizeof(*name)) || listen(fd, 128))
		err(1, "%s", name->sun_path);
	return fd;
}

static void watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		err(1, "haproxy: a connection");
}

static _Noreturn void serve_http(struct bench_link *link, int listener)
{
	const struct bench_work *work = link->work;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	char head[HTTP_HEAD];

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\ncontent-length: %zu\r\n\r\n", work->answer);
	watch(epoll, listener);
	for (;;) {
		struct epoll_event events[BENCH_MAX_DEPTH];
		int n = epoll_wait(epoll, events, BENCH_MAX_DEPTH, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			const void *text;

			if (fd == listener) {
				watch(epoll, accept(listener, NULL, NULL));
				continue;
			}
			text = receive_http(fd, link->received, work->request, 0);
			if (!text) {
				close(fd);
				continue;
			}
			bench_answer(link->vectors, text);
			send_http(fd, head, link->vectors, work->answer);
		}
	}
}

static void serve(struct bench_link *link)
{
	pid_t client = getppid(), first = getpid();
	int listeners[SERVICES];

	for (unsigned int i = 0; i < SERVICES; i++) {
		struct sockaddr_un name = address(client, i);

		listeners[i] = listen_at(&name);
	}
	for (unsigned int i = 1; i < SERVICES; i++)
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != first)
				_exit(1);
			serve_http(link, listeners[i]);
		}
	bench_ready(link);
	serve_http(link, listeners[0]);
}

static void connect_client(struct bench_link *link)
{
	const struct sockaddr_un name = address(getpid(), SERVICES);
	struct http *http = link->priv;

	for (unsigned int i = 0; i < link->work->depth; i++) {
		http->fd[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		/* The proxy may still be starting. */
		for (unsigned int t = 0; connect(http->fd[i], (const void *)&name, sizeof(name)); t++) {
			if (t == CONNECT_TRIES)
				err(1, "haproxy: connect");
			usleep(20000);
		}
	}
}

static void teardown(struct bench_link *link)
{
	struct http *http = link->priv;

	for (unsigned int i = 0; i < link->work->depth; i++)
		close(http->fd[i]);
	kill(http->proxy, SIGKILL);
	waitpid(http->proxy, NULL, 0);
	for (unsigned int i = 0; i <= SERVICES; i++)
		unlink(address(getpid(), i).sun_path);
	unlink(http->config);
	free(http);
}

static void submit(struct bench_link *link, unsigned int n)
{
	const struct bench_work *work = link->work;
	const struct http *http = link->priv;
	char head[HTTP_HEAD];

	snprintf(head, sizeof(head), "POST / HTTP/1.1\r\nhost: bench\r\ncontent-length: %zu\r\n\r\n",
		 work->request);
	while (n--) {
		int fd = http->fd[link->submitted % work->depth];

		bench_begin(link, 1);
		send_http(fd, head, link->texts, work->request);
	}
}

static unsigned int reap(struct bench_link *link)
{
	const struct bench_work *work = link->work;
	const struct http *http = link->priv;
	unsigned int n = 0;

	while (link->reaped != link->submitted) {
		const void *vector = receive_http(http->fd[link->reaped % work->depth],
						  link->received, work->answer,
						  n ? MSG_DONTWAIT : 0);

		if (!vector && n)
			break;
		if (!vector)
			errx(1, "haproxy: the connection ended");
		bench_end(link, vector);
		n++;
	}
	return n;
}

const struct bench_peer bench_haproxy = {
	.name = "haproxy",
	.times = 4,
	.needs = "/usr/sbin/haproxy",
	.setup = setup,
	.serve = serve,
	.connect = connect_client,
	.teardown = teardown,
	.submit = submit,
	.reap = reap,
};
