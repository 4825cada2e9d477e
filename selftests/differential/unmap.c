// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_UNMAP_DMA on a known layout: pages 5..9, 12..14 and 15 at IOVA, and
 * page 0 of the address space; what the kernel says was unmapped is compared.
 */
#include <stdio.h>

#include "differential/diff.h"

#define EXACT sizeof(struct vfio_iommu_type1_dma_unmap)
#define ALL   VFIO_DMA_UNMAP_FLAG_ALL
#define VADDR VFIO_DMA_UNMAP_FLAG_VADDR
#define DIRTY VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP

struct unmap_row {
	const char *what;
	long want1, want2; /* type1 and type1v2 */
	__u32 argsz, flags;
	__u64 iova, size;
};

static const struct unmap_row rows[] = {
	{"argsz 0", -EINVAL, -EINVAL, 0, 0, IOVA, SZ_4K},
	{"argsz one short", -EINVAL, -EINVAL, EXACT - 1, 0, IOVA, SZ_4K},
	{"argsz large", 0, 0, 4096, 0, IOVA + PAGES(5), PAGES(5)},
	{"flags unknown bit 3", -EINVAL, -EINVAL, EXACT, 8, IOVA, SZ_4K},
	{"flags all ones", -EINVAL, -EINVAL, EXACT, -1U, IOVA, SZ_4K},
	{"flags all and dirty", -EINVAL, -EINVAL, EXACT, ALL | DIRTY, 0, 0},
	{"flags vaddr and dirty", -EINVAL, -EINVAL, EXACT, VADDR | DIRTY, IOVA,
	 SZ_4K},
	{"flags dirty without a bitmap", -EINVAL, -EINVAL, EXACT, DIRTY,
	 IOVA + PAGES(5), PAGES(5)},
	{"size 0", -EINVAL, -EINVAL, EXACT, 0, IOVA, 0},
	{"size 1", -EINVAL, -EINVAL, EXACT, 0, IOVA + PAGES(5), 1},
	{"size one short", -EINVAL, -EINVAL, EXACT, 0, IOVA, PAGES(5) - 1},
	{"size all ones", -EINVAL, -EINVAL, EXACT, 0, 0, -1ULL},
	{"iova unaligned", -EINVAL, -EINVAL, EXACT, 0, IOVA + 1, SZ_4K},
	{"iova wraps", -EINVAL, -EINVAL, EXACT, 0, -SZ_4K, PAGES(2)},
	{"last page of the space", 0, 0, EXACT, 0, -SZ_4K, SZ_4K},
	{"up to the last page", 0, ANY, EXACT, 0, IOVA, -IOVA},
	{"one page of all", ANY, ANY, EXACT, 0, 0, -SZ_4K},
	{"nothing there", 0, 0, EXACT, 0, 3 * IOVA, PAGES(9)},
	{"one mapping", 0, 0, EXACT, 0, IOVA + PAGES(5), PAGES(5)},
	{"one mapping and the space around", 0, 0, EXACT, 0, IOVA + PAGES(3),
	 PAGES(8)},
	{"all three", 0, 0, EXACT, 0, IOVA, PAGES(16)},
	{"two that touch", 0, 0, EXACT, 0, IOVA + PAGES(12), PAGES(4)},
	{"page 0", 0, 0, EXACT, 0, 0, SZ_4K},
	{"a whole gigabyte", 0, 0, EXACT, 0, 0, SZ_1G},
	{"first page of five", 0, -EINVAL, EXACT, 0, IOVA + PAGES(5), SZ_4K},
	{"first four of five", 0, -EINVAL, EXACT, 0, IOVA + PAGES(5), PAGES(4)},
	{"last page of five", 0, -EINVAL, EXACT, 0, IOVA + PAGES(9), SZ_4K},
	{"inside of five", 0, -EINVAL, EXACT, 0, IOVA + PAGES(7), SZ_4K},
	{"from the inside beyond", 0, -EINVAL, EXACT, 0, IOVA + PAGES(7),
	 PAGES(9)},
	{"from before to the inside", 0, -EINVAL, EXACT, 0, IOVA + PAGES(4),
	 PAGES(3)},
	{"a whole one and a part", 0, -EINVAL, EXACT, 0, IOVA + PAGES(5),
	 PAGES(9)},
	{"all", 0, 0, EXACT, ALL, 0, 0},
	{"all, with iova", -EINVAL, -EINVAL, EXACT, ALL, SZ_4K, 0},
	{"all, with size", -EINVAL, -EINVAL, EXACT, ALL, 0, SZ_4K},
	{"vaddr of one", 0, 0, EXACT, VADDR, IOVA + PAGES(5), PAGES(5)},
	{"vaddr of all", 0, 0, EXACT, ALL | VADDR, 0, 0},
	{"vaddr of nothing", 0, 0, EXACT, VADDR, 3 * IOVA, SZ_4K},
	{"vaddr of a part", ANY, -EINVAL, EXACT, VADDR, IOVA + PAGES(5), SZ_4K},
};

static void layout(struct env *env)
{
	int fd = env->space.container;

	vfio_unmap_all(fd);
	vfio_map(fd, env->mem + PAGES(5), IOVA + PAGES(5), PAGES(5));
	vfio_map(fd, env->mem + PAGES(12), IOVA + PAGES(12), PAGES(3));
	vfio_map(fd, env->mem + PAGES(15), IOVA + PAGES(15), SZ_4K);
	vfio_map(fd, env->mem, 0, SZ_4K);
}

/* Twice invalidated is an error, and a map then needs the exact mapping. */
static void vaddr_sequences(struct env *env)
{
	int fd = env->space.container;
	__u64 done = 0;
	long ret;

	layout(env);
	vfio_must(__vfio_unmap(fd, IOVA + PAGES(12), PAGES(3), VADDR, NULL));
	begin(env, "UNMAP_DMA", "vaddr, of which one is invalid already");
	ret = __vfio_unmap(fd, IOVA, PAGES(16), VADDR, &done);
	end_values(env, ret, -EINVAL, "unmapped=0x%llx", done);
	begin(env, "MAP_DMA", "vaddr of an invalid one, size differs");
	end(env,
	    __vfio_map(fd, env->mem, IOVA + PAGES(12), PAGES(2),
		       VFIO_DMA_MAP_FLAG_VADDR),
	    -EINVAL);
	begin(env, "MAP_DMA", "vaddr of an invalid one");
	end(env,
	    __vfio_map(fd, env->mem, IOVA + PAGES(12), PAGES(3),
		       VFIO_DMA_MAP_FLAG_VADDR),
	    0);
	begin(env, "MAP_DMA", "vaddr of one that is valid again");
	end(env,
	    __vfio_map(fd, env->mem, IOVA + PAGES(12), PAGES(3),
		       VFIO_DMA_MAP_FLAG_VADDR),
	    -EINVAL);
}

void unmap_cases(struct env *env)
{
	int fd = env->space.container;
	bool has_vaddr =
		vfio_ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR);

	begin(env, "UNMAP_DMA", "bad pointer");
	end(env, vfio_ioctl(fd, VFIO_IOMMU_UNMAP_DMA, 8), -EFAULT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct unmap_row *row = &rows[i];
		struct vfio_iommu_type1_dma_unmap unmap = {
			.argsz = row->argsz,
			.flags = row->flags,
			.iova = row->iova,
			.size = row->size,
		};
		long ret, want = v2(env) ? row->want2 : row->want1;

		layout(env);
		if ((row->flags & VADDR) && !has_vaddr)
			want = ANY;
		begin(env, "UNMAP_DMA", row->what);
		ret = vfio_ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &unmap);
		end_values(env, ret, want, "unmapped=0x%llx flags=0x%x",
			   (unsigned long long)unmap.size, unmap.flags);
	}
	if (has_vaddr)
		vaddr_sequences(env);
	vfio_unmap_all(fd);
}
