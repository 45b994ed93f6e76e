// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two C examples of the VexFS IPC specification, as they stand there: the
 * files of tests/fixtures that are included. Compiled by a test with nothing but
 * the installed header.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vexipc.h>

static void need(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void register_service(int fd)
{
	const char *service_id = "example", *service_name = "An example";
	const char *endpoint = "somewhere";
	uint32_t dimensions[] = { 384, 768 };
	uint32_t num_dimensions = 2;

#include "../fixtures/spec-register.c.inc"

	need(request.handle != 0, "register");
}

static void send_request(int fd)
{
	const char *input_data = "some text";
	uint32_t data_size = (uint32_t)strlen(input_data);

#include "../fixtures/spec-embed.c.inc"

	/* Submitted: it got an id, and a completion to be read. */
	need(request.request_id != 0, "submit");
}

static void check_registered(int fd)
{
	struct vexipc_status status = {
		.service_id_ptr = (uintptr_t)"example", .service_id_len = 7,
	};

	need(!ioctl(fd, VEXFS_IOCTL_IPC_GET_SERVICE_STATUS, &status), "status");
	need(!strcmp(status.entry.name, "An example"), "name");
	need(status.entry.max_batch == 100, "largest batch");
	need(status.entry.features & VEXIPC_FEATURE_BATCH, "feature");
	need(status.entry.dimensions_count == 2, "dimensions");
	printf("registered with %u dimensions\n", status.entry.dimensions[1]);
}

/* What the service would do: answer with 768 floats. */
static uint32_t crc(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint32_t c = ~0u;

	while (len--) {
		c ^= *p++;
		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
	}
	return ~c;
}

static void answer(int fd)
{
	struct {
		struct vexipc_msg_header header;
		struct vexipc_embed_request_body body;
		char content[64];
	} request;
	static struct {
		struct vexipc_msg_header header;
		struct vexipc_embed_response_body body;
		float vector[768];
	} response;

	need(read(fd, &request, sizeof(request)) > 0, "read the request");
	need(!memcmp(request.content, "some text", request.body.content_len), "content");
	need(request.body.dimensions == 768 && request.body.priority == 128, "request");
	response.header = request.header;
	response.header.message_type = VEXIPC_MSG_EMBED_RESPONSE;
	response.header.length = sizeof(response);
	response.header.checksum = 0;
	response.body.dimensions = 768;
	response.body.vector_bytes = sizeof(response.vector);
	response.vector[767] = 0.25f;
	response.header.checksum = crc(&response, sizeof(response));
	need(write(fd, &response, sizeof(response)) == sizeof(response), "answer");
}

static void completion(int fd)
{
	static struct {
		struct vexipc_msg_header header;
		struct vexipc_embed_response_body body;
		float vector[768];
	} done;

	need(read(fd, &done, sizeof(done)) == sizeof(done), "read the completion");
	need(done.header.message_type == VEXIPC_MSG_EMBED_RESPONSE, "its type");
	need(done.vector[767] == 0.25f, "its vector");
	printf("completion of %u dimensions\n", done.body.dimensions);
}

int main(void)
{
	int service = open(VEXIPC_DEVICE, O_RDWR), client = open(VEXIPC_DEVICE, O_RDWR);

	need(service >= 0 && client >= 0, VEXIPC_DEVICE);
	register_service(service);
	check_registered(client);
	send_request(client);
	answer(service);
	completion(client);
	return 0;
}
