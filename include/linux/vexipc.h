/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The in-kernel API of vexipc: embedding requests from other modules.
 *
 * A client belongs to a network namespace. It asks, and gets exactly one answer
 * for each request that was accepted.
 */
#ifndef _LINUX_VEXIPC_H
#define _LINUX_VEXIPC_H

#include <linux/types.h>
#include <uapi/linux/vexipc.h>

struct net;
struct vexipc_client;

/**
 * struct vexipc_kernel_request - what a kernel client asks
 * @content:	  the text or bytes; not looked at after submission
 * @content_len:  bytes, at least 1
 * @content_type: enum vexipc_content_type
 * @dimensions:	  0 for whatever the service has
 * @data_type:	  enum vexipc_data_type of the vector wanted
 * @priority:	  0 (low) to 255 (critical)
 * @timeout_ms:	  0 for the instance's
 * @model:	  NULL for any
 * @service:	  NULL for any, else the id of the only one to ask
 * @session:	  0 for none
 * @flags:	  VEXIPC_EMBED_*
 */
struct vexipc_kernel_request {
	const void *content;
	u32 content_len;
	u32 content_type;
	u32 dimensions;
	u32 data_type;
	u32 priority;
	u32 timeout_ms;
	const char *model;
	const char *service;
	u64 session;
	u32 flags;
};

/**
 * struct vexipc_kernel_result - the one completion
 * @err:	    0, or a negative errno of the error table
 * @error:	    the same as enum vexipc_error
 * @dimensions:	    of the vector
 * @scale:	    Int8 and Int16: bits of the IEEE 754 float
 * @vector:	    valid until the callback returns, or vexipc_result_free(), which
 *		    vexipc_client_close() waits for
 * @vector_bytes:   its size
 * @service_handle: who answered
 * @queue_ns:	    from submission to sending
 * @service_ns:	    from sending to the answer
 * @retry_after_ms: on failure: when it makes sense to ask again; 0: unknown
 * @flags:	    VEXIPC_RESULT_*: where the answer is from
 */
struct vexipc_kernel_result {
	int err;
	enum vexipc_error error;
	u32 dimensions;
	u32 scale;
	const void *vector;
	u32 vector_bytes;
	u64 service_handle;
	u64 queue_ns;
	u64 service_ns;
	u32 retry_after_ms;
	u32 flags;
	/* private: */
	void *owner;
};

typedef void (*vexipc_done_t)(const struct vexipc_kernel_result *result, void *private);

struct vexipc_client *vexipc_client_open(struct net *net);
void vexipc_client_close(struct vexipc_client *client);
int vexipc_embed(struct vexipc_client *client, const struct vexipc_kernel_request *request,
		 struct vexipc_kernel_result *result);
void vexipc_result_free(struct vexipc_kernel_result *result);
int vexipc_embed_async(struct vexipc_client *client,
		       const struct vexipc_kernel_request *request,
		       vexipc_done_t done, void *private, u64 *request_id);
int vexipc_embed_cancel(struct vexipc_client *client, u64 request_id);

int vexipc_error_errno(enum vexipc_error error);
enum vexfs_error vexipc_error_class(enum vexipc_error error);
enum vexipc_error vexipc_error_from_errno(int err);

#endif
