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
 *
 * Only what a service has in hand is looked at for each request. All else is summed
 * up in a score a service, which holds for two milliseconds at least, a twentieth
 * of a second at most, and in between until the service has answered once more: most
 * of a choice is one multiplication a candidate.
 */
#include "policy.h"
#include "telemetry.h"

char LICENSE[] SEC("license") = "GPL";

#define MS 1000000ull

enum {
	ONE	= 1024,			/* a share of all requests, in 1/1024 */
	VIEWS	= 16,
	MOST	= 1023,			/* requests in hand that tell a difference */
	CHANCE	= 11,			/* bits of a rank that are drawn */
};

const volatile __u64 stale_ns = 2000 * MS;
const volatile __u64 fresh_ns = 2 * MS;		/* how long scores hold */
const volatile __u64 renew_ns = 50 * MS;	/* ... while nothing is answered */
const volatile __u64 forgive_ns = 1000 * MS;	/* in which errors fade by half */
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
 * A service's score. Any CPU writes it at any time: what two have mixed is another
 * moment's, until it is renewed.
 */
struct score {
	__u64 handle;
	__u64 latency_at_ns;		/* of the candidate that it was made of */
	__u64 fresh_until_ns;		/* until then it holds whatever happens */
	__u64 cost;			/* of one request, alone; below 2^42. 0: see factor */
	__u32 factor;			/* of what is usual, in 1/1024: its latency is unknown */
	__u32 share;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VEXIPC_TM_SLOTS);
	__type(key, __u32);
	__type(value, struct score);
} scores SEC(".maps");

/* What scores compare a service with: the candidates of an instance's request, lately. */
struct view {
	__u64 instance;
	__u64 made_ns;
	__u32 candidates;		/* how many they were */
	__u32 known;			/* of them, those whose latency is known */
	__u64 usual;			/* mean cost of these; 0: there are none */
	__u64 oldest_ns;
	__u64 most_memory;
	__u32 chance;			/* the last number drawn */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VIEWS);	/* by instance */
	__type(key, __u32);
	__type(value, struct view);
} views SEC(".maps");

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
		use += (minimum(memory_bytes, most_memory) >> 10) * (ONE / 8) /
		       (most_memory >> 10);
	return use;
}

/* A latency as a cost, at most 2^34. */
__noinline __u64 plain_cost(__u64 latency_ns)
{
	return minimum(latency_ns, 1ull << 38) >> 4;
}

/* Nearly equal is equal, two bits behind the highest count: chance decides then. */
__noinline __u64 rounded(__u64 cost)
{
	__u32 bit = vexipc_tm_log2(cost | 4);

	return (cost | 4) >> (bit - 2) << (bit - 2);
}

/*
 * Of telemetry, if it has them of this very service, and is there still: of what it
 * keeps, the module does not know anything newer. Else of the module.
 */
static __always_inline void look(const struct vexipc_policy_candidate *c,
				 const struct vexipc_policy_details *d, __u64 now,
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
		f->error_ppm = d->error_permille * 1000;
		f->latency_ns = maximum(d->latency_peak_us, d->latency_us) * 1000ull;
	}
}

static __always_inline _Bool known(const struct figures *f, __u64 now)
{
	return f->latency_ns && now - minimum(f->at_ns, now) <= stale_ns;
}

/*
 * What only some rounds of a loop do is in functions that are called: of what these
 * leave on the stack the verifier would tell rounds apart that are the same.
 */
static __noinline int add_to_view(struct view *view, const struct vexipc_policy_request *req,
				  const struct vexipc_policy_candidate *c, __u32 index)
{
	const struct vexipc_policy_details *d = details_of(req, index);
	struct figures f;

	if (!d)
		return -1;
	look(c, d, req->now_ns, &f);
	if (known(&f, req->now_ns)) {
		view->usual += plain_cost(f.latency_ns);
		view->known++;
	}
	view->oldest_ns = maximum(view->oldest_ns, req->now_ns - d->registered_ns);
	view->most_memory = maximum(view->most_memory, d->memory_bytes);
	return 0;
}

static __noinline int survey(struct view *view, const struct vexipc_policy_request *req,
			     const struct vexipc_policy_candidate *c)
{
	int i;

	view->instance = req->instance;
	view->made_ns = req->now_ns;
	view->candidates = req->candidates;
	view->known = 0;
	view->usual = 0;
	view->oldest_ns = 0;
	view->most_memory = 0;
	view->chance = bpf_get_prandom_u32();
	for_each_candidate(i, req)
		if (add_to_view(view, req, &c[i], i))
			break;
	if (view->known)
		view->usual /= view->known;
	return 0;
}

/* A request that few may have, a second attempt among them, shows too little of the rest. */
static __always_inline _Bool out_of_date(const struct view *view,
					 const struct vexipc_policy_request *req)
{
	__u64 age_ns = req->now_ns - view->made_ns;

	return view->instance != req->instance || req->candidates > view->candidates ||
	       age_ns > (req->candidates < view->candidates ? stale_ns : renew_ns);
}

static __noinline int renew(struct score *score, struct view *view,
			    const struct vexipc_policy_request *req,
			    const struct vexipc_policy_candidate *c, __u32 index)
{
	const struct vexipc_policy_details *d = details_of(req, index);
	__u64 now = req->now_ns, cost = 0, use;
	__u32 share = ONE, newcomer, factor;
	struct figures f;

	if (!d)
		return -1;
	use = use_of(now - minimum(d->heartbeat_ns, now), d->cpu_permille, d->memory_bytes,
		     view->most_memory);
	factor = use * 100 / (c->weight ?: 100);
	look(c, d, now, &f);
	if (known(&f, now)) {
		cost = rounded(plain_cost(f.latency_ns) * factor / ONE);
		/* The first that is known is what is usual, until all are looked at again. */
		if (!view->usual)
			view->usual = plain_cost(f.latency_ns);
		if (f.error_ppm)
			share = share_of_failing(f.error_ppm, now - minimum(f.at_ns, now));
	}
	newcomer = share_of_newcomer(now - d->registered_ns, view->oldest_ns);
	score->cost = cost;
	score->factor = factor;
	score->share = minimum(share, newcomer);
	score->latency_at_ns = c->latency_at_ns;
	score->fresh_until_ns = now + fresh_ns;
	score->handle = c->handle;
	return 0;
}

SEC("struct_ops/load_select")
int BPF_PROG(load_select, const struct vexipc_policy_request *req)
{
	const struct vexipc_policy_candidate *c = candidates_of(req);
	/* Cookies of namespaces come in batches of 4096, one batch a CPU. */
	__u32 at = (req->instance ^ req->instance >> 12) % VIEWS, chance;
	struct view *view = bpf_map_lookup_elem(&views, &at);
	__u64 now = req->now_ns, least = ~0ull;
	int i, best = -1;

	if (!c || !view)
		return -1;
	if (out_of_date(view, req))
		survey(view, req, c);
	chance = view->chance;

	for_each_candidate(i, req) {
		struct score *score;
		__u32 slot = c[i].slot;
		__u64 cost, rank;

		score = bpf_map_lookup_elem(&scores, &slot);
		if (!score)
			continue;
		if (score->handle != c[i].handle ||
		    (now > score->fresh_until_ns &&
		     (score->latency_at_ns != c[i].latency_at_ns ||
		      now > score->fresh_until_ns - fresh_ns + renew_ns)))
			renew(score, view, req, &c[i], i);
		/* The least is the best; who is not seen by this request comes last. */
		chance = chance * 1664525 + 1013904223;
		cost = score->cost ?: rounded((view->usual ?: MS >> 4) * score->factor / ONE);
		rank = (cost * (minimum(c[i].in_flight + c[i].queued, MOST) + 1)) << CHANCE |
		       chance >> (32 - CHANCE);
		if (score->share != ONE && (chance >> 8) % ONE >= score->share)
			rank |= 1ull << 63;
		if (rank < least) {
			least = rank;
			best = i;
		}
	}
	view->chance = chance;
	return best;
}

SEC(".struct_ops.link")
struct vexipc_balancer_ops load = {
	.select = (void *)load_select,
	.name = "load",
};
