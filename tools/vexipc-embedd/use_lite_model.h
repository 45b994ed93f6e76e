/* SPDX-License-Identifier: GPL-2.0-only */
/* The mapped model file of the use-lite engine. */
#ifndef VEXIPC_EMBEDD_USE_LITE_MODEL_H
#define VEXIPC_EMBEDD_USE_LITE_MODEL_H

#include "use_lite_format.h"

/**
 * struct use_lite_model - a model file, checked and mapped read-only
 * @section: data of each section, by enum use_lite_section_id
 * @trie_nodes: nodes in the trie
 * @map: the mapping
 * @map_size: its bytes
 *
 * Never changes once open, so threads share it without locks.
 */
struct use_lite_model {
	const void *section[USE_LITE_NR_SECTIONS];
	uint32_t trie_nodes;
	void *map;
	size_t map_size;
};

/**
 * use_lite_model_open() - map a model file and check all of it
 * @model: what to fill
 * @path: the file
 * @message: on failure, what is wrong with it
 * @message_size: room there
 *
 * Return: 0; the negative errno of open, fstat or mmap; -EPROTO when it is a model
 * file of another version; -EINVAL when it is none or damaged.
 */
int use_lite_model_open(struct use_lite_model *model, const char *path, char *message,
			size_t message_size);

/** use_lite_model_close() - unmap; harmless on a zeroed model */
void use_lite_model_close(struct use_lite_model *model);

static inline const float *use_lite_weights(const struct use_lite_model *model,
					    enum use_lite_section_id id)
{
	return model->section[id];
}

#endif
