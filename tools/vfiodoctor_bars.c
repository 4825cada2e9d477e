// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiodoctor: whether the device's memory regions (BARs) are free for vfio-pci,
 * which reserves each when it is mapped. The kernel's map of addresses is a tree:
 * what stands below the device's own line holds a part of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/drivers.h"
#include "lib/outside.h"
#include "vfiodoctor.h"

#define PCI	    "/sys/bus/pci/devices/"
#define BARS	    6
#define FLAG_MEMORY 0x200 /* IORESOURCE_MEM */

struct bar {
	uint64_t start, end, flags; /* flags 0: there is none */
};

/* How a holder lets go, by what its name in the map begins with. */
static const struct holder {
	const char *name;
	const char *command; /* NULL: none that works while the host runs */
	const char *boot;    /* a word for the kernel's command line */
} holders[] = {
	{"efifb",
	 "echo efi-framebuffer.0 "
	 ">/sys/bus/platform/drivers/efi-framebuffer/unbind",
	 "video=efifb:off"},
	{"vesafb",
	 "echo vesa-framebuffer.0 "
	 ">/sys/bus/platform/drivers/vesa-framebuffer/unbind",
	 "video=vesafb:off"},
	{"simplefb",
	 "echo simple-framebuffer.0 "
	 ">/sys/bus/platform/drivers/simple-framebuffer/unbind",
	 "initcall_blacklist=sysfb_init"},
	{"simple-framebuffer", NULL, "initcall_blacklist=sysfb_init"},
	{"simpledrm", NULL, "initcall_blacklist=sysfb_init"},
	{"BOOTFB", NULL, "initcall_blacklist=sysfb_init"},
	{"vesadrm", NULL, "initcall_blacklist=sysfb_init"},
	{"efidrm", NULL, "initcall_blacklist=sysfb_init"},
	{"vga16fb", NULL, "video=vga16fb:off"},
	{"ramoops", "modprobe -r ramoops", NULL},
};

static int read_bars(const char *device, struct bar bars[BARS])
{
	FILE *f = sysfs_open(PCI "%s/resource", device);
	char line[128];
	int count = 0;

	for (int i = 0; i < BARS; i++) {
		bars[i].flags = 0;
		if (!f || !fgets(line, sizeof(line), f) ||
		    sscanf(line, "%" SCNx64 " %" SCNx64 " %" SCNx64,
			   &bars[i].start, &bars[i].end, &bars[i].flags) != 3)
			continue;
		if (!(bars[i].flags & FLAG_MEMORY))
			bars[i].flags = 0;
		count += bars[i].flags != 0;
	}
	if (f)
		fclose(f);
	return count;
}

/* A line "  e0000000-efffffff : 0000:00:14.0"; its depth, or negative. */
static int parse_line(char *line, uint64_t *start, uint64_t *end, char **name)
{
	int depth = strspn(line, " "), used = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " : %n", start, end, &used) !=
		    2 ||
	    !used)
		return -1;
	*name = line + used;
	return depth;
}

/* Nobody but root is told addresses. */
static bool map_hidden(void)
{
	FILE *f = sysfs_open("/proc/iomem");
	uint64_t start, end = 0, last = 0;
	char *line = NULL, *name;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0)
		if (parse_line(line, &start, &end, &name) >= 0 && end > last)
			last = end;
	free(line);
	if (f)
		fclose(f);
	return !last;
}

/* The first that has a part of the BAR, other than the device's own driver. */
static bool find_holder(const struct bar *bar, const char *device,
			const char *driver, char *holder, size_t size)
{
	FILE *f = sysfs_open("/proc/iomem");
	int depth, own = -1;
	char *line = NULL, *name;
	uint64_t start, end;
	bool found = false;
	size_t room = 0;

	while (f && !found && getline(&line, &room, f) > 0) {
		depth = parse_line(line, &start, &end, &name);
		if (depth < 0 || start > bar->end || end < bar->start)
			continue;
		if (!strcmp(name, device)) {
			own = depth;
			continue;
		}
		/* What is around the device's line is a bus. */
		found = own >= 0 && depth > own && strcmp(name, driver) &&
			strcmp(name, "vfio-pci");
		if (found)
			snprintf(holder, size, "%s", name);
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

static void fix_holder(struct doctor *d, const char *name)
{
	size_t count = sizeof(holders) / sizeof(holders[0]);

	for (size_t i = 0; i < count; i++) {
		const struct holder *h = &holders[i];

		if (strncmp(name, h->name, strlen(h->name)))
			continue;
		if (h->boot)
			doctor_fix(d, "# boot the host with %s", h->boot);
		if (h->boot && h->command)
			doctor_fix(d, "# or, and its screen goes dark:");
		if (h->command)
			doctor_fix(d, "%s", h->command);
		return;
	}
	if (outside_word(OUTSIDE_NAME, name) &&
	    sysfs_exists("/sys/module/%s", name)) {
		doctor_fix(d, "modprobe -r %s", name);
		return;
	}
	doctor_fix(d, "# unload or switch off what calls itself so in "
		      "/proc/iomem");
}

static void judge(struct doctor *d, int number, const struct bar *bar,
		  const char *driver)
{
	unsigned long long size = bar->end - bar->start + 1;
	char holder[128];

	if (!bar->start) {
		doctor_also(d, DOCTOR_FAIL,
			    "BAR %d (%#llx bytes) got no addresses: there is "
			    "no room for it below its bridge",
			    number, size);
		doctor_fix(d,
			   "# in the firmware's setup: above 4G decoding; or "
			   "boot with pci=realloc");
		return;
	}
	if (!find_holder(bar, d->device, driver, holder, sizeof(holder)))
		return;
	outside_clean(holder);
	doctor_also(d, DOCTOR_FAIL,
		    "BAR %d, %#llx-%#llx, is held by %s: mapping it fails "
		    "(EBUSY, \"can't reserve\")",
		    number, (unsigned long long)bar->start,
		    (unsigned long long)bar->end, holder);
	fix_holder(d, holder);
}

void doctor_check_bars(struct doctor *d)
{
	char driver[SYSFS_NAME_LEN];
	struct bar bars[BARS];
	int count = read_bars(d->device, bars);

	if (device_is_bridge(d->device)) {
		doctor_say(d, DOCTOR_UNASKED, "nothing");
		return;
	}
	if (!sysfs_exists(PCI "%s", d->device)) {
		doctor_say(d, DOCTOR_NA, "no such device");
		return;
	}
	if (!count) {
		doctor_say(d, DOCTOR_NA, "it has none");
		return;
	}
	if (map_hidden()) {
		doctor_say(d, DOCTOR_NA,
			   "needs root: addresses in /proc/iomem");
		return;
	}
	driver_of(d->device, driver, sizeof(driver));
	/* Other drivers may name parts of theirs as they like. */
	if (*driver && !driver_is_vfio(driver)) {
		doctor_say(d, DOCTOR_NA,
			   "%d; who holds them is seen when %s has gone", count,
			   driver);
		return;
	}
	doctor_say(d, DOCTOR_OK, "%d, nobody else holds them", count);
	for (int i = 0; i < BARS; i++)
		if (bars[i].flags)
			judge(d, i, &bars[i], driver);
}
