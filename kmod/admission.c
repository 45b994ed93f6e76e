// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much is let in: rates of sessions, users, the instance, the module and
 * services, and how many requests and bytes may be held.
 *
 * A request takes from every bucket that it is subject to, or from none: where
 * one is empty, the others get back what they gave. Those of its session and its
 * user are asked first, so that a flood of one user costs others nothing, not
 * even for a moment.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "admission.h"
#include "alert.h"
#include "instance.h"
#include "memory.h"
#include "registry.h"
#include "request.h"

enum {
	SWEEP_SEC	= 5,
	SWEEP_STEP	= 256,	/* parties looked at without a pause */
	SHARE_LEAST	= 125,	/* of 1000: what is left of them when queues are full */
};

/* What is set above the namespaces, from the first one's configuration. */
static struct {
	u32 rate[2], burst_ms;
	u32 max_requests, max_bytes;
	struct vexipc_buckets buckets;
	atomic_t requests;
	atomic_long_t bytes;
} module;

bool vexipc_admission_module_on;

static const struct {
	enum vexipc_config_field requests, bytes, burst_ms;
	enum vexipc_counter counter;
	const char *text;
} scopes[VEXIPC_SCOPES] = {
#define SCOPE(scope_, name_) \
	[VEXIPC_SCOPE_##scope_] = { \
		.requests = VEXIPC_CONFIG_LIMIT_##scope_##_REQUESTS, \
		.bytes = VEXIPC_CONFIG_LIMIT_##scope_##_BYTES, \
		.burst_ms = VEXIPC_CONFIG_LIMIT_##scope_##_BURST_MS, \
		.counter = VEXIPC_COUNT_LIMITED_##scope_, \
		.text = "rate limit of " name_ \
	}
	SCOPE(SESSION, "a session"),
	SCOPE(USER, "a user"),
	SCOPE(INSTANCE, "the instance"),
	SCOPE(MODULE, "the module"),
	SCOPE(SERVICE, "every service"),
};

static const struct rhashtable_params params = {
	.key_len = sizeof(struct vexipc_party_key),
	.key_offset = offsetof(struct vexipc_party, key),
	.head_offset = offsetof(struct vexipc_party, node),
	.automatic_shrinking = true,
};

/* ------------------------------------------------------------------ rates -- */

/**
 * vexipc_admission_share() - what is left of the rates while requests queue up
 * @queued: requests that wait
 * @most: that may
 * @percent: of @most, where backpressure begins
 *
 * All of it until then, then less in a straight line, down to 1/8 when all of the
 * room is taken.
 *
 * Return: in 1/1000.
 */
u32 vexipc_admission_share(u32 queued, u32 most, u32 percent)
{
	u32 fill = div_u64((u64)min(queued, most) * 1000, most), calm = percent * 10;

	if (fill <= calm)
		return 1000;
	return 1000 - (1000 - SHARE_LEAST) * (fill - calm) / (1000 - calm);
}

static u32 share_now(const struct vexipc_instance *inst)
{
	u32 most = vexipc_config(inst, VEXIPC_CONFIG_MAX_QUEUE_SIZE);
	u32 percent = vexipc_config(inst, VEXIPC_CONFIG_QUEUE_BACKPRESSURE_PERCENT);

	return vexipc_admission_share(max(atomic_read(&inst->queued), 0), most, percent);
}

static struct vexipc_bucket_flow flow_of(u32 rate, u32 burst_ms, u32 share)
{
	if (rate && share < 1000)
		rate = max_t(u32, div_u64((u64)rate * share, 1000), 1);
	return (struct vexipc_bucket_flow) { rate, (u64)burst_ms * NSEC_PER_MSEC };
}

static bool limits(const struct vexipc_instance *inst, enum vexipc_scope scope)
{
	return vexipc_config(inst, scopes[scope].requests) ||
	       vexipc_config(inst, scopes[scope].bytes);
}

/**
 * vexipc_admission_toll() - what a request takes from the buckets of a scope
 * @inst: whose
 * @scope: which
 * @req: the request; a batch is as many as it has items
 * @toll: to fill
 */
void vexipc_admission_toll(struct vexipc_instance *inst, enum vexipc_scope scope,
			   const struct vexipc_request *req, struct vexipc_toll *toll)
{
	struct vexipc_bucket_flow requests, bytes;
	u32 share = 1000;

	if (vexipc_config(inst, VEXIPC_CONFIG_ADAPTIVE_RATES))
		share = share_now(inst);
	if (scope == VEXIPC_SCOPE_MODULE) {
		/* One namespace's queues say nothing of the others'. */
		requests = flow_of(READ_ONCE(module.rate[0]), READ_ONCE(module.burst_ms), 1000);
		bytes = flow_of(READ_ONCE(module.rate[1]), READ_ONCE(module.burst_ms), 1000);
	} else {
		u32 burst_ms = vexipc_config(inst, scopes[scope].burst_ms);

		requests = flow_of(vexipc_config(inst, scopes[scope].requests), burst_ms, share);
		bytes = flow_of(vexipc_config(inst, scopes[scope].bytes), burst_ms, share);
	}
	toll->burst_ns = requests.burst_ns;
	toll->requests_ns = requests.rate ? vexipc_bucket_cost(&requests, req->count) : 0;
	toll->bytes_ns = bytes.rate ? vexipc_bucket_cost(&bytes, req->content_len) : 0;
}

/**
 * vexipc_admission_wait() - when could this toll be taken?
 * @buckets: from which
 * @toll: of vexipc_admission_toll()
 * @now_ns: CLOCK_MONOTONIC
 *
 * Return: in so many ns; 0 now.
 */
u64 vexipc_admission_wait(const struct vexipc_buckets *buckets,
			  const struct vexipc_toll *toll, u64 now_ns)
{
	u64 wait = 0;

	if (toll->requests_ns)
		wait = vexipc_bucket_wait(&buckets->requests, now_ns, toll->requests_ns,
					  toll->burst_ns);
	if (toll->bytes_ns)
		wait = max(wait, vexipc_bucket_wait(&buckets->bytes, now_ns, toll->bytes_ns,
						    toll->burst_ns));
	return wait;
}

/* From both or from none: 0, or how long to wait. */
static u64 take(struct vexipc_buckets *buckets, const struct vexipc_toll *toll, u64 now_ns)
{
	u64 wait = 0;

	if (toll->requests_ns)
		wait = vexipc_bucket_take(&buckets->requests, now_ns, toll->requests_ns,
					  toll->burst_ns);
	if (wait || !toll->bytes_ns)
		return wait;
	wait = vexipc_bucket_take(&buckets->bytes, now_ns, toll->bytes_ns, toll->burst_ns);
	if (wait && toll->requests_ns)
		vexipc_bucket_give(&buckets->requests, toll->requests_ns);
	return wait;
}

static void give(struct vexipc_buckets *buckets, const struct vexipc_toll *toll)
{
	if (toll->requests_ns)
		vexipc_bucket_give(&buckets->requests, toll->requests_ns);
	if (toll->bytes_ns)
		vexipc_bucket_give(&buckets->bytes, toll->bytes_ns);
}

/**
 * vexipc_admission_retry_after() - say when to come back
 * @req: has found a rate used up
 * @wait_ns: until there would be enough
 */
void vexipc_admission_retry_after(struct vexipc_request *req, u64 wait_ns)
{
	req->retry_after_ms = clamp(div_u64(wait_ns + NSEC_PER_MSEC - 1, NSEC_PER_MSEC),
				    1ull, (u64)VEXIPC_MAX_TIMEOUT_MS);
}

/**
 * vexipc_admission_refused() - count a refusal
 * @req: that is refused, for as long as vexipc_admission_retry_after() has said
 * @scope: by whose rate
 */
void vexipc_admission_refused(struct vexipc_request *req, enum vexipc_scope scope)
{
	this_cpu_inc(req->inst->stats->event[scopes[scope].counter]);
	vexipc_alert(req->inst, VEXIPC_ALERT_RATE_LIMITED, NULL, req->retry_after_ms,
		     scopes[scope].text);
}

/* ---------------------------------------------------------------- parties -- */

static void put_party(struct vexipc_party *party)
{
	/* Never the last one: that is the table's. */
	refcount_dec(&party->refs);
}

static struct vexipc_party *find_party(struct vexipc_admission *a,
				       const struct vexipc_party_key *key)
{
	struct vexipc_party *party;

	rcu_read_lock();
	party = rhashtable_lookup(&a->parties, key, params);
	if (party && !refcount_inc_not_zero(&party->refs))
		party = NULL;
	rcu_read_unlock();
	return party;
}

/* Room for one more, where there are bounds to it. */
static bool count_party(struct vexipc_admission *a, struct vexipc_party *user)
{
	atomic_t *all = user ? &a->sessions : &a->users;
	int most = user ? VEXIPC_MAX_ALL_SESSIONS : VEXIPC_MAX_USERS;

	if (user && atomic_inc_return(&user->sessions) > VEXIPC_MAX_USER_SESSIONS) {
		atomic_dec(&user->sessions);
		return false;
	}
	if (atomic_inc_return(all) <= most)
		return true;
	atomic_dec(all);
	if (user)
		atomic_dec(&user->sessions);
	return false;
}

static void uncount_party(struct vexipc_admission *a, struct vexipc_party *user)
{
	atomic_dec(user ? &a->sessions : &a->users);
	if (user) {
		atomic_dec(&user->sessions);
		put_party(user);
	}
}

/*
 * With a reference; NULL without room or memory, and while one that was idle for
 * long is just being forgotten: then the caller has one that is shared.
 */
static struct vexipc_party *make_party(struct vexipc_admission *a,
				       const struct vexipc_party_key *key,
				       struct vexipc_party *user)
{
	struct vexipc_party *party, *there;

	if (!count_party(a, user))
		return NULL;
	if (user)
		refcount_inc(&user->refs);
	party = kzalloc(sizeof(*party), VEXIPC_GFP_CALLER);
	if (!party) {
		uncount_party(a, user);
		return NULL;
	}
	party->key = *key;
	party->user = user;
	refcount_set(&party->refs, 2);
	rcu_read_lock();
	there = rhashtable_lookup_get_insert_fast(&a->parties, &party->node, params);
	if (!IS_ERR_OR_NULL(there) && !refcount_inc_not_zero(&there->refs))
		there = ERR_PTR(-EAGAIN);
	rcu_read_unlock();
	if (!there) {
		queue_delayed_work(system_power_efficient_wq, &a->sweep, SWEEP_SEC * HZ);
		return party;
	}
	kfree(party);
	uncount_party(a, user);
	return IS_ERR(there) ? NULL : there;
}

static struct vexipc_party *user_of(struct vexipc_admission *a, kuid_t uid)
{
	struct vexipc_party_key key = { .uid = __kuid_val(uid) };
	struct vexipc_party *user = find_party(a, &key) ?: make_party(a, &key, NULL);

	if (!user) {
		user = &a->strangers;
		refcount_inc(&user->refs);
	}
	return user;
}

/* NULL: it shares the user's spill. */
static struct vexipc_party *session_of(struct vexipc_admission *a, struct vexipc_party *user,
				       const struct vexipc_request *req)
{
	struct vexipc_party_key key = {
		.session = req->session, .uid = __kuid_val(req->uid), .is_session = true,
	};

	if (user == &a->strangers)
		return NULL;
	return find_party(a, &key) ?: make_party(a, &key, user);
}

static bool buckets_full(const struct vexipc_buckets *buckets, u64 now_ns)
{
	return vexipc_bucket_full(&buckets->requests, now_ns) &&
	       vexipc_bucket_full(&buckets->bytes, now_ns);
}

/* A new one would have the same: full buckets, and nothing held. */
static bool idle(const struct vexipc_party *party, u64 now_ns)
{
	return buckets_full(&party->buckets, now_ns) && buckets_full(&party->spill, now_ns);
}

static void forget_party(struct vexipc_admission *a, struct vexipc_party *party, u64 now_ns)
{
	if (!idle(party, now_ns) || !refcount_dec_if_one(&party->refs))
		return;
	/* It may have been used, and let go of, since we looked. */
	if (!idle(party, now_ns)) {
		refcount_set(&party->refs, 1);
		return;
	}
	rhashtable_remove_fast(&a->parties, &party->node, params);
	uncount_party(a, party->user);
	kfree_rcu(party, rcu);
}

static void sweep(struct work_struct *work)
{
	struct vexipc_admission *a = container_of(to_delayed_work(work),
						  struct vexipc_admission, sweep);
	struct rhashtable_iter iter;
	struct vexipc_party *party;
	u32 seen = 0;

	rhashtable_walk_enter(&a->parties, &iter);
	rhashtable_walk_start(&iter);
	while ((party = rhashtable_walk_next(&iter))) {
		/* The table was resized: what is seen twice does no harm. */
		if (IS_ERR(party))
			continue;
		forget_party(a, party, ktime_get_ns());
		if (++seen % SWEEP_STEP)
			continue;
		rhashtable_walk_stop(&iter);
		cond_resched();
		rhashtable_walk_start(&iter);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
	if (atomic_read(&a->users))
		queue_delayed_work(system_power_efficient_wq, &a->sweep, SWEEP_SEC * HZ);
}

/* ------------------------------------------------------------------- held -- */

static bool over(long now, u32 most, u32 mine)
{
	/* What is larger than all there may be is let in alone. */
	return most && now > most && now != mine;
}

/**
 * vexipc_admission_hold() - count the content of a request, while it has memory
 * @req: about to be submitted
 *
 * Held until vexipc_admission_release(), whatever this returns.
 *
 * Return: 0; -EUSERS the instance holds max_bytes already.
 */
int vexipc_admission_hold(struct vexipc_request *req)
{
	struct vexipc_instance *inst = req->inst;
	u32 mine = req->content_len + req->model_len;

	req->held = true;
	req->held_bytes = mine;
	return over(atomic_long_add_return(mine, &inst->admission.bytes),
		    vexipc_config(inst, VEXIPC_CONFIG_MAX_BYTES), mine) ? -EUSERS : 0;
}

/**
 * vexipc_admission_hold_answer() - count an answer, too, until it has been taken
 * @req: DONE by the caller's step, its answer in place
 *
 * It is let in whatever is held: those who ask for more are then refused.
 *
 * Context: any.
 */
void vexipc_admission_hold_answer(struct vexipc_request *req)
{
	/* Probes and hedges hold nothing. */
	if (!req->held)
		return;
	req->held_bytes += req->answer_len;
	atomic_long_add(req->answer_len, &req->inst->admission.bytes);
	if (unlikely(req->user))
		atomic_long_add(req->answer_len, &req->user->bytes);
	if (unlikely(req->of_module))
		atomic_long_add(req->answer_len, &module.bytes);
}

static int hold_of_user(struct vexipc_request *req, struct vexipc_party *user)
{
	struct vexipc_instance *inst = req->inst;
	u32 most = vexipc_config(inst, VEXIPC_CONFIG_MAX_REQUESTS_PER_USER);

	/* Released with req->user. */
	req->user = user;
	if (over(atomic_inc_return(&user->requests), most, 1) |
	    over(atomic_long_add_return(req->held_bytes, &user->bytes),
		 vexipc_config(inst, VEXIPC_CONFIG_MAX_BYTES_PER_USER), req->held_bytes))
		return -EUSERS;
	return 0;
}

static int hold_of_module(struct vexipc_request *req)
{
	req->of_module = true;
	if (over(atomic_inc_return(&module.requests), READ_ONCE(module.max_requests), 1) |
	    over(atomic_long_add_return(req->held_bytes, &module.bytes),
		 READ_ONCE(module.max_bytes), req->held_bytes))
		return -EUSERS;
	return 0;
}

/**
 * vexipc_admission_release() - the memory of a request goes
 * @req: held, or never submitted
 *
 * Context: any.
 */
void vexipc_admission_release(struct vexipc_request *req)
{
	struct vexipc_party *user = req->user;

	if (!req->held)
		return;
	atomic_long_sub(req->held_bytes, &req->inst->admission.bytes);
	if (unlikely(user)) {
		atomic_dec(&user->requests);
		atomic_long_sub(req->held_bytes, &user->bytes);
		put_party(user);
	}
	if (unlikely(req->of_module)) {
		atomic_dec(&module.requests);
		atomic_long_sub(req->held_bytes, &module.bytes);
	}
}

/* --------------------------------------------------------------- entering -- */

/* The buckets that a request is subject to, and what it takes from each. */
static void list_tolls(struct vexipc_request *req, struct vexipc_charge *charge,
		       enum vexipc_scope *whose)
{
	struct vexipc_instance *inst = req->inst;
	struct vexipc_admission *a = &inst->admission;

	for (enum vexipc_scope scope = 0; scope <= VEXIPC_SCOPE_MODULE; scope++) {
		struct vexipc_buckets *buckets = NULL;

		switch (scope) {
		case VEXIPC_SCOPE_SESSION:
			if (!req->session || !req->user || !limits(inst, scope))
				break;
			charge->session = session_of(a, req->user, req);
			buckets = charge->session ? &charge->session->buckets :
						    &req->user->spill;
			break;
		case VEXIPC_SCOPE_USER:
			if (req->user && limits(inst, scope))
				buckets = &req->user->buckets;
			break;
		case VEXIPC_SCOPE_INSTANCE:
			if (limits(inst, scope))
				buckets = &a->buckets;
			break;
		default:
			if (READ_ONCE(module.rate[0]) || READ_ONCE(module.rate[1]))
				buckets = &module.buckets;
		}
		if (!buckets)
			continue;
		whose[charge->count] = scope;
		charge->paid[charge->count].buckets = buckets;
		vexipc_admission_toll(inst, scope, req, &charge->paid[charge->count++].toll);
	}
}

/**
 * vexipc_admission_enter() - may this request come in?
 * @req: held; where some limit is on
 * @charge: zeroed; what it took, for vexipc_admission_end(), whatever is returned
 *
 * Context: may sleep.
 * Return: 0; -EUSERS its user or the module holds too much; -EDQUOT one of its
 * rates is used up, req->retry_after_ms says for how long.
 */
int vexipc_admission_enter(struct vexipc_request *req, struct vexipc_charge *charge)
{
	struct vexipc_admission *a = &req->inst->admission;
	enum vexipc_scope whose[VEXIPC_SCOPES];
	u64 now = ktime_get_ns(), wait = 0;
	u32 i;
	int err;

	if (READ_ONCE(a->parties_on)) {
		err = hold_of_user(req, user_of(a, req->uid));
		if (err)
			return err;
	}
	if (READ_ONCE(module.max_requests) || READ_ONCE(module.max_bytes)) {
		err = hold_of_module(req);
		if (err)
			return err;
	}
	list_tolls(req, charge, whose);
	for (i = 0; i < charge->count && !wait; i++)
		wait = take(charge->paid[i].buckets, &charge->paid[i].toll, now);
	if (!wait)
		return 0;
	/* The one that is empty longest tells when to come back. */
	for (u32 k = i; k < charge->count; k++)
		wait = max(wait, vexipc_admission_wait(charge->paid[k].buckets,
						       &charge->paid[k].toll, now));
	charge->count = i - 1;
	vexipc_admission_retry_after(req, wait);
	vexipc_admission_refused(req, whose[i - 1]);
	return -EDQUOT;
}

/**
 * vexipc_admission_end() - the request is in, or is refused
 * @charge: of vexipc_admission_enter()
 * @refused: it is: give back what it took
 */
void vexipc_admission_end(struct vexipc_charge *charge, bool refused)
{
	for (u32 i = 0; refused && i < charge->count; i++)
		give(charge->paid[i].buckets, &charge->paid[i].toll);
	if (charge->session)
		put_party(charge->session);
}

/* --------------------------------------------------------------- services -- */

/**
 * vexipc_admission_serve() - let a service that was chosen have a request
 * @svc: which
 * @req: NEW
 * @toll: what it took, for vexipc_admission_unserve()
 *
 * One that was accepted before and moves on is never refused: it takes what it
 * takes.
 *
 * Return: false: others were quicker, and its buckets are empty.
 */
bool vexipc_admission_serve(struct vexipc_service *svc, const struct vexipc_request *req,
			    struct vexipc_toll *toll)
{
	u64 now = ktime_get_ns();

	vexipc_admission_toll(req->inst, VEXIPC_SCOPE_SERVICE, req, toll);
	if (!req->accepted)
		return !take(&svc->buckets, toll, now);
	if (toll->requests_ns)
		vexipc_bucket_charge(&svc->buckets.requests, now, toll->requests_ns);
	if (toll->bytes_ns)
		vexipc_bucket_charge(&svc->buckets.bytes, now, toll->bytes_ns);
	return true;
}

/* vexipc_admission_unserve() - it did not get it after all */
void vexipc_admission_unserve(struct vexipc_service *svc, const struct vexipc_toll *toll)
{
	give(&svc->buckets, toll);
}

/* --------------------------------------------------------------- settings -- */

/**
 * vexipc_admission_refresh() - the configuration has changed
 * @inst: whose; its config_lock is held
 */
void vexipc_admission_refresh(struct vexipc_instance *inst)
{
	struct vexipc_admission *a = &inst->admission;
	bool parties = limits(inst, VEXIPC_SCOPE_SESSION) ||
		       limits(inst, VEXIPC_SCOPE_USER) ||
		       vexipc_config(inst, VEXIPC_CONFIG_MAX_REQUESTS_PER_USER) ||
		       vexipc_config(inst, VEXIPC_CONFIG_MAX_BYTES_PER_USER);

	WRITE_ONCE(a->parties_on, parties);
	WRITE_ONCE(a->on, parties || limits(inst, VEXIPC_SCOPE_INSTANCE));
	WRITE_ONCE(a->services, limits(inst, VEXIPC_SCOPE_SERVICE));
	if (inst->net != &init_net)
		return;
	WRITE_ONCE(module.rate[0], vexipc_config(inst, VEXIPC_CONFIG_LIMIT_MODULE_REQUESTS));
	WRITE_ONCE(module.rate[1], vexipc_config(inst, VEXIPC_CONFIG_LIMIT_MODULE_BYTES));
	WRITE_ONCE(module.burst_ms, vexipc_config(inst, VEXIPC_CONFIG_LIMIT_MODULE_BURST_MS));
	WRITE_ONCE(module.max_requests, vexipc_config(inst, VEXIPC_CONFIG_MAX_REQUESTS_MODULE));
	WRITE_ONCE(module.max_bytes, vexipc_config(inst, VEXIPC_CONFIG_MAX_BYTES_MODULE));
	WRITE_ONCE(vexipc_admission_module_on,
		   module.rate[0] || module.rate[1] || module.max_requests ||
		   module.max_bytes);
}

int vexipc_admission_init(struct vexipc_instance *inst)
{
	struct vexipc_admission *a = &inst->admission;

	refcount_set(&a->strangers.refs, 1);
	INIT_DELAYED_WORK(&a->sweep, sweep);
	return rhashtable_init(&a->parties, &params);
}

static void free_party(void *ptr, void *arg)
{
	kfree(ptr);
}

/* No request is left. */
void vexipc_admission_exit(struct vexipc_instance *inst)
{
	cancel_delayed_work_sync(&inst->admission.sweep);
	rhashtable_free_and_destroy(&inst->admission.parties, free_party, NULL);
}
