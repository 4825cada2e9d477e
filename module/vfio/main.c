// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio.ko: the core of VFIO, devices in user space behind an IOMMU.
 *
 * See vfio.h for the objects and their locks, trace/vfio.h for what can be seen
 * of them. Devices without any IOMMU ("noiommu") are not supported.
 */
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "vfio.h"
#include "compat/virqfd.h"

#define DRIVER_VERSION	"1.0"
#define DRIVER_DESC	"VFIO - User Level meta-driver"

static int __init vfio_init(void)
{
	int ret;

	ret = vfio_group_init();
	if (ret)
		return ret;
	ret = vfio_compat_virqfd_init();
	if (ret)
		goto err_group;
	ret = vfio_device_init();
	if (ret)
		goto err_virqfd;
	/* Last, as it is open to user space at once. */
	ret = vfio_container_init();
	if (ret)
		goto err_device;

	pr_info(DRIVER_DESC " version: " DRIVER_VERSION "\n");
	return 0;

err_device:
	vfio_device_cleanup();
err_virqfd:
	vfio_compat_virqfd_exit();
err_group:
	vfio_group_cleanup();
	return ret;
}

static void __exit vfio_cleanup(void)
{
	vfio_container_cleanup();
	vfio_device_cleanup();
	vfio_compat_virqfd_exit();
	vfio_group_cleanup();
}

module_init(vfio_init);
module_exit(vfio_cleanup);

VFIO_IMPORT_NS();
MODULE_VERSION(DRIVER_VERSION);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The vfioscope authors");
MODULE_DESCRIPTION(DRIVER_DESC);
MODULE_ALIAS_MISCDEV(VFIO_MINOR);
MODULE_ALIAS("devname:vfio/vfio");
MODULE_SOFTDEP("post: vfio_iommu_type1 vfio_iommu_spapr_tce");
