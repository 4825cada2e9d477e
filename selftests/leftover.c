// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fails when something of vfio is left in use: a page that is pinned, or a group
 * that cannot be opened. Closing may finish in another task, so it waits a
 * little first.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/proc.h"
#include "lib/vfio.h"

static int check_groups(void)
{
	DIR *dir = opendir("/dev/vfio");
	struct dirent *entry;
	int bad = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		char *end;
		long number = strtol(entry->d_name, &end, 10);
		int fd;

		if (*end || end == entry->d_name)
			continue;
		fd = vfio_group_open_wait(number, 2000);
		if (fd < 0) {
			printf("# left: group %ld cannot be opened, errno %d\n",
			       number, -fd);
			bad = 1;
		} else {
			close(fd);
		}
	}
	closedir(dir);
	return bad;
}

int main(void)
{
	int bad = check_groups();

	if (!pinned_settles(0)) {
		printf("# left: %ld pinned pages\n", pinned_pages());
		bad = 1;
	}
	return bad;
}
