// SPDX-License-Identifier: GPL-2.0-only
/* Second chances: failover when a service goes, retry when it says so. */
#include <linux/delay.h>
#include <linux/ktime.h>

#include "fixture.h"
#include "queue.h"

/* Which of two services has the request now, or what it sent last. */
static struct peer *holder(struct ask *ask, struct peer *one, struct peer *two)
{
	return READ_ONCE(ask->req->svc) == one->svc ? one : two;
}

static void removal_moves_what_was_queued_and_sent(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test);
	struct ask *sent = submit_new(test, client), *queued;
	u64 id = send_next(one);
	struct peer *two;

	queued = submit_new(test, client);
	two = new_service(test, "two");
	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(one->svc, true), 2);
	KUNIT_EXPECT_EQ(test, counted(test, failovers), 2);
	KUNIT_EXPECT_EQ(test, counted(test, retries), 0);
	KUNIT_EXPECT_EQ(test, counted(test, services_died), 1);
	KUNIT_EXPECT_EQ(test, two->svc->queued, 2);
	/* What it had is no longer its to answer. */
	KUNIT_EXPECT_EQ(test, answer(one, id), -ESRCH);
	KUNIT_EXPECT_EQ(test, answer(two, id), -ESRCH);

	KUNIT_EXPECT_EQ(test, answer(two, send_next(two)), 0);
	KUNIT_EXPECT_EQ(test, answer(two, send_next(two)), 0);
	expect_ended(test, sent, VEXIPC_OK);
	expect_ended(test, queued, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, sent->req->attempts, 2);
	KUNIT_EXPECT_EQ(test, sent->req->service_handle, two->svc->handle);
	KUNIT_EXPECT_EQ(test, counted(test, orphans), 2);
}

static void removal_of_the_last_one_fails_all(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test);
	struct ask *sent = submit_new(test, client), *queued = submit_new(test, client);

	send_next(one);
	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(one->svc, true), 2);
	expect_ended(test, sent, VEXIPC_ERR_SERVICE_DIED);
	expect_ended(test, queued, VEXIPC_ERR_SERVICE_DIED);
	KUNIT_EXPECT_EQ(test, counted(test, failed_by[VEXIPC_ERR_SERVICE_DIED]), 2);
}

static void removal_is_done_once(struct kunit *test)
{
	struct peer *one = new_service(test, "one");

	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(one->svc, false), 0);
	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(one->svc, false), -ENOENT);
	KUNIT_EXPECT_EQ(test, counted(test, unregistered), 1);
}

static void pinned_one_does_not_outlive_its_service(struct kunit *test)
{
	struct peer *one = new_service(test, "one");
	struct ask *ask = new_ask(test, new_peer(test));

	new_service(test, "two");
	ask->req->pin = one->svc->handle;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(one->svc, true), 1);
	expect_ended(test, ask, VEXIPC_ERR_SERVICE_DIED);
}

static void retry_goes_to_one_not_tried_at_once(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *two = new_service(test, "two");
	struct ask *ask = submit_new(test, new_peer(test));
	struct peer *first = holder(ask, one, two), *second = first == one ? two : one;
	u64 id = send_next(first);

	KUNIT_EXPECT_EQ(test, answer_error(first, id, VEXIPC_ERR_SERVICE_FAILED,
					   VEXIPC_ERROR_RETRY), 0);
	/* No backoff: it is there already. */
	expect_open(test, ask, VEXIPC_QUEUED);
	KUNIT_EXPECT_PTR_EQ(test, ask->req->svc, second->svc);
	KUNIT_EXPECT_EQ(test, counted(test, retries), 1);
	KUNIT_EXPECT_EQ(test, answer(first, id), -ESRCH);
	id = send_next(second);
	KUNIT_EXPECT_EQ(test, id, attempt_id(ask, 1));
	KUNIT_EXPECT_EQ(test, answer(second, id), 0);
	expect_ended(test, ask, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, ask->req->attempts, 2);
}

/* After a backoff the service is asked again: the id of that attempt. */
static u64 send_after_backoff(struct kunit *test, struct peer *service, int kicked)
{
	unsigned long end = jiffies + msecs_to_jiffies(PATIENCE_MS);

	while (atomic_read(&service->kicked) == kicked && time_before(jiffies, end))
		usleep_range(1000, 2000);
	return send_next(service);
}

static void same_service_is_asked_again_after_a_backoff(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask;
	unsigned long asked;
	int kicked;

	configure(test, VEXIPC_CONFIG_RETRY_BACKOFF_BASE_MS, 40);
	ask = submit_new(test, new_peer(test));
	kicked = atomic_read(&service->kicked);
	asked = jiffies;
	KUNIT_EXPECT_EQ(test, answer_error(service, send_next(service), VEXIPC_ERR_OVERLOADED,
					   VEXIPC_ERROR_OVERLOAD), 0);
	KUNIT_EXPECT_EQ(test, send_after_backoff(test, service, kicked), attempt_id(ask, 1));
	/* Half of it is fixed. */
	KUNIT_EXPECT_GE(test, jiffies - asked, msecs_to_jiffies(20));
	KUNIT_EXPECT_EQ(test, answer(service, attempt_id(ask, 1)), 0);
	expect_ended(test, ask, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, ask->req->attempts, 2);
}

static void attempts_are_limited(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct peer *client = new_peer(test);

	configure(test, VEXIPC_CONFIG_RETRY_BACKOFF_BASE_MS, 1);
	for (u32 limit = 0; limit < 3; limit++) {
		struct ask *ask;
		u32 sent = 0;

		configure(test, VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, limit);
		ask = submit_new(test, client);
		while (!atomic_read(&ask->completions) && sent <= limit + 1) {
			int kicked = atomic_read(&service->kicked);
			u64 id = send_next(service) ?:
				 send_after_backoff(test, service, kicked);

			KUNIT_ASSERT_NE(test, id, 0);
			KUNIT_EXPECT_EQ(test, vexipc_id_attempt(id), sent);
			sent++;
			KUNIT_EXPECT_EQ(test, answer_error(service, id, VEXIPC_ERR_OVERLOADED,
							   VEXIPC_ERROR_RETRY), 0);
		}
		expect_ended(test, ask, VEXIPC_ERR_OVERLOADED);
		KUNIT_EXPECT_EQ(test, sent, limit + 1);
		KUNIT_EXPECT_EQ_MSG(test, ask->req->attempts, sent, "limit %u", limit);
	}
}

static void attempts_are_those_that_were_made(struct kunit *test)
{
	struct peer *service = new_service(test, "one"), *client = new_peer(test);
	struct ask *answered = submit_new(test, client), *ask;
	u64 id = send_next(service);

	configure(test, VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 0);
	KUNIT_EXPECT_EQ(test, answer(service, id), 0);
	expect_ended(test, answered, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, answered->req->attempts, 1);

	ask = submit_new(test, client);
	KUNIT_EXPECT_EQ(test, answer_error(service, send_next(service), VEXIPC_ERR_OVERLOADED,
					   VEXIPC_ERROR_RETRY), 0);
	expect_ended(test, ask, VEXIPC_ERR_OVERLOADED);
	KUNIT_EXPECT_EQ(test, ask->req->attempts, 1);

	ask = submit_new(test, client);
	send_next(service);
	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(service->svc, true), 1);
	expect_ended(test, ask, VEXIPC_ERR_SERVICE_DIED);
	KUNIT_EXPECT_EQ(test, ask->req->attempts, 1);
}

static void what_may_not_be_retried_is_not(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *two = new_service(test, "two");
	struct ask *ask = submit_new(test, new_peer(test));
	struct peer *first = holder(ask, one, two);

	KUNIT_EXPECT_EQ(test, answer_error(first, send_next(first), VEXIPC_ERR_TOO_LARGE, 0), 0);
	expect_ended(test, ask, VEXIPC_ERR_TOO_LARGE);
	KUNIT_EXPECT_EQ(test, counted(test, retries), 0);
}

static void bad_answer_moves_on(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *two = new_service(test, "two");
	struct ask *ask = submit_new(test, new_peer(test));
	struct peer *first = holder(ask, one, two), *second = first == one ? two : one;

	KUNIT_EXPECT_EQ(test, answer_with(first, send_next(first), DIMENSIONS + 1), -EPROTO);
	KUNIT_EXPECT_PTR_EQ(test, ask->req->svc, second->svc);
	KUNIT_EXPECT_EQ(test, answer(second, send_next(second)), 0);
	expect_ended(test, ask, VEXIPC_OK);
}

static void no_backoff_beyond_the_deadline(struct kunit *test)
{
	struct vexipc_answer later = {
		.error = VEXIPC_ERR_OVERLOADED,
		.kind = VEXIPC_ERROR_OVERLOAD,
		.retry_after_ms = VEXIPC_MAX_TIMEOUT_MS,
		.type = VEXIPC_MSG_ERROR,
	};
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));

	KUNIT_EXPECT_EQ(test, vexipc_request_answer(service->svc, send_next(service), &later), 0);
	/* Waiting so long would be in vain: it is told at once, and why. */
	expect_ended(test, ask, VEXIPC_ERR_OVERLOADED);
	KUNIT_EXPECT_LT(test, ask->req->done_ns, ask->req->deadline_ns);
	KUNIT_EXPECT_EQ(test, ask->req->retry_after_ms, VEXIPC_MAX_TIMEOUT_MS);
}

static void one_that_backs_off_can_be_cancelled(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask;

	configure(test, VEXIPC_CONFIG_RETRY_BACKOFF_BASE_MS, 60000);
	ask = submit_new(test, new_peer(test));
	KUNIT_EXPECT_EQ(test, answer_error(service, send_next(service), VEXIPC_ERR_OVERLOADED,
					   VEXIPC_ERROR_RETRY), 0);
	expect_open(test, ask, VEXIPC_NEW);
	KUNIT_EXPECT_EQ(test, counted(test, queued), 1);
	KUNIT_EXPECT_EQ(test, vexipc_endpoint_cancel(ask->req->ep, ask->req->request_id), 0);
	expect_ended(test, ask, VEXIPC_ERR_CANCELLED);
	KUNIT_EXPECT_EQ(test, service->svc->cancelled, 0);
}

static void one_that_backs_off_ends_without_a_service(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask;
	u64 id;

	configure(test, VEXIPC_CONFIG_RETRY_BACKOFF_BASE_MS, 20);
	ask = submit_new(test, new_peer(test));
	id = send_next(service);
	/* When the backoff is over there is nobody left to ask. */
	vexipc_registry_drain(service->svc, true);
	KUNIT_EXPECT_EQ(test, answer_error(service, id, VEXIPC_ERR_OVERLOADED,
					   VEXIPC_ERROR_RETRY), 0);
	expect_ended(test, ask, VEXIPC_ERR_OVERLOADED);
	KUNIT_EXPECT_EQ(test, counted(test, retries), 1);
}

static void failover_spends_attempts(struct kunit *test)
{
	static const char * const ids[] = { "one", "two", "three" };
	struct peer *services[ARRAY_SIZE(ids)];
	struct ask *ask;

	configure(test, VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS, 1);
	for (u32 i = 0; i < ARRAY_SIZE(ids); i++)
		services[i] = new_service(test, ids[i]);
	ask = submit_new(test, new_peer(test));
	for (u32 moves = 0; moves < 2; moves++)
		for (u32 i = 0; i < ARRAY_SIZE(ids); i++)
			if (READ_ONCE(ask->req->svc) == services[i]->svc) {
				vexipc_registry_remove(services[i]->svc, true);
				break;
			}
	expect_ended(test, ask, VEXIPC_ERR_SERVICE_DIED);
	KUNIT_EXPECT_EQ(test, counted(test, services), 1);
	KUNIT_EXPECT_EQ(test, counted(test, failovers), 1);
}

static void moving_on_is_not_refused_by_full_queues(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *client = new_peer(test), *two;

	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 2);
	for (u32 i = 0; i < 4; i++) {
		submit_new(test, client);
		if (i < 2)
			KUNIT_EXPECT_NE(test, send_next(one), 0);
	}
	two = new_service(test, "two");
	KUNIT_EXPECT_EQ(test, submit(new_ask(test, client)), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(one->svc, true), 4);
	/* They were accepted: the bound is for those who are not yet. */
	KUNIT_EXPECT_EQ(test, two->svc->queued, 4);
	KUNIT_EXPECT_EQ(test, counted(test, failed), 0);
	KUNIT_EXPECT_EQ(test, submit(new_ask(test, client)), -ENOBUFS);
}

static void retry_takes_nobodys_turn(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *two = new_service(test, "two");
	struct peer *client = new_peer(test);
	u32 first_was_one = 0;

	for (u32 i = 0; i < 6; i++) {
		struct ask *ask = submit_new(test, client);
		struct peer *first = holder(ask, one, two), *second = first == one ? two : one;

		first_was_one += first == one;
		KUNIT_EXPECT_EQ(test, answer_error(first, send_next(first),
						   VEXIPC_ERR_SERVICE_FAILED,
						   VEXIPC_ERROR_RETRY), 0);
		KUNIT_EXPECT_EQ(test, answer(second, send_next(second)), 0);
		expect_ended(test, ask, VEXIPC_OK);
	}
	KUNIT_EXPECT_EQ(test, first_was_one, 3);
}

static struct kunit_case retry_cases[] = {
	KUNIT_CASE(removal_moves_what_was_queued_and_sent),
	KUNIT_CASE(removal_of_the_last_one_fails_all),
	KUNIT_CASE(removal_is_done_once),
	KUNIT_CASE(pinned_one_does_not_outlive_its_service),
	KUNIT_CASE(retry_goes_to_one_not_tried_at_once),
	KUNIT_CASE(same_service_is_asked_again_after_a_backoff),
	KUNIT_CASE(attempts_are_limited),
	KUNIT_CASE(attempts_are_those_that_were_made),
	KUNIT_CASE(what_may_not_be_retried_is_not),
	KUNIT_CASE(bad_answer_moves_on),
	KUNIT_CASE(no_backoff_beyond_the_deadline),
	KUNIT_CASE(one_that_backs_off_can_be_cancelled),
	KUNIT_CASE(one_that_backs_off_ends_without_a_service),
	KUNIT_CASE(failover_spends_attempts),
	KUNIT_CASE(moving_on_is_not_refused_by_full_queues),
	KUNIT_CASE(retry_takes_nobodys_turn),
	{}
};

static struct kunit_suite retry_suite = {
	.name = "vexipc_retry",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = retry_cases,
};

kunit_test_suite(retry_suite);
