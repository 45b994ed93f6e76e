// SPDX-License-Identifier: GPL-2.0-only
/* What is to happen and when: a binary heap. */
#include <math.h>

#include "sim.h"

double draw_exponential(uint64_t *state, double mean)
{
	return -mean * log(1 - draw_unit(state));
}

static void swap(struct event *a, struct event *b)
{
	struct event was = *a;

	*a = *b;
	*b = was;
}

void event_add(struct event_heap *heap, struct event event)
{
	uint32_t at = heap->count++;

	if (at == heap->room) {
		heap->room = heap->room ? 2 * heap->room : 64;
		heap->event = reallocarray(heap->event, heap->room, sizeof(*heap->event));
		if (!heap->event)
			die("no memory");
	}
	heap->event[at] = event;
	for (; at && heap->event[at].at_ns < heap->event[(at - 1) / 2].at_ns; at = (at - 1) / 2)
		swap(&heap->event[at], &heap->event[(at - 1) / 2]);
}

struct event event_take(struct event_heap *heap)
{
	struct event first = heap->event[0];
	uint32_t at = 0, least;

	heap->event[0] = heap->event[--heap->count];
	for (;; at = least) {
		least = at;
		for (uint32_t i = 2 * at + 1; i <= 2 * at + 2 && i < heap->count; i++)
			if (heap->event[i].at_ns < heap->event[least].at_ns)
				least = i;
		if (least == at)
			return first;
		swap(&heap->event[at], &heap->event[least]);
	}
}
