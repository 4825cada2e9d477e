// SPDX-License-Identifier: GPL-2.0-only
/*
 * What QEMU's arguments say: devices, memory, huge pages, a virtual IOMMU.
 * "-device vfio-pci,host=0000:00:10.0", or the same as JSON, as libvirt writes
 * it. The process chose every byte of them: only what has the form of an address
 * is taken for a device.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include <linux/magic.h>
#include "lib/outside.h"
#include "lib/size.h"
#include "vfiodoctor.h"

#define MIB_SHIFT 20

/* One argument: in words with commas between, or JSON. */
struct argument {
	const char *text;
	struct json_object *json; /* NULL: words */
};

/* The value of a key; the first word of all has none of its own: @head. */
static bool value_of(const struct argument *o, const char *key,
		     const char *head, char *value, size_t size)
{
	struct json_object *member;
	const char *p = o->text;
	size_t len = strlen(key);

	value[0] = '\0';
	if (o->json) {
		if (!json_object_object_get_ex(o->json, key, &member))
			return false;
		snprintf(value, size, "%s", json_object_get_string(member));
		return true;
	}
	if (head && !memchr(p, '=', strcspn(p, ","))) {
		snprintf(value, size, "%.*s", (int)strcspn(p, ","), p);
		return true;
	}
	while (*p) {
		size_t n = strcspn(p, ",");

		if (n > len && p[len] == '=' && !strncmp(p, key, len)) {
			snprintf(value, size, "%.*s", (int)(n - len - 1),
				 p + len + 1);
			return true;
		}
		p += n;
		p += *p == ',';
	}
	return false;
}

static void take_host(struct doctor *d, const char *host)
{
	char bdf[SYSFS_NAME_LEN];

	if (sysfs_bdf(host, bdf)) {
		doctor_add_device(d, bdf);
		return;
	}
	if (!d->guest.refused++) {
		snprintf(d->guest.nonsense, sizeof(d->guest.nonsense), "%s",
			 host);
		outside_clean(d->guest.nonsense);
	}
}

static void read_device(struct doctor *d, const struct argument *o)
{
	static const char sysfs[] = "/sys/bus/pci/devices/";
	char driver[64], host[256];

	value_of(o, "driver", "", driver, sizeof(driver));
	if (strstr(driver, "-iommu"))
		d->guest.viommu = true;
	if (strncmp(driver, "vfio-pci", 8))
		return;
	if (value_of(o, "host", NULL, host, sizeof(host)))
		take_host(d, host);
	else if (value_of(o, "sysfsdev", NULL, host, sizeof(host)) &&
		 !strncmp(host, sysfs, strlen(sysfs)))
		take_host(d, host + strlen(sysfs));
}

/* Where a file of huge pages is, their size; 0: it is none. */
static int64_t huge_page_of(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) || fs.f_type != HUGETLBFS_MAGIC)
		return 0;
	return fs.f_bsize;
}

static int64_t default_huge_page(void)
{
	char *line = NULL;
	size_t room = 0;
	long long kib = 0;
	FILE *f = sysfs_open("/proc/meminfo");

	while (f && getline(&line, &room, f) > 0)
		if (sscanf(line, "Hugepagesize: %lld kB", &kib) == 1)
			break;
	free(line);
	if (f)
		fclose(f);
	return kib << 10;
}

/* A path of the process is one below its root. */
static void read_path(struct doctor *d, const char *path)
{
	char whole[512];
	int64_t size;

	snprintf(whole, sizeof(whole), "/proc/%d/root%s", d->pid, path);
	size = huge_page_of(whole);
	if (size)
		d->guest.huge_page = size;
}

static void read_object(struct doctor *d, const struct argument *o)
{
	char type[64], value[256];

	value_of(o, "qom-type", "", type, sizeof(type));
	if (!strcmp(type, "memory-backend-file") &&
	    value_of(o, "mem-path", NULL, value, sizeof(value)))
		read_path(d, value);
	if (strcmp(type, "memory-backend-memfd") ||
	    !value_of(o, "hugetlb", NULL, value, sizeof(value)) ||
	    (strcmp(value, "on") && strcmp(value, "true")))
		return;
	if (!value_of(o, "hugetlbsize", NULL, value, sizeof(value)) ||
	    !size_parse(value, &d->guest.huge_page, NULL))
		d->guest.huge_page = default_huge_page();
}

/* Without a unit it is MiB. */
static void read_memory(struct doctor *d, const struct argument *o)
{
	char value[64];
	const char *rest;
	int64_t size;

	if (d->memory >= 0 || !value_of(o, "size", "", value, sizeof(value)) ||
	    !size_parse(value, &size, &rest))
		return;
	if (rest > value && rest[-1] >= '0' && rest[-1] <= '9') {
		if (size > INT64_MAX >> MIB_SHIFT)
			return;
		size <<= MIB_SHIFT;
	}
	d->memory = size;
	d->memory_by_pid = true;
}

static void read_option(struct doctor *d, const char *name, const char *text)
{
	struct argument o = {.text = text};

	while (*name == '-')
		name++;
	if (*text == '{') {
		o.json = json_tokener_parse(text);
		if (!json_object_is_type(o.json, json_type_object)) {
			json_object_put(o.json);
			return;
		}
	}
	if (!strcmp(name, "device"))
		read_device(d, &o);
	else if (!strcmp(name, "object"))
		read_object(d, &o);
	else if (!strcmp(name, "m"))
		read_memory(d, &o);
	else if (!strcmp(name, "mem-path"))
		read_path(d, text);
	else if (!strcmp(name, "machine") && strstr(text, "iommu="))
		d->guest.viommu = true;
	json_object_put(o.json);
}

void doctor_read_arguments(struct doctor *d)
{
	char path[64], *last = NULL, *arg = NULL;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", d->pid);
	f = fopen(path, "re");
	while (f && getdelim(&arg, &room, '\0', f) > 0) {
		if (last && *last == '-')
			read_option(d, last, arg);
		free(last);
		last = arg;
		arg = NULL;
		room = 0;
	}
	free(last);
	free(arg);
	if (f)
		fclose(f);
}

/* Says what was not taken. */
void doctor_check_arguments(struct doctor *d)
{
	if (!d->guest.refused) {
		doctor_say(d, DOCTOR_UNASKED, "nothing");
		return;
	}
	doctor_say(d, DOCTOR_FAIL,
		   "%zu vfio-pci in its arguments with what is no PCI address: "
		   "host=%s",
		   d->guest.refused, d->guest.nonsense);
	doctor_fix(d, "# an address is 0000:00:10.0; lspci -D lists them");
}
