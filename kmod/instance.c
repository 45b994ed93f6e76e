// SPDX-License-Identifier: GPL-2.0-only
/* One instance a network namespace: made with it, gone with it. */
#include <linux/hashtable.h>
#include <linux/slab.h>
#include <net/netns/generic.h>

#include "cache.h"
#include "health.h"
#include "instance.h"
#include "netlink.h"
#include "registry.h"
#include "trace.h"

static unsigned int instance_id __read_mostly;

/**
 * vexipc_instance_of() - the instance of a network namespace
 * @net: the caller holds a reference
 */
struct vexipc_instance *vexipc_instance_of(struct net *net)
{
	return net_generic(net, instance_id);
}

/**
 * vexipc_instance_prepare() - make what only a used instance needs
 * @inst: about to get an endpoint
 *
 * Most namespaces never see a request: the table of requests waits for one.
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM.
 */
int vexipc_instance_prepare(struct vexipc_instance *inst)
{
	int err = 0;

	/* Pairs with vexipc_slots_init(). */
	if (smp_load_acquire(&inst->slots.ready))
		return 0;
	mutex_lock(&inst->config_lock);
	if (!inst->cache)
		WRITE_ONCE(inst->cache, vexipc_cache_alloc(inst));
	if (!inst->cache)
		err = -ENOMEM;
	else if (!inst->slots.ready)
		err = vexipc_slots_init(&inst->slots);
	mutex_unlock(&inst->config_lock);
	return err;
}

void vexipc_instance_put_request(struct vexipc_instance *inst)
{
	/* The instance may go as soon as the count is down: wake under RCU. */
	rcu_read_lock();
	if (atomic_dec_and_test(&inst->requests))
		wake_up(&inst->idle);
	rcu_read_unlock();
}

void vexipc_instance_put_endpoint(struct vexipc_instance *inst)
{
	rcu_read_lock();
	if (atomic_dec_and_test(&inst->endpoints))
		wake_up(&inst->idle);
	rcu_read_unlock();
}

/* The endpoint of the module's own probes: it waits for nothing to be read. */
static void probes_nothing(struct vexipc_endpoint *ep)
{
}

static const struct vexipc_endpoint_ops probes_ops = {
	.notify = probes_nothing,
	.release = probes_nothing,
};

static int __net_init instance_init(struct net *net)
{
	struct vexipc_instance *inst = vexipc_instance_of(net);
	int err;

	inst->net = net;
	inst->cookie = net->net_cookie;
	vexipc_config_init(&inst->settings);
	mutex_init(&inst->config_lock);
	init_waitqueue_head(&inst->idle);
	vexipc_pressure_init(&inst->pressure);
	vexipc_overflow_init(&inst->overflow);
	spin_lock_init(&inst->netlink_lock);
	hash_init(inst->netlink);
	inst->stats = alloc_percpu(struct vexipc_counters);
	if (!inst->stats)
		return -ENOMEM;
	err = vexipc_policy_user_init(inst);
	if (err)
		goto free_stats;
	err = vexipc_registry_init(inst);
	if (err)
		goto free_policy;
	err = vexipc_sticky_init(&inst->sticky);
	if (err)
		goto registry_exit;
	vexipc_tokens_init(&inst->tokens);
	vexipc_rules_init(&inst->rules);
	err = vexipc_admission_init(inst);
	if (err)
		goto sticky_exit;
	vexipc_health_init(inst);
	vexipc_endpoint_init(&inst->probes, inst, &probes_ops);
	return 0;

sticky_exit:
	vexipc_sticky_exit(&inst->sticky);
registry_exit:
	vexipc_registry_exit(inst);
free_policy:
	vexipc_policy_user_exit(inst);
free_stats:
	free_percpu(inst->stats);
	return err;
}

/*
 * No descriptor is open any more, or the namespace would live: what is left are
 * sockets, which do not hold the module, and requests on their way out.
 */
static void __net_exit instance_exit(struct net *net)
{
	struct vexipc_instance *inst = vexipc_instance_of(net);

	mutex_lock(&inst->registry_lock);
	WRITE_ONCE(inst->closing, true);
	mutex_unlock(&inst->registry_lock);

	vexipc_netlink_close_all(inst);
	vexipc_health_stop(inst);
	vexipc_endpoint_close(&inst->probes, false);
	vexipc_endpoint_put(&inst->probes);
	wait_event(inst->idle, !atomic_read(&inst->requests) &&
		   !atomic_read(&inst->endpoints));
	/* Again: the last endpoints may have made it look once more. */
	vexipc_health_stop(inst);
	/*
	 * Past those that woke us, who are in RCU until they have. A barrier would
	 * not do: without callbacks it waits for nothing. Most namespaces never
	 * had any.
	 */
	if (inst->slots.ready)
		synchronize_rcu();

	vexipc_policy_user_exit(inst);
	vexipc_trace(instance_exit, inst->cookie);
	vexipc_admission_exit(inst);
	vexipc_rules_exit(&inst->rules);
	vexipc_tokens_exit(&inst->tokens);
	vexipc_sticky_exit(&inst->sticky);
	vexipc_registry_exit(inst);
	vexipc_cache_free(inst->cache);
	vexipc_slots_free(&inst->slots);
	free_percpu(inst->stats);
}

static struct pernet_operations instance_ops = {
	.init = instance_init,
	.exit = instance_exit,
	.id = &instance_id,
	.size = sizeof(struct vexipc_instance),
};

int vexipc_instance_register(void)
{
	return register_pernet_subsys(&instance_ops);
}

void vexipc_instance_unregister(void)
{
	unregister_pernet_subsys(&instance_ops);
}
