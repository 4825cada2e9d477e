/* SPDX-License-Identifier: GPL-2.0-only */
/* What vfio.ko calls where virqfd is a part of it; its API is <linux/vfio.h>. */
#ifndef _VFIO_VIRQFD_H
#define _VFIO_VIRQFD_H

#include "compat/features.h"

#ifdef HAVE_VFIO_VIRQFD_APART
static inline int vfio_virqfd_init(void)
{
	return 0;
}

static inline void vfio_virqfd_exit(void)
{
}
#else
int vfio_virqfd_init(void);
void vfio_virqfd_exit(void);
#endif

#endif /* _VFIO_VIRQFD_H */
