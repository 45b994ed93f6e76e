// SPDX-License-Identifier: GPL-2.0-only
/* tools/lib/message.c, parse.c: requests and answers. Takes nothing. */
#include <errno.h>
#include <string.h>

#include <vexipc/vexipc.h>

#include "internal.h"
#include "tap.h"

static const float vector[] = { 0.5f, -1, 2, 0 };

/* A message of one body and a tail, in a buffer that ends where it ends. */
static unsigned char *message_of(uint32_t type, const void *body, size_t body_len,
				 const void *tail, size_t tail_len, size_t *len)
{
	const struct iovec parts[] = { { (void *)body, body_len }, { (void *)tail, tail_len } };
	size_t room = sizeof(struct vexipc_msg_header) + body_len + tail_len;
	unsigned char *buf = malloc(room);
	ssize_t n = buf ? vexipc_message_build(buf, room, type, 9, 0, parts, 2) : -1;

	if (n != (ssize_t)room)
		tap_bail("cannot build");
	*len = room;
	return buf;
}

static int complete(uint32_t type, const void *body, size_t body_len, const void *tail,
		    size_t tail_len, struct vexipc_completion *completion)
{
	struct vexipc_message m;
	size_t len;
	unsigned char *buf = message_of(type, body, body_len, tail, tail_len, &len);
	int err = vexipc_message_parse(buf, len, &m) < 0 ? -EBADMSG :
		  vxi_parse_completion(&m, completion);

	free(buf);
	return err;
}

static void test_embed_request(void)
{
	struct vexipc_embed_params params = {
		.content = "some text",
		.content_len = 9,
		.content_type = VEXIPC_RAW,
		.data_type = VEXIPC_INT8,
		.dimensions = 384,
		.priority = 200,
		.session = 77,
		.model = "a-model",
		.service = "pinned",
	};
	struct vexipc_request r = { 0 };
	struct vexipc_message m;
	uint64_t small[12];
	const void *content;
	struct out o;
	size_t len;

	vxi_out_begin(&o, small, sizeof(small));
	tap_ok(!vxi_build_embed(&o, &params, 5) && o.heap, "a request outgrows a small buffer");
	tap_ok(vexipc_message_parse(o.data, o.len, &m) == (ssize_t)o.len &&
	       m.type == VEXIPC_MSG_EMBED_REQUEST && m.correlation_id == 5 &&
	       !vxi_parse_request(&m, &r), "a service can read it");
	tap_ok(r.session == 77 && r.data_type == VEXIPC_INT8 && r.dimensions == 384 &&
	       r.content_type == VEXIPC_RAW && r.priority == 200 && r.count == 1 &&
	       r.model_len == 7 && !memcmp(r.model, "a-model", 7), "and finds what was asked for");
	tap_ok(vexipc_request_item(&r, &content, &len) && len == 9 &&
	       !memcmp(content, "some text", 9) && !vexipc_request_item(&r, &content, &len),
	       "a single request has one item");
	vxi_out_free(&o);
}

static void test_batch_request(void)
{
	static const struct iovec items[] = { { (void *)"one", 3 }, { (void *)"", 0 }, { (void *)"three", 5 } };
	struct vexipc_embed_params params = VEXIPC_EMBED_PARAMS_INIT;
	struct vexipc_request r = { 0 };
	struct vexipc_message m;
	uint64_t small[8];
	const void *content;
	struct out o;
	size_t len;
	bool cut = true;

	vxi_out_begin(&o, small, sizeof(small));
	tap_ok(!vxi_build_batch(&o, &params, items, 3, 6) &&
	       vexipc_message_parse(o.data, o.len, &m) > 0 && !vxi_parse_request(&m, &r) &&
	       r.count == 3, "a batch of three is read as three");
	tap_ok(vexipc_request_item(&r, &content, &len) && len == 3 && !memcmp(content, "one", 3) &&
	       vexipc_request_item(&r, &content, &len) && len == 0 &&
	       vexipc_request_item(&r, &content, &len) && len == 5 &&
	       !memcmp(content, "three", 5) && !vexipc_request_item(&r, &content, &len),
	       "its items come in order, empty ones too");
	for (size_t n = 0; n < r.content_len; n++) {
		struct vexipc_request shorter = r;
		unsigned int got = 0;
		void *copy = malloc(n + 1);

		memcpy(copy, r.content, n);
		shorter.content = shorter.next_item = copy;
		shorter.content_len = n;
		while (vexipc_request_item(&shorter, &content, &len))
			got++;
		cut &= got < 3;
		free(copy);
	}
	tap_ok(cut, "items that are cut short are not handed out");
	vxi_out_free(&o);

	vxi_out_begin(&o, small, sizeof(small));
	tap_ok(vxi_build_batch(&o, &params, items, 0, 6) == -EINVAL, "an empty batch is EINVAL");
	tap_ok(vxi_build_batch(&o, &params, items, VEXIPC_MAX_BATCH + 1, 6) == -EMSGSIZE,
	       "too large a batch is EMSGSIZE");
	params.content_len = VEXIPC_MAX_MESSAGE;
	params.content = items;
	tap_ok(vxi_build_embed(&o, &params, 1) == -EMSGSIZE,
	       "content that leaves no room for the rest of the message is EMSGSIZE");
	vxi_out_free(&o);
}

static void test_embed_response(void)
{
	struct vexipc_embed_response_body body = {
		.request_id = htole64(12), .service_handle = htole64(34), .queue_ns = htole64(56),
		.service_ns = htole64(78), .attempts = htole32(2), .dimensions = htole32(4),
		.scale = htole32(bits_of(0.25f)), .vector_bytes = htole32(sizeof(vector)),
	};
	struct vexipc_completion c = { 0 };
	const void *room;

	tap_ok(!complete(VEXIPC_MSG_EMBED_RESPONSE, &body, sizeof(body), vector, sizeof(vector), &c) &&
	       !c.batch && c.result.request_id == 12 && c.result.service_handle == 34 &&
	       c.result.queue_ns == 56 && c.result.service_ns == 78 && c.result.attempts == 2 &&
	       c.result.dimensions == 4 && c.result.scale == 0.25f && !c.result.error &&
	       c.result.vector_bytes == sizeof(vector) &&
	       !memcmp(c.result.vector, vector, sizeof(vector)), "an answer has its vector and figures");
	room = c.result.vector;
	tap_ok(!complete(VEXIPC_MSG_EMBED_RESPONSE, &body, sizeof(body), vector, sizeof(vector), &c) &&
	       c.result.vector == room, "a second answer uses the same memory");
	tap_ok(complete(VEXIPC_MSG_EMBED_RESPONSE, &body, sizeof(body), vector, sizeof(vector) - 1, &c) ==
	       -EPROTO, "a vector that is not as long as it says is EPROTO");
	tap_ok(complete(VEXIPC_MSG_EMBED_RESPONSE, &body, sizeof(body) - 1, NULL, 0, &c) == -EPROTO,
	       "a body cut short is EPROTO");
	tap_ok(complete(VEXIPC_MSG_ACK, &body, sizeof(body), NULL, 0, &c) == -EPROTO,
	       "what is no completion is EPROTO");
	vexipc_completion_free(&c);
}

static void test_error(void)
{
	struct vexipc_error_body body = {
		.request_id = htole64(12), .error = htole32(VEXIPC_ERR_OVERLOADED),
		.kind = htole32(VEXIPC_ERROR_OVERLOAD), .retry_after_ms = htole32(250),
		.text_len = htole32(4),
	};
	struct vexipc_completion c = { 0 };
	char longer[VEXIPC_MAX_ERROR_TEXT + 100];

	tap_ok(!complete(VEXIPC_MSG_ERROR, &body, sizeof(body), "busy", 4, &c) &&
	       c.result.error == VEXIPC_ERR_OVERLOADED && c.result.kind == VEXIPC_ERROR_OVERLOAD &&
	       c.result.retry_after_ms == 250 && !strcmp(c.result.text, "busy"),
	       "an error has its reason and text");
	tap_ok(complete(VEXIPC_MSG_ERROR, &body, sizeof(body), "busyness", 8, &c) == -EPROTO,
	       "a text that is not as long as it says is EPROTO");
	memset(longer, 'x', sizeof(longer));
	body.text_len = htole32(sizeof(longer));
	tap_ok(!complete(VEXIPC_MSG_ERROR, &body, sizeof(body), longer, sizeof(longer), &c) &&
	       strlen(c.result.text) == VEXIPC_MAX_ERROR_TEXT, "a text too long is cut");
	body.error = 0;
	tap_ok(!complete(VEXIPC_MSG_ERROR, &body, sizeof(body), longer, sizeof(longer), &c) &&
	       c.result.error == VEXIPC_ERR_BAD_ANSWER, "an error that says it is none is one");
	vexipc_completion_free(&c);
}

static void test_batch_response(void)
{
	struct {
		struct vexipc_batch_response_body body;
		struct vexipc_batch_result first;
		float data[4];
		struct vexipc_batch_result second;
	} __attribute__((packed)) answer = {
		.body = { .request_id = htole64(12), .count = htole32(2) },
		.first = { .dimensions = htole32(4), .vector_bytes = htole32(sizeof(vector)) },
		.second = { .error = htole32(VEXIPC_ERR_INVALID) },
	};
	struct vexipc_completion c = { 0 };
	bool cut = true;

	memcpy(answer.data, vector, sizeof(vector));
	tap_ok(!complete(VEXIPC_MSG_BATCH_RESPONSE, &answer, sizeof(answer), NULL, 0, &c) &&
	       c.batch && c.count == 2 && !c.items[0].error && c.items[0].dimensions == 4 &&
	       !memcmp(c.items[0].vector, vector, sizeof(vector)) &&
	       c.items[1].error == VEXIPC_ERR_INVALID && c.items[1].request_id == 12,
	       "a batch has a result an item, and one may be an error");
	for (size_t n = 0; n < sizeof(answer); n++)
		cut &= complete(VEXIPC_MSG_BATCH_RESPONSE, &answer, n, NULL, 0, &c) == -EPROTO;
	tap_ok(cut, "a batch cut short anywhere is EPROTO");
	tap_ok(complete(VEXIPC_MSG_BATCH_RESPONSE, &answer, sizeof(answer), "x", 1, &c) == -EPROTO,
	       "a batch with something behind it is EPROTO");
	answer.body.count = htole32(VEXIPC_MAX_BATCH + 1);
	tap_ok(complete(VEXIPC_MSG_BATCH_RESPONSE, &answer, sizeof(answer), NULL, 0, &c) == -EPROTO,
	       "a batch of more than there can be is EPROTO");
	vexipc_completion_free(&c);
}

static void test_register(void)
{
	static const char *const models[] = { "m1", "model-2", NULL };
	static const char *const metadata[] = { "k=v", NULL };
	static const uint32_t dims[] = { 256, 512 };
	const struct vexipc_service_config config = {
		.id = "svc", .name = "A name", .software_version = "1.2", .models = models,
		.metadata = metadata, .dimensions = dims, .dimensions_count = 2, .max_batch = 8,
	};
	static const char strings[] = "svcA name1.2m1\0model-2\0k=v";
	struct vexipc_register_body body;
	struct vexipc_message m;
	uint64_t small[8];
	struct out o;

	vxi_out_begin(&o, small, sizeof(small));
	if (vxi_build_register(&o, &config, VEXIPC_TRANSPORT_NETLINK))
		tap_bail("cannot build");
	out_end(&o, VEXIPC_MSG_REGISTER, 1, 0);
	tap_ok(vexipc_message_parse(o.data, o.len, &m) > 0 &&
	       m.body_len == sizeof(body) + sizeof(dims) + sizeof(strings),
	       "a registration is as long as its parts");
	memcpy(&body, m.body, sizeof(body));
	tap_ok(le32toh(body.id_len) == 3 && le32toh(body.name_len) == 6 &&
	       le32toh(body.software_version_len) == 3 && le32toh(body.models_len) == 11 &&
	       le32toh(body.metadata_len) == 4 && le32toh(body.dimensions_count) == 2 &&
	       le64toh(body.features) == VEXIPC_FEATURES, "its lengths and features are told");
	tap_ok(!memcmp((const char *)m.body + sizeof(body) + sizeof(dims), strings,
		       sizeof(strings)), "its strings lie in the order of their lengths");
	vxi_out_free(&o);
}

int main(void)
{
	test_embed_request();
	test_batch_request();
	test_embed_response();
	test_error();
	test_batch_response();
	test_register();
	return tap_done();
}
