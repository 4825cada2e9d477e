/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What bpf/holders.bpf.c finds: who has which file, and what is behind it.
 *
 * Kernel objects go by their addresses, which tell them apart and are asked
 * about; 0 is none.
 */
#ifndef VFIOSCOPE_HOLDERS_BPF_H
#define VFIOSCOPE_HOLDERS_BPF_H

#include "event.h"

/* What a file is. */
enum hold_what {
	HOLD_OTHER,
	HOLD_CONTAINER,
	HOLD_GROUP,
	HOLD_DEVICE,
	HOLD_KVM,      /* a VM's, or of one of its vcpus or devices */
	HOLD_IO_URING, /* may have files of its own that nobody sees */
	HOLD_VHOST,    /* keeps the memory that it works in */
};

/* How somebody has it. */
enum hold_via {
	HOLD_BY_FD,
	HOLD_BY_SOCKET, /* sent, not received yet; whose socket it waits in */
	HOLD_BY_MMAP,
	HOLD_BY_MM, /* shares the memory that has it mapped */
};

struct hold_file {
	__u64 file;
	__u64 object; /* container, group, device or VM */
	__u64 group;  /* of a group's and a device's file */
	__u64 mm;     /* HOLD_BY_MMAP, HOLD_BY_MM, HOLD_VHOST */
	__u64 bytes;  /* HOLD_BY_MMAP: of one range */
	__u32 what;
	__u32 via;
	__u32 tgid;
	__s32 fd;
	__u32 vm_fd; /* HOLD_KVM: the VM's own */
	__u32 owner; /* HOLD_BY_MMAP: process whose memory it is, 0: unknown */
	char comm[VFIOSCOPE_COMM_LEN];
};

/* A list of the kernel's, one entry a call. */
enum hold_list {
	HOLD_CHAR_DEVICES,  /* of: bucket; found: group */
	HOLD_IOMMU_GROUPS,  /* found: vfio group that owns its DMA */
	HOLD_GROUP_DEVICES, /* of: group; found: device */
	HOLD_IOMMU_DEVICES, /* of: iommu group; found: struct device */
	HOLD_VMS,	    /* found: VM */
	HOLD_VM_DEVICES,    /* of: VM; found: its VFIO device's data */
	HOLD_VM_FILES,	    /* of: that; found: file */
};

struct hold_next {
	__u64 of;    /* in: whose list */
	__u64 at;    /* in: 0 or as it came back; out: 0 at the end */
	__u64 found; /* out: 0 if this entry is none of what is looked for */
	__u32 list;
	__u32 unused;
};

struct hold_group {
	__u64 group; /* in */
	__u64 container_ptr;
	__u64 iommu_group; /* 0: it is being removed */
	__u64 opened_file;
	__u64 kvm;
	__s32 id;
	__u32 container; /* id, 0: none */
	__u32 users;
	__u32 external; /* part of users; 0 where there is no such thing */
	__u32 per_file; /* users counts a device's files, not devices */
	__u32 ok;	/* out: it is a group */
};

struct hold_device {
	__u64 device; /* in */
	__u64 group;
	__u64 dev; /* struct device */
	__u32 open_count;
	__u32 ok;
	char name[VFIOSCOPE_NAME_LEN];
};

/* Memory that has a device mapped, whether or not a process has it: a mapping a
 * call.
 */
struct hold_memory {
	__u64 device; /* in */
	__u64 at;     /* in: 0 or as they came back; out: 0 at the end */
	__u64 from;
	__u64 file; /* out: 0: the walk is to go on */
	__u64 group;
	__u64 mm;
	__u64 bytes;
};

/* Who holds a device's lock. */
struct hold_lock {
	__u64 dev; /* in */
	__u32 tid; /* 0: nobody */
	__u32 tgid;
	char comm[VFIOSCOPE_COMM_LEN];
	char name[VFIOSCOPE_NAME_LEN]; /* of the device */
};

#endif /* VFIOSCOPE_HOLDERS_BPF_H */
