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

bool device_is_bridge(const char *device)
{
	return sysfs_number(PCI "%s/class", device) >> 16 == 6;
}

/* Those that the kernel lets share a group: they do no DMA of their own, and
 * say so (driver_managed_dma).
 */
bool driver_is_harmless(const char *device, const char *driver)
{
	return !*driver || driver_is_vfio(driver) ||
	       !strcmp(driver, "pci-stub") ||
	       (device_is_bridge(device) &&
		(!strcmp(driver, "pcieport") || !strcmp(driver, "shpchp")));
}

int drivers_let_use(int group)
{
	struct sysfs_list devices =
		sysfs_list("/sys/kernel/iommu_groups/%d/devices", group);
	char driver[SYSFS_NAME_LEN];
	int use = devices.count ? 1 : -1;

	for (size_t i = 0; i < devices.count; i++) {
		driver_of(devices.names[i], driver, sizeof(driver));
		if (!driver_is_harmless(devices.names[i], driver))
			use = 0;
	}
	sysfs_list_free(&devices);
	return use;
}
