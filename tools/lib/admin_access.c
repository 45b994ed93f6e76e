// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who may do what: registration tokens and access rules. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

#define T(field_, title_, unit_, kind_, help_) \
	FIELD_ROW(struct vexipc_token_entry, field_, title_, unit_, kind_, help_)

static const struct vexipc_field token_fields[] = {
	T(id, "ID", "", NUMBER, "what it is revoked by"),
	T(label, "LABEL", "", STRING, "what it is for"),
	T(pattern, "SERVICES", "", STRING, "pattern of the ids it may register; none: any"),
	T(models, "MODELS", "", STRING, "pattern of the models they may name; none: any"),
	T(uses, NULL, "", NUMBER, "registrations it was good for; 0: any number"),
	T(uses_left, NULL, "", NUMBER, "of these left"),
	T(max_services, NULL, "", NUMBER, "services at once; 0: any number"),
	T(max_priority, "PRIORITY", "", NUMBER, "highest tier a service may have"),
	T(services, "NOW", "", NUMBER, "services there are of it"),
	T(registered, "REGISTERED", "", NUMBER, "services it brought, ever"),
	T(uid, "UID", "", NUMBER, "who issued it"),
	T(created_ns, NULL, "ns", NUMBER, "when it was issued, on the wall clock"),
	T(last_used_ns, NULL, "ns", NUMBER, "when it was last used; 0: never"),
	T(expires_ns, NULL, "ns", NUMBER, "when it ends; 0: never"),
	{ 0 },
};

#define R(field_, title_, unit_, kind_, help_) \
	FIELD_ROW(struct vexipc_rule_entry, field_, title_, unit_, kind_, help_)

static const struct vexipc_field rule_fields[] = {
	R(id, "ID", "", NUMBER, "what it is removed by"),
	R(models, "MODELS", "", STRING, "pattern of the models to embed with; none: any"),
	R(max_priority, "PRIORITY", "", NUMBER, "highest of a request; 255 allows critical"),
	R(hits, "HITS", "", NUMBER, "how often it decided on a request or a look"),
	{ 0 },
};

const struct vexipc_field *vexipc_token_fields(void)
{
	return token_fields;
}

const struct vexipc_field *vexipc_rule_fields(void)
{
	return rule_fields;
}

static uint64_t address_of(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int ask_tokens(struct vexipc_admin *admin, struct vxi_listing *listing, void *entries,
		       uint32_t size)
{
	struct vexipc_tokens *list = listing->arg;
	int err;

	list->buffer_ptr = address_of(entries);
	list->buffer_size = size;
	err = vxi_admin_ioctl(admin, VEXIPC_IOC_TOKENS, list);
	listing->count = list->count;
	listing->total = list->total;
	return err;
}

int vexipc_admin_tokens(struct vexipc_admin *admin, struct vexipc_token_entry **entries,
			uint32_t *count)
{
	struct vexipc_tokens list = { .entry_size = sizeof(**entries) };
	struct vxi_listing listing = {
		.entry_size = sizeof(**entries), .ask = ask_tokens, .arg = &list,
	};
	void *all;
	int err = vxi_admin_list_all(admin, &listing, &all);

	if (err)
		return err;
	*entries = all;
	*count = listing.count;
	return 0;
}

int vexipc_admin_token_issue(struct vexipc_admin *admin, struct vexipc_token_entry *token,
			     uint32_t expires_sec, uint8_t secret[VEXIPC_TOKEN_BYTES])
{
	struct vexipc_tokens arg = {
		.op = VEXIPC_TOKENS_ISSUE, .expires_sec = expires_sec, .token = *token,
	};
	int err = vxi_admin_ioctl(admin, VEXIPC_IOC_TOKENS, &arg);

	if (err)
		return err;
	*token = arg.token;
	memcpy(secret, arg.secret, sizeof(arg.secret));
	explicit_bzero(&arg, sizeof(arg));
	return 0;
}

int vexipc_admin_token_revoke(struct vexipc_admin *admin, uint64_t id, bool unregister)
{
	struct vexipc_tokens arg = {
		.op = VEXIPC_TOKENS_REVOKE,
		.flags = unregister ? VEXIPC_TOKENS_UNREGISTER : 0,
		.token.id = id,
	};
	int err = vxi_admin_ioctl(admin, VEXIPC_IOC_TOKENS, &arg);

	return err ? err : (int)arg.count;
}

static int ask_rules(struct vexipc_admin *admin, struct vxi_listing *listing, void *entries,
		       uint32_t size)
{
	struct vexipc_rules *list = listing->arg;
	int err;

	list->buffer_ptr = address_of(entries);
	list->buffer_size = size;
	err = vxi_admin_ioctl(admin, VEXIPC_IOC_RULES, list);
	listing->count = list->count;
	listing->total = list->total;
	return err;
}

int vexipc_admin_rules(struct vexipc_admin *admin, struct vexipc_rule_entry **entries,
			uint32_t *count)
{
	struct vexipc_rules list = { .entry_size = sizeof(**entries) };
	struct vxi_listing listing = {
		.entry_size = sizeof(**entries), .ask = ask_rules, .arg = &list,
	};
	void *all;
	int err = vxi_admin_list_all(admin, &listing, &all);

	if (err)
		return err;
	*entries = all;
	*count = listing.count;
	return 0;
}

int vexipc_admin_rule_add(struct vexipc_admin *admin, struct vexipc_rule_entry *rule,
			  uint64_t before)
{
	struct vexipc_rules arg = {
		.op = VEXIPC_RULES_ADD, .before = before, .rule = *rule,
	};
	int err = vxi_admin_ioctl(admin, VEXIPC_IOC_RULES, &arg);

	if (!err)
		*rule = arg.rule;
	return err;
}

int vexipc_admin_rule_remove(struct vexipc_admin *admin, uint64_t id)
{
	struct vexipc_rules arg = { .op = VEXIPC_RULES_REMOVE, .rule.id = id };

	return vxi_admin_ioctl(admin, VEXIPC_IOC_RULES, &arg);
}

int vexipc_admin_rules_clear(struct vexipc_admin *admin)
{
	struct vexipc_rules arg = { .op = VEXIPC_RULES_CLEAR };
	int err = vxi_admin_ioctl(admin, VEXIPC_IOC_RULES, &arg);

	return err ? err : (int)arg.count;
}

void vexipc_token_format(const uint8_t secret[VEXIPC_TOKEN_BYTES],
			 char text[VEXIPC_TOKEN_TEXT])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < VEXIPC_TOKEN_BYTES; i++) {
		text[2 * i] = digits[secret[i] >> 4];
		text[2 * i + 1] = digits[secret[i] & 15];
	}
	text[2 * VEXIPC_TOKEN_BYTES] = '\0';
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int vexipc_token_parse(const char *text, uint8_t secret[VEXIPC_TOKEN_BYTES])
{
	size_t len = strcspn(text, " \t\r\n");

	if (len != 2 * VEXIPC_TOKEN_BYTES || text[len + strspn(text + len, " \t\r\n")])
		return -EINVAL;
	for (size_t i = 0; i < VEXIPC_TOKEN_BYTES; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		secret[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

int vexipc_token_read(const char *file, uint8_t secret[VEXIPC_TOKEN_BYTES])
{
	/* Room for a line's end, and to see that there is too much. */
	char text[VEXIPC_TOKEN_TEXT + 8];
	int fd = open(file, O_RDONLY | O_CLOEXEC), err;
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, text + len, sizeof(text) - 1 - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	err = n < 0 ? -errno : 0;
	close(fd);
	text[len] = '\0';
	if (!err)
		err = vexipc_token_parse(text, secret);
	explicit_bzero(text, sizeof(text));
	return err;
}
