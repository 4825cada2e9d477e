/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The external user API of vfio.ko: for code in the kernel that works on behalf
 * of a user of VFIO and needs a group to stay as it is meanwhile. The first such
 * user was KVM on PPC64, which handles the guest's TCE hypercalls itself.
 *
 * 1. User space opens a container, attaches groups and sets an IOMMU driver.
 *    From then on the groups are ready for external users.
 * 2. User space passes a group's fd to the external user, which looks up the
 *    file and calls vfio_group_get_external_user() with it. From then on the
 *    attachment of the group to its container, the container, its IOMMU driver
 *    and all mappings stay, even if user space closes every fd.
 * 3. vfio_external_user_iommu_id() gives the IOMMU group's number (KVM on PPC64
 *    links a LIOBN with it).
 * 4. vfio_group_put_external_user() gives the group back. If user space has
 *    closed the group by then, the last external user's put detaches it from the
 *    container, and with the last group all is released.
 *
 * While an external user has a group:
 * - VFIO_GROUP_UNSET_CONTAINER says -EBUSY;
 * - a group that user space has closed cannot be opened: -EBUSY;
 * - removing the group's last device from its driver waits for the put.
 *
 * All calls may sleep. KVM of today holds the group's file instead and speaks
 * through vfio_file_*() of <linux/vfio.h>; both ways may be used on one group.
 */
#ifndef _VFIO_EXTERNAL_H
#define _VFIO_EXTERNAL_H

struct file;
struct vfio_group;

struct vfio_group *vfio_group_get_external_user(struct file *file);
void vfio_group_put_external_user(struct vfio_group *group);
int vfio_external_user_iommu_id(struct vfio_group *group);

#endif /* _VFIO_EXTERNAL_H */
