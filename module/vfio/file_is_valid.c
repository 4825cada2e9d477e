// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether KVM may hold a file. Kbuild takes this file where the kernel's
 * <linux/vfio.h> offers it: whoever finds it takes KVM for one that holds
 * devices' files.
 */
#include <linux/fs.h>
#include <linux/module.h>

#include "vfio.h"

/**
 * vfio_file_is_valid - whether a file is a group's or a device's
 * @file: any file
 */
bool vfio_file_is_valid(struct file *file)
{
	return vfio_group_from_file(file) || vfio_device_file_from(file);
}
EXPORT_SYMBOL_GPL(vfio_file_is_valid);
