/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What turns text into vectors.
 *
 * An engine is opened once and shared by all worker threads; each thread brings
 * its own context, so that embed() needs no locks. An engine knows nothing of
 * messages, transports or sockets: it gets bytes and yields floats, and the
 * service loop does the rest, including any misbehaviour the engine asks for.
 *
 * To add an engine: fill a struct engine_ops, name it in engine.c.
 */
#ifndef VEXIPC_EMBEDD_ENGINE_H
#define VEXIPC_EMBEDD_ENGINE_H

#include <stddef.h>
#include <stdint.h>

enum {
	ENGINE_MAX_DIMS = 8192,
	ENGINE_MESSAGE_BYTES = 160,
};

/* An engine's own state; each engine defines what is in it. */
struct engine;
/* One worker thread's scratch memory for one engine. */
struct engine_thread;

/**
 * struct engine_info - what an engine can do, as it is registered
 * @model: name of the model
 * @native_dims: dimensions of a vector when the request names none
 * @min_dims: fewest dimensions it can be asked for
 * @max_dims: most dimensions it can be asked for
 * @max_tokens: tokens of a text that count, 0 when all of it does
 */
struct engine_info {
	const char *model;
	uint32_t native_dims;
	uint32_t min_dims;
	uint32_t max_dims;
	uint32_t max_tokens;
};

/**
 * struct engine_request - one text to embed
 * @content: the bytes, may hold NULs and need not end in one
 * @len: how many
 * @dims: dimensions wanted, 0 for the engine's native ones
 */
struct engine_request {
	const void *content;
	size_t len;
	uint32_t dims;
};

/*
 * How the service loop is to misbehave with this answer. Only engines made for
 * tests set any. Several can be set at once; STALL wins over the others.
 */
enum engine_fault {
	ENGINE_FAULT_STALL = 1U << 0,		/* never answer */
	ENGINE_FAULT_LIE_LENGTH = 1U << 1,	/* announce a length the answer does not have */
	ENGINE_FAULT_ANSWER_TWICE = 1U << 2,	/* send the answer a second time */
	ENGINE_FAULT_ANSWER_OTHER = 1U << 3,	/* answer under another correlation id */
	ENGINE_FAULT_CORRUPT = 1U << 4,		/* damage the message after its checksum is made */
};

/**
 * struct engine_result - what came of a request
 * @dims: floats written
 * @tokens: tokens the text had, as far as they counted; 0 when not applicable
 * @faults: enum engine_fault bits for the service loop to carry out
 * @delay_us: wait so long before answering; also set for answers that are errors
 * @message: why it failed, for people; "" when it did not
 */
struct engine_result {
	uint32_t dims;
	uint32_t tokens;
	uint32_t faults;
	uint64_t delay_us;
	char message[ENGINE_MESSAGE_BYTES];
};

/**
 * struct engine_ops - an engine
 * @name: as --engine takes it
 * @options_help: its options, one a line, for --help
 * @open: make the engine from a comma-separated "key=value" list, "" or NULL for
 *	none. 0, or a negative errno with the reason in @message.
 * @close: free it; no thread context may be left
 * @info: what it can do
 * @thread_open: make a thread's context; 0 or -ENOMEM
 * @thread_close: free it
 * @embed: write the vector to @out, which has room for @room floats, and fill
 *	@result whatever happens. 0, or a negative errno:
 *	-EOPNOTSUPP	dimensions it does not have
 *	-EILSEQ		the text is not UTF-8
 *	-ENOBUFS	@room is too small
 *	-EBUSY		overloaded: another service should take it
 *	-EIO		failed: a retry may help
 *	-ENOMEM		no memory
 *	Thread-safe as long as no two threads share an engine_thread.
 */
struct engine_ops {
	const char *name;
	const char *options_help;
	int (*open)(struct engine **engine, const char *options,
		    char message[ENGINE_MESSAGE_BYTES]);
	void (*close)(struct engine *engine);
	void (*info)(const struct engine *engine, struct engine_info *info);
	int (*thread_open)(struct engine *engine, struct engine_thread **thread);
	void (*thread_close)(struct engine_thread *thread);
	int (*embed)(struct engine *engine, struct engine_thread *thread,
		     const struct engine_request *request, float *out, size_t room,
		     struct engine_result *result);
};

extern const struct engine_ops engine_use_lite;
extern const struct engine_ops engine_echo;

/* All engines, NULL at the end; the first is the default. */
extern const struct engine_ops *const engines[];

/**
 * engine_find() - an engine by its name
 * @name: name, or NULL for the default
 *
 * Return: the engine, or NULL when there is none of that name.
 */
const struct engine_ops *engine_find(const char *name);

#endif
