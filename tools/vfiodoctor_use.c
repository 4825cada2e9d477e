// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host does with a device: network interfaces that are up, have an
 * address or carry a bridge or bond; disks that are mounted, swapped to, or part
 * of another one.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sysfs.h"
#include "vfiodoctor_use.h"

#define PCI "/sys/bus/pci/devices/"

struct use {
	char *text;
	size_t size;
};

static void add(struct use *use, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct use *use, const char *format, ...)
{
	size_t len = strlen(use->text);
	va_list args;

	if (len)
		len += snprintf(use->text + len, use->size - len, ", ");
	if (len >= use->size)
		return;
	va_start(args, format);
	vsnprintf(use->text + len, use->size - len, format, args);
	va_end(args);
}

/* The first address that a person gave it: not one that it made up itself. */
static bool address_of(const char *name, char *text, size_t size)
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all))
		return false;
	for (struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
		if (!i->ifa_addr || strcmp(i->ifa_name, name))
			continue;
		if (i->ifa_addr->sa_family == AF_INET) {
			struct sockaddr_in *in = (void *)i->ifa_addr;

			found = inet_ntop(AF_INET, &in->sin_addr, text, size);
		} else if (i->ifa_addr->sa_family == AF_INET6) {
			struct sockaddr_in6 *in = (void *)i->ifa_addr;

			found = !IN6_IS_ADDR_LINKLOCAL(&in->sin6_addr) &&
				inet_ntop(AF_INET6, &in->sin6_addr, text, size);
		}
	}
	freeifaddrs(all);
	return found;
}

static void use_interface(struct use *use, const char *device, const char *name)
{
	char state[16], master[SYSFS_NAME_LEN], address[INET6_ADDRSTRLEN];
	bool has = address_of(name, address, sizeof(address));

	sysfs_read(state, sizeof(state), PCI "%s/net/%s/operstate", device,
		   name);
	sysfs_link(master, sizeof(master), PCI "%s/net/%s/master", device,
		   name);
	if (*master)
		add(use, "%s is part of %s", name, master);
	else if (has)
		add(use, "%s has the address %s", name, address);
	else if (!strcmp(state, "up"))
		add(use, "%s is up", name);
}

/* A name of mountinfo or swaps, "/dev/sda1", or a number, "8:1". */
static bool mentioned(const char *file, const char *number, const char *name)
{
	char words[2][SYSFS_NAME_LEN + 16], *line = NULL;
	bool found = false;
	size_t room = 0;
	FILE *f = sysfs_open(file);

	snprintf(words[0], sizeof(words[0]), " %s ", number);
	snprintf(words[1], sizeof(words[1]), "/dev/%s ", name);
	while (f && !found && getline(&line, &room, f) > 0)
		found = (*number && strstr(line, words[0])) ||
			!strncmp(line, words[1], strlen(words[1])) ||
			(strstr(line, words[1]) &&
			 strstr(line, words[1])[-1] == ' ');
	free(line);
	if (f)
		fclose(f);
	return found;
}

static void use_disk(struct use *use, const char *name)
{
	struct sysfs_list above =
		sysfs_list("/sys/class/block/%s/holders", name);
	char number[32];

	sysfs_read(number, sizeof(number), "/sys/class/block/%s/dev", name);
	/* Of init too: this process may not see all mounts. */
	if (mentioned("/proc/self/mountinfo", number, name) ||
	    mentioned("/proc/1/mountinfo", number, name))
		add(use, "%s is mounted", name);
	else if (mentioned("/proc/swaps", "", name))
		add(use, "%s is swapped to", name);
	else if (above.count)
		add(use, "%s is part of %s", name, above.names[0]);
	sysfs_list_free(&above);
}

/* Disks of several paths are seen by another name: nvme0c1n1 is a path of
 * nvme0n1.
 */
static void visible_name(char *name)
{
	int disk, path, space;

	if (sscanf(name, "nvme%dc%dn%d", &disk, &path, &space) == 3)
		snprintf(name, SYSFS_NAME_LEN, "nvme%dn%d", disk, space);
}

static void use_disks(struct use *use, const char *device)
{
	struct sysfs_list all = sysfs_list("/sys/class/block");
	char part[SYSFS_NAME_LEN + 2], target[PATH_MAX], head[SYSFS_NAME_LEN];

	snprintf(part, sizeof(part), "/%s/", device);
	for (size_t i = 0; i < all.count; i++) {
		if (!sysfs_resolve(target, "/sys/class/block/%s",
				   all.names[i]) ||
		    !strstr(target, part))
			continue;
		memcpy(head, all.names[i], sizeof(head));
		visible_name(head);
		/* With its partitions, which are not below a path. */
		for (size_t k = 0; k < all.count; k++)
			if (!strcmp(all.names[k], head) ||
			    (strcmp(head, all.names[i]) &&
			     !strncmp(all.names[k], head, strlen(head)) &&
			     all.names[k][strlen(head)] == 'p'))
				use_disk(use, all.names[k]);
	}
	sysfs_list_free(&all);
}

bool use_of(const char *device, char *what, size_t size)
{
	struct sysfs_list net = sysfs_list(PCI "%s/net", device);
	struct use use = {.text = what, .size = size};

	what[0] = '\0';
	for (size_t i = 0; i < net.count; i++)
		use_interface(&use, device, net.names[i]);
	sysfs_list_free(&net);
	use_disks(&use, device);
	return *what;
}
