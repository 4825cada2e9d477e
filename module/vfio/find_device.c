// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking for a device in its set. Kbuild takes this file where the kernel's
 * <linux/vfio.h> offers it.
 */
#include <linux/list.h>
#include <linux/module.h>

#include "vfio.h"

/**
 * vfio_find_device_in_devset - the VFIO device of a device
 * @dev_set: the set to look in, its lock held
 * @dev: the device
 *
 * Return: the VFIO device, or NULL if the set has none for @dev.
 */
struct vfio_device *vfio_find_device_in_devset(struct vfio_device_set *dev_set,
					       struct device *dev)
{
	struct vfio_device *device;

	lockdep_assert_held(&dev_set->lock);

	list_for_each_entry(device, &dev_set->device_list, dev_set_list)
		if (device->dev == dev)
			return device;
	return NULL;
}
EXPORT_SYMBOL_GPL(vfio_find_device_in_devset);
