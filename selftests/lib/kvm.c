// SPDX-License-Identifier: GPL-2.0-only
/* Virtual machines and KVM's VFIO device, for tests. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/kvm.h"
#include "lib/vfio.h"

bool kvm_load(void)
{
	return !access("/dev/kvm", F_OK) ||
	       !system("modprobe -q kvm_amd || modprobe -q kvm_intel");
}

int __kvm_vfio_create(int vm, __u32 flags)
{
	struct kvm_create_device create = {
		.type = KVM_DEV_TYPE_VFIO,
		.fd = -1,
		.flags = flags,
	};
	int ret = vfio_ioctl(vm, KVM_CREATE_DEVICE, &create);

	return ret || flags & KVM_CREATE_DEVICE_TEST ? ret : (int)create.fd;
}

void kvm_vm_open(struct kvm_vm *vm)
{
	int kvm = vfio_must(open("/dev/kvm", O_RDWR | O_CLOEXEC));

	vm->vm = vfio_must(vfio_ioctl(kvm, KVM_CREATE_VM, 0));
	close(kvm);
	vm->vfio = vfio_must(__kvm_vfio_create(vm->vm, 0));
}

void kvm_vm_close(struct kvm_vm *vm)
{
	vfio_close(&vm->vfio);
	vfio_close(&vm->vm);
}

bool kvm_vm_exists(int vm)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d", getpid(),
		 vm);
	return !access(path, F_OK);
}

static int file_attr(int vfio, __u64 what, __s32 fd)
{
	struct kvm_device_attr attr = {
		.group = KVM_DEV_VFIO_GROUP,
		.attr = what,
		.addr = (uintptr_t)&fd,
	};

	return vfio_ioctl(vfio, KVM_SET_DEVICE_ATTR, &attr);
}

int __kvm_vfio_add(int vfio, int fd)
{
	return file_attr(vfio, KVM_DEV_VFIO_GROUP_ADD, fd);
}

int __kvm_vfio_del(int vfio, int fd)
{
	return file_attr(vfio, KVM_DEV_VFIO_GROUP_DEL, fd);
}
