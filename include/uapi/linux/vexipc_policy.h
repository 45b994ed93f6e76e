/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * vexipc: what a balancing policy in BPF sees
 *
 * A policy is a struct_ops map of type vexipc_balancer_ops. For each request
 * of an instance that names it, the module calls select(), which looks at the
 * services that may have the request and returns the index of one. Everything
 * it sees is a snapshot that it may read and not write, and that is gone when
 * it returns. Structs only ever grow at their end, but for the candidate, whose
 * size is fixed.
 *
 * Functions that programs may call, with <vexipc/bpf/policy.h>:
 *
 *   vexipc_policy_candidates()	  the candidates, an array
 *   vexipc_policy_details()	  more of one candidate
 *   vexipc_policy_model()	  the model asked for
 *   vexipc_policy_content_hash() a hash of what is to be embedded
 */
#ifndef _UAPI_LINUX_VEXIPC_POLICY_H
#define _UAPI_LINUX_VEXIPC_POLICY_H

#include <linux/types.h>
#include <linux/vexipc.h>

#define VEXIPC_POLICY_CANDIDATES	64	/* at most that many */
#define VEXIPC_POLICY_MODEL_LEN		64	/* NUL-padded; unterminated when full */

/* What a candidate is, beyond its figures. */
#define VEXIPC_CANDIDATE_TRIED		(1u << 0)	/* it had this request before */
#define VEXIPC_CANDIDATE_MODEL		(1u << 1)	/* it lists the model asked for */
#define VEXIPC_CANDIDATE_DIMENSIONS	(1u << 2)	/* it lists the dimensions asked for */
#define VEXIPC_CANDIDATE_DATA_TYPE	(1u << 3)	/* the vector's type is its only one */

/*
 * struct vexipc_policy_candidate - a service that may have the request; 56 bytes
 *
 * Figures are the module's own, as they are now.
 */
struct vexipc_policy_candidate {
	__u64 handle;			/* slot and generation */
	__u64 latency_at_ns;		/* when its latency last changed; 0: unknown */
	__u32 slot;			/* index of the telemetry maps */
	__u32 state;			/* enum vexipc_service_state */
	__u32 breaker;			/* enum vexipc_breaker_state */
	__u32 flags;			/* VEXIPC_CANDIDATE_* */
	__u32 priority;			/* tier, higher is preferred */
	__u32 weight;			/* 1-1000 */
	__u32 in_flight;		/* requests it holds */
	__u32 queued;			/* requests that wait for it */
	__u32 credits;			/* how many more it can have at once */
};

/*
 * struct vexipc_policy_details - more of a candidate
 *
 * What is reported, and cpu and memory, are from the service's last heartbeat.
 */
struct vexipc_policy_details {
	__u64 registered_ns;		/* CLOCK_MONOTONIC */
	__u64 fresh_ns;			/* when it came, or came back */
	__u64 heartbeat_ns;		/* the last one, CLOCK_MONOTONIC; 0: none */
	__u64 memory_bytes;		/* reported */
	__u64 requests;			/* attempts sent to it, ever */
	__u64 completed;
	__u64 failures;
	__u32 latency_us;		/* moving average; 0: none yet */
	__u32 latency_peak_us;		/* a spike counts at once, and fades; 0: none yet */
	__u32 error_permille;		/* of its latest requests */
	__u32 cpu_permille;		/* reported; of one CPU */
	__u32 reported_in_flight;
	__u32 reported_queue_depth;
	__u32 announced_latency_us;	/* 0: unknown */
	__u32 max_batch;
	__u32 data_types;		/* mask of 1 << enum vexipc_data_type */
	__u32 dimensions_count;		/* 0: any */
};

/*
 * struct vexipc_policy_request - what is asked
 */
struct vexipc_policy_request {
	__u64 instance;			/* the network namespace's cookie */
	__u64 request_id;
	__u64 session;			/* 0: none */
	__u64 deadline_ns;		/* CLOCK_MONOTONIC */
	__u64 now_ns;			/* CLOCK_MONOTONIC */
	__u32 candidates;		/* how many there are, at least 1 */
	__u32 type;			/* enum vexipc_msg_type */
	__u32 dimensions;		/* 0: whatever the service has */
	__u32 data_type;		/* enum vexipc_data_type */
	__u32 content_type;		/* enum vexipc_content_type */
	__u32 content_len;		/* bytes */
	__u32 items;			/* of a batch, else 1 */
	__u32 priority;			/* 0-255 */
	__u32 attempt;			/* 0 the first time */
	__u32 model_len;		/* 0: none asked for */
};

/*
 * struct vexipc_policy_result - how one attempt ended
 */
struct vexipc_policy_result {
	__u64 instance;
	__u64 handle;			/* of the service that had it */
	__u64 session;
	__u64 service_ns;		/* how long the service had it */
	__u32 slot;
	__u32 error;			/* enum vexipc_error */
	__u32 content_len;
	__u32 items;
};

/**
 * struct vexipc_balancer_ops - a balancing policy, a struct_ops type
 * @select:	 index of the candidate to send the request to; negative leaves
 *		 it to the instance's algorithm. Mandatory. An index that is not
 *		 below req->candidates counts as a fault.
 * @on_complete: an attempt of an instance with this policy ended: it was
 *		 answered, timed out or cancelled. Not those of a service that went
 * @init:	 before the first call; an error, negative, refuses the policy
 * @exit:	 after the last call
 * @name:	 what instances name it by; printable, without spaces
 *
 * None of them may sleep.
 */
struct vexipc_balancer_ops {
	int (*select)(const struct vexipc_policy_request *req);
	void (*on_complete)(const struct vexipc_policy_result *result);
	int (*init)(void);
	void (*exit)(void);
	char name[VEXIPC_POLICY_NAME_LEN];
};

#endif /* _UAPI_LINUX_VEXIPC_POLICY_H */
