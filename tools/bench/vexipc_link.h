/* SPDX-License-Identifier: GPL-2.0-only */
/* What the services and the client of the vexipc peers share. */
#ifndef VEXIPC_BENCH_VEXIPC_LINK_H
#define VEXIPC_BENCH_VEXIPC_LINK_H

#include <vexipc/vexipc.h>

#include "bench.h"

/* The client, the same for all: the device. */
void vexipc_client_connect(struct bench_link *link);
void vexipc_client_teardown(struct bench_link *link);
void vexipc_client_call(struct bench_link *link);
void vexipc_client_submit(struct bench_link *link, unsigned int n);
unsigned int vexipc_client_reap(struct bench_link *link);

/* The id of this service: new for each process. */
void vexipc_service_id(char *id, size_t room);

/* The messages; requests of a client name no model. */
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

/* Set these of the instance; @what is said when that fails. */
void vexipc_configure(const char *what, struct vexipc_config_entry *entries, uint32_t count);
/* As many descriptors as there may be services, and some more. */
void vexipc_allow_many_files(void);

/* The device, open with 0 or O_NONBLOCK; and a service that registers there for a transport. */
int vexipc_device_open(int flags);
void vexipc_device_register(int fd, const struct bench_work *work, uint32_t transport);

/*
 * Answers of a service, depth of them, each at @messages + i * @stride and complete
 * but for the stamp and the header. Before each lie @prefix bytes.
 */
struct answers {
	unsigned char *messages;
	size_t stride;
	size_t len;		/* of one, header and body */
};

void answers_make(struct answers *answers, const struct bench_work *work, size_t prefix);

/**
 * answer_seal() - make an answer the answer to a request
 * @answers: of this service
 * @i: which
 * @request: an EMBED_REQUEST message, from the module
 */
void answer_seal(struct answers *answers, unsigned int i, const void *request);

#endif
