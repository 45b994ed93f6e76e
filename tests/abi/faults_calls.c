// SPDX-License-Identifier: GPL-2.0-only
/* Faults in the calls that have many requests, and in commands of io_uring. */
#include <liburing.h>
#include <poll.h>

#include "faults.h"

static unsigned int items;
static atomic_bool stop;

static void *serve_on(void *unused)
{
	struct pollfd ready = { .fd = service[0]->fd, .events = POLLIN };

	(void)unused;
	while (!stop) {
		serve(service[0]);
		poll(&ready, 1, 20);
	}
	return NULL;
}

static unsigned char vectors[8][4 * VEXIPC_MAX_DIMENSIONS];

static int batch_call(unsigned int n, struct vexipc_embed_item *item, char **content)
{
	struct vexipc_embed_batch arg = {
		.items_ptr = (uintptr_t)item, .count = items, .item_size = sizeof(*item),
		.priority = VEXIPC_PRIORITY_NORMAL,
	};

	for (unsigned int i = 0; i < items; i++) {
		content[i] = content_of(n * items + i);
		item[i] = (struct vexipc_embed_item) {
			.data_ptr = (uintptr_t)content[i], .data_size = (uint32_t)size,
			.result_ptr = (uintptr_t)vectors[i], .result_size = dims * 4,
		};
	}
	return call_of(client[0], VEXIPC_IOC_EMBED_BATCH, &arg);
}

static void one_call(unsigned int n)
{
	struct vexipc_embed_item item[ARRAY_SIZE(vectors)];
	char *content[ARRAY_SIZE(vectors)];

	/* Once with the fault, and once after it. */
	for (int again = 0; again < 2; again++) {
		int err = batch_call(n, item, content);

		/* Whose fault it was knows when its call is over. */
		calm();
		came_of(err);
		CHECK(!err || !again);
		for (unsigned int i = 0; i < items; i++) {
			if (!err && !item[i].status) {
				EQUAL(item[i].vector_bytes, dims * 4);
				vector_check(vectors[i], dims * 4, content[i], size);
			} else if (!err) {
				CHECK(fired && !again);
				CHECK(item[i].status == VEXIPC_ERR_NO_MEMORY ||
				      item[i].status == VEXIPC_ERR_FAULT);
				errors[item[i].status == VEXIPC_ERR_FAULT ? EFAULT : ENOMEM]++;
			}
			free(content[i]);
		}
	}
}

/* A service answers meanwhile, in a thread of its own. */
static void sweep_served(void (*scene)(unsigned int n))
{
	pthread_t thread;

	stop = false;
	EQUAL(pthread_create(&thread, NULL, serve_on, NULL), 0);
	sweep(scene);
	stop = true;
	pthread_join(thread, NULL);
	close_all();
}

static void open_to_call(void)
{
	client_transport = VEXIPC_TRANSPORT_CHARDEV;
	open_all(1, 1);
}

static void call_in(unsigned int many)
{
	items = many;
	open_to_call();
	sweep_served(one_call);
}

void scene_batch(void)
{
	call_in(BATCH);
}

/* The same, where items wait for room. */
void scene_batch_room(void)
{
	config(VEXIPC_CONFIG_MAX_QUEUE_SIZE, 2);
	call_in(6);
	config(VEXIPC_CONFIG_MAX_QUEUE_SIZE, 1000);
}

/* ------------------------------------------------------------ VEXIPC_IOC_SUBMIT -- */

/* What became of one: its vector, or the fault is why it has none. */
static void ended(uint32_t status, const unsigned char *vector, const char *content)
{
	if (!status) {
		vector_check(vector, dims * 4, content, size);
		return;
	}
	CHECK(fired);
	CHECK(status == VEXIPC_ERR_NO_MEMORY || status == VEXIPC_ERR_FAULT);
	errors[status == VEXIPC_ERR_FAULT ? EFAULT : ENOMEM]++;
}

static unsigned int check_outcomes(const struct vexipc_outcome *outcome, unsigned int reaped,
				   const char *content)
{
	for (unsigned int i = 0; i < reaped; i++)
		ended(outcome[i].status, vectors[i], content);
	return reaped;
}

/* Submitted and taken in one call; what that has left, in another without faults. */
static void one_submission(unsigned int n)
{
	struct vexipc_outcome outcome[BATCH];
	struct vexipc_embed embed[BATCH];
	struct vexipc_submit arg = {
		.embeds_ptr = (uintptr_t)embed, .embed_size = sizeof(embed[0]), .count = BATCH,
		.outcomes_ptr = (uintptr_t)outcome, .outcome_size = sizeof(outcome[0]),
		.reap = BATCH, .wait = BATCH,
	};
	char *content = content_of(n);
	unsigned int reaped = 0, submitted = BATCH;
	int err;

	for (unsigned int i = 0; i < BATCH; i++) {
		embed[i] = embed_of(content, size, NULL, 0);
		outcome[i] = (struct vexipc_outcome) {
			.result_ptr = (uintptr_t)vectors[i], .result_size = dims * 4,
		};
	}
	err = call_of(client[0], VEXIPC_IOC_SUBMIT, &arg);
	calm();
	if (!came_of(err)) {
		reaped = check_outcomes(outcome, arg.reaped, content);
		submitted = arg.submitted;
		if (submitted < BATCH)
			ended(embed[submitted].status ?: VEXIPC_ERR_FAULT, NULL, content);
	}
	arg.count = 0;
	EQUAL(call(client[0]->fd, VEXIPC_IOC_SUBMIT, &arg), 0);
	reaped += check_outcomes(outcome, arg.reaped, content);
	/* Of a call whose own figures could not be told it is not known. */
	CHECK(err || fired ? reaped <= submitted : reaped == BATCH);
	EQUAL(call(client[0]->fd, VEXIPC_IOC_SUBMIT, &arg), 0);
	EQUAL(arg.reaped, 0);
	free(content);
}

void scene_submission(void)
{
	open_to_call();
	sweep_served(one_submission);
}

/* ---------------------------------------------------------------- io_uring -- */

static struct io_uring ring;

static void one_command(unsigned int n)
{
	char *content = content_of(n);
	struct vexipc_embed embed = embed_of(content, size, vectors[0], dims * 4);
	struct __kernel_timespec late = { .tv_sec = patience(10000) / 1000 };
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	struct io_uring_cqe *cqe;
	int ret;

	CHECK(sqe);
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, client[0]->fd, NULL, 0, 0);
	sqe->cmd_op = (uint32_t)VEXIPC_IOC_EMBED;
	*(struct vexipc_uring_cmd *)sqe->cmd = (struct vexipc_uring_cmd) {
		.arg_ptr = (uintptr_t)&embed,
	};
	around(client[0], true);
	ret = io_uring_submit_and_wait(&ring, 1);
	around(client[0], false);
	calm();
	/* It may be io_uring that met the fault: then it is there still. */
	if (ret < 0) {
		CHECK(fired);
		CHECK(ret == -EAGAIN || ret == -EINTR || by_fault(ret));
		errors[-ret]++;
	}
	io_uring_submit(&ring);
	EQUAL(io_uring_wait_cqe_timeout(&ring, &cqe, &late), 0);
	if (cqe->res) {
		CHECK(fired);
		CHECK(by_fault(cqe->res));
		errors[-cqe->res]++;
	} else {
		ended(embed.status, vectors[0], content);
	}
	io_uring_cqe_seen(&ring, cqe);
	EQUAL(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	free(content);
}

void scene_uring(void)
{
	EQUAL(io_uring_queue_init(4, &ring, 0), 0);
	open_to_call();
	sweep_served(one_command);
	io_uring_queue_exit(&ring);
}
