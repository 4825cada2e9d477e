// SPDX-License-Identifier: GPL-2.0-only
/*
 * mdev.ko: mediated devices, a part of a device given to a VM as if it were one
 * of its own. Parents and the life of devices; see mdev.h for the objects and
 * their locks.
 *
 * A device that user space asks for goes through these states:
 *
 *	made	 its UUID and instance are taken; it cannot be removed yet
 *	active	 bound to its driver; may be removed
 *	gone	 its driver has let go of it; UUID and instance are free again,
 *		 its memory is when the last reference is put
 *
 * Who takes an active one down is settled by its file "remove", which only one
 * of its writers can take away, and by the parent's unreg_sem, which keeps the
 * parent from doing it at the same time.
 */
#include <linux/device.h>
#include <linux/list.h>
#include <linux/mdev.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uuid.h>

#include "mdev.h"

#define DRIVER_VERSION	"1.0"
#define DRIVER_DESC	"Mediated device Core Driver"

/* See mdev.h for what it guards. */
static DEFINE_MUTEX(mdev_lock);
static LIST_HEAD(mdev_devices);

/* For user space from before there were buses' own folders: /sys/class/mdev_bus */
static struct class_compat *mdev_class;

/* The driver counts by itself if it has instances of unlike size. */
static bool mdev_counts(const struct mdev_type *type)
{
	return !type->parent->mdev_driver->get_available;
}

/**
 * mdev_available - how many more devices of a type can be made
 * @type: of a registered parent
 */
unsigned int mdev_available(struct mdev_type *type)
{
	if (!mdev_counts(type))
		return type->parent->mdev_driver->get_available(type);
	return atomic_read(&type->parent->available_instances);
}

static bool mdev_known(const guid_t *uuid)
{
	struct mdev_device *mdev;

	lockdep_assert_held(&mdev_lock);
	list_for_each_entry(mdev, &mdev_devices, next)
		if (guid_equal(&mdev->uuid, uuid))
			return true;
	return false;
}

/* Takes a UUID and an instance, or neither. */
static int mdev_claim(struct mdev_device *mdev)
{
	atomic_t *free = &mdev->type->parent->available_instances;
	int ret = 0;

	mutex_lock(&mdev_lock);
	if (mdev_known(&mdev->uuid))
		ret = -EEXIST;
	else if (mdev_counts(mdev->type) && !atomic_add_unless(free, -1, 0))
		ret = -EUSERS;
	else
		list_add(&mdev->next, &mdev_devices);
	mutex_unlock(&mdev_lock);
	return ret;
}

/* Of one that is bound to no driver any more. */
static void mdev_unclaim(struct mdev_device *mdev)
{
	mutex_lock(&mdev_lock);
	list_del(&mdev->next);
	if (mdev_counts(mdev->type))
		atomic_inc(&mdev->type->parent->available_instances);
	mutex_unlock(&mdev_lock);
}

/* Somebody may have kept a reference for longer than there were types. */
static void mdev_release(struct device *dev)
{
	kfree(to_mdev_device(dev));
}

static struct mdev_device *mdev_alloc(struct mdev_type *type,
				      const guid_t *uuid)
{
	struct mdev_device *mdev;
	int ret;

	mdev = kzalloc(sizeof(*mdev), GFP_KERNEL);
	if (!mdev)
		return ERR_PTR(-ENOMEM);
	mdev->type = type;
	guid_copy(&mdev->uuid, uuid);
	ret = mdev_claim(mdev);
	if (ret) {
		kfree(mdev);
		return ERR_PTR(ret);
	}

	/* From here on its last reference frees it. */
	device_initialize(&mdev->dev);
	mdev->dev.parent = type->parent->dev;
	mdev->dev.bus = &mdev_bus;
	mdev->dev.release = mdev_release;
	return mdev;
}

static void mdev_set_active(struct mdev_device *mdev)
{
	mutex_lock(&mdev_lock);
	mdev->active = true;
	mutex_unlock(&mdev_lock);
}

/* Its parent's unreg_sem is held for reading. */
static int mdev_bind(struct mdev_device *mdev)
{
	struct mdev_driver *driver = mdev->type->parent->mdev_driver;
	int ret;

	ret = dev_set_name(&mdev->dev, "%pUl", &mdev->uuid);
	if (!ret)
		ret = device_add(&mdev->dev);
	if (ret)
		return ret;
	ret = device_driver_attach(&driver->driver, &mdev->dev);
	if (!ret)
		ret = mdev_links_add(mdev);
	if (ret) {
		device_del(&mdev->dev);
		return ret;
	}
	mdev_set_active(mdev);
	return 0;
}

/**
 * mdev_create - make a mediated device
 * @type: what kind of
 * @uuid: its name
 *
 * Context: Process context, may sleep; within the type's sysfs file.
 * Return: 0, -EEXIST if there is one of that name, -EUSERS without a free
 * instance, -ENODEV if the parent is going, or what the driver's probe says.
 */
int mdev_create(struct mdev_type *type, const guid_t *uuid)
{
	struct mdev_parent *parent = type->parent;
	struct mdev_device *mdev;
	int ret;

	if (!down_read_trylock(&parent->unreg_sem))
		return -ENODEV;
	mdev = mdev_alloc(type, uuid);
	if (IS_ERR(mdev)) {
		ret = PTR_ERR(mdev);
		goto out;
	}
	ret = mdev_bind(mdev);
	if (ret) {
		mdev_unclaim(mdev);
		put_device(&mdev->dev);
	}
out:
	up_read(&parent->unreg_sem);
	return ret;
}

/**
 * mdev_removal_begin - keep a device's parent where it is, to remove the device
 * @mdev: in its sysfs file, which keeps it alive so far
 *
 * Return: the parent, for mdev_removal_end(); -ENODEV if it is going and takes
 * the device along, -EAGAIN if the device is still being made.
 */
struct mdev_parent *mdev_removal_begin(struct mdev_device *mdev)
{
	struct mdev_parent *parent = mdev->type->parent;
	bool active;

	if (!down_read_trylock(&parent->unreg_sem))
		return ERR_PTR(-ENODEV);
	mutex_lock(&mdev_lock);
	active = mdev->active;
	mutex_unlock(&mdev_lock);
	if (active)
		return parent;
	up_read(&parent->unreg_sem);
	return ERR_PTR(-EAGAIN);
}

/**
 * mdev_removal_end - the parent may go
 * @parent: as mdev_removal_begin() gave it
 *
 * Whoever waits to take the parent away may have it as soon as its semaphore is
 * free, and the semaphore is in it. So it is freed under mdev_lock, which
 * mdev_unregister_parent() takes as well before it returns.
 */
void mdev_removal_end(struct mdev_parent *parent)
{
	mutex_lock(&mdev_lock);
	up_read(&parent->unreg_sem);
	mutex_unlock(&mdev_lock);
}

/**
 * mdev_take_down - remove a device for good
 * @mdev: active; the caller is the only one to do it, between
 *	mdev_removal_begin() and mdev_removal_end(), or with the parent
 *
 * Context: Process context; sleeps until nobody has the device open.
 */
void mdev_take_down(struct mdev_device *mdev)
{
	mdev_links_remove(mdev);
	device_del(&mdev->dev);
	mdev_unclaim(mdev);
	put_device(&mdev->dev);
}

static int mdev_take_along(struct device *dev, void *unused)
{
	if (dev->bus == &mdev_bus)
		mdev_take_down(to_mdev_device(dev));
	return 0;
}

static void mdev_tell(struct mdev_parent *parent, char *state)
{
	char *environment[2] = { state };

	kobject_uevent_env(&parent->dev->kobj, KOBJ_CHANGE, environment);
}

/**
 * mdev_register_parent - let user space make mediated devices of a device
 * @parent: the driver's memory, which this fills in; there until
 *	mdev_unregister_parent() has returned
 * @dev: the device; the caller holds it as long
 * @driver: registered, of the devices that are made; its max_instances are what
 *	can be made if it has no get_available
 * @types: what kinds there are, with names set; the driver's memory too
 * @nr_types: how many
 *
 * Context: Process context, may sleep.
 * Return: 0 or a negative errno; nothing is left behind then.
 */
int mdev_register_parent(struct mdev_parent *parent, struct device *dev,
			 struct mdev_driver *driver, struct mdev_type **types,
			 unsigned int nr_types)
{
	int ret;

	*parent = (struct mdev_parent){
		.dev = dev,
		.mdev_driver = driver,
		.types = types,
		.nr_types = nr_types,
	};
	init_rwsem(&parent->unreg_sem);
	atomic_set(&parent->available_instances, driver->max_instances);

	ret = mdev_types_add(parent);
	if (ret)
		return ret;
	if (class_compat_create_link(mdev_class, dev, NULL))
		dev_warn(dev, "no link in /sys/class/mdev_bus\n");
	dev_info(dev, "MDEV: Registered\n");
	mdev_tell(parent, "MDEV_STATE=registered");
	return 0;
}
EXPORT_SYMBOL(mdev_register_parent);

/**
 * mdev_unregister_parent - no more mediated devices, and away with those made
 * @parent: as registered
 *
 * Context: Process context; sleeps until nobody has any of them open.
 */
void mdev_unregister_parent(struct mdev_parent *parent)
{
	dev_info(parent->dev, "MDEV: Unregistering\n");
	down_write(&parent->unreg_sem);
	class_compat_remove_link(mdev_class, parent->dev, NULL);
	device_for_each_child(parent->dev, NULL, mdev_take_along);
	mdev_types_remove(parent);
	up_write(&parent->unreg_sem);
	/* See mdev_removal_end(). */
	mutex_lock(&mdev_lock);
	mutex_unlock(&mdev_lock);
	mdev_tell(parent, "MDEV_STATE=unregistered");
}
EXPORT_SYMBOL(mdev_unregister_parent);

static int __init mdev_init(void)
{
	int ret;

	ret = bus_register(&mdev_bus);
	if (ret)
		return ret;
	mdev_class = class_compat_register("mdev_bus");
	if (!mdev_class) {
		bus_unregister(&mdev_bus);
		return -ENOMEM;
	}
	return 0;
}

static void __exit mdev_exit(void)
{
	class_compat_unregister(mdev_class);
	bus_unregister(&mdev_bus);
}

module_init(mdev_init);
module_exit(mdev_exit);

MODULE_VERSION(DRIVER_VERSION);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The vfioscope authors");
MODULE_DESCRIPTION(DRIVER_DESC);
