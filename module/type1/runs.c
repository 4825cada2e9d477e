// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs: what a mapping has pinned, as physically contiguous pieces.
 *
 * They are kept with the mapping from its start on: two in struct vfio_dma,
 * the rest in chunks of up to a page, charged to the process's memory cgroup
 * like the page tables are. When memory is short, or a mapping has very many,
 * keeping stops, and for the rest the domain's page table is read, page by
 * page, before it is unmapped. That costs time but never a pin.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat/iommu.h"
#include "type1.h"

struct vfio_run_chunk {
	struct vfio_run_chunk	*next;
	unsigned int		nr;
	unsigned int		size;
	struct vfio_run		run[];
};

#define CHUNK_FIRST	30U
#define CHUNK_NEXT	((unsigned int)((PAGE_SIZE -			\
			 sizeof(struct vfio_run_chunk)) /		\
			 sizeof(struct vfio_run)))

/* 32 MiB of runs; 16 GiB where no two pages are neighbours. */
#ifndef VFIO_RUNS_MAX
#define VFIO_RUNS_MAX	(1UL << 22)
#endif

/* Pages that are given back between two chances to reschedule. */
#define UNPIN_STEP	(1UL << 14)
/* Pages that are looked up between two of them. */
#define READ_STEP	(1UL << 12)

/**
 * vfio_pfn_reserved - whether a page is nobody's memory
 * @pfn: of the page
 *
 * Device memory, the zero page, what a driver reserved: such pages are not
 * charged to the process that maps them.
 *
 * Return: true if so.
 */
bool vfio_pfn_reserved(unsigned long pfn)
{
	return !pfn_valid(pfn) || PageReserved(pfn_to_page(pfn));
}

static struct vfio_run_chunk *chunk_add(struct vfio_runs *runs)
{
	unsigned int size = runs->last ? CHUNK_NEXT : CHUNK_FIRST;
	struct vfio_run_chunk *chunk;

	if (runs->nr >= VFIO_RUNS_MAX)
		return NULL;
	/* A mapping does without them: nobody is to be killed for them. */
	chunk = kmalloc(struct_size(chunk, run, size),
			GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN);
	if (!chunk)
		return NULL;

	chunk->next = NULL;
	chunk->nr = 0;
	chunk->size = size;
	if (runs->last)
		runs->last->next = chunk;
	else
		runs->chunks = chunk;
	runs->last = chunk;
	return chunk;
}

/**
 * vfio_runs_append - keep more runs of a mapping
 * @runs: of the mapping
 * @more: follow those that are there
 * @nr: how many
 * @pages: that they have together
 *
 * It is no error if there is no memory for them, see above: then all of them
 * are left out.
 */
void vfio_runs_append(struct vfio_runs *runs, const struct vfio_run *more,
		      unsigned int nr, unsigned long pages)
{
	struct vfio_run_chunk *chunk = runs->last;
	unsigned int n;

	if (runs->lost)
		return;
	while (nr && runs->nr < ARRAY_SIZE(runs->few)) {
		runs->few[runs->nr++] = *more++;
		nr--;
	}
	for (; nr; nr -= n, more += n) {
		if (!chunk || chunk->nr == chunk->size)
			chunk = chunk_add(runs);
		if (!chunk) {
			runs->lost = true;
			return;
		}
		n = min(nr, chunk->size - chunk->nr);
		memcpy(chunk->run + chunk->nr, more, n * sizeof(*more));
		chunk->nr += n;
		runs->nr += n;
	}
	runs->pages += pages;
}

/**
 * vfio_runs_free - forget the runs, whose pages were given back
 * @runs: of the mapping
 */
void vfio_runs_free(struct vfio_runs *runs)
{
	struct vfio_run_chunk *chunk, *next;

	for (chunk = runs->chunks; chunk; chunk = next) {
		next = chunk->next;
		kfree(chunk);
	}
	memset(runs, 0, sizeof(*runs));
}

/**
 * vfio_run_unpin - give the pages of a run back
 * @run: no device reaches them any more
 * @dirty: a device may have written to them
 */
void vfio_run_unpin(struct vfio_run run, bool dirty)
{
	unsigned long pfn = vfio_run_pfn(run), left = vfio_run_pages(run);

	if (!(run.word & VFIO_RUN_PINNED))
		return;
	while (left) {
		unsigned long n = min(left, UNPIN_STEP);

		unpin_user_page_range_dirty_lock(pfn_to_page(pfn), n, dirty);
		pfn += n;
		left -= n;
		if (left)
			cond_resched();
	}
}

/* Gives pages of the array back until *left of them are done. */
static unsigned long unpin_array(const struct vfio_run *run, unsigned long nr,
				 unsigned long *left, bool dirty)
{
	unsigned long pages = 0;

	for (; nr; nr--, run++) {
		unsigned long n = vfio_run_pages(*run);

		if (n > *left) {
			*left = 0;
			break;
		}
		*left -= n;
		vfio_run_unpin(*run, dirty);
		pages += run->word & VFIO_RUN_PINNED ? n : 0;
		if (!(nr & 127))
			cond_resched();
	}
	return pages;
}

/**
 * vfio_runs_unpin - give pages of a mapping back
 * @runs: of the mapping
 * @max_pages: pages from its start that no device reaches any more; a run that
 *	is not wholly among them stays pinned
 * @dirty: a device may have written to them
 *
 * Return: pages that were unpinned.
 */
unsigned long vfio_runs_unpin(struct vfio_runs *runs, unsigned long max_pages,
			      bool dirty)
{
	unsigned long nr = min_t(unsigned long, runs->nr,
				 ARRAY_SIZE(runs->few));
	unsigned long left = max_pages, pages;
	struct vfio_run_chunk *chunk;

	pages = unpin_array(runs->few, nr, &left, dirty);
	for (chunk = runs->chunks; chunk && left; chunk = chunk->next)
		pages += unpin_array(chunk->run, chunk->nr, &left, dirty);
	return pages;
}

/**
 * vfio_runs_map - map what is pinned into another domain
 * @runs: of the mapping
 * @domain: gets the translations
 * @iova: where the mapping starts
 * @prot: IOMMU_READ | IOMMU_WRITE
 * @mapped: bytes that were mapped, also when it failed
 *
 * Return: 0 or a negative errno.
 */
int vfio_runs_map(const struct vfio_runs *runs, struct iommu_domain *domain,
		  dma_addr_t iova, int prot, size_t *mapped)
{
	struct vfio_run_chunk *chunk = runs->chunks;
	unsigned long i, nr = min_t(unsigned long, runs->nr,
				    ARRAY_SIZE(runs->few));
	const struct vfio_run *run = runs->few;
	int ret;

	for (*mapped = 0;; chunk = chunk->next) {
		for (i = 0; i < nr; i++, run++) {
			if (*mapped >> PAGE_SHIFT == runs->pages)
				return 0;
			ret = vfio_map_runs(domain, iova + *mapped, run, 1,
					    prot, NULL);
			if (ret)
				return ret;
			*mapped += vfio_run_bytes(*run);
		}
		cond_resched();
		if (!chunk)
			return 0;
		run = chunk->run;
		nr = chunk->nr;
	}
}

/**
 * vfio_runs_read - find runs in a domain's page table
 * @domain: has the translations
 * @iova: where to start
 * @size: bytes to look at
 * @runs: filled in
 * @nr: runs that there is room for
 * @covered: bytes that they cover
 *
 * A reserved page that was pinned can not be told from one that was not, and
 * stays pinned. An address without a translation ends it, which is a bug: the
 * caller gets what there is.
 *
 * Return: runs found.
 */
unsigned int vfio_runs_read(struct iommu_domain *domain, dma_addr_t iova,
			    size_t size, struct vfio_run *runs,
			    unsigned int nr, size_t *covered)
{
	unsigned int flags, last_flags = 0, found = 0;
	unsigned long next = 0;
	size_t done;

	for (done = 0; done < size; done += PAGE_SIZE) {
		phys_addr_t phys = iommu_iova_to_phys(domain, iova + done);
		unsigned long pfn = phys >> PAGE_SHIFT;

		if (WARN_ON_ONCE(!phys))
			break;
		flags = vfio_pfn_reserved(pfn) ? VFIO_RUN_RESERVED :
						 VFIO_RUN_PINNED;
		if (found && pfn == next && flags == last_flags &&
		    !vfio_run_begins(pfn)) {
			vfio_run_grow(runs + found - 1, 1);
		} else {
			if (found == nr)
				break;
			runs[found++] = vfio_run_make(pfn, 1, flags);
		}
		next = pfn + 1;
		last_flags = flags;
		/* One run may be all that is found in a very large mapping. */
		if (!((done >> PAGE_SHIFT) & (READ_STEP - 1)))
			cond_resched();
	}
	*covered = done;
	return found;
}
