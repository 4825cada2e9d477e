// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinning: from user addresses to pages that stay where they are.
 *
 * A process that maps its own memory takes the fast walker, which needs no
 * mmap_lock where pages are present and takes huge pages whole. What it
 * refuses, and memory of another process, goes the remote way, which does not
 * care for the caller's protection keys. Memory that is not made of pages (a
 * device's BAR) can not be pinned; its addresses are read from the page
 * table, and its driver has to keep it there.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/userfaultfd_k.h>

#include "compat/mm.h"
#include "type1.h"

static long pin_remote(const struct vfio_pin *pin, unsigned long npages,
		       unsigned int flags, struct page **pages)
{
	long ret;

	mmap_read_lock(pin->mm);
	ret = vfio_compat_pin_remote(pin->mm, pin->vaddr, npages, flags, pages);
	mmap_read_unlock(pin->mm);
	return ret;
}

/*
 * How many of @npages the fast walker may fault in. Where a userfaultfd waits for
 * faults it would sleep, with the container locked, until user space has seen
 * to them; the remote way is refused there.
 */
static unsigned long may_fault(const struct vfio_pin *pin, unsigned long npages)
{
	struct vm_area_struct *vma;

	mmap_read_lock(pin->mm);
	vma = vma_lookup(pin->mm, pin->vaddr);
	if (!vma || userfaultfd_armed(vma))
		npages = 0;
	else
		npages = min(npages, (vma->vm_end - pin->vaddr) >> PAGE_SHIFT);
	mmap_read_unlock(pin->mm);
	return npages;
}

static long pin_own(const struct vfio_pin *pin, unsigned long npages,
		    unsigned int flags, struct page **pages)
{
	long ret = pin_user_pages_fast(pin->vaddr, npages, flags | FOLL_NOFAULT,
				       pages);

	if (ret > 0)
		return ret;
	npages = may_fault(pin, npages);
	return npages ? pin_user_pages_fast(pin->vaddr, npages, flags, pages)
		      : -EFAULT;
}

/**
 * vfio_pin_pages_at - pin pages of user memory
 * @pin: where
 * @npages: how many at most
 * @pages: filled in
 *
 * Return: pages pinned, at least one, or a negative errno.
 */
long vfio_pin_pages_at(const struct vfio_pin *pin, unsigned long npages,
		       struct page **pages)
{
	unsigned int flags = FOLL_LONGTERM | (pin->write ? FOLL_WRITE : 0);
	long ret = -EFAULT;

	if (pin->mm == current->mm)
		ret = pin_own(pin, npages, flags, pages);
	if (!ret || ret == -EFAULT || ret == -EOVERFLOW)
		ret = pin_remote(pin, npages, flags, pages);
	return ret ?: -EFAULT;
}

/*
 * Reads one entry, and has it filled in if it is empty. -EAGAIN: the lock was
 * dropped for that, look the vma up again.
 */
static int follow_fault(const struct vfio_pin *pin, struct vm_area_struct *vma,
			unsigned long addr, unsigned long *pfn)
{
	bool writable, unlocked = false;
	int ret;

	ret = vfio_compat_follow_pfn(vma, addr, pfn, &writable);
	if (ret) {
		ret = fixup_user_fault(pin->mm, addr, FAULT_FLAG_REMOTE |
				       (pin->write ? FAULT_FLAG_WRITE : 0),
				       &unlocked);
		if (unlocked)
			return -EAGAIN;
		if (ret)
			return ret;
		ret = vfio_compat_follow_pfn(vma, addr, pfn, &writable);
		if (ret)
			return ret;
	}
	if (pin->write && !writable)
		return -EFAULT;
	/* A page in such a vma would need a reference that nobody gives. */
	return vfio_pfn_reserved(*pfn) ? 0 : -EFAULT;
}

/* Fills @run with what is contiguous from @addr on, within the vma. */
static long follow_run(const struct vfio_pin *pin, struct vm_area_struct *vma,
		       unsigned long addr, unsigned long npages,
		       struct vfio_run *run)
{
	unsigned long pfn, first = 0, n = 0;
	int ret = 0;

	npages = min(npages, (vma->vm_end - addr) >> PAGE_SHIFT);
	while (n < npages) {
		ret = follow_fault(pin, vma, addr + (n << PAGE_SHIFT), &pfn);
		if (ret || (n && pfn != first + n))
			break;
		if (!n) {
			first = pfn;
			npages = min(npages, vfio_run_room(pfn));
		}
		if (!(++n & 511))
			cond_resched();
	}
	*run = vfio_run_make(first, n, VFIO_RUN_RESERVED);
	return n ?: ret;
}

/**
 * vfio_pin_pfnmap - look up memory that is not made of pages
 * @pin: where
 * @npages: how many at most
 * @run: filled in with what is contiguous
 * @got: pages in @run, at least one, or a negative errno; not touched if this
 *	is not such memory
 *
 * Return: whether it is.
 */
bool vfio_pin_pfnmap(const struct vfio_pin *pin, unsigned long npages,
		     struct vfio_run *run, long *got)
{
	unsigned long addr;
	struct vm_area_struct *vma;
	bool found = false;
	long ret;

	mmap_read_lock(pin->mm);
	addr = vfio_compat_untagged_addr(pin->mm, pin->vaddr);
	do {
		vma = vma_lookup(pin->mm, addr);
		if (!vma || !(vma->vm_flags & VM_PFNMAP))
			break;
		found = true;
		ret = follow_run(pin, vma, addr, npages, run);
		*got = ret == -EAGAIN ? -EFAULT : ret;
	} while (ret == -EAGAIN && !fatal_signal_pending(current));
	mmap_read_unlock(pin->mm);
	return found;
}
