// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers as a service makes them that knows what it will say: the body and the
 * vector are there before anybody asks. The checksum covers all of the answer and
 * is computed for each. That of a request is not checked: the module made it.
 */
#include <endian.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vexipc_link.h"

struct answer {
	struct vexipc_msg_header header;
	struct vexipc_embed_response_body body;
	unsigned char vector[];
} __attribute__((packed));

struct request {
	struct vexipc_msg_header header;
	struct vexipc_embed_request_body body;
	unsigned char model_and_content[];
} __attribute__((packed));

void vexipc_service_id(char *id, size_t room)
{
	snprintf(id, room, "bench-%d", (int)getpid());
}

void answers_make(struct answers *answers, const struct bench_work *work, size_t prefix)
{
	unsigned char *at;

	answers->len = sizeof(struct answer) + work->answer;
	answers->stride = prefix + answers->len;
	at = calloc(work->depth, answers->stride);
	if (!at)
		err(1, NULL);
	answers->messages = at + prefix;
	for (unsigned int i = 0; i < work->depth; i++) {
		struct answer *answer = (void *)(answers->messages + i * answers->stride);

		answer->body.dimensions = htole32((uint32_t)(work->answer / sizeof(float)));
		answer->body.data_type = htole32(VEXIPC_FLOAT32);
		answer->body.vector_bytes = htole32((uint32_t)work->answer);
		bench_vector(work, answer->vector);
	}
}

void answer_seal(struct answers *answers, unsigned int i, const void *message)
{
	struct answer *answer = (void *)(answers->messages + i * answers->stride);
	const struct request *request = message;

	if (request->header.message_type != htole32(VEXIPC_MSG_EMBED_REQUEST))
		errx(1, "the service got a %s",
		     vexipc_message_type_name(le32toh(request->header.message_type)));
	bench_answer(answer->vector, request->model_and_content +
		     le32toh(request->body.model_len));
	vexipc_message_seal(answer, answers->len, VEXIPC_MSG_EMBED_RESPONSE,
			    le64toh(request->header.correlation_id), 0);
}
