/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the BPF side and the programs tell each other.
 *
 * First the event model: what a handler of a tool is given when something
 * happens, whichever source said so. Ids are those of the trace events: a
 * container's number, a group's number. Times are ns, sizes bytes. A figure that
 * the source cannot know is EV_UNKNOWN, all bits set. Then the records of the
 * snapshot. What belongs to one tool is in TOOL.h.
 */
#ifndef VFIOSCOPE_EVENT_H
#define VFIOSCOPE_EVENT_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define VFIOSCOPE_NAME_LEN 40 /* a mediated device is called by its UUID */
#define VFIOSCOPE_COMM_LEN 16

#define EV_PAGE_BYTES 4096 /* of a figure in pages; x86-64 has no other */

/* In a container's id: it is made of an address. */
#define EV_CONTAINER_ADDRESS (1U << 31)

#define EV_UNKNOWN (~0ULL) /* in an __s32 or __u32 its low half, -1 */

/* container_open, container_release */
struct ev_container {
	__u32 container;
	__u64 lifetime_ns; /* release only */
};

/* group_open, group_release */
struct ev_group {
	__s32 group;
	__s32 ret;
};

/* group_get, group_put */
struct ev_group_ref {
	__s32 group;
	__u32 refs;
	__u32 reason; /* enum vfio_group_ref_reason */
};

/* container_attach, container_detach */
struct ev_attach {
	__u32 container;
	__s32 group;
	__s32 ret;
	__u64 duration_ns;
};

struct ev_set_iommu {
	__u32 container;
	__u32 type;
	__s32 ret;
	__u64 duration_ns;
	const char *driver; /* kernel memory, valid in the handler */
};

struct ev_users {
	__u32 container;
	__s32 group;
	__u32 users;
	__s32 delta;
	__u32 reason; /* enum vfio_container_user_reason */
};

/* device_open, device_close */
struct ev_device {
	__s32 group;
	__u32 open_count;
	__s32 ret;
	__u64 duration_ns;
	const char *device; /* kernel memory, valid in the handler */
};

/* external_user_get, external_user_put */
struct ev_external {
	__s32 group;
	__u32 container;
	__u32 users;
	__s32 ret;
	__u64 caller;
};

struct ev_set_kvm {
	__s32 group;
	__u32 linked;
	__u64 kvm;
};

/* dma_map_start, dma_map, dma_map_progress; the members are described with
 * struct vfio_dma_map_event
 */
struct ev_dma_map {
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
	__u64 wait_ns; /* until it got to its first page, the lock's wait mostly */
	__u64 start_ns; /* 0: the source does not say */
};

/* dma_unmap_start, dma_unmap */
struct ev_dma_unmap {
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
	__u64 start_ns; /* 0: the source does not say */
};

/* dma_pin, dma_unpin */
struct ev_dma_pin {
	__u32 container;
	__s32 ret;
	__u64 iova;
	__u64 pages;
	__u64 duration_ns;
};

struct ev_locked_vm {
	__u32 container;
	__u64 pages;
	__u64 locked;
	__u64 limit;
};

/* The snapshot: one record for an open file, and for a container's fd one
 * more for each of its groups (SNAP_MEMBER), whoever holds that group's fd.
 */
enum snap_kind {
	SNAP_CONTAINER,
	SNAP_MEMBER,
	SNAP_GROUP,
	SNAP_DEVICE,
};

struct snap_record {
	__u64 container_ptr;
	__u64 iommu_data;
	__u64 group_ptr;
	__u64 kvm;
	__u32 kind;
	__u32 container; /* id */
	__s32 group;	 /* -1: none */
	__u32 users;
	__u32 tgid;
	__s32 fd;
	char comm[VFIOSCOPE_COMM_LEN];
	char device[VFIOSCOPE_NAME_LEN];
};

/* A task that is, by its registers, in a call of type1's. They also show the
 * last call of a task that is in none: the backend's books must agree.
 */
struct snap_call {
	__u64 iova;
	__u64 size;
	__u32 tgid;
	__u32 tid;
};

/* What a container's backend holds; asked for by address. */
struct snap_survey {
	__u64 container_ptr; /* in */
	__u32 container;     /* in: id expected there, 0: any */
	__u32 walk;	     /* in: count mappings and bytes as well */
	__u32 find;	     /* in: look for the mapping that iova is in */
	__u32 has_done;	     /* out: it was found */
	__u64 iova;	     /* in */
	__u64 start;	     /* out: where it begins */
	__u64 done; /* out: its size; that of one in the making grows */
	__u64 from; /* in: walk those alone that begin from here */
	__u64 to;   /* in: ... up to here; 0: all */
	__u32 prot; /* out: IOMMU_READ | IOMMU_WRITE */
	__u32 unused;
	__u32 ok;	 /* out: the container is what was expected */
	__u32 has_avail; /* out: dma_avail was found */
	__u32 dma_avail; /* out: mappings that may still be made */
	__u32 has_maps;	 /* out: the tree of mappings was walked */
	__u64 maps;	 /* out */
	__u64 bytes;	 /* out: bytes that are mapped */
	__u64 pinned;	 /* out: bytes of mappings that an IOMMU has */
	__u64 making;	 /* out: where one is in the making, if has_making */
	__u64 has_making;
};

#endif /* VFIOSCOPE_EVENT_H */
