// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "use_lite_model.h"

static const struct use_lite_section shapes[USE_LITE_NR_SECTIONS] = {
#define X(id, n, l, r, c) [USE_LITE_##id] = { .name = n, .layout = l, .rows = r, .cols = c },
	USE_LITE_SECTIONS(X)
#undef X
};

/*
 * The tokenizer follows indices found in the trie: they must stay inside it, and
 * go forward only, so that no walk is endless.
 */
static bool trie_is_sound(const struct use_lite_node *node, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (node[i].id < -1 || node[i].id >= USE_LITE_VOCAB)
			return false;
		if (!node[i].children)
			continue;
		if (node[i].first_child <= i || node[i].first_child > count ||
		    node[i].children > count - node[i].first_child)
			return false;
	}
	return count > 1;
}

static bool section_is_sound(const struct use_lite_section *s,
			     const struct use_lite_section *want, const char *map, size_t map_size)
{
	size_t unit = want->layout == USE_LITE_TRIE ? sizeof(struct use_lite_node) : sizeof(float);

	return !strncmp(s->name, want->name, sizeof(s->name)) && s->layout == want->layout &&
	       (s->rows == want->rows || !want->rows) && s->cols == want->cols &&
	       s->size == (uint64_t)s->rows * s->cols * unit && s->size % 8 == 0 &&
	       s->offset % USE_LITE_ALIGN == 0 && s->offset <= map_size &&
	       s->size <= map_size - s->offset && use_lite_sum(map + s->offset, s->size) == s->sum;
}

static int check(struct use_lite_model *model, char *message, size_t message_size)
{
	const struct use_lite_header *header = model->map;
	const struct use_lite_section *table = (const void *)(header + 1);
	size_t table_size = USE_LITE_NR_SECTIONS * sizeof(*table);
	const char *map = model->map;

	if (memcmp(header->magic, USE_LITE_MAGIC, sizeof(header->magic))) {
		snprintf(message, message_size, "not a use-lite model file");
		return -EINVAL;
	}
	if (header->version != USE_LITE_FORMAT_VERSION) {
		snprintf(message, message_size, "model file has format %u, this program reads %d",
			 header->version, USE_LITE_FORMAT_VERSION);
		return -EPROTO;
	}
	if (header->file_size != model->map_size) {
		snprintf(message, message_size, "model file has %zu bytes instead of %llu",
			 model->map_size, (unsigned long long)header->file_size);
		return -EINVAL;
	}
	if (header->sections != USE_LITE_NR_SECTIONS ||
	    model->map_size < sizeof(*header) + table_size ||
	    use_lite_sum(table, table_size) != header->table_sum) {
		snprintf(message, message_size, "model file is damaged (section table)");
		return -EINVAL;
	}
	for (int i = 0; i < USE_LITE_NR_SECTIONS; i++) {
		if (!section_is_sound(&table[i], &shapes[i], map, model->map_size)) {
			snprintf(message, message_size, "model file is damaged (section %s)",
				 shapes[i].name);
			return -EINVAL;
		}
		model->section[i] = map + table[i].offset;
	}
	model->trie_nodes = table[USE_LITE_VOCAB_TRIE].rows;
	if (!trie_is_sound(model->section[USE_LITE_VOCAB_TRIE], model->trie_nodes)) {
		snprintf(message, message_size, "model file is damaged (trie)");
		return -EINVAL;
	}
	return 0;
}

/* Some filesystems of virtual machines cannot map files: read those. */
static int read_instead(struct use_lite_model *model, int fd)
{
	size_t done = 0;

	model->map = mmap(NULL, model->map_size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (model->map == MAP_FAILED)
		return -errno;
	while (done < model->map_size) {
		ssize_t n = pread(fd, (char *)model->map + done, model->map_size - done,
				  (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

int use_lite_model_open(struct use_lite_model *model, const char *path, char *message,
			size_t message_size)
{
	struct stat st;
	int fd, ret = 0;

	*model = (struct use_lite_model){ .map = MAP_FAILED };
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		ret = -errno;
		goto fail;
	}
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct use_lite_header)) {
		ret = -EINVAL;
		snprintf(message, message_size, "%s: not a use-lite model file", path);
		goto out;
	}
	model->map_size = (size_t)st.st_size;
	model->map = mmap(NULL, model->map_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (model->map == MAP_FAILED)
		ret = errno == ENODEV || errno == EINVAL ? read_instead(model, fd) : -errno;
	if (ret)
		goto fail;
	ret = check(model, message, message_size);
	goto out;
fail:
	snprintf(message, message_size, "%s: %s", path, strerror(-ret));
out:
	if (fd >= 0)
		close(fd);
	if (ret)
		use_lite_model_close(model);
	return ret;
}

void use_lite_model_close(struct use_lite_model *model)
{
	if (model->map && model->map != MAP_FAILED)
		munmap(model->map, model->map_size);
	*model = (struct use_lite_model){ 0 };
}
