// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices without an IOMMU: their drivers reach user memory through the
 * container's backend.
 *
 *	driver --> vfio_pin_pages(), vfio_unpin_pages(), vfio_dma_rw()
 *		--> the backend of the container that the device's group is in
 *
 * No lock is taken here: while a device is open its group stays attached and
 * the container keeps its backend. A driver may so call from within the
 * backend's notice of an unmap (its dma_unmap callback), as many do to unpin.
 *
 * The three prototypes and the limit of a call are those of <linux/vfio.h>, the
 * backend's calls those of iommu_driver.h.
 */
#include <linux/module.h>

#include "vfio.h"

/**
 * struct memory_path - how a device gets at user memory
 * @ops: the calls of the backend
 * @space: what the backend takes first: its part of the container
 */
struct memory_path {
	const struct vfio_iommu_driver_ops	*ops;
	void					*space;
};

/*
 * Only the driver can be wrong here, and is told so once: it uses a device that
 * it was not asked to open, or has closed. There may be no container then.
 */
static bool find_path(struct vfio_device *device, struct memory_path *path)
{
	const struct vfio_container *container;

	if (WARN_ONCE(!READ_ONCE(device->open_count),
		      "%s: memory of a user who has not opened the device\n",
		      dev_name(device->dev)))
		return false;

	container = device->group->container;
	path->space = container->iommu_data;
	path->ops = container->iommu_driver->ops;
	return true;
}

/* A driver that cannot be told of an unmap must not keep pages. */
static bool may_keep_pages(const struct vfio_device *device)
{
	return device->ops->dma_unmap;
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
	struct memory_path to;

	if (npage > VFIO_PIN_PAGES_MAX_ENTRIES)
		return -E2BIG;
	if (npage < 1 || !pages || !may_keep_pages(device))
		return -EINVAL;
	if (!find_path(device, &to))
		return -EINVAL;

	return to.ops->pin_pages ?
	       to.ops->pin_pages(to.space, device->group->iommu_group, iova,
				 npage, prot, pages) : -ENOTTY;
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
	bool pinned = npage >= 1 && npage <= VFIO_PIN_PAGES_MAX_ENTRIES &&
		      may_keep_pages(device);
	struct memory_path to;

	/* Nothing like it was ever pinned: the driver has lost count. */
	if (WARN_ON_ONCE(!pinned))
		return;
	if (find_path(device, &to) && to.ops->unpin_pages)
		to.ops->unpin_pages(to.space, iova, npage);
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
	struct memory_path to;

	if (!len || !data)
		return -EINVAL;
	if (!find_path(device, &to))
		return -EINVAL;

	return to.ops->dma_rw ?
	       to.ops->dma_rw(to.space, iova, data, len, write) : -ENOTTY;
}
EXPORT_SYMBOL(vfio_dma_rw);
