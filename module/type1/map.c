// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_MAP_DMA: from what user space asks for to a mapping, see map_job.c
 * for how its memory is pinned and mapped.
 *
 * Every call that could be read ends in a vfio_dma_map event, also one whose
 * arguments are refused; vfio_dma_map_start says that they were not. A call that
 * began without a listener has neither.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "trace/vfio_type1.h"
#include "type1.h"

/* VFIO_DMA_MAP_FLAG_VADDR: a mapping gets a new vaddr, maybe a new owner. */
static int map_new_vaddr(struct vfio_iommu *iommu, struct vfio_dma *dma,
			 const struct vfio_iommu_type1_dma_map *map)
{
	int ret;

	if (!dma)
		return -ENOENT;
	if (!dma->vaddr_invalid || dma->iova != map->iova ||
	    dma->size != map->size)
		return -EINVAL;

	ret = vfio_account_move(dma);
	if (ret)
		return ret;
	dma->vaddr = map->vaddr;
	dma->vaddr_invalid = false;
	iommu->vaddr_invalid_count--;
	return 0;
}

static int map_new_dma(struct vfio_iommu *iommu,
		       const struct vfio_iommu_type1_dma_map *map, int prot,
		       struct vfio_dma_map_event *event)
{
	struct vfio_dma *dma;
	int ret = 0;

	dma = vfio_dma_alloc(iommu, map->iova, map->vaddr, prot);
	if (!dma)
		return -ENOMEM;
	vfio_dma_link(iommu, dma);
	if (event->start_ns)
		trace_vfio_dma_map_start(event);

	/* Without a domain it is a promise: pages are pinned when asked for. */
	if (list_empty(&iommu->domain_list)) {
		dma->size = map->size;
		event->done = map->size;
	} else {
		ret = vfio_dma_pin_map(iommu, dma, &iommu->domain_list,
				       map->size, event);
	}
	if (ret)
		vfio_dma_free(iommu, dma);
	else if (iommu->dirty_page_tracking)
		ret = vfio_dirty_alloc(dma, vfio_iommu_pgsize(iommu));
	if (ret && event->done) {
		event->done = 0;
		vfio_dma_remove(iommu, dma, NULL);
	}
	return ret;
}

static int map_locked(struct vfio_iommu *iommu,
		      const struct vfio_iommu_type1_dma_map *map, int prot,
		      struct vfio_dma_map_event *event)
{
	bool set_vaddr = map->flags & VFIO_DMA_MAP_FLAG_VADDR;
	size_t pgsize = vfio_iommu_pgsize(iommu);
	dma_addr_t last = map->iova + map->size - 1;
	struct vfio_dma *dma;

	if (!map->size || (map->size | map->iova | map->vaddr) & (pgsize - 1))
		return -EINVAL;
	if (last < map->iova || map->vaddr + map->size - 1 < map->vaddr)
		return -EINVAL;

	dma = vfio_dma_find(iommu, map->iova, last);
	if (set_vaddr)
		return map_new_vaddr(iommu, dma, map);
	if (dma)
		return -EEXIST;
	if (!iommu->dma_avail)
		return -ENOSPC;
	if (!vfio_space_contains(iommu, map->iova, last))
		return -EINVAL;
	return map_new_dma(iommu, map, prot, event);
}

static int map_checked(struct vfio_iommu *iommu,
		       const struct vfio_iommu_type1_dma_map *map,
		       struct vfio_dma_map_event *event)
{
	bool set_vaddr = map->flags & VFIO_DMA_MAP_FLAG_VADDR;
	int ret, prot = 0;

	if (map->size != (size_t)map->size ||
	    map->vaddr != (unsigned long)map->vaddr ||
	    map->iova != (dma_addr_t)map->iova)
		return -EINVAL;

	/* From the device's point of view. */
	if (map->flags & VFIO_DMA_MAP_FLAG_READ)
		prot |= IOMMU_READ;
	if (map->flags & VFIO_DMA_MAP_FLAG_WRITE)
		prot |= IOMMU_WRITE;
	if (set_vaddr == !!prot)
		return -EINVAL;

	mutex_lock(&iommu->lock);
	ret = map_locked(iommu, map, prot, event);
	mutex_unlock(&iommu->lock);
	return ret;
}

/**
 * vfio_type1_map_dma - VFIO_IOMMU_MAP_DMA
 * @iommu: of the container
 * @arg: user address of a struct vfio_iommu_type1_dma_map
 *
 * Return: 0 or a negative errno.
 */
long vfio_type1_map_dma(struct vfio_iommu *iommu, unsigned long arg)
{
	const u32 known = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE |
			  VFIO_DMA_MAP_FLAG_VADDR;
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dma_map, size);
	/*
	 * Decided once: a listener that comes while this call waits for the
	 * lock gets neither the start event nor the end event of it.
	 */
	const bool timed = trace_vfio_dma_map_enabled() ||
			   trace_vfio_dma_map_start_enabled();
	struct vfio_dma_map_event event = {
		.start_ns = timed ? ktime_get_ns() : 0,
	};
	struct vfio_iommu_type1_dma_map map;

	if (copy_from_user(&map, (void __user *)arg, minsz))
		return -EFAULT;

	event.container = iommu->container;
	event.prot = map.flags &
		     (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
	event.iova = map.iova;
	event.vaddr = map.vaddr;
	event.size = map.size;
	if (map.argsz < minsz || map.flags & ~known)
		event.ret = -EINVAL;
	else
		event.ret = map_checked(iommu, &map, &event);

	if (timed) {
		event.duration_ns = ktime_get_ns() - event.start_ns;
		trace_vfio_dma_map(&event);
	}
	return event.ret;
}
