// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices in memory that the driver allocates and frees itself. Kbuild takes
 * this file where the kernel's <linux/vfio.h> offers it.
 */
#include <linux/mm.h>
#include <linux/module.h>

#include "vfio.h"

/**
 * vfio_init_device - make a device in memory of the driver's own
 * @device: zeroed memory
 * @dev: the device that the driver is bound to
 * @ops: the driver's calls
 *
 * Return: 0 or a negative errno.
 */
int vfio_init_device(struct vfio_device *device, struct device *dev,
		     const struct vfio_device_ops *ops)
{
	return vfio_device_setup(device, dev, ops);
}
EXPORT_SYMBOL_GPL(vfio_init_device);

/**
 * vfio_free_device - free what _vfio_alloc_device() allocated
 * @device: the device, from its driver's ->release()
 */
void vfio_free_device(struct vfio_device *device)
{
	kvfree(device);
}
EXPORT_SYMBOL_GPL(vfio_free_device);
