// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mediated devices, by the kernel's sample of one: mtty, a PCI card with serial
 * ports that loop back, made and removed by sysfs and used through VFIO.
 */
#include <linux/serial_reg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/mdev.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define PARENT	MDEV_PARENTS "mtty/"
#define TYPES	MDEV_PARENTS "mtty" MDEV_TYPES
#define SINGLE	"mtty-1"
#define DUAL	"mtty-2"
#define DEVICES MDEV_DEVICES
#define FIRST	"83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define SECOND	"83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"
#define PORTS	24 /* of the card, in the sample */
#define CYCLES	500

static int create(const char *type, const char *uuid)
{
	return __mdev_create("mtty", type, uuid);
}

static int available(const char *type)
{
	return mdev_available("mtty", type);
}

FIXTURE(mdev)
{
	struct vfio_space space;
};

FIXTURE_SETUP(mdev)
{
	if (access(PARENT, F_OK))
		ASSERT_EQ(0, system("modprobe mtty"));
	ASSERT_EQ(PORTS, available(SINGLE));
}

FIXTURE_TEARDOWN(mdev)
{
	if (access(PARENT, F_OK))
		return;
	__mdev_remove(FIRST);
	__mdev_remove(SECOND);
	EXPECT_EQ(0, sysfs_entries(DEVICES));
	EXPECT_EQ(PORTS, available(SINGLE));
}

TEST_F(mdev, shows_its_types)
{
	EXPECT_EQ(2, sysfs_entries(TYPES));
	EXPECT_STREQ("Single port serial", sysfs_read(TYPES SINGLE "/name"));
	EXPECT_STREQ("Dual port serial", sysfs_read(TYPES DUAL "/name"));
	EXPECT_STREQ("vfio-pci", sysfs_read(TYPES SINGLE "/device_api"));
	EXPECT_EQ(PORTS, available(SINGLE));
	EXPECT_EQ(PORTS / 2, available(DUAL));
	/* The sample has no words of its own for them. */
	EXPECT_EQ(-1, access(TYPES SINGLE "/description", F_OK));
	EXPECT_EQ(0, sysfs_entries(TYPES SINGLE "/devices"));
	EXPECT_EQ(-1, access(PARENT FIRST, F_OK));
}

TEST_F(mdev, makes_and_removes_a_device)
{
	ASSERT_EQ(0, create(DUAL, FIRST));
	EXPECT_EQ(PORTS - 2, available(SINGLE));
	EXPECT_TRUE(sysfs_leads_to(DEVICES FIRST "/mdev_type", DUAL));
	EXPECT_TRUE(sysfs_leads_to(DEVICES FIRST "/driver", "mtty"));
	EXPECT_TRUE(sysfs_leads_to(TYPES DUAL "/devices/" FIRST, FIRST));
	EXPECT_EQ(0, access(PARENT FIRST, F_OK));
	EXPECT_LE(0, __vfio_group_number(FIRST));
	/* 0 leaves it; so does what is no number. */
	EXPECT_EQ(0, __vfio_write_file(DEVICES FIRST "/remove", "0"));
	EXPECT_EQ(-EINVAL, __vfio_write_file(DEVICES FIRST "/remove", "yes"));
	EXPECT_EQ(0, access(DEVICES FIRST, F_OK));
	EXPECT_EQ(0, __mdev_remove(FIRST));
	EXPECT_EQ(-1, access(DEVICES FIRST, F_OK));
	EXPECT_EQ(0, sysfs_entries(TYPES DUAL "/devices"));
	EXPECT_EQ(-ENODEV, __vfio_group_number(FIRST));
}

TEST_F(mdev, refuses_what_is_no_new_uuid)
{
	EXPECT_EQ(-EINVAL, create(SINGLE, "83b8f4f2-509f-382f-3c1e"));
	EXPECT_EQ(-EINVAL, create(SINGLE, FIRST "xx"));
	EXPECT_EQ(-EINVAL,
		  create(SINGLE, "83b8f4f2-509f-382f-3c1e-e6bfe0fa10zz"));
	EXPECT_EQ(0, sysfs_entries(DEVICES));
	ASSERT_EQ(0, create(SINGLE, FIRST "\n"));
	EXPECT_EQ(-EEXIST, create(SINGLE, FIRST));
	/* Of whatever type, and in capitals it is the same. */
	EXPECT_EQ(-EEXIST,
		  create(DUAL, "83B8F4F2-509F-382F-3C1E-E6BFE0FA1001"));
	EXPECT_EQ(PORTS - 1, available(SINGLE));
	/* Its name is free as soon as it has gone. */
	EXPECT_EQ(0, __mdev_remove(FIRST));
	EXPECT_EQ(0, create(DUAL, FIRST));
}

TEST_F(mdev, makes_no_more_than_there_are)
{
	char uuid[64];
	int i;

	for (i = 0; i < PORTS / 2; i++) {
		snprintf(uuid, sizeof(uuid),
			 "83b8f4f2-509f-382f-3c1e-e6bfe0fa2%03d", i);
		ASSERT_EQ(0, create(DUAL, uuid));
	}
	EXPECT_EQ(0, available(SINGLE));
	EXPECT_EQ(-ENOSPC, create(SINGLE, FIRST));
	EXPECT_EQ(PORTS / 2, sysfs_entries(DEVICES));
	/* What failed has not kept its name. */
	while (i--) {
		snprintf(uuid, sizeof(uuid),
			 "83b8f4f2-509f-382f-3c1e-e6bfe0fa2%03d", i);
		EXPECT_EQ(0, __mdev_remove(uuid));
	}
	EXPECT_EQ(0, create(SINGLE, FIRST));
}

static __u8 port_read(int device, unsigned int offset)
{
	struct vfio_region_info bar = vfio_region(device, 0);
	__u8 value = 0;

	vfio_must(pread(device, &value, 1, bar.offset + offset) == 1 ? 0 : -1);
	return value;
}

static void port_write(int device, unsigned int offset, __u8 value)
{
	struct vfio_region_info bar = vfio_region(device, 0);

	vfio_must(pwrite(device, &value, 1, bar.offset + offset) == 1 ? 0 : -1);
}

TEST_F(mdev, a_serial_port_gives_back_what_it_is_sent)
{
	static const char text[] = "mediated";

	ASSERT_EQ(0, create(SINGLE, FIRST));
	vfio_space_open(&self->space, FIRST, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&self->space);
	EXPECT_EQ(0x4348, vfio_config_read(self->space.device, 0, 2));
	for (size_t i = 0; i < strlen(text); i++)
		port_write(self->space.device, UART_TX, text[i]);
	for (size_t i = 0; i < strlen(text); i++) {
		EXPECT_TRUE(port_read(self->space.device, UART_LSR) &
			    UART_LSR_DR);
		EXPECT_EQ(text[i], port_read(self->space.device, UART_RX));
	}
	EXPECT_FALSE(port_read(self->space.device, UART_LSR) & UART_LSR_DR);
	/* No device of this group reaches memory: nothing is pinned for a map. */
	vfio_map(self->space.container, vfio_memory(3 * SZ_4K, 0), 0,
		 3 * SZ_4K);
	vfio_space_close(&self->space);
}

TEST_F(mdev, removal_waits_until_the_device_is_closed)
{
	int status;
	pid_t child;

	ASSERT_EQ(0, create(SINGLE, FIRST));
	vfio_space_open(&self->space, FIRST, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&self->space);
	child = fork();
	if (!child) {
		close(self->space.device);
		close(self->space.group);
		close(self->space.container);
		_exit(__mdev_remove(FIRST) ? 1 : 0);
	}
	EXPECT_FALSE(ends_within(child, 300, &status));
	/* A second one is told off; the device still works. */
	EXPECT_NE(0, __mdev_remove(FIRST));
	port_write(self->space.device, UART_TX, 'x');
	EXPECT_EQ('x', port_read(self->space.device, UART_RX));
	close(self->space.device);
	self->space.device = -1;
	ASSERT_TRUE(ends_within(child, 30000, &status));
	EXPECT_EQ(0, status);
	EXPECT_EQ(-1, access(DEVICES FIRST, F_OK));
	/* Only now: its group has no device any more, and is still open. */
	vfio_space_close(&self->space);
}

TEST_F(mdev, goes_with_its_parent)
{
	ASSERT_EQ(0, create(SINGLE, FIRST));
	ASSERT_EQ(0, create(DUAL, SECOND));
	EXPECT_EQ(0, system("modprobe -r mtty"));
	EXPECT_EQ(-1, access(DEVICES FIRST, F_OK));
	EXPECT_EQ(-1, access(PARENT, F_OK));
	ASSERT_EQ(0, system("modprobe mtty"));
	EXPECT_EQ(0, sysfs_entries(DEVICES));
	EXPECT_EQ(0, create(SINGLE, FIRST));
}

TEST_F(mdev, many_cycles_leave_nothing)
{
	int groups = sysfs_entries("/sys/kernel/iommu_groups");
	int files = sysfs_entries("/dev/vfio");

	for (int i = 0; i < CYCLES; i++) {
		ASSERT_EQ(0, create(i % 2 ? SINGLE : DUAL, FIRST));
		ASSERT_EQ(0, __mdev_remove(FIRST));
	}
	EXPECT_EQ(groups, sysfs_entries("/sys/kernel/iommu_groups"));
	EXPECT_EQ(files, sysfs_entries("/dev/vfio"));
}

/* Makes and removes one of this name until it was the one to make it so often. */
static bool contend(int often)
{
	for (int tries = 0; often && tries < 100 * CYCLES; tries++) {
		often -= create(SINGLE, FIRST) == 0;
		__mdev_remove(FIRST);
	}
	return !often;
}

TEST_F(mdev, a_name_has_one_owner)
{
	pid_t child;
	int status;

	if (!ours_loaded())
		SKIP(return, "stock: who removes a device while it is made "
			     "takes its file \"remove\" away, and it stays");
	child = fork();
	if (!child)
		_exit(contend(CYCLES / 10) ? 0 : 1);
	EXPECT_TRUE(contend(CYCLES / 10));
	EXPECT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, sysfs_entries(DEVICES));
}

/* The last, as the sample is loaded once for all of them. */
TEST_F(mdev, is_unloaded_with_the_core)
{
	ASSERT_EQ(0, create(SINGLE, FIRST));
	EXPECT_EQ(0, system("modprobe -r mtty"));
	EXPECT_FALSE(mdev_exists(FIRST));
	/* The core goes with it, as nobody else needs it. */
	EXPECT_EQ(-1, access("/sys/module/mdev", F_OK));
}

TEST_HARNESS_MAIN
