/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether virqfd is a part of vfio.ko: e2d55709398e vfio: Fold vfio_virqfd.ko
 * into vfio.ko (6.3). Kbuild links it accordingly.
 */
#ifndef _VFIO_COMPAT_VIRQFD_H
#define _VFIO_COMPAT_VIRQFD_H

#include "features.h"
#include "virqfd/virqfd.h"

#ifdef HAVE_VFIO_VIRQFD_APART
static __always_inline int vfio_compat_virqfd_init(void)
{
	return 0;
}

static __always_inline void vfio_compat_virqfd_exit(void)
{
}
#else
static __always_inline int vfio_compat_virqfd_init(void)
{
	return vfio_virqfd_init();
}

static __always_inline void vfio_compat_virqfd_exit(void)
{
	vfio_virqfd_exit();
}
#endif

#endif /* _VFIO_COMPAT_VIRQFD_H */
