// SPDX-License-Identifier: GPL-2.0-only
/*
 * life-failnth: makes the N-th allocation (or the like) of one embed request
 * fail, for N = 1, 2, ... until the request gets by without that.
 *
 *   life-failnth sync|async|register
 *
 * Prints "N ERRNO" for each and "swept N" at the end. Each try must succeed or
 * say that memory was short, and an asynchronous one that was accepted must have
 * its completion.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "life.h"

enum { MOST = 10000 };

static int control;

static void arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(control, text, (size_t)len, 0) != len)
		die("cannot write to fail-nth: %s", strerror(errno));
}

/* Was there a N-th one, so that it failed? */
static bool disarm(void)
{
	char text[16] = "";

	/* These two calls have fault points as well, and may meet the N-th. */
	if (pread(control, text, sizeof(text) - 1, 0) < 1) {
		if (errno != EFAULT)
			die("cannot read fail-nth: %s", strerror(errno));
		return false;
	}
	if (pwrite(control, "0", 1, 0) != 1 && errno != EFAULT)
		die("cannot write to fail-nth: %s", strerror(errno));
	return atoi(text) == 0;
}

/* One request whose N-th fault point fails; whether there was one. */
static bool embed(int fd, unsigned int n, bool async, int *err)
{
	char text[LIFE_TEXT];
	float vector[LIFE_DIMS];
	struct vexipc_embed arg = {
		.data_ptr = (uintptr_t)text,
		.data_size = (uint32_t)life_text(text, n),
		.dimensions = LIFE_DIMS,
		.result_ptr = async ? 0 : (uintptr_t)vector,
		.result_size = async ? 0 : sizeof(vector),
	};
	bool injected;

	arm(n);
	*err = ioctl(fd, VEXIPC_IOC_EMBED, &arg) ? -errno : 0;
	injected = disarm();
	if (!async && !*err && !life_vector_is(vector, arg.vector_bytes, n))
		die("fault %u: the vector is wrong", n);
	return injected;
}

/*
 * What was accepted is completed, by its vector or by an error. With it may come that
 * of one before, whose id could not be copied out.
 */
static void take_completion(int fd, unsigned int n)
{
	char buf[4096];
	struct vexipc_message message;
	ssize_t len = read(fd, buf, sizeof(buf)), one;

	if (len <= 0)
		die("fault %u: no completion: %s", n, strerror(errno));
	for (ssize_t at = 0; at < len; at += one) {
		one = vexipc_message_parse(buf + at, (size_t)(len - at), &message);
		if (one <= 0)
			die("fault %u: what was read is no completion", n);
	}
}

static bool registration(unsigned int n, int *err)
{
	static const uint32_t dims[] = { 3 };
	struct vexipc_register arg = {
		.service_id_ptr = (uintptr_t)"faulty", .service_id_len = 6,
		.dimensions_ptr = (uintptr_t)dims, .dimensions_count = 1,
	};
	int fd = open(VEXIPC_DEVICE, O_RDWR | O_CLOEXEC);
	bool injected;

	if (fd < 0)
		die("cannot open " VEXIPC_DEVICE ": %s", strerror(errno));
	arm(n);
	*err = ioctl(fd, VEXIPC_IOC_REGISTER, &arg) ? -errno : 0;
	injected = disarm();
	close(fd);
	return injected;
}

int main(int argc, char **argv)
{
	bool registering = argc > 1 && !strcmp(argv[1], "register");
	bool async = argc > 1 && !strcmp(argv[1], "async");
	int fd = open(VEXIPC_DEVICE, O_RDWR | O_CLOEXEC);

	control = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fd < 0 || control < 0)
		die("cannot begin: %s", strerror(errno));
	for (unsigned int n = 1; n < MOST; n++) {
		int err;
		bool injected = registering ? registration(n, &err) : embed(fd, n, async, &err);

		printf("%u %s%s\n", n, life_errno(err), injected ? "" : " (no fault)");
		fflush(stdout);
		if (err && err != -ENOMEM && err != -EFAULT)
			die("fault %u: %s", n, life_errno(err));
		/* Copying the id out may fail after it was accepted. */
		if (async && !err)
			take_completion(fd, n);
		if (!injected) {
			if (err)
				die("without a fault: %s", life_errno(err));
			printf("swept %u\n", n);
			return 0;
		}
	}
	die("no end of faults");
}
