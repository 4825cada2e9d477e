// SPDX-License-Identifier: GPL-2.0-only
/* vfiodoctor: whether this is a VM, and what its host must give it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/outside.h"
#include "vfiodoctor.h"

/* The CPU says so, but to Xen's first domain, which is the host. */
static bool cpu_says_vm(void)
{
	char xen[64], *line = NULL;
	bool found = false;
	size_t room = 0;
	FILE *f;

	if (sysfs_read(xen, sizeof(xen), "/proc/xen/capabilities") &&
	    strstr(xen, "control_d"))
		return false;
	f = sysfs_open("/proc/cpuinfo");
	while (f && !found && getline(&line, &room, f) > 0)
		found = !strncmp(line, "flags", 5) &&
			strstr(line, " hypervisor");
	free(line);
	if (f)
		fclose(f);
	return found;
}

/* Other CPUs than x86 do not; their firmware does. */
static bool firmware_says_vm(const char *product)
{
	static const char *const vms[] = {
		"QEMU",	 "KVM",	    "VirtualBox", "VMware", "Virtual Machine",
		"Bochs", "HVM domU"};

	for (size_t i = 0; i < sizeof(vms) / sizeof(vms[0]); i++)
		if (strstr(product, vms[i]))
			return true;
	return false;
}

bool machine_is_vm(char *name, size_t size)
{
	char vendor[64], product[64];

	sysfs_read(vendor, sizeof(vendor), "/sys/class/dmi/id/sys_vendor");
	sysfs_read(product, sizeof(product), "/sys/class/dmi/id/product_name");
	snprintf(name, size, "%s%s%s", vendor, *vendor && *product ? ", " : "",
		 product);
	outside_clean(name);
	return cpu_says_vm() || firmware_says_vm(name);
}

enum noiommu machine_noiommu(void)
{
	struct utsname kernel;
	char *line = NULL;
	bool has = false;
	size_t room = 0;
	FILE *f;

	if (sysfs_exists("/sys/module/vfio/parameters/"
			 "enable_unsafe_noiommu_mode"))
		return NOIOMMU_HAS;
	if (sysfs_exists("/sys/module/vfio/parameters") ||
	    sysfs_exists("/sys/module/vfio/refcnt"))
		return NOIOMMU_LACKS;
	uname(&kernel);
	f = sysfs_open("/boot/config-%s", kernel.release);
	if (!f)
		return NOIOMMU_UNKNOWN;
	while (!has && getline(&line, &room, f) > 0)
		has = !strncmp(line, "CONFIG_VFIO_NOIOMMU=y", 21);
	free(line);
	fclose(f);
	return has ? NOIOMMU_HAS : NOIOMMU_LACKS;
}

void doctor_say_vm(struct doctor *d, const char *name)
{
	static const char *const noiommu[] = {
		[NOIOMMU_LACKS] = ", and its kernel has no noiommu mode",
		[NOIOMMU_HAS] = "; its kernel has the noiommu mode, without "
				"any protection",
		[NOIOMMU_UNKNOWN] = "",
	};

	doctor_say(d, DOCTOR_FAIL,
		   "none: this is a VM (%s) that its host gives no virtual "
		   "IOMMU%s",
		   *name ? name : "its CPU says so",
		   noiommu[machine_noiommu()]);
	doctor_fix(d, "# on its host, QEMU: -machine q35,kernel-irqchip=split");
	doctor_fix(d, "#   -device intel-iommu,intremap=on,caching-mode=on, "
		      "before all other devices");
	doctor_fix(d, "# libvirt: <iommu model='intel'><driver intremap='on' "
		      "caching_mode='on'/></iommu>,");
	doctor_fix(d, "#   and <ioapic driver='qemu'/> among the features");
	doctor_fix(d, "# then boot this VM with intel_iommu=on");
}
