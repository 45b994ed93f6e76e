// SPDX-License-Identifier: GPL-2.0-only
/*
 * tools/lib/client_batch.c: how a batch is cut for those who take less. What asks
 * the module is played here, by a service that takes so many items. Takes nothing.
 */
#include <stdarg.h>

#define vxi_client_transact played_transact
#define vexipc_embed played_embed
#define ioctl played_ioctl
#include "../../tools/lib/client_batch.c"
#include "tap.h"

enum { ITEMS = 50 };

static uint32_t takes;			/* items at once; 0: there is nobody */
static uint32_t calls, most_seen;
static int whole_error;			/* of any batch it takes */
static uint32_t interrupt_at;		/* the call that a signal comes in */

static struct iovec items[ITEMS];
static char text[ITEMS][4];

static void fill(struct vexipc_result *result, const void *content)
{
	float value = (float)atoi(content);

	clear(result);
	result->dimensions = 1;
	if (vxi_result_set_vector(result, &value, sizeof(value)))
		tap_bail("no memory");
}

static float value_of(const struct vexipc_result *result)
{
	float value = -1;

	if (!result->error && result->vector_bytes == sizeof(value))
		memcpy(&value, result->vector, sizeof(value));
	return value;
}

int played_embed(struct vexipc_client *client, const struct vexipc_embed_params *params,
		 struct vexipc_result *result)
{
	int err = 0;

	(void)client;
	if (++calls == interrupt_at)
		err = -EINTR;
	else if (!takes)
		err = -ENODEV;
	else if (!params->content_len)
		err = -EINVAL;
	if (err) {
		clear(result);
		result->error = vexipc_error_from_errno(err);
		return err;
	}
	fill(result, params->content);
	return 0;
}

int played_transact(struct vexipc_client *client, const struct out *o, uint64_t id,
		    struct vexipc_completion *completion)
{
	struct vexipc_request request = { 0 };
	struct vexipc_message message;
	const void *content;
	size_t len;
	int err = 0;

	(void)client, (void)id;
	if (vexipc_message_parse(o->data, o->len, &message) < 0)
		tap_bail("no message");
	/* As a service sees it: no service is named. */
	if (vxi_parse_request(&message, &request))
		tap_bail("no batch");
	if (++calls == interrupt_at)
		err = -EINTR;
	else if (request.count > takes)
		err = -ENODEV;
	else
		err = whole_error;
	if (err) {
		completion->result.error = vexipc_error_from_errno(err);
		return err;
	}
	most_seen = request.count > most_seen ? request.count : most_seen;
	if (vxi_completion_items(completion, request.count))
		tap_bail("no memory");
	completion->count = request.count;
	for (uint32_t i = 0; vexipc_request_item(&request, &content, &len); i++)
		fill(&completion->items[i], content);
	return 0;
}

int played_ioctl(int fd, unsigned long request, ...)
{
	struct vexipc_embed_item *item;
	struct vexipc_embed_batch *arg;
	va_list args;

	va_start(args, request);
	arg = va_arg(args, struct vexipc_embed_batch *);
	va_end(args);
	calls++;
	if (fd != 99 || request != VEXIPC_IOC_EMBED_BATCH ||
	    arg->item_size != sizeof(*item))
		tap_bail("no such call");
	item = (struct vexipc_embed_item *)(uintptr_t)arg->items_ptr;
	for (uint32_t i = 0; i < arg->count; i++) {
		float value;

		if (i == 1 || !item[i].data_size) {
			item[i].status = VEXIPC_ERR_INVALID;
			continue;
		}
		value = (float)atoi((const char *)(uintptr_t)item[i].data_ptr);
		memcpy((void *)(uintptr_t)item[i].result_ptr, &value, sizeof(value));
		item[i].dimensions = 1;
		item[i].vector_bytes = sizeof(value);
	}
	return 0;
}

static int embed(const struct channel_ops *ops, uint32_t count, struct vexipc_completion *c)
{
	const struct vexipc_embed_params params = VEXIPC_EMBED_PARAMS_INIT;
	struct vexipc_channel channel = { .ops = ops, .fd = 99 };
	struct vexipc_client client = { .ch = &channel };

	calls = most_seen = 0;
	return vexipc_embed_batch(&client, &params, items, count, c);
}

static bool in_order(const struct vexipc_completion *c, uint32_t count)
{
	bool good = c->count == count;

	for (uint32_t i = 0; good && i < count; i++)
		good = value_of(&c->items[i]) == (float)i;
	return good;
}

static bool all_failed(const struct vexipc_completion *c, uint32_t count, uint32_t error)
{
	bool good = c->count == count;

	for (uint32_t i = 0; good && i < count; i++)
		good = c->items[i].error == error;
	return good;
}

static void test_cutting(void)
{
	static const uint32_t most[] = { ITEMS, ITEMS - 1, 10, 3, 1 };
	struct vexipc_completion c = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(most); i++) {
		takes = most[i];
		tap_ok(!embed(&vxi_netlink_ops, ITEMS, &c) && in_order(&c, ITEMS) &&
		       most_seen <= takes, "%u items by one who takes %u, in order", ITEMS, takes);
	}
	takes = 0;
	tap_ok(!embed(&vxi_netlink_ops, ITEMS, &c) &&
	       all_failed(&c, ITEMS, VEXIPC_ERR_NO_CAPABLE_SERVICE),
	       "with nobody there each item fails as a request would");
	vexipc_completion_free(&c);
}

static void test_failures(void)
{
	struct vexipc_completion c = { 0 };

	takes = 10;
	whole_error = -ECONNRESET;
	tap_ok(!embed(&vxi_netlink_ops, 10, &c) && all_failed(&c, 10, VEXIPC_ERR_SERVICE_DIED),
	       "what fails as a whole fails for each item");
	whole_error = 0;
	interrupt_at = 2;
	takes = 25;
	tap_ok(embed(&vxi_netlink_ops, ITEMS, &c) == -EINTR && c.count == ITEMS &&
	       c.result.error == VEXIPC_ERR_INTERRUPTED, "a signal ends it");
	interrupt_at = 0;
	vexipc_completion_free(&c);
}

static void test_limits(void)
{
	static struct iovec many[VEXIPC_MAX_BATCH + 1];
	const struct vexipc_embed_params params = VEXIPC_EMBED_PARAMS_INIT;
	struct vexipc_channel channel = { .ops = &vxi_netlink_ops };
	struct vexipc_client client = { .ch = &channel };
	struct vexipc_completion c = { 0 };
	const struct iovec huge[] = { { text, VEXIPC_MAX_MESSAGE }, { text, 1 } };

	tap_ok(vexipc_embed_batch(&client, &params, many, 0, &c) == -EINVAL && !c.count,
	       "a batch of nothing is EINVAL");
	tap_ok(vexipc_embed_batch(&client, &params, many, VEXIPC_MAX_BATCH + 1, &c) == -EMSGSIZE &&
	       c.result.error == VEXIPC_ERR_TOO_LARGE, "one of too many items is EMSGSIZE");
	tap_ok(vexipc_embed_batch(&client, &params, huge, 2, &c) == -EMSGSIZE,
	       "one of too many bytes is EMSGSIZE");
	vexipc_completion_free(&c);
}

static void test_device(void)
{
	struct vexipc_completion c = { 0 };

	tap_ok(!embed(&vxi_chardev_ops, ITEMS, &c) && calls == 1 && c.count == ITEMS &&
	       c.items[1].error == VEXIPC_ERR_INVALID && value_of(&c.items[0]) == 0 &&
	       value_of(&c.items[ITEMS - 1]) == ITEMS - 1,
	       "through the device it is one call, and each item has its own answer");
	vexipc_completion_free(&c);
}

int main(void)
{
	for (uint32_t i = 0; i < ITEMS; i++) {
		snprintf(text[i], sizeof(text[i]), "%u", i % 1000);
		items[i] = (struct iovec) { text[i], strlen(text[i]) + 1 };
	}
	test_cutting();
	test_failures();
	test_limits();
	test_device();
	return tap_done();
}
