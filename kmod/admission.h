/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_ADMISSION_H
#define _VEXIPC_ADMISSION_H

#include <linux/compiler.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/workqueue.h>

#include "bucket.h"

struct vexipc_instance;
struct vexipc_request;
struct vexipc_service;

enum {
	VEXIPC_MAX_USERS	 = 16384,	/* with buckets of their own, an instance */
	VEXIPC_MAX_USER_SESSIONS = 1024,	/* of one user, with buckets of their own */
	VEXIPC_MAX_ALL_SESSIONS	 = 65536,	/* of all */
};

/* Whose rates there are, in the order in which they are asked. */
enum vexipc_scope {
	VEXIPC_SCOPE_SESSION,
	VEXIPC_SCOPE_USER,
	VEXIPC_SCOPE_INSTANCE,
	VEXIPC_SCOPE_MODULE,
	VEXIPC_SCOPE_SERVICE,	/* asked when a service is chosen */
	VEXIPC_SCOPES
};

/* struct vexipc_buckets limits both, how many requests and how much content. */
struct vexipc_buckets {
	struct vexipc_bucket requests, bytes;
};

/**
 * struct vexipc_toll - what one request takes from the buckets of a scope
 * @requests_ns: from that of requests; 0: there is no limit
 * @bytes_ns:	 from that of bytes; 0: there is no limit
 * @burst_ns:	 what each holds
 */
struct vexipc_toll {
	u64 requests_ns, bytes_ns, burst_ns;
};

/* struct vexipc_party_key is a user, or one of a user's sessions. */
struct vexipc_party_key {
	u64 session;
	u32 uid;
	u32 is_session;
};

/**
 * struct vexipc_party - a user or a session that asks
 * @node:	in the instance's table
 * @rcu:	frees it
 * @key:	who
 * @refs:	one of the table, one of each who uses it; falls to 0 only in the
 *		table's sweep
 * @buckets:	its own
 * @spill:	a user's: of all sessions that have none of their own
 * @requests:	a user's: requests that have memory
 * @bytes:	a user's: their content
 * @sessions:	a user's: those in the table
 * @user:	a session's: whose; a reference
 */
struct vexipc_party {
	struct rhash_head node;
	struct rcu_head rcu;
	struct vexipc_party_key key;
	refcount_t refs;
	struct vexipc_buckets buckets;
	struct vexipc_buckets spill;
	atomic_t requests;
	atomic_long_t bytes;
	atomic_t sessions;
	struct vexipc_party *user;
};

/**
 * struct vexipc_admission - how much an instance lets in
 * @on:	      some limit but that of services is set
 * @parties_on: one of users or sessions
 * @services: that of services is
 * @bytes:    content of the instance's requests that have memory
 * @buckets:  the instance's own
 * @parties:  users and sessions; RCU
 * @users:    how many users are in @parties
 * @sessions: how many sessions
 * @strangers: whoever finds the table full, together
 * @sweep:    forgets those who have been idle for long enough
 */
struct vexipc_admission {
	bool on, parties_on, services;
	atomic_long_t bytes;
	struct vexipc_buckets buckets;
	struct rhashtable parties;
	atomic_t users, sessions;
	struct vexipc_party strangers;
	struct delayed_work sweep;
};

/**
 * struct vexipc_charge - what a request has taken while it is being submitted
 * @count:   tolls in @paid
 * @paid:    from which buckets
 * @session: that it came with; a reference
 */
struct vexipc_charge {
	u32 count;
	struct {
		struct vexipc_buckets *buckets;
		struct vexipc_toll toll;
	} paid[VEXIPC_SCOPES];
	struct vexipc_party *session;
};

extern bool vexipc_admission_module_on;

int vexipc_admission_init(struct vexipc_instance *inst);
void vexipc_admission_exit(struct vexipc_instance *inst);
void vexipc_admission_refresh(struct vexipc_instance *inst);

int vexipc_admission_hold(struct vexipc_request *req);
int vexipc_admission_enter(struct vexipc_request *req, struct vexipc_charge *charge);
void vexipc_admission_end(struct vexipc_charge *charge, bool refused);
void vexipc_admission_hold_answer(struct vexipc_request *req);
void vexipc_admission_release(struct vexipc_request *req);
void vexipc_admission_retry_after(struct vexipc_request *req, u64 wait_ns);
void vexipc_admission_refused(struct vexipc_request *req, enum vexipc_scope scope);

void vexipc_admission_toll(struct vexipc_instance *inst, enum vexipc_scope scope,
			   const struct vexipc_request *req, struct vexipc_toll *toll);
u64 vexipc_admission_wait(const struct vexipc_buckets *buckets,
			  const struct vexipc_toll *toll, u64 now_ns);
bool vexipc_admission_serve(struct vexipc_service *svc, const struct vexipc_request *req,
			    struct vexipc_toll *toll);
void vexipc_admission_unserve(struct vexipc_service *svc, const struct vexipc_toll *toll);
u32 vexipc_admission_share(u32 queued, u32 most, u32 percent);

#endif
