// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a task that maps memory is doing just now, told by its kernel stack.
 *
 * The innermost frame that is known decides: zeroing a page is below faulting
 * it in, and that is below pinning. A task that runs on a CPU at the moment of
 * the look may show nothing, or what it did a moment ago.
 */
#include <stdio.h>
#include <string.h>

#include "phase.h"

static const struct {
	const char *part; /* of a function's name */
	const char *phase;
} frames[] = {
	{"mutex_lock", "lock"},
	{"rwsem_down", "lock"},
	{"down_read", "lock"},
	{"down_write", "lock"},
	{"clear_huge_page", "fault"},
	{"clear_page", "fault"},
	{"folio_zero", "fault"},
	{"handle_mm_fault", "fault"},
	{"alloc_pages", "fault"},
	{"hugetlb_fault", "fault"},
	{"faultin_page", "fault"},
	{"iommu_map", "iommu"},
	{"pin_user_pages", "pin"},
	{"get_user_pages", "pin"},
	{"gup_", "pin"},
};

static const char *known(const char *line)
{
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		if (strstr(line, frames[i].part))
			return frames[i].phase;
	return NULL;
}

const char *phase_of_task(pid_t tgid, pid_t tid)
{
	const char *phase = NULL;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stack", tgid, tid);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	while (!phase && fgets(line, sizeof(line), f))
		phase = known(line);
	fclose(f);
	return phase;
}
