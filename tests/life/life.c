// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "life.h"

int life_text(char text[LIFE_TEXT], uint32_t number)
{
	return snprintf(text, LIFE_TEXT, "%u", number);
}

bool life_vector_is(const void *vector, size_t bytes, uint32_t number)
{
	float v[LIFE_DIMS];

	if (bytes != sizeof(v))
		return false;
	memcpy(v, vector, sizeof(v));
	for (int i = 0; i < LIFE_DIMS; i++)
		if (v[i] != (float)(number + (uint32_t)i))
			return false;
	return true;
}

struct vexipc_embed_params life_params(const char *text, int len)
{
	struct vexipc_embed_params params = VEXIPC_EMBED_PARAMS_INIT;

	params.content = text;
	params.content_len = (size_t)len;
	params.dimensions = LIFE_DIMS;
	return params;
}

struct vexipc_client *life_client(uint32_t transport)
{
	struct vexipc_client *client;
	int err = vexipc_client_open(transport, &client);

	if (err)
		die("cannot become a client: %s", life_errno(err));
	return client;
}

uint32_t life_number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n > UINT32_MAX)
		die("'%s' is no number", text);
	return (uint32_t)n;
}

uint32_t life_transport(const char *name)
{
	uint32_t transport;

	if (vexipc_transport_parse(name, &transport))
		die("no transport '%s'", name);
	return transport;
}

const char *life_errno(int err)
{
	const char *name = strerrorname_np(-err);

	return err ? name ? name : "?" : "0";
}
