// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio_testdev.ko: what tests of vfio need inside the kernel.
 *
 * One misc device whose ioctls (vfio_testdev.h) make devices without an IOMMU
 * and take groups as an external user does; a driver for the devices behind the
 * IOMMU of vfio_testiommu.ko; and a backend that maps nothing. Root only; never
 * for production.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "testdev.h"

union testdev_args {
	struct vfio_testdev_create	create;
	struct vfio_testdev_pin		pin;
	struct vfio_testdev_rw		rw;
	struct vfio_testdev_stats	stats;
	struct vfio_testdev_external	external;
	struct vfio_testdev_file	file;
	struct vfio_testdev_route	route;
	struct vfio_testdev_log_write	log_write;
	struct vfio_testdev_log_ranges	log_ranges;
	struct vfio_testdev_backend	backend;
	struct vfio_testdev_container_id container_id;
};

static int testdev_open(struct inode *inode, struct file *filp)
{
	struct testdev_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return -ENOMEM;
	mutex_init(&file->lock);
	INIT_LIST_HEAD(&file->held);
	filp->private_data = file;
	return 0;
}

static int testdev_release(struct inode *inode, struct file *filp)
{
	struct testdev_file *file = filp->private_data;

	testdev_external_put_all(file);
	mutex_destroy(&file->lock);
	kfree(file);
	return 0;
}

static long testdev_call(struct testdev_file *file, unsigned int cmd,
			 union testdev_args *args)
{
	switch (cmd) {
	case VFIO_TESTDEV_CREATE:
		return testdev_create(&args->create);
	case VFIO_TESTDEV_DESTROY:
		return testdev_destroy(args->create.name);
	case VFIO_TESTDEV_PIN:
		return testdev_pin(&args->pin);
	case VFIO_TESTDEV_UNPIN:
		return testdev_unpin(&args->pin);
	case VFIO_TESTDEV_DMA_RW:
		return testdev_dma_rw(&args->rw);
	case VFIO_TESTDEV_STATS:
		return testdev_stats(&args->stats);
	case VFIO_TESTDEV_EXTERNAL_GET:
		return testdev_external_get(file, &args->external);
	case VFIO_TESTDEV_EXTERNAL_FIND:
		return testdev_external_find(file, &args->external);
	case VFIO_TESTDEV_EXTERNAL_PUT:
		return testdev_external_put(file, args->external.slot);
	case VFIO_TESTDEV_FILE:
		return testdev_file_info(&args->file);
	case VFIO_TESTDEV_ROUTE:
		return testdev_route(&args->route);
	case VFIO_TESTDEV_LOG_WRITE:
		return testdev_log_write(&args->log_write);
	case VFIO_TESTDEV_LOG_RANGES:
		return testdev_log_ranges(&args->log_ranges);
	case VFIO_TESTDEV_BACKEND:
		return testdev_backend(&args->backend);
	case VFIO_TESTDEV_CONTAINER_ID:
		return testdev_container_id(&args->container_id);
	default:
		return -ENOTTY;
	}
}

/* Every argument that bears a name starts with it. */
static bool has_name(unsigned int cmd)
{
	return cmd != VFIO_TESTDEV_EXTERNAL_GET &&
	       cmd != VFIO_TESTDEV_EXTERNAL_FIND &&
	       cmd != VFIO_TESTDEV_EXTERNAL_PUT &&
	       cmd != VFIO_TESTDEV_BACKEND &&
	       cmd != VFIO_TESTDEV_CONTAINER_ID;
}

static long testdev_ioctl(struct file *filp, unsigned int cmd,
			  unsigned long arg)
{
	void __user *user = (void __user *)arg;
	union testdev_args args = {};
	long ret;

	if (_IOC_TYPE(cmd) != VFIO_TESTDEV_TYPE || _IOC_SIZE(cmd) > sizeof(args))
		return -ENOTTY;
	if (copy_from_user(&args, user, _IOC_SIZE(cmd)))
		return -EFAULT;
	if (has_name(cmd))
		args.create.name[VFIO_TESTDEV_NAME_LEN - 1] = '\0';

	ret = testdev_call(filp->private_data, cmd, &args);
	if (ret >= 0 && (_IOC_DIR(cmd) & _IOC_READ) &&
	    copy_to_user(user, &args, _IOC_SIZE(cmd)))
		ret = -EFAULT;
	return ret;
}

static const struct file_operations testdev_fops = {
	.owner		= THIS_MODULE,
	.open		= testdev_open,
	.release	= testdev_release,
	.unlocked_ioctl	= testdev_ioctl,
};

static struct miscdevice testdev_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "vfio_testdev",
	.fops	= &testdev_fops,
	.mode	= 0600,
};

static int __init testdev_init(void)
{
	int ret = testdev_driver_register();

	if (ret)
		return ret;
	ret = testdev_physical_register();
	if (ret)
		goto err_driver;
	ret = testdev_backend_register();
	if (ret)
		goto err_physical;
	ret = misc_register(&testdev_misc);
	if (ret)
		goto err_backend;
	return 0;

err_backend:
	testdev_backend_unregister();
err_physical:
	testdev_physical_unregister();
err_driver:
	testdev_destroy_all();
	return ret;
}

static void __exit testdev_exit(void)
{
	misc_deregister(&testdev_misc);
	testdev_backend_unregister();
	testdev_physical_unregister();
	testdev_destroy_all();
}

module_init(testdev_init);
module_exit(testdev_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Emulated-IOMMU devices and external users for tests of VFIO");
MODULE_VERSION("1.0");
