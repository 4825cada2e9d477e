// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulated devices: drivers that stand in for hardware (a vGPU, a serial port
 * made of software) and reach user memory through us.
 *
 * They pin single pages by I/O virtual address, as often as they like: a page
 * pinned twice is one entry with a count. An entry holds its own pin, so it
 * does not matter whether the mapping is pinned for a domain too; if it is, the
 * page is charged already, else the entry is. Before a mapping ends drivers are
 * told and have to let go of its pages, for which they call back into us, so
 * that runs unlocked.
 */
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "trace/vfio_type1.h"
#include "type1.h"

#define node_to_vpfn(n)	rb_entry(n, struct vfio_pfn, node)

static struct vfio_pfn *find_vpfn(struct vfio_dma *dma, dma_addr_t iova)
{
	struct rb_node *node = dma->pfn_list.rb_node;

	while (node) {
		struct vfio_pfn *vpfn = node_to_vpfn(node);

		if (iova < vpfn->iova)
			node = node->rb_left;
		else if (iova > vpfn->iova)
			node = node->rb_right;
		else
			return vpfn;
	}
	return NULL;
}

static int add_vpfn(struct vfio_dma *dma, dma_addr_t iova, unsigned long pfn)
{
	struct rb_node **link = &dma->pfn_list.rb_node, *parent = NULL;
	struct vfio_pfn *vpfn = kzalloc(sizeof(*vpfn), GFP_KERNEL_ACCOUNT);

	if (!vpfn)
		return -ENOMEM;
	vpfn->iova = iova;
	vpfn->pfn = pfn;
	vpfn->ref_count = 1;
	while (*link) {
		parent = *link;
		if (iova < node_to_vpfn(parent)->iova)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&vpfn->node, parent, link);
	rb_insert_color(&vpfn->node, &dma->pfn_list);
	return 0;
}

static void put_page_pin(struct vfio_dma *dma, unsigned long pfn)
{
	vfio_run_unpin(vfio_run_make(pfn, 1, VFIO_RUN_PINNED),
		       dma->prot & IOMMU_WRITE);
}

/**
 * vfio_emulated_count - pages pinned for emulated devices that are charged
 * @dma: the mapping
 * @start: first byte of the part to look at, from the mapping's start
 * @len: bytes
 *
 * They are charged on their own only while there is no domain.
 *
 * Return: how many.
 */
unsigned long vfio_emulated_count(struct vfio_dma *dma, size_t start,
				  size_t len)
{
	unsigned long n = 0;
	struct rb_node *node;

	for (node = rb_first(&dma->pfn_list); node; node = rb_next(node)) {
		struct vfio_pfn *vpfn = node_to_vpfn(node);

		if (vpfn->iova - dma->iova - start < len)
			n += !vfio_pfn_reserved(vpfn->pfn);
	}
	return n;
}

/**
 * vfio_emulated_drop - give back what drivers forgot
 * @dma: the mapping, about to go
 */
void vfio_emulated_drop(struct vfio_dma *dma)
{
	struct rb_node *node;

	while ((node = rb_first(&dma->pfn_list))) {
		struct vfio_pfn *vpfn = node_to_vpfn(node);

		put_page_pin(dma, vpfn->pfn);
		rb_erase(node, &dma->pfn_list);
		kfree(vpfn);
	}
}

/* Pins one page of the mapping's owner, who may be another process. */
static int pin_page(struct vfio_iommu *iommu, struct vfio_dma *dma,
		    dma_addr_t iova, struct page **page)
{
	struct vfio_pin pin = {
		.mm = dma->mm,
		.vaddr = dma->vaddr + (iova - dma->iova),
		.write = dma->prot & IOMMU_WRITE,
	};
	bool charge;
	long ret;

	if (!mmget_not_zero(dma->mm))
		return -ENODEV;

	ret = vfio_pin_pages_at(&pin, 1, page);
	if (ret < 0) {
		struct vfio_run run;

		/* Device memory has no page to hand out. */
		if (vfio_pin_pfnmap(&pin, 1, &run, &ret) && ret > 0)
			ret = -EINVAL;
		goto out;
	}

	charge = list_empty(&iommu->domain_list) && !PageReserved(*page);
	ret = charge ? vfio_account_charge(iommu, dma, 1, true) : 0;
	if (!ret) {
		ret = add_vpfn(dma, iova, page_to_pfn(*page));
		if (ret && charge)
			vfio_account_uncharge(dma, 1);
	}
	if (ret)
		unpin_user_page(*page);
out:
	mmput(dma->mm);
	return ret;
}

static int pin_one(struct vfio_iommu *iommu, dma_addr_t iova, int prot,
		   struct page **page)
{
	struct vfio_dma *dma = vfio_dma_find(iommu, iova, iova + PAGE_SIZE - 1);
	struct vfio_pfn *vpfn;
	int ret;

	if (!dma || iova < dma->iova)
		return -EINVAL;
	if ((dma->prot & prot) != prot)
		return -EPERM;

	vpfn = find_vpfn(dma, iova);
	if (vpfn) {
		if (vpfn->ref_count == UINT_MAX)
			return -EOVERFLOW;
		vpfn->ref_count++;
		*page = pfn_to_page(vpfn->pfn);
		return 0;
	}
	ret = pin_page(iommu, dma, iova, page);
	if (!ret)
		vfio_dirty_mark(iommu, dma, (iova - dma->iova) & PAGE_MASK,
				PAGE_SIZE);
	return ret;
}

static bool unpin_one(struct vfio_iommu *iommu, dma_addr_t iova)
{
	struct vfio_dma *dma = vfio_dma_find(iommu, iova, iova + PAGE_SIZE - 1);
	struct vfio_pfn *vpfn;
	bool charged;

	if (!dma)
		return false;
	vpfn = find_vpfn(dma, iova);
	if (!vpfn || --vpfn->ref_count)
		return true;

	/* Once it is given back it may be anybody's. */
	charged = list_empty(&iommu->domain_list) &&
		  !vfio_pfn_reserved(vpfn->pfn);
	put_page_pin(dma, vpfn->pfn);
	if (charged)
		vfio_account_uncharge(dma, 1);
	rb_erase(&vpfn->node, &dma->pfn_list);
	kfree(vpfn);
	return true;
}

static int pin_locked(struct vfio_iommu *iommu, struct iommu_group *iommu_group,
		      dma_addr_t user_iova, int npage, int prot,
		      struct page **pages)
{
	struct vfio_iommu_group *group;
	int i, ret;

	/* User space is not let to void an address while we have such devices. */
	if (iommu->vaddr_invalid_count)
		return -EBUSY;
	/* Without a way to tell a driver about an unmap, it may not pin. */
	if (list_empty(&iommu->device_list))
		return -EINVAL;

	for (i = 0; i < npage; i++) {
		ret = pin_one(iommu, user_iova + (dma_addr_t)i * PAGE_SIZE,
			      prot, pages + i);
		if (ret)
			goto undo;
	}

	group = vfio_iommu_find_group(iommu, iommu_group);
	if (group && !group->pinned_page_dirty_scope) {
		group->pinned_page_dirty_scope = true;
		iommu->num_non_pinned_groups--;
	}
	return npage;

undo:
	pages[i] = NULL;
	while (i--) {
		unpin_one(iommu, user_iova + (dma_addr_t)i * PAGE_SIZE);
		pages[i] = NULL;
	}
	return ret;
}

/**
 * vfio_type1_pin_pages - a driver pins pages by I/O virtual address
 * @iommu_data: struct vfio_iommu
 * @iommu_group: of the driver's device
 * @user_iova: address of the first page
 * @npage: how many, one after the other
 * @prot: IOMMU_READ | IOMMU_WRITE, what the driver will do
 * @pages: filled in
 *
 * Return: @npage, or a negative errno, and then none is pinned.
 */
int vfio_type1_pin_pages(void *iommu_data, struct iommu_group *iommu_group,
			 dma_addr_t user_iova, int npage, int prot,
			 struct page **pages)
{
	const bool timed = trace_vfio_dma_pin_enabled();
	const u64 start = timed ? ktime_get_ns() : 0;
	struct vfio_iommu *iommu = iommu_data;
	int ret;

	if (!iommu || !pages)
		return -EINVAL;
	if (!iommu->v2)
		return -EACCES;

	mutex_lock(&iommu->lock);
	ret = pin_locked(iommu, iommu_group, user_iova, npage, prot, pages);
	mutex_unlock(&iommu->lock);

	if (timed)
		trace_vfio_dma_pin(iommu->container, user_iova, npage,
				   min(ret, 0), ktime_get_ns() - start);
	return ret;
}

/**
 * vfio_type1_unpin_pages - a driver lets go of pages
 * @iommu_data: struct vfio_iommu
 * @user_iova: address of the first page
 * @npage: how many
 */
void vfio_type1_unpin_pages(void *iommu_data, dma_addr_t user_iova, int npage)
{
	const bool timed = trace_vfio_dma_unpin_enabled();
	const u64 start = timed ? ktime_get_ns() : 0;
	struct vfio_iommu *iommu = iommu_data;
	int i;

	if (WARN_ON_ONCE(!iommu->v2))
		return;

	mutex_lock(&iommu->lock);
	for (i = 0; i < npage; i++)
		if (!unpin_one(iommu, user_iova + (dma_addr_t)i * PAGE_SIZE))
			break;
	mutex_unlock(&iommu->lock);

	WARN_ON_ONCE(i != npage);
	if (timed)
		trace_vfio_dma_unpin(iommu->container, user_iova, npage,
				     i == npage ? 0 : -EINVAL,
				     ktime_get_ns() - start);
}

/* Waits until callbacks of another task are over; may drop the lock. */
static void wait_notifier(struct vfio_iommu *iommu)
{
	while (iommu->notifier && iommu->notifier != current) {
		mutex_unlock(&iommu->lock);
		wait_event(iommu->notify_wait, !READ_ONCE(iommu->notifier));
		mutex_lock(&iommu->lock);
	}
}

/**
 * vfio_emulated_unmap_notify - tell drivers to let go of a mapping's pages
 * @iommu: of the container, locked; the lock is dropped meanwhile
 * @dma: the mapping; may be gone afterwards
 *
 * The list of devices stands still while callbacks run, so that no driver is
 * called after it unregistered. One that unregisters from its own callback
 * is let through.
 *
 * Return: whether they were told; if not, another task was telling them about
 * something else, which was waited for.
 */
bool vfio_emulated_unmap_notify(struct vfio_iommu *iommu, struct vfio_dma *dma)
{
	const dma_addr_t iova = dma->iova;
	const size_t size = dma->size;
	struct vfio_device *vdev, *next;

	if (iommu->notifier) {
		wait_notifier(iommu);
		return false;
	}

	iommu->notifier = current;
	mutex_unlock(&iommu->lock);
	list_for_each_entry_safe(vdev, next, &iommu->device_list, iommu_entry)
		vdev->ops->dma_unmap(vdev, iova, size);
	mutex_lock(&iommu->lock);
	WRITE_ONCE(iommu->notifier, NULL);
	wake_up_all(&iommu->notify_wait);
	return true;
}

/**
 * vfio_type1_register_device - a device of the container was opened
 * @iommu_data: struct vfio_iommu
 * @vdev: the device
 */
void vfio_type1_register_device(void *iommu_data, struct vfio_device *vdev)
{
	struct vfio_iommu *iommu = iommu_data;

	if (!vdev->ops->dma_unmap)
		return;
	mutex_lock(&iommu->lock);
	wait_notifier(iommu);
	list_add(&vdev->iommu_entry, &iommu->device_list);
	mutex_unlock(&iommu->lock);
}

/**
 * vfio_type1_unregister_device - a device of the container was closed
 * @iommu_data: struct vfio_iommu
 * @vdev: the device; its callback does not run any more on return
 */
void vfio_type1_unregister_device(void *iommu_data, struct vfio_device *vdev)
{
	struct vfio_iommu *iommu = iommu_data;

	if (!vdev->ops->dma_unmap)
		return;
	mutex_lock(&iommu->lock);
	wait_notifier(iommu);
	list_del(&vdev->iommu_entry);
	mutex_unlock(&iommu->lock);
}

/* Copies as far as one mapping goes. */
static int rw_chunk(struct vfio_iommu *iommu, dma_addr_t iova, void *data,
		    size_t count, bool write, size_t *copied)
{
	struct vfio_dma *dma = vfio_dma_find(iommu, iova, iova);
	bool kthread = !current->mm;
	struct mm_struct *mm;
	void __user *uaddr;
	size_t offset;
	int ret;

	if (!dma)
		return -EINVAL;
	if (!(dma->prot & IOMMU_READ) || (write && !(dma->prot & IOMMU_WRITE)))
		return -EPERM;

	mm = dma->mm;
	if (!mmget_not_zero(mm))
		return -EPERM;
	ret = -EFAULT;
	if (kthread)
		kthread_use_mm(mm);
	else if (current->mm != mm)
		goto out;

	offset = iova - dma->iova;
	count = min(count, dma->size - offset);
	uaddr = (void __user *)(dma->vaddr + offset);
	if (write && !copy_to_user(uaddr, data, count)) {
		vfio_dirty_mark(iommu, dma, offset, count);
		ret = 0;
	} else if (!write && !copy_from_user(data, uaddr, count)) {
		ret = 0;
	}
	*copied = count;

	if (kthread)
		kthread_unuse_mm(mm);
out:
	mmput(mm);
	return ret;
}

/**
 * vfio_type1_dma_rw - a driver reads or writes user memory as a device would
 * @iommu_data: struct vfio_iommu
 * @user_iova: I/O virtual address
 * @data: the driver's side
 * @count: bytes
 * @write: to user memory
 *
 * Works for the process that mapped it, and for kernel threads.
 *
 * Return: 0 or a negative errno.
 */
int vfio_type1_dma_rw(void *iommu_data, dma_addr_t user_iova, void *data,
		      size_t count, bool write)
{
	struct vfio_iommu *iommu = iommu_data;
	int ret = 0;

	mutex_lock(&iommu->lock);
	if (iommu->vaddr_invalid_count)
		ret = -EBUSY;
	while (count && !ret) {
		size_t done = 0;

		ret = rw_chunk(iommu, user_iova, data, count, write, &done);
		count -= done;
		data += done;
		user_iova += done;
	}
	mutex_unlock(&iommu->lock);
	return ret;
}
