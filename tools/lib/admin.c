// SPDX-License-Identifier: LGPL-2.1-or-later
/* What administrators ask: services, figures, configuration. All ioctls. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

enum {
	FIRST_ENTRIES = 32,
	/* endpoint, models, metadata and their keys, all at their longest */
	TEXT_ROOM = 16 << 10,
};

struct vexipc_admin {
	int fd;
};

int vxi_admin_ioctl(struct vexipc_admin *admin, unsigned long nr, void *arg)
{
	return ioctl(admin->fd, nr, arg) < 0 ? -errno : 0;
}

int vexipc_admin_open(struct vexipc_admin **admin)
{
	struct vexipc_admin *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	a->fd = open(VEXIPC_DEVICE, O_RDWR | O_CLOEXEC);
	if (a->fd < 0) {
		/* A node without the module behind it is no device either. */
		err = errno == ENXIO || errno == ENODEV ? -ENOENT : -errno;
		free(a);
		return err;
	}
	*admin = a;
	return 0;
}

void vexipc_admin_close(struct vexipc_admin *admin)
{
	if (!admin)
		return;
	close(admin->fd);
	free(admin);
}

static uint64_t address_of(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static uint32_t length_of(const char *s)
{
	return s ? (uint32_t)strlen(s) : 0;
}

int vxi_admin_list_all(struct vexipc_admin *admin, struct vxi_listing *listing, void **entries)
{
	uint32_t room = FIRST_ENTRIES;
	void *buf = NULL;
	int err;

	for (;;) {
		void *bigger = reallocarray(buf, room, listing->entry_size);

		err = -ENOMEM;
		if (!bigger)
			break;
		buf = bigger;
		/* The kernel's entries may be shorter. */
		memset(buf, 0, room * listing->entry_size);
		err = listing->ask(admin, listing, buf, room * (uint32_t)listing->entry_size);
		if (err)
			break;
		if (listing->total <= listing->count) {
			*entries = buf;
			return 0;
		}
		room = listing->total + listing->total / 4 + 1;
	}
	free(buf);
	return err;
}

static int ask_services(struct vexipc_admin *admin, struct vxi_listing *listing, void *entries,
			uint32_t size)
{
	struct vexipc_list *list = listing->arg;
	int err;

	list->buffer_ptr = address_of(entries);
	list->buffer_size = size;
	err = vxi_admin_ioctl(admin, VEXIPC_IOC_LIST, list);
	listing->count = list->count;
	listing->total = list->total;
	return err;
}

int vexipc_admin_list(struct vexipc_admin *admin, const struct vexipc_filter *filter,
		      struct vexipc_service_entry **entries, uint32_t *count)
{
	static const struct vexipc_filter everything;
	struct vexipc_list list = { .entry_size = sizeof(**entries) };
	struct vxi_listing listing = {
		.entry_size = sizeof(**entries), .ask = ask_services, .arg = &list,
	};
	void *all;
	int err;

	if (!filter)
		filter = &everything;
	list.model_ptr = address_of(filter->model);
	list.model_len = length_of(filter->model);
	list.dimensions = filter->dimensions;
	list.data_types = filter->data_types;
	list.states = filter->states;
	err = vxi_admin_list_all(admin, &listing, &all);
	if (err)
		return err;
	*entries = all;
	*count = listing.count;
	return 0;
}

int vexipc_admin_status(struct vexipc_admin *admin, const char *id, uint64_t handle,
			struct vexipc_service_entry *entry, char **text, size_t *text_len)
{
	uint32_t room = text ? TEXT_ROOM : 0;
	char *buf = NULL;
	int err;

	for (;;) {
		struct vexipc_status status = {
			.service_id_ptr = address_of(id),
			.service_id_len = length_of(id),
			.handle = id ? 0 : handle,
			.text_size = room,
		};

		if (room) {
			char *bigger = realloc(buf, room);

			err = -ENOMEM;
			if (!bigger)
				break;
			buf = bigger;
			status.text_ptr = address_of(buf);
		}
		err = vxi_admin_ioctl(admin, VEXIPC_IOC_STATUS, &status);
		if (err)
			break;
		if (!text || status.text_size <= room) {
			*entry = status.entry;
			if (text) {
				*text = buf;
				*text_len = status.text_size;
			}
			return 0;
		}
		room = status.text_size;
	}
	free(buf);
	return err;
}

int vexipc_admin_stats(struct vexipc_admin *admin, const char *id, struct vexipc_stats *stats)
{
	*stats = (struct vexipc_stats) {
		.service_id_ptr = address_of(id),
		.service_id_len = length_of(id),
	};
	return vxi_admin_ioctl(admin, VEXIPC_IOC_STATS, stats);
}

static int config(struct vexipc_admin *admin, struct vexipc_config_entry *entries,
		  uint32_t count, uint32_t flags, uint32_t *refused)
{
	struct vexipc_config arg = {
		.entries_ptr = address_of(entries),
		.count = count,
		.flags = flags,
	};
	int err = vxi_admin_ioctl(admin, VEXIPC_IOC_CONFIG, &arg);

	if (err && refused)
		*refused = arg.count;
	return err;
}

int vexipc_admin_config_get(struct vexipc_admin *admin, struct vexipc_config_entry *entries,
			    uint32_t count, uint32_t *refused)
{
	return config(admin, entries, count, 0, refused);
}

int vexipc_admin_config_set(struct vexipc_admin *admin, struct vexipc_config_entry *entries,
			    uint32_t count, uint32_t *refused)
{
	return config(admin, entries, count, VEXIPC_CONFIG_WRITE, refused);
}

static int control(struct vexipc_admin *admin, const char *id, uint32_t op)
{
	struct vexipc_control arg = {
		.service_id_ptr = address_of(id),
		.service_id_len = length_of(id),
		.op = op,
	};

	return vxi_admin_ioctl(admin, VEXIPC_IOC_CONTROL, &arg);
}

int vexipc_admin_drain(struct vexipc_admin *admin, const char *id)
{
	return control(admin, id, VEXIPC_CONTROL_DRAIN);
}

int vexipc_admin_resume(struct vexipc_admin *admin, const char *id)
{
	return control(admin, id, VEXIPC_CONTROL_RESUME);
}

int vexipc_admin_breaker(struct vexipc_admin *admin, const char *id, uint32_t op)
{
	return control(admin, id, op);
}

int vexipc_admin_breaker_limits(struct vexipc_admin *admin, const char *id,
				const struct vexipc_config_entry *entries, uint32_t count,
				uint32_t *refused)
{
	struct vexipc_control arg = {
		.service_id_ptr = address_of(id),
		.service_id_len = length_of(id),
		.op = VEXIPC_CONTROL_BREAKER_LIMITS,
		.entries_ptr = address_of(entries),
		.count = count,
	};
	int err = vxi_admin_ioctl(admin, VEXIPC_IOC_CONTROL, &arg);

	if (err && refused)
		*refused = arg.count;
	return err;
}

static int ask_policies(struct vexipc_admin *admin, struct vxi_listing *listing, void *entries,
			uint32_t size)
{
	struct vexipc_policies *list = listing->arg;
	int err;

	list->buffer_ptr = address_of(entries);
	list->buffer_size = size;
	err = vxi_admin_ioctl(admin, VEXIPC_IOC_POLICIES, list);
	listing->count = list->count;
	listing->total = list->total;
	return !err && !list->offered ? -EOPNOTSUPP : err;
}

int vexipc_admin_policies(struct vexipc_admin *admin, struct vexipc_policy_use *use,
			  struct vexipc_policy_entry **entries, uint32_t *count)
{
	struct vexipc_policies list = { .entry_size = sizeof(**entries) };
	struct vxi_listing listing = {
		.entry_size = sizeof(**entries), .ask = ask_policies, .arg = &list,
	};
	void *all;
	int err = vxi_admin_list_all(admin, &listing, &all);

	if (err)
		return err;
	if (use)
		*use = list.use;
	*entries = all;
	*count = listing.count;
	return 0;
}

int vexipc_admin_policy_name(struct vexipc_admin *admin, const char *name)
{
	struct vexipc_policies arg = { .flags = VEXIPC_POLICIES_NAME };

	if (name && strlen(name) >= sizeof(arg.use.name))
		return -ENOENT;
	if (name)
		strcpy(arg.use.name, name);
	return vxi_admin_ioctl(admin, VEXIPC_IOC_POLICIES, &arg);
}

int vexipc_admin_cache_flush(struct vexipc_admin *admin, const char *model,
			     const char *service, uint32_t *flushed)
{
	struct vexipc_cache_flush arg = {
		.model_ptr = address_of(model),
		.model_len = length_of(model),
		.service_id_ptr = address_of(service),
		.service_id_len = length_of(service),
	};
	int err;

	/* Named, but empty, it is nobody's; the module would take it for all. */
	if ((model && !*model) || (service && !*service))
		return -EINVAL;
	err = vxi_admin_ioctl(admin, VEXIPC_IOC_CACHE_FLUSH, &arg);
	if (!err && flushed)
		*flushed = arg.flushed;
	return err;
}

uint32_t vxi_admin_default_transport(void)
{
	struct vexipc_config_entry entry = { .field = VEXIPC_CONFIG_TRANSPORT_TYPE };
	struct vexipc_admin *admin;

	if (vexipc_admin_open(&admin))
		return 0;
	if (vexipc_admin_config_get(admin, &entry, 1, NULL))
		entry.value = 0;
	vexipc_admin_close(admin);
	return (uint32_t)entry.value;
}
