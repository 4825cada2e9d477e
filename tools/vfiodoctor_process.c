// SPDX-License-Identifier: GPL-2.0-only
/* vfiodoctor's checks of a process: what it may lock, and how often map. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/memlock.h"
#include "lib/names.h"
#include "vfiodoctor.h"

#define MIB	    (double)(1 << 20)
#define ENTRY_LIMIT "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"
#define NEARLY	    0.9

static void fix_memlock(struct doctor *d, int64_t wanted)
{
	if (d->pid)
		doctor_fix(d, "prlimit --pid %d --memlock=%lld", d->pid,
			   (long long)wanted);
	else
		doctor_fix(d, "ulimit -l %lld",
			   (long long)(wanted + 1023) / 1024);
	doctor_fix(d, "# for good: LimitMEMLOCK= of its systemd unit, or "
		      "limits.conf");
}

/* What is pinned for devices is charged like mlock(), once a container. */
static void check_memlock(struct doctor *d)
{
	struct memlock m;
	int64_t needed, left;

	if (!memlock_read(&m, d->pid ?: getpid())) {
		doctor_say(d, errno == EPERM ? DOCTOR_NA : DOCTOR_FAIL,
			   "pid %d: %s", d->pid, strerror(errno));
		return;
	}
	left = memlock_left(&m);
	if (left < 0) {
		doctor_say(d, DOCTOR_OK, "no limit%s, %.1f MiB locked",
			   m.ipc_lock ? " (CAP_IPC_LOCK)" : "", m.locked / MIB);
		return;
	}
	if (d->memory <= 0) {
		doctor_say(d, DOCTOR_OK,
			   "%.1f MiB, %.1f of it locked; --memory SIZE "
			   "compares it with a guest's",
			   m.limit / MIB, m.locked / MIB);
		return;
	}
	/* The guest of a process that has it locked needs no more. */
	needed = d->memory_by_pid && m.locked >= d->memory ? 0 : d->memory;
	if (needed <= left) {
		doctor_say(d, DOCTOR_OK,
			   "%.1f MiB, %.1f of it locked, %.1f more needed",
			   m.limit / MIB, m.locked / MIB, needed / MIB);
		return;
	}
	doctor_say(d, DOCTOR_FAIL,
		   "%.1f MiB needed, RLIMIT_MEMLOCK is %.1f, %.1f of it is "
		   "locked already: mapping fails (ENOMEM)",
		   needed / MIB, m.limit / MIB, m.locked / MIB);
	fix_memlock(d, m.locked + needed);
}

static bool concerns(const struct doctor *d, const struct container *c)
{
	if (d->pid)
		return c->pid == d->pid;
	for (size_t i = 0; d->group >= 0 && i < c->group_count; i++)
		if (c->groups[i] == d->group)
			return true;
	return d->group < 0;
}

/* The limit of a container is that of the time when it was made. */
static void check_entries(struct doctor *d)
{
	int64_t limit = sysfs_number(ENTRY_LIMIT), count = 0;

	if (limit < 0) {
		doctor_say(d, DOCTOR_NA, "vfio_iommu_type1 is not loaded");
		return;
	}
	if (d->blind) {
		doctor_say(d, DOCTOR_NA, "%lld for new containers; %s",
			   (long long)limit, d->blind);
		return;
	}
	doctor_say(d, DOCTOR_OK, "%lld for new containers, none is in use",
		   (long long)limit);
	for (size_t i = 0; i < d->held.count; i++) {
		const struct container *c = &d->held.list[i];
		struct snap_survey survey = {
			.container_ptr = c->ptr, .container = c->id, .walk = 1};
		long long used, all;

		if (!concerns(d, c) || snapshot_survey(&d->snapshot, &survey) ||
		    !survey.ok || !survey.has_maps || !survey.has_avail)
			continue;
		used = survey.maps;
		all = survey.maps + survey.dma_avail;
		if (!count++)
			doctor_say(d, DOCTOR_OK,
				   "pid %d (%s) uses %lld of %lld mappings",
				   c->pid, c->comm, used, all);
		if (survey.dma_avail && used < all * NEARLY)
			continue;
		doctor_say(d, survey.dma_avail ? DOCTOR_WARN : DOCTOR_FAIL,
			   "pid %d (%s) uses %lld of %lld mappings%s", c->pid,
			   c->comm, used, all,
			   survey.dma_avail ? "" : ": mapping fails (ENOSPC)");
		doctor_fix(d, "echo %lld >" ENTRY_LIMIT,
			   all * 2 > 65535 ? all * 2 : 65535);
		doctor_fix(d,
			   "# and start pid %d anew: it is for containers "
			   "that are made from then on",
			   c->pid);
		return;
	}
}

const struct doctor_check doctor_process_checks[] = {
	{"arguments", doctor_check_arguments},
	{"memlock", check_memlock},
	{"entries", check_entries},
	{},
};
