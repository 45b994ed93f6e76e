// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared memory, and an eventfd each way to wake the other side: the floor. An
 * eventfd counts the messages that were put into the shared memory, so one call
 * tells of any number of them. The client copies its text in and the service its
 * vector; both are then used where they lie.
 */
#include <err.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

/* Slots in turn, depth of them: a text and a vector each. */
static size_t slot_size(const struct bench_work *work)
{
	return work->request + work->answer;
}

static size_t shared_size(const struct bench_work *work)
{
	return work->depth * slot_size(work);
}

static unsigned char *slot(struct bench_link *link, uint32_t seq)
{
	return (unsigned char *)link->priv +
	       seq % link->work->depth * slot_size(link->work);
}

static void setup(struct bench_link *link)
{
	int requests = eventfd(0, EFD_CLOEXEC), answers = eventfd(0, EFD_CLOEXEC);

	if (requests < 0 || answers < 0)
		err(1, "eventfd");
	link->priv = mmap(NULL, shared_size(link->work), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (link->priv == MAP_FAILED)
		err(1, "mmap");
	link->client_fd[0] = requests;
	link->client_fd[1] = answers;
	/* Both sides use both: each closes its own. */
	link->service_fd[0] = dup(answers);
	link->service_fd[1] = dup(requests);
	if (link->service_fd[0] < 0 || link->service_fd[1] < 0)
		err(1, "dup");
}

static void teardown(struct bench_link *link)
{
	munmap(link->priv, shared_size(link->work));
}

static void tell(int fd, uint64_t n)
{
	if (write(fd, &n, sizeof(n)) != sizeof(n))
		err(1, "eventfd: write");
}

static unsigned int hear(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) != sizeof(n))
		err(1, "eventfd: read");
	return (unsigned int)n;
}

static void serve(struct bench_link *link)
{
	const struct bench_work *work = link->work;
	uint32_t seq = 0;

	bench_ready(link);
	for (;;) {
		unsigned int n = hear(link->service_fd[1]);

		for (unsigned int i = 0; i < n; i++) {
			unsigned char *at = slot(link, seq++);

			bench_answer(link->vectors, at);
			memcpy(at + work->request, link->vectors, work->answer);
		}
		tell(link->service_fd[0], n);
	}
}

static void submit(struct bench_link *link, unsigned int n)
{
	size_t request = link->work->request;
	uint32_t first = link->submitted;

	bench_begin(link, n);
	for (unsigned int i = 0; i < n; i++)
		memcpy(slot(link, first + i), link->texts + i * request, request);
	tell(link->client_fd[0], n);
}

static unsigned int reap(struct bench_link *link)
{
	unsigned int n = hear(link->client_fd[1]);

	for (unsigned int i = 0; i < n; i++)
		bench_end(link, slot(link, link->reaped) + link->work->request);
	return n;
}

const struct bench_peer bench_eventfd = {
	.name = "eventfd-shm",
	.setup = setup,
	.serve = serve,
	.teardown = teardown,
	.submit = submit,
	.reap = reap,
};
