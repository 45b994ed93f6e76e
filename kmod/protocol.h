/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_PROTOCOL_H
#define _VEXIPC_PROTOCOL_H

#include <linux/types.h>
#include <asm/byteorder.h>
#include <linux/vexipc.h>

/**
 * struct vexipc_image - a message as it lies in kernel memory before it leaves
 * @head:     header and fixed body
 * @head_len: bytes of @head in use
 * @part:     what follows, in order: model and content, vector, or text
 * @part_len: bytes of each part
 *
 * The parts belong to whoever built the image and must outlive it.
 */
struct vexipc_image {
	u8 head[sizeof(struct vexipc_msg_header) +
		sizeof(struct vexipc_batch_request_body)] __aligned(8);
	u32 head_len;
	const void *part[2];
	u32 part_len[2];
};

static inline u32 vexipc_image_len(const struct vexipc_image *image)
{
	return image->head_len + image->part_len[0] + image->part_len[1];
}

void vexipc_image_open(struct vexipc_image *image, u32 type, u64 correlation,
		       u64 timestamp, const void *body, u32 body_len);
void vexipc_image_seal(struct vexipc_image *image);
u32 vexipc_image_copy(const struct vexipc_image *image, u32 offset, void *to, u32 len);

/* vexipc_image_unsummed() - the same without the checksum, for who needs none */
static inline void vexipc_image_unsummed(struct vexipc_image *image)
{
	struct vexipc_msg_header *header = (void *)image->head;

	header->length = cpu_to_le32(vexipc_image_len(image));
	header->flags = cpu_to_le32(VEXIPC_MSGF_UNSUMMED);
}

int vexipc_header_check(const struct vexipc_msg_header *header);
int vexipc_message_check(const void *message, u32 len);
bool vexipc_type_known(u32 type);
int vexipc_negotiate(u32 min, u32 max, u64 features, u32 *version, u64 *common);

u32 vexipc_vector_bytes(u32 data_type, u32 dimensions);
int vexipc_string_check(const char *s, u32 len);
int vexipc_name_check(const char *name);
int vexipc_string_list_check(const char *list, u32 len, bool pairs);

#endif
