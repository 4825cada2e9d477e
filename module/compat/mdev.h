/* SPDX-License-Identifier: GPL-2.0-only */
/* Where kernels differ for mdev.ko. */
#ifndef _VFIO_COMPAT_MDEV_H
#define _VFIO_COMPAT_MDEV_H

#include <linux/device.h>

#include "features.h"

#ifdef HAVE_BUS_CONST
typedef const struct bus_type mdev_bus_t;
typedef const struct device_driver mdev_match_driver_t;
#else
typedef struct bus_type mdev_bus_t;
typedef struct device_driver mdev_match_driver_t;
#endif

#endif /* _VFIO_COMPAT_MDEV_H */
