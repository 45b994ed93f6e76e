// SPDX-License-Identifier: GPL-2.0-only
/* Ends that are no answers: cancels, deadlines, clients that go. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/ktime.h>

#include "fixture.h"
#include "queue.h"

static int cancel(struct ask *ask)
{
	return vexipc_endpoint_cancel(ask->req->ep, ask->req->request_id);
}

static struct ask *submit_due_in(struct kunit *test, struct peer *client, u32 ms)
{
	struct ask *ask = new_ask(test, client);

	ask->req->deadline_ns = ktime_get_ns() + (u64)ms * NSEC_PER_MSEC;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	return ask;
}

static void queued_one_can_be_cancelled(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));

	KUNIT_EXPECT_EQ(test, cancel(ask), 0);
	expect_ended(test, ask, VEXIPC_ERR_CANCELLED);
	KUNIT_EXPECT_EQ(test, service->svc->queued, 0);
	KUNIT_EXPECT_EQ(test, send_next(service), 0);
	KUNIT_EXPECT_EQ(test, counted(test, cancelled), 1);
	/* It never had it, so it is no figure of the service. */
	KUNIT_EXPECT_EQ(test, service->svc->cancelled, 0);
}

static void sent_one_can_be_cancelled(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));
	u64 id = send_next(service);

	KUNIT_EXPECT_EQ(test, cancel(ask), 0);
	expect_ended(test, ask, VEXIPC_ERR_CANCELLED);
	KUNIT_EXPECT_EQ(test, service->svc->in_flight, 0);
	KUNIT_EXPECT_EQ(test, service->svc->cancelled, 1);
	KUNIT_EXPECT_EQ(test, service->svc->failures, 0);
	KUNIT_EXPECT_EQ(test, answer(service, id), -ESRCH);
	KUNIT_EXPECT_EQ(test, counted(test, orphans), 1);
}

static void completed_one_can_not_be_cancelled(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));

	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	KUNIT_EXPECT_EQ(test, cancel(ask), -ESRCH);
	expect_ended(test, ask, VEXIPC_OK);
	KUNIT_EXPECT_FALSE(test, vexipc_request_finish(ask->req, VEXIPC_ERR_CANCELLED));
	expect_ended(test, ask, VEXIPC_OK);
}

static void second_cancel_finds_nothing(struct kunit *test)
{
	struct ask *ask;

	new_service(test, "one");
	ask = submit_new(test, new_peer(test));
	KUNIT_EXPECT_EQ(test, cancel(ask), 0);
	KUNIT_EXPECT_EQ(test, cancel(ask), -ESRCH);
}

static void only_its_client_can_cancel_it(struct kunit *test)
{
	struct peer *client = new_peer(test), *other = new_peer(test);
	struct ask *ask, *chosen = new_ask(test, client);

	new_service(test, "one");
	ask = submit_new(test, client);
	chosen->req->request_id = 5;
	KUNIT_ASSERT_EQ(test, submit(chosen), 0);

	KUNIT_EXPECT_EQ(test, vexipc_endpoint_cancel(&other->ep, ask->req->request_id), -ESRCH);
	KUNIT_EXPECT_EQ(test, vexipc_endpoint_cancel(&other->ep, 5), -ESRCH);
	KUNIT_EXPECT_EQ(test, vexipc_endpoint_cancel(&client->ep, 6), -ESRCH);
	KUNIT_EXPECT_EQ(test, vexipc_endpoint_cancel(&client->ep, 0), -ESRCH);
	/* An id of the client's own is not also known by the kernel's. */
	KUNIT_EXPECT_EQ(test, vexipc_endpoint_cancel(&client->ep, chosen->req->correlation),
			-ESRCH);
	KUNIT_EXPECT_EQ(test, vexipc_endpoint_cancel(&client->ep, attempt_id(ask, 1)), -ESRCH);
	expect_open(test, ask, VEXIPC_QUEUED);
	expect_open(test, chosen, VEXIPC_QUEUED);
	KUNIT_EXPECT_EQ(test, vexipc_endpoint_cancel(&client->ep, 5), 0);
	expect_ended(test, chosen, VEXIPC_ERR_CANCELLED);
}

static void queued_one_ends_at_its_deadline(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_due_in(test, new_peer(test), 20);

	expect_ended(test, ask, VEXIPC_ERR_TIMED_OUT);
	KUNIT_EXPECT_GE(test, ask->req->done_ns, ask->req->deadline_ns);
	KUNIT_EXPECT_EQ(test, service->svc->queued, 0);
	KUNIT_EXPECT_EQ(test, counted(test, timed_out), 1);
	KUNIT_EXPECT_EQ(test, service->svc->timed_out, 0);
}

static void sent_one_ends_at_its_deadline(struct kunit *test)
{
	struct peer *service = new_service(test, "one"), *client = new_peer(test);

	/* Soon, but not before it can be sent, on whatever machine this is. */
	for (u32 ms = 50; ms < PATIENCE_MS; ms *= 2) {
		struct ask *ask = submit_due_in(test, client, ms);
		u64 id = send_next(service);

		expect_ended(test, ask, VEXIPC_ERR_TIMED_OUT);
		KUNIT_EXPECT_EQ(test, answer(service, id), -ESRCH);
		KUNIT_EXPECT_EQ(test, service->svc->in_flight, 0);
		if (id)
			break;
	}
	KUNIT_EXPECT_EQ(test, service->svc->timed_out, 1);
	KUNIT_EXPECT_EQ(test, service->svc->failures, 1);
}

static void late_answer_is_an_orphan(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));
	u64 id = send_next(service);

	KUNIT_EXPECT_TRUE(test, vexipc_request_finish(ask->req, VEXIPC_ERR_TIMED_OUT));
	expect_ended(test, ask, VEXIPC_ERR_TIMED_OUT);
	KUNIT_EXPECT_EQ(test, answer(service, id), -ESRCH);
	KUNIT_EXPECT_EQ(test, answer_error(service, id, VEXIPC_ERR_INVALID,
					   VEXIPC_ERROR_RETRY), -ESRCH);
	KUNIT_EXPECT_EQ(test, counted(test, orphans), 2);
	KUNIT_EXPECT_EQ(test, ask->req->status, VEXIPC_ERR_TIMED_OUT);
}

static void expired_one_is_never_sent(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *late = new_ask(test, new_peer(test)), *ask;

	/* Who waits keeps the time itself, so nothing ends it before. */
	late->req->complete = vexipc_request_wake;
	late->uncounted = true;
	late->req->deadline_ns = ktime_get_ns();
	KUNIT_ASSERT_EQ(test, submit(late), 0);
	ask = submit_new(test, new_peer(test));
	KUNIT_EXPECT_EQ(test, send_next(service), attempt_id(ask, 0));
	KUNIT_EXPECT_TRUE(test, late->req->finished);
	KUNIT_EXPECT_EQ(test, late->req->status, VEXIPC_ERR_TIMED_OUT);
	KUNIT_EXPECT_EQ(test, counted(test, expired), 1);
	KUNIT_EXPECT_EQ(test, counted(test, timed_out), 1);
	KUNIT_EXPECT_EQ(test, service->svc->queued, 0);
	vexipc_endpoint_remove(late->req->ep, late->req);
}

static void expired_probe_does_not_count_as_a_request(struct kunit *test)
{
	struct vexipc_service_spec like = { .features = VEXIPC_FEATURE_HEALTH };
	struct peer *service = new_service_like(test, "one", &like);
	struct ask *late = new_ask(test, new_peer(test));

	late->req->type = VEXIPC_MSG_HEALTH_CHECK;
	late->req->pin = service->svc->handle;
	late->req->content_len = 0;
	late->req->complete = vexipc_request_wake;
	late->uncounted = true;
	late->req->deadline_ns = ktime_get_ns();
	KUNIT_ASSERT_EQ(test, submit(late), 0);
	KUNIT_EXPECT_EQ(test, send_next(service), 0);
	KUNIT_EXPECT_EQ(test, late->req->status, VEXIPC_ERR_TIMED_OUT);
	KUNIT_EXPECT_EQ(test, counted(test, expired), 0);
	KUNIT_EXPECT_EQ(test, counted(test, timed_out), 0);
	vexipc_endpoint_remove(late->req->ep, late->req);
}

static void past_deadline_ends_it(struct kunit *test)
{
	struct ask *ask = new_ask(test, new_peer(test));

	new_service(test, "one");
	ask->req->deadline_ns = 1;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	expect_ended(test, ask, VEXIPC_ERR_TIMED_OUT);
}

static void waiting_ends_at_the_deadline(struct kunit *test)
{
	struct ask *ask = new_ask(test, new_peer(test));

	new_service(test, "one");
	ask->req->complete = vexipc_request_wake;
	ask->uncounted = true;
	ask->req->deadline_ns = ktime_get_ns() + 20 * NSEC_PER_MSEC;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	vexipc_request_wait(ask->req);
	KUNIT_EXPECT_TRUE(test, ask->req->finished);
	KUNIT_EXPECT_EQ(test, ask->req->status, VEXIPC_ERR_TIMED_OUT);
	KUNIT_EXPECT_GE(test, ktime_get_ns(), ask->req->deadline_ns);
	vexipc_endpoint_remove(ask->req->ep, ask->req);
}

static void answer_before_the_wait_is_not_missed(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = new_ask(test, new_peer(test));

	ask->req->complete = vexipc_request_wake;
	ask->uncounted = true;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	vexipc_request_wait(ask->req);
	KUNIT_EXPECT_EQ(test, ask->req->status, VEXIPC_OK);
	vexipc_endpoint_remove(ask->req->ep, ask->req);
}

static void client_that_goes_cancels_its_own(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct peer *client = new_peer(test), *other = new_peer(test);
	struct ask *sent = submit_new(test, client), *ended = submit_new(test, client);
	struct ask *queued, *theirs;
	u64 id = send_next(service);

	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	queued = submit_new(test, client);
	theirs = submit_new(test, other);
	vexipc_endpoint_close(&client->ep, true);
	expect_ended(test, sent, VEXIPC_ERR_CANCELLED);
	expect_ended(test, queued, VEXIPC_ERR_CANCELLED);
	expect_ended(test, ended, VEXIPC_OK);
	expect_open(test, theirs, VEXIPC_QUEUED);
	KUNIT_EXPECT_EQ(test, answer(service, id), -ESRCH);
	KUNIT_EXPECT_EQ(test, send_next(service), attempt_id(theirs, 0));
	KUNIT_EXPECT_EQ(test, counted(test, cancelled), 2);
}

static void ended_request_gives_its_credit_back(struct kunit *test)
{
	static const struct vexipc_service_spec like = { .max_concurrent = 1 };
	struct peer *service = new_service_like(test, "one", &like);
	struct peer *client = new_peer(test);
	struct ask *first = submit_new(test, client), *second = submit_new(test, client);
	int kicked;

	KUNIT_EXPECT_EQ(test, send_next(service), attempt_id(first, 0));
	KUNIT_EXPECT_EQ(test, send_next(service), 0);
	kicked = atomic_read(&service->kicked);
	KUNIT_EXPECT_EQ(test, cancel(first), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&service->kicked), kicked + 1);
	KUNIT_EXPECT_EQ(test, send_next(service), attempt_id(second, 0));
}

static struct kunit_case ending_cases[] = {
	KUNIT_CASE(queued_one_can_be_cancelled),
	KUNIT_CASE(sent_one_can_be_cancelled),
	KUNIT_CASE(completed_one_can_not_be_cancelled),
	KUNIT_CASE(second_cancel_finds_nothing),
	KUNIT_CASE(only_its_client_can_cancel_it),
	KUNIT_CASE(queued_one_ends_at_its_deadline),
	KUNIT_CASE(sent_one_ends_at_its_deadline),
	KUNIT_CASE(late_answer_is_an_orphan),
	KUNIT_CASE(expired_one_is_never_sent),
	KUNIT_CASE(expired_probe_does_not_count_as_a_request),
	KUNIT_CASE(past_deadline_ends_it),
	KUNIT_CASE(waiting_ends_at_the_deadline),
	KUNIT_CASE(answer_before_the_wait_is_not_missed),
	KUNIT_CASE(client_that_goes_cancels_its_own),
	KUNIT_CASE(ended_request_gives_its_credit_back),
	{}
};

static struct kunit_suite ending_suite = {
	.name = "vexipc_ending",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = ending_cases,
};

kunit_test_suite(ending_suite);
