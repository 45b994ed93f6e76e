// SPDX-License-Identifier: GPL-2.0-only
/* The in-kernel API: include/linux/vexipc.h. */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vexipc.h>

#include "context.h"
#include "embed.h"
#include "endpoint.h"
#include "error.h"
#include "instance.h"
#include "memory.h"
#include "request.h"

/* struct vexipc_client is a kernel client; requests in flight keep it alive. */
struct vexipc_client {
	struct vexipc_endpoint ep;
	struct net *net;
	struct completion released;
};

/* struct callback is what an asynchronous request calls. */
struct callback {
	vexipc_done_t done;
	void *private;
};

static void notify_nobody(struct vexipc_endpoint *ep)
{
}

static void release_client(struct vexipc_endpoint *ep)
{
	complete(&container_of(ep, struct vexipc_client, ep)->released);
}

static const struct vexipc_endpoint_ops client_ops = {
	.notify = notify_nobody,
	.release = release_client,
};

/**
 * vexipc_client_open() - become a client
 * @net: the namespace whose services are asked; a reference is taken
 *
 * Context: may sleep.
 * Return: the client, or an error pointer: -ENOMEM.
 */
struct vexipc_client *vexipc_client_open(struct net *net)
{
	struct vexipc_instance *inst = vexipc_instance_of(net);
	struct vexipc_client *client;
	int err = vexipc_instance_prepare(inst);

	if (err)
		return ERR_PTR(err);
	client = kzalloc(sizeof(*client), GFP_KERNEL);
	if (!client)
		return ERR_PTR(-ENOMEM);
	client->net = get_net(net);
	init_completion(&client->released);
	vexipc_endpoint_init(&client->ep, inst, &client_ops);
	return client;
}
EXPORT_SYMBOL_GPL(vexipc_client_open);

/**
 * vexipc_client_close() - stop being a client
 * @client: from vexipc_client_open(); gone afterwards
 *
 * Requests in flight are cancelled; when this returns their callbacks have
 * returned. No call with @client may be under way, and what vexipc_embed()
 * answered must have been freed: it holds the client.
 *
 * Context: sleeps.
 */
void vexipc_client_close(struct vexipc_client *client)
{
	vexipc_endpoint_close(&client->ep, false);
	vexipc_endpoint_put(&client->ep);
	wait_for_completion(&client->released);
	put_net(client->net);
	kfree(client);
}
EXPORT_SYMBOL_GPL(vexipc_client_close);

static struct vexipc_request *prepare(struct vexipc_client *client,
				      const struct vexipc_kernel_request *request)
{
	struct vexipc_question q = {
		.type = VEXIPC_MSG_EMBED_REQUEST,
		.service = request->service,
		.session = request->session,
		.content_len = request->content_len,
		.model_len = request->model ? strlen(request->model) : 0,
		.service_len = request->service ? strlen(request->service) : 0,
		.dimensions = request->dimensions,
		.data_type = request->data_type,
		.content_type = request->content_type,
		.priority = request->priority,
		.timeout_ms = request->timeout_ms,
		.flags = request->flags,
	};
	struct vexipc_request *req;
	struct vexipc_context ctx;
	int err = vexipc_question_check(&q);

	if (err)
		return ERR_PTR(err);
	q.mem = vexipc_caller_alloc(q.model_len + q.content_len);
	if (!q.mem)
		return ERR_PTR(-ENOMEM);
	memcpy(q.mem, request->model, q.model_len);
	memcpy(q.mem + q.model_len, request->content, q.content_len);
	q.model = q.mem;
	q.content = q.mem + q.model_len;
	vexipc_context_current(&ctx, client->ep.inst);
	req = vexipc_question_request(&ctx, &client->ep, &q);
	kvfree(q.mem);
	return req;
}

static void fill_result(const struct vexipc_request *req, struct vexipc_kernel_result *result)
{
	*result = (struct vexipc_kernel_result) {
		.err = vexipc_error_errno(req->status),
		.error = req->status,
		.service_handle = req->service_handle,
		.retry_after_ms = req->status ? req->retry_after_ms : 0,
		.flags = req->result_flags,
	};
	if (req->sent_ns) {
		result->queue_ns = req->sent_ns - req->submitted_ns;
		result->service_ns = req->done_ns - req->sent_ns;
	}
	if (!req->status) {
		result->dimensions = req->out_dimensions;
		result->scale = req->scale;
		result->vector = req->answer;
		result->vector_bytes = req->answer_len;
	}
}

/**
 * vexipc_embed() - ask and wait
 * @client: who asks
 * @request: what
 * @result: the answer; on success call vexipc_result_free() when done with it
 *
 * Context: sleeps until the answer, the deadline or a signal.
 * Return: 0, or a negative errno as @result->err; then there is nothing to
 * free.
 */
int vexipc_embed(struct vexipc_client *client, const struct vexipc_kernel_request *request,
		 struct vexipc_kernel_result *result)
{
	struct vexipc_request *req = prepare(client, request);
	int err;

	memset(result, 0, sizeof(*result));
	if (IS_ERR(req)) {
		err = PTR_ERR(req);
		goto refused;
	}
	req->complete = vexipc_request_wake;
	req->may_wait = true;
	err = vexipc_request_submit(req);
	if (err) {
		result->retry_after_ms = req->retry_after_ms;
		vexipc_request_put(req);
		goto refused;
	}
	vexipc_request_wait(req);
	vexipc_endpoint_remove(&client->ep, req);
	fill_result(req, result);
	if (result->err)
		vexipc_request_put(req);
	else
		result->owner = req;
	return result->err;

refused:
	result->err = err;
	result->error = vexipc_error_from_errno(err);
	return err;
}
EXPORT_SYMBOL_GPL(vexipc_embed);

/**
 * vexipc_result_free() - done with the answer of vexipc_embed()
 * @result: its vector is gone afterwards; a failed one has none
 */
void vexipc_result_free(struct vexipc_kernel_result *result)
{
	if (result->owner)
		vexipc_request_put(result->owner);
	memset(result, 0, sizeof(*result));
}
EXPORT_SYMBOL_GPL(vexipc_result_free);

static void call_back(struct vexipc_request *req)
{
	struct callback *callback = req->private;
	struct vexipc_kernel_result result;

	vexipc_endpoint_remove(req->ep, req);
	fill_result(req, &result);
	callback->done(&result, callback->private);
	kfree(callback);
	vexipc_request_put(req);
}

/**
 * vexipc_embed_async() - ask and be called
 * @client: who asks
 * @request: what
 * @done: called exactly once if and only if this returns 0, maybe before it
 *	  returns; in any context but hard interrupts, and must not sleep
 * @private: for @done
 * @request_id: out: for vexipc_embed_cancel(); may be NULL
 *
 * Context: may sleep.
 * Return: 0, or a negative errno as vexipc_request_submit() lists them.
 */
int vexipc_embed_async(struct vexipc_client *client,
		       const struct vexipc_kernel_request *request,
		       vexipc_done_t done, void *private, u64 *request_id)
{
	struct callback *callback = kmalloc(sizeof(*callback), VEXIPC_GFP_CALLER);
	struct vexipc_request *req;
	int err;

	if (!callback)
		return -ENOMEM;
	req = prepare(client, request);
	if (IS_ERR(req)) {
		kfree(callback);
		return PTR_ERR(req);
	}
	*callback = (struct callback){ .done = done, .private = private };
	req->complete = call_back;
	req->private = callback;
	err = vexipc_request_submit(req);
	if (err)
		kfree(callback);
	else if (request_id)
		*request_id = req->request_id;
	vexipc_request_put(req);
	return err;
}
EXPORT_SYMBOL_GPL(vexipc_embed_async);

/**
 * vexipc_embed_cancel() - no longer want an answer
 * @client: who asked
 * @request_id: from vexipc_embed_async()
 *
 * Return: 0, the callback is told -ECANCELED; -ESRCH it has been completed.
 */
int vexipc_embed_cancel(struct vexipc_client *client, u64 request_id)
{
	return vexipc_endpoint_cancel(&client->ep, request_id);
}
EXPORT_SYMBOL_GPL(vexipc_embed_cancel);
