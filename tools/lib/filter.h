/* SPDX-License-Identifier: GPL-2.0-only */
/* -p, -g, -d and --cgroup: what the user wants to see. */
#ifndef VFIOSCOPE_FILTER_H
#define VFIOSCOPE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct filter {
	pid_t pid;	    /* 0: any */
	int group;	    /* -1: any */
	const char *device; /* -d as it was given, NULL: any */
	int device_group;   /* the group of -d, -1: any */
	const char *cgroup; /* a path below the root, NULL: any */
};

/* The IOMMU group of a device, by its name on any bus; -1: no such device, or it
 * is in none.
 */
int filter_group_of(const char *device);
/* false: as above */
bool filter_set_device(struct filter *filter, const char *device);
/* Accepts a path with and without /sys/fs/cgroup before it. */
void filter_set_cgroup(struct filter *filter, const char *path);
bool filter_match(const struct filter *filter, pid_t pid, const int *groups,
		  size_t count);

#endif /* VFIOSCOPE_FILTER_H */
