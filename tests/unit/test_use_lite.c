// SPDX-License-Identifier: GPL-2.0-only
/*
 * The use-lite engine against the vectors of the reference implementation (the npm
 * package @energetic-ai/embeddings 0.2.0), in tests/fixtures/use-lite-golden.json.
 * Takes the model file from $VEXIPC_MODEL, the fixture from its argument or
 * $VEXIPC_GOLDEN.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include <cjson/cJSON.h>

#include "engine.h"
#include "tap.h"
#include "use_lite_format.h"

enum { DIMS = 512, THREADS = 4 };

static const struct engine_ops *const ops = &engine_use_lite;
static cJSON *golden;

static char *read_all(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	char *data;
	long len;

	if (!f || fseek(f, 0, SEEK_END) || (len = ftell(f)) < 0 || fseek(f, 0, SEEK_SET))
		tap_bail("%s: %s", path, strerror(errno));
	data = malloc((size_t)len + 1);
	if (!data || fread(data, 1, (size_t)len, f) != (size_t)len)
		tap_bail("%s: cannot read it", path);
	data[len] = '\0';
	*size = (size_t)len;
	fclose(f);
	return data;
}

static struct engine *must_open(const char *options)
{
	char message[ENGINE_MESSAGE_BYTES];
	struct engine *engine;

	if (ops->open(&engine, options, message))
		tap_bail("%s", message);
	return engine;
}

static struct engine_thread *must_open_thread(struct engine *engine)
{
	struct engine_thread *thread;

	if (ops->thread_open(engine, &thread))
		tap_bail("no memory");
	return thread;
}

static int embed(struct engine *engine, struct engine_thread *thread, const void *text, size_t len,
		 float *out, struct engine_result *result)
{
	struct engine_request request = { .content = text, .len = len };

	return ops->embed(engine, thread, &request, out, DIMS, result);
}

static double length(const float *v)
{
	double squares = 0;

	for (int i = 0; i < DIMS; i++)
		squares += (double)v[i] * (double)v[i];
	return sqrt(squares);
}

/* Largest error over all golden sentences, or infinity if one fails. */
static double golden_error(struct engine *engine, struct engine_thread *thread)
{
	struct engine_result result;
	const cJSON *entry, *value;
	double worst = 0;
	float out[DIMS];

	cJSON_ArrayForEach(entry, golden) {
		const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(entry, "text"));
		int i = 0;

		if (embed(engine, thread, text, strlen(text), out, &result))
			return INFINITY;
		cJSON_ArrayForEach(value, cJSON_GetObjectItem(entry, "embedding"))
			worst = fmax(worst, fabs(value->valuedouble - (double)out[i++]));
		if (i != DIMS)
			tap_bail("the fixture has a vector of %d dimensions", i);
	}
	return worst;
}

static void test_golden(const char *simd)
{
	char options[32], message[ENGINE_MESSAGE_BYTES];
	struct engine_thread *thread;
	struct engine *engine;
	double error;

	snprintf(options, sizeof(options), "simd=%s", simd);
	if (ops->open(&engine, options, message)) {
		tap_ok(!__builtin_cpu_supports("avx2"), "simd=%s # SKIP: %s", simd, message);
		return;
	}
	thread = must_open_thread(engine);
	error = golden_error(engine, thread);
	tap_ok(error <= 1e-5, "simd=%s: the reference's vectors within 1e-5 (%.2g)", simd, error);
	ops->thread_close(thread);
	ops->close(engine);
}

struct worker {
	struct engine *engine;
	double error;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct engine_thread *thread = must_open_thread(w->engine);

	w->error = golden_error(w->engine, thread);
	ops->thread_close(thread);
	return NULL;
}

static void test_threads(struct engine *engine)
{
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	double worst = 0;

	for (int i = 0; i < THREADS; i++) {
		workers[i].engine = engine;
		if (pthread_create(&threads[i], NULL, work, &workers[i]))
			tap_bail("no thread");
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		worst = fmax(worst, workers[i].error);
	}
	tap_ok(worst <= 1e-5, "%d threads share one engine", THREADS);
}

static void test_texts(struct engine *engine, struct engine_thread *thread)
{
	enum { SIZE = 16 << 20 };
	struct engine_result result;
	float a[DIMS], b[DIMS];
	char *text = malloc(SIZE);

	if (!text)
		tap_bail("no memory");
	for (size_t i = 0; i < SIZE; i++)
		text[i] = "a sentence, "[i % 12];

	tap_ok(!embed(engine, thread, "", 0, a, &result) && fabs(length(a) - 1) < 1e-6 &&
	       result.tokens == 0 && fabsf(a[0] - 0.00235466f) < 1e-6f,
	       "an empty text has the vector of no tokens");
	tap_ok(!embed(engine, thread, NULL, 0, b, &result) && !memcmp(a, b, sizeof(a)),
	       "and needs no memory");
	tap_ok(!embed(engine, thread, text, 4000, a, &result) && result.tokens == 128 &&
	       fabs(length(a) - 1) < 1e-6, "a long text counts up to its 128th token");
	tap_ok(!embed(engine, thread, text, SIZE, b, &result) && !memcmp(a, b, sizeof(a)),
	       "16 MiB are no different");
	for (size_t len = 1; len < 900; len += 31)
		if (embed(engine, thread, text, len, a, &result) || !(fabs(length(a) - 1) < 1e-6))
			len = 1000;
	tap_ok(fabs(length(a) - 1) < 1e-6, "every length gives a vector of length 1");
	tap_ok(!embed(engine, thread, "a\0b", 3, a, &result) &&
	       !embed(engine, thread, "a", 1, b, &result) && memcmp(a, b, sizeof(a)),
	       "a NUL does not end the text");
	tap_ok(embed(engine, thread, "caf\xe9", 4, a, &result) == -EILSEQ &&
	       strstr(result.message, "byte 3"), "bad UTF-8 is refused, saying where");
	memcpy(text + SIZE - 1, "\xff", 1);
	tap_ok(embed(engine, thread, text, SIZE, a, &result) == -EILSEQ,
	       "also beyond what counts");
	free(text);
}

static void test_dimensions(struct engine *engine, struct engine_thread *thread)
{
	struct engine_request request = { .content = "a", .len = 1, .dims = DIMS };
	struct engine_result result;
	struct engine_info info;
	float out[DIMS];

	ops->info(engine, &info);
	tap_ok(info.min_dims == DIMS && info.max_dims == DIMS && info.native_dims == DIMS,
	       "the engine says that it has 512 dimensions");
	tap_ok(!ops->embed(engine, thread, &request, out, DIMS, &result) && result.dims == DIMS,
	       "512 can be asked for");
	request.dims = 256;
	tap_ok(ops->embed(engine, thread, &request, out, DIMS, &result) == -EOPNOTSUPP &&
	       strstr(result.message, "256"), "256 cannot, saying so");
	request.dims = 0;
	tap_ok(ops->embed(engine, thread, &request, out, DIMS - 1, &result) == -ENOBUFS,
	       "too little room is refused");
}

static int open_copy(const char *path, const char *data, size_t size)
{
	char options[128], message[ENGINE_MESSAGE_BYTES];
	struct engine *engine;
	FILE *f = fopen(path, "wb");
	int ret;

	if (!f || fwrite(data, 1, size, f) != size || fclose(f))
		tap_bail("%s: cannot write it", path);
	snprintf(options, sizeof(options), "model=%s", path);
	ret = ops->open(&engine, options, message);
	if (!ret)
		ops->close(engine);
	else
		printf("# %s\n", message);
	return ret;
}

static void test_model_file(const char *model_path)
{
	char path[] = "/tmp/vexipc-test-XXXXXX";
	char message[ENGINE_MESSAGE_BYTES];
	struct use_lite_header *header;
	struct engine *engine;
	int fd = mkstemp(path);
	bool found = true;
	size_t size;
	char *data;

	if (fd < 0)
		tap_bail("no temporary file");
	close(fd);
	data = read_all(model_path, &size);
	header = (void *)data;

	tap_ok(!open_copy(path, data, size), "a copy of the model file opens");
	tap_ok(open_copy(path, data, size - 64) == -EINVAL, "a truncated one does not");
	tap_ok(open_copy(path, data, 10) == -EINVAL, "nor one without a header");
	for (size_t at = size - 1; at > sizeof(*header) && found; at -= at / 2) {
		data[at] ^= 1;
		found = open_copy(path, data, size) == -EINVAL;
		data[at] ^= 1;
	}
	tap_ok(found, "nor one with a changed bit in it");
	header->version++;
	tap_ok(open_copy(path, data, size) == -EPROTO, "nor one of another version");
	header->version--;
	header->magic[0] ^= 1;
	tap_ok(open_copy(path, data, size) == -EINVAL, "nor something else");
	unlink(path);
	free(data);

	tap_ok(ops->open(&engine, "model=/nonexistent", message) == -ENOENT &&
	       strstr(message, "/nonexistent"), "a missing one is named");
	tap_ok(ops->open(&engine, "modle=x", message) == -EINVAL && strstr(message, "modle"),
	       "an unknown option is named");
	tap_ok(ops->open(&engine, "model", message) == -EINVAL, "an option without a value is refused");
	tap_ok(ops->open(&engine, "simd=mmx", message) == -EINVAL, "unknown loops are refused");
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : getenv("VEXIPC_GOLDEN");
	const char *model_path = getenv("VEXIPC_MODEL");
	struct engine_thread *thread;
	struct engine *engine;
	size_t size;
	char *text;

	if (!model_path)
		tap_bail("VEXIPC_MODEL is not set: scripts/fetch-model prints what to set it to");
	text = read_all(path ? path : "tests/fixtures/use-lite-golden.json", &size);
	golden = cJSON_ParseWithLength(text, size);
	free(text);
	if (cJSON_GetArraySize(golden) < 12)
		tap_bail("the fixture is not what it should be");

	test_golden("auto");
	test_golden("generic");
	test_golden("avx2");
	engine = must_open("");
	thread = must_open_thread(engine);
	test_threads(engine);
	test_texts(engine, thread);
	test_dimensions(engine, thread);
	ops->thread_close(thread);
	ops->close(engine);
	test_model_file(model_path);
	cJSON_Delete(golden);
	return tap_done();
}
