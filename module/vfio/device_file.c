// SPDX-License-Identifier: GPL-2.0-only
/*
 * The open file of a device: user space's way to the hardware.
 *
 * A device can be opened while its group is in a container with a backend, and
 * more than once. The first open takes what an open device needs: the driver's
 * module, a use of the container, the group's file (which so stays open even if
 * user space closes its fd), the VM that is linked with the group. The last
 * close gives it back. open_count, under the set's lock, tells which is which.
 *
 * read, write, mmap and ioctl are the driver's, who sees only files of an open
 * device.
 */
#include <linux/anon_inodes.h>
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>

#include "vfio.h"
#include "trace/vfio.h"

/**
 * vfio_device_file_from - what a file of a device stands for
 * @file: any file, held by the caller
 *
 * Return: its private part, or NULL if it is no device's.
 */
struct vfio_device_file *vfio_device_file_from(struct file *file)
{
	return file->f_op == &vfio_device_fops ? file->private_data : NULL;
}

/* A first open's part of the attachment: it and the group's file stay. */
static void use_container(struct vfio_device *device)
{
	get_file(device->group->opened_file);
	vfio_container_user_get(device->group, VFIO_CONTAINER_USER_DEVICE);
}

static void unuse_container(struct vfio_device *device)
{
	struct vfio_group *group = device->group;

	WARN_ON(vfio_container_user_put(group, VFIO_CONTAINER_USER_DEVICE) < 1);
	/* Put for good once this task has left the kernel, without our locks. */
	fput(group->opened_file);
}

/*
 * The backend hears of the device, for it may have to ask for pages back, and so
 * does the driver: in the order that the kernel's drivers know.
 */
static int introduce(struct vfio_device *device)
{
	struct vfio_container *container = device->group->container;
	int ret = 0;

	if (VFIO_BACKEND_HEARS_FIRST)
		vfio_container_add_device(container, device);
	if (device->ops->open_device)
		ret = device->ops->open_device(device);

	if (ret && VFIO_BACKEND_HEARS_FIRST)
		vfio_container_remove_device(container, device);
	if (!ret && !VFIO_BACKEND_HEARS_FIRST)
		vfio_container_add_device(container, device);
	return ret;
}

static int device_first_open(struct vfio_device *device)
{
	int ret;

	/* Who sets it does not hold the locks that we do. */
	if (!smp_load_acquire(&device->group->container->iommu_driver))
		return -EINVAL;
	if (!try_module_get(device->dev->driver->owner))
		return -ENODEV;

	use_container(device);
	/* As long as the backend knows the device, it calls an open one. */
	device->open_count = 1;
	ret = introduce(device);
	if (!ret)
		return 0;

	device->open_count = 0;
	unuse_container(device);
	module_put(device->dev->driver->owner);
	return ret;
}

static void device_last_close(struct vfio_device *device)
{
	if (device->ops->close_device)
		device->ops->close_device(device);
	vfio_container_remove_device(device->group->container, device);
	device->open_count = 0;
	unuse_container(device);
	module_put(device->dev->driver->owner);
}

/* Both locks are held, and the group is attached. */
static int device_open_locked(struct vfio_device *device, struct kvm **stale)
{
	int ret;

	if (device->open_count) {
		device->open_count++;
		return 0;
	}

	vfio_device_link_kvm(device);
	ret = device_first_open(device);
	if (ret)
		*stale = vfio_device_unlink_kvm(device);
	return ret;
}

static int device_open(struct vfio_device *device)
{
	struct vfio_group *group = device->group;
	struct kvm *stale = NULL;
	int ret;

	/* Another device of the group or of the set may take long to open. */
	ret = mutex_lock_killable(&group->group_lock);
	if (ret)
		return ret;
	ret = -EINVAL;
	if (!group->container)
		goto out_unlock;

	ret = mutex_lock_killable(&device->dev_set->lock);
	if (ret)
		goto out_unlock;
	ret = device_open_locked(device, &stale);
	mutex_unlock(&device->dev_set->lock);
out_unlock:
	mutex_unlock(&group->group_lock);
	vfio_kvm_put(stale);
	return ret;
}

/* Returns how often the device is still open. */
static unsigned int device_close(struct vfio_device *device)
{
	struct vfio_group *group = device->group;
	struct kvm *stale = NULL;
	unsigned int left;

	mutex_lock(&group->group_lock);
	mutex_lock(&device->dev_set->lock);
	if (WARN_ON(!device->open_count)) {
		left = 0;
	} else if (device->open_count > 1) {
		left = --device->open_count;
	} else {
		device_last_close(device);
		stale = vfio_device_unlink_kvm(device);
		left = 0;
	}
	mutex_unlock(&device->dev_set->lock);
	mutex_unlock(&group->group_lock);

	vfio_kvm_put(stale);
	return left;
}

/**
 * vfio_device_open_file - open a device for user space
 * @device: a device whose registration is held; on success the file has it
 *
 * Return: the file, or an ERR_PTR(): -EINVAL if the group is in no container or
 * in one without a backend, -EINTR if the caller was killed while it waited, else
 * what the driver says.
 */
struct file *vfio_device_open_file(struct vfio_device *device)
{
	struct vfio_device_file *df;
	struct file *file;
	int ret;

	df = kzalloc(sizeof(*df), GFP_KERNEL_ACCOUNT);
	if (!df)
		return ERR_PTR(-ENOMEM);
	df->device = device;
	df->group = device->group;

	ret = device_open(device);
	if (ret)
		goto err_free;

	file = anon_inode_getfile("[vfio-device]", &vfio_device_fops, df,
				  O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_close;
	}

	/* Regions are at offsets of the file. */
	file->f_mode |= FMODE_PREAD | FMODE_PWRITE;
	vfio_device_file_set_mapping(file, device);
	return file;

err_close:
	device_close(device);
err_free:
	kfree(df);
	return ERR_PTR(ret);
}

static void trace_close(const struct vfio_device_file *df, unsigned int left,
			u64 start)
{
	char name[VFIO_TRACE_WORD];

	if (!trace_vfio_device_close_enabled())
		return;
	vfio_trace_word(name, dev_name(df->device->dev));
	trace_vfio_device_close(df->group->id, name, left, 0,
				vfio_trace_elapsed(start));
}

static int vfio_device_fops_release(struct inode *inode, struct file *file)
{
	u64 start = vfio_trace_start(vfio_device_close);
	struct vfio_device_file *df = file->private_data;
	struct vfio_device *device = df->device;
	unsigned int left;

	left = device_close(device);
	trace_close(df, left, start);
	kfree(df);
	/* Last: device and group may be gone after it. */
	vfio_device_put_registration(device);
	return 0;
}

/* A driver with power management must not be called while it sleeps. */
static bool has_runtime_pm(struct vfio_device *device)
{
	struct device_driver *driver = device->dev->driver;

	return driver && driver->pm;
}

static int device_wake(struct vfio_device *device)
{
	int ret;

	if (!has_runtime_pm(device))
		return 0;
	ret = pm_runtime_resume_and_get(device->dev);
	if (!ret)
		return 0;

	dev_info_ratelimited(device->dev, "vfio: runtime resume failed %d\n",
			     ret);
	return -EIO;
}

static void device_let_sleep(struct vfio_device *device)
{
	if (has_runtime_pm(device))
		pm_runtime_put(device->dev);
}

static long vfio_device_fops_unl_ioctl(struct file *file, unsigned int cmd,
				       unsigned long arg)
{
	struct vfio_device_file *df = file->private_data;
	struct vfio_device *device = df->device;
	int ret;

	/* Without a device file of its own a device has no iommufd. */
	if (vfio_compat_is_bind_iommufd(cmd))
		return -ENOTTY;

	ret = device_wake(device);
	if (ret)
		return ret;

	if (cmd == VFIO_DEVICE_FEATURE)
		ret = vfio_ioctl_device_feature(device, (void __user *)arg);
	else if (device->ops->ioctl)
		ret = device->ops->ioctl(device, cmd, arg);
	else
		ret = -EINVAL;

	device_let_sleep(device);
	return ret;
}

static ssize_t vfio_device_fops_read(struct file *file, char __user *buf,
				     size_t count, loff_t *ppos)
{
	struct vfio_device_file *df = file->private_data;
	const struct vfio_device_ops *ops = df->device->ops;

	return ops->read ? ops->read(df->device, buf, count, ppos) : -EINVAL;
}

static ssize_t vfio_device_fops_write(struct file *file, const char __user *buf,
				      size_t count, loff_t *ppos)
{
	struct vfio_device_file *df = file->private_data;
	const struct vfio_device_ops *ops = df->device->ops;

	return ops->write ? ops->write(df->device, buf, count, ppos) : -EINVAL;
}

static int vfio_device_fops_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vfio_device_file *df = file->private_data;
	const struct vfio_device_ops *ops = df->device->ops;

	return ops->mmap ? ops->mmap(df->device, vma) : -EINVAL;
}

const struct file_operations vfio_device_fops = {
	.owner		= THIS_MODULE,
	.release	= vfio_device_fops_release,
	.read		= vfio_device_fops_read,
	.write		= vfio_device_fops_write,
	.unlocked_ioctl	= vfio_device_fops_unl_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= vfio_device_fops_mmap,
};
