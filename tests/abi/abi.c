// SPDX-License-Identifier: GPL-2.0-only
/* The test harness, messages, ioctls. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "abi.h"

char **case_args;
__thread char current[128];
const uint32_t both[2] = { VEXIPC_TRANSPORT_CHARDEV, VEXIPC_TRANSPORT_NETLINK };
const uint32_t serving[SERVICES] = { VEXIPC_TRANSPORT_CHARDEV, VEXIPC_TRANSPORT_NETLINK,
				 VEXIPC_TRANSPORT_RING };

int run_case(const struct test_case *cases, int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	case_args = argv + 2;
	for (; argc > 1 && cases->name; cases++) {
		if (strcmp(argv[1], cases->name))
			continue;
		cases->run();
		return 0;
	}
	fprintf(stderr, "%s: no case '%s'\n", argv[0], argc > 1 ? argv[1] : "");
	return 2;
}

static void failed(const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s%s", file, line, current, *current ? ": " : "");
}

void check(bool ok, const char *file, int line, const char *what)
{
	if (ok)
		return;
	failed(file, line);
	fprintf(stderr, "not so: %s\n", what);
	exit(1);
}

void check_equal(long long got, long long want, const char *file, int line,
		 const char *what)
{
	if (got == want)
		return;
	failed(file, line);
	fprintf(stderr, "%s is %lld, not %lld\n", what, got, want);
	exit(1);
}

uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

int patience(int ms)
{
	static int times;

	if (!times)
		times = access("/sys/kernel/debug/kmemleak", F_OK) ? 1 : 5;
	return ms * times;
}

static void nothing(int signal_number)
{
	(void)signal_number;
}

void interrupt_calls(bool on)
{
	const struct sigaction action = { .sa_handler = nothing };
	const struct timeval tenth = { .tv_usec = on ? 100000 : 0 };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &(struct itimerval) { tenth, tenth }, NULL);
}

const char *transport_name(uint32_t transport)
{
	return transport == VEXIPC_TRANSPORT_NETLINK ? "netlink" :
	       transport == VEXIPC_TRANSPORT_RING ? "ring" : "chardev";
}

uint32_t transport_of(const char *name)
{
	for (int t = 0; t < SERVICES; t++)
		if (!strcmp(transport_name(serving[t]), name))
			return serving[t];
	fprintf(stderr, "no transport '%s'\n", name);
	exit(2);
}

/* --------------------------------------------------------------- messages -- */

static uint32_t crc_table[256];

static void crc_prepare(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
		crc_table[i] = c;
	}
}

uint32_t crc32c(const void *data, size_t len)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const unsigned char *p = data;
	uint32_t c = ~0u;

	pthread_once(&once, crc_prepare);
	while (len--)
		c = crc_table[(c ^ *p++) & 0xff] ^ c >> 8;
	return ~c;
}

static void msg_room(struct msg *m, size_t len)
{
	if (len <= m->room)
		return;
	m->room = len * 2;
	m->data = realloc(m->data, m->room);
	CHECK(m->data);
}

void msg_begin(struct msg *m)
{
	msg_room(m, 512);
	memset(m->data, 0, sizeof(struct vexipc_msg_header));
	m->len = sizeof(struct vexipc_msg_header);
}

void msg_put(struct msg *m, const void *data, size_t len)
{
	msg_room(m, m->len + len);
	if (len)
		memcpy(m->data + m->len, data, len);
	m->len += len;
}

void msg_text(struct msg *m, const char *text)
{
	msg_put(m, text, strlen(text));
}

void msg_reseal(struct msg *m)
{
	msg_header(m)->checksum = 0;
	msg_header(m)->checksum = crc32c(m->data, m->len);
}

void msg_seal(struct msg *m, uint32_t type, uint64_t correlation, uint32_t flags)
{
	*msg_header(m) = (struct vexipc_msg_header) {
		.magic = 0x56455849,
		.version = 1,
		.message_type = type,
		.length = (uint32_t)m->len,
		.correlation_id = correlation,
		.timestamp = now_ms() * 1000000u,
		.flags = flags,
	};
	msg_reseal(m);
}

void msg_free(struct msg *m)
{
	free(m->data);
	*m = (struct msg) { 0 };
}

void msg_check(struct msg *m, uint32_t type)
{
	struct vexipc_msg_header header = *msg_header(m);

	CHECK(m->len >= sizeof(header));
	EQUAL(header.magic, VEXIPC_MAGIC);
	EQUAL(header.version, VEXIPC_PROTOCOL_VERSION);
	EQUAL(header.message_type, type);
	EQUAL(header.length, m->len);
	EQUAL(header.flags & ~VEXIPC_MSGF_ALL, 0);
	CHECK(header.timestamp);
	msg_reseal(m);
	EQUAL(msg_header(m)->checksum, header.checksum);
}

void msg_embed(struct msg *m, uint64_t correlation, const void *content, size_t len,
	       uint32_t dimensions)
{
	struct vexipc_embed_request_body body = {
		.dimensions = dimensions,
		.priority = VEXIPC_PRIORITY_NORMAL,
		.content_len = (uint32_t)len,
	};

	msg_begin(m);
	msg_put(m, &body, sizeof(body));
	msg_put(m, content, len);
	msg_seal(m, VEXIPC_MSG_EMBED_REQUEST, correlation, 0);
}

void msg_batch(struct msg *m, uint64_t correlation, uint32_t count, size_t item_len,
	       uint32_t dimensions)
{
	struct vexipc_batch_item item = { .length = (uint32_t)item_len };
	struct vexipc_batch_request_body body = {
		.common = {
			.dimensions = dimensions,
			.content_len = (uint32_t)(count * (sizeof(item) + item_len)),
		},
		.count = count,
	};
	unsigned char *content = malloc(item_len ? item_len : 1);

	msg_begin(m);
	msg_put(m, &body, sizeof(body));
	for (uint32_t i = 0; i < count; i++) {
		memset(content, (int)('a' + i % 26), item_len);
		msg_put(m, &item, sizeof(item));
		msg_put(m, content, item_len);
	}
	free(content);
	msg_seal(m, VEXIPC_MSG_BATCH_REQUEST, correlation, 0);
}

void msg_answer(struct msg *m, uint64_t correlation, uint32_t dimensions, uint32_t flags)
{
	struct vexipc_embed_response_body body = {
		.dimensions = dimensions,
		.vector_bytes = dimensions * 4,
	};

	msg_begin(m);
	msg_put(m, &body, sizeof(body));
	for (uint32_t i = 0; i < dimensions; i++)
		msg_put(m, &(float) { 0.5f }, sizeof(float));
	msg_seal(m, VEXIPC_MSG_EMBED_RESPONSE, correlation, flags);
}

void msg_error(struct msg *m, uint64_t correlation, uint32_t error, uint32_t kind,
	       const char *text)
{
	struct vexipc_error_body body = {
		.error = error,
		.kind = kind,
		.text_len = (uint32_t)strlen(text),
	};

	msg_begin(m);
	msg_put(m, &body, sizeof(body));
	msg_text(m, text);
	msg_seal(m, VEXIPC_MSG_ERROR, correlation, 0);
}

void msg_register(struct msg *m, const char *id, uint64_t features, uint32_t max_batch)
{
	struct vexipc_register_body body = {
		.version_min = 1,
		.version_max = 1,
		.features = features,
		.max_batch = max_batch,
		.data_types = (1u << VEXIPC_DATA_TYPES) - 1,
		.id_len = (uint32_t)strlen(id),
	};

	msg_begin(m);
	msg_put(m, &body, sizeof(body));
	msg_text(m, id);
	msg_seal(m, VEXIPC_MSG_REGISTER, 1, 0);
}

void msg_health_check(struct msg *m, uint64_t correlation, const char *id)
{
	struct vexipc_health_check_body body = { .id_len = (uint32_t)strlen(id) };

	msg_begin(m);
	msg_put(m, &body, sizeof(body));
	msg_text(m, id);
	msg_seal(m, VEXIPC_MSG_HEALTH_CHECK, correlation, 0);
}

void msg_simple(struct msg *m, uint32_t type, uint64_t correlation, const void *body,
		size_t len)
{
	msg_begin(m);
	msg_put(m, body, len);
	msg_seal(m, type, correlation, 0);
}

/* ------------------------------------------------------------------ ioctls -- */

int call(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

int device_open(int flags)
{
	int fd = open(VEXIPC_DEVICE, O_RDWR | O_CLOEXEC | flags);

	if (fd < 0)
		perror(VEXIPC_DEVICE);
	CHECK(fd >= 0);
	return fd;
}

/* One that stays open, so that looking does not change what is counted. */
static int admin_fd(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = device_open(0);
	return fd;
}

void stats_of(struct vexipc_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	EQUAL(call(admin_fd(), VEXIPC_IOC_STATS, stats), 0);
}

static int config_call(uint32_t field, uint64_t *value, uint32_t flags)
{
	struct vexipc_config_entry entry = { .field = field, .value = *value };
	struct vexipc_config arg = {
		.entries_ptr = (uintptr_t)&entry, .count = 1, .flags = flags,
	};
	int err = call(admin_fd(), VEXIPC_IOC_CONFIG, &arg);

	*value = entry.value;
	return err;
}

int config_get(uint32_t field, uint64_t *value)
{
	*value = 0;
	return config_call(field, value, 0);
}

int config_set(uint32_t field, uint64_t value)
{
	return config_call(field, &value, VEXIPC_CONFIG_WRITE);
}

void check_conserved(void)
{
	struct vexipc_stats s;

	stats_of(&s);
	EQUAL(s.submitted, s.completed + s.failed + s.timed_out + s.cancelled + s.refused +
	      s.queued + s.in_flight);
}

void wait_idle(void)
{
	uint64_t end = now_ms() + (uint64_t)patience(10000);
	struct vexipc_stats s;

	for (stats_of(&s); s.queued || s.in_flight; stats_of(&s)) {
		CHECK(now_ms() < end);
		poll(NULL, 0, 5);
	}
	check_conserved();
}

struct vexipc_embed embed_of(const void *content, size_t len, void *result, size_t room)
{
	return (struct vexipc_embed) {
		.data_ptr = (uintptr_t)content,
		.data_size = (uint32_t)len,
		.result_ptr = (uintptr_t)result,
		.result_size = (uint32_t)room,
		.priority = VEXIPC_PRIORITY_NORMAL,
	};
}
