// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "context.h"
#include "fixture.h"

static const struct vexipc_service_spec any;

static void service_is_found_until_it_goes(struct kunit *test)
{
	struct peer *peer = new_service(test, "one");
	struct vexipc_instance *inst = peer->ep.inst;
	u64 handle = peer->svc->handle;
	struct vexipc_service *svc;

	svc = vexipc_registry_by_id(inst, "one", 3);
	KUNIT_EXPECT_PTR_EQ(test, svc, peer->svc);
	vexipc_service_put(svc);
	svc = vexipc_registry_by_handle(inst, handle);
	KUNIT_EXPECT_PTR_EQ(test, svc, peer->svc);
	vexipc_service_put(svc);
	svc = vexipc_endpoint_service(&peer->ep);
	KUNIT_EXPECT_PTR_EQ(test, svc, peer->svc);
	vexipc_service_put(svc);

	KUNIT_EXPECT_NULL(test, vexipc_registry_by_id(inst, "on", 2));
	KUNIT_EXPECT_NULL(test, vexipc_registry_by_id(inst, "one1", 4));
	KUNIT_EXPECT_NULL(test, vexipc_registry_by_id(inst, "", 0));
	KUNIT_EXPECT_NULL(test, vexipc_registry_by_handle(inst, 0));
	KUNIT_EXPECT_NULL(test, vexipc_registry_by_handle(inst, handle + (1ull << 32)));
	KUNIT_EXPECT_NULL(test, vexipc_registry_by_handle(inst, handle | U32_MAX));

	vexipc_registry_remove(peer->svc, false);
	KUNIT_EXPECT_NULL(test, vexipc_registry_by_id(inst, "one", 3));
	KUNIT_EXPECT_NULL(test, vexipc_registry_by_handle(inst, handle));
	KUNIT_EXPECT_NULL(test, vexipc_endpoint_service(&peer->ep));
	KUNIT_EXPECT_EQ(test, vexipc_service_state(peer->svc), VEXIPC_STATE_GONE);
}

static void handle_is_never_used_again(struct kunit *test)
{
	struct peer *peer = new_peer(test);
	u64 last = 0;

	for (u32 i = 0; i < 5; i++) {
		KUNIT_ASSERT_EQ(test, peer_register(peer, "one", &any), 0);
		KUNIT_EXPECT_NE(test, peer->svc->handle, last);
		KUNIT_EXPECT_NULL(test, vexipc_registry_by_handle(peer->ep.inst, last));
		last = peer->svc->handle;
		vexipc_registry_remove(peer->svc, false);
	}
}

static void id_is_taken_once(struct kunit *test)
{
	struct peer *one = new_service(test, "one"), *other = new_peer(test);

	KUNIT_EXPECT_EQ(test, peer_register(other, "one", &any), -EEXIST);
	KUNIT_EXPECT_EQ(test, peer_register(one, "two", &any), -EEXIST);
	KUNIT_EXPECT_EQ(test, peer_register(other, "two", &any), 0);
	vexipc_registry_remove(one->svc, false);
	KUNIT_EXPECT_EQ(test, peer_register(one, "one", &any), 0);
	KUNIT_EXPECT_EQ(test, counted(test, services), 2);
	KUNIT_EXPECT_EQ(test, counted(test, registered), 3);
}

/* struct latecomer registers a service where there is one. */
struct latecomer {
	struct peer *peer;
	int err;
};

static void register_a_second(void *data)
{
	struct latecomer *late = data;

	late->err = peer_register(late->peer, "two", &any);
}

/*
 * The endpoint's lock keeps the registration between the table of ids and its
 * refusal for as long as it takes to find it there.
 */
static void who_finds_one_that_is_being_refused_cannot_remove_it(struct kunit *test)
{
	struct latecomer late = { .peer = new_service(test, "one") };
	struct racer racer = { .run = register_a_second, .data = &late };
	struct vexipc_endpoint *ep = &late.peer->ep;
	struct vexipc_service *found = NULL;
	DECLARE_COMPLETION_ONSTACK(gate);
	u32 looks = 0;

	racer.gate = &gate;
	KUNIT_ASSERT_EQ(test, racer_start(&racer), 0);
	spin_lock_bh(&ep->lock);
	complete(&gate);
	while (!found && looks++ < 200000)
		found = vexipc_registry_by_id(ep->inst, "two", 3);
	spin_unlock_bh(&ep->lock);
	racer_join(&racer);
	KUNIT_EXPECT_EQ(test, late.err, -EEXIST);
	KUNIT_ASSERT_NOT_NULL(test, found);

	KUNIT_EXPECT_EQ(test, vexipc_registry_remove(found, false), -ENOENT);
	vexipc_service_put(found);
	KUNIT_EXPECT_EQ(test, counted(test, services), 1);
	KUNIT_EXPECT_EQ(test, counted(test, unregistered), 0);
}

static void bad_registration_is_refused(struct kunit *test)
{
	struct vexipc_service_spec bad = any;
	struct peer *peer = new_peer(test);

	bad.version_min = 2;
	bad.version_max = 3;
	KUNIT_EXPECT_EQ(test, peer_register(peer, "one", &bad), -EPROTONOSUPPORT);
	bad = any;
	bad.transport = VEXIPC_TRANSPORT_NETLINK;
	KUNIT_EXPECT_EQ(test, peer_register(peer, "one", &bad), -EOPNOTSUPP);
	bad = any;
	bad.weight = 1001;
	KUNIT_EXPECT_EQ(test, peer_register(peer, "one", &bad), -ERANGE);
	KUNIT_EXPECT_EQ(test, peer_register(peer, "", &any), -EINVAL);
	vexipc_endpoint_close(&peer->ep, false);
	KUNIT_EXPECT_EQ(test, peer_register(peer, "one", &any), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, counted(test, registered), 0);
}

static void registering_wants_privilege_unless_it_is_open(struct kunit *test)
{
	struct peer *peer = new_peer(test);
	struct vexipc_context ctx = { .inst = peer->ep.inst, .pid = task_tgid(current) };
	struct vexipc_service_spec spec = { .id = "one", .id_len = 3 };

	KUNIT_EXPECT_EQ(test, PTR_ERR(vexipc_registry_add(&ctx, &peer->ep, &spec)), -EPERM);
	configure(test, VEXIPC_CONFIG_ENABLE_AUTHENTICATION, 0);
	peer->svc = vexipc_registry_add(&ctx, &peer->ep, &spec);
	if (IS_ERR(peer->svc)) {
		KUNIT_FAIL(test, "%pe", peer->svc);
		peer->svc = NULL;
	}
}

static void negotiation_is_the_meet(struct kunit *test)
{
	struct vexipc_service_spec like = {
		.features = VEXIPC_FEATURE_HEALTH | 1ull << 40,
		.max_batch = 7,
	};
	struct peer *peer = new_service_like(test, "one", &like);

	KUNIT_EXPECT_EQ(test, peer->svc->features, VEXIPC_FEATURE_HEALTH);
	KUNIT_EXPECT_EQ(test, peer->svc->version, VEXIPC_PROTOCOL_VERSION);
	KUNIT_EXPECT_EQ(test, peer->svc->spec.max_batch, 1);
	KUNIT_EXPECT_EQ(test, peer->svc->spec.transport, VEXIPC_TRANSPORT_CHARDEV);
}

static void walk_sees_each_service_once(struct kunit *test)
{
	struct vexipc_service_spec like = { .dimensions_count = 1, .dimensions = { 8 } };
	struct vexipc_filter all = {}, nine = { .dimensions = 9 };
	struct vexipc_filter draining = { .states = 1 << VEXIPC_STATE_DRAINING };
	struct peer *peers[4];
	u32 seen[4] = {}, count = 0, slot = 0;
	struct vexipc_service *svc;

	for (u32 i = 0; i < ARRAY_SIZE(peers); i++) {
		char id[] = { 'a' + i, '\0' };

		peers[i] = new_service_like(test, id, i ? &like : &any);
	}
	vexipc_registry_drain(peers[2]->svc, true);
	while ((svc = vexipc_registry_next(peers[0]->ep.inst, &slot, &all))) {
		for (u32 i = 0; i < ARRAY_SIZE(peers); i++)
			seen[i] += svc == peers[i]->svc;
		vexipc_service_put(svc);
	}
	for (u32 i = 0; i < ARRAY_SIZE(peers); i++)
		KUNIT_EXPECT_EQ(test, seen[i], 1);

	slot = 0;
	while ((svc = vexipc_registry_next(peers[0]->ep.inst, &slot, &nine))) {
		KUNIT_EXPECT_PTR_EQ(test, svc, peers[0]->svc);
		vexipc_service_put(svc);
		count++;
	}
	KUNIT_EXPECT_EQ(test, count, 1);
	slot = 0;
	svc = vexipc_registry_next(peers[0]->ep.inst, &slot, &draining);
	KUNIT_ASSERT_PTR_EQ(test, svc, peers[2]->svc);
	vexipc_service_put(svc);
	KUNIT_EXPECT_NULL(test, vexipc_registry_next(peers[0]->ep.inst, &slot, &draining));
}

static bool gone_soon(struct peer *peer)
{
	unsigned long end = jiffies + msecs_to_jiffies(PATIENCE_MS);

	while (vexipc_endpoint_service(&peer->ep)) {
		vexipc_service_put(peer->svc);
		if (time_after(jiffies, end))
			return false;
		usleep_range(1000, 2000);
	}
	return true;
}

static void idle_service_leaves_at_once(struct kunit *test)
{
	struct peer *peer = new_service(test, "one");

	vexipc_registry_leave_when_idle(peer->svc);
	KUNIT_EXPECT_TRUE(test, gone_soon(peer));
}

static void busy_service_leaves_after_its_last_request(struct kunit *test)
{
	struct peer *peer = new_service(test, "one"), *client = new_peer(test);
	struct ask *first = submit_new(test, client), *second = submit_new(test, client);
	u64 id = send_next(peer);

	vexipc_registry_leave_when_idle(peer->svc);
	KUNIT_EXPECT_EQ(test, vexipc_service_state(peer->svc), VEXIPC_STATE_DRAINING);
	KUNIT_EXPECT_EQ(test, submit(new_ask(test, client)), -ENODEV);
	KUNIT_EXPECT_EQ(test, answer(peer, id), 0);
	expect_ended(test, first, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, vexipc_service_state(peer->svc), VEXIPC_STATE_DRAINING);
	KUNIT_EXPECT_EQ(test, answer(peer, send_next(peer)), 0);
	expect_ended(test, second, VEXIPC_OK);
	KUNIT_EXPECT_TRUE(test, gone_soon(peer));
	KUNIT_EXPECT_EQ(test, counted(test, failovers), 0);
}

static void cancel_of_the_last_request_lets_it_leave(struct kunit *test)
{
	struct peer *peer = new_service(test, "one");
	struct ask *ask = submit_new(test, new_peer(test));

	vexipc_registry_leave_when_idle(peer->svc);
	KUNIT_EXPECT_TRUE(test, vexipc_request_finish(ask->req, VEXIPC_ERR_CANCELLED));
	KUNIT_EXPECT_TRUE(test, gone_soon(peer));
}

static void service_goes_with_its_endpoint(struct kunit *test)
{
	struct peer *died = new_service(test, "one"), *left = new_service(test, "two");

	vexipc_endpoint_close(&died->ep, true);
	vexipc_endpoint_close(&left->ep, false);
	KUNIT_EXPECT_EQ(test, vexipc_service_state(died->svc), VEXIPC_STATE_GONE);
	KUNIT_EXPECT_EQ(test, vexipc_service_state(left->svc), VEXIPC_STATE_GONE);
	KUNIT_EXPECT_EQ(test, counted(test, services_died), 1);
	KUNIT_EXPECT_EQ(test, counted(test, unregistered), 1);
}

static struct kunit_case registry_cases[] = {
	KUNIT_CASE(service_is_found_until_it_goes),
	KUNIT_CASE(handle_is_never_used_again),
	KUNIT_CASE(id_is_taken_once),
	KUNIT_CASE(who_finds_one_that_is_being_refused_cannot_remove_it),
	KUNIT_CASE(bad_registration_is_refused),
	KUNIT_CASE(registering_wants_privilege_unless_it_is_open),
	KUNIT_CASE(negotiation_is_the_meet),
	KUNIT_CASE(walk_sees_each_service_once),
	KUNIT_CASE(idle_service_leaves_at_once),
	KUNIT_CASE(busy_service_leaves_after_its_last_request),
	KUNIT_CASE(cancel_of_the_last_request_lets_it_leave),
	KUNIT_CASE(service_goes_with_its_endpoint),
	{}
};

static struct kunit_suite registry_suite = {
	.name = "vexipc_registry",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = registry_cases,
};

kunit_test_suite(registry_suite);
