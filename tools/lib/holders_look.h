/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel as bpf/holders.bpf.c sees it; for holders.c. */
#ifndef VFIOSCOPE_HOLDERS_LOOK_H
#define VFIOSCOPE_HOLDERS_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../bpf/holders.h"
#include "index.h"

struct holders_bpf;

#define LOOK_MODULES 4

struct held_look {
	struct holders_bpf *bpf;
	ino_t modules[LOOK_MODULES]; /* that the programs were loaded for */
	struct hold_file *files;     /* everybody's that matter */
	size_t count, room;
	struct index mapped; /* memory that has a device mapped */
};

/* Looks at all files. Loads the programs when they are not, or when modules came or
 * went since: that takes some 200 times as long as a look. Negative: cannot, it was
 * said; without programs the next one loads them again.
 */
int look_files(struct held_look *look);
/* Memory in which this device is mapped though no process has it. Negative: no
 * memory here.
 */
int look_memory(struct held_look *look, uint64_t device);
/* After that: kernel threads that work in memory with a device mapped. */
int look_sharers(struct held_look *look);
void look_close(struct held_look *look);

/* The entry after @step->at, which is 0 at first; false: there is none. An entry
 * that is none of what is looked for has found 0.
 */
bool look_next(struct held_look *look, struct hold_next *step);
/* False: what was asked about is not (any more) what it was taken for. */
bool look_group(struct held_look *look, struct hold_group *group);
bool look_device(struct held_look *look, struct hold_device *device);
bool look_lock(struct held_look *look, struct hold_lock *lock);
bool look_file(struct held_look *look, struct hold_file *file);

#endif /* VFIOSCOPE_HOLDERS_LOOK_H */
