/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VEXIPC_EMBEDD_ANSWER_H
#define VEXIPC_EMBEDD_ANSWER_H

#include <vexipc/vexipc.h>

#include "engine.h"

/**
 * struct worker - what one serving thread needs
 * @ops: the engine's
 * @engine: shared by all
 * @thread: this thread's own part of it
 * @vector: room for one vector of ENGINE_MAX_DIMS
 * @stop: readable when delays are to end early
 */
struct worker {
	const struct engine_ops *ops;
	struct engine *engine;
	struct engine_thread *thread;
	float *vector;
	int stop;
};

int worker_open(struct worker *worker, const struct engine_ops *ops,
		struct engine *engine, int stop);
void worker_close(struct worker *worker);

/* Do a request, single or batch, and answer it as the engine says. */
int worker_answer(struct worker *worker, struct vexipc_service *service,
		  struct vexipc_request *request);

#endif
