// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_MAP_DMA and _UNMAP_DMA: flags, overlap, what may be split, limits,
 * kinds of memory. Every test knows how many pages are pinned, and that a call
 * which fails leaves the container as it was.
 */
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define IOVA 0x10000000ULL

FIXTURE(dma)
{
	struct vfio_space space;
	int fd;
	long avail;
	long pinned;
	char *mem;
};

FIXTURE_VARIANT(dma)
{
	int type;
};

FIXTURE_VARIANT_ADD(dma, type1){.type = VFIO_TYPE1_IOMMU};
FIXTURE_VARIANT_ADD(dma, type1v2){.type = VFIO_TYPE1v2_IOMMU};

#define MEM_PAGES 31

FIXTURE_SETUP(dma)
{
	vfio_space_open(&self->space, EDU_BDF, variant->type);
	self->fd = self->space.container;
	self->avail = vfio_dma_avail(self->fd);
	self->mem = vfio_memory(MEM_PAGES * SZ_4K, 0);
	self->pinned = pinned_pages();
}

FIXTURE_TEARDOWN(dma)
{
	vfio_unmap_all(self->fd);
	EXPECT_EQ(self->avail, vfio_dma_avail(self->fd));
	EXPECT_EQ(self->pinned, pinned_pages());
	EXPECT_EQ(0, locked_pages(0));
	vfio_space_close(&self->space);
	munmap(self->mem, MEM_PAGES * SZ_4K);
}

static void expect_state(struct __test_metadata *_metadata,
			 FIXTURE_DATA(dma) * self, long maps, long pages)
{
	EXPECT_EQ(self->avail - maps, vfio_dma_avail(self->fd));
	EXPECT_EQ(self->pinned + pages, pinned_pages());
	EXPECT_EQ(pages, locked_pages(0));
}

TEST_F(dma, map_and_unmap)
{
	vfio_map(self->fd, self->mem, IOVA, 7 * SZ_4K);
	expect_state(_metadata, self, 1, 7);
	EXPECT_EQ(7 * SZ_4K, vfio_unmap(self->fd, IOVA, 7 * SZ_4K));
	expect_state(_metadata, self, 0, 0);
	EXPECT_EQ(0, vfio_unmap(self->fd, IOVA, 7 * SZ_4K));
}

TEST_F(dma, flags)
{
	int fd = self->fd;

	EXPECT_EQ(-EINVAL, __vfio_map(fd, self->mem, IOVA, SZ_4K, 0));
	EXPECT_EQ(-EINVAL, __vfio_map(fd, self->mem, IOVA, SZ_4K, VFIO_RW | 8));
	expect_state(_metadata, self, 0, 0);
	EXPECT_EQ(0, __vfio_map(fd, self->mem, IOVA, SZ_4K,
				VFIO_DMA_MAP_FLAG_READ));
	EXPECT_EQ(0, __vfio_map(fd, self->mem + SZ_4K, IOVA + SZ_4K, SZ_4K,
				VFIO_DMA_MAP_FLAG_WRITE));
	expect_state(_metadata, self, 2, 2);
	EXPECT_EQ(-EINVAL, __vfio_unmap(fd, IOVA, SZ_4K, 16, NULL));
	expect_state(_metadata, self, 2, 2);
}

TEST_F(dma, overlap)
{
	static const struct {
		long start, pages;
	} bad[] = {{4, 5}, {4, 1}, {8, 1}, {6, 1},
		   {3, 2}, {8, 2}, {3, 7}, {0, 20}};

	vfio_map(self->fd, self->mem, IOVA + 4 * SZ_4K, 5 * SZ_4K);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EEXIST, __vfio_map(self->fd, self->mem,
					      IOVA + bad[i].start * SZ_4K,
					      bad[i].pages * SZ_4K, VFIO_RW));
	}
	expect_state(_metadata, self, 1, 5);
	vfio_map(self->fd, self->mem, IOVA + 3 * SZ_4K, SZ_4K);
	vfio_map(self->fd, self->mem, IOVA + 9 * SZ_4K, SZ_4K);
	expect_state(_metadata, self, 3, 7);
}

TEST_F(dma, alignment_and_wrap)
{
	char *mem = self->mem;
	int fd = self->fd;

	EXPECT_EQ(-EINVAL, __vfio_map(fd, mem, IOVA, 0, VFIO_RW));
	EXPECT_EQ(-EINVAL, __vfio_map(fd, mem, IOVA, SZ_4K - 1, VFIO_RW));
	EXPECT_EQ(-EINVAL, __vfio_map(fd, mem, IOVA + 1, SZ_4K, VFIO_RW));
	EXPECT_EQ(-EINVAL, __vfio_map(fd, mem + 1, IOVA, SZ_4K, VFIO_RW));
	EXPECT_EQ(-EINVAL, __vfio_map(fd, mem, -SZ_4K, 2 * SZ_4K, VFIO_RW));
	EXPECT_EQ(-EINVAL,
		  __vfio_map(fd, (void *)-SZ_4K, IOVA, 2 * SZ_4K, VFIO_RW));
	EXPECT_EQ(-EINVAL, __vfio_map(fd, mem, IOVA, -SZ_4K, VFIO_RW));
	EXPECT_EQ(-EINVAL, __vfio_unmap(fd, IOVA, 0, 0, NULL));
	EXPECT_EQ(-EINVAL, __vfio_unmap(fd, IOVA, SZ_4K + 1, 0, NULL));
	EXPECT_EQ(-EINVAL, __vfio_unmap(fd, IOVA + 1, SZ_4K, 0, NULL));
	EXPECT_EQ(-EINVAL, __vfio_unmap(fd, -SZ_4K, 2 * SZ_4K, 0, NULL));
	expect_state(_metadata, self, 0, 0);
}

TEST_F(dma, last_page)
{
	__u64 unmapped = 1;

	EXPECT_EQ(0, __vfio_unmap(self->fd, -SZ_4K, SZ_4K, 0, &unmapped));
	EXPECT_EQ(0, unmapped);
	EXPECT_EQ(-EINVAL, __vfio_unmap(self->fd, -SZ_4K, 2 * SZ_4K, 0, NULL));
}

/*
 * A range that ends at the last byte of the address space does not wrap. Stock
 * says success and unmaps nothing: the end that it computes is 0.
 */
TEST_F(dma, unmap_up_to_the_last_page)
{
	__u64 unmapped = 1;

	if (!ours_loaded())
		SKIP(return, "stock returns 0 and unmaps nothing up to 2^64");
	vfio_map(self->fd, self->mem, IOVA, 3 * SZ_4K);
	EXPECT_EQ(0, __vfio_unmap(self->fd, IOVA, -IOVA, 0, &unmapped));
	EXPECT_EQ(3 * SZ_4K, unmapped);
	expect_state(_metadata, self, 0, 0);
}

TEST_F(dma, ranges_are_enforced)
{
	struct vfio_iommu_type1_info *info = vfio_iommu_info(self->fd);
	struct vfio_iommu_type1_info_cap_iova_range *cap =
		(void *)vfio_iommu_cap(info,
				       VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);

	ASSERT_NE(NULL, cap);
	if (!ours_loaded() && !(cap->iova_ranges[cap->nr_iovas - 1].end + 1)) {
		free(info);
		SKIP(return, "stock never takes back what ends at 2^64");
	}
	for (__u32 i = 0; i < cap->nr_iovas; i++) {
		__u64 last = (cap->iova_ranges[i].end + 1) - SZ_4K;
		__u64 after = cap->iova_ranges[i].end + 1;

		EXPECT_EQ(0, __vfio_map(self->fd, self->mem, last, SZ_4K,
					VFIO_RW));
		EXPECT_EQ(0, __vfio_map(self->fd, self->mem,
					cap->iova_ranges[i].start, SZ_4K,
					VFIO_RW));
		EXPECT_EQ(2 * SZ_4K, vfio_unmap_all(self->fd));
		if (!after)
			continue;
		EXPECT_EQ(-EINVAL, __vfio_map(self->fd, self->mem, after, SZ_4K,
					      VFIO_RW));
		EXPECT_EQ(-EINVAL, __vfio_map(self->fd, self->mem, last,
					      2 * SZ_4K, VFIO_RW));
	}
	free(info);
}

/*
 * v2 refuses to cut a mapping. v1 unmaps the whole of one whose start is in the
 * range and says so, and nothing, with success, of one whose start is not.
 */
TEST_F(dma, split)
{
	bool v2 = variant->type == VFIO_TYPE1v2_IOMMU;
	__u64 unmapped = 1;

	vfio_map(self->fd, self->mem, IOVA, 5 * SZ_4K);
	EXPECT_EQ(v2 ? -EINVAL : 0,
		  __vfio_unmap(self->fd, IOVA + SZ_4K, SZ_4K, 0, &unmapped));
	if (!v2) {
		EXPECT_EQ(0, unmapped);
	}
	EXPECT_EQ(v2 ? -EINVAL : 0, __vfio_unmap(self->fd, IOVA + 2 * SZ_4K,
						 9 * SZ_4K, 0, &unmapped));
	expect_state(_metadata, self, 1, 5);
	EXPECT_EQ(v2 ? -EINVAL : 0,
		  __vfio_unmap(self->fd, IOVA, SZ_4K, 0, &unmapped));
	if (!v2) {
		EXPECT_EQ(5 * SZ_4K, unmapped);
	}
	expect_state(_metadata, self, v2, v2 ? 5 : 0);
}

TEST_F(dma, unmap_spans_mappings_and_holes)
{
	static const int starts[] = {0, 2, 7, 11};

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		vfio_map(self->fd, self->mem, IOVA + starts[i] * SZ_4K,
			 2 * SZ_4K);
	expect_state(_metadata, self, 4, 8);
	EXPECT_EQ(6 * SZ_4K, vfio_unmap(self->fd, IOVA, 10 * SZ_4K));
	expect_state(_metadata, self, 1, 2);
	EXPECT_EQ(2 * SZ_4K, vfio_unmap(self->fd, 0, SZ_1G));
}

TEST_F(dma, unmap_all)
{
	__u64 unmapped;

	vfio_map(self->fd, self->mem, 0, 3 * SZ_4K);
	vfio_map(self->fd, self->mem, IOVA, 5 * SZ_4K);
	vfio_map(self->fd, self->mem, 7 * SZ_1G, 11 * SZ_4K);
	EXPECT_EQ(-EINVAL, __vfio_unmap(self->fd, SZ_4K, 0,
					VFIO_DMA_UNMAP_FLAG_ALL, &unmapped));
	EXPECT_EQ(-EINVAL, __vfio_unmap(self->fd, 0, SZ_4K,
					VFIO_DMA_UNMAP_FLAG_ALL, &unmapped));
	expect_state(_metadata, self, 3, 19);
	EXPECT_EQ(19 * SZ_4K, vfio_unmap_all(self->fd));
	EXPECT_EQ(0, vfio_unmap_all(self->fd));
}

TEST_F(dma, vaddr_can_be_moved)
{
	int fd = self->fd;
	__u64 done;

	if (!vfio_ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR))
		SKIP(return, "this kernel has no VFIO_UPDATE_VADDR");
	vfio_map(fd, self->mem, IOVA, 3 * SZ_4K);
	vfio_map(fd, self->mem, IOVA + 3 * SZ_4K, 2 * SZ_4K);
	EXPECT_EQ(-EINVAL, __vfio_map(fd, self->mem, IOVA, 3 * SZ_4K,
				      VFIO_DMA_MAP_FLAG_VADDR));
	EXPECT_EQ(0, __vfio_unmap(fd, IOVA, 5 * SZ_4K,
				  VFIO_DMA_UNMAP_FLAG_VADDR, &done));
	EXPECT_EQ(5 * SZ_4K, done);
	EXPECT_EQ(-EINVAL, __vfio_unmap(fd, IOVA, 5 * SZ_4K,
					VFIO_DMA_UNMAP_FLAG_VADDR, &done));
	EXPECT_EQ(-ENOENT, __vfio_map(fd, self->mem, 2 * IOVA, SZ_4K,
				      VFIO_DMA_MAP_FLAG_VADDR));
	EXPECT_EQ(-EINVAL, __vfio_map(fd, self->mem, IOVA, SZ_4K,
				      VFIO_DMA_MAP_FLAG_VADDR));
	EXPECT_EQ(0, __vfio_map(fd, self->mem, IOVA, 3 * SZ_4K,
				VFIO_DMA_MAP_FLAG_VADDR));
	expect_state(_metadata, self, 2, 5);
}

TEST_F(dma, pages_that_are_not_there)
{
	char *hole = vfio_memory(11 * SZ_4K, 0);

	munmap(hole + 7 * SZ_4K, SZ_4K);
	EXPECT_EQ(-EFAULT,
		  __vfio_map(self->fd, hole, IOVA, 11 * SZ_4K, VFIO_RW));
	expect_state(_metadata, self, 0, 0);
	EXPECT_EQ(-EFAULT,
		  __vfio_map(self->fd, hole + 7 * SZ_4K, IOVA, SZ_4K, VFIO_RW));
	expect_state(_metadata, self, 0, 0);
	munmap(hole, 11 * SZ_4K);
}

/* A map does not wait for whom a userfaultfd tells of the fault. */
TEST_F(dma, memory_of_a_userfaultfd)
{
	struct uffdio_api api = {.api = UFFD_API};
	char *mem = vfio_memory(11 * SZ_4K, 0);
	struct uffdio_register range = {
		.range = {.start = (__u64)mem + 5 * SZ_4K, .len = 3 * SZ_4K},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (uffd < 0)
		SKIP(return, "no userfaultfd");
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_API, &api));
	ASSERT_EQ(0, madvise(mem, 11 * SZ_4K, MADV_DONTNEED));
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_REGISTER, &range));
	EXPECT_EQ(-EFAULT,
		  __vfio_map(self->fd, mem, IOVA, 11 * SZ_4K, VFIO_RW));
	EXPECT_EQ(-EFAULT, __vfio_map(self->fd, mem + 6 * SZ_4K, IOVA, SZ_4K,
				      VFIO_DMA_MAP_FLAG_READ));
	expect_state(_metadata, self, 0, 0);
	EXPECT_EQ(0, __vfio_map(self->fd, mem, IOVA, 5 * SZ_4K, VFIO_RW));
	expect_state(_metadata, self, 1, 5);
	vfio_unmap_all(self->fd);
	close(uffd);
	munmap(mem, 11 * SZ_4K);
}

TEST_F(dma, read_only_memory)
{
	char *mem = vfio_memory(3 * SZ_4K, 0);

	ASSERT_EQ(0, mprotect(mem, 3 * SZ_4K, PROT_READ));
	EXPECT_EQ(-EFAULT, __vfio_map(self->fd, mem, IOVA, 3 * SZ_4K, VFIO_RW));
	expect_state(_metadata, self, 0, 0);
	EXPECT_EQ(0, __vfio_map(self->fd, mem, IOVA, 3 * SZ_4K,
				VFIO_DMA_MAP_FLAG_READ));
	expect_state(_metadata, self, 1, 3);
	vfio_unmap_all(self->fd);
	munmap(mem, 3 * SZ_4K);
}

TEST_F(dma, shared_memory)
{
	int memfd = memfd_create("vfio", MFD_CLOEXEC);
	char *mem;

	ASSERT_EQ(0, ftruncate(memfd, 13 * SZ_4K));
	mem = mmap(NULL, 13 * SZ_4K, PROT_READ | PROT_WRITE, MAP_SHARED, memfd,
		   0);
	ASSERT_NE(MAP_FAILED, mem);
	close(memfd);
	vfio_map(self->fd, mem, IOVA, 13 * SZ_4K);
	expect_state(_metadata, self, 1, 13);
	/* What is pinned stays when the process forgets it. */
	munmap(mem, 13 * SZ_4K);
	expect_state(_metadata, self, 1, 13);
}

TEST_F(dma, hugetlb)
{
	int sysctl = open("/proc/sys/vm/nr_hugepages", O_WRONLY | O_CLOEXEC);
	char *mem;

	ASSERT_EQ(1, write(sysctl, "3", 1));
	mem = mmap(NULL, 3 * SZ_2M, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (mem == MAP_FAILED)
		SKIP(return, "no three huge pages to be had");
	vfio_map(self->fd, mem, SZ_1G, 3 * SZ_2M);
	expect_state(_metadata, self, 1, 3 * 512);
	/* A part of a huge page is a mapping like any other. */
	vfio_map(self->fd, mem + 5 * SZ_4K, 2 * SZ_1G, 7 * SZ_4K);
	expect_state(_metadata, self, 2, 3 * 512 + 7);
	EXPECT_EQ(3 * SZ_2M + 7 * SZ_4K, vfio_unmap_all(self->fd));
	expect_state(_metadata, self, 0, 0);
	munmap(mem, 3 * SZ_2M);
	ASSERT_EQ(1, write(sysctl, "0", 1));
	close(sysctl);
}

TEST_F(dma, transparent_huge_pages)
{
	char *mem = vfio_memory_aligned(3 * SZ_2M, SZ_2M);

	madvise(mem, 3 * SZ_2M, MADV_HUGEPAGE);
	memset(mem, 1, 3 * SZ_2M);
	vfio_map(self->fd, mem + SZ_4K, SZ_1G + SZ_4K, 3 * SZ_2M - 2 * SZ_4K);
	expect_state(_metadata, self, 1, 3 * 512 - 2);
	EXPECT_EQ(3 * SZ_2M - 2 * SZ_4K, vfio_unmap_all(self->fd));
	expect_state(_metadata, self, 0, 0);
	munmap(mem, 3 * SZ_2M);
}

/* Memory that nobody has touched is faulted in by the map. */
TEST_F(dma, untouched_memory)
{
	char *mem = mmap(NULL, 1021 * SZ_4K, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	vfio_map(self->fd, mem, IOVA, 1021 * SZ_4K);
	expect_state(_metadata, self, 1, 1021);
	vfio_unmap_all(self->fd);
	munmap(mem, 1021 * SZ_4K);
}

/* A device's BAR has no pages to pin and none to charge. */
TEST_F(dma, device_memory)
{
	char *mem;
	__u64 size;

	vfio_space_open_device(&self->space);
	vfio_bus_master(self->space.device, true);
	mem = vfio_map_bar(self->space.device, 0, &size);
	vfio_map(self->fd, mem, IOVA, size);
	expect_state(_metadata, self, 1, 0);
	EXPECT_EQ(size, vfio_unmap(self->fd, IOVA, size));
	/* RAM and BAR behind each other are two kinds in one range of IOVA. */
	vfio_map(self->fd, self->mem, IOVA, 3 * SZ_4K);
	vfio_map(self->fd, mem, IOVA + 3 * SZ_4K, 5 * SZ_4K);
	expect_state(_metadata, self, 2, 3);
	EXPECT_EQ(8 * SZ_4K, vfio_unmap(self->fd, IOVA, 8 * SZ_4K));
	munmap(mem, size);
}

#define MANY 509

TEST_F(dma, many_mappings_in_any_order)
{
	/* 197 is coprime to 509: each slot once, none near the one before. */
	for (long i = 0; i < MANY; i++)
		vfio_map(self->fd, self->mem + (i % MEM_PAGES) * SZ_4K,
			 IOVA + (i * 197 % MANY) * 2 * SZ_4K, SZ_4K);
	expect_state(_metadata, self, MANY, MANY);
	for (long i = 0; i < MANY; i += 2)
		ASSERT_EQ(SZ_4K, vfio_unmap(self->fd,
					    IOVA + (i * 83 % MANY) * 2 * SZ_4K,
					    SZ_4K));
	expect_state(_metadata, self, MANY / 2, MANY / 2);
	EXPECT_EQ((MANY / 2) * SZ_4K, vfio_unmap_all(self->fd));
}

/* A group that joins finds everything mapped; nothing is pinned twice. */
TEST_F(dma, second_group)
{
	int group = vfio_must(
		vfio_group_open_wait(vfio_group_number(E1000E_BDF), 2000));

	vfio_map(self->fd, self->mem, IOVA, 17 * SZ_4K);
	ASSERT_EQ(0, __vfio_group_set_container(group, self->fd));
	expect_state(_metadata, self, 1, 17);
	vfio_map(self->fd, self->mem, 2 * IOVA, 2 * SZ_4K);
	expect_state(_metadata, self, 2, 19);
	EXPECT_EQ(17 * SZ_4K, vfio_unmap(self->fd, IOVA, 17 * SZ_4K));
	close(group);
	expect_state(_metadata, self, 1, 2);
}

static void set_entry_limit(const char *value)
{
	int fd = open("/sys/module/vfio_iommu_type1/parameters/dma_entry_limit",
		      O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		vfio_die("dma_entry_limit: %m");
	close(fd);
}

/* CVE-2019-3882: a user may not have mappings without end. */
TEST_F(dma, entry_limit)
{
	struct vfio_space limited;

	vfio_space_close(&self->space);
	set_entry_limit("13");
	vfio_space_open(&limited, EDU_BDF, variant->type);
	set_entry_limit("65535");
	EXPECT_EQ(13, vfio_dma_avail(limited.container));
	for (int i = 0; i < 13; i++)
		vfio_map(limited.container, self->mem, i * SZ_4K, SZ_4K);
	EXPECT_EQ(0, vfio_dma_avail(limited.container));
	EXPECT_EQ(-ENOSPC, __vfio_map(limited.container, self->mem, 13 * SZ_4K,
				      SZ_4K, VFIO_RW));
	EXPECT_EQ(self->pinned + 13, pinned_pages());
	/* What overlaps is said first. */
	EXPECT_EQ(-EEXIST, __vfio_map(limited.container, self->mem, 5 * SZ_4K,
				      SZ_4K, VFIO_RW));
	EXPECT_EQ(SZ_4K, vfio_unmap(limited.container, 5 * SZ_4K, SZ_4K));
	vfio_map(limited.container, self->mem, 13 * SZ_4K, SZ_4K);
	vfio_space_close(&limited);
	vfio_space_open(&self->space, EDU_BDF, variant->type);
	self->fd = self->space.container;
}

TEST_F(dma, argsz)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map) - 1,
		.flags = VFIO_RW,
		.vaddr = (uintptr_t)self->mem,
		.iova = IOVA,
		.size = SZ_4K,
	};
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap) - 1,
		.iova = IOVA,
		.size = SZ_4K,
	};

	EXPECT_EQ(-EINVAL, vfio_ioctl(self->fd, VFIO_IOMMU_MAP_DMA, &map));
	expect_state(_metadata, self, 0, 0);
	map.argsz = 4096;
	EXPECT_EQ(0, vfio_ioctl(self->fd, VFIO_IOMMU_MAP_DMA, &map));
	EXPECT_EQ(-EINVAL, vfio_ioctl(self->fd, VFIO_IOMMU_UNMAP_DMA, &unmap));
	expect_state(_metadata, self, 1, 1);
	EXPECT_EQ(-EFAULT, vfio_ioctl(self->fd, VFIO_IOMMU_MAP_DMA, 8));
	EXPECT_EQ(-EFAULT, vfio_ioctl(self->fd, VFIO_IOMMU_UNMAP_DMA, 8));
}

TEST_HARNESS_MAIN
