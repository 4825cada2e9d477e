// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's fd: what it says of itself, its config space and BARs by read,
 * write and mmap, reset, features. The device is QEMU's edu. Its interrupts are
 * in irq.c.
 */
#include <linux/pci_regs.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define EDU_IDENT     0x00
#define EDU_LIVENESS  0x04
#define EDU_FACTORIAL 0x08
#define EDU_STATUS    0x20

FIXTURE(device)
{
	struct vfio_space space;
	int fd;
};

FIXTURE_VARIANT(device)
{
	int type;
};

FIXTURE_VARIANT_ADD(device, type1){.type = VFIO_TYPE1_IOMMU};
FIXTURE_VARIANT_ADD(device, type1v2){.type = VFIO_TYPE1v2_IOMMU};

FIXTURE_SETUP(device)
{
	vfio_space_open(&self->space, EDU_BDF, variant->type);
	vfio_space_open_device(&self->space);
	self->fd = self->space.device;
	vfio_bus_master(self->fd, true);
}

FIXTURE_TEARDOWN(device)
{
	vfio_space_close(&self->space);
}

TEST_F(device, info)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};

	ASSERT_EQ(0, vfio_ioctl(self->fd, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_TRUE(info.flags & VFIO_DEVICE_FLAGS_PCI);
	EXPECT_EQ(VFIO_PCI_NUM_REGIONS, info.num_regions);
	EXPECT_EQ(VFIO_PCI_NUM_IRQS, info.num_irqs);
	info.argsz = 3;
	EXPECT_EQ(-EINVAL, vfio_ioctl(self->fd, VFIO_DEVICE_GET_INFO, &info));
}

TEST_F(device, regions)
{
	struct vfio_region_info bar = vfio_region(self->fd, 0);
	struct vfio_region_info info = {.argsz = sizeof(info), .index = 99};

	EXPECT_EQ(1 << 20, bar.size);
	EXPECT_EQ(VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE |
			  VFIO_REGION_INFO_FLAG_MMAP,
		  bar.flags);
	EXPECT_EQ(0, vfio_region(self->fd, 1).size);
	EXPECT_EQ(256,
		  vfio_region(self->fd, VFIO_PCI_CONFIG_REGION_INDEX).size);
	EXPECT_EQ(-EINVAL,
		  vfio_ioctl(self->fd, VFIO_DEVICE_GET_REGION_INFO, &info));
}

TEST_F(device, config_space)
{
	EXPECT_EQ(0x1234, vfio_config_read(self->fd, PCI_VENDOR_ID, 2));
	EXPECT_EQ(0x11e8, vfio_config_read(self->fd, PCI_DEVICE_ID, 2));
	vfio_config_write(self->fd, PCI_INTERRUPT_LINE, 1, 0x5b);
	EXPECT_EQ(0x5b, vfio_config_read(self->fd, PCI_INTERRUPT_LINE, 1));
	/* The vendor's id is not the user's to change. */
	vfio_config_write(self->fd, PCI_VENDOR_ID, 2, 0xffff);
	EXPECT_EQ(0x1234, vfio_config_read(self->fd, PCI_VENDOR_ID, 2));
}

TEST_F(device, bar_by_read_and_write)
{
	__u64 offset = vfio_region(self->fd, 0).offset;
	__u32 value = 0;

	ASSERT_EQ(4, pread(self->fd, &value, 4, offset + EDU_IDENT));
	EXPECT_EQ(0xed, value & 0xff);
	value = 0x12345678;
	ASSERT_EQ(4, pwrite(self->fd, &value, 4, offset + EDU_LIVENESS));
	ASSERT_EQ(4, pread(self->fd, &value, 4, offset + EDU_LIVENESS));
	EXPECT_EQ(~0x12345678u, value);
	EXPECT_EQ(-1, pread(self->fd, &value, 4, 0x7fULL << 40));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(device, bar_by_mmap)
{
	__u64 size;
	volatile __u32 *bar = vfio_map_bar(self->fd, 0, &size);

	EXPECT_EQ(0xed, bar[EDU_IDENT / 4] & 0xff);
	bar[EDU_FACTORIAL / 4] = 7;
	while (bar[EDU_STATUS / 4] & 1)
		;
	EXPECT_EQ(5040, bar[EDU_FACTORIAL / 4]);
	munmap((void *)bar, size);
}

TEST_F(device, mmap_outlives_the_fds)
{
	__u64 size;
	volatile __u32 *bar = vfio_map_bar(self->fd, 0, &size);

	vfio_space_close(&self->space);
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->space.number));
	EXPECT_EQ(0xed, bar[EDU_IDENT / 4] & 0xff);
	munmap((void *)bar, size);
	vfio_space_open(&self->space, EDU_BDF, variant->type);
}

TEST_F(device, mmap_mistakes)
{
	struct vfio_region_info bar = vfio_region(self->fd, 0);

	EXPECT_EQ(MAP_FAILED, mmap(NULL, bar.size + SZ_4K, PROT_READ,
				   MAP_SHARED, self->fd, bar.offset));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SZ_4K, PROT_READ, MAP_PRIVATE,
				   self->fd, bar.offset));
	EXPECT_EQ(MAP_FAILED,
		  mmap(NULL, SZ_4K, PROT_READ, MAP_SHARED, self->fd,
		       vfio_region(self->fd, VFIO_PCI_CONFIG_REGION_INDEX)
			       .offset));
}

TEST_F(device, reset_if_it_says_so)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	long ret;

	ASSERT_EQ(0, vfio_ioctl(self->fd, VFIO_DEVICE_GET_INFO, &info));
	ret = vfio_ioctl(self->fd, VFIO_DEVICE_RESET, 0);
	EXPECT_EQ(info.flags & VFIO_DEVICE_FLAGS_RESET ? 0 : -EINVAL, ret);
}

TEST_F(device, features)
{
	struct vfio_device_feature feature = {
		.argsz = sizeof(feature),
		.flags = VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET |
			 VFIO_DEVICE_FEATURE_MIGRATION,
	};

	/* edu cannot migrate. */
	EXPECT_EQ(-ENOTTY, vfio_ioctl(self->fd, VFIO_DEVICE_FEATURE, &feature));
	feature.flags = VFIO_DEVICE_FEATURE_PROBE | 4242;
	EXPECT_EQ(-ENOTTY, vfio_ioctl(self->fd, VFIO_DEVICE_FEATURE, &feature));
	feature.flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;
	EXPECT_EQ(-EINVAL, vfio_ioctl(self->fd, VFIO_DEVICE_FEATURE, &feature));
	feature.argsz = 4;
	EXPECT_EQ(-EINVAL, vfio_ioctl(self->fd, VFIO_DEVICE_FEATURE, &feature));
}

TEST_HARNESS_MAIN
