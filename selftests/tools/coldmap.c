// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client with one map that takes long: memory that nobody has touched, in
 * small pages, is faulted in, zeroed, pinned and mapped by a single call. What
 * the tools say about it in the meantime is compared with what the kernel says
 * of the process: its resident memory.
 *
 *	coldmap MIB
 *
 * Says "mapping" before the call and after it "mapped" and when that was, in
 * nanoseconds of CLOCK_MONOTONIC: whoever reads it may have waited for the CPU. Then
 * it waits for a line or its death; its exit then takes everything down. After a
 * line it maps the same memory once more, elsewhere, says "unmapping", waits for a
 * line, takes that away again by a single call, says "unmapped", and waits as before.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../../tools/lib/clock.h"
#include "../lib/vfio.h"

#define IOVA  0x100000000ULL
#define AGAIN 0x1000000000ULL

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
	vfio_map(space.container, memory, IOVA, size);
	printf("mapped %" PRIu64 "\n", now_ns());
	fflush(stdout);
	if (getchar() == EOF)
		return 0;
	vfio_map(space.container, memory, AGAIN, size);
	puts("unmapping");
	fflush(stdout);
	if (getchar() == EOF)
		return 0;
	if (vfio_unmap(space.container, AGAIN, size) != size)
		vfio_die("it was not all unmapped");
	puts("unmapped");
	fflush(stdout);
	getchar();
	return 0;
}
