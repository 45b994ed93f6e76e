// SPDX-License-Identifier: GPL-2.0-only
/* The echo engine: its vectors and its misbehaviour. Takes nothing. */
#include <errno.h>
#include <string.h>

#include "engine.h"
#include "tap.h"

static const struct engine_ops *const ops = &engine_echo;

struct echo {
	struct engine *engine;
	struct engine_thread *thread;
	struct engine_result result;
	float out[ENGINE_MAX_DIMS];
};

static struct echo *echo_new(const char *options)
{
	struct echo *e = calloc(1, sizeof(*e));
	char message[ENGINE_MESSAGE_BYTES];

	if (!e)
		tap_bail("no memory");
	if (ops->open(&e->engine, options, message))
		tap_bail("%s", message);
	if (ops->thread_open(e->engine, &e->thread))
		tap_bail("no memory");
	return e;
}

static void echo_free(struct echo *e)
{
	ops->thread_close(e->thread);
	ops->close(e->engine);
	free(e);
}

static int embed(struct echo *e, const void *content, size_t len, uint32_t dims)
{
	struct engine_request request = { content, len, dims };

	return ops->embed(e->engine, e->thread, &request, e->out, ENGINE_MAX_DIMS, &e->result);
}

static uint64_t fold(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

/* As engine_echo.c says, for "0123456789a": one whole word and three bytes. */
static void test_vector(void)
{
	struct echo *e = echo_new("");
	uint64_t h = 0xcbf29ce484222325ULL ^ 11;
	uint32_t start, step;
	bool same = true;

	h = fold(h, 0x3736353433323130ULL);
	h = fold(h, 0x613938);
	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9ULL;
	h = (h ^ h >> 27) * 0x94d049bb133111ebULL;
	h ^= h >> 31;
	start = (uint32_t)h;
	step = (uint32_t)(h >> 32) | 1;

	tap_ok(!embed(e, "0123456789a", 11, 0) && e->result.dims == 512, "512 dimensions by default");
	for (uint32_t i = 0; i < 512; i++) {
		int64_t u = (uint32_t)(start + (i + 1) * step);

		if (u >= 1LL << 31)
			u -= 1LL << 32;
		/* floor of the quotient, for negative ones too */
		same &= e->out[i] == (float)((u - ((u % 256) + 256) % 256) / 256) / 8388608.0f;
		same &= e->out[i] >= -1 && e->out[i] < 1;
	}
	tap_ok(same, "the vector is the one that the description gives");
	echo_free(e);
}

static void test_content(void)
{
	static float first[ENGINE_MAX_DIMS];
	struct echo *e = echo_new("dims=7");
	bool same = true;

	tap_ok(!embed(e, "a", 1, 0) && e->result.dims == 7, "the option sets the default dimensions");
	memcpy(first, e->out, sizeof(first));
	for (uint32_t dims = 1; dims <= ENGINE_MAX_DIMS; dims += 1 + dims / 5) {
		same &= !embed(e, "a", 1, dims) && e->result.dims == dims;
		same &= !memcmp(first, e->out, 4 * (dims < 7 ? dims : 7));
	}
	tap_ok(same, "any number of dimensions; fewer are the beginning of more");
	tap_ok(!embed(e, "a", 1, ENGINE_MAX_DIMS), "8192 dimensions");
	tap_ok(embed(e, "a", 1, ENGINE_MAX_DIMS + 1) == -EOPNOTSUPP && e->result.message[0],
	       "8193 are refused");
	embed(e, "a\0", 2, 7);
	tap_ok(memcmp(first, e->out, 4 * 7), "a NUL at the end makes another vector");
	tap_ok(!embed(e, NULL, 0, 7) && !embed(e, "\xff\xfe", 2, 7), "any bytes will do, and none");
	echo_free(e);
}

static void test_behaves(void)
{
	struct echo *e = echo_new(NULL);
	bool clean = true;

	for (int i = 0; i < 1000; i++)
		clean &= !embed(e, "a", 1, 8) && !e->result.faults && !e->result.delay_us;
	tap_ok(clean, "without options it does nothing wrong");
	echo_free(e);
}

static void test_periodic(const char *name, unsigned int fault, int error)
{
	bool right = true;
	char options[64];
	struct echo *e;

	snprintf(options, sizeof(options), "%s=3", name);
	e = echo_new(options);
	for (int i = 1; i <= 12; i++) {
		int ret = embed(e, "a", 1, 8);

		right &= ret == (i % 3 ? 0 : error);
		right &= e->result.faults == (i % 3 ? 0 : fault);
		right &= !ret == !e->result.message[0];
	}
	tap_ok(right, "%s acts on every 3rd request and no other", name);
	echo_free(e);
}

static void test_chance(void)
{
	struct echo *a = echo_new("fail=0.25,delay=2,jitter=8.5,seed=5");
	struct echo *b = echo_new("seed=5,fail=0.25,delay=2,jitter=8.5");
	uint64_t low = UINT64_MAX, high = 0;
	bool same = true;
	int failed = 0;

	for (int i = 0; i < 4000; i++) {
		int ret = embed(a, "a", 1, 8);

		same &= embed(b, "a", 1, 8) == ret && a->result.delay_us == b->result.delay_us;
		failed += ret == -EIO;
		low = a->result.delay_us < low ? a->result.delay_us : low;
		high = a->result.delay_us > high ? a->result.delay_us : high;
	}
	tap_ok(failed > 900 && failed < 1100, "fail=0.25 fails a quarter (%d of 4000)", failed);
	tap_ok(low >= 2000 && low < 2100 && high > 10400 && high < 10500,
	       "delay and jitter: from 2 to 10.5 ms (%llu to %llu us)", (unsigned long long)low,
	       (unsigned long long)high);
	tap_ok(same, "the same seed does the same");
	echo_free(a);
	echo_free(b);

	a = echo_new("fail=1");
	tap_ok(embed(a, "a", 1, 8) == -EIO && embed(a, "a", 1, 8) == -EIO, "fail=1 always fails");
	echo_free(a);
}

static void test_options(void)
{
	static const char *const bad[] = {
		"dims=0", "dims=8193", "dims=1.5", "dims=", "dims", "delay=-1", "delay=nan",
		"delay=1e99", "fail=1.1", "fail=x", "stall_every=1x", "nonsense=1", "=", "dims=1,,",
	};
	char message[ENGINE_MESSAGE_BYTES];
	struct engine *engine;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		message[0] = '\0';
		tap_ok(ops->open(&engine, bad[i], message) == -EINVAL && message[0],
		       "option \"%s\" is refused: %s", bad[i], message);
	}
}

static void test_registry(void)
{
	tap_ok(engine_find(NULL) == &engine_use_lite, "the default engine is use-lite");
	tap_ok(engine_find("echo") == ops, "engines are found by name");
	tap_ok(!engine_find("nonsense"), "others are not");
}

int main(void)
{
	test_vector();
	test_content();
	test_behaves();
	test_periodic("fail_every", 0, -EIO);
	test_periodic("overload_every", 0, -EBUSY);
	test_periodic("stall_every", ENGINE_FAULT_STALL, 0);
	test_periodic("lie_length_every", ENGINE_FAULT_LIE_LENGTH, 0);
	test_periodic("answer_twice_every", ENGINE_FAULT_ANSWER_TWICE, 0);
	test_periodic("answer_other_every", ENGINE_FAULT_ANSWER_OTHER, 0);
	test_periodic("corrupt_every", ENGINE_FAULT_CORRUPT, 0);
	test_chance();
	test_options();
	test_registry();
	return tap_done();
}
