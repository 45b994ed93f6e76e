// SPDX-License-Identifier: GPL-2.0-only
/* Policies as a struct_ops type of BPF, and the functions their programs call. */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/filter.h>
#include <linux/module.h>
#include <linux/nospec.h>

#include "policy.h"

/* From 7.0 on all functions take trusted arguments only. */
#ifndef KF_TRUSTED_ARGS
#define KF_TRUSTED_ARGS 0
#endif

/* The module's BTF has been read: what follows is of use. */
static bool offered;

__bpf_kfunc_start_defs();

/* A trusted request is the one of this CPU's snapshot: there are no others. */
static struct vexipc_policy_snapshot *snapshot_of(const struct vexipc_policy_request *req)
{
	return container_of((struct vexipc_policy_request *)req,
			    struct vexipc_policy_snapshot, request);
}

/**
 * vexipc_policy_candidates() - the services that may have the request
 * @req: select()'s
 * @rdonly_buf_size: bytes of struct vexipc_policy_candidate that are wanted
 *
 * Return: an array of VEXIPC_POLICY_CANDIDATES, of which req->candidates are
 * any; NULL when more is wanted than there is.
 */
__bpf_kfunc const u8 *vexipc_policy_candidates(const struct vexipc_policy_request *req,
					       const u32 rdonly_buf_size)
{
	struct vexipc_policy_snapshot *snap = snapshot_of(req);

	if (rdonly_buf_size > sizeof(snap->candidate))
		return NULL;
	vexipc_policy_fill_candidates(snap);
	return (const u8 *)snap->candidate;
}

/**
 * vexipc_policy_details() - more of one candidate
 * @req: select()'s
 * @index: of the candidate
 * @rdonly_buf_size: bytes of struct vexipc_policy_details that are wanted
 *
 * Return: the details; NULL when there is no such candidate, or more is wanted than
 * there is.
 */
__bpf_kfunc const u8 *vexipc_policy_details(const struct vexipc_policy_request *req,
					    u32 index, const u32 rdonly_buf_size)
{
	struct vexipc_policy_snapshot *snap = snapshot_of(req);

	if (rdonly_buf_size > sizeof(snap->details[0]) || index >= snap->pick->count)
		return NULL;
	index = array_index_nospec(index, snap->pick->count);
	vexipc_policy_fill_details(snap, index);
	return (const u8 *)&snap->details[index];
}

/**
 * vexipc_policy_model() - the model asked for, NUL-padded
 * @req: select()'s
 * @rdonly_buf_size: bytes wanted, at most VEXIPC_POLICY_MODEL_LEN
 *
 * Return: the name, all NULs for none; NULL when more is wanted than there is.
 */
__bpf_kfunc const u8 *vexipc_policy_model(const struct vexipc_policy_request *req,
					  const u32 rdonly_buf_size)
{
	struct vexipc_policy_snapshot *snap = snapshot_of(req);

	if (rdonly_buf_size > sizeof(snap->model))
		return NULL;
	vexipc_policy_fill_model(snap);
	return (const u8 *)snap->model;
}

/**
 * vexipc_policy_content_hash() - a hash of what is to be embedded
 * @req: select()'s
 *
 * Of its length and its first 64 KiB; the same for the same content, while the
 * machine is up.
 */
__bpf_kfunc u64 vexipc_policy_content_hash(const struct vexipc_policy_request *req)
{
	return vexipc_policy_hash(snapshot_of(req));
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(policy_kfuncs)
BTF_ID_FLAGS(func, vexipc_policy_candidates, KF_RET_NULL | KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, vexipc_policy_details, KF_RET_NULL | KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, vexipc_policy_model, KF_RET_NULL | KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, vexipc_policy_content_hash, KF_TRUSTED_ARGS)
BTF_KFUNCS_END(policy_kfuncs)

static const struct btf_kfunc_id_set policy_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &policy_kfuncs,
};

/* What loops as long as it likes is not for a place where nobody can wait. */
static const struct bpf_func_proto *get_func_proto(enum bpf_func_id func_id,
						   const struct bpf_prog *prog)
{
	switch (func_id) {
	case BPF_FUNC_loop:
	case BPF_FUNC_for_each_map_elem:
	case BPF_FUNC_user_ringbuf_drain:
	case BPF_FUNC_tail_call:
		return NULL;
	default:
		return bpf_base_func_proto(func_id, prog);
	}
}

static const struct bpf_verifier_ops verifier_ops = {
	.get_func_proto = get_func_proto,
	.is_valid_access = bpf_tracing_btf_ctx_access,
};

static int type_init(struct btf *btf)
{
	offered = true;
	return 0;
}

static int check_member(const struct btf_type *t, const struct btf_member *member,
			const struct bpf_prog *prog)
{
	return prog->sleepable ? -EINVAL : 0;
}

static int init_member(const struct btf_type *t, const struct btf_member *member,
		       void *kdata, const void *udata)
{
	const struct vexipc_balancer_ops *from = udata;
	struct vexipc_balancer_ops *to = kdata;

	if (__btf_member_bit_offset(t, member) / 8 != offsetof(struct vexipc_balancer_ops, name))
		return 0;
	/* validate() looks at it. */
	memcpy(to->name, from->name, sizeof(to->name));
	return 1;
}

static int validate(void *kdata)
{
	return vexipc_policy_validate(kdata);
}

static int reg(void *kdata, struct bpf_link *link)
{
	return vexipc_policy_add(kdata, link);
}

static void unreg(void *kdata, struct bpf_link *link)
{
	vexipc_policy_remove(link);
}

static int update(void *kdata, void *old_kdata, struct bpf_link *link)
{
	return vexipc_policy_replace(kdata, link);
}

static int select_stub(const struct vexipc_policy_request *req)
{
	return -1;
}

static void on_complete_stub(const struct vexipc_policy_result *result)
{
}

static int init_stub(void)
{
	return 0;
}

static void exit_stub(void)
{
}

static struct vexipc_balancer_ops stubs = {
	.select = select_stub,
	.on_complete = on_complete_stub,
	.init = init_stub,
	.exit = exit_stub,
};

static struct bpf_struct_ops policy_type = {
	.verifier_ops = &verifier_ops,
	.init = type_init,
	.check_member = check_member,
	.init_member = init_member,
	.validate = validate,
	.reg = reg,
	.unreg = unreg,
	.update = update,
	.cfi_stubs = &stubs,
	.name = "vexipc_balancer_ops",
	.owner = THIS_MODULE,
};

/**
 * vexipc_policy_bpf_offered() - can policies be loaded?
 *
 * Not when the module was built, or is loaded, without BTF.
 */
bool vexipc_policy_bpf_offered(void)
{
	return offered;
}

/**
 * vexipc_policy_bpf_init() - offer policies, if the kernel can have them
 *
 * Everything else works without.
 */
void vexipc_policy_bpf_init(void)
{
	int err = vexipc_policy_snapshots_alloc();

	if (!err)
		err = register_btf_kfunc_id_set(BPF_PROG_TYPE_STRUCT_OPS, &policy_kfunc_set);
	if (!err)
		err = register_bpf_struct_ops(&policy_type, vexipc_balancer_ops);
	if (err)
		pr_warn("vexipc: no balancing policies in BPF: error %d\n", err);
	else if (!offered)
		pr_notice("vexipc: no balancing policies in BPF: the module has no BTF\n");
	offered = offered && !err;
}
