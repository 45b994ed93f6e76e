// SPDX-License-Identifier: GPL-2.0-only
/* /dev/vexipc: open, read, write, poll, release. The ioctls are in ioctl.c. */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "access.h"
#include "carrier.h"
#include "context.h"
#include "device.h"
#include "instance.h"
#include "memory.h"
#include "message.h"
#include "pressure.h"
#include "protocol.h"
#include "queue.h"
#include "registry.h"
#include "request.h"
#include "ring.h"
#include "transport.h"
#include "uring.h"

static void notify(struct vexipc_endpoint *ep)
{
	struct vexipc_file *file = container_of(ep, struct vexipc_file, ep);

	if (wq_has_sleeper(&file->wait))
		wake_up_interruptible_poll(&file->wait, EPOLLIN | EPOLLRDNORM);
}

static void release_file(struct vexipc_endpoint *ep)
{
	struct vexipc_file *file = container_of(ep, struct vexipc_file, ep);

	vexipc_ring_free(file->ring);
	kfree(file);
}

/* Who has made a ring and names nothing wants it used. */
static const struct vexipc_transport_ops *transport(struct vexipc_endpoint *ep, u32 wanted)
{
	/* Pairs with the setup. */
	bool ring = smp_load_acquire(&container_of(ep, struct vexipc_file, ep)->ring);

	switch (wanted) {
	case VEXIPC_TRANSPORT_DEFAULT:
		return ring ? &vexipc_transport_ring : &vexipc_transport_chardev;
	case VEXIPC_TRANSPORT_CHARDEV:
		return &vexipc_transport_chardev;
	case VEXIPC_TRANSPORT_RING:
		return ring ? &vexipc_transport_ring : NULL;
	default:
		return NULL;
	}
}

static const struct vexipc_endpoint_ops file_ops = {
	.transport = transport,
	.notify = notify,
	.release = release_file,
};

static int device_open(struct inode *inode, struct file *filp)
{
	struct net *net = get_net(current->nsproxy->net_ns);
	struct vexipc_instance *inst = vexipc_instance_of(net);
	struct vexipc_file *file;
	int err = vexipc_instance_prepare(inst);

	if (err)
		goto put_net;
	err = -ENOMEM;
	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		goto put_net;
	file->net = net;
	init_waitqueue_head(&file->wait);
	vexipc_endpoint_init(&file->ep, inst, &file_ops);
	vexipc_endpoint_charge(&file->ep);
	filp->private_data = file;
	return stream_open(inode, filp);

put_net:
	put_net(net);
	return err;
}

/*
 * A process that dies closes its descriptors, but another may hold the open
 * file as well: a forked child, a descriptor in flight. What the dead one's
 * service had in hand must not wait for them.
 */
static int device_flush(struct file *filp, fl_owner_t id)
{
	struct vexipc_file *file = filp->private_data;
	struct vexipc_service *svc;

	if (!(current->flags & PF_EXITING) || READ_ONCE(file->owner) != id)
		return 0;
	svc = vexipc_endpoint_service(&file->ep);
	if (svc) {
		vexipc_registry_remove(svc, true);
		vexipc_service_put(svc);
	}
	return 0;
}

/**
 * vexipc_device_note_owner() - the calling process is about to register a service
 * @file: through what
 *
 * A descriptor has one service: who shares it and asks for another is refused,
 * and its death is not the service's.
 */
void vexipc_device_note_owner(struct vexipc_file *file)
{
	if (!READ_ONCE(file->ep.service))
		WRITE_ONCE(file->owner, current->files);
}

static int device_release(struct inode *inode, struct file *filp)
{
	struct vexipc_file *file = filp->private_data;
	struct net *net = file->net;

	vexipc_endpoint_close(&file->ep, true);
	vexipc_endpoint_put(&file->ep);
	put_net(net);
	return 0;
}

static bool copy_image(const struct vexipc_image *image, struct iov_iter *to)
{
	if (copy_to_iter(image->head, image->head_len, to) != image->head_len)
		return false;
	for (int i = 0; i < 2; i++)
		if (image->part_len[i] &&
		    copy_to_iter(image->part[i], image->part_len[i], to) != image->part_len[i])
			return false;
	return true;
}

/* There are fewer under way: another thread may have waited for more. */
static void fewer(struct vexipc_file *file)
{
	if (wq_has_sleeper(&file->wait) && vexipc_endpoint_completed(&file->ep, UINT_MAX))
		wake_up_interruptible(&file->wait);
}

/**
 * vexipc_device_done() - something was handed over to who reads
 * @file: whose
 * @out: what; see vexipc_endpoint_done()
 */
void vexipc_device_done(struct vexipc_file *file, struct vexipc_out *out)
{
	vexipc_endpoint_done(&file->ep, out);
	fewer(file);
}

/**
 * vexipc_device_untake() - it could not be handed over; maybe to another thread
 * @file: whose
 * @out: what; see vexipc_endpoint_untake()
 */
void vexipc_device_untake(struct vexipc_file *file, struct vexipc_out *out)
{
	vexipc_endpoint_untake(&file->ep, out);
	notify(&file->ep);
}

/**
 * vexipc_device_refused() - a request was not accepted
 * @file: whose
 * @err: why; of -EAGAIN poll() tells when there is room
 */
void vexipc_device_refused(struct vexipc_file *file, int err)
{
	if (err == -EAGAIN)
		WRITE_ONCE(file->pressed, true);
	/* It was under way for a moment. */
	fewer(file);
}

/* One completion or reply. 0 when there is none. */
static ssize_t read_out(struct vexipc_file *file, struct iov_iter *to)
{
	struct vexipc_image image;
	struct vexipc_out *out;
	u32 need;

	out = vexipc_endpoint_take(&file->ep, min_t(size_t, iov_iter_count(to), U32_MAX), &need);
	if (IS_ERR_OR_NULL(out))
		return PTR_ERR_OR_ZERO(out);
	vexipc_out_image(out, &image);
	if (!copy_image(&image, to)) {
		vexipc_device_untake(file, out);
		return -EFAULT;
	}
	vexipc_device_done(file, out);
	return vexipc_image_len(&image);
}

/* One request for the service. 0 when there is none. */
static ssize_t read_request(struct vexipc_service *svc, struct iov_iter *to)
{
	u32 need, attempt, room = min_t(size_t, iov_iter_count(to), U32_MAX);
	struct vexipc_carrier *carrier;
	struct vexipc_request *req;
	struct vexipc_image image;
	ssize_t n;

	req = vexipc_queue_next(svc, room, &need, &attempt);
	if (IS_ERR_OR_NULL(req))
		return PTR_ERR_OR_ZERO(req);
	carrier = vexipc_carrier_gather(svc, req, attempt, room, VEXIPC_GFP_CALLER);
	if (carrier)
		image = carrier->image;
	else
		vexipc_request_image(req, attempt, &image);
	n = vexipc_image_len(&image);
	if (!copy_image(&image, to)) {
		if (carrier)
			vexipc_carrier_unsend(carrier, svc);
		else
			vexipc_queue_unsend(svc, req, attempt);
		n = -EFAULT;
	}
	if (carrier)
		vexipc_carrier_sent(carrier);
	vexipc_request_put(req);
	return n;
}

static ssize_t read_some(struct vexipc_file *file, struct iov_iter *to)
{
	struct vexipc_service *svc = NULL;
	ssize_t total = 0, n;

	do {
		n = read_out(file, to);
		if (!n) {
			if (!svc)
				svc = vexipc_endpoint_service(&file->ep);
			if (svc && svc->transport == &vexipc_transport_chardev)
				n = read_request(svc, to);
		}
		if (n > 0)
			total += n;
	} while (n > 0 && iov_iter_count(to) >= sizeof(struct vexipc_msg_header));
	if (svc)
		vexipc_service_put(svc);
	return total ?: n;
}

/**
 * vexipc_device_next_size() - is there something to read?
 * @file: the descriptor
 * @size: bytes of the next message
 */
bool vexipc_device_next_size(struct vexipc_file *file, u32 *size)
{
	struct vexipc_service *svc;
	bool ready = false;
	struct vexipc_out *out;

	/* No room at all: what is there stays, and tells its size. */
	out = vexipc_endpoint_take(&file->ep, 0, size);
	if (out)
		return true;
	svc = vexipc_endpoint_service(&file->ep);
	if (svc) {
		ready = svc->transport == &vexipc_transport_chardev &&
			vexipc_queue_ready(svc, size);
		vexipc_service_put(svc);
	}
	return ready;
}

/* A request that is not read. */
static bool ring_ready(struct vexipc_file *file)
{
	struct vexipc_service *svc;
	bool ready;

	if (!READ_ONCE(file->ring))
		return false;
	svc = vexipc_endpoint_service(&file->ep);
	if (!svc)
		return false;
	ready = svc->transport == &vexipc_transport_ring &&
		vexipc_ring_ready(file->ring, svc);
	vexipc_service_put(svc);
	return ready;
}

/*
 * One message wakes one reader. Whoever leaves something behind, having no room
 * for it or not all of it at once, wakes the next, or that would sleep on.
 */
static void wake_next_reader(struct vexipc_file *file)
{
	u32 size;

	if (wq_has_sleeper(&file->wait) && vexipc_device_next_size(file, &size))
		notify(&file->ep);
}

static ssize_t device_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *filp = iocb->ki_filp;
	struct vexipc_file *file = filp->private_data;
	ssize_t n;
	u32 size;

	if (iov_iter_count(to) < sizeof(struct vexipc_msg_header))
		return -EINVAL;
	n = read_some(file, to);
	if (n)
		return n;
	if (filp->f_flags & O_NONBLOCK)
		return -EAGAIN;
	do {
		/* Exclusive: one message wakes one of a service's threads. */
		n = wait_event_interruptible_exclusive(file->wait,
						       vexipc_device_next_size(file, &size));
		if (!n)
			n = read_some(file, to);
	} while (!n);
	wake_next_reader(file);
	return n;
}

static bool opener_capable(const struct vexipc_context *ctx)
{
	return file_ns_capable(ctx->subject, ctx->inst->net->user_ns, CAP_NET_ADMIN);
}

static ssize_t write_one(struct vexipc_context *ctx, struct file *filp, struct iov_iter *from)
{
	struct vexipc_file *file = filp->private_data;
	struct vexipc_msg_header header;
	void *message;
	u32 len, type;
	int err;

	if (iov_iter_count(from) < sizeof(header))
		return -EINVAL;
	if (copy_from_iter(&header, sizeof(header), from) != sizeof(header))
		return -EFAULT;
	err = vexipc_header_check(&header);
	if (err) {
		vexipc_count(ctx->inst, BAD_MESSAGES);
		return err;
	}
	len = le32_to_cpu(header.length);
	if (len - sizeof(header) > iov_iter_count(from)) {
		vexipc_count(ctx->inst, BAD_MESSAGES);
		return -EINVAL;
	}
	message = vexipc_answer_alloc(&file->ep, &header, len);
	if (!message)
		return -ENOMEM;
	memcpy(message, &header, sizeof(header));
	if (copy_from_iter(message + sizeof(header), len - sizeof(header), from) !=
	    len - sizeof(header)) {
		kvfree(message);
		return -EFAULT;
	}
	/*
	 * Who opened the descriptor counts, not who writes: a privileged
	 * program may be tricked into writing what it did not make up.
	 */
	type = le32_to_cpu(header.message_type);
	ctx->cred = filp->f_cred;
	ctx->capable = opener_capable;
	ctx->subject = filp;
	ctx->admin = vexipc_context_needs_admin(type) && vexipc_access_admin(ctx);
	if (type == VEXIPC_MSG_REGISTER)
		vexipc_device_note_owner(file);
	err = vexipc_message_receive(ctx, &file->ep, &message, len);
	kvfree(message);
	if (err)
		vexipc_device_refused(file, err);
	return err ?: (ssize_t)len;
}

static ssize_t device_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct vexipc_file *file = iocb->ki_filp->private_data;
	struct vexipc_context ctx;
	ssize_t total = 0, n;

	do {
		vexipc_context_current(&ctx, file->ep.inst);
		ctx.nonblock = iocb->ki_filp->f_flags & O_NONBLOCK;
		n = write_one(&ctx, iocb->ki_filp, from);
		if (n > 0)
			total += n;
	} while (n > 0 && iov_iter_count(from));
	return total ?: n;
}

static __poll_t device_poll(struct file *filp, poll_table *table)
{
	struct vexipc_file *file = filp->private_data;
	struct vexipc_instance *inst = file->ep.inst;
	__poll_t mask = 0;
	u32 size;

	poll_wait(filp, &file->wait, table);
	poll_wait(filp, &inst->pressure.writable, table);
	/* Services answer whatever there is: only who was refused has to wait. */
	if (!READ_ONCE(file->pressed) || vexipc_pressure_writable(inst)) {
		WRITE_ONCE(file->pressed, false);
		mask |= EPOLLOUT | EPOLLWRNORM;
	}
	if (vexipc_device_next_size(file, &size) || ring_ready(file))
		mask |= EPOLLIN | EPOLLRDNORM;
	return mask;
}

static int device_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct vexipc_file *file = filp->private_data;
	/* Pairs with the setup. */
	struct vexipc_ring *ring = smp_load_acquire(&file->ring);

	return ring ? vexipc_ring_mmap(ring, vma) : -EBADFD;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.flush = device_flush,
	.release = device_release,
	.read_iter = device_read,
	.write_iter = device_write,
	.poll = device_poll,
	.mmap = device_mmap,
	.unlocked_ioctl = vexipc_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.uring_cmd = vexipc_device_uring_cmd,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vexipc",
	.fops = &device_fops,
	.mode = 0660,
};

int vexipc_device_init(void)
{
	return misc_register(&device);
}

void vexipc_device_exit(void)
{
	misc_deregister(&device);
}
