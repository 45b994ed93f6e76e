// SPDX-License-Identifier: GPL-2.0-only
/* Samples of the module's telemetry. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sample.h"

struct live {
	struct source source;
	struct vexipc_telemetry *telemetry;	/* NULL: try again each time */
	uint64_t instance;			/* ours; 0: not known, take all */
	struct vexipc_service_entry *entries;	/* names of those older than telemetry */
	uint32_t entry_count;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int connect_again(struct live *live, struct vexipc_telemetry_info *info)
{
	int err;

	if (live->telemetry) {
		vexipc_telemetry_info(live->telemetry, info);
		if (info->attached)
			return 0;
	}
	vexipc_telemetry_close(live->telemetry);
	live->telemetry = NULL;
	err = vexipc_telemetry_open(&live->telemetry);
	if (!err)
		vexipc_telemetry_info(live->telemetry, info);
	return err;
}

static void ask_policy(struct vexipc_admin *admin, char policy[static POLICY_ROOM])
{
	struct vexipc_config_entry entry = { .field = VEXIPC_CONFIG_ALGORITHM };
	struct vexipc_policy_use use = { 0 };
	struct vexipc_policy_entry *policies = NULL;
	const char *algorithm;
	uint32_t count;

	if (vexipc_admin_config_get(admin, &entry, 1, NULL))
		return;
	algorithm = vexipc_algorithm_name((uint32_t)entry.value);
	if (vexipc_admin_policies(admin, &use, &policies, &count) || !use.name[0])
		snprintf(policy, POLICY_ROOM, "%s", algorithm);
	else
		snprintf(policy, POLICY_ROOM, "%.*s%s, %" PRIu64 " fell back on %s",
			 VEXIPC_POLICY_NAME_LEN, use.name,
			 use.in_use ? "" : " (gone)", (uint64_t)use.fallbacks, algorithm);
	free(policies);
}

/* The device is not kept open: that would keep the module from being unloaded. */
static void ask_module(struct sample *sample)
{
	struct vexipc_admin *admin;

	if (vexipc_admin_open(&admin))
		return;
	ask_policy(admin, sample->policy);
	sample->module_known = !vexipc_admin_stats(admin, NULL, &sample->module);
	vexipc_admin_close(admin);
}

/* Telemetry knows no name of what came before it: the module does. */
static bool find_name(const struct live *live, struct vexipc_telemetry_service *service)
{
	for (uint32_t i = 0; i < live->entry_count; i++) {
		if (live->entries[i].handle != service->handle)
			continue;
		memcpy(service->id, live->entries[i].id, sizeof(service->id));
		return true;
	}
	return false;
}

/* One call asks for the names of all. */
static void list_again(struct live *live)
{
	struct vexipc_admin *admin;

	free(live->entries);
	live->entries = NULL;
	live->entry_count = 0;
	if (vexipc_admin_open(&admin))
		return;
	if (vexipc_admin_list(admin, NULL, &live->entries, &live->entry_count)) {
		live->entries = NULL;
		live->entry_count = 0;
	}
	vexipc_admin_close(admin);
}

static void name_services(struct live *live, struct sample *sample)
{
	bool asked = false;

	for (uint32_t i = 0; i < sample->count; i++) {
		struct vexipc_telemetry_service *service = &sample->services[i].figures;

		if (service->id[0] || find_name(live, service) || asked)
			continue;
		asked = service->state != VEXIPC_STATE_GONE;
		if (!asked)
			continue;
		list_again(live);
		find_name(live, service);
	}
}

static int take_services(struct live *live, struct sample *sample)
{
	struct sample_service *service = NULL;

	for (uint32_t slot = 0; slot < VEXIPC_MAX_SERVICES; slot++) {
		if (!service)
			service = sample_room(sample);
		if (!service)
			return -ENOMEM;
		if (vexipc_telemetry_service(live->telemetry, slot, sample->time_ns,
					     &service->figures))
			continue;
		if (live->instance && service->figures.instance != live->instance)
			continue;
		if (vexipc_telemetry_latency(live->telemetry, slot, &service->latency) ||
		    service->latency.handle != service->figures.handle) {
			memset(&service->latency, 0, sizeof(service->latency));
			service->latency.handle = service->figures.handle;
		}
		sample->count++;
		service = NULL;
	}
	name_services(live, sample);
	return 0;
}

static int live_next(struct source *source, struct sample *sample)
{
	struct live *live = (struct live *)source;

	sample_clear(sample);
	sample->time_ns = clock_ns(CLOCK_MONOTONIC);
	sample->wall_sec = clock_ns(CLOCK_REALTIME) / 1000000000;
	sample->err = connect_again(live, &sample->telemetry);
	if (sample->err)
		return 0;
	ask_module(sample);
	vexipc_telemetry_instance(live->telemetry, live->instance, &sample->instance);
	return take_services(live, sample);
}

static void live_close(struct source *source)
{
	struct live *live = (struct live *)source;

	vexipc_telemetry_close(live->telemetry);
	free(live->entries);
	free(live);
}

int source_live(struct source **source)
{
	static const struct source_ops ops = { live_next, live_close };
	struct live *live = calloc(1, sizeof(*live));

	if (!live)
		return -ENOMEM;
	live->source = (struct source){ &ops, true };
	live->instance = vexipc_telemetry_own_instance();
	*source = &live->source;
	return 0;
}
