// SPDX-License-Identifier: GPL-2.0-only
/* Which drivers devices have, and what that means for their group. */
#include <string.h>

#include "drivers.h"
#include "sysfs.h"

#define PCI "/sys/bus/pci/devices/"

bool driver_of(const char *device, char *name, size_t size)
{
	return sysfs_link(name, size, PCI "%s/driver", device);
}

bool driver_is_vfio(const char *driver)
{
	return strstr(driver, "vfio");
}

/* Those that the kernel lets share a group: they do no DMA of their own, and
 * say so (driver_managed_dma).
 */
bool driver_is_harmless(const char *device, const char *driver)
{
	int64_t class = sysfs_number(PCI "%s/class", device);
	bool bridge = class >> 16 == 6;

	return !*driver || driver_is_vfio(driver) ||
	       !strcmp(driver, "pci-stub") ||
	       (bridge &&
		(!strcmp(driver, "pcieport") || !strcmp(driver, "shpchp")));
}
