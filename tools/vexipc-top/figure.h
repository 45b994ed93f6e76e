/* SPDX-License-Identifier: GPL-2.0-only */
/* Figures by their fields: names, heads of columns, short text. */
#ifndef VEXIPC_TOP_FIGURE_H
#define VEXIPC_TOP_FIGURE_H

#include <vexipc/telemetry.h>

#include "text.h"

/* Fields of that name, which there must be. */
const struct vexipc_field *service_field(const char *name);
const struct vexipc_field *recent_field(const char *name);

/* The head of its column, at least its name; and the same among words, in lower case. */
const char *figure_head(const struct vexipc_field *field);
void figure_word(char buf[FIGURE_WORD_ROOM], const struct vexipc_field *field);

/* A number, by its unit, in at most five characters; "-" if it is not known. */
void format_figure(char buf[FIGURE_ROOM], const struct vexipc_field *field, const void *object);

#endif
