// SPDX-License-Identifier: GPL-2.0-only
/* The clients: they submit when it is time, and take what has come of it. */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sim.h"

/* Root keeps its groups and its saved uid: the device opens, and it can come back. */
static void become(uid_t uid)
{
	if (seteuid(uid))
		die("cannot be uid %u: %s", (unsigned int)uid, strerror(errno));
}

void clients_open(struct sim *sim)
{
	const struct options *o = &sim->options;

	for (uint32_t i = 0; i < (o->users ? o->users : 1); i++) {
		if (o->users)
			become(o->user[i].value);
		sim->client[i] = open_device();
		if (o->users)
			become(0);
	}
}

static uint8_t draw_class(struct sim *sim, const struct class *class, uint32_t count)
{
	double sum = 0, at;
	uint32_t i;

	for (i = 0; i < count; i++)
		sum += class[i].weight;
	at = draw_unit(&sim->random) * sum;
	for (i = 0; i + 1 < count && at >= class[i].weight; i++)
		at -= class[i].weight;
	return (uint8_t)i;
}

static void end(struct sim *sim, struct request *request, uint32_t error, uint32_t attempts)
{
	if (request->end_ns)
		die("a request ended twice");
	request->end_ns = now_ns();
	request->error = error;
	request->attempts = (uint8_t)attempts;
	sim->ended++;
	sim->end_ns = request->end_ns;
}

void client_submit(struct sim *sim)
{
	static char content[1 << 16];
	const struct options *o = &sim->options;
	struct request *request = &sim->request[sim->begun++];
	uint8_t priority = draw_class(sim, o->priority, o->priorities);
	uint8_t user = o->users ? draw_class(sim, o->user, o->users) : 0;
	struct vexipc_embed embed = {
		.request_id = sim->begun,
		.data_ptr = (uintptr_t)content,
		.data_size = o->content,
		.priority = o->priority[priority].value,
		.timeout_ms = o->timeout_ms,
		.algorithm = o->algorithm,
		.session = o->sessions ? user + 1u : 0,
	};
	int failed;

	/* Each is another text. */
	memset(content, ' ', o->content);
	snprintf(content, sizeof(content), "%016llx", (unsigned long long)sim->begun);
	*request = (struct request) {
		.due_ns = sim->next_ns, .priority = priority, .user = user,
	};
	if (sim->now_ns - sim->next_ns > sim->late_ns)
		sim->late_ns = sim->now_ns - sim->next_ns;
	if (o->users)
		become(o->user[user].value);
	failed = ioctl(sim->client[user], VEXIPC_IOC_EMBED, &embed);
	if (o->users)
		become(0);
	if (failed) {
		if (!embed.status)
			die("submit: %s", strerror(errno));
		request->refused = true;
		request->retry_after_ms = embed.retry_after_ms;
		end(sim, request, embed.status, 0);
	}
}

static void take(struct sim *sim, const unsigned char *message, uint32_t type)
{
	struct vexipc_embed_response_body answer;
	struct vexipc_error_body error;
	uint64_t id;

	message += sizeof(struct vexipc_msg_header);
	memcpy(&answer, message, sizeof(answer));
	memcpy(&error, message, sizeof(error));
	id = type == VEXIPC_MSG_ERROR ? le64toh(error.request_id) : le64toh(answer.request_id);
	if (!id || id > sim->begun)
		die("a completion of no request");
	if (type == VEXIPC_MSG_ERROR)
		end(sim, &sim->request[id - 1], le32toh(error.error), le32toh(error.attempts));
	else
		end(sim, &sim->request[id - 1], VEXIPC_OK, le32toh(answer.attempts));
}

void client_read(struct sim *sim, int fd)
{
	static unsigned char messages[1 << 16];
	ssize_t got = read(fd, messages, sizeof(messages) - sizeof(struct vexipc_error_body));

	if (got < 0) {
		if (errno == EAGAIN)
			return;
		die("client: read: %s", strerror(errno));
	}
	for (const unsigned char *at = messages; at < messages + got;) {
		struct vexipc_msg_header header;

		memcpy(&header, at, sizeof(header));
		take(sim, at, le32toh(header.message_type));
		at += le32toh(header.length);
	}
}
