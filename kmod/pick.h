/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_PICK_H
#define _VEXIPC_PICK_H

#include <linux/types.h>

#include "admission.h"

struct vexipc_request;
struct vexipc_service;

enum { VEXIPC_MAX_CANDIDATES = 64 };

/**
 * struct vexipc_pick - what the choice of a service for one request has come to
 * @req:	 the request; has no service yet
 * @tried_too:	 also services that have had it before
 * @last_choice: also degraded ones
 * @panic:	 also those whose breaker is open
 * @with_room:	 only those that are not full
 * @capable:	 some service is capable
 * @too_large:	 some would be, but is reached by a way too narrow
 * @seen:	 available services looked at
 * @open:	 of them, kept out by their breakers
 * @limits:	 rates of services are limited
 * @limited:	 how often one was met that has had as much as it may
 * @wait_ns:	 the least until one of these may have more
 * @now_ns:	 the time
 * @toll:	 what the request takes of a service's rate
 * @first:	 place in its set of the first one in @service
 * @count:	 services in @service
 * @service:	 those to choose from: all that are eligible, or some of many;
 *		 no reference, they live under RCU
 * @random:	 the last number drawn; stays from choice to choice
 *
 * One a CPU, used with bottom halves off and under RCU: nobody may keep it.
 */
struct vexipc_pick {
	struct vexipc_request *req;
	bool tried_too, last_choice, panic, with_room, capable, too_large;
	u32 seen, open;
	bool limits;
	u32 limited;
	u64 wait_ns, now_ns;
	struct vexipc_toll toll;
	u32 first;
	u32 count;
	struct vexipc_service *service[VEXIPC_MAX_CANDIDATES];
	u64 random;
};

#endif
