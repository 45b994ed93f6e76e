// SPDX-License-Identifier: GPL-2.0-only
/*
 * The telemetry programs: attached by links that are pinned, so that they go on
 * without us. Their maps are pinned beside them:
 *
 *   VEXIPC_TM_DIR/NAME            each map
 *   VEXIPC_TM_DIR/programs/NAME   each program
 *   VEXIPC_TM_DIR/links/NAME      the link of each program
 *
 * A second attach loads new programs onto the same maps. Only those write whose
 * number control->owner has, so writing it hands over, for all at one moment:
 * nothing is counted twice, nothing is missed, but what is traced at that very
 * instant. Their pins are made in folders of that
 * number, new_links_NUMBER and new_programs_NUMBER, that then take the place of the
 * others, each as a whole. Such folders, ours and those of who was killed before, are
 * removed after the store only: at any moment there is a pin for each program that
 * writes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../../bpf/telemetry.h"
#include "bpf_fs.h"
#include "cli.h"
#include "telemetry.h"
#include "telemetry.skel.h"

#define NEW_LINKS	"new_links"
#define NEW_PROGRAMS	"new_programs"
#define MODULE_BTF	"/sys/kernel/btf/vexipc"

enum { MIN_SLOTS = 64, PATH_ROOM = 512, GONE_TRIES = 500, MOST_PROGRAMS = 1024 };

static int complain(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int complain(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("vexipc: cannot ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	if (err == -EPERM || err == -EACCES) {
		fputs(": not permitted: use sudo\n", stderr);
		return EXIT_PERMISSION;
	}
	fprintf(stderr, ": %s\n", strerror(-err));
	return EXIT_FAILED;
}

/* libbpf's own words, only when something fails and only what explains it. */
static int print_warnings(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN && geteuid() == 0 ? vfprintf(stderr, format, args) : 0;
}

/* What is longer than any path of ours is none. */
static const char *path_of(char path[PATH_ROOM], const char *dir, const char *name)
{
	if (snprintf(path, PATH_ROOM, "%s/%s", dir, name) >= PATH_ROOM)
		path[0] = 0;
	return path;
}

/* ---------------------------------------------------------- folder, lock -- */

/*
 * One at a time attaches or detaches; closing the descriptor lets go. The folder may have
 * been removed by who had the lock, and another one be in its place.
 */
static int lock_folder(int *fd)
{
	struct stat locked, there;

	for (;;) {
		*fd = open(VEXIPC_TM_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (*fd < 0)
			return -errno;
		if (flock(*fd, LOCK_EX) || fstat(*fd, &locked))
			return -errno;
		if (!stat(VEXIPC_TM_DIR, &there) && there.st_ino == locked.st_ino)
			return 0;
		close(*fd);
	}
}

static int make_folder(int *lock)
{
	int err = bpf_fs_mount();

	if (err)
		return complain(err, "mount the BPF file system at %s", BPF_FS);
	do {
		if (mkdir(VEXIPC_TM_DIR, 0700) && errno != EEXIST)
			return complain(-errno, "make %s", VEXIPC_TM_DIR);
		err = lock_folder(lock);
	} while (err == -ENOENT);
	return err ? complain(err, "use %s", VEXIPC_TM_DIR) : EXIT_OK;
}

/* ------------------------------------------------------------- programs -- */

/* Calls @each for the name of everything in a folder, until one is not 0. */
static int for_each_entry(const char *dir, int (*each)(const char *name, void *context),
			  void *context)
{
	struct dirent *entry;
	int err = 0;
	DIR *d = opendir(dir);

	if (!d)
		return -errno;
	while (!err && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			err = each(entry->d_name, context);
	closedir(d);
	return err;
}

/* The program that a link attaches: a descriptor. */
static int program_of_link(int link)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(link, &info, &len);

	return err ?: bpf_prog_get_fd_by_id(info.prog_id);
}

/* What is pinned in a folder: programs, or links of them. */
struct programs {
	const char *dir;
	bool links;
	bool only_new;
	uint64_t recursion_misses;
	uint32_t ids[MOST_PROGRAMS];
	uint32_t count;
};

static int look_at_program(const char *name, void *context)
{
	struct programs *all = context;
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	char path[PATH_ROOM];
	int err, link, fd = bpf_obj_get(path_of(path, all->dir, name));

	if (all->links && fd >= 0) {
		link = fd;
		fd = program_of_link(link);
		close(link);
	}
	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &len);
	close(fd);
	if (err)
		return err;
	if (all->count < ARRAY_SIZE(all->ids))
		all->ids[all->count++] = info.id;
	all->recursion_misses += info.recursion_misses;
	return 0;
}

/* --------------------------------------------------------------- mapping -- */

/* A map of ours for reading and writing, NULL and errno if that fails. */
static void *map_values(int fd, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

static int open_pinned(const char *name)
{
	char path[PATH_ROOM];

	return bpf_obj_get(path_of(path, VEXIPC_TM_DIR, name));
}

/* The pinned control map, if it is of our layout. */
static struct vexipc_tm_control *pinned_control(void)
{
	struct vexipc_tm_control *control = NULL;
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = open_pinned("control");

	if (fd < 0)
		return NULL;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.value_size == sizeof(*control))
		control = map_values(fd, sizeof(*control));
	close(fd);
	if (control && control->version != VEXIPC_TM_VERSION) {
		munmap(control, sizeof(*control));
		control = NULL;
	}
	return control;
}

/* ---------------------------------------------------------------- remove -- */

static int remove_in(const char *name, void *context)
{
	char path[PATH_ROOM];

	unlink(path_of(path, context, name));
	return 0;
}

static void remove_folder(const char *dir)
{
	for_each_entry(dir, remove_in, (void *)dir);
	rmdir(dir);
}

static bool is_new(const char *name)
{
	return !strncmp(name, NEW_LINKS, strlen(NEW_LINKS)) ||
	       !strncmp(name, NEW_PROGRAMS, strlen(NEW_PROGRAMS));
}

/* Is it a folder of pins that is meant: of those not in place, or of all? */
static bool is_meant(const struct programs *all, const char *name, const char *path)
{
	return is_new(name) || (!all->only_new && (!strcmp(path, VEXIPC_TM_LINKS) ||
						   !strcmp(path, VEXIPC_TM_PROGRAMS)));
}

static int look_in_folder(const char *name, void *context)
{
	struct programs *all = context;
	char path[PATH_ROOM];

	all->dir = path_of(path, VEXIPC_TM_DIR, name);
	all->links = strstr(name, "links") != NULL;
	if (is_meant(all, name, path))
		for_each_entry(path, look_at_program, all);
	return 0;
}

static int remove_if_meant(const char *name, void *context)
{
	char path[PATH_ROOM];

	path_of(path, VEXIPC_TM_DIR, name);
	if (is_meant(context, name, path))
		remove_folder(path);
	return 0;
}

static void wait_until_gone(const struct programs *all)
{
	const struct timespec moment = { .tv_nsec = 10000000 };

	for (uint32_t i = 0; i < all->count; i++) {
		for (int tries = 0; tries < GONE_TRIES; tries++) {
			int fd = bpf_prog_get_fd_by_id(all->ids[i]);

			if (fd < 0)
				break;
			close(fd);
			nanosleep(&moment, NULL);
		}
	}
}

/* All folders are looked at first: a program is gone with the last pin of it. */
static void remove_programs(bool only_new)
{
	struct programs all = { .only_new = only_new };

	for_each_entry(VEXIPC_TM_DIR, look_in_folder, &all);
	for_each_entry(VEXIPC_TM_DIR, remove_if_meant, &all);
	wait_until_gone(&all);
}

/* All pins, and wait until the programs are gone, which hold the module. */
static void remove_pins(void)
{
	struct vexipc_tm_control *control = pinned_control();

	if (control) {
		__atomic_store_n(&control->owner, 0, __ATOMIC_RELEASE);
		munmap(control, sizeof(*control));
	}
	remove_programs(false);
	for_each_entry(VEXIPC_TM_DIR, remove_in, (void *)VEXIPC_TM_DIR);
}

int telemetry_detach(bool *was_attached)
{
	int lock = -1, err = lock_folder(&lock);

	*was_attached = false;
	if (err == -ENOENT)
		return EXIT_OK;
	if (err) {
		if (lock >= 0)
			close(lock);
		return complain(err, "detach telemetry");
	}
	*was_attached = true;
	remove_pins();
	/* Policies are pinned in the same folder. */
	if (rmdir(VEXIPC_TM_DIR) && errno != ENOTEMPTY)
		err = -errno;
	close(lock);
	return err ? complain(err, "remove %s", VEXIPC_TM_DIR) : EXIT_OK;
}

/* ---------------------------------------------------------------- attach -- */

/* Every map is pinned and of our layout: the new programs can go on with them. */
static bool reuse_maps(struct telemetry_bpf *skel, const struct telemetry_settings *settings,
		       const struct vexipc_tm_control *control, uint32_t cpus)
{
	struct bpf_map *map;

	if (!control || !control->owner || control->cpus != cpus ||
	    (settings->slots && settings->slots != control->slots))
		return false;
	bpf_map__set_max_entries(skel->maps.latency, control->slots * cpus);
	bpf_object__for_each_map(map, skel->obj) {
		struct bpf_map_info info = { 0 };
		__u32 len = sizeof(info);
		int fd, err;

		if (bpf_map__is_internal(map))
			continue;
		fd = open_pinned(bpf_map__name(map));
		if (fd < 0)
			return false;
		err = bpf_obj_get_info_by_fd(fd, &info, &len);
		if (!err && (info.value_size != bpf_map__value_size(map) ||
			     info.max_entries != bpf_map__max_entries(map)))
			err = -EINVAL;
		if (!err)
			err = bpf_map__reuse_fd(map, fd);
		close(fd);
		if (err)
			return false;
	}
	return true;
}

static int attach_programs(struct telemetry_bpf *skel)
{
	int err = telemetry_bpf__attach(skel);

	return err ? complain(err, "attach to the module's tracepoints") : EXIT_OK;
}

static int pin_maps(struct telemetry_bpf *skel)
{
	char path[PATH_ROOM];
	struct bpf_map *map;
	int err;

	bpf_object__for_each_map(map, skel->obj) {
		if (bpf_map__is_internal(map))
			continue;
		err = bpf_map__pin(map, path_of(path, VEXIPC_TM_DIR, bpf_map__name(map)));
		if (err)
			return complain(err, "pin %s", path);
	}
	return EXIT_OK;
}

static int pin_programs(struct telemetry_bpf *skel, const char *programs, const char *links)
{
	char path[PATH_ROOM];
	int err;

	if (mkdir(programs, 0700))
		return complain(-errno, "make %s", programs);
	if (mkdir(links, 0700))
		return complain(-errno, "make %s", links);
	for (int i = 0; i < skel->skeleton->prog_cnt; i++) {
		const struct bpf_prog_skeleton *prog = &skel->skeleton->progs[i];

		err = bpf_program__pin(*prog->prog, path_of(path, programs, prog->name));
		if (!err)
			err = bpf_link__pin(*prog->link, path_of(path, links, prog->name));
		if (err)
			return complain(err, "pin %s", path);
	}
	return EXIT_OK;
}

/* A folder of new pins becomes @dir; what was there becomes @fresh, if anything was. */
static int put_in_place(const char *fresh, const char *dir)
{
	if (!renameat2(AT_FDCWD, fresh, AT_FDCWD, dir, RENAME_EXCHANGE))
		return EXIT_OK;
	if (errno == ENOENT && !rename(fresh, dir))
		return EXIT_OK;
	return complain(-errno, "put %s in place", dir);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/*
 * What a service was before telemetry. It may be having requests just now, and
 * be taken in by the programs: then they fill in what they know, we the rest.
 */
static void record_service(struct vexipc_tm_service *s, const struct vexipc_service_entry *entry,
			   uint64_t instance, uint64_t now)
{
	uint64_t nobody = 0;

	if (__atomic_compare_exchange_n((uint64_t *)&s->handle, &nobody, entry->handle, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		s->version = VEXIPC_TM_VERSION;
		s->slot = entry->slot;
		s->instance = instance;
		s->instance_index = ~0u;
		s->partial = 1;
		s->since_ns = now;
		s->in_flight = entry->in_flight;
		s->queued = entry->queued;
	} else if (nobody != entry->handle || !s->partial || s->id[0]) {
		return;
	}
	memcpy(s->id, entry->id, sizeof(s->id));
	s->state = entry->state;
	s->breaker = entry->breaker;
	s->transport = entry->transport;
	s->priority = entry->priority;
	s->weight = entry->weight;
	s->memory_bytes = entry->memory_bytes;
	s->cpu_permille = entry->cpu_permille;
	s->reported_in_flight = entry->reported_in_flight;
	s->reported_queue_depth = entry->reported_queue_depth;
	s->heartbeat_ns = entry->last_heartbeat_ns;
	s->before.requests = less(entry->requests, s->requests);
	s->before.completed = less(entry->completed, s->completed);
	s->before.failures = less(entry->failures, s->failed);
	s->before.bytes_in = less(entry->bytes_in, s->bytes_in);
	s->before.bytes_out = less(entry->bytes_out, s->bytes_out);
}

/* Those of our network namespace; others are taken in when something happens. */
static int record_services(struct telemetry_bpf *skel, struct vexipc_admin *admin)
{
	const size_t size = sizeof(struct vexipc_tm_service) * VEXIPC_TM_SLOTS;
	struct vexipc_tm_service *services =
		map_values(bpf_map__fd(skel->maps.services), size);
	uint64_t cookie = vexipc_telemetry_own_instance();
	struct vexipc_service_entry *entries;
	uint32_t count;
	int err;

	if (!services)
		return complain(-errno, "map the services");
	err = vexipc_admin_list(admin, NULL, &entries, &count);
	if (!err) {
		for (uint32_t i = 0; i < count; i++)
			if (entries[i].slot < VEXIPC_TM_SLOTS)
				record_service(&services[entries[i].slot], &entries[i], cookie,
					       now_ns());
		free(entries);
	}
	munmap(services, size);
	return err ? complain(err, "list the services") : EXIT_OK;
}

static uint32_t slots_for(const struct telemetry_settings *settings, struct vexipc_admin *admin)
{
	struct vexipc_stats stats = { 0 };
	uint32_t slots = MIN_SLOTS;

	if (settings->slots)
		return settings->slots;
	if (vexipc_admin_stats(admin, NULL, &stats))
		return slots;
	while (slots < VEXIPC_TM_SLOTS && slots < 2 * stats.services)
		slots *= 2;
	return slots;
}

/* All is loaded: attach, hand over, pin. The programs write from the store on. */
static int take_office(struct telemetry_bpf *skel, const struct telemetry_settings *settings,
		       struct vexipc_admin *admin, bool took_over, uint32_t slots,
		       uint32_t cpus)
{
	struct vexipc_tm_control *control =
		map_values(bpf_map__fd(skel->maps.control), sizeof(*control));
	char programs[PATH_ROOM], links[PATH_ROOM];
	int code;

	snprintf(programs, sizeof(programs), VEXIPC_TM_DIR "/" NEW_PROGRAMS "_%u",
		 skel->rodata->owner);
	snprintf(links, sizeof(links), VEXIPC_TM_DIR "/" NEW_LINKS "_%u", skel->rodata->owner);
	if (!control)
		return complain(-errno, "map the control map");
	if (!took_over) {
		control->version = VEXIPC_TM_VERSION;
		control->slots = slots;
		control->cpus = cpus;
		control->attached_ns = now_ns();
	}
	if (!took_over || settings->slow_set)
		control->slow_ns = settings->slow_ns;
	/* Whatever comes, no other programs ever get this number. */
	control->last_owner = skel->rodata->owner;
	code = attach_programs(skel);
	if (!code && !took_over)
		code = pin_maps(skel);
	if (!code)
		code = pin_programs(skel, programs, links) ?:
		       put_in_place(programs, VEXIPC_TM_PROGRAMS) ?:
		       put_in_place(links, VEXIPC_TM_LINKS);
	if (!code) {
		control->programs = (uint32_t)skel->skeleton->prog_cnt;
		__atomic_store_n(&control->owner, skel->rodata->owner, __ATOMIC_RELEASE);
		remove_programs(true);
		code = record_services(skel, admin);
	} else {
		remove_folder(programs);
		remove_folder(links);
	}
	munmap(control, sizeof(*control));
	return code;
}

static int load_and_attach(const struct telemetry_settings *settings, struct vexipc_admin *admin,
			   bool *took_over)
{
	struct vexipc_tm_control *before = pinned_control();
	int cpus = libbpf_num_possible_cpus(), code = EXIT_OK, err;
	uint32_t owner = before ? before->last_owner + 1 : 1, slots = 0;
	struct telemetry_bpf *skel = telemetry_bpf__open();

	if (!skel || cpus < 1) {
		code = complain(cpus < 1 ? cpus : -errno, "open the telemetry programs");
		goto out;
	}
	*took_over = reuse_maps(skel, settings, before, (uint32_t)cpus);
	if (!*took_over) {
		/* Some maps may be set to be used again: begin anew. */
		telemetry_bpf__destroy(skel);
		remove_pins();
		skel = telemetry_bpf__open();
		if (!skel) {
			code = complain(-errno, "open the telemetry programs");
			goto out;
		}
		slots = slots_for(settings, admin);
		bpf_map__set_max_entries(skel->maps.latency, slots * (uint32_t)cpus);
	}
	skel->rodata->owner = owner ? owner : 1;
	err = telemetry_bpf__load(skel);
	if (err)
		code = complain(err, "load the telemetry programs");
	else
		code = take_office(skel, settings, admin, *took_over, slots, (uint32_t)cpus);
	if (code && !*took_over)
		remove_pins();
out:
	telemetry_bpf__destroy(skel);
	if (before)
		munmap(before, sizeof(*before));
	return code;
}

int telemetry_attach(const struct telemetry_settings *settings, bool *took_over)
{
	struct vexipc_admin *admin;
	int lock = -1, code = open_admin(&admin);

	if (code)
		return code;
	libbpf_set_print(print_warnings);
	if (access(MODULE_BTF, F_OK)) {
		fprintf(stderr, "vexipc: cannot attach telemetry: the module has no BTF: "
			"build it with pahole installed\n");
		code = EXIT_FAILED;
	} else {
		code = make_folder(&lock);
	}
	if (!code)
		code = load_and_attach(settings, admin, took_over);
	if (code)
		rmdir(VEXIPC_TM_DIR);
	if (lock >= 0)
		close(lock);
	vexipc_admin_close(admin);
	return code;
}

static int add_memory(const char *name, void *context)
{
	struct telemetry_programs *figures = context;
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	char path[PATH_ROOM];
	struct stat st;
	int fd;

	/* Folders: of our programs and links, and of policies. */
	if (stat(path_of(path, VEXIPC_TM_DIR, name), &st) || S_ISDIR(st.st_mode))
		return 0;
	fd = open_pinned(name);
	if (fd < 0)
		return fd;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		figures->map_bytes += (uint64_t)info.max_entries *
				      (info.value_size ? (info.value_size + 7) & ~7u : 1);
	close(fd);
	return 0;
}

int telemetry_programs(struct telemetry_programs *figures)
{
	struct programs all = { .dir = VEXIPC_TM_LINKS, .links = true };
	struct programs pinned = { .dir = VEXIPC_TM_PROGRAMS };
	int err;

	*figures = (struct telemetry_programs) { 0 };
	err = for_each_entry(VEXIPC_TM_LINKS, look_at_program, &all);
	/* By hand anything can be removed: then there is none. */
	if (!err || err == -ENOENT)
		err = for_each_entry(VEXIPC_TM_PROGRAMS, look_at_program, &pinned);
	figures->pinned = pinned.count;
	figures->recursion_misses = all.recursion_misses;
	return !err || err == -ENOENT ?
	       for_each_entry(VEXIPC_TM_DIR, add_memory, figures) : err;
}
