/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The time as the kernel's events have it: nanoseconds in one number.
 */
#ifndef VFIOSCOPE_CLOCK_H
#define VFIOSCOPE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S  1000000000ULL
#define NS_PER_MS 1000000ULL

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* CLOCK_MONOTONIC, the clock of every event. */
static inline uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

#endif /* VFIOSCOPE_CLOCK_H */
