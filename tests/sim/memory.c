// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much memory there is in use, by second: of the control group that this runs
 * in, which what the module keeps for it is charged to, and the slabs of all. The
 * simulator's own is all there, and locked, before it begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim.h"

enum { EVERY_NS = 1000000000, SETTLE_US = 300000, REST_US = 500000 };

/* The number after a key at the beginning of a line; of a whole file without. */
static uint64_t field(const char *directory, const char *name, const char *key)
{
	static char text[1 << 14];
	char path[PATH_MAX];
	const char *at = text;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (got < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
	text[got] = '\0';
	while (key && strncmp(at, key, strlen(key))) {
		at = strchr(at, '\n');
		if (!at++)
			die("%s has no %s", path, key);
	}
	return strtoull(key ? at + strlen(key) : at, NULL, 10);
}

static void take(const struct sim *sim, struct memory *memory)
{
	const char *group = sim->options.group;

	/* It brings the figures of the group up to date: memory.stat does every 2 s. */
	field(group, "cpu.stat", NULL);
	*memory = (struct memory) {
		.group = field(group, "memory.current", NULL),
		.group_slab = field(group, "memory.stat", "slab "),
		.slab = 1024 * field("/proc", "meminfo", "SUnreclaim: "),
	};
}

/* The kernel keeps slabs that are empty: these are not in use. */
static void shrink_slabs(void)
{
	glob_t files;

	if (glob("/sys/kernel/slab/*/shrink", 0, NULL, &files))
		die("no slabs");
	for (size_t i = 0; i < files.gl_pathc; i++) {
		int fd = open(files.gl_pathv[i], O_WRONLY | O_CLOEXEC);

		if (fd < 0 || write(fd, "1", 1) != 1)
			die("%s: %s", files.gl_pathv[i], strerror(errno));
		close(fd);
	}
	globfree(&files);
	usleep(SETTLE_US);
}

void memory_begin(struct sim *sim)
{
	if (!sim->options.group)
		return;
	sim->memory = calloc(sim->seconds, sizeof(*sim->memory));
	if (!sim->memory || mlockall(MCL_CURRENT | MCL_FUTURE))
		die("no memory");
	/* Twice: what the first one leaves behind, such as names of files, is ours. */
	take(sim, &sim->memory_start);
	shrink_slabs();
	take(sim, &sim->memory_start);
}

void memory_tick(struct sim *sim)
{
	if (!sim->memory)
		return;
	if (!sim->memory_ns)
		sim->memory_ns = sim->start_ns + EVERY_NS;
	for (; sim->memory_ns <= sim->now_ns; sim->memory_ns += EVERY_NS)
		if (sim->memories < sim->seconds)
			take(sim, &sim->memory[sim->memories++]);
}

void memory_end(struct sim *sim)
{
	if (!sim->memory)
		return;
	usleep(REST_US);
	shrink_slabs();
	take(sim, &sim->memory_end);
}
