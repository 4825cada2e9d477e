/* SPDX-License-Identifier: GPL-2.0-only */
/* Where kernels differ in pinning and looking up user memory. */
#ifndef _VFIO_COMPAT_MM_H
#define _VFIO_COMPAT_MM_H

#include <linux/mm.h>
#include <linux/uaccess.h>

#include "features.h"

/* 0b295316b3a9 mm/gup: remove unused vmas parameter (6.5) */
static inline long vfio_compat_pin_remote(struct mm_struct *mm,
					  unsigned long vaddr,
					  unsigned long npages,
					  unsigned int flags,
					  struct page **pages)
{
#ifdef HAVE_PIN_REMOTE_VMAS
	return pin_user_pages_remote(mm, vaddr, npages, flags, pages, NULL,
				     NULL);
#else
	return pin_user_pages_remote(mm, vaddr, npages, flags, pages, NULL);
#endif
}

/* 428e106ae1ad mm: Introduce untagged_addr_remote() (6.4) */
#ifdef untagged_addr_remote
#define vfio_compat_untagged_addr(mm, addr)	untagged_addr_remote(mm, addr)
#else
#define vfio_compat_untagged_addr(mm, addr)	((void)(mm), untagged_addr(addr))
#endif

/**
 * vfio_compat_follow_pfn - read a VM_PFNMAP page table entry
 * @vma: read-locked by its mm's mmap_lock
 * @addr: inside @vma
 * @pfn: what the entry points to
 * @writable: whether it lets user space write
 *
 * Return: 0, or -EINVAL when nothing is there yet.
 */
static inline int vfio_compat_follow_pfn(struct vm_area_struct *vma,
					 unsigned long addr,
					 unsigned long *pfn, bool *writable)
{
	/* 6da8e9634bb7 mm: new follow_pfnmap API (6.12) */
#ifdef HAVE_FOLLOW_PFNMAP
	struct follow_pfnmap_args args = { .vma = vma, .address = addr };
	int ret = follow_pfnmap_start(&args);

	if (ret)
		return ret;
	*pfn = args.pfn;
	*writable = args.writable;
	follow_pfnmap_end(&args);
#else
	spinlock_t *lock;
	pte_t *pte;
	int ret = follow_pte(vma->vm_mm, addr, &pte, &lock);

	if (ret)
		return ret;
	__acquire(lock);	/* sparse is not told that follow_pte() does */
	*pfn = pte_pfn(*pte);
	*writable = pte_write(*pte);
	pte_unmap_unlock(pte, lock);
#endif
	return 0;
}

#endif /* _VFIO_COMPAT_MM_H */
