/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a tool's BPF program includes. It says what it hears and what to do then,
 * and does not know who told:
 *
 *	#define HEARS_dma_map 1
 *	#include "source.bpf.h"
 *
 *	ON(dma_map)
 *	{
 *		... e->container, e->duration_ns ...
 *	}
 *
 * The names are those of the trace events without "vfio_", e is the struct of
 * event.h, ctx is for helpers that want it, such as bpf_get_stackid(). Each
 * source has programs for what is heard; the runner loads those of the source
 * that is used. A further source is one more header. A recording is such a
 * source, in a program compiled for the user's side (tools/lib/replay.h): so a
 * handler is plain C, and reads kernel memory by functions of views.bpf.h alone.
 */
#ifndef VFIOSCOPE_SOURCE_BPF_H
#define VFIOSCOPE_SOURCE_BPF_H

#ifdef VFIOSCOPE_REPLAY
#include "replay_bpf.h" /* from tools/lib: no kernel, but a recording */
#else
#include "views.bpf.h"
#include "event.h"
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

#define HANDLER(event) \
	static __always_inline void on_##event(void *ctx, const EV_##event *e)

#ifdef VFIOSCOPE_REPLAY
#define SOURCES(event) REPLAY(event)
#else
HANDLER(container_open);
HANDLER(container_release);
HANDLER(group_open);
HANDLER(group_release);
HANDLER(group_get);
HANDLER(group_put);
HANDLER(container_attach);
HANDLER(container_detach);
HANDLER(container_set_iommu);
HANDLER(container_users);
HANDLER(device_open);
HANDLER(device_close);
HANDLER(external_user_get);
HANDLER(external_user_put);
HANDLER(group_set_kvm);
HANDLER(dma_map_start);
HANDLER(dma_map);
HANDLER(dma_map_progress);
HANDLER(dma_unmap_start);
HANDLER(dma_unmap);
HANDLER(dma_pin);
HANDLER(dma_unpin);
HANDLER(locked_vm);

#include "source_tracepoint.bpf.h"
#include "source_stock.bpf.h"
#define SOURCES(event) TRACEPOINT_##event
#endif

#define ON(event)                                               \
	_Static_assert(HEARS_##event, "what is heard is said"); \
	HANDLER(event);                                         \
	SOURCES(event)                                          \
	HANDLER(event)

#endif /* VFIOSCOPE_SOURCE_BPF_H */
