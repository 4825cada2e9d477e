/* SPDX-License-Identifier: GPL-2.0-only */
/* Which groups are, or were last, in which container: events on DMA tell the
 * container alone.
 */
#ifndef VFIOSCOPE_MEMBERS_H
#define VFIOSCOPE_MEMBERS_H

#include <stddef.h>
#include <stdint.h>

#include "snapshot.h"

#define MEMBERS_MAX 1024 /* groups that are remembered */

struct members {
	struct {
		uint32_t container;
		int group;
	} list[MEMBERS_MAX];
	size_t count;
};

void members_add(struct members *members, uint32_t container, int group);
void members_take(struct members *members, const struct snapshot *snapshot);
/* The container has gone. */
void members_forget(struct members *members, uint32_t container);
/* The container's groups, at most @max; how many. */
size_t members_of(const struct members *members, uint32_t container,
		  int *groups, size_t max);

#endif /* VFIOSCOPE_MEMBERS_H */
