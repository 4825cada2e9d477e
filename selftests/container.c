// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/vfio/vfio: what a container answers before and after it has an IOMMU,
 * the rules of VFIO_SET_IOMMU, and closing things in every order.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/proc.h"
#include "lib/vfio.h"

TEST(api_version)
{
	int fd = vfio_container_open();

	ASSERT_EQ(VFIO_API_VERSION, vfio_ioctl(fd, VFIO_GET_API_VERSION, 0));
	close(fd);
}

TEST(nothing_without_iommu)
{
	int fd = vfio_container_open();
	struct vfio_iommu_type1_info info = {.argsz = sizeof(info)};

	ASSERT_EQ(-EINVAL, vfio_ioctl(fd, VFIO_IOMMU_GET_INFO, &info));
	ASSERT_EQ(-EINVAL, vfio_ioctl(fd, VFIO_IOMMU_MAP_DMA, &info));
	ASSERT_EQ(-EINVAL, vfio_ioctl(fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	close(fd);
}

TEST(extensions)
{
	static const struct {
		int extension;
		int answer;
	} table[] = {
		{VFIO_TYPE1_IOMMU, 1},
		{VFIO_TYPE1v2_IOMMU, 1},
		{VFIO_UNMAP_ALL, 1},
		{VFIO_NOIOMMU_IOMMU, 0},
		{VFIO_EEH, 0},
		{VFIO_SPAPR_TCE_IOMMU, 0},
		{4711, 0},
	};
	int fd = vfio_container_open();

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		EXPECT_EQ(table[i].answer, vfio_ioctl(fd, VFIO_CHECK_EXTENSION,
						      table[i].extension))
		{
			TH_LOG("extension %d", table[i].extension);
		}
	}
	close(fd);
}

FIXTURE(iommu)
{
	struct vfio_space space;
};

FIXTURE_VARIANT(iommu)
{
	int type;
};

FIXTURE_VARIANT_ADD(iommu, type1){.type = VFIO_TYPE1_IOMMU};
FIXTURE_VARIANT_ADD(iommu, type1v2){.type = VFIO_TYPE1v2_IOMMU};

FIXTURE_SETUP(iommu)
{
	vfio_space_open(&self->space, EDU_BDF, variant->type);
}

FIXTURE_TEARDOWN(iommu)
{
	vfio_space_close(&self->space);
}

TEST_F(iommu, extensions_are_the_drivers)
{
	int fd = self->space.container;

	EXPECT_EQ(1, vfio_ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU));
	EXPECT_EQ(1, vfio_ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(1, vfio_ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_UNMAP_ALL));
	EXPECT_EQ(0, vfio_ioctl(fd, VFIO_CHECK_EXTENSION, 4711));
}

TEST_F(iommu, set_once)
{
	EXPECT_EQ(-EINVAL, vfio_ioctl(self->space.container, VFIO_SET_IOMMU,
				      variant->type));
}

TEST_F(iommu, unknown_ioctl)
{
	EXPECT_EQ(-ENOTTY, vfio_ioctl(self->space.container, 0x3bff, 0));
}

TEST_F(iommu, info_names_page_sizes_and_ranges)
{
	struct vfio_iommu_type1_info *info =
		vfio_iommu_info(self->space.container);
	struct vfio_iommu_type1_info_cap_iova_range *ranges;

	EXPECT_TRUE(info->flags & VFIO_IOMMU_INFO_PGSIZES);
	EXPECT_TRUE(info->iova_pgsizes & SZ_4K);
	ranges = (void *)vfio_iommu_cap(info,
					VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	ASSERT_NE(NULL, ranges);
	ASSERT_GT(ranges->nr_iovas, 0);
	for (__u32 i = 0; i < ranges->nr_iovas; i++) {
		EXPECT_LT(ranges->iova_ranges[i].start,
			  ranges->iova_ranges[i].end);
		if (i) {
			EXPECT_LT(ranges->iova_ranges[i - 1].end,
				  ranges->iova_ranges[i].start);
		}
	}
	EXPECT_NE(NULL,
		  vfio_iommu_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION));
	free(info);
}

TEST_F(iommu, short_info_tells_the_size)
{
	struct vfio_iommu_type1_info info = {.argsz = sizeof(info)};

	ASSERT_EQ(0, vfio_ioctl(self->space.container, VFIO_IOMMU_GET_INFO,
				&info));
	EXPECT_TRUE(info.flags & VFIO_IOMMU_INFO_CAPS);
	EXPECT_GT(info.argsz, sizeof(info));
	EXPECT_EQ(0, info.cap_offset);
}

TEST_F(iommu, two_groups_one_container)
{
	int number = vfio_group_number(E1000E_BDF);
	int group = vfio_must(vfio_group_open_wait(number, 2000));

	ASSERT_EQ(0, __vfio_group_set_container(group, self->space.container));
	ASSERT_EQ(0, vfio_ioctl(group, VFIO_GROUP_UNSET_CONTAINER, 0));
	ASSERT_EQ(0, __vfio_group_set_container(group, self->space.container));
	/* The container lives on with the second group alone. */
	ASSERT_EQ(0,
		  vfio_ioctl(self->space.group, VFIO_GROUP_UNSET_CONTAINER, 0));
	EXPECT_GT(vfio_dma_avail(self->space.container), 0);
	close(group);
	/* With the last group gone it is as it was when it was opened. */
	struct vfio_iommu_type1_info info = {.argsz = sizeof(info)};

	EXPECT_EQ(-EINVAL, vfio_ioctl(self->space.container,
				      VFIO_IOMMU_GET_INFO, &info));
}

TEST_F(iommu, mappings_go_with_the_last_group)
{
	void *mem = vfio_memory(7 * SZ_4K, 0);
	long pinned = pinned_pages();

	vfio_map(self->space.container, mem, 0, 7 * SZ_4K);
	EXPECT_EQ(pinned + 7, pinned_pages());
	ASSERT_EQ(0,
		  vfio_ioctl(self->space.group, VFIO_GROUP_UNSET_CONTAINER, 0));
	EXPECT_EQ(pinned, pinned_pages());
	EXPECT_EQ(0, locked_pages(0));
	munmap(mem, 7 * SZ_4K);
}

/*
 * Three fds, six orders to close them in. The mappings go when neither the
 * group's nor the device's fd is left, wherever the container's fd is.
 */
TEST_F(iommu, close_in_any_order)
{
	enum { CONTAINER, GROUP, DEVICE };
	static const int orders[6][3] = {
		{CONTAINER, GROUP, DEVICE}, {CONTAINER, DEVICE, GROUP},
		{GROUP, CONTAINER, DEVICE}, {GROUP, DEVICE, CONTAINER},
		{DEVICE, CONTAINER, GROUP}, {DEVICE, GROUP, CONTAINER},
	};
	void *mem = vfio_memory(5 * SZ_4K, 0);
	long pinned = pinned_pages();

	vfio_space_close(&self->space);
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct vfio_space s;
		int users = 2;

		vfio_space_open(&s, EDU_BDF, variant->type);
		vfio_space_open_device(&s);
		vfio_map(s.container, mem, 0, 5 * SZ_4K);

		int fds[3] = {s.container, s.group, s.device};

		for (int j = 0; j < 3; j++) {
			close(fds[orders[i][j]]);
			users -= orders[i][j] != CONTAINER;
			EXPECT_TRUE(pinned_settles(pinned + (users ? 5 : 0)))
			{
				TH_LOG("order %zu, close %d: %ld pinned", i, j,
				       pinned_pages() - pinned);
			}
		}
	}
	EXPECT_EQ(0, locked_pages(0));
	vfio_space_open(&self->space, EDU_BDF, variant->type);
	munmap(mem, 5 * SZ_4K);
}

TEST_F(iommu, container_may_be_shared)
{
	int dup_fd = dup(self->space.container);
	void *mem = vfio_memory(SZ_4K, 0);
	long avail = vfio_dma_avail(self->space.container);

	vfio_map(dup_fd, mem, 0, SZ_4K);
	EXPECT_EQ(avail - 1, vfio_dma_avail(self->space.container));
	close(dup_fd);
	EXPECT_EQ(avail - 1, vfio_dma_avail(self->space.container));
	EXPECT_EQ(SZ_4K, vfio_unmap(self->space.container, 0, SZ_4K));
	munmap(mem, SZ_4K);
}

TEST_HARNESS_MAIN
