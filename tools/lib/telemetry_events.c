// SPDX-License-Identifier: LGPL-2.1-or-later
/* The ring buffer of telemetry: slow requests, changes of state, alerts. */
#include <errno.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "telemetry.h"

_Static_assert(sizeof(struct vexipc_telemetry_event) == sizeof(struct vexipc_tm_event) &&
	       offsetof(struct vexipc_telemetry_event, kind) ==
	       offsetof(struct vexipc_tm_event, kind) &&
	       offsetof(struct vexipc_telemetry_event, id) ==
	       offsetof(struct vexipc_tm_event, id), "the maps' events");

const char *vexipc_telemetry_event_name(uint32_t kind)
{
	static const char *const names[] = {
		[VEXIPC_TELEMETRY_SLOW] = "slow",
		[VEXIPC_TELEMETRY_STATE] = "state",
		[VEXIPC_TELEMETRY_ALERT] = "alert",
		[VEXIPC_TELEMETRY_REGISTER] = "register",
		[VEXIPC_TELEMETRY_UNREGISTER] = "unregister",
	};

	return kind < ARRAY_SIZE(names) && names[kind] ? names[kind] : "unknown";
}

static int take(void *context, void *data, size_t size)
{
	struct vexipc_telemetry *t = context;

	if (size < sizeof(*t->event))
		return 0;
	memcpy(t->event, data, sizeof(*t->event));
	return 0;
}

int vexipc_telemetry_events(struct vexipc_telemetry *t)
{
	int fd, err = 0;

	if (t->ring)
		return 0;
	fd = vxi_telemetry_map("events");
	if (fd < 0)
		return fd;
	t->ring = ring_buffer__new(fd, take, t, NULL);
	if (!t->ring)
		err = -errno;
	if (err)
		close(fd);
	else
		t->ring_fd = fd;
	return err;
}

int vexipc_telemetry_events_fd(const struct vexipc_telemetry *t)
{
	return t->ring ? ring_buffer__epoll_fd(t->ring) : -EBADF;
}

int vexipc_telemetry_next(struct vexipc_telemetry *t, struct vexipc_telemetry_event *event,
			  int timeout_ms)
{
	struct pollfd wait = { .events = POLLIN };
	int n;

	if (!t->ring)
		return -EBADF;
	t->event = event;
	n = ring_buffer__consume_n(t->ring, 1);
	if (!n && timeout_ms) {
		wait.fd = ring_buffer__epoll_fd(t->ring);
		if (poll(&wait, 1, timeout_ms) < 0)
			return -errno;
		n = ring_buffer__consume_n(t->ring, 1);
	}
	if (n < 0)
		return n;
	return n ? 0 : -EAGAIN;
}

void vxi_telemetry_events_close(struct vexipc_telemetry *t)
{
	if (!t->ring)
		return;
	ring_buffer__free(t->ring);
	close(t->ring_fd);
}
