/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event source that is best: the trace events of our modules.
 *
 * TRACEPOINT_event makes the program that hears the event and hands it to the
 * tool's on_event(). A program's name says where it belongs, tp__MODULE__EVENT:
 * the runner loads those of a module when that module is there. Arguments of a
 * tp_btf program are typed, so the structs of the DMA events are read by plain
 * loads, without a helper call.
 */
#ifndef VFIOSCOPE_SOURCE_TRACEPOINT_BPF_H
#define VFIOSCOPE_SOURCE_TRACEPOINT_BPF_H

#include "views.bpf.h"
#include "event.h"

#define TRACEPOINT(module, event, args...) \
	SEC("tp_btf/vfio_" #event)         \
	int BPF_PROG(tp__##module##__##event, ##args)

#define TRACEPOINT_container_open                                 \
	TRACEPOINT(vfio, container_open, __u32 container)         \
	{                                                         \
		struct ev_container e = {.container = container}; \
                                                                  \
		on_container_open(ctx, &e);                       \
		return 0;                                         \
	}

#define TRACEPOINT_container_release                                         \
	TRACEPOINT(vfio, container_release, __u32 container, __u64 lifetime) \
	{                                                                    \
		struct ev_container e = {.container = container,             \
					 .lifetime_ns = lifetime};           \
                                                                             \
		on_container_release(ctx, &e);                               \
		return 0;                                                    \
	}

#define TRACEPOINT_GROUP(event)                                   \
	TRACEPOINT(vfio, event, int group, int err)               \
	{                                                         \
		struct ev_group e = {.group = group, .ret = err}; \
                                                                  \
		on_##event(ctx, &e);                              \
		return 0;                                         \
	}
#define TRACEPOINT_group_open	 TRACEPOINT_GROUP(group_open)
#define TRACEPOINT_group_release TRACEPOINT_GROUP(group_release)

#define TRACEPOINT_GROUP_REF(event)                                      \
	TRACEPOINT(vfio, event, int group, __u32 refs, __u32 reason)     \
	{                                                                \
		struct ev_group_ref e = {                                \
			.group = group, .refs = refs, .reason = reason}; \
                                                                         \
		on_##event(ctx, &e);                                     \
		return 0;                                                \
	}
#define TRACEPOINT_group_get TRACEPOINT_GROUP_REF(group_get)
#define TRACEPOINT_group_put TRACEPOINT_GROUP_REF(group_put)

#define TRACEPOINT_ATTACH(event)                                     \
	TRACEPOINT(vfio, event, __u32 container, int group, int err, \
		   __u64 duration)                                   \
	{                                                            \
		struct ev_attach e = {.container = container,        \
				      .group = group,                \
				      .ret = err,                    \
				      .duration_ns = duration};      \
                                                                     \
		on_##event(ctx, &e);                                 \
		return 0;                                            \
	}
#define TRACEPOINT_container_attach TRACEPOINT_ATTACH(container_attach)
#define TRACEPOINT_container_detach TRACEPOINT_ATTACH(container_detach)

#define TRACEPOINT_container_set_iommu                                      \
	TRACEPOINT(vfio, container_set_iommu, __u32 container,              \
		   const char *driver, __u32 type, int err, __u64 duration) \
	{                                                                   \
		struct ev_set_iommu e = {.container = container,            \
					 .type = type,                      \
					 .ret = err,                        \
					 .duration_ns = duration,           \
					 .driver = driver};                 \
                                                                            \
		on_container_set_iommu(ctx, &e);                            \
		return 0;                                                   \
	}

#define TRACEPOINT_container_users                                    \
	TRACEPOINT(vfio, container_users, __u32 container, int group, \
		   __u32 users, int delta, __u32 reason)              \
	{                                                             \
		struct ev_users e = {.container = container,          \
				     .group = group,                  \
				     .users = users,                  \
				     .delta = delta,                  \
				     .reason = reason};               \
                                                                      \
		on_container_users(ctx, &e);                          \
		return 0;                                             \
	}

#define TRACEPOINT_DEVICE(event)                                \
	TRACEPOINT(vfio, event, int group, const char *device,  \
		   __u32 open_count, int err, __u64 duration)   \
	{                                                       \
		struct ev_device e = {.group = group,           \
				      .open_count = open_count, \
				      .ret = err,               \
				      .duration_ns = duration,  \
				      .device = device};        \
                                                                \
		on_##event(ctx, &e);                            \
		return 0;                                       \
	}
#define TRACEPOINT_device_open	TRACEPOINT_DEVICE(device_open)
#define TRACEPOINT_device_close TRACEPOINT_DEVICE(device_close)

#define TRACEPOINT_EXTERNAL(event)                                       \
	TRACEPOINT(vfio, event, int group, __u32 container, __u32 users, \
		   int err, unsigned long caller)                        \
	{                                                                \
		struct ev_external e = {.group = group,                  \
					.container = container,          \
					.users = users,                  \
					.ret = err,                      \
					.caller = caller};               \
                                                                         \
		on_##event(ctx, &e);                                     \
		return 0;                                                \
	}
#define TRACEPOINT_external_user_get TRACEPOINT_EXTERNAL(external_user_get)
#define TRACEPOINT_external_user_put TRACEPOINT_EXTERNAL(external_user_put)

/* An argument of type "const void *" may not be read by a tp_btf program; to
 * a raw_tp program all are plain numbers.
 */
#define TRACEPOINT_group_set_kvm                                              \
	SEC("raw_tp/vfio_group_set_kvm")                                      \
	int BPF_PROG(tp__vfio__group_set_kvm, int group, void *kvm,           \
		     bool linked)                                             \
	{                                                                     \
		struct ev_set_kvm e = {                                       \
			.group = group, .kvm = (__u64)kvm, .linked = linked}; \
                                                                              \
		on_group_set_kvm(ctx, &e);                                    \
		return 0;                                                     \
	}

/* Modules of before this member still tell all the others. */
#define TRACEPOINT_START(event) \
	(bpf_core_field_exists((event)->start_ns) ? (event)->start_ns : 0)
/* A call whose beginning nobody timed has no event at its end: it begins nothing. */
#define TRACEPOINT_UNTIMED(event) \
	(bpf_core_field_exists((event)->start_ns) && !(event)->start_ns)

/* What a handler does not look at, the compiler leaves out. Newer verifiers
 * take every pointer of a module's tracepoint for one that may be NULL
 * (838a10bd2ebf, "bpf: Augment raw_tp arguments with PTR_MAYBE_NULL").
 */
#define TRACEPOINT_DMA_MAP(event)                                          \
	TRACEPOINT(type1, event, const struct vfio_dma_map_event *map)     \
	{                                                                  \
		if (!map || TRACEPOINT_UNTIMED(map))                       \
			return 0;                                          \
                                                                           \
		struct ev_dma_map e = {.container = map->container,        \
				       .prot = map->prot,                  \
				       .ret = map->ret,                    \
				       .iova = map->iova,                  \
				       .vaddr = map->vaddr,                \
				       .size = map->size,                  \
				       .done = map->done,                  \
				       .duration_ns = map->duration_ns,    \
				       .pin_ns = map->pin_ns,              \
				       .iommu_ns = map->iommu_ns,          \
				       .pages = map->pages,                \
				       .runs = map->runs,                  \
				       .wait_ns = EV_UNKNOWN,              \
				       .start_ns = TRACEPOINT_START(map)}; \
                                                                           \
		on_##event(ctx, &e);                                       \
		return 0;                                                  \
	}
#define TRACEPOINT_dma_map_start    TRACEPOINT_DMA_MAP(dma_map_start)
#define TRACEPOINT_dma_map	    TRACEPOINT_DMA_MAP(dma_map)
#define TRACEPOINT_dma_map_progress TRACEPOINT_DMA_MAP(dma_map_progress)

#define TRACEPOINT_DMA_UNMAP(event)                                            \
	TRACEPOINT(type1, event, const struct vfio_dma_unmap_event *unmap)     \
	{                                                                      \
		if (!unmap || TRACEPOINT_UNTIMED(unmap))                       \
			return 0;                                              \
                                                                               \
		struct ev_dma_unmap e = {.container = unmap->container,        \
					 .flags = unmap->flags,                \
					 .ret = unmap->ret,                    \
					 .iova = unmap->iova,                  \
					 .size = unmap->size,                  \
					 .unmapped = unmap->unmapped,          \
					 .duration_ns = unmap->duration_ns,    \
					 .iommu_ns = unmap->iommu_ns,          \
					 .unpin_ns = unmap->unpin_ns,          \
					 .pages = unmap->pages,                \
					 .start_ns = TRACEPOINT_START(unmap)}; \
                                                                               \
		on_##event(ctx, &e);                                           \
		return 0;                                                      \
	}
#define TRACEPOINT_dma_unmap_start TRACEPOINT_DMA_UNMAP(dma_unmap_start)
#define TRACEPOINT_dma_unmap	   TRACEPOINT_DMA_UNMAP(dma_unmap)

#define TRACEPOINT_DMA_PIN(event)                                          \
	TRACEPOINT(type1, event, __u32 container, __u64 iova, __u64 pages, \
		   int err, __u64 duration)                                \
	{                                                                  \
		struct ev_dma_pin e = {.container = container,             \
				       .ret = err,                         \
				       .iova = iova,                       \
				       .pages = pages,                     \
				       .duration_ns = duration};           \
                                                                           \
		on_##event(ctx, &e);                                       \
		return 0;                                                  \
	}
#define TRACEPOINT_dma_pin   TRACEPOINT_DMA_PIN(dma_pin)
#define TRACEPOINT_dma_unpin TRACEPOINT_DMA_PIN(dma_unpin)

#define TRACEPOINT_locked_vm                                       \
	TRACEPOINT(type1, locked_vm, __u32 container, __u64 pages, \
		   __u64 locked, __u64 limit)                      \
	{                                                          \
		struct ev_locked_vm e = {.container = container,   \
					 .pages = pages,           \
					 .locked = locked,         \
					 .limit = limit};          \
                                                                   \
		on_locked_vm(ctx, &e);                             \
		return 0;                                          \
	}

#endif /* VFIOSCOPE_SOURCE_TRACEPOINT_BPF_H */
