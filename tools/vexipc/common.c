// SPDX-License-Identifier: GPL-2.0-only
/* Errors, arguments, signals: what every subcommand needs, and vexipc-top. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

volatile bool interrupted;

int exit_code_of(int err)
{
	switch (err) {
	case 0:
		return EXIT_OK;
	case -ENOENT:
	case -ENODEV:
	case -EHOSTDOWN:
		return EXIT_NO_SERVICE;
	case -EPERM:
	case -EACCES:
		return EXIT_PERMISSION;
	default:
		return EXIT_FAILED;
	}
}

/* An errno of the error table reads as there, any other as the system puts it. */
static const char *reason(int err)
{
	uint32_t error = vexipc_error_from_errno(err);

	return vexipc_error_errno(error) == err ? vexipc_strerror(error) : strerror(-err);
}

static int say(int err, const char *detail, const char *format, va_list args)
{
	fprintf(stderr, "%s: cannot ", program_invocation_short_name);
	vfprintf(stderr, format, args);
	if (detail && *detail)
		fprintf(stderr, ": %s", detail);
	fprintf(stderr, ": %s\n", reason(err));
	return exit_code_of(err);
}

int fail_request(int err, const char *detail, const char *format, ...)
{
	va_list args;
	int code;

	va_start(args, format);
	code = say(err, detail, format, args);
	va_end(args);
	return code;
}

int fail(int err, const char *format, ...)
{
	va_list args;
	int code;

	va_start(args, format);
	code = say(err, NULL, format, args);
	va_end(args);
	return code;
}

int fail_open(int err, uint32_t transport)
{
	const char *what = transport == VEXIPC_TRANSPORT_NETLINK ?
			   "netlink family " VEXIPC_GENL_NAME : VEXIPC_DEVICE;

	switch (err) {
	case -ENOENT:
		fprintf(stderr, "vexipc: cannot open %s: the module is not loaded: "
			"run 'sudo modprobe vexipc'\n", what);
		return EXIT_NO_MODULE;
	case -EACCES:
	case -EPERM:
		fprintf(stderr, "vexipc: cannot open %s: permission denied: "
			"join the group vexipc, or use sudo\n", what);
		return EXIT_PERMISSION;
	default:
		fprintf(stderr, "vexipc: cannot open %s: %s\n", what, strerror(-err));
		return EXIT_FAILED;
	}
}

int open_admin(struct vexipc_admin **admin)
{
	int err = vexipc_admin_open(admin);

	return err ? fail_open(err, VEXIPC_TRANSPORT_CHARDEV) : EXIT_OK;
}

static void on_signal(int signal_number)
{
	(void)signal_number;
	interrupted = true;
}

void catch_signals(void)
{
	/* No SA_RESTART: what waits returns. */
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int finish_output(int code)
{
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	/* Whoever reads had enough: no need to tell them. */
	if (errno != EPIPE)
		fprintf(stderr, "%s: cannot write the output: %s\n",
			program_invocation_short_name, strerror(errno));
	return EXIT_FAILED;
}

int parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	unsigned long long n;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || *end || n < min || n > max)
		return -EINVAL;
	*value = n;
	return 0;
}

uint32_t number_option(struct argp_state *state, const char *name, const char *text,
		       uint32_t min, uint32_t max)
{
	uint64_t value = 0;

	if (parse_number(text, min, max, &value))
		argp_error(state, "%s takes a number from %u to %u, not '%s'", name, min,
			   max, text);
	return (uint32_t)value;
}
