// SPDX-License-Identifier: GPL-2.0-only
/* vfio_virqfd.ko: Kbuild takes this file where virqfd is a module of its own. */
#include <linux/init.h>
#include <linux/module.h>

#include "virqfd.h"

static int __init virqfd_module_init(void)
{
	return vfio_virqfd_init();
}

static void __exit virqfd_module_exit(void)
{
	vfio_virqfd_exit();
}

module_init(virqfd_module_init);
module_exit(virqfd_module_exit);

MODULE_DESCRIPTION("IRQFD support for VFIO bus drivers");
MODULE_AUTHOR("The vfioscope authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("1.0");
