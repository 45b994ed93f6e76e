// SPDX-License-Identifier: GPL-2.0-only
/* The algorithms: which of the services that a request may go to gets it. */
#include <linux/nospec.h>
#include <linux/vexipc.h>

#include "algorithm.h"
#include "pick.h"

static const struct vexipc_algorithm_ops algorithms[VEXIPC_ALGORITHMS] = {
	[VEXIPC_ALGORITHM_ROUND_ROBIN] = { .gather = VEXIPC_GATHER_TURN },
};

/**
 * vexipc_algorithm() - how it is done
 * @algorithm: checked, not VEXIPC_ALGORITHM_DEFAULT
 */
const struct vexipc_algorithm_ops *vexipc_algorithm(u32 algorithm)
{
	return &algorithms[array_index_nospec(algorithm, VEXIPC_ALGORITHMS)];
}
