// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device without an IOMMU, driven from tests.
 *
 * The vfio core makes an IOMMU group for it, user space opens it as any other,
 * and what the device would do is done by ioctls: see memory.c, migration.c and
 * logging.c.
 */
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "compat/vfio.h"
#include "testdev.h"

#define TESTDEV_FLAGS	(VFIO_TESTDEV_MIGRATES | VFIO_TESTDEV_P2P | \
			 VFIO_TESTDEV_PRE_COPY | VFIO_TESTDEV_LOGS | \
			 VFIO_TESTDEV_MUTE | VFIO_TESTDEV_STUCK)

static DEFINE_MUTEX(testdev_lock);
static LIST_HEAD(testdev_list);

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
	vfio_compat_driver_frees(vdev);
}

static int testdev_open_device(struct vfio_device *vdev)
{
	struct testdev *td = to_testdev(vdev);

	testdev_note("open");
	if (td->flags & VFIO_TESTDEV_STUCK)
		return -EIO;
	down_write(&td->use);
	td->opened = true;
	td->stats.opens++;
	td->stats.kvm = !!vdev->kvm;
	up_write(&td->use);
	return 0;
}

static void testdev_close_device(struct vfio_device *vdev)
{
	struct testdev *td = to_testdev(vdev);

	testdev_note("close");
	down_write(&td->use);
	td->opened = false;
	td->stats.closes++;
	testdev_unpin_all(td);
	up_write(&td->use);
	testdev_migration_reset(&td->migration);
	testdev_log_reset(&td->log);
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

/* A driver that leaves all ioctls to the core. */
static const struct vfio_device_ops mute_ops = {
	.name		= "vfio-testdev-mute",
	.init		= testdev_init_device,
	.release	= testdev_release_device,
	.open_device	= testdev_open_device,
	.close_device	= testdev_close_device,
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

/**
 * testdev_get - a device by its name
 * @name: the name it was created with
 *
 * Return: the device, to be given back with testdev_put(), or NULL.
 */
struct testdev *testdev_get(const char *name)
{
	struct testdev *td;

	mutex_lock(&testdev_lock);
	td = find(name);
	if (td)
		get_device(&td->vdev.device);
	mutex_unlock(&testdev_lock);
	return td;
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

	td = vfio_alloc_device(testdev, vdev, parent,
			       flags & VFIO_TESTDEV_MUTE ? &mute_ops :
							   &testdev_ops);
	if (IS_ERR(td))
		return td;
	td->flags = flags;
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
	/* Whoever finds the name free finds the parent's free as well. */
	mutex_lock(&testdev_lock);
	list_del(&td->list);
	vfio_put_device(&td->vdev);
	platform_device_unregister(pdev);
	mutex_unlock(&testdev_lock);
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

/**
 * testdev_stats - what a device has seen so far
 * @args: its name in, the figures out
 *
 * Return: 0 or -ENOENT.
 */
int testdev_stats(struct vfio_testdev_stats *args)
{
	struct testdev *td = testdev_get(args->name);

	if (!td)
		return -ENOENT;
	spin_lock(&td->pins_lock);
	*args = td->stats;
	spin_unlock(&td->pins_lock);
	strscpy(args->name, td->name, sizeof(args->name));
	args->group = td->group;
	args->opened = td->opened;
	testdev_put(td);
	return 0;
}
