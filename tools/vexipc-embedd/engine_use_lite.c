// SPDX-License-Identifier: GPL-2.0-only
/* The use-lite engine: Universal Sentence Encoder Lite. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "use_lite_encoder.h"
#include "use_lite_tokenizer.h"

#ifndef VEXIPC_MODEL_PATH
#define VEXIPC_MODEL_PATH "/usr/share/vexipc/use-lite.model"
#endif

struct engine {
	struct use_lite_model model;
	const struct use_lite_kernels *kernels;
};

struct engine_thread {
	struct use_lite_tokenizer tokenizer;
	struct use_lite_encoder *encoder;
};

static int parse_options(const char *options, char **path, const struct use_lite_kernels **kernels,
			 char *message)
{
	enum { MODEL, SIMD };
	char *const keys[] = { [MODEL] = "model", [SIMD] = "simd", NULL };
	const char *model = getenv("VEXIPC_MODEL");
	const char *simd = NULL;
	char *list = strdup(options ? options : "");
	char *rest = list, *value;
	int ret = 0;

	if (!list)
		return -ENOMEM;
	while (*rest && !ret) {
		const char *option = rest;
		int key = getsubopt(&rest, keys, &value);

		if (key < 0) {
			snprintf(message, ENGINE_MESSAGE_BYTES, "use-lite: unknown option \"%s\"",
				 option);
			ret = -EINVAL;
		} else if (!value || !*value) {
			snprintf(message, ENGINE_MESSAGE_BYTES, "use-lite: option %s needs a value",
				 keys[key]);
			ret = -EINVAL;
		} else if (key == MODEL) {
			model = value;
		} else {
			simd = value;
		}
	}
	if (!ret) {
		*kernels = use_lite_kernels_find(simd);
		if (!*kernels) {
			snprintf(message, ENGINE_MESSAGE_BYTES,
				 "use-lite: no simd=%s on this processor", simd);
			ret = -EINVAL;
		}
	}
	if (!ret) {
		*path = strdup(model && *model ? model : VEXIPC_MODEL_PATH);
		if (!*path)
			ret = -ENOMEM;
	}
	free(list);
	return ret;
}

static int use_lite_open(struct engine **engine, const char *options,
			 char message[ENGINE_MESSAGE_BYTES])
{
	struct engine *e = calloc(1, sizeof(*e));
	char *path = NULL;
	int ret = -ENOMEM;

	snprintf(message, ENGINE_MESSAGE_BYTES, "out of memory");
	if (!e)
		return ret;
	ret = parse_options(options, &path, &e->kernels, message);
	if (!ret)
		ret = use_lite_model_open(&e->model, path, message, ENGINE_MESSAGE_BYTES);
	free(path);
	if (ret) {
		free(e);
		return ret;
	}
	message[0] = '\0';
	*engine = e;
	return 0;
}

static void use_lite_close(struct engine *engine)
{
	use_lite_model_close(&engine->model);
	free(engine);
}

static void use_lite_info(const struct engine *engine, struct engine_info *info)
{
	(void)engine;
	*info = (struct engine_info){
		.model = "use-lite",
		.native_dims = USE_LITE_DIMS,
		.min_dims = USE_LITE_DIMS,
		.max_dims = USE_LITE_DIMS,
		.max_tokens = USE_LITE_MAX_TOKENS,
	};
}

static int use_lite_thread_open(struct engine *engine, struct engine_thread **thread)
{
	struct engine_thread *t = calloc(1, sizeof(*t));

	(void)engine;
	if (!t)
		return -ENOMEM;
	t->encoder = use_lite_encoder_new();
	if (!t->encoder) {
		free(t);
		return -ENOMEM;
	}
	*thread = t;
	return 0;
}

static void use_lite_thread_close(struct engine_thread *thread)
{
	use_lite_tokenizer_free(&thread->tokenizer);
	use_lite_encoder_free(thread->encoder);
	free(thread);
}

static int use_lite_embed(struct engine *engine, struct engine_thread *thread,
			  const struct engine_request *request, float *out, size_t room,
			  struct engine_result *result)
{
	uint16_t ids[USE_LITE_MAX_TOKENS];
	ssize_t bad;
	int count;

	*result = (struct engine_result){ 0 };
	if (request->dims && request->dims != USE_LITE_DIMS) {
		snprintf(result->message, sizeof(result->message),
			 "use-lite has vectors of %d dimensions, not %u", USE_LITE_DIMS,
			 request->dims);
		return -EOPNOTSUPP;
	}
	if (room < USE_LITE_DIMS) {
		snprintf(result->message, sizeof(result->message),
			 "room for %zu floats, %d needed", room, USE_LITE_DIMS);
		return -ENOBUFS;
	}
	bad = use_lite_check_utf8(request->content, request->len);
	if (bad >= 0) {
		snprintf(result->message, sizeof(result->message),
			 "the text is not UTF-8 at byte %zd", bad);
		return -EILSEQ;
	}
	count = use_lite_tokenize(&thread->tokenizer, &engine->model, request->content,
				  request->len, ids, USE_LITE_MAX_TOKENS);
	if (count < 0) {
		snprintf(result->message, sizeof(result->message), "cannot split the text: %s",
			 strerror(-count));
		return count;
	}
	use_lite_encode(thread->encoder, &engine->model, engine->kernels, ids,
			(unsigned int)count, out);
	result->dims = USE_LITE_DIMS;
	result->tokens = (uint32_t)count;
	return 0;
}

const struct engine_ops engine_use_lite = {
	.name = "use-lite",
	.options_help =
		"model=FILE    model file; default $VEXIPC_MODEL, then " VEXIPC_MODEL_PATH "\n"
		"simd=NAME     inner loops: auto, avx2 or generic; default auto\n",
	.open = use_lite_open,
	.close = use_lite_close,
	.info = use_lite_info,
	.thread_open = use_lite_thread_open,
	.thread_close = use_lite_thread_close,
	.embed = use_lite_embed,
};
