// SPDX-License-Identifier: GPL-2.0-only
/*
 * vexipc, asked what it knows: as vexipc-chardev, but the texts repeat, and all of
 * them are in the cache when the round trips begin to count. The service idles.
 */
#include "vexipc_link.h"

/* Fewer than the cache has room for. */
enum { TEXTS = 64 };

static void set_cache(uint64_t on)
{
	struct vexipc_config_entry entry = {
		.field = VEXIPC_CONFIG_CACHE_ENABLED,
		.value = on,
	};

	vexipc_configure("vexipc-cached: cache_enabled", &entry, 1);
}

static void setup(struct bench_link *link)
{
	(void)link;
	set_cache(1);
}

static void serve(struct bench_link *link)
{
	bench_vexipc_chardev.serve(link);
}

/* One after the other, or answers of the service would come after later hits. */
static void connect_and_fill(struct bench_link *link)
{
	vexipc_client_connect(link);
	for (int i = 0; i < TEXTS; i++)
		vexipc_client_call(link);
}

static void teardown(struct bench_link *link)
{
	vexipc_client_teardown(link);
	set_cache(0);
}

const struct bench_peer bench_vexipc_cached = {
	.name = "vexipc-cached",
	.texts = TEXTS,
	.setup = setup,
	.serve = serve,
	.connect = connect_and_fill,
	.teardown = teardown,
	.call = vexipc_client_call,
	.submit = vexipc_client_submit,
	.reap = vexipc_client_reap,
};
