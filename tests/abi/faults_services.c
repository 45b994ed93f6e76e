// SPDX-License-Identifier: GPL-2.0-only
/* Faults in the life of a service: a token, registering, beating, going. */
#include "faults.h"

static struct vexipc_tokens token;

int tokens(uint32_t op, struct vexipc_tokens *arg)
{
	static int fd = -1;

	if (fd < 0)
		fd = device_open(0);
	arg->op = op;
	return call(fd, VEXIPC_IOC_TOKENS, arg);
}

static struct vexipc_tokens issue(void)
{
	struct vexipc_tokens arg = { .entry_size = sizeof(arg.token) };

	strcpy(arg.token.label, "faults");
	EQUAL(tokens(VEXIPC_TOKENS_ISSUE, &arg), 0);
	return arg;
}

void revoke_token(uint64_t which)
{
	struct vexipc_tokens arg = { .token.id = which };

	EQUAL(tokens(VEXIPC_TOKENS_REVOKE, &arg), 0);
}

struct vexipc_token_entry token_now(uint32_t *total)
{
	struct vexipc_token_entry entry = { 0 };
	struct vexipc_tokens arg = {
		.buffer_ptr = (uintptr_t)&entry, .buffer_size = sizeof(entry),
		.entry_size = sizeof(entry),
	};

	EQUAL(tokens(VEXIPC_TOKENS_LIST, &arg), 0);
	*total = arg.total;
	return entry;
}

/* By ioctl, by a command of netlink, or by a message. */
static int register_one(struct peer *p, bool by_message)
{
	struct vexipc_register arg = {
		.service_id_ptr = (uintptr_t)"one", .service_id_len = 3,
		.token_ptr = (uintptr_t)token.secret, .token_len = sizeof(token.secret),
		.features = VEXIPC_FEATURES, .max_batch_size = 8,
	};

	if (by_message) {
		struct vexipc_register_body *body;
		int err;

		msg_register(&m, "one", VEXIPC_FEATURES, 8);
		msg_put(&m, token.secret, sizeof(token.secret));
		body = msg_body(&m);
		body->token_len = sizeof(token.secret);
		msg_seal(&m, VEXIPC_MSG_REGISTER, 1, 0);
		err = peer_send(p, &m);
		if (err)
			return err;
		/* It may yet be told that there was no memory. */
		while (came_of(peer_recv(p, &m, patience(5000))))
			;
		if (msg_header(&m)->message_type == VEXIPC_MSG_NACK) {
			const struct vexipc_ack_body *ack = msg_body(&m);

			EQUAL(ack->error, VEXIPC_ERR_NO_MEMORY);
			return -ENOMEM;
		}
		msg_check(&m, VEXIPC_MSG_ACK);
		return 0;
	}
	if (p->transport == VEXIPC_TRANSPORT_NETLINK) {
		unsigned char buf[512];
		struct nlmsghdr *nlh = nl_begin(p, buf, VEXIPC_CMD_REGISTER);
		struct nlattr *nest = mnl_attr_nest_start(nlh, VEXIPC_A_SERVICE);

		mnl_attr_put_strz(nlh, VEXIPC_SVC_ID, "one");
		mnl_attr_put(nlh, VEXIPC_SVC_TOKEN, sizeof(token.secret), token.secret);
		mnl_attr_put_u64(nlh, VEXIPC_SVC_FEATURES, VEXIPC_FEATURES);
		mnl_attr_put_u32(nlh, VEXIPC_SVC_MAX_BATCH, 8);
		mnl_attr_nest_end(nlh, nest);
		return nl_call(p, nlh);
	}
	return call_of(p, VEXIPC_IOC_REGISTER, &arg);
}

/* A sign of life, wherever it can be sent, and that it was heard. */
static int beat(struct peer *p)
{
	struct vexipc_heartbeat_body body = { .memory_bytes = 1 << 20 };
	int err;

	msg_simple(&m, VEXIPC_MSG_HEARTBEAT, 7, &body, sizeof(body));
	err = came_of(peer_send(p, &m));
	if (err)
		return err;
	while (came_of(peer_recv(p, &m, patience(5000))))
		;
	msg_check(&m, VEXIPC_MSG_ACK);
	return 0;
}

static bool by_message;

/* Comes, beats, answers, goes; and what is left of it is what was before. */
static void one_life(unsigned int n)
{
	struct vexipc_token_entry before, after;
	struct vexipc_unregister_body bye = { 0 };
	struct vexipc_stats s;
	uint32_t total;
	int err;

	before = token_now(&total);
	service[0] = open_one(service_transport);
	err = came_of(register_one(service[0], by_message));
	after = token_now(&total);
	if (!err) {
		EQUAL(after.services, 1);
		EQUAL(after.registered, before.registered + 1);
		beat(service[0]);
		ask(client[0], n);
		serve_until_done();
		forget_all();
		msg_simple(&m, VEXIPC_MSG_UNREGISTER, 8, &bye, sizeof(bye));
		came_of(peer_send(service[0], &m));
	} else if (err != -ENOBUFS) {
		EQUAL(after.services, 0);
		EQUAL(after.registered, before.registered);
		EQUAL(after.uses_left, before.uses_left);
	}
	calm();
	peer_close(service[0]);
	service[0] = NULL;
	after = token_now(&total);
	EQUAL(after.services, 0);
	stats_of(&s);
	EQUAL(s.services, 0);
	/* The id is free again. */
	service[0] = open_one(service_transport);
	EQUAL(register_one(service[0], by_message), 0);
	peer_close(service[0]);
	service[0] = NULL;
}

static void lives(bool message)
{
	by_message = message;
	token = issue();
	open_all(1, 0);
	sweep(one_life);
	close_all();
	revoke_token(token.token.id);
}

void scene_life(void)
{
	lives(false);
}

void scene_life_by_message(void)
{
	lives(true);
}

