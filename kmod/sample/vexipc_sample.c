// SPDX-License-Identifier: GPL-2.0-only
/*
 * A consumer of the in-kernel API: write a text to
 * /sys/kernel/debug/vexipc_sample/text, read the file, and the vector is there,
 * one Float32 a line as its bits in hexadecimal: the kernel does no floating
 * point. "async" in the same folder does the same by callback.
 */
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>
#include <linux/vexipc.h>
#include <net/net_namespace.h>

enum { MAX_TEXT = 65536 };

static struct vexipc_client *client;
static struct dentry *folder;

/* struct answer is what an open file has to show. */
struct answer {
	struct mutex lock;	/* one question at a time */
	struct completion done;
	int err;
	u32 dimensions;
	__le32 *vector;
};

static int keep(struct answer *answer, const struct vexipc_kernel_result *result, gfp_t gfp)
{
	__le32 *vector;

	if (result->err)
		return result->err;
	vector = kmemdup(result->vector, result->vector_bytes, gfp);
	if (!vector)
		return -ENOMEM;
	kfree(answer->vector);
	answer->vector = vector;
	answer->dimensions = result->dimensions;
	return 0;
}

static int ask(struct answer *answer, const struct vexipc_kernel_request *request)
{
	struct vexipc_kernel_result result;
	int err = vexipc_embed(client, request, &result);

	if (err)
		return err;
	err = keep(answer, &result, GFP_KERNEL);
	vexipc_result_free(&result);
	return err;
}

static void answered(const struct vexipc_kernel_result *result, void *private)
{
	struct answer *answer = private;

	/* The callback may not sleep. */
	answer->err = keep(answer, result, GFP_ATOMIC);
	complete(&answer->done);
}

static int ask_async(struct answer *answer, const struct vexipc_kernel_request *request)
{
	u64 request_id;
	int err;

	reinit_completion(&answer->done);
	err = vexipc_embed_async(client, request, answered, answer, &request_id);
	if (err)
		return err;
	if (wait_for_completion_interruptible(&answer->done)) {
		/* Cancelled or answered: either way it is called once. */
		vexipc_embed_cancel(client, request_id);
		wait_for_completion(&answer->done);
		return answer->err == -ECANCELED ? -EINTR : answer->err;
	}
	return answer->err;
}

static int show(struct seq_file *seq, void *unused)
{
	struct answer *answer = seq->private;

	mutex_lock(&answer->lock);
	for (u32 i = 0; i < answer->dimensions; i++)
		seq_printf(seq, "%08x\n", le32_to_cpu(answer->vector[i]));
	mutex_unlock(&answer->lock);
	return 0;
}

static int sample_open(struct inode *inode, struct file *filp)
{
	struct answer *answer = kzalloc(sizeof(*answer), GFP_KERNEL);
	int err;

	if (!answer)
		return -ENOMEM;
	mutex_init(&answer->lock);
	init_completion(&answer->done);
	err = single_open_size(filp, show, answer, VEXIPC_MAX_DIMENSIONS * 9 + 1);
	if (err)
		kfree(answer);
	return err;
}

static int sample_release(struct inode *inode, struct file *filp)
{
	struct answer *answer = ((struct seq_file *)filp->private_data)->private;

	kfree(answer->vector);
	kfree(answer);
	return single_release(inode, filp);
}

static ssize_t sample_write(struct file *filp, const char __user *text, size_t len,
			    bool async)
{
	struct answer *answer = ((struct seq_file *)filp->private_data)->private;
	struct vexipc_kernel_request request = {
		.content_len = len,
		.priority = VEXIPC_PRIORITY_NORMAL,
	};
	void *content;
	int err;

	if (!len || len > MAX_TEXT)
		return -EINVAL;
	content = vmemdup_user(text, len);
	if (IS_ERR(content))
		return PTR_ERR(content);
	request.content = content;
	mutex_lock(&answer->lock);
	err = async ? ask_async(answer, &request) : ask(answer, &request);
	mutex_unlock(&answer->lock);
	kvfree(content);
	return err ?: len;
}

static ssize_t write_text(struct file *filp, const char __user *text, size_t len, loff_t *pos)
{
	return sample_write(filp, text, len, false);
}

static ssize_t write_async(struct file *filp, const char __user *text, size_t len, loff_t *pos)
{
	return sample_write(filp, text, len, true);
}

static const struct file_operations text_fops = {
	.owner = THIS_MODULE,
	.open = sample_open,
	.read = seq_read,
	.write = write_text,
	.llseek = seq_lseek,
	.release = sample_release,
};

static const struct file_operations async_fops = {
	.owner = THIS_MODULE,
	.open = sample_open,
	.read = seq_read,
	.write = write_async,
	.llseek = seq_lseek,
	.release = sample_release,
};

static int __init sample_init(void)
{
	client = vexipc_client_open(&init_net);
	if (IS_ERR(client))
		return PTR_ERR(client);
	folder = debugfs_create_dir("vexipc_sample", NULL);
	debugfs_create_file("text", 0600, folder, NULL, &text_fops);
	debugfs_create_file("async", 0600, folder, NULL, &async_fops);
	return 0;
}

static void __exit sample_exit(void)
{
	debugfs_remove(folder);
	vexipc_client_close(client);
}

module_init(sample_init);
module_exit(sample_exit);
MODULE_DESCRIPTION("vexipc in-kernel API sample: embeds what is written to it");
MODULE_LICENSE("GPL");
