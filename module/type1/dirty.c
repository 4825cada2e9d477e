// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty pages: which memory devices may have written to, for live migration.
 *
 * While tracking is on every mapping has a bitmap, a bit for each of the
 * smallest pages that the IOMMU knows. Emulated devices are tracked exactly:
 * what they pinned counts as dirty for as long as it is pinned, what they wrote
 * by vfio_dma_rw() until it was reported. A group with an IOMMU writes unseen,
 * so as long as there is one everything mapped is reported. All of this runs
 * under vfio_iommu.lock.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "type1.h"

static void mark_pinned(struct vfio_dma *dma, unsigned int shift)
{
	struct rb_node *node;

	for (node = rb_first(&dma->pfn_list); node; node = rb_next(node)) {
		struct vfio_pfn *vpfn = rb_entry(node, struct vfio_pfn, node);

		bitmap_set(dma->bitmap, (vpfn->iova - dma->iova) >> shift, 1);
	}
}

/**
 * vfio_dirty_alloc - begin to track a mapping
 * @dma: the mapping
 * @pgsize: smallest page of the container
 *
 * A word more than needed is there: to report it, the bitmap is shifted to
 * where the mapping begins in the user's.
 *
 * Return: 0, -EINVAL if the mapping is too large for a bitmap, -ENOMEM.
 */
int vfio_dirty_alloc(struct vfio_dma *dma, size_t pgsize)
{
	u64 pages = dma->size / pgsize;

	if (pages > VFIO_DIRTY_PAGES_MAX)
		return -EINVAL;
	dma->bitmap = kvzalloc(VFIO_DIRTY_BITMAP_BYTES(pages) + sizeof(u64),
			       GFP_KERNEL_ACCOUNT);
	return dma->bitmap ? 0 : -ENOMEM;
}

/**
 * vfio_dirty_free - stop to track a mapping
 * @dma: the mapping, tracked or not
 */
void vfio_dirty_free(struct vfio_dma *dma)
{
	kvfree(dma->bitmap);
	dma->bitmap = NULL;
}

/**
 * vfio_dirty_mark - a part of a mapping was written to, or may be
 * @iommu: of the container, locked
 * @dma: the mapping
 * @offset: first byte of the part
 * @len: bytes, at least one
 */
void vfio_dirty_mark(struct vfio_iommu *iommu, struct vfio_dma *dma,
		     size_t offset, size_t len)
{
	unsigned int shift = __ffs(iommu->pgsize_bitmap);
	unsigned long first = offset >> shift;
	unsigned long last = (offset + len - 1) >> shift;

	if (iommu->dirty_page_tracking)
		bitmap_set(dma->bitmap, first, last - first + 1);
}

/**
 * vfio_dirty_mark_all - all mappings may have been written to
 * @iommu: of the container, locked, with tracking on
 */
void vfio_dirty_mark_all(struct vfio_iommu *iommu)
{
	struct vfio_dma *dma;

	vfio_for_each_dma(iommu, dma)
		vfio_dirty_mark(iommu, dma, 0, dma->size);
}

/**
 * vfio_dirty_copy - report the dirty pages of one mapping
 * @iommu: of the container, locked, with tracking on
 * @dma: the mapping; its bitmap is used up, see dirty_reset(), if it succeeds
 * @bitmap: of the user, who is told about addresses from @base on
 * @base: not above the mapping
 *
 * Bits of other mappings that share the first word are kept.
 *
 * Return: 0 or -EFAULT.
 */
int vfio_dirty_copy(struct vfio_iommu *iommu, struct vfio_dma *dma,
		    u64 __user *bitmap, dma_addr_t base)
{
	unsigned int page_shift = __ffs(iommu->pgsize_bitmap);
	unsigned long bits = dma->size >> page_shift;
	unsigned long offset = (dma->iova - base) >> page_shift;
	unsigned int shift = offset % BITS_PER_LONG;
	unsigned long before;

	bitmap += offset / BITS_PER_LONG;
	if (iommu->num_non_pinned_groups && dma->iommu_mapped)
		bitmap_set(dma->bitmap, 0, bits);

	if (shift) {
		bitmap_shift_left(dma->bitmap, dma->bitmap, shift, bits + shift);
		if (copy_from_user(&before, bitmap, sizeof(before)))
			goto undo;
		bitmap_or(dma->bitmap, dma->bitmap, &before, shift);
	}
	if (!copy_to_user(bitmap, dma->bitmap,
			  VFIO_DIRTY_BITMAP_BYTES(bits + shift)))
		return 0;
undo:
	/* It is asked for again: bits that stay shifted would be lost. */
	if (shift)
		bitmap_shift_right(dma->bitmap, dma->bitmap, shift, bits + shift);
	return -EFAULT;
}

/* After a report only what is still pinned is dirty. */
static void dirty_reset(struct vfio_iommu *iommu, struct vfio_dma *dma)
{
	unsigned int shift = __ffs(iommu->pgsize_bitmap);

	bitmap_clear(dma->bitmap, 0, dma->size >> shift);
	mark_pinned(dma, shift);
}

/**
 * vfio_dirty_check_user - whether a user's bitmap can take the report
 * @bitmap: as the user gave it
 * @size: bytes of address space to report about
 *
 * Return: 0 or -EINVAL.
 */
int vfio_dirty_check_user(const struct vfio_bitmap *bitmap, u64 size)
{
	u64 pages;

	if (!access_ok((void __user *)bitmap->data, bitmap->size))
		return -EINVAL;
	if (!bitmap->pgsize)
		return -EINVAL;
	pages = size >> __ffs(bitmap->pgsize);
	if (!pages || !bitmap->size || bitmap->size > VFIO_DIRTY_SIZE_MAX ||
	    pages > VFIO_DIRTY_PAGES_MAX ||
	    bitmap->size < VFIO_DIRTY_BITMAP_BYTES(pages))
		return -EINVAL;
	return 0;
}

static void dirty_stop(struct vfio_iommu *iommu)
{
	struct vfio_dma *dma;

	iommu->dirty_page_tracking = false;
	vfio_for_each_dma(iommu, dma)
		vfio_dirty_free(dma);
}

static int dirty_start(struct vfio_iommu *iommu)
{
	size_t pgsize = vfio_iommu_pgsize(iommu);
	struct vfio_dma *dma;
	int ret;

	if (iommu->dirty_page_tracking)
		return 0;
	vfio_for_each_dma(iommu, dma) {
		ret = vfio_dirty_alloc(dma, pgsize);
		if (ret) {
			dirty_stop(iommu);
			return ret;
		}
		mark_pinned(dma, __ffs(pgsize));
	}
	iommu->dirty_page_tracking = true;
	return 0;
}

/* Mappings at the edges have to be wholly in the range. */
static bool range_cuts(struct vfio_iommu *iommu, dma_addr_t iova,
		       dma_addr_t last)
{
	struct vfio_dma *dma = vfio_dma_find(iommu, iova, iova);

	if (dma && dma->iova != iova)
		return true;
	dma = vfio_dma_find(iommu, last, last);
	return dma && vfio_dma_last(dma) != last;
}

static int dirty_report(struct vfio_iommu *iommu,
			const struct vfio_iommu_type1_dirty_bitmap_get *range)
{
	size_t pgsize = vfio_iommu_pgsize(iommu);
	dma_addr_t last = range->iova + range->size - 1;
	struct vfio_dma *dma;
	int ret;

	if (range->bitmap.pgsize != pgsize || range->iova & (pgsize - 1) ||
	    !range->size || range->size & (pgsize - 1))
		return -EINVAL;
	if (!iommu->dirty_page_tracking)
		return -EINVAL;
	if (range_cuts(iommu, range->iova, last))
		return -EINVAL;

	for (dma = vfio_dma_first_from(iommu, range->iova);
	     dma && dma->iova <= last; dma = vfio_dma_next(iommu, dma)) {
		ret = vfio_dirty_copy(iommu, dma,
				      (u64 __user *)range->bitmap.data,
				      range->iova);
		if (ret)
			return ret;
		dirty_reset(iommu, dma);
		cond_resched();
	}
	return 0;
}

static int dirty_get(struct vfio_iommu *iommu, unsigned long arg, size_t size)
{
	struct vfio_iommu_type1_dirty_bitmap_get range;
	int ret;

	if (size < sizeof(range))
		return -EINVAL;
	if (copy_from_user(&range, (void __user *)arg, sizeof(range)))
		return -EFAULT;
	if (range.iova + range.size < range.iova)
		return -EINVAL;
	ret = vfio_dirty_check_user(&range.bitmap, range.size);
	if (ret)
		return ret;

	mutex_lock(&iommu->lock);
	ret = dirty_report(iommu, &range);
	mutex_unlock(&iommu->lock);
	return ret;
}

/**
 * vfio_type1_dirty_pages - VFIO_IOMMU_DIRTY_PAGES
 * @iommu: of the container
 * @arg: user address of a struct vfio_iommu_type1_dirty_bitmap
 *
 * Return: 0 or a negative errno.
 */
long vfio_type1_dirty_pages(struct vfio_iommu *iommu, unsigned long arg)
{
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dirty_bitmap,
					 flags);
	struct vfio_iommu_type1_dirty_bitmap dirty;
	int ret = 0;

	if (!iommu->v2)
		return -EACCES;
	if (copy_from_user(&dirty, (void __user *)arg, minsz))
		return -EFAULT;
	if (dirty.argsz < minsz)
		return -EINVAL;

	switch (dirty.flags) {
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
		mutex_lock(&iommu->lock);
		ret = dirty_start(iommu);
		mutex_unlock(&iommu->lock);
		return ret;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		mutex_lock(&iommu->lock);
		if (iommu->dirty_page_tracking)
			dirty_stop(iommu);
		mutex_unlock(&iommu->lock);
		return 0;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		return dirty_get(iommu, arg + minsz, dirty.argsz - minsz);
	default:
		/* None, more than one, or one that nobody knows. */
		return -EINVAL;
	}
}
