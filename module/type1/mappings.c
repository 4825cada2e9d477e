// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mappings of a container: a tree by I/O virtual address.
 *
 * Ranges are named by their first and last byte, never by their end, which
 * for the last page of the address space is 2^64. All of this runs under
 * vfio_iommu.lock.
 */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "type1.h"

static struct kmem_cache *vfio_dma_cache;

#define node_to_dma(n)	rb_entry(n, struct vfio_dma, node)

/**
 * vfio_dma_next - the mapping after one
 * @iommu: of the container, locked
 * @dma: a linked mapping
 *
 * Return: its neighbour above, or NULL.
 */
struct vfio_dma *vfio_dma_next(struct vfio_iommu *iommu, struct vfio_dma *dma)
{
	if (list_is_last(&dma->order, &iommu->dma_order))
		return NULL;
	return list_next_entry(dma, order);
}

static bool overlaps(struct vfio_dma *dma, dma_addr_t start, dma_addr_t last)
{
	return last >= dma->iova && start <= vfio_dma_last(dma);
}

/* Whether a range is in the gap above @dma. */
static bool fits_after(struct vfio_iommu *iommu, struct vfio_dma *dma,
		       dma_addr_t start, dma_addr_t last)
{
	struct vfio_dma *next;

	if (start <= vfio_dma_last(dma))
		return false;
	next = vfio_dma_next(iommu, dma);
	return !next || last < next->iova;
}

/**
 * vfio_dma_find - a mapping that overlaps a range
 * @iommu: of the container, locked
 * @start: first byte
 * @last: last byte
 *
 * Return: any such mapping, or NULL.
 */
struct vfio_dma *vfio_dma_find(struct vfio_iommu *iommu, dma_addr_t start,
			       dma_addr_t last)
{
	struct rb_node *node = iommu->dma_list.rb_node;

	if (iommu->hint) {
		if (overlaps(iommu->hint, start, last))
			return iommu->hint;
		if (fits_after(iommu, iommu->hint, start, last))
			return NULL;
	}
	while (node) {
		struct vfio_dma *dma = node_to_dma(node);

		if (last < dma->iova)
			node = node->rb_left;
		else if (start > vfio_dma_last(dma))
			node = node->rb_right;
		else
			return dma;
	}
	return NULL;
}

/**
 * vfio_dma_first_from - the lowest mapping that ends at or after an address
 * @iommu: of the container, locked
 * @start: the address
 *
 * Return: the mapping, or NULL.
 */
struct vfio_dma *vfio_dma_first_from(struct vfio_iommu *iommu, dma_addr_t start)
{
	struct rb_node *node = iommu->dma_list.rb_node;
	struct vfio_dma *best = NULL;

	if (iommu->hint && overlaps(iommu->hint, start, start))
		return iommu->hint;
	while (node) {
		struct vfio_dma *dma = node_to_dma(node);

		if (start <= vfio_dma_last(dma)) {
			best = dma;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return best;
}

/**
 * vfio_dma_link - add a mapping to the container
 * @iommu: of the container, locked
 * @dma: overlaps nothing that is there
 *
 * Right behind the hint there is a free place without a search: where a node
 * has no right child, its successor's place is there.
 */
void vfio_dma_link(struct vfio_iommu *iommu, struct vfio_dma *dma)
{
	struct rb_node **link = &iommu->dma_list.rb_node, *parent = NULL;
	struct list_head *before = &iommu->dma_order;
	struct vfio_dma *hint = iommu->hint;

	if (hint && !hint->node.rb_right &&
	    fits_after(iommu, hint, dma->iova, dma->iova)) {
		parent = &hint->node;
		link = &parent->rb_right;
		before = &hint->order;
	}
	while (*link) {
		parent = *link;
		if (dma->iova < node_to_dma(parent)->iova) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			before = &node_to_dma(parent)->order;
		}
	}
	rb_link_node(&dma->node, parent, link);
	rb_insert_color(&dma->node, &iommu->dma_list);
	list_add(&dma->order, before);
	iommu->hint = dma;
}

/**
 * vfio_dma_alloc - a mapping of nothing yet, owned by the calling process
 * @iommu: of the container, locked; one of its entries is used
 * @iova: first I/O virtual address
 * @vaddr: first address in current->mm
 * @prot: IOMMU_READ | IOMMU_WRITE
 *
 * The limit that counts is that of the group leader, so that the threads of a
 * process are one owner. The mm is only grabbed, not used: a mapping does not
 * keep the memory of a dead process.
 *
 * Return: the mapping, unlinked, or NULL without memory.
 */
struct vfio_dma *vfio_dma_alloc(struct vfio_iommu *iommu, dma_addr_t iova,
				unsigned long vaddr, int prot)
{
	struct vfio_dma *dma;

	dma = kmem_cache_zalloc(vfio_dma_cache, GFP_KERNEL_ACCOUNT);
	if (!dma)
		return NULL;

	iommu->dma_avail--;
	dma->iova = iova;
	dma->vaddr = vaddr;
	dma->prot = prot;
	dma->pfn_list = RB_ROOT;
	dma->lock_cap = capable(CAP_IPC_LOCK);
	dma->task = get_task_struct(current->group_leader);
	dma->mm = current->mm;
	mmgrab(dma->mm);
	return dma;
}

/**
 * vfio_dma_free - the opposite of vfio_dma_alloc() and vfio_dma_link()
 * @iommu: of the container, locked
 * @dma: linked; nothing is pinned, mapped or charged for it any more
 */
void vfio_dma_free(struct vfio_iommu *iommu, struct vfio_dma *dma)
{
	iommu->hint = vfio_dma_next(iommu, dma);
	list_del(&dma->order);
	rb_erase(&dma->node, &iommu->dma_list);
	if (dma->vaddr_invalid)
		iommu->vaddr_invalid_count--;
	if (dma->bitmap)
		vfio_dirty_free(dma);
	vfio_runs_free(&dma->runs);
	put_task_struct(dma->task);
	mmdrop(dma->mm);
	kmem_cache_free(vfio_dma_cache, dma);
	iommu->dma_avail++;
}

/**
 * vfio_scratch_alloc - working memory of one container's maps and unmaps
 *
 * Return: the memory, for kvfree(), or NULL.
 */
struct vfio_scratch *vfio_scratch_alloc(void)
{
	struct vfio_scratch *scratch;

	scratch = kvmalloc(sizeof(*scratch), GFP_KERNEL_ACCOUNT);
	if (scratch)
		sg_init_table(scratch->sg, VFIO_SCRATCH_ENTRIES);
	return scratch;
}

/**
 * vfio_dma_cache_create - at module load
 *
 * Return: 0 or -ENOMEM.
 */
int vfio_dma_cache_create(void)
{
	vfio_dma_cache = KMEM_CACHE(vfio_dma, 0);
	return vfio_dma_cache ? 0 : -ENOMEM;
}

/**
 * vfio_dma_cache_destroy - at module unload
 */
void vfio_dma_cache_destroy(void)
{
	kmem_cache_destroy(vfio_dma_cache);
}
