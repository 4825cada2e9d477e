// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiodoctor: how a device gets from its driver to vfio-pci, and what does not
 * get there: bridges, and what vfio-pci has on its list of those it refuses.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/drivers.h"
#include "vfiodoctor.h"
#include "vfiodoctor_use.h"

#define PCI	 "/sys/bus/pci/devices/"
#define MODPROBE "/etc/modprobe.d/vfio.conf"

static unsigned int id_of(const char *device, const char *what)
{
	int64_t id = sysfs_number(PCI "%s/%s", device, what);

	return id < 0 ? 0 : id;
}

/* How many others an ids= of the device would take as well. */
static size_t alike(const char *device)
{
	struct sysfs_list all = sysfs_list("/sys/bus/pci/devices");
	size_t count = 0;

	for (size_t i = 0; i < all.count; i++)
		count += id_of(all.names[i], "vendor") ==
				 id_of(device, "vendor") &&
			 id_of(all.names[i], "device") ==
				 id_of(device, "device") &&
			 strcmp(all.names[i], device);
	sysfs_list_free(&all);
	return count;
}

/* What is written to sysfs is forgotten with the next boot. */
static void fix_for_good(struct doctor *d, const char *device,
			 const char *driver)
{
	size_t others = alike(device);

	doctor_fix(d,
		   "# until the next boot; for good: driverctl set-override "
		   "%s vfio-pci",
		   device);
	doctor_fix(d, "# or in " MODPROBE ": options vfio-pci ids=%04x:%04x%s",
		   id_of(device, "vendor"), id_of(device, "device"),
		   others ? " (takes all others of that kind too)" : "");
	if (*driver)
		doctor_fix(d, "# and: softdep %s pre: vfio-pci", driver);
}

/* Nobody takes away by a copied command what the host runs on. */
static bool fix_in_use(struct doctor *d, const char *device, const char *driver)
{
	char what[512];

	if (!*driver || !use_of(device, what, sizeof(what)))
		return false;
	doctor_fix(d, "# careful, the host uses it: %s", what);
	doctor_fix(d,
		   "# when it can do without: take it down or umount it, "
		   "then ask again: vfiodoctor %s",
		   device);
	fix_for_good(d, device, driver);
	return true;
}

void doctor_fix_driver(struct doctor *d, const char *device, const char *driver)
{
	if (device_is_bridge(device)) {
		doctor_fix(d,
			   "# %s is a bridge: leave it to its driver, and "
			   "take another device",
			   device);
		return;
	}
	if (fix_in_use(d, device, driver))
		return;
	if (sysfs_number(PCI "%s/boot_vga", device) == 1)
		doctor_fix(d, "# careful: the host's screen goes dark");
	doctor_fix(d, "modprobe vfio-pci");
	if (*driver)
		doctor_fix(d, "echo %s >" PCI "%s/driver/unbind", device,
			   device);
	doctor_fix(d, "echo vfio-pci >" PCI "%s/driver_override", device);
	doctor_fix(d, "echo %s >/sys/bus/pci/drivers_probe", device);
	fix_for_good(d, device, driver);
}

static const char *bridge_name(const char *device)
{
	switch (id_of(device, "class") >> 8) {
	case 0x0600:
		return "the host bridge";
	case 0x0601:
		return "an ISA bridge";
	case 0x0604:
	case 0x0609:
		return "a PCI bridge";
	case 0x0607:
		return "a CardBus bridge";
	default:
		return "a bridge";
	}
}

/* What is below a bridge may be given away, each with its group. */
static void fix_bridge(struct doctor *d)
{
	struct sysfs_list below = sysfs_list(PCI "%s", d->device);
	bool any = false;

	for (size_t i = 0; i < below.count; i++) {
		if (!sysfs_bdf(below.names[i], NULL) ||
		    device_is_bridge(below.names[i]))
			continue;
		doctor_fix(d, "vfiodoctor %s", below.names[i]);
		any = true;
	}
	if (!any)
		doctor_fix(d, "# take a device below it, or another one");
	sysfs_list_free(&below);
}

bool doctor_say_bridge(struct doctor *d, const char *driver)
{
	if (!device_is_bridge(d->device))
		return false;
	doctor_say(d, DOCTOR_FAIL,
		   "%s%s%s: not for users, and what the host reaches other "
		   "devices through; vfio-pci takes no PCI bridge (EINVAL)",
		   bridge_name(d->device), *driver ? ", with " : "", driver);
	fix_bridge(d);
	return true;
}

/* Intel's QuickAssist, DSA and IAA: vfio_pci.c says why of each. */
static bool denylisted(const char *device)
{
	static const unsigned short ids[] = {0x0435, 0x0443, 0x19e2, 0x19e3,
					     0x37c8, 0x37c9, 0x0b25, 0x0cfe};
	unsigned int id = id_of(device, "device");

	if (id_of(device, "vendor") != 0x8086)
		return false;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (ids[i] == id)
			return true;
	return false;
}

bool doctor_say_denylisted(struct doctor *d)
{
	char allowed[8];

	if (!denylisted(d->device))
		return false;
	sysfs_read(allowed, sizeof(allowed),
		   "/sys/module/vfio_pci/parameters/disable_denylist");
	if (*allowed == 'Y')
		return false;
	doctor_say(d, DOCTOR_FAIL,
		   "vfio-pci refuses devices of this kind (%04x:%04x, EINVAL): "
		   "their users can harm the host",
		   id_of(d->device, "vendor"), id_of(d->device, "device"));
	doctor_fix(d, "# another device; or, where its user is trusted, in");
	doctor_fix(d, "# " MODPROBE ": options vfio-pci disable_denylist=1; "
		      "then load vfio-pci anew");
	return true;
}
