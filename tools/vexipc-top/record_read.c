// SPDX-License-Identifier: GPL-2.0-only
/* Recordings: how samples are read. Nothing in them is trusted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "record_format.h"

/* What is left of a chunk; after the first mistake, nothing. */
struct input {
	const unsigned char *at;
	const unsigned char *end;
	bool bad;
};

static void refuse(struct input *in)
{
	in->bad = true;
	in->at = in->end;
}

static uint64_t number(struct input *in)
{
	uint64_t n = 0;

	for (unsigned int shift = 0; in->at < in->end && shift < 64; shift += 7) {
		unsigned char byte = *in->at++;

		/* The tenth byte has room for one bit. */
		if (shift == 63 && byte > 1)
			break;
		n |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return n;
	}
	refuse(in);
	return 0;
}

/* A number of at most @most. */
static uint64_t bounded(struct input *in, uint64_t most)
{
	uint64_t n = number(in);

	if (n <= most)
		return n;
	refuse(in);
	return 0;
}

/* NULL after a mistake. */
static const char *string(struct input *in, size_t *len)
{
	const unsigned char *text;

	*len = bounded(in, (uint64_t)(in->end - in->at));
	/* The number itself took some of what it was compared with. */
	if (*len > (size_t)(in->end - in->at))
		refuse(in);
	if (in->bad)
		return NULL;
	text = in->at;
	in->at += *len;
	return (const char *)text;
}

static const struct vexipc_field *find(const struct vexipc_field *table, const char *name,
				       size_t len)
{
	for (; table->name; table++)
		if (strlen(table->name) == len && !memcmp(table->name, name, len))
			return table;
	return NULL;
}

static void parse_fields(struct input *in, const struct vexipc_field *table,
			 struct record_layout *layout, enum record_table which)
{
	unsigned int count = (unsigned int)bounded(in, RECORD_MOST_FIELDS);

	layout->count[which] = count;
	for (unsigned int i = 0; i < count && !in->bad; i++) {
		size_t len;
		const char *name = string(in, &len);
		unsigned int kind = (unsigned int)bounded(in, RECORD_KINDS - 1);
		const struct vexipc_field *field = name ? find(table, name, len) : NULL;

		/* One that has become another kind of thing is another field. */
		if (field && field_kind(field) != kind)
			field = NULL;
		layout->fields[which][i].field = field;
		layout->fields[which][i].kind = kind;
	}
}

static int outcome(const struct input *in)
{
	return in->bad || in->at != in->end ? -EBADMSG : 0;
}

int record_parse_layout(const void *data, size_t len, struct record_layout *layout)
{
	struct input in = { data, (const unsigned char *)data + len, false };

	uint64_t version = number(&in);

	if (!version || version > RECORD_VERSION)
		return in.bad ? -EBADMSG : -EPROTONOSUPPORT;
	layout->version = (unsigned int)version;
	parse_fields(&in, vexipc_telemetry_service_fields(), layout, RECORD_SERVICE);
	parse_fields(&in, vexipc_telemetry_instance_fields(), layout, RECORD_INSTANCE);
	if (version > 1) {
		parse_fields(&in, vexipc_telemetry_info_fields(), layout, RECORD_TELEMETRY);
		parse_fields(&in, vexipc_stats_fields(), layout, RECORD_MODULE);
	}
	return outcome(&in);
}

static void store(struct input *in, const struct vexipc_field *field, char *at, uint64_t n)
{
	uint32_t narrow = (uint32_t)n;

	if (field->size >= sizeof(n))
		memcpy(at, &n, sizeof(n));
	else if (n <= UINT32_MAX && field->size == sizeof(narrow))
		memcpy(at, &narrow, sizeof(narrow));
	else
		refuse(in);
}

static void parse_array(struct input *in, const struct vexipc_field *field, char *at)
{
	uint64_t count = bounded(in, (uint64_t)(in->end - in->at));

	for (uint64_t i = 0; i < count && !in->bad; i++) {
		uint64_t n = number(in);

		if (field && i < field->size / sizeof(n))
			memcpy(at + i * sizeof(n), &n, sizeof(n));
	}
}

static void parse_figures(struct input *in, const struct record_layout *layout,
			  unsigned int which, void *object)
{
	for (unsigned int i = 0; i < layout->count[which] && !in->bad; i++) {
		const struct vexipc_field *field = layout->fields[which][i].field;
		char *at = field ? (char *)object + field->offset : NULL;
		const char *text;
		uint64_t n;
		size_t len;

		switch (layout->fields[which][i].kind) {
		case RECORD_STRING:
			text = string(in, &len);
			if (text && field)
				memcpy(at, text, len < field->size ? len : field->size);
			break;
		case RECORD_ARRAY:
			parse_array(in, field, at);
			break;
		default:
			n = number(in);
			if (field)
				store(in, field, at, n);
		}
	}
}

static void parse_latency(struct input *in, struct vexipc_latency *latency)
{
	uint64_t count = bounded(in, VEXIPC_LATENCY_BUCKETS), at = 0;

	for (uint64_t i = 0; i < count; i++) {
		at += bounded(in, VEXIPC_LATENCY_BUCKETS);
		if (at >= VEXIPC_LATENCY_BUCKETS)
			refuse(in);
		if (in->bad)
			return;
		latency->bucket[at] = number(in);
		if (__builtin_add_overflow(latency->total, latency->bucket[at], &latency->total))
			refuse(in);
	}
}

static void parse_service(struct input *in, const struct record_layout *layout,
			  struct sample_service *service)
{
	parse_figures(in, layout, RECORD_SERVICE, &service->figures);
	parse_latency(in, &service->latency);
	service->latency.handle = service->figures.handle;
	if (service->figures.slot >= VEXIPC_MAX_SERVICES)
		refuse(in);
}

int record_parse_sample(const void *data, size_t len, const struct record_layout *layout,
			struct sample *sample)
{
	struct input in = { data, (const unsigned char *)data + len, false };
	const char *policy;
	size_t policy_len;
	uint64_t count;

	sample_clear(sample);
	sample->time_ns = number(&in);
	sample->wall_sec = number(&in);
	sample->err = -(int)bounded(&in, MOST_ERRNO);
	policy = string(&in, &policy_len);
	if (policy)
		memcpy(sample->policy, policy,
		       policy_len < POLICY_ROOM ? policy_len : POLICY_ROOM - 1);
	parse_figures(&in, layout, RECORD_INSTANCE, &sample->instance);
	if (layout->version > 1) {
		parse_figures(&in, layout, RECORD_TELEMETRY, &sample->telemetry);
		sample->module_known = bounded(&in, 1);
		parse_figures(&in, layout, RECORD_MODULE, &sample->module);
	}
	count = bounded(&in, VEXIPC_MAX_SERVICES);
	for (uint64_t i = 0; i < count && !in.bad; i++) {
		struct sample_service *service = sample_room(sample);

		if (!service)
			return -ENOMEM;
		parse_service(&in, layout, service);
		sample->count++;
	}
	return outcome(&in);
}

static uint32_t get_u32(const unsigned char *from)
{
	return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
	       (uint32_t)from[3] << 24;
}

/* -ENODATA: there is nothing more; -EPIPE: some, but not all. */
static int read_all(FILE *from, void *to, size_t len)
{
	size_t got = fread(to, 1, len, from);

	if (got == len)
		return 0;
	if (ferror(from))
		return errno ? -errno : -EIO;
	return got ? -EPIPE : -ENODATA;
}

static int read_chunk(FILE *from, struct bytes *chunk)
{
	unsigned char head[CHUNK_HEAD];
	int err = read_all(from, head, sizeof(head));

	if (err)
		return err;
	chunk->len = get_u32(head);
	if (!chunk->len || chunk->len > RECORD_MOST_CHUNK)
		return -EBADMSG;
	if (chunk->len > chunk->room) {
		void *grown = realloc(chunk->data, chunk->len);

		if (!grown)
			return -ENOMEM;
		chunk->data = grown;
		chunk->room = chunk->len;
	}
	err = read_all(from, chunk->data, chunk->len);
	if (err)
		return err == -ENODATA ? -EPIPE : err;
	return vexipc_crc32c(0, chunk->data, chunk->len) == get_u32(head + 4) ? 0 : -EBADMSG;
}

int record_open(FILE *from, struct bytes *scratch, struct record_layout *layout)
{
	char magic[MAGIC_LEN];
	int err = read_all(from, magic, sizeof(magic));

	if (err == -ENODATA || err == -EPIPE || (!err && memcmp(magic, RECORD_MAGIC, MAGIC_LEN)))
		return -EPROTO;
	err = err ?: read_chunk(from, scratch);
	if (err == -ENODATA)
		return -EPIPE;
	return err ?: record_parse_layout(scratch->data, scratch->len, layout);
}

int record_next(FILE *from, struct bytes *scratch, const struct record_layout *layout,
		struct sample *sample)
{
	int err = read_chunk(from, scratch);

	return err ?: record_parse_sample(scratch->data, scratch->len, layout, sample);
}
