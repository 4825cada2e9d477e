// SPDX-License-Identifier: GPL-2.0-only
/* VFIO_IOMMU_DIRTY_PAGES, with tracking off and on; 37 pages are mapped. */
#include <stdio.h>
#include <string.h>

#include "differential/diff.h"

#define START VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define STOP  VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define GET   VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP

struct dirty_arg {
	struct vfio_iommu_type1_dirty_bitmap head;
	struct vfio_iommu_type1_dirty_bitmap_get range;
};

struct dirty_row {
	const char *mistake;
	long want_on, want_off; /* while tracking is on, and off */
	__u32 argsz, flags;
	__u64 iova, size, pgsize, bytes;
};

#define ARG  sizeof(struct dirty_arg)
#define HEAD sizeof(struct vfio_iommu_type1_dirty_bitmap)

static const struct dirty_row rows[] = {
	{"argsz 0", -EINVAL, -EINVAL, 0, GET, IOVA, PAGES(37), SZ_4K, 8},
	{"argsz of the head", -EINVAL, -EINVAL, HEAD, GET, IOVA, PAGES(37),
	 SZ_4K, 8},
	{"argsz one short", -EINVAL, -EINVAL, ARG - 1, GET, IOVA, PAGES(37),
	 SZ_4K, 8},
	{"flags unknown", -EINVAL, -EINVAL, ARG, 8, IOVA, PAGES(37), SZ_4K, 8},
	{"flags start and stop", -EINVAL, -EINVAL, ARG, START | STOP, IOVA,
	 PAGES(37), SZ_4K, 8},
	{"flags get and stop", -EINVAL, -EINVAL, ARG, GET | STOP, IOVA,
	 PAGES(37), SZ_4K, 8},
	{"get", 0, -EINVAL, ARG, GET, IOVA, PAGES(37), SZ_4K, 8},
	{"get, argsz large", 0, -EINVAL, 4096, GET, IOVA, PAGES(37), SZ_4K, 8},
	{"get, a wider range", 0, -EINVAL, ARG, GET, IOVA - PAGES(5), PAGES(64),
	 SZ_4K, 8},
	{"get, nothing mapped there", 0, -EINVAL, ARG, GET, 3 * IOVA, PAGES(37),
	 SZ_4K, 8},
	{"get, cut at the end", -EINVAL, -EINVAL, ARG, GET, IOVA, PAGES(36),
	 SZ_4K, 8},
	{"get, cut at the start", -EINVAL, -EINVAL, ARG, GET, IOVA + SZ_4K,
	 PAGES(36), SZ_4K, 8},
	{"get, size 0", -EINVAL, -EINVAL, ARG, GET, IOVA, 0, SZ_4K, 8},
	{"get, size unaligned", -EINVAL, -EINVAL, ARG, GET, IOVA, PAGES(37) + 1,
	 SZ_4K, 8},
	{"get, iova unaligned", -EINVAL, -EINVAL, ARG, GET, IOVA + 1, PAGES(37),
	 SZ_4K, 8},
	{"get, wraps", -EINVAL, -EINVAL, ARG, GET, -SZ_4K, PAGES(2), SZ_4K, 8},
	{"get, page size 2 MiB", -EINVAL, -EINVAL, ARG, GET, IOVA, SZ_2M, SZ_2M,
	 8},
	{"get, page size 2 KiB", -EINVAL, -EINVAL, ARG, GET, IOVA, PAGES(32),
	 2048, 8},
	{"get, bitmap 0 bytes", -EINVAL, -EINVAL, ARG, GET, IOVA, PAGES(37),
	 SZ_4K, 0},
	{"get, bitmap too short", -EINVAL, -EINVAL, ARG, GET, IOVA - PAGES(5),
	 PAGES(65), SZ_4K, 8},
	{"get, bitmap larger than it need be", 0, -EINVAL, ARG, GET, IOVA,
	 PAGES(37), SZ_4K, 64},
	{"get, bitmap above the limit", -EINVAL, -EINVAL, ARG, GET, IOVA,
	 PAGES(37), SZ_4K, 1ULL << 40},
};

static void table(struct env *env, bool on)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct dirty_row *row = &rows[i];
		__u64 bits[16];
		struct dirty_arg arg = {
			.head = {.argsz = row->argsz, .flags = row->flags},
			.range =
				{
					.iova = row->iova,
					.size = row->size,
					.bitmap =
						{
							.pgsize = row->pgsize,
							.size = row->bytes,
							.data = bits,
						},
				},
		};
		long ret, want = on ? row->want_on : row->want_off;
		char what[80];

		memset(bits, 0, sizeof(bits));
		snprintf(what, sizeof(what), "%s, tracking %s", row->mistake,
			 on ? "on" : "off");
		begin(env, "DIRTY_PAGES", what);
		ret = vfio_ioctl(env->space.container, VFIO_IOMMU_DIRTY_PAGES,
				 &arg);
		end_values(env, ret, v2(env) ? want : -EACCES,
			   "bits=0x%llx,0x%llx", bits[0], bits[1]);
	}
}

static void simple(struct env *env, const char *what, __u32 flags)
{
	struct vfio_iommu_type1_dirty_bitmap head = {
		.argsz = sizeof(head),
		.flags = flags,
	};

	begin(env, "DIRTY_PAGES", what);
	end(env,
	    vfio_ioctl(env->space.container, VFIO_IOMMU_DIRTY_PAGES, &head),
	    v2(env) ? 0 : -EACCES);
}

static void unmap_with_bitmap(struct env *env, const char *what, __u64 pgsize,
			      __u64 bytes, __u64 size, long want)
{
	__u64 bits[2] = {};
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} arg = {
		.unmap =
			{
				.argsz = sizeof(arg),
				.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
				.iova = IOVA,
				.size = size,
			},
		.bitmap = {.pgsize = pgsize, .size = bytes, .data = bits},
	};
	long ret;

	begin(env, "UNMAP_DMA with bitmap", what);
	ret = vfio_ioctl(env->space.container, VFIO_IOMMU_UNMAP_DMA, &arg);
	end_values(env, ret, v2(env) ? want : -EINVAL,
		   "unmapped=0x%llx bits=0x%llx",
		   (unsigned long long)arg.unmap.size, bits[0]);
}

void dirty_cases(struct env *env)
{
	int fd = env->space.container;

	vfio_map(fd, env->mem, IOVA, PAGES(37));
	begin(env, "DIRTY_PAGES", "bad pointer");
	end(env, vfio_ioctl(fd, VFIO_IOMMU_DIRTY_PAGES, 8),
	    v2(env) ? -EFAULT : -EACCES);
	unmap_with_bitmap(env, "tracking off", SZ_4K, 8, PAGES(37), -EINVAL);
	table(env, false);
	simple(env, "stop when off", STOP);
	simple(env, "start", START);
	simple(env, "start again", START);
	table(env, true);
	unmap_with_bitmap(env, "page size 2 MiB", SZ_2M, 8, SZ_2M, -EINVAL);
	unmap_with_bitmap(env, "bitmap 0 bytes", SZ_4K, 0, PAGES(37), -EINVAL);
	unmap_with_bitmap(env, "cuts the mapping", SZ_4K, 8, PAGES(36),
			  -EINVAL);
	unmap_with_bitmap(env, "good", SZ_4K, 8, PAGES(37), 0);
	simple(env, "stop", STOP);
	vfio_unmap_all(fd);
}
