// SPDX-License-Identifier: GPL-2.0-only
/* Mediated devices in sysfs. */
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mdev.h"
#include "lib/vfio.h"

int __mdev_create(const char *parent, const char *type, const char *uuid)
{
	char path[160];

	snprintf(path, sizeof(path), MDEV_PARENTS "%s" MDEV_TYPES "%s/create",
		 parent, type);
	return __vfio_write_file(path, uuid);
}

int __mdev_remove(const char *uuid)
{
	char path[128];

	snprintf(path, sizeof(path), MDEV_DEVICES "%s/remove", uuid);
	return __vfio_write_file(path, "1");
}

int mdev_available(const char *parent, const char *type)
{
	char path[160];

	snprintf(path, sizeof(path),
		 MDEV_PARENTS "%s" MDEV_TYPES "%s/available_instances", parent,
		 type);
	return atoi(sysfs_read(path));
}

bool mdev_exists(const char *uuid)
{
	char path[128];

	snprintf(path, sizeof(path), MDEV_DEVICES "%s", uuid);
	return access(path, F_OK) == 0;
}

const char *sysfs_read(const char *path)
{
	static char text[256];
	FILE *f = fopen(path, "re");

	text[0] = '\0';
	if (f && fgets(text, sizeof(text), f))
		text[strcspn(text, "\n")] = '\0';
	if (f)
		fclose(f);
	return text;
}

int sysfs_entries(const char *path)
{
	DIR *dir = opendir(path);
	int count = -2;

	if (!dir)
		return -1;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

bool sysfs_leads_to(const char *link, const char *name)
{
	char target[256];
	ssize_t len = readlink(link, target, sizeof(target) - 1);

	if (len < 0)
		return false;
	target[len] = '\0';
	return !strcmp(strrchr(target, '/') + 1, name);
}

bool ends_within(pid_t child, int ms, int *status)
{
	while (!waitpid(child, status, WNOHANG)) {
		if (!ms--)
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}
