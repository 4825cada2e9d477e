/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the trace events of vfio.ko and vfio_iommu_type1.ko are given.
 *
 * An event with few facts takes them as arguments. An operation on DMA has a
 * dozen, more than a tracepoint may take, so it fills one of the structs below
 * and passes its address: a BPF program on the tracepoint reads the fields by
 * CO-RE, ftrace and perf see each as a field of the event's format.
 *
 * The values of the enums and the names of the struct members are part of the
 * stable surface: add at the end, never change.
 */
#ifndef _VFIO_TRACE_TYPES_H
#define _VFIO_TRACE_TYPES_H

#include <linux/types.h>

/* Why a reference on a group object moved. */
enum vfio_group_ref_reason {
	VFIO_GROUP_REF_DEVICE,		/* a registered device is in the group */
	VFIO_GROUP_REF_FILE,		/* the group's open file */
	VFIO_GROUP_REF_CONTAINER,	/* the group is attached to a container */
	VFIO_GROUP_REF_EXTERNAL,	/* an external user in the kernel */
};

/* Why the user count of a group's attachment to a container moved. */
enum vfio_container_user_reason {
	VFIO_CONTAINER_USER_ATTACH,	/* the attachment itself counts one */
	VFIO_CONTAINER_USER_DEVICE,	/* an open device */
	VFIO_CONTAINER_USER_EXTERNAL,	/* an external user in the kernel */
};

/**
 * struct vfio_dma_map_event - one VFIO_IOMMU_MAP_DMA, from start to end
 * @container: id of the container, no other living one's
 * @prot: VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE as asked for
 * @ret: 0 or a negative errno
 * @iova: first I/O virtual address, bytes
 * @vaddr: first user virtual address, bytes
 * @size: bytes asked for
 * @done: bytes mapped so far; equals @size at the end of a map that worked
 * @duration_ns: the whole call
 * @pin_ns: finding, faulting in and pinning pages, summed over CPUs
 * @iommu_ns: programming the IOMMU, summed over CPUs
 * @pages: pages of PAGE_SIZE that were pinned
 * @runs: physically contiguous pieces that they form
 * @start_ns: when the call began, CLOCK_MONOTONIC; 0 if nobody hears of its end
 */
struct vfio_dma_map_event {
	u32 container;
	u32 prot;
	s32 ret;
	u64 iova;
	u64 vaddr;
	u64 size;
	u64 done;
	u64 duration_ns;
	u64 pin_ns;
	u64 iommu_ns;
	u64 pages;
	u64 runs;
	u64 start_ns;
};

/**
 * struct vfio_dma_unmap_event - one VFIO_IOMMU_UNMAP_DMA
 * @container: id of the container
 * @flags: VFIO_DMA_UNMAP_FLAG_* as asked for
 * @ret: 0 or a negative errno
 * @iova: first I/O virtual address asked for, bytes
 * @size: bytes asked for (0 with VFIO_DMA_UNMAP_FLAG_ALL)
 * @unmapped: bytes that were mapped and no longer are
 * @duration_ns: the whole call
 * @iommu_ns: taking translations away and flushing
 * @unpin_ns: giving pages back
 * @pages: pages of PAGE_SIZE that were unpinned
 * @start_ns: when the call began, CLOCK_MONOTONIC
 */
struct vfio_dma_unmap_event {
	u32 container;
	u32 flags;
	s32 ret;
	u64 iova;
	u64 size;
	u64 unmapped;
	u64 duration_ns;
	u64 iommu_ns;
	u64 unpin_ns;
	u64 pages;
	u64 start_ns;
};

#endif /* _VFIO_TRACE_TYPES_H */
