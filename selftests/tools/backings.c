// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client that maps one piece of every kind of memory, each at an address and
 * of a size of its own, or as many mappings as there may be, or as much as it
 * is allowed to lock.
 *
 * backings kinds	held: one of each
 * backings many COUNT	held: one page, mapped so often
 * backings limited	held: 19 pages in one container, 3 in another, 5 locked
 *			by mlock(), 47 allowed; more: 4 more in the first
 * backings again	held: 13 pages; left: their group has left the container;
 *			again: it is back, with 5 pages
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/proc.h"
#include "../lib/vfio.h"

#define BASE  0x100000000ULL
#define APART (1ULL << 28)

static void wait_for_line(const char *phase)
{
	puts(phase);
	fflush(stdout);
	if (getchar() == EOF)
		vfio_die("nobody waits for phase %s", phase);
}

static void *map_fd(int fd, size_t size, int prot, int flags, off_t offset)
{
	void *mem = mmap(NULL, size, prot, flags, fd, offset);

	if (mem == MAP_FAILED)
		vfio_die("mmap: %m");
	return mem;
}

static void *huge(size_t size)
{
	char *mem = vfio_memory_aligned(size, SZ_2M);

	/* It was filled in small pages; its second life is in large ones. */
	vfio_must(madvise(mem, size, MADV_HUGEPAGE));
	vfio_must(madvise(mem, size, MADV_DONTNEED));
	memset(mem, 1, size);
	return mem;
}

static void *memfd(size_t size)
{
	int fd = vfio_must(memfd_create("guest", MFD_CLOEXEC));

	vfio_must(ftruncate(fd, size));
	return map_fd(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
}

static void kinds(void)
{
	struct vfio_region_info bar;
	struct vfio_space space;
	char *mem;

	vfio_space_open(&space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&space);

	mem = vfio_memory(13 * SZ_4K, 0);
	vfio_must(madvise(mem, 13 * SZ_4K, MADV_NOHUGEPAGE));
	vfio_map(space.container, mem, BASE, 13 * SZ_4K);
	vfio_map(space.container, huge(3 * SZ_2M), BASE + APART, 3 * SZ_2M);
	vfio_map(space.container, vfio_memory(5 * SZ_2M, MAP_HUGETLB),
		 BASE + 2 * APART, 5 * SZ_2M);
	vfio_map(space.container, memfd(17 * SZ_4K), BASE + 3 * APART,
		 17 * SZ_4K);
	mem = map_fd(-1, 7 * SZ_4K, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, 0);
	vfio_map(space.container, mem, BASE + 4 * APART, 7 * SZ_4K);
	/* Private pages would be copied to be pinned, from 6.2 on even to read. */
	mem = map_fd(vfio_must(open("/proc/self/exe", O_RDONLY)), 3 * SZ_4K,
		     PROT_READ, MAP_SHARED, 0);
	vfio_must(__vfio_map(space.container, mem, BASE + 5 * APART, 3 * SZ_4K,
			     VFIO_DMA_MAP_FLAG_READ));
	bar = vfio_region(space.device, 0);
	mem = map_fd(space.device, bar.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		     bar.offset);
	vfio_map(space.container, mem, BASE + 6 * APART, bar.size);
	vfio_map(space.container, vfio_memory(SZ_2M, MAP_HUGETLB),
		 BASE + 8 * APART, SZ_2M);
	/* To be pinned for writing, each page is copied. */
	mem = map_fd(vfio_must(open("/proc/self/exe", O_RDONLY)), 2 * SZ_4K,
		     PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	vfio_map(space.container, mem, BASE + 9 * APART, 2 * SZ_4K);
	mem = vfio_memory(11 * SZ_4K, 0);
	vfio_map(space.container, mem, BASE + 7 * APART, 11 * SZ_4K);
	/* Last: what comes after could take its place. */
	munmap(mem, 11 * SZ_4K);
	wait_for_line("held");
	vfio_space_close(&space);
}

static void many(long count)
{
	struct vfio_space space;
	char *mem = vfio_memory(SZ_4K, 0);

	vfio_space_open(&space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	for (long i = 0; i < count; i++)
		vfio_map(space.container, mem, i * SZ_4K, SZ_4K);
	wait_for_line("held");
	vfio_space_close(&space);
}

static void limited(void)
{
	struct vfio_space first, second;
	char *mem = vfio_memory(29 * SZ_4K, 0);

	vfio_must(madvise(mem, 29 * SZ_4K, MADV_NOHUGEPAGE));
	vfio_space_open(&first, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_space_open(&second, E1000E_BDF, VFIO_TYPE1v2_IOMMU);
	set_memlock(47 * SZ_4K);
	drop_ipc_lock();
	vfio_map(first.container, mem, BASE, 19 * SZ_4K);
	vfio_map(second.container, mem, BASE, 3 * SZ_4K);
	/* mlock(), but sanitizers leave this one alone. */
	vfio_must(mlock2(mem, 5 * SZ_4K, 0));
	wait_for_line("held");
	vfio_map(first.container, mem + 19 * SZ_4K, BASE + 19 * SZ_4K,
		 4 * SZ_4K);
	wait_for_line("more");
	vfio_space_close(&second);
	vfio_space_close(&first);
}

static void again(void)
{
	char *mem = vfio_memory(13 * SZ_4K, 0);
	struct vfio_space space;

	vfio_space_open(&space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_map(space.container, mem, BASE, 13 * SZ_4K);
	wait_for_line("held");
	vfio_must(vfio_ioctl(space.group, VFIO_GROUP_UNSET_CONTAINER, 0));
	wait_for_line("left");
	vfio_must(vfio_ioctl(space.group, VFIO_GROUP_SET_CONTAINER,
			     &space.container));
	vfio_must(vfio_ioctl(space.container, VFIO_SET_IOMMU,
			     VFIO_TYPE1v2_IOMMU));
	vfio_map(space.container, mem, BASE, 5 * SZ_4K);
	wait_for_line("again");
	vfio_space_close(&space);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "kinds"))
		kinds();
	else if (argc == 3 && !strcmp(argv[1], "many"))
		many(atol(argv[2]));
	else if (argc == 2 && !strcmp(argv[1], "limited"))
		limited();
	else if (argc == 2 && !strcmp(argv[1], "again"))
		again();
	else
		vfio_die("usage: backings kinds|many COUNT|limited|again");
	return 0;
}
