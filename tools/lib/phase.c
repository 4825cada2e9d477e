// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a task that maps or unmaps memory is doing just now.
 *
 * While it runs it is sampled, some hundred times a second, by a perf event on
 * every CPU (bpf/phase.bpf.c); while it sleeps, /proc/PID/stack tells. Both go by
 * the innermost function that is known: allocating and zeroing a page belongs
 * to the fault, or to the IOMMU's page table, that wanted it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "phase.h"
#include "phase.skel.h"
#include "replay.h"
#include "symbols.h"

#define FREQUENCY 97 /* Hz; not in step with what is done every 10 ms */

static const struct {
	const char *function;
	enum phase phase;
} functions[] = {
	{"handle_mm_fault", PHASE_FAULT},
	{"hugetlb_fault", PHASE_FAULT},
	{"fixup_user_fault", PHASE_FAULT},
	{"unpin_user_page", PHASE_UNPIN},
	{"unpin_user_pages", PHASE_UNPIN},
	{"unpin_user_pages_dirty_lock", PHASE_UNPIN},
	{"unpin_user_page_range_dirty_lock", PHASE_UNPIN},
	{"iommu_map", PHASE_IOMMU},
	{"iommu_map_sg", PHASE_IOMMU},
	{"iommu_unmap", PHASE_IOMMU},
	{"iommu_unmap_fast", PHASE_IOMMU},
	{"iommu_iova_to_phys", PHASE_IOMMU},
	{"intel_iommu_tlb_sync", PHASE_IOMMU},
	{"pin_user_pages_remote", PHASE_PIN},
	{"pin_user_pages_fast", PHASE_PIN},
	{"vfio_pin_pages_remote", PHASE_PIN},
	{"vfio_unpin_pages_remote", PHASE_UNPIN},
	{"__mutex_lock.constprop.0", PHASE_LOCK},
	{"__mutex_lock_slowpath", PHASE_LOCK},
	{"mutex_lock", PHASE_LOCK},
	{"rwsem_down_read_slowpath", PHASE_LOCK},
	{"rwsem_down_write_slowpath", PHASE_LOCK},
};

#define FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

_Static_assert(FUNCTIONS <= PHASE_RANGES, "a range each");

const char *phase_name(enum phase phase)
{
	static const char *const names[PHASES] = {
		[PHASE_FAULT] = "fault", [PHASE_PIN] = "pin",
		[PHASE_UNPIN] = "unpin", [PHASE_IOMMU] = "iommu",
		[PHASE_LOCK] = "lock",
	};

	return names[phase];
}

const char *phase_of_function(const char *name)
{
	for (size_t i = 0; i < FUNCTIONS; i++)
		if (!strcmp(name, functions[i].function))
			return phase_name(functions[i].phase);
	return NULL;
}

/* Those that this kernel has. */
static void find_functions(struct phase_bpf *bpf)
{
	struct symbol symbols[FUNCTIONS];

	for (size_t i = 0; i < FUNCTIONS; i++)
		symbols[i] = (struct symbol){.name = functions[i].function,
					     .module = "vfio_iommu_type1"};
	if (!symbols_find_ends(symbols, FUNCTIONS))
		return;
	for (size_t i = 0; i < FUNCTIONS; i++) {
		struct phase_range range = {
			.begin = symbols[i].address,
			.end = symbols[i].end,
			.phase = functions[i].phase,
		};

		if (range.begin)
			memcpy((void *)&bpf->rodata
				       ->ranges[bpf->rodata->range_count++],
			       &range, sizeof(range));
	}
}

static int open_event(struct phase_bpf *bpf, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_freq = FREQUENCY,
		.freq = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
			 PERF_FLAG_FD_CLOEXEC);

	if (fd >= 0 && (ioctl(fd, PERF_EVENT_IOC_SET_BPF,
			      bpf_program__fd(bpf->progs.sample)) ||
			ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void load(struct phases *p)
{
	struct phase_bpf *bpf = phase_bpf__open();

	p->cpus = sysconf(_SC_NPROCESSORS_CONF);
	p->events = calloc(p->cpus, sizeof(*p->events));
	p->failed = true;
	if (!bpf || !p->events)
		goto out;
	find_functions(bpf);
	if (phase_bpf__load(bpf))
		goto out;
	/* libbpf has parsed all of the kernel's types, and let them go. */
	malloc_trim(0);
	p->bpf = bpf;
	p->failed = false;
	return;
out:
	phase_bpf__destroy(bpf);
}

static void begin(struct phases *p)
{
	if (!p->bpf && !p->failed)
		load(p);
	for (int cpu = 0; p->bpf && cpu < p->cpus; cpu++) {
		int fd = open_event(p->bpf, cpu);

		/* A CPU that is off has none. */
		if (fd >= 0)
			p->events[p->event_count++] = fd;
	}
	p->failed = !p->event_count;
}

/* Who is not asked for any more has a place that another one needs. */
static void forget_watched(struct phases *p)
{
	const struct phase_bpf *bpf = p->bpf;
	int map = bpf_map__fd(bpf->maps.watched);
	uint32_t tid;

	while (!bpf_map_get_next_key(map, NULL, &tid))
		if (bpf_map_delete_elem(map, &tid))
			return;
}

void phases_rest(struct phases *p)
{
	if (p->event_count > 0)
		forget_watched(p);
	while (p->event_count > 0)
		close(p->events[--p->event_count]);
}

void phases_close(struct phases *p)
{
	phases_rest(p);
	free(p->events);
	phase_bpf__destroy(p->bpf);
	memset(p, 0, sizeof(*p));
}

static bool phases_counts(struct phases *p, pid_t tid,
			  struct phase_counts *counts)
{
	struct phase_bpf *bpf = p->bpf;

	return bpf && !bpf_map_lookup_elem(bpf_map__fd(bpf->maps.watched), &tid,
					   counts);
}

/* What was sampled most since the last call, and counts it from zero again. */
static enum phase sampled(struct phases *p, pid_t tid)
{
	struct phase_bpf *bpf = p->bpf;
	struct phase_counts counts = {}, zero = {};
	enum phase most = PHASE_UNKNOWN;

	if (!bpf)
		return PHASE_UNKNOWN;
	phases_counts(p, tid, &counts);
	if (bpf_map_update_elem(bpf_map__fd(bpf->maps.watched), &tid, &zero,
				BPF_ANY) == -E2BIG) {
		forget_watched(p);
		bpf_map_update_elem(bpf_map__fd(bpf->maps.watched), &tid, &zero,
				    BPF_ANY);
	}
	for (int i = PHASE_UNKNOWN + 1; i < PHASES; i++)
		if (counts.samples[i] > counts.samples[most] ||
		    (most == PHASE_UNKNOWN && counts.samples[i]))
			most = i;
	return most;
}

static enum phase known(const char *line)
{
	for (size_t i = 0; i < FUNCTIONS; i++)
		if (strstr(line, functions[i].function))
			return functions[i].phase;
	return PHASE_UNKNOWN;
}

static enum phase asleep(pid_t tgid, pid_t tid)
{
	enum phase phase = PHASE_UNKNOWN;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stack", tgid, tid);
	f = fopen(path, "re");
	if (!f)
		return PHASE_UNKNOWN;
	while (!phase && fgets(line, sizeof(line), f))
		phase = known(line);
	fclose(f);
	return phase;
}

const char *phases_of(struct phases *p, pid_t tgid, pid_t tid)
{
	enum phase running, sleeping;

	if (replay_active())
		return NULL;
	if (!p->event_count && !p->failed)
		begin(p);
	running = sampled(p, tid);
	sleeping = asleep(tgid, tid);
	return phase_name(sleeping ?: running);
}
