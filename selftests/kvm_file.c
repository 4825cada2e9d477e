// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's VFIO device holds a group by its file: adding and removing, mistakes,
 * and a VM that keeps the group when its user has closed it.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/proc.h"
#include "lib/vfio.h"

FIXTURE(kvm)
{
	struct vfio_space space;
	int vm;
	int vfio;
};

FIXTURE_SETUP(kvm)
{
	struct kvm_create_device create = {.type = KVM_DEV_TYPE_VFIO};
	int kvm;

	if (system("modprobe -q kvm_amd || modprobe -q kvm_intel"))
		SKIP(return, "no KVM in this machine");
	kvm = vfio_must(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	self->vm = vfio_must(vfio_ioctl(kvm, KVM_CREATE_VM, 0));
	close(kvm);
	vfio_must(vfio_ioctl(self->vm, KVM_CREATE_DEVICE, &create));
	self->vfio = create.fd;
	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
}

FIXTURE_TEARDOWN(kvm)
{
	vfio_space_close(&self->space);
	close(self->vfio);
	close(self->vm);
}

static long group_attr(int vfio, __u64 what, int fd)
{
	__s32 value = fd;
	struct kvm_device_attr attr = {
		.group = KVM_DEV_VFIO_GROUP,
		.attr = what,
		.addr = (uintptr_t)&value,
	};

	return vfio_ioctl(vfio, KVM_SET_DEVICE_ATTR, &attr);
}

#define add(fd) group_attr(self->vfio, KVM_DEV_VFIO_GROUP_ADD, fd)
#define del(fd) group_attr(self->vfio, KVM_DEV_VFIO_GROUP_DEL, fd)

TEST_F(kvm, add_and_remove)
{
	EXPECT_EQ(0, add(self->space.group));
	EXPECT_EQ(-EEXIST, add(self->space.group));
	EXPECT_EQ(0, del(self->space.group));
	EXPECT_EQ(-ENOENT, del(self->space.group));
	EXPECT_EQ(0, add(self->space.group));
}

TEST_F(kvm, mistakes)
{
	int null = open("/dev/null", O_RDWR);

	EXPECT_EQ(-EINVAL, add(null));
	EXPECT_EQ(-EINVAL, add(self->space.container));
	EXPECT_EQ(-EBADF, add(-1));
	EXPECT_EQ(-ENOENT, del(null));
	close(null);
}

TEST_F(kvm, vm_keeps_the_group)
{
	ASSERT_EQ(0, add(self->space.group));
	vfio_space_close(&self->space);
	usleep(50000);
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->space.number));
	close(self->vm);
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->space.number));
	close(self->vfio);
	self->space.group = vfio_group_open_wait(self->space.number, 2000);
	EXPECT_GE(self->space.group, 0);
	self->vm = self->vfio = self->space.container = -1;
}

TEST_F(kvm, device_opened_between)
{
	void *mem = vfio_memory(7 * SZ_4K, 0);
	long pinned = pinned_pages();

	ASSERT_EQ(0, add(self->space.group));
	vfio_space_open_device(&self->space);
	vfio_map(self->space.container, mem, 0, 7 * SZ_4K);
	/* The VM goes first; the device has the group, and KVM, by itself. */
	close(self->vfio);
	close(self->vm);
	self->vm = self->vfio = -1;
	EXPECT_EQ(0x11e81234, vfio_config_read(self->space.device, 0, 4));
	EXPECT_EQ(pinned + 7, pinned_pages());
	EXPECT_EQ(7 * SZ_4K, vfio_unmap_all(self->space.container));
}

TEST_F(kvm, removed_while_the_device_is_open)
{
	ASSERT_EQ(0, add(self->space.group));
	vfio_space_open_device(&self->space);
	EXPECT_EQ(0, del(self->space.group));
	EXPECT_EQ(0x11e81234, vfio_config_read(self->space.device, 0, 4));
	EXPECT_EQ(0, add(self->space.group));
}

TEST_HARNESS_MAIN
