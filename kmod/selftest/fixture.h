/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites share: peers that a test plays, in the instance of init_net,
 * and requests whose completions are counted.
 */
#ifndef _VEXIPC_SELFTEST_FIXTURE_H
#define _VEXIPC_SELFTEST_FIXTURE_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/list.h>

#include "endpoint.h"
#include "instance.h"
#include "registry.h"
#include "request.h"

enum {
	DIMENSIONS	= 4,	/* of the vectors that services answer with */
	VECTOR_BYTES	= 4 * DIMENSIONS,
	PATIENCE_MS	= 120000,
};

/**
 * struct peer - an endpoint that a test plays: a client or a service
 * @node:     among the test's
 * @ep:	      its endpoint
 * @svc:      the service registered last; a reference, kept when it is gone
 * @released: the endpoint's last reference went
 * @notified: how often it was told that there is something to read
 * @kicked:   how often it was told that there is something to send
 * @full:     has no room for a request now
 * @width:    the longest content that could ever be carried to it
 * @looked_at: called when it is asked whether something could be
 */
struct peer {
	struct list_head node;
	struct vexipc_endpoint ep;
	struct vexipc_service *svc;
	struct completion released;
	atomic_t notified;
	atomic_t kicked;
	bool full;
	u32 width;
	void (*looked_at)(struct peer *peer);
};

/**
 * struct ask - a request of a test and what became of it
 * @node:	 among the test's
 * @req:	 a reference
 * @err:	 what submission returned, -EINPROGRESS before
 * @completions: how often it was completed
 * @ended:	 it was
 * @uncounted:	 the test has put a completion callback of its own
 */
struct ask {
	struct list_head node;
	struct vexipc_request *req;
	int err;
	atomic_t completions;
	struct completion ended;
	bool uncounted;
};

/*
 * struct fixture is test->priv. @settings are those before the test, @now is room
 * for those who look at figures.
 */
struct fixture {
	struct vexipc_instance *inst;
	struct vexipc_settings settings;
	struct vexipc_stats before, now;
	struct list_head peers, asks;
};

/* struct racer is one of those who do something at once, each in a thread. */
struct racer {
	void (*run)(void *data);
	void *data;
	/* private: */
	struct completion *gate;
	struct completion ended;
};

int fixture_init(struct kunit *test);
void fixture_exit(struct kunit *test);
void configure(struct kunit *test, enum vexipc_config_field field, u32 value);

struct peer *new_peer(struct kunit *test);
int peer_register(struct peer *peer, const char *id,
		  const struct vexipc_service_spec *like);
struct peer *new_service(struct kunit *test, const char *id);
struct peer *new_service_like(struct kunit *test, const char *id,
			      const struct vexipc_service_spec *like);

struct ask *new_ask(struct kunit *test, struct peer *client);
int submit(struct ask *ask);
struct ask *submit_new(struct kunit *test, struct peer *client);
bool ended_soon(struct ask *ask);
void expect_ended(struct kunit *test, struct ask *ask, enum vexipc_error error);
void expect_open(struct kunit *test, struct ask *ask, enum vexipc_phase phase);

u64 send_next(struct peer *service);
u64 send_soon(struct kunit *test, struct peer *service);
u64 attempt_id(struct ask *ask, u32 attempt);
int answer_with(struct peer *service, u64 id, u32 dimensions);
int answer(struct peer *service, u64 id);
int answer_error(struct peer *service, u64 id, enum vexipc_error error, u32 kind);

int racer_start(struct racer *racer);
void racer_join(struct racer *racer);
void race(struct kunit *test, struct racer *racers, u32 count);

u64 grown(struct kunit *test, size_t figure);

/* How much a field of struct vexipc_stats has grown in this test. */
#define counted(test, field) grown(test, offsetof(struct vexipc_stats, field))

#endif
