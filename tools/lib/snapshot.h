/* SPDX-License-Identifier: GPL-2.0-only */
/* What is there already; bpf/snapshot.bpf.c finds it. */
#ifndef VFIOSCOPE_SNAPSHOT_H
#define VFIOSCOPE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

#include "../../bpf/event.h"

struct snapshot {
	struct snap_record *records;
	size_t count;
	size_t room;
	__u64 taken_ns; /* when, CLOCK_MONOTONIC; the programs were loaded */
	void *bpf;
};

/* Looks at every open file; the records are good until the next call. Loads
 * the programs when they are not. Negative: could not, it was said.
 */
int snapshot_take(struct snapshot *snapshot);
/* The task that is mapping @iova, as far as can be told; false: none is. */
bool snapshot_call(struct snapshot *snapshot, __u64 iova,
		   struct snap_call *call);
/* Asks what a container's backend holds. */
int snapshot_survey(struct snapshot *snapshot, struct snap_survey *survey);
/* After modules came or went, what was known of their insides is void. */
void snapshot_close(struct snapshot *snapshot);

#endif /* VFIOSCOPE_SNAPSHOT_H */
