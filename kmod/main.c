// SPDX-License-Identifier: GPL-2.0-only
/* vexipc: carries embedding requests to the services that answer them. */
#include <linux/module.h>
#include <linux/workqueue.h>

#include "cache.h"
#include "device.h"
#include "instance.h"
#include "netlink.h"
#include "policy.h"
#include "request.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

#ifdef __BIG_ENDIAN
#error "vexipc has been built and tested on little-endian machines only"
#endif

struct workqueue_struct *vexipc_workqueue;

static int __init vexipc_init(void)
{
	int err = -ENOMEM;

	vexipc_workqueue = alloc_workqueue("vexipc", WQ_UNBOUND, 0);
	if (!vexipc_workqueue)
		return err;
	err = vexipc_request_cache_init();
	if (err)
		goto free_workqueue;
	err = vexipc_cache_module_init();
	if (err)
		goto free_requests;
	err = vexipc_instance_register();
	if (err)
		goto free_cache;
	err = vexipc_netlink_init();
	if (err)
		goto free_instances;
	err = vexipc_device_init();
	if (err)
		goto free_netlink;
	/* Last: what is registered with BPF can be used, and cannot be taken back. */
	vexipc_policy_bpf_init();
	return 0;

free_netlink:
	vexipc_netlink_exit();
free_instances:
	vexipc_instance_unregister();
	vexipc_policy_exit();
free_cache:
	/* Its last work may be about to free a request. */
	drain_workqueue(vexipc_workqueue);
	rcu_barrier();
	vexipc_cache_module_exit();
free_requests:
	vexipc_request_cache_exit();
free_workqueue:
	destroy_workqueue(vexipc_workqueue);
	return err;
}

static void __exit vexipc_exit(void)
{
	vexipc_device_exit();
	vexipc_netlink_exit();
	vexipc_instance_unregister();
	vexipc_policy_exit();
	destroy_workqueue(vexipc_workqueue);
	rcu_barrier();
	vexipc_cache_module_exit();
	vexipc_request_cache_exit();
}

module_init(vexipc_init);
module_exit(vexipc_exit);
MODULE_DESCRIPTION("Embedding requests between kernel, applications and services");
MODULE_LICENSE("GPL");
