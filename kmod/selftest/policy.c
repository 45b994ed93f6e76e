// SPDX-License-Identifier: GPL-2.0-only
/* Policies, played by functions in place of BPF programs. */
#include <linux/bpf.h>
#include <linux/delay.h>
#include <linux/jiffies.h>

#include "fixture.h"
#include "policy.h"

static const struct vexipc_service *fake_wanted;
static int fake_answer, fake_slow_ms;
static atomic_t fake_calls, fake_told, fake_begun, fake_ended;

/* The candidates begin with another one each time. */
static int index_of(const struct vexipc_policy_request *req, const struct vexipc_service *svc)
{
	const struct vexipc_policy_snapshot *snap =
		container_of(req, struct vexipc_policy_snapshot, request);

	for (u32 i = 0; i < snap->pick->count; i++)
		if (snap->pick->service[i] == svc)
			return i;
	return -1;
}

static int fake_select(const struct vexipc_policy_request *req)
{
	atomic_inc(&fake_calls);
	if (fake_wanted)
		return index_of(req, fake_wanted);
	if (fake_slow_ms)
		mdelay(fake_slow_ms);
	return fake_answer;
}

static void fake_complete(const struct vexipc_policy_result *result)
{
	atomic_inc(&fake_told);
}

static int fake_init(void)
{
	atomic_inc(&fake_begun);
	return 0;
}

static void fake_exit(void)
{
	atomic_inc(&fake_ended);
}

static int fake_detach(struct bpf_link *link)
{
	vexipc_policy_remove(link);
	return 0;
}

static const struct bpf_link_ops link_ops = { .detach = fake_detach };

static struct vexipc_balancer_ops fake_ops, other_ops;
static struct bpf_link links[2];

static int policy_test_init(struct kunit *test)
{
	fake_wanted = NULL;
	fake_answer = 0;
	fake_slow_ms = 0;
	atomic_set(&fake_calls, 0);
	atomic_set(&fake_told, 0);
	atomic_set(&fake_begun, 0);
	atomic_set(&fake_ended, 0);
	fake_ops = (struct vexipc_balancer_ops) {
		.select = fake_select, .on_complete = fake_complete, .init = fake_init,
		.exit = fake_exit, .name = "kunit",
	};
	other_ops = fake_ops;
	for (u32 i = 0; i < ARRAY_SIZE(links); i++) {
		memset(&links[i], 0, sizeof(links[i]));
		atomic64_set(&links[i].refcnt, 1);
		links[i].ops = &link_ops;
	}
	return fixture_init(test);
}

static void policy_test_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (f)
		vexipc_policy_name(f->inst, "", 0);
	for (u32 i = 0; i < ARRAY_SIZE(links); i++)
		vexipc_policy_remove(&links[i]);
	fixture_exit(test);
}

static void use_fake(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, vexipc_policy_add(&fake_ops, &links[0]), 0);
	KUNIT_ASSERT_EQ(test, vexipc_policy_name(f->inst, "kunit", 5), 0);
}

/* The one called so, loaded or remembered. */
static bool entry_of(const char *name, struct vexipc_policy_entry *entry)
{
	for (u32 i = 0; vexipc_policy_at(i, entry); i++)
		if (!strcmp(entry->name, name))
			return true;
	return false;
}

static bool detached_soon(const char *name, struct vexipc_policy_entry *entry)
{
	unsigned long end = jiffies + msecs_to_jiffies(PATIENCE_MS);

	while (time_before(jiffies, end)) {
		if (entry_of(name, entry) && !entry->link_id &&
		    entry->state == VEXIPC_POLICY_DETACHED && atomic_read(&fake_ended))
			return true;
		msleep(20);
	}
	return false;
}

static void answer_is_the_choice(struct kunit *test)
{
	struct peer *client = new_peer(test), *one = new_service(test, "one");
	struct peer *two = new_service(test, "two");
	struct vexipc_policy_entry entry;
	struct ask *ask;

	use_fake(test);
	for (u32 i = 0; i < 4; i++) {
		fake_wanted = i < 2 ? two->svc : one->svc;
		ask = submit_new(test, client);
		KUNIT_EXPECT_PTR_EQ(test, ask->req->svc, fake_wanted);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&fake_calls), 4);
	KUNIT_ASSERT_TRUE(test, entry_of("kunit", &entry));
	KUNIT_EXPECT_EQ(test, entry.calls, 4);
	KUNIT_EXPECT_EQ(test, entry.chosen, 4);
	KUNIT_EXPECT_EQ(test, entry.instances, 1);
	KUNIT_EXPECT_EQ(test, entry.state, VEXIPC_POLICY_LOADED);

	KUNIT_EXPECT_EQ(test, answer(one, send_next(one)), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&fake_told), 1);
}

static void declining_leaves_it_to_the_algorithm(struct kunit *test)
{
	struct peer *client = new_peer(test);
	struct fixture *f = test->priv;
	struct vexipc_policy_use before, after;
	struct vexipc_policy_entry entry;

	new_service(test, "one");
	use_fake(test);
	vexipc_policy_use(f->inst, &before);
	fake_answer = -1;
	KUNIT_EXPECT_EQ(test, submit_new(test, client)->err, 0);
	KUNIT_ASSERT_TRUE(test, entry_of("kunit", &entry));
	KUNIT_EXPECT_EQ(test, entry.declined, 1);
	KUNIT_EXPECT_EQ(test, entry.bad_answers, 0);
	vexipc_policy_use(f->inst, &after);
	KUNIT_EXPECT_EQ(test, after.fallbacks - before.fallbacks, 1);
	KUNIT_EXPECT_EQ(test, after.in_use, 1);
}

static void nonsense_is_detached(struct kunit *test)
{
	struct peer *client = new_peer(test);
	struct vexipc_policy_entry entry;

	new_service(test, "one");
	use_fake(test);
	fake_answer = 1;
	for (u32 i = 0; i < 12; i++)
		KUNIT_EXPECT_EQ(test, submit_new(test, client)->err, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&fake_calls), 8);
	KUNIT_ASSERT_TRUE(test, detached_soon("kunit", &entry));
	KUNIT_EXPECT_EQ(test, entry.bad_answers, 8);
	KUNIT_EXPECT_NE(test, entry.reason[0], 0);
	/* Who uses it is told when it has ended. */
	for (int i = 0; i < 500 && !counted(test, alerts); i++)
		msleep(20);
	KUNIT_EXPECT_EQ(test, counted(test, alerts), 1);
	/* The name is free again, and whoever named it has the next. */
	KUNIT_ASSERT_EQ(test, vexipc_policy_add(&other_ops, &links[1]), 0);
	fake_answer = 0;
	KUNIT_EXPECT_EQ(test, submit_new(test, client)->err, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&fake_calls), 9);
}

static void slowness_is_bypassed_then_detached(struct kunit *test)
{
	struct peer *client = new_peer(test);
	struct vexipc_policy_entry entry;

	new_service(test, "one");
	use_fake(test);
	fake_slow_ms = 50;
	for (u32 i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, submit_new(test, client)->err, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&fake_calls), 1);
	KUNIT_ASSERT_TRUE(test, entry_of("kunit", &entry));
	KUNIT_EXPECT_EQ(test, entry.state, VEXIPC_POLICY_BYPASSED);
	msleep(1100);
	KUNIT_EXPECT_EQ(test, submit_new(test, client)->err, 0);
	KUNIT_ASSERT_TRUE(test, detached_soon("kunit", &entry));
	KUNIT_EXPECT_EQ(test, entry.overruns, 2);
}

static void names_are_taken_once(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, vexipc_policy_add(&fake_ops, NULL), -EINVAL);
	KUNIT_ASSERT_EQ(test, vexipc_policy_add(&fake_ops, &links[0]), 0);
	KUNIT_EXPECT_EQ(test, vexipc_policy_add(&fake_ops, &links[1]), -EEXIST);
	KUNIT_EXPECT_EQ(test, vexipc_policy_name(f->inst, "kuni", 4), -ENOENT);
	KUNIT_EXPECT_EQ(test, vexipc_policy_name(f->inst, "longer than any name of a policy", 32),
			-EINVAL);
	vexipc_policy_remove(&links[0]);
	KUNIT_EXPECT_EQ(test, atomic_read(&fake_ended), 1);
	KUNIT_EXPECT_EQ(test, vexipc_policy_name(f->inst, "kunit", 5), -ENOENT);
	/* Once more is no harm. */
	vexipc_policy_remove(&links[0]);
	KUNIT_EXPECT_EQ(test, atomic_read(&fake_ended), 1);
}

static void replacement_is_of_the_same_name(struct kunit *test)
{
	struct peer *client = new_peer(test);
	struct vexipc_policy_entry entry;

	new_service(test, "one");
	use_fake(test);
	strscpy(other_ops.name, "other");
	KUNIT_EXPECT_EQ(test, vexipc_policy_replace(&other_ops, &links[0]), -EINVAL);
	KUNIT_EXPECT_EQ(test, vexipc_policy_replace(&other_ops, &links[1]), -ENOLINK);
	strscpy(other_ops.name, "kunit");
	KUNIT_EXPECT_EQ(test, vexipc_policy_replace(&other_ops, &links[0]), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&fake_begun), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&fake_ended), 1);
	KUNIT_EXPECT_EQ(test, submit_new(test, client)->err, 0);
	KUNIT_ASSERT_TRUE(test, entry_of("kunit", &entry));
	KUNIT_EXPECT_EQ(test, entry.updates, 1);
	KUNIT_EXPECT_EQ(test, entry.chosen, 1);
}

static void what_is_no_policy_is_refused(struct kunit *test)
{
	struct vexipc_balancer_ops ops = fake_ops;

	KUNIT_EXPECT_EQ(test, vexipc_policy_validate(&ops), 0);
	ops.select = NULL;
	KUNIT_EXPECT_EQ(test, vexipc_policy_validate(&ops), -EINVAL);
	ops = fake_ops;
	ops.name[0] = '\0';
	KUNIT_EXPECT_EQ(test, vexipc_policy_validate(&ops), -EINVAL);
	strscpy(ops.name, "two words");
	KUNIT_EXPECT_EQ(test, vexipc_policy_validate(&ops), -EINVAL);
	memset(ops.name, 'x', sizeof(ops.name));
	KUNIT_EXPECT_EQ(test, vexipc_policy_validate(&ops), -EINVAL);
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE(answer_is_the_choice),
	KUNIT_CASE(declining_leaves_it_to_the_algorithm),
	KUNIT_CASE(nonsense_is_detached),
	KUNIT_CASE_SLOW(slowness_is_bypassed_then_detached),
	KUNIT_CASE(names_are_taken_once),
	KUNIT_CASE(replacement_is_of_the_same_name),
	KUNIT_CASE(what_is_no_policy_is_refused),
	{}
};

static struct kunit_suite policy_suite = {
	.name = "vexipc_policy",
	.init = policy_test_init,
	.exit = policy_test_exit,
	.test_cases = policy_cases,
};

kunit_test_suite(policy_suite);
