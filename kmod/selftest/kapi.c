// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/string.h>
#include <linux/vexipc.h>
#include <net/net_namespace.h>

#include "fixture.h"
#include "queue.h"

enum { MANY = 20 };

/* struct called is what a callback was told. */
struct called {
	atomic_t times;
	int err;
	u32 vector_bytes;
	u64 service_handle;
	struct completion ended;
};

static struct called *new_called(struct kunit *test, u32 count)
{
	struct called *called = kunit_kcalloc(test, count, sizeof(*called), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, called);
	for (u32 i = 0; i < count; i++)
		init_completion(&called[i].ended);
	return called;
}

static void note_call(const struct vexipc_kernel_result *result, void *private)
{
	struct called *called = private;

	called->err = result->err;
	called->vector_bytes = result->vector_bytes;
	called->service_handle = result->service_handle;
	atomic_inc(&called->times);
	complete_all(&called->ended);
}

static const struct vexipc_kernel_request request = {
	.content = "content",
	.content_len = 7,
	.dimensions = DIMENSIONS,
};

static struct vexipc_client *open_client(struct kunit *test)
{
	struct vexipc_client *client = vexipc_client_open(&init_net);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, client);
	return client;
}

static void answer_is_called_back_once(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct called *called = new_called(test, 1);
	struct vexipc_client *client = open_client(test);
	u64 request_id = 0, id;

	KUNIT_EXPECT_EQ(test, vexipc_embed_async(client, &request, note_call, called,
						 &request_id), 0);
	KUNIT_EXPECT_NE(test, request_id, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&called->times), 0);
	id = send_next(service);
	KUNIT_EXPECT_EQ(test, answer(service, id), 0);
	KUNIT_EXPECT_EQ(test, answer(service, id), -ESRCH);
	KUNIT_EXPECT_EQ(test, vexipc_embed_cancel(client, request_id), -ESRCH);
	vexipc_client_close(client);
	KUNIT_EXPECT_EQ(test, atomic_read(&called->times), 1);
	KUNIT_EXPECT_EQ(test, called->err, 0);
	KUNIT_EXPECT_EQ(test, called->vector_bytes, VECTOR_BYTES);
	KUNIT_EXPECT_EQ(test, called->service_handle, service->svc->handle);
}

/* Refused by either way of asking, and for the same reason. */
static void expect_refused(struct kunit *test, struct vexipc_client *client,
			   struct vexipc_kernel_request *bad, int err)
{
	struct called *called = new_called(test, 1);
	struct vexipc_kernel_result result;

	KUNIT_EXPECT_EQ(test, vexipc_embed_async(client, bad, note_call, called, NULL), err);
	KUNIT_EXPECT_EQ(test, atomic_read(&called->times), 0);
	KUNIT_EXPECT_EQ(test, vexipc_embed(client, bad, &result), err);
	KUNIT_EXPECT_EQ(test, result.err, err);
	KUNIT_EXPECT_EQ(test, vexipc_error_errno(result.error), err);
	vexipc_result_free(&result);
	*bad = request;
}

static void refused_one_is_never_called_back(struct kunit *test)
{
	struct vexipc_kernel_request bad = request;
	struct vexipc_client *client = open_client(test);

	expect_refused(test, client, &bad, -ENODEV);
	bad.service = "nobody";
	expect_refused(test, client, &bad, -ENOENT);
	bad.content_len = 0;
	expect_refused(test, client, &bad, -EINVAL);
	bad.dimensions = VEXIPC_MAX_DIMENSIONS + 1;
	expect_refused(test, client, &bad, -EINVAL);
	bad.data_type = VEXIPC_DATA_TYPES;
	expect_refused(test, client, &bad, -EINVAL);
	bad.content_type = VEXIPC_CONTENT_TYPES;
	expect_refused(test, client, &bad, -EINVAL);
	bad.priority = 256;
	expect_refused(test, client, &bad, -EINVAL);
	bad.timeout_ms = VEXIPC_MAX_TIMEOUT_MS + 1;
	expect_refused(test, client, &bad, -EINVAL);
	bad.model = "two\nlines";
	expect_refused(test, client, &bad, -EILSEQ);
	bad.content_len = VEXIPC_MAX_MESSAGE;
	expect_refused(test, client, &bad, -EMSGSIZE);
	vexipc_client_close(client);
	/* Only what could be asked at all counts as submitted. */
	KUNIT_EXPECT_EQ(test, counted(test, submitted), 4);
	KUNIT_EXPECT_EQ(test, counted(test, refused), 4);
}

static void cancelled_one_is_called_back_so(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct called *called = new_called(test, 2);
	struct vexipc_client *client = open_client(test);
	u64 request_id[2], id;

	for (u32 i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, vexipc_embed_async(client, &request, note_call, &called[i],
							 &request_id[i]), 0);
	id = send_next(service);
	for (u32 i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, vexipc_embed_cancel(client, request_id[i]), 0);
		KUNIT_EXPECT_EQ(test, vexipc_embed_cancel(client, request_id[i]), -ESRCH);
	}
	KUNIT_EXPECT_EQ(test, answer(service, id), -ESRCH);
	vexipc_client_close(client);
	for (u32 i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, atomic_read(&called[i].times), 1);
		KUNIT_EXPECT_EQ(test, called[i].err, -ECANCELED);
		KUNIT_EXPECT_EQ(test, called[i].vector_bytes, 0);
	}
}

static void closing_cancels_and_waits(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct called *called = new_called(test, MANY);
	struct vexipc_client *client = open_client(test);

	for (u32 i = 0; i < MANY; i++)
		KUNIT_EXPECT_EQ(test, vexipc_embed_async(client, &request, note_call, &called[i],
							 NULL), 0);
	for (u32 i = 0; i < MANY / 2; i++)
		send_next(service);
	vexipc_client_close(client);
	for (u32 i = 0; i < MANY; i++) {
		KUNIT_EXPECT_EQ(test, atomic_read(&called[i].times), 1);
		KUNIT_EXPECT_EQ(test, called[i].err, -ECANCELED);
	}
	KUNIT_EXPECT_EQ(test, service->svc->in_flight, 0);
	KUNIT_EXPECT_EQ(test, service->svc->queued, 0);
}

static void deadline_is_called_back(struct kunit *test)
{
	struct vexipc_kernel_request hasty = request;
	struct called *called = new_called(test, 1);
	struct vexipc_client *client = open_client(test);

	new_service(test, "one");
	hasty.timeout_ms = 10;
	KUNIT_EXPECT_EQ(test, vexipc_embed_async(client, &hasty, note_call, called, NULL), 0);
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&called->ended,
							    msecs_to_jiffies(PATIENCE_MS)));
	KUNIT_EXPECT_EQ(test, called->err, -ETIMEDOUT);
	vexipc_client_close(client);
	KUNIT_EXPECT_EQ(test, atomic_read(&called->times), 1);
}

static void content_is_not_looked_at_afterwards(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct vexipc_kernel_request mine = request;
	struct called *called = new_called(test, 1);
	struct vexipc_client *client = open_client(test);
	char content[] = "content";
	struct vexipc_request *req;
	u32 need, attempt;

	mine.content = content;
	KUNIT_EXPECT_EQ(test, vexipc_embed_async(client, &mine, note_call, called, NULL), 0);
	memset(content, 'x', sizeof(content));
	req = vexipc_queue_next(service->svc, VEXIPC_MAX_MESSAGE, &need, &attempt);
	if (!IS_ERR_OR_NULL(req)) {
		KUNIT_EXPECT_MEMEQ(test, req->content, "content", 7);
		vexipc_request_put(req);
	} else {
		KUNIT_FAIL(test, "nothing to send");
	}
	vexipc_client_close(client);
}

/* struct sync is one who asks and waits, and one who answers. */
struct sync {
	struct vexipc_client *client;
	struct peer *service;
	struct vexipc_kernel_result result;
	int answered, err;
};

static void ask_and_wait(void *data)
{
	struct sync *sync = data;

	sync->err = vexipc_embed(sync->client, &request, &sync->result);
}

static void answer_one(void *data)
{
	unsigned long end = jiffies + msecs_to_jiffies(PATIENCE_MS);
	struct sync *sync = data;
	u64 id;

	while (!(id = send_next(sync->service)) && time_before(jiffies, end))
		usleep_range(1000, 2000);
	sync->answered = answer(sync->service, id);
}

static void who_waits_gets_the_answer(struct kunit *test)
{
	struct sync sync = { .service = new_service(test, "one"), .answered = -1, .err = -1 };
	struct racer racers[] = {
		{ .run = ask_and_wait, .data = &sync },
		{ .run = answer_one, .data = &sync },
	};
	static const u8 zeros[VECTOR_BYTES];

	sync.client = open_client(test);
	race(test, racers, ARRAY_SIZE(racers));
	KUNIT_EXPECT_EQ(test, sync.answered, 0);
	KUNIT_EXPECT_EQ(test, sync.err, 0);
	KUNIT_EXPECT_EQ(test, sync.result.dimensions, DIMENSIONS);
	KUNIT_EXPECT_EQ(test, sync.result.vector_bytes, VECTOR_BYTES);
	if (sync.result.vector_bytes == VECTOR_BYTES)
		KUNIT_EXPECT_MEMEQ(test, (const u8 *)sync.result.vector, zeros, VECTOR_BYTES);
	vexipc_result_free(&sync.result);
	KUNIT_EXPECT_NULL(test, sync.result.vector);
	vexipc_client_close(sync.client);
}

static struct kunit_case kapi_cases[] = {
	KUNIT_CASE(answer_is_called_back_once),
	KUNIT_CASE(refused_one_is_never_called_back),
	KUNIT_CASE(cancelled_one_is_called_back_so),
	KUNIT_CASE(closing_cancels_and_waits),
	KUNIT_CASE(deadline_is_called_back),
	KUNIT_CASE(content_is_not_looked_at_afterwards),
	KUNIT_CASE(who_waits_gets_the_answer),
	{}
};

static struct kunit_suite kapi_suite = {
	.name = "vexipc_kapi",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = kapi_cases,
};

kunit_test_suite(kapi_suite);
