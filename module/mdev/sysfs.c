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
 */
#include <linux/kobject.h>
#include <linux/mdev.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/uuid.h>

#include "mdev.h"

struct mdev_type_attribute {
	struct attribute attr;
	ssize_t (*show)(struct mdev_type *type, char *buf);
	ssize_t (*store)(struct mdev_type *type, const char *buf, size_t count);
};

static struct mdev_type *mdev_type_of(struct kobject *kobj)
{
	return container_of(kobj, struct mdev_type, kobj);
}

static struct mdev_type_attribute *attribute_of(struct attribute *attr)
{
	return container_of(attr, struct mdev_type_attribute, attr);
}

/* A UUID, with or without a newline. */
static ssize_t create_store(struct mdev_type *type, const char *buf,
			    size_t count)
{
	char text[UUID_STRING_LEN + 1];
	guid_t uuid;
	int ret;

	if (count != UUID_STRING_LEN && count != UUID_STRING_LEN + 1)
		return -EINVAL;
	memcpy(text, buf, UUID_STRING_LEN);
	text[UUID_STRING_LEN] = '\0';
	ret = guid_parse(text, &uuid);
	if (!ret)
		ret = mdev_create(type, &uuid);
	return ret ?: count;
}

static ssize_t name_show(struct mdev_type *type, char *buf)
{
	return sysfs_emit(buf, "%s\n", type->pretty_name ?: type->sysfs_name);
}

static ssize_t description_show(struct mdev_type *type, char *buf)
{
	return type->parent->mdev_driver->show_description(type, buf);
}

static ssize_t device_api_show(struct mdev_type *type, char *buf)
{
	return sysfs_emit(buf, "%s\n", type->parent->mdev_driver->device_api);
}

static ssize_t available_instances_show(struct mdev_type *type, char *buf)
{
	return sysfs_emit(buf, "%u\n", mdev_available(type));
}

static struct mdev_type_attribute type_create = __ATTR_WO(create);
static struct mdev_type_attribute type_name = __ATTR_RO(name);
static struct mdev_type_attribute type_description = __ATTR_RO(description);
static struct mdev_type_attribute type_device_api = __ATTR_RO(device_api);
static struct mdev_type_attribute type_available = __ATTR_RO(available_instances);

static struct attribute *mdev_type_attrs[] = {
	&type_create.attr,
	&type_name.attr,
	&type_description.attr,
	&type_device_api.attr,
	&type_available.attr,
	NULL,
};

static umode_t mdev_type_is_visible(struct kobject *kobj,
				    struct attribute *attr, int n)
{
	struct mdev_driver *driver = mdev_type_of(kobj)->parent->mdev_driver;

	if (attr == &type_description.attr && !driver->show_description)
		return 0;
	return attr->mode;
}

static const struct attribute_group mdev_type_group = {
	.attrs = mdev_type_attrs,
	.is_visible = mdev_type_is_visible,
};
__ATTRIBUTE_GROUPS(mdev_type);

static ssize_t mdev_type_show(struct kobject *kobj, struct attribute *attr,
			      char *buf)
{
	struct mdev_type_attribute *a = attribute_of(attr);

	return a->show ? a->show(mdev_type_of(kobj), buf) : -EIO;
}

static ssize_t mdev_type_store(struct kobject *kobj, struct attribute *attr,
			       const char *buf, size_t count)
{
	struct mdev_type_attribute *a = attribute_of(attr);

	return a->store ? a->store(mdev_type_of(kobj), buf, count) : -EIO;
}

static const struct sysfs_ops mdev_type_ops = {
	.show = mdev_type_show,
	.store = mdev_type_store,
};

static void mdev_type_release(struct kobject *kobj)
{
	put_device(mdev_type_of(kobj)->parent->dev);
}

static const struct kobj_type mdev_type_ktype = {
	.sysfs_ops = &mdev_type_ops,
	.release = mdev_type_release,
	.default_groups = mdev_type_groups,
};

static int mdev_type_add(struct mdev_parent *parent, struct mdev_type *type)
{
	int ret;

	type->parent = parent;
	type->kobj.kset = parent->mdev_types_kset;
	get_device(parent->dev);
	ret = kobject_init_and_add(&type->kobj, &mdev_type_ktype, NULL, "%s-%s",
				   dev_driver_string(parent->dev),
				   type->sysfs_name);
	if (ret)
		goto err_put;
	type->devices_kobj = kobject_create_and_add("devices", &type->kobj);
	if (!type->devices_kobj) {
		ret = -ENOMEM;
		goto err_del;
	}
	return 0;

err_del:
	kobject_del(&type->kobj);
err_put:
	kobject_put(&type->kobj);
	return ret;
}

static void mdev_type_remove(struct mdev_type *type)
{
	kobject_put(type->devices_kobj);
	kobject_del(&type->kobj);
	kobject_put(&type->kobj);
}

/**
 * mdev_types_add - the parent's folder of types
 * @parent: with its types
 *
 * Return: 0 or a negative errno, with nothing left behind.
 */
int mdev_types_add(struct mdev_parent *parent)
{
	unsigned int i;
	int ret = 0;

	parent->mdev_types_kset = kset_create_and_add("mdev_supported_types",
						      NULL, &parent->dev->kobj);
	if (!parent->mdev_types_kset)
		return -ENOMEM;
	for (i = 0; i < parent->nr_types; i++) {
		ret = mdev_type_add(parent, parent->types[i]);
		if (ret)
			break;
	}
	if (!ret)
		return 0;
	while (i-- > 0)
		mdev_type_remove(parent->types[i]);
	kset_unregister(parent->mdev_types_kset);
	return ret;
}

/**
 * mdev_types_remove - away with it
 * @parent: without devices
 *
 * Waits for whoever is in one of its files.
 */
void mdev_types_remove(struct mdev_parent *parent)
{
	unsigned int i;

	for (i = 0; i < parent->nr_types; i++)
		mdev_type_remove(parent->types[i]);
	kset_unregister(parent->mdev_types_kset);
}

/* First who removes it is settled: the file must stay for a later try if it is
 * not this one.
 */
static ssize_t remove_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	struct mdev_device *mdev = to_mdev_device(dev);
	unsigned long value;
	int ret;

	ret = kstrtoul(buf, 0, &value);
	if (ret)
		return -EINVAL;
	if (!value)
		return count;
	ret = mdev_retire(mdev);
	if (ret)
		return ret;
	/* Its removal would wait for this very call. */
	if (!device_remove_file_self(dev, attr))
		return -ENODEV;
	ret = mdev_remove(mdev);
	return ret ?: count;
}
static DEVICE_ATTR_WO(remove);

static struct attribute *mdev_device_attrs[] = {
	&dev_attr_remove.attr,
	NULL,
};

static const struct attribute_group mdev_device_group = {
	.attrs = mdev_device_attrs,
};

const struct attribute_group *mdev_device_groups[] = {
	&mdev_device_group,
	NULL,
};

/**
 * mdev_links_add - a device and its type lead to each other
 * @mdev: added
 *
 * Return: 0 or a negative errno, with neither link left behind.
 */
int mdev_links_add(struct mdev_device *mdev)
{
	struct kobject *devices = mdev->type->devices_kobj;
	struct kobject *kobj = &mdev->dev.kobj;
	int ret;

	ret = sysfs_create_link(devices, kobj, dev_name(&mdev->dev));
	if (ret)
		return ret;
	ret = sysfs_create_link(kobj, &mdev->type->kobj, "mdev_type");
	if (ret)
		sysfs_remove_link(devices, dev_name(&mdev->dev));
	return ret;
}

/**
 * mdev_links_remove - no more
 * @mdev: with both links
 */
void mdev_links_remove(struct mdev_device *mdev)
{
	sysfs_remove_link(&mdev->dev.kobj, "mdev_type");
	sysfs_remove_link(mdev->type->devices_kobj, dev_name(&mdev->dev));
}
