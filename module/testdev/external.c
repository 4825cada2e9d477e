// SPDX-License-Identifier: GPL-2.0-only
/*
 * An external user of vfio groups.
 *
 * Does what code in the kernel does that works on a user's group: takes it by
 * the file descriptor that the user passed, asks its id, holds it, puts it. The
 * calls are looked up by name, so that this module also loads beside a vfio.ko
 * that has no external users. What it holds it also finds by a fd, and can refuse
 * to hold twice, as KVM's VFIO device did with its list. The other way to hold a
 * group, by its file, is KVM's own; only its questions are asked here.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "compat/vfio.h"
#include "testdev.h"
#include "vfio/vfio_external.h"

/**
 * struct testdev_held - a group that is held
 * @list: in struct testdev_file, guarded by its @lock
 * @group: what vfio_group_get_external_user() gave
 * @slot: its name for user space
 */
struct testdev_held {
	struct list_head	list;
	struct vfio_group	*group;
	u32			slot;
};

/* Takes the group behind @filp, and a reference on vfio.ko by the symbol. */
static struct vfio_group *group_get(struct file *filp, int *id)
{
	typeof(&vfio_group_get_external_user) get;
	typeof(&vfio_external_user_iommu_id) iommu_id;
	struct vfio_group *group = ERR_PTR(-EOPNOTSUPP);

	get = symbol_get(vfio_group_get_external_user);
	if (!get)
		return group;
	iommu_id = symbol_get(vfio_external_user_iommu_id);
	if (iommu_id) {
		group = get(filp);
		if (!IS_ERR(group))
			*id = iommu_id(group);
		symbol_put(vfio_external_user_iommu_id);
	}
	symbol_put(vfio_group_get_external_user);
	return group;
}

static void group_put(struct vfio_group *group)
{
	typeof(&vfio_group_put_external_user) put;

	put = symbol_get(vfio_group_put_external_user);
	if (WARN_ON(!put))
		return;
	put(group);
	symbol_put(vfio_group_put_external_user);
}

/* The same by a fd. */
static struct vfio_group *group_get_fd(int fd, int *id)
{
	struct vfio_group *group;
	struct file *filp;

	filp = fget(fd);
	if (!filp)
		return ERR_PTR(-EBADF);
	group = group_get(filp, id);
	fput(filp);
	return group;
}

static struct testdev_held *find_held(struct testdev_file *file,
				      struct vfio_group *group)
{
	struct testdev_held *held;

	lockdep_assert_held(&file->lock);
	list_for_each_entry(held, &file->held, list)
		if (held->group == group)
			return held;
	return NULL;
}

/**
 * testdev_external_get - takes a group
 * @file: who holds it from now on
 * @args: the group's fd and flags in, its id and slot out
 *
 * Return: 0, -EBADF for no fd at all, -EOPNOTSUPP without external users,
 * -EEXIST if it is to be held once and is held, or what the core said.
 */
int testdev_external_get(struct testdev_file *file,
			 struct vfio_testdev_external *args)
{
	struct testdev_held *held;
	int ret = 0;

	if (args->flags & ~VFIO_TESTDEV_EXTERNAL_ONCE)
		return -EINVAL;
	held = kzalloc(sizeof(*held), GFP_KERNEL);
	if (!held)
		return -ENOMEM;
	held->group = group_get_fd(args->fd, &args->iommu_id);
	if (IS_ERR(held->group)) {
		ret = PTR_ERR(held->group);
		kfree(held);
		return ret;
	}

	mutex_lock(&file->lock);
	if ((args->flags & VFIO_TESTDEV_EXTERNAL_ONCE) &&
	    find_held(file, held->group)) {
		ret = -EEXIST;
	} else {
		held->slot = file->next_slot++;
		args->slot = held->slot;
		list_add(&held->list, &file->held);
	}
	mutex_unlock(&file->lock);
	if (ret) {
		group_put(held->group);
		kfree(held);
	}
	return ret;
}

/**
 * testdev_external_find - which slot holds a group
 * @file: who holds it
 * @args: the group's fd in, its id and slot out
 *
 * Groups are compared while both are held, for the time of which the group has
 * one user more.
 *
 * Return: 0, -ENOENT if it is not held, else as testdev_external_get().
 */
int testdev_external_find(struct testdev_file *file,
			  struct vfio_testdev_external *args)
{
	struct vfio_group *group = group_get_fd(args->fd, &args->iommu_id);
	struct testdev_held *held;

	if (IS_ERR(group))
		return PTR_ERR(group);
	mutex_lock(&file->lock);
	held = find_held(file, group);
	if (held)
		args->slot = held->slot;
	mutex_unlock(&file->lock);
	group_put(group);
	return held ? 0 : -ENOENT;
}

/**
 * testdev_external_put - puts a group
 * @file: who holds it
 * @slot: as testdev_external_get() gave it
 *
 * Return: 0 or -ENOENT.
 */
int testdev_external_put(struct testdev_file *file, u32 slot)
{
	struct testdev_held *held, *found = NULL;

	mutex_lock(&file->lock);
	list_for_each_entry(held, &file->held, list) {
		if (held->slot == slot) {
			list_del(&held->list);
			found = held;
			break;
		}
	}
	mutex_unlock(&file->lock);
	if (!found)
		return -ENOENT;
	group_put(found->group);
	kfree(found);
	return 0;
}

/**
 * testdev_external_put_all - puts every group that a file holds
 * @file: about to go, so nobody else has it
 */
void testdev_external_put_all(struct testdev_file *file)
{
	struct testdev_held *held, *next;

	list_for_each_entry_safe(held, next, &file->held, list) {
		list_del(&held->list);
		group_put(held->group);
		kfree(held);
	}
}

/**
 * testdev_file_info - what the core says of a file, as KVM asks it
 * @args: a fd and perhaps a device's name in, VFIO_TESTDEV_FILE_* out
 *
 * Return: 0, -EBADF, or -ENOENT for a device that does not exist.
 */
int testdev_file_info(struct vfio_testdev_file *args)
{
	struct testdev *td = NULL;
	struct file *filp;

	filp = fget(args->fd);
	if (!filp)
		return -EBADF;
	if (args->name[0]) {
		td = testdev_get(args->name);
		if (!td) {
			fput(filp);
			return -ENOENT;
		}
	}
	args->flags = 0;
	if (vfio_file_is_group(filp))
		args->flags |= VFIO_TESTDEV_FILE_GROUP;
	if (vfio_file_enforced_coherent(filp))
		args->flags |= VFIO_TESTDEV_FILE_COHERENT;
	if (vfio_compat_file_is_valid(filp))
		args->flags |= VFIO_TESTDEV_FILE_VALID;
	if (td) {
		if (vfio_file_has_dev(filp, &td->vdev))
			args->flags |= VFIO_TESTDEV_FILE_HAS_DEV;
		testdev_put(td);
	}
	fput(filp);
	return 0;
}
