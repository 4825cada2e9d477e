/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Windows of races, held open by vfio_testsleeper: a call of a kernel function
 * sleeps before it begins, until it is told to go or its time is over.
 */
#ifndef _SELFTESTS_SLEEPER_H
#define _SELFTESTS_SLEEPER_H

#include <stdbool.h>

/*
 * @function is "MODULE:NAME", as several modules may have one of that name.
 * Calls of it wait for @ms at most: each @every-th of the tasks called
 * @comm (any if NULL), the first alone if @every is 0. The fd, or -ENOENT if the
 * kernel has no function of that name.
 */
int __sleeper_open(const char *function, unsigned int ms, unsigned int every,
		   const char *comm);
int sleeper_open(const char *function, unsigned int ms, unsigned int every,
		 const char *comm);
/* Whoever waits goes on, and may at once come to the next window. */
void sleeper_arm_again(int *sleeper, const char *function, unsigned int ms,
		       unsigned int every, const char *comm);
/* Whoever waits goes on, and nobody waits any more. */
void sleeper_go(int sleeper);
void sleeper_close(int *sleeper);

/* The task that calls this is one of those. */
void sleeper_call_me(const char *comm);

/* Calls by those tasks, and how many of them have waited, and do. */
struct sleeper_counts {
	int calls;
	int waited;
	int waiting;
};
struct sleeper_counts sleeper_counts(int sleeper);
/* Waits, for a minute, until so many tasks wait. */
bool sleeper_waits(int sleeper, int tasks);

#endif /* _SELFTESTS_SLEEPER_H */
