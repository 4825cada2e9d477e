/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where CPUs were seen while they ran a map. A clock of each CPU looks, which
 * costs nothing that depends on how much is mapped; kernel stacks tell what it
 * was.
 */
#ifndef VFIOSCOPE_VFIOLAT_PROFILE_H
#define VFIOSCOPE_VFIOLAT_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run;
struct lat_sums;

struct lat_profile {
	uint64_t faults, pins; /* samples since the last verdict */
};

/* False: it cannot be done here; all but the verdict goes without. */
bool lat_profile_open(struct run *run);
/* Counts what the filter wants. */
void lat_profile_read(struct lat_profile *p, struct run *run,
		      const struct lat_sums *sums);
/* A verdict was on them. Until a map has ended there is none, and its samples
 * wait for it.
 */
void lat_profile_told(struct lat_profile *p);
void lat_profile_close(void);

#endif /* VFIOSCOPE_VFIOLAT_PROFILE_H */
