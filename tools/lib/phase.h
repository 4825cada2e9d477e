/* SPDX-License-Identifier: GPL-2.0-only */
/* What a task that maps memory is doing just now. */
#ifndef VFIOSCOPE_PHASE_H
#define VFIOSCOPE_PHASE_H

#include <sys/types.h>

/* "fault", "pin", "iommu" or "lock"; NULL: its kernel stack does not tell. */
const char *phase_of_task(pid_t tgid, pid_t tid);

#endif /* VFIOSCOPE_PHASE_H */
