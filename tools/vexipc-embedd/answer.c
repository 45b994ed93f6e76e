// SPDX-License-Identifier: GPL-2.0-only
/* From a request to its answer: the engine's vector, or its misbehaviour. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"

int worker_open(struct worker *worker, const struct engine_ops *ops,
		struct engine *engine, int stop)
{
	*worker = (struct worker){ .ops = ops, .engine = engine, .stop = stop };
	worker->vector = malloc(ENGINE_MAX_DIMS * sizeof(float));
	if (!worker->vector)
		return -ENOMEM;
	return ops->thread_open(engine, &worker->thread);
}

void worker_close(struct worker *worker)
{
	if (worker->thread)
		worker->ops->thread_close(worker->thread);
	free(worker->vector);
}

/* What the client is told of an engine's errno. */
static void error_of(int err, uint32_t *error, uint32_t *kind)
{
	*kind = 0;
	switch (err) {
	case -EOPNOTSUPP:
		*error = VEXIPC_ERR_UNSUPPORTED;
		break;
	case -EILSEQ:
		*error = VEXIPC_ERR_BAD_STRING;
		break;
	case -EBUSY:
		*error = VEXIPC_ERR_OVERLOADED;
		*kind = VEXIPC_ERROR_RETRY | VEXIPC_ERROR_OVERLOAD;
		break;
	case -ENOMEM:
		*error = VEXIPC_ERR_NO_MEMORY;
		*kind = VEXIPC_ERROR_RETRY;
		break;
	default:
		*error = VEXIPC_ERR_SERVICE_FAILED;
		*kind = VEXIPC_ERROR_RETRY;
	}
}

/* Wait as long as the engine says, but not past the end of serving. */
static void delay(const struct worker *worker, uint64_t us)
{
	struct pollfd stop = { .fd = worker->stop, .events = POLLIN };
	struct timespec time = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	if (us)
		ppoll(&stop, 1, &time, NULL);
}

/*
 * An answer that is wrong in itself, made by hand: the library makes only right
 * ones.
 */
static int answer_wrong(struct vexipc_service *service, struct vexipc_request *request,
			const void *vector, size_t bytes, float scale, uint32_t dims,
			uint32_t faults)
{
	struct vexipc_embed_response_body body = {
		.dimensions = dims, .data_type = request->data_type,
	};
	struct iovec parts[] = { { &body, sizeof(body) }, { (void *)vector, bytes } };
	size_t room = sizeof(struct vexipc_msg_header) + sizeof(body) + bytes;
	uint64_t correlation = request->correlation_id;
	unsigned char *message = malloc(room);
	ssize_t len;
	int err;

	if (!message)
		return -ENOMEM;
	if (faults & ENGINE_FAULT_LIE_LENGTH)
		parts[1].iov_len = bytes - 1;
	/* Of another use of the same slot: a request that is not this one. */
	if (faults & ENGINE_FAULT_ANSWER_OTHER)
		correlation ^= 1ull << 28;
	memcpy(&body.scale, &scale, sizeof(scale));
	body.vector_bytes = parts[1].iov_len;
	len = vexipc_message_build(message, room, VEXIPC_MSG_EMBED_RESPONSE, correlation,
				   0, parts, 2);
	if (len > 0 && faults & ENGINE_FAULT_CORRUPT)
		message[len - 1] ^= 0xff;
	err = len < 0 ? (int)len :
	      vexipc_channel_send(vexipc_service_channel(service), message, len);
	free(message);
	/* That the module refuses what is corrupt is what was wanted. */
	if (faults & ENGINE_FAULT_CORRUPT && err == -EBADMSG)
		err = 0;
	return err;
}

static int answer_single(struct worker *worker, struct vexipc_service *service,
			 struct vexipc_request *request, const struct engine_result *result)
{
	const uint32_t wrong = ENGINE_FAULT_LIE_LENGTH | ENGINE_FAULT_ANSWER_OTHER |
			       ENGINE_FAULT_CORRUPT;
	size_t bytes = vexipc_vector_bytes(request->data_type, result->dims);
	char *encoded;
	float scale;
	int err;

	if (!(result->faults & (wrong | ENGINE_FAULT_ANSWER_TWICE)))
		return vexipc_service_answer_floats(service, request, worker->vector,
						    result->dims);
	encoded = malloc(bytes);
	if (!encoded)
		return -ENOMEM;
	vexipc_vector_encode(request->data_type, worker->vector, result->dims, encoded,
			     bytes, &scale);
	err = answer_wrong(service, request, encoded, bytes, scale, result->dims,
			   result->faults & wrong);
	if (!err && result->faults & ENGINE_FAULT_ANSWER_TWICE)
		err = answer_wrong(service, request, encoded, bytes, scale, result->dims, 0);
	free(encoded);
	/* It has been answered, one way or the other. */
	request->open = false;
	return err;
}

static int do_single(struct worker *worker, struct vexipc_service *service,
		     struct vexipc_request *request)
{
	struct engine_request ask = {
		.content = request->content,
		.len = request->content_len,
		.dims = request->dimensions,
	};
	struct engine_result result;
	uint32_t error, kind;
	int err;

	err = worker->ops->embed(worker->engine, worker->thread, &ask, worker->vector,
				 ENGINE_MAX_DIMS, &result);
	delay(worker, result.delay_us);
	if (result.faults & ENGINE_FAULT_STALL) {
		request->open = false;
		return 0;
	}
	if (!err)
		return answer_single(worker, service, request, &result);
	error_of(err, &error, &kind);
	return vexipc_service_fail(service, request, error, kind, 0, result.message);
}

/* One item of a batch; @vector->data is malloc()ed when there is one. */
static void do_item(struct worker *worker, const struct vexipc_request *request,
		    const void *content, size_t len, struct vexipc_vector *vector,
		    struct engine_result *result)
{
	struct engine_request ask = {
		.content = content, .len = len, .dims = request->dimensions,
	};
	int err;

	err = worker->ops->embed(worker->engine, worker->thread, &ask, worker->vector,
				 ENGINE_MAX_DIMS, result);
	if (err) {
		error_of(err, &vector->error, &vector->kind);
		return;
	}
	vector->dimensions = result->dims;
	vector->data_type = request->data_type;
	vector->bytes = vexipc_vector_bytes(request->data_type, result->dims);
	vector->data = malloc(vector->bytes);
	if (!vector->data) {
		vector->error = VEXIPC_ERR_NO_MEMORY;
		vector->kind = VEXIPC_ERROR_RETRY;
		return;
	}
	vexipc_vector_encode(request->data_type, worker->vector, result->dims,
			     (void *)vector->data, vector->bytes, &vector->scale);
}

static int do_batch(struct worker *worker, struct vexipc_service *service,
		    struct vexipc_request *request)
{
	struct vexipc_vector *vectors = calloc(request->count, sizeof(*vectors));
	uint64_t delay_us = 0;
	const void *content;
	bool stall = false;
	uint32_t i = 0;
	size_t len;
	int err = 0;

	if (!vectors)
		return vexipc_service_fail(service, request, VEXIPC_ERR_NO_MEMORY,
					   VEXIPC_ERROR_RETRY, 0, NULL);
	while (i < request->count && vexipc_request_item(request, &content, &len)) {
		struct engine_result result;

		do_item(worker, request, content, len, &vectors[i++], &result);
		delay_us += result.delay_us;
		stall |= result.faults & ENGINE_FAULT_STALL;
	}
	delay(worker, delay_us);
	if (stall)
		request->open = false;
	else
		err = vexipc_service_answer_batch(service, request, vectors);
	for (i = 0; i < request->count; i++)
		free((void *)vectors[i].data);
	free(vectors);
	return err;
}

int worker_answer(struct worker *worker, struct vexipc_service *service,
		  struct vexipc_request *request)
{
	if (request->type == VEXIPC_MSG_BATCH_REQUEST)
		return do_batch(worker, service, request);
	return do_single(worker, service, request);
}
