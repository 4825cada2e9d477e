// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's VFIO device keeps a list of the files that a VM uses: what it takes,
 * what it refuses, and with which errno. How long it holds them is kvm_links'
 * matter.
 *
 * Newer headers call the group of attributes KVM_DEV_VFIO_FILE; the numbers are
 * those of KVM_DEV_VFIO_GROUP, so there is one set of calls to test.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/kvm.h"
#include "lib/proc.h"
#include "lib/vfio.h"

FIXTURE(kvm)
{
	struct vfio_space space;
	struct kvm_vm vm;
};

FIXTURE_SETUP(kvm)
{
	if (!kvm_load())
		SKIP(return, "no KVM in this machine");
	kvm_vm_open(&self->vm);
	vfio_space_open(&self->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
}

FIXTURE_TEARDOWN(kvm)
{
	if (!kvm_load())
		return;
	vfio_space_close(&self->space);
	kvm_vm_close(&self->vm);
}

#define add(fd) __kvm_vfio_add(self->vm.vfio, fd)
#define del(fd) __kvm_vfio_del(self->vm.vfio, fd)

TEST_F(kvm, add_and_remove)
{
	EXPECT_EQ(0, add(self->space.group));
	EXPECT_EQ(-EEXIST, add(self->space.group));
	EXPECT_EQ(0, del(self->space.group));
	EXPECT_EQ(-ENOENT, del(self->space.group));
	EXPECT_EQ(0, add(self->space.group));
}

/* It is the file that is in the list, whatever number it has. */
TEST_F(kvm, one_file_by_two_fds)
{
	int copy = vfio_must(dup(self->space.group));

	EXPECT_EQ(0, add(self->space.group));
	EXPECT_EQ(-EEXIST, add(copy));
	EXPECT_EQ(0, del(copy));
	EXPECT_EQ(-ENOENT, del(self->space.group));
	close(copy);
}

TEST_F(kvm, files_of_others)
{
	int ends[2], null = vfio_must(open("/dev/null", O_RDWR));
	int files[6];

	vfio_must(pipe(ends));
	memcpy(files,
	       (int[]){null, ends[0], ends[1], self->space.container,
		       self->vm.vm, self->vm.vfio},
	       sizeof(files));
	for (int i = 0; i < 6; i++) {
		EXPECT_EQ(-EINVAL, add(files[i]));
		EXPECT_EQ(-ENOENT, del(files[i]));
	}
	close(ends[0]);
	close(ends[1]);
	close(null);
}

TEST_F(kvm, no_file)
{
	char path[32];
	int closed = vfio_must(dup(self->space.group)), by_path;

	close(closed);
	EXPECT_EQ(-EBADF, add(-1));
	EXPECT_EQ(-EBADF, del(-1));
	EXPECT_EQ(-EBADF, add(closed));
	EXPECT_EQ(-EBADF, del(closed));
	/* A place in the file system that is not opened is no file either. */
	snprintf(path, sizeof(path), "/dev/vfio/%d", self->space.number);
	by_path = vfio_must(open(path, O_PATH));
	EXPECT_EQ(-EBADF, add(by_path));
	EXPECT_EQ(-EBADF, del(by_path));
	close(by_path);
}

/*
 * Kernels that know device files in the list (b1a59be8a2b6)
 * take those that came by way of a group, too, each file by itself.
 */
TEST_F(kvm, a_device)
{
	bool taken = kernel_has("vfio_file_is_valid");
	int second;

	vfio_space_open_device(&self->space);
	second = vfio_must(
		__vfio_device_open(self->space.group, self->space.name));
	EXPECT_EQ(taken ? 0 : -EINVAL, add(self->space.device));
	EXPECT_EQ(taken ? -EEXIST : -EINVAL, add(self->space.device));
	EXPECT_EQ(taken ? 0 : -EINVAL, add(second));
	EXPECT_EQ(0, add(self->space.group));
	EXPECT_EQ(taken ? 0 : -ENOENT, del(self->space.device));
	EXPECT_EQ(-ENOENT, del(self->space.device));
	EXPECT_EQ(0x11e81234, vfio_config_read(second, 0, 4));
	close(second);
}

static int set(int vfio, __u32 group, __u64 what, const void *addr)
{
	struct kvm_device_attr attr = {
		.group = group,
		.attr = what,
		.addr = (uintptr_t)addr,
	};

	return vfio_ioctl(vfio, KVM_SET_DEVICE_ATTR, &attr);
}

static int has(int vfio, __u32 group, __u64 what)
{
	struct kvm_device_attr attr = {.group = group, .attr = what};

	return vfio_ioctl(vfio, KVM_HAS_DEVICE_ATTR, &attr);
}

TEST_F(kvm, bad_addresses)
{
	const __u64 calls[] = {KVM_DEV_VFIO_GROUP_ADD, KVM_DEV_VFIO_GROUP_DEL};
	char *page = vfio_memory(2 * SZ_4K, 0);

	mprotect(page + SZ_4K, SZ_4K, PROT_NONE);
	/* Its last byte is in the page that cannot be read. */
	memcpy(page + SZ_4K - 3, &self->space.group, 3);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(-EFAULT, set(self->vm.vfio, KVM_DEV_VFIO_GROUP,
				       calls[i], NULL));
		EXPECT_EQ(-EFAULT, set(self->vm.vfio, KVM_DEV_VFIO_GROUP,
				       calls[i], page + SZ_4K));
		EXPECT_EQ(-EFAULT, set(self->vm.vfio, KVM_DEV_VFIO_GROUP,
				       calls[i], page + SZ_4K - 3));
	}
	EXPECT_EQ(-EFAULT,
		  vfio_ioctl(self->vm.vfio, KVM_SET_DEVICE_ATTR, page + SZ_4K));
	EXPECT_EQ(-EFAULT,
		  vfio_ioctl(self->vm.vfio, KVM_HAS_DEVICE_ATTR, page + SZ_4K));
	/* Nothing of that went into the list. */
	EXPECT_EQ(-ENOENT, del(self->space.group));
	munmap(page, 2 * SZ_4K);
}

TEST_F(kvm, attributes)
{
	/* Of POWER's, and no number that was given out. */
	const __u64 unknown[] = {
		0,  KVM_DEV_VFIO_GROUP_SET_SPAPR_TCE,	 4,
		31, 1ULL << 32 | KVM_DEV_VFIO_GROUP_ADD, ~0ULL};
	const __u32 groups[] = {0, 2, 31, ~0U};
	int vfio = self->vm.vfio;
	__s32 fd = self->space.group;

	EXPECT_EQ(0, has(vfio, KVM_DEV_VFIO_GROUP, KVM_DEV_VFIO_GROUP_ADD));
	EXPECT_EQ(0, has(vfio, KVM_DEV_VFIO_GROUP, KVM_DEV_VFIO_GROUP_DEL));
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		EXPECT_EQ(-ENXIO, has(vfio, KVM_DEV_VFIO_GROUP, unknown[i]));
		EXPECT_EQ(-ENXIO,
			  set(vfio, KVM_DEV_VFIO_GROUP, unknown[i], &fd));
		EXPECT_EQ(-ENXIO,
			  set(vfio, KVM_DEV_VFIO_GROUP, unknown[i], NULL));
	}
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		EXPECT_EQ(-ENXIO, has(vfio, groups[i], KVM_DEV_VFIO_GROUP_ADD));
		EXPECT_EQ(-ENXIO,
			  set(vfio, groups[i], KVM_DEV_VFIO_GROUP_ADD, &fd));
	}
	EXPECT_EQ(-ENOENT, del(fd));
}

TEST_F(kvm, nothing_to_read)
{
	__s32 fd = self->space.group;
	struct kvm_device_attr attr = {
		.group = KVM_DEV_VFIO_GROUP,
		.attr = KVM_DEV_VFIO_GROUP_ADD,
		.addr = (uintptr_t)&fd,
	};

	EXPECT_EQ(-EPERM,
		  vfio_ioctl(self->vm.vfio, KVM_GET_DEVICE_ATTR, &attr));
	EXPECT_EQ(-ENOTTY, vfio_ioctl(self->vm.vfio, KVM_CREATE_VM, 0));
	EXPECT_EQ(-1, read(self->vm.vfio, &fd, sizeof(fd)));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(kvm, one_vfio_device_a_vm)
{
	struct kvm_create_device none = {.type = 0x7fffffff};

	EXPECT_EQ(-EBUSY, __kvm_vfio_create(self->vm.vm, 0));
	/* A question, whether there are such devices, not whether one may be. */
	EXPECT_EQ(0, __kvm_vfio_create(self->vm.vm, KVM_CREATE_DEVICE_TEST));
	EXPECT_EQ(-ENODEV, vfio_ioctl(self->vm.vm, KVM_CREATE_DEVICE, &none));
	/* With its fd it goes out of the VM, and its list with it. */
	EXPECT_EQ(0, add(self->space.group));
	close(self->vm.vfio);
	self->vm.vfio = vfio_must(__kvm_vfio_create(self->vm.vm, 0));
	EXPECT_EQ(-ENOENT, del(self->space.group));
	EXPECT_EQ(0, add(self->space.group));
}

struct passed {
	struct kvm_vm vm;
	int group;
};

static int another_process(void *arg)
{
	const struct passed *p = arg;

	if (__kvm_vfio_add(p->vm.vfio, p->group) != -EIO)
		return 1;
	if (__kvm_vfio_del(p->vm.vfio, p->group) != -EIO)
		return 2;
	if (has(p->vm.vfio, KVM_DEV_VFIO_GROUP, KVM_DEV_VFIO_GROUP_ADD) != -EIO)
		return 3;
	return __kvm_vfio_create(p->vm.vm, 0) == -EIO ? 0 : 4;
}

/* A VM belongs to the memory that made it; others have its fds for nothing. */
TEST_F(kvm, another_process_has_no_say)
{
	struct passed passed = {self->vm, self->space.group};

	EXPECT_EQ(0, run_child(another_process, &passed));
	EXPECT_EQ(0, add(self->space.group));
	EXPECT_EQ(0, run_child(another_process, &passed));
	EXPECT_EQ(0, del(self->space.group));
}

TEST_HARNESS_MAIN
