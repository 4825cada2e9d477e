/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a process is in the hierarchies of cgroups, v1's and v2. */
#ifndef VFIOSCOPE_CGROUPS_H
#define VFIOSCOPE_CGROUPS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct cgroup {
	bool v2;
	char mount[PATH_MAX]; /* where the hierarchy is mounted here */
	char path[PATH_MAX];  /* of the group below it, "": the root */
};

enum cgroup_found {
	CGROUP_FOUND,
	CGROUP_NO_HIERARCHY, /* the process is in none that has it */
	CGROUP_OUT_OF_SIGHT, /* it is in one, which cannot be reached here */
};

/* The group of a process under a controller of v1, or, where @controller is
 * NULL, in v2. @pid 0: the caller's.
 */
enum cgroup_found cgroup_find(struct cgroup *group, pid_t pid,
			      const char *controller);
/* Goes to the parent; false: this is the root. */
bool cgroup_up(struct cgroup *group);

#endif /* VFIOSCOPE_CGROUPS_H */
