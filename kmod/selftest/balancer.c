// SPDX-License-Identifier: GPL-2.0-only
/* Which service gets a request: what each algorithm does and no other. */
#include <linux/ktime.h>

#include "balancer.h"
#include "fixture.h"
#include "health.h"

enum { MOST = 8 };

static const struct vexipc_service_spec any;

/* Submits one and tells which of @peers has it. */
static int next_of(struct kunit *test, struct ask *ask, struct peer **peers, u32 count)
{
	int err = submit(ask);

	if (err)
		return err;
	for (u32 i = 0; i < count; i++)
		if (READ_ONCE(ask->req->svc) == peers[i]->svc)
			return i;
	return -ENXIO;
}

static int next_by(struct kunit *test, struct peer *client, u32 algorithm,
		   struct peer **peers, u32 count)
{
	struct ask *ask = new_ask(test, client);

	ask->req->algorithm = algorithm;
	return next_of(test, ask, peers, count);
}

static void give(struct kunit *test, struct peer *client, struct peer *service, u32 count)
{
	while (count--) {
		struct ask *ask = new_ask(test, client);

		ask->req->pin = service->svc->handle;
		KUNIT_ASSERT_EQ(test, submit(ask), 0);
	}
}

static void services_like(struct kunit *test, struct peer **peers, u32 count,
			  const struct vexipc_service_spec *like)
{
	for (u32 i = 0; i < count; i++) {
		char id[16];

		snprintf(id, sizeof(id), "s%u", i);
		peers[i] = new_service_like(test, id, like);
		/* Not a newcomer. */
		peers[i]->svc->fresh_ns = 0;
	}
}

static void known_latency(struct peer *peer, u32 average_us, u32 peak_us)
{
	peer->svc->latency = (struct vexipc_latency) {
		.at_ns = ktime_get_ns(), .average_us = average_us,
		.peak_ns = (u64)peak_us * NSEC_PER_USEC,
	};
}

static void round_robin_takes_turns(struct kunit *test)
{
	struct peer *client = new_peer(test), *peers[3];
	int turn[6];

	services_like(test, peers, 3, &any);
	/* Whatever it weighs, and however much one has in hand. */
	peers[0]->svc->spec.weight = 500;
	give(test, client, peers[1], 5);
	for (u32 i = 0; i < 6; i++)
		turn[i] = next_by(test, client, VEXIPC_ALGORITHM_ROUND_ROBIN, peers, 3);
	for (u32 i = 0; i < 6; i++) {
		KUNIT_EXPECT_GE(test, turn[i], 0);
		if (i)
			KUNIT_EXPECT_EQ(test, turn[i], (turn[i - 1] + 1) % 3);
	}
}

static void least_connections_picks_the_fewest(struct kunit *test)
{
	struct peer *client = new_peer(test), *peers[3];
	u32 algorithm = VEXIPC_ALGORITHM_LEAST_CONNECTIONS;

	services_like(test, peers, 3, &any);
	give(test, client, peers[0], 3);
	give(test, client, peers[1], 2);
	/* Slow as it is. */
	known_latency(peers[0], 1, 1);
	known_latency(peers[1], 1, 1);
	known_latency(peers[2], 1000000, 1000000);
	for (u32 i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, next_by(test, client, VEXIPC_ALGORITHM_LEAST_CONNECTIONS,
					      peers, 3), 2);
	/* Sent is as good as queued. */
	KUNIT_EXPECT_NE(test, send_next(peers[2]), 0);
	KUNIT_EXPECT_NE(test, next_by(test, client, algorithm, peers, 3), 0);
	KUNIT_EXPECT_NE(test, next_by(test, client, algorithm, peers, 3), 0);
	for (u32 i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, peers[i]->svc->queued + peers[i]->svc->in_flight, 3);
}

static void least_response_time_picks_the_fastest(struct kunit *test)
{
	struct peer *client = new_peer(test), *peers[3];

	services_like(test, peers, 3, &any);
	/* Whatever it has in hand, and had a peak of. */
	give(test, client, peers[1], 50);
	known_latency(peers[0], 4000, 4000);
	known_latency(peers[1], 1000, 900000);
	known_latency(peers[2], 8000, 8000);
	for (u32 i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, next_by(test, client, VEXIPC_ALGORITHM_LEAST_RESPONSE_TIME,
					      peers, 3), 1);
}

static void newcomer_is_tried_once_until_it_answers(struct kunit *test)
{
	struct peer *client = new_peer(test), *peers[2];

	services_like(test, peers, 2, &any);
	known_latency(peers[0], 4000, 4000);
	KUNIT_EXPECT_EQ(test, next_by(test, client, VEXIPC_ALGORITHM_LEAST_RESPONSE_TIME,
				      peers, 2), 1);
	for (u32 i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, next_by(test, client, VEXIPC_ALGORITHM_LEAST_RESPONSE_TIME,
					      peers, 2), 0);
	KUNIT_EXPECT_EQ(test, answer(peers[1], send_next(peers[1])), 0);
	KUNIT_EXPECT_GT(test, peers[1]->svc->latency.average_us, 0);
}

static void load_based_heeds_what_services_report(struct kunit *test)
{
	struct vexipc_heartbeat_body body = { .cpu_permille = cpu_to_le32(3000) };
	struct peer *client = new_peer(test), *peers[2];
	u32 got[2] = {};

	services_like(test, peers, 2, &any);
	known_latency(peers[0], 1000, 1000);
	known_latency(peers[1], 1000, 1000);
	vexipc_health_heartbeat(peers[0]->svc, &body);
	for (u32 i = 0; i < 10; i++) {
		int at = next_by(test, client, VEXIPC_ALGORITHM_LOAD_BASED, peers, 2);

		KUNIT_ASSERT_GE(test, at, 0);
		got[at]++;
	}
	/* Four times the load: a fifth of the requests. */
	KUNIT_EXPECT_EQ(test, got[0], 2);
	KUNIT_EXPECT_EQ(test, got[1], 8);
}

static void load_based_begins_slowly_with_newcomers(struct kunit *test)
{
	struct peer *client = new_peer(test), *peers[2];
	u32 got[2] = {};

	configure(test, VEXIPC_CONFIG_SLOW_START_SEC, 10);
	services_like(test, peers, 2, &any);
	known_latency(peers[0], 1000, 1000);
	known_latency(peers[1], 1000, 1000);
	for (u32 i = 0; i < 21; i++) {
		peers[0]->svc->fresh_ns = ktime_get_ns();
		got[next_by(test, client, VEXIPC_ALGORITHM_LOAD_BASED, peers, 2)]++;
	}
	KUNIT_EXPECT_LE(test, got[0], 1);
	configure(test, VEXIPC_CONFIG_SLOW_START_SEC, 0);
	for (u32 i = 0; i < 15; i++)
		KUNIT_EXPECT_EQ(test, next_by(test, client, VEXIPC_ALGORITHM_LOAD_BASED,
					      peers, 2), 0);
}

static void priority_uses_a_lower_tier_only_when_it_must(struct kunit *test)
{
	struct vexipc_service_spec low = { .priority = 10 };
	struct vexipc_service_spec high = { .priority = 200, .max_concurrent = 2 };
	struct peer *client = new_peer(test), *peers[2];
	u32 algorithm = VEXIPC_ALGORITHM_PRIORITY;

	peers[1] = new_service_like(test, "low", &low);
	peers[0] = new_service_like(test, "high", &high);
	KUNIT_EXPECT_EQ(test, next_by(test, client, algorithm, peers, 2), 0);
	KUNIT_EXPECT_EQ(test, next_by(test, client, algorithm, peers, 2), 0);
	/* Full. */
	KUNIT_EXPECT_EQ(test, next_by(test, client, algorithm, peers, 2), 1);
	KUNIT_EXPECT_EQ(test, answer(peers[0], send_next(peers[0])), 0);
	KUNIT_EXPECT_EQ(test, next_by(test, client, algorithm, peers, 2), 0);
	/* Unavailable. */
	KUNIT_EXPECT_EQ(test, answer(peers[0], send_next(peers[0])), 0);
	vexipc_registry_drain(peers[0]->svc, true);
	KUNIT_EXPECT_EQ(test, next_by(test, client, algorithm, peers, 2), 1);
	vexipc_registry_drain(peers[0]->svc, false);
	KUNIT_EXPECT_EQ(test, next_by(test, client, algorithm, peers, 2), 0);
	/* All are full: then the highest. */
	low.max_concurrent = 1;
	give(test, client, peers[1], vexipc_config(client->ep.inst,
						   VEXIPC_CONFIG_MAX_CONCURRENT_PER_SERVICE));
	KUNIT_EXPECT_EQ(test, next_by(test, client, algorithm, peers, 2), 0);
}

static void capability_takes_the_tightest_fit(struct kunit *test)
{
	struct vexipc_service_spec tight = {
		.dimensions_count = 1, .dimensions = { DIMENSIONS }, .max_concurrent = 3,
	};
	struct vexipc_service_spec wide = {
		.dimensions_count = 2, .dimensions = { DIMENSIONS, 8 },
	};
	struct peer *client = new_peer(test), *peers[3];
	u32 algorithm = VEXIPC_ALGORITHM_CAPABILITY;
	struct ask *other = new_ask(test, client);

	peers[0] = new_service_like(test, "any", &any);
	peers[1] = new_service_like(test, "tight", &tight);
	peers[2] = new_service_like(test, "wide", &wide);
	for (u32 i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, next_by(test, client, algorithm, peers, 3), 1);
	/* It is full: the next tightest. */
	KUNIT_EXPECT_EQ(test, next_by(test, client, algorithm, peers, 3), 2);
	other->req->algorithm = algorithm;
	other->req->dimensions = 16;
	KUNIT_EXPECT_EQ(test, next_of(test, other, peers, 3), 0);
}

static void weighted_round_robin_is_smooth(struct kunit *test)
{
	struct vexipc_service_spec five = { .weight = 50 }, one = { .weight = 10 };
	struct peer *client = new_peer(test), *peers[3];
	int turn[14];

	peers[0] = new_service_like(test, "five", &five);
	peers[1] = new_service_like(test, "one", &one);
	peers[2] = new_service_like(test, "another", &one);
	for (u32 i = 0; i < 14; i++)
		turn[i] = next_by(test, client, VEXIPC_ALGORITHM_WEIGHTED_ROUND_ROBIN, peers, 3);
	for (u32 i = 0; i < 14; i += 7) {
		static const u32 heavy[] = { 0, 1, 3, 5, 6 };

		for (u32 k = 0; k < ARRAY_SIZE(heavy); k++)
			KUNIT_EXPECT_EQ(test, turn[i + heavy[k]], 0);
		KUNIT_EXPECT_EQ(test, turn[i + 2] + turn[i + 4], 3);
	}
}

static void peak_ewma_flees_a_spike(struct kunit *test)
{
	struct peer *client = new_peer(test), *peers[2];
	u32 algorithm = VEXIPC_ALGORITHM_PEAK_EWMA;

	services_like(test, peers, 2, &any);
	/* On average the first is faster, but not since a moment ago. */
	known_latency(peers[0], 1000, 60000000);
	known_latency(peers[1], 2000, 2000);
	for (u32 i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, next_by(test, client, algorithm, peers, 2), 1);
	KUNIT_EXPECT_EQ(test, next_by(test, client, VEXIPC_ALGORITHM_LEAST_RESPONSE_TIME,
				      peers, 2), 0);
}

static void peak_ewma_takes_the_better_of_two_at_random(struct kunit *test)
{
	struct peer *client = new_peer(test), *peers[3];
	u32 got[3] = {};

	services_like(test, peers, 3, &any);
	/* So far apart that what is in hand does not matter. */
	for (u32 i = 0; i < 60; i++) {
		known_latency(peers[0], 1000, 1000);
		known_latency(peers[1], 1000000, 1000000);
		known_latency(peers[2], 1000000000, 1000000000);
		got[next_by(test, client, VEXIPC_ALGORITHM_PEAK_EWMA, peers, 3)]++;
	}
	/* The worst is never the better; the best is not always among the two. */
	KUNIT_EXPECT_EQ(test, got[2], 0);
	KUNIT_EXPECT_GT(test, got[0], 0);
	KUNIT_EXPECT_GT(test, got[1], 0);
}

static void peak_ewma_weighs_latency_with_what_is_in_hand(struct kunit *test)
{
	struct peer *client = new_peer(test), *peers[2];
	u32 got[2] = {};

	services_like(test, peers, 2, &any);
	for (u32 i = 0; i < 22; i++) {
		/* Afresh: nothing fades, however slow this machine is. */
		known_latency(peers[0], 1000000, 1000000);
		known_latency(peers[1], 10000000, 10000000);
		got[next_by(test, client, VEXIPC_ALGORITHM_PEAK_EWMA, peers, 2)]++;
	}
	KUNIT_EXPECT_EQ(test, got[0], 20);
	KUNIT_EXPECT_EQ(test, got[1], 2);
}

static void failure_counts_as_the_timeout(struct kunit *test)
{
	struct peer *client = new_peer(test), *peers[2];
	struct ask *ask = new_ask(test, client);

	services_like(test, peers, 2, &any);
	known_latency(peers[0], 1000, 1000);
	known_latency(peers[1], 1000, 1000);
	ask->req->pin = peers[0]->svc->handle;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	answer_error(peers[0], send_next(peers[0]), VEXIPC_ERR_SERVICE_FAILED, 0);
	expect_ended(test, ask, VEXIPC_ERR_SERVICE_FAILED);
	/* An hour, as far as can be counted. */
	KUNIT_EXPECT_GT(test, peers[0]->svc->latency.peak_ns, 2000000000ull * NSEC_PER_USEC);
	KUNIT_EXPECT_GT(test, peers[0]->svc->latency.average_us, 100000000);
	known_latency(peers[0], 1000, 1000);
	ask = new_ask(test, client);
	ask->req->pin = peers[0]->svc->handle;
	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	answer_error(peers[0], send_next(peers[0]), VEXIPC_ERR_OVERLOADED, VEXIPC_ERROR_OVERLOAD);
	KUNIT_EXPECT_EQ(test, peers[0]->svc->latency.peak_ns, NSEC_PER_MSEC);
}

static int hashed(struct kunit *test, struct peer *client, struct peer **peers, u32 key,
		  bool session)
{
	struct ask *ask = new_ask(test, client);
	u32 *content = kunit_kmalloc(test, sizeof(*content), GFP_KERNEL);
	int at;

	KUNIT_ASSERT_NOT_NULL(test, content);
	*content = session ? 0 : key;
	ask->req->content = content;
	ask->req->content_len = sizeof(*content);
	ask->req->session = session ? key + 1 : 0;
	ask->req->algorithm = VEXIPC_ALGORITHM_CONSISTENT_HASH;
	at = next_of(test, ask, peers, MOST);
	vexipc_request_finish(ask->req, VEXIPC_ERR_CANCELLED);
	return at;
}

static void consistent_hash_moves_only_what_must(struct kunit *test)
{
	struct peer *client = new_peer(test), *peers[MOST], *gone;
	enum { KEYS = 64 };
	int before[KEYS];
	u32 got[MOST] = {};

	configure(test, VEXIPC_CONFIG_STICKY_TIMEOUT_SEC, 0);
	services_like(test, peers, MOST, &any);
	gone = peers[3];
	for (u32 session = 0; session < 2; session++) {
		for (u32 key = 0; key < KEYS; key++) {
			before[key] = hashed(test, client, peers, key, session);
			KUNIT_ASSERT_GE(test, before[key], 0);
			got[before[key]]++;
			KUNIT_EXPECT_EQ(test, hashed(test, client, peers, key, session),
					before[key]);
		}
		/* Not eligible, and gone, come to the same. */
		for (u32 how = 0; how < 2; how++) {
			if (how)
				vexipc_registry_remove(gone->svc, false);
			else
				vexipc_registry_drain(gone->svc, true);
			for (u32 key = 0; key < KEYS; key++) {
				int now = hashed(test, client, peers, key, session);

				if (before[key] != 3)
					KUNIT_EXPECT_EQ(test, now, before[key]);
				else
					KUNIT_EXPECT_NE(test, now, 3);
			}
		}
		/* Under the same id it gets back what it had. */
		KUNIT_ASSERT_EQ(test, peer_register(gone, "s3", &any), 0);
		for (u32 key = 0; key < KEYS; key++)
			KUNIT_EXPECT_EQ(test, hashed(test, client, peers, key, session),
					before[key]);
	}
	for (u32 i = 0; i < MOST; i++)
		KUNIT_EXPECT_GT(test, got[i], 2);
}

static void algorithm_changes_live(struct kunit *test)
{
	struct peer *client = new_peer(test), *peers[2];

	services_like(test, peers, 2, &any);
	give(test, client, peers[0], 10);
	configure(test, VEXIPC_CONFIG_ALGORITHM, VEXIPC_ALGORITHM_LEAST_CONNECTIONS);
	for (u32 i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, next_by(test, client, VEXIPC_ALGORITHM_DEFAULT, peers, 2), 1);
	configure(test, VEXIPC_CONFIG_ALGORITHM, VEXIPC_ALGORITHM_ROUND_ROBIN);
	KUNIT_EXPECT_NE(test, next_by(test, client, VEXIPC_ALGORITHM_DEFAULT, peers, 2),
			next_by(test, client, VEXIPC_ALGORITHM_DEFAULT, peers, 2));
	/* The request's own wins. */
	KUNIT_EXPECT_EQ(test, next_by(test, client, VEXIPC_ALGORITHM_LEAST_CONNECTIONS,
				      peers, 2), 1);
}

/* Kinds of requests more than there is room for sets, and services that come and go. */
static void sets_follow_the_services(struct kunit *test)
{
	struct vexipc_service_spec eight = { .dimensions_count = 1, .dimensions = { 8 } };
	struct peer *client = new_peer(test), *peers[2];

	peers[0] = new_service_like(test, "eight", &eight);
	peers[1] = new_peer(test);
	for (u32 round = 0; round < 2; round++) {
		if (round)
			KUNIT_ASSERT_EQ(test, peer_register(peers[1], "any", &any), 0);
		for (u32 dimensions = 1; dimensions <= 200; dimensions++) {
			struct ask *ask = new_ask(test, client);
			int at;

			ask->req->dimensions = dimensions;
			at = next_of(test, ask, peers, 1 + round);
			if (dimensions == 8)
				KUNIT_EXPECT_GE(test, at, 0);
			else
				KUNIT_EXPECT_EQ(test, at, round ? 1 : -ENODEV);
			vexipc_request_finish(ask->req, VEXIPC_ERR_CANCELLED);
		}
	}
	vexipc_registry_remove(peers[1]->svc, false);
	KUNIT_EXPECT_EQ(test, submit(new_ask(test, client)), -ENODEV);
}

static void batches_go_where_they_fit(struct kunit *test)
{
	struct vexipc_service_spec like = { .features = VEXIPC_FEATURE_BATCH };
	struct peer *client = new_peer(test), *peers[3];
	static const u32 most[] = { 1, 5, 7 };

	for (u32 i = 0; i < 3; i++) {
		char id[] = { 'a' + i, '\0' };

		like.max_batch = most[i];
		peers[i] = new_service_like(test, id, &like);
	}
	for (u32 count = 1; count < 10; count++) {
		u32 got = 0;

		for (u32 i = 0; i < 3; i++) {
			struct ask *ask = new_ask(test, client);
			int at;

			ask->req->type = VEXIPC_MSG_BATCH_REQUEST;
			ask->req->count = count;
			at = next_of(test, ask, peers, 3);
			if (at >= 0)
				got |= 1 << at;
			else
				KUNIT_EXPECT_EQ(test, at, -ENODEV);
		}
		KUNIT_EXPECT_EQ_MSG(test, got, count == 1 ? 7 : count <= 5 ? 6 :
				    count <= 7 ? 4 : 0, "%u items", count);
	}
}

/* More than are looked at one by one. */
static void many_services_are_all_reached(struct kunit *test)
{
	enum { MANY = 100 };
	struct peer *client = new_peer(test), **peers;
	u32 *got = kunit_kcalloc(test, MANY, sizeof(*got), GFP_KERNEL);

	peers = kunit_kcalloc(test, MANY, sizeof(*peers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, peers);
	KUNIT_ASSERT_NOT_NULL(test, got);
	services_like(test, peers, MANY, &any);
	for (u32 i = 0; i < 2 * MANY; i++) {
		int at = next_by(test, client, VEXIPC_ALGORITHM_ROUND_ROBIN, peers, MANY);

		KUNIT_ASSERT_GE(test, at, 0);
		got[at]++;
	}
	for (u32 i = 0; i < MANY; i++)
		KUNIT_EXPECT_EQ(test, got[i], 2);
	/* However few may have it, they are found. */
	for (u32 i = 0; i < MANY; i++)
		if (i != 42)
			vexipc_registry_drain(peers[i]->svc, true);
	for (u32 algorithm = 1; algorithm < VEXIPC_ALGORITHMS; algorithm++)
		for (u32 i = 0; i < 3; i++)
			KUNIT_EXPECT_EQ_MSG(test, next_by(test, client, algorithm, peers, MANY), 42,
					    "algorithm %u", algorithm);
}

static void latency_fades(struct kunit *test)
{
	struct vexipc_latency l = {};
	u64 second = 1ull << VEXIPC_LATENCY_PEAK_HALF, now = 100 * second;
	u64 average_half = 1ull << VEXIPC_LATENCY_AVERAGE_HALF;

	vexipc_latency_add(&l, now, 8 * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, vexipc_latency_average(&l, now), 8000);
	KUNIT_EXPECT_EQ(test, vexipc_latency_peak(&l, now), 8000);
	/* A spike replaces at once; the average goes an eighth of the way. */
	vexipc_latency_add(&l, now, 88 * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, vexipc_latency_peak(&l, now), 88000);
	KUNIT_EXPECT_EQ(test, vexipc_latency_average(&l, now), 18000);
	KUNIT_EXPECT_EQ(test, vexipc_latency_peak(&l, now + second / 2), 66000);
	KUNIT_EXPECT_EQ(test, vexipc_latency_peak(&l, now + second), 44000);
	KUNIT_EXPECT_EQ(test, vexipc_latency_peak(&l, now + 3 * second), 11000);
	KUNIT_EXPECT_EQ(test, vexipc_latency_average(&l, now + average_half), 9000);
	KUNIT_EXPECT_EQ(test, vexipc_latency_peak(&l, now + 100 * second), 0);
	KUNIT_EXPECT_EQ(test, vexipc_latency_average(&l, U64_MAX), 0);
	/* Back to what is, not to 0. */
	vexipc_latency_add(&l, now + second, 8 * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, vexipc_latency_peak(&l, now + second), 48000);
	/* The clocks of two CPUs may differ. */
	KUNIT_EXPECT_EQ(test, vexipc_latency_peak(&l, now), 48000);
}

/* However small the steps in which time passes. */
static void peak_fades_while_answers_come(struct kunit *test)
{
	static const u32 steps_us[] = { 5, 8, 17, 100, 4000, 5000 };
	u64 sample = 20 * NSEC_PER_USEC, peak = NSEC_PER_MSEC, span = 1ull << 25;

	for (u32 i = 0; i < ARRAY_SIZE(steps_us); i++) {
		struct vexipc_latency l = {};
		u64 now = 100 * NSEC_PER_SEC, step = steps_us[i] * NSEC_PER_USEC;
		u64 end = now + span;

		vexipc_latency_add(&l, now, sample + peak);
		while (now < end)
			vexipc_latency_add(&l, now += step, sample);
		/* In a 32nd of what halves it, a 64th; the least step is some more. */
		KUNIT_EXPECT_LT_MSG(test, l.peak_ns, sample + peak - peak / 70, "%u us",
				    steps_us[i]);
		KUNIT_EXPECT_GT_MSG(test, l.peak_ns, sample + peak - peak / 40, "%u us",
				    steps_us[i]);
	}
}

static struct kunit_case balancer_cases[] = {
	KUNIT_CASE(round_robin_takes_turns),
	KUNIT_CASE(least_connections_picks_the_fewest),
	KUNIT_CASE(least_response_time_picks_the_fastest),
	KUNIT_CASE(newcomer_is_tried_once_until_it_answers),
	KUNIT_CASE(load_based_heeds_what_services_report),
	KUNIT_CASE(load_based_begins_slowly_with_newcomers),
	KUNIT_CASE(priority_uses_a_lower_tier_only_when_it_must),
	KUNIT_CASE(capability_takes_the_tightest_fit),
	KUNIT_CASE(weighted_round_robin_is_smooth),
	KUNIT_CASE(peak_ewma_flees_a_spike),
	KUNIT_CASE(peak_ewma_takes_the_better_of_two_at_random),
	KUNIT_CASE(peak_ewma_weighs_latency_with_what_is_in_hand),
	KUNIT_CASE(failure_counts_as_the_timeout),
	KUNIT_CASE(consistent_hash_moves_only_what_must),
	KUNIT_CASE(algorithm_changes_live),
	KUNIT_CASE(sets_follow_the_services),
	KUNIT_CASE(batches_go_where_they_fit),
	KUNIT_CASE_SLOW(many_services_are_all_reached),
	KUNIT_CASE(latency_fades),
	KUNIT_CASE(peak_fades_while_answers_come),
	{}
};

static struct kunit_suite balancer_suite = {
	.name = "vexipc_balancer",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = balancer_cases,
};

kunit_test_suite(balancer_suite);
