// SPDX-License-Identifier: GPL-2.0-only
/*
 * The client of the vexipc peers: an ioctl that waits for the vector, or, deeper
 * than 1, a write() of all requests that are to be sent and a read() of all
 * completions that have come.
 */
#include <endian.h>
#include <err.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vexipc_link.h"

static size_t request_len(const struct bench_work *work)
{
	return sizeof(struct request) + work->request;
}

static struct request *request_at(struct bench_link *link, unsigned int i)
{
	return (void *)((unsigned char *)link->priv + i * request_len(link->work));
}

void vexipc_client_connect(struct bench_link *link)
{
	const struct bench_work *work = link->work;

	link->client_fd[0] = vexipc_device_open(0);
	link->priv = calloc(work->depth, request_len(work));
	if (!link->priv)
		err(1, NULL);
	for (unsigned int i = 0; i < work->depth; i++) {
		struct request *request = request_at(link, i);

		request->body.dimensions = htole32((uint32_t)(work->answer / sizeof(float)));
		request->body.priority = htole32(VEXIPC_PRIORITY_NORMAL);
		request->body.content_len = htole32((uint32_t)work->request);
		bench_text(work, request->model_and_content);
	}
}

void vexipc_client_teardown(struct bench_link *link)
{
	free(link->priv);
}

void vexipc_client_call(struct bench_link *link)
{
	const struct bench_work *work = link->work;
	struct vexipc_embed embed = {
		.data_ptr = (uintptr_t)link->texts,
		.data_size = (uint32_t)work->request,
		.result_ptr = (uintptr_t)link->received,
		.result_size = (uint32_t)work->answer,
		.dimensions = (uint32_t)(work->answer / sizeof(float)),
		.priority = VEXIPC_PRIORITY_NORMAL,
	};

	bench_begin(link, 1);
	if (ioctl(link->client_fd[0], VEXIPC_IOC_EMBED, &embed) ||
	    embed.vector_bytes != work->answer)
		err(1, "%s: embed: %s", link->peer->name, vexipc_error_name(embed.status));
	bench_end(link, link->received);
}

void vexipc_client_submit(struct bench_link *link, unsigned int n)
{
	size_t len = request_len(link->work);

	for (unsigned int i = 0; i < n; i++) {
		struct request *request = request_at(link, i);

		bench_stamp_text(request->model_and_content,
				 bench_text_of(link->peer, link->submitted++));
		vexipc_message_seal(request, len, VEXIPC_MSG_EMBED_REQUEST, link->submitted, 0);
	}
	if (write(link->client_fd[0], link->priv, n * len) != (ssize_t)(n * len))
		err(1, "%s: write", link->peer->name);
}

unsigned int vexipc_client_reap(struct bench_link *link)
{
	const size_t len = sizeof(struct answer) + link->work->answer;
	ssize_t got = read(link->client_fd[0], link->received, link->work->depth * len);
	unsigned int n = 0;

	if (got < 0)
		err(1, "%s: read", link->peer->name);
	for (size_t at = 0; at < (size_t)got; at += len) {
		const struct answer *done = (void *)(link->received + at);

		if (done->header.message_type != htole32(VEXIPC_MSG_EMBED_RESPONSE) ||
		    done->header.correlation_id != htole64(link->reaped + 1) ||
		    done->body.vector_bytes != htole32((uint32_t)link->work->answer))
			errx(1, "%s: a %s", link->peer->name,
			     vexipc_message_type_name(le32toh(done->header.message_type)));
		bench_end(link, done->vector);
		n++;
	}
	return n;
}
