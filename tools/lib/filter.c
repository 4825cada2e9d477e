// SPDX-License-Identifier: GPL-2.0-only
/* -p, -g, -d and --cgroup: what the user wants to see. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filter.h"
#include "names.h"

int filter_group_of(const char *device)
{
	char pattern[512], target[512];
	int group = -1;
	ssize_t len;
	glob_t g;

	if (strchr(device, '/') || strpbrk(device, "*?["))
		return -1;
	snprintf(pattern, sizeof(pattern), "/sys/bus/*/devices/%s/iommu_group",
		 device);
	if (glob(pattern, 0, NULL, &g))
		return -1;
	len = readlink(g.gl_pathv[0], target, sizeof(target) - 1);
	if (len > 0) {
		target[len] = '\0';
		group = atoi(strrchr(target, '/') + 1);
	}
	globfree(&g);
	return group;
}

bool filter_set_device(struct filter *filter, const char *device)
{
	filter->device = device;
	filter->device_group = filter_group_of(device);
	return filter->device_group >= 0;
}

void filter_set_cgroup(struct filter *filter, const char *path)
{
	static const char mount[] = "/sys/fs/cgroup";

	if (!strncmp(path, mount, sizeof(mount) - 1))
		path += sizeof(mount) - 1;
	while (*path == '/')
		path++;
	filter->cgroup = path;
}

static bool has_group(const int *groups, size_t count, int group)
{
	for (size_t i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return false;
}

bool filter_match(const struct filter *filter, pid_t pid, const int *groups,
		  size_t count)
{
	if (filter->pid && filter->pid != pid)
		return false;
	if (filter->group >= 0 && !has_group(groups, count, filter->group))
		return false;
	if (filter->device_group >= 0 &&
	    !has_group(groups, count, filter->device_group))
		return false;
	if (filter->cgroup && !names_in_cgroup(pid, filter->cgroup))
		return false;
	return true;
}
