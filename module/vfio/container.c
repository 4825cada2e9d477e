// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers: /dev/vfio/vfio.
 *
 * A container is made by open and lives until its file and all groups attached
 * to it are gone, in whatever order. It is unprivileged by itself: only by
 * attaching a group, which takes access to that group, does a user get the
 * right to choose a backend for it (VFIO_SET_IOMMU) and so to use resources of
 * the IOMMU. There is no way to take the choice back but detaching all groups.
 *
 *	empty --attach--> attached --SET_IOMMU--> usable --last detach--> empty
 *
 * What concerns the backend is in backend.c.
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "vfio.h"
#include "trace/vfio.h"

/*
 * Containers by id: no two that live have one, and an id that was free is given
 * out again after all others, so that a log of days means one container by it.
 * (Anybody may open containers, so that the 2^31 ids come to an end some day.)
 */
static struct xarray containers = XARRAY_INIT(containers, XA_FLAGS_ALLOC1 |
						XA_FLAGS_ACCOUNT);
static u32 next_container_id;	/* under the lock of @containers */

static void container_free(struct kref *kref)
{
	struct vfio_container *container =
		container_of(kref, struct vfio_container, kref);

	WARN_ON(!list_empty(&container->group_list));

	if (trace_vfio_container_release_enabled())
		trace_vfio_container_release(container->id,
			ktime_get_coarse_ns() - container->opened_ns);
	xa_erase(&containers, container->id);
	mutex_destroy(&container->group_lock);
	kfree(container);
}

static void container_put(struct vfio_container *container)
{
	kref_put(&container->kref, container_free);
}

static long vfio_fops_unl_ioctl(struct file *file, unsigned int cmd,
				unsigned long arg)
{
	struct vfio_container *container = file->private_data;

	switch (cmd) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return vfio_container_check_extension(container, arg);
	case VFIO_SET_IOMMU:
		return vfio_container_set_iommu(container, arg);
	default:
		return vfio_container_backend_ioctl(container, cmd, arg);
	}
}

static int vfio_fops_open(struct inode *inode, struct file *file)
{
	struct vfio_container *container;
	int ret;

	container = kzalloc(sizeof(*container), GFP_KERNEL_ACCOUNT);
	if (!container)
		return -ENOMEM;

	/* From 1, so that events can say 0 for none; with bit 31 it is a tool's. */
	ret = xa_alloc_cyclic(&containers, &container->id, container,
			      XA_LIMIT(1, INT_MAX), &next_container_id,
			      GFP_KERNEL_ACCOUNT);
	if (ret < 0) {
		kfree(container);
		return ret;
	}

	kref_init(&container->kref);
	INIT_LIST_HEAD(&container->group_list);
	mutex_init(&container->group_lock);
	init_waitqueue_head(&container->backend_idle);
	container->opened_ns = ktime_get_coarse_ns();
	file->private_data = container;

	trace_vfio_container_open(container->id);
	return 0;
}

static int vfio_fops_release(struct inode *inode, struct file *file)
{
	struct vfio_container *container = file->private_data;

	vfio_container_close_notify(container);
	container_put(container);
	return 0;
}

static const struct file_operations vfio_fops = {
	.owner		= THIS_MODULE,
	.open		= vfio_fops_open,
	.release	= vfio_fops_release,
	.unlocked_ioctl	= vfio_fops_unl_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/**
 * vfio_container_from_file - the container behind a file
 * @file: any file, held by the caller
 *
 * Return: the container, kept by @file, or NULL if it is none's.
 */
struct vfio_container *vfio_container_from_file(struct file *file)
{
	return file->f_op == &vfio_fops ? file->private_data : NULL;
}

/*
 * Users of an attachment.
 */

/**
 * vfio_container_user_get - add a user to a group's attachment
 * @group: an attached group, its group_lock held
 * @reason: who it is
 *
 * Return: the users there are now.
 */
unsigned int vfio_container_user_get(struct vfio_group *group,
				     enum vfio_container_user_reason reason)
{
	lockdep_assert_held(&group->group_lock);

	group->container_users++;
	trace_vfio_container_users(group->container->id, group->id,
				   group->container_users, 1, reason);
	return group->container_users;
}

/**
 * vfio_container_user_put - take a user off a group's attachment
 * @group: an attached group, its group_lock held
 * @reason: who it was
 *
 * Return: the users that are left.
 */
unsigned int vfio_container_user_put(struct vfio_group *group,
				     enum vfio_container_user_reason reason)
{
	lockdep_assert_held(&group->group_lock);

	if (WARN_ON(!group->container_users))
		return 0;
	group->container_users--;
	trace_vfio_container_users(group->container->id, group->id,
				   group->container_users, -1, reason);
	return group->container_users;
}

static int join_container(struct vfio_container *container,
			  struct vfio_group *group)
{
	struct vfio_iommu_driver *driver;
	int ret;

	/* Viability: no other driver may do DMA behind this group. */
	if (group->type == VFIO_IOMMU) {
		ret = iommu_group_claim_dma_owner(group->iommu_group, group);
		if (ret)
			return ret;
	}

	driver = container->iommu_driver;
	if (driver) {
		ret = driver->ops->attach_group(container->iommu_data,
						group->iommu_group,
						group->type);
		if (ret)
			goto err_release;
	}

	list_add(&group->container_next, &container->group_list);
	return 0;

err_release:
	if (group->type == VFIO_IOMMU)
		iommu_group_release_dma_owner(group->iommu_group);
	return ret;
}

/**
 * vfio_container_attach_group - VFIO_GROUP_SET_CONTAINER
 * @container: the container, kept by the caller
 * @group: a group that is in none, its group_lock held
 *
 * Return: 0, -EINTR if the caller was killed while it waited, or the errno of
 * the IOMMU or of the container's backend.
 */
int vfio_container_attach_group(struct vfio_container *container,
				struct vfio_group *group)
{
	u64 start = vfio_trace_start(vfio_container_attach);
	int ret;

	lockdep_assert_held(&group->group_lock);

	ret = mutex_lock_killable(&container->group_lock);
	if (!ret) {
		ret = join_container(container, group);
		mutex_unlock(&container->group_lock);
	}

	if (!ret) {
		kref_get(&container->kref);
		vfio_group_get(group, VFIO_GROUP_REF_CONTAINER);
		group->container = container;
		vfio_container_user_get(group, VFIO_CONTAINER_USER_ATTACH);
	}
	trace_vfio_container_attach(container->id, group->id, ret,
				    vfio_trace_elapsed(start));
	return ret;
}

/* Leaves the container that @group is in, whose group_lock is held. */
static void leave_container(struct vfio_group *group)
{
	struct vfio_container *container = group->container;
	struct vfio_iommu_driver *driver = container->iommu_driver;

	lockdep_assert_held(&container->group_lock);
	WARN_ON(group->container_users != 1);

	list_del(&group->container_next);
	if (driver) {
		driver->ops->detach_group(container->iommu_data,
					  group->iommu_group);
		if (list_empty(&container->group_list))
			vfio_container_release_backend(container);
	}
	if (group->type == VFIO_IOMMU)
		iommu_group_release_dma_owner(group->iommu_group);
}

static void forget_container(struct vfio_group *group, u64 start)
{
	struct vfio_container *container = group->container;

	vfio_container_user_put(group, VFIO_CONTAINER_USER_ATTACH);
	group->container_users = 0;
	group->container = NULL;
	trace_vfio_container_detach(container->id, group->id, 0,
				    vfio_trace_elapsed(start));
	vfio_group_put(group, VFIO_GROUP_REF_CONTAINER);
	container_put(container);
}

/**
 * vfio_group_detach_container - undo vfio_container_attach_group()
 * @group: an attached group, its group_lock held, with no user left but the
 *	attachment. The caller holds a reference on it.
 *
 * The last group takes the backend with it.
 */
void vfio_group_detach_container(struct vfio_group *group)
{
	u64 start = vfio_trace_start(vfio_container_detach);
	struct vfio_container *container = group->container;

	lockdep_assert_held(&group->group_lock);

	mutex_lock(&container->group_lock);
	leave_container(group);
	mutex_unlock(&container->group_lock);
	forget_container(group, start);
}

/**
 * vfio_group_unset_container - VFIO_GROUP_UNSET_CONTAINER
 * @group: as for vfio_group_detach_container()
 *
 * The same for who may be killed while others attach, or map.
 *
 * Return: 0; or -EINTR if the caller was killed, and the group is attached.
 */
int vfio_group_unset_container(struct vfio_group *group)
{
	u64 start = vfio_trace_start(vfio_container_detach);
	struct vfio_container *container = group->container;
	int ret;

	lockdep_assert_held(&group->group_lock);

	ret = mutex_lock_killable(&container->group_lock);
	if (ret)
		return ret;
	if (list_is_singular(&container->group_list))
		ret = vfio_container_settle(container);
	if (!ret)
		leave_container(group);
	mutex_unlock(&container->group_lock);
	if (!ret)
		forget_container(group, start);
	return ret;
}

static struct miscdevice vfio_misc = {
	.minor		= VFIO_MINOR,
	.name		= "vfio",
	.fops		= &vfio_fops,
	.nodename	= "vfio/vfio",
	.mode		= 0666,
};

/**
 * vfio_container_init - make /dev/vfio/vfio
 *
 * Return: 0 or a negative errno.
 */
int __init vfio_container_init(void)
{
	return misc_register(&vfio_misc);
}

/**
 * vfio_container_cleanup - undo vfio_container_init()
 */
void vfio_container_cleanup(void)
{
	misc_deregister(&vfio_misc);
}
