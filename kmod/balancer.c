// SPDX-License-Identifier: GPL-2.0-only
/* Which service gets a request: capable, available, then by the algorithm. */
#include <linux/errno.h>

#include "alert.h"
#include "balancer.h"
#include "instance.h"
#include "registry.h"
#include "request.h"
#include "transport.h"

static bool capable_of(const struct vexipc_service *svc, const struct vexipc_request *req)
{
	if (req->pin && svc->handle != req->pin)
		return false;
	if (req->type == VEXIPC_MSG_HEALTH_CHECK)
		return svc->features & VEXIPC_FEATURE_HEALTH;
	if (req->type == VEXIPC_MSG_BATCH_REQUEST &&
	    (!(svc->features & VEXIPC_FEATURE_BATCH) || svc->spec.max_batch < req->count))
		return false;
	return vexipc_service_matches(svc, req->dimensions, 1u << req->data_type,
				      req->model, req->model_len);
}

static bool was_tried(const struct vexipc_service *svc, const struct vexipc_request *req)
{
	for (u32 i = 0; i < req->tried_count; i++)
		if (req->tried[i] == svc->slot)
			return true;
	return false;
}

/* struct pick is what a walk over the services has come to. */
struct pick {
	struct vexipc_request *req;
	bool tried_too;
	bool last_choice;	/* degraded ones as well */
	bool capable, too_large;
};

static bool eligible(struct vexipc_service *svc, struct pick *pick)
{
	struct vexipc_request *req = pick->req;

	if (!capable_of(svc, req))
		return false;
	if (req->type == VEXIPC_MSG_HEALTH_CHECK)
		return !READ_ONCE(svc->gone);
	if (!svc->transport->fits(svc, req->content_len + req->model_len)) {
		pick->too_large = true;
		return false;
	}
	pick->capable = true;
	return vexipc_service_available(svc) &&
	       (pick->last_choice || !READ_ONCE(svc->degraded)) &&
	       (pick->tried_too || !was_tried(svc, req));
}

/*
 * Round robin: the first eligible one behind the last pick, so that whatever
 * part of the services is eligible takes turns.
 */
static struct vexipc_service *round_robin(struct vexipc_instance *inst, struct pick *pick)
{
	struct vexipc_service_set *set = rcu_dereference(inst->services);
	u32 start, n = set->count;

	if (!n)
		return NULL;
	start = (u32)atomic_read(&inst->next_service) % n;
	for (u32 i = 0; i < n; i++) {
		u32 at = start + i < n ? start + i : start + i - n;
		struct vexipc_service *svc = rcu_dereference(set->service[at]);

		if (!svc || !eligible(svc, pick) || !kref_get_unless_zero(&svc->refs))
			continue;
		/* A retry takes nobody's turn, or all first tries went to one. */
		if (!pick->req->tried_count)
			atomic_set(&inst->next_service, at + 1);
		return svc;
	}
	return NULL;
}

static struct vexipc_service *pinned(struct vexipc_instance *inst, struct pick *pick)
{
	struct vexipc_service *svc = vexipc_registry_by_handle(inst, pick->req->pin);

	pick->last_choice = true;
	if (svc && !eligible(svc, pick)) {
		vexipc_service_put(svc);
		svc = NULL;
	}
	return svc;
}

/**
 * vexipc_balancer_pick() - choose a service for a request
 * @req: NEW
 * @tried_too: also one that has had it before
 * @why: when there is none: -EMSGSIZE every capable one is reached by a way too
 *	 narrow, -ENODEV none is capable and available, -ENOENT the pinned one
 *	 is gone
 *
 * Return: the service with a reference, or NULL.
 */
struct vexipc_service *vexipc_balancer_pick(struct vexipc_request *req,
					    bool tried_too, int *why)
{
	struct pick pick = { .req = req, .tried_too = tried_too };
	struct vexipc_instance *inst = req->inst;
	struct vexipc_service *svc;

	rcu_read_lock();
	if (req->pin) {
		svc = pinned(inst, &pick);
	} else {
		svc = round_robin(inst, &pick);
		if (!svc && pick.capable) {
			pick.last_choice = true;
			svc = round_robin(inst, &pick);
		}
	}
	rcu_read_unlock();
	if (svc)
		return svc;

	*why = pick.too_large && !pick.capable ? -EMSGSIZE : -ENODEV;
	if (req->pin && !pick.capable && !pick.too_large) {
		svc = vexipc_registry_by_handle(inst, req->pin);
		if (svc)
			vexipc_service_put(svc);
		else
			*why = -ENOENT;
	}
	if (*why == -ENODEV && !req->pin && !req->tried_count)
		vexipc_alert(inst, VEXIPC_ALERT_NO_CAPABLE_SERVICE, NULL, req->dimensions,
			     "no capable service is available");
	return NULL;
}
