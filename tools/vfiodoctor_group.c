// SPDX-License-Identifier: GPL-2.0-only
/* vfiodoctor's checks of a group: viable, free, addresses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/drivers.h"
#include "lib/names.h"
#include "vfiodoctor.h"

#define GROUP "/sys/kernel/iommu_groups/%d"

/* A group is a user's when nobody else has a device of it that does DMA. */
static void check_viable(struct doctor *d)
{
	struct sysfs_list devices = sysfs_list(GROUP "/devices", d->group);
	char driver[SYSFS_NAME_LEN], users[DOCTOR_TEXT] = "";

	if (!devices.count) {
		doctor_say(d, DOCTOR_FAIL, "there is no IOMMU group %d",
			   d->group);
		doctor_fix(d, "ls /sys/kernel/iommu_groups");
		return;
	}
	doctor_say(d, DOCTOR_OK, "%zu device%s, none is another driver's",
		   devices.count, devices.count > 1 ? "s" : "");
	for (size_t i = 0; i < devices.count; i++) {
		const char *device = devices.names[i];
		size_t len = strlen(users);

		driver_of(device, driver, sizeof(driver));
		if (driver_is_harmless(device, driver))
			continue;
		snprintf(users + len, sizeof(users) - len, "%s%s has %s",
			 len ? ", " : "", driver, device);
		doctor_say(d, DOCTOR_FAIL,
			   "not viable, opening its devices fails: %s", users);
		doctor_fix_driver(d, device, driver);
	}
	sysfs_list_free(&devices);
}

/* The first who has it, other than who was asked for. */
static const struct snap_record *holder(const struct doctor *d)
{
	for (size_t i = 0; i < d->snapshot.count; i++) {
		const struct snap_record *r = &d->snapshot.records[i];

		if (r->kind != SNAP_MEMBER && r->group == d->group &&
		    (pid_t)r->tgid != d->pid)
			return r;
	}
	return NULL;
}

static bool held_by(const struct doctor *d, pid_t pid)
{
	for (size_t i = 0; i < d->snapshot.count; i++)
		if (d->snapshot.records[i].group == d->group &&
		    (pid_t)d->snapshot.records[i].tgid == pid)
			return true;
	return false;
}

static void check_holders(struct doctor *d)
{
	static const char *const words[] = {
		[SNAP_GROUP] = "the group",
		[SNAP_DEVICE] = "a device of it",
	};
	const struct snap_record *r;
	char comm[VFIOSCOPE_COMM_LEN + 1];

	if (d->blind) {
		doctor_say(d, DOCTOR_NA, "%s", d->blind);
		return;
	}
	r = holder(d);
	if (r) {
		bool shared = d->pid && held_by(d, d->pid);

		snprintf(comm, sizeof(comm), "%.16s", r->comm);
		names_clean(comm);
		doctor_say(d, shared ? DOCTOR_WARN : DOCTOR_FAIL,
			   "%s pid %u (%s) has %s open, fd %d",
			   shared ? "shared:" : "busy (EBUSY):", r->tgid, comm,
			   words[r->kind], r->fd);
		doctor_fix(d, "vfioholders %d", d->group);
		if (!shared)
			doctor_fix(d,
				   "# end pid %u in its own way; kill %u is "
				   "the last resort",
				   r->tgid, r->tgid);
	} else if (d->pid && held_by(d, d->pid)) {
		doctor_say(d, DOCTOR_OK, "pid %d alone has it", d->pid);
	} else {
		doctor_say(d, DOCTOR_OK, "no process has it open");
	}
}

#define FOUR_GIB (4ULL << 30)
#define LOW_RAM	 (2ULL << 30) /* the least that a PC puts below 4 GiB */

/* The widest address that every IOMMU of the host translates; 0: not known.
 * VT-d: the capability register's MGAW, and SAGAW's page table levels.
 */
static int iova_bits(void)
{
	struct sysfs_list units = sysfs_list("/sys/class/iommu");
	int bits = 0;

	for (size_t i = 0; i < units.count; i++) {
		char text[64];
		uint64_t cap;
		int width, levels;

		if (!sysfs_read(text, sizeof(text),
				"/sys/class/iommu/%s/intel-iommu/cap",
				units.names[i]))
			continue;
		cap = strtoull(text, NULL, 16);
		width = ((cap >> 16) & 0x3f) + 1;
		levels = cap >> 8 & 0x1f;
		if (!(levels & 8) && levels & 4 && width > 48)
			width = 48;
		else if (!(levels & 12) && width > 39)
			width = 39;
		if (!bits || width < bits)
			bits = width;
	}
	sysfs_list_free(&units);
	return bits;
}

/* The last address of a guest's memory: what does not fit below the hole that
 * ends at 4 GiB is above it.
 */
static uint64_t last_address(int64_t memory)
{
	if ((uint64_t)memory <= LOW_RAM)
		return memory - 1;
	return FOUR_GIB + (memory - LOW_RAM) - 1;
}

static bool in_guest_ram(const struct doctor *d, uint64_t start, uint64_t end)
{
	if (d->memory <= 0 || start > last_address(d->memory))
		return false;
	/* Between the two pieces there are only devices. */
	return !(start >= LOW_RAM && end < FOUR_GIB);
}

/* MSI and what firmware merely suggests are no obstacle to type1. */
static void judge_region(struct doctor *d, const char *line)
{
	unsigned long long start, end;
	char kind[32];

	if (sscanf(line, "%llx %llx %31s", &start, &end, kind) != 3)
		return;
	if (!strcmp(kind, "direct")) {
		doctor_also(d, DOCTOR_FAIL,
			    "the firmware keeps %#llx-%#llx for itself (RMRR): "
			    "such a device cannot be given away, attaching "
			    "fails",
			    start, end);
		doctor_fix(d, "# a firmware update, or another device");
	} else if (strcmp(kind, "direct-relaxable") &&
		   in_guest_ram(d, start, end)) {
		doctor_also(
			d, DOCTOR_FAIL,
			"%#llx-%#llx (%s) is in the guest's memory: mapping "
			"it fails (EINVAL)",
			start, end, kind);
		doctor_fix(d, "# a smaller guest, or one with its memory "
			      "elsewhere");
	}
}

static void check_addresses(struct doctor *d)
{
	char regions[4096], *line, *save;
	int bits = iova_bits();
	size_t count = 0;

	if (!sysfs_read(regions, sizeof(regions), GROUP "/reserved_regions",
			d->group)) {
		doctor_say(d, DOCTOR_NA, "no such group");
		return;
	}
	for (const char *p = regions; *p; p++)
		count += *p == '\n' || !p[1];
	if (bits)
		doctor_say(d, DOCTOR_OK, "%d bits, %zu reserved regions%s",
			   bits, count,
			   d->memory > 0 ? ", none in the guest's memory" : "");
	else
		doctor_say(d, DOCTOR_OK,
			   "width not known, %zu reserved regions%s", count,
			   d->memory > 0 ? ", none in the guest's memory" : "");
	for (line = strtok_r(regions, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		judge_region(d, line);
	if (bits && bits < 64 && d->memory > 0 &&
	    last_address(d->memory) >> bits) {
		doctor_also(d, DOCTOR_FAIL,
			    "a guest of %.1f GiB needs addresses up to %#llx, "
			    "the IOMMU has %d bits",
			    d->memory / (double)(1 << 30),
			    (unsigned long long)last_address(d->memory), bits);
		doctor_fix(d, "# at most %llu GiB",
			   ((1ULL << bits) - FOUR_GIB + LOW_RAM) >> 30);
	}
}

const struct doctor_check doctor_group_checks[] = {
	{"group", check_viable},
	{"holders", check_holders},
	{"permission", doctor_check_permission},
	{"addresses", check_addresses},
	{},
};
