// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/slab.h>

#include "fixture.h"
#include "protocol.h"

/* Answers with @like, and a copy of as many bytes as it tells. */
static int answer_like(struct peer *service, u64 id, const struct vexipc_answer *like)
{
	struct vexipc_answer answer = *like;
	int err;

	answer.mem = kzalloc(max(answer.len, 1u), GFP_KERNEL);
	if (!answer.mem)
		return -ENOMEM;
	if (like->data)
		memcpy(answer.mem, like->data, like->len);
	answer.data = answer.mem;
	err = vexipc_request_answer(service->svc, id, &answer);
	kvfree(answer.mem);
	return err;
}

static void answered_request_is_completed(struct kunit *test)
{
	static const u8 vector[VECTOR_BYTES] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct vexipc_answer like = {
		.type = VEXIPC_MSG_EMBED_RESPONSE,
		.dimensions = DIMENSIONS,
		.data_type = VEXIPC_FLOAT32,
		.scale = 9,
		.data = vector,
		.len = VECTOR_BYTES,
	};
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));
	u64 id = send_next(service);

	KUNIT_EXPECT_EQ(test, id, attempt_id(ask, 0));
	expect_open(test, ask, VEXIPC_SENT);
	KUNIT_EXPECT_EQ(test, counted(test, in_flight), 1);
	KUNIT_EXPECT_EQ(test, answer_like(service, id, &like), 0);
	expect_ended(test, ask, VEXIPC_OK);
	KUNIT_ASSERT_EQ(test, ask->req->answer_len, VECTOR_BYTES);
	KUNIT_EXPECT_MEMEQ(test, ask->req->answer, vector, VECTOR_BYTES);
	KUNIT_EXPECT_EQ(test, ask->req->out_dimensions, DIMENSIONS);
	KUNIT_EXPECT_EQ(test, ask->req->scale, 9);
	KUNIT_EXPECT_EQ(test, ask->req->attempts, 1);
	KUNIT_EXPECT_EQ(test, ask->req->service_handle, service->svc->handle);
	KUNIT_EXPECT_EQ(test, counted(test, completed), 1);
	KUNIT_EXPECT_EQ(test, counted(test, bytes_out), VECTOR_BYTES);
	KUNIT_EXPECT_EQ(test, service->svc->completed, 1);
	KUNIT_EXPECT_EQ(test, service->svc->in_flight, 0);
	KUNIT_EXPECT_EQ(test, service->svc->in_flight_bytes, 0);
}

static void second_answer_is_an_orphan(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));
	u64 id = send_next(service);

	KUNIT_EXPECT_EQ(test, answer(service, id), 0);
	KUNIT_EXPECT_EQ(test, answer(service, id), -ESRCH);
	KUNIT_EXPECT_EQ(test, answer_error(service, id, VEXIPC_ERR_INVALID, 0), -ESRCH);
	expect_ended(test, ask, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, counted(test, orphans), 2);
	KUNIT_EXPECT_EQ(test, service->svc->orphans, 2);
}

static void answer_to_what_was_not_sent_is_an_orphan(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));

	KUNIT_EXPECT_EQ(test, answer(service, attempt_id(ask, 0)), -ESRCH);
	expect_open(test, ask, VEXIPC_QUEUED);
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	expect_ended(test, ask, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, counted(test, orphans), 1);
}

static void answer_by_another_service_is_an_orphan(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));
	struct peer *other = new_service(test, "two");
	u64 id = send_next(service);

	KUNIT_EXPECT_EQ(test, answer(other, id), -ESRCH);
	KUNIT_EXPECT_EQ(test, answer_error(other, id, VEXIPC_ERR_INVALID, VEXIPC_ERROR_RETRY),
			-ESRCH);
	expect_open(test, ask, VEXIPC_SENT);
	KUNIT_EXPECT_EQ(test, other->svc->orphans, 2);
	KUNIT_EXPECT_EQ(test, service->svc->orphans, 0);
	KUNIT_EXPECT_EQ(test, answer(service, id), 0);
	expect_ended(test, ask, VEXIPC_OK);
}

static void forged_ids_are_orphans(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));
	u64 id = send_next(service);

	for (u32 bit = 0; bit < 64; bit++)
		KUNIT_EXPECT_EQ_MSG(test, answer(service, id ^ 1ull << bit), -ESRCH,
				    "bit %u", bit);
	KUNIT_EXPECT_EQ(test, answer(service, 0), -ESRCH);
	expect_open(test, ask, VEXIPC_SENT);
	KUNIT_EXPECT_EQ(test, answer(service, id), 0);
	expect_ended(test, ask, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, counted(test, orphans), 65);
}

static void answer_that_does_not_fit_is_a_failure(struct kunit *test)
{
	static const struct vexipc_answer fits = {
		.type = VEXIPC_MSG_EMBED_RESPONSE,
		.dimensions = DIMENSIONS,
		.data_type = VEXIPC_FLOAT32,
		.len = VECTOR_BYTES,
	};
	struct peer *service = new_service(test, "one");
	struct peer *client = new_peer(test);
	struct vexipc_answer bad;
	struct ask *ask;
	u32 count = 0;

	configure(test, VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 0);
#define BAD(wanted, ...) do {						\
		ask = new_ask(test, client);				\
		ask->req->dimensions = wanted;				\
		KUNIT_ASSERT_EQ(test, submit(ask), 0);			\
		bad = fits;						\
		__VA_ARGS__;						\
		KUNIT_EXPECT_EQ(test, answer_like(service, send_next(service), &bad),	\
				-EPROTO);				\
		expect_ended(test, ask, VEXIPC_ERR_BAD_ANSWER);		\
		KUNIT_EXPECT_EQ(test, ask->req->answer_len, 0);		\
		count++;						\
	} while (0)
	BAD(DIMENSIONS, bad.len = VECTOR_BYTES - 1);
	BAD(DIMENSIONS, bad.len = VECTOR_BYTES + 1);
	BAD(DIMENSIONS, bad.len = 0);
	BAD(DIMENSIONS, bad.dimensions = DIMENSIONS + 1, bad.len = VECTOR_BYTES + 4);
	BAD(DIMENSIONS, bad.dimensions = DIMENSIONS + 1);
	BAD(DIMENSIONS, bad.data_type = VEXIPC_INT8, bad.len = DIMENSIONS);
	BAD(DIMENSIONS, bad.data_type = VEXIPC_DATA_TYPES, bad.len = 0);
	BAD(DIMENSIONS, bad.type = VEXIPC_MSG_BATCH_RESPONSE, bad.count = 1);
	BAD(DIMENSIONS, bad.type = VEXIPC_MSG_HEALTH_RESPONSE);
	BAD(0, bad.dimensions = 0, bad.len = 0);
	BAD(0, bad.dimensions = VEXIPC_MAX_DIMENSIONS + 1,
	    bad.len = 4 * (VEXIPC_MAX_DIMENSIONS + 1));
#undef BAD
	KUNIT_EXPECT_EQ(test, counted(test, bad_answers), count);
	KUNIT_EXPECT_EQ(test, counted(test, failed_by[VEXIPC_ERR_BAD_ANSWER]), count);
	KUNIT_EXPECT_EQ(test, service->svc->bad_answers, count);
	KUNIT_EXPECT_EQ(test, service->svc->failures, count);
	KUNIT_EXPECT_EQ(test, counted(test, bytes_out), 0);
}

static void who_asks_for_any_dimensions_gets_any(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = new_ask(test, new_peer(test));

	ask->req->dimensions = 0;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	KUNIT_EXPECT_EQ(test, answer_with(service, send_next(service), VEXIPC_MAX_DIMENSIONS), 0);
	expect_ended(test, ask, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, ask->req->out_dimensions, VEXIPC_MAX_DIMENSIONS);
}

static void batch_is_answered_whole(struct kunit *test)
{
	static const struct vexipc_service_spec like = {
		.max_batch = 2,
		.features = VEXIPC_FEATURE_BATCH,
	};
	struct {
		struct vexipc_batch_result first;
		u8 vector[VECTOR_BYTES];
		struct vexipc_batch_result second;
	} results = {
		.first = {
			.dimensions = cpu_to_le32(DIMENSIONS),
			.vector_bytes = cpu_to_le32(VECTOR_BYTES),
		},
		.second = { .error = cpu_to_le32(VEXIPC_ERR_TOO_LARGE) },
	};
	struct vexipc_answer whole = {
		.type = VEXIPC_MSG_BATCH_RESPONSE,
		.count = 2,
		.data = &results,
		.len = sizeof(results),
	}, part = whole;
	struct peer *service = new_service_like(test, "one", &like);
	struct peer *client = new_peer(test);
	struct ask *asks[2];

	configure(test, VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 0);
	for (u32 i = 0; i < 2; i++) {
		asks[i] = new_ask(test, client);
		asks[i]->req->type = VEXIPC_MSG_BATCH_REQUEST;
		asks[i]->req->count = 2;
		KUNIT_ASSERT_EQ(test, submit(asks[i]), 0);
	}
	KUNIT_EXPECT_EQ(test, answer_like(service, send_next(service), &whole), 0);
	expect_ended(test, asks[0], VEXIPC_OK);
	part.count = 1;
	part.len = sizeof(results.first) + VECTOR_BYTES;
	KUNIT_EXPECT_EQ(test, answer_like(service, send_next(service), &part), -EPROTO);
	expect_ended(test, asks[1], VEXIPC_ERR_BAD_ANSWER);
}

static void failure_comes_with_its_text(struct kunit *test)
{
	struct vexipc_answer like = {
		.type = VEXIPC_MSG_ERROR,
		.error = VEXIPC_ERR_INVALID,
		.retry_after_ms = 5,
		.data = "no words",
		.len = 8,
	};
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));

	KUNIT_EXPECT_EQ(test, answer_like(service, send_next(service), &like), 0);
	expect_ended(test, ask, VEXIPC_ERR_INVALID);
	KUNIT_ASSERT_EQ(test, ask->req->answer_len, 8);
	KUNIT_EXPECT_MEMEQ(test, ask->req->answer, "no words", 8);
	KUNIT_EXPECT_EQ(test, ask->req->retry_after_ms, 5);
	KUNIT_EXPECT_EQ(test, counted(test, failed_by[VEXIPC_ERR_INVALID]), 1);
	KUNIT_EXPECT_EQ(test, counted(test, bad_answers), 0);
}

static void overload_is_no_fault_of_the_service(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask;

	configure(test, VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 0);
	ask = submit_new(test, new_peer(test));
	KUNIT_EXPECT_EQ(test, answer_error(service, send_next(service), VEXIPC_ERR_OVERLOADED,
					   VEXIPC_ERROR_OVERLOAD), 0);
	expect_ended(test, ask, VEXIPC_ERR_OVERLOADED);
	KUNIT_EXPECT_EQ(test, service->svc->failures, 0);
	KUNIT_EXPECT_EQ(test, counted(test, failed), 1);
}

static void service_figures_add_up(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct fixture *f = test->priv;
	struct ask *ask;

	configure(test, VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 0);
	for (u32 i = 0; i < 10; i++)
		submit_new(test, new_peer(test));
	for (u32 i = 0; i < 7; i++) {
		u64 id = send_next(service);

		if (i < 3)
			answer(service, id);
		else if (i < 5)
			answer_error(service, id, VEXIPC_ERR_INVALID, 0);
	}
	list_for_each_entry(ask, &f->asks, node) {
		if (atomic_read(&ask->completions))
			continue;
		KUNIT_EXPECT_TRUE(test, vexipc_request_finish(ask->req, VEXIPC_ERR_CANCELLED));
		break;
	}
	memset(&f->now, 0, sizeof(f->now));
	vexipc_stats_service(service->svc, &f->now);
	KUNIT_EXPECT_EQ(test, f->now.submitted, 10);
	KUNIT_EXPECT_EQ(test, f->now.completed, 3);
	KUNIT_EXPECT_EQ(test, f->now.failed, 2);
	KUNIT_EXPECT_EQ(test, f->now.cancelled, 1);
	KUNIT_EXPECT_EQ(test, f->now.in_flight, 1);
	KUNIT_EXPECT_EQ(test, f->now.queued, 3);
	KUNIT_EXPECT_EQ(test, f->now.bytes_out, 3 * VECTOR_BYTES);
}

static struct kunit_case answer_cases[] = {
	KUNIT_CASE(answered_request_is_completed),
	KUNIT_CASE(second_answer_is_an_orphan),
	KUNIT_CASE(answer_to_what_was_not_sent_is_an_orphan),
	KUNIT_CASE(answer_by_another_service_is_an_orphan),
	KUNIT_CASE(forged_ids_are_orphans),
	KUNIT_CASE(answer_that_does_not_fit_is_a_failure),
	KUNIT_CASE(who_asks_for_any_dimensions_gets_any),
	KUNIT_CASE(batch_is_answered_whole),
	KUNIT_CASE(failure_comes_with_its_text),
	KUNIT_CASE(overload_is_no_fault_of_the_service),
	KUNIT_CASE(service_figures_add_up),
	{}
};

static struct kunit_suite answer_suite = {
	.name = "vexipc_answer",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = answer_cases,
};

kunit_test_suite(answer_suite);
