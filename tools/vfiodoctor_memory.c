// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiodoctor: whether there is memory for a guest. A device may write to all of
 * it at any time, so all of it is there from the start: none is swapped out, none
 * is given later. What has it is the host, the pool of huge pages, or the memory
 * cgroup that the process is in, with those above it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cgroups.h"
#include "lib/outside.h"
#include "vfiodoctor.h"

#define GIB  (double)(1 << 30)
#define HUGE "/sys/kernel/mm/hugepages/hugepages-%lldkB/"

/* "MemAvailable:  123 kB" of a file of /proc, in bytes; -1: it has none. */
static int64_t field(FILE *f, const char *name)
{
	size_t room = 0, len = strlen(name);
	char *line = NULL;
	int64_t kib = -1;

	while (f && kib < 0 && getline(&line, &room, f) > 0)
		if (!strncmp(line, name, len) && line[len] == ':')
			kib = strtoll(line + len + 1, NULL, 10);
	free(line);
	if (f)
		fclose(f);
	return kib < 0 ? -1 : kib << 10;
}

/* What the process has of its guest's memory by now. */
static int64_t has_already(const struct doctor *d, const char *what)
{
	char path[64];

	if (!d->memory_by_pid)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/status", d->pid);
	return field(fopen(path, "re"), what);
}

static int64_t needed(const struct doctor *d, const char *what)
{
	int64_t has = has_already(d, what);

	if (has < 0)
		has = 0;
	return has < d->memory ? d->memory - has : 0;
}

static int64_t number(const char *file, long long kib)
{
	int64_t n = sysfs_number(HUGE "%s", kib, file);

	return n < 0 ? 0 : n;
}

/* Pages of the pool that nobody has, or could come if they were asked for. */
static void check_huge(struct doctor *d)
{
	long long kib = d->guest.huge_page >> 10, free_pages, more;
	int64_t want = needed(d, "HugetlbPages");

	want = (want + d->guest.huge_page - 1) / d->guest.huge_page;
	free_pages =
		number("free_hugepages", kib) - number("resv_hugepages", kib);
	more = number("nr_overcommit_hugepages", kib) -
	       number("surplus_hugepages", kib);
	if (free_pages + more >= want) {
		doctor_say(d, DOCTOR_OK,
			   "%lld huge pages of %lld KiB free, "
			   "%lld more needed",
			   free_pages + more, kib, (long long)want);
		return;
	}
	doctor_say(d, DOCTOR_FAIL,
		   "%lld more huge pages of %lld KiB needed, %lld of %lld are "
		   "free: the guest does not start, or mapping fails (EFAULT)",
		   (long long)want, kib, free_pages,
		   (long long)number("nr_hugepages", kib));
	doctor_fix(d, "echo %lld >" HUGE "nr_hugepages",
		   (long long)(number("nr_hugepages", kib) + want - free_pages),
		   kib);
	doctor_fix(d, "# for good, and before memory is in pieces: hugepagesz= "
		      "and hugepages= on the kernel's command line");
}

/* v1 and v2 have the same by other names. */
struct files {
	const char *limit, *used, *cache;
};

static const struct files files[] = {
	{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache"},
	{"memory.max", "memory.current", "file"},
};

static int64_t read_bytes(const struct cgroup *group, const char *file)
{
	char path[2 * PATH_MAX + 64], text[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s%s/%s", group->mount, group->path,
		 file);
	f = fopen(path, "re");
	if (f && !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	return *text >= '0' && *text <= '9' ? strtoll(text, NULL, 10) : -1;
}

/* Memory of files that the group could drop. */
static int64_t read_cache(const struct cgroup *group, const char *name)
{
	char path[2 * PATH_MAX + 64], *line = NULL;
	size_t room = 0, len = strlen(name);
	int64_t bytes = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s%s/memory.stat", group->mount,
		 group->path);
	f = fopen(path, "re");
	while (f && getline(&line, &room, f) > 0)
		if (!strncmp(line, name, len) && line[len] == ' ')
			bytes = strtoll(line + len, NULL, 10);
	free(line);
	if (f)
		fclose(f);
	return bytes;
}

/* A limit that is met exactly is passed by the next page of anything else. */
#define SPARE (16LL << 20)

static void judge_group(struct doctor *d, const struct cgroup *group,
			int64_t want)
{
	const struct files *f = &files[group->v2];
	int64_t limit = read_bytes(group, f->limit);
	int64_t used = read_bytes(group, f->used);
	int64_t room;
	char name[256], path[2 * PATH_MAX + 64];

	/* v1 says "none" by a number that no machine has. */
	if (limit < 0 || limit >= INT64_MAX / 2 || used < 0)
		return;
	room = limit - used + read_cache(group, f->cache);
	if (want <= room)
		return;
	snprintf(name, sizeof(name), "%.255s",
		 *group->path ? group->path : "/");
	outside_clean(name);
	doctor_also(d, DOCTOR_FAIL,
		    "%.2f GiB more needed, its memory cgroup %s may have %.2f "
		    "GiB and has %.2f: the kernel kills the process",
		    want / GIB, name, limit / GIB, used / GIB);
	snprintf(path, sizeof(path), "%s%s/%s", group->mount, group->path,
		 f->limit);
	if (outside_word(OUTSIDE_PATH, path))
		doctor_fix(d, "echo %lld >%s", (long long)(used + want + SPARE),
			   path);
	doctor_fix(d, "# for good: MemoryMax= of its unit, memtune's "
		      "hard_limit of libvirt, limits of its pod");
}

static void check_cgroups(struct doctor *d, int64_t want)
{
	static const char *const controllers[] = {"memory", NULL};
	struct cgroup group;

	for (int i = 0; i < 2; i++) {
		if (cgroup_find(&group, d->pid, controllers[i]) != CGROUP_FOUND)
			continue;
		do {
			judge_group(d, &group, want);
		} while (cgroup_up(&group));
	}
}

void doctor_check_memory(struct doctor *d)
{
	int64_t available, want;

	if (d->memory <= 0) {
		doctor_say(d, DOCTOR_UNASKED, "nothing");
		return;
	}
	if (d->guest.huge_page) {
		check_huge(d);
		return;
	}
	want = needed(d, "VmRSS");
	available = field(sysfs_open("/proc/meminfo"), "MemAvailable");
	if (available < 0) {
		doctor_say(d, DOCTOR_NA, "/proc/meminfo has no MemAvailable");
		return;
	}
	doctor_say(d, DOCTOR_OK, "%.2f GiB available, %.2f more needed",
		   available / GIB, want / GIB);
	if (want > available) {
		doctor_say(d, DOCTOR_FAIL,
			   "%.2f GiB more needed, %.2f are available: all of a "
			   "guest's memory is there while it has a device "
			   "(ENOMEM, or the kernel kills)",
			   want / GIB, available / GIB);
		doctor_fix(d,
			   "# a smaller guest (at most %.1f GiB), or fewer "
			   "of them",
			   (d->memory - want + available) / GIB);
	}
	check_cgroups(d, want);
}
