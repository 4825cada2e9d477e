// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client whose device reaches where it may not: IOMMU faults, known in number
 * and kind. Waits for a line on its standard input before each phase.
 *
 *	held	   edu open, a page mapped for reading and writing at IOVA, one for
 *		   reading only behind it
 *	never	   a write to where nothing was mapped
 *	read_only  a write to the page that is for reading only
 *	unmapped   the first page unmapped, then a write to it
 *	flood	   7 writes, or as many as its argument says, to as many places where
 *		   nothing was mapped
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../lib/edu.h"
#include "../lib/vfio.h"

#define IOVA  0x20000000ULL
#define NEVER 0x30000000ULL
#define FLOOD 7

static void wait_for_line(const char *phase)
{
	puts(phase);
	fflush(stdout);
	if (getchar() == EOF)
		vfio_die("nobody waits for phase %s", phase);
}

int main(int argc, char **argv)
{
	int flood = argc > 1 ? atoi(argv[1]) : FLOOD;
	struct vfio_space space;
	char *memory = vfio_memory(2 * SZ_4K, 0);
	struct edu edu;

	vfio_space_open(&space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&space);
	edu_open(&edu, space.device);
	vfio_map(space.container, memory, IOVA, SZ_4K);
	if (__vfio_map(space.container, memory + SZ_4K, IOVA + SZ_4K, SZ_4K,
		       VFIO_DMA_MAP_FLAG_READ))
		vfio_die("a map for reading only failed");
	edu_write(&edu, IOVA, 64);
	wait_for_line("held");
	edu_write(&edu, NEVER, 64);
	wait_for_line("never");
	edu_write(&edu, IOVA + SZ_4K, 64);
	wait_for_line("read_only");
	if (vfio_unmap(space.container, IOVA, SZ_4K) != SZ_4K)
		vfio_die("unmap did not");
	edu_write(&edu, IOVA, 64);
	wait_for_line("unmapped");
	for (int i = 1; i <= flood; i++)
		edu_write(&edu, NEVER + i * SZ_2M, 64);
	wait_for_line("flood");
	edu_close(&edu);
	vfio_space_close(&space);
	return 0;
}
