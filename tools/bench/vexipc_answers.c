// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers as a service makes them that knows what it will say: the body and the
 * vector are there before anybody asks. The checksum covers all of the answer and
 * is computed for each. That of a request is not checked: the module made it.
 */
#include <endian.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vexipc_link.h"

void vexipc_service_id(char *id, size_t room)
{
	snprintf(id, room, "bench-%d", (int)getpid());
}

void vexipc_configure(const char *what, struct vexipc_config_entry *entries, uint32_t count)
{
	struct vexipc_admin *admin;
	int error = vexipc_admin_open(&admin);

	if (!error)
		error = vexipc_admin_config_set(admin, entries, count, NULL);
	if (error)
		errx(1, "%s: %s", what, strerror(-error));
	vexipc_admin_close(admin);
}

void vexipc_allow_many_files(void)
{
	struct rlimit files = { 2 * VEXIPC_MAX_SERVICES, 2 * VEXIPC_MAX_SERVICES };

	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "so many files");
}

int vexipc_device_open(int flags)
{
	int fd = open(VEXIPC_DEVICE, O_RDWR | O_CLOEXEC | flags);

	if (fd < 0)
		err(1, VEXIPC_DEVICE);
	return fd;
}

void vexipc_device_register(int fd, const struct bench_work *work, uint32_t transport)
{
	uint32_t dimensions = (uint32_t)(work->answer / sizeof(float));
	char id[VEXIPC_MAX_NAME];
	struct vexipc_register reg = {
		.service_id_ptr = (uintptr_t)id,
		.dimensions_ptr = (uintptr_t)&dimensions,
		.dimensions_count = 1,
		.transport = transport,
	};

	reg.service_id_len = (uint32_t)snprintf(id, sizeof(id), "bench-%d-%d", (int)getpid(), fd);
	if (ioctl(fd, VEXIPC_IOC_REGISTER, &reg))
		err(1, "vexipc: register");
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
