/* SPDX-License-Identifier: GPL-2.0-only */
/* What a task that maps or unmaps memory is doing just now. */
#ifndef VFIOSCOPE_LIB_PHASE_H
#define VFIOSCOPE_LIB_PHASE_H

#include <stdbool.h>
#include <sys/types.h>

#include "../../bpf/phase.h"

struct phases {
	void *bpf;
	int *events; /* one a CPU */
	int event_count;
	int cpus;
	bool failed; /* it was tried: sleeping tasks only */
};

/* "fault", "pin", "unpin", "iommu", "lock"; NULL when it cannot be told. What
 * it did most since the last call counts. The first call for a thread begins to
 * sample it.
 */
const char *phases_of(struct phases *phases, pid_t tgid, pid_t tid);
/* Nothing is sampled until the next call; what was loaded stays. */
void phases_rest(struct phases *phases);
void phases_close(struct phases *phases);
const char *phase_name(enum phase phase);
/* What being in this function means; NULL: nothing. */
const char *phase_of_function(const char *name);

#endif /* VFIOSCOPE_LIB_PHASE_H */
