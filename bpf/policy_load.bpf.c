// SPDX-License-Identifier: GPL-2.0-only
/*
 * The load-based policy: the service that is likely to answer first.
 *
 * What a request is likely to take is the service's latency for each request it
 * has in hand and this one, divided by its weight, a bit more where processor or
 * memory are used up. Latency and errors come from the telemetry maps, if
 * telemetry is attached (it may come and go), else from the module's own. Figures that are
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

/*
 * What passes over the candidates leave; select() is not interrupted. In variables
 * the verifier would follow each value that they could have in each round.
 */
struct scratch {
	__u64 latency_ns[VEXIPC_POLICY_CANDIDATES];	/* 0: none */
	__u32 share[VEXIPC_POLICY_CANDIDATES];
	__u64 sum_ns, known;				/* of latencies */
	__u64 oldest_ns;
	__u64 most_memory;
	__u64 best_rank;
	__s32 best;
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

/*
 * The arithmetic is in global functions: the verifier looks at each of them once,
 * and not once for each way in which a candidate can be reached.
 */
__noinline __u64 maximum(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

__noinline __u64 peak_of(__u64 peak_ns, __u64 latency_ns, __u64 at_ns, __u64 now)
{
	__u64 peak = vexipc_tm_peak(peak_ns, latency_ns, now > at_ns ? now - at_ns : 0);

	return minimum(peak, 1ull << 40);
}

/* (1 - errors)^8: half failing leaves 4 in 1000, a tenth 430. */
__noinline __u32 share_of_failing(__u64 error_ppm, __u64 age_ns)
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
__noinline __u32 share_of_newcomer(__u64 age_ns, __u64 oldest_ns)
{
	__u64 ramp = minimum(slow_start_ns, oldest_ns);

	if (age_ns + 100 * MS >= ramp)
		return ONE;
	return ONE / 10 + (ONE - ONE / 10) * (age_ns >> 20) / (ramp >> 20);
}

/* Up to half more for a busy processor, an eighth for the most memory. */
__noinline __u64 use_of(__u64 heartbeat_age_ns, __u32 cpu_permille, __u64 memory_bytes,
			__u64 most_memory)
{
	__u64 use = ONE;

	if (heartbeat_age_ns > 60000 * MS)
		return use;
	use += minimum(cpu_permille, 1000) * (ONE / 2) / 1000;
	if (most_memory >> 10)
		use += (memory_bytes >> 10) * (ONE / 8) / (most_memory >> 10);
	return use;
}

__noinline __u64 cost_of(__u64 latency_ns, __u64 in_hand, __u64 use, __u32 weight)
{
	__u64 cost = (latency_ns >> 4) * (minimum(in_hand, 9999) + 1);

	return cost * use / ONE * 100 / (weight ?: 100);
}

/*
 * The least is the best. Nearly equal is equal, two bits behind the highest count:
 * chance decides then. Those that are not seen by this request come last.
 */
__noinline __u64 rank_of(__u64 cost, __u32 share, __u32 newcomer)
{
	__u32 bit = vexipc_tm_log2(cost | 4), chance = bpf_get_prandom_u32();
	__u64 rank = (__u64)bit << 2 | (cost >> (bit - 2) & 3);

	share = share < newcomer ? share : newcomer;
	rank = rank << 32 | chance >> 10 << 10;
	/* The lowest bits of the number are for this. */
	return share == ONE || chance % ONE < share ? rank : rank | 1ull << 62;
}

/*
 * Of telemetry, if it has them of this very service, and is there still: of what it
 * keeps, the module does not know anything newer. Else of the module.
 */
static __always_inline void look(const struct vexipc_policy_candidate *c, __u64 now,
				 struct figures *f)
{
	__u32 slot = c->slot;
	const struct vexipc_tm_service *s = bpf_map_lookup_elem(&services, &slot);

	if (s && s->handle == c->handle && s->version == VEXIPC_TM_VERSION &&
	    s->latency_at_ns + MS > c->latency_at_ns) {
		f->at_ns = s->latency_at_ns;
		f->error_ppm = s->error_ppm;
		f->latency_ns = peak_of(s->latency_peak_ns, s->latency_ns, f->at_ns, now);
	} else {
		f->at_ns = c->latency_at_ns;
		f->error_ppm = c->error_permille * 1000;
		f->latency_ns = maximum(c->latency_peak_us, c->latency_us) * 1000;
	}
}

SEC("struct_ops/load_select")
int BPF_PROG(load_select, const struct vexipc_policy_request *req)
{
	const struct vexipc_policy_candidate *c = candidates_of(req);
	__u64 now = req->now_ns, usual;
	struct scratch *scratch;
	__u32 zero = 0;
	int i;

	scratch = bpf_map_lookup_elem(&scratches, &zero);
	if (!c || !scratch)
		return -1;
	scratch->sum_ns = 0;
	scratch->known = 0;
	scratch->oldest_ns = 0;
	scratch->most_memory = 0;
	scratch->best_rank = ~0ull;
	scratch->best = -1;

	for_each_candidate(i, req) {
		struct figures f = {};
		__u64 age;

		look(&c[i], now, &f);
		age = now - minimum(f.at_ns, now);
		if (!f.latency_ns || age > stale_ns) {
			scratch->latency_ns[i] = 0;
			scratch->share[i] = ONE;
		} else {
			scratch->latency_ns[i] = f.latency_ns;
			scratch->share[i] = share_of_failing(f.error_ppm, age);
			scratch->sum_ns += f.latency_ns;
			scratch->known++;
		}
		scratch->oldest_ns = maximum(scratch->oldest_ns, now - c[i].registered_ns);
		scratch->most_memory = maximum(scratch->most_memory, c[i].memory_bytes);
	}
	usual = scratch->known ? scratch->sum_ns / scratch->known : MS;

	for_each_candidate(i, req) {
		__u64 use = use_of(now - c[i].heartbeat_ns, c[i].cpu_permille,
				   c[i].memory_bytes, scratch->most_memory);
		__u64 cost = cost_of(scratch->latency_ns[i] ?: usual,
				     c[i].in_flight + c[i].queued, use, c[i].weight);
		__u64 rank = rank_of(cost, scratch->share[i],
				     share_of_newcomer(now - c[i].registered_ns,
						       scratch->oldest_ns));

		if (rank < scratch->best_rank) {
			scratch->best_rank = rank;
			scratch->best = i;
		}
	}
	return scratch->best;
}

SEC(".struct_ops.link")
struct vexipc_balancer_ops load = {
	.select = (void *)load_select,
	.name = "load",
};
