/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel as bpf/holders.bpf.c sees it; for holders.c. */
#ifndef VFIOSCOPE_HOLDERS_LOOK_H
#define VFIOSCOPE_HOLDERS_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../bpf/holders.h"

struct holders_bpf;

struct look {
	struct holders_bpf *bpf;
	struct hold_file *files; /* everybody's that matter */
	size_t count, room;
};

/* Loads the programs and looks at all files. Negative: cannot, it was said. */
int look_open(struct look *look);
/* Memory in which this device is mapped though no process has it. Negative: no
 * memory here.
 */
int look_memory(struct look *look, uint64_t device);
/* After that: kernel threads that work in memory with a device mapped. */
int look_sharers(struct look *look);
void look_close(struct look *look);

/* The entry after @step->at, which is 0 at first; false: there is none. An entry
 * that is none of what is looked for has found 0.
 */
bool look_next(struct look *look, struct hold_next *step);
/* False: what was asked about is not (any more) what it was taken for. */
bool look_group(struct look *look, struct hold_group *group);
bool look_device(struct look *look, struct hold_device *device);
bool look_lock(struct look *look, struct hold_lock *lock);
bool look_file(struct look *look, struct hold_file *file);

#endif /* VFIOSCOPE_HOLDERS_LOOK_H */
