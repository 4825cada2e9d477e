// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files as KVM sees them.
 *
 * KVM's VFIO device holds the files of groups (and, where the kernel has it, of
 * devices) that a VM uses, asks whether their DMA is coherent, and tells which
 * VM it is. It finds these functions by name at run time, and calls them with
 * locks of its own held, also from a VM's teardown: so the link is under a
 * spinlock that nothing else is taken under.
 *
 * The first open of a device takes a reference on the VM that its group is
 * linked with, for the driver, and the last close returns it, without locks:
 * it may be the last one, and the teardown comes back here.
 */
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/kvm_host.h>
#include <linux/module.h>

#include "vfio.h"
#include "trace/vfio.h"

#if IS_ENABLED(CONFIG_KVM)
/**
 * vfio_device_link_kvm - give a device the VM that its group is linked with
 * @device: a device about to be opened first, its set's lock held
 *
 * KVM may be a module: for as long as the reference is held, one on the symbol
 * that returns it is held too. Afterwards the VM is in @device->kvm, or NULL.
 */
void vfio_device_link_kvm(struct vfio_device *device)
{
	struct vfio_group *group = device->group;
	bool (*get)(struct kvm *kvm);
	void (*put)(struct kvm *kvm);

	lockdep_assert_held(&device->dev_set->lock);

	if (!READ_ONCE(group->kvm))
		return;

	put = symbol_get(kvm_put_kvm);
	get = symbol_get(kvm_get_kvm_safe);
	if (!put || !get)
		goto out;	/* KVM has gone since then, and the link with it */

	/* Under the lock the VM cannot be unlinked, so its memory is there. */
	spin_lock(&group->kvm_ref_lock);
	if (group->kvm && get(group->kvm))
		device->kvm = group->kvm;
	spin_unlock(&group->kvm_ref_lock);
out:
	if (get)
		symbol_put(kvm_get_kvm_safe);
	if (put && !device->kvm)
		symbol_put(kvm_put_kvm);
}

/**
 * vfio_kvm_put - drop what vfio_device_link_kvm() took
 * @kvm: the VM, or NULL; no lock may be held
 */
void vfio_kvm_put(struct kvm *kvm)
{
	void (*put)(struct kvm *kvm);

	if (!kvm)
		return;
	/* Cannot fail: the reference from the link is still there. */
	put = symbol_get(kvm_put_kvm);
	put(kvm);
	symbol_put(kvm_put_kvm);
	symbol_put(kvm_put_kvm);
}
#else
void vfio_device_link_kvm(struct vfio_device *device)
{
}

void vfio_kvm_put(struct kvm *kvm)
{
}
#endif

/**
 * vfio_device_unlink_kvm - take the VM from a device that is closed
 * @device: the device, its set's lock held
 *
 * Return: the VM, for vfio_kvm_put() once all locks are dropped, or NULL.
 */
struct kvm *vfio_device_unlink_kvm(struct vfio_device *device)
{
	struct kvm *kvm = device->kvm;

	lockdep_assert_held(&device->dev_set->lock);

	device->kvm = NULL;
	return kvm;
}

/**
 * vfio_file_iommu_group - the IOMMU group of a group's file
 * @file: the file
 *
 * Only KVM of the SPAPR kind asks, so others get none.
 *
 * Return: the IOMMU group with a reference, or NULL.
 */
struct iommu_group *vfio_file_iommu_group(struct file *file)
{
	struct vfio_group *group = vfio_group_from_file(file);
	struct iommu_group *iommu_group;

	if (!IS_ENABLED(CONFIG_SPAPR_TCE_IOMMU) || !group)
		return NULL;

	if (mutex_lock_killable(&group->group_lock))
		return NULL;
	iommu_group = group->iommu_group;
	if (iommu_group)
		iommu_group_ref_get(iommu_group);
	mutex_unlock(&group->group_lock);
	return iommu_group;
}
EXPORT_SYMBOL_GPL(vfio_file_iommu_group);

/**
 * vfio_file_is_group - whether a file is a group's
 * @file: any file
 */
bool vfio_file_is_group(struct file *file)
{
	return vfio_group_from_file(file);
}
EXPORT_SYMBOL_GPL(vfio_file_is_group);

static bool devices_enforce_coherency(struct vfio_group *group)
{
	struct vfio_device *device;
	bool ret = true;

	if (mutex_lock_killable(&group->device_lock))
		return false;
	list_for_each_entry(device, &group->device_list, group_next)
		if (!vfio_compat_enforces_coherency(device->dev)) {
			ret = false;
			break;
		}
	mutex_unlock(&group->device_lock);
	return ret;
}

/*
 * Without a container user space has not shown yet that it may do DMA, and gets
 * no right that only DMA would justify.
 */
static bool container_enforces_coherency(struct vfio_group *group)
{
	bool ret = true;

	if (mutex_lock_killable(&group->group_lock))
		return false;
	if (group->container)
		ret = vfio_container_check_extension(group->container,
						     VFIO_DMA_CC_IOMMU) > 0;
	mutex_unlock(&group->group_lock);
	return ret;
}

static bool group_enforces_coherency(struct vfio_group *group)
{
	return VFIO_DEVICES_KNOW_COHERENCY ? devices_enforce_coherency(group) :
					     container_enforces_coherency(group);
}

/**
 * vfio_file_enforced_coherent - whether DMA cannot bypass the CPU's caches
 * @file: a group's or a device's file
 *
 * If false, a VM that uses the file gets instructions such as wbinvd.
 *
 * Return: as said; true for files of others; false for a caller who was killed
 * while it waited, and whose VM will not run again.
 */
bool vfio_file_enforced_coherent(struct file *file)
{
	struct vfio_group *group = vfio_group_from_file(file);
	struct vfio_device_file *df = vfio_device_file_from(file);

	if (group)
		return group_enforces_coherency(group);
	if (df)
		return vfio_compat_enforces_coherency(df->device->dev);
	return true;
}
EXPORT_SYMBOL_GPL(vfio_file_enforced_coherent);

static void group_set_kvm(struct vfio_group *group, struct kvm *kvm)
{
	struct kvm *before;

	spin_lock(&group->kvm_ref_lock);
	before = group->kvm;
	WRITE_ONCE(group->kvm, kvm);
	spin_unlock(&group->kvm_ref_lock);

	trace_vfio_group_set_kvm(group->id, kvm ?: before, kvm);
}

/**
 * vfio_file_set_kvm - link a file with a VM
 * @file: a group's file; others are ignored, a device's too: it was opened
 *	through its group, whose VM it has
 * @kvm: the VM, or NULL to unlink, which must be done before the VM is gone
 *
 * A device that is first opened afterwards has the VM in its kvm.
 */
void vfio_file_set_kvm(struct file *file, struct kvm *kvm)
{
	struct vfio_group *group = vfio_group_from_file(file);

	if (group)
		group_set_kvm(group, kvm);
}
EXPORT_SYMBOL_GPL(vfio_file_set_kvm);

/**
 * vfio_file_has_dev - whether a group's file speaks for a device
 * @file: any file
 * @device: a device held by the caller
 */
bool vfio_file_has_dev(struct file *file, struct vfio_device *device)
{
	struct vfio_group *group = vfio_group_from_file(file);

	/* Of a device that has left its group: NULL. */
	return group && group == READ_ONCE(device->group);
}
EXPORT_SYMBOL_GPL(vfio_file_has_dev);
