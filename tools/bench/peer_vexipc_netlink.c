// SPDX-License-Identifier: GPL-2.0-only
/*
 * vexipc, the service on generic netlink. One message a datagram, several
 * datagrams a call: several messages in one would make the kernel take the buffer
 * for them from vmalloc().
 */
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vexipc_link.h"

enum {
	SOCKET_BUFFER = 8 << 20,
	/* What stands before a vexipc message. */
	PREFIX = NLMSG_HDRLEN + GENL_HDRLEN + NLA_HDRLEN,
};

/* What stands before a message: the only attribute of a request. */
struct prefix {
	struct nlmsghdr netlink;
	struct genlmsghdr generic;
	struct nlattr attr;
};

_Static_assert(sizeof(struct prefix) == PREFIX, "no padding");

struct service {
	int fd;
	uint16_t family;
	struct answers answers;
	size_t request_room;
	struct mmsghdr send[BENCH_MAX_DEPTH], receive[BENCH_MAX_DEPTH];
	struct iovec out[BENCH_MAX_DEPTH], in[BENCH_MAX_DEPTH];
};

static struct nlmsghdr *begin(void *buf, uint16_t type, uint8_t cmd, uint8_t version)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *generic = mnl_nlmsg_put_extra_header(nlh, sizeof(*generic));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	generic->cmd = cmd;
	generic->version = version;
	return nlh;
}

static int find_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			*(uint16_t *)data = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

/* Send, and receive until the ack. */
static void exchange(struct mnl_socket *socket, const struct nlmsghdr *nlh, mnl_cb_t callback,
		     void *data)
{
	char buf[8192];
	int more = MNL_CB_OK;

	if (mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0)
		err(1, "netlink: send");
	while (more > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(socket, buf, sizeof(buf));

		if (len < 0)
			err(1, "netlink: receive");
		more = mnl_cb_run(buf, (size_t)len, 0, 0, callback, data);
	}
	if (more < 0)
		err(1, "netlink: family vexipc");
}

static void open_service(struct service *service, const struct bench_work *work)
{
	int on = 1, size = SOCKET_BUFFER;
	struct mnl_socket *socket = mnl_socket_open(NETLINK_GENERIC);
	char buf[1024], id[VEXIPC_MAX_NAME];
	struct nlmsghdr *nlh;
	struct nlattr *nest;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID))
		err(1, "netlink");
	service->fd = mnl_socket_get_fd(socket);
	mnl_socket_setsockopt(socket, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &on, sizeof(on));
	if (setsockopt(service->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		err(1, "SO_RCVBUF");

	nlh = begin(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, VEXIPC_GENL_NAME);
	exchange(socket, nlh, find_family, &service->family);

	vexipc_service_id(id, sizeof(id));
	nlh = begin(buf, service->family, VEXIPC_CMD_REGISTER, VEXIPC_GENL_VERSION);
	nest = mnl_attr_nest_start(nlh, VEXIPC_A_SERVICE);
	mnl_attr_put_str(nlh, VEXIPC_SVC_ID, id);
	mnl_attr_put_u32(nlh, VEXIPC_SVC_DIMENSIONS, (uint32_t)(work->answer / sizeof(float)));
	mnl_attr_put_u32(nlh, VEXIPC_SVC_TRANSPORT, VEXIPC_TRANSPORT_NETLINK);
	mnl_attr_put_u64(nlh, VEXIPC_SVC_FEATURES, VEXIPC_FEATURE_FRAGMENTS);
	mnl_attr_nest_end(nlh, nest);
	exchange(socket, nlh, NULL, NULL);
}

/* Answers with what netlink wants before them. */
static void make_answers(struct service *service, struct bench_link *link)
{
	const struct bench_work *work = link->work;

	answers_make(&service->answers, work, PREFIX);
	service->request_room = link->room / work->depth;
	for (unsigned int i = 0; i < work->depth; i++) {
		struct prefix prefix = {
			.netlink.nlmsg_len = (uint32_t)(PREFIX + service->answers.len),
			.netlink.nlmsg_type = service->family,
			.netlink.nlmsg_flags = NLM_F_REQUEST,
			.generic.cmd = VEXIPC_CMD_RESPONSE,
			.generic.version = VEXIPC_GENL_VERSION,
			.attr.nla_len = (uint16_t)(NLA_HDRLEN + service->answers.len),
			.attr.nla_type = VEXIPC_A_MESSAGE,
		};
		unsigned char *at = service->answers.messages + i * service->answers.stride -
				    PREFIX;

		memcpy(at, &prefix, sizeof(prefix));
		service->out[i] = (struct iovec){ at, PREFIX + service->answers.len };
		service->in[i] = (struct iovec){ link->received + i * service->request_room,
						 service->request_room };
		service->send[i].msg_hdr.msg_iov = &service->out[i];
		service->send[i].msg_hdr.msg_iovlen = 1;
		service->receive[i].msg_hdr.msg_iov = &service->in[i];
		service->receive[i].msg_hdr.msg_iovlen = 1;
	}
}

static unsigned int receive_requests(struct service *service, unsigned int depth)
{
	int n;

	if (depth == 1) {
		n = recv(service->fd, service->in[0].iov_base, service->in[0].iov_len, 0) < 0 ?
		    -1 : 1;
	} else {
		/* Its lengths are of no use: netlink's are in the messages. */
		n = recvmmsg(service->fd, service->receive, depth, MSG_WAITFORONE, NULL);
	}
	if (n < 0)
		err(1, "vexipc-netlink: receive");
	return (unsigned int)n;
}

static void send_answers(struct service *service, unsigned int n)
{
	unsigned int sent = 0;

	if (n == 1 && send(service->fd, service->out[0].iov_base, service->out[0].iov_len, 0) > 0)
		return;
	while (sent < n) {
		int more = sendmmsg(service->fd, service->send + sent, n - sent, 0);

		if (more < 0)
			err(1, "vexipc-netlink: send");
		sent += (unsigned int)more;
	}
}

static void serve(struct bench_link *link)
{
	struct service *service = calloc(1, sizeof(*service));

	if (!service)
		err(1, NULL);
	open_service(service, link->work);
	make_answers(service, link);
	bench_ready(link);
	for (;;) {
		unsigned int n = receive_requests(service, link->work->depth);

		for (unsigned int i = 0; i < n; i++) {
			const struct prefix *prefix = service->in[i].iov_base;

			if (prefix->netlink.nlmsg_type != service->family ||
			    prefix->attr.nla_type != VEXIPC_A_MESSAGE)
				errx(1, "vexipc-netlink: not a whole request");
			answer_seal(&service->answers, i, prefix + 1);
		}
		send_answers(service, n);
	}
}

const struct bench_peer bench_vexipc_netlink = {
	.name = "vexipc-netlink",
	.serve = serve,
	.connect = vexipc_client_connect,
	.teardown = vexipc_client_teardown,
	.call = vexipc_client_call,
	.submit = vexipc_client_submit,
	.reap = vexipc_client_reap,
};
