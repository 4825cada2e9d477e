// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device without an IOMMU, driven from tests.
 *
 * The vfio core makes an IOMMU group for it, user space opens it as any other,
 * and what the device would do to memory is done by ioctls: pin, unpin, dma_rw.
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
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <linux/workqueue.h>

#include "compat/features.h"
#include "testdev.h"

#define TESTDEV_FLAGS	(VFIO_TESTDEV_MIGRATES | VFIO_TESTDEV_P2P | \
			 VFIO_TESTDEV_PRE_COPY | VFIO_TESTDEV_LOGS)

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

/**
 * struct testdev - one device
 * @vdev: the core's part
 * @list: in testdev_list, guarded by testdev_lock
 * @name: for good
 * @group: number of its IOMMU group, for good
 * @use: see above; guards @opened
 * @opened: a user has it open
 * @pins_lock: guards @pins and @stats
 * @pins: struct testdev_pin_record
 * @in_flight: pin calls that are not in @pins yet
 * @stats: what happened so far
 * @region: the device's only region, guarded by nothing: users' business
 * @migration: see migration.c
 * @log: see logging.c
 */
struct testdev {
	struct vfio_device		vdev;
	struct list_head		list;
	char				name[VFIO_TESTDEV_NAME_LEN];
	int				group;
	struct rw_semaphore		use;
	bool				opened;
	spinlock_t			pins_lock;
	struct list_head		pins;
	atomic_t			in_flight;
	struct vfio_testdev_stats	stats;
	u8				region[VFIO_TESTDEV_REGION_SIZE];
	struct testdev_migration	migration;
	struct testdev_log		log;
};

static DEFINE_MUTEX(testdev_lock);
static LIST_HEAD(testdev_list);

static struct testdev *to_testdev(struct vfio_device *vdev)
{
	return container_of(vdev, struct testdev, vdev);
}

static int testdev_init_device(struct vfio_device *vdev)
{
	struct testdev *td = to_testdev(vdev);

	init_rwsem(&td->use);
	spin_lock_init(&td->pins_lock);
	INIT_LIST_HEAD(&td->pins);
	return 0;
}

static void testdev_release_device(struct vfio_device *vdev)
{
	/* Before the core freed devices itself, the driver had to. */
#ifdef HAVE_VFIO_INIT_DEVICE
	vfio_free_device(vdev);
#endif
}

static int testdev_open_device(struct vfio_device *vdev)
{
	struct testdev *td = to_testdev(vdev);

	down_write(&td->use);
	td->opened = true;
	td->stats.opens++;
	td->stats.kvm = !!vdev->kvm;
	up_write(&td->use);
	return 0;
}

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

static void testdev_close_device(struct vfio_device *vdev)
{
	struct testdev *td = to_testdev(vdev);
	LIST_HEAD(records);

	down_write(&td->use);
	td->opened = false;
	td->stats.closes++;
	take_overlapping(td, 0, U64_MAX, &records);
	unpin_records(td, &records);
	up_write(&td->use);
	testdev_migration_reset(&td->migration);
	testdev_log_reset(&td->log);
}

static void testdev_dma_unmap(struct vfio_device *vdev, u64 iova, u64 length)
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

static void testdev_request(struct vfio_device *vdev, unsigned int count)
{
	struct testdev *td = to_testdev(vdev);

	spin_lock(&td->pins_lock);
	td->stats.requests++;
	spin_unlock(&td->pins_lock);
}

static ssize_t testdev_read(struct vfio_device *vdev, char __user *buf,
			    size_t count, loff_t *ppos)
{
	struct testdev *td = to_testdev(vdev);

	return simple_read_from_buffer(buf, count, ppos, td->region,
				       sizeof(td->region));
}

static ssize_t testdev_write(struct vfio_device *vdev, const char __user *buf,
			     size_t count, loff_t *ppos)
{
	struct testdev *td = to_testdev(vdev);

	return simple_write_to_buffer(td->region, sizeof(td->region), ppos, buf,
				      count);
}

static long testdev_get_info(unsigned long arg)
{
	unsigned long minsz = offsetofend(struct vfio_device_info, num_irqs);
	struct vfio_device_info info;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	info.flags = VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = 1;
	info.num_irqs = 0;
	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
}

static long testdev_get_region_info(unsigned long arg)
{
	unsigned long minsz = offsetofend(struct vfio_region_info, offset);
	struct vfio_region_info info;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz || info.index)
		return -EINVAL;
	info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	info.cap_offset = 0;
	info.offset = 0;
	info.size = VFIO_TESTDEV_REGION_SIZE;
	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
}

static long testdev_device_ioctl(struct vfio_device *vdev, unsigned int cmd,
				 unsigned long arg)
{
	struct testdev *td = to_testdev(vdev);

	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return testdev_get_info(arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return testdev_get_region_info(arg);
	case VFIO_DEVICE_RESET:
		memset(td->region, 0, sizeof(td->region));
		testdev_migration_reset(&td->migration);
		td->stats.resets++;
		return 0;
	default:
		return -ENOTTY;
	}
}

static const struct vfio_device_ops testdev_ops = {
	.name		= "vfio-testdev",
	.init		= testdev_init_device,
	.release	= testdev_release_device,
	.open_device	= testdev_open_device,
	.close_device	= testdev_close_device,
	.read		= testdev_read,
	.write		= testdev_write,
	.ioctl		= testdev_device_ioctl,
	.request	= testdev_request,
	.dma_unmap	= testdev_dma_unmap,
};

static struct testdev *find(const char *name)
{
	struct testdev *td;

	lockdep_assert_held(&testdev_lock);
	list_for_each_entry(td, &testdev_list, list)
		if (!strcmp(td->name, name))
			return td;
	return NULL;
}

static struct testdev *testdev_find_get(const char *name)
{
	struct testdev *td;

	mutex_lock(&testdev_lock);
	td = find(name);
	if (td)
		get_device(&td->vdev.device);
	mutex_unlock(&testdev_lock);
	return td;
}

/**
 * testdev_get - a device by its name
 * @name: the name it was created with
 *
 * Return: the device, to be given back with vfio_put_device(), or NULL.
 */
struct vfio_device *testdev_get(const char *name)
{
	struct testdev *td = testdev_find_get(name);

	return td ? &td->vdev : NULL;
}

/**
 * testdev_migration_of - the part of a device that migrates
 * @vdev: a device of this module
 *
 * Return: that part.
 */
struct testdev_migration *testdev_migration_of(struct vfio_device *vdev)
{
	return &to_testdev(vdev)->migration;
}

/**
 * testdev_log_of - a device's log
 * @vdev: a device of this module
 *
 * Return: the log.
 */
struct testdev_log *testdev_log_of(struct vfio_device *vdev)
{
	return &to_testdev(vdev)->log;
}

/*
 * The core asks for the owner of the driver that a device is bound to, so the
 * parent has one. It does nothing: devices come and go by ioctl.
 */
static struct platform_driver testdev_driver = {
	.driver = {
		.name			= "vfio_testdev",
		.suppress_bind_attrs	= true,
	},
	.driver_managed_dma = true,
};

static struct platform_device *parent_new(const char *name)
{
	struct platform_device *pdev;
	int ret;

	pdev = platform_device_alloc(name, PLATFORM_DEVID_NONE);
	if (!pdev)
		return ERR_PTR(-ENOMEM);
	ret = platform_device_add(pdev);
	if (ret) {
		platform_device_put(pdev);
		return ERR_PTR(ret);
	}
	ret = device_driver_attach(&testdev_driver.driver, &pdev->dev);
	if (ret) {
		platform_device_unregister(pdev);
		return ERR_PTR(ret);
	}
	return pdev;
}

/**
 * testdev_driver_register - at module init
 *
 * Return: 0 or a negative errno.
 */
int testdev_driver_register(void)
{
	return platform_driver_register(&testdev_driver);
}

static struct testdev *testdev_new(struct device *parent, const char *name,
				   u32 flags)
{
	struct iommu_group *group;
	struct testdev *td;
	int ret;

	td = vfio_alloc_device(testdev, vdev, parent, &testdev_ops);
	if (IS_ERR(td))
		return td;
	strscpy(td->name, name, sizeof(td->name));
	testdev_log_init(&td->log, &td->vdev, flags);
	ret = testdev_migration_init(&td->migration, td->region, &td->vdev,
				     flags);
	if (!ret)
		ret = vfio_register_emulated_iommu_dev(&td->vdev);
	if (ret) {
		vfio_put_device(&td->vdev);
		return ERR_PTR(ret);
	}
	group = iommu_group_get(parent);
	td->group = group ? iommu_group_id(group) : -1;
	iommu_group_put(group);
	return td;
}

/**
 * testdev_create - makes a device and registers it
 * @args: its name and what it can do in, its group's number out
 *
 * Return: 0, -EINVAL without a name, -EEXIST for a name that is taken,
 * -EOPNOTSUPP for what the kernel does not know, or what the core refused it
 * with.
 */
int testdev_create(struct vfio_testdev_create *args)
{
	struct platform_device *pdev;
	struct testdev *td;
	int ret = 0;

	if (!args->name[0] || strchr(args->name, '/') ||
	    (args->flags & ~TESTDEV_FLAGS))
		return -EINVAL;
	mutex_lock(&testdev_lock);
	if (find(args->name)) {
		ret = -EEXIST;
		goto out;
	}
	pdev = parent_new(args->name);
	if (IS_ERR(pdev)) {
		ret = PTR_ERR(pdev);
		goto out;
	}
	td = testdev_new(&pdev->dev, args->name, args->flags);
	if (IS_ERR(td)) {
		platform_device_unregister(pdev);
		ret = PTR_ERR(td);
		goto out;
	}
	list_add(&td->list, &testdev_list);
	args->group = td->group;
out:
	mutex_unlock(&testdev_lock);
	return ret;
}

static void testdev_remove(struct testdev *td)
{
	struct platform_device *pdev = to_platform_device(td->vdev.dev);

	vfio_unregister_group_dev(&td->vdev);
	vfio_put_device(&td->vdev);
	platform_device_unregister(pdev);
}

/**
 * testdev_destroy - unregisters a device, once its users are gone
 * @name: the name it was created with
 *
 * The name stays taken while users are waited for, so that statistics can be
 * read meanwhile.
 *
 * Return: 0 or -ENOENT.
 */
int testdev_destroy(const char *name)
{
	struct platform_device *pdev;
	struct testdev *td;

	mutex_lock(&testdev_lock);
	td = find(name);
	if (!td || td->stats.name[0]) {
		mutex_unlock(&testdev_lock);
		return -ENOENT;
	}
	/* Marks it as going: only one may unregister it. */
	strscpy(td->stats.name, name, sizeof(td->stats.name));
	mutex_unlock(&testdev_lock);

	pdev = to_platform_device(td->vdev.dev);
	vfio_unregister_group_dev(&td->vdev);
	mutex_lock(&testdev_lock);
	list_del(&td->list);
	mutex_unlock(&testdev_lock);
	vfio_put_device(&td->vdev);
	platform_device_unregister(pdev);
	return 0;
}

/**
 * testdev_destroy_all - at module exit: every device, then the driver
 */
void testdev_destroy_all(void)
{
	struct testdev *td, *next;

	list_for_each_entry_safe(td, next, &testdev_list, list) {
		list_del(&td->list);
		testdev_remove(td);
	}
	platform_driver_unregister(&testdev_driver);
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
	td = testdev_find_get(args->name);
	if (!td)
		return -ENOENT;
	down_read(&td->use);
	if (td->opened)
		ret = pin_and_record(td, args);
	up_read(&td->use);
	vfio_put_device(&td->vdev);
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

	td = testdev_find_get(args->name);
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
	vfio_put_device(&td->vdev);
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
	td = testdev_find_get(args->name);
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
	vfio_put_device(&td->vdev);
	kfree(data);
	return ret;
}

/**
 * testdev_stats - what a device has seen so far
 * @args: its name in, the figures out
 *
 * Return: 0 or -ENOENT.
 */
int testdev_stats(struct vfio_testdev_stats *args)
{
	struct testdev *td = testdev_find_get(args->name);

	if (!td)
		return -ENOENT;
	spin_lock(&td->pins_lock);
	*args = td->stats;
	spin_unlock(&td->pins_lock);
	strscpy(args->name, td->name, sizeof(args->name));
	args->group = td->group;
	args->opened = td->opened;
	vfio_put_device(&td->vdev);
	return 0;
}
