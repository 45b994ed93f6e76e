// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "protocol.h"

enum { ROOM = 256 };

/* CRC32C by its definition, bit by bit. */
static u32 crc32c_by_definition(const u8 *p, u32 len)
{
	u32 crc = ~0u;

	while (len--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	return ~crc;
}

static const struct vexipc_msg_header good_header = {
	.magic = cpu_to_le32(VEXIPC_MAGIC),
	.version = cpu_to_le32(VEXIPC_PROTOCOL_VERSION),
	.message_type = cpu_to_le32(VEXIPC_MSG_HEARTBEAT),
	.length = cpu_to_le32(sizeof(struct vexipc_msg_header)),
};

/* A sealed request: header, body, model, content. */
static u32 make_message(u8 *to)
{
	struct vexipc_embed_request_body body = {
		.model_len = cpu_to_le32(3),
		.content_len = cpu_to_le32(17),
	};
	struct vexipc_image image;

	vexipc_image_open(&image, VEXIPC_MSG_EMBED_REQUEST, 0x0123456789abcdef, 42,
			  &body, sizeof(body));
	image.part[0] = "use";
	image.part_len[0] = 3;
	image.part[1] = "a sentence or two";
	image.part_len[1] = 17;
	vexipc_image_seal(&image);
	return vexipc_image_copy(&image, 0, to, ROOM);
}

static void header_is_refused_for_what_is_wrong(struct kunit *test)
{
	static const struct {
		size_t field;
		u32 value;
		int err;
	} cases[] = {
#define FIELD(name_) offsetof(struct vexipc_msg_header, name_)
		{ FIELD(magic), VEXIPC_MAGIC ^ 1, -ENOMSG },
		{ FIELD(magic), 0x49584556, -ENOMSG },
		{ FIELD(version), 0, -EPROTONOSUPPORT },
		{ FIELD(version), VEXIPC_PROTOCOL_VERSION + 1, -EPROTONOSUPPORT },
		{ FIELD(message_type), 0, -EBADRQC },
		{ FIELD(message_type), VEXIPC_MSG_NACK + 1, -EBADRQC },
		{ FIELD(message_type), VEXIPC_MSG_REGISTER | 1u << 31, -EBADRQC },
		{ FIELD(length), VEXIPC_MAX_MESSAGE, 0 },
		{ FIELD(length), VEXIPC_MAX_MESSAGE + 1, -EMSGSIZE },
		{ FIELD(length), U32_MAX, -EMSGSIZE },
		{ FIELD(length), sizeof(struct vexipc_msg_header), 0 },
		{ FIELD(length), sizeof(struct vexipc_msg_header) - 1, -EINVAL },
		{ FIELD(length), 0, -EINVAL },
		{ FIELD(flags), VEXIPC_MSGF_ALL, 0 },
		{ FIELD(flags), VEXIPC_MSGF_ALL + 1, -EOPNOTSUPP },
		{ FIELD(flags), 1u << 31, -EOPNOTSUPP },
#undef FIELD
	};

	KUNIT_EXPECT_EQ(test, vexipc_header_check(&good_header), 0);
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vexipc_msg_header header = good_header;
		__le32 value = cpu_to_le32(cases[i].value);

		memcpy((u8 *)&header + cases[i].field, &value, sizeof(value));
		KUNIT_EXPECT_EQ_MSG(test, vexipc_header_check(&header), cases[i].err,
				    "offset %zu, value %#x", cases[i].field, cases[i].value);
	}
}

static void fifteen_types_are_known(struct kunit *test)
{
	u32 known = 0;

	for (u32 type = 0; type < 0x10000; type++)
		known += vexipc_type_known(type);
	KUNIT_EXPECT_EQ(test, known, 15);
	KUNIT_EXPECT_FALSE(test, vexipc_type_known(U32_MAX));
}

static void every_corruption_of_one_byte_is_refused(struct kunit *test)
{
	u8 message[ROOM];
	u32 len = make_message(message);

	KUNIT_ASSERT_EQ(test, vexipc_message_check(message, len), 0);
	for (u32 at = 0; at < len; at++) {
		for (u32 change = 1; change < 256; change++) {
			message[at] ^= change;
			if (!vexipc_message_check(message, len))
				KUNIT_FAIL(test, "byte %u ^ %#x", at, change);
			message[at] ^= change;
		}
	}
	KUNIT_EXPECT_EQ(test, vexipc_message_check(message, len), 0);
}

static void message_of_another_length_is_refused(struct kunit *test)
{
	u8 message[ROOM] = {};
	u32 len = make_message(message);

	for (u32 n = 0; n < ROOM; n++)
		if (n != len)
			KUNIT_EXPECT_EQ_MSG(test, vexipc_message_check(message, n), -EINVAL,
					    "%u of %u bytes", n, len);
}

static void corrupt_body_is_a_wrong_checksum(struct kunit *test)
{
	u8 message[ROOM];
	u32 len = make_message(message);

	message[len - 1] ^= 1;
	KUNIT_EXPECT_EQ(test, vexipc_message_check(message, len), -EBADMSG);
}

static void checksum_is_crc32c(struct kunit *test)
{
	struct vexipc_msg_header *header;
	u8 message[ROOM];
	u32 len = make_message(message);
	u32 checksum;

	KUNIT_ASSERT_EQ(test, crc32c_by_definition("123456789", 9), 0xe3069283);
	header = (void *)message;
	checksum = le32_to_cpu(header->checksum);
	header->checksum = 0;
	KUNIT_EXPECT_EQ(test, checksum, crc32c_by_definition(message, len));
}

/* Worked out by another implementation, so that the bytes stay what they are. */
static void message_has_the_known_bytes(struct kunit *test)
{
	static const u8 expected[] = {
		0x49, 0x58, 0x45, 0x56, 0x01, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00,
		0x48, 0x00, 0x00, 0x00, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
		0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0x00, 0x00, 0x00, 0x00, 0x00,
		0xfb, 0x52, 0x5a, 0x49, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xfa, 0x00, 0x00, 0x00,
		0x01, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	};
	struct vexipc_heartbeat_body body = {
		.memory_bytes = cpu_to_le64(4096),
		.cpu_permille = cpu_to_le32(250),
		.in_flight = cpu_to_le32(1),
		.queue_depth = cpu_to_le32(2),
	};
	struct vexipc_image image;
	u8 message[ROOM];

	vexipc_image_open(&image, VEXIPC_MSG_HEARTBEAT, 0x1122334455667788,
			  0x99aabbccddeeff, &body, sizeof(body));
	vexipc_image_seal(&image);
	KUNIT_ASSERT_EQ(test, vexipc_image_copy(&image, 0, message, ROOM), sizeof(expected));
	KUNIT_EXPECT_MEMEQ(test, message, expected, sizeof(expected));
	KUNIT_EXPECT_EQ(test, vexipc_message_check(expected, sizeof(expected)), 0);
}

/* Every stretch of @image is the same stretch of @whole. */
static void expect_stretches(struct kunit *test, const struct vexipc_image *image,
			     const u8 *whole, u32 len)
{
	u8 to[ROOM];

	for (u32 offset = 0; offset < len + 2; offset++) {
		for (u32 room = 0; room < len + 2; room++) {
			u32 left = offset < len ? len - offset : 0;
			u32 n = min(left, room);

			memset(to, 0xa5, sizeof(to));
			if (vexipc_image_copy(image, offset, to, room) != n ||
			    memcmp(to, whole + offset, n) || to[n] != 0xa5)
				KUNIT_FAIL(test, "%u at %u of %u", room, offset, len);
		}
	}
}

static void any_stretch_of_an_image_can_be_copied(struct kunit *test)
{
	static const u32 parts[][2] = { { 0, 0 }, { 5, 0 }, { 0, 7 }, { 1, 9 } };
	struct vexipc_unregister_body body = { .handle = cpu_to_le64(7) };
	u8 whole[ROOM];

	for (u32 i = 0; i < ARRAY_SIZE(parts); i++) {
		struct vexipc_image image;
		u32 len;

		vexipc_image_open(&image, VEXIPC_MSG_UNREGISTER, 1, 2, &body, sizeof(body));
		image.part[0] = parts[i][0] ? "first" : NULL;
		image.part_len[0] = parts[i][0];
		image.part[1] = parts[i][1] ? "and second" : NULL;
		image.part_len[1] = parts[i][1];
		vexipc_image_seal(&image);

		len = image.head_len;
		memcpy(whole, image.head, len);
		memcpy(whole + len, "first", parts[i][0]);
		len += parts[i][0];
		memcpy(whole + len, "and second", parts[i][1]);
		len += parts[i][1];
		KUNIT_EXPECT_EQ(test, vexipc_image_len(&image), len);
		KUNIT_EXPECT_EQ(test, vexipc_message_check(whole, len), 0);
		expect_stretches(test, &image, whole, len);
	}
}

static void negotiation_finds_what_both_have(struct kunit *test)
{
	static const struct {
		u32 min, max;
		int err;
	} cases[] = {
		{ 0, 0, 0 },
		{ 1, 1, 0 },
		{ 1, U32_MAX, 0 },
		{ 2, 2, -EPROTONOSUPPORT },
		{ 2, U32_MAX, -EPROTONOSUPPORT },
		{ 0, 1, -EINVAL },
		{ 2, 1, -EINVAL },
		{ 1, 0, -EINVAL },
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 common = ~0ull;
		u32 version = 0;
		int err;

		err = vexipc_negotiate(cases[i].min, cases[i].max,
				       VEXIPC_FEATURE_HEALTH | 1ull << 63, &version, &common);
		KUNIT_EXPECT_EQ_MSG(test, err, cases[i].err, "%u to %u",
				    cases[i].min, cases[i].max);
		if (err)
			continue;
		KUNIT_EXPECT_EQ(test, version, VEXIPC_PROTOCOL_VERSION);
		KUNIT_EXPECT_EQ(test, common, VEXIPC_FEATURE_HEALTH);
	}
}

static void vectors_have_their_types_sizes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vexipc_vector_bytes(VEXIPC_FLOAT32, 384), 1536);
	KUNIT_EXPECT_EQ(test, vexipc_vector_bytes(VEXIPC_FLOAT16, 384), 768);
	KUNIT_EXPECT_EQ(test, vexipc_vector_bytes(VEXIPC_INT16, 384), 768);
	KUNIT_EXPECT_EQ(test, vexipc_vector_bytes(VEXIPC_INT8, 384), 384);
	KUNIT_EXPECT_EQ(test, vexipc_vector_bytes(VEXIPC_BINARY, 384), 48);
	KUNIT_EXPECT_EQ(test, vexipc_vector_bytes(VEXIPC_BINARY, 385), 49);
	KUNIT_EXPECT_EQ(test, vexipc_vector_bytes(VEXIPC_BINARY, 1), 1);
	KUNIT_EXPECT_EQ(test, vexipc_vector_bytes(VEXIPC_DATA_TYPES, 384), 0);
}

static struct kunit_case protocol_cases[] = {
	KUNIT_CASE(header_is_refused_for_what_is_wrong),
	KUNIT_CASE(fifteen_types_are_known),
	KUNIT_CASE(every_corruption_of_one_byte_is_refused),
	KUNIT_CASE(message_of_another_length_is_refused),
	KUNIT_CASE(corrupt_body_is_a_wrong_checksum),
	KUNIT_CASE(checksum_is_crc32c),
	KUNIT_CASE(message_has_the_known_bytes),
	KUNIT_CASE(any_stretch_of_an_image_can_be_copied),
	KUNIT_CASE(negotiation_finds_what_both_have),
	KUNIT_CASE(vectors_have_their_types_sizes),
	{}
};

static struct kunit_suite protocol_suite = {
	.name = "vexipc_protocol",
	.test_cases = protocol_cases,
};

kunit_test_suite(protocol_suite);
