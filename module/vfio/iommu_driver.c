// SPDX-License-Identifier: GPL-2.0-only
/*
 * Backends: the IOMMU drivers that a container can choose from.
 *
 * A backend registers when its module loads and leaves when it unloads, so a
 * reference on its module keeps it in the list. That is what lets a caller walk
 * the list without holding its lock over calls into a backend.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "vfio.h"

static struct {
	struct mutex		lock;	/* guards list */
	struct list_head	list;	/* of struct vfio_iommu_driver */
} vfio_iommu_drivers = {
	.lock = __MUTEX_INITIALIZER(vfio_iommu_drivers.lock),
	.list = LIST_HEAD_INIT(vfio_iommu_drivers.list),
};

static struct vfio_iommu_driver *
find_driver(const struct vfio_iommu_driver_ops *ops)
{
	struct vfio_iommu_driver *driver;

	lockdep_assert_held(&vfio_iommu_drivers.lock);

	list_for_each_entry(driver, &vfio_iommu_drivers.list, vfio_next)
		if (driver->ops == ops)
			return driver;
	return NULL;
}

/**
 * vfio_register_iommu_driver_ext - offer a backend to containers
 * @ops: its calls; stay until vfio_unregister_iommu_driver()
 * @ext: calls that stock's backends do not have, or NULL
 *
 * Return: 0, -EINVAL if @ops are there already or hear of only one of a
 * device's coming and going, -ENOMEM.
 */
int vfio_register_iommu_driver_ext(const struct vfio_iommu_driver_ops *ops,
				   const struct vfio_iommu_driver_ext *ext)
{
	struct vfio_iommu_driver *driver;
	int ret = 0;

	if (WARN_ON(!ops->register_device != !ops->unregister_device))
		return -EINVAL;

	driver = kzalloc(sizeof(*driver), GFP_KERNEL);
	if (!driver)
		return -ENOMEM;
	driver->ops = ops;
	driver->ext = ext;

	mutex_lock(&vfio_iommu_drivers.lock);
	if (find_driver(ops))
		ret = -EINVAL;
	else
		list_add(&driver->vfio_next, &vfio_iommu_drivers.list);
	mutex_unlock(&vfio_iommu_drivers.lock);

	if (ret)
		kfree(driver);
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_register_iommu_driver_ext);

/**
 * vfio_register_iommu_driver - offer a backend to containers
 * @ops: its calls; stay until vfio_unregister_iommu_driver()
 *
 * Return: as vfio_register_iommu_driver_ext().
 */
int vfio_register_iommu_driver(const struct vfio_iommu_driver_ops *ops)
{
	return vfio_register_iommu_driver_ext(ops, NULL);
}
EXPORT_SYMBOL_GPL(vfio_register_iommu_driver);

/**
 * vfio_unregister_iommu_driver - take a backend back
 * @ops: what it was registered with
 */
void vfio_unregister_iommu_driver(const struct vfio_iommu_driver_ops *ops)
{
	struct vfio_iommu_driver *driver;

	mutex_lock(&vfio_iommu_drivers.lock);
	driver = find_driver(ops);
	if (driver)
		list_del(&driver->vfio_next);
	mutex_unlock(&vfio_iommu_drivers.lock);
	kfree(driver);
}
EXPORT_SYMBOL_GPL(vfio_unregister_iommu_driver);

/**
 * vfio_iommu_driver_put - let go of a backend
 * @driver: what vfio_iommu_driver_next() returned
 */
void vfio_iommu_driver_put(struct vfio_iommu_driver *driver)
{
	module_put(driver->ops->owner);
}

/**
 * vfio_iommu_driver_next - the next backend that offers an IOMMU type
 * @prev: NULL, or the one before; the caller's reference on it is consumed
 * @type: the type, a number of the same space as extensions
 *
 * Return: a backend with its module referenced, NULL at the end, or
 * ERR_PTR(-EINTR) if the caller was killed while it waited.
 */
struct vfio_iommu_driver *vfio_iommu_driver_next(struct vfio_iommu_driver *prev,
						 unsigned long type)
{
	struct vfio_iommu_driver *driver, *found = NULL;

	if (mutex_lock_killable(&vfio_iommu_drivers.lock)) {
		if (prev)
			vfio_iommu_driver_put(prev);
		return ERR_PTR(-EINTR);
	}
	driver = prev ?: list_entry(&vfio_iommu_drivers.list,
				    struct vfio_iommu_driver, vfio_next);
	list_for_each_entry_continue(driver, &vfio_iommu_drivers.list,
				     vfio_next) {
		if (!try_module_get(driver->ops->owner))
			continue;
		if (driver->ops->ioctl(NULL, VFIO_CHECK_EXTENSION, type) > 0) {
			found = driver;
			break;
		}
		vfio_iommu_driver_put(driver);
	}
	mutex_unlock(&vfio_iommu_drivers.lock);

	if (prev)
		vfio_iommu_driver_put(prev);
	return found;
}

/**
 * vfio_iommu_drivers_check - whether any backend has an extension
 * @extension: as for VFIO_CHECK_EXTENSION
 *
 * Return: the first positive answer, else the last answer, 0 if nobody was
 * there to ask; -EINTR if the caller was killed while it waited.
 */
long vfio_iommu_drivers_check(unsigned long extension)
{
	struct vfio_iommu_driver *driver;
	long ret = 0;

	if (mutex_lock_killable(&vfio_iommu_drivers.lock))
		return -EINTR;
	list_for_each_entry(driver, &vfio_iommu_drivers.list, vfio_next) {
		if (!try_module_get(driver->ops->owner))
			continue;
		ret = driver->ops->ioctl(NULL, VFIO_CHECK_EXTENSION, extension);
		vfio_iommu_driver_put(driver);
		if (ret > 0)
			break;
	}
	mutex_unlock(&vfio_iommu_drivers.lock);
	return ret;
}
