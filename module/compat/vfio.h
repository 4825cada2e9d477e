/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where kernels differ for vfio.ko and for the modules that test it: each
 * difference becomes one name here, so that the sources read the same for all
 * of them.
 */
#ifndef _VFIO_COMPAT_VFIO_H
#define _VFIO_COMPAT_VFIO_H

#include <linux/device.h>
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/rbtree.h>
#include <linux/stddef.h>
#include <linux/vfio.h>
#include <uapi/linux/vfio.h>

#include "features.h"

#ifndef HAVE_FD_FILE
#define fd_file(f)	((f).file)
#endif

#ifdef HAVE_CLASS_CREATE_ONE_ARG
#define vfio_class_create(name)	class_create(name)
#else
#define vfio_class_create(name)	class_create(THIS_MODULE, name)
#endif

#ifdef HAVE_CLASS_DEVNODE_CONST
#define VFIO_DEVNODE_CONST	const
#else
#define VFIO_DEVNODE_CONST
#endif

/*
 * A kernel that knows iommufd looks for one behind an fd that is no container,
 * and says so with another errno when it is neither.
 */
#ifdef HAVE_IOMMUFD
#define VFIO_NO_CONTAINER_ERRNO	EBADFD
#define VFIO_IMPORT_NS()	MODULE_IMPORT_NS(IOMMUFD)
#else
#define VFIO_NO_CONTAINER_ERRNO	EINVAL
#define VFIO_IMPORT_NS()
#endif

/*
 * a4d1f91db502 vfio-iommufd: Support iommufd for physical VFIO devices (6.2):
 * since then a backend hears of a device before the driver's open_device().
 * Drivers of kernels before count on the opposite: open_device() prepares what
 * their dma_unmap() needs.
 */
#ifdef HAVE_VFIO_BIND_IOMMUFD
#define VFIO_BACKEND_HEARS_FIRST	true
#else
#define VFIO_BACKEND_HEARS_FIRST	false
#endif

/*
 * 5fcc26969a16 vfio: Add VFIO_DEVICE_BIND_IOMMUFD (6.6): the ioctl is the core's
 * since then, and none of a device that was opened through its group.
 */
static inline bool vfio_compat_is_bind_iommufd(unsigned int cmd)
{
#ifdef VFIO_DEVICE_BIND_IOMMUFD
	return cmd == VFIO_DEVICE_BIND_IOMMUFD;
#else
	return false;
#endif
}

/* The first kernels with the new migration protocol had six of its states. */
#ifdef HAVE_VFIO_PRE_COPY
#define VFIO_KNOWS_PRE_COPY	true
#define VFIO_MIG_STATES		(VFIO_DEVICE_STATE_PRE_COPY_P2P + 1)
#else
#define VFIO_KNOWS_PRE_COPY	false
#define VFIO_MIG_STATES		(VFIO_DEVICE_STATE_RUNNING_P2P + 1)
#define VFIO_DEVICE_STATE_PRE_COPY	6
#define VFIO_DEVICE_STATE_PRE_COPY_P2P	7
#define VFIO_MIGRATION_PRE_COPY		(1 << 2)
#define VFIO_MIG_GET_PRECOPY_INFO	_IO(VFIO_TYPE, VFIO_BASE + 21)
struct vfio_precopy_info {
	__u32		argsz;
	__u32		flags;
	__aligned_u64	initial_bytes;
	__aligned_u64	dirty_bytes;
};
#endif

/* A feature that a kernel does not know belongs to the driver. */
#ifdef HAVE_VFIO_MIG_DATA_SIZE
#define VFIO_KNOWS_MIG_DATA_SIZE	true
#define VFIO_COMPAT_MIG_DATA_SIZE_OP(fn)	.migration_get_data_size = (fn),
#else
#define VFIO_KNOWS_MIG_DATA_SIZE	false
#define VFIO_COMPAT_MIG_DATA_SIZE_OP(fn)
#define VFIO_DEVICE_FEATURE_MIG_DATA_SIZE	9
struct vfio_device_feature_mig_data_size {
	__aligned_u64	stop_copy_length;
};
#endif

static inline int vfio_compat_mig_data_size(struct vfio_device *device,
					    unsigned long *stop_copy)
{
#ifdef HAVE_VFIO_MIG_DATA_SIZE
	return device->mig_ops->migration_get_data_size(device, stop_copy);
#else
	return -ENOTTY;
#endif
}

/* Alignment of an entry of a capability chain. */
#ifdef HAVE_VFIO_ALIGNED_CAPS
#define VFIO_CAP_ALIGN		sizeof(u64)
#else
#define VFIO_CAP_ALIGN		1
#endif

/* How much of GET_INFO's fixed part this kernel's user space expects back. */
static inline size_t vfio_compat_iommu_info_size(u32 argsz)
{
#ifdef HAVE_VFIO_ALIGNED_CAPS
	return min_t(size_t, argsz, sizeof(struct vfio_iommu_type1_info));
#else
	const size_t with_caps = offsetofend(struct vfio_iommu_type1_info,
					     cap_offset);

	return argsz >= with_caps ? with_caps :
	       offsetofend(struct vfio_iommu_type1_info, iova_pgsizes);
#endif
}

/* Backends of kernels without put_kvm want to know of a container's close. */
#ifdef HAVE_VFIO_DEVICE_PUT_KVM
#define VFIO_BACKEND_HEARS_CLOSE	false
#else
#define VFIO_BACKEND_HEARS_CLOSE	true
#endif

/*
 * Where the driver frees the device, in its release callback, and where the
 * core does.
 */
#ifdef HAVE_VFIO_INIT_DEVICE
#define VFIO_CORE_FREES_DEVICE	false
#else
#define VFIO_CORE_FREES_DEVICE	true
#endif

static inline void vfio_compat_driver_frees(struct vfio_device *device)
{
#ifdef HAVE_VFIO_INIT_DEVICE
	vfio_free_device(device);
#endif
}

/*
 * Whether a device's DMA cannot bypass the CPU's caches. Known from the devices
 * since a kernel can ask them: with the capability, no domain is without it.
 * Before, it is the container that knows.
 */
#ifdef HAVE_IOMMU_CAP_ENFORCE_CACHE_COHERENCY
#define VFIO_DEVICES_KNOW_COHERENCY	true
#else
#define VFIO_DEVICES_KNOW_COHERENCY	false
#endif

static inline bool vfio_compat_enforces_coherency(struct device *dev)
{
#ifdef HAVE_IOMMU_CAP_ENFORCE_CACHE_COHERENCY
	return device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY);
#else
	return true;
#endif
}

/* Whether KVM may hold a file; a kernel that does not ask has no answer. */
static inline bool vfio_compat_file_is_valid(struct file *file)
{
#ifdef HAVE_VFIO_FILE_IS_VALID
	return vfio_file_is_valid(file);
#else
	return false;
#endif
}

/* Merges ranges where the kernel offers it; returns how many there are then. */
static inline u32 vfio_compat_combine_ranges(struct rb_root_cached *ranges,
					     u32 count, u32 limit)
{
#ifdef HAVE_VFIO_COMBINE_IOVA_RANGES
	vfio_combine_iova_ranges(ranges, count, limit);
	return min(count, limit);
#else
	return count;
#endif
}

/*
 * b7c5e64fecfa vfio: Create vfio_fs_type with inode per device (6.10). Kbuild
 * leaves vfio/inode.c out where devices have none.
 */
#ifdef HAVE_VFIO_DEVICE_INODE
int vfio_device_get_inode(struct vfio_device *device);
void vfio_device_put_inode(struct vfio_device *device);
void vfio_device_file_set_mapping(struct file *file, struct vfio_device *device);
#else
static inline int vfio_device_get_inode(struct vfio_device *device)
{
	return 0;
}

static inline void vfio_device_put_inode(struct vfio_device *device)
{
}

static inline void vfio_device_file_set_mapping(struct file *file,
						struct vfio_device *device)
{
}
#endif

#endif /* _VFIO_COMPAT_VFIO_H */
