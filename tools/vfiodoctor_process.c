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

/* Behind a virtual IOMMU QEMU gives each group a container of its own, and what is
 * pinned is charged in each.
 */
static int containers_wanted(const struct doctor *d)
{
	int count = 0, first;

	if (!d->pid || !d->guest.viommu)
		return 1;
	for (int i = 0; i < d->device_count; i++) {
		int group = doctor_group_of(d->devices[i]);

		for (first = 0; doctor_group_of(d->devices[first]) != group;
		     first++)
			;
		count += group >= 0 && first == i;
	}
	return count ?: 1;
}

/* What is to be locked yet; what the process has locked is the guest's. */
static int64_t locked_yet(const struct doctor *d, const struct memlock *m,
			  int containers)
{
	int64_t all = d->memory;

	if (all > INT64_MAX / containers)
		return INT64_MAX;
	all *= containers;
	if (!d->memory_by_pid)
		return all;
	return m->locked < all ? all - m->locked : 0;
}

/* What is pinned for devices is charged like mlock(), once a container. */
static void check_memlock(struct doctor *d)
{
	struct memlock m;
	int containers = containers_wanted(d);
	char why[96] = "";
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
	needed = locked_yet(d, &m, containers);
	if (containers > 1)
		snprintf(why, sizeof(why),
			 " (the guest's memory for each of %d groups: it has a "
			 "virtual IOMMU)",
			 containers);
	if (needed <= left) {
		doctor_say(d, DOCTOR_OK,
			   "%.1f MiB, %.1f of it locked, %.1f more needed%s",
			   m.limit / MIB, m.locked / MIB, needed / MIB, why);
		return;
	}
	doctor_say(d, DOCTOR_FAIL,
		   "%.1f MiB needed, RLIMIT_MEMLOCK is %.1f, %.1f of it is "
		   "locked already: mapping fails (ENOMEM)%s",
		   needed / MIB, m.limit / MIB, m.locked / MIB, why);
	fix_memlock(d, needed < INT64_MAX - m.locked ? m.locked + needed
						     : INT64_MAX);
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
		doctor_fix(d, "# until the next boot; for good: options "
			      "vfio_iommu_type1 dma_entry_limit= in "
			      "/etc/modprobe.d");
		return;
	}
}

const struct doctor_check doctor_process_checks[] = {
	{"arguments", doctor_check_arguments},
	{"memory", doctor_check_memory},
	{"memlock", check_memlock},
	{"entries", check_entries},
	{},
};
