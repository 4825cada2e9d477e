// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O virtual addresses that a container may use.
 *
 * A sorted list of ranges: what every domain's page table can hold, without
 * the reserved regions of every group (MSI windows, memory that firmware maps
 * one to one). A container that never had a domain has an empty list, which
 * means no limit. All of this runs under vfio_iommu.lock.
 */
#include <linux/slab.h>

#include "type1.h"

/* Relaxable regions matter to boot-time users only, not to us. */
static bool resv_counts(const struct iommu_resv_region *resv)
{
	return resv->type != IOMMU_RESV_DIRECT_RELAXABLE && resv->length;
}

static int space_add(struct list_head *before, dma_addr_t start,
		     dma_addr_t end)
{
	struct vfio_iova *range = kmalloc(sizeof(*range), GFP_KERNEL_ACCOUNT);

	if (!range)
		return -ENOMEM;
	range->start = start;
	range->end = end;
	list_add_tail(&range->list, before);
	return 0;
}

static void range_del(struct vfio_iova *range)
{
	list_del(&range->list);
	kfree(range);
}

/**
 * vfio_space_free - empty a list of ranges
 * @space: the list
 */
void vfio_space_free(struct list_head *space)
{
	struct vfio_iova *range, *next;

	list_for_each_entry_safe(range, next, space, list)
		range_del(range);
}

/**
 * vfio_resv_free - empty a list that iommu_get_group_resv_regions() filled
 * @resv: the list; its entries are copies of our own
 */
void vfio_resv_free(struct list_head *resv)
{
	struct iommu_resv_region *region, *next;

	list_for_each_entry_safe(region, next, resv, list) {
		list_del(&region->list);
		kfree(region);
	}
}

/**
 * vfio_space_contains - whether a range may be mapped
 * @iommu: of the container, locked
 * @start: first byte
 * @last: last byte
 *
 * Return: true if so.
 */
bool vfio_space_contains(struct vfio_iommu *iommu, dma_addr_t start,
			 dma_addr_t last)
{
	struct vfio_iova *range;

	list_for_each_entry(range, &iommu->iova_list, list)
		if (start >= range->start && last <= range->end)
			return true;
	return list_empty(&iommu->iova_list);
}

/**
 * vfio_space_conflicts - whether a new domain could not hold what is there
 * @iommu: of the container, locked
 * @start: first address of the domain's aperture
 * @last: last address of it
 * @resv: reserved regions of the group
 *
 * Return: true if mappings are in the way, or no address would be left.
 */
bool vfio_space_conflicts(struct vfio_iommu *iommu, dma_addr_t start,
			  dma_addr_t last, struct list_head *resv)
{
	struct iommu_resv_region *region;

	if (!list_empty(&iommu->iova_list)) {
		dma_addr_t low, high;

		low = list_first_entry(&iommu->iova_list, struct vfio_iova,
				       list)->start;
		high = list_last_entry(&iommu->iova_list, struct vfio_iova,
				       list)->end;
		if (start > high || last < low)
			return true;
		if (start > low && vfio_dma_find(iommu, low, start - 1))
			return true;
		if (last < high && vfio_dma_find(iommu, last + 1, high))
			return true;
	}
	list_for_each_entry(region, resv, list)
		if (resv_counts(region) &&
		    vfio_dma_find(iommu, region->start,
				  region->start + region->length - 1))
			return true;
	return false;
}

static void space_clip(struct list_head *space, dma_addr_t start,
		       dma_addr_t last)
{
	struct vfio_iova *range, *next;

	list_for_each_entry_safe(range, next, space, list) {
		if (range->end < start || range->start > last) {
			range_del(range);
			continue;
		}
		range->start = max(range->start, start);
		range->end = min(range->end, last);
	}
}

static int space_cut(struct list_head *space, dma_addr_t start,
		     dma_addr_t last)
{
	struct vfio_iova *range, *next;

	list_for_each_entry_safe(range, next, space, list) {
		if (start > range->end || last < range->start)
			continue;
		if (start > range->start && last < range->end) {
			/* In two: the lower part is new. */
			if (space_add(&range->list, range->start, start - 1))
				return -ENOMEM;
			range->start = last + 1;
		} else if (start > range->start) {
			range->end = start - 1;
		} else if (last < range->end) {
			range->start = last + 1;
		} else {
			range_del(range);
		}
	}
	return 0;
}

static int space_cut_resv(struct list_head *space, struct list_head *resv)
{
	struct iommu_resv_region *region;
	int ret;

	list_for_each_entry(region, resv, list) {
		if (!resv_counts(region))
			continue;
		ret = space_cut(space, region->start,
				region->start + region->length - 1);
		if (ret)
			return ret;
	}
	return list_empty(space) ? -EINVAL : 0;
}

/**
 * vfio_space_shrink - what is left of the addresses with one more group
 * @iommu: of the container, locked
 * @space: empty; gets the ranges, for vfio_space_replace() or vfio_space_free()
 * @start: first address of the aperture of the group's domain
 * @last: last address of it
 * @resv: reserved regions of the group
 *
 * Return: 0; -EINVAL if nothing is left; -ENOMEM.
 */
int vfio_space_shrink(struct vfio_iommu *iommu, struct list_head *space,
		      dma_addr_t start, dma_addr_t last,
		      struct list_head *resv)
{
	struct vfio_iova *range;
	int ret;

	if (list_empty(&iommu->iova_list)) {
		ret = space_add(space, start, last);
		if (ret)
			return ret;
	}
	list_for_each_entry(range, &iommu->iova_list, list) {
		ret = space_add(space, range->start, range->end);
		if (ret)
			return ret;
	}
	space_clip(space, start, last);
	return space_cut_resv(space, resv);
}

/**
 * vfio_space_replace - make ranges those of the container
 * @iommu: of the container, locked
 * @space: the ranges; empty afterwards
 */
void vfio_space_replace(struct vfio_iommu *iommu, struct list_head *space)
{
	vfio_space_free(&iommu->iova_list);
	list_splice_tail_init(space, &iommu->iova_list);
}

/**
 * vfio_space_rebuild - a group left: addresses may have become usable
 * @iommu: of the container, locked
 *
 * Made anew from the groups that are there; on an error the old ranges, which
 * are narrower, stay.
 *
 * Return: 0 or a negative errno.
 */
int vfio_space_rebuild(struct vfio_iommu *iommu)
{
	dma_addr_t start = 0, last = ~(dma_addr_t)0;
	struct vfio_iommu_group *group;
	struct vfio_domain *domain;
	LIST_HEAD(space);
	LIST_HEAD(resv);
	int ret = 0;

	list_for_each_entry(domain, &iommu->domain_list, next) {
		struct iommu_domain_geometry *geo = &domain->domain->geometry;

		start = max(start, geo->aperture_start);
		last = min(last, geo->aperture_end);
		list_for_each_entry(group, &domain->group_list, next) {
			ret = iommu_get_group_resv_regions(group->iommu_group,
							   &resv);
			if (ret)
				goto out;
		}
	}
	ret = space_add(&space, start, last);
	if (!ret)
		ret = space_cut_resv(&space, &resv);
	if (!ret)
		vfio_space_replace(iommu, &space);
out:
	vfio_space_free(&space);
	vfio_resv_free(&resv);
	return ret;
}
