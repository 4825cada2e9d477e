// SPDX-License-Identifier: GPL-2.0-only
/*
 * External users: code in the kernel that holds a group on a user's behalf.
 *
 * An external user counts thrice: as a reference on the group, as a user of its
 * attachment, and in external_users, which tells the others apart from open
 * devices: the group's file then leaves the attachment alone when it is closed,
 * and removal of the group waits. See vfio_external.h for the contract.
 */
#include <linux/fs.h>
#include <linux/module.h>

#include "vfio.h"
#include "vfio_external.h"
#include "trace/vfio.h"

static struct vfio_group *get_user_of(struct vfio_group *group,
				      unsigned long caller)
{
	struct vfio_container *container;
	unsigned int users;

	lockdep_assert_held(&group->group_lock);

	/*
	 * Ready is: not being removed, and in a container, which took
	 * viability, with a backend.
	 */
	container = group->container;
	if (!refcount_read(&group->drivers) || !container ||
	    !READ_ONCE(container->iommu_driver)) {
		trace_vfio_external_user_get(group->id,
					     container ? container->id : 0,
					     group->container_users, -EINVAL,
					     caller);
		return ERR_PTR(-EINVAL);
	}

	vfio_group_get(group, VFIO_GROUP_REF_EXTERNAL);
	users = vfio_container_user_get(group, VFIO_CONTAINER_USER_EXTERNAL);
	group->external_users++;
	trace_vfio_external_user_get(group->id, container->id, users, 0,
				     caller);
	return group;
}

/**
 * vfio_group_get_external_user - hold a group as it is
 * @file: a file that user space passed, held by the caller during the call
 *
 * Verifies that the file is a VFIO group's, and that the group is viable and in
 * a container with an IOMMU driver. May be called again for another hold; each
 * is dropped by vfio_group_put_external_user(). May sleep.
 *
 * Return: the group, ERR_PTR(-EINVAL) if it is none or not ready, or
 * ERR_PTR(-EINTR) if the caller was killed while it waited.
 */
struct vfio_group *vfio_group_get_external_user(struct file *file)
{
	struct vfio_group *group = vfio_group_from_file(file);
	struct vfio_group *ret;

	if (!group) {
		trace_vfio_external_user_get(-1, 0, 0, -EINVAL, _RET_IP_);
		return ERR_PTR(-EINVAL);
	}

	if (mutex_lock_killable(&group->group_lock)) {
		trace_vfio_external_user_get(group->id, 0, 0, -EINTR, _RET_IP_);
		return ERR_PTR(-EINTR);
	}
	ret = get_user_of(group, _RET_IP_);
	mutex_unlock(&group->group_lock);
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_group_get_external_user);

/**
 * vfio_group_put_external_user - give a group back
 * @group: what vfio_group_get_external_user() returned
 *
 * The last external user of a group that user space has closed detaches it
 * from its container. May sleep.
 */
void vfio_group_put_external_user(struct vfio_group *group)
{
	unsigned int users;

	mutex_lock(&group->group_lock);
	if (WARN_ON(!group->external_users)) {
		mutex_unlock(&group->group_lock);
		return;
	}
	users = vfio_container_user_put(group, VFIO_CONTAINER_USER_EXTERNAL);
	trace_vfio_external_user_put(group->id, group->container->id, users, 0,
				     _RET_IP_);

	WRITE_ONCE(group->external_users, group->external_users - 1);
	if (!group->external_users) {
		if (!group->opened_file)
			vfio_group_detach_container(group);
		wake_up_all(&group->external_gone);
	}
	mutex_unlock(&group->group_lock);

	vfio_group_put(group, VFIO_GROUP_REF_EXTERNAL);
}
EXPORT_SYMBOL_GPL(vfio_group_put_external_user);

/**
 * vfio_external_user_iommu_id - number of the IOMMU group
 * @group: what vfio_group_get_external_user() returned
 *
 * Return: the number, as in /dev/vfio/N.
 */
int vfio_external_user_iommu_id(struct vfio_group *group)
{
	return group->id;
}
EXPORT_SYMBOL_GPL(vfio_external_user_iommu_id);
