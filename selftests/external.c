// SPDX-License-Identifier: GPL-2.0-only
/*
 * External users: code in the kernel that was given a group's fd holds the group
 * and everything mapped for it, whatever user space closes. The test module is
 * the external user.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/emulated.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define IOVA 0x10000000ULL

FIXTURE(external)
{
	struct vfio_space space;
	struct vfio_testdev_external held;
	int testdev;
	char *mem;
	long pinned;
};

FIXTURE_VARIANT(external)
{
	int type;
};

FIXTURE_VARIANT_ADD(external, type1){.type = VFIO_TYPE1_IOMMU};
FIXTURE_VARIANT_ADD(external, type1v2){.type = VFIO_TYPE1v2_IOMMU};

FIXTURE_SETUP(external)
{
	if (!ours_loaded())
		SKIP(return, "stock vfio.ko has no external users");
	self->testdev = testdev_open();
	self->mem = vfio_memory(31 * SZ_4K, 0);
	self->pinned = pinned_pages();
	vfio_space_open(&self->space, EDU_BDF, variant->type);
}

FIXTURE_TEARDOWN(external)
{
	if (!ours_loaded())
		return;
	close(self->testdev);
	vfio_space_close(&self->space);
	EXPECT_TRUE(pinned_settles(self->pinned));
	EXPECT_EQ(0, locked_pages(0));
}

#define get(fd)	  __testdev_external_get(self->testdev, fd, &self->held)
#define put(slot) __testdev_external_put(self->testdev, slot)

TEST_F(external, takes_a_ready_group)
{
	ASSERT_EQ(0, get(self->space.group));
	EXPECT_EQ(self->space.number, self->held.iommu_id);
	EXPECT_EQ(-EBUSY,
		  vfio_ioctl(self->space.group, VFIO_GROUP_UNSET_CONTAINER, 0));
	ASSERT_EQ(0, put(self->held.slot));
	EXPECT_EQ(-ENOENT, put(self->held.slot));
	EXPECT_EQ(0,
		  vfio_ioctl(self->space.group, VFIO_GROUP_UNSET_CONTAINER, 0));
}

TEST_F(external, refuses_what_is_not_ready)
{
	int null = open("/dev/null", O_RDWR);
	int number = vfio_group_number(E1000E_BDF);
	int group = vfio_must(vfio_group_open_wait(number, 2000));
	int container = vfio_container_open();

	EXPECT_EQ(-EINVAL, get(self->space.container));
	EXPECT_EQ(-EINVAL, get(null));
	EXPECT_EQ(-EBADF, get(-1));
	vfio_space_open_device(&self->space);
	EXPECT_EQ(-EINVAL, get(self->space.device));
	/* No container, then one without an IOMMU. */
	EXPECT_EQ(-EINVAL, get(group));
	ASSERT_EQ(0, __vfio_group_set_container(group, container));
	EXPECT_EQ(-EINVAL, get(group));
	ASSERT_EQ(0, vfio_ioctl(container, VFIO_SET_IOMMU, variant->type));
	EXPECT_EQ(0, get(group));
	EXPECT_EQ(number, self->held.iommu_id);
	EXPECT_EQ(0, put(self->held.slot));
	close(group);
	close(container);
	close(null);
}

TEST_F(external, holds_when_every_fd_is_closed)
{
	vfio_map(self->space.container, self->mem, IOVA, 23 * SZ_4K);
	ASSERT_EQ(0, get(self->space.group));
	vfio_space_close(&self->space);
	usleep(100000);
	EXPECT_EQ(self->pinned + 23, pinned_pages());
	EXPECT_EQ(23, locked_pages(0));
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->space.number));
	EXPECT_EQ(0, put(self->held.slot));
	EXPECT_EQ(self->pinned, pinned_pages());
	EXPECT_EQ(0, locked_pages(0));
	vfio_space_open(&self->space, EDU_BDF, variant->type);
}

TEST_F(external, holds_an_open_device_too)
{
	vfio_space_open_device(&self->space);
	vfio_map(self->space.container, self->mem, IOVA, 7 * SZ_4K);
	ASSERT_EQ(0, get(self->space.group));
	close(self->space.group);
	close(self->space.container);
	EXPECT_EQ(0, put(self->held.slot));
	/* The device still has the group, and with it the mappings. */
	EXPECT_EQ(self->pinned + 7, pinned_pages());
	EXPECT_EQ(0x11e81234, vfio_config_read(self->space.device, 0, 4));
	close(self->space.device);
	EXPECT_TRUE(pinned_settles(self->pinned));
	vfio_space_open(&self->space, EDU_BDF, variant->type);
}

TEST_F(external, several_holds_count)
{
	__u32 slots[5];

	vfio_map(self->space.container, self->mem, IOVA, 3 * SZ_4K);
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, get(self->space.group));
		slots[i] = self->held.slot;
	}
	vfio_space_close(&self->space);
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(self->pinned + 3, pinned_pages());
		EXPECT_EQ(-EBUSY, __vfio_group_open(self->space.number));
		EXPECT_EQ(0, put(slots[i * 2 % 5]));
	}
	EXPECT_EQ(self->pinned, pinned_pages());
	vfio_space_open(&self->space, EDU_BDF, variant->type);
}

TEST_F(external, container_still_serves)
{
	ASSERT_EQ(0, get(self->space.group));
	close(self->space.group);
	vfio_map(self->space.container, self->mem, IOVA, 5 * SZ_4K);
	EXPECT_EQ(self->pinned + 5, pinned_pages());
	EXPECT_EQ(5 * SZ_4K,
		  vfio_unmap(self->space.container, IOVA, 5 * SZ_4K));
	vfio_map(self->space.container, self->mem, IOVA, 5 * SZ_4K);
	EXPECT_EQ(0, put(self->held.slot));
	/* The last group left, so the container has no IOMMU any more. */
	EXPECT_EQ(self->pinned, pinned_pages());
	EXPECT_EQ(-EINVAL, __vfio_map(self->space.container, self->mem, IOVA,
				      SZ_4K, VFIO_RW));
	self->space.group =
		vfio_must(vfio_group_open_wait(self->space.number, 2000));
}

TEST_F(external, one_of_two_groups)
{
	int number = vfio_group_number(E1000E_BDF);
	int group = vfio_must(vfio_group_open_wait(number, 2000));

	ASSERT_EQ(0, __vfio_group_set_container(group, self->space.container));
	vfio_map(self->space.container, self->mem, IOVA, 5 * SZ_4K);
	ASSERT_EQ(0, get(group));
	close(group);
	vfio_space_close(&self->space);
	EXPECT_EQ(self->pinned + 5, pinned_pages());
	/* The other group is not held. */
	vfio_space_open(&self->space, EDU_BDF, variant->type);
	EXPECT_EQ(-EBUSY, __vfio_group_open(number));
	EXPECT_EQ(0, put(self->held.slot));
	EXPECT_EQ(self->pinned, pinned_pages());
}

TEST_F(external, user_that_goes_gives_back)
{
	vfio_map(self->space.container, self->mem, IOVA, 5 * SZ_4K);
	ASSERT_EQ(0, get(self->space.group));
	ASSERT_EQ(0, get(self->space.group));
	vfio_space_close(&self->space);
	EXPECT_EQ(self->pinned + 5, pinned_pages());
	close(self->testdev);
	EXPECT_TRUE(pinned_settles(self->pinned));
	self->testdev = testdev_open();
	vfio_space_open(&self->space, EDU_BDF, variant->type);
}

static int unbind(void *bdf)
{
	return -__vfio_pci_unbind(bdf);
}

TEST_F(external, removal_waits)
{
	int status;
	pid_t pid;

	vfio_map(self->space.container, self->mem, IOVA, 5 * SZ_4K);
	ASSERT_EQ(0, get(self->space.group));
	vfio_space_close(&self->space);
	pid = fork();
	if (!pid)
		_exit(unbind(EDU_BDF));
	usleep(500000);
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	EXPECT_EQ(self->pinned + 5, pinned_pages());
	EXPECT_EQ(0, put(self->held.slot));
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(self->pinned, pinned_pages());
	ASSERT_EQ(0, __vfio_pci_bind(EDU_BDF));
	vfio_space_open(&self->space, EDU_BDF, variant->type);
}

/* The questions that KVM asks of a file, on every vfio.ko. */
TEST(what_a_file_is)
{
	int testdev = testdev_open();
	struct vfio_space s;
	__u32 flags;
	int null = open("/dev/null", O_RDWR);

	vfio_must(__testdev_create(testdev, "external-a"));
	vfio_space_open(&s, "external-a", VFIO_TYPE1v2_IOMMU);
	ASSERT_EQ(0, __testdev_file(testdev, s.group, "external-a", &flags));
	EXPECT_TRUE(flags & VFIO_TESTDEV_FILE_GROUP);
	EXPECT_TRUE(flags & VFIO_TESTDEV_FILE_HAS_DEV);
	ASSERT_EQ(0,
		  __testdev_file(testdev, s.container, "external-a", &flags));
	EXPECT_FALSE(flags & VFIO_TESTDEV_FILE_GROUP);
	EXPECT_FALSE(flags & VFIO_TESTDEV_FILE_VALID);
	EXPECT_FALSE(flags & VFIO_TESTDEV_FILE_HAS_DEV);
	ASSERT_EQ(0, __testdev_file(testdev, null, NULL, &flags));
	EXPECT_EQ(VFIO_TESTDEV_FILE_COHERENT, flags);
	vfio_space_close(&s);
	EXPECT_EQ(0, __testdev_destroy(testdev, "external-a"));
	close(testdev);
	close(null);
}

TEST(stock_has_none)
{
	struct vfio_testdev_external held;
	int testdev;

	if (ours_loaded())
		SKIP(return, "ours has external users");
	testdev = testdev_open();
	EXPECT_EQ(-EOPNOTSUPP, __testdev_external_get(testdev, testdev, &held));
	close(testdev);
}

TEST_HARNESS_MAIN
