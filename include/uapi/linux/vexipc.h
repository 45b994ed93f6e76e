/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * vexipc: embedding requests between the kernel, applications and services
 *
 * An embedding service turns text or bytes into a vector. It registers with
 * the module; clients hand requests to the module; the module picks a service,
 * carries the request there and brings exactly one answer back. There are two
 * ways in, both able to do everything:
 *
 *   /dev/vexipc        ioctl(), read(), write(), poll(). A service that
 *                      registers through a descriptor lives as long as it.
 *   generic netlink    family "vexipc". A service that registers through a
 *                      socket lives as long as it. See "Netlink" below.
 *
 * Messages
 * --------
 * Whatever is not an ioctl is a message: struct vexipc_msg_header, then a body.
 * Every number is little-endian. Unknown header flags are refused. The checksum
 * is CRC32C (initial value and final xor all ones) over header, with the
 * checksum field as zero, and body. On the device a read() returns whole
 * messages, a write() takes whole messages, one or more. On netlink a message
 * is the value of one VEXIPC_A_MESSAGE attribute.
 *
 *   type                     from      answered with
 *   REGISTER            0x1  service   ACK (handle, version, features) or NACK
 *   UNREGISTER          0x2  service   ACK (requests failed over) or NACK
 *   HEARTBEAT           0x3  service   ACK or NACK
 *   DISCOVERY           0x4  anyone    DISCOVERY with VEXIPC_MSGF_RESPONSE set;
 *                            kernel    multicast: services show a sign of life
 *   EMBED_REQUEST     0x100  client    EMBED_RESPONSE or ERROR, exactly one
 *                            kernel    the same, by the service it was sent to
 *   EMBED_RESPONSE    0x101  service   nothing; ACK only if VEXIPC_MSGF_WANT_ACK
 *   BATCH_REQUEST     0x102  client    BATCH_RESPONSE or ERROR, exactly one
 *                            kernel    the same, by the service
 *   BATCH_RESPONSE    0x103  service   as EMBED_RESPONSE
 *   STATUS_QUERY      0x200  anyone    STATUS_RESPONSE or NACK
 *   STATUS_RESPONSE   0x201  kernel
 *   HEALTH_CHECK      0x202  anyone    HEALTH_RESPONSE or ERROR; if it names a
 *                                      service the module asks that service
 *                            kernel    HEALTH_RESPONSE, by the service
 *   HEALTH_RESPONSE   0x203  service, kernel
 *   ERROR             0x300  service   a request failed; see vexipc_error_body
 *                            kernel    the same, to the client
 *   ACK               0x301  kernel    struct vexipc_ack_body
 *   NACK              0x302  kernel    struct vexipc_ack_body, error not 0
 *                            service   refuses a request: as ERROR
 *
 * correlation_id: in a message that starts something it is the sender's to
 * choose and comes back in the answer. In a request from the kernel to a
 * service it is the kernel's; the service returns it untouched. A message that
 * answers nothing this service holds is an orphan: counted and dropped.
 *
 * A message that is malformed is refused with the errno of what is wrong and
 * changes nothing:
 *   ENOMSG           no vexipc message (magic)
 *   EPROTONOSUPPORT  version not supported
 *   EBADRQC          unknown type, or one this side may not send
 *   EMSGSIZE         longer than VEXIPC_MAX_MESSAGE
 *   EOPNOTSUPP       unknown flag
 *   EBADMSG          checksum wrong
 *   EINVAL           length, or a length or number inside the body
 *   EILSEQ           a string that is not UTF-8 or has control characters
 *
 * Device
 * ------
 * ioctls take a struct that may grow: a shorter one is read as if zeros
 * followed, a longer one is refused with E2BIG unless what follows is zero.
 * Zero in a field means its default; in a request's priority it is the lowest,
 * and data types and content types begin at 0. Reserved fields and unknown
 * flags must be zero. read() returns as many whole messages as fit, completions of this
 * descriptor's requests first, then requests for its service; EMSGSIZE, and
 * nothing lost, if the next message does not fit: FIONREAD tells its size.
 *
 * A program that has an io_uring embeds without waiting: see struct
 * vexipc_uring_cmd.
 *
 * Ring
 * ----
 * A service may have its requests put into memory that it maps, and leave its
 * answers there. VEXIPC_IOC_RING_SETUP makes the memory of a descriptor, before
 * a service registers through it with VEXIPC_TRANSPORT_RING. There are one or
 * more queues; each has so many slots, in two mappings:
 *
 *   requests   read-only; a struct vexipc_ring_request for each slot, then the
 *              slots of request_size bytes
 *   answers    read and write; a struct vexipc_ring_answer for each slot, then
 *              the slots of answer_size bytes
 *
 * Descriptor and slot are those with the tag as index. Queue q begins at q times
 * the stride of its mapping, its slots lie slots_offset bytes behind that.
 *
 *   map            0                        requests_size
 *   requests    +- queue 0 -----------------+- queue 1 ------
 *               | descriptor[slots] | slot[slots] | ...
 *   answers     | descriptor[slots] | slot[slots] | ...
 *
 * VEXIPC_IOC_RING_ENTER does all the work: it takes answers back, by their tags, and
 * then hands out requests, by theirs, and waits for one if it is asked to. From
 * when a tag is handed out until it is taken back both its slots are the
 * service's; a tag is handed out again when its answer has been used. Any queue
 * may get any request. A queue is meant for a thread of its own; several may
 * share one.
 *
 * In a slot is a message as everywhere, header and body. Only its checksum
 * guards nothing here, since no byte leaves the machine's memory: requests come
 * with VEXIPC_MSGF_UNSUMMED, and answers may have it. An answer without it is
 * checked. A message that is larger than a slot takes the side buffer: of a
 * request it is side_ptr of the call, one request a call; an answer may lie
 * anywhere, its descriptor says where.
 *
 * The module copies each descriptor and header once, checks the copy, and knows
 * by itself which request a tag stands for. Whoever writes to a slot that is
 * not his spoils his own answers, and nothing else.
 *
 * Everything but requests and answers goes the way of the device: heartbeats
 * and UNREGISTER are written or called, their ACKs read. poll() says EPOLLIN
 * when there is anything to read, or a request that a free slot waits for.
 *
 * Netlink
 * -------
 * Commands and attributes are listed at enum vexipc_cmd. REQUEST and RESPONSE
 * carry messages both ways; the others are for control and also have a form
 * in plain attributes. A message longer than one attribute may hold
 * (VEXIPC_FRAGMENT_MAX) travels in fragments: each carries VEXIPC_A_MESSAGE
 * (a piece), VEXIPC_A_OFFSET and VEXIPC_A_TOTAL. To the kernel they are sent in
 * order; from the kernel only the first is sent and the receiver asks for the
 * rest with FETCH, naming VEXIPC_A_CORRELATION and VEXIPC_A_OFFSET. A FETCH may
 * be refused with EAGAIN, when the socket has no room, and be repeated; one at
 * the very end of an answer, or at the client's choice anywhere, with an OFFSET
 * equal to TOTAL, says that the rest is not wanted and frees what is held.
 * Service sockets should set NETLINK_NO_ENOBUFS and NETLINK_CAP_ACK, and need
 * room for four fragments, some 160 KiB: SO_RCVBUF's default is enough.
 */
#ifndef _UAPI_LINUX_VEXIPC_H
#define _UAPI_LINUX_VEXIPC_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VEXIPC_DEVICE			"/dev/vexipc"
#define VEXIPC_GENL_NAME		"vexipc"
#define VEXIPC_GENL_VERSION		1
#define VEXIPC_MCGRP_DISCOVERY		"discovery"
#define VEXIPC_MCGRP_ALERTS		"alerts"

#define VEXIPC_MAGIC			0x56455849u
#define VEXIPC_PROTOCOL_VERSION		1u

/* Limits. Sizes in bytes. */
#define VEXIPC_MAX_MESSAGE		(16u << 20)
#define VEXIPC_MAX_DIMENSIONS		8192u
#define VEXIPC_MAX_BATCH		1000u
#define VEXIPC_MAX_NAME			64u
#define VEXIPC_MAX_SERVICES		1024u
#define VEXIPC_MAX_SERVICE_DIMENSIONS	32u	/* different dimensions one service lists */
#define VEXIPC_MAX_MODELS_LEN		1024u	/* all model names with their NULs */
#define VEXIPC_MAX_METADATA_LEN		4096u	/* all key=value pairs with their NULs */
#define VEXIPC_MAX_ENDPOINT		256u
#define VEXIPC_MAX_TOKEN		256u
#define VEXIPC_MAX_ERROR_TEXT		256u
#define VEXIPC_MAX_TIMEOUT_MS		3600000u
#define VEXIPC_FRAGMENT_MAX		32000u	/* message bytes in one netlink fragment */

/* Element types of a vector. Int8 and Int16 come with one scale: v = q * scale. */
enum vexipc_data_type {
	VEXIPC_FLOAT32	= 0,
	VEXIPC_FLOAT16	= 1,
	VEXIPC_INT8	= 2,
	VEXIPC_INT16	= 3,
	VEXIPC_BINARY	= 4,	/* bit i is v[i] > 0, least significant bit first */
	VEXIPC_DATA_TYPES
};

enum vexipc_content_type {
	VEXIPC_TEXT	= 0,
	VEXIPC_RAW	= 1,
	VEXIPC_CONTENT_TYPES
};

/*
 * A request's priority is 0-255; a value between these falls in the band below
 * it. There is no default: 0 is for what can wait.
 */
#define VEXIPC_PRIORITY_CRITICAL	255u
#define VEXIPC_PRIORITY_HIGH		192u
#define VEXIPC_PRIORITY_NORMAL		128u
#define VEXIPC_PRIORITY_LOW		0u

enum vexipc_transport_type {
	VEXIPC_TRANSPORT_DEFAULT = 0,
	VEXIPC_TRANSPORT_NETLINK = 1,
	VEXIPC_TRANSPORT_CHARDEV = 2,
	VEXIPC_TRANSPORT_RING	 = 3,	/* a descriptor with VEXIPC_IOC_RING_SETUP */
	VEXIPC_TRANSPORTS
};

enum vexipc_algorithm {
	VEXIPC_ALGORITHM_DEFAULT	= 0,	/* the instance's */
	VEXIPC_ALGORITHM_ROUND_ROBIN	= 1,
	VEXIPC_ALGORITHM_LEAST_CONNECTIONS = 2,	/* fewest in flight and queued */
	VEXIPC_ALGORITHM_LEAST_RESPONSE_TIME = 3,
	VEXIPC_ALGORITHM_LOAD_BASED	= 4,	/* latency, requests in hand, CPU, weight */
	VEXIPC_ALGORITHM_PRIORITY	= 5,	/* a tier when all higher ones are full or out */
	VEXIPC_ALGORITHM_CAPABILITY	= 6,	/* the tightest fit */
	VEXIPC_ALGORITHM_WEIGHTED_ROUND_ROBIN = 7,	/* smooth */
	VEXIPC_ALGORITHM_PEAK_EWMA	= 8,	/* the better of two at random */
	VEXIPC_ALGORITHM_CONSISTENT_HASH = 9,	/* of the session, or the content */
	VEXIPC_ALGORITHMS
};

enum vexipc_service_state {
	VEXIPC_STATE_REGISTERING = 0,	/* until the ACK; no list shows it */
	VEXIPC_STATE_ACTIVE	 = 1,
	VEXIPC_STATE_BUSY	 = 2,	/* every credit is taken */
	VEXIPC_STATE_DEGRADED	 = 3,	/* misses probes, or answers nothing; last choice */
	VEXIPC_STATE_DRAINING	 = 4,	/* finishes what it holds, gets nothing new */
	VEXIPC_STATE_FAILED	 = 5,	/* unhealthy; gets probes only */
	VEXIPC_STATE_GONE	 = 6,
	VEXIPC_STATES
};

enum vexipc_breaker_state {
	VEXIPC_BREAKER_CLOSED	 = 0,
	VEXIPC_BREAKER_OPEN	 = 1,	/* it failed: gets nothing for a while */
	VEXIPC_BREAKER_HALF_OPEN = 2,	/* gets a few, to see */
	VEXIPC_BREAKER_STATES
};

/*
 * What can go wrong. The errno each maps to, and the VexfsError class, are in
 * the comment: <errno> <class>. vexipc has one table for the three.
 */
enum vexipc_error {
	VEXIPC_OK			= 0,
	VEXIPC_ERR_NO_SUCH_SERVICE	= 1,	/* ENOENT NOT_FOUND */
	VEXIPC_ERR_NO_CAPABLE_SERVICE	= 2,	/* ENODEV UNAVAILABLE */
	VEXIPC_ERR_ALL_BREAKERS_OPEN	= 3,	/* EHOSTDOWN UNAVAILABLE */
	VEXIPC_ERR_QUEUE_FULL		= 4,	/* ENOBUFS EXHAUSTED */
	VEXIPC_ERR_RATE_LIMITED		= 5,	/* EDQUOT EXHAUSTED */
	VEXIPC_ERR_DENIED		= 6,	/* EACCES PERMISSION */
	VEXIPC_ERR_TIMED_OUT		= 7,	/* ETIMEDOUT TIMED_OUT */
	VEXIPC_ERR_CANCELLED		= 8,	/* ECANCELED CANCELLED */
	VEXIPC_ERR_SERVICE_DIED		= 9,	/* ECONNRESET UNAVAILABLE */
	VEXIPC_ERR_TRANSPORT		= 10,	/* ECOMM IO */
	VEXIPC_ERR_BAD_ANSWER		= 11,	/* EPROTO PROTOCOL */
	VEXIPC_ERR_TOO_LARGE		= 12,	/* EMSGSIZE TOO_LARGE */
	VEXIPC_ERR_BAD_CHECKSUM		= 13,	/* EBADMSG PROTOCOL */
	VEXIPC_ERR_BAD_VERSION		= 14,	/* EPROTONOSUPPORT PROTOCOL */
	VEXIPC_ERR_SHUTTING_DOWN	= 15,	/* ESHUTDOWN UNAVAILABLE */
	VEXIPC_ERR_SERVICE_FAILED	= 16,	/* EREMOTEIO IO: the service said so */
	VEXIPC_ERR_OVERLOADED		= 17,	/* EBUSY EXHAUSTED: the service said so */
	VEXIPC_ERR_INVALID		= 18,	/* EINVAL INVALID */
	VEXIPC_ERR_UNSUPPORTED		= 19,	/* EOPNOTSUPP UNSUPPORTED */
	VEXIPC_ERR_EXISTS		= 20,	/* EEXIST EXISTS */
	VEXIPC_ERR_NO_MEMORY		= 21,	/* ENOMEM EXHAUSTED */
	VEXIPC_ERR_RESULT_TOO_SMALL	= 22,	/* ENOSPC TOO_LARGE: no room for the vector */
	VEXIPC_ERR_TOO_MANY_REQUESTS	= 23,	/* EUSERS EXHAUSTED: max_concurrent_requests */
	VEXIPC_ERR_TOO_MANY_SERVICES	= 24,	/* ENFILE EXHAUSTED */
	VEXIPC_ERR_NOT_PERMITTED	= 25,	/* EPERM PERMISSION: a capability is missing */
	VEXIPC_ERR_BAD_MAGIC		= 26,	/* ENOMSG PROTOCOL */
	VEXIPC_ERR_BAD_TYPE		= 27,	/* EBADRQC PROTOCOL */
	VEXIPC_ERR_BAD_STRING		= 28,	/* EILSEQ INVALID */
	VEXIPC_ERR_FAULT		= 29,	/* EFAULT INVALID */
	VEXIPC_ERR_OUT_OF_RANGE		= 30,	/* ERANGE INVALID: a configured value */
	VEXIPC_ERR_WOULD_BLOCK		= 31,	/* EAGAIN EXHAUSTED */
	VEXIPC_ERR_INTERRUPTED		= 32,	/* EINTR CANCELLED */
	VEXIPC_ERR_NO_SUCH_REQUEST	= 33,	/* ESRCH NOT_FOUND */
	VEXIPC_ERR_SHED			= 34,	/* EXFULL EXHAUSTED: for more important ones */
	VEXIPC_ERRORS
};

enum vexfs_error {
	VEXFS_OK		= 0,
	VEXFS_ERR_NOT_FOUND	= 1,
	VEXFS_ERR_UNAVAILABLE	= 2,
	VEXFS_ERR_EXHAUSTED	= 3,
	VEXFS_ERR_PERMISSION	= 4,
	VEXFS_ERR_TIMED_OUT	= 5,
	VEXFS_ERR_CANCELLED	= 6,
	VEXFS_ERR_IO		= 7,
	VEXFS_ERR_PROTOCOL	= 8,
	VEXFS_ERR_TOO_LARGE	= 9,
	VEXFS_ERR_INVALID	= 10,
	VEXFS_ERR_UNSUPPORTED	= 11,
	VEXFS_ERR_EXISTS	= 12,
	VEXFS_ERRORS
};

/* ------------------------------------------------------------- messages -- */

enum vexipc_msg_type {
	VEXIPC_MSG_REGISTER		= 0x001,
	VEXIPC_MSG_UNREGISTER		= 0x002,
	VEXIPC_MSG_HEARTBEAT		= 0x003,
	VEXIPC_MSG_DISCOVERY		= 0x004,
	VEXIPC_MSG_EMBED_REQUEST	= 0x100,
	VEXIPC_MSG_EMBED_RESPONSE	= 0x101,
	VEXIPC_MSG_BATCH_REQUEST	= 0x102,
	VEXIPC_MSG_BATCH_RESPONSE	= 0x103,
	VEXIPC_MSG_STATUS_QUERY		= 0x200,
	VEXIPC_MSG_STATUS_RESPONSE	= 0x201,
	VEXIPC_MSG_HEALTH_CHECK		= 0x202,
	VEXIPC_MSG_HEALTH_RESPONSE	= 0x203,
	VEXIPC_MSG_ERROR		= 0x300,
	VEXIPC_MSG_ACK			= 0x301,
	VEXIPC_MSG_NACK			= 0x302,
};

/* Header flags. Any other bit is refused. */
#define VEXIPC_MSGF_RESPONSE		(1u << 0)	/* DISCOVERY: this is the answer */
#define VEXIPC_MSGF_WANT_ACK		(1u << 1)	/* RESPONSE types: tell me if it counted */
#define VEXIPC_MSGF_UNSUMMED		(1u << 2)	/* ring: checksum is 0, not computed */
#define VEXIPC_MSGF_ALL		(VEXIPC_MSGF_RESPONSE | VEXIPC_MSGF_WANT_ACK)

/**
 * struct vexipc_msg_header - what every message opens with; 40 bytes
 * @magic:	    VEXIPC_MAGIC
 * @version:	    VEXIPC_PROTOCOL_VERSION
 * @message_type:   enum vexipc_msg_type
 * @length:	    header and body, bytes; at most VEXIPC_MAX_MESSAGE
 * @correlation_id: pairs an answer with what it answers
 * @timestamp:	    CLOCK_MONOTONIC when sent, ns
 * @flags:	    VEXIPC_MSGF_*
 * @checksum:	    CRC32C over header, with this field 0, and body
 */
struct vexipc_msg_header {
	__le32 magic;
	__le32 version;
	__le32 message_type;
	__le32 length;
	__le64 correlation_id;
	__le64 timestamp;
	__le32 flags;
	__le32 checksum;
};

/* Register flags. */
#define VEXIPC_REGISTER_FLAGS		0u

/* What a peer can do, and what both can: the kernel answers with the meet. */
#define VEXIPC_FEATURE_BATCH		(1ull << 0)	/* takes BATCH_REQUEST */
#define VEXIPC_FEATURE_HEALTH		(1ull << 1)	/* answers HEALTH_CHECK */
#define VEXIPC_FEATURE_FRAGMENTS	(1ull << 2)	/* netlink: fetches long messages */
#define VEXIPC_FEATURES \
	(VEXIPC_FEATURE_BATCH | VEXIPC_FEATURE_HEALTH | VEXIPC_FEATURE_FRAGMENTS)

/*
 * Body of REGISTER. Behind it: dimensions_count __le32, then the strings in the
 * order of their lengths, not terminated; models and metadata are lists of
 * NUL-terminated strings, metadata of "key=value".
 */
struct vexipc_register_body {
	__le32 version_min;		/* 0, 0 means VEXIPC_PROTOCOL_VERSION */
	__le32 version_max;
	__le64 features;
	__le32 flags;
	__le32 transport;		/* enum vexipc_transport_type */
	__le32 max_batch;		/* items; 0 means 1 */
	__le32 data_types;		/* mask of 1 << enum vexipc_data_type; 0: Float32 */
	__le32 priority;		/* tier, 0-255, higher is preferred; 0 means 128 */
	__le32 weight;			/* 1-1000; 0 means 100 */
	__le32 max_concurrent;		/* requests in flight; 0: the instance's */
	__le32 latency_us;		/* typical, for one item; 0: unknown */
	__le32 throughput;		/* items a second; 0: unknown */
	__le32 dimensions_count;	/* 0: any up to VEXIPC_MAX_DIMENSIONS */
	__le32 id_len;			/* 1 to VEXIPC_MAX_NAME */
	__le32 name_len;
	__le32 software_version_len;
	__le32 endpoint_len;
	__le32 models_len;
	__le32 metadata_len;
	__le32 token_len;
	__le32 reserved;
};

#define VEXIPC_UNREGISTER_DRAIN		(1u << 0)	/* let it finish what it holds first */

/* A service that drains goes by itself when it holds nothing any more. */
struct vexipc_unregister_body {
	__le64 handle;			/* 0: the service of this peer */
	__le32 flags;
	__le32 reserved;
};

struct vexipc_heartbeat_body {
	__le64 handle;			/* 0: the service of this peer */
	__le64 memory_bytes;		/* resident */
	__le32 cpu_permille;		/* of one CPU; 4000 is four CPUs busy */
	__le32 in_flight;		/* requests the service is working on */
	__le32 queue_depth;		/* requests the service has read but not begun */
	__le32 reserved;
};

/*
 * Filters; 0 or empty matches all. Behind it the model. The answer has the same
 * body and then `count` struct vexipc_service_entry; `total` matched.
 */
struct vexipc_discovery_body {
	__le32 dimensions;
	__le32 data_types;		/* all of these */
	__le32 states;			/* mask of 1 << enum vexipc_service_state */
	__le32 model_len;
	__le32 count;			/* answer only */
	__le32 total;			/* answer only */
};

/*
 * Body of EMBED_REQUEST. Behind it: model, service, content. The kernel sends
 * it to services with service_len 0 and deadline_ns set.
 */
struct vexipc_embed_request_body {
	__le64 request_id;		/* client's, new on this peer, < 2^63; 0: choose */
	__le64 session;			/* 0: none */
	__le64 deadline_ns;		/* CLOCK_MONOTONIC; from clients 0, see timeout_ms */
	__le32 timeout_ms;		/* 0: request_timeout_ms */
	__le32 dimensions;		/* 0: whatever the service has */
	__le32 data_type;		/* enum vexipc_data_type, of the vector wanted */
	__le32 content_type;		/* enum vexipc_content_type */
	__le32 priority;
	__le32 algorithm;
	__le32 flags;			/* VEXIPC_EMBED_* */
	__le32 model_len;
	__le32 service_len;		/* pin: only this service id */
	__le32 content_len;		/* at least 1 */
};

/* Body of EMBED_RESPONSE; behind it the vector. Services fill the lower half. */
struct vexipc_embed_response_body {
	__le64 request_id;
	__le64 service_handle;
	__le64 queue_ns;		/* from submission to sending, last attempt */
	__le64 service_ns;		/* from sending to answer, last attempt */
	__le32 attempts;
	__le32 result_flags;		/* VEXIPC_RESULT_*; from services 0 */
	__le32 dimensions;
	__le32 data_type;
	__le32 scale;			/* Int8, Int16: bits of an IEEE 754 float; else 0 */
	__le32 vector_bytes;
};

/*
 * Body of BATCH_REQUEST: like an embed request whose content is `count` items,
 * each a struct vexipc_batch_item and its bytes. content_len covers them all.
 * It goes to one service, whose max_batch is at least `count`. The kernel also
 * puts requests into one that were not asked together, see dynamic_batching.
 */
struct vexipc_batch_request_body {
	struct vexipc_embed_request_body common;
	__le32 count;			/* 1 to VEXIPC_MAX_BATCH */
	__le32 reserved;
};

struct vexipc_batch_item {
	__le32 length;
	__le32 reserved;
};

/* Body of BATCH_RESPONSE; behind it `count` results, in the order of the items. */
struct vexipc_batch_response_body {
	__le64 request_id;
	__le64 service_handle;
	__le64 queue_ns;
	__le64 service_ns;
	__le32 attempts;
	__le32 count;
};

/* Behind it, if error is 0, the vector. */
struct vexipc_batch_result {
	__le32 error;			/* enum vexipc_error */
	__le32 dimensions;
	__le32 data_type;
	__le32 scale;
	__le32 vector_bytes;
	__le32 kind;			/* of the error: VEXIPC_ERROR_* */
};

struct vexipc_status_query_body {
	__le64 handle;			/* 0: by id */
	__le32 id_len;
	__le32 reserved;
	/* then the id */
};

/* Behind the body of a HEALTH_CHECK: the service id, if any. */
struct vexipc_health_check_body {
	__le64 deadline_ns;		/* from the kernel */
	__le32 timeout_ms;		/* from clients; 0: 5000 */
	__le32 id_len;			/* 0: the module itself answers */
};

struct vexipc_health_response_body {
	__le64 handle;			/* 0: the module */
	__le64 round_trip_ns;		/* filled by the kernel */
	__le32 health;			/* 0-100 */
	__le32 in_flight;
	__le32 queue_depth;
	__le32 services;		/* the module: how many there are; a service: 1 */
};

/* ERROR: why, and what can be done. Behind it the text, UTF-8. */
#define VEXIPC_ERROR_RETRY		(1u << 0)	/* the same request may succeed elsewhere */
#define VEXIPC_ERROR_OVERLOAD		(1u << 1)	/* the service is well, only busy */
#define VEXIPC_ERROR_KINDS		(VEXIPC_ERROR_RETRY | VEXIPC_ERROR_OVERLOAD)

struct vexipc_error_body {
	__le64 request_id;		/* to clients */
	__le64 service_handle;
	__le32 error;			/* enum vexipc_error */
	__le32 kind;			/* VEXIPC_ERROR_* */
	__le32 retry_after_ms;		/* 0: unknown */
	__le32 attempts;		/* to clients */
	__le32 text_len;
	__le32 reserved;
};

/* ACK and NACK of message `type`; behind it a text in a NACK. */
struct vexipc_ack_body {
	__le32 type;
	__le32 error;			/* enum vexipc_error; 0 in an ACK */
	__le64 handle;			/* REGISTER, HEARTBEAT */
	__le64 features;		/* REGISTER: what both have */
	__le32 version;			/* REGISTER: chosen */
	__le32 heartbeat_ms;		/* REGISTER: send one so often */
	__le32 failed_over;		/* UNREGISTER */
	__le32 text_len;
};

/* --------------------------------------------------------------- ioctls -- */

/*
 * struct vexipc_register - VEXFS_IOCTL_IPC_REGISTER_SERVICE
 *
 * Register a service that lives as long as this descriptor; one a descriptor.
 * Field by field as struct vexipc_register_body. Lengths in bytes without a
 * terminating NUL.
 *
 * Errors: EPERM neither CAP_NET_ADMIN over the network namespace nor a token;
 * EACCES the token is unknown, over, or not good for this; EEXIST the id is
 * taken, or the descriptor has a service; EPROTONOSUPPORT no common version;
 * ENFILE too many services; EINVAL, ERANGE, EILSEQ a field; EOPNOTSUPP an
 * unknown flag, or a transport this entry cannot carry; ESHUTDOWN.
 */
struct vexipc_register {
	__aligned_u64 service_id_ptr;
	__aligned_u64 service_name_ptr;
	__aligned_u64 service_version_ptr;
	__aligned_u64 dimensions_ptr;		/* __u32 each */
	__aligned_u64 models_ptr;
	__aligned_u64 endpoint_ptr;
	__aligned_u64 metadata_ptr;
	__aligned_u64 token_ptr;
	__u32 service_id_len;
	__u32 service_name_len;
	__u32 service_version_len;
	__u32 dimensions_count;
	__u32 models_len;
	__u32 endpoint_len;
	__u32 metadata_len;
	__u32 token_len;
	__u32 max_batch_size;
	__u32 data_types;
	__u32 priority;
	__u32 weight;
	__u32 max_concurrent;
	__u32 latency_us;
	__u32 throughput;
	__u32 transport;
	__u32 flags;
	__u32 version_min;
	__u32 version_max;
	__u32 version;				/* out */
	__aligned_u64 features;			/* in: 0: as max_batch_size says; out: of both */
	__aligned_u64 handle;			/* out */
	__aligned_u64 time_ns;			/* out: CLOCK_MONOTONIC */
	__u32 heartbeat_ms;			/* out: send one so often */
	__u32 reserved;
};

/* VEXIPC_IOC_RING_SETUP flags. */
#define VEXIPC_RING_SETUP_EVENTFD	(1u << 0)	/* event_fd is signalled */
#define VEXIPC_RING_SETUP_FLAGS		VEXIPC_RING_SETUP_EVENTFD

#define VEXIPC_RING_MAX_QUEUES	64u
#define VEXIPC_RING_MAX_SLOTS	1024u		/* of one queue */
#define VEXIPC_RING_MIN_SLOT	256u		/* bytes; any head of a message fits */
#define VEXIPC_RING_REQUESTS	0ull		/* offsets for mmap() */
#define VEXIPC_RING_ANSWERS	0x40000000ull

/*
 * struct vexipc_ring_setup - make the ring of a descriptor
 *
 * Once, before a service registers. The slots of each direction may take as
 * much memory as buffer_size says; it is charged to the caller. Map
 * requests_size bytes at VEXIPC_RING_REQUESTS, shared and for reading only, and
 * answers_size bytes at VEXIPC_RING_ANSWERS. A child does not inherit the
 * mappings. A service whose descriptors are all closed is gone, whoever still
 * has it mapped.
 *
 * The eventfd is signalled when a request comes that no call waits for, and
 * when the service is gone.
 *
 * Errors: EEXIST it has one; EBUSY it has a service; EINVAL more queues or slots
 * than the maxima, slots smaller than VEXIPC_RING_MIN_SLOT or no multiple of
 * 64, reserved; ENOSPC more than buffer_size allows; EBADF, EINVAL event_fd;
 * EOPNOTSUPP an unknown flag; ENOMEM; EFAULT.
 */
struct vexipc_ring_setup {
	__u32 flags;				/* VEXIPC_RING_SETUP_* */
	__s32 event_fd;				/* else 0 */
	__u32 queues;				/* in, out; 0: 1 */
	__u32 slots;				/* in, out: of a queue; 0: what fits, up to 128 */
	__u32 request_size;			/* in, out: bytes of a slot; 0: 2048 */
	__u32 answer_size;			/* in, out; 0: 2176, for 512 floats */
	__u32 requests_stride;			/* out: from queue to queue */
	__u32 answers_stride;			/* out */
	__u32 requests_offset;			/* out: of the slots in a queue */
	__u32 answers_offset;			/* out */
	__aligned_u64 requests_size;		/* out: bytes to map */
	__aligned_u64 answers_size;		/* out */
	__aligned_u64 reserved;
};

#define VEXIPC_RING_SIDE	(1u << 0)	/* the message lies in the side buffer */

/* What lies in a request's slot. */
struct vexipc_ring_request {
	__u32 length;				/* of the message */
	__u32 flags;				/* VEXIPC_RING_SIDE */
	__aligned_u64 reserved;
};

/*
 * What lies in an answer's slot, or at side_ptr if that is not 0. Without a
 * message, length 0, the request fails with status, for which kind says what may
 * be done; with one, both are 0.
 */
struct vexipc_ring_answer {
	__u32 length;				/* of the message */
	__u32 status;				/* enum vexipc_error */
	__u32 kind;				/* VEXIPC_ERROR_* */
	__u32 reserved;
	__aligned_u64 side_ptr;
};

/* VEXIPC_IOC_RING_ENTER flags. */
#define VEXIPC_RING_WAIT	(1u << 0)	/* for a request, if there is none */
#define VEXIPC_RING_STOP	(1u << 1)	/* who waits, or would, gets ECANCELED; no more */
#define VEXIPC_RING_GO		(1u << 2)	/* takes STOP back */
#define VEXIPC_RING_FLAGS	(VEXIPC_RING_WAIT | VEXIPC_RING_STOP | VEXIPC_RING_GO)

#define VEXIPC_RING_BATCH	16u		/* tags in a call, each way */

/*
 * struct vexipc_ring_enter - take answers, hand out requests
 *
 * First `commits` answers are taken, in order. The first that is refused ends
 * the call, with the errno of what is wrong with it: `committed` says how many
 * were taken before it. It is still the caller's, who may correct it. Then up to
 * `fetch` requests are handed out, `fetched` says how many.
 *
 * Once an answer has been taken the call succeeds: that nothing was fetched
 * after that, for whatever reason, the next call will tell. So there is nothing
 * to be repeated but what is left.
 *
 * With VEXIPC_RING_WAIT it waits for the first request, timeout_ns at most if
 * that is not 0. An answer that nobody waits for any more is taken and dropped,
 * and counted as an orphan.
 *
 * Errors: EBADFD no ring; ECHRNG no such queue; EOPNOTSUPP unknown flags; EINVAL
 * more than VEXIPC_RING_BATCH, nothing asked for, reserved.
 * Of an answer: ERANGE no such tag; ESRCH the tag is not handed out; EMSGSIZE
 * its length is more than a slot, or than VEXIPC_MAX_MESSAGE in a side buffer;
 * EINVAL a length or number, reserved; ESTALE its correlation id is another
 * request's; EFAULT side_ptr; EBADRQC a message that answers nothing; ENOMSG,
 * EPROTONOSUPPORT, EOPNOTSUPP, EBADMSG, EILSEQ as for any message; ENOMEM.
 * Of fetching: ENOTCONN no service, or it is gone; ENOSPC each slot of the queue
 * holds a request that has not been answered; EMSGSIZE the next request takes a
 * side buffer of `need` bytes; EFAULT the side buffer; EAGAIN there is none;
 * ETIMEDOUT there was none in time; EINTR; ECANCELED see VEXIPC_RING_STOP.
 */
struct vexipc_ring_enter {
	__u32 queue;
	__u32 flags;				/* VEXIPC_RING_* */
	__u32 commits;				/* how many in commit[] */
	__u32 fetch;				/* at most; 0: none */
	__aligned_u64 side_ptr;			/* for a request that is larger than a slot */
	__aligned_u64 timeout_ns;		/* 0: none */
	__u32 side_size;
	__u32 reserved;
	__u16 commit[VEXIPC_RING_BATCH];	/* tags */
	__u32 need;				/* out: side_size it takes */
	__u16 committed;			/* out */
	__u16 fetched;				/* out */
	__u16 tag[VEXIPC_RING_BATCH];		/* out: of what was fetched */
};

/* ENOENT no such service; EPERM not this descriptor's and no CAP_NET_ADMIN. */
struct vexipc_unregister {
	__aligned_u64 service_id_ptr;
	__u32 service_id_len;
	__u32 flags;				/* VEXIPC_UNREGISTER_* */
	__u32 failed_over;			/* out: requests moved elsewhere */
	__u32 reserved;
};

/* Embed flags. */
#define VEXIPC_EMBED_NO_CACHE	(1u << 0)	/* ask a service, whatever is kept or asked */
#define VEXIPC_EMBED_FLAGS	VEXIPC_EMBED_NO_CACHE

/* Where an answer is from; otherwise a service gave it to this very request. */
#define VEXIPC_RESULT_CACHED	(1u << 0)	/* it was kept; service_handle gave it once */
#define VEXIPC_RESULT_COALESCED	(1u << 1)	/* it is that of an equal request */
#define VEXIPC_RESULT_HEDGED	(1u << 2)	/* a second service gave it: the first was late */

/*
 * struct vexipc_embed - VEXFS_IOCTL_IPC_SEND_EMBEDDING_REQUEST
 *
 * With result_ptr the call blocks until the request has its one completion and
 * fills the out fields and the vector. Without it the request is submitted,
 * request_id tells which, and its completion is read() as an EMBED_RESPONSE or
 * ERROR message. Out fields are written on failure as well, when the request
 * was accepted or refused by the module rather than malformed. What the service
 * said of a failure is written to error_text_ptr, as much as there is room for.
 *
 * When the queues are full, a call with result_ptr waits for room; one without is
 * told EAGAIN as they fill up, and poll() tells when there is room.
 *
 * Errors: those of enum vexipc_error: EPERM critical priority without the right
 * to it, EACCES an access rule forbids it; EEXIST request_id is in use on this
 * descriptor; EINTR a signal came, the request was cancelled; ENOSPC the vector
 * needs vector_bytes, more than result_size.
 */
struct vexipc_embed {
	__aligned_u64 request_id;		/* in: < 2^63, 0: choose; out: 0 it to reuse this */
	__aligned_u64 data_ptr;
	__aligned_u64 model_ptr;
	__aligned_u64 service_ptr;
	__aligned_u64 result_ptr;
	__aligned_u64 session;
	__u32 data_size;
	__u32 model_len;
	__u32 service_len;
	__u32 result_size;
	__u32 dimensions;			/* in, out */
	__u32 data_type;
	__u32 content_type;
	__u32 priority;
	__u32 timeout_ms;
	__u32 algorithm;
	__u32 flags;
	__u32 status;				/* out: enum vexipc_error */
	__u32 vector_bytes;			/* out */
	__u32 scale;				/* out: float bits */
	__u32 attempts;				/* out */
	__u32 retry_after_ms;			/* out */
	__aligned_u64 service_handle;		/* out */
	__aligned_u64 queue_ns;			/* out */
	__aligned_u64 service_ns;		/* out */
	__aligned_u64 error_text_ptr;		/* 0: not wanted */
	__u32 error_text_size;			/* in: room; out: bytes of the whole text */
	__u32 error_kind;			/* out: VEXIPC_ERROR_* */
	__u32 result_flags;			/* out: VEXIPC_RESULT_* */
	__u32 reserved;
};

/* struct vexipc_embed_item is one item of a batch; its own answer is in it. */
struct vexipc_embed_item {
	__aligned_u64 data_ptr;
	__aligned_u64 result_ptr;
	__u32 data_size;
	__u32 result_size;
	__u32 status;				/* out: enum vexipc_error */
	__u32 dimensions;			/* out */
	__u32 vector_bytes;			/* out */
	__u32 scale;				/* out: float bits */
	__u32 attempts;				/* out */
	__u32 retry_after_ms;			/* out */
	__aligned_u64 request_id;		/* out */
	__aligned_u64 service_handle;		/* out */
	__aligned_u64 queue_ns;			/* out */
	__aligned_u64 service_ns;		/* out */
};

/*
 * struct vexipc_embed_batch - embed many items in one call
 *
 * The call blocks until each item has its one answer. Each is a request of its
 * own, with an id of the kernel's: refused, failed, retried and timed out by
 * itself, as if it had been asked alone. Those that wait for the same service
 * travel in one message, as many as it takes (max_batch, batch_max_bytes).
 * Items are item_size apart; the kernel writes the smaller of both sizes. What
 * finds no room waits until another item of the batch has been answered.
 *
 * Returns 0 when each item has its status. Errors: EINVAL count, or what all
 * items share; EMSGSIZE more than VEXIPC_MAX_MESSAGE bytes in all, not counting
 * items that are too large by themselves; EINTR a signal came: what had not
 * been answered was cancelled, the items tell which; EFAULT, ENOMEM.
 */
struct vexipc_embed_batch {
	__aligned_u64 items_ptr;
	__aligned_u64 model_ptr;
	__aligned_u64 service_ptr;
	__aligned_u64 session;
	__u32 count;				/* 1 to VEXIPC_MAX_BATCH */
	__u32 item_size;			/* sizeof(struct vexipc_embed_item) */
	__u32 model_len;
	__u32 service_len;
	__u32 dimensions;
	__u32 data_type;
	__u32 content_type;
	__u32 priority;
	__u32 timeout_ms;			/* for all; 0: request_timeout_ms */
	__u32 algorithm;
	__u32 flags;
	__u32 failed;				/* out: items whose status is not 0 */
};

/*
 * struct vexipc_outcome - what came of a request that was submitted
 *
 * The vector, or of a failure what the service said, goes to result_ptr. When it is
 * longer than result_size, a text is cut off, and a vector left to be taken with more
 * room.
 */
struct vexipc_outcome {
	__aligned_u64 result_ptr;
	__u32 result_size;
	__u32 status;				/* out: enum vexipc_error */
	__aligned_u64 request_id;		/* out */
	__aligned_u64 service_handle;		/* out */
	__aligned_u64 queue_ns;			/* out */
	__aligned_u64 service_ns;		/* out */
	__u32 result_bytes;			/* out: of the vector, or the whole text */
	__u32 dimensions;			/* out */
	__u32 scale;				/* out: float bits */
	__u32 attempts;				/* out */
	__u32 retry_after_ms;			/* out */
	__u32 error_kind;			/* out: VEXIPC_ERROR_* */
	__u32 result_flags;			/* out: VEXIPC_RESULT_* */
	__u32 reserved;
};

#define VEXIPC_MAX_SUBMIT	4096u

/*
 * struct vexipc_submit - submit many requests, and take many completions
 *
 * First the embeds, each without result_ptr, are submitted in order: each one's out
 * fields are written, of those request_id tells its completion. The first that is not
 * accepted ends that, submitted says how many were before it, and its status why it was
 * not. Then up to reap completions of the descriptor's are taken, oldest first, whatever
 * call they were submitted by. Until `wait` of them are there the call waits, but not
 * when nothing is under way any more, nor, when timeout_ns is not 0, longer than that.
 *
 * Once anything was submitted or taken the call succeeds; what ended it the next one
 * tells. Errors: EINVAL more than VEXIPC_MAX_SUBMIT, wait above reap, a size that is too
 * small, result_ptr in an embed, nothing to do; EFAULT; EMSGSIZE the next vector needs
 * result_bytes; ETIMEDOUT; EINTR; those of struct vexipc_embed.
 */
struct vexipc_submit {
	__aligned_u64 embeds_ptr;		/* struct vexipc_embed, embed_size apart */
	__aligned_u64 outcomes_ptr;		/* struct vexipc_outcome, likewise */
	__aligned_u64 timeout_ns;
	__u32 embed_size;
	__u32 outcome_size;
	__u32 count;				/* of embeds */
	__u32 reap;
	__u32 wait;
	__u32 submitted;			/* out */
	__u32 reaped;				/* out */
	__u32 reserved;
};

/*
 * struct vexipc_service_entry - one service, as lists and status show it
 *
 * Also travels in DISCOVERY and STATUS_RESPONSE messages, little-endian.
 * Times of requests are of the answers since registration, in us.
 * Availability is the share of the time since registration, within the last
 * minute, hour and day, in which the service could be chosen, in 1/10000.
 */
struct vexipc_service_entry {
	__aligned_u64 handle;
	__aligned_u64 features;
	__aligned_u64 memory_bytes;		/* as the service reported */
	__aligned_u64 requests;			/* attempts sent to it */
	__aligned_u64 completed;
	__aligned_u64 failures;
	__aligned_u64 bytes_in;			/* content sent to it */
	__aligned_u64 bytes_out;		/* vectors it answered with */
	__aligned_u64 registered_ns;		/* CLOCK_MONOTONIC */
	__aligned_u64 last_heartbeat_ns;	/* CLOCK_MONOTONIC; 0: none yet */
	__u32 slot;				/* in the telemetry maps */
	__u32 state;				/* enum vexipc_service_state */
	__u32 health;				/* 0-100 */
	__u32 load;				/* in flight and queued, 1/1000 of its limit */
	__u32 in_flight;
	__u32 queued;
	__u32 max_concurrent;
	__u32 max_batch;
	__u32 data_types;
	__u32 priority;
	__u32 weight;
	__u32 transport;
	__u32 latency_us;			/* as announced */
	__u32 throughput;			/* as announced */
	__u32 cpu_permille;			/* as the service reported */
	__u32 reported_in_flight;
	__u32 reported_queue_depth;
	__u32 average_us;			/* exponentially weighted */
	__u32 p50_us;
	__u32 p90_us;
	__u32 p99_us;
	__u32 p999_us;
	__u32 available_minute;
	__u32 available_hour;
	__u32 available_day;
	__u32 uid;				/* as the caller's user namespace sees it */
	__u32 pid;				/* as the caller's pid namespace sees it */
	__u32 version;				/* protocol */
	__u32 dimensions_count;
	__u32 dimensions[VEXIPC_MAX_SERVICE_DIMENSIONS];
	__u32 breaker;				/* enum vexipc_breaker_state */
	char id[VEXIPC_MAX_NAME];		/* NUL-padded; unterminated when full */
	char name[VEXIPC_MAX_NAME];
	char software_version[VEXIPC_MAX_NAME];
	/* What its breaker goes by; breaker_own has 1 << n for each, in order, that is its own. */
	__u32 breaker_own;
	__u32 breaker_failures;
	__u32 breaker_error_percent;
	__u32 breaker_min_volume;
	__u32 breaker_ejection_ms;
	__u32 breaker_max_ejection_ms;
	__aligned_u64 queue_ns;			/* estimated work that waits for it */
	__u32 limit;				/* max_concurrent, or adaptively less */
	__u32 reserved;
};

/*
 * struct vexipc_status - VEXFS_IOCTL_IPC_GET_SERVICE_STATUS
 *
 * By id, or by handle when service_id_len is 0. text_ptr may name a buffer for
 * what entries leave out: endpoint, models, metadata as NUL-terminated
 * "endpoint=...", "model=...", "key=value" strings; text_size comes back as the
 * size of them all, and what does not fit whole is not written.
 */
struct vexipc_status {
	__aligned_u64 service_id_ptr;
	__aligned_u64 handle;			/* in, out */
	__aligned_u64 text_ptr;
	__u32 service_id_len;
	__u32 text_size;			/* in: room, out: size */
	struct vexipc_service_entry entry;	/* out */
};

/* Entries are entry_size apart; the kernel writes the smaller of both sizes. */
struct vexipc_list {
	__aligned_u64 buffer_ptr;		/* struct vexipc_service_entry each */
	__aligned_u64 model_ptr;
	__u32 buffer_size;
	__u32 entry_size;			/* in: sizeof(struct vexipc_service_entry) */
	__u32 dimensions;			/* filters: 0 matches all */
	__u32 data_types;
	__u32 states;				/* mask of 1 << state */
	__u32 model_len;
	__u32 count;				/* out: entries written */
	__u32 total;				/* out: services that match */
	__u32 bytes;				/* out: of the buffer used */
	__u32 reserved;
};

/*
 * struct vexipc_stats - VEXFS_IOCTL_IPC_GET_STATS: the instance, or one service
 *
 * At rest, exactly: submitted = completed + failed + timed_out + cancelled +
 * refused + queued + in_flight.
 */
struct vexipc_stats {
	__aligned_u64 service_id_ptr;		/* in */
	__u32 service_id_len;			/* in: 0 for the instance */
	__u32 reserved;
	__aligned_u64 submitted;
	__aligned_u64 completed;
	__aligned_u64 failed;
	__aligned_u64 timed_out;
	__aligned_u64 cancelled;
	__aligned_u64 refused;
	__aligned_u64 queued;			/* now */
	__aligned_u64 in_flight;		/* now */
	__aligned_u64 orphans;			/* answers nobody waited for */
	__aligned_u64 bad_answers;
	__aligned_u64 bad_messages;		/* malformed, refused */
	__aligned_u64 retries;
	__aligned_u64 failovers;
	__aligned_u64 expired;			/* dropped at dequeue */
	__aligned_u64 probes;
	__aligned_u64 probe_failures;
	__aligned_u64 heartbeats;
	__aligned_u64 alerts;
	__aligned_u64 send_retries;		/* no room in a service's socket */
	__aligned_u64 bytes_in;			/* content taken from clients */
	__aligned_u64 bytes_out;		/* vectors handed to clients */
	__aligned_u64 batches;
	__aligned_u64 batch_items;
	__aligned_u64 queued_max;		/* most ever queued at once */
	__aligned_u64 max_queue_size;		/* limits in force */
	__aligned_u64 max_concurrent_requests;
	__aligned_u64 services;			/* now */
	__aligned_u64 clients;			/* descriptors and sockets, now */
	__aligned_u64 registered;		/* services, ever */
	__aligned_u64 unregistered;
	__aligned_u64 services_died;		/* went without unregistering */
	__aligned_u64 refused_by[64];		/* by enum vexipc_error */
	__aligned_u64 failed_by[64];		/* by enum vexipc_error */
	__aligned_u64 queued_low;		/* now, by the band they have risen to */
	__aligned_u64 queued_normal;
	__aligned_u64 queued_high;
	__aligned_u64 queued_critical;
	__aligned_u64 overflow;			/* of them, in the overflow queue */
	__aligned_u64 overflowed;		/* ever */
	__aligned_u64 queue_ns;			/* a service: estimated work that waits */
	__aligned_u64 carriers;			/* messages of several requests */
	__aligned_u64 carried;			/* requests in them */
	__aligned_u64 limited_session;		/* refused by whose rate limit */
	__aligned_u64 limited_user;
	__aligned_u64 limited_instance;
	__aligned_u64 limited_module;
	__aligned_u64 limited_service;		/* of every service that could */
	__aligned_u64 held_bytes;		/* content of requests, unread answers, now */
	__aligned_u64 denied_privilege;		/* for want of CAP_NET_ADMIN */
	__aligned_u64 denied_token;		/* for a token that is not good for it */
	__aligned_u64 denied_rule;		/* by an access rule */
	__aligned_u64 denied_priority;		/* critical, without the right to it */
	__aligned_u64 cache_hits;		/* completed with a kept answer */
	__aligned_u64 cache_misses;
	__aligned_u64 cache_insertions;
	__aligned_u64 cache_evictions;		/* for room, or the machine's need of memory */
	__aligned_u64 cache_expirations;	/* too old, or replaced */
	__aligned_u64 cache_invalidations;	/* flushed */
	__aligned_u64 cache_entries;		/* now */
	__aligned_u64 cache_bytes;		/* now */
	__aligned_u64 coalesced;		/* waited for an equal request's answer */
	__aligned_u64 hedges;			/* late ones asked of a second service, too */
	__aligned_u64 hedges_won;		/* it was first; a service: hedges it got, it won */
};

/* ESRCH there is no such request under way. Its completion says CANCELLED. */
struct vexipc_cancel {
	__aligned_u64 request_id;		/* of this descriptor */
	__u32 flags;
	__u32 reserved;
};

/*
 * struct vexipc_uring_cmd - a call as a command of io_uring
 *
 * In the cmd field of an IORING_OP_URING_CMD on the device, whose cmd_op is
 * VEXIPC_IOC_EMBED or VEXIPC_IOC_CANCEL and arg_ptr what the ioctl would have got. The
 * struct must stay until the completion; its out fields are written before that, res
 * is what the ioctl would have failed with, or 0.
 *
 * An EMBED never waits for room: EAGAIN, and poll() tells when there is some. When the
 * ring is closed, or who submitted it executes another program, its request is
 * cancelled. A CANCEL names a request by the id that the client chose for it.
 *
 * Errors of its own: ENOTTY another cmd_op; EINVAL reserved, uring_cmd_flags, or an EMBED
 * without result_ptr.
 */
struct vexipc_uring_cmd {
	__aligned_u64 arg_ptr;
	__aligned_u64 reserved;
};

/* Configuration: every field is a number. */
enum vexipc_config_field {
	VEXIPC_CONFIG_UNSPEC			= 0,
	VEXIPC_CONFIG_MAX_CONCURRENT_REQUESTS	= 1,	/* of the instance */
	VEXIPC_CONFIG_MAX_CONCURRENT_PER_SERVICE = 2,
	VEXIPC_CONFIG_REQUEST_TIMEOUT_MS	= 3,
	VEXIPC_CONFIG_MAX_QUEUE_SIZE		= 4,
	VEXIPC_CONFIG_DISCOVERY_INTERVAL_SEC	= 5,
	VEXIPC_CONFIG_HEALTH_CHECK_INTERVAL_SEC	= 6,
	VEXIPC_CONFIG_MAX_RETRY_ATTEMPTS	= 7,
	VEXIPC_CONFIG_RETRY_BACKOFF_BASE_MS	= 8,
	VEXIPC_CONFIG_ENABLE_AUTHENTICATION	= 9,
	VEXIPC_CONFIG_ENABLE_ENCRYPTION		= 10,
	VEXIPC_CONFIG_ENABLE_COMPRESSION	= 11,
	VEXIPC_CONFIG_TRANSPORT_TYPE		= 12,
	VEXIPC_CONFIG_BUFFER_SIZE		= 13,	/* bytes a service */
	VEXIPC_CONFIG_CONNECTION_TIMEOUT_MS	= 14,
	VEXIPC_CONFIG_MAX_RETRIES		= 15,
	VEXIPC_CONFIG_ALGORITHM			= 16,
	VEXIPC_CONFIG_PROBE_TIMEOUT_MS		= 17,
	VEXIPC_CONFIG_UNHEALTHY_AFTER		= 18,	/* probes failed in a row */
	VEXIPC_CONFIG_HEALTHY_AFTER		= 19,	/* probes answered in a row */
	VEXIPC_CONFIG_SLOW_START_SEC		= 20,	/* until a newcomer has its share */
	VEXIPC_CONFIG_STICKY_TIMEOUT_SEC	= 21,	/* 0: sessions are not kept together */
	VEXIPC_CONFIG_BREAKER_FAILURES		= 22,	/* in a row; 0: does not count */
	VEXIPC_CONFIG_BREAKER_ERROR_PERCENT	= 23,	/* of the last 10 s; 0: does not count */
	VEXIPC_CONFIG_BREAKER_MIN_VOLUME	= 24,	/* attempts for a percentage */
	VEXIPC_CONFIG_BREAKER_EJECTION_MS	= 25,	/* the first time; doubles */
	VEXIPC_CONFIG_BREAKER_MAX_EJECTION_MS	= 26,
	VEXIPC_CONFIG_BREAKER_PANIC_PERCENT	= 27,	/* fewer left: breakers do not count */
	VEXIPC_CONFIG_RETRY_BUDGET_PERCENT	= 28,	/* of requests under way; at least 3 */
	VEXIPC_CONFIG_STALL_TIMEOUT_MS		= 29,	/* no answer for so long; 0: any */
	VEXIPC_CONFIG_QUEUE_AGEING_MS		= 30,	/* then it rises a band; 0: never */
	VEXIPC_CONFIG_MAX_SERVICE_QUEUE		= 31,	/* beyond it requests overflow */
	VEXIPC_CONFIG_QUEUE_BACKPRESSURE_PERCENT = 32,	/* of max_queue_size */
	VEXIPC_CONFIG_QUEUE_SHED_PERCENT	= 33,
	VEXIPC_CONFIG_CODEL_TARGET_MS		= 34,	/* a wait not too long; 0: any */
	VEXIPC_CONFIG_CODEL_INTERVAL_MS		= 35,	/* it may be longer for so long */
	VEXIPC_CONFIG_DYNAMIC_BATCHING		= 36,	/* what waits for a service goes together */
	VEXIPC_CONFIG_BATCH_MAX_BYTES		= 37,	/* of items that travel together */
	VEXIPC_CONFIG_BATCH_DELAY_US		= 38,	/* wait so long for company; 0: do not */
	VEXIPC_CONFIG_LIMIT_INSTANCE_REQUESTS	= 39,	/* a second; 0: no limit */
	VEXIPC_CONFIG_LIMIT_INSTANCE_BYTES	= 40,	/* a second; 0: no limit */
	VEXIPC_CONFIG_LIMIT_INSTANCE_BURST_MS	= 41,	/* at once: what comes in so long */
	VEXIPC_CONFIG_LIMIT_USER_REQUESTS	= 42,
	VEXIPC_CONFIG_LIMIT_USER_BYTES		= 43,
	VEXIPC_CONFIG_LIMIT_USER_BURST_MS	= 44,
	VEXIPC_CONFIG_LIMIT_SESSION_REQUESTS	= 45,
	VEXIPC_CONFIG_LIMIT_SESSION_BYTES	= 46,
	VEXIPC_CONFIG_LIMIT_SESSION_BURST_MS	= 47,
	VEXIPC_CONFIG_LIMIT_SERVICE_REQUESTS	= 48,	/* to each service */
	VEXIPC_CONFIG_LIMIT_SERVICE_BYTES	= 49,
	VEXIPC_CONFIG_LIMIT_SERVICE_BURST_MS	= 50,
	VEXIPC_CONFIG_LIMIT_MODULE_REQUESTS	= 51,	/* all namespaces; set in the first one */
	VEXIPC_CONFIG_LIMIT_MODULE_BYTES	= 52,
	VEXIPC_CONFIG_LIMIT_MODULE_BURST_MS	= 53,
	VEXIPC_CONFIG_ADAPTIVE_RATES		= 54,	/* limits shrink while queues fill */
	VEXIPC_CONFIG_ADAPTIVE_CONCURRENCY	= 55,	/* services get what does not slow them */
	VEXIPC_CONFIG_MAX_BYTES			= 56,	/* content held, of the instance; 0: any */
	VEXIPC_CONFIG_MAX_BYTES_PER_USER	= 57,	/* 0: any */
	VEXIPC_CONFIG_MAX_REQUESTS_PER_USER	= 58,	/* held; 0: any */
	VEXIPC_CONFIG_MAX_BYTES_MODULE		= 59,	/* all namespaces; set in the first one */
	VEXIPC_CONFIG_MAX_REQUESTS_MODULE	= 60,
	VEXIPC_CONFIG_CACHE_ENABLED		= 61,
	VEXIPC_CONFIG_CACHE_TTL_SEC		= 62,
	VEXIPC_CONFIG_CACHE_MAX_ENTRIES		= 63,
	VEXIPC_CONFIG_CACHE_MAX_BYTES		= 64,
	VEXIPC_CONFIG_CACHE_PER_USER		= 65,	/* nobody has another's answers */
	VEXIPC_CONFIG_COALESCE			= 66,	/* equal requests are asked once */
	VEXIPC_CONFIG_HEDGE_PERCENTILE		= 67,	/* hedge what is slower; 0: nothing */
	VEXIPC_CONFIG_HEDGE_BUDGET_PERCENT	= 68,	/* of requests under way; at least 3 */
	VEXIPC_CONFIG_SLOW_AFTER_MS		= 69,	/* answers take so long; 0: any time */
	__VEXIPC_CONFIG_MAX
};

#define VEXIPC_CONFIG_MAX (__VEXIPC_CONFIG_MAX - 1)

struct vexipc_config_entry {
	__u32 field;				/* enum vexipc_config_field */
	__u32 reserved;
	__aligned_u64 value;
	__aligned_u64 min;			/* out */
	__aligned_u64 max;			/* out */
	__aligned_u64 initial;			/* out: the default */
};

#define VEXIPC_CONFIG_WRITE		(1u << 0)	/* needs CAP_NET_ADMIN */

/*
 * Read, or with VEXIPC_CONFIG_WRITE set, the entries: all or none. ENOENT an
 * unknown field, ERANGE a value out of range, EOPNOTSUPP a value known but not
 * built, EPERM also a field of all namespaces but in the first; `count` then tells
 * the index of the entry refused.
 */
struct vexipc_config {
	__aligned_u64 entries_ptr;
	__u32 count;				/* in, out */
	__u32 flags;
};

enum vexipc_control_op {
	VEXIPC_CONTROL_DRAIN	= 1,
	VEXIPC_CONTROL_RESUME	= 2,
	VEXIPC_CONTROL_BREAKER_OPEN	= 3,	/* and keep it open, whatever comes */
	VEXIPC_CONTROL_BREAKER_CLOSED	= 4,	/* and keep it closed */
	VEXIPC_CONTROL_BREAKER_AUTO	= 5,	/* as its answers make it, again */
	VEXIPC_CONTROL_BREAKER_LIMITS	= 6,	/* set what it goes by */
	VEXIPC_CONTROL_OPS
};

#define VEXIPC_BREAKER_INHERIT	(~0ull)	/* a limit is the instance's again */

/*
 * BREAKER_LIMITS takes entries, all or none: fields BREAKER_FAILURES to
 * BREAKER_MAX_EJECTION_MS with a value of the field's range, or
 * VEXIPC_BREAKER_INHERIT. Errors as of struct vexipc_config; `count` then tells the
 * index of the entry refused. Of other operations both are 0.
 */
struct vexipc_control {
	__aligned_u64 service_id_ptr;
	__u32 service_id_len;
	__u32 op;				/* enum vexipc_control_op */
	__aligned_u64 entries_ptr;		/* struct vexipc_config_entry each */
	__u32 count;				/* in, out */
	__u32 reserved;
};

/*
 * struct vexipc_cache_flush - forget kept answers; needs CAP_NET_ADMIN
 *
 * All of them, or those that are of the model and that the service answered, so
 * far as they are named. A service that has gone can be named still. An answer
 * for which no model was named is of each model that its service has; if that is
 * gone, of any. What is being asked now will not be kept.
 */
struct vexipc_cache_flush {
	__aligned_u64 model_ptr;
	__aligned_u64 service_id_ptr;
	__u32 model_len;
	__u32 service_id_len;
	__u32 flags;				/* none yet */
	__u32 flushed;				/* out: how many */
};

/* What a look into the cache came to, in traces. */
enum vexipc_lookup {
	VEXIPC_LOOKUP_MISS	= 0,
	VEXIPC_LOOKUP_HIT	= 1,
	VEXIPC_LOOKUP_COALESCED	= 2,
};

/* ------------------------------------------------------------- policies -- */

#define VEXIPC_POLICY_NAME_LEN		32	/* with its NUL */
#define VEXIPC_POLICY_REASON_LEN	96

enum vexipc_policy_state {
	VEXIPC_POLICY_LOADED	= 1,
	VEXIPC_POLICY_BYPASSED	= 2,	/* took too long; is left out for a second */
	VEXIPC_POLICY_DETACHED	= 3,	/* misbehaved; remembered for its reason */
	VEXIPC_POLICY_STATES
};

/*
 * struct vexipc_policy_entry - a balancing policy in BPF, and what it did
 *
 * Policies are of the whole machine: all instances see them.
 */
struct vexipc_policy_entry {
	__aligned_u64 calls;			/* of select() */
	__aligned_u64 chosen;			/* a service */
	__aligned_u64 declined;			/* left to the built-in algorithm */
	__aligned_u64 bad_answers;		/* no candidate's index */
	__aligned_u64 overruns;			/* took too long */
	__aligned_u64 total_ns;			/* in the policy, all calls */
	__aligned_u64 max_ns;			/* the longest call */
	__aligned_u64 loaded_ns;		/* CLOCK_MONOTONIC */
	__u32 state;				/* enum vexipc_policy_state */
	__u32 link_id;				/* of the BPF link; 0: detached */
	__u32 updates;				/* how often it was replaced */
	__u32 instances;			/* that name it */
	char name[VEXIPC_POLICY_NAME_LEN];
	char reason[VEXIPC_POLICY_REASON_LEN];	/* its last fault; empty: none */
};

/* struct vexipc_policy_use is which policy an instance names. */
struct vexipc_policy_use {
	__aligned_u64 fallbacks;		/* choices that it was to make and did not */
	__u32 in_use;				/* 1: it is loaded */
	__u32 reserved;
	char name[VEXIPC_POLICY_NAME_LEN];	/* empty: none */
};

#define VEXIPC_POLICIES_NAME	(1u << 0)	/* needs CAP_NET_ADMIN */

/*
 * Read the instance's policy and the list of all; with VEXIPC_POLICIES_NAME,
 * first have the instance use the one named in use.name, or none. ENOENT none
 * is loaded by that name, EOPNOTSUPP this kernel has no policies. Entries are
 * entry_size apart; the kernel writes the smaller of both sizes.
 */
struct vexipc_policies {
	__aligned_u64 buffer_ptr;		/* struct vexipc_policy_entry each */
	__u32 buffer_size;
	__u32 entry_size;			/* in: sizeof(struct vexipc_policy_entry) */
	__u32 flags;
	__u32 count;				/* out: entries written */
	__u32 total;				/* out: policies there are */
	__u32 offered;				/* out: 1: policies can be loaded */
	struct vexipc_policy_use use;		/* name: in, out */
};

/* --------------------------------------------------------------- access -- */

/* What somebody may be denied, and why; see the tracepoint vexipc_access_denied. */
enum vexipc_operation {
	VEXIPC_OPERATION_REGISTER	= 1,
	VEXIPC_OPERATION_EMBED		= 2,
	VEXIPC_OPERATION_LOOK		= 3,	/* services, their figures, those of the instance */
	VEXIPC_OPERATION_ADMINISTER	= 4,
	VEXIPC_OPERATIONS
};

enum vexipc_denial {
	VEXIPC_DENIAL_PRIVILEGE	= 1,	/* EPERM: CAP_NET_ADMIN is missing */
	VEXIPC_DENIAL_TOKEN	= 2,	/* EACCES: the token is not good for it */
	VEXIPC_DENIAL_RULE	= 3,	/* EACCES: an access rule forbids it */
	VEXIPC_DENIAL_PRIORITY	= 4,	/* EPERM: critical priority takes a right */
	VEXIPC_DENIALS
};

#define VEXIPC_TOKEN_BYTES		32u
#define VEXIPC_MAX_TOKENS		256u	/* an instance */
#define VEXIPC_MAX_RULES		256u	/* an instance */

/* What a service registered with a token may do beyond answering. */
#define VEXIPC_TOKEN_BATCH		(1u << 0)	/* take batches */
#define VEXIPC_TOKEN_CONTROL		(1u << 1)	/* drain, resume itself, hold its breaker */
#define VEXIPC_TOKEN_FLAGS		(VEXIPC_TOKEN_BATCH | VEXIPC_TOKEN_CONTROL)

/*
 * struct vexipc_token_entry - a registration token, without its secret
 *
 * Whoever registers with the secret needs no CAP_NET_ADMIN. Patterns are those
 * of a shell: * ? [a-z]; an empty one matches all. Strings are NUL-padded, with
 * one NUL at least. Times are CLOCK_REALTIME, ns.
 */
struct vexipc_token_entry {
	__aligned_u64 id;			/* never used again */
	__aligned_u64 created_ns;
	__aligned_u64 last_used_ns;		/* 0: never */
	__aligned_u64 expires_ns;		/* 0: never */
	__aligned_u64 registered;		/* services, ever */
	__u32 uses;				/* registrations it is good for; 0: any number */
	__u32 uses_left;
	__u32 services;				/* now */
	__u32 max_services;			/* at once; 0: any number */
	__u32 max_priority;			/* tier a service may have; 0: 255 */
	__u32 flags;				/* VEXIPC_TOKEN_* */
	__u32 uid;				/* who issued it, as the caller sees uids */
	__u32 reserved;
	char label[VEXIPC_MAX_NAME];
	char pattern[VEXIPC_MAX_NAME];		/* of service ids */
	char models[VEXIPC_MAX_NAME];		/* of each model a service names */
};

enum vexipc_tokens_op {
	VEXIPC_TOKENS_LIST	= 0,
	VEXIPC_TOKENS_ISSUE	= 1,
	VEXIPC_TOKENS_REVOKE	= 2,
	VEXIPC_TOKENS_OPS
};

#define VEXIPC_TOKENS_UNREGISTER	(1u << 0)	/* REVOKE: its services go, too */

/*
 * All need the right to administer. LIST fills the buffer, entries entry_size
 * apart. ISSUE takes uses, max_services, max_priority, flags, label, pattern and
 * models of `token`, fills the rest of it and `secret`, which is never told
 * again. REVOKE takes token.id, and tells in `count` how many services went.
 * Errors: EPERM; ENOENT no such token; ENOSPC there are VEXIPC_MAX_TOKENS;
 * EINVAL, EILSEQ, ERANGE a field; EOPNOTSUPP an unknown flag.
 */
struct vexipc_tokens {
	__aligned_u64 buffer_ptr;		/* struct vexipc_token_entry each */
	__u32 buffer_size;
	__u32 entry_size;			/* in: sizeof(struct vexipc_token_entry) */
	__u32 op;				/* enum vexipc_tokens_op */
	__u32 flags;				/* VEXIPC_TOKENS_* */
	__u32 count;				/* out */
	__u32 total;				/* out: tokens there are */
	__u32 expires_sec;			/* ISSUE: 0: never */
	__u32 reserved;
	struct vexipc_token_entry token;
	__u8 secret[VEXIPC_TOKEN_BYTES];	/* out of ISSUE */
};

/* Whom a rule is for: all that are named must match; none named matches all. */
#define VEXIPC_RULE_UID			(1u << 0)
#define VEXIPC_RULE_GID			(1u << 1)	/* primary or supplementary */
#define VEXIPC_RULE_CGROUP		(1u << 2)	/* in it, or below it */
#define VEXIPC_RULE_MATCHES \
	(VEXIPC_RULE_UID | VEXIPC_RULE_GID | VEXIPC_RULE_CGROUP)

/* What it allows; the rest it forbids. */
#define VEXIPC_RULE_EMBED		(1u << 0)	/* over netlink, too */
#define VEXIPC_RULE_LOOK		(1u << 1)	/* services and figures */
#define VEXIPC_RULE_ADMINISTER		(1u << 2)	/* as CAP_NET_ADMIN, but for rules */
#define VEXIPC_RULE_ALLOWS \
	(VEXIPC_RULE_EMBED | VEXIPC_RULE_LOOK | VEXIPC_RULE_ADMINISTER)

/*
 * struct vexipc_rule_entry - who may do what
 *
 * The first rule that matches decides. Who matches none is treated as if there
 * were no rules; who has CAP_NET_ADMIN over the namespace may do everything,
 * whatever rules say. Rules widen and narrow what a user may do who can reach
 * the module: the mode of the device stays in force.
 */
struct vexipc_rule_entry {
	__aligned_u64 id;			/* out; never used again */
	__aligned_u64 hits;			/* out: requests and looks it decided on */
	__aligned_u64 cgroup;			/* v2: inode of its directory */
	__u32 match;				/* VEXIPC_RULE_UID, ... */
	__u32 uid;				/* as the caller sees uids */
	__u32 gid;				/* as the caller sees gids */
	__u32 allow;				/* VEXIPC_RULE_EMBED, ... */
	__u32 max_priority;			/* of requests; 255 allows critical */
	__u32 reserved;
	char models[VEXIPC_MAX_NAME];		/* pattern; empty: any, or none named */
};

enum vexipc_rules_op {
	VEXIPC_RULES_LIST	= 0,
	VEXIPC_RULES_ADD	= 1,
	VEXIPC_RULES_REMOVE	= 2,
	VEXIPC_RULES_CLEAR	= 3,
	VEXIPC_RULES_OPS
};

/*
 * LIST needs the right to administer, the others CAP_NET_ADMIN itself. ADD puts
 * `rule` before the one whose id is `before`, 0 for the end, and sets rule.id.
 * REMOVE takes rule.id. Errors: EPERM; ENOENT no such rule; ENOSPC there are
 * VEXIPC_MAX_RULES; EINVAL, EILSEQ, ERANGE a field; EOPNOTSUPP unknown bits.
 */
struct vexipc_rules {
	__aligned_u64 buffer_ptr;		/* struct vexipc_rule_entry each */
	__aligned_u64 before;			/* ADD */
	__u32 buffer_size;
	__u32 entry_size;			/* in: sizeof(struct vexipc_rule_entry) */
	__u32 op;				/* enum vexipc_rules_op */
	__u32 flags;				/* none yet */
	__u32 count;				/* out: entries written, or removed */
	__u32 total;				/* out: rules there are */
	struct vexipc_rule_entry rule;
};

#define VEXIPC_IOC_MAGIC	'V'
#define VEXIPC_IOC_REGISTER	_IOWR(VEXIPC_IOC_MAGIC, 0x20, struct vexipc_register)
#define VEXIPC_IOC_UNREGISTER	_IOWR(VEXIPC_IOC_MAGIC, 0x21, struct vexipc_unregister)
#define VEXIPC_IOC_EMBED	_IOWR(VEXIPC_IOC_MAGIC, 0x22, struct vexipc_embed)
#define VEXIPC_IOC_STATUS	_IOWR(VEXIPC_IOC_MAGIC, 0x23, struct vexipc_status)
#define VEXIPC_IOC_LIST		_IOWR(VEXIPC_IOC_MAGIC, 0x24, struct vexipc_list)
#define VEXIPC_IOC_STATS	_IOWR(VEXIPC_IOC_MAGIC, 0x25, struct vexipc_stats)
#define VEXIPC_IOC_CANCEL	_IOWR(VEXIPC_IOC_MAGIC, 0x26, struct vexipc_cancel)
#define VEXIPC_IOC_CONFIG	_IOWR(VEXIPC_IOC_MAGIC, 0x27, struct vexipc_config)
#define VEXIPC_IOC_CONTROL	_IOWR(VEXIPC_IOC_MAGIC, 0x28, struct vexipc_control)
#define VEXIPC_IOC_POLICIES	_IOWR(VEXIPC_IOC_MAGIC, 0x29, struct vexipc_policies)
#define VEXIPC_IOC_EMBED_BATCH	_IOWR(VEXIPC_IOC_MAGIC, 0x2a, struct vexipc_embed_batch)
#define VEXIPC_IOC_TOKENS	_IOWR(VEXIPC_IOC_MAGIC, 0x2b, struct vexipc_tokens)
#define VEXIPC_IOC_RULES	_IOWR(VEXIPC_IOC_MAGIC, 0x2c, struct vexipc_rules)
#define VEXIPC_IOC_CACHE_FLUSH	_IOWR(VEXIPC_IOC_MAGIC, 0x2d, struct vexipc_cache_flush)
#define VEXIPC_IOC_SUBMIT	_IOWR(VEXIPC_IOC_MAGIC, 0x2e, struct vexipc_submit)
#define VEXIPC_IOC_RING_SETUP	_IOWR(VEXIPC_IOC_MAGIC, 0x2f, struct vexipc_ring_setup)
#define VEXIPC_IOC_RING_ENTER	_IOWR(VEXIPC_IOC_MAGIC, 0x30, struct vexipc_ring_enter)

/* The names VexFS knows these by. */
#define VEXFS_IOCTL_IPC_REGISTER_SERVICE	VEXIPC_IOC_REGISTER
#define VEXFS_IOCTL_IPC_UNREGISTER_SERVICE	VEXIPC_IOC_UNREGISTER
#define VEXFS_IOCTL_IPC_SEND_EMBEDDING_REQUEST	VEXIPC_IOC_EMBED
#define VEXFS_IOCTL_IPC_GET_SERVICE_STATUS	VEXIPC_IOC_STATUS
#define VEXFS_IOCTL_IPC_LIST_SERVICES		VEXIPC_IOC_LIST
#define VEXFS_IOCTL_IPC_GET_STATS		VEXIPC_IOC_STATS
#define IpcServiceRegisterRequest		vexipc_register
#define IpcEmbeddingRequest			vexipc_embed

/* -------------------------------------------------------------- netlink -- */

/*
 *   command      do: attributes -> answer                        needs
 *   REGISTER     SERVICE{ID, ...} -> SERVICE{HANDLE, VERSION,    CAP_NET_ADMIN,
 *                FEATURES, HEARTBEAT_MS}                         or a TOKEN
 *   UNREGISTER   [SERVICE{ID or HANDLE}] [DRAIN] -> FAILED_OVER  own, CAP_NET_ADMIN
 *   HEARTBEAT    SERVICE{CPU, MEMORY, REPORTED_*}                a service
 *   SERVICE_GET  do: SERVICE{ID or HANDLE} -> SERVICE
 *                dump: [SERVICE{DIMENSIONS, DATA_TYPES, MODEL, STATES}]
 *                      -> one SERVICE a message
 *   SERVICE_SET  SERVICE{ID}, CONTROL [CONFIG: breaker limits]   CAP_NET_ADMIN
 *   STATS_GET    [SERVICE{ID or HANDLE}] -> STATS
 *   CONFIG_GET   -> CONFIG
 *   CONFIG_SET   CONFIG                                          CAP_NET_ADMIN
 *   REQUEST      MESSAGE [OFFSET, TOTAL]: any message a client sends; to embed
 *                needs CAP_NET_ADMIN, or an access rule that lets the sender,
 *                while enable_authentication is on, since no file's mode guards
 *                a socket; from the kernel: a request for this service
 *   RESPONSE     MESSAGE [OFFSET, TOTAL]: a service's answer; from the kernel:
 *                the answer to a message of this socket
 *   FETCH        CORRELATION, OFFSET -> MESSAGE, OFFSET, TOTAL
 *   CANCEL       REQUEST_ID
 *   POLICY_GET   do: -> POLICY{NAME, IN_USE, FALLBACKS}: the instance's
 *                dump: one POLICY a message, of all loaded
 *   POLICY_SET   POLICY{NAME}: the instance's; empty for none    CAP_NET_ADMIN
 *   TOKEN_GET    dump: one TOKEN a message                       CAP_NET_ADMIN
 *   TOKEN_NEW    TOKEN{LABEL, ...} -> TOKEN{ID, SECRET}          CAP_NET_ADMIN
 *   TOKEN_DEL    TOKEN{ID, [UNREGISTER]} -> TOKEN{SERVICES}      CAP_NET_ADMIN
 *   RULE_GET     dump: one RULE a message, in their order        CAP_NET_ADMIN
 *   RULE_NEW     RULE{ALLOW, ...} -> RULE{ID}                    CAP_NET_ADMIN
 *   RULE_DEL     [RULE{ID}]: that one, or all                    CAP_NET_ADMIN
 *   CACHE_FLUSH  [CACHE{MODEL, SERVICE}] -> CACHE{FLUSHED}      CAP_NET_ADMIN
 *   EVENT        multicast: "discovery" has DISCOVERY messages (MESSAGE) and
 *                service changes (SERVICE), "alerts" has ALERT
 */
enum vexipc_cmd {
	VEXIPC_CMD_UNSPEC	= 0,
	VEXIPC_CMD_REGISTER	= 1,
	VEXIPC_CMD_UNREGISTER	= 2,
	VEXIPC_CMD_HEARTBEAT	= 3,
	VEXIPC_CMD_SERVICE_GET	= 4,
	VEXIPC_CMD_SERVICE_SET	= 5,
	VEXIPC_CMD_STATS_GET	= 6,
	VEXIPC_CMD_CONFIG_GET	= 7,
	VEXIPC_CMD_CONFIG_SET	= 8,
	VEXIPC_CMD_REQUEST	= 9,
	VEXIPC_CMD_RESPONSE	= 10,
	VEXIPC_CMD_FETCH	= 11,
	VEXIPC_CMD_CANCEL	= 12,
	VEXIPC_CMD_EVENT	= 13,
	VEXIPC_CMD_POLICY_GET	= 14,
	VEXIPC_CMD_POLICY_SET	= 15,
	VEXIPC_CMD_TOKEN_GET	= 16,
	VEXIPC_CMD_TOKEN_NEW	= 17,
	VEXIPC_CMD_TOKEN_DEL	= 18,
	VEXIPC_CMD_RULE_GET	= 19,
	VEXIPC_CMD_RULE_NEW	= 20,
	VEXIPC_CMD_RULE_DEL	= 21,
	VEXIPC_CMD_CACHE_FLUSH	= 22,
	__VEXIPC_CMD_MAX
};

#define VEXIPC_CMD_MAX (__VEXIPC_CMD_MAX - 1)

enum vexipc_attr {
	VEXIPC_A_UNSPEC		= 0,
	VEXIPC_A_PAD		= 1,
	VEXIPC_A_MESSAGE	= 2,	/* binary */
	VEXIPC_A_OFFSET		= 3,	/* u32, bytes into the whole message */
	VEXIPC_A_TOTAL		= 4,	/* u32, bytes of the whole message */
	VEXIPC_A_CORRELATION	= 5,	/* u64 */
	VEXIPC_A_REQUEST_ID	= 6,	/* u64 */
	VEXIPC_A_SERVICE	= 7,	/* nest: enum vexipc_service_attr */
	VEXIPC_A_STATS		= 8,	/* nest: enum vexipc_stats_attr */
	VEXIPC_A_CONFIG		= 9,	/* nest: enum vexipc_config_field, u64 each */
	VEXIPC_A_CONTROL	= 10,	/* u32, enum vexipc_control_op */
	VEXIPC_A_DRAIN		= 11,	/* flag */
	VEXIPC_A_FAILED_OVER	= 12,	/* u32 */
	VEXIPC_A_ALERT		= 13,	/* nest: enum vexipc_alert_attr */
	VEXIPC_A_POLICY		= 14,	/* nest: enum vexipc_policy_attr */
	VEXIPC_A_TOKEN		= 15,	/* nest: enum vexipc_token_attr */
	VEXIPC_A_RULE		= 16,	/* nest: enum vexipc_rule_attr */
	VEXIPC_A_CACHE		= 17,	/* nest: enum vexipc_cache_attr */
	__VEXIPC_A_MAX
};

#define VEXIPC_A_MAX (__VEXIPC_A_MAX - 1)

/* As the fields of struct vexipc_service_entry and vexipc_register_body. */
enum vexipc_service_attr {
	VEXIPC_SVC_UNSPEC		= 0,
	VEXIPC_SVC_PAD			= 1,
	VEXIPC_SVC_HANDLE		= 2,	/* u64 */
	VEXIPC_SVC_ID			= 3,	/* string */
	VEXIPC_SVC_NAME			= 4,	/* string */
	VEXIPC_SVC_SOFTWARE_VERSION	= 5,	/* string */
	VEXIPC_SVC_ENDPOINT		= 6,	/* string */
	VEXIPC_SVC_MODEL		= 7,	/* string, repeated */
	VEXIPC_SVC_METADATA		= 8,	/* string "key=value", repeated */
	VEXIPC_SVC_TOKEN		= 9,	/* binary */
	VEXIPC_SVC_DIMENSIONS		= 10,	/* u32, repeated */
	VEXIPC_SVC_DATA_TYPES		= 11,	/* u32 */
	VEXIPC_SVC_MAX_BATCH		= 12,	/* u32 */
	VEXIPC_SVC_PRIORITY		= 13,	/* u32 */
	VEXIPC_SVC_WEIGHT		= 14,	/* u32 */
	VEXIPC_SVC_MAX_CONCURRENT	= 15,	/* u32 */
	VEXIPC_SVC_LATENCY_US		= 16,	/* u32 */
	VEXIPC_SVC_THROUGHPUT		= 17,	/* u32 */
	VEXIPC_SVC_TRANSPORT		= 18,	/* u32 */
	VEXIPC_SVC_FLAGS		= 19,	/* u32 */
	VEXIPC_SVC_VERSION_MIN		= 20,	/* u32 */
	VEXIPC_SVC_VERSION_MAX		= 21,	/* u32 */
	VEXIPC_SVC_VERSION		= 22,	/* u32 */
	VEXIPC_SVC_FEATURES		= 23,	/* u64 */
	VEXIPC_SVC_HEARTBEAT_MS		= 24,	/* u32 */
	VEXIPC_SVC_STATES		= 25,	/* u32, filter */
	VEXIPC_SVC_STATE		= 26,	/* u32 */
	VEXIPC_SVC_HEALTH		= 27,	/* u32 */
	VEXIPC_SVC_LOAD			= 28,	/* u32 */
	VEXIPC_SVC_IN_FLIGHT		= 29,	/* u32 */
	VEXIPC_SVC_QUEUED		= 30,	/* u32 */
	VEXIPC_SVC_CPU_PERMILLE		= 31,	/* u32 */
	VEXIPC_SVC_MEMORY_BYTES		= 32,	/* u64 */
	VEXIPC_SVC_REPORTED_IN_FLIGHT	= 33,	/* u32 */
	VEXIPC_SVC_REPORTED_QUEUE_DEPTH	= 34,	/* u32 */
	VEXIPC_SVC_REQUESTS		= 35,	/* u64 */
	VEXIPC_SVC_COMPLETED		= 36,	/* u64 */
	VEXIPC_SVC_FAILURES		= 37,	/* u64 */
	VEXIPC_SVC_BYTES_IN		= 38,	/* u64 */
	VEXIPC_SVC_BYTES_OUT		= 39,	/* u64 */
	VEXIPC_SVC_AVERAGE_US		= 40,	/* u32 */
	VEXIPC_SVC_P50_US		= 41,	/* u32 */
	VEXIPC_SVC_P90_US		= 42,	/* u32 */
	VEXIPC_SVC_P99_US		= 43,	/* u32 */
	VEXIPC_SVC_P999_US		= 44,	/* u32 */
	VEXIPC_SVC_REGISTERED_NS	= 45,	/* u64 */
	VEXIPC_SVC_LAST_HEARTBEAT_NS	= 46,	/* u64 */
	VEXIPC_SVC_AVAILABLE_MINUTE	= 47,	/* u32 */
	VEXIPC_SVC_AVAILABLE_HOUR	= 48,	/* u32 */
	VEXIPC_SVC_AVAILABLE_DAY	= 49,	/* u32 */
	VEXIPC_SVC_UID			= 50,	/* u32 */
	VEXIPC_SVC_PID			= 51,	/* u32 */
	VEXIPC_SVC_SLOT			= 52,	/* u32 */
	VEXIPC_SVC_BREAKER		= 53,	/* u32, enum vexipc_breaker_state */
	VEXIPC_SVC_BREAKER_OWN		= 54,	/* u32 */
	VEXIPC_SVC_BREAKER_FAILURES	= 55,	/* u32 */
	VEXIPC_SVC_BREAKER_ERROR_PERCENT = 56,	/* u32 */
	VEXIPC_SVC_BREAKER_MIN_VOLUME	= 57,	/* u32 */
	VEXIPC_SVC_BREAKER_EJECTION_MS	= 58,	/* u32 */
	VEXIPC_SVC_BREAKER_MAX_EJECTION_MS = 59,	/* u32 */
	VEXIPC_SVC_QUEUE_NS		= 60,	/* u64 */
	VEXIPC_SVC_LIMIT		= 61,	/* u32 */
	__VEXIPC_SVC_MAX
};

#define VEXIPC_SVC_MAX (__VEXIPC_SVC_MAX - 1)

/* As the fields of struct vexipc_stats, u64 each unless noted. */
enum vexipc_stats_attr {
	VEXIPC_STATS_UNSPEC		= 0,
	VEXIPC_STATS_PAD		= 1,
	VEXIPC_STATS_SUBMITTED		= 2,
	VEXIPC_STATS_COMPLETED		= 3,
	VEXIPC_STATS_FAILED		= 4,
	VEXIPC_STATS_TIMED_OUT		= 5,
	VEXIPC_STATS_CANCELLED		= 6,
	VEXIPC_STATS_REFUSED		= 7,
	VEXIPC_STATS_QUEUED		= 8,
	VEXIPC_STATS_IN_FLIGHT		= 9,
	VEXIPC_STATS_ORPHANS		= 10,
	VEXIPC_STATS_BAD_ANSWERS	= 11,
	VEXIPC_STATS_BAD_MESSAGES	= 12,
	VEXIPC_STATS_RETRIES		= 13,
	VEXIPC_STATS_FAILOVERS		= 14,
	VEXIPC_STATS_EXPIRED		= 15,
	VEXIPC_STATS_PROBES		= 16,
	VEXIPC_STATS_PROBE_FAILURES	= 17,
	VEXIPC_STATS_HEARTBEATS		= 18,
	VEXIPC_STATS_ALERTS		= 19,
	VEXIPC_STATS_SEND_RETRIES	= 20,
	VEXIPC_STATS_BYTES_IN		= 21,
	VEXIPC_STATS_BYTES_OUT		= 22,
	VEXIPC_STATS_BATCHES		= 23,
	VEXIPC_STATS_BATCH_ITEMS	= 24,
	VEXIPC_STATS_QUEUED_MAX		= 25,
	VEXIPC_STATS_MAX_QUEUE_SIZE	= 26,
	VEXIPC_STATS_MAX_CONCURRENT_REQUESTS = 27,
	VEXIPC_STATS_SERVICES		= 28,
	VEXIPC_STATS_CLIENTS		= 29,
	VEXIPC_STATS_REGISTERED		= 30,
	VEXIPC_STATS_UNREGISTERED	= 31,
	VEXIPC_STATS_SERVICES_DIED	= 32,
	VEXIPC_STATS_REFUSED_BY		= 33,	/* nest: attribute type is the error */
	VEXIPC_STATS_FAILED_BY		= 34,	/* nest: attribute type is the error */
	VEXIPC_STATS_QUEUED_LOW		= 35,
	VEXIPC_STATS_QUEUED_NORMAL	= 36,
	VEXIPC_STATS_QUEUED_HIGH	= 37,
	VEXIPC_STATS_QUEUED_CRITICAL	= 38,
	VEXIPC_STATS_OVERFLOW		= 39,
	VEXIPC_STATS_OVERFLOWED		= 40,
	VEXIPC_STATS_QUEUE_NS		= 41,
	VEXIPC_STATS_CARRIERS		= 42,
	VEXIPC_STATS_CARRIED		= 43,
	VEXIPC_STATS_LIMITED_SESSION	= 44,
	VEXIPC_STATS_LIMITED_USER	= 45,
	VEXIPC_STATS_LIMITED_INSTANCE	= 46,
	VEXIPC_STATS_LIMITED_MODULE	= 47,
	VEXIPC_STATS_LIMITED_SERVICE	= 48,
	VEXIPC_STATS_HELD_BYTES		= 49,
	VEXIPC_STATS_DENIED_PRIVILEGE	= 50,
	VEXIPC_STATS_DENIED_TOKEN	= 51,
	VEXIPC_STATS_DENIED_RULE	= 52,
	VEXIPC_STATS_DENIED_PRIORITY	= 53,
	VEXIPC_STATS_CACHE_HITS		= 54,
	VEXIPC_STATS_CACHE_MISSES	= 55,
	VEXIPC_STATS_CACHE_INSERTIONS	= 56,
	VEXIPC_STATS_CACHE_EVICTIONS	= 57,
	VEXIPC_STATS_CACHE_EXPIRATIONS	= 58,
	VEXIPC_STATS_CACHE_INVALIDATIONS = 59,
	VEXIPC_STATS_CACHE_ENTRIES	= 60,
	VEXIPC_STATS_CACHE_BYTES	= 61,
	VEXIPC_STATS_COALESCED		= 62,
	VEXIPC_STATS_HEDGES		= 63,
	VEXIPC_STATS_HEDGES_WON		= 64,
	__VEXIPC_STATS_MAX
};

#define VEXIPC_STATS_MAX (__VEXIPC_STATS_MAX - 1)

/* As the fields of struct vexipc_cache_flush. */
enum vexipc_cache_attr {
	VEXIPC_CACHE_A_UNSPEC		= 0,
	VEXIPC_CACHE_A_MODEL		= 1,	/* string */
	VEXIPC_CACHE_A_SERVICE		= 2,	/* string: service id */
	VEXIPC_CACHE_A_FLUSHED		= 3,	/* u32 */
	__VEXIPC_CACHE_A_MAX
};

#define VEXIPC_CACHE_A_MAX (__VEXIPC_CACHE_A_MAX - 1)

/* As the fields of struct vexipc_policy_entry and vexipc_policy_use. */
enum vexipc_policy_attr {
	VEXIPC_POLICY_A_UNSPEC		= 0,
	VEXIPC_POLICY_A_PAD		= 1,
	VEXIPC_POLICY_A_NAME		= 2,	/* string */
	VEXIPC_POLICY_A_IN_USE		= 3,	/* u32 */
	VEXIPC_POLICY_A_FALLBACKS	= 4,	/* u64 */
	VEXIPC_POLICY_A_STATE		= 5,	/* u32, enum vexipc_policy_state */
	VEXIPC_POLICY_A_REASON		= 6,	/* string */
	VEXIPC_POLICY_A_LINK_ID		= 7,	/* u32 */
	VEXIPC_POLICY_A_UPDATES		= 8,	/* u32 */
	VEXIPC_POLICY_A_INSTANCES	= 9,	/* u32 */
	VEXIPC_POLICY_A_CALLS		= 10,	/* u64 */
	VEXIPC_POLICY_A_CHOSEN		= 11,	/* u64 */
	VEXIPC_POLICY_A_DECLINED	= 12,	/* u64 */
	VEXIPC_POLICY_A_BAD_ANSWERS	= 13,	/* u64 */
	VEXIPC_POLICY_A_OVERRUNS	= 14,	/* u64 */
	VEXIPC_POLICY_A_TOTAL_NS	= 15,	/* u64 */
	VEXIPC_POLICY_A_MAX_NS		= 16,	/* u64 */
	VEXIPC_POLICY_A_LOADED_NS	= 17,	/* u64 */
	__VEXIPC_POLICY_A_MAX
};

#define VEXIPC_POLICY_A_MAX (__VEXIPC_POLICY_A_MAX - 1)

/* As the fields of struct vexipc_token_entry. */
enum vexipc_token_attr {
	VEXIPC_TOKEN_A_UNSPEC		= 0,
	VEXIPC_TOKEN_A_PAD		= 1,
	VEXIPC_TOKEN_A_ID		= 2,	/* u64 */
	VEXIPC_TOKEN_A_LABEL		= 3,	/* string */
	VEXIPC_TOKEN_A_PATTERN		= 4,	/* string */
	VEXIPC_TOKEN_A_MODELS		= 5,	/* string */
	VEXIPC_TOKEN_A_FLAGS		= 6,	/* u32 */
	VEXIPC_TOKEN_A_USES		= 7,	/* u32 */
	VEXIPC_TOKEN_A_USES_LEFT	= 8,	/* u32 */
	VEXIPC_TOKEN_A_MAX_SERVICES	= 9,	/* u32 */
	VEXIPC_TOKEN_A_MAX_PRIORITY	= 10,	/* u32 */
	VEXIPC_TOKEN_A_EXPIRES_SEC	= 11,	/* u32, of a new one */
	VEXIPC_TOKEN_A_EXPIRES_NS	= 12,	/* u64 */
	VEXIPC_TOKEN_A_CREATED_NS	= 13,	/* u64 */
	VEXIPC_TOKEN_A_LAST_USED_NS	= 14,	/* u64 */
	VEXIPC_TOKEN_A_REGISTERED	= 15,	/* u64 */
	VEXIPC_TOKEN_A_SERVICES		= 16,	/* u32 */
	VEXIPC_TOKEN_A_UID		= 17,	/* u32 */
	VEXIPC_TOKEN_A_SECRET		= 18,	/* binary, of a new one */
	VEXIPC_TOKEN_A_UNREGISTER	= 19,	/* flag */
	__VEXIPC_TOKEN_A_MAX
};

#define VEXIPC_TOKEN_A_MAX (__VEXIPC_TOKEN_A_MAX - 1)

/* As the fields of struct vexipc_rule_entry; who names UID matches it, and so on. */
enum vexipc_rule_attr {
	VEXIPC_RULE_A_UNSPEC		= 0,
	VEXIPC_RULE_A_PAD		= 1,
	VEXIPC_RULE_A_ID		= 2,	/* u64 */
	VEXIPC_RULE_A_BEFORE		= 3,	/* u64, of a new one */
	VEXIPC_RULE_A_UID		= 4,	/* u32 */
	VEXIPC_RULE_A_GID		= 5,	/* u32 */
	VEXIPC_RULE_A_CGROUP		= 6,	/* u64 */
	VEXIPC_RULE_A_ALLOW		= 7,	/* u32 */
	VEXIPC_RULE_A_MAX_PRIORITY	= 8,	/* u32 */
	VEXIPC_RULE_A_MODELS		= 9,	/* string */
	VEXIPC_RULE_A_HITS		= 10,	/* u64 */
	__VEXIPC_RULE_A_MAX
};

#define VEXIPC_RULE_A_MAX (__VEXIPC_RULE_A_MAX - 1)

enum vexipc_alert_kind {
	VEXIPC_ALERT_NO_CAPABLE_SERVICE	= 1,
	VEXIPC_ALERT_SERVICE_UNAVAILABLE = 2,
	VEXIPC_ALERT_SERVICE_BACK	= 3,
	VEXIPC_ALERT_QUEUE_FULL		= 4,
	VEXIPC_ALERT_BREAKER_OPENED	= 5,
	VEXIPC_ALERT_BREAKER_CLOSED	= 6,
	VEXIPC_ALERT_POLICY_DETACHED	= 7,	/* text says which and why */
	VEXIPC_ALERT_BACKPRESSURE	= 8,	/* the queues fill up: so many wait */
	VEXIPC_ALERT_SHEDDING_BEGAN	= 9,
	VEXIPC_ALERT_SHEDDING_ENDED	= 10,
	VEXIPC_ALERT_RATE_LIMITED	= 11,	/* value: ms until more may come */
	VEXIPC_ALERT_SERVICE_SLOW	= 12,	/* value: ms that its answers take */
	VEXIPC_ALERT_KINDS
};

enum vexipc_alert_attr {
	VEXIPC_ALERT_A_UNSPEC	= 0,
	VEXIPC_ALERT_A_PAD	= 1,
	VEXIPC_ALERT_A_KIND	= 2,	/* u32, enum vexipc_alert_kind */
	VEXIPC_ALERT_A_TIME_NS	= 3,	/* u64, CLOCK_MONOTONIC */
	VEXIPC_ALERT_A_SERVICE	= 4,	/* string: service id, if one is meant */
	VEXIPC_ALERT_A_TEXT	= 5,	/* string */
	VEXIPC_ALERT_A_VALUE	= 6,	/* u64: what the kind counts */
	__VEXIPC_ALERT_A_MAX
};

#define VEXIPC_ALERT_A_MAX (__VEXIPC_ALERT_A_MAX - 1)

#endif /* _UAPI_LINUX_VEXIPC_H */
