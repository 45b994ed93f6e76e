// SPDX-License-Identifier: GPL-2.0-only
/* Faults in administration: tokens, rules, settings, and what shows something. */
#include "faults.h"

/* By the client: through the device, or with a command that fill() completes. */
static int ask_for(unsigned long ioctl_number, void *arg, uint8_t cmd,
		   void (*fill)(struct nlmsghdr *nlh))
{
	struct peer *p = client[0];
	unsigned char buf[1024];
	struct nlmsghdr *nlh;

	if (p->transport == VEXIPC_TRANSPORT_NETLINK) {
		nlh = nl_begin(p, buf, cmd);
		if (fill)
			fill(nlh);
		return came_of(nl_call(p, nlh));
	}
	return came_of(call_of(p, ioctl_number, arg));
}

static uint64_t id;

static void fill_token(struct nlmsghdr *nlh)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, VEXIPC_A_TOKEN);

	if (id)
		mnl_attr_put_u64(nlh, VEXIPC_TOKEN_A_ID, id);
	else
		mnl_attr_put_strz(nlh, VEXIPC_TOKEN_A_LABEL, "faults");
	mnl_attr_nest_end(nlh, nest);
}

static void fill_dump(struct nlmsghdr *nlh)
{
	nlh->nlmsg_flags |= NLM_F_DUMP;
}

/* The socket of a dump that failed may go on with it. */
static void begin_anew(void)
{
	peer_close(client[0]);
	client[0] = NULL;
	client[0] = open_one(client_transport);
}

static void one_token(unsigned int n)
{
	struct vexipc_token_entry entries[8];
	struct vexipc_tokens arg = { .op = VEXIPC_TOKENS_ISSUE };
	uint32_t total;
	int err;

	(void)n;
	id = 0;
	err = ask_for(VEXIPC_IOC_TOKENS, &arg, VEXIPC_CMD_TOKEN_NEW, fill_token);
	id = token_now(&total).id;
	/* Nobody has a token that he was not told of. */
	EQUAL(total, !err);
	arg = (struct vexipc_tokens) {
		.op = VEXIPC_TOKENS_LIST, .buffer_ptr = (uintptr_t)entries,
		.buffer_size = sizeof(entries), .entry_size = sizeof(entries[0]),
	};
	if (ask_for(VEXIPC_IOC_TOKENS, &arg, VEXIPC_CMD_TOKEN_GET, fill_dump))
		begin_anew();
	if (!total)
		return;
	arg = (struct vexipc_tokens) { .op = VEXIPC_TOKENS_REVOKE, .token.id = id };
	err = ask_for(VEXIPC_IOC_TOKENS, &arg, VEXIPC_CMD_TOKEN_DEL, fill_token);
	token_now(&total);
	CHECK(err || !total);
	if (total)
		revoke_token(id);
}

void scene_admin_tokens(void)
{
	open_all(1, 0);
	sweep(one_token);
	close_all();
}

static int rules(struct vexipc_rules *arg)
{
	static int fd = -1;

	if (fd < 0)
		fd = device_open(0);
	return call(fd, VEXIPC_IOC_RULES, arg);
}

/* How many there are, and the id of the last. */
static uint32_t rules_now(uint64_t *last)
{
	struct vexipc_rule_entry entries[8];
	struct vexipc_rules arg = {
		.op = VEXIPC_RULES_LIST, .buffer_ptr = (uintptr_t)entries,
		.buffer_size = sizeof(entries), .entry_size = sizeof(entries[0]),
	};

	EQUAL(rules(&arg), 0);
	CHECK(arg.total && arg.total == arg.count);
	*last = entries[arg.count - 1].id;
	return arg.total;
}

static void fill_rule(struct nlmsghdr *nlh)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, VEXIPC_A_RULE);

	if (id) {
		mnl_attr_put_u64(nlh, VEXIPC_RULE_A_ID, id);
	} else {
		mnl_attr_put_u32(nlh, VEXIPC_RULE_A_UID, 1234);
		mnl_attr_put_u32(nlh, VEXIPC_RULE_A_ALLOW, VEXIPC_RULE_EMBED);
	}
	mnl_attr_nest_end(nlh, nest);
}

/* There is one already, so that a list is left when the new one goes. */
static void one_rule(unsigned int n)
{
	struct vexipc_rule_entry entries[8];
	struct vexipc_rules arg = {
		.op = VEXIPC_RULES_ADD,
		.rule = { .match = VEXIPC_RULE_UID, .uid = 1234, .allow = VEXIPC_RULE_EMBED },
	};
	uint64_t last;
	int err;

	(void)n;
	id = 0;
	err = ask_for(VEXIPC_IOC_RULES, &arg, VEXIPC_CMD_RULE_NEW, fill_rule);
	EQUAL(rules_now(&last), 1 + !err);
	arg = (struct vexipc_rules) {
		.op = VEXIPC_RULES_LIST, .buffer_ptr = (uintptr_t)entries,
		.buffer_size = sizeof(entries), .entry_size = sizeof(entries[0]),
	};
	if (ask_for(VEXIPC_IOC_RULES, &arg, VEXIPC_CMD_RULE_GET, fill_dump))
		begin_anew();
	if (err)
		return;
	id = last;
	arg = (struct vexipc_rules) { .op = VEXIPC_RULES_REMOVE, .rule.id = id };
	err = ask_for(VEXIPC_IOC_RULES, &arg, VEXIPC_CMD_RULE_DEL, fill_rule);
	if (rules_now(&last) == 1)
		return;
	CHECK(err);
	arg = (struct vexipc_rules) { .op = VEXIPC_RULES_REMOVE, .rule.id = id };
	EQUAL(rules(&arg), 0);
}

void scene_admin_rules(void)
{
	struct vexipc_rules arg = {
		.op = VEXIPC_RULES_ADD,
		.rule = { .match = VEXIPC_RULE_UID, .uid = 1233, .allow = VEXIPC_RULE_EMBED },
	};

	EQUAL(rules(&arg), 0);
	open_all(1, 0);
	sweep(one_rule);
	close_all();
	arg.op = VEXIPC_RULES_CLEAR;
	EQUAL(rules(&arg), 0);
}

static uint64_t value;

static void fill_config(struct nlmsghdr *nlh)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, VEXIPC_A_CONFIG);

	mnl_attr_put_u64(nlh, VEXIPC_CONFIG_CACHE_ENABLED, value & 1);
	mnl_attr_put_u64(nlh, VEXIPC_CONFIG_CACHE_MAX_ENTRIES, value);
	mnl_attr_put_u64(nlh, VEXIPC_CONFIG_LIMIT_USER_REQUESTS, value);
	mnl_attr_nest_end(nlh, nest);
}

/* All of it or nothing. */
static void one_config(unsigned int n)
{
	static uint64_t was = 100;
	struct vexipc_config_entry entries[] = {
		{ .field = VEXIPC_CONFIG_CACHE_ENABLED, .value = (was + 1) & 1 },
		{ .field = VEXIPC_CONFIG_CACHE_MAX_ENTRIES, .value = was + 1 },
		{ .field = VEXIPC_CONFIG_LIMIT_USER_REQUESTS, .value = was + 1 },
	};
	struct vexipc_config arg = {
		.entries_ptr = (uintptr_t)entries, .count = ARRAY_SIZE(entries),
		.flags = VEXIPC_CONFIG_WRITE,
	};
	uint64_t now, other;
	int err;

	(void)n;
	value = was + 1;
	err = ask_for(VEXIPC_IOC_CONFIG, &arg, VEXIPC_CMD_CONFIG_SET, fill_config);
	EQUAL(config_get(VEXIPC_CONFIG_CACHE_MAX_ENTRIES, &now), 0);
	CHECK(now == value || (err && now == was));
	EQUAL(config_get(VEXIPC_CONFIG_LIMIT_USER_REQUESTS, &other), 0);
	EQUAL(other, now);
	EQUAL(config_get(VEXIPC_CONFIG_CACHE_ENABLED, &other), 0);
	EQUAL(other, now & 1);
	was = now;
	arg.flags = 0;
	ask_for(VEXIPC_IOC_CONFIG, &arg, VEXIPC_CMD_CONFIG_GET, NULL);
}

void scene_admin_config(void)
{
	config(VEXIPC_CONFIG_CACHE_MAX_ENTRIES, 100);
	config(VEXIPC_CONFIG_LIMIT_USER_REQUESTS, 100);
	open_all(1, 0);
	sweep(one_config);
	close_all();
	config(VEXIPC_CONFIG_CACHE_ENABLED, 0);
	config(VEXIPC_CONFIG_LIMIT_USER_REQUESTS, 0);
}

static void fill_service(struct nlmsghdr *nlh)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, VEXIPC_A_SERVICE);

	mnl_attr_put_strz(nlh, VEXIPC_SVC_ID, "one");
	mnl_attr_nest_end(nlh, nest);
}

static void fill_control(struct nlmsghdr *nlh)
{
	fill_service(nlh);
	mnl_attr_put_u32(nlh, VEXIPC_A_CONTROL, VEXIPC_CONTROL_RESUME);
}

/* A message that is answered with one of a type. */
static void tells(uint32_t type, const void *body, size_t len, uint32_t answer)
{
	int err;

	msg_simple(&m, type, 5, body, len);
	err = came_of(peer_send(client[0], &m));
	while (err == -ENOBUFS && take(client[0]))
		;
	if (err)
		return;
	while (came_of(peer_recv(client[0], &m, patience(5000))))
		;
	/* It may tell that there was no memory, but only then. */
	if (msg_header(&m)->message_type != answer)
		CHECK(fired);
}

/* All that shows something. */
static void one_look(unsigned int n)
{
	struct vexipc_service_entry entries[4];
	struct vexipc_policy_entry policies[4];
	char text[4096];
	struct vexipc_status status = {
		.service_id_ptr = (uintptr_t)"one", .service_id_len = 3,
		.text_ptr = (uintptr_t)text, .text_size = sizeof(text),
	};
	struct vexipc_list list = {
		.buffer_ptr = (uintptr_t)entries, .buffer_size = sizeof(entries),
		.entry_size = sizeof(entries[0]),
	};
	struct vexipc_stats stats = { 0 };
	struct vexipc_stats of_one = {
		.service_id_ptr = (uintptr_t)"one", .service_id_len = 3,
	};
	struct vexipc_policies use = {
		.buffer_ptr = (uintptr_t)policies, .buffer_size = sizeof(policies),
		.entry_size = sizeof(policies[0]),
	};
	struct vexipc_control control_one = {
		.service_id_ptr = (uintptr_t)"one", .service_id_len = 3,
		.op = VEXIPC_CONTROL_RESUME,
	};
	struct vexipc_cache_flush flush = { 0 };
	struct vexipc_discovery_body discovery = { 0 };
	struct vexipc_health_check_body health = { 0 };

	(void)n;
	if (!ask_for(VEXIPC_IOC_STATUS, &status, VEXIPC_CMD_SERVICE_GET, fill_service) &&
	    client_transport == VEXIPC_TRANSPORT_CHARDEV)
		EQUAL(status.entry.state, VEXIPC_STATE_ACTIVE);
	if (ask_for(VEXIPC_IOC_LIST, &list, VEXIPC_CMD_SERVICE_GET, fill_dump))
		begin_anew();
	ask_for(VEXIPC_IOC_STATS, &stats, VEXIPC_CMD_STATS_GET, NULL);
	ask_for(VEXIPC_IOC_STATS, &of_one, VEXIPC_CMD_STATS_GET, fill_service);
	if (ask_for(VEXIPC_IOC_POLICIES, &use, VEXIPC_CMD_POLICY_GET, fill_dump))
		begin_anew();
	ask_for(VEXIPC_IOC_CONTROL, &control_one, VEXIPC_CMD_SERVICE_SET, fill_control);
	ask_for(VEXIPC_IOC_CACHE_FLUSH, &flush, VEXIPC_CMD_CACHE_FLUSH, NULL);
	tells(VEXIPC_MSG_DISCOVERY, &discovery, sizeof(discovery), VEXIPC_MSG_DISCOVERY);
	tells(VEXIPC_MSG_HEALTH_CHECK, &health, sizeof(health), VEXIPC_MSG_HEALTH_RESPONSE);
	calm();
	while (take(client[0]))
		;
	ask(client[0], n);
	settle(0);
	forget_all();
}

void scene_look(void)
{
	open_all(1, 1);
	sweep(one_look);
	close_all();
}

