// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups: the objects behind /dev/vfio/N.
 *
 * The first device of an IOMMU group that registers makes the group, the last
 * one that leaves removes it: removes its char device, waits for external users,
 * throws it out of its container and takes it off the list. From then on
 * iommu_group is NULL and every call on a file that is still open says so. The
 * memory goes with the last reference.
 *
 * As long as the old group may still own the IOMMU group's DMA there is no new
 * one: a device that registers meanwhile waits for the end of the removal, and
 * only devices of that IOMMU group wait.
 *
 * A device without an IOMMU gets an IOMMU group for itself alone, because user
 * space knows no other way to a device.
 */
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "vfio.h"
#include "trace/vfio.h"

static struct {
	struct mutex		lock;	/* guards list, births, @drivers at 0 */
	struct list_head	list;	/* of struct vfio_group */
	struct ida		minors;
	struct class		*class;
	dev_t			devt;
} vfio_groups = {
	.lock = __MUTEX_INITIALIZER(vfio_groups.lock),
	.list = LIST_HEAD_INIT(vfio_groups.list),
	.minors = IDA_INIT(vfio_groups.minors),
};

/**
 * vfio_group_get - take a reference
 * @group: a group that the caller keeps alive already
 * @reason: what for; vfio_group_put() wants the same
 */
void vfio_group_get(struct vfio_group *group, enum vfio_group_ref_reason reason)
{
	int before;

	__refcount_inc(&group->refs, &before);
	trace_vfio_group_get(group->id, before + 1, reason);
}

/**
 * vfio_group_put - drop a reference; the last one frees the group
 * @group: the group
 * @reason: what it was taken for
 */
void vfio_group_put(struct vfio_group *group, enum vfio_group_ref_reason reason)
{
	int id = group->id;
	int before;
	bool last = __refcount_dec_and_test(&group->refs, &before);

	trace_vfio_group_put(id, before - 1, reason);
	if (last)
		put_device(&group->dev);
}

/* The file of a removed group holds the char device, and that this device. */
static void group_dev_release(struct device *dev)
{
	struct vfio_group *group = container_of(dev, struct vfio_group, dev);

	WARN_ON(group->iommu_group);
	WARN_ON(group->container);
	WARN_ON(!list_empty(&group->device_list));

	ida_free(&vfio_groups.minors, MINOR(group->dev.devt));
	mutex_destroy(&group->device_lock);
	mutex_destroy(&group->group_lock);
	kfree(group);
}

static struct vfio_group *group_alloc(struct iommu_group *iommu_group,
				      enum vfio_group_type type)
{
	struct vfio_group *group;
	int minor;

	group = kzalloc(sizeof(*group), GFP_KERNEL);
	if (!group)
		return ERR_PTR(-ENOMEM);

	minor = ida_alloc_max(&vfio_groups.minors, MINORMASK, GFP_KERNEL);
	if (minor < 0) {
		kfree(group);
		return ERR_PTR(minor);
	}

	mutex_init(&group->group_lock);
	mutex_init(&group->device_lock);
	spin_lock_init(&group->kvm_ref_lock);
	init_waitqueue_head(&group->external_gone);
	init_completion(&group->removed);
	INIT_LIST_HEAD(&group->device_list);
	refcount_set(&group->drivers, 1);
	refcount_set(&group->refs, 1);
	group->type = type;
	group->id = iommu_group_id(iommu_group);

	device_initialize(&group->dev);
	group->dev.devt = MKDEV(MAJOR(vfio_groups.devt), minor);
	group->dev.class = vfio_groups.class;
	group->dev.release = group_dev_release;
	cdev_init(&group->cdev, &vfio_group_fops);
	group->cdev.owner = THIS_MODULE;
	return group;
}

/*
 * Opens wait for the lock until the group is there, or is not to be: a char
 * device can be opened before its struct device is added.
 */
static int group_publish(struct vfio_group *group,
			 struct iommu_group *iommu_group)
{
	int ret;

	mutex_lock(&group->group_lock);
	ret = cdev_device_add(&group->cdev, &group->dev);
	if (ret) {
		refcount_set(&group->drivers, 0);
	} else {
		iommu_group_ref_get(iommu_group);
		WRITE_ONCE(group->iommu_group, iommu_group);
	}
	mutex_unlock(&group->group_lock);
	return ret;
}

/* Returns with one registration and one reference for the first device. */
static struct vfio_group *group_create(struct iommu_group *iommu_group,
				       enum vfio_group_type type)
{
	struct vfio_group *group;
	int ret;

	lockdep_assert_held(&vfio_groups.lock);

	group = group_alloc(iommu_group, type);
	if (IS_ERR(group))
		return group;

	ret = dev_set_name(&group->dev, "%d", group->id);
	if (!ret)
		ret = group_publish(group, iommu_group);
	if (ret) {
		put_device(&group->dev);
		return ERR_PTR(ret);
	}

	list_add(&group->vfio_next, &vfio_groups.list);
	trace_vfio_group_get(group->id, 1, VFIO_GROUP_REF_DEVICE);
	return group;
}

/* One that is being removed is found until its attachment has ended. */
static struct vfio_group *group_find(struct iommu_group *iommu_group)
{
	struct vfio_group *group;

	lockdep_assert_held(&vfio_groups.lock);

	list_for_each_entry(group, &vfio_groups.list, vfio_next)
		if (READ_ONCE(group->iommu_group) == iommu_group)
			return group;
	return NULL;
}

static bool group_has_device(struct vfio_group *group, struct device *dev)
{
	struct vfio_device *device;
	bool found = false;

	mutex_lock(&group->device_lock);
	list_for_each_entry(device, &group->device_list, group_next)
		if (device->dev == dev) {
			found = true;
			break;
		}
	mutex_unlock(&group->device_lock);
	return found;
}

/*
 * Returns the group with a registration and a reference for @dev, or the one
 * whose end must be waited for, in @leaving, with its memory held.
 */
static struct vfio_group *group_find_or_create(struct iommu_group *iommu_group,
					       struct device *dev,
					       struct vfio_group **leaving)
{
	struct vfio_group *group = group_find(iommu_group);

	if (!group)
		return group_create(iommu_group, VFIO_IOMMU);
	if (WARN_ON(group_has_device(group, dev)))
		return ERR_PTR(-EBUSY);
	if (!refcount_inc_not_zero(&group->drivers)) {
		get_device(&group->dev);
		*leaving = group;
		return NULL;
	}
	vfio_group_get(group, VFIO_GROUP_REF_DEVICE);
	return group;
}

static struct vfio_group *group_join_or_create(struct iommu_group *iommu_group,
					       struct device *dev)
{
	struct vfio_group *group, *leaving;
	int ret;

	do {
		leaving = NULL;
		mutex_lock(&vfio_groups.lock);
		group = group_find_or_create(iommu_group, dev, &leaving);
		mutex_unlock(&vfio_groups.lock);
		if (!leaving)
			return group;

		ret = wait_for_completion_killable(&leaving->removed);
		put_device(&leaving->dev);
	} while (!ret);
	return ERR_PTR(-EINTR);
}

static struct vfio_group *group_of_physical(struct device *dev)
{
	struct iommu_group *iommu_group = iommu_group_get(dev);
	struct vfio_group *group = ERR_PTR(-EINVAL);

	if (!iommu_group)
		return group;
	/* Mappings are made cacheable; user space could not cope otherwise. */
	if (device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY))
		group = group_join_or_create(iommu_group, dev);

	/* A new group took a reference of its own. */
	iommu_group_put(iommu_group);
	return group;
}

static struct vfio_group *group_for_emulated(struct device *dev)
{
	struct iommu_group *iommu_group = iommu_group_alloc();
	struct vfio_group *group;
	int ret;

	if (IS_ERR(iommu_group))
		return ERR_CAST(iommu_group);

	/* This name is what sysfs has always shown for such groups. */
	ret = iommu_group_set_name(iommu_group, "vfio-noiommu");
	if (ret)
		goto err_put;
	ret = iommu_group_add_device(iommu_group, dev);
	if (ret)
		goto err_put;

	mutex_lock(&vfio_groups.lock);
	group = group_create(iommu_group, VFIO_EMULATED_IOMMU);
	mutex_unlock(&vfio_groups.lock);
	if (IS_ERR(group)) {
		ret = PTR_ERR(group);
		goto err_remove;
	}
	iommu_group_put(iommu_group);
	return group;

err_remove:
	iommu_group_remove_device(dev);
err_put:
	iommu_group_put(iommu_group);
	return ERR_PTR(ret);
}

/**
 * vfio_device_join_group - find or make the group of a device
 * @device: a device about to be registered
 * @type: VFIO_IOMMU or VFIO_EMULATED_IOMMU
 *
 * The device is not in the group's list yet; it holds the group by a
 * reference and a registration.
 *
 * Return: 0 or a negative errno.
 */
int vfio_device_join_group(struct vfio_device *device,
			   enum vfio_group_type type)
{
	struct vfio_group *group;

	if (type == VFIO_IOMMU)
		group = group_of_physical(device->dev);
	else
		group = group_for_emulated(device->dev);
	if (IS_ERR(group))
		return PTR_ERR(group);

	device->group = group;
	return 0;
}

static bool no_external_user(struct vfio_group *group)
{
	return !READ_ONCE(group->external_users);
}

/* A signal does not end the waiting; it is answered by a message, once. */
static void wait_for_external_users(struct vfio_group *group,
				    struct vfio_device *device)
{
	if (!wait_event_interruptible(group->external_gone,
				      no_external_user(group)))
		return;
	vfio_device_warn_blocked(device);
	/* In pieces: who waits for somebody else's sake does not hang. */
	while (!wait_event_timeout(group->external_gone,
				   no_external_user(group),
				   VFIO_REQUEST_INTERVAL))
		;
}

/*
 * No device is left, so none is open, and drivers is 0, so that nobody new can
 * come: what may still hold the attachment is the group's file, which loses it,
 * and external users, which are waited for.
 */
static void group_revoke(struct vfio_group *group, struct vfio_device *device)
{
	struct iommu_group *iommu_group;

	mutex_lock(&group->group_lock);
	while (group->external_users) {
		mutex_unlock(&group->group_lock);
		wait_for_external_users(group, device);
		mutex_lock(&group->group_lock);
	}
	if (group->container)
		vfio_group_detach_container(group);
	iommu_group = group->iommu_group;
	WRITE_ONCE(group->iommu_group, NULL);
	mutex_unlock(&group->group_lock);

	iommu_group_put(iommu_group);
}

/* The number's name is free before its DMA is: the new group needs both. */
static void group_remove(struct vfio_group *group, struct vfio_device *device)
{
	cdev_device_del(&group->cdev, &group->dev);
	group_revoke(group, device);

	mutex_lock(&vfio_groups.lock);
	list_del(&group->vfio_next);
	mutex_unlock(&vfio_groups.lock);
	complete_all(&group->removed);
}

/**
 * vfio_device_leave_group - undo vfio_device_join_group()
 * @device: a device that is not in the group's list (any more)
 *
 * May wait for external users.
 */
void vfio_device_leave_group(struct vfio_device *device)
{
	struct vfio_group *group = device->group;
	bool last;

	if (group->type == VFIO_EMULATED_IOMMU)
		iommu_group_remove_device(device->dev);

	mutex_lock(&vfio_groups.lock);
	last = refcount_dec_and_test(&group->drivers);
	mutex_unlock(&vfio_groups.lock);

	if (last)
		group_remove(group, device);
	/* Another group may get its address. */
	WRITE_ONCE(device->group, NULL);
	vfio_group_put(group, VFIO_GROUP_REF_DEVICE);
}

static char *group_devnode(VFIO_DEVNODE_CONST struct device *dev, umode_t *mode)
{
	return kasprintf(GFP_KERNEL, "vfio/%s", dev_name(dev));
}

/**
 * vfio_group_init - class and numbers of /dev/vfio/N
 *
 * Return: 0 or a negative errno.
 */
int __init vfio_group_init(void)
{
	int ret;

	vfio_groups.class = vfio_class_create("vfio");
	if (IS_ERR(vfio_groups.class))
		return PTR_ERR(vfio_groups.class);
	vfio_groups.class->devnode = group_devnode;

	ret = alloc_chrdev_region(&vfio_groups.devt, 0, MINORMASK + 1, "vfio");
	if (ret)
		class_destroy(vfio_groups.class);
	return ret;
}

/**
 * vfio_group_cleanup - undo vfio_group_init()
 */
void vfio_group_cleanup(void)
{
	WARN_ON(!list_empty(&vfio_groups.list));
	unregister_chrdev_region(vfio_groups.devt, MINORMASK + 1);
	class_destroy(vfio_groups.class);
	ida_destroy(&vfio_groups.minors);
}
