// SPDX-License-Identifier: LGPL-2.1-or-later
/* Errors: their names, what they mean to people, and the errno of each. */
#include <errno.h>

#include "internal.h"

struct row {
	int err;
	const char *name;
	const char *text;
};

#define ROW(error_, errno_, name_, text_) \
	[VEXIPC_##error_] = { -(errno_), (name_), (text_) }

static const struct row rows[VEXIPC_ERRORS] = {
	ROW(OK, 0, "ok", "no error"),
	ROW(ERR_NO_SUCH_SERVICE, ENOENT, "no_such_service",
	    "no service has this id: see 'vexipc services'"),
	ROW(ERR_NO_CAPABLE_SERVICE, ENODEV, "no_capable_service",
	    "no service can do this: start one, as vexipc-embedd, or ask for less: "
	    "other dimensions, type or model"),
	ROW(ERR_ALL_BREAKERS_OPEN, EHOSTDOWN, "all_breakers_open",
	    "every capable service failed too often and is being left alone: try again later"),
	ROW(ERR_QUEUE_FULL, ENOBUFS, "queue_full",
	    "too many requests wait already: try again later, or raise max_queue_size"),
	ROW(ERR_RATE_LIMITED, EDQUOT, "rate_limited",
	    "more requests than are allowed: try again later"),
	ROW(ERR_DENIED, EACCES, "denied", "an access rule or the token does not allow it: ask who administers vexipc"),
	ROW(ERR_TIMED_OUT, ETIMEDOUT, "timed_out",
	    "no answer in time: give it more time, or more services"),
	ROW(ERR_CANCELLED, ECANCELED, "cancelled", "the request was cancelled"),
	ROW(ERR_SERVICE_DIED, ECONNRESET, "service_died",
	    "the service ended before it answered: try again"),
	ROW(ERR_TRANSPORT, ECOMM, "transport_failed",
	    "the request could not be carried to a service: try again"),
	ROW(ERR_BAD_ANSWER, EPROTO, "bad_answer",
	    "the service's answer makes no sense: look at its log"),
	ROW(ERR_TOO_LARGE, EMSGSIZE, "too_large",
	    "too large: a message has at most 16 MiB"),
	ROW(ERR_BAD_CHECKSUM, EBADMSG, "bad_checksum", "the checksum of a message is wrong"),
	ROW(ERR_BAD_VERSION, EPROTONOSUPPORT, "bad_version",
	    "no protocol version both sides know: update the older one"),
	ROW(ERR_SHUTTING_DOWN, ESHUTDOWN, "shutting_down", "the module or the service is ending"),
	ROW(ERR_SERVICE_FAILED, EREMOTEIO, "service_failed",
	    "the service could not do it: look at its log"),
	ROW(ERR_OVERLOADED, EBUSY, "overloaded",
	    "the services are overloaded: try again later"),
	ROW(ERR_INVALID, EINVAL, "invalid", "not a valid request"),
	ROW(ERR_UNSUPPORTED, EOPNOTSUPP, "unsupported", "not offered by this version"),
	ROW(ERR_EXISTS, EEXIST, "exists", "there is one of this id already"),
	ROW(ERR_NO_MEMORY, ENOMEM, "no_memory", "out of memory"),
	ROW(ERR_RESULT_TOO_SMALL, ENOSPC, "result_too_small", "no room for the vector"),
	ROW(ERR_TOO_MANY_REQUESTS, EUSERS, "too_many_requests",
	    "too many requests at once: try again later, or raise max_concurrent_requests"),
	ROW(ERR_TOO_MANY_SERVICES, ENFILE, "too_many_services",
	    "there are as many services as there can be"),
	ROW(ERR_NOT_PERMITTED, EPERM, "not_permitted", "it takes CAP_NET_ADMIN, a token or an access rule: use sudo, or see 'Access' in vexipc(1)"),
	ROW(ERR_BAD_MAGIC, ENOMSG, "bad_magic", "not a vexipc message"),
	ROW(ERR_BAD_TYPE, EBADRQC, "bad_type", "a message of a type that is not known here"),
	ROW(ERR_BAD_STRING, EILSEQ, "bad_string",
	    "a string is not UTF-8 or has control characters"),
	ROW(ERR_FAULT, EFAULT, "bad_address", "bad address"),
	ROW(ERR_OUT_OF_RANGE, ERANGE, "out_of_range",
	    "a value is out of its range: see 'vexipc config show'"),
	ROW(ERR_WOULD_BLOCK, EAGAIN, "would_block",
	    "nothing there yet, or no room: wait until the descriptor is ready"),
	ROW(ERR_INTERRUPTED, EINTR, "interrupted", "interrupted by a signal"),
	ROW(ERR_NO_SUCH_REQUEST, ESRCH, "no_such_request", "no such request is under way"),
	ROW(ERR_SHED, EXFULL, "shed",
	    "overloaded: given up for what is more important; try again later, or start services"),
};

static const struct row *row_of(uint32_t error)
{
	static const struct row unknown = {
		-EREMOTEIO, "unknown", "an error this library does not know: update it",
	};

	return error < VEXIPC_ERRORS ? &rows[error] : &unknown;
}

const char *vexipc_strerror(uint32_t error)
{
	return row_of(error)->text;
}

const char *vexipc_error_name(uint32_t error)
{
	return row_of(error)->name;
}

int vexipc_error_errno(uint32_t error)
{
	return row_of(error)->err;
}

uint32_t vexipc_error_from_errno(int err)
{
	for (uint32_t i = 0; i < VEXIPC_ERRORS; i++)
		if (rows[i].err == err)
			return i;
	return VEXIPC_ERR_TRANSPORT;
}
