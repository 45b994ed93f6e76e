// SPDX-License-Identifier: GPL-2.0-only
/* The share of the last minute, hour and day that something was available. */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "availability.h"

static const u64 part_ns[VEXIPC_AVAILABILITY_SPANS] = {
	[VEXIPC_AVAILABILITY_MINUTE]	= 1ull * NSEC_PER_SEC,
	[VEXIPC_AVAILABILITY_HOUR]	= 60ull * NSEC_PER_SEC,
	[VEXIPC_AVAILABILITY_DAY]	= 24ull * 60 * NSEC_PER_SEC,
};

void vexipc_availability_init(struct vexipc_availability *a, u64 now_ns)
{
	memset(a, 0, sizeof(*a));
	a->since_ns = now_ns;
	a->seen_ns = now_ns;
}

/* Write @from..@to into one ring: up or down, clearing what has come round. */
static void fill(u64 *ring, u64 part, u64 from, u64 to, bool up)
{
	u64 number = div64_u64(from, part);

	/* Of a long gap only the last round is left. */
	if (div64_u64(to, part) - number >= VEXIPC_AVAILABILITY_PARTS) {
		memset(ring, 0, VEXIPC_AVAILABILITY_PARTS * sizeof(*ring));
		number = div64_u64(to, part) - VEXIPC_AVAILABILITY_PARTS + 1;
		from = number * part;
	}
	while (from < to) {
		u64 end = min((number + 1) * part, to);
		u32 i;

		div_u64_rem(number, VEXIPC_AVAILABILITY_PARTS, &i);
		if (from == number * part)
			ring[i] = 0;
		if (up)
			ring[i] += end - from;
		from = end;
		number++;
	}
}

static void catch_up(struct vexipc_availability *a, u64 now_ns)
{
	if (now_ns <= a->seen_ns)
		return;
	for (int span = 0; span < VEXIPC_AVAILABILITY_SPANS; span++)
		fill(a->up_ns[span], part_ns[span], a->seen_ns, now_ns, a->up);
	a->seen_ns = now_ns;
}

/**
 * vexipc_availability_set() - it is available from now on, or not
 * @a: whose
 * @now_ns: CLOCK_MONOTONIC, never going back
 * @up: available
 */
void vexipc_availability_set(struct vexipc_availability *a, u64 now_ns, bool up)
{
	catch_up(a, now_ns);
	a->up = up;
}

/**
 * vexipc_availability_share() - how much of the span it was available
 * @a: whose
 * @now_ns: CLOCK_MONOTONIC
 * @span: VEXIPC_AVAILABILITY_MINUTE, _HOUR or _DAY; less if it is younger
 *
 * Return: in 1/10000.
 */
u32 vexipc_availability_share(struct vexipc_availability *a, u64 now_ns, int span)
{
	u64 part = part_ns[span], up = 0, begin, age;
	u32 current_part;
	bool into;

	catch_up(a, now_ns);
	/* Of a part that only begins the ring still has the one a round ago. */
	div_u64_rem(div64_u64(a->seen_ns, part), VEXIPC_AVAILABILITY_PARTS, &current_part);
	into = a->seen_ns != div64_u64(a->seen_ns, part) * part;
	for (u32 i = 0; i < VEXIPC_AVAILABILITY_PARTS; i++)
		if (into || i != current_part)
			up += a->up_ns[span][i];
	begin = div64_u64(a->seen_ns, part) + 1;
	begin = begin > VEXIPC_AVAILABILITY_PARTS ?
		(begin - VEXIPC_AVAILABILITY_PARTS) * part : 0;
	age = a->seen_ns - max(begin, a->since_ns);
	if (!age)
		return a->up ? 10000 : 0;
	return min_t(u64, div64_u64(up * 10000, age), 10000);
}
