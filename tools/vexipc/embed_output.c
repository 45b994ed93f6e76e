// SPDX-License-Identifier: GPL-2.0-only
/* Vectors as JSON lines, as they are, or as a NumPy array. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"
#include "npy.h"

enum {
	/* A float in JSON: sign, nine digits, point, exponent, comma. */
	FLOAT_ROOM = 20,
};

/* Names of services that answered. */
struct name {
	uint64_t handle;
	char id[VEXIPC_MAX_NAME + 1];
};

struct output {
	enum format format;
	struct name *names;
	size_t names_count;

	/* .npy: all rows, since their number comes first in the file */
	char *rows;
	size_t rows_count;
	size_t row_bytes;
	uint32_t data_type;
	uint32_t dimensions;

	size_t count;
	size_t failed;
	int code;			/* of all that failed, if it is one */
	bool refused;			/* the output itself cannot be made */
};

static float *floats;			/* of one vector; this is a program of one thread */
static char *numbers;

struct output *output_new(enum format format)
{
	struct output *o = calloc(1, sizeof(*o));

	floats = calloc(VEXIPC_MAX_DIMENSIONS, sizeof(*floats));
	numbers = malloc((size_t)VEXIPC_MAX_DIMENSIONS * FLOAT_ROOM + 3);
	if (!o || !floats || !numbers) {
		fputs("vexipc: out of memory\n", stderr);
		exit(EXIT_FAILED);
	}
	o->format = format;
	return o;
}

/*
 * The id of a service, or NULL: it went, or nobody may tell who may use netlink
 * alone. The device is open only while it is asked, since it keeps the module.
 */
static const char *name_of(struct output *o, uint64_t handle)
{
	struct vexipc_service_entry entry;
	struct vexipc_admin *admin;
	struct name *names;
	int err;

	for (size_t i = 0; i < o->names_count; i++)
		if (o->names[i].handle == handle)
			return *o->names[i].id ? o->names[i].id : NULL;
	if (!handle)
		return NULL;
	names = reallocarray(o->names, o->names_count + 1, sizeof(*names));
	if (!names)
		return NULL;
	o->names = names;
	names += o->names_count++;
	*names = (struct name) { .handle = handle };
	if (vexipc_admin_open(&admin))
		return NULL;
	err = vexipc_admin_status(admin, NULL, handle, &entry, NULL, NULL);
	vexipc_admin_close(admin);
	if (err)
		return NULL;
	snprintf(names->id, sizeof(names->id), "%.*s",
		 (int)strnlen(entry.id, sizeof(entry.id)), entry.id);
	return names->id;
}

static bool decode(const struct vexipc_result *result)
{
	return result->dimensions <= VEXIPC_MAX_DIMENSIONS &&
	       !vexipc_vector_decode(result->data_type, result->vector, result->vector_bytes,
				     result->dimensions, result->scale, floats);
}

/* Nine digits give the same float back. JSON has no infinity. */
static const char *array_of(uint32_t dimensions)
{
	char *at = numbers;

	*at++ = '[';
	for (uint32_t i = 0; i < dimensions; i++) {
		if (i)
			*at++ = ',';
		if (isfinite(floats[i]))
			at += snprintf(at, FLOAT_ROOM, "%.9g", (double)floats[i]);
		else
			at = stpcpy(at, "null");
	}
	strcpy(at, "]");
	return numbers;
}

static const char *message_of(const struct vexipc_result *result)
{
	return *result->text ? result->text : vexipc_strerror(result->error);
}

/* What can be done about a failure, as far as the service said. */
static cJSON *kinds_of(uint32_t kind)
{
	cJSON *array = cJSON_CreateArray();

	if (kind & VEXIPC_ERROR_RETRY)
		cJSON_AddItemToArray(array, cJSON_CreateString("retry"));
	if (kind & VEXIPC_ERROR_OVERLOAD)
		cJSON_AddItemToArray(array, cJSON_CreateString("overload"));
	return array;
}

static void put_json(struct output *o, size_t index, const struct vexipc_result *result)
{
	const char *service = name_of(o, result->service_handle);
	cJSON *object = cJSON_CreateObject();

	json_number(object, "index", index);
	if (result->error) {
		cJSON_AddStringToObject(object, "error", vexipc_error_name(result->error));
		cJSON_AddStringToObject(object, "message", message_of(result));
		if (result->kind)
			cJSON_AddItemToObject(object, "kind", kinds_of(result->kind));
		if (result->retry_after_ms)
			json_number(object, "retry_after_ms", result->retry_after_ms);
	} else {
		cJSON_AddItemToObject(object, "embedding",
				      cJSON_CreateRaw(array_of(result->dimensions)));
		json_number(object, "dimensions", result->dimensions);
		cJSON_AddStringToObject(object, "dtype",
					vexipc_data_type_name(result->data_type));
	}
	if (service)
		cJSON_AddStringToObject(object, "service", service);
	else
		cJSON_AddNullToObject(object, "service");
	json_hex(object, "request_id", result->request_id);
	json_number(object, "queue_us", result->queue_ns / 1000);
	json_number(object, "service_us", result->service_ns / 1000);
	json_number(object, "attempts", result->attempts);
	if (result->flags & VEXIPC_RESULT_CACHED)
		cJSON_AddTrueToObject(object, "cached");
	if (result->flags & VEXIPC_RESULT_COALESCED)
		cJSON_AddTrueToObject(object, "coalesced");
	if (result->flags & VEXIPC_RESULT_HEDGED)
		cJSON_AddTrueToObject(object, "hedged");
	json_line(object);
}

/* What a row is in .npy: integers with a scale of their own become floats. */
static const char *npy_type(uint32_t data_type, uint32_t dimensions, size_t *row_bytes)
{
	switch (data_type) {
	case VEXIPC_FLOAT16:
		*row_bytes = (size_t)dimensions * 2;
		return "<f2";
	case VEXIPC_BINARY:
		*row_bytes = (dimensions + 7u) / 8u;
		return "|u1";
	default:
		*row_bytes = (size_t)dimensions * 4;
		return "<f4";
	}
}

static void row_of_failure(const struct output *o, char *row)
{
	static const unsigned char half_nan[] = { 0x00, 0x7e };
	static const float nan_value = NAN;

	memset(row, 0, o->row_bytes);
	if (o->data_type == VEXIPC_BINARY)
		return;
	for (uint32_t i = 0; i < o->dimensions; i++) {
		if (o->data_type == VEXIPC_FLOAT16)
			memcpy(row + i * sizeof(half_nan), half_nan, sizeof(half_nan));
		else
			memcpy(row + i * sizeof(nan_value), &nan_value, sizeof(nan_value));
	}
}

/* Failures before the first vector wait until it is known how long a row is. */
static void put_row(struct output *o, const struct vexipc_result *result)
{
	size_t first = result->error || o->dimensions ? o->count : 0;
	char *rows;

	if (result->error && !o->dimensions)
		return;
	if (!o->dimensions) {
		o->data_type = result->data_type;
		o->dimensions = result->dimensions;
		npy_type(o->data_type, o->dimensions, &o->row_bytes);
	} else if (!result->error && (result->dimensions != o->dimensions ||
				      result->data_type != o->data_type)) {
		if (!o->refused)
			fputs("vexipc: cannot make an array of vectors of different dimensions: "
			      "use --dims\n", stderr);
		o->refused = true;
		return;
	}
	rows = reallocarray(o->rows, o->count + 1, o->row_bytes);
	if (!rows) {
		fputs("vexipc: out of memory\n", stderr);
		exit(EXIT_FAILED);
	}
	o->rows = rows;
	for (size_t i = first; i < o->count; i++)
		row_of_failure(o, rows + i * o->row_bytes);
	rows += o->count * o->row_bytes;
	o->rows_count = o->count + 1;
	if (result->error)
		row_of_failure(o, rows);
	else if (o->data_type == VEXIPC_INT8 || o->data_type == VEXIPC_INT16)
		memcpy(rows, floats, o->row_bytes);
	else
		memcpy(rows, result->vector, o->row_bytes);
}

static void say_failed(struct output *o, size_t index, const struct vexipc_result *result)
{
	int code = exit_code_of(vexipc_error_errno(result->error));
	char when[32] = "";

	if (!o->failed++) {
		if (result->retry_after_ms)
			snprintf(when, sizeof(when), " (again in %" PRIu32 " ms)",
				 result->retry_after_ms);
		fail_request(vexipc_error_errno(result->error), result->text,
			     "embed text %zu%s", index + 1, when);
		o->code = code;
	}
	if (o->code != code)
		o->code = EXIT_FAILED;
}

void output_result(struct output *output, size_t index, const struct vexipc_result *result)
{
	struct vexipc_result bad;

	if (!result->error && !decode(result)) {
		bad = *result;
		bad.error = VEXIPC_ERR_BAD_ANSWER;
		result = &bad;
	}
	if (result->error)
		say_failed(output, index, result);
	switch (output->format) {
	case FORMAT_JSONL:
		put_json(output, index, result);
		break;
	case FORMAT_RAW:
		if (!result->error)
			fwrite(result->vector, 1, result->vector_bytes, stdout);
		break;
	case FORMAT_NPY:
		put_row(output, result);
		break;
	}
	output->count++;
}

int output_end(struct output *output)
{
	int code = EXIT_OK;

	if (output->format == FORMAT_NPY && !output->refused && output->rows_count) {
		char header[NPY_HEADER_MAX];
		const char *type = npy_type(output->data_type, output->dimensions,
					    &output->row_bytes);
		size_t columns = output->data_type == VEXIPC_BINARY ? output->row_bytes :
				 output->dimensions;
		size_t len = npy_header(header, type, output->rows_count, columns);

		fwrite(header, 1, len, stdout);
		fwrite(output->rows, output->row_bytes, output->rows_count, stdout);
	}
	if (output->failed) {
		if (output->count > 1)
			fprintf(stderr, "vexipc: %zu of %zu texts failed\n", output->failed,
				output->count);
		code = output->failed == output->count ? output->code : EXIT_FAILED;
	}
	if (output->refused)
		code = EXIT_FAILED;
	free(output->rows);
	free(output->names);
	free(output);
	free(floats);
	free(numbers);
	return code;
}
