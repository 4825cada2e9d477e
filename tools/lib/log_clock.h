/* SPDX-License-Identifier: GPL-2.0-only */
/* The clock of the kernel's log, beside that of its events. */
#ifndef VFIOSCOPE_LOG_CLOCK_H
#define VFIOSCOPE_LOG_CLOCK_H

#include <stdint.h>

/* What has to be added to the time of a line that was just logged to have it in
 * CLOCK_MONOTONIC, in ns; 0 where that cannot be known.
 */
int64_t log_clock_lag(void);

#endif /* VFIOSCOPE_LOG_CLOCK_H */
