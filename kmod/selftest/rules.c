// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "access.h"
#include "context.h"
#include "fixture.h"
#include "instance.h"
#include "rules.h"

enum { USER = 1000, GROUP = 2000 };

static bool incapable(const struct vexipc_context *ctx)
{
	return false;
}

static bool all_capable(const struct vexipc_context *ctx)
{
	return true;
}

/* struct subject is one who asks, with a group beside its own. */
struct subject {
	struct cred *cred;
	struct vexipc_context ctx;
};

static struct subject the_subject;

static struct subject *subject(struct kunit *test)
{
	return &the_subject;
}

static int subject_init(struct kunit *test)
{
	struct subject *s = &the_subject;
	struct group_info *groups;
	struct fixture *f;
	int err;

	*s = (struct subject) {};
	err = fixture_init(test);
	if (err)
		return err;
	f = test->priv;
	s->cred = prepare_creds();
	groups = groups_alloc(3);
	if (!s->cred || !groups)
		return -ENOMEM;
	for (int i = 0; i < 3; i++)
		groups->gid[i] = KGIDT_INIT(GROUP + 10 * i);
	set_groups(s->cred, groups);
	put_group_info(groups);
	s->cred->euid = KUIDT_INIT(USER);
	s->cred->egid = KGIDT_INIT(GROUP + 1);
	s->ctx = (struct vexipc_context) {
		.inst = f->inst, .uid = s->cred->euid, .cred = s->cred, .capable = incapable,
		.user_ns = &init_user_ns,
	};
	return 0;
}

static void subject_exit(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct subject *s = subject(test);

	vexipc_rules_clear(&f->inst->rules);
	if (s->cred)
		abort_creds(s->cred);
	fixture_exit(test);
}

static u64 add_before(struct kunit *test, struct vexipc_rule_entry rule, u64 before)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, vexipc_rule_add(&f->inst->rules, &rule, before, &init_user_ns), 0);
	return rule.id;
}

static u64 add(struct kunit *test, struct vexipc_rule_entry rule)
{
	return add_before(test, rule, 0);
}

static int embeds(struct kunit *test, const char *model, u32 priority)
{
	return vexipc_access_embed(&subject(test)->ctx, model, strlen(model), priority);
}

static void without_rules_all_is_as_ever_but_critical(struct kunit *test)
{
	struct vexipc_context *ctx = &subject(test)->ctx;

	KUNIT_EXPECT_EQ(test, embeds(test, "", 254), 0);
	KUNIT_EXPECT_EQ(test, embeds(test, "any", 0), 0);
	KUNIT_EXPECT_EQ(test, vexipc_access_look(ctx), 0);
	KUNIT_EXPECT_EQ(test, vexipc_access_ping(ctx), 0);
	KUNIT_EXPECT_FALSE(test, vexipc_access_admin(ctx));
	KUNIT_EXPECT_EQ(test, vexipc_access_open(ctx), -EPERM);
	KUNIT_EXPECT_EQ(test, embeds(test, "", 255), -EPERM);
	ctx->capable = all_capable;
	KUNIT_EXPECT_EQ(test, embeds(test, "", 255), 0);
	KUNIT_EXPECT_EQ(test, vexipc_access_open(ctx), 0);
	KUNIT_EXPECT_TRUE(test, vexipc_access_admin(ctx));
	KUNIT_EXPECT_EQ(test, counted(test, denied_priority), 1);
	KUNIT_EXPECT_EQ(test, counted(test, denied_privilege), 1);
}

static void the_kernel_itself_may_do_all(struct kunit *test)
{
	struct vexipc_context ctx = { .inst = subject(test)->ctx.inst };

	add(test, (struct vexipc_rule_entry) { .allow = 0 });
	KUNIT_EXPECT_EQ(test, vexipc_access_embed(&ctx, "", 0, 255), 0);
	KUNIT_EXPECT_EQ(test, vexipc_access_look(&ctx), 0);
	KUNIT_EXPECT_TRUE(test, vexipc_access_admin(&ctx));
}

static void the_first_that_matches_decides(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct vexipc_rule_entry seen;
	u64 all, mine;

	all = add(test, (struct vexipc_rule_entry) {
		.allow = VEXIPC_RULE_EMBED, .max_priority = 254,
	});
	KUNIT_EXPECT_EQ(test, embeds(test, "", 254), 0);
	mine = add_before(test, (struct vexipc_rule_entry) {
		.match = VEXIPC_RULE_UID, .uid = USER,
	}, all);
	KUNIT_EXPECT_EQ(test, embeds(test, "", 254), -EACCES);
	add_before(test, (struct vexipc_rule_entry) {
		.match = VEXIPC_RULE_UID, .uid = USER + 1,
		.allow = VEXIPC_RULE_EMBED, .max_priority = 255,
	}, mine);
	KUNIT_EXPECT_EQ(test, embeds(test, "", 254), -EACCES);
	KUNIT_ASSERT_TRUE(test, vexipc_rule_at(&f->inst->rules, 1, &seen, &init_user_ns));
	KUNIT_EXPECT_EQ(test, seen.id, mine);
	KUNIT_EXPECT_EQ(test, seen.hits, 2);
	KUNIT_EXPECT_EQ(test, vexipc_rule_remove(&f->inst->rules, mine), 0);
	KUNIT_EXPECT_EQ(test, vexipc_rule_remove(&f->inst->rules, mine), -ENOENT);
	KUNIT_EXPECT_EQ(test, embeds(test, "", 254), 0);
	KUNIT_EXPECT_EQ(test, vexipc_rules_clear(&f->inst->rules), 2);
	KUNIT_EXPECT_FALSE(test, vexipc_rules_any(&f->inst->rules));
	KUNIT_EXPECT_EQ(test, counted(test, denied_rule), 2);
}

static void groups_match_primary_and_supplementary(struct kunit *test)
{
	struct fixture *f = test->priv;

	for (u32 gid = GROUP - 1; gid < GROUP + 25; gid++) {
		bool member = gid == GROUP || gid == GROUP + 1 || gid == GROUP + 10 ||
			      gid == GROUP + 20;

		add(test, (struct vexipc_rule_entry) {
			.match = VEXIPC_RULE_GID, .gid = gid,
		});
		KUNIT_EXPECT_EQ_MSG(test, embeds(test, "", 0), member ? -EACCES : 0, "gid %u", gid);
		vexipc_rules_clear(&f->inst->rules);
	}
}

static void all_that_is_named_must_match(struct kunit *test)
{
	add(test, (struct vexipc_rule_entry) {
		.match = VEXIPC_RULE_UID | VEXIPC_RULE_GID, .uid = USER, .gid = GROUP + 2,
	});
	KUNIT_EXPECT_EQ(test, embeds(test, "", 0), 0);
	add(test, (struct vexipc_rule_entry) {
		.match = VEXIPC_RULE_UID | VEXIPC_RULE_GID, .uid = USER, .gid = GROUP,
	});
	KUNIT_EXPECT_EQ(test, embeds(test, "", 0), -EACCES);
}

static void models_and_priorities_are_bounded(struct kunit *test)
{
	add(test, (struct vexipc_rule_entry) {
		.allow = VEXIPC_RULE_EMBED, .max_priority = 128, .models = "use-*",
	});
	KUNIT_EXPECT_EQ(test, embeds(test, "use-lite", 128), 0);
	KUNIT_EXPECT_EQ(test, embeds(test, "use-lite", 129), -EACCES);
	KUNIT_EXPECT_EQ(test, embeds(test, "use-lite", 255), -EPERM);
	KUNIT_EXPECT_EQ(test, embeds(test, "other", 0), -EACCES);
	/* Whatever there is may be what is not allowed. */
	KUNIT_EXPECT_EQ(test, embeds(test, "", 0), -EACCES);
	KUNIT_EXPECT_EQ(test, vexipc_access_open(&subject(test)->ctx), 0);
	KUNIT_EXPECT_EQ(test, vexipc_access_ping(&subject(test)->ctx), 0);
	KUNIT_EXPECT_EQ(test, vexipc_access_look(&subject(test)->ctx), -EACCES);
	subject(test)->ctx.capable = all_capable;
	KUNIT_EXPECT_EQ(test, embeds(test, "other", 255), 0);
	KUNIT_EXPECT_EQ(test, vexipc_access_look(&subject(test)->ctx), 0);
}

static void a_rule_can_allow_critical_and_to_administer(struct kunit *test)
{
	add(test, (struct vexipc_rule_entry) {
		.allow = VEXIPC_RULE_EMBED | VEXIPC_RULE_ADMINISTER, .max_priority = 255,
	});
	KUNIT_EXPECT_EQ(test, embeds(test, "", 255), 0);
	KUNIT_EXPECT_TRUE(test, vexipc_access_admin(&subject(test)->ctx));
}

static void what_makes_no_sense_is_refused(struct kunit *test)
{
	struct vexipc_rule_entry cases[] = {
		{ .match = 1u << 31 }, { .allow = 1u << 31 }, { .max_priority = 256 },
		{ .reserved = 1 }, { .match = VEXIPC_RULE_CGROUP }, { .models = "a\tb" },
		{ .match = VEXIPC_RULE_UID, .uid = U32_MAX },
		{ .match = VEXIPC_RULE_GID, .gid = U32_MAX },
	};
	static const int errs[] = {
		-EOPNOTSUPP, -EOPNOTSUPP, -ERANGE, -EINVAL, -EINVAL, -EILSEQ, -EINVAL, -EINVAL,
	};
	struct fixture *f = test->priv;
	struct vexipc_rule_entry rule = {};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, vexipc_rule_add(&f->inst->rules, &cases[i], 0,
							  &init_user_ns), errs[i], "case %u", i);
	KUNIT_EXPECT_EQ(test, vexipc_rule_add(&f->inst->rules, &rule, 12345, &init_user_ns),
			-ENOENT);
	KUNIT_EXPECT_FALSE(test, vexipc_rules_any(&f->inst->rules));
	for (u32 i = 0; i < VEXIPC_MAX_RULES; i++)
		add(test, rule);
	KUNIT_EXPECT_EQ(test, vexipc_rule_add(&f->inst->rules, &rule, 0, &init_user_ns), -ENOSPC);
}

static void run_ask(void *data)
{
	struct vexipc_context *ctx = data;

	for (int i = 0; i < 2000; i++) {
		vexipc_access_embed(ctx, "model", 5, 0);
		cond_resched();
	}
}

static void run_change(void *data)
{
	struct vexipc_context *ctx = data;
	struct vexipc_rule_entry rule = { .allow = VEXIPC_RULE_EMBED, .models = "m*" };

	for (int i = 0; i < 200; i++) {
		vexipc_rule_add(&ctx->inst->rules, &rule, 0, &init_user_ns);
		if (i & 1)
			vexipc_rule_remove(&ctx->inst->rules, rule.id);
		if (i % 50 == 49)
			vexipc_rules_clear(&ctx->inst->rules);
	}
}

static void rules_change_while_they_are_asked(struct kunit *test)
{
	struct vexipc_context *ctx = &subject(test)->ctx;
	struct racer racers[] = {
		{ .run = run_ask, .data = ctx }, { .run = run_ask, .data = ctx },
		{ .run = run_change, .data = ctx },
	};

	race(test, racers, ARRAY_SIZE(racers));
	/* None that was there forbids this model. */
	KUNIT_EXPECT_EQ(test, counted(test, denied_rule), 0);
}

static struct kunit_case rules_cases[] = {
	KUNIT_CASE(without_rules_all_is_as_ever_but_critical),
	KUNIT_CASE(the_kernel_itself_may_do_all),
	KUNIT_CASE(the_first_that_matches_decides),
	KUNIT_CASE(groups_match_primary_and_supplementary),
	KUNIT_CASE(all_that_is_named_must_match),
	KUNIT_CASE(models_and_priorities_are_bounded),
	KUNIT_CASE(a_rule_can_allow_critical_and_to_administer),
	KUNIT_CASE(what_makes_no_sense_is_refused),
	KUNIT_CASE(rules_change_while_they_are_asked),
	{}
};

static struct kunit_suite rules_suite = {
	.name = "vexipc_rules",
	.init = subject_init,
	.exit = subject_exit,
	.test_cases = rules_cases,
};

kunit_test_suite(rules_suite);
