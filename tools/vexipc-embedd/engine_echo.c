// SPDX-License-Identifier: GPL-2.0-only
/*
 * The echo engine: vectors that follow from the content and cost next to nothing,
 * for benchmarks, and every kind of misbehaviour, for tests.
 *
 * The vector, so that a test can work it out (all arithmetic modulo 2^64, then
 * modulo 2^32; the content read as little-endian 64-bit words, the last one filled
 * up with zero bytes):
 *
 *	h = 0xcbf29ce484222325 ^ length in bytes
 *	for each word w:  h = (h ^ w) * 0x100000001b3;  h = h ^ (h >> 32)
 *	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9
 *	h = (h ^ (h >> 27)) * 0x94d049bb133111eb
 *	h = h ^ (h >> 31)
 *	start = h mod 2^32;  step = (h div 2^32) | 1
 *	for i = 0, 1, ...:  u = (start + (i + 1) * step) mod 2^32
 *	element i = floor(u as a signed 32-bit number / 2^8) / 2^23
 *
 * Every element is exact in a float and in [-1, 1). The vectors of two contents
 * are as good as unrelated; they do not have unit length.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

enum {
	DEFAULT_DIMS = 512,
	MAX_DELAY_MS = 3600 * 1000,
};

/* Things it can do to every Nth request. */
enum periodic {
	FAIL_EVERY,
	OVERLOAD_EVERY,
	STALL_EVERY,
	LIE_LENGTH_EVERY,
	ANSWER_TWICE_EVERY,
	ANSWER_OTHER_EVERY,
	CORRUPT_EVERY,
	NR_PERIODIC,
};

struct engine {
	uint32_t dims;
	double delay_ms;
	double jitter_ms;
	double fail;
	uint64_t seed;
	uint64_t every[NR_PERIODIC];	/* 0: never */
	_Bool behaves;
	_Atomic uint64_t requests;
};

struct engine_thread {
	char unused;
};

static const unsigned int periodic_fault[NR_PERIODIC] = {
	[STALL_EVERY] = ENGINE_FAULT_STALL,
	[LIE_LENGTH_EVERY] = ENGINE_FAULT_LIE_LENGTH,
	[ANSWER_TWICE_EVERY] = ENGINE_FAULT_ANSWER_TWICE,
	[ANSWER_OTHER_EVERY] = ENGINE_FAULT_ANSWER_OTHER,
	[CORRUPT_EVERY] = ENGINE_FAULT_CORRUPT,
};

static uint64_t mix(uint64_t h)
{
	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9ULL;
	h = (h ^ h >> 27) * 0x94d049bb133111ebULL;
	return h ^ h >> 31;
}

static uint64_t hash_content(const void *content, size_t len)
{
	const unsigned char *p = content;
	uint64_t h = 0xcbf29ce484222325ULL ^ len;
	uint64_t word;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = (h ^ word) * 0x100000001b3ULL;
		h ^= h >> 32;
	}
	if (len) {
		word = 0;
		memcpy(&word, p, len);
		h = (h ^ word) * 0x100000001b3ULL;
		h ^= h >> 32;
	}
	return mix(h);
}

static void fill(float *out, uint32_t dims, uint64_t hash)
{
	typedef uint32_t v4u __attribute__((vector_size(16)));
	typedef int32_t v4i __attribute__((vector_size(16)));
	typedef float v4f __attribute__((vector_size(16)));
	const float unit = 0x1p-23f;
	uint32_t step = (uint32_t)(hash >> 32) | 1;
	uint32_t u = (uint32_t)hash;
	v4u steps = { step, 2 * step, 3 * step, 4 * step };
	v4u us = u + steps;
	uint32_t i;

	for (i = 0; i + 4 <= dims; i += 4, us += 4 * step) {
		v4f f = __builtin_convertvector((v4i)us >> 8, v4f) * unit;

		memcpy(out + i, &f, sizeof(f));
	}
	for (; i < dims; i++)
		out[i] = (float)((int32_t)(u + (i + 1) * step) >> 8) * unit;
}

static int parse_number(const char *key, const char *value, double max, double *number,
			char *message)
{
	char *end;

	errno = 0;
	*number = value ? strtod(value, &end) : 0;
	if (!value || end == value || *end || errno || !(*number >= 0) || *number > max) {
		snprintf(message, ENGINE_MESSAGE_BYTES, "echo: %s must be a number from 0 to %.15g",
			 key, max);
		return -EINVAL;
	}
	return 0;
}

static int parse_whole(const char *key, const char *value, double max, uint64_t *number,
		       char *message)
{
	double d;
	int ret = parse_number(key, value, max, &d, message);

	if (ret)
		return ret;
	*number = (uint64_t)d;
	if ((double)*number != d) {
		snprintf(message, ENGINE_MESSAGE_BYTES, "echo: %s must be a whole number", key);
		return -EINVAL;
	}
	return 0;
}

static int parse_options(struct engine *e, char *rest, char *message)
{
	enum { DIMS = NR_PERIODIC, SEED, DELAY, JITTER, FAIL };
	char *const keys[] = {
		[FAIL_EVERY] = "fail_every",
		[OVERLOAD_EVERY] = "overload_every",
		[STALL_EVERY] = "stall_every",
		[LIE_LENGTH_EVERY] = "lie_length_every",
		[ANSWER_TWICE_EVERY] = "answer_twice_every",
		[ANSWER_OTHER_EVERY] = "answer_other_every",
		[CORRUPT_EVERY] = "corrupt_every",
		[DIMS] = "dims",
		[SEED] = "seed",
		[DELAY] = "delay",
		[JITTER] = "jitter",
		[FAIL] = "fail",
		NULL,
	};
	uint64_t dims;
	char *value;
	int ret = 0;

	while (*rest && !ret) {
		const char *option = rest;
		int key = getsubopt(&rest, keys, &value);

		switch (key) {
		case -1:
			snprintf(message, ENGINE_MESSAGE_BYTES, "echo: unknown option \"%s\"",
				 option);
			ret = -EINVAL;
			break;
		case DIMS:
			ret = parse_whole(keys[key], value, ENGINE_MAX_DIMS, &dims, message);
			if (!ret && !dims) {
				snprintf(message, ENGINE_MESSAGE_BYTES,
					 "echo: dims must be at least 1");
				ret = -EINVAL;
			}
			if (!ret)
				e->dims = (uint32_t)dims;
			break;
		case SEED:
			ret = parse_whole(keys[key], value, 0x1p53, &e->seed, message);
			break;
		case DELAY:
			ret = parse_number(keys[key], value, MAX_DELAY_MS, &e->delay_ms, message);
			break;
		case JITTER:
			ret = parse_number(keys[key], value, MAX_DELAY_MS, &e->jitter_ms, message);
			break;
		case FAIL:
			ret = parse_number(keys[key], value, 1, &e->fail, message);
			break;
		default:
			ret = parse_whole(keys[key], value, 0x1p53, &e->every[key], message);
			break;
		}
	}
	return ret;
}

static int echo_open(struct engine **engine, const char *options,
		     char message[ENGINE_MESSAGE_BYTES])
{
	struct engine *e = calloc(1, sizeof(*e));
	char *list = strdup(options ? options : "");
	int ret = -ENOMEM;

	snprintf(message, ENGINE_MESSAGE_BYTES, "out of memory");
	if (e && list) {
		e->dims = DEFAULT_DIMS;
		ret = parse_options(e, list, message);
	}
	free(list);
	if (ret) {
		free(e);
		return ret;
	}
	e->behaves = e->delay_ms == 0 && e->jitter_ms == 0 && e->fail == 0;
	for (int i = 0; i < NR_PERIODIC; i++)
		e->behaves &= !e->every[i];
	message[0] = '\0';
	*engine = e;
	return 0;
}

static void echo_close(struct engine *engine)
{
	free(engine);
}

static void echo_info(const struct engine *engine, struct engine_info *info)
{
	*info = (struct engine_info){
		.model = "echo",
		.native_dims = engine->dims,
		.min_dims = 1,
		.max_dims = ENGINE_MAX_DIMS,
	};
}

static int echo_thread_open(struct engine *engine, struct engine_thread **thread)
{
	(void)engine;
	*thread = calloc(1, sizeof(**thread));
	return *thread ? 0 : -ENOMEM;
}

static void echo_thread_close(struct engine_thread *thread)
{
	free(thread);
}

/* A number in [0, 1) for each request and purpose, the same in every run. */
static double chance(const struct engine *e, uint64_t request, uint64_t purpose)
{
	return (double)(mix(mix(e->seed + purpose) + request) >> 11) * 0x1p-53;
}

static _Bool is_turn(const struct engine *e, enum periodic what, uint64_t request)
{
	return e->every[what] && request % e->every[what] == 0;
}

static int misbehave(struct engine *e, struct engine_result *result)
{
	/* the first request is number 1: "every=3" means the 3rd, 6th, ... */
	uint64_t request = atomic_fetch_add(&e->requests, 1) + 1;

	result->delay_us = (uint64_t)((e->delay_ms + e->jitter_ms * chance(e, request, 1)) * 1e3);
	for (int i = 0; i < NR_PERIODIC; i++)
		if (is_turn(e, i, request))
			result->faults |= periodic_fault[i];
	if (is_turn(e, OVERLOAD_EVERY, request)) {
		snprintf(result->message, sizeof(result->message), "echo: overloaded, as told");
		return -EBUSY;
	}
	if (is_turn(e, FAIL_EVERY, request) || (e->fail > 0 && chance(e, request, 2) < e->fail)) {
		snprintf(result->message, sizeof(result->message), "echo: failed, as told");
		return -EIO;
	}
	return 0;
}

static int echo_embed(struct engine *engine, struct engine_thread *thread,
		      const struct engine_request *request, float *out, size_t room,
		      struct engine_result *result)
{
	uint32_t dims = request->dims ? request->dims : engine->dims;
	int ret;

	(void)thread;
	result->dims = 0;
	result->tokens = 0;
	result->faults = 0;
	result->delay_us = 0;
	result->message[0] = '\0';
	if (dims > ENGINE_MAX_DIMS) {
		snprintf(result->message, sizeof(result->message),
			 "echo has vectors of up to %d dimensions, not %u", ENGINE_MAX_DIMS, dims);
		return -EOPNOTSUPP;
	}
	if (room < dims) {
		snprintf(result->message, sizeof(result->message),
			 "room for %zu floats, %u needed", room, dims);
		return -ENOBUFS;
	}
	if (!engine->behaves) {
		ret = misbehave(engine, result);
		if (ret)
			return ret;
	}
	fill(out, dims, hash_content(request->content, request->len));
	result->dims = dims;
	return 0;
}

const struct engine_ops engine_echo = {
	.name = "echo",
	.options_help =
		"dims=N                dimensions when a request names none; default 512\n"
		"delay=MS              answer so much later\n"
		"jitter=MS             and up to so much later still\n"
		"fail=P                answer with an error, with probability P (0 to 1)\n"
		"fail_every=N          the same for the Nth request, the 2Nth, ...\n"
		"overload_every=N      answer that it is overloaded\n"
		"stall_every=N         do not answer\n"
		"lie_length_every=N    announce a wrong length\n"
		"answer_twice_every=N  answer twice\n"
		"answer_other_every=N  answer under another request's id\n"
		"corrupt_every=N       damage the answer\n"
		"seed=N                what jitter and fail draw from; default 0\n",
	.open = echo_open,
	.close = echo_close,
	.info = echo_info,
	.thread_open = echo_thread_open,
	.thread_close = echo_thread_close,
	.embed = echo_embed,
};
