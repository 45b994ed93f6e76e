// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies as BPF objects. A link is all that holds a policy, and the link is
 * pinned as POLICY_DIR/NAME: unpinning it unloads the policy.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/vexipc_policy.h>

#include "bpf_fs.h"
#include "cli.h"
#include "policy_load.h"

#define TYPE_NAME	"vexipc_balancer_ops"

enum { LOG_ROOM = 1 << 20, LOG_LINES = 24, PATH_ROOM = 256 };

/* What libbpf complained of last. */
static char complaint[512];

static int note_complaint(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN && !*complaint) {
		vsnprintf(complaint, sizeof(complaint), format, args);
		complaint[strcspn(complaint, "\n")] = '\0';
	}
	return 0;
}

static const char *explained(void)
{
	return strncmp(complaint, "libbpf: ", 8) ? complaint : complaint + 8;
}

/* The tail of the verifier's log, where the reason is. */
static void print_log(const char *log)
{
	const char *from = log + strlen(log);
	int lines = 0;

	while (from > log && lines <= LOG_LINES)
		if (*--from == '\n')
			lines++;
	if (*from == '\n')
		from++;
	if (*from)
		fprintf(stderr, "%s%s", from, from[strlen(from) - 1] == '\n' ? "" : "\n");
}

static int make_folder(void)
{
	int err = bpf_fs_mount();

	if (err)
		return err;
	if (mkdir(BPF_FS "/vexipc", 0700) && errno != EEXIST)
		return -errno;
	return mkdir(POLICY_DIR, 0700) && errno != EEXIST ? -errno : 0;
}

static void pin_path(char path[PATH_ROOM], const char *name)
{
	snprintf(path, PATH_ROOM, POLICY_DIR "/%s", name);
}

/* A name is a file's as well. */
static bool name_is_good(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= VEXIPC_POLICY_NAME_LEN || name[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '/' || name[i] == '.')
			return false;
	return true;
}

/* The one policy of an object, and where its name is. */
static struct bpf_map *policy_of(struct bpf_object *object, char **name)
{
	const struct btf *btf = bpf_object__btf(object);
	struct bpf_map *map, *found = NULL;

	bpf_object__for_each_map(map, object) {
		const struct btf_member *member;
		const struct btf_type *type;
		size_t size;
		char *value;

		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		type = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
		if (!type || strcmp(btf__name_by_offset(btf, type->name_off), TYPE_NAME))
			continue;
		if (found)
			return NULL;
		value = bpf_map__initial_value(map, &size);
		member = btf_members(type);
		for (int i = 0; value && i < btf_vlen(type); i++) {
			size_t at = member[i].offset / 8;

			if (strcmp(btf__name_by_offset(btf, member[i].name_off), "name") ||
			    at + VEXIPC_POLICY_NAME_LEN > size)
				continue;
			*name = value + at;
			found = map;
		}
	}
	return found;
}

/*
 * Maps that are pinned by name are telemetry's. Where it is attached they are
 * shared; where it is not, the policy has empty ones of its own, and pins none.
 */
static int share_maps(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		const char *path = bpf_map__pin_path(map);
		int err = 0, fd;

		if (!path)
			continue;
		fd = bpf_obj_get(path);
		err = fd >= 0 ? bpf_map__reuse_fd(map, fd) : 0;
		if (fd >= 0)
			close(fd);
		err = err ?: bpf_map__set_pin_path(map, NULL);
		if (err)
			return err;
	}
	return 0;
}

static int complain_load(const char *file, int err, const char *log)
{
	if (err == -EPERM || err == -EACCES) {
		if (geteuid()) {
			fprintf(stderr, "vexipc: cannot load %s: not permitted: use sudo\n", file);
			return EXIT_PERMISSION;
		}
	}
	if (*log) {
		fprintf(stderr, "vexipc: cannot load %s: the verifier refuses it:\n", file);
		print_log(log);
		return EXIT_FAILED;
	}
	fprintf(stderr, "vexipc: cannot load %s: %s\n", file,
		*explained() ? explained() : strerror(-err));
	return EXIT_FAILED;
}

/*
 * The link of a policy of that name takes the new map, between two requests. The
 * module refused a second link, having seen that the name is taken.
 */
static int replace(const char *path, const char *name, const struct bpf_map *map)
{
	int link = bpf_obj_get(path), err;

	if (link < 0) {
		fprintf(stderr, "vexipc: cannot load %s: another policy of that name is loaded, "
			"but not pinned at %s: unload it first\n", name, path);
		return EXIT_FAILED;
	}
	err = bpf_link_update(link, bpf_map__fd(map), NULL);
	close(link);
	return err ? fail(err, "replace policy %s", name) : EXIT_OK;
}

static int attach(struct bpf_map *map, const char *name, bool *replaced)
{
	struct bpf_link *link = bpf_map__attach_struct_ops(map);
	char path[PATH_ROOM];
	int err;

	pin_path(path, name);
	*replaced = false;
	if (!link) {
		err = -errno;
		if (err != -EEXIST)
			return fail(err, "attach policy %s", name);
		*replaced = true;
		return replace(path, name, map);
	}
	/* What is pinned there was detached, or this could not be attached. */
	unlink(path);
	err = bpf_link__pin(link, path);
	/* Unpinned, it goes with its descriptor. */
	bpf_link__destroy(link);
	return err ? fail(err, "pin policy %s", name) : EXIT_OK;
}

int policy_load(const char *file, const char *name, char loaded[VEXIPC_POLICY_NAME_LEN],
		bool *replaced)
{
	char *log = calloc(1, LOG_ROOM), *own_name;
	/* Level 0: a log is made only once a program is refused. What the verifier has
	 * to say of one that it takes may be more than there is room for.
	 */
	LIBBPF_OPTS(bpf_object_open_opts, opts,
		.kernel_log_buf = log,
		.kernel_log_size = LOG_ROOM,
		.kernel_log_level = 0,
		.pin_root_path = BPF_FS "/vexipc");
	struct bpf_object *object = NULL;
	struct bpf_map *map;
	int err, code;

	if (!log)
		return fail(-ENOMEM, "load %s", file);
	libbpf_set_print(note_complaint);
	err = make_folder();
	if (err) {
		code = fail(err, "make %s", POLICY_DIR);
		goto out;
	}
	object = bpf_object__open_file(file, &opts);
	if (!object) {
		code = complain_load(file, -errno, "");
		goto out;
	}
	map = policy_of(object, &own_name);
	if (!map) {
		fprintf(stderr, "vexipc: cannot load %s: it has not exactly one policy, a map of "
			"type " TYPE_NAME " in section .struct_ops.link\n", file);
		code = EXIT_FAILED;
		goto out;
	}
	if (name)
		strncpy(own_name, name, VEXIPC_POLICY_NAME_LEN - 1);
	own_name[VEXIPC_POLICY_NAME_LEN - 1] = '\0';
	strcpy(loaded, own_name);
	if (!name_is_good(loaded)) {
		fprintf(stderr, "vexipc: cannot load %s: '%s' is no name for a policy\n", file,
			loaded);
		code = EXIT_USAGE;
		goto out;
	}
	/* A descriptor of each map and program stays with the attached policy. */
	err = share_maps(object) ?: bpf_object__load(object);
	code = err ? complain_load(file, err, log) : attach(map, loaded, replaced);
out:
	bpf_object__close(object);
	free(log);
	return code;
}

int policy_unload(const char *name, uint32_t link_id)
{
	char path[PATH_ROOM];
	int link, err = 0;

	if (!name_is_good(name))
		return fail(-ENOENT, "unload policy %s", name);
	pin_path(path, name);
	link = link_id ? bpf_link_get_fd_by_id(link_id) : -1;
	if (link >= 0) {
		err = bpf_link_detach(link);
		close(link);
	} else if (link_id) {
		err = link;
	}
	if (!err && unlink(path) && errno != ENOENT)
		err = -errno;
	return err ? fail(err, "unload policy %s", name) : EXIT_OK;
}
