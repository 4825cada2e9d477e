/* SPDX-License-Identifier: GPL-2.0-only */
/* What a process has locked and pinned, and how much it may. */
#ifndef VFIOSCOPE_MEMLOCK_H
#define VFIOSCOPE_MEMLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes; negative: not known. */
struct memlock {
	int64_t locked; /* VmLck: what RLIMIT_MEMLOCK is compared with */
	int64_t pinned; /* VmPin: what others than type1 account there */
	int64_t limit;	/* soft RLIMIT_MEMLOCK; negative: none */
	bool ipc_lock;	/* CAP_IPC_LOCK: no limit applies */
};

/* False: there is no such process, or it may not be looked at. */
bool memlock_read(struct memlock *memlock, pid_t pid);
/* What it may lock yet; negative: as much as it likes. */
int64_t memlock_left(const struct memlock *memlock);

#endif /* VFIOSCOPE_MEMLOCK_H */
