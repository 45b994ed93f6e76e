// SPDX-License-Identifier: GPL-2.0-only
/* vexipc telemetry events: slow requests, changes of state, alerts. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "telemetry.h"

static const char *id_of(const struct vexipc_telemetry_event *e, char buf[VEXIPC_MAX_NAME + 1])
{
	snprintf(buf, VEXIPC_MAX_NAME + 1, "%.*s", (int)strnlen(e->id, VEXIPC_MAX_NAME), e->id);
	return buf;
}

static void print_json(const struct vexipc_telemetry_event *e)
{
	cJSON *object = cJSON_CreateObject();
	char id[VEXIPC_MAX_NAME + 1];

	cJSON_AddStringToObject(object, "event", vexipc_telemetry_event_name(e->kind));
	json_number(object, "time_ns", e->time_ns);
	json_number(object, "instance", e->instance);
	if (e->service) {
		json_hex(object, "handle", e->service);
		cJSON_AddStringToObject(object, "service", id_of(e, id));
	}
	switch (e->kind) {
	case VEXIPC_TELEMETRY_SLOW:
		cJSON_AddStringToObject(object, "error", vexipc_error_name(e->error));
		json_number(object, "attempts", e->attempts);
		json_number(object, "total_ns", e->total_ns);
		json_number(object, "queue_ns", e->queue_ns);
		json_number(object, "service_ns", e->service_ns);
		json_hex(object, "correlation", e->correlation);
		break;
	case VEXIPC_TELEMETRY_STATE:
		cJSON_AddStringToObject(object, "before", vexipc_state_name(e->before));
		cJSON_AddStringToObject(object, "now", vexipc_state_name(e->now));
		break;
	case VEXIPC_TELEMETRY_ALERT:
		cJSON_AddStringToObject(object, "alert", vexipc_alert_name(e->alert));
		json_number(object, "value", e->value);
		break;
	case VEXIPC_TELEMETRY_UNREGISTER:
		cJSON_AddBoolToObject(object, "died", e->now);
		json_number(object, "moved", e->value);
		break;
	}
	json_line(object);
}

static void print_text(const struct vexipc_telemetry_event *e)
{
	char id[VEXIPC_MAX_NAME + 1];

	printf("%" PRIu64 ".%06" PRIu64 "  %-10s %s", e->time_ns / 1000000000u,
	       e->time_ns / 1000u % 1000000u, vexipc_telemetry_event_name(e->kind),
	       e->service ? id_of(e, id) : "");
	switch (e->kind) {
	case VEXIPC_TELEMETRY_SLOW:
		printf(" took %.1f ms, of these %.1f waiting and %.1f with the service, "
		       "%u attempts, %s", (double)e->total_ns / 1e6, (double)e->queue_ns / 1e6,
		       (double)e->service_ns / 1e6, e->attempts, vexipc_error_name(e->error));
		break;
	case VEXIPC_TELEMETRY_STATE:
		printf(" was %s, is %s", vexipc_state_name(e->before), vexipc_state_name(e->now));
		break;
	case VEXIPC_TELEMETRY_ALERT:
		printf(" %s (%" PRIu64 ")", vexipc_alert_name(e->alert), e->value);
		break;
	case VEXIPC_TELEMETRY_UNREGISTER:
		printf(" %s, %" PRIu64 " requests moved", e->now ? "died" : "left", e->value);
		break;
	}
	putchar('\n');
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

int telemetry_events(struct vexipc_telemetry *t, uint32_t count, int timeout_ms, bool json)
{
	uint64_t end = now_ms() + (uint64_t)timeout_ms;
	int err = vexipc_telemetry_events(t);

	catch_signals();
	for (uint32_t n = 0; !err && (!count || n < count) && !interrupted; n++) {
		struct vexipc_telemetry_event event;
		int left = timeout_ms;

		if (left >= 0)
			left = now_ms() < end ? (int)(end - now_ms()) : 0;
		err = vexipc_telemetry_next(t, &event, left);
		if (err)
			break;
		if (json)
			print_json(&event);
		else
			print_text(&event);
		if (fflush(stdout))
			break;
	}
	/* Time is up: fine, unless a certain number of events was wanted. */
	if (err == -EAGAIN && !count)
		return 0;
	return err == -EINTR ? 0 : err;
}
