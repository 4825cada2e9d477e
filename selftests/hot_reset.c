// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that can only be reset together: two functions in one slot.
 *
 * vfio-pci finds them by the core's device set, and wants the user to own them
 * all. That a reset took place is seen in a register of the NIC.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/vfio.h"

#define E1000E_RDBAL 0x2800 /* keeps what is written until it is reset */
#define MOST	     8

struct reset_info {
	struct vfio_pci_hot_reset_info head;
	struct vfio_pci_dependent_device devices[MOST];
};

struct reset {
	struct vfio_pci_hot_reset head;
	__s32 fds[MOST];
};

FIXTURE(reset)
{
	struct vfio_space space;
	int nic;
};

FIXTURE_SETUP(reset)
{
	vfio_space_open(&self->space, SLOT_EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&self->space);
	self->nic = vfio_must(
		__vfio_device_open(self->space.group, SLOT_E1000E_BDF));
	vfio_bus_master(self->space.device, true);
	vfio_bus_master(self->nic, true);
}

FIXTURE_TEARDOWN(reset)
{
	vfio_close(&self->nic);
	vfio_space_close(&self->space);
}

static int get_info(int device, struct reset_info *info, __u32 argsz)
{
	memset(info, 0, sizeof(*info));
	info->head.argsz = argsz;
	return vfio_ioctl(device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
}

static int hot_reset(int device, const int *fds, __u32 n)
{
	struct reset arg = {.head = {.argsz = sizeof(arg), .count = n}};

	memcpy(arg.fds, fds, (n < MOST ? n : MOST) * sizeof(*fds));
	return vfio_ioctl(device, VFIO_DEVICE_PCI_HOT_RESET, &arg);
}

TEST_F(reset, names_the_set)
{
	struct reset_info info;

	EXPECT_EQ(-ENOSPC,
		  get_info(self->space.device, &info, sizeof(info.head)));
	EXPECT_EQ(2, info.head.count);
	EXPECT_EQ(-EINVAL,
		  get_info(self->space.device, &info, sizeof(info.head) - 1));
	ASSERT_EQ(0, get_info(self->nic, &info, sizeof(info)));
	ASSERT_EQ(2, info.head.count);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(self->space.number, info.devices[i].group_id);
		EXPECT_EQ(0, info.devices[i].segment);
		EXPECT_EQ(1, info.devices[i].bus);
	}
	EXPECT_EQ(1, info.devices[0].devfn ^ info.devices[1].devfn);
}

/* By either of them; what is mapped stays mapped. */
TEST_F(reset, resets_them_all)
{
	__u64 edu_size, nic_size;
	volatile __u32 *edu = vfio_map_bar(self->space.device, 0, &edu_size);
	volatile __u32 *nic = vfio_map_bar(self->nic, 0, &nic_size);
	const int through[] = {self->space.device, self->nic};

	for (int i = 0; i < 2; i++) {
		__u32 command = vfio_config_read(self->nic, 4, 2);

		nic[E1000E_RDBAL / 4] = 0x12340000;
		EXPECT_EQ(0x12340000, nic[E1000E_RDBAL / 4]);
		EXPECT_EQ(0, hot_reset(through[i], &self->space.group, 1));
		EXPECT_EQ(0, nic[E1000E_RDBAL / 4]);
		EXPECT_EQ(0xed, edu[0] & 0xff);
		EXPECT_EQ(command, vfio_config_read(self->nic, 4, 2));
	}
	munmap((void *)edu, edu_size);
	munmap((void *)nic, nic_size);
}

/* Also one that nobody has open. */
TEST_F(reset, resets_one_that_is_closed)
{
	vfio_close(&self->nic);
	EXPECT_EQ(0, hot_reset(self->space.device, &self->space.group, 1));
}

TEST_F(reset, mistakes)
{
	int device = self->space.device, group = self->space.group;
	struct vfio_space other;
	struct reset arg = {.head = {.argsz = sizeof(arg.head) - 1}};
	__u32 before;

	vfio_space_open(&other, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	EXPECT_EQ(-EINVAL, vfio_ioctl(device, VFIO_DEVICE_PCI_HOT_RESET, &arg));
	arg.head = (struct vfio_pci_hot_reset){
		.argsz = sizeof(arg),
		.flags = 1,
		.count = 1,
	};
	EXPECT_EQ(-EINVAL, vfio_ioctl(device, VFIO_DEVICE_PCI_HOT_RESET, &arg));

	vfio_config_write(self->nic, 0x3c, 1, 0x5a);
	before = vfio_config_read(self->nic, 0x3c, 1);
	EXPECT_EQ(-EBADF, hot_reset(device, (int[]){-1}, 1));
	EXPECT_EQ(-EINVAL, hot_reset(device, &other.container, 1));
	EXPECT_EQ(-EINVAL, hot_reset(device, &device, 1));
	EXPECT_EQ(-EINVAL, hot_reset(device, &other.group, 1));
	EXPECT_EQ(-EINVAL, hot_reset(device, (int[]){group, group, group}, 3));
	EXPECT_EQ(-EINVAL, hot_reset(device, (int[MOST]){group}, ~0U));
	EXPECT_EQ(before, vfio_config_read(self->nic, 0x3c, 1));
	vfio_space_close(&other);
}

/* A function that another driver could take stands in the way. */
TEST_F(reset, needs_all_functions)
{
	struct reset_info info;

	vfio_close(&self->nic);
	ASSERT_EQ(0, __vfio_pci_unbind(SLOT_E1000E_BDF));
	EXPECT_EQ(0, get_info(self->space.device, &info, sizeof(info)));
	EXPECT_EQ(2, info.head.count);
	EXPECT_GT(0, hot_reset(self->space.device, &self->space.group, 1));
	ASSERT_EQ(0, __vfio_pci_bind(SLOT_E1000E_BDF));
	EXPECT_EQ(0, hot_reset(self->space.device, &self->space.group, 1));
}

TEST(on_the_root_bus_there_is_none)
{
	struct reset_info info;
	struct vfio_space s;

	vfio_space_open(&s, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&s);
	EXPECT_EQ(-ENODEV, get_info(s.device, &info, sizeof(info)));
	EXPECT_EQ(-ENODEV, hot_reset(s.device, &s.group, 1));
	vfio_space_close(&s);
}

TEST_HARNESS_MAIN
