// SPDX-License-Identifier: GPL-2.0-only
/* The loop: what is due is done, then it waits for what comes next. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

static const uint64_t heartbeat_ns = 5000000000u;

/* Services are told by their number, clients by what is beyond. */
static void watch(const struct sim *sim, int fd, uint32_t number)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = number };

	if (epoll_ctl(sim->epoll, EPOLL_CTL_ADD, fd, &event))
		die("epoll: %s", strerror(errno));
}

static void wait_for(struct sim *sim, uint64_t until_ns)
{
	struct epoll_event events[2 * MOST_SERVICES];
	uint64_t now = now_ns(), ns = until_ns > now ? until_ns - now : 0;
	struct timespec timeout = {
		.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u),
	};
	int n = epoll_pwait2(sim->epoll, events, 2 * MOST_SERVICES, &timeout, NULL);

	if (n < 0 && errno != EINTR)
		die("epoll: %s", strerror(errno));
	for (int i = 0; i < n; i++) {
		uint32_t number = events[i].data.u32;

		if (number < MOST_SERVICES)
			service_read(sim, &sim->service[number]);
		else
			client_read(sim, sim->client[number - MOST_SERVICES]);
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t joins_ns(const struct sim *sim, uint32_t number)
{
	return sim->start_ns + (uint64_t)(sim->options.joins[number] * 1e9);
}

/* Those whose time it is; when the next one comes. */
static uint64_t join(struct sim *sim)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < sim->options.services; i++) {
		if (sim->service[i].there)
			continue;
		if (joins_ns(sim, i) > sim->now_ns) {
			next = least(next, joins_ns(sim, i));
			continue;
		}
		service_open(sim, i);
		watch(sim, sim->service[i].fd, i);
	}
	return next;
}

static void run(struct sim *sim)
{
	const struct options *o = &sim->options;
	double mean_ns = 1e9 / (o->load * capacity(o));
	uint64_t arrivals = o->seed * 0x9e3779b97f4a7c15ull + 1, beat_ns;

	sim->random = o->seed * 0xbf58476d1ce4e5b9ull + 1;
	sim->start_ns = now_ns();
	sim->next_ns = sim->start_ns + (uint64_t)draw_exponential(&arrivals, mean_ns);
	beat_ns = sim->start_ns + heartbeat_ns;
	while (sim->ended < o->requests) {
		uint64_t until;

		sim->now_ns = now_ns();
		until = least(beat_ns, join(sim));
		while (sim->events.count && sim->events.event[0].at_ns <= sim->now_ns) {
			struct event event = event_take(&sim->events);

			service_answer(sim, &event);
		}
		while (sim->begun < o->requests && sim->next_ns <= sim->now_ns) {
			client_submit(sim);
			sim->next_ns += (uint64_t)draw_exponential(&arrivals, mean_ns);
		}
		for (; beat_ns <= sim->now_ns; beat_ns += heartbeat_ns)
			for (uint32_t i = 0; i < o->services; i++)
				if (sim->service[i].there)
					service_heartbeat(&sim->service[i]);
		memory_tick(sim);
		if (sim->memory)
			until = least(until, sim->memory_ns);
		if (sim->events.count)
			until = least(until, sim->events.event[0].at_ns);
		if (sim->begun < o->requests)
			until = least(until, sim->next_ns);
		wait_for(sim, until);
	}
	for (uint32_t i = 0; i < o->services; i++)
		if (!sim->service[i].there)
			die("service %u never came: it joins after the last request", i);
}

int main(int argc, char **argv)
{
	static struct sim sim;
	const struct options *o = &sim.options;

	sim.epoll = epoll_create1(EPOLL_CLOEXEC);
	options_parse(&sim.options, argc, argv);
	sim.seconds = (uint32_t)((double)o->requests / (o->load * capacity(o))) + 120;
	sim.request = calloc(o->requests, sizeof(*sim.request));
	if (!sim.request || sim.epoll < 0)
		die("no memory");
	/* Wake up when it is time, not some 50 us later. */
	prctl(PR_SET_TIMERSLACK, 1);
	join(&sim);
	clients_open(&sim);
	for (uint32_t i = 0; i < (o->users ? o->users : 1); i++)
		watch(&sim, sim.client[i], MOST_SERVICES + i);
	memory_begin(&sim);
	run(&sim);
	memory_end(&sim);
	report(&sim);
	return 0;
}
