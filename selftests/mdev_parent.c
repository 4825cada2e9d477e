// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parents of mediated devices, and what a driver may leave to the core: the
 * parents of vfio_testparent, the devices of one counted by the core and those of
 * another by the driver, whose probe can be made to wait and to fail; and who
 * removes a device, with the moments held open in which several want to.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/mdev.h"
#include "lib/proc.h"
#include "lib/sleeper.h"
#include "lib/vfio.h"

/* The core counts, whatever the type. */
#define COUNTED	  "vfio_testparent.0"
#define ONE	  "vfio_testparent-one"
#define OTHER	  "vfio_testparent-other"
#define INSTANCES 3

/* The driver counts, by type. */
#define COUNTING "vfio_testparent.1"
#define FEW	 "vfio_testparent-few"
#define NONE	 "vfio_testparent-none"
#define FEW_FREE 2

/* Its driver has nothing that it may leave out. */
#define BARE	"vfio_testparent.2"
#define NOTHING "vfio_testparent-bare"

#define DEVICES	   MDEV_DEVICES
#define TYPES(p)   MDEV_PARENTS p MDEV_TYPES
#define PLATFORM   "/sys/devices/platform/"
#define PARAMETERS "/sys/module/vfio_testparent/parameters/"
#define DRIVER	   "/sys/bus/platform/drivers/vfio_testparent/"
#define GROUPS	   "/sys/kernel/iommu_groups"
#define CYCLES	   31

static const char *const uuids[] = {
	"83b8f4f2-509f-382f-3c1e-e6bfe0fa1003",
	"83b8f4f2-509f-382f-3c1e-e6bfe0fa1004",
	"83b8f4f2-509f-382f-3c1e-e6bfe0fa1005",
	"83b8f4f2-509f-382f-3c1e-e6bfe0fa1006",
};
#define FIRST "83b8f4f2-509f-382f-3c1e-e6bfe0fa1003"

FIXTURE(mdev_parent)
{
	struct vfio_space space;
	int groups;
};

FIXTURE_SETUP(mdev_parent)
{
	if (access(DRIVER, F_OK))
		ASSERT_EQ(0, system("modprobe vfio_testparent"));
	self->groups = sysfs_entries(GROUPS);
}

/* A failed test may have left a device, also one that is still being made. */
FIXTURE_TEARDOWN(mdev_parent)
{
	if (access(DRIVER, F_OK))
		return;
	__vfio_write_file(PARAMETERS "hold", "0");
	for (size_t i = 0; i < sizeof(uuids) / sizeof(*uuids); i++)
		__mdev_remove(uuids[i]);
	EXPECT_EQ(0, sysfs_entries(DEVICES));
	EXPECT_EQ(INSTANCES, mdev_available(COUNTED, ONE));
	EXPECT_EQ(FEW_FREE, mdev_available(COUNTING, FEW));
	EXPECT_EQ(self->groups, sysfs_entries(GROUPS));
}

static void set_parameter(const char *path, const char *value)
{
	vfio_must(__vfio_write_file(path, value));
}

TEST_F(mdev_parent, shows_what_its_driver_has)
{
	EXPECT_EQ(2, sysfs_entries(TYPES(COUNTED)));
	EXPECT_STREQ("One of a kind", sysfs_read(TYPES(COUNTED) ONE "/name"));
	EXPECT_STREQ("other", sysfs_read(TYPES(COUNTED) OTHER "/name"));
	EXPECT_STREQ("vfio-platform",
		     sysfs_read(TYPES(COUNTED) ONE "/device_api"));
	EXPECT_EQ(-1, access(TYPES(COUNTED) ONE "/description", F_OK));
	EXPECT_EQ(INSTANCES, mdev_available(COUNTED, ONE));
	EXPECT_EQ(INSTANCES, mdev_available(COUNTED, OTHER));

	EXPECT_EQ(2, sysfs_entries(TYPES(COUNTING)));
	EXPECT_STREQ("Few", sysfs_read(TYPES(COUNTING) FEW "/name"));
	EXPECT_STREQ("vfio-ap", sysfs_read(TYPES(COUNTING) FEW "/device_api"));
	EXPECT_STREQ("there are two",
		     sysfs_read(TYPES(COUNTING) FEW "/description"));
	EXPECT_STREQ("there is not one",
		     sysfs_read(TYPES(COUNTING) NONE "/description"));
	EXPECT_EQ(FEW_FREE, mdev_available(COUNTING, FEW));
	EXPECT_EQ(0, mdev_available(COUNTING, NONE));
	EXPECT_TRUE(sysfs_leads_to(MDEV_PARENTS COUNTING, COUNTING));
}

TEST_F(mdev_parent, has_its_instances_counted_for_all_types)
{
	ASSERT_EQ(0, __mdev_create(COUNTED, ONE, uuids[0]));
	ASSERT_EQ(0, __mdev_create(COUNTED, OTHER, uuids[1]));
	EXPECT_EQ(1, mdev_available(COUNTED, ONE));
	EXPECT_EQ(1, mdev_available(COUNTED, OTHER));
	ASSERT_EQ(0, __mdev_create(COUNTED, ONE, uuids[2]));
	EXPECT_EQ(0, mdev_available(COUNTED, OTHER));
	EXPECT_EQ(-EUSERS, __mdev_create(COUNTED, ONE, uuids[3]));
	EXPECT_EQ(-EUSERS, __mdev_create(COUNTED, OTHER, uuids[3]));
	EXPECT_EQ(2, sysfs_entries(TYPES(COUNTED) ONE "/devices"));
	EXPECT_EQ(1, sysfs_entries(TYPES(COUNTED) OTHER "/devices"));
	/* A name is asked for before an instance. */
	EXPECT_EQ(-EEXIST, __mdev_create(COUNTED, ONE, uuids[2]));
	EXPECT_EQ(0, __mdev_remove(uuids[1]));
	EXPECT_EQ(1, mdev_available(COUNTED, ONE));
	EXPECT_EQ(0, __mdev_create(COUNTED, ONE, uuids[3]));
	EXPECT_EQ(3, sysfs_entries(TYPES(COUNTED) ONE "/devices"));
}

TEST_F(mdev_parent, has_no_instance_at_all)
{
	EXPECT_EQ(-ENOSPC, __mdev_create(COUNTING, NONE, FIRST));
	ASSERT_EQ(0, system("modprobe -r vfio_testparent && "
			    "modprobe vfio_testparent instances=0"));
	EXPECT_EQ(0, mdev_available(COUNTED, ONE));
	EXPECT_EQ(-EUSERS, __mdev_create(COUNTED, ONE, FIRST));
	EXPECT_EQ(0, sysfs_entries(DEVICES));
	ASSERT_EQ(0, system("modprobe -r vfio_testparent && "
			    "modprobe vfio_testparent"));
}

TEST_F(mdev_parent, counts_by_itself)
{
	ASSERT_EQ(0, __mdev_create(COUNTING, FEW, uuids[0]));
	ASSERT_EQ(0, __mdev_create(COUNTING, FEW, uuids[1]));
	EXPECT_EQ(0, mdev_available(COUNTING, FEW));
	EXPECT_EQ(-ENOSPC, __mdev_create(COUNTING, FEW, uuids[2]));
	EXPECT_EQ(2, sysfs_entries(TYPES(COUNTING) FEW "/devices"));
	EXPECT_EQ(2, sysfs_entries(DEVICES));
	/* Another parent's are its own. */
	EXPECT_EQ(INSTANCES, mdev_available(COUNTED, ONE));
	EXPECT_EQ(0, __mdev_remove(uuids[0]));
	EXPECT_EQ(1, mdev_available(COUNTING, FEW));
	EXPECT_EQ(0, __mdev_create(COUNTING, FEW, uuids[2]));
}

TEST_F(mdev_parent, leads_to_its_devices_and_back)
{
	ASSERT_EQ(0, __mdev_create(COUNTING, FEW, FIRST));
	EXPECT_TRUE(
		sysfs_leads_to(TYPES(COUNTING) FEW "/devices/" FIRST, FIRST));
	EXPECT_TRUE(sysfs_leads_to(DEVICES FIRST "/mdev_type", FEW));
	EXPECT_TRUE(
		sysfs_leads_to(DEVICES FIRST "/driver", "testparent_counting"));
	EXPECT_EQ(0, access(MDEV_PARENTS COUNTING "/" FIRST, F_OK));
	EXPECT_EQ(0, sysfs_entries(TYPES(COUNTING) NONE "/devices"));
	EXPECT_EQ(self->groups + 1, sysfs_entries(GROUPS));
}

TEST_F(mdev_parent, shares_names_with_all_parents)
{
	ASSERT_EQ(0, __mdev_create(COUNTED, ONE, FIRST));
	EXPECT_EQ(-EEXIST, __mdev_create(COUNTED, OTHER, FIRST));
	EXPECT_EQ(-EEXIST, __mdev_create(COUNTING, FEW, FIRST));
	EXPECT_EQ(INSTANCES - 1, mdev_available(COUNTED, ONE));
	EXPECT_EQ(FEW_FREE, mdev_available(COUNTING, FEW));
	EXPECT_EQ(0, __mdev_remove(FIRST));
	EXPECT_EQ(0, __mdev_create(COUNTING, FEW, FIRST));
}

TEST_F(mdev_parent, leaves_nothing_of_a_probe_that_failed)
{
	set_parameter(PARAMETERS "probe_errno", "5");
	for (int i = 0; i < CYCLES; i++) {
		ASSERT_EQ(-EIO, __mdev_create(COUNTED, ONE, FIRST));
		ASSERT_EQ(-EIO, __mdev_create(COUNTING, FEW, FIRST));
	}
	EXPECT_EQ(0, sysfs_entries(DEVICES));
	EXPECT_EQ(0, sysfs_entries(TYPES(COUNTED) ONE "/devices"));
	EXPECT_EQ(INSTANCES, mdev_available(COUNTED, ONE));
	EXPECT_EQ(FEW_FREE, mdev_available(COUNTING, FEW));
	EXPECT_EQ(self->groups, sysfs_entries(GROUPS));
	set_parameter(PARAMETERS "probe_errno", "0");
	EXPECT_EQ(0, __mdev_create(COUNTED, ONE, FIRST));
}

/* In a child: makes a device, its status tells the errno. */
static pid_t create_in_child(const char *parent, const char *type)
{
	pid_t child = fork();

	if (!child)
		_exit(-__mdev_create(parent, type, FIRST));
	return child;
}

static pid_t unbind_in_child(const char *parent)
{
	pid_t child = fork();

	if (!child)
		_exit(-__vfio_write_file(DRIVER "unbind", parent));
	return child;
}

/* Waits for a device that is being made to be seen. */
static bool appears(const char *uuid)
{
	for (int ms = 0; ms < 60000; ms++) {
		if (mdev_exists(uuid))
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

TEST_F(mdev_parent, counts_what_is_being_made)
{
	pid_t child;
	int status;

	set_parameter(PARAMETERS "hold", "1");
	child = create_in_child(COUNTED, ONE);
	ASSERT_TRUE(appears(FIRST));
	EXPECT_EQ(INSTANCES - 1, mdev_available(COUNTED, ONE));
	EXPECT_EQ(-EEXIST, __mdev_create(COUNTED, ONE, FIRST));
	EXPECT_EQ(-EEXIST, __mdev_create(COUNTING, FEW, FIRST));
	/* It has no group yet, and its type does not show it. */
	EXPECT_EQ(-ENODEV, __vfio_group_number(FIRST));
	EXPECT_EQ(0, sysfs_entries(TYPES(COUNTED) ONE "/devices"));
	set_parameter(PARAMETERS "hold", "0");
	ASSERT_TRUE(ends_within(child, 60000, &status));
	EXPECT_EQ(0, status);
	EXPECT_LE(0, __vfio_group_number(FIRST));
	EXPECT_EQ(1, sysfs_entries(TYPES(COUNTED) ONE "/devices"));
}

TEST_F(mdev_parent, removes_no_device_that_is_being_made)
{
	pid_t child;
	int status;

	if (!ours_loaded())
		SKIP(return,
			   "stock: a removal that comes while the device is "
			   "made takes its file \"remove\" away, and it stays");
	set_parameter(PARAMETERS "hold", "1");
	child = create_in_child(COUNTING, FEW);
	ASSERT_TRUE(appears(FIRST));
	EXPECT_EQ(-EAGAIN, __mdev_remove(FIRST));
	set_parameter(PARAMETERS "hold", "0");
	ASSERT_TRUE(ends_within(child, 60000, &status));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, __mdev_remove(FIRST));
	EXPECT_FALSE(mdev_exists(FIRST));
}

static int bind_again(const char *parent)
{
	return __vfio_write_file(DRIVER "bind", parent);
}

TEST_F(mdev_parent, takes_its_devices_along)
{
	for (int i = 0; i < INSTANCES; i++)
		ASSERT_EQ(0, __mdev_create(COUNTED, ONE, uuids[i]));
	ASSERT_EQ(0, __mdev_create(COUNTING, FEW, uuids[INSTANCES]));
	ASSERT_EQ(0, __vfio_write_file(DRIVER "unbind", COUNTED));
	EXPECT_EQ(1, sysfs_entries(DEVICES));
	EXPECT_TRUE(mdev_exists(uuids[INSTANCES]));
	EXPECT_EQ(self->groups + 1, sysfs_entries(GROUPS));
	EXPECT_EQ(-1, access(MDEV_PARENTS COUNTED, F_OK));
	EXPECT_EQ(-1, access(PLATFORM COUNTED MDEV_TYPES, F_OK));
	ASSERT_EQ(0, bind_again(COUNTED));
	EXPECT_EQ(INSTANCES, mdev_available(COUNTED, ONE));
	EXPECT_EQ(0, __mdev_create(COUNTED, OTHER, uuids[0]));
}

/* Whoever has begun to be made ends being made; then it is taken along. */
TEST_F(mdev_parent, goes_while_a_device_is_being_made)
{
	pid_t maker, unbinder;
	int status;

	set_parameter(PARAMETERS "hold", "1");
	maker = create_in_child(COUNTED, ONE);
	ASSERT_TRUE(appears(FIRST));
	unbinder = unbind_in_child(COUNTED);
	EXPECT_FALSE(ends_within(unbinder, 300, &status));
	set_parameter(PARAMETERS "hold", "0");
	ASSERT_TRUE(ends_within(maker, 60000, &status));
	EXPECT_EQ(0, status);
	ASSERT_TRUE(ends_within(unbinder, 60000, &status));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, sysfs_entries(DEVICES));
	EXPECT_EQ(self->groups, sysfs_entries(GROUPS));
	ASSERT_EQ(0, bind_again(COUNTED));
	EXPECT_EQ(INSTANCES, mdev_available(COUNTED, ONE));
}

/* Waits for the driver to ask for its open device once more. */
static bool is_asked_for(int so_far)
{
	for (int ms = 0; ms < 60000; ms++) {
		if (atoi(sysfs_read(PARAMETERS "requests")) > so_far)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

TEST_F(mdev_parent, asks_for_an_open_device_and_waits)
{
	int requests = atoi(sysfs_read(PARAMETERS "requests"));
	__u32 flags;
	pid_t child;
	int status;

	ASSERT_EQ(0, __mdev_create(COUNTING, FEW, FIRST));
	vfio_space_open(&self->space, FIRST, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&self->space);
	EXPECT_EQ(requests, atoi(sysfs_read(PARAMETERS "requests")));
	child = fork();
	if (!child) {
		vfio_space_close(&self->space);
		_exit(-__vfio_write_file(DRIVER "unbind", COUNTING));
	}
	EXPECT_TRUE(is_asked_for(requests));
	/* Whoever goes makes no more; and another one cannot remove it. */
	EXPECT_EQ(-ENODEV,
		  __vfio_write_file(PLATFORM COUNTING MDEV_TYPES FEW "/create",
				    uuids[1]));
	EXPECT_NE(0, __mdev_remove(FIRST));
	EXPECT_FALSE(ends_within(child, 300, &status));
	EXPECT_EQ(0, __vfio_group_status(self->space.group, &flags));
	EXPECT_TRUE(flags & VFIO_GROUP_FLAGS_CONTAINER_SET);
	vfio_space_close(&self->space);
	ASSERT_TRUE(ends_within(child, 60000, &status));
	EXPECT_EQ(0, status);
	EXPECT_FALSE(mdev_exists(FIRST));
	EXPECT_EQ(self->groups, sysfs_entries(GROUPS));
	ASSERT_EQ(0, bind_again(COUNTING));
	EXPECT_EQ(FEW_FREE, mdev_available(COUNTING, FEW));
}

TEST_F(mdev_parent, needs_no_probe_nor_remove)
{
	ASSERT_EQ(0, __mdev_create(BARE, NOTHING, FIRST));
	EXPECT_TRUE(sysfs_leads_to(DEVICES FIRST "/driver", "testparent_bare"));
	EXPECT_EQ(0, mdev_available(BARE, NOTHING));
	EXPECT_EQ(-1, access(TYPES(BARE) NOTHING "/description", F_OK));
	EXPECT_EQ(0, __mdev_remove(FIRST));
	EXPECT_FALSE(mdev_exists(FIRST));
	EXPECT_EQ(1, mdev_available(BARE, NOTHING));
}

/* In a child: removes the device as the task that a sleeper knows. */
static pid_t remove_in_child(void)
{
	pid_t child = fork();

	if (!child) {
		sleeper_call_me("remover");
		_exit(-__mdev_remove(FIRST));
	}
	return child;
}

/* The same device asked to go by two: one does it, the other hears of it. */
TEST_F(mdev_parent, has_its_device_removed_by_two)
{
	const char *window = ours_loaded() ? "mdev:mdev_take_down"
					   : "mdev:mdev_device_remove";
	pid_t first, second;
	int status, sleeper;

	ASSERT_EQ(0, __mdev_create(COUNTED, ONE, FIRST));
	sleeper = sleeper_open("mdev:remove_store", 60000, 1, "remover");
	first = remove_in_child();
	second = remove_in_child();
	ASSERT_TRUE(sleeper_waits(sleeper, 2));
	/* Both are in the file; one of them gets to it first. */
	sleeper_arm_again(&sleeper, window, 60000, 1, "remover");
	ASSERT_TRUE(sleeper_waits(sleeper, 1));
	EXPECT_FALSE(ends_within(first, 300, &status));
	EXPECT_FALSE(ends_within(second, 300, &status));
	sleeper_close(&sleeper);
	ASSERT_TRUE(ends_within(first, 60000, &status));
	EXPECT_EQ(0, status);
	ASSERT_TRUE(ends_within(second, 60000, &status));
	EXPECT_EQ(0, status);
	EXPECT_FALSE(mdev_exists(FIRST));
}

/* The parent's memory and the device's are there until the removal is done. */
TEST_F(mdev_parent, waits_for_a_removal_that_has_begun)
{
	pid_t remover, unbinder;
	int status, sleeper;

	if (!ours_loaded())
		SKIP(return, "stock looks for the parent in freed memory");
	ASSERT_EQ(0, __mdev_create(COUNTED, ONE, FIRST));
	sleeper = sleeper_open("mdev:mdev_take_down", 60000, 1, "remover");
	remover = remove_in_child();
	ASSERT_TRUE(sleeper_waits(sleeper, 1));
	unbinder = unbind_in_child(COUNTED);
	EXPECT_FALSE(ends_within(unbinder, 300, &status));
	EXPECT_TRUE(mdev_exists(FIRST));
	sleeper_close(&sleeper);
	ASSERT_TRUE(ends_within(remover, 60000, &status));
	EXPECT_EQ(0, status);
	ASSERT_TRUE(ends_within(unbinder, 60000, &status));
	EXPECT_EQ(0, status);
	EXPECT_FALSE(mdev_exists(FIRST));
	ASSERT_EQ(0, bind_again(COUNTED));
	EXPECT_EQ(INSTANCES, mdev_available(COUNTED, ONE));
}

/* Who comes when the parent is on its way out leaves the device to it. */
TEST_F(mdev_parent, goes_before_a_removal_begins)
{
	pid_t remover, unbinder;
	int status, sleeper;

	if (!ours_loaded())
		SKIP(return, "stock looks for the parent in freed memory");
	ASSERT_EQ(0, __mdev_create(COUNTED, ONE, FIRST));
	sleeper = sleeper_open("mdev:mdev_removal_begin", 60000, 1, "remover");
	remover = remove_in_child();
	ASSERT_TRUE(sleeper_waits(sleeper, 1));
	unbinder = unbind_in_child(COUNTED);
	EXPECT_FALSE(ends_within(unbinder, 300, &status));
	sleeper_close(&sleeper);
	ASSERT_TRUE(ends_within(remover, 60000, &status));
	EXPECT_EQ(ENODEV, WEXITSTATUS(status));
	ASSERT_TRUE(ends_within(unbinder, 60000, &status));
	EXPECT_EQ(0, status);
	EXPECT_FALSE(mdev_exists(FIRST));
	ASSERT_EQ(0, bind_again(COUNTED));
	EXPECT_EQ(INSTANCES, mdev_available(COUNTED, ONE));
}

/* The last, as the module is loaded once for all of them. */
TEST_F(mdev_parent, is_unloaded_and_takes_the_core_along)
{
	ASSERT_EQ(0, __mdev_create(COUNTED, ONE, uuids[0]));
	ASSERT_EQ(0, __mdev_create(COUNTING, FEW, uuids[1]));
	EXPECT_EQ(0, system("modprobe -r vfio_testparent"));
	EXPECT_FALSE(mdev_exists(uuids[0]));
	EXPECT_FALSE(mdev_exists(uuids[1]));
	EXPECT_EQ(self->groups, sysfs_entries(GROUPS));
	/* mdev, which it alone needs, goes with it. */
	EXPECT_EQ(-1, access("/sys/module/mdev", F_OK));
}

TEST_HARNESS_MAIN
