// SPDX-License-Identifier: GPL-2.0-only
/* tools/lib/message.c, crc32c.c: headers and checksums. Takes nothing. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <vexipc/vexipc.h>

#include "internal.h"
#include "tap.h"

static const uint32_t types[] = {
	VEXIPC_MSG_REGISTER, VEXIPC_MSG_UNREGISTER, VEXIPC_MSG_HEARTBEAT,
	VEXIPC_MSG_DISCOVERY, VEXIPC_MSG_EMBED_REQUEST, VEXIPC_MSG_EMBED_RESPONSE,
	VEXIPC_MSG_BATCH_REQUEST, VEXIPC_MSG_BATCH_RESPONSE, VEXIPC_MSG_STATUS_QUERY,
	VEXIPC_MSG_STATUS_RESPONSE, VEXIPC_MSG_HEALTH_CHECK, VEXIPC_MSG_HEALTH_RESPONSE,
	VEXIPC_MSG_ERROR, VEXIPC_MSG_ACK, VEXIPC_MSG_NACK,
};

static void test_crc(void)
{
	unsigned char buf[4096], zeros[32] = { 0 };
	uint32_t seed = 7;
	bool same = true, steps = true;

	for (size_t i = 0; i < sizeof(buf); i++) {
		seed = seed * 1664525 + 1013904223;
		buf[i] = seed >> 24;
	}
	tap_ok(vexipc_crc32c(0, "123456789", 9) == 0xe3069283, "CRC32C of the check string");
	tap_ok(vexipc_crc32c(0, zeros, sizeof(zeros)) == 0x8a9136aa, "CRC32C of 32 zeros");
	tap_ok(vexipc_crc32c(0, "", 0) == 0, "CRC32C of nothing is 0");
	for (size_t len = 0; len < 600; len++) {
		size_t from = len % 13;

		same &= vexipc_crc32c(5, buf + from, len) ==
			vxi_crc32c_portable(5, buf + from, len);
		steps &= vexipc_crc32c(0, buf, 600) ==
			 vexipc_crc32c(vexipc_crc32c(0, buf, len), buf + len, 600 - len);
	}
	tap_ok(same, "the instruction and the tables agree at every length and alignment");
	tap_ok(steps, "a checksum in two steps is that of the whole");
}

static size_t sample(void *buf, size_t room, uint32_t type)
{
	const struct iovec parts[] = { { (void *)"a body ", 7 }, { NULL, 0 }, { (void *)"in parts", 8 } };
	ssize_t len = vexipc_message_build(buf, room, type, 0x1122334455667788u,
					   VEXIPC_MSGF_WANT_ACK, parts, 3);

	if (len < 0)
		tap_bail("cannot build");
	return (size_t)len;
}

static void test_round_trip(void)
{
	unsigned char buf[128];
	struct vexipc_message m;
	bool all = true;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		size_t len = sample(buf, sizeof(buf), types[i]);

		all &= vexipc_message_parse(buf, sizeof(buf), &m) == (ssize_t)len &&
		       m.type == types[i] && m.flags == VEXIPC_MSGF_WANT_ACK &&
		       m.correlation_id == 0x1122334455667788u && m.timestamp_ns &&
		       m.body_len == 15 && !memcmp(m.body, "a body in parts", 15) &&
		       strcmp(vexipc_message_type_name(types[i]), "unknown");
	}
	tap_ok(ARRAY_SIZE(types) == 15 && all, "each of the 15 types survives building and parsing");
	tap_ok(vexipc_message_build(buf, 40, VEXIPC_MSG_ACK, 0, 0, NULL, 0) == 40,
	       "a message may have no body");
	tap_ok(vexipc_message_build(buf, 39, VEXIPC_MSG_ACK, 0, 0, NULL, 0) == -ENOBUFS,
	       "no room for the header is ENOBUFS");
	tap_ok(vexipc_message_build(buf, 54, VEXIPC_MSG_ACK, 0, 0,
				    &(struct iovec) { buf, 15 }, 1) == -ENOBUFS,
	       "no room for the body is ENOBUFS");
	tap_ok(vexipc_message_build(buf, 54, VEXIPC_MSG_ACK, 0, 0,
				    &(struct iovec) { buf, VEXIPC_MAX_MESSAGE }, 1) == -EMSGSIZE,
	       "longer than a message may be is EMSGSIZE");
}

/* Change a little-endian word of the header, then make the checksum right again. */
static int refused_with(size_t at, uint32_t value)
{
	unsigned char buf[128];
	struct vexipc_message m;
	size_t len = sample(buf, sizeof(buf), VEXIPC_MSG_EMBED_REQUEST);
	uint32_t zero = 0, crc;

	value = htole32(value);
	memcpy(buf + at, &value, sizeof(value));
	memcpy(buf + offsetof(struct vexipc_msg_header, checksum), &zero, sizeof(zero));
	crc = htole32(vexipc_crc32c(0, buf, len));
	memcpy(buf + offsetof(struct vexipc_msg_header, checksum), &crc, sizeof(crc));
	return (int)vexipc_message_parse(buf, len, &m);
}

static void test_refused(void)
{
	unsigned char buf[128];
	struct vexipc_message m;
	size_t len = sample(buf, sizeof(buf), VEXIPC_MSG_EMBED_REQUEST);
	bool header = true, body = true, cut = true;

	for (size_t i = 0; i < len; i++) {
		for (unsigned int x = 1; x < 256; x++) {
			buf[i] ^= x;
			if (vexipc_message_parse(buf, len, &m) >= 0) {
				if (i < sizeof(struct vexipc_msg_header))
					header = false;
				else
					body = false;
			}
			buf[i] ^= x;
		}
	}
	tap_ok(header, "every change of a byte of the header is refused");
	tap_ok(body, "every change of a byte of the body is refused");
	for (size_t i = 0; i < len; i++)
		cut &= vexipc_message_parse(buf, i, &m) == -EINVAL;
	tap_ok(cut, "a message cut short is EINVAL");

#define AT(field) offsetof(struct vexipc_msg_header, field)
	tap_ok(refused_with(AT(magic), 1) == -ENOMSG, "another magic is ENOMSG");
	tap_ok(refused_with(AT(version), 2) == -EPROTONOSUPPORT,
	       "another version is EPROTONOSUPPORT");
	tap_ok(refused_with(AT(message_type), 0) == -EBADRQC &&
	       refused_with(AT(message_type), 5) == -EBADRQC &&
	       refused_with(AT(message_type), 0x104) == -EBADRQC &&
	       refused_with(AT(message_type), 0x303) == -EBADRQC, "an unknown type is EBADRQC");
	tap_ok(refused_with(AT(length), VEXIPC_MAX_MESSAGE + 1) == -EMSGSIZE,
	       "too long is EMSGSIZE");
	tap_ok(refused_with(AT(length), 39) == -EINVAL, "shorter than a header is EINVAL");
	tap_ok(refused_with(AT(flags), 8) == -EOPNOTSUPP, "an unknown flag is EOPNOTSUPP");
#undef AT
	buf[41] ^= 1;
	tap_ok(vexipc_message_parse(buf, len, &m) == -EBADMSG, "a wrong checksum is EBADMSG");
}

int main(void)
{
	test_crc();
	test_round_trip();
	test_refused();
	return tap_done();
}
