// SPDX-License-Identifier: GPL-2.0-only
/* Messages: the 40-byte header, its checksum, versions, strings. */
#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "protocol.h"

/* Continue a CRC32C; the inversions are the callers'. */
static u32 crc_add(u32 crc, const void *data, u32 len)
{
	return len ? crc32c(crc, data, len) : crc;
}

static u32 crc_begin(const struct vexipc_msg_header *header)
{
	static const __le32 zero;
	u32 crc = ~0u;

	crc = crc_add(crc, header, offsetof(struct vexipc_msg_header, checksum));
	return crc_add(crc, &zero, sizeof(zero));
}

/**
 * vexipc_image_open() - begin a message
 * @image: to fill; the parts are empty afterwards
 * @type: enum vexipc_msg_type
 * @correlation: correlation id
 * @timestamp: CLOCK_MONOTONIC, ns
 * @body: the fixed part of the body
 * @body_len: its bytes
 */
void vexipc_image_open(struct vexipc_image *image, u32 type, u64 correlation,
		       u64 timestamp, const void *body, u32 body_len)
{
	struct vexipc_msg_header *header = (void *)image->head;

	*header = (struct vexipc_msg_header) {
		.magic = cpu_to_le32(VEXIPC_MAGIC),
		.version = cpu_to_le32(VEXIPC_PROTOCOL_VERSION),
		.message_type = cpu_to_le32(type),
		.correlation_id = cpu_to_le64(correlation),
		.timestamp = cpu_to_le64(timestamp),
	};
	memcpy(image->head + sizeof(*header), body, body_len);
	image->head_len = sizeof(*header) + body_len;
	memset(image->part, 0, sizeof(image->part));
	memset(image->part_len, 0, sizeof(image->part_len));
}

/**
 * vexipc_image_seal() - fill in length and checksum, once the parts are known
 * @image: the message
 */
void vexipc_image_seal(struct vexipc_image *image)
{
	struct vexipc_msg_header *header = (void *)image->head;
	u32 crc;

	header->length = cpu_to_le32(vexipc_image_len(image));
	crc = crc_begin(header);
	crc = crc_add(crc, header + 1, image->head_len - sizeof(*header));
	crc = crc_add(crc, image->part[0], image->part_len[0]);
	crc = crc_add(crc, image->part[1], image->part_len[1]);
	header->checksum = cpu_to_le32(~crc);
}

static u32 copy_piece(const void *from, u32 from_len, u32 *offset, void **to, u32 room)
{
	u32 n;

	if (*offset >= from_len) {
		*offset -= from_len;
		return 0;
	}
	n = min(from_len - *offset, room);
	memcpy(*to, from + *offset, n);
	*to += n;
	*offset = 0;
	return n;
}

/**
 * vexipc_image_copy() - copy a stretch of a sealed message
 * @image: the message
 * @offset: where the stretch begins
 * @to: destination
 * @len: room there
 *
 * Return: bytes copied, less than @len at the message's end.
 */
u32 vexipc_image_copy(const struct vexipc_image *image, u32 offset, void *to, u32 len)
{
	u32 done = copy_piece(image->head, image->head_len, &offset, &to, len);

	for (int i = 0; i < 2 && done < len; i++)
		done += copy_piece(image->part[i], image->part_len[i], &offset,
				   &to, len - done);
	return done;
}

bool vexipc_type_known(u32 type)
{
	switch (type) {
	case VEXIPC_MSG_REGISTER ... VEXIPC_MSG_DISCOVERY:
	case VEXIPC_MSG_EMBED_REQUEST ... VEXIPC_MSG_BATCH_RESPONSE:
	case VEXIPC_MSG_STATUS_QUERY ... VEXIPC_MSG_HEALTH_RESPONSE:
	case VEXIPC_MSG_ERROR ... VEXIPC_MSG_NACK:
		return true;
	default:
		return false;
	}
}

/**
 * vexipc_header_check() - is this the header of a message?
 * @header: in kernel memory, where its sender can no longer change it
 *
 * Everything but the checksum, which wants the body.
 *
 * Return: 0; -ENOMSG magic; -EPROTONOSUPPORT version; -EBADRQC type;
 * -EMSGSIZE longer than any message; -EINVAL shorter than a header;
 * -EOPNOTSUPP unknown flags.
 */
int vexipc_header_check(const struct vexipc_msg_header *header)
{
	u32 length = le32_to_cpu(header->length);

	if (header->magic != cpu_to_le32(VEXIPC_MAGIC))
		return -ENOMSG;
	if (header->version != cpu_to_le32(VEXIPC_PROTOCOL_VERSION))
		return -EPROTONOSUPPORT;
	if (!vexipc_type_known(le32_to_cpu(header->message_type)))
		return -EBADRQC;
	if (length > VEXIPC_MAX_MESSAGE)
		return -EMSGSIZE;
	if (length < sizeof(*header))
		return -EINVAL;
	if (header->flags & ~cpu_to_le32(VEXIPC_MSGF_ALL))
		return -EOPNOTSUPP;
	return 0;
}

/**
 * vexipc_message_check() - is this one whole, intact message?
 * @message: in kernel memory
 * @len: its bytes
 *
 * Return: as vexipc_header_check(); -EINVAL when @len is not the length the
 * header tells; -EBADMSG checksum.
 */
int vexipc_message_check(const void *message, u32 len)
{
	const struct vexipc_msg_header *header = message;
	u32 crc;
	int err;

	if (len < sizeof(*header))
		return -EINVAL;
	err = vexipc_header_check(header);
	if (err)
		return err;
	if (le32_to_cpu(header->length) != len)
		return -EINVAL;
	crc = crc_begin(header);
	crc = crc_add(crc, header + 1, len - sizeof(*header));
	if (header->checksum != cpu_to_le32(~crc))
		return -EBADMSG;
	return 0;
}

/**
 * vexipc_negotiate() - what both sides can do
 * @min: lowest protocol version the peer speaks; 0 with @max 0 means ours
 * @max: highest
 * @features: VEXIPC_FEATURE_* of the peer; unknown ones are left out
 * @version: the highest version both speak
 * @common: the features both have
 *
 * Return: 0; -EINVAL an empty range; -EPROTONOSUPPORT no common version.
 */
int vexipc_negotiate(u32 min, u32 max, u64 features, u32 *version, u64 *common)
{
	if (!min && !max) {
		min = VEXIPC_PROTOCOL_VERSION;
		max = VEXIPC_PROTOCOL_VERSION;
	}
	if (min > max || !min)
		return -EINVAL;
	if (min > VEXIPC_PROTOCOL_VERSION || max < VEXIPC_PROTOCOL_VERSION)
		return -EPROTONOSUPPORT;
	*version = VEXIPC_PROTOCOL_VERSION;
	*common = features & VEXIPC_FEATURES;
	return 0;
}

/**
 * vexipc_vector_bytes() - the size of a vector on the wire
 * @data_type: enum vexipc_data_type
 * @dimensions: at most VEXIPC_MAX_DIMENSIONS
 *
 * Return: bytes; 0 for an unknown type.
 */
u32 vexipc_vector_bytes(u32 data_type, u32 dimensions)
{
	switch (data_type) {
	case VEXIPC_FLOAT32:
		return dimensions * 4;
	case VEXIPC_FLOAT16:
	case VEXIPC_INT16:
		return dimensions * 2;
	case VEXIPC_INT8:
		return dimensions;
	case VEXIPC_BINARY:
		return DIV_ROUND_UP(dimensions, 8);
	default:
		return 0;
	}
}

/* Length of the UTF-8 sequence at s, 0 when there is none. */
static u32 utf8_sequence(const u8 *s, u32 len)
{
	u32 n, min, code;

	if (s[0] < 0x80)
		return 1;
	if ((s[0] & 0xe0) == 0xc0) {
		n = 2;
		min = 0x80;
		code = s[0] & 0x1f;
	} else if ((s[0] & 0xf0) == 0xe0) {
		n = 3;
		min = 0x800;
		code = s[0] & 0x0f;
	} else if ((s[0] & 0xf8) == 0xf0) {
		n = 4;
		min = 0x10000;
		code = s[0] & 0x07;
	} else {
		return 0;
	}
	if (n > len)
		return 0;
	for (u32 i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < min || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	/* C1 controls are controls too. */
	return code < 0xa0 ? 0 : n;
}

/**
 * vexipc_string_check() - is this fit to be shown and logged?
 * @s: not terminated
 * @len: bytes
 *
 * Return: 0, or -EILSEQ when it is not UTF-8 or has control characters.
 */
int vexipc_string_check(const char *s, u32 len)
{
	const u8 *p = (const u8 *)s;

	for (u32 i = 0; i < len;) {
		u32 n = utf8_sequence(p + i, len - i);

		if (!n || p[i] < 0x20 || p[i] == 0x7f)
			return -EILSEQ;
		i += n;
	}
	return 0;
}

/**
 * vexipc_name_check() - is this a string in a field of VEXIPC_MAX_NAME bytes?
 * @name: the field
 *
 * Return: 0; -EINVAL it is not NUL-padded, with one NUL at least; -EILSEQ.
 */
int vexipc_name_check(const char *name)
{
	u32 len = strnlen(name, VEXIPC_MAX_NAME);

	if (len == VEXIPC_MAX_NAME || memchr_inv(name + len, 0, VEXIPC_MAX_NAME - len))
		return -EINVAL;
	return vexipc_string_check(name, len);
}

/**
 * vexipc_string_list_check() - is this a list of NUL-terminated strings?
 * @list: the strings
 * @len: bytes with all NULs
 * @pairs: each must be "key=value" with a key
 *
 * Return: 0; -EINVAL an empty string, no NUL at the end, or no key; -EILSEQ.
 */
int vexipc_string_list_check(const char *list, u32 len, bool pairs)
{
	const char *end = list + len;

	while (list < end) {
		u32 n = strnlen(list, end - list);
		const char *equals;
		int err;

		if (!n || list + n == end)
			return -EINVAL;
		if (pairs) {
			equals = memchr(list, '=', n);
			if (!equals || equals == list)
				return -EINVAL;
		}
		err = vexipc_string_check(list, n);
		if (err)
			return err;
		list += n + 1;
	}
	return 0;
}
