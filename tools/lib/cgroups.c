// SPDX-License-Identifier: GPL-2.0-only
/* Where a process is in the hierarchies of cgroups, v1's and v2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroups.h"

/* Whether a list with commas between has this word. */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (*list) {
		size_t n = strcspn(list, ",\n");

		if (n == len && !strncmp(list, word, len))
			return true;
		list += n;
		list += *list != '\0';
	}
	return false;
}

/* "4:devices:/pod" of v1, "0::/pod" of v2. */
static bool read_path(struct cgroup *group, pid_t pid, const char *controller)
{
	char name[64], *line = NULL, *list, *path;
	bool found = false;
	size_t room = 0;
	FILE *f;

	if (pid)
		snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	else
		snprintf(name, sizeof(name), "/proc/self/cgroup");
	f = fopen(name, "re");
	while (f && !found && getline(&line, &room, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		list = strchr(line, ':');
		path = list ? strchr(list + 1, ':') : NULL;
		if (!path)
			continue;
		*path++ = '\0';
		found = controller ? has_word(list + 1, controller)
				   : !strcmp(line, "0:");
		if (found)
			snprintf(group->path, sizeof(group->path), "%s",
				 strcmp(path, "/") ? path : "");
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

/* "25 20 0:22 / /sys/fs/cgroup rw - cgroup2 none rw": only a mount of the whole
 * hierarchy has the group under the name that /proc says.
 */
static bool is_mount(char *line, struct cgroup *group, const char *controller)
{
	char root[PATH_MAX], type[64], options[1024];
	char *rest = strstr(line, " - ");

	if (!rest ||
	    sscanf(line, "%*s %*s %*s %4095s %4095s", root, group->mount) !=
		    2 ||
	    sscanf(rest, " - %63s %*s %1023s", type, options) != 2)
		return false;
	/* What has a blank is spelled with a backslash there. */
	if (strcmp(root, "/") || strchr(group->mount, '\\'))
		return false;
	return controller ? !strcmp(type, "cgroup") &&
				    has_word(options, controller)
			  : !strcmp(type, "cgroup2");
}

static bool read_mount(struct cgroup *group, const char *controller)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	bool found = false;
	char *line = NULL;
	size_t room = 0;

	while (f && !found && getline(&line, &room, f) > 0)
		found = is_mount(line, group, controller);
	free(line);
	if (f)
		fclose(f);
	return found;
}

enum cgroup_found cgroup_find(struct cgroup *group, pid_t pid,
			      const char *controller)
{
	group->v2 = !controller;
	if (!read_path(group, pid, controller))
		return CGROUP_NO_HIERARCHY;
	/* A group outside this process' cgroup namespace is "/../..". */
	if (strstr(group->path, "/..") || !read_mount(group, controller))
		return CGROUP_OUT_OF_SIGHT;
	return CGROUP_FOUND;
}

bool cgroup_up(struct cgroup *group)
{
	char *last = strrchr(group->path, '/');

	if (!last)
		return false;
	*last = '\0';
	return true;
}
