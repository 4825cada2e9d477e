// SPDX-License-Identifier: GPL-2.0-only
/* Why a call failed: what sysfs and the kernel's log tell of it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfiosnoop_reason.h"

#define GROUPS_DIR  "/sys/kernel/iommu_groups"
#define DEVICES_DIR "/sys/bus/pci/devices"

/* The first region of this type, or of any if NULL, that the range touches. A
 * relaxable one does not keep a process from the range.
 */
static bool find_region(int group, const char *wanted, uint64_t first,
			uint64_t last, char *buf, size_t size)
{
	uint64_t start, end;
	char path[128], type[32];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), GROUPS_DIR "/%d/reserved_regions", group);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && fscanf(f, "%" SCNx64 " %" SCNx64 " %31s", &start, &end,
				type) == 3) {
		if (start > last || end < first ||
		    (wanted ? strcmp(type, wanted)
			    : !strcmp(type, "direct-relaxable")))
			continue;
		found = true;
		snprintf(buf, size, "0x%" PRIx64 "-0x%" PRIx64 " (%s)", start,
			 end, type);
	}
	fclose(f);
	return found;
}

/* How many bits of an address Intel's IOMMU of this device translates, 0: not
 * known. The width is in bits 16 to 21 of the capability register, less 1.
 */
static unsigned int address_bits(const char *device)
{
	unsigned long long cap = 0;
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), DEVICES_DIR "/%s/iommu/intel-iommu/cap",
		 device);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%llx", &cap) != 1)
		cap = 0;
	fclose(f);
	return cap ? (cap >> 16 & 0x3f) + 1 : 0;
}

static bool driver_of(const char *device, char *driver, size_t size)
{
	char path[512], link[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), DEVICES_DIR "/%s/driver", device);
	len = readlink(path, link, sizeof(link) - 1);
	if (len <= 0)
		return false;
	link[len] = '\0';
	snprintf(driver, size, "%s", strrchr(link, '/') + 1);
	return true;
}

/* The group's first device for which @look says something. */
static bool each_device(int group,
			bool (*look)(const char *device, uint64_t last,
				     char *buf, size_t size),
			uint64_t last, char *buf, size_t size)
{
	struct dirent *entry;
	bool found = false;
	char path[128];
	DIR *dir;

	snprintf(path, sizeof(path), GROUPS_DIR "/%d/devices", group);
	dir = opendir(path);
	while (!found && dir && (entry = readdir(dir)))
		if (*entry->d_name != '.')
			found = look(entry->d_name, last, buf, size);
	if (dir)
		closedir(dir);
	return found;
}

static bool look_bits(const char *device, uint64_t last, char *buf, size_t size)
{
	unsigned int bits = address_bits(device);

	if (!bits || bits > 63 || !(last >> bits))
		return false;
	snprintf(buf, size,
		 "beyond the %u bits that the IOMMU of %s translates", bits,
		 device);
	return true;
}

/* These leave the device's DMA to its user. */
static bool harmless(const char *driver)
{
	return strstr(driver, "vfio") || !strcmp(driver, "pci-stub") ||
	       !strcmp(driver, "pcieport");
}

static bool look_driver(const char *device, uint64_t last, char *buf,
			size_t size)
{
	char driver[64];

	(void)last;
	if (!driver_of(device, driver, sizeof(driver)) || harmless(driver))
		return false;
	snprintf(buf, size, "%s of the group is bound to %s", device, driver);
	return true;
}

static bool map_reason(const struct record *r, const int *groups, size_t count,
		       char *buf, size_t size)
{
	uint64_t iova = r->dma_map.iova, last = iova + r->dma_map.size - 1;
	char region[96];

	if (!r->dma_map.size || last < iova)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (find_region(groups[i], NULL, iova, last, region,
				sizeof(region))) {
			snprintf(buf, size, "overlaps the reserved region %s",
				 region);
			return true;
		}
		if (each_device(groups[i], look_bits, last, buf, size))
			return true;
	}
	return false;
}

/* The firmware wants a device's memory mapped as it is: no kernel gives such a
 * device to a process.
 */
static bool attach_reason(int error, const int *groups, size_t count, char *buf,
			  size_t size)
{
	char region[96];

	for (size_t i = 0; i < count; i++) {
		if (error == EBUSY) {
			if (each_device(groups[i], look_driver, 0, buf, size))
				return true;
		} else if (find_region(groups[i], "direct", 0, UINT64_MAX,
				       region, sizeof(region))) {
			snprintf(buf, size,
				 "the firmware wants %s mapped 1:1 (RMRR) for "
				 "group %d",
				 region, groups[i]);
			return true;
		}
	}
	return false;
}

/* A token is asked for where the driver of the physical function is vfio-pci. */
static bool token_reason(const struct record *r, char *buf, size_t size)
{
	char device[VFIOSCOPE_NAME_LEN], path[128], driver[64], pf[PATH_MAX];
	unsigned int domain, bus, slot, function;
	ssize_t len;

	if (sscanf(r->name, "%4x:%2x:%2x.%1x", &domain, &bus, &slot,
		   &function) != 4)
		return false;
	snprintf(device, sizeof(device), "%04x:%02x:%02x.%x", domain, bus, slot,
		 function);
	snprintf(path, sizeof(path), DEVICES_DIR "/%s/physfn", device);
	len = readlink(path, pf, sizeof(pf) - 1);
	if (len <= 0)
		return false;
	pf[len] = '\0';
	if (!driver_of(strrchr(pf, '/') + 1, driver, sizeof(driver)) ||
	    !strstr(driver, "vfio"))
		return false;
	snprintf(buf, size,
		 "the VF token is missing or wrong: its PF %s is %s's",
		 strrchr(pf, '/') + 1, driver);
	return true;
}

/* The kernel's own line of the process that it killed for memory. What user
 * space wrote to the log has another facility.
 */
static bool killed_reason(const struct record *r, char *buf, size_t size)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char line[8192], wanted[64];
	bool found = false;
	ssize_t len;

	if (fd < 0)
		return false;
	snprintf(wanted, sizeof(wanted), "Killed process %u (", r->tgid);
	while ((len = read(fd, line, sizeof(line) - 1)) > 0 ||
	       (len < 0 && errno == EPIPE)) {
		if (len < 0)
			continue;
		line[len] = '\0';
		if (strtoul(line, NULL, 10) >> 3 || !strstr(line, wanted))
			continue;
		found = true;
		snprintf(buf, size, "killed by the OOM killer: %s",
			 strstr(line, "emory cgroup out of memory")
				 ? "its memory cgroup is full"
				 : "the host has no memory left");
	}
	close(fd);
	return found;
}

bool snoop_reason_find(const struct record *r, int error, const int *groups,
		       size_t count, char *buf, size_t size)
{
	switch (r->event) {
	case REC_dma_map:
		if (error == EINVAL)
			return map_reason(r, groups, count, buf, size);
		if (error == EINTR)
			return killed_reason(r, buf, size);
		return error == EFAULT && snoop_reason_memory(r, buf, size);
	case REC_container_attach:
	case REC_container_set_iommu:
		if (error != EINVAL && error != EPERM && error != EBUSY)
			return false;
		return attach_reason(error, groups, count, buf, size);
	case REC_device_open:
		return error == EACCES && token_reason(r, buf, size);
	default:
		return false;
	}
}
