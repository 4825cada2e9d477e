// SPDX-License-Identifier: GPL-2.0-only
/* What a process has locked and pinned, and how much it may. */
#include <stdio.h>
#include <sys/resource.h>

#include "memlock.h"

#define CAP_IPC_LOCK_BIT 14

bool memlock_read(struct memlock *m, pid_t pid)
{
	unsigned long long caps = 0;
	struct rlimit limit;
	char path[64], line[256];
	long long kib;
	FILE *f;

	*m = (struct memlock){.locked = -1, .pinned = -1, .limit = -1};
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "VmLck: %lld", &kib) == 1)
			m->locked = kib * 1024;
		else if (sscanf(line, "VmPin: %lld", &kib) == 1)
			m->pinned = kib * 1024;
		else if (sscanf(line, "CapEff: %llx", &caps) == 1)
			m->ipc_lock = caps & (1ULL << CAP_IPC_LOCK_BIT);
	}
	fclose(f);
	if (prlimit(pid, RLIMIT_MEMLOCK, NULL, &limit))
		return false;
	if (limit.rlim_cur <= INT64_MAX)
		m->limit = limit.rlim_cur;
	return true;
}

int64_t memlock_left(const struct memlock *m)
{
	if (m->ipc_lock || m->limit < 0)
		return -1;
	return m->locked > m->limit ? 0 : m->limit - m->locked;
}
