/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where virqfd is: e2d55709398e vfio: Fold vfio_virqfd.ko into vfio.ko (6.3).
 *
 * Apart, it is a module of its own: its init and exit are nobody else's, and
 * VFIO_VIRQFD_MODULE() makes them the module's. As a part of vfio.ko they are
 * called by vfio.ko's, through vfio_compat_virqfd_*().
 */
#ifndef _VFIO_COMPAT_VIRQFD_H
#define _VFIO_COMPAT_VIRQFD_H

#include <linux/module.h>

#include "features.h"

#ifdef HAVE_VFIO_VIRQFD_APART
#define VFIO_VIRQFD_SCOPE	static
#define VFIO_VIRQFD_MODULE()						\
	module_init(vfio_virqfd_init);					\
	module_exit(vfio_virqfd_exit);					\
	MODULE_VERSION("1.0");						\
	MODULE_LICENSE("GPL");						\
	MODULE_AUTHOR("The vfioscope authors");				\
	MODULE_DESCRIPTION("IRQFD support for VFIO bus drivers")

static inline int vfio_compat_virqfd_init(void)
{
	return 0;
}

static inline void vfio_compat_virqfd_exit(void)
{
}
#else
#define VFIO_VIRQFD_SCOPE
#define VFIO_VIRQFD_MODULE()

int vfio_virqfd_init(void);
void vfio_virqfd_exit(void);

static inline int vfio_compat_virqfd_init(void)
{
	return vfio_virqfd_init();
}

static inline void vfio_compat_virqfd_exit(void)
{
	vfio_virqfd_exit();
}
#endif

#endif /* _VFIO_COMPAT_VIRQFD_H */
