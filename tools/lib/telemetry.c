// SPDX-License-Identifier: LGPL-2.1-or-later
/* The telemetry maps: open them, and copy out what they say at one moment. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "telemetry.h"

enum { COPY_TRIES = 64 };

/* The maps that are mapped, and where. */
#define MAP(name_, type_) { #name_, offsetof(struct vexipc_telemetry, name_), sizeof(type_) }

static const struct {
	const char *name;
	size_t at;
	uint32_t value_size;
} maps[] = {
	MAP(control, struct vexipc_tm_control),
	MAP(services, struct vexipc_tm_service),
	MAP(latency, struct vexipc_tm_latency),
	MAP(instances, struct vexipc_tm_instance),
	MAP(queues, struct vexipc_tm_queues),
};

_Static_assert(ARRAY_SIZE(maps) == ARRAY_SIZE(((struct vexipc_telemetry *)0)->sizes),
	       "a size for each map");

static bool module_loaded(void)
{
	return !access("/sys/module/vexipc", F_OK);
}

int vxi_telemetry_map(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", VEXIPC_TM_DIR, name);
	/* For writing, too: the kernel does not map what was opened read-only. */
	fd = bpf_obj_get(path);
	if (fd == -ENOENT)
		return module_loaded() ? -ENODATA : -ENOENT;
	return fd;
}

static int map_one(struct vexipc_telemetry *t, size_t i)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	size_t size;
	void *at;
	int err, fd;

	fd = vxi_telemetry_map(maps[i].name);
	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (!err && info.value_size != maps[i].value_size)
		err = -EPROTONOSUPPORT;
	if (err)
		goto close;
	size = (size_t)info.max_entries * ((info.value_size + 7u) & ~7u);
	at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		err = -errno;
		goto close;
	}
	memcpy((char *)t + maps[i].at, &at, sizeof(at));
	t->sizes[i] = size;
close:
	close(fd);
	return err;
}

/* How many links are pinned, and where. Who may not look takes it that all are. */
static uint32_t count_links(const struct vexipc_telemetry *t, uint64_t *inode)
{
	DIR *d = opendir(VEXIPC_TM_LINKS);
	struct dirent *entry;
	uint32_t count = 0;
	struct stat st;

	*inode = t->links;
	if (!d)
		return errno == ENOENT ? 0 : t->control->programs;
	if (!fstat(dirfd(d), &st))
		*inode = st.st_ino;
	while ((entry = readdir(d)))
		count += entry->d_name[0] != '.';
	closedir(d);
	return count;
}

void vexipc_telemetry_close(struct vexipc_telemetry *t)
{
	if (!t)
		return;
	vxi_telemetry_events_close(t);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		void *at;

		memcpy(&at, (char *)t + maps[i].at, sizeof(at));
		if (t->sizes[i])
			munmap(at, t->sizes[i]);
	}
	free(t);
}

int vexipc_telemetry_open(struct vexipc_telemetry **telemetry)
{
	struct vexipc_telemetry *t = calloc(1, sizeof(*t));
	int err = t ? 0 : -ENOMEM;

	for (size_t i = 0; i < ARRAY_SIZE(maps) && !err; i++) {
		err = map_one(t, i);
		/* Of the first: what is behind it may be anything. */
		if (!err && !i && t->control->version != VEXIPC_TM_VERSION)
			err = -EPROTONOSUPPORT;
	}
	if (!err && !t->control->owner)
		err = -ENODATA;
	if (!err && !count_links(t, &t->links))
		err = -ENOLINK;
	if (!err && t->sizes[2] / sizeof(*t->latency) <
		    (size_t)t->control->slots * t->control->cpus)
		err = -EPROTONOSUPPORT;
	if (err) {
		vexipc_telemetry_close(t);
		return err;
	}
	*telemetry = t;
	return 0;
}

const char *vexipc_telemetry_strerror(int err)
{
	switch (err) {
	case 0:
		return "no error";
	case -ENOENT:
		return "the module is not loaded: run 'sudo modprobe vexipc'";
	case -ENODATA:
		return "telemetry is not attached: run 'sudo vexipc telemetry attach'";
	case -ENOLINK:
		return "telemetry counts no more, its links are gone: "
		       "run 'sudo vexipc telemetry attach'";
	case -EPROTONOSUPPORT:
		return "telemetry of another version is attached: run 'sudo vexipc telemetry attach' "
		       "of this one";
	case -EACCES:
	case -EPERM:
		return "permission denied: use sudo, or see FILES in vexipc(1)";
	default:
		return strerror(-err);
	}
}

bool vexipc_telemetry_attached(const struct vexipc_telemetry *t)
{
	struct vexipc_telemetry_info info;

	vexipc_telemetry_info(t, &info);
	return info.attached;
}

void vexipc_telemetry_info(const struct vexipc_telemetry *t, struct vexipc_telemetry_info *info)
{
	uint64_t inode;
	uint32_t links = count_links(t, &inode);

	*info = (struct vexipc_telemetry_info) {
		.attached_ns = t->control->attached_ns,
		.slow_ns = t->control->slow_ns,
		.events_lost = t->control->events_lost,
		.instances_untracked = t->control->instances_untracked,
		.latency_untracked = t->control->latency_untracked,
		.version = t->control->version,
		.slots = t->control->slots,
		.cpus = t->control->cpus,
		.programs = t->control->programs,
		.links = links,
		.attached = t->control->owner && links && inode == t->links,
	};
}

/*
 * Copy an entry whose first word says whose it is, 0 nobody's, and does not
 * change while its figures belong to that. False: it is nobody's.
 */
static bool copy_entry(void *to, const volatile void *from, size_t size)
{
	const volatile __u64 *owner = from;

	for (int i = 0; i < COPY_TRIES; i++) {
		uint64_t before = load(owner);

		if (!before)
			return false;
		if (before == VEXIPC_TM_WIPED)
			continue;
		memcpy(to, (const void *)from, size);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (load(owner) == before) {
			memcpy(to, &before, sizeof(before));
			return true;
		}
	}
	return false;
}

static uint64_t since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

static uint32_t availability(const struct vexipc_tm_service *s, uint64_t now)
{
	uint64_t could = s->available_ns, all = since(now, s->since_ns);

	/* One that has gone is measured until then. */
	if (s->state == VEXIPC_STATE_GONE)
		all = since(s->state_ns, s->since_ns);
	if (vexipc_tm_available(s->state))
		could += since(now, s->state_ns ? s->state_ns : s->since_ns);
	if (!all || could >= all)
		return 10000;
	return (uint32_t)(could / (all / 10000 + 1));
}

static void fill_percentiles(const struct vexipc_telemetry *t, uint32_t slot,
			     struct vexipc_telemetry_service *out)
{
	struct vexipc_latency latency;

	out->histogram = slot < t->control->slots;
	if (vexipc_telemetry_latency(t, slot, &latency) || latency.handle != out->handle)
		return;
	out->p50_ns = vexipc_latency_percentile(&latency, 500);
	out->p90_ns = vexipc_latency_percentile(&latency, 900);
	out->p99_ns = vexipc_latency_percentile(&latency, 990);
	out->p999_ns = vexipc_latency_percentile(&latency, 999);
}

int vexipc_telemetry_service(const struct vexipc_telemetry *t, uint32_t slot, uint64_t now_ns,
			     struct vexipc_telemetry_service *out)
{
	struct vexipc_tm_service s;

	if (slot >= VEXIPC_TM_SLOTS)
		return -EINVAL;
	if (!copy_entry(&s, &t->services[slot], sizeof(s)))
		return -ENOENT;
	*out = (struct vexipc_telemetry_service) {
		.handle = s.handle,
		.instance = s.instance,
		.since_ns = s.since_ns,
		.updated_ns = s.updated_ns ? s.updated_ns : s.since_ns,
		.requests = s.requests,
		.completed = s.completed,
		.failed = s.failed,
		.timed_out = s.timed_out,
		.cancelled = s.cancelled,
		.overloaded = s.overloaded,
		.evicted = s.evicted,
		.orphans = s.orphans,
		.retries = s.retries,
		.failovers = s.failovers,
		.bytes_in = s.bytes_in,
		.bytes_out = s.bytes_out,
		.batches = s.batches,
		.items = s.items,
		.batch_max = s.batch_max,
		.slow = s.slow,
		.latency_ns = s.latency_ns,
		.latency_peak_ns = vexipc_tm_peak(s.latency_peak_ns, s.latency_ns,
						  since(now_ns, s.latency_at_ns)),
		.latency_sum_ns = s.latency_sum_ns,
		.queue_ns = s.queue_ns,
		.queue_sum_ns = s.queue_sum_ns,
		.last_error_ns = s.last_error_ns,
		.heartbeats = s.heartbeats,
		.heartbeat_ns = s.heartbeat_ns,
		.memory_bytes = s.memory_bytes,
		.probes = s.probes,
		.probe_failures = s.probe_failures,
		.before_requests = s.before.requests,
		.before_completed = s.before.completed,
		.before_failures = s.before.failures,
		.before_bytes_in = s.before.bytes_in,
		.before_bytes_out = s.before.bytes_out,
		.slot = slot,
		.state = s.state,
		.transport = s.transport,
		.priority = s.priority,
		.weight = s.weight,
		.partial = s.partial,
		.in_flight = s.in_flight,
		.in_flight_max = s.in_flight_max,
		.limit = s.limit,
		.limit_min = s.limit_min,
		.queued = s.queued,
		.queued_max = s.queued_max,
		.queued_low = s.queued_by[0],
		.queued_normal = s.queued_by[1],
		.queued_high = s.queued_by[2],
		.queued_critical = s.queued_by[3],
		.error_ppm = s.error_ppm,
		.last_error = s.last_error,
		.cpu_permille = s.cpu_permille,
		.reported_in_flight = s.reported_in_flight,
		.reported_queue_depth = s.reported_queue_depth,
		.probes_failed = s.probes_failed,
		.available = availability(&s, now_ns),
		.breaker = s.breaker,
		.ejections = s.ejections,
	};
	memcpy(out->id, s.id, sizeof(out->id));
	memcpy(out->errors, s.errors, sizeof(out->errors));
	out->age_ns = since(now_ns, out->updated_ns);
	out->stale = out->age_ns > VEXIPC_TELEMETRY_STALE_NS;
	fill_percentiles(t, slot, out);
	return 0;
}

static void fill_instance(const struct vexipc_telemetry *t, const struct vexipc_tm_instance *i,
			  struct vexipc_telemetry_instance *out)
{
	const volatile struct vexipc_tm_queue *band =
		t->queues[i->index % VEXIPC_TM_INSTANCES].band;

	*out = (struct vexipc_telemetry_instance) {
		.cookie = i->cookie,
		.since_ns = i->since_ns,
		.completed = i->completed,
		.failed = i->failed,
		.timed_out = i->timed_out,
		.cancelled = i->cancelled,
		.refused = i->refused,
		.retries = i->retries,
		.failovers = i->failovers,
		.orphans = i->orphans,
		.alerts = i->alerts,
		.registered = i->registered,
		.unregistered = i->unregistered,
		.services_died = i->services_died,
		.slow = i->slow,
		.bytes_in = i->bytes_in,
		.bytes_out = i->bytes_out,
		.total_sum_ns = i->total_sum_ns,
		.cache_hits = i->cache_hits,
		.cache_misses = i->cache_misses,
		.coalesced = i->coalesced,
		.hedges = i->hedges,
		.hedges_won = i->hedges_won,
		.denied_privilege = i->denied_by[VEXIPC_DENIAL_PRIVILEGE],
		.denied_token = i->denied_by[VEXIPC_DENIAL_TOKEN],
		.denied_rule = i->denied_by[VEXIPC_DENIAL_RULE],
		.denied_priority = i->denied_by[VEXIPC_DENIAL_PRIORITY],
		.queued_low = load(&band[0].depth),
		.queued_normal = load(&band[1].depth),
		.queued_high = load(&band[2].depth),
		.queued_critical = load(&band[3].depth),
		.highest_low = load(&band[0].highest),
		.highest_normal = load(&band[1].highest),
		.highest_high = load(&band[2].highest),
		.highest_critical = load(&band[3].highest),
	};
	out->queued = out->queued_low + out->queued_normal + out->queued_high +
		      out->queued_critical;
	memcpy(out->batch_sizes, i->batch_sizes, sizeof(out->batch_sizes));
	memcpy(out->refused_by, i->refused_by, sizeof(out->refused_by));
	memcpy(out->failed_by, i->failed_by, sizeof(out->failed_by));
}

uint64_t vexipc_telemetry_own_instance(void)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len))
		cookie = 0;
	close(fd);
	return cookie;
}

int vexipc_telemetry_instance(const struct vexipc_telemetry *t, uint64_t cookie,
			      struct vexipc_telemetry_instance *out)
{
	struct vexipc_tm_instance i;

	for (uint32_t n = 0; n < VEXIPC_TM_PROBE; n++) {
		uint32_t at = (vexipc_tm_instance_at(cookie) + n) % VEXIPC_TM_INSTANCES;

		if (!cookie || load(&t->instances[at].cookie) != cookie ||
		    !copy_entry(&i, &t->instances[at], sizeof(i)) || i.cookie != cookie)
			continue;
		fill_instance(t, &i, out);
		return 0;
	}
	return -ENOENT;
}

int vexipc_telemetry_instance_next(const struct vexipc_telemetry *t, uint32_t *index,
				   struct vexipc_telemetry_instance *out)
{
	struct vexipc_tm_instance i;

	while (*index < VEXIPC_TM_INSTANCES) {
		uint32_t at = (*index)++;

		if (!copy_entry(&i, &t->instances[at], sizeof(i)))
			continue;
		fill_instance(t, &i, out);
		return 0;
	}
	return -ENOENT;
}
