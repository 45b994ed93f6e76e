/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_ENDPOINT_H
#define _VEXIPC_ENDPOINT_H

#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>

struct mem_cgroup;
struct vexipc_endpoint;
struct vexipc_image;
struct vexipc_instance;
struct vexipc_request;
struct vexipc_service;
struct vexipc_transport_ops;

enum {
	VEXIPC_OWN_ID_BITS	= 9,	/* buckets for ids that clients choose: a page */
	VEXIPC_MAX_REPLIES	= 256,	/* unread acks, lists, ... of one endpoint */
};

/**
 * struct vexipc_out - something the endpoint's owner has yet to read
 * @node:  in the endpoint's list of these
 * @reply: a message as a whole; else it is a completed request
 */
struct vexipc_out {
	struct list_head node;
	bool reply;
};

/* struct vexipc_reply is an ack, a list, a status: a message already built. */
struct vexipc_reply {
	struct vexipc_out out;
	u64 correlation;
	u32 len;
	u8 message[] __aligned(8);
};

/**
 * struct vexipc_endpoint_ops - what differs between a descriptor and a socket
 * @notify:  something was put into the endpoint's out list, or its service has
 *	     work. No locks held, may be called from softirq.
 * @release: the last reference went
 * @transport: how a service that registers through the endpoint is reached, which
 *	     wants this enum vexipc_transport_type; NULL: not like that
 */
struct vexipc_endpoint_ops {
	const struct vexipc_transport_ops *(*transport)(struct vexipc_endpoint *ep, u32 wanted);
	void (*notify)(struct vexipc_endpoint *ep);
	void (*release)(struct vexipc_endpoint *ep);
};

/**
 * struct vexipc_endpoint - one who talks to the module: a descriptor, a socket,
 *			    a kernel client
 * @refs:	 references
 * @inst:	 its instance
 * @ops:	 see there
 * @lock:	 guards what follows
 * @requests:	 its requests, until their completion is taken
 * @out:	 what it has yet to read, oldest first
 * @outstanding: how many are in @requests
 * @to_read:	 of how many of them the completion is to be taken
 * @completed:	 how many of those are in @out
 * @replies:	 how many replies are in @out
 * @own_ids:	 requests whose ids the client chose, made when first needed
 * @watch:	 wakes those of its clients that wait and whose deadline has come; has a
 *		 reference while it runs
 * @watched_ns:	 for when it is set; U64_MAX: it is not
 * @service:	 the service that it registered; stays until the endpoint goes,
 *		 or it is unregistered
 * @memcg:	 at whose expense it is answered; NULL: whoever answers
 * @registering: a registration is under way
 * @closed:	 takes nothing new
 */
struct vexipc_endpoint {
	refcount_t refs;
	struct vexipc_instance *inst;
	const struct vexipc_endpoint_ops *ops;

	spinlock_t lock;	/* what follows */
	struct list_head requests;
	struct list_head out;
	unsigned int outstanding;
	unsigned int to_read;
	unsigned int completed;
	unsigned int replies;
	struct hlist_head *own_ids;
	struct timer_list watch;
	u64 watched_ns;
	struct vexipc_service *service;
	struct mem_cgroup *memcg;
	bool registering;
	bool closed;
};

void vexipc_endpoint_init(struct vexipc_endpoint *ep, struct vexipc_instance *inst,
			  const struct vexipc_endpoint_ops *ops);
void vexipc_endpoint_charge(struct vexipc_endpoint *ep);
void vexipc_endpoint_put(struct vexipc_endpoint *ep);
void vexipc_endpoint_close(struct vexipc_endpoint *ep, bool died);

int vexipc_endpoint_add(struct vexipc_endpoint *ep, struct vexipc_request *req);
void vexipc_endpoint_remove(struct vexipc_endpoint *ep, struct vexipc_request *req);
void vexipc_endpoint_complete(struct vexipc_request *req);
void vexipc_endpoint_watch(struct vexipc_endpoint *ep, u64 deadline_ns);
int vexipc_endpoint_cancel(struct vexipc_endpoint *ep, u64 request_id);

int vexipc_endpoint_reply(struct vexipc_endpoint *ep, const struct vexipc_image *image);
struct vexipc_out *vexipc_endpoint_take(struct vexipc_endpoint *ep, u32 room, u32 *need);
struct vexipc_request *vexipc_endpoint_take_completed(struct vexipc_endpoint *ep);
bool vexipc_endpoint_completed(struct vexipc_endpoint *ep, unsigned int count);
void vexipc_endpoint_untake(struct vexipc_endpoint *ep, struct vexipc_out *out);
void vexipc_endpoint_done(struct vexipc_endpoint *ep, struct vexipc_out *out);
void vexipc_out_image(struct vexipc_out *out, struct vexipc_image *image);

struct vexipc_service *vexipc_endpoint_service(struct vexipc_endpoint *ep);

static inline struct vexipc_endpoint *vexipc_endpoint_get(struct vexipc_endpoint *ep)
{
	refcount_inc(&ep->refs);
	return ep;
}

#endif
