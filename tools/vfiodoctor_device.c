// SPDX-License-Identifier: GPL-2.0-only
/* vfiodoctor's checks of a device: its driver, its reset, its faults. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/drivers.h"
#include "vfiodoctor.h"

#define PCI "/sys/bus/pci/devices/"

/* A network interface of the device, which its users would miss. */
static void add_interface(struct doctor *d, const char *device)
{
	struct sysfs_list list = sysfs_list(PCI "%s/net", device);
	size_t len = strlen(d->found);

	if (list.count)
		snprintf(d->found + len, sizeof(d->found) - len,
			 ", which runs %s", list.names[0]);
	sysfs_list_free(&list);
}

static void check_device(struct doctor *d)
{
	char driver[SYSFS_NAME_LEN];

	if (!sysfs_exists(PCI "%s", d->device)) {
		doctor_say(d, DOCTOR_FAIL, "there is no PCI device %s",
			   d->device);
		doctor_fix(d, "lspci -D");
		return;
	}
	driver_of(d->device, driver, sizeof(driver));
	if (driver_is_vfio(driver)) {
		doctor_say(d, DOCTOR_OK, "bound to %s", driver);
		return;
	}
	if (doctor_say_bridge(d, driver) || doctor_say_denylisted(d))
		return;
	if (!sysfs_exists(PCI "%s/iommu_group", d->device)) {
		doctor_say(d, DOCTOR_FAIL,
			   "in no IOMMU group: vfio-pci does not take it "
			   "(EINVAL)");
		doctor_fix(d, "# the IOMMU first; where that is on, another "
			      "device");
		return;
	}
	/* What driver_override has is not asked: reading it waits for the
	 * device's lock, which who unbinds a device in use keeps for long.
	 */
	if (*driver)
		doctor_say(d, DOCTOR_FAIL, "bound to %s, not to vfio-pci",
			   driver);
	else
		doctor_say(d, DOCTOR_FAIL, "no driver has it");
	add_interface(d, d->device);
	doctor_fix_driver(d, d->device, driver);
}

/* What a VF does its PF sees and can undo. vfio-pci gives a VF of a PF that a
 * user has to who knows the token that the PF's user set.
 */
static void check_token(struct doctor *d)
{
	char pf[SYSFS_NAME_LEN], driver[SYSFS_NAME_LEN] = "";

	if (sysfs_link(pf, sizeof(pf), PCI "%s/physfn", d->device))
		driver_of(pf, driver, sizeof(driver));
	if (!driver_is_vfio(driver)) {
		doctor_say(d, DOCTOR_UNASKED, "nothing");
		return;
	}
	doctor_say(d, DOCTOR_WARN,
		   "it is a VF, and %s has its PF %s: it opens only with the "
		   "VF token that the PF's user set (EACCES without)",
		   driver, pf);
	doctor_fix(d,
		   "# QEMU: -device vfio-pci,host=%s,vf-token=UUID; DPDK: "
		   "--vfio-vf-token=UUID",
		   d->device);
}

static void check_reset(struct doctor *d)
{
	char methods[128];

	if (!sysfs_exists(PCI "%s", d->device)) {
		doctor_say(d, DOCTOR_NA, "no such device");
		return;
	}
	sysfs_read(methods, sizeof(methods), PCI "%s/reset_method", d->device);
	if (!*methods)
		doctor_say(d, DOCTOR_WARN,
			   "none: the next user gets the device as the last "
			   "one left it");
	else if (!strcmp(methods, "bus"))
		doctor_say(d, DOCTOR_OK,
			   "bus only: works when all devices of the bus are "
			   "the same user's");
	else
		doctor_say(d, DOCTOR_OK, "%s", methods);
}

struct faults {
	unsigned long of_device;
	unsigned long suppressed; /* of which nobody knows whose they were */
};

/* "DMAR: [DMA Read ..] Request device [00:10.0] ..", "AMD-Vi: Event logged
 * [IO_PAGE_FAULT device=00:10.0 ..", and "NAME: N callbacks suppressed".
 */
static void count_line(struct faults *faults, const char *line,
		       const char *device)
{
	const char *words = strstr(line, " callbacks suppressed");
	const char *name = strstr(line, "fault");
	/* Without the domain: only some kernels print it. */
	const char *slot = strchr(device, ':');

	if (words && (name || strstr(line, "amd_iommu"))) {
		while (words > line && words[-1] != ' ')
			words--;
		faults->suppressed += strtoul(words, NULL, 10);
		return;
	}
	if (!slot || !strstr(line, slot + 1))
		return;
	if ((strstr(line, "DMAR: ") && strstr(line, "Request device")) ||
	    (strstr(line, "AMD-Vi: ") && strstr(line, "FAULT")))
		faults->of_device++;
}

static void check_faults(struct doctor *d)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct faults faults = {};
	char record[8192];
	ssize_t len;

	if (fd < 0) {
		doctor_say(d, DOCTOR_NA, "needs root: the kernel's log: %s",
			   strerror(errno));
		return;
	}
	/* EPIPE: the oldest record was overwritten; the next one follows. */
	while ((len = read(fd, record, sizeof(record) - 1)) > 0 ||
	       (len < 0 && (errno == EPIPE || errno == EINTR))) {
		if (len < 0)
			continue;
		record[len] = '\0';
		count_line(&faults, record, d->device);
	}
	close(fd);
	if (!faults.of_device) {
		doctor_say(d, DOCTOR_OK, "no IOMMU fault in the kernel's log");
		return;
	}
	doctor_say(d, DOCTOR_WARN,
		   "%lu IOMMU faults in the kernel's log, and %lu that were "
		   "not logged (of all devices): it uses addresses that are "
		   "not mapped",
		   faults.of_device, faults.suppressed);
	doctor_fix(d, "vfiofaults -d %s", d->device);
}

const struct doctor_check doctor_device_checks[] = {
	{"device", check_device},
	{"token", check_token},
	{"answers", doctor_check_answers},
	{"bars", doctor_check_bars},
	{"reset", check_reset},
	{"faults", check_faults},
	{},
};
