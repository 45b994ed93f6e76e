/* SPDX-License-Identifier: GPL-2.0-only */
/* Test results in TAP: "ok 1 - what holds", and "# " before what explains. */
#ifndef VEXIPC_TAP_H
#define VEXIPC_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static int tap_count, tap_failures;

/** tap_ok() - one result: does what @format says hold? */
__attribute__((format(printf, 2, 3)))
static inline bool tap_ok(bool holds, const char *format, ...)
{
	va_list args;

	printf("%s %d - ", holds ? "ok" : "not ok", ++tap_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	tap_failures += !holds;
	return holds;
}

/** tap_bail() - this test program cannot go on at all */
__attribute__((format(printf, 1, 2), noreturn))
static inline void tap_bail(const char *format, ...)
{
	va_list args;

	printf("Bail out! ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	exit(2);
}

/** tap_done() - the plan; for main() to return */
static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures != 0 || !tap_count;
}

#endif
