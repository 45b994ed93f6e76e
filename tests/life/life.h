/* SPDX-License-Identifier: GPL-2.0-only */
/* What the test programs share: texts that tell which vector belongs to them. */
#ifndef LIFE_H
#define LIFE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <vexipc/vexipc.h>

enum { LIFE_DIMS = 8, LIFE_TEXT = 24 };

#define die(...) do {						\
		fprintf(stderr, __VA_ARGS__);			\
		fputc('\n', stderr);				\
		exit(1);					\
	} while (0)

/* The text of a number; a life-service answers it with life_vector_is()'s. */
int life_text(char text[LIFE_TEXT], uint32_t number);
/* Is it the vector of that number's text? */
bool life_vector_is(const void *vector, size_t bytes, uint32_t number);
/* Defaults, and this text. */
struct vexipc_embed_params life_params(const char *text, int len);
struct vexipc_client *life_client(uint32_t transport);
uint32_t life_number(const char *text);
uint32_t life_transport(const char *name);
const char *life_errno(int err);

#endif
