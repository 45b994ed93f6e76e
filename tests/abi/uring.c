// SPDX-License-Identifier: GPL-2.0-only
/* Commands of io_uring on the device. */
#include <liburing.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "abi.h"

enum { MANY = 64, ROOM = 64, DIMENSIONS = 16, TEXT = 16 };

/* A request that is under way, or was. */
struct ask {
	struct vexipc_embed embed;
	char text[TEXT];
	unsigned char vector[ROOM];
	int res;
	bool ended;
};

static struct io_uring ring;
static struct ask asks[MANY];
static int fd;

static void open_ring(unsigned int flags)
{
	fd = device_open(0);
	EQUAL(io_uring_queue_init(MANY * 2, &ring, flags), 0);
}

static void close_ring(void)
{
	io_uring_queue_exit(&ring);
	close(fd);
}

static struct io_uring_sqe *command(unsigned long op, void *arg, uint64_t data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	struct vexipc_uring_cmd *cmd;

	CHECK(sqe);
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = (uint32_t)op;
	cmd = (struct vexipc_uring_cmd *)sqe->cmd;
	*cmd = (struct vexipc_uring_cmd) { .arg_ptr = (uintptr_t)arg };
	io_uring_sqe_set_data64(sqe, data);
	return sqe;
}

static struct io_uring_sqe *ask(unsigned int i)
{
	struct ask *a = &asks[i];

	memset(a, 0, sizeof(*a));
	snprintf(a->text, sizeof(a->text), "text %u", i);
	a->embed = embed_of(a->text, strlen(a->text), a->vector, sizeof(a->vector));
	return command(VEXIPC_IOC_EMBED, &a->embed, i);
}

static void submit(unsigned int count)
{
	EQUAL(io_uring_submit(&ring), count);
}

/* The next completion: of which, and what came of it. */
static uint64_t reap(int *res)
{
	struct __kernel_timespec late = { .tv_sec = patience(10000) / 1000 };
	struct io_uring_cqe *cqe;
	uint64_t data;

	EQUAL(io_uring_wait_cqe_timeout(&ring, &cqe, &late), 0);
	data = io_uring_cqe_get_data64(cqe);
	*res = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	return data;
}

/* So many of asks have each their one completion. */
static void reap_asks(unsigned int count)
{
	while (count--) {
		int res;
		uint64_t i = reap(&res);

		CHECK(i < MANY);
		AT("%u", (unsigned int)i);
		CHECK(!asks[i].ended);
		asks[i].ended = true;
		asks[i].res = res;
	}
	*current = '\0';
}

static void no_more(void)
{
	struct io_uring_cqe *cqe;

	EQUAL(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
}

static void check_answer(const struct ask *a, uint64_t handle)
{
	EQUAL(a->res, 0);
	EQUAL(a->embed.status, VEXIPC_OK);
	EQUAL(a->embed.dimensions, DIMENSIONS);
	EQUAL(a->embed.vector_bytes, sizeof(a->vector));
	EQUAL(a->embed.attempts, 1);
	EQUAL(a->embed.service_handle, handle);
	CHECK(a->embed.request_id);
	vector_check(a->vector, sizeof(a->vector), a->text, strlen(a->text));
}

static void embed_many_with(unsigned int setup, unsigned int sqe_flags)
{
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "srv", DIMENSIONS);

	open_ring(setup);
	for (int round = 0; round < 4; round++) {
		for (unsigned int i = 0; i < MANY; i++)
			io_uring_sqe_set_flags(ask(i), sqe_flags);
		submit(MANY);
		reap_asks(MANY);
		for (unsigned int i = 0; i < MANY; i++)
			check_answer(&asks[i], s->handle);
	}
	no_more();
	close_ring();
	server_stop(s);
	check_conserved();
}

static void embeds(void)
{
	embed_many_with(0, 0);
}

static void embeds_deferred(void)
{
	embed_many_with(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, 0);
}

static void embeds_by_workers(void)
{
	embed_many_with(0, IOSQE_ASYNC);
}

static void embeds_by_a_poller(void)
{
	embed_many_with(IORING_SETUP_SQPOLL, 0);
}

static void expect(const char *what, int res)
{
	int got;

	AT("%s", what);
	submit(1);
	reap(&got);
	EQUAL(got, res);
	no_more();
	*current = '\0';
}

static void refuses(void)
{
	struct server *s;
	struct vexipc_stats stats;
	struct vexipc_cancel c = { .request_id = 7 };
	struct io_uring_sqe *sqe;
	int res;

	open_ring(0);
	command(VEXIPC_IOC_STATS, &stats, 0);
	expect("another command", -ENOTTY);
	command(_IOR(VEXIPC_IOC_MAGIC, 0x22, struct vexipc_embed), &asks[0].embed, 0);
	expect("another direction", -ENOTTY);
	sqe = ask(0);
	((struct vexipc_uring_cmd *)sqe->cmd)->reserved = 1;
	expect("reserved", -EINVAL);
	sqe = ask(0);
	sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
	sqe->buf_index = 0;
	submit(1);
	reap(&res);
	/* io_uring itself knows that there is no such buffer, where it looks first. */
	CHECK(res == -EINVAL || res == -EFAULT);
	ask(0);
	asks[0].embed.result_ptr = 0;
	expect("no room for a vector", -EINVAL);
	command(VEXIPC_IOC_EMBED, NULL, 0);
	expect("no struct", -EFAULT);
	command(_IOWR(VEXIPC_IOC_MAGIC, 0x22, char[sizeof(struct vexipc_embed) + 8]), &asks[0].embed, 0);
	memset((char *)&asks[0] + sizeof(struct vexipc_embed), 1, 8);
	expect("a longer struct", -E2BIG);
	ask(0);
	asks[0].embed.data_ptr = 8;
	expect("content", -EFAULT);
	ask(0);
	asks[0].embed.data_size = 0;
	expect("no content", -EINVAL);
	ask(0);
	expect("no service", -ENODEV);
	EQUAL(asks[0].embed.status, VEXIPC_ERR_NO_CAPABLE_SERVICE);

	s = server_start(VEXIPC_TRANSPORT_CHARDEV, "srv", DIMENSIONS);
	ask(0);
	asks[0].embed.result_size = ROOM - 1;
	expect("little room", -ENOSPC);
	EQUAL(asks[0].embed.status, VEXIPC_ERR_RESULT_TOO_SMALL);
	EQUAL(asks[0].embed.vector_bytes, ROOM);
	ask(0);
	asks[0].embed.result_ptr = 8;
	expect("result", -EFAULT);
	command(VEXIPC_IOC_CANCEL, &c, 0);
	expect("nothing to cancel", -ESRCH);
	command(VEXIPC_IOC_CANCEL, NULL, 0);
	expect("no struct to cancel", -EFAULT);
	c.reserved = 1;
	command(VEXIPC_IOC_CANCEL, &c, 0);
	expect("reserved of a cancel", -EINVAL);
	ask(0);
	expect("nothing wrong", 0);
	check_answer(&asks[0], s->handle);
	close_ring();
	server_stop(s);
	check_conserved();
}

/* A service that takes requests and answers none. */
static struct peer *hold(void)
{
	struct peer *p = peer_open(VEXIPC_TRANSPORT_CHARDEV);

	serve_as(p, "held");
	return p;
}

static void comes_back(void)
{
	struct pollfd p = { .events = POLLOUT };
	struct peer *service;
	unsigned int refused = 0;
	struct io_uring_cqe *cqe;
	struct msg m = { 0 };

	EQUAL(config_set(VEXIPC_CONFIG_MAX_QUEUE_SIZE, 10), 0);
	service = hold();
	open_ring(0);
	for (unsigned int i = 0; i < MANY; i++)
		ask(i);
	submit(MANY);
	/* Who is refused is told at once. */
	for (; !io_uring_peek_cqe(&ring, &cqe); refused++) {
		EQUAL(cqe->res, -EAGAIN);
		EQUAL(asks[io_uring_cqe_get_data64(cqe)].embed.status, VEXIPC_ERR_WOULD_BLOCK);
		io_uring_cqe_seen(&ring, cqe);
	}
	CHECK(refused >= MANY - 10 && refused < MANY);
	p.fd = fd;
	EQUAL(poll(&p, 1, 0), 0);
	for (unsigned int i = 0; i < MANY - refused; i++)
		peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	EQUAL(poll(&p, 1, patience(10000)), 1);
	CHECK(p.revents & POLLOUT);
	close_ring();
	peer_close(service);
	msg_free(&m);
	wait_idle();
}

static void cancels(void)
{
	struct peer *service = hold();
	struct vexipc_cancel c = { .request_id = 77 };
	struct msg m = { 0 };
	int res, seen = 0;

	open_ring(0);
	ask(0);
	asks[0].embed.request_id = 77;
	submit(1);
	peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	no_more();
	command(VEXIPC_IOC_CANCEL, &c, 1000);
	submit(1);
	for (int i = 0; i < 2; i++) {
		uint64_t which = reap(&res);

		EQUAL(res, which == 1000 ? 0 : -ECANCELED);
		seen |= which == 1000 ? 1 : 2;
	}
	EQUAL(seen, 3);
	EQUAL(asks[0].embed.status, VEXIPC_ERR_CANCELLED);
	command(VEXIPC_IOC_CANCEL, &c, 1000);
	expect("a second time", -ESRCH);
	/* The same id is free again, and by the ioctl it goes as well. */
	ask(0);
	asks[0].embed.request_id = 77;
	submit(1);
	peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	EQUAL(call(fd, VEXIPC_IOC_CANCEL, &c), 0);
	reap(&res);
	EQUAL(res, -ECANCELED);
	close_ring();
	peer_close(service);
	msg_free(&m);
	check_conserved();
}

static void times_out(void)
{
	struct peer *service = hold();
	int res;

	open_ring(0);
	ask(0);
	asks[0].embed.timeout_ms = 50;
	submit(1);
	reap(&res);
	EQUAL(res, -ETIMEDOUT);
	EQUAL(asks[0].embed.status, VEXIPC_ERR_TIMED_OUT);
	close_ring();
	peer_close(service);
	check_conserved();
}

static void expect_all_cancelled(struct peer *service, unsigned int count)
{
	struct vexipc_stats s;

	wait_idle();
	stats_of(&s);
	EQUAL(s.submitted, count);
	EQUAL(s.cancelled, count);
	peer_close(service);
	check_conserved();
}

static void goes_with_its_ring(void)
{
	struct peer *service = hold();
	struct msg m = { 0 };

	open_ring(0);
	for (unsigned int i = 0; i < MANY; i++)
		ask(i);
	submit(MANY);
	for (unsigned int i = 0; i < MANY / 2; i++)
		peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	close_ring();
	expect_all_cancelled(service, MANY);
	msg_free(&m);
}

static void goes_with_its_process(void)
{
	struct peer *service = hold();
	struct msg m = { 0 };
	pid_t child = fork();

	if (!child) {
		open_ring(0);
		for (unsigned int i = 0; i < MANY; i++)
			ask(i);
		submit(MANY);
		for (;;)
			pause();
	}
	for (unsigned int i = 0; i < MANY; i++)
		peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	EQUAL(kill(child, SIGKILL), 0);
	EQUAL(waitpid(child, NULL, 0), child);
	expect_all_cancelled(service, MANY);
	msg_free(&m);
}

static void fails_over(void)
{
	struct peer *service = hold();
	struct msg m = { 0 };
	struct server *s;

	open_ring(0);
	for (unsigned int i = 0; i < MANY; i++)
		ask(i);
	submit(MANY);
	for (unsigned int i = 0; i < MANY; i++)
		peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	s = server_start(VEXIPC_TRANSPORT_CHARDEV, "other", DIMENSIONS);
	no_more();
	peer_close(service);
	reap_asks(MANY);
	for (unsigned int i = 0; i < MANY; i++) {
		EQUAL(asks[i].embed.attempts, 2);
		asks[i].embed.attempts = 1;
		check_answer(&asks[i], s->handle);
	}
	close_ring();
	server_stop(s);
	msg_free(&m);
	check_conserved();
}

/* Each has one completion, whether the answer or the cancel was first. */
static void races(void)
{
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "srv", DIMENSIONS);
	struct vexipc_cancel c[MANY / 2];
	unsigned int won = 0;

	open_ring(0);
	for (unsigned int round = 0; round < 50; round++) {
		for (unsigned int i = 0; i < MANY / 2; i++) {
			ask(i);
			asks[i].embed.request_id = i + 1;
		}
		/* Some later, so that answers come in between. */
		if (round % 2)
			submit(MANY / 2);
		for (unsigned int i = 0; i < MANY / 2; i++) {
			c[i] = (struct vexipc_cancel) { .request_id = i + 1 };
			command(VEXIPC_IOC_CANCEL, &c[i], MANY / 2 + i);
		}
		submit(round % 2 ? MANY / 2 : MANY);
		reap_asks(MANY);
		for (unsigned int i = 0; i < MANY / 2; i++) {
			int cancel = asks[MANY / 2 + i].res;

			AT("round %u, %u: cancel %d", round, i, cancel);
			EQUAL(asks[i].res, cancel ? 0 : -ECANCELED);
			EQUAL(cancel, cancel ? -ESRCH : 0);
			won += !cancel;
		}
		memset(asks, 0, sizeof(asks));
	}
	*current = '\0';
	CHECK(won);
	no_more();
	close_ring();
	server_stop(s);
	check_conserved();
}

/* Processes that embed until they are killed, in the middle of whatever it is. */
static void storm(void)
{
	struct server *s[2] = {
		server_start(VEXIPC_TRANSPORT_CHARDEV, "one", DIMENSIONS),
		server_start(VEXIPC_TRANSPORT_NETLINK, "two", DIMENSIONS),
	};
	struct vexipc_stats stats;

	for (unsigned int round = 0; round < 20; round++) {
		pid_t child[4];

		for (size_t k = 0; k < ARRAY_SIZE(child); k++) {
			child[k] = fork();
			if (child[k])
				continue;
			open_ring(k % 2 ? IORING_SETUP_SQPOLL : 0);
			for (;;) {
				for (unsigned int i = 0; i < MANY; i++)
					io_uring_sqe_set_flags(ask(i), k == 2 ? IOSQE_ASYNC : 0);
				submit(MANY);
				reap_asks(MANY);
			}
		}
		poll(NULL, 0, patience(20) + (int)round * 7);
		for (size_t k = 0; k < ARRAY_SIZE(child); k++)
			EQUAL(kill(child[k], SIGKILL), 0);
		for (size_t k = 0; k < ARRAY_SIZE(child); k++) {
			int status;

			EQUAL(waitpid(child[k], &status, 0), child[k]);
			/* None has found anything wrong before. */
			CHECK(WIFSIGNALED(status));
		}
	}
	wait_idle();
	stats_of(&stats);
	CHECK(stats.completed);
	EQUAL(stats.failed + stats.timed_out, 0);
	for (size_t k = 0; k < ARRAY_SIZE(s); k++)
		server_stop(s[k]);
	check_conserved();
}

static const struct test_case cases[] = {
	{ "embeds", embeds },
	{ "embeds_deferred", embeds_deferred },
	{ "embeds_by_workers", embeds_by_workers },
	{ "embeds_by_a_poller", embeds_by_a_poller },
	{ "refuses", refuses },
	{ "comes_back", comes_back },
	{ "cancels", cancels },
	{ "times_out", times_out },
	{ "goes_with_its_ring", goes_with_its_ring },
	{ "goes_with_its_process", goes_with_its_process },
	{ "fails_over", fails_over },
	{ "races", races },
	{ "storm", storm },
	{ NULL, NULL }
};

int main(int argc, char **argv)
{
	return run_case(cases, argc, argv);
}
