/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel structures that are read, as far as they are read.
 *
 * CO-RE finds the members by name in the running kernel's and modules' BTF, so
 * one object serves both kernels, and our modules as well as the stock ones,
 * whose private structs go by the same names. What is not in all of them is
 * asked for by bpf_core_field_exists() or bpf_core_type_exists() first. This
 * is the only file that knows that kernels differ.
 */
#ifndef VFIOSCOPE_VIEWS_BPF_H
#define VFIOSCOPE_VIEWS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "event.h"

#define VIEW __attribute__((preserve_access_index))

/* What our trace events on DMA are given; see trace/vfio_trace_types.h. */
struct vfio_dma_map_event {
	__u32 container;
	__u32 prot;
	__s32 ret;
	__u64 iova;
	__u64 vaddr;
	__u64 size;
	__u64 done;
	__u64 duration_ns;
	__u64 pin_ns;
	__u64 iommu_ns;
	__u64 pages;
	__u64 runs;
	__u64 start_ns;
} VIEW;

struct vfio_dma_unmap_event {
	__u32 container;
	__u32 flags;
	__s32 ret;
	__u64 iova;
	__u64 size;
	__u64 unmapped;
	__u64 duration_ns;
	__u64 iommu_ns;
	__u64 unpin_ns;
	__u64 pages;
	__u64 start_ns;
} VIEW;

struct vfio_iommu_driver_ops___view {
	char *name;
} VIEW;

struct vfio_iommu_driver___view {
	struct vfio_iommu_driver_ops___view *ops;
} VIEW;

struct vfio_container___view {
	__u32 id; /* ours only */
	struct kref kref;
	struct list_head group_list;
	struct vfio_iommu_driver___view *iommu_driver;
	void *iommu_data;
} VIEW;

struct iommu_group___view {
	struct kobject kobj;
	struct list_head devices;
	void *owner;
	int id;
} VIEW;

struct group_device___view {
	struct list_head list;
	struct device *dev;
} VIEW;

struct vfio_group___view {
	struct device dev;
	struct cdev cdev;
	unsigned int container_users;
	struct iommu_group___view *iommu_group;
	struct vfio_container___view *container;
	struct list_head device_list;
	struct list_head container_next;
	struct kvm *kvm;
	struct file *opened_file;
	unsigned int external_users; /* ours only */
} VIEW;

struct vfio_device___view {
	struct device *dev;
	struct vfio_group___view *group;
	struct list_head group_next;
	unsigned int open_count;
	struct inode *inode; /* its BARs are mapped through it */
} VIEW;

/* What all of vhost's devices begin with. */
struct vhost_dev___view {
	struct mm_struct *mm;
} VIEW;

/* Since 5c6de3ea7333 ("vfio: Add cdev for vfio_device") and its series, 6.6, a
 * device's file holds one of these; before, the device itself.
 */
struct vfio_device_file___view {
	struct vfio_device___view *device;
} VIEW;

struct vfio_iommu___view {
	struct rb_root dma_list;
	unsigned int dma_avail;
} VIEW;

struct vfio_runs___view { /* ours only */
	unsigned long nr;
	bool lost; /* some were not kept */
} VIEW;

struct vfio_dma___view {
	struct rb_node node;
	__u64 iova;
	unsigned long vaddr;
	size_t size;
	int prot;
	bool iommu_mapped;
	bool lock_cap;
	bool vaddr_invalid;
	struct task_struct *task;
	struct mm_struct *mm;
	size_t locked_vm; /* pages */
	struct vfio_runs___view runs;
} VIEW;

/* Who has which char device numbers; see drivers/base/map.c. */
struct probe___view {
	struct probe___view *next;
	void *data;
} VIEW;

struct kobj_map___view {
	struct probe___view *probes[255];
} VIEW;

struct kvm___view {
	struct list_head vm_list;
	struct list_head devices;
} VIEW;

struct kvm_vcpu___view {
	struct kvm___view *kvm;
} VIEW;

struct kvm_device___view {
	const void *ops;
	struct kvm___view *kvm;
	void *private;
	struct list_head vm_node;
} VIEW;

/* Before "kvm/vfio: Prepare for accepting vfio device fd" the list was of
 * groups, by name.
 */
struct kvm_vfio___view {
	struct list_head file_list;
	struct list_head group_list;
} VIEW;

struct kvm_vfio_file___view {
	struct list_head node;
	struct file *file;
} VIEW;

struct kvm_vfio_group___view {
	struct list_head node;
	struct file *file;
} VIEW;

struct scm_fp_list___view {
	short count;
	struct file *fp[253];
} VIEW;

/* In a packet's cb[] while it is a unix socket's. */
struct unix_skb_parms___view {
	struct scm_fp_list___view *fp;
} VIEW;

struct mm_struct___view {
	struct task_struct *owner;
} VIEW;

static __always_inline struct vfio_device___view *
view_device(void *private_data)
{
	struct vfio_device_file___view *df = private_data;

	if (bpf_core_type_exists(struct vfio_device_file___view))
		return BPF_CORE_READ(df, device);
	return private_data;
}

/* Stock containers have no number. Their address serves: no two of them are
 * within 32 bytes of each other, and every tool comes to the same. The highest bit
 * tells such an id from one that our modules have counted.
 */
static __always_inline __u32
view_container_id(struct vfio_container___view *container)
{
	if (!container)
		return 0;
	if (!bpf_core_field_exists(container->id))
		return (unsigned long)container >> 5 | EV_CONTAINER_ADDRESS;
	return BPF_CORE_READ(container, id);
}

/* While a task exits: whether its process has no other. */
static __always_inline bool view_last_thread(struct task_struct *task)
{
	return !BPF_CORE_READ(task, signal, live.counter);
}

#define VIEW_VM_EXEC	4
#define VIEW_PAGE_SHIFT 12

/* Which file is executed at an address, and where in it; false: none is. */
static __always_inline bool view_code(struct vm_area_struct *vma, __u64 address,
				      __u64 *offset, char *file, __u32 size)
{
	const unsigned char *name;

	if (!(BPF_CORE_READ(vma, vm_flags) & VIEW_VM_EXEC))
		return false;
	name = BPF_CORE_READ(vma, vm_file, f_path.dentry, d_name.name);
	bpf_probe_read_kernel_str(file, size, name);
	*offset = address - BPF_CORE_READ(vma, vm_start) +
		  (BPF_CORE_READ(vma, vm_pgoff) << VIEW_PAGE_SHIFT);
	return true;
}

/* A number that is a kernel string; -1: it is something else. */
static __noinline __s32 view_number(const char *string)
{
	char digits[12] = {};
	__s32 number = 0;
	int i;

	if (bpf_probe_read_kernel_str(digits, sizeof(digits), string) < 2)
		return -1;
#pragma unroll
	for (i = 0; i < 10; i++) {
		if (!digits[i])
			break;
		if (digits[i] < '0' || digits[i] > '9')
			return -1;
		number = number * 10 + digits[i] - '0';
	}
	return number;
}

/* A group that is open may have lost its devices, and then the IOMMU's; its
 * name is the number still.
 */
static __always_inline __s32 view_group_id(struct vfio_group___view *group)
{
	struct iommu_group___view *iommu = BPF_CORE_READ(group, iommu_group);

	return iommu ? BPF_CORE_READ(iommu, id)
		     : view_number(BPF_CORE_READ(group, dev.kobj.name));
}

#define VIEW_RLIMIT_MEMLOCK 8
#define VIEW_CAP_IPC_LOCK   14
#define VIEW_PAGE_SHIFT	    12

/* What the current task has locked and may lock, in pages; all bits set: no
 * limit applies to it.
 */
static __always_inline void view_memlock(__u64 *locked, __u64 *limit)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	const struct cred *cred = BPF_CORE_READ(task, cred);
	__u64 caps = 0; /* the type has changed, the bits have not */

	*locked = BPF_CORE_READ(task, mm, locked_vm);
	*limit =
		BPF_CORE_READ(task, signal, rlim[VIEW_RLIMIT_MEMLOCK].rlim_cur);
	bpf_core_read(&caps, sizeof(caps), &cred->cap_effective);
	if (caps & 1ULL << VIEW_CAP_IPC_LOCK || *limit == ~0ULL)
		*limit = ~0ULL;
	else
		*limit >>= VIEW_PAGE_SHIFT;
}

#endif /* VFIOSCOPE_VIEWS_BPF_H */
