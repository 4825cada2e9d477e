/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The type1 backend: user memory, pinned and mapped for devices.
 *
 * A container's address space (struct vfio_iommu) holds mappings (struct
 * vfio_dma), each a piece of one process's memory at an I/O virtual address.
 * Behind it are domains (struct vfio_domain), each a page table that groups of
 * devices translate by. Every mapping is in every domain. A device without DMA
 * of its own (emulated) adds no domain: as long as only such devices are there
 * a mapping is a promise, and pages are pinned one by one when a driver asks.
 *
 * What is pinned for the domains is remembered as runs: physically contiguous
 * pieces, in the order of the mapping. Unmapping reads them instead of asking
 * the page table for every page.
 *
 * Two rules hold everywhere:
 * - a page is unpinned only after every domain lost its translation and was
 *   flushed, so that no device reaches a page that was given back;
 * - what is charged to a process's locked_vm for a mapping is in that
 *   mapping's locked_vm, and no more than that is ever taken off again.
 */
#ifndef _VFIO_TYPE1_H
#define _VFIO_TYPE1_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <linux/vfio.h>
#include <linux/wait.h>

#include "trace/vfio_trace_types.h"
#include "vfio/iommu_driver.h"

struct mm_struct;
struct task_struct;

/**
 * struct vfio_iommu - the address space of one container
 * @domain_list: struct vfio_domain, those that the groups are attached to
 * @iova_list: struct vfio_iova, sorted: what may be mapped; empty means no
 *	limit (no domain was ever there)
 * @lock: see below
 * @dma_list: struct vfio_dma by iova; they never overlap
 * @dma_order: the same in a row, for the step from one to the next
 * @device_list: vfio_device.iommu_entry of devices that have a dma_unmap
 *	callback
 * @notifier: the task that runs dma_unmap callbacks without @lock; while it is
 *	set, @device_list is changed by that task alone
 * @notify_wait: where others wait for @notifier to become NULL
 * @dma_avail: mappings that may still be made
 * @vaddr_invalid_count: mappings whose vaddr user space took away
 * @pgsize_bitmap: page sizes that every domain has
 * @num_non_pinned_groups: groups that may dirty any mapped page unseen
 * @v2: VFIO_TYPE1v2_IOMMU: an unmap may not split a mapping
 * @nesting: VFIO_TYPE1_NESTING_IOMMU
 * @dirty_page_tracking: every mapping has a bitmap
 * @emulated_iommu_groups: struct vfio_iommu_group of emulated devices
 * @container: the id that events give this container
 * @hint: a mapping that was found or made lately: the next one that user space
 *	names is often it or its neighbour
 * @scratch: working memory of a map or unmap
 *
 * Locking: the core's container group_lock is taken first, then @lock, then
 * the mmap_lock of a mapping's mm. @lock guards all members, the domains, the
 * mappings and what hangs on them. A dma_unmap callback runs without @lock, for
 * it calls back into unpin_pages.
 */
struct vfio_iommu {
	struct list_head	domain_list;
	struct list_head	iova_list;
	struct mutex		lock;
	struct rb_root		dma_list;
	struct list_head	dma_order;
	struct list_head	device_list;
	struct task_struct	*notifier;
	wait_queue_head_t	notify_wait;
	unsigned int		dma_avail;
	unsigned int		vaddr_invalid_count;
	u64			pgsize_bitmap;
	u64			num_non_pinned_groups;
	bool			v2;
	bool			nesting;
	bool			dirty_page_tracking;
	struct list_head	emulated_iommu_groups;
	u32			container;
	struct vfio_dma		*hint;
	struct vfio_scratch	*scratch;
};

/**
 * struct vfio_domain - a page table and the groups that translate by it
 * @domain: of the IOMMU core
 * @next: in vfio_iommu.domain_list
 * @group_list: struct vfio_iommu_group, never empty while listed
 * @enforce_cache_coherency: the IOMMU turns no-snoop accesses into snooping
 *
 * Guarded by vfio_iommu.lock.
 */
struct vfio_domain {
	struct iommu_domain	*domain;
	struct list_head	next;
	struct list_head	group_list;
	bool			enforce_cache_coherency;
};

/**
 * struct vfio_iommu_group - a group of the container
 * @iommu_group: of the IOMMU core; the vfio core keeps it alive
 * @next: in vfio_domain.group_list or vfio_iommu.emulated_iommu_groups
 * @pinned_page_dirty_scope: only pages that it pinned can become dirty
 *
 * Guarded by vfio_iommu.lock.
 */
struct vfio_iommu_group {
	struct iommu_group	*iommu_group;
	struct list_head	next;
	bool			pinned_page_dirty_scope;
};

/* A range of usable I/O virtual addresses, @end included. */
struct vfio_iova {
	struct list_head	list;
	dma_addr_t		start;
	dma_addr_t		end;
};

/**
 * struct vfio_run - physically contiguous pages in one word
 * @word: bits 24..63 are the first page's number, bits 2..23 how many there
 *	are, bits 0 and 1 VFIO_RUN_PINNED and VFIO_RUN_RESERVED
 *
 * A scattered mapping has one for every page, so it is small, and it is put
 * together and taken apart by hand: bitfields cost a tenth of such a map.
 */
struct vfio_run {
	u64	word;
};

#define VFIO_RUN_PINNED		BIT(0)	/* unpin them when the mapping goes */
#define VFIO_RUN_RESERVED	BIT(1)	/* not memory: charged to nobody */
#define VFIO_RUN_FLAGS		(VFIO_RUN_PINNED | VFIO_RUN_RESERVED)
#define VFIO_RUN_PAGES_SHIFT	2
#define VFIO_RUN_PAGES_MASK	GENMASK(21, 0)
#define VFIO_RUN_PFN_SHIFT	24

static inline struct vfio_run vfio_run_make(unsigned long pfn,
					    unsigned long npages,
					    unsigned int flags)
{
	return (struct vfio_run) {
		(u64)pfn << VFIO_RUN_PFN_SHIFT |
		(u64)npages << VFIO_RUN_PAGES_SHIFT | flags
	};
}

static inline unsigned long vfio_run_pfn(struct vfio_run run)
{
	return run.word >> VFIO_RUN_PFN_SHIFT;
}

static inline unsigned long vfio_run_pages(struct vfio_run run)
{
	return (run.word >> VFIO_RUN_PAGES_SHIFT) & VFIO_RUN_PAGES_MASK;
}

static inline size_t vfio_run_bytes(struct vfio_run run)
{
	return (size_t)vfio_run_pages(run) << PAGE_SHIFT;
}

static inline unsigned int vfio_run_flags(struct vfio_run run)
{
	return run.word & VFIO_RUN_FLAGS;
}

/* At most vfio_run_room() of the page behind its end. */
static inline void vfio_run_grow(struct vfio_run *run, unsigned long npages)
{
	run->word += (u64)npages << VFIO_RUN_PAGES_SHIFT;
}

/*
 * No run crosses a GiB of physical memory: so none cuts a large page of the
 * IOMMU in two, and a map in flight advances in steps that can be watched.
 */
#define VFIO_RUN_MAX_PAGES	(SZ_1G >> PAGE_SHIFT)

/* Pages from @pfn on that one run may have. */
static inline unsigned long vfio_run_room(unsigned long pfn)
{
	return VFIO_RUN_MAX_PAGES - (pfn & (VFIO_RUN_MAX_PAGES - 1));
}

/* Whether a new run has to begin at @pfn, whatever is before it. */
static inline bool vfio_run_begins(unsigned long pfn)
{
	return !(pfn & (VFIO_RUN_MAX_PAGES - 1));
}

/**
 * struct vfio_runs - the runs of a mapping from its start on
 * @few: the first of them, so that a small mapping needs no memory
 * @chunks: the others, in order
 * @last: chunk that is being filled
 * @nr: runs that are kept
 * @pages: pages that they cover: less than the mapping when memory was short
 *	or there were too many, and then the domain's page table knows the rest
 * @lost: a run was not kept, so none after it is
 *
 * Guarded by vfio_iommu.lock.
 */
struct vfio_runs {
	struct vfio_run		few[2];
	struct vfio_run_chunk	*chunks;
	struct vfio_run_chunk	*last;
	unsigned long		nr;
	unsigned long		pages;
	bool			lost;
};

/**
 * struct vfio_dma - a mapping
 * @node: in vfio_iommu.dma_list
 * @order: in vfio_iommu.dma_order
 * @iova: first I/O virtual address
 * @vaddr: first address in @mm
 * @size: bytes; grows while the mapping is being made
 * @prot: IOMMU_READ | IOMMU_WRITE
 * @iommu_mapped: pinned and in every domain
 * @lock_cap: whoever mapped it may exceed RLIMIT_MEMLOCK
 * @vaddr_invalid: user space took @vaddr away and owes a new one
 * @task: group leader whose RLIMIT_MEMLOCK counts
 * @pfn_list: struct vfio_pfn by iova: pinned for emulated devices
 * @bitmap: dirty pages, while tracking is on
 * @mm: held by mmgrab(): outlives exec, exit and the process that unmaps
 * @locked_vm: pages charged to @mm for this mapping
 * @runs: what is pinned for the domains
 *
 * Guarded by vfio_iommu.lock.
 */
struct vfio_dma {
	struct rb_node		node;
	dma_addr_t		iova;
	unsigned long		vaddr;
	size_t			size;
	int			prot;
	bool			iommu_mapped;
	bool			lock_cap;
	bool			vaddr_invalid;
	struct task_struct	*task;
	struct rb_root		pfn_list;
	unsigned long		*bitmap;
	struct mm_struct	*mm;
	size_t			locked_vm;
	struct list_head	order;
	struct vfio_runs	runs;
};

/**
 * struct vfio_pfn - a page pinned for emulated devices
 * @node: in vfio_dma.pfn_list
 * @iova: its address
 * @pfn: of the page
 * @ref_count: pins that drivers hold on it
 *
 * Guarded by vfio_iommu.lock.
 */
struct vfio_pfn {
	struct rb_node		node;
	dma_addr_t		iova;
	unsigned long		pfn;
	unsigned int		ref_count;
};

#define VFIO_SCRATCH_ENTRIES	512U

/* Working memory of one map or unmap. The task that fills it owns it. */
struct vfio_scratch {
	struct page		*pages[VFIO_SCRATCH_ENTRIES];
	struct vfio_run		runs[VFIO_SCRATCH_ENTRIES];
	struct scatterlist	sg[VFIO_SCRATCH_ENTRIES];
};

/* Last byte of a mapping: its end may be 2^64, which fits nowhere. */
static inline dma_addr_t vfio_dma_last(const struct vfio_dma *dma)
{
	return dma->iova + (dma->size - 1);
}

/* Smallest page that every domain has. */
static inline size_t vfio_iommu_pgsize(const struct vfio_iommu *iommu)
{
	return (size_t)1 << __ffs(iommu->pgsize_bitmap);
}

/* main.c */
extern bool disable_hugepages;
extern bool allow_unsafe_interrupts;

/* mappings.c */
struct vfio_dma *vfio_dma_find(struct vfio_iommu *iommu, dma_addr_t start,
			       dma_addr_t last);
struct vfio_dma *vfio_dma_first_from(struct vfio_iommu *iommu, dma_addr_t start);
struct vfio_dma *vfio_dma_next(struct vfio_iommu *iommu, struct vfio_dma *dma);
void vfio_dma_link(struct vfio_iommu *iommu, struct vfio_dma *dma);
struct vfio_dma *vfio_dma_alloc(struct vfio_iommu *iommu, dma_addr_t iova,
				unsigned long vaddr, int prot);
void vfio_dma_free(struct vfio_iommu *iommu, struct vfio_dma *dma);
int vfio_dma_cache_create(void);
void vfio_dma_cache_destroy(void);
struct vfio_scratch *vfio_scratch_alloc(void);

#define vfio_for_each_dma(iommu, dma)					\
	for ((dma) = vfio_dma_first_from(iommu, 0); (dma);		\
	     (dma) = vfio_dma_next(iommu, dma))

/* runs.c */
void vfio_runs_append(struct vfio_runs *runs, const struct vfio_run *more,
		      unsigned int nr, unsigned long pages);
void vfio_runs_free(struct vfio_runs *runs);
unsigned long vfio_runs_unpin(struct vfio_runs *runs, unsigned long max_pages,
			      bool dirty);
int vfio_runs_map(const struct vfio_runs *runs, struct iommu_domain *domain,
		  dma_addr_t iova, int prot, size_t *mapped);
unsigned int vfio_runs_read(struct iommu_domain *domain, dma_addr_t iova,
			    size_t size, struct vfio_run *runs,
			    unsigned int nr, size_t *covered);
void vfio_run_unpin(struct vfio_run run, bool dirty);
bool vfio_pfn_reserved(unsigned long pfn);

/* account.c */
int vfio_account_charge(struct vfio_iommu *iommu, struct vfio_dma *dma,
			unsigned long pages, bool report);
void vfio_account_refused(struct vfio_iommu *iommu, struct vfio_dma *dma,
			  unsigned long pages);
void vfio_account_uncharge(struct vfio_dma *dma, unsigned long pages);
void vfio_account_settle(struct vfio_dma *dma, unsigned long pages);
int vfio_account_move(struct vfio_dma *dma);

/**
 * struct vfio_pin - where pages are pinned, and how
 * @mm: whose memory; the caller holds a user reference
 * @vaddr: next address
 * @write: devices will write
 */
struct vfio_pin {
	struct mm_struct	*mm;
	unsigned long		vaddr;
	bool			write;
};

/* pin.c */
long vfio_pin_pages_at(const struct vfio_pin *pin, unsigned long npages,
		       struct page **pages);
bool vfio_pin_pfnmap(const struct vfio_pin *pin, unsigned long npages,
		     struct vfio_run *run, long *got);

/* map.c */
long vfio_type1_map_dma(struct vfio_iommu *iommu, unsigned long arg);

/* map_job.c */
int vfio_dma_pin_map(struct vfio_iommu *iommu, struct vfio_dma *dma,
		     struct list_head *domains, size_t size,
		     struct vfio_dma_map_event *event);
int vfio_map_runs(struct iommu_domain *domain, dma_addr_t iova,
		  const struct vfio_run *runs, unsigned int nr, int prot,
		  struct scatterlist *sg);

/* unmap.c */
long vfio_type1_unmap_dma(struct vfio_iommu *iommu, unsigned long arg);
size_t vfio_domain_unmap(struct vfio_domain *domain, dma_addr_t iova,
			 size_t size);
unsigned long vfio_dma_unmap_unpin(struct vfio_iommu *iommu,
				   struct vfio_dma *dma,
				   struct list_head *domains, size_t size,
				   struct vfio_dma_unmap_event *event);
void vfio_dma_remove(struct vfio_iommu *iommu, struct vfio_dma *dma,
		     struct vfio_dma_unmap_event *event);
void vfio_dma_remove_all(struct vfio_iommu *iommu);
void vfio_dma_release_pins_all(struct vfio_iommu *iommu);

/* domain.c */
int vfio_type1_attach_group(void *iommu_data, struct iommu_group *iommu_group,
			    enum vfio_group_type type);
void vfio_type1_detach_group(void *iommu_data, struct iommu_group *iommu_group);
struct iommu_domain *vfio_type1_group_domain(void *iommu_data,
					     struct iommu_group *iommu_group);
struct vfio_iommu_group *vfio_iommu_find_group(struct vfio_iommu *iommu,
					       struct iommu_group *iommu_group);
void vfio_iommu_release_domains(struct vfio_iommu *iommu);

/* replay.c */
int vfio_replay(struct vfio_iommu *iommu, struct vfio_domain *domain);

/* iova_space.c */
bool vfio_space_contains(struct vfio_iommu *iommu, dma_addr_t start,
			 dma_addr_t last);
bool vfio_space_conflicts(struct vfio_iommu *iommu, dma_addr_t start,
			  dma_addr_t last, struct list_head *resv);
int vfio_space_shrink(struct vfio_iommu *iommu, struct list_head *space,
		      dma_addr_t start, dma_addr_t last,
		      struct list_head *resv);
int vfio_space_rebuild(struct vfio_iommu *iommu);
void vfio_space_replace(struct vfio_iommu *iommu, struct list_head *space);
void vfio_space_free(struct list_head *space);
void vfio_resv_free(struct list_head *resv);

/* info.c */
long vfio_type1_get_info(struct vfio_iommu *iommu, unsigned long arg);
long vfio_type1_check_extension(struct vfio_iommu *iommu, unsigned long arg);

/* dirty.c */
#define VFIO_DIRTY_BITMAP_BYTES(n) (ALIGN(n, BITS_PER_TYPE(u64)) / BITS_PER_BYTE)
/* bitmap_set() counts in int: 2^31 bits, which is 8 TiB in 4 KiB pages. */
#define VFIO_DIRTY_PAGES_MAX	((u64)INT_MAX)
#define VFIO_DIRTY_SIZE_MAX	VFIO_DIRTY_BITMAP_BYTES(VFIO_DIRTY_PAGES_MAX)

long vfio_type1_dirty_pages(struct vfio_iommu *iommu, unsigned long arg);
int vfio_dirty_alloc(struct vfio_dma *dma, size_t pgsize);
void vfio_dirty_free(struct vfio_dma *dma);
void vfio_dirty_mark(struct vfio_iommu *iommu, struct vfio_dma *dma,
		     size_t offset, size_t len);
void vfio_dirty_mark_all(struct vfio_iommu *iommu);
int vfio_dirty_copy(struct vfio_iommu *iommu, struct vfio_dma *dma,
		    u64 __user *bitmap, dma_addr_t base);
int vfio_dirty_check_user(const struct vfio_bitmap *bitmap, u64 size);

/* emulated.c */
int vfio_type1_pin_pages(void *iommu_data, struct iommu_group *iommu_group,
			 dma_addr_t user_iova, int npage, int prot,
			 struct page **pages);
void vfio_type1_unpin_pages(void *iommu_data, dma_addr_t user_iova, int npage);
void vfio_type1_register_device(void *iommu_data, struct vfio_device *vdev);
void vfio_type1_unregister_device(void *iommu_data, struct vfio_device *vdev);
int vfio_type1_dma_rw(void *iommu_data, dma_addr_t user_iova, void *data,
		      size_t count, bool write);
bool vfio_emulated_unmap_notify(struct vfio_iommu *iommu, struct vfio_dma *dma);
unsigned long vfio_emulated_count(struct vfio_dma *dma, size_t start,
				  size_t len);
void vfio_emulated_drop(struct vfio_dma *dma);

/* Pages of a part of a mapping that are charged without a domain. */
static inline unsigned long vfio_emulated_locked(struct vfio_dma *dma,
						 size_t start, size_t len)
{
	if (likely(RB_EMPTY_ROOT(&dma->pfn_list)))
		return 0;
	return vfio_emulated_count(dma, start, len);
}

#endif /* _VFIO_TYPE1_H */
