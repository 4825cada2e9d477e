// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_UNMAP_DMA, and every other way in which mappings end.
 *
 * A mapping is taken out of every domain, each domain is flushed once, and only
 * then its pages are given back, run by run. Pages whose translation could not
 * be removed stay pinned: a leak is better than a device in freed memory.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "trace/vfio_type1.h"
#include "type1.h"

/*
 * Bytes that the IOMMU is asked to unmap at once. Some drivers (virtio-iommu) hold
 * a spinlock with interrupts off for all of them, so their pages in 4 KiB decide
 * how long a CPU is nobody else's.
 */
#define UNMAP_STEP	SZ_16M

/* Drivers that do not unpin when told to, are told this often. */
#define NOTIFY_TRIES	10

/**
 * vfio_domain_unmap - take translations out of one domain, and flush it
 * @domain: has them
 * @iova: first byte
 * @size: bytes
 *
 * It advances by what the IOMMU says it removed, which may be a large page and
 * more than was asked for.
 *
 * Return: bytes from @iova on that no device of the domain reaches any more.
 */
size_t vfio_domain_unmap(struct vfio_domain *domain, dma_addr_t iova,
			 size_t size)
{
	struct iommu_iotlb_gather gather;
	size_t done = 0;

	iommu_iotlb_gather_init(&gather);
	while (done < size) {
		size_t step = UNMAP_STEP - ((iova + done) & (UNMAP_STEP - 1));
		size_t n = iommu_unmap_fast(domain->domain, iova + done,
					    min(step, size - done), &gather);

		if (WARN_ON_ONCE(!n))
			break;
		done += n;
		cond_resched();
	}
	iommu_iotlb_sync(domain->domain, &gather);
	return min(done, size);
}

static size_t unmap_domains(struct list_head *domains, dma_addr_t iova,
			    size_t size, struct vfio_dma_unmap_event *event)
{
	u64 start = event ? ktime_get_ns() : 0;
	struct vfio_domain *d;
	size_t done = size;

	if (!size)
		return 0;
	list_for_each_entry(d, domains, next)
		done = min(done, vfio_domain_unmap(d, iova, size));
	if (event)
		event->iommu_ns += ktime_get_ns() - start;
	return done;
}

/* The part of a mapping whose runs were not kept: the page table knows it. */
static unsigned long unmap_unkept(struct vfio_iommu *iommu,
				  struct vfio_dma *dma,
				  struct list_head *domains, size_t pos,
				  size_t size,
				  struct vfio_dma_unmap_event *event)
{
	struct vfio_run *runs = iommu->scratch->runs;
	struct vfio_domain *d = list_first_entry(domains, struct vfio_domain,
						 next);
	unsigned long pages = 0;
	unsigned int i, nr;
	size_t len, done;

	for (; pos < size; pos += len) {
		nr = vfio_runs_read(d->domain, dma->iova + pos, size - pos,
				    runs, VFIO_SCRATCH_ENTRIES, &len);
		if (!nr) {
			len = PAGE_SIZE;
			continue;
		}
		done = unmap_domains(domains, dma->iova + pos, len, event);
		for (i = 0; i < nr && done; i++) {
			size_t bytes = vfio_run_bytes(runs[i]);

			if (bytes > done)
				break;
			done -= bytes;
			vfio_run_unpin(runs[i], dma->prot & IOMMU_WRITE);
			if (runs[i].word & VFIO_RUN_PINNED)
				pages += vfio_run_pages(runs[i]);
		}
		cond_resched();
	}
	return pages;
}

/**
 * vfio_dma_unmap_unpin - unmap the start of a mapping and give its pages back
 * @iommu: of the container, locked
 * @dma: the mapping; its runs and its locked_vm are left to the caller
 * @domains: list of the struct vfio_domain that it is mapped in
 * @size: bytes from its start that are mapped
 * @event: counts what is done, or NULL
 *
 * Return: pages that were unpinned.
 */
unsigned long vfio_dma_unmap_unpin(struct vfio_iommu *iommu,
				   struct vfio_dma *dma,
				   struct list_head *domains, size_t size,
				   struct vfio_dma_unmap_event *event)
{
	size_t kept = min_t(size_t, size, (size_t)dma->runs.pages << PAGE_SHIFT);
	unsigned long pages = 0;
	u64 start;

	if (kept < size)
		pages = unmap_unkept(iommu, dma, domains, kept, size, event);

	kept = unmap_domains(domains, dma->iova, kept, event);
	start = event ? ktime_get_ns() : 0;
	pages += vfio_runs_unpin(&dma->runs, kept >> PAGE_SHIFT,
				 dma->prot & IOMMU_WRITE);
	if (event) {
		event->unpin_ns += ktime_get_ns() - start;
		event->pages += pages;
	}
	return pages;
}

/**
 * vfio_dma_remove - end a mapping
 * @iommu: of the container, locked
 * @dma: linked; freed
 * @event: counts what is done, or NULL
 */
void vfio_dma_remove(struct vfio_iommu *iommu, struct vfio_dma *dma,
		     struct vfio_dma_unmap_event *event)
{
	if (WARN_ON_ONCE(!RB_EMPTY_ROOT(&dma->pfn_list)))
		vfio_emulated_drop(dma);
	if (dma->iommu_mapped)
		vfio_dma_unmap_unpin(iommu, dma, &iommu->domain_list, dma->size,
				     event);
	vfio_account_settle(dma, 0);
	vfio_dma_free(iommu, dma);
}

/**
 * vfio_dma_remove_all - end every mapping of a container
 * @iommu: locked
 */
void vfio_dma_remove_all(struct vfio_iommu *iommu)
{
	struct vfio_dma *dma;

	while ((dma = vfio_dma_first_from(iommu, 0)))
		vfio_dma_remove(iommu, dma, NULL);
}

/**
 * vfio_dma_release_pins_all - the last domain goes, emulated devices stay
 * @iommu: of the container, locked; the domain is still listed
 *
 * Mappings become promises again; what drivers pinned stays, and is charged.
 */
void vfio_dma_release_pins_all(struct vfio_iommu *iommu)
{
	struct vfio_dma *dma;

	vfio_for_each_dma(iommu, dma) {
		if (dma->iommu_mapped)
			vfio_dma_unmap_unpin(iommu, dma, &iommu->domain_list,
					     dma->size, NULL);
		dma->iommu_mapped = false;
		vfio_runs_free(&dma->runs);
		vfio_account_settle(dma, vfio_emulated_locked(dma, 0, dma->size));
		cond_resched();
	}
}

/* VFIO_DMA_UNMAP_FLAG_VADDR: mappings stay, their addresses are void. */
static int invalidate_vaddrs(struct vfio_iommu *iommu, dma_addr_t iova,
			     dma_addr_t last, u64 *unmapped)
{
	struct vfio_dma *dma, *first = vfio_dma_first_from(iommu, iova);

	/* All or nothing: none may be void already. */
	for (dma = first; dma && dma->iova <= last; dma = vfio_dma_next(iommu, dma)) {
		if (!iommu->v2 && dma->iova < iova)
			return 0;
		if (dma->vaddr_invalid)
			return -EINVAL;
	}
	for (dma = first; dma && dma->iova <= last; dma = vfio_dma_next(iommu, dma)) {
		dma->vaddr_invalid = true;
		iommu->vaddr_invalid_count++;
		*unmapped += dma->size;
	}
	return 0;
}

/* The v2 rule: a range may not cut a mapping in two. */
static bool range_cuts(struct vfio_iommu *iommu, dma_addr_t iova,
		       dma_addr_t last)
{
	struct vfio_dma *dma = vfio_dma_find(iommu, iova, iova);

	if (dma && dma->iova != iova)
		return true;
	dma = vfio_dma_find(iommu, last, last);
	return dma && vfio_dma_last(dma) != last;
}

/*
 * Removes all mappings of the range. The v1 rule: a mapping goes whole when the
 * range has its first byte, and not at all if the range starts inside it; what
 * is above it then stays too.
 */
static int unmap_range(struct vfio_iommu *iommu, dma_addr_t iova,
		       dma_addr_t last, bool all,
		       const struct vfio_bitmap *bitmap,
		       struct vfio_dma_unmap_event *event,
		       struct vfio_dma_unmap_event *timed)
{
	struct vfio_dma *dma, *next;
	int ret, tries = 0;

again:
	if (bitmap && (!iommu->dirty_page_tracking ||
		       bitmap->pgsize != vfio_iommu_pgsize(iommu)))
		return -EINVAL;
	if (iommu->v2 && !all && range_cuts(iommu, iova, last))
		return -EINVAL;

	for (dma = vfio_dma_first_from(iommu, iova); dma && dma->iova <= last;
	     dma = next) {
		if (!iommu->v2 && dma->iova < iova)
			break;
		if (!RB_EMPTY_ROOT(&dma->pfn_list)) {
			if (WARN_ON_ONCE(tries > NOTIFY_TRIES))
				return -EBUSY;
			/* This drops the lock: anything may have changed. */
			tries += vfio_emulated_unmap_notify(iommu, dma);
			goto again;
		}
		tries = 0;
		if (bitmap) {
			ret = vfio_dirty_copy(iommu, dma,
					      (u64 __user *)bitmap->data, iova);
			if (ret)
				return ret;
		}
		next = vfio_dma_next(iommu, dma);
		event->unmapped += dma->size;
		vfio_dma_remove(iommu, dma, timed);
	}
	return 0;
}

static int unmap_locked(struct vfio_iommu *iommu,
			const struct vfio_iommu_type1_dma_unmap *unmap,
			const struct vfio_bitmap *bitmap,
			struct vfio_dma_unmap_event *event,
			struct vfio_dma_unmap_event *timed)
{
	bool invalidate = unmap->flags & VFIO_DMA_UNMAP_FLAG_VADDR;
	bool all = unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL;
	size_t pgsize = vfio_iommu_pgsize(iommu);
	dma_addr_t iova = unmap->iova;
	dma_addr_t last = iova + unmap->size - 1;

	/* A driver could not pin or copy while an address is void. */
	if (invalidate && !list_empty(&iommu->emulated_iommu_groups))
		return -EBUSY;

	if (iova & (pgsize - 1))
		return -EINVAL;
	if (all) {
		if (iova || unmap->size)
			return -EINVAL;
		last = ~(dma_addr_t)0;
	} else if (!unmap->size || unmap->size & (pgsize - 1) || last < iova ||
		   unmap->size > SIZE_MAX) {
		return -EINVAL;
	}

	if (!invalidate)
		return unmap_range(iommu, iova, last, all, bitmap, event, timed);
	if (iommu->v2 && !all && range_cuts(iommu, iova, last))
		return -EINVAL;
	return invalidate_vaddrs(iommu, iova, last, &event->unmapped);
}

/* Reads what follows the fixed part, if there is to be something. */
static int unmap_get_bitmap(const struct vfio_iommu_type1_dma_unmap *unmap,
			    unsigned long arg, struct vfio_bitmap *bitmap)
{
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dma_unmap,
					 size);

	if (!(unmap->flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP))
		return 0;
	if (unmap->flags & (VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR))
		return -EINVAL;
	if (unmap->argsz < minsz + sizeof(*bitmap))
		return -EINVAL;
	if (copy_from_user(bitmap, (void __user *)(arg + minsz),
			   sizeof(*bitmap)))
		return -EFAULT;
	return vfio_dirty_check_user(bitmap, unmap->size);
}

/**
 * vfio_type1_unmap_dma - VFIO_IOMMU_UNMAP_DMA
 * @iommu: of the container
 * @arg: user address of a struct vfio_iommu_type1_dma_unmap
 *
 * Return: 0 or a negative errno.
 */
long vfio_type1_unmap_dma(struct vfio_iommu *iommu, unsigned long arg)
{
	const u32 known = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP |
			  VFIO_DMA_UNMAP_FLAG_VADDR | VFIO_DMA_UNMAP_FLAG_ALL;
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dma_unmap,
					 size);
	/* A listener that gets the start event also gets the end event. */
	const bool timed = trace_vfio_dma_unmap_enabled() ||
			   trace_vfio_dma_unmap_start_enabled();
	struct vfio_dma_unmap_event event = {
		.start_ns = timed ? ktime_get_ns() : 0,
	};
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vfio_bitmap bitmap = {};

	if (copy_from_user(&unmap, (void __user *)arg, minsz))
		return -EFAULT;

	event.container = iommu->container;
	event.flags = unmap.flags;
	event.iova = unmap.iova;
	event.size = unmap.size;
	if (unmap.argsz < minsz || unmap.flags & ~known)
		event.ret = -EINVAL;
	else
		event.ret = unmap_get_bitmap(&unmap, arg, &bitmap);

	if (!event.ret) {
		if (timed)
			trace_vfio_dma_unmap_start(&event);
		mutex_lock(&iommu->lock);
		event.ret = unmap_locked(iommu, &unmap,
					 unmap.flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP ?
					 &bitmap : NULL, &event,
					 timed ? &event : NULL);
		mutex_unlock(&iommu->lock);
	}
	if (timed) {
		event.duration_ns = ktime_get_ns() - event.start_ns;
		trace_vfio_dma_unmap(&event);
	}
	if (event.ret)
		return event.ret;

	unmap.size = event.unmapped;
	if (copy_to_user((void __user *)arg, &unmap, minsz))
		return -EFAULT;
	return 0;
}
