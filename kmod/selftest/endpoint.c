// SPDX-License-Identifier: GPL-2.0-only
/* What an endpoint has yet to read. */
#include <linux/err.h>
#include <linux/string.h>

#include "fixture.h"
#include "protocol.h"

/* A request whose completion is read as a message. */
static struct ask *submit_read(struct kunit *test, struct peer *client)
{
	struct ask *ask = new_ask(test, client);

	ask->req->complete = vexipc_endpoint_complete;
	ask->uncounted = true;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	return ask;
}

static struct vexipc_out *take(struct peer *client)
{
	u32 need;

	return vexipc_endpoint_take(&client->ep, VEXIPC_MAX_MESSAGE, &need);
}

/* Reads one message, to @header, as its reader gets it. */
static u32 read_message(struct kunit *test, struct peer *client,
			struct vexipc_msg_header *header, u32 room)
{
	struct vexipc_out *out = take(client);
	struct vexipc_image image;
	u32 len;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, out);
	vexipc_out_image(out, &image);
	len = vexipc_image_copy(&image, 0, header, room);
	vexipc_endpoint_done(&client->ep, out);
	KUNIT_EXPECT_EQ(test, vexipc_message_check(header, len), 0);
	return len;
}

static int reply(struct peer *client, u64 correlation)
{
	struct vexipc_ack_body body = { .type = cpu_to_le32(VEXIPC_MSG_HEARTBEAT) };
	struct vexipc_image image;

	vexipc_image_open(&image, VEXIPC_MSG_ACK, correlation, 0, &body, sizeof(body));
	vexipc_image_seal(&image);
	return vexipc_endpoint_reply(&client->ep, &image);
}

static void completion_is_read_as_a_message(struct kunit *test)
{
	struct peer *service = new_service(test, "one"), *client = new_peer(test);
	struct ask *ask = submit_read(test, client);
	struct {
		struct vexipc_msg_header header;
		struct vexipc_embed_response_body body;
		u8 vector[VECTOR_BYTES];
	} message;

	KUNIT_EXPECT_NULL(test, take(client));
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&client->notified), 1);
	KUNIT_EXPECT_EQ(test, client->ep.outstanding, 1);
	KUNIT_EXPECT_EQ(test, read_message(test, client, &message.header, sizeof(message)),
			sizeof(message));
	KUNIT_EXPECT_EQ(test, client->ep.outstanding, 0);
	KUNIT_EXPECT_NULL(test, take(client));

	KUNIT_EXPECT_EQ(test, le32_to_cpu(message.header.message_type),
			VEXIPC_MSG_EMBED_RESPONSE);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(message.header.correlation_id),
			ask->req->client_correlation);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(message.body.request_id), ask->req->request_id);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(message.body.service_handle), service->svc->handle);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(message.body.attempts), 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(message.body.dimensions), DIMENSIONS);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(message.body.vector_bytes), VECTOR_BYTES);
}

static void failure_is_read_as_an_error(struct kunit *test)
{
	struct peer *client = new_peer(test);
	struct ask *ask;
	struct {
		struct vexipc_msg_header header;
		struct vexipc_error_body body;
	} message;

	new_service(test, "one");
	ask = submit_read(test, client);
	KUNIT_EXPECT_EQ(test, vexipc_endpoint_cancel(&client->ep, ask->req->request_id), 0);
	KUNIT_EXPECT_EQ(test, read_message(test, client, &message.header, sizeof(message)),
			sizeof(message));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(message.header.message_type), VEXIPC_MSG_ERROR);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(message.body.request_id), ask->req->request_id);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(message.body.error), VEXIPC_ERR_CANCELLED);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(message.body.text_len), 0);
}

static void reader_without_room_is_told_the_size(struct kunit *test)
{
	struct peer *service = new_service(test, "one"), *client = new_peer(test);
	u32 len = sizeof(struct vexipc_msg_header) +
		  sizeof(struct vexipc_embed_response_body) + VECTOR_BYTES;
	struct vexipc_out *out;
	u32 need = 0;

	submit_read(test, client);
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	out = vexipc_endpoint_take(&client->ep, len - 1, &need);
	KUNIT_EXPECT_EQ(test, PTR_ERR(out), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, need, len);
	out = vexipc_endpoint_take(&client->ep, len, &need);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, out);
	vexipc_endpoint_done(&client->ep, out);
}

static void untaken_one_is_first_again(struct kunit *test)
{
	struct peer *client = new_peer(test);
	struct vexipc_msg_header header[3];
	struct vexipc_out *out;

	for (u64 i = 1; i <= 3; i++)
		KUNIT_EXPECT_EQ(test, reply(client, i), 0);
	out = take(client);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, out);
	vexipc_endpoint_untake(&client->ep, out);
	for (u64 i = 1; i <= 3; i++) {
		KUNIT_EXPECT_EQ(test, read_message(test, client, header, sizeof(header)),
				sizeof(header[0]) + sizeof(struct vexipc_ack_body));
		KUNIT_EXPECT_EQ(test, le64_to_cpu(header->correlation_id), i);
	}
}

static void oldest_is_read_first(struct kunit *test)
{
	struct peer *service = new_service(test, "one"), *client = new_peer(test);
	static const u32 expected[] = {
		VEXIPC_MSG_ACK, VEXIPC_MSG_EMBED_RESPONSE, VEXIPC_MSG_ACK,
	};
	struct vexipc_msg_header header[4];

	submit_read(test, client);
	KUNIT_EXPECT_EQ(test, reply(client, 1), 0);
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	KUNIT_EXPECT_EQ(test, reply(client, 2), 0);
	for (u32 i = 0; i < ARRAY_SIZE(expected); i++) {
		read_message(test, client, header, sizeof(header));
		KUNIT_EXPECT_EQ(test, le32_to_cpu(header->message_type), expected[i]);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&client->notified), 3);
}

static void unread_replies_are_limited(struct kunit *test)
{
	struct peer *client = new_peer(test);
	struct vexipc_msg_header header[3];

	for (u64 i = 0; i < VEXIPC_MAX_REPLIES; i++)
		KUNIT_ASSERT_EQ(test, reply(client, i), 0);
	KUNIT_EXPECT_EQ(test, reply(client, 1), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, client->ep.replies, VEXIPC_MAX_REPLIES);
	read_message(test, client, header, sizeof(header));
	KUNIT_EXPECT_EQ(test, reply(client, 1), 0);
	KUNIT_EXPECT_EQ(test, reply(client, 1), -ENOBUFS);
}

static void unread_completions_count_as_outstanding(struct kunit *test)
{
	struct peer *service = new_service(test, "one"), *client = new_peer(test);
	struct ask *ask;

	configure(test, VEXIPC_CONFIG_MAX_CONCURRENT_REQUESTS, 2);
	for (u32 i = 0; i < 2; i++) {
		submit_read(test, client);
		KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	}
	KUNIT_EXPECT_EQ(test, submit(new_ask(test, client)), -EUSERS);
	/* Others have nothing to do with it. */
	ask = submit_new(test, new_peer(test));
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	expect_ended(test, ask, VEXIPC_OK);

	vexipc_endpoint_done(&client->ep, take(client));
	submit_new(test, client);
	KUNIT_EXPECT_EQ(test, submit(new_ask(test, client)), -EUSERS);
}

static void id_is_taken_until_the_completion_is_read(struct kunit *test)
{
	struct peer *service = new_service(test, "one"), *client = new_peer(test);
	struct ask *asks[3];

	for (u32 i = 0; i < ARRAY_SIZE(asks); i++) {
		asks[i] = new_ask(test, client);
		asks[i]->req->request_id = 9;
		asks[i]->req->complete = vexipc_endpoint_complete;
		asks[i]->uncounted = true;
	}
	KUNIT_EXPECT_EQ(test, submit(asks[0]), 0);
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	KUNIT_EXPECT_EQ(test, submit(asks[1]), -EEXIST);
	KUNIT_EXPECT_EQ(test, vexipc_endpoint_cancel(&client->ep, 9), -ESRCH);
	vexipc_endpoint_done(&client->ep, take(client));
	KUNIT_EXPECT_EQ(test, submit(asks[2]), 0);
}

static void closing_drops_what_is_unread(struct kunit *test)
{
	struct peer *service = new_service(test, "one"), *client = new_peer(test);
	struct vexipc_out *out;
	int notified;

	for (u32 i = 0; i < 3; i++) {
		submit_read(test, client);
		KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
		KUNIT_EXPECT_EQ(test, reply(client, i), 0);
	}
	/* Two that nobody will answer, and one that is being read. */
	submit_read(test, client);
	submit_read(test, client);
	send_next(service);
	out = take(client);
	notified = atomic_read(&client->notified);

	vexipc_endpoint_close(&client->ep, false);
	vexipc_endpoint_untake(&client->ep, out);
	KUNIT_EXPECT_EQ(test, atomic_read(&client->notified), notified);
	KUNIT_EXPECT_EQ(test, client->ep.outstanding, 0);
	KUNIT_EXPECT_EQ(test, client->ep.replies, 0);
	KUNIT_EXPECT_NULL(test, take(client));
	KUNIT_EXPECT_EQ(test, reply(client, 1), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, counted(test, cancelled), 2);
}

static struct kunit_case endpoint_cases[] = {
	KUNIT_CASE(completion_is_read_as_a_message),
	KUNIT_CASE(failure_is_read_as_an_error),
	KUNIT_CASE(reader_without_room_is_told_the_size),
	KUNIT_CASE(untaken_one_is_first_again),
	KUNIT_CASE(oldest_is_read_first),
	KUNIT_CASE(unread_replies_are_limited),
	KUNIT_CASE(unread_completions_count_as_outstanding),
	KUNIT_CASE(id_is_taken_until_the_completion_is_read),
	KUNIT_CASE(closing_drops_what_is_unread),
	{}
};

static struct kunit_suite endpoint_suite = {
	.name = "vexipc_endpoint",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = endpoint_cases,
};

kunit_test_suite(endpoint_suite);
