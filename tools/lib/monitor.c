// SPDX-License-Identifier: LGPL-2.1-or-later
/* Listening to the multicast groups. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "genl.h"

enum {
	ROOM = 64 << 10,
	SOCKET_ROOM = 4 << 20,
};

struct vexipc_monitor {
	struct mnl_socket *socket;
	struct genl_family family;
	unsigned char buf[ROOM];
};

int vexipc_monitor_open(struct vexipc_monitor **monitor)
{
	struct vexipc_monitor *m = calloc(1, sizeof(*m));
	int size = SOCKET_ROOM;
	int err, fd;

	if (!m)
		return -ENOMEM;
	err = vxi_genl_open(&m->socket, &m->family);
	if (err)
		goto fail;
	fd = mnl_socket_get_fd(m->socket);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (mnl_socket_setsockopt(m->socket, NETLINK_ADD_MEMBERSHIP, &m->family.discovery,
				  sizeof(m->family.discovery)) < 0 ||
	    mnl_socket_setsockopt(m->socket, NETLINK_ADD_MEMBERSHIP, &m->family.alerts,
				  sizeof(m->family.alerts)) < 0) {
		err = -errno;
		goto fail;
	}
	*monitor = m;
	return 0;
fail:
	vexipc_monitor_close(m);
	return err;
}

void vexipc_monitor_close(struct vexipc_monitor *monitor)
{
	if (!monitor)
		return;
	if (monitor->socket)
		mnl_socket_close(monitor->socket);
	free(monitor);
}

int vexipc_monitor_fd(const struct vexipc_monitor *monitor)
{
	return mnl_socket_get_fd(monitor->socket);
}

/* What each attribute of a service is in its entry, for those that are numbers. */
static const struct {
	uint16_t attr;
	uint16_t offset;
	uint16_t size;
} numbers[] = {
#define N(attr_, field_)						\
	{ VEXIPC_SVC_##attr_, offsetof(struct vexipc_service_entry, field_),	\
	  sizeof(((struct vexipc_service_entry *)0)->field_) }
	N(HANDLE, handle),
	N(DATA_TYPES, data_types),
	N(MAX_BATCH, max_batch),
	N(PRIORITY, priority),
	N(WEIGHT, weight),
	N(MAX_CONCURRENT, max_concurrent),
	N(LATENCY_US, latency_us),
	N(THROUGHPUT, throughput),
	N(TRANSPORT, transport),
	N(VERSION, version),
	N(FEATURES, features),
	N(STATE, state),
	N(HEALTH, health),
	N(LOAD, load),
	N(IN_FLIGHT, in_flight),
	N(QUEUED, queued),
	N(CPU_PERMILLE, cpu_permille),
	N(MEMORY_BYTES, memory_bytes),
	N(REPORTED_IN_FLIGHT, reported_in_flight),
	N(REPORTED_QUEUE_DEPTH, reported_queue_depth),
	N(REQUESTS, requests),
	N(COMPLETED, completed),
	N(FAILURES, failures),
	N(BYTES_IN, bytes_in),
	N(BYTES_OUT, bytes_out),
	N(AVERAGE_US, average_us),
	N(P50_US, p50_us),
	N(P90_US, p90_us),
	N(P99_US, p99_us),
	N(P999_US, p999_us),
	N(REGISTERED_NS, registered_ns),
	N(LAST_HEARTBEAT_NS, last_heartbeat_ns),
	N(AVAILABLE_MINUTE, available_minute),
	N(AVAILABLE_HOUR, available_hour),
	N(AVAILABLE_DAY, available_day),
	N(UID, uid),
	N(PID, pid),
	N(SLOT, slot),
	N(BREAKER, breaker),
	N(BREAKER_OWN, breaker_own),
	N(BREAKER_FAILURES, breaker_failures),
	N(BREAKER_ERROR_PERCENT, breaker_error_percent),
	N(BREAKER_MIN_VOLUME, breaker_min_volume),
	N(BREAKER_EJECTION_MS, breaker_ejection_ms),
	N(BREAKER_MAX_EJECTION_MS, breaker_max_ejection_ms),
	N(QUEUE_NS, queue_ns),
	N(LIMIT, limit),
#undef N
};

static void decode_service(const struct nlattr *nest, struct vexipc_service_entry *entry)
{
	const struct nlattr *attrs[VEXIPC_SVC_MAX + 1];
	const struct nlattr *attr;

	if (vxi_genl_parse_nest(nest, attrs, VEXIPC_SVC_MAX) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		void *to = (char *)entry + numbers[i].offset;

		attr = attrs[numbers[i].attr];
		if (attr && numbers[i].size == sizeof(uint64_t))
			memcpy(to, &(uint64_t) { vxi_genl_u64(attr) }, sizeof(uint64_t));
		else if (attr)
			memcpy(to, &(uint32_t) { vxi_genl_u32(attr) }, sizeof(uint32_t));
	}
	vxi_genl_string(attrs[VEXIPC_SVC_ID], entry->id, sizeof(entry->id), false);
	vxi_genl_string(attrs[VEXIPC_SVC_NAME], entry->name, sizeof(entry->name), false);
	vxi_genl_string(attrs[VEXIPC_SVC_SOFTWARE_VERSION], entry->software_version,
			sizeof(entry->software_version), false);
	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == VEXIPC_SVC_DIMENSIONS &&
		    entry->dimensions_count < VEXIPC_MAX_SERVICE_DIMENSIONS)
			entry->dimensions[entry->dimensions_count++] = vxi_genl_u32(attr);
	}
}

static void decode_alert(const struct nlattr *nest, struct vexipc_event *event)
{
	const struct nlattr *attrs[VEXIPC_ALERT_A_MAX + 1];

	if (vxi_genl_parse_nest(nest, attrs, VEXIPC_ALERT_A_MAX) < 0)
		return;
	event->alert = vxi_genl_u32(attrs[VEXIPC_ALERT_A_KIND]);
	event->value = vxi_genl_u64(attrs[VEXIPC_ALERT_A_VALUE]);
	if (attrs[VEXIPC_ALERT_A_TIME_NS])
		event->time_ns = vxi_genl_u64(attrs[VEXIPC_ALERT_A_TIME_NS]);
	vxi_genl_string(attrs[VEXIPC_ALERT_A_SERVICE], event->service.id,
			sizeof(event->service.id), false);
	vxi_genl_string(attrs[VEXIPC_ALERT_A_TEXT], event->text, sizeof(event->text), true);
}

/* Whether the message is an event. */
static bool decode(struct vexipc_monitor *m, const struct nlmsghdr *nlh,
		   struct vexipc_event *event)
{
	const struct nlattr *attrs[VEXIPC_A_MAX + 1];
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type != m->family.id || vxi_genl_parse(nlh, attrs, VEXIPC_A_MAX) < 0 ||
	    genl->cmd != VEXIPC_CMD_EVENT)
		return false;
	*event = (struct vexipc_event) { .time_ns = now_ns() };
	if (attrs[VEXIPC_A_ALERT]) {
		event->type = VEXIPC_EVENT_ALERT;
		decode_alert(attrs[VEXIPC_A_ALERT], event);
	} else if (attrs[VEXIPC_A_SERVICE]) {
		event->type = VEXIPC_EVENT_SERVICE;
		decode_service(attrs[VEXIPC_A_SERVICE], &event->service);
	} else if (attrs[VEXIPC_A_MESSAGE]) {
		event->type = VEXIPC_EVENT_DISCOVERY;
	} else {
		return false;
	}
	return true;
}

int vexipc_monitor_next(struct vexipc_monitor *monitor, struct vexipc_event *event,
			int timeout_ms)
{
	struct pollfd fds = { .fd = vexipc_monitor_fd(monitor), .events = POLLIN };
	uint64_t deadline = deadline_of(timeout_ms);

	for (;;) {
		const struct nlmsghdr *nlh = (const void *)monitor->buf;
		ssize_t len = recv(fds.fd, monitor->buf, sizeof(monitor->buf), MSG_DONTWAIT);

		/* A multicast is one message a datagram. */
		if (len >= 0 && mnl_nlmsg_ok(nlh, (int)len) && decode(monitor, nlh, event))
			return 0;
		if (len >= 0)
			continue;
		if (errno != EAGAIN)
			return -errno;
		if (!ms_left(deadline))
			return -EAGAIN;
		if (poll(&fds, 1, ms_left(deadline)) < 0)
			return -errno;
	}
}
