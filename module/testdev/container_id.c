// SPDX-License-Identifier: GPL-2.0-only
/*
 * Winds the counter of container ids on, which takes 2^32 opens otherwise.
 *
 * The core asks an xarray for the next free id, and gives it the counter's
 * address. A kprobe on that function writes the counter for the one task that
 * asked for it, under the xarray's lock, which is held around the call.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kprobes.h>
#include <linux/mutex.h>
#include <linux/sched.h>

#include "testdev.h"

/* Guards next_id; held while the probe is there. */
static DEFINE_MUTEX(next_id_lock);
static struct task_struct *next_id_task;
static u32 next_id;

static int set_counter(struct kprobe *probe, struct pt_regs *regs)
{
	u32 *counter = (u32 *)regs_get_kernel_argument(regs, 4);

	if (current == READ_ONCE(next_id_task)) {
		*counter = next_id;
		WRITE_ONCE(next_id_task, NULL);
	}
	return 0;
}

/**
 * testdev_container_id - open a container, the counter of ids being at a value
 * @args: the value in
 *
 * Return: 0; -EIO if opening a container asked for no id in that way.
 */
int testdev_container_id(struct vfio_testdev_container_id *args)
{
	struct kprobe probe = {
		.symbol_name = "__xa_alloc_cyclic",
		.pre_handler = set_counter,
	};
	struct file *file;
	int ret;

	ret = mutex_lock_killable(&next_id_lock);
	if (ret)
		return ret;
	next_id = args->next;
	WRITE_ONCE(next_id_task, current);
	ret = register_kprobe(&probe);
	if (ret)
		goto out;

	file = filp_open("/dev/vfio/vfio", O_RDWR, 0);
	unregister_kprobe(&probe);
	if (IS_ERR(file))
		ret = PTR_ERR(file);
	else
		fput(file);
	if (!ret && next_id_task)
		ret = -EIO;
out:
	next_id_task = NULL;
	mutex_unlock(&next_id_lock);
	return ret;
}
