/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's lists that lead to groups, devices, VMs and their files, an entry
 * a call. Part of holders.bpf.c, whose addresses it uses.
 */
#ifndef VFIOSCOPE_HOLDERS_LISTS_BPF_H
#define VFIOSCOPE_HOLDERS_LISTS_BPF_H

#define CHAR_BUCKETS 255

#define MEMBER(base, type, member) \
	((__u64)(base) + bpf_core_field_offset(type, member))
#define CONTAINER(entry, type, member) \
	((__u64)(entry)-bpf_core_field_offset(type, member))

static __always_inline __u64 next_of(__u64 entry)
{
	struct list_head *list = (void *)entry;

	return (__u64)BPF_CORE_READ(list, next);
}

/* A group if the char device is one. */
static __always_inline __u64 group_of_cdev(__u64 cdev_ptr)
{
	struct cdev *cdev = (void *)cdev_ptr;

	if (!cdev || (__u64)BPF_CORE_READ(cdev, ops) != group_fops)
		return 0;
	return CONTAINER(cdev, struct vfio_group___view, cdev);
}

static __always_inline void next_char_device(struct hold_next *s)
{
	struct probe___view *probe = (void *)s->at;
	__u64 map = 0, bucket = s->of;

	if (probe) {
		probe = BPF_CORE_READ(probe, next);
	} else if (bucket < CHAR_BUCKETS && char_devices) {
		bpf_probe_read_kernel(&map, sizeof(map), (void *)char_devices);
		map += bpf_core_field_offset(struct kobj_map___view, probes);
		bpf_probe_read_kernel(&probe, sizeof(probe),
				      (void *)(map + bucket * sizeof(probe)));
	}
	s->at = (__u64)probe;
	if (probe)
		s->found = group_of_cdev((__u64)BPF_CORE_READ(probe, data));
}

static __always_inline __u64 head_of(const struct hold_next *s)
{
	__u64 kset = 0;

	switch (s->list) {
	case HOLD_IOMMU_GROUPS:
		bpf_probe_read_kernel(&kset, sizeof(kset),
				      (void *)iommu_groups);
		return kset ? MEMBER(kset, struct kset, list) : 0;
	case HOLD_GROUP_DEVICES:
		return MEMBER(s->of, struct vfio_group___view, device_list);
	case HOLD_IOMMU_DEVICES:
		return MEMBER(s->of, struct iommu_group___view, devices);
	case HOLD_VMS:
		return kvm_vms;
	case HOLD_VM_DEVICES:
		if (bpf_core_type_exists(struct kvm_device___view))
			return MEMBER(s->of, struct kvm___view, devices);
		return 0;
	case HOLD_VM_FILES:
		if (bpf_core_field_exists(struct kvm_vfio___view, file_list))
			return MEMBER(s->of, struct kvm_vfio___view, file_list);
		if (bpf_core_field_exists(struct kvm_vfio___view, group_list))
			return MEMBER(s->of, struct kvm_vfio___view,
				      group_list);
		return 0;
	}
	return 0;
}

static __always_inline __u64 owner_of_group(__u64 entry)
{
	struct iommu_group___view *iommu;
	struct vfio_group___view *group;

	iommu = (void *)(CONTAINER(entry, struct kobject, entry) -
			 bpf_core_field_offset(struct iommu_group___view,
					       kobj));
	if (!bpf_core_field_exists(iommu->owner))
		return 0;
	group = BPF_CORE_READ(iommu, owner);
	if (!group)
		return 0;
	return group_of_cdev(MEMBER(group, struct vfio_group___view, cdev));
}

static __always_inline __u64 vfio_of_kvm(__u64 entry)
{
	struct kvm_device___view *device;

	if (!bpf_core_type_exists(struct kvm_device___view))
		return 0;
	device = (void *)CONTAINER(entry, struct kvm_device___view, vm_node);
	if ((__u64)BPF_CORE_READ(device, ops) != kvm_vfio_ops)
		return 0;
	return (__u64)BPF_CORE_READ(device, private);
}

static __always_inline __u64 file_of_kvm(__u64 entry)
{
	struct kvm_vfio_group___view *group;
	struct kvm_vfio_file___view *file;

	if (bpf_core_type_exists(struct kvm_vfio_file___view)) {
		file = (void *)CONTAINER(entry, struct kvm_vfio_file___view,
					 node);
		return (__u64)BPF_CORE_READ(file, file);
	}
	if (bpf_core_type_exists(struct kvm_vfio_group___view)) {
		group = (void *)CONTAINER(entry, struct kvm_vfio_group___view,
					  node);
		return (__u64)BPF_CORE_READ(group, file);
	}
	return 0;
}

static __always_inline __u64 found_at(__u32 list, __u64 entry)
{
	struct group_device___view *device;

	switch (list) {
	case HOLD_IOMMU_GROUPS:
		return owner_of_group(entry);
	case HOLD_GROUP_DEVICES:
		return CONTAINER(entry, struct vfio_device___view, group_next);
	case HOLD_IOMMU_DEVICES:
		device = (void *)CONTAINER(entry, struct group_device___view,
					   list);
		return (__u64)BPF_CORE_READ(device, dev);
	case HOLD_VMS:
		if (bpf_core_field_exists(struct kvm___view, vm_list))
			return CONTAINER(entry, struct kvm___view, vm_list);
		return 0;
	case HOLD_VM_DEVICES:
		return vfio_of_kvm(entry);
	case HOLD_VM_FILES:
		return file_of_kvm(entry);
	}
	return 0;
}

SEC("syscall")
int next(struct hold_next *s)
{
	__u64 head;

	s->found = 0;
	if (s->list == HOLD_CHAR_DEVICES) {
		next_char_device(s);
		return 0;
	}
	head = head_of(s);
	s->at = head ? next_of(s->at ? s->at : head) : 0;
	if (s->at == head)
		s->at = 0;
	if (s->at)
		s->found = found_at(s->list, s->at);
	return 0;
}

#endif /* VFIOSCOPE_HOLDERS_LISTS_BPF_H */
