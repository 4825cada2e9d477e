// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU faults in the kernel's log. VT-d has no trace event for them, and
 * counts what it does not log only there; the AMD and virtio drivers log as
 * well. A line that has another shape is not a fault to us.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kmsg.h"
#include "log_clock.h"
#include "names.h"

int kmsg_open(bool all)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (!all)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* Devices of the first segment are printed without it. */
static void set_device(struct kmsg_fault *f, const char *bdf)
{
	int colons = 0;

	for (const char *c = bdf; *c; c++)
		colons += *c == ':';
	snprintf(f->device, sizeof(f->device), "%s%s",
		 colons == 1 ? "0000:" : "", bdf);
}

/* [DMA Write NO_PASID] Request device [00:10.0] fault addr 0x20000000
 * [fault reason 0x05] PTE Write access is not set
 */
static bool parse_intel(const char *text, struct kmsg_fault *f)
{
	const char *at = strstr(text, "Request device [");
	unsigned long long address;
	char bdf[24];

	if (!strstr(text, "DMAR: [DMA") || !at ||
	    sscanf(at, "Request device [%23[^]]] fault addr %llx", bdf,
		   &address) != 2)
		return false;
	set_device(f, bdf);
	f->address = address;
	f->write = strstr(text, "[DMA Write");
	at = strstr(at, "[fault reason");
	at = at ? strchr(at, ']') : NULL;
	snprintf(f->reason, sizeof(f->reason), "%s", at ? at + 2 : "");
	return true;
}

/* vfio-pci 0000:00:10.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0003
 * address=0x20000000 flags=0x0020], flag 0x20 says that it wrote
 */
static bool parse_amd(const char *text, struct kmsg_fault *f)
{
	const char *at = strstr(text, "IO_PAGE_FAULT"), *colon;
	unsigned long long address;
	unsigned int flags = 0;
	char bdf[24];

	if (!strstr(text, "AMD-Vi: Event logged") || !at)
		return false;
	if (sscanf(at, "IO_PAGE_FAULT device=%23s", bdf) != 1) {
		colon = strstr(text, ": AMD-Vi");
		at = colon;
		while (at > text && at[-1] != ' ')
			at--;
		snprintf(bdf, sizeof(bdf), "%.*s", (int)(colon - at), at);
	}
	at = strstr(text, "address=");
	if (!at || sscanf(at, "address=%llx flags=%x", &address, &flags) < 1)
		return false;
	set_device(f, bdf);
	f->address = address;
	f->write = flags & 0x20;
	return true;
}

/* virtio_iommu virtio0: page fault from EP 128 at 0x20000000 [W], where an
 * endpoint is a PCI device's number
 */
static bool parse_virtio(const char *text, struct kmsg_fault *f)
{
	const char *at = strstr(text, "fault from EP ");
	unsigned long long address;
	unsigned int ep;
	char how[8] = "";

	if (!at || sscanf(at, "fault from EP %u at %llx [%7[RWX]", &ep,
			  &address, how) < 2)
		return false;
	snprintf(f->device, sizeof(f->device), "%04x:%02x:%02x.%x", ep >> 16,
		 ep >> 8 & 0xff, ep >> 3 & 0x1f, ep & 7);
	f->address = address;
	f->write = strchr(how, 'W');
	return true;
}

/* dmar_fault: 893 callbacks suppressed */
static bool parse_suppressed(const char *text, struct kmsg_fault *f)
{
	const char *at = strstr(text, "callbacks suppressed");
	const char *colon = strchr(text, ':');

	if (!at || !colon ||
	    (!strstr(text, "dmar_fault") && !strstr(text, "iommu")))
		return false;
	f->suppressed = strtoull(colon + 1, NULL, 10);
	return f->suppressed;
}

static bool parse(char *line, struct kmsg_fault *f)
{
	unsigned long long us = 0;
	char *text = strchr(line, ';');
	unsigned int priority;

	if (!text)
		return false;
	*text++ = '\0';
	/* What follows the first line are the record's tags. */
	text[strcspn(text, "\n")] = '\0';
	/* The number is facility * 8 + level. The kernel's facility is 0, and whoever
	 * writes to /dev/kmsg has another, whatever the line says.
	 */
	if (sscanf(line, "%u,%*u,%llu", &priority, &us) != 2 || priority >= 8)
		return false;
	memset(f, 0, sizeof(*f));
	f->ts_ns = us * 1000;
	if (!parse_intel(text, f) && !parse_amd(text, f) &&
	    !parse_virtio(text, f) && !parse_suppressed(text, f))
		return false;
	names_clean(f->device);
	names_clean(f->reason);
	return true;
}

bool kmsg_next(int fd, struct kmsg_fault *fault, uint64_t *lost)
{
	char line[8192];
	ssize_t got;

	for (;;) {
		got = read(fd, line, sizeof(line) - 1);
		if (got < 0 && errno == EPIPE) {
			(*lost)++;
			continue;
		}
		if (got <= 0)
			return false;
		line[got] = '\0';
		if (!parse(line, fault))
			continue;
		fault->ts_ns += log_clock_lag();
		return true;
	}
}
