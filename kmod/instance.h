/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_INSTANCE_H
#define _VEXIPC_INSTANCE_H

#include <linux/hashtable.h>
#include <linux/mutex.h>
#include <linux/rhashtable-types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "admission.h"
#include "config.h"
#include "endpoint.h"
#include "overflow.h"
#include "policy.h"
#include "pressure.h"
#include "rules.h"
#include "slots.h"
#include "stats.h"
#include "sticky.h"
#include "token.h"

struct vexipc_cache;
struct vexipc_service_set;

enum { VEXIPC_NETLINK_HASH_BITS = 8 };

/**
 * struct vexipc_instance - everything of one network namespace
 * @net:	   the namespace; the instance lives and dies with it
 * @cookie:	   the namespace's cookie, in traces
 * @settings:	   configuration
 * @config_lock:   writers of @settings
 * @slots:	   requests by correlation id
 * @stats:	   per-CPU event counters
 * @live:	   requests admitted and not completed
 * @admission:	   how much comes in
 * @retrying:	   of them, those that have failed once and were not moved
 * @hedging:	   hedges under way
 * @queued:	   requests waiting in some queue
 * @queued_max:	   the most ever in @queued
 * @pressure:	   who waits for room in the queues
 * @overflow:	   what found its service's queue full
 * @requests:	   requests that still have memory, completed or not
 * @endpoints:	   descriptors and sockets; the instance's exit waits for none
 * @idle:	   woken when @requests or @endpoints falls to zero
 * @registry_lock: writers of @services and @by_id
 * @services:	   all services, for walking; RCU
 * @by_id:	   all services, by id; RCU
 * @sticky:	   where sessions are; RCU
 * @netlink_lock:  writers of @netlink
 * @netlink:	   endpoints of netlink sockets by port id; RCU
 * @sockets:	   how many are in @netlink
 * @assembling:	   bytes of messages that sockets are sending in fragments
 * @probes:	   who asks when the module probes
 * @health:	   the periodic look at every service
 * @last_discovery: when services were last asked for a sign of life, jiffies
 * @last_alert:   when each kind was last raised, jiffies, 0 never
 * @cache:	   answers kept and awaited; there once @slots is ready
 * @policy:	   which balancing policy it names
 * @tokens:	   who may register without privilege
 * @rules:	   who may do what
 * @closing:	   the namespace or the module goes; nothing new comes in
 *
 * Lock order: registry_lock > endpoint lock > service lock; those of the cache and
 * of what is being asked come last, and are held with no other. The locks of an
 * endpoint and of a service are _bh and never held two of a kind. The overflow
 * queue's lock, _bh too, stands beside the services': never one with the other.
 */
struct vexipc_instance {
	struct net *net;
	u64 cookie;
	struct vexipc_settings settings;
	struct mutex config_lock;	/* writers of settings */

	struct vexipc_slots slots;
	struct vexipc_counters __percpu *stats;
	atomic_t live;
	struct vexipc_admission admission;
	atomic_t retrying;
	atomic_t hedging;
	atomic_t queued;
	atomic_t queued_max;
	struct vexipc_pressure pressure;
	struct vexipc_overflow overflow;
	atomic_t requests;
	atomic_t endpoints;
	wait_queue_head_t idle;

	struct mutex registry_lock;	/* writers of services, by_id */
	struct vexipc_service_set __rcu *services;
	struct rhashtable by_id;
	struct vexipc_sticky sticky;

	spinlock_t netlink_lock;	/* writers of netlink */
	DECLARE_HASHTABLE(netlink, VEXIPC_NETLINK_HASH_BITS);
	unsigned int sockets;
	atomic_long_t assembling;

	struct vexipc_endpoint probes;
	struct delayed_work health;
	unsigned long last_discovery;
	unsigned long last_alert[VEXIPC_ALERT_KINDS];
	struct vexipc_policy_user policy;
	struct vexipc_token_table tokens;
	struct vexipc_rule_table rules;
	struct vexipc_cache *cache;
	bool closing;
};

/* For works that nobody cancels: when it is destroyed, the last has returned. */
extern struct workqueue_struct *vexipc_workqueue;

struct vexipc_instance *vexipc_instance_of(struct net *net);
int vexipc_instance_prepare(struct vexipc_instance *inst);
void vexipc_instance_put_request(struct vexipc_instance *inst);
void vexipc_instance_put_endpoint(struct vexipc_instance *inst);
int vexipc_instance_register(void);
void vexipc_instance_unregister(void);

static inline u32 vexipc_config(const struct vexipc_instance *inst,
				enum vexipc_config_field field)
{
	return vexipc_setting(&inst->settings, field);
}

/* vexipc_admission_on() - is some limit set that requests are to be asked about? */
static inline bool vexipc_admission_on(const struct vexipc_instance *inst)
{
	return READ_ONCE(inst->admission.on) | READ_ONCE(vexipc_admission_module_on);
}

#endif
