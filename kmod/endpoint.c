// SPDX-License-Identifier: GPL-2.0-only
/*
 * Endpoints: who asks and who answers, and what each has yet to read. A
 * descriptor, a netlink socket or a kernel client has one.
 */
#include <linux/errno.h>
#include <linux/jhash.h>
#include <linux/once.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "endpoint.h"
#include "instance.h"
#include "memory.h"
#include "protocol.h"
#include "registry.h"
#include "request.h"

static void watch_deadlines(struct timer_list *timer)
{
	struct vexipc_endpoint *ep = container_of(timer, struct vexipc_endpoint, watch);
	u64 now = ktime_get_ns(), next = U64_MAX;
	struct vexipc_request *req;
	bool over;

	spin_lock_bh(&ep->lock);
	list_for_each_entry(req, &ep->requests, ep_node) {
		if (req->complete != vexipc_request_wake || READ_ONCE(req->overdue))
			continue;
		if (now < req->deadline_ns) {
			next = min(next, req->deadline_ns);
		} else {
			WRITE_ONCE(req->overdue, true);
			rcuwait_wake_up(&req->waiter);
		}
	}
	if (ep->closed)
		next = U64_MAX;
	WRITE_ONCE(ep->watched_ns, next);
	/* Set again while this waited for the lock, it has a reference of its own. */
	over = next == U64_MAX ||
	       mod_timer(&ep->watch, jiffies + vexipc_jiffies_until(next));
	spin_unlock_bh(&ep->lock);
	if (over)
		vexipc_endpoint_put(ep);
}

/**
 * vexipc_endpoint_watch() - a client is about to wait for a request
 * @ep: whose, with the request in its list
 * @deadline_ns: of it; then its overdue is set, and it is woken
 *
 * One timer for all that wait: each deadline is mostly behind the one it is set for
 * already, so that a request that is answered in time costs no timer. It has the grain
 * of the wheel.
 */
void vexipc_endpoint_watch(struct vexipc_endpoint *ep, u64 deadline_ns)
{
	/* Who sets it to later looks at the list after ours was put there. */
	if (likely(READ_ONCE(ep->watched_ns) <= deadline_ns))
		return;
	spin_lock_bh(&ep->lock);
	if (deadline_ns < ep->watched_ns && !ep->closed) {
		WRITE_ONCE(ep->watched_ns, deadline_ns);
		if (!mod_timer(&ep->watch, jiffies + vexipc_jiffies_until(deadline_ns)))
			refcount_inc(&ep->refs);
	}
	spin_unlock_bh(&ep->lock);
}

/**
 * vexipc_endpoint_init() - begin an endpoint
 * @ep: zeroed, part of its owner
 * @inst: its instance
 * @ops: what the owner is told
 *
 * It has one reference; ops->release() is called when the last one goes.
 */
void vexipc_endpoint_init(struct vexipc_endpoint *ep, struct vexipc_instance *inst,
			  const struct vexipc_endpoint_ops *ops)
{
	refcount_set(&ep->refs, 1);
	ep->inst = inst;
	ep->ops = ops;
	spin_lock_init(&ep->lock);
	INIT_LIST_HEAD(&ep->requests);
	INIT_LIST_HEAD(&ep->out);
	timer_setup(&ep->watch, watch_deadlines, 0);
	ep->watched_ns = U64_MAX;
	atomic_inc(&inst->endpoints);
}

/**
 * vexipc_endpoint_charge() - what is answered to it is at the caller's expense
 * @ep: just begun
 *
 * As with sockets: of whoever opened it, whoever uses it later. An answer that is left
 * unread must not fill up the memory cgroup of the service.
 */
void vexipc_endpoint_charge(struct vexipc_endpoint *ep)
{
	ep->memcg = get_mem_cgroup_from_mm(current->mm);
}

void vexipc_endpoint_put(struct vexipc_endpoint *ep)
{
	struct vexipc_instance *inst = ep->inst;

	if (!refcount_dec_and_test(&ep->refs))
		return;
	kvfree(ep->own_ids);
	mem_cgroup_put(ep->memcg);
	ep->ops->release(ep);
	vexipc_instance_put_endpoint(inst);
}

static u32 id_seed __read_mostly;

static bool own_id(const struct vexipc_request *req)
{
	return !(req->request_id & VEXIPC_ID_KERNEL);
}

/* Not one whose client waits for it, or is told in another way. */
static bool is_read(const struct vexipc_request *req)
{
	return req->complete == vexipc_endpoint_complete;
}

/* Clients choose these ids: none may choose many that meet in one bucket. */
static struct hlist_head *id_bucket(struct vexipc_endpoint *ep, u64 id)
{
	return &ep->own_ids[jhash_2words(id, id >> 32, id_seed) >> (32 - VEXIPC_OWN_ID_BITS)];
}

static struct vexipc_request *find_own(struct vexipc_endpoint *ep, u64 id)
{
	struct vexipc_request *req;

	lockdep_assert_held(&ep->lock);
	if (!ep->own_ids)
		return NULL;
	hlist_for_each_entry(req, id_bucket(ep, id), id_node)
		if (req->request_id == id)
			return req;
	return NULL;
}

static int make_own_ids(struct vexipc_endpoint *ep)
{
	struct hlist_head *ids;

	if (READ_ONCE(ep->own_ids))
		return 0;
	ids = kvcalloc(1 << VEXIPC_OWN_ID_BITS, sizeof(*ids), VEXIPC_GFP_CALLER);
	if (!ids)
		return -ENOMEM;
	get_random_once(&id_seed, sizeof(id_seed));
	spin_lock_bh(&ep->lock);
	if (!ep->own_ids) {
		WRITE_ONCE(ep->own_ids, ids);
		ids = NULL;
	}
	spin_unlock_bh(&ep->lock);
	kvfree(ids);
	return 0;
}

/**
 * vexipc_endpoint_add() - list a request with who asked
 * @ep: who
 * @req: its ids are set
 *
 * Context: may sleep.
 * Return: 0; -ESHUTDOWN the endpoint is closed; -EEXIST the request id is in
 * use here; -EUSERS too many completions have not been read; -ENOMEM.
 */
int vexipc_endpoint_add(struct vexipc_endpoint *ep, struct vexipc_request *req)
{
	u32 limit = vexipc_config(ep->inst, VEXIPC_CONFIG_MAX_CONCURRENT_REQUESTS);
	int err = 0;

	if (own_id(req)) {
		err = make_own_ids(ep);
		if (err)
			return err;
	}

	spin_lock_bh(&ep->lock);
	if (ep->closed) {
		err = -ESHUTDOWN;
	} else if (ep->outstanding >= limit) {
		err = -EUSERS;
	} else if (own_id(req) && find_own(ep, req->request_id)) {
		err = -EEXIST;
	} else {
		list_add_tail(&req->ep_node, &ep->requests);
		if (own_id(req))
			hlist_add_head(&req->id_node, id_bucket(ep, req->request_id));
		req->listed = true;
		ep->outstanding++;
		ep->to_read += is_read(req);
	}
	spin_unlock_bh(&ep->lock);
	return err;
}

static void forget(struct vexipc_endpoint *ep, struct vexipc_request *req)
{
	lockdep_assert_held(&ep->lock);
	if (!req->listed)
		return;
	list_del_init(&req->ep_node);
	hlist_del_init(&req->id_node);
	req->listed = false;
	ep->outstanding--;
	ep->to_read -= is_read(req);
}

/**
 * vexipc_endpoint_remove() - the completion was taken, or never will be one
 * @ep: who asked
 * @req: the request
 */
void vexipc_endpoint_remove(struct vexipc_endpoint *ep, struct vexipc_request *req)
{
	spin_lock_bh(&ep->lock);
	forget(ep, req);
	spin_unlock_bh(&ep->lock);
}

/**
 * vexipc_endpoint_complete() - complete callback of requests whose completion
 *				is read
 * @req: completed
 */
void vexipc_endpoint_complete(struct vexipc_request *req)
{
	struct vexipc_endpoint *ep = vexipc_endpoint_get(req->ep);
	bool closed;

	spin_lock_bh(&ep->lock);
	closed = ep->closed;
	if (closed) {
		forget(ep, req);
	} else {
		req->out.reply = false;
		list_add_tail(&req->out.node, &ep->out);
		ep->completed++;
	}
	spin_unlock_bh(&ep->lock);

	if (closed)
		vexipc_request_put(req);
	else
		ep->ops->notify(ep);
	vexipc_endpoint_put(ep);
}

/**
 * vexipc_endpoint_cancel() - cancel one request of an endpoint
 * @ep: who asked
 * @request_id: as the client knows it
 *
 * Return: 0, its completion says VEXIPC_ERR_CANCELLED; -ESRCH there is no such
 * request of this endpoint, or it has been completed.
 */
int vexipc_endpoint_cancel(struct vexipc_endpoint *ep, u64 request_id)
{
	struct vexipc_request *req;
	int err = -ESRCH;

	if (request_id & VEXIPC_ID_KERNEL) {
		req = vexipc_slots_find(&ep->inst->slots, request_id);
		if (req && (req->ep != ep || req->request_id != request_id)) {
			vexipc_request_put(req);
			req = NULL;
		}
	} else {
		spin_lock_bh(&ep->lock);
		req = find_own(ep, request_id);
		if (req)
			refcount_inc(&req->refs);
		spin_unlock_bh(&ep->lock);
	}
	if (!req)
		return err;
	if (vexipc_request_finish(req, VEXIPC_ERR_CANCELLED))
		err = 0;
	vexipc_request_put(req);
	return err;
}

static struct vexipc_reply *reply_of(struct vexipc_out *out)
{
	return container_of(out, struct vexipc_reply, out);
}

static struct vexipc_request *request_of(struct vexipc_out *out)
{
	return container_of(out, struct vexipc_request, out);
}

/**
 * vexipc_endpoint_reply() - give an endpoint a message to read
 * @ep: to whom
 * @image: the message, sealed
 *
 * Context: may sleep.
 * Return: 0; -ENOBUFS it has too many unread; -ENOMEM; -ESHUTDOWN.
 */
int vexipc_endpoint_reply(struct vexipc_endpoint *ep, const struct vexipc_image *image)
{
	u32 len = vexipc_image_len(image);
	struct vexipc_reply *reply;
	int err = 0;

	reply = vexipc_caller_alloc(struct_size(reply, message, len));
	if (!reply)
		return -ENOMEM;
	reply->out.reply = true;
	reply->correlation = le64_to_cpu(((struct vexipc_msg_header *)image->head)->correlation_id);
	reply->len = len;
	vexipc_image_copy(image, 0, reply->message, len);

	spin_lock_bh(&ep->lock);
	if (ep->closed) {
		err = -ESHUTDOWN;
	} else if (ep->replies >= VEXIPC_MAX_REPLIES) {
		err = -ENOBUFS;
	} else {
		ep->replies++;
		list_add_tail(&reply->out.node, &ep->out);
	}
	spin_unlock_bh(&ep->lock);
	if (err)
		kvfree(reply);
	else
		ep->ops->notify(ep);
	return err;
}

/**
 * vexipc_out_image() - the message that is to be read
 * @out: a reply or a completed request
 * @image: to fill; valid as long as @out
 */
void vexipc_out_image(struct vexipc_out *out, struct vexipc_image *image)
{
	if (out->reply) {
		image->head_len = 0;
		image->part[0] = reply_of(out)->message;
		image->part_len[0] = reply_of(out)->len;
		image->part[1] = NULL;
		image->part_len[1] = 0;
	} else {
		vexipc_request_completion_image(request_of(out), image);
	}
}

static u32 out_len(struct vexipc_out *out)
{
	if (out->reply)
		return reply_of(out)->len;
	return vexipc_request_completion_len(request_of(out));
}

/**
 * vexipc_endpoint_take() - take the oldest thing to read
 * @ep: whose
 * @room: bytes of message the taker has room for
 * @need: bytes of the next message, when that is more
 *
 * What is taken is given back with vexipc_endpoint_untake() or ended with
 * vexipc_endpoint_done().
 *
 * Return: it; NULL when there is none; -EMSGSIZE when @room is too small.
 */
struct vexipc_out *vexipc_endpoint_take(struct vexipc_endpoint *ep, u32 room, u32 *need)
{
	struct vexipc_out *out;

	if (list_empty_careful(&ep->out))
		return NULL;
	spin_lock_bh(&ep->lock);
	out = list_first_entry_or_null(&ep->out, struct vexipc_out, node);
	if (out && out_len(out) > room) {
		*need = out_len(out);
		out = ERR_PTR(-EMSGSIZE);
	} else if (out) {
		list_del_init(&out->node);
		ep->completed -= !out->reply;
	}
	spin_unlock_bh(&ep->lock);
	return out;
}

/**
 * vexipc_endpoint_take_completed() - take the oldest completed request
 * @ep: whose
 *
 * As vexipc_endpoint_take(), whatever else is there to read and however large it is.
 *
 * Return: it, or NULL.
 */
struct vexipc_request *vexipc_endpoint_take_completed(struct vexipc_endpoint *ep)
{
	struct vexipc_request *req = NULL;
	struct vexipc_out *out;

	if (!READ_ONCE(ep->completed))
		return NULL;
	spin_lock_bh(&ep->lock);
	list_for_each_entry(out, &ep->out, node) {
		if (out->reply)
			continue;
		list_del_init(&out->node);
		ep->completed--;
		req = request_of(out);
		break;
	}
	spin_unlock_bh(&ep->lock);
	return req;
}

/**
 * vexipc_endpoint_completed() - are so many there to be taken, or all there will be?
 * @ep: whose
 * @count: how many
 */
bool vexipc_endpoint_completed(struct vexipc_endpoint *ep, unsigned int count)
{
	bool enough;

	if (READ_ONCE(ep->completed) >= count)
		return true;
	spin_lock_bh(&ep->lock);
	enough = ep->completed >= min(count, ep->to_read);
	spin_unlock_bh(&ep->lock);
	return enough;
}

/**
 * vexipc_endpoint_untake() - it could not be handed over: first in line again
 * @ep: whose
 * @out: from vexipc_endpoint_take()
 */
void vexipc_endpoint_untake(struct vexipc_endpoint *ep, struct vexipc_out *out)
{
	bool closed;

	spin_lock_bh(&ep->lock);
	closed = ep->closed;
	if (!closed) {
		list_add(&out->node, &ep->out);
		ep->completed += !out->reply;
	}
	spin_unlock_bh(&ep->lock);
	if (closed)
		vexipc_endpoint_done(ep, out);
}

/**
 * vexipc_endpoint_done() - it was handed over, or nobody will ever read it
 * @ep: whose
 * @out: from vexipc_endpoint_take()
 */
void vexipc_endpoint_done(struct vexipc_endpoint *ep, struct vexipc_out *out)
{
	if (out->reply) {
		spin_lock_bh(&ep->lock);
		ep->replies--;
		spin_unlock_bh(&ep->lock);
		kvfree(reply_of(out));
	} else {
		vexipc_endpoint_remove(ep, request_of(out));
		vexipc_request_put(request_of(out));
	}
}

/**
 * vexipc_endpoint_service() - the service that registered through an endpoint
 * @ep: the endpoint
 *
 * Return: the service with a reference, or NULL.
 */
struct vexipc_service *vexipc_endpoint_service(struct vexipc_endpoint *ep)
{
	struct vexipc_service *svc;

	/* It is freed after a grace period. */
	rcu_read_lock();
	/* Pairs with the registry's publish(). */
	svc = smp_load_acquire(&ep->service);
	if (svc && !kref_get_unless_zero(&svc->refs))
		svc = NULL;
	rcu_read_unlock();
	return svc;
}

/**
 * vexipc_endpoint_close() - its owner goes
 * @ep: whose; keeps its reference
 * @died: its service did not take its leave
 *
 * Its service's requests fail over, its own are cancelled, what was not read is
 * dropped.
 *
 * Context: may sleep.
 */
void vexipc_endpoint_close(struct vexipc_endpoint *ep, bool died)
{
	struct vexipc_service *svc;
	struct vexipc_request *req;
	struct vexipc_out *out;
	LIST_HEAD(unread);

	spin_lock_bh(&ep->lock);
	ep->closed = true;
	spin_unlock_bh(&ep->lock);
	if (timer_delete_sync(&ep->watch))
		vexipc_endpoint_put(ep);

	svc = vexipc_endpoint_service(ep);
	if (svc) {
		vexipc_registry_remove(svc, died);
		vexipc_service_put(svc);
	}

	spin_lock_bh(&ep->lock);
	list_splice_init(&ep->out, &unread);
	ep->completed = 0;
	while ((req = list_first_entry_or_null(&ep->requests, struct vexipc_request,
					       ep_node))) {
		refcount_inc(&req->refs);
		forget(ep, req);
		spin_unlock_bh(&ep->lock);
		vexipc_request_finish(req, VEXIPC_ERR_CANCELLED);
		vexipc_request_put(req);
		spin_lock_bh(&ep->lock);
	}
	spin_unlock_bh(&ep->lock);

	while ((out = list_first_entry_or_null(&unread, struct vexipc_out, node))) {
		list_del_init(&out->node);
		vexipc_endpoint_done(ep, out);
	}
}
