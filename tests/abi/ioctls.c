// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls: what each does, and each way to be refused. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "abi.h"

#define BAD_POINTER ((uintptr_t)8)

static struct vexipc_register registration(const char *id)
{
	return (struct vexipc_register) {
		.service_id_ptr = (uintptr_t)id,
		.service_id_len = (uint32_t)strlen(id),
		.features = VEXIPC_FEATURES,
	};
}

/* --------------------------------------------------------------- register -- */

static void register_tells(void)
{
	static const char models[] = "one\0two", metadata[] = "zone=a\0rack=7";
	static const uint32_t dimensions[] = { 64, 128 };
	int fd = device_open(0);
	struct vexipc_register arg = registration("full");
	struct vexipc_status status = { 0 };
	struct vexipc_service_entry *e = &status.entry;
	char text[256];

	arg.service_name_ptr = (uintptr_t)"Full Service";
	arg.service_name_len = 12;
	arg.service_version_ptr = (uintptr_t)"2.1";
	arg.service_version_len = 3;
	arg.endpoint_ptr = (uintptr_t)"tcp:host:1";
	arg.endpoint_len = 10;
	arg.dimensions_ptr = (uintptr_t)dimensions;
	arg.dimensions_count = 2;
	arg.models_ptr = (uintptr_t)models;
	arg.models_len = sizeof(models);
	arg.metadata_ptr = (uintptr_t)metadata;
	arg.metadata_len = sizeof(metadata);
	arg.max_batch_size = 17;
	arg.data_types = 1 << VEXIPC_FLOAT32 | 1 << VEXIPC_INT8;
	arg.priority = 200;
	arg.weight = 300;
	arg.max_concurrent = 5;
	arg.latency_us = 1234;
	arg.throughput = 99;
	arg.transport = VEXIPC_TRANSPORT_CHARDEV;
	arg.features = VEXIPC_FEATURE_BATCH | 1ull << 60;
	EQUAL(call(fd, VEXIPC_IOC_REGISTER, &arg), 0);
	CHECK(arg.handle);
	EQUAL(arg.version, 1);
	EQUAL(arg.features, VEXIPC_FEATURE_BATCH);
	EQUAL(arg.heartbeat_ms, 10000);
	CHECK(arg.time_ns / 1000000u <= now_ms() && arg.time_ns / 1000000u + 60000 > now_ms());

	status.handle = arg.handle;
	status.text_ptr = (uintptr_t)text;
	status.text_size = sizeof(text);
	EQUAL(call(fd, VEXIPC_IOC_STATUS, &status), 0);
	EQUAL(e->handle, arg.handle);
	EQUAL(strncmp(e->id, "full", sizeof(e->id)), 0);
	EQUAL(strncmp(e->name, "Full Service", sizeof(e->name)), 0);
	EQUAL(strncmp(e->software_version, "2.1", sizeof(e->software_version)), 0);
	EQUAL(e->max_batch, 17);
	EQUAL(e->data_types, arg.data_types);
	EQUAL(e->priority, 200);
	EQUAL(e->weight, 300);
	EQUAL(e->max_concurrent, 5);
	EQUAL(e->latency_us, 1234);
	EQUAL(e->throughput, 99);
	EQUAL(e->transport, VEXIPC_TRANSPORT_CHARDEV);
	EQUAL(e->features, VEXIPC_FEATURE_BATCH);
	EQUAL(e->version, 1);
	EQUAL(e->state, VEXIPC_STATE_ACTIVE);
	EQUAL(e->health, 100);
	EQUAL(e->uid, 0);
	EQUAL(e->pid, getpid());
	EQUAL(e->dimensions_count, 2);
	EQUAL(e->dimensions[0], 64);
	EQUAL(e->dimensions[1], 128);
	EQUAL(e->available_minute, 10000);
	CHECK(e->registered_ns && e->registered_ns <= arg.time_ns);
	EQUAL(e->last_heartbeat_ns, 0);
	EQUAL(e->requests, 0);
	{
		static const char want[] =
			"endpoint=tcp:host:1\0model=one\0model=two\0zone=a\0rack=7";

		EQUAL(status.text_size, sizeof(want));
		EQUAL(memcmp(text, want, sizeof(want)), 0);
	}
	close(fd);
}

static void register_defaults(void)
{
	int fd = device_open(0);
	struct vexipc_register arg = { .service_id_ptr = (uintptr_t)"d", .service_id_len = 1 };
	struct vexipc_status status = { 0 };
	struct vexipc_service_entry *e = &status.entry;

	EQUAL(call(fd, VEXIPC_IOC_REGISTER, &arg), 0);
	EQUAL(arg.version, 1);
	EQUAL(arg.features, 0);
	status.handle = arg.handle;
	EQUAL(call(fd, VEXIPC_IOC_STATUS, &status), 0);
	EQUAL(strncmp(e->name, "d", sizeof(e->name)), 0);
	EQUAL(e->max_batch, 1);
	EQUAL(e->data_types, 1 << VEXIPC_FLOAT32);
	EQUAL(e->priority, 128);
	EQUAL(e->weight, 100);
	EQUAL(e->max_concurrent, 100);
	EQUAL(e->dimensions_count, 0);
	EQUAL(e->transport, VEXIPC_TRANSPORT_CHARDEV);
	EQUAL(status.text_size, 0);
	close(fd);
}

static void register_refused(void)
{
	static const char ids[VEXIPC_MAX_NAME + 1] =
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	static char big[VEXIPC_MAX_METADATA_LEN + 1];
	static uint32_t dimensions[VEXIPC_MAX_SERVICE_DIMENSIONS + 1];
	int fd = device_open(0);
	struct vexipc_register good = registration("r"), arg;
	struct vexipc_stats before, after;

	for (size_t i = 0; i < ARRAY_SIZE(dimensions); i++)
		dimensions[i] = 64;
	stats_of(&before);

#define REFUSED(errno_, ...) do {						\
		arg = good;							\
		__VA_ARGS__;							\
		AT("%s", #__VA_ARGS__);						\
		EQUAL(call(fd, VEXIPC_IOC_REGISTER, &arg), -(errno_));		\
	} while (0)
	REFUSED(EINVAL, arg.service_id_len = 0);
	REFUSED(EINVAL, arg.service_id_ptr = (uintptr_t)ids; arg.service_id_len = 65);
	REFUSED(EINVAL, arg.service_name_ptr = (uintptr_t)ids; arg.service_name_len = 65);
	REFUSED(EINVAL, arg.service_version_ptr = (uintptr_t)ids; arg.service_version_len = 65);
	REFUSED(EINVAL, arg.endpoint_ptr = (uintptr_t)big; arg.endpoint_len = 257);
	REFUSED(EINVAL, arg.models_ptr = (uintptr_t)big; arg.models_len = 1025);
	REFUSED(EINVAL, arg.metadata_ptr = (uintptr_t)big; arg.metadata_len = 4097);
	REFUSED(EINVAL, arg.metadata_len = UINT32_MAX);
	REFUSED(EINVAL, arg.models_ptr = (uintptr_t)"ab"; arg.models_len = 2);
	REFUSED(EINVAL, arg.models_ptr = (uintptr_t)"a\0\0b"; arg.models_len = 5);
	REFUSED(EINVAL, arg.metadata_ptr = (uintptr_t)"ab"; arg.metadata_len = 3);
	REFUSED(EINVAL, arg.metadata_ptr = (uintptr_t)"=b"; arg.metadata_len = 3);
	REFUSED(EINVAL, arg.dimensions_ptr = (uintptr_t)dimensions; arg.dimensions_count = 33);
	REFUSED(EINVAL, arg.dimensions_count = UINT32_MAX);
	REFUSED(ERANGE, dimensions[1] = 0; arg.dimensions_ptr = (uintptr_t)dimensions;
			arg.dimensions_count = 2);
	REFUSED(ERANGE, dimensions[1] = 8193; arg.dimensions_ptr = (uintptr_t)dimensions;
			arg.dimensions_count = 2);
	REFUSED(ERANGE, arg.max_batch_size = 1001);
	REFUSED(EINVAL, arg.data_types = 1 << VEXIPC_DATA_TYPES);
	REFUSED(ERANGE, arg.priority = 256);
	REFUSED(ERANGE, arg.weight = 1001);
	REFUSED(ERANGE, arg.max_concurrent = UINT32_MAX);
	REFUSED(EINVAL, arg.transport = VEXIPC_TRANSPORTS);
	REFUSED(EOPNOTSUPP, arg.transport = VEXIPC_TRANSPORT_NETLINK);
	REFUSED(EOPNOTSUPP, arg.transport = VEXIPC_TRANSPORT_RING);
	REFUSED(EOPNOTSUPP, arg.flags = 1);
	REFUSED(EOPNOTSUPP, arg.flags = 1u << 31);
	REFUSED(EINVAL, arg.reserved = 1);
	REFUSED(EINVAL, arg.version_min = 2; arg.version_max = 1);
	REFUSED(EINVAL, arg.version_max = 1);
	REFUSED(EPROTONOSUPPORT, arg.version_min = 2; arg.version_max = 9);
	REFUSED(EILSEQ, arg.service_id_ptr = (uintptr_t)"a\nb"; arg.service_id_len = 3);
	REFUSED(EILSEQ, arg.service_id_ptr = (uintptr_t)"\xc0\x80"; arg.service_id_len = 2);
	REFUSED(EILSEQ, arg.service_name_ptr = (uintptr_t)"a\xff"; arg.service_name_len = 2);
	REFUSED(EILSEQ, arg.models_ptr = (uintptr_t)"\x1b[31m"; arg.models_len = 6);
	REFUSED(EILSEQ, arg.metadata_ptr = (uintptr_t)"a=\x7f"; arg.metadata_len = 4);
	REFUSED(EFAULT, arg.service_id_ptr = BAD_POINTER);
	REFUSED(EFAULT, arg.service_name_len = 1);
	REFUSED(EFAULT, arg.service_version_len = 1);
	REFUSED(EFAULT, arg.endpoint_len = 1);
	REFUSED(EFAULT, arg.models_len = 1);
	REFUSED(EFAULT, arg.metadata_len = 1);
	REFUSED(EFAULT, arg.dimensions_count = 1);
#undef REFUSED

	/* None of it registered anything: the descriptor is free for it. */
	stats_of(&after);
	EQUAL(after.services, before.services);
	EQUAL(after.registered, before.registered);
	AT("after all");
	EQUAL(call(fd, VEXIPC_IOC_REGISTER, &good), 0);
	close(fd);
}

static void register_exists(void)
{
	int fd = device_open(0), other = device_open(0);
	struct vexipc_register arg = registration("twin");

	EQUAL(call(fd, VEXIPC_IOC_REGISTER, &arg), 0);
	EQUAL(call(other, VEXIPC_IOC_REGISTER, &arg), -EEXIST);
	arg = registration("second");
	EQUAL(call(fd, VEXIPC_IOC_REGISTER, &arg), -EEXIST);
	EQUAL(call(other, VEXIPC_IOC_REGISTER, &arg), 0);
	/* An id is all of its bytes: one is no prefix of another. */
	close(other);
	other = device_open(0);
	arg = registration("twi");
	EQUAL(call(other, VEXIPC_IOC_REGISTER, &arg), 0);
	close(other);
	close(fd);
	/* It lived as long as the descriptor. */
	fd = device_open(0);
	arg = registration("twin");
	EQUAL(call(fd, VEXIPC_IOC_REGISTER, &arg), 0);
	close(fd);
}

static void unregister(void)
{
	int fd = device_open(0), other = device_open(0);
	struct vexipc_register reg = registration("leaver");
	struct vexipc_unregister good = {
		.service_id_ptr = (uintptr_t)"leaver", .service_id_len = 6,
	}, arg = good;

	EQUAL(call(fd, VEXIPC_IOC_UNREGISTER, &arg), -ENOENT);
	EQUAL(call(fd, VEXIPC_IOC_REGISTER, &reg), 0);
	arg = good; arg.service_id_len = 0;
	EQUAL(call(fd, VEXIPC_IOC_UNREGISTER, &arg), -EINVAL);
	arg = good; arg.service_id_len = 65;
	EQUAL(call(fd, VEXIPC_IOC_UNREGISTER, &arg), -EINVAL);
	arg = good; arg.service_id_ptr = BAD_POINTER;
	EQUAL(call(fd, VEXIPC_IOC_UNREGISTER, &arg), -EFAULT);
	arg = good; arg.flags = 2;
	EQUAL(call(fd, VEXIPC_IOC_UNREGISTER, &arg), -EOPNOTSUPP);
	arg = good; arg.reserved = 1;
	EQUAL(call(fd, VEXIPC_IOC_UNREGISTER, &arg), -EINVAL);
	/* With privilege, another descriptor's too. */
	arg = good; arg.failed_over = 77;
	EQUAL(call(other, VEXIPC_IOC_UNREGISTER, &arg), 0);
	EQUAL(arg.failed_over, 0);
	EQUAL(call(fd, VEXIPC_IOC_UNREGISTER, &arg), -ENOENT);
	/* The descriptor may register again, and gets another handle. */
	{
		uint64_t first = reg.handle;

		EQUAL(call(fd, VEXIPC_IOC_REGISTER, &reg), 0);
		CHECK(reg.handle != first);
	}
	/* With nothing in hand, drained is gone: soon, for it is a work's job. */
	arg = good; arg.flags = VEXIPC_UNREGISTER_DRAIN;
	EQUAL(call(fd, VEXIPC_IOC_UNREGISTER, &arg), 0);
	{
		uint64_t end = now_ms() + (uint64_t)patience(5000);
		struct vexipc_status status = {
			.service_id_ptr = (uintptr_t)"leaver", .service_id_len = 6,
		};

		while (call(other, VEXIPC_IOC_STATUS, &status) != -ENOENT) {
			CHECK(now_ms() < end);
			usleep(2000);
		}
	}
	close(fd);
	close(other);
}

/* ------------------------------------------------------------------ embed -- */

static void embed_blocks(void)
{
	static const struct {
		uint32_t type, bytes;
	} types[] = {
		{ VEXIPC_FLOAT32, 64 * 4 }, { VEXIPC_FLOAT16, 64 * 2 }, { VEXIPC_INT8, 64 },
		{ VEXIPC_INT16, 64 * 2 }, { VEXIPC_BINARY, 8 },
	};
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "srv", 64);
	int fd = device_open(0);

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		unsigned char vector[1024] = { 0 };
		struct vexipc_embed e = embed_of("hello", 5, vector, sizeof(vector));

		AT("data type %u", types[i].type);
		e.data_type = types[i].type;
		EQUAL(call(fd, VEXIPC_IOC_EMBED, &e), 0);
		EQUAL(e.status, VEXIPC_OK);
		EQUAL(e.dimensions, 64);
		EQUAL(e.vector_bytes, types[i].bytes);
		EQUAL(e.scale != 0, types[i].type == VEXIPC_INT8 || types[i].type == VEXIPC_INT16);
		EQUAL(e.attempts, 1);
		EQUAL(e.service_handle, s->handle);
		CHECK(e.request_id);
		CHECK(e.service_ns);
		vector_check(vector, e.vector_bytes, "hello", 5);
		EQUAL(vector[e.vector_bytes], 0);
	}
	close(fd);
	server_stop(s);
	check_conserved();
}

static void embed_submits(void)
{
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "srv", 16);
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct msg m = { 0 };
	struct vexipc_embed e = embed_of("abc", 3, NULL, 0);
	const struct vexipc_embed_response_body *body;

	e.dimensions = 32;
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
	CHECK(e.request_id >> 63);
	EQUAL(e.status, VEXIPC_OK);
	peer_expect(client, &m, VEXIPC_MSG_EMBED_RESPONSE);
	body = msg_body(&m);
	/* A request of an ioctl has no correlation but its id. */
	EQUAL(msg_header(&m)->correlation_id, e.request_id);
	EQUAL(body->request_id, e.request_id);
	EQUAL(body->service_handle, s->handle);
	EQUAL(body->attempts, 1);
	EQUAL(body->dimensions, 32);
	EQUAL(body->data_type, VEXIPC_FLOAT32);
	EQUAL(body->vector_bytes, 128);
	CHECK(body->service_ns);
	EQUAL(m.len, sizeof(struct vexipc_msg_header) + sizeof(*body) + 128);
	vector_check(body + 1, 128, "abc", 3);
	peer_silent(client);
	msg_free(&m);
	peer_close(client);
	server_stop(s);
}

static void embed_refused(void)
{
	static char name[VEXIPC_MAX_NAME + 1];
	unsigned char vector[256];
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "srv", 16);
	int fd = device_open(0);
	struct vexipc_embed good = embed_of("text", 4, vector, sizeof(vector)), arg;
	struct vexipc_stats before, after;

	memset(name, 'n', sizeof(name));
	stats_of(&before);
#define REFUSED(errno_, ...) do {						\
		arg = good;							\
		__VA_ARGS__;							\
		AT("%s", #__VA_ARGS__);						\
		EQUAL(call(fd, VEXIPC_IOC_EMBED, &arg), -(errno_));		\
	} while (0)
	REFUSED(EINVAL, arg.data_size = 0);
	REFUSED(EMSGSIZE, arg.data_size = VEXIPC_MAX_MESSAGE);
	REFUSED(EMSGSIZE, arg.data_size = UINT32_MAX);
	REFUSED(EINVAL, arg.model_ptr = (uintptr_t)name; arg.model_len = 65);
	REFUSED(EINVAL, arg.service_ptr = (uintptr_t)name; arg.service_len = 65);
	REFUSED(EINVAL, arg.dimensions = VEXIPC_MAX_DIMENSIONS + 1);
	REFUSED(EINVAL, arg.data_type = VEXIPC_DATA_TYPES);
	REFUSED(EINVAL, arg.content_type = VEXIPC_CONTENT_TYPES);
	REFUSED(EINVAL, arg.priority = 256);
	REFUSED(EINVAL, arg.timeout_ms = VEXIPC_MAX_TIMEOUT_MS + 1);
	REFUSED(EINVAL, arg.algorithm = VEXIPC_ALGORITHMS);
	REFUSED(EINVAL, arg.request_id = 1ull << 63);
	REFUSED(EOPNOTSUPP, arg.flags = VEXIPC_EMBED_FLAGS + 1);
	REFUSED(EILSEQ, arg.model_ptr = (uintptr_t)"\xff"; arg.model_len = 1);
	REFUSED(EILSEQ, arg.service_ptr = (uintptr_t)"a\r"; arg.service_len = 2);
	REFUSED(EFAULT, arg.data_ptr = BAD_POINTER);
	REFUSED(EFAULT, arg.model_ptr = BAD_POINTER; arg.model_len = 3);
	REFUSED(EFAULT, arg.service_ptr = BAD_POINTER; arg.service_len = 3);
	/* None of these was ever a request. */
	stats_of(&after);
	EQUAL(after.submitted, before.submitted);

	/* These were, and are counted by their reason. */
	REFUSED(ENOENT, arg.service_ptr = (uintptr_t)"nobody"; arg.service_len = 6);
	EQUAL(arg.status, VEXIPC_ERR_NO_SUCH_SERVICE);
	REFUSED(ENODEV, arg.model_ptr = (uintptr_t)"other"; arg.model_len = 5);
	EQUAL(arg.status, VEXIPC_ERR_NO_CAPABLE_SERVICE);
	EQUAL(arg.attempts, 0);
	stats_of(&after);
	EQUAL(after.refused_by[VEXIPC_ERR_NO_CAPABLE_SERVICE],
	      before.refused_by[VEXIPC_ERR_NO_CAPABLE_SERVICE] + 1);
#undef REFUSED
	AT("result at a bad pointer");
	arg = good;
	arg.result_ptr = BAD_POINTER;
	EQUAL(call(fd, VEXIPC_IOC_EMBED, &arg), -EFAULT);
	wait_idle();
	close(fd);
	server_stop(s);
}

static void embed_no_space(void)
{
	unsigned char vector[64 + 1];
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "srv", 16);
	int fd = device_open(0);
	struct vexipc_embed e = embed_of("text", 4, vector, 63);

	memset(vector, 0xaa, sizeof(vector));
	EQUAL(call(fd, VEXIPC_IOC_EMBED, &e), -ENOSPC);
	EQUAL(e.status, VEXIPC_ERR_RESULT_TOO_SMALL);
	EQUAL(e.vector_bytes, 64);
	EQUAL(e.dimensions, 16);
	for (size_t i = 0; i < sizeof(vector); i++)
		EQUAL(vector[i], 0xaa);
	e = embed_of("text", 4, vector, 0);
	EQUAL(call(fd, VEXIPC_IOC_EMBED, &e), -ENOSPC);
	EQUAL(e.vector_bytes, 64);
	e = embed_of("text", 4, vector, 64);
	EQUAL(call(fd, VEXIPC_IOC_EMBED, &e), 0);
	EQUAL(vector[64], 0xaa);
	close(fd);
	server_stop(s);
}

static void embed_ids(void)
{
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *other = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_embed e = embed_of("x", 1, NULL, 0), good = e;
	struct msg m = { 0 }, a = { 0 };
	struct vexipc_stats before, after;

	serve_as(service, "slow");
	e.request_id = 42;
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
	EQUAL(e.request_id, 42);
	stats_of(&before);
	e = good;
	e.request_id = 42;
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), -EEXIST);
	EQUAL(e.status, VEXIPC_ERR_EXISTS);
	stats_of(&after);
	EQUAL(after.refused, before.refused + 1);
	EQUAL(after.refused_by[VEXIPC_ERR_EXISTS], before.refused_by[VEXIPC_ERR_EXISTS] + 1);
	/* Ids are each descriptor's own. */
	e = good;
	e.request_id = 42;
	EQUAL(call(other->fd, VEXIPC_IOC_EMBED, &e), 0);
	/* The largest there is. */
	e = good;
	e.request_id = (1ull << 63) - 1;
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);

	/* The one of 42 is answered; until that is read the id is in use. */
	peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	msg_answer(&a, msg_header(&m)->correlation_id, 4, 0);
	EQUAL(peer_send(service, &a), 0);
	e = good;
	e.request_id = 42;
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), -EEXIST);
	peer_expect(client, &m, VEXIPC_MSG_EMBED_RESPONSE);
	EQUAL(((struct vexipc_embed_response_body *)msg_body(&m))->request_id, 42);
	e = good;
	e.request_id = 42;
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
	msg_free(&m);
	msg_free(&a);
	peer_close(client);
	peer_close(other);
	peer_close(service);
	wait_idle();
}

static void embed_interrupted(void)
{
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	unsigned char vector[64];
	struct vexipc_embed e = embed_of("x", 1, vector, sizeof(vector));
	struct vexipc_stats before, after;
	int fd = device_open(0);

	serve_as(service, "deaf");
	stats_of(&before);
	interrupt_calls(true);
	EQUAL(call(fd, VEXIPC_IOC_EMBED, &e), -EINTR);
	interrupt_calls(false);
	EQUAL(e.status, VEXIPC_ERR_INTERRUPTED);
	stats_of(&after);
	EQUAL(after.cancelled, before.cancelled + 1);
	close(fd);
	peer_close(service);
	wait_idle();
}

static void embed_times_out(void)
{
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	unsigned char vector[64];
	struct vexipc_embed e = embed_of("x", 1, vector, sizeof(vector));
	struct vexipc_stats before, after;
	uint64_t start;
	int fd = device_open(0);

	serve_as(service, "deaf");
	stats_of(&before);
	e.timeout_ms = 150;
	start = now_ms();
	EQUAL(call(fd, VEXIPC_IOC_EMBED, &e), -ETIMEDOUT);
	CHECK(now_ms() - start >= 149);
	CHECK(now_ms() - start < (uint64_t)patience(3000));
	EQUAL(e.status, VEXIPC_ERR_TIMED_OUT);
	stats_of(&after);
	EQUAL(after.timed_out, before.timed_out + 1);
	EQUAL(after.queued, 0);
	/* It was never read: a service is not sent what has expired. */
	peer_silent(service);
	close(fd);
	peer_close(service);
	wait_idle();
}

/* ----------------------------------------------------------- status, list -- */

static void status(void)
{
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	int fd = device_open(0);
	struct vexipc_register reg = registration("state");
	struct vexipc_status arg = { 0 };
	char text[32];

	reg.endpoint_ptr = (uintptr_t)"somewhere";
	reg.endpoint_len = 9;
	reg.metadata_ptr = (uintptr_t)"k=v";
	reg.metadata_len = 4;
	EQUAL(call(service->fd, VEXIPC_IOC_REGISTER, &reg), 0);

	arg.service_id_ptr = (uintptr_t)"state";
	arg.service_id_len = 5;
	EQUAL(call(fd, VEXIPC_IOC_STATUS, &arg), 0);
	EQUAL(arg.handle, reg.handle);
	EQUAL(arg.text_size, 19 + 4);
	/* What does not fit whole is not written; its size still counts. */
	memset(text, 'z', sizeof(text));
	arg = (struct vexipc_status) {
		.handle = reg.handle, .text_ptr = (uintptr_t)text, .text_size = 20,
	};
	EQUAL(call(fd, VEXIPC_IOC_STATUS, &arg), 0);
	EQUAL(arg.text_size, 19 + 4);
	EQUAL(memcmp(text, "endpoint=somewhere", 19), 0);
	EQUAL(text[20], 'z');

	arg = (struct vexipc_status) { .handle = reg.handle + (1ull << 32) };
	EQUAL(call(fd, VEXIPC_IOC_STATUS, &arg), -ENOENT);
	arg = (struct vexipc_status) { .handle = UINT64_MAX };
	EQUAL(call(fd, VEXIPC_IOC_STATUS, &arg), -ENOENT);
	arg = (struct vexipc_status) { 0 };
	EQUAL(call(fd, VEXIPC_IOC_STATUS, &arg), -ENOENT);
	arg = (struct vexipc_status) { .service_id_ptr = (uintptr_t)"none", .service_id_len = 4 };
	EQUAL(call(fd, VEXIPC_IOC_STATUS, &arg), -ENOENT);
	arg.service_id_len = 65;
	EQUAL(call(fd, VEXIPC_IOC_STATUS, &arg), -EINVAL);
	arg.service_id_len = 4;
	arg.service_id_ptr = BAD_POINTER;
	EQUAL(call(fd, VEXIPC_IOC_STATUS, &arg), -EFAULT);
	arg = (struct vexipc_status) {
		.handle = reg.handle, .text_ptr = BAD_POINTER, .text_size = 30,
	};
	EQUAL(call(fd, VEXIPC_IOC_STATUS, &arg), -EFAULT);
	close(fd);
	peer_close(service);
}

static void list(void)
{
	static const uint32_t dimensions[] = { 64, 128, 256 };
	struct vexipc_service_entry entries[4];
	int fd = device_open(0), services[3];
	char large[sizeof(entries[0]) * 2 + 128];
	struct vexipc_list arg, all = {
		.buffer_ptr = (uintptr_t)entries, .buffer_size = sizeof(entries),
		.entry_size = sizeof(entries[0]),
	};

	for (int i = 0; i < 3; i++) {
		static const char *const ids[] = { "l0", "l1", "l2" };
		struct vexipc_register reg = registration(ids[i]);

		services[i] = device_open(0);
		reg.dimensions_ptr = (uintptr_t)(dimensions + i);
		reg.dimensions_count = 1;
		reg.data_types = i ? 3 : 1;
		reg.models_ptr = (uintptr_t)"m2";
		reg.models_len = i == 2 ? 3 : 0;
		EQUAL(call(services[i], VEXIPC_IOC_REGISTER, &reg), 0);
	}

	arg = all;
	EQUAL(call(fd, VEXIPC_IOC_LIST, &arg), 0);
	EQUAL(arg.count, 3);
	EQUAL(arg.total, 3);
	EQUAL(arg.bytes, 3 * sizeof(entries[0]));
	for (int i = 0; i < 3; i++)
		EQUAL(entries[i].dimensions[0], dimensions[i]);

#define FILTERED(want, first, ...) do {						\
		arg = all;							\
		__VA_ARGS__;							\
		AT("%s", #__VA_ARGS__);						\
		EQUAL(call(fd, VEXIPC_IOC_LIST, &arg), 0);			\
		EQUAL(arg.total, want);						\
		EQUAL(arg.count, want);						\
		if (want)							\
			EQUAL(strcmp(entries[0].id, first), 0);			\
	} while (0)
	FILTERED(1, "l1", arg.dimensions = 128);
	FILTERED(0, "", arg.dimensions = 999);
	FILTERED(2, "l1", arg.data_types = 2);
	FILTERED(0, "", arg.data_types = 4);
	FILTERED(3, "l0", arg.states = 1 << VEXIPC_STATE_ACTIVE);
	FILTERED(0, "", arg.states = 1 << VEXIPC_STATE_DRAINING);
	FILTERED(1, "l2", arg.model_ptr = (uintptr_t)"m2"; arg.model_len = 2);
	FILTERED(0, "", arg.model_ptr = (uintptr_t)"m"; arg.model_len = 1);
#undef FILTERED
	AT("sizes");
	/* No buffer: only how many. */
	arg = (struct vexipc_list) { 0 };
	EQUAL(call(fd, VEXIPC_IOC_LIST, &arg), 0);
	EQUAL(arg.count, 0);
	EQUAL(arg.total, 3);
	/* Room for one and a half. */
	arg = all;
	arg.buffer_size = sizeof(entries[0]) * 3 / 2;
	EQUAL(call(fd, VEXIPC_IOC_LIST, &arg), 0);
	EQUAL(arg.count, 1);
	EQUAL(arg.total, 3);
	EQUAL(arg.bytes, sizeof(entries[0]));
	/* An older program's entry, and a newer one's. */
	memset(entries, 0x55, sizeof(entries));
	arg = all;
	arg.entry_size = 16;
	EQUAL(call(fd, VEXIPC_IOC_LIST, &arg), 0);
	EQUAL(arg.count, 3);
	EQUAL(arg.bytes, 48);
	EQUAL(((unsigned char *)entries)[48], 0x55);
	memset(large, 0x55, sizeof(large));
	arg = (struct vexipc_list) {
		.buffer_ptr = (uintptr_t)large, .buffer_size = sizeof(large),
		.entry_size = sizeof(entries[0]) + 64,
	};
	EQUAL(call(fd, VEXIPC_IOC_LIST, &arg), 0);
	EQUAL(arg.count, 2);
	EQUAL(strcmp(((struct vexipc_service_entry *)(void *)(large + arg.entry_size))->id, "l1"), 0);
	EQUAL((unsigned char)large[sizeof(entries[0])], 0x55);

	arg = all; arg.entry_size = 0;
	EQUAL(call(fd, VEXIPC_IOC_LIST, &arg), -EINVAL);
	arg = all; arg.reserved = 1;
	EQUAL(call(fd, VEXIPC_IOC_LIST, &arg), -EINVAL);
	arg = all; arg.model_len = 65;
	EQUAL(call(fd, VEXIPC_IOC_LIST, &arg), -EINVAL);
	arg = all; arg.model_len = 1; arg.model_ptr = BAD_POINTER;
	EQUAL(call(fd, VEXIPC_IOC_LIST, &arg), -EFAULT);
	arg = all; arg.buffer_ptr = BAD_POINTER;
	EQUAL(call(fd, VEXIPC_IOC_LIST, &arg), -EFAULT);
	for (int i = 0; i < 3; i++)
		close(services[i]);
	close(fd);
}

/* -------------------------------------------------- stats, cancel, control -- */

static void stats(void)
{
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "counted", 16);
	unsigned char vector[64];
	struct vexipc_embed e = embed_of("12345678", 8, vector, sizeof(vector));
	struct vexipc_stats before, after, one = { 0 };
	int fd = device_open(0);

	stats_of(&before);
	EQUAL(before.services, 1);
	EQUAL(before.max_queue_size, 1000);
	EQUAL(before.max_concurrent_requests, 10000);
	for (int i = 0; i < 3; i++) {
		/* The id comes back in it. */
		e.request_id = 0;
		EQUAL(call(fd, VEXIPC_IOC_EMBED, &e), 0);
	}
	stats_of(&after);
	EQUAL(after.submitted, before.submitted + 3);
	EQUAL(after.completed, before.completed + 3);
	EQUAL(after.bytes_in, before.bytes_in + 24);
	EQUAL(after.bytes_out, before.bytes_out + 192);
	EQUAL(after.clients, before.clients);
	EQUAL(after.queued + after.in_flight, 0);

	one.service_id_ptr = (uintptr_t)"counted";
	one.service_id_len = 7;
	EQUAL(call(fd, VEXIPC_IOC_STATS, &one), 0);
	EQUAL(one.submitted, 3);
	EQUAL(one.completed, 3);
	EQUAL(one.bytes_in, 24);
	EQUAL(one.bytes_out, 192);
	EQUAL(one.services, 1);
	EQUAL(one.max_concurrent_requests, 100);
	EQUAL(one.service_id_len, 7);

	one = (struct vexipc_stats) { .service_id_ptr = (uintptr_t)"no", .service_id_len = 2 };
	EQUAL(call(fd, VEXIPC_IOC_STATS, &one), -ENOENT);
	one.service_id_len = 65;
	EQUAL(call(fd, VEXIPC_IOC_STATS, &one), -EINVAL);
	one.service_id_len = 2;
	one.service_id_ptr = BAD_POINTER;
	EQUAL(call(fd, VEXIPC_IOC_STATS, &one), -EFAULT);
	one = (struct vexipc_stats) { .reserved = 1 };
	EQUAL(call(fd, VEXIPC_IOC_STATS, &one), -EINVAL);
	close(fd);
	server_stop(s);
}

static void cancel(void)
{
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *other = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_embed e = embed_of("x", 1, NULL, 0);
	struct vexipc_cancel arg = { 0 };
	const struct vexipc_error_body *body;
	struct vexipc_stats before, after;
	struct msg m = { 0 }, a = { 0 };
	uint64_t correlation;

	serve_as(service, "slow");
	stats_of(&before);
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
	peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	correlation = msg_header(&m)->correlation_id;

	/* Another descriptor's request is an unknown id. */
	arg.request_id = e.request_id;
	EQUAL(call(other->fd, VEXIPC_IOC_CANCEL, &arg), -ESRCH);
	EQUAL(call(service->fd, VEXIPC_IOC_CANCEL, &arg), -ESRCH);
	arg.flags = 1;
	EQUAL(call(client->fd, VEXIPC_IOC_CANCEL, &arg), -EINVAL);
	arg.flags = 0;
	arg.reserved = 1;
	EQUAL(call(client->fd, VEXIPC_IOC_CANCEL, &arg), -EINVAL);
	arg.reserved = 0;
	arg.request_id ^= 1;
	EQUAL(call(client->fd, VEXIPC_IOC_CANCEL, &arg), -ESRCH);
	arg.request_id = 7;
	EQUAL(call(client->fd, VEXIPC_IOC_CANCEL, &arg), -ESRCH);
	arg.request_id = 0;
	EQUAL(call(client->fd, VEXIPC_IOC_CANCEL, &arg), -ESRCH);
	peer_silent(client);

	arg.request_id = e.request_id;
	EQUAL(call(client->fd, VEXIPC_IOC_CANCEL, &arg), 0);
	EQUAL(call(client->fd, VEXIPC_IOC_CANCEL, &arg), -ESRCH);
	peer_expect(client, &m, VEXIPC_MSG_ERROR);
	body = msg_body(&m);
	EQUAL(body->error, VEXIPC_ERR_CANCELLED);
	EQUAL(body->request_id, e.request_id);
	peer_silent(client);
	/* The answer comes too late. */
	msg_answer(&a, correlation, 4, 0);
	EQUAL(peer_send(service, &a), 0);
	peer_silent(client);
	stats_of(&after);
	EQUAL(after.cancelled, before.cancelled + 1);
	EQUAL(after.orphans, before.orphans + 1);
	wait_idle();
	msg_free(&m);
	msg_free(&a);
	peer_close(client);
	peer_close(other);
	peer_close(service);
}

static void control(void)
{
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "tap", 16);
	unsigned char vector[64];
	struct vexipc_embed e = embed_of("x", 1, vector, sizeof(vector));
	struct vexipc_control arg, good = {
		.service_id_ptr = (uintptr_t)"tap", .service_id_len = 3,
		.op = VEXIPC_CONTROL_DRAIN,
	};
	struct vexipc_status status_arg = { .handle = s->handle };
	const struct vexipc_config_entry limits[6] = {
		{ .field = VEXIPC_CONFIG_BREAKER_FAILURES, .value = 9 },
		{ .field = VEXIPC_CONFIG_ALGORITHM, .value = 2 },
	};
	int fd = device_open(0);

	arg = good; arg.op = 0;
	EQUAL(call(fd, VEXIPC_IOC_CONTROL, &arg), -EINVAL);
	arg = good; arg.op = VEXIPC_CONTROL_OPS;
	EQUAL(call(fd, VEXIPC_IOC_CONTROL, &arg), -EINVAL);
	arg = good; arg.service_id_len = 2;
	EQUAL(call(fd, VEXIPC_IOC_CONTROL, &arg), -ENOENT);
	arg = good; arg.service_id_len = 0;
	EQUAL(call(fd, VEXIPC_IOC_CONTROL, &arg), -EINVAL);
	arg = good; arg.service_id_ptr = BAD_POINTER;
	EQUAL(call(fd, VEXIPC_IOC_CONTROL, &arg), -EFAULT);
	EQUAL(call(fd, VEXIPC_IOC_EMBED, &e), 0);
	arg = good;
	EQUAL(call(fd, VEXIPC_IOC_CONTROL, &arg), 0);
	EQUAL(call(fd, VEXIPC_IOC_STATUS, &status_arg), 0);
	EQUAL(status_arg.entry.state, VEXIPC_STATE_DRAINING);
	e.request_id = 0;
	EQUAL(call(fd, VEXIPC_IOC_EMBED, &e), -ENODEV);
	arg = good; arg.op = VEXIPC_CONTROL_RESUME;
	EQUAL(call(fd, VEXIPC_IOC_CONTROL, &arg), 0);
	e.request_id = 0;
	EQUAL(call(fd, VEXIPC_IOC_EMBED, &e), 0);

	/* Limits of its breaker. */
	arg = good; arg.count = 1;
	EQUAL(call(fd, VEXIPC_IOC_CONTROL, &arg), -EINVAL);
	good.op = VEXIPC_CONTROL_BREAKER_LIMITS;
	good.entries_ptr = (uintptr_t)limits;
	good.count = 2;
	arg = good; arg.reserved = 1;
	EQUAL(call(fd, VEXIPC_IOC_CONTROL, &arg), -EINVAL);
	arg = good; arg.count = 0;
	EQUAL(call(fd, VEXIPC_IOC_CONTROL, &arg), -EINVAL);
	arg = good; arg.count = 6;
	EQUAL(call(fd, VEXIPC_IOC_CONTROL, &arg), -EINVAL);
	arg = good; arg.entries_ptr = BAD_POINTER;
	EQUAL(call(fd, VEXIPC_IOC_CONTROL, &arg), -EFAULT);
	arg = good;
	EQUAL(call(fd, VEXIPC_IOC_CONTROL, &arg), -ENOENT);
	EQUAL(arg.count, 1);
	arg = good; arg.count = 1;
	EQUAL(call(fd, VEXIPC_IOC_CONTROL, &arg), 0);
	EQUAL(call(fd, VEXIPC_IOC_STATUS, &status_arg), 0);
	EQUAL(status_arg.entry.breaker_own, 1);
	EQUAL(status_arg.entry.breaker_failures, 9);
	EQUAL(status_arg.entry.breaker_min_volume, 20);
	close(fd);
	server_stop(s);
}

/* ---------------------------------------------------------------- policies -- */

static void policies(void)
{
	struct vexipc_policies arg, good = { .entry_size = sizeof(struct vexipc_policy_entry) };
	struct vexipc_policy_entry entry;
	int fd = device_open(0);

	AT("none");
	arg = good;
	arg.buffer_ptr = (uintptr_t)&entry;
	arg.buffer_size = sizeof(entry);
	arg.count = 7;
	EQUAL(call(fd, VEXIPC_IOC_POLICIES, &arg), 0);
	EQUAL(arg.count, 0);
	EQUAL(arg.total, 0);
	EQUAL(arg.use.in_use, 0);
	EQUAL(arg.use.name[0], 0);
	AT("refused");
	arg = good; arg.use.reserved = 1;
	EQUAL(call(fd, VEXIPC_IOC_POLICIES, &arg), -EINVAL);
	arg = good; arg.buffer_size = 1; arg.entry_size = 0;
	EQUAL(call(fd, VEXIPC_IOC_POLICIES, &arg), -EINVAL);
	arg = good; arg.flags = VEXIPC_POLICIES_NAME << 1;
	EQUAL(call(fd, VEXIPC_IOC_POLICIES, &arg), -EOPNOTSUPP);
	arg = good; arg.flags = VEXIPC_POLICIES_NAME;
	memset(arg.use.name, 'x', sizeof(arg.use.name));
	EQUAL(call(fd, VEXIPC_IOC_POLICIES, &arg), -EINVAL);
	arg = good; arg.flags = VEXIPC_POLICIES_NAME;
	EQUAL(call(fd, VEXIPC_IOC_POLICIES, &arg), 0);
	if (arg.offered) {
		arg.use.name[0] = 'x';
		EQUAL(call(fd, VEXIPC_IOC_POLICIES, &arg), -ENOENT);
	}
	close(fd);
}

/* --------------------------------------------------------------- all alike -- */

static const struct {
	unsigned long cmd;
	size_t size;
} calls[] = {
	{ VEXIPC_IOC_REGISTER, sizeof(struct vexipc_register) },
	{ VEXIPC_IOC_UNREGISTER, sizeof(struct vexipc_unregister) },
	{ VEXIPC_IOC_EMBED, sizeof(struct vexipc_embed) },
	{ VEXIPC_IOC_STATUS, sizeof(struct vexipc_status) },
	{ VEXIPC_IOC_LIST, sizeof(struct vexipc_list) },
	{ VEXIPC_IOC_STATS, sizeof(struct vexipc_stats) },
	{ VEXIPC_IOC_CANCEL, sizeof(struct vexipc_cancel) },
	{ VEXIPC_IOC_CONFIG, sizeof(struct vexipc_config) },
	{ VEXIPC_IOC_CONTROL, sizeof(struct vexipc_control) },
	{ VEXIPC_IOC_POLICIES, sizeof(struct vexipc_policies) },
	{ VEXIPC_IOC_EMBED_BATCH, sizeof(struct vexipc_embed_batch) },
	{ VEXIPC_IOC_TOKENS, sizeof(struct vexipc_tokens) },
	{ VEXIPC_IOC_RULES, sizeof(struct vexipc_rules) },
	{ VEXIPC_IOC_CACHE_FLUSH, sizeof(struct vexipc_cache_flush) },
	{ VEXIPC_IOC_SUBMIT, sizeof(struct vexipc_submit) },
	{ VEXIPC_IOC_RING_SETUP, sizeof(struct vexipc_ring_setup) },
};

static void numbers(void)
{
	unsigned char zero[2048] = { 0 };
	int fd = device_open(0);

	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		unsigned long cmd = calls[i].cmd;

		AT("ioctl 0x%x", 0x20 + i);
		EQUAL(_IOC_TYPE(cmd), 'V');
		EQUAL(_IOC_NR(cmd), 0x20 + i);
		EQUAL(_IOC_DIR(cmd), _IOC_READ | _IOC_WRITE);
		EQUAL(_IOC_SIZE(cmd), calls[i].size);
		EQUAL(call(fd, cmd, NULL), -EFAULT);
		EQUAL(call(fd, cmd, (void *)BAD_POINTER), -EFAULT);
		EQUAL(call(fd, _IOC(_IOC_READ, 'V', 0x20 + i, calls[i].size), zero), -ENOTTY);
		EQUAL(call(fd, _IOC(_IOC_WRITE, 'V', 0x20 + i, calls[i].size), zero), -ENOTTY);
		EQUAL(call(fd, _IO('V', 0x20 + i), zero), -ENOTTY);
		EQUAL(call(fd, _IOC(_IOC_READ | _IOC_WRITE, 'W', 0x20 + i, calls[i].size), zero),
		      -ENOTTY);
	}
	for (unsigned int nr = 0; nr < 256; nr++) {
		AT("ioctl 0x%x", nr);
		/* That of who has a ring does not look at it first. */
		if (nr == _IOC_NR(VEXIPC_IOC_RING_ENTER))
			EQUAL(call(fd, VEXIPC_IOC_RING_ENTER, zero), -EBADFD);
		else if (nr < 0x20 || nr >= 0x20 + ARRAY_SIZE(calls))
			EQUAL(call(fd, _IOC(_IOC_READ | _IOC_WRITE, 'V', nr, 64), zero), -ENOTTY);
	}
	AT("TCGETS");
	EQUAL(call(fd, 0x5401, zero), -ENOTTY);
	close(fd);
}

static unsigned long sized(unsigned long cmd, size_t size)
{
	return _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size);
}

static void sizes(void)
{
	unsigned char longer[4096];
	int fd = device_open(0);
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "sized", 16);
	struct vexipc_embed e;
	struct vexipc_stats *stats_arg = (void *)longer;
	unsigned char vector[64];

	/* What comes behind a struct must be zero, for every ioctl. */
	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		AT("ioctl 0x%x", 0x20 + i);
		memset(longer, 0, sizeof(longer));
		longer[calls[i].size] = 1;
		EQUAL(call(fd, sized(calls[i].cmd, calls[i].size + 1), longer), -E2BIG);
		memset(longer, 0, sizeof(longer));
		longer[calls[i].size + 255] = 0x80;
		EQUAL(call(fd, sized(calls[i].cmd, calls[i].size + 256), longer), -E2BIG);
	}
	/* Zeros are fine, and nothing is written there. */
	AT("longer");
	memset(longer, 0, sizeof(longer));
	EQUAL(call(fd, sized(VEXIPC_IOC_STATS, sizeof(*stats_arg) + 64), longer), 0);
	EQUAL(stats_arg->services, 1);
	for (size_t i = sizeof(*stats_arg); i < sizeof(longer); i++)
		EQUAL(longer[i], 0);
	/* A shorter struct is as if zeros followed, and only it is written to. */
	AT("shorter");
	memset(longer, 0, sizeof(longer));
	memset(longer + 24, 0xee, 64);
	EQUAL(call(fd, sized(VEXIPC_IOC_STATS, 24), longer), 0);
	for (size_t i = 24; i < 24 + 64; i++)
		EQUAL(longer[i], 0xee);
	e = embed_of("x", 1, vector, sizeof(vector));
	EQUAL(call(fd, sized(VEXIPC_IOC_EMBED, offsetof(struct vexipc_embed, status)), &e), 0);
	EQUAL(e.dimensions, 16);
	EQUAL(e.vector_bytes, 0);
	/* Of nothing at all. */
	memset(longer, 0xee, sizeof(longer));
	EQUAL(call(fd, sized(VEXIPC_IOC_STATS, 0), longer), 0);
	EQUAL(longer[0], 0xee);
	EQUAL(call(fd, sized(VEXIPC_IOC_REGISTER, 0), NULL), -EINVAL);
	server_stop(s);
	close(fd);
}

/* A 32-bit program's system call, made from here. Its pointers are short. */
static int call32(int fd, unsigned int cmd, void *arg)
{
	int ret;

	CHECK((uintptr_t)arg <= UINT32_MAX);
	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(54), "b"(fd), "c"(cmd), "d"(arg) :
			 "memory", "r8", "r9", "r10", "r11");
	return ret;
}

static void compat(void)
{
	struct server *s = server_start(VEXIPC_TRANSPORT_CHARDEV, "old", 16);
	char *low = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct vexipc_embed *e = (void *)low;
	struct vexipc_stats *st = (void *)(low + 4096);
	int fd = device_open(0);

	CHECK(low != MAP_FAILED);
	strcpy(low + 1024, "text");
	*e = embed_of(low + 1024, 4, low + 2048, 64);
	EQUAL(call32(fd, VEXIPC_IOC_EMBED, e), 0);
	EQUAL(e->dimensions, 16);
	vector_check(low + 2048, 64, "text", 4);
	EQUAL(call32(fd, VEXIPC_IOC_STATS, st), 0);
	EQUAL(st->services, 1);
	close(fd);
	server_stop(s);
}

static void fionread(void)
{
	struct peer *service = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct peer *client = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_embed e = embed_of("0123456789", 10, NULL, 0);
	struct msg m = { 0 }, a = { 0 };
	int size = -1;

	serve_as(service, "sized");
	EQUAL(call(service->fd, FIONREAD, &size), 0);
	EQUAL(size, 0);
	EQUAL(call(service->fd, FIONREAD, (void *)BAD_POINTER), -EFAULT);
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
	e.request_id = 0;
	EQUAL(call(client->fd, VEXIPC_IOC_EMBED, &e), 0);
	EQUAL(call(service->fd, FIONREAD, &size), 0);
	EQUAL(size, sizeof(struct vexipc_msg_header) +
	      sizeof(struct vexipc_embed_request_body) + 10);
	EQUAL(call(client->fd, FIONREAD, &size), 0);
	EQUAL(size, 0);
	peer_expect(service, &m, VEXIPC_MSG_EMBED_REQUEST);
	msg_answer(&a, msg_header(&m)->correlation_id, 8, 0);
	EQUAL(peer_send(service, &a), 0);
	EQUAL(call(client->fd, FIONREAD, &size), 0);
	EQUAL(size, sizeof(struct vexipc_msg_header) +
	      sizeof(struct vexipc_embed_response_body) + 32);
	msg_free(&m);
	msg_free(&a);
	peer_close(client);
	peer_close(service);
	wait_idle();
}

/* ------------------------------------------------------------- permission -- */

/* Run by setpriv, without privilege but with the device's group. */
static void unprivileged(void)
{
	int fd = device_open(0);
	struct vexipc_register reg = registration("mine");
	struct vexipc_unregister unreg = {
		.service_id_ptr = (uintptr_t)"theirs", .service_id_len = 6,
	};
	struct vexipc_control control_arg = {
		.service_id_ptr = (uintptr_t)"theirs", .service_id_len = 6,
		.op = VEXIPC_CONTROL_DRAIN,
	};
	struct vexipc_status status_arg = {
		.service_id_ptr = (uintptr_t)"theirs", .service_id_len = 6,
	};
	unsigned char vector[1024];
	struct vexipc_embed e = embed_of("text", 4, vector, sizeof(vector));
	struct peer *p = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	struct vexipc_stats st;
	struct msg m = { 0 };
	uint64_t value;

	CHECK(geteuid());
	EQUAL(call(fd, VEXIPC_IOC_REGISTER, &reg), -EPERM);
	EQUAL(call(fd, VEXIPC_IOC_UNREGISTER, &unreg), -EPERM);
	unreg.flags = VEXIPC_UNREGISTER_DRAIN;
	EQUAL(call(fd, VEXIPC_IOC_UNREGISTER, &unreg), -EPERM);
	EQUAL(call(fd, VEXIPC_IOC_CONTROL, &control_arg), -EPERM);
	EQUAL(config_set(VEXIPC_CONFIG_MAX_QUEUE_SIZE, 5), -EPERM);
	EQUAL(config_get(VEXIPC_CONFIG_MAX_QUEUE_SIZE, &value), 0);
	EQUAL(value, 1000);
	EQUAL(call(fd, VEXIPC_IOC_STATUS, &status_arg), 0);
	stats_of(&st);
	EQUAL(st.services, 1);
	EQUAL(call(fd, VEXIPC_IOC_EMBED, &e), 0);
	vector_check(vector, e.vector_bytes, "text", 4);

	/* The same in messages. */
	msg_register(&m, "mine", 0, 0);
	EQUAL(peer_send(p, &m), 0);
	peer_expect(p, &m, VEXIPC_MSG_NACK);
	EQUAL(((struct vexipc_ack_body *)msg_body(&m))->error, VEXIPC_ERR_NOT_PERMITTED);
	{
		struct vexipc_unregister_body body = { .handle = status_arg.handle };

		msg_simple(&m, VEXIPC_MSG_UNREGISTER, 5, &body, sizeof(body));
		EQUAL(peer_send(p, &m), 0);
		peer_expect(p, &m, VEXIPC_MSG_NACK);
		EQUAL(((struct vexipc_ack_body *)msg_body(&m))->error,
		      VEXIPC_ERR_NOT_PERMITTED);
	}
	stats_of(&st);
	EQUAL(st.services, 1);
	msg_free(&m);
	peer_close(p);
	close(fd);
}

/* Without privilege and without the group. */
static void outsider(void)
{
	struct peer *p = peer_open(VEXIPC_TRANSPORT_NETLINK);
	unsigned char buf[512];
	struct nlmsghdr *nlh;
	struct nlattr *nest;
	struct msg m = { 0 };

	EQUAL(open(VEXIPC_DEVICE, O_RDWR), -1);
	EQUAL(errno, EACCES);

	/* Netlink is open to all, so who may not use the device may not embed. */
	msg_embed(&m, 1, "text", 4, 0);
	EQUAL(peer_send(p, &m), -EPERM);
	CHECK(strstr(p->extack, "/dev/vexipc"));
	msg_batch(&m, 1, 2, 4, 0);
	EQUAL(peer_send(p, &m), -EPERM);
	msg_health_check(&m, 1, "theirs");
	EQUAL(peer_send(p, &m), -EPERM);
	msg_register(&m, "mine", 0, 0);
	EQUAL(peer_send(p, &m), 0);
	peer_expect(p, &m, VEXIPC_MSG_NACK);
	EQUAL(((struct vexipc_ack_body *)msg_body(&m))->error, VEXIPC_ERR_NOT_PERMITTED);

#define DENIED(cmd, ...) do {							\
		nlh = nl_begin(p, buf, cmd);					\
		nest = mnl_attr_nest_start(nlh, VEXIPC_A_SERVICE);		\
		mnl_attr_put_str(nlh, VEXIPC_SVC_ID, "theirs");			\
		mnl_attr_nest_end(nlh, nest);					\
		__VA_ARGS__;							\
		AT("%s", #cmd);							\
		EQUAL(nl_call(p, nlh), -EPERM);					\
		CHECK(strstr(p->extack, "CAP_NET_ADMIN"));			\
	} while (0)
	DENIED(VEXIPC_CMD_REGISTER, (void)0);
	DENIED(VEXIPC_CMD_UNREGISTER, (void)0);
	DENIED(VEXIPC_CMD_SERVICE_SET, mnl_attr_put_u32(nlh, VEXIPC_A_CONTROL, 1));
#undef DENIED
	AT("config");
	nlh = nl_begin(p, buf, VEXIPC_CMD_CONFIG_SET);
	nest = mnl_attr_nest_start(nlh, VEXIPC_A_CONFIG);
	mnl_attr_put_u64(nlh, VEXIPC_CONFIG_MAX_QUEUE_SIZE, 5);
	mnl_attr_nest_end(nlh, nest);
	EQUAL(nl_call(p, nlh), -EPERM);

	/* Looking is free. */
	AT("looking");
	EQUAL(nl_call(p, nl_begin(p, buf, VEXIPC_CMD_STATS_GET)), 0);
	EQUAL(nl_call(p, nl_begin(p, buf, VEXIPC_CMD_CONFIG_GET)), 0);
	msg_health_check(&m, 1, "");
	EQUAL(peer_send(p, &m), 0);
	peer_expect(p, &m, VEXIPC_MSG_HEALTH_RESPONSE);
	msg_free(&m);
	peer_close(p);
}

/* A privileged program writes to a descriptor that an unprivileged one opened. */
static void borrowed(void)
{
	struct msg m = { 0 };
	struct peer *p;

	EQUAL(setegid((gid_t)atoi(case_args[0])), 0);
	EQUAL(seteuid(65534), 0);
	p = peer_open(VEXIPC_TRANSPORT_CHARDEV);
	EQUAL(seteuid(0), 0);
	msg_register(&m, "tricked", 0, 0);
	EQUAL(peer_send(p, &m), 0);
	peer_expect(p, &m, VEXIPC_MSG_NACK);
	EQUAL(((struct vexipc_ack_body *)msg_body(&m))->error, VEXIPC_ERR_NOT_PERMITTED);
	msg_free(&m);
	peer_close(p);
}

/* A service for others: answers until its standard input ends. */
static void serve(void)
{
	struct server *s = server_start(!strcmp(case_args[1] ? case_args[1] : "", "netlink") ?
					VEXIPC_TRANSPORT_NETLINK : VEXIPC_TRANSPORT_CHARDEV,
					case_args[0], 16);

	printf("serving\n");
	pause();
	server_stop(s);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{ "register_tells", register_tells },
		{ "register_defaults", register_defaults },
		{ "register_refused", register_refused },
		{ "register_exists", register_exists },
		{ "unregister", unregister },
		{ "embed_blocks", embed_blocks },
		{ "embed_submits", embed_submits },
		{ "embed_refused", embed_refused },
		{ "embed_no_space", embed_no_space },
		{ "embed_ids", embed_ids },
		{ "embed_interrupted", embed_interrupted },
		{ "embed_times_out", embed_times_out },
		{ "status", status },
		{ "list", list },
		{ "stats", stats },
		{ "cancel", cancel },
		{ "control", control },
		{ "policies", policies },
		{ "numbers", numbers },
		{ "sizes", sizes },
		{ "compat", compat },
		{ "fionread", fionread },
		{ "unprivileged", unprivileged },
		{ "outsider", outsider },
		{ "borrowed", borrowed },
		{ "serve", serve },
		{ 0 }
	};

	return run_case(cases, argc, argv);
}
