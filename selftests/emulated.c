// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices without an IOMMU, made by the test module: a map pins nothing, the
 * device pins what it wants, each page is charged once, and an unmap asks the
 * device to let go.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/emulated.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define IOVA  0x10000000ULL
#define NAME  "emulated-a"
#define READ  1
#define WRITE 2

FIXTURE(emulated)
{
	struct vfio_space space;
	int testdev;
	int fd;
	char *mem;
	long pinned;
};

FIXTURE_SETUP(emulated)
{
	self->testdev = testdev_open();
	vfio_must(__testdev_create(self->testdev, NAME));
	vfio_space_open(&self->space, NAME, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&self->space);
	self->fd = self->space.container;
	self->mem = vfio_memory(101 * SZ_4K, 0);
	self->pinned = pinned_pages();
}

FIXTURE_TEARDOWN(emulated)
{
	vfio_space_close(&self->space);
	EXPECT_TRUE(pinned_settles(self->pinned));
	EXPECT_EQ(0, locked_pages(0));
	EXPECT_EQ(0, __testdev_destroy(self->testdev, NAME));
	close(self->testdev);
}

static int pin(FIXTURE_DATA(emulated) * self, __u64 iova, __u32 npage)
{
	return __testdev_pin(self->testdev, NAME, iova, npage, READ | WRITE);
}

static int unpin(FIXTURE_DATA(emulated) * self, __u64 iova, __u32 npage)
{
	return __testdev_unpin(self->testdev, NAME, iova, npage);
}

TEST_F(emulated, device_works_as_any_other)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	__u32 value = 4711;

	ASSERT_EQ(0,
		  vfio_ioctl(self->space.device, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_EQ(1, info.num_regions);
	EXPECT_EQ(VFIO_TESTDEV_REGION_SIZE,
		  vfio_region(self->space.device, 0).size);
	EXPECT_EQ(4, pwrite(self->space.device, &value, 4, 40));
	value = 0;
	EXPECT_EQ(4, pread(self->space.device, &value, 4, 40));
	EXPECT_EQ(4711, value);
	EXPECT_EQ(0, vfio_ioctl(self->space.device, VFIO_DEVICE_RESET, 0));
	EXPECT_EQ(4, pread(self->space.device, &value, 4, 40));
	EXPECT_EQ(0, value);
	EXPECT_EQ(-EEXIST, __testdev_create(self->testdev, NAME));
}

TEST_F(emulated, a_map_pins_nothing)
{
	vfio_map(self->fd, self->mem, IOVA, 101 * SZ_4K);
	EXPECT_EQ(0, locked_pages(0));
	EXPECT_EQ(self->pinned, pinned_pages());
	EXPECT_EQ(101 * SZ_4K, vfio_unmap(self->fd, IOVA, 101 * SZ_4K));
	/* Nothing was pinned, so the device was not asked. */
	EXPECT_EQ(0, testdev_stats(self->testdev, NAME).unmap_calls);
}

TEST_F(emulated, pin_and_unpin)
{
	vfio_map(self->fd, self->mem, IOVA, 31 * SZ_4K);
	ASSERT_EQ(5, pin(self, IOVA + 3 * SZ_4K, 5));
	EXPECT_EQ(5, locked_pages(0));
	EXPECT_EQ(self->pinned + 5, pinned_pages());
	ASSERT_EQ(7, pin(self, IOVA + 11 * SZ_4K, 7));
	EXPECT_EQ(12, locked_pages(0));
	EXPECT_EQ(0, unpin(self, IOVA + 3 * SZ_4K, 5));
	EXPECT_EQ(7, locked_pages(0));
	EXPECT_EQ(self->pinned + 7, pinned_pages());
	EXPECT_EQ(0, unpin(self, IOVA + 11 * SZ_4K, 7));
	EXPECT_EQ(0, locked_pages(0));
}

TEST_F(emulated, a_page_is_charged_once)
{
	vfio_map(self->fd, self->mem, IOVA, 31 * SZ_4K);
	ASSERT_EQ(5, pin(self, IOVA, 5));
	ASSERT_EQ(5, pin(self, IOVA + 2 * SZ_4K, 5));
	EXPECT_EQ(7, locked_pages(0));
	EXPECT_EQ(self->pinned + 7, pinned_pages());
	EXPECT_EQ(0, unpin(self, IOVA, 5));
	EXPECT_EQ(5, locked_pages(0));
	EXPECT_EQ(0, unpin(self, IOVA + 2 * SZ_4K, 5));
	EXPECT_EQ(0, locked_pages(0));
}

TEST_F(emulated, the_most_at_once)
{
	char *mem = vfio_memory(513 * SZ_4K, 0);

	vfio_map(self->fd, mem, IOVA, 513 * SZ_4K);
	EXPECT_EQ(-E2BIG, pin(self, IOVA, 513));
	EXPECT_EQ(512, pin(self, IOVA, 512));
	EXPECT_EQ(512, locked_pages(0));
	EXPECT_EQ(0, unpin(self, IOVA, 512));
	vfio_unmap_all(self->fd);
	munmap(mem, 513 * SZ_4K);
}

TEST_F(emulated, pin_mistakes_leave_nothing)
{
	vfio_map(self->fd, self->mem, IOVA, 5 * SZ_4K);
	ASSERT_EQ(0, __vfio_map(self->fd, self->mem, IOVA + 5 * SZ_4K,
				3 * SZ_4K, VFIO_DMA_MAP_FLAG_READ));
	EXPECT_EQ(-EINVAL, pin(self, IOVA, 0));
	EXPECT_EQ(-EINVAL, pin(self, 2 * IOVA, 1));
	EXPECT_EQ(-EPERM, pin(self, IOVA + 4 * SZ_4K, 3));
	EXPECT_EQ(-EINVAL, __testdev_pin(self->testdev, NAME, IOVA, 9, READ));
	EXPECT_EQ(0, locked_pages(0));
	EXPECT_EQ(self->pinned, pinned_pages());
	EXPECT_EQ(8, __testdev_pin(self->testdev, NAME, IOVA, 8, READ));
	EXPECT_EQ(8, locked_pages(0));
	EXPECT_EQ(0, unpin(self, IOVA, 8));
}

TEST_F(emulated, unmap_asks_the_device)
{
	struct vfio_testdev_stats stats;

	vfio_map(self->fd, self->mem, IOVA, 13 * SZ_4K);
	vfio_map(self->fd, self->mem, 2 * IOVA, 11 * SZ_4K);
	ASSERT_EQ(3, pin(self, IOVA + 5 * SZ_4K, 3));
	ASSERT_EQ(2, pin(self, IOVA + 9 * SZ_4K, 2));
	ASSERT_EQ(1, pin(self, 2 * IOVA, 1));
	EXPECT_EQ(13 * SZ_4K, vfio_unmap(self->fd, IOVA, 13 * SZ_4K));
	stats = testdev_stats(self->testdev, NAME);
	EXPECT_EQ(1, stats.unmap_calls);
	EXPECT_EQ(13 * SZ_4K, stats.unmap_bytes);
	EXPECT_EQ(5, stats.unmap_unpinned);
	EXPECT_EQ(1, stats.pinned);
	EXPECT_EQ(1, locked_pages(0));
	EXPECT_EQ(11 * SZ_4K, vfio_unmap_all(self->fd));
	EXPECT_EQ(2, testdev_stats(self->testdev, NAME).unmap_calls);
	EXPECT_EQ(self->pinned, pinned_pages());
}

TEST_F(emulated, close_gives_back)
{
	vfio_map(self->fd, self->mem, IOVA, 13 * SZ_4K);
	ASSERT_EQ(13, pin(self, IOVA, 13));
	close(self->space.device);
	self->space.device = -1;
	EXPECT_TRUE(pinned_settles(self->pinned));
	EXPECT_EQ(0, locked_pages(0));
	EXPECT_EQ(-ENODEV, pin(self, IOVA, 1));
	EXPECT_EQ(13 * SZ_4K, vfio_unmap(self->fd, IOVA, 13 * SZ_4K));
}

static int rw(FIXTURE_DATA(emulated) * self, __u64 iova, void *data, __u64 len,
	      __u32 flags)
{
	return __testdev_rw(self->testdev, NAME, iova, data, len, flags);
}

TEST_F(emulated, dma_rw)
{
	char data[4099], back[4099];

	memset(data, 'x', sizeof(data));
	/* Two mappings, next to each other by IOVA but not in memory. */
	vfio_map(self->fd, self->mem, IOVA, SZ_4K);
	vfio_map(self->fd, self->mem + 7 * SZ_4K, IOVA + SZ_4K, 2 * SZ_4K);
	ASSERT_EQ(0, rw(self, IOVA + 1001, data, 4099, VFIO_TESTDEV_RW_WRITE));
	EXPECT_EQ(0, self->mem[1000]);
	EXPECT_EQ(0, memcmp(self->mem + 1001, data, SZ_4K - 1001));
	EXPECT_EQ(0,
		  memcmp(self->mem + 7 * SZ_4K, data, 4099 - (SZ_4K - 1001)));
	EXPECT_EQ(0, self->mem[7 * SZ_4K + 4099 - (SZ_4K - 1001)]);
	ASSERT_EQ(0, rw(self, IOVA + 1001, back, 4099, 0));
	EXPECT_EQ(0, memcmp(back, data, 4099));
	memset(back, 0, sizeof(back));
	ASSERT_EQ(0,
		  rw(self, IOVA + 1001, back, 4099, VFIO_TESTDEV_RW_KTHREAD));
	EXPECT_EQ(0, memcmp(back, data, 4099));
	EXPECT_EQ(0, locked_pages(0));
}

TEST_F(emulated, dma_rw_mistakes)
{
	char data[SZ_4K];

	memset(data, 'y', sizeof(data));
	ASSERT_EQ(0, __vfio_map(self->fd, self->mem, IOVA, SZ_4K,
				VFIO_DMA_MAP_FLAG_READ));
	EXPECT_EQ(-EPERM, rw(self, IOVA, data, 5, VFIO_TESTDEV_RW_WRITE));
	EXPECT_EQ(-EINVAL, rw(self, 2 * IOVA, data, 5, 0));
	EXPECT_EQ(-EINVAL, rw(self, IOVA + 1, data, SZ_4K, 0));
	EXPECT_EQ(0, self->mem[0]);
}

struct other_process {
	int testdev;
	__u32 flags;
};

static int rw_in_child(void *arg)
{
	struct other_process *other = arg;
	char data[5] = "abcd";

	return -__testdev_rw(other->testdev, NAME, IOVA, data, 5, other->flags);
}

TEST_F(emulated, dma_rw_from_another_process)
{
	struct other_process other = {.testdev = self->testdev};

	vfio_map(self->fd, self->mem, IOVA, SZ_4K);
	EXPECT_EQ(EFAULT, run_child(rw_in_child, &other));
	other.flags = VFIO_TESTDEV_RW_WRITE | VFIO_TESTDEV_RW_KTHREAD;
	EXPECT_EQ(0, run_child(rw_in_child, &other));
	EXPECT_STREQ("abcd", self->mem);
}

TEST_F(emulated, limit)
{
	set_memlock(23 * SZ_4K);
	drop_ipc_lock();
	vfio_map(self->fd, self->mem, IOVA, 31 * SZ_4K);
	EXPECT_EQ(-ENOMEM, pin(self, IOVA, 29));
	EXPECT_EQ(0, locked_pages(0));
	EXPECT_EQ(self->pinned, pinned_pages());
	EXPECT_EQ(23, pin(self, IOVA, 23));
	EXPECT_EQ(-ENOMEM, pin(self, IOVA + 23 * SZ_4K, 1));
	/* A page that is pinned already costs nothing. */
	EXPECT_EQ(3, pin(self, IOVA, 3));
	EXPECT_EQ(23, locked_pages(0));
}

static int map_in_child(void *fd)
{
	vfio_map(*(int *)fd, vfio_memory(7 * SZ_4K, 0), IOVA, 7 * SZ_4K);
	return 0;
}

TEST_F(emulated, mapper_is_gone)
{
	char data[5];

	ASSERT_EQ(0, run_child(map_in_child, &self->fd));
	EXPECT_EQ(-ENODEV, pin(self, IOVA, 1));
	EXPECT_EQ(-EPERM, rw(self, IOVA, data, 5, 0));
	EXPECT_EQ(7 * SZ_4K, vfio_unmap(self->fd, IOVA, 7 * SZ_4K));
}

TEST_F(emulated, vaddr_cannot_be_moved)
{
	EXPECT_EQ(0, vfio_ioctl(self->fd, VFIO_CHECK_EXTENSION,
				VFIO_UPDATE_VADDR));
	vfio_map(self->fd, self->mem, IOVA, SZ_4K);
	EXPECT_GT(0, __vfio_unmap(self->fd, IOVA, SZ_4K,
				  VFIO_DMA_UNMAP_FLAG_VADDR, NULL));
	EXPECT_EQ(1, pin(self, IOVA, 1));
}

/* With a real device in the container every page is pinned and charged. */
TEST_F(emulated, beside_a_real_device)
{
	int group = vfio_must(
		vfio_group_open_wait(vfio_group_number(EDU_BDF), 2000));

	vfio_map(self->fd, self->mem, IOVA, 31 * SZ_4K);
	ASSERT_EQ(5, pin(self, IOVA, 5));
	EXPECT_EQ(5, locked_pages(0));
	ASSERT_EQ(0, __vfio_group_set_container(group, self->fd));
	EXPECT_EQ(31, locked_pages(0));
	ASSERT_EQ(3, pin(self, IOVA + 7 * SZ_4K, 3));
	EXPECT_EQ(31, locked_pages(0));
	vfio_map(self->fd, self->mem, 2 * IOVA, 2 * SZ_4K);
	EXPECT_EQ(33, locked_pages(0));
	ASSERT_EQ(0, vfio_ioctl(group, VFIO_GROUP_UNSET_CONTAINER, 0));
	/* Only what the device has pinned is left. */
	EXPECT_EQ(8, locked_pages(0));
	EXPECT_EQ(self->pinned + 8, pinned_pages());
	EXPECT_EQ(0, unpin(self, IOVA, 5));
	EXPECT_EQ(3, locked_pages(0));
	close(group);
}

TEST_F(emulated, dirty_is_what_was_pinned_or_written)
{
	__u64 bits = 0;
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get range;
	} arg = {
		.head =
			{
				.argsz = sizeof(arg),
				.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START,
			},
		.range =
			{
				.iova = IOVA,
				.size = 61 * SZ_4K,
				.bitmap = {.pgsize = SZ_4K,
					   .size = 8,
					   .data = &bits},
			},
	};
	char data[5] = "abcd";

	vfio_map(self->fd, self->mem, IOVA, 61 * SZ_4K);
	ASSERT_EQ(2, pin(self, IOVA + 3 * SZ_4K, 2));
	ASSERT_EQ(0, vfio_ioctl(self->fd, VFIO_IOMMU_DIRTY_PAGES, &arg.head));
	ASSERT_EQ(0, rw(self, IOVA + 8 * SZ_4K - 2, data, 5,
			VFIO_TESTDEV_RW_WRITE));
	arg.head.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP;
	ASSERT_EQ(0, vfio_ioctl(self->fd, VFIO_IOMMU_DIRTY_PAGES, &arg));
	EXPECT_EQ(0x198, bits);
	/* Pinned pages may be written at any time, the others were read off. */
	bits = 0;
	ASSERT_EQ(0, vfio_ioctl(self->fd, VFIO_IOMMU_DIRTY_PAGES, &arg));
	EXPECT_EQ(0x18, bits);
}

static long track(int fd, __u32 flags)
{
	struct vfio_iommu_type1_dirty_bitmap arg = {
		.argsz = sizeof(arg),
		.flags = flags,
	};

	return vfio_ioctl(fd, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static bool tracked_enough;

static void *stop_tracking(void *fd)
{
	while (!__atomic_load_n(&tracked_enough, __ATOMIC_RELAXED))
		track(*(int *)fd, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP);
	return NULL;
}

/* While the device is asked to let go nobody holds the container's lock. */
TEST_F(emulated, tracking_ends_during_an_unmap)
{
	__u64 bits, asked;
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} arg = {
		.unmap = {.argsz = sizeof(arg),
			  .flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
			  .iova = IOVA,
			  .size = 3 * SZ_4K},
		.bitmap = {.pgsize = SZ_4K, .size = 8, .data = &bits},
	};
	int met = 0;
	pthread_t other;

	if (!ours_loaded())
		SKIP(return, "stock reads a bitmap that is not there");
	ASSERT_EQ(0, pthread_create(&other, NULL, stop_tracking, &self->fd));
	for (int i = 0; i < 5000 && met < 7; i++) {
		long ret;

		vfio_map(self->fd, self->mem, IOVA, 3 * SZ_4K);
		ASSERT_EQ(2, pin(self, IOVA, 2));
		asked = testdev_stats(self->testdev, NAME).unmap_calls;
		track(self->fd, VFIO_IOMMU_DIRTY_PAGES_FLAG_START);
		ret = vfio_ioctl(self->fd, VFIO_IOMMU_UNMAP_DMA, &arg);
		if (!ret)
			continue;
		ASSERT_EQ(-EINVAL, ret);
		/* It was refused before the device was asked, or after. */
		met += testdev_stats(self->testdev, NAME).unmap_calls > asked;
		vfio_unmap(self->fd, IOVA, 3 * SZ_4K);
	}
	__atomic_store_n(&tracked_enough, true, __ATOMIC_RELAXED);
	pthread_join(other, NULL);
	EXPECT_GT(met, 0);
	EXPECT_EQ(0, locked_pages(0));
}

TEST(type1_cannot_pin)
{
	int testdev = testdev_open();
	struct vfio_space s;
	char *mem = vfio_memory(SZ_4K, 0);

	vfio_must(__testdev_create(testdev, NAME));
	vfio_space_open(&s, NAME, VFIO_TYPE1_IOMMU);
	vfio_space_open_device(&s);
	vfio_map(s.container, mem, IOVA, SZ_4K);
	EXPECT_EQ(-EACCES, __testdev_pin(testdev, NAME, IOVA, 1, READ));
	vfio_space_close(&s);
	EXPECT_EQ(0, __testdev_destroy(testdev, NAME));
	close(testdev);
}

/* Since 6.6; the headers of the machine that builds may be older. */
#ifndef VFIO_DEVICE_BIND_IOMMUFD
#define VFIO_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)
#endif

TEST_F(emulated, driver_without_ioctls)
{
	struct vfio_space space;

	vfio_must(__testdev_create_with(self->testdev, "mute",
					VFIO_TESTDEV_MUTE));
	vfio_space_open(&space, "mute", VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&space);
	EXPECT_EQ(-EINVAL, vfio_ioctl(space.device, VFIO_DEVICE_RESET, 0));
	EXPECT_EQ(kernel_at_least(6, 6) ? -ENOTTY : -EINVAL,
		  vfio_ioctl(space.device, VFIO_DEVICE_BIND_IOMMUFD, 8));
	vfio_space_close(&space);
	EXPECT_EQ(0, __testdev_destroy(self->testdev, "mute"));
}

TEST_HARNESS_MAIN
