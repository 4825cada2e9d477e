// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client whose every figure is known: what the tools are compared with.
 *
 * tools_workload [BDF]: with edu, or with that device.
 *
 * It has two phases and waits for a line on its standard input after each, so
 * that a tool can be started before it, or find what was there already. The
 * counts are primes, so that no two sums of them are alike.
 *
 *	held	23 mappings of 4 KiB and one of 2 MiB, the device open
 *	busy	31 more of 4 KiB and one of 6 MiB; 7 that fail (EEXIST), each
 *		three mappings further; 17 unmapped, so that the last of those
 *		is still in the way; 3 unmaps that find nothing
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "../lib/vfio.h"

#define STEP	(2 * SZ_4K) /* a gap behind each: no two are contiguous */
#define HELD	23
#define MORE	31
#define FAILING 7
#define UNMAPS	17
#define NOTHING 3
#define BIG	(1UL << 30) /* where the large mappings begin */

static void wait_for_line(const char *phase)
{
	puts(phase);
	fflush(stdout);
	if (getchar() == EOF)
		vfio_die("nobody waits for phase %s", phase);
}

static void held(int container, char *small, char *large)
{
	for (int i = 0; i < HELD; i++)
		vfio_map(container, small + i * SZ_4K, i * STEP, SZ_4K);
	vfio_map(container, large, BIG, SZ_2M);
}

static void busy(int container, char *small, char *large)
{
	for (int i = HELD; i < HELD + MORE; i++)
		vfio_map(container, small + i * SZ_4K, i * STEP, SZ_4K);
	for (int i = 0; i < FAILING; i++)
		if (__vfio_map(container, small, 3 * i * STEP, SZ_4K,
			       VFIO_RW) != -EEXIST)
			vfio_die("an overlap was mapped");
	for (int i = 0; i < UNMAPS; i++)
		if (vfio_unmap(container, i * STEP, SZ_4K) != SZ_4K)
			vfio_die("unmap %d did not", i);
	for (int i = 0; i < NOTHING; i++)
		if (vfio_unmap(container, 2 * BIG, SZ_4K) != 0)
			vfio_die("unmapped what is not there");
	vfio_map(container, large + SZ_2M, BIG + SZ_2M, 3 * SZ_2M);
}

int main(int argc, char **argv)
{
	const char *device = argc > 1 ? argv[1] : EDU_BDF;
	struct vfio_space space;
	char *small = vfio_memory((HELD + MORE) * SZ_4K, 0);
	char *large = vfio_memory_aligned(4 * SZ_2M, SZ_2M);

	vfio_space_open(&space, device, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&space);
	held(space.container, small, large);
	wait_for_line("held");
	busy(space.container, small, large);
	wait_for_line("busy");
	vfio_space_close(&space);
	return 0;
}
