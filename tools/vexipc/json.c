// SPDX-License-Identifier: GPL-2.0-only
/* JSON of structures, driven by their tables of fields. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

void json_number(cJSON *object, const char *name, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	cJSON_AddItemToObject(object, name, cJSON_CreateRaw(text));
}

void json_hex(cJSON *object, const char *name, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	cJSON_AddStringToObject(object, name, text);
}

static void add_list(cJSON *object, const struct vexipc_field *field,
		     const struct vexipc_service_entry *entry)
{
	cJSON *array = cJSON_AddArrayToObject(object, field->name);

	for (uint32_t i = 0; i < entry->dimensions_count &&
	     i < VEXIPC_MAX_SERVICE_DIMENSIONS; i++)
		cJSON_AddItemToArray(array, cJSON_CreateNumber(entry->dimensions[i]));
}

static void add_errors(cJSON *object, const struct vexipc_field *field, const void *from)
{
	cJSON *errors = cJSON_AddObjectToObject(object, field->name);
	const char *at = (const char *)from + field->offset;

	for (uint32_t i = 0; i < field->size / sizeof(uint64_t); i++) {
		uint64_t n;

		memcpy(&n, at + i * sizeof(n), sizeof(n));
		if (n)
			json_number(errors, vexipc_error_name(i), n);
	}
}

/* An array of the counts, all of them. */
static void add_sizes(cJSON *object, const struct vexipc_field *field, const void *from)
{
	cJSON *array = cJSON_AddArrayToObject(object, field->name);
	const char *at = (const char *)from + field->offset;
	char text[32];

	for (uint32_t i = 0; i < field->size / sizeof(uint64_t); i++) {
		uint64_t n;

		memcpy(&n, at + i * sizeof(n), sizeof(n));
		snprintf(text, sizeof(text), "%" PRIu64, n);
		cJSON_AddItemToArray(array, cJSON_CreateRaw(text));
	}
}

/* A comma-separated list of names as an array. */
static void add_names(cJSON *object, const char *name, char *names)
{
	cJSON *array = cJSON_AddArrayToObject(object, name);

	if (!strcmp(names, "-"))
		return;
	for (char *at = strtok(names, ","); at; at = strtok(NULL, ","))
		cJSON_AddItemToArray(array, cJSON_CreateString(at));
}

void json_field(cJSON *object, const struct vexipc_field *field, const void *from)
{
	char text[512];
	double real;

	switch (field->kind) {
	case VEXIPC_FIELD_NUMBER:
		json_number(object, field->name, vexipc_field_value(field, from));
		break;
	case VEXIPC_FIELD_RATE:
		vexipc_field_format(field, from, text, sizeof(text));
		cJSON_AddItemToObject(object, field->name, cJSON_CreateRaw(text));
		break;
	case VEXIPC_FIELD_REAL:
		real = vexipc_field_real(field, from);
		if (isnan(real))
			cJSON_AddNullToObject(object, field->name);
		else
			cJSON_AddNumberToObject(object, field->name, real);
		break;
	case VEXIPC_FIELD_BOOL:
		cJSON_AddBoolToObject(object, field->name, vexipc_field_value(field, from) != 0);
		break;
	case VEXIPC_FIELD_LIST:
		add_list(object, field, from);
		break;
	case VEXIPC_FIELD_ERRORS:
		add_errors(object, field, from);
		break;
	case VEXIPC_FIELD_SIZES:
		add_sizes(object, field, from);
		break;
	case VEXIPC_FIELD_TYPES:
	case VEXIPC_FIELD_FEATURES:
		vexipc_field_format(field, from, text, sizeof(text));
		add_names(object, field->name, text);
		break;
	default:
		vexipc_field_format(field, from, text, sizeof(text));
		cJSON_AddStringToObject(object, field->name, text);
	}
}

cJSON *json_object(const struct vexipc_field *fields, const void *from)
{
	cJSON *object = cJSON_CreateObject();

	for (; fields->name; fields++)
		json_field(object, fields, from);
	return object;
}

static void print(cJSON *json, char *text)
{
	if (text)
		puts(text);
	else
		fputs("vexipc: out of memory\n", stderr);
	free(text);
	cJSON_Delete(json);
}

void json_line(cJSON *json)
{
	print(json, cJSON_PrintUnformatted(json));
}

void json_print(cJSON *json)
{
	print(json, cJSON_Print(json));
}
