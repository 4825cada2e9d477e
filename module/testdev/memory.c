// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device of tests does to memory: pin, unpin, dma_rw.
 *
 * It keeps a list of what it has pinned so that it can honour dma_unmap, as
 * every driver of its kind must, and give everything back when it is closed.
 *
 * Locks. @use is held for reading around calls into the core, so that the
 * device stays open meanwhile; open and close take it for writing. @pins_lock
 * guards the list and is never held over a call into the core: the dma_unmap
 * callback runs under the backend's lock of its device list, and that lock may
 * be waited for by someone who holds the lock that a pin needs. For the same
 * reason the callback cannot wait for a pin in flight for ever; it gives it a
 * moment, and the backend calls again.
 */
#include <linux/delay.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "testdev.h"

/**
 * struct testdev_pin_record - what one pin call took
 * @list: in struct testdev, guarded by its @pins_lock
 * @iova: where it starts
 * @npage: pages
 */
struct testdev_pin_record {
	struct list_head	list;
	u64			iova;
	u32			npage;
};

/* Moves the records that overlap [@iova, @iova + @length) to @out. */
static void take_overlapping(struct testdev *td, u64 iova, u64 length,
			     struct list_head *out)
{
	struct testdev_pin_record *rec, *next;
	u64 last = iova + length - 1;

	spin_lock(&td->pins_lock);
	list_for_each_entry_safe(rec, next, &td->pins, list) {
		u64 rec_last = rec->iova + ((u64)rec->npage << PAGE_SHIFT) - 1;

		if (rec->iova <= last && rec_last >= iova) {
			list_move_tail(&rec->list, out);
			td->stats.pinned -= rec->npage;
		}
	}
	spin_unlock(&td->pins_lock);
}

/* Gives back what is on @records; returns the pages. */
static u64 unpin_records(struct testdev *td, struct list_head *records)
{
	struct testdev_pin_record *rec, *next;
	u64 pages = 0;

	list_for_each_entry_safe(rec, next, records, list) {
		u32 done = 0;

		while (done < rec->npage) {
			u32 n = min_t(u32, rec->npage - done,
				      VFIO_PIN_PAGES_MAX_ENTRIES);

			vfio_unpin_pages(&td->vdev, rec->iova +
					 ((u64)done << PAGE_SHIFT), n);
			done += n;
		}
		pages += rec->npage;
		list_del(&rec->list);
		kfree(rec);
	}
	return pages;
}

/**
 * testdev_unpin_all - gives back whatever is pinned
 * @td: a device, whose @use is held for writing
 */
void testdev_unpin_all(struct testdev *td)
{
	LIST_HEAD(records);

	take_overlapping(td, 0, U64_MAX, &records);
	unpin_records(td, &records);
}

/**
 * testdev_dma_unmap - gives back what is pinned in a range that goes
 * @vdev: a device of this module
 * @iova: where the range begins
 * @length: its bytes
 */
void testdev_dma_unmap(struct vfio_device *vdev, u64 iova, u64 length)
{
	struct testdev *td = to_testdev(vdev);
	LIST_HEAD(records);
	u64 pages;

	if (atomic_read(&td->in_flight))
		msleep(20);
	take_overlapping(td, iova, length, &records);
	pages = unpin_records(td, &records);

	spin_lock(&td->pins_lock);
	td->stats.unmap_calls++;
	td->stats.unmap_bytes += length;
	td->stats.unmap_unpinned += pages;
	spin_unlock(&td->pins_lock);
}

/* Pins and remembers; @use is held for reading and the device is open. */
static int pin_and_record(struct testdev *td,
			  const struct vfio_testdev_pin *args)
{
	struct testdev_pin_record *rec;
	struct page **pages;
	int ret;

	rec = kzalloc(sizeof(*rec), GFP_KERNEL);
	pages = kcalloc(max_t(u32, args->npage, 1), sizeof(*pages), GFP_KERNEL);
	if (!rec || !pages) {
		ret = -ENOMEM;
		goto out;
	}
	atomic_inc(&td->in_flight);
	ret = vfio_pin_pages(&td->vdev, args->iova, args->npage, args->prot,
			     pages);
	if (ret > 0) {
		rec->iova = args->iova;
		rec->npage = ret;
		spin_lock(&td->pins_lock);
		list_add_tail(&rec->list, &td->pins);
		td->stats.pinned += ret;
		spin_unlock(&td->pins_lock);
		rec = NULL;
	}
	atomic_dec(&td->in_flight);
out:
	kfree(pages);
	kfree(rec);
	return ret;
}

/**
 * testdev_pin - vfio_pin_pages() on an open device
 * @args: which device and what
 *
 * Return: pages pinned or a negative errno.
 */
int testdev_pin(const struct vfio_testdev_pin *args)
{
	struct testdev *td;
	int ret = -ENODEV;

	if (args->npage > VFIO_TESTDEV_PIN_MAX)
		return -EINVAL;
	td = testdev_get(args->name);
	if (!td)
		return -ENOENT;
	down_read(&td->use);
	if (td->opened)
		ret = pin_and_record(td, args);
	up_read(&td->use);
	testdev_put(td);
	return ret;
}

static struct testdev_pin_record *
take_exact(struct testdev *td, const struct vfio_testdev_pin *args)
{
	struct testdev_pin_record *rec, *found = NULL;

	spin_lock(&td->pins_lock);
	list_for_each_entry(rec, &td->pins, list) {
		if (rec->iova == args->iova && rec->npage == args->npage) {
			list_del(&rec->list);
			td->stats.pinned -= rec->npage;
			found = rec;
			break;
		}
	}
	spin_unlock(&td->pins_lock);
	return found;
}

/**
 * testdev_unpin - vfio_unpin_pages() of what one pin call took
 * @args: the device and the range
 *
 * Return: 0, -ENOENT without the device, -ENODEV when it is closed, -EINVAL for
 * a range that was not pinned.
 */
int testdev_unpin(const struct vfio_testdev_pin *args)
{
	struct testdev_pin_record *rec;
	struct testdev *td;
	int ret = -ENODEV;

	td = testdev_get(args->name);
	if (!td)
		return -ENOENT;
	down_read(&td->use);
	if (td->opened) {
		rec = take_exact(td, args);
		ret = rec ? 0 : -EINVAL;
		if (rec) {
			LIST_HEAD(records);

			list_add(&rec->list, &records);
			unpin_records(td, &records);
		}
	}
	up_read(&td->use);
	testdev_put(td);
	return ret;
}

/**
 * struct testdev_rw_work - a dma_rw done by a thread without an mm
 * @work: on the system's queue
 * @td: the device, held open by the waiter
 * @args: what to do
 * @data: the kernel's buffer
 * @ret: what vfio_dma_rw() returned
 */
struct testdev_rw_work {
	struct work_struct		work;
	struct testdev			*td;
	const struct vfio_testdev_rw	*args;
	void				*data;
	int				ret;
};

static void rw_work(struct work_struct *work)
{
	struct testdev_rw_work *rw =
		container_of(work, struct testdev_rw_work, work);

	rw->ret = vfio_dma_rw(&rw->td->vdev, rw->args->iova, rw->data,
			      rw->args->len,
			      rw->args->flags & VFIO_TESTDEV_RW_WRITE);
}

static int do_rw(struct testdev *td, const struct vfio_testdev_rw *args,
		 void *data)
{
	struct testdev_rw_work rw = { .td = td, .args = args, .data = data };

	if (!(args->flags & VFIO_TESTDEV_RW_KTHREAD)) {
		rw_work(&rw.work);
		return rw.ret;
	}
	INIT_WORK_ONSTACK(&rw.work, rw_work);
	schedule_work(&rw.work);
	flush_work(&rw.work);
	destroy_work_on_stack(&rw.work);
	return rw.ret;
}

/**
 * testdev_dma_rw - vfio_dma_rw() on an open device
 * @args: device, range, the caller's buffer and the direction
 *
 * Return: 0 or a negative errno.
 */
int testdev_dma_rw(const struct vfio_testdev_rw *args)
{
	bool write = args->flags & VFIO_TESTDEV_RW_WRITE;
	struct testdev *td;
	void *data;
	int ret;

	if (!args->len || args->len > VFIO_TESTDEV_RW_MAX)
		return -EINVAL;
	data = write ? memdup_user(u64_to_user_ptr(args->data), args->len) :
		       kzalloc(args->len, GFP_KERNEL);
	if (IS_ERR_OR_NULL(data))
		return data ? PTR_ERR(data) : -ENOMEM;
	td = testdev_get(args->name);
	if (!td) {
		kfree(data);
		return -ENOENT;
	}
	down_read(&td->use);
	ret = td->opened ? do_rw(td, args, data) : -ENODEV;
	up_read(&td->use);
	if (!ret && !write &&
	    copy_to_user(u64_to_user_ptr(args->data), data, args->len))
		ret = -EFAULT;
	testdev_put(td);
	kfree(data);
	return ret;
}
