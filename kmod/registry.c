// SPDX-License-Identifier: GPL-2.0-only
/*
 * The services of an instance: who is there, what each can do, coming and
 * going.
 *
 * Two mappings: the set, an array for the balancer to walk, and the table by
 * id. Both are read under RCU on the request path and changed under
 * registry_lock. A third, by module-wide slot, is how handles are found.
 */
#include <linux/errno.h>
#include <linux/idr.h>
#include <linux/ktime.h>
#include <linux/nospec.h>
#include <linux/pid.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "access.h"
#include "alert.h"
#include "carrier.h"
#include "context.h"
#include "endpoint.h"
#include "health.h"
#include "hedge.h"
#include "instance.h"
#include "netlink.h"
#include "protocol.h"
#include "queue.h"
#include "registry.h"
#include "request.h"
#include "spec.h"
#include "token.h"
#include "trace.h"
#include "transport.h"

static DEFINE_IDA(service_slots);
static u32 slot_generation[VEXIPC_MAX_SERVICES];	/* owner of the slot writes */
static struct vexipc_service __rcu *by_slot[VEXIPC_MAX_SERVICES];

static const struct rhashtable_params by_id_params = {
	.key_len = VEXIPC_MAX_NAME,
	.key_offset = offsetof(struct vexipc_service, key),
	.head_offset = offsetof(struct vexipc_service, by_id),
	.automatic_shrinking = true,
};

int vexipc_registry_init(struct vexipc_instance *inst)
{
	struct vexipc_service_set *set = vexipc_service_set_alloc(0);
	int err;

	if (!set)
		return -ENOMEM;
	mutex_init(&inst->registry_lock);
	err = rhashtable_init(&inst->by_id, &by_id_params);
	if (err) {
		vexipc_service_set_free(set);
		return err;
	}
	rcu_assign_pointer(inst->services, set);
	return 0;
}

/* Every service is gone by now: their endpoints are. */
void vexipc_registry_exit(struct vexipc_instance *inst)
{
	rhashtable_destroy(&inst->by_id);
	vexipc_service_set_free(rcu_dereference_protected(inst->services, true));
}

static struct vexipc_service_set *set_locked(struct vexipc_instance *inst)
{
	return rcu_dereference_protected(inst->services,
					 lockdep_is_held(&inst->registry_lock));
}

/* A new set without @except, with room for one more. */
static struct vexipc_service_set *set_copy(struct vexipc_instance *inst,
					   const struct vexipc_service *except)
{
	struct vexipc_capable *old = set_locked(inst)->all;
	struct vexipc_service_set *new = vexipc_service_set_alloc(old->count + 1);

	if (!new)
		return NULL;
	for (u32 i = 0; i < old->count; i++) {
		struct vexipc_service *svc =
			rcu_dereference_protected(old->service[i],
						  lockdep_is_held(&inst->registry_lock));

		if (svc && svc != except)
			vexipc_service_set_add(new, svc);
	}
	return new;
}

static void set_replace(struct vexipc_instance *inst, struct vexipc_service_set *new)
{
	struct vexipc_service_set *old = set_locked(inst);

	vexipc_service_set_seal(new);
	rcu_assign_pointer(inst->services, new);
	vexipc_service_set_free_rcu(old);
}

static void set_remove(struct vexipc_instance *inst, struct vexipc_service *svc)
{
	struct vexipc_service_set *set = set_copy(inst, svc);

	/* Removal can not fail: without memory a hole stays until next time. */
	if (set)
		set_replace(inst, set);
	else
		vexipc_service_set_forget(set_locked(inst), svc);
}

static void leave_work(struct work_struct *work)
{
	struct vexipc_service *svc = container_of(work, struct vexipc_service, leave);

	vexipc_registry_remove(svc, false);
	vexipc_service_put(svc);
}

static void free_rcu(struct rcu_head *rcu)
{
	struct vexipc_service *svc = container_of(rcu, struct vexipc_service, rcu);

	vexipc_spec_free(&svc->spec);
	put_pid(svc->pid);
	kvfree(svc);
}

void vexipc_service_free(struct kref *refs)
{
	struct vexipc_service *svc = container_of(refs, struct vexipc_service, refs);

	/*
	 * A new owner of the slot may come from here on, and not before: whoever
	 * still tells of this one, in a trace, has a reference.
	 */
	if (svc->handle)
		ida_free(&service_slots, svc->slot);
	vexipc_endpoint_put(svc->ep);
	call_rcu(&svc->rcu, free_rcu);
}

static int choose_transport(struct vexipc_service *svc)
{
	const struct vexipc_endpoint_ops *ops = svc->ep->ops;

	/* A service is reached the way it came: nothing else leads to it. */
	svc->transport = ops->transport ? ops->transport(svc->ep, svc->spec.transport) : NULL;
	if (!svc->transport)
		return -EOPNOTSUPP;
	svc->spec.transport = svc->transport->type;
	svc->most = svc->transport->most ? svc->transport->most(svc) : U32_MAX;
	return 0;
}

/* What no other service can do stays. */
static void move_on(struct work_struct *work)
{
	struct vexipc_service *svc = container_of(work, struct vexipc_service, move_on);
	LIST_HEAD(moved);

	vexipc_queue_release(svc, &moved);
	vexipc_request_reroute_all(&moved, svc);
	vexipc_service_put(svc);
}

/**
 * vexipc_registry_move_on() - what waits for a service need not wait for it
 * @svc: whose breaker has opened
 *
 * Context: any but hard interrupts.
 */
void vexipc_registry_move_on(struct vexipc_service *svc)
{
	vexipc_service_get(svc);
	if (!queue_work(vexipc_workqueue, &svc->move_on))
		vexipc_service_put(svc);
}

static struct vexipc_service *service_alloc(const struct vexipc_context *ctx,
					    struct vexipc_endpoint *ep,
					    struct vexipc_service_spec *spec)
{
	struct vexipc_service *svc = kvzalloc(sizeof(*svc), GFP_KERNEL_ACCOUNT);

	if (!svc)
		return NULL;
	kref_init(&svc->refs);
	svc->inst = ctx->inst;
	svc->ep = vexipc_endpoint_get(ep);
	svc->uid = ctx->uid;
	svc->pid = get_pid(ctx->pid);
	svc->spec = *spec;
	spec->strings = NULL;
	memcpy(svc->key, svc->spec.id, svc->spec.id_len);
	spin_lock_init(&svc->lock);
	vexipc_order_init(&svc->queue);
	INIT_LIST_HEAD(&svc->inflight);
	vexipc_carrier_init(svc);
	INIT_WORK(&svc->leave, leave_work);
	INIT_WORK(&svc->move_on, move_on);
	INIT_DELAYED_WORK(&svc->send_work, vexipc_transport_netlink_retry);
	vexipc_hedge_init(svc);
	svc->registered_ns = ktime_get_ns();
	svc->last_sign_ns = svc->registered_ns;
	svc->fresh_ns = svc->registered_ns;
	vexipc_availability_init(&svc->availability, svc->registered_ns);
	vexipc_availability_set(&svc->availability, svc->registered_ns, true);
	return svc;
}

static int take_slot(struct vexipc_service *svc)
{
	int slot = ida_alloc_max(&service_slots, VEXIPC_MAX_SERVICES - 1, GFP_KERNEL);

	if (slot < 0)
		return slot == -ENOSPC ? -ENFILE : slot;
	svc->slot = slot;
	slot_generation[slot]++;
	svc->handle = (u64)slot_generation[slot] << 32 | slot;
	return 0;
}

static int publish(struct vexipc_service *svc)
{
	struct vexipc_instance *inst = svc->inst;
	struct vexipc_endpoint *ep = svc->ep;
	struct vexipc_service_set *set;
	int err;

	lockdep_assert_held(&inst->registry_lock);
	if (inst->closing)
		return -ESHUTDOWN;
	set = set_copy(inst, NULL);
	if (!set)
		return -ENOMEM;
	err = take_slot(svc);
	if (err)
		goto free_set;
	err = rhashtable_lookup_insert_fast(&inst->by_id, &svc->by_id, by_id_params);
	if (err)
		goto free_set;

	/* Closing an endpoint looks for its service after it says closed. */
	spin_lock_bh(&ep->lock);
	if (ep->closed)
		err = -ESHUTDOWN;
	else if (ep->service)
		err = -EEXIST;
	else
		smp_store_release(&ep->service, svc);	/* for vexipc_endpoint_service() */
	spin_unlock_bh(&ep->lock);
	if (err)
		goto unhash;

	/* Before anything that is told of a request of it. */
	vexipc_trace(service_register, inst->cookie, svc->slot, svc->handle, svc->key,
		     svc->spec.transport, svc->spec.priority, svc->spec.weight);
	vexipc_service_get(svc);	/* the endpoint's; the first is the registry's */
	vexipc_service_set_add(set, svc);
	rcu_assign_pointer(by_slot[svc->slot], svc);
	set_replace(inst, set);
	return 0;

unhash:
	/* Who has found it by its id meanwhile must not remove what never came. */
	spin_lock_bh(&svc->lock);
	svc->gone = true;
	spin_unlock_bh(&svc->lock);
	rhashtable_remove_fast(&inst->by_id, &svc->by_id, by_id_params);
free_set:
	vexipc_service_set_free(set);
	return err;
}

/* The secret is nobody's business any more. */
static void forget_token(struct vexipc_service_spec *spec)
{
	if (spec->token)
		memzero_explicit((void *)spec->token, spec->token_len);
	spec->token = NULL;
	spec->token_len = 0;
}

/*
 * May it be registered at all? A token that is given is used even by those who
 * need none: so its limits hold, and revoking it ends what came with it.
 */
static int authenticate(const struct vexipc_context *ctx, struct vexipc_service_spec *spec,
			struct vexipc_token_grant *grant)
{
	bool open = !vexipc_config(ctx->inst, VEXIPC_CONFIG_ENABLE_AUTHENTICATION);
	int err;

	if (!open && !ctx->admin && !spec->token_len)
		return vexipc_access_deny(ctx, VEXIPC_OPERATION_REGISTER,
					  VEXIPC_DENIAL_PRIVILEGE);
	err = vexipc_spec_check(spec);
	if (err || open || !spec->token_len)
		return err;
	err = vexipc_token_claim(&ctx->inst->tokens, spec, grant);
	if (err)
		return vexipc_access_deny(ctx, VEXIPC_OPERATION_REGISTER,
					  VEXIPC_DENIAL_TOKEN);
	spec->priority = min(spec->priority, grant->max_priority);
	if (!(grant->flags & VEXIPC_TOKEN_BATCH)) {
		spec->features &= ~VEXIPC_FEATURE_BATCH;
		spec->max_batch = 1;
	}
	return 0;
}

/**
 * vexipc_registry_add() - register a service
 * @ctx: who registers it
 * @ep: where it is reached
 * @spec: what it says of itself; @spec->strings is taken over, or freed
 *
 * Context: may sleep.
 * Return: the service with a reference, or an error pointer: -EPERM neither
 * privilege nor a token nor open registration; -EACCES the token is not good for
 * it, or was just revoked; those of vexipc_spec_check() and
 * vexipc_negotiate(); -EOPNOTSUPP a transport that does not lead to it;
 * -EEXIST the id, or the endpoint has a service; -ENFILE; -ESHUTDOWN; -ENOMEM.
 */
struct vexipc_service *vexipc_registry_add(const struct vexipc_context *ctx,
					   struct vexipc_endpoint *ep,
					   struct vexipc_service_spec *spec)
{
	struct vexipc_instance *inst = ctx->inst;
	struct vexipc_token_grant grant = {};
	struct vexipc_service *svc = NULL;
	int err;

	err = authenticate(ctx, spec, &grant);
	forget_token(spec);
	if (err)
		goto free_spec;
	err = -ENOMEM;
	svc = service_alloc(ctx, ep, spec);
	if (!svc)
		goto release;
	svc->token = grant.id;
	svc->token_flags = grant.flags;
	err = choose_transport(svc);
	if (err)
		goto put;
	err = vexipc_negotiate(svc->spec.version_min, svc->spec.version_max,
			       svc->spec.features, &svc->version, &svc->features);
	if (err)
		goto put;
	if (svc->spec.max_batch > 1 && !(svc->features & VEXIPC_FEATURE_BATCH))
		svc->spec.max_batch = 1;

	svc->breadth = vexipc_spec_breadth(&svc->spec);

	vexipc_service_get(svc);	/* the caller's */
	mutex_lock(&inst->registry_lock);
	err = publish(svc);
	mutex_unlock(&inst->registry_lock);
	if (err) {
		vexipc_service_put(svc);
		goto put;
	}

	vexipc_count(inst, REGISTERED);
	vexipc_netlink_service_event(svc);
	vexipc_health_reschedule(inst);
	/* Who revokes takes the token away, then looks for services: one of us sees. */
	if (grant.id && !vexipc_token_valid(&inst->tokens, grant.id)) {
		vexipc_registry_remove(svc, false);
		vexipc_service_put(svc);
		return ERR_PTR(vexipc_access_deny(ctx, VEXIPC_OPERATION_REGISTER,
						  VEXIPC_DENIAL_TOKEN));
	}
	if (vexipc_overflow_waits(&inst->overflow))
		vexipc_overflow_refill(svc);
	return svc;

put:
	vexipc_service_put(svc);
release:
	if (grant.id)
		vexipc_token_release(&inst->tokens, grant.id, true);
free_spec:
	vexipc_spec_free(spec);
	return ERR_PTR(err);
}

/**
 * vexipc_registry_remove() - a service goes
 * @svc: the caller has a reference
 * @died: it did not take its leave
 *
 * What it held moves to other services at once.
 *
 * Context: may sleep; no locks held.
 * Return: how many requests were moved or failed; -ENOENT it had gone before.
 */
int vexipc_registry_remove(struct vexipc_service *svc, bool died)
{
	struct vexipc_instance *inst = svc->inst;
	struct vexipc_endpoint *ep = svc->ep;
	enum vexipc_service_state before;
	struct vexipc_request *req;
	bool attached = false;
	LIST_HEAD(moved);
	int count = 0;

	mutex_lock(&inst->registry_lock);
	spin_lock_bh(&svc->lock);
	before = vexipc_service_state(svc);
	if (before == VEXIPC_STATE_GONE) {
		spin_unlock_bh(&svc->lock);
		mutex_unlock(&inst->registry_lock);
		return -ENOENT;
	}
	/* Who sees that it is gone sees it counted. */
	if (died)
		vexipc_count(inst, SERVICES_DIED);
	else
		vexipc_count(inst, UNREGISTERED);
	/* Whoever sets it removes the service; nothing is queued any more. */
	smp_store_release(&svc->gone, true);
	spin_unlock_bh(&svc->lock);
	rhashtable_remove_fast(&inst->by_id, &svc->by_id, by_id_params);
	set_remove(inst, svc);
	RCU_INIT_POINTER(by_slot[svc->slot], NULL);
	spin_lock_bh(&ep->lock);
	if (ep->service == svc) {
		WRITE_ONCE(ep->service, NULL);
		attached = true;
	}
	spin_unlock_bh(&ep->lock);
	mutex_unlock(&inst->registry_lock);

	if (svc->token)
		vexipc_token_release(&inst->tokens, svc->token, READ_ONCE(svc->untold));

	if (svc->transport->gone)
		svc->transport->gone(svc);
	vexipc_queue_evict(svc, true, &moved);
	list_for_each_entry(req, &moved, node)
		count++;
	vexipc_request_fail_over(&moved);
	if (vexipc_overflow_waits(&inst->overflow))
		vexipc_overflow_rehome(inst);

	vexipc_service_note_state(svc, before);
	vexipc_trace(service_unregister, inst->cookie, svc->slot, svc->handle, svc->key,
		     died, count);
	if (died)
		vexipc_alert(inst, VEXIPC_ALERT_SERVICE_UNAVAILABLE, svc, count,
			     "service died; its requests moved elsewhere");
	if (cancel_delayed_work_sync(&svc->send_work))
		vexipc_service_put(svc);	/* the work's */
	vexipc_carrier_stop(svc);
	vexipc_hedge_stop(svc);
	if (attached)
		vexipc_service_put(svc);
	vexipc_service_put(svc);
	return count;
}

/**
 * vexipc_registry_take_back() - a service goes that could not be told it has come
 * @svc: the caller has a reference
 *
 * The token that it came with is as good as before.
 *
 * Context: may sleep; no locks held.
 */
void vexipc_registry_take_back(struct vexipc_service *svc)
{
	WRITE_ONCE(svc->untold, true);
	vexipc_registry_remove(svc, false);
}

/**
 * vexipc_registry_drain() - no new requests for this service, or again
 * @svc: which
 * @drain: true to drain, false to resume
 */
void vexipc_registry_drain(struct vexipc_service *svc, bool drain)
{
	enum vexipc_service_state before;

	spin_lock_bh(&svc->lock);
	before = vexipc_service_state(svc);
	svc->draining = drain;
	if (!drain)
		svc->leave_when_idle = false;
	spin_unlock_bh(&svc->lock);
	vexipc_service_note_state(svc, before);
}

/**
 * vexipc_registry_leave_when_idle() - drain, then unregister
 * @svc: which
 */
void vexipc_registry_leave_when_idle(struct vexipc_service *svc)
{
	bool idle;

	if (!READ_ONCE(svc->leave_when_idle))
		vexipc_registry_drain(svc, true);
	spin_lock_bh(&svc->lock);
	svc->leave_when_idle = true;
	idle = !svc->gone && !svc->queued && !svc->in_flight;
	if (idle)
		vexipc_service_get(svc);
	spin_unlock_bh(&svc->lock);
	if (idle && !queue_work(vexipc_workqueue, &svc->leave))
		vexipc_service_put(svc);
}

/**
 * vexipc_registry_by_id() - find a service by id
 * @inst: where
 * @id: not terminated
 * @len: bytes
 *
 * Return: the service with a reference, or NULL.
 */
struct vexipc_service *vexipc_registry_by_id(struct vexipc_instance *inst,
					     const char *id, u32 len)
{
	char key[VEXIPC_MAX_NAME] = {};
	struct vexipc_service *svc;

	if (!len || len > sizeof(key))
		return NULL;
	memcpy(key, id, len);
	rcu_read_lock();
	svc = rhashtable_lookup(&inst->by_id, key, by_id_params);
	if (svc && !kref_get_unless_zero(&svc->refs))
		svc = NULL;
	rcu_read_unlock();
	return svc;
}

/**
 * vexipc_registry_by_handle() - find a service by handle
 * @inst: where
 * @handle: from user space
 *
 * Return: the service with a reference, or NULL.
 */
struct vexipc_service *vexipc_registry_by_handle(struct vexipc_instance *inst, u64 handle)
{
	struct vexipc_service *svc;
	u32 slot = (u32)handle;

	if (slot >= VEXIPC_MAX_SERVICES)
		return NULL;
	slot = array_index_nospec(slot, VEXIPC_MAX_SERVICES);
	rcu_read_lock();
	svc = rcu_dereference(by_slot[slot]);
	if (svc && (svc->inst != inst || svc->handle != handle ||
		    !kref_get_unless_zero(&svc->refs)))
		svc = NULL;
	rcu_read_unlock();
	return svc;
}

/* vexipc_registry_at() - the service of this instance in a slot, for dumps. */
struct vexipc_service *vexipc_registry_at(struct vexipc_instance *inst, u32 slot)
{
	struct vexipc_service *svc;

	rcu_read_lock();
	svc = rcu_dereference(by_slot[slot]);
	if (svc && (svc->inst != inst || !kref_get_unless_zero(&svc->refs)))
		svc = NULL;
	rcu_read_unlock();
	return svc;
}

/**
 * vexipc_registry_next() - walk the services, in the order of their slots
 * @inst: whose
 * @slot: where to begin; moved behind the one returned
 * @filter: which
 *
 * The walk may go on after any time: services that come or go meanwhile are
 * seen or not, no other is missed or seen twice.
 *
 * Return: the service with a reference, NULL at the end.
 */
struct vexipc_service *vexipc_registry_next(struct vexipc_instance *inst, u32 *slot,
					    const struct vexipc_filter *filter)
{
	while (*slot < VEXIPC_MAX_SERVICES) {
		struct vexipc_service *svc = vexipc_registry_at(inst, (*slot)++);

		if (!svc)
			continue;
		if (vexipc_service_matches(svc, filter->dimensions, filter->data_types,
					   filter->model, filter->model_len) &&
		    (!filter->states || filter->states & (1u << vexipc_service_state(svc))))
			return svc;
		vexipc_service_put(svc);
	}
	return NULL;
}

u32 vexipc_registry_count(struct vexipc_instance *inst)
{
	struct vexipc_capable *set;
	u32 count = 0;

	rcu_read_lock();
	set = rcu_dereference(inst->services)->all;
	for (u32 i = 0; i < set->count; i++)
		count += !!rcu_access_pointer(set->service[i]);
	rcu_read_unlock();
	return count;
}
