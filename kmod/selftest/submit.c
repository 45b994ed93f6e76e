// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "fixture.h"
#include "protocol.h"
#include "queue.h"

static void expect_refused(struct kunit *test, struct ask *ask, int err,
			   enum vexipc_error error)
{
	u64 before = counted(test, refused_by[error]);

	KUNIT_EXPECT_EQ(test, submit(ask), err);
	KUNIT_EXPECT_EQ(test, ask->req->status, error);
	KUNIT_EXPECT_EQ(test, counted(test, refused_by[error]), before + 1);
}

static void without_service_it_is_refused(struct kunit *test)
{
	struct ask *ask = new_ask(test, new_peer(test));

	expect_refused(test, ask, -ENODEV, VEXIPC_ERR_NO_CAPABLE_SERVICE);
	KUNIT_EXPECT_EQ(test, counted(test, submitted), 1);
	KUNIT_EXPECT_EQ(test, counted(test, refused), 1);
	KUNIT_EXPECT_EQ(test, counted(test, bytes_in), 0);
}

static void accepted_one_waits_at_its_service(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));
	u64 timeout_ns = NSEC_PER_MSEC *
		vexipc_config(service->ep.inst, VEXIPC_CONFIG_REQUEST_TIMEOUT_MS);

	expect_open(test, ask, VEXIPC_QUEUED);
	KUNIT_EXPECT_EQ(test, atomic_read(&service->kicked), 1);
	KUNIT_EXPECT_EQ(test, service->svc->queued, 1);
	KUNIT_EXPECT_EQ(test, counted(test, submitted), 1);
	KUNIT_EXPECT_EQ(test, counted(test, queued), 1);
	KUNIT_EXPECT_EQ(test, counted(test, bytes_in), ask->req->content_len);
	KUNIT_EXPECT_EQ(test, ask->req->deadline_ns, ask->req->submitted_ns + timeout_ns);
	KUNIT_EXPECT_TRUE(test, ask->req->request_id & VEXIPC_ID_KERNEL);
}

static void it_goes_only_to_a_capable_service(struct kunit *test)
{
	static const struct vexipc_service_spec like = {
		.dimensions_count = 1,
		.dimensions = { DIMENSIONS },
		.data_types = 1 << VEXIPC_FLOAT32 | 1 << VEXIPC_BINARY,
		.models = "mini\0",
		.models_len = 5,
		.max_batch = 2,
		.features = VEXIPC_FEATURE_BATCH,
	};
	struct peer *client = new_peer(test);
	struct ask *ask;

	new_service_like(test, "one", &like);
#define EXPECT(err, ...) do {						\
		ask = new_ask(test, client);				\
		__VA_ARGS__;						\
		KUNIT_EXPECT_EQ(test, submit(ask), err);		\
	} while (0)
	EXPECT(0, ask->req->dimensions = 0);
	EXPECT(0, ask->req->dimensions = DIMENSIONS);
	EXPECT(-ENODEV, ask->req->dimensions = DIMENSIONS + 1);
	EXPECT(0, ask->req->data_type = VEXIPC_BINARY);
	EXPECT(-ENODEV, ask->req->data_type = VEXIPC_INT8);
	EXPECT(0, ask->req->model = "mini", ask->req->model_len = 4);
	EXPECT(-ENODEV, ask->req->model = "maxi", ask->req->model_len = 4);
	EXPECT(0, ask->req->type = VEXIPC_MSG_BATCH_REQUEST, ask->req->count = 2);
	EXPECT(-ENODEV, ask->req->type = VEXIPC_MSG_BATCH_REQUEST, ask->req->count = 3);
#undef EXPECT
	KUNIT_EXPECT_EQ(test, counted(test, batches), 2);
	KUNIT_EXPECT_EQ(test, counted(test, batch_items), 5);
}

static void batches_want_the_feature(struct kunit *test)
{
	static const struct vexipc_service_spec like = { .max_batch = 2 };
	struct ask *ask = new_ask(test, new_peer(test));

	new_service_like(test, "one", &like);
	ask->req->type = VEXIPC_MSG_BATCH_REQUEST;
	ask->req->count = 2;
	expect_refused(test, ask, -ENODEV, VEXIPC_ERR_NO_CAPABLE_SERVICE);
}

static void too_large_for_all_is_too_large(struct kunit *test)
{
	struct peer *client = new_peer(test), *wide;
	struct ask *ask;

	new_service(test, "narrow")->width = 3;
	expect_refused(test, new_ask(test, client), -EMSGSIZE, VEXIPC_ERR_TOO_LARGE);
	wide = new_service(test, "wide");
	for (u32 i = 0; i < 4; i++) {
		ask = submit_new(test, client);
		KUNIT_EXPECT_PTR_EQ(test, ask->req->svc, wide->svc);
	}
}

static void pinned_one_goes_nowhere_else(struct kunit *test)
{
	struct peer *client = new_peer(test);
	struct peer *one = new_service(test, "one");
	struct ask *ask;

	new_service(test, "two");
	for (u32 i = 0; i < 4; i++) {
		ask = new_ask(test, client);
		ask->req->pin = one->svc->handle;
		KUNIT_ASSERT_EQ(test, submit(ask), 0);
		KUNIT_EXPECT_PTR_EQ(test, ask->req->svc, one->svc);
	}
	vexipc_registry_drain(one->svc, true);
	ask = new_ask(test, client);
	ask->req->pin = one->svc->handle;
	expect_refused(test, ask, -ENODEV, VEXIPC_ERR_NO_CAPABLE_SERVICE);
	vexipc_registry_remove(one->svc, false);
	ask = new_ask(test, client);
	ask->req->pin = one->svc->handle;
	expect_refused(test, ask, -ENOENT, VEXIPC_ERR_NO_SUCH_SERVICE);
}

static void draining_service_gets_nothing_new(struct kunit *test)
{
	struct peer *client = new_peer(test);
	struct peer *service = new_service(test, "one");
	struct ask *ask = submit_new(test, client);

	vexipc_registry_drain(service->svc, true);
	expect_refused(test, new_ask(test, client), -ENODEV, VEXIPC_ERR_NO_CAPABLE_SERVICE);
	/* What it has, it finishes. */
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	expect_ended(test, ask, VEXIPC_OK);
	vexipc_registry_drain(service->svc, false);
	submit_new(test, client);
}

static void services_take_turns(struct kunit *test)
{
	static const char * const ids[] = { "one", "two", "three" };
	struct peer *services[ARRAY_SIZE(ids)];
	struct peer *client = new_peer(test);

	for (u32 i = 0; i < ARRAY_SIZE(ids); i++)
		services[i] = new_service(test, ids[i]);
	for (u32 i = 0; i < 4 * ARRAY_SIZE(ids); i++)
		submit_new(test, client);
	for (u32 i = 0; i < ARRAY_SIZE(ids); i++)
		KUNIT_EXPECT_EQ(test, services[i]->svc->queued, 4);
}

static void no_more_are_live_than_configured(struct kunit *test)
{
	struct peer *client = new_peer(test), *other = new_peer(test);
	struct peer *service = new_service(test, "one");
	struct ask *ask;

	configure(test, VEXIPC_CONFIG_MAX_CONCURRENT_REQUESTS, 2);
	ask = submit_new(test, client);
	submit_new(test, other);
	expect_refused(test, new_ask(test, client), -EUSERS, VEXIPC_ERR_TOO_MANY_REQUESTS);
	expect_refused(test, new_ask(test, other), -EUSERS, VEXIPC_ERR_TOO_MANY_REQUESTS);
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	expect_ended(test, ask, VEXIPC_OK);
	submit_new(test, client);
}

static void no_more_are_queued_than_configured(struct kunit *test)
{
	struct peer *client = new_peer(test);
	struct peer *one = new_service(test, "one"), *two = new_service(test, "two");

	/* A bound over all services, not of each. */
	configure(test, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 3);
	for (u32 i = 0; i < 3; i++)
		submit_new(test, client);
	KUNIT_EXPECT_EQ(test, one->svc->queued + two->svc->queued, 3);
	expect_refused(test, new_ask(test, client), -ENOBUFS, VEXIPC_ERR_QUEUE_FULL);
	/* Sent ones no longer wait. */
	KUNIT_EXPECT_NE(test, send_next(one), 0);
	submit_new(test, client);
	expect_refused(test, new_ask(test, client), -ENOBUFS, VEXIPC_ERR_QUEUE_FULL);
	KUNIT_EXPECT_EQ(test, counted(test, queued) + counted(test, in_flight), 4);
}

static void id_is_the_clients_to_choose_once(struct kunit *test)
{
	struct peer *client = new_peer(test), *other = new_peer(test);
	struct peer *service = new_service(test, "one");
	struct ask *first = new_ask(test, client), *ask;

	first->req->request_id = 77;
	KUNIT_ASSERT_EQ(test, submit(first), 0);
	KUNIT_EXPECT_EQ(test, first->req->client_correlation, 77);
	ask = new_ask(test, client);
	ask->req->request_id = 77;
	expect_refused(test, ask, -EEXIST, VEXIPC_ERR_EXISTS);
	/* Another's ids are another's. */
	ask = new_ask(test, other);
	ask->req->request_id = 77;
	KUNIT_EXPECT_EQ(test, submit(ask), 0);
	/* And it is free again afterwards. */
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	expect_ended(test, first, VEXIPC_OK);
	ask = new_ask(test, client);
	ask->req->request_id = 77;
	KUNIT_EXPECT_EQ(test, submit(ask), 0);
}

static void closed_client_is_refused(struct kunit *test)
{
	struct peer *client = new_peer(test);

	new_service(test, "one");
	vexipc_endpoint_close(&client->ep, false);
	expect_refused(test, new_ask(test, client), -ESHUTDOWN, VEXIPC_ERR_SHUTTING_DOWN);
}

static void its_message_says_what_was_asked(struct kunit *test)
{
	struct peer *service = new_service(test, "one");
	struct ask *ask = new_ask(test, new_peer(test));
	struct vexipc_embed_request_body *body;
	struct vexipc_msg_header *header;
	struct vexipc_request *req;
	struct vexipc_image image;
	u32 need, attempt, len;

	ask->req->session = 5;
	ask->req->priority = 200;
	ask->req->dimensions = 0;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	req = vexipc_queue_next(service->svc, VEXIPC_MAX_MESSAGE, &need, &attempt);
	KUNIT_ASSERT_PTR_EQ(test, req, ask->req);
	vexipc_request_image(req, attempt, &image);
	len = vexipc_image_len(&image);
	header = kunit_kzalloc(test, len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, header);
	KUNIT_EXPECT_EQ(test, vexipc_image_copy(&image, 0, header, len), len);
	vexipc_request_put(req);

	KUNIT_EXPECT_EQ(test, vexipc_message_check(header, len), 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(header->message_type), VEXIPC_MSG_EMBED_REQUEST);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(header->correlation_id), attempt_id(ask, 0));
	body = (void *)(header + 1);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(body->session), 5);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(body->priority), 200);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(body->dimensions), 0);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(body->deadline_ns), ask->req->deadline_ns);
	KUNIT_ASSERT_EQ(test, le32_to_cpu(body->content_len), ask->req->content_len);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)(body + 1), ask->req->content, ask->req->content_len);
}

static struct kunit_case submit_cases[] = {
	KUNIT_CASE(without_service_it_is_refused),
	KUNIT_CASE(accepted_one_waits_at_its_service),
	KUNIT_CASE(it_goes_only_to_a_capable_service),
	KUNIT_CASE(batches_want_the_feature),
	KUNIT_CASE(too_large_for_all_is_too_large),
	KUNIT_CASE(pinned_one_goes_nowhere_else),
	KUNIT_CASE(draining_service_gets_nothing_new),
	KUNIT_CASE(services_take_turns),
	KUNIT_CASE(no_more_are_live_than_configured),
	KUNIT_CASE(no_more_are_queued_than_configured),
	KUNIT_CASE(id_is_the_clients_to_choose_once),
	KUNIT_CASE(closed_client_is_refused),
	KUNIT_CASE(its_message_says_what_was_asked),
	{}
};

static struct kunit_suite submit_suite = {
	.name = "vexipc_submit",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = submit_cases,
};

kunit_test_suite(submit_suite);
