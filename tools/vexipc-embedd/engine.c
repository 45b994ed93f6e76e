// SPDX-License-Identifier: GPL-2.0-only
/* The list of engines. */
#include <string.h>

#include "engine.h"

const struct engine_ops *const engines[] = {
	&engine_use_lite,
	&engine_echo,
	NULL,
};

const struct engine_ops *engine_find(const char *name)
{
	if (!name)
		return engines[0];
	for (size_t i = 0; engines[i]; i++)
		if (!strcmp(engines[i]->name, name))
			return engines[i];
	return NULL;
}
