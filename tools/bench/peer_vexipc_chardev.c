// SPDX-License-Identifier: GPL-2.0-only
/*
 * vexipc, the service on the device: read() brings all requests that wait,
 * write() takes all their answers.
 */
#include <endian.h>
#include <err.h>
#include <unistd.h>

#include "crowd.h"
#include "vexipc_link.h"

static int open_service(const struct bench_work *work, unsigned int number, void *arg)
{
	int fd = vexipc_device_open(0);

	(void)number;
	(void)arg;
	vexipc_device_register(fd, work, VEXIPC_TRANSPORT_CHARDEV);
	return fd;
}

static void serve(struct bench_link *link)
{
	struct services services;
	struct answers answers;

	services_open(&services, link->work, open_service, NULL);
	answers_make(&answers, link->work, 0);
	bench_ready(link);
	for (;;) {
		int fd = services.fd[services_next(&services)];
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
	.several = true,
	.serve = serve,
	.connect = vexipc_client_connect,
	.teardown = vexipc_client_teardown,
	.call = vexipc_client_call,
	.submit = vexipc_client_submit,
	.reap = vexipc_client_reap,
};
