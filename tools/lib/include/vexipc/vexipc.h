/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvexipc: embeddings through the vexipc kernel module
 *
 *   struct vexipc_client *client;
 *   struct vexipc_result result = { 0 };
 *
 *   if (vexipc_client_open(VEXIPC_TRANSPORT_DEFAULT, &client) == 0) {
 *           int err = vexipc_embed_text(client, "a sentence", &result);
 *
 *           if (err)
 *                   fprintf(stderr, "%s\n", vexipc_strerror(result.error));
 *           vexipc_result_free(&result);
 *           vexipc_client_close(client);
 *   }
 *
 * Conventions
 * -----------
 * Functions return 0, or a count, or a negative errno; an errno that stands for
 * an enum vexipc_error is the one listed at that enum. There is no global state.
 * Handles (struct vexipc_channel, _client, _service, _admin, _monitor) may be
 * used by several threads at once unless a function says otherwise; closing one
 * that another thread still uses is an error of the caller. Times are in ms, us
 * or ns as their names say; timeouts in ms, negative waits for ever, 0 does not
 * wait. Sizes are in bytes. Strings are UTF-8 and NUL-terminated. Structures
 * that the caller fills are to be zeroed first; zero means default, unless the
 * structure has an initializer, which is then to be used.
 */
#ifndef VEXIPC_VEXIPC_H
#define VEXIPC_VEXIPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <linux/vexipc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------ names and errors -- */

/* Version of this library, "major.minor.patch". */
const char *vexipc_version(void);

/* What an error means and what to do about it; never NULL. */
const char *vexipc_strerror(uint32_t error);
/* Short stable name of an error, as "no_capable_service"; never NULL. */
const char *vexipc_error_name(uint32_t error);
/* The negative errno of an error; 0 for VEXIPC_OK. */
int vexipc_error_errno(uint32_t error);
/* The error of a negative errno; VEXIPC_ERR_TRANSPORT for one of no error. */
uint32_t vexipc_error_from_errno(int err);

/*
 * Names of the values of enums. _name() gives "unknown" for a number it does not
 * know; _parse() takes a name in any case, or a number, and returns 0 or -EINVAL.
 */
const char *vexipc_data_type_name(uint32_t data_type);	/* float32, ... */
int vexipc_data_type_parse(const char *name, uint32_t *data_type);
const char *vexipc_state_name(uint32_t state);		/* active, ... */
int vexipc_state_parse(const char *name, uint32_t *state);
const char *vexipc_transport_name(uint32_t transport);	/* netlink, ... */
int vexipc_transport_parse(const char *name, uint32_t *transport);
const char *vexipc_algorithm_name(uint32_t algorithm);	/* round-robin, ... */
int vexipc_algorithm_parse(const char *name, uint32_t *algorithm);
const char *vexipc_breaker_name(uint32_t state);	/* closed, ... */
const char *vexipc_alert_name(uint32_t kind);		/* queue-full, ... */
const char *vexipc_policy_state_name(uint32_t state);	/* enum vexipc_policy_state */
const char *vexipc_message_type_name(uint32_t type);	/* EMBED_REQUEST, ... */
/* critical, high, normal, low: the band a priority of 0-255 is in. */
const char *vexipc_priority_name(uint32_t priority);
int vexipc_priority_parse(const char *name, uint32_t *priority);

/**
 * vexipc_session() - the 64-bit session of a session's name
 * @name: any string
 *
 * FNV-1a, 64 bits, over the bytes without the NUL; what hashes to 0, which
 * stands for no session, becomes 1. The same name is the same session in every
 * program.
 */
uint64_t vexipc_session(const char *name);

/* --------------------------------------------------------------- vectors -- */

/*
 * Float16 is IEEE 754 binary16. Int8 and Int16 have one scale a vector, element =
 * integer * scale, and scale 0 is a vector of zeros. Binary has bit i, least
 * significant first, set if element i is above 0.
 */

/* Bytes of a vector; 0 for an unknown type or no dimensions. */
size_t vexipc_vector_bytes(uint32_t type, uint32_t dims);

/**
 * vexipc_vector_encode() - floats to a data type
 * @type: enum vexipc_data_type
 * @in: @dims floats
 * @dims: how many
 * @out: where to, of any alignment
 * @room: bytes there
 * @scale: set; 0 for the types that have none
 *
 * Return: bytes written; -EINVAL unknown type, or no dimensions; -ENOBUFS @room is
 * too small; -EDOM Int8 or Int16 of what is infinite or not a number.
 */
ssize_t vexipc_vector_encode(uint32_t type, const float *in, uint32_t dims, void *out,
			     size_t room, float *scale);

/**
 * vexipc_vector_decode() - a data type to floats
 * @in: the vector, of any alignment
 * @bytes: its size, which must be that of @type and @dims
 * @out: room for @dims floats; Binary becomes 1 and -1
 *
 * Return: 0; -EINVAL unknown type, no dimensions, or another size.
 */
int vexipc_vector_decode(uint32_t type, const void *in, size_t bytes, uint32_t dims,
			 float scale, float *out);

/* -------------------------------------------------------------- messages -- */

/*
 * Messages as they travel, for programs that speak the protocol themselves. All
 * of these are pure functions of their arguments (sealing reads the clock).
 */

/* CRC32C of a buffer; @crc is the result so far, 0 to begin. */
uint32_t vexipc_crc32c(uint32_t crc, const void *data, size_t len);

/* A message taken apart; @body points into it. */
struct vexipc_message {
	uint32_t type;
	uint32_t flags;
	uint64_t correlation_id;
	uint64_t timestamp_ns;
	const void *body;
	size_t body_len;
};

/**
 * vexipc_message_seal() - write the header of a message whose body is in place
 * @message: the message, its body behind room for the header
 * @len: header and body
 * @type: enum vexipc_msg_type
 * @correlation_id: as the protocol says
 * @flags: VEXIPC_MSGF_*
 */
void vexipc_message_seal(void *message, size_t len, uint32_t type,
			 uint64_t correlation_id, uint32_t flags);

/**
 * vexipc_message_build() - build a message of parts
 * @buf: where to
 * @room: of it
 * @type: enum vexipc_msg_type
 * @correlation_id: as the protocol says
 * @flags: VEXIPC_MSGF_*
 * @parts: what the body is made of
 * @count: how many parts
 *
 * Return: length of the message; -ENOBUFS no room; -EMSGSIZE longer than
 * VEXIPC_MAX_MESSAGE.
 */
ssize_t vexipc_message_build(void *buf, size_t room, uint32_t type,
			     uint64_t correlation_id, uint32_t flags,
			     const struct iovec *parts, unsigned int count);

/**
 * vexipc_message_parse() - check a message and take it apart
 * @buf: begins with a message
 * @len: bytes there are; more may follow the message
 * @message: filled
 *
 * Return: length of the message, or the negative errno that the module itself
 * would refuse it with (see <linux/vexipc.h>): ENOMSG, EPROTONOSUPPORT, EBADRQC,
 * EMSGSIZE, EOPNOTSUPP, EBADMSG, EINVAL.
 */
ssize_t vexipc_message_parse(const void *buf, size_t len,
			     struct vexipc_message *message);

/* -------------------------------------------------------------- channels -- */

struct vexipc_channel;

/* Flags of vexipc_channel_open(). */
#define VEXIPC_CHANNEL_ACK	(1u << 0)	/* netlink: errors of each send are returned */

/**
 * vexipc_channel_open() - a way to exchange messages with the module
 * @transport: VEXIPC_TRANSPORT_CHARDEV (also the default), _NETLINK or _RING
 * @flags: VEXIPC_CHANNEL_*; a client wants ACK, a service does not
 * @channel: set
 *
 * Return: 0; -ENOENT the module is not loaded; -EACCES no right to open the
 * device; -EOPNOTSUPP another transport; -ENOMEM, -EMFILE, ...
 */
int vexipc_channel_open(uint32_t transport, uint32_t flags,
			struct vexipc_channel **channel);
void vexipc_channel_close(struct vexipc_channel *channel);

/* Readable when vexipc_channel_recv() has, or may have, something; owned by the channel. */
int vexipc_channel_fd(const struct vexipc_channel *channel);
uint32_t vexipc_channel_transport(const struct vexipc_channel *channel);

/**
 * vexipc_channel_send() - send one message
 *
 * Whatever it holds: nothing is checked here, a malformed one is for the module
 * to refuse. Long ones travel netlink in fragments. Return: 0 or the negative
 * errno the module answered; over netlink without VEXIPC_CHANNEL_ACK only
 * those of the socket.
 */
int vexipc_channel_send(struct vexipc_channel *channel, const void *message, size_t len);

/**
 * vexipc_channel_recv() - receive one whole message
 * @buf: malloc()ed or NULL; grown with realloc() as needed
 * @room: of it; updated
 * @timeout_ms: how long to wait
 *
 * Return: length of the message; -EAGAIN none came in time; -EINTR a signal; or
 * another negative errno.
 */
ssize_t vexipc_channel_recv(struct vexipc_channel *channel, void **buf,
			    size_t *room, int timeout_ms);

/* ---------------------------------------------------------------- client -- */

struct vexipc_client;

/**
 * struct vexipc_embed_params - what to embed, and how
 *
 * Begin with VEXIPC_EMBED_PARAMS_INIT. @content is not touched and not kept.
 */
struct vexipc_embed_params {
	const void *content;
	size_t content_len;		/* at least 1 */
	uint32_t content_type;		/* enum vexipc_content_type */
	uint32_t data_type;		/* enum vexipc_data_type, of the vector wanted */
	uint32_t dimensions;		/* 0: whatever the service has */
	uint32_t priority;		/* 0-255 */
	uint32_t timeout_ms;		/* 0: the instance's request_timeout_ms */
	uint32_t algorithm;		/* 0: the instance's */
	uint64_t session;		/* 0: none; see vexipc_session() */
	uint64_t request_id;		/* 0: choose one */
	const char *model;		/* NULL: any */
	const char *service;		/* NULL: any; else only the service of this id */
	uint32_t flags;			/* VEXIPC_EMBED_* */
};

#define VEXIPC_EMBED_PARAMS_INIT { .priority = VEXIPC_PRIORITY_NORMAL }

/**
 * struct vexipc_result - what came of one text
 *
 * Zero it before first use, use it as often as you like, then
 * vexipc_result_free(). Figures are valid as far as the request came.
 */
struct vexipc_result {
	uint64_t request_id;
	uint64_t service_handle;	/* who answered; 0: nobody */
	uint64_t queue_ns;		/* from submission to sending, last attempt */
	uint64_t service_ns;		/* from sending to answer, last attempt */
	uint32_t error;			/* enum vexipc_error */
	uint32_t kind;			/* VEXIPC_ERROR_* of a failure */
	uint32_t retry_after_ms;	/* 0: unknown */
	uint32_t attempts;
	uint32_t dimensions;
	uint32_t data_type;
	float scale;			/* Int8, Int16: what one step is */
	uint32_t vector_bytes;
	void *vector;			/* malloc()ed, as is */
	size_t room;			/* of vector */
	char text[VEXIPC_MAX_ERROR_TEXT + 1];	/* what the service said of a failure */
	uint32_t flags;			/* VEXIPC_RESULT_*: where the answer is from */
};

void vexipc_result_free(struct vexipc_result *result);

/**
 * struct vexipc_completion - the end of an asynchronous request
 *
 * Of a batch, @count is the number of its items and @items their results; when
 * the batch failed as a whole, @count is 0 and @result says why. Zero it before
 * first use, reuse it, then vexipc_completion_free().
 */
struct vexipc_completion {
	struct vexipc_result result;
	bool batch;
	uint32_t count;
	uint32_t items_room;
	struct vexipc_result *items;
};

void vexipc_completion_free(struct vexipc_completion *completion);

/**
 * vexipc_client_open() - become a client
 * @transport: VEXIPC_TRANSPORT_DEFAULT or _CHARDEV, or _NETLINK
 * @client: set
 *
 * Return: as vexipc_channel_open().
 */
int vexipc_client_open(uint32_t transport, struct vexipc_client **client);
/* Requests still under way are cancelled. */
void vexipc_client_close(struct vexipc_client *client);

/**
 * vexipc_embed() - embed, and wait for it
 * @client: any number of threads may embed through one
 * @params: what
 * @result: filled, on failure too
 *
 * Return: 0, or the negative errno of result->error. -EINTR when a signal came:
 * the request is cancelled.
 */
int vexipc_embed(struct vexipc_client *client, const struct vexipc_embed_params *params,
		 struct vexipc_result *result);
/* The same with defaults for all but the text. */
int vexipc_embed_text(struct vexipc_client *client, const char *text,
		      struct vexipc_result *result);

/**
 * vexipc_embed_batch() - embed several texts in one call, and wait
 * @params: as for one; its content and request_id are not used
 * @items: the texts, of at most VEXIPC_MAX_MESSAGE bytes together
 * @count: how many, 1 to VEXIPC_MAX_BATCH
 * @completion: filled: items in the order of the texts, each with its error
 *
 * No service need take so many: they travel in batches of what services take,
 * down to single requests, and each item fails as a single request would.
 * Return: 0 when each item has its result, though all may have failed; -EINTR a
 * signal came, items that were not answered have ERR_INTERRUPTED; or the negative
 * errno of completion->result.error, then there are no items.
 */
int vexipc_embed_batch(struct vexipc_client *client,
		       const struct vexipc_embed_params *params,
		       const struct iovec *items, uint32_t count,
		       struct vexipc_completion *completion);

/**
 * vexipc_embed_submit() - embed without waiting
 * @request_id: set to the id of the request
 *
 * Return: 0, then exactly one completion comes from vexipc_client_next(); or a
 * negative errno, then none comes: -EAGAIN the queues fill up, see
 * vexipc_client_wait_room().
 */
int vexipc_embed_submit(struct vexipc_client *client,
			const struct vexipc_embed_params *params, uint64_t *request_id);
/*
 * The same for a batch. It goes to one service as it is, whose max_batch is at
 * least @count, and may fail as a whole.
 */
int vexipc_batch_submit(struct vexipc_client *client,
			const struct vexipc_embed_params *params,
			const struct iovec *items, uint32_t count, uint64_t *request_id);
/*
 * When to come back, as the last vexipc_embed_submit() that was refused at once
 * was told; 0: unknown. What is refused later tells it in its completion.
 */
uint32_t vexipc_client_retry_after_ms(const struct vexipc_client *client);

/**
 * vexipc_client_wait_room() - wait until there is room for what was refused
 * @timeout_ms: -1: for ever
 *
 * Return: 0 there was, a moment ago; -EAGAIN not in time; -EINTR a signal.
 */
int vexipc_client_wait_room(struct vexipc_client *client, int timeout_ms);

/* Readable when vexipc_client_next() has, or may have, a completion. */
int vexipc_client_fd(const struct vexipc_client *client);

/**
 * vexipc_client_next() - the next completion, in the order they come
 *
 * Return: 0; -EAGAIN none in time; -EINTR a signal; or another negative errno.
 * That the request itself failed is in completion->result.error.
 */
int vexipc_client_next(struct vexipc_client *client,
		       struct vexipc_completion *completion, int timeout_ms);

/**
 * vexipc_client_cancel() - give up a request; it completes with ERR_CANCELLED
 *
 * Return: 0; -ESRCH this client has no such request under way.
 */
int vexipc_client_cancel(struct vexipc_client *client, uint64_t request_id);

struct vexipc_health {
	uint64_t handle;		/* 0: the module itself */
	uint64_t round_trip_ns;		/* between module and service */
	uint32_t health;		/* 0-100 */
	uint32_t in_flight;
	uint32_t queue_depth;
	uint32_t services;		/* how many there are */
};

/**
 * vexipc_ping() - ask a service, or the module, how it is
 * @service: id, or NULL for the module
 * @timeout_ms: 0 for 5000
 * @health: filled
 *
 * Return: 0; -ENOENT no such service; -ETIMEDOUT; ...
 */
int vexipc_ping(struct vexipc_client *client, const char *service,
		uint32_t timeout_ms, struct vexipc_health *health);

/* --------------------------------------------------------------- service -- */

struct vexipc_service;

/* What a service is. Zero and NULL mean the default of the field. */
struct vexipc_service_config {
	const char *id;			/* unique, 1 to VEXIPC_MAX_NAME bytes */
	const char *name;
	const char *software_version;
	const char *endpoint;		/* where else it can be reached, free text */
	const char *const *models;	/* NULL-terminated array, or NULL */
	const char *const *metadata;	/* the same, of "key=value" */
	const void *token;
	size_t token_len;
	const uint32_t *dimensions;	/* that it can do; none: any */
	uint32_t dimensions_count;
	uint32_t data_types;		/* mask of 1 << enum vexipc_data_type; 0: float32 */
	uint32_t max_batch;		/* 0: 1, and single requests only */
	uint32_t priority;		/* tier, 0-255, higher is preferred */
	uint32_t weight;		/* 1-1000 */
	uint32_t max_concurrent;	/* requests in flight */
	uint32_t latency_us;		/* typical, for one item */
	uint32_t throughput;		/* items a second */
	uint32_t transport;		/* DEFAULT: the instance's, else ring, netlink, chardev */
	uint32_t queues;		/* of a ring, for threads that serve; 0: 1 */
	uint32_t timeout_ms;		/* for the answer to registering; 0: 5000 */
	uint32_t drain_ms;		/* to finish requests at the end of serve; 0: 10000 */
};

/**
 * struct vexipc_request - work for a service
 *
 * Zero it before first use and use it again and again; it owns its memory, until
 * vexipc_request_free(). Pointers are valid until it is used again.
 */
struct vexipc_request {
	uint32_t type;			/* EMBED_REQUEST, BATCH_REQUEST or HEALTH_CHECK */
	uint64_t correlation_id;	/* the module's */
	uint64_t session;
	uint64_t deadline_ns;		/* CLOCK_MONOTONIC */
	uint32_t dimensions;		/* 0: your own */
	uint32_t data_type;
	uint32_t content_type;
	uint32_t priority;
	const char *model;		/* not NUL-terminated */
	size_t model_len;
	uint32_t count;			/* 1, or items of a batch */
	const void *content;		/* of a single request */
	size_t content_len;
	const void *next_item;		/* private */
	void *buf;			/* private */
	size_t room;			/* private */
	bool open;			/* private: not answered yet */
	unsigned int thread;		/* in a serve loop: which of its threads */
};

void vexipc_request_free(struct vexipc_request *request);

/**
 * vexipc_request_item() - the next content of a request
 * @content: set
 * @len: set
 *
 * Works for single requests and batches alike. Return: whether there was one.
 */
bool vexipc_request_item(struct vexipc_request *request, const void **content,
			 size_t *len);

/* One vector of an answer; or, in batches, why there is none. */
struct vexipc_vector {
	const void *data;
	size_t bytes;
	uint32_t dimensions;
	uint32_t data_type;
	float scale;			/* as vexipc_vector_encode() gave it */
	uint32_t error;			/* enum vexipc_error */
	uint32_t kind;			/* VEXIPC_ERROR_* of it, as in vexipc_service_fail() */
};

/**
 * vexipc_service_open() - register a service
 *
 * Return: 0; -EPERM it takes CAP_NET_ADMIN; -EEXIST the id is taken; -ENOENT the
 * module is not loaded; -EINVAL, -ERANGE, -EILSEQ a field; or another negative errno.
 */
int vexipc_service_open(const struct vexipc_service_config *config,
			struct vexipc_service **service);
/* Ends it; requests in hand fail over. */
void vexipc_service_close(struct vexipc_service *service);

uint64_t vexipc_service_handle(const struct vexipc_service *service);
uint32_t vexipc_service_transport(const struct vexipc_service *service);
/* What both sides can do: VEXIPC_FEATURE_*. */
uint64_t vexipc_service_features(const struct vexipc_service *service);
/* How often the module wants to hear of it. */
uint32_t vexipc_service_heartbeat_ms(const struct vexipc_service *service);
/* Its channel, for programs that send messages of their own making. */
struct vexipc_channel *vexipc_service_channel(struct vexipc_service *service);
/* Readable when vexipc_service_next() has, or may have, something. */
int vexipc_service_fd(const struct vexipc_service *service);

/* Flags of vexipc_service_next(). */
#define VEXIPC_NEXT_HEALTH	(1u << 0)	/* hand out HEALTH_CHECKs, too */

/**
 * vexipc_service_next() - the next request
 * @request: filled
 * @flags: VEXIPC_NEXT_*; without HEALTH, health checks are answered here
 * @timeout_ms: how long to wait
 *
 * Return: 0; -EAGAIN none in time; -EINTR a signal; -ESHUTDOWN the service is
 * unregistered, by itself, by drain, or by the module; -ECANCELED
 * vexipc_service_stop(); or another negative errno.
 */
int vexipc_service_next(struct vexipc_service *service, struct vexipc_request *request,
			uint32_t flags, int timeout_ms);

/**
 * vexipc_service_answer() - answer a request with a vector
 *
 * Any thread may; each request is answered once. Return: 0, or a negative errno
 * of sending; over chardev also of the message.
 */
int vexipc_service_answer(struct vexipc_service *service, struct vexipc_request *request,
			  const struct vexipc_vector *vector);
/* The same with floats, encoded as the request wants them. */
int vexipc_service_answer_floats(struct vexipc_service *service,
				 struct vexipc_request *request, const float *vector,
				 uint32_t dimensions);
/* Answer a batch: request->count vectors in the order of the items. */
int vexipc_service_answer_batch(struct vexipc_service *service,
				struct vexipc_request *request,
				const struct vexipc_vector *vectors);
/**
 * vexipc_service_fail() - answer a request with an error
 * @error: enum vexipc_error, as ERR_SERVICE_FAILED, ERR_OVERLOADED, ERR_INVALID
 * @kind: VEXIPC_ERROR_*: may it succeed elsewhere? is it only load?
 * @retry_after_ms: 0 for unknown
 * @text: for people; NULL for none; cut at VEXIPC_MAX_ERROR_TEXT
 */
int vexipc_service_fail(struct vexipc_service *service, struct vexipc_request *request,
			uint32_t error, uint32_t kind, uint32_t retry_after_ms,
			const char *text);
/* Answer a HEALTH_CHECK that was handed out: 0-100. */
int vexipc_service_answer_health(struct vexipc_service *service,
				 struct vexipc_request *request, uint32_t health);

/**
 * vexipc_service_heartbeat() - tell the module this service is well
 *
 * With CPU and memory as the system counts them for this process, since the
 * last heartbeat, and the requests in hand. vexipc_service_serve() does it by
 * itself. Return: 0 or a negative errno.
 */
int vexipc_service_heartbeat(struct vexipc_service *service);

/**
 * vexipc_service_drain() - take no more, finish what is in hand, unregister
 *
 * Does not wait: go on with vexipc_service_next() until -ESHUTDOWN.
 */
int vexipc_service_drain(struct vexipc_service *service);

/**
 * vexipc_service_unregister() - end the service now, and wait until it is
 *
 * Not while another thread is in vexipc_service_next().
 * Return: how many requests failed over; or a negative errno.
 */
int vexipc_service_unregister(struct vexipc_service *service);

/**
 * vexipc_service_handler - what a service does with a request
 *
 * Called from several threads at once. It answers or fails the request; if it
 * does not, its return value, a negative errno, becomes the error (0 as -EREMOTEIO).
 */
typedef int (*vexipc_service_handler)(struct vexipc_service *service,
				      struct vexipc_request *request, void *context);

/**
 * vexipc_service_serve() - answer requests until stopped
 * @handler: called for each
 * @threads: how many call it at once; 0 for one
 * @context: for @handler
 *
 * Sends heartbeats. Over a ring, what a handler answers goes when it returns, with
 * the system call that fetches the thread's next request. vexipc_service_stop() drains and ends it, the second
 * one ends it at once. Return: 0 stopped; or a negative errno, as
 * -ESHUTDOWN the module ended the service.
 */
int vexipc_service_serve(struct vexipc_service *service, vexipc_service_handler handler,
			 unsigned int threads, void *context);

/* End serving. Safe in signal handlers. */
void vexipc_service_stop(struct vexipc_service *service);

/* ----------------------------------------------------------------- admin -- */

struct vexipc_admin;

/* Opens the device. Return: as vexipc_channel_open(). */
int vexipc_admin_open(struct vexipc_admin **admin);
void vexipc_admin_close(struct vexipc_admin *admin);

/* Which services: zero matches all. */
struct vexipc_filter {
	uint32_t dimensions;
	uint32_t data_types;		/* all of these, a mask of 1 << type */
	uint32_t states;		/* mask of 1 << enum vexipc_service_state */
	const char *model;
};

/**
 * vexipc_admin_list() - the services there are
 * @filter: NULL for all
 * @entries: set to a malloc()ed array, NULL when there are none
 * @count: set
 */
int vexipc_admin_list(struct vexipc_admin *admin, const struct vexipc_filter *filter,
		      struct vexipc_service_entry **entries, uint32_t *count);

/**
 * vexipc_admin_status() - one service
 * @id: its id, or NULL to find it by @handle
 * @handle: its handle, if @id is NULL
 * @entry: filled
 * @text: NULL, or set to the malloc()ed "endpoint=", "model=" and "key=value"
 *	  strings, each NUL-terminated
 * @text_len: of all of them; NULL if @text is
 *
 * Return: 0; -ENOENT no such service; ...
 */
int vexipc_admin_status(struct vexipc_admin *admin, const char *id, uint64_t handle,
			struct vexipc_service_entry *entry, char **text, size_t *text_len);

/* Counters of the instance, or with an id of one service. -ENOENT: no such service. */
int vexipc_admin_stats(struct vexipc_admin *admin, const char *id,
		       struct vexipc_stats *stats);

/* Read or change configuration, all entries or none; *refused is the index of one refused. */
int vexipc_admin_config_get(struct vexipc_admin *admin,
			    struct vexipc_config_entry *entries, uint32_t count,
			    uint32_t *refused);
int vexipc_admin_config_set(struct vexipc_admin *admin,
			    struct vexipc_config_entry *entries, uint32_t count,
			    uint32_t *refused);

/* Send a service nothing new; let it have requests again. Need CAP_NET_ADMIN. */
int vexipc_admin_drain(struct vexipc_admin *admin, const char *id);
int vexipc_admin_resume(struct vexipc_admin *admin, const char *id);
/* @op: VEXIPC_CONTROL_BREAKER_OPEN, _CLOSED to hold it so, _AUTO. */
int vexipc_admin_breaker(struct vexipc_admin *admin, const char *id, uint32_t op);
/*
 * What a service's breaker goes by, all entries or none: breaker_* fields of the
 * configuration; VEXIPC_BREAKER_INHERIT makes one the instance's again. *refused is
 * the index of one refused.
 */
int vexipc_admin_breaker_limits(struct vexipc_admin *admin, const char *id,
				const struct vexipc_config_entry *entries, uint32_t count,
				uint32_t *refused);

/**
 * vexipc_admin_policies() - the balancing policies there are
 * @use: NULL, or which one the instance names
 * @entries: set to a malloc()ed array, NULL when there are none
 * @count: set
 *
 * Return: 0; -EOPNOTSUPP the module is loaded without BTF; ...
 */
int vexipc_admin_policies(struct vexipc_admin *admin, struct vexipc_policy_use *use,
			  struct vexipc_policy_entry **entries, uint32_t *count);

/**
 * vexipc_admin_policy_name() - have the instance use a policy
 * @name: of one that is loaded; NULL for none
 *
 * Needs CAP_NET_ADMIN. Return: 0; -ENOENT none is loaded by that name;
 * -EOPNOTSUPP there are no policies; ...
 */
int vexipc_admin_policy_name(struct vexipc_admin *admin, const char *name);

/* Who may register without privilege: all of it needs the right to administer. */

/**
 * vexipc_admin_tokens() - the registration tokens there are, without their secrets
 * @entries: set to a malloc()ed array
 * @count: set
 */
int vexipc_admin_tokens(struct vexipc_admin *admin, struct vexipc_token_entry **entries,
			uint32_t *count);

/**
 * vexipc_admin_token_issue() - make a token
 * @token: what it is good for; the rest is filled in
 * @expires_sec: so long; 0 for ever
 * @secret: set; this is told once
 *
 * Return: 0; -ENOSPC there are VEXIPC_MAX_TOKENS; ...
 */
int vexipc_admin_token_issue(struct vexipc_admin *admin, struct vexipc_token_entry *token,
			     uint32_t expires_sec, uint8_t secret[VEXIPC_TOKEN_BYTES]);
/* With @unregister its services go; how many. -ENOENT: no such token. */
int vexipc_admin_token_revoke(struct vexipc_admin *admin, uint64_t id, bool unregister);

/* A secret as people and files have it: hexadecimal, with its NUL. */
#define VEXIPC_TOKEN_TEXT	(2 * VEXIPC_TOKEN_BYTES + 1)
void vexipc_token_format(const uint8_t secret[VEXIPC_TOKEN_BYTES],
			 char text[VEXIPC_TOKEN_TEXT]);
/* White space may follow. 0; -EINVAL that is no token; of a file also its errors. */
int vexipc_token_parse(const char *text, uint8_t secret[VEXIPC_TOKEN_BYTES]);
int vexipc_token_read(const char *file, uint8_t secret[VEXIPC_TOKEN_BYTES]);

/* Access rules, in their order; see struct vexipc_rule_entry. */
int vexipc_admin_rules(struct vexipc_admin *admin, struct vexipc_rule_entry **entries,
		       uint32_t *count);
/* Before the rule of that id, 0 for the end; sets rule->id. Needs CAP_NET_ADMIN. */
int vexipc_admin_rule_add(struct vexipc_admin *admin, struct vexipc_rule_entry *rule,
			  uint64_t before);
int vexipc_admin_rule_remove(struct vexipc_admin *admin, uint64_t id);
int vexipc_admin_rules_clear(struct vexipc_admin *admin);	/* how many there were */

/**
 * vexipc_admin_cache_flush() - have the instance forget answers it keeps
 * @model: of this model alone, or NULL
 * @service: that this service gave, or NULL
 * @flushed: NULL, or set to how many there were
 *
 * Needs CAP_NET_ADMIN. Return: 0; -EPERM; -EINVAL a name that none can have.
 */
int vexipc_admin_cache_flush(struct vexipc_admin *admin, const char *model,
			     const char *service, uint32_t *flushed);

/* ---------------------------------------------------------------- fields -- */

/* How the number of a field is meant. */
enum vexipc_field_kind {
	VEXIPC_FIELD_NUMBER,
	VEXIPC_FIELD_HEX,		/* an opaque number */
	VEXIPC_FIELD_STRING,		/* char array, NUL-padded */
	VEXIPC_FIELD_STATE,
	VEXIPC_FIELD_TRANSPORT,
	VEXIPC_FIELD_ALGORITHM,
	VEXIPC_FIELD_BOOL,
	VEXIPC_FIELD_TYPES,		/* mask of data types */
	VEXIPC_FIELD_FEATURES,		/* mask of features */
	VEXIPC_FIELD_LIST,		/* __u32 array, its count in entry->dimensions_count */
	VEXIPC_FIELD_ERRORS,		/* __u64 array by enum vexipc_error */
	VEXIPC_FIELD_ERROR,		/* enum vexipc_error */
	VEXIPC_FIELD_SIZES,		/* __u64 array by power of two */
	VEXIPC_FIELD_BREAKER,
	VEXIPC_FIELD_RATE,		/* two __u64 in a row: how many of both are of the first */
	VEXIPC_FIELD_REAL,		/* double; NAN: not known */
};

/* One field of a structure: what tables, JSON and tools print it from. */
struct vexipc_field {
	const char *name;		/* as in JSON */
	const char *title;		/* as a column's head; NULL: only in long forms */
	const char *unit;		/* "ms", "bytes", ...; "" for none */
	uint16_t offset;
	uint16_t size;			/* bytes; of arrays, all of it */
	uint32_t number;		/* enum vexipc_config_field, for those */
	enum vexipc_field_kind kind;
	bool privileged;		/* config: changing it needs CAP_NET_ADMIN */
	const char *help;
	const char *brief;		/* as a narrow column's head; NULL: the title */
};

/* Tables, ended by an entry whose name is NULL. */
const struct vexipc_field *vexipc_service_fields(void);	/* struct vexipc_service_entry */
const struct vexipc_field *vexipc_policy_fields(void);
const struct vexipc_field *vexipc_token_fields(void);
const struct vexipc_field *vexipc_rule_fields(void);
const struct vexipc_field *vexipc_stats_fields(void);	/* struct vexipc_stats */
const struct vexipc_field *vexipc_config_fields(void);	/* enum vexipc_config_field */

/* The field of that name, or NULL. */
const struct vexipc_field *vexipc_field_find(const struct vexipc_field *table,
					     const char *name);
/* The number in a field of up to 8 bytes; of a rate, permille; 0 for strings and arrays. */
uint64_t vexipc_field_value(const struct vexipc_field *field, const void *object);
/* The same of any field that is a number. */
double vexipc_field_real(const struct vexipc_field *field, const void *object);
/**
 * vexipc_field_format() - a field as people read it
 *
 * Return: length it has, as snprintf().
 */
int vexipc_field_format(const struct vexipc_field *field, const void *object,
			char *buf, size_t room);
/* The same for a value of configuration, which has no structure of its own. */
int vexipc_config_format(const struct vexipc_field *field, uint64_t value,
			 char *buf, size_t room);
/* The reverse: a number, true or false, or a name where the field has names. */
int vexipc_config_parse(const struct vexipc_field *field, const char *text,
			uint64_t *value);

/* --------------------------------------------------------------- monitor -- */

struct vexipc_monitor;

enum vexipc_event_type {
	VEXIPC_EVENT_SERVICE	= 1,	/* a service came, changed or went */
	VEXIPC_EVENT_ALERT	= 2,
	VEXIPC_EVENT_DISCOVERY	= 3,	/* the module looks for signs of life */
};

struct vexipc_event {
	enum vexipc_event_type type;
	uint64_t time_ns;		/* CLOCK_MONOTONIC */
	uint32_t alert;			/* enum vexipc_alert_kind */
	uint64_t value;			/* of the alert: what its kind counts */
	struct vexipc_service_entry service;	/* what is known of it; id of an alert's */
	char text[VEXIPC_MAX_ERROR_TEXT + 1];
};

/* Listen to the groups "discovery" and "alerts". Return: as vexipc_channel_open(). */
int vexipc_monitor_open(struct vexipc_monitor **monitor);
void vexipc_monitor_close(struct vexipc_monitor *monitor);
int vexipc_monitor_fd(const struct vexipc_monitor *monitor);
/*
 * Return: 0; -EAGAIN nothing in time; -ENOBUFS events were lost, go on; -EINTR;
 * or another negative errno. One thread at a time.
 */
int vexipc_monitor_next(struct vexipc_monitor *monitor, struct vexipc_event *event,
			int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
