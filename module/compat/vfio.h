/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where kernels differ for vfio.ko: each difference becomes one name here, so
 * that the sources read the same for all of them.
 */
#ifndef _VFIO_COMPAT_VFIO_H
#define _VFIO_COMPAT_VFIO_H

#include <linux/device.h>
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/module.h>
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

/* The first kernels with the new migration protocol had six of its states. */
#ifdef HAVE_VFIO_PRE_COPY
#define VFIO_MIG_STATES		(VFIO_DEVICE_STATE_PRE_COPY_P2P + 1)
#else
#define VFIO_MIG_STATES		(VFIO_DEVICE_STATE_RUNNING_P2P + 1)
#define VFIO_DEVICE_STATE_PRE_COPY	6
#define VFIO_DEVICE_STATE_PRE_COPY_P2P	7
#define VFIO_MIGRATION_PRE_COPY		(1 << 2)
#endif

/* Alignment of an entry of a capability chain. */
#ifdef HAVE_VFIO_ALIGNED_CAPS
#define VFIO_CAP_ALIGN		sizeof(u64)
#else
#define VFIO_CAP_ALIGN		1
#endif

/* Backends of kernels without put_kvm want to know of a container's close. */
#ifndef HAVE_VFIO_DEVICE_PUT_KVM
#define HAVE_VFIO_BACKEND_NOTIFY	1
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

#endif /* _VFIO_COMPAT_VFIO_H */
