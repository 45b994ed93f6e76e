// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <net/net_namespace.h>

#include "config.h"
#include "context.h"
#include "fixture.h"
#include "protocol.h"
#include "queue.h"
#include "stats.h"
#include "transport.h"

static struct peer *peer_of(const struct vexipc_service *svc)
{
	return container_of(svc->ep, struct peer, ep);
}

static bool peer_fits(const struct vexipc_service *svc, u32 len)
{
	struct peer *peer = peer_of(svc);

	if (peer->looked_at)
		peer->looked_at(peer);
	return len <= peer->width;
}

static bool peer_room(struct vexipc_service *svc, const struct vexipc_request *req)
{
	return !READ_ONCE(peer_of(svc)->full);
}

static void peer_kick(struct vexipc_service *svc)
{
	atomic_inc(&peer_of(svc)->kicked);
}

static const struct vexipc_transport_ops peer_transport = {
	.type = VEXIPC_TRANSPORT_CHARDEV,
	.fits = peer_fits,
	.room = peer_room,
	.kick = peer_kick,
};

static void peer_notify(struct vexipc_endpoint *ep)
{
	atomic_inc(&container_of(ep, struct peer, ep)->notified);
}

static void peer_release(struct vexipc_endpoint *ep)
{
	complete(&container_of(ep, struct peer, ep)->released);
}

static const struct vexipc_transport_ops *transport_of_peer(struct vexipc_endpoint *ep, u32 wanted)
{
	return wanted == VEXIPC_TRANSPORT_DEFAULT || wanted == peer_transport.type ?
	       &peer_transport : NULL;
}

static const struct vexipc_endpoint_ops peer_ops = {
	.transport = transport_of_peer,
	.notify = peer_notify,
	.release = peer_release,
};

int fixture_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	int err;

	if (!f)
		return -ENOMEM;
	f->inst = vexipc_instance_of(&init_net);
	err = vexipc_instance_prepare(f->inst);
	if (err)
		return err;
	f->settings = f->inst->settings;
	/* However slow the machine is, nothing ends or is probed by itself. */
	f->inst->settings.value[VEXIPC_CONFIG_REQUEST_TIMEOUT_MS] = VEXIPC_MAX_TIMEOUT_MS;
	f->inst->settings.value[VEXIPC_CONFIG_HEALTH_CHECK_INTERVAL_SEC] = 3600;
	f->inst->settings.value[VEXIPC_CONFIG_DISCOVERY_INTERVAL_SEC] = 3600;
	vexipc_stats_instance(f->inst, &f->before);
	INIT_LIST_HEAD(&f->peers);
	INIT_LIST_HEAD(&f->asks);
	test->priv = f;
	return 0;
}

u64 grown(struct kunit *test, size_t figure)
{
	struct fixture *f = test->priv;

	vexipc_stats_instance(f->inst, &f->now);
	return *(u64 *)((char *)&f->now + figure) - *(u64 *)((char *)&f->before + figure);
}

/* Nothing is left over, and every request is accounted for once. */
static void expect_conserved(struct kunit *test, struct fixture *f)
{
	KUNIT_EXPECT_EQ(test, counted(test, submitted),
			counted(test, completed) + counted(test, failed) +
			counted(test, timed_out) + counted(test, cancelled) +
			counted(test, refused));
	KUNIT_EXPECT_EQ(test, counted(test, registered),
			counted(test, unregistered) + counted(test, services_died));
	KUNIT_EXPECT_EQ(test, counted(test, in_flight), 0);
	KUNIT_EXPECT_EQ(test, counted(test, queued), 0);
	KUNIT_EXPECT_EQ(test, counted(test, services), 0);
	KUNIT_EXPECT_EQ(test, counted(test, clients), 0);
	KUNIT_EXPECT_EQ(test, counted(test, held_bytes), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->inst->queued), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->inst->live), 0);
}

void fixture_exit(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct peer *peer, *next;
	struct ask *ask;

	if (!f)
		return;
	list_for_each_entry(peer, &f->peers, node)
		vexipc_endpoint_close(&peer->ep, false);
	list_for_each_entry(ask, &f->asks, node) {
		int expected = ask->err ? 0 : 1;

		/* Who won the last step may be on its way to tell. */
		if (expected && !ask->uncounted)
			KUNIT_EXPECT_TRUE(test, ended_soon(ask));
		if (!ask->uncounted)
			KUNIT_EXPECT_EQ(test, atomic_read(&ask->completions), expected);
		vexipc_request_put(ask->req);
	}
	list_for_each_entry_safe(peer, next, &f->peers, node) {
		if (peer->svc)
			vexipc_service_put(peer->svc);
		vexipc_endpoint_put(&peer->ep);
		/* One that is still referred to is rather leaked than freed. */
		if (wait_for_completion_timeout(&peer->released, msecs_to_jiffies(PATIENCE_MS)))
			kfree(peer);
		else
			KUNIT_FAIL(test, "something keeps an endpoint alive");
	}
	expect_conserved(test, f);
	f->inst->settings = f->settings;
	vexipc_admission_refresh(f->inst);
}

void configure(struct kunit *test, enum vexipc_config_field field, u32 value)
{
	struct vexipc_config_entry entry = { .field = field, .value = value };
	struct fixture *f = test->priv;
	u32 refused;

	KUNIT_ASSERT_EQ(test, vexipc_config_write(f->inst, &entry, 1, &refused), 0);
}

struct peer *new_peer(struct kunit *test)
{
	struct peer *peer = kzalloc(sizeof(*peer), GFP_KERNEL);
	struct fixture *f = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, peer);
	init_completion(&peer->released);
	peer->width = U32_MAX;
	vexipc_endpoint_init(&peer->ep, f->inst, &peer_ops);
	list_add(&peer->node, &f->peers);
	return peer;
}

/* Registers a service through a peer; @like has all but the id. */
int peer_register(struct peer *peer, const char *id,
		  const struct vexipc_service_spec *like)
{
	struct vexipc_context ctx = {
		.inst = peer->ep.inst,
		.uid = GLOBAL_ROOT_UID,
		.pid = task_tgid(current),
		.admin = true,
	};
	struct vexipc_service_spec spec = *like;
	struct vexipc_service *svc;

	spec.strings = kstrdup(id, GFP_KERNEL);
	if (!spec.strings)
		return -ENOMEM;
	spec.id = spec.strings;
	spec.id_len = strlen(id);
	svc = vexipc_registry_add(&ctx, &peer->ep, &spec);
	if (IS_ERR(svc))
		return PTR_ERR(svc);
	if (peer->svc)
		vexipc_service_put(peer->svc);
	peer->svc = svc;
	return 0;
}

struct peer *new_service_like(struct kunit *test, const char *id,
			      const struct vexipc_service_spec *like)
{
	struct peer *peer = new_peer(test);

	KUNIT_ASSERT_EQ(test, peer_register(peer, id, like), 0);
	return peer;
}

struct peer *new_service(struct kunit *test, const char *id)
{
	static const struct vexipc_service_spec any;

	return new_service_like(test, id, &any);
}

static void count_completion(struct vexipc_request *req)
{
	struct ask *ask = req->private;

	vexipc_endpoint_remove(req->ep, req);
	atomic_inc(&ask->completions);
	complete_all(&ask->ended);
	vexipc_request_put(req);
}

/* A request that can be submitted, or changed before. */
struct ask *new_ask(struct kunit *test, struct peer *client)
{
	struct ask *ask = kunit_kzalloc(test, sizeof(*ask), GFP_KERNEL);
	struct fixture *f = test->priv;
	struct vexipc_context ctx = {
		.inst = f->inst,
		.uid = GLOBAL_ROOT_UID,
		.priority = VEXIPC_PRIORITY_NORMAL,
	};
	struct vexipc_request *req;

	KUNIT_ASSERT_NOT_NULL(test, ask);
	req = vexipc_request_alloc(&ctx, &client->ep, VEXIPC_MSG_EMBED_REQUEST);
	KUNIT_ASSERT_NOT_NULL(test, req);
	ask->req = req;
	ask->err = -EINPROGRESS;
	init_completion(&ask->ended);
	list_add_tail(&ask->node, &f->asks);
	req->content = "content";
	req->content_len = strlen(req->content);
	req->dimensions = DIMENSIONS;
	req->data_type = VEXIPC_FLOAT32;
	req->complete = count_completion;
	req->private = ask;
	return ask;
}

int submit(struct ask *ask)
{
	ask->err = vexipc_request_submit(ask->req);
	return ask->err;
}

struct ask *submit_new(struct kunit *test, struct peer *client)
{
	struct ask *ask = new_ask(test, client);

	KUNIT_ASSERT_EQ(test, submit(ask), 0);
	return ask;
}

bool ended_soon(struct ask *ask)
{
	return wait_for_completion_timeout(&ask->ended, msecs_to_jiffies(PATIENCE_MS));
}

void expect_ended(struct kunit *test, struct ask *ask, enum vexipc_error error)
{
	KUNIT_ASSERT_TRUE(test, ended_soon(ask));
	KUNIT_EXPECT_EQ(test, atomic_read(&ask->completions), 1);
	KUNIT_EXPECT_EQ(test, ask->req->status, error);
}

void expect_open(struct kunit *test, struct ask *ask, enum vexipc_phase phase)
{
	KUNIT_EXPECT_EQ(test, atomic_read(&ask->completions), 0);
	KUNIT_EXPECT_EQ(test, vexipc_state_phase(atomic_read(&ask->req->state)), phase);
}

/* Takes the next request off a service's queue: its correlation id, or 0. */
u64 send_next(struct peer *service)
{
	struct vexipc_request *req;
	u32 need, attempt;
	u64 id;

	req = vexipc_queue_next(service->svc, VEXIPC_MAX_MESSAGE, &need, &attempt);
	if (IS_ERR_OR_NULL(req))
		return 0;
	id = vexipc_id_with_attempt(req->correlation, attempt);
	vexipc_request_put(req);
	return id;
}

/* The same of what a work item brings there: soon, not at once. */
u64 send_soon(struct kunit *test, struct peer *service)
{
	u64 id = 0;

	for (int ms = 0; !id && ms < PATIENCE_MS; ms++) {
		id = send_next(service);
		if (!id)
			usleep_range(1000, 2000);
	}
	KUNIT_EXPECT_NE(test, id, 0);
	return id;
}

u64 attempt_id(struct ask *ask, u32 attempt)
{
	return vexipc_id_with_attempt(ask->req->correlation, attempt);
}

int answer_with(struct peer *service, u64 id, u32 dimensions)
{
	u32 len = vexipc_vector_bytes(VEXIPC_FLOAT32, dimensions);
	struct vexipc_answer answer = {
		.type = VEXIPC_MSG_EMBED_RESPONSE,
		.count = 1,
		.dimensions = dimensions,
		.data_type = VEXIPC_FLOAT32,
		.mem = kzalloc(len, GFP_KERNEL),
		.len = len,
	};
	int err;

	if (!answer.mem)
		return -ENOMEM;
	answer.data = answer.mem;
	err = vexipc_request_answer(service->svc, id, &answer);
	kvfree(answer.mem);
	return err;
}

int answer(struct peer *service, u64 id)
{
	return answer_with(service, id, DIMENSIONS);
}

int answer_error(struct peer *service, u64 id, enum vexipc_error error, u32 kind)
{
	struct vexipc_answer answer = {
		.error = error,
		.kind = kind,
		.type = VEXIPC_MSG_ERROR,
	};

	return vexipc_request_answer(service->svc, id, &answer);
}

static int racer_thread(void *data)
{
	struct racer *racer = data;

	if (racer->gate)
		wait_for_completion(racer->gate);
	racer->run(racer->data);
	kthread_complete_and_exit(&racer->ended, 0);
}

int racer_start(struct racer *racer)
{
	struct task_struct *task;

	init_completion(&racer->ended);
	task = kthread_run(racer_thread, racer, "vexipc_racer");
	return PTR_ERR_OR_ZERO(task);
}

void racer_join(struct racer *racer)
{
	wait_for_completion(&racer->ended);
}

/* Starts them all at once and waits until each has ended. */
void race(struct kunit *test, struct racer *racers, u32 count)
{
	DECLARE_COMPLETION_ONSTACK(gate);
	u32 started;

	for (started = 0; started < count; started++) {
		int err;

		racers[started].gate = &gate;
		err = racer_start(&racers[started]);
		KUNIT_EXPECT_EQ(test, err, 0);
		if (err)
			break;
	}
	complete_all(&gate);
	for (u32 i = 0; i < started; i++)
		racer_join(&racers[i]);
}
