// SPDX-License-Identifier: GPL-2.0-only
/* Answers that are kept: who is given them, and which of them go. */
#include <linux/slab.h>
#include <linux/string.h>

#include "cache.h"
#include "fixture.h"

static int cache_init(struct kunit *test)
{
	int err = fixture_init(test);

	if (err)
		return err;
	configure(test, VEXIPC_CONFIG_CACHE_ENABLED, 1);
	return 0;
}

static void cache_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	/* What is kept would be found by the next. */
	if (f)
		vexipc_cache_flush(f->inst, NULL, 0, NULL, 0);
	fixture_exit(test);
}

/* A request for a text of its own memory, as entry points make them. */
static struct ask *ask_for(struct kunit *test, struct peer *client, const char *text)
{
	struct ask *ask = new_ask(test, client);

	ask->req->mem = kstrdup(text, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ask->req->mem);
	ask->req->content = ask->req->mem;
	ask->req->content_len = strlen(text);
	return ask;
}

/* Ask, and have it answered by the service if that is asked: was it? */
static bool reaches(struct kunit *test, struct ask *ask, struct peer *service)
{
	u64 id;

	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	id = send_next(service);
	if (id)
		KUNIT_EXPECT_EQ(test, answer(service, id), 0);
	expect_ended(test, ask, VEXIPC_OK);
	KUNIT_EXPECT_EQ(test, ask->req->answer_len, VECTOR_BYTES);
	KUNIT_EXPECT_EQ(test, ask->req->service_handle, service->svc->handle);
	KUNIT_EXPECT_EQ(test, !id, !!(ask->req->result_flags & VEXIPC_RESULT_CACHED));
	return id;
}

static bool text_reaches(struct kunit *test, struct peer *client, struct peer *service,
			 const char *text)
{
	return reaches(test, ask_for(test, client, text), service);
}

static void a_hit_completes_in_submission(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct ask *first = ask_for(test, client, "text"), *second;

	KUNIT_EXPECT_TRUE(test, reaches(test, first, service));
	second = ask_for(test, client, "text");
	KUNIT_EXPECT_EQ(test, submit(second), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&second->completions), 1);
	KUNIT_EXPECT_EQ(test, second->req->attempts, 0);
	/* The very same memory. */
	KUNIT_EXPECT_PTR_EQ(test, second->req->answer, first->req->answer);
	KUNIT_EXPECT_EQ(test, counted(test, cache_hits), 1);
	KUNIT_EXPECT_EQ(test, counted(test, cache_misses), 1);
	KUNIT_EXPECT_EQ(test, counted(test, completed), 2);
}

/* In both halves of the hash. */
static void expect_other(struct kunit *test, struct vexipc_cache_secret *secret,
			 const struct vexipc_request *req, const struct vexipc_cache_key *key)
{
	struct vexipc_cache_key other;

	vexipc_cache_key(secret, req, false, &other);
	KUNIT_EXPECT_NE(test, key->hash[0], other.hash[0]);
	KUNIT_EXPECT_NE(test, key->hash[1], other.hash[1]);
}

static void each_thing_asked_for_is_part_of_the_key(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct fixture *f = test->priv;
	struct vexipc_cache_key key, other;
	struct vexipc_request *req = ask_for(test, client, "text")->req;
	struct vexipc_cache_secret *secret = &f->inst->cache->secret;

	vexipc_cache_key(secret, req, false, &key);
	vexipc_cache_key(secret, req, false, &other);
	KUNIT_EXPECT_MEMEQ(test, &key, &other, sizeof(key));
	req->pin = service->svc->handle;
	expect_other(test, secret, req, &key);
	req->pin = 0;
	req->dimensions = 2 * DIMENSIONS;
	expect_other(test, secret, req, &key);
	req->dimensions = DIMENSIONS;
	req->data_type = VEXIPC_INT8;
	expect_other(test, secret, req, &key);
	req->data_type = VEXIPC_FLOAT32;
	req->content_type = VEXIPC_RAW;
	expect_other(test, secret, req, &key);
	req->content_type = VEXIPC_TEXT;
	req->flags = 1u << 15;
	expect_other(test, secret, req, &key);
	req->flags = 0;
	req->content_len--;
	expect_other(test, secret, req, &key);
	req->content = "texT";
	req->content_len++;
	expect_other(test, secret, req, &key);
	vexipc_cache_key(secret, req, true, &other);
	KUNIT_EXPECT_NE(test, key.hash[0], other.hash[0]);
	/* Where the model ends and the content begins matters. */
	req->model = "te";
	req->model_len = 2;
	req->content = "xt";
	req->content_len = 2;
	vexipc_cache_key(secret, req, false, &other);
	KUNIT_EXPECT_NE(test, key.hash[0], other.hash[0]);
}

static void every_byte_of_a_long_content_counts(struct kunit *test)
{
	enum { LONG = 3 * VEXIPC_CACHE_BLOCK * 8 + 13 };
	struct peer *client = new_peer(test);
	struct fixture *f = test->priv;
	struct vexipc_cache_secret *secret = &f->inst->cache->secret;
	struct vexipc_request *req = ask_for(test, client, "text")->req;
	char *text = kunit_kzalloc(test, LONG, GFP_KERNEL);
	struct vexipc_cache_key key, other;

	KUNIT_ASSERT_NOT_NULL(test, text);
	req->content = text;
	req->content_len = LONG;
	vexipc_cache_key(secret, req, false, &key);
	for (u32 i = 0; i < LONG; i++) {
		text[i] ^= 1;
		vexipc_cache_key(secret, req, false, &other);
		text[i] ^= 1;
		if (key.hash[0] == other.hash[0] || key.hash[1] == other.hash[1])
			KUNIT_FAIL(test, "byte %u does not count", i);
	}
	/* Zeros that are not there are others than those that are. */
	req->content_len = LONG - 1;
	vexipc_cache_key(secret, req, false, &other);
	KUNIT_EXPECT_NE(test, key.hash[0], other.hash[0]);
}

static void the_key_alone_is_not_believed(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct ask *ask = ask_for(test, client, "text");

	KUNIT_EXPECT_TRUE(test, reaches(test, ask, service));
	/* As if the hashes of two contents were one. */
	((char *)ask->req->content)[0] = 'T';
	KUNIT_EXPECT_TRUE(test, text_reaches(test, client, service, "text"));
	/* The newer took its place. */
	KUNIT_EXPECT_FALSE(test, text_reaches(test, client, service, "text"));
}

static void what_fails_is_not_kept(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct ask *ask = ask_for(test, client, "text");

	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	KUNIT_EXPECT_EQ(test, answer_error(service, send_next(service), VEXIPC_ERR_INVALID, 0), 0);
	expect_ended(test, ask, VEXIPC_ERR_INVALID);
	KUNIT_EXPECT_EQ(test, counted(test, cache_entries), 0);
	KUNIT_EXPECT_TRUE(test, text_reaches(test, client, service, "text"));
}

static void who_wants_none_of_it_is_left_out(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct ask *ask = ask_for(test, client, "text");

	ask->req->flags = VEXIPC_EMBED_NO_CACHE;
	KUNIT_EXPECT_TRUE(test, reaches(test, ask, service));
	KUNIT_EXPECT_EQ(test, counted(test, cache_misses), 0);
	KUNIT_EXPECT_EQ(test, counted(test, cache_entries), 0);
	KUNIT_EXPECT_TRUE(test, text_reaches(test, client, service, "text"));
	ask = ask_for(test, client, "text");
	ask->req->flags = VEXIPC_EMBED_NO_CACHE;
	KUNIT_EXPECT_TRUE(test, reaches(test, ask, service));
}

static void what_was_asked_before_a_flush_is_not_kept(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct ask *ask = ask_for(test, client, "text");
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	vexipc_cache_flush(f->inst, NULL, 0, NULL, 0);
	KUNIT_EXPECT_EQ(test, answer(service, send_next(service)), 0);
	KUNIT_EXPECT_EQ(test, counted(test, cache_entries), 0);
	KUNIT_EXPECT_TRUE(test, text_reaches(test, client, service, "text"));
}

static void an_answer_outlives_its_place_in_the_cache(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct ask *first = ask_for(test, client, "text"), *second;
	struct fixture *f = test->priv;

	KUNIT_EXPECT_TRUE(test, reaches(test, first, service));
	second = ask_for(test, client, "text");
	KUNIT_EXPECT_FALSE(test, reaches(test, second, service));
	KUNIT_EXPECT_EQ(test, vexipc_cache_flush(f->inst, NULL, 0, NULL, 0), 1);
	/* KASAN would tell. */
	KUNIT_EXPECT_EQ(test, *(u32 *)second->req->answer, 0);
	KUNIT_EXPECT_EQ(test, *(u32 *)first->req->answer, 0);
}

static void a_scan_leaves_what_is_asked_often(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	char text[16];

	configure(test, VEXIPC_CONFIG_CACHE_MAX_ENTRIES, 20);
	for (int often = 0; often < 2; often++)
		for (int i = 0; i < 10; i++) {
			snprintf(text, sizeof(text), "often %d", i);
			text_reaches(test, client, service, text);
		}
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "once %d", i);
		KUNIT_EXPECT_TRUE(test, text_reaches(test, client, service, text));
		KUNIT_EXPECT_LE(test, counted(test, cache_entries), 20);
	}
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "often %d", i);
		KUNIT_EXPECT_FALSE(test, text_reaches(test, client, service, text));
	}
	KUNIT_EXPECT_EQ(test, counted(test, cache_insertions),
			counted(test, cache_entries) + counted(test, cache_evictions));
}

static u32 ghost_place(struct kunit *test, const struct vexipc_request *req)
{
	struct fixture *f = test->priv;
	struct vexipc_cache_key key;

	vexipc_cache_key(&f->inst->cache->secret, req, false, &key);
	return key.hash[1] % VEXIPC_CACHE_GHOSTS;
}

/*
 * So many texts, each asked once, from "single @first" on, but none whose ghost would
 * take @place. Return: the first of the next.
 */
static u32 ask_singles(struct kunit *test, struct peer *client, struct peer *service,
		       u32 first, u32 count, u32 place)
{
	char text[16];

	for (; count; first++) {
		struct ask *ask;

		snprintf(text, sizeof(text), "single %u", first);
		ask = ask_for(test, client, text);
		if (ghost_place(test, ask->req) == place)
			continue;
		KUNIT_EXPECT_TRUE(test, reaches(test, ask, service));
		count--;
	}
	return first;
}

static void what_comes_back_soon_is_proven(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct ask *again = ask_for(test, client, "again");
	u32 place = ghost_place(test, again->req), next;
	char text[16];

	/* Its texts are its own: ghosts of others' would be proven. */
	configure(test, VEXIPC_CONFIG_CACHE_MAX_ENTRIES, 10);
	/* Some that are proven, so that what is new has one place. */
	for (int often = 0; often < 2; often++)
		for (int i = 0; i < 9; i++) {
			snprintf(text, sizeof(text), "twice %d", i);
			text_reaches(test, client, service, text);
		}
	KUNIT_EXPECT_TRUE(test, reaches(test, again, service));
	next = ask_singles(test, client, service, 0, 12, place);
	KUNIT_EXPECT_TRUE(test, text_reaches(test, client, service, "again"));
	ask_singles(test, client, service, next, 4, place);
	KUNIT_EXPECT_FALSE(test, text_reaches(test, client, service, "again"));
}

static void its_size_is_bounded_and_accounted_for(struct kunit *test)
{
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	char *text = kunit_kzalloc(test, 9001, GFP_KERNEL);
	char name[16];

	KUNIT_ASSERT_NOT_NULL(test, text);
	configure(test, VEXIPC_CONFIG_CACHE_MAX_BYTES, 64 << 10);
	memset(text, 'x', 9000);
	text_reaches(test, client, service, text);
	KUNIT_EXPECT_EQ(test, counted(test, cache_entries), 0);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "%d", i);
		text_reaches(test, client, service, name);
		KUNIT_EXPECT_LE(test, counted(test, cache_bytes), 64 << 10);
	}
	KUNIT_EXPECT_GT(test, counted(test, cache_entries), 10);
	configure(test, VEXIPC_CONFIG_CACHE_ENABLED, 0);
	KUNIT_EXPECT_EQ(test, counted(test, cache_entries), 0);
	KUNIT_EXPECT_EQ(test, counted(test, cache_bytes), 0);
}

/* struct crowd is some who ask and flush at once. */
struct crowd {
	struct kunit *test;
	struct peer *service;
	struct vexipc_instance *inst;
	struct ask *ask[64];
	atomic_t next;
};

static void ask_them(void *data)
{
	struct crowd *crowd = data;
	u32 i;

	while ((i = atomic_fetch_inc(&crowd->next)) < ARRAY_SIZE(crowd->ask)) {
		u64 id;

		submit(crowd->ask[i]);
		while ((id = send_next(crowd->service)))
			answer(crowd->service, id);
		if (i % 8 == 5)
			vexipc_cache_flush(crowd->inst, NULL, 0, NULL, 0);
	}
}

static void hits_and_flushes_at_once_lose_nothing(struct kunit *test)
{
	struct crowd *crowd = kunit_kzalloc(test, sizeof(*crowd), GFP_KERNEL);
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct racer racers[3];
	struct fixture *f = test->priv;
	char text[16];
	u64 id;

	KUNIT_ASSERT_NOT_NULL(test, crowd);
	crowd->service = service;
	crowd->inst = f->inst;
	configure(test, VEXIPC_CONFIG_COALESCE, 1);
	for (int i = 0; i < ARRAY_SIZE(crowd->ask); i++) {
		snprintf(text, sizeof(text), "%d", i % 3);
		crowd->ask[i] = ask_for(test, client, text);
	}
	for (int i = 0; i < ARRAY_SIZE(racers); i++)
		racers[i] = (struct racer){ .run = ask_them, .data = crowd };
	race(test, racers, ARRAY_SIZE(racers));
	while ((id = send_next(service)))
		answer(service, id);
	for (int i = 0; i < ARRAY_SIZE(crowd->ask); i++)
		expect_ended(test, crowd->ask[i], VEXIPC_OK);
}

/* struct evictor has entries go, one by one, as those that come would. */
struct evictor {
	struct kunit *test;
	struct vexipc_instance *inst;
	u32 entries;
	bool *stop;
};

static void evict_some(void *data)
{
	struct evictor *evictor = data;

	while (!READ_ONCE(*evictor->stop) && --evictor->entries) {
		WRITE_ONCE(evictor->inst->settings.value[VEXIPC_CONFIG_CACHE_MAX_ENTRIES],
			   evictor->entries);
		vexipc_cache_configured(evictor->inst);
		cond_resched();
	}
}

static void flush_all(void *data)
{
	struct evictor *evictor = data;

	vexipc_cache_flush(evictor->inst, NULL, 0, NULL, 0);
	WRITE_ONCE(*evictor->stop, true);
}

static void a_flush_misses_nothing_while_others_evict(struct kunit *test)
{
	enum { ENTRIES = 400, ROUNDS = 4 };
	struct peer *client = new_peer(test), *service = new_service(test, "one");
	struct fixture *f = test->priv;
	bool stop;
	struct evictor evictor = { .test = test, .inst = f->inst, .stop = &stop };
	struct racer racers[2] = {
		{ .run = flush_all, .data = &evictor }, { .run = evict_some, .data = &evictor },
	};
	char text[16];

	for (u32 round = 0; round < ROUNDS; round++) {
		configure(test, VEXIPC_CONFIG_CACHE_MAX_ENTRIES, ENTRIES);
		for (u32 i = 0; i < ENTRIES; i++) {
			snprintf(text, sizeof(text), "%u", i);
			KUNIT_ASSERT_TRUE(test, text_reaches(test, client, service, text));
		}
		evictor.entries = ENTRIES;
		stop = false;
		race(test, racers, ARRAY_SIZE(racers));
		KUNIT_EXPECT_EQ(test, counted(test, cache_entries), 0);
	}
	KUNIT_EXPECT_EQ(test, counted(test, cache_insertions), ENTRIES * ROUNDS);
	KUNIT_EXPECT_EQ(test, counted(test, cache_insertions),
			counted(test, cache_evictions) + counted(test, cache_invalidations));
}

static struct kunit_case cache_cases[] = {
	KUNIT_CASE(a_hit_completes_in_submission),
	KUNIT_CASE(each_thing_asked_for_is_part_of_the_key),
	KUNIT_CASE(every_byte_of_a_long_content_counts),
	KUNIT_CASE(the_key_alone_is_not_believed),
	KUNIT_CASE(what_fails_is_not_kept),
	KUNIT_CASE(who_wants_none_of_it_is_left_out),
	KUNIT_CASE(what_was_asked_before_a_flush_is_not_kept),
	KUNIT_CASE(an_answer_outlives_its_place_in_the_cache),
	KUNIT_CASE(a_scan_leaves_what_is_asked_often),
	KUNIT_CASE(what_comes_back_soon_is_proven),
	KUNIT_CASE(its_size_is_bounded_and_accounted_for),
	KUNIT_CASE(hits_and_flushes_at_once_lose_nothing),
	KUNIT_CASE(a_flush_misses_nothing_while_others_evict),
	{}
};

static struct kunit_suite cache_suite = {
	.name = "vexipc_cache",
	.init = cache_init,
	.exit = cache_exit,
	.test_cases = cache_cases,
};

kunit_test_suite(cache_suite);
