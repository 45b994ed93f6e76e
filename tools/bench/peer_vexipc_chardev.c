// SPDX-License-Identifier: GPL-2.0-only
/*
 * vexipc, the service on the device: read() brings all requests that wait,
 * write() takes all their answers.
 */
#include <endian.h>
#include <err.h>
#include <unistd.h>

#include "vexipc_link.h"

static void serve(struct bench_link *link)
{
	int fd = vexipc_device_open();
	struct answers answers;

	vexipc_device_register(fd, link->work, VEXIPC_TRANSPORT_CHARDEV);
	answers_make(&answers, link->work, 0);
	bench_ready(link);
	for (;;) {
		ssize_t len = read(fd, link->received, link->room);
		unsigned int n = 0;

		if (len < 0)
			err(1, "%s: read", link->peer->name);
		for (const unsigned char *at = link->received; len > 0; n++) {
			const struct vexipc_msg_header *header = (const void *)at;

			answer_seal(&answers, n, at);
			at += le32toh(header->length);
			len -= le32toh(header->length);
		}
		if (write(fd, answers.messages, n * answers.len) != (ssize_t)(n * answers.len))
			err(1, "%s: write", link->peer->name);
	}
}

const struct bench_peer bench_vexipc_chardev = {
	.name = "vexipc-chardev",
	.serve = serve,
	.connect = vexipc_client_connect,
	.teardown = vexipc_client_teardown,
	.call = vexipc_client_call,
	.submit = vexipc_client_submit,
	.reap = vexipc_client_reap,
};
