/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trace events of vfio_iommu_type1.ko: what is mapped, pinned and refused.
 *
 * One event an operation, none a page. The rules of trace/vfio.h hold here too.
 * The events that take a struct read it while the caller still owns it.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vfio_type1

#if !defined(_VFIO_TRACE_VFIO_TYPE1_H) || defined(TRACE_HEADER_MULTI_READ)
#define _VFIO_TRACE_VFIO_TYPE1_H

#include <linux/tracepoint.h>

#include "vfio_trace_types.h"

#define show_dma_prot(prot)						\
	__print_flags(prot, "|",					\
		      { 1UL, "READ" },					\
		      { 2UL, "WRITE" })

TRACE_EVENT(vfio_dma_map_start,
	TP_PROTO(const struct vfio_dma_map_event *map),
	TP_ARGS(map),
	TP_STRUCT__entry(
		__field(u64, iova)
		__field(u64, vaddr)
		__field(u64, size)
		__field(u32, container)
		__field(u32, prot)
	),
	TP_fast_assign(
		__entry->iova = map->iova;
		__entry->vaddr = map->vaddr;
		__entry->size = map->size;
		__entry->container = map->container;
		__entry->prot = map->prot;
	),
	TP_printk("container=%u iova=0x%llx vaddr=0x%llx size=%llu prot=%s",
		  __entry->container, __entry->iova, __entry->vaddr,
		  __entry->size, show_dma_prot(__entry->prot))
);

TRACE_EVENT(vfio_dma_map,
	TP_PROTO(const struct vfio_dma_map_event *map),
	TP_ARGS(map),
	TP_STRUCT__entry(
		__field(u64, iova)
		__field(u64, vaddr)
		__field(u64, size)
		__field(u64, duration_ns)
		__field(u64, pin_ns)
		__field(u64, iommu_ns)
		__field(u64, pages)
		__field(u64, runs)
		__field(u32, container)
		__field(u32, prot)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->iova = map->iova;
		__entry->vaddr = map->vaddr;
		__entry->size = map->size;
		__entry->duration_ns = map->duration_ns;
		__entry->pin_ns = map->pin_ns;
		__entry->iommu_ns = map->iommu_ns;
		__entry->pages = map->pages;
		__entry->runs = map->runs;
		__entry->container = map->container;
		__entry->prot = map->prot;
		__entry->ret = map->ret;
	),
	TP_printk("container=%u iova=0x%llx vaddr=0x%llx size=%llu prot=%s ret=%d duration_ns=%llu pin_ns=%llu iommu_ns=%llu pages=%llu runs=%llu",
		  __entry->container, __entry->iova, __entry->vaddr,
		  __entry->size, show_dma_prot(__entry->prot), __entry->ret,
		  __entry->duration_ns, __entry->pin_ns, __entry->iommu_ns,
		  __entry->pages, __entry->runs)
);

TRACE_EVENT(vfio_dma_map_progress,
	TP_PROTO(const struct vfio_dma_map_event *map),
	TP_ARGS(map),
	TP_STRUCT__entry(
		__field(u64, iova)
		__field(u64, done)
		__field(u64, size)
		__field(u32, container)
	),
	TP_fast_assign(
		__entry->iova = map->iova;
		__entry->done = map->done;
		__entry->size = map->size;
		__entry->container = map->container;
	),
	TP_printk("container=%u iova=0x%llx done=%llu size=%llu",
		  __entry->container, __entry->iova, __entry->done,
		  __entry->size)
);

TRACE_EVENT(vfio_dma_unmap_start,
	TP_PROTO(const struct vfio_dma_unmap_event *unmap),
	TP_ARGS(unmap),
	TP_STRUCT__entry(
		__field(u64, iova)
		__field(u64, size)
		__field(u32, container)
		__field(u32, flags)
	),
	TP_fast_assign(
		__entry->iova = unmap->iova;
		__entry->size = unmap->size;
		__entry->container = unmap->container;
		__entry->flags = unmap->flags;
	),
	TP_printk("container=%u iova=0x%llx size=%llu flags=0x%x",
		  __entry->container, __entry->iova, __entry->size,
		  __entry->flags)
);

TRACE_EVENT(vfio_dma_unmap,
	TP_PROTO(const struct vfio_dma_unmap_event *unmap),
	TP_ARGS(unmap),
	TP_STRUCT__entry(
		__field(u64, iova)
		__field(u64, size)
		__field(u64, unmapped)
		__field(u64, duration_ns)
		__field(u64, iommu_ns)
		__field(u64, unpin_ns)
		__field(u64, pages)
		__field(u32, container)
		__field(u32, flags)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->iova = unmap->iova;
		__entry->size = unmap->size;
		__entry->unmapped = unmap->unmapped;
		__entry->duration_ns = unmap->duration_ns;
		__entry->iommu_ns = unmap->iommu_ns;
		__entry->unpin_ns = unmap->unpin_ns;
		__entry->pages = unmap->pages;
		__entry->container = unmap->container;
		__entry->flags = unmap->flags;
		__entry->ret = unmap->ret;
	),
	TP_printk("container=%u iova=0x%llx size=%llu unmapped=%llu ret=%d duration_ns=%llu iommu_ns=%llu unpin_ns=%llu pages=%llu flags=0x%x",
		  __entry->container, __entry->iova, __entry->size,
		  __entry->unmapped, __entry->ret, __entry->duration_ns,
		  __entry->iommu_ns, __entry->unpin_ns, __entry->pages,
		  __entry->flags)
);

DECLARE_EVENT_CLASS(vfio_dma_emulated,
	TP_PROTO(u32 container, u64 iova, u64 pages, int ret, u64 duration_ns),
	TP_ARGS(container, iova, pages, ret, duration_ns),
	TP_STRUCT__entry(
		__field(u64, iova)
		__field(u64, pages)
		__field(u64, duration_ns)
		__field(u32, container)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->iova = iova;
		__entry->pages = pages;
		__entry->duration_ns = duration_ns;
		__entry->container = container;
		__entry->ret = ret;
	),
	TP_printk("container=%u iova=0x%llx pages=%llu ret=%d duration_ns=%llu",
		  __entry->container, __entry->iova, __entry->pages,
		  __entry->ret, __entry->duration_ns)
);

DEFINE_EVENT(vfio_dma_emulated, vfio_dma_pin,
	TP_PROTO(u32 container, u64 iova, u64 pages, int ret, u64 duration_ns),
	TP_ARGS(container, iova, pages, ret, duration_ns));
DEFINE_EVENT(vfio_dma_emulated, vfio_dma_unpin,
	TP_PROTO(u32 container, u64 iova, u64 pages, int ret, u64 duration_ns),
	TP_ARGS(container, iova, pages, ret, duration_ns));

TRACE_EVENT(vfio_locked_vm,
	TP_PROTO(u32 container, u64 pages, u64 locked, u64 limit),
	TP_ARGS(container, pages, locked, limit),
	TP_STRUCT__entry(
		__field(u64, pages)
		__field(u64, locked)
		__field(u64, limit)
		__field(u32, container)
	),
	TP_fast_assign(
		__entry->pages = pages;
		__entry->locked = locked;
		__entry->limit = limit;
		__entry->container = container;
	),
	TP_printk("container=%u pages=%llu locked=%llu limit=%llu",
		  __entry->container, __entry->pages, __entry->locked,
		  __entry->limit)
);

#endif /* _VFIO_TRACE_VFIO_TYPE1_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH trace
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE vfio_type1
#include <trace/define_trace.h>
