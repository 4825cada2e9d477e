// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device sets: devices that are opened and closed under one lock, because what
 * one does concerns the others (a reset that hits all functions of a slot).
 *
 * A driver names the set by a pointer of its own. The first device makes the
 * set, the last one that leaves frees it. The struct is the kernel's public
 * one; its device_count is under vfio_device_sets.lock, its list under its own.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "vfio.h"

static struct {
	struct mutex	lock;	/* guards sets and their device_count */
	struct xarray	sets;	/* by set_id */
} vfio_device_sets = {
	.lock = __MUTEX_INITIALIZER(vfio_device_sets.lock),
	.sets = XARRAY_INIT(vfio_device_sets.sets, 0),
};

static struct vfio_device_set *set_find_or_create(void *set_id)
{
	struct vfio_device_set *set;
	int ret;

	lockdep_assert_held(&vfio_device_sets.lock);

	set = xa_load(&vfio_device_sets.sets, (unsigned long)set_id);
	if (set)
		return set;

	set = kzalloc(sizeof(*set), GFP_KERNEL);
	if (!set)
		return ERR_PTR(-ENOMEM);
	set->set_id = set_id;
	mutex_init(&set->lock);
	INIT_LIST_HEAD(&set->device_list);

	ret = xa_err(xa_store(&vfio_device_sets.sets, (unsigned long)set_id,
			      set, GFP_KERNEL));
	if (ret) {
		mutex_destroy(&set->lock);
		kfree(set);
		return ERR_PTR(ret);
	}
	return set;
}

/**
 * vfio_assign_device_set - put a device into a set
 * @device: a device that is in none, not registered yet
 * @set_id: names the set; not NULL
 *
 * Return: 0 or a negative errno.
 */
int vfio_assign_device_set(struct vfio_device *device, void *set_id)
{
	struct vfio_device_set *set;

	if (WARN_ON(!set_id))
		return -EINVAL;

	mutex_lock(&vfio_device_sets.lock);
	set = set_find_or_create(set_id);
	if (!IS_ERR(set))
		set->device_count++;
	mutex_unlock(&vfio_device_sets.lock);
	if (IS_ERR(set))
		return PTR_ERR(set);

	mutex_lock(&set->lock);
	device->dev_set = set;
	list_add_tail(&device->dev_set_list, &set->device_list);
	mutex_unlock(&set->lock);
	return 0;
}
EXPORT_SYMBOL_GPL(vfio_assign_device_set);

/**
 * vfio_device_leave_set - undo vfio_assign_device_set(), if it was done
 * @device: a device that nobody can open
 */
void vfio_device_leave_set(struct vfio_device *device)
{
	struct vfio_device_set *set = device->dev_set;

	if (!set)
		return;

	mutex_lock(&set->lock);
	list_del(&device->dev_set_list);
	device->dev_set = NULL;
	mutex_unlock(&set->lock);

	mutex_lock(&vfio_device_sets.lock);
	if (!--set->device_count) {
		xa_erase(&vfio_device_sets.sets, (unsigned long)set->set_id);
		mutex_destroy(&set->lock);
		kfree(set);
	}
	mutex_unlock(&vfio_device_sets.lock);
}

/**
 * vfio_device_set_open_count - how often a set's devices are open
 * @dev_set: the set, its lock held
 *
 * Return: the sum over the devices.
 */
unsigned int vfio_device_set_open_count(struct vfio_device_set *dev_set)
{
	struct vfio_device *device;
	unsigned int sum = 0;

	lockdep_assert_held(&dev_set->lock);

	list_for_each_entry(device, &dev_set->device_list, dev_set_list)
		sum += device->open_count;
	return sum;
}
EXPORT_SYMBOL_GPL(vfio_device_set_open_count);
