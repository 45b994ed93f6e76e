// SPDX-License-Identifier: GPL-2.0-only
/* VEXIPC_IOC_SUBMIT: many requests and many completions in one call. */
#include <poll.h>

#include "abi.h"

enum { MANY = 64, DIMENSIONS = 16, BYTES = DIMENSIONS * 4, ROOM = 128, TEXT = 16 };

static int fd;
static struct vexipc_embed embeds[MANY];
static char texts[MANY][TEXT];
static struct vexipc_outcome outcomes[MANY];
static unsigned char vectors[MANY][ROOM];

/* A call that submits and takes so many, and waits for so many. */
static struct vexipc_submit many(unsigned int count, unsigned int reap, unsigned int wait)
{
	for (unsigned int i = 0; i < count; i++) {
		snprintf(texts[i], TEXT, "text %u", i);
		embeds[i] = embed_of(texts[i], strlen(texts[i]), NULL, 0);
	}
	memset(vectors, 0, sizeof(vectors));
	for (unsigned int i = 0; i < reap; i++)
		outcomes[i] = (struct vexipc_outcome) {
			.result_ptr = (uintptr_t)vectors[i],
			.result_size = ROOM,
		};
	return (struct vexipc_submit) {
		.embeds_ptr = (uintptr_t)embeds,
		.outcomes_ptr = (uintptr_t)outcomes,
		.embed_size = sizeof(embeds[0]),
		.outcome_size = sizeof(outcomes[0]),
		.count = count,
		.reap = reap,
		.wait = wait,
	};
}

static int submit(struct vexipc_submit *s)
{
	return call(fd, VEXIPC_IOC_SUBMIT, s);
}

/* Which of embeds an outcome is of. */
static unsigned int which(const struct vexipc_outcome *o)
{
	for (unsigned int i = 0; i < MANY; i++)
		if (embeds[i].request_id == o->request_id)
			return i;
	CHECK(!"a completion of a request that was submitted");
	return 0;
}

/* Each of so many embeds has one outcome, the first of them, and its vector. */
static void check_outcomes(unsigned int count, uint64_t handle)
{
	bool seen[MANY] = { false };

	for (unsigned int i = 0; i < count; i++) {
		const struct vexipc_outcome *o = &outcomes[i];
		unsigned int of = which(o);

		AT("%u of %u", i, of);
		CHECK(!seen[of]);
		seen[of] = true;
		EQUAL(o->status, VEXIPC_OK);
		EQUAL(o->result_bytes, BYTES);
		EQUAL(o->dimensions, DIMENSIONS);
		EQUAL(o->attempts, 1);
		EQUAL(o->service_handle, handle);
		CHECK(o->service_ns);
		vector_check(vectors[i], BYTES, texts[of], strlen(texts[of]));
		EQUAL(vectors[i][BYTES], 0);
	}
	*current = '\0';
}

static void begin(void)
{
	fd = device_open(0);
}

static void end(void)
{
	close(fd);
	wait_idle();
}

static void at_once(void)
{
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "srv", DIMENSIONS);
	struct vexipc_submit arg;

	begin();
	for (int round = 0; round < 10; round++) {
		arg = many(MANY, MANY, MANY);
		EQUAL(submit(&arg), 0);
		EQUAL(arg.submitted, MANY);
		EQUAL(arg.reaped, MANY);
		check_outcomes(MANY, s->handle);
	}
	/* In two halves; and with nothing under way nobody waits. */
	arg = many(MANY, 0, 0);
	EQUAL(submit(&arg), 0);
	EQUAL(arg.submitted, MANY);
	memset(outcomes, 0, sizeof(outcomes));
	for (unsigned int i = 0; i < MANY; i++) {
		outcomes[i].result_ptr = (uintptr_t)vectors[i];
		outcomes[i].result_size = ROOM;
	}
	arg.count = 0;
	arg.reap = MANY;
	arg.wait = MANY;
	EQUAL(submit(&arg), 0);
	EQUAL(arg.submitted, 0);
	EQUAL(arg.reaped, MANY);
	check_outcomes(MANY, s->handle);
	EQUAL(submit(&arg), 0);
	EQUAL(arg.reaped, 0);
	end();
	server_stop(s);
	check_conserved();
}

static void expect(const char *what, struct vexipc_submit arg, int err)
{
	AT("%s", what);
	EQUAL(submit(&arg), err);
	EQUAL(arg.reaped, 0);
	*current = '\0';
}

#define REFUSED(err, ...) do {				\
		struct vexipc_submit a = many(2, 2, 0);	\
							\
		__VA_ARGS__;				\
		expect(#__VA_ARGS__, a, err);		\
	} while (0)

static void refuses(void)
{
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "srv", DIMENSIONS);
	struct vexipc_stats before, after;

	begin();
	stats_of(&before);
	REFUSED(-EINVAL, a.reserved = 1);
	REFUSED(-EINVAL, a.count = VEXIPC_MAX_SUBMIT + 1);
	REFUSED(-EINVAL, a.reap = VEXIPC_MAX_SUBMIT + 1);
	REFUSED(-EINVAL, a.wait = 3);
	REFUSED(-EINVAL, a.count = 0; a.reap = 0);
	REFUSED(-EINVAL, a.embed_size = 8);
	REFUSED(-EINVAL, a.embed_size = 1u << 20);
	REFUSED(-EINVAL, a.outcome_size = 8);
	REFUSED(-EINVAL, a.outcome_size = 1u << 20);
	REFUSED(-EFAULT, a.embeds_ptr = 8);
	REFUSED(-EINVAL, embeds[0].result_ptr = 8);
	REFUSED(-EINVAL, embeds[0].data_size = 0);
	REFUSED(-EFAULT, embeds[0].data_ptr = 8);
	stats_of(&after);
	EQUAL(after.submitted, before.submitted);
	end();
	server_stop(s);
	/* What is refused rather than malformed has its status. */
	begin();
	REFUSED(-ENODEV, (void)a);
	EQUAL(embeds[0].status, VEXIPC_ERR_NO_CAPABLE_SERVICE);
	end();
}

/* What came before one that is refused was submitted. */
static void is_told_how_far(void)
{
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "srv", DIMENSIONS);
	struct vexipc_submit arg;

	begin();
	arg = many(MANY, MANY, MANY);
	embeds[5].data_type = 99;
	EQUAL(submit(&arg), 0);
	EQUAL(arg.submitted, 5);
	arg.count = 0;
	arg.reap = MANY - arg.reaped;
	arg.wait = 5 - arg.reaped;
	arg.outcomes_ptr += arg.reaped * sizeof(outcomes[0]);
	EQUAL(submit(&arg), 0);
	EQUAL(arg.reaped, arg.wait);
	check_outcomes(5, s->handle);
	end();
	server_stop(s);
	check_conserved();
}

static struct peer *hold(void)
{
	struct peer *p = peer_open(VEXIPC_TRANSPORT_CHARDEV);

	serve_as(p, "held");
	return p;
}

static void comes_back(void)
{
	struct peer *service;
	struct vexipc_submit arg;
	unsigned int held;

	EQUAL(config_set(VEXIPC_CONFIG_MAX_QUEUE_SIZE, 10), 0);
	service = hold();
	begin();
	arg = many(MANY, MANY, MANY);
	/* It waits for none when it is told to come back. */
	EQUAL(submit(&arg), 0);
	held = arg.submitted;
	CHECK(held && held <= 10);
	/* What it said is what it says the next time. */
	EQUAL(arg.wait, MANY);
	EQUAL(embeds[held].status, VEXIPC_ERR_WOULD_BLOCK);
	arg.embeds_ptr += held * sizeof(embeds[0]);
	EQUAL(submit(&arg), -EAGAIN);
	peer_close(service);
	end();
}

/* A vector without room is not lost, nor what cannot be written. */
static void loses_nothing(void)
{
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "srv", DIMENSIONS);
	struct vexipc_submit arg;

	begin();
	arg = many(3, 3, 3);
	outcomes[1].result_size = BYTES - 1;
	EQUAL(submit(&arg), 0);
	EQUAL(arg.submitted, 3);
	EQUAL(arg.reaped, 1);
	EQUAL(outcomes[1].result_bytes, BYTES);
	arg.count = 0;
	arg.reap = 2;
	arg.wait = 2;
	arg.outcomes_ptr = (uintptr_t)&outcomes[1];
	EQUAL(submit(&arg), -EMSGSIZE);
	outcomes[1].result_size = ROOM;
	outcomes[1].result_ptr = 8;
	EQUAL(submit(&arg), -EFAULT);
	arg.outcomes_ptr = 8;
	EQUAL(submit(&arg), -EFAULT);
	arg.outcomes_ptr = (uintptr_t)&outcomes[1];
	outcomes[1].result_ptr = (uintptr_t)vectors[1];
	outcomes[1].reserved = 1;
	EQUAL(submit(&arg), -EINVAL);
	outcomes[1].reserved = 0;
	EQUAL(submit(&arg), 0);
	EQUAL(arg.reaped, 2);
	check_outcomes(3, s->handle);
	/* Longer than time goes on is for ever. */
	arg = many(3, 3, 3);
	arg.timeout_ns = UINT64_MAX;
	EQUAL(submit(&arg), 0);
	EQUAL(arg.reaped, 3);
	check_outcomes(3, s->handle);
	end();
	server_stop(s);
	check_conserved();
}

static void hears_why(void)
{
	static const char why[] = "the model is broken";
	struct peer *service = hold();
	struct vexipc_submit arg;
	struct msg m = { 0 }, e = { 0 };

	begin();
	arg = many(2, 0, 0);
	EQUAL(submit(&arg), 0);
	for (int i = 0; i < 2; i++) {
		peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
		msg_error(&e, msg_header(&m)->correlation_id, VEXIPC_ERR_SERVICE_FAILED,
			  0, why);
		EQUAL(peer_send(service, &e), 0);
	}
	arg.count = 0;
	arg.reap = 2;
	arg.wait = 2;
	for (unsigned int i = 0; i < 2; i++)
		outcomes[i] = (struct vexipc_outcome) {
			.result_ptr = (uintptr_t)vectors[i], .result_size = i ? 8 : ROOM,
		};
	EQUAL(submit(&arg), 0);
	EQUAL(arg.reaped, 2);
	for (unsigned int i = 0; i < 2; i++) {
		EQUAL(outcomes[i].status, VEXIPC_ERR_SERVICE_FAILED);
		EQUAL(outcomes[i].error_kind, 0);
		EQUAL(outcomes[i].result_bytes, strlen(why));
		EQUAL(outcomes[i].dimensions, 0);
		EQUAL(memcmp(vectors[i], why, i ? 8 : strlen(why)), 0);
		EQUAL(vectors[i][i ? 8 : strlen(why)], 0);
	}
	end();
	peer_close(service);
	msg_free(&m);
	msg_free(&e);
	check_conserved();
}

static void waits_no_longer(void)
{
	struct peer *service = hold();
	struct vexipc_submit arg;
	uint64_t before;

	begin();
	arg = many(2, 2, 2);
	arg.timeout_ns = 50000000;
	/* It has done something. */
	EQUAL(submit(&arg), 0);
	EQUAL(arg.submitted, 2);
	arg.count = 0;
	before = now_ms();
	EQUAL(submit(&arg), -ETIMEDOUT);
	CHECK(now_ms() - before >= 50);
	arg.timeout_ns = 0;
	interrupt_calls(true);
	EQUAL(submit(&arg), -EINTR);
	interrupt_calls(false);
	/* The service's death ends them, and so the wait. */
	peer_close(service);
	EQUAL(submit(&arg), 0);
	EQUAL(arg.reaped, 2);
	EQUAL(outcomes[0].status, VEXIPC_ERR_SERVICE_DIED);
	end();
	check_conserved();
}

/* Threads that take from one descriptor: each completion once, and none sleeps on. */
static unsigned int taken;

static void *take_some(void *unused)
{
	for (;;) {
		struct vexipc_outcome got[8];
		unsigned char vector[8][ROOM];
		struct vexipc_submit arg = {
			.outcomes_ptr = (uintptr_t)got, .outcome_size = sizeof(got[0]),
			.reap = 8, .wait = 8,
		};

		for (int i = 0; i < 8; i++)
			got[i] = (struct vexipc_outcome) {
				.result_ptr = (uintptr_t)vector[i], .result_size = ROOM,
			};
		EQUAL(submit(&arg), 0);
		for (unsigned int i = 0; i < arg.reaped; i++)
			EQUAL(got[i].status, VEXIPC_OK);
		__atomic_add_fetch(&taken, arg.reaped, __ATOMIC_RELAXED);
		if (arg.reaped < 8)
			return unused;
	}
}

static void many_take(void)
{
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "srv", DIMENSIONS);
	pthread_t threads[4];

	begin();
	for (int round = 0; round < 20; round++) {
		struct vexipc_submit arg = many(MANY, 0, 0);

		taken = 0;
		EQUAL(submit(&arg), 0);
		EQUAL(arg.submitted, MANY);
		for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
			EQUAL(pthread_create(&threads[i], NULL, take_some, NULL), 0);
		for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
			EQUAL(pthread_join(threads[i], NULL), 0);
		EQUAL(taken, MANY);
	}
	end();
	server_stop(s);
	check_conserved();
}

static const struct test_case cases[] = {
	{ "at_once", at_once },
	{ "refuses", refuses },
	{ "is_told_how_far", is_told_how_far },
	{ "comes_back", comes_back },
	{ "loses_nothing", loses_nothing },
	{ "hears_why", hears_why },
	{ "waits_no_longer", waits_no_longer },
	{ "many_take", many_take },
	{ NULL, NULL }
};

int main(int argc, char **argv)
{
	return run_case(cases, argc, argv);
}
