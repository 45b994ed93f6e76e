// SPDX-License-Identifier: GPL-2.0-only
/*
 * life-storm: clients of every kind, with deadlines and cancels, while services
 * are killed and come back.
 *
 *   life-storm [-s SERVICES] [-k KILLS] [-t THREADS] [-r REQUESTS] [-S SEED]
 *
 * REQUESTS are of each thread. It checks that each request that was accepted has
 * exactly one completion, that a vector is that of its text, and that the module
 * has counted the same outcomes. Nobody else may use the instance meanwhile.
 */
#include <inttypes.h>
#include <unistd.h>

#include "storm.h"

static void read_stats(struct vexipc_stats *stats)
{
	struct vexipc_admin *admin;
	int err = vexipc_admin_open(&admin);

	if (!err)
		err = vexipc_admin_stats(admin, NULL, stats);
	if (err)
		die("cannot read the counters: %s", life_errno(err));
	vexipc_admin_close(admin);
}

static int compare(const char *what, uint64_t module, uint64_t clients)
{
	printf("%s %" PRIu64 "\n", what, clients);
	if (module == clients)
		return 0;
	fprintf(stderr, "%s: the module has %" PRIu64 ", the clients %" PRIu64 "\n", what,
		module, clients);
	return 1;
}

int main(int argc, char **argv)
{
	struct storm storm = {
		.services = 6, .kills = 20, .threads = 4, .requests = 1000, .seed = 1,
	};
	struct vexipc_stats before, after;
	struct tally tally = { 0 };
	int opt, orders, bad = 0;
	pid_t keeper;

	while ((opt = getopt(argc, argv, "s:k:t:r:S:")) != -1) {
		uint32_t *field = opt == 's' ? &storm.services : opt == 'k' ? &storm.kills :
				  opt == 't' ? &storm.threads : opt == 'r' ? &storm.requests :
				  opt == 'S' ? &storm.seed : NULL;

		if (!field)
			return 2;
		*field = life_number(optarg);
	}
	keeper = keeper_start(&storm, &orders);
	read_stats(&before);
	load_run(&storm, orders, &tally);
	read_stats(&after);
	keeper_stop(keeper, orders);

	bad |= compare("submitted", after.submitted - before.submitted, tally.submitted);
	bad |= compare("completed", after.completed - before.completed, tally.completed);
	bad |= compare("failed", after.failed - before.failed, tally.failed);
	bad |= compare("timed_out", after.timed_out - before.timed_out, tally.timed_out);
	bad |= compare("cancelled", after.cancelled - before.cancelled, tally.cancelled);
	bad |= compare("refused", after.refused - before.refused, tally.refused);
	bad |= compare("queued", after.queued, 0);
	bad |= compare("in_flight", after.in_flight, 0);
	printf("services_died %" PRIu64 "\n",
	       (uint64_t)(after.services_died - before.services_died));
	printf("failovers %" PRIu64 "\n", (uint64_t)(after.failovers - before.failovers));
	printf("orphans %" PRIu64 "\n", (uint64_t)(after.orphans - before.orphans));
	return bad;
}
