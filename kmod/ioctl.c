// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls of /dev/vexipc. */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/ioctls.h>

#include "access.h"
#include "batch_call.h"
#include "cache.h"
#include "context.h"
#include "device.h"
#include "embed_call.h"
#include "error.h"
#include "instance.h"
#include "memory.h"
#include "message.h"
#include "policy.h"
#include "protocol.h"
#include "registry.h"
#include "request.h"
#include "ring.h"
#include "rules.h"
#include "spec.h"
#include "submit_call.h"
#include "token.h"

/* struct call is one ioctl on its way: who, and where its struct lies. */
struct call {
	struct vexipc_context ctx;
	struct vexipc_file *file;
	void __user *user;
	size_t size;		/* of the user's struct */
};

/*
 * The struct of an ioctl may grow: what an older program leaves out is zero,
 * what a newer one adds must be.
 */
static int take(const struct call *call, void *arg, size_t size)
{
	return copy_struct_from_user(arg, size, call->user, call->size);
}

static int give(const struct call *call, const void *arg, size_t size)
{
	return copy_to_user(call->user, arg, min(size, call->size)) ? -EFAULT : 0;
}

static int need_admin(const struct call *call)
{
	if (vexipc_access_admin(&call->ctx))
		return 0;
	return vexipc_access_deny(&call->ctx, VEXIPC_OPERATION_ADMINISTER,
				  VEXIPC_DENIAL_PRIVILEGE);
}

static int take_name(u64 ptr, u32 len, char *name)
{
	if (!len || len > VEXIPC_MAX_NAME)
		return -EINVAL;
	return copy_from_user(name, u64_to_user_ptr(ptr), len) ? -EFAULT : 0;
}

static struct vexipc_service *find(const struct call *call, u64 ptr, u32 len)
{
	char id[VEXIPC_MAX_NAME];
	struct vexipc_service *svc;
	int err = take_name(ptr, len, id);

	if (err)
		return ERR_PTR(err);
	svc = vexipc_registry_by_id(call->ctx.inst, id, len);
	return svc ?: ERR_PTR(-ENOENT);
}

/* Is it this descriptor's own service, or may the caller do it to any? */
static int need_control(const struct call *call, const struct vexipc_service *svc)
{
	return svc->ep == &call->file->ep ? 0 : need_admin(call);
}

struct piece {
	u64 from;
	u32 len;
	const char **to;
};

static int take_strings(struct vexipc_service_spec *spec, const struct piece *piece, int n)
{
	u32 total = 0;
	char *at;

	for (int i = 0; i < n; i++) {
		if (piece[i].len > VEXIPC_MAX_METADATA_LEN)
			return -EINVAL;
		total += piece[i].len;
	}
	at = kvmalloc(total ?: 1, GFP_KERNEL_ACCOUNT);
	if (!at)
		return -ENOMEM;
	spec->strings = at;
	for (int i = 0; i < n; i++) {
		if (piece[i].len &&
		    copy_from_user(at, u64_to_user_ptr(piece[i].from), piece[i].len)) {
			vexipc_spec_free(spec);
			return -EFAULT;
		}
		*piece[i].to = at;
		at += piece[i].len;
	}
	return 0;
}

static int take_spec(const struct vexipc_register *arg, struct vexipc_service_spec *spec)
{
	const struct piece pieces[] = {
		{ arg->service_id_ptr, arg->service_id_len, &spec->id },
		{ arg->service_name_ptr, arg->service_name_len, &spec->name },
		{ arg->service_version_ptr, arg->service_version_len,
		  &spec->software_version },
		{ arg->endpoint_ptr, arg->endpoint_len, &spec->endpoint },
		{ arg->models_ptr, arg->models_len, &spec->models },
		{ arg->metadata_ptr, arg->metadata_len, &spec->metadata },
		{ arg->token_ptr, arg->token_len, &spec->token },
	};

	*spec = (struct vexipc_service_spec) {
		.id_len = arg->service_id_len,
		.name_len = arg->service_name_len,
		.software_version_len = arg->service_version_len,
		.endpoint_len = arg->endpoint_len,
		.models_len = arg->models_len,
		.metadata_len = arg->metadata_len,
		.token_len = arg->token_len,
		.version_min = arg->version_min,
		.version_max = arg->version_max,
		.features = arg->features,
		.flags = arg->flags,
		.transport = arg->transport,
		.max_batch = arg->max_batch_size,
		.data_types = arg->data_types,
		.priority = arg->priority,
		.weight = arg->weight,
		.max_concurrent = arg->max_concurrent,
		.latency_us = arg->latency_us,
		.throughput = arg->throughput,
		.dimensions_count = arg->dimensions_count,
	};
	if (spec->dimensions_count > VEXIPC_MAX_SERVICE_DIMENSIONS || arg->reserved)
		return -EINVAL;
	if (copy_from_user(spec->dimensions, u64_to_user_ptr(arg->dimensions_ptr),
			   spec->dimensions_count * sizeof(spec->dimensions[0])))
		return -EFAULT;
	return take_strings(spec, pieces, ARRAY_SIZE(pieces));
}

static int do_register(struct call *call)
{
	struct vexipc_service_spec spec;
	struct vexipc_register arg;
	struct vexipc_service *svc;
	int err = take(call, &arg, sizeof(arg));

	if (err)
		return err;
	err = take_spec(&arg, &spec);
	if (err)
		return err;
	/* Who names no features but a batch takes batches: 0 is the default. */
	if (!spec.features && spec.max_batch > 1)
		spec.features = VEXIPC_FEATURE_BATCH;
	call->ctx.admin = vexipc_access_admin(&call->ctx);
	vexipc_device_note_owner(call->file);
	svc = vexipc_registry_add(&call->ctx, &call->file->ep, &spec);
	if (IS_ERR(svc))
		return PTR_ERR(svc);
	arg.version = svc->version;
	arg.features = svc->features;
	arg.handle = svc->handle;
	arg.time_ns = ktime_get_ns();
	arg.heartbeat_ms = vexipc_heartbeat_ms(svc);
	err = give(call, &arg, sizeof(arg));
	if (err)
		vexipc_registry_take_back(svc);
	vexipc_service_put(svc);
	return err;
}

static int do_unregister(struct call *call)
{
	struct vexipc_unregister arg;
	struct vexipc_service *svc;
	int err = take(call, &arg, sizeof(arg));

	if (err)
		return err;
	if (arg.reserved)
		return -EINVAL;
	if (arg.flags & ~VEXIPC_UNREGISTER_DRAIN)
		return -EOPNOTSUPP;
	svc = find(call, arg.service_id_ptr, arg.service_id_len);
	if (IS_ERR(svc))
		return PTR_ERR(svc);
	err = need_control(call, svc);
	if (err) {
		vexipc_service_put(svc);
		return err;
	}
	arg.failed_over = 0;
	if (arg.flags & VEXIPC_UNREGISTER_DRAIN) {
		vexipc_registry_leave_when_idle(svc);
	} else {
		err = vexipc_registry_remove(svc, false);
		arg.failed_over = max(err, 0);
	}
	vexipc_service_put(svc);
	return err < 0 ? err : give(call, &arg, sizeof(arg));
}

static int do_embed(struct call *call)
{
	struct vexipc_endpoint *ep = &call->file->ep;
	struct vexipc_embed_call embed = { .user = call->user, .size = call->size };
	struct vexipc_request *req;
	int err;

	req = vexipc_embed_begin(&embed, &call->ctx, ep);
	if (IS_ERR(req))
		return PTR_ERR(req);
	req->complete = embed.arg.result_ptr ? vexipc_request_wake : vexipc_endpoint_complete;
	/* Who waits for the answer anyway may as well wait for room. */
	req->may_wait = embed.arg.result_ptr;
	req->reads_once = embed.arg.result_ptr;
	req->nonblock = !embed.arg.result_ptr;
	err = vexipc_request_submit(req);
	if (err) {
		vexipc_device_refused(call->file, err);
		err = vexipc_embed_refused(&embed, req, err);
	} else if (embed.arg.result_ptr) {
		vexipc_request_wait(req);
		vexipc_endpoint_remove(ep, req);
		err = vexipc_embed_finish(&embed, req);
	} else {
		err = vexipc_embed_accepted(&embed, req);
		/* Nobody could tell its completion from another's. */
		if (err)
			vexipc_request_finish(req, VEXIPC_ERR_CANCELLED);
	}
	vexipc_request_put(req);
	return err;
}

static int do_status(struct call *call)
{
	struct vexipc_service *svc;
	struct vexipc_status *arg;
	char *text = NULL;
	u32 room, size;
	int err;

	arg = kzalloc(sizeof(*arg), GFP_KERNEL);
	if (!arg)
		return -ENOMEM;
	err = take(call, arg, sizeof(*arg)) ?: vexipc_access_look(&call->ctx);
	if (err)
		goto free;
	if (arg->service_id_len) {
		svc = find(call, arg->service_id_ptr, arg->service_id_len);
	} else {
		svc = vexipc_registry_by_handle(call->ctx.inst, arg->handle);
		svc = svc ?: ERR_PTR(-ENOENT);
	}
	if (IS_ERR(svc)) {
		err = PTR_ERR(svc);
		goto free;
	}
	vexipc_service_entry_fill(svc, &arg->entry, call->ctx.user_ns, call->ctx.pid_ns);
	arg->handle = svc->handle;
	size = vexipc_spec_text(&svc->spec, NULL, 0);
	room = min(arg->text_size, size);
	if (arg->text_ptr && room) {
		text = kvzalloc(room, GFP_KERNEL_ACCOUNT);
		err = text ? 0 : -ENOMEM;
		if (text) {
			vexipc_spec_text(&svc->spec, text, room);
			if (copy_to_user(u64_to_user_ptr(arg->text_ptr), text, room))
				err = -EFAULT;
		}
	}
	arg->text_size = size;
	err = err ?: give(call, arg, sizeof(*arg));
	kvfree(text);
	vexipc_service_put(svc);
free:
	kfree(arg);
	return err;
}

static int do_list(struct call *call)
{
	char model[VEXIPC_MAX_NAME];
	struct vexipc_service_entry *entry;
	struct vexipc_filter filter;
	struct vexipc_service *svc;
	struct vexipc_list arg;
	u32 slot = 0, step;
	int err = take(call, &arg, sizeof(arg));

	if (err)
		return err;
	if (arg.reserved || (arg.buffer_size && arg.entry_size < sizeof(u64)))
		return -EINVAL;
	err = vexipc_access_look(&call->ctx);
	if (err)
		return err;
	if (arg.model_len) {
		err = take_name(arg.model_ptr, arg.model_len, model);
		if (err)
			return err;
	}
	filter = (struct vexipc_filter) {
		.dimensions = arg.dimensions, .data_types = arg.data_types,
		.states = arg.states, .model = model, .model_len = arg.model_len,
	};
	entry = kmalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	arg.count = 0;
	arg.total = 0;
	arg.bytes = 0;
	step = min_t(u32, arg.entry_size, sizeof(*entry));
	while (!err && (svc = vexipc_registry_next(call->ctx.inst, &slot, &filter))) {
		arg.total++;
		if (arg.buffer_size - arg.bytes >= arg.entry_size && arg.entry_size) {
			vexipc_service_entry_fill(svc, entry, call->ctx.user_ns,
						  call->ctx.pid_ns);
			if (copy_to_user(u64_to_user_ptr(arg.buffer_ptr + arg.bytes),
					 entry, step))
				err = -EFAULT;
			arg.bytes += arg.entry_size;
			arg.count++;
		}
		vexipc_service_put(svc);
	}
	kfree(entry);
	return err ?: give(call, &arg, sizeof(arg));
}

static int do_stats(struct call *call)
{
	struct vexipc_service *svc;
	struct vexipc_stats *arg;
	u64 ptr;
	u32 len;
	int err;

	arg = kzalloc(sizeof(*arg), GFP_KERNEL);
	if (!arg)
		return -ENOMEM;
	err = take(call, arg, sizeof(*arg));
	if (!err)
		err = arg->reserved ? -EINVAL : vexipc_access_look(&call->ctx);
	if (err)
		goto free;
	ptr = arg->service_id_ptr;
	len = arg->service_id_len;
	memset(arg, 0, sizeof(*arg));
	arg->service_id_ptr = ptr;
	arg->service_id_len = len;
	if (len) {
		svc = find(call, ptr, len);
		if (IS_ERR(svc)) {
			err = PTR_ERR(svc);
			goto free;
		}
		vexipc_stats_service(svc, arg);
		vexipc_service_put(svc);
	} else {
		vexipc_stats_instance(call->ctx.inst, arg);
	}
	err = give(call, arg, sizeof(*arg));
free:
	kfree(arg);
	return err;
}

static int do_cancel(struct call *call)
{
	return vexipc_cancel_call(&call->file->ep, call->user, call->size);
}

static int read_config(struct call *call, struct vexipc_config_entry *entries, u32 *count)
{
	for (u32 i = 0; i < *count; i++) {
		const struct vexipc_config_row *row = vexipc_config_row(entries[i].field);

		if (!row) {
			*count = i;
			return -ENOENT;
		}
		entries[i].value = vexipc_config(call->ctx.inst, entries[i].field);
		entries[i].min = row->min;
		entries[i].max = row->max;
		entries[i].initial = row->initial;
	}
	return 0;
}

static int do_config(struct call *call)
{
	struct vexipc_config_entry *entries;
	struct vexipc_config arg;
	u32 count;
	int err = take(call, &arg, sizeof(arg));

	if (err)
		return err;
	if (!arg.count || arg.count > VEXIPC_CONFIG_MAX)
		return -EINVAL;
	if (arg.flags & ~VEXIPC_CONFIG_WRITE)
		return -EOPNOTSUPP;
	if (arg.flags & VEXIPC_CONFIG_WRITE) {
		err = need_admin(call);
		if (err)
			return err;
	}
	entries = memdup_array_user(u64_to_user_ptr(arg.entries_ptr), arg.count,
				    sizeof(*entries));
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	count = arg.count;
	for (u32 i = 0; i < count && !err; i++)
		err = entries[i].reserved ? -EINVAL : 0;
	if (err)
		goto free;
	if (arg.flags & VEXIPC_CONFIG_WRITE)
		err = vexipc_config_write(call->ctx.inst, entries, count, &arg.count);
	else
		err = read_config(call, entries, &arg.count);
	if (!err && copy_to_user(u64_to_user_ptr(arg.entries_ptr), entries,
				 count * sizeof(*entries)))
		err = -EFAULT;
	err = give(call, &arg, sizeof(arg)) ?: err;
free:
	kfree(entries);
	return err;
}

static int set_breaker(struct call *call, struct vexipc_service *svc,
		       struct vexipc_control *arg)
{
	struct vexipc_config_entry *entries;
	u32 count = arg->count;
	int err = 0;

	if (!count || count > VEXIPC_BREAKER_LIMITS)
		return -EINVAL;
	entries = memdup_array_user(u64_to_user_ptr(arg->entries_ptr), count, sizeof(*entries));
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	for (u32 i = 0; i < count && !err; i++)
		err = entries[i].reserved ? -EINVAL : 0;
	if (!err) {
		err = vexipc_breaker_configure(svc, entries, count, &arg->count);
		err = give(call, arg, sizeof(*arg)) ?: err;
	}
	kfree(entries);
	return err;
}

static int do_control(struct call *call)
{
	struct vexipc_control arg;
	struct vexipc_service *svc;
	int err = take(call, &arg, sizeof(arg));

	if (err)
		return err;
	if (!arg.op || arg.op >= VEXIPC_CONTROL_OPS || arg.reserved ||
	    (arg.op != VEXIPC_CONTROL_BREAKER_LIMITS && (arg.entries_ptr || arg.count)))
		return -EINVAL;
	svc = find(call, arg.service_id_ptr, arg.service_id_len);
	if (IS_ERR(svc))
		return PTR_ERR(svc);
	err = need_control(call, svc);
	if (!err && svc->token && !(svc->token_flags & VEXIPC_TOKEN_CONTROL) &&
	    svc->ep == &call->file->ep && !vexipc_access_admin(&call->ctx))
		err = vexipc_access_deny(&call->ctx, VEXIPC_OPERATION_ADMINISTER,
					 VEXIPC_DENIAL_TOKEN);
	if (!err && arg.op == VEXIPC_CONTROL_BREAKER_LIMITS)
		err = set_breaker(call, svc, &arg);
	else if (!err)
		vexipc_service_control(svc, arg.op);
	vexipc_service_put(svc);
	return err;
}

static int give_policies(struct vexipc_policies *arg)
{
	u32 room = arg->entry_size ? arg->buffer_size / arg->entry_size : 0;
	void __user *to = u64_to_user_ptr(arg->buffer_ptr);
	struct vexipc_policy_entry entry;

	for (u32 i = 0; vexipc_policy_at(i, &entry); i++) {
		arg->total++;
		if (i >= room)
			continue;
		if (copy_to_user(to + (size_t)i * arg->entry_size, &entry,
				 min_t(size_t, arg->entry_size, sizeof(entry))))
			return -EFAULT;
		arg->count++;
	}
	return 0;
}

static int do_policies(struct call *call)
{
	struct vexipc_instance *inst = call->ctx.inst;
	struct vexipc_policies arg;
	int err = take(call, &arg, sizeof(arg));

	if (err)
		return err;
	if (arg.use.reserved || (arg.buffer_size && !arg.entry_size))
		return -EINVAL;
	if (arg.flags & ~VEXIPC_POLICIES_NAME)
		return -EOPNOTSUPP;
	if (arg.flags & VEXIPC_POLICIES_NAME) {
		err = need_admin(call);
		if (err)
			return err;
		err = vexipc_policy_name(inst, arg.use.name,
					 strnlen(arg.use.name, sizeof(arg.use.name)));
		if (err)
			return err;
	}
	arg.count = 0;
	arg.total = 0;
	arg.offered = vexipc_policy_bpf_offered();
	vexipc_policy_use(inst, &arg.use);
	return give_policies(&arg) ?: give(call, &arg, sizeof(arg));
}

static int do_embed_batch(struct call *call)
{
	struct vexipc_embed_batch arg;
	int err = take(call, &arg, sizeof(arg));

	if (err)
		return err;
	err = vexipc_batch_call(&call->ctx, &call->file->ep, &arg);
	return give(call, &arg, sizeof(arg)) ?: err;
}

static int do_tokens(struct call *call)
{
	struct vexipc_tokens *arg = kzalloc(sizeof(*arg), GFP_KERNEL);
	int err;

	if (!arg)
		return -ENOMEM;
	err = take(call, arg, sizeof(*arg)) ?: vexipc_access_tokens(&call->ctx, arg);
	/* Nobody knows the secret of one that could not be told. */
	if (!err && give(call, arg, sizeof(*arg))) {
		if (arg->op == VEXIPC_TOKENS_ISSUE)
			vexipc_token_revoke(call->ctx.inst, arg->token.id, true);
		err = -EFAULT;
	}
	kfree_sensitive(arg);
	return err;
}

static int do_rules(struct call *call)
{
	struct vexipc_rules arg;
	int err;

	err = take(call, &arg, sizeof(arg)) ?: vexipc_access_rules(&call->ctx, &arg);
	if (!err && give(call, &arg, sizeof(arg))) {
		if (arg.op == VEXIPC_RULES_ADD)
			vexipc_rule_remove(&call->ctx.inst->rules, arg.rule.id);
		err = -EFAULT;
	}
	return err;
}

static int do_cache_flush(struct call *call)
{
	char model[VEXIPC_MAX_NAME], id[VEXIPC_MAX_NAME];
	struct vexipc_cache_flush arg;
	int err = take(call, &arg, sizeof(arg));

	if (err)
		return err;
	if (arg.flags)
		return -EOPNOTSUPP;
	err = need_admin(call);
	if (err)
		return err;
	if (arg.model_len)
		err = take_name(arg.model_ptr, arg.model_len, model);
	if (!err && arg.service_id_len)
		err = take_name(arg.service_id_ptr, arg.service_id_len, id);
	if (err)
		return err;
	arg.flushed = vexipc_cache_flush(call->ctx.inst, model, arg.model_len, id,
					 arg.service_id_len);
	return give(call, &arg, sizeof(arg));
}

static int do_submit(struct call *call)
{
	struct vexipc_submit arg;
	int err = take(call, &arg, sizeof(arg));

	if (err)
		return err;
	err = vexipc_submit_call(&call->ctx, call->file, &arg);
	return give(call, &arg, sizeof(arg)) ?: err;
}

static int do_ring_setup(struct call *call)
{
	struct vexipc_file *file = call->file;
	struct vexipc_ring_setup arg;
	struct vexipc_ring *ring;
	int err = take(call, &arg, sizeof(arg));

	if (err)
		return err;
	if (READ_ONCE(file->ring))
		return -EEXIST;
	if (READ_ONCE(file->ep.service))
		return -EBUSY;
	ring = vexipc_ring_alloc(file, &arg);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	err = give(call, &arg, sizeof(arg));
	/* Published as a whole, and once. */
	if (!err && cmpxchg_release(&file->ring, NULL, ring))
		err = -EEXIST;
	if (err)
		vexipc_ring_free(ring);
	return err;
}

static int (*const calls[])(struct call *call) = {
	[_IOC_NR(VEXIPC_IOC_REGISTER)]	 = do_register,
	[_IOC_NR(VEXIPC_IOC_UNREGISTER)] = do_unregister,
	[_IOC_NR(VEXIPC_IOC_EMBED)]	 = do_embed,
	[_IOC_NR(VEXIPC_IOC_STATUS)]	 = do_status,
	[_IOC_NR(VEXIPC_IOC_LIST)]	 = do_list,
	[_IOC_NR(VEXIPC_IOC_STATS)]	 = do_stats,
	[_IOC_NR(VEXIPC_IOC_CANCEL)]	 = do_cancel,
	[_IOC_NR(VEXIPC_IOC_CONFIG)]	 = do_config,
	[_IOC_NR(VEXIPC_IOC_CONTROL)]	 = do_control,
	[_IOC_NR(VEXIPC_IOC_POLICIES)]	 = do_policies,
	[_IOC_NR(VEXIPC_IOC_EMBED_BATCH)] = do_embed_batch,
	[_IOC_NR(VEXIPC_IOC_TOKENS)]	 = do_tokens,
	[_IOC_NR(VEXIPC_IOC_RULES)]	 = do_rules,
	[_IOC_NR(VEXIPC_IOC_CACHE_FLUSH)] = do_cache_flush,
	[_IOC_NR(VEXIPC_IOC_SUBMIT)]	 = do_submit,
	[_IOC_NR(VEXIPC_IOC_RING_SETUP)] = do_ring_setup,
};

long vexipc_device_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct call call = {
		.file = filp->private_data,
		.user = (void __user *)arg,
		.size = _IOC_SIZE(cmd),
	};
	unsigned int nr = _IOC_NR(cmd);
	u32 size = 0;

	/* The fast path of a service. */
	if (nr == _IOC_NR(VEXIPC_IOC_RING_ENTER) && _IOC_TYPE(cmd) == VEXIPC_IOC_MAGIC &&
	    _IOC_DIR(cmd) == (_IOC_READ | _IOC_WRITE))
		return vexipc_ring_enter(call.file, (void __user *)arg, call.size);
	if (cmd == FIONREAD) {
		if (!vexipc_device_next_size(call.file, &size))
			size = 0;
		return put_user((int)size, (int __user *)arg);
	}
	if (_IOC_TYPE(cmd) != VEXIPC_IOC_MAGIC || nr >= ARRAY_SIZE(calls))
		return -ENOTTY;
	nr = array_index_nospec(nr, ARRAY_SIZE(calls));
	if (!calls[nr] || _IOC_DIR(cmd) != (_IOC_READ | _IOC_WRITE))
		return -ENOTTY;
	vexipc_context_current(&call.ctx, call.file->ep.inst);
	return calls[nr](&call);
}
