// SPDX-License-Identifier: GPL-2.0-only
/*
 * What mapping and unmapping cost, counted in the guest's instructions.
 *
 * Under QEMU's -icount shift=0 the TSC advances by a fixed amount an executed
 * instruction; how much is measured first, with a loop of known length, and a
 * clock that does not tick so is refused. What such a count does not see: cache
 * misses, contention, and how long an instruction takes.
 *
 * dma_bench [calls [PID]]: all kinds of memory, or the 4 KiB calls alone. There
 * is one CPU, and a process that listens takes its share of it: what PID ran
 * meanwhile is taken off, and is a line of its own.
 * Lines: name, instructions.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../lib/vfio.h"
#include "ran.h"

#define AREA	   (64UL << 20)
#define CALLS	   10000
#define LOOP	   100000ULL
#define ROUNDS	   9
#define BURST	   100
#define PAUSE_US   20000 /* until a listener has read what there was */
#define AREA_PAGES (AREA / SZ_4K)

static double ticks_per_instruction;

static uint64_t ticks(void)
{
	return __rdtsc();
}

/* Two instructions a round. */
static double loop_once(void)
{
	uint64_t n = LOOP, from = ticks();

	asm volatile("1: dec %0\n\tjnz 1b" : "+r"(n));
	return (ticks() - from) / (2.0 * LOOP);
}

/* Interrupts and other tasks only ever add: the least of many is the loop's. */
static void calibrate(void)
{
	double least = loop_once(), next = 1e9;

	for (int i = 0; i < 100; i++) {
		double took = loop_once();

		if (took < least) {
			next = least;
			least = took;
		} else if (took < next) {
			next = took;
		}
	}
	if (next / least > 1.001)
		vfio_die("the TSC does not count instructions (%.4f, %.4f): "
			 "run with --icount",
			 least, next);
	ticks_per_instruction = least;
}

static void report(const char *name, uint64_t from, uint64_t to, double units)
{
	printf("%s %.3f\n", name, (to - from) / ticks_per_instruction / units);
}

/* Several times, for the median: an interrupt is a percent of some of them. */
static void one_area(int container, char *mem, const char *kind)
{
	char name[64];
	uint64_t t0, t1, t2;

	for (int i = 0; i < ROUNDS; i++) {
		t0 = ticks();
		vfio_map(container, mem, 0, AREA);
		t1 = ticks();
		vfio_unmap(container, 0, AREA);
		t2 = ticks();
		snprintf(name, sizeof(name), "map-%s", kind);
		report(name, t0, t1, AREA_PAGES);
		snprintf(name, sizeof(name), "unmap-%s", kind);
		report(name, t1, t2, AREA_PAGES);
	}
}

/* Pages touched in an order that leaves hardly two of them contiguous. */
static char *scattered(void)
{
	char *mem = mmap(NULL, AREA, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED || madvise(mem, AREA, MADV_NOHUGEPAGE))
		vfio_die("no memory: %m");
	for (size_t i = 0, at = 0; i < AREA_PAGES; i++) {
		mem[at * SZ_4K] = 1;
		at = (at + 7919) % AREA_PAGES;
	}
	return mem;
}

static char *huge(int flags)
{
	char *mem;

	if (flags)
		mem = mmap(NULL, AREA, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	else
		mem = vfio_memory_aligned(AREA, SZ_2M);
	if (mem == MAP_FAILED || madvise(mem, flags ? 0 : AREA, MADV_HUGEPAGE))
		vfio_die("no huge pages: %m");
	memset(mem, 1, AREA);
	return mem;
}

/* What calls of one kind cost so far. */
struct tally {
	uint64_t ticks;
	uint64_t ran; /* by the listener, within ticks */
	uint64_t listener_ran;
};

static void calls(struct tally *t, pid_t listener, int container, char *mem,
		  uint64_t first, uint64_t count)
{
	uint64_t ran = ran_ns(listener), from = ticks();

	for (uint64_t i = first; i < first + count; i++)
		if (mem)
			vfio_map(container, mem, i * 2 * SZ_4K, SZ_4K);
		else
			vfio_unmap(container, i * 2 * SZ_4K, SZ_4K);
	t->ticks += ticks() - from;
	t->ran += ran_ns(listener) - ran;
	usleep(PAUSE_US);
	t->listener_ran += ran_ns(listener) - ran;
}

static void report_calls(const char *name, const struct tally *t,
			 pid_t listener)
{
	printf("%s-call %.3f\n", name,
	       (t->ticks / ticks_per_instruction - t->ran) / CALLS);
	if (listener)
		printf("%s-listener %.3f\n", name,
		       (double)t->listener_ran / CALLS);
}

/* So many maps, then their unmaps, and again. A listener gets no more of them at
 * once than its buffer has room for: losing an event is cheaper than telling it.
 */
static void small_calls(int container, pid_t listener, uint64_t at_once)
{
	char *mem = vfio_memory(SZ_4K, 0);
	struct tally map = {}, unmap = {};

	for (uint64_t i = 0; i < CALLS; i += at_once) {
		calls(&map, listener, container, mem, i, at_once);
		calls(&unmap, listener, container, NULL, i, at_once);
	}
	report_calls("map", &map, listener);
	report_calls("unmap", &unmap, listener);
}

int main(int argc, char **argv)
{
	struct vfio_space space;

	calibrate();
	vfio_space_open(&space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	/* Caches of the kernel's allocators are filled by the first round. */
	if (argc > 1 && !strcmp(argv[1], "calls")) {
		small_calls(space.container, argc > 2 ? atoi(argv[2]) : 0,
			    BURST);
	} else {
		one_area(space.container, scattered(), "scattered");
		one_area(space.container, huge(0), "thp");
		one_area(space.container, huge(MAP_HUGETLB), "hugetlb");
		small_calls(space.container, 0, CALLS);
	}
	vfio_space_close(&space);
	return 0;
}
