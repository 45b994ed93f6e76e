/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_CODEL_H
#define _VEXIPC_CODEL_H

#include <linux/types.h>

/**
 * struct vexipc_codel - does a queue stand, rather than even out bursts?
 * @first_ns: when the wait will have been too long for a whole interval; 0: it is not
 * @next_ns:  when the next one is dropped
 * @count:    dropped since it has been standing
 * @dropping: it stands
 */
struct vexipc_codel {
	u64 first_ns;
	u64 next_ns;
	u32 count;
	bool dropping;
};

bool vexipc_codel_drops(struct vexipc_codel *codel, u64 waited_ns, u64 now_ns, u64 target_ns,
			u64 interval_ns);

#endif
