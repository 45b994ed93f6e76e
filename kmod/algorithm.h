/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_ALGORITHM_H
#define _VEXIPC_ALGORITHM_H

#include <linux/types.h>

struct vexipc_pick;

/* Which of the eligible services an algorithm wants to choose from. */
enum vexipc_gather {
	VEXIPC_GATHER_ALL,	/* all, or a sample of many */
	VEXIPC_GATHER_TURN,	/* the one whose turn it is */
	VEXIPC_GATHER_TIER,	/* as all, of the highest tier that has room */
	VEXIPC_GATHER_RING,	/* the one that a hash leads to */
};

/**
 * struct vexipc_algorithm_ops - one way to choose a service
 * @gather: from which
 * @choose: index in @pick->service, which is not empty; NULL: the first.
 *	    Called under RCU with bottom halves off.
 */
struct vexipc_algorithm_ops {
	enum vexipc_gather gather;
	u32 (*choose)(const struct vexipc_pick *pick);
};

const struct vexipc_algorithm_ops *vexipc_algorithm(u32 algorithm);

#endif
