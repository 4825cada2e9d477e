// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mediated devices in sysfs (Documentation/ABI/testing/sysfs-bus-vfio-mdev):
 *
 *	PARENT/mdev_supported_types/DRIVER-TYPE/create		 a UUID
 *						name, description,
 *						device_api,
 *						available_instances
 *						devices/UUID	 links
 *	PARENT/UUID/remove	1
 *		    mdev_type	a link
 *
 * A type has a handful of files, so what is read from each stands in one place,
 * type_read(); the only one that is written to is "create".
 */
#include <linux/kobject.h>
#include <linux/mdev.h>
#include <linux/sysfs.h>
#include <linux/uuid.h>

#include "mdev.h"

static struct attribute file_create = { .name = "create", .mode = 0200 };
static struct attribute file_name = { .name = "name", .mode = 0444 };
static struct attribute file_description = {
	.name = "description", .mode = 0444
};
static struct attribute file_api = { .name = "device_api", .mode = 0444 };
static struct attribute file_available = {
	.name = "available_instances", .mode = 0444
};

static struct mdev_type *to_type(struct kobject *kobj)
{
	return container_of(kobj, struct mdev_type, kobj);
}

static ssize_t type_read(struct kobject *kobj, struct attribute *file,
			 char *page)
{
	struct mdev_type *type = to_type(kobj);
	struct mdev_driver *driver = type->parent->mdev_driver;
	const char *line;

	if (file == &file_available)
		return sysfs_emit(page, "%u\n", mdev_available(type));
	if (file == &file_description)
		return driver->show_description(type, page);
	if (file == &file_api)
		line = driver->device_api;
	else
		line = type->pretty_name ?: type->sysfs_name;
	return sysfs_emit(page, "%s\n", line);
}

/* The UUID of a device to be made, with or without a newline behind it. */
static ssize_t type_write(struct kobject *kobj, struct attribute *file,
			  const char *page, size_t len)
{
	guid_t uuid;
	int ret;

	/* What is written ends with a NUL that is not counted. */
	if (len < UUID_STRING_LEN || len > UUID_STRING_LEN + 1)
		return -EINVAL;
	ret = guid_parse(page, &uuid);
	if (!ret)
		ret = mdev_create(to_type(kobj), &uuid);
	return ret ?: len;
}

/* Not every driver has words for its types. */
static umode_t type_file_mode(struct kobject *kobj, struct attribute *file,
			      int nr)
{
	if (file != &file_description ||
	    to_type(kobj)->parent->mdev_driver->show_description)
		return file->mode;
	return 0;
}

/* The parent's device was held for as long as a type is below it. */
static void type_is_gone(struct kobject *kobj)
{
	put_device(to_type(kobj)->parent->dev);
}

static struct attribute *type_files[] = {
	&file_available, &file_api, &file_create, &file_description, &file_name,
	NULL,
};

static const struct attribute_group type_group = {
	.is_visible = type_file_mode,
	.attrs = type_files,
};
__ATTRIBUTE_GROUPS(type);

static const struct sysfs_ops type_file_ops = {
	.store = type_write,
	.show = type_read,
};

static const struct kobj_type type_kobj_type = {
	.default_groups = type_groups,
	.release = type_is_gone,
	.sysfs_ops = &type_file_ops,
};

/* A type that is shown; without the folder of its devices if that failed. */
static void type_hide(struct mdev_type *type)
{
	kobject_put(type->devices_kobj);
	kobject_del(&type->kobj);
	kobject_put(&type->kobj);
}

static int type_show_up(struct mdev_type *type, struct mdev_parent *parent)
{
	const char *driver = dev_driver_string(parent->dev);
	int err;

	get_device(parent->dev);
	type->parent = parent;
	kobject_init(&type->kobj, &type_kobj_type);
	type->kobj.kset = parent->mdev_types_kset;
	err = kobject_add(&type->kobj, NULL, "%s-%s", driver, type->sysfs_name);
	if (err) {
		kobject_put(&type->kobj);
		return err;
	}
	type->devices_kobj = kobject_create_and_add("devices", &type->kobj);
	if (!type->devices_kobj) {
		type_hide(type);
		return -ENOMEM;
	}
	return 0;
}

/* The first @count types, the last of them first; then their folder. */
static void types_hide(struct mdev_parent *parent, unsigned int count)
{
	while (count)
		type_hide(parent->types[--count]);
	kset_unregister(parent->mdev_types_kset);
}

/**
 * mdev_types_add - show what a parent can make
 * @parent: with its types
 *
 * Return: 0 or a negative errno, with nothing left behind.
 */
int mdev_types_add(struct mdev_parent *parent)
{
	struct kset *folder;
	unsigned int shown;
	int err;

	folder = kset_create_and_add("mdev_supported_types", NULL,
				     &parent->dev->kobj);
	if (!folder)
		return -ENOMEM;
	parent->mdev_types_kset = folder;
	for (shown = 0; shown < parent->nr_types; shown++) {
		err = type_show_up(parent->types[shown], parent);
		if (err) {
			types_hide(parent, shown);
			return err;
		}
	}
	return 0;
}

/**
 * mdev_types_remove - undo mdev_types_add()
 * @parent: without devices
 *
 * Waits for whoever is in one of the files.
 */
void mdev_types_remove(struct mdev_parent *parent)
{
	types_hide(parent, parent->nr_types);
}

/*
 * Of several writers one takes the file away and then the device; the others
 * come back, with nothing left to do, when all of that is done. From the moment
 * on when the file is taken away the device is there only for that one, and the
 * parent since its semaphore is held. A device that is still being made keeps
 * its file, for a later try.
 */
static ssize_t remove_store(struct device *dev, struct device_attribute *file,
			    const char *text, size_t len)
{
	struct mdev_parent *parent;
	unsigned long sure;

	if (kstrtoul(text, 0, &sure))
		return -EINVAL;
	if (!sure)
		return len;
	parent = mdev_removal_begin(to_mdev_device(dev));
	if (IS_ERR(parent))
		return PTR_ERR(parent);
	/* Its removal would wait for this very call. */
	if (device_remove_file_self(dev, file))
		mdev_take_down(to_mdev_device(dev));
	mdev_removal_end(parent);
	return len;
}
static DEVICE_ATTR_WO(remove);

static struct attribute *device_files[] = { &dev_attr_remove.attr, NULL };
static const struct attribute_group device_group = { .attrs = device_files };
const struct attribute_group *mdev_device_groups[] = { &device_group, NULL };

/**
 * mdev_links_add - a device and its type lead to each other
 * @mdev: added
 *
 * Return: 0 or a negative errno, with neither link left behind.
 */
int mdev_links_add(struct mdev_device *mdev)
{
	struct mdev_type *type = mdev->type;
	int err;

	err = sysfs_create_link(&mdev->dev.kobj, &type->kobj, "mdev_type");
	if (err)
		return err;
	err = sysfs_create_link(type->devices_kobj, &mdev->dev.kobj,
				dev_name(&mdev->dev));
	if (err)
		sysfs_remove_link(&mdev->dev.kobj, "mdev_type");
	return err;
}

/**
 * mdev_links_remove - undo mdev_links_add()
 * @mdev: with both links
 */
void mdev_links_remove(struct mdev_device *mdev)
{
	const char *uuid = dev_name(&mdev->dev);

	sysfs_remove_link(mdev->type->devices_kobj, uuid);
	sysfs_remove_link(&mdev->dev.kobj, "mdev_type");
}
