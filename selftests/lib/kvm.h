/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual machines without a CPU, each with KVM's VFIO device, which holds the
 * files of groups.
 */
#ifndef _SELFTESTS_KVM_H
#define _SELFTESTS_KVM_H

#include <linux/kvm.h>
#include <stdbool.h>

/**
 * struct kvm_vm - a virtual machine
 * @vm: fd
 * @vfio: fd of its VFIO device
 */
struct kvm_vm {
	int vm;
	int vfio;
};

#define KVM_VM_NONE ((struct kvm_vm){-1, -1})

/* Loads KVM; false where the machine has none. */
bool kvm_load(void);
void kvm_vm_open(struct kvm_vm *vm);
/* What is open of it; then it is none. */
void kvm_vm_close(struct kvm_vm *vm);
/* A VFIO device's fd. */
int __kvm_vfio_create(int vm, __u32 flags);
/* Whether the kernel still has the machine that this process made as fd @vm. */
bool kvm_vm_exists(int vm);

/* @fd into the list of the VFIO device, or out of it. */
int __kvm_vfio_add(int vfio, int fd);
int __kvm_vfio_del(int vfio, int fd);

#endif /* _SELFTESTS_KVM_H */
