/* SPDX-License-Identifier: GPL-2.0-only */
/* Where kernels differ for mdev.ko. */
#ifndef _VFIO_COMPAT_MDEV_H
#define _VFIO_COMPAT_MDEV_H

#include <linux/device.h>

#include "features.h"

/* As a device points to its bus: const since a kernel could register one. */
#define MDEV_BUS_TYPE	typeof(*((struct device *)NULL)->bus)

#ifdef HAVE_BUS_MATCH_CONST
#define MDEV_MATCH_DRIVER	const struct device_driver
#else
#define MDEV_MATCH_DRIVER	struct device_driver
#endif

#endif /* _VFIO_COMPAT_MDEV_H */
