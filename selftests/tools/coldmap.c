// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client with one map that takes long: memory that nobody has touched, in
 * small pages, is faulted in, zeroed, pinned and mapped by a single call. What
 * the tools say about it in the meantime is compared with what the kernel says
 * of the process: its resident memory.
 *
 *	coldmap MIB
 *
 * Says "mapping" before the call and "mapped" after it, then waits for a line
 * or its death; its exit then takes everything down.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../lib/vfio.h"

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 0) << 20 : 0;
	struct vfio_space space;
	char *memory;

	if (!size)
		vfio_die("usage: coldmap MIB");
	memory = vfio_memory_aligned(size, SZ_2M);
	if (madvise(memory, size, MADV_NOHUGEPAGE))
		vfio_die("madvise: %m");
	vfio_space_open(&space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	puts("mapping");
	fflush(stdout);
	vfio_map(space.container, memory, 0x100000000ULL, size);
	puts("mapped");
	fflush(stdout);
	getchar();
	return 0;
}
