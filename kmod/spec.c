// SPDX-License-Identifier: GPL-2.0-only
/* What a service says of itself: checked once, asked often. */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "protocol.h"
#include "slots.h"
#include "spec.h"

enum { DEFAULT_PRIORITY = 128, DEFAULT_WEIGHT = 100, MAX_WEIGHT = 1000 };

static int check_strings(const struct vexipc_service_spec *spec)
{
	const struct {
		const char *s;
		u32 len, max;
	} strings[] = {
		{ spec->id, spec->id_len, VEXIPC_MAX_NAME },
		{ spec->name, spec->name_len, VEXIPC_MAX_NAME },
		{ spec->software_version, spec->software_version_len, VEXIPC_MAX_NAME },
		{ spec->endpoint, spec->endpoint_len, VEXIPC_MAX_ENDPOINT },
	};
	int err;

	if (!spec->id_len)
		return -EINVAL;
	for (u32 i = 0; i < ARRAY_SIZE(strings); i++) {
		if (strings[i].len > strings[i].max)
			return -EINVAL;
		err = vexipc_string_check(strings[i].s, strings[i].len);
		if (err)
			return err;
	}
	if (spec->models_len > VEXIPC_MAX_MODELS_LEN ||
	    spec->metadata_len > VEXIPC_MAX_METADATA_LEN ||
	    spec->token_len > VEXIPC_MAX_TOKEN)
		return -EINVAL;
	err = vexipc_string_list_check(spec->models, spec->models_len, false);
	if (err)
		return err;
	return vexipc_string_list_check(spec->metadata, spec->metadata_len, true);
}

/**
 * vexipc_spec_check() - is this a service that can be registered?
 * @spec: from user space, its strings in kernel memory; defaults are filled in
 *
 * Return: 0; -EINVAL a length or number; -EILSEQ a string; -ERANGE a value out
 * of range; -EOPNOTSUPP an unknown flag.
 */
int vexipc_spec_check(struct vexipc_service_spec *spec)
{
	int err = check_strings(spec);

	if (err)
		return err;
	if (spec->flags & ~VEXIPC_REGISTER_FLAGS)
		return -EOPNOTSUPP;
	if (spec->transport >= VEXIPC_TRANSPORTS)
		return -EINVAL;
	if (spec->dimensions_count > VEXIPC_MAX_SERVICE_DIMENSIONS)
		return -EINVAL;
	for (u32 i = 0; i < spec->dimensions_count; i++)
		if (!spec->dimensions[i] || spec->dimensions[i] > VEXIPC_MAX_DIMENSIONS)
			return -ERANGE;
	if (spec->data_types >= 1u << VEXIPC_DATA_TYPES)
		return -EINVAL;
	if (spec->max_batch > VEXIPC_MAX_BATCH || spec->priority > 255 ||
	    spec->weight > MAX_WEIGHT || spec->max_concurrent > VEXIPC_MAX_REQUESTS)
		return -ERANGE;

	spec->data_types = spec->data_types ?: 1 << VEXIPC_FLOAT32;
	spec->max_batch = spec->max_batch ?: 1;
	spec->priority = spec->priority ?: DEFAULT_PRIORITY;
	spec->weight = spec->weight ?: DEFAULT_WEIGHT;
	if (!spec->name_len) {
		spec->name = spec->id;
		spec->name_len = spec->id_len;
	}
	return 0;
}

static bool has_model(const struct vexipc_service_spec *spec, const char *model, u32 len)
{
	const char *at = spec->models, *end = spec->models + spec->models_len;

	while (at < end) {
		u32 n = strlen(at);

		if (n == len && !memcmp(at, model, len))
			return true;
		at += n + 1;
	}
	return false;
}

/**
 * vexipc_spec_matches() - can it do that?
 * @spec: checked
 * @dimensions: wanted, 0 any
 * @data_types: mask, all of which are wanted
 * @model: wanted
 * @model_len: its bytes, 0 any
 */
bool vexipc_spec_matches(const struct vexipc_service_spec *spec, u32 dimensions,
			 u32 data_types, const char *model, u32 model_len)
{
	bool found = !dimensions || !spec->dimensions_count;

	for (u32 i = 0; i < spec->dimensions_count && !found; i++)
		found = spec->dimensions[i] == dimensions;
	return found && (spec->data_types & data_types) == data_types &&
	       (!model_len || has_model(spec, model, model_len));
}

/**
 * vexipc_spec_breadth() - how much it can do
 * @spec: checked
 *
 * Return: grows with the dimensions, data types and models; below 2^31.
 */
u32 vexipc_spec_breadth(const struct vexipc_service_spec *spec)
{
	u32 dimensions = spec->dimensions_count ?: VEXIPC_MAX_DIMENSIONS;
	u32 models = 1;

	for (u32 i = 0; i + 1 < spec->models_len; i++)
		models += !spec->models[i];
	return dimensions * hweight32(spec->data_types) * models;
}

void vexipc_spec_free(struct vexipc_service_spec *spec)
{
	kvfree(spec->strings);
	spec->strings = NULL;
}

static u32 text_add(char *to, u32 room, u32 at, const char *key, const char *s, u32 len)
{
	u32 key_len = strlen(key), size = key_len + len + 1;

	/* A string goes in whole or not at all, but always counts. */
	if (to && at + size <= room) {
		memcpy(to + at, key, key_len);
		memcpy(to + at + key_len, s, len);
		to[at + size - 1] = '\0';
	}
	return at + size;
}

static u32 text_add_list(char *to, u32 room, u32 at, const char *key,
			 const char *list, u32 len)
{
	const char *end = list + len;

	for (; list < end; list += strlen(list) + 1)
		at = text_add(to, room, at, key, list, strlen(list));
	return at;
}

/**
 * vexipc_spec_text() - endpoint, models and metadata, one string each
 * @spec: whose
 * @to: destination, or NULL
 * @room: bytes there
 *
 * Return: bytes it all takes.
 */
u32 vexipc_spec_text(const struct vexipc_service_spec *spec, char *to, u32 room)
{
	u32 at = 0;

	if (spec->endpoint_len)
		at = text_add(to, room, at, "endpoint=", spec->endpoint, spec->endpoint_len);
	at = text_add_list(to, room, at, "model=", spec->models, spec->models_len);
	return text_add_list(to, room, at, "", spec->metadata, spec->metadata_len);
}
