// SPDX-License-Identifier: GPL-2.0-only
/* One look at everything. */
#include <stdlib.h>
#include <string.h>

#include "sample.h"

struct sample_service *sample_room(struct sample *sample)
{
	struct sample_service *services;
	uint32_t room = sample->room ? sample->room * 2 : 8;

	if (sample->count == sample->room) {
		services = reallocarray(sample->services, room, sizeof(*services));
		if (!services)
			return NULL;
		sample->services = services;
		sample->room = room;
	}
	return memset(&sample->services[sample->count], 0, sizeof(*sample->services));
}

void sample_clear(struct sample *sample)
{
	*sample = (struct sample){ .services = sample->services, .room = sample->room };
}

void sample_free(struct sample *sample)
{
	free(sample->services);
	*sample = (struct sample){ 0 };
}
