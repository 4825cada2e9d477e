// SPDX-License-Identifier: GPL-2.0-only
/*
 * The open file of a group: what user space does through /dev/vfio/N.
 *
 *	closed --open--> open --SET_CONTAINER--> attached --GET_DEVICE_FD--> ..
 *
 * One open file at a time. An open device holds the file, so its release finds
 * no device open; it detaches the group, unless an external user still wants
 * the attachment. Such a group is closed but attached, cannot be opened, and is
 * detached by the last external user (see external.c).
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "vfio.h"
#include "trace/vfio.h"

/**
 * vfio_group_from_file - the group behind a file
 * @file: any file, held by the caller
 *
 * Return: the group, kept by @file, or NULL if it is none's.
 */
struct vfio_group *vfio_group_from_file(struct file *file)
{
	return file->f_op == &vfio_group_fops ? file->private_data : NULL;
}

static int group_open(struct vfio_group *group, struct file *file)
{
	lockdep_assert_held(&group->group_lock);

	/* Being removed: this open raced with the last device's leaving. */
	if (!refcount_read(&group->drivers))
		return -ENODEV;
	/* Attached though closed: an external user has it. */
	if (group->opened_file || group->container)
		return -EBUSY;

	vfio_group_get(group, VFIO_GROUP_REF_FILE);
	group->opened_file = file;
	file->private_data = group;
	return 0;
}

static int vfio_group_fops_open(struct inode *inode, struct file *file)
{
	struct vfio_group *group =
		container_of(inode->i_cdev, struct vfio_group, cdev);
	int ret;

	ret = mutex_lock_killable(&group->group_lock);
	if (ret) {
		trace_vfio_group_open(group->id, ret);
		return ret;
	}
	ret = group_open(group, file);
	trace_vfio_group_open(group->id, ret);
	mutex_unlock(&group->group_lock);
	return ret;
}

static int vfio_group_fops_release(struct inode *inode, struct file *file)
{
	struct vfio_group *group = file->private_data;

	mutex_lock(&group->group_lock);
	group->opened_file = NULL;
	if (group->container && !group->external_users)
		vfio_group_detach_container(group);
	trace_vfio_group_release(group->id, 0);
	mutex_unlock(&group->group_lock);

	vfio_group_put(group, VFIO_GROUP_REF_FILE);
	return 0;
}

static int group_get_status(struct vfio_group *group,
			    struct vfio_group_status __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_group_status, flags);
	struct vfio_group_status status;
	int ret;

	if (copy_from_user(&status, arg, minsz))
		return -EFAULT;
	if (status.argsz < minsz)
		return -EINVAL;

	status.flags = 0;
	ret = mutex_lock_killable(&group->group_lock);
	if (ret)
		return ret;
	if (!group->iommu_group)
		ret = -ENODEV;
	else if (group->container)	/* which took viability */
		status.flags = VFIO_GROUP_FLAGS_CONTAINER_SET |
			       VFIO_GROUP_FLAGS_VIABLE;
	else if (!iommu_group_dma_owner_claimed(group->iommu_group))
		status.flags = VFIO_GROUP_FLAGS_VIABLE;
	mutex_unlock(&group->group_lock);
	if (ret)
		return ret;

	return copy_to_user(arg, &status, minsz) ? -EFAULT : 0;
}

static int group_set_container_file(struct vfio_group *group, struct file *file)
{
	struct vfio_container *container;

	lockdep_assert_held(&group->group_lock);

	if (group->container)
		return -EINVAL;
	if (!group->iommu_group)
		return -ENODEV;

	container = vfio_container_from_file(file);
	if (!container)
		return -VFIO_NO_CONTAINER_ERRNO;
	return vfio_container_attach_group(container, group);
}

static int group_set_container(struct vfio_group *group, int __user *arg)
{
	struct fd f;
	int fd, ret;

	if (get_user(fd, arg))
		return -EFAULT;

	f = fdget(fd);
	if (!fd_file(f))
		return -EBADF;

	ret = mutex_lock_killable(&group->group_lock);
	if (!ret) {
		ret = group_set_container_file(group, fd_file(f));
		mutex_unlock(&group->group_lock);
	}

	fdput(f);
	return ret;
}

static int group_unset_container(struct vfio_group *group)
{
	int ret;

	ret = mutex_lock_killable(&group->group_lock);
	if (ret)
		return ret;
	if (!group->container)
		ret = -EINVAL;
	else if (group->container_users != 1)	/* the attachment itself */
		ret = -EBUSY;
	else
		ret = vfio_group_unset_container(group);
	mutex_unlock(&group->group_lock);
	return ret;
}

/* Returns the device with its registration held. */
static struct vfio_device *group_find_device(struct vfio_group *group,
					     char *name)
{
	struct vfio_device *device, *found = ERR_PTR(-ENODEV);
	int match;

	/* A driver's match() may wait for locks of its own. */
	if (mutex_lock_killable(&group->device_lock))
		return ERR_PTR(-EINTR);
	list_for_each_entry(device, &group->device_list, group_next) {
		if (device->ops->match)
			match = device->ops->match(device, name);
		else
			match = !strcmp(dev_name(device->dev), name);
		if (match < 0) {
			found = ERR_PTR(match);
			break;
		}
		if (match && vfio_device_try_get_registration(device)) {
			found = device;
			break;
		}
	}
	mutex_unlock(&group->device_lock);
	return found;
}

/*
 * @name is user space's if it names no device. A driver may take more in it than
 * a name, a VF token for one, which is a secret: the event shows its first word.
 */
static void trace_open(struct vfio_group *group, const char *name,
		       unsigned int open_count, int ret, u64 start)
{
	char word[VFIO_TRACE_WORD];

	if (!trace_vfio_device_open_enabled())
		return;
	vfio_trace_word(word, name);
	trace_vfio_device_open(group->id, word, open_count, ret,
			       vfio_trace_elapsed(start));
}

static struct vfio_device *find_named_device(struct vfio_group *group,
					     char __user *arg, u64 start)
{
	char *name = strndup_user(arg, PAGE_SIZE);
	struct vfio_device *device;

	if (IS_ERR(name)) {
		trace_open(group, "", 0, PTR_ERR(name), start);
		return ERR_CAST(name);
	}
	device = group_find_device(group, name);
	if (IS_ERR(device))
		trace_open(group, name, 0, PTR_ERR(device), start);
	/* With what was a secret in it. */
	kfree_sensitive(name);
	return device;
}

static int group_get_device_fd(struct vfio_group *group, char __user *arg)
{
	u64 start = vfio_trace_start(vfio_device_open);
	struct vfio_device *device;
	struct file *file;
	int fd, ret;

	device = find_named_device(group, arg, start);
	if (IS_ERR(device))
		return PTR_ERR(device);

	fd = get_unused_fd_flags(O_CLOEXEC);
	ret = fd;
	if (fd < 0)
		goto err_device;

	file = vfio_device_open_file(device);
	ret = PTR_ERR_OR_ZERO(file);
	if (ret)
		goto err_fd;

	/* Before the fd is there: with it, another thread could close it. */
	trace_open(group, dev_name(device->dev), READ_ONCE(device->open_count),
		   0, start);
	fd_install(fd, file);
	return fd;

err_fd:
	put_unused_fd(fd);
err_device:
	trace_open(group, dev_name(device->dev), READ_ONCE(device->open_count),
		   ret, start);
	vfio_device_put_registration(device);
	return ret;
}

static long vfio_group_fops_unl_ioctl(struct file *file, unsigned int cmd,
				      unsigned long arg)
{
	struct vfio_group *group = file->private_data;
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case VFIO_GROUP_GET_STATUS:
		return group_get_status(group, uarg);
	case VFIO_GROUP_SET_CONTAINER:
		return group_set_container(group, uarg);
	case VFIO_GROUP_UNSET_CONTAINER:
		return group_unset_container(group);
	case VFIO_GROUP_GET_DEVICE_FD:
		return group_get_device_fd(group, uarg);
	default:
		return -ENOTTY;
	}
}

const struct file_operations vfio_group_fops = {
	.owner		= THIS_MODULE,
	.open		= vfio_group_fops_open,
	.release	= vfio_group_fops_release,
	.unlocked_ioctl	= vfio_group_fops_unl_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};
