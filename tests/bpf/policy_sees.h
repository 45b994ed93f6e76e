/* SPDX-License-Identifier: GPL-2.0-only */
/* What the policy "sees" has seen last, in its map "sights". */
#ifndef POLICY_SEES_H
#define POLICY_SEES_H

struct sight {
	__u64 looks;			/* how often it was asked */
	__u64 hash;			/* of the content */
	struct vexipc_policy_request request;
	char model[VEXIPC_POLICY_MODEL_LEN];
	struct vexipc_policy_candidate candidate[VEXIPC_POLICY_CANDIDATES];
	struct vexipc_policy_details details[VEXIPC_POLICY_CANDIDATES];
	__u32 beyond;			/* details are offered of who is no candidate */
};

#endif
