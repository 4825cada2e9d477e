// SPDX-License-Identifier: GPL-2.0-only
/*
 * locked_vm: what is pinned counts against the RLIMIT_MEMLOCK of the process
 * that mapped it.
 *
 * The charge belongs to the mm the mapping was made from, whoever unmaps it:
 * exec gives a process a new mm that owes nothing, fork gives the child the
 * container but not the charge. When the mm has no users any more its
 * locked_vm is nobody's concern and is left alone.
 *
 * Charges can be refused and can be interrupted by a fatal signal. Refunds can
 * not: a killed process may refund another's mm.
 */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "trace/vfio_type1.h"
#include "type1.h"

static int add_locked(struct mm_struct *mm, unsigned long pages,
		      struct task_struct *task, bool lock_cap)
{
	int ret = mmap_write_lock_killable(mm);

	if (ret)
		return ret;
	ret = __account_locked_vm(mm, pages, true, task, lock_cap);
	mmap_write_unlock(mm);
	return ret;
}

static void sub_locked(struct mm_struct *mm, unsigned long pages,
		       struct task_struct *task)
{
	if (!pages || !mmget_not_zero(mm))
		return;
	mmap_write_lock(mm);
	/* Someone else's mistake must not become a huge locked_vm. */
	pages = min(pages, mm->locked_vm);
	__account_locked_vm(mm, pages, false, task, true);
	mmap_write_unlock(mm);
	mmput(mm);
}

/**
 * vfio_account_refused - say that a limit was hit
 * @iommu: of the container
 * @dma: the mapping that wanted pages
 * @pages: how many
 */
void vfio_account_refused(struct vfio_iommu *iommu, struct vfio_dma *dma,
			  unsigned long pages)
{
	unsigned long limit = task_rlimit(dma->task, RLIMIT_MEMLOCK);

	trace_vfio_locked_vm(iommu->container, pages,
			     READ_ONCE(dma->mm->locked_vm),
			     limit >> PAGE_SHIFT);
	pr_warn_ratelimited("vfio_iommu_type1: %s[%d]: RLIMIT_MEMLOCK (%lu) exceeded\n",
			    dma->task->comm, task_pid_nr(dma->task), limit);
}

/**
 * vfio_account_charge - charge pages for a mapping
 * @iommu: of the container, locked
 * @dma: the mapping; the caller made sure that its mm has users
 * @pages: how many
 * @report: a refusal is final, so say so
 *
 * Return: 0, -ENOMEM over the limit, -EINTR on a fatal signal.
 */
int vfio_account_charge(struct vfio_iommu *iommu, struct vfio_dma *dma,
			unsigned long pages, bool report)
{
	int ret;

	if (!pages)
		return 0;
	ret = add_locked(dma->mm, pages, dma->task, dma->lock_cap);
	if (!ret)
		dma->locked_vm += pages;
	else if (ret == -ENOMEM && report)
		vfio_account_refused(iommu, dma, pages);
	return ret;
}

/**
 * vfio_account_uncharge - take a charge back
 * @dma: the mapping
 * @pages: no more than was charged for it
 */
void vfio_account_uncharge(struct vfio_dma *dma, unsigned long pages)
{
	if (WARN_ON_ONCE(pages > dma->locked_vm))
		pages = dma->locked_vm;
	sub_locked(dma->mm, pages, dma->task);
	dma->locked_vm -= pages;
}

/**
 * vfio_account_settle - make a mapping's charge what it has to be
 * @dma: the mapping
 * @pages: pages that are pinned and count
 *
 * Never refused: the pages are pinned already.
 */
void vfio_account_settle(struct vfio_dma *dma, unsigned long pages)
{
	if (pages <= dma->locked_vm) {
		vfio_account_uncharge(dma, dma->locked_vm - pages);
		return;
	}
	/* Memory that has died is charged nowhere, and given back nowhere. */
	if (mmget_not_zero(dma->mm)) {
		mmap_write_lock(dma->mm);
		__account_locked_vm(dma->mm, pages - dma->locked_vm, true,
				    dma->task, true);
		mmap_write_unlock(dma->mm);
		mmput(dma->mm);
	}
	dma->locked_vm = pages;
}

/**
 * vfio_account_move - make the calling process the owner of a mapping
 * @dma: the mapping
 *
 * Return: 0, or why the caller's limit refuses what is pinned.
 */
int vfio_account_move(struct vfio_dma *dma)
{
	struct task_struct *task = current->group_leader;
	struct mm_struct *mm = current->mm;
	bool lock_cap;
	int ret;

	if (mm == dma->mm)
		return 0;

	lock_cap = capable(CAP_IPC_LOCK);
	ret = add_locked(mm, dma->locked_vm, task, lock_cap);
	if (ret)
		return ret;
	sub_locked(dma->mm, dma->locked_vm, dma->task);

	mmgrab(mm);
	mmdrop(dma->mm);
	dma->mm = mm;
	get_task_struct(task);
	put_task_struct(dma->task);
	dma->task = task;
	dma->lock_cap = lock_cap;
	return 0;
}
