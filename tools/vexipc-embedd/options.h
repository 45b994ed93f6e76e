/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VEXIPC_EMBEDD_OPTIONS_H
#define VEXIPC_EMBEDD_OPTIONS_H

#include <vexipc/vexipc.h>

enum { MAX_THREADS = 256, MAX_METADATA = 32, MOST_QUEUES = 8 };

/* struct options is the command line. */
struct options {
	const char *engine;
	const char *engine_options;
	const char *model;	/* file of the use-lite model */
	const char *token_file;
	uint8_t token[VEXIPC_TOKEN_BYTES];
	unsigned int threads;
	bool quiet;
	uint32_t dimensions[VEXIPC_MAX_SERVICE_DIMENSIONS];
	const char *metadata[MAX_METADATA + 1];
	struct vexipc_service_config service;
};

/* Fills the options or prints what is wrong and exits with status 2. */
void options_parse(struct options *options, int argc, char **argv);

#endif
