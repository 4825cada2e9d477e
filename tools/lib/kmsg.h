/* SPDX-License-Identifier: GPL-2.0-only */
/* IOMMU faults, as the kernel's log tells them. */
#ifndef VFIOSCOPE_KMSG_H
#define VFIOSCOPE_KMSG_H

#include <stdbool.h>
#include <stdint.h>

struct kmsg_fault {
	/* CLOCK_MONOTONIC, within what a log line takes; of an old one within what
	 * the two clocks have gone apart since then.
	 */
	uint64_t ts_ns;
	char device[32];
	uint64_t address;
	bool write;
	char reason[64];     /* in the driver's words, may be empty */
	uint64_t suppressed; /* not 0: so many were not logged, nothing else */
};

/* The log from its end or, if @all, from its beginning; negative: an errno. */
int kmsg_open(bool all);
/* The next fault that is in the log; false: none yet. @lost counts messages
 * that were overwritten before they could be read.
 */
bool kmsg_next(int fd, struct kmsg_fault *fault, uint64_t *lost);

#endif /* VFIOSCOPE_KMSG_H */
