// SPDX-License-Identifier: GPL-2.0-only
/*
 * The load-based policy: the service that is likely to answer first.
 *
 * What a request is likely to take is the service's latency for each request it
 * has in hand and this one, divided by its weight, a bit more where processor or
 * memory are used up. Latency and errors come from the telemetry maps, if
 * telemetry is attached, else from the module's own figures. Figures that are
 * old are none: such a service counts as one of average latency, so that one
 * that was slow is tried again now and then.
 *
 * Two kinds of services are seen by some requests only: those that fail, the
 * fewer the more they fail; and newcomers, the more the longer they are there.
 */
#include "policy.h"
#include "telemetry.h"

char LICENSE[] SEC("license") = "GPL";

#define MS 1000000ull

enum { ONE = 1024 };			/* a share of all requests, in 1/1024 */

const volatile __u64 stale_ns = 2000 * MS;
const volatile __u64 forgive_ns = 500 * MS;	/* in which errors fade by half */
const volatile __u64 slow_start_ns = 10000 * MS;
const volatile __u32 least_share = 20;		/* that a failing service keeps */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, VEXIPC_TM_SLOTS);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, struct vexipc_tm_service);
} services SEC(".maps");

/* What one pass over the candidates leaves for the next; select() is not interrupted. */
struct scratch {
	__u64 latency_ns[VEXIPC_POLICY_CANDIDATES];	/* 0: none */
	__u32 share[VEXIPC_POLICY_CANDIDATES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

struct figures {
	__u64 latency_ns;
	__u64 at_ns;
	__u32 error_ppm;
};

static __always_inline __u64 minimum(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

/* Of telemetry, if it has them of this very service; else of the module. */
static __always_inline void look(const struct vexipc_policy_candidate *c, __u64 now,
				 struct figures *f)
{
	__u32 slot = c->slot;
	const struct vexipc_tm_service *s = bpf_map_lookup_elem(&services, &slot);

	if (s && s->handle == c->handle && s->version == VEXIPC_TM_VERSION) {
		f->at_ns = s->latency_at_ns;
		f->error_ppm = s->error_ppm;
		f->latency_ns = vexipc_tm_peak(s->latency_peak_ns, s->latency_ns,
					       now > f->at_ns ? now - f->at_ns : 0);
		return;
	}
	f->at_ns = c->latency_at_ns ?: now;
	f->error_ppm = c->error_permille * 1000;
	f->latency_ns = (c->latency_peak_us ?: c->latency_us) * 1000ull;
}

/* (1 - errors)^8: half failing leaves 4 in 1000, a tenth 430. */
static __always_inline __u32 share_of_failing(__u64 error_ppm, __u64 age_ns)
{
	__u64 share;

	error_ppm = error_ppm * (forgive_ns >> 20) / ((forgive_ns + age_ns) >> 20);
	share = ONE - (minimum(error_ppm, 1000000) * ONE) / 1000000;
	share = share * share / ONE;
	share = share * share / ONE;
	share = share * share / ONE;
	return share > least_share ? share : least_share;
}

/* One that came after the others begins with a tenth. */
static __always_inline __u32 share_of_newcomer(__u64 age_ns, __u64 oldest_ns)
{
	__u64 ramp = minimum(slow_start_ns, oldest_ns);

	if (age_ns + 100 * MS >= ramp)
		return ONE;
	return ONE / 10 + (ONE - ONE / 10) * (age_ns >> 20) / (ramp >> 20);
}

/* Up to half more for a busy processor, an eighth for the most memory. */
static __always_inline __u64 use_of(const struct vexipc_policy_candidate *c, __u64 now,
				    __u64 most_memory)
{
	__u64 use = ONE;

	if (!c->heartbeat_ns || now - c->heartbeat_ns > 60000 * MS)
		return use;
	use += minimum(c->cpu_permille, 1000) * (ONE / 2) / 1000;
	if (most_memory >> 10)
		use += (c->memory_bytes >> 10) * (ONE / 8) / (most_memory >> 10);
	return use;
}

/* Nearly equal is equal: chance decides then. Two bits behind the highest count. */
static __always_inline __u64 rank_of(__u64 cost)
{
	__u32 bit = vexipc_tm_log2(cost | 4);

	return (__u64)bit << 2 | (cost >> (bit - 2) & 3);
}

SEC("struct_ops/load_select")
int BPF_PROG(load_select, const struct vexipc_policy_request *req)
{
	const struct vexipc_policy_candidate *c = candidates_of(req);
	__u64 sum = 0, oldest = 0, most_memory = 0, now = req->now_ns;
	__u64 best_rank = ~0ull, second_rank = ~0ull, usual;
	int i, best = -1, second = -1;
	struct scratch *scratch;
	__u32 zero = 0, known = 0;

	scratch = bpf_map_lookup_elem(&scratches, &zero);
	if (!c || !scratch)
		return -1;

	for_each_candidate(i, req) {
		struct figures f = {};
		__u64 age;

		look(&c[i], now, &f);
		age = now > f.at_ns ? now - f.at_ns : 0;
		if (!f.latency_ns || age > stale_ns) {
			scratch->latency_ns[i] = 0;
			scratch->share[i] = ONE;
		} else {
			scratch->latency_ns[i] = f.latency_ns;
			scratch->share[i] = share_of_failing(f.error_ppm, age);
			sum += minimum(f.latency_ns, 1ull << 40);
			known++;
		}
		age = now - c[i].registered_ns;
		oldest = age > oldest ? age : oldest;
		most_memory = c[i].memory_bytes > most_memory ? c[i].memory_bytes : most_memory;
	}
	usual = known ? sum / known : MS;

	for_each_candidate(i, req) {
		__u64 cost = scratch->latency_ns[i] ?: usual, rank;
		__u32 share = scratch->share[i];
		__u32 newcomer = share_of_newcomer(now - c[i].registered_ns, oldest);
		__u32 chance = bpf_get_prandom_u32();

		share = share < newcomer ? share : newcomer;
		cost = minimum(cost, 1ull << 40) >> 4;
		cost *= minimum(c[i].in_flight + c[i].queued, 9999) + 1;
		cost = cost * use_of(&c[i], now, most_memory) / ONE;
		cost = cost * 100 / (c[i].weight ?: 100);
		rank = rank_of(cost) << 32 | chance >> 10 << 10;
		/* The lowest bits of the number are for this. */
		if (share == ONE || chance % ONE < share) {
			if (rank < best_rank) {
				best_rank = rank;
				best = i;
			}
		} else if (rank < second_rank) {
			second_rank = rank;
			second = i;
		}
	}
	return best >= 0 ? best : second;
}

SEC(".struct_ops.link")
struct vexipc_balancer_ops load = {
	.select = (void *)load_select,
	.name = "load",
};
