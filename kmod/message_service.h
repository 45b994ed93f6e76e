/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_MESSAGE_SERVICE_H
#define _VEXIPC_MESSAGE_SERVICE_H

#include <linux/types.h>
#include <linux/vexipc.h>

#include "ring.h"

struct vexipc_context;
struct vexipc_endpoint;
struct vexipc_service;

/**
 * struct vexipc_incoming - a checked message on its way through dispatch
 * @ctx:     who sent it
 * @ep:      the endpoint it came through
 * @message: owns the memory; NULL once somebody else does
 * @header:  the message
 * @len:     of it
 * @type:    enum vexipc_msg_type
 * @flags:   VEXIPC_MSGF_*
 * @correlation: of its header
 * @vector:  what follows header and body of an EMBED_RESPONSE, where that is not
 *	     in the message; else NULL
 * @lent:    the slot where @vector lies, if it may stay there
 * @lent_out: it stays there until the client has it
 * @done:    the answer has counted, or was nobody's; whatever comes after, the ACK too,
 *	     changes nothing of that
 */
struct vexipc_incoming {
	struct vexipc_context *ctx;
	struct vexipc_endpoint *ep;
	void **message;
	const struct vexipc_msg_header *header;
	u32 len;
	u32 type;
	u32 flags;
	u64 correlation;
	const void *vector;
	struct vexipc_lent lent;
	bool lent_out;
	bool done;
};

const void *vexipc_message_body(const struct vexipc_incoming *in, u32 size);
int vexipc_message_ack(const struct vexipc_incoming *in, int err,
		       const struct vexipc_ack_body *with);
int vexipc_message_answer(struct vexipc_incoming *in, struct vexipc_service *svc);
int vexipc_message_failed(struct vexipc_service *svc, u64 correlation, u32 error, u32 kind);
int vexipc_message_heartbeat(struct vexipc_incoming *in);
int vexipc_message_register(struct vexipc_incoming *in);
int vexipc_message_unregister(struct vexipc_incoming *in);

enum vexipc_error vexipc_service_error(u32 error);

#endif
