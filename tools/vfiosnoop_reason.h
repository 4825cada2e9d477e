/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a call failed, looked up when its event comes: in the memory of the
 * process, in sysfs, in the kernel's log. What is there no more, or was changed
 * meanwhile, gives no reason: then the usual ones are named (lib/explain.h).
 */
#ifndef VFIOSCOPE_VFIOSNOOP_REASON_H
#define VFIOSCOPE_VFIOSNOOP_REASON_H

#include <stdbool.h>
#include <stddef.h>

#include "../bpf/record.h"

/* @groups: those of the event's container, or the one that it is about. */
bool snoop_reason_find(const struct record *r, int error, const int *groups,
		       size_t count, char *buf, size_t size);
/* Of memory that could not be pinned. */
bool snoop_reason_memory(const struct record *r, char *buf, size_t size);

#endif /* VFIOSCOPE_VFIOSNOOP_REASON_H */
