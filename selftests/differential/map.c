// SPDX-License-Identifier: GPL-2.0-only
/* VFIO_IOMMU_MAP_DMA: every field with every kind of mistake. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "differential/diff.h"
#include "lib/proc.h"

#define R     VFIO_DMA_MAP_FLAG_READ
#define W     VFIO_DMA_MAP_FLAG_WRITE
#define V     VFIO_DMA_MAP_FLAG_VADDR
#define EXACT sizeof(struct vfio_iommu_type1_dma_map)
/* 0 where the IOMMU reaches, as GET_INFO says; else -EINVAL. */
#define RANGE (LONG_MIN + 1)
/* A vaddr that is not within the good memory. */
#define AWAY (1ULL << 63)

struct map_row {
	const char *mistake;
	long want;
	__u32 argsz, flags;
	__u64 vaddr; /* from the start of the memory, or AWAY + an address */
	__u64 iova, size;
};

/* Each is good but for what its name says. Pages 5..8 at IOVA are mapped. */
static const struct map_row rows[] = {
	{"argsz 0", -EINVAL, 0, R | W, 0, IOVA, SZ_4K},
	{"argsz one short", -EINVAL, EXACT - 1, R | W, 0, IOVA, SZ_4K},
	{"argsz exact", 0, EXACT, R | W, 0, IOVA, SZ_4K},
	{"argsz large", 0, 4096, R | W, 0, IOVA, SZ_4K},
	{"argsz all ones", 0, -1U, R | W, 0, IOVA, SZ_4K},
	{"flags 0", -EINVAL, EXACT, 0, 0, IOVA, SZ_4K},
	{"flags read", 0, EXACT, R, 0, IOVA, SZ_4K},
	{"flags write", 0, EXACT, W, 0, IOVA, SZ_4K},
	{"flags read, vaddr", -EINVAL, EXACT, R | V, 0, IOVA, SZ_4K},
	{"flags all, vaddr", -EINVAL, EXACT, R | W | V, 0, IOVA, SZ_4K},
	{"flags vaddr, nothing mapped", -ENOENT, EXACT, V, 0, IOVA, SZ_4K},
	{"flags vaddr, still valid", -EINVAL, EXACT, V, PAGES(5),
	 IOVA + PAGES(5), PAGES(4)},
	{"flags unknown bit 3", -EINVAL, EXACT, R | W | 8, 0, IOVA, SZ_4K},
	{"flags unknown bit 31", -EINVAL, EXACT, R | 1U << 31, 0, IOVA, SZ_4K},
	{"flags all ones", -EINVAL, EXACT, -1U, 0, IOVA, SZ_4K},
	{"size 0", -EINVAL, EXACT, R | W, 0, IOVA, 0},
	{"size 1", -EINVAL, EXACT, R | W, 0, IOVA, 1},
	{"size one short", -EINVAL, EXACT, R | W, 0, IOVA, SZ_4K - 1},
	{"size one more", -EINVAL, EXACT, R | W, 0, IOVA, SZ_4K + 1},
	{"size all ones", -EINVAL, EXACT, R | W, 0, IOVA, -1ULL},
	{"size all but a page", -EINVAL, EXACT, R | W, 0, 0, -SZ_4K},
	{"size 2^63, over a mapping", -EEXIST, EXACT, R | W, 0, 0, 1ULL << 63},
	{"size 2^62", RANGE, EXACT, R | W, 0, 1ULL << 62, 1ULL << 62},
	{"iova unaligned by 1", -EINVAL, EXACT, R | W, 0, IOVA + 1, SZ_4K},
	{"iova unaligned by 2048", -EINVAL, EXACT, R | W, 0, IOVA + 2048,
	 SZ_4K},
	{"iova 0", 0, EXACT, R | W, 0, 0, SZ_4K},
	{"iova last page", RANGE, EXACT, R | W, 0, -SZ_4K, SZ_4K},
	{"iova wraps", -EINVAL, EXACT, R | W, 0, -SZ_4K, PAGES(2)},
	{"iova wraps to the middle", -EINVAL, EXACT, R | W, 0, -PAGES(2),
	 PAGES(40)},
	{"iova beyond the IOMMU", RANGE, EXACT, R | W, 0, 1ULL << 62, SZ_4K},
	{"iova where interrupts are", RANGE, EXACT, R | W, 0, 0xfee00000,
	 SZ_4K},
	{"iova into the interrupts", RANGE, EXACT, R | W, 0, 0xfedff000,
	 PAGES(2)},
	{"iova before the interrupts", RANGE, EXACT, R | W, 0, 0xfedff000,
	 SZ_4K},
	{"iova above 4 GiB", 0, EXACT, R | W, 0, 5ULL << 32, SZ_4K},
	{"vaddr unaligned", -EINVAL, EXACT, R | W, 1, IOVA, SZ_4K},
	{"vaddr 0", -EFAULT, EXACT, R | W, AWAY, IOVA, SZ_4K},
	{"vaddr of the kernel", ANY, EXACT, R | W, AWAY + (1ULL << 62), IOVA,
	 SZ_4K},
	{"vaddr last page", ANY, EXACT, R | W, -SZ_4K, IOVA, SZ_4K},
	{"vaddr wraps", -EINVAL, EXACT, R | W, -SZ_4K, IOVA, PAGES(40)},
	{"vaddr runs out half-way", -EFAULT, EXACT, R | W, PAGES(MEM_PAGES - 3),
	 IOVA + PAGES(99), PAGES(9)},
	{"overlaps all", -EEXIST, EXACT, R | W, 0, IOVA, PAGES(20)},
	{"overlaps the same", -EEXIST, EXACT, R | W, 0, IOVA + PAGES(5),
	 PAGES(4)},
	{"overlaps the first page", -EEXIST, EXACT, R | W, 0, IOVA + PAGES(5),
	 SZ_4K},
	{"overlaps the last page", -EEXIST, EXACT, R | W, 0, IOVA + PAGES(8),
	 SZ_4K},
	{"overlaps the inside", -EEXIST, EXACT, R | W, 0, IOVA + PAGES(6),
	 SZ_4K},
	{"overlaps the start", -EEXIST, EXACT, R | W, 0, IOVA + PAGES(4),
	 PAGES(2)},
	{"overlaps the end", -EEXIST, EXACT, R | W, 0, IOVA + PAGES(8),
	 PAGES(2)},
	{"overlaps, and bad memory", -EEXIST, EXACT, R | W, AWAY,
	 IOVA + PAGES(8), SZ_4K},
	{"touches the start", 0, EXACT, R | W, 0, IOVA + PAGES(4), SZ_4K},
	{"touches the end", 0, EXACT, R | W, 0, IOVA + PAGES(9), SZ_4K},
	{"all of the memory", 0, EXACT, R | W, 0, IOVA + PAGES(99),
	 PAGES(MEM_PAGES)},
};

static bool reachable(struct env *env, __u64 first, __u64 last)
{
	struct vfio_iommu_type1_info *info =
		vfio_iommu_info(env->space.container);
	struct vfio_iommu_type1_info_cap_iova_range *cap =
		(void *)vfio_iommu_cap(info,
				       VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	bool found = false;

	for (__u32 i = 0; cap && i < cap->nr_iovas; i++)
		found |= cap->iova_ranges[i].start <= first &&
			 cap->iova_ranges[i].end >= last;
	free(info);
	return found;
}

static long wanted(struct env *env, const struct map_row *row)
{
	if (row->want != RANGE)
		return row->want;
	if (!reachable(env, row->iova, row->iova + row->size - 1))
		return -EINVAL;
	return row->size > PAGES(MEM_PAGES) ? -EFAULT : 0;
}

static void table(struct env *env)
{
	int fd = env->space.container;

	vfio_map(fd, env->mem, IOVA + PAGES(5), PAGES(4));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct map_row *row = &rows[i];
		struct vfio_iommu_type1_dma_map map = {
			.argsz = row->argsz,
			.flags = row->flags,
			.vaddr = row->vaddr & AWAY
					 ? row->vaddr & ~AWAY
					 : row->vaddr + (uintptr_t)env->mem,
			.iova = row->iova,
			.size = row->size,
		};
		long ret, locked = locked_pages(0);

		/* Addresses that count from the end of the space. */
		if (row->vaddr > -PAGES(2))
			map.vaddr = row->vaddr;
		begin(env, "MAP_DMA", row->mistake);
		/* It would stay there, and its pages pinned. */
		if (!ours_loaded() && !wanted(env, row) &&
		    !(row->iova + row->size)) {
			end_skipped("stock never takes back what ends at 2^64");
			continue;
		}
		ret = vfio_ioctl(fd, VFIO_IOMMU_MAP_DMA, &map);
		end_values(env, ret, wanted(env, row), "charged=%ld",
			   locked_pages(0) - locked);
		if (!ret && !(row->flags & V))
			vfio_unmap(fd, row->iova, row->size);
	}
	vfio_unmap_all(fd);
}

/* @prot -1: a hole. */
static void memory(struct env *env, const char *what, int prot, __u32 flags,
		   long want)
{
	char *mem = vfio_memory(PAGES(7), 0);
	int ret;

	if (prot < 0)
		munmap(mem + PAGES(3), SZ_4K);
	else
		mprotect(mem, PAGES(7), prot);
	begin(env, "MAP_DMA", what);
	ret = __vfio_map(env->space.container, mem, IOVA, PAGES(7), flags);
	end(env, ret, want);
	vfio_unmap_all(env->space.container);
	munmap(mem, PAGES(7));
}

static int over_limit(void *arg)
{
	struct env *env = arg;
	int fd = env->space.container, ret;

	set_memlock(PAGES(23));
	drop_ipc_lock();
	ret = __vfio_map(fd, env->mem, IOVA, PAGES(24), VFIO_RW);
	if (ret)
		return locked_pages(0) ? 100 : -ret;
	vfio_unmap_all(fd);
	return 0;
}

static int at_limit(void *arg)
{
	struct env *env = arg;
	int fd = env->space.container, ret, more;

	set_memlock(PAGES(23));
	drop_ipc_lock();
	ret = __vfio_map(fd, env->mem, IOVA, PAGES(23), VFIO_RW);
	more = __vfio_map(fd, env->mem, 2 * IOVA, SZ_4K, VFIO_RW);
	vfio_unmap_all(fd);
	return ret ? -ret : more == -ENOMEM ? 0 : 100;
}

static int without_memory(void *arg)
{
	struct env *env = arg;

	set_memlock(0);
	drop_ipc_lock();
	return -__vfio_map(env->space.container, env->mem, IOVA, SZ_4K,
			   VFIO_RW);
}

void map_cases(struct env *env)
{
	begin(env, "MAP_DMA", "bad pointer");
	end(env, vfio_ioctl(env->space.container, VFIO_IOMMU_MAP_DMA, 8),
	    -EFAULT);
	table(env);
	memory(env, "memory read-only, read and write", PROT_READ, VFIO_RW,
	       -EFAULT);
	memory(env, "memory read-only, read", PROT_READ, R, 0);
	memory(env, "memory read-only, write", PROT_READ, W, -EFAULT);
	memory(env, "memory without access", PROT_NONE, R, -EFAULT);
	memory(env, "memory with a hole", -1, VFIO_RW, -EFAULT);
	begin(env, "MAP_DMA", "one page over RLIMIT_MEMLOCK");
	end(env, -run_child(over_limit, env), -ENOMEM);
	begin(env, "MAP_DMA", "exactly RLIMIT_MEMLOCK, then one page");
	end(env, -run_child(at_limit, env), 0);
	begin(env, "MAP_DMA", "RLIMIT_MEMLOCK 0");
	end(env, -run_child(without_memory, env), -ENOMEM);
}
