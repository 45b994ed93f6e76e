// SPDX-License-Identifier: GPL-2.0-only
/*
 * abi_fuzz fuzz ROUNDS [SEED]: messages mutated at random, thrown at the device,
 * at netlink and at the ioctls, while services and a client work. What counts is
 * that afterwards the figures add up and the service still answers.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <time.h>

#include "abi.h"

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

static const uint32_t types[] = {
	VEXIPC_MSG_REGISTER, VEXIPC_MSG_UNREGISTER, VEXIPC_MSG_HEARTBEAT, VEXIPC_MSG_DISCOVERY,
	VEXIPC_MSG_EMBED_REQUEST, VEXIPC_MSG_EMBED_RESPONSE, VEXIPC_MSG_BATCH_REQUEST,
	VEXIPC_MSG_BATCH_RESPONSE, VEXIPC_MSG_STATUS_QUERY, VEXIPC_MSG_STATUS_RESPONSE,
	VEXIPC_MSG_HEALTH_CHECK, VEXIPC_MSG_HEALTH_RESPONSE, VEXIPC_MSG_ERROR, VEXIPC_MSG_ACK,
	VEXIPC_MSG_NACK,
};

static uint32_t number(void)
{
	static const uint32_t special[] = {
		0, 1, 2, 255, 256, 1000, 1001, 8192, 8193, 0x7fffffff, 0x80000000, UINT32_MAX,
	};

	return rnd(2) ? special[rnd(ARRAY_SIZE(special))] : rnd(64);
}

/* Any message: well-formed or noise, then spoiled in a few places. */
static void make(struct msg *m, uint64_t correlation)
{
	uint32_t type = types[rnd(ARRAY_SIZE(types))], n;

	switch (rnd(7)) {
	case 0:
		msg_embed(m, rnd(8), "some content", 12, number() % 16);
		break;
	case 1:
		msg_batch(m, rnd(8), 1 + rnd(20), 1 + rnd(20), 4);
		break;
	case 2:
		msg_answer(m, correlation, 1 + rnd(16), rnd(4));
		break;
	case 3:
		msg_error(m, correlation, number() % 40, rnd(4), "why");
		break;
	case 4:
		msg_register(m, "fuzz", number(), number());
		break;
	default:
		msg_begin(m);
		n = rnd(30);
		for (uint32_t i = 0; i < n; i++) {
			uint32_t word = number();

			msg_put(m, &word, sizeof(word));
		}
		msg_seal(m, type, correlation, 0);
	}
	for (n = rnd(4); n; n--) {
		uint32_t at = rnd((uint32_t)m->len);

		if (rnd(2) && at + 4 <= m->len) {
			uint32_t word = number();

			memcpy(m->data + at, &word, sizeof(word));
		} else {
			m->data[at] ^= (unsigned char)(1u << rnd(8));
		}
	}
	if (!rnd(4))
		m->len = 1 + rnd((uint32_t)m->len);
	/* A right frame lets what is wrong inside come further. */
	if (rnd(8) && m->len >= sizeof(struct vexipc_msg_header)) {
		struct vexipc_msg_header *h = msg_header(m);

		h->magic = VEXIPC_MAGIC;
		h->version = 1;
		h->length = (uint32_t)m->len;
		h->flags &= VEXIPC_MSGF_ALL;
		msg_reseal(m);
	}
}

/* All that waits to be read; the last correlation id of it. */
static uint64_t drain(struct peer *p, struct msg *m)
{
	uint64_t correlation = rnd(100);

	while (!peer_recv(p, m, 0))
		if (m->len >= sizeof(struct vexipc_msg_header))
			correlation = msg_header(m)->correlation_id;
	return correlation;
}

static void throw_ioctl(int fd)
{
	static unsigned char arg[4096];
	unsigned int nr = 0x1f + rnd(11);
	size_t size = rnd(3) ? (size_t)rnd(300) : (size_t)rnd(1400);

	/* Blocking for a service that never answers is no use here. */
	for (size_t i = 0; i < sizeof(arg); i += 4) {
		uint32_t word = number();

		memcpy(arg + i, rnd(3) ? &(uint32_t) { 0 } : &word, 4);
	}
	if (nr == 0x22) {
		struct vexipc_embed *e = (void *)arg;

		e->timeout_ms = 1 + rnd(20);
	}
	/* The configuration stays as it is. */
	if (nr == 0x27)
		((struct vexipc_config *)(void *)arg)->flags &= ~VEXIPC_CONFIG_WRITE;
	call(fd, _IOC(_IOC_READ | _IOC_WRITE, 'V', nr, size), arg);
}

static void throw_netlink(struct peer *p, struct msg *m)
{
	uint32_t total = rnd(2) ? (uint32_t)m->len : number();
	uint32_t cut = (uint32_t)m->len ? rnd((uint32_t)m->len) : 0;
	uint8_t cmd = (uint8_t)(VEXIPC_CMD_REQUEST + rnd(2));

	switch (rnd(4)) {
	case 0:
		peer_fragment(p, cmd, m->data, cut, 0, total);
		peer_fragment(p, cmd, m->data + cut, (uint32_t)m->len - cut,
			      rnd(4) ? cut : number(), total);
		break;
	case 1:
		peer_fetch(p, rnd(2) ? number() : state, number());
		break;
	default:
		peer_send_as(p, cmd, m->data, m->len);
	}
}

struct client {
	pthread_t thread;
	atomic_bool stop;
	atomic_uint answered;
};

/* One who only wants its vectors, from the service that behaves. */
static void *work(void *data)
{
	struct client *c = data;
	int fd = device_open(0);

	while (!atomic_load(&c->stop)) {
		unsigned char vector[64];
		struct vexipc_embed e = embed_of("work", 4, vector, sizeof(vector));
		int err;

		e.service_ptr = (uintptr_t)"steady";
		e.service_len = 6;
		/* What others left in the queues may fill them. */
		err = call(fd, VEXIPC_IOC_EMBED, &e);
		if (err == -ENOBUFS || err == -EXFULL) {
			usleep(1000);
			continue;
		}
		EQUAL(e.status, VEXIPC_OK);
		vector_check(vector, 64, "work", 4);
		atomic_fetch_add(&c->answered, 1);
		usleep(1000);
	}
	close(fd);
	return NULL;
}

static void fuzz(void)
{
	unsigned int rounds = (unsigned int)atoi(case_args[0]);
	struct server *steady = server_start(VEXIPC_TRANSPORT_CHARDEV, "steady", 16);
	struct peer *dev = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *nl = peer_open(VEXIPC_TRANSPORT_NETLINK);
	struct peer *services[2];
	struct client client = { 0 };
	struct vexipc_stats before, after;
	struct msg m = { 0 }, in = { 0 };
	struct vexipc_status status;

	state = case_args[1] ? strtoull(case_args[1], NULL, 0) : (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
	state |= 1;
	printf("seed %#llx\n", (unsigned long long)state);
	for (int i = 0; i < 2; i++) {
		services[i] = peer_open(both[i]);
		serve_as(services[i], i ? "wild-netlink" : "wild-device");
	}
	stats_of(&before);
	pthread_create(&client.thread, NULL, work, &client);
	for (unsigned int round = 0; round < rounds; round++) {
		for (int i = 0; i < 2; i++) {
			uint64_t correlation = drain(services[i], &in);

			make(&m, rnd(2) ? correlation : state);
			/* They do not take their leave, or anybody else's. */
			if (m.len < sizeof(struct vexipc_msg_header) ||
			    msg_header(&m)->message_type != VEXIPC_MSG_UNREGISTER)
				i ? throw_netlink(services[i], &m) :
				    (void)!write(services[i]->fd, m.data, m.len);
		}
		drain(dev, &in);
		drain(nl, &in);
		make(&m, state);
		if (m.len < sizeof(struct vexipc_msg_header) ||
		    msg_header(&m)->message_type != VEXIPC_MSG_UNREGISTER) {
			(void)!write(dev->fd, m.data, m.len);
			throw_netlink(nl, &m);
		}
		throw_ioctl(dev->fd);
	}
	atomic_store(&client.stop, true);
	pthread_join(client.thread, NULL);
	CHECK(atomic_load(&client.answered));
	for (int i = 0; i < 2; i++)
		peer_close(services[i]);
	peer_close(dev);
	peer_close(nl);
	wait_idle();
	stats_of(&after);
	CHECK(after.bad_messages > before.bad_messages);
	CHECK(after.completed >= before.completed + atomic_load(&client.answered));
	status = (struct vexipc_status) { .handle = steady->handle };
	{
		int fd = device_open(0);

		EQUAL(call(fd, VEXIPC_IOC_STATUS, &status), 0);
		EQUAL(status.entry.state, VEXIPC_STATE_ACTIVE);
		close(fd);
	}
	printf("refused %llu, orphans %llu, submitted %llu, answered %u\n",
	       (unsigned long long)(after.bad_messages - before.bad_messages),
	       (unsigned long long)(after.orphans - before.orphans),
	       (unsigned long long)(after.submitted - before.submitted),
	       atomic_load(&client.answered));
	msg_free(&m);
	msg_free(&in);
	server_stop(steady);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = { { "fuzz", fuzz }, { 0 } };

	return run_case(cases, argc, argv);
}
