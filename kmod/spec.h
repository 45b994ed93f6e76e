/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_SPEC_H
#define _VEXIPC_SPEC_H

#include "registry.h"

int vexipc_spec_check(struct vexipc_service_spec *spec);
bool vexipc_spec_matches(const struct vexipc_service_spec *spec, u32 dimensions,
			 u32 data_types, const char *model, u32 model_len);
u32 vexipc_spec_breadth(const struct vexipc_service_spec *spec);
void vexipc_spec_free(struct vexipc_service_spec *spec);
u32 vexipc_spec_text(const struct vexipc_service_spec *spec, char *to, u32 room);

#endif
