// SPDX-License-Identifier: GPL-2.0-only
/*
 * A map job: pins one mapping's memory and maps it in every domain.
 *
 * It pins in batches and turns the pages into runs. Finished runs are handed
 * to the IOMMU when there are many of them or much memory is in them; the last
 * run is held back as long as it may grow, so that a batch's end never splits
 * a large page. What is pinned but not mapped is in the job, what is mapped is
 * in the mapping's runs: so an error, or a fatal signal, can undo exactly what
 * was done.
 *
 * locked_vm is charged once, for all pages, before any is pinned; pages that
 * turn out not to count are refunded at the end. Only if that is refused are
 * batches charged one by one: the range may hold device memory, which is free.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "compat/iommu.h"
#include "trace/vfio_type1.h"
#include "type1.h"

#define FLUSH_PAGES	(SZ_32M >> PAGE_SHIFT)
#define PROGRESS_JIFFIES (HZ / 10)
#define PROGRESS_BYTES	 SZ_1G

/* Longer runs gain nothing from a scatterlist. */
#define SG_RUN_BYTES	SZ_32M

/*
 * @runs[0..nr_runs) are pinned and not mapped, from iova + @done on; together
 * they have @held pages. @charged was added to locked_vm for the job, of which
 * @counted is owed so far.
 */
struct map_job {
	struct vfio_iommu	*iommu;
	struct vfio_dma		*dma;
	struct list_head	*domains;
	struct vfio_pin		pin;
	size_t			size;
	size_t			taken;
	size_t			done;
	struct page		**pages;
	struct vfio_run		*runs;
	struct scatterlist	*sg;
	unsigned int		room;
	unsigned int		nr_runs;
	unsigned long		held;
	unsigned long		charged;
	unsigned long		counted;
	bool			prepaid;
	bool			merge;
	bool			timed;
	unsigned int		last_flags;
	unsigned long		next_pfn;
	unsigned long		pieces;
	unsigned long		pinned;
	unsigned long		progress_jiffies;
	size_t			progress_done;
	struct vfio_dma_map_event *event;
};

static u64 clock(const struct map_job *job)
{
	return job->timed ? ktime_get_ns() : 0;
}

/* Fills @sg with the leading runs that are short pages of memory. */
static unsigned int fill_sg(struct scatterlist *sg, const struct vfio_run *runs,
			    unsigned int nr, size_t *bytes)
{
	unsigned int i;

	*bytes = 0;
	for (i = 0; i < nr; i++, sg++) {
		size_t len = vfio_run_bytes(runs[i]);

		if (runs[i].word & VFIO_RUN_RESERVED || len > SG_RUN_BYTES)
			break;
		sg_set_page(sg, pfn_to_page(vfio_run_pfn(runs[i])), len, 0);
		*bytes += len;
	}
	return i;
}

/**
 * vfio_map_runs - map runs into one domain
 * @domain: gets the translations
 * @iova: of the first run
 * @runs: follow one another from there
 * @nr: at most VFIO_SCRATCH_ENTRIES with @sg
 * @prot: IOMMU_READ | IOMMU_WRITE
 * @sg: to map many short runs with one call, or NULL
 *
 * Return: 0 or a negative errno, and then nothing is mapped.
 */
int vfio_map_runs(struct iommu_domain *domain, dma_addr_t iova,
		  const struct vfio_run *runs, unsigned int nr, int prot,
		  struct scatterlist *sg)
{
	size_t mapped = 0;
	unsigned int n;
	int ret = 0;

	for (prot |= IOMMU_CACHE; nr; runs += n, nr -= n) {
		size_t bytes = 0;

		n = sg ? fill_sg(sg, runs, nr, &bytes) : 0;
		if (n > 1) {
			ssize_t len = vfio_compat_iommu_map_sg(domain,
							       iova + mapped,
							       sg, n, prot);

			ret = len < 0 ? len : 0;
		} else {
			n = 1;
			bytes = vfio_run_bytes(*runs);
			ret = vfio_compat_iommu_map(domain, iova + mapped,
						    PFN_PHYS(vfio_run_pfn(*runs)),
						    bytes, prot);
		}
		if (ret)
			break;
		mapped += bytes;
	}
	if (ret && mapped)
		iommu_unmap(domain, iova, mapped);
	return ret;
}

static void job_progress(struct map_job *job)
{
	struct vfio_dma_map_event *event = job->event;

	if (!event || !event->start_ns ||
	    !trace_vfio_dma_map_progress_enabled() || job->done == job->size)
		return;
	if (time_before(jiffies, job->progress_jiffies + PROGRESS_JIFFIES) &&
	    job->done - job->progress_done < PROGRESS_BYTES)
		return;
	job->progress_jiffies = jiffies;
	job->progress_done = job->done;
	event->done = job->done;
	trace_vfio_dma_map_progress(event);
}

/* Maps all runs of the job but perhaps the last in every domain, or none. */
static int job_map(struct map_job *job, unsigned int nr)
{
	struct vfio_dma *dma = job->dma;
	dma_addr_t iova = dma->iova + job->done;
	unsigned long pages = job->held;
	struct vfio_domain *d;
	u64 start = clock(job);
	int ret = 0;

	if (nr < job->nr_runs)
		pages -= vfio_run_pages(job->runs[nr]);

	list_for_each_entry(d, job->domains, next) {
		ret = vfio_map_runs(d->domain, iova, job->runs, nr, dma->prot,
				    job->sg);
		if (ret)
			break;
		cond_resched();
	}
	if (ret) {
		list_for_each_entry_continue_reverse(d, job->domains, next)
			vfio_domain_unmap(d, iova, pages << PAGE_SHIFT);
		return ret;
	}

	vfio_runs_append(&dma->runs, job->runs, nr, pages);
	job->nr_runs -= nr;
	if (job->nr_runs)
		job->runs[0] = job->runs[nr];
	job->held -= pages;
	job->done += pages << PAGE_SHIFT;
	if (dma->size < job->done)
		dma->size = job->done;
	if (job->timed)
		job->event->iommu_ns += ktime_get_ns() - start;
	job_progress(job);
	return 0;
}

/* Makes a new run of pages that follow no other, or gives them back. */
static int job_new_run(struct map_job *job, unsigned long pfn, unsigned long n,
		       unsigned int flags)
{
	int ret;

	if (job->nr_runs == job->room) {
		ret = job_map(job, job->nr_runs - 1);
		if (ret) {
			vfio_run_unpin(vfio_run_make(pfn, n, flags), false);
			return ret;
		}
	}
	job->runs[job->nr_runs++] = vfio_run_make(pfn, n, flags);
	job->held += n;
	return 0;
}

/*
 * Adds contiguous pages to the job, or gives back what it can not take. They
 * do not cross a GiB: no folio is larger, and vfio_pin_pfnmap() sees to it.
 */
static __always_inline int job_add(struct map_job *job, unsigned long pfn,
				   unsigned long n, unsigned int flags)
{
	bool follows = pfn == job->next_pfn;
	int ret = 0;

	job->pieces += !follows;
	if (flags & VFIO_RUN_PINNED)
		job->pinned += n;
	follows &= flags == job->last_flags && !vfio_run_begins(pfn);
	job->next_pfn = pfn + n;
	job->last_flags = flags;

	if (unlikely(!job->merge)) {
		for (; n && !ret; n--, pfn++)
			ret = job_new_run(job, pfn, 1, flags);
		if (ret)
			vfio_run_unpin(vfio_run_make(pfn, n, flags), false);
		return ret;
	}
	if (follows && job->nr_runs)
		vfio_run_grow(job->runs + job->nr_runs - 1, n);
	else if (job->nr_runs < job->room)
		job->runs[job->nr_runs++] = vfio_run_make(pfn, n, flags);
	else
		return job_new_run(job, pfn, n, flags);
	job->held += n;
	return 0;
}

/*
 * Length of the contiguous piece that pages[0] begins. It ends with its folio,
 * whose pages are all reserved or all not.
 */
static unsigned long piece_len(struct page **pages, unsigned long n)
{
	struct page *first = pages[0];
	struct folio *folio = page_folio(first);
	unsigned long i = 1;

	if (!folio_test_large(folio))
		return 1;
	n = min_t(unsigned long, n,
		  folio_nr_pages(folio) - folio_page_idx(folio, first));
	while (i < n && pages[i] == nth_page(first, i))
		i++;
	return i;
}

/* Adds pinned pages to the job, or gives back what it can not take. */
static int job_add_pages(struct map_job *job, struct page **pages,
			 unsigned long nr)
{
	unsigned long i, n;
	int ret = 0;

	for (i = 0; i < nr && !ret; i += n) {
		unsigned long pfn = page_to_pfn(pages[i]);
		unsigned int flags = VFIO_RUN_PINNED;

		n = piece_len(pages + i, nr - i);
		if (likely(!PageReserved(pages[i]))) {
			job->counted += n;
		} else if (is_zero_pfn(pfn)) {
			/* One page for all: its pin count would overflow. */
			unpin_user_page(pages[i]);
			flags = VFIO_RUN_RESERVED;
		} else {
			flags |= VFIO_RUN_RESERVED;
		}
		ret = job_add(job, pfn, n, flags);
	}
	if (ret && i < nr)
		unpin_user_pages(pages + i, nr - i);
	return ret;
}

/* Pages of a batch that its process has to be charged for. */
static unsigned long count_charged(struct map_job *job, struct page **pages,
				   unsigned long nr)
{
	unsigned long i, n = 0;

	for (i = 0; i < nr; i++)
		n += !PageReserved(pages[i]);
	return n - min(n, vfio_emulated_locked(job->dma, job->taken,
					       nr << PAGE_SHIFT));
}

static int job_charge(struct map_job *job, unsigned long pages, bool report)
{
	int ret = vfio_account_charge(job->iommu, job->dma, pages, report);

	if (!ret)
		job->charged += pages;
	return ret;
}

/* Pins the next batch. */
static int job_pin(struct map_job *job)
{
	unsigned long left = (job->size - job->taken) >> PAGE_SHIFT;
	struct vfio_run run;
	u64 start = clock(job);
	bool device;
	int ret = 0;
	long got;

	got = vfio_pin_pages_at(&job->pin, min_t(unsigned long, left, job->room),
				job->pages);
	device = got < 0 && vfio_pin_pfnmap(&job->pin, left, &run, &got);
	if (job->timed)
		job->event->pin_ns += ktime_get_ns() - start;
	if (got < 0)
		return got;

	if (device) {
		ret = job_add(job, vfio_run_pfn(run), got, vfio_run_flags(run));
	} else {
		if (!job->prepaid)
			ret = job_charge(job, count_charged(job, job->pages, got),
					 true);
		if (ret)
			unpin_user_pages(job->pages, got);
		else
			ret = job_add_pages(job, job->pages, got);
	}
	job->taken += got << PAGE_SHIFT;
	job->pin.vaddr += got << PAGE_SHIFT;
	return ret;
}

/* Charges for all that may count, or finds that it has to be done in steps. */
static int job_prepay(struct map_job *job)
{
	unsigned long pages = job->size >> PAGE_SHIFT;
	int ret;

	pages -= min(pages, vfio_emulated_locked(job->dma, 0, job->size));
	ret = job_charge(job, pages, false);
	job->prepaid = ret != -ENOMEM;
	return job->prepaid ? ret : 0;
}

static int job_run(struct map_job *job)
{
	int ret = job_prepay(job);

	while (!ret && job->taken < job->size) {
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = job_pin(job);
		if (!ret && job->held > FLUSH_PAGES && job->nr_runs > 1)
			ret = job_map(job, job->nr_runs - 1);
		cond_resched();
	}
	return ret ?: job_map(job, job->nr_runs);
}

static void job_undo(struct map_job *job)
{
	struct vfio_dma *dma = job->dma;
	unsigned int i;

	/* No domain has these. */
	for (i = 0; i < job->nr_runs; i++)
		vfio_run_unpin(job->runs[i], false);
	vfio_dma_unmap_unpin(job->iommu, dma, job->domains, job->done, NULL);
	vfio_runs_free(&dma->runs);
	vfio_account_uncharge(dma, job->charged);
}

/**
 * vfio_dma_pin_map - pin a mapping's memory and map it
 * @iommu: of the container, locked
 * @dma: nothing of it is pinned for a domain; its mm has users
 * @domains: list of struct vfio_domain to map it in
 * @size: bytes; the mapping grows up to it
 * @event: counts what is done, or NULL
 *
 * Return: 0, or a negative errno, and then everything is as before.
 */
int vfio_dma_pin_map(struct vfio_iommu *iommu, struct vfio_dma *dma,
		     struct list_head *domains, size_t size,
		     struct vfio_dma_map_event *event)
{
	unsigned long locked;
	int ret;
	struct map_job job = {
		.iommu = iommu,
		.dma = dma,
		.domains = domains,
		.pin = {
			.mm = dma->mm,
			.vaddr = dma->vaddr,
			.write = dma->prot & IOMMU_WRITE,
		},
		.size = size,
		.pages = iommu->scratch->pages,
		.runs = iommu->scratch->runs,
		.sg = disable_hugepages ? NULL : iommu->scratch->sg,
		.room = VFIO_SCRATCH_ENTRIES,
		.merge = !disable_hugepages,
		.next_pfn = ~0UL,
		.event = event,
		.timed = event && trace_vfio_dma_map_enabled(),
		.progress_jiffies = jiffies,
	};

	ret = job_run(&job);
	if (event) {
		event->done = ret ? 0 : job.done;
		event->pages = job.pinned;
		event->runs = job.pieces;
	}
	if (ret) {
		job_undo(&job);
		return ret;
	}
	locked = job.counted -
		 min(job.counted, vfio_emulated_locked(dma, 0, size));
	if (job.charged > locked)
		vfio_account_uncharge(dma, job.charged - locked);
	dma->iommu_mapped = true;
	return 0;
}
