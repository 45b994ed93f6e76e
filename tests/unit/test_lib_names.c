// SPDX-License-Identifier: GPL-2.0-only
/* tools/lib/names.c, error.c, fields.c: names of things. Takes nothing. */
#include <errno.h>
#include <string.h>

#include <vexipc/vexipc.h>

#include "tap.h"

static void test_names(void)
{
	uint32_t v = 99;

	tap_ok(!vexipc_data_type_parse("Int16", &v) && v == VEXIPC_INT16 &&
	       !vexipc_data_type_parse("4", &v) && v == VEXIPC_BINARY,
	       "a data type is read by name in any case, and by number");
	tap_ok(vexipc_data_type_parse("float", &v) == -EINVAL &&
	       vexipc_data_type_parse("5", &v) == -EINVAL &&
	       vexipc_data_type_parse("", &v) == -EINVAL &&
	       vexipc_data_type_parse("1x", &v) == -EINVAL &&
	       vexipc_data_type_parse("-1", &v) == -EINVAL && v == VEXIPC_BINARY,
	       "what is no data type is EINVAL and changes nothing");
	tap_ok(!vexipc_priority_parse("high", &v) && v == 192 &&
	       !vexipc_priority_parse("255", &v) && v == 255 &&
	       vexipc_priority_parse("256", &v) == -EINVAL, "a priority is a band or 0 to 255");
	tap_ok(!strcmp(vexipc_priority_name(255), "critical") &&
	       !strcmp(vexipc_priority_name(254), "high") &&
	       !strcmp(vexipc_priority_name(191), "normal") &&
	       !strcmp(vexipc_priority_name(127), "low"), "a priority falls in the band below it");
	tap_ok(!strcmp(vexipc_state_name(VEXIPC_STATES), "unknown") &&
	       !strcmp(vexipc_state_name(VEXIPC_STATE_GONE), "gone"), "a state has a name");
	tap_ok(!strcmp(vexipc_breaker_name(VEXIPC_BREAKER_CLOSED), "closed") &&
	       !strcmp(vexipc_breaker_name(VEXIPC_BREAKER_OPEN), "open") &&
	       !strcmp(vexipc_breaker_name(VEXIPC_BREAKER_HALF_OPEN), "half-open") &&
	       !strcmp(vexipc_breaker_name(VEXIPC_BREAKER_STATES), "unknown"),
	       "so has a breaker's");
	/* Known answers of FNV-1a, 64 bits. */
	tap_ok(vexipc_session("a") == 0xaf63dc4c8601ec8cu &&
	       vexipc_session("foobar") == 0x85944171f73967e8u, "a session is the FNV-1a of its name");
}

static void test_errors(void)
{
	bool both_ways = true, distinct = true, worded = true;

	for (uint32_t i = 0; i < VEXIPC_ERRORS; i++) {
		both_ways &= vexipc_error_from_errno(vexipc_error_errno(i)) == i;
		worded &= *vexipc_strerror(i) && strcmp(vexipc_error_name(i), "unknown");
		for (uint32_t k = 0; k < i; k++)
			distinct &= strcmp(vexipc_error_name(i), vexipc_error_name(k)) != 0;
	}
	tap_ok(both_ways, "each error has an errno of its own");
	tap_ok(distinct, "each error has a name of its own");
	tap_ok(worded, "each error is explained");
	tap_ok(vexipc_error_errno(VEXIPC_ERR_NO_CAPABLE_SERVICE) == -ENODEV &&
	       vexipc_error_from_errno(-EXDEV) == VEXIPC_ERR_TRANSPORT &&
	       vexipc_error_errno(12345) == -EREMOTEIO && *vexipc_strerror(12345),
	       "unknown errors have an answer, too");
}

/* Do the fields of a table lie inside the structure, and do not overlap? */
static bool disjoint(const struct vexipc_field *table, size_t size)
{
	for (const struct vexipc_field *f = table; f->name; f++) {
		if (f->offset + f->size > size || !f->help || !f->unit)
			return false;
		for (const struct vexipc_field *g = table; g < f; g++) {
			bool apart = f->offset >= g->offset + g->size ||
				     g->offset >= f->offset + f->size;

			/* A rate is of two others. */
			if ((!apart && f->kind != VEXIPC_FIELD_RATE &&
			     g->kind != VEXIPC_FIELD_RATE) || !strcmp(f->name, g->name))
				return false;
		}
	}
	return true;
}

static void test_fields(void)
{
	struct vexipc_service_entry entry = {
		.handle = 0xabc, .state = VEXIPC_STATE_BUSY, .data_types = 1 | 1 << VEXIPC_INT8,
		.dimensions_count = 2, .dimensions = { 256, 512 }, .requests = 1ull << 40,
		.features = VEXIPC_FEATURE_BATCH | 1ull << 40,
	};
	struct vexipc_stats stats = { 0 };
	const struct vexipc_field *fields = vexipc_service_fields();
	char text[64];

	memset(entry.id, 'i', sizeof(entry.id));
#define IS(name, wanted) \
	(vexipc_field_format(vexipc_field_find(fields, name), &entry, text, sizeof(text)) == \
	 (int)strlen(wanted) && !strcmp(text, wanted))
	tap_ok(disjoint(fields, sizeof(entry)), "fields of a service do not overlap");
	tap_ok(disjoint(vexipc_stats_fields(), sizeof(stats)), "fields of statistics do not overlap");
	tap_ok(IS("handle", "0xabc") && IS("state", "busy") && IS("data_types", "float32,int8") &&
	       IS("dimensions", "256,512") && IS("requests", "1099511627776") &&
	       IS("features", "batch,bit40"), "each kind of field reads well");
	tap_ok(vexipc_field_format(fields, &entry, text, 8) == 64 && !strcmp(text, "iiiiiii"),
	       "a full, unterminated id is cut as by snprintf");
	entry.dimensions_count = 0;
	tap_ok(IS("dimensions", "any"), "no dimensions are any");
	entry.dimensions_count = 5000;
	vexipc_field_format(vexipc_field_find(fields, "dimensions"), &entry, text, sizeof(text));
	tap_ok(strlen(text) < sizeof(text), "a wrong count of dimensions does no harm");
	stats.refused_by[VEXIPC_ERR_QUEUE_FULL] = 3;
	stats.refused_by[63] = 1;
	vexipc_field_format(vexipc_field_find(vexipc_stats_fields(), "refused_by"), &stats, text,
			    sizeof(text));
	tap_ok(!strcmp(text, "queue_full=3,unknown=1"), "reasons are counted by name");
	tap_ok(!vexipc_field_find(fields, "no such"), "an unknown field is not found");
#undef IS
}

static void test_tokens(void)
{
	uint8_t secret[VEXIPC_TOKEN_BYTES], back[VEXIPC_TOKEN_BYTES];
	char text[VEXIPC_TOKEN_TEXT + 8];

	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)(i * 37 + 200);
	vexipc_token_format(secret, text);
	tap_ok(strlen(text) == 64 && !vexipc_token_parse(text, back) &&
	       !memcmp(secret, back, sizeof(secret)), "a token is read as it was written");
	strcat(text, " \r\n");
	tap_ok(!vexipc_token_parse(text, back), "white space may follow");
	strcat(text, "0");
	tap_ok(vexipc_token_parse(text, back) == -EINVAL, "nothing else may");
	text[63] = '\0';
	tap_ok(vexipc_token_parse(text, back) == -EINVAL, "a cut token is none");
	memset(text, 'g', 64);
	text[64] = '\0';
	tap_ok(vexipc_token_parse(text, back) == -EINVAL, "other letters are no digits");
	tap_ok(vexipc_token_read("/nonexistent", back) == -ENOENT, "a missing file is told");
}

static void test_config(void)
{
	const struct vexipc_field *fields = vexipc_config_fields(), *f;
	unsigned int seen[VEXIPC_CONFIG_MAX + 1] = { 0 };
	bool once = true;
	uint64_t v = 0;
	char text[32];

	for (f = fields; f->name; f++)
		if (f->number <= VEXIPC_CONFIG_MAX)
			seen[f->number]++;
	for (unsigned int i = 1; i <= VEXIPC_CONFIG_MAX; i++)
		once &= seen[i] == 1;
	tap_ok(once && f - fields == VEXIPC_CONFIG_MAX, "each field of configuration is there once");
	f = vexipc_field_find(fields, "transport_type");
	tap_ok(!vexipc_config_parse(f, "chardev", &v) && v == VEXIPC_TRANSPORT_CHARDEV &&
	       !vexipc_config_parse(f, "1", &v) && v == 1 && vexipc_config_parse(f, "tcp", &v),
	       "a transport is set by name or number");
	f = vexipc_field_find(fields, "enable_authentication");
	tap_ok(!vexipc_config_parse(f, "true", &v) && v == 1 && !vexipc_config_parse(f, "OFF", &v) &&
	       v == 0 && vexipc_config_parse(f, "maybe", &v) == -EINVAL, "a switch is true or false");
	f = vexipc_field_find(fields, "max_queue_size");
	tap_ok(!vexipc_config_parse(f, "18446744073709551615", &v) && v == UINT64_MAX &&
	       vexipc_config_parse(f, "18446744073709551616", &v) == -EINVAL &&
	       vexipc_config_parse(f, "-1", &v) == -EINVAL && vexipc_config_parse(f, "", &v) == -EINVAL &&
	       vexipc_config_parse(f, "1k", &v) == -EINVAL, "a number is a whole one, all of it");
	vexipc_config_format(vexipc_field_find(fields, "algorithm"), 1, text, sizeof(text));
	tap_ok(!strcmp(text, "round-robin"), "an algorithm is shown by name");
}

int main(void)
{
	test_names();
	test_errors();
	test_fields();
	test_tokens();
	test_config();
	return tap_done();
}
