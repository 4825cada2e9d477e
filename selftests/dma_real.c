// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device really reads and writes memory through the mappings, hits the page
 * that it should and no other, and nothing at all once a mapping is gone.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/edu.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define IOVA 0x20000000ULL

FIXTURE(real)
{
	struct vfio_space space;
	struct edu edu;
	int fd;
};

FIXTURE_VARIANT(real)
{
	int type;
};

FIXTURE_VARIANT_ADD(real, type1){.type = VFIO_TYPE1_IOMMU};
FIXTURE_VARIANT_ADD(real, type1v2){.type = VFIO_TYPE1v2_IOMMU};

FIXTURE_SETUP(real)
{
	vfio_space_open(&self->space, EDU_BDF, variant->type);
	vfio_space_open_device(&self->space);
	self->fd = self->space.container;
	edu_open(&self->edu, self->space.device);
}

FIXTURE_TEARDOWN(real)
{
	edu_close(&self->edu);
	vfio_space_close(&self->space);
}

static void fill(unsigned char *mem, size_t size, unsigned int seed)
{
	for (size_t i = 0; i < size; i++)
		mem[i] = (i * 131 + seed * 17 + (i >> 12) * 7) & 0xff;
}

static bool all(const unsigned char *mem, size_t size, unsigned char value)
{
	for (size_t i = 0; i < size; i++)
		if (mem[i] != value)
			return false;
	return true;
}

TEST_F(real, reads_and_writes)
{
	unsigned char *mem = vfio_memory(3 * SZ_4K, 0);

	fill(mem, SZ_4K, 3);
	vfio_map(self->fd, mem, IOVA, 3 * SZ_4K);
	edu_read(&self->edu, IOVA, EDU_BUFFER);
	/* Across a page, so that both of its sides are seen. */
	edu_write(&self->edu, IOVA + SZ_4K + 1021, 2003);
	EXPECT_EQ(0, memcmp(mem + SZ_4K + 1021, mem, 2003));
	EXPECT_TRUE(all(mem + SZ_4K, 1021, 0));
	EXPECT_TRUE(all(mem + SZ_4K + 1021 + 2003, 2 * SZ_4K - 1021 - 2003, 0));
	munmap(mem, 3 * SZ_4K);
}

/* Pages are touched in an odd order, so physically they are scattered. */
TEST_F(real, the_right_page)
{
	enum { PAGES = 67 };
	unsigned char *mem = mmap(NULL, PAGES * SZ_4K, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *source = vfio_memory(SZ_4K, 0);

	madvise(mem, PAGES * SZ_4K, MADV_NOHUGEPAGE);
	for (int i = 0; i < PAGES; i++)
		mem[(i * 29 % PAGES) * SZ_4K] = 0;
	memset(source, 0xa5, SZ_4K);
	vfio_map(self->fd, source, 0, SZ_4K);
	vfio_map(self->fd, mem, IOVA, PAGES * SZ_4K);
	edu_read(&self->edu, 0, EDU_BUFFER);
	edu_write(&self->edu, IOVA + 0 * SZ_4K, EDU_BUFFER);
	edu_write(&self->edu, IOVA + 41 * SZ_4K, EDU_BUFFER);
	edu_write(&self->edu, IOVA + 66 * SZ_4K, EDU_BUFFER);
	for (int i = 0; i < PAGES; i++) {
		bool hit = i == 0 || i == 41 || i == 66;

		EXPECT_TRUE(all(mem + i * SZ_4K, EDU_BUFFER, hit ? 0xa5 : 0))
		{
			TH_LOG("page %d", i);
		}
		EXPECT_TRUE(all(mem + i * SZ_4K + EDU_BUFFER,
				SZ_4K - EDU_BUFFER, 0));
	}
	munmap(mem, PAGES * SZ_4K);
	munmap(source, SZ_4K);
}

TEST_F(real, inside_a_huge_page)
{
	unsigned char *mem = vfio_memory_aligned(2 * SZ_2M, SZ_2M);

	madvise(mem, 2 * SZ_2M, MADV_HUGEPAGE);
	memset(mem, 0, 2 * SZ_2M);
	vfio_map(self->fd, mem, SZ_1G, 2 * SZ_2M);
	fill(mem, SZ_4K, 5);
	edu_read(&self->edu, SZ_1G, EDU_BUFFER);
	edu_write(&self->edu, SZ_1G + SZ_2M + 37 * SZ_4K, EDU_BUFFER);
	EXPECT_EQ(0, memcmp(mem + SZ_2M + 37 * SZ_4K, mem, EDU_BUFFER));
	EXPECT_TRUE(all(mem + SZ_4K, SZ_2M + 36 * SZ_4K, 0));
	EXPECT_TRUE(all(mem + SZ_2M + 38 * SZ_4K, SZ_2M - 38 * SZ_4K, 0));
	munmap(mem, 2 * SZ_2M);
}

TEST_F(real, nothing_after_unmap)
{
	unsigned char *mem = vfio_memory(5 * SZ_4K, 0);

	memset(mem, 0x11, 5 * SZ_4K);
	vfio_map(self->fd, mem, IOVA, 5 * SZ_4K);
	edu_read(&self->edu, IOVA, EDU_BUFFER);
	EXPECT_EQ(5 * SZ_4K, vfio_unmap(self->fd, IOVA, 5 * SZ_4K));
	memset(mem, 0x22, 5 * SZ_4K);
	for (int i = 0; i < 5; i += 2)
		edu_write(&self->edu, IOVA + i * SZ_4K, EDU_BUFFER);
	EXPECT_TRUE(all(mem, 5 * SZ_4K, 0x22));
	munmap(mem, 5 * SZ_4K);
}

/* An address that has been used again must lead to the new memory at once. */
TEST_F(real, no_stale_translation)
{
	unsigned char *first = vfio_memory(SZ_4K, 0);
	unsigned char *second = vfio_memory(SZ_4K, 0);

	memset(first, 0x33, SZ_4K);
	vfio_map(self->fd, first, IOVA, SZ_4K);
	edu_read(&self->edu, IOVA, EDU_BUFFER);
	vfio_unmap(self->fd, IOVA, SZ_4K);
	memset(first, 0x44, SZ_4K);
	vfio_map(self->fd, second, IOVA, SZ_4K);
	edu_write(&self->edu, IOVA, EDU_BUFFER);
	EXPECT_TRUE(all(first, SZ_4K, 0x44));
	EXPECT_TRUE(all(second, EDU_BUFFER, 0x33));
	munmap(first, SZ_4K);
	munmap(second, SZ_4K);
}

TEST_F(real, read_only_is_not_written)
{
	unsigned char *mem = vfio_memory(2 * SZ_4K, 0);

	memset(mem, 0x55, 2 * SZ_4K);
	ASSERT_EQ(0, __vfio_map(self->fd, mem, IOVA, SZ_4K,
				VFIO_DMA_MAP_FLAG_READ));
	vfio_map(self->fd, mem + SZ_4K, 2 * IOVA, SZ_4K);
	edu_read(&self->edu, IOVA, EDU_BUFFER);
	memset(mem, 0x66, 2 * SZ_4K);
	edu_write(&self->edu, IOVA, EDU_BUFFER);
	EXPECT_TRUE(all(mem, SZ_4K, 0x66));
	edu_write(&self->edu, 2 * IOVA, EDU_BUFFER);
	EXPECT_TRUE(all(mem + SZ_4K, EDU_BUFFER, 0x55));
	munmap(mem, 2 * SZ_4K);
}

/* Two devices in two containers: one's mapping is nothing to the other. */
TEST_F(real, containers_are_apart)
{
	unsigned char *mem = vfio_memory(SZ_4K, 0);
	struct vfio_space other;

	vfio_space_open(&other, E1000E_BDF, variant->type);
	memset(mem, 0x77, SZ_4K);
	vfio_map(other.container, mem, IOVA, SZ_4K);
	edu_write(&self->edu, IOVA, EDU_BUFFER);
	EXPECT_TRUE(all(mem, SZ_4K, 0x77));
	vfio_space_close(&other);
	munmap(mem, SZ_4K);
}

/* From device to device, in a BAR of hundreds of megabytes. */
TEST_F(real, another_devices_large_bar)
{
	const __u64 offsets[] = {0, 101 * SZ_2M + 7 * SZ_4K,
				 256 * SZ_1M - SZ_4K};
	unsigned char *mem = vfio_memory(SZ_4K, 0), *bar;
	struct vfio_space large = VFIO_SPACE_NONE;
	__u64 size;
	long pinned;

	large.name = LARGE_BDF;
	large.number = vfio_group_number(LARGE_BDF);
	large.group = vfio_must(vfio_group_open_wait(large.number, 2000));
	ASSERT_EQ(0, __vfio_group_set_container(large.group, self->fd));
	vfio_space_open_device(&large);
	vfio_bus_master(large.device, true);
	bar = vfio_map_bar(large.device, VFIO_PCI_BAR2_REGION_INDEX, &size);
	ASSERT_EQ(256 * SZ_1M, size);
	pinned = pinned_pages();
	vfio_map(self->fd, bar, 4 * IOVA, size);
	/* It is not memory: nothing to pin, nothing to charge. */
	EXPECT_EQ(pinned, pinned_pages());
	EXPECT_EQ(0, locked_pages(0));

	fill(mem, SZ_4K, 3);
	vfio_map(self->fd, mem, IOVA, SZ_4K);
	edu_read(&self->edu, IOVA, EDU_BUFFER);
	for (int i = 0; i < 3; i++) {
		edu_write(&self->edu, 4 * IOVA + offsets[i], EDU_BUFFER);
		EXPECT_EQ(0, memcmp(mem, bar + offsets[i], EDU_BUFFER));
	}
	memset(bar + offsets[1], 0x11, EDU_BUFFER);
	edu_read(&self->edu, 4 * IOVA + offsets[1], EDU_BUFFER);
	edu_write(&self->edu, IOVA, EDU_BUFFER);
	EXPECT_TRUE(all(mem, EDU_BUFFER, 0x11));

	EXPECT_EQ(size, vfio_unmap(self->fd, 4 * IOVA, size));
	munmap(bar, size);
	vfio_space_close(&large);
	munmap(mem, SZ_4K);
}

TEST_HARNESS_MAIN
