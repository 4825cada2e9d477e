// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices without an IOMMU: their drivers reach user memory through the
 * container's backend.
 *
 * No lock is taken here: while a device is open its group stays attached and
 * the container keeps its backend. A driver may so call from within the
 * backend's notice of an unmap (its dma_unmap callback), as many do to unpin.
 */
#include <linux/module.h>

#include "vfio.h"

/*
 * A driver that asks between close_device and open_device has a bug: its
 * container may be gone.
 */
static bool is_open(struct vfio_device *device)
{
	return !WARN_ON_ONCE(!READ_ONCE(device->open_count));
}

/**
 * vfio_pin_pages - pin user memory
 * @device: an open device, registered by vfio_register_emulated_iommu_dev()
 * @iova: where it begins in the device's address space
 * @npage: how many pages, VFIO_PIN_PAGES_MAX_ENTRIES at most
 * @prot: IOMMU_READ, IOMMU_WRITE
 * @pages: filled with the pages
 *
 * Return: @npage or a negative errno.
 */
int vfio_pin_pages(struct vfio_device *device, dma_addr_t iova, int npage,
		   int prot, struct page **pages)
{
	struct vfio_group *group = device->group;
	struct vfio_container *container;
	struct vfio_iommu_driver *driver;

	if (!pages || !npage || !is_open(device))
		return -EINVAL;
	/* A driver that cannot be told to unpin must not pin. */
	if (!device->ops->dma_unmap)
		return -EINVAL;
	if (npage > VFIO_PIN_PAGES_MAX_ENTRIES)
		return -E2BIG;

	container = group->container;
	driver = container->iommu_driver;
	if (!driver->ops->pin_pages)
		return -ENOTTY;
	return driver->ops->pin_pages(container->iommu_data, group->iommu_group,
				      iova, npage, prot, pages);
}
EXPORT_SYMBOL(vfio_pin_pages);

/**
 * vfio_unpin_pages - undo vfio_pin_pages()
 * @device: the same device, still open
 * @iova: where the memory begins
 * @npage: how many pages, VFIO_PIN_PAGES_MAX_ENTRIES at most
 */
void vfio_unpin_pages(struct vfio_device *device, dma_addr_t iova, int npage)
{
	struct vfio_container *container;

	if (WARN_ON(npage <= 0 || npage > VFIO_PIN_PAGES_MAX_ENTRIES))
		return;
	if (!is_open(device) || WARN_ON(!device->ops->dma_unmap))
		return;

	container = device->group->container;
	container->iommu_driver->ops->unpin_pages(container->iommu_data, iova,
						  npage);
}
EXPORT_SYMBOL(vfio_unpin_pages);

/**
 * vfio_dma_rw - copy to or from user memory as the device would by DMA
 * @device: an open device
 * @iova: where it begins in the device's address space; need not be pinned
 * @data: the kernel's buffer
 * @len: bytes
 * @write: to user memory
 *
 * Return: 0 or a negative errno.
 */
int vfio_dma_rw(struct vfio_device *device, dma_addr_t iova, void *data,
		size_t len, bool write)
{
	struct vfio_container *container;
	struct vfio_iommu_driver *driver;

	if (!data || !len || !is_open(device))
		return -EINVAL;

	container = device->group->container;
	driver = container->iommu_driver;
	if (!driver->ops->dma_rw)
		return -ENOTTY;
	return driver->ops->dma_rw(container->iommu_data, iova, data, len,
				   write);
}
EXPORT_SYMBOL(vfio_dma_rw);
