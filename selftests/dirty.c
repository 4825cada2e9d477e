// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_DIRTY_PAGES. A device behind an IOMMU that cannot say what it wrote
 * has dirtied everything it could reach: every bit of a mapping, and no other.
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define IOVA  0x10000000ULL
#define START VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define STOP  VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define GET   VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP

FIXTURE(dirty)
{
	struct vfio_space space;
	int fd;
	char *mem;
	__u64 bits[8];
};

FIXTURE_SETUP(dirty)
{
	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	self->fd = self->space.container;
	self->mem = vfio_memory(101 * SZ_4K, 0);
	memset(self->bits, 0, sizeof(self->bits));
}

FIXTURE_TEARDOWN(dirty)
{
	vfio_space_close(&self->space);
	munmap(self->mem, 101 * SZ_4K);
}

static long dirty(int fd, __u32 flags)
{
	struct vfio_iommu_type1_dirty_bitmap arg = {
		.argsz = sizeof(arg),
		.flags = flags,
	};

	return vfio_ioctl(fd, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static long get(int fd, __u64 iova, __u64 size, __u64 pgsize, __u64 bitmap_size,
		__u64 *bits)
{
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get range;
	} arg = {
		.head = {.argsz = sizeof(arg), .flags = GET},
		.range =
			{
				.iova = iova,
				.size = size,
				.bitmap =
					{
						.pgsize = pgsize,
						.size = bitmap_size,
						.data = bits,
					},
			},
	};

	return vfio_ioctl(fd, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static int ones(const __u64 *bits, int n)
{
	int count = 0;

	while (n--)
		count += __builtin_popcountll(bits[n]);
	return count;
}

TEST(type1_has_none)
{
	struct vfio_space s;

	vfio_space_open(&s, EDU_BDF, VFIO_TYPE1_IOMMU);
	EXPECT_EQ(-EACCES, dirty(s.container, START));
	vfio_space_close(&s);
}

TEST_F(dirty, every_page_of_a_mapping)
{
	vfio_map(self->fd, self->mem, IOVA, 67 * SZ_4K);
	ASSERT_EQ(0, dirty(self->fd, START));
	ASSERT_EQ(0, get(self->fd, IOVA, 67 * SZ_4K, SZ_4K, 16, self->bits));
	EXPECT_EQ(~0ULL, self->bits[0]);
	EXPECT_EQ(7, self->bits[1]);
	EXPECT_EQ(67, ones(self->bits, 8));
	EXPECT_EQ(0, dirty(self->fd, STOP));
}

TEST_F(dirty, mappings_within_a_range)
{
	vfio_map(self->fd, self->mem, IOVA + 3 * SZ_4K, 5 * SZ_4K);
	ASSERT_EQ(0, dirty(self->fd, START));
	/* Mapped while tracking is on, and a bitmap word that two share. */
	vfio_map(self->fd, self->mem, IOVA + 11 * SZ_4K, 2 * SZ_4K);
	vfio_map(self->fd, self->mem, IOVA + 63 * SZ_4K, 3 * SZ_4K);
	ASSERT_EQ(0, get(self->fd, IOVA, 128 * SZ_4K, SZ_4K, 16, self->bits));
	EXPECT_EQ(0x80000000000018f8ULL, self->bits[0]);
	EXPECT_EQ(3, self->bits[1]);
}

TEST_F(dirty, start_and_stop_may_be_repeated)
{
	EXPECT_EQ(0, dirty(self->fd, STOP));
	EXPECT_EQ(0, dirty(self->fd, START));
	EXPECT_EQ(0, dirty(self->fd, START));
	EXPECT_EQ(0, dirty(self->fd, STOP));
	EXPECT_EQ(0, dirty(self->fd, STOP));
}

/* Each container has a tracking of its own. */
TEST_F(dirty, containers_are_apart)
{
	struct vfio_space other;

	vfio_space_open(&other, E1000E_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_map(self->fd, self->mem, IOVA, 61 * SZ_4K);
	vfio_map(other.container, self->mem, IOVA, 31 * SZ_4K);
	ASSERT_EQ(0, dirty(self->fd, START));
	EXPECT_EQ(-EINVAL,
		  get(other.container, IOVA, 31 * SZ_4K, SZ_4K, 8, self->bits));
	EXPECT_EQ(0, ones(self->bits, 8));
	ASSERT_EQ(0, dirty(other.container, START));
	ASSERT_EQ(0,
		  get(other.container, IOVA, 31 * SZ_4K, SZ_4K, 8, self->bits));
	EXPECT_EQ(31, ones(self->bits, 8));
	ASSERT_EQ(0, dirty(other.container, STOP));
	self->bits[0] = 0;
	ASSERT_EQ(0, get(self->fd, IOVA, 61 * SZ_4K, SZ_4K, 8, self->bits));
	EXPECT_EQ(61, ones(self->bits, 8));
	EXPECT_EQ(0, dirty(self->fd, STOP));
	vfio_space_close(&other);
}

TEST_F(dirty, mistakes)
{
	int fd = self->fd;
	__u64 *bits = self->bits;

	vfio_map(fd, self->mem, IOVA, 67 * SZ_4K);
	EXPECT_EQ(-EINVAL, get(fd, IOVA, 67 * SZ_4K, SZ_4K, 16, bits));
	ASSERT_EQ(0, dirty(fd, START));
	EXPECT_EQ(-EINVAL, dirty(fd, START | STOP));
	EXPECT_EQ(-EINVAL, dirty(fd, 8));
	EXPECT_EQ(-EINVAL, dirty(fd, GET));
	EXPECT_EQ(-EINVAL, get(fd, IOVA, 67 * SZ_4K, SZ_4K, 8, bits));
	EXPECT_EQ(-EINVAL, get(fd, IOVA, 67 * SZ_4K, SZ_4K, 0, bits));
	EXPECT_EQ(-EINVAL, get(fd, IOVA, 64 * SZ_2M, SZ_2M, 16, bits));
	EXPECT_EQ(-EINVAL, get(fd, IOVA + 1, 67 * SZ_4K, SZ_4K, 16, bits));
	EXPECT_EQ(-EINVAL, get(fd, IOVA, 67 * SZ_4K + 1, SZ_4K, 16, bits));
	EXPECT_EQ(-EINVAL, get(fd, IOVA, 0, SZ_4K, 16, bits));
	/* Ranges that cut the mapping. */
	EXPECT_EQ(-EINVAL, get(fd, IOVA, 66 * SZ_4K, SZ_4K, 16, bits));
	EXPECT_EQ(-EINVAL, get(fd, IOVA + SZ_4K, 66 * SZ_4K, SZ_4K, 16, bits));
	EXPECT_EQ(-EINVAL, get(fd, -SZ_4K, 2 * SZ_4K, SZ_4K, 8, bits));
	EXPECT_EQ(-EFAULT, get(fd, IOVA, 67 * SZ_4K, SZ_4K, 16, (__u64 *)4096));
	EXPECT_EQ(0, ones(bits, 8));
}

TEST_F(dirty, bitmap_of_an_unmap)
{
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} arg = {
		.unmap =
			{
				.argsz = sizeof(arg),
				.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
				.iova = IOVA,
				.size = 13 * SZ_4K,
			},
		.bitmap =
			{
				.pgsize = SZ_4K,
				.size = 8,
				.data = self->bits,
			},
	};

	vfio_map(self->fd, self->mem, IOVA, 13 * SZ_4K);
	EXPECT_EQ(-EINVAL, vfio_ioctl(self->fd, VFIO_IOMMU_UNMAP_DMA, &arg));
	ASSERT_EQ(0, dirty(self->fd, START));
	ASSERT_EQ(0, vfio_ioctl(self->fd, VFIO_IOMMU_UNMAP_DMA, &arg));
	EXPECT_EQ(13 * SZ_4K, arg.unmap.size);
	EXPECT_EQ(0x1fff, self->bits[0]);
	EXPECT_EQ(0, locked_pages(0));
}

TEST_HARNESS_MAIN
