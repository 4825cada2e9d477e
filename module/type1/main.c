// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: what the core calls, and which ioctl goes where.
 *
 * One struct vfio_iommu is made when user space sets a container's IOMMU to
 * one of the type1 models, and released with the container's last group.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "type1.h"

bool allow_unsafe_interrupts;
module_param_named(allow_unsafe_interrupts, allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Assign devices also where interrupts are not remapped, so that a device can forge any.");

bool disable_hugepages;
module_param_named(disable_hugepages, disable_hugepages, bool, 0644);
MODULE_PARM_DESC(disable_hugepages,
		 "Map by single pages, never by the IOMMU's large ones.");

static unsigned int dma_entry_limit __read_mostly = U16_MAX;
module_param_named(dma_entry_limit, dma_entry_limit, uint, 0644);
MODULE_PARM_DESC(dma_entry_limit,
		 "Mappings that a container may have (65535).");

static void *vfio_type1_open(unsigned long arg)
{
	struct vfio_iommu *iommu;
	bool v2 = false, nesting = false;

	switch (arg) {
	case VFIO_TYPE1_IOMMU:
		break;
#ifdef VFIO_TYPE1_NESTING_IOMMU
	case VFIO_TYPE1_NESTING_IOMMU:
		nesting = true;
		fallthrough;
#endif
	case VFIO_TYPE1v2_IOMMU:
		v2 = true;
		break;
	default:
		return ERR_PTR(-EINVAL);
	}

	iommu = kzalloc(sizeof(*iommu), GFP_KERNEL_ACCOUNT);
	if (!iommu)
		return ERR_PTR(-ENOMEM);
	iommu->scratch = vfio_scratch_alloc();
	if (!iommu->scratch) {
		kfree(iommu);
		return ERR_PTR(-ENOMEM);
	}

	iommu->v2 = v2;
	iommu->nesting = nesting;
	INIT_LIST_HEAD(&iommu->domain_list);
	INIT_LIST_HEAD(&iommu->iova_list);
	INIT_LIST_HEAD(&iommu->dma_order);
	INIT_LIST_HEAD(&iommu->device_list);
	INIT_LIST_HEAD(&iommu->emulated_iommu_groups);
	iommu->dma_list = RB_ROOT;
	iommu->dma_avail = dma_entry_limit;
	iommu->pgsize_bitmap = PAGE_MASK;
	mutex_init(&iommu->lock);
	init_waitqueue_head(&iommu->notify_wait);
	return iommu;
}

static void vfio_type1_release(void *iommu_data)
{
	struct vfio_iommu *iommu = iommu_data;

	mutex_lock(&iommu->lock);
	vfio_dma_remove_all(iommu);
	vfio_iommu_release_domains(iommu);
	vfio_space_free(&iommu->iova_list);
	mutex_unlock(&iommu->lock);

	kvfree(iommu->scratch);
	mutex_destroy(&iommu->lock);
	kfree(iommu);
}

static void vfio_type1_set_container(void *iommu_data, u32 container)
{
	struct vfio_iommu *iommu = iommu_data;

	iommu->container = container;
}

static long vfio_type1_ioctl(void *iommu_data, unsigned int cmd,
			     unsigned long arg)
{
	struct vfio_iommu *iommu = iommu_data;

	switch (cmd) {
	case VFIO_CHECK_EXTENSION:
		return vfio_type1_check_extension(iommu, arg);
	case VFIO_IOMMU_GET_INFO:
		return vfio_type1_get_info(iommu, arg);
	case VFIO_IOMMU_MAP_DMA:
		return vfio_type1_map_dma(iommu, arg);
	case VFIO_IOMMU_UNMAP_DMA:
		return vfio_type1_unmap_dma(iommu, arg);
	case VFIO_IOMMU_DIRTY_PAGES:
		return vfio_type1_dirty_pages(iommu, arg);
	default:
		return -ENOTTY;
	}
}

static const struct vfio_iommu_driver_ops vfio_type1_ops = {
	.name			= "vfio-iommu-type1",
	.owner			= THIS_MODULE,
	.open			= vfio_type1_open,
	.release		= vfio_type1_release,
	.ioctl			= vfio_type1_ioctl,
	.attach_group		= vfio_type1_attach_group,
	.detach_group		= vfio_type1_detach_group,
	.pin_pages		= vfio_type1_pin_pages,
	.unpin_pages		= vfio_type1_unpin_pages,
	.register_device	= vfio_type1_register_device,
	.unregister_device	= vfio_type1_unregister_device,
	.dma_rw			= vfio_type1_dma_rw,
	.group_iommu_domain	= vfio_type1_group_domain,
};

static const struct vfio_iommu_driver_ext vfio_type1_ext = {
	.set_container		= vfio_type1_set_container,
};

static int __init vfio_type1_init(void)
{
	int ret;

	ret = vfio_dma_cache_create();
	if (ret)
		return ret;

	ret = vfio_register_iommu_driver_ext(&vfio_type1_ops, &vfio_type1_ext);
	if (ret)
		vfio_dma_cache_destroy();
	return ret;
}

static void __exit vfio_type1_exit(void)
{
	vfio_unregister_iommu_driver(&vfio_type1_ops);
	vfio_dma_cache_destroy();
}

module_init(vfio_type1_init);
module_exit(vfio_type1_exit);

MODULE_VERSION("1.0");
MODULE_LICENSE("GPL");
MODULE_AUTHOR("vfioscope");
MODULE_DESCRIPTION("VFIO type1 IOMMU backend with tracepoints");
