// SPDX-License-Identifier: GPL-2.0-only
/* Start a peer's service, make round trips, see what they took. */
#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

static volatile sig_atomic_t serving;

uint64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/*
 * Under qemu -icount shift=0 an instruction takes 1 ns of the guest's time. So
 * see what 2 million of them take, more than once: there are interrupts, too.
 */
bool bench_clock_counts_instructions(void)
{
#ifdef __x86_64__
	for (int i = 0; i < 5; i++) {
		uint64_t count = 1000000, begin = bench_now();
		uint64_t took;

		__asm__ volatile("1: dec %0; jnz 1b" : "+r"(count) : : "cc");
		took = bench_now() - begin;
		if (took < 1990000 || took > 2100000)
			return false;
	}
	return true;
#else
	return false;
#endif
}

void bench_ready(struct bench_link *link)
{
	if (write(link->ready_fd, "", 1) != 1)
		err(1, "the client does not want to know");
	close(link->ready_fd);
}

void bench_begin(struct bench_link *link, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		bench_stamp_text(link->texts + i * link->work->request,
				 bench_text_of(link->peer, link->submitted++));
}

void bench_end(struct bench_link *link, const void *vector)
{
	bench_check(link->work, vector, link->expected,
		    bench_text_of(link->peer, link->reaped++));
}

static void *zeroed(size_t size)
{
	/* On pages of its own, so that peers differ in nothing else. */
	size_t pages = (size + 4095) & ~(size_t)4095;
	void *p = aligned_alloc(4096, pages);

	if (!p)
		err(1, NULL);
	return memset(p, 0, pages);
}

static void make_link(struct bench_link *link)
{
	const struct bench_work *work = link->work;

	link->texts = zeroed(work->depth * work->request);
	link->vectors = zeroed(work->depth * work->answer);
	link->expected = zeroed(work->answer);
	/* A frame is a header, a body, and netlink's own. */
	link->room = work->depth * ((work->request > work->answer ? work->request :
				     work->answer) + 256);
	link->received = zeroed(link->room);
	for (unsigned int i = 0; i < work->depth; i++) {
		bench_text(work, link->texts + i * work->request);
		bench_vector(work, link->vectors + i * work->answer);
	}
	bench_vector(work, link->expected);
	for (int i = 0; i < 2; i++)
		link->client_fd[i] = link->service_fd[i] = -1;
}

static void close_both(int fd[2])
{
	if (fd[0] >= 0)
		close(fd[0]);
	if (fd[1] >= 0 && fd[1] != fd[0])
		close(fd[1]);
	fd[0] = fd[1] = -1;
}

static void free_link(struct bench_link *link)
{
	close_both(link->client_fd);
	free(link->texts);
	free(link->vectors);
	free(link->expected);
	free(link->received);
}

/* Some peers would wait for ever for the answer of a service that has failed. */
static void service_ended(int signal_number)
{
	(void)signal_number;
	if (serving)
		_exit(1);
}

static pid_t start_service(struct bench_link *link)
{
	pid_t parent = getpid(), pid;
	int ready[2];
	char byte;

	if (pipe(ready))
		err(1, "pipe");
	serving = 1;
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		signal(SIGCHLD, SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		close(ready[0]);
		close_both(link->client_fd);
		link->ready_fd = ready[1];
		link->peer->serve(link);
		errx(1, "%s: the service ended", link->peer->name);
	}
	close(ready[1]);
	close_both(link->service_fd);
	if (read(ready[0], &byte, 1) != 1)
		errx(1, "%s: the service did not start", link->peer->name);
	close(ready[0]);
	return pid;
}

static void stop_service(pid_t pid)
{
	serving = 0;
	kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) != pid)
		err(1, "waitpid");
}

/* As many round trips as asked for, as many as asked for at a time. */
void bench_trips(struct bench_link *link, unsigned int trips)
{
	const struct bench_peer *peer = link->peer;
	unsigned int left = trips, under_way = 0;

	if (link->work->depth == 1 && peer->call) {
		while (left--)
			peer->call(link);
		return;
	}
	while (left || under_way) {
		unsigned int n = link->work->depth - under_way;

		if (n > left)
			n = left;
		if (n)
			peer->submit(link, n);
		left -= n;
		under_way += n;
		under_way -= peer->reap(link);
	}
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void sum_up(struct bench_result *result, unsigned int n)
{
	double sorted[n];

	memcpy(sorted, result->trip, sizeof(sorted));
	qsort(sorted, n, sizeof(sorted[0]), ascending);
	result->median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
	result->spread = (sorted[n - 1] - sorted[0]) / result->median;
}

void bench_start(struct bench_link *link)
{
	/* One that is stopped has not ended. */
	const struct sigaction ended = {
		.sa_handler = service_ended,
		.sa_flags = SA_RESTART | SA_NOCLDSTOP,
	};

	sigaction(SIGCHLD, &ended, NULL);
	make_link(link);
	if (link->peer->setup)
		link->peer->setup(link);
	link->service = start_service(link);
	if (link->peer->connect)
		link->peer->connect(link);
}

void bench_stop(struct bench_link *link)
{
	stop_service(link->service);
	if (link->peer->teardown)
		link->peer->teardown(link);
	free_link(link);
}

void bench_measure(const struct bench_peer *peer, const struct bench_work *work,
		   const struct bench_plan *plan, struct bench_result *result)
{
	struct bench_link link = { .peer = peer, .work = work };
	unsigned int times = peer->times ? peer->times : 1;

	result->peer = peer;
	result->work = *work;
	result->trips = times * plan->trips;
	bench_start(&link);

	bench_trips(&link, times * plan->warm_up);
	for (unsigned int i = 0; i < plan->repeat; i++) {
		uint64_t begin = bench_now();

		bench_trips(&link, result->trips);
		result->trip[i] = (double)(bench_now() - begin) / result->trips;
	}

	bench_stop(&link);
	sum_up(result, plan->repeat);
}
