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
 *
 * struct vfio_device, what drivers call and the names of both counts (refcount,
 * comp) are those of <linux/vfio.h>.
 */
#include <linux/device.h>
#include <linux/idr.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "vfio.h"

static struct class *vfio_dev_class;	/* /sys/class/vfio-dev */
/* Of a device: N of its name there, vfioN, from setup until its memory goes. */
static DEFINE_IDA(vfio_dev_numbers);

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
	bool last = refcount_dec_and_test(&device->refcount);

	if (last)
		complete(&device->comp);
}

static void forget_device(struct device *dev)
{
	struct vfio_device *device =
		container_of(dev, struct vfio_device, device);
	int number = device->index;

	vfio_device_leave_set(device);
	/* Where the core does not free it, release() does: nothing after. */
	if (!VFIO_CORE_FREES_DEVICE || device->ops->release)
		device->ops->release(device);
	if (VFIO_CORE_FREES_DEVICE) {
		vfio_device_put_inode(device);
		kvfree(device);
	}
	/* Last, so that no two devices in memory have one name. */
	ida_free(&vfio_dev_numbers, number);
}

/* The embedded struct device: from here on the memory goes with it. */
static void begin_life(struct vfio_device *device)
{
	struct device *dev = &device->device;

	device_initialize(dev);
	dev->parent = device->dev;
	dev->class = vfio_dev_class;
	dev->release = forget_device;
}

/**
 * vfio_device_setup - make a device of a driver's memory
 * @device: zeroed memory
 * @parent: the device that the driver is bound to
 * @ops: the driver's calls; ->init() is called from here
 *
 * Return: 0; or a negative errno, and the memory is as it was.
 */
int vfio_device_setup(struct vfio_device *device, struct device *parent,
		      const struct vfio_device_ops *ops)
{
	int number = ida_alloc_max(&vfio_dev_numbers, MINORMASK, GFP_KERNEL);
	int ret;

	if (number < 0)
		return number;

	init_completion(&device->comp);
	device->ops = ops;
	device->dev = parent;
	device->index = number;

	ret = vfio_device_get_inode(device);
	if (ret)
		goto err_number;
	ret = ops->init ? ops->init(device) : 0;
	if (ret)
		goto err_init;

	begin_life(device);
	return 0;

err_init:
	/* The driver may have chosen a set before it failed. */
	vfio_device_leave_set(device);
	vfio_device_put_inode(device);
err_number:
	ida_free(&vfio_dev_numbers, number);
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
	struct vfio_device *device = NULL;
	int ret = -EINVAL;

	if (!WARN_ON(size < sizeof(*device))) {
		device = kvzalloc(size, GFP_KERNEL);
		ret = device ? vfio_device_setup(device, dev, ops) : -ENOMEM;
	}
	if (!ret)
		return device;
	kvfree(device);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(_vfio_alloc_device);

/* Whether user space finds it by its name; who has it open keeps it anyway. */
static void set_visible(struct vfio_device *device, bool visible)
{
	struct mutex *lock = &device->group->device_lock;

	mutex_lock(lock);
	if (visible)
		list_add(&device->group_next, &device->group->device_list);
	else
		list_del(&device->group_next);
	mutex_unlock(lock);
}

static int register_device(struct vfio_device *device,
			   enum vfio_group_type type)
{
	int ret = 0;

	/* A driver that names no set gets one for this device alone. */
	if (!device->dev_set)
		ret = vfio_assign_device_set(device, device);
	if (!ret)
		ret = dev_set_name(&device->device, "vfio%d", device->index);
	if (!ret)
		ret = vfio_device_join_group(device, type);
	if (ret)
		return ret;

	ret = device_add(&device->device);
	if (ret) {
		vfio_device_leave_group(device);
		return ret;
	}

	refcount_set(&device->refcount, 1);
	set_visible(device, true);
	return 0;
}

/**
 * vfio_register_group_dev - offer a device behind an IOMMU to user space
 * @device: the device
 *
 * Return: 0 or a negative errno; -EINVAL if it has no IOMMU that isolates and
 * keeps caches coherent; -EINTR if the caller was killed while it waited for a
 * group of that number to go.
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
 *
 * The task's name is anybody's: what is not printable is escaped.
 */
void vfio_device_warn_blocked(struct vfio_device *device)
{
	char comm[TASK_COMM_LEN];

	get_task_comm(comm, current);
	dev_warn(device->dev,
		 "Device is currently in use, task \"%*pE\" (%d) blocked until device is released",
		 (int)strlen(comm), comm, task_pid_nr(current));
}

/*
 * Asks the driver to make user space let go, and waits a moment. A signal does
 * not end the waiting, which would leave a device without a driver in user
 * space's hands; it is answered by a message, once, and no longer listened to.
 */
static bool files_are_gone(struct vfio_device *device, unsigned int requests,
			   bool *deaf)
{
	long left;

	if (device->ops->request)
		device->ops->request(device, requests);

	if (!*deaf) {
		left = wait_for_completion_interruptible_timeout(&device->comp,
						VFIO_REQUEST_INTERVAL);
		if (left >= 0)
			return left;
		*deaf = true;
		vfio_device_warn_blocked(device);
	}
	return wait_for_completion_timeout(&device->comp,
					   VFIO_REQUEST_INTERVAL);
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
	unsigned int requests = 0;
	bool deaf = false;

	set_visible(device, false);
	device_del(&device->device);

	vfio_device_put_registration(device);
	if (!try_wait_for_completion(&device->comp))
		while (!files_are_gone(device, requests, &deaf))
			requests++;

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
	vfio_dev_class = vfio_class_create("vfio-dev");
	return PTR_ERR_OR_ZERO(vfio_dev_class);
}

/**
 * vfio_device_cleanup - undo vfio_device_init()
 */
void vfio_device_cleanup(void)
{
	class_destroy(vfio_dev_class);
	ida_destroy(&vfio_dev_numbers);
}
