// SPDX-License-Identifier: GPL-2.0-only
/* IpcError, VexfsError and errno: one table. */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>

#include "error.h"

struct error_row {
	int err;
	enum vexfs_error class;
	const char *name;
};

#define ROW(error_, errno_, class_, name_) \
	[VEXIPC_##error_] = { .err = -(errno_), .class = VEXFS_##class_, .name = (name_) }

static const struct error_row rows[VEXIPC_ERRORS] = {
	ROW(OK,			    0,		     OK,		"ok"),
	ROW(ERR_NO_SUCH_SERVICE,    ENOENT,	     ERR_NOT_FOUND,	"no_such_service"),
	ROW(ERR_NO_CAPABLE_SERVICE, ENODEV,	     ERR_UNAVAILABLE,	"no_capable_service"),
	ROW(ERR_ALL_BREAKERS_OPEN,  EHOSTDOWN,	     ERR_UNAVAILABLE,	"all_breakers_open"),
	ROW(ERR_QUEUE_FULL,	    ENOBUFS,	     ERR_EXHAUSTED,	"queue_full"),
	ROW(ERR_RATE_LIMITED,	    EDQUOT,	     ERR_EXHAUSTED,	"rate_limited"),
	ROW(ERR_DENIED,		    EACCES,	     ERR_PERMISSION,	"denied"),
	ROW(ERR_TIMED_OUT,	    ETIMEDOUT,	     ERR_TIMED_OUT,	"timed_out"),
	ROW(ERR_CANCELLED,	    ECANCELED,	     ERR_CANCELLED,	"cancelled"),
	ROW(ERR_SERVICE_DIED,	    ECONNRESET,	     ERR_UNAVAILABLE,	"service_died"),
	ROW(ERR_TRANSPORT,	    ECOMM,	     ERR_IO,		"transport_failed"),
	ROW(ERR_BAD_ANSWER,	    EPROTO,	     ERR_PROTOCOL,	"bad_answer"),
	ROW(ERR_TOO_LARGE,	    EMSGSIZE,	     ERR_TOO_LARGE,	"too_large"),
	ROW(ERR_BAD_CHECKSUM,	    EBADMSG,	     ERR_PROTOCOL,	"bad_checksum"),
	ROW(ERR_BAD_VERSION,	    EPROTONOSUPPORT, ERR_PROTOCOL,	"bad_version"),
	ROW(ERR_SHUTTING_DOWN,	    ESHUTDOWN,	     ERR_UNAVAILABLE,	"shutting_down"),
	ROW(ERR_SERVICE_FAILED,	    EREMOTEIO,	     ERR_IO,		"service_failed"),
	ROW(ERR_OVERLOADED,	    EBUSY,	     ERR_EXHAUSTED,	"overloaded"),
	ROW(ERR_INVALID,	    EINVAL,	     ERR_INVALID,	"invalid"),
	ROW(ERR_UNSUPPORTED,	    EOPNOTSUPP,	     ERR_UNSUPPORTED,	"unsupported"),
	ROW(ERR_EXISTS,		    EEXIST,	     ERR_EXISTS,	"exists"),
	ROW(ERR_NO_MEMORY,	    ENOMEM,	     ERR_EXHAUSTED,	"no_memory"),
	ROW(ERR_RESULT_TOO_SMALL,   ENOSPC,	     ERR_TOO_LARGE,	"result_too_small"),
	ROW(ERR_TOO_MANY_REQUESTS,  EUSERS,	     ERR_EXHAUSTED,	"too_many_requests"),
	ROW(ERR_TOO_MANY_SERVICES,  ENFILE,	     ERR_EXHAUSTED,	"too_many_services"),
	ROW(ERR_NOT_PERMITTED,	    EPERM,	     ERR_PERMISSION,	"not_permitted"),
	ROW(ERR_BAD_MAGIC,	    ENOMSG,	     ERR_PROTOCOL,	"bad_magic"),
	ROW(ERR_BAD_TYPE,	    EBADRQC,	     ERR_PROTOCOL,	"bad_type"),
	ROW(ERR_BAD_STRING,	    EILSEQ,	     ERR_INVALID,	"bad_string"),
	ROW(ERR_FAULT,		    EFAULT,	     ERR_INVALID,	"bad_address"),
	ROW(ERR_OUT_OF_RANGE,	    ERANGE,	     ERR_INVALID,	"out_of_range"),
	ROW(ERR_WOULD_BLOCK,	    EAGAIN,	     ERR_EXHAUSTED,	"would_block"),
	ROW(ERR_INTERRUPTED,	    EINTR,	     ERR_CANCELLED,	"interrupted"),
	ROW(ERR_NO_SUCH_REQUEST,    ESRCH,	     ERR_NOT_FOUND,	"no_such_request"),
	ROW(ERR_SHED,		    EXFULL,	     ERR_EXHAUSTED,	"shed"),
};

static const struct error_row *row_of(enum vexipc_error error)
{
	return &rows[error < VEXIPC_ERRORS ? error : VEXIPC_ERR_SERVICE_FAILED];
}

/**
 * vexipc_error_errno() - the negative errno an error is reported with
 * @error: what went wrong
 *
 * Return: 0 for VEXIPC_OK, else the negative errno of the table.
 */
int vexipc_error_errno(enum vexipc_error error)
{
	return row_of(error)->err;
}
EXPORT_SYMBOL_GPL(vexipc_error_errno);

/**
 * vexipc_error_class() - the VexfsError an error belongs to
 * @error: what went wrong
 */
enum vexfs_error vexipc_error_class(enum vexipc_error error)
{
	return row_of(error)->class;
}
EXPORT_SYMBOL_GPL(vexipc_error_class);

/**
 * vexipc_error_from_errno() - the error that a negative errno stands for
 * @err: 0 or a negative errno
 *
 * Return: the row whose errno it is; VEXIPC_ERR_TRANSPORT for one of no row.
 */
enum vexipc_error vexipc_error_from_errno(int err)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].err == err)
			return i;
	return VEXIPC_ERR_TRANSPORT;
}
EXPORT_SYMBOL_GPL(vexipc_error_from_errno);

/**
 * vexipc_error_name() - a short name, as statistics and traces show it
 * @error: what went wrong
 */
const char *vexipc_error_name(enum vexipc_error error)
{
	return row_of(error)->name;
}
