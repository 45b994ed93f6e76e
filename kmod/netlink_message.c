// SPDX-License-Identifier: GPL-2.0-only
/* Messages that come over netlink: whole ones, and fragments put together. */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "access.h"
#include "context.h"
#include "instance.h"
#include "message.h"
#include "netlink_socket.h"
#include "protocol.h"
#include "request.h"

/* Bytes that unfinished messages of one instance may hold. */
enum { MAX_ASSEMBLING = 256 << 20 };

/* struct vexipc_piece is what one netlink message carries of a message. */
struct vexipc_piece {
	const void *data;
	u32 len;
	u32 offset, total;
	bool fragment;
};

static int parse(struct genl_info *info, struct vexipc_piece *piece)
{
	struct nlattr **attrs = info->attrs;

	if (GENL_REQ_ATTR_CHECK(info, VEXIPC_A_MESSAGE))
		return -EINVAL;
	piece->data = nla_data(attrs[VEXIPC_A_MESSAGE]);
	piece->len = nla_len(attrs[VEXIPC_A_MESSAGE]);
	piece->fragment = attrs[VEXIPC_A_OFFSET] || attrs[VEXIPC_A_TOTAL];
	if (!piece->fragment)
		return 0;
	if (GENL_REQ_ATTR_CHECK(info, VEXIPC_A_OFFSET) ||
	    GENL_REQ_ATTR_CHECK(info, VEXIPC_A_TOTAL))
		return -EINVAL;
	piece->offset = nla_get_u32(attrs[VEXIPC_A_OFFSET]);
	piece->total = nla_get_u32(attrs[VEXIPC_A_TOTAL]);
	if (piece->total > VEXIPC_MAX_MESSAGE) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[VEXIPC_A_TOTAL],
				    "longer than any message may be");
		return -EMSGSIZE;
	}
	return 0;
}

/* Anyone may open a netlink socket; the device, which embeds too, has a mode. */
static bool embeds(const void *data, u32 len, u32 type)
{
	struct vexipc_health_check_body check;

	switch (type) {
	case VEXIPC_MSG_EMBED_REQUEST:
	case VEXIPC_MSG_BATCH_REQUEST:
		return true;
	case VEXIPC_MSG_HEALTH_CHECK:
		if (len < sizeof(struct vexipc_msg_header) + sizeof(check))
			return false;
		memcpy(&check, data + sizeof(struct vexipc_msg_header), sizeof(check));
		return check.id_len;
	default:
		return false;
	}
}

/*
 * May the sender send a message that begins like this? Fills in the context. A
 * message too short to tell is refused further on.
 */
static int permit(struct vexipc_context *ctx, struct sk_buff *skb,
		  struct genl_info *info, const void *data, u32 len)
{
	struct vexipc_msg_header header = {};
	u32 type;
	int err;

	memcpy(&header, data, min_t(u32, len, sizeof(header)));
	type = le32_to_cpu(header.message_type);
	vexipc_netlink_context(ctx, skb, genl_info_net(info));
	if (vexipc_context_needs_admin(type)) {
		ctx->admin = vexipc_access_admin(ctx);
		return 0;
	}
	if (!embeds(data, len, type))
		return 0;
	/* Who may administer has more sockets. */
	if (vexipc_config(ctx->inst, VEXIPC_CONFIG_ENABLE_AUTHENTICATION))
		ctx->admin = vexipc_access_admin(ctx);
	err = ctx->admin ? 0 : vexipc_access_open(ctx);
	if (err == -EACCES)
		NL_SET_ERR_MSG(info->extack, "an access rule forbids to embed");
	else if (err)
		NL_SET_ERR_MSG(info->extack,
			       "embedding over netlink needs CAP_NET_ADMIN or an access rule: use /dev/vexipc");
	return err;
}

/**
 * vexipc_assembly_drop() - forget an unfinished message
 * @inst: the socket's instance
 * @a: the message; nothing happens if there is none
 */
void vexipc_assembly_drop(struct vexipc_instance *inst, struct vexipc_assembly *a)
{
	if (!a->data)
		return;
	kvfree(a->data);
	a->data = NULL;
	atomic_long_sub(a->total, &inst->assembling);
}

/*
 * Only requests and answers get so long that a netlink message can not hold
 * them; who may not send those can not make us keep much.
 */
static bool may_be_long(const struct vexipc_socket *socket, u32 type)
{
	switch (type) {
	case VEXIPC_MSG_EMBED_REQUEST:
	case VEXIPC_MSG_BATCH_REQUEST:
		return true;
	case VEXIPC_MSG_EMBED_RESPONSE:
	case VEXIPC_MSG_BATCH_RESPONSE:
		return READ_ONCE(socket->ep.service);
	default:
		return false;
	}
}

static int check_first(const struct vexipc_socket *socket, const struct vexipc_piece *piece,
		       struct netlink_ext_ack *extack)
{
	struct vexipc_msg_header header;
	int err;

	if (piece->len < sizeof(header) || piece->len > piece->total) {
		NL_SET_ERR_MSG(extack, "the first fragment has the header, and no more than TOTAL");
		return -EINVAL;
	}
	memcpy(&header, piece->data, sizeof(header));
	err = vexipc_header_check(&header);
	if (err)
		return err;
	if (le32_to_cpu(header.length) != piece->total) {
		NL_SET_ERR_MSG(extack, "TOTAL is not the length that the message tells");
		return -EINVAL;
	}
	if (piece->total > VEXIPC_FRAGMENT_MAX &&
	    !may_be_long(socket, le32_to_cpu(header.message_type))) {
		NL_SET_ERR_MSG(extack, "such a message can not be so long");
		return -EMSGSIZE;
	}
	return 0;
}

/* For the whole message that begins with this. */
static void *message_alloc(struct vexipc_socket *socket, const struct vexipc_piece *piece,
			   u32 len)
{
	struct vexipc_msg_header header = {};

	memcpy(&header, piece->data, min_t(u32, piece->len, sizeof(header)));
	return vexipc_answer_alloc(&socket->ep, &header, len);
}

static int assembly_begin(struct vexipc_socket *socket, struct vexipc_assembly *a,
			  const struct vexipc_piece *piece, struct netlink_ext_ack *extack)
{
	struct vexipc_instance *inst = socket->ep.inst;
	u32 total = piece->total;

	if (atomic_long_add_return(total, &inst->assembling) > MAX_ASSEMBLING) {
		atomic_long_sub(total, &inst->assembling);
		NL_SET_ERR_MSG(extack, "too many unfinished messages: send again later");
		return -ENOBUFS;
	}
	a->data = message_alloc(socket, piece, total);
	if (!a->data) {
		atomic_long_sub(total, &inst->assembling);
		return -ENOMEM;
	}
	a->total = total;
	a->have = 0;
	return 0;
}

/*
 * Add a fragment. @message is set once the message is whole; until then it is
 * NULL and all is well. A fragment out of place drops what there is.
 */
static int assemble(struct vexipc_socket *socket, struct vexipc_assembly *a,
		    const struct vexipc_piece *piece, struct netlink_ext_ack *extack,
		    void **message)
{
	struct vexipc_instance *inst = socket->ep.inst;
	int err;

	lockdep_assert_held(&socket->assembling);
	if (!piece->offset) {
		vexipc_assembly_drop(inst, a);
		err = check_first(socket, piece, extack) ?:
		      assembly_begin(socket, a, piece, extack);
		if (err)
			return err;
	}
	if (!a->data || piece->offset != a->have || piece->total != a->total ||
	    !piece->len || piece->len > a->total - a->have) {
		vexipc_assembly_drop(inst, a);
		NL_SET_ERR_MSG(extack, "a fragment out of place: begin again at OFFSET 0");
		return -EINVAL;
	}
	memcpy(a->data + a->have, piece->data, piece->len);
	a->have += piece->len;
	if (a->have == a->total) {
		*message = a->data;
		a->data = NULL;
		atomic_long_sub(a->total, &inst->assembling);
	}
	return 0;
}

static int receive(struct vexipc_context *ctx, struct sk_buff *skb, struct genl_info *info,
		   struct vexipc_socket *socket, const struct vexipc_piece *piece)
{
	bool answer = info->genlhdr->cmd == VEXIPC_CMD_RESPONSE;
	void *message = NULL;
	u32 len = piece->len;
	int err;

	if (piece->fragment) {
		mutex_lock(&socket->assembling);
		err = assemble(socket, answer ? &socket->response : &socket->request,
			       piece, info->extack, &message);
		mutex_unlock(&socket->assembling);
		if (err && err != -ENOMEM && err != -ENOBUFS)
			vexipc_count(ctx->inst, BAD_MESSAGES);
		if (err || !message)
			return err;
		len = piece->total;
		/* The socket may have changed hands since the first fragment. */
		err = permit(ctx, skb, info, message, len);
	} else {
		message = message_alloc(socket, piece, len);
		err = message ? 0 : -ENOMEM;
		if (message)
			memcpy(message, piece->data, len);
	}
	if (!err)
		err = vexipc_message_receive(ctx, &socket->ep, &message, len);
	kvfree(message);
	return err;
}

/* An answer from a socket that has no service, and so was asked nothing. */
static int refuse_answer(struct genl_info *info, const struct vexipc_piece *piece)
{
	int err = piece->fragment ? 0 : vexipc_message_check(piece->data, piece->len);

	vexipc_count(vexipc_instance_of(genl_info_net(info)), BAD_MESSAGES);
	if (err)
		return err;
	NL_SET_ERR_MSG(info->extack, "only services answer: register one on this socket");
	return -EBADRQC;
}

/* VEXIPC_CMD_REQUEST and VEXIPC_CMD_RESPONSE. */
int vexipc_netlink_do_message(struct sk_buff *skb, struct genl_info *info)
{
	bool answer = info->genlhdr->cmd == VEXIPC_CMD_RESPONSE;
	struct vexipc_piece piece = {};
	struct vexipc_socket *socket;
	struct vexipc_context ctx;
	int err;

	err = parse(info, &piece);
	if (err)
		return err;
	if (piece.offset)
		vexipc_netlink_context(&ctx, skb, genl_info_net(info));
	else
		err = permit(&ctx, skb, info, piece.data, piece.len);
	if (err)
		return err;

	if (answer)
		socket = vexipc_socket_find(skb, info);
	else
		socket = vexipc_socket_make(skb, info, ctx.admin);
	if (!socket)
		return refuse_answer(info, &piece);
	if (IS_ERR(socket))
		return PTR_ERR(socket);
	err = receive(&ctx, skb, info, socket, &piece);
	vexipc_socket_leave(socket);
	return err;
}
