/* SPDX-License-Identifier: GPL-2.0-only */
/* How long a process ran, and so, under -icount shift=0, how many instructions
 * it executed: there one takes a nanosecond.
 */
#ifndef _SELFTESTS_BENCH_RAN_H
#define _SELFTESTS_BENCH_RAN_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../lib/vfio.h"

/* In the kernel and outside, of its first thread; pid 0: of nobody. */
static inline uint64_t ran_ns(pid_t pid)
{
	unsigned long long ns;
	char path[64];
	FILE *f;

	if (!pid)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		vfio_die("%s: %m", path);
	fclose(f);
	return ns;
}

#endif /* _SELFTESTS_BENCH_RAN_H */
