// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "request.h"
#include "slots.h"

#define SLOT_MASK ((1u << VEXIPC_ID_SLOT_BITS) - 1)
#define GEN_ONE (1ull << (VEXIPC_ID_SLOT_BITS + VEXIPC_ID_ATTEMPT_BITS))

/* A table of the test's own, and requests that are only looked up. */
static int slots_init(struct kunit *test)
{
	struct vexipc_slots *slots = kzalloc(sizeof(*slots), GFP_KERNEL);

	test->priv = slots;
	return slots ? vexipc_slots_init(slots) : -ENOMEM;
}

static void slots_exit(struct kunit *test)
{
	if (!test->priv)
		return;
	vexipc_slots_free(test->priv);
	kfree(test->priv);
}

static struct vexipc_request *new_request(struct kunit *test)
{
	struct vexipc_request *req = kunit_kzalloc(test, sizeof(*req), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, req);
	refcount_set(&req->refs, 1);
	return req;
}

static struct vexipc_request *new_published(struct kunit *test)
{
	struct vexipc_request *req = new_request(test);

	KUNIT_ASSERT_EQ(test, vexipc_slots_take(test->priv, req), 0);
	vexipc_slots_publish(test->priv, req);
	return req;
}

/* Who finds gets a reference, and who does not leaves none behind. */
static bool finds(struct kunit *test, u64 id, struct vexipc_request *req)
{
	unsigned int before = refcount_read(&req->refs);
	struct vexipc_request *found = vexipc_slots_find(test->priv, id);

	if (!found) {
		KUNIT_EXPECT_EQ(test, refcount_read(&req->refs), before);
		return false;
	}
	KUNIT_EXPECT_PTR_EQ(test, found, req);
	KUNIT_EXPECT_EQ(test, refcount_read(&req->refs), before + 1);
	refcount_dec(&found->refs);
	return true;
}

static void id_is_of_the_kernels_own_kind(struct kunit *test)
{
	struct vexipc_request *req = new_published(test);

	KUNIT_EXPECT_TRUE(test, req->correlation & VEXIPC_ID_KERNEL);
	KUNIT_EXPECT_EQ(test, vexipc_id_attempt(req->correlation), 0);
	KUNIT_EXPECT_LT(test, req->correlation & SLOT_MASK, VEXIPC_MAX_REQUESTS);
	for (u32 attempt = 0; attempt < 256; attempt++) {
		u64 id = vexipc_id_with_attempt(req->correlation, attempt);

		KUNIT_EXPECT_EQ(test, vexipc_id_attempt(id), attempt);
		KUNIT_EXPECT_EQ(test, vexipc_id_with_attempt(id, 0), req->correlation);
	}
}

static void request_is_found_from_publish_to_release(struct kunit *test)
{
	struct vexipc_request *req = new_request(test);

	KUNIT_ASSERT_EQ(test, vexipc_slots_take(test->priv, req), 0);
	KUNIT_EXPECT_FALSE(test, finds(test, req->correlation, req));
	vexipc_slots_publish(test->priv, req);
	KUNIT_EXPECT_TRUE(test, finds(test, req->correlation, req));
	KUNIT_EXPECT_TRUE(test, finds(test, vexipc_id_with_attempt(req->correlation, 7), req));
	vexipc_slots_release(test->priv, req);
	KUNIT_EXPECT_FALSE(test, finds(test, req->correlation, req));
}

static void only_its_very_id_finds_it(struct kunit *test)
{
	struct vexipc_request *req = new_published(test);
	u64 id = req->correlation;

	for (u32 bit = 0; bit < 64; bit++) {
		bool attempt = 1ull << bit & VEXIPC_ID_ATTEMPT_MASK;

		KUNIT_EXPECT_EQ_MSG(test, finds(test, id ^ 1ull << bit, req), attempt,
				    "bit %u", bit);
	}
	KUNIT_EXPECT_FALSE(test, finds(test, id + GEN_ONE, req));
	KUNIT_EXPECT_FALSE(test, finds(test, id - GEN_ONE, req));
	KUNIT_EXPECT_FALSE(test, finds(test, 0, req));
	KUNIT_EXPECT_FALSE(test, finds(test, U64_MAX, req));
	/* Slots that no table has. */
	KUNIT_EXPECT_FALSE(test, finds(test, (id & ~(u64)SLOT_MASK) | VEXIPC_MAX_REQUESTS, req));
	KUNIT_EXPECT_FALSE(test, finds(test, id | SLOT_MASK, req));
}

static void dying_request_is_not_found(struct kunit *test)
{
	struct vexipc_request *req = new_published(test);

	refcount_set(&req->refs, 0);
	KUNIT_EXPECT_NULL(test, vexipc_slots_find(test->priv, req->correlation));
	KUNIT_EXPECT_EQ(test, refcount_read(&req->refs), 0);
}

static void table_that_is_not_there_finds_nothing(struct kunit *test)
{
	struct vexipc_slots *none = kunit_kzalloc(test, sizeof(*none), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, none);
	KUNIT_EXPECT_NULL(test, vexipc_slots_find(none, VEXIPC_ID_KERNEL | GEN_ONE));
	vexipc_slots_free(none);
}

static void same_slot_gets_another_id_each_time(struct kunit *test)
{
	struct vexipc_request *req = new_request(test);
	unsigned long *seen = kunit_kzalloc(test, BITS_TO_LONGS(VEXIPC_MAX_REQUESTS) *
					    sizeof(*seen), GFP_KERNEL);
	u64 *last = kvcalloc(VEXIPC_MAX_REQUESTS, sizeof(*last), GFP_KERNEL);
	u32 again = 0;

	KUNIT_ASSERT_NOT_NULL(test, seen);
	KUNIT_ASSERT_NOT_NULL(test, last);
	for (u32 i = 0; i < 2000; i++) {
		u32 slot;

		if (vexipc_slots_take(test->priv, req))
			break;
		slot = req->correlation & SLOT_MASK;
		vexipc_slots_publish(test->priv, req);
		if (test_and_set_bit(slot, seen)) {
			again++;
			KUNIT_EXPECT_EQ(test, req->correlation, last[slot] + GEN_ONE);
			KUNIT_EXPECT_FALSE(test, finds(test, last[slot], req));
		}
		KUNIT_EXPECT_TRUE(test, finds(test, req->correlation, req));
		last[slot] = req->correlation;
		vexipc_slots_release(test->priv, req);
	}
	KUNIT_EXPECT_GT(test, again, 0);
	kvfree(last);
}

static void every_slot_can_be_taken_once(struct kunit *test)
{
	struct vexipc_request *req = new_request(test);
	unsigned long *seen = kunit_kzalloc(test, BITS_TO_LONGS(VEXIPC_MAX_REQUESTS) *
					    sizeof(*seen), GFP_KERNEL);
	u64 id;

	KUNIT_ASSERT_NOT_NULL(test, seen);
	for (u32 i = 0; i < VEXIPC_MAX_REQUESTS; i++) {
		KUNIT_ASSERT_EQ(test, vexipc_slots_take(test->priv, req), 0);
		KUNIT_ASSERT_FALSE(test, test_and_set_bit(req->correlation & SLOT_MASK, seen));
	}
	KUNIT_EXPECT_TRUE(test, bitmap_full(seen, VEXIPC_MAX_REQUESTS));
	id = req->correlation;
	KUNIT_EXPECT_EQ(test, vexipc_slots_take(test->priv, new_request(test)), -EUSERS);

	/* The one that comes back is taken again, under another id. */
	vexipc_slots_release(test->priv, req);
	KUNIT_ASSERT_EQ(test, vexipc_slots_take(test->priv, req), 0);
	KUNIT_EXPECT_EQ(test, req->correlation, id + GEN_ONE);
	vexipc_slots_publish(test->priv, req);
	KUNIT_EXPECT_FALSE(test, finds(test, id, req));
	KUNIT_EXPECT_TRUE(test, finds(test, id + GEN_ONE, req));
	KUNIT_EXPECT_EQ(test, vexipc_slots_take(test->priv, new_request(test)), -EUSERS);
}

static struct kunit_case slots_cases[] = {
	KUNIT_CASE(id_is_of_the_kernels_own_kind),
	KUNIT_CASE(request_is_found_from_publish_to_release),
	KUNIT_CASE(only_its_very_id_finds_it),
	KUNIT_CASE(dying_request_is_not_found),
	KUNIT_CASE(table_that_is_not_there_finds_nothing),
	KUNIT_CASE(same_slot_gets_another_id_each_time),
	KUNIT_CASE(every_slot_can_be_taken_once),
	{}
};

static struct kunit_suite slots_suite = {
	.name = "vexipc_slots",
	.init = slots_init,
	.exit = slots_exit,
	.test_cases = slots_cases,
};

kunit_test_suite(slots_suite);
