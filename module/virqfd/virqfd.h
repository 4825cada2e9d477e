/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module calls that virqfd is a part of; its API is <linux/vfio.h>. */
#ifndef _VFIO_VIRQFD_H
#define _VFIO_VIRQFD_H

int vfio_virqfd_init(void);
void vfio_virqfd_exit(void);

#endif /* _VFIO_VIRQFD_H */
