/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a tool's BPF program includes. It says what to do when something
 * happens and does not know who told:
 *
 *	ON(dma_map)
 *	{
 *		... e->container, e->duration_ns ...
 *	}
 *
 * The names are those of the trace events without "vfio_", e is the struct of
 * event.h, ctx is for helpers that want it, such as bpf_get_stackid(). ON()
 * makes one program a source; the runner loads those of the source that is
 * used. A further source is a header that defines NAME_event for every event,
 * and one more word in SOURCES(). A recording is such a source, in a program
 * compiled for the user's side (tools/lib/replay.h): so a handler is plain C,
 * and reads kernel memory by functions of views.bpf.h alone.
 */
#ifndef VFIOSCOPE_SOURCE_BPF_H
#define VFIOSCOPE_SOURCE_BPF_H

#ifdef VFIOSCOPE_REPLAY
#include "replay_bpf.h" /* from tools/lib: no kernel, but a recording */
#else
#include "views.bpf.h"
#include "event.h"
#include "source_tracepoint.bpf.h"
#include "source_stock.bpf.h"
#endif

#define EV_container_open      struct ev_container
#define EV_container_release   struct ev_container
#define EV_group_open	       struct ev_group
#define EV_group_release       struct ev_group
#define EV_group_get	       struct ev_group_ref
#define EV_group_put	       struct ev_group_ref
#define EV_container_attach    struct ev_attach
#define EV_container_detach    struct ev_attach
#define EV_container_set_iommu struct ev_set_iommu
#define EV_container_users     struct ev_users
#define EV_device_open	       struct ev_device
#define EV_device_close	       struct ev_device
#define EV_external_user_get   struct ev_external
#define EV_external_user_put   struct ev_external
#define EV_group_set_kvm       struct ev_set_kvm
#define EV_dma_map_start       struct ev_dma_map
#define EV_dma_map	       struct ev_dma_map
#define EV_dma_map_progress    struct ev_dma_map
#define EV_dma_unmap_start     struct ev_dma_unmap
#define EV_dma_unmap	       struct ev_dma_unmap
#define EV_dma_pin	       struct ev_dma_pin
#define EV_dma_unpin	       struct ev_dma_pin
#define EV_locked_vm	       struct ev_locked_vm

#ifdef VFIOSCOPE_REPLAY
#define SOURCES(event) REPLAY(event)
#else
#define SOURCES(event) TRACEPOINT_##event STOCK_##event
#endif

#define ON(event)                                                    \
	static __always_inline void on_##event(void *ctx,            \
					       const EV_##event *e); \
	SOURCES(event)                                               \
	static __always_inline void on_##event(void *ctx, const EV_##event *e)

#endif /* VFIOSCOPE_SOURCE_BPF_H */
