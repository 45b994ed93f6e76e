/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_CONFIG_H
#define _VEXIPC_CONFIG_H

#include <linux/vexipc.h>
#include <linux/compiler.h>

/**
 * struct vexipc_settings - the live configuration of an instance
 * @value: by enum vexipc_config_field; every range fits 32 bits
 *
 * Written under the instance's config_lock, field by field; readers take each
 * field by itself with vexipc_setting().
 */
struct vexipc_settings {
	u32 value[VEXIPC_CONFIG_MAX + 1];
};

static inline u32 vexipc_setting(const struct vexipc_settings *s,
				 enum vexipc_config_field field)
{
	return READ_ONCE(s->value[field]);
}

/* struct vexipc_config_row describes one field: its range and its default. */
struct vexipc_config_row {
	u32 min, max, initial;
	u32 unbuilt;	/* values above this one are known, but not built */
};

void vexipc_config_init(struct vexipc_settings *s);
const struct vexipc_config_row *vexipc_config_row(u32 field);
int vexipc_config_check(u32 field, u64 value);

struct vexipc_instance;
int vexipc_config_write(struct vexipc_instance *inst,
			const struct vexipc_config_entry *entries, u32 count,
			u32 *refused);

#endif
