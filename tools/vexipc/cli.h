/* SPDX-License-Identifier: GPL-2.0-only */
/* What the subcommands of vexipc share. */
#ifndef VEXIPC_CLI_H
#define VEXIPC_CLI_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>
#include <vexipc/telemetry.h>
#include <vexipc/vexipc.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum exit_code {
	EXIT_OK		= 0,
	EXIT_FAILED	= 1,	/* a request, or something else, failed */
	EXIT_USAGE	= 2,
	EXIT_NO_MODULE	= 3,	/* the module is not loaded */
	EXIT_NO_SERVICE	= 4,	/* no such service, or none that can do it */
	EXIT_PERMISSION	= 5,
};

/* Subcommands: their exit code. argv[0] is "vexipc NAME". */
int cmd_embed(int argc, char **argv);
int cmd_services(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_cache(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_drain(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_breaker(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_ping(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_token(int argc, char **argv);
int cmd_rule(int argc, char **argv);
int cmd_telemetry(int argc, char **argv);

/* ---- errors: "vexipc: cannot WHAT: why: what to do" on stderr ---- */

/* Exit code of a negative errno. */
int exit_code_of(int err);
/* Say it, with vexipc_strerror(); @detail, if any, comes first. The exit code. */
int fail_request(int err, const char *detail, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int fail(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Opening the device or the netlink family failed. */
int fail_open(int err, uint32_t transport);
/* Open for administration, or say why not: EXIT_OK, or what to exit with. */
int open_admin(struct vexipc_admin **admin);

/* SIGINT and SIGTERM set this and interrupt what waits. */
extern volatile bool interrupted;
void catch_signals(void);

/* Data to stdout failed? EXIT_OK or, having said so, EXIT_FAILED. */
int finish_output(int code);

/* ---- arguments ---- */

/* 0, or -EINVAL: not a whole number from @min to @max. */
int parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);
/* The same for an option of argp, which ends the program if it is none. */
uint32_t number_option(struct argp_state *state, const char *name, const char *text,
		       uint32_t min, uint32_t max);
/* Options all subcommands with one have. */
enum {
	KEY_JSON = 'j',
};

/* ---- tables ---- */

/* Rows of text that print in aligned columns; the first row is the head. */
struct table;

struct table *table_new(unsigned int columns);
/* Add a cell; @right aligns it and those below it to the right. */
void table_add(struct table *table, const char *text, bool right);
void table_print(const struct table *table, FILE *to);
void table_free(struct table *table);

/* ---- JSON ---- */

/* Numbers exactly as they are; cJSON's own are doubles. */
void json_number(cJSON *object, const char *name, uint64_t value);
void json_hex(cJSON *object, const char *name, uint64_t value);
void json_field(cJSON *object, const struct vexipc_field *field, const void *from);
/* All fields of a table. */
cJSON *json_object(const struct vexipc_field *fields, const void *from);
/* Print on one line, or indented, and delete it. */
void json_line(cJSON *json);
void json_print(cJSON *json);

#endif
