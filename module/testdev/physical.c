// SPDX-License-Identifier: GPL-2.0-only
/*
 * Offers the devices of vfio_testiommu.ko to users of VFIO.
 *
 * A driver of devices behind an IOMMU, as vfio-pci is: it has a group and DMA,
 * and nothing else that a user could ask for. What such a device does to memory
 * is done by its file in sysfs, see iommu.c.
 */
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/vfio.h>

#include "compat/vfio.h"
#include "testdev.h"

/* What the core knows of a device is all that there is. */
struct physical {
	struct vfio_device	vdev;
};

static int physical_open(struct vfio_device *vdev)
{
	return 0;
}

static void physical_close(struct vfio_device *vdev)
{
}

static int physical_init(struct vfio_device *vdev)
{
	return 0;
}

static void physical_release(struct vfio_device *vdev)
{
	vfio_compat_driver_frees(vdev);
}

static const struct vfio_device_ops physical_ops = {
	.name		= "vfio-testiommu",
	.init		= physical_init,
	.release	= physical_release,
	.open_device	= physical_open,
	.close_device	= physical_close,
};

static void physical_remove(void *data)
{
	struct vfio_device *vdev = data;

	vfio_unregister_group_dev(vdev);
	vfio_put_device(vdev);
}

/* What kernels call at a driver's removal differs, what devres does not. */
static int physical_probe(struct platform_device *pdev)
{
	struct physical *physical;
	int ret;

	physical = vfio_alloc_device(physical, vdev, &pdev->dev, &physical_ops);
	if (IS_ERR(physical))
		return PTR_ERR(physical);
	ret = vfio_register_group_dev(&physical->vdev);
	if (ret) {
		vfio_put_device(&physical->vdev);
		return ret;
	}
	return devm_add_action_or_reset(&pdev->dev, physical_remove,
					&physical->vdev);
}

static struct platform_driver physical_driver = {
	.driver = {
		.name	= "vfio_testiommu",
	},
	.probe			= physical_probe,
	.driver_managed_dma	= true,
};

/**
 * testdev_physical_register - at module init
 *
 * Devices that are there are offered now, later ones as they come.
 *
 * Return: 0 or a negative errno.
 */
int testdev_physical_register(void)
{
	return platform_driver_register(&physical_driver);
}

/**
 * testdev_physical_unregister - at module exit, when no user is left
 */
void testdev_physical_unregister(void)
{
	platform_driver_unregister(&physical_driver);
}
