// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "context.h"
#include "fixture.h"
#include "instance.h"
#include "registry.h"
#include "token.h"

/* struct holder is who has a token: what it was issued as, and its secret. */
struct holder {
	struct vexipc_token_entry entry;
	u8 secret[VEXIPC_TOKEN_BYTES];
};

static struct vexipc_token_table *table_of(struct kunit *test)
{
	struct fixture *f = test->priv;

	return &f->inst->tokens;
}

static void issue(struct kunit *test, struct holder *holder, u32 expires_sec)
{
	KUNIT_ASSERT_EQ(test, vexipc_token_issue(table_of(test), GLOBAL_ROOT_UID, &holder->entry,
						 expires_sec, holder->secret), 0);
}

static int claim(struct kunit *test, const struct holder *holder, const char *id,
		 struct vexipc_token_grant *grant)
{
	struct vexipc_service_spec spec = {
		.id = id, .id_len = strlen(id),
		.token = holder->secret, .token_len = sizeof(holder->secret),
	};

	return vexipc_token_claim(table_of(test), &spec, grant);
}

static void revoke(struct kunit *test, const struct holder *holder)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, vexipc_token_revoke(f->inst, holder->entry.id, true), 0);
}

static void only_the_secret_itself_is_good(struct kunit *test)
{
	struct holder one = {}, two = {}, wrong;
	struct vexipc_token_grant grant = {};

	issue(test, &one, 0);
	issue(test, &two, 0);
	KUNIT_EXPECT_MEMNEQ(test, one.secret, two.secret, sizeof(one.secret));
	KUNIT_EXPECT_EQ(test, claim(test, &two, "any", &grant), 0);
	KUNIT_EXPECT_EQ(test, grant.id, two.entry.id);
	for (u32 bit = 0; bit < 8 * VEXIPC_TOKEN_BYTES; bit++) {
		wrong = two;
		wrong.secret[bit / 8] ^= 1 << bit % 8;
		KUNIT_EXPECT_EQ(test, claim(test, &wrong, "any", &grant), -EACCES);
	}
	revoke(test, &one);
	revoke(test, &two);
	KUNIT_EXPECT_EQ(test, claim(test, &two, "any", &grant), -EACCES);
}

static void other_lengths_are_no_tokens(struct kunit *test)
{
	struct vexipc_token_grant grant = {};
	struct holder one = {};
	struct vexipc_service_spec spec = {
		.id = "x", .id_len = 1, .token = one.secret,
	};

	issue(test, &one, 0);
	for (u32 len = 0; len < VEXIPC_TOKEN_BYTES; len++) {
		spec.token_len = len;
		KUNIT_EXPECT_EQ(test, vexipc_token_claim(table_of(test), &spec, &grant), -EACCES);
	}
	revoke(test, &one);
}

static void patterns_bound_ids_and_models(struct kunit *test)
{
	struct holder one = { .entry = { .pattern = "embed-[0-9]*", .models = "use-*" } };
	struct vexipc_token_grant grant = {};
	struct vexipc_service_spec spec = {
		.id = "embed-1", .id_len = 7, .token = one.secret,
		.token_len = VEXIPC_TOKEN_BYTES,
	};

	issue(test, &one, 0);
	KUNIT_EXPECT_EQ(test, vexipc_token_claim(table_of(test), &spec, &grant), -EACCES);
	spec.models = "use-lite\0use-large";
	spec.models_len = 19;
	KUNIT_EXPECT_EQ(test, vexipc_token_claim(table_of(test), &spec, &grant), 0);
	spec.models = "use-lite\0other";
	spec.models_len = 15;
	KUNIT_EXPECT_EQ(test, vexipc_token_claim(table_of(test), &spec, &grant), -EACCES);
	spec.models_len = 9;
	spec.id = "embed-x";
	KUNIT_EXPECT_EQ(test, vexipc_token_claim(table_of(test), &spec, &grant), -EACCES);
	revoke(test, &one);
}

static void uses_and_services_are_counted_and_given_back(struct kunit *test)
{
	struct holder one = { .entry = { .uses = 2, .max_services = 1 } };
	struct vexipc_token_grant grant = {};
	struct vexipc_token_entry seen;

	issue(test, &one, 0);
	KUNIT_EXPECT_EQ(test, claim(test, &one, "a", &grant), 0);
	KUNIT_EXPECT_EQ(test, claim(test, &one, "b", &grant), -EACCES);
	vexipc_token_release(table_of(test), grant.id, true);
	KUNIT_ASSERT_TRUE(test, vexipc_token_next(table_of(test), one.entry.id - 1, &seen,
						  &init_user_ns));
	KUNIT_EXPECT_EQ(test, seen.uses_left, 2);
	KUNIT_EXPECT_EQ(test, seen.services, 0);
	KUNIT_EXPECT_EQ(test, seen.registered, 0);
	for (int i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, claim(test, &one, "a", &grant), 0);
		vexipc_token_release(table_of(test), grant.id, false);
	}
	KUNIT_EXPECT_EQ(test, claim(test, &one, "a", &grant), -EACCES);
	revoke(test, &one);
}

static void a_token_ends_with_its_time(struct kunit *test)
{
	struct vexipc_token_grant grant = {};
	struct holder one = {};
	int err;

	issue(test, &one, 1);
	for (int i = 0; i < 100; i++) {
		err = claim(test, &one, "a", &grant);
		if (err)
			break;
		msleep(50);
	}
	KUNIT_EXPECT_EQ(test, err, -EACCES);
	KUNIT_EXPECT_GE(test, ktime_get_real_ns(), one.entry.expires_ns);
	revoke(test, &one);
}

static void what_makes_no_sense_is_not_issued(struct kunit *test)
{
	static const struct {
		struct vexipc_token_entry entry;
		int err;
	} cases[] = {
		{ { .flags = 1u << 31 }, -EOPNOTSUPP },
		{ { .max_priority = 256 }, -ERANGE },
		{ { .max_services = VEXIPC_MAX_SERVICES + 1 }, -ERANGE },
		{ { .reserved = 1 }, -EINVAL },
		{ { .label = "a\nb" }, -EILSEQ },
		{ { .pattern = "\xff" }, -EILSEQ },
		{ { .models = "\x7f" }, -EILSEQ },
	};
	struct holder holder;

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		holder.entry = cases[i].entry;
		KUNIT_EXPECT_EQ_MSG(test, vexipc_token_issue(table_of(test), GLOBAL_ROOT_UID,
							     &holder.entry, 0, holder.secret),
				    cases[i].err, "case %u", i);
	}
	memset(&holder, 0, sizeof(holder));
	memset(holder.entry.label, 'x', sizeof(holder.entry.label));
	KUNIT_EXPECT_EQ(test, vexipc_token_issue(table_of(test), GLOBAL_ROOT_UID, &holder.entry,
						 0, holder.secret), -EINVAL);
	KUNIT_EXPECT_EQ(test, table_of(test)->count, 0);
}

static void there_are_so_many_and_used_ones_make_room(struct kunit *test)
{
	struct holder first = { .entry.uses = 1 }, more = {};
	struct vexipc_token_grant grant = {};
	struct vexipc_token_entry seen = {};
	struct fixture *f = test->priv;

	issue(test, &first, 0);
	for (u32 i = 1; i < VEXIPC_MAX_TOKENS; i++)
		issue(test, &more, 0);
	KUNIT_EXPECT_EQ(test, vexipc_token_issue(table_of(test), GLOBAL_ROOT_UID, &more.entry, 0,
						 more.secret), -ENOSPC);
	KUNIT_EXPECT_EQ(test, claim(test, &first, "a", &grant), 0);
	/* Its service still counts by it. */
	KUNIT_EXPECT_EQ(test, vexipc_token_issue(table_of(test), GLOBAL_ROOT_UID, &more.entry, 0,
						 more.secret), -ENOSPC);
	vexipc_token_release(table_of(test), grant.id, false);
	issue(test, &more, 0);
	KUNIT_EXPECT_EQ(test, table_of(test)->count, VEXIPC_MAX_TOKENS);
	while (vexipc_token_next(table_of(test), seen.id, &seen, &init_user_ns))
		KUNIT_EXPECT_EQ(test, vexipc_token_revoke(f->inst, seen.id, false), 0);
	KUNIT_EXPECT_EQ(test, table_of(test)->count, 0);
}

/* Registers with @holder's token, without privilege. */
static int register_with(struct peer *peer, const struct holder *holder, const char *id)
{
	struct vexipc_context ctx = {
		.inst = peer->ep.inst, .uid = KUIDT_INIT(1), .pid = task_tgid(current),
	};
	struct vexipc_service_spec spec = {
		.token_len = VEXIPC_TOKEN_BYTES, .id_len = strlen(id), .priority = 200,
		.max_batch = 10, .features = VEXIPC_FEATURE_BATCH,
	};
	struct vexipc_service *svc;
	char *strings = kmalloc(VEXIPC_TOKEN_BYTES + strlen(id), GFP_KERNEL);

	if (!strings)
		return -ENOMEM;
	memcpy(strings, holder->secret, VEXIPC_TOKEN_BYTES);
	memcpy(strings + VEXIPC_TOKEN_BYTES, id, strlen(id));
	spec.strings = strings;
	spec.token = strings;
	spec.id = strings + VEXIPC_TOKEN_BYTES;
	svc = vexipc_registry_add(&ctx, &peer->ep, &spec);
	if (IS_ERR(svc))
		return PTR_ERR(svc);
	if (peer->svc)
		vexipc_service_put(peer->svc);
	peer->svc = svc;
	return 0;
}

static void a_service_has_what_its_token_grants_and_goes_with_it(struct kunit *test)
{
	struct holder one = { .entry = { .max_priority = 100, .uses = 5 } };
	struct peer *peer = new_peer(test), *other = new_peer(test);
	struct fixture *f = test->priv;
	u8 none[VEXIPC_TOKEN_BYTES] = {};

	issue(test, &one, 0);
	KUNIT_ASSERT_EQ(test, register_with(peer, &one, "a"), 0);
	KUNIT_EXPECT_EQ(test, peer->svc->spec.priority, 100);
	KUNIT_EXPECT_EQ(test, peer->svc->spec.max_batch, 1);
	KUNIT_EXPECT_EQ(test, peer->svc->features & VEXIPC_FEATURE_BATCH, 0);
	KUNIT_EXPECT_MEMEQ(test, peer->svc->spec.strings, none, sizeof(none));
	/* What fails for another reason costs no use. */
	KUNIT_EXPECT_EQ(test, register_with(other, &one, "a"), -EEXIST);
	KUNIT_EXPECT_EQ(test, vexipc_token_revoke(f->inst, one.entry.id, true), 1);
	KUNIT_EXPECT_EQ(test, vexipc_service_state(peer->svc), VEXIPC_STATE_GONE);
	KUNIT_EXPECT_EQ(test, register_with(other, &one, "b"), -EACCES);
	KUNIT_EXPECT_EQ(test, counted(test, denied_token), 1);
}

struct registering {
	struct peer *peer;
	const struct holder *holder;
	int err;
};

static void run_register(void *data)
{
	struct registering *r = data;

	r->err = register_with(r->peer, r->holder, "raced");
}

struct revoking {
	struct vexipc_instance *inst;
	u64 id;
};

static void run_revoke(void *data)
{
	struct revoking *r = data;

	vexipc_token_revoke(r->inst, r->id, true);
}

static void no_registration_slips_past_a_revocation(struct kunit *test)
{
	struct fixture *f = test->priv;

	for (int i = 0; i < 50; i++) {
		struct registering registering = { .peer = new_peer(test) };
		struct revoking revoking = { .inst = f->inst };
		struct holder one = {};
		struct racer racers[] = {
			{ .run = run_register, .data = &registering },
			{ .run = run_revoke, .data = &revoking },
		};

		issue(test, &one, 0);
		registering.holder = &one;
		revoking.id = one.entry.id;
		race(test, racers, ARRAY_SIZE(racers));
		KUNIT_EXPECT_EQ(test, vexipc_registry_count(f->inst), 0);
		if (registering.err)
			KUNIT_EXPECT_EQ(test, registering.err, -EACCES);
	}
}

static struct kunit_case token_cases[] = {
	KUNIT_CASE(only_the_secret_itself_is_good),
	KUNIT_CASE(other_lengths_are_no_tokens),
	KUNIT_CASE(patterns_bound_ids_and_models),
	KUNIT_CASE(uses_and_services_are_counted_and_given_back),
	KUNIT_CASE_SLOW(a_token_ends_with_its_time),
	KUNIT_CASE(what_makes_no_sense_is_not_issued),
	KUNIT_CASE(there_are_so_many_and_used_ones_make_room),
	KUNIT_CASE(a_service_has_what_its_token_grants_and_goes_with_it),
	KUNIT_CASE(no_registration_slips_past_a_revocation),
	{}
};

static struct kunit_suite token_suite = {
	.name = "vexipc_token",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = token_cases,
};

kunit_test_suite(token_suite);
