// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user space can ask about a container: VFIO_CHECK_EXTENSION and
 * VFIO_IOMMU_GET_INFO with its chain of capabilities.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat/vfio.h"
#include "type1.h"

static bool all_coherent(struct vfio_iommu *iommu)
{
	struct vfio_domain *domain;
	bool ret = true;

	mutex_lock(&iommu->lock);
	list_for_each_entry(domain, &iommu->domain_list, next)
		ret &= domain->enforce_cache_coherency;
	mutex_unlock(&iommu->lock);
	return ret;
}

static bool has_emulated(struct vfio_iommu *iommu)
{
	bool ret;

	mutex_lock(&iommu->lock);
	ret = !list_empty(&iommu->emulated_iommu_groups);
	mutex_unlock(&iommu->lock);
	return ret;
}

/**
 * vfio_type1_check_extension - VFIO_CHECK_EXTENSION
 * @iommu: of the container, or NULL if it has no IOMMU yet
 * @arg: the extension
 *
 * Return: 1 if it is there, 0 if not.
 */
long vfio_type1_check_extension(struct vfio_iommu *iommu, unsigned long arg)
{
	switch (arg) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
#ifdef VFIO_TYPE1_NESTING_IOMMU
	case VFIO_TYPE1_NESTING_IOMMU:
#endif
	case VFIO_UNMAP_ALL:
		return 1;
	case VFIO_UPDATE_VADDR:
		/* Emulated devices need the addresses at any time. */
		return iommu && !has_emulated(iommu);
	case VFIO_DMA_CC_IOMMU:
		return iommu && all_coherent(iommu);
	default:
		return 0;
	}
}

static int add_iova_ranges(struct vfio_iommu *iommu, struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap;
	struct vfio_info_cap_header *header;
	struct vfio_iova *range;
	unsigned int nr = 0;

	list_for_each_entry(range, &iommu->iova_list, list)
		nr++;
	if (!nr)
		return 0;

	header = vfio_info_cap_add(caps, struct_size(cap, iova_ranges, nr),
				   VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 1);
	if (IS_ERR(header))
		return PTR_ERR(header);

	cap = container_of(header, struct vfio_iommu_type1_info_cap_iova_range,
			   header);
	cap->nr_iovas = nr;
	nr = 0;
	list_for_each_entry(range, &iommu->iova_list, list) {
		cap->iova_ranges[nr].start = range->start;
		cap->iova_ranges[nr].end = range->end;
		nr++;
	}
	return 0;
}

static int build_caps(struct vfio_iommu *iommu, struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_cap_migration migration = {
		.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
		.header.version = 1,
		.pgsize_bitmap = vfio_iommu_pgsize(iommu),
		.max_dirty_bitmap_size = VFIO_DIRTY_SIZE_MAX,
	};
	struct vfio_iommu_type1_info_dma_avail avail = {
		.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
		.header.version = 1,
		.avail = iommu->dma_avail,
	};

	return vfio_info_add_capability(caps, &migration.header,
					sizeof(migration)) ?:
	       vfio_info_add_capability(caps, &avail.header, sizeof(avail)) ?:
	       add_iova_ranges(iommu, caps);
}

/* Puts the chain behind the fixed part, or says how much room it needs. */
static int copy_caps(struct vfio_iommu_type1_info *info, unsigned long arg,
		     struct vfio_info_cap *caps)
{
	info->flags |= VFIO_IOMMU_INFO_CAPS;
	if (info->argsz < sizeof(*info) + caps->size) {
		info->argsz = sizeof(*info) + caps->size;
		return 0;
	}
	vfio_info_cap_shift(caps, sizeof(*info));
	if (copy_to_user((void __user *)arg + sizeof(*info), caps->buf,
			 caps->size))
		return -EFAULT;
	info->cap_offset = sizeof(*info);
	return 0;
}

/**
 * vfio_type1_get_info - VFIO_IOMMU_GET_INFO
 * @iommu: of the container
 * @arg: user address of a struct vfio_iommu_type1_info
 *
 * Return: 0 or a negative errno.
 */
long vfio_type1_get_info(struct vfio_iommu *iommu, unsigned long arg)
{
	const size_t minsz = offsetofend(struct vfio_iommu_type1_info,
					 iova_pgsizes);
	struct vfio_iommu_type1_info info = {};
	struct vfio_info_cap caps = {};
	size_t size;
	int ret;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	size = vfio_compat_iommu_info_size(info.argsz);

	mutex_lock(&iommu->lock);
	info.flags = VFIO_IOMMU_INFO_PGSIZES;
	info.iova_pgsizes = iommu->pgsize_bitmap;
	ret = build_caps(iommu, &caps);
	mutex_unlock(&iommu->lock);

	if (!ret && caps.size)
		ret = copy_caps(&info, arg, &caps);
	kfree(caps.buf);
	if (ret)
		return ret;
	return copy_to_user((void __user *)arg, &info, size) ? -EFAULT : 0;
}
