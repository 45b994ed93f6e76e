// SPDX-License-Identifier: GPL-2.0-only
/* Recordings: how samples are written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "record_format.h"

void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){ 0 };
}

static void put(struct bytes *to, const void *data, size_t len)
{
	if (to->failed || to->len + len > RECORD_MOST_CHUNK) {
		to->failed = true;
		return;
	}
	if (to->len + len > to->room) {
		size_t room = (to->len + len) * 2;
		void *grown = realloc(to->data, room);

		if (!grown) {
			to->failed = true;
			return;
		}
		to->data = grown;
		to->room = room;
	}
	if (len)
		memcpy(to->data + to->len, data, len);
	to->len += len;
}

static void put_number(struct bytes *to, uint64_t n)
{
	unsigned char text[10];
	size_t len = 0;

	do {
		text[len++] = (unsigned char)((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
	} while (n >>= 7);
	put(to, text, len);
}

static void put_string(struct bytes *to, const char *text, size_t len)
{
	put_number(to, len);
	put(to, text, len);
}

unsigned int field_kind(const struct vexipc_field *field)
{
	switch (field->kind) {
	case VEXIPC_FIELD_STRING:
		return RECORD_STRING;
	case VEXIPC_FIELD_LIST:
	case VEXIPC_FIELD_ERRORS:
		return RECORD_ARRAY;
	default:
		/* What is too large for one number is several. */
		return field->size > sizeof(uint64_t) ? RECORD_ARRAY : RECORD_NUMBER;
	}
}

static void put_fields(struct bytes *to, const struct vexipc_field *fields)
{
	const struct vexipc_field *f;
	unsigned int count = 0;

	for (f = fields; f->name; f++)
		count++;
	put_number(to, count);
	for (f = fields; f->name; f++) {
		put_string(to, f->name, strlen(f->name));
		put_number(to, field_kind(f));
	}
}

static void put_array(struct bytes *to, const struct vexipc_field *field, const char *at)
{
	size_t count = field->size / sizeof(uint64_t);

	put_number(to, count);
	for (size_t i = 0; i < count; i++) {
		uint64_t n;

		memcpy(&n, at + i * sizeof(n), sizeof(n));
		put_number(to, n);
	}
}

static void put_figures(struct bytes *to, const struct vexipc_field *fields, const void *object)
{
	for (; fields->name; fields++) {
		const char *at = (const char *)object + fields->offset;

		switch (field_kind(fields)) {
		case RECORD_STRING:
			put_string(to, at, strnlen(at, fields->size));
			break;
		case RECORD_ARRAY:
			put_array(to, fields, at);
			break;
		default:
			put_number(to, vexipc_field_value(fields, object));
		}
	}
}

static void put_latency(struct bytes *to, const struct vexipc_latency *latency)
{
	uint32_t count = 0, before = 0;

	for (uint32_t i = 0; i < VEXIPC_LATENCY_BUCKETS; i++)
		count += latency->bucket[i] != 0;
	put_number(to, count);
	for (uint32_t i = 0; i < VEXIPC_LATENCY_BUCKETS; i++) {
		if (!latency->bucket[i])
			continue;
		put_number(to, i - before);
		put_number(to, latency->bucket[i]);
		before = i;
	}
}

static void put_u32(unsigned char *to, uint32_t n)
{
	for (unsigned int i = 0; i < 4; i++)
		to[i] = (unsigned char)(n >> 8 * i);
}

static int write_chunk(FILE *to, struct bytes *chunk)
{
	unsigned char head[CHUNK_HEAD];

	if (chunk->failed) {
		bytes_free(chunk);
		return -ENOMEM;
	}
	put_u32(head, (uint32_t)chunk->len);
	put_u32(head + 4, vexipc_crc32c(0, chunk->data, chunk->len));
	if (fwrite(head, sizeof(head), 1, to) != 1 ||
	    fwrite(chunk->data, chunk->len, 1, to) != 1 || fflush(to))
		return errno ? -errno : -EIO;
	return 0;
}

int record_begin(FILE *to, struct bytes *scratch)
{
	scratch->len = 0;
	put_number(scratch, RECORD_VERSION);
	put_fields(scratch, vexipc_telemetry_service_fields());
	put_fields(scratch, vexipc_telemetry_instance_fields());
	put_fields(scratch, vexipc_telemetry_info_fields());
	put_fields(scratch, vexipc_stats_fields());
	if (fwrite(RECORD_MAGIC, MAGIC_LEN, 1, to) != 1)
		return errno ? -errno : -EIO;
	return write_chunk(to, scratch);
}

int record_sample(FILE *to, struct bytes *scratch, const struct sample *sample)
{
	scratch->len = 0;
	put_number(scratch, sample->time_ns);
	put_number(scratch, sample->wall_sec);
	put_number(scratch, (uint64_t)-sample->err);
	put_string(scratch, sample->policy, strlen(sample->policy));
	put_figures(scratch, vexipc_telemetry_instance_fields(), &sample->instance);
	put_figures(scratch, vexipc_telemetry_info_fields(), &sample->telemetry);
	put_number(scratch, sample->module_known);
	put_figures(scratch, vexipc_stats_fields(), &sample->module);
	put_number(scratch, sample->count);
	for (uint32_t i = 0; i < sample->count; i++) {
		put_figures(scratch, vexipc_telemetry_service_fields(),
			    &sample->services[i].figures);
		put_latency(scratch, &sample->services[i].latency);
	}
	return write_chunk(to, scratch);
}
