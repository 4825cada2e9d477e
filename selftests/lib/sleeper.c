// SPDX-License-Identifier: GPL-2.0-only
/* Windows of races, held open by vfio_testsleeper. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/sleeper.h"
#include "lib/vfio.h"

#define DEVICE "/dev/vfio_testsleeper"

int __sleeper_open(const char *function, unsigned int ms, unsigned int every,
		   const char *comm)
{
	char line[200];
	int fd;

	if (access(DEVICE, F_OK) && system("modprobe vfio_testsleeper"))
		vfio_die("no module vfio_testsleeper");
	fd = vfio_must(open(DEVICE, O_RDWR | O_CLOEXEC));
	snprintf(line, sizeof(line), "%s %u %u %s", function, ms, every,
		 comm ?: "");
	if (write(fd, line, strlen(line)) < 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	return fd;
}

int sleeper_open(const char *function, unsigned int ms, unsigned int every,
		 const char *comm)
{
	int fd = __sleeper_open(function, ms, every, comm);

	if (fd < 0)
		vfio_die("no window at %s: errno %d", function, -fd);
	return fd;
}

void sleeper_arm_again(int *sleeper, const char *function, unsigned int ms,
		       unsigned int every, const char *comm)
{
	int next = sleeper_open(function, ms, every, comm);

	sleeper_close(sleeper);
	*sleeper = next;
}

void sleeper_go(int sleeper)
{
	vfio_must(write(sleeper, "go", 2));
}

void sleeper_close(int *sleeper)
{
	/* A child may have the fd too. */
	if (*sleeper >= 0)
		sleeper_go(*sleeper);
	vfio_close(sleeper);
}

void sleeper_call_me(const char *comm)
{
	prctl(PR_SET_NAME, comm);
}

struct sleeper_counts sleeper_counts(int sleeper)
{
	struct sleeper_counts counts;
	char text[80] = "";

	if (pread(sleeper, text, sizeof(text) - 1, 0) < 0 ||
	    sscanf(text, "calls %d waited %d waiting %d", &counts.calls,
		   &counts.waited, &counts.waiting) != 3)
		vfio_die("a sleeper that says \"%s\"", text);
	return counts;
}

bool sleeper_waits(int sleeper, int tasks)
{
	for (int ms = 0; ms < 60000; ms++) {
		if (sleeper_counts(sleeper).waiting >= tasks)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}
