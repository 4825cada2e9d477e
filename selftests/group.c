// SPDX-License-Identifier: GPL-2.0-only
/* /dev/vfio/N: status, attaching and detaching, one opener, device fds. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/proc.h"
#include "lib/vfio.h"

FIXTURE(group)
{
	int number;
	int group;
	int container;
};

FIXTURE_SETUP(group)
{
	self->number = vfio_group_number(EDU_BDF);
	self->group = vfio_must(vfio_group_open_wait(self->number, 2000));
	self->container = vfio_container_open();
}

FIXTURE_TEARDOWN(group)
{
	close(self->group);
	close(self->container);
}

static void attach(FIXTURE_DATA(group) * self)
{
	vfio_must(__vfio_group_set_container(self->group, self->container));
	vfio_must(vfio_ioctl(self->container, VFIO_SET_IOMMU,
			     VFIO_TYPE1v2_IOMMU));
}

TEST_F(group, status_follows_the_container)
{
	__u32 flags;

	ASSERT_EQ(0, __vfio_group_status(self->group, &flags));
	EXPECT_EQ(VFIO_GROUP_FLAGS_VIABLE, flags);
	ASSERT_EQ(0, __vfio_group_set_container(self->group, self->container));
	ASSERT_EQ(0, __vfio_group_status(self->group, &flags));
	EXPECT_EQ(VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET,
		  flags);
	ASSERT_EQ(0, vfio_ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER, 0));
	ASSERT_EQ(0, __vfio_group_status(self->group, &flags));
	EXPECT_EQ(VFIO_GROUP_FLAGS_VIABLE, flags);
}

TEST_F(group, opened_once)
{
	int again;

	EXPECT_EQ(-EBUSY, __vfio_group_open(self->number));
	/* Another fd of the same open is the same user. */
	again = dup(self->group);
	close(self->group);
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->number));
	close(again);
	self->group = vfio_group_open_wait(self->number, 2000);
	EXPECT_GE(self->group, 0);
}

static int try_open(void *number)
{
	int fd = __vfio_group_open(*(int *)number);

	return fd < 0 ? -fd : 0;
}

TEST_F(group, another_process_is_refused)
{
	EXPECT_EQ(EBUSY, run_child(try_open, &self->number));
}

TEST_F(group, open_device_keeps_the_group)
{
	int device;

	attach(self);
	device = __vfio_device_open(self->group, EDU_BDF);
	ASSERT_GE(device, 0);
	close(self->group);
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->number));
	close(device);
	self->group = vfio_group_open_wait(self->number, 2000);
	EXPECT_GE(self->group, 0);
}

TEST_F(group, set_container_mistakes)
{
	int null = open("/dev/null", O_RDWR);
	int closed = dup(null), arg;

	close(closed);
	EXPECT_EQ(-EBADF, __vfio_group_set_container(self->group, closed));
	EXPECT_EQ(-EBADF, __vfio_group_set_container(self->group, -1));
	arg = __vfio_group_set_container(self->group, null);
	/* A file of the wrong kind: which errno is the kernel's choice. */
	EXPECT_TRUE(arg == -EBADFD || arg == -EINVAL)
	{
		TH_LOG("errno %d", -arg);
	}
	EXPECT_EQ(arg, __vfio_group_set_container(self->group, self->group));
	EXPECT_EQ(-EFAULT,
		  vfio_ioctl(self->group, VFIO_GROUP_SET_CONTAINER, 8));
	EXPECT_EQ(-EINVAL,
		  vfio_ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER, 0));
	close(null);
}

TEST_F(group, container_set_once)
{
	int other = vfio_container_open();

	ASSERT_EQ(0, __vfio_group_set_container(self->group, self->container));
	EXPECT_EQ(-EINVAL,
		  __vfio_group_set_container(self->group, self->container));
	EXPECT_EQ(-EINVAL, __vfio_group_set_container(self->group, other));
	close(other);
}

TEST_F(group, unset_while_device_is_open)
{
	int device;

	attach(self);
	device = __vfio_device_open(self->group, EDU_BDF);
	ASSERT_GE(device, 0);
	EXPECT_EQ(-EBUSY,
		  vfio_ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER, 0));
	close(device);
	/* The last put of the file runs when close() returns. */
	EXPECT_EQ(0, vfio_ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER, 0));
}

TEST_F(group, device_needs_an_iommu)
{
	EXPECT_EQ(-EINVAL, __vfio_device_open(self->group, EDU_BDF));
	ASSERT_EQ(0, __vfio_group_set_container(self->group, self->container));
	EXPECT_EQ(-EINVAL, __vfio_device_open(self->group, EDU_BDF));
	ASSERT_EQ(0, vfio_ioctl(self->container, VFIO_SET_IOMMU,
				VFIO_TYPE1v2_IOMMU));
	int device = __vfio_device_open(self->group, EDU_BDF);

	EXPECT_GE(device, 0);
	close(device);
}

TEST_F(group, device_names)
{
	static char unending[2 * SZ_4K];

	attach(self);
	memset(unending, 'x', sizeof(unending));
	EXPECT_EQ(-ENODEV, __vfio_device_open(self->group, "0000:00:1f.9"));
	EXPECT_EQ(-ENODEV, __vfio_device_open(self->group, E1000E_BDF));
	EXPECT_EQ(-ENODEV, __vfio_device_open(self->group, ""));
	EXPECT_EQ(-EINVAL, __vfio_device_open(self->group, unending));
	EXPECT_EQ(-EFAULT, __vfio_device_open(self->group, (char *)8));
}

TEST_F(group, device_opened_twice)
{
	int first, second;

	attach(self);
	first = __vfio_device_open(self->group, EDU_BDF);
	second = __vfio_device_open(self->group, EDU_BDF);
	ASSERT_GE(first, 0);
	ASSERT_GE(second, 0);
	EXPECT_EQ(0x11e81234, vfio_config_read(first, 0, 4));
	close(first);
	EXPECT_EQ(-EBUSY,
		  vfio_ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER, 0));
	EXPECT_EQ(0x11e81234, vfio_config_read(second, 0, 4));
	close(second);
	EXPECT_EQ(0, vfio_ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER, 0));
}

TEST_F(group, status_argsz)
{
	struct vfio_group_status status = {.argsz = sizeof(status) - 1};

	EXPECT_EQ(-EINVAL,
		  vfio_ioctl(self->group, VFIO_GROUP_GET_STATUS, &status));
	EXPECT_EQ(-EFAULT, vfio_ioctl(self->group, VFIO_GROUP_GET_STATUS, 8));
	EXPECT_EQ(-ENOTTY, vfio_ioctl(self->group, VFIO_GET_API_VERSION, 0));
}

TEST_F(group, device_fd_is_close_on_exec)
{
	int device;

	attach(self);
	device = __vfio_device_open(self->group, EDU_BDF);
	ASSERT_GE(device, 0);
	EXPECT_EQ(FD_CLOEXEC, fcntl(device, F_GETFD));
	close(device);
}

TEST_HARNESS_MAIN
