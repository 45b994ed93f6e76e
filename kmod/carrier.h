/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_CARRIER_H
#define _VEXIPC_CARRIER_H

#include <linux/gfp_types.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "protocol.h"

struct vexipc_answer;
struct vexipc_request;
struct vexipc_service;

/**
 * struct vexipc_member - a request in a carrier
 * @id:	 its correlation id, with the attempt that is carried
 * @req: until the message has been sent; a reference
 */
struct vexipc_member {
	u64 id;
	struct vexipc_request *req;
};

/**
 * struct vexipc_carrier - single requests that travel in one BATCH_REQUEST
 * @node:     in svc->carriers, under svc->lock, from when it is filled until no
 *	      member is in flight or it could not be sent
 * @refs:     one while any member is in flight, one of each who uses it
 * @id:	      correlation id of the message: the first member's, which no other
 *	      message has
 * @answered: its answer has come; under svc->lock
 * @made:     @image is complete, and may be fetched
 * @live:     members in flight in it, under svc->lock
 * @count:    members
 * @most:     room for members
 * @bytes:    contents and their item headers
 * @limit:    and how many there may be
 * @payload:  model and items; kvfree()d
 * @image:    the message; points into @payload
 * @member:   the requests, in the order of the message
 */
struct vexipc_carrier {
	struct list_head node;
	refcount_t refs;
	bool answered;
	bool made;
	u64 id;
	u32 live;
	u32 count;
	u32 most;
	u32 bytes;
	u32 limit;
	void *payload;
	struct vexipc_image image;
	struct vexipc_member member[] __counted_by(most);
};

struct vexipc_carrier *vexipc_carrier_gather(struct vexipc_service *svc,
					     struct vexipc_request *leader, u32 attempt,
					     u32 room, gfp_t gfp);
bool vexipc_carrier_takes(const struct vexipc_carrier *carrier,
			  const struct vexipc_service *svc,
			  const struct vexipc_request *leader,
			  const struct vexipc_request *req);
void vexipc_carrier_add(struct vexipc_carrier *carrier, struct vexipc_request *req,
			u32 attempt);
void vexipc_carrier_begin(struct vexipc_carrier *carrier, struct vexipc_service *svc);
void vexipc_carrier_left(struct vexipc_request *req);
void vexipc_carrier_sent(struct vexipc_carrier *carrier);
void vexipc_carrier_unsend(struct vexipc_carrier *carrier, struct vexipc_service *svc);
void vexipc_carrier_put(struct vexipc_carrier *carrier);
struct vexipc_carrier *vexipc_carrier_find(struct vexipc_service *svc, u64 id);
bool vexipc_carrier_answer(struct vexipc_service *svc, u64 id,
			   struct vexipc_answer *answer, int *err);
bool vexipc_carrier_waits(struct vexipc_service *svc, const struct vexipc_request *req,
			  u64 now);
void vexipc_carrier_init(struct vexipc_service *svc);
void vexipc_carrier_stop(struct vexipc_service *svc);

#endif
