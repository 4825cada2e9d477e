// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: what a VFIO driver makes of a device bound to it.
 *
 *	allocated --register--> registered --unregister--> allocated --put--> gone
 *
 * The memory is the driver's, with struct vfio_device at its head, and lives as
 * long as the embedded struct device. Registration is a second count: it starts
 * at one, each open file holds one, and unregistering takes the device off its
 * group's list, so that nobody can open it any more, and waits for the files.
 */
#include <linux/device.h>
#include <linux/idr.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "vfio.h"

/* How long a driver has to make user space let go before it is asked again. */
#define REQUEST_INTERVAL	(10 * HZ)

static struct {
	struct class	*class;		/* /sys/class/vfio-dev */
	struct ida	ida;
} vfio_devices = {
	.ida = IDA_INIT(vfio_devices.ida),
};

/**
 * vfio_device_try_get_registration - keep a device registered
 * @device: a device on its group's list, that list's lock held
 *
 * Return: false if it is being unregistered.
 */
bool vfio_device_try_get_registration(struct vfio_device *device)
{
	return refcount_inc_not_zero(&device->refcount);
}

/**
 * vfio_device_put_registration - undo vfio_device_try_get_registration()
 * @device: the device, which may be gone afterwards
 */
void vfio_device_put_registration(struct vfio_device *device)
{
	if (refcount_dec_and_test(&device->refcount))
		complete(&device->comp);
}

static void device_release(struct device *dev)
{
	struct vfio_device *device =
		container_of(dev, struct vfio_device, device);
	unsigned int index = device->index;

	vfio_device_leave_set(device);
	if (VFIO_CORE_FREES_DEVICE) {
		if (device->ops->release)
			device->ops->release(device);
		vfio_device_put_inode(device);
		kvfree(device);
	} else {
		device->ops->release(device);
	}
	/* Last, so that no two devices in memory have one name. */
	ida_free(&vfio_devices.ida, index);
}

static int device_setup(struct vfio_device *device, struct device *dev,
			const struct vfio_device_ops *ops)
{
	int ret;

	ret = ida_alloc_max(&vfio_devices.ida, MINORMASK, GFP_KERNEL);
	if (ret < 0)
		return ret;

	device->index = ret;
	device->dev = dev;
	device->ops = ops;
	init_completion(&device->comp);

	ret = vfio_device_get_inode(device);
	if (ret)
		goto err_ida;

	if (ops->init) {
		ret = ops->init(device);
		if (ret)
			goto err_inode;
	}

	device_initialize(&device->device);
	device->device.release = device_release;
	device->device.class = vfio_devices.class;
	device->device.parent = dev;
	return 0;

err_inode:
	/* The driver may have chosen a set before it failed. */
	vfio_device_leave_set(device);
	vfio_device_put_inode(device);
err_ida:
	ida_free(&vfio_devices.ida, device->index);
	return ret;
}

/**
 * _vfio_alloc_device - make a device; drivers call vfio_alloc_device()
 * @size: of the driver's structure, which begins with struct vfio_device
 * @dev: the device that the driver is bound to
 * @ops: the driver's calls; ->init() is called from here
 *
 * Return: the device, to be given back by vfio_put_device(), or an ERR_PTR().
 */
struct vfio_device *_vfio_alloc_device(size_t size, struct device *dev,
				       const struct vfio_device_ops *ops)
{
	struct vfio_device *device;
	int ret;

	if (WARN_ON(size < sizeof(*device)))
		return ERR_PTR(-EINVAL);

	device = kvzalloc(size, GFP_KERNEL);
	if (!device)
		return ERR_PTR(-ENOMEM);

	ret = device_setup(device, dev, ops);
	if (ret) {
		kvfree(device);
		return ERR_PTR(ret);
	}
	return device;
}
EXPORT_SYMBOL_GPL(_vfio_alloc_device);

#ifdef HAVE_VFIO_INIT_DEVICE
/**
 * vfio_init_device - make a device in memory of the driver's own
 * @device: zeroed memory
 * @dev: the device that the driver is bound to
 * @ops: the driver's calls
 *
 * Return: 0 or a negative errno.
 */
int vfio_init_device(struct vfio_device *device, struct device *dev,
		     const struct vfio_device_ops *ops)
{
	return device_setup(device, dev, ops);
}
EXPORT_SYMBOL_GPL(vfio_init_device);

/**
 * vfio_free_device - free what _vfio_alloc_device() allocated
 * @device: the device, from its driver's ->release()
 */
void vfio_free_device(struct vfio_device *device)
{
	kvfree(device);
}
EXPORT_SYMBOL_GPL(vfio_free_device);
#endif

static int register_device(struct vfio_device *device,
			   enum vfio_group_type type)
{
	struct vfio_group *group;
	int ret;

	/* A driver that names no set gets one for this device alone. */
	if (!device->dev_set) {
		ret = vfio_assign_device_set(device, device);
		if (ret)
			return ret;
	}

	ret = dev_set_name(&device->device, "vfio%d", device->index);
	if (ret)
		return ret;

	ret = vfio_device_join_group(device, type);
	if (ret)
		return ret;

	ret = device_add(&device->device);
	if (ret)
		goto err_leave;

	refcount_set(&device->refcount, 1);

	/* From here on user space can open it. */
	group = device->group;
	mutex_lock(&group->device_lock);
	list_add(&device->group_next, &group->device_list);
	mutex_unlock(&group->device_lock);
	return 0;

err_leave:
	vfio_device_leave_group(device);
	return ret;
}

/**
 * vfio_register_group_dev - offer a device behind an IOMMU to user space
 * @device: the device
 *
 * Return: 0 or a negative errno; -EINVAL if it has no IOMMU that isolates and
 * keeps caches coherent.
 */
int vfio_register_group_dev(struct vfio_device *device)
{
	return register_device(device, VFIO_IOMMU);
}
EXPORT_SYMBOL_GPL(vfio_register_group_dev);

/**
 * vfio_register_emulated_iommu_dev - offer a device that does no DMA by itself
 * @device: the device, whose driver reaches user memory by vfio_pin_pages() and
 *	vfio_dma_rw() alone
 *
 * Return: 0 or a negative errno.
 */
int vfio_register_emulated_iommu_dev(struct vfio_device *device)
{
	return register_device(device, VFIO_EMULATED_IOMMU);
}
EXPORT_SYMBOL_GPL(vfio_register_emulated_iommu_dev);

/**
 * vfio_device_warn_blocked - say that this task waits for a device's users
 * @device: the device
 */
void vfio_device_warn_blocked(struct vfio_device *device)
{
	dev_warn(device->dev,
		 "Device is currently in use, task \"%s\" (%d) blocked until device is released",
		 current->comm, task_pid_nr(current));
}

/*
 * A signal does not end the wait, which would leave a device without a driver
 * in user space's hands. It is answered by a message, once.
 */
static void wait_for_files(struct vfio_device *device)
{
	unsigned int requests = 0;
	bool warned = false;
	long left;

	if (try_wait_for_completion(&device->comp))
		return;

	do {
		if (device->ops->request)
			device->ops->request(device, requests++);

		if (warned) {
			left = wait_for_completion_timeout(&device->comp,
							   REQUEST_INTERVAL);
			continue;
		}
		left = wait_for_completion_interruptible_timeout(&device->comp,
						REQUEST_INTERVAL);
		if (left < 0) {
			vfio_device_warn_blocked(device);
			warned = true;
		}
	} while (left <= 0);
}

/**
 * vfio_unregister_group_dev - take a device back from user space
 * @device: a registered device
 *
 * Waits until no file of the device is open, and asks the driver again and
 * again to make user space let go.
 */
void vfio_unregister_group_dev(struct vfio_device *device)
{
	struct vfio_group *group = device->group;

	mutex_lock(&group->device_lock);
	list_del(&device->group_next);
	mutex_unlock(&group->device_lock);

	device_del(&device->device);

	vfio_device_put_registration(device);
	wait_for_files(device);

	vfio_device_leave_group(device);
}
EXPORT_SYMBOL_GPL(vfio_unregister_group_dev);

/**
 * vfio_device_init - make /sys/class/vfio-dev
 *
 * Return: 0 or a negative errno.
 */
int __init vfio_device_init(void)
{
	vfio_devices.class = vfio_class_create("vfio-dev");
	return PTR_ERR_OR_ZERO(vfio_devices.class);
}

/**
 * vfio_device_cleanup - undo vfio_device_init()
 */
void vfio_device_cleanup(void)
{
	class_destroy(vfio_devices.class);
	ida_destroy(&vfio_devices.ida);
}
