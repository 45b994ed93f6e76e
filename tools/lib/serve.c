// SPDX-License-Identifier: LGPL-2.1-or-later
/* The serve loop: threads that answer, heartbeats, an orderly end. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "service.h"

enum {
	MOST_THREADS = 1024,
	DEFAULT_HEARTBEAT_MS = 10000,
};

struct loop {
	struct vexipc_service *svc;
	vexipc_service_handler handler;
	void *context;
	atomic_int err;			/* why the first thread ended */
	atomic_uint running;
};

struct worker {
	struct loop *loop;
	pthread_t thread;
	unsigned int number;
};

static void handle(struct loop *loop, struct vexipc_request *request)
{
	int err = loop->handler(loop->svc, request, loop->context);
	uint32_t error;

	if (!request->open)
		return;
	error = err < 0 ? vexipc_error_from_errno(err) : VEXIPC_ERR_SERVICE_FAILED;
	vexipc_service_fail(loop->svc, request, error,
			    error == VEXIPC_ERR_OVERLOADED ?
			    VEXIPC_ERROR_RETRY | VEXIPC_ERROR_OVERLOAD : 0, 0, NULL);
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct loop *loop = worker->loop;
	struct vexipc_request request = { 0 };
	static const uint64_t one = 1;
	int err, none = 0;

	vxi_ring_defer(loop->svc->ch, worker->number);
	for (;;) {
		request.thread = worker->number;
		err = vexipc_service_next(loop->svc, &request, 0, -1);
		if (!err)
			handle(loop, &request);
		else if (err != -EINTR)
			break;
	}
	vxi_ring_undefer(loop->svc->ch);
	vexipc_request_free(&request);
	atomic_compare_exchange_strong(&loop->err, &none, err);
	atomic_fetch_sub(&loop->running, 1);
	/* So that the supervisor looks. */
	if (write(loop->svc->wake_fd, &one, sizeof(one)) < 0)
		return NULL;
	return NULL;
}

/* Signals are for the threads of the program, not for these. */
static int start(struct worker *worker)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&worker->thread, NULL, work, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

/* Until a thread ends: heartbeats; when told to stop, drain; when again, or too slow, end. */
static void supervise(struct loop *loop)
{
	struct vexipc_service *svc = loop->svc;
	uint64_t every = (uint64_t)(svc->heartbeat_ms ? svc->heartbeat_ms :
				    DEFAULT_HEARTBEAT_MS) * 1000000u;
	uint64_t next = now_ns(), end = UINT64_MAX;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = svc->stop_fd, .events = POLLIN },
			{ .fd = svc->wake_fd, .events = POLLIN },
		};
		uint64_t stops;

		if (now_ns() >= next && !atomic_load(&svc->draining)) {
			vexipc_service_heartbeat(svc);
			next = now_ns() + every;
		}
		if (poll(fds, ARRAY_SIZE(fds), ms_left(next < end ? next : end)) < 0 &&
		    errno != EINTR)
			break;
		if (fds[1].revents || now_ns() >= end)
			break;
		if (!fds[0].revents || read(svc->stop_fd, &stops, sizeof(stops)) < 0)
			continue;
		if (stops > 1 || end != UINT64_MAX || vexipc_service_drain(svc))
			break;
		end = now_ns() + (uint64_t)svc->drain_ms * 1000000u;
		next = UINT64_MAX;
	}
	atomic_store(&svc->stopped, true);
	vxi_service_wake(svc);
}

int vexipc_service_serve(struct vexipc_service *service, vexipc_service_handler handler,
			 unsigned int threads, void *context)
{
	struct loop loop = { .svc = service, .handler = handler, .context = context };
	struct worker *workers;
	unsigned int started;
	bool asked;
	int err = 0;

	if (atomic_load(&service->stopped))
		return 0;
	if (!threads)
		threads = 1;
	if (threads > MOST_THREADS)
		return -EINVAL;
	workers = calloc(threads, sizeof(*workers));
	if (!workers)
		return -ENOMEM;
	atomic_store(&service->serving, true);
	for (started = 0; !err && started < threads; started += !err) {
		workers[started].loop = &loop;
		workers[started].number = started;
		err = start(&workers[started]);
	}
	if (!err)
		supervise(&loop);
	asked = atomic_load(&service->draining);
	atomic_store(&service->stopped, true);
	vxi_service_wake(service);
	while (started)
		pthread_join(workers[--started].thread, NULL);
	atomic_store(&service->serving, false);
	free(workers);
	if (err)
		return err;
	/* Stopped by its own, however far draining came. */
	err = atomic_load(&loop.err);
	return asked || err == -ECANCELED ? 0 : err;
}

void vexipc_service_stop(struct vexipc_service *service)
{
	static const uint64_t one = 1;
	int saved = errno;

	while (write(service->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	if (!atomic_load(&service->serving)) {
		atomic_store(&service->stopped, true);
		vxi_service_wake(service);
	}
	errno = saved;
}
